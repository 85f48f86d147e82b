//! The weights of an experiment's pods (contract 03 §7, last item).
//!
//! The status names a destination before the routers lead there, and until they no longer do: the pods of an experiment stay
//! for as long ([`led_to`]). So neither a crash between two writes nor an experiment that ends sends requests to pods that are
//! gone.

use super::Traffic;
use crate::api::Rollout;
use crate::api::rollout::WeightDestination;
use crate::meaning::{Canary, Wait};
use crate::observed::{Experiment, ExperimentTemplate};
use crate::rollout::experiment::Experiments;
use crate::rollout::look::{Change, Look};
use crate::rollout::update::Course;
use crate::traffic::Destination;
use crate::wire::experiment::TemplateState;
use std::collections::BTreeSet;

/// Destinations that the routers lead to, and those that the status is to name before they do.
#[derive(Debug, Default)]
pub(super) struct Additional {
    /// In the order of the templates.
    all: Vec<Destination>,
    /// Services that the status names already.
    announced: BTreeSet<String>,
}

impl Additional {
    /// Those of the experiment that runs. There are none where they would leave stable less than nothing.
    pub(super) fn of(
        look: &Look<'_>,
        canary: &Canary<'_>,
        course: &Course,
        experiments: &Experiments<'_>,
        left: i32,
    ) -> Self {
        let all = destinations(look, canary, course, experiments);
        let sum = all.iter().map(|of| of.weight).fold(0, i32::saturating_add);
        if sum > left {
            return Self::default();
        }
        Self {
            all,
            announced: led_to(look.rollout),
        }
    }

    /// Those that the routers lead to now.
    pub(super) fn now(&self) -> Vec<Destination> {
        let announced = |of: &&Destination| self.announced.contains(&of.service);
        self.all.iter().filter(announced).cloned().collect()
    }

    /// The weight of all of them now.
    pub(super) fn weight(&self) -> i32 {
        self.now().iter().map(|of| of.weight).fold(0, i32::saturating_add)
    }

    /// What the status says of them: one that is only announced has the weight 0.
    pub(super) fn recorded(&self) -> Vec<WeightDestination> {
        let of = |of: &Destination| WeightDestination {
            weight: if self.announced.contains(&of.service) {
                of.weight
            } else {
                0
            },
            service_name: of.service.clone(),
            pod_template_hash: of.hash.clone(),
        };
        self.all.iter().map(of).collect()
    }
}

/// The Services of experiments that a rollout leads traffic to, or is about to.
#[must_use]
pub fn led_to(rollout: &Rollout) -> BTreeSet<String> {
    let weights = rollout.status.canary.weights.iter();
    let additional = weights.flat_map(|of| &of.additional);
    additional.map(|of| of.service_name.clone()).collect()
}

/// Whether it leads traffic to pods of an experiment.
pub(crate) fn leads_to(look: &Look<'_>, experiment: &Experiment) -> bool {
    let led_to = led_to(look.rollout);
    experiment.templates.iter().any(|of| led_to.contains(&of.service))
}

fn destinations(
    look: &Look<'_>,
    canary: &Canary<'_>,
    course: &Course,
    experiments: &Experiments<'_>,
) -> Vec<Destination> {
    let goes_on = look.change == Change::Nothing && course.abort.is_none() && !course.promote_full;
    let Some(experiment) = experiments.running(look).filter(|_| goes_on) else {
        return Vec::new();
    };
    let Some(Wait::Experiment(step)) = course.step(canary).map(|step| &step.waits_for) else {
        return Vec::new();
    };
    let weighed = |of: &ExperimentTemplate| {
        let written = step.templates.iter().find(|written| written.name == of.name)?;
        let weight = written.weight.filter(|weight| *weight > 0)?;
        is_served(of).then(|| Destination {
            service: of.service.clone(),
            hash: of.hash.clone(),
            weight,
        })
    };
    experiment.templates.iter().filter_map(weighed).collect()
}

/// It runs, which began with all of its pods available, and has a Service and an available pod left.
fn is_served(of: &ExperimentTemplate) -> bool {
    let runs = TemplateState::of(&of.status) == Some(TemplateState::Running);
    runs && of.available_replicas > 0 && !of.service.is_empty() && !of.hash.is_empty()
}

impl Traffic<'_> {
    /// Whether the status of what the routers lead to beside the canary and stable tells of another weight.
    pub(super) fn tells_of_additional(&self, old: &[WeightDestination]) -> Option<String> {
        let weighed = |all: &[WeightDestination]| -> Vec<WeightDestination> {
            all.iter().filter(|of| of.weight > 0).cloned().collect()
        };
        let (old, new) = (weighed(old), weighed(&self.additional.recorded()));
        (old != new).then(|| printed(&new))
    }
}

/// As Argo Rollouts prints destinations.
fn printed(all: &[WeightDestination]) -> String {
    let of = |of: &WeightDestination| format!("{{{} {} {}}}", of.weight, of.service_name, of.pod_template_hash);
    let all: Vec<String> = all.iter().map(of).collect();
    format!("[{}]", all.join(" "))
}
