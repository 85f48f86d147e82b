//! The routers of a rollout and their objects, as far as they were read.

use crate::case::Case;
use crate::sources::Object;
use serin_core::Observed;
use serin_core::api::rollout::GATEWAY_PLUGIN;
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

/// The field of a router plugin: it has no object to be read.
pub(super) fn of_plugin(case: &Case<'_>) -> Option<String> {
    let canary = case.rollout.spec.strategy.canary.as_deref()?;
    let mut plugins = canary.traffic_routing.as_deref()?.plugins.keys();
    let plugin = plugins.find(|name| *name != GATEWAY_PLUGIN)?;
    Some(format!("spec.strategy.canary.trafficRouting.plugins[{plugin}]"))
}

/// The objects of the routers that were read.
pub(crate) fn objects<'a>(case: &Case<'a>) -> Vec<&'a Object> {
    let mut seen = Observed {
        rollout: case.rollout.clone(),
        ..Observed::default()
    };
    let mut routers = Routers {
        settings: settings(case),
        ..Routers::default()
    };
    let mut objects: Vec<&Object> = Vec::new();
    loop {
        seen.routers = Some(routers.clone());
        let mut unread = needed(&seen)
            .into_iter()
            .filter(|place| *routers.routes.seen(place) == Seen::Unread);
        let Some((place, object)) = unread.find_map(|place| {
            let object = case
                .index
                .find_of(&place.api_version, &place.kind, &place.namespace, &place.name)?;
            Some((place, object))
        }) else {
            return objects;
        };
        if !objects.iter().any(|other| std::ptr::eq(*other, object)) {
            objects.push(object);
        }
        let seen = Seen::Found(object.value().clone());
        routers.routes.0.push(Route { place, seen });
    }
}

/// The object of a place; `None` where nobody looked.
fn found(case: &Case<'_>, place: &Place) -> Option<Seen> {
    let Place {
        kind, namespace, name, ..
    } = place;
    match case.index.find_of(&place.api_version, kind, namespace, name) {
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
