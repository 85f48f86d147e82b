//! The runs of the analyses of an experiment: which are made, followed, and asked to end (contract 05 §8).

use super::look::{Look, ends_at, run_status};
use super::observed::Observed;
use crate::analysis::arguments::{ArgumentError, substituted};
use crate::analysis::template::{Caller, gather, named};
use crate::api::Time;
use crate::api::analysis::AnalysisTemplateRef;
use crate::api::analysis_run::AnalysisRunSpec;
use crate::api::analysis_template::Argument;
use crate::api::experiment::{ExperimentAnalysis, ExperimentAnalysisRunStatus};
use crate::observed::{AnalysisRun, Attempt, Kind, Verb};
use crate::plan::draft::Draft;
use crate::plan::{Action, After, AnalysisRunAction, ExperimentNews, NewAnalysisRun, News, Target};
use crate::rollout::look::stamp;
use crate::wire::analysis::Phase;
use crate::wire::{HASH_LABEL, INSTANCE_ID};
use std::collections::BTreeMap;

/// Makes, follows or ends the run of an analysis; gives its state to record.
pub(super) fn reconcile(
    look: &Look<'_>,
    analysis: &ExperimentAnalysis,
    actions: &mut Vec<Action>,
    draft: &mut Draft,
) -> ExperimentAnalysisRunStatus {
    let old = run_status(look.status(), &analysis.name).cloned();
    let old = old.unwrap_or_else(|| ExperimentAnalysisRunStatus {
        name: analysis.name.clone(),
        ..ExperimentAnalysisRunStatus::default()
    });
    let mut next = old.clone();
    let ended = Phase::of(&old.phase).is_completed();
    if !old.analysis_run.is_empty() {
        follow(look, &mut next, ended, actions, draft);
    } else if ended || look.is_finished() {
        // It was never made, and is no longer needed.
    } else if look.status().available_at.is_none() {
        if let Some(message) = missing_template(look, analysis) {
            set(&mut next, Phase::Error, message);
        }
    } else if !look.terminating {
        begin(look, analysis, &mut next, actions);
    }
    tell(look, &old, &next, draft);
    next
}

fn set(next: &mut ExperimentAnalysisRunStatus, phase: Phase, message: String) {
    phase.as_str().clone_into(&mut next.phase);
    next.message = message;
}

/// Why the template of an analysis cannot be what it is run from, before there are pods to run it on.
fn missing_template(look: &Look<'_>, analysis: &ExperimentAnalysis) -> Option<String> {
    let (name, templates) = (&analysis.template_name, &look.seen.templates);
    let (there, kind, resource) = if analysis.cluster_scope {
        let there = templates.cluster.contains_key(name);
        (there, "ClusterAnalysisTemplate", "clusteranalysistemplate")
    } else {
        (
            templates.namespaced.contains_key(name),
            "AnalysisTemplate",
            "analysistemplate",
        )
    };
    let analysis = &analysis.name;
    (!there).then(|| {
        format!("{kind} verification failed for analysis '{analysis}': {resource}.argoproj.io \"{name}\" not found")
    })
}

/// Makes the run, or takes the one that was made a moment ago.
///
/// Within one experiment an analysis has one run: one of the experiment's own that has its name is that one, even if it has
/// ended meanwhile. Only a name that others have is passed over.
fn begin(
    look: &Look<'_>,
    analysis: &ExperimentAnalysis,
    next: &mut ExperimentAnalysisRunStatus,
    actions: &mut Vec<Action>,
) {
    let failed = |why: &str| format!("Failed to create AnalysisRun for analysis '{}': {why}", analysis.name);
    let base = format!("{}-{}", look.name(), analysis.name);
    let mut before = 0;
    let name = loop {
        let name = named(&base, before);
        match look.seen.analysis_runs.iter().find(|run| run.name == name) {
            Some(run) if !run.foreign && !run.deleting => {
                next.analysis_run = name;
                return set(next, Phase::Pending, String::new());
            }
            Some(_) => before += 1,
            None => break name,
        }
    };
    if let Some(refused) = look.refused()
        && refused.attempt == Attempt::new(Verb::Create, Kind::AnalysisRun, &name)
    {
        return set(next, Phase::Error, failed(&refused.message));
    }
    match manifest(look, analysis, &name) {
        Ok(new) => {
            actions.push(AnalysisRunAction::Create(Box::new(new)).into());
            next.analysis_run = name;
            set(next, Phase::Pending, String::new());
        }
        Err(why) => set(next, Phase::Error, failed(&why)),
    }
}

fn manifest(look: &Look<'_>, analysis: &ExperimentAnalysis, name: &str) -> Result<NewAnalysisRun, String> {
    let metadata = &look.spec().analysis_run_metadata;
    let own = look.experiment.metadata.labels.as_ref();
    let instance = own.and_then(|labels| labels.get(INSTANCE_ID));
    let instance = instance.map(|instance| (INSTANCE_ID.to_owned(), instance.clone()));
    Ok(NewAnalysisRun {
        name: name.to_owned(),
        labels: instance.into_iter().chain(metadata.labels.clone()).collect(),
        annotations: metadata.annotations.clone(),
        spec: spec(look, analysis)?,
    })
}

fn spec(look: &Look<'_>, analysis: &ExperimentAnalysis) -> Result<AnalysisRunSpec, String> {
    let reference = AnalysisTemplateRef {
        template_name: analysis.template_name.clone(),
        cluster_scope: analysis.cluster_scope.then_some(true),
    };
    let args = arguments(look, &analysis.args)?;
    let gathered = gather(&[reference], &look.seen.templates).map_err(|error| error.to_string())?;
    let caller = Caller {
        args: &args,
        dry_run: &look.spec().dry_run,
        measurement_retention: &look.spec().measurement_retention,
        ..Caller::default()
    };
    gathered.run(caller).map_err(|error| error.to_string())
}

/// The arguments with what they ask of the experiment filled in. One without a value has none.
fn arguments(look: &Look<'_>, written: &[Argument]) -> Result<Vec<Argument>, String> {
    let known = known(look.seen);
    let argument = |written: &Argument| {
        let value = written.value.as_ref().map(|value| substituted(value, &known));
        Ok(Argument {
            name: written.name.clone(),
            value: value.transpose().map_err(|error| error.to_string())?,
            value_from: None,
        })
    };
    written.iter().map(argument).collect()
}

/// The value of an argument of an analysis, with what it asks of the experiment filled in (contract 05 §8).
///
/// # Errors
/// A placeholder that names nothing that is known; a bracket that is never closed.
pub fn argument(seen: &Observed, template: &str) -> Result<String, ArgumentError> {
    substituted(template, &known(seen))
}

/// What arguments may ask for, by the name between the brackets.
fn known(seen: &Observed) -> BTreeMap<String, String> {
    let experiment = &seen.experiment;
    let second = |Time(at): &Time| stamp(*at).0.to_string();
    let begins = experiment.status.available_at.as_ref().map(second);
    let ends = ends_at(experiment).map(|at| second(&Time(at)));
    let times = [("experiment.availableAt", begins), ("experiment.finishedAt", ends)];
    let times = times.into_iter().filter_map(|(name, at)| Some((name.to_owned(), at?)));
    let mut known: BTreeMap<String, String> = times.collect();
    let own_name = experiment.metadata.name.as_deref().unwrap_or_default();
    for template in &experiment.spec.templates {
        let name = &template.name;
        let Some(set) = super::replica_set::find(seen, own_name, name) else {
            continue;
        };
        let hash = set.labels.get(HASH_LABEL).cloned().unwrap_or_default();
        known.insert(format!("templates.{name}.podTemplateHash"), hash);
        known.insert(format!("templates.{name}.replicaset.name"), set.name.clone());
    }
    known
}

/// Takes over what a run says, until the experiment has ended, and asks it to end where the experiment is to.
fn follow(
    look: &Look<'_>,
    next: &mut ExperimentAnalysisRunStatus,
    ended: bool,
    actions: &mut Vec<Action>,
    draft: &mut Draft,
) {
    let run = look
        .seen
        .analysis_runs
        .iter()
        .find(|run| run.name == next.analysis_run && !run.foreign);
    if ended {
        return;
    }
    let Some(run) = run else {
        if !look.is_finished() {
            let message = format!("analysisruns.argoproj.io \"{}\" not found", next.analysis_run);
            set(next, Phase::Error, message);
        }
        return;
    };
    let ends = run.is_completed() || run.spec.terminate || run.deleting;
    if look.terminating && !ends && !terminate(look, run, next, actions, draft) {
        return;
    }
    if run.phase != Phase::Unset && !look.is_finished() {
        set(next, run.phase, run.message.clone());
    }
}

/// Asks a run to end; false where that is refused, which ends the analysis.
fn terminate(
    look: &Look<'_>,
    run: &AnalysisRun,
    next: &mut ExperimentAnalysisRunStatus,
    actions: &mut Vec<Action>,
    draft: &mut Draft,
) -> bool {
    if let Some(refused) = look.refused()
        && refused.attempt == Attempt::new(Verb::Patch, Kind::AnalysisRun, &run.name)
    {
        if !look.is_finished() {
            set(next, Phase::Error, refused.message.clone());
        }
        return false;
    }
    let target = Target {
        name: run.name.clone(),
        uid: run.uid.clone(),
        resource_version: run.resource_version.clone(),
    };
    actions.push(AnalysisRunAction::Terminate(target).into());
    let news = ExperimentNews::Terminating {
        analysis: next.name.clone(),
        run: run.name.clone(),
    };
    draft.tell(News::Experiment(news), After::Action(actions.len() - 1));
    true
}

/// Tells of another phase, the rollout that owns the experiment, too.
fn tell(look: &Look<'_>, old: &ExperimentAnalysisRunStatus, next: &ExperimentAnalysisRunStatus, draft: &mut Draft) {
    let to = Phase::of(&next.phase);
    if to == Phase::Unset || next.phase == old.phase {
        return;
    }
    let news = |of_rollout| ExperimentNews::AnalysisRun {
        analysis: next.name.clone(),
        from: old.phase.clone(),
        to,
        message: next.message.clone(),
        of_rollout,
    };
    draft.tell(News::Experiment(news(false)), After::Status);
    let owners = look.experiment.metadata.owner_references.as_ref();
    if owners.is_some_and(|owners| owners.iter().any(|owner| owner.kind == "Rollout")) {
        draft.tell(News::Experiment(news(true)), After::Status);
    }
}
