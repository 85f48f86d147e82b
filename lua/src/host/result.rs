//! What Argo CD reads from the returned tables.

use super::error::ResultError;
use super::patch;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The six statuses that Argo CD knows.
const STATUSES: [&str; 6] = ["Healthy", "Progressing", "Suspended", "Degraded", "Missing", "Unknown"];

/// A resource's health as Argo CD takes it from a script. Both texts are empty for Argo CD's empty health, which counts
/// as healthy (contract 13 §1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// One of Healthy, Progressing, Suspended, Degraded, Missing and Unknown, or empty.
    pub status: String,
    /// For people.
    pub message: String,
}

/// An action that discovery offers (contract 13 §2.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundAction {
    /// Name.
    pub name: String,
    /// Whether Argo CD's UI greys it out. Its server runs it all the same.
    pub disabled: bool,
    /// CSS class of its icon, empty for none.
    pub icon_class: String,
    /// Name in the UI, empty for the name itself.
    pub display_name: String,
    /// Names of its parameters.
    pub parameters: Vec<String>,
}

/// What Argo CD does with a resource that an action returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Create it.
    Create,
    /// Change the resource that the action was run on.
    Patch,
}

/// A resource that an action returns.
#[derive(Clone, Debug, PartialEq)]
pub struct Impacted {
    /// What is to be done with it.
    pub operation: Operation,
    /// The resource; for a patch with its empty objects restored.
    pub resource: Value,
}

/// What an action does (contract 13 §2.5).
#[derive(Clone, Debug, PartialEq)]
pub struct Acted {
    /// The resource as it should be afterwards. The same as before where the action only creates others.
    pub object: Value,
    /// JSON merge patch from the live object to [`Self::object`]; none when nothing changes, and then nothing is
    /// written.
    pub patch: Option<Value>,
    /// First write: the *whole* patch, sent to the `status` subresource, where it touches the status.
    pub status_patch: Option<Value>,
    /// Second write, to the resource itself: the patch without the status.
    pub main_patch: Option<Value>,
    /// All that the action returned, in its order: one patch from a script of the older form, any number of patches
    /// and creations from one that returns a list (Argo CD 2.8 and later).
    pub impacted: Vec<Impacted>,
}

/// Reads a health as Go reads JSON into a struct: names in any case, nothing else looked at, and any member of a wrong
/// type makes the whole empty.
pub(super) fn health(returned: &Value) -> Health {
    let mut health = Health::default();
    let Value::Object(members) = returned else {
        return health;
    };
    for (key, value) in sorted(members) {
        let target = if key.eq_ignore_ascii_case("status") {
            &mut health.status
        } else if key.eq_ignore_ascii_case("message") {
            &mut health.message
        } else {
            continue;
        };
        let Value::String(text) = value else {
            return Health::default();
        };
        target.clone_from(text);
    }
    if STATUSES.contains(&health.status.as_str()) {
        return health;
    }
    Health {
        status: "Unknown".to_owned(),
        message: "Lua returned an invalid health status".to_owned(),
    }
}

pub(super) fn actions(returned: &Value) -> Result<Vec<FoundAction>, ResultError> {
    let members = match returned {
        Value::Array(items) if items.is_empty() => return Ok(Vec::new()),
        Value::Object(members) => members,
        other => return Err(wrong("", "a table of actions by name", other)),
    };
    let mut actions = Vec::with_capacity(members.len());
    for (name, value) in members {
        actions.push(action(name, value)?);
    }
    actions.sort();
    Ok(actions)
}

fn action(name: &str, value: &Value) -> Result<FoundAction, ResultError> {
    let mut action = FoundAction {
        name: name.to_owned(),
        ..FoundAction::default()
    };
    let at = format!("/{name}");
    let members = match value {
        // An empty table, and for Argo CD any other list, is an action that is enabled.
        Value::Array(_) => return Ok(action),
        Value::Object(members) => members,
        other => return Err(wrong(&at, "a table", other)),
    };
    for (key, value) in sorted(members) {
        let at = format!("{at}/{key}");
        match key.to_ascii_lowercase().as_str() {
            "name" => action.name = text(&at, value)?,
            "disabled" => {
                let Value::Bool(disabled) = value else {
                    return Err(wrong(&at, "true or false", value));
                };
                action.disabled = *disabled;
            }
            "iconclass" => action.icon_class = text(&at, value)?,
            "displayname" => action.display_name = text(&at, value)?,
            "params" => action.parameters = parameters(&at, value)?,
            _ => {}
        }
    }
    Ok(action)
}

fn parameters(at: &str, value: &Value) -> Result<Vec<String>, ResultError> {
    let Value::Array(items) = value else {
        return Err(wrong(at, "a list of parameters", value));
    };
    let mut names = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = format!("{at}/{index}");
        let Value::Object(members) = item else {
            return Err(wrong(&at, "a table with a name", item));
        };
        let name = members.iter().find(|(key, _)| key.eq_ignore_ascii_case("name"));
        names.push(name.map_or_else(|| Ok(String::new()), |(_, name)| text(&format!("{at}/name"), name))?);
    }
    Ok(names)
}

pub(super) fn acted(returned: Value, live: &Value) -> Result<Acted, ResultError> {
    let mut impacted = match returned {
        Value::Array(items) if items.is_empty() => return Err(ResultError::Nothing),
        Value::Array(items) => {
            let read = items.into_iter().enumerate();
            read.map(|(index, item)| one_impacted(index, item))
                .collect::<Result<Vec<_>, _>>()?
        }
        resource => {
            with_kind("", &resource)?;
            let operation = Operation::Patch;
            vec![Impacted { operation, resource }]
        }
    };
    for one in &mut impacted {
        if one.operation == Operation::Patch {
            patch::restore_empty(&mut one.resource, live);
        }
    }
    let object = impacted.iter().rfind(|one| one.operation == Operation::Patch);
    let object = object.map_or_else(|| live.clone(), |one| one.resource.clone());
    let patch = patch::merge_patch(live, &object);
    let (status_patch, main_patch) = patch::split(patch.as_ref());
    Ok(Acted {
        object,
        patch,
        status_patch,
        main_patch,
        impacted,
    })
}

fn one_impacted(index: usize, item: Value) -> Result<Impacted, ResultError> {
    let at = format!("/{index}");
    let Value::Object(mut members) = item else {
        return Err(wrong(&at, "a table of operation and resource", &item));
    };
    let operation = match members.get("operation") {
        Some(Value::String(text)) if text == "create" => Operation::Create,
        Some(Value::String(text)) if text == "patch" => Operation::Patch,
        other => {
            return Err(ResultError::Operation {
                at: format!("{at}/operation"),
                operation: other.map_or_else(|| "none".to_owned(), Value::to_string),
            });
        }
    };
    let resource = members.remove("resource").unwrap_or_default();
    with_kind(&format!("{at}/resource"), &resource)?;
    Ok(Impacted { operation, resource })
}

/// Argo CD reads objects of Kubernetes only: they have a kind.
fn with_kind(at: &str, resource: &Value) -> Result<(), ResultError> {
    let Value::Object(members) = resource else {
        return Err(wrong(at, "an object with a kind", resource));
    };
    match members.get("kind") {
        Some(Value::String(kind)) if !kind.is_empty() => Ok(()),
        other => Err(wrong(
            &format!("{at}/kind"),
            "the name of a kind",
            other.unwrap_or(&Value::Null),
        )),
    }
}

/// The members in the order in which gopher-json writes them, whatever order the map has.
fn sorted(members: &Map<String, Value>) -> BTreeMap<&String, &Value> {
    members.iter().collect()
}

fn text(at: &str, value: &Value) -> Result<String, ResultError> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| wrong(at, "a text", value))
}

fn wrong(at: &str, wanted: &'static str, found: &Value) -> ResultError {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list (or an empty table)",
        Value::Object(_) => "a table",
    };
    ResultError::Type {
        at: at.to_owned(),
        wanted,
        found: found.to_owned(),
    }
}
