//! What the garbage collector and the namespace controller of kube-controller-manager do, at once instead of later.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::delete::{DeleteOptions, FOREGROUND, ORPHAN, Propagation};
use crate::state::{State, namespace_key};
use crate::store::ObjectKey;

impl State {
    /// Follows up a write: orphans cut loose, foreground deletion driven on, absent owners noticed.
    pub(crate) fn after_write(&mut self, key: &ObjectKey, object: &Arc<Value>) {
        if key.resource.as_str() == "customresourcedefinitions.apiextensions.k8s.io" {
            self.serve_definition(object);
        }
        if key.resource.as_str() == "events" {
            self.event_written(key, object);
        }
        if object["metadata"].get("deletionTimestamp").is_some() {
            if key.resource.as_str() == "namespaces" {
                self.empty_namespace(&key.at.name);
                return;
            }
            self.drive_deletion(key, object);
        } else {
            self.collect_if_ownerless(key, object);
        }
        // A dependent that no longer blocks (or no longer points to) its owner may set the owner free.
        self.recheck_owners(object);
    }

    /// Takes an object out for good, with all that follows; `last` is its state at the end.
    pub(crate) fn finish_removal(&mut self, key: &ObjectKey, last: Option<Value>) -> Option<Arc<Value>> {
        let gone = self.store.remove_as(key, last)?;
        if key.resource.as_str() == "customresourcedefinitions.apiextensions.k8s.io" {
            self.drop_definition(&gone);
        }
        if let Some(uid) = gone["metadata"]["uid"].as_str() {
            for dependent in self.store.dependents(uid) {
                self.owner_gone(&dependent);
            }
        }
        self.recheck_owners(&gone);
        if !key.at.namespace.is_empty() {
            self.finish_namespace(&key.at.namespace);
        }
        Some(gone)
    }

    fn drive_deletion(&mut self, key: &ObjectKey, object: &Arc<Value>) {
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        if has_finalizer(object, ORPHAN) {
            for dependent in self.store.dependents(&uid) {
                self.cut_owner(&dependent, |owner| owner == uid);
            }
            self.remove_finalizer(key, ORPHAN);
        } else if has_finalizer(object, FOREGROUND) {
            for dependent in self.store.dependents(&uid) {
                self.delete_dependent(&dependent, &uid);
            }
            self.finish_foreground(key, &uid);
        }
    }

    /// Deletes a dependent of an owner that is being deleted in the foreground.
    fn delete_dependent(&mut self, dependent: &ObjectKey, owner: &str) {
        let Some(object) = self.store.get(dependent) else {
            return;
        };
        if self.has_other_owner(&object, owner) {
            self.cut_owner(dependent, |uid| uid == owner);
            return;
        }
        if object["metadata"].get("deletionTimestamp").is_some() {
            return;
        }
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        let blocks = self.store.dependents(uid).iter().any(|key| self.blocks(key, uid));
        let policy = if blocks {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        self.delete_object(
            dependent,
            &DeleteOptions {
                propagation: Some(policy),
                ..DeleteOptions::default()
            },
        );
    }

    /// The owner goes once no dependent blocks it.
    fn finish_foreground(&mut self, owner: &ObjectKey, uid: &str) {
        let blocked = self
            .store
            .dependents(uid)
            .iter()
            .any(|dependent| self.blocks(dependent, uid));
        if !blocked {
            self.remove_finalizer(owner, FOREGROUND);
        }
    }

    fn blocks(&self, dependent: &ObjectKey, owner: &str) -> bool {
        self.store.get(dependent).is_some_and(|object| {
            let owners = object["metadata"]["ownerReferences"].as_array();
            owners
                .into_iter()
                .flatten()
                .any(|reference| reference["uid"] == owner && reference["blockOwnerDeletion"] == true)
        })
    }

    fn recheck_owners(&mut self, object: &Value) {
        let owners: Vec<String> = owner_uids(object);
        for uid in owners {
            let Some(key) = self.store.by_uid(&uid).cloned() else {
                continue;
            };
            let waiting = self.store.get(&key).is_some_and(|owner| {
                owner["metadata"].get("deletionTimestamp").is_some() && has_finalizer(&owner, FOREGROUND)
            });
            if waiting {
                self.finish_foreground(&key, &uid);
            }
        }
    }

    /// One of a dependent's owners is gone: without another one the dependent goes too.
    fn owner_gone(&mut self, dependent: &ObjectKey) {
        let Some(object) = self.store.get(dependent) else {
            return;
        };
        let alive = owner_uids(&object).iter().any(|uid| self.store.by_uid(uid).is_some());
        if alive {
            let dead: Vec<String> = owner_uids(&object)
                .into_iter()
                .filter(|uid| self.store.by_uid(uid).is_none())
                .collect();
            self.cut_owner(dependent, |uid| dead.iter().any(|dead| dead == uid));
        } else if object["metadata"].get("deletionTimestamp").is_none() {
            let propagation = Some(Propagation::Background);
            self.delete_object(
                dependent,
                &DeleteOptions {
                    propagation,
                    ..DeleteOptions::default()
                },
            );
        }
    }

    /// An object whose owners never existed (or are gone) is collected, if their kinds are known here.
    fn collect_if_ownerless(&mut self, key: &ObjectKey, object: &Value) {
        let Some(owners) = object["metadata"]["ownerReferences"]
            .as_array()
            .filter(|owners| !owners.is_empty())
        else {
            return;
        };
        let absent = owners.iter().all(|owner| {
            let text = |field: &str| owner[field].as_str().unwrap_or_default();
            self.registry.by_kind(text("apiVersion"), text("kind")).is_some()
                && self.store.by_uid(text("uid")).is_none()
        });
        if absent {
            self.owner_gone(key);
        }
    }

    fn has_other_owner(&self, object: &Value, owner: &str) -> bool {
        owner_uids(object).iter().any(|uid| {
            uid != owner
                && self
                    .store
                    .by_uid(uid)
                    .and_then(|key| self.store.get(key))
                    .is_some_and(|other| {
                        other["metadata"].get("deletionTimestamp").is_none() || !has_finalizer(&other, FOREGROUND)
                    })
        })
    }

    fn cut_owner(&mut self, dependent: &ObjectKey, cut: impl Fn(&str) -> bool) {
        let Some(object) = self.store.get(dependent) else {
            return;
        };
        let mut object = (*object).clone();
        if let Some(metadata) = object["metadata"].as_object_mut()
            && let Some(Value::Array(owners)) = metadata.get_mut("ownerReferences")
        {
            owners.retain(|owner| !cut(owner["uid"].as_str().unwrap_or_default()));
            if owners.is_empty() {
                metadata.remove("ownerReferences");
            }
        }
        self.store.put(dependent, object);
    }

    fn remove_finalizer(&mut self, key: &ObjectKey, finalizer: &str) {
        let Some(object) = self.store.get(key) else { return };
        let mut object = (*object).clone();
        let mut left = 0;
        if let Some(metadata) = object["metadata"].as_object_mut() {
            if let Some(Value::Array(finalizers)) = metadata.get_mut("finalizers") {
                finalizers.retain(|name| name != finalizer);
                left = finalizers.len();
            }
            if left == 0 {
                metadata.remove("finalizers");
            }
        }
        let waiting = object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) > 0;
        if left == 0 && !waiting {
            self.finish_removal(key, Some(object));
        } else {
            self.store.put(key, object);
        }
    }

    /// Deletes what a terminating namespace holds; what has finalizers or runs on a node stays for now.
    fn empty_namespace(&mut self, namespace: &str) {
        for key in self.store.in_namespace(namespace) {
            let marked = self
                .store
                .get(&key)
                .is_some_and(|o| o["metadata"].get("deletionTimestamp").is_some());
            if !marked {
                let propagation = Some(Propagation::Background);
                self.delete_object(
                    &key,
                    &DeleteOptions {
                        propagation,
                        ..DeleteOptions::default()
                    },
                );
            }
        }
        self.finish_namespace(namespace);
    }

    fn finish_namespace(&mut self, namespace: &str) {
        let key = namespace_key(namespace);
        let Some(object) = self.store.get(&key) else { return };
        let terminating = object["metadata"].get("deletionTimestamp").is_some();
        let held = object["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|list| !list.is_empty());
        if terminating && !held && self.store.in_namespace(namespace).is_empty() {
            let mut last = (*object).clone();
            last["spec"] = json!({});
            self.finish_removal(&key, Some(last));
        }
    }
}

fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    object["metadata"]["finalizers"]
        .as_array()
        .is_some_and(|list| list.iter().any(|name| name == finalizer))
}

fn owner_uids(object: &Value) -> Vec<String> {
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners
        .filter_map(|owner| owner["uid"].as_str().map(str::to_owned))
        .collect()
}
