//! `strategy/deployment-left-behind`: a Deployment runs the same pods.

use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::pods::{is_empty, pods, selector, selects};
use crate::rules::seen::{Found, Seen};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "strategy/deployment-left-behind",
    severity: Severity::Warning,
    title: "a Deployment has pods that the rollout's selector selects too",
    page: include_str!("../../../../docs/rules/strategy.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let pods = pods(seen);
    for (_, object, rollout) in seen.rollouts() {
        let Some(rollouts) = selector(&object.value["spec"]["selector"]).filter(|selector| !is_empty(selector)) else {
            continue;
        };
        for pods in pods
            .iter()
            .filter(|pods| pods.object.kind() == "Deployment" && pods.object.group() == "apps")
        {
            let deployment = pods.object;
            let referred = rollout
                .spec
                .workload_ref
                .as_ref()
                .is_some_and(|workload| workload.name == deployment.name());
            let asleep = deployment.value["spec"]["replicas"] == 0;
            if referred || asleep || !deployment.meets(object) || !selects(&rollouts, &pods.labels) {
                continue;
            }
            let message = format!(
                "{} has pods that {} selects too: Services send users to both, and Deployment and rollout count each other's pods",
                deployment.title(),
                object.title()
            );
            let words = "remove the Deployment from the build, give it other labels, or name it in spec.workloadRef";
            found
                .add(pods.index, &at("spec.selector"), message)
                .fix(Fix::words(words));
        }
    }
}
