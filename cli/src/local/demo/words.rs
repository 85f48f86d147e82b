//! What the story says: it depends on the strategy.

use super::Pause;
use crate::show::program::Program;
use serin_core::api::Rollout;
use serin_core::api::RolloutStatus;

/// What the course of an update depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// A canary with steps.
    Steps,
    /// A canary without steps: a rolling update.
    Rolling,
    /// Blue-green.
    BlueGreen {
        /// The preview Service, if there is one.
        preview: Option<String>,
        /// Seconds for which the old version is kept.
        kept: i32,
    },
}

impl Course {
    pub(super) fn of(rollout: &Rollout) -> Self {
        /// Upstream's default (contract 04).
        const KEPT_SECONDS: i32 = 30;
        let strategy = &rollout.spec.strategy;
        match (&strategy.blue_green, &strategy.canary) {
            (Some(blue_green), _) => Self::BlueGreen {
                preview: Some(blue_green.preview_service.clone()).filter(|it| !it.is_empty()),
                kept: blue_green.scale_down_delay_seconds.unwrap_or(KEPT_SECONDS),
            },
            (None, Some(canary)) if !canary.steps.is_empty() => Self::Steps,
            (None, _) => Self::Rolling,
        }
    }

    /// After the change of the image.
    pub(super) fn begins(&self) -> String {
        match self {
            Self::Steps => "The steps of the canary begin.".to_owned(),
            Self::Rolling => "The canary has no steps: pods are replaced a few at a time.".to_owned(),
            Self::BlueGreen { .. } => "The new version starts beside the old one, which goes on serving.".to_owned(),
        }
    }

    /// At a pause.
    pub(super) fn paused(&self, pause: &Pause) -> String {
        let until = match pause {
            Pause::Open => "until somebody decides".to_owned(),
            Pause::Timed(seconds) => format!("for {seconds} s, which this demo cuts short"),
        };
        match self {
            Self::Steps | Self::Rolling => format!("Paused: the new version runs beside the old one {until}."),
            Self::BlueGreen {
                preview: Some(name), ..
            } => {
                format!("Paused: the Service {name} shows you the new version {until}.")
            }
            Self::BlueGreen { preview: None, .. } => {
                format!("Paused: the new version runs and serves no traffic {until}.")
            }
        }
    }

    /// After a promotion.
    pub(super) fn promoted(&self, _: &Pause) -> String {
        match self {
            Self::Steps => "Promoted, as `promote` does. The next steps follow.".to_owned(),
            Self::Rolling => "Promoted, as `promote` does. The update continues.".to_owned(),
            Self::BlueGreen { .. } => {
                "Promoted, as `promote` does. The active Service moves to the new version.".to_owned()
            }
        }
    }

    /// At the end.
    pub(super) fn closing(&self, program: Program, name: &str, old: &str, new: &str, promotions: usize) -> String {
        let program = program.words();
        let way = match self {
            Self::Steps => "step by step",
            Self::Rolling => "a few pods at a time",
            Self::BlueGreen { .. } => "at once",
        };
        let paused = match promotions {
            0 => "It did not wait for a person".to_owned(),
            1 => "It paused once and continued after the promotion".to_owned(),
            times => format!("It paused {times} times and continued after the promotion"),
        };
        let kept = match self {
            Self::BlueGreen { kept, .. } if *kept > 0 => {
                format!(" The pods of the old version stay for {kept} s, so that a rollback is quick.")
            }
            Self::BlueGreen { .. } | Self::Steps | Self::Rolling => String::new(),
        };
        format!(
            "\nDone: {name} went from {old} to {new} {way} and is Healthy. {paused}.{kept}\n\
             \nTry next:\n  \
             {program} demo --image IMAGE            another image\n  \
             {program} demo --file my-rollout.yaml   your own Rollout, with its Services\n  \
             {program} sandbox                       a cluster that keeps running, for kubectl and for: {program} get rollout {name} \
             --watch\n"
        )
    }
}

/// Where a Service leads.
pub(super) fn leads(name: &str, hash: Option<&str>, status: &RolloutStatus) -> String {
    let is = |other: &str| hash.is_some_and(|hash| hash == other);
    let to = match (is(&status.stable_rs), is(&status.current_pod_hash)) {
        (true, true) => "the only version",
        (true, false) => "the old version",
        (false, true) => "the new version",
        (false, false) => "pods of any version",
    };
    format!("Service {name} selects {to}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_the_program_as_it_was_called() {
        let text = Course::Rolling.closing(Program::Plugin, "web", "a:1", "a:2", 0);
        assert!(text.contains("  kubectl argo rollouts demo --image IMAGE"), "{text}");
        assert!(!text.contains("serin ") && !text.contains("step by step"), "{text}");
        let text = Course::Steps.closing(Program::Serin, "web", "a:1", "a:2", 2);
        assert!(
            text.contains("step by step and is Healthy. It paused 2 times"),
            "{text}"
        );
        assert!(text.contains("  serin demo --image IMAGE"), "{text}");
    }
}
