//! What the core says of the routes of a rollout: whether its router can move traffic in the objects of the build.

use super::world::{Traffic, World};
use serin_core::traffic::Router;

/// What comes of a router's attempt to move traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rules) enum Verdict {
    /// The weight arrives.
    Moves,
    /// Something that it needs is not in the build.
    Unknown,
    /// An object of the build does not let it: index, field, and why.
    Refused(usize, String, String),
}

/// Lets a router move traffic, and looks whether it has moved.
pub(in crate::rules) fn verdict(traffic: &Traffic<'_>, world: &World, router: &Router<'_>) -> Verdict {
    let site = traffic.site();
    let router_of_mesh = || {
        let places = router.places(&site, &world.routes);
        let place = places.iter().find(|place| place.kind == "VirtualRouter");
        place.and_then(|place| world.index(place))
    };
    // What is wrong with the routes of App Mesh is found by the checks in advance alone, which say the field.
    if let (Router::AppMesh(_), Some(error)) = (router, router.references(&site, &world.routes))
        && let (Some(index), true) = (router_of_mesh(), error.path.starts_with("spec.routes"))
    {
        return Verdict::Refused(index, error.path, error.detail);
    }
    let wanted = traffic.under_way();
    let mut routes = world.routes.clone();
    match traffic.write(router, &wanted, &mut routes) {
        Err(problem) => {
            let index = world.index(&problem.place);
            index.map_or(Verdict::Unknown, |index| {
                Verdict::Refused(index, "spec".to_owned(), problem.message)
            })
        }
        // App Mesh passes over routes that are not there, and targets that are not the rollout's.
        Ok(_) if matches!(router, Router::AppMesh(_)) => {
            let reported = router.observe(&site, &routes);
            let arrives = (reported.least, reported.most) == (wanted.canary, wanted.canary);
            let index = router_of_mesh().filter(|_| !arrives);
            let why = "no weight that the rollout sets arrives in all routes that it names";
            index.map_or(Verdict::Moves, |index| {
                Verdict::Refused(index, "spec".to_owned(), why.to_owned())
            })
        }
        Ok(_) => Verdict::Moves,
    }
}
