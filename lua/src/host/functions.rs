//! The basic functions as Argo CD's scripts find them.

use super::machine::{Libraries, Stop};
use super::{number, time};
use jiff::Timestamp;
use mlua::{Function, Lua, MultiValue, Table, Value, Variadic};

/// Functions that gopher-lua has and that no health check or action needs: they read files, load code or get around
/// the limits.
const FORBIDDEN: [&str; 8] = [
    "dofile",
    "getfenv",
    "load",
    "loadfile",
    "loadstring",
    "module",
    "newproxy",
    "setfenv",
];

/// What Lua 5.1 has and gopher-lua has not.
const UNKNOWN_TO_GOPHER_LUA: [&str; 3] = ["foreach", "foreachi", "setn"];

/// Puts the functions in their places that must not be those of Lua 5.1.
pub(super) fn install(lua: &Lua, libraries: Libraries, now: Timestamp) -> mlua::Result<()> {
    let globals = lua.globals();
    for name in FORBIDDEN {
        globals.raw_set(name, forbidden(lua, name)?)?;
    }
    // What a script prints goes to the log of Argo CD's server; here it goes nowhere.
    let nothing = lua.create_function(|_, _: Variadic<Value>| Ok(()))?;
    globals.raw_set("print", &nothing)?;
    globals.raw_set("collectgarbage", nothing)?;
    globals.raw_set("gcinfo", Value::Nil)?;
    globals.raw_set("tonumber", lua.create_function(to_number)?)?;
    globals.raw_set("tostring", to_string(lua, &globals)?)?;
    globals.raw_set("xpcall", xpcall(lua, &globals)?)?;
    require(lua, &globals, now)?;

    let table: Table = globals.raw_get("table")?;
    for name in UNKNOWN_TO_GOPHER_LUA {
        table.raw_set(name, Value::Nil)?;
    }
    let insert: Function = table.raw_get("insert")?;
    table.raw_set(
        "insert",
        lua.create_function(move |_, arguments| guarded_insert(&insert, arguments))?,
    )?;

    match libraries {
        Libraries::Closed => globals.raw_set("coroutine", Value::Nil),
        Libraries::Open => {
            let string: Table = globals.raw_get("string")?;
            string.raw_set("dump", forbidden(lua, "string.dump")?)?;
            globals.raw_set("os", time::library(lua, now)?)
        }
    }
}

fn forbidden(lua: &Lua, name: &'static str) -> mlua::Result<Function> {
    lua.create_function(move |_, _: Variadic<Value>| -> mlua::Result<()> {
        Err(mlua::Error::external(Stop::Forbidden(name.to_owned())))
    })
}

fn require(lua: &Lua, globals: &Table, now: Timestamp) -> mlua::Result<()> {
    let require = lua.create_function(move |lua, name: String| {
        if name == "os" {
            return time::library(lua, now);
        }
        let call = format!("require({name:?})");
        Err(mlua::Error::external(Stop::Forbidden(call)))
    })?;
    globals.raw_set("require", require)
}

/// Lua calls the handler of `xpcall` where the error is raised; when that is the look at the clock, the clock is not
/// looked at again until the handler returns, and a handler that loops would loop for ever. So it is called afterwards.
fn xpcall(lua: &Lua, globals: &Table) -> mlua::Result<Function> {
    const SCRIPT: &str = "local pcall, call, handle = ... \
        local function answer(ok, ...) if ok then return ok, ... end return ok, handle(...) end \
        return answer(pcall(call))";
    let pcall: Function = globals.raw_get("pcall")?;
    lua.create_function(move |lua, (call, handle): (Value, Function)| {
        let script = lua.load(SCRIPT).set_name("=xpcall").into_function()?;
        script.call::<MultiValue>((&pcall, call, handle))
    })
}

fn to_string(lua: &Lua, globals: &Table) -> mlua::Result<Function> {
    let original: Function = globals.raw_get("tostring")?;
    lua.create_function(move |lua, arguments: Variadic<Value>| match arguments.first() {
        Some(Value::Integer(integer)) => Ok(Value::String(lua.create_string(integer.to_string())?)),
        Some(Value::Number(float)) => Ok(Value::String(lua.create_string(number::text(*float))?)),
        _ => original.call(arguments),
    })
}

fn to_number(_: &Lua, (value, base): (Option<Value>, Option<u32>)) -> mlua::Result<Value> {
    let Some(value) = value else {
        return Err(mlua::Error::runtime("bad argument #1 to 'tonumber' (value expected)"));
    };
    Ok(match value {
        Value::Integer(_) | Value::Number(_) => value,
        Value::String(text) => {
            if base.is_some_and(|base| !(2..=36).contains(&base)) {
                return Err(mlua::Error::runtime(
                    "bad argument #2 to 'tonumber' (base out of range)",
                ));
            }
            let number = text.to_str().ok().and_then(|text| number::parse(&text, base));
            number.map_or(Value::Nil, Value::Number)
        }
        _ => Value::Nil,
    })
}

/// `table.insert` moves all items behind the place, also those that a place far below 1 only makes up: two thousand
/// million of them in one instruction, which no deadline would interrupt.
fn guarded_insert(insert: &Function, arguments: Variadic<Value>) -> mlua::Result<()> {
    let place = match (arguments.len(), arguments.get(1)) {
        (3, Some(Value::Integer(place))) => *place,
        #[expect(clippy::cast_possible_truncation, reason = "fractions are cut off, as Lua does")]
        (3, Some(Value::Number(place))) => *place as i64,
        _ => 1,
    };
    if place < 1 {
        return Err(mlua::Error::runtime(format!(
            "bad argument #2 to 'insert' (the place must be 1 or more, not {place})"
        )));
    }
    insert.call(arguments)
}

/// The line of the first `goto` or label of a script, outside texts and comments.
pub(super) fn first_goto(script: &str) -> Option<usize> {
    let bytes = script.as_bytes();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let rest = &script.as_bytes()[at..];
        let skipped = match rest {
            [b'-', b'-', comment @ ..] => 2 + long_bracket(comment).unwrap_or_else(|| until(comment, b'\n')),
            [b'[', ..] => long_bracket(rest).unwrap_or(1),
            [quote @ (b'"' | b'\''), text @ ..] => 1 + quoted(text, *quote),
            [b':', b':', ..] => return Some(line),
            [letter, ..] if is_word(*letter) => {
                let length = rest.iter().take_while(|byte| is_word(**byte)).count();
                if &rest[..length] == b"goto"
                    && rest[length..]
                        .trim_ascii_start()
                        .first()
                        .is_some_and(|next| is_word(*next))
                {
                    return Some(line);
                }
                length
            }
            _ => 1,
        };
        let end = (at + skipped).min(bytes.len());
        line += bytes[at..end].iter().filter(|byte| **byte == b'\n').count();
        at = end;
    }
    None
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn until(bytes: &[u8], end: u8) -> usize {
    bytes.iter().position(|byte| *byte == end).unwrap_or(bytes.len())
}

/// The length of `text"` including the quote.
fn quoted(text: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of `[==[ ... ]==]`, if one begins here.
fn long_bracket(bytes: &[u8]) -> Option<usize> {
    let inner = bytes.strip_prefix(b"[")?;
    let level = inner.iter().take_while(|byte| **byte == b'=').count();
    if inner.get(level) != Some(&b'[') {
        return None;
    }
    let end = [b"]".as_slice(), &vec![b'='; level], b"]"].concat();
    let found = inner.windows(end.len()).position(|window| window == end);
    Some(found.map_or(bytes.len(), |found| 1 + found + end.len()))
}

#[cfg(test)]
mod tests {
    use super::first_goto;

    #[test]
    fn goto_is_found_outside_texts_and_comments_only() {
        assert_eq!(first_goto("local a\nfor _ = 1, 2 do goto next end"), Some(2));
        assert_eq!(first_goto("local a = 1\n::next::"), Some(2));
        assert_eq!(
            first_goto("-- goto next\nlocal a = 'goto x' .. \"\\\"goto y\" .. [==[\ngoto z]==]"),
            None
        );
        assert_eq!(first_goto("--[[ goto x\n ]] local gotox = 1"), None);
    }
}
