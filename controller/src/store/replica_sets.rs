//! The ReplicaSets of rollouts, found by the UID of their rollout and by their own.

use crate::store::decode::{OwnerReference, StoredReplicaSet};
use crate::store::key::{Key, Source};
use crate::store::packed::Packed;
use crate::sync::{read, write};
use serin_core::observed::ReplicaSet;
use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, RwLock};

/// All ReplicaSets that rollouts control, and those that nobody controls and whose names say whose they were.
#[derive(Default)]
pub(crate) struct ReplicaSets(RwLock<State>);

#[derive(Default)]
struct State {
    /// By the UID of the rollout, or by [`orphans_of`].
    families: HashMap<Arc<str>, Family>,
    /// Where each is, by its own UID.
    members: HashSet<Member>,
}

/// The ReplicaSets of one rollout, sorted by name; a vector, because a tree of one takes room for eleven.
struct Family {
    rollout: Key,
    sets: Vec<Arc<Packed>>,
}

/// Stands among others by the UID of the ReplicaSet.
struct Member {
    set: Arc<Packed>,
    family: Arc<str>,
}

impl Borrow<str> for Member {
    fn borrow(&self) -> &str {
        self.set.uid()
    }
}

impl Hash for Member {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.set.uid().hash(state);
    }
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.set.uid() == other.set.uid()
    }
}

impl Eq for Member {}

impl ReplicaSets {
    /// Stores what a watch or a live read returned; returns the rollouts to reconcile: the owner, and the one that
    /// lost it, if it changed hands.
    pub(crate) fn apply(&self, new: StoredReplicaSet, source: Source) -> Vec<Key> {
        let key = Key::of(&new);
        let known = self.by_uid(&new.observed.uid);
        let (owner, set) = new.into_parts(known.as_ref());
        let home = match owner {
            Some(OwnerReference { uid, name }) => Some((uid, key.sibling(&name))),
            None => formers_home(&key, &set),
        };
        write(&self.0).apply(home, set, source)
    }

    fn by_uid(&self, uid: &str) -> Option<ReplicaSet> {
        let set = read(&self.0).members.get(uid).map(|member| Arc::clone(&member.set));
        set.map(|set| set.unpack())
    }

    /// Forgets a ReplicaSet; returns the rollout to reconcile.
    pub(crate) fn delete(&self, uid: &str) -> Option<Key> {
        write(&self.0).remove(uid)
    }

    /// Forgets everything that a complete list did not name; returns the rollouts to reconcile.
    pub(crate) fn keep_only(&self, listed_uids: &HashSet<String>) -> Vec<Key> {
        let mut state = write(&self.0);
        let uids = state.members.iter().map(|member| member.set.uid());
        let gone: Vec<String> = uids
            .filter(|uid| !listed_uids.contains(*uid))
            .map(ToOwned::to_owned)
            .collect();
        gone.iter().filter_map(|uid| state.remove(uid)).collect()
    }

    /// The ReplicaSets of one rollout, sorted by name.
    #[must_use]
    pub(crate) fn of(&self, owner_uid: &str) -> Vec<Arc<ReplicaSet>> {
        let packed = read(&self.0).families.get(owner_uid).map(|family| family.sets.clone());
        let packed = packed.unwrap_or_default();
        packed.iter().map(|set| Arc::new(set.unpack())).collect()
    }

    /// ReplicaSets that nobody owns and whose names say that they were this rollout's, sorted by name.
    #[must_use]
    pub(crate) fn orphaned_by(&self, rollout: &Key) -> Vec<Arc<ReplicaSet>> {
        self.of(&orphans_of(rollout))
    }

    /// How many there are: of all rollouts, and rollouts that have any.
    #[must_use]
    pub(crate) fn len(&self) -> (usize, usize) {
        let state = read(&self.0);
        (state.members.len(), state.families.len())
    }
}

impl State {
    fn apply(&mut self, home: Option<(String, Key)>, set: ReplicaSet, source: Source) -> Vec<Key> {
        let mut touched = Vec::new();
        if let Some(known) = self.members.get(set.uid.as_str()) {
            if !source.replaces(&set.resource_version, known.set.version()) {
                return touched;
            }
            let stays = home.as_ref().is_some_and(|(family, _)| **family == *known.family);
            if !stays {
                touched.extend(self.remove(&set.uid));
            }
        }
        if let Some((family, rollout)) = home {
            touched.push(rollout.clone());
            self.insert(family, rollout, Arc::new(Packed::new(set)));
        }
        touched
    }

    fn insert(&mut self, family: String, rollout: Key, set: Arc<Packed>) {
        let id = self.families.get_key_value(family.as_str());
        let id = id.map_or_else(|| Arc::from(family), |(id, _)| Arc::clone(id));
        let entry = self.families.entry(Arc::clone(&id));
        let family = entry.or_insert_with(|| Family {
            rollout,
            sets: Vec::new(),
        });
        match family.place(set.name()) {
            Ok(index) => {
                let before = std::mem::replace(&mut family.sets[index], Arc::clone(&set));
                // Another object of the same name took its place.
                self.members.remove(before.uid());
            }
            Err(index) => {
                family.sets.reserve_exact(1);
                family.sets.insert(index, Arc::clone(&set));
            }
        }
        self.members.replace(Member { set, family: id });
    }

    fn remove(&mut self, uid: &str) -> Option<Key> {
        let member = self.members.take(uid)?;
        let family = self.families.get_mut(&member.family)?;
        let rollout = family.rollout.clone();
        if let Ok(index) = family.place(member.set.name()) {
            family.sets.remove(index);
        }
        if family.sets.is_empty() {
            self.families.remove(&member.family);
        }
        Some(rollout)
    }
}

impl Family {
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.sets.binary_search_by(|set| set.name().cmp(name))
    }
}

/// Stands in for the UID of an owner where there is none.
fn orphans_of(rollout: &Key) -> String {
    format!("orphaned by {rollout}")
}

/// The rollout that an orphan was made for, by its name: `<rollout>-<hash>` (contract 02 §4).
fn formers_home(key: &Key, set: &ReplicaSet) -> Option<(String, Key)> {
    let hash = set.hash();
    if !set.orphan || hash.is_empty() {
        return None;
    }
    let rollout = key.sibling(set.name.strip_suffix(hash)?.strip_suffix('-')?);
    Some((orphans_of(&rollout), rollout))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};
    use serin_core::wire;

    fn replica_set(name: &str, uid: &str, version: &str, owner: Option<&str>) -> StoredReplicaSet {
        let owners = owner.map(|uid| {
            json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": uid, "uid": uid, "controller": true}])
        });
        serde_json::from_value(json!({"metadata": {"name": name, "namespace": "n", "uid": uid,
            "resourceVersion": version, "ownerReferences": owners}}))
        .unwrap()
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
        // What comes late of the time before does not take it back.
        assert_eq!(sets.apply(replica_set("s", "1", "5", Some("x")), Source::Event), []);
        assert_eq!(
            sets.apply(replica_set("s", "1", "7", None), Source::Event),
            [Key::new("n", "y")]
        );
        assert!(sets.of("y").is_empty());
        assert_eq!(sets.len(), (0, 0));
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

    #[test]
    fn another_object_of_the_same_name_takes_its_place() {
        let sets = ReplicaSets::default();
        sets.apply(replica_set("s", "1", "5", Some("x")), Source::Event);
        sets.apply(replica_set("s", "2", "6", Some("x")), Source::Event);
        assert_eq!(sets.delete("1"), None, "the deletion of the first comes late");
        let uids: Vec<String> = sets.of("x").iter().map(|set| set.uid.clone()).collect();
        assert_eq!((uids, sets.len()), (vec!["2".to_owned()], (1, 1)));
    }

    #[test]
    fn an_orphan_is_its_former_rollouts_by_name() {
        let orphan = |name: &str| -> StoredReplicaSet {
            serde_json::from_value(json!({"metadata": {"name": name, "namespace": "n", "uid": name,
                "resourceVersion": "1", "labels": {wire::HASH_LABEL: "5d8f"}}}))
            .unwrap()
        };
        let sets = ReplicaSets::default();
        assert_eq!(sets.apply(orphan("web-5d8f"), Source::List), [Key::new("n", "web")]);
        assert_eq!(sets.apply(orphan("5d8f"), Source::List), []);
        assert_eq!(sets.orphaned_by(&Key::new("n", "web")).len(), 1);
        assert!(sets.orphaned_by(&Key::new("n", "we")).is_empty());
        let adopted = json!({"metadata": {"name": "web-5d8f", "namespace": "n", "uid": "web-5d8f", "resourceVersion": "2",
            "labels": {wire::HASH_LABEL: "5d8f"}, "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout", "name": "web", "uid": "u", "controller": true}]}});
        let adopted = serde_json::from_value(adopted).unwrap();
        assert_eq!(
            sets.apply(adopted, Source::Event),
            [Key::new("n", "web"), Key::new("n", "web")]
        );
        assert!(sets.orphaned_by(&Key::new("n", "web")).is_empty());
        assert_eq!(sets.of("u").len(), 1);
    }

    fn with_template(version: &str, generation: i64, image: &str, annotations: &Value) -> StoredReplicaSet {
        serde_json::from_value(json!({
            "metadata": {"name": "s", "namespace": "n", "uid": "1", "resourceVersion": version,
                "generation": generation, "annotations": annotations, "ownerReferences": [{"name": "r", "uid": "u",
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "controller": true}]},
            "spec": {"template": {"metadata": {"labels": {"role": "canary"}},
                "spec": {"containers": [{"name": "c", "image": image}]}}},
        }))
        .unwrap()
    }

    #[test]
    fn a_template_is_read_again_only_where_it_may_have_changed() {
        let sets = ReplicaSets::default();
        let template = || sets.of("u")[0].template;
        let none = json!({});
        sets.apply(with_template("1", 1, "a", &none), Source::Event);
        let first = template();
        assert!(first.is_some());
        // No API server sends this: the facts about the template are the former ones, which were not computed again.
        sets.apply(with_template("2", 1, "b", &none), Source::Event);
        assert_eq!(template(), first);
        sets.apply(with_template("3", 2, "b", &none), Source::Event);
        assert_ne!(template(), first);
        // Which part of the template is an overlay stands in an annotation.
        let overlaid = json!({wire::EPHEMERAL_METADATA: r#"{"labels":{"role":"canary"}}"#});
        sets.apply(with_template("4", 1, "a", &none), Source::List);
        sets.apply(with_template("5", 1, "a", &overlaid), Source::Event);
        assert_ne!(template(), first);
    }
}
