//! What `serin explain` reads of a real Argo CD, with an account that can only read, and of the repository: the commit at
//! fault, the line to edit, and nothing written.

use crate::argo::ADMIN;
use crate::stage::{ROLLOUT, Stage};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use serin_core::wire::HASH_LABEL;
use serin_e2e::writes::Write;
use serin_explain::explanation::{DifferenceKind, FieldDifference, GitFindings, ObjectName};
use serin_explain::history::{Question, find};
use serin_gitops::argocd::{Application, ApplicationName, Client, Connection, ConnectionOptions, ObjectKey};
use serin_gitops::git::Repository;
use serin_gitops::git::remote::Secret;
use serin_gitops::kustomize::{Options, Program};

/// What was read.
struct Read {
    application: Application,
    findings: GitFindings,
}

/// A paused canary: the commit before it is the last good one.
pub(crate) async fn a_paused_rollout(stage: &mut Stage<'_>) -> Result<()> {
    stage.paused().await?;
    let read = read(stage, "argoproj.io/v1alpha1", "Rollout").await?;
    let history = read.application.history();
    let commits: Vec<&String> = history
        .iter()
        .filter_map(|deployed| deployed.revisions.first())
        .collect();
    ensure!(commits.len() == 2, "deployed: {commits:?}");
    ensure!(
        Some(&read.findings.revision) == commits.last().copied(),
        "at fault: {}",
        read.findings.revision
    );
    ensure!(
        read.findings.last_good.as_ref() == commits.first().copied(),
        "good: {:?}",
        read.findings.last_good
    );
    let messages: Vec<&str> = read
        .findings
        .commits
        .iter()
        .map(|commit| commit.message.as_str())
        .collect();
    ensure!(messages == ["version 2"], "{messages:?}");
    let image = field(&read, "spec.template.spec.containers[0].image")?;
    ensure!(
        image.git == "registry.example/web:2" && image.stable == "registry.example/web:1",
        "{image:?}"
    );
    let place = (image.file.as_deref(), image.line);
    ensure!(
        place == (Some("overlays/prod/kustomization.yaml"), Some(4)),
        "{place:?}"
    );
    Ok(())
}

/// An aborted one: the same commit, and Argo CD tells who aborted.
pub(crate) async fn a_degraded_rollout(stage: &mut Stage<'_>) -> Result<()> {
    stage.paused().await?;
    let words = ["app", "actions", "run", &stage.app, "abort", "--kind", "Rollout"];
    stage.argo.cli(ADMIN, &words).await?;
    stage.until_state("Synced/Degraded").await?;
    let read = read(stage, "argoproj.io/v1alpha1", "Rollout").await?;
    ensure!(read.findings.commits.len() == 1, "{:?}", read.findings.commits);
    ensure!(read.findings.last_good.is_some(), "there is a stable revision");
    let events = client(stage)?.events(&read.application, None).await?;
    let told = events
        .iter()
        .any(|event| event.reason == "ResourceActionRan" && event.message.contains("abort"));
    ensure!(told, "{events:?}");
    Ok(())
}

/// Replicas that somebody changed in the cluster differ from Git.
pub(crate) async fn an_application_out_of_sync(stage: &mut Stage<'_>) -> Result<()> {
    stage.synced().await?;
    // By the subresource `scale` it would count as an autoscaler's.
    let by_hand = json!({"spec": {"replicas": 3}});
    stage.world.when().edit(by_hand).then().healthy().ready_pods(1, 3).await?;
    stage.refresh().await?;
    stage
        .until_so("OutOfSync", |it: &String| it.starts_with("OutOfSync"), || stage.state())
        .await?;
    let read = read(stage, "argoproj.io/v1alpha1", "Rollout").await?;
    ensure!(read.application.sync().status == "OutOfSync");
    let replicas = field(&read, "spec.replicas")?;
    ensure!(replicas.git == 2 && replicas.live == 3, "{replicas:?}");
    ensure!(replicas.file.as_deref() == Some("base/rollout.yaml"), "{replicas:?}");
    let key = key("argoproj.io/v1alpha1", "Rollout", stage.world.namespace());
    let compared = client(stage)?.managed_resources(&read.application, Some(key)).await?;
    let ours: Vec<&FieldDifference> = read
        .findings
        .fields
        .iter()
        .filter(|it| it.kind == DifferenceKind::Meaningful)
        .collect();
    ensure!(
        compared.iter().any(|it| it.normalized_live != it.predicted_live),
        "Argo CD sees no difference"
    );
    ensure!(ours.len() == 1, "{ours:?}");
    Ok(())
}

/// A sync that the API server refuses says so.
pub(crate) async fn a_sync_that_failed(stage: &mut Stage<'_>) -> Result<()> {
    let broken = "apiVersion: v1\nkind: Service\nmetadata: {name: broken}\nspec: {ports: [{port: 99999}]}\n";
    stage.commit_base(ROLLOUT, &[("broken.yaml", broken)]).await?;
    stage.create_app(json!({}), json!({})).await?;
    let (well, text) = stage
        .argo
        .try_cli(ADMIN, &["app", "sync", &stage.app, "--timeout", "45"])
        .await?;
    ensure!(!well, "the sync succeeded: {text}");
    let application = application(stage).await?;
    let operation = application.operation().context("there was a sync")?;
    ensure!(operation.phase == "Failed", "{operation:?}");
    let refused = operation
        .resources
        .iter()
        .find(|it| it.status == "SyncFailed")
        .context("an object was refused")?;
    ensure!(
        refused.resource.name == "broken" && refused.message.contains("65535"),
        "{refused:?}"
    );
    Ok(())
}

/// An array that an ignored weight freezes.
pub(crate) async fn a_frozen_array(stage: &mut Stage<'_>) -> Result<()> {
    crate::drift::respected_weights_freeze_their_array(stage).await?;
    let read = read(stage, "example.serin.dev/v1", "Route").await?;
    let timeout = field(&read, "spec.http[0].timeout")?;
    ensure!(
        timeout.kind == DifferenceKind::Frozen && timeout.git == "2s" && timeout.live == "1s",
        "{timeout:?}"
    );
    ensure!(timeout.file.as_deref() == Some("base/routes.yaml"), "{timeout:?}");
    let weight = field(&read, "spec.http[0].route[0].weight")?;
    ensure!(weight.kind == DifferenceKind::Ignored, "{weight:?}");
    Ok(())
}

/// Writes of Rollouts that neither the controller nor the kubelet made: Argo CD is the API server's `admin`.
fn foreign_writes(stage: &Stage<'_>) -> Result<Option<usize>> {
    let writes = stage.world.writes_of("admin")?;
    let of_rollouts = |write: &&Write| write.resource.starts_with("rollouts");
    Ok(writes.map(|all| all.iter().filter(of_rollouts).count()))
}

/// Reads Argo CD and the repository, and makes sure that nothing was written.
async fn read(stage: &Stage<'_>, api_version: &str, kind: &str) -> Result<Read> {
    let (namespace, repository) = (stage.world.namespace().to_owned(), Repository::open(stage.git.bare())?);
    let writes = foreign_writes(stage)?;
    let client = client(stage)?;
    let application = application(stage).await?;
    let rules = client.settings().await?.ignore_rules;
    let live = client
        .resource(&application, key(api_version, kind, &namespace))
        .await?;
    let stable = stable(stage, live.as_ref()).await?;
    let object = ObjectName {
        kind: kind.to_owned(),
        namespace,
        name: "web".to_owned(),
    };
    let program = Program::find().map_err(|error| anyhow::anyhow!("{error}"))?;
    let answer = find(&Question {
        repository: &repository,
        program: Some(&program),
        options: &Options::default(),
        object: &object,
        live: live.as_ref(),
        stable: stable.as_ref(),
        is_healthy: false,
        application: Some(&application),
        rules: &rules,
        revision: None,
    })?;
    ensure!(answer.notes.is_empty(), "{:?}", answer.notes);
    let after = stage.application().await?;
    ensure!(
        after["metadata"]["annotations"]["argocd.argoproj.io/refresh"].is_null(),
        "a refresh was asked for"
    );
    ensure!(after["operation"].is_null(), "an operation was asked for");
    let new = foreign_writes(stage)?;
    ensure!(
        writes == new,
        "the audit log has writes: {writes:?} before, {new:?} after"
    );
    Ok(Read {
        application,
        findings: answer.findings,
    })
}

/// Argo CD, with the account that can only read.
fn client(stage: &Stage<'_>) -> Result<Client> {
    let options = ConnectionOptions {
        server: Some(format!("http://{}", stage.argo.address())),
        token: Some(Secret::new(stage.argo.token("reader")?.to_owned())),
        ..ConnectionOptions::default()
    };
    let connection = Connection::find(&options, |_| None)?.context("a server is named")?;
    Ok(Client::new(connection)?)
}

async fn application(stage: &Stage<'_>) -> Result<Application> {
    let name = ApplicationName {
        namespace: None,
        name: stage.app.clone(),
    };
    Ok(client(stage)?.application(&name, Some("default")).await?)
}

fn key<'a>(api_version: &'a str, kind: &'a str, namespace: &'a str) -> ObjectKey<'a> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ObjectKey {
        group,
        version,
        kind,
        namespace,
        name: "web",
    }
}

/// The ReplicaSet of the stable revision.
async fn stable(stage: &Stage<'_>, live: Option<&Value>) -> Result<Option<Value>> {
    let Some(hash) = live
        .and_then(|live| live.pointer("/status/stableRS"))
        .and_then(Value::as_str)
    else {
        return Ok(None);
    };
    let sets = stage
        .objects("apps/v1", "ReplicaSet")
        .list(&kube::api::ListParams::default())
        .await?;
    let set = sets.items.iter().find(|set| {
        set.metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(HASH_LABEL))
            .is_some_and(|it| it == hash)
    });
    Ok(set.map(serde_json::to_value).transpose()?)
}

fn field<'a>(read: &'a Read, path: &str) -> Result<&'a FieldDifference> {
    let found = read.findings.fields.iter().find(|field| field.path == path);
    found.with_context(|| format!("{path} does not differ: {:?}", read.findings.fields))
}
