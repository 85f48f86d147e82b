//! Creates and deletes the Jobs of measurements, in the cluster of the runs or in another one (contract 08 §3).

use super::Gate;
use crate::cluster::chain::chain;
use k8s_openapi::api::batch::v1::Job;
use kube::api::{ApiResource, DeleteParams, DynamicObject, PostParams};
use kube::{Api, Client};
use serde::Serialize;
use serde_json::Value;
use serin_core::analysis::provider::{Refusal, Reply};
use serin_core::wire;
use std::future::Future;
use std::time::Duration;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The Jobs of a namespace.
pub(crate) fn jobs(client: &Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<Job>(&()))
}

/// Creates a Job, if this process still leads: a measurement may be older than that (invariant 11).
pub(crate) async fn create(client: &Client, job: &Value, may_write: &Gate) -> Reply {
    let namespace = job["metadata"]["namespace"].as_str().unwrap_or_default();
    let object: DynamicObject =
        serde_json::from_value(job.clone()).map_err(|error| Refusal::Other(format!("this is no Job: {error}")))?;
    let params = PostParams {
        field_manager: Some(wire::FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let api = jobs(client, namespace);
    leading(may_write)?;
    timed(async { json(&api.create(&params, &object).await?) }).await
}

/// Deletes a Job with its pods, if this process still leads.
pub(crate) async fn delete(client: &Client, namespace: &str, name: &str, may_write: &Gate) -> Reply {
    let api = jobs(client, namespace);
    leading(may_write)?;
    timed(async {
        api.delete(name, &DeleteParams::foreground()).await?;
        Ok(Value::Null)
    })
    .await
}

fn leading(may_write: &Gate) -> Result<(), Refusal> {
    if may_write() {
        Ok(())
    } else {
        Err(Refusal::Other(super::Error::NotLeading.to_string()))
    }
}

/// An object as the provider reads it.
pub(crate) fn json(object: &impl Serialize) -> Result<Value, kube::Error> {
    serde_json::to_value(object).map_err(kube::Error::SerdeError)
}

/// A call with a time limit, and what came of it.
pub(crate) async fn timed(call: impl Future<Output = Result<Value, kube::Error>>) -> Reply {
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
