//! `strategy/shared-service`: two rollouts on one Service.

use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};
use serin_core::meaning::services;
use std::collections::BTreeMap;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "strategy/shared-service",
    severity: Severity::Error,
    title: "two rollouts manage one Service",
    page: include_str!("../../../../docs/rules/strategy.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let mut users: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let rollouts: Vec<_> = seen.rollouts().collect();
    for (index, object, rollout) in &rollouts {
        for (field, name) in services(&rollout.spec.strategy) {
            let others = users.entry(name).or_default();
            let other = others
                .iter()
                .map(|other| &seen.build.objects[*other])
                .find(|other| other.name() != object.name() && other.meets(object));
            if let Some(other) = other {
                let message = format!(
                    "{field} is {name:?}, which {} manages too: the two take the selector from each other",
                    other.title()
                );
                let words = "give each rollout Services of its own";
                found.add(*index, &at(field), message).fix(Fix::words(words));
            }
            others.push(*index);
        }
    }
    managed_by_others(seen, found);
}

/// The annotation of a Service names another rollout (contract 01 §9).
fn managed_by_others(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (_, object, rollout) in seen.rollouts() {
        for (_, name) in services(&rollout.spec.strategy) {
            let service = seen
                .objects()
                .find(|(_, other)| other.kind() == "Service" && other.name() == name && other.meets(object));
            let Some((index, service)) = service else { continue };
            let key = serin_core::wire::MANAGED_BY;
            let manager = service.value["metadata"]["annotations"][key].as_str();
            if let Some(manager) = manager.filter(|manager| *manager != object.name()) {
                let message = format!("Service {name:?} is managed by another Rollout, {manager:?}");
                let path = at("metadata.annotations").key(key);
                found
                    .add(index, &path, message)
                    .fix(Fix::words("remove the annotation: the controller sets it"));
            }
        }
    }
}
