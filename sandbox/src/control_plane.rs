//! A real control plane as child processes: etcd, kube-apiserver and kube-controller-manager on loopback.
//!
//! Nothing schedules and nothing runs pods: [`crate::workload::kubelet`] stands in for both. Authorization is RBAC;
//! service-account tokens are real, so a controller can run with the rights of its manifest. Every request is in the
//! audit log, from which writes are counted. The client limits of the controller-manager and the in-flight limits of the API
//! server are raised, so that no measurement is one of them.
//!
//! Everything lives in a private temporary folder that goes with the control plane. The programs end when the process
//! that started them does, however it ends.

mod assets;
mod flags;
mod process;

pub use assets::Assets;
pub use process::{Environment, Folder, Process};

use k8s_openapi::ByteString;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// How long one program may take until it answers.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// How often readiness is asked for.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Chosen ports can be taken by somebody else before the program listens: then others are tried.
const ATTEMPTS: u32 = 3;

/// What goes wrong around a real control plane.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The programs are not there: the user has to build them, the text says how.
    #[error(
        "no control plane in {}: {missing} is missing.\nBuild it with `e2e/controlplane/build` (about five minutes), or set {} to a folder \
         with etcd, kube-apiserver and kube-controller-manager",
        folder.display(), Assets::VARIABLE
    )]
    NoAssets {
        /// Where they were looked for.
        folder: PathBuf,
        /// The first program that is not there.
        missing: &'static str,
    },
    /// A file or folder of the control plane could not be made or read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No free port on loopback.
    #[error("no free port on 127.0.0.1: {0}")]
    Port(io::Error),
    /// A program could not be started at all.
    #[error("{program} cannot be started: {source}")]
    Spawn {
        /// Its name.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A program ended while it was waited for.
    #[error("{program} ended; its last lines:\n{log}")]
    Ended {
        /// Its name.
        program: &'static str,
        /// The tail of its output.
        log: String,
    },
    /// A program runs but did not become ready in time.
    #[error("{program} was not ready within {} s; its last lines:\n{log}", READY_WITHIN.as_secs())]
    NotReady {
        /// Its name.
        program: &'static str,
        /// The tail of its output.
        log: String,
    },
    /// The API server was asked and refused, or the client could not be made.
    #[error(transparent)]
    Kube(#[from] kube::Error),
    /// The kubeconfig could not be read back.
    #[error(transparent)]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// The API server issued no token although it accepted the request.
    #[error("the API server issued no token for service account {namespace}/{name}")]
    NoToken {
        /// Namespace of the service account.
        namespace: String,
        /// Name of the service account.
        name: String,
    },
}

impl Error {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File {
            path: path.to_path_buf(),
            source,
        }
    }

    fn is_taken_port(&self) -> bool {
        matches!(self, Self::Ended { log, .. } if log.contains("address already in use"))
    }
}

/// Free TCP ports on loopback, chosen together so that they differ.
#[derive(Clone, Copy, Debug)]
struct Ports {
    etcd: u16,
    etcd_peer: u16,
    api: u16,
}

impl Ports {
    fn free() -> io::Result<Self> {
        let listeners = [bind()?, bind()?, bind()?];
        let [etcd, etcd_peer, api] = listeners.each_ref().map(|it| it.local_addr().map(|at| at.port()));
        Ok(Self {
            etcd: etcd?,
            etcd_peer: etcd_peer?,
            api: api?,
        })
    }
}

fn bind() -> io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", 0))
}

/// A running control plane. Dropping it stops the programs (a second or two) and removes their folder.
pub struct ControlPlane {
    // Dropped in this order: clients before servers, the folder last.
    _manager: Process,
    _api_server: Process,
    _etcd: Process,
    ports: Ports,
    authority: Vec<u8>,
    admin_token: String,
    client: Client,
    folder: Folder,
}

impl ControlPlane {
    /// Starts etcd, the API server and the controller-manager from the folder `assets` and waits until all three work:
    /// the API server is ready and the namespace `default` has its service account.
    ///
    /// # Errors
    /// [`Error::NoAssets`] when a program is missing; [`Error::Ended`] or [`Error::NotReady`] with its last lines when one does
    /// not come up.
    pub async fn start(assets: &Path) -> Result<Self, Error> {
        Self::start_with(assets, &[]).await
    }

    /// The same with more loops of the controller-manager than rollouts need, such as `endpointslice-controller`.
    ///
    /// # Errors
    /// As those of [`Self::start`].
    pub async fn start_with(assets: &Path, loops: &[&str]) -> Result<Self, Error> {
        let assets = Assets::at(assets)?;
        let mut attempt = 1;
        loop {
            match Self::attempt(&assets, loops).await {
                Err(error) if error.is_taken_port() && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    async fn attempt(assets: &Assets, loops: &[&str]) -> Result<Self, Error> {
        let folder = Folder::create("serin-control-plane")?;
        let ports = Ports::free().map_err(Error::Port)?;
        let admin_token = uuid::Uuid::new_v4().simple().to_string();
        folder.write("tokens.csv", &format!("{admin_token},admin,admin,system:masters\n"))?;
        folder.write("audit-policy.yaml", flags::AUDIT_POLICY)?;

        let at = folder.path();
        let etcd = start("etcd", &assets.etcd(), flags::etcd(at, ports), at)?;
        let flags = flags::api_server(at, ports);
        let mut api_server = start("kube-apiserver", &assets.api_server(), flags, at)?;
        let authority = wait_for_certificate(at, &mut api_server).await?;
        let text = kubeconfig(ports, &authority, "admin", &admin_token);
        let client = client_of(&text).await?;
        wait_for_api(&client, &mut api_server).await?;

        let path = folder.write("admin.kubeconfig", &text)?;
        let flags = flags::controller_manager(&path, loops);
        let program = assets.controller_manager();
        let mut manager = start("kube-controller-manager", &program, flags, folder.path())?;
        wait_for_service_account(&client, &mut manager).await?;
        Ok(Self {
            _manager: manager,
            _api_server: api_server,
            _etcd: etcd,
            ports,
            authority,
            admin_token,
            client,
            folder,
        })
    }

    /// A client with every right.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.ports)
    }

    /// The API server's audit log: one JSON event a line, at metadata level, written before the answer is sent.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    /// The folder with the programs' logs (`etcd.log`, `kube-apiserver.log`, `kube-controller-manager.log`).
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The token of the administrator that [`Self::client`] uses.
    #[must_use]
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// A kubeconfig, as YAML, for whoever `token` belongs to. The namespace of its context is `default`.
    #[must_use]
    pub fn kubeconfig(&self, token: &str) -> String {
        kubeconfig(self.ports, &self.authority, "user", token)
    }

    /// A kubeconfig with a fresh token of a service account, valid for a day.
    ///
    /// # Errors
    /// When there is no such service account.
    pub async fn kubeconfig_for_service_account(&self, namespace: &str, name: &str) -> Result<String, Error> {
        let accounts = Api::<ServiceAccount>::namespaced(self.client(), namespace);
        let spec = TokenRequestSpec {
            expiration_seconds: Some(24 * 3600),
            ..TokenRequestSpec::default()
        };
        let request = TokenRequest {
            spec: Some(spec),
            ..TokenRequest::default()
        };
        let issued = accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await?;
        let Some(token) = issued.status.and_then(|it| it.token) else {
            return Err(Error::NoToken {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            });
        };
        Ok(kubeconfig(
            self.ports,
            &self.authority,
            &format!("{namespace}-{name}"),
            &token,
        ))
    }

    /// Stops the programs and removes their folder; returns once they are gone. Bounded: a program that does not end within
    /// ten seconds is killed.
    pub async fn stop(self) {
        // Dropping waits for the programs, which would block the runtime's thread.
        if let Err(error) = tokio::task::spawn_blocking(move || drop(self)).await {
            tracing::warn!(%error, "stopping the control plane");
        }
    }
}

fn start(name: &'static str, program: &Path, flags: Vec<String>, folder: &Path) -> Result<Process, Error> {
    let command: Vec<String> = std::iter::once(program.display().to_string()).chain(flags).collect();
    Process::start(name, &command, Environment::Inherited, folder)
}

fn url(ports: Ports) -> String {
    format!("https://127.0.0.1:{}", ports.api)
}

fn kubeconfig(ports: Ports, authority: &[u8], user: &str, token: &str) -> String {
    // ByteString is Kubernetes' own base64 of bytes in JSON, and a JSON string is a YAML one.
    let authority = serde_json::json!(ByteString(authority.to_vec()));
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: lab\n\
         clusters:\n- name: lab\n  cluster:\n    server: {}\n    certificate-authority-data: {authority}\n\
         users:\n- name: {user}\n  user:\n    token: \"{token}\"\n\
         contexts:\n- name: lab\n  context:\n    cluster: lab\n    user: {user}\n    namespace: default\n",
        url(ports)
    )
}

async fn client_of(kubeconfig: &str) -> Result<Client, Error> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig)?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    // A proxy of the environment has no business with loopback.
    config.proxy_url = None;
    Ok(Client::try_from(config)?)
}

/// The API server makes its own serving certificate, and the authority that signed it, at start.
async fn wait_for_certificate(folder: &Path, api_server: &mut Process) -> Result<Vec<u8>, Error> {
    let (certificate, key) = (folder.join("pki/apiserver.crt"), folder.join("pki/apiserver.key"));
    let until = Instant::now() + READY_WITHIN;
    // The key is written after the certificate, so both are whole once the key is there.
    while !key.exists() {
        api_server.check_until(until)?;
        tokio::time::sleep(ASK_EVERY).await;
    }
    fs::read(&certificate).map_err(Error::file(&certificate))
}

async fn wait_for_api(client: &Client, api_server: &mut Process) -> Result<(), Error> {
    let until = Instant::now() + READY_WITHIN;
    loop {
        let request = http::Request::get("/readyz")
            .body(Vec::new())
            .map_err(kube::Error::HttpError)?;
        // Refused and 500 alike mean: not yet. What it is in the end stands in the log.
        if client.request_text(request).await.is_ok() {
            return Ok(());
        }
        api_server.check_until(until)?;
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Pods are refused in a namespace without a service account; that it is there shows that the loops run.
async fn wait_for_service_account(client: &Client, manager: &mut Process) -> Result<(), Error> {
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), "default");
    let until = Instant::now() + READY_WITHIN;
    while accounts.get_opt("default").await?.is_none() {
        manager.check_until(until)?;
        tokio::time::sleep(ASK_EVERY).await;
    }
    Ok(())
}
