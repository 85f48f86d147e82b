//! The rules of the contract as stories: every Markdown file in `stories/`, found by listing the folder, is played.
//!
//! A failure names file and line: `world/tests/stories/steps.md:40: phase Healthy`, expected, actual.
#![allow(clippy::disallowed_methods, reason = "stories are files")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod story;

use std::path::Path;
use story::{Outcome, Why};

/// Files of stories as `world/tests/stories/<name>` with their text, by name.
fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let mut files: Vec<(String, String)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("README.md"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            (format!("world/tests/stories/{name}"), text)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn stories() {
    let mut all = Outcome::default();
    let mut unreadable = Vec::new();
    let files = files();
    for (name, text) in &files {
        match story::read(name, text) {
            Ok(stories) => stories.iter().for_each(|story| all.add(story::play(story))),
            Err(error) => unreadable.push(error),
        }
    }
    let failures: Vec<String> = all.failures.iter().map(ToString::to_string).collect();
    println!(
        "{} stories in {} files, {} checks, {} failures",
        all.stories,
        files.len(),
        all.checks,
        failures.len() + unreadable.len()
    );
    assert!(all.stories > 0, "no stories");
    assert!(
        failures.is_empty() && unreadable.is_empty(),
        "\n{}\n{}",
        unreadable.join("\n"),
        failures.join("\n")
    );
}

const TOP: &str = "```yaml
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'web:good-0'}]}}
  strategy: {canary: {}}
```
## A story (contract 02 §9)
```story
apply, and wait until Healthy
";

fn play(lines: &str) -> Outcome {
    let stories = story::read("some.md", &format!("{TOP}{lines}\n```\n")).unwrap();
    story::play(&stories[0])
}

#[test]
fn a_true_expectation_holds() {
    let outcome = play("  phase Healthy\n  at rest");
    assert_eq!((outcome.checks, outcome.failures.len()), (2, 0));
}

#[test]
fn a_wrong_expectation_fails_with_its_place() {
    let outcome = play("  phase Healthy\n  step 1/2\n  events: RolloutPaused\n  pods r1 2/2");
    let shown: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "some.md:13: step 1/2\n  expected: 1/2\n    actual: none\n",
            "some.md:14: events: RolloutPaused\n  expected: \n      - RolloutPaused\n    actual: none\n",
            "some.md:15: pods r1 2/2\n  expected: r1 2/2\n    actual: r1 1/1\n",
        ]
    );
}

#[test]
fn every_wrong_form_of_expectation_fails() {
    for wrong in [
        "phase Healthy: but",
        "pods r1 0/1",
        "ReplicaSets r1, r2",
        "ReplicaSet r1 replicas: 2",
        "ReplicaSet r1 annotation rollout.argoproj.io/revision: \"2\"",
        "ReplicaSet r1 was created with minReadySeconds: 5",
        "condition Healthy=True RolloutHealthy: Rollout is well",
        "condition Healthy updated 77s ago",
        "condition Paused=False RolloutPaused: Rollout is paused",
        "no condition Healthy",
        "conditions Healthy",
        "counts desired 1, current 1, updated 0, ready 1, available 1",
        "writes 7",
        "wake in 5s: the pause ends",
        "status.replicas: 2",
        "status.abort: false",
        "status.stableRS: absent",
        "rollout annotation rollout.argoproj.io/revision: \"9\"",
        "Service web selects r1",
    ] {
        let outcome = play(&format!("  {wrong}"));
        let found = outcome.failures.first().map(|failure| &failure.why);
        assert!(matches!(found, Some(Why::Otherwise { .. })), "{wrong}: {found:?}");
    }
}

#[test]
fn a_line_that_is_not_understood_fails() {
    for unknown in [
        "dance",
        "wait long",
        "  pods",
        "  phase",
        "  weather fine",
        "edit nothing",
        "one pod of two fails",
        "edit Service web",
        "somebody scales the ReplicaSet of r1 to many",
        "create AnalysisTemplate load: {metrics: 7}",
    ] {
        let outcome = play(&format!("{unknown}\n  at rest"));
        let found = outcome.failures.first().map(|failure| &failure.why);
        assert!(matches!(found, Some(Why::NotUnderstood(_))), "{unknown}: {found:?}");
    }
}

#[test]
fn a_file_that_tells_no_story_is_refused() {
    for (text, why) in [
        ("# Nothing", "no story"),
        ("## A story (contract 02 §9)\n```story\napply\n```", "expects nothing"),
        ("## A story\n```story\napply\n  at rest\n```", "names no source"),
        ("```story\napply\n```", "without a heading"),
        ("## A story (contract 02 §9)\n```story\napply", "has no end"),
        ("## A story (contract 02 §9)\n```sh\nls\n```", "neither yaml nor story"),
        (
            "## A story (contract 02 §9)\n```story\napply\n   at rest\n```",
            "by two columns",
        ),
    ] {
        let error = story::read("some.md", text).map(|_| ()).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}
