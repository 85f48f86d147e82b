//! Where the tests run: the sandbox, or a real control plane.

use crate::manifests::{self, CONTROLLER_NAMESPACE, SERVICE_ACCOUNT};
use anyhow::{Context, Result, bail};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::{AuthInfo, Kubeconfig};
use kube::{Api, Client, Config};
use serin_sandbox::control_plane::{Assets, ControlPlane};
use serin_sandbox::workload::kubelet::{self, KubeletOptions};
use std::path::{Path, PathBuf};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Where a run takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In memory, in virtual time.
    Sandbox,
    /// etcd, kube-apiserver and kube-controller-manager, or the cluster of `KUBECONFIG`.
    Real,
}

impl Place {
    /// The environment's choice: `SERIN_E2E=real`, or `sandbox` (the default).
    ///
    /// # Errors
    /// Another value: a misspelt `real` must not pass as a run on the real thing.
    pub fn from_environment() -> Result<Self> {
        match std::env::var("SERIN_E2E").as_deref() {
            Err(_) | Ok("" | "sandbox") => Ok(Self::Sandbox),
            Ok("real") => Ok(Self::Real),
            Ok(other) => bail!("SERIN_E2E is {other:?}; it can be \"sandbox\" or \"real\""),
        }
    }
}

/// A cluster with the CRDs, and a client with every right.
pub enum Cluster {
    /// Each world makes a sandbox of its own.
    Sandbox,
    /// One for all worlds.
    Real(Box<RealCluster>),
}

/// A real API server, and the rights of the controller on it.
pub struct RealCluster {
    client: Client,
    admin_kubeconfig: Option<PathBuf>,
    controller_kubeconfig: PathBuf,
    audit_log: Option<PathBuf>,
    kubelet: Option<JoinHandle<Result<(), serin_sandbox::workload::Error>>>,
    stop: CancellationToken,
    plane: Option<ControlPlane>,
}

impl Cluster {
    /// Starts what the place needs. Pods become ready as the kubelet's options say (not in a cluster that has its own).
    ///
    /// # Errors
    /// If the control plane does not come up, or `KUBECONFIG` leads nowhere.
    pub async fn start(place: Place, kubelet: KubeletOptions) -> Result<Self> {
        match place {
            Place::Sandbox => Ok(Self::Sandbox),
            Place::Real => Ok(Self::Real(Box::new(RealCluster::start(kubelet).await?))),
        }
    }

    /// A control plane of our own, with more loops of the controller-manager than rollouts need.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_own(kubelet: KubeletOptions, loops: &[&str]) -> Result<Self> {
        let mut real = RealCluster::own(loops).await?;
        real.run_kubelet(kubelet);
        Ok(Self::Real(Box::new(real)))
    }

    /// Stops what was started.
    pub async fn stop(self) {
        if let Self::Real(real) = self {
            real.stop().await;
        }
    }

    /// Where this is.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::Sandbox => Place::Sandbox,
            Self::Real(_) => Place::Real,
        }
    }
}

impl RealCluster {
    async fn start(options: KubeletOptions) -> Result<Self> {
        let mut real = match std::env::var_os("KUBECONFIG").filter(|it| !it.is_empty()) {
            Some(_) => Self::existing().await?,
            None => Self::own(&[]).await?,
        };
        if real.plane.is_some() || std::env::var("SERIN_E2E_KUBELET").is_ok_and(|it| it == "1") {
            real.run_kubelet(options);
        }
        Ok(real)
    }

    fn run_kubelet(&mut self, options: KubeletOptions) {
        self.kubelet = Some(tokio::spawn(kubelet::run(self.client(), options, self.stop.clone())));
    }

    /// A control plane of our own.
    async fn own(loops: &[&str]) -> Result<Self> {
        let plane = ControlPlane::start_with(&Assets::find()?, loops).await?;
        let client = plane.client();
        prepare(&client).await?;
        let text = plane
            .kubeconfig_for_service_account(CONTROLLER_NAMESPACE, SERVICE_ACCOUNT)
            .await?;
        let controller_kubeconfig = plane.folder().join("controller.kubeconfig");
        write_private(&controller_kubeconfig, &text)?;
        let admin_kubeconfig = plane.folder().join("admin.kubeconfig");
        write_private(&admin_kubeconfig, &plane.kubeconfig(plane.admin_token()))?;
        Ok(Self {
            client,
            admin_kubeconfig: Some(admin_kubeconfig),
            controller_kubeconfig,
            audit_log: Some(plane.audit_log()),
            kubelet: None,
            stop: CancellationToken::new(),
            plane: Some(plane),
        })
    }

    /// The cluster that `KUBECONFIG` names; it keeps what is installed there.
    async fn existing() -> Result<Self> {
        let client = Client::try_from(Config::infer().await.context("KUBECONFIG")?)?;
        prepare(&client).await?;
        let mut kubeconfig = Kubeconfig::read().context("KUBECONFIG")?;
        let token = token(&client).await?;
        for user in &mut kubeconfig.auth_infos {
            user.auth_info = Some(AuthInfo {
                token: Some(token.clone().into()),
                ..AuthInfo::default()
            });
        }
        let path = std::env::temp_dir().join(format!("serin-e2e-{}.kubeconfig", std::process::id()));
        let mut value = serde_json::to_value(&kubeconfig)?;
        // A secret is not serialised as such: the token is put where it belongs.
        if let Some(users) = value["users"].as_array_mut() {
            for user in users {
                user["user"] = serde_json::json!({ "token": token });
            }
        }
        write_private(&path, &value.to_string())?;
        Ok(Self {
            client,
            admin_kubeconfig: std::env::var_os("KUBECONFIG").map(PathBuf::from),
            controller_kubeconfig: path,
            audit_log: None,
            kubelet: None,
            stop: CancellationToken::new(),
            plane: None,
        })
    }

    /// A client with every right.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The file of a kubeconfig with every right; `None` where the cluster is not ours.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> Option<&Path> {
        self.admin_kubeconfig.as_deref()
    }

    /// A kubeconfig with every right, as text.
    ///
    /// # Errors
    /// If the file that `KUBECONFIG` names cannot be read.
    pub fn kubeconfig(&self) -> Result<String> {
        match &self.plane {
            Some(plane) => Ok(plane.kubeconfig(plane.admin_token())),
            None => {
                let path = std::env::var("KUBECONFIG").context("KUBECONFIG")?;
                std::fs::read_to_string(&path).context(path)
            }
        }
    }

    /// A kubeconfig with the rights of the controller.
    #[must_use]
    pub fn controller_kubeconfig(&self) -> &Path {
        &self.controller_kubeconfig
    }

    /// The audit log, where the control plane is our own.
    #[must_use]
    pub fn audit_log(&self) -> Option<&Path> {
        self.audit_log.as_deref()
    }

    async fn stop(self) {
        self.stop.cancel();
        if let Some(kubelet) = self.kubelet {
            match kubelet.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the fake kubelet"),
                Err(error) => tracing::warn!(%error, "the fake kubelet"),
            }
        }
        match self.plane {
            Some(plane) => plane.stop().await,
            None => {
                if let Err(error) = std::fs::remove_file(&self.controller_kubeconfig) {
                    tracing::warn!(%error, "the controller's kubeconfig stays behind");
                }
            }
        }
    }
}

async fn prepare(client: &Client) -> Result<()> {
    manifests::install_definitions(client).await?;
    manifests::install_rights(client).await
}

/// A fresh token of the controller's service account, valid for a day.
pub(crate) async fn token(client: &Client) -> Result<String> {
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), CONTROLLER_NAMESPACE);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec {
            expiration_seconds: Some(24 * 3600),
            ..TokenRequestSpec::default()
        }),
        ..TokenRequest::default()
    };
    let issued = accounts
        .create_token_request(SERVICE_ACCOUNT, &PostParams::default(), &request)
        .await?;
    let token = issued.status.and_then(|it| it.token);
    token.context("the API server issued no token for the controller's service account")
}

/// Writes a file that only this user may read, as for credentials.
///
/// # Errors
/// If it cannot be written.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut open = std::fs::OpenOptions::new();
    let mut file = open
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| path.display().to_string())?;
    file.write_all(text.as_bytes())
        .with_context(|| path.display().to_string())
}
