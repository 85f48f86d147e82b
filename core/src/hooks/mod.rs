//! Health of resources and actions on them, as data (decisions 24 and 25).
//!
//! One table per kind. [`health()`] and [`Action::patches`] read it for Rust; the `serin-lua` crate writes it down as the
//! Lua of Argo CD's health checks and resource actions. A rule is changed here and nowhere else.

mod analysis_run;
mod eval;
mod experiment;
mod expr;
mod patches;
mod promotion;
pub mod request;
mod rollout;
mod template;

pub use expr::{Keys, Number, Place, Test, Text};
pub use patches::{Door, Patches};

use crate::wire::pause;
use eval::Scope;
use serde_json::Value;

/// Group of all kinds that have rules.
pub const GROUP: &str = "argoproj.io";

/// Argo CD's words for how a resource is, best to worst as it adds them up, `Unknown` the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthStatus {
    /// All is well.
    Healthy,
    /// It waits for a person or a time.
    Suspended,
    /// It is not yet healthy and may become so.
    Progressing,
    /// It is not there.
    Missing,
    /// Something is wrong.
    Degraded,
    /// It cannot be told.
    Unknown,
}

impl HealthStatus {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Suspended => "Suspended",
            Self::Progressing => "Progressing",
            Self::Missing => "Missing",
            Self::Degraded => "Degraded",
            Self::Unknown => "Unknown",
        }
    }
}

/// How a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// In one word.
    pub status: HealthStatus,
    /// Why; may be empty.
    pub message: String,
}

/// One line of a health table: the first one that holds gives the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthRule {
    /// What it is about, and where the rule comes from: a comment in the generated Lua.
    pub note: &'static str,
    /// When it holds.
    pub when: Test,
    /// The answer.
    pub status: HealthStatus,
    /// The answer's message; none is empty.
    pub message: Text,
}

/// Something that a person can ask of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Name, as it is typed.
    pub name: &'static str,
    /// Name, as it is shown.
    pub display_name: &'static str,
    /// Font Awesome class of its icon in the UI.
    pub icon_class: &'static str,
    /// Upstream has no such action: it is generated only where it is asked for.
    pub extra: bool,
    /// What it is about, and where the rule comes from: a comment in the generated Lua.
    pub note: &'static str,
    /// When it is greyed out. Argo CD's server carries it out all the same (contract 13 §2.5).
    pub disabled: Test,
    /// When there is something to do; an Argo CD script leaves the object as it is where this does not hold.
    pub guard: Test,
    /// What is changed. All tests look at the object as it was.
    pub changes: Vec<Change>,
}

/// One field that an action changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The field. What stands below `status` goes through the `status` subresource, first; the rest to the main object.
    pub field: Keys,
    /// What it becomes.
    pub to: To,
    /// When.
    pub when: Test,
    /// By which doors; `None` is all of them.
    pub door: Option<Door>,
    /// Whether the one patch for servers without a `status` subresource carries it.
    pub unified: Unified,
}

/// What a field becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum To {
    /// It goes.
    Absent,
    /// False or gone, which say the same (decision 4): gone by Argo CD, false by the command line, as upstream has it.
    NoLonger,
    /// True or false.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// The time of asking, RFC 3339 in UTC, in whole seconds.
    Now,
}

/// Whether the one patch for servers without a `status` subresource carries a change (contract 10 §3).
#[derive(Clone, Debug, PartialEq)]
pub enum Unified {
    /// Where the others do.
    Same,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// All rules of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Kind.
    pub kind: &'static str,
    /// In order; the last one always holds.
    pub health: Vec<HealthRule>,
    /// In the order in which they are shown.
    pub actions: Vec<Action>,
}

/// What may be chosen. By default all answers are those of Argo CD's own scripts wherever these answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Pauses that are reported Healthy, with a message, instead of Suspended (argo-cd#25054).
    pub healthy_pauses: Vec<Pause>,
    /// `status.message` of an Experiment goes before the fixed texts (decision 25).
    pub experiment_messages: bool,
    /// Actions that upstream does not have.
    pub extras: bool,
}

/// Why a rollout is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pause {
    /// A pause step of a canary.
    CanaryPauseStep,
    /// Blue-green waits for promotion.
    BlueGreenPause,
    /// An analysis was inconclusive.
    InconclusiveAnalysisRun,
    /// An experiment was inconclusive.
    InconclusiveExperiment,
    /// A person set `spec.paused`.
    User,
}

impl Pause {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::CanaryPauseStep,
        Self::BlueGreenPause,
        Self::InconclusiveAnalysisRun,
        Self::InconclusiveExperiment,
        Self::User,
    ];

    /// The reason in `status.pauseConditions`; `User` has none there and is our word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CanaryPauseStep => pause::CANARY_PAUSE_STEP,
            Self::BlueGreenPause => pause::BLUE_GREEN_PAUSE,
            Self::InconclusiveAnalysisRun => pause::INCONCLUSIVE_ANALYSIS,
            Self::InconclusiveExperiment => pause::INCONCLUSIVE_EXPERIMENT,
            Self::User => "User",
        }
    }
}

/// The rules of all kinds.
#[must_use]
pub fn all(options: &Options) -> Vec<Rules> {
    let mut kinds = vec![
        rollout::rules(options),
        analysis_run::rules(),
        experiment::rules(options),
        template::rules("AnalysisTemplate"),
        template::rules("ClusterAnalysisTemplate"),
    ];
    for kind in &mut kinds {
        kind.actions.retain(|action| options.extras || !action.extra);
    }
    kinds
}

/// The rules of the kind of an object; `None` where there are none for its `apiVersion` and `kind`.
#[must_use]
pub fn of(object: &Value, options: &Options) -> Option<Rules> {
    let group = object.get("apiVersion")?.as_str()?.split_once('/')?.0;
    let kind = object.get("kind")?.as_str()?;
    all(options)
        .into_iter()
        .find(|rules| group == GROUP && rules.kind == kind)
}

/// How Argo CD shows an object, by the rules of its kind; `None` for kinds that have none.
#[must_use]
pub fn health(object: &Value, options: &Options) -> Option<Health> {
    of(object, options).map(|rules| rules.health(object))
}

impl Rules {
    /// How an object of this kind is.
    #[must_use]
    pub fn health(&self, object: &Value) -> Health {
        let scope = Scope::of(object);
        let rule = self.health.iter().find(|rule| scope.test(&rule.when));
        rule.map_or(
            Health {
                status: HealthStatus::Unknown,
                message: String::new(),
            },
            |rule| Health {
                status: rule.status,
                message: scope.text(&rule.message).unwrap_or_default(),
            },
        )
    }

    /// An action of this kind.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.name == name)
    }
}

impl Action {
    /// Whether it is greyed out for an object.
    #[must_use]
    pub fn is_disabled(&self, object: &Value) -> bool {
        Scope::of(object).test(&self.disabled)
    }
}

impl Change {
    /// A change by every door.
    fn new(field: Keys, to: To, when: Test) -> Self {
        Self {
            field,
            to,
            when,
            door: None,
            unified: Unified::Same,
        }
    }

    /// By one door only.
    fn by(self, door: Door) -> Self {
        Self {
            door: Some(door),
            ..self
        }
    }

    /// Another way with servers without a `status` subresource.
    fn unified(self, unified: Unified) -> Self {
        Self { unified, ..self }
    }

    /// Whether it goes through the `status` subresource.
    #[must_use]
    pub fn is_status(&self) -> bool {
        self.field.first() == Some(&"status")
    }
}
