//! The traffic of a canary: which weight it is to have, where its Services lead, and how many pods stay (contract 03 §5–8,
//! contract 11 B and C).
//!
//! The weights that count are those that the routers' objects carry as they were read, not those that were last written.
//! From that follows the order of design §4.4: a weight rises once its pods are there and its destination leads to them; it
//! falls once stable can carry what it gives up; a destination moves, and pods go, once no weight leads there any more. All
//! of it is one plan per look, and what a plan writes counts from the next look on.

mod additional;
mod left;
mod place;
mod plugins;
mod record;
mod routes;
mod services;
mod sizes;
mod verify;
mod weight;

use crate::meaning::Canary;
use crate::observed::{Observed, ReplicaSet};
use crate::plan::draft::Draft;
use crate::plan::{After, News, Wake, WakeReason};
use crate::rollout::experiment::Experiments;
use crate::rollout::look::{Look, after_seconds};
use crate::rollout::revision::Stable;
use crate::rollout::service;
use crate::rollout::update::Course;
use crate::traffic::{Change, Place, Problem, Reported, Router, Routes, Seen, Site, Told, targets};
use crate::validate::FieldError;
use additional::Additional;
pub(crate) use additional::leads_to;
pub use additional::led_to;
pub(crate) use left::given_back;
use place::toggled;
use plugins::Plugins;
use verify::Witness;

/// Seconds until objects of routers are looked for again that cannot be read or written.
const RETRY_SECONDS: i64 = 20;

/// The traffic of a canary with routers, at one reconcile.
#[derive(Debug)]
pub(crate) struct Traffic<'a> {
    site: Site<'a>,
    routers: Vec<Router<'a>>,
    /// What the objects of all routers carry: the least and the most of any.
    reported: Reported,
    /// An object was not read yet: nothing is known, and nothing moves.
    unread: bool,
    /// Weight of the canary that the plan leaves.
    weight: i32,
    /// Weight that it is to have in the end, as things stand.
    aim: i32,
    /// Destinations beside the canary and stable.
    additional: Additional,
    /// Writes of the plan, each with what is told of it.
    changes: Vec<(Change, Vec<Told>)>,
    /// Why the routers cannot be written.
    problem: Option<Problem>,
    /// What AWS says of the weights, where it is asked.
    witness: Option<Witness>,
    /// What router plugins are to be told.
    plugins: Plugins,
}

/// Objects that a decision about a rollout needs to see, as far as they can be named from those that were read: the shell
/// reads them, and asks again, until no more are named.
///
/// Objects that the rollout named before ([`is_given_back`](crate::traffic::is_given_back)) are among them, where they were
/// read and say that they belong to it.
#[must_use]
pub fn needed(seen: &Observed) -> Vec<Place> {
    let left = left::next(seen).into_iter().map(|next| next.place);
    named(seen).into_iter().chain(left).collect()
}

/// Objects that the spec names.
fn named(seen: &Observed) -> Vec<Place> {
    if let Some(places) = bound(seen) {
        return places;
    }
    let Some((site, routers)) = place::of(seen) else {
        return Vec::new();
    };
    let empty = Routes::default();
    let routes = seen.routers.as_ref().map_or(&empty, |of| &of.routes);
    routers.iter().flat_map(|router| router.places(&site, routes)).collect()
}

/// Of a blue-green rollout whose active Service leads to the newest revision: what binds target groups to that Service.
fn bound(seen: &Observed) -> Option<Vec<Place>> {
    let meant = seen.rollout.spec.strategy.blue_green.as_deref()?;
    let (settings, status) = (&seen.routers.as_ref()?.settings, &seen.rollout.status);
    let switched = status.blue_green.active_selector == status.current_pod_hash;
    let waits = settings.verifies_targets && switched && status.stable_rs != status.current_pod_hash;
    let namespace = seen.rollout.metadata.namespace.as_deref().unwrap_or_default();
    waits.then(|| {
        vec![
            targets::bindings(settings, namespace),
            targets::endpoints(namespace, &meant.active_service),
        ]
    })
}

/// The first object of a router that the spec names and that does not hold (contract 01 §9).
pub(crate) fn references(seen: &Observed) -> Option<FieldError> {
    let (site, routers) = place::of(seen)?;
    let routes = &seen.routers.as_ref()?.routes;
    routers.iter().find_map(|router| router.references(&site, routes))
}

impl<'a> Traffic<'a> {
    /// The traffic of a canary; `None` where no router carries it.
    pub(crate) fn of(
        look: &Look<'a>,
        canary: &Canary<'_>,
        course: &Course,
        experiments: &Experiments<'_>,
    ) -> Option<Self> {
        let (site, routers) = place::of(look.seen)?;
        let routes = &look.seen.routers.as_ref()?.routes;
        let places: Vec<Place> = routers.iter().flat_map(|router| router.places(&site, routes)).collect();
        let unread = places.iter().any(|place| *routes.seen(place) == Seen::Unread);
        let refused = places.iter().find_map(|place| match routes.seen(place) {
            Seen::Refused(why) => Some(Problem::new(place, "TrafficRoutingError", why.clone())),
            Seen::Unread | Seen::Missing | Seen::NotServed | Seen::Found(_) => None,
        });
        let known = !unread && refused.is_none();
        let mut reported = if known {
            weakest(routers.iter().map(|router| router.observe(&site, routes)))
        } else {
            recorded(look, &site)
        };
        let witness = known
            .then(|| verify::of(look, canary, course, (&site, &routers), &mut reported))
            .flatten();
        let mut traffic = Self {
            site,
            routers,
            reported,
            unread,
            weight: 0,
            aim: 0,
            additional: Additional::default(),
            changes: Vec::new(),
            problem: refused,
            witness,
            plugins: Plugins::default(),
        };
        traffic.aim = traffic.weight_to_reach(look, canary, course);
        if traffic.routers.is_empty() {
            // Nothing carries the weight, so nothing has to be waited for.
            (traffic.reported.least, traffic.reported.most) = (traffic.aim, traffic.aim);
        }
        traffic.wait_for_targets(look);
        traffic.weight = traffic.weight_now(look, canary, course);
        let left = traffic.site.max_weight.saturating_sub(traffic.weight);
        traffic.additional = Additional::of(look, canary, course, experiments, left);
        if traffic.problem.is_none() && !unread && !matches!(look.revisions.stable, Stable::None | Stable::Missing) {
            match traffic.route(look, canary, course, routes) {
                Ok(changes) => {
                    traffic.changes = changes;
                    traffic.plugins = traffic.tell_plugins(look, canary, course);
                }
                Err(problem) => traffic.problem = Some(problem),
            }
        }
        Some(traffic)
    }

    /// Objects that were not read yet: the plan waits for them.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread
    }

    /// The canary has the weight that it is to have, and every object says so.
    pub(crate) fn has_arrived(&self) -> bool {
        self.problem.is_none()
            && !self.unread
            && self.changes.is_empty()
            && self.plugins.are_done()
            && self.reported.verified != Some(false)
            && self.reported.least == self.aim
            && self.reported.most == self.aim
    }

    /// All of the traffic is where it rests when an update is over: nothing of it leads to another revision. Without pods
    /// nothing can be moved, and nothing is served.
    pub(crate) fn is_at_rest(&self, look: &Look<'_>) -> bool {
        let mut others = look.revisions.all().filter(|set| set.hash() != look.revisions.new_hash);
        let promoted = look.revisions.other_stable().is_none();
        let rests = self.has_arrived() || self.rests_as_recorded(look);
        look.replicas <= 0 || (promoted && rests && others.all(|set| self.weight_on(look, set) == 0))
    }

    /// The whole of the traffic goes to the canary.
    pub(crate) fn is_on_canary(&self, look: &Look<'_>) -> bool {
        let all = self.site.max_weight;
        let carried = self.plugins.are_done() && self.reported.verified != Some(false);
        let whole = self.reported.least >= all && self.reported.most >= all;
        self.leads_canary_to(look) == look.revisions.new_hash && carried && whole
    }

    /// The most of the traffic that leads to a ReplicaSet, by what the objects and the Services say, and by what this plan
    /// writes.
    pub(crate) fn weight_on(&self, look: &Look<'_>, set: &ReplicaSet) -> i32 {
        // What selects no hash leads to the pods of every revision: of these stable is to carry it.
        let carrier = weight::stable_of(look).map_or("", ReplicaSet::hash);
        let part = |hash: &str, weight: i32| {
            let hash = if hash.is_empty() { carrier } else { hash };
            if hash == set.hash() { weight.max(0) } else { 0 }
        };
        let of_canary = part(self.leads_canary_to(look), self.reported.most.max(self.weight));
        let rest = self
            .site
            .max_weight
            .saturating_sub(self.reported.least.min(self.weight));
        let of_stable = part(self.leads_stable_to(look), rest);
        of_canary.saturating_add(of_stable).min(self.site.max_weight.max(0))
    }

    /// Hash of the pods that the canary's weight leads to; empty for none, or all.
    fn leads_canary_to<'s>(&'s self, look: &Look<'s>) -> &'s str {
        match &self.reported.canary_hash {
            Some(hash) => hash,
            None => service::hash_of(look, self.site.canary_service),
        }
    }

    /// Hash of the pods that the weight of stable leads to; empty for none, or all.
    fn leads_stable_to<'s>(&'s self, look: &Look<'s>) -> &'s str {
        match &self.reported.stable_hash {
            Some(hash) => hash,
            None => service::hash_of(look, self.site.stable_service),
        }
    }

    /// Tells of what cannot be routed, and looks again.
    pub(crate) fn wait(&self, look: &Look<'_>, draft: &mut Draft) {
        if self.problem.is_some() || self.unread {
            draft.wake(Wake {
                at: after_seconds(look.now, RETRY_SECONDS),
                why: WakeReason::Routers,
            });
        }
        self.ask(look, draft);
        self.call_plugins(draft);
        if let Some(message) = record::not_routed(self).filter(|message| !record::is_told(look, message)) {
            draft.tell(News::TrafficRoutingError { message }, After::Status);
        }
    }
}

/// What all routers say together: as little and as much as any of them (issue of several routers at once).
fn weakest(reports: impl Iterator<Item = Reported>) -> Reported {
    let merge = |all: Reported, one: Reported| Reported {
        least: all.least.min(one.least),
        most: all.most.max(one.most),
        canary_hash: all.canary_hash.or(one.canary_hash),
        stable_hash: all.stable_hash.or(one.stable_hash),
        verified: match (all.verified, one.verified) {
            (Some(all), Some(one)) => Some(all && one),
            (verified, None) | (None, verified) => verified,
        },
    };
    reports.reduce(merge).unwrap_or_default()
}

/// Where the objects cannot be read, any weight may lead to what it last led to: no pods go that may have some.
fn recorded(look: &Look<'_>, site: &Site<'_>) -> Reported {
    Reported::unknown(look.rollout.status.canary.weights.as_deref(), site.max_weight)
}
