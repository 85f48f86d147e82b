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
        let object = checked_body(target, body, options)?;
        admit::decode(target, &object, options)?;
        check_name(target, &object)?;
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
        let object = checked_body(target, patch::apply(kind, &seen, body)?, options)?;
        admit::decode(target, &object, options)?;
        check_name(target, &object)?;
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
}

/// Built-in types whose PUT must carry a resourceVersion.
fn needs_version(kind: &str) -> bool {
    matches!(kind, "Lease" | "CustomResourceDefinition" | "PodDisruptionBudget")
}

/// The name in a body is that of the path.
pub(crate) fn check_name(target: &Resolved, object: &Value) -> Result<(), ApiError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            target.name
        )));
    }
    if name != target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    Ok(())
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
