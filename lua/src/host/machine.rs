//! One Lua machine for one call: libraries, globals, limits (contract 13 §1.1).

use super::error::{HostError, ResultError};
use super::{convert, functions};
use jiff::Timestamp;
use mlua::chunk::ChunkMode;
use mlua::debug::{Debug, HookTriggers};
use mlua::{Lua, LuaOptions, MultiValue, StdLib, Value as LuaValue, VmState};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the limits are looked at, in instructions. A call takes two, so between two looks at most 32 are made.
const LOOK_EVERY: u32 = 64;
/// From this depth on each call is looked at: below it the next look comes before the limit is reached.
const DEEP: usize = 200;
/// Levels that are looked at to tell calls from tail calls, which the machine counts as levels too.
const LEVELS: usize = 1024;

/// Which libraries a script gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Libraries {
    /// Those of custom scripts, and of all actions.
    Closed,
    /// Those of built-in health checks, and with `useOpenLibs`.
    Open,
}

/// What a script may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) time: Duration,
    pub(super) bytes: usize,
    pub(super) depth: usize,
}

/// What a script is given.
pub(super) struct Input<'a> {
    pub(super) object: &'a Value,
    pub(super) parameters: &'a BTreeMap<String, String>,
    pub(super) now: Timestamp,
}

/// Why the machine stopped a script; carried through Lua as its error.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error("context deadline exceeded")]
    Deadline,
    #[error("stack overflow")]
    StackOverflow,
    #[error("`{0}` is not allowed")]
    Forbidden(String),
}

/// Runs a script in a new machine and gives the last of its values as JSON; `None` for nil or no value.
pub(super) fn run(
    libraries: Libraries,
    limits: Limits,
    script: &str,
    input: &Input<'_>,
) -> Result<Option<Value>, HostError> {
    let began = Instant::now();
    let late = Arc::new(AtomicBool::new(false));
    let explain = |error: mlua::Error| explain(&error, script, libraries, limits, &late);

    let lua = prepare(libraries, limits, input).map_err(explain)?;
    watch(&lua, limits, began, &late).map_err(explain)?;
    let chunk = lua.load(script).set_name("=<string>").set_mode(ChunkMode::Text);
    let function = chunk.into_function().map_err(explain)?;
    let values = function.call::<MultiValue>(()).map_err(explain)?;
    if late.load(Ordering::Relaxed) {
        return Err(explain(mlua::Error::external(Stop::Deadline)));
    }
    lua.gc_stop();
    lua.set_memory_limit(0).map_err(explain)?;
    // Argo CD looks at the top of the stack: of several values the last one counts.
    match values.into_iter().next_back() {
        None | Some(LuaValue::Nil) => Ok(None),
        Some(LuaValue::Table(table)) => convert::to_json(&table).map(Some),
        Some(other) => {
            let found = match other {
                LuaValue::Integer(_) => "number",
                ref other => other.type_name(),
            };
            let found = found.to_owned();
            Err(ResultError::NotATable { found }.into())
        }
    }
}

fn prepare(libraries: Libraries, limits: Limits, input: &Input<'_>) -> mlua::Result<Lua> {
    let standard = match libraries {
        Libraries::Closed => StdLib::TABLE,
        Libraries::Open => StdLib::TABLE | StdLib::STRING | StdLib::MATH,
    };
    let lua = Lua::new_with(standard, LuaOptions::new())?;
    // Until the script runs nothing is garbage, and no allocation has to be guarded: both cost more than the work.
    lua.gc_stop();
    functions::install(&lua, libraries, input.now)?;
    let globals = lua.globals();
    let parameters = lua.create_table_with_capacity(0, input.parameters.len())?;
    for (name, value) in input.parameters {
        parameters.raw_set(name.as_str(), value.as_str())?;
    }
    globals.raw_set("actionParams", parameters)?;
    globals.raw_set("obj", convert::to_lua(&lua, input.object)?)?;
    lua.set_memory_limit(limits.bytes)?;
    lua.gc_restart();
    Ok(lua)
}

/// Looks at clock and depth every few instructions. Once the time is up each further instruction raises the error
/// anew, so that `pcall` cannot keep the script alive.
fn watch(lua: &Lua, limits: Limits, began: Instant, late: &Arc<AtomicBool>) -> mlua::Result<()> {
    let late = Arc::clone(late);
    let triggers = HookTriggers::new().every_nth_instruction(LOOK_EVERY);
    lua.set_global_hook(triggers, move |lua, _| {
        if began.elapsed() > limits.time {
            return overdue(lua, &late);
        }
        if lua.inspect_stack(DEEP, |_| ()).is_some() {
            let late = Arc::clone(&late);
            let triggers = HookTriggers::new().every_nth_instruction(LOOK_EVERY).on_calls();
            lua.set_global_hook(triggers, move |lua, _| {
                if began.elapsed() > limits.time {
                    return overdue(lua, &late);
                }
                if too_deep(lua, limits.depth) {
                    return Err(mlua::Error::external(Stop::StackOverflow));
                }
                Ok(VmState::Continue)
            })?;
        }
        Ok(VmState::Continue)
    })
}

fn overdue(lua: &Lua, late: &AtomicBool) -> mlua::Result<VmState> {
    late.store(true, Ordering::Relaxed);
    let every_one = HookTriggers::new().every_nth_instruction(1);
    lua.set_global_hook(every_one, |_, _| Err(mlua::Error::external(Stop::Deadline)))?;
    Err(mlua::Error::external(Stop::Deadline))
}

fn too_deep(lua: &Lua, limit: usize) -> bool {
    let is_tail_call = |debug: &Debug<'_>| debug.source().what == "tail";
    if lua.inspect_stack(limit, is_tail_call) != Some(false) {
        return false;
    }
    let mut calls = 0;
    for level in 0..LEVELS.max(limit + 1) {
        match lua.inspect_stack(level, is_tail_call) {
            None => break,
            Some(true) => {}
            Some(false) => calls += 1,
        }
    }
    calls > limit
}

fn explain(error: &mlua::Error, script: &str, libraries: Libraries, limits: Limits, late: &AtomicBool) -> HostError {
    let deadline = HostError::Deadline {
        limit_milliseconds: limits.time.as_millis(),
    };
    let memory = HostError::Memory {
        limit_mebibytes: limits.bytes / (1024 * 1024),
    };
    let overflow = HostError::StackOverflow { limit: limits.depth };
    if late.load(Ordering::Relaxed) {
        return deadline;
    }
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return match stop {
            Stop::Deadline => deadline,
            Stop::StackOverflow => overflow,
            Stop::Forbidden(function) => HostError::Forbidden {
                function: function.clone(),
            },
        };
    }
    match cause(error) {
        mlua::Error::SyntaxError { message, .. } => syntax(message, script),
        mlua::Error::MemoryError(_) => memory,
        mlua::Error::StackError => overflow,
        mlua::Error::RuntimeError(message) => {
            let message = message.split("\nstack traceback:").next().unwrap_or_default();
            if message == "not enough memory" {
                memory
            } else if message.ends_with("stack overflow") || message.ends_with("too many results to unpack") {
                overflow
            } else if let Some(function) = absent_library(message, libraries) {
                HostError::Forbidden { function }
            } else {
                let message = message.to_owned();
                HostError::Raised { message }
            }
        }
        other => HostError::Raised {
            message: other.to_string(),
        },
    }
}

/// The innermost error: each Rust function that one passes through wraps it.
fn cause(error: &mlua::Error) -> &mlua::Error {
    match error {
        mlua::Error::CallbackError { cause: inner, .. } => cause(inner),
        other => other,
    }
}

/// The library that a script wanted and that the closed mode does not have.
fn absent_library(message: &str, libraries: Libraries) -> Option<String> {
    if libraries == Libraries::Open {
        return None;
    }
    if message.ends_with("(a string value)") && message.contains("attempt to index") {
        return Some("methods of texts".to_owned());
    }
    let name = message.split_once("attempt to index global '")?.1;
    let name = name.split_once("' (a nil value)")?.0;
    ["string", "math", "io", "os", "coroutine", "debug", "package"]
        .contains(&name)
        .then(|| name.to_owned())
}

fn syntax(message: &str, script: &str) -> HostError {
    if let Some(line) = functions::first_goto(script) {
        return HostError::Goto { line };
    }
    let (place, rest) = message.split_once(": ").unwrap_or(("", message));
    let line = place.rsplit(':').next().and_then(|line| line.parse().ok());
    HostError::Syntax {
        line: line.unwrap_or(1),
        message: rest.to_owned(),
    }
}
