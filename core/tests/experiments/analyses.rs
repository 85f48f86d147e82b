//! The runs of the analyses: when they begin, what they are given, what their verdicts make of the experiment.

use crate::cluster::{Cluster, at, template};
use serde_json::{Value, json};
use serin_core::observed::AnalysisRun;
use serin_core::wire::analysis::Phase;

fn cluster(analyses: &Value, more: &Value) -> Cluster {
    let mut spec = json!({
        "templates": [template("base", &json!({})), template("canary", &json!({}))],
        "analyses": analyses,
        "scaleDownDelaySeconds": 0,
    });
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    Cluster::of(&spec).with_template("web")
}

fn analysis(name: &str, required: bool) -> Value {
    json!({"name": name, "templateName": "web", "requiredForCompletion": required})
}

#[test]
fn a_run_begins_when_all_templates_run() {
    let mut cluster = cluster(
        &json!([analysis("a", false)]),
        &json!({
            "duration": "30s",
            "dryRun": [{"metricName": "m"}],
            "measurementRetention": [{"metricName": "m", "limit": 2}],
            "analysisRunMetadata": {"labels": {"team": "x"}, "annotations": {"note": "y"}},
        }),
    );
    cluster.run(1);
    assert!(cluster.runs.is_empty());
    assert_eq!(cluster.analysis("a"), ("", "", ""));
    cluster.run(1);
    let (_, made) = &cluster.runs[0];
    assert_eq!(made.name, "exp-a");
    let labels = json!({"team": "x", "argo-rollouts.argoproj.io/controller-instance-id": "one"});
    assert_eq!(serde_json::to_value(&made.labels).unwrap(), labels);
    assert_eq!(serde_json::to_value(&made.annotations).unwrap(), json!({"note": "y"}));
    assert_eq!(made.spec.metrics.len(), 1);
    assert_eq!(made.spec.dry_run[0].metric_name, "m");
    assert_eq!(made.spec.measurement_retention[0].limit, 2);
    assert_eq!(cluster.analysis("a"), ("exp-a", "Running", ""));
    let told: Vec<&String> = cluster
        .events
        .iter()
        .filter(|event| event.starts_with("AnalysisRun"))
        .collect();
    assert_eq!(
        told,
        [
            "AnalysisRunPending: AnalysisRun 'a' transitioned from  -> Pending",
            "AnalysisRunRunning: AnalysisRun 'a' transitioned from Pending -> Running",
        ]
    );
}

#[test]
fn arguments_are_filled_in_from_the_experiment() {
    let args = json!([
        {"name": "plain", "value": "1"},
        {"name": "hashes", "value": "{{templates.base.podTemplateHash}} {{ templates.canary.podTemplateHash }}"},
        {"name": "set", "value": "{{templates.canary.replicaset.name}}"},
        {"name": "times", "value": "{{experiment.availableAt}} {{experiment.finishedAt}}"},
    ]);
    let with = |args: &Value| {
        let analysis = json!({"name": "a", "templateName": "web", "args": args});
        let mut cluster = cluster(&json!([analysis]), &json!({"duration": "1m"}));
        let spec = json!({"metrics": [{"name": "m"}], "args": [
            {"name": "plain"}, {"name": "hashes"}, {"name": "set"}, {"name": "times"},
        ]});
        let spec: serin_core::api::analysis_template::AnalysisTemplateSpec = serde_json::from_value(spec).unwrap();
        cluster.templates.insert("web".to_owned(), spec.into());
        cluster.run(2);
        cluster
    };
    let of_good = with(&args);
    let values: Vec<String> = of_good.runs[0]
        .1
        .spec
        .args
        .iter()
        .map(|arg| arg.value.clone().unwrap())
        .collect();
    let [base, canary] = [&of_good.sets[0], &of_good.sets[1]].map(|set| set.object.hash());
    assert_eq!(
        values,
        [
            "1",
            &format!("{base} {canary}"),
            "exp-canary",
            "2023-11-14T22:13:22Z 2023-11-14T22:14:22Z"
        ]
    );

    let mut bad = args;
    bad[1]["value"] = json!("{{templates.none.podTemplateHash}}");
    let cluster = with(&bad);
    let message = "Failed to create AnalysisRun for analysis 'a': failed to resolve {{templates.none.podTemplateHash}}";
    assert_eq!(cluster.analysis("a"), ("", "Error", message));
    assert_eq!(cluster.phase(), ("Error", message));
}

#[test]
fn the_verdict_of_an_analysis_ends_the_experiment_unless_it_is_good() {
    for (phase, ends) in [
        (Phase::Failed, true),
        (Phase::Error, true),
        (Phase::Inconclusive, true),
        (Phase::Successful, false),
    ] {
        let mut cluster = cluster(&json!([analysis("a", false), analysis("b", false)]), &json!({}));
        cluster.run(2);
        cluster.end_run("exp-a", phase, "why");
        if ends {
            assert_eq!(cluster.phase(), (phase.as_str(), "why"));
            assert_eq!(cluster.template("canary").0, "Successful");
            assert_eq!(cluster.sizes(), [("exp-base", 0), ("exp-canary", 0)]);
            let (other, _) = &cluster.runs[1];
            assert!(other.spec.terminate);
            assert!(
                cluster
                    .events
                    .contains(&"AnalysisRunTerminating: Terminating b (exp-b)".to_owned())
            );
        } else {
            assert_eq!(cluster.phase(), ("Running", ""));
            assert_eq!(cluster.sizes(), [("exp-base", 1), ("exp-canary", 1)]);
        }
        assert!(cluster.plan().is_empty());
    }
}

#[test]
fn required_analyses_end_it_before_its_time_and_hold_it_after() {
    let both = json!([analysis("a", true), analysis("b", true)]);
    let mut early = cluster(&both, &json!({"duration": "1h"}));
    early.run(2);
    early.end_run("exp-a", Phase::Successful, "");
    assert_eq!(early.phase().0, "Running");
    early.end_run("exp-b", Phase::Successful, "");
    assert_eq!(early.phase(), ("Successful", "Required AnalysisRuns completed"));
    assert_eq!(early.sizes(), [("exp-base", 0), ("exp-canary", 0)]);

    let mut late = cluster(&both, &json!({"duration": "10s"}));
    late.run(60);
    assert_eq!(late.template("canary").0, "Successful");
    assert_eq!(late.phase().0, "Running", "unknown is never success");
    late.end_run("exp-a", Phase::Successful, "");
    assert_eq!(late.phase().0, "Running");
    late.end_run("exp-b", Phase::Failed, "bad");
    assert_eq!(late.phase(), ("Failed", "bad"));
}

#[test]
fn one_that_is_not_required_is_ended_with_the_time() {
    let mut cluster = cluster(&json!([analysis("a", false)]), &json!({"duration": "10s"}));
    cluster.run(20);
    assert_eq!(cluster.phase(), ("Successful", ""));
    assert!(cluster.runs[0].0.spec.terminate);
}

/// Argo Rollouts never ends here: it no longer looks at the runs.
#[test]
fn an_experiment_that_a_person_ends_ends_although_an_analysis_is_required() {
    let mut cluster = cluster(&json!([analysis("a", true)]), &json!({}));
    cluster.run(2);
    cluster.edit(&json!({"terminate": true}));
    cluster.settle();
    assert!(cluster.runs[0].0.spec.terminate);
    assert_eq!(cluster.phase().0, "Successful");
    assert_eq!(cluster.analysis("a").1, "Successful");
}

#[test]
fn a_missing_template_ends_it_before_pods_run() {
    let named = |cluster_scope| json!([{"name": "a", "templateName": "none", "clusterScope": cluster_scope}]);
    for (scope, expected) in [
        (
            false,
            "AnalysisTemplate verification failed for analysis 'a': analysistemplate.argoproj.io \"none\" not found",
        ),
        (
            true,
            "ClusterAnalysisTemplate verification failed for analysis 'a': clusteranalysistemplate.argoproj.io \"none\" not \
             found",
        ),
    ] {
        let mut cluster = cluster(&named(scope), &json!({}));
        cluster.settle();
        assert_eq!(cluster.analysis("a"), ("", "Error", expected));
        assert_eq!(cluster.phase(), ("Error", expected));
        assert_eq!(cluster.sizes(), [("exp-base", 0), ("exp-canary", 0)]);
    }
}

#[test]
fn a_name_that_others_have_gets_a_number_and_a_run_that_is_lost_is_an_error() {
    let mut cluster = cluster(&json!([analysis("a", true)]), &json!({}));
    let foreign = AnalysisRun {
        name: "exp-a".to_owned(),
        foreign: true,
        created: at(0),
        ..AnalysisRun::default()
    };
    cluster.runs.push((
        foreign,
        serin_core::plan::NewAnalysisRun {
            name: "exp-a".to_owned(),
            labels: Default::default(),
            annotations: Default::default(),
            spec: Default::default(),
        },
    ));
    cluster.run(2);
    assert_eq!(cluster.analysis("a").0, "exp-a.1");
    cluster.runs.retain(|(run, _)| run.foreign);
    cluster.settle();
    let message = "analysisruns.argoproj.io \"exp-a.1\" not found";
    assert_eq!(cluster.analysis("a"), ("exp-a.1", "Error", message));
    assert_eq!(cluster.phase(), ("Error", message));
}

/// The controller died after it had made the run, and the run ended before another looked.
#[test]
fn a_run_that_was_made_before_a_crash_is_the_one_that_counts() {
    let mut cluster = cluster(&json!([analysis("a", true)]), &json!({}));
    cluster.run(2);
    let of = &mut cluster.experiment.status.analysis_runs[0];
    of.analysis_run.clear();
    of.phase.clear();
    cluster.end_run("exp-a", Phase::Failed, "bad");
    assert_eq!(cluster.analysis("a"), ("exp-a", "Failed", "bad"));
    assert_eq!(cluster.runs.len(), 1);
}

#[test]
fn the_rollout_that_owns_it_is_told_of_its_runs_always_as_a_warning() {
    let mut cluster = cluster(&json!([analysis("a", false)]), &json!({}));
    let owner = json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "r"}]);
    cluster.experiment.metadata.owner_references = serde_json::from_value(owner).unwrap();
    cluster.run(2);
    let told: Vec<&String> = cluster
        .events
        .iter()
        .filter(|event| event.starts_with("rollout"))
        .collect();
    assert_eq!(
        told,
        [
            "rollout AnalysisRunPending: AnalysisRun 'a' transitioned from  -> Pending",
            "rollout AnalysisRunRunning: AnalysisRun 'a' transitioned from Pending -> Running",
        ]
    );
}
