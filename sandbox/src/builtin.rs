//! Defaults and checks of built-in types, as far as clients see them.

use serde_json::Value;

use crate::registry::ResourceType;
use crate::state::State;
use crate::status::FieldError;

pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
pub(crate) fn apply_defaults(_state: &mut State, _resource: &ResourceType, _object: &mut Value, _old: Option<&Value>) {}
pub(crate) fn validate(_resource: &ResourceType, _object: &Value, _old: Option<&Value>) -> Vec<FieldError> {
    Vec::new()
}
