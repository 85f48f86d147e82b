//! The kubelet's three kinds of request.

use super::options::KubeletOptions;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use serde_json::{Value, json};

/// A request about one pod.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Bind,
    Status(Value),
    Delete,
}

/// Which pod a request is about.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
}

/// Sends a request; a patch answers with the pod as it is now.
pub(super) async fn send(
    client: Client,
    options: &KubeletOptions,
    target: &Target,
    request: Request,
) -> Result<Option<Pod>, kube::Error> {
    let Target { namespace, name, uid } = target;
    let pods = Api::<Pod>::namespaced(client, namespace);
    match request {
        Request::Bind => {
            let node = json!({"apiVersion": "v1", "kind": "Node", "name": options.node_name});
            let binding =
                json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name, "uid": uid}, "target": node});
            let _: Value = pods
                .create_subresource("binding", name, &PostParams::default(), &binding)
                .await?;
            Ok(None)
        }
        Request::Status(patch) => pods
            .patch_status(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map(Some),
        Request::Delete => {
            let same = Preconditions {
                uid: Some(uid.clone()),
                resource_version: None,
            };
            let params = DeleteParams {
                grace_period_seconds: Some(0),
                preconditions: Some(same),
                ..DeleteParams::default()
            };
            pods.delete(name, &params).await?;
            Ok(None)
        }
    }
}
