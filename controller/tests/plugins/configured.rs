//! The ConfigMap that names the plugins, at the start of the controller.

use crate::support;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use serin_controller::configured_plugins;
use serin_plugin::Kind;
use serin_sandbox::{ApiError, ApiServer, FaultResponse};
use std::sync::atomic::{AtomicUsize, Ordering};

async fn with(data: Value) -> ApiServer {
    let api = support::server().await;
    let maps: Api<ConfigMap> = Api::namespaced(api.client(), "argo-rollouts");
    let map = json!({"metadata": {"name": "argo-rollouts-config"}, "data": data});
    let map = serde_json::from_value(map).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    api
}

async fn start(api: &ApiServer) -> Result<Vec<String>, String> {
    let plugins = configured_plugins(&api.client(), "argo-rollouts").await;
    let plugins = plugins.map_err(|error| error.to_string())?;
    let names = plugins.configuration().iter().map(|(kind, plugin)| match kind {
        Kind::Step => format!("step {}", plugin.name),
        Kind::Metric => format!("metric {}", plugin.name),
        Kind::Router => format!("router {}", plugin.name),
    });
    Ok(names.collect())
}

pub(crate) async fn no_config_map_is_no_plugins() {
    assert_eq!(start(&support::server().await).await, Ok(Vec::new()));
}

pub(crate) async fn plugins_are_those_of_the_config_map() {
    let steps = "- {name: acme/step, location: file:///plugins/step}";
    let metrics = "- {name: acme/metric, location: 'https://example.com/metric'}";
    let api = with(json!({"stepPlugins": steps, "metricProviderPlugins": metrics})).await;
    // One that would have to be downloaded stops nothing (decision 54).
    let both = ["metric acme/metric", "step acme/step"].map(str::to_owned);
    assert_eq!(start(&api).await, Ok(both.to_vec()));
}

pub(crate) async fn what_cannot_be_read_ends_the_start() {
    let api = with(json!({"stepPlugins": "- name: acme/step\n  location: file:///plugins/step\n- name: step\n"})).await;
    let error = start(&api).await.unwrap_err();
    assert_eq!(
        error,
        "ConfigMap argo-rollouts-config, stepPlugins, line 3: name: plugin repository (step) must be in the format of \
         <namespace>/<name>"
    );
    let pinned = format!(
        "- {{name: acme/step, location: {:?}, sha256: {:?}}}",
        file!(),
        "0".repeat(64)
    );
    let error = start(&with(json!({"stepPlugins": pinned})).await).await.unwrap_err();
    assert!(
        error.starts_with("unable to start plugin system: plugin acme/step: "),
        "{error}"
    );
}

pub(crate) async fn what_must_not_be_read_ends_the_start() {
    let api = support::server().await;
    api.intercept(Box::new(|request| {
        let forbidden = ApiError::new(403, "Forbidden", "configmaps \"argo-rollouts-config\" is forbidden");
        (request.resource == "configmaps").then_some(FaultResponse::Refuse(forbidden))
    }));
    assert_eq!(
        start(&api).await,
        Err(
            "cannot read ConfigMap argo-rollouts/argo-rollouts-config: configmaps \"argo-rollouts-config\" is forbidden; \
             deploy/base/plugins-role.yaml has the Role that permits it"
                .to_owned()
        )
    );
}

pub(crate) async fn an_api_server_that_does_not_answer_is_asked_again() {
    let api = support::server().await;
    let asked = AtomicUsize::new(0);
    api.intercept(Box::new(move |request| {
        let down = ApiError::new(503, "ServiceUnavailable", "down");
        let this = request.resource == "configmaps" && asked.fetch_add(1, Ordering::Relaxed) < 3;
        this.then_some(FaultResponse::Refuse(down))
    }));
    assert_eq!(start(&api).await, Ok(Vec::new()));
}
