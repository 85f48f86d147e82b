//! Everything behind the server's one lock.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::Clock;
use crate::events::Events;
use crate::openapi;
use crate::registry::{Registry, ResourceType, Version, api_version};
use crate::route::Target;
use crate::schema::Schema;
use crate::status::ApiError;
use crate::store::{ObjectKey, ObjectName, Store};

/// The store, the types and the clock.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) clock: Clock,
    /// Counts generated names and addresses.
    pub(crate) counter: u64,
    /// Whether all writes are entered in `managedFields`.
    pub(crate) track_fields: bool,
    /// What the answer under way warns of.
    pub(crate) warnings: Vec<String>,
    pub(crate) events: Events,
}

/// A resource request with its type looked up.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) resource: Arc<ResourceType>,
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
}

impl Resolved {
    pub(crate) fn key(&self) -> ObjectKey {
        ObjectKey {
            resource: self.resource.id.clone(),
            at: ObjectName {
                namespace: self.namespace.clone(),
                name: self.name.clone(),
            },
        }
    }

    pub(crate) fn id(&self) -> &str {
        self.resource.id.as_str()
    }

    pub(crate) fn served(&self) -> Option<&Version> {
        self.resource.version(&self.version)
    }

    /// The schema for field ownership and unknown fields; an empty one where there is none.
    pub(crate) fn schema(&self) -> Arc<Schema> {
        let own = self.served().and_then(|version| version.schema.clone());
        own.or_else(|| openapi::schema(&self.resource.group, &self.version, &self.resource.kind))
            .unwrap_or_default()
    }

    pub(crate) fn has_status(&self) -> bool {
        self.served().is_some_and(|version| version.status)
    }

    pub(crate) fn not_found(&self) -> ApiError {
        ApiError::not_found(self.id(), &self.name)
    }
}

/// RFC 3339 with whole seconds, as `metav1.Time` is written.
pub(crate) fn wire_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl State {
    pub(crate) fn new(clock: Clock) -> Self {
        let mut state = Self {
            store: Store::default(),
            registry: Registry::new(),
            clock,
            counter: 0,
            track_fields: false,
            warnings: Vec::new(),
            events: Events::default(),
        };
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            state.put_namespace(name);
        }
        state
    }

    fn put_namespace(&mut self, name: &str) {
        let object = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "uid": self.store.next_uid(),
                "creationTimestamp": self.now(),
                "labels": { "kubernetes.io/metadata.name": name },
            },
            "spec": { "finalizers": ["kubernetes"] },
            "status": { "phase": "Active" },
        });
        self.store.put(&namespace_key(name), object);
    }

    /// The clock's time in wire form.
    pub(crate) fn now(&self) -> String {
        wire_time((self.clock)())
    }

    /// Finds the type of a request; 404 where no such resource is served.
    pub(crate) fn resolve(&self, target: &Target) -> Result<Resolved, ApiError> {
        let resource = self
            .registry
            .get(&target.group, &target.plural)
            .filter(|resource| resource.version(&target.version).is_some())
            .ok_or_else(ApiError::no_such_path)?;
        let misplaced = if resource.namespaced {
            target.namespace.is_empty() && !target.name.is_empty()
        } else {
            !target.namespace.is_empty()
        };
        if misplaced {
            return Err(ApiError::no_such_path());
        }
        Ok(Resolved {
            resource,
            version: target.version.clone(),
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            subresource: target.subresource.clone(),
        })
    }

    /// The stored object of a request; 404 if there is none.
    pub(crate) fn current(&self, target: &Resolved) -> Result<Arc<Value>, ApiError> {
        self.store.get(&target.key()).ok_or_else(|| target.not_found())
    }

    /// Refuses to create in a namespace that is missing or on its way out.
    pub(crate) fn check_namespace(&self, target: &Resolved) -> Result<(), ApiError> {
        if !target.resource.namespaced {
            return Ok(());
        }
        let namespace = self
            .store
            .get(&namespace_key(&target.namespace))
            .ok_or_else(|| ApiError::not_found("namespaces", &target.namespace))?;
        if namespace["metadata"].get("deletionTimestamp").is_none() {
            return Ok(());
        }
        let cause = format!(
            "unable to create new content in namespace {} because it is being terminated",
            target.namespace
        );
        Err(ApiError::forbidden(target.id(), &target.name, &cause))
    }
}

pub(crate) fn namespace_key(name: &str) -> ObjectKey {
    ObjectKey {
        resource: crate::store::ResourceId::new("", "namespaces"),
        at: ObjectName {
            namespace: String::new(),
            name: name.to_owned(),
        },
    }
}

/// An object in the version that was asked for: custom resources differ by `apiVersion` only (strategy None).
pub(crate) fn in_version(object: &Arc<Value>, resource: &ResourceType, version: &str) -> Arc<Value> {
    if version == resource.storage {
        return object.clone();
    }
    let mut converted = (**object).clone();
    converted["apiVersion"] = json!(api_version(&resource.group, version));
    Arc::new(converted)
}
