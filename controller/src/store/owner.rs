//! What a reconcile is about.

use crate::store::key::Key;
use serin_core::api::ObjectMeta;
use serin_core::observed::Kind;

/// The object that a reconcile is about, at the version that it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Kind.
    pub(crate) kind: Kind,
    /// Namespace and name.
    pub(crate) key: Key,
    /// UID; empty if it is gone.
    pub(crate) uid: String,
    /// resourceVersion.
    pub(crate) version: String,
    /// Generation.
    pub(crate) generation: i64,
}

impl Owner {
    /// The owner with this metadata.
    #[must_use]
    pub(crate) fn new(kind: Kind, key: &Key, metadata: &ObjectMeta) -> Self {
        Self {
            kind,
            key: key.clone(),
            uid: metadata.uid.clone().unwrap_or_default(),
            version: metadata.resource_version.clone().unwrap_or_default(),
            generation: metadata.generation.unwrap_or_default(),
        }
    }
}
