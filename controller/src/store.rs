//! What the watches have told so far: rollouts by name, ReplicaSets by the uid of the rollout that controls them.

use crate::decode::{Owner, StoredReplicaSet, StoredRollout};
use crate::service::{self, Services};
use crate::sync::{read, write};
use serin_core::observed::ReplicaSet;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, RwLock};

/// Namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Namespace.
    pub(crate) namespace: Arc<str>,
    /// Name.
    pub(crate) name: Arc<str>,
}

impl Key {
    /// A key.
    #[must_use]
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Another object in the same namespace.
    #[must_use]
    pub(crate) fn sibling(&self, name: &str) -> Self {
        Self {
            namespace: Arc::clone(&self.namespace),
            name: name.into(),
        }
    }

    /// The key of an object.
    #[must_use]
    pub(crate) fn of(object: &impl kube::Resource) -> Self {
        let meta = object.meta();
        Self::new(
            meta.namespace.as_deref().unwrap_or_default(),
            meta.name.as_deref().unwrap_or_default(),
        )
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Compares resourceVersions as the decimal numbers that they are, of any length.
#[must_use]
pub(crate) fn compare_versions(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// How an object came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In a list: the truth, even if its version is lower (a restored backup).
    List,
    /// One event or one live read: never replaces what is newer.
    Event,
}

/// What an event changed about a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Not seen before (or another object of the same name).
    Added,
    /// The generation changed: somebody edited the spec.
    SpecEdited,
    /// Metadata or status changed.
    Changed,
    /// Nothing new.
    Same,
}

/// All rollouts of this instance.
#[derive(Default)]
pub(crate) struct Rollouts(RwLock<HashMap<Key, Arc<StoredRollout>>>);

impl Rollouts {
    /// Takes in what a watch or a live read told.
    pub(crate) fn apply(&self, new: StoredRollout, source: Source) -> (Key, Change) {
        let key = Key::of(&new);
        let mut rollouts = write(&self.0);
        let change = match rollouts.get(&key) {
            None => Change::Added,
            Some(old) => change(old, &new, source),
        };
        if change != Change::Same {
            if let Some(old) = rollouts.get(&key) {
                keep_identity(old, &new);
            }
            rollouts.insert(key.clone(), Arc::new(new));
        }
        (key, change)
    }

    /// Forgets a rollout, unless another of the same name has taken its place.
    pub(crate) fn delete(&self, gone: &StoredRollout) -> Option<(Key, Arc<StoredRollout>)> {
        let key = Key::of(gone);
        let mut rollouts = write(&self.0);
        let stored = rollouts.get(&key)?;
        if stored.rollout.metadata.uid != gone.rollout.metadata.uid {
            return None;
        }
        rollouts.remove(&key).map(|stored| (key, stored))
    }

    /// Forgets everything that a complete list did not name; what went is returned.
    pub(crate) fn keep_only(&self, listed: &HashSet<Key>) -> Vec<(Key, Arc<StoredRollout>)> {
        let mut rollouts = write(&self.0);
        let gone: Vec<Key> = rollouts.keys().filter(|key| !listed.contains(*key)).cloned().collect();
        gone.into_iter().filter_map(|key| rollouts.remove_entry(&key)).collect()
    }

    /// One rollout.
    #[must_use]
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<StoredRollout>> {
        read(&self.0).get(key).cloned()
    }

    /// All rollouts, in no order.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<(Key, Arc<StoredRollout>)> {
        read(&self.0)
            .iter()
            .map(|(key, stored)| (key.clone(), Arc::clone(stored)))
            .collect()
    }
}

fn change(old: &StoredRollout, new: &StoredRollout, source: Source) -> Change {
    let (before, after) = (&old.rollout.metadata, &new.rollout.metadata);
    if before.uid != after.uid {
        return Change::Added;
    }
    let order = compare_versions(version(after), version(before));
    match (order, source) {
        (Ordering::Equal, Source::List | Source::Event) | (Ordering::Less, Source::Event) => Change::Same,
        (Ordering::Less, Source::List) | (Ordering::Greater, Source::List | Source::Event) => {
            if before.generation == after.generation {
                Change::Changed
            } else {
                Change::SpecEdited
            }
        }
    }
}

fn version(metadata: &serin_core::api::ObjectMeta) -> &str {
    metadata.resource_version.as_deref().unwrap_or_default()
}

/// Carries the computed hashes over while what they depend on is the same (decision 18).
fn keep_identity(old: &StoredRollout, new: &StoredRollout) {
    let same = old.rollout.metadata.uid == new.rollout.metadata.uid
        && old.rollout.metadata.generation == new.rollout.metadata.generation
        && old.rollout.status.collision_count == new.rollout.status.collision_count
        && old.undecodable == new.undecodable;
    if let (true, Some(identity)) = (same, old.identity.get()) {
        let _ = new.identity.set(identity.clone()); // Only fails if it is already computed.
    }
}

/// One ReplicaSet and where it belongs.
#[derive(Debug)]
struct Owned {
    rollout: Key,
    replica_set: Arc<ReplicaSet>,
}

/// The ReplicaSets of one rollout, sorted by name; a vector, because a tree of one takes room for eleven.
type Siblings = Vec<Owned>;

/// All ReplicaSets that rollouts control, by the uid of the rollout.
#[derive(Default)]
pub(crate) struct ReplicaSets(RwLock<HashMap<String, Siblings>>);

fn place(siblings: &Siblings, name: &str) -> Result<usize, usize> {
    siblings.binary_search_by(|owned| owned.replica_set.name.as_str().cmp(name))
}

fn find<'s>(siblings: &'s Siblings, name: &str) -> Option<&'s Owned> {
    place(siblings, name).ok().and_then(|index| siblings.get(index))
}

impl ReplicaSets {
    /// Takes in what a watch or a live read told; the rollouts to look at are returned: the owner, and the one that
    /// lost it, if it changed hands.
    pub(crate) fn apply(&self, new: StoredReplicaSet, source: Source) -> Vec<Key> {
        let key = Key::of(&new);
        let owner = new.owner.clone().or_else(|| orphaned_by(&key, &new.observed));
        let owner_uid = owner.as_ref().map(|owner| owner.uid.clone());
        let mut all = write(&self.0);
        let mut touched = remove_elsewhere(&mut all, &key, &new.observed.uid, owner_uid.as_deref());
        let Some(owner) = owner else { return touched };
        let siblings = all.entry(owner.uid).or_default();
        let newer = find(siblings, &new.observed.name).is_none_or(|old| {
            old.replica_set.uid != new.observed.uid
                || match compare_versions(&new.observed.resource_version, &old.replica_set.resource_version) {
                    Ordering::Greater => true,
                    Ordering::Equal => false,
                    Ordering::Less => source == Source::List,
                }
        });
        if newer {
            let rollout = Key {
                namespace: key.namespace,
                name: owner.name.into(),
            };
            touched.push(rollout.clone());
            let place = place(siblings, &new.observed.name);
            let owned = Owned {
                rollout,
                replica_set: Arc::new(new.observed),
            };
            match place {
                Ok(index) => siblings[index] = owned,
                Err(index) => {
                    siblings.reserve_exact(1);
                    siblings.insert(index, owned);
                }
            }
        }
        touched
    }

    /// Forgets a ReplicaSet; the rollout to look at is returned.
    pub(crate) fn delete(&self, uid: &str) -> Option<Key> {
        let mut all = write(&self.0);
        let touched = take(&mut all, |owned| owned.replica_set.uid == uid);
        touched.into_iter().next()
    }

    /// Forgets everything that a complete list did not name; the rollouts to look at are returned.
    pub(crate) fn keep_only(&self, listed_uids: &HashSet<String>) -> Vec<Key> {
        let mut all = write(&self.0);
        take(&mut all, |owned| !listed_uids.contains(&owned.replica_set.uid))
    }

    /// The ReplicaSets of one rollout, sorted by name.
    #[must_use]
    pub(crate) fn of(&self, owner_uid: &str) -> Vec<Arc<ReplicaSet>> {
        let all = read(&self.0);
        all.get(owner_uid)
            .map(|siblings| siblings.iter().map(|owned| Arc::clone(&owned.replica_set)).collect())
            .unwrap_or_default()
    }

    /// ReplicaSets that nobody owns and whose names say that they were this rollout's, sorted by name.
    #[must_use]
    pub(crate) fn orphaned_by(&self, rollout: &Key) -> Vec<Arc<ReplicaSet>> {
        let all = read(&self.0);
        let orphans = all.get(&nobody(&rollout.namespace)).into_iter().flatten();
        let theirs = orphans.filter(|owned| owned.rollout == *rollout);
        theirs.map(|owned| Arc::clone(&owned.replica_set)).collect()
    }
}

/// Stands in for the UID of an owner where there is none.
fn nobody(namespace: &str) -> String {
    format!("nobody in {namespace}")
}

/// The rollout that an orphan was made for, by its name: `<rollout>-<hash>` (contract 02 §4).
fn orphaned_by(key: &Key, set: &ReplicaSet) -> Option<Owner> {
    let hash = set.hash();
    if !set.orphan || hash.is_empty() {
        return None;
    }
    let rollout = set.name.strip_suffix(hash)?.strip_suffix('-')?;
    Some(Owner {
        uid: nobody(&key.namespace),
        name: rollout.to_owned(),
    })
}

/// A ReplicaSet that changed hands is no longer its former owner's.
fn remove_elsewhere(all: &mut HashMap<String, Siblings>, key: &Key, uid: &str, owner_uid: Option<&str>) -> Vec<Key> {
    let mut lost = Vec::new();
    if owner_uid.is_some_and(|owner| {
        all.get(owner)
            .is_some_and(|siblings| find(siblings, &key.name).is_some())
    }) {
        return lost;
    }
    all.retain(|owner, siblings| {
        if Some(owner.as_str()) != owner_uid
            && let Ok(index) = place(siblings, &key.name)
            && siblings[index].replica_set.uid == uid
        {
            lost.push(siblings.remove(index).rollout);
        }
        !siblings.is_empty()
    });
    lost
}

fn take(all: &mut HashMap<String, Siblings>, gone: impl Fn(&Owned) -> bool) -> Vec<Key> {
    let mut touched = Vec::new();
    all.retain(|_, siblings| {
        siblings.retain(|owned| {
            let gone = gone(owned);
            if gone {
                touched.push(owned.rollout.clone());
            }
            !gone
        });
        !siblings.is_empty()
    });
    touched
}

/// Everything the watches have told.
#[derive(Default)]
pub(crate) struct Stores {
    /// Rollouts.
    pub(crate) rollouts: Rollouts,
    /// ReplicaSets that rollouts control.
    pub(crate) replica_sets: ReplicaSets,
    /// Services that have to do with rollouts.
    pub(crate) services: Services,
}

impl Stores {
    /// Takes in what a watch or a live read told of a rollout.
    pub(crate) fn apply_rollout(&self, new: StoredRollout, source: Source) -> (Key, Change) {
        let (key, change) = self.rollouts.apply(new, source);
        if change != Change::Same
            && let Some(stored) = self.rollouts.get(&key)
        {
            self.services.index(&key, &service::named(&stored.rollout));
        }
        (key, change)
    }

    /// Forgets a rollout, unless another of the same name has taken its place.
    pub(crate) fn delete_rollout(&self, gone: &StoredRollout) -> Option<(Key, Arc<StoredRollout>)> {
        let deleted = self.rollouts.delete(gone)?;
        self.services.index(&deleted.0, &BTreeSet::new());
        Some(deleted)
    }

    /// Forgets all rollouts that a complete list did not name; what went is returned.
    pub(crate) fn keep_only_rollouts(&self, listed: &HashSet<Key>) -> Vec<(Key, Arc<StoredRollout>)> {
        let gone = self.rollouts.keep_only(listed);
        for (key, _) in &gone {
            self.services.index(key, &BTreeSet::new());
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;
    use serin_core::identity::Identity;

    fn rollout(version: &str, generation: i64, uid: &str) -> StoredRollout {
        serde_json::from_value(json!({"metadata": {"name": "a", "namespace": "n", "uid": uid,
            "resourceVersion": version, "generation": generation}}))
        .unwrap()
    }

    fn replica_set(name: &str, uid: &str, version: &str, owner: Option<&str>) -> StoredReplicaSet {
        let owners = owner.map(|uid| {
            json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": uid, "uid": uid, "controller": true}])
        });
        serde_json::from_value(json!({"metadata": {"name": name, "namespace": "n", "uid": uid,
            "resourceVersion": version, "ownerReferences": owners}}))
        .unwrap()
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(compare_versions("9", "10"), Ordering::Less);
        assert_eq!(
            compare_versions("18446744073709551617", "18446744073709551616"),
            Ordering::Greater
        );
        assert_eq!(compare_versions("007", "7"), Ordering::Equal);
    }

    #[test]
    fn an_older_event_never_replaces_a_newer_one_but_a_list_does() {
        let rollouts = Rollouts::default();
        assert_eq!(rollouts.apply(rollout("9", 1, "u"), Source::Event).1, Change::Added);
        assert_eq!(
            rollouts.apply(rollout("10", 2, "u"), Source::Event).1,
            Change::SpecEdited
        );
        assert_eq!(rollouts.apply(rollout("9", 1, "u"), Source::Event).1, Change::Same);
        assert_eq!(rollouts.apply(rollout("11", 2, "u"), Source::Event).1, Change::Changed);
        assert_eq!(rollouts.apply(rollout("9", 2, "u"), Source::List).1, Change::Changed);
        assert_eq!(rollouts.apply(rollout("3", 1, "other"), Source::Event).1, Change::Added);
    }

    #[test]
    fn hashes_are_kept_while_generation_and_collisions_are_the_same() {
        let rollouts = Rollouts::default();
        let (key, _) = rollouts.apply(rollout("1", 1, "u"), Source::Event);
        let identity = Identity {
            pod_hash: "abc".into(),
            ..Identity::default()
        };
        rollouts.get(&key).unwrap().identity.set(identity.clone()).unwrap();
        rollouts.apply(rollout("2", 1, "u"), Source::Event);
        assert_eq!(rollouts.get(&key).unwrap().identity.get(), Some(&identity));
        rollouts.apply(rollout("3", 2, "u"), Source::Event);
        assert_eq!(rollouts.get(&key).unwrap().identity.get(), None);
    }

    #[test]
    fn a_replica_set_that_changes_hands_wakes_both_rollouts() {
        let sets = ReplicaSets::default();
        assert_eq!(
            sets.apply(replica_set("s", "1", "5", Some("x")), Source::Event),
            [Key::new("n", "x")]
        );
        assert_eq!(sets.apply(replica_set("s", "1", "5", Some("x")), Source::Event), []);
        let touched = sets.apply(replica_set("s", "1", "6", Some("y")), Source::Event);
        assert_eq!(touched, [Key::new("n", "x"), Key::new("n", "y")]);
        assert_eq!(
            sets.apply(replica_set("s", "1", "7", None), Source::Event),
            [Key::new("n", "y")]
        );
        assert!(sets.of("y").is_empty());
    }

    #[test]
    fn a_complete_list_forgets_what_it_does_not_name() {
        let sets = ReplicaSets::default();
        sets.apply(replica_set("s", "1", "5", Some("x")), Source::List);
        sets.apply(replica_set("t", "2", "5", Some("x")), Source::List);
        assert_eq!(sets.keep_only(&HashSet::from(["2".to_owned()])), [Key::new("n", "x")]);
        assert_eq!(sets.of("x").len(), 1);
        assert_eq!(sets.delete("2"), Some(Key::new("n", "x")));
        assert_eq!(sets.delete("2"), None);
    }
}
