//! The ReplicaSet controller of kube-controller-manager. It acts upon what it has seen, and that is a moment old.
//!
//! What the real one was seen to do (contract 11 F), and decisions have to live with:
//!
//! - It takes its list of pods, makes or deletes pods, and then writes the status from the list of *before*.
//! - What it made or deleted itself it does not make or delete again, but until its watch shows that, it goes on writing
//!   a status from the old list, for any newer spec.
//! - A pod that somebody else evicted counts for it until its watch shows that it is gone, and it may delete another in
//!   its place.
//! - Which pods go is decided on that list, too.

use super::cluster::{Set, count};
use super::hands::Basis;
use super::pods::{Pod, is_ready};
use super::{World, note};
use jiff::{SignedDuration, Timestamp};
use serin_core::observed::ReplicaFailure;
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// What a ReplicaSet asked for at one generation.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    generation: i64,
    replicas: i32,
    min_ready_seconds: i32,
    /// What our controller knew when it decided this size.
    basis: Basis,
    /// Somebody else decided it.
    by_hand: bool,
}

/// What the ReplicaSet controller knows of one ReplicaSet.
#[derive(Clone, Debug, Default)]
pub struct Controller {
    /// Specs that it will see, and when, in their order.
    coming: VecDeque<(Timestamp, Spec)>,
    /// The spec that it acts upon; none before it has seen the ReplicaSet.
    spec: Option<Spec>,
    /// The pods that it knows.
    pods: Vec<Pod>,
    /// When it will know the pods that there are now.
    pods_due: Option<Timestamp>,
    /// It made or deleted pods that it does not see yet: until then it leaves all as it is.
    expects: bool,
    /// The smallest size that somebody else gave the ReplicaSet since the controller last acted.
    by_hand: Option<i32>,
}

impl Controller {
    /// When it next sees something.
    pub fn due(&self) -> impl Iterator<Item = Timestamp> {
        self.coming
            .front()
            .map(|(due, _)| *due)
            .into_iter()
            .chain(self.pods_due)
    }
}

/// Counters of a status.
type Counts = (i32, i32, i32);

impl World {
    /// The spec of a ReplicaSet changed: its controller will see that.
    pub fn spec_changed(&mut self, index: usize, by_hand: bool) {
        let lag = self.rng.up_to(self.faults.controller_lag) + self.controller_late;
        let due = self.after(lag);
        let set = &mut self.sets[index];
        let object = &set.object;
        let spec = Spec {
            generation: object.generation,
            replicas: object.replicas,
            min_ready_seconds: object.min_ready_seconds,
            basis: set.basis.clone(),
            by_hand,
        };
        let coming = &mut set.controller.coming;
        let due = coming.back().map_or(due, |(last, _)| due.max(*last));
        coming.push_back((due, spec));
    }

    /// The pods of a ReplicaSet changed: its controller will see that.
    pub fn pods_changed(&mut self, index: usize) {
        let lag = self.rng.up_to(self.faults.controller_lag) + self.pods_late;
        let due = self.after(lag);
        self.sets[index].controller.pods_due.get_or_insert(due);
    }

    /// Lets the controller do all that is due for one ReplicaSet.
    pub fn run_controller(&mut self, index: usize) {
        while self.hears(index) {
            let counts = self.counted(index);
            self.manage(index);
            self.report(index, counts);
        }
        // Pods become ready by themselves.
        let counts = self.counted(index);
        self.report(index, counts);
    }

    /// Takes in what it now sees; tells whether there was anything.
    fn hears(&mut self, index: usize) -> bool {
        let now = self.now;
        let set = &mut self.sets[index];
        let controller = &mut set.controller;
        let pods = controller.pods_due.is_some_and(|due| due <= now);
        if pods {
            controller.pods.clone_from(&set.pods);
            controller.pods_due = None;
            controller.expects = false;
        }
        let mut specs = false;
        while controller.coming.front().is_some_and(|(due, _)| *due <= now) {
            let (_, spec) = controller.coming.pop_front().expect("the loop saw it in front");
            if spec.by_hand {
                let size = spec.replicas;
                controller.by_hand = Some(controller.by_hand.map_or(size, |before| before.min(size)));
            }
            controller.spec = Some(spec);
            // Its queue holds a ReplicaSet once: of two changes it may see the later one only.
            let overtaken = !controller.coming.is_empty() && self.rng.one_in(2);
            specs = true;
            if !overtaken {
                break;
            }
        }
        pods || specs
    }

    /// What it counts among the pods that it knows.
    fn counted(&self, index: usize) -> Counts {
        let Controller { pods, spec, .. } = &self.sets[index].controller;
        let ready = pods.iter().filter(|pod| is_ready(pod, self.now));
        let seconds = spec.as_ref().map_or(0, |spec| spec.min_ready_seconds);
        let available = pods.iter().filter(|pod| pod.is_available(seconds, self.now));
        (count(pods.iter()), count(ready), count(available))
    }

    /// Makes and deletes pods, unless it waits to see what it made or deleted before.
    fn manage(&mut self, index: usize) {
        let controller = &mut self.sets[index].controller;
        let Some(spec) = controller.spec.clone().filter(|_| !controller.expects) else {
            return;
        };
        let by_hand = controller.by_hand.take().unwrap_or(i32::MAX);
        let (known, wanted) = (count(controller.pods.iter()), spec.replicas);
        if known < wanted {
            self.make(index, wanted - known);
        } else if known > wanted {
            let mut going = self.in_order_of_deletion(index);
            going.truncate(usize::try_from(known - wanted).expect("known is larger here"));
            // The first of them went by somebody else's hand.
            let theirs = usize::try_from((known - by_hand.max(wanted)).max(0)).expect("0 or more");
            let ours = going.split_off(theirs);
            let taken = self.delete(index, &going);
            let hash = self.sets[index].object.hash().to_owned();
            self.took(&hash, taken);
            let taken = self.delete(index, &ours);
            if taken > 0 {
                self.check_budget(taken, &spec.basis);
                self.check_services(&spec.basis);
            }
            self.expects(index);
        }
    }

    fn expects(&mut self, index: usize) {
        // What changed before, it has seen or not; this it will see with it.
        self.pods_changed(index);
        self.sets[index].controller.expects = true;
    }

    fn make(&mut self, index: usize, pods: i32) {
        if self.no_room {
            let failure = ReplicaFailure {
                status: "True".to_owned(),
                reason: "FailedCreate".to_owned(),
                message: "exceeded quota".to_owned(),
            };
            return self.set_failure(index, Some(failure));
        }
        if self.sets[index]
            .object
            .failure
            .as_ref()
            .is_some_and(|it| it.message == "exceeded quota")
        {
            self.set_failure(index, None);
        }
        let ready_at = self.sets[index].good.then(|| self.after(self.ready_after));
        for _ in 0..pods {
            self.next_pod += 1;
            let node = self.rng.up_to(2);
            let cost = i64::from(self.rng.one_in(10));
            let set = &mut self.sets[index];
            set.pods.push(Pod {
                id: self.next_pod,
                created: self.now,
                ready_at,
                node,
                cost,
                injected: Rc::clone(&set.injected),
            });
        }
        self.expects(index);
    }

    /// Deletes pods; one that is gone already needs no deletion. Tells how many available ones there were.
    fn delete(&mut self, index: usize, going: &[u64]) -> i32 {
        let now = self.now;
        let set = &mut self.sets[index];
        let before = set.available(now);
        set.pods.retain(|pod| !going.contains(&pod.id));
        let taken = before - set.available(now);
        if self.tracing && !going.is_empty() {
            let name = self.sets[index].object.name.clone();
            note!(
                self,
                "the ReplicaSet controller deletes pods {going:?} of {name}, {taken} of them available"
            );
        }
        taken
    }

    /// The pods that it knows, those first that go first (contract 11 F2).
    fn in_order_of_deletion(&self, index: usize) -> Vec<u64> {
        let now = self.now;
        let mut on_node: BTreeMap<i64, usize> = BTreeMap::new();
        for pod in self.sets.iter().flat_map(|set| &set.controller.pods) {
            *on_node.entry(pod.node).or_default() += 1;
        }
        let mut pods: Vec<&Pod> = self.sets[index].controller.pods.iter().collect();
        pods.sort_by_key(|pod| {
            let ready_since = pod.ready_at.filter(|at| *at <= now);
            // Times count by their order of magnitude only; then chance decides.
            let age = |since: Timestamp| now.duration_since(since).as_secs().max(0).checked_ilog2();
            (
                phase(pod, now),
                pod.cost,
                Reverse(on_node.get(&pod.node)),
                ready_since.map(age),
                age(pod.created),
                pod.id.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            )
        });
        pods.into_iter().map(|pod| pod.id).collect()
    }

    /// Writes a status from what was counted before, for the spec that it has seen.
    fn report(&mut self, index: usize, (current, ready, available): Counts) {
        let now = self.now;
        let set = &self.sets[index];
        if set.silent_until.is_some_and(|until| until > now) {
            return;
        }
        let old = &set.object;
        let observed = set.controller.spec.as_ref().map_or(0, |spec| spec.generation);
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
        note!(
            self,
            "the ReplicaSet controller reports of {}: generation {observed}, {current} pods, {ready} ready, {available} available",
            old.name
        );
        self.lag_set(old);
    }

    /// Invariant 5: what we take away leaves at least R − maxUnavailable available.
    pub fn check_budget(&mut self, taken: i32, basis: &Basis) {
        let left: i32 = self.sets.iter().map(|set: &Set| set.available(self.now)).sum();
        // Sizes of other ReplicaSets may have been decided since, for fewer replicas.
        let since = self.sets.iter().map(|set| &set.basis);
        let since = since.filter(|other| other.version >= basis.version);
        let least = since
            .map(|other| other.least)
            .chain([basis.least])
            .min()
            .expect("one is chained");
        let unknown = self.unknown_losses(basis.at, None) + self.unknown_gains(basis);
        if left + unknown < least {
            self.break_rule(format!(
                "5: {taken} available pods taken away, {left} left, {least} needed"
            ));
        }
    }
}

/// Not assigned to a node, starting, running, ready.
fn phase(pod: &Pod, now: Timestamp) -> u8 {
    let age = now.duration_since(pod.created);
    if is_ready(pod, now) {
        3
    } else if age >= SignedDuration::from_secs(1) {
        2
    } else {
        u8::from(age > SignedDuration::ZERO)
    }
}
