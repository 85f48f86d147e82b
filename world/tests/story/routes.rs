//! Objects of traffic routers: what people do to them, what they say, and the weight that they carry.

use super::Why;
use super::fields::{compare, leaf};
use super::stage::{Stage, yaml};

/// Carries out one line about such an object; none if it is about something else.
pub fn act(stage: &mut Stage, text: &str) -> Option<Result<(), Why>> {
    if let Some(name) = text.strip_prefix("create Ingress ") {
        stage.world.create_ingress(name);
        return Some(Ok(()));
    }
    if let Some(why) = text.strip_prefix("the API server refuses reads of routers: ") {
        stage.world.objects.refused = Some(why.to_owned());
        return Some(Ok(()));
    }
    if text == "the API server accepts reads of routers again" {
        stage.world.objects.refused = None;
        return Some(Ok(()));
    }
    if let Some(object) = text.strip_prefix("create object ") {
        return Some(yaml(object).map(|object| stage.world.set_route(object)));
    }
    if let Some(rest) = text.strip_prefix("delete object ") {
        let (kind, name) = rest.split_once(' ')?;
        return Some(there(stage.world.delete_route(kind, name), rest));
    }
    let rest = text.strip_prefix("edit object ")?;
    let (name, patch) = rest.split_once(": ")?;
    let (kind, name) = name.split_once(' ')?;
    Some(yaml(patch).and_then(|patch| there(stage.world.edit_route(kind, name, &patch), rest)))
}

fn there(done: bool, what: &str) -> Result<(), Why> {
    if done {
        return Ok(());
    }
    Err(Why::Otherwise {
        expected: what.to_owned(),
        actual: "no such object".to_owned(),
    })
}

/// `object Ingress web-main-canary annotation KEY: value`, `object Ingress web-main-canary absent`.
pub fn check(stage: &Stage, text: &str) -> Result<(), Why> {
    let mut words = text.splitn(3, ' ');
    let (Some(kind), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else {
        return Err(Why::not_understood("neither kind, name and field"));
    };
    let found = stage.world.objects.find(kind, name);
    if rest == "absent" {
        return found.map_or(Ok(()), |object| {
            Err(Why::Otherwise {
                expected: "absent".to_owned(),
                actual: object.to_string(),
            })
        });
    }
    let object = found.ok_or_else(|| Why::Otherwise {
        expected: format!("{kind} {name}"),
        actual: "none".to_owned(),
    })?;
    let (path, expected) = rest
        .split_once(": ")
        .ok_or_else(|| Why::not_understood("no `: ` and value"))?;
    compare(stage, expected, leaf(object, path))
}

/// `weight 20`: that of the canary.
pub fn weight(stage: &Stage, expected: &str) -> Result<(), Why> {
    let actual = stage
        .world
        .weight()
        .map_or_else(|| "none".to_owned(), |weight| weight.to_string());
    if expected == actual {
        return Ok(());
    }
    Err(Why::Otherwise {
        expected: expected.to_owned(),
        actual,
    })
}
