//! Metrics with a name and a namespace (contract 09 §3): a few numbers for each rollout.
//!
//! As registered series they would weigh more than the rollouts themselves; they become text at each scrape.

use crate::store::key::Key;
use crate::sync::lock;
use crate::telemetry::scrape::{family, sample};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Upper bounds of the buckets of `rollout_reconcile`, in seconds.
const BUCKETS: [f64; 5] = [0.01, 0.15, 0.25, 0.5, 1.0];

/// Stands for the name where calls are counted for a namespace as a whole.
pub(crate) const NO_NAME: &str = "N/A";

/// A call to the API server, as it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// Plural kind, such as `rollouts`.
    pub(crate) kind: &'static str,
    /// Namespace.
    pub(crate) namespace: &'a str,
    /// Name; [`NO_NAME`] for lists, events and ReplicaSets, so that series stay few.
    pub(crate) name: &'a str,
    /// Get, Create, Patch, Delete, Update.
    pub(crate) verb: &'static str,
    /// HTTP status, or 0 if there was no answer.
    pub(crate) status: u16,
}

/// The numbers of all rollouts, or of all objects of another kind.
#[derive(Default)]
pub(crate) struct Series(Mutex<State>);

#[derive(Default)]
struct State {
    of: HashMap<Key, OfOne>,
    /// Each reason of an event once.
    reasons: Vec<Arc<str>>,
}

/// The numbers of one rollout.
#[derive(Default)]
struct OfOne {
    reconciles: Reconciles,
    errors: u64,
    undecodable: u64,
    events: Vec<(Event, u64)>,
    requests: Vec<(Call, u64)>,
}

/// A histogram.
#[derive(Default)]
struct Reconciles {
    /// Reconciles that took at most the bound of the bucket, and longer than that of the one before.
    within: [u64; BUCKETS.len()],
    all: u64,
    seconds: f64,
}

#[derive(PartialEq, Eq)]
struct Event {
    kind: &'static str,
    reason: Arc<str>,
}

#[derive(PartialEq, Eq)]
struct Call {
    kind: &'static str,
    verb: &'static str,
    status: u16,
}

impl Series {
    /// A reconcile ended. As all of these, it says whether the key had no numbers before.
    pub(crate) fn reconciled(&self, key: &Key, took: Duration, failed: bool) -> bool {
        let seconds = took.as_secs_f64();
        self.change(key, |one| {
            one.reconciles.all += 1;
            one.reconciles.seconds += seconds;
            let mut buckets = one.reconciles.within.iter_mut().zip(BUCKETS);
            if let Some((count, _)) = buckets.find(|(_, bound)| seconds <= *bound) {
                *count += 1;
            }
            one.errors += u64::from(failed);
        })
    }

    /// A version of the rollout could not be decoded.
    pub(crate) fn undecodable(&self, key: &Key) -> bool {
        self.change(key, |one| one.undecodable += 1)
    }

    /// An event was sent.
    pub(crate) fn event(&self, key: &Key, kind: &'static str, reason: &str) -> bool {
        let mut state = lock(&self.0);
        let known = state.reasons.iter().find(|it| &***it == reason).cloned();
        let reason = known.unwrap_or_else(|| {
            let new: Arc<str> = reason.into();
            state.reasons.push(Arc::clone(&new));
            new
        });
        state.change(key, |one| count(&mut one.events, Event { kind, reason }))
    }

    /// A call was answered, or not.
    pub(crate) fn request(&self, key: &Key, request: &Request<'_>) -> bool {
        let Request { kind, verb, status, .. } = *request;
        self.change(key, |one| count(&mut one.requests, Call { kind, verb, status }))
    }

    /// The rollout is gone for long enough.
    pub(crate) fn remove(&self, key: &Key) {
        lock(&self.0).of.remove(key);
    }

    fn change(&self, key: &Key, change: impl FnOnce(&mut OfOne)) -> bool {
        lock(&self.0).change(key, change)
    }

    /// Keys that have numbers.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).of.len()
    }

    /// Writes the reconciles of another kind: what the histogram is called, and what it and the counter of errors tell.
    pub(crate) fn write_reconciles(&self, text: &mut String, metric: &str, help: [&str; 2]) {
        reconciles(text, metric, help, &lock(&self.0).sorted());
    }

    /// Writes all of them.
    pub(crate) fn write(&self, text: &mut String) {
        let state = lock(&self.0);
        let all = state.sorted();
        let help = [
            "Rollout reconciliation performance.",
            "Errors while reconciling a rollout.",
        ];
        reconciles(text, "rollout_reconcile", help, &all);
        let name = "serin_undecodable_objects_total";
        let help = "Versions of rollouts that could not be decoded.";
        plain(text, name, help, &all, |one| one.undecodable);
        events(text, &all);
        requests(text, &all);
    }
}

impl State {
    fn sorted(&self) -> Vec<(&Key, &OfOne)> {
        let mut all: Vec<(&Key, &OfOne)> = self.of.iter().collect();
        all.sort_unstable_by(|(a, _), (b, _)| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        all
    }

    fn change(&mut self, key: &Key, change: impl FnOnce(&mut OfOne)) -> bool {
        if let Some(one) = self.of.get_mut(key) {
            change(one);
            return false;
        }
        change(self.of.entry(key.clone()).or_default());
        true
    }
}

/// One more of this; of a rollout there are few.
fn count<W: PartialEq>(counts: &mut Vec<(W, u64)>, what: W) {
    match counts.iter_mut().find(|(one, _)| *one == what) {
        Some((_, times)) => *times += 1,
        None => {
            counts.reserve_exact(1);
            counts.push((what, 1));
        }
    }
}

fn reconciles(text: &mut String, metric: &str, [help, errors]: [&str; 2], all: &[(&Key, &OfOne)]) {
    let mut some = all.iter().filter(|(_, one)| one.reconciles.all > 0).peekable();
    if some.peek().is_some() {
        family(text, metric, "histogram", help);
    }
    let parts = ["bucket", "sum", "count"].map(|part| format!("{metric}_{part}"));
    let [bucket, sum, count] = &parts;
    for (key, one) in some {
        let [name, namespace] = [("name", &*key.name), ("namespace", &*key.namespace)];
        let mut within = |bound: &str, count: u64| {
            sample(text, bucket, &[name, namespace, ("le", bound)], &count.to_string());
        };
        let mut total = 0;
        for (count, bound) in one.reconciles.within.iter().zip(BUCKETS) {
            total += count;
            within(&bound.to_string(), total);
        }
        within("+Inf", one.reconciles.all);
        sample(text, sum, &[name, namespace], &one.reconciles.seconds.to_string());
        sample(text, count, &[name, namespace], &one.reconciles.all.to_string());
    }
    plain(text, &format!("{metric}_error"), errors, all, |one| one.errors);
}

fn plain(text: &mut String, metric: &str, help: &str, all: &[(&Key, &OfOne)], number: fn(&OfOne) -> u64) {
    let mut some = all.iter().filter(|(_, one)| number(one) > 0).peekable();
    if some.peek().is_none() {
        return;
    }
    family(text, metric, "counter", help);
    for (key, one) in some {
        let labels = [("name", &*key.name), ("namespace", &*key.namespace)];
        sample(text, metric, &labels, &number(one).to_string());
    }
}

fn events(text: &mut String, all: &[(&Key, &OfOne)]) {
    let mut some = all.iter().filter(|(_, one)| !one.events.is_empty()).peekable();
    if some.peek().is_none() {
        return;
    }
    let metric = "rollout_events_total";
    family(text, metric, "counter", "Events of rollouts.");
    for (key, one) in some {
        for (Event { kind, reason }, times) in &one.events {
            let labels = [
                ("name", &*key.name),
                ("namespace", &*key.namespace),
                ("reason", reason),
                ("type", kind),
            ];
            sample(text, metric, &labels, &times.to_string());
        }
    }
}

fn requests(text: &mut String, all: &[(&Key, &OfOne)]) {
    let mut some = all.iter().filter(|(_, one)| !one.requests.is_empty()).peekable();
    if some.peek().is_none() {
        return;
    }
    let metric = "controller_clientset_k8s_request_total";
    family(text, metric, "counter", "Requests to the API server, watches aside.");
    for (key, one) in some {
        for (Call { kind, verb, status }, times) in &one.requests {
            let labels = [
                ("kind", *kind),
                ("name", &*key.name),
                ("namespace", &*key.namespace),
                ("status_code", &status.to_string()),
                ("verb", verb),
            ];
            sample(text, metric, &labels, &times.to_string());
        }
    }
}
