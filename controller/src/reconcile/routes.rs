//! Objects of traffic routers: stores, and the API server where they lack one → [`Observed`].

use crate::act::route::Live;
use crate::cluster::refusal::Failure;
use crate::queue::Reason;
use crate::shell::Shell;
use crate::store::routes::{Known, RouteKind, Served, key_of};
use crate::store::{Key, Owner, Source};
use serin_core::observed::Routers;
use serin_core::plan::Action;
use serin_core::rollout::traffic::needed;
use serin_core::traffic::{Place, Route, Routes, Seen, is_given_back};
use serin_core::{Observed, Plan};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Shows a decision the objects that it needs. Which those are may depend on others, so it is asked until it names no more.
pub(super) async fn find(observed: &mut Observed, shell: &Shell, key: &Key, uid: &str) -> Result<(), Failure> {
    let calls = shell.router_calls.as_ref();
    observed.routers = Some(Routers {
        settings: shell.routers.clone(),
        routes: Routes::default(),
        aws: shell
            .aws
            .as_ref()
            .map(|desk| desk.observed(key, uid))
            .unwrap_or_default(),
        plugins: calls.map(|calls| calls.observed(key, uid)).unwrap_or_default(),
    });
    // What it read before may have to be given back.
    let before = shell.stores.routes.read_by(key);
    for place in before.into_iter().filter(is_given_back) {
        let seen = look(shell, key, &place).await?;
        if let Some(routers) = &mut observed.routers {
            routers.routes.0.push(Route { place, seen });
        }
    }
    let mut places = BTreeSet::new();
    loop {
        let more: BTreeSet<Place> = needed(observed)
            .into_iter()
            .filter(|place| !places.contains(place))
            .collect();
        if more.is_empty() {
            break;
        }
        for place in more {
            let known = |routers: &Routers| routers.routes.0.iter().any(|route| route.place == place);
            if !observed.routers.as_ref().is_some_and(known) {
                let seen = look(shell, key, &place).await?;
                if let Some(routers) = &mut observed.routers {
                    let place = place.clone();
                    routers.routes.0.push(Route { place, seen });
                }
            }
            places.insert(place);
        }
    }
    shell.stores.routes.reads_only(key, &places);
    Ok(())
}

/// What AWS said before a plan wrote what AWS follows counts no more.
pub(super) fn outdate(shell: &Shell, owner: &Owner, plan: &Plan) {
    let Some(desk) = &shell.aws else { return };
    let routes = plan.actions.iter().any(|action| matches!(action, Action::Route(_)));
    let services = plan.actions.iter().any(|action| matches!(action, Action::Service(_)));
    if routes || services {
        desk.wrote((&owner.key, &owner.uid), routes, services);
    }
}

/// Puts the questions of a plan to AWS. Nobody waits for the answers: each of them starts a reconcile.
pub(super) fn ask(shell: &Arc<Shell>, owner: &Owner, plan: &Plan) {
    let Some(desk) = &shell.aws else { return };
    let (waiting, key) = (Arc::downgrade(shell), owner.key.clone());
    let wake = move || {
        if let Some(shell) = waiting.upgrade() {
            shell.wake(&key, Reason::AwsAnswered);
        }
    };
    desk.put((&owner.key, &owner.uid), &plan.asks, wake);
}

async fn look(shell: &Shell, key: &Key, place: &Place) -> Result<Seen, Failure> {
    if !is_watched(shell, place) {
        return read(shell, place).await;
    }
    // First, so that the watch keeps what it brings from here on.
    shell.stores.routes.also_reads(key, place);
    match shell.stores.routes.known(place) {
        Known::Seen(seen) => Ok(seen),
        Known::Unknown => read(shell, place).await,
    }
}

/// A controller of one namespace follows no objects in others: it reads them each time. So it does with all of a namespace.
fn is_watched(shell: &Shell, place: &Place) -> bool {
    if place.name.is_empty() {
        return false;
    }
    shell
        .namespace
        .as_ref()
        .is_none_or(|namespace| *namespace == place.namespace)
}

/// Asks the API server for an object: a watch that lags, or has not begun, must not make a spec invalid (contract 11 C7).
pub(super) async fn read(shell: &Shell, place: &Place) -> Result<Seen, Failure> {
    let (routes, kind) = (&shell.stores.routes, RouteKind::of(place));
    let (seen, touched) = match shell.writer.get_route(place).await? {
        Live::Found(live) => {
            let seen = Seen::Found(live.clone().into_object(&kind));
            (seen, routes.apply(&kind, *live, Source::Event))
        }
        Live::Missing => {
            let touched = routes.delete(&kind, &key_of(place));
            routes.is_absent(place);
            (Seen::Missing, touched)
        }
        Live::NotServed => (Seen::NotServed, routes.is_served(&kind, Served::Not)),
        Live::Refused(why) => (Seen::Refused(why), Vec::new()),
    };
    shell.wake_all(touched, Reason::RouteChanged);
    Ok(seen)
}
