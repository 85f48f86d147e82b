//! Events: one core/v1 object per emission, in order per rollout, on a connection and budget of their own (decision 3).

use crate::clock::Clock;
use crate::cluster::CALL_TIMEOUT;
use crate::cluster::budget::Budget;
use crate::cluster::refusal::Failure;
use crate::store::{Key, Owner};
use crate::sync::lock;
use crate::telemetry::Telemetry;
use crate::telemetry::series::Request;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event as CoreEvent, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::PostParams;
use kube::{Api, Client};
use serin_core::api::{API_VERSION, ObjectMeta};
use serin_core::observed::{Attempt, Kind, Refusal, Verb};
use serin_core::plan::News;
use serin_core::wire;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Senders in parallel; a rollout always has the same one, which keeps its events in order.
const LANES: usize = 8;
/// Events that may wait per lane; more are dropped, counted and logged.
const LANE_LENGTH: usize = 1024;
/// Tries per event.
const TRIES: u32 = 6;

struct Waiting {
    key: Key,
    event: CoreEvent,
}

/// Takes events, and does not block.
pub(crate) struct Recorder {
    lanes: Mutex<Vec<mpsc::Sender<Waiting>>>,
    telemetry: Arc<Telemetry>,
    clock: Clock,
    last_stamp: Mutex<i128>,
}

impl Recorder {
    /// Starts the senders; they end when [`Self::close`] was called and everything is sent.
    pub(crate) fn start(
        client: &Client,
        budget: Budget,
        telemetry: Arc<Telemetry>,
        clock: Clock,
    ) -> (Self, JoinSet<()>) {
        let (mut lanes, mut senders) = (Vec::new(), JoinSet::new());
        let budget = Arc::new(budget);
        for _ in 0..LANES {
            let (lane, waiting) = mpsc::channel(LANE_LENGTH);
            lanes.push(lane);
            senders.spawn(send_all(
                client.clone(),
                waiting,
                Arc::clone(&budget),
                Arc::clone(&telemetry),
            ));
        }
        let recorder = Self {
            lanes: Mutex::new(lanes),
            telemetry,
            clock,
            last_stamp: Mutex::default(),
        };
        (recorder, senders)
    }

    /// Sends an event about an object.
    pub(crate) fn record(&self, owner: &Owner, news: &News) {
        let key = &owner.key;
        let (kind, reason, message) = (news.kind().as_str(), news.reason(), news.to_string());
        let of = owner.kind;
        if of == Kind::Rollout {
            tracing::info!(namespace = %key.namespace, rollout = %key.name, event_reason = reason, "{message}");
            self.telemetry.event(key, kind, reason);
        } else {
            tracing::info!(namespace = %key.namespace, kind = of.as_str(), name = %key.name, event_reason = reason, "{message}");
        }
        let now = (self.clock)();
        let event = event(&self.name(key, now), owner, now, kind, reason, &message);
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let lanes = lock(&self.lanes);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default();
        let taken = lanes.get(lane).is_some_and(|lane| {
            lane.try_send(Waiting {
                key: key.clone(),
                event,
            })
            .is_ok()
        });
        drop(lanes);
        if !taken {
            dropped(&self.telemetry, key, reason, "too many events wait");
        }
    }

    /// `<rollout>.<nanoseconds, hexadecimal>`: unique, and sorted in the order of the events.
    fn name(&self, key: &Key, now: Timestamp) -> String {
        let mut last = lock(&self.last_stamp);
        *last = now.as_nanosecond().max(*last + 1);
        format!("{}.{:016x}", key.name, *last)
    }

    /// No more events are taken.
    pub(crate) fn close(&self) {
        lock(&self.lanes).clear();
    }
}

fn event(name: &str, owner: &Owner, now: Timestamp, kind: &str, reason: &str, message: &str) -> CoreEvent {
    CoreEvent {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(owner.key.namespace.to_string()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some(API_VERSION.to_owned()),
            kind: Some(owner.kind.as_str().to_owned()),
            name: Some(owner.key.name.to_string()),
            namespace: Some(owner.key.namespace.to_string()),
            uid: Some(owner.uid.clone()),
            resource_version: Some(owner.version.clone()),
            field_path: None,
        },
        type_: Some(kind.to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        source: Some(EventSource {
            component: Some(wire::FIELD_MANAGER.to_owned()),
            host: None,
        }),
        reporting_component: Some(wire::FIELD_MANAGER.to_owned()),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        count: Some(1),
        ..CoreEvent::default()
    }
}

async fn send_all(
    client: Client,
    mut waiting: mpsc::Receiver<Waiting>,
    budget: Arc<Budget>,
    telemetry: Arc<Telemetry>,
) {
    while let Some(Waiting { key, event }) = waiting.recv().await {
        let api: Api<CoreEvent> = Api::namespaced(client.clone(), &key.namespace);
        if let Err(failure) = send(&api, &key, &event, &budget, &telemetry).await {
            dropped(
                &telemetry,
                &key,
                event.reason.as_deref().unwrap_or_default(),
                &failure.message,
            );
        }
    }
}

async fn send(
    api: &Api<CoreEvent>,
    key: &Key,
    event: &CoreEvent,
    budget: &Budget,
    telemetry: &Telemetry,
) -> Result<(), Failure> {
    let params = PostParams {
        field_manager: Some(wire::FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let name = event.metadata.name.as_deref().unwrap_or_default();
    let attempt = || Attempt::new(Verb::Create, Kind::Event, name);
    let mut tries = 0;
    loop {
        budget.take().await;
        let (failure, status) = match tokio::time::timeout(CALL_TIMEOUT, api.create(&params, event)).await {
            Ok(Ok(_)) => (None, 201),
            Ok(Err(error)) => {
                let status = if let kube::Error::Api(status) = &error {
                    status.code
                } else {
                    0
                };
                (Some(Failure::from_client(attempt(), &error)), status)
            }
            Err(_) => (Some(Failure::timed_out(attempt(), CALL_TIMEOUT)), 0),
        };
        telemetry.request(&Request {
            kind: "events",
            namespace: &key.namespace,
            name: "N/A",
            verb: "Create",
            status,
        });
        let Some(failure) = failure else { return Ok(()) };
        tries += 1;
        match failure.why {
            Refusal::AlreadyExists => return Ok(()), // An earlier try landed although its answer was lost.
            Refusal::TooManyRequests | Refusal::ServerError | Refusal::Timeout if tries < TRIES => {
                let wait = Duration::from_millis(100) * (1 << tries);
                tokio::time::sleep(wait.max(failure.retry_after)).await;
            }
            Refusal::Forbidden
            | Refusal::Conflict
            | Refusal::NotFound
            | Refusal::Invalid
            | Refusal::TooManyRequests
            | Refusal::ServerError
            | Refusal::Timeout => return Err(failure),
        }
    }
}

fn dropped(telemetry: &Telemetry, key: &Key, reason: &str, why: &str) {
    telemetry.events_dropped.inc();
    tracing::warn!(namespace = %key.namespace, rollout = %key.name, event_reason = reason, why, "dropped an event");
}
