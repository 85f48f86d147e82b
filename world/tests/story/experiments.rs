//! Experiments: whether they are served, and what became of them.

use super::Why;
use super::stage::Stage;
use serin_world::experiments::{Experiments, Trial};

/// Carries out one line about experiments; none if it is about something else.
pub fn act(stage: &mut Stage, text: &str) -> Option<Result<(), Why>> {
    if text == "the controller serves experiments" {
        stage.world.experiments = Some(Experiments::default());
        return Some(Ok(()));
    }
    let template = text.strip_prefix("the experiment's pods of ")?.strip_suffix(" fail")?;
    let failed = stage.world.fail_trial_pods(template);
    Some(failed.then_some(()).ok_or_else(|| Why::Otherwise {
        expected: template.to_owned(),
        actual: "no such template".to_owned(),
    }))
}

fn all(stage: &Stage) -> &[Trial] {
    stage.world.experiments.as_ref().map_or(&[], |of| &of.all)
}

fn compare(expected: &str, actual: &[String]) -> Result<(), Why> {
    let actual = if actual.is_empty() {
        "none".to_owned()
    } else {
        actual.join(", ")
    };
    if expected == actual {
        return Ok(());
    }
    let expected = expected.to_owned();
    Err(Why::Otherwise { expected, actual })
}

/// `experiments web-<r2>-2-1 Running`, `experiments none`: oldest first.
pub fn check(stage: &Stage, expected: &str) -> Result<(), Why> {
    let shown = all(stage)
        .iter()
        .map(|trial| format!("{} {}", trial.name(), trial.object.status.phase));
    compare(&stage.with_hashes(expected), &shown.collect::<Vec<_>>())
}

/// `experiment pods canary 1/1, base 0/1`: available and wanted, of the newest.
pub fn check_pods(stage: &Stage, expected: &str) -> Result<(), Why> {
    let newest = all(stage).last();
    let shown = newest
        .into_iter()
        .flat_map(|trial| &trial.sets)
        .map(|(template, set, pods)| {
            let ready = pods
                .iter()
                .filter(|ready| ready.is_some_and(|at| at <= stage.world.now));
            format!("{template} {}/{}", ready.count(), set.replicas)
        });
    compare(expected, &shown.collect::<Vec<_>>())
}
