//! Traefik as a plain process, with its own providers and their defaults.

use anyhow::{Context, Result, bail};
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::json;
use serin_sandbox::control_plane::{Environment, Folder, Process};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Where it listens, in the network namespace.
pub(crate) const PORT: u16 = 8000;
/// How long it may take to start.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running Traefik.
pub(crate) struct Traefik {
    // Dropped in this order: the program first, its folder last.
    _process: Process,
    _folder: Folder,
}

impl Traefik {
    /// Installs the definitions that it was built with, starts it and waits until it listens.
    pub(crate) async fn start(built: PathBuf, client: &Client, kubeconfig: &Path) -> Result<Self> {
        let mut definitions = Vec::new();
        let folder = built.join("definitions");
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let text = std::fs::read_to_string(&path)?;
            let documents = serin_core::notation::yaml::parse_docs(&text);
            let documents = documents.with_context(|| path.display().to_string())?;
            definitions.extend(
                documents
                    .into_iter()
                    .map(|it| it.value)
                    .filter(|it| it["kind"] == "CustomResourceDefinition"),
            );
        }
        serin_e2e::install_these(client, definitions).await?;
        let class: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "traefik"},
            "spec": {"controllerName": "traefik.io/gateway-controller"}}))?;
        let kind = GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "GatewayClass");
        let classes: Api<DynamicObject> = Api::all_with(
            client.clone(),
            &ApiResource::from_gvk_with_plural(&kind, "gatewayclasses"),
        );
        classes.create(&PostParams::default(), &class).await?;
        let folder = Folder::create("serin-traefik")?.kept(std::env::var_os("SERIN_TRAEFIK_KEEP").is_some());
        let environment = [
            ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
            ("HOME".to_owned(), folder.path().display().to_string()),
        ];
        let mut process = Process::start(
            "traefik",
            &command(&built),
            Environment::Only(&environment),
            folder.path(),
        )?;
        let until = Instant::now() + READY_WITHIN;
        while TcpStream::connect(("127.0.0.1", PORT)).await.is_err() {
            process.check()?;
            if Instant::now() > until {
                bail!(
                    "Traefik was not ready within {READY_WITHIN:?}; its last lines:\n{}",
                    process.tail()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self {
            _process: process,
            _folder: folder,
        })
    }
}

fn command(built: &Path) -> Vec<String> {
    [
        built.join("traefik").display().to_string(),
        format!("--entryPoints.web.address=127.0.0.1:{PORT}"),
        "--providers.kubernetesGateway=true".to_owned(),
        "--providers.kubernetesCRD=true".to_owned(),
        "--providers.kubernetesIngress=true".to_owned(),
        "--global.checkNewVersion=false".to_owned(),
        "--global.sendAnonymousUsage=false".to_owned(),
        "--log.level=INFO".to_owned(),
    ]
    .into()
}
