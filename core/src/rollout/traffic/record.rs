//! What the status says of the traffic (contract 03 §7 item 7, contract 11 B11).

use super::{Traffic, toggled};
use crate::api::rollout::{RolloutStatus, TrafficWeights, WeightDestination};
use crate::meaning::Canary;
use crate::plan::draft::Draft;
use crate::plan::{After, News};
use crate::rollout::conditions::{self, TRUE};
use crate::rollout::look::Look;
use crate::rollout::revision::Stable;
use crate::rollout::traffic::weight::stable_of;
use crate::rollout::update::Course;
use crate::wire::condition;

impl Traffic<'_> {
    /// Records the weights that this plan leaves, tells of what changed, and says by a condition what cannot be routed.
    pub(crate) fn record(
        &self,
        look: &Look<'_>,
        canary: &Canary<'_>,
        course: &Course,
        next: &mut RolloutStatus,
        draft: &mut Draft,
    ) {
        let old = look.rollout.status.canary.weights.as_deref();
        next.canary.weights.clone_from(&look.rollout.status.canary.weights);
        next.canary.stable_ping_pong = ping_pong(look, canary, next);
        let known = !matches!(look.revisions.stable, Stable::None | Stable::Missing);
        if known && self.problem.is_none() && !self.unread && self.plugins.are_done() {
            let mut weights = self.weights(look, canary, course);
            weights.verified = self.recorded_verdict(look, &weights);
            let additional = old.and_then(|old| self.tells_of_additional(&old.additional));
            if old.is_none_or(|old| is_news(old, &weights)) {
                draft.tell(
                    News::WeightUpdated {
                        from: old.map(|of| of.canary.weight),
                        to: weights.canary.weight,
                        additional,
                    },
                    After::Status,
                );
            }
            next.canary.weights = Some(Box::new(weights));
        }
        self.record_verification(look, next, draft);
        self.record_unverified(look, next, draft);
        self.tell_of_stickiness(look, next);
        match not_routed(self) {
            Some(message) if !is_told(look, &message) => {
                conditions::remove(next, condition::TRAFFIC_NOT_ROUTED);
                let problem = self.problem.as_ref().or(self.plugins.problem());
                let reason = problem.map_or("", |problem| problem.reason.as_str());
                let found = conditions::new(condition::TRAFFIC_NOT_ROUTED, TRUE, reason, message, &look.stamp());
                conditions::set(next, found);
            }
            Some(_) => {}
            None => conditions::remove(next, condition::TRAFFIC_NOT_ROUTED),
        }
    }

    /// A router that cannot keep clients with their version says so (decision 51).
    fn tell_of_stickiness(&self, look: &Look<'_>, next: &mut RolloutStatus) {
        let asked = self.site.routing.stickiness.is_some();
        let without = self.routers.iter().filter(|router| asked && !router.sticks());
        let names: Vec<&str> = without.map(|router| router.name()).collect();
        let kind = condition::STICKINESS_NOT_SERVED;
        if names.is_empty() {
            conditions::remove(next, kind);
            return;
        }
        let message = format!(
            "spec.strategy.canary.trafficRouting.stickiness has no effect on {}: clients may change between the versions. Set up \
             sticky sessions there, or remove the field",
            names.join(", ")
        );
        if conditions::get(next, kind).is_none_or(|found| found.message != message) {
            conditions::remove(next, kind);
            conditions::set(next, conditions::new(kind, TRUE, kind, message, &look.stamp()));
        }
    }

    /// A destination without weight is named by where it will lead, one with weight by where it leads.
    fn weights(&self, look: &Look<'_>, canary: &Canary<'_>, course: &Course) -> TrafficWeights {
        let rest = self.site.max_weight.saturating_sub(self.weight);
        let rest = rest.saturating_sub(self.additional.weight()).max(0);
        let hash = |behind: &str, weight: i32, to: &str| {
            if weight > 0 && !behind.is_empty() {
                behind.to_owned()
            } else {
                to.to_owned()
            }
        };
        let to_canary = if course.abort.is_some() {
            look.revisions.new_hash
        } else {
            self.behind_canary(look, course)
                .map_or(look.revisions.new_hash, |set| set.hash())
        };
        let to_stable = stable_of(look).map_or("", |set| set.hash());
        TrafficWeights {
            canary: WeightDestination {
                weight: self.weight,
                service_name: canary.canary_service.to_owned(),
                pod_template_hash: hash(self.leads_canary_to(look), self.weight, to_canary),
            },
            stable: WeightDestination {
                weight: rest,
                service_name: canary.stable_service.to_owned(),
                pod_template_hash: hash(self.leads_stable_to(look), rest, to_stable),
            },
            additional: self.additional.recorded(),
            verified: None,
        }
    }
}

/// Whether the weights are others. What is only announced is no weight.
fn is_news(old: &TrafficWeights, new: &TrafficWeights) -> bool {
    let told = |of: &TrafficWeights| TrafficWeights {
        additional: of.additional.iter().filter(|of| of.weight > 0).cloned().collect(),
        verified: None,
        ..of.clone()
    };
    told(old) != told(new)
}

/// Which of ping and pong is stable: they take turns with each promotion.
fn ping_pong(look: &Look<'_>, canary: &Canary<'_>, next: &RolloutStatus) -> String {
    let old = &look.rollout.status;
    if canary.ping_pong.is_none() {
        return String::new();
    }
    if next.stable_rs == old.stable_rs {
        return old.canary.stable_ping_pong.clone();
    }
    toggled(&old.canary.stable_ping_pong).to_owned()
}

/// What the condition says; none where the routers can be written.
pub(super) fn not_routed(traffic: &Traffic<'_>) -> Option<String> {
    let problem = traffic.problem.as_ref().or(traffic.plugins.problem())?;
    Some(format!("{}: {}", problem.place, problem.message))
}

/// The status says so already.
pub(super) fn is_told(look: &Look<'_>, message: &str) -> bool {
    conditions::get(&look.rollout.status, condition::TRAFFIC_NOT_ROUTED).is_some_and(|found| found.message == message)
}
