//! Blue-green: a second full set of pods, then a switch of the active Service (contract 04).

mod sizes;
mod update;

use crate::api::rollout::{BlueGreenStatus, BlueGreenStrategy, RolloutStatus};
use crate::meaning::{BlueGreen, Strategy};
use crate::observed::ReplicaSet;
use crate::plan::Plan;
use crate::plan::draft::{Draft, Group};
use crate::rollout::canary::never_served;
use crate::rollout::conditions::{self, Facts};
use crate::rollout::ephemeral;
use crate::rollout::look::{Change, Look};
use crate::rollout::references;
use crate::rollout::replica_set;
use crate::rollout::report;
use crate::rollout::service;
use crate::rollout::status::{self, Counts, format_selector};
use crate::rollout::update::Course;
use crate::wire::HASH_LABEL;
use update::Gate;
pub(crate) use update::is_fast;

/// What happens next to a blue-green rollout.
pub(crate) fn decide(look: &Look<'_>, strategy: &Strategy, meant: &BlueGreen, written: &BlueGreenStrategy) -> Plan {
    let mut draft = Draft::default();
    let active = service::hash_of(look, &written.active_service);
    let counts = counts(look, active);
    let mut course = Course::of_blue_green(look, counts);
    let size = sizes::of_new(look, meant, written, &course, active);
    let creation = sizes::grow(look, size, &course, &mut draft);
    let preview = switch_preview(look, written, &course, &mut draft);
    // A Service that lost its hash does not make the pause pointless: stable is what it will select again.
    let served = match look.revisions.other_stable() {
        Some(stable) if active_set(look, active).is_none() && !never_served(look) => stable.hash(),
        Some(_) | None => active,
    };
    let gate = course.pass_pause(look, meant, written, size, served, &mut draft);
    let active = switch_active(look, written, &course, gate, active, &mut draft);
    sizes::shrink(look, &creation, meant, written, &course, size, &mut draft);
    replica_set::clean_up(look, &mut draft);
    release_services(look, &mut draft);
    ephemeral::plan(look, &mut draft);
    look.restart.plan(&mut draft);
    if let Some(reason) = course.blue_green_promotion(look, &active) {
        course.promote(look, &reason, &mut draft);
    }
    let next = report_status(look, &course, counts, &active, preview);
    let facts = facts(look, written, &course, counts, &next);
    report::finish(look, strategy, next, &facts, draft)
}

/// Ready and available count the active revision only, once there is one (contract 02 §7).
fn counts(look: &Look<'_>, active: &str) -> Counts {
    let all = Counts::of_all(look);
    match active_set(look, active) {
        Some(set) => Counts {
            ready: set.ready_replicas,
            available: set.available_replicas,
            ..all
        },
        None => all,
    }
}

/// The ReplicaSet whose pods alone the active Service leads to; none where it selects no hash, or one that none has.
fn active_set<'a>(look: &Look<'a>, active: &str) -> Option<&'a ReplicaSet> {
    look.revisions
        .all()
        .find(|set| !active.is_empty() && set.hash() == active)
}

/// The preview follows the newest revision at once, even without pods (contract 04 §1 item 3).
fn switch_preview(look: &Look<'_>, written: &BlueGreenStrategy, course: &Course, draft: &mut Draft) -> String {
    let name = &written.preview_service;
    if name.is_empty() {
        return String::new();
    }
    if course.is_halted(look) {
        return service::hash_of(look, name).to_owned();
    }
    service::switch(look, name, look.revisions.new_hash, Group::Preview, draft);
    look.revisions.new_hash.to_owned()
}

/// Moves the active Service where the gate is open; gives the hash that it selects afterwards (contract 04 §5, §11).
fn switch_active(
    look: &Look<'_>,
    written: &BlueGreenStrategy,
    course: &Course,
    gate: Gate,
    active: &str,
    draft: &mut Draft,
) -> String {
    let target = match gate {
        Gate::Closed => None,
        Gate::Open => Some(look.revisions.new_hash),
        Gate::Back => look
            .revisions
            .other_stable()
            .filter(|set| set.available() > 0)
            .map(ReplicaSet::hash),
    };
    // A Service that lost its hash goes back to what served before: it must not promote (contract 11 B8). Until that has
    // pods again it selects those of every revision, which is better than none; with a hash that no ReplicaSet has it
    // selects nobody, and nothing is worse than that.
    let lost = active_set(look, active).is_none() && !course.is_halted(look);
    let restored = look
        .revisions
        .other_stable()
        .filter(|stable| lost && (stable.available() > 0 || !active.is_empty()))
        .map(ReplicaSet::hash);
    let Some(target) = restored.or(target) else {
        return active.to_owned();
    };
    service::switch(look, &written.active_service, target, Group::Traffic, draft);
    target.to_owned()
}

/// Services that the spec no longer names, such as after a change from canary.
fn release_services(look: &Look<'_>, draft: &mut Draft) {
    let named: Vec<&str> = references::services(look.seen)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    service::release_unnamed(look, &named, draft);
}

fn report_status(look: &Look<'_>, course: &Course, counts: Counts, active: &str, preview: String) -> RolloutStatus {
    let mut next = status::base(look, course, counts);
    next.blue_green = BlueGreenStatus {
        preview_selector: preview,
        active_selector: active.to_owned(),
        scale_up_preview_check_point: course.checkpoint,
        ..BlueGreenStatus::default()
    };
    if let Some(set) = active_set(look, active) {
        next.hpa_replicas = set.current_replicas;
        next.ready_replicas = set.ready_replicas;
        next.available_replicas = set.available_replicas;
        let mut selector = look.rollout.spec.selector.clone().unwrap_or_default();
        let labels = selector.match_labels.get_or_insert_default();
        labels.insert(HASH_LABEL.to_owned(), set.hash().to_owned());
        next.selector = format_selector(&selector);
    }
    next
}

fn facts<'c>(
    look: &Look<'_>,
    written: &BlueGreenStrategy,
    course: &'c Course,
    counts: Counts,
    next: &RolloutStatus,
) -> Facts<'c> {
    let old = &look.rollout.status;
    let (now, before) = (&next.blue_green, &old.blue_green);
    let switched = now.active_selector != before.active_selector || now.preview_selector != before.preview_selector;
    let active = active_set(look, &now.active_selector);
    let shown = written.preview_service.is_empty() || now.preview_selector == next.current_pod_hash;
    Facts {
        healthy: next.updated_replicas == look.replicas
            && next.available_replicas == look.replicas
            && now.active_selector == next.current_pod_hash
            && shown
            && conditions::is_completed(next),
        progressed: switched || counts.progressed(old) || look.change != Change::Nothing,
        available: active.is_some_and(|set| sizes::is_saturated(look, set)),
        clock_stopped: course.is_held_up(look),
        ..report::facts(look, course)
    }
}
