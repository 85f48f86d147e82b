//! Kubernetes Jobs that succeed or fail (contract 08 §3).
//!
//! A measurement is a Job. It is created, looked at until it is complete or has failed, and deleted if the run ends before.
//! Only what was observed counts: a condition counts if its status is True, and a Job of the same name is adopted only if
//! it belongs to the run (contract 11 G9 says what upstream does).

use super::reading::{Failure, Next, Outcome, Reading};
use super::{Context, Environment, Run, Step};
use crate::api::analysis_run::Measurement;
use crate::api::providers::JobMetric;
use crate::api::{API_VERSION, LabelSelector};
use crate::notation::selector;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

/// Label of Jobs and their pods: the UID of the run.
pub const RUN_UID: &str = "analysisrun.argoproj.io/uid";
/// Annotation of Jobs: the name of the run.
pub const RUN_NAME: &str = "analysisrun.argoproj.io/name";
/// Annotation of Jobs: the namespace of the run, which may not be theirs.
pub const RUN_NAMESPACE: &str = "analysisrun.argoproj.io/namespace";
/// Annotation of Jobs: the metric.
const METRIC_NAME: &str = "analysisrun.argoproj.io/metric-name";
/// Metadata of measurements: the Job.
const JOB_NAME: &str = "job-name";
const JOB_NAMESPACE: &str = "job-namespace";

/// The longest name of a Job, because its pods have it as a label.
const LONGEST_NAME: usize = 63;
/// Reasons for which a container waits forever.
const NEVER_STARTS: [&str; 3] = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"];

/// A call to the API server.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Create this Job; the reply is the Job.
    Create(Box<Json>),
    /// Read a Job.
    Get {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
    /// List the pods of a Job, after it was read; the reply is the list.
    Pods {
        /// Namespace.
        namespace: String,
        /// Their labels.
        selector: String,
    },
    /// Delete a Job in the foreground. One that is not there is deleted.
    Delete {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
}

/// What the API server replies.
pub type Reply = Result<Json, Refusal>;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such object.
    NotFound(String),
    /// There is such an object already.
    AlreadyExists(String),
    /// All else.
    Other(String),
}

impl Refusal {
    fn message(&self) -> &str {
        match self {
            Self::NotFound(message) | Self::AlreadyExists(message) | Self::Other(message) => message,
        }
    }
}

/// The first call of a step.
pub(super) fn begin(job: &JobMetric, context: &Context<'_>) -> Result<Call, Failure> {
    match context.step {
        Step::Run { number } => Ok(Call::Create(Box::new(manifest(job, context, number)))),
        Step::Resume(before) => {
            let (namespace, name) = recorded(before, context.run)?;
            Ok(Call::Get { namespace, name })
        }
        Step::Terminate(before) => {
            let (namespace, name) = recorded(before, context.run)?;
            Ok(Call::Delete { namespace, name })
        }
    }
}

/// What follows from a reply.
pub(super) fn read(context: &Context<'_>, call: &Call, reply: &Reply) -> Result<Next, Failure> {
    match call {
        Call::Create(job) => created(context, job, reply),
        Call::Get { name, .. } => match context.step {
            Step::Run { .. } => adopted(context, reply),
            Step::Resume(_) | Step::Terminate(_) => looked_at(context, name, reply),
        },
        Call::Pods { .. } => pods(context, reply),
        Call::Delete { .. } => match reply {
            Ok(_) | Err(Refusal::NotFound(_)) => Ok(Next::Done(Reading::judged("Inconclusive", ""))),
            Err(Refusal::AlreadyExists(message) | Refusal::Other(message)) => Err(message.as_str().into()),
        },
    }
}

/// The Job of a measurement.
fn manifest(job: &JobMetric, context: &Context<'_>, number: i32) -> Json {
    let Context { run, environment, .. } = *context;
    let namespace = namespace(run, environment);
    let mut labels = job.metadata.labels.clone();
    labels.insert(RUN_UID.to_owned(), run.uid.clone());
    let mut annotations = job.metadata.annotations.clone();
    for (key, value) in [
        (RUN_NAME, &run.name),
        (RUN_NAMESPACE, &run.namespace),
        (METRIC_NAME, &context.metric.name),
    ] {
        annotations.insert(key.to_owned(), value.clone());
    }
    let mut metadata = json!({
        "name": job_name(&run.uid, &context.metric.name, number),
        "namespace": namespace,
        "labels": labels,
        "annotations": annotations,
    });
    if is_owned(run, environment) {
        metadata["ownerReferences"] = json!([{
            "apiVersion": API_VERSION,
            "kind": "AnalysisRun",
            "name": run.name,
            "uid": run.uid,
            "controller": true,
            "blockOwnerDeletion": true,
        }]);
    }
    let mut spec = if job.spec.is_object() {
        job.spec.clone()
    } else {
        json!({})
    };
    let mut below = &mut spec;
    for key in ["template", "metadata", "labels"] {
        below = &mut below[key];
        if !below.is_object() {
            *below = json!({});
        }
    }
    below[RUN_UID] = json!(run.uid);
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})
}

/// `<uid>.<metric>.<n>`, of which the metric is shortened. What is left of it ends with a letter or a digit, because the API
/// server refuses all else before a dot.
pub(crate) fn job_name(uid: &str, metric: &str, number: i32) -> String {
    let others = format!("{uid}..{number}").len();
    let mut length = metric.len().min(LONGEST_NAME.saturating_sub(others));
    while !metric.is_char_boundary(length) {
        length -= 1;
    }
    let metric = if length < metric.len() {
        metric[..length].trim_end_matches(|it: char| !it.is_ascii_alphanumeric())
    } else {
        metric
    };
    format!("{uid}.{metric}.{number}")
}

/// The name of the Job of a measurement, if it has one.
pub(crate) fn job_of(measurement: &Measurement) -> Option<&str> {
    let name = measurement.metadata.get(JOB_NAME)?;
    Some(name.as_str()).filter(|name| !name.is_empty())
}

/// Where the Jobs of a run are.
fn namespace<'a>(run: &'a Run, environment: &'a Environment) -> &'a str {
    let elsewhere = environment.job_namespace.as_str();
    if elsewhere.is_empty() {
        &run.namespace
    } else {
        elsewhere
    }
}

/// Whether the run owns its Jobs: an owner is in the same namespace of the same cluster.
fn is_owned(run: &Run, environment: &Environment) -> bool {
    !environment.jobs_elsewhere && namespace(run, environment) == run.namespace
}

fn created(context: &Context<'_>, job: &Json, reply: &Reply) -> Result<Next, Failure> {
    match reply {
        Ok(job) => Ok(Next::Done(begun(context, job))),
        Err(Refusal::AlreadyExists(_)) => Ok(Next::Cluster(Call::Get {
            namespace: text(&job["metadata"]["namespace"]),
            name: text(&job["metadata"]["name"]),
        })),
        Err(Refusal::NotFound(message) | Refusal::Other(message)) => Err(message.as_str().into()),
    }
}

/// A Job of the same name that was there: it is this measurement's if it belongs to the run.
fn adopted(context: &Context<'_>, reply: &Reply) -> Result<Next, Failure> {
    let job = match reply {
        Ok(job) => job,
        Err(refusal) => return Err(refusal.message().into()),
    };
    let metadata = &job["metadata"];
    let owner = if is_owned(context.run, context.environment) {
        let owners = metadata["ownerReferences"].as_array().into_iter().flatten();
        let controller = owners.into_iter().find(|owner| owner["controller"] == true);
        controller.map_or_else(String::new, |owner| text(&owner["uid"]))
    } else {
        text(&metadata["labels"][RUN_UID])
    };
    if owner == context.run.uid {
        return Ok(Next::Done(begun(context, job)));
    }
    Err(format!("jobs.batch \"{}\" already exists", text(&metadata["name"])).into())
}

/// A measurement whose Job is there. It is looked at once more at once, because a Job may be short.
fn begun(context: &Context<'_>, job: &Json) -> Reading {
    let mut reading = Reading::running(context.now);
    for (key, field) in [(JOB_NAME, "name"), (JOB_NAMESPACE, "namespace")] {
        reading.metadata.insert(key.to_owned(), text(&job["metadata"][field]));
    }
    reading
}

/// The Job that a measurement names: namespace and name.
fn recorded(before: &Measurement, run: &Run) -> Result<(String, String), Failure> {
    let named = |key: &str| before.metadata.get(key).filter(|value| !value.is_empty()).cloned();
    let name = named(JOB_NAME).ok_or_else(|| "job metadata reference missing".to_owned())?;
    Ok((named(JOB_NAMESPACE).unwrap_or_else(|| run.namespace.clone()), name))
}

/// How a Job with this status ended, as the phase of its measurement; none while it runs. A condition counts if it is True
/// (contract 08 §3, argo-rollouts#521).
#[must_use]
pub fn ended(status: &Json) -> Option<&'static str> {
    let is_true = |wanted: &str| {
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        conditions.any(|condition| condition["type"] == wanted && condition["status"] == "True")
    };
    let ends = [("Failed", "Failed"), ("Complete", "Successful")];
    ends.into_iter().find(|(end, _)| is_true(end)).map(|(_, phase)| phase)
}

fn looked_at(context: &Context<'_>, name: &str, reply: &Reply) -> Result<Next, Failure> {
    let job = match reply {
        Ok(job) => job,
        Err(Refusal::NotFound(_)) => return Err(format!("job.batch \"{name}\" not found").into()),
        Err(Refusal::AlreadyExists(message) | Refusal::Other(message)) => return Err(message.as_str().into()),
    };
    if let Some(phase) = ended(&job["status"]) {
        return Ok(Next::Done(Reading::judged(phase, "")));
    }
    let selector: Option<LabelSelector> = serde_json::from_value(job["spec"]["selector"].clone()).unwrap_or_default();
    match selector {
        Some(selector) if !selector::is_empty(&selector) => Ok(Next::Cluster(Call::Pods {
            namespace: text(&job["metadata"]["namespace"]),
            selector: selector::format(&selector),
        })),
        Some(_) | None => Ok(Next::Done(Reading::running(next_look(context)))),
    }
}

fn pods(context: &Context<'_>, reply: &Reply) -> Result<Next, Failure> {
    let list = match reply {
        Ok(list) => list,
        Err(refusal) => return Err(refusal.message().into()),
    };
    let pods = list["items"].as_array().into_iter().flatten();
    Ok(Next::Done(match pods.into_iter().find_map(never_starts) {
        Some(message) => Reading::judged("Inconclusive", message),
        None => Reading::running(next_look(context)),
    }))
}

/// Why a pod never starts, if a container of it cannot.
fn never_starts(pod: &Json) -> Option<String> {
    let containers = ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .flat_map(|kind| pod["status"][kind].as_array().into_iter().flatten());
    let mut stuck = containers.filter_map(|container| {
        let waiting = &container["state"]["waiting"];
        let reason = waiting["reason"].as_str()?;
        NEVER_STARTS.contains(&reason).then(|| {
            let (pod, name) = (text(&pod["metadata"]["name"]), text(&container["name"]));
            let message = text(&waiting["message"]);
            format!("Pod {pod}, container {name} has terminal error ({reason}): {message}\n")
        })
    });
    stuck.next()
}

/// When a Job is looked at again: the longer it runs, the later.
fn next_look(context: &Context<'_>) -> Timestamp {
    let started = context.before().and_then(|before| before.started_at.as_ref());
    let elapsed = started.map_or(0.0, |started| context.now.duration_since(started.0).as_secs_f64());
    let delay = SignedDuration::try_from_secs_f64((2.0 * elapsed.max(0.0)).sqrt()).unwrap_or_default();
    context.now.saturating_add(delay).unwrap_or(context.now)
}

/// Which Jobs may be garbage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surplus {
    /// Namespace in which they are listed.
    pub namespace: String,
    /// Their labels.
    pub selector: String,
}

/// Where the Jobs of a run are looked for when they are collected. The measurements of all its metrics count.
#[must_use]
pub fn collect(run: &Run, environment: &Environment) -> Surplus {
    Surplus {
        namespace: namespace(run, environment).to_owned(),
        selector: format!("{RUN_UID}={}", run.uid),
    }
}

/// Names of the Jobs of a list that are beyond a limit, oldest first.
#[must_use]
pub fn surplus(list: &Json, limit: usize) -> Vec<String> {
    let jobs = list["items"].as_array().into_iter().flatten();
    let mut jobs: Vec<(String, String)> = jobs
        .map(|job| {
            (
                text(&job["metadata"]["creationTimestamp"]),
                text(&job["metadata"]["name"]),
            )
        })
        .collect();
    jobs.sort();
    jobs.truncate(jobs.len().saturating_sub(limit));
    jobs.into_iter().map(|(_, name)| name).collect()
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Reading {
    /// A measurement that goes on as it is.
    pub(super) fn unchanged(before: &Measurement) -> Self {
        Self {
            outcome: Outcome::Running {
                resume_at: before.resume_at.as_ref().map(|at| at.0),
            },
            text: before.value.clone(),
            ..Self::default()
        }
    }
}
