//! One canary step, with exactly one meaning (contract 03 §2).

use crate::api::IntOrString;
use crate::api::rollout::{
    CanaryStep, ExperimentStep, PauseStep, PluginStep, RolloutAnalysis, SetCanaryScale, SetHeaderRoute, SetMirrorRoute,
};
use crate::notation::duration::GoDuration;

/// A step: the weight that it sets, and what it waits for. Every question about a step is a method here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// The weight that the canary has from this step on. A `setWeight` beside another type in one step counts too.
    pub sets_weight: Option<i32>,
    /// The size that the canary has from this step on, where routers carry the weight; beside another type it counts too.
    pub sets_scale: Option<&'a SetCanaryScale>,
    /// The route by header from this step on, likewise.
    pub sets_header: Option<&'a SetHeaderRoute>,
    /// The route that mirrors from this step on, likewise.
    pub sets_mirror: Option<&'a SetMirrorRoute>,
    /// What must come true before the next step begins.
    pub waits_for: Wait<'a>,
    written: &'a CanaryStep,
}

/// What a step waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait<'a> {
    /// A time or a person.
    Pause(PauseLength),
    /// The pods of a canary that is sized apart from its weight.
    Scale(&'a SetCanaryScale),
    /// The pods that the weight needs.
    Weight,
    /// The end of an experiment.
    Experiment(&'a ExperimentStep),
    /// The end of an analysis.
    Analysis(&'a RolloutAnalysis),
    /// A route by header.
    HeaderRoute(&'a SetHeaderRoute),
    /// A route that mirrors traffic.
    MirrorRoute(&'a SetMirrorRoute),
    /// A plugin.
    Plugin(&'a PluginStep),
}

impl<'a> Step<'a> {
    /// The meaning of a step as written; `None` for a step without content, which validation refuses.
    ///
    /// Validation lets some steps with several types through (contract 01 §8). What such a step *waits for* is decided
    /// in the order of contract 03 §2.
    #[must_use]
    pub fn of(written: &'a CanaryStep) -> Option<Self> {
        let waits_for = if let Some(pause) = &written.pause {
            Wait::Pause(pause_duration(pause))
        } else if let Some(scale) = &written.set_canary_scale {
            Wait::Scale(scale)
        } else if written.set_weight.is_some() {
            Wait::Weight
        } else if let Some(experiment) = &written.experiment {
            Wait::Experiment(experiment)
        } else if let Some(analysis) = &written.analysis {
            Wait::Analysis(analysis)
        } else if let Some(route) = &written.set_header_route {
            Wait::HeaderRoute(route)
        } else if let Some(route) = &written.set_mirror_route {
            Wait::MirrorRoute(route)
        } else {
            Wait::Plugin(written.plugin.as_ref()?)
        };
        Some(Self {
            sets_weight: written.set_weight,
            sets_scale: written.set_canary_scale.as_ref(),
            sets_header: written.set_header_route.as_deref(),
            sets_mirror: written.set_mirror_route.as_deref(),
            waits_for,
            written,
        })
    }

    /// It protects by pods and time alone, so it is passed where there are no pods to protect (decisions 11, 42).
    #[must_use]
    pub fn is_passed_without_pods(&self) -> bool {
        match self.waits_for {
            Wait::Weight | Wait::Scale(_) | Wait::Pause(_) => true,
            Wait::Experiment(_) | Wait::Analysis(_) | Wait::HeaderRoute(_) | Wait::MirrorRoute(_) | Wait::Plugin(_) => {
                false
            }
        }
    }

    /// It waits for sizes of ReplicaSets alone, so it is complete as soon as they are what it asks for.
    #[must_use]
    pub fn is_of_sizes(&self) -> bool {
        match self.waits_for {
            Wait::Weight | Wait::Scale(_) => true,
            Wait::Pause(_)
            | Wait::Experiment(_)
            | Wait::Analysis(_)
            | Wait::HeaderRoute(_)
            | Wait::MirrorRoute(_)
            | Wait::Plugin(_) => false,
        }
    }

    /// The progress deadline does not count while it lasts (contract 02 §8).
    #[must_use]
    pub fn stops_clock(&self) -> bool {
        match self.waits_for {
            Wait::Pause(_) | Wait::Experiment(_) | Wait::Analysis(_) => true,
            Wait::Weight | Wait::Scale(_) | Wait::HeaderRoute(_) | Wait::MirrorRoute(_) | Wait::Plugin(_) => false,
        }
    }

    /// A pause that ends only when a person acts (contract 05 §1).
    #[must_use]
    pub fn waits_for_a_person(&self) -> bool {
        self.waits_for == Wait::Pause(PauseLength::Indefinite)
    }

    /// The step in the words of events, `setWeight: 20` (contract 03 §2, "desc strings"). Where a step has several
    /// types, upstream names it in another order than it evaluates it: setWeight, pause, experiment, analysis,
    /// setCanaryScale, plugin, setHeaderRoute, setMirrorRoute.
    #[must_use]
    pub fn words(&self) -> String {
        words(self.written)
    }
}

/// What a step without content, and a `setCanaryScale` without fields, is called.
const INVALID: &str = "invalid";

fn words(written: &CanaryStep) -> String {
    if let Some(weight) = written.set_weight {
        format!("setWeight: {weight}")
    } else if let Some(PauseStep { duration }) = &written.pause {
        match duration {
            None => "pause".to_owned(),
            Some(IntOrString::Int(seconds)) => format!("pause: {seconds}"),
            Some(IntOrString::String(text)) => format!("pause: {text}"),
        }
    } else if written.experiment.is_some() {
        "experiment".to_owned()
    } else if written.analysis.is_some() {
        "analysis".to_owned()
    } else if let Some(words) = written.set_canary_scale.as_ref().and_then(words_of_scale) {
        words
    } else if let Some(plugin) = &written.plugin {
        format!("plugin: {}", plugin.name)
    } else if let Some(route) = &written.set_header_route {
        format!("setHeaderRoute: {}", route.name)
    } else if let Some(route) = &written.set_mirror_route {
        format!("setMirrorRoute: {}", route.name)
    } else {
        INVALID.to_owned()
    }
}

fn words_of_scale(scale: &SetCanaryScale) -> Option<String> {
    match scale {
        SetCanaryScale {
            weight: Some(weight), ..
        } => Some(format!("setCanaryScale{{weight: {weight}}}")),
        SetCanaryScale {
            match_traffic_weight: true,
            ..
        } => Some("setCanaryScale{matchTrafficWeight: true}".to_owned()),
        SetCanaryScale {
            replicas: Some(replicas),
            ..
        } => Some(format!("setCanaryScale{{replicas: {replicas}}}")),
        SetCanaryScale { .. } => None,
    }
}

/// How long a pause step waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseLength {
    /// Until a person goes on.
    Indefinite,
    /// Whole seconds; 0 completes on the first reconcile. Negative ones are refused by validation.
    Seconds(i64),
    /// The text is neither a number nor a Go duration; refused by validation.
    Invalid,
}

impl PauseLength {
    /// Seconds until it ends by itself, if it does.
    #[must_use]
    pub fn seconds(self) -> Option<i64> {
        match self {
            Self::Seconds(seconds) => Some(seconds),
            Self::Indefinite | Self::Invalid => None,
        }
    }
}

/// The length of a pause (contract 01 §2): an integer is seconds, a text of a base-10 number of 32 bits too, any other
/// text is a Go duration cut to whole seconds.
#[must_use]
pub fn pause_duration(pause: &PauseStep) -> PauseLength {
    match &pause.duration {
        None => PauseLength::Indefinite,
        Some(IntOrString::Int(seconds)) => PauseLength::Seconds(i64::from(*seconds)),
        Some(IntOrString::String(text)) => {
            let seconds = text.parse::<i32>().map(i64::from);
            let seconds = seconds.or_else(|_| text.parse::<GoDuration>().map(GoDuration::whole_seconds));
            seconds.map_or(PauseLength::Invalid, PauseLength::Seconds)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    fn written(step: Value) -> CanaryStep {
        serde_json::from_value(step).unwrap()
    }

    /// Contract 03 §2, "desc strings".
    #[test]
    fn steps_are_called_as_upstream_calls_them() {
        for (step, expected) in [
            (json!({"setWeight": 20}), "setWeight: 20"),
            (json!({"pause": {}}), "pause"),
            (json!({"pause": {"duration": 10}}), "pause: 10"),
            (json!({"pause": {"duration": "1h"}}), "pause: 1h"),
            (json!({"experiment": {"templates": []}}), "experiment"),
            (json!({"analysis": {}}), "analysis"),
            (
                json!({"setCanaryScale": {"weight": 5, "replicas": 1}}),
                "setCanaryScale{weight: 5}",
            ),
            (
                json!({"setCanaryScale": {"matchTrafficWeight": true}}),
                "setCanaryScale{matchTrafficWeight: true}",
            ),
            (
                json!({"setCanaryScale": {"replicas": 3}}),
                "setCanaryScale{replicas: 3}",
            ),
            (json!({"setCanaryScale": {}}), "invalid"),
            (json!({"plugin": {"name": "a/b"}}), "plugin: a/b"),
            (json!({"setHeaderRoute": {"name": "h"}}), "setHeaderRoute: h"),
            (json!({"setMirrorRoute": {"name": "m"}}), "setMirrorRoute: m"),
        ] {
            let step = written(step);
            assert_eq!(Step::of(&step).unwrap().words(), expected);
        }
        assert_eq!(Step::of(&CanaryStep::default()), None);
    }

    /// Contract 03 §2: one order decides what a step waits for, another what it is called. The weight counts either way.
    #[test]
    fn steps_of_several_types() {
        let both = written(json!({"setWeight": 20, "setCanaryScale": {"replicas": 3}}));
        let step = Step::of(&both).unwrap();
        assert!(matches!(step.waits_for, Wait::Scale(_)));
        assert_eq!((step.sets_weight, &*step.words()), (Some(20), "setWeight: 20"));
        let plugin = written(json!({"plugin": {"name": "p"}, "setHeaderRoute": {"name": "h"}}));
        let step = Step::of(&plugin).unwrap();
        assert!(matches!(step.waits_for, Wait::HeaderRoute(_)));
        assert_eq!(step.words(), "plugin: p");
    }

    /// Contract 01 §2 and contract 11 §E ("Steps").
    #[test]
    fn pause_lengths() {
        for (pause, expected) in [
            (json!({}), PauseLength::Indefinite),
            (json!({"duration": 0}), PauseLength::Seconds(0)),
            (json!({"duration": 90}), PauseLength::Seconds(90)),
            (json!({"duration": "90"}), PauseLength::Seconds(90)),
            (json!({"duration": "1h30m"}), PauseLength::Seconds(5400)),
            (json!({"duration": "1999ms"}), PauseLength::Seconds(1)),
            (json!({"duration": "-500ms"}), PauseLength::Seconds(0)),
            (json!({"duration": "-5"}), PauseLength::Seconds(-5)),
            (json!({"duration": ""}), PauseLength::Invalid),
            (json!({"duration": "1d"}), PauseLength::Invalid),
            (json!({"duration": "99999999999"}), PauseLength::Invalid),
        ] {
            assert_eq!(
                pause_duration(&serde_json::from_value(pause.clone()).unwrap()),
                expected,
                "{pause}"
            );
        }
    }
}
