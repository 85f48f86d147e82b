//! The ReplicaSet controller, the pods, and the stores through which the controller sees them.

use super::hands::Basis;
use super::pods::{Injected, Pod};
use super::{World, note};
use jiff::{SignedDuration, Timestamp};
use serin_core::api::Rollout;
use serin_core::observed::{ReplicaFailure, ReplicaSet};
use serin_core::plan::NewReplicaSet;
use std::rc::Rc;

/// A ReplicaSet as the API server has it, and its pods.
#[derive(Clone, Debug)]
pub struct Set {
    /// What the API server has.
    pub object: ReplicaSet,
    /// What the controller created.
    pub made: NewReplicaSet,
    /// Its pods.
    pub pods: Vec<Pod>,
    /// Labels and annotations of its pod template.
    pub injected: Rc<Injected>,
    /// Whether its pods ever become ready.
    pub good: bool,
    /// What the controller knew when it decided this size.
    pub basis: Basis,
    /// The smallest size that somebody else gave it since its controller last acted.
    pub by_hand: Option<i32>,
    /// Until when its controller acts and does not report.
    pub silent_until: Option<Timestamp>,
    /// When its controller looks at its new spec.
    pub controller_due: Option<Timestamp>,
}

impl Set {
    /// Pods that are available at an instant.
    pub fn available(&self, now: Timestamp) -> i32 {
        count(
            self.pods
                .iter()
                .filter(|pod| self.available_at(pod).is_some_and(|at| at <= now)),
        )
    }

    fn ready(&self, now: Timestamp) -> i32 {
        count(self.pods.iter().filter(|pod| pod.ready_at.is_some_and(|at| at <= now)))
    }

    fn available_at(&self, pod: &Pod) -> Option<Timestamp> {
        let wait = SignedDuration::from_secs(self.object.min_ready_seconds.into());
        pod.ready_at.and_then(|at| at.checked_add(wait).ok())
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> i32 {
    i32::try_from(items.count()).unwrap()
}

/// What lags behind: changes that the controller will see later.
#[derive(Default)]
pub struct Stores {
    rollout: Option<(Timestamp, Rc<Rollout>)>,
    sets: Vec<(Timestamp, ReplicaSet)>,
}

impl Stores {
    /// The rollout as the store has it.
    pub fn rollout(&self, world: &World) -> Rc<Rollout> {
        match &self.rollout {
            Some((until, old)) if *until > world.now => Rc::clone(old),
            _ => world.decoded(),
        }
    }

    /// The ReplicaSets as the store has them.
    pub fn sets(&self, world: &World) -> Vec<ReplicaSet> {
        let sees = |set: &Set| {
            let old = self
                .sets
                .iter()
                .find(|(until, old)| *until > world.now && old.uid == set.object.uid);
            old.map_or_else(|| set.object.clone(), |(_, old)| old.clone())
        };
        world.sets.iter().map(sees).collect()
    }

    /// Our own write: from now on the store has at least this (decision 34).
    pub fn caught_up_with_set(&mut self, uid: &str) {
        self.sets.retain(|(_, old)| old.uid != uid);
    }

    /// Our own write, or a conflict that made the controller read again.
    pub fn caught_up_with_rollout(&mut self) {
        self.rollout = None;
    }

    /// Everything is read again.
    pub fn catch_up(&mut self) {
        self.rollout = None;
        self.sets.clear();
    }
}

impl World {
    /// The rollout changed by somebody else: the store may see it later.
    pub fn lag_rollout(&mut self, old: Rc<Rollout>) {
        let lag = self.rng.up_to(self.faults.store_lag);
        if lag > 0 && self.stores.rollout.is_none() {
            self.stores.rollout = Some((self.after(lag), old));
        }
    }

    /// A ReplicaSet changed by somebody else: the store may see it later.
    pub fn lag_set(&mut self, old: ReplicaSet) {
        let lag = self.rng.up_to(self.faults.store_lag);
        let lags = self
            .stores
            .sets
            .iter()
            .any(|(until, set)| *until > self.now && set.uid == old.uid);
        if lag > 0 && !lags {
            let until = self.after(lag);
            self.stores.sets.retain(|(_, set)| set.uid != old.uid);
            self.stores.sets.push((until, old));
        }
    }

    fn after(&self, seconds: i64) -> Timestamp {
        self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap()
    }

    /// When the ReplicaSet controller sees a change of spec.
    pub fn controller_due(&mut self) -> Option<Timestamp> {
        let lag = self.rng.up_to(self.faults.controller_lag);
        Some(self.after(lag + self.controller_late))
    }

    /// Lets the ReplicaSet controller do all that is due.
    pub fn run_cluster(&mut self) {
        for index in 0..self.sets.len() {
            if self.sets[index].controller_due.is_some_and(|due| due <= self.now) {
                self.scale_pods(index);
            }
            self.report(index);
        }
        self.watch_services();
    }

    /// Makes and deletes pods; those that are not ready go first.
    fn scale_pods(&mut self, index: usize) {
        let now = self.now;
        let ready_at = self.sets[index].good.then(|| self.after(self.ready_after));
        let set = &mut self.sets[index];
        set.controller_due = None;
        let wanted = usize::try_from(set.object.replicas).unwrap();
        let before = set.available(now);
        set.pods.sort_by_key(|pod| pod.ready_at.unwrap_or(Timestamp::MAX));
        while set.pods.len() < wanted {
            self.next_pod += 1;
            let injected = Rc::clone(&set.injected);
            set.pods.push(Pod {
                id: self.next_pod,
                created: now,
                ready_at,
                injected,
            });
        }
        if let Some(by_hand) = set.by_hand.take() {
            set.pods.truncate(wanted.max(usize::try_from(by_hand).unwrap()));
            let hash = set.object.hash().to_owned();
            let taken = before - set.available(now);
            self.took(&hash, taken);
        }
        let set = &mut self.sets[index];
        let before = set.available(now);
        set.pods.truncate(wanted);
        let taken = before - set.available(now);
        if taken > 0 {
            let basis = self.sets[index].basis.clone();
            self.check_budget(taken, &basis);
            self.check_services(&basis);
        }
    }

    /// Invariant 5: what we take away leaves at least R − maxUnavailable available.
    fn check_budget(&mut self, taken: i32, basis: &Basis) {
        let left: i32 = self.sets.iter().map(|set| set.available(self.now)).sum();
        // Sizes of other ReplicaSets may have been decided since, for fewer replicas.
        let since = self.sets.iter().map(|set| &set.basis);
        let since = since.filter(|other| other.version >= basis.version);
        let least = since.map(|other| other.least).min().unwrap_or(basis.least);
        let unknown = self.unknown_losses(basis.at, None);
        if left + unknown < least {
            self.break_rule(format!(
                "5: {taken} available pods taken away, {left} left, {least} needed"
            ));
        }
    }

    /// Available pods that a rollout needs: R − maxUnavailable.
    pub fn least_available(rollout: &Rollout) -> i32 {
        let replicas = rollout.spec.replicas.unwrap_or(1);
        // Blue-green is judged by what its active Service leads to.
        let canary = rollout.spec.strategy.canary.as_ref();
        canary.map_or(0, |canary| {
            replicas - serin_core::meaning::fenceposts(canary, replicas).unavailable
        })
    }

    fn report(&mut self, index: usize) {
        let now = self.now;
        let set = &self.sets[index];
        if set.silent_until.is_some_and(|until| until > now) {
            return;
        }
        let (current, ready, available) = (count(set.pods.iter()), set.ready(now), set.available(now));
        let old = &set.object;
        let observed = match set.controller_due {
            Some(_) => old.observed_generation,
            None => old.generation,
        };
        let reported = (
            old.observed_generation,
            old.current_replicas,
            old.ready_replicas,
            old.available_replicas,
        );
        if reported == (observed, current, ready, available) {
            return;
        }
        let old = old.clone();
        let version = self.version();
        let next = &mut self.sets[index].object;
        next.observed_generation = observed;
        next.current_replicas = current;
        next.ready_replicas = ready;
        next.available_replicas = available;
        next.resource_version = version;
        self.lag_set(old);
    }

    /// When pods, the ReplicaSet controller or a lagging store next move.
    pub fn next_cluster_change(&self) -> Option<Timestamp> {
        let pods = self
            .sets
            .iter()
            .flat_map(|set| set.pods.iter().flat_map(|pod| [pod.ready_at, set.available_at(pod)]))
            .flatten();
        let due = self
            .sets
            .iter()
            .flat_map(|set| [set.controller_due, set.silent_until])
            .flatten();
        let lag = self.stores.sets.iter().map(|(until, _)| *until);
        let rollout = self.stores.rollout.iter().map(|(until, _)| *until);
        pods.chain(due)
            .chain(lag)
            .chain(rollout)
            .filter(|at| *at > self.now)
            .min()
    }

    /// Some pods of a ReplicaSet are no longer ready, and will not be.
    pub fn fail_pods(&mut self, index: usize, pods: usize) {
        let now = self.now;
        let set = &mut self.sets[index];
        let before = set.available(now);
        for pod in set.pods.iter_mut().filter(|pod| pod.ready_at.is_some()).take(pods) {
            pod.ready_at = None;
        }
        let failed = before - set.available(now);
        let hash = set.object.hash().to_owned();
        note!(self, "pods of {} fail", self.sets[index].object.name);
        self.took(&hash, failed);
    }

    /// The pods of a ReplicaSet are ready again, and so will new ones be.
    pub fn heal_pods(&mut self, index: usize) {
        let now = self.now;
        let set = &mut self.sets[index];
        set.good = true;
        for pod in set.pods.iter_mut().filter(|pod| pod.ready_at.is_none()) {
            pod.ready_at = Some(now);
        }
        note!(self, "pods of {} recover", self.sets[index].object.name);
    }

    /// Somebody deletes a ReplicaSet, and its pods go with it.
    pub fn lose_set(&mut self, index: usize) {
        let lost = self.sets.remove(index);
        self.version();
        self.took(lost.object.hash(), lost.available(self.now));
        note!(self, "somebody deletes ReplicaSet {}", lost.object.name);
    }

    /// The ReplicaSet controller reports that it cannot make pods, or that it can.
    pub fn set_failure(&mut self, index: usize, failure: Option<ReplicaFailure>) {
        let version = self.version();
        let object = &mut self.sets[index].object;
        object.failure = failure;
        object.resource_version = version;
    }

    /// Reads everything again, as after a restart or a conflict.
    pub fn read_again(&mut self) {
        self.stores.catch_up();
    }

    /// Our own write of a ReplicaSet is seen at once.
    pub fn seen_own_set(&mut self, uid: &str) {
        self.stores.caught_up_with_set(uid);
    }

    /// Our own write of the rollout is seen at once.
    pub fn seen_own_rollout(&mut self) {
        self.stores.caught_up_with_rollout();
    }
}
