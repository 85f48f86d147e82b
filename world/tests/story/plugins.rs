//! Step plugins: which there are, what they answer, and how they were called.

use super::Why;
use super::stage::{Stage, yaml};
use serin_core::observed::{Configured, Says};
use serin_world::plugins::{Plugins, Reply};

/// Carries out one line about plugins; none if it is about something else.
pub fn act(stage: &mut Stage, text: &str) -> Option<Result<(), Why>> {
    if let Some(names) = text.strip_prefix("the controller has step plugins") {
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        stage.world.plugins = Some(Plugins::of(names.map(configured).collect()));
        return Some(Ok(()));
    }
    let rest = text.strip_prefix("plugin ")?;
    let (name, reply) = if let Some((name, answer)) = rest.split_once(" answers ") {
        match says(answer) {
            Ok(says) => (name, Reply::Says(says)),
            Err(why) => return Some(Err(why)),
        }
    } else if let Some((name, why)) = rest.split_once(" fails: ") {
        (name, Reply::Says(Says::Failure(why.to_owned())))
    } else {
        (rest.strip_suffix(" does not answer")?, Reply::Nothing)
    };
    let plugins = stage.world.plugins.as_mut();
    Some(match plugins {
        Some(plugins) => {
            plugins.replies.insert(name.to_owned(), reply);
            Ok(())
        }
        None => Err(Why::not_understood("the controller has no step plugins")),
    })
}

/// `a/b`, or `a/b (disabled)`.
fn configured(text: &str) -> (String, Configured) {
    match text.strip_suffix(" (disabled)") {
        Some(name) => (name.to_owned(), Configured::Disabled),
        None => (text.to_owned(), Configured::Enabled),
    }
}

/// `{phase: Running, message: half}`.
fn says(text: &str) -> Result<Says, Why> {
    let result = serde_json::from_value(yaml(text)?);
    result
        .map(Says::Result)
        .map_err(|error| Why::not_understood(error.to_string()))
}

/// `calls Run a/b 2, Abort a/b 2`, `calls none`: since the last such line.
pub fn check(stage: &mut Stage, expected: &str) -> Result<(), Why> {
    let made = stage
        .world
        .plugins
        .as_mut()
        .map(|plugins| std::mem::take(&mut plugins.made));
    let made = made.unwrap_or_default();
    let actual = if made.is_empty() {
        "none".to_owned()
    } else {
        made.join(", ")
    };
    if expected == actual {
        return Ok(());
    }
    let expected = expected.to_owned();
    Err(Why::Otherwise { expected, actual })
}
