//! The one way in: an experiment, what belongs to it and a clock reading give a plan.

use super::look::Look;
use super::observed::Observed;
use super::template::{self, just_after};
use super::{analysis, assess, conditions, replica_set, service, status, validate};
use crate::api::experiment::ExperimentStatus;
use crate::observed::ReplicaSet;
use crate::plan::draft::Draft;
use crate::plan::{Action, OwnServiceAction, Plan, Wake, WakeReason};
use crate::rollout::look::stamp;
use jiff::Timestamp;

/// Decides what happens next to an experiment. Total: no panic, no error, the same answer for the same input.
///
/// The order of its changes: ReplicaSets are created and scaled, Services created, runs of analyses ended and begun; what has
/// had its time goes last, so that nothing waits for it.
#[must_use]
pub fn decide(seen: &Observed, now: Timestamp) -> Plan {
    let experiment = &seen.experiment;
    if experiment.metadata.deletion_timestamp.is_some() {
        // What it owns goes with it.
        return Plan::default();
    }
    let old = &experiment.status;
    let mut next = old.clone();
    if let Some(problem) = validate::problem(seen) {
        conditions::invalid(&mut next, &problem, &stamp(now));
        return Draft::default().finish(Vec::new(), status::write(old, &next));
    }
    let look = Look::of(seen, now);
    let mut draft = Draft::default();
    let actions = carry_out(&look, &mut next, &mut draft);
    assess::conclude(&look, &mut next, &mut draft);
    conditions::settle(&look, &mut next);
    if let Some(at) = look.ends_at().filter(|end| !look.terminating && *end >= now) {
        draft.wake(Wake {
            at: just_after(at),
            why: WakeReason::ExperimentOver,
        });
    }
    draft.finish(actions, status::write(old, &next))
}

/// All changes, in their order; records in `next` what becomes of templates and analyses.
fn carry_out(look: &Look<'_>, next: &mut ExperimentStatus, draft: &mut Draft) -> Vec<Action> {
    let mut actions = Vec::new();
    let (mut create, mut delete) = (Vec::new(), Vec::new());
    next.template_statuses.clear();
    for template in &look.spec().templates {
        let outcome = template::reconcile(look, template, &mut actions, draft);
        next.template_statuses.push(outcome.status);
        create.extend(outcome.create);
        delete.extend(outcome.delete);
    }
    let create = create.into_iter().map(|new| OwnServiceAction::Create(Box::new(new)));
    actions.extend(create.map(Action::OwnService));
    next.analysis_runs = look
        .spec()
        .analyses
        .iter()
        .map(|of| analysis::reconcile(look, of, &mut actions, draft))
        .collect();
    for set in look.seen.replica_sets.iter().filter(|set| is_surplus(look, set)) {
        template::end_surplus(look, set, &mut actions, draft);
    }
    delete.extend(
        service::surplus(look)
            .into_iter()
            .filter(|service| template::is_gone(look, service)),
    );
    let delete = delete.into_iter().map(service::target_of);
    actions.extend(delete.map(|target| Action::OwnService(OwnServiceAction::Delete(target))));
    actions
}

/// A ReplicaSet of the experiment that is that of no template of the spec.
fn is_surplus(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let mut templates = look.spec().templates.iter();
    let found = |name: &str| replica_set::find(look.seen, look.name(), name);
    !set.deleting && !templates.any(|template| found(&template.name).is_some_and(|found| found.uid == set.uid))
}
