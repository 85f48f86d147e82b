//! The commit at fault from what Argo CD alone tells.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use serin_explain::compare::Columns;
use serin_explain::explanation::{Commit, DifferenceKind, ObjectName};
use serin_explain::history::{Deployment, of_deployments};
use serin_gitops::argocd::Application;

fn rollout(image: &str, replicas: u32) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"}, "spec": {"replicas": replicas,
        "strategy": {"canary": {"stableService": "web-stable"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}}})
}

fn service(name: &str, app: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "demo"}, "spec": {"selector": {"app": app}}})
}

/// A deployment: commit, image, replicas, selector of the Service, selector of a Service that is not of the rollout.
type Row = (&'static str, &'static str, u32, &'static str, &'static str);

/// What it is about, the deployments, the stable image, whether all is well; the fault, the last good one, the commits.
type Case = (
    &'static str,
    &'static [Row],
    &'static str,
    bool,
    &'static str,
    Option<&'static str>,
    &'static [&'static str],
);

fn deployment((sha, image, replicas, app, other): Row) -> Deployment {
    let commit = Commit {
        sha: sha.into(),
        author: "Ann".into(),
        date: "2026-11-21T08:16:32Z".into(),
        message: format!("web: {sha}"),
    };
    Deployment {
        commit,
        manifests: vec![
            rollout(image, replicas),
            service("web-stable", app),
            service("other", other),
        ],
    }
}

const CASES: [Case; 6] = [
    (
        "a new image",
        &[("a", "w:1", 1, "web", ""), ("b", "w:2", 1, "web", "")],
        "w:1",
        false,
        "b",
        Some("a"),
        &["b"],
    ),
    (
        "a new image, then other changes",
        &[
            ("a", "w:1", 1, "web", ""),
            ("b", "w:2", 1, "web", ""),
            ("c", "w:2", 3, "web", ""),
            ("d", "w:2", 3, "web", "x"),
        ],
        "w:1",
        false,
        "b",
        Some("a"),
        &["b"],
    ),
    (
        "a Service that the rollout names",
        &[("a", "w:1", 1, "web", ""), ("b", "w:1", 1, "wbe", "")],
        "w:1",
        false,
        "b",
        Some("a"),
        &["b"],
    ),
    (
        "all is as wanted",
        &[("a", "w:1", 1, "web", ""), ("b", "w:2", 1, "web", "")],
        "w:2",
        true,
        "b",
        Some("b"),
        &[],
    ),
    (
        "never stable",
        &[("a", "w:1", 1, "web", ""), ("b", "w:2", 1, "web", "")],
        "w:0",
        false,
        "b",
        None,
        &["b"],
    ),
    (
        "the only deployment",
        &[("a", "w:1", 1, "web", "")],
        "w:0",
        false,
        "a",
        None,
        &[],
    ),
];

#[test]
fn the_deployment_at_fault_is_found() {
    let application =
        Application::new(json!({"metadata": {"name": "shop"}, "spec": {"destination": {"namespace": "demo"}}}));
    let object = ObjectName {
        kind: "Rollout".into(),
        namespace: "demo".into(),
        name: "web".into(),
    };
    let stable =
        |image: &str| json!({"kind": "ReplicaSet", "spec": {"template": rollout(image, 1)["spec"]["template"]}});
    for (case, rows, running, is_healthy, fault, good, commits) in CASES {
        let deployments: Vec<Deployment> = rows.iter().copied().map(deployment).collect();
        let (wanted, replicas) = rows.last().map(|row| (row.1, row.2)).unwrap();
        let (live, stable) = (rollout(wanted, replicas), stable(running));
        let columns = Columns {
            live: Some(&live),
            stable: Some(&stable),
            ..Columns::default()
        };
        let (findings, notes) = of_deployments(&object, &deployments, &application, &columns, is_healthy).unwrap();
        assert_eq!(
            (findings.revision.as_str(), findings.last_good.as_deref()),
            (fault, good),
            "{case}"
        );
        let found: Vec<&str> = findings.commits.iter().map(|commit| commit.sha.as_str()).collect();
        assert_eq!((found, notes.len()), (commits.to_vec(), 0), "{case}");
        let image = findings.fields.iter().find(|field| field.path.ends_with(".image"));
        assert_eq!(
            image.map(|field| field.kind),
            (wanted != running).then_some(DifferenceKind::Meaningful),
            "{case}"
        );
    }
    let columns = Columns::default();
    assert!(of_deployments(&object, &[], &application, &columns, false).is_none());
    let missing = ObjectName {
        name: "none".into(),
        ..object
    };
    assert!(
        of_deployments(
            &missing,
            &[deployment(("a", "w:1", 1, "web", ""))],
            &application,
            &columns,
            false
        )
        .is_none()
    );
}
