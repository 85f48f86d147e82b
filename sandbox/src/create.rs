//! Creating objects.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::admit::{self, Part};
use crate::decode::{Way, word};
use crate::managed::Owners;
use crate::registry::api_version;
use crate::state::{Resolved, State};
use crate::status::{ApiError, FieldError};

/// The letters a real server draws generated names from.
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// How the client wants a write treated.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteOptions {
    /// Check and answer, but keep nothing.
    pub(crate) dry_run: bool,
    /// What becomes of unknown fields.
    pub(crate) validation: Validation,
    /// Who writes: the field manager, else the program.
    pub(crate) manager: String,
    /// PATCH words its refusals otherwise.
    pub(crate) is_patch: bool,
    /// Take fields from other managers, in an apply.
    pub(crate) force: bool,
    /// How the object comes to its type.
    pub(crate) way: Way,
}

/// `fieldValidation`: unknown fields are dropped in silence, dropped with a warning, or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Validation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

impl State {
    /// Creates an object; what comes back is the object as stored.
    pub(crate) fn create(
        &mut self,
        target: &Resolved,
        body: Value,
        options: &WriteOptions,
        owners: Option<Owners>,
    ) -> Result<Arc<Value>, ApiError> {
        let mut target = target.clone();
        let mut object = checked_body(&target, body, options)?;
        admit::decode(&target, &object, options)?;
        self.check_namespace(&target)?;
        target.name = self.choose_name(&target, &mut object)?;
        self.set_system_metadata(&target, &mut object)?;
        reset_status(&target, &mut object);
        admit::prepare(self, &target, &mut object, None, Part::Main, options)?;
        if self.store.get(&target.key()).is_some() {
            return Err(ApiError::already_exists(target.id(), &target.name));
        }
        object["apiVersion"] = json!(target.resource.storage_api_version());
        match owners {
            Some(owners) => owners.write(&mut object),
            None => self.track(&target, None, &mut object, options)?,
        }
        if options.dry_run {
            return Ok(Arc::new(object));
        }
        let stored = self.store.put(&target.key(), object);
        self.after_write(&target.key(), &stored);
        Ok(stored)
    }

    fn choose_name(&mut self, target: &Resolved, object: &mut Value) -> Result<String, ApiError> {
        let metadata = &mut object["metadata"];
        let given = metadata["name"].as_str().unwrap_or_default().to_owned();
        let prefix = metadata["generateName"].as_str().unwrap_or_default().to_owned();
        let invalid = |name: &str, errors: &[FieldError]| {
            ApiError::invalid(&target.resource.group, &target.resource.kind, name, errors)
        };
        if given.is_empty() && prefix.is_empty() {
            let error = FieldError::required("metadata.name", "name or generateName is required");
            let errors: Vec<FieldError> = std::iter::once(error).chain(admit::rules_left_out(target)).collect();
            return Err(invalid("", &errors));
        }
        let name = if given.is_empty() {
            format!("{prefix}{}", self.name_suffix())
        } else {
            given
        };
        let errors = admit::name_errors(&target.resource, &name);
        if !errors.is_empty() {
            return Err(invalid(&name, &errors));
        }
        metadata["name"] = json!(name);
        Ok(name)
    }

    /// Five letters that differ at each call and are the same in two equal runs.
    fn name_suffix(&mut self) -> String {
        self.counter += 1;
        let mut bits = self.counter.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let letters = NAME_LETTERS.len() as u64;
        (0..5)
            .map(|_| {
                let letter = usize::try_from(bits % letters).unwrap_or_default();
                bits /= letters;
                char::from(NAME_LETTERS[letter])
            })
            .collect()
    }

    fn set_system_metadata(&mut self, target: &Resolved, object: &mut Value) -> Result<(), ApiError> {
        let (uid, now) = (self.store.next_uid(), self.now());
        let Some(metadata) = object["metadata"].as_object_mut() else {
            return Err(ApiError::bad_request("metadata must be an object"));
        };
        metadata.retain(|_, value| !value.is_null());
        if metadata.get("resourceVersion").is_some_and(|version| version != "") {
            let text = "resourceVersion should not be set on objects to be created";
            return Err(ApiError::new(500, "InternalError", text));
        }
        for field in SERVER_OWNED {
            metadata.remove(field);
        }
        metadata.insert("uid".to_owned(), json!(uid));
        metadata.insert("creationTimestamp".to_owned(), json!(now));
        if admit::has_generation(&target.resource) {
            metadata.insert("generation".to_owned(), json!(1));
        }
        if target.resource.namespaced {
            metadata.insert("namespace".to_owned(), json!(target.namespace));
        } else {
            metadata.remove("namespace");
        }
        Ok(())
    }
}

/// Metadata a client cannot set.
const SERVER_OWNED: [&str; 8] = [
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
    "managedFields",
];

/// Why the type of an object cannot be read.
fn type_error(object: &Map<String, Value>) -> Option<String> {
    let mistyped = |field: &&str| object.get(*field).is_some_and(|it| !it.is_string() && !it.is_null());
    let field = ["apiVersion", "kind"].into_iter().find(mistyped)?;
    let what = word(&object[field]);
    Some(format!(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {what} into Go struct field .{field} of type string"
    ))
}

/// The body as an object of the requested type: type, name and namespace agree with the path.
pub(crate) fn checked_body(target: &Resolved, body: Value, options: &WriteOptions) -> Result<Value, ApiError> {
    let Value::Object(mut object) = body else {
        return Err(if options.is_patch {
            ApiError::unprocessable_patch()
        } else {
            ApiError::bad_request("the body of the request is not a JSON object")
        });
    };
    let expected = api_version(&target.resource.group, &target.version);
    let kind = &target.resource.kind;
    if options.way == Way::Unstructured {
        // A strategic merge is one into the Go type, whatever the patch says of it.
        object.insert("apiVersion".to_owned(), json!(expected));
        object.insert("kind".to_owned(), json!(kind));
    }
    let unrecognized = |why: &str, object: &Map<String, Value>| {
        let text = Value::Object(object.clone()).to_string();
        let beginning: String = text.chars().take(30).collect();
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): {why} ({beginning} ...)"
        ))
    };
    if let Some(error) = type_error(&object) {
        return Err(if options.is_patch {
            admit::undecodable(target, &Value::Object(object), &error, options)
        } else {
            unrecognized(&error, &object)
        });
    }
    match object.get("kind").and_then(Value::as_str) {
        None | Some("") if target.resource.custom => {
            let why = format!("Object 'Kind' is missing in '{}'", Value::Object(object.clone()));
            return Err(unrecognized(&why, &object));
        }
        None | Some("") => {}
        Some(given) if given != kind => {
            return Err(ApiError::bad_request(format!(
                "{} in version {:?} cannot be handled as a {}: no kind {given:?} is registered for this resource",
                given, target.version, kind
            )));
        }
        Some(_) => {}
    }
    match object.get("apiVersion").and_then(Value::as_str) {
        None | Some("") if target.resource.custom => {
            return Err(ApiError::bad_request(format!(
                "{kind} in version \"\" cannot be handled as a {kind}: .apiVersion accessor error: <nil> is of the type <nil>, expected string"
            )));
        }
        None | Some("") => {}
        Some(given) if given != expected && target.resource.custom => {
            return Err(ApiError::bad_request(format!(
                "the API version in the data ({given}) does not match the expected API version ({expected})"
            )));
        }
        Some(given) if given != expected => {
            let error =
                format!("no kind {kind:?} is registered for version {given:?} in scheme \"pkg/runtime/scheme.go:111\"");
            if options.is_patch {
                return Err(admit::undecodable(
                    target,
                    &Value::Object(object.clone()),
                    &error,
                    options,
                ));
            }
            return Err(ApiError::bad_request(format!(
                "{kind} in version {given:?} cannot be handled as a {kind}: {error}"
            )));
        }
        Some(_) => {}
    }
    object.insert("apiVersion".to_owned(), json!(expected));
    object.insert("kind".to_owned(), json!(target.resource.kind));
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if metadata.is_null() {
        *metadata = json!({});
    }
    let namespace = metadata["namespace"].as_str().unwrap_or_default();
    if target.resource.namespaced && !namespace.is_empty() && namespace != target.namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(Value::Object(object))
}

/// A new object has no status of the client's making where status is a subresource of its own.
fn reset_status(target: &Resolved, object: &mut Value) {
    if !target.has_status() {
        return;
    }
    let initial = match (target.resource.custom, target.resource.kind.as_str()) {
        (true, _) | (false, "CustomResourceDefinition") => None,
        (false, "ReplicaSet") => Some(json!({ "replicas": 0 })),
        (false, "Namespace") => Some(json!({ "phase": "Active" })),
        (false, "Pod") => Some(json!({ "phase": "Pending" })),
        (false, "PersistentVolumeClaim") => Some(json!({ "phase": "Pending" })),
        (false, "Service" | "Ingress") => Some(json!({ "loadBalancer": {} })),
        (false, "PodDisruptionBudget") => {
            Some(json!({ "currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0 }))
        }
        // A node registers itself with its status.
        (false, "Node") => object.get("status").cloned(),
        (false, _) => Some(json!({})),
    };
    match (initial, object.as_object_mut()) {
        (Some(status), Some(fields)) => {
            fields.insert("status".to_owned(), status);
        }
        (None, Some(fields)) => {
            fields.remove("status");
        }
        (_, None) => {}
    }
}
