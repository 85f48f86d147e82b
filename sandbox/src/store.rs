//! The objects, their one revision counter, and a history per resource that watches read from.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

/// Changes kept per resource for watches that come back; an older start gets 410.
const HISTORY: usize = 8192;
/// About how many bytes the changes of all resources may take; the oldest go first. An object of many managers takes
/// a hundred times the memory of its text.
const HISTORY_BYTES: usize = 48 << 20;
/// Changes that a watch reads at once.
const AT_ONCE: usize = 256;

/// A resource without its version, written as error messages write it: `pods`, `replicasets.apps`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ResourceId(Arc<str>);

impl ResourceId {
    pub(crate) fn new(group: &str, plural: &str) -> Self {
        if group.is_empty() {
            Self(plural.into())
        } else {
            Self(format!("{plural}.{group}").into())
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where an object stands within its resource; the namespace is empty for cluster-scoped ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectName {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// Where an object stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectKey {
    pub(crate) resource: ResourceId,
    pub(crate) at: ObjectName,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One entry of the history.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) kind: ChangeKind,
    pub(crate) object: Arc<Value>,
    /// The object before, so that a selector can tell an object that starts or ceases to match.
    pub(crate) previous: Option<Arc<Value>>,
    /// About how many bytes `object` takes; `previous` is the object of an earlier change.
    weight: usize,
}

/// A piece of the history.
pub(crate) struct Changes {
    pub(crate) some: Vec<Change>,
    /// Up to this revision these are all.
    pub(crate) read: u64,
    /// There may be more after them.
    pub(crate) more: bool,
}

/// The objects of one resource.
#[derive(Debug)]
pub(crate) struct Collection {
    objects: BTreeMap<ObjectName, Arc<Value>>,
    history: VecDeque<Change>,
    /// A watch cannot start before this revision any more.
    forgotten: u64,
    /// The newest change that was dropped: a running watch that has seen it has missed nothing.
    dropped: u64,
    latest: watch::Sender<u64>,
}

impl Default for Collection {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            forgotten: 0,
            dropped: 0,
            latest: watch::Sender::new(0),
        }
    }
}

impl Collection {
    /// Drops the oldest change; its weight.
    fn drop_oldest(&mut self) -> usize {
        let Some(dropped) = self.history.pop_front() else {
            return 0;
        };
        self.forgotten = self.forgotten.max(dropped.revision);
        self.dropped = dropped.revision;
        dropped.weight
    }
}

/// All objects.
#[derive(Debug, Default)]
pub(crate) struct Store {
    revision: u64,
    uids: u64,
    compacted: u64,
    epoch: u64,
    collections: BTreeMap<ResourceId, Collection>,
    /// The weight of all changes.
    weight: usize,
    by_uid: HashMap<String, ObjectKey>,
    dependents: HashMap<String, BTreeSet<ObjectKey>>,
}

impl Store {
    /// The revision of the last change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// A fresh UID; a counter, so that two equal runs give equal objects.
    pub(crate) fn next_uid(&mut self) -> String {
        self.uids += 1;
        let bits = (u128::from(self.uids) << 64) | u128::from(self.uids.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        uuid::Builder::from_random_bytes(bits.to_be_bytes())
            .into_uuid()
            .to_string()
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Arc<Value>> {
        self.collections.get(&key.resource)?.objects.get(&key.at).cloned()
    }

    /// The objects of a resource in key order, of one namespace or of all, after `after` if given.
    pub(crate) fn list<'a>(
        &'a self,
        resource: &ResourceId,
        namespace: Option<&'a str>,
        after: Option<&ObjectName>,
    ) -> impl Iterator<Item = (&'a ObjectName, &'a Arc<Value>)> + use<'a> {
        let first = ObjectName {
            namespace: namespace.unwrap_or_default().to_owned(),
            name: String::new(),
        };
        let start = match after {
            Some(after) => Bound::Excluded(after.clone()),
            None => Bound::Included(first),
        };
        self.collections
            .get(resource)
            .into_iter()
            .flat_map(move |collection| collection.objects.range((start.clone(), Bound::Unbounded)))
            .take_while(move |(at, _)| namespace.is_none_or(|namespace| at.namespace == namespace))
    }

    /// Writes an object: sets its resourceVersion and tells the watches.
    pub(crate) fn put(&mut self, key: &ObjectKey, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        let object = Arc::new(object);
        let collection = self.collections.entry(key.resource.clone()).or_default();
        let previous = collection.objects.insert(key.at.clone(), object.clone());
        if let Some(previous) = &previous {
            unlink_owners(&mut self.dependents, key, previous);
        }
        for owner in owner_uids(&object) {
            self.dependents.entry(owner.to_owned()).or_default().insert(key.clone());
        }
        if let Some(uid) = object["metadata"]["uid"].as_str() {
            self.by_uid.insert(uid.to_owned(), key.clone());
        }
        let kind = if previous.is_some() {
            ChangeKind::Modified
        } else {
            ChangeKind::Added
        };
        self.record(&key.resource, kind, object.clone(), previous);
        object
    }

    /// Enters a change in the history, tells the watches, and drops what is too much.
    fn record(&mut self, resource: &ResourceId, kind: ChangeKind, object: Arc<Value>, previous: Option<Arc<Value>>) {
        let revision = self.revision;
        let weight = weight(&object);
        let collection = self.collections.entry(resource.clone()).or_default();
        if collection.history.len() == HISTORY {
            self.weight -= collection.drop_oldest();
        }
        collection.history.push_back(Change {
            revision,
            kind,
            object,
            previous,
            weight,
        });
        self.weight += weight;
        collection.latest.send_replace(revision);
        while self.weight > HISTORY_BYTES {
            let fronts = self.collections.values_mut();
            let oldest = fronts
                .filter(|it| !it.history.is_empty())
                .min_by_key(|it| it.history.front().map(|change| change.revision));
            let Some(oldest) = oldest else { break };
            self.weight -= oldest.drop_oldest();
        }
    }

    /// Takes an object out; the watches see `last` (else its stored state) with the revision of its deletion.
    pub(crate) fn remove_as(&mut self, key: &ObjectKey, last: Option<Value>) -> Option<Arc<Value>> {
        let collection = self.collections.get_mut(&key.resource)?;
        let previous = collection.objects.remove(&key.at)?;
        unlink_owners(&mut self.dependents, key, &previous);
        if let Some(uid) = previous["metadata"]["uid"].as_str() {
            self.by_uid.remove(uid);
        }
        self.revision += 1;
        let mut object = last.unwrap_or_else(|| (*previous).clone());
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        let object = Arc::new(object);
        self.record(&key.resource, ChangeKind::Deleted, object.clone(), Some(previous));
        Some(object)
    }

    /// The object with this UID, if it exists.
    pub(crate) fn by_uid(&self, uid: &str) -> Option<&ObjectKey> {
        self.by_uid.get(uid)
    }

    /// The objects that name this UID as an owner, in key order.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<ObjectKey> {
        self.dependents
            .get(uid)
            .map(|keys| keys.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// All objects of a namespace, whatever their resource.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Vec<ObjectKey> {
        let mut keys = Vec::new();
        for resource in self.collections.keys() {
            keys.extend(self.list(resource, Some(namespace), None).map(|(at, _)| ObjectKey {
                resource: resource.clone(),
                at: at.clone(),
            }));
        }
        keys
    }

    /// A receiver that wakes at every change of the resource.
    pub(crate) fn subscribe(&mut self, resource: &ResourceId) -> watch::Receiver<u64> {
        self.collections.entry(resource.clone()).or_default().latest.subscribe()
    }

    /// Some changes after `revision`; where some are forgotten, the oldest revision a watch may start from.
    pub(crate) fn changes_after(&self, resource: &ResourceId, revision: u64) -> Result<Changes, u64> {
        let mut changes = Changes {
            some: Vec::new(),
            read: self.revision,
            more: false,
        };
        let Some(collection) = self.collections.get(resource) else {
            return Ok(changes);
        };
        if revision < collection.dropped {
            return Err(collection.forgotten);
        }
        let start = collection.history.partition_point(|change| change.revision <= revision);
        changes.some = collection.history.range(start..).take(AT_ONCE).cloned().collect();
        if changes.some.len() == AT_ONCE
            && let Some(last) = changes.some.last()
        {
            (changes.read, changes.more) = (last.revision, true);
        }
        Ok(changes)
    }

    /// How many objects there are, how many changes are remembered, and about how many bytes these take.
    pub(crate) fn sizes(&self) -> (usize, usize, usize) {
        let collections = self.collections.values();
        let (objects, changes) = collections.fold((0, 0), |(objects, changes), it| {
            (objects + it.objects.len(), changes + it.history.len())
        });
        (objects, changes, self.weight)
    }

    /// Forgets the history, as etcd's compaction does. Running watches that have seen all of it go on.
    pub(crate) fn compact(&mut self) {
        self.compacted = self.revision;
        for collection in self.collections.values_mut() {
            if let Some(last) = collection.history.back() {
                collection.dropped = last.revision;
            }
            collection.history.clear();
            collection.forgotten = self.revision;
        }
        self.weight = 0;
    }

    /// Ends all running watches; clients come back from where they were.
    pub(crate) fn disconnect(&mut self) {
        self.epoch += 1;
        for collection in self.collections.values_mut() {
            collection.latest.send_modify(|_| {});
        }
    }

    /// Counts calls of [`Store::disconnect`].
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The oldest revision from which a watch may start or a list may be continued.
    pub(crate) fn oldest(&self, resource: &ResourceId) -> u64 {
        self.collections
            .get(resource)
            .map_or(self.compacted, |collection| collection.forgotten)
    }
}

/// About how many bytes a value takes in memory: the nodes of its maps, the slots of its lists, and its texts.
fn weight(value: &Value) -> usize {
    /// Eleven keys and values, and what the allocator adds.
    const NODE: usize = 656;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() + 16,
        Value::Array(items) => items.iter().map(|item| weight(item) + size_of::<Value>()).sum(),
        Value::Object(fields) => {
            let below: usize = fields.iter().map(|(name, value)| name.len() + 16 + weight(value)).sum();
            below + fields.len().div_ceil(8) * NODE
        }
    }
}

fn owner_uids(object: &Value) -> impl Iterator<Item = &str> {
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.filter_map(|owner| owner["uid"].as_str())
}

fn unlink_owners(dependents: &mut HashMap<String, BTreeSet<ObjectKey>>, key: &ObjectKey, object: &Value) {
    for owner in owner_uids(object) {
        if let Some(keys) = dependents.get_mut(owner) {
            keys.remove(key);
            if keys.is_empty() {
                dependents.remove(owner);
            }
        }
    }
}
