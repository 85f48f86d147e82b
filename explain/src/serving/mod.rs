//! Who is served by what, now.

mod routes;

use crate::case::{Case, Kind, Part, Set};
use crate::explanation::{Role, Serving};
use crate::sources::{Object, text};
use serin_core::wire::HASH_LABEL;

/// The revisions that users reach, or could: the one that most people know first.
#[must_use]
pub fn of(case: &Case<'_>) -> Vec<Serving> {
    if case.kind != Kind::Rollout {
        return Vec::new();
    }
    if case.object.at("/spec/strategy/blueGreen").is_object() {
        return blue_green(case);
    }
    canary(case)
}

fn entry(set: &Set<'_>, role: Role, weight: Option<i64>) -> Serving {
    Serving {
        revision: set.revision,
        hash: set.hash.to_owned(),
        role,
        weight,
        ready: set.ready,
        wanted: set.wanted,
    }
}

/// Where ReplicaSets could not be read, the status is all there is.
fn by_status(case: &Case<'_>, hash: &str, role: Role) -> Vec<Serving> {
    if hash.is_empty() {
        return Vec::new();
    }
    let number = |path| case.object.number(path).unwrap_or(0);
    vec![Serving {
        revision: None,
        hash: hash.to_owned(),
        role,
        weight: None,
        ready: number("/status/readyReplicas"),
        wanted: case.object.number("/spec/replicas").unwrap_or(1),
    }]
}

fn canary(case: &Case<'_>) -> Vec<Serving> {
    let stable = case.stable();
    let candidate = case.newest().filter(|set| set.part == Part::New);
    if stable.is_none() && candidate.is_none() {
        return by_status(case, case.object.text("/status/stableRS"), Role::Stable);
    }
    let lingering = case.sets.iter().filter(|set| set.part == Part::Old && set.ready > 0);
    let mut sets: Vec<(&Set<'_>, Role)> = stable.map(|set| (set, Role::Stable)).into_iter().collect();
    sets.extend(candidate.map(|set| (set, Role::Canary)));
    if routed(case) {
        let (of_stable, of_canary) = routes::weights(case);
        let weight = |role| match role {
            Role::Canary | Role::Preview => of_canary,
            Role::Stable | Role::Active => of_stable,
        };
        return sets
            .into_iter()
            .map(|(set, role)| entry(set, role, weight(role)))
            .collect();
    }
    sets.extend(lingering.map(|set| (set, Role::Canary)));
    let selector = service_of_users(case).map(|service| service.at("/spec/selector"));
    let reached: Vec<bool> = sets
        .iter()
        .map(|(set, _)| selector.is_none_or(|selector| selects(selector, set)))
        .collect();
    let ready: Vec<i64> = sets
        .iter()
        .zip(&reached)
        .map(|((set, _), reached)| if *reached { set.ready } else { 0 })
        .collect();
    let shares = shares(&ready);
    sets.into_iter()
        .zip(shares)
        .map(|((set, role), share)| entry(set, role, share))
        .collect()
}

/// A router carries the weight.
fn routed(case: &Case<'_>) -> bool {
    let routing = case.object.at("/spec/strategy/canary/trafficRouting").as_object();
    routing.is_some_and(|routing| !routing.is_empty())
}

/// The Service that users of a canary without a router use: one that selects pods of all revisions, else the stable one.
fn service_of_users<'a>(case: &Case<'a>) -> Option<&'a Object> {
    let labels = case.object.at("/spec/template/metadata/labels");
    let mut plain = case
        .index
        .of_kind("Service", case.object.namespace())
        .filter(|service| {
            let selector = service.at("/spec/selector").as_object();
            selector.is_some_and(|selector| {
                !selector.is_empty()
                    && selector
                        .iter()
                        .all(|(key, value)| labels[key] == *value && key != HASH_LABEL)
            })
        });
    let stable = case.object.text("/spec/strategy/canary/stableService");
    plain.next().or_else(|| case.sibling("Service", stable))
}

fn selects(selector: &serde_json::Value, set: &Set<'_>) -> bool {
    let labels = set.pod_labels();
    selector.as_object().is_some_and(|selector| {
        selector.iter().all(|(key, value)| {
            let own = if key == HASH_LABEL {
                set.hash
            } else {
                labels.get(key.as_str()).copied().unwrap_or_default()
            };
            own == text(value)
        })
    })
}

/// Percents of the whole that add up to 100; nobody has a share of nothing.
fn shares(parts: &[i64]) -> Vec<Option<i64>> {
    let whole: i64 = parts.iter().sum();
    if whole <= 0 {
        return parts.iter().map(|_| Some(0)).collect();
    }
    let mut shares: Vec<i64> = parts.iter().map(|part| part * 100 / whole).collect();
    let missing = 100 - shares.iter().sum::<i64>();
    // What rounding lost goes to those that lost most.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(parts[*at] * 100 % whole));
    for at in order.into_iter().take(usize::try_from(missing).unwrap_or(0)) {
        shares[at] += 1;
    }
    shares.into_iter().map(Some).collect()
}

/// The hash that a Service of blue-green selects: its own selector, where it was read, else the status.
fn selected<'a>(case: &Case<'a>, field: &str, status: &str) -> &'a str {
    let name = case.object.text(field);
    match case.sibling("Service", name) {
        Some(service) => text(&service.at("/spec/selector")[HASH_LABEL]),
        None => case.object.text(status),
    }
}

fn blue_green(case: &Case<'_>) -> Vec<Serving> {
    let active = selected(
        case,
        "/spec/strategy/blueGreen/activeService",
        "/status/blueGreen/activeSelector",
    );
    let preview = selected(
        case,
        "/spec/strategy/blueGreen/previewService",
        "/status/blueGreen/previewSelector",
    );
    if case.sets.is_empty() {
        return by_status(case, active, Role::Active);
    }
    let mut serving = Vec::new();
    if active.is_empty() {
        // The Service selects the pods of all revisions.
        let with_pods: Vec<&Set<'_>> = case
            .sets
            .iter()
            .filter(|set| set.part != Part::Experiment && set.ready > 0)
            .collect();
        let ready: Vec<i64> = with_pods.iter().map(|set| set.ready).collect();
        for (set, share) in with_pods.iter().zip(shares(&ready)) {
            let role = if set.part.is_stable() {
                Role::Active
            } else {
                Role::Preview
            };
            serving.push(entry(set, role, share));
        }
        return serving;
    }
    let find = |hash: &str| {
        case.sets
            .iter()
            .find(|set| set.hash == hash && set.part != Part::Experiment)
    };
    match find(active) {
        Some(set) => serving.push(entry(set, Role::Active, Some(if set.ready > 0 { 100 } else { 0 }))),
        None => serving.extend(by_status(case, active, Role::Active)),
    }
    let candidate = case.newest().filter(|set| set.hash != active);
    let shown = if preview.is_empty() || preview == active {
        candidate
    } else {
        find(preview)
    };
    serving.extend(shown.map(|set| entry(set, Role::Preview, Some(0))));
    serving
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        for (parts, expected) in [
            (vec![3, 1], vec![75, 25]),
            (vec![2, 1], vec![67, 33]),
            (vec![1, 1, 1], vec![34, 33, 33]),
            (vec![0, 0], vec![0, 0]),
            (vec![5], vec![100]),
        ] {
            let shares: Vec<i64> = shares(&parts).into_iter().flatten().collect();
            assert_eq!(shares, expected);
        }
    }
}
