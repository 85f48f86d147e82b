//! From templates to the spec of an AnalysisRun (contract 06 §8, §12 "Templates", contract 11 E and G8).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use serin_core::analysis::template::{Caller, GatherError, gather, is_same_work, named};
use serin_core::api::analysis::AnalysisTemplateRef;
use serin_core::api::analysis_run::AnalysisRunSpec;
use serin_core::api::analysis_template::AnalysisTemplateSpec;
use serin_core::observed::{Template, Templates};
use std::collections::BTreeMap;

/// Templates of the namespace, and of the cluster, by name.
fn templates(namespaced: &Value, cluster: &Value) -> Templates {
    let read = |all: &Value| -> BTreeMap<String, Template> {
        let all = all.as_object().unwrap().iter();
        all.map(|(name, spec)| {
            let spec: AnalysisTemplateSpec = serde_json::from_value(spec.clone()).unwrap();
            (name.clone(), Template::from(spec))
        })
        .collect()
    };
    Templates {
        namespaced: read(namespaced),
        cluster: read(cluster),
    }
}

/// References as text: `a`, and `cluster/b` for one of the cluster.
fn references(names: &[&str]) -> Vec<AnalysisTemplateRef> {
    let reference = |name: &&str| match name.strip_prefix("cluster/") {
        Some(name) => AnalysisTemplateRef {
            template_name: name.to_owned(),
            cluster_scope: Some(true),
        },
        None => AnalysisTemplateRef {
            template_name: (*name).to_owned(),
            cluster_scope: None,
        },
    };
    names.iter().map(reference).collect()
}

/// The run that a caller gets, or the text of the error.
fn run(all: &Templates, names: &[&str], caller: &Value) -> Result<AnalysisRunSpec, String> {
    let gathered = gather(&references(names), all).map_err(|error| error.to_string())?;
    let caller: AnalysisTemplateSpec = serde_json::from_value(caller.clone()).unwrap();
    gathered
        .run(Caller {
            args: &caller.args,
            dry_run: &caller.dry_run,
            measurement_retention: &caller.measurement_retention,
            ..Caller::default()
        })
        .map_err(|error| error.to_string())
}

fn metrics(names: &[&str]) -> Value {
    json!({"metrics": names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()})
}

#[test]
fn templates_of_the_namespace_come_first_and_each_comes_once() {
    let all = templates(
        &json!({
            "a": {"metrics": [{"name": "a"}], "templates": [{"templateName": "b"}, {"templateName": "x", "clusterScope": true}]},
            "b": metrics(&["b"]),
            "c": metrics(&["c"]),
            "d": {"metrics": [{"name": "d"}], "templates": [{"templateName": "b"}, {"templateName": "c"}]},
        }),
        &json!({"x": {"metrics": [{"name": "x"}], "templates": [{"templateName": "c"}]}, "y": metrics(&["y"])}),
    );
    for (names, expected) in [
        (&["a"][..], "a b c x"),
        (&["cluster/x", "a"], "c a b x"),
        (&["cluster/y", "cluster/x", "b"], "c b y x"),
        (&["b", "b"], "b"),
        (&["d", "a", "b"], "d b c a x"),
        (&[], ""),
    ] {
        let run = run(&all, names, &json!({})).unwrap();
        let found: Vec<&str> = run.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(found.join(" "), expected, "{names:?}");
    }
}

#[test]
fn what_leads_nowhere_is_named() {
    let mut all = templates(
        &json!({
            "a": {"templates": [{"templateName": "gone"}]},
            "b": {"templates": [{"templateName": "y", "clusterScope": true}]},
            "itself": {"templates": [{"templateName": "itself"}]},
            "in": {"templates": [{"templateName": "one"}]},
            "one": {"templates": [{"templateName": "two"}]},
            "two": {"templates": [{"templateName": "x", "clusterScope": true}]},
            "broken": {},
        }),
        &json!({"x": {"templates": [{"templateName": "one"}]}}),
    );
    all.namespaced.get_mut("broken").unwrap().undecodable = Some("spec.args: invalid type".to_owned());
    for (name, expected, blamed) in [
        ("gone", "AnalysisTemplate 'gone' not found", ("gone", false)),
        ("cluster/a", "ClusterAnalysisTemplate 'a' not found", ("a", false)),
        ("a", "AnalysisTemplate 'gone' not found", ("gone", true)),
        ("b", "ClusterAnalysisTemplate 'y' not found", ("y", true)),
        (
            "itself",
            "AnalysisTemplate 'itself' names itself: itself → itself",
            ("itself", true),
        ),
        (
            "in",
            "AnalysisTemplate 'one' names itself: one → two → x → one",
            ("one", true),
        ),
        (
            "broken",
            "AnalysisTemplate 'broken' cannot be read: spec.args: invalid type",
            ("broken", false),
        ),
    ] {
        let error: GatherError = gather(&references(&[name]), &all).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.blames(), blamed, "{name}");
    }
}

/// Contract 06 §12.
#[test]
fn what_does_not_fit_together_is_said_as_upstream_says_it() {
    let all = templates(
        &json!({
            "m": metrics(&["m"]), "m2": metrics(&["m"]), "twice": metrics(&["n", "n"]),
            "dry": {"dryRun": [{"metricName": "m"}]}, "dry2": {"dryRun": [{"metricName": "m"}]},
            "kept": {"measurementRetention": [{"metricName": "m", "limit": 1}]},
            "kept2": {"measurementRetention": [{"metricName": "m", "limit": 2}]},
            "true": {"args": [{"name": "foo", "value": "true"}]}, "false": {"args": [{"name": "foo", "value": "false"}]},
            "bare": {"args": [{"name": "foo"}]},
        }),
        &json!({"m3": metrics(&["m"])}),
    );
    let nothing = json!({});
    let dry = json!({"dryRun": [{"metricName": "m"}]});
    let kept = json!({"measurementRetention": [{"metricName": "m", "limit": 3}]});
    for (names, caller, expected) in [
        (&["m", "m2"][..], &nothing, "two metrics have the same name 'm'"),
        (&["m", "cluster/m3"], &nothing, "two metrics have the same name 'm'"),
        (&["twice"], &nothing, "two metrics have the same name 'n'"),
        (
            &["dry", "dry2"],
            &nothing,
            "two Dry-Run metric rules have the same name 'm'",
        ),
        (&["dry"], &dry, "two Dry-Run metric rules have the same name 'm'"),
        (
            &["kept", "kept2"],
            &nothing,
            "two Measurement Retention metric rules have the same name 'm'",
        ),
        (
            &["kept"],
            &kept,
            "two Measurement Retention metric rules have the same name 'm'",
        ),
        (
            &["true", "false"],
            &nothing,
            "Argument `foo` specified multiple times with different values: 'true', 'false'",
        ),
        (&["bare"], &nothing, "args.foo was not resolved"),
    ] {
        assert_eq!(run(&all, names, caller).unwrap_err(), expected, "{names:?}");
    }
}

#[test]
fn the_rules_of_the_caller_come_first() {
    let all = templates(
        &json!({"t": {
            "dryRun": [{"metricName": "t"}],
            "measurementRetention": [{"metricName": "t", "limit": 1}],
        }}),
        &json!({}),
    );
    let caller = json!({"dryRun": [{"metricName": "c"}], "measurementRetention": [{"metricName": "c", "limit": 2}]});
    let run = run(&all, &["t"], &caller).unwrap();
    let spec = serde_json::to_value(run).unwrap();
    assert_eq!(spec["dryRun"], json!([{"metricName": "c"}, {"metricName": "t"}]));
    assert_eq!(
        spec["measurementRetention"],
        json!([{"metricName": "c", "limit": 2}, {"metricName": "t", "limit": 1}])
    );
}

/// Contract 06 §8. The last rows of templates: contract 11 G8, where a later bare argument took the Secret away.
#[test]
fn arguments_of_templates_and_their_caller() {
    let secret = json!({"secretKeyRef": {"name": "s", "key": "k"}});
    let all = templates(
        &json!({
            "bare": {"args": [{"name": "a"}]},
            "one": {"args": [{"name": "a", "value": "1"}]},
            "two": {"args": [{"name": "a", "value": "2"}]},
            "empty": {"args": [{"name": "a", "value": ""}]},
            "secret": {"args": [{"name": "a", "valueFrom": secret}]},
        }),
        &json!({"bare": {"args": [{"name": "a"}]}}),
    );
    let nothing = json!({});
    let given = json!({"args": [{"name": "other", "value": "9"}, {"name": "a", "value": "3"}]});
    let given_secret = json!({"args": [{"name": "a", "valueFrom": {"secretKeyRef": {"name": "mine", "key": "k"}}}]});
    let mine = &given_secret["args"][0]["valueFrom"];
    for (names, caller, expected) in [
        (&["bare"][..], &given, json!([{"name": "a", "value": "3"}])),
        (&["one"], &nothing, json!([{"name": "a", "value": "1"}])),
        (&["one"], &given, json!([{"name": "a", "value": "3"}])),
        (&["empty"], &nothing, json!([{"name": "a", "value": ""}])),
        (&["bare", "one"], &nothing, json!([{"name": "a", "value": "1"}])),
        (&["one", "bare"], &nothing, json!([{"name": "a", "value": "1"}])),
        (&["one", "one"], &nothing, json!([{"name": "a", "value": "1"}])),
        (
            &["bare", "secret"],
            &nothing,
            json!([{"name": "a", "valueFrom": secret}]),
        ),
        (&["secret", "one"], &nothing, json!([{"name": "a", "value": "1"}])),
        (
            &["secret"],
            &given,
            json!([{"name": "a", "value": "3", "valueFrom": secret}]),
        ),
        (&["secret"], &given_secret, json!([{"name": "a", "valueFrom": mine}])),
        (
            &["one"],
            &given_secret,
            json!([{"name": "a", "value": "1", "valueFrom": mine}]),
        ),
        (
            &["secret", "bare"],
            &nothing,
            json!([{"name": "a", "valueFrom": secret}]),
        ),
        (
            &["secret", "cluster/bare"],
            &nothing,
            json!([{"name": "a", "valueFrom": secret}]),
        ),
    ] {
        let run = run(&all, names, caller).unwrap();
        assert_eq!(serde_json::to_value(run.args).unwrap(), expected, "{names:?} {caller}");
    }
}

/// Contract 06 §8, "Collision on create".
#[test]
fn runs_are_the_same_work_whether_or_not_one_is_to_end() {
    let spec = |change: &Value| -> AnalysisRunSpec {
        let mut spec = json!({"metrics": [{"name": "m"}], "args": [{"name": "a", "value": "1"}]});
        for (key, value) in change.as_object().unwrap() {
            spec[key] = value.clone();
        }
        serde_json::from_value(spec).unwrap()
    };
    for (change, same) in [
        (json!({}), true),
        (json!({"terminate": true}), true),
        (json!({"ttlStrategy": {"secondsAfterCompletion": 5}}), true),
        (json!({"metrics": [{"name": "m", "interval": "5m"}]}), false),
        (json!({"args": [{"name": "a", "value": "2"}]}), false),
        (json!({"dryRun": [{"metricName": "m"}]}), false),
        (
            json!({"measurementRetention": [{"metricName": "m", "limit": 1}]}),
            false,
        ),
    ] {
        assert_eq!(is_same_work(&spec(&json!({})), &spec(&change)), same, "{change}");
    }
}

#[test]
fn names_of_runs() {
    let names: Vec<String> = (0..3).map(|before| named("web-6b9c8d-2-1", before)).collect();
    assert_eq!(names, ["web-6b9c8d-2-1", "web-6b9c8d-2-1.1", "web-6b9c8d-2-1.2"]);
}
