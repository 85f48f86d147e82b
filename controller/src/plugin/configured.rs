//! The ConfigMap that names the plugins. It is read when the controller starts (contract 07 §9).

use crate::cluster::start;
use crate::error::Error;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use serin_plugin::{Configuration, Limits, Plugins};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Its name, in the controller's namespace.
const CONFIG_MAP: &str = "argo-rollouts-config";
/// What to do where it must not be read.
const ADVICE: &str = "deploy/base/plugins-role.yaml has the Role that permits it";

/// The plugins that the ConfigMap `argo-rollouts-config` of this namespace names; none where there is no such ConfigMap. It
/// logs the plugins that cannot be used because they would have to be downloaded (decision 54).
///
/// # Errors
/// The ConfigMap cannot be read ([`Error::ConfigMap`]), makes no sense ([`Error::Plugins`]), or a plugin's file is not the one
/// that is pinned ([`Error::Plugin`]).
pub async fn configured_plugins(client: &Client, namespace: &str) -> Result<Arc<Plugins>, Error> {
    let configuration = Configuration::read(&read(client, namespace).await?)?;
    for (kind, plugin) in configuration.iter() {
        match plugin.file() {
            Ok(file) => {
                tracing::info!(plugin = plugin.name, list = kind.key(), file = %file.display(), "plugin configured")
            }
            Err(why) => tracing::warn!(plugin = plugin.name, list = kind.key(), "plugin cannot be used: {why}"),
        }
    }
    let plugins = Plugins::new(configuration, Limits::default());
    plugins.verify().await?;
    Ok(Arc::new(plugins))
}

/// The data of the ConfigMap. An API server that does not answer is asked again.
async fn read(client: &Client, namespace: &str) -> Result<BTreeMap<String, String>, Error> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let name = format!("{namespace}/{CONFIG_MAP}");
    match start::ask(&format!("ConfigMap {name}"), ADVICE, || api.get_opt(CONFIG_MAP)).await {
        Ok(found) => Ok(found.and_then(|found| found.data).unwrap_or_default()),
        Err(cause) => Err(Error::ConfigMap { name, cause }),
    }
}
