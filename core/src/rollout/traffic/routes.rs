//! What the routers are to do now, as one wish for all of them (contract 03 §7 items 4 to 6).

use super::Traffic;
use super::weight::stable_of;
use crate::api::canary_step::{SetHeaderRoute, SetMirrorRoute};
use crate::meaning::Canary;
use crate::observed::ReplicaSet;
use crate::rollout::look::Look;
use crate::rollout::update::Course;
use crate::traffic::{Change, Problem, Routes, Told, Wanted, changes};

/// Routes by header and routes that mirror.
type InForce<'c> = (Vec<&'c SetHeaderRoute>, Vec<&'c SetMirrorRoute>);

impl<'a> Traffic<'a> {
    /// The writes that make the routers do what is wanted now.
    pub(super) fn route(
        &self,
        look: &Look<'a>,
        canary: &Canary<'_>,
        course: &Course,
        routes: &Routes,
    ) -> Result<Vec<(Change, Vec<Told>)>, Problem> {
        let (mut headers, mut mirrors) = self.in_force(look, canary, course).unwrap_or_default();
        headers.retain(|route| !route.r#match.is_empty());
        mirrors.retain(|route| !route.r#match.is_empty());
        let hashes = (self.canary_hash(look, course), self.stable_hash(look, canary));
        let wanted = Wanted {
            canary: self.weight,
            canary_hash: &hashes.0,
            stable_hash: &hashes.1,
            additional: self.additional.now(),
            headers,
            mirrors,
            managed: managed(self, canary),
        };
        let mut writes = Vec::new();
        for router in &self.routers {
            writes.extend(changes(router.desired(&self.site, &wanted, routes)?, routes));
        }
        Ok(writes)
    }

    /// The hash of the canary's subset: it moves when no traffic comes by it.
    pub(super) fn canary_hash(&self, look: &Look<'_>, course: &Course) -> String {
        let to = self.behind_canary(look, course);
        let now = self.reported.canary_hash.as_deref().unwrap_or_default();
        moved(look, now, to, self.reported.most <= 0 || now.is_empty())
    }

    /// The hash of stable's subset: it moves when no traffic comes by it, or to a revision that can carry it.
    pub(super) fn stable_hash(&self, look: &Look<'_>, canary: &Canary<'_>) -> String {
        let to = stable_of(look);
        let now = self.reported.stable_hash.as_deref().unwrap_or_default();
        let needed = look.replicas.saturating_sub(canary.fenceposts.unavailable).max(1);
        let carries = to.is_some_and(|set| look.available(set) >= needed);
        moved(
            look,
            now,
            to,
            self.reported.least >= self.site.max_weight || carries || now.is_empty(),
        )
    }

    /// The routes of the steps up to the one under way, the last of each name; one without a match removes it. None unless the
    /// canary has a pod that its destination leads to, and none where the update is over, aborted or promoted.
    pub(super) fn in_force<'c>(&self, look: &Look<'_>, canary: &Canary<'c>, course: &Course) -> Option<InForce<'c>> {
        let mut routes: InForce<'c> = (Vec::new(), Vec::new());
        let updating = look.revisions.other_stable().is_some() && course.abort.is_none() && !course.promote_full;
        let led = look
            .revisions
            .new
            .is_some_and(|new| look.available(new) > 0 && self.leads_canary_to(look) == new.hash());
        let steps = canary.steps.len();
        let index = course.index.filter(|index| updating && led && *index < steps)?;
        for step in canary.steps.iter().take(index.saturating_add(1)) {
            if let Some(route) = step.sets_header {
                routes.0.retain(|of| of.name != route.name);
                routes.0.push(route);
            }
            if let Some(route) = step.sets_mirror {
                routes.1.retain(|of| of.name != route.name);
                routes.1.push(route);
            }
        }
        Some(routes)
    }
}

/// A subset's hash now, or the one it is to have where it may move there.
fn moved(look: &Look<'_>, now: &str, to: Option<&ReplicaSet>, free: bool) -> String {
    let to = to.filter(|set| free && (now.is_empty() || look.available(set) > 0));
    to.map_or(now, ReplicaSet::hash).to_owned()
}

/// Names of the routes that steps may set: `managedRoutes`, then those that only steps name.
fn managed<'a>(traffic: &Traffic<'a>, canary: &Canary<'a>) -> Vec<&'a str> {
    let mut names: Vec<&'a str> = traffic
        .site
        .routing
        .managed_routes
        .iter()
        .map(|of| of.name.as_str())
        .collect();
    let of_steps = canary.steps.iter().flat_map(|step| {
        let header = step.sets_header.map(|route| route.name.as_str());
        header
            .into_iter()
            .chain(step.sets_mirror.map(|route| route.name.as_str()))
    });
    for name in of_steps {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
