//! `capacity/autoscaler`: the steps ask for more pods than the autoscaler may give, or its limits contradict each other.

use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::scalers::scalers;
use crate::rules::seen::{Found, Seen};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "capacity/autoscaler",
    severity: Severity::Warning,
    title: "the rollout and its autoscaler disagree about the number of pods",
    page: include_str!("../../../../docs/rules/capacity.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for scaler in scalers(seen) {
        let Some((_, object, rollout)) = seen.rollouts().find(|(_, object, _)| scaler.scales(seen, object)) else {
            continue;
        };
        let Some(most) = scaler.most else { continue };
        let keda = scaler.reference.object.kind() == "ScaledObject";
        let field = if keda { "maxReplicaCount" } else { "maxReplicas" };
        let path = at("spec").key(field);
        if most < scaler.least {
            let message = format!(
                "{field} is {most}, less than the least, {}: the API server refuses it",
                scaler.least
            );
            found
                .add(scaler.reference.from, &path, message)
                .severity(Severity::Error)
                .fix(Fix::words("raise the maximum, or lower the minimum"));
        }
        let written = rollout.spec.replicas.map(i64::from);
        if let Some(written) = written.filter(|written| *written > most) {
            let message = format!(
                "{} has {written} replicas in Git, and the autoscaler allows {most}: it takes pods away after each sync",
                object.title()
            );
            found
                .add(scaler.reference.from, &path, message)
                .fix(Fix::words("raise the maximum"));
        }
    }
}
