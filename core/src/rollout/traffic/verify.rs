//! Whether AWS confirms the weights of a routed canary, and has its pods as healthy targets (contract 07 §3, contract 03 §7).
//!
//! What AWS says is one more witness of the weights: until it agrees with the objects, the weight counts as anything between
//! both. From that follows all the rest: the step waits, and no pods go.

use super::Traffic;
use crate::api::rollout::{RolloutStatus, TrafficWeights};
use crate::meaning::{Canary, Wait};
use crate::observed::Routers;
use crate::observed::aws::Question;
use crate::plan::draft::Draft;
use crate::plan::{After, Ask, News, Wake, WakeReason};
use crate::rollout::conditions::{self, TRUE};
use crate::rollout::look::{Look, after_seconds};
use crate::rollout::revision::Stable;
use crate::rollout::update::Course;
use crate::traffic::{Reported, Router, Site, Told, Verdict, targets};
use crate::wire::condition;

/// What AWS says, and what it is asked.
#[derive(Debug)]
pub(super) struct Verification {
    verdict: Verdict,
    questions: Vec<Question>,
    /// Why the weight stays where it is: the targets of the side that is to gain it.
    waits: Option<Option<Told>>,
}

impl Verification {
    /// Whether AWS confirms what the objects say.
    pub(super) fn is_verified(&self) -> bool {
        self.verdict.verified
    }

    /// What is told of why not.
    fn why_not(&self) -> Option<&Told> {
        let of_targets = self.waits.as_ref().and_then(Option::as_ref);
        self.verdict.why_not.as_ref().or(of_targets)
    }
}

/// Whether AWS is ever asked here.
fn verifies(look: &Look<'_>) -> bool {
    let routers = look.seen.routers.as_ref();
    routers.is_some_and(|of| of.settings.verifies_targets)
}

/// Asks AWS where something depends on the answer: the step under way sets a weight, the steps are over, or pods are to go.
fn is_asked(look: &Look<'_>, canary: &Canary<'_>, course: &Course) -> bool {
    match look.revisions.stable {
        Stable::None | Stable::Missing => false,
        Stable::Newest => look.revisions.others.iter().any(|set| set.replicas > 0),
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
) -> Option<Verification> {
    let Routers { settings, routes, aws } = look.seen.routers.as_ref()?;
    if !settings.verifies_targets || !is_asked(look, canary, course) {
        return None;
    }
    let verdict = routers.iter().find_map(|router| router.verify(site, routes, aws))?;
    reported.least = reported.least.min(verdict.least);
    reported.most = reported.most.max(verdict.most);
    let before = reported.verified.unwrap_or(true);
    reported.verified = Some(before && verdict.verified);
    Some(Verification {
        questions: verdict.questions.clone(),
        verdict,
        waits: None,
    })
}

impl Traffic<'_> {
    /// The side that is to gain weight has no healthy targets yet: the canary, or after a promotion the Service of stable,
    /// which leads to other pods than before.
    pub(super) fn wait_for_targets(&mut self, look: &Look<'_>) {
        let (now, new) = (self.now(look), look.revisions.new_hash);
        let promoted = look.revisions.stable == Stable::Newest;
        let gains = self.aim > now && self.leads_canary_to(look) == new;
        let gets_back = self.aim < now && promoted && self.leads_stable_to(look) == new;
        let (Some(set), Some(verification)) = (look.revisions.new, &mut self.verification) else {
            return;
        };
        let Some(Routers { routes, aws, .. }) = &look.seen.routers else {
            return;
        };
        let (service, groups) = if gains {
            (self.site.canary_service, &verification.verdict.canary_groups)
        } else if gets_back {
            (self.site.stable_service, &verification.verdict.stable_groups)
        } else {
            return;
        };
        let endpoints = routes.find(&targets::endpoints(self.site.namespace, service));
        let mut addresses = targets::addresses(endpoints);
        addresses.retain(|address| address.pod.starts_with(&format!("{}-", set.name)));
        for group in groups {
            let question = Question::Targets(group.arn.clone());
            let says = aws.answer(&question).map(|answer| &answer.says);
            verification.questions.push(question);
            if let Err(why) = targets::are_healthy(service, &group.arn, &addresses, says) {
                verification.waits.get_or_insert(why);
            }
        }
    }

    /// Whether the weight has to wait for targets.
    pub(super) fn waits_for_targets(&self) -> bool {
        self.verification.as_ref().is_some_and(|of| of.waits.is_some())
    }

    /// Whether AWS confirms the weight that the plan leaves; none where it is not asked.
    fn verified(&self) -> Option<bool> {
        self.reported.verified.map(|verified| verified && self.changes.is_empty())
    }

    /// What the status says of that: what was confirmed stays so until a weight changes.
    pub(super) fn recorded_verdict(&self, look: &Look<'_>, next: &TrafficWeights) -> Option<bool> {
        let old = look.rollout.status.canary.weights.as_ref();
        let same = |old: &&Box<TrafficWeights>| old.canary == next.canary && old.stable == next.stable;
        let kept = old.filter(same).filter(|_| verifies(look)).and_then(|old| old.verified);
        self.verified().or(kept)
    }

    /// Asks AWS, and looks again where it does not confirm the weight.
    pub(super) fn ask(&self, look: &Look<'_>, draft: &mut Draft) {
        let (Some(verification), Some(routers)) = (&self.verification, &look.seen.routers) else {
            return;
        };
        let waits = !verification.is_verified() || verification.waits.is_some();
        let retry = routers.settings.verify_retry_seconds.max(1);
        for question in &verification.questions {
            let asked = routers.aws.answer(question).map_or(look.now, |answer| answer.at);
            let due = after_seconds(asked, retry);
            let again = waits && due <= look.now;
            draft.ask(Ask {
                question: question.clone(),
                again,
            });
            if waits {
                draft.wake(Wake {
                    at: if again { after_seconds(look.now, retry) } else { due },
                    why: WakeReason::TargetGroups,
                });
            }
        }
    }

    /// Records what AWS says, and tells what is new of it.
    pub(super) fn record_verification(&self, look: &Look<'_>, next: &mut RolloutStatus, draft: &mut Draft) {
        let kind = condition::TRAFFIC_NOT_VERIFIED;
        if !verifies(look) {
            (next.alb, next.albs) = (None, Vec::new());
        }
        let Some(verification) = &self.verification else {
            conditions::remove(next, kind);
            return;
        };
        if !verification.verdict.albs.is_empty() {
            next.alb = verification.verdict.albs.last().cloned().map(Box::new);
            next.albs.clone_from(&verification.verdict.albs);
        }
        let old = look.rollout.status.canary.weights.as_ref();
        let now = next.canary.weights.as_ref();
        let same = old.zip(now).is_some_and(|(old, now)| {
            old.canary == now.canary && old.stable == now.stable && old.verified == now.verified
        });
        if self.verified() == Some(true) && !same {
            for told in &verification.verdict.confirmed {
                draft.tell(News::Verified(told.clone()), After::Status);
            }
        }
        let old = conditions::get(&look.rollout.status, kind);
        match verification.why_not() {
            Some(told) if old.is_none_or(|old| old.message != told.message) => {
                conditions::remove(next, kind);
                let found = conditions::new(kind, TRUE, &told.reason, told.message.clone(), &look.stamp());
                conditions::set(next, found);
                draft.tell(News::Unverified(told.clone()), After::Status);
            }
            Some(_) => {}
            // Not known yet is no news.
            None if !verification.is_verified() || verification.waits.is_some() => {}
            None => conditions::remove(next, kind),
        }
    }
}
