//! How a life ends: what can be asked of a rollout at rest, and where only a person helps.

use serde_json::json;
use serin_world::World;

/// Wherever it rests, an update that is aborted gives all of its pods back to stable, if those can be ready (L2).
pub(crate) fn abort_at_rest(world: &mut World) {
    let before = world.current().status;
    let aborts = before.stable_rs != before.current_pod_hash && !before.stable_rs.is_empty();
    if !aborts || before.message.starts_with("InvalidSpec") || world.rollout["spec"]["paused"] == true {
        return;
    }
    let stable = |world: &World| {
        let hash = world.current().status.stable_rs;
        world.sets.iter().position(|set| set.object.hash() == hash)
    };
    let Some(index) = stable(world) else { return };
    world.heal_pods(index);
    world.edit_status(&json!({ "abort": true }));
    world.wait(300);
    let status = world.current().status;
    let replicas = world.rollout["spec"]["replicas"].as_i64().unwrap_or(1);
    // An update that began with no replicas cannot go back to what has no pods (decision 42).
    let available = stable(world).map_or(0, |index| world.sets[index].available(world.now));
    if status.stable_rs == before.stable_rs && i64::from(available) < replicas {
        world.break_rule(format!(
            "L2: aborted, stable has {available} of {replicas} pods: {} {}",
            status.phase, status.message
        ));
    }
}

/// What the stable Service leads to is neither stable nor the newest, and stable is dead: the pods that serve may not go,
/// the Service may not move, and the first step waits for both (decisions 6, 43).
pub(crate) fn leads_to_superseded_pods(world: &World) -> bool {
    let status = world.current().status;
    let hash = world.selected("stable");
    let find = |hash: &str| world.sets.iter().find(|set| set.object.hash() == hash);
    let superseded = hash != status.stable_rs && hash != status.current_pod_hash && find(hash).is_some();
    let dead = find(&status.stable_rs).is_some_and(|set| set.available(world.now) == 0);
    superseded && dead && status.phase != "Healthy"
}
