//! `node-lost`: the node of a pod does not answer.

use super::shared::{is_missed, observed};
use super::{CauseKind, Scope};
use crate::case::{Case, Pod};
use crate::explanation::Cause;
use crate::sources::{text, time};

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "node-lost",
    docs: "A node does not answer, and pods of the revision are on it. Seen in the node's condition Ready, in the pod's reason \
           NodeLost, and in pods that are deleted because their node is gone.",
    remedy: "Mend or remove the node; its pods are then made elsewhere.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let mut evidence = Vec::new();
    let mut nodes: Vec<&str> = Vec::new();
    for set in case.sets.iter().filter(|set| set.lacks_pods()) {
        for object in case.index.owned("Pod", set.object) {
            let pod = Pod {
                object,
                set: case.sets.iter().position(|other| other.hash == set.hash),
            };
            if pod.is_ready() || !is_missed(case, &pod) {
                continue;
            }
            let name = object.text("/spec/nodeName");
            let node = case.index.all("Node").find(|node| node.name() == name);
            let ready = node.map(|node| node.condition("Ready"));
            let down = ready.is_some_and(|ready| matches!(text(&ready["status"]), "Unknown" | "False"));
            let taken = text(&object.condition("DisruptionTarget")["reason"]) == "DeletionByTaintManager";
            let lost = object.text("/status/reason") == "NodeLost" || object.text("/status/phase") == "Unknown";
            if !(down || taken || lost) || nodes.contains(&name) {
                continue;
            }
            nodes.push(name);
            evidence.push(match (node, ready) {
                (Some(node), Some(ready)) if down => {
                    let told = format!("Ready is {}: {}", text(&ready["status"]), text(&ready["message"]));
                    case.fact(
                        "node",
                        node,
                        "status.conditions[Ready]",
                        time(&ready["lastTransitionTime"]),
                        &told,
                    )
                }
                _ => case.fact(
                    "pod",
                    object,
                    "status.reason",
                    None,
                    &format!("its node {name} is lost"),
                ),
            });
        }
    }
    let first = nodes.first()?;
    let summary = if nodes.len() == 1 {
        format!("Node {first} does not answer; pods of this rollout are on it.")
    } else {
        format!(
            "Nodes {} do not answer; pods of this rollout are on them.",
            nodes.join(", ")
        )
    };
    Some(observed(&CAUSE, summary, evidence))
}
