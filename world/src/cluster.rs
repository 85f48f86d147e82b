//! The ReplicaSet controller, the pods, and the stores through which the controller sees them.

use super::deployments;
use super::hands::Basis;
use super::pods::{Injected, Pod};
use super::replica_sets::Controller;
use super::{World, note};
use jiff::{SignedDuration, Timestamp};
use serin_core::api::Rollout;
use serin_core::observed::{AnalysisRun, ReplicaFailure, ReplicaSet};
use serin_core::plan::NewReplicaSet;
use serin_core::rollout::workload::Referenced;
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
    /// Until when its controller acts and does not report.
    pub silent_until: Option<Timestamp>,
    /// What its controller knows of it.
    pub controller: Controller,
}

impl Set {
    /// Pods that are available at an instant.
    pub fn available(&self, now: Timestamp) -> i32 {
        let seconds = self.object.min_ready_seconds;
        count(self.pods.iter().filter(|pod| pod.is_available(seconds, now)))
    }
}

/// How many there are.
pub fn count<T>(items: impl Iterator<Item = T>) -> i32 {
    i32::try_from(items.count()).expect("a World has few of anything")
}

/// What lags behind: changes that the controller will see later.
#[derive(Clone, Default)]
pub struct Stores {
    rollout: Option<(Timestamp, Rc<Rollout>)>,
    sets: Vec<(Timestamp, ReplicaSet)>,
    runs: Vec<(Timestamp, AnalysisRun)>,
    /// ReplicaSets and AnalysisRuns, by UID, that were created and that the store sees later.
    unseen: Vec<(Timestamp, String)>,
    workload: Option<(Timestamp, SeenWorkload)>,
}

/// The workload as a store has it.
type SeenWorkload = Option<Result<Referenced, String>>;

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
        let unseen = |set: &&Set| {
            let mut unseen = self.unseen.iter();
            !unseen.any(|(until, uid)| *until > world.now && *uid == set.object.uid)
        };
        world.sets.iter().filter(unseen).map(sees).collect()
    }

    /// The AnalysisRuns as the store has them.
    pub fn runs(&self, world: &World) -> Vec<AnalysisRun> {
        let late = |until: Timestamp| until > world.now;
        let seen = world.runs.iter().map(|run| &run.object);
        let seen = seen.filter(|run| !self.unseen.iter().any(|(until, uid)| late(*until) && *uid == run.uid));
        let as_seen = |run: &AnalysisRun| {
            let old = self.runs.iter().find(|(until, old)| late(*until) && old.uid == run.uid);
            old.map_or_else(|| run.clone(), |(_, old)| old.clone())
        };
        seen.map(as_seen).collect()
    }

    /// Whether the store has yet to see a ReplicaSet that was created.
    pub(super) fn misses(&self, uid: &str) -> bool {
        self.unseen.iter().any(|(_, unseen)| unseen == uid)
    }

    /// A ReplicaSet is created, and the store sees it later.
    pub(super) fn miss(&mut self, until: Timestamp, uid: &str) {
        self.unseen.push((until, uid.to_owned()));
    }

    /// The workload as the store has it.
    pub fn workload(&self, world: &World) -> SeenWorkload {
        match &self.workload {
            Some((until, old)) if *until > world.now => old.clone(),
            _ => world.referenced(),
        }
    }

    /// Our own write of the workload.
    pub fn caught_up_with_workload(&mut self) {
        self.workload = None;
    }

    /// Our own write: from now on the store has at least this (decision 34).
    pub fn caught_up_with_set(&mut self, uid: &str) {
        self.sets.retain(|(_, old)| old.uid != uid);
        self.runs.retain(|(_, old)| old.uid != uid);
        self.unseen.retain(|(_, unseen)| unseen != uid);
    }

    /// Our own write, or a conflict that made the controller read again.
    pub fn caught_up_with_rollout(&mut self) {
        self.rollout = None;
    }

    /// Everything is read again.
    pub fn catch_up(&mut self) {
        *self = Self::default();
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

    /// An AnalysisRun changed by somebody else: the store may see it later.
    pub fn lag_run(&mut self, old: AnalysisRun) {
        let lag = self.rng.up_to(self.faults.store_lag);
        let mut known = self.stores.runs.iter();
        let lags = known.any(|(until, run)| *until > self.now && run.uid == old.uid);
        if lag > 0 && !lags {
            let until = self.after(lag);
            self.stores.runs.retain(|(_, run)| run.uid != old.uid);
            self.stores.runs.push((until, old));
        }
    }

    /// The workload changed by somebody else: the store may see it later.
    pub fn lag_workload(&mut self, old: SeenWorkload) {
        let lag = self.rng.up_to(self.faults.store_lag);
        let lags = self
            .stores
            .workload
            .as_ref()
            .is_some_and(|(until, _)| *until > self.now);
        if lag > 0 && !lags {
            self.stores.workload = Some((self.after(lag), old));
        }
    }

    /// So many seconds from now.
    pub fn after(&self, seconds: i64) -> Timestamp {
        self.now
            .checked_add(SignedDuration::from_secs(seconds))
            .expect("lives are short")
    }

    /// Lets the ReplicaSet controller do all that is due.
    pub fn run_cluster(&mut self) {
        for index in 0..self.sets.len() {
            self.run_controller(index);
        }
        self.run_workload();
        self.run_engine();
        self.run_experiments();
        self.watch_services();
    }

    /// Available pods that a rollout needs: R − maxUnavailable.
    pub fn least_available(rollout: &Rollout) -> i32 {
        let replicas = rollout.spec.replicas.unwrap_or(1);
        // Blue-green is judged by what its active Service leads to.
        let canary = rollout.spec.strategy.canary.as_ref();
        canary.map_or(0, |canary| {
            let unavailable = serin_core::meaning::fenceposts(canary, replicas).unavailable;
            replicas - unavailable.max(Self::restarts_in_an_update(rollout).into())
        })
    }

    /// A restart takes one pod at a time even where an update may take none (contract 05 §11).
    pub fn restarts_in_an_update(rollout: &Rollout) -> bool {
        let (spec, status) = (&rollout.spec, &rollout.status);
        spec.restart_at != status.restarted_at && status.stable_rs != status.current_pod_hash
    }

    /// When pods, the ReplicaSet controller or a lagging store next move.
    pub fn next_cluster_change(&self) -> Option<Timestamp> {
        let pods = self
            .sets
            .iter()
            .flat_map(|set| {
                let seconds = set.object.min_ready_seconds;
                set.pods
                    .iter()
                    .flat_map(move |pod| [pod.ready_at, pod.available_at(seconds)])
            })
            .flatten();
        let due = self
            .sets
            .iter()
            .flat_map(|set| set.controller.due().chain(set.silent_until));
        let lag = self.stores.sets.iter().map(|(until, _)| *until);
        let rollout = self.stores.rollout.iter().map(|(until, _)| *until);
        let unseen = self.stores.unseen.iter().map(|(until, _)| *until);
        let lagging = self.stores.workload.iter().map(|(until, _)| *until);
        let workload = self.workload.iter().flat_map(deployments::Workload::due);
        pods.chain(due)
            .chain(lag)
            .chain(rollout)
            .chain(unseen)
            .chain(lagging)
            .chain(workload)
            .chain(self.run_ends())
            .chain(self.objects.due())
            .chain(self.experiments_due())
            .chain(self.stores.runs.iter().map(|(until, _)| *until))
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
        self.pods_changed(index);
        self.took(&hash, failed);
    }

    /// A node goes, and its pods with it.
    pub fn lose_node(&mut self, node: i64) {
        note!(self, "node {node} is lost");
        for index in 0..self.sets.len() {
            let now = self.now;
            let set = &mut self.sets[index];
            let (pods, before) = (set.pods.len(), set.available(now));
            set.pods.retain(|pod| pod.node != node);
            let lost = before - set.available(now);
            let hash = set.object.hash().to_owned();
            if set.pods.len() < pods {
                self.pods_changed(index);
            }
            self.took(&hash, lost);
        }
    }

    /// One pod of a ReplicaSet becomes ready now.
    pub fn ready_one(&mut self, index: usize) {
        let now = self.now;
        let pods = self.sets[index].pods.iter_mut();
        if let Some(pod) = pods
            .filter(|pod| pod.ready_at.is_none_or(|at| at > now))
            .min_by_key(|pod| pod.id)
        {
            pod.ready_at = Some(now);
        }
        note!(self, "a pod of {} becomes ready", self.sets[index].object.name);
        self.pods_changed(index);
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
        self.pods_changed(index);
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
        self.objects.catch_up();
    }

    /// Our own write of a ReplicaSet is seen at once.
    pub fn seen_own_set(&mut self, uid: &str) {
        self.stores.caught_up_with_set(uid);
    }

    /// Our own write of an AnalysisRun is seen at once.
    pub fn seen_own(&mut self, uid: &str) {
        self.stores.caught_up_with_set(uid);
    }

    /// Our own write of the rollout is seen at once.
    pub fn seen_own_rollout(&mut self) {
        self.stores.caught_up_with_rollout();
    }
}
