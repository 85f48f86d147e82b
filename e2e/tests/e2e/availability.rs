//! Decision 45: whatever changes in the middle of an update, no more pods are unavailable than `maxUnavailable` allows. The
//! pods themselves are counted at every change, not the counters of their ReplicaSets, which can be a moment old (contract 11 F1).

use anyhow::{Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use serin_e2e::World;
use serin_e2e::availability::{Availability, Least};
use serin_e2e::story::Story;
use serin_e2e::world::Wishes;
use serin_sandbox::workload::replica_set;

/// With the default limits of 25 %, one of five may be unavailable.
const FIVE: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 5
  progressDeadlineSeconds: 60
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: 'app:1'}]}
  strategy:
    canary:
      steps: [{setWeight: 40}, {pause: {}}]
";

/// A ReplicaSet controller that is as far behind as that of Kubernetes.
pub(crate) fn wishes() -> Wishes {
    Wishes {
        replica_sets: replica_set::Options::kubernetes(),
        ..Wishes::default()
    }
}

fn at_least(wanted: usize, least: &Least, of: &str) -> Result<()> {
    ensure!(
        least.count >= wanted,
        "{} {of} were available, and not {wanted}:{}",
        least.count,
        least.pods
    );
    Ok(())
}

/// Five pods of the first revision, and what has been available since.
async fn five(world: &mut World) -> Result<Availability> {
    world.given().rollout(FIVE).then().healthy().ready_pods(1, 5).await?;
    Availability::watch(world).await
}

/// All pods are of one revision in the end, and four of five were available all the time.
async fn ends_at(story: Story<'_>, seen: &Availability, revision: i64, gone: i64) -> Result<()> {
    story.then().healthy().ready_pods(revision, 5).pods(gone, 0).await?;
    at_least(4, &seen.least().await?, "pods")
}

/// To the pause at 40 %.
fn paused(world: &mut World) -> Story<'_> {
    world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .ready_pods(2, 2)
        .ready_pods(1, 3)
}

pub(crate) async fn of_a_whole_update(world: &mut World) -> Result<()> {
    let seen = five(world).await?;
    let story = paused(world).when().promote();
    ends_at(story, &seen, 2, 1).await
}

pub(crate) async fn of_a_way_back_from_the_pause(world: &mut World) -> Result<()> {
    let seen = five(world).await?;
    let story = paused(world).when().set_image("app:1");
    ends_at(story, &seen, 3, 2).await
}

pub(crate) async fn of_a_way_back_with_a_killed_controller(world: &mut World) -> Result<()> {
    let seen = five(world).await?;
    let story = paused(world)
        .when()
        .set_image("app:1")
        .until("the canary is wanted at fewer pods", |view| {
            let wanted = view.replica_set(2).and_then(|it| it.spec.replicas);
            (wanted < Some(2))
                .then_some(())
                .ok_or_else(|| format!("it is wanted at {wanted:?}"))
        })
        .kill_controller()
        .start_controller();
    ends_at(story, &seen, 3, 2).await
}

pub(crate) async fn of_a_newer_update_in_the_pause(world: &mut World) -> Result<()> {
    let seen = five(world).await?;
    let story = paused(world)
        .when()
        .set_image("app:3")
        .then()
        .ready_pods(3, 2)
        .ready_pods(1, 3)
        .pods(2, 0)
        .phase("Paused")
        .when()
        .promote();
    ends_at(story, &seen, 3, 1).await
}

pub(crate) async fn of_an_abort_in_the_pause(world: &mut World) -> Result<()> {
    let seen = five(world).await?;
    paused(world)
        .when()
        .abort()
        .then()
        .phase("Degraded")
        .ready_pods(1, 5)
        .pods(2, 0)
        .await?;
    at_least(4, &seen.least().await?, "pods")
}

/// An update that pauses when all five pods behind a Service are new, and what has been available since that pause. Before it,
/// the weight decides how many pods are behind the Service.
async fn all_are_new(world: &mut World) -> Result<Availability> {
    let steps = json!([{"setWeight": 100}, {"pause": {}}]);
    let canary = json!({"stableService": "stable", "canaryService": "canary", "steps": steps});
    world
        .given()
        .service("stable")
        .service("canary")
        .rollout(FIVE)
        .edit(json!({"spec": {"strategy": {"canary": canary}}}))
        .then()
        .healthy()
        .ready_pods(1, 5)
        .serves("stable", 1)
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .ready_pods(2, 5)
        .serves("stable", 2)
        .await?;
    Availability::watch(world).await
}

/// Decision 43: a Service moves to as many pods as must be available, or to no fewer than it had.
async fn moved_well(seen: &Availability) -> Result<()> {
    at_least(4, &seen.least().await?, "pods")?;
    let moves = seen.moves("stable").await?;
    ensure!(!moves.is_empty(), "the stable Service never moved");
    for [before, after] in moves {
        ensure!(
            after >= before.min(4),
            "the stable Service moved from {before} to {after} available pods"
        );
    }
    at_least(2, &seen.least_behind("stable").await?, "pods behind the stable Service")
}

pub(crate) async fn behind_a_service_after_an_abort_at_full_weight(world: &mut World) -> Result<()> {
    let seen = all_are_new(world).await?;
    world
        .when()
        .abort()
        .then()
        .phase("Degraded")
        .ready_pods(1, 5)
        .pods(2, 0)
        .serves("stable", 1)
        .await?;
    moved_well(&seen).await
}

pub(crate) async fn behind_a_service_when_a_newer_update_comes_at_full_weight(world: &mut World) -> Result<()> {
    let seen = all_are_new(world).await?;
    world
        .when()
        .set_image("app:3")
        .then()
        .ready_pods(3, 5)
        .pods(2, 0)
        .phase("Paused")
        .when()
        .promote()
        .then()
        .healthy()
        .serves("stable", 3)
        .pods(1, 0)
        .await?;
    moved_well(&seen).await
}

/// Decision 9, contract 11 F2.
pub(crate) async fn of_the_restart_of_a_single_pod(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(FIVE)
        .edit(json!({"spec": {"replicas": 1}}))
        .then()
        .healthy()
        .ready_pods(1, 1)
        .await?;
    let seen = Availability::watch(world).await?;
    let at = world.now() + SignedDuration::from_secs(1);
    let at = Timestamp::from_second(at.as_second())?.to_string();
    world
        .when()
        .edit(json!({"spec": {"restartAt": at}}))
        .then()
        .until("the restart is over", move |view| {
            let over = view.rollout.status.restarted_at.is_some();
            over.then_some(()).ok_or_else(|| "it is not".to_owned())
        })
        .healthy()
        .ready_pods(1, 1)
        .await?;
    at_least(1, &seen.least().await?, "pod")
}
