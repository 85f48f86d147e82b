//! Puts the pod template of the workload where decisions look for it.

use super::read::Referenced;
use super::reference::{Reference, missing, reference};
use super::scale::gives_pods;
use crate::api::Rollout;
use crate::identity::Identity;
use crate::observed::{Observed, ReplicaSet, Workload};
use crate::validate;

/// Follows the reference of a rollout whose spec is as stored: `found` is what the API server has under that name, or why
/// it cannot be read. Fills in the pod template, and the selector where the rollout has none of its own, or notes why there
/// is none. Nothing of this is ever written (contract 05 §5), but for the number of pods.
///
/// The hashes are those of the template that is filled in: `identity` says what they are of the rollout, so that a caller
/// may keep them per generation of both (decision 18). A rollout without a reference stays as it is.
pub fn fill_in(
    seen: &mut Observed,
    found: Option<&Result<Referenced, String>>,
    identity: impl FnOnce(&Rollout) -> Identity,
) {
    let rollout = &seen.rollout;
    let (kind, name) = match reference(rollout) {
        Reference::None => return,
        Reference::Problem(problem) => {
            seen.workload_problem = Some(own_template(seen).unwrap_or(problem));
            return;
        }
        Reference::To(kind, name) => (kind, name),
    };
    let namespace = rollout.metadata.namespace.as_deref().unwrap_or_default();
    let problem = own_template(seen).or_else(|| match found {
        None => Some(missing(kind, namespace, name)),
        Some(Err(problem)) => Some(problem.clone()),
        Some(Ok(_)) => None,
    });
    if let Some(problem) = problem {
        seen.workload_problem = Some(problem);
        return;
    }
    let Some(Ok(found)) = found else { return };
    let spec = &mut seen.rollout.spec;
    spec.template = Some(found.template.clone());
    if spec.selector.is_none() {
        spec.selector.clone_from(&found.selector);
    }
    let first_replicas = first_replicas(&seen.rollout, &found.workload);
    if let Some(replicas) = first_replicas {
        seen.rollout.spec.replicas = Some(replicas);
        seen.replicas_from_workload = true;
    }
    seen.workload = Some(found.workload.clone());
    seen.identity = identity(&seen.rollout);
}

/// A rollout that does not say how many pods it wants, because an autoscaler will, takes over as many as the Deployment has:
/// with the default of one, the Deployment would lose all of its pods to a single one (argo-rollouts#4110).
fn first_replicas(rollout: &Rollout, workload: &Workload) -> Option<i32> {
    let takes_over = rollout.spec.replicas.is_none() && gives_pods(rollout, workload);
    (takes_over && workload.replicas > 1).then_some(workload.replicas)
}

/// What is said of a rollout that has a pod template beside the reference: it wins over a missing workload (contract 11 §E).
fn own_template(seen: &Observed) -> Option<String> {
    validate::template_beside_reference(&seen.rollout.spec).map(|error| error.to_string())
}

/// Whether the recorded hash speaks of the present template of the workload (decision 16). One that was deleted and made
/// anew counts its generations from 1 again: it is younger than the ReplicaSet of the recorded hash.
pub(crate) fn is_the_one_that_was_observed(seen: &Observed) -> bool {
    let Some(workload) = &seen.workload else { return true };
    let status = &seen.rollout.status;
    let recorded = |set: &&ReplicaSet| set.hash() == status.current_pod_hash;
    let is_older = |set: &ReplicaSet| workload.created <= set.created;
    status.workload_observed_generation.parse() == Ok(workload.generation)
        && seen.replica_sets.iter().find(recorded).is_none_or(is_older)
}
