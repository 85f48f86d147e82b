//! Metrics, named as contract 09 §3 has them.

use crate::queue::{QueueCounts, Reason};
use crate::scrape;
use crate::series::{Request, Series};
use crate::store::{Key, Rollouts};
use crate::sync::lock;
use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// How long the series of a deleted rollout stay (contract 09 §3).
const SERIES_STAY: Duration = Duration::from_secs(65);
/// Name of the work queue in `workqueue_*`.
const QUEUE: &str = "Rollouts";

/// All metrics of one controller.
pub(crate) struct Telemetry {
    registry: Registry,
    series: Series,
    looks: IntCounterVec,
    waits: IntCounterVec,
    pub(crate) events_dropped: IntCounter,
    pub(crate) watch_errors: IntCounter,
    queue_wait: Histogram,
    work: Histogram,
    deleted: Mutex<Vec<(Instant, Key)>>,
}

impl Telemetry {
    /// Registers everything.
    ///
    /// # Errors
    /// If two metrics have the same name.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
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
            looks: counter(
                "serin_looks_total",
                "Looks at rollouts, by what started them.",
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
            deleted: Mutex::default(),
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

    /// A look begins.
    pub(crate) fn look_began(&self, reason: Reason, waited: Duration) {
        self.looks.with_label_values(&[reason.word()]).inc();
        self.queue_wait.observe(waited.as_secs_f64());
    }

    /// A look ended.
    pub(crate) fn look_ended(&self, key: &Key, took: Duration, failed: bool) {
        self.series.look(key, took, failed);
        self.work.observe(took.as_secs_f64());
    }

    /// A wait with a name.
    pub(crate) fn waits(&self, why: &str) {
        self.waits.with_label_values(&[why]).inc();
    }

    /// A version of a rollout could not be decoded.
    pub(crate) fn undecodable(&self, key: &Key) {
        self.series.undecodable(key);
    }

    /// An event about a rollout.
    pub(crate) fn event(&self, key: &Key, kind: &'static str, reason: &str) {
        self.series.event(key, kind, reason);
    }

    /// A call to the API server.
    pub(crate) fn request(&self, request: &Request<'_>) {
        self.series.request(request);
    }

    /// A rollout was deleted: its series go in a while.
    pub(crate) fn deleted(&self, key: Key) {
        self.drop_old_series();
        lock(&self.deleted).push((Instant::now(), key));
    }

    fn drop_old_series(&self) {
        lock(&self.deleted).retain(|(at, key)| {
            let young = at.elapsed() < SERIES_STAY;
            if !young {
                self.series.remove(key);
            }
            young
        });
    }

    /// The exposition text.
    ///
    /// # Errors
    /// If a metric cannot be written as text.
    pub(crate) fn scrape(&self, rollouts: &Rollouts, queue: QueueCounts) -> Result<String, prometheus::Error> {
        self.drop_old_series();
        let mut text = String::new();
        TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text)?;
        self.series.write(&mut text);
        scrape::queue(&mut text, QUEUE, queue);
        scrape::rollouts(&mut text, rollouts);
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
    use crate::store::Source;
    use serde_json::json;

    #[tokio::test(start_paused = true)]
    async fn metrics_are_named_as_upstream_and_go_65_seconds_after_the_rollout() {
        let rollouts = Rollouts::default();
        let rollout = json!({"metadata": {"name": "guestbook", "namespace": "default"},
            "spec": {"replicas": 3, "strategy": {"canary": {"trafficRouting": {"smi": {}}}}},
            "status": {"replicas": 3, "availableReplicas": 1}});
        rollouts.apply(serde_json::from_value(rollout).unwrap(), Source::List);
        let telemetry = Telemetry::new().unwrap();
        let key = Key::new("default", "guestbook");
        telemetry.look_ended(&key, Duration::from_millis(200), true);
        telemetry.event(&key, "Normal", "FooReason");
        let scrape = || telemetry.scrape(&rollouts, QueueCounts::default()).unwrap();
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
}
