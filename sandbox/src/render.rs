//! The forms in which objects and lists are answered.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use crate::registry::api_version;
use crate::state::Resolved;

/// Whole objects, their metadata alone, or rows for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    Metadata,
    Table,
}

impl Form {
    /// Reads the `Accept` header; the first form this server knows wins.
    pub(crate) fn from_accept(accept: &str) -> Self {
        for part in accept.split(',') {
            if part.contains("as=PartialObjectMetadata") {
                return Self::Metadata;
            }
            if part.contains("as=Table") && part.split(';').any(|it| it.trim() == "v=v1") {
                return Self::Table;
            }
            if !part.contains("as=") {
                return Self::Whole;
            }
        }
        Self::Whole
    }

    /// An object in this form.
    pub(crate) fn object<'a>(self, object: &'a Arc<Value>) -> std::borrow::Cow<'a, Value> {
        match self {
            Self::Whole | Self::Table => std::borrow::Cow::Borrowed(object),
            Self::Metadata => std::borrow::Cow::Owned(json!({
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": object["metadata"],
            })),
        }
    }

    /// The `apiVersion` and kind of objects in this form.
    pub(crate) fn type_of(self, target: &Resolved) -> (String, String) {
        match self {
            Self::Whole | Self::Table => (
                api_version(&target.resource.group, &target.version),
                target.resource.kind.clone(),
            ),
            Self::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadata".to_owned()),
        }
    }
}

/// A list, written without copying its items.
pub(crate) struct List {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) metadata: Value,
    pub(crate) items: Vec<Arc<Value>>,
    pub(crate) form: Form,
    /// Items of built-in types carry no `apiVersion` and `kind` of their own.
    pub(crate) typed_items: bool,
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("apiVersion", &self.api_version)?;
        map.serialize_entry("metadata", &self.metadata)?;
        let items: Vec<Item<'_>> = self.items.iter().map(|item| Item { list: self, item }).collect();
        map.serialize_entry("items", &items)?;
        map.end()
    }
}

struct Item<'a> {
    list: &'a List,
    item: &'a Arc<Value>,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let object = self.list.form.object(self.item);
        let empty = Map::new();
        let fields = object.as_object().unwrap_or(&empty);
        let skipped = |key: &str| !self.list.typed_items && matches!(key, "apiVersion" | "kind");
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in fields.iter().filter(|(key, _)| !skipped(key)) {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}
