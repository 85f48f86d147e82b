//! Objects that a rollout has changed and names no more: they are given back (contract 07 §1).

use super::named;
use crate::observed::Observed;
use crate::traffic::{Change, Next, Told, changes, left};

/// Those that were read, as they are to be.
pub(super) fn next(seen: &Observed) -> Vec<Next> {
    let rollout = seen.rollout.metadata.name.as_deref().unwrap_or_default();
    let routes = seen.routers.as_ref().map(|of| &of.routes);
    routes.map_or_else(Vec::new, |routes| left(rollout, &named(seen), routes))
}

/// The writes that give them back.
pub(crate) fn given_back(seen: &Observed) -> Vec<(Change, Vec<Told>)> {
    let routes = seen.routers.as_ref().map(|of| &of.routes);
    routes.map_or_else(Vec::new, |routes| changes(next(seen), routes))
}
