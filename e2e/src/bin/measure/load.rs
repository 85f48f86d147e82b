//! Many rollouts at rest: memory, cold start, processor time.

use crate::say;
use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
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
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Has the program deploy N rollouts, then starts it anew beside them, and leaves it at rest for so many seconds.
pub(crate) async fn memory(real: &RealCluster, program: &Path, rollouts: u64, seconds: u64) -> Result<()> {
    let client = real.client();
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some("measure".to_owned()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await?;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Rollout"));
    let api: Api<DynamicObject> = Api::namespaced_with(client, "measure", &resource);
    let child = start(program, real.controller_kubeconfig(), 0)?;
    seed(&api, rollouts).await?;
    wait_until_healthy(&api, rollouts).await?;
    say(&format!(
        "{rollouts} resting rollouts, after deploying them: {}\n",
        Memory::of(&child)?
    ))?;
    end(child).await?;
    let began = Timestamp::now();
    let child = start(program, real.controller_kubeconfig(), 0)?;
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

async fn seed(api: &Api<DynamicObject>, rollouts: u64) -> Result<()> {
    stream::iter(0..rollouts)
        .map(|number| {
            let api = api.clone();
            async move {
                let mut rollout = Life::Canary { steps: 1, pauses: 0 }.manifest();
                let name = format!("web-{number}");
                rollout["metadata"]["name"] = json!(name);
                rollout["spec"]["replicas"] = json!(1);
                for labels in ["/spec/selector/matchLabels/app", "/spec/template/metadata/labels/app"] {
                    *rollout.pointer_mut(labels).context("a label")? = json!(name);
                }
                let object: DynamicObject = serde_json::from_value(rollout)?;
                api.create(&PostParams::default(), &object).await?;
                anyhow::Ok(())
            }
        })
        .buffer_unordered(16)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

fn start(program: &Path, kubeconfig: &Path, metrics: u16) -> Result<Child> {
    let mut command = Command::new(program);
    command
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg(format!("--metricsPort={metrics}"))
        .args(["--healthzPort=0", "--qps=1000", "--burst=2000", "--loglevel=error"])
        .kill_on_drop(true);
    command.spawn().with_context(|| program.display().to_string())
}

async fn wait_until_healthy(api: &Api<DynamicObject>, wanted: u64) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(600);
    loop {
        let all = api.list(&ListParams::default()).await?.items;
        let healthy = all.iter().filter(|it| it.data["status"]["phase"] == "Healthy").count();
        if u64::try_from(healthy)? == wanted {
            // What was on its way has arrived.
            sleep(Duration::from_secs(10)).await;
            return Ok(());
        }
        if Instant::now() > until {
            bail!("{healthy} of {wanted} rollouts are Healthy after ten minutes");
        }
        sleep(Duration::from_secs(2)).await;
    }
}

/// What `/proc` says of a process, in MiB.
#[derive(Clone, Copy)]
struct Memory {
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
        let pid = child.id().context("the controller has ended")?;
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
    /// Of Linux as programs see it, on every architecture.
    const TICKS_PER_SECOND: f64 = 100.0;
    let path = format!("/proc/{}/stat", child.id().context("the controller has ended")?);
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
async fn end(mut child: Child) -> Result<()> {
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
    let child = start(program, real.controller_kubeconfig(), port)?;
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
