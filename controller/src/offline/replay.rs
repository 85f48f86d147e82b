//! `serin-controller replay`: decides again on a snapshot that `--dump-observed` wrote (decision 33).

use crate::telemetry::dump::Decision;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serin_core::analysis::run;
use serin_core::observed::Kind;
use serin_core::{decide, experiment};
use std::io;
use std::path::Path;

/// Decides again on a file that `--dump-observed` wrote, and returns the plan as JSON. A file without a kind is of a
/// rollout: earlier versions dumped nothing else.
///
/// # Errors
/// If the file cannot be read or holds something else.
pub(crate) fn replay(file: &Path) -> io::Result<String> {
    let written: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let kind = written["kind"].as_str().unwrap_or(Kind::Rollout.as_str()).to_owned();
    match kind.as_str() {
        of if of == Kind::Rollout.as_str() => again(written, decide),
        of if of == Kind::AnalysisRun.as_str() => again(written, run::decide),
        of if of == Kind::Experiment.as_str() => again(written, experiment::decide),
        other => Err(io::Error::other(format!(
            "kind {other:?}: only decisions on a Rollout, an AnalysisRun or an Experiment can be replayed"
        ))),
    }
}

fn again<O: DeserializeOwned, P: Serialize>(written: Value, decide: fn(&O, Timestamp) -> P) -> io::Result<String> {
    let decision: Decision<O> = serde_json::from_value(written)?;
    Ok(serde_json::to_string_pretty(&decide(&decision.observed, decision.now))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::store::Key;
    use crate::telemetry::dump::Dump;
    use serin_core::{Observed, Plan};

    #[test]
    fn a_dump_is_decided_again() {
        let folder = std::env::temp_dir().join(format!("serin-replayed-{}", std::process::id()));
        let mut observed = Observed::default();
        observed.rollout.spec.replicas = Some(3);
        let (key, now) = (Key::new("n", "a"), Timestamp::UNIX_EPOCH);
        Dump::new(folder.clone()).write(Kind::Rollout, &key, now, &observed, &Plan::default());
        let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        let plan: Plan = serde_json::from_str(&replay(&file).unwrap()).unwrap();
        assert_eq!(plan, decide(&observed, now));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn runs_and_experiments_are_decided_again() {
        let folder = std::env::temp_dir().join(format!("serin-replayed-others-{}", std::process::id()));
        let (key, now) = (Key::new("n", "a"), Timestamp::UNIX_EPOCH);
        let files = || {
            let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            files.collect::<std::collections::BTreeSet<_>>()
        };
        let dump = Dump::new(folder.clone());
        let mut of_run = run::Observed::default();
        of_run.run.metadata.name = Some("a".into());
        let plan = run::decide(&of_run, now);
        assert!(plan.status.is_some());
        dump.write(Kind::AnalysisRun, &key, now, &of_run, &plan);
        let first = files().into_iter().next().unwrap();
        assert_eq!(
            serde_json::from_str::<run::Plan>(&replay(&first).unwrap()).unwrap(),
            plan
        );
        let mut of_experiment = experiment::Observed::default();
        of_experiment.experiment.spec.duration = "soon".into();
        let plan = experiment::decide(&of_experiment, now);
        dump.write(Kind::Experiment, &key, now, &of_experiment, &plan);
        let second = files().into_iter().find(|file| *file != first).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&replay(&second).unwrap()).unwrap(), plan);
        assert_eq!(dump.len(), 2);
        dump.forget(Kind::Experiment, &key);
        assert_eq!(dump.len(), 1);
        let text = std::fs::read_to_string(&second)
            .unwrap()
            .replace("\"Experiment\"", "\"Pod\"");
        std::fs::write(&second, text).unwrap();
        assert!(replay(&second).unwrap_err().to_string().contains("kind \"Pod\""));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
