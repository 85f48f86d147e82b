//! What is to happen next, in order, and what to tell the user: the answer of every `decide`.

pub(crate) mod draft;
mod experiment;
pub mod news;
mod plugin;
mod question;

use crate::api::PodTemplate;
use crate::api::analysis_run::AnalysisRunSpec;
use crate::observed::{Refusal, RouterCall};
use crate::traffic::Change;
pub use experiment::{ExperimentAction, ExperimentNews, NewExperiment, NewPort, NewService, OwnServiceAction};
use jiff::Timestamp;
pub use news::{EventKind, News};
pub use plugin::StepCall;
pub use question::Ask;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The answer to one reconcile. At rest it is empty but for the wake (invariant 7).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Plan {
    /// Changes, in the order they must be made; the first failure stops the rest and the status. A [secondary
    /// one](Kind::Secondary) that is refused holds nothing else back (decision 46).
    pub actions: Vec<Action>,
    /// The status to write once all actions went through.
    pub status: Option<StatusWrite>,
    /// Calls of step plugins that are to be under way once the status is written. One that is under way already is not made
    /// again, and one that is not listed any more is forgotten, its answer too. Nobody waits for their answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<StepCall>,
    /// What AWS is to be asked for this rollout, or was asked: an answer that is not listed any more is forgotten. Nobody
    /// waits for the answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Ask>,
    /// What router plugins are to be told, once the status is written: one call of each plugin at most. It is not made
    /// where another one of the same plugin and rollout is under way. Nobody waits for the answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub router_calls: Vec<RouterCall>,
    /// What to tell the user, in order; each is sent only if its cause went through.
    pub events: Vec<Event>,
    /// When to reconcile again although nothing changed, and why.
    pub wake: Option<Wake>,
}

impl Plan {
    /// Nothing is to be written and nothing to be said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.status.is_none() && self.events.is_empty()
    }

    /// It tells of a refusal and tries nothing: what was refused stands as before, whatever becomes of the plan.
    #[must_use]
    pub fn only_tells(&self) -> bool {
        self.wake.is_some_and(|wake| wake.why == WakeReason::RefusalTold)
    }
}

/// One change of one object in the rollout's namespace: nothing reaches the cluster except as one of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Of a ReplicaSet.
    ReplicaSet(ReplicaSetAction),
    /// Of the selector of a Service, by one merge patch.
    Service(ServicePatch),
    /// Of an object of a traffic router (contract 07).
    Route(Change),
    /// Of a pod.
    Pod(PodAction),
    /// Of the number of pods of the Deployment that the rollout refers to, by its subresource `scale` (contract 05 §5).
    Workload(WorkloadScale),
    /// Of an AnalysisRun.
    AnalysisRun(AnalysisRunAction),
    /// Of an Experiment.
    Experiment(ExperimentAction),
    /// Of a Service that an experiment owns.
    OwnService(OwnServiceAction),
    /// Of annotations of the rollout, and `spec.replicas` where it is absent (decision 22), by one merge patch.
    Rollout(RolloutPatch),
}

impl From<ReplicaSetAction> for Action {
    fn from(action: ReplicaSetAction) -> Self {
        Self::ReplicaSet(action)
    }
}

impl From<AnalysisRunAction> for Action {
    fn from(action: AnalysisRunAction) -> Self {
        Self::AnalysisRun(action)
    }
}

/// What is done to an AnalysisRun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AnalysisRunAction {
    /// Create it. Where the name is taken the store is behind, or the run is somebody else's: the next reconcile, which
    /// sees it, takes another name.
    Create(Box<NewAnalysisRun>),
    /// Ask it to end, by `spec.terminate`. One that is gone needs none.
    Terminate(Target),
    /// Delete one that has had its time. One that is gone needs none.
    Delete(Target),
}

/// What is done to a ReplicaSet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReplicaSetAction {
    /// Create it, at its first size.
    Create(Box<NewReplicaSet>),
    /// Change it by one merge patch.
    Patch(ReplicaSetPatch),
    /// Delete an old one.
    Delete(Target),
}

/// What is done to a pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PodAction {
    /// Change labels and annotations by one merge patch (contract 03 §11). One that is gone needs none.
    Patch(PodPatch),
    /// Ask for its eviction (contract 05 §4). Where a PodDisruptionBudget forbids it, or the pod is gone, that is no
    /// failure: the next reconcile counts again.
    Evict(Target),
}

/// What may be held back by a change that does not go through (decision 46).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sizes, ownership, Services, the status: what comes after it relies on it.
    Primary,
    /// Rollouts work without it. Where the API server refuses it (400, 403, 422), it and what depends on it are left
    /// alone for a while, and everything else goes on.
    Secondary,
}

impl Action {
    /// Whether what comes after it relies on it. A patch of a ReplicaSet counts by its primary part, if it has one.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::ReplicaSet(ReplicaSetAction::Patch(patch)) if patch.primary().is_none() => Kind::Secondary,
            Self::ReplicaSet(
                ReplicaSetAction::Create(_) | ReplicaSetAction::Patch(_) | ReplicaSetAction::Delete(_),
            )
            | Self::Service(_)
            | Self::Route(_)
            | Self::Pod(PodAction::Evict(_))
            | Self::AnalysisRun(_)
            | Self::Experiment(_)
            | Self::OwnService(_)
            | Self::Rollout(_) => Kind::Primary,
            Self::Pod(PodAction::Patch(_)) | Self::Workload(_) => Kind::Secondary,
        }
    }
}

/// An object and the version of it that was decided upon: the write fails if it has changed since (decisions 12, 13).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// resourceVersion.
    pub resource_version: String,
}

/// A ReplicaSet to create (contract 02 §4); the owner reference is the rollout, which the shell adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewReplicaSet {
    /// `<rollout>-<hash>`: cannot differ between leaders (decision 13).
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// `spec.selector`.
    pub selector: Value,
    /// `spec.template`.
    pub template: PodTemplate,
    /// Pods.
    pub replicas: i32,
    /// Seconds until ready counts as available.
    pub min_ready_seconds: i32,
}

/// An AnalysisRun to create (contract 03 §13); the owner reference is the rollout, which the shell adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewAnalysisRun {
    /// `<rollout>-<hash>-<revision>` and what it belongs to: cannot differ between leaders (decision 13).
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// What it measures.
    pub spec: AnalysisRunSpec,
}

/// Changes of one ReplicaSet; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaSetPatch {
    /// Which, and the version decided upon.
    #[serde(flatten)]
    pub target: Target,
    /// Pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Seconds until ready counts as available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_ready_seconds: Option<i32>,
    /// Annotations to set, or to remove where `None`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Option<String>>,
    /// Whether the rollout becomes its owner, or is no longer (contract 02 §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ownership: Option<Ownership>,
    /// `podAntiAffinity` of its pod template: lists of terms to set, or to remove where null (contract 03 §10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anti_affinity: Option<Value>,
    /// What is left out where the API server refuses the whole.
    #[serde(skip_serializing_if = "Secondary::is_empty")]
    pub secondary: Secondary,
}

impl ReplicaSetPatch {
    /// The patch without its secondary part; `None` if nothing is left.
    #[must_use]
    pub fn primary(&self) -> Option<Self> {
        let primary = Self {
            secondary: Secondary::default(),
            ..self.clone()
        };
        let nothing = Self {
            target: self.target.clone(),
            ..Self::default()
        };
        (primary != nothing).then_some(primary)
    }
}

/// Changes of a ReplicaSet that rollouts work without (decision 46).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Secondary {
    /// Annotations to set, or to remove where `None`: those copied from the rollout, the history of revisions, and the
    /// records of what follows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Option<String>>,
    /// Labels of the pod template to set, or to remove where `None` (contract 03 §11).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub template_labels: BTreeMap<String, Option<String>>,
    /// Annotations of the pod template to set, or to remove where `None` (contract 03 §11).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub template_annotations: BTreeMap<String, Option<String>>,
}

impl Secondary {
    /// Nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.annotations.is_empty() && self.template_labels.is_empty() && self.template_annotations.is_empty()
    }
}

/// How the owner of a ReplicaSet changes (contract 02 §3). The shell knows the owner reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ownership {
    /// No controller owns it: the rollout becomes its controlling owner. The shell first asks the API server whether the
    /// rollout lives: owned by one that is gone, the ReplicaSet and its pods would be deleted.
    Adopt,
    /// The rollout is taken off its owners; others stay.
    Release,
}

/// Changes of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodPatch {
    /// Which, and the version decided upon.
    #[serde(flatten)]
    pub target: Target,
    /// UID of its ReplicaSet: where the API server refuses to patch one pod of it, the others are left alone, too.
    pub replica_set: String,
    /// Labels to set, or to remove where `None`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Option<String>>,
    /// Annotations to set, or to remove where `None`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Option<String>>,
}

/// Changes of one Service; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePatch {
    /// Which, and the version decided upon; the UID may be empty.
    #[serde(flatten)]
    pub target: Target,
    /// Value of the pod template hash in its selector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Value of the annotation that names the rollout that manages it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<String>,
    /// Remove both.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub clear: bool,
}

/// The size that the Deployment behind a `workloadRef` gets: a smaller one, unless the rollout has been deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadScale {
    /// Which, and the version decided upon.
    #[serde(flatten)]
    pub target: Target,
    /// Pods.
    pub replicas: i32,
}

/// Changes of the rollout outside its status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutPatch {
    /// Which, and the version decided upon.
    #[serde(flatten)]
    pub target: Target,
    /// Annotations to set, or to remove where `None`.
    pub annotations: BTreeMap<String, Option<String>>,
    /// `spec.replicas`, only where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
}

/// One write of the status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusWrite {
    /// Merge patch, `{"status": …}`. The shell adds the resourceVersion decided upon, or the one that the plan's own
    /// [`Action::Rollout`] led to.
    pub patch: Value,
    /// Whether it may wait for more of its kind.
    pub urgency: Urgency,
    /// The message changes and the phase does not: who waits for changes of the phase (Argo CD) would miss it
    /// (decision 26).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub message_only: bool,
}

/// Whether a status write may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Urgency {
    /// Phase, step, selector, a condition or a hash changed: never waits.
    Now,
    /// Only counters changed: at most one such write in 250 ms (decision 28).
    Counters,
}

/// One event about the rollout, and its cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// What is told.
    pub news: News,
    /// Its cause.
    pub after: After,
}

/// What must have gone through before an event is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum After {
    /// The action with this index in [`Plan::actions`].
    Action(usize),
    /// The status write (or all actions, where there is none).
    Status,
}

/// A reconcile that is due although nothing changed (invariant 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wake {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: WakeReason,
}

/// Every reason to wait, in words that a person can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WakeReason {
    /// A timed pause ends.
    PauseOver,
    /// The progress deadline passes.
    ProgressDeadline,
    /// An old ReplicaSet may be scaled down.
    ScaleDownDelay,
    /// An invalid spec is tried again (upstream: every 20 s).
    InvalidSpecRetry,
    /// The Rollout that manages a Service has been gone for long enough (decision 48).
    ManagerStaysAway,
    /// Counters that were held back are due.
    CountersDue,
    /// A Deployment that somebody brought back is scaled down again.
    WorkloadBackOff,
    /// Nobody has brought the Deployment back for long enough: the contest is over.
    WorkloadAtRest,
    /// A restart is to begin, or more pods of it may be evicted.
    Restart,
    /// Pods are wanted again, and the pauses that stood meanwhile have begun anew (decision 42).
    PodsWanted,
    /// Pods are counted again, because the count did not settle what a ReplicaSet has (decision 45).
    Recount,
    /// A refusal has lasted long enough to be told by a condition, or has ended (decision 47).
    RefusalToTell,
    /// A refusal was told by a condition before it is tried again.
    RefusalTold,
    /// Objects of traffic routers are read or written again.
    Routers,
    /// AWS is asked again for weights and targets.
    TargetGroups,
    /// A step plugin is called again.
    PluginDue,
    /// A router plugin is told again what it is to do, or asked again whether it does.
    RouterPlugin,
    /// The time of an experiment is over.
    ExperimentOver,
    /// The delay before the first measurement of a metric ends.
    InitialDelay,
    /// The next measurement of a metric is due.
    MeasurementDue,
    /// A measurement that is under way is looked at again.
    MeasurementResumed,
    /// A measurement has had its time, and what else was measured is written.
    MeasurementLate,
    /// A finished run has been kept for long enough.
    RunExpires,
    /// A refused change is tried again.
    Refused(Refusal),
}

impl WakeReason {
    /// One word, for metrics: a refused change is named by how it failed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PauseOver => "PauseOver",
            Self::ProgressDeadline => "ProgressDeadline",
            Self::ScaleDownDelay => "ScaleDownDelay",
            Self::InvalidSpecRetry => "InvalidSpecRetry",
            Self::ManagerStaysAway => "ManagerStaysAway",
            Self::CountersDue => "CountersDue",
            Self::WorkloadBackOff => "WorkloadBackOff",
            Self::WorkloadAtRest => "WorkloadAtRest",
            Self::Restart => "Restart",
            Self::RefusalTold => "RefusalTold",
            Self::PodsWanted => "PodsWanted",
            Self::Recount => "Recount",
            Self::RefusalToTell => "RefusalToTell",
            Self::Routers => "Routers",
            Self::TargetGroups => "TargetGroups",
            Self::PluginDue => "PluginDue",
            Self::RouterPlugin => "RouterPlugin",
            Self::ExperimentOver => "ExperimentOver",
            Self::InitialDelay => "InitialDelay",
            Self::MeasurementDue => "MeasurementDue",
            Self::MeasurementResumed => "MeasurementResumed",
            Self::MeasurementLate => "MeasurementLate",
            Self::RunExpires => "RunExpires",
            Self::Refused(Refusal::Forbidden) => "Forbidden",
            Self::Refused(Refusal::AlreadyExists) => "AlreadyExists",
            Self::Refused(Refusal::Conflict) => "Conflict",
            Self::Refused(Refusal::NotFound) => "NotFound",
            Self::Refused(Refusal::Invalid) => "Invalid",
            Self::Refused(Refusal::TooManyRequests) => "TooManyRequests",
            Self::Refused(Refusal::ServerError) => "ServerError",
            Self::Refused(Refusal::Timeout) => "Timeout",
        }
    }
}

impl fmt::Display for WakeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PauseOver => "the pause ends",
            Self::ProgressDeadline => "the progress deadline passes",
            Self::ScaleDownDelay => "the scale-down delay ends",
            Self::InvalidSpecRetry => "the controller checks the invalid spec again",
            Self::WorkloadBackOff => "the controller scales the workload down again",
            Self::WorkloadAtRest => "the controller sees that nobody scales the workload up any more",
            Self::Restart => "the controller restarts pods",
            Self::ManagerStaysAway => "the controller takes over a Service whose Rollout is gone",
            Self::CountersDue => "the controller writes the counters",
            Self::RefusalTold => "the controller retries a refused change",
            Self::PodsWanted => "the pauses begin again, because pods are wanted",
            Self::Recount => "the controller counts the pods again",
            Self::RefusalToTell => "the controller reports a refusal, or its end",
            Self::Routers => "the controller looks again for the objects of the traffic routers",
            Self::TargetGroups => "the controller asks AWS again for the weights and targets of the load balancer",
            Self::PluginDue => "the controller calls the step plugin again",
            Self::RouterPlugin => "the controller calls the router plugin again",
            Self::ExperimentOver => "the experiment has run for its duration",
            Self::InitialDelay => "the delay before the first measurement ends",
            Self::MeasurementDue => "the next measurement is due",
            Self::MeasurementResumed => "the controller looks again at a measurement that is under way",
            Self::MeasurementLate => "the controller writes what was measured, without a measurement that is late",
            Self::RunExpires => "the controller deletes the finished run",
            Self::Refused(Refusal::Forbidden) => "the controller retries: the permission may exist now",
            Self::Refused(Refusal::AlreadyExists) => "the controller retries: the name may be free now",
            Self::Refused(Refusal::Conflict) => "the controller reads the newer version",
            Self::Refused(Refusal::NotFound) => "the controller sees the deletion",
            Self::Refused(Refusal::Invalid) => "the controller retries the refused content",
            Self::Refused(Refusal::TooManyRequests) => "the API server asked to wait",
            Self::Refused(Refusal::ServerError) => "the controller retries: the API server may have recovered",
            Self::Refused(Refusal::Timeout) => "the controller retries: the API server may answer now",
        })
    }
}
