//! Argo CD's API and its Application object, from recorded answers of a real Argo CD 3.6.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use serin_gitops::argocd::{
    ApiError, Application, ApplicationName, Client, Connection, ConnectionOptions, IgnoreRule, ObjectKey, Tracking,
};
use serin_gitops::git::remote::Secret;
use support::argo_cd::{ArgoCd, Route, TOKEN, recorded};

const HEALTHY: &[Route] = &[
    ("/api/version", 200, "03-version.json"),
    ("/api/v1/settings", 200, "04-settings.json"),
    (
        "/api/v1/applications?selector=team%3Dshop",
        200,
        "11c-applications-selector.json",
    ),
    ("/api/v1/applications?fields=", 200, "11-applications-fields.json"),
    (
        "/api/v1/applications/web?project=default",
        200,
        "10-application-paused.json",
    ),
    (
        "/api/v1/applications/web?project=other",
        404,
        "61-error-wrong-project.json",
    ),
    (
        "/api/v1/applications/nope?project=default",
        404,
        "62-error-missing-app.json",
    ),
    ("/api/v1/applications/nope", 403, "63-error-missing-app-no-project.json"),
    (
        "/api/v1/applications/web/managed-resources?group=argoproj.io&kind=Rollout&namespace=demo&name=web",
        200,
        "14-managed-resources-rollout.json",
    ),
    (
        "/api/v1/applications/web/managed-resources",
        200,
        "13-managed-resources-all.json",
    ),
    (
        "/api/v1/applications/web/resource-tree",
        200,
        "12-resource-tree-paused.json",
    ),
    (
        "/api/v1/applications/web/resource?namespace=demo&resourceName=web-7f8b9c6d54-2-1&group=argoproj.io&version=v1alpha1&kind=AnalysisRun",
        200,
        "16-resource-analysisrun-live.json",
    ),
    (
        "/api/v1/applications/web/resource?namespace=demo&resourceName=web-canary&group=&version=v1&kind=Service",
        200,
        "17-resource-core-group.json",
    ),
    (
        "/api/v1/applications/web/resource?namespace=demo&resourceName=zzz",
        400,
        "65-error-resource-not-in-app.json",
    ),
    (
        "/api/v1/applications/web/events?resourceUID",
        200,
        "25-events-resource.json",
    ),
    ("/api/v1/applications/web/events", 200, "24-events-app.json"),
    (
        "/api/v1/applications/web/revisions/main",
        500,
        "23-revision-metadata-branch.json",
    ),
    (
        "/api/v1/applications/web/revisions/2ea371191c47711349c9500e04996905c06fb7e8/metadata",
        200,
        "22-revision-metadata.json",
    ),
    (
        "/api/v1/applications/web/revisions/88d5e8c74f36aeeb239740dcab82f4c02b5d56b1/metadata?project=default",
        200,
        "22-revision-metadata.json",
    ),
    (
        "/api/v1/applications/web/manifests?revision=broken",
        500,
        "51-manifests-error.json",
    ),
    (
        "/api/v1/applications/web/manifests?revision=denied",
        403,
        "68-error-logs-denied.json",
    ),
    (
        "/api/v1/applications/web/manifests?revision=2ea3",
        200,
        "21-manifests-old-revision.json",
    ),
    ("/api/v1/applications/web/manifests", 200, "20-manifests-current.json"),
];

fn client(server: &ArgoCd, token: &str) -> Client {
    let options = ConnectionOptions {
        server: Some(server.url()),
        token: (!token.is_empty()).then(|| Secret::new(token.to_owned())),
        ..ConnectionOptions::default()
    };
    Client::new(Connection::find(&options, |_| None).unwrap().unwrap()).unwrap()
}

fn name(name: &str) -> ApplicationName {
    ApplicationName {
        namespace: None,
        name: name.to_owned(),
    }
}

fn application(file: &str) -> Application {
    Application::new(serde_json::from_str(&recorded(file)).unwrap())
}

const ROLLOUT: ObjectKey<'_> = ObjectKey {
    group: "argoproj.io",
    version: "v1alpha1",
    kind: "Rollout",
    namespace: "demo",
    name: "web",
};

#[tokio::test]
async fn everything_is_read_and_nothing_is_written() {
    let server = ArgoCd::start(HEALTHY);
    let argo_cd = client(&server, TOKEN);
    assert_eq!(argo_cd.version().await.unwrap().argo_cd, "v3.6.0+37ee009.dirty");
    let settings = argo_cd.settings().await.unwrap();
    assert_eq!(
        settings.tracking,
        Tracking {
            label: "app.kubernetes.io/instance".into(),
            by_label: false
        }
    );
    let everywhere = IgnoreRule {
        group: "*".into(),
        kind: "*".into(),
        pointers: vec!["/status".into()],
        ..IgnoreRule::default()
    };
    assert_eq!(
        (settings.ignore_rules, settings.namespace.as_str()),
        (vec![everywhere], "argocd")
    );

    let web = argo_cd.application(&name("web"), Some("default")).await.unwrap();
    applications(&argo_cd, &web).await;
    objects(&argo_cd, &web).await;
    revisions(&argo_cd, &web).await;

    assert_eq!(server.writes(), [""; 0]);
    let unscoped: Vec<String> = server
        .requests()
        .into_iter()
        .filter(|request| request.contains("/applications/") && !request.contains("project=default"))
        .collect();
    assert_eq!(unscoped, [""; 0], "each request names the project");
}

async fn applications(argo_cd: &Client, web: &Application) {
    assert_eq!(
        (web.name(), web.namespace(), web.project()),
        ("web", "argocd", "default")
    );
    let listed = argo_cd
        .applications(None, &["items.metadata.name", "items.status.sync"])
        .await
        .unwrap();
    assert!(listed.iter().any(|application| application.name() == "web"));
    assert_eq!(argo_cd.applications(Some("team=shop"), &[]).await.unwrap(), []);
}

async fn objects(argo_cd: &Client, web: &Application) {
    let all = argo_cd.managed_resources(web, None).await.unwrap();
    assert_eq!(all.iter().filter(|resource| resource.kind == "Rollout").count(), 1);
    let one = argo_cd.managed_resources(web, Some(ROLLOUT)).await.unwrap();
    let target = one[0].target.as_ref().unwrap();
    assert_eq!(
        target.pointer("/spec/template/spec/containers/0/image"),
        Some(&json!("registry.example/web:1.2"))
    );
    assert!(
        one[0].live.is_some()
            && one[0].normalized_live.is_some()
            && one[0].predicted_live.is_some()
            && !one[0].modified
    );

    let tree = argo_cd.resource_tree(web).await.unwrap();
    let pod = tree.iter().find(|node| node.kind == "Pod").unwrap();
    assert_eq!((pod.info["Status Reason"].as_str(), pod.parents.len()), ("Pending", 1));
    assert!(
        tree.iter()
            .any(|node| node.kind == "ReplicaSet" && node.info.contains_key("Revision"))
    );

    let run = ObjectKey {
        kind: "AnalysisRun",
        name: "web-7f8b9c6d54-2-1",
        ..ROLLOUT
    };
    assert_eq!(
        argo_cd.resource(web, run).await.unwrap().unwrap()["kind"],
        "AnalysisRun"
    );
    let service = ObjectKey {
        group: "",
        version: "v1",
        kind: "Service",
        name: "web-canary",
        ..ROLLOUT
    };
    assert_eq!(
        argo_cd.resource(web, service).await.unwrap().unwrap()["kind"],
        "Service"
    );
}

async fn revisions(argo_cd: &Client, web: &Application) {
    let events = argo_cd.events(web, None).await.unwrap();
    assert!(
        events
            .iter()
            .any(|event| event.reason == "OperationStarted" && event.object == "Application/web"),
        "{events:?}"
    );
    assert_eq!(
        argo_cd.events(web, Some(("6d3a716f", "web", "demo"))).await.unwrap(),
        []
    );
    let commit = argo_cd
        .revision(web, "88d5e8c74f36aeeb239740dcab82f4c02b5d56b1", None)
        .await
        .unwrap();
    assert_eq!(
        (commit.author.as_str(), commit.date.as_str()),
        ("Lab User <lab@example.invalid>", "2026-11-21T08:17:05Z")
    );
    let kinds = |manifests: Vec<Value>| {
        manifests
            .iter()
            .map(|object| object["kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(kinds(argo_cd.manifests(web, None).await.unwrap()).contains(&"Rollout".to_owned()));
    let old = argo_cd
        .manifests(web, Some("2ea371191c47711349c9500e04996905c06fb7e8"))
        .await
        .unwrap();
    assert!(kinds(old).contains(&"Rollout".to_owned()));
    let (deployed, errors) = argo_cd.deployments(web, 10).await;
    let revisions: Vec<&str> = deployed.iter().map(|deployed| &deployed.revision[..4]).collect();
    assert_eq!((revisions, errors), (vec!["2ea3", "88d5"], vec![]));
    assert!(
        deployed
            .iter()
            .all(|deployed| deployed.manifests.len() > 2 && !deployed.metadata.author.is_empty())
    );
    let (last, _) = argo_cd.deployments(web, 1).await;
    assert_eq!(last[0].revision, deployed[1].revision);
}

#[tokio::test]
async fn refusals_are_clear() {
    let server = ArgoCd::start(HEALTHY);
    let argo_cd = client(&server, TOKEN);
    let web = argo_cd.application(&name("web"), Some("default")).await.unwrap();
    let said = |error: ApiError| {
        let text = error.to_string();
        assert!(
            !text.contains("canary") && !format!("{error:?}").contains("canary"),
            "{text}"
        );
        text
    };
    for token in ["", "canary-wrong"] {
        let error = said(
            client(&server, token)
                .application(&name("web"), Some("default"))
                .await
                .unwrap_err(),
        );
        assert!(
            error.contains("does not accept the token (no session information)") && error.contains("ARGOCD_AUTH_TOKEN"),
            "{error}"
        );
    }
    let error = said(argo_cd.application(&name("web"), Some("other")).await.unwrap_err());
    assert_eq!(
        error,
        "Argo CD has no application `web` in the project `other`; check the name, the project and the namespace"
    );
    let error = said(argo_cd.application(&name("nope"), Some("default")).await.unwrap_err());
    assert!(
        error.starts_with("Argo CD has no application `nope` in the project `default`"),
        "{error}"
    );
    let error = said(argo_cd.application(&name("nope"), None).await.unwrap_err());
    assert_eq!(
        error,
        "Argo CD does not allow to read the application, or there is no application `nope`; the account needs the permission \
         `applications, get, PROJECT/nope`"
    );
    let missing = ObjectKey { name: "zzz", ..ROLLOUT };
    let error = said(argo_cd.resource(&web, missing).await.unwrap_err());
    assert_eq!(error, "Rollout/zzz does not belong to the application `web`");
    let error = said(argo_cd.revision(&web, "main", None).await.unwrap_err());
    assert_eq!(
        error,
        "Argo CD cannot read the author and message of a commit: revision main must be resolved"
    );
    let error = said(argo_cd.manifests(&web, Some("broken")).await.unwrap_err());
    assert!(
        error.starts_with("Argo CD cannot make the manifests: `kustomize build"),
        "{error}"
    );
    let error = said(argo_cd.manifests(&web, Some("denied")).await.unwrap_err());
    assert!(
        error.ends_with("needs the permission `logs, get, default/web`"),
        "{error}"
    );
    assert_eq!(server.writes(), [""; 0]);
}

#[tokio::test]
async fn what_is_not_argo_cd_is_told() {
    let pages = ArgoCd::start(&[("/api/v1/settings", 200, "x.html"), ("/api/version", 302, "x.html")]);
    let argo_cd = client(&pages, TOKEN);
    for error in [
        argo_cd.settings().await.unwrap_err(),
        argo_cd.version().await.unwrap_err(),
    ] {
        assert!(matches!(error, ApiError::NotArgoCd { .. }), "{error}");
    }
    let error = argo_cd.applications(None, &[]).await.unwrap_err();
    assert!(error.to_string().contains("it answers 404"), "{error}");
    let options = ConnectionOptions {
        server: Some("http://127.0.0.1:1".into()),
        ..ConnectionOptions::default()
    };
    let nobody = Client::new(Connection::find(&options, |_| None).unwrap().unwrap()).unwrap();
    assert!(
        nobody
            .version()
            .await
            .unwrap_err()
            .to_string()
            .starts_with("cannot reach Argo CD at http://127.0.0.1:1")
    );
    let clear = ConnectionOptions {
        server: Some("http://cd.example.com".into()),
        token: Some(Secret::new("canary".into())),
        ..options
    };
    let error = Client::new(Connection::find(&clear, |_| None).unwrap().unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("not sent in the clear") && !error.contains("canary"),
        "{error}"
    );
}

#[test]
fn the_application_object_alone_tells_its_state() {
    let paused = application("10-application-paused.json");
    assert_eq!(paused.sources()[0].path, "apps/web/overlays/prod");
    assert_eq!(paused.sync().revisions, ["88d5e8c74f36aeeb239740dcab82f4c02b5d56b1"]);
    assert_eq!(
        (paused.sync().status.as_str(), paused.health()),
        ("Synced", "Suspended")
    );
    let history = paused.history();
    let revisions: Vec<&str> = history.iter().map(|deployed| &deployed.revisions[0][..4]).collect();
    assert_eq!(revisions, ["2ea3", "88d5"]);
    assert!(paused.is_automated() && !paused.is_self_healing() && !paused.is_hydrated());
    let rollout = paused
        .resources()
        .into_iter()
        .find(|resource| resource.kind == "Rollout")
        .unwrap();
    assert_eq!(
        (rollout.health.as_deref(), rollout.status.as_str()),
        (Some("Suspended"), "Synced")
    );

    let failed = application("81-application-sync-failed-degraded.json")
        .operation()
        .unwrap();
    assert_eq!(failed.phase, "Running");
    assert!(failed.retries > 0 && !failed.message.is_empty(), "{failed:?}");
    let waiting = application("80-application-sync-waiting-on-paused.json")
        .operation()
        .unwrap();
    assert!(
        waiting
            .message
            .contains("waiting for healthy state of argoproj.io/Rollout/web"),
        "{}",
        waiting.message
    );
    let broken = application("50-application-comparison-error.json").conditions();
    assert!(
        broken
            .iter()
            .any(|condition| condition.kind == "ComparisonError" && condition.message.contains("kustomize build"))
    );

    let frozen = application("90-application-frozen-array.json");
    assert!(frozen.has_sync_option("RespectIgnoreDifferences=true") && !frozen.is_automated());
    let rules = frozen.ignore_rules();
    assert_eq!(rules[0].jq, [".spec.http[].route[].weight"]);
    assert!(rules[0].matches("networking.istio.io", "VirtualService", "demo", "web"));
    assert!(!rules[0].matches("", "VirtualService", "demo", "web"));
}

#[test]
fn several_sources_and_a_hydrator_are_read() {
    let several = Application::new(
        json!({"spec": {"sources": [{"repoURL": "a", "path": "x"}, {"repoURL": "b", "chart": "c"}],
        "source": {"repoURL": "old"}}, "status": {"sync": {"revisions": ["1", "2"]}}}),
    );
    let repositories: Vec<String> = several.sources().into_iter().map(|source| source.repository).collect();
    assert_eq!(repositories, ["a", "b"]);
    assert_eq!(
        (several.sources()[1].chart.as_deref(), several.sync().revisions.len()),
        (Some("c"), 2)
    );
    let hydrated = Application::new(
        json!({"spec": {"sourceHydrator": {"drySource": {"repoURL": "dry", "path": "p"},
        "syncSource": {"targetBranch": "env", "path": "p"}}}}),
    );
    assert!(hydrated.is_hydrated());
    assert_eq!(hydrated.sources()[0].repository, "dry");
}

#[test]
fn an_object_of_other_form_is_read_as_if_it_were_empty() {
    for odd in [
        json!(null),
        json!([]),
        json!({"metadata": 1, "spec": [], "status": {"history": {}, "resources": [1, null], "sync": "x",
        "conditions": "x", "operationState": [], "health": 3}}),
    ] {
        let application = Application::new(odd);
        assert_eq!(
            (application.name(), application.health(), application.sources().len()),
            ("", "", 0)
        );
        assert!(
            application.history().is_empty()
                && application.operation().is_none()
                && application.conditions().is_empty()
        );
        assert!(application.resources().iter().all(|resource| resource.name.is_empty()));
    }
}
