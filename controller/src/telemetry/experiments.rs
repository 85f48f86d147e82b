//! The metrics of experiments (contract 09 §3).

use crate::store::experiments::Experiments;
use crate::telemetry::scrape::{family, sample};

/// Phases of `experiment_phase`.
const PHASES: [&str; 6] = ["Pending", "Running", "Successful", "Failed", "Error", "Inconclusive"];

/// Writes `experiment_info` and `experiment_phase`.
pub(super) fn write(text: &mut String, experiments: &Experiments) {
    let all = experiments.all();
    if all.is_empty() {
        return;
    }
    let phase = |status: &str| if status.is_empty() { "Pending" } else { status }.to_owned();
    family(text, "experiment_info", "gauge", "Information about an experiment.");
    for (key, stored) in &all {
        let phase = phase(&stored.experiment.status.phase);
        let labels = [("name", &*key.name), ("namespace", &*key.namespace), ("phase", &phase)];
        sample(text, "experiment_info", &labels, "1");
    }
    let help = "Information on the state of the experiment (deprecated: use experiment_info).";
    family(text, "experiment_phase", "gauge", help);
    for (key, stored) in &all {
        let now = phase(&stored.experiment.status.phase);
        for phase in PHASES {
            let labels = [("name", &*key.name), ("namespace", &*key.namespace), ("phase", phase)];
            sample(text, "experiment_phase", &labels, if phase == now { "1" } else { "0" });
        }
    }
}
