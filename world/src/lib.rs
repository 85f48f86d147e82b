//! A simulated cluster in virtual time: one rollout, its ReplicaSets, their pods, people, and the loop
//! observe → decide → act → record, with crashes, stale stores and conflicts where a test asks for them.
//!
//! Nothing here reads a clock or a random source: a seed, or a story, gives the same life each time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a simulation for tests: what cannot be is a fault of the test"
)]

mod act;
pub mod aws;
pub mod cluster;
pub mod deployments;
pub mod experiments;
mod hands;
mod lost;
mod people;
pub mod plugins;
pub mod pods;
pub mod refusals;
mod replica_sets;
pub mod rng;
pub mod router_plugins;
mod routes;
mod rules;
pub mod runs;
pub mod scalers;
mod services;

use cluster::Set;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use serin_core::Observed;
use serin_core::api::lenient::{Lenient, Unread};
use serin_core::api::{Rollout, RolloutStatus};
use serin_core::decide;
use serin_core::identity::Identity;
use serin_core::observed::{Refused, Service, Templates};
use serin_core::plan::{Event, Plan, Wake};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Looks that no span of time needs.
const MOST_LOOKS: usize = 10_000;

/// What goes wrong, and how often; nothing by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// After this many writes another controller, with fresh stores, takes over.
    pub crash_after_writes: Option<usize>,
    /// And again after so many more.
    pub crash_again_after: Option<usize>,
    /// Seconds by which the stores lag behind the API server, at most.
    pub store_lag: i64,
    /// Seconds by which the ReplicaSet controller lags, at most.
    pub controller_lag: i64,
    /// Seconds by which the clock of the controller is off, at most, in either direction. Each that takes over has another.
    pub clock_off: i64,
    /// One in so many writes is done although its answer gets lost; 0 for none.
    pub lost_answers: i64,
    /// When another controller takes over, the next write of the one before still lands, at some later moment.
    pub two_leaders: bool,
}

/// What the hashes depend on: generation and collisionCount.
type IdentityKey = (Option<i64>, Option<i32>);

/// The same, and the pod template of a workload.
type FilledInKey = (Option<i64>, Option<i32>, Option<String>);

/// What somebody does.
pub type Deed = fn(&mut World);

/// One rollout and all around it.
pub struct World {
    /// Virtual time.
    pub now: Timestamp,
    /// When it began, for readable traces.
    pub began: Timestamp,
    /// By how much the clock of the controller is ahead of the API server's.
    pub ahead: SignedDuration,
    /// The rollout as the API server has it, JSON.
    pub rollout: Value,
    /// ReplicaSets by name.
    pub sets: Vec<Set>,
    /// The workload that the rollout may refer to.
    pub workload: Option<deployments::Workload>,
    /// Seconds by which the Deployment controller lags, always.
    pub deployment_late: i64,
    /// AnalysisRuns, oldest first.
    pub runs: Vec<runs::Run>,
    /// How they end.
    pub verdicts: runs::Verdicts,
    /// Hash of the revision that became active while the active Service selected none: nothing is measured before that
    /// (contract 04 §6).
    unmeasured: Option<String>,
    /// Step plugins of the controller; none where it serves none.
    pub plugins: Option<plugins::Plugins>,
    /// Experiments; none where they are not served.
    pub experiments: Option<experiments::Experiments>,
    /// Router plugins of the controller.
    pub router_plugins: router_plugins::RouterPlugins,
    /// Templates of analyses.
    pub templates: Templates,
    /// Objects of traffic routers.
    pub objects: routes::Objects,
    /// AWS, where the controller verifies target groups.
    pub cloud: Option<aws::Cloud>,
    /// Somebody changed one of them, and the controller, which may not know, has written none since.
    edited_routes: bool,
    /// Services by name, as the API server has them.
    pub services: BTreeMap<String, Service>,
    /// Other Rollouts that Services name as their manager and that are gone, and since when.
    pub gone_managers: BTreeMap<String, Timestamp>,
    /// Services that yet another Rollout names.
    pub named_elsewhere: BTreeSet<String>,
    /// Services that lead to an available pod, or did so until their selector was changed; and since when.
    serving: BTreeMap<String, Timestamp>,
    /// Events sent, in order.
    pub events: Vec<Event>,
    /// Object writes made by the controller.
    pub writes: usize,
    /// Looks taken.
    pub looks: usize,
    /// Those of the writes that changed nothing but counters.
    pub counter_writes: usize,
    /// The last plan's wake.
    pub wake: Option<Wake>,
    /// The last refused change.
    pub refused: Option<Refused>,
    /// What the API server refuses beside the creation of ReplicaSets.
    pub refusals: refusals::Refusals,
    /// Something that was refused is over: its end is to be told.
    look_again: bool,
    /// Seconds until a pod of a good template is ready.
    pub ready_after: i64,
    /// Seconds by which the ReplicaSet controller lags, always.
    pub controller_late: i64,
    /// Seconds until the ReplicaSet controller sees what became of pods, always.
    pub pods_late: i64,
    /// The API server lets nobody create a pod.
    pub no_room: bool,
    /// What goes wrong.
    pub faults: Faults,
    /// What scales the rollout by its `/scale`.
    pub scaler: Option<scalers::Scaler>,
    /// What happened, one line each.
    pub trace: Vec<String>,
    /// Whether it is noted: a life is played without, and again with notes where a rule broke.
    pub tracing: bool,
    /// Rules broken.
    pub broken: Vec<String>,
    /// Source of chance.
    pub rng: rng::Rng,
    /// When the stores have what the API server had at the time, per lagging change.
    stores: cluster::Stores,
    /// Names of ReplicaSets that the API server refuses to create, and how.
    pub refuse_creation: Option<(serin_core::observed::Refusal, String)>,
    /// How many names of new ReplicaSets will turn out to be somebody else's.
    pub names_taken: usize,
    /// Why the stored object does not decode.
    pub undecodable: Option<String>,
    /// No controller runs.
    pub stopped: bool,
    /// How often another controller took over.
    takeovers: usize,
    /// What the leader before had sent when it lost its lease.
    late: Option<lost::Late>,
    /// What the last reconcile saw: what its plan is judged by.
    basis: hands::Basis,
    /// Available pods that must be left by each plan that was carried out, and the version of the world at that time.
    leasts: Vec<(u64, i32)>,
    /// What others did by hand.
    deeds: hands::Deeds,
    /// The update under way began while there were pods, or while some were wanted.
    began_with_pods: bool,
    /// Once there are so many writes, somebody acts between two of them.
    pub interruption: Option<(usize, Deed)>,
    /// After a refused change: when the controller reconciles again.
    retry_at: Option<Timestamp>,
    identity: RefCell<Option<(IdentityKey, Identity)>>,
    /// The same with the pod template of the workload.
    filled_in: RefCell<Option<(FilledInKey, Identity)>>,
    /// What does not decode of the status.
    unread: RefCell<Vec<Unread>>,
    /// The rollout of a resourceVersion, decoded.
    decoded: RefCell<Option<(String, Rc<Rollout>)>>,
    next_version: u64,
    next_pod: u64,
}

/// Notes what happened, if anybody will read it.
macro_rules! note {
    ($world:expr, $($text:tt)*) => {
        if $world.tracing {
            let line = format!($($text)*);
            $world.note(&line);
        }
    };
}
use note;

impl World {
    /// A world with one rollout, applied at its first instant.
    pub fn new(manifest: Value) -> Self {
        let began = Timestamp::from_second(1_700_000_000).expect("a second of 2023");
        let mut world = Self {
            now: began,
            began,
            ahead: SignedDuration::ZERO,
            rollout: Value::Null,
            sets: Vec::new(),
            workload: None,
            deployment_late: 0,
            runs: Vec::new(),
            verdicts: runs::Verdicts::default(),
            unmeasured: None,
            plugins: None,
            experiments: None,
            router_plugins: router_plugins::RouterPlugins::default(),
            templates: Templates::default(),
            objects: routes::Objects::default(),
            cloud: None,
            edited_routes: false,
            services: BTreeMap::new(),
            gone_managers: BTreeMap::new(),
            named_elsewhere: BTreeSet::new(),
            serving: BTreeMap::new(),
            events: Vec::new(),
            writes: 0,
            looks: 0,
            counter_writes: 0,
            wake: None,
            refused: None,
            refusals: refusals::Refusals::default(),
            look_again: false,
            ready_after: 2,
            controller_late: 0,
            pods_late: 0,
            no_room: false,
            faults: Faults::default(),
            scaler: None,
            trace: Vec::new(),
            tracing: true,
            broken: Vec::new(),
            rng: rng::Rng::new(1),
            stores: cluster::Stores::default(),
            refuse_creation: None,
            names_taken: 0,
            undecodable: None,
            stopped: false,
            takeovers: 0,
            late: None,
            basis: hands::Basis {
                at: began,
                version: 0,
                rollout: Rc::default(),
                least: 0,
            },
            leasts: Vec::new(),
            deeds: hands::Deeds::default(),
            began_with_pods: false,
            interruption: None,
            retry_at: None,
            identity: RefCell::new(None),
            filled_in: RefCell::new(None),
            unread: RefCell::new(Vec::new()),
            decoded: RefCell::new(None),
            next_version: 1,
            next_pod: 0,
        };
        world.create(manifest);
        world
    }

    /// What the controller sees now.
    pub fn observe(&self) -> Observed {
        let rollout = Rollout::clone(&self.stores.rollout(self));
        let key = (rollout.metadata.generation, rollout.status.collision_count);
        let mut cache = self.identity.borrow_mut();
        if cache.as_ref().is_none_or(|(cached, _)| *cached != key) {
            *cache = Some((key, Identity::of(&rollout)));
        }
        let identity = cache.as_ref().map(|(_, identity)| identity.clone()).unwrap_or_default();
        drop(cache);
        let replica_sets = self.stores.sets(self);
        let mut seen = Observed {
            identity,
            rollout,
            replica_sets,
            refused: self.refused.clone(),
            standing: self.refusals.standing.clone(),
            undecodable: self.undecodable.clone(),
            unread: self.unread.borrow().clone(),
            services: self.observed_services(),
            analysis_runs: self.stores.runs(self),
            templates: self.templates.clone(),
            step_plugins: self.observed_plugins(),
            experiments: self.observed_experiments(),
            ..Observed::default()
        };
        self.follow_workload(&mut seen);
        seen.routers = self.observed_routers(&seen);
        seen.set_templates = self.observed_set_templates(&seen);
        seen.pods = self.observed_pods(&seen);
        seen
    }

    /// What follows from a pod template that a workload has.
    fn identity_of_filled_in(&self, rollout: &Rollout) -> Identity {
        let template = rollout
            .spec
            .template
            .as_ref()
            .map(|template| template.as_str().to_owned());
        let key = (rollout.metadata.generation, rollout.status.collision_count, template);
        let mut cache = self.filled_in.borrow_mut();
        if cache.as_ref().is_none_or(|(cached, _)| *cached != key) {
            *cache = Some((key, Identity::of_filled_in(rollout)));
        }
        cache.as_ref().map(|(_, identity)| identity.clone()).unwrap_or_default()
    }

    /// The rollout as the API server has it.
    pub fn current(&self) -> Rollout {
        Rollout::clone(&self.decoded())
    }

    /// As [`Self::current`], shared.
    pub fn decoded(&self) -> Rc<Rollout> {
        let version = self.rollout["metadata"]["resourceVersion"]
            .as_str()
            .expect("every write of the World sets a version");
        let mut cache = self.decoded.borrow_mut();
        if let Some((cached, rollout)) = &*cache
            && cached == version
        {
            return Rc::clone(rollout);
        }
        let rollout = Rollout::deserialize(&self.rollout);
        let (rollout, unread) = rollout.map_or_else(|_| self.read_leniently(), |rollout| (rollout, Vec::new()));
        *self.unread.borrow_mut() = unread;
        let rollout = Rc::new(rollout);
        *cache = Some((version.to_owned(), Rc::clone(&rollout)));
        rollout
    }

    /// Of a rollout whose status does not decode.
    fn read_leniently(&self) -> (Rollout, Vec<Unread>) {
        let lenient = Lenient::of(self.rollout.clone());
        let metadata =
            serde_json::from_value(self.rollout["metadata"].clone()).expect("the World writes no odd metadata");
        let rollout = Rollout {
            metadata,
            ..lenient.rollout
        };
        assert_eq!(lenient.undecodable, None, "a spec");
        (rollout, lenient.unread)
    }

    /// Only the status was written: the rest need not be decoded again.
    fn decode_status(&mut self, before: &Rollout) {
        let mut rollout = before.clone();
        let Ok(status) = RolloutStatus::deserialize(&self.rollout["status"]) else {
            // Read when it is asked for.
            return;
        };
        self.unread.borrow_mut().clear();
        rollout.status = status;
        let version = self.rollout["metadata"]["resourceVersion"]
            .as_str()
            .expect("every write of the World sets a version");
        rollout.metadata.resource_version = Some(version.to_owned());
        *self.decoded.borrow_mut() = Some((version.to_owned(), Rc::new(rollout)));
    }

    /// Looks until nothing is left to do at this instant.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            self.run_cluster();
            if self.stopped {
                return;
            }
            let plan = self.look();
            let over = std::mem::take(&mut self.look_again);
            if (plan.is_empty() && !over) || self.retry_at.is_some() {
                return;
            }
        }
        self.break_rule("7: no rest: 200 looks at one instant and still something to write".to_owned());
    }

    /// One reconcile, carried out and recorded.
    pub fn look(&mut self) -> Plan {
        self.looks += 1;
        let seen = self.observe();
        let now = self.controllers_now();
        let plan = decide(&seen, now);
        let again = decide(&seen, now);
        if plan != again {
            self.break_rule("1: the same input gave another plan".to_owned());
        }
        self.wake = plan.wake;
        if let Some(wake) = plan.wake.filter(|wake| plan.is_empty() && wake.at <= now) {
            self.break_rule(format!("7: a busy loop: nothing to do, and awake at once: {wake:?}"));
        }
        self.retry_at = None;
        self.basis.rollout = self.stores.rollout(self);
        self.carry_out(&seen, &plan);
        plan
    }

    /// What the clock of the controller says.
    pub fn controllers_now(&self) -> Timestamp {
        self.now.checked_add(self.ahead).expect("lives are short")
    }

    /// The controller that runs from now on has a clock of its own.
    pub fn another_clock(&mut self) {
        let off = self.faults.clock_off;
        if off > 0 {
            let seconds = self.rng.up_to(2 * off) - off;
            self.ahead = SignedDuration::from_secs(seconds);
            note!(self, "the controller's clock is {seconds} s ahead");
        }
    }

    /// Lets seconds pass.
    pub fn wait(&mut self, seconds: i64) {
        self.pass(SignedDuration::from_secs(seconds));
    }

    /// Lets time pass; reconciles whenever something changes or a wake is due.
    pub fn pass(&mut self, time: SignedDuration) {
        let end = self.now.checked_add(time).expect("lives are short");
        self.settle();
        let most = self.looks + MOST_LOOKS;
        loop {
            let next = self.next_change().filter(|next| *next <= end);
            let Some(next) = next else { break };
            if self.looks > most {
                self.break_rule(format!("7: no rest: {MOST_LOOKS} looks in {time:#}"));
                break;
            }
            self.now = next.max(self.now);
            self.autoscale();
            self.settle();
        }
        self.now = end;
        self.autoscale();
        self.settle();
    }

    /// When something next changes by itself.
    fn next_change(&self) -> Option<Timestamp> {
        let by_ours = |at: Timestamp| at.checked_sub(self.ahead).expect("lives are short");
        let wake = self.wake.map(|wake| by_ours(wake.at));
        let scaler = self.scaler.as_ref().map(scalers::Scaler::next);
        [
            wake,
            self.retry_at,
            scaler,
            self.next_answer(),
            self.next_of_aws(),
            self.next_router_answer(),
            self.next_cluster_change(),
        ]
        .into_iter()
        .flatten()
        .filter(|at| *at > self.now)
        .min()
    }

    /// Seconds since the beginning, for traces.
    pub fn clock(&self) -> String {
        let elapsed = self.now.duration_since(self.began);
        format!("{:>6.1}s", elapsed.as_secs_f64())
    }

    /// Notes what happened.
    pub fn note(&mut self, what: &str) {
        if self.tracing {
            let line = format!("{} {what}", self.clock());
            self.trace.push(line);
        }
    }

    /// Notes a broken rule; the test fails with the trace.
    pub fn break_rule(&mut self, rule: String) {
        self.note(&format!("BROKEN {rule}"));
        self.broken.push(rule);
    }

    fn version(&mut self) -> String {
        self.next_version += 1;
        self.next_version.to_string()
    }
}

/// RFC 7386.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let object = target.as_object_mut().expect("made one above");
    for (key, value) in changes {
        if value.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
