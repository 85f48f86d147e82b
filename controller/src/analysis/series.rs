//! Metrics of runs (contract 09 §3).

use crate::store::key::Key;
use crate::store::runs::{Runs, StoredRun};
use crate::telemetry::reconciles::Reconciles;
use crate::telemetry::scrape::{family, sample};
use serin_core::analysis::provider;
use serin_core::analysis::run as rules;
use std::sync::Arc;

/// Phases that a metric is shown in.
const PHASES: [&str; 6] = ["Pending", "Running", "Successful", "Failed", "Error", "Inconclusive"];

/// Those of their reconciles.
pub(super) fn reconciles() -> Reconciles {
    let help = [
        "Analysis run reconciliation performance.",
        "Errors while reconciling an analysis run.",
    ];
    Reconciles::new("analysis_run_reconcile", help)
}

/// Writes those of their phases.
pub(super) fn write(text: &mut String, runs: &Runs) {
    let all = runs.all();
    if !all.is_empty() {
        write_runs(text, &all);
        write_metrics(text, &all);
    }
}

fn write_runs(text: &mut String, all: &[(Key, Arc<StoredRun>)]) {
    family(text, "analysis_run_info", "gauge", "Information about an analysis run.");
    for (key, stored) in all {
        let phase = stored.run.status.phase.as_str();
        let labels = [("name", &*key.name), ("namespace", &*key.namespace), ("phase", phase)];
        sample(text, "analysis_run_info", &labels, "1");
    }
    family(
        text,
        "analysis_run_phase",
        "gauge",
        "Deprecated: use analysis_run_info.",
    );
    for (key, stored) in all {
        for phase in PHASES {
            let labels = [("name", &*key.name), ("namespace", &*key.namespace), ("phase", phase)];
            let now = is(&stored.run.status.phase, phase);
            sample(text, "analysis_run_phase", &labels, if now { "1" } else { "0" });
        }
    }
}

fn write_metrics(text: &mut String, all: &[(Key, Arc<StoredRun>)]) {
    let (types, phases) = ("analysis_run_metric_type", "analysis_run_metric_phase");
    let mut of_phases = String::new();
    family(text, types, "gauge", "The provider of a metric of an analysis run.");
    family(
        &mut of_phases,
        phases,
        "gauge",
        "The phase of a metric of an analysis run.",
    );
    for (key, stored) in all {
        let (spec, results) = (&stored.run.spec, &stored.run.status.metric_results);
        let dry_run = rules::dry_run(&spec.dry_run, &spec.metrics).unwrap_or_default();
        for metric in &spec.metrics {
            let (name, kind) = (&*metric.name, provider::name(metric));
            let (named, namespace) = (("name", &*key.name), ("namespace", &*key.namespace));
            let labels = [("metric", name), named, namespace, ("type", kind)];
            sample(text, types, &labels, "1");
            let result = results.iter().find(|result| result.name == name);
            let of = result.map_or("", |result| result.phase.as_str());
            let dry = if dry_run.contains(name) { "true" } else { "false" };
            for phase in PHASES {
                let now = if is(of, phase) { "1" } else { "0" };
                let labels = [
                    ("dry_run", dry),
                    ("metric", name),
                    named,
                    namespace,
                    ("phase", phase),
                    ("type", kind),
                ];
                sample(&mut of_phases, phases, &labels, now);
            }
        }
    }
    text.push_str(&of_phases);
}

/// Without a phase it is Pending.
fn is(phase: &str, shown: &str) -> bool {
    phase == shown || (phase.is_empty() && shown == "Pending")
}
