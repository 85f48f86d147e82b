//! The AnalysisRun that a rollout wants (contract 03 §13).

use super::arguments::{self, Hashes};
use super::runs::Kind;
use crate::analysis::template::{Caller, gather, is_same_work, named};
use crate::api::Rollout;
use crate::api::analysis_run::AnalysisRunSpec;
use crate::api::rollout::RolloutAnalysis;
use crate::observed::{AnalysisRun, Templates};
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
    let hash = look.revisions.new_hash;
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    labels.insert(wire::HASH_LABEL.to_owned(), hash.to_owned());
    labels.insert(wire::ROLLOUT_TYPE.to_owned(), kind.word().to_owned());
    if let Kind::Step(index) = kind {
        labels.insert(wire::STEP_INDEX.to_owned(), index.to_string());
    }
    let own = look.rollout.metadata.labels.as_ref();
    if let Some(instance) = own.and_then(|labels| labels.get(wire::INSTANCE_ID)) {
        labels.insert(wire::INSTANCE_ID.to_owned(), instance.clone());
    }
    let (infix, revision) = (kind.infix(), replica_set::newest_revision(look).to_string());
    let wanted = WantedRun {
        rollout: look.rollout,
        analysis,
        templates: &look.seen.templates,
        hash,
        hashes: Hashes::of(look),
        revision: &revision,
        infix: infix.as_deref(),
        labels,
    };
    wanted.manifest()
}

/// A run that a rollout wants, and what it is made of (contract 03 §13).
#[derive(Clone, Debug)]
pub struct WantedRun<'a> {
    /// The rollout that wants it.
    pub rollout: &'a Rollout,
    /// Which templates it is made of, with which arguments.
    pub analysis: &'a RolloutAnalysis,
    /// The templates that there are.
    pub templates: &'a Templates,
    /// The pod template hash in its name.
    pub hash: &'a str,
    /// The pod template hashes that arguments ask for.
    pub hashes: Hashes<'a>,
    /// Its revision.
    pub revision: &'a str,
    /// What its name ends with; none for an analysis in the background.
    pub infix: Option<&'a str>,
    /// Its labels. Those of `analysisRunMetadata` and of the selector of the rollout are added, and win.
    pub labels: BTreeMap<String, String>,
}

impl WantedRun<'_> {
    /// The run as it is created, under the first name that it may have.
    ///
    /// # Errors
    /// Why it cannot be made: a template that is missing, an argument without a value.
    pub fn manifest(&self) -> Result<NewAnalysisRun, String> {
        let name = self.rollout.metadata.name.as_deref().unwrap_or_default();
        let parts = [Some(name), Some(self.hash), Some(self.revision), self.infix];
        let name: Vec<&str> = parts.into_iter().flatten().collect();
        let mut labels = self.labels.clone();
        let mut annotations: BTreeMap<String, String> = BTreeMap::new();
        annotations.insert(wire::REVISION.to_owned(), self.revision.to_owned());
        let spec = self.spec()?;
        if spec.metrics.iter().any(|metric| metric.compare.is_some()) {
            annotations.insert(wire::STABLE_HASH.to_owned(), self.hashes.stable.to_owned());
        }
        if let Some(metadata) = &self.analysis.analysis_run_metadata {
            labels.extend(metadata.labels.clone());
            annotations.extend(metadata.annotations.clone());
        }
        let selector = self.rollout.spec.selector.as_ref();
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

    fn spec(&self) -> Result<AnalysisRunSpec, String> {
        let args = arguments::values(&self.analysis.args, self.rollout, self.hashes)?;
        let gathered = gather(&self.analysis.templates, self.templates).map_err(|error| error.to_string())?;
        let caller = Caller {
            args: &args,
            dry_run: &self.analysis.dry_run,
            measurement_retention: &self.analysis.measurement_retention,
            canary: self.hashes.latest,
        };
        gathered.run(caller).map_err(|error| error.to_string())
    }
}
