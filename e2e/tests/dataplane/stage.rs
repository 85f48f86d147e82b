//! A world with requests under way.

use crate::journal::Journal;
use crate::load::{Load, Tally};
use crate::routes;
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Service;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use serin_core::wire;
use serin_e2e::World;
use serin_e2e::harness::say;
use std::fmt::Write;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Traefik follows within this time: it takes in changes every two seconds.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(5);
/// How long a share is counted.
const COUNTED_FOR: Duration = Duration::from_secs(6);
/// How many points a share may differ from the weight.
const TOLERANCE: f64 = 2.0;
/// Traefik may need this long to know the first route.
const SERVED_WITHIN: Duration = Duration::from_secs(60);

/// Where a scenario takes place.
pub(crate) struct Stage {
    pub(crate) world: World,
    journal: Journal,
    load: Option<Load>,
    quota: u64,
    seconds: u64,
    zero: Instant,
    watching: Option<JoinHandle<()>>,
}

impl Stage {
    /// No requests are sent yet.
    pub(crate) fn new(world: World, journal: Journal, quota: u64, seconds: u64) -> Self {
        Self {
            world,
            journal,
            load: None,
            quota,
            seconds,
            zero: Instant::now(),
            watching: None,
        }
    }

    /// Applies Services, routes and the rollout, waits until they are served, and sends requests from then on.
    pub(crate) async fn begin(&mut self, route: routes::Route, strategy: &str) -> Result<()> {
        let objects = routes::objects(route, &self.host());
        self.world.create_all(&objects).await?;
        let rollout = routes::rollout(strategy);
        self.world.given().rollout(&rollout).healthy().ready_pods(1, 4).await?;
        let until = Instant::now() + SERVED_WITHIN;
        loop {
            let from = Instant::now();
            let trial = Load::start(&self.host(), 20, 1);
            let answers = trial.finish(false).await?;
            match answers.into_iter().find_map(|it| it.who.err()) {
                None => break,
                Some(error) => ensure!(from < until, "not served within {SERVED_WITHIN:?}: {error}"),
            }
        }
        self.watching = Some(tokio::spawn(watch(
            self.world.client(),
            self.world.namespace().to_owned(),
            route,
            self.journal.clone(),
        )));
        self.zero = Instant::now();
        self.load = Some(Load::start(&self.host(), self.quota, self.seconds));
        Ok(())
    }

    fn host(&self) -> String {
        format!("{}.test", self.world.namespace())
    }

    /// A revision has this share of the requests once Traefik has followed.
    pub(crate) async fn share(&mut self, revision: i64, percent: f64) -> Result<()> {
        tokio::time::sleep(FOLLOWS_WITHIN).await;
        let from = Instant::now();
        tokio::time::sleep(COUNTED_FOR).await;
        let view = self.world.view().await?;
        let hash = view.hash(revision).with_context(|| format!("no revision {revision}"))?;
        let answers = self.load.as_ref().context("no requests are under way")?.since(from);
        let of_it = answers.iter().filter(|it| it.who.as_deref() == Ok(hash)).count();
        let share = 100.0 * float(of_it) / float(answers.len().max(1));
        say(&format!(
            "    {}: of {} requests {share:.1} % to revision {revision}, weight {percent}\n",
            self.world.namespace(),
            answers.len()
        ))?;
        ensure!(
            (share - percent).abs() <= TOLERANCE,
            "revision {revision} has {share:.1} % of {} requests, its weight is {percent}",
            answers.len()
        );
        Ok(())
    }

    /// Whether all requests have been sent that are wanted.
    pub(crate) fn is_done(&self) -> bool {
        self.load.as_ref().is_none_or(Load::is_done)
    }

    /// Notes what somebody does.
    pub(crate) fn note(&self, text: String) {
        self.journal.note(self.world.namespace(), text);
    }

    /// How many requests were lost from a time on.
    pub(crate) fn lost_since(&self, from: Instant) -> usize {
        let answers = self.load.as_ref().map(|it| it.since(from)).unwrap_or_default();
        answers.iter().filter(|it| it.who.is_err()).count()
    }

    /// Ends the requests and the world. An error if any was lost and none may be, or the other way round.
    pub(crate) async fn stop(self, loses: bool) -> Result<Tally> {
        let answers = match self.load {
            Some(load) => load.finish(loses).await?,
            None => Vec::new(),
        };
        if let Some(watching) = self.watching {
            watching.abort();
        }
        let namespace = self.world.namespace().to_owned();
        self.world.stop().await?;
        let lost: Vec<_> = answers
            .iter()
            .filter_map(|it| Some((it.at, it.who.as_ref().err()?)))
            .collect();
        let tally = Tally {
            sent: u64::try_from(answers.len())?,
            lost: u64::try_from(lost.len())?,
        };
        if loses {
            ensure!(
                tally.lost > 0,
                "no request was lost of {}: the test proves nothing",
                tally.sent
            );
            return Ok(tally);
        }
        if let (Some((first, _)), Some((last, _))) = (lost.first(), lost.last()) {
            let mut text = format!("{tally}");
            for (at, why) in lost.iter().take(20) {
                write!(
                    text,
                    "\n  {:8.3} lost: {why}",
                    at.duration_since(self.zero).as_secs_f64()
                )?;
            }
            text += &self.journal.around(&namespace, self.zero, *first, *last);
            anyhow::bail!("{text}");
        }
        Ok(tally)
    }
}

fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// Notes changes of the weights and of the Services until it is aborted.
async fn watch(client: Client, namespace: String, route: routes::Route, journal: Journal) {
    let services: Api<Service> = Api::namespaced(client.clone(), &namespace);
    let mut before = String::new();
    loop {
        let mut now = routes::weights(&client, &namespace, route).await;
        for service in services.list(&ListParams::default()).await.into_iter().flatten() {
            let selector = service.spec.as_ref().and_then(|it| it.selector.as_ref());
            let hash = selector.and_then(|it| it.get(wire::HASH_LABEL));
            now += &format!(" {}→{}", service.name_any(), hash.map_or("?", String::as_str));
        }
        if now != before {
            journal.note(&namespace, now.clone());
            before = now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
