//! What happens to an object between the request and the store: defaults, pruning, validation, generation.

use serde_json::Value;

use crate::builtin;
use crate::create::{Validation, WriteOptions};
use crate::decode;
use crate::metadata;
use crate::registry::ResourceType;
use crate::scale;
use crate::state::{Resolved, State};
use crate::status::{ApiError, FieldError};

/// Which part of an object a write is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Main,
    Status,
}

/// Refuses an object that a real server cannot decode.
pub(crate) fn decode(target: &Resolved, object: &Value, options: &WriteOptions) -> Result<(), ApiError> {
    let resource = &target.resource;
    let error = if resource.custom {
        decode::metadata_error(&object["metadata"])
    } else if resource.kind == "CustomResourceDefinition" {
        None
    } else {
        decode::error(&resource.group, &target.version, &resource.kind, object, options.way)
    };
    match error {
        Some(error) => Err(undecodable(target, object, &error, options)),
        None => Ok(()),
    }
}

/// A refused patch is shown with all that came of it.
pub(crate) fn undecodable(target: &Resolved, object: &Value, error: &str, options: &WriteOptions) -> ApiError {
    if options.is_patch {
        let error = FieldError::invalid("patch", &Value::String(object.to_string()), error);
        return ApiError::invalid("", "", "", &[error]);
    }
    let (kind, version) = (&target.resource.kind, &target.version);
    ApiError::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {kind}: {error}"
    ))
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
        decode::settle_metadata(&mut object["metadata"]);
        let mut errors = metadata::validate(&object["metadata"], false);
        errors.extend(match part {
            Part::Main => schema.validate(object, old),
            Part::Status => schema.validate_status(object, old),
        });
        errors.extend(scale::errors(target, object, part));
        if errors.iter().any(FieldError::hides_rules) {
            errors.extend(rules_left_out(target));
        }
        errors
    } else if resource.custom {
        metadata::validate(&object["metadata"], false)
    } else {
        if resource.kind == "CustomResourceDefinition" {
            decode::settle_metadata(&mut object["metadata"]);
        } else {
            let unknown = target.schema().prune(object);
            report_unknown(state, target, &unknown, given, options)?;
            decode::settle(&resource.group, &target.version, &resource.kind, object);
            if part == Part::Status {
                decode::complete_status(&resource.group, &target.version, &resource.kind, object);
            }
        }
        builtin::apply_defaults(state, resource, object, old);
        match part {
            Part::Main => builtin::validate(resource, object, old),
            Part::Status => builtin::validate_status(resource, object),
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

/// What a real server adds where errors keep it from looking at the rules of a schema.
pub(crate) fn rules_left_out(target: &Resolved) -> Option<FieldError> {
    let text = "some validation rules were not checked because the object was invalid; correct the existing errors to complete \
                validation";
    let has_rules = target.served().is_some_and(|version| version.has_rules);
    has_rules.then(|| FieldError::invalid("<nil>", &Value::Null, text))
}

/// Fields that the schema does not know: refused, told or passed over, as the client wants.
pub(crate) fn report_unknown(
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

/// Why a name cannot be used.
pub(crate) fn name_errors(resource: &ResourceType, name: &str) -> Vec<FieldError> {
    let wrong = |detail: &str| FieldError::invalid("metadata.name", &Value::String(name.to_owned()), detail);
    if resource.group == "rbac.authorization.k8s.io" {
        let bad = name.contains(['/', '%']) || matches!(name, "." | "..");
        let error = bad.then(|| wrong("may not contain '/' or '%', nor be '.' or '..'"));
        return error.into_iter().collect();
    }
    let starts_with_letter = name.starts_with(|it: char| it.is_ascii_lowercase());
    let (longest, fits, detail) = match resource.kind.as_str() {
        "Namespace" => (63, is_label(name), LABEL),
        "Service" => (63, is_label(name) && starts_with_letter, LABEL_1035),
        _ => (253, name.split('.').all(is_label), metadata::SUBDOMAIN),
    };
    let unit = if resource.kind == "Service" {
        "characters"
    } else {
        "bytes"
    };
    let too_long = (name.len() > longest).then(|| wrong(&format!("must be no more than {longest} {unit}")));
    too_long.into_iter().chain((!fits).then(|| wrong(detail))).collect()
}

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an \
                     alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and \
                          end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is \
                          '[a-z]([-a-z0-9]*[a-z0-9])?')";

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}
