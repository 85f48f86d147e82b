//! Strings that users, Argo CD and the kubectl plugin read: to the letter as contract 02 and 09 have them.

pub mod analysis;
pub mod experiment;
pub mod step_plugin;

/// Label of ReplicaSets, their pods and selectors: the pod template hash.
pub const HASH_LABEL: &str = "rollouts-pod-template-hash";
/// Annotation of Rollouts and ReplicaSets: the revision, decimal.
pub const REVISION: &str = "rollout.argoproj.io/revision";
/// Annotation of ReplicaSets: earlier revisions, comma separated.
pub const REVISION_HISTORY: &str = "rollout.argoproj.io/revision-history";
/// Annotation of ReplicaSets: `spec.replicas` of the rollout when it was last scaled.
pub const DESIRED_REPLICAS: &str = "rollout.argoproj.io/desired-replicas";
/// Annotation of ReplicaSets: when they may be scaled down, RFC 3339 in UTC.
pub const SCALE_DOWN_DEADLINE: &str = "scale-down-deadline";
/// Annotation of ReplicaSets: labels and annotations put on their pods.
pub const EPHEMERAL_METADATA: &str = "rollout.argoproj.io/ephemeral-metadata";
/// Annotation of ReplicaSets: the smallest size that they were given since they last grew, while pods of a larger one may
/// still be counted (decision 45).
pub const SHRUNK_TO: &str = "rollout.serin.dev/shrunk-to";
/// Annotation of ReplicaSets: what stood in the pod template under the labels and annotations that are laid over it, JSON
/// (decision 44).
pub const COVERED_METADATA: &str = "rollout.serin.dev/covered-metadata";
/// Annotation of Rollouts: the generation of the workload that they refer to (contract 02 §1).
pub const WORKLOAD_GENERATION: &str = "rollout.argoproj.io/workload-generation";
/// Annotation of Rollouts: the pods of the Deployment that they refer to have moved, JSON
/// ([`Record`](crate::rollout::workload::Record)).
pub const WORKLOAD_MOVED: &str = "rollout.serin.dev/workload-moved";
/// Annotation of Services: the rollout that manages them.
pub const MANAGED_BY: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";
/// Label of custom resources: the controller instance that serves them.
pub const INSTANCE_ID: &str = "argo-rollouts.argoproj.io/controller-instance-id";
/// What the annotations begin with that Argo Rollouts does not know.
pub const OWN_PREFIX: &str = "rollout.serin.dev/";
/// Annotation of Rollouts: when the controller last changed the message and not the phase, RFC 3339; only with
/// `--announce-messages` (decision 26).
pub const MESSAGE_CHANGED_AT: &str = "rollout.serin.dev/message-changed-at";
/// Annotation of ReplicaSets of a canary that is paused by hand: pods, and `spec.replicas`, when it was paused (decision 41).
pub const SIZE_AT_PAUSE: &str = "rollout.serin.dev/size-at-pause";
/// Annotation of AnalysisRuns that compare: the pod template hash of the stable revision (decision 50).
pub const STABLE_HASH: &str = "rollout.serin.dev/stable-hash";
/// Label of AnalysisRuns: what of the rollout they belong to.
pub const ROLLOUT_TYPE: &str = "rollout-type";
/// Label of AnalysisRuns of a step: the index of the step.
pub const STEP_INDEX: &str = "step-index";
/// Annotation of the notification engine.
pub const NOTIFIED: &str = "notified.notifications.argoproj.io";
/// Annotation of kubectl.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Field manager of all writes.
pub const FIELD_MANAGER: &str = "rollouts-controller";

/// Reasons of pause conditions.
pub mod pause {
    /// A pause step of a canary.
    pub const CANARY_PAUSE_STEP: &str = "CanaryPauseStep";
    /// Blue-green waits for promotion.
    pub const BLUE_GREEN_PAUSE: &str = "BlueGreenPause";
    /// An analysis was inconclusive.
    pub const INCONCLUSIVE_ANALYSIS: &str = "InconclusiveAnalysisRun";
    /// An experiment was inconclusive.
    pub const INCONCLUSIVE_EXPERIMENT: &str = "InconclusiveExperiment";
}

/// Types and reasons of conditions (contract 02 §8).
pub mod condition {
    /// The spec is invalid.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// Enough pods are available.
    pub const AVAILABLE: &str = "Available";
    /// An update makes progress.
    pub const PROGRESSING: &str = "Progressing";
    /// A ReplicaSet could not create pods.
    pub const REPLICA_FAILURE: &str = "ReplicaFailure";
    /// The rollout is paused.
    pub const PAUSED: &str = "Paused";
    /// The newest revision is stable.
    pub const COMPLETED: &str = "Completed";
    /// The update under way began with no replicas, and there are still none; of Serin (decision 42).
    pub const BEGAN_WITHOUT_PODS: &str = "BeganWithoutPods";
    /// All is well.
    pub const HEALTHY: &str = "Healthy";
    /// The API server refuses a change, and has done so for a while; ours (decision 47).
    pub const REFUSED: &str = "Refused";
    /// The spec asks for stickiness, and a router that it names has none; the message names these (decision 51).
    pub const STICKINESS_NOT_SERVED: &str = "StickinessNotServed";
    /// A traffic router cannot be written; the message names the object and says why (an addition of Serin).
    pub const TRAFFIC_NOT_ROUTED: &str = "TrafficNotRouted";
    /// What carries the traffic does not confirm what the objects of a router say; the message says what was expected, and
    /// what was found (an addition of Serin).
    pub const TRAFFIC_NOT_VERIFIED: &str = "TrafficNotVerified";
    /// A field of the status does not decode, and the rollout is held; ours.
    pub const STATUS_UNREADABLE: &str = "StatusUnreadable";
    /// Somebody scales the Deployment up again and again although its pods have moved; ours.
    pub const WORKLOAD_SCALE_CONTESTED: &str = "WorkloadScaleContested";
    /// The workload that a rollout refers to runs its pods beside all of the rollout's; ours.
    pub const DOUBLE_CAPACITY: &str = "DoubleCapacity";

    /// Reason of Available.
    pub const AVAILABLE_REASON: &str = "AvailableReason";
    /// Reason of Progressing.
    pub const NEW_REPLICA_SET_CREATED: &str = "NewReplicaSetCreated";
    /// Reason of Progressing.
    pub const FOUND_NEW_REPLICA_SET: &str = "FoundNewReplicaSet";
    /// Reason of Progressing.
    pub const REPLICA_SET_UPDATED: &str = "ReplicaSetUpdated";
    /// Reason of Progressing.
    pub const NEW_REPLICA_SET_AVAILABLE: &str = "NewReplicaSetAvailable";
    /// Reason of Progressing.
    pub const REPLICA_SET_NOT_AVAILABLE: &str = "ReplicaSetNotAvailable";
    /// Reason of Progressing and Paused.
    pub const ROLLOUT_PAUSED: &str = "RolloutPaused";
    /// Reason of Progressing.
    pub const ROLLOUT_RESUMED: &str = "RolloutResumed";
    /// Reason of Progressing.
    pub const ROLLOUT_RETRY: &str = "RolloutRetry";
    /// Reason of Progressing.
    pub const ROLLOUT_ABORTED: &str = "RolloutAborted";
    /// Reason of Progressing.
    pub const PROGRESS_DEADLINE_EXCEEDED: &str = "ProgressDeadlineExceeded";
    /// Reason of Progressing.
    pub const REPLICA_SET_CREATE_ERROR: &str = "ReplicaSetCreateError";
    /// Reason of BeganWithoutPods, and of Progressing where an update waits for pods; of Serin (decision 42).
    pub const NO_REPLICAS: &str = "NoReplicas";
    /// Reason of Healthy.
    pub const ROLLOUT_HEALTHY: &str = "RolloutHealthy";
    /// Reason and message of Completed.
    pub const ROLLOUT_COMPLETED: &str = "RolloutCompleted";
}

/// Phases of a rollout.
pub mod phase {
    /// All is well.
    pub const HEALTHY: &str = "Healthy";
    /// Something is wrong.
    pub const DEGRADED: &str = "Degraded";
    /// Under way.
    pub const PROGRESSING: &str = "Progressing";
    /// Waits for a person or a time.
    pub const PAUSED: &str = "Paused";
}

/// Reasons of events (contract 09 §4).
pub mod event {
    /// A rollout was first seen.
    pub const ADDED_TO_INFORMER: &str = "RolloutAddedToInformer";
    /// The revision changed.
    pub const ROLLOUT_UPDATED: &str = "RolloutUpdated";
    /// A ReplicaSet was created.
    pub const NEW_REPLICA_SET_CREATED: &str = "NewReplicaSetCreated";
    /// A ReplicaSet could not be created.
    pub const REPLICA_SET_CREATE_ERROR: &str = "ReplicaSetCreateError";
    /// Fields of the pod template could not be decoded and were left out of the ReplicaSet.
    pub const UNDECODABLE_TEMPLATE: &str = "UndecodablePodTemplate";
    /// Labels, annotations or other metadata of the rollout do not decode; ours.
    pub const UNDECODABLE_METADATA: &str = "UndecodableMetadata";
    /// A ReplicaSet was scaled.
    pub const SCALING_REPLICA_SET: &str = "ScalingReplicaSet";
    /// The Deployment that a rollout refers to was scaled; ours.
    pub const SCALING_WORKLOAD: &str = "ScalingWorkload";
    /// Somebody scales that Deployment up again and again; ours.
    pub const WORKLOAD_SCALE_CONTESTED: &str = "WorkloadScaleContested";
    /// The weights of the traffic change.
    pub const TRAFFIC_WEIGHT_UPDATED: &str = "TrafficWeightUpdated";
    /// A traffic router cannot be written.
    pub const TRAFFIC_ROUTING_ERROR: &str = "TrafficRoutingError";
    /// A load balancer has the weight that its Ingress says, or a target group the pods of its Service.
    pub const TARGET_GROUP_VERIFIED: &str = "TargetGroupVerified";
    /// It has not.
    pub const TARGET_GROUP_UNVERIFIED: &str = "TargetGroupUnverified";
    /// AWS cannot be asked for the targets of a Service.
    pub const TARGET_GROUP_VERIFY_ERROR: &str = "TargetGroupVerifyError";
    /// AWS has no load balancer with the host name of an Ingress.
    pub const LOAD_BALANCER_NOT_FOUND: &str = "LoadBalancerNotFound";
    /// AWS cannot be asked for the weights.
    pub const WEIGHT_VERIFY_ERROR: &str = "WeightVerifyError";
    /// The selector of a Service was switched.
    pub const SWITCH_SERVICE: &str = "SwitchService";
    /// A step is done.
    pub const STEP_COMPLETED: &str = "RolloutStepCompleted";
    /// Steps are skipped.
    pub const SKIP_STEPS: &str = "SkipSteps";
    /// The rollout waits.
    pub const PAUSED: &str = "RolloutPaused";
    /// The rollout goes on.
    pub const RESUMED: &str = "RolloutResumed";
    /// The update is aborted.
    pub const ABORTED: &str = "RolloutAborted";
    /// The newest revision is stable.
    pub const COMPLETED: &str = "RolloutCompleted";
    /// An update began.
    pub const NOT_COMPLETED: &str = "RolloutNotCompleted";
    /// An Experiment was created.
    pub const EXPERIMENT_CREATED: &str = "ExperimentCreated";
    /// A rollout was deleted.
    pub const DELETED: &str = "RolloutDeleted";
    /// Labels or annotations for pods, in a field that does not apply now, could not be given to any pod; ours (decision
    /// 44).
    pub const INVALID_METADATA: &str = "InvalidPodMetadata";
    /// A field of the status does not decode, and the rollout is held; ours.
    pub const STATUS_UNREADABLE: &str = "StatusUnreadable";
    /// A call of a step plugin has another phase.
    pub const STEP_PLUGIN_TRANSITION: &str = "StepPluginTransition";
    /// A reconcile failed.
    pub const RECONCILIATION_ERROR: &str = "ReconciliationError";
}
