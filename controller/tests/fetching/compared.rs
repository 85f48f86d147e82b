//! A comparison asks for canary and stable, each with its own pod template hash (decision 50).

use crate::server::{Server, answer, at_once, fetch, leads, ok, run};
use serde_json::json;
use serin_controller::fetch::Ask;
use serin_core::analysis::compare::{Sides, measured};
use serin_core::analysis::expressions::Compiling;
use serin_core::analysis::provider::Step;
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::{Argument, Metric};
use serin_sandbox::ApiServer;

async fn compare(server: &Server) -> Measurement {
    let written: Metric = serde_json::from_value(json!({"name": "m",
        "compare": {"arg": "hash", "worse": "higher", "margin": "0.01", "confidence": "0.95",
            "result": {"successes": "result[0]", "trials": "result[1]"}},
        "provider": {"web": {"url": server.url("/{{args.hash}}")}}}))
    .unwrap();
    let args: Vec<Argument> = serde_json::from_value(json!([{"name": "hash", "value": "new"}])).unwrap();
    let sides = Sides {
        canary: Some("new"),
        stable: Some("old"),
    };
    let (metric, stable) = measured(&written, &args, sides).unwrap();
    let ask = Ask {
        run: &run(),
        metric: &metric,
        stable: stable.as_ref(),
        step: Step::Run { number: 1 },
        hidden: &[],
        expressions: &Compiling,
        may_write: &leads(),
        turn: &at_once(),
    };
    fetch(&ApiServer::new()).measure(&ask).await.measurement
}

#[tokio::test]
async fn both_are_asked_and_counted() {
    let by_path = |request: &str| match request.split(' ').nth(1) {
        Some("/new") => ok("[3, 100]"),
        _ => ok("[1, 90]"),
    };
    let server = Server::start(by_path).await;
    let measurement = compare(&server).await;
    assert_eq!(measurement.phase, "Inconclusive", "{measurement:?}");
    let counted = ["canarySuccesses", "canaryTrials", "stableSuccesses", "stableTrials"];
    let counted = counted.map(|key| measurement.metadata[key].as_str());
    assert_eq!(counted, ["3", "100", "1", "90"]);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn the_one_that_cannot_be_measured_is_named() {
    let by_path = |request: &str| match request.split(' ').nth(1) {
        Some("/new") => ok("[3, 100]"),
        _ => answer(503, "", ""),
    };
    let measurement = compare(&Server::start(by_path).await).await;
    assert_eq!(
        (measurement.phase.as_str(), measurement.message.as_str()),
        ("Error", "stable: received non 2xx response code: 503")
    );
    assert!(measurement.metadata.is_empty(), "{measurement:?}");
}
