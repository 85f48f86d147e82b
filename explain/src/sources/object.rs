//! One object of the API as it was read: raw JSON behind accessors that never fail, so that one odd object never hides
//! the rest.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

static NOTHING: Value = Value::Null;

/// An object without its secrets.
///
/// Paths are JSON pointers, such as `/status/phase`. What is missing, or is of another type, reads as empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(pub(crate) Value);

impl Object {
    /// The value at a path; null where there is none.
    #[must_use]
    pub fn at(&self, path: &str) -> &Value {
        self.0.pointer(path).unwrap_or(&NOTHING)
    }

    /// The text at a path; empty where there is none.
    #[must_use]
    pub fn text(&self, path: &str) -> &str {
        text(self.at(path))
    }

    /// The number at a path; also one that is written as text.
    #[must_use]
    pub fn number(&self, path: &str) -> Option<i64> {
        number(self.at(path))
    }

    /// Whether `true` stands at a path.
    #[must_use]
    pub fn flag(&self, path: &str) -> bool {
        self.at(path).as_bool().unwrap_or(false)
    }

    /// The list at a path; empty where there is none.
    #[must_use]
    pub fn list(&self, path: &str) -> &[Value] {
        list(self.at(path))
    }

    /// The time at a path.
    #[must_use]
    pub fn time(&self, path: &str) -> Option<Timestamp> {
        time(self.at(path))
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// Its UID.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    /// When it was created.
    #[must_use]
    pub fn created(&self) -> Option<Timestamp> {
        self.time("/metadata/creationTimestamp")
    }

    /// When its deletion began.
    #[must_use]
    pub fn deleted(&self) -> Option<Timestamp> {
        self.time("/metadata/deletionTimestamp")
    }

    /// A label; empty where there is none.
    #[must_use]
    pub fn label(&self, key: &str) -> &str {
        text(&self.at("/metadata/labels")[key])
    }

    /// An annotation; empty where there is none.
    #[must_use]
    pub fn annotation(&self, key: &str) -> &str {
        text(&self.at("/metadata/annotations")[key])
    }

    /// A condition by its type; null where there is none.
    #[must_use]
    pub fn condition(&self, kind: &str) -> &Value {
        let mut conditions = self.list("/status/conditions").iter();
        conditions
            .find(|condition| text(&condition["type"]) == kind)
            .unwrap_or(&NOTHING)
    }

    /// Whether an object of this kind and UID controls it.
    #[must_use]
    pub fn is_controlled_by(&self, uid: &str) -> bool {
        let mut owners = self.list("/metadata/ownerReferences").iter();
        !uid.is_empty() && owners.any(|owner| text(&owner["uid"]) == uid)
    }

    /// `kind/name`, as `kubectl` names it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}/{}", self.kind().to_lowercase(), self.name())
    }

    /// The whole as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }
}

/// The text of a value; empty where it is none.
#[must_use]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The number of a value, also of one that is text.
#[must_use]
pub fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The items of a value; none where it is no list.
#[must_use]
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The time of a value.
#[must_use]
pub fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn odd_objects_read_as_empty() {
        for odd in [
            json!(null),
            json!(7),
            json!({"metadata": 3, "status": {"conditions": "x"}}),
        ] {
            let object = Object(odd);
            assert_eq!((object.name(), object.created()), ("", None));
            assert_eq!(object.condition("Ready"), &Value::Null);
            assert!(!object.is_controlled_by("") && object.list("/status/conditions").is_empty());
        }
    }

    #[test]
    fn numbers_may_be_text() {
        let object = Object(json!({"status": {"observedGeneration": "12", "replicas": 3}}));
        assert_eq!(object.number("/status/observedGeneration"), Some(12));
        assert_eq!(object.number("/status/replicas"), Some(3));
        assert_eq!(object.number("/status/phase"), None);
    }
}
