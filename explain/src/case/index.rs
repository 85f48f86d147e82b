//! The objects that were read, found by kind, owner and name.

use crate::sources::{Object, Sources};
use std::collections::HashMap;

/// Made once, so that a thousand explanations do not search a thousand times.
#[derive(Debug, Default)]
pub struct Index<'a> {
    by_kind: HashMap<&'a str, Vec<&'a Object>>,
    by_owner: HashMap<&'a str, Vec<&'a Object>>,
    events: HashMap<&'a str, Vec<&'a Object>>,
}

impl<'a> Index<'a> {
    /// Of everything that was read.
    #[must_use]
    pub fn new(sources: &'a Sources) -> Self {
        let mut index = Self::default();
        for object in &sources.objects {
            index.by_kind.entry(object.kind()).or_default().push(object);
            if object.kind() == "Event" {
                let name = object.text("/involvedObject/name");
                index.events.entry(name).or_default().push(object);
                continue;
            }
            for owner in object.list("/metadata/ownerReferences") {
                let uid = crate::sources::text(&owner["uid"]);
                index.by_owner.entry(uid).or_default().push(object);
            }
        }
        index
    }

    /// Objects of a kind, of all namespaces.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &'a Object> + '_ {
        self.by_kind.get(kind).into_iter().flatten().copied()
    }

    /// Objects of a kind in a namespace.
    pub fn of_kind<'i>(&'i self, kind: &str, namespace: &'i str) -> impl Iterator<Item = &'a Object> + 'i {
        self.all(kind).filter(move |object| object.namespace() == namespace)
    }

    /// An object by kind, namespace and name.
    #[must_use]
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<&'a Object> {
        self.of_kind(kind, namespace).find(|object| object.name() == name)
    }

    /// The same where two groups have a kind of one name. An object that does not say its group is taken as it is.
    #[must_use]
    pub fn find_of(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Option<&'a Object> {
        let mut objects = self.of_kind(kind, namespace);
        objects.find(|object| {
            let own = object.text("/apiVersion");
            object.name() == name && (own.is_empty() || group(own) == group(api_version))
        })
    }

    /// Objects of a kind that an object owns.
    pub fn owned<'i>(&'i self, kind: &'i str, owner: &Object) -> impl Iterator<Item = &'a Object> + 'i {
        let owned = self.by_owner.get(owner.uid()).into_iter().flatten().copied();
        let named = !owner.uid().is_empty();
        owned.filter(move |object| named && object.kind() == kind)
    }

    /// Events about an object, newest first. Events of an earlier object of the same name are not among them.
    #[must_use]
    pub fn events(&self, about: &Object) -> Vec<&'a Object> {
        let named = self.events.get(about.name()).into_iter().flatten().copied();
        let mut events: Vec<&Object> = named
            .filter(|event| {
                let uid = event.text("/involvedObject/uid");
                event.text("/involvedObject/kind") == about.kind()
                    && event.text("/involvedObject/namespace") == about.namespace()
                    && (uid.is_empty() || about.uid().is_empty() || uid == about.uid())
            })
            .collect();
        events.sort_by_key(|event| std::cmp::Reverse(event_time(event)));
        events
    }
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// When an event was last seen.
#[must_use]
pub fn event_time(event: &Object) -> Option<jiff::Timestamp> {
    [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/firstTimestamp",
        "/metadata/creationTimestamp",
    ]
    .iter()
    .find_map(|path| event.time(path))
}

/// How often an event was seen.
#[must_use]
pub fn event_count(event: &Object) -> i64 {
    let counts = ["/series/count", "/count"];
    counts.iter().find_map(|path| event.number(path)).unwrap_or(1)
}
