//! What the compiled plugin receives, and what it answers.

use crate::{LIMITS, compiled};
use serde_json::{Value, json};
use serin_plugin::{Error, Kind, StepContext, Verified};

fn metric(what: &str) -> Value {
    json!({
        "name": "m",
        "interval": "5s",
        "count": 3,
        "failureLimit": "25%",
        "provider": {"plugin": {"acme/go": {"do": what, "address": "http://example.com", "list": [1, null, {"a": ""}]}}},
    })
}

fn analysis_run() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {
            "name": "run-1",
            "namespace": "default",
            "creationTimestamp": "2026-08-01T12:30:00Z",
            "labels": {"a": "b", "empty": ""},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Rollout", "name": "shop", "uid": "1", "controller": true}],
        },
        "spec": {"metrics": [metric("echo")], "args": [{"name": "host", "value": ""}, {"name": "port", "value": "80"}]},
        "status": {"phase": "Running", "metricResults": [
            {"name": "m", "phase": "Running", "count": 1, "measurements": [
                {"phase": "Successful", "value": "1", "startedAt": "2026-08-01T12:30:01Z"},
            ]},
        ]},
    })
}

fn rollout() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "shop", "namespace": "default", "annotations": {"echo": "yes"}},
        "spec": {
            "replicas": 5,
            "selector": {"matchLabels": {"app": "shop"}},
            "strategy": {"canary": {"maxSurge": "25%", "maxUnavailable": 1, "steps": [
                {"setWeight": 20},
                {"pause": {"duration": 10}},
                {"plugin": {"name": "acme/go", "config": {"a": 1}}},
            ]}},
            "template": {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [{
                "name": "shop",
                "image": "shop:1",
                "ports": [{"containerPort": 80}],
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
                "livenessProbe": {"httpGet": {"path": "/", "port": "http"}},
            }]}},
        },
    })
}

/// Whether all that was sent is in what came back. Go's JSON adds empty fields.
fn assert_within(sent: &Value, received: &Value, path: &str) {
    match (sent, received) {
        (Value::Object(sent), Value::Object(received)) => {
            for (key, sent) in sent {
                let path = format!("{path}.{key}");
                match received.get(key) {
                    Some(received) => assert_within(sent, received, &path),
                    None => assert!(is_zero(sent), "{path} did not arrive"),
                }
            }
        }
        (Value::Array(sent), Value::Array(received)) if sent.len() == received.len() => {
            for (index, (sent, received)) in sent.iter().zip(received).enumerate() {
                assert_within(sent, received, &format!("{path}[{index}]"));
            }
        }
        _ => assert_eq!(sent, received, "{path}"),
    }
}

fn is_zero(value: &Value) -> bool {
    matches!(value, Value::Null) || value == "" || value == 0 || value == false
}

fn echoed(text: &Value) -> Value {
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

pub(crate) async fn a_metric_plugin_sees_what_was_sent() {
    let plugins = compiled(LIMITS);
    let (run, metric) = (analysis_run(), metric("talk"));
    let measured = plugins.metric_run("acme/go", &run, &metric).await.unwrap();
    assert_eq!(measured["phase"], "Successful");
    assert_eq!(measured["startedAt"], "2026-08-01T12:30:00Z");
    assert_eq!(measured["metadata"], json!({"kind": "echo"}));
    assert_within(&json!({"run": run, "metric": metric}), &echoed(&measured["value"]), "");

    let begun = json!({"phase": "Running", "resumeAt": "2026-08-01T12:31:00Z", "metadata": {"id": "7", "empty": ""}});
    let resumed = plugins.metric_resume("acme/go", &run, &metric, &begun).await.unwrap();
    assert_within(&begun, &echoed(&resumed["value"]), "");
    let ended = plugins
        .metric_terminate("acme/go", &run, &metric, &begun)
        .await
        .unwrap();
    assert_within(&begun, &echoed(&ended["value"]), "");

    let metadata = plugins.metric_metadata("acme/go", &metric).await.unwrap();
    assert_eq!(json!(metadata), json!({"name": "m", "empty": ""}));
    assert_eq!(
        plugins.metric_garbage_collect("acme/go", &run, &metric, 10).await,
        Ok(())
    );
    let refused = plugins.metric_garbage_collect("acme/go", &run, &metric, -1).await;
    assert_eq!(refused, Err(Error::Answer("limit -1".to_owned())));
    plugins.shutdown().await;
}

pub(crate) async fn a_metric_plugin_says_that_it_failed() {
    let plugins = compiled(LIMITS);
    let (run, metric) = (analysis_run(), metric("fail"));
    let measured = plugins.metric_run("acme/go", &run, &metric).await.unwrap();
    assert_eq!(measured["phase"], "Error");
    assert_eq!(measured["message"], "failed to run via plugin: told to fail");
    let resumed = plugins
        .metric_resume("acme/go", &run, &metric, &measured)
        .await
        .unwrap();
    assert_eq!(resumed["message"], "failed to resume via plugin: told to fail");
    let ended = plugins
        .metric_terminate("acme/go", &run, &metric, &measured)
        .await
        .unwrap();
    assert_eq!(ended["message"], "failed to terminate via plugin: told to fail");

    let wrong = json!({"name": "m", "count": {}});
    let error = plugins
        .metric_run("acme/go", &run, &json!({"name": 1}))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Run rpc call error: Metric.name: a string is needed, it is a number"
    );
    let error = plugins.metric_run("acme/go", &run, &wrong).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Run rpc call error: Metric.count: an integer or a string is needed, it is an object"
    );
    let again = plugins.metric_run("acme/go", &run, &metric).await.unwrap();
    assert_eq!(again["phase"], "Error", "the stream is as good as before");
}

fn context(config: Value, status: Option<Value>) -> StepContext {
    StepContext {
        plugin_name: "acme/go".to_owned(),
        config: Some(config),
        status,
    }
}

pub(crate) async fn a_step_plugin_sees_what_was_sent() {
    let plugins = compiled(LIMITS);
    let (rollout, context) = (rollout(), context(json!({"a": [1, "ü"]}), Some(json!({"run": 1}))));
    for operation in ["run", "terminate", "abort"] {
        let result = match operation {
            "run" => plugins.step_run("acme/go", &rollout, &context).await,
            "terminate" => plugins.step_terminate("acme/go", &rollout, &context).await,
            _ => plugins.step_abort("acme/go", &rollout, &context).await,
        };
        let result = result.unwrap();
        assert_eq!((result.phase.as_str(), result.message.as_str()), ("Running", operation));
        assert_eq!(result.requeue_after_nanoseconds, 17_000_000_000);
        let status = result.status.unwrap();
        assert_within(&rollout, &status["rollout"], "rollout");
        let sent = json!({"PluginName": "acme/go", "Config": {"a": [1, "ü"]}, "Status": {"run": 1}});
        assert_eq!(status["context"], sent);
    }
    let nothing = StepContext {
        plugin_name: String::new(),
        config: None,
        status: None,
    };
    let result = plugins.step_run("acme/go", &rollout, &nothing).await.unwrap();
    let sent = json!({"PluginName": "", "Config": null, "Status": null});
    assert_eq!(result.status.unwrap()["context"], sent);
}

pub(crate) async fn a_step_plugin_says_that_it_failed() {
    let plugins = compiled(LIMITS);
    let failed = plugins
        .step_run("acme/go", &rollout(), &context(json!({"do": "fail"}), None))
        .await;
    assert_eq!(failed, Err(Error::Answer("told to fail".to_owned())));
}

pub(crate) async fn a_router_sees_what_was_sent() {
    let plugins = compiled(LIMITS);
    let (rollout, name) = (rollout(), "acme/go");
    let mut quiet = rollout.clone();
    quiet["metadata"]["annotations"] = json!({});
    let more = json!([{"serviceName": "extra", "podTemplateHash": "abc", "weight": 5}]);
    let echoed = |answer: Result<(), Error>| match answer {
        Err(Error::Answer(text)) => {
            let (words, echo) = text.split_once(" via plugin: ").unwrap();
            assert!(words.starts_with("failed to "), "{words}");
            serde_json::from_str::<Value>(echo).unwrap()
        }
        other => panic!("{other:?}"),
    };
    let hashes = plugins.router_update_hash(name, &rollout, "new", "old", &more).await;
    let more_back = json!([{"ServiceName": "extra", "PodTemplateHash": "abc", "Weight": 5}]);
    let hashes = echoed(hashes);
    assert_eq!(hashes[0], "new");
    assert_eq!(hashes[1], "old");
    let is_same = hashes[2] == more || hashes[2] == more_back;
    assert!(is_same, "{hashes}");
    let weight = echoed(plugins.router_set_weight(name, &rollout, 20, &Value::Null).await);
    assert_eq!(weight, json!([20, null]));
    let route = json!({"name": "r", "match": [{"headerName": "x", "headerValue": {"exact": "y"}}]});
    assert_within(
        &json!([route]),
        &echoed(plugins.router_set_header_route(name, &rollout, &route).await),
        "",
    );
    let route = json!({"name": "m", "percentage": 50, "match": [{"path": {"prefix": "/"}}]});
    assert_within(
        &json!([route]),
        &echoed(plugins.router_set_mirror_route(name, &rollout, &route).await),
        "",
    );
    assert_eq!(
        echoed(plugins.router_remove_managed_routes(name, &rollout).await),
        json!(["shop"])
    );

    assert_eq!(plugins.router_set_weight(name, &quiet, 20, &more).await, Ok(()));
    for (weight, verified) in [
        (0, Verified::No),
        (1, Verified::Yes),
        (2, Verified::NotImplemented),
        (9, Verified::No),
    ] {
        let answer = plugins.router_verify_weight(name, &quiet, weight, &Value::Null).await;
        assert_eq!(answer, Ok(verified), "{weight}");
    }
    let echo = plugins.router_verify_weight(name, &rollout, 1, &Value::Null).await;
    let failed = "failed to verify weight via plugin: [1,null]";
    assert_eq!(echo, Err(Error::Answer(failed.to_owned())));
}

pub(crate) async fn each_kind_has_a_type() {
    let plugins = compiled(LIMITS);
    for kind in Kind::ALL {
        assert_eq!(plugins.type_of(kind, "acme/go").await, Ok("goplugin".to_owned()));
    }
}

pub(crate) async fn a_router_that_gives_no_answer_is_an_error() {
    let mut nameless = rollout();
    nameless["spec"]["replicas"] = json!("many");
    let error = compiled(LIMITS)
        .router_set_weight("acme/go", &nameless, 20, &Value::Null)
        .await;
    let failed = "failed to set weight via plugin: SetWeight rpc call error: Rollout.spec.replicas: an integer is needed, it \
                  is a string";
    assert_eq!(error, Err(Error::Answer(failed.to_owned())));
}

/// More than the window of a stream, both ways.
pub(crate) async fn a_large_rollout_arrives() {
    let plugins = compiled(LIMITS);
    let mut rollout = rollout();
    rollout["metadata"]["annotations"]["large"] = Value::from("x".repeat(1_500_000));
    let result = plugins
        .step_run("acme/go", &rollout, &context(json!({}), None))
        .await
        .unwrap();
    assert_within(&rollout, &result.status.unwrap()["rollout"], "rollout");
}
