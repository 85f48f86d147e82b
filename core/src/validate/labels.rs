//! Label names, label values and selectors, as the Kubernetes API has them.

use super::FieldError;
use crate::api::rollout::{PodTemplateMetadata, RolloutSpec};
use crate::api::{LabelSelector, LabelSelectorRequirement, PodTemplate};
use crate::notation::selector::{is_empty, matches};
use crate::wire::HASH_LABEL;
use serde::Serialize;
use std::collections::BTreeMap;

const NAME_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
    and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
    validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const PREFIX_RULE: &str = "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
    characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for \
    validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/// A selector in the order in which Go prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Printed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    match_labels: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    match_expressions: Option<&'a Vec<LabelSelectorRequirement>>,
}

pub(super) fn as_printed(selector: &LabelSelector) -> Printed<'_> {
    Printed {
        match_labels: selector.match_labels.as_ref().filter(|labels| !labels.is_empty()),
        match_expressions: selector
            .match_expressions
            .as_ref()
            .filter(|expressions| !expressions.is_empty()),
    }
}

/// What is wrong with a selector, labels first.
pub(super) fn selector(selector: &LabelSelector, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (name, value) in selector.match_labels.iter().flatten() {
        let path = format!("{path}.matchLabels");
        errors.extend(
            name_errors(name)
                .into_iter()
                .map(|detail| FieldError::invalid(&path, name, detail)),
        );
        errors.extend(
            value_errors(value)
                .into_iter()
                .map(|detail| FieldError::invalid(&path, value, detail)),
        );
    }
    for (index, requirement) in selector.match_expressions.iter().flatten().enumerate() {
        errors.extend(expression(requirement, &format!("{path}.matchExpressions[{index}]")));
    }
    errors
}

fn expression(requirement: &LabelSelectorRequirement, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let values = requirement.values.as_deref().unwrap_or_default();
    match requirement.operator.as_str() {
        "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
            format!("{path}.values"),
            "must be specified when `operator` is 'In' or 'NotIn'",
        )),
        "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
            format!("{path}.values"),
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        operator => errors.push(FieldError::invalid(
            format!("{path}.operator"),
            operator,
            "not a valid selector operator",
        )),
    }
    let key = format!("{path}.key");
    errors.extend(
        name_errors(&requirement.key)
            .into_iter()
            .map(|d| FieldError::invalid(&key, &requirement.key, d)),
    );
    for (index, value) in values.iter().enumerate() {
        let path = format!("{path}.values[{index}]");
        errors.extend(
            value_errors(value)
                .into_iter()
                .map(|detail| FieldError::invalid(&path, value, detail)),
        );
    }
    errors
}

/// What is wrong with labels and annotations that pods are given beside those of the template: their syntax, as the API
/// server has it, and labels by which the pods would leave their ReplicaSet (decision 44).
pub(crate) fn metadata(spec: &RolloutSpec, given: &PodTemplateMetadata, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (labels, annotations) = (format!("{path}.labels"), format!("{path}.annotations"));
    let mut wrong = |path: &str, value: &str, details: Vec<String>| {
        let found = details
            .into_iter()
            .map(|detail| FieldError::invalid(path, value, detail));
        errors.extend(found);
    };
    for (key, value) in &given.labels {
        wrong(&labels, key, name_errors(key));
        wrong(&labels, value, value_errors(value));
    }
    for key in given.annotations.keys() {
        // Capitals are allowed in the prefix of an annotation, and only there.
        wrong(&annotations, key, name_errors(&key.to_lowercase()));
    }
    if errors.is_empty() {
        errors.extend(contradictions(spec, given, &labels));
    }
    errors
}

fn contradictions(spec: &RolloutSpec, given: &PodTemplateMetadata, path: &str) -> Vec<FieldError> {
    let template = spec.template.as_ref().map(PodTemplate::labels).unwrap_or_default();
    let template = template.into_iter();
    let before: BTreeMap<String, String> = template
        .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
        .collect();
    let leaves = |key: &String, value: &String| {
        let mut labels = before.clone();
        labels.insert(key.clone(), value.clone());
        let selector = spec.selector.as_ref().filter(|selector| !is_empty(selector));
        key == HASH_LABEL || selector.is_some_and(|selector| !matches(selector, &labels))
    };
    let contrary = given.labels.iter().filter(|(key, value)| leaves(key, value));
    contrary
        .map(|(key, value)| {
            let detail = "contradicts the selector: pods with this label would leave their ReplicaSet";
            FieldError::invalid(format!("{path}[{key}]"), value, detail)
        })
        .collect()
}

/// What is wrong with the name of a label or an annotation.
pub(super) fn name_errors(name: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let (prefix, part) = match name.split_once('/') {
        None => (None, name),
        Some((_, rest)) if rest.contains('/') => {
            let rule = format!("a qualified name {NAME_RULE} with an optional DNS subdomain prefix and '/'");
            return vec![format!("{rule} (e.g. 'example.com/MyName')")];
        }
        Some((prefix, part)) => (Some(prefix), part),
    };
    match prefix {
        Some("") => errors.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => {
            if prefix.len() > 253 {
                errors.push("prefix part must be no more than 253 characters".to_owned());
            }
            if !is_subdomain(prefix) {
                errors.push(PREFIX_RULE.to_owned());
            }
        }
        None => {}
    }
    if part.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if part.len() > 63 {
        errors.push("name part must be no more than 63 characters".to_owned());
    }
    if !is_word(part) {
        errors.push(format!("name part {NAME_RULE}"));
    }
    errors
}

fn value_errors(value: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if value.len() > 63 {
        errors.push("must be no more than 63 characters".to_owned());
    }
    if !value.is_empty() && !is_word(value) {
        errors.push(VALUE_RULE.to_owned());
    }
    errors
}

/// Letters and digits, with `-`, `_` and `.` inside.
fn is_word(text: &str) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn is_subdomain(text: &str) -> bool {
    let lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.split('.').map(str::as_bytes).all(|label| {
        label.first().is_some_and(lower)
            && label.last().is_some_and(lower)
            && label.iter().all(|byte| lower(byte) || *byte == b'-')
    })
}
