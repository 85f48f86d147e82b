//! `traffic/shared-route`: two rollouts write one route.
//!
//! Both write the objects of the build in turn, as their controller would. If neither comes to rest they fight. Where the build
//! does not have the object, the names tell whether it is the same route.

use super::world::{self, Traffic, World};
use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::names::references;
use crate::rules::path::{at, find as reach};
use crate::rules::seen::{Found, Seen};
use serin_core::api::rollout::{AlbRouting, IstioRouting, IstioVirtualService};
use serin_core::traffic::{Place, Problem, Router, Routes, Wanted};
use serin_gitops::yaml::FieldPath;
use std::collections::BTreeSet;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "traffic/shared-route",
    severity: Severity::Error,
    title: "two rollouts write one route",
    page: include_str!("../../../../docs/rules/traffic.md"),
    find,
};

/// How two rollouts meet on an object.
enum Clash {
    /// Each undoes what the other writes.
    Fight,
    /// Each puts the routes of its steps first.
    Order,
    /// The weights of both are shares of one sum.
    Sum,
}

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let all: Vec<_> = world::all(seen)
        .into_iter()
        .map(|traffic| (names(seen, &traffic), traffic))
        .collect();
    let settled = settled(seen, &all);
    let unsettled = all
        .iter()
        .enumerate()
        .filter(|(position, _)| !settled.contains(position));
    for (position, (names, second)) in unsettled {
        let others = all.iter().take(position);
        for (_, first) in others.filter(|(others, _)| !names.is_disjoint(others)) {
            if first.object.name() == second.object.name() && first.object.meets(second.object) {
                continue;
            }
            // A rollout that says no namespace is taken to be in that of the other.
            let (mut first, mut second) = (first.clone(), second.clone());
            match (first.namespace, second.namespace) {
                ("", namespace) => first.namespace = namespace,
                (namespace, "") => second.namespace = namespace,
                (_, _) => {}
            }
            pair(seen, found, &first, &second);
        }
    }
}

/// Kinds and names of objects.
type Names = BTreeSet<(String, String)>;

/// The rollouts that come to rest although they have objects in common: hundreds may have routes of their own in one object, and
/// need not be looked at in pairs.
fn settled(seen: &Seen<'_>, all: &[(Names, Traffic<'_>)]) -> BTreeSet<usize> {
    let mut settled = BTreeSet::new();
    let mut left: BTreeSet<usize> = (0..all.len()).collect();
    while let Some(first) = left.pop_first() {
        let (mut group, mut names) = (BTreeSet::from([first]), all[first].0.clone());
        loop {
            let near: Vec<usize> = left
                .iter()
                .copied()
                .filter(|of| !all[*of].0.is_disjoint(&names))
                .collect();
            if near.is_empty() {
                break;
            }
            for of in near {
                left.remove(&of);
                group.insert(of);
                names.extend(all[of].0.iter().cloned());
            }
        }
        let members: Vec<&Traffic<'_>> = group.iter().map(|of| &all[*of].1).collect();
        if comes_to_rest(seen, &members) {
            settled.extend(group);
        }
    }
    settled
}

/// Whether all write once, and nobody again, and none of their routers shares out sums.
fn comes_to_rest(seen: &Seen<'_>, group: &[&Traffic<'_>]) -> bool {
    let sums = |router: &Router<'_>| matches!(router, Router::Traefik(_) | Router::GatewayApi(_) | Router::Apisix(_));
    let same = group.windows(2).all(|pair| pair[0].namespace == pair[1].namespace);
    if !same || group.iter().any(|traffic| traffic.routers.iter().any(sums)) {
        return false;
    }
    let world = World::of(seen, group);
    let rests = |under_way: bool| {
        let mut routes = world.routes.clone();
        let mut round = || -> Result<bool, Problem> {
            let mut changed = false;
            for traffic in group {
                let wanted = if under_way {
                    traffic.with_routes()
                } else {
                    traffic.at_rest()
                };
                for router in &traffic.routers {
                    changed |= !traffic.write(router, &wanted, &mut routes)?.is_empty();
                }
            }
            Ok(changed)
        };
        round().is_ok() && matches!(round(), Ok(false))
    };
    rests(true) && rests(false)
}

/// What a rollout reads or writes: most have nothing in common.
fn names(seen: &Seen<'_>, traffic: &Traffic<'_>) -> Names {
    let world = World::of(seen, &[traffic]);
    let routers = traffic.routers.iter();
    let places = routers.flat_map(|router| router.places(&traffic.site(), &world.routes));
    places.map(|place| (place.kind, place.name)).collect()
}

fn pair(seen: &Seen<'_>, found: &mut Found<'_, '_>, first: &Traffic<'_>, second: &Traffic<'_>) {
    let world = World::of(seen, &[first, second]);
    for router in &second.routers {
        let mut others = first.routers.iter();
        let Some(other) = others.find(|other| other.name() == router.name()) else {
            continue;
        };
        let here = router.places(&second.site(), &world.routes);
        let there = other.places(&first.site(), &world.routes);
        let shared: Vec<Place> = here.into_iter().filter(|place| there.contains(place)).collect();
        if shared.is_empty() {
            continue;
        }
        let clash = simulated([first, second], [other, router], &world.routes)
            .unwrap_or_else(|| by_names(other, router, first, second, &shared))
            .or_else(|| sum(first, second, &shared, &world.routes));
        let Some((clash, place)) = clash else { continue };
        let (title, path) = (first.object.title(), field(seen, second, router, &place));
        let what = format!("{} {}", place.kind, place.name);
        let (severity, message, words) = match clash {
            Clash::Fight => (
                Severity::Error,
                format!("{title} writes the same route, of {what}: the two undo each other's writes"),
                "give each rollout a route of its own",
            ),
            Clash::Order => (
                Severity::Warning,
                format!(
                    "{title} sets routes by steps in {what}, too: while both are under way each puts its own first, and both \
                     write again and again"
                ),
                "give each rollout an object of its own, or let only one of them set routes by steps",
            ),
            Clash::Sum => (
                Severity::Warning,
                format!("{title} has weights in the same list of {what}: each weight is then a share of both together"),
                "give each rollout a route of its own",
            ),
        };
        let finding = found.add(second.index, &path, message);
        finding.severity(severity).fix(Fix::words(words));
    }
}

/// The field of a rollout that names an object.
fn field(seen: &Seen<'_>, traffic: &Traffic<'_>, router: &Router<'_>, place: &Place) -> FieldPath {
    let above = "spec.strategy.canary.trafficRouting";
    let mut named = references(seen).into_iter().filter(|reference| {
        reference.from == traffic.index
            && reference.path.to_string().starts_with(above)
            && place.name.contains(reference.name)
            && reference.word().starts_with(place.kind.as_str())
    });
    let path = named.next().map(|reference| reference.path);
    path.unwrap_or_else(|| at(above).key(router.name()))
}

/// What comes of it where both write the objects of the build; none where one of them cannot even do so alone.
fn simulated(both: [&Traffic<'_>; 2], routers: [&Router<'_>; 2], routes: &Routes) -> Option<Option<(Clash, Place)>> {
    let [first, second] = both;
    for (traffic, router) in both.into_iter().zip(routers) {
        let mut routes = routes.clone();
        traffic.write(router, &traffic.with_routes(), &mut routes).ok()?;
    }
    let turns = [
        ([first.at_rest(), second.at_rest()], Clash::Fight),
        ([first.with_routes(), second.at_rest()], Clash::Fight),
        ([first.at_rest(), second.with_routes()], Clash::Fight),
        ([first.under_way(), second.under_way()], Clash::Fight),
        ([first.with_routes(), second.with_routes()], Clash::Order),
    ];
    let mut turns = turns.into_iter();
    Some(turns.find_map(|(wanted, clash)| {
        let place = unrest(both, routers, &wanted, routes.clone())?;
        Some((clash, place))
    }))
}

/// An object that both still write after they have written it several times, or that one can write no more.
fn unrest(
    both: [&Traffic<'_>; 2],
    routers: [&Router<'_>; 2],
    wanted: &[Wanted<'_>; 2],
    mut routes: Routes,
) -> Option<Place> {
    let mut turn = || -> Result<Vec<Place>, Problem> {
        let first = both[0].write(routers[0], &wanted[0], &mut routes)?;
        let second = both[1].write(routers[1], &wanted[1], &mut routes)?;
        Ok(first.into_iter().filter(|place| second.contains(place)).collect())
    };
    let mut contested = Vec::new();
    for _ in 0..4 {
        contested = match turn() {
            Ok(contested) => contested,
            Err(problem) => return Some(*problem.place),
        };
    }
    contested.into_iter().next()
}

/// Whether two rollouts name the same route of an object, whatever it looks like.
fn by_names(
    one: &Router<'_>,
    other: &Router<'_>,
    first: &Traffic<'_>,
    second: &Traffic<'_>,
    shared: &[Place],
) -> Option<(Clash, Place)> {
    let fights = |place: &&Place| match (one, other, place.kind.as_str()) {
        // Each is the rollout's alone.
        (_, _, "DestinationRule" | "VirtualNode" | "TrafficSplit" | "Mapping" | "AmbassadorMapping") => true,
        (Router::Istio(one), Router::Istio(other), _) => {
            let other: Vec<_> = services(other, place).collect();
            services(one, place).any(|one| other.iter().any(|other| is_one_route(one, other, first, second)))
        }
        (Router::Alb(one), Router::Alb(other), _) => action(one, first) == action(other, second),
        _ => false,
    };
    let place = shared.iter().find(fights)?;
    Some((Clash::Fight, place.clone()))
}

/// What a rollout says of a VirtualService.
fn services<'a>(routing: &'a IstioRouting, place: &'a Place) -> impl Iterator<Item = &'a IstioVirtualService> {
    let all = routing.virtual_service.iter().chain(&routing.virtual_services);
    all.filter(|of| {
        let rest = of.name.strip_prefix(place.name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Whether both name one route. Without names there is one route only, apart from those that steps set.
fn is_one_route(
    one: &IstioVirtualService,
    other: &IstioVirtualService,
    first: &Traffic<'_>,
    second: &Traffic<'_>,
) -> bool {
    let lists = |of: &IstioVirtualService| !of.tls_routes.is_empty() || !of.tcp_routes.is_empty();
    let manages = |traffic: &Traffic<'_>, name: &String| {
        let mut managed = traffic.routing.managed_routes.iter();
        managed.any(|route| route.name == *name)
    };
    let http = match (one.routes.is_empty(), other.routes.is_empty()) {
        (true, true) => !lists(one) && !lists(other),
        (true, false) => !lists(one) && !other.routes.iter().all(|name| manages(first, name)),
        (false, true) => !lists(other) && !one.routes.iter().all(|name| manages(second, name)),
        (false, false) => one.routes.iter().any(|name| other.routes.contains(name)),
    };
    http || one.tls_routes.iter().any(|route| other.tls_routes.contains(route))
        || one.tcp_routes.iter().any(|route| other.tcp_routes.contains(route))
}

/// The action of an Ingress that has the weights.
fn action(routing: &AlbRouting, traffic: &Traffic<'_>) -> (String, String) {
    let service = match routing.root_service.as_str() {
        "" => traffic.site().stable_service,
        root => root,
    };
    (routing.annotation_prefix.clone(), service.to_owned())
}

/// One list of backends that has the Services of both.
fn sum(first: &Traffic<'_>, second: &Traffic<'_>, shared: &[Place], routes: &Routes) -> Option<(Clash, Place)> {
    let (one, other) = (first.site(), second.site());
    let services = [
        one.canary_service,
        one.stable_service,
        other.canary_service,
        other.stable_service,
    ];
    let place = shared.iter().find(|place| {
        let (lists, name) = match place.kind.as_str() {
            "TraefikService" => ("spec.weighted.services", "name"),
            "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute" => ("spec.rules[*].backendRefs", "name"),
            "ApisixRoute" => ("spec.http[*].backends", "serviceName"),
            _ => return false,
        };
        let Some(object) = routes.find(place) else { return false };
        reach(object, lists).iter().any(|(_, list)| {
            let items = list.as_array().map_or(&[][..], Vec::as_slice);
            let has = |service: &&str| items.iter().any(|item| item[name] == **service);
            services.iter().all(has)
        })
    })?;
    Some((Clash::Sum, place.clone()))
}
