//! Rules of `ignoreDifferences` that freeze an array, where the sync respects them (contract 13 §6.3).

use super::is_custom_group;
use crate::sources::{list, text};
use serde_json::Value;

/// The sync option that keeps what is ignored.
pub(crate) const RESPECTS: &str = "RespectIgnoreDifferences=true";

/// Whether a rule is for an object, and may freeze arrays of it. A kind of Kubernetes itself has keys for its lists, and is
/// merged.
pub(crate) fn is_for(rule: &Value, group: &str, kind: &str, namespace: &str, name: &str) -> bool {
    let any = |field: &str| matches!(text(&rule[field]), "" | "*");
    let same = |field: &str, value: &str| text(&rule[field]) == value;
    let kind = (same("kind", kind) || same("kind", "*")) && (same("group", group) || same("group", "*"));
    let named = [("name", name), ("namespace", namespace)];
    kind && is_custom_group(group) && named.iter().all(|(field, value)| any(field) || same(field, value))
}

/// A path of a rule that goes through an array without selecting by a name.
pub(crate) fn array_path(rule: &Value) -> Option<&str> {
    let jq = list(&rule["jqPathExpressions"])
        .iter()
        .map(text)
        .find(|it| has_array(it) && !it.contains("select("));
    let pointer = list(&rule["jsonPointers"]).iter().map(text).find(|it| {
        it.split('/')
            .any(|step| !step.is_empty() && step.chars().all(|c| c.is_ascii_digit()))
    });
    jq.or(pointer)
}

/// Whether an expression goes through an array, and not to a key in brackets.
fn has_array(expression: &str) -> bool {
    let mut behind = expression.split('[').skip(1);
    behind.any(|rest| rest.starts_with(|c: char| c == ']' || c == ':' || c.is_ascii_digit()))
}
