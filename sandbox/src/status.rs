//! Errors as a Kubernetes API server words them: `Status` objects with the reasons, codes and texts clients match on.

use serde_json::{Value, json};

/// A refused request. Turns into a `Status` object on the wire.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The HTTP code.
    pub code: u16,
    /// The machine-readable reason (`NotFound`, `Conflict`, …); empty where a real server sends none.
    pub reason: String,
    /// The text people read.
    pub message: String,
    /// `Status.details`, if any.
    pub details: Option<Box<Value>>,
}

/// One finding about one field of an object; several make one 422 answer.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// The path as a real server writes it, such as `spec.steps[0].weight`.
    pub field: String,
    /// The `CauseType`, such as `FieldValueInvalid`.
    pub reason: &'static str,
    /// The text after the path.
    pub body: String,
}

/// A value as field errors print it: strings quoted, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

impl FieldError {
    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        let body = if detail.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {detail}")
        };
        Self {
            field: field.into(),
            reason: "FieldValueRequired",
            body,
        }
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueInvalid",
            body: format!("Invalid value: {}: {detail}", shown(value)),
        }
    }

    pub(crate) fn wrong_type(field: impl Into<String>, found: &str, detail: &str) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueTypeInvalid",
            body: format!("Invalid value: {found:?}: {detail}"),
        }
    }

    pub(crate) fn unsupported(field: impl Into<String>, value: &Value, allowed: &[Value]) -> Self {
        let quoted = |value: &Value| match value {
            Value::String(text) => format!("{text:?}"),
            other => format!("\"{other}\""),
        };
        let allowed: Vec<String> = allowed.iter().map(quoted).collect();
        Self {
            field: field.into(),
            reason: "FieldValueNotSupported",
            body: format!(
                "Unsupported value: {}: supported values: {}",
                shown(value),
                allowed.join(", ")
            ),
        }
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueForbidden",
            body: format!("Forbidden: {detail}"),
        }
    }

    pub(crate) fn too_long(field: impl Into<String>, max: u64) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueTooLong",
            body: format!(
                "Too long: may not be more than {max} {}",
                if max == 1 { "byte" } else { "bytes" }
            ),
        }
    }

    pub(crate) fn too_many(field: impl Into<String>, count: usize, max: u64) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueTooMany",
            body: format!(
                "Too many: {count}: must have at most {max} {}",
                if max == 1 { "item" } else { "items" }
            ),
        }
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueDuplicate",
            body: format!("Duplicate value: {}", shown(value)),
        }
    }

    /// Whether a real server looks at no rules of a schema any more after such an error.
    pub(crate) fn hides_rules(&self) -> bool {
        let reasons = ["NotSupported", "Required", "TooLong", "TooMany", "TypeInvalid"];
        let reason = self.reason.strip_prefix("FieldValue");
        reason.is_some_and(|reason| reasons.contains(&reason))
    }

    fn text(&self) -> String {
        format!("{}: {}", self.field, self.body)
    }
}

/// Splits `replicasets.apps` into plural and group; core resources have no group.
fn split(group_resource: &str) -> (&str, &str) {
    group_resource.split_once('.').unwrap_or((group_resource, ""))
}

impl ApiError {
    /// An error with a code, a reason and a text, without details.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            message: message.into(),
            details: None,
        }
    }

    fn about(mut self, group_resource: &str, name: &str) -> Self {
        let (resource, group) = split(group_resource);
        let mut details = json!({ "name": name, "kind": resource });
        if !group.is_empty() {
            details["group"] = json!(group);
        }
        self.details = Some(Box::new(details));
        self
    }

    pub(crate) fn not_found(group_resource: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{group_resource} {name:?} not found")).about(group_resource, name)
    }

    /// What a real server answers where no route matches.
    pub(crate) fn no_such_path() -> Self {
        let mut error = Self::new(404, "NotFound", "the server could not find the requested resource");
        error.details = Some(Box::new(json!({})));
        error
    }

    pub(crate) fn already_exists(group_resource: &str, name: &str) -> Self {
        Self::new(
            409,
            "AlreadyExists",
            format!("{group_resource} {name:?} already exists"),
        )
        .about(group_resource, name)
    }

    pub(crate) fn conflict(group_resource: &str, name: &str, cause: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {group_resource} {name:?}: {cause}");
        Self::new(409, "Conflict", message).about(group_resource, name)
    }

    pub(crate) fn modified(group_resource: &str, name: &str) -> Self {
        let cause = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group_resource, name, cause)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn forbidden(group_resource: &str, name: &str, cause: &str) -> Self {
        let message = format!("{group_resource} {name:?} is forbidden: {cause}");
        Self::new(403, "Forbidden", message).about(group_resource, name)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let mut error = Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        );
        error.details = Some(Box::new(json!({})));
        error
    }

    pub(crate) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// A patch that cannot be applied to this object (a failed `test`, a missing path).
    pub(crate) fn unprocessable_patch() -> Self {
        let mut error = Self::new(
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
        );
        error.details = Some(Box::new(json!({})));
        error
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub(crate) fn future_version(wanted: u64, current: u64) -> Self {
        let mut error = Self::new(
            504,
            "Timeout",
            format!("Too large resource version: {wanted}, current: {current}"),
        );
        error.details = Some(Box::new(json!({
            "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
            "retryAfterSeconds": 1,
        })));
        error
    }

    /// 422 with one cause per finding; `kind` is `Kind.group`, or the bare kind in the core group.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let qualified = if group.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind}.{group}")
        };
        let texts: Vec<String> = errors.iter().map(FieldError::text).collect();
        let list = match texts.as_slice() {
            [only] => only.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let causes: Vec<Value> = errors
            .iter()
            .map(|error| json!({ "reason": error.reason, "message": error.body, "field": error.field }))
            .collect();
        let mut details = json!({ "causes": causes });
        for (field, text) in [("name", name), ("kind", kind), ("group", group)] {
            if !text.is_empty() {
                details[field] = json!(text);
            }
        }
        let mut error = Self::new(422, "Invalid", format!("{qualified} {name:?} is invalid: {list}"));
        error.details = Some(Box::new(details));
        error
    }

    /// The `Status` object on the wire.
    pub fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if let Some(details) = &self.details {
            status["details"] = (**details).clone();
        }
        status
    }
}

/// The answer to a deletion that left nothing behind.
pub(crate) fn deleted(group_resource: &str, name: &str, uid: &str) -> Value {
    let (resource, group) = split(group_resource);
    let mut details = json!({ "name": name, "kind": resource, "uid": uid });
    if !group.is_empty() {
        details["group"] = json!(group);
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}
