//! Reading our own writes: the controller does not decide on a snapshot that is older than them (decision 34).
//!
//! After each write the version it led to is remembered, until the stores show it. What does not arrive in time is
//! looked up live.

use crate::store::compare_versions;
use crate::store::experiments::StoredExperiment;
use crate::store::routes::name_of;
use crate::store::runs::StoredRun;
use crate::sync::lock;
use serin_core::observed::{ReplicaSet, Service};
use serin_core::traffic::Place;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// How long a watch may lag before the object is read live.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What the stores must show of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// This version, or a later one: we created it, so that a store without it is behind.
    Created {
        /// UID.
        uid: String,
        /// resourceVersion that the write led to.
        version: String,
    },
    /// This version, or a later one, or no such object: we changed what the store had, so that a store without it is
    /// ahead. It was deleted since, or it no longer concerns any rollout, such as a Service that was released.
    Changed {
        /// UID.
        uid: String,
        /// resourceVersion that the write led to.
        version: String,
    },
    /// A version after this one: a write on it was refused with 409.
    After {
        /// UID.
        uid: String,
        /// resourceVersion that was decided on.
        version: String,
    },
    /// No object with this UID: we deleted it, or it was not found.
    Gone {
        /// UID.
        uid: String,
    },
}

/// An object that an expectation speaks of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// The rollout, or the experiment, itself.
    Itself,
    /// A ReplicaSet by name.
    ReplicaSet(String),
    /// A Service by name; its UID is `Service/<name>`, since versions only grow whatever object bears the name.
    Service(String),
    /// An object of a traffic router; its UID is [`name_of`], likewise.
    Route(Place),
    /// The Deployment that the rollout refers to, by name.
    Deployment(String),
    /// An AnalysisRun by name.
    AnalysisRun(String),
    /// An Experiment by name.
    Experiment(String),
}

/// What the stores show of one rollout.
pub(crate) struct Seen<'a> {
    /// resourceVersion of the rollout.
    pub(crate) version: &'a str,
    /// Its ReplicaSets.
    pub(crate) replica_sets: &'a [Arc<ReplicaSet>],
    /// The Services that have to do with it.
    pub(crate) services: &'a BTreeMap<String, Option<Arc<Service>>>,
    /// The resourceVersions of the objects of routers that it reads, by [`name_of`].
    pub(crate) routes: &'a BTreeMap<String, String>,
    /// The AnalysisRuns that have to do with it.
    pub(crate) runs: &'a [Arc<StoredRun>],
    /// The Experiments that have to do with it.
    pub(crate) experiments: &'a [Arc<StoredExperiment>],
    /// UID and resourceVersion of the workload that it refers to.
    pub(crate) workload: Option<(&'a str, &'a str)>,
}

/// An expectation that is not met yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unmet {
    /// Of what.
    pub(crate) subject: Subject,
    /// Since when it is waited for.
    pub(crate) waited: Duration,
}

/// What is expected of the objects of one rollout, and since when.
type OfRollout = BTreeMap<Subject, (Expected, Instant)>;

/// Expectations of all rollouts, by their uid.
#[derive(Default)]
pub(crate) struct Expectations(Mutex<HashMap<String, OfRollout>>);

impl Expectations {
    /// Remembers what must be seen before the next decision.
    pub(crate) fn add(&self, rollout_uid: &str, subject: Subject, expected: Expected) {
        let mut all = lock(&self.0);
        all.entry(rollout_uid.to_owned())
            .or_default()
            .insert(subject, (expected, Instant::now()));
    }

    /// Drops what is met, and returns the first that is not.
    #[must_use]
    pub(crate) fn unmet(&self, rollout_uid: &str, seen: &Seen<'_>) -> Option<Unmet> {
        let mut all = lock(&self.0);
        let expected = all.get_mut(rollout_uid)?;
        expected.retain(|subject, (expected, _)| {
            let service_uid;
            let version = match subject {
                Subject::Itself => Some((rollout_uid, seen.version)),
                Subject::ReplicaSet(name) => seen
                    .replica_sets
                    .iter()
                    .find(|set| set.name == *name)
                    .map(|set| (set.uid.as_str(), set.resource_version.as_str())),
                Subject::Service(name) => {
                    service_uid = format!("Service/{name}");
                    let service = seen.services.get(name).and_then(Option::as_ref);
                    service.map(|service| (service_uid.as_str(), service.resource_version.as_str()))
                }
                Subject::Route(place) => {
                    let found = seen.routes.get_key_value(&name_of(place));
                    found.map(|(name, version)| (name.as_str(), version.as_str()))
                }
                Subject::AnalysisRun(name) => seen
                    .runs
                    .iter()
                    .map(|run| run.known_as())
                    .find(|(of, _, _)| of == name)
                    .map(|(_, uid, version)| (uid, version)),
                Subject::Experiment(name) => {
                    let mut experiments = seen.experiments.iter();
                    let found = experiments.find(|of| of.meta.name.as_ref() == Some(name));
                    found.map(|of| of.known_as())
                }
                // A rollout that refers to another by now shows that one: it counts as met.
                Subject::Deployment(_) => seen.workload,
            };
            !is_met(expected, version)
        });
        let oldest = expected.iter().min_by_key(|(_, (_, since))| *since);
        let unmet = oldest.map(|(subject, (_, since))| Unmet {
            subject: subject.clone(),
            waited: since.elapsed(),
        });
        if unmet.is_none() {
            all.remove(rollout_uid);
        }
        unmet
    }

    /// Whether this version of the rollout is the one that our own last write led to, or one that it was written on.
    #[must_use]
    pub(crate) fn is_own_write(&self, rollout_uid: &str, version: &str) -> bool {
        let all = lock(&self.0);
        all.get(rollout_uid).and_then(|expected| expected.get(&Subject::Itself)).is_some_and(
            |(expected, _)| matches!(expected, Expected::Changed { version: own, .. } if compare_versions(version, own) != Ordering::Greater),
        )
    }

    /// No longer waits for an object: it was read live.
    pub(crate) fn resolved(&self, rollout_uid: &str, subject: &Subject) {
        if let Some(expected) = lock(&self.0).get_mut(rollout_uid) {
            expected.remove(subject);
        }
    }

    /// How many rollouts it knows something of.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// The rollout is gone.
    pub(crate) fn forget(&self, rollout_uid: &str) {
        lock(&self.0).remove(rollout_uid);
    }
}

/// `seen` is the uid and the version that the store shows, if it shows an object of that name.
fn is_met(expected: &Expected, seen: Option<(&str, &str)>) -> bool {
    match (expected, seen) {
        // Another object of that name came after ours.
        (Expected::Created { uid, version } | Expected::Changed { uid, version }, Some((seen, seen_version))) => {
            seen != uid || compare_versions(seen_version, version) != Ordering::Less
        }
        (Expected::Created { .. }, None) => false,
        (Expected::After { uid, version }, Some((seen, seen_version))) => {
            seen != uid || compare_versions(seen_version, version) == Ordering::Greater
        }
        (Expected::Changed { .. } | Expected::After { .. } | Expected::Gone { .. }, None) => true,
        (Expected::Gone { uid }, Some((seen, _))) => seen != uid,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn set(name: &str, uid: &str, version: &str) -> Arc<ReplicaSet> {
        let (name, uid, resource_version) = (name.into(), uid.into(), version.into());
        Arc::new(ReplicaSet {
            name,
            uid,
            resource_version,
            ..ReplicaSet::default()
        })
    }

    fn created(uid: &str, version: &str) -> Expected {
        let (uid, version) = (uid.into(), version.into());
        Expected::Created { uid, version }
    }

    fn changed(uid: &str, version: &str) -> Expected {
        let (uid, version) = (uid.into(), version.into());
        Expected::Changed { uid, version }
    }

    fn subject(name: &str) -> Subject {
        Subject::ReplicaSet(name.into())
    }

    fn unmet(all: &Expectations, version: &str, replica_sets: &[Arc<ReplicaSet>]) -> Option<Unmet> {
        let services = BTreeMap::new();
        let seen = Seen {
            version,
            replica_sets,
            services: &services,
            routes: &BTreeMap::new(),
            runs: &[],
            experiments: &[],
            workload: None,
        };
        all.unmet("r", &seen)
    }

    #[test]
    fn a_changed_service_must_be_seen_or_be_gone() {
        let met = |version: Option<&str>| {
            let all = Expectations::default();
            all.add("r", Subject::Service("s".into()), changed("Service/s", "9"));
            let service = version.map(|version| {
                Arc::new(Service {
                    resource_version: version.into(),
                    ..Service::default()
                })
            });
            let seen = Seen {
                version: "1",
                replica_sets: &[],
                services: &BTreeMap::from([("s".to_owned(), service)]),
                routes: &BTreeMap::new(),
                runs: &[],
                experiments: &[],
                workload: None,
            };
            all.unmet("r", &seen).is_none()
        };
        assert_eq!([met(Some("8")), met(Some("9")), met(None)], [false, true, true]);
    }

    #[test]
    fn our_own_write_must_be_seen() {
        let all = Expectations::default();
        all.add("r", Subject::Itself, changed("r", "100"));
        assert!(all.is_own_write("r", "100"));
        assert!(!all.is_own_write("r", "101"));
        assert_eq!(unmet(&all, "99", &[]).unwrap().subject, Subject::Itself);
        assert_eq!(unmet(&all, "100", &[]), None);
        assert_eq!(unmet(&all, "99", &[]), None, "what was met is forgotten");
    }

    #[test]
    fn a_created_replica_set_must_be_there_and_a_deleted_one_gone() {
        let all = Expectations::default();
        all.add("r", subject("new"), created("1", "7"));
        all.add("r", subject("old"), Expected::Gone { uid: "0".into() });
        assert_eq!(
            unmet(&all, "1", &[set("new", "1", "8"), set("old", "0", "3")])
                .unwrap()
                .subject,
            subject("old")
        );
        assert!(unmet(&all, "1", &[set("old", "other", "9")]).is_none());
        all.add("r", subject("new"), created("1", "7"));
        assert_eq!(unmet(&all, "1", &[]).unwrap().subject, subject("new"));
        all.resolved("r", &subject("new"));
        assert_eq!(unmet(&all, "1", &[]), None);
        all.add("r", subject("new"), changed("1", "9"));
        assert!(unmet(&all, "1", &[set("new", "1", "8")]).is_some());
        assert_eq!(unmet(&all, "1", &[]), None, "somebody deleted what we had changed");
    }

    #[test]
    fn after_a_conflict_the_newer_version_must_be_seen() {
        let all = Expectations::default();
        let after = Expected::After {
            uid: "1".into(),
            version: "9".into(),
        };
        all.add("r", subject("s"), after.clone());
        assert!(unmet(&all, "1", &[set("s", "1", "9")]).is_some());
        assert!(unmet(&all, "1", &[set("s", "1", "10")]).is_none());
        all.add("r", subject("s"), after);
        assert!(unmet(&all, "1", &[]).is_none(), "gone is newer too");
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_is_measured() {
        let all = Expectations::default();
        all.add("r", Subject::Itself, changed("r", "2"));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(unmet(&all, "1", &[]).unwrap().waited, Duration::from_secs(3));
    }
}
