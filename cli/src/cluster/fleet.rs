//! The rollouts and experiments of a namespace, or of all namespaces.

use crate::cluster::as_read::{AsRead, Partly};
use crate::cluster::connect::Connection;
use crate::cluster::scene::{Change, watch};
use futures::Stream;
use kube::api::ListParams;
use kube::core::NamespaceResourceScope;
use kube::runtime::watcher;
use kube::{Api, Resource};
use serin_core::api::Experiment;

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// In one namespace.
    In(String),
    /// In all namespaces.
    Everywhere,
}

/// The rollouts there, in the order of the API server; only one of them if `name` is not empty.
///
/// # Errors
/// What the API server says.
pub(crate) async fn rollouts(connection: &Connection, place: &Where, name: &str) -> Result<Vec<AsRead>, kube::Error> {
    let parameters = ListParams {
        field_selector: selector(name),
        ..ListParams::default()
    };
    Ok(api::<AsRead>(connection, place).list(&parameters).await?.items)
}

/// Changes of the rollouts there; only of one of them if `name` is not empty. Lost connections are taken up again.
pub(crate) fn changes(connection: &Connection, place: &Where, name: &str) -> impl Stream<Item = Change> + Send + use<> {
    let config = watcher::Config {
        field_selector: selector(name),
        ..watcher::Config::default()
    };
    watch(api(connection, place), config, Change::Rollout)
}

/// The experiments there, in the order of the API server.
///
/// # Errors
/// What the API server says.
pub(crate) async fn experiments(connection: &Connection, place: &Where) -> Result<Vec<Experiment>, kube::Error> {
    let found = api::<Partly<Experiment>>(connection, place)
        .list(&ListParams::default())
        .await?;
    Ok(found.items.into_iter().map(|Partly(experiment)| experiment).collect())
}

fn api<K>(connection: &Connection, place: &Where) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let client = connection.client.clone();
    match place {
        Where::In(namespace) => Api::namespaced(client, namespace),
        Where::Everywhere => Api::all(client),
    }
}

/// The field selector of a name. A name may hold anything that a person types: what has a meaning there is escaped.
fn selector(name: &str) -> Option<String> {
    let escaped = name.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
    (!name.is_empty()).then(|| format!("metadata.name={escaped}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_selector() {
        let table = [
            ("", None),
            ("web", Some("metadata.name=web")),
            ("a,b=c\\", Some("metadata.name=a\\,b\\=c\\\\")),
        ];
        for (name, expected) in table {
            assert_eq!(selector(name).as_deref(), expected, "{name}");
        }
    }
}
