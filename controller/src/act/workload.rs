//! Scales the Deployment that a rollout refers to, and reads workloads live.

use super::replica_set::params;
use super::{Act, Call, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::store::Key;
use crate::store::expectations::Subject;
use crate::store::workloads::{Found, Stored, StoredDeployment, StoredPodTemplate, StoredTemplateSet};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::Patch;
use kube::core::NamespaceResourceScope;
use serde::de::DeserializeOwned;
use serde_json::json;
use serin_core::observed::{Kind, Verb, WorkloadKind};
use serin_core::plan::WorkloadScale;
use std::fmt::Debug;

impl Act<'_> {
    /// By the subresource `scale`: no other field can change, and no more is permitted.
    pub(super) async fn scale_workload(&mut self, scale: &WorkloadScale) -> Result<(), Error> {
        let result = self.send_scale(scale).await;
        self.skip(result, &scale.target.uid, None)
    }

    async fn send_scale(&mut self, scale: &WorkloadScale) -> Result<(), Error> {
        let target = &scale.target;
        let version = self.version(&target.uid, &target.resource_version);
        let body = json!({"metadata": {"resourceVersion": version}, "spec": {"replicas": scale.replicas}});
        let call = Call {
            verb: Verb::Patch,
            kind: Kind::DeploymentScale,
            namespace: self.namespace(),
            name: &target.name,
            urgent: self.urgent,
        };
        let api: Api<Deployment> = Api::namespaced(self.writer.client.clone(), self.namespace());
        let (params, body) = (params(), Patch::Merge(&body));
        let sent = api.patch_scale(&target.name, &params, &body);
        let subject = Subject::Deployment(target.name.clone());
        match self.writer.write(&call, sent).await {
            Ok(scaled) => {
                let version = scaled.metadata.resource_version.unwrap_or_default();
                self.changed(subject, &target.uid, &version);
                Ok(())
            }
            Err(error) => {
                self.learn(subject, target, &error);
                Err(error)
            }
        }
    }
}

impl Writer {
    /// Reads a workload live.
    pub(crate) async fn get_workload(&self, kind: WorkloadKind, key: &Key) -> Result<Option<Found>, Failure> {
        match kind {
            WorkloadKind::Deployment => self.get_found::<StoredDeployment>(Kind::Deployment, key).await,
            WorkloadKind::ReplicaSet => self.get_found::<StoredTemplateSet>(Kind::ReplicaSet, key).await,
            WorkloadKind::PodTemplate => self.get_found::<StoredPodTemplate>(Kind::PodTemplate, key).await,
        }
    }

    async fn get_found<K>(&self, kind: Kind, key: &Key) -> Result<Option<Found>, Failure>
    where
        K: Stored<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        let (namespace, name) = (&*key.namespace, &*key.name);
        let call = Call {
            verb: Verb::Get,
            kind,
            namespace,
            name,
            urgent: true,
        };
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        let found = self.call(&call, api.get_opt(name)).await?;
        Ok(found.map(Stored::into_found))
    }
}
