//! Objects that a spec names (contract 01 §9).

use super::changed;
use jiff::Timestamp;
use serin_core::Observed;
use serin_core::observed::Service;
use serin_core::rollout::references::references;
use std::collections::BTreeMap;

const BLUE_GREEN: &str = "strategy: {canary: null, blueGreen: {activeService: a, previewService: b}}";
const CANARY: &str = "strategy: {canary: {canaryService: a, stableService: b}}";
const PING_PONG: &str = "strategy: {canary: {pingPong: {pingService: a, pongService: b}}}";

fn service(labels: &[(&str, &str)], managed_by: Option<&str>) -> Option<Service> {
    let labels = labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Some(Service {
        selector: labels.collect(),
        managed_by: managed_by.map(str::to_owned),
        ..Service::default()
    })
}

fn found(fragment: &str, a: Option<Service>, b: Option<Service>) -> String {
    let seen = Observed {
        rollout: changed(fragment),
        services: BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]),
        ..Observed::default()
    };
    references(&seen, Timestamp::UNIX_EPOCH)
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn a_service_that_is_missing() {
    let good = || service(&[("app", "shop")], None);
    let table = [
        (BLUE_GREEN, None, good(), "blueGreen.activeService", "a"),
        (BLUE_GREEN, good(), None, "blueGreen.previewService", "b"),
        (CANARY, None, good(), "canary.canaryService", "a"),
        (CANARY, good(), None, "canary.stableService", "b"),
        // In the order in which they are checked: the stable one first.
        (CANARY, None, None, "canary.stableService", "b"),
        (BLUE_GREEN, None, None, "blueGreen.activeService", "a"),
        (PING_PONG, None, None, "canary.pingPong.pingService", "a"),
        (PING_PONG, good(), None, "canary.pingPong.pongService", "b"),
    ];
    for (fragment, a, b, path, name) in table {
        let expected = format!("spec.strategy.{path}: Invalid value: \"{name}\": service \"{name}\" not found");
        assert_eq!(found(fragment, a, b), expected, "{fragment}");
    }
}

#[test]
fn a_service_that_is_not_for_this_rollout() {
    let path = "spec.strategy.blueGreen.activeService: Invalid value: \"a\":";
    let hash = ("rollouts-pod-template-hash", "abc");
    let table = [
        (
            service(&[("app", "shop"), ("tier", "web")], None),
            format!("{path} Service \"a\" has unmatch label \"tier\" in rollout"),
        ),
        (
            service(&[("app", "other")], None),
            format!("{path} Service \"a\" has unmatch label \"app\" in rollout"),
        ),
        (
            service(&[("app", "shop")], Some("other")),
            format!("{path} Service \"a\" is managed by another Rollout"),
        ),
        (service(&[("app", "shop"), hash], Some("shop")), String::new()),
        (service(&[], None), String::new()),
    ];
    for (a, expected) in table {
        let good = service(&[("app", "shop")], None);
        assert_eq!(found(BLUE_GREEN, a, good), expected);
    }
}

/// Contract 11 §E, "01 §9 order": stable before ping, ping before canary; what is missing before what does not fit.
#[test]
fn the_order_of_the_checks() {
    let stable_first =
        "strategy: {canary: {stableService: b, canaryService: a, pingPong: {pingService: a, pongService: b}}}";
    let ping_first = "strategy: {canary: {canaryService: a, pingPong: {pingService: a, pongService: b}}}";
    let first = |fragment, a, b| found(fragment, a, b).split(": ").next().map(str::to_owned);
    let good = || service(&[("app", "shop")], None);
    let wrong = || service(&[("app", "other")], None);
    let path = |path: &str| Some(format!("spec.strategy.{path}"));
    assert_eq!(first(stable_first, None, None), path("canary.stableService"));
    assert_eq!(first(ping_first, None, good()), path("canary.pingPong.pingService"));
    assert_eq!(first(BLUE_GREEN, wrong(), wrong()), path("blueGreen.activeService"));
    assert_eq!(first(BLUE_GREEN, good(), wrong()), path("blueGreen.previewService"));
    assert_eq!(first(BLUE_GREEN, wrong(), None), path("blueGreen.previewService"));
    assert_eq!(first(CANARY, None, wrong()), path("canary.canaryService"));
    // A label that does not match is told before the other manager.
    let both = service(&[("app", "other")], Some("other"));
    assert!(found(BLUE_GREEN, both, good()).ends_with("has unmatch label \"app\" in rollout"));
}

#[test]
fn without_names_nothing_is_looked_up() {
    assert_eq!(found("strategy: {canary: {}}", None, None), "");
    assert_eq!(
        found("strategy: {canary: {canaryService: a}}", service(&[], None), None),
        ""
    );
    let no_preview = "strategy: {canary: null, blueGreen: {activeService: a}}";
    assert_eq!(found(no_preview, service(&[], None), None), "");
}
