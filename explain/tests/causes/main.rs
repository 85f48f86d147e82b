//! Every cause on small worlds: plain, disguised by another cause, and beside something healthy that looks alike.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value
)]

mod analysis;
mod argocd;
mod controller;
mod pods;
mod requests;
mod routers;
mod schema;
mod spec;
mod states;
mod traffic;
mod workload;
mod world;
mod writers;

/// Each id of the closed list is the expectation of at least three worlds: as the first cause, beside another, and absent
/// where something looks alike.
#[test]
fn the_list_is_closed_and_documented() {
    let ids: Vec<&str> = serin_explain::causes::ALL.iter().map(|kind| kind.id).collect();
    let issue = [
        "invalid-spec",
        "replicaset-refused",
        "unschedulable",
        "image-pull",
        "cannot-start",
        "crash",
        "out-of-memory",
        "not-ready",
        "evicted",
        "deadline",
        "analysis-failed",
        "analysis-error",
        "analysis-no-data",
        "analysis-inconclusive",
        "experiment",
        "step-plugin",
        "aborted-by-person",
        "aborted-by-argocd",
        "reference-missing",
        "selector-mismatch",
        "route-missing",
        "weight-not-verified",
        "target-unhealthy",
        "router-refused",
        "write-refused",
        "forbidden",
        "controller-absent",
        "controller-stale",
        "field-fight",
        "autoscaler",
        "disruption-budget",
        "deletion-stuck",
        "node-lost",
        "superseded",
        "out-of-sync",
        "sync-failed",
        "wave-blocked",
        "self-heal-loop",
        "ignore-differences-freeze",
        "stable-missing",
        "paused",
        "workload-scale-contested",
        "double-capacity",
        "stickiness-not-served",
    ];
    let mut sorted = (ids.clone(), issue.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1);
    assert_eq!(serin_explain::causes::UNKNOWN.id, "unknown");
    for kind in serin_explain::causes::ALL {
        assert!(
            kind.docs.ends_with('.') && kind.remedy.ends_with('.') || kind.remedy.contains(':'),
            "{}",
            kind.id
        );
    }
}

#[test]
fn the_causes_are_documented() {
    let mut table =
        String::from("| Id | What it means, and what it is seen by | What to do first |\n| --- | --- | --- |\n");
    let last = [serin_explain::causes::UNKNOWN];
    for kind in serin_explain::causes::ALL.iter().chain(&last) {
        table.push_str(&format!("| `{}` | {} | {} |\n", kind.id, kind.docs, kind.remedy));
    }
    for (id, docs) in serin_explain::causes::STATES {
        table.push_str(&format!("| `{id}` | {docs} | |\n"));
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/explain.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (head, rest) = text.split_once("--test causes documented -->\n\n").unwrap();
    let (_, tail) = rest.split_once("\n## Output for machines").unwrap();
    let wanted = format!("{head}--test causes documented -->\n\n{table}\n## Output for machines{tail}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    assert!(
        text == wanted || std::env::var_os("UPDATE").is_some(),
        "run with UPDATE=1"
    );
}
