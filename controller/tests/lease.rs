//! Leader election: two candidates on one in-memory API server, in virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use serin_controller::{Controller, Election, Error, Options};
use serin_core::Observed;
use serin_core::plan::{Plan, StatusWrite, Urgency, Wake, WakeReason};
use serin_sandbox::ApiServer;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{create, get, rollout, rollouts, server};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const LOCK: &str = "argo-rollouts-controller-lock";

/// When which candidate wrote to a rollout (the lease and events aside).
type Writes = Arc<Mutex<Vec<(Instant, &'static str)>>>;

struct Candidate {
    /// While true, no request of this candidate gets through or is answered.
    paused: watch::Sender<bool>,
    healthz: SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), Error>>,
}

impl Candidate {
    async fn start(api: &ApiServer, identity: &'static str, writes: &Writes) -> Self {
        let (paused, _) = watch::channel(false);
        let client = client(api, paused.subscribe(), identity, Arc::clone(writes));
        let election = Election {
            namespace: "argo-rollouts".into(),
            identity: identity.into(),
        };
        let options = Options {
            metrics_port: 0,
            healthz_port: 0,
            ..Options::default()
        };
        let controller = Controller::new(client, options).decide(busy).elect(election);
        let bound = controller.bind().await.unwrap();
        let (healthz, shutdown) = (bound.healthz_address().unwrap(), CancellationToken::new());
        let running = tokio::spawn(bound.run(shutdown.clone()));
        Self {
            paused,
            healthz,
            shutdown,
            running,
        }
    }
}

/// A client whose requests can be held up: they are done late, if whoever asked still waits.
fn client(api: &ApiServer, paused: watch::Receiver<bool>, identity: &'static str, writes: Writes) -> Client {
    let api = api.clone();
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let (api, mut paused, writes) = (api.clone(), paused.clone(), Arc::clone(&writes));
        async move {
            paused.wait_for(|paused| !paused).await.unwrap();
            let writes_rollout = request.method() == http::Method::PATCH && request.uri().path().contains("/rollouts/");
            if writes_rollout {
                writes.lock().unwrap().push((Instant::now(), identity));
            }
            Ok::<_, Infallible>(api.handle(request).await)
        }
    });
    Client::new(service, "default")
}

/// Writes the status five times a second, for ever.
fn busy(observed: &Observed, now: Timestamp) -> Plan {
    let patch = json!({"status": {"replicas": observed.rollout.status.replicas + 1}});
    let wake = Wake {
        at: now + Duration::from_millis(200),
        why: WakeReason::PauseOver,
    };
    // The first look after each own write only waits, so that writing takes time.
    let just_written = observed.rollout.status.replicas % 2 == 1;
    let urgency = if just_written { Urgency::Counters } else { Urgency::Now };
    Plan {
        status: Some(StatusWrite {
            patch,
            urgency,
            message_only: false,
        }),
        wake: Some(wake),
        ..Plan::default()
    }
}

fn leases(api: &ApiServer) -> Api<Lease> {
    Api::namespaced(api.client(), "argo-rollouts")
}

async fn holder(api: &ApiServer) -> (String, i32) {
    let spec = leases(api).get(LOCK).await.unwrap().spec.unwrap();
    (spec.holder_identity.unwrap(), spec.lease_transitions.unwrap())
}

/// Waits until somebody else holds the lease; how long that took.
async fn until_held_by(api: &ApiServer, identity: &str) -> Duration {
    let since = Instant::now();
    while holder(api).await.0 != identity {
        assert!(since.elapsed() < Duration::from_secs(60), "{identity} never leads");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    since.elapsed()
}

/// A leads, B stands by, a rollout keeps the leader busy.
async fn two(writes: &Writes) -> (ApiServer, Candidate, Candidate) {
    let api = server().await;
    let a = Candidate::start(&api, "a", writes).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let b = Candidate::start(&api, "b", writes).await;
    create(&api.client(), &rollout("busy", &json!({}))).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(holder(&api).await, ("a".into(), 0));
    (api, a, b)
}

fn last_of(writes: &Writes, identity: &str) -> Instant {
    let writes = writes.lock().unwrap();
    writes.iter().rev().find(|(_, who)| *who == identity).unwrap().0
}

fn first_of(writes: &Writes, identity: &str) -> Option<Instant> {
    let writes = writes.lock().unwrap();
    writes.iter().find(|(_, who)| *who == identity).map(|(at, _)| *at)
}

#[tokio::test(start_paused = true)]
async fn a_standby_is_healthy_and_does_nothing() {
    let writes = Writes::default();
    let (api, a, b) = two(&writes).await;
    assert!(first_of(&writes, "a").is_some());
    assert_eq!(first_of(&writes, "b"), None);
    assert!(get(b.healthz, "/healthz").await.ends_with("ok"));
    rollouts(&api.client())
        .delete("busy", &DeleteParams::default())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let events: Api<k8s_openapi::api::core::v1::Event> = Api::namespaced(api.client(), "default");
    let events = events.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(events.len(), 1, "one RolloutDeleted, from the leader: {events:?}");
    a.shutdown.cancel();
    a.running.await.unwrap().unwrap();
    b.shutdown.cancel();
    b.running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_a_kill_the_standby_takes_over_within_the_lease_time_and_a_second() {
    let writes = Writes::default();
    let (api, a, b) = two(&writes).await;
    a.running.abort();
    let killed = Instant::now();
    let took = until_held_by(&api, "b").await;
    assert!(took <= Duration::from_secs(16), "{took:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let first = first_of(&writes, "b").expect("the new leader goes on");
    assert!(first.duration_since(killed) <= Duration::from_secs(16));
    assert_eq!(holder(&api).await, ("b".into(), 1));
    b.shutdown.cancel();
    b.running.await.unwrap().unwrap();
    assert_eq!(holder(&api).await.0, "");
}

#[tokio::test(start_paused = true)]
async fn a_graceful_stop_gives_the_lease_back_and_the_standby_goes_on_within_a_second() {
    let writes = Writes::default();
    let (api, a, b) = two(&writes).await;
    let asked = Instant::now();
    a.shutdown.cancel();
    a.running.await.unwrap().unwrap();
    let took = until_held_by(&api, "b").await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let first = first_of(&writes, "b").expect("the new leader goes on");
    assert!(first.duration_since(asked) < Duration::from_secs(1));
    assert!(last_of(&writes, "a") < first);
    b.shutdown.cancel();
    b.running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_stops_before_the_next_one_begins() {
    let writes = Writes::default();
    let (api, a, b) = two(&writes).await;
    let cut = Instant::now();
    a.paused.send_replace(true);
    let ended = a.running.await.unwrap();
    assert!(matches!(ended, Err(Error::LeaseLost)), "{ended:?}");
    let stopped = Instant::now();
    assert!(
        stopped.duration_since(cut) <= Duration::from_secs(10),
        "{:?}",
        stopped - cut
    );
    // What it had sent is not done late either.
    a.paused.send_replace(false);
    until_held_by(&api, "b").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let first = first_of(&writes, "b").expect("the new leader goes on");
    assert!(stopped < first && last_of(&writes, "a") <= cut);
    b.shutdown.cancel();
    b.running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_short_silence_of_the_api_server_costs_no_lease() {
    let writes = Writes::default();
    let (api, a, b) = two(&writes).await;
    a.paused.send_replace(true);
    b.paused.send_replace(true);
    tokio::time::sleep(Duration::from_secs(7)).await;
    a.paused.send_replace(false);
    b.paused.send_replace(false);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(holder(&api).await, ("a".into(), 0));
    assert_eq!(first_of(&writes, "b"), None);
    a.shutdown.cancel();
    b.shutdown.cancel();
    a.running.await.unwrap().unwrap();
    b.running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_taken_by_another_ends_the_process() {
    let writes = Writes::default();
    let (api, a, b) = two(&writes).await;
    let taken = json!({"spec": {"holderIdentity": "c", "leaseDurationSeconds": 15}});
    leases(&api)
        .patch(LOCK, &PatchParams::default(), &Patch::Merge(taken))
        .await
        .unwrap();
    let since = Instant::now();
    assert!(matches!(a.running.await.unwrap(), Err(Error::LeaseLost)));
    assert!(since.elapsed() <= Duration::from_secs(3), "{:?}", since.elapsed());
    assert_eq!(holder(&api).await.0, "c");
    b.shutdown.cancel();
    b.running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deleted_lease_is_made_again_by_its_holder() {
    let writes = Writes::default();
    let (api, a, b) = two(&writes).await;
    for _ in 0..3 {
        leases(&api).delete(LOCK, &DeleteParams::default()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(holder(&api).await.0, "a");
    }
    assert_eq!(first_of(&writes, "b"), None);
    // The one who would have made it again is gone: the other waits until it must have stopped.
    a.paused.send_replace(true);
    leases(&api).delete(LOCK, &DeleteParams::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(holder(&api).await.0, "b");
    assert!(last_of(&writes, "a") < first_of(&writes, "b").unwrap());
    assert!(matches!(a.running.await.unwrap(), Err(Error::LeaseLost)));
    b.shutdown.cancel();
    b.running.await.unwrap().unwrap();
}
