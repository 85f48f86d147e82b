//! A namespace, and a controller that can be killed and started again.

use crate::cluster::{Cluster, RealCluster};
use crate::manifests;
use crate::manifests::{CONTROLLER_NAMESPACE, SERVICE_ACCOUNT};
use crate::story::{Story, Word};
use crate::view::View;
use crate::writes::{Ledger, Notes, Signed, Write};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, DynamicObject, ObjectMeta, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;
use serin_controller::fetch::{Fetch, surroundings};
use serin_controller::{Controller, Fetched, Options, configured_plugins};
use serin_core::api::Rollout;
use serin_sandbox::workload::kubelet::{self, KubeletOptions};
use serin_sandbox::workload::{Clock, deployment, job, replica_set};
use serin_sandbox::{ApiServer, Served};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What a world is to be like.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// Options of the controller; ports and scope are chosen by the world.
    pub controller: Options,
    /// The sandbox's kubelet; a real cluster has one for all worlds.
    pub kubelet: KubeletOptions,
    /// The sandbox's ReplicaSet controller.
    pub replica_sets: replica_set::Options,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            controller: Options::default(),
            kubelet: KubeletOptions::sandbox(),
            replica_sets: replica_set::Options::default(),
        }
    }
}

struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), serin_controller::Error>>,
    metrics: Option<SocketAddr>,
}

/// A place of its own for one scenario.
pub struct World {
    client: Client,
    namespace: String,
    sandbox: Option<ApiServer>,
    /// The sandbox over HTTP, for kubectl.
    served: Option<Served>,
    /// Of a real control plane.
    kubeconfig: Option<String>,
    controller_clients: [Client; 2],
    clock: Option<Clock>,
    options: Options,
    admin_kubeconfig: Option<PathBuf>,
    running: Option<Running>,
    ledger: Ledger,
    stop: CancellationToken,
    /// Name of the rollout that a story is about.
    pub(crate) rollout: String,
    /// UIDs of pods that a story remembered.
    pub(crate) remembered_pods: BTreeSet<String>,
}

impl World {
    /// A fresh namespace (or sandbox), with a running controller.
    ///
    /// # Errors
    /// If something of it cannot be made.
    pub async fn start(cluster: &Cluster, wishes: Wishes) -> Result<Self> {
        let mut world = match cluster {
            Cluster::Sandbox => Self::in_sandbox(wishes).await?,
            Cluster::Real(real) => Self::in_cluster(real, wishes).await?,
        };
        world.start_controller().await?;
        Ok(world)
    }

    async fn in_sandbox(wishes: Wishes) -> Result<Self> {
        let clock = Clock::new();
        let api = ApiServer::with_clock(Arc::new(move || clock.now()));
        let client = api.client();
        manifests::install_definitions(&client).await?;
        let stop = CancellationToken::new();
        tokio::spawn(watched(
            "ReplicaSet controller",
            replica_set::run_with(client.clone(), wishes.replica_sets, stop.clone()),
        ));
        tokio::spawn(watched(
            "Deployment controller",
            deployment::run(client.clone(), stop.clone()),
        ));
        tokio::spawn(watched("Job controller", job::run(client.clone(), stop.clone())));
        tokio::spawn(watched(
            "fake kubelet",
            kubelet::run(client.clone(), wishes.kubelet, stop.clone()),
        ));
        let notes = Notes::default();
        Ok(Self {
            controller_clients: [notes.client(&api), notes.client(&api)],
            ledger: Ledger::Notes(notes),
            client,
            namespace: "default".to_owned(),
            sandbox: Some(api),
            served: None,
            kubeconfig: None,
            clock: Some(clock),
            options: wishes.controller,
            admin_kubeconfig: None,
            running: None,
            stop,
            rollout: String::new(),
            remembered_pods: BTreeSet::new(),
        })
    }

    async fn in_cluster(real: &RealCluster, wishes: Wishes) -> Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("serin-e2e-{}-{number}", std::process::id());
        let object = Namespace {
            metadata: ObjectMeta {
                name: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let client = real.client();
        Api::<Namespace>::all(client.clone())
            .create(&PostParams::default(), &object)
            .await
            .with_context(|| format!("namespace {namespace}"))?;
        // The controller of this world holds no lease.
        manifests::install_own_right(&client, &namespace, manifests::PLUGINS_ROLE).await?;
        let options = Options {
            kubeconfig: Some(real.controller_kubeconfig().to_path_buf()),
            namespaced: true,
            namespace: Some(namespace.clone()),
            ..wishes.controller
        };
        let connect = || serin_controller::connect(&options);
        let ledger = match real.audit_log() {
            Some(log) => Ledger::Audit {
                log: log.to_path_buf(),
                user: format!("system:serviceaccount:{CONTROLLER_NAMESPACE}:{SERVICE_ACCOUNT}"),
                namespace: namespace.clone(),
            },
            None => Ledger::Nowhere,
        };
        Ok(Self {
            controller_clients: [connect().await?, connect().await?],
            ledger,
            client,
            namespace,
            sandbox: None,
            served: None,
            kubeconfig: Some(real.kubeconfig()?),
            clock: None,
            options,
            admin_kubeconfig: real.admin_kubeconfig().map(Path::to_path_buf),
            running: None,
            stop: CancellationToken::new(),
            rollout: String::new(),
            remembered_pods: BTreeSet::new(),
        })
    }

    /// A client with every right.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Where the scenario takes place.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The sandbox; none on a real control plane.
    #[must_use]
    pub fn sandbox(&self) -> Option<&ApiServer> {
        self.sandbox.as_ref()
    }

    /// From now on the sandbox lives in real time: programs do not live in virtual time.
    pub fn in_real_time(&self) {
        if self.sandbox.is_some() {
            tokio::time::resume();
        }
    }

    /// A kubeconfig with every right, and a namespace for kubectl to work in.
    ///
    /// A sandbox is served on loopback from now on, in real time: programs do not live in virtual time.
    ///
    /// # Errors
    /// If the sandbox cannot be served.
    pub async fn for_kubectl(&mut self) -> Result<(String, String)> {
        if let Some(kubeconfig) = &self.kubeconfig {
            return Ok((kubeconfig.clone(), self.namespace.clone()));
        }
        let api = self.sandbox.clone().context("neither a control plane nor a sandbox")?;
        self.in_real_time();
        api.track_fields(true);
        let namespace = format!("serin-e2e-{}-sandbox", std::process::id());
        let object = Namespace {
            metadata: ObjectMeta {
                name: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        Api::<Namespace>::all(api.client())
            .create(&PostParams::default(), &object)
            .await?;
        let served = api.serve(([127, 0, 0, 1], 0).into()).await?;
        let kubeconfig = served.kubeconfig();
        self.served = Some(served);
        Ok((kubeconfig, namespace))
    }

    /// The rollouts, typed.
    #[must_use]
    pub fn rollouts(&self) -> Api<Rollout> {
        Api::namespaced(self.client(), &self.namespace)
    }

    /// The rollouts as whatever is stored.
    #[must_use]
    pub fn raw_rollouts(&self) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Rollout"));
        Api::namespaced_with(self.client(), &self.namespace, &resource)
    }

    /// Begins with what is there.
    pub fn given(&mut self) -> Story<'_> {
        Story::new(self, Word::Given)
    }

    /// Begins with what somebody does.
    pub fn when(&mut self) -> Story<'_> {
        Story::new(self, Word::When)
    }

    /// Begins with what is to be seen.
    pub fn then(&mut self) -> Story<'_> {
        Story::new(self, Word::Then)
    }

    /// The next story is about this rollout.
    pub fn rollout_is(&mut self, name: &str) {
        name.clone_into(&mut self.rollout);
    }

    /// What is there now, of the rollout that the last story was about.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn view(&self) -> Result<View> {
        View::read(&self.client, &self.namespace, &self.rollout).await
    }

    /// Object writes of the controller so far; `None` where nobody counts.
    ///
    /// # Errors
    /// If the audit log cannot be read.
    pub fn writes(&self) -> Result<Option<Vec<Write>>> {
        self.ledger.writes()
    }

    /// The same with writers and times; `None` where there is no audit log of ours.
    ///
    /// # Errors
    /// If the audit log cannot be read.
    pub fn signed_writes(&self) -> Result<Option<Vec<Signed>>> {
        self.ledger.signed()
    }

    /// Writes of another user in this world's namespace; `None` where there is no audit log of ours.
    ///
    /// # Errors
    /// If the audit log cannot be read.
    pub fn writes_of(&self, user: &str) -> Result<Option<Vec<Write>>> {
        self.ledger.of(user)
    }

    /// What the clock of this place shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.map_or_else(Timestamp::now, |clock| clock.now())
    }

    /// A kubeconfig with every right; none in the sandbox.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> Option<&Path> {
        self.admin_kubeconfig.as_deref()
    }

    /// The kubeconfig of the controller, where it needs one.
    #[must_use]
    pub fn kubeconfig(&self) -> Option<&Path> {
        self.options.kubeconfig.as_deref()
    }

    /// Creates a Rollout as written, whatever the types of this program say about it.
    ///
    /// # Errors
    /// What the API server says.
    pub async fn create(&self, rollout: Value) -> Result<DynamicObject> {
        let object: DynamicObject = serde_json::from_value(rollout)?;
        Ok(self.raw_rollouts().create(&PostParams::default(), &object).await?)
    }

    /// Creates objects as written, in the namespace of this world.
    ///
    /// # Errors
    /// What the API server says.
    pub async fn create_all(&self, yaml: &str) -> Result<()> {
        for document in serin_core::notation::yaml::parse_docs(yaml)? {
            let object: DynamicObject = serde_json::from_value(document.value)?;
            let types = object.types.clone().context("an object without apiVersion and kind")?;
            let api = self.objects(&types.api_version, &types.kind);
            api.create(&PostParams::default(), &object).await?;
        }
        Ok(())
    }

    /// Objects of a kind, as whatever is stored.
    #[must_use]
    pub fn objects(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client(), &self.namespace, &resource)
    }

    /// Starts the controller.
    ///
    /// # Errors
    /// If it runs already, or does not come up.
    pub async fn start_controller(&mut self) -> Result<()> {
        if self.running.is_some() {
            bail!("the controller runs already");
        }
        let options = Options {
            metrics_port: 0,
            healthz_port: 0,
            ..self.options.clone()
        };
        let [client, events] = self.controller_clients.clone();
        let clock: serin_controller::Clock = match self.clock {
            Some(clock) => Arc::new(move || clock.now()),
            None => Arc::new(Timestamp::now),
        };
        // The world's own namespace, so that worlds can have plugins side by side.
        let plugins = configured_plugins(&client, &self.namespace).await?;
        let fetch = Fetch::new(
            client.clone(),
            CONTROLLER_NAMESPACE,
            Arc::clone(&clock),
            surroundings(|_| None),
        );
        let controller = Controller::new(client, options)
            .events_client(events)
            .provider(Arc::new(Fetched::new(fetch).plugins(Arc::clone(&plugins))))
            .plugins(plugins)
            .clock(clock);
        let bound = controller.bind().await?;
        let (shutdown, metrics) = (CancellationToken::new(), bound.metrics_address());
        let task = tokio::spawn(bound.run(shutdown.clone()));
        self.running = Some(Running {
            shutdown,
            task,
            metrics,
        });
        Ok(())
    }

    /// From its next start the controller has the rights of this token, on a real cluster.
    ///
    /// # Errors
    /// If the world is a sandbox, or no client can be made.
    pub async fn controller_with(&mut self, token: &str) -> Result<()> {
        let text = self.kubeconfig.as_ref().context("a sandbox has no rights")?;
        let mut documents = serin_core::notation::yaml::parse_docs(text)?;
        let mut kubeconfig = documents.pop().context("a kubeconfig")?.value;
        kubeconfig["users"][0]["user"] = serde_json::json!({"token": token});
        let file = std::env::temp_dir().join(format!("{}-{}", self.namespace, uuid::Uuid::new_v4()));
        crate::cluster::write_private(&file, &kubeconfig.to_string())?;
        self.options.kubeconfig = Some(file.clone());
        let clients = [
            serin_controller::connect(&self.options).await?,
            serin_controller::connect(&self.options).await?,
        ];
        std::fs::remove_file(&file)?;
        self.controller_clients = clients;
        Ok(())
    }

    /// Ends the controller where it stands, as SIGKILL does.
    ///
    /// # Errors
    /// If it does not run, or ended by itself before.
    pub async fn kill_controller(&mut self) -> Result<()> {
        let running = self.running.take().context("the controller does not run")?;
        running.task.abort();
        match running.task.await {
            Err(error) if error.is_cancelled() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(ended) => bail!("the controller had ended by itself: {ended:?}"),
        }
    }

    /// The text at the controller's `/metrics`.
    ///
    /// # Errors
    /// If it does not run or does not answer.
    pub async fn metrics(&self) -> Result<String> {
        let address = self.running.as_ref().and_then(|it| it.metrics);
        let mut stream = TcpStream::connect(address.context("the controller does not run")?).await?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    /// Stops the controller and removes the namespace.
    ///
    /// # Errors
    /// If the controller ended badly.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(running) = self.running.take() {
            running.shutdown.cancel();
            running
                .task
                .await
                .context("the controller")?
                .context("the controller")?;
        }
        self.stop.cancel();
        if let Some(served) = self.served.take() {
            served.stop().await;
        }
        if self.sandbox.is_none() {
            let namespaces = Api::<Namespace>::all(self.client());
            namespaces.delete(&self.namespace, &DeleteParams::default()).await?;
        }
        Ok(())
    }
}

/// A part of the sandbox that ends on its own makes every wait end in a time-out: the reason must be seen.
async fn watched(what: &'static str, part: impl Future<Output = Result<(), serin_sandbox::workload::Error>>) {
    if let Err(error) = part.await {
        tracing::error!(%error, "{what}");
    }
}
