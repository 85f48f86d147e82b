//! ReplicaSets that shrink while what is known of their pods is a moment old (decision 45). Lives found each of these.

use crate::{now, rollout, set, settled};
use serde_json::json;
use serin_core::plan::{Action, Plan, ReplicaSetAction};
use serin_core::{Observed, decide};

/// The sizes that a plan gives, by the hash of the ReplicaSet.
fn sizes(plan: &Plan) -> Vec<(String, i32)> {
    let sizes = plan.actions.iter().filter_map(|action| match action {
        Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => {
            let hash = patch.target.name.trim_start_matches("web-").to_owned();
            patch.replicas.map(|replicas| (hash, replicas))
        }
        _ => None,
    });
    sizes.collect()
}

/// Of the four pods that a superseded ReplicaSet still reports one is available. It was asked to keep one, and nobody knows
/// which: where all pods are needed it may be that one.
#[test]
fn the_pod_that_is_left_of_a_superseded_revision_may_be_the_available_one() {
    let strategy = json!({"canary": {"maxSurge": "50%", "maxUnavailable": 0, "steps": [{"setWeight": 17}]}});
    let spec = json!({"replicas": 6, "minReadySeconds": 2, "strategy": strategy});
    let mut seen = rollout(&spec, &json!({"stableRS": "old", "currentStepIndex": 0}));
    let new = seen.identity.pod_hash.clone();
    set(&mut seen, "old", 2, 5, 5);
    set(&mut seen, "mid", 3, 4, 1);
    set(&mut seen, &new, 4, 1, 0);
    seen.pods.clear();
    for set in &mut seen.replica_sets {
        set.min_ready_seconds = 2;
    }
    let mid = &mut seen.replica_sets[1];
    (mid.replicas, mid.ready_replicas) = (1, 4);
    assert_eq!(
        sizes(&decide(&seen, now())),
        [],
        "6 pods are needed, and 5 of stable are available"
    );
    // Its controller has acted, and the pod of the new revision is available.
    let mid = &mut seen.replica_sets[1];
    (mid.current_replicas, mid.ready_replicas) = (1, 1);
    assert_eq!(sizes(&decide(&seen, now())), []);
    let new = &mut seen.replica_sets[2];
    (new.ready_replicas, new.available_replicas) = (1, 1);
    assert_eq!(sizes(&decide(&seen, now())), [("mid".to_owned(), 0)]);
}

/// Its controller may have made pods for the size that it had before: each further step would give away the same pod again.
#[test]
fn a_replica_set_whose_controller_is_behind_does_not_shrink_step_by_step() {
    let mut seen = settled(3, 3, 3, &json!(1));
    let behind = |seen: &mut Observed, behind: bool| {
        let set = &mut seen.replica_sets[0];
        (set.replicas, set.min_ready_seconds) = (9, 1);
        (set.generation, set.observed_generation) = (2, if behind { 1 } else { 2 });
        set.current_replicas = if behind { 3 } else { 9 };
    };
    behind(&mut seen, true);
    assert_eq!(sizes(&decide(&seen, now())), []);
    behind(&mut seen, false);
    seen.pods.clear();
    let hash = seen.identity.pod_hash.clone();
    assert_eq!(
        sizes(&decide(&seen, now())),
        [(hash, 3)],
        "three are ready, and the others go first"
    );
}
