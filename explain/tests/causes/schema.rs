//! The committed JSON Schema, and a small reader of it.

use serde_json::Value;
use serin_explain::Explanations;
use std::path::Path;

#[test]
fn the_schema_is_committed() {
    let schema = schemars::schema_for!(Explanations);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/explanations.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == text,
        "the output has changed: raise VERSION if it must, and run the test with UPDATE=1"
    );
}

/// Checks a value against a schema: the words that the schema of explanations uses.
pub(crate) fn check(root: &Value, schema: &Value, value: &Value, at: &str) {
    if let Err(why) = valid(root, schema, value, at) {
        panic!("{why}");
    }
}

fn valid(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root
            .pointer(&reference[1..])
            .ok_or_else(|| format!("{reference} leads nowhere"))?;
        return valid(root, target, value, at);
    }
    for word in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[word].as_array()
            && !choices.iter().any(|choice| valid(root, choice, value, at).is_ok())
        {
            return Err(format!("{at}: {value} is none of {word}"));
        }
    }
    if let Some(constant) = schema.get("const")
        && constant != value
    {
        return Err(format!("{at}: {value} is not {constant}"));
    }
    if let Some(all) = schema["enum"].as_array()
        && !all.contains(value)
    {
        return Err(format!("{at}: {value} is not in the enum"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(several) => several.iter().any(|one| one == kind),
        _ => true,
    };
    if !fits {
        return Err(format!("{at}: {kind} is not {}", schema["type"]));
    }
    if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            members
                .get(name.as_str().unwrap_or_default())
                .ok_or_else(|| format!("{at}: {name} is missing"))?;
        }
        for (name, member) in members {
            let known = schema["properties"].get(name);
            if let Some(known) = known {
                valid(root, known, member, &format!("{at}.{name}"))?;
            } else if schema["properties"].is_object() {
                return Err(format!("{at}.{name} is not in the schema"));
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        valid(root, &schema["items"], item, &format!("{at}[{index}]"))?;
    }
    Ok(())
}
