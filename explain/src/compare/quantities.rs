//! Quantities in one spelling, where Argo CD reads a Rollout's pod template by its type (contract 13 §6.2).

use serde_json::Value;
use serin_core::identity::quantity_value;

/// The object with the quantities of its pod template in one spelling.
pub(super) fn canonical(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(pods) = object.pointer_mut("/spec/template/spec") {
        respell(pods, false);
    }
    object
}

fn respell(value: &mut Value, is_quantity: bool) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let held = matches!(
                    key.as_str(),
                    "limits" | "requests" | "overhead" | "sizeLimit" | "divisor" | "storage"
                );
                respell(value, held || is_quantity);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| respell(item, is_quantity)),
        Value::String(_) | Value::Number(_) if is_quantity => {
            if let Some(text) = quantity_value(value) {
                *value = Value::String(text);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
