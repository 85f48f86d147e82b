//! Every pair of requests, asked for in both orders, with and without a reconcile in between: what the table of
//! `serin_core::rollout::asked` says holds (decision 40). The table in the book is the same.

use crate::start::four_pods;
use serde_json::{Value, json};
use serin_core::rollout::asked::{Outcome, PAIRS, Pair, Request};
use serin_world::World;
use std::collections::BTreeSet;

/// Where an update waits for a person, or is aborted; then two requests.
struct Play {
    strategy: &'static str,
    spec: Value,
    pair: Pair,
    first: Request,
    second: Request,
    look_between: bool,
}

impl Play {
    fn name(&self) -> String {
        let between = if self.look_between { "seen" } else { "not seen" };
        format!(
            "{}: {:?}, {between}, then {:?}; the table says {:?}: {}",
            self.strategy, self.first, self.second, self.pair.outcome, self.pair.words
        )
    }

    /// In the pause of an update; aborted there, where a retry is to mean something.
    fn world(&self) -> World {
        let mut world = four_pods(&self.spec, 600);
        world.ready_after = 5;
        world.create_services();
        world.wait(60);
        world.set_image("web:good-1");
        world.wait(60);
        assert!(!world.current().status.pause_conditions.is_empty(), "{}", self.name());
        let has = |request| self.first == request || self.second == request;
        // A person who aborts and then retries begins in the pause.
        let both = self.first == Request::Abort && self.second == Request::Retry;
        if has(Request::Retry) && !both {
            world.edit_status(&json!({ "abort": true }));
            world.wait(60);
        }
        world
    }

    fn run(&self) -> Vec<String> {
        let mut world = self.world();
        ask(&mut world, self.first);
        if self.look_between {
            // What is asked of a new template is asked of it in its pause.
            let seconds = if self.first == Request::Template { 60 } else { 0 };
            world.wait(seconds);
        }
        let mut wrong = Vec::new();
        ask(&mut world, self.second);
        world.settle();
        let paused = self.first == Request::Pause || self.second == Request::Pause;
        let canary = world.rollout["spec"]["strategy"]["canary"].is_object();
        if paused {
            let before = sizes(&world);
            world.wait(200);
            if canary && sizes(&world) != before {
                wrong.push(format!("pods moved while paused: {before:?}, then {:?}", sizes(&world)));
            }
            if !world.current().spec.paused {
                wrong.push("spec.paused was cleared".to_owned());
            }
            world.edit(&json!({ "spec": { "paused": false } }));
        }
        world.wait(200);
        let both = [self.first, self.second];
        let wanted: BTreeSet<Request> = match self.pair.outcome {
            Outcome::Both => both.into(),
            Outcome::Wins(winner) | Outcome::Waits(winner) => [winner].into(),
            Outcome::Later if self.look_between || !both.contains(&Request::PromoteFull) => [self.second].into(),
            Outcome::Later => [Request::Abort].into(),
            Outcome::Resets if self.look_between && self.first == Request::Template => both.into(),
            Outcome::Resets => [Request::Template].into(),
        };
        for request in wanted.iter().filter(|request| **request != Request::Pause) {
            wrong.extend(missing(&world, *request, &wanted));
        }
        for request in both.iter().filter(|request| !wanted.contains(request)) {
            wrong.extend(left_over(&world, *request));
        }
        if !wrong.is_empty() || !world.broken.is_empty() {
            wrong.insert(0, self.name());
            wrong.extend(world.broken.iter().cloned());
            wrong.push(world.trace.join("\n"));
        }
        wrong
    }
}

fn sizes(world: &World) -> Vec<(String, i32)> {
    let sets = world.sets.iter();
    sets.map(|set| (set.object.name.clone(), set.object.replicas)).collect()
}

/// Writes what asks for it.
fn ask(world: &mut World, request: Request) {
    let index = world.current().status.current_step_index.unwrap_or(0);
    match request {
        Request::PromoteFull => world.edit_status(&json!({ "promoteFull": true })),
        Request::Abort => world.edit_status(&json!({ "abort": true })),
        Request::Retry => world.edit_status(&json!({ "abort": false })),
        Request::Resume => world.edit_status(&json!({ "pauseConditions": null })),
        Request::Skip => world.edit_status(&json!({ "currentStepIndex": index + 1 })),
        Request::Pause => world.edit(&json!({ "spec": { "paused": true } })),
        Request::Restart => {
            let at = world.now.to_string();
            world.edit(&json!({ "spec": { "restartAt": at } }));
        }
        Request::Template => world.set_image("web:good-2"),
    }
}

/// What shows that a request was not carried out, once all is at rest. `together`: what else was.
fn missing(world: &World, request: Request, together: &BTreeSet<Request>) -> Option<String> {
    let rollout = world.current();
    let status = &rollout.status;
    let image = |hash: &str| {
        let mut sets = world.sets.iter();
        sets.find(|set| set.object.hash() == hash)
            .map_or("", |set| set.made.template.as_str())
    };
    let promoted = status.stable_rs == status.current_pod_hash && status.phase == "Healthy";
    let holds = match request {
        Request::PromoteFull => promoted && !status.promote_full,
        Request::Abort => status.abort && status.phase == "Degraded" && image(&status.stable_rs).contains("good-0"),
        Request::Retry => !status.abort && status.aborted_at.is_none(),
        // The first pause of the canary is its second step; blue-green has one pause.
        Request::Resume | Request::Skip if !together.contains(&Request::Retry) => {
            promoted || status.current_step_index.is_some_and(|index| index >= 2)
        }
        Request::Resume => !status.abort,
        Request::Skip => status.current_step_index.is_some_and(|index| index >= 1),
        Request::Restart => {
            let at = rollout.spec.restart_at.as_ref().map(|at| at.0);
            let mut pods = world.sets.iter().flat_map(|set| &set.pods);
            status.restarted_at == rollout.spec.restart_at && pods.all(|pod| Some(pod.created) >= at)
        }
        Request::Template => image(&status.current_pod_hash).contains("good-2"),
        Request::Pause => rollout.spec.paused,
    };
    (!holds).then(|| format!("{request:?} was not carried out: {:#}", world.rollout["status"]))
}

/// A field that still asks for what lost.
fn left_over(world: &World, request: Request) -> Option<String> {
    let status = world.current().status;
    let left = match request {
        Request::PromoteFull => status.promote_full,
        Request::Abort => status.abort || status.aborted_at.is_some(),
        Request::Retry | Request::Resume | Request::Skip | Request::Pause | Request::Restart | Request::Template => {
            false
        }
    };
    left.then(|| format!("{request:?} is still asked for"))
}

#[test]
fn each_pair_of_requests_in_both_orders() {
    let steps = json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 50 }, { "pause": {} }]);
    let strategies = [
        (
            "canary",
            json!({ "canary": { "steps": steps, "maxSurge": 2, "stableService": "stable" } }),
        ),
        (
            "blue-green",
            json!({ "blueGreen": { "activeService": "active", "previewService": "preview", "previewReplicaCount": 1,
                "autoPromotionEnabled": false, "scaleDownDelaySeconds": 5, "abortScaleDownDelaySeconds": 5 } }),
        ),
    ];
    let (mut wrong, mut plays) = (Vec::new(), 0);
    for (strategy, spec) in &strategies {
        for pair in PAIRS {
            let steps = *strategy == "canary";
            if !steps && [pair.one, pair.other].contains(&Request::Skip) {
                continue;
            }
            for (first, second) in [(pair.one, pair.other), (pair.other, pair.one)] {
                for look_between in [true, false] {
                    let play = Play {
                        strategy,
                        spec: spec.clone(),
                        pair,
                        first,
                        second,
                        look_between,
                    };
                    wrong.extend(play.run());
                    plays += 1;
                }
            }
        }
    }
    println!("{plays} plays");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_of_requests_has_each_pair_once() {
    let mut seen = BTreeSet::new();
    for Pair { one, other, .. } in PAIRS {
        assert!(one < other, "{one:?} stands before {other:?}");
        assert!(seen.insert((one, other)), "{one:?} and {other:?} stand twice");
    }
    let all = Request::ALL.len();
    assert_eq!(seen.len(), all * (all - 1) / 2, "every pair has a row");
}

/// `UPDATE=1 cargo test -p serin-world --test lives requests` writes it anew.
#[test]
fn the_table_of_requests_in_the_book() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/requests.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let head = page.find("-->\n").expect("the mark above the table") + "-->\n".len();
    let mut table = "\n| One request | and another | What holds |\n| --- | --- | --- |\n".to_owned();
    for pair in PAIRS {
        let (one, other) = (pair.one.written(), pair.other.written());
        table.push_str(&format!("| `{one}` | `{other}` | {} |\n", pair.words));
    }
    let expected = format!("{}{table}", &page[..head]);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, expected).unwrap();
    } else {
        assert!(
            page == expected,
            "docs/requests.md is stale: UPDATE=1 cargo test -p serin-world --test lives requests"
        );
    }
}
