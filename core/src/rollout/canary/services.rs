//! What the Services of a canary without traffic routing lead to (contract 03 §6, decisions 6 and 43).

use crate::meaning::Canary;
use crate::observed::ReplicaSet;
use crate::rollout::canary::scale::{Input, wanted};
use crate::rollout::look::Look;
use crate::rollout::revision::Stable;
use crate::rollout::service;
use crate::rollout::update::Course;
use crate::rollout::want::Behind;

/// The Services that are to move now.
pub(super) fn want<'a>(look: &Look<'a>, canary: &Canary<'a>, input: &Input, course: &Course) -> Vec<Behind<'a>> {
    let stable = match look.revisions.stable {
        Stable::Newest => look.revisions.new,
        Stable::Other(set) => Some(set),
        Stable::None | Stable::Missing => None,
    };
    let needed = input.replicas.saturating_sub(input.fenceposts.unavailable);
    let may_move = |name: &str, to: &ReplicaSet| service::may_move(look, name, to, needed);
    // Nothing of stable is to be left: its Service moves before its last pod goes (contract 11 B1). Once moved it stays,
    // whatever becomes of the pods meanwhile.
    let name = canary.stable_service;
    let moved = service::hash_of(look, name) == look.revisions.new_hash;
    let ready = |new: &&ReplicaSet| moved || may_move(name, new);
    // Without replicas nothing of stable is wanted, and that approves nothing (decision 42).
    let taken_over = course.abort.is_none() && !course.sleeps(look) && wanted(input).stable == 0;
    let behind_stable = look.revisions.new.filter(|_| taken_over).filter(ready).or(stable);
    let of_stable = follow(look, name, behind_stable.filter(|set| may_move(name, set)));
    // The canary Service shows whatever there is of the canary; on the way back it moves as the stable one.
    let name = canary.canary_service;
    let behind_canary = if course.abort.is_some() {
        stable.filter(|set| may_move(name, set))
    } else {
        look.revisions.new
    };
    let of_canary = follow(look, name, behind_canary);
    of_stable.into_iter().chain(of_canary).collect()
}

/// A Service leads to a ReplicaSet once that has an available pod; all of them where the Service is new to us.
fn follow<'a>(look: &Look<'_>, service: &'a str, set: Option<&'a ReplicaSet>) -> Option<Behind<'a>> {
    let set = set.filter(|set| service::hash_of(look, service) != set.hash())?;
    let available = look.available(set);
    let whole = set.replicas > 0 && set.replicas <= available;
    let follows = available > 0 && (whole || service::is_managed(look, service));
    follows.then(|| Behind {
        service,
        hash: set.hash(),
        preview: false,
    })
}
