//! A second writer: people and other programs that change ReplicaSets and Services by hand. What they take away is
//! noted, so that the controller answers for its own doing and for nothing else.

use super::{World, note};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use serin_core::api::Rollout;
use serin_core::wire::{DESIRED_REPLICAS, HASH_LABEL, SCALE_DOWN_DEADLINE};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Available pods that somebody else took away.
#[derive(Clone, Debug)]
struct Deed {
    at: Timestamp,
    hash: String,
    pods: i32,
}

/// What others did.
#[derive(Default)]
pub(crate) struct Deeds {
    pods: Vec<Deed>,
    /// Which version of the world last had a Service changed by hand.
    services: BTreeMap<String, u64>,
}

/// What the controller could know when it decided.
#[derive(Clone, Debug)]
pub struct Basis {
    /// When.
    pub at: Timestamp,
    /// The version of the world.
    pub version: u64,
    /// The rollout as it saw it.
    pub rollout: Rc<Rollout>,
    /// Available pods that must be left.
    pub least: i32,
}

/// Replaces a hash wherever it stands, in names and sentences, too.
fn rename(value: &mut Value, hash: &str, other: &str) {
    match value {
        Value::String(text) => *text = text.replace(hash, other),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, hash, other)),
        Value::Object(members) => members.values_mut().for_each(|member| rename(member, hash, other)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl World {
    /// Somebody scales a ReplicaSet.
    pub fn scale_by_hand(&mut self, index: usize, replicas: i32) {
        let version = self.version();
        let set = &mut self.sets[index];
        let old = set.object.clone();
        set.object.resource_version = version;
        set.object.generation += 1;
        set.object.replicas = replicas;
        self.spec_changed(index, true);
        note!(self, "somebody scales {} {} → {replicas}", old.name, old.replicas);
        self.lag_set(old);
    }

    /// Somebody annotates a ReplicaSet, or takes an annotation off it.
    pub fn annotate_by_hand(&mut self, index: usize, key: &str, value: Option<&str>) {
        let version = self.version();
        let set = &mut self.sets[index];
        let old = set.object.clone();
        set.object.resource_version = version;
        match value {
            Some(value) => set.object.annotations.insert(key.to_owned(), value.to_owned()),
            None => set.object.annotations.remove(key),
        };
        note!(self, "somebody annotates {} with {key}: {value:?}", old.name);
        self.lag_set(old);
    }

    /// Somebody takes annotations off a ReplicaSet that the controller put there.
    pub fn strip_annotations(&mut self, index: usize) {
        for annotation in [DESIRED_REPLICAS, SCALE_DOWN_DEADLINE] {
            self.annotate_by_hand(index, annotation, None);
        }
    }

    /// All so far was done by a version that hashes templates otherwise, and ours takes over from it: only what the
    /// templates say tells which ReplicaSet is which (decision 19). What the other still writes comes too late.
    pub fn hash_otherwise(&mut self) {
        note!(
            self,
            "all was done by a version that hashes otherwise, and another takes over"
        );
        let hashes: Vec<String> = self.sets.iter().map(|set| set.object.hash().to_owned()).collect();
        for hash in hashes {
            let other = format!("{hash}x");
            let version = self.version();
            for set in self.sets.iter_mut().filter(|set| set.object.hash() == hash) {
                set.object.labels.insert(HASH_LABEL.to_owned(), other.clone());
                set.object.name = set.object.name.replace(&hash, &other);
                set.object.resource_version.clone_from(&version);
            }
            for service in self.services.values_mut() {
                service.resource_version.clone_from(&version);
                if service.selector.get(HASH_LABEL) == Some(&hash) {
                    service.selector.insert(HASH_LABEL.to_owned(), other.clone());
                }
            }
            for deed in self.deeds.pods.iter_mut().filter(|deed| deed.hash == hash) {
                deed.hash.clone_from(&other);
            }
            rename(&mut self.rollout["status"], &hash, &other);
        }
        self.rollout["metadata"]["resourceVersion"] = self.version().into();
        self.refused = None;
        self.read_again();
    }

    /// Somebody lets a Service select another hash, or none.
    pub fn select_by_hand(&mut self, name: &str, hash: Option<&str>) {
        let version = self.version();
        let Some(service) = self.services.get_mut(name) else {
            return;
        };
        service.resource_version = version;
        match hash {
            Some(hash) => service.selector.insert(HASH_LABEL.to_owned(), hash.to_owned()),
            None => service.selector.remove(HASH_LABEL),
        };
        note!(self, "somebody lets Service {name} select {hash:?}");
        self.changed_service(name);
    }

    /// Somebody deletes a Service.
    pub fn delete_service(&mut self, name: &str) {
        note!(self, "somebody deletes Service {name}");
        self.services.remove(name);
        self.changed_service(name);
    }

    /// Somebody else changed a Service: from now on it serves what it leads to.
    pub fn changed_service(&mut self, name: &str) {
        self.deeds.services.insert(name.to_owned(), self.next_version);
        self.forget_emptied_services();
    }

    /// Somebody else took available pods away.
    pub fn took(&mut self, hash: &str, pods: i32) {
        if pods > 0 {
            self.deeds.pods.push(Deed {
                at: self.now,
                hash: hash.to_owned(),
                pods,
            });
            self.forget_emptied_services();
        }
    }

    /// Pods that others took away, of one revision or of all, and that one who looked at `since` could not know of.
    pub fn unknown_losses(&self, since: Timestamp, hash: Option<&str>) -> i32 {
        let stale = since.checked_sub(self.blindness()).expect("lives are short");
        let deeds = self.deeds.pods.iter().rev().take_while(|deed| deed.at >= stale);
        deeds
            .filter(|deed| hash.is_none_or(|hash| deed.hash == hash))
            .map(|deed| deed.pods)
            .sum()
    }

    /// Pods that are ready and not yet available, and were not even ready when it was decided which go. The ReplicaSet
    /// controller may keep them in place of available ones. A restart sees the pods themselves, and knows that.
    pub fn unknown_gains(&self, basis: &Basis) -> i32 {
        if basis.rollout.spec.restart_at != basis.rollout.status.restarted_at {
            return 0;
        }
        let known = basis.at.checked_sub(self.blindness()).expect("lives are short");
        let news = |set: &super::Set| {
            let pods = set
                .pods
                .iter()
                .filter(|pod| pod.ready_at.is_some_and(|at| at > known && at <= self.now));
            let starting = pods.filter(|pod| !pod.is_available(set.object.min_ready_seconds, self.now));
            super::cluster::count(starting)
        };
        self.sets.iter().map(news).sum()
    }

    /// Pods of a revision that became available too late for a decision to know.
    pub fn unknown_arrivals(&self, basis: &Basis, hash: &str) -> i32 {
        let known = basis.at.checked_sub(self.blindness()).expect("lives are short");
        let sets = self.sets.iter().filter(|set| set.object.hash() == hash);
        let news = |set: &super::Set| {
            let seconds = set.object.min_ready_seconds;
            let since = set.pods.iter().filter_map(|pod| pod.available_at(seconds));
            super::cluster::count(since.filter(|at| *at > known && *at <= self.now))
        };
        sets.map(news).sum()
    }

    /// How old what the controller knows may be.
    fn blindness(&self) -> SignedDuration {
        // The ReplicaSet controller's status says what it has seen.
        SignedDuration::from_secs(self.faults.store_lag + self.faults.controller_lag)
    }

    /// Whether a Service was changed by hand after a decision.
    pub fn changed_since(&self, name: &str, basis: &Basis) -> bool {
        self.deeds.services.get(name).is_some_and(|at| *at > basis.version)
    }

    /// Someone's hand, not ours: a Service without pods no longer counts as one that serves.
    pub fn forget_emptied_services(&mut self) {
        let emptied: Vec<String> = self
            .serving
            .keys()
            .filter(|name| self.behind(name) == 0)
            .cloned()
            .collect();
        for name in emptied {
            self.serving.remove(&name);
        }
    }
}
