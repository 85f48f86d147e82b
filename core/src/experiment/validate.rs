//! What is wrong with the spec of an experiment (contract 05 §8).

use super::observed::Observed;
use super::template::PROGRESS_DEADLINE_SECONDS;
use crate::api::experiment::TemplateSpec;
use crate::notation::duration::GoDuration;
use crate::notation::selector;
use std::collections::BTreeSet;

/// Reason of the condition InvalidSpec.
pub(super) const REASON: &str = "InvalidSpec";

/// Why an experiment cannot be carried out, if it cannot: the first finding, in Argo Rollouts' words.
///
/// A duration that cannot be read lets Argo Rollouts run for ever; here it is a finding, unless the experiment is to end
/// anyway.
#[must_use]
pub fn problem(seen: &Observed) -> Option<String> {
    if let Some(why) = &seen.undecodable {
        return Some(why.clone());
    }
    let spec = &seen.experiment.spec;
    let name = seen.experiment.metadata.name.as_deref().unwrap_or_default();
    let deadline = spec.progress_deadline_seconds.unwrap_or(PROGRESS_DEADLINE_SECONDS);
    let mut names = BTreeSet::new();
    let mut templates = spec.templates.iter().enumerate();
    let of_templates = templates.find_map(|(index, template)| {
        of_template(name, deadline, index, template).or_else(|| {
            let template = template.name.as_str();
            (!names.insert(template))
                .then(|| format!("Experiment {name} has repeated template name '{template}' in templates"))
        })
    });
    of_templates.or_else(|| {
        let written = Some(&spec.duration).filter(|written| !written.is_empty() && !spec.terminate)?;
        let error = written.parse::<GoDuration>().err()?;
        Some(format!("spec.duration: {error}"))
    })
}

fn of_template(experiment: &str, deadline: i32, index: usize, template: &TemplateSpec) -> Option<String> {
    let Some(selector) = &template.selector else {
        return Some(format!("Rollout has missing field '.Spec.Templates[{index}].Selector'"));
    };
    if selector::is_empty(selector) {
        return Some(format!(
            "This experiment is selecting all pods at index {index}. A non-empty selector is required."
        ));
    }
    if template.min_ready_seconds > deadline {
        return Some(format!(
            "MinReadySeconds cannot be longer than ProgressDeadlineSeconds. Check template index {index}"
        ));
    }
    let nameless = template.name.is_empty();
    nameless.then(|| format!("Experiment {experiment} has empty template name at index {index}"))
}
