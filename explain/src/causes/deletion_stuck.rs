//! `deletion-stuck`: something that is to be deleted does not go.

use super::shared::observed;
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::case::age::age;
use crate::explanation::Cause;
use crate::sources::text;
use jiff::SignedDuration;

const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "deletion-stuck",
    docs: "The object is being deleted and a finalizer holds it; or pods that are to end do not, long after their grace period.",
    remedy: "Look at who owns the finalizer, or at the pod's node.",
    detect,
    scope: Scope::Always,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let object = case.object;
    if let Some(at) = object.deleted().filter(|at| case.now.duration_since(*at) > PATIENCE) {
        let finalizers: Vec<&str> = object.list("/metadata/finalizers").iter().map(text).collect();
        let held = if finalizers.is_empty() {
            "nothing says what holds it".to_owned()
        } else {
            format!("held by finalizer {}", finalizers.join(", "))
        };
        let fact = case.fact("metadata", object, "metadata.finalizers", Some(at), &held);
        let summary = format!(
            "{} {} is being deleted for {} and does not go: {held}.",
            object.kind(),
            object.name(),
            age(case.now, Some(at))
        );
        return Some(observed(&CAUSE, summary, vec![fact]));
    }
    if case.state() == crate::explanation::State::Healthy {
        return None;
    }
    for set in &case.sets {
        let stuck = case.index.owned("Pod", set.object).find(|pod| {
            // The deletion timestamp is when the grace period is over.
            pod.deleted().is_some_and(|at| case.now.duration_since(at) > PATIENCE)
        });
        if let Some(pod) = stuck {
            let finalizers: Vec<&str> = pod.list("/metadata/finalizers").iter().map(text).collect();
            let held = match finalizers.as_slice() {
                [] => format!("node {}", pod.text("/spec/nodeName")),
                some => format!("finalizer {}", some.join(", ")),
            };
            let fact = case.fact(
                "pod",
                pod,
                "metadata.deletionTimestamp",
                pod.deleted(),
                &format!("still there; {held}"),
            );
            let summary = format!(
                "Pod {} of {} is to end and does not, {} after its grace period ({held}).",
                pod.name(),
                set.words(),
                age(case.now, pod.deleted())
            );
            return Some(observed(&CAUSE, summary, vec![fact]));
        }
    }
    None
}
