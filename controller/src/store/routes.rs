//! Objects of traffic routers (contract 07): only those that a rollout reads are kept.
//!
//! Which objects a rollout reads is known once a decision about it is prepared. A kind is watched from the first such
//! rollout on: most clusters have one router, or none.

use crate::store::expiry::Expiry;
use crate::store::key::{Key, Source};
use crate::sync::{read, write};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serin_core::traffic::{Place, Seen};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::Notify;

/// How long the answer "there is no such object" counts.
const ABSENT_FOR: Duration = Duration::from_secs(5);

/// A kind of objects in one version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RouteKind {
    /// Group and version.
    pub(crate) api_version: String,
    /// Kind.
    pub(crate) kind: String,
    /// Name of the resource.
    pub(crate) plural: String,
}

impl RouteKind {
    /// The kind of the object at a place.
    pub(crate) fn of(place: &Place) -> Self {
        Self {
            api_version: place.api_version.clone(),
            kind: place.kind.clone(),
            plural: place.plural.clone(),
        }
    }

    /// The place of an object of this kind.
    fn place(&self, key: &Key) -> Place {
        Place {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
            namespace: key.namespace.to_string(),
            name: key.name.to_string(),
        }
    }

    /// As the client names it.
    pub(crate) fn resource(&self) -> ApiResource {
        let (group, version) = self.api_version.split_once('/').unwrap_or(("", &self.api_version));
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }

    /// What is said where the API server does not permit to read it: the permission that is missing, and its words.
    pub(crate) fn refused(&self, verb: &str, said: &str) -> String {
        let resource = self.place(&Key::new("", "")).resource();
        format!("the controller may not {verb} {resource}: {said}")
    }
}

/// An object of any kind, without the record of who manages its fields.
#[derive(Clone, Debug)]
pub(crate) struct StoredRoute {
    /// Name, namespace, UID and resourceVersion only; the watch goes on from the last of these.
    pub(crate) meta: ObjectMeta,
    object: Value,
}

impl<'de> Deserialize<'de> for StoredRoute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            metadata.remove("managedFields");
        }
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        let meta = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            ..ObjectMeta::default()
        };
        Ok(Self { meta, object })
    }
}

impl kube::Resource for StoredRoute {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        of.kind.as_str().into()
    }
    fn group(of: &ApiResource) -> Cow<'_, str> {
        of.group.as_str().into()
    }
    fn version(of: &ApiResource) -> Cow<'_, str> {
        of.version.as_str().into()
    }
    fn plural(of: &ApiResource) -> Cow<'_, str> {
        of.plural.as_str().into()
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

impl StoredRoute {
    /// As decisions see it. The items of a list have no kind of their own.
    pub(crate) fn into_object(self, kind: &RouteKind) -> Value {
        let mut object = self.object;
        if let Value::Object(fields) = &mut object {
            fields.insert("apiVersion".to_owned(), kind.api_version.as_str().into());
            fields.insert("kind".to_owned(), kind.kind.as_str().into());
        }
        object
    }
}

/// What is known of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Served {
    /// It was not listed yet.
    #[default]
    Listing,
    /// The watch follows it.
    Synced,
    /// The API server does not serve it in this version.
    Not,
    /// It may not be read, and why.
    Refused(String),
}

/// What the store says of a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Known {
    /// Only a live read can tell.
    Unknown,
    /// What decisions see.
    Seen(Seen),
}

struct OfKind {
    served: Served,
    found: HashMap<Key, Arc<Value>>,
    /// Which rollouts read an object.
    read_by: HashMap<Key, BTreeSet<Key>>,
    /// Objects that the API server said do not exist a moment ago.
    absent: Expiry,
}

impl Default for OfKind {
    fn default() -> Self {
        Self {
            served: Served::default(),
            found: HashMap::new(),
            read_by: HashMap::new(),
            absent: Expiry::new(ABSENT_FOR),
        }
    }
}

impl OfKind {
    fn readers(&self, key: &Key) -> Vec<Key> {
        self.read_by.get(key).into_iter().flatten().cloned().collect()
    }

    fn all_readers(&self) -> Vec<Key> {
        let all: BTreeSet<&Key> = self.read_by.values().flatten().collect();
        all.into_iter().cloned().collect()
    }
}

#[derive(Default)]
struct State {
    kinds: HashMap<RouteKind, OfKind>,
    /// What a rollout reads; rollouts without routers have no entry.
    reads: HashMap<Key, BTreeSet<Place>>,
}

/// All objects of routers that rollouts read.
#[derive(Default)]
pub(crate) struct AllRoutes {
    state: RwLock<State>,
    /// A kind is read that was not read before.
    kinds: Notify,
}

impl AllRoutes {
    /// The kinds that rollouts read, or have read.
    pub(crate) fn kinds(&self) -> Vec<RouteKind> {
        read(&self.state).kinds.keys().cloned().collect()
    }

    /// Ends once there may be another kind.
    pub(crate) async fn more_kinds(&self) {
        self.kinds.notified().await;
    }

    /// A rollout reads the object at this place, too.
    pub(crate) fn also_reads(&self, rollout: &Key, place: &Place) {
        let state = read(&self.state);
        if state.reads.get(rollout).is_some_and(|places| places.contains(place)) {
            return;
        }
        drop(state);
        let mut state = write(&self.state);
        state.reads.entry(rollout.clone()).or_default().insert(place.clone());
        let kind = RouteKind::of(place);
        if !state.kinds.contains_key(&kind) {
            self.kinds.notify_one();
        }
        let of_kind = state.kinds.entry(kind).or_default();
        of_kind
            .read_by
            .entry(key_of(place))
            .or_default()
            .insert(rollout.clone());
    }

    /// What a rollout reads, as of the last decision about it.
    pub(crate) fn read_by(&self, rollout: &Key) -> Vec<Place> {
        let state = read(&self.state);
        state.reads.get(rollout).into_iter().flatten().cloned().collect()
    }

    /// A rollout reads no other objects than these; none where it is gone.
    pub(crate) fn reads_only(&self, rollout: &Key, places: &BTreeSet<Place>) {
        let state = read(&self.state);
        let before = state.reads.get(rollout);
        let nothing_goes = before.is_none_or(|before| before.is_subset(places));
        drop(state);
        if nothing_goes {
            return;
        }
        let mut state = write(&self.state);
        let before = state.reads.remove(rollout).unwrap_or_default();
        for place in before.difference(places) {
            state.forget(rollout, place);
        }
        let rest: BTreeSet<Place> = before.intersection(places).cloned().collect();
        if !rest.is_empty() {
            state.reads.insert(rollout.clone(), rest);
        }
    }

    /// Stores what a watch or a live read returned, if a rollout reads it; returns the rollouts to reconcile.
    pub(crate) fn apply(&self, kind: &RouteKind, new: StoredRoute, source: Source) -> Vec<Key> {
        let key = Key::of(&new);
        let mut state = write(&self.state);
        let Some(of_kind) = state.kinds.get_mut(kind) else {
            return Vec::new();
        };
        of_kind.absent.remove(&key);
        let touched = of_kind.readers(&key);
        let version = new.meta.resource_version.as_deref().unwrap_or_default();
        let old = of_kind.found.get(&key);
        let newer = old.is_none_or(|old| source.replaces(version, version_of(old)));
        if touched.is_empty() || !newer {
            return Vec::new();
        }
        of_kind.found.insert(key, Arc::new(new.into_object(kind)));
        touched
    }

    /// Forgets an object; returns the rollouts to reconcile.
    pub(crate) fn delete(&self, kind: &RouteKind, key: &Key) -> Vec<Key> {
        let mut state = write(&self.state);
        let Some(of_kind) = state.kinds.get_mut(kind) else {
            return Vec::new();
        };
        match of_kind.found.remove(key) {
            Some(_) => of_kind.readers(key),
            None => Vec::new(),
        }
    }

    /// A complete list named these objects of a kind, and no others; returns the rollouts to reconcile.
    pub(crate) fn listed(&self, kind: &RouteKind, listed: &HashSet<Key>) -> Vec<Key> {
        let mut touched = self.is_served(kind, Served::Synced);
        let mut state = write(&self.state);
        if let Some(of_kind) = state.kinds.get_mut(kind) {
            let gone: Vec<Key> = of_kind
                .found
                .keys()
                .filter(|key| !listed.contains(*key))
                .cloned()
                .collect();
            for key in gone {
                of_kind.found.remove(&key);
                touched.extend(of_kind.readers(&key));
            }
        }
        touched
    }

    /// What is known of a kind from now on; returns the rollouts to reconcile, all that read it if that is news.
    pub(crate) fn is_served(&self, kind: &RouteKind, served: Served) -> Vec<Key> {
        let mut state = write(&self.state);
        let Some(of_kind) = state.kinds.get_mut(kind).filter(|of| of.served != served) else {
            return Vec::new();
        };
        if served == Served::Not {
            of_kind.found.clear();
        }
        // Live reads have told so far what the list tells now.
        let news = !(of_kind.served == Served::Listing && served == Served::Synced);
        of_kind.served = served;
        if news { of_kind.all_readers() } else { Vec::new() }
    }

    /// A live read does not find an object.
    pub(crate) fn is_absent(&self, place: &Place) {
        let mut state = write(&self.state);
        if let Some(of_kind) = state.kinds.get_mut(&RouteKind::of(place)) {
            of_kind.absent.drop_over();
            of_kind.absent.insert(key_of(place));
        }
    }

    /// What is known of an object.
    #[must_use]
    pub(crate) fn known(&self, place: &Place) -> Known {
        let state = read(&self.state);
        let Some(of_kind) = state.kinds.get(&RouteKind::of(place)) else {
            return Known::Unknown;
        };
        let key = key_of(place);
        match &of_kind.served {
            Served::Not => Known::Seen(Seen::NotServed),
            Served::Refused(why) => Known::Seen(Seen::Refused(why.clone())),
            Served::Listing | Served::Synced => match of_kind.found.get(&key) {
                Some(object) => Known::Seen(Seen::Found((**object).clone())),
                None if of_kind.absent.contains(&key) => Known::Seen(Seen::Missing),
                None => Known::Unknown,
            },
        }
    }

    /// The versions of the objects that a rollout reads, by [`name_of`].
    #[must_use]
    pub(crate) fn versions(&self, rollout: &Key) -> BTreeMap<String, String> {
        let state = read(&self.state);
        let places = state.reads.get(rollout).into_iter().flatten();
        let versions = places.filter_map(|place| {
            let object = state.kinds.get(&RouteKind::of(place))?.found.get(&key_of(place))?;
            Some((name_of(place), version_of(object).to_owned()))
        });
        versions.collect()
    }

    /// How many it holds: objects, whose they are, and those that are not there.
    #[must_use]
    pub(crate) fn len(&self) -> [usize; 3] {
        let state = read(&self.state);
        let kinds = state.kinds.values();
        let sum = |of: fn(&OfKind) -> usize| kinds.clone().map(of).sum();
        let read_by: usize = sum(|of| of.read_by.len());
        [
            sum(|of| of.found.len()),
            read_by + state.reads.len(),
            sum(|of| of.absent.len()),
        ]
    }
}

impl State {
    fn forget(&mut self, rollout: &Key, place: &Place) {
        let Some(of_kind) = self.kinds.get_mut(&RouteKind::of(place)) else {
            return;
        };
        let key = key_of(place);
        let Some(rollouts) = of_kind.read_by.get_mut(&key) else {
            return;
        };
        rollouts.remove(rollout);
        if rollouts.is_empty() {
            of_kind.read_by.remove(&key);
            of_kind.found.remove(&key);
        }
    }
}

/// What an object is called where its UID is not known: versions only grow, whatever object bears the name.
#[must_use]
pub(crate) fn name_of(place: &Place) -> String {
    format!("{} {place}", place.resource())
}

/// Namespace and name of an object.
#[must_use]
pub(crate) fn key_of(place: &Place) -> Key {
    Key::new(&place.namespace, &place.name)
}

fn version_of(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default()
}
