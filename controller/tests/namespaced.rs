//! `--namespaced`: one namespace is served, and nothing is asked for outside of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::json;
use serin_controller::{Controller, Election, Options, takeover_report};
use support::{rollouts, server, two, web};
use tokio_util::sync::CancellationToken;

fn options() -> Options {
    Options {
        namespaced: true,
        namespace: Some("default".to_owned()),
        ..Options::default()
    }
}

/// Requests that a Role of the namespace would not allow.
fn outside(api: &serin_sandbox::ApiServer) -> Vec<String> {
    let requests = api.requests().into_iter().map(|it| it.request);
    requests
        .filter(|it| it.namespace != "default")
        .map(|it| format!("{} {} in {:?}", it.verb, it.resource, it.namespace))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_namespace_is_served_and_nothing_outside_is_asked_for() {
    let api = server().await;
    let client = api.client();
    for namespace in ["default", "other"] {
        let body = json!({"metadata": {"name": namespace}});
        let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
        if namespaces.get_opt(namespace).await.unwrap().is_none() {
            namespaces
                .create(&PostParams::default(), &serde_json::from_value(body).unwrap())
                .await
                .unwrap();
        }
    }
    let resource =
        kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Rollout"));
    for namespace in ["default", "other"] {
        let api: Api<kube::api::DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        let object = serde_json::from_value(web(1, &json!({"canary": {}}))).unwrap();
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    api.clear_requests();
    let shutdown = CancellationToken::new();
    let election = Election {
        namespace: "default".to_owned(),
        identity: "a".to_owned(),
    };
    let bound = Controller::new(client.clone(), options())
        .decide(two)
        .elect(election)
        .without_servers()
        .bind()
        .await
        .unwrap();
    let running = tokio::spawn(bound.run(shutdown.clone()));
    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    shutdown.cancel();
    running.await.unwrap().unwrap();

    assert_eq!(outside(&api), Vec::<String>::new());
    let served = rollouts(&client).get("web").await.unwrap();
    assert_eq!(served.data["status"]["phase"], "Healthy");
    let elsewhere: Api<kube::api::DynamicObject> = Api::namespaced_with(client.clone(), "other", &resource);
    assert_eq!(elsewhere.get("web").await.unwrap().data.get("status"), None);
    let leases: Api<Lease> = Api::namespaced(client, "default");
    assert_eq!(leases.list(&ListParams::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn the_report_stays_in_its_namespace_too() {
    let api = server().await;
    let client = api.client();
    support::create(&client, &web(1, &json!({"canary": {}}))).await;
    api.clear_requests();
    let report = takeover_report(&client, &options()).await.unwrap();
    assert_eq!(report.len(), 1);
    assert_eq!(outside(&api), Vec::<String>::new());
}
