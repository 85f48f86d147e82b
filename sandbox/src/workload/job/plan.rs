//! What a Job needs next: pods, the end of some, and its status; by what is seen of it and the time.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use std::cmp::min;

/// The first wait before another pod is tried after a failure; then twice as long each time, up to six minutes.
const BACK_OFF_SECONDS: i64 = 10;
const MOST_BACK_OFF_SECONDS: i64 = 360;

/// What is to be done about a Job.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Pods to create.
    pub(super) create: usize,
    /// Names of pods to delete.
    pub(super) delete: Vec<String>,
    /// Whether the Job itself is to be deleted.
    pub(super) expired: bool,
    /// Its status.
    pub(super) status: k8s_openapi::api::batch::v1::JobStatus,
    /// When to look again.
    pub(super) wake: Option<Timestamp>,
}

/// Pods by how they are.
#[derive(Default)]
struct Counts<'p> {
    active: Vec<&'p Pod>,
    ready: i32,
    succeeded: i32,
    failed: i32,
    last_failure: Option<Timestamp>,
}

impl<'p> Counts<'p> {
    fn of(pods: &'p [Pod]) -> Self {
        let mut counts = Self::default();
        for pod in pods {
            let status = pod.status.as_ref();
            match status.and_then(|status| status.phase.as_deref()) {
                Some("Succeeded") => counts.succeeded += 1,
                Some("Failed") => {
                    counts.failed += 1;
                    counts.last_failure = counts.last_failure.max(ended(pod));
                }
                _ if pod.metadata.deletion_timestamp.is_some() => {}
                _ => {
                    let conditions = status
                        .and_then(|status| status.conditions.as_deref())
                        .unwrap_or_default();
                    let is_ready = conditions.iter().any(|it| it.type_ == "Ready" && it.status == "True");
                    counts.ready += i32::from(is_ready);
                    counts.active.push(pod);
                }
            }
        }
        counts
    }
}

/// When the last container of a pod ended; its creation where none says so.
fn ended(pod: &Pod) -> Option<Timestamp> {
    let containers = pod
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.as_deref());
    let ends = containers.unwrap_or_default().iter().filter_map(|container| {
        let terminated = container.state.as_ref()?.terminated.as_ref()?;
        terminated.finished_at.as_ref().map(|at| at.0)
    });
    ends.max().or(pod.metadata.creation_timestamp.as_ref().map(|at| at.0))
}

/// What comes next.
pub(super) fn next(job: &Job, pods: &[Pod], now: Timestamp) -> Plan {
    let spec = job.spec.clone().unwrap_or_default();
    let mut status = job.status.clone().unwrap_or_default();
    let counts = Counts::of(pods);
    if let Some(end) = is_finished(&status) {
        let expires = spec
            .ttl_seconds_after_finished
            .map(|seconds| after(end, seconds.into()));
        return Plan {
            expired: expires.is_some_and(|at| at <= now),
            wake: expires.filter(|at| *at > now),
            status,
            ..Plan::default()
        };
    }
    if spec.suspend == Some(true) {
        return Plan {
            status,
            ..Plan::default()
        };
    }
    let mut plan = Plan::default();
    let started = status.start_time.get_or_insert(Time(now)).0;
    let wanted = spec.completions.or(spec.parallelism).unwrap_or(1);
    let deadline = spec.active_deadline_seconds.map(|seconds| after(started, seconds));
    let verdict = if deadline.is_some_and(|at| at <= now) {
        Some((
            "Failed",
            "DeadlineExceeded",
            "Job was active longer than specified deadline",
        ))
    } else if counts.failed > spec.backoff_limit.unwrap_or(6) {
        Some((
            "Failed",
            "BackoffLimitExceeded",
            "Job has reached the specified backoff limit",
        ))
    } else if counts.succeeded >= wanted {
        Some((
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
        ))
    } else {
        None
    };
    let active = i32::try_from(counts.active.len()).unwrap_or(i32::MAX);
    status.succeeded = Some(counts.succeeded).filter(|count| *count > 0);
    status.failed = Some(counts.failed).filter(|count| *count > 0);
    let mut running = active;
    if let Some((kind, reason, message)) = verdict {
        plan.delete = counts
            .active
            .iter()
            .filter_map(|pod| pod.metadata.name.clone())
            .collect();
        running = 0;
        if kind == "Complete" {
            status.completion_time = Some(Time(now));
        }
        status.conditions.get_or_insert_default().push(JobCondition {
            type_: kind.to_owned(),
            status: "True".to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_probe_time: Some(Time(now)),
            last_transition_time: Some(Time(now)),
        });
        plan.wake = spec
            .ttl_seconds_after_finished
            .map(|seconds| after(now, seconds.into()));
    } else {
        let missing = min(spec.parallelism.unwrap_or(1), wanted - counts.succeeded) - active;
        let again = counts.last_failure.map(|at| after(at, back_off_seconds(counts.failed)));
        let waits = missing > 0 && again.is_some_and(|at| at > now);
        plan.create = if waits {
            0
        } else {
            usize::try_from(missing).unwrap_or(0)
        };
        plan.wake = [deadline, again.filter(|_| waits)].into_iter().flatten().min();
    }
    status.active = Some(running).filter(|count| *count > 0);
    status.ready = Some(if verdict.is_some() { 0 } else { counts.ready });
    plan.status = status;
    plan
}

/// When it ended, if it has.
fn is_finished(status: &k8s_openapi::api::batch::v1::JobStatus) -> Option<Timestamp> {
    let conditions = status.conditions.as_deref().unwrap_or_default();
    let end = conditions
        .iter()
        .find(|it| matches!(it.type_.as_str(), "Complete" | "Failed") && it.status == "True");
    end.map(|end| {
        end.last_transition_time
            .as_ref()
            .map_or(Timestamp::UNIX_EPOCH, |at| at.0)
    })
}

fn back_off_seconds(failed: i32) -> i64 {
    let doubled = 1_i64.checked_shl(u32::try_from(failed - 1).unwrap_or(0));
    BACK_OFF_SECONDS
        .saturating_mul(doubled.unwrap_or(i64::MAX))
        .clamp(0, MOST_BACK_OFF_SECONDS)
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
