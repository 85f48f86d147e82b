//! What people asked for.

use crate::world::{World, ago};
use serde_json::{Value, json};

fn by(manager: &str) -> Value {
    json!({"metadata": {"managedFields": [{"manager": manager, "operation": "Update", "subresource": "status", "time": ago(121),
        "fieldsV1": {"f:status": {"f:abort": {}}}}]}})
}

#[test]
fn aborted_by_person() {
    let mut world = World::canary();
    world.aborted("").rollout(by("kubectl-argo-rollouts"));
    let plain = world.is(&["aborted-by-person"]);
    assert_eq!(
        plain.causes[0].summary,
        "A person aborted revision 2 2m ago, with kubectl-argo-rollouts."
    );
    assert_eq!(plain.commands[0].run, "serin retry rollout web -n shop");
    let mut unnamed = World::canary();
    unnamed.aborted("").rollout(by("unknown"));
    assert_eq!(
        unnamed.is(&["aborted-by-person"]).causes[0].summary,
        "A person aborted revision 2 2m ago."
    );
    // A person aborted because of a fault: both are given, the fault first.
    world
        .clone()
        .waiting("ImagePullBackOff", "")
        .is(&["image-pull", "aborted-by-person"]);
    // Nothing says who.
    let mut nobody = World::canary();
    nobody.aborted("");
    let explained = nobody.is(&["aborted-by-person"]);
    assert_eq!(
        explained.causes[0].summary,
        "Revision 2 was aborted by request 2m ago; nothing says by whom."
    );
    assert_eq!(
        explained.causes[0].confidence,
        serin_explain::explanation::Confidence::Inferred
    );
    // The controller aborted: no person did.
    let mut controller = World::canary();
    controller
        .aborted("ReplicaSet \"web-bbb\" has timed out progressing.")
        .rollout(by("rollouts-controller"));
    controller.is(&["deadline"]);
}

#[test]
fn aborted_by_argocd() {
    let mut world = World::canary();
    world.aborted("").rollout(by("argocd-server"));
    world.is(&["aborted-by-argocd"]);
    world
        .clone()
        .waiting("CrashLoopBackOff", "")
        .change(
            "Pod",
            "web-bbb-1",
            json!({"status": {"containerStatuses": [{"name": "web", "ready": false, "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1}}}]}}),
        )
        .is(&["crash", "aborted-by-argocd"]);
    // The event of Argo CD names the user.
    let mut user = World::canary();
    user.aborted("").event(
        "Application",
        "shop",
        "ResourceActionRan",
        "admin ran action abort on resource argoproj.io/Rollout/web",
        121,
    );
    assert!(
        user.is(&["aborted-by-argocd"]).causes[0]
            .summary
            .starts_with("Revision 2 was aborted by admin in Argo CD")
    );
    // An action of another day, on another rollout.
    let mut other = World::canary();
    other.aborted("").event(
        "Application",
        "shop",
        "ResourceActionRan",
        "admin ran action abort on resource argoproj.io/Rollout/other",
        121,
    );
    other.event(
        "Application",
        "shop",
        "ResourceActionRan",
        "eve ran action abort on resource argoproj.io/Rollout/web",
        90_000,
    );
    other.is(&["aborted-by-person"]);
}

#[test]
fn paused() {
    let mut world = World::canary();
    world.paused().rollout(
        json!({"spec": {"paused": true}, "status": {"message": "manually paused"}, "metadata": {"managedFields": [
        {"manager": "kubectl", "operation": "Update", "time": ago(99), "fieldsV1": {"f:spec": {"f:paused": {}}}}]}}),
    );
    let plain = world.is(&["paused"]);
    assert!(plain.causes[0].summary.contains("with kubectl"));
    let mut crash = world.clone();
    crash
        .change(
            "ReplicaSet",
            "web-bbb",
            json!({"status": {"readyReplicas": 0, "availableReplicas": 0}}),
        )
        .waiting("ErrImagePull", "");
    crash.is(&["image-pull", "paused"]);
    // A pause of the steps is as planned.
    let planned = World::canary().paused().is(&[]);
    assert_eq!(planned.state, serin_explain::explanation::State::Paused);
    assert!(
        planned
            .verdict
            .contains("revision 2 waits for its promotion, at step 2 of 2"),
        "{}",
        planned.verdict
    );
}

#[test]
fn superseded() {
    let mut world = World::canary();
    world.change(
        "ReplicaSet",
        "web-bbb",
        json!({"metadata": {"annotations": {"rollout.argoproj.io/revision": "3"}}}),
    );
    world.set("ccc", 2, 1, 1, 900);
    world.is(&["superseded"]);
    world
        .clone()
        .waiting("ErrImagePull", "")
        .is(&["image-pull", "superseded"]);
    // An old revision from before the stable one is history.
    let mut past = World::canary();
    past.set("ccc", 0, 0, 0, 200_000);
    past.is(&[]);
    // One that ended days ago, and has no pods.
    let mut days = World::canary();
    days.change(
        "ReplicaSet",
        "web-bbb",
        json!({"metadata": {"annotations": {"rollout.argoproj.io/revision": "3"}}}),
    );
    days.set("ccc", 2, 0, 0, 70_000);
    days.is(&[]);
}

#[test]
fn deadline() {
    // The pods are gone: what they waited for was not seen, and is not guessed.
    let mut gone = World::canary();
    gone.overdue().change(
        "ReplicaSet",
        "web-bbb",
        json!({"spec": {"replicas": 0}, "status": {"replicas": 0}}),
    );
    let explained = gone.is(&["deadline"]);
    assert_eq!(
        explained.causes[0].confidence,
        serin_explain::explanation::Confidence::Inferred
    );
    let mut seen = World::canary();
    seen.overdue().waiting("ErrImagePull", "");
    assert_eq!(
        seen.is(&["image-pull", "deadline"]).causes[1].confidence,
        serin_explain::explanation::Confidence::Observed
    );
    // The pods may not be read: the reader is told which permission is missing.
    let mut unread = World::canary();
    unread
        .overdue()
        .unread("pods in namespace shop", "list pods in namespace shop");
    let explained = unread.is(&["deadline"]);
    assert_eq!(explained.unread[0].permission, "list pods in namespace shop");
    // In time; or a change that mends it was made, and nobody has looked at it yet.
    World::canary().is(&[]);
    let mut mended = World::canary();
    mended.overdue().rollout(json!({"metadata": {"generation": 4}}));
    mended.is(&[]);
}
