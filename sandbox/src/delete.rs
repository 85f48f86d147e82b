//! Deleting objects: finalizers, grace periods, propagation, preconditions.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::state::{Resolved, State, wire_time};
use crate::status::{self, ApiError};
use crate::store::ObjectKey;

/// Keeps the owner until its dependents that block it are gone.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// Keeps the owner until its dependents are cut loose.
pub(crate) const ORPHAN: &str = "orphan";

/// What becomes of dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// `metav1.DeleteOptions`, from the body and the query.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_seconds: Option<i64>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) dry_run: bool,
}

impl DeleteOptions {
    /// Reads the options; the body wins over the query.
    pub(crate) fn parse(body: &Value, query: &crate::route::Query) -> Result<Self, ApiError> {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let policy = text(&body["propagationPolicy"]).or_else(|| query.get("propagationPolicy").map(str::to_owned));
        let propagation = match policy.as_deref() {
            None if body["orphanDependents"] == true => Some(Propagation::Orphan),
            None if body["orphanDependents"] == false => Some(Propagation::Background),
            None => None,
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(other) => {
                let error = status::FieldError {
                    field: "propagationPolicy".to_owned(),
                    reason: "FieldValueNotSupported",
                    body: format!(
                        "Unsupported value: {other:?}: supported values: \"Background\", \"Foreground\", \"Orphan\", \"nil\""
                    ),
                };
                return Err(ApiError::invalid("meta.k8s.io", "DeleteOptions", "", &[error]));
            }
        };
        let grace_in_query = query
            .number("gracePeriodSeconds")?
            .and_then(|seconds| i64::try_from(seconds).ok());
        Ok(Self {
            grace_seconds: body["gracePeriodSeconds"].as_i64().or(grace_in_query),
            propagation,
            uid: text(&body["preconditions"]["uid"]),
            resource_version: text(&body["preconditions"]["resourceVersion"]),
            dry_run: query.dry_run()? || body["dryRun"].as_array().is_some_and(|runs| !runs.is_empty()),
        })
    }
}

/// How far a deletion came.
pub(crate) enum Deletion {
    /// Gone; the last state.
    Gone(Arc<Value>),
    /// Still there, marked.
    Pending(Arc<Value>),
}

impl State {
    /// DELETE of one object; answers what a real server answers.
    pub(crate) fn delete(&mut self, target: &Resolved, options: &DeleteOptions) -> Result<Value, ApiError> {
        let current = self.current(target)?;
        self.check_delete_preconditions(target, &current, options)?;
        if options.dry_run {
            return Ok((*current).clone());
        }
        let uid = current["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        match self.delete_object(&target.key(), options) {
            None => Err(target.not_found()),
            Some(Deletion::Pending(object)) => Ok((*object).clone()),
            Some(Deletion::Gone(object)) if returns_object(&target.resource.kind, target.resource.custom) => {
                Ok((*object).clone())
            }
            Some(Deletion::Gone(_)) => Ok(status::deleted(target.id(), &target.name, &uid)),
        }
    }

    fn check_delete_preconditions(
        &self,
        target: &Resolved,
        current: &Value,
        options: &DeleteOptions,
    ) -> Result<(), ApiError> {
        let metadata = &current["metadata"];
        // A real server names the kind here, where it elsewhere names the resource.
        let group = target
            .id()
            .split_once('.')
            .map_or_else(String::new, |(_, group)| format!(".{group}"));
        let subject = format!("{}{group}", target.resource.kind);
        let mismatch = |what: &str, wanted: &str, found: &Value, happened: &str| {
            let found = found.as_str().unwrap_or_default();
            let cause = format!(
                "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might have \
                 been {happened}"
            );
            Err(ApiError::conflict(&subject, &target.name, &cause))
        };
        match (&options.uid, &options.resource_version) {
            (Some(uid), _) if metadata["uid"] != uid.as_str() => {
                mismatch("UID", uid, &metadata["uid"], "deleted and then recreated")
            }
            (_, Some(version)) if metadata["resourceVersion"] != version.as_str() => {
                mismatch("ResourceVersion", version, &metadata["resourceVersion"], "modified")
            }
            _ => Ok(()),
        }
    }

    /// Marks or removes an object. Also the way the garbage collector deletes.
    pub(crate) fn delete_object(&mut self, key: &ObjectKey, options: &DeleteOptions) -> Option<Deletion> {
        let current = self.store.get(key)?;
        let mut object = (*current).clone();
        let grace = grace_seconds(&object, options);
        let default = if key.resource.as_str() == "jobs.batch" {
            Propagation::Orphan
        } else {
            Propagation::Background
        };
        self.set_propagation(&mut object, options.propagation, default);
        let was_deleting = current["metadata"].get("deletionTimestamp").is_some();
        let finalizers = object["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|list| !list.is_empty());
        let namespace = key.resource.as_str() == "namespaces";
        if grace == 0 && !finalizers && !namespace {
            return self.finish_removal(key, Some(object)).map(Deletion::Gone);
        }
        let pending_grace = object["metadata"]["deletionGracePeriodSeconds"].as_i64();
        if !was_deleting || pending_grace.is_some_and(|pending| grace < pending) {
            self.mark(&mut object, grace, was_deleting);
        }
        if namespace {
            object["status"]["phase"] = json!("Terminating");
        }
        if object == *current {
            return Some(Deletion::Pending(current));
        }
        let stored = self.store.put(key, object);
        self.after_write(key, &stored);
        // The collector may already have finished it.
        match self.store.get(key) {
            Some(object) => Some(Deletion::Pending(object)),
            None => Some(Deletion::Gone(stored)),
        }
    }

    fn mark(&self, object: &mut Value, grace: i64, was_deleting: bool) {
        let at = (self.clock)();
        let at = at.checked_add(SignedDuration::from_secs(grace)).unwrap_or(at);
        object["metadata"]["deletionTimestamp"] = json!(wire_time(at));
        object["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        if let (false, Some(generation)) = (was_deleting, object["metadata"]["generation"].as_i64()) {
            object["metadata"]["generation"] = json!(generation + 1);
        }
    }

    /// Sets the collector's finalizers according to the policy; without one, those that are there stay.
    fn set_propagation(&self, object: &mut Value, wanted: Option<Propagation>, default: Propagation) {
        let metadata = &mut object["metadata"];
        let mut finalizers = metadata["finalizers"].as_array().cloned().unwrap_or_default();
        let chosen_before = finalizers.iter().any(|name| name == FOREGROUND || name == ORPHAN);
        let policy = match wanted {
            Some(policy) => policy,
            None if chosen_before => return,
            None => default,
        };
        let has_dependents = metadata["uid"]
            .as_str()
            .is_some_and(|uid| !self.store.dependents(uid).is_empty());
        finalizers.retain(|name| name != FOREGROUND && name != ORPHAN);
        match policy {
            Propagation::Background => {}
            Propagation::Foreground => finalizers.push(json!(FOREGROUND)),
            // An explicit request shows as a finalizer; nothing to cut loose needs none.
            Propagation::Orphan if wanted.is_some() || has_dependents => finalizers.push(json!(ORPHAN)),
            Propagation::Orphan => {}
        }
        if let Some(metadata) = metadata.as_object_mut() {
            if finalizers.is_empty() {
                metadata.remove("finalizers");
            } else {
                metadata.insert("finalizers".to_owned(), Value::Array(finalizers));
            }
        }
    }
}

/// Seconds a pod may take to stop; everything else goes at once.
fn grace_seconds(object: &Value, options: &DeleteOptions) -> i64 {
    let is_pod = object["kind"] == "Pod" && object["apiVersion"] == "v1";
    let bound = object["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    let finished = matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if !is_pod || !bound || finished {
        return 0;
    }
    let own = object["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    options.grace_seconds.unwrap_or(own).max(0)
}

/// Types whose deletion answers with the object instead of a `Status`.
fn returns_object(kind: &str, custom: bool) -> bool {
    !custom && matches!(kind, "Pod" | "Service" | "ServiceAccount" | "PersistentVolumeClaim")
}
