//! Autoscalers as other writers: what kube-controller-manager computes of a load, and writes into `spec.replicas` by way of
//! `/scale` (contract 05 §6). Its `status.replicas` is `status.HPAReplicas`, its `status.selector` is `status.selector`.

use super::cluster::{Set, count};
use super::pods::is_ready;
use super::{World, note};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use serin_core::wire::HASH_LABEL;

/// What one pod carries at its target, in the unit of [`Scaler::load`].
pub const POD: i64 = 1_000;

/// Seconds between two looks: `--horizontal-pod-autoscaler-sync-period`.
const PERIOD: i64 = 15;

/// Seconds for which the greatest recommendation holds: `--horizontal-pod-autoscaler-downscale-stabilization`.
const STABILIZATION: SignedDuration = SignedDuration::from_secs(300);

/// Thousandths by which a ratio may be off: `--horizontal-pod-autoscaler-tolerance`.
const TOLERANCE: i64 = 100;

/// What an autoscaler measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Of type Resource with a target of averageUtilization: the ready pods that the selector of `/scale` matches.
    Utilization,
    /// Of type External with a target of averageValue, as KEDA makes them: one value for all pods, whatever serves.
    ExternalAverage,
}

/// An autoscaler of the rollout.
#[derive(Clone, Debug)]
pub struct Scaler {
    /// What it measures.
    pub metric: Metric,
    /// What it measures altogether, in thousandths of what one pod carries at its target ([`POD`]).
    pub load: i64,
    /// `minReplicas`.
    pub least: i32,
    /// `maxReplicas`.
    pub most: i32,
    /// What it wrote, and when.
    pub wrote: Vec<(Timestamp, i32)>,
    /// When it looks again.
    next: Timestamp,
    /// What it found lately.
    recommended: Vec<(Timestamp, i32)>,
}

impl Scaler {
    /// One that looks for the first time at an instant.
    pub fn new(metric: Metric, load: i64, first: Timestamp) -> Self {
        Self {
            metric,
            load,
            least: 1,
            most: 100,
            wrote: Vec::new(),
            next: first,
            recommended: Vec::new(),
        }
    }

    /// When it looks again.
    pub(super) fn next(&self) -> Timestamp {
        self.next
    }

    /// No less than was recommended in the last five minutes, no more than twice as many (or four) at a time.
    fn settle_on(&mut self, found: i32, current: i32, now: Timestamp) -> i32 {
        if self.recommended.is_empty() {
            self.recommended.push((now, current));
        }
        self.recommended.push((now, found));
        self.recommended
            .retain(|(at, _)| now.duration_since(*at) <= STABILIZATION);
        let lately = self.recommended.iter().map(|(_, found)| *found).max().unwrap_or(found);
        let fastest = current.saturating_mul(2).max(4);
        lately.min(fastest).clamp(self.least, self.most)
    }
}

impl World {
    /// The autoscaler looks, if it is due, and writes what it finds.
    pub(super) fn autoscale(&mut self) {
        let Some(mut scaler) = self.scaler.take_if(|scaler| scaler.next <= self.now) else {
            return;
        };
        scaler.next = self.after(PERIOD);
        let current = self.current().spec.replicas.unwrap_or(1);
        // One that is scaled to nothing is left alone.
        if let Some(found) = self.measure(&scaler, current).filter(|_| current > 0) {
            let wanted = scaler.settle_on(found, current, self.now);
            if wanted != current {
                note!(self, "the autoscaler finds {found}:");
                self.edit(&json!({ "spec": { "replicas": wanted } }));
                scaler.wrote.push((self.now, wanted));
            }
        }
        self.scaler = Some(scaler);
    }

    /// How many replicas a metric asks for; none where there is nothing to measure.
    fn measure(&self, scaler: &Scaler, current: i32) -> Option<i32> {
        match scaler.metric {
            Metric::Utilization => {
                let (used, pods) = self.used(scaler.load)?;
                let wanted = if is_tolerable(used, pods) {
                    current
                } else {
                    pods_for(used)
                };
                Some(wanted)
            }
            Metric::ExternalAverage => {
                // Within the tolerance it adopts what `/scale` says that there is: how it can run away.
                let told = self.current().status.hpa_replicas;
                let wanted = if is_tolerable(scaler.load, told) {
                    told
                } else {
                    pods_for(scaler.load)
                };
                Some(wanted)
            }
        }
    }

    /// What the ready pods that the selector of `/scale` matches use together, and how many they are.
    fn used(&self, load: i64) -> Option<(i64, i32)> {
        let serving: i32 = self
            .sets
            .iter()
            .filter(|set| self.serves(set))
            .map(|set| self.ready(set))
            .sum();
        let selector = self.current().status.selector;
        let hash = selector
            .split(',')
            .find_map(|term| term.strip_prefix(HASH_LABEL)?.strip_prefix('='));
        let matched = || {
            let sets = self.sets.iter();
            sets.filter(|set| hash.is_none_or(|hash| set.object.hash() == hash))
        };
        let pods: i32 = matched().map(|set| self.ready(set)).sum();
        let used: i32 = matched()
            .filter(|set| self.serves(set))
            .map(|set| self.ready(set))
            .sum();
        (serving > 0 && pods > 0).then(|| (load * i64::from(used) / i64::from(serving), pods))
    }

    /// Whether users reach its pods: behind the active Service, or any of a canary.
    fn serves(&self, set: &Set) -> bool {
        let active = &self.rollout["spec"]["strategy"]["blueGreen"]["activeService"];
        let hash = active.as_str().map_or("", |active| self.selected(active));
        hash.is_empty() || set.object.hash() == hash
    }

    fn ready(&self, set: &Set) -> i32 {
        count(set.pods.iter().filter(|pod| is_ready(pod, self.now)))
    }
}

/// The ratio of what is used to what so many pods carry at their target is within the tolerance.
fn is_tolerable(used: i64, pods: i32) -> bool {
    let pods = i64::from(pods);
    (pods * POD - used).abs() <= pods * TOLERANCE
}

/// As many as carry it at their target.
fn pods_for(used: i64) -> i32 {
    let pods = (used + POD - 1) / POD;
    i32::try_from(pods).unwrap_or(i32::MAX)
}
