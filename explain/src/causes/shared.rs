//! What several detectors need.

use super::CauseKind;
use crate::case::{Case, Container, Part, Pod, event_time};
use crate::explanation::{Cause, Confidence, Evidence};
use crate::sources::{Object, text, time};
use jiff::{SignedDuration, Timestamp};
use serin_core::wire::condition;

/// Facts of one kind that are told; more are counted.
const FACTS: usize = 3;

/// A cause that the evidence says.
pub(super) fn observed(kind: &CauseKind, summary: String, evidence: Vec<Evidence>) -> Cause {
    cause(kind, Confidence::Observed, summary, evidence)
}

/// A cause that follows from what was seen.
pub(super) fn inferred(kind: &CauseKind, summary: String, evidence: Vec<Evidence>) -> Cause {
    cause(kind, Confidence::Inferred, summary, evidence)
}

fn cause(kind: &CauseKind, confidence: Confidence, summary: String, evidence: Vec<Evidence>) -> Cause {
    Cause {
        id: kind.id.to_owned(),
        confidence,
        summary,
        evidence,
    }
}

/// A pod that has a fault.
pub(super) struct Hit<'a> {
    pub(super) pod: Pod<'a>,
    pub(super) evidence: Evidence,
}

/// Whether the pods of this pod's ReplicaSet are missed: a pod too many that fails is no cause, and what becomes of an
/// earlier revision is none of ours.
pub(super) fn is_missed(case: &Case<'_>, pod: &Pod<'_>) -> bool {
    let Some(set) = pod.set.and_then(|at| case.sets.get(at)) else {
        return true;
    };
    set.part != Part::Old && (set.lacks_pods() || set.ready < set.wanted)
}

/// The containers with a fault among those of pods that are missed, one for each pod.
pub(super) fn containers<'a>(
    case: &Case<'a>,
    mut look: impl FnMut(&Pod<'a>, &Container<'a>) -> Option<Evidence>,
) -> Vec<Hit<'a>> {
    let missed = case.pods.iter().filter(|pod| is_missed(case, pod));
    missed
        .filter_map(|pod| {
            let evidence = pod.containers().iter().find_map(|container| look(pod, container))?;
            Some(Hit { pod: *pod, evidence })
        })
        .collect()
}

/// The pods with a fault among those that are missed.
pub(super) fn pods<'a>(case: &Case<'a>, mut look: impl FnMut(&Pod<'a>) -> Option<Evidence>) -> Vec<Hit<'a>> {
    let missed = case.pods.iter().filter(|pod| is_missed(case, pod));
    missed
        .filter_map(|pod| {
            Some(Hit {
                pod: *pod,
                evidence: look(pod)?,
            })
        })
        .collect()
}

/// The cause that hits make, if there are any: "2 of 3 pods of revision 42 cannot …".
pub(super) fn of_hits(
    kind: &CauseKind,
    case: &Case<'_>,
    hits: Vec<Hit<'_>>,
    one: &str,
    many: &str,
    rest: &str,
) -> Option<Cause> {
    let first = hits.first()?;
    let set = first.pod.set.and_then(|at| case.sets.get(at));
    let same = hits.iter().filter(|hit| hit.pod.set == first.pod.set).count();
    let (whose, of) = match set {
        Some(set) => (set.words(), usize::try_from(set.wanted.max(0)).unwrap_or(0).max(same)),
        None => (format!("the measuring Job ({})", first.pod.object.name()), same),
    };
    let (does, pods) = if same == 1 { (one, "pod") } else { (many, "pods") };
    let count = if of == same && same == 1 {
        "The pod".to_owned()
    } else if of == same {
        format!("All {of} pods")
    } else {
        format!("{same} of {of} {}", if of == 1 { pods } else { "pods" })
    };
    let summary = format!("{count} of {whose} {does}{rest}.");
    let mut evidence: Vec<Evidence> = Vec::new();
    for hit in hits {
        if evidence.len() < FACTS {
            evidence.push(hit.evidence);
        }
    }
    Some(observed(kind, summary, evidence))
}

/// The newest Warning about an object for one of the reasons, as a fact.
pub(super) fn warning(case: &Case<'_>, about: &Object, reasons: &[&str]) -> Option<Evidence> {
    let events = case.events(about);
    let event = events.iter().find(|event| reasons.contains(&event.text("/reason")))?;
    Some(case.event_fact(event))
}

/// A short name of what stands between two quotes (`"`, `'` or a backtick) after a word.
pub(super) fn quoted_after<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.split_once(word)?.1.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    rest[quote.len_utf8()..]
        .split_once(quote)
        .map(|(name, _)| name)
        .filter(|name| !name.is_empty())
}

/// The message of the InvalidSpec condition, if it speaks of the present spec.
pub(super) fn invalid_message<'a>(case: &Case<'a>) -> Option<&'a str> {
    let condition = case.object.condition(condition::INVALID_SPEC);
    let stands = text(&condition["status"]) == "True" && case.generation_is_observed();
    stands.then(|| text(&condition["message"]))
}

/// The newest event about the object of one of these reasons, unless one of `mended` came after it, or it is older than
/// `limit`.
pub(super) fn standing_event<'a>(
    case: &Case<'a>,
    reasons: &[&str],
    mended: &[&str],
    limit: SignedDuration,
) -> Option<&'a Object> {
    let events = case.events(case.object);
    let newest = events
        .iter()
        .find(|event| reasons.contains(&event.text("/reason")) || mended.contains(&event.text("/reason")))?;
    let fresh = event_time(newest).is_none_or(|at| case.now.duration_since(at) <= limit);
    (reasons.contains(&newest.text("/reason")) && fresh).then_some(*newest)
}

/// What the controller last said it could not do, from conditions and events: (text, fact).
pub(super) fn complaints(case: &Case<'_>) -> Vec<(String, Evidence)> {
    let mut all = Vec::new();
    let mut add = |told: &str, fact: Option<Evidence>| all.extend(fact.map(|fact| (told.to_owned(), fact)));
    for kind in [
        condition::REFUSED,
        condition::INVALID_SPEC,
        condition::REPLICA_FAILURE,
        condition::TRAFFIC_NOT_ROUTED,
        condition::TRAFFIC_NOT_VERIFIED,
    ] {
        let condition = case.object.condition(kind);
        if text(&condition["status"]) == "True" {
            add(text(&condition["message"]), case.condition_fact(case.object, kind));
        }
    }
    let progressing = case.object.condition(condition::PROGRESSING);
    if text(&progressing["reason"]) == condition::REPLICA_SET_CREATE_ERROR {
        add(
            text(&progressing["message"]),
            case.condition_fact(case.object, condition::PROGRESSING),
        );
    }
    for set in case
        .sets
        .iter()
        .filter(|set| set.current < set.wanted && set.part != Part::Old)
    {
        let failure = set.object.condition(condition::REPLICA_FAILURE);
        if text(&failure["status"]) == "True" {
            add(
                text(&failure["message"]),
                case.condition_fact(set.object, condition::REPLICA_FAILURE),
            );
        }
    }
    let reasons = [
        "ReconciliationError",
        "TrafficRoutingError",
        "ReplicaSetCreateError",
        "WeightVerifyError",
        "TargetGroupVerifyError",
    ];
    let mended = [
        "TrafficWeightUpdated",
        "NewReplicaSetCreated",
        "RolloutStepCompleted",
        "RolloutCompleted",
        "ScalingReplicaSet",
    ];
    if let Some(event) = standing_event(case, &reasons, &mended, SignedDuration::from_mins(30)) {
        add(event.text("/message"), Some(case.event_fact(event)));
    }
    all
}

/// Whether a text says that somebody may not do something (RBAC), as opposed to a quota or an admission rule.
pub(super) fn is_rbac(told: &str) -> bool {
    told.contains(" cannot ") && told.contains(" resource ") && told.contains("orbidden")
        || told.contains(" cannot ") && told.contains(" resource \"")
}

/// The message of a condition that is True, and the condition as evidence.
pub(super) fn standing<'a>(case: &Case<'a>, kind: &str) -> Option<(&'a str, Evidence)> {
    let condition = case.object.condition(kind);
    let fact = case.condition_fact(case.object, kind)?;
    (text(&condition["status"]) == "True").then(|| (text(&condition["message"]), fact))
}

/// What is wrong, as a sentence, of a message that says what to do after a colon.
pub(super) fn fault_of(message: &str) -> String {
    let fault = message.split_once(": ").map_or(message, |(fault, _)| fault);
    format!("{}.", short(clause(fault), 200))
}

/// When a condition last changed.
pub(super) fn condition_time(object: &Object, kind: &str) -> Option<Timestamp> {
    let condition = object.condition(kind);
    time(&condition["lastTransitionTime"]).or_else(|| time(&condition["lastUpdateTime"]))
}

/// A text without its tail where it is long: at a word, with an ellipsis.
pub(super) fn short(text: &str, longest: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= longest {
        return line.to_owned();
    }
    let cut: String = line.chars().take(longest).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head).to_owned();
    format!("{cut} …")
}

/// A text without its closing full stop, to stand before another.
pub(super) fn clause(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}
