//! `crash`: a process ends again and again.

use super::shared::{Hit, is_missed, of_hits};
use super::{CauseKind, Scope};
use crate::case::{Case, Container, Ended, Part, Pod};
use crate::explanation::{Cause, State};
use jiff::SignedDuration;

/// So many restarts within [`RECENT`] are a loop, although the container is ready between two of them.
const MANY: i64 = 3;
const RECENT: SignedDuration = SignedDuration::from_mins(10);

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "crash",
    docs: "The process of a container ends again and again, or has ended with an error. Seen in how it ended last: exit code, \
           signal, restarts. Its last message is never shown, because it may repeat a secret.",
    remedy: "Read the log of the process before: kubectl logs POD -c CONTAINER --previous.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let mut how = String::new();
    let hits = ended(case, |pod, container, ended| {
        let by_oom = ended.reason == "OOMKilled";
        let by_start = matches!(ended.reason, "StartError" | "ContainerCannotRun");
        if by_oom || by_start || container.init {
            return None;
        }
        let code = exit(ended);
        if how.is_empty() {
            how = format!(": container {} ended with {code}", container.name);
        }
        let told = format!(
            "container {} ended with {code}, {} restarts",
            container.name,
            container.restarts()
        );
        let field = if ended.still {
            "state.terminated"
        } else {
            "lastState.terminated"
        };
        Some(case.fact("pod", pod.object, &container.field(field), ended.at, &told))
    });
    of_hits(&CAUSE, case, hits, "crashes", "crash", &how)
}

/// Exit code, and the signal that it stands for.
fn exit(ended: &Ended<'_>) -> String {
    let signal = ended
        .signal
        .or((129..=159).contains(&ended.code).then(|| ended.code - 128));
    match signal {
        Some(signal) => format!("exit code {} (signal {signal})", ended.code),
        None => format!("exit code {}", ended.code),
    }
}

/// Pods of which a container's process ended, and matters: it is down; or it came back, and the update failed meanwhile or it
/// goes on for ever.
pub(super) fn ended<'a>(
    case: &Case<'a>,
    mut look: impl FnMut(&Pod<'a>, &Container<'a>, &Ended<'a>) -> Option<crate::explanation::Evidence>,
) -> Vec<Hit<'a>> {
    let mut hits = Vec::new();
    for pod in &case.pods {
        let found = pod.containers().into_iter().find_map(|container| {
            let ended = container.ended()?;
            matters(case, pod, &container, &ended)
                .then(|| look(pod, &container, &ended))
                .flatten()
        });
        hits.extend(found.map(|evidence| Hit { pod: *pod, evidence }));
    }
    hits
}

fn matters(case: &Case<'_>, pod: &Pod<'_>, container: &Container<'_>, ended: &Ended<'_>) -> bool {
    let part = pod.set.and_then(|at| case.sets.get(at)).map(|set| set.part);
    if part == Some(Part::Old) {
        return false;
    }
    let waiting = container.waiting().0;
    if !matches!(waiting, "" | "CrashLoopBackOff") {
        // It waits for something else now.
        return false;
    }
    let failed = ended.code != 0 || ended.reason == "OOMKilled" || waiting == "CrashLoopBackOff";
    let down = !container.is_ready() && is_missed(case, pod);
    let recent = ended.at.is_none_or(|at| case.now.duration_since(at) <= RECENT);
    let loops = container.restarts() >= MANY && recent;
    // It came back, and what was measured meanwhile failed.
    let in_update = part == Some(Part::New) && case.state() == State::Degraded && container.restarts() > 0;
    failed && (down || loops || in_update)
}
