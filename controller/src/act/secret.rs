//! Reads Secrets, live and one by one: they are never watched, listed or kept (invariant 12).

use super::{Call, Writer};
use crate::cluster::refusal::Failure;
use crate::store::Key;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use serin_core::observed::{Kind, Verb};

impl Writer {
    /// Reads a Secret, within the budget of calls.
    pub(crate) async fn get_secret(&self, key: &Key) -> Result<Option<Secret>, Failure> {
        let call = Call {
            verb: Verb::Get,
            kind: Kind::Secret,
            namespace: &key.namespace,
            name: &key.name,
            urgent: true,
        };
        self.budgets.of(Kind::Secret).take_begun().await;
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &key.namespace);
        self.call(&call, api.get_opt(&key.name)).await
    }
}
