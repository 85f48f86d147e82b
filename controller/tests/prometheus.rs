//! The Prometheus provider against a real Prometheus that scrapes itself.
//!
//! The program is the one that `PROMETHEUS` names, or `prometheus` on PATH; without it the tests report themselves as
//! ignored.

#![allow(clippy::unwrap_used, clippy::panic)]

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value as Json, json};
use serin_controller::fetch::{Ask, Fetch, surroundings};
use serin_controller::{Gate, Turn};
use serin_core::analysis::provider::{Expressions, Run, Step};
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::Metric;
use serin_expr::Value;
use serin_sandbox::ApiServer;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long it may take to start and to scrape.
const START: Duration = Duration::from_secs(60);

fn main() {
    let arguments = Arguments::from_args();
    let program = std::env::var("PROMETHEUS").unwrap_or_else(|_| "prometheus".to_owned());
    let there = Command::new(&program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let there = there.is_ok_and(|status| status.success());
    let shared: Arc<Mutex<Option<Arc<Prometheus>>>> = Arc::default();
    let trial = |name: &str, check: fn(&Prometheus)| {
        let (program, shared) = (program.clone(), Arc::clone(&shared));
        let run = move || -> Result<(), Failed> {
            let server = {
                let mut shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                Arc::clone(shared.get_or_insert_with(|| Arc::new(Prometheus::start(&program))))
            };
            check(&server);
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(!there)
    };
    let conclusion = libtest_mimic::run(
        &arguments,
        vec![
            trial("a_scalar_is_a_number", |server| {
                let (seen, value) = server.measured("scalar(vector(0.5))", None);
                assert_eq!((seen, value.as_str()), (Some(Value::Float(0.5)), "0.5"));
            }),
            trial("a_vector_is_a_list", |server| {
                let (seen, value) = server.measured("up{job=\"self\"}", None);
                assert_eq!((seen, value.as_str()), (Some(Value::floats([1.0])), "[1]"));
                assert_eq!(server.measured("up{job=\"nobody\"}", None).1, "[]");
            }),
            trial("numbers_that_are_none_have_names", |server| {
                assert_eq!(server.measured("scalar(vector(0)) / 0", None).1, "NaN");
                assert_eq!(server.measured("vector(1) / 0", None).1, "[+Inf]");
                assert_eq!(server.measured("vector(-1) / 0", None).1, "[-Inf]");
            }),
            trial("a_range_is_the_list_of_all_samples", |server| {
                let range = json!({"start": "before", "end": "now()", "step": "1s"});
                assert_eq!(server.measured("vector(2)", Some(range)).1, "[2,2,2,2,2]");
            }),
            trial("a_query_that_is_wrong_is_an_error", |server| {
                let (measurement, _) = server.measure("up{", None);
                assert_eq!(measurement.phase, "Error");
                assert!(measurement.message.starts_with("bad_data: "), "{}", measurement.message);
                assert!(measurement.message.contains("parse error"), "{}", measurement.message);
            }),
            trial("a_text_is_no_value", |server| {
                let message = server.measure("\"text\"", None).0.message;
                assert!(message.contains("unexpected value type \"string\""), "{message}");
            }),
        ],
    );
    drop(shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
    conclusion.exit();
}

/// A running Prometheus, which ends with the tests.
struct Prometheus {
    child: Child,
    port: u16,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn start(program: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: self, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
        );
        std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let child = Command::new(program)
            .current_dir(folder.path())
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            port,
            runtime: tokio::runtime::Runtime::new().unwrap(),
            _folder: folder,
        };
        let began = Instant::now();
        while server.measure("up{job=\"self\"}", None).0.value != "[1]" {
            assert!(began.elapsed() < START, "Prometheus does not scrape itself");
            std::thread::sleep(Duration::from_millis(200));
        }
        server
    }

    /// What a condition sees, and the measurement's value.
    fn measured(&self, query: &str, range: Option<Json>) -> (Option<Value>, String) {
        let (measurement, seen) = self.measure(query, range);
        assert_eq!(
            (measurement.phase.as_str(), measurement.message.as_str()),
            ("Successful", "")
        );
        (seen, measurement.value)
    }

    fn measure(&self, query: &str, range: Option<Json>) -> (Measurement, Option<Value>) {
        let address = format!("http://127.0.0.1:{}", self.port);
        let mut spec = json!({"address": address, "query": query});
        if let Some(range) = range {
            spec["rangeQuery"] = range;
        }
        let metric: Metric = serde_json::from_value(json!({"name": "m", "provider": {"prometheus": spec}})).unwrap();
        let expressions = Noting::default();
        let ask = Ask {
            run: &Run::default(),
            stable: None,
            metric: &metric,
            step: Step::Run { number: 1 },
            hidden: &[],
            expressions: &expressions,
            may_write: &(Arc::new(|| true) as Gate),
            turn: &(Arc::new(|| std::future::ready(()).boxed()) as Turn),
        };
        let measurement = self.runtime.block_on(async {
            let client = ApiServer::new().client();
            let fetch = Fetch::new(
                client,
                "argo-rollouts",
                Arc::new(Timestamp::now),
                surroundings(|_| None),
            );
            fetch.measure(&ask).await.measurement
        });
        let seen = expressions.0.lock().unwrap().clone();
        (measurement, seen)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every value is good, and is noted.
#[derive(Default)]
struct Noting(Mutex<Option<Value>>);

impl Expressions for Noting {
    fn judge(&self, _: &Metric, result: &Value, _: Timestamp) -> Result<String, String> {
        *self.0.lock().unwrap() = Some(result.clone());
        Ok("Successful".to_owned())
    }

    fn time(&self, text: &str, now: Timestamp) -> Result<Timestamp, String> {
        Ok(if text == "before" {
            now - SignedDuration::from_secs(4)
        } else {
            now
        })
    }
}
