//! A rollout and what it owns, read once or watched.

use crate::cluster::as_read::AsRead;
use crate::cluster::connect::Connection;
use crate::show::failure::Failure;
use crate::show::info::RolloutInfo;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serin_controller::Trouble;
use serin_core::api::Rollout;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// How much of a rollout to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The rollout alone: its phase and counts.
    Rollout,
    /// Also what it owns.
    Tree,
}

/// What is known of a rollout and of the objects around it.
#[derive(Default)]
pub(crate) struct Scene {
    rollout: Mirror<AsRead>,
    replica_sets: Mirror<ReplicaSet>,
    pods: Mirror<Pod>,
}

impl Scene {
    /// The rollout with its rows; `None` once it is gone.
    #[must_use]
    pub(crate) fn info(&self) -> Option<RolloutInfo> {
        let rollout = self.rollout()?;
        Some(RolloutInfo::new(
            rollout,
            self.replica_sets.objects.values(),
            self.pods.objects.values(),
        ))
    }

    /// The rollout as stored; `None` once it is gone.
    #[must_use]
    pub(crate) fn rollout(&self) -> Option<&Rollout> {
        self.rollout.objects.values().next().map(|read| &read.rollout)
    }

    /// Notes one change.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Rollout(event) => self.rollout.apply(event),
            Change::ReplicaSet(event) => self.replica_sets.apply(event),
            Change::Pod(event) => self.pods.apply(event),
            Change::Lost(..) => {}
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

/// Reads a rollout and, if wanted, what is in its namespace.
///
/// # Errors
/// What the API server says; a rollout or a referenced Deployment that is missing, in the words of a lister.
pub(crate) async fn read(connection: &Connection, name: &str, depth: Depth) -> Result<Scene, Failure> {
    let rollout = match namespaced::<AsRead>(connection).get(name).await {
        Ok(rollout) => rollout,
        Err(error) => return Err(missing(&error, name)),
    };
    if let Some(reference) = &rollout.rollout.spec.workload_ref {
        let deployment = namespaced::<Deployment>(connection)
            .get_metadata_opt(&reference.name)
            .await?;
        if deployment.is_none() {
            return Err(Failure::not_found("deployment.apps", &reference.name));
        }
    }
    let (replica_sets, pods) = match depth {
        Depth::Rollout => (Vec::new(), Vec::new()),
        Depth::Tree => tokio::try_join!(list(connection), list(connection))?,
    };
    Ok(Scene {
        rollout: Mirror::of([rollout]),
        replica_sets: Mirror::of(replica_sets),
        pods: Mirror::of(pods),
    })
}

/// A missing rollout has the error text of a lister; a missing kind is another error.
fn missing(error: &kube::Error, name: &str) -> Failure {
    let trouble = Trouble::from(error);
    match error {
        kube::Error::Api(status) if status.is_not_found() && trouble != Trouble::UnknownKind => {
            Failure::not_found("rollout.argoproj.io", name)
        }
        _ => trouble.into(),
    }
}

/// Changes of a rollout and, if wanted, of what is in its namespace. Lost connections are told and taken up again without
/// end, with growing pauses.
pub(crate) fn changes(connection: &Connection, name: &str, depth: Depth) -> impl Stream<Item = Change> + Send + use<> {
    let rollout = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut streams = vec![watch(connection, rollout, Change::Rollout)];
    if depth == Depth::Tree {
        streams.push(watch(connection, watcher::Config::default(), Change::ReplicaSet));
        streams.push(watch(connection, watcher::Config::default(), Change::Pod));
    }
    stream::select_all(streams)
}

fn watch<K>(
    connection: &Connection,
    config: watcher::Config,
    wrap: fn(Event<K>) -> Change,
) -> BoxStream<'static, Change>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    K: Clone + Debug + DeserializeOwned + Send + 'static,
{
    watcher(namespaced::<K>(connection), config)
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
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    Ok(namespaced::<K>(connection).list(&ListParams::default()).await?.items)
}

fn namespaced<K>(connection: &Connection) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    Api::namespaced(connection.client.clone(), &connection.namespace)
}
