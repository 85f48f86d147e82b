//! How many pods each revision of a routed canary should have (contract 03 §5).

use super::Traffic;
use super::weight::stable_of;
use crate::api::canary_step::SetCanaryScale;
use crate::meaning::{AbortDelay, Canary, Fenceposts};
use crate::observed::ReplicaSet;
use crate::rollout::canary::paused;
use crate::rollout::canary::scale::Targets;
use crate::rollout::delay::{self, Delay};
use crate::rollout::look::Look;
use crate::rollout::revision::Stable;
use crate::rollout::service;
use crate::rollout::update::Course;
use crate::rollout::want::{Deadline, Keeps, Of, Want};

/// Pods that so much of the traffic needs, rounded up.
pub(super) fn pods_for(weight: i32, replicas: i32, all: i32) -> i32 {
    let (weight, replicas, all) = (
        i64::from(weight.max(0)),
        i64::from(replicas.max(0)),
        i64::from(all.max(1)),
    );
    let pods = (weight * replicas + all - 1) / all;
    i32::try_from(pods).unwrap_or(i32::MAX)
}

impl<'a> Traffic<'a> {
    /// The pods that the step under way asks for, whatever was asked for before it.
    pub(crate) fn targets(&self, look: &Look<'_>, canary: &Canary<'_>, course: &Course) -> Targets {
        let all = self.site.max_weight;
        let replicas = look.replicas;
        let settled = look.revisions.other_stable().is_none();
        let weight = if settled || course.promote_full {
            all
        } else if course.abort.is_some() {
            0
        } else {
            course.index.map_or(all, |index| canary.weight_at(index))
        };
        let scale = active_scale(canary, course).filter(|_| !settled && !course.promote_full);
        let least = |pods: i32| at_least(pods, canary, replicas);
        let size = match scale {
            Some(SetCanaryScale {
                replicas: Some(pods), ..
            }) => (*pods).max(0),
            Some(SetCanaryScale {
                weight: Some(weight), ..
            }) => least(pods_for(*weight, replicas, all)),
            Some(_) | None => least(pods_for(weight, replicas, all)),
        };
        let stable = if settled {
            0
        } else if canary.dynamic_stable_scale {
            least(pods_for(all.saturating_sub(weight), replicas, all))
        } else {
            replicas
        };
        let canary = if canary.dynamic_stable_scale { least(size) } else { size };
        Targets { canary, stable }
    }

    /// What is wanted of ReplicaSets and Services.
    pub(crate) fn want(&self, look: &Look<'a>, canary: &Canary<'a>, course: &Course) -> Want<'a> {
        let targets = self.targets(look, canary, course);
        let (held, halted) = (course.is_held(look), course.is_halted(look));
        let mut want = Want {
            // Nothing is made while paused (decision 41).
            create: (!look.rollout.spec.paused).then_some(targets.canary),
            keep_available: look.replicas.saturating_sub(canary.fenceposts.unavailable),
            ..Want::default()
        };
        if !held {
            want.services = self.services(look, canary, course);
        }
        want.routes.clone_from(&self.changes);
        want.keep_shares = look.rollout.spec.paused;
        if look.rollout.spec.paused && !held {
            // What routers carry needs no room beside it.
            let fenceposts = Fenceposts {
                surge: look.replicas,
                ..canary.fenceposts
            };
            want.replica_sets = paused::want(look, fenceposts, Keeps::Part);
            return want;
        }
        if held || halted {
            want.replica_sets = look.revisions.new.into_iter().map(Of::as_is).collect();
            return want;
        }
        let new = look
            .revisions
            .new
            .map(|set| self.of_new(look, canary, course, set, targets.canary, &mut want));
        let stable = look.revisions.other_stable().map(|set| {
            let whole = stays_whole(canary, course);
            // It has the pods that come back to it before the weight does.
            let rest = self.site.max_weight.saturating_sub(self.aim);
            let comes_back = pods_for(rest, look.replicas, self.site.max_weight);
            let size = if whole {
                look.replicas
            } else {
                targets.stable.max(comes_back)
            };
            self.part(look, set, size.saturating_add(look.restart.surge_of(set)))
                .deadline(Deadline::None)
        });
        // The first gives up pods first: old revisions, then the canary, then stable.
        self.old(look, canary, &mut want);
        want.replica_sets.extend(new.into_iter().chain(stable));
        want
    }

    /// A ReplicaSet on its way to a size: it keeps the pods that its observed weight needs, and its part of those that must
    /// be available.
    fn part(&self, look: &Look<'_>, set: &'a ReplicaSet, size: i32) -> Of<'a> {
        let weight = self.weight_on(look, set);
        let needed = pods_for(weight, look.replicas, self.site.max_weight);
        // Whoever calls stable by its Service finds a pod there, whatever the weight is (decision 6).
        let keeps = if look.replicas > 0 {
            Keeps::PartBehind(self.site.stable_service)
        } else {
            Keeps::Part
        };
        Of {
            least: needed,
            ..Of::size(set, size, keeps)
        }
    }

    /// The newest revision: what its step asks for; after an abort it stays for a while, counted from when stable has all of
    /// the traffic and all of its pods.
    fn of_new(
        &self,
        look: &Look<'a>,
        canary: &Canary<'_>,
        course: &Course,
        set: &'a ReplicaSet,
        size: i32,
        want: &mut Want<'_>,
    ) -> Of<'a> {
        let size = size.saturating_add(look.restart.surge_of(set));
        let Some(stable) = look.revisions.other_stable().filter(|_| course.abort.is_some()) else {
            let mut of = self.part(look, set, size).deadline(Deadline::None);
            // A person who asks for a size of the canary gets it, whatever the weight needs.
            if active_scale(canary, course).is_some_and(|scale| scale.replicas.is_some() || scale.weight.is_some()) {
                of.least = of.least.min(size);
            }
            return of;
        };
        if canary.dynamic_stable_scale && !canary.abort_delay_is_given {
            return self.part(look, set, 0);
        }
        let drained = self.weight_on(look, set) == 0 && look.available(stable) >= look.replicas;
        let (over, deadline) = delay::after_abort(look, canary.abort_delay, set, drained, want);
        let keeps = !over || canary.abort_delay == AbortDelay::Keep;
        self.part(look, set, if keeps { set.replicas } else { 0 })
            .deadline(deadline)
    }

    /// Old revisions go once no traffic leads there: those of an update that is over after their delay, others at once
    /// (contract 03 §5, decision 10).
    fn old(&self, look: &Look<'a>, canary: &Canary<'_>, want: &mut Want<'a>) {
        let settled = look.revisions.stable == Stable::Newest;
        let delay = Delay {
            seconds: if canary.dynamic_stable_scale {
                0
            } else {
                i64::from(canary.scale_down_delay_seconds)
            },
            limit: canary.scale_down_delay_revision_limit,
            resize: None,
            keeps: Keeps::Part,
        };
        let mut waiting = 0;
        for set in look.revisions.others.iter().copied().filter(|set| set.replicas > 0) {
            let free = self.weight_on(look, set) == 0 && !is_selected(look, canary, set);
            let of = if look.replicas <= 0 {
                // No Service can leave it, since none gets pods that it could lead to.
                Of::size(set, 0, Keeps::Part)
            } else if !free {
                Of::as_is(set)
            } else if (settled && stable_of(look).is_some()) || set.scale_down_deadline().is_some() {
                delay.old(look, set, &mut waiting, want)
            } else {
                Of::size(set, 0, Keeps::Part)
            };
            want.replica_sets.push(of);
        }
    }
}

/// Stable has all of its pods: unless it gives them up as its weight falls, or while it is gone back to.
fn stays_whole(canary: &Canary<'_>, course: &Course) -> bool {
    !canary.dynamic_stable_scale || course.abort.is_some()
}

/// A Service leads to it that others may call by its name; of ping and pong the weights say all.
fn is_selected(look: &Look<'_>, canary: &Canary<'_>, set: &ReplicaSet) -> bool {
    let turns = |name: &str| {
        canary
            .ping_pong
            .is_some_and(|both| name == both.ping_service || name == both.pong_service)
    };
    let names = [canary.canary_service, canary.stable_service];
    names
        .into_iter()
        .any(|name| !turns(name) && service::hash_of(look, name) == set.hash())
}

/// The size that a person asked for by the last `setCanaryScale` at or before the step under way; none after one that
/// matches the weight again.
fn active_scale<'c>(canary: &'c Canary<'_>, course: &Course) -> Option<&'c SetCanaryScale> {
    let index = course
        .index
        .filter(|_| course.abort.is_none() || canary.abort_delay == AbortDelay::Keep)?;
    if index >= canary.steps.len() {
        return None;
    }
    let mut scales = canary
        .steps
        .iter()
        .take(index.saturating_add(1))
        .filter_map(|step| step.sets_scale);
    scales.next_back().filter(|scale| !scale.match_traffic_weight)
}

/// `minPodsPerReplicaSet`: a revision with pods has so many at least, and no more than the rollout wants.
fn at_least(pods: i32, canary: &Canary<'_>, replicas: i32) -> i32 {
    if pods <= 0 {
        return 0;
    }
    pods.max(canary.min_pods.min(replicas))
}
