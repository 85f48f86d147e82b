//! The experiment that a step wants (contract 03 §12).

use super::Slot;
use crate::api::PodTemplate;
use crate::api::experiment::{ExperimentAnalysis, ExperimentSpec, TemplateSpec};
use crate::api::rollout::{ExperimentStep, ExperimentStepAnalysis, ExperimentStepTemplate, TemplateService};
use crate::observed::{Experiment, ReplicaSet, SetTemplate};
use crate::plan::NewExperiment;
use crate::rollout::analysis::arguments::{self, Hashes};
use crate::rollout::look::Look;
use crate::rollout::replica_set;
use crate::wire;
use serde_json::{Value, json};

/// The experiment of a step: our own that was made a moment ago, or one to be created; none while a ReplicaSet that it is
/// made from is not there. A name that an ended experiment has, or somebody else's, is passed over: the next one has a number
/// after it.
///
/// # Errors
/// Why it cannot be made: a reference to another revision, an argument without a value.
pub(super) fn experiment<'a>(look: &Look<'a>, index: usize, step: &ExperimentStep) -> Result<Slot<'a>, String> {
    let revision = replica_set::newest_revision(look).to_string();
    let base = format!("{}-{}-{revision}-{index}", look.name(), look.revisions.new_hash);
    let counts = |of: &Experiment| !of.foreign && !of.deleting && !of.terminate && !of.phase.is_completed();
    let mut before = 0;
    let name = loop {
        let name = match before {
            0 => base.clone(),
            before => format!("{base}-{before}"),
        };
        match look.seen.experiments().iter().find(|of| of.name == name) {
            Some(of) if counts(of) => return Ok(Slot::Found(of)),
            Some(_) => before += 1,
            None => break name,
        }
    };
    let Some(spec) = spec(look, step)? else {
        return Ok(Slot::Empty);
    };
    let mut labels = look.rollout.metadata.labels.clone().unwrap_or_default();
    labels.insert(wire::HASH_LABEL.to_owned(), look.revisions.new_hash.to_owned());
    Ok(Slot::New(Box::new(NewExperiment {
        name,
        labels,
        annotations: [(wire::REVISION.to_owned(), revision)].into(),
        spec,
    })))
}

/// The spec; none while a ReplicaSet, or what it is made of, is not known.
fn spec(look: &Look<'_>, step: &ExperimentStep) -> Result<Option<ExperimentSpec>, String> {
    let mut templates = Vec::with_capacity(step.templates.len());
    for written in &step.templates {
        match template(look, written)? {
            Some(template) => templates.push(template),
            None => return Ok(None),
        }
    }
    let analysis = |written: &ExperimentStepAnalysis| {
        Ok(ExperimentAnalysis {
            name: written.name.clone(),
            template_name: written.template_name.clone(),
            cluster_scope: written.cluster_scope == Some(true),
            args: arguments::values(&written.args, look.rollout, Hashes::of(look))?,
            required_for_completion: written.required_for_completion,
        })
    };
    Ok(Some(ExperimentSpec {
        templates,
        duration: step.duration.clone(),
        progress_deadline_seconds: look.rollout.spec.progress_deadline_seconds,
        analyses: step.analyses.iter().map(analysis).collect::<Result<_, String>>()?,
        scale_down_delay_seconds: step.scale_down_delay_seconds,
        dry_run: step.dry_run.clone(),
        analysis_run_metadata: step.analysis_run_metadata.clone(),
        ..ExperimentSpec::default()
    }))
}

fn template(look: &Look<'_>, written: &ExperimentStepTemplate) -> Result<Option<TemplateSpec>, String> {
    let set = match written.spec_ref.as_str() {
        "canary" => look.revisions.new,
        "stable" => look.revisions.other_stable(),
        _ => return Err("Invalid template step SpecRef: must be canary or stable".to_owned()),
    };
    let Some((set, pods)) = set.and_then(|set| Some((set, look.seen.set_templates.get(&set.name)?))) else {
        return Ok(None);
    };
    Ok(Some(of_revision(written, set, pods)))
}

fn of_revision(written: &ExperimentStepTemplate, set: &ReplicaSet, pods: &SetTemplate) -> TemplateSpec {
    let mut selector = written.selector.clone().unwrap_or_else(|| pods.selector.clone());
    let labels = &written.metadata.labels;
    if !labels.is_empty() {
        let match_labels = selector.match_labels.get_or_insert_default();
        match_labels.extend(labels.clone());
    }
    let mut template = pods.template.to_value();
    for (member, added) in [("labels", labels), ("annotations", &written.metadata.annotations)] {
        add(&mut template, member, added.iter());
    }
    let service = (written.weight.is_some() || written.service.is_some()).then(|| {
        let name = written.service.as_ref().map(|service| service.name.clone());
        TemplateService {
            name: name.unwrap_or_default(),
        }
    });
    TemplateSpec {
        name: written.name.clone(),
        replicas: written.replicas,
        min_ready_seconds: set.min_ready_seconds,
        selector: Some(selector),
        template: Some(PodTemplate::new(&template)),
        service,
    }
}

/// Adds labels or annotations to the metadata of a template.
fn add<'s>(template: &mut Value, member: &str, added: impl ExactSizeIterator<Item = (&'s String, &'s String)>) {
    if added.len() == 0 {
        return;
    }
    let place = ["metadata", member].into_iter().try_fold(template, |place, key| {
        let place = place.as_object_mut()?.entry(key).or_insert_with(|| json!({}));
        if place.is_null() {
            *place = json!({});
        }
        Some(place)
    });
    if let Some(place) = place.and_then(Value::as_object_mut) {
        place.extend(added.map(|(key, value)| (key.clone(), json!(value))));
    }
}
