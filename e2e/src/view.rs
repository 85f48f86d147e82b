//! A rollout and what it owns, as the API server has them at one moment.

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use kube::api::{ListParams, ObjectMeta};
use kube::{Api, Client, ResourceExt};
use serin_core::api::rollout::Condition;
use serin_core::api::{AnalysisRun, Rollout};
use serin_core::rollout::view;
use serin_core::wire;
use std::fmt::{self, Write};

/// What a story looks at.
pub struct View {
    /// The rollout.
    pub rollout: Rollout,
    /// Its ReplicaSets, oldest revision first.
    pub replica_sets: Vec<ReplicaSet>,
    /// The pods of those, terminating ones left out.
    pub pods: Vec<Pod>,
    /// What was told of it, in order.
    pub events: Vec<Event>,
    /// Its AnalysisRuns, oldest first.
    pub runs: Vec<AnalysisRun>,
    /// All Services of the namespace.
    pub services: Vec<Service>,
}

impl View {
    pub(crate) async fn read(client: &Client, namespace: &str, name: &str) -> Result<Self> {
        let rollouts: Api<Rollout> = Api::namespaced(client.clone(), namespace);
        let rollout = rollouts.get(name).await.with_context(|| format!("rollout {name}"))?;
        let all = ListParams::default();
        let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), namespace);
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let events: Api<Event> = Api::namespaced(client.clone(), namespace);
        let services: Api<Service> = Api::namespaced(client.clone(), namespace);
        let mut replica_sets = sets.list(&all).await?.items;
        replica_sets.retain(|it| is_owned(&it.metadata, rollout.metadata.uid.as_deref()));
        replica_sets.sort_by_key(revision);
        let mut pods = pods.list(&all).await?.items;
        pods.retain(|it| {
            let live = it.metadata.deletion_timestamp.is_none();
            live && replica_sets
                .iter()
                .any(|set| is_owned(&it.metadata, set.metadata.uid.as_deref()))
        });
        let runs: Api<AnalysisRun> = Api::namespaced(client.clone(), namespace);
        let mut runs = runs.list(&all).await?.items;
        runs.retain(|it| is_owned(&it.metadata, rollout.metadata.uid.as_deref()));
        runs.sort_by_key(|it| (it.metadata.creation_timestamp.clone(), it.name_any()));
        let mut events = events.list(&all).await?.items;
        events.retain(|it| it.involved_object.uid == rollout.metadata.uid && it.involved_object.uid.is_some());
        // The controller's names sort as the events were told.
        events.sort_by_key(ResourceExt::name_any);
        Ok(Self {
            rollout,
            replica_sets,
            pods,
            events,
            runs,
            services: services.list(&all).await?.items,
        })
    }

    /// Phase and message as a client must show them.
    #[must_use]
    pub fn phase(&self) -> (&str, &str) {
        view::phase(&self.rollout)
    }

    /// A condition by its type.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.rollout.status.conditions.iter().find(|it| it.r#type == kind)
    }

    /// The ReplicaSet of a revision.
    #[must_use]
    pub fn replica_set(&self, wanted: i64) -> Option<&ReplicaSet> {
        self.replica_sets.iter().find(|it| revision(it) == wanted)
    }

    /// The pod template hash of a revision.
    #[must_use]
    pub fn hash(&self, wanted: i64) -> Option<&str> {
        let labels = self.replica_set(wanted)?.labels();
        labels.get(wire::HASH_LABEL).map(String::as_str)
    }

    /// The pod template hash that a Service selects.
    #[must_use]
    pub fn selected(&self, service: &str) -> Option<&str> {
        let selector = self.service(service)?.spec.as_ref()?.selector.as_ref()?;
        selector.get(wire::HASH_LABEL).map(String::as_str)
    }

    /// The rollout that a Service says it is managed by.
    #[must_use]
    pub fn manager(&self, service: &str) -> Option<&str> {
        let annotations = self.service(service)?.annotations();
        annotations.get(wire::MANAGED_BY).map(String::as_str)
    }

    fn service(&self, name: &str) -> Option<&Service> {
        let mut services = self.services.iter();
        services.find(|it| it.metadata.name.as_deref() == Some(name))
    }

    /// The pods of a revision.
    pub fn pods_of(&self, wanted: i64) -> impl Iterator<Item = &Pod> {
        let uid = self.replica_set(wanted).and_then(|it| it.metadata.uid.as_deref());
        self.pods
            .iter()
            .filter(move |it| uid.is_some() && is_owned(&it.metadata, uid))
    }

    /// Reasons of the events, in order.
    #[must_use]
    pub fn reasons(&self) -> Vec<&str> {
        self.events.iter().filter_map(|it| it.reason.as_deref()).collect()
    }
}

fn is_owned(metadata: &ObjectMeta, uid: Option<&str>) -> bool {
    let mut owners = metadata.owner_references.iter().flatten();
    uid.is_some_and(|uid| owners.any(|it| it.uid == uid && it.controller == Some(true)))
}

/// The revision of a ReplicaSet; 0 without one.
#[must_use]
pub fn revision(set: &ReplicaSet) -> i64 {
    let text = set.annotations().get(wire::REVISION);
    text.and_then(|it| it.parse().ok()).unwrap_or_default()
}

/// Whether the kubelet says that a pod is ready.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|it| it.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|it| it.type_ == "Ready" && it.status == "True"))
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (phase, message) = self.phase();
        let status = &self.rollout.status;
        writeln!(
            f,
            "rollout {}: {phase} ({message}), generation {} observed {}, step {:?}, abort {}",
            self.rollout.metadata.name.as_deref().unwrap_or_default(),
            self.rollout.metadata.generation.unwrap_or_default(),
            status.observed_generation,
            status.current_step_index,
            status.abort
        )?;
        for it in &status.conditions {
            writeln!(f, "  {}={} {}: {}", it.r#type, it.status, it.reason, it.message)?;
        }
        for set in &self.replica_sets {
            let wanted = set.spec.replicas.unwrap_or_default();
            let pods: Vec<bool> = self.pods_of(revision(set)).map(is_ready).collect();
            let ready = pods.iter().filter(|it| **it).count();
            writeln!(
                f,
                "  revision {} {}: {wanted} wanted, {} there, {ready} ready",
                revision(set),
                set.name_any(),
                pods.len()
            )?;
        }
        for it in &self.runs {
            let (status, name) = (&it.status, it.name_any());
            writeln!(f, "  run {name}: {} ({})", status.phase, status.message)?;
        }
        for it in &self.services {
            let name = it.name_any();
            writeln!(f, "  service {name} selects {:?}", self.selected(&name))?;
        }
        let mut events = String::new();
        for it in &self.events {
            write!(events, " {}", it.reason.as_deref().unwrap_or_default())?;
        }
        write!(f, "  events:{events}")
    }
}
