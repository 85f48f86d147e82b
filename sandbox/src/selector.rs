//! Label and field selectors as they stand in query strings, and in `metav1.LabelSelector` objects.

use serde_json::Value;

use crate::status::ApiError;

/// One requirement on a label.
#[derive(Debug, Clone, PartialEq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// A parsed `labelSelector`; the empty one matches everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

impl LabelSelector {
    /// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        split_top_level(text)
            .into_iter()
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(parse_requirement)
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|what| ApiError::bad_request(format!("unable to parse requirement: {what} in selector {text:?}")))
    }

    /// Reads a `metav1.LabelSelector` object (`matchLabels`, `matchExpressions`).
    pub(crate) fn from_object(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
            requirements.push(Requirement::In(
                key.clone(),
                vec![value.as_str().unwrap_or_default().to_owned()],
            ));
        }
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let key = expression["key"].as_str().unwrap_or_default().to_owned();
            let values = expression["values"].as_array().into_iter().flatten();
            let values = values.filter_map(|value| value.as_str().map(str::to_owned)).collect();
            requirements.push(match expression["operator"].as_str() {
                Some("NotIn") => Requirement::NotIn(key, values),
                Some("Exists") => Requirement::Exists(key),
                Some("DoesNotExist") => Requirement::Absent(key),
                _ => Requirement::In(key, values),
            });
        }
        Self(requirements)
    }

    /// Whether the labels (a JSON object, or null) fulfil all requirements.
    pub(crate) fn matches(&self, labels: &Value) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => label(labels, key).is_some_and(|value| values.iter().any(|v| v == value)),
            Requirement::NotIn(key, values) => label(labels, key).is_none_or(|value| values.iter().all(|v| v != value)),
            Requirement::Exists(key) => label(labels, key).is_some(),
            Requirement::Absent(key) => label(labels, key).is_none(),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn label<'a>(labels: &'a Value, key: &str) -> Option<&'a str> {
    labels.get(key).and_then(Value::as_str)
}

/// Splits at commas that are not inside parentheses.
fn split_top_level(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn parse_requirement(part: &str) -> Result<Requirement, String> {
    let key = |text: &str| {
        let text = text.trim();
        if text.is_empty() || text.contains(|c: char| c.is_whitespace() || "()=!,".contains(c)) {
            return Err(format!("{part:?}"));
        }
        Ok(text.to_owned())
    };
    if let Some((before, after)) = part.split_once("!=") {
        return Ok(Requirement::NotIn(key(before)?, vec![after.trim().to_owned()]));
    }
    if let Some((before, after)) = part.split_once('=') {
        let after = after.strip_prefix('=').unwrap_or(after);
        return Ok(Requirement::In(key(before)?, vec![after.trim().to_owned()]));
    }
    if let Some(name) = part.strip_prefix('!') {
        return Ok(Requirement::Absent(key(name)?));
    }
    if let Some((before, list)) = part.split_once('(') {
        let list = list.strip_suffix(')').ok_or_else(|| format!("{part:?}"))?;
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        let mut words = before.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(name), Some("in"), None) => Ok(Requirement::In(key(name)?, values)),
            (Some(name), Some("notin"), None) => Ok(Requirement::NotIn(key(name)?, values)),
            _ => Err(format!("{part:?}")),
        };
    }
    Ok(Requirement::Exists(key(part)?))
}

/// A parsed `fieldSelector`: equalities and inequalities on a few known fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FieldSelector(Vec<(String, bool, String)>);

impl FieldSelector {
    /// Reads `a=b,c!=d`; a field this server does not index is refused with 400, as a real one does.
    pub(crate) fn parse(text: &str, kind: &str) -> Result<Self, ApiError> {
        let mut terms = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (field, equal, value) = if let Some((field, value)) = part.split_once("!=") {
                (field, false, value)
            } else if let Some((field, value)) = part.split_once('=') {
                (field, true, value.strip_prefix('=').unwrap_or(value))
            } else {
                return Err(ApiError::bad_request(format!(
                    "invalid selector: '{text}'; can't understand '{part}'"
                )));
            };
            if !selectable(kind, field) {
                return Err(ApiError::bad_request(unknown_field(kind, field)));
            }
            terms.push((field.to_owned(), equal, value.to_owned()));
        }
        Ok(Self(terms))
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(field, equal, wanted)| {
            let found = field.split('.').try_fold(object, |value, key| value.get(key));
            let found = match found {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => String::new(),
                Some(other) => other.to_string(),
            };
            (found == *wanted) == *equal
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Types without selectable fields of their own share one text of apimachinery's; the others and custom resources another.
fn unknown_field(kind: &str, field: &str) -> String {
    let plain = matches!(
        kind,
        "ConfigMap"
            | "Deployment"
            | "Endpoints"
            | "EndpointSlice"
            | "Ingress"
            | "Lease"
            | "NetworkPolicy"
            | "PersistentVolumeClaim"
            | "PodDisruptionBudget"
            | "ServiceAccount"
    );
    if plain {
        format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    } else {
        format!("field label not supported: {field}")
    }
}

fn selectable(kind: &str, field: &str) -> bool {
    if matches!(field, "metadata.name" | "metadata.namespace") {
        return true;
    }
    match kind {
        "Pod" => matches!(
            field,
            "spec.nodeName"
                | "spec.restartPolicy"
                | "spec.schedulerName"
                | "spec.serviceAccountName"
                | "status.phase"
                | "status.podIP"
                | "status.nominatedNodeName"
        ),
        "Event" => {
            field.starts_with("involvedObject.") || matches!(field, "reason" | "type" | "source" | "reportingComponent")
        }
        "ReplicaSet" => field == "status.replicas",
        "Namespace" => field == "status.phase",
        "Node" => field == "spec.unschedulable",
        "Secret" => field == "type",
        "Job" => field == "status.successful",
        "Service" => matches!(field, "spec.clusterIP" | "spec.type"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use serde_json::json;

    use super::{FieldSelector, LabelSelector};

    #[test]
    fn requirements_of_all_forms() {
        let labels = json!({ "app": "a", "tier": "web" });
        for (text, expected) in [
            ("", true),
            ("app=a", true),
            ("app==a,tier=web", true),
            ("app!=a", false),
            ("other!=a", true),
            ("app in (a,b)", true),
            ("app notin (a, b)", false),
            ("other notin (a)", true),
            ("app,!other", true),
            ("!app", false),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap().matches(&labels), expected, "{text}");
        }
        for text in ["app in a", "app in (a", "=a", "a b"] {
            assert_eq!(LabelSelector::parse(text).unwrap_err().code, 400, "{text}");
        }
    }

    #[test]
    fn fields_that_are_known_select() {
        let pod = json!({ "metadata": { "name": "p" }, "status": { "phase": "Running" } });
        let matches = |text: &str| FieldSelector::parse(text, "Pod").unwrap().matches(&pod);
        assert!(matches("status.phase=Running,metadata.name!=q,spec.nodeName="));
        assert!(!matches("status.phase!=Running"));
        let error = FieldSelector::parse("spec.x=1", "Pod").unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (400, "field label not supported: spec.x")
        );
    }
}
