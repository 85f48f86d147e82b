//! The routers of a rollout and their objects, as far as they were read.

use crate::case::Case;
use serin_core::Observed;
use serin_core::observed::Routers;
use serin_core::rollout::traffic::needed;
use serin_core::traffic::{Place, Route, Seen, Settings};

/// Adds them. Objects that lie behind others are named once those are known.
///
/// # Errors
/// The kind of an object that was not read.
pub(super) fn add(case: &Case<'_>, seen: &mut Observed) -> Result<(), String> {
    let mut routers = Routers {
        settings: settings(case),
        ..Routers::default()
    };
    loop {
        seen.routers = Some(routers.clone());
        let mut places = needed(seen).into_iter();
        let Some(place) = places.find(|place| *routers.routes.seen(place) == Seen::Unread) else {
            return Ok(());
        };
        let seen = found(case, &place).ok_or_else(|| place.kind.clone())?;
        routers.routes.0.push(Route { place, seen });
    }
}

/// The object of a place; `None` where nobody looked.
fn found(case: &Case<'_>, place: &Place) -> Option<Seen> {
    let Place {
        kind, namespace, name, ..
    } = place;
    match case.index.find(kind, namespace, name) {
        Some(object) => Some(Seen::Found(object.value().clone())),
        None => case.is_missing(kind, namespace, name).then_some(Seen::Missing),
    }
}

/// Objects differ between the versions of their kinds: the flags of the controller are taken to name the one that was read.
fn settings(case: &Case<'_>) -> Settings {
    let version = |kind: &str| {
        let object = case.index.of_kind(kind, case.object.namespace()).next()?;
        Some(object.text("/apiVersion")).filter(|version| !version.is_empty())
    };
    let mut settings = Settings::default();
    if let Some((_, version)) = version("TrafficSplit").and_then(|version| version.split_once('/')) {
        version.clone_into(&mut settings.traffic_split_version);
    }
    if let Some(version) = version("Mapping") {
        version.clone_into(&mut settings.ambassador_api_version);
    }
    settings
}
