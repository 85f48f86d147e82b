//! `serin explain` against an API server: what it asks, what it never sends, and how it fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use serin_sandbox::{ApiError, ApiServer, FaultResponse, Served};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;

const CANARY: &str = "CANARY-9f3b71c2";

/// What a command printed, and its exit code.
struct Outcome {
    out: String,
    err: String,
    code: String,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn run(line: &str) -> Outcome {
    let (out, err) = (Buffer::default(), Buffer::default());
    let mut console = serin::Console::new(Box::new(out.clone()), Box::new(err.clone()), serin::Terminal::Lines);
    let code = serin::run_on(line.split(' ').map(OsString::from), &mut console).await;
    let text = |buffer: Buffer| String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    Outcome {
        out: text(out),
        err: text(err),
        code: format!("{code:?}"),
    }
}

fn code(code: u8) -> String {
    format!("{:?}", ExitCode::from(code))
}

/// An API server with rollouts and what belongs to them.
struct Cluster {
    api: ApiServer,
    served: Served,
}

impl Cluster {
    async fn new() -> Self {
        let api = ApiServer::new();
        let resource = ApiResource {
            group: "apiextensions.k8s.io".to_owned(),
            version: "v1".to_owned(),
            api_version: "apiextensions.k8s.io/v1".to_owned(),
            kind: "CustomResourceDefinition".to_owned(),
            plural: "customresourcedefinitions".to_owned(),
        };
        let definitions: Api<DynamicObject> = Api::all_with(api.client(), &resource);
        for (_, text) in serin_core::crd::manifests().unwrap() {
            for document in serin_core::notation::yaml::parse_docs(&text).unwrap() {
                let definition = serde_json::from_value(document.value).unwrap();
                definitions.create(&PostParams::default(), &definition).await.unwrap();
            }
        }
        let served = api.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        Self { api, served }
    }

    async fn run(&self, words: &str) -> Outcome {
        run(&format!("serin {words} --server {}", self.served.url())).await
    }

    /// Stores a rollout and gives its UID.
    async fn rollout(&self, name: &str, phase: &str) -> String {
        self.api.store_as_is("argoproj.io", "rollouts", rollout(name, phase));
        rollouts(&self.api).get(name).await.unwrap().metadata.uid.unwrap()
    }

    async fn uid_of<K>(&self, name: &str) -> String
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
        K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.api.client(), "default");
        api.get(name).await.unwrap().meta().uid.clone().unwrap()
    }

    /// A degraded rollout whose new pod cannot pull its image, with secrets in all kinds of places.
    async fn broken(&self, name: &str) {
        let owner = self.rollout(name, "Degraded").await;
        for (hash, revision, replicas, ready) in [("aaa", "1", 2, 2), ("bbb", "2", 1, 0)] {
            let set = format!("{name}-{hash}");
            self.api.store_as_is("apps", "replicasets", json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": {"name": set, "namespace": "default", "labels": {"app": name, "rollouts-pod-template-hash": hash},
                    "annotations": {"rollout.argoproj.io/revision": revision, "vault.example/key": CANARY},
                    "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name, "uid": owner, "controller": true}]},
                "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                    "template": {"metadata": {"labels": {"app": name, "rollouts-pod-template-hash": hash}}, "spec": spec(if hash == "aaa" { "shop:1" } else { "shop:2" })}},
                "status": {"replicas": replicas, "readyReplicas": ready, "availableReplicas": ready},
            }));
        }
        let set = self
            .uid_of::<k8s_openapi::api::apps::v1::ReplicaSet>(&format!("{name}-bbb"))
            .await;
        let pod = format!("{name}-bbb-x");
        self.api.store_as_is("", "pods", json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": pod, "namespace": "default", "labels": {"app": name, "rollouts-pod-template-hash": "bbb"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": set, "controller": true}]},
            "spec": spec("shop:2"),
            "status": {"phase": "Pending", "containerStatuses": [{"name": "web", "ready": false, "restartCount": 2, "image": "shop:2",
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": format!("pulling https://u:{CANARY}@registry.example/shop?token={CANARY}")}},
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": format!("panic: {CANARY}")}}}]},
        }));
        self.api.store_as_is("", "events", json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{pod}.1"), "namespace": "default"},
            "involvedObject": {"kind": "Pod", "name": pod, "namespace": "default"}, "type": "Warning", "reason": "Failed",
            "message": format!("Error: cannot pull; it said {CANARY}"), "lastTimestamp": "2026-01-01T00:00:00Z",
        }));
    }
}

fn rollouts(api: &ApiServer) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: "argoproj.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "Rollout".to_owned(),
        plural: "rollouts".to_owned(),
    };
    Api::namespaced_with(api.client(), "default", &resource)
}

fn spec(image: &str) -> Value {
    json!({"containers": [{"name": "web", "image": image, "args": [format!("--key={CANARY}"), CANARY],
        "env": [{"name": "KEY", "value": CANARY}], "command": ["run", CANARY],
        "livenessProbe": {"httpGet": {"path": format!("/?token={CANARY}"), "port": 80, "httpHeaders": [{"name": "Authorization", "value": CANARY}]}}}]})
}

fn rollout(name: &str, phase: &str) -> Value {
    let (stable, current) = if phase == "Healthy" {
        ("aaa", "aaa")
    } else {
        ("aaa", "bbb")
    };
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": name, "namespace": "default", "generation": 2,
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": format!("{{\"key\":\"{CANARY}\"}}")}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec("shop:2")},
            "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}},
        "status": {"phase": phase, "message": if phase == "Healthy" { "" } else { "ProgressDeadlineExceeded: ReplicaSet has timed out progressing." },
            "observedGeneration": "2", "stableRS": stable, "currentPodHash": current, "replicas": 3, "readyReplicas": 2,
            "conditions": if phase == "Healthy" { json!([]) } else { json!([{"type": "Progressing", "status": "False",
                "reason": "ProgressDeadlineExceeded", "message": "ReplicaSet has timed out progressing.",
                "lastUpdateTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}]) }},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_needed_is_read_and_nothing_is_written() {
    let cluster = Cluster::new().await;
    for at in 0..999 {
        cluster
            .api
            .store_as_is("argoproj.io", "rollouts", rollout(&format!("healthy-{at}"), "Healthy"));
    }
    cluster.broken("shop").await;
    cluster.api.clear_requests();
    let began = Instant::now();
    let outcome = cluster.run("explain -A -o line").await;
    let took = began.elapsed();
    assert_eq!((outcome.err.as_str(), outcome.code), ("", code(0)));
    assert_eq!(outcome.out.lines().count(), 1, "{}", outcome.out);
    assert!(outcome.out.starts_with("rollout/shop in default is Degraded: the pod of revision 2 cannot pull image shop:2; users are on revision 1, 100 %, 2/2 ready"), "{}", outcome.out);
    let requests = cluster.api.requests();
    assert!(
        !requests.iter().any(serin_sandbox::RequestRecord::is_write),
        "nothing is written"
    );
    let verbs: std::collections::BTreeSet<_> = requests.iter().map(|it| it.request.verb.clone()).collect();
    assert_eq!(verbs.into_iter().collect::<Vec<_>>(), ["list"]);
    // Two pages of rollouts, then one list for each kind.
    assert!(requests.len() <= 16, "{} requests", requests.len());
    assert!(!requests.iter().any(|it| it.request.resource == "secrets"));
    eprintln!("1,000 rollouts: {} requests, {took:?}", requests.len());
}

/// Those that a rollout owns are explained with it; those that succeeded need no explanation.
#[tokio::test(flavor = "multi_thread")]
async fn runs_and_experiments_on_their_own_are_explained_without_names() {
    let cluster = Cluster::new().await;
    let owner = json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "u", "controller": true}]);
    let store = |kind: &str, plural: &str, name: &str, phase: &str, owners: &Value| {
        let spec = json!({"metrics": [], "templates": []});
        let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "spec": spec, "status": {"phase": phase, "message": "it says why"},
            "metadata": {"name": name, "namespace": "default", "ownerReferences": owners}});
        cluster.api.store_as_is("argoproj.io", plural, object);
    };
    store("AnalysisRun", "analysisruns", "load-test", "Failed", &json!([]));
    store(
        "AnalysisRun",
        "analysisruns",
        "load-test-before",
        "Successful",
        &json!([]),
    );
    store("AnalysisRun", "analysisruns", "web-2-1", "Failed", &owner);
    store("Experiment", "experiments", "baseline", "Error", &json!([]));
    store("Experiment", "experiments", "web-2-1-0", "Error", &owner);
    for words in ["explain -o line", "explain -A -o line"] {
        let outcome = cluster.run(words).await;
        assert_eq!((outcome.err.as_str(), outcome.code), ("", code(0)));
        let mut told: Vec<_> = outcome
            .out
            .lines()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        told.sort_unstable();
        assert_eq!(
            told,
            ["analysisrun/load-test", "experiment/baseline"],
            "{}",
            outcome.out
        );
    }

    // A reader of rollouts alone is told what was left out, and how to be allowed it.
    cluster.api.intercept(Box::new(|request| {
        let closed = request.resource == "experiments";
        closed.then(|| FaultResponse::Refuse(ApiError::new(403, "Forbidden", "no")))
    }));
    let outcome = cluster.run("explain").await;
    assert!(
        outcome
            .out
            .contains("list experiments.argoproj.io in namespace default"),
        "{}{}",
        outcome.out,
        outcome.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_printed_or_saved() {
    let cluster = Cluster::new().await;
    cluster.broken("shop").await;
    let file = std::env::temp_dir().join(format!("serin-explain-{}.json", std::process::id()));
    let bundle = file.display();
    let outcome = cluster
        .run(&format!("explain rollout/shop -o json --save {bundle}"))
        .await;
    assert_eq!(outcome.code, code(0), "{}", outcome.err);
    let saved = std::fs::read_to_string(&file).unwrap();
    assert!(saved.contains("ImagePullBackOff"));
    for text in [&outcome.out, &outcome.err, &saved] {
        assert!(!text.contains(CANARY), "{text}");
    }
    let answer: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(answer["explanations"][0]["causes"][0]["id"], "image-pull");
    assert_eq!(answer["explanations"][0]["causes"][1]["id"], "deadline");
    for form in ["text --details", "markdown", "line", "json"] {
        let live = cluster.run(&format!("explain shop -o {form}")).await;
        let later = run(&format!("serin explain shop --bundle {bundle} -o {form}")).await;
        assert_eq!((later.code.clone(), later.err.as_str()), (code(0), ""));
        for text in [&live.out, &later.out] {
            assert!(text.contains("shop:2") && !text.contains(CANARY), "{text}");
        }
        if form != "line" {
            continue;
        }
        assert_eq!(live.out, later.out, "a bundle is explained as the cluster was");
    }
    std::fs::remove_file(&file).unwrap();
}

/// What comes next depends on the templates that an analysis names.
#[tokio::test(flavor = "multi_thread")]
async fn the_templates_of_an_analysis_are_read() {
    let cluster = Cluster::new().await;
    cluster.broken("shop").await;
    let templates = || {
        let requests = cluster.api.requests();
        let of = |kind: &str| requests.iter().any(|it| it.request.resource == kind);
        (of("analysistemplates"), of("clusteranalysistemplates"))
    };
    cluster.run("explain shop").await;
    assert_eq!(templates(), (false, false), "nothing names a template");
    cluster.api.store_as_is("argoproj.io", "analysistemplates", json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "load", "namespace": "default"},
        "spec": {"metrics": [{"name": "load", "provider": {"web": {"url": format!("https://example.com/?key={CANARY}")}}}]},
    }));
    let steps = json!([{"setWeight": 50}, {"analysis": {"templates": [{"templateName": "load"}]}}]);
    let patch = json!({"spec": {"strategy": {"canary": {"steps": steps}}}});
    let rollouts = rollouts(&cluster.api);
    let (params, patch) = (PatchParams::default(), Patch::Merge(patch));
    rollouts.patch("shop", &params, &patch).await.unwrap();
    let outcome = cluster.run("explain shop -o json").await;
    assert_eq!(outcome.code, code(0), "{}", outcome.err);
    assert_eq!(templates(), (true, true));
    let answer: Value = serde_json::from_str(&outcome.out).unwrap();
    let next = answer["explanations"][0]["next"].as_str().unwrap();
    assert!(
        !next.contains("AnalysisTemplates were not read") && !outcome.out.contains(CANARY),
        "{}",
        outcome.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_read_is_said_with_the_permission() {
    let cluster = Cluster::new().await;
    cluster.broken("shop").await;
    cluster.api.intercept(Box::new(|request| {
        let closed = request.resource == "pods" || request.resource == "leases";
        closed.then(|| FaultResponse::Refuse(ApiError::new(403, "Forbidden", "no")))
    }));
    let outcome = cluster.run("explain shop -o json").await;
    assert_eq!(outcome.code, code(0), "{}", outcome.err);
    let answer: Value = serde_json::from_str(&outcome.out).unwrap();
    let one = &answer["explanations"][0];
    let ids: Vec<_> = one["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["deadline"], "what was not seen is not guessed");
    assert_eq!(one["causes"][0]["confidence"], "inferred");
    let unread: Vec<_> = one["unread"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["permission"].as_str().unwrap())
        .collect();
    assert!(unread.contains(&"list pods in namespace default"), "{unread:?}");
    assert!(
        unread.contains(&"list leases.coordination.k8s.io in all namespaces"),
        "{unread:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_one_message_and_exit_code_2() {
    let cluster = Cluster::new().await;
    cluster.rollout("web", "Healthy").await;
    for (words, told) in [
        ("explain rollout/nope", "rollout.argoproj.io \"nope\" not found"),
        (
            "explain deployment/web",
            "\"deployment\" cannot be explained; use rollout/NAME",
        ),
        ("explain rollout/", "is no name; use rollout/NAME"),
        ("explain web -A", "--all-namespaces goes without names"),
        ("explain web --app shop", "application \"shop\" does not exist"),
        ("explain --bundle /nowhere/b.json", "/nowhere/b.json: "),
    ] {
        let outcome = cluster.run(words).await;
        assert_eq!((outcome.out.as_str(), outcome.code), ("", code(2)), "{words}");
        assert!(
            outcome.err.starts_with("Error: ") && outcome.err.contains(told),
            "{words}: {}",
            outcome.err
        );
    }
    let gone = run("serin explain web --server http://127.0.0.1:1").await;
    assert_eq!(gone.code, code(2));
    assert!(
        gone.err.contains("cannot reach") && gone.err.contains("connection refused"),
        "{}",
        gone.err
    );
    cluster.api.intercept(Box::new(|_| {
        Some(FaultResponse::Refuse(ApiError::new(403, "Forbidden", "you may not")))
    }));
    let forbidden = cluster.run("explain web").await;
    assert_eq!(forbidden.code, code(2), "{}", forbidden.err);
    assert!(forbidden.err.contains("you may not"), "{}", forbidden.err);
}

/// A repository whose last commit changes the image, and the one before it.
fn repository(folder: &std::path::Path) -> (String, String) {
    let repository = git2::Repository::init(folder).unwrap();
    let commit = |image: &str, message: &str| {
        let mut object = rollout("shop", "Healthy");
        object["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        object.as_object_mut().unwrap().remove("status");
        object["metadata"] = json!({"name": "shop", "namespace": "default"});
        let overlay = folder.join("overlays/prod");
        std::fs::create_dir_all(&overlay).unwrap();
        std::fs::write(
            overlay.join("rollout.yaml"),
            serde_json::to_string_pretty(&object).unwrap(),
        )
        .unwrap();
        std::fs::write(overlay.join("kustomization.yaml"), "resources:\n- rollout.yaml\n").unwrap();
        let mut index = repository.index().unwrap();
        for file in ["rollout.yaml", "kustomization.yaml"] {
            let file = std::path::Path::new("overlays/prod").join(file);
            index.add_path(&file).unwrap();
        }
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let author = git2::Signature::now("Ada", "ada@example.org").unwrap();
        let parent = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        repository
            .commit(Some("HEAD"), &author, &author, message, &tree, &parents)
            .unwrap()
            .to_string()
    };
    (commit("shop:1", "the first image"), commit("shop:2", "a newer image"))
}

#[tokio::test(flavor = "multi_thread")]
async fn git_names_the_commit_at_fault_and_the_line_to_edit() {
    let cluster = Cluster::new().await;
    cluster.broken("shop").await;
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = repository(folder.path());
    let git = folder.path().display();
    let outcome = cluster.run(&format!("explain shop --git {git} -o json")).await;
    if let Err(error) = serin_gitops::kustomize::Program::find() {
        // Without kustomize the answer is its absence.
        assert!(
            outcome.code == code(2) && outcome.err.contains("kustomize"),
            "{error}: {}",
            outcome.err
        );
        return;
    }
    assert_eq!(outcome.code, code(0), "{}", outcome.err);
    let answer: Value = serde_json::from_str(&outcome.out).unwrap();
    let one = &answer["explanations"][0];
    assert_eq!(
        (one["git"]["revision"].as_str(), one["git"]["lastGood"].as_str()),
        (Some(bad.as_str()), Some(good.as_str()))
    );
    assert_eq!(one["git"]["commits"][0]["message"], "a newer image");
    let image = one["git"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["path"].as_str().unwrap().ends_with("image"))
        .unwrap();
    assert_eq!(
        (image["git"].as_str(), image["stable"].as_str(), image["kind"].as_str()),
        (Some("shop:2"), Some("shop:1"), Some("meaningful"))
    );
    assert_eq!(image["file"], "overlays/prod/rollout.yaml");
    let commands = one["commands"].as_array().unwrap();
    assert!(
        commands.iter().any(|it| it["run"] == format!("git revert {bad}")),
        "{commands:?}"
    );
    assert!(!outcome.out.contains(CANARY));
    for (place, told) in [
        ("/nowhere", "--git /nowhere: "),
        ("https://127.0.0.1:1/x.git", "--git: "),
    ] {
        let outcome = cluster.run(&format!("explain shop --git {place}")).await;
        assert_eq!((outcome.out.as_str(), outcome.code), ("", code(2)), "{place}");
        assert!(outcome.err.contains(told), "{}", outcome.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn argocds_api_is_asked_where_it_is_named() {
    let cluster = Cluster::new().await;
    cluster.broken("shop").await;
    let (good, bad) = ("a".repeat(40), "b".repeat(40));
    let resource = json!({"group": "argoproj.io", "version": "v1alpha1", "kind": "Rollout", "namespace": "default", "name": "shop", "status": "OutOfSync"});
    let app = json!({
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"project": "default", "source": {"repoURL": format!("https://u:{CANARY}@git.example/x.git"), "path": "prod", "helm": {"values": CANARY}},
            "destination": {"namespace": "default"}, "syncPolicy": {"automated": {"selfHeal": true}}},
        "status": {"resources": [resource], "sync": {"status": "OutOfSync", "revision": bad},
            "history": [{"id": 0, "revision": good, "deployedAt": "2026-01-01T00:00:00Z"}], "operationState": {"phase": "Succeeded"}},
    });
    let mut manifest = rollout("shop", "Healthy");
    manifest.as_object_mut().unwrap().remove("status");
    let metadata =
        |message: &str| json!({"author": "Ada <ada@example.org>", "date": "2026-01-01T00:00:00Z", "message": message});
    let argocd = support::Server::start(&[
        ("GET /api/v1/settings", 200, json!({"trackingMethod": "annotation"})),
        ("GET /api/v1/applications/shop", 200, app),
        (
            "GET /api/v1/applications/shop/manifests",
            200,
            json!({"manifests": [manifest.to_string()]}),
        ),
        (
            &format!("GET /api/v1/applications/shop/revisions/{good}/metadata"),
            200,
            metadata("good"),
        ),
        (
            &format!("GET /api/v1/applications/shop/revisions/{bad}/metadata"),
            200,
            metadata("bad"),
        ),
    ])
    .await;
    let server = argocd.url();
    let outcome = cluster
        .run(&format!("explain shop --app shop --argocd-server {server} -o json"))
        .await;
    assert_eq!(outcome.code, code(0), "{}", outcome.err);
    let answer: Value = serde_json::from_str(&outcome.out).unwrap();
    let one = &answer["explanations"][0];
    let ids: Vec<_> = one["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["image-pull", "deadline", "out-of-sync"]);
    assert!(
        [&good, &bad].iter().any(|it| one["git"]["revision"] == it.as_str()),
        "{}",
        one["git"]
    );
    let abort = one["commands"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["run"] == "serin abort shop -n default")
        .unwrap();
    assert!(
        abort["gitops"]
            .as_str()
            .unwrap()
            .starts_with("Argo CD leaves it as it is"),
        "{abort}"
    );
    assert!(!outcome.out.contains(CANARY));
    let asked = argocd.asked();
    assert!(
        asked.len() >= 4 && asked.iter().all(|it| it.starts_with("GET ")),
        "{asked:?}"
    );
    let unknown = cluster
        .run(&format!("explain shop --app nope --argocd-server {server}"))
        .await;
    assert_eq!(unknown.code, code(2));
    assert!(
        unknown.err.contains("application \"nope\" does not exist"),
        "{}",
        unknown.err
    );
}
