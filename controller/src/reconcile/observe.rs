//! Stores → [`Observed`], without writing.

use crate::act::failures::Failures;
use crate::act::{Skipped, Writer};
use crate::cluster::refusal::Failure;
use crate::queue::Reason;
use crate::shell::Shell;
use crate::store::analysis;
use crate::store::decode::StoredRollout;
use crate::store::expectations::Seen;
use crate::store::experiments::StoredExperiment;
use crate::store::runs::StoredRun;
use crate::store::service;
use crate::store::workloads::Found;
use crate::store::{Key, Owner, Source, Stores};
use jiff::Timestamp;
use serin_core::Observed;
use serin_core::identity::Identity;
use serin_core::observed::{Kind, Pod, ReplicaSet, Service, StepPlugins, Templates};
use serin_core::rollout::workload::{self, Reference, reference};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the stores show of one rollout at one moment.
pub(crate) struct Snapshot {
    pub(crate) stored: Arc<StoredRollout>,
    /// Those it owns, then those that nobody owns and that were its own, each sorted by name.
    pub(crate) replica_sets: Vec<Arc<ReplicaSet>>,
    /// Those that the strategy names, and those that carry the name of the rollout; `None` where there is none.
    services: BTreeMap<String, Option<Arc<Service>>>,
    /// Versions of the objects of routers that it read last.
    routes: BTreeMap<String, String>,
    /// The workload that the rollout refers to.
    workload: Option<Arc<Found>>,
    /// AnalysisRuns whose names begin with that of the rollout.
    pub(crate) runs: Vec<Arc<StoredRun>>,
    /// Experiments whose names begin with that of the rollout.
    pub(crate) experiments: Vec<Arc<StoredExperiment>>,
    /// Templates that the strategy names, and those that they name.
    templates: Templates,
}

impl Snapshot {
    /// `None` if the rollout is gone.
    pub(crate) fn take(stores: &Stores, key: &Key) -> Option<Self> {
        let stored = stores.rollouts.get(key)?;
        let uid = stored.rollout.metadata.uid.as_deref().unwrap_or_default();
        let mut replica_sets = stores.replica_sets.of(uid);
        replica_sets.extend(stores.replica_sets.orphaned_by(key));
        let named = service::named(&stored.rollout).into_iter();
        let mut services: BTreeMap<String, Option<Arc<Service>>> = named
            .map(|name| (name.to_owned(), stores.services.get(&key.sibling(name))))
            .collect();
        for (name, service) in stores.services.managed_by(key) {
            services.insert(name.to_string(), Some(service));
        }
        let workload = match reference(&stored.rollout) {
            Reference::To(kind, name) => stores.workloads.get(kind, &key.sibling(name)),
            Reference::None | Reference::Problem(_) => None,
        };
        Some(Self {
            runs: stores.runs.of(key),
            experiments: stores.experiments.of(key),
            templates: stores.templates.of(&stored.rollout, &key.namespace),
            routes: stores.routes.versions(key),
            stored,
            replica_sets,
            services,
            workload,
        })
    }

    /// Asks the API server for the named Services that the store lacks: a watch that lags must not make a spec invalid
    /// (contract 11 C7).
    pub(crate) async fn find_services(&mut self, shell: &Shell, key: &Key) -> Result<(), Failure> {
        for (name, service) in self.services.iter_mut().filter(|(_, service)| service.is_none()) {
            let key = key.sibling(name);
            let services = &shell.stores.services;
            if services.was_absent(&key) {
                continue;
            }
            match shell.writer.get_service(&key).await? {
                Some(live) => {
                    *service = Some(Arc::new(live.observed.clone()));
                    shell.wake_all(services.apply(live, Source::Event), Reason::ServiceChanged);
                }
                None => services.is_absent(&key),
            }
        }
        Ok(())
    }

    /// Asks the API server for the workload that the store lacks, as for Services.
    pub(crate) async fn find_workload(&mut self, shell: &Shell, key: &Key) -> Result<(), Failure> {
        let Reference::To(kind, name) = reference(&self.stored.rollout) else {
            return Ok(());
        };
        let key = key.sibling(name);
        let workloads = &shell.stores.workloads;
        if self.workload.is_some() || workloads.was_absent(kind, &key) {
            return Ok(());
        }
        match shell.writer.get_workload(kind, &key).await? {
            Some(live) => {
                let touched = workloads.apply(kind, live.clone(), Source::Event);
                shell.wake_all(touched, Reason::WorkloadChanged);
                self.workload = Some(Arc::new(live));
            }
            None => workloads.is_absent(kind, &key),
        }
        Ok(())
    }

    /// Fills in the pod template of the workload (contract 05 §5). A rollout that does not refer to one stays as it is.
    pub(crate) fn follow_workload(&self, observed: &mut Observed, stores: &Stores, key: &Key) {
        let found = self.workload.as_ref().map(|found| found.read.clone());
        let of_workload = found.as_ref().and_then(|found| found.as_ref().ok());
        let of_workload = of_workload.map(|found| (found.workload.uid.clone(), found.workload.generation));
        workload::fill_in(observed, found.as_ref(), |rollout| {
            let (uid, generation) = of_workload.unwrap_or_default();
            let of = (
                rollout.metadata.generation,
                rollout.status.collision_count,
                uid,
                generation,
            );
            stores.workloads.identity(key, of, || Identity::of_filled_in(rollout))
        });
    }

    /// The rollout itself.
    pub(crate) fn owner(&self, key: &Key) -> Owner {
        Owner::new(Kind::Rollout, key, &self.stored.rollout.metadata)
    }

    /// What expectations are compared with.
    pub(crate) fn seen(&self) -> Seen<'_> {
        let version = self.stored.rollout.metadata.resource_version.as_deref();
        Seen {
            version: version.unwrap_or_default(),
            replica_sets: &self.replica_sets,
            services: &self.services,
            routes: &self.routes,
            runs: &self.runs,
            experiments: &self.experiments,
            workload: self.workload.as_ref().map(|found| found.known_as()),
        }
    }

    /// A deletion is under way: nothing is done to it (contract 02 §5).
    pub(crate) fn is_going(&self) -> bool {
        self.stored.rollout.metadata.deletion_timestamp.is_some()
    }

    /// What a decision may know, but for what it has to name first: pods, and objects of routers.
    pub(crate) fn observed(&self, failures: &Failures, owner: &Owner, step_plugins: Option<StepPlugins>) -> Observed {
        let rollout = &self.stored.rollout;
        let (refused, standing) = failures.observed(owner, rollout.status.collision_count);
        let services = self.services.iter();
        Observed {
            rollout: rollout.clone(),
            undecodable: self.stored.undecodable.clone(),
            unread: self.stored.unread.clone(),
            identity: self.stored.identity.get_or_init(|| Identity::of(rollout)).clone(),
            replica_sets: self.replica_sets.iter().map(|set| (**set).clone()).collect(),
            services: services
                .map(|(name, service)| (name.clone(), service.as_deref().cloned()))
                .collect(),
            analysis_runs: analysis::observed(&self.runs, &owner.uid),
            templates: self.templates.clone(),
            experiments: Some(self.experiments.iter().map(|of| of.observed(&owner.uid)).collect()),
            step_plugins,
            refused,
            standing,
            ..Observed::default()
        }
    }
}

/// Asks the API server for what ReplicaSets are made of, where an experiment is to be made of them; at any other time it needs
/// none.
pub(crate) async fn find_set_templates(
    observed: &mut Observed,
    writer: &Writer,
    key: &Key,
    now: Timestamp,
) -> Result<(), Failure> {
    for name in serin_core::rollout::experiment::needed(observed, now) {
        if let Some(template) = writer.get_set_template(&key.sibling(&name)).await? {
            observed.set_templates.insert(name, template);
        }
    }
    Ok(())
}

/// Asks the API server for the pods that this decision needs; at rest it needs none. Without pods that it may not list a
/// decision does what needs none of them (decision 46).
pub(crate) async fn find_pods(
    observed: &mut Observed,
    writer: &Writer,
    key: &Key,
    now: Timestamp,
) -> Result<Vec<Skipped>, Failure> {
    let mut skipped = Vec::new();
    for name in serin_core::rollout::pods::needed(observed, now) {
        let Some(set) = observed.replica_sets.iter().find(|set| set.name == name) else {
            continue;
        };
        let listed = match writer.list_pods(&key.namespace, set).await {
            Err(failure) if failure.why.stands() => {
                skipped.push(Skipped {
                    failure,
                    replica_set: set.uid.clone(),
                    pod: Some(String::new()),
                });
                continue;
            }
            listed => listed?,
        };
        let mut pods: Vec<Pod> = listed.into_iter().map(|pod| pod.observed).collect();
        pods.sort_by(|a, b| a.name.cmp(&b.name));
        observed.pods.insert(name, pods);
    }
    Ok(skipped)
}
