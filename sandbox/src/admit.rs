//! What happens to an object between the request and the store: defaults, pruning, validation, generation.

use serde_json::Value;

use crate::builtin;
use crate::create::{Validation, WriteOptions};
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
    options: &WriteOptions,
) -> Result<(), ApiError> {
    let resource = &target.resource;
    // A refused patch is shown as it came.
    let given = (options.validation == Validation::Strict).then(|| object.clone());
    let errors = if let Some(schema) = target.served().and_then(|version| version.schema.clone()) {
        let unknown = schema.prune(object);
        report_unknown(state, target, &unknown, given, options)?;
        schema.apply_defaults(object);
        let mut errors = schema.validate(object, old);
        errors.extend(scale_error(target, object));
        if errors.iter().any(hides_rules) && target.served().is_some_and(|version| version.has_rules) {
            errors.push(FieldError::invalid("<nil>", &Value::Null, RULES_LEFT_OUT));
        }
        errors
    } else if resource.custom {
        Vec::new()
    } else {
        if resource.kind != "CustomResourceDefinition" {
            builtin::drop_nulls(object);
            if part == Part::Main {
                let unknown = target.schema().prune(object);
                report_unknown(state, target, &unknown, given, options)?;
            }
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

const RULES_LEFT_OUT: &str = "some validation rules were not checked because the object was invalid; correct the existing errors to complete \
                              validation";

/// Whether a real server looks at no rules any more after such an error.
fn hides_rules(error: &FieldError) -> bool {
    let reasons = ["NotSupported", "Required", "TooLong", "TooMany", "TypeInvalid"];
    error
        .reason
        .strip_prefix("FieldValue")
        .is_some_and(|reason| reasons.contains(&reason))
}

/// What a scale subresource says of replicas that are no number.
fn scale_error(target: &Resolved, object: &Value) -> Option<FieldError> {
    let path = &target.served()?.scale.as_ref()?.spec_replicas;
    let found = path.split('.').try_fold(object, |value, key| value.get(key))?;
    let (shown, kind) = match found {
        Value::String(text) => (text.clone(), "string"),
        Value::Bool(flag) => (flag.to_string(), "bool"),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let detail = format!(".{path} accessor error: {shown} is of the type {kind}, expected int64");
    Some(FieldError::invalid(format!(".{path}"), &Value::from(0), &detail))
}

/// Fields that the schema does not know: refused, told or passed over, as the client wants.
fn report_unknown(
    state: &mut State,
    target: &Resolved,
    unknown: &[String],
    given: Option<Value>,
    options: &WriteOptions,
) -> Result<(), ApiError> {
    let list = unknown.iter().map(|field| format!("unknown field {field:?}"));
    match options.validation {
        Validation::Strict if !unknown.is_empty() => {
            let (kind, list) = (&target.resource.kind, list.collect::<Vec<_>>().join(", "));
            if options.is_patch {
                let detail = format!("strict decoding error: {list}");
                let error =
                    FieldError::invalid("patch", &Value::String(given.unwrap_or_default().to_string()), &detail);
                return Err(ApiError::invalid("", "", "", &[error]));
            }
            Err(ApiError::bad_request(format!(
                "{kind} in version {:?} cannot be handled as a {kind}: strict decoding error: {list}",
                target.version
            )))
        }
        Validation::Strict | Validation::Ignore => Ok(()),
        Validation::Warn => {
            state.warnings.extend(list);
            Ok(())
        }
    }
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
                | "NetworkPolicy"
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
