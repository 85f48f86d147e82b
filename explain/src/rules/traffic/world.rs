//! The rollouts that route, and the objects of the build that their routers read and write.

use crate::rules::build::Object;
use crate::rules::seen::Seen;
use serde_json::{Value, json};
use serin_core::api::canary_step::{SetHeaderRoute, SetMirrorRoute};
use serin_core::api::rollout::{CanaryStrategy, Rollout, TrafficRouting};
use serin_core::meaning::{DEFAULT_MAX_WEIGHT, max_weight};
use serin_core::traffic::{self, Place, Problem, Route, Router, Routes, Settings, Site, Wanted};
use std::collections::{BTreeMap, BTreeSet};

/// A rollout that routes.
#[derive(Clone, Debug)]
pub(in crate::rules) struct Traffic<'s> {
    /// Its index in the build.
    pub(in crate::rules) index: usize,
    pub(in crate::rules) object: &'s Object,
    pub(in crate::rules) rollout: &'s Rollout,
    pub(in crate::rules) canary: &'s CanaryStrategy,
    pub(in crate::rules) routing: &'s TrafficRouting,
    /// Those that have objects.
    pub(in crate::rules) routers: Vec<Router<'s>>,
    /// Its namespace; empty where the one who applies it decides.
    pub(in crate::rules) namespace: &'s str,
    settings: Settings,
    /// Stands for the UID, and for the hashes of the canary and of stable.
    marks: [String; 3],
}

/// The objects that routers read, as far as the build has them.
#[derive(Clone, Debug, Default)]
pub(in crate::rules) struct World {
    pub(in crate::rules) routes: Routes,
    indices: BTreeMap<Place, usize>,
}

impl World {
    /// The index in the build of what is at a place.
    pub(in crate::rules) fn index(&self, place: &Place) -> Option<usize> {
        self.indices.get(place).copied()
    }

    /// Reads what the routers of some rollouts name.
    pub(in crate::rules) fn of(seen: &Seen<'_>, all: &[&Traffic<'_>]) -> Self {
        let mut world = Self::default();
        let mut looked = BTreeSet::new();
        loop {
            // What lies behind an object is named once that was read.
            let places = all.iter().flat_map(|traffic| {
                let routers = traffic.routers.iter();
                routers.flat_map(|router| router.places(&traffic.site(), &world.routes))
            });
            let new: Vec<Place> = places.filter(|place| looked.insert(place.clone())).collect();
            if new.is_empty() {
                return world;
            }
            for place in new {
                let Some((index, object)) = seen.objects().find(|(_, object)| is_at(object, &place)) else {
                    continue;
                };
                let mut value = object.value.clone();
                if all.iter().any(|traffic| traffic.namespace.is_empty()) {
                    forget_namespaces(&mut value["spec"]);
                }
                world.indices.insert(place.clone(), index);
                let seen = traffic::Seen::Found(value);
                world.routes.0.push(Route { place, seen });
            }
        }
    }
}

/// Whether an object of the build is the one at a place. Its version does not matter, apart from Ingresses: an old one has
/// other fields.
fn is_at(object: &Object, place: &Place) -> bool {
    let version = object.value["apiVersion"].as_str().unwrap_or_default();
    let group = place.api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = match place.kind.as_str() {
        "Mapping" => ["Mapping", "AmbassadorMapping"].contains(&object.kind()),
        "Ingress" => object.kind() == "Ingress" && version == place.api_version,
        "TraefikService" => object.kind() == "TraefikService",
        kind => object.kind() == kind && object.group() == group,
    };
    let namespace = object.namespace().unwrap_or_default();
    let met = namespace.is_empty() || place.namespace.is_empty() || namespace == place.namespace;
    kind && object.name() == place.name && met
}

/// Nobody knows where a rollout without a namespace lands: a reference to a namespace may be one to its own.
fn forget_namespaces(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("namespace");
            fields.values_mut().for_each(forget_namespaces);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_namespaces),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// All rollouts of a build that route.
pub(in crate::rules) fn all<'s>(seen: &'s Seen<'_>) -> Vec<Traffic<'s>> {
    let mut settings = Settings::default();
    if seen.objects().any(|(_, object)| object.kind() == "AmbassadorMapping") {
        "x.getambassador.io/v3alpha1".clone_into(&mut settings.ambassador_api_version);
    }
    let of = |(index, object, rollout): (usize, &'s Object, &'s Rollout)| {
        let canary = rollout.spec.strategy.canary.as_deref()?;
        let routing = canary.traffic_routing.as_deref()?;
        Some(Traffic {
            index,
            object,
            rollout,
            canary,
            routing,
            routers: Router::all(routing),
            namespace: object.namespace().unwrap_or_default(),
            settings: settings.clone(),
            marks: ["uid", "canary", "stable"].map(|mark| format!("{mark}-{index}")),
        })
    };
    seen.rollouts().filter_map(of).collect()
}

impl Traffic<'_> {
    /// Where it routes. Of ping and pong the one is the canary's, as in a rollout that was never updated.
    pub(in crate::rules) fn site(&self) -> Site<'_> {
        let named = (self.canary.canary_service.as_str(), self.canary.stable_service.as_str());
        let both = self.canary.ping_pong.as_ref();
        let (canary_service, stable_service) =
            both.map_or(named, |both| (both.ping_service.as_str(), both.pong_service.as_str()));
        Site {
            rollout: self.object.name(),
            uid: &self.marks[0],
            namespace: self.namespace,
            canary_service,
            stable_service,
            named,
            max_weight: match max_weight(self.canary) {
                weight if weight > 0 => weight,
                _ => DEFAULT_MAX_WEIGHT,
            },
            routing: self.routing,
            settings: &self.settings,
        }
    }

    /// What it wants between two updates.
    pub(in crate::rules) fn at_rest(&self) -> Wanted<'_> {
        let managed = self.routing.managed_routes.iter().map(|route| route.name.as_str());
        let headers = self.headers().into_iter().map(|(_, route)| route.name.as_str());
        let mirrors = self.mirrors().into_iter().map(|(_, route)| route.name.as_str());
        let mut names: Vec<&str> = Vec::new();
        for name in managed.chain(headers).chain(mirrors) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Wanted {
            canary_hash: &self.marks[2],
            stable_hash: &self.marks[2],
            managed: names,
            ..Wanted::default()
        }
    }

    /// What it wants in the midst of an update, without the routes of steps.
    pub(in crate::rules) fn under_way(&self) -> Wanted<'_> {
        Wanted {
            canary: (self.site().max_weight / 5).max(1),
            canary_hash: &self.marks[1],
            ..self.at_rest()
        }
    }

    /// The same with the routes of all steps; the last of each name counts.
    pub(in crate::rules) fn with_routes(&self) -> Wanted<'_> {
        let mut wanted = self.under_way();
        for (_, route) in self
            .headers()
            .into_iter()
            .filter(|(_, route)| !route.r#match.is_empty())
        {
            wanted.headers.retain(|of| of.name != route.name);
            wanted.headers.push(route);
        }
        for (_, route) in self
            .mirrors()
            .into_iter()
            .filter(|(_, route)| !route.r#match.is_empty())
        {
            wanted.mirrors.retain(|of| of.name != route.name);
            wanted.mirrors.push(route);
        }
        wanted
    }

    /// The steps that set a route by header.
    pub(in crate::rules) fn headers(&self) -> Vec<(usize, &SetHeaderRoute)> {
        let steps = self.canary.steps.iter().enumerate();
        let set = steps.filter_map(|(index, step)| Some((index, step.set_header_route.as_deref()?)));
        set.collect()
    }

    /// The steps that set a route that mirrors.
    pub(in crate::rules) fn mirrors(&self) -> Vec<(usize, &SetMirrorRoute)> {
        let steps = self.canary.steps.iter().enumerate();
        let set = steps.filter_map(|(index, step)| Some((index, step.set_mirror_route.as_deref()?)));
        set.collect()
    }

    /// Whether a plugin routes that the core has no part in.
    pub(in crate::rules) fn has_plugin(&self) -> bool {
        let mut plugins = self.routing.plugins.keys();
        plugins.any(|name| name != serin_core::api::rollout::GATEWAY_PLUGIN)
    }

    /// Writes what a router wants, as the controller would; the places that change.
    pub(in crate::rules) fn write(
        &self,
        router: &Router<'_>,
        wanted: &Wanted<'_>,
        routes: &mut Routes,
    ) -> Result<Vec<Place>, Problem> {
        let mut changed = Vec::new();
        for next in router.desired(&self.site(), wanted, routes)? {
            let mut object = next.object;
            let old = routes.find(&next.place);
            if let (None, Some(object), true) = (old, &mut object, next.owned) {
                object["metadata"]["ownerReferences"] = json!([{"controller": true, "uid": self.marks[0]}]);
            }
            if old == object.as_ref() {
                continue;
            }
            routes.0.retain(|route| route.place != next.place);
            if let Some(object) = object {
                let (place, seen) = (next.place.clone(), traffic::Seen::Found(object));
                routes.0.push(Route { place, seen });
            }
            changed.push(next.place);
        }
        Ok(changed)
    }
}
