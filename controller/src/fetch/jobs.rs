//! Jobs of measurements on the API server: the cluster of the runs, or another one (contract 08 §3).

use super::environment::JobKubeconfig;
use crate::cluster::chain::chain;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde::Serialize;
use serde_json::Value;
use serin_core::analysis::provider::{Call, Refusal, Reply, Surplus, surplus};
use serin_core::wire;
use std::future::Future;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);

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

    /// Carries out one call.
    pub(super) async fn call(&self, call: &Call) -> Reply {
        let client = self.client().await.map_err(Refusal::Other)?;
        match call {
            Call::Create(job) => {
                let namespace = job["metadata"]["namespace"].as_str().unwrap_or_default();
                let object: DynamicObject = serde_json::from_value((**job).clone())
                    .map_err(|error| Refusal::Other(format!("this is no Job: {error}")))?;
                let params = PostParams {
                    field_manager: Some(wire::FIELD_MANAGER.to_owned()),
                    ..PostParams::default()
                };
                let api = jobs(client, namespace);
                timed(async { json(&api.create(&params, &object).await?) }).await
            }
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
            Call::Delete { namespace, name } => delete(client, namespace, name).await,
        }
    }

    /// Deletes the oldest Jobs of a run that are beyond a limit.
    pub(super) async fn collect(&self, place: &Surplus, limit: usize) -> Result<(), String> {
        let client = self.client().await?;
        let api = jobs(client, &place.namespace);
        let params = ListParams::default().labels(&place.selector);
        let list = timed(async { json(&api.list(&params).await?) })
            .await
            .map_err(|refusal| text(&refusal))?;
        for name in surplus(&list, limit) {
            match delete(client, &place.namespace, &name).await {
                Ok(_) | Err(Refusal::NotFound(_)) => {}
                Err(refusal) => return Err(text(&refusal)),
            }
        }
        Ok(())
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

fn jobs(client: &Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<Job>(&()))
}

async fn delete(client: &Client, namespace: &str, name: &str) -> Reply {
    let api = jobs(client, namespace);
    timed(async {
        api.delete(name, &DeleteParams::foreground()).await?;
        Ok(Value::Null)
    })
    .await
}

fn json(object: &impl Serialize) -> Result<Value, kube::Error> {
    serde_json::to_value(object).map_err(kube::Error::SerdeError)
}

async fn timed(call: impl Future<Output = Result<Value, kube::Error>>) -> Reply {
    match tokio::time::timeout(TIMEOUT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => Err(Refusal::NotFound(status.message)),
        Ok(Err(kube::Error::Api(status))) if status.reason == "AlreadyExists" => {
            Err(Refusal::AlreadyExists(status.message))
        }
        Ok(Err(error)) => Err(Refusal::Other(chain(&error))),
        Err(_) => {
            let text = format!("the API server gave no answer within {} s", TIMEOUT.as_secs());
            Err(Refusal::Other(text))
        }
    }
}

fn text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotFound(message) | Refusal::AlreadyExists(message) | Refusal::Other(message) => message.clone(),
    }
}
