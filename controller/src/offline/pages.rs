//! Lists of everything, page by page, on an API server that may be asked too much.

use crate::args::Options;
use crate::cluster::PAGE;
use crate::cluster::trouble::Trouble;
use kube::api::{ApiResource, DynamicObject, ListParams, ObjectList};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::time::Duration;

/// How long a page of a list may be refused with 429 before the report is given up: less than the five minutes for which
/// the API server keeps the pages that follow.
const PATIENCE: Duration = Duration::from_secs(180);

/// The objects of a kind that a controller with these options would see.
pub(super) fn served<K>(client: &Client, options: &Options) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match options.served_namespace(client) {
        Some(namespace) => Api::namespaced(client.clone(), &namespace),
        None => Api::all(client.clone()),
    }
}

/// The same, as they are stored.
pub(super) fn served_as_stored<K>(client: &Client, options: &Options) -> Api<DynamicObject>
where
    K: Resource<DynamicType = ()>,
{
    let resource = ApiResource::erase::<K>(&());
    match options.served_namespace(client) {
        Some(namespace) => Api::namespaced_with(client.clone(), &namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// Page by page, as the controller lists.
pub(super) async fn each<K>(api: &Api<K>, labels: &str, mut each: impl FnMut(K)) -> Result<(), kube::Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut params = ListParams::default().labels(labels).limit(PAGE);
    loop {
        let page = page(api, &params).await?;
        page.items.into_iter().for_each(&mut each);
        match page.metadata.continue_.filter(|it| !it.is_empty()) {
            Some(next) => params = params.continue_token(&next),
            None => return Ok(()),
        }
    }
}

async fn page<K>(api: &Api<K>, params: &ListParams) -> Result<ObjectList<K>, kube::Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let (mut waited, mut pause) = (Duration::ZERO, Duration::from_secs(1));
    loop {
        let error = match api.list(params).await {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        let trouble = Trouble::from(&error);
        if !trouble.is_passing() || waited >= PATIENCE {
            return Err(error);
        }
        let wait = asked_wait(&error).unwrap_or(pause).min(PATIENCE - waited);
        tracing::warn!(
            error = trouble.brief(),
            seconds = wait.as_secs(),
            "the API server is overloaded; waiting"
        );
        tokio::time::sleep(wait).await;
        waited += wait;
        pause = Duration::from_secs(30).min(pause * 2);
    }
}

/// The wait that the answer itself asks for; the header of the same meaning is out of reach here.
fn asked_wait(error: &kube::Error) -> Option<Duration> {
    let kube::Error::Api(status) = error else { return None };
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
}
