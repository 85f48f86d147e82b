//! AWS App Mesh: weights in a virtual router, pod template hashes in two virtual nodes (contract 07 §6).

use super::{Next, Place, Problem, Reported, Routes, Site, Wanted, edit};
use crate::api::rollout::{AppMeshRouting, AppMeshVirtualService};
use crate::validate::FieldError;
use crate::wire::{HASH_LABEL, MANAGED_BY};
use serde_json::Value;

/// Kinds of routes, of which each route has one.
const TYPES: [&str; 4] = ["httpRoute", "tcpRoute", "http2Route", "grpcRoute"];

/// What the nodes select where they are to lead to nothing.
const NO_STABLE: &str = "stable-hash";
const NO_CANARY: &str = "canary-hash";

/// The virtual service, the two virtual nodes, and the virtual router once the service was read.
pub(super) fn places(routing: &AppMeshRouting, site: &Site<'_>, routes: &Routes) -> Vec<Place> {
    let service = routing.virtual_service.as_ref().map(|of| service(of, site));
    let router = service.as_ref().and_then(|place| router(place, site, routes));
    let nodes = nodes(routing, site).into_iter().flatten();
    service.into_iter().chain(router).chain(nodes).collect()
}

pub(super) fn references(routing: &AppMeshRouting, site: &Site<'_>, routes: &Routes) -> Option<FieldError> {
    // The lower-case m is upstream's (contract 11 §E, "01 §9 routers").
    let path = "spec.strategy.canary.trafficRouting.appmesh.virtualService";
    let Some(of) = &routing.virtual_service else {
        return Some(FieldError::invalid(path, &Value::Null, "must provide virtual-service"));
    };
    let service = service(of, site);
    let printed = format!("{}.{}", service.name, service.namespace);
    if routes.is_missing(&service) {
        return Some(FieldError::invalid(path, &printed, service.not_found()));
    }
    let router = router(&service, site, routes)?;
    if routes.is_missing(&router) {
        return Some(FieldError::invalid(path, &printed, router.not_found()));
    }
    wrong_routes(&router.name, routes.find(&router)?)
}

/// What is wrong with the routes of a virtual router: each has exactly two targets.
fn wrong_routes(name: &str, router: &Value) -> Option<FieldError> {
    let routes = router["spec"]["routes"].as_array().filter(|routes| !routes.is_empty());
    let Some(routes) = routes else {
        let detail = format!("No routes defined for AppMesh virtual-router {name}");
        return Some(FieldError::invalid("spec.routes", name, detail));
    };
    let mut wrong = routes.iter().enumerate().filter_map(|(index, route)| {
        let of = format!(
            "AppMesh virtual-router {name} and route {}",
            route["name"].as_str().unwrap_or_default()
        );
        let Some(kind) = kind(route) else {
            let detail = format!("Error getting route details for {of}");
            return Some(FieldError::invalid(format!("spec.routes[{index}]"), name, detail));
        };
        let path = format!("spec.routes[{index}].{kind}.action.weightedTargets");
        let Some(targets) = route[kind]["action"]["weightedTargets"].as_array() else {
            return Some(FieldError::invalid(
                path,
                name,
                format!("Invalid route action found for {of}"),
            ));
        };
        let count = targets.len();
        (count != 2).then(|| {
            let detail = format!("Invalid number of weightedTargets({count}) for {of}, expected 2");
            FieldError::invalid(path, name, detail)
        })
    });
    wrong.next()
}

pub(super) fn observe(routing: &AppMeshRouting, site: &Site<'_>, routes: &Routes) -> Reported {
    let hash = |place: &Place, none: &str| {
        let hash = routes.find(place)?["spec"]["podSelector"]["matchLabels"][HASH_LABEL].as_str()?;
        Some(if hash == none { "" } else { hash }.to_owned())
    };
    let Some([stable, canary]) = nodes(routing, site) else {
        return Reported::default();
    };
    let weights = || {
        let of = routing.virtual_service.as_ref()?;
        let object = routes.find(&router(&service(of, site), site, routes)?)?;
        let weight = |route: &Value| {
            let targets = route[kind(route)?]["action"]["weightedTargets"].as_array()?;
            let weight = |node: &Place| {
                let target = targets.iter().find(|target| is(target, node))?;
                Some(edit::weight(&target["weight"]))
            };
            let (canary, stable) = (weight(&canary)?, weight(&stable).unwrap_or(0));
            Some(edit::scaled(canary, canary.saturating_add(stable), site.max_weight))
        };
        let there = object["spec"]["routes"].as_array().into_iter().flatten();
        let chosen: Vec<&Value> = there.filter(|route| is_chosen(of, route)).collect();
        let absent = of.routes.len().saturating_sub(chosen.len()).min(1);
        let weights = chosen.into_iter().map(|route| weight(route).unwrap_or(0));
        Some(Reported::of_weights(weights.chain(std::iter::repeat_n(0, absent))))
    };
    Reported {
        canary_hash: hash(&canary, NO_CANARY),
        stable_hash: hash(&stable, NO_STABLE),
        ..weights().unwrap_or_default()
    }
}

pub(super) fn desired(
    routing: &AppMeshRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
) -> Result<Vec<Next>, Problem> {
    let Some(of) = &routing.virtual_service else {
        let missing = "Virtual-service is missing";
        return Err(Problem::new(&Place::default(), "VirtualServiceNotFound", missing));
    };
    let service = service(of, site);
    let Some([stable, canary]) = nodes(routing, site) else {
        return Err(Problem::new(&service, "VirtualNodeNotFound", "Virtual-node is missing"));
    };
    let stable_hash = named(wanted.stable_hash, NO_STABLE);
    // The canary's node leads to nothing only once no weight leads there: after a promotion it is of the same revision as
    // stable.
    let idle = wanted.canary <= 0 && observe(routing, site, routes).most <= 0;
    let canary_hash = match wanted.canary_hash {
        "" => idle.then_some(NO_CANARY),
        hash if hash == wanted.stable_hash && idle => Some(NO_CANARY),
        hash => Some(hash),
    };
    let mut next = vec![
        node(&stable, Some(stable_hash), site, routes)?,
        node(&canary, canary_hash, site, routes)?,
    ];
    if routes.find(&service).is_none() {
        let missing = "Virtual-service is missing";
        return Err(Problem::new(&service, "VirtualServiceNotFound", missing));
    }
    let Some(router) = router(&service, site, routes) else {
        let detached = "Virtual-service is not associated with virtual-router";
        return Err(Problem::new(&service, "VirtualRouterNotFound", detached));
    };
    let Some(mut object) = routes.find(&router).cloned() else {
        let missing = "Virtual-router is missing";
        return Err(Problem::new(&router, "VirtualRouterNotFound", missing));
    };
    let all = object.pointer_mut("/spec/routes").and_then(Value::as_array_mut);
    for route in all.into_iter().flatten().filter(|route| is_chosen(of, route)) {
        let Some(kind) = kind(route) else { continue };
        let targets = route[kind].pointer_mut("/action/weightedTargets");
        for target in targets.and_then(Value::as_array_mut).into_iter().flatten() {
            if is(target, &canary) {
                target["weight"] = wanted.canary.into();
            } else if is(target, &stable) {
                target["weight"] = site.max_weight.saturating_sub(wanted.canary).into();
            }
        }
    }
    next.push(next_of(router, object));
    Ok(next)
}

/// A virtual node that selects the pods of one revision; without a hash it selects what it did.
fn node(place: &Place, hash: Option<&str>, site: &Site<'_>, routes: &Routes) -> Result<Next, Problem> {
    let Some(mut object) = routes.find(place).cloned() else {
        return Err(Problem::new(place, "VirtualNodeNotFound", "Virtual-node is missing"));
    };
    edit::set(
        &mut object,
        &["metadata", "annotations", MANAGED_BY],
        site.rollout.into(),
    );
    if let Some(hash) = hash {
        let selected = ["spec", "podSelector", "matchLabels", HASH_LABEL];
        edit::set(&mut object, &selected, hash.into());
    }
    Ok(next_of(place.clone(), object))
}

fn next_of(place: Place, object: Value) -> Next {
    Next {
        place,
        object: Some(object),
        owned: false,
        told: Vec::new(),
    }
}

fn named<'a>(hash: &'a str, none: &'a str) -> &'a str {
    if hash.is_empty() { none } else { hash }
}

/// The first of the kinds that a route has.
fn kind(route: &Value) -> Option<&'static str> {
    TYPES.into_iter().find(|kind| route[kind].is_object())
}

/// Whether the weights of a route are those of the rollout.
fn is_chosen(of: &AppMeshVirtualService, route: &Value) -> bool {
    let name = route["name"].as_str().unwrap_or_default();
    of.routes.is_empty() || of.routes.iter().any(|chosen| chosen == name)
}

/// Whether a target is a virtual node; one without a namespace is of that of the rollout.
fn is(target: &Value, node: &Place) -> bool {
    let to = &target["virtualNodeRef"];
    let namespace = to["namespace"].as_str().filter(|namespace| !namespace.is_empty());
    to["name"].as_str() == Some(node.name.as_str()) && namespace.is_none_or(|of| of == node.namespace)
}

/// The nodes of stable and of the canary.
fn nodes(routing: &AppMeshRouting, site: &Site<'_>) -> Option<[Place; 2]> {
    let of = routing.virtual_node_group.as_ref()?;
    let names = [&of.stable_virtual_node_ref.name, &of.canary_virtual_node_ref.name];
    Some(names.map(|name| place(site, "VirtualNode", site.namespace, name)))
}

fn service(of: &AppMeshVirtualService, site: &Site<'_>) -> Place {
    place(site, "VirtualService", site.namespace, &of.name)
}

/// The virtual router that a virtual service names.
fn router(service: &Place, site: &Site<'_>, routes: &Routes) -> Option<Place> {
    let to = &routes.find(service)?["spec"]["provider"]["virtualRouter"]["virtualRouterRef"];
    let name = to["name"].as_str().filter(|name| !name.is_empty())?;
    let namespace = to["namespace"].as_str().filter(|namespace| !namespace.is_empty());
    Some(place(site, "VirtualRouter", namespace.unwrap_or(site.namespace), name))
}

fn place(site: &Site<'_>, kind: &str, namespace: &str, name: &str) -> Place {
    Place {
        api_version: format!("appmesh.k8s.aws/{}", site.settings.app_mesh_version),
        kind: kind.to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}
