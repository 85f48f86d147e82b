//! Step plugins: which there are, what they answer, and how they were called.

use super::Why;
use super::stage::{Stage, yaml};
use serin_core::observed::{Configured, Says, Verified};
use serin_world::plugins::{Plugins, Reply};
use serin_world::router_plugins::Reply as RouterReply;

/// Carries out one line about plugins; none if it is about something else.
pub fn act(stage: &mut Stage, text: &str) -> Option<Result<(), Why>> {
    if let Some(names) = text.strip_prefix("the controller has step plugins") {
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        stage.world.plugins = Some(Plugins::of(names.map(configured).collect()));
        return Some(Ok(()));
    }
    if let Some(names) = text.strip_prefix("the controller has router plugins ") {
        stage.world.router_plugins.configured = names.split(',').map(|name| name.trim().to_owned()).collect();
        return Some(Ok(()));
    }
    if let Some(rest) = text.strip_prefix("router ") {
        return Some(router(stage, rest));
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

/// `a/b confirms the weight`, `a/b does not answer`.
fn router(stage: &mut Stage, text: &str) -> Result<(), Why> {
    let (name, does) = text.split_once(' ').ok_or_else(|| Why::not_understood("no name"))?;
    let reply = match does {
        "does as it is told" => RouterReply::Does(Verified::NotImplemented),
        "confirms weights" => RouterReply::Does(Verified::Yes),
        "confirms no weight" => RouterReply::Does(Verified::No),
        "does not answer" => RouterReply::IsSilent,
        _ => match (does.strip_prefix("cannot verify: "), does.strip_prefix("fails: ")) {
            (Some(why), _) => RouterReply::Does(Verified::Failed(why.to_owned())),
            (_, Some(why)) => RouterReply::Fails(why.to_owned()),
            _ => return Err(Why::not_understood("no such answer")),
        },
    };
    stage.world.router_plugins.replies.insert(name.to_owned(), reply);
    Ok(())
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
    compare(expected, &made.unwrap_or_default())
}

/// `told UpdateHash a/b, SetWeight a/b 50`, `told none`: calls of router plugins since the last such line.
pub fn told(stage: &mut Stage, expected: &str) -> Result<(), Why> {
    compare(expected, &std::mem::take(&mut stage.world.router_plugins.made))
}

fn compare(expected: &str, made: &[String]) -> Result<(), Why> {
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
