//! Secrets of providers, read just before they are needed and kept no longer than the measurement takes.

use crate::act::Turn;
use crate::cluster::chain::chain;
use k8s_openapi::api::core::v1;
use kube::{Api, Client};
use serin_core::analysis::provider::{Keys, Place, Secret, SecretName, Secrets};

/// Reads Secrets by name, each in its turn.
pub(super) async fn read(client: &Client, own: &str, of_run: &str, (names, turn): (Vec<SecretName>, &Turn)) -> Secrets {
    let mut secrets = Secrets::default();
    for name in names {
        let namespace = match name.place {
            Place::Controller => own,
            Place::Run => of_run,
        };
        turn().await;
        let keys = one(client, namespace, &name.name).await;
        secrets.0.insert(name, keys);
    }
    secrets
}

async fn one(client: &Client, namespace: &str, name: &str) -> Result<Keys, String> {
    let api: Api<v1::Secret> = Api::namespaced(client.clone(), namespace);
    match api.get(name).await {
        Ok(secret) => {
            let data = secret.data.unwrap_or_default();
            let text = |bytes: &[u8]| Secret::new(String::from_utf8_lossy(bytes).into_owned());
            Ok(data.into_iter().map(|(key, value)| (key, text(&value.0))).collect())
        }
        Err(kube::Error::Api(status)) if status.code == 403 => Err(format!(
            "{} (the controller may read Secrets only where a Role in namespace {namespace} permits it)",
            status.message
        )),
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(error) => Err(chain(&error)),
    }
}
