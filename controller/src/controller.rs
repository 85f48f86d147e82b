//! The controller: it opens the ports, starts the watches and the workers, and stops them.

use crate::act::failures::Failures;
use crate::act::held::Held;
use crate::act::{Gate, Writer};
use crate::analysis::{Engine, Provider};
use crate::args::Options;
use crate::clock::Clock;
use crate::cluster::budget::{Budget, Budgets};
use crate::cluster::istio::IstioCluster;
use crate::error::Error;
use crate::events::Recorder;
use crate::lease::place::lease_name;
use crate::lease::{Election, Elector, Periods};
use crate::plugin::{RouterCalls, StepCalls};
use crate::queue::reason::Wait;
use crate::queue::{Ended, Queue, Reason, Takes};
use crate::shell::{Decide, Experiments, Shell};
use crate::store::expectations::Expectations;
use crate::store::workloads::{StoredDeployment, StoredPodTemplate, StoredTemplateSet};
use crate::store::{Key, Stores};
use crate::telemetry::dump::Dump;
use crate::telemetry::{Telemetry, health};
use crate::{aws, experiment, reconcile, watch};
use futures::FutureExt;
use jiff::Timestamp;
use kube::Client;
use serin_core::traffic::Settings;
use serin_plugin::Plugins;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long reconciles under way and events may take when the process is to end (contract 09 §2).
const GRACE: Duration = Duration::from_secs(5);

/// A controller that is not running yet.
pub struct Controller {
    client: Client,
    events_client: Option<Client>,
    options: Options,
    clock: Clock,
    decide: Decide,
    election: Option<Election>,
    provider: Option<Arc<dyn Provider>>,
    plugins: Option<Arc<Plugins>>,
    aws: Option<Arc<dyn aws::Calls>>,
    istio: IstioCluster,
    serves: bool,
}

impl Controller {
    /// A controller of the cluster (or the namespace) that the client speaks to.
    #[must_use]
    pub fn new(client: Client, options: Options) -> Self {
        Self {
            client,
            events_client: None,
            options,
            clock: Arc::new(Timestamp::now),
            decide: serin_core::decide,
            election: None,
            provider: None,
            plugins: None,
            aws: None,
            istio: IstioCluster::Own,
            serves: true,
        }
    }

    /// Another clock, for virtual time. Waits follow tokio's clock.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Other decisions, for tests of the shell.
    #[must_use]
    pub fn decide(self, decide: Decide) -> Self {
        Self { decide, ..self }
    }

    /// Measures for AnalysisRuns. Without this they are not served.
    #[must_use]
    pub fn provider(self, provider: Arc<dyn Provider>) -> Self {
        Self {
            provider: Some(provider),
            ..self
        }
    }

    /// Calls the step plugins and the routers among these, and ends all of them when it ends. Without this a Rollout with such
    /// a step is refused by name, and one with such a router waits.
    #[must_use]
    pub fn plugins(self, plugins: Arc<Plugins>) -> Self {
        Self {
            plugins: Some(plugins),
            ..self
        }
    }

    /// Asks AWS by these calls, where target groups are verified. Without this it asks the region that the environment names.
    #[must_use]
    pub fn aws(self, calls: Arc<dyn aws::Calls>) -> Self {
        Self {
            aws: Some(calls),
            ..self
        }
    }

    /// Reads and writes the objects of Istio there. Without this it does so in its own cluster.
    #[must_use]
    pub fn istio(self, istio: IstioCluster) -> Self {
        Self { istio, ..self }
    }

    /// A connection of their own for events, so that they never delay writes.
    #[must_use]
    pub fn events_client(self, client: Client) -> Self {
        Self {
            events_client: Some(client),
            ..self
        }
    }

    /// Stands for election with other processes and writes only while it leads. Without this it leads at once.
    #[must_use]
    pub fn elect(self, election: Election) -> Self {
        Self {
            election: Some(election),
            ..self
        }
    }

    /// Opens no ports: for tests in virtual time and for several controllers in one process.
    #[must_use]
    pub fn without_servers(self) -> Self {
        Self { serves: false, ..self }
    }

    /// Opens the ports, and logs the flags that have no effect yet.
    ///
    /// # Errors
    /// If a port is taken, or flags contradict each other.
    pub async fn bind(mut self) -> Result<Bound, Error> {
        check(&self.options)?;
        announce(&self.options, self.provider.is_some());
        let stores = Arc::new(Stores::default());
        let telemetry = Arc::new(Telemetry::new(Arc::clone(&stores))?);
        let options = &self.options;
        let (budget, budgets) = (
            Budget::new(options.qps, options.burst),
            Budgets::new(options.qps, options.burst),
        );
        let events_client = self.events_client.as_ref().unwrap_or(&self.client);
        let (recorder, senders) =
            Recorder::start(events_client, budget, Arc::clone(&telemetry), Arc::clone(&self.clock));
        let elector = match self.election.take() {
            Some(election) => Some(elector(&self.client, election, options, &self.clock)?),
            None => None,
        };
        let may_write = fence(elector.as_ref());
        let writer = Writer::new(self.client.clone(), may_write, budgets, Arc::clone(&telemetry)).istio(self.istio);
        let listeners = if self.serves {
            Some((
                health::listen(options.metrics_port)?,
                health::listen(options.healthz_port)?,
            ))
        } else {
            None
        };
        let retry = aws::retry(std::env::var("ROLLOUT_VERIFY_RETRY_INTERVAL").ok());
        let aws = aws::desk_of(options, self.aws.take(), retry, &self.clock);
        let runs = self.provider.is_some().then(Arc::<Queue>::default);
        let shell = Shell {
            stores,
            queue: Queue::default(),
            runs: runs.clone(),
            experiments: Experiments::default(),
            expectations: Expectations::default(),
            failures: Failures::default(),
            held: Held::default(),
            aws,
            router_calls: self.plugins.clone().map(RouterCalls::new),
            step_calls: self.plugins.map(StepCalls::new),
            telemetry,
            writer,
            recorder,
            clock: self.clock,
            decide: self.decide,
            dump: options.dump_observed.clone().map(Dump::new),
            routers: Settings {
                verify_retry_seconds: i64::try_from(retry.as_secs()).unwrap_or(i64::MAX),
                ..options.routers()
            },
            namespace: options.served_namespace(&self.client),
            announce_messages: options.announce_messages,
        };
        let shell = Arc::new(shell);
        let engine = self.provider.zip(runs);
        let engine = engine.map(|(provider, runs)| Engine::new(Arc::clone(&shell), runs, provider));
        Ok(Bound {
            client: self.client,
            options: self.options,
            shell,
            engine: engine.map(Arc::new),
            elector,
            listeners,
            senders,
        })
    }
}

/// Whether the flags make sense together.
///
/// # Errors
/// If they contradict each other, or name a controller that there is not.
pub(crate) fn check(options: &Options) -> Result<(), Error> {
    if let Some(other) = options.controllers.iter().find(|name| *name != "analysis") {
        return Err(Error::UnsupportedController(other.clone()));
    }
    if options.leader_elect {
        periods(options).check()?;
    }
    Ok(())
}

fn periods(options: &Options) -> Periods {
    Periods {
        lasts: options.leader_election_lease_duration,
        deadline: options.leader_election_renew_deadline,
        retry: options.leader_election_retry_period,
    }
}

fn elector(client: &Client, election: Election, options: &Options, clock: &Clock) -> Result<Elector, Error> {
    let periods = periods(options);
    periods.check()?;
    let name = lease_name(&options.instance_id);
    Ok(Elector::new(client.clone(), election, name, periods, Arc::clone(clock)))
}

/// Whether this process leads: asked before each write.
fn fence(elector: Option<&Elector>) -> Gate {
    match elector.map(Elector::leadership) {
        Some(leadership) => Arc::new(move || leadership.may_write()),
        None => Arc::new(|| true),
    }
}

fn announce(options: &Options, serves_runs: bool) {
    for missing in options.without_effect() {
        tracing::warn!("{missing}");
    }
    if options.controllers.iter().any(|name| name == "analysis") {
        if serves_runs {
            tracing::info!("--controllers analysis: this process serves AnalysisRuns, and ignores Rollouts");
        } else {
            tracing::warn!("--controllers analysis: this process has no metric provider, and ignores Rollouts");
        }
    }
}

/// A controller whose ports are open.
pub struct Bound {
    client: Client,
    options: Options,
    shell: Arc<Shell>,
    engine: Option<Arc<Engine>>,
    elector: Option<Elector>,
    listeners: Option<(TcpListener, TcpListener)>,
    senders: JoinSet<()>,
}

type Tasks = JoinSet<(&'static str, Result<(), Error>)>;

impl Bound {
    /// Where `/metrics` is served.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.listeners
            .as_ref()
            .and_then(|(metrics, _)| metrics.local_addr().ok())
    }

    /// Where `/healthz` is served.
    #[must_use]
    pub fn healthz_address(&self) -> Option<SocketAddr> {
        self.listeners
            .as_ref()
            .and_then(|(_, healthz)| healthz.local_addr().ok())
    }

    /// Runs until shutdown: reconciles under way are finished, events are sent, the lease is given back.
    ///
    /// # Errors
    /// If an essential task ends before, or the lease is lost: the process is then to end too.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), Error> {
        let mut tasks = Tasks::new();
        // Not children of `shutdown`: a task that ends because it was asked to must not look like one that failed.
        let (stop, leading, resign) = (
            CancellationToken::new(),
            CancellationToken::new(),
            CancellationToken::new(),
        );
        let mut candidate = JoinSet::new();
        match self.elector.take() {
            Some(elector) => _ = candidate.spawn(elector.run(leading.clone(), resign.clone())),
            None => leading.cancel(),
        }
        self.spawn_servers(&mut tasks, &stop);
        let runs = CancellationToken::new();
        if self.options.controllers.is_empty() {
            self.spawn_watches(&mut tasks, &stop, (&leading, &runs));
        }
        self.spawn_analysis(&mut tasks, &stop, (&leading, &runs));
        let ended = tokio::select! {
            biased;
            () = shutdown.cancelled() => Ok(()),
            Some(_) = candidate.join_next() => Err(Error::LeaseLost),
            Some(ended) = tasks.join_next() => Err(match ended {
                Ok((_, Err(error))) => error,
                Ok((name, Ok(()))) => Error::TaskEnded(name),
                Err(_) => Error::TaskEnded("panicked"),
            }),
        };
        stop.cancel();
        tracing::info!("shutting down");
        if let Some(engine) = &self.engine {
            engine.close();
        }
        if matches!(ended, Err(Error::LeaseLost)) {
            // The new leader must not meet a late write of ours.
            tasks.shutdown().await;
            self.senders.shutdown().await;
            self.end_plugins().await;
            return ended;
        }
        self.wind_up(&mut tasks).await;
        // Before the lease goes: the new leader must not meet a call of ours.
        self.end_plugins().await;
        resign.cancel();
        finish(&mut candidate, "cannot give the lease back in time").await;
        ended
    }

    async fn end_plugins(&self) {
        if let Some(calls) = &self.shell.router_calls {
            calls.close();
        }
        if let Some(calls) = &self.shell.step_calls {
            calls.shutdown().await;
        }
    }

    async fn wind_up(&mut self, tasks: &mut Tasks) {
        finish(tasks, "some tasks did not end in time").await;
        tasks.shutdown().await;
        self.shell.recorder.close();
        finish(&mut self.senders, "cannot send all events in time").await;
    }

    fn spawn_servers(&mut self, tasks: &mut Tasks, stop: &CancellationToken) {
        if let Some((metrics, healthz)) = self.listeners.take() {
            let (shell, engine) = (Arc::clone(&self.shell), self.engine.clone());
            let router = health::metrics(move || match &engine {
                Some(engine) => engine.scrape(),
                None => shell.scrape(&[], &[]),
            });
            tasks.spawn(health::serve(metrics, router, stop.clone()).map(|ended| ("metrics server", ended)));
            tasks.spawn(health::serve(healthz, health::healthz(), stop.clone()).map(|ended| ("healthz server", ended)));
        }
    }

    /// `runs`: the watch of AnalysisRuns was tried.
    fn spawn_watches(
        &self,
        tasks: &mut Tasks,
        stop: &CancellationToken,
        (leading, runs): (&CancellationToken, &CancellationToken),
    ) {
        let shell = || Arc::clone(&self.shell);
        let scope = self.scope();
        let token = CancellationToken::new;
        let (rollouts, replica_sets, services) = (token(), token(), token());
        let selector = self.options.instance_selector();
        let watch = watch::rollouts(shell(), scope.clone(), selector, rollouts.clone());
        tasks.spawn(until(stop.clone(), "watch of Rollouts", watch));
        let watch = watch::replica_sets(shell(), scope.clone(), replica_sets.clone());
        tasks.spawn(until(stop.clone(), "watch of ReplicaSets", watch));
        let watch = watch::services(shell(), scope.clone(), rollouts.clone(), services.clone());
        tasks.spawn(until(stop.clone(), "watch of Services", watch));
        let watch = watch::routes(shell(), scope.clone());
        tasks.spawn(until(stop.clone(), "watch of traffic routers", watch));
        let watch = watch::workloads::<StoredDeployment>(shell(), scope.clone());
        tasks.spawn(until(stop.clone(), "watch of Deployments", watch));
        let watch = watch::workloads::<StoredTemplateSet>(shell(), scope.clone());
        tasks.spawn(until(stop.clone(), "watch of referenced ReplicaSets", watch));
        let watch = watch::workloads::<StoredPodTemplate>(shell(), scope.clone());
        tasks.spawn(until(stop.clone(), "watch of PodTemplates", watch));
        let (templates, cluster_templates) = (token(), token());
        if self.engine.is_none() {
            // The engine follows them otherwise.
            let selector = self.options.instance_selector();
            let watch = watch::analysis_runs(shell(), scope.clone(), selector, runs.clone());
            tasks.spawn(until(stop.clone(), "watch of AnalysisRuns", watch));
        }
        let watch = watch::templates(shell(), scope.clone().templates(), templates.clone());
        tasks.spawn(until(stop.clone(), "watch of AnalysisTemplates", watch));
        let experiments = token();
        let watch = experiment::watch(
            shell(),
            scope.clone(),
            self.options.instance_selector(),
            experiments.clone(),
        );
        tasks.spawn(until(stop.clone(), "watch of Experiments", watch));
        match scope.cluster_templates() {
            Some(stream) => {
                let watch = watch::templates(shell(), stream, cluster_templates.clone());
                tasks.spawn(until(stop.clone(), "watch of ClusterAnalysisTemplates", watch));
            }
            None => cluster_templates.cancel(),
        }
        let ready = [
            &replica_sets,
            runs,
            &templates,
            &cluster_templates,
            &experiments,
            leading,
        ];
        self.spawn_experiments(tasks, stop, &ready.map(Clone::clone));
        let resync = resync(shell(), Duration::from_secs(self.options.rollout_resync));
        tasks.spawn(until(stop.clone(), "resync", resync));
        // One worker more than the flag says: it serves only changes that a person waits for.
        let ordinary = std::iter::repeat_n(Takes::All, self.options.rollout_threads.max(1));
        for takes in ordinary.chain([Takes::Urgent]) {
            let (shell, stop) = (shell(), stop.clone());
            let ready = [
                rollouts.clone(),
                replica_sets.clone(),
                services.clone(),
                runs.clone(),
                templates.clone(),
                cluster_templates.clone(),
                experiments.clone(),
                leading.clone(),
            ];
            tasks.spawn(async move {
                work(&shell, takes, &ready, &stop).await;
                ("worker", Ok(()))
            });
        }
    }
}

impl Bound {
    fn scope(&self) -> watch::Scope {
        watch::Scope {
            client: self.client.clone(),
            namespace: self.shell.namespace.clone(),
        }
    }

    /// Serves AnalysisRuns, if there is something to measure with.
    fn spawn_analysis(
        &self,
        tasks: &mut Tasks,
        stop: &CancellationToken,
        (leading, runs): (&CancellationToken, &CancellationToken),
    ) {
        let Some(engine) = &self.engine else { return };
        let engine = || Arc::clone(engine);
        let synced = CancellationToken::new();
        let watch = engine().watch(
            self.scope(),
            self.options.instance_selector(),
            synced.clone(),
            runs.clone(),
        );
        tasks.spawn(until(stop.clone(), "watch of AnalysisRuns", watch));
        let jobs = CancellationToken::new();
        let watch = engine().watch_jobs(self.scope(), jobs.clone());
        tasks.spawn(until(stop.clone(), "watch of Jobs", watch));
        let resync = engine().resync(Duration::from_secs(self.options.rollout_resync));
        tasks.spawn(until(stop.clone(), "resync of AnalysisRuns", resync));
        let ordinary = std::iter::repeat_n(Takes::All, self.options.analysis_threads.max(1));
        for takes in ordinary.chain([Takes::Urgent]) {
            let (engine, stop) = (engine(), stop.clone());
            let ready = [synced.clone(), jobs.clone(), leading.clone()];
            tasks.spawn(async move {
                engine.work(takes, &ready, &stop).await;
                ("worker of AnalysisRuns", Ok(()))
            });
        }
    }

    /// Serves Experiments.
    fn spawn_experiments(&self, tasks: &mut Tasks, stop: &CancellationToken, ready: &[CancellationToken]) {
        let shell = || Arc::clone(&self.shell);
        let resync = experiment::resync(shell(), Duration::from_secs(self.options.rollout_resync));
        tasks.spawn(until(stop.clone(), "resync of Experiments", resync));
        let ordinary = std::iter::repeat_n(Takes::All, self.options.experiment_threads.max(1));
        for takes in ordinary.chain([Takes::Urgent]) {
            let work = experiment::work(shell(), takes, ready.to_vec(), stop.clone());
            tasks.spawn(work.map(|()| ("worker of Experiments", Ok(()))));
        }
    }
}

async fn finish<T: 'static>(tasks: &mut JoinSet<T>, otherwise: &str) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::warn!("{otherwise}");
    }
}

async fn until(
    stop: CancellationToken,
    name: &'static str,
    task: impl Future<Output = ()>,
) -> (&'static str, Result<(), Error>) {
    stop.run_until_cancelled(task).await;
    (name, Ok(()))
}

/// Reconciles every rollout from time to time, so that a lost event only delays it.
async fn resync(shell: Arc<Shell>, every: Duration) {
    if every.is_zero() {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(every).await;
        for (key, _) in shell.stores.rollouts.all() {
            shell.queue.add(&key, Reason::Resync);
        }
    }
}

/// Takes keys until shutdown, once the stores are filled and this process leads. A reconcile that has begun is finished.
async fn work(shell: &Arc<Shell>, takes: Takes, ready: &[CancellationToken], stop: &CancellationToken) {
    for one in ready {
        if stop.run_until_cancelled(one.cancelled()).await.is_none() {
            return;
        }
    }
    let budgets = shell.writer.budgets();
    while let Some(item) = stop.run_until_cancelled(shell.queue.next(takes, budgets)).await {
        shell.telemetry.reconcile_began(item.reason, item.waited);
        if item.throttled {
            shell.telemetry.waits(Wait::Throttled);
        }
        let began = tokio::time::Instant::now();
        let ended = AssertUnwindSafe(reconcile::run(shell, &item)).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(namespace = %item.key.namespace, rollout = %item.key.name, "a reconcile panicked: please report it");
            shell.telemetry.waits(Wait::Panicked);
            let why = Reason::Panicked;
            Ended::Failed { why, at_least: Duration::from_secs(1), wake: None }
        });
        shell
            .telemetry
            .reconcile_ended(&item.key, began.elapsed(), matches!(ended, Ended::Failed { .. }));
        recognise_own_write(shell, &item.key);
        shell.queue.ended(&item.key, ended);
    }
}

/// A watch may show our own write before it is answered; only now is it known whose it was. Our writes carry the version
/// decided on, so nobody wrote in between.
fn recognise_own_write(shell: &Shell, key: &Key) {
    let Some(stored) = shell.stores.rollouts.get(key) else {
        return;
    };
    let metadata = &stored.rollout.metadata;
    let (uid, version) = (metadata.uid.as_deref(), metadata.resource_version.as_deref());
    let ours = |uid| shell.expectations.is_own_write(uid, version.unwrap_or_default());
    if uid.is_some_and(ours) {
        shell.queue.was_own_write(key);
    }
}
