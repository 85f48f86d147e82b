//! Objects of routers as they were read, as they are to be, and the smallest write from the one to the other.

use crate::notation::merge;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// Where an object is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Place {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name of the resource, such as `ingresses`.
    pub plural: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl Place {
    /// The resource with its group, as `kubectl` and the API server name it: `ingress.networking.k8s.io` is the singular
    /// that upstream prints, this is the plural.
    #[must_use]
    pub fn resource(&self) -> String {
        match self.api_version.split_once('/') {
            Some((group, _)) => format!("{}.{group}", self.plural),
            None => self.plural.clone(),
        }
    }

    /// What the API server says where there is no such object.
    #[must_use]
    pub fn not_found(&self) -> String {
        format!("{} \"{}\" not found", self.resource(), self.name)
    }
}

/// What is known of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen {
    /// Nothing yet: its kind is not listed to the end.
    #[default]
    Unread,
    /// There is none.
    Missing,
    /// The API server does not serve its kind in this version.
    NotServed,
    /// It may not be read, and why.
    Refused(String),
    /// As stored, `metadata.managedFields` left out.
    Found(Value),
}

/// One object that routers read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Route {
    /// Where it is.
    pub place: Place,
    /// What is known of it.
    pub seen: Seen,
}

/// The objects that the routers of one rollout read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Routes(pub Vec<Route>);

impl Routes {
    /// What is known of the object at a place.
    #[must_use]
    pub fn seen(&self, place: &Place) -> &Seen {
        const UNREAD: &Seen = &Seen::Unread;
        let found = self.0.iter().find(|route| route.place == *place);
        found.map_or(UNREAD, |route| &route.seen)
    }

    /// The object at a place, if there is one.
    #[must_use]
    pub fn find(&self, place: &Place) -> Option<&Value> {
        match self.seen(place) {
            Seen::Found(object) => Some(object),
            Seen::Unread | Seen::Missing | Seen::NotServed | Seen::Refused(_) => None,
        }
    }

    /// Whether it is known that there is no object at a place.
    #[must_use]
    pub fn is_missing(&self, place: &Place) -> bool {
        matches!(self.seen(place), Seen::Missing | Seen::NotServed)
    }
}

/// An event that goes with a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Its reason.
    pub reason: String,
    /// Its message.
    pub message: String,
}

impl Told {
    /// A Normal event.
    pub fn new(reason: &str, message: impl Into<String>) -> Self {
        Self {
            reason: reason.to_owned(),
            message: message.into(),
        }
    }
}

/// An object as it is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// Where.
    pub place: Place,
    /// The whole of it; `None` where it is to go.
    pub object: Option<Value>,
    /// Where it is created, the rollout becomes its controlling owner.
    pub owned: bool,
    /// What is told of each write that becomes necessary, in this order.
    pub told: Vec<Told>,
}

/// Why a router cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The object in question.
    pub place: Box<Place>,
    /// Reason of the Warning event.
    pub reason: String,
    /// What is wrong, in upstream's words where it has some.
    pub message: String,
}

impl Problem {
    /// Of an object.
    pub fn new(place: &Place, reason: &str, message: impl Into<String>) -> Self {
        Self {
            place: Box::new(place.clone()),
            reason: reason.to_owned(),
            message: message.into(),
        }
    }
}

/// One write of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// Create it.
    Create {
        /// Where.
        place: Place,
        /// The whole of it, without an owner.
        object: Value,
        /// The rollout becomes its controlling owner.
        owned: bool,
    },
    /// Change it by one JSON merge patch, which carries the version that it was made from (decisions 12, 13).
    Patch {
        /// Where.
        place: Place,
        /// The patch, without the version.
        patch: Value,
        /// The version.
        resource_version: String,
    },
    /// Delete this very object.
    Delete {
        /// Where.
        place: Place,
        /// Its UID.
        uid: String,
        /// The version.
        resource_version: String,
    },
}

impl Change {
    /// Where the object is.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::Create { place, .. } | Self::Patch { place, .. } | Self::Delete { place, .. } => place,
        }
    }
}

/// The writes that are necessary, each with what is told of it; none for an object that is as it is to be.
#[must_use]
pub fn changes(next: Vec<Next>, routes: &Routes) -> Vec<(Change, Vec<Told>)> {
    next.into_iter()
        .filter_map(|next| {
            let told = next.told.clone();
            change(next, routes).map(|change| (change, told))
        })
        .collect()
}

fn change(next: Next, routes: &Routes) -> Option<Change> {
    let Next {
        place, object, owned, ..
    } = next;
    match (routes.find(&place), object) {
        (None, None) => None,
        (None, Some(object)) => Some(Change::Create { place, object, owned }),
        (Some(found), None) => Some(Change::Delete {
            place,
            uid: text(found, "uid"),
            resource_version: text(found, "resourceVersion"),
        }),
        (Some(found), Some(object)) => merge::patch(found, &object).map(|patch| Change::Patch {
            place,
            patch,
            resource_version: text(found, "resourceVersion"),
        }),
    }
}

/// A field of the metadata; empty where it is absent.
fn text(object: &Value, field: &str) -> String {
    object["metadata"][field].as_str().unwrap_or_default().to_owned()
}
