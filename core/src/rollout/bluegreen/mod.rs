//! Blue-green: a second full set of pods, then a switch of the active Service (contract 04).

mod sizes;
mod targets;
mod update;

use crate::api::rollout::{BlueGreenStatus, RolloutStatus};
use crate::meaning::BlueGreen;
use crate::notation::selector;
use crate::observed::ReplicaSet;
use crate::plan::Plan;
use crate::plan::draft::Draft;
use crate::rollout::analysis::{Analysis, is_measuring};
use crate::rollout::canary::never_served;
use crate::rollout::conditions::{self, Facts};
use crate::rollout::invalid;
use crate::rollout::look::{Change, Look};
use crate::rollout::order;
use crate::rollout::report;
use crate::rollout::service;
use crate::rollout::status::{self, Counts};
use crate::rollout::update::Course;
use crate::rollout::want::Behind;
use crate::wire::HASH_LABEL;
use targets::Targets;
use update::Gate;
pub(crate) use update::is_fast;

/// What happens next to a blue-green rollout.
pub(crate) fn decide(look: &Look<'_>, meant: &BlueGreen<'_>) -> Plan {
    let mut draft = Draft::default();
    let active = service::hash_of(look, meant.active_service);
    let counts = counts(look, active);
    let mut course = Course::of_blue_green(look, counts);
    let size = sizes::of_new(look, meant, &course, active);
    // A Service that lost its hash does not make the pause pointless: stable is what it will select again.
    let served = match look.revisions.other_stable() {
        Some(stable) if active_set(look, active).is_none() && !never_served(look) => stable.hash(),
        Some(_) | None => active,
    };
    let mut ready = sizes::ready_for_analysis(look, meant);
    ready.1 &= Targets::are_complete(targets::of(look, meant, active).as_ref());
    let services = (active, served);
    let analysis = match Analysis::of_blue_green(look, meant, &mut course, is_fast(look), services, ready) {
        Ok(analysis) => analysis,
        Err(problem) => return invalid::plan(look.seen, look.now, &problem),
    };
    analysis.tell(look, &mut draft);
    let size = if course.abort.is_some() {
        sizes::of_new(look, meant, &course, active)
    } else {
        size
    };
    let approved = meant.pre_promotion.is_none() || analysis.before_promotion().is_successful();
    let verified = meant.post_promotion.is_none() || analysis.after_promotion().is_successful();
    let gate = course.pass_pause(look, meant, (size, served), approved, &mut draft);
    let mut want = sizes::want(
        look,
        meant,
        &course,
        size,
        verified || active != look.revisions.new_hash,
    );
    want.runs = analysis.want(look);
    let preview = preview(look, meant, &course);
    let moves = behind_active(look, meant, gate, active);
    want.services.extend(preview.map(|hash| Behind {
        service: meant.preview_service,
        hash,
        preview: true,
    }));
    want.services.extend(moves.map(|hash| Behind {
        service: meant.active_service,
        hash,
        preview: false,
    }));
    let actions = order::carry_out(look, &want, &mut draft);
    let active = moves.unwrap_or(active);
    let targets = targets::of(look, meant, active);
    let why = course.blue_green_promotion(look, active, verified);
    let why = why.filter(|_| Targets::are_complete(targets.as_ref()));
    let promoted = why.is_some();
    if let Some(why) = why {
        course.promote(look, why, &mut draft);
    }
    let preview = preview.unwrap_or_else(|| service::hash_of(look, meant.preview_service));
    let mut next = report_status(look, &course, counts, active, preview);
    next.blue_green.pre_promotion_analysis_run_status = analysis.before_promotion().reference();
    next.blue_green.post_promotion_analysis_run_status = analysis.after_promotion().reference();
    Targets::report(targets.as_ref(), look, promoted, &mut next, &mut draft);
    let facts = facts(look, meant, &course, counts, &next);
    report::finish(look, next, &facts, actions, draft)
}

/// Ready and available count the active revision only, once there is one (contract 02 §7).
fn counts(look: &Look<'_>, active: &str) -> Counts {
    let all = Counts::of_all(look);
    match active_set(look, active) {
        Some(set) => Counts {
            ready: set.ready_replicas,
            available: look.told_available(set),
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

/// What the preview leads to: it follows the newest revision at once, even without pods (contract 04 §1 item 3). Nothing
/// where it stays, or there is none.
fn preview<'a>(look: &Look<'a>, meant: &BlueGreen<'_>, course: &Course) -> Option<&'a str> {
    let follows = !meant.preview_service.is_empty() && !course.is_halted(look);
    follows.then_some(look.revisions.new_hash)
}

/// What the active Service leads to where the gate is open; nothing where it stays (contract 04 §5, §11).
fn behind_active<'a>(look: &Look<'a>, meant: &BlueGreen<'_>, gate: Gate, active: &str) -> Option<&'a str> {
    let needed = look.replicas.saturating_sub(meant.max_unavailable);
    let stable = look.revisions.other_stable();
    let target = match gate {
        Gate::Closed => None,
        Gate::Open => Some(look.revisions.new_hash),
        Gate::Back => stable
            .filter(|set| service::may_move(look, meant.active_service, set, needed))
            .map(ReplicaSet::hash),
    };
    // A Service that lost its hash goes back to what served before: it must not promote (contract 11 B8). Until that has
    // pods again it selects those of every revision, which is better than none; with a hash that no ReplicaSet has it
    // selects nobody, and nothing is worse than that. An inconclusive analysis holds the update, and not this; a person who
    // pauses holds all.
    let lost = active_set(look, active).is_none() && !look.rollout.spec.paused;
    let restored = stable
        .filter(|stable| lost && (look.available(stable) > 0 || !active.is_empty()))
        .map(ReplicaSet::hash);
    restored.or(target)
}

fn report_status(look: &Look<'_>, course: &Course, counts: Counts, active: &str, preview: &str) -> RolloutStatus {
    let mut next = status::base(look, course, counts);
    next.blue_green = BlueGreenStatus {
        preview_selector: preview.to_owned(),
        active_selector: active.to_owned(),
        scale_up_preview_check_point: course.checkpoint,
        ..BlueGreenStatus::default()
    };
    if let Some(set) = active_set(look, active) {
        next.hpa_replicas = set.current_replicas;
        next.ready_replicas = set.ready_replicas;
        next.available_replicas = look.told_available(set);
        let mut active = look.rollout.spec.selector.clone().unwrap_or_default();
        let labels = active.match_labels.get_or_insert_default();
        labels.insert(HASH_LABEL.to_owned(), set.hash().to_owned());
        next.selector = selector::format(&active);
    }
    next
}

fn facts<'c>(
    look: &Look<'_>,
    meant: &BlueGreen<'_>,
    course: &'c Course,
    counts: Counts,
    next: &RolloutStatus,
) -> Facts<'c> {
    let old = &look.rollout.status;
    let (now, before) = (&next.blue_green, &old.blue_green);
    let switched = now.active_selector != before.active_selector || now.preview_selector != before.preview_selector;
    let active = active_set(look, &now.active_selector);
    let shown = meant.preview_service.is_empty() || now.preview_selector == next.current_pod_hash;
    Facts {
        healthy: next.updated_replicas == look.replicas
            && next.available_replicas == look.replicas
            && now.active_selector == next.current_pod_hash
            && shown
            && conditions::is_completed(next),
        progressed: switched || counts.progressed(old) || look.change != Change::Nothing,
        available: active.is_some_and(|set| sizes::is_asked_for(look, set)) && next.available_replicas >= look.replicas,
        clock_stopped: course.stops_clock(look) || is_measuring(look),
        ..report::facts(look, course)
    }
}
