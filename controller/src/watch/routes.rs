//! Watch streams of the kinds of traffic routers → store, and which rollouts are reconciled for them.

use crate::cluster::PAGE;
use crate::cluster::trouble::Trouble;
use crate::queue::Reason;
use crate::shell::Shell;
use crate::store::routes::{RouteKind, Served, StoredRoute};
use crate::store::{Key, Source};
use crate::watch::{Scope, broken};
use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client};
use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How long after the API server said that it does not serve a kind it is asked again: its CRD may have come (upstream:
/// every 10 minutes).
const NOT_SERVED_RETRY: Duration = Duration::from_secs(30);

impl Scope {
    fn routes(
        self,
        client: Client,
        kind: &RouteKind,
    ) -> impl Stream<Item = watcher::Result<Event<StoredRoute>>> + Send + use<> {
        let resource = kind.resource();
        let api: Api<StoredRoute> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        watch(api, watcher::Config::default().page_size(PAGE)).default_backoff()
    }
}

/// Follows each kind from the first rollout on that reads an object of it. It never ends. Reconciles do not wait for it: what
/// the store lacks is asked for live.
pub(crate) async fn routes(shell: Arc<Shell>, scope: Scope) {
    let (mut known, mut followed) = (HashSet::new(), FuturesUnordered::new());
    loop {
        for kind in shell.stores.routes.kinds() {
            if known.insert(kind.clone()) {
                followed.push(follow(&shell, scope.clone(), kind));
            }
        }
        tokio::select! {
            () = shell.stores.routes.more_kinds() => {}
            Some(()) = followed.next() => {}
        }
    }
}

/// Follows a kind, again and again. One whose cluster cannot be reached stays unknown.
async fn follow(shell: &Shell, scope: Scope, kind: RouteKind) {
    let client = match shell.writer.client_of(&kind.api_version) {
        Ok(client) => client,
        Err(why) => {
            let touched = shell.stores.routes.is_served(&kind, Served::Refused(why.to_owned()));
            shell.wake_all(touched, Reason::RouteChanged);
            return std::future::pending().await;
        }
    };
    loop {
        while_served(shell, scope.clone().routes(client.clone(), &kind), &kind).await;
        tokio::time::sleep(NOT_SERVED_RETRY).await;
    }
}

/// Follows a kind until the API server says that it does not serve it.
async fn while_served(
    shell: &Shell,
    stream: impl Stream<Item = watcher::Result<Event<StoredRoute>>>,
    kind: &RouteKind,
) {
    let mut events = pin!(stream);
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        let routes = &shell.stores.routes;
        let mut serves = true;
        let touched = match event {
            Ok(Event::Init) => {
                listed.clear();
                Vec::new()
            }
            Ok(Event::InitApply(route)) => {
                listed.insert(Key::of(&route));
                routes.apply(kind, route, Source::List)
            }
            Ok(Event::InitDone) => routes.listed(kind, &std::mem::take(&mut listed)),
            Ok(Event::Apply(route)) => routes.apply(kind, route, Source::Event),
            Ok(Event::Delete(route)) => routes.delete(kind, &Key::of(&route)),
            Err(error) => {
                serves = !is_not_served(&error);
                if serves {
                    broken(shell, &kind.plural, &error);
                } else {
                    // The rollouts that name it say so; this comes again and again.
                    tracing::debug!(kind = %kind.kind, api_version = %kind.api_version, "the API server does not serve the kind");
                }
                match Trouble::of_watch(&error) {
                    _ if !serves => routes.is_served(kind, Served::Not),
                    Trouble::Forbidden(said) => routes.is_served(kind, Served::Refused(kind.refused("list", &said))),
                    _ => Vec::new(),
                }
            }
        };
        shell.wake_all(touched, Reason::RouteChanged);
        if !serves {
            return;
        }
    }
}

/// A list or watch that is not found can only be of a kind that is not served.
fn is_not_served(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => {
            matches!(error, kube::Error::Api(status) if status.code == 404)
        }
        watcher::Error::WatchError(status) => status.code == 404,
        watcher::Error::NoResourceVersion => false,
    }
}
