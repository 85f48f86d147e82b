//! Where the Services of a routed canary lead (contract 03 §6, decision 43).

use super::Traffic;
use super::weight::stable_of;
use crate::meaning::Canary;
use crate::observed::ReplicaSet;
use crate::rollout::look::Look;
use crate::rollout::revision::Stable;
use crate::rollout::service;
use crate::rollout::update::Course;
use crate::rollout::want::Behind;

impl Traffic<'_> {
    /// The Services that are to move now.
    pub(super) fn services<'a>(&self, look: &Look<'a>, canary: &Canary<'a>, course: &Course) -> Vec<Behind<'a>> {
        let roles = |name: &str| (name == self.site.canary_service, name == self.site.stable_service);
        let pair = canary.ping_pong.map_or(["", ""], |both| {
            [both.ping_service.as_str(), both.pong_service.as_str()]
        });
        let named = [canary.stable_service, canary.canary_service];
        let mut moves = Vec::new();
        for name in named.into_iter().chain(pair).filter(|name| !name.is_empty()) {
            let (is_canary, is_stable) = match roles(name) {
                // Ping and pong carry the weights: those two follow as if they did.
                (false, false) => (name == canary.canary_service, name == canary.stable_service),
                roles => roles,
            };
            let turns = pair.contains(&name);
            if turns && is_canary && look.revisions.stable == Stable::Newest {
                // The one that has no part is left where it is until the next update (contract 03 §6).
                continue;
            }
            let to = if is_stable {
                stable_of(look).filter(|set| stable_may_move(look, canary, name, set))
            } else if is_canary {
                self.behind_canary(look, course)
                    .filter(|set| self.canary_may_move(look, name, set, turns))
            } else {
                None
            };
            moves.extend(
                to.filter(|set| service::hash_of(look, name) != set.hash())
                    .map(|set| Behind {
                        service: name,
                        hash: set.hash(),
                        preview: false,
                    }),
            );
        }
        moves
    }

    /// The revision that the canary's destination is to lead to: the newest, and stable after an abort.
    pub(super) fn behind_canary<'a>(&self, look: &Look<'a>, course: &Course) -> Option<&'a ReplicaSet> {
        if course.abort.is_some() {
            stable_of(look)
        } else {
            look.revisions.new
        }
    }

    /// The canary's Service moves when no traffic comes by it, and never to a revision without a pod: others may call it by
    /// its name. Of ping and pong nobody does.
    fn canary_may_move(&self, look: &Look<'_>, name: &str, set: &ReplicaSet, turns: bool) -> bool {
        let behind = service::hash_of(look, name);
        let led = self.reported.most > 0 && name == self.site.canary_service && !behind.is_empty();
        !led && (turns || (look.available(set) > 0 && is_taken(look, name, set)))
    }
}

/// A Service that is new to us is taken once the revision has all of its pods.
fn is_taken(look: &Look<'_>, name: &str, set: &ReplicaSet) -> bool {
    let whole = set.replicas > 0 && set.replicas <= look.available(set);
    whole || service::is_managed(look, name)
}

/// Stable's Service moves as one without a router does, even where no traffic comes by it: others may call it by its name
/// (decision 43).
fn stable_may_move(look: &Look<'_>, canary: &Canary<'_>, name: &str, set: &ReplicaSet) -> bool {
    let needed = look.replicas.saturating_sub(canary.fenceposts.unavailable);
    service::may_move(look, name, set, needed) && is_taken(look, name, set)
}
