//! A ReplicaSet controller for the sandbox; a real control plane brings its own.
//!
//! Keeps as many pods as `spec.replicas` says, deletes the least useful first, and reports counts and conditions. Pods are made
//! from the template exactly as written: fields this program does not know are passed on.
//!
//! Left out, since nothing here needs them: adoption of pods without an owner, and the slow start of large batches.

mod judge;
mod resource;
mod state;

use super::events::{self, About};
use super::{Clock, Error};
use futures::{StreamExt, stream};
use judge::Verdict;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client};
use resource::{ReplicaSet, api_resource, new_pod};
use state::{Key, State};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Requests under way at once for one ReplicaSet.
const PARALLEL: usize = 16;
/// After a request that was refused.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Runs the controller until `shutdown`. Refused requests are shown as a `ReplicaFailure` condition and tried again.
///
/// # Errors
/// [`Error::WatchEnded`] if a watch ends.
pub async fn run(client: Client, shutdown: CancellationToken) -> Result<(), Error> {
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        ended = serve(client, Clock::new()) => ended,
    }
}

/// One loop does everything in turn, so that nothing is decided on while an answer is outstanding.
async fn serve(client: Client, clock: Clock) -> Result<(), Error> {
    let sets = Api::<ReplicaSet>::all_with(client.clone(), &api_resource());
    let mut sets = watch(sets, watcher::Config::default()).default_backoff().boxed();
    let pods = Api::<Pod>::all(client.clone());
    let mut pods = watch(pods, watcher::Config::default()).default_backoff().boxed();
    let mut state = State::default();
    loop {
        let due = state.due();
        tokio::select! {
            biased; // what is known comes before what is to be done about it
            event = sets.next() => match event {
                Some(Ok(event)) => on_set(&mut state, event),
                Some(Err(error)) => tracing::debug!(%error, "the watch on replica sets restarts"),
                None => return Err(Error::WatchEnded("replica sets")),
            },
            event = pods.next() => match event {
                Some(Ok(event)) => on_pod(&mut state, event),
                Some(Err(error)) => tracing::debug!(%error, "the watch on pods restarts"),
                None => return Err(Error::WatchEnded("pods")),
            },
            () = due => {
                for key in state.take_due() {
                    reconcile(&client, &mut state, &key, clock).await;
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

fn on_pod(state: &mut State, event: Event<Pod>) {
    match event {
        Event::Init => state.begin_pods(),
        Event::InitApply(pod) | Event::Apply(pod) => state.put_pod(pod),
        Event::InitDone => state.end_pods(),
        Event::Delete(pod) => state.remove_pod(&pod),
    }
}

async fn reconcile(client: &Client, state: &mut State, key: &Key, clock: Clock) {
    let Some(set) = state.set(key) else { return };
    let mut refusal = None;
    if set.metadata.deletion_timestamp.is_none() {
        let active = judge::active(&state.pods_of(&set));
        let wanted = usize::try_from(set.spec.replicas.unwrap_or(1)).unwrap_or(0);
        if let Some(missing) = wanted.checked_sub(active.len()).filter(|it| *it > 0) {
            refusal = create(client, state, &set, missing, clock).await;
        } else if active.len() > wanted {
            let surplus = judge::surplus(active, wanted);
            refusal = delete(client, state, &set, &surplus, clock).await;
        }
    }
    let verdict = judge::status(&set, &state.pods_of(&set), refusal.as_deref(), clock.now());
    if let Some(at) = verdict.again {
        state.look_at(key, clock.instant(at));
    }
    if refusal.is_some() {
        state.look_in(key, RETRY_AFTER);
    }
    report(client, state, key, &set, verdict).await;
}

/// Creates pods; the first refusal's message, if any.
async fn create(client: &Client, state: &mut State, set: &ReplicaSet, missing: usize, clock: Clock) -> Option<String> {
    let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
    let pods = Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &ApiResource::erase::<Pod>(&()));
    let answers = stream::iter((0..missing).map(|_| {
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
            // Seen at once: the watch would tell only after the next decision.
            Ok(pod) => {
                let text = format!("Created pod: {}", pod.metadata.name.as_deref().unwrap_or_default());
                state.put_pod(pod);
                told(client, clock, set, "SuccessfulCreate", &text).await;
            }
            Err(error) => {
                refusal.get_or_insert(resource::message(&error));
            }
        }
    }
    refusal
}

async fn told(client: &Client, clock: Clock, set: &ReplicaSet, reason: &str, text: &str) {
    let about = About {
        kind: "ReplicaSet",
        metadata: &set.metadata,
    };
    events::emit(client, clock, "replicaset-controller", about, reason, text).await;
}

async fn delete(client: &Client, state: &mut State, set: &ReplicaSet, surplus: &[Pod], clock: Clock) -> Option<String> {
    let mut refusal = None;
    for pod in surplus {
        let (namespace, name) = (
            pod.metadata.namespace.clone().unwrap_or_default(),
            pod.metadata.name.clone().unwrap_or_default(),
        );
        let same = Preconditions {
            uid: pod.metadata.uid.clone(),
            resource_version: None,
        };
        let params = DeleteParams {
            preconditions: Some(same),
            ..DeleteParams::default()
        };
        match Api::<Pod>::namespaced(client.clone(), &namespace)
            .delete(&name, &params)
            .await
        {
            Ok(_) => {
                state.mark_deleted(pod);
                told(client, clock, set, "SuccessfulDelete", &format!("Deleted pod: {name}")).await;
            }
            Err(kube::Error::Api(status)) if status.code == 404 => state.mark_deleted(pod),
            Err(error) => {
                refusal.get_or_insert(resource::message(&error));
            }
        }
    }
    refusal
}

/// Writes the status where it changes.
async fn report(client: &Client, state: &mut State, key: &Key, set: &ReplicaSet, verdict: Verdict) {
    let Some(patch) = verdict.patch else { return };
    let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
    let sets = Api::<ReplicaSet>::namespaced_with(client.clone(), namespace, &api_resource());
    let name = set.metadata.name.as_deref().unwrap_or_default();
    match sets
        .patch_status(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
    {
        Ok(fresh) => state.put_own(fresh),
        Err(kube::Error::Api(status)) if status.code == 404 => {} // the watch will say that it has gone
        Err(kube::Error::Api(status)) if status.code == 409 => state.look_in(key, Duration::from_millis(50)),
        Err(error) => {
            tracing::warn!(replica_set = name, %error, "its status was not written");
            state.look_in(key, RETRY_AFTER);
        }
    }
}
