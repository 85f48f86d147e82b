//! Fields of a pod template that the frozen table does not know.

use super::TEMPLATE;
use super::fields::Kind;
use crate::api::PodTemplate;
use serde_json::Value;

/// Paths of the fields that are newer than the table of the hash, such as `spec.newField`. They count in Serin's hash
/// (decision 20), and a version of Argo Rollouts that does not know them leaves them out of its own.
#[must_use]
pub fn unknown_fields(template: &PodTemplate) -> Vec<String> {
    let mut unknown = Vec::new();
    look(&template.to_value(), &TEMPLATE, "", &mut unknown);
    unknown
}

fn look(value: &Value, kind: &Kind, path: &str, unknown: &mut Vec<String>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match (kind, value) {
        (Kind::Pointer(of), _) => look(value, of, path, unknown),
        (Kind::Object(of), Value::Object(members)) => {
            for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                match of.fields.iter().find(|field| field.name == name) {
                    Some(field) => look(value, &field.kind, &below(name), unknown),
                    None => unknown.push(below(name)),
                }
            }
        }
        (Kind::List(of), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                look(item, of, &format!("{path}[{index}]"), unknown);
            }
        }
        (Kind::Map(of), Value::Object(members)) => {
            for (name, value) in members {
                look(value, of, &below(name), unknown);
            }
        }
        (
            Kind::Object(_)
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Text
            | Kind::Bool
            | Kind::Int32
            | Kind::Int64
            | Kind::Quantity
            | Kind::IntOrString
            | Kind::Time
            | Kind::Raw,
            _,
        ) => {}
    }
}
