//! The controller as a process of its own: it can be killed, paused and asked to stop, and competes for a lease.

use crate::cluster::token;
use crate::manifests;
use crate::world::World;
use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// The word that makes a program of this crate be a controller.
pub const CONTROLLER: &str = "controller";

/// What to start, and how leaders are elected.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file.
    pub file: PathBuf,
    /// What stands before the flags.
    pub first: Vec<String>,
    /// How long a lease lasts, the deadline to renew it, and the period of tries; in seconds.
    pub periods: [u32; 3],
}

impl Program {
    /// This program, told to be a controller by [`CONTROLLER`]; leases last six seconds.
    ///
    /// # Errors
    /// If the system does not say which file this program is.
    pub fn this() -> Result<Self> {
        Ok(Self {
            file: std::env::current_exe()?,
            first: vec![CONTROLLER.to_owned()],
            periods: [6, 4, 1],
        })
    }

    /// Another program, with the periods that are the default of its flags.
    #[must_use]
    pub fn other(file: PathBuf) -> Self {
        Self {
            file,
            first: Vec::new(),
            periods: [15, 10, 2],
        }
    }

    /// How long a lease lasts.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.periods[0].into())
    }
}

/// Does what the first argument asks for, if it is [`CONTROLLER`].
#[must_use]
pub fn asked() -> Option<Result<()>> {
    let mut arguments = std::env::args_os().skip(1);
    (arguments.next()? == CONTROLLER).then(|| serin_controller::program::run(std::env::args_os().skip(1)))
}

/// A controller under way; killed when it is dropped.
pub struct Process(Child);

impl Process {
    /// Starts one more candidate for the lease of a world, which lies in its namespace; with a token of its own, by which
    /// the audit log tells the candidates apart.
    ///
    /// # Errors
    /// If the world is no real control plane, or the program does not start.
    pub async fn start(world: &World, program: &Program) -> Result<Self> {
        let kubeconfig = world
            .kubeconfig()
            .context("a process needs a real control plane to connect to")?;
        for role in [manifests::LEASE_ROLE, manifests::PLUGINS_ROLE] {
            manifests::install_own_right(&world.client(), world.namespace(), role).await?;
        }
        let [lasts, deadline, retry] = program.periods;
        let mut command = Command::new(&program.file);
        command
            .args(&program.first)
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg(format!("--token={}", token(&world.client()).await?))
            .arg(format!("--namespace={}", world.namespace()))
            .args(["--namespaced", "--metricsPort=0", "--healthzPort=0", "--loglevel=error"])
            .arg(format!("--leader-election-lease-duration={lasts}s"))
            .arg(format!("--leader-election-renew-deadline={deadline}s"))
            .arg(format!("--leader-election-retry-period={retry}s"))
            .env("POD_NAMESPACE", world.namespace())
            .stdout(Stdio::null())
            // What a lost lease makes it say is no news here.
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let child = command.spawn().with_context(|| program.file.display().to_string())?;
        Ok(Self(child))
    }

    /// Sends a signal: `KILL`, `TERM`, `STOP` or `CONT`.
    ///
    /// # Errors
    /// If the process has ended.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let id = self.0.id().context("the process has ended")?;
        send(name, id).await
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// If it goes on for longer than that.
    pub async fn ended(&mut self, within: Duration) -> Result<ExitStatus> {
        let ended = tokio::time::timeout(within, self.0.wait()).await;
        Ok(ended.with_context(|| format!("it still runs after {within:?}"))??)
    }
}

/// Sends a signal to any process.
///
/// # Errors
/// If there is none with that id.
pub async fn send(name: &str, id: u32) -> Result<()> {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(id.to_string())
        .status();
    ensure!(sent.await?.success(), "SIG{name} could not be sent to process {id}");
    Ok(())
}

/// Who holds the lease of a world; nobody at first.
///
/// # Errors
/// What the API server says.
pub async fn holder(world: &World) -> Result<Option<String>> {
    let leases: Api<Lease> = Api::namespaced(world.client(), world.namespace());
    let lease = the_lease(&leases).await?;
    let holder = lease.and_then(|it| it.spec).and_then(|it| it.holder_identity);
    Ok(holder.filter(|it| !it.is_empty()))
}

/// Gives the lease of a world to somebody who does not exist, as an edit by hand does.
///
/// # Errors
/// What the API server says; that there is no lease.
pub async fn take_lease(world: &World) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(world.client(), world.namespace());
    let lease = the_lease(&leases).await?.context("there is no lease")?;
    let now = MicroTime(world.now());
    let patch = json!({"spec": {"holderIdentity": "nobody", "renewTime": now, "acquireTime": now}});
    let (name, params) = (lease.name_any(), PatchParams::default());
    leases.patch(&name, &params, &Patch::Merge(patch)).await?;
    Ok(())
}

/// Deletes the lease of a world, as somebody does by hand.
///
/// # Errors
/// What the API server says; that there is no lease.
pub async fn delete_lease(world: &World) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(world.client(), world.namespace());
    let lease = the_lease(&leases).await?.context("there is no lease")?;
    leases.delete(&lease.name_any(), &DeleteParams::default()).await?;
    Ok(())
}

async fn the_lease(leases: &Api<Lease>) -> Result<Option<Lease>> {
    Ok(leases.list(&ListParams::default()).await?.items.pop())
}

/// Waits until somebody else than `before` holds the lease.
///
/// # Errors
/// If nobody does in that time.
pub async fn new_holder(world: &World, before: Option<&str>, within: Duration) -> Result<String> {
    let until = Instant::now() + within;
    loop {
        match holder(world).await? {
            Some(holder) if Some(holder.as_str()) != before => return Ok(holder),
            other if Instant::now() > until => bail!("after {within:?} {other:?} holds the lease"),
            _ => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// A leader, a standby beside it, and the leader's name.
///
/// # Errors
/// If they do not get there.
pub async fn pair(world: &World, program: &Program) -> Result<(Process, Process, String)> {
    let leader = Process::start(world, program).await?;
    let name = new_holder(world, None, Duration::from_secs(30)).await?;
    let standby = Process::start(world, program).await?;
    // Its stores are to be filled before anything happens to the leader.
    sleep(Duration::from_secs(2)).await;
    Ok((leader, standby, name))
}
