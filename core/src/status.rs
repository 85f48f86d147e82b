//! The status of a canary, built anew at each look from what was seen and written (contract 02 §7).

use crate::api::LabelSelector;
use crate::api::rollout::RolloutStatus;
use crate::course::Course;
use crate::look::{Change, Look};
use crate::observed::ReplicaSet;
use crate::plan::{StatusWrite, Urgency};
use crate::wire::condition;
use serde_json::{Map, Value, json};

/// Pods counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Of all ReplicaSets.
    pub(crate) replicas: i32,
    /// Of the newest revision.
    pub(crate) updated: i32,
    /// Ready, of the ReplicaSets that count.
    pub(crate) ready: i32,
    /// Available, of the ReplicaSets that count.
    pub(crate) available: i32,
}

impl Counts {
    /// Over all ReplicaSets.
    pub(crate) fn of_all(look: &Look<'_>) -> Self {
        let sum = |count: fn(&ReplicaSet) -> i32| look.revisions.all().map(count).sum::<i32>();
        Self {
            replicas: sum(|set| set.current_replicas),
            updated: look.revisions.new.map_or(0, |set| set.current_replicas),
            ready: sum(|set| set.ready_replicas),
            available: sum(|set| set.available_replicas),
        }
    }

    /// Something moved since the recorded status (contract 02 §8, `RolloutProgressing`, the part of every strategy).
    pub(crate) fn progressed(self, old: &RolloutStatus) -> bool {
        self.updated != old.updated_replicas
            || self.replicas - self.updated < old.replicas - old.updated_replicas
            || self.ready > old.ready_replicas
            || self.available > old.available_replicas
    }
}

/// The fields that come from counting and from the course; conditions, phase and duration come later.
pub(crate) fn base(look: &Look<'_>, course: &Course, counts: Counts) -> RolloutStatus {
    let old = &look.rollout.status;
    RolloutStatus {
        abort: course.abort.is_some(),
        aborted_at: course.abort.as_ref().map(|abort| abort.at.clone()),
        pause_conditions: course.pauses.clone(),
        controller_pause: course.controller_pause,
        current_pod_hash: look.revisions.new_hash.to_owned(),
        current_step_hash: look.seen.identity.step_hash.clone(),
        current_step_index: course.index.and_then(|index| i32::try_from(index).ok()),
        replicas: counts.replicas,
        updated_replicas: counts.updated,
        ready_replicas: counts.ready,
        available_replicas: counts.available,
        hpa_replicas: counts.replicas,
        selector: look
            .rollout
            .spec
            .selector
            .as_ref()
            .map(format_selector)
            .unwrap_or_default(),
        collision_count: old.collision_count,
        observed_generation: look.rollout.metadata.generation.unwrap_or(0).to_string(),
        conditions: old.conditions.clone(),
        stable_rs: course.stable.clone(),
        // A new template counts as restarted: its pods are new anyway (contract 05 §4).
        restarted_at: match look.change {
            Change::Nothing if look.restart.done => look.rollout.spec.restart_at.clone(),
            Change::Nothing => old.restarted_at.clone(),
            Change::First | Change::Template | Change::Steps => look.rollout.spec.restart_at.clone(),
        },
        promote_full: course.promote_full,
        duration: old.duration.clone(),
        alb: old.alb.clone(),
        albs: old.albs.clone(),
        ..RolloutStatus::default()
    }
}

/// A selector as kubectl prints it: sorted by key, `k=v`, `k in (a,b)`, `k notin (a)`, `k`, `!k`.
pub(crate) fn format_selector(selector: &LabelSelector) -> String {
    let labels = selector
        .match_labels
        .iter()
        .flatten()
        .map(|(key, value)| (key.clone(), format!("{key}={value}")));
    let expressions = selector.match_expressions.iter().flatten().map(|requirement| {
        let key = &requirement.key;
        let mut values = requirement.values.clone().unwrap_or_default();
        values.sort();
        let values = values.join(",");
        let text = match requirement.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        };
        (key.clone(), text)
    });
    let mut parts: Vec<(String, String)> = labels.chain(expressions).collect();
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

/// The merge patch from the recorded status to `next`; none where they are equal.
///
/// Typed status on both sides: a stored `false` equals absent and is left alone (contract 11 A1), and so are fields
/// that only another version knows.
pub(crate) fn write(old: &RolloutStatus, next: &RolloutStatus) -> Option<StatusWrite> {
    if old == next {
        return None;
    }
    let (before, after) = (to_map(old), to_map(next));
    let patch = diff(&before, &after)?;
    let urgency = if only_counters(old, next) {
        Urgency::Counters
    } else {
        Urgency::Now
    };
    Some(StatusWrite {
        patch: json!({ "status": patch }),
        urgency,
    })
}

fn to_map(status: &RolloutStatus) -> Map<String, Value> {
    match serde_json::to_value(status) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => Map::new(),
    }
}

fn diff(before: &Map<String, Value>, after: &Map<String, Value>) -> Option<Value> {
    let mut patch = Map::new();
    for (key, value) in after {
        let change = match (before.get(key), value) {
            (Some(old), new) if old == new => None,
            (Some(Value::Object(old)), Value::Object(new)) => diff(old, new),
            (Some(_) | None, new) => Some(new.clone()),
        };
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// Nothing but counters differs, and the time of the last progress that goes with them (decision 28).
fn only_counters(old: &RolloutStatus, next: &RolloutStatus) -> bool {
    let mut same = next.clone();
    same.replicas = old.replicas;
    same.updated_replicas = old.updated_replicas;
    same.ready_replicas = old.ready_replicas;
    same.available_replicas = old.available_replicas;
    same.hpa_replicas = old.hpa_replicas;
    same.message.clone_from(&old.message);
    let progressing = |status: &RolloutStatus| {
        status
            .conditions
            .iter()
            .filter(|found| found.r#type != condition::PROGRESSING)
            .cloned()
            .collect::<Vec<_>>()
    };
    let reason = |status: &RolloutStatus| {
        let found = crate::conditions::get(status, condition::PROGRESSING);
        found.map(|found| (found.status.clone(), found.reason.clone()))
    };
    if reason(old) != reason(next) || progressing(old) != progressing(next) {
        return false;
    }
    same.conditions.clone_from(&old.conditions);
    same == *old
}
