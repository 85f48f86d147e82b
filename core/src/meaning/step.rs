//! One canary step, with exactly one meaning (contract 03 §2).

use crate::api::IntOrString;
use crate::api::rollout::{
    CanaryStep, ExperimentStep, PauseStep, PluginStep, RolloutAnalysis, SetCanaryScale, SetHeaderRoute, SetMirrorRoute,
};
use crate::notation::duration::GoDuration;

/// What a step asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Wait for a time or a person.
    Pause(PauseStep),
    /// Size the canary apart from its weight.
    SetCanaryScale(SetCanaryScale),
    /// Give the canary this share.
    SetWeight(i32),
    /// Run an experiment to its end.
    Experiment(Box<ExperimentStep>),
    /// Run an analysis to its end.
    Analysis(Box<RolloutAnalysis>),
    /// Route by header.
    SetHeaderRoute(Box<SetHeaderRoute>),
    /// Mirror traffic.
    SetMirrorRoute(Box<SetMirrorRoute>),
    /// Run a plugin.
    Plugin(Box<PluginStep>),
}

impl Step {
    /// The meaning of a step as written; `None` for a step without content, which validation refuses.
    ///
    /// Validation lets some steps with several types through (contract 01 §8). What such a step *waits for* is decided
    /// in the order of contract 03 §2, and so is its meaning here; that a `setWeight` beside it still sets the weight
    /// is seen by [`super::weight_at`], which reads the steps as written.
    #[must_use]
    pub fn of(written: &CanaryStep) -> Option<Self> {
        if let Some(pause) = &written.pause {
            Some(Self::Pause(pause.clone()))
        } else if let Some(scale) = &written.set_canary_scale {
            Some(Self::SetCanaryScale(scale.clone()))
        } else if let Some(weight) = written.set_weight {
            Some(Self::SetWeight(weight))
        } else if let Some(experiment) = &written.experiment {
            Some(Self::Experiment(experiment.clone()))
        } else if let Some(analysis) = &written.analysis {
            Some(Self::Analysis(analysis.clone()))
        } else if let Some(route) = &written.set_header_route {
            Some(Self::SetHeaderRoute(route.clone()))
        } else if let Some(route) = &written.set_mirror_route {
            Some(Self::SetMirrorRoute(route.clone()))
        } else {
            written.plugin.clone().map(Self::Plugin)
        }
    }

    /// The step in the words of events, `setWeight: 20` (contract 03 §2, "desc strings").
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Pause(PauseStep { duration: None }) => "pause".to_owned(),
            Self::Pause(PauseStep {
                duration: Some(IntOrString::Int(seconds)),
            }) => format!("pause: {seconds}"),
            Self::Pause(PauseStep {
                duration: Some(IntOrString::String(text)),
            }) => format!("pause: {text}"),
            Self::SetCanaryScale(SetCanaryScale {
                weight: Some(weight), ..
            }) => {
                format!("setCanaryScale{{weight: {weight}}}")
            }
            Self::SetCanaryScale(SetCanaryScale {
                match_traffic_weight: true,
                ..
            }) => "setCanaryScale{matchTrafficWeight: true}".to_owned(),
            Self::SetCanaryScale(SetCanaryScale {
                replicas: Some(replicas),
                ..
            }) => {
                format!("setCanaryScale{{replicas: {replicas}}}")
            }
            Self::SetCanaryScale(_) => INVALID.to_owned(),
            Self::SetWeight(weight) => format!("setWeight: {weight}"),
            Self::Experiment(_) => "experiment".to_owned(),
            Self::Analysis(_) => "analysis".to_owned(),
            Self::SetHeaderRoute(route) => format!("setHeaderRoute: {}", route.name),
            Self::SetMirrorRoute(route) => format!("setMirrorRoute: {}", route.name),
            Self::Plugin(plugin) => format!("plugin: {}", plugin.name),
        }
    }
}

/// What a step without content, and a `setCanaryScale` without fields, is called.
const INVALID: &str = "invalid";

/// A step as written in the words of events. Where a step has several types, upstream names it in another order than
/// it evaluates it: setWeight, pause, experiment, analysis, setCanaryScale, plugin, setHeaderRoute, setMirrorRoute.
#[must_use]
pub fn describe(written: &CanaryStep) -> String {
    let named = if let Some(weight) = written.set_weight {
        Some(Step::SetWeight(weight))
    } else if let Some(pause) = &written.pause {
        Some(Step::Pause(pause.clone()))
    } else if written.experiment.is_some() || written.analysis.is_some() {
        return if written.experiment.is_some() {
            "experiment"
        } else {
            "analysis"
        }
        .to_owned();
    } else if let Some(scale) = written
        .set_canary_scale
        .as_ref()
        .filter(|scale| **scale != SetCanaryScale::default())
    {
        Some(Step::SetCanaryScale(scale.clone()))
    } else if let Some(plugin) = &written.plugin {
        Some(Step::Plugin(plugin.clone()))
    } else if let Some(route) = &written.set_header_route {
        Some(Step::SetHeaderRoute(route.clone()))
    } else {
        written.set_mirror_route.clone().map(Step::SetMirrorRoute)
    };
    named.map_or_else(|| INVALID.to_owned(), |step| step.describe())
}

/// How long a pause step waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseLength {
    /// Until a person goes on.
    Indefinite,
    /// Whole seconds; 0 completes on the first look. Negative ones are refused by validation.
    Seconds(i64),
    /// The text is neither a number nor a Go duration; refused by validation.
    Invalid,
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
            assert_eq!(Step::of(&step).unwrap().describe(), expected);
            assert_eq!(describe(&step), expected);
        }
        assert_eq!(describe(&CanaryStep::default()), "invalid");
        assert_eq!(Step::of(&CanaryStep::default()), None);
    }

    /// Contract 03 §2: one order decides what a step waits for, another what it is called.
    #[test]
    fn steps_of_several_types() {
        let both = written(json!({"setWeight": 20, "setCanaryScale": {"replicas": 3}}));
        assert_eq!(Step::of(&both).unwrap().describe(), "setCanaryScale{replicas: 3}");
        assert_eq!(describe(&both), "setWeight: 20");
        let plugin = written(json!({"plugin": {"name": "p"}, "setHeaderRoute": {"name": "h"}}));
        assert_eq!(Step::of(&plugin).unwrap().describe(), "setHeaderRoute: h");
        assert_eq!(describe(&plugin), "plugin: p");
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
