//! Metrics, named as contract 09 §3 has them.

pub(crate) mod dump;
mod experiments;
pub(crate) mod health;
pub(crate) mod logs;
pub(crate) mod reconciles;
pub(crate) mod scrape;
pub(crate) mod series;
mod templates;

use crate::queue::reason::Wait;
use crate::queue::{QueueCounts, Reason};
use crate::store::Stores;
use crate::store::expiry::Expiry;
use crate::store::key::Key;
use crate::sync::lock;
use crate::telemetry::scrape::Entries;
use crate::telemetry::series::{NO_NAME, Request, Series};
use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long the series of a deleted rollout stay (contract 09 §3); after that time, series without
/// a rollout are removed.
const SERIES_STAY: Duration = Duration::from_secs(65);
/// Name of the work queue of rollouts in `workqueue_*`.
pub(crate) const QUEUE: &str = "Rollouts";
/// Name of that of experiments.
pub(crate) const EXPERIMENTS: &str = "Experiments";

/// All metrics of one controller.
pub(crate) struct Telemetry {
    registry: Registry,
    series: Series,
    reconciles: IntCounterVec,
    waits: IntCounterVec,
    pub(crate) events_dropped: IntCounter,
    pub(crate) watch_errors: IntCounter,
    queue_wait: Histogram,
    work: Histogram,
    stores: Arc<Stores>,
    /// Keys whose series may have nobody any more: of a rollout since its deletion, of others since their first series.
    leaving: Mutex<Expiry>,
}

impl Telemetry {
    /// Registers everything. The stores say which rollouts there are.
    ///
    /// # Errors
    /// If two metrics have the same name.
    pub(crate) fn new(stores: Arc<Stores>) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let queue = |name: &str, help: &str| {
            let buckets = vec![1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0];
            let options = HistogramOpts::new(name, help)
                .buckets(buckets)
                .const_label("name", QUEUE);
            register(&registry, Histogram::with_opts(options)?)
        };
        let telemetry = Self {
            series: Series::default(),
            reconciles: counter(
                "serin_reconciles_total",
                "Reconciles of rollouts, by what started them.",
                &["reason"],
            )?,
            waits: counter(
                "serin_waits_total",
                "Waits that decisions asked for, by name.",
                &["why"],
            )?,
            events_dropped: register(
                &registry,
                IntCounter::new(
                    "serin_events_dropped_total",
                    "Events that the API server did not take in time.",
                )?,
            )?,
            watch_errors: register(
                &registry,
                IntCounter::new("serin_watch_errors_total", "Broken watches.")?,
            )?,
            queue_wait: queue(
                "workqueue_queue_duration_seconds",
                "Seconds an item waits for a worker.",
            )?,
            work: queue("workqueue_work_duration_seconds", "Seconds an item is worked on.")?,
            stores,
            leaving: Mutex::new(Expiry::new(SERIES_STAY)),
            registry,
        };
        telemetry.about_ourselves()?;
        Ok(telemetry)
    }

    fn about_ourselves(&self) -> Result<(), prometheus::Error> {
        let version = env!("CARGO_PKG_VERSION");
        let info = gauge(
            "argo_rollouts_controller_info",
            "Version of the controller.",
            &["version"],
        )?;
        info.with_label_values(&[version]).set(1);
        self.registry.register(Box::new(info))?;
        let build = gauge(
            "build_info",
            "Build of the controller; the compiler takes the place of Go's version.",
            &["version", "goversion", "goarch", "commit"],
        )?;
        let commit = option_env!("SERIN_GIT_COMMIT").unwrap_or("unknown");
        build
            .with_label_values(&[version, "rustc", go_architecture(std::env::consts::ARCH), commit])
            .set(1);
        self.registry.register(Box::new(build))?;
        #[cfg(target_os = "linux")]
        self.registry
            .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(())
    }

    /// A reconcile begins.
    pub(crate) fn reconcile_began(&self, reason: Reason, waited: Duration) {
        self.reconciles.with_label_values(&[reason.word()]).inc();
        self.queue_wait.observe(waited.as_secs_f64());
    }

    /// A reconcile ended.
    pub(crate) fn reconcile_ended(&self, key: &Key, took: Duration, failed: bool) {
        let new = self.series.reconciled(key, took, failed);
        self.is_new(new, key);
        self.work.observe(took.as_secs_f64());
    }

    /// A wait with a name.
    pub(crate) fn waits(&self, why: Wait) {
        self.waits.with_label_values(&[why.word()]).inc();
    }

    /// A version of a rollout could not be decoded.
    pub(crate) fn undecodable(&self, key: &Key) {
        let new = self.series.undecodable(key);
        self.is_new(new, key);
    }

    /// An event about a rollout.
    pub(crate) fn event(&self, key: &Key, kind: &'static str, reason: &str) {
        let new = self.series.event(key, kind, reason);
        self.is_new(new, key);
    }

    /// A call to the API server.
    pub(crate) fn request(&self, request: &Request<'_>) {
        let key = Key::new(request.namespace, request.name);
        let new = self.series.request(&key, request);
        self.is_new(new, &key);
    }

    fn is_new(&self, new: bool, key: &Key) {
        if new && self.stores.rollouts.get(key).is_none() {
            self.leaves(key.clone());
        }
    }

    /// A rollout was deleted: its series go in a while.
    pub(crate) fn deleted(&self, key: Key) {
        self.leaves(key);
    }

    fn leaves(&self, key: Key) {
        self.drop_old_series();
        lock(&self.leaving).insert(key);
    }

    fn drop_old_series(&self) {
        loop {
            let Some(key) = lock(&self.leaving).pop_over() else {
                return;
            };
            if self.stores.rollouts.get(&key).is_some() {
                continue; // Made again; its deletion brings it here again.
            }
            if self.is_anybodys(&key) {
                lock(&self.leaving).insert(key);
            } else {
                self.series.remove(&key);
            }
        }
    }

    /// Whether the subject of series that belong to no rollout still exists: a Service of rollouts, or the
    /// rollouts of the namespace.
    fn is_anybodys(&self, key: &Key) -> bool {
        if &*key.name == NO_NAME {
            self.stores.rollouts.any_in(&key.namespace) || self.stores.runs.any_in(&key.namespace)
        } else {
            self.stores.services.is_of_rollouts(key) || self.stores.runs.get(key).is_some()
        }
    }

    /// The exposition text.
    ///
    /// # Errors
    /// If a metric cannot be written as text.
    pub(crate) fn scrape(
        &self,
        queues: &[(&str, QueueCounts)],
        entries: &[Entries],
    ) -> Result<String, prometheus::Error> {
        self.drop_old_series();
        let mut text = String::new();
        TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text)?;
        self.series.write(&mut text);
        scrape::queues(&mut text, queues);
        let ours = [
            ("series", self.series.len()),
            ("series_leaving", lock(&self.leaving).len()),
        ];
        scrape::entries(&mut text, entries.iter().chain(&ours));
        scrape::rollouts(&mut text, &self.stores.rollouts);
        experiments::write(&mut text, &self.stores.experiments);
        templates::write(&mut text, &self.stores.templates);
        Ok(text)
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn gauge(name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}

/// The name that Go gives a processor.
fn go_architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::store::key::Source;
    use crate::store::service::StoredService;
    use serde_json::Value;
    use serde_json::json;

    #[tokio::test(start_paused = true)]
    async fn metrics_are_named_as_upstream_and_go_65_seconds_after_the_rollout() {
        let stores = Arc::new(Stores::default());
        let rollout = json!({"metadata": {"name": "guestbook", "namespace": "default"},
            "spec": {"replicas": 3, "strategy": {"canary": {"trafficRouting": {"smi": {}}}}},
            "status": {"replicas": 3, "availableReplicas": 1}});
        let stored = || serde_json::from_value(rollout.clone()).unwrap();
        stores.apply_rollout(stored(), Source::List);
        let telemetry = Telemetry::new(Arc::clone(&stores)).unwrap();
        let key = Key::new("default", "guestbook");
        telemetry.reconcile_ended(&key, Duration::from_millis(200), true);
        telemetry.event(&key, "Normal", "FooReason");
        let scrape = || telemetry.scrape(&[(QUEUE, QueueCounts::default())], &[]).unwrap();
        let text = scrape();
        for line in [
            r#"rollout_info{name="guestbook",namespace="default",phase="Progressing",strategy="canary",traffic_router="SMI"} 1"#,
            r#"rollout_info_replicas_unavailable{name="guestbook",namespace="default"} 2"#,
            r#"rollout_phase{name="guestbook",namespace="default",phase="Paused",strategy="canary"} 0"#,
            r#"rollout_reconcile_bucket{name="guestbook",namespace="default",le="0.25"} 1"#,
            r#"rollout_reconcile_error{name="guestbook",namespace="default"} 1"#,
            r#"rollout_events_total{name="guestbook",namespace="default",reason="FooReason",type="Normal"} 1"#,
            r#"workqueue_depth{name="Rollouts"} 0"#,
            r#"workqueue_unfinished_work_seconds{name="Rollouts"} 0"#,
            r#"workqueue_longest_running_processor_seconds{name="Rollouts"} 0"#,
            r#"argo_rollouts_controller_info{version=""#,
            r#",goversion="rustc",version=""#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        stores.delete_rollout(&stored()).unwrap();
        telemetry.deleted(key);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(scrape().contains("FooReason"));
        tokio::time::advance(Duration::from_secs(6)).await;
        let text = scrape();
        assert!(
            !text.contains("FooReason") && !text.contains("rollout_reconcile_error{"),
            "{text}"
        );
    }

    /// What is counted of a rollout in a namespace of its own: a reconcile, an event, and the calls for it.
    fn told(telemetry: &Telemetry, namespace: &str) {
        let key = Key::new(namespace, "web");
        telemetry.reconcile_ended(&key, Duration::ZERO, false);
        telemetry.event(&key, "Normal", "Any");
        for (kind, name) in [
            ("rollouts", "web"),
            ("replicasets", NO_NAME),
            ("events", NO_NAME),
            ("services", "front"),
        ] {
            let verb = "Patch";
            telemetry.request(&Request {
                kind,
                namespace,
                name,
                verb,
                status: 200,
            });
        }
    }

    fn rollout_in(namespace: &str) -> Value {
        json!({"metadata": {"name": "web", "namespace": namespace},
            "spec": {"strategy": {"canary": {"stableService": "front"}}}})
    }

    #[tokio::test(start_paused = true)]
    async fn no_series_outlive_what_they_are_about() {
        let stores = Arc::new(Stores::default());
        let telemetry = Telemetry::new(Arc::clone(&stores)).unwrap();
        let stored = |namespace: &str| serde_json::from_value(rollout_in(namespace)).unwrap();
        for number in 0..100 {
            let namespace = format!("n{number}");
            stores.apply_rollout(stored(&namespace), Source::Event);
            told(&telemetry, &namespace);
            if number > 0 {
                stores.delete_rollout(&stored(&namespace)).unwrap();
                telemetry.deleted(Key::new(&namespace, "web"));
            }
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        // Six and a half deletions a minute are remembered, with three keys each, and what lives.
        assert!(telemetry.series.len() <= 3 + 3 * 7, "{}", telemetry.series.len());
        tokio::time::advance(SERIES_STAY).await;
        let text = telemetry.scrape(&[(QUEUE, QueueCounts::default())], &[]).unwrap();
        assert_eq!(telemetry.series.len(), 3, "{text}");
        for name in ["web", "front", NO_NAME] {
            let labels = format!(r#"name="{name}",namespace="n0""#);
            assert!(text.contains(&labels), "{labels} is not in\n{text}");
        }
        // The Service is not named any more.
        let mut unnamed = rollout_in("n0");
        unnamed["spec"] = json!({"strategy": {"canary": {}}});
        unnamed["metadata"]["resourceVersion"] = json!("2");
        stores.apply_rollout(serde_json::from_value(unnamed).unwrap(), Source::Event);
        tokio::time::advance(SERIES_STAY * 2).await;
        telemetry.scrape(&[(QUEUE, QueueCounts::default())], &[]).unwrap();
        assert_eq!(telemetry.series.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rollout_that_is_made_again_keeps_its_series() {
        let stores = Arc::new(Stores::default());
        let telemetry = Telemetry::new(Arc::clone(&stores)).unwrap();
        let stored = || serde_json::from_value(rollout_in("n")).unwrap();
        stores.apply_rollout(stored(), Source::Event);
        told(&telemetry, "n");
        stores.delete_rollout(&stored()).unwrap();
        telemetry.deleted(Key::new("n", "web"));
        stores.apply_rollout(stored(), Source::Event);
        tokio::time::advance(SERIES_STAY).await;
        let text = telemetry.scrape(&[(QUEUE, QueueCounts::default())], &[]).unwrap();
        assert!(text.contains("rollout_events_total{"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_series_of_a_managed_service_stay_with_it() {
        let stores = Arc::new(Stores::default());
        let telemetry = Telemetry::new(Arc::clone(&stores)).unwrap();
        let managed: StoredService = serde_json::from_value(json!({"metadata": {"name": "front", "namespace": "n",
            "resourceVersion": "1", "annotations": {serin_core::wire::MANAGED_BY: "web"}}}))
        .unwrap();
        stores.services.apply(managed, Source::Event);
        told(&telemetry, "n");
        for wanted in [1, 0] {
            tokio::time::advance(SERIES_STAY * 3).await;
            telemetry.scrape(&[(QUEUE, QueueCounts::default())], &[]).unwrap();
            assert_eq!(telemetry.series.len(), wanted);
            stores.services.delete(&Key::new("n", "front"));
        }
    }
}
