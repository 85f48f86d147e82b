//! How runs end, what they tell, and what they make of answers that are late, lost or of others (contract 06 §1, §4, §5).

use crate::play::{Play, begin};
use serde_json::{Value, json};
use serin_core::analysis::run::{SeenJob, Step, decide};
use serin_core::plan::WakeReason;

fn web(name: &str, interval: &str) -> Value {
    json!({"name": name, "interval": interval, "provider": {"web": {"url": "http://x"}}})
}

fn job(name: &str) -> Value {
    json!({"name": name, "provider": {"job": {"spec": {"template": {}}}}})
}

#[test]
fn events_and_times_of_a_run() {
    let mut play = Play::of(json!({"metrics": [web("m", "")]}), &[("m", "F")]);
    play.look();
    let status = &play.seen.run.status;
    assert_eq!(status.started_at, Some(serin_core::api::Time(play.now)));
    assert_eq!(status.completed_at, status.started_at);
    assert_eq!(
        play.events,
        [
            "Warning MetricFailed Metric 'm' Completed. Result: Failed",
            "Warning AnalysisRunFailed Analysis Completed. Result: Failed"
        ]
    );
    let result = play.result("m");
    assert_eq!(result.metadata.get("query").map(String::as_str), Some("up"));
    assert_eq!(play.writes, 1, "one write for all of it");
}

#[test]
fn a_run_that_is_asked_to_end() {
    for (metrics, script, phase, message) in [
        (json!([web("m", "20s")]), "S", "Successful", "Run Terminated"),
        (json!([web("m", "20s")]), "SE", "Successful", "Run Terminated"),
        // Never measured.
        (
            json!([{"name": "m", "initialDelay": "1h", "provider": {"web": {"url": "x"}}}]),
            "",
            "Successful",
            "Run Terminated",
        ),
        // Nothing but errors: nobody knows (11 G7; ours).
        (json!([web("m", "20s")]), "E", "Inconclusive", "Run Terminated"),
        // A Job that has not finished has not succeeded.
        (
            json!([job("m")]),
            "RR",
            "Inconclusive",
            concat!(
                r#"Metric "m" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0)"#,
                r#": "Error Message: Metric Terminated""#
            ),
        ),
        (
            json!([job("m")]),
            "RI",
            "Inconclusive",
            concat!(
                r#"Metric "m" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0)"#,
                r#": "Error Message: Metric Terminated""#
            ),
        ),
        (json!([job("m")]), "RE", "Inconclusive", "Run Terminated"),
        (
            json!([job("m")]),
            "RF",
            "Failed",
            r#"Metric "m" assessed Failed due to failed (1) > failureLimit (0)"#,
        ),
    ] {
        let mut play = Play::of(json!({"metrics": metrics}), &[("m", script)]);
        play.look();
        if script == "SE" {
            play.after(21);
        }
        assert_eq!(play.phase(), "Running", "{script}");
        play.seen.run.spec.terminate = true;
        let asked = play.asked.len();
        play.look();
        assert_eq!((play.phase(), play.message()), (phase, message), "{metrics} {script}");
        assert!(play.seen.run.status.completed_at.is_some());
        let ended = usize::from(script.starts_with('R'));
        assert_eq!(play.asked.len(), asked + ended, "no new measurement");
    }
}

#[test]
fn a_bad_metric_ends_the_others() {
    let mut play = Play::of(
        json!({"metrics": [web("bad", ""), web("endless", "20s"), job("job"), {
            "name": "late", "initialDelay": "1h", "provider": {"web": {"url": "x"}}}]}),
        &[("bad", "F"), ("job", "RI")],
    );
    play.look();
    assert_eq!(play.phase(), "Failed");
    assert_eq!(
        play.message(),
        r#"Metric "bad" assessed Failed due to failed (1) > failureLimit (0)"#
    );
    assert_eq!(
        play.asked,
        ["run bad 1", "run endless 1", "run job 1", "terminate job 1"]
    );
    assert_eq!(play.result("endless").phase, "Successful");
    assert_eq!(play.result("job").phase, "Inconclusive");
    assert_eq!(play.result("job").measurements[0].message, "Metric Terminated");
    assert!(
        play.seen
            .run
            .status
            .metric_results
            .iter()
            .all(|result| result.name != "late")
    );
}

#[test]
fn a_bad_dry_metric_ends_nothing() {
    let spec = json!({"metrics": [web("dry", ""), web("m", "20s")], "dryRun": [{"metricName": "dry"}]});
    let mut play = Play::of(spec, &[("dry", "F")]);
    play.look();
    assert_eq!((play.phase(), play.result("dry").phase.as_str()), ("Running", "Failed"));
    assert_eq!(play.waits(), Some(20));
}

#[test]
fn a_slow_provider_holds_neither_the_others_nor_the_verdict() {
    let mut play = Play::of(
        json!({"metrics": [web("slow", "20s"), web("m", "20s")]}),
        &[("slow", "-"), ("m", "SSF")],
    );
    play.look();
    // What was measured waits a second for the slow one, and no longer.
    assert_eq!(
        (play.writes, play.last.wake.map(|wake| wake.why)),
        (0, Some(WakeReason::MeasurementLate))
    );
    play.after(1);
    assert_eq!((play.writes, play.result("m").count, play.phase()), (1, 1, "Running"));
    play.after(20);
    assert_eq!((play.writes, play.result("m").count), (2, 2));
    play.after(21);
    assert_eq!(play.phase(), "Failed");
    assert_eq!(play.asked, ["run slow 1", "run m 1", "run m 2", "run m 3"]);
    // Its answer comes too late to count.
    play.arrives("slow", 'S');
    let writes = play.writes;
    play.look();
    assert_eq!((play.phase(), play.writes), ("Failed", writes));
}

#[test]
fn measurements_of_one_moment_are_one_write() {
    let metrics = json!([web("a", "20s"), web("b", "20s"), web("c", "20s")]);
    let mut play = Play::of(
        json!({"metrics": metrics}),
        &[("a", "SSSS"), ("b", "SSSS"), ("c", "SSSS")],
    );
    play.through();
    assert_eq!((play.asked.len(), play.writes), (12, 4));
}

#[test]
fn who_asks_for_the_end_gets_the_answer_that_is_on_its_way() {
    let mut play = Play::of(json!({"metrics": [web("m", "20s")]}), &[("m", "-")]);
    play.look();
    play.seen.run.spec.terminate = true;
    play.after(2);
    assert_eq!((play.phase(), play.last.questions.len()), ("Running", 0));
    play.arrives("m", 'F');
    play.look();
    assert_eq!(
        (play.phase(), play.message()),
        (
            "Failed",
            r#"Metric "m" assessed Failed due to failed (1) > failureLimit (0)"#
        )
    );
}

#[test]
fn the_job_of_a_run_that_ends_is_not_lost() {
    // Asked for, not answered yet: a bad metric ends the run once the Job can be ended.
    let mut play = Play::of(
        json!({"metrics": [job("job"), web("bad", "")]}),
        &[("job", "-"), ("bad", "F")],
    );
    play.look();
    assert_eq!((play.phase(), play.result("bad").phase.as_str()), ("Running", "Failed"));
    play.arrives("job", 'R');
    play.look();
    assert_eq!(play.phase(), "Failed");
    assert_eq!(play.asked.last().map(String::as_str), Some("terminate job 1"));
    // The answer died with the controller: the Job is there, and no measurement names it.
    let mut play = Play::of(json!({"metrics": [job("job")], "terminate": true}), &[("job", "RI")]);
    play.seen.jobs = vec![seen_job(1, false)];
    play.look();
    assert_eq!(play.asked, ["run job 1", "terminate job 1"]);
    assert_eq!(play.phase(), "Inconclusive");
}

/// A Job of the metric `job`.
fn seen_job(number: i32, ended: bool) -> SeenJob {
    let name = format!("uid-1.job.{number}");
    SeenJob { name, ended }
}

#[test]
fn a_job_that_a_measurement_had_is_no_measurement_under_way() {
    // The second measurement was never taken, and the first is over although its Job is still there.
    let mut metric = job("job");
    metric["interval"] = json!("20s");
    let mut play = Play::of(json!({"metrics": [metric]}), &[("job", "JS")]);
    play.look();
    play.after(6);
    play.seen.jobs = vec![seen_job(1, true)];
    play.seen.run.spec.terminate = true;
    play.look();
    assert_eq!(play.asked, ["run job 1", "resume job 1"]);
    assert_eq!(play.phase(), "Successful");
}

#[test]
fn a_job_that_has_ended_is_looked_at_at_once() {
    let mut play = Play::of(json!({"metrics": [job("job")]}), &[("job", "-")]);
    play.look();
    play.arrives("job", 'J');
    play.look();
    assert_eq!(play.asked, ["run job 1"]);
    play.seen.jobs = vec![seen_job(1, false)];
    play.look();
    assert_eq!(play.asked, ["run job 1"], "it still runs");
    play.seen.jobs = vec![seen_job(1, true)];
    play.look();
    assert_eq!(play.asked.last().map(String::as_str), Some("resume job 1"));
}

#[test]
fn an_answer_counts_once() {
    let mut play = Play::of(json!({"metrics": [web("m", "20s")]}), &[("m", "S")]);
    play.look();
    let twice = [play.seen.answers.clone(), play.seen.answers.clone()].concat();
    play.seen.answers = twice;
    let writes = play.writes;
    play.look();
    assert_eq!((play.result("m").count, play.writes), (1, writes));
    // The write failed: the answer is still there, and counts.
    play.seen.run.status = Default::default();
    play.look();
    assert_eq!((play.result("m").count, play.writes), (1, writes + 1));
}

#[test]
fn answers_of_others_do_not_count() {
    let mut play = Play::of(json!({"metrics": [web("m", "20s")]}), &[("m", "F")]);
    play.look();
    let failed = play.seen.answers.clone();
    // The run was deleted and created anew under the same name.
    let mut anew = Play::of(json!({"metrics": [web("m", "20s")]}), &[("m", "S")]);
    anew.seen.run.metadata.uid = Some("uid-2".into());
    anew.seen.answers = failed.clone();
    anew.look();
    assert_eq!(
        (anew.phase(), anew.result("m").failed, anew.result("m").count),
        ("Running", 0, 1)
    );
    // Its old measurement, still in flight, does not hold the new one either.
    let mut anew = Play::of(json!({"metrics": [web("m", "20s")]}), &[("m", "-")]);
    anew.look();
    anew.seen.run.metadata.uid = Some("uid-2".into());
    let plan = decide(&anew.seen, anew.now);
    assert_eq!(plan.questions.len(), 1);
    assert_eq!(plan.questions[0].run, "uid-2");
    // Somebody else took that measurement: what is asked next is the second.
    let mut taken = Play::of(json!({"metrics": [web("m", "20s")]}), &[("m", "S")]);
    taken.look();
    taken.seen.answers = failed;
    taken.look();
    assert_eq!((taken.phase(), taken.result("m").failed), ("Running", 0));
    // A metric that is no longer in the spec.
    let mut gone = Play::of(json!({"metrics": [web("m", "20s"), web("n", "20s")]}), &[("m", "-")]);
    gone.look();
    gone.seen.run.spec.metrics.remove(0);
    gone.arrives("m", 'F');
    gone.look();
    assert_eq!(gone.phase(), "Running");
    assert!(
        gone.seen
            .run
            .status
            .metric_results
            .iter()
            .all(|result| result.name == "n")
    );
}

#[test]
fn a_resumed_measurement_is_the_one_that_was_asked_about() {
    let mut play = Play::of(json!({"metrics": [job("m")]}), &[("m", "R-")]);
    play.look();
    play.after(5);
    let asked = play.seen.in_flight[0].clone();
    let Step::Resume(of) = &asked.question.step else {
        panic!("{asked:?}");
    };
    assert_eq!(**of, play.result("m").measurements[0]);
    // Another controller went on with it meanwhile.
    play.seen.run.status.metric_results[0].measurements[0].resume_at = Some(serin_core::api::Time(begin()));
    play.arrives("m", 'F');
    let folded = decide(&play.seen, play.now);
    assert_eq!((folded.status, folded.questions.len()), (None, 1));
}

#[test]
fn a_run_in_flight_is_taken_over() {
    // As Argo Rollouts leaves it: a Job under way, a metric between two measurements, with more decimals than none.
    let mut play = Play::of(json!({"metrics": [job("job"), web("m", "20s")]}), &[("job", "S")]);
    play.seen.run.status = serde_json::from_value(json!({
        "phase": "Running", "startedAt": "2025-12-31T23:59:00Z", "runSummary": {"count": 2}, "dryRunSummary": {},
        "metricResults": [
            {"name": "job", "phase": "Running", "measurements": [{"phase": "Running", "startedAt": "2025-12-31T23:59:00Z",
                "resumeAt": "2025-12-31T23:59:30Z", "metadata": {"job-name": "uid-1.job.1"}}]},
            {"name": "m", "phase": "Running", "count": 3, "successful": 3, "consecutiveSuccess": 3, "measurements": [
                {"phase": "Successful", "startedAt": "2025-12-31T23:59:50Z", "finishedAt": "2025-12-31T23:59:50Z", "value": "1"}]},
        ],
    }))
    .unwrap();
    play.look();
    assert_eq!(play.asked, ["resume job 1"]);
    let measurement = &play.result("job").measurements[0];
    assert_eq!(
        measurement.metadata.get("job-name").map(String::as_str),
        Some("uid-1.job.1")
    );
    play.after(11);
    assert_eq!(play.asked.last().map(String::as_str), Some("run m 4"));
    assert_eq!((play.result("m").count, play.phase()), (4, "Running"));
}

#[test]
fn nothing_happens_to_a_run_that_goes_or_is_over() {
    let mut play = Play::of(json!({"metrics": [web("m", "20s")]}), &[]);
    play.seen.run.metadata.deletion_timestamp = Some(serin_core::api::Time(play.now));
    assert!(decide(&play.seen, play.now).is_empty());
    for phase in ["Successful", "Failed", "Error", "Inconclusive"] {
        let mut play = Play::of(json!({"metrics": [web("m", "20s")], "terminate": true}), &[]);
        play.seen.run.status.phase = phase.into();
        play.look();
        assert!(play.asked.is_empty() && play.writes == 0);
    }
}
