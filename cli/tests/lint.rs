//! `lint`: the first finding is the error, and what is right says nothing (contract 10 §6, §8). `recorded.rs` compares many more
//! files with Argo Rollouts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{Outcome, run};

async fn lint(name: &str) -> Outcome {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/files/lint");
    run(&format!("kubectl-argo-rollouts lint -f {folder}/{name}")).await
}

#[tokio::test]
async fn the_first_finding_is_the_error() {
    for (name, text) in [
        (
            "surge.yaml",
            "spec.strategy.maxSurge: Invalid value: 0: MaxSurge and MaxUnavailable both can not be zero",
        ),
        (
            "surge.json",
            "spec.strategy.maxSurge: Invalid value: 0: MaxSurge and MaxUnavailable both can not be zero",
        ),
        (
            "unknown.yaml",
            "error unmarshaling JSON: while decoding JSON: json: unknown field \"stepz\"",
        ),
        (
            "no-selector.yaml",
            "spec.selector: Required value: Rollout has missing field '.spec.selector'",
        ),
        (
            "service-labels.yaml",
            "spec.strategy.canary.canaryService: Invalid value: \"c\": Service \"c\" has unmatch label \"app\" in rollout",
        ),
        (
            "ping-pong.yaml",
            "spec.strategy.canary.pingPong.pingService: Invalid value: \"ping\": Service \"ping\" has unmatch label \"app\" in \
             rollout",
        ),
        (
            "nginx-experiment.yaml",
            "spec.strategy.steps[1].experiment.templates[0].weight: Invalid value: 20: Experiment template weight is only \
             available for TrafficRouting with SMI, ALB, Istio and Plugins at this time",
        ),
        (
            "istio-missing-canary.yaml",
            "spec.strategy.canary.trafficRouting.istio.virtualService.name: Invalid value: \"v\": Istio VirtualService has \
             invalid HTTP routes. Error: Canary Service 'c' not found in route",
        ),
    ] {
        let outcome = lint(name).await;
        assert_eq!(outcome.err, format!("Error: {text}\n"), "{name}");
        assert!(!outcome.success, "{name}");
        // The rest of the finding, unless the file cannot be read as a rollout.
        let body = text.split_once(": ").map(|(_, body)| body).unwrap();
        let first = if text.starts_with("spec.") { Some(body) } else { None };
        assert_eq!(outcome.out.lines().next(), first, "{name}");
    }
}

#[tokio::test]
async fn what_is_right_says_nothing() {
    for name in [
        "good.yaml",
        "good-bluegreen.yaml",
        "workload-ref.yaml",
        "nginx.yaml",
        "nginx-wrong.yaml",
        "istio.yaml",
        "istio-hosts.yaml",
        "istio-named.yaml",
        "istio-subsets.yaml",
        "istio-tls.yaml",
        "istio-after-plain.yaml",
        "other-kinds.yaml",
    ] {
        assert_eq!(lint(name).await, Outcome::success(""), "{name}");
    }
}
