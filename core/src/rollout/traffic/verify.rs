//! Whether AWS confirms the weights of a routed canary, and has its pods as healthy targets (contract 07 §3, contract 03 §7).
//!
//! What AWS says is one more witness of the weights: until it agrees with the objects, the weight counts as anything between
//! both. From that follows all the rest: the step waits, and no pods go.

use super::Traffic;
use crate::api::rollout::{RolloutStatus, TrafficWeights};
use crate::meaning::{Canary, Wait};
use crate::observed::Routers;
use crate::plan::draft::Draft;
use crate::plan::{After, News};
use crate::rollout::look::Look;
use crate::rollout::revision::Stable;
use crate::rollout::update::Course;
use crate::rollout::verification::{self, Verification};
use crate::traffic::aws::Question;
use crate::traffic::{Reported, Router, Site, Verdict, targets};

/// What AWS says of the weights.
#[derive(Debug)]
pub(super) struct Witness {
    verdict: Verdict,
    asked: Verification,
    /// The side that is to gain weight has no healthy targets yet.
    holds: bool,
}

/// Asks AWS where something depends on the answer: the step under way sets a weight, the steps are over, the weight
/// goes back to stable, or pods are to go.
fn is_asked(look: &Look<'_>, canary: &Canary<'_>, course: &Course, reported: &Reported) -> bool {
    match look.revisions.stable {
        Stable::None | Stable::Missing => false,
        Stable::Newest => reported.most > 0 || look.revisions.others.iter().any(|set| set.replicas > 0),
        Stable::Other(_) if course.abort.is_some() => look.revisions.new.is_some_and(|set| set.replicas > 0),
        Stable::Other(_) => {
            let weights = look.rollout.status.canary.weights.as_ref();
            let unverified = weights.is_some_and(|of| of.verified == Some(false));
            let sets_weight = course
                .step(canary)
                .is_none_or(|step| matches!(step.waits_for, Wait::Weight));
            sets_weight || unverified || course.promote_full
        }
    }
}

/// What AWS says of the weights; `reported` is widened by it. None where it is not asked.
pub(super) fn of(
    look: &Look<'_>,
    canary: &Canary<'_>,
    course: &Course,
    (site, routers): (&Site<'_>, &[Router<'_>]),
    reported: &mut Reported,
) -> Option<Witness> {
    let Routers { routes, aws, .. } = look.seen.routers.as_ref()?;
    if !verification::is_on(look) || !is_asked(look, canary, course, reported) {
        return None;
    }
    let verdict = routers.iter().find_map(|router| router.verify(site, routes, aws))?;
    reported.least = reported.least.min(verdict.least);
    reported.most = reported.most.max(verdict.most);
    reported.verified = Some(reported.verified.unwrap_or(true) && verdict.verified);
    Some(Witness {
        asked: Verification {
            questions: verdict.questions.clone(),
            waits: !verdict.verified,
            why_not: verdict.why_not.clone(),
        },
        verdict,
        holds: false,
    })
}

impl Traffic<'_> {
    /// Holds the weight where the side that is to gain it has no healthy targets: the canary, or after a promotion the Service
    /// of stable, which leads to other pods than before.
    pub(super) fn wait_for_targets(&mut self, look: &Look<'_>) {
        let (now, new) = (self.now(look), look.revisions.new_hash);
        let promoted = look.revisions.stable == Stable::Newest;
        let gains = self.aim > now && self.leads_canary_to(look) == new;
        let gets_back = self.aim < now && promoted && self.leads_stable_to(look) == new;
        let (Some(set), Some(Routers { routes, aws, .. })) = (look.revisions.new, &look.seen.routers) else {
            return;
        };
        let Some(witness) = self.witness.as_mut().filter(|_| gains || gets_back) else {
            return;
        };
        witness.holds = !witness.verdict.known;
        let (service, groups) = if gains {
            (self.site.canary_service, &witness.verdict.canary_groups)
        } else {
            (self.site.stable_service, &witness.verdict.stable_groups)
        };
        let endpoints = routes.find(&targets::endpoints(self.site.namespace, service));
        let addresses = targets::addresses(endpoints, &set.name);
        for group in groups {
            let question = Question::Targets(group.arn.clone());
            let says = aws.answer(&question).map(|answer| &answer.says);
            witness.asked.questions.push(question);
            if let Err(why) = targets::are_healthy(service, &group.arn, &addresses, says) {
                witness.holds = true;
                witness.asked.wait(why);
            }
        }
    }

    /// Whether the weight has to wait for targets.
    pub(super) fn waits_for_targets(&self) -> bool {
        self.witness.as_ref().is_some_and(|witness| witness.holds)
    }

    /// Whether AWS confirms the weight that the plan leaves; none where it is not asked.
    fn verified(&self) -> Option<bool> {
        self.reported
            .verified
            .map(|verified| verified && self.changes.is_empty())
    }

    /// What the status says of that: what was confirmed stays so until a weight changes.
    pub(super) fn recorded_verdict(&self, look: &Look<'_>, next: &TrafficWeights) -> Option<bool> {
        let old = look.rollout.status.canary.weights.as_deref();
        let same = |old: &&TrafficWeights| {
            (&old.canary, &old.stable, &old.additional) == (&next.canary, &next.stable, &next.additional)
        };
        let is_asked = verification::is_on(look) || !self.site.routing.plugins.is_empty();
        let kept = old.filter(same).filter(|_| is_asked);
        self.verified().or(kept.and_then(|old| old.verified))
    }

    /// Puts the questions to AWS.
    pub(super) fn ask(&self, look: &Look<'_>, draft: &mut Draft) {
        if let Some(witness) = &self.witness {
            witness.asked.ask(look, draft);
        }
    }

    /// Records what AWS says, and tells what is new of it.
    pub(super) fn record_verification(&self, look: &Look<'_>, next: &mut RolloutStatus, draft: &mut Draft) {
        if !verification::is_on(look) {
            (next.alb, next.albs) = (None, Vec::new());
        }
        let Some(Witness { verdict, asked, .. }) = &self.witness else {
            return verification::over(next);
        };
        if !verdict.albs.is_empty() {
            next.alb = verdict.albs.last().cloned().map(Box::new);
            next.albs.clone_from(&verdict.albs);
        }
        let weights = |status: &RolloutStatus| status.canary.weights.clone();
        if self.verified() == Some(true) && weights(&look.rollout.status) != weights(next) {
            let confirmed = verdict.confirmed.iter().cloned().map(News::Verified);
            confirmed.for_each(|news| draft.tell(news, After::Status));
        }
        asked.record(look, next, draft);
    }
}
