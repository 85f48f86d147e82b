//! When something is measured, how much of it is kept, and when a run goes (contract 06 §3 and §7).

use crate::play::{Play, begin};
use jiff::SignedDuration;
use serde_json::json;
use serin_core::api::Time;
use serin_core::plan::WakeReason;

fn web() -> serde_json::Value {
    json!({"web": {"url": "http://x"}})
}

#[test]
fn waits_between_measurements() {
    for (fields, letters, waits) in [
        (json!({"interval": "20s"}), "S", 20),
        (json!({"interval": "1m30s"}), "S", 90),
        // After an error always 10 s.
        (json!({"interval": "1h"}), "E", 10),
        (json!({}), "E", 10),
        // Times in the status are in whole seconds: a shorter interval would be none.
        (json!({"interval": "1ms"}), "S", 1),
        (json!({"interval": "-5s"}), "S", 1),
    ] {
        let mut play = Play::metric(fields.clone(), letters);
        let wake = play.last.wake.unwrap();
        assert_eq!(wake.why, WakeReason::MeasurementDue);
        assert_eq!(play.waits(), Some(waits), "{fields}");
        // Due after the interval, not at its end: the wake is when it is due.
        play.now = wake.at.checked_sub(SignedDuration::from_millis(1)).unwrap();
        play.look();
        assert_eq!(play.asked.len(), 1, "{fields}");
        play.now = wake.at;
        play.look();
        assert_eq!(play.asked.len(), 2, "{fields}");
    }
}

#[test]
fn an_initial_delay_counts_from_the_start_of_the_run() {
    let spec = json!({"metrics": [
        {"name": "m", "initialDelay": "1m", "provider": web()},
        {"name": "n", "initialDelay": "30s", "provider": web()},
    ]});
    let mut play = Play::of(spec, &[]);
    play.look();
    assert_eq!(
        (play.phase(), play.seen.run.status.metric_results.len()),
        ("Running", 0)
    );
    assert_eq!(play.seen.run.status.started_at, Some(Time(begin())));
    assert_eq!(play.last.wake.map(|wake| wake.why), Some(WakeReason::InitialDelay));
    assert_eq!(play.waits(), Some(30));
    play.after(30);
    assert_eq!(play.asked, ["run n 1"]);
    assert_eq!((play.phase(), play.waits()), ("Running", Some(30)));
    play.after(30);
    assert_eq!((play.phase(), play.asked.len()), ("Successful", 2));
}

#[test]
fn a_measurement_under_way_is_looked_at_when_it_wants() {
    let mut play = Play::metric(json!({"count": 1}), "RR");
    assert_eq!(play.asked, ["run m 1", "resume m 1"]);
    assert_eq!((play.phase(), play.result("m").phase.as_str()), ("Running", "Running"));
    assert_eq!(
        play.last.wake.map(|wake| wake.why),
        Some(WakeReason::MeasurementResumed)
    );
    assert_eq!(play.waits(), Some(5));
    play.after(5);
    assert_eq!((play.phase(), play.result("m").measurements.len()), ("Successful", 1));
    assert_eq!(play.asked.last().unwrap(), "resume m 1");
    assert_eq!(play.result("m").count, 1);
}

#[test]
fn a_provider_that_names_no_time_is_asked_again_all_the_same() {
    let mut play = Play::of(json!({"metrics": [{"name": "m", "provider": web()}]}), &[("m", "R")]);
    play.look();
    let mut answer = play.seen.answers.pop().unwrap();
    for (resume_at, seconds) in [(None, 10), (Some(Time(begin())), 1)] {
        answer.measurement.resume_at = resume_at;
        play.seen.run.status.metric_results.clear();
        play.seen.answers = vec![answer.clone()];
        play.look();
        assert_eq!(play.waits(), Some(seconds));
    }
}

#[test]
fn a_time_of_another_clock_does_not_hold_a_metric() {
    let mut play = Play::metric(json!({"interval": "20s"}), "S");
    let ahead = begin().checked_add(SignedDuration::from_hours(3)).unwrap();
    play.seen.answers.clear();
    play.seen.run.status.metric_results[0].measurements[0].finished_at = Some(Time(ahead));
    play.look();
    assert_eq!(play.asked.len(), 2);
    assert_eq!(play.result("m").measurements[1].finished_at, Some(Time(begin())));
}

#[test]
fn the_newest_measurements_are_kept() {
    let mut play = Play::metric(json!({"interval": "20s"}), &"S".repeat(12));
    assert_eq!((play.result("m").measurements.len(), play.result("m").count), (10, 12));
    assert_eq!(play.collected, ["m 10", "m 10"]);
    let first = play.result("m").measurements[0].started_at.clone().unwrap().0;
    assert!(first.duration_since(begin()).as_secs() >= 40);
    for (limit, kept) in [(2, 2), (0, 10), (-3, 10), (30, 12)] {
        let spec = json!({
            "metrics": [{"name": "m", "interval": "20s", "provider": web()}],
            "measurementRetention": [{"metricName": "m", "limit": limit}],
        });
        play = Play::of(spec, &[("m", &"S".repeat(12))]);
        play.through();
        assert_eq!(play.result("m").measurements.len(), kept, "{limit}");
    }
}

#[test]
fn a_finished_run_goes_when_its_time_is_over() {
    let ttl = json!({"secondsAfterCompletion": 60, "secondsAfterSuccess": 10, "secondsAfterFailure": 20});
    for (strategy, letters, seconds) in [
        (ttl.clone(), "S", Some(10)),
        (ttl.clone(), "F", Some(20)),
        (ttl.clone(), "I", Some(60)),
        (ttl, "E", Some(60)),
        (json!({"secondsAfterCompletion": 5}), "S", Some(5)),
        (json!({"secondsAfterCompletion": 5}), "F", Some(5)),
        (json!({"secondsAfterSuccess": 5}), "F", None),
        (json!({"secondsAfterSuccess": 0}), "S", Some(0)),
        (json!({}), "S", None),
    ] {
        let metric = json!({"name": "m", "consecutiveErrorLimit": 0, "provider": web()});
        let mut play = Play::of(json!({"metrics": [metric], "ttlStrategy": strategy}), &[("m", letters)]);
        play.look();
        let writes = play.writes;
        let why = seconds.map(|_| WakeReason::RunExpires);
        assert_eq!(play.last.wake.map(|wake| wake.why), why, "{strategy}");
        // More than so many seconds.
        assert_eq!(play.waits(), seconds.map(|seconds| seconds + 1), "{strategy} {letters}");
        play.after(seconds.unwrap_or(1_000_000));
        assert!(!play.deleted);
        if seconds.is_some() {
            play.now = play.last.wake.unwrap().at;
            let plan = serin_core::analysis::run::decide(&play.seen, play.now);
            let target = plan.delete.unwrap();
            assert_eq!((target.name.as_str(), target.uid.as_str()), ("run", "uid-1"));
        }
        assert_eq!(play.writes, writes);
    }
}

#[test]
fn a_run_without_a_time_of_its_end_stays() {
    let mut play = Play::of(
        json!({"metrics": [], "ttlStrategy": {"secondsAfterCompletion": 1}}),
        &[],
    );
    play.look();
    assert_eq!(play.phase(), "Error");
    play.after(100);
    assert!(!play.deleted && play.last.wake.is_none());
}
