//! The AnalysisRun that a rollout wants (contract 03 §13).

use super::arguments::{self, Hashes};
use super::runs::Kind;
use crate::analysis::template::{Caller, gather, is_same_work, named};
use crate::api::analysis_run::AnalysisRunSpec;
use crate::api::rollout::RolloutAnalysis;
use crate::observed::AnalysisRun;
use crate::plan::NewAnalysisRun;
use crate::rollout::look::Look;
use crate::rollout::replica_set;
use crate::wire;
use std::collections::BTreeMap;

/// A run that is wanted: one that is there already, or one that is to be made.
#[derive(Debug)]
pub(super) enum Made<'a> {
    /// Our own, made a moment ago: the status does not name it yet.
    Found(&'a AnalysisRun),
    /// It is to be created.
    New(Box<NewAnalysisRun>),
}

/// The run that an analysis wants now. A name that an ended run has, or one that measures something else, is passed over:
/// the next one has a number after it.
///
/// # Errors
/// Why it cannot be made: a template that is missing, an argument without a value.
pub(super) fn run<'a>(look: &Look<'a>, kind: Kind, analysis: &RolloutAnalysis) -> Result<Made<'a>, String> {
    let mut new = manifest(look, kind, analysis)?;
    let base = std::mem::take(&mut new.name);
    let mut before = 0;
    loop {
        let name = named(&base, before);
        let taken = look.seen.analysis_runs.iter().find(|run| run.name == name);
        let Some(taken) = taken else {
            new.name = name;
            return Ok(Made::New(Box::new(new)));
        };
        let ends = taken.deleting || taken.spec.terminate || taken.is_completed();
        if !taken.foreign && !ends && is_same_work(&taken.spec, &new.spec) {
            return Ok(Made::Found(taken));
        }
        before += 1;
    }
}

fn manifest(look: &Look<'_>, kind: Kind, analysis: &RolloutAnalysis) -> Result<NewAnalysisRun, String> {
    let rollout = look.rollout;
    let (hash, revision) = (look.revisions.new_hash, replica_set::newest_revision(look).to_string());
    let parts = [
        Some(look.name().to_owned()),
        Some(hash.to_owned()),
        Some(revision.clone()),
    ];
    let name: Vec<String> = parts.into_iter().chain([kind.infix()]).flatten().collect();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    labels.insert(wire::HASH_LABEL.to_owned(), hash.to_owned());
    labels.insert(wire::ROLLOUT_TYPE.to_owned(), kind.word().to_owned());
    if let Kind::Step(index) = kind {
        labels.insert(wire::STEP_INDEX.to_owned(), index.to_string());
    }
    let own = rollout.metadata.labels.as_ref();
    if let Some(instance) = own.and_then(|labels| labels.get(wire::INSTANCE_ID)) {
        labels.insert(wire::INSTANCE_ID.to_owned(), instance.clone());
    }
    let mut annotations: BTreeMap<String, String> = BTreeMap::new();
    annotations.insert(wire::REVISION.to_owned(), revision);
    let spec = spec(look, analysis)?;
    if spec.metrics.iter().any(|metric| metric.compare.is_some()) {
        annotations.insert(wire::STABLE_HASH.to_owned(), Hashes::of(look).stable.to_owned());
    }
    if let Some(metadata) = &analysis.analysis_run_metadata {
        labels.extend(metadata.labels.clone());
        annotations.extend(metadata.annotations.clone());
    }
    let selector = rollout.spec.selector.as_ref();
    labels.extend(
        selector
            .and_then(|selector| selector.match_labels.clone())
            .unwrap_or_default(),
    );
    Ok(NewAnalysisRun {
        name: name.join("-"),
        labels,
        annotations,
        spec,
    })
}

fn spec(look: &Look<'_>, analysis: &RolloutAnalysis) -> Result<AnalysisRunSpec, String> {
    let hashes = Hashes::of(look);
    let args = arguments::values(&analysis.args, look.rollout, hashes)?;
    let gathered = gather(&analysis.templates, &look.seen.templates).map_err(|error| error.to_string())?;
    let caller = Caller {
        args: &args,
        dry_run: &analysis.dry_run,
        measurement_retention: &analysis.measurement_retention,
        canary: hashes.latest,
    };
    gathered.run(caller).map_err(|error| error.to_string())
}
