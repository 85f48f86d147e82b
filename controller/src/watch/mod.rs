//! Watch streams → stores, and which rollout is reconciled for it.

mod routes;

use crate::cluster::PAGE;
use crate::cluster::trouble::Trouble;
use crate::queue::Reason;
use crate::shell::Shell;
use crate::store::analysis::StoredTemplate;
use crate::store::decode::{StoredReplicaSet, StoredRollout};
use crate::store::runs::{Change as RunChange, StoredRun};
use crate::store::service::StoredService;
use crate::store::workloads::Stored;
use crate::store::{Change, Key, Owner, Source};
pub(crate) use crate::watch::routes::routes;
use futures::{Stream, StreamExt};
use kube::core::NamespaceResourceScope;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serin_core::observed::Kind;
use serin_core::plan::News;
use serin_core::rollout::traffic;
use serin_core::wire;
use std::collections::{BTreeSet, HashSet};
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// All namespaces, or one.
#[derive(Clone)]
pub(crate) struct Scope {
    pub(crate) client: Client,
    pub(crate) namespace: Option<String>,
}

impl Scope {
    pub(crate) fn stream<K>(self, labels: &str) -> impl Stream<Item = watcher::Result<Event<K>>> + Send
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
    {
        let api: Api<K> = match &self.namespace {
            Some(namespace) => Api::namespaced(self.client, namespace),
            None => Api::all(self.client),
        };
        watch(api, watcher::Config::default().labels(labels).page_size(PAGE)).default_backoff()
    }
}

impl Scope {
    /// Templates of the namespaces.
    pub(crate) fn templates(self) -> impl Stream<Item = watcher::Result<Event<StoredTemplate<false>>>> + Send {
        self.stream("")
    }

    /// Templates of the cluster; none for a controller of one namespace, which may not read them.
    pub(crate) fn cluster_templates(
        self,
    ) -> Option<impl Stream<Item = watcher::Result<Event<StoredTemplate<true>>>> + Send> {
        if self.namespace.is_some() {
            return None;
        }
        let config = watcher::Config::default().page_size(PAGE);
        Some(watch(Api::<StoredTemplate<true>>::all(self.client), config).default_backoff())
    }
}

/// Follows rollouts until the stream ends, which it should not.
pub(crate) async fn rollouts(shell: Arc<Shell>, scope: Scope, selector: String, synced: CancellationToken) {
    let mut events = pin!(scope.stream::<StoredRollout>(&selector));
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(rollout)) => {
                listed.insert(rollout_seen(&shell, rollout, Source::List));
            }
            Ok(Event::InitDone) => {
                for (key, stored) in shell.stores.keep_only_rollouts(&std::mem::take(&mut listed)) {
                    rollout_gone(&shell, &key, &stored);
                }
                synced.cancel();
            }
            Ok(Event::Apply(rollout)) => {
                rollout_seen(&shell, rollout, Source::Event);
            }
            Ok(Event::Delete(rollout)) => {
                if let Some((key, stored)) = shell.stores.delete_rollout(&rollout) {
                    rollout_gone(&shell, &key, &stored);
                }
            }
            Err(error) => broken(&shell, "Rollouts", &error),
        }
    }
}

fn rollout_seen(shell: &Shell, rollout: StoredRollout, source: Source) -> Key {
    let uid = rollout.rollout.metadata.uid.clone().unwrap_or_default();
    let version = rollout.rollout.metadata.resource_version.clone().unwrap_or_default();
    let undecodable = rollout.why_undecodable();
    let odd_metadata = rollout.odd_metadata.clone();
    let before = shell.stores.rollouts.get(&Key::of(&rollout));
    let (key, change) = shell.stores.apply_rollout(rollout, source);
    let told = before
        .as_ref()
        .is_some_and(|before| before.odd_metadata == odd_metadata);
    if let (Some(why), false) = (odd_metadata, told) {
        metadata_is_odd(shell, &key, &why);
    }
    if let (Some(why), true) = (undecodable, change != Change::Same) {
        shell.telemetry.undecodable(&key);
        tracing::warn!(namespace = %key.namespace, rollout = %key.name, why, "cannot decode a rollout");
    }
    let reason = match change {
        Change::Same => return key,
        Change::Added => Reason::FirstSeen,
        Change::SpecEdited | Change::Changed if shell.expectations.is_own_write(&uid, &version) => Reason::OwnWriteSeen,
        Change::SpecEdited => Reason::SpecEdited,
        Change::Changed => Reason::RolloutChanged,
    };
    shell.wake(&key, reason);
    if led_to(before.as_ref()) != led_to(shell.stores.rollouts.get(&key).as_ref()) {
        // Their pods wait until no traffic comes.
        for experiment in shell.stores.experiments.of(&key) {
            let of = Key::of(&*experiment);
            shell.experiments.queue.add(&of, Reason::RolloutChanged);
        }
    }
    key
}

/// The Services of experiments that a rollout leads traffic to.
fn led_to(stored: Option<&Arc<StoredRollout>>) -> BTreeSet<String> {
    stored.map_or_else(BTreeSet::new, |stored| traffic::led_to(&stored.rollout))
}

/// The status may not be writable: an event says it, too.
fn metadata_is_odd(shell: &Shell, key: &Key, why: &str) {
    let stored = shell.stores.rollouts.get(key).filter(|_| shell.writer.may_write());
    if let Some(stored) = stored {
        let news = News::UndecodableMetadata { why: why.to_owned() };
        let owner = Owner::new(Kind::Rollout, key, &stored.rollout.metadata);
        shell.recorder.record(&owner, &news);
    }
}

fn rollout_gone(shell: &Shell, key: &Key, stored: &Arc<StoredRollout>) {
    let metadata = &stored.rollout.metadata;
    shell.expectations.forget(metadata.uid.as_deref().unwrap_or_default());
    if shell.writer.may_write() {
        let (namespace, name) = (key.namespace.to_string(), key.name.to_string());
        let news = News::Deleted { namespace, name };
        shell.recorder.record(&Owner::new(Kind::Rollout, key, metadata), &news);
        shell.stores.leaving.leaves(key, stored);
    }
    shell.telemetry.deleted(key.clone());
    shell.wake(key, Reason::Deleted);
}

/// Follows the ReplicaSets of rollouts until the stream ends, which it never should.
pub(crate) async fn replica_sets(shell: Arc<Shell>, scope: Scope, synced: CancellationToken) {
    let mut events = pin!(scope.stream::<StoredReplicaSet>(wire::HASH_LABEL));
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        let touched = match event {
            Ok(Event::Init) => {
                listed.clear();
                Vec::new()
            }
            Ok(Event::InitApply(set)) => {
                listed.insert(set.observed.uid.clone());
                replica_set_seen(&shell, set, Source::List)
            }
            Ok(Event::InitDone) => {
                let listed = std::mem::take(&mut listed);
                let gone = shell.stores.replica_sets.keep_only(&listed);
                wake_experiments(&shell, shell.stores.experiment_sets.keep_only(&listed));
                synced.cancel();
                gone
            }
            Ok(Event::Apply(set)) => replica_set_seen(&shell, set, Source::Event),
            Ok(Event::Delete(set)) => {
                let uid = &set.observed.uid;
                wake_experiments(&shell, shell.stores.experiment_sets.delete(uid));
                shell.stores.replica_sets.delete(uid).into_iter().collect()
            }
            Err(error) => {
                broken(&shell, "ReplicaSets", &error);
                Vec::new()
            }
        };
        shell.wake_all(touched, Reason::ReplicaSetChanged);
    }
}

/// Stores a ReplicaSet where it belongs; returns the rollouts to reconcile.
fn replica_set_seen(shell: &Shell, set: StoredReplicaSet, source: Source) -> Vec<Key> {
    if !set.of_experiment {
        return shell.stores.replica_sets.apply(set, source);
    }
    wake_experiments(shell, shell.stores.experiment_sets.apply(set, source));
    Vec::new()
}

pub(crate) fn wake_experiments(shell: &Shell, touched: impl IntoIterator<Item = Key>) {
    for key in touched {
        shell.experiments.queue.add(&key, Reason::ReplicaSetChanged);
    }
}

/// Follows Services until the stream ends, which it never should. It begins once the rollouts are known, since only
/// Services that have to do with one are kept. Reconciles do not wait for a broken watch: what the store lacks is
/// asked for live.
pub(crate) async fn services(shell: Arc<Shell>, scope: Scope, rollouts: CancellationToken, synced: CancellationToken) {
    rollouts.cancelled().await;
    let mut events = pin!(scope.stream::<StoredService>(""));
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        let touched = match event {
            Ok(Event::Init) => {
                listed.clear();
                Vec::new()
            }
            Ok(Event::InitApply(service)) => {
                listed.insert(Key::of(&service));
                shell.stores.services.apply(service, Source::List)
            }
            Ok(Event::InitDone) => {
                let gone = shell.stores.services.keep_only(&std::mem::take(&mut listed));
                synced.cancel();
                gone
            }
            Ok(Event::Apply(service)) => shell.stores.services.apply(service, Source::Event),
            Ok(Event::Delete(service)) => shell.stores.services.delete(&Key::of(&service)),
            Err(error) => {
                broken(&shell, "Services", &error);
                synced.cancel();
                Vec::new()
            }
        };
        shell.wake_all(touched, Reason::ServiceChanged);
    }
}

/// Follows the workloads of a kind until the stream ends, which it never should. It begins once a rollout refers to one of
/// the kind. Reconciles do not wait for it: what the store lacks is asked for live.
pub(crate) async fn workloads<K>(shell: Arc<Shell>, scope: Scope)
where
    K: Stored<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let kind = K::KIND;
    shell.stores.workloads.wanted(kind).await;
    let mut events = pin!(scope.stream::<K>(""));
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        let workloads = &shell.stores.workloads;
        let touched = match event {
            Ok(Event::Init) => {
                listed.clear();
                Vec::new()
            }
            Ok(Event::InitApply(found)) => {
                listed.insert(Key::of(&found));
                workloads.apply(kind, found.into_found(), Source::List)
            }
            Ok(Event::InitDone) => workloads.keep_only(kind, &std::mem::take(&mut listed)),
            Ok(Event::Apply(found)) => workloads.apply(kind, found.into_found(), Source::Event),
            Ok(Event::Delete(found)) => workloads.delete(kind, &Key::of(&found)),
            Err(error) => {
                broken(&shell, &format!("{kind}s"), &error);
                Vec::new()
            }
        };
        shell.wake_all(touched, Reason::WorkloadChanged);
    }
}

/// Follows AnalysisRuns where nothing is measured, until the stream ends, which it never should. Reconciles do not wait for
/// a broken watch: a run that the store lacks has a name that is taken.
pub(crate) async fn analysis_runs(shell: Arc<Shell>, scope: Scope, selector: String, tried: CancellationToken) {
    let mut events = pin!(scope.stream::<StoredRun>(&selector));
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        let runs = &shell.stores.runs;
        let mut gone = Vec::new();
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(run)) => {
                listed.insert(run_seen(&shell, run, Source::List));
            }
            Ok(Event::InitDone) => {
                gone = runs.keep_only(&std::mem::take(&mut listed));
                tried.cancel();
            }
            Ok(Event::Apply(run)) => {
                run_seen(&shell, run, Source::Event);
            }
            Ok(Event::Delete(run)) => gone.extend(runs.delete(&run)),
            Err(error) => {
                broken(&shell, "AnalysisRuns", &error);
                tried.cancel();
            }
        }
        for (key, run) in gone {
            shell.wake_owner(&key, &run);
        }
    }
}

fn run_seen(shell: &Shell, run: StoredRun, source: Source) -> Key {
    let undecodable = run.undecodable.clone();
    let (key, change) = shell.learned_run(run, source);
    if let Some(why) = undecodable.filter(|_| change != RunChange::Same) {
        tracing::warn!(namespace = %key.namespace, analysisrun = %key.name, why, "cannot decode an analysis run");
    }
    key
}

/// Follows templates, of namespaces or of the cluster, until the stream ends, which it never should. A rollout that was
/// found invalid is looked at again when a template comes. Reconciles do not wait for a broken watch.
pub(crate) async fn templates<const CLUSTER: bool>(
    shell: Arc<Shell>,
    stream: impl Stream<Item = watcher::Result<Event<StoredTemplate<CLUSTER>>>>,
    synced: CancellationToken,
) where
    StoredTemplate<CLUSTER>: Resource<DynamicType = ()>,
{
    let mut events = pin!(stream);
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        let templates = &shell.stores.templates;
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(template)) => {
                listed.insert(Key::of(&template));
                templates.apply(template, Source::List);
            }
            Ok(Event::InitDone) => {
                templates.keep_only(CLUSTER, &std::mem::take(&mut listed));
                synced.cancel();
            }
            Ok(Event::Apply(template)) => {
                let key = Key::of(&template);
                if templates.apply(template, Source::Event) {
                    look_again(&shell, &key);
                }
            }
            Ok(Event::Delete(template)) => templates.delete(&Key::of(&template)),
            Err(error) => {
                let kind = StoredTemplate::<CLUSTER>::kind(&());
                broken(&shell, &format!("{kind}s"), &error);
                synced.cancel();
            }
        }
    }
}

/// Rollouts that a template of this key may cure.
fn look_again(shell: &Shell, template: &Key) {
    for (key, stored) in shell.stores.rollouts.all() {
        let conditions = &stored.rollout.status.conditions;
        let invalid = conditions
            .iter()
            .any(|found| found.r#type == wire::condition::INVALID_SPEC);
        if invalid && (template.namespace.is_empty() || template.namespace == key.namespace) {
            shell.wake(&key, Reason::TemplateChanged);
        }
    }
}

/// The stream goes on by itself, after a while.
pub(crate) fn broken(shell: &Shell, what: &str, error: &watcher::Error) {
    shell.telemetry.watch_errors.inc();
    let error = Trouble::of_watch(error).brief();
    tracing::warn!(error, "the watch of {what} broke; starting it again");
}
