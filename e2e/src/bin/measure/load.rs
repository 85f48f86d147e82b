//! Many rollouts at rest: memory, cold start, processor time.

use crate::say;
use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DynamicObject, ListParams, ObjectMeta, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use serin_e2e::cluster::RealCluster;
use serin_e2e::lives::Life;
use serin_e2e::process;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Limits that do not matter.
pub(crate) const UNLIMITED: [&str; 2] = ["--qps=1000", "--burst=2000"];

/// Many rollouts in a namespace of their own.
pub(crate) struct Load {
    pub(crate) rollouts: Api<DynamicObject>,
    pub(crate) replica_sets: Api<ReplicaSet>,
}

/// Has the program deploy N rollouts, each with so many old ReplicaSets, then starts it anew beside them, and leaves it
/// at rest for so many seconds.
pub(crate) async fn memory(real: &RealCluster, program: &Path, rollouts: u64, old: u64, seconds: u64) -> Result<()> {
    let load = Load::new(real, "measure").await?;
    let child = start(program, real.controller_kubeconfig(), 0, &UNLIMITED)?;
    load.seed(0..rollouts, Life::Canary { steps: 1, pauses: 0 }, 1).await?;
    load.wait_until("Healthy", rollouts).await?;
    load.add_old(old).await?;
    say(&format!(
        "{rollouts} resting rollouts with {old} old ReplicaSets each, after deploying them: {}\n",
        Memory::of(&child)?
    ))?;
    end(child).await?;
    let began = Timestamp::now();
    let child = start(program, real.controller_kubeconfig(), 0, &UNLIMITED)?;
    sleep(Duration::from_secs(30)).await;
    say(&format!("30 s after a fresh start: {}\n", Memory::of(&child)?))?;
    if let Some(log) = real.audit_log() {
        let (requests, seconds) = requests_since(log, began)?;
        say(&format!(
            "cold start: {requests} requests, the last after {seconds:.2} s\n"
        ))?;
    }
    rest(&child, Duration::from_secs(seconds)).await?;
    end(child).await?;
    let seconds = until_looked_at(real, program, rollouts).await?;
    say(&format!("cold start: all looked at after {seconds:.2} s\n"))
}

/// Says every ten minutes, and at the end, what it holds and used since the last time.
async fn rest(child: &Child, all: Duration) -> Result<()> {
    const EVERY: Duration = Duration::from_secs(600);
    let began = Instant::now();
    while began.elapsed() < all {
        let (from, before) = (Instant::now(), processor_seconds(child)?);
        sleep(EVERY.min(all.saturating_sub(began.elapsed()))).await;
        let used = (processor_seconds(child)? - before) / from.elapsed().as_secs_f64() * 60.0;
        say(&format!(
            "at rest for {:.0} s: {used:.2} s of processor time in a minute; {}\n",
            began.elapsed().as_secs_f64(),
            Memory::of(child)?
        ))?;
    }
    Ok(())
}

/// The name of a rollout.
pub(crate) fn name(number: u64) -> String {
    format!("web-{number}")
}

impl Load {
    /// In a namespace of this name, which is made.
    pub(crate) async fn new(real: &RealCluster, namespace: &str) -> Result<Self> {
        let client = real.client();
        let made = Namespace {
            metadata: ObjectMeta {
                name: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let namespaces: Api<Namespace> = Api::all(client.clone());
        namespaces.create(&PostParams::default(), &made).await?;
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Rollout"));
        Ok(Self {
            rollouts: Api::namespaced_with(client.clone(), namespace, &resource),
            replica_sets: Api::namespaced(client, namespace),
        })
    }

    /// Makes these rollouts.
    pub(crate) async fn seed(&self, numbers: Range<u64>, life: Life, replicas: i32) -> Result<()> {
        let made = stream::iter(numbers).map(|number| async move {
            let mut rollout = life.manifest();
            let name = name(number);
            rollout["metadata"]["name"] = json!(name);
            rollout["spec"]["replicas"] = json!(replicas);
            for labels in ["/spec/selector/matchLabels/app", "/spec/template/metadata/labels/app"] {
                *rollout.pointer_mut(labels).context("a label")? = json!(name);
            }
            let object: DynamicObject = serde_json::from_value(rollout)?;
            self.rollouts.create(&PostParams::default(), &object).await?;
            anyhow::Ok(())
        });
        made.buffer_unordered(16).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    /// Gives each ReplicaSet so many copies at size 0, as former revisions of its rollout.
    async fn add_old(&self, each: u64) -> Result<()> {
        let present = self.replica_sets.list(&ListParams::default()).await?.items;
        let wanted = present
            .iter()
            .flat_map(|set| (0..each).map(move |number| (set, number)));
        let made = stream::iter(wanted).map(|(set, number)| async move {
            let old = former(set, number)?;
            self.replica_sets.create(&PostParams::default(), &old).await?;
            anyhow::Ok(())
        });
        made.buffer_unordered(16).try_collect::<Vec<()>>().await?;
        sleep(Duration::from_secs(10)).await;
        Ok(())
    }

    /// Waits until so many are in this phase.
    pub(crate) async fn wait_until(&self, phase: &str, wanted: u64) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(600);
        loop {
            let there = self.count(phase).await?;
            if there == wanted {
                // What was on its way has arrived.
                sleep(Duration::from_secs(10)).await;
                return Ok(());
            }
            if Instant::now() > until {
                bail!("{there} of {wanted} rollouts are {phase} after ten minutes");
            }
            sleep(Duration::from_secs(2)).await;
        }
    }

    /// How many are in this phase.
    pub(crate) async fn count(&self, phase: &str) -> Result<u64> {
        let all = self.rollouts.list(&ListParams::default()).await?.items;
        let there = all.iter().filter(|it| it.data["status"]["phase"] == phase).count();
        Ok(u64::try_from(there)?)
    }
}

/// What a ReplicaSet of an earlier revision looks like: another hash and image, no pods.
fn former(set: &ReplicaSet, number: u64) -> Result<ReplicaSet> {
    let mut old = serde_json::to_value(set)?;
    let hash = format!("old{number}");
    let name = set.metadata.name.as_deref().unwrap_or_default();
    let (rollout, _) = name.rsplit_once('-').context("a hash in the name")?;
    old["metadata"] = json!({
        "name": format!("{rollout}-{hash}"),
        "labels": old["metadata"]["labels"],
        "annotations": old["metadata"]["annotations"],
        "ownerReferences": old["metadata"]["ownerReferences"],
    });
    old["metadata"]["annotations"]["rollout.argoproj.io/revision"] = json!("0");
    for labels in [
        "/metadata/labels",
        "/spec/selector/matchLabels",
        "/spec/template/metadata/labels",
    ] {
        let labels = old.pointer_mut(labels).context("labels")?;
        labels["rollouts-pod-template-hash"] = json!(hash);
    }
    old["spec"]["replicas"] = json!(0);
    old["spec"]["template"]["spec"]["containers"][0]["image"] = json!(format!("app:{hash}"));
    if let Some(fields) = old.as_object_mut() {
        fields.remove("status");
    }
    Ok(serde_json::from_value(old)?)
}

pub(crate) fn start(program: &Path, kubeconfig: &Path, metrics: u16, limits: &[&str]) -> Result<Child> {
    let mut command = Command::new(program);
    command
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg(format!("--metricsPort={metrics}"))
        .args(["--healthzPort=0", "--loglevel=error"])
        .args(limits)
        .kill_on_drop(true);
    command.spawn().with_context(|| program.display().to_string())
}

/// What `/proc` says of a process, in MiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    total: f64,
    anonymous: f64,
    peak: f64,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { total, anonymous, peak } = self;
        write!(f, "{total:.1} MiB (anonymous {anonymous:.1}, highest total {peak:.1})")
    }
}

impl Memory {
    fn of(child: &Child) -> Result<Self> {
        Self::of_process(child.id().context("the controller has ended")?)
    }

    /// Of any process.
    ///
    /// # Errors
    /// If there is none with that id.
    pub(crate) fn of_process(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/status");
        let text = std::fs::read_to_string(&path).context(path)?;
        let mib = |name: &str| -> Result<f64> {
            let line = text
                .lines()
                .find_map(|it| it.strip_prefix(name))
                .with_context(|| name.to_owned())?;
            let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
            Ok(kib / 1024.0)
        };
        Ok(Self {
            total: mib("VmRSS:")?,
            anonymous: mib("RssAnon:")?,
            peak: mib("VmHWM:")?,
        })
    }
}

/// Processor time so far, in seconds.
fn processor_seconds(child: &Child) -> Result<f64> {
    seconds_of(child.id().context("the controller has ended")?)
}

/// The same of any process.
///
/// # Errors
/// If there is none with that id.
pub(crate) fn seconds_of(pid: u32) -> Result<f64> {
    /// Of Linux as programs see it, on every architecture.
    const TICKS_PER_SECOND: f64 = 100.0;
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).context(path)?;
    // The name before may hold anything, in brackets.
    let (_, fields) = text.rsplit_once(')').context("no name")?;
    let mut ticks = 0.0;
    for field in fields.split_whitespace().skip(11).take(2) {
        ticks += field.parse::<f64>()?;
    }
    Ok(ticks / TICKS_PER_SECOND)
}

/// Ends it as the kubelet does, so that its lease is free.
pub(crate) async fn end(mut child: Child) -> Result<()> {
    process::send("TERM", child.id().context("the controller has ended")?).await?;
    child.wait().await?;
    Ok(())
}

/// Requests of the controller since a moment, leases aside: how many, and seconds until the last began.
fn requests_since(audit_log: &Path, began: Timestamp) -> Result<(usize, f64)> {
    let text = std::fs::read_to_string(audit_log)?;
    let (mut seen, mut last) = (BTreeSet::new(), began);
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let ours = |line: &&str| line.contains("system:serviceaccount:argo-rollouts:argo-rollouts");
    for line in whole.lines().filter(ours) {
        let event: Value = serde_json::from_str(line)?;
        let at: Timestamp = event["requestReceivedTimestamp"].as_str().unwrap_or_default().parse()?;
        if at < began || event["objectRef"]["resource"] == "leases" {
            continue;
        }
        seen.insert(event["auditID"].to_string());
        last = last.max(at);
    }
    Ok((seen.len(), last.duration_since(began).as_secs_f64()))
}

/// Seconds until each rollout has been looked at, by the metrics of a process of its own: reading them costs memory and time.
async fn until_looked_at(real: &RealCluster, program: &Path, rollouts: u64) -> Result<f64> {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let began = Instant::now();
    let child = start(program, real.controller_kubeconfig(), port, &UNLIMITED)?;
    loop {
        if began.elapsed() > Duration::from_secs(60) {
            bail!("not all were looked at within a minute");
        }
        sleep(Duration::from_millis(50)).await;
        // It may not listen yet.
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
            continue;
        };
        let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        let looks = text.lines().filter(|it| it.starts_with("rollout_reconcile_count{"));
        if u64::try_from(looks.count())? == rollouts {
            break;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    end(child).await?;
    Ok(seconds)
}
