//! A ReplicaSet controller for the sandbox; a real control plane brings its own.
//!
//! Keeps as many pods as `spec.replicas` says, adopts and releases pods by their labels, deletes the least useful first, and
//! reports counts and conditions, with the delays that make the work of other controllers hard:
//!
//! - it acts on a cache of pods that lags behind, so that it can delete a pod too many and the wrong one;
//! - the status is that of the pods it saw before it created or deleted any: for a moment `observedGeneration` is current and
//!   the counts are those of before;
//! - while it waits to see what it did, it creates and deletes nothing, and writes the status all the same.
//!
//! Pods are made from the template exactly as written: fields this program does not know are passed on.

mod claim;
mod expectations;
mod judge;
mod order;
mod resource;
mod state;

use super::events::{self, About};
use super::{Clock, Error};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client};
use resource::{ReplicaSet, api_resource, new_pod};
use serde_json::{Value, json};
use state::{Key, State};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Requests under way at once for one ReplicaSet.
const PARALLEL: usize = 16;
/// After a request that was refused.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The largest number of pods created or deleted at one look.
const BURST: usize = 500;

/// How far the controller is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How much later than they happen it learns of changes of pods.
    pub pod_lag: Duration,
    /// Whether its own creations and deletions are in its cache at once, and in the status that it writes after them.
    pub sees_own_writes: bool,
}

impl Options {
    /// As kube-controller-manager.
    #[must_use]
    pub fn kubernetes() -> Self {
        Self {
            pod_lag: Duration::from_millis(20),
            sees_own_writes: false,
        }
    }

    /// Never behind, which no cluster is: for tests of something else that count its steps.
    #[must_use]
    pub fn in_step() -> Self {
        Self {
            pod_lag: Duration::ZERO,
            sees_own_writes: true,
        }
    }
}

impl Default for Options {
    /// As kube-controller-manager: whoever works here works there (decision 45).
    fn default() -> Self {
        Self::kubernetes()
    }
}

/// Runs the controller with the default options until `shutdown`.
///
/// # Errors
/// [`Error::WatchEnded`] if a watch ends.
pub async fn run(client: Client, shutdown: CancellationToken) -> Result<(), Error> {
    run_with(client, Options::default(), shutdown).await
}

/// Runs the controller until `shutdown`. Refused requests are shown as a `ReplicaFailure` condition and tried again.
///
/// # Errors
/// [`Error::WatchEnded`] if a watch ends.
pub async fn run_with(client: Client, options: Options, shutdown: CancellationToken) -> Result<(), Error> {
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        ended = serve(client, options) => ended,
    }
}

/// What the controller works with.
struct Controller {
    client: Client,
    options: Options,
    clock: Clock,
    state: State,
}

/// One loop does everything in turn, so that nothing is decided on while an answer is outstanding.
async fn serve(client: Client, options: Options) -> Result<(), Error> {
    let sets = Api::<ReplicaSet>::all_with(client.clone(), &api_resource());
    let mut sets = watch(sets, watcher::Config::default()).default_backoff().boxed();
    let pods = Api::<Pod>::all(client.clone());
    let mut pods = watch(pods, watcher::Config::default()).default_backoff().boxed();
    let mut controller = Controller {
        client,
        options,
        clock: Clock::new(),
        state: State::new(options.pod_lag),
    };
    loop {
        let (lagging, due) = (controller.state.lagging(), controller.state.due());
        tokio::select! {
            biased; // what is known comes before what is to be done about it
            event = sets.next() => match event {
                Some(Ok(event)) => on_set(&mut controller.state, event),
                Some(Err(error)) => tracing::debug!(%error, "the watch on replica sets restarts"),
                None => return Err(Error::WatchEnded("replica sets")),
            },
            event = pods.next() => match event {
                Some(Ok(event)) => controller.state.receive(event),
                Some(Err(error)) => tracing::debug!(%error, "the watch on pods restarts"),
                None => return Err(Error::WatchEnded("pods")),
            },
            () = lagging => controller.state.believe(),
            () = due => {
                for key in controller.state.take_due() {
                    controller.reconcile(&key).await;
                }
            }
        }
    }
}

fn on_set(state: &mut State, event: Event<ReplicaSet>) {
    match event {
        Event::Init => state.begin_sets(),
        Event::InitApply(set) | Event::Apply(set) => state.put_set(set),
        Event::InitDone => state.end_sets(),
        Event::Delete(set) => state.remove_set(&set),
    }
}

impl Controller {
    async fn reconcile(&mut self, key: &Key) {
        let Some(set) = self.state.set(key) else { return };
        let seen = claim::pods(&self.client, &self.state, &set).await;
        let mut refusal = None;
        if set.metadata.deletion_timestamp.is_none() && self.state.expected.are_met(key) {
            let active: Vec<Pod> = seen.iter().filter(|it| judge::is_active(it)).cloned().collect();
            let wanted = usize::try_from(set.spec.replicas.unwrap_or(1)).unwrap_or(0);
            if let Some(missing) = wanted.checked_sub(active.len()).filter(|it| *it > 0) {
                refusal = self.create(key, &set, missing.min(BURST)).await;
            } else if active.len() > wanted {
                let related = self.state.related_pods(&set);
                let mut surplus = order::surplus(active, &related, wanted, self.clock.now());
                surplus.truncate(BURST);
                refusal = self.delete(key, &set, &surplus).await;
            }
        }
        let reported = if self.options.sees_own_writes {
            self.state.pods_of(&set)
        } else {
            seen
        };
        let verdict = judge::status(&set, &reported, refusal.as_deref(), self.clock.now());
        if let Some(at) = verdict.again {
            self.state.look_at(key, self.clock.instant(at));
        }
        if refusal.is_some() {
            self.state.look_in(key, RETRY_AFTER);
        }
        if let Some(status) = verdict.status {
            self.report(key, &set, status).await;
        }
    }

    /// Creates pods, first one, then twice as many each time, until one is refused; the first refusal's message, if any.
    async fn create(&mut self, key: &Key, set: &ReplicaSet, missing: usize) -> Option<String> {
        self.state.expected.expect_creations(key, missing);
        let (mut left, mut batch, mut refusal) = (missing, 1, None);
        while left > 0 && refusal.is_none() {
            let size = left.min(batch);
            refusal = self.create_batch(key, set, size).await;
            left -= size;
            batch *= 2;
        }
        self.state.expected.created(key, left);
        refusal
    }

    async fn create_batch(&mut self, key: &Key, set: &ReplicaSet, size: usize) -> Option<String> {
        let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
        let api = ApiResource::erase::<Pod>(&());
        let pods = Api::<DynamicObject>::namespaced_with(self.client.clone(), namespace, &api);
        let answers = stream::iter((0..size).map(|_| {
            let (pods, pod) = (pods.clone(), new_pod(set));
            async move {
                pods.create(&PostParams::default(), &pod?)
                    .await?
                    .try_parse::<Pod>()
                    .map_err(resource::unreadable)
            }
        }));
        let mut answers = answers.buffer_unordered(PARALLEL);
        let mut refusal = None;
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(pod) => {
                    let text = format!("Created pod: {}", pod.metadata.name.as_deref().unwrap_or_default());
                    if self.options.sees_own_writes {
                        self.state.put_pod(pod);
                    }
                    self.told(set, "SuccessfulCreate", &text).await;
                }
                Err(error) => {
                    self.state.expected.created(key, 1);
                    refusal.get_or_insert(resource::message(&error));
                }
            }
        }
        refusal
    }

    async fn told(&self, set: &ReplicaSet, reason: &str, text: &str) {
        let about = About {
            kind: "ReplicaSet",
            metadata: &set.metadata,
        };
        events::emit(&self.client, self.clock, "replicaset-controller", about, reason, text).await;
    }

    async fn delete(&mut self, key: &Key, set: &ReplicaSet, surplus: &[Pod]) -> Option<String> {
        let uid = |pod: &Pod| pod.metadata.uid.clone().unwrap_or_default();
        self.state.expected.expect_deletions(key, surplus.iter().map(uid));
        let mut refusal = None;
        for pod in surplus {
            let (namespace, name) = (
                pod.metadata.namespace.clone().unwrap_or_default(),
                pod.metadata.name.clone().unwrap_or_default(),
            );
            let pods = Api::<Pod>::namespaced(self.client.clone(), &namespace);
            match pods.delete(&name, &DeleteParams::default()).await {
                Ok(_) => {
                    if self.options.sees_own_writes {
                        self.state.mark_deleted(pod);
                    }
                    self.told(set, "SuccessfulDelete", &format!("Deleted pod: {name}"))
                        .await;
                }
                Err(error) => {
                    self.state.expected.deleted(key, &uid(pod));
                    if !matches!(&error, kube::Error::Api(status) if status.code == 404) {
                        refusal.get_or_insert(resource::message(&error));
                    }
                }
            }
        }
        refusal
    }

    /// Writes the status; where the set has changed since, once more over the newer one, as it was computed.
    async fn report(&mut self, key: &Key, set: &ReplicaSet, status: Value) {
        let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
        let sets = Api::<ReplicaSet>::namespaced_with(self.client.clone(), namespace, &api_resource());
        let name = set.metadata.name.as_deref().unwrap_or_default();
        let write = async |set: &ReplicaSet| {
            let meta = json!({"uid": set.metadata.uid, "resourceVersion": set.metadata.resource_version});
            let patch = Patch::Merge(json!({"metadata": meta, "status": status}));
            sets.patch_status(name, &PatchParams::default(), &patch).await
        };
        let mut answer = write(set).await;
        if matches!(&answer, Err(kube::Error::Api(refused)) if refused.code == 409) {
            answer = match sets.get(name).await {
                Ok(fresh) => write(&fresh).await,
                Err(error) => Err(error),
            };
        }
        match answer {
            Ok(fresh) => self.state.put_own(fresh),
            Err(kube::Error::Api(status)) if status.code == 404 => {} // the watch will say that it has gone
            Err(kube::Error::Api(status)) if status.code == 409 => self.state.look_in(key, Duration::from_millis(50)),
            Err(error) => {
                tracing::warn!(replica_set = name, %error, "its status was not written");
                self.state.look_in(key, RETRY_AFTER);
            }
        }
    }
}
