//! Changing objects: PUT and PATCH of the main resource, of status and of scale.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::admit::{self, Part};
use crate::create::{WriteOptions, checked_body};
use crate::managed::Owners;
use crate::patch::{self, PatchKind};
use crate::registry::api_version;
use crate::state::{Resolved, State};
use crate::status::{ApiError, FieldError};

/// Metadata that a write cannot change.
const IMMUTABLE: [&str; 6] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
];

impl State {
    /// PUT: replaces the main resource or its status.
    pub(crate) fn replace(
        &mut self,
        target: &Resolved,
        body: Value,
        part: Part,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, ApiError> {
        let object = checked_body(target, body)?;
        if object["metadata"]["name"].as_str().unwrap_or_default() != target.name {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({}) does not match the name on the URL ({})",
                object["metadata"]["name"].as_str().unwrap_or_default(),
                target.name
            )));
        }
        let current = self.current(target)?;
        let unconditional = object["metadata"]["resourceVersion"].as_str().is_none_or(str::is_empty);
        if unconditional && (target.resource.custom || needs_version(&target.resource.kind)) {
            let error = FieldError {
                field: "metadata.resourceVersion".to_owned(),
                reason: "FieldValueInvalid",
                body: "Invalid value: 0: must be specified for an update".to_owned(),
            };
            return Err(ApiError::invalid(
                &target.resource.group,
                &target.resource.kind,
                &target.name,
                &[error],
            ));
        }
        self.write(target, &current, object, part, options, None)
    }

    /// PATCH of the main resource or its status.
    pub(crate) fn patch(
        &mut self,
        target: &Resolved,
        kind: PatchKind,
        body: &[u8],
        part: Part,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, ApiError> {
        let current = self.current(target)?;
        let mut seen = (*current).clone();
        seen["apiVersion"] = json!(api_version(&target.resource.group, &target.version));
        let object = checked_body(target, patch::apply(kind, &seen, body)?)?;
        if object["metadata"]["name"] != current["metadata"]["name"] {
            return Err(ApiError::bad_request(
                "the name of the object cannot be changed by a patch",
            ));
        }
        self.write(target, &current, object, part, options, None)
    }

    /// Stores a changed object under the rules all writes share.
    pub(crate) fn write(
        &mut self,
        target: &Resolved,
        current: &Arc<Value>,
        mut object: Value,
        part: Part,
        options: &WriteOptions,
        owners: Option<Owners>,
    ) -> Result<Arc<Value>, ApiError> {
        self.check_preconditions(target, current, &object)?;
        object = match part {
            Part::Main => main_part(target, current, object),
            Part::Status => status_part(target, current, &object),
        };
        restore_metadata(current, &mut object);
        object["apiVersion"] = json!(api_version(&target.resource.group, &target.version));
        admit::prepare(self, target, &mut object, Some(current), part, options)?;
        object["apiVersion"] = current["apiVersion"].clone();
        check_finalizers(target, current, &object)?;
        if part == Part::Main && admit::generation_bumps(target, current, &object) {
            object["metadata"]["generation"] = json!(current["metadata"]["generation"].as_i64().unwrap_or(0) + 1);
        }
        object["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"].clone();
        match owners {
            Some(owners) => owners.write(&mut object),
            None => self.track(target, Some(current), &mut object, options)?,
        }
        if options.dry_run {
            return Ok(Arc::new(object));
        }
        if object == **current && !self.may_go(&object) {
            return Ok(current.clone());
        }
        let key = target.key();
        if self.may_go(&object) {
            // The last finalizer is gone: watches see the deletion alone, as on a real server.
            return Ok(self
                .finish_removal(&key, Some(object))
                .unwrap_or_else(|| current.clone()));
        }
        let stored = self.store.put(&key, object);
        self.after_write(&key, &stored);
        Ok(stored)
    }

    fn check_preconditions(&self, target: &Resolved, current: &Value, object: &Value) -> Result<(), ApiError> {
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        let own = current["metadata"]["uid"].as_str().unwrap_or_default();
        if !uid.is_empty() && uid != own {
            let cause = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {own}");
            return Err(ApiError::conflict(target.id(), &target.name, &cause));
        }
        let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        if !version.is_empty() && current["metadata"]["resourceVersion"] != version {
            return Err(ApiError::modified(target.id(), &target.name));
        }
        Ok(())
    }

    /// Whether an object only waited for this write to be gone.
    fn may_go(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        metadata.get("deletionTimestamp").is_some()
            && metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) == 0
            && metadata["finalizers"].as_array().is_none_or(Vec::is_empty)
            && object["kind"] != "Namespace"
    }

    /// GET of the scale subresource.
    pub(crate) fn scale(&self, target: &Resolved) -> Result<Value, ApiError> {
        let current = self.current(target)?;
        let paths = target
            .served()
            .and_then(|version| version.scale.clone())
            .ok_or_else(ApiError::no_such_path)?;
        let spec = at_path(&current, &paths.spec_replicas);
        if target.resource.custom && spec.is_none_or(Value::is_null) {
            let path = &paths.spec_replicas;
            return Err(ApiError::new(
                500,
                "InternalError",
                format!("Internal error occurred: the spec replicas field \".{path}\" does not exist"),
            ));
        }
        Ok(scale_object(target, &current, &paths))
    }

    /// PUT or PATCH of the scale subresource: `change` makes the new scale of the old one.
    pub(crate) fn write_scale(
        &mut self,
        target: &Resolved,
        change: impl FnOnce(&Value) -> Result<Value, ApiError>,
        options: &WriteOptions,
    ) -> Result<Value, ApiError> {
        let current = self.current(target)?;
        let paths = target
            .served()
            .and_then(|version| version.scale.clone())
            .ok_or_else(ApiError::no_such_path)?;
        let scale = change(&scale_object(target, &current, &paths))?;
        let invalid = |error| ApiError::invalid("autoscaling", "Scale", &target.name, &[error]);
        let replicas = match &scale["spec"]["replicas"] {
            Value::Null => 0,
            value => value
                .as_i64()
                .ok_or_else(|| ApiError::bad_request(format!("Scale: spec.replicas is not a whole number: {value}")))?,
        };
        if replicas < 0 {
            let value = json!(replicas);
            return Err(invalid(FieldError::invalid(
                "spec.replicas",
                &value,
                "must be greater than or equal to 0",
            )));
        }
        let mut object = (*current).clone();
        object["metadata"]["resourceVersion"] = scale["metadata"]["resourceVersion"].clone();
        object["metadata"]["uid"] = scale["metadata"]["uid"].clone();
        set_path(&mut object, &paths.spec_replicas, json!(replicas));
        let stored = self.write(target, &current, object, Part::Main, options, None)?;
        Ok(scale_object(target, &stored, &paths))
    }
}

/// Built-in types whose PUT must carry a resourceVersion.
fn needs_version(kind: &str) -> bool {
    matches!(kind, "Lease" | "CustomResourceDefinition" | "PodDisruptionBudget")
}

/// A write to the main resource leaves status alone where that is a subresource.
fn main_part(target: &Resolved, current: &Value, mut object: Value) -> Value {
    if target.has_status()
        && let Some(fields) = object.as_object_mut()
    {
        match current.get("status") {
            Some(status) => fields.insert("status".to_owned(), status.clone()),
            None => fields.remove("status"),
        };
    }
    object
}

/// A write to status changes status alone; built-in types also take labels and annotations from it.
fn status_part(target: &Resolved, current: &Value, object: &Value) -> Value {
    let mut kept = current.clone();
    let status = object.get("status").cloned();
    if let Some(fields) = kept.as_object_mut() {
        match status {
            Some(status) => fields.insert("status".to_owned(), status),
            None => fields.remove("status"),
        };
        if !target.resource.custom && target.resource.kind != "CustomResourceDefinition" {
            let owners = current["metadata"].get("ownerReferences").cloned();
            fields.insert("metadata".to_owned(), object["metadata"].clone());
            if let Some(metadata) = kept["metadata"].as_object_mut() {
                match owners {
                    Some(owners) => metadata.insert("ownerReferences".to_owned(), owners),
                    None => metadata.remove("ownerReferences"),
                };
            }
        }
    }
    kept
}

/// Puts back what no client may change, and drops what this server does not keep.
fn restore_metadata(current: &Value, object: &mut Value) {
    let Some(metadata) = object["metadata"].as_object_mut() else {
        return;
    };
    metadata.retain(|_, value| !value.is_null());
    // None sent means none changed; an empty list takes them all away.
    if metadata.get("managedFields").is_none()
        && let Some(entries) = current["metadata"].get("managedFields")
    {
        metadata.insert("managedFields".to_owned(), entries.clone());
    }
    for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let empty = |value: &Value| match value {
            Value::Object(map) => map.is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        if metadata.get(field).is_some_and(empty) {
            metadata.remove(field);
        }
    }
    for field in IMMUTABLE.into_iter().chain(["namespace", "name"]) {
        match current["metadata"].get(field) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
}

fn check_finalizers(target: &Resolved, current: &Value, object: &Value) -> Result<(), ApiError> {
    if current["metadata"].get("deletionTimestamp").is_none() {
        return Ok(());
    }
    let list = |object: &Value| object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    let before = list(current);
    let added: Vec<String> = list(object)
        .iter()
        .filter(|finalizer| !before.contains(finalizer))
        .map(Value::to_string)
        .collect();
    if added.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        added.join(", ")
    );
    let error = FieldError::forbidden("metadata.finalizers", &detail);
    Err(ApiError::invalid(
        &target.resource.group,
        &target.resource.kind,
        &target.name,
        &[error],
    ))
}

fn at_path<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |value, key| value.get(key))
}

fn set_path(object: &mut Value, path: &str, value: Value) {
    let mut place = object;
    for key in path.split('.') {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[key];
    }
    *place = value;
}

fn scale_object(target: &Resolved, object: &Value, paths: &crate::registry::ScalePaths) -> Value {
    let number = |path: &str| at_path(object, path).and_then(Value::as_i64).unwrap_or(0);
    let metadata = &object["metadata"];
    let mut scale = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": target.name,
            "namespace": target.namespace,
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": {},
        "status": { "replicas": number(&paths.status_replicas) },
    });
    // Go's omitempty: none wanted is not written.
    match number(&paths.spec_replicas) {
        0 => {}
        replicas => scale["spec"]["replicas"] = json!(replicas),
    }
    match paths.selector.as_deref().and_then(|path| at_path(object, path)) {
        Some(Value::String(text)) => scale["status"]["selector"] = json!(text),
        Some(Value::Object(_)) if !target.resource.custom => {
            scale["status"]["selector"] = json!(selector_text(&object["spec"]["selector"]));
        }
        _ => {}
    }
    scale
}

/// A `metav1.LabelSelector` in query-string form.
pub(crate) fn selector_text(selector: &Value) -> String {
    let mut parts = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let values: Vec<&str> = expression["values"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        parts.push(match expression["operator"].as_str() {
            Some("Exists") => key.to_owned(),
            Some("DoesNotExist") => format!("!{key}"),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            _ => format!("{key} in ({})", values.join(",")),
        });
    }
    parts.join(",")
}
