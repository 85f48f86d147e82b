//! Metrics that are read off the stores at each scrape (contract 09 §3).
//!
//! Written as text at once: as registered series, those of thousands of rollouts would weigh more than the rollouts.

use crate::queue::QueueCounts;
use crate::store::decode::StoredRollout;
use crate::store::{Key, Rollouts};
use serin_core::api::Rollout;
use serin_core::wire::condition;
use std::sync::Arc;

/// One series per rollout and name; see [`phase`].
const PHASES: [&str; 6] = ["Completed", "Progressing", "Paused", "Timeout", "Error", "Abort"];

/// Writes `workqueue_*` of all queues.
pub(crate) fn queues(text: &mut String, queues: &[(&str, QueueCounts)]) {
    let mut one = |metric: &str, kind: &str, help: &str, value: fn(&QueueCounts) -> String| {
        family(text, metric, kind, help);
        for (name, counts) in queues {
            sample(text, metric, &[("name", name)], &value(counts));
        }
    };
    let (waits, adds) = ("Items that wait for a worker.", "Items ever added.");
    one("workqueue_depth", "gauge", waits, |counts| counts.depth.to_string());
    one("workqueue_adds_total", "counter", adds, |counts| {
        counts.adds.to_string()
    });
    one("workqueue_retries_total", "counter", "Items tried again.", |counts| {
        counts.retries.to_string()
    });
    let help = "Seconds that the items under way have taken so far.";
    one("workqueue_unfinished_work_seconds", "gauge", help, |counts| {
        counts.unfinished.as_secs_f64().to_string()
    });
    let help = "Seconds that the longest of them has taken so far.";
    one("workqueue_longest_running_processor_seconds", "gauge", help, |counts| {
        counts.longest.as_secs_f64().to_string()
    });
}

/// How many entries a collection holds, and what it is called.
pub(crate) type Entries = (&'static str, usize);

/// Writes what the controller keeps: none of it grows with rollouts that come and go.
pub(crate) fn entries<'e>(text: &mut String, all: impl Iterator<Item = &'e Entries>) {
    let metric = "serin_entries";
    family(text, metric, "gauge", "Entries that the controller keeps in memory.");
    for (of, count) in all {
        sample(text, metric, &[("of", of)], &count.to_string());
    }
}

/// Writes `rollout_*`.
pub(crate) fn rollouts(text: &mut String, rollouts: &Rollouts) {
    let all = rollouts.all();
    if all.is_empty() {
        return;
    }
    family(text, "rollout_info", "gauge", "Information about a rollout.");
    for (key, stored) in &all {
        let rollout = &stored.rollout;
        let labels = [
            ("name", &*key.name),
            ("namespace", &*key.namespace),
            ("phase", phase(rollout)),
            ("strategy", strategy(rollout)),
            ("traffic_router", traffic_router(rollout)),
        ];
        sample(text, "rollout_info", &labels, "1");
    }
    let mut size = |which: &str, help: &str, size: fn(&Rollout) -> i32| {
        let metric = format!("rollout_info_replicas_{which}");
        family(text, &metric, "gauge", help);
        for (key, stored) in &all {
            let labels = [("name", &*key.name), ("namespace", &*key.namespace)];
            sample(text, &metric, &labels, &size(&stored.rollout).to_string());
        }
    };
    size("available", "Available pods.", |rollout| {
        rollout.status.available_replicas
    });
    size("unavailable", "Pods that are not available.", |rollout| {
        rollout
            .status
            .replicas
            .saturating_sub(rollout.status.available_replicas)
    });
    size("desired", "Pods wanted.", |rollout| rollout.spec.replicas.unwrap_or(1));
    size("updated", "Pods of the newest revision.", |rollout| {
        rollout.status.updated_replicas
    });
    leaves(text, &all);
    family(text, "rollout_phase", "gauge", "Deprecated: use rollout_info.");
    for (key, stored) in &all {
        let now = phase(&stored.rollout);
        for one in PHASES {
            let labels = [
                ("name", &*key.name),
                ("namespace", &*key.namespace),
                ("phase", one),
                ("strategy", strategy(&stored.rollout)),
            ];
            sample(text, "rollout_phase", &labels, if one == now { "1" } else { "0" });
        }
    }
}

/// Leaves of pod templates that do not decode and are therefore not in the ReplicaSet (decision 7); of rollouts that have any.
fn leaves(text: &mut String, all: &[(Key, Arc<StoredRollout>)]) {
    let count = |stored: &StoredRollout| stored.identity.get().map_or(0, |it| it.undecodable.len());
    let mut some = all.iter().filter(|(_, stored)| count(stored) > 0).peekable();
    if some.peek().is_none() {
        return;
    }
    let metric = "serin_undecodable_leaves";
    family(
        text,
        metric,
        "gauge",
        "Leaves of the pod template that do not decode and are left out.",
    );
    for (key, stored) in some {
        let labels = [("name", &*key.name), ("namespace", &*key.namespace)];
        sample(text, metric, &labels, &count(stored).to_string());
    }
}

/// The lines before the samples of a metric.
pub(crate) fn family(text: &mut String, metric: &str, kind: &str, help: &str) {
    for part in ["# HELP ", metric, " ", help, "\n# TYPE ", metric, " ", kind, "\n"] {
        text.push_str(part);
    }
}

/// One sample, with the values of its labels escaped as the text format wants it.
pub(crate) fn sample(text: &mut String, metric: &str, labels: &[(&str, &str)], value: &str) {
    text.push_str(metric);
    let mut before = "{";
    for (label, value) in labels {
        for part in [before, label, "=\""] {
            text.push_str(part);
        }
        escape(text, value);
        text.push('"');
        before = ",";
    }
    for part in ["} ", value, "\n"] {
        text.push_str(part);
    }
}

fn escape(text: &mut String, value: &str) {
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            plain => text.push(plain),
        }
    }
}

fn strategy(rollout: &Rollout) -> &'static str {
    let strategy = &rollout.spec.strategy;
    match (&strategy.blue_green, &strategy.canary) {
        (Some(_), _) => "blueGreen",
        (None, Some(_)) => "canary",
        (None, None) => "none",
    }
}

/// The last that is set, in this order (contract 09 §3).
fn traffic_router(rollout: &Rollout) -> &'static str {
    let canary = rollout.spec.strategy.canary.as_ref();
    let Some(routing) = canary.and_then(|canary| canary.traffic_routing.as_ref()) else {
        return "";
    };
    let routers = [
        ("ALB", routing.alb.is_some()),
        ("Ambassador", routing.ambassador.is_some()),
        ("Istio", routing.istio.is_some()),
        ("Nginx", routing.nginx.is_some()),
        ("SMI", routing.smi.is_some()),
        ("AppMesh", routing.app_mesh.is_some()),
    ];
    routers.iter().rev().find(|(_, set)| *set).map_or("", |(name, _)| name)
}

/// From the conditions, not from `status.phase` (contract 09 §3).
fn phase(rollout: &Rollout) -> &'static str {
    let mut phase = "Progressing";
    for one in &rollout.status.conditions {
        if one.r#type == condition::INVALID_SPEC {
            return "InvalidSpec";
        }
        if one.r#type == condition::PROGRESSING {
            phase = match one.reason.as_str() {
                condition::NEW_REPLICA_SET_AVAILABLE => "Completed",
                condition::ROLLOUT_PAUSED => "Paused",
                condition::REPLICA_SET_CREATE_ERROR => "Error",
                condition::PROGRESS_DEADLINE_EXCEEDED => "Timeout",
                condition::ROLLOUT_ABORTED => "Abort",
                _ => "Progressing",
            };
        }
    }
    phase
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_label_cannot_end_it() {
        let mut text = String::new();
        sample(&mut text, "m", &[("a", "x\"} 1\nm{a=\"y"), ("b", "\\")], "2");
        let escaped = r#"m{a="x\"} 1\nm{a=\"y",b="\\"} 2"#;
        assert_eq!(text, format!("{escaped}\n"));
    }
}
