//! Who leads: one Lease, one holder (contract 09 §2, decision 13).
//!
//! A standby tries at every retry period, at the moment the lease expires, and when the watch shows that it changed
//! hands or was given back. The holder renews at every retry period; what it may write is bounded by its own monotonic
//! clock, from before the last renewal that went through was sent, so that it stops before anybody else can begin.

pub(crate) mod place;
mod record;

pub use place::Election;

use crate::clock::Clock;
use crate::cluster::refusal::Failure;
use crate::error::Error;
use crate::sync::lock;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client};
use record::Record;
use serin_core::observed::{Attempt, Kind, Refusal, Verb};
use serin_core::wire;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Whether this process leads, for everyone who asks.
#[derive(Debug, Default)]
pub(crate) struct Leadership(Mutex<Option<Instant>>);

impl Leadership {
    /// True until the renew deadline after the last renewal, by the local monotonic clock.
    pub(crate) fn may_write(&self) -> bool {
        lock(&self.0).is_some_and(|until| Instant::now() < until)
    }

    fn until(&self) -> Option<Instant> {
        *lock(&self.0)
    }

    fn set(&self, until: Option<Instant>) {
        *lock(&self.0) = until;
    }
}

/// How long things take (contract 09 §1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Periods {
    /// `--leader-election-lease-duration`
    pub(crate) lasts: Duration,
    /// `--leader-election-renew-deadline`
    pub(crate) deadline: Duration,
    /// `--leader-election-retry-period`
    pub(crate) retry: Duration,
}

impl Periods {
    /// A holder must stop before another may begin, and must have time to try twice.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.lasts <= self.deadline {
            return Err(Error::Periods("the lease duration must exceed the renew deadline"));
        }
        if self.retry.is_zero() || self.deadline <= self.retry.mul_f64(1.2) {
            return Err(Error::Periods(
                "the renew deadline must exceed 1.2 retry periods, and those zero",
            ));
        }
        Ok(())
    }
}

/// One candidate.
pub(crate) struct Elector {
    api: Api<Lease>,
    election: Election,
    name: String,
    periods: Periods,
    clock: Clock,
    leadership: Arc<Leadership>,
    record: Record,
    /// The last failure that was logged: each is logged once.
    told: Option<(Refusal, String)>,
}

/// What a try led to.
enum Tried {
    /// We hold the lease, from before the request was sent.
    Leads(Instant),
    /// Another does.
    Taken,
    /// Nobody knows.
    Failed,
}

impl Elector {
    pub(crate) fn new(client: Client, election: Election, name: String, periods: Periods, clock: Clock) -> Self {
        Self {
            api: Api::namespaced(client, &election.namespace),
            election,
            name,
            periods,
            clock,
            leadership: Arc::default(),
            record: Record::default(),
            told: None,
        }
    }

    /// For everyone who asks.
    pub(crate) fn leadership(&self) -> Arc<Leadership> {
        Arc::clone(&self.leadership)
    }

    /// Stands by, leads, and returns when the lease is lost; gives it back when asked to resign.
    pub(crate) async fn run(mut self, leading: CancellationToken, resign: CancellationToken) -> Lost {
        let lost = resign
            .run_until_cancelled(async {
                self.stand_by().await;
                leading.cancel();
                self.lead().await;
            })
            .await
            .is_some();
        if lost {
            self.leadership.set(None);
            return Lost::Taken;
        }
        self.give_back().await;
        Lost::Resigned
    }

    async fn stand_by(&mut self) {
        let (name, identity) = (self.name.clone(), self.election.identity.clone());
        tracing::info!(lease = name, identity, "standing by for the lease");
        let mut changes = self.changes();
        loop {
            if let Tried::Leads(since) = self.try_once().await {
                self.leadership.set(Some(since + self.periods.deadline));
                tracing::info!(lease = name, identity, "leading");
                return;
            }
            let next = Instant::now() + self.periods.retry;
            let expires = self
                .record
                .free_at(self.periods.lasts)
                .filter(|at| *at > Instant::now());
            let next = expires.map_or(next, |at| at.min(next));
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(next) => break,
                    Some(lease) = changes.next() => {
                        self.record.see(lease, Instant::now());
                        if self.record.holder().is_empty() {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Returns when the deadline passed without a renewal, or another holds the lease.
    async fn lead(&mut self) {
        loop {
            let Some(until) = self.leadership.until() else { return };
            tokio::time::sleep_until(until.min(Instant::now() + self.periods.retry)).await;
            match tokio::time::timeout_at(until, self.try_once()).await {
                Ok(Tried::Leads(since)) => self.leadership.set(Some(since + self.periods.deadline)),
                Ok(Tried::Taken) => {
                    self.leadership.set(None);
                    tracing::error!(
                        lease = self.name,
                        holder = self.record.holder(),
                        "another process took the lease"
                    );
                    return;
                }
                Ok(Tried::Failed) => {}
                Err(_) => {
                    tracing::error!(lease = self.name, "cannot renew the lease in time");
                    return;
                }
            }
        }
    }

    /// Takes or renews the lease if it is ours or free.
    async fn try_once(&mut self) -> Tried {
        // A renewal replaces what it wrote last; everything else reads first.
        let fresh = self.record.holder() == self.election.identity && self.leadership.may_write();
        if !fresh && let Err(failure) = self.read().await {
            return self.failed(&failure);
        }
        let now = Instant::now();
        if self.is_held_by_another() {
            self.told = None;
            return Tried::Taken;
        }
        let identity = &self.election.identity;
        let claim = self
            .record
            .claim(&self.name, identity, self.periods.lasts, (self.clock)());
        match self.write(&claim).await {
            Ok(lease) => {
                self.record.see(lease, Instant::now());
                self.told = None;
                Tried::Leads(now)
            }
            Err(failure)
                if matches!(
                    failure.why,
                    Refusal::Conflict | Refusal::AlreadyExists | Refusal::NotFound
                ) =>
            {
                // Somebody wrote in between. The next read shows who; if we led, we read at once.
                if fresh { self.read_again().await } else { Tried::Taken }
            }
            Err(failure) => self.failed(&failure),
        }
    }

    /// After a conflict while leading: still ours (an earlier renewal landed unseen), deleted (then it is made again,
    /// before anybody else may), or not ours any more.
    async fn read_again(&mut self) -> Tried {
        match self.read().await {
            Ok(()) if self.record.lease().is_none() => Tried::Failed,
            Ok(()) if self.record.holder() == self.election.identity => Tried::Failed,
            Ok(()) => Tried::Taken,
            Err(failure) => self.failed(&failure),
        }
    }

    fn failed(&mut self, failure: &Failure) -> Tried {
        let this = (failure.why, failure.message.clone());
        if self.told.as_ref() != Some(&this) {
            let (lease, namespace) = (&self.name, &self.election.namespace);
            tracing::warn!(lease, namespace, "{failure}; trying again");
            self.told = Some(this);
        }
        Tried::Failed
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let attempt = || Attempt::new(Verb::Get, Kind::Lease, &self.name);
        match self.in_time(attempt, self.api.get_opt(&self.name)).await? {
            Some(lease) => self.record.see(lease, Instant::now()),
            // Deleted by hand: its holder has not heard of it yet, and may write for as long as it lasts.
            None if self.is_held_by_another() => {}
            None => self.record.forget(),
        }
        Ok(())
    }

    fn is_held_by_another(&self) -> bool {
        let free_at = self.record.free_at(self.periods.lasts);
        self.record.holder() != self.election.identity && free_at.is_some_and(|at| at > Instant::now())
    }

    async fn write(&self, claim: &Lease) -> Result<Lease, Failure> {
        let params = PostParams {
            field_manager: Some(wire::FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let attempt = || Attempt::new(Verb::Update, Kind::Lease, &self.name);
        if claim.metadata.resource_version.is_none() {
            self.in_time(attempt, self.api.create(&params, claim)).await
        } else {
            self.in_time(attempt, self.api.replace(&self.name, &params, claim))
                .await
        }
    }

    /// Half of the deadline, so that one connection that hangs does not cost the lease.
    async fn in_time<T>(
        &self,
        attempt: impl Fn() -> Attempt,
        sent: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Failure> {
        let limit = self.periods.deadline / 2;
        match tokio::time::timeout(limit, sent).await {
            Ok(answer) => answer.map_err(|error| Failure::from_client(attempt(), &error)),
            Err(_) => Err(Failure::timed_out(attempt(), limit)),
        }
    }

    /// Called when nothing is written any more.
    async fn give_back(&mut self) {
        self.leadership.set(None);
        for _ in 0..2 {
            if self.record.holder() != self.election.identity {
                return;
            }
            let Some(released) = self.record.release((self.clock)()) else {
                return;
            };
            match self.write(&released).await {
                Ok(_) => {
                    tracing::info!(lease = self.name, "gave the lease back");
                    return;
                }
                // A renewal was under way.
                Err(failure) if failure.why == Refusal::Conflict => {
                    if let Err(failure) = self.read().await {
                        self.failed(&failure);
                    }
                }
                Err(failure) => {
                    tracing::warn!(lease = self.name, "{failure}; the lease expires by itself");
                    return;
                }
            }
        }
    }

    /// What the watch shows, so that nobody waits for a lease that was given back; without the permission to watch,
    /// the retry period has to do.
    fn changes(&self) -> BoxStream<'static, Lease> {
        let only = watcher::Config::default().fields(&format!("metadata.name={}", self.name));
        let events = watch(self.api.clone(), only).default_backoff();
        leases(events).boxed()
    }
}

fn leases(events: impl Stream<Item = watcher::Result<Event<Lease>>> + Send) -> impl Stream<Item = Lease> + Send {
    events.filter_map(|event| async {
        match event {
            Ok(Event::Apply(lease) | Event::InitApply(lease)) => Some(lease),
            Ok(Event::Init | Event::InitDone | Event::Delete(_)) => None,
            Err(error) => {
                tracing::debug!(%error, "the watch of the lease broke");
                None
            }
        }
    })
}

/// Why a candidate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It was asked to.
    Resigned,
    /// The lease was not renewed in time, or another has it.
    Taken,
}
