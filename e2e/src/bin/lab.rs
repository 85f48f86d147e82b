//! A laboratory for people and scripts: a real control plane with a fake kubelet, until Ctrl-C.
//!
//! `cargo run -p serin-e2e --bin lab -- --kubeconfig FILE` starts it, writes the administrator's kubeconfig to FILE and prints the
//! path once everything works. Any client can then be pointed at it: kubectl, a controller, an acceptance suite.

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use serin_sandbox::control_plane::{Assets, ControlPlane};
use serin_sandbox::workload::kubelet::{self, JobCommands, KubeletOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

const HELP: &str = "\
usage: lab [OPTIONS]

  --kubeconfig FILE          write the administrator's kubeconfig here (default: target/lab.kubeconfig)
  --service-account NS/NAME=FILE
                             once that service account exists, write a kubeconfig with its token to FILE; may be repeated
  --ready-delay SECONDS      from a pod's start to its readiness (default: 2; 0 for load)
  --namespaces A,B           create these namespaces
  --no-jobs                  do not run the commands of Jobs on this machine
  --programs FOLDER          etcd, kube-apiserver and kube-controller-manager (default: $KUBEBUILDER_ASSETS,
                             else target/controlplane, see e2e/controlplane/build)
";

struct Options {
    kubeconfig: PathBuf,
    accounts: Vec<Account>,
    kubelet: KubeletOptions,
    namespaces: Vec<String>,
    programs: Option<PathBuf>,
}

struct Account {
    namespace: String,
    name: String,
    kubeconfig: PathBuf,
}

impl Account {
    fn parse(text: &str) -> Option<Self> {
        let (account, file) = text.split_once('=')?;
        let (namespace, name) = account.split_once('/')?;
        Some(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            kubeconfig: file.into(),
        })
    }
}

/// `None` when help was asked for.
fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Options>> {
    let mut options = Options {
        kubeconfig: "target/lab.kubeconfig".into(),
        accounts: Vec::new(),
        kubelet: KubeletOptions::cluster(),
        namespaces: Vec::new(),
        programs: None,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value\n\n{HELP}"));
        match word.as_str() {
            "--kubeconfig" => options.kubeconfig = value()?.into(),
            "--service-account" => {
                let text = value()?;
                options
                    .accounts
                    .push(Account::parse(&text).with_context(|| format!("{text:?} is not NAMESPACE/NAME=FILE"))?);
            }
            "--ready-delay" => {
                let text = value()?;
                let delay = text.parse().ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
                options.kubelet.ready_after = delay.with_context(|| format!("{text:?} is not a number of seconds"))?;
            }
            "--namespaces" => options.namespaces.extend(value()?.split(',').map(str::to_owned)),
            "--no-jobs" => options.kubelet.job_commands = JobCommands::Pretend,
            "--programs" => options.programs = Some(value()?.into()),
            "--help" | "-h" => return Ok(None),
            other => bail!("unknown option {other:?}\n\n{HELP}"),
        }
    }
    Ok(Some(options))
}

#[tokio::main]
async fn main() -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "warn,kube_client::client::builder=off".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let Some(options) = parse(std::env::args().skip(1))? else {
        return say(HELP);
    };
    let programs = options.programs.clone().map_or_else(Assets::find, Ok)?;
    // Ends the start as well: a control plane that is dropped half way stops its programs.
    tokio::select! {
        started = ControlPlane::start(&programs) => serve(started?, options).await,
        signalled = asked_to_stop() => signalled,
    }
}

async fn serve(plane: ControlPlane, options: Options) -> Result<()> {
    let stop = CancellationToken::new();
    let kubelet = tokio::spawn(kubelet::run(plane.client(), options.kubelet, stop.clone()));
    create_namespaces(&plane, &options.namespaces).await?;
    write_private(&options.kubeconfig, &plane.kubeconfig(plane.admin_token()))?;
    say(&format!("{}\n", options.kubeconfig.display()))?;
    eprintln!(
        "{} runs; logs and the audit log are in {}; Ctrl-C stops it",
        plane.url(),
        plane.folder().display()
    );
    let ended = tokio::select! {
        ended = kubelet => ended.context("the fake kubelet")?.context("the fake kubelet"),
        written = write_accounts(&plane, &options.accounts) => written,
        signalled = asked_to_stop() => signalled,
    };
    stop.cancel();
    plane.stop().await;
    ended
}

async fn asked_to_stop() -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        _ = terminated.recv() => Ok(()),
    }
}

async fn create_namespaces(plane: &ControlPlane, names: &[String]) -> Result<()> {
    let namespaces = Api::<Namespace>::all(plane.client());
    for name in names.iter().filter(|it| *it != "default") {
        let namespace = Namespace {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        namespaces
            .create(&PostParams::default(), &namespace)
            .await
            .with_context(|| format!("namespace {name}"))?;
    }
    Ok(())
}

/// Waits for each account to be created by whoever applies manifests, then for ever.
async fn write_accounts(plane: &ControlPlane, accounts: &[Account]) -> Result<()> {
    for account in accounts {
        let text = loop {
            match plane
                .kubeconfig_for_service_account(&account.namespace, &account.name)
                .await
            {
                Ok(text) => break text,
                Err(serin_sandbox::control_plane::Error::Kube(kube::Error::Api(status))) if status.code == 404 => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("a token for {}/{}", account.namespace, account.name));
                }
            }
        };
        write_private(&account.kubeconfig, &text)?;
    }
    std::future::pending().await
}

/// Whole or not at all, and for its owner alone: scripts wait for the file, and it holds a token.
fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let fresh = path.with_extension("new");
    let describe = || format!("writing {}", path.display());
    if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(describe)?;
    }
    let mut open = std::fs::OpenOptions::new();
    let mut file = open
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .with_context(describe)?;
    file.write_all(text.as_bytes()).with_context(describe)?;
    std::fs::rename(&fresh, path).with_context(describe)
}

fn say(text: &str) -> Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
