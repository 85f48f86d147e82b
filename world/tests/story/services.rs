//! Services: what people do to them, and what they select.

use super::Why;
use super::stage::{Stage, yaml};
use serin_core::wire::HASH_LABEL;
use std::collections::BTreeMap;

/// Carries out one line about Services; none if it is about something else.
pub fn act(stage: &mut Stage, text: &str) -> Option<Result<(), Why>> {
    if text == "create the Services" {
        stage.world.create_services();
        return Some(Ok(()));
    }
    if let Some(name) = text.strip_prefix("delete Service ") {
        let gone = stage.world.services.remove(name);
        return Some(gone.map(|_| ()).ok_or_else(|| missing(name)));
    }
    if let Some(rest) = text.strip_prefix("create Service ") {
        let (name, manager) = rest.split_once(" managed by ").unwrap_or((rest, ""));
        stage.world.create_service(name);
        if !manager.is_empty() {
            let service = stage.world.services.get_mut(name)?;
            service.managed_by = Some(manager.to_owned());
        }
        return Some(Ok(()));
    }
    if let Some(name) = text.strip_prefix("another Rollout names Service ") {
        stage.world.named_elsewhere.insert(name.to_owned());
        return Some(Ok(()));
    }
    if let Some(rest) = text.strip_prefix("the Rollout ") {
        if let Some(manager) = rest.strip_suffix(" is gone") {
            stage.world.gone_managers.insert(manager.to_owned(), stage.world.now);
            return Some(Ok(()));
        }
        let manager = rest.strip_suffix(" is there again")?;
        stage.world.gone_managers.remove(manager);
        return Some(Ok(()));
    }
    let rest = text.strip_prefix("edit Service ")?;
    Some(edit(stage, rest))
}

/// `web-active selector: {app: web}`, `web-active managed by nobody`.
fn edit(stage: &mut Stage, text: &str) -> Result<(), Why> {
    if let Some((name, manager)) = text.split_once(" managed by ") {
        return change(stage, name, None, Some(manager));
    }
    let (name, selector) = text
        .split_once(" selector: ")
        .ok_or_else(|| Why::not_understood("neither `selector: ` nor `managed by `"))?;
    let selector = stage.with_hashes(selector);
    let selector = serde_json::from_value(yaml(&selector)?)
        .map_err(|error| Why::not_understood(format!("`{selector}` is no selector: {error}")))?;
    change(stage, name, Some(selector), None)
}

fn change(
    stage: &mut Stage,
    name: &str,
    selector: Option<BTreeMap<String, String>>,
    manager: Option<&str>,
) -> Result<(), Why> {
    let old = stage.world.services.get(name).cloned().ok_or_else(|| missing(name))?;
    // Created anew for the sake of its version.
    stage.world.create_service(name);
    let service = stage.world.services.get_mut(name).ok_or_else(|| missing(name))?;
    service.selector = selector.unwrap_or(old.selector);
    service.managed_by = match manager {
        Some("nobody") => None,
        Some(manager) => Some(manager.to_owned()),
        None => old.managed_by,
    };
    Ok(())
}

fn missing(name: &str) -> Why {
    Why::Otherwise {
        expected: format!("a Service {name}"),
        actual: "none".to_owned(),
    }
}

/// `web-active selects r2`, `web-active selects every revision`, `web-active selector: {…}`, `web-active managed by web`.
pub fn check(stage: &Stage, text: &str) -> Result<(), Why> {
    let (name, rest) = text
        .split_once(' ')
        .ok_or_else(|| Why::not_understood("no such expectation"))?;
    let service = stage.world.services.get(name).ok_or_else(|| missing(name))?;
    let (expected, actual) = if let Some(revision) = rest.strip_prefix("selects ") {
        (revision.to_owned(), revision_of(stage, name))
    } else if let Some(manager) = rest.strip_prefix("managed by ") {
        let actual = service.managed_by.clone().unwrap_or_else(|| "nobody".to_owned());
        (manager.to_owned(), actual)
    } else if let Some(selector) = rest.strip_prefix("selector: ") {
        let expected = yaml(&stage.with_hashes(selector))?;
        (expected.to_string(), serde_json::json!(service.selector).to_string())
    } else {
        return Err(Why::not_understood("no such expectation"));
    };
    if expected == actual {
        return Ok(());
    }
    Err(Why::Otherwise { expected, actual })
}

fn revision_of(stage: &Stage, name: &str) -> String {
    let service = stage.world.services.get(name);
    let Some(hash) = service.and_then(|service| service.selector.get(HASH_LABEL)) else {
        return "every revision".to_owned();
    };
    let set = stage.world.sets.iter().find(|set| set.object.hash() == hash);
    set.map_or_else(
        || format!("hash {hash}, which no ReplicaSet has"),
        |set| format!("r{}", set.object.revision()),
    )
}
