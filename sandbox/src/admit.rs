//! What happens to an object between the request and the store: defaults, pruning, validation, generation.

use serde_json::Value;

use crate::builtin;
use crate::registry::ResourceType;
use crate::state::{Resolved, State};
use crate::status::{ApiError, FieldError};

/// Which part of an object a write is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Main,
    Status,
}

/// Defaults, prunes and validates an object that is about to be stored.
pub(crate) fn prepare(
    state: &mut State,
    target: &Resolved,
    object: &mut Value,
    old: Option<&Value>,
    part: Part,
    strict: bool,
) -> Result<(), ApiError> {
    let resource = &target.resource;
    let errors = if let Some(schema) = target.served().and_then(|version| version.schema.clone()) {
        let unknown = schema.prune(object);
        if strict && !unknown.is_empty() {
            let list: Vec<String> = unknown.iter().map(|field| format!("unknown field {field:?}")).collect();
            return Err(ApiError::bad_request(format!(
                "{} in version {:?} cannot be handled as a {}: strict decoding error: {}",
                resource.kind,
                target.version,
                resource.kind,
                list.join(", ")
            )));
        }
        schema.apply_defaults(object);
        schema.validate(object, old)
    } else if resource.custom {
        Vec::new()
    } else {
        if resource.kind != "CustomResourceDefinition" {
            builtin::drop_nulls(object);
        }
        builtin::apply_defaults(state, resource, object, old);
        match part {
            Part::Main => builtin::validate(resource, object, old),
            Part::Status => Vec::new(),
        }
    };
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(
        &resource.group,
        &resource.kind,
        &target.name,
        &errors,
    ))
}

/// Whether objects of this type count their changes in `metadata.generation`.
pub(crate) fn has_generation(resource: &ResourceType) -> bool {
    resource.custom
        || matches!(
            resource.kind.as_str(),
            "ReplicaSet"
                | "Deployment"
                | "Job"
                | "Ingress"
                | "PodDisruptionBudget"
                | "Pod"
                | "CustomResourceDefinition"
                | "EndpointSlice"
        )
}

/// Whether a change of the main resource counts: for custom resources anything outside metadata (and status,
/// where that is a subresource), for built-in types the spec.
pub(crate) fn generation_bumps(target: &Resolved, old: &Value, new: &Value) -> bool {
    if !has_generation(&target.resource) {
        return false;
    }
    if !target.resource.custom {
        // A Deployment's annotations become those of its ReplicaSets, so they count as well.
        let annotations = target.resource.kind == "Deployment"
            && old["metadata"].get("annotations") != new["metadata"].get("annotations");
        return annotations || old.get("spec") != new.get("spec");
    }
    let relevant = |object: &Value| {
        let mut fields = object.as_object().cloned().unwrap_or_default();
        fields.remove("metadata");
        fields.remove("apiVersion");
        if target.has_status() {
            fields.remove("status");
        }
        fields
    };
    relevant(old) != relevant(new)
}

/// Why a name cannot be used, if so.
pub(crate) fn name_error(resource: &ResourceType, name: &str) -> Option<FieldError> {
    let field = "metadata.name";
    let value = Value::String(name.to_owned());
    if resource.group == "rbac.authorization.k8s.io" {
        let bad = name.contains(['/', '%']) || matches!(name, "." | "..");
        return bad.then(|| FieldError::invalid(field, &value, "may not contain '/' or '%', nor be '.' or '..'"));
    }
    if resource.kind == "Namespace" || resource.kind == "Service" {
        let detail = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                      start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
                      validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
        return (!is_label(name) || name.len() > 63).then(|| FieldError::invalid(field, &value, detail));
    }
    if name.len() > 253 {
        return Some(FieldError::invalid(
            field,
            &value,
            "must be no more than 253 characters",
        ));
    }
    let detail = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
                  must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
                  '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    (!name.split('.').all(is_label)).then(|| FieldError::invalid(field, &value, detail))
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}
