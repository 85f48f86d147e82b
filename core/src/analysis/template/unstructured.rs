//! The run of a template that somebody makes by hand: `create analysisrun` (contract 10 §2).

use crate::api::analysis_template::Argument;
use crate::wire::INSTANCE_ID;
use serde_json::{Map, Value, json};

/// What the new run is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Its name; empty where the API server makes one.
    pub name: String,
    /// What a name begins with that the API server makes. Without both it is the name of the template.
    pub generate_name: String,
    /// Its namespace.
    pub namespace: String,
    /// The instance that is to serve it; empty for none.
    pub instance_id: String,
}

/// The run: the template, as it is stored or written, under another kind and name, with its labels, annotations and spec.
///
/// # Errors
/// A template without a name where the run has none either; arguments of the template that do not decode; the first
/// argument without a value.
pub fn of_template(mut object: Value, naming: &Naming, given: &[Argument]) -> Result<Value, String> {
    let template = object["metadata"]["name"].as_str().unwrap_or_default();
    let prefix = match (naming.name.as_str(), naming.generate_name.as_str()) {
        ("", "") if template.is_empty() => return Err("name is invalid".to_owned()),
        ("", "") => format!("{template}-"),
        ("", prefix) => prefix.to_owned(),
        _ => String::new(),
    };
    let merged = merged(object.pointer("/spec/args"), given)?;
    if let Some(members) = object.as_object_mut() {
        members.insert("kind".to_owned(), json!("AnalysisRun"));
        let metadata = members.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            rename(metadata, naming, &prefix);
        }
        if !merged.is_empty() {
            let spec = members.entry("spec").or_insert_with(|| json!({}));
            spec["args"] = json!(merged);
        }
    }
    Ok(object)
}

/// The metadata of a new object: what the API server wrote into that of the template goes.
fn rename(metadata: &mut Map<String, Value>, naming: &Naming, prefix: &str) {
    for field in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
    ] {
        metadata.remove(field);
    }
    metadata.insert("name".to_owned(), json!(naming.name));
    metadata.insert("generateName".to_owned(), json!(prefix));
    metadata.insert("namespace".to_owned(), json!(naming.namespace));
    // In place of the labels of the template (contract 10 §2).
    if !naming.instance_id.is_empty() {
        metadata.insert("labels".to_owned(), json!({INSTANCE_ID: naming.instance_id}));
    }
}

/// The arguments of the template with the values that were given; all must have one.
fn merged(of_template: Option<&Value>, given: &[Argument]) -> Result<Vec<Argument>, String> {
    let Some(of_template) = of_template.filter(|it| !it.is_null()) else {
        return Ok(given.to_vec());
    };
    let mut merged: Vec<Argument> =
        serde_json::from_value(of_template.clone()).map_err(|error| format!("spec.args: {error}"))?;
    for given in given {
        // Argo Rollouts drops what a template with arguments does not know.
        if let Some(known) = merged.iter_mut().find(|known| known.name == given.name) {
            known.value.clone_from(&given.value);
        }
    }
    match merged.iter().find(|it| it.value.is_none() && it.value_from.is_none()) {
        Some(unresolved) => Err(format!("args.{} was not resolved", unresolved.name)),
        None => Ok(merged),
    }
}
