//! Which weight the canary is to have, and how far it may go there now (contract 03 §7, §8).

use super::Traffic;
use super::sizes::pods_for;
use crate::meaning::Canary;
use crate::observed::ReplicaSet;
use crate::rollout::canary::at_desired_counts;
use crate::rollout::look::Look;
use crate::rollout::revision::Stable;
use crate::rollout::update::Course;

impl Traffic<'_> {
    /// The weight that the canary is to have as things stand: the first case of contract 03 §7 item 2 that holds.
    pub(super) fn weight_to_reach(&self, look: &Look<'_>, canary: &Canary<'_>, course: &Course) -> i32 {
        let all = self.site.max_weight;
        let Some(new) = look.revisions.new.filter(|_| look.revisions.stable != Stable::Newest) else {
            return 0;
        };
        if self.must_leave(look) {
            // What the canary's weight leads to now is another revision: it loses the traffic before it loses its Service.
            return 0;
        }
        // A status that says nothing does not say that there are none.
        if course.abort.is_some() || look.availability(new).at_most() <= 0 {
            return 0;
        }
        if course.promote_full {
            return if canary.dynamic_stable_scale {
                share(all, look.available(new), look.replicas)
            } else {
                look.rollout
                    .status
                    .canary
                    .weights
                    .as_ref()
                    .map_or(0, |of| of.canary.weight)
            };
        }
        let Some(index) = course.index else {
            return 0;
        };
        let (ready, weight) = if index >= canary.steps.len() {
            (canary.threshold.completes(look.replicas, look.available(new)), all)
        } else {
            let targets = self.targets(look, canary, course);
            (at_desired_counts(look, canary, targets), canary.weight_at(index))
        };
        if ready {
            return weight;
        }
        // On the way there it keeps what it has; it falls at once where less is asked for.
        let before = index.checked_sub(1).map_or(0, |before| canary.weight_at(before));
        self.now(look).max(before).min(weight)
    }

    /// The weight that the canary has now: the recorded one where the objects agree with it.
    pub(super) fn now(&self, look: &Look<'_>) -> i32 {
        let (least, most) = (self.reported.least, self.reported.most);
        let recorded = look.rollout.status.canary.weights.as_ref().map(|of| of.canary.weight);
        recorded
            .filter(|weight| (least..=most).contains(weight))
            .unwrap_or(least)
    }

    /// The weight that is left by this plan: [`Self::aim`] where it may be reached at once, else as near as may be.
    pub(super) fn weight_now(&self, look: &Look<'_>, canary: &Canary<'_>, course: &Course) -> i32 {
        let now = self.now(look);
        if course.is_held(look) || self.waits_for_targets() {
            return now;
        }
        if self.aim > now {
            let ready = look
                .revisions
                .new
                .is_some_and(|new| self.leads_canary_to(look) == new.hash() && look.available(new) > 0);
            return if ready { self.aim } else { now };
        }
        self.lowered(look, canary, now.max(self.aim))
    }

    /// As low as stable can carry what the canary gives up; it need not wait for pods on a side that serves more than the one
    /// that serves now (decision 43).
    fn lowered(&self, look: &Look<'_>, canary: &Canary<'_>, now: i32) -> i32 {
        let all = self.site.max_weight;
        let carrier = look
            .revisions
            .all()
            .find(|set| set.hash() == self.leads_stable_to(look));
        let giver = look
            .revisions
            .all()
            .find(|set| set.hash() == self.leads_canary_to(look));
        let Some(carrier) = carrier else {
            return if self.leads_stable_to(look).is_empty() {
                self.aim
            } else {
                now
            };
        };
        let carries = look.available(carrier);
        let leads_away = stable_of(look).is_some_and(|set| set.uid != carrier.uid);
        let of_giver = giver.map_or(0, |set| look.availability(set).at_most());
        if leads_away && (of_giver > 0 || carries == 0) {
            // After a promotion: what stable's destination leads to is the revision before.
            return now;
        }
        let needed = pods_for(all.saturating_sub(self.aim), look.replicas, all);
        // Where both sides change their sizes with the weight, stable gets what its pods can carry, and no more.
        let spare = if canary.dynamic_stable_scale {
            0
        } else {
            canary.fenceposts.unavailable
        };
        if look.replicas <= 0 || carries >= needed.saturating_sub(spare).max(1) || (carries > 0 && of_giver == 0) {
            return self.aim;
        }
        let carried = share(all, carries, look.replicas);
        self.aim.max(all.saturating_sub(carried).min(now))
    }

    /// The canary's weight leads to pods of another revision than the one that it is for.
    fn must_leave(&self, look: &Look<'_>) -> bool {
        let behind = self.leads_canary_to(look);
        self.reported.most > 0 && !behind.is_empty() && behind != look.revisions.new_hash
    }
}

/// The weight that so many of the wanted pods carry, rounded down.
fn share(all: i32, pods: i32, replicas: i32) -> i32 {
    if replicas <= 0 {
        return all;
    }
    let weight = i64::from(all) * i64::from(pods.min(replicas).max(0)) / i64::from(replicas);
    i32::try_from(weight).unwrap_or(all)
}

/// The ReplicaSet that stable's destination is to lead to.
pub(super) fn stable_of<'a>(look: &Look<'a>) -> Option<&'a ReplicaSet> {
    match look.revisions.stable {
        Stable::Newest => look.revisions.new,
        Stable::Other(set) => Some(set),
        Stable::None | Stable::Missing => None,
    }
}
