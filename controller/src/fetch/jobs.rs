//! Jobs of measurements on the API server: the cluster of the runs, or another one (contract 08 §3).

use super::environment::JobKubeconfig;
use crate::act::job::{self, jobs, json, timed};
use crate::act::{Gate, Turn};
use crate::cluster::chain::chain;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serin_core::analysis::provider::{Call, Refusal, Reply, Surplus, surplus};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Calls to the API server that has the Jobs.
pub(super) struct Jobs {
    own: Client,
    elsewhere: Option<JobKubeconfig>,
    connected: OnceCell<Client>,
}

impl Jobs {
    pub(super) fn new(own: Client, elsewhere: Option<JobKubeconfig>) -> Self {
        Self {
            own,
            elsewhere,
            connected: OnceCell::new(),
        }
    }

    /// The cluster of the Jobs.
    pub(super) async fn cluster(&self) -> Result<Client, String> {
        self.client().await.cloned()
    }

    /// Carries out one call, in its turn.
    pub(super) async fn call(&self, call: &Call, (may_write, turn): (&Gate, &Turn)) -> Reply {
        let client = self.client().await.map_err(Refusal::Other)?;
        self.wait(turn).await;
        match call {
            Call::Create(job) => job::create(client, job, may_write).await,
            Call::Get { namespace, name } => {
                let api = jobs(client, namespace);
                timed(async { json(&api.get(name).await?) }).await
            }
            Call::Pods { namespace, selector } => {
                let pods = ApiResource::erase::<Pod>(&());
                let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &pods);
                let params = ListParams::default().labels(selector);
                timed(async { json(&api.list(&params).await?) }).await
            }
            Call::Delete { namespace, name } => job::delete(client, namespace, name, may_write).await,
        }
    }

    /// Deletes the oldest Jobs of a run that are beyond a limit.
    pub(super) async fn collect(
        &self,
        place: &Surplus,
        limit: usize,
        (may_write, turn): (&Gate, &Turn),
    ) -> Result<(), String> {
        let client = self.client().await?;
        self.wait(turn).await;
        let api = jobs(client, &place.namespace);
        let params = ListParams::default().labels(&place.selector);
        let list = timed(async { json(&api.list(&params).await?) })
            .await
            .map_err(|refusal| text(&refusal))?;
        for name in surplus(&list, limit) {
            self.wait(turn).await;
            match job::delete(client, &place.namespace, &name, may_write).await {
                Ok(_) | Err(Refusal::NotFound(_)) => {}
                Err(refusal) => return Err(text(&refusal)),
            }
        }
        Ok(())
    }

    /// Another cluster has no part in the budget of this one.
    async fn wait(&self, turn: &Turn) {
        if self.elsewhere.is_none() {
            turn().await;
        }
    }

    async fn client(&self) -> Result<&Client, String> {
        match &self.elsewhere {
            None => Ok(&self.own),
            Some(kubeconfig) => self.connected.get_or_try_init(|| connect(kubeconfig)).await,
        }
    }
}

/// Connects to the cluster of the Jobs. A failure is tried again by the next call.
async fn connect(kubeconfig: &JobKubeconfig) -> Result<Client, String> {
    let mut config = match kubeconfig {
        JobKubeconfig::InCluster => Config::incluster().map_err(|error| chain(&error))?,
        JobKubeconfig::File(path) => {
            let file = Kubeconfig::read_from(path).map_err(|error| chain(&error))?;
            let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
            config.map_err(|error| chain(&error))?
        }
    };
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(10));
    Client::try_from(config).map_err(|error| chain(&error))
}

fn text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotFound(message) | Refusal::AlreadyExists(message) | Refusal::Other(message) => message.clone(),
    }
}
