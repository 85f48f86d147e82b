//! `undo` and `set image`: what they send, where an answer of a server that others change meanwhile matters (contract 10 §2,
//! §3, §9). `recorded.rs` compares their answers with those of Argo Rollouts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![expect(clippy::needless_pass_by_value, reason = "json!() values read best at the call")]

mod support;

use serde_json::{Value, json};
use support::{Outcome, Server};

const ROLLOUT: &str = "GET /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/web";
const PATCH: &str = "PATCH /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/web";
const PUT: &str = "PUT /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/web";
const REPLICA_SETS: &str = "GET /apis/apps/v1/namespaces/default/replicasets";
const POD_TEMPLATE: &str = "/api/v1/namespaces/default/podtemplates/shared";

fn template(image: &str, labels: Value) -> Value {
    json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image, "resources": {}}]}})
}

fn rollout(spec: Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "default", "uid": "u", "resourceVersion": "5"}, "spec": spec})
}

fn plain() -> Value {
    let labels = json!({"app": "web"});
    rollout(
        json!({"selector": {"matchLabels": labels}, "template": template("app:v2", labels), "strategy": {"canary": {}}}),
    )
}

fn of_pod_template() -> Value {
    rollout(json!({"workloadRef": {"apiVersion": "v1", "kind": "PodTemplate", "name": "shared"}}))
}

fn revisions() -> Value {
    let replica_set = |revision: &str, image: &str| {
        json!({"metadata": {"name": format!("web-{revision}"), "annotations": {"rollout.argoproj.io/revision": revision},
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "u", "controller": true}]},
            "spec": {"template": template(image, json!({"app": "web", "rollouts-pod-template-hash": revision}))}})
    };
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSetList", "metadata": {},
        "items": [replica_set("1", "app:v1"), replica_set("2", "app:v2")]})
}

#[tokio::test]
async fn undo_replaces_the_template_without_the_label_of_the_hash() {
    let server = Server::start(&[
        (ROLLOUT, 200, plain()),
        (REPLICA_SETS, 200, revisions()),
        (PATCH, 200, plain()),
    ])
    .await;
    assert_eq!(server.run("undo web").await, Outcome::success("rollout 'web' undo\n"));
    let patch =
        json!([{"op": "replace", "path": "/spec/template", "value": template("app:v1", json!({"app": "web"}))}]);
    assert_eq!(
        server.asked(),
        [ROLLOUT.to_owned(), REPLICA_SETS.to_owned(), format!("{PATCH} {patch}")]
    );
    let skipped = "skipped rollback (current template already matches revision 2)";
    assert_eq!(server.run("undo web --to-revision 2").await, Outcome::success(skipped));
}

/// Upstream patches `/spec/template`, which a PodTemplate does not have (contract 10 §3).
#[tokio::test]
async fn the_template_of_a_pod_template_is_changed_where_it_stands() {
    let object = json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "shared", "resourceVersion": "7"},
        "template": template("app:v2", json!({"app": "web"}))});
    let (get, patch, put) = (
        format!("GET {POD_TEMPLATE}"),
        format!("PATCH {POD_TEMPLATE}"),
        format!("PUT {POD_TEMPLATE}"),
    );
    let server = Server::start(&[
        (ROLLOUT, 200, of_pod_template()),
        (REPLICA_SETS, 200, revisions()),
        (&get, 200, object.clone()),
        (&patch, 200, object.clone()),
        (&put, 200, object),
    ])
    .await;
    assert_eq!(server.run("undo web").await, Outcome::success("rollout 'web' undo\n"));
    let sent = json!([{"op": "replace", "path": "/template", "value": template("app:v1", json!({"app": "web"}))}]);
    assert_eq!(server.asked().last().unwrap(), &format!("{patch} {sent}"));
    let told = Outcome::success("podtemplate \"shared\" image updated\n");
    assert_eq!(server.run("set image web app=app:v3").await, told);
    assert_eq!(server.asked().last().unwrap(), &put);
}

#[tokio::test]
async fn an_image_is_set_again_after_a_conflict_five_times_in_all() {
    let conflict = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Conflict", "code": 409,
        "message": "the object has been modified"});
    let server = Server::start(&[(ROLLOUT, 200, plain()), (PUT, 409, conflict)]).await;
    let failed = Outcome::failure("", "Error: the object has been modified\n");
    assert_eq!(server.run("set image web app=app:v3").await, failed);
    assert_eq!(server.asked(), [ROLLOUT, PUT].repeat(5));
}

#[tokio::test]
async fn under_our_name_wrong_words_are_named() {
    let outcome = support::run("serin set image web app").await;
    let text = "Error: expected a ROLLOUT_NAME and one CONTAINER=IMAGE\nUsage: serin set image ROLLOUT_NAME CONTAINER=IMAGE \
                [flags]\nRun 'serin set image --help' for its flags.\n";
    assert_eq!(outcome, Outcome::failure("", text));
}

const EXPERIMENT: &str = "PATCH /apis/argoproj.io/v1alpha1/namespaces/default/experiments/trial";
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/files");

/// An Experiment has no `status` subresource.
#[tokio::test]
async fn an_experiment_is_retried_without_its_status() {
    let seen = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Experiment", "metadata": {"name": "trial"}});
    let server = Server::start(&[(EXPERIMENT, 200, seen)]).await;
    for word in ["experiment", "exp", "experiments"] {
        let told = Outcome::success("experiment 'trial' retried\n");
        assert_eq!(server.run(&format!("retry {word} trial")).await, told);
        let sent = format!(r#"{EXPERIMENT} {{"status":null}}"#);
        assert_eq!(server.asked().last().unwrap(), &sent);
    }
}

/// Upstream sends a ClusterAnalysisTemplate to a path that there is not, and fails (contract 10 §9).
#[tokio::test]
async fn objects_are_created_where_they_belong() {
    let group = "/apis/argoproj.io/v1alpha1";
    let made = |kind: &str, name: &str| json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": {"name": name}});
    for (file, kind, name, path) in [
        ("rollout.yaml", "Rollout", "fresh", "namespaces/default/rollouts"),
        ("rollout.json", "Rollout", "fresh", "namespaces/default/rollouts"),
        ("namespaced.yaml", "Rollout", "fresh", "namespaces/kube-public/rollouts"),
        (
            "experiment.yaml",
            "Experiment",
            "trial",
            "namespaces/default/experiments",
        ),
        (
            "template.yaml",
            "AnalysisTemplate",
            "measure",
            "namespaces/default/analysistemplates",
        ),
        (
            "cluster-template.yaml",
            "ClusterAnalysisTemplate",
            "measure-all",
            "clusteranalysistemplates",
        ),
        ("run.yaml", "AnalysisRun", "measured", "namespaces/default/analysisruns"),
    ] {
        let asked = format!("POST {group}/{path}");
        let server = Server::start(&[(&asked, 201, made(kind, name))]).await;
        let told = format!("{}.argoproj.io/{name} created\n", kind.to_lowercase());
        assert_eq!(
            server.run(&format!("create -f {FILES}/{file}")).await,
            Outcome::success(&told),
            "{file}"
        );
        assert_eq!(server.asked(), [asked]);
    }
}

#[tokio::test]
async fn what_cannot_be_created_is_told_before_anything_is_sent() {
    let server = Server::start(&[]).await;
    let decoding = "error unmarshaling JSON: while decoding JSON: ";
    for (file, error) in [
        (
            "unknown-field.yaml",
            format!("{decoding}json: unknown field \"replica\""),
        ),
        ("unknown-field.json", "json: unknown field \"zelector\"".to_owned()),
        (
            "unknown-container.yaml",
            format!("{decoding}json: unknown field \"imige\""),
        ),
        ("empty.yaml", "creates of / unsupported".to_owned()),
        ("configmap.yaml", "creates of /ConfigMap unsupported".to_owned()),
        ("deployment.yaml", "creates of apps/Deployment unsupported".to_owned()),
        (
            "nope.yaml",
            format!("open {FILES}/nope.yaml: no such file or directory"),
        ),
    ] {
        let outcome = server.run(&format!("create -f {FILES}/{file}")).await;
        assert_eq!(outcome, Outcome::failure("", &format!("Error: {error}\n")), "{file}");
    }
    let several = server.run("create -f a -f b -w").await;
    assert_eq!(
        several,
        Outcome::failure("", "Error: Cannot watch multiple resources\n")
    );
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn an_analysis_run_needs_one_template_and_all_arguments() {
    let server = Server::start(&[]).await;
    let template = format!("--from-file {FILES}/template-args.yaml");
    for (flags, error) in [
        ("", "one of --from or --from-file must be specified"),
        (
            "--from a --from-file b",
            "one of --from or --from-file must be specified",
        ),
        (
            &*format!("{template} -a service"),
            "arguments must be in the form NAME=VALUE",
        ),
        (&template, "args.service was not resolved"),
        (&format!("--from-file {FILES}/template-unnamed.yaml"), "name is invalid"),
    ] {
        let outcome = server.run(format!("create analysisrun {flags}").trim_end()).await;
        assert_eq!(outcome, Outcome::failure("", &format!("Error: {error}\n")), "{flags}");
    }
    assert!(server.asked().is_empty());
}
