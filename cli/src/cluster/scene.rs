//! A rollout or an experiment and what it owns, read once or watched.

use crate::cluster::as_read::{AsRead, Partly};
use crate::cluster::connect::Connection;
use crate::show::failure::Failure;
use crate::show::info::{Around, ExperimentInfo, RolloutInfo};
use futures::stream::{self, BoxStream, Stream, StreamExt};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::core::NamespaceResourceScope;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serin_controller::{Target, Trouble};
use serin_core::api::{AnalysisRun, Experiment, Rollout};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A rollout alone: its phase and counts.
    Rollout,
    /// A rollout and what it owns.
    RolloutTree,
    /// An experiment and what it owns.
    ExperimentTree,
}

/// What is known of a rollout or an experiment, and of the objects around it.
pub(crate) struct Scene {
    subject: Subject,
    name: String,
    rollout: Mirror<AsRead>,
    replica_sets: Mirror<ReplicaSet>,
    pods: Mirror<Pod>,
    experiments: Mirror<Partly<Experiment>>,
    analysis_runs: Mirror<Partly<AnalysisRun>>,
    /// Kinds that could not be listed, and so are not watched.
    unlisted: Vec<Unlisted>,
}

/// A kind, by its plural, that the API server does not know, or does not let the user list.
struct Unlisted {
    plural: String,
    why: Trouble,
}

impl Scene {
    fn new(subject: Subject, name: &str) -> Self {
        Self {
            subject,
            name: name.to_owned(),
            rollout: Mirror::default(),
            replica_sets: Mirror::default(),
            pods: Mirror::default(),
            experiments: Mirror::default(),
            analysis_runs: Mirror::default(),
            unlisted: Vec::new(),
        }
    }

    /// The rollout with its rows; `None` once it is gone.
    #[must_use]
    pub(crate) fn info(&self) -> Option<RolloutInfo> {
        Some(RolloutInfo::new(self.rollout()?, &self.around()))
    }

    /// The experiment with its rows; `None` once it is gone.
    #[must_use]
    pub(crate) fn experiment_info(&self) -> Option<ExperimentInfo> {
        let Partly(experiment) = self.experiments.objects.get(&self.name)?;
        Some(ExperimentInfo::new(experiment, &self.around()))
    }

    /// The rollout as stored; `None` once it is gone.
    #[must_use]
    pub(crate) fn rollout(&self) -> Option<&Rollout> {
        self.rollout.objects.values().next().map(|read| &read.rollout)
    }

    /// What is not shown for want of a permission, one sentence for each kind. That a kind is not served needs no words: it
    /// has no objects.
    pub(crate) fn not_shown(&self, target: &Target) -> impl Iterator<Item = String> {
        let unserved = |it: &&Unlisted| it.why != Trouble::UnknownKind;
        let words = |it: &Unlisted| format!("No {} are shown: {}", it.plural, it.why.what(target));
        self.unlisted.iter().filter(unserved).map(words)
    }

    fn around(&self) -> Around<'_> {
        Around {
            replica_sets: self.replica_sets.objects.values().collect(),
            pods: self.pods.objects.values().collect(),
            experiments: self.experiments.objects.values().map(|Partly(it)| it).collect(),
            analysis_runs: self.analysis_runs.objects.values().map(|Partly(it)| it).collect(),
        }
    }

    /// Notes one change.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Rollout(event) => self.rollout.apply(event),
            Change::ReplicaSet(event) => self.replica_sets.apply(event),
            Change::Pod(event) => self.pods.apply(event),
            Change::Experiment(event) => self.experiments.apply(event),
            Change::AnalysisRun(event) => self.analysis_runs.apply(event),
            Change::Lost(..) => {}
        }
    }

    /// Changes of what was read. Lost connections are told and taken up again without end, with growing pauses.
    pub(crate) fn changes(&self, connection: &Connection) -> impl Stream<Item = Change> + Send + use<> {
        let all = watcher::Config::default;
        let named = all().fields(&format!("metadata.name={}", self.name));
        let mut streams = Vec::new();
        if self.subject == Subject::ExperimentTree {
            streams.push(watch(namespaced(connection), named, Change::Experiment));
        } else {
            streams.push(watch(namespaced(connection), named, Change::Rollout));
        }
        if self.subject != Subject::Rollout {
            streams.push(watch(namespaced(connection), all(), Change::ReplicaSet));
            streams.push(watch(namespaced(connection), all(), Change::Pod));
            if self.is_listed::<AnalysisRun>() {
                streams.push(watch(namespaced(connection), all(), Change::AnalysisRun));
            }
        }
        if self.subject == Subject::RolloutTree && self.is_listed::<Experiment>() {
            streams.push(watch(namespaced(connection), all(), Change::Experiment));
        }
        stream::select_all(streams)
    }

    fn is_listed<K: Resource<DynamicType = ()>>(&self) -> bool {
        self.unlisted.iter().all(|it| it.plural != K::plural(&()))
    }

    /// Reads what is in the namespace. A server without the kinds of analysis shows the rest.
    async fn read_around(&mut self, connection: &Connection) -> Result<(), kube::Error> {
        let (replica_sets, pods, runs) = tokio::try_join!(list(connection), list(connection), optional(connection))?;
        self.replica_sets = Mirror::of(replica_sets);
        self.pods = Mirror::of(pods);
        self.analysis_runs = self.listed(runs);
        if self.subject == Subject::RolloutTree {
            let experiments = optional(connection).await?;
            self.experiments = self.listed(experiments);
        }
        Ok(())
    }

    fn listed<K: ResourceExt>(&mut self, found: Result<Vec<K>, Unlisted>) -> Mirror<K> {
        match found {
            Ok(objects) => Mirror::of(objects),
            Err(unlisted) => {
                self.unlisted.push(unlisted);
                Mirror::default()
            }
        }
    }
}

/// One change of the scene.
pub(crate) enum Change {
    /// Of the rollout.
    Rollout(Event<AsRead>),
    /// Of a ReplicaSet in the namespace.
    ReplicaSet(Event<ReplicaSet>),
    /// Of a pod in the namespace.
    Pod(Event<Pod>),
    /// Of an Experiment in the namespace.
    Experiment(Event<Partly<Experiment>>),
    /// Of an AnalysisRun in the namespace.
    AnalysisRun(Event<Partly<AnalysisRun>>),
    /// The watch of a resource, by its plural, broke or could not begin; it is taken up again.
    Lost(String, Trouble),
}

/// Objects of one kind by name. A list that is under way replaces the old one only when it is complete.
struct Mirror<K> {
    objects: BTreeMap<String, K>,
    listed: BTreeMap<String, K>,
}

impl<K> Default for Mirror<K> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            listed: BTreeMap::new(),
        }
    }
}

impl<K: ResourceExt> Mirror<K> {
    fn of(objects: impl IntoIterator<Item = K>) -> Self {
        let objects = objects.into_iter().map(|object| (object.name_any(), object)).collect();
        Self {
            objects,
            listed: BTreeMap::new(),
        }
    }

    fn apply(&mut self, event: Event<K>) {
        match event {
            Event::Apply(object) => {
                self.objects.insert(object.name_any(), object);
            }
            Event::Delete(object) => {
                self.objects.remove(&object.name_any());
            }
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => {
                self.listed.insert(object.name_any(), object);
            }
            Event::InitDone => self.objects = std::mem::take(&mut self.listed),
        }
    }
}

/// Reads a rollout or an experiment and, if wanted, what is in its namespace.
///
/// # Errors
/// What the API server says; a rollout, an experiment or a referenced Deployment that is missing, in the words of a lister.
pub(crate) async fn read(connection: &Connection, name: &str, subject: Subject) -> Result<Scene, Failure> {
    let mut scene = Scene::new(subject, name);
    match subject {
        Subject::Rollout | Subject::RolloutTree => {
            let rollout = one::<AsRead>(connection, "rollout.argoproj.io", name).await?;
            check_workload(connection, &rollout.rollout).await?;
            scene.rollout = Mirror::of([rollout]);
        }
        Subject::ExperimentTree => {
            scene.experiments = Mirror::of([one(connection, "experiment.argoproj.io", name).await?]);
        }
    }
    if subject != Subject::Rollout {
        scene.read_around(connection).await?;
    }
    Ok(scene)
}

/// One object. A missing one has the error text of a lister; a missing kind is another error.
async fn one<K>(connection: &Connection, kind_and_group: &str, name: &str) -> Result<K, Failure>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    namespaced::<K>(connection).get(name).await.map_err(|error| {
        let trouble = Trouble::from(&error);
        match error {
            kube::Error::Api(status) if status.is_not_found() && trouble != Trouble::UnknownKind => {
                Failure::not_found(kind_and_group, name)
            }
            _ => trouble.into(),
        }
    })
}

/// Upstream reads a Deployment of that name whatever the kind, and fails where there is none.
async fn check_workload(connection: &Connection, rollout: &Rollout) -> Result<(), Failure> {
    let reference = rollout.spec.workload_ref.as_ref();
    if let Some(reference) = reference.filter(|it| it.kind.is_empty() || it.kind == "Deployment") {
        let deployments = namespaced::<Deployment>(connection);
        if deployments.get_metadata_opt(&reference.name).await?.is_none() {
            return Err(Failure::not_found("deployment.apps", &reference.name));
        }
    }
    Ok(())
}

/// The changes of one kind.
pub(super) fn watch<K>(
    objects: Api<K>,
    config: watcher::Config,
    wrap: fn(Event<K>) -> Change,
) -> BoxStream<'static, Change>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    watcher(objects, config)
        .default_backoff()
        .filter_map(move |event| async move {
            match event {
                Ok(event) => Some(wrap(event)),
                // The server forgot how far we had read: everything is listed again, and nothing is reported.
                Err(watcher::Error::WatchError(status)) if status.code == 410 => {
                    tracing::debug!(message = status.message, "the watch begins anew");
                    None
                }
                Err(error) => Some(Change::Lost(K::plural(&()).into_owned(), Trouble::of_watch(&error))),
            }
        })
        .boxed()
}

async fn list<K>(connection: &Connection) -> Result<Vec<K>, kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    Ok(namespaced::<K>(connection).list(&ListParams::default()).await?.items)
}

/// The objects of a kind that a cluster may lack, or may not show to everybody.
async fn optional<K>(connection: &Connection) -> Result<Result<Vec<K>, Unlisted>, kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let why = match list::<K>(connection).await {
        Ok(objects) => return Ok(Ok(objects)),
        // There is always a list of a kind that is known.
        Err(kube::Error::Api(status)) if status.code == 404 => Trouble::UnknownKind,
        Err(error) => match Trouble::from(&error) {
            why @ Trouble::Forbidden(_) => why,
            _ => return Err(error),
        },
    };
    let plural = K::plural(&()).into_owned();
    Ok(Err(Unlisted { plural, why }))
}

fn namespaced<K>(connection: &Connection) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Api::namespaced(connection.client.clone(), &connection.namespace)
}
