//! The cluster in this process: an in-memory Kubernetes API over HTTP on loopback, controllers of ReplicaSets and
//! Deployments, a fake kubelet, and the real controller of Serin. For `demo` and `sandbox`.

use crate::cluster::connect::Connection;
use crate::show::failure::Failure;
use kube::api::PostParams;
use kube::{Api, Client, Config};
use serde_json::Value;
use serin_controller::{Controller, Fetched, Options, Target, configured_plugins};
use serin_core::notation::yaml;
use serin_sandbox::workload::kubelet::{self, KubeletOptions};
use serin_sandbox::workload::{deployment, job, replica_set};
use serin_sandbox::{ApiServer, Served};
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A cluster that ends with the process.
pub(crate) struct Cluster {
    served: Served,
    stop: CancellationToken,
    parts: JoinSet<Failure>,
}

impl Cluster {
    /// Starts everything; pods are ready `ready_after` their start. Port 0 chooses a free port.
    ///
    /// # Errors
    /// The port is taken, or a part cannot start.
    pub(crate) async fn start(port: u16, ready_after: Duration) -> Result<Self, Failure> {
        let server = ApiServer::new();
        // For people, who may apply from the server side beside the controller.
        server.track_fields(true);
        install_crds(&server.client()).await?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let served = server
            .serve(address)
            .await
            .map_err(|error| part("the sandbox", &format!("port {port} cannot be opened: {error}")))?;
        let mut cluster = Self {
            served,
            stop: CancellationToken::new(),
            parts: JoinSet::new(),
        };
        cluster.run_workloads(&server, ready_after);
        cluster.run_controller().await?;
        Ok(cluster)
    }

    fn run_workloads(&mut self, server: &ApiServer, ready_after: Duration) {
        let (client, stop) = (server.client(), self.stop.clone());
        self.parts
            .spawn(async move { ended("the ReplicaSet controller", replica_set::run(client, stop).await) });
        let (client, stop) = (server.client(), self.stop.clone());
        self.parts
            .spawn(async move { ended("the Deployment controller", deployment::run(client, stop).await) });
        let (client, stop) = (server.client(), self.stop.clone());
        self.parts
            .spawn(async move { ended("the Job controller", job::run(client, stop).await) });
        let (client, stop) = (server.client(), self.stop.clone());
        let options = KubeletOptions {
            ready_after,
            ..KubeletOptions::sandbox()
        };
        self.parts
            .spawn(async move { ended("the fake kubelet", kubelet::run(client, options, stop).await) });
    }

    /// The controller talks HTTP, as it would to any cluster.
    async fn run_controller(&mut self) -> Result<(), Failure> {
        let plugins = configured_plugins(&self.client()?, "argo-rollouts").await;
        let plugins = plugins.map_err(|error| part("the controller", &error))?;
        let provider = Fetched::of_this_process(self.client()?, "argo-rollouts").plugins(Arc::clone(&plugins));
        let controller = Controller::new(self.client()?, Options::default())
            .plugins(plugins)
            .provider(Arc::new(provider))
            .without_servers();
        let bound = controller
            .bind()
            .await
            .map_err(|error| part("the controller", &error))?;
        let stop = self.stop.clone();
        self.parts
            .spawn(async move { ended("the controller", bound.run(stop).await) });
        Ok(())
    }

    fn client(&self) -> Result<Client, Failure> {
        Ok(self.connection()?.client)
    }

    /// A connection to its namespace `default`.
    ///
    /// # Errors
    /// The client cannot be made.
    pub(crate) fn connection(&self) -> Result<Connection, Failure> {
        crate::cluster::connect::install_tls();
        let url = self.served.url().parse().map_err(|error| part("the sandbox", &error))?;
        let config = Config::new(url);
        let target = Target::new(&config, vec!["the sandbox in this process".to_owned()], None);
        Connection::new(config, "default".to_owned(), target)
    }

    /// The text of a kubeconfig for it.
    #[must_use]
    pub(crate) fn kubeconfig(&self) -> String {
        self.served.kubeconfig()
    }

    /// Its address.
    #[must_use]
    pub(crate) fn url(&self) -> String {
        self.served.url()
    }

    /// Returns when a part ends by itself, which none should.
    pub(crate) async fn broken(&mut self) -> Failure {
        match self.parts.join_next().await {
            Some(Ok(failure)) => failure,
            Some(Err(error)) => part("a part of the cluster", &error),
            None => Failure::message("the cluster has ended"),
        }
    }

    /// Stops all parts.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while self.parts.join_next().await.is_some() {}
        self.served.stop().await;
    }
}

fn part(name: &str, error: &dyn Display) -> Failure {
    Failure::message(format!("{name}: {error}"))
}

fn ended<E: Display>(name: &str, result: Result<(), E>) -> Failure {
    match result {
        Ok(()) => Failure::message(format!("{name} ended")),
        Err(error) => part(name, &error),
    }
}

async fn install_crds(client: &Client) -> Result<(), Failure> {
    let manifests = serin_core::crd::manifests().map_err(|error| part("the CRDs", &error))?;
    let resource = kube::api::ApiResource {
        group: "apiextensions.k8s.io".to_owned(),
        version: "v1".to_owned(),
        api_version: "apiextensions.k8s.io/v1".to_owned(),
        kind: "CustomResourceDefinition".to_owned(),
        plural: "customresourcedefinitions".to_owned(),
    };
    let definitions: Api<kube::api::DynamicObject> = Api::all_with(client.clone(), &resource);
    for (name, text) in manifests {
        for document in yaml::parse_docs(&text).map_err(|error| part(&name, &error))? {
            let definition = decode(document.value).map_err(|error| part(&name, &error))?;
            definitions.create(&PostParams::default(), &definition).await?;
        }
    }
    Ok(())
}

fn decode(value: Value) -> Result<kube::api::DynamicObject, serde_json::Error> {
    serde_json::from_value(value)
}
