//! The syntax of labels, annotations, finalizers and owner references, with the texts of a real API server.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::status::FieldError;

const NAME_PART: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
                         (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
                         '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
                           and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
                           validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
pub(crate) const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
                                    must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation \
                                    is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/// The longest name part of a key, and the longest label value.
const LONGEST: usize = 63;
/// Annotations of one object, in bytes.
const ANNOTATIONS: usize = 256 << 10;

fn is_match(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|it| it.is_match(text))
}

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$").ok());
static DOMAIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$").ok());

/// Checks what all kinds share. `names_finalizers` where finalizers have to be of a domain, as those of built-in types.
pub(crate) fn validate(metadata: &Value, names_finalizers: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    labels(&metadata["labels"], "metadata.labels", &mut errors);
    annotations(&metadata["annotations"], "metadata.annotations", &mut errors);
    owner_references(metadata, &mut errors);
    let finalizers = metadata["finalizers"].as_array().into_iter().flatten();
    let finalizers: Vec<&str> = finalizers.filter_map(Value::as_str).collect();
    for name in &finalizers {
        key("metadata.finalizers", name, name, &mut errors);
    }
    for (index, name) in finalizers.iter().enumerate().filter(|_| names_finalizers) {
        let known = name.contains('/') || matches!(*name, "kubernetes" | "orphan" | "foregroundDeletion");
        if !known {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(
                format!("metadata.finalizers[{index}]"),
                &json!(name),
                detail,
            ));
        }
    }
    errors
}

fn texts(map: &Value) -> impl Iterator<Item = (&String, &str)> {
    let none = map.as_object().into_iter().flat_map(Map::iter);
    none.filter_map(|(name, value)| Some((name, value.as_str()?)))
}

/// Keys and values of labels.
pub(crate) fn labels(labels: &Value, field: &str, errors: &mut Vec<FieldError>) {
    for (name, value) in texts(labels) {
        key(field, name, name, errors);
        label_value(field, value, errors);
    }
}

/// Keys of annotations, whatever their case, and the size of all.
pub(crate) fn annotations(annotations: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let mut size = 0;
    for (name, value) in texts(annotations) {
        size += name.len() + value.len();
        key(field, name, &name.to_lowercase(), errors);
    }
    if size > ANNOTATIONS {
        errors.push(FieldError::too_long(field, ANNOTATIONS as u64));
    }
}

/// A label selector's keys, operators and values.
pub(crate) fn selector(selector: &Value, field: &str, errors: &mut Vec<FieldError>) {
    labels(&selector["matchLabels"], &format!("{field}.matchLabels"), errors);
    for (index, part) in selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let at = format!("{field}.matchExpressions[{index}]");
        let values: Vec<&str> = part["values"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        match part["operator"].as_str().unwrap_or_default() {
            "In" | "NotIn" if values.is_empty() => {
                let detail = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.push(FieldError::required(format!("{at}.values"), detail));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.push(FieldError::forbidden(format!("{at}.values"), detail));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                let detail = "not a valid selector operator";
                errors.push(FieldError::invalid(format!("{at}.operator"), &json!(other), detail));
            }
        }
        let name = part["key"].as_str().unwrap_or_default();
        key(&format!("{at}.key"), name, name, errors);
        for (index, value) in values.iter().enumerate() {
            label_value(&format!("{at}.values[{index}]"), value, errors);
        }
    }
}

/// A qualified name: `name` or `prefix/name`; `shown` is what the client wrote.
fn key(field: &str, shown: &str, text: &str, errors: &mut Vec<FieldError>) {
    let mut wrong = |detail: &str| errors.push(FieldError::invalid(field, &json!(shown), detail));
    let name = match text.split_once('/') {
        None => text,
        Some((_, name)) if name.contains('/') => {
            wrong(&format!(
                "a valid label key {NAME_PART} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ));
            return;
        }
        Some((prefix, name)) => {
            if prefix.is_empty() {
                wrong("prefix part must be non-empty");
            } else if !is_match(&DOMAIN, prefix) {
                wrong(&format!("prefix part {SUBDOMAIN}"));
            } else if prefix.len() > 253 {
                wrong("prefix part must be no more than 253 bytes");
            }
            name
        }
    };
    if name.is_empty() {
        wrong("name part must be non-empty");
    } else if name.len() > LONGEST {
        wrong(&format!("name part must be no more than {LONGEST} bytes"));
    }
    if !is_match(&NAME, name) {
        wrong(&format!("name part {NAME_PART}"));
    }
}

fn label_value(field: &str, value: &str, errors: &mut Vec<FieldError>) {
    let mut wrong = |detail: &str| errors.push(FieldError::invalid(field, &json!(value), detail));
    if value.len() > LONGEST {
        wrong(&format!("must be no more than {LONGEST} bytes"));
    }
    if !value.is_empty() && !is_match(&NAME, value) {
        wrong(LABEL_VALUE);
    }
}

fn owner_references(metadata: &Value, errors: &mut Vec<FieldError>) {
    let owners: Vec<&Value> = metadata["ownerReferences"].as_array().into_iter().flatten().collect();
    for owner in &owners {
        for (field, text) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if owner[field].as_str().is_none_or(str::is_empty) {
                // A real server leaves out the index.
                let field = format!("metadata.ownerReferences.{field}");
                errors.push(FieldError::invalid(field, &json!(""), text));
            }
        }
    }
    if owners.iter().filter(|owner| owner["controller"] == true).count() > 1 {
        let detail = "Only one reference can have Controller set to true";
        errors.push(FieldError::invalid(
            "metadata.ownerReferences",
            &metadata["ownerReferences"],
            detail,
        ));
    }
}
