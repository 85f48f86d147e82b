//! Target groups are verified: a controller with a stand-in for AWS, against the in-memory API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::needless_pass_by_value, reason = "json!() values read best at the call")]

mod support;

use futures::FutureExt;
use futures::future::BoxFuture;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use serin_controller::Options;
use serin_controller::aws::{Answered, Calls, SignedCalls, surroundings};
use std::sync::Arc;
use support::elb::{Elb, Group, State, arn};
use support::{World, create, serve, web};

const HOST: &str = "main.eu-west-1.elb.amazonaws.com";

/// Answers at once.
struct AtOnce(Arc<Elb>);

impl Calls for AtOnce {
    fn send(&self, form: String) -> BoxFuture<'_, Answered> {
        let (status, body) = self.0.answer(&form);
        async move { Ok((status, body.into_bytes())) }.boxed()
    }
}

fn object(api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    object
        .as_object_mut()
        .unwrap()
        .extend(rest.as_object().unwrap().clone());
    object
}

fn objects(world: &World, object: &Value, plural: &str) -> Api<DynamicObject> {
    let (group, version) = object["apiVersion"]
        .as_str()
        .unwrap()
        .split_once('/')
        .unwrap_or(("", "v1"));
    let kind = GroupVersionKind::gvk(group, version, object["kind"].as_str().unwrap());
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    Api::namespaced_with(world.client.clone(), "default", &resource)
}

async fn store(world: &World, plural: &str, object: Value) {
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    let api = objects(world, &object, plural);
    let typed = serde_json::from_value(object.clone()).unwrap();
    if api.create(&PostParams::default(), &typed).await.is_err() {
        api.patch(&name, &PatchParams::default(), &Patch::Merge(&object))
            .await
            .unwrap();
    }
}

fn group(name: &str) -> Group {
    Group {
        name: name.to_owned(),
        resource: format!("default/main-{name}:80"),
        ..Group::default()
    }
}

fn rule(canary: i64) -> Vec<Vec<(String, i64)>> {
    vec![vec![("canary".to_owned(), canary), ("stable".to_owned(), 100 - canary)]]
}

async fn start(elb: &Arc<Elb>) -> World {
    let options = Options {
        aws_verify_target_group: true,
        ..Options::default()
    };
    World::start_with_aws(options, Arc::new(AtOnce(Arc::clone(elb)))).await
}

async fn create_services(world: &World, names: &[&str]) {
    for name in names {
        let spec = json!({"spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
        store(world, "services", object("v1", "Service", name, spec)).await;
    }
}

fn image(tag: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": format!("app:{tag}")}]}}}})
}

/// A canary at an ALB whose second revision is to have a quarter of the traffic.
async fn at_a_quarter(elb: &Arc<Elb>) -> World {
    let world = start(elb).await;
    create_services(&world, &["canary", "stable"]).await;
    let backend = json!({"service": {"name": "stable", "port": {"number": 80}}});
    let rules = json!([{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]);
    let status = json!({"loadBalancer": {"ingress": [{"hostname": HOST}]}});
    let ingress = object(
        "networking.k8s.io/v1",
        "Ingress",
        "main",
        json!({"spec": {"rules": rules}}),
    );
    store(&world, "ingresses", ingress.clone()).await;
    objects(&world, &ingress, "ingresses")
        .patch_status(
            "main",
            &PatchParams::default(),
            &Patch::Merge(json!({"status": status})),
        )
        .await
        .unwrap();
    let canary = json!({"canaryService": "canary", "stableService": "stable",
        "trafficRouting": {"alb": {"ingress": "main", "servicePort": 80}},
        "steps": [{"setWeight": 25}, {"pause": {}}]});
    create(&world.client, &web(4, &json!({"canary": canary}))).await;
    serve(&world, 6).await;
    assert_eq!(world.rollout("web").await["status"]["phase"], "Healthy");
    assert!(elb.calls().is_empty(), "nothing depends on AWS yet");
    world.edit("web", &image("2")).await;
    serve(&world, 8).await;
    world
}

fn canary_and_stable() -> Arc<Elb> {
    Arc::new(Elb::new(State {
        balancers: vec!["main".to_owned()],
        groups: ["canary", "stable"].map(group).into(),
        rules: rule(0),
        ..State::default()
    }))
}

#[tokio::test(start_paused = true)]
async fn a_step_ends_once_the_load_balancer_has_the_weight() {
    let elb = canary_and_stable();
    let world = at_a_quarter(&elb).await;
    let status = world.rollout("web").await["status"].clone();
    assert_eq!(status["canary"]["weights"]["canary"]["weight"], 25, "{status:#}");
    assert_eq!(status["canary"]["weights"]["verified"], false);
    assert_eq!(status["currentStepIndex"], 0);
    // It looks again every ten seconds: what AWS has by then counts.
    elb.calls();
    elb.change(|state| state.throttled = 2);
    serve(&world, 30).await;
    let calls = elb.calls();
    assert!((3..=6).contains(&calls["DescribeRules"]), "{calls:?}");
    assert_eq!(calls.get("DescribeTags"), None, "{calls:?}");
    elb.change(|state| state.rules = rule(25));
    serve(&world, 12).await;
    let status = world.rollout("web").await["status"].clone();
    assert_eq!(status["canary"]["weights"]["verified"], true, "{status:#}");
    assert_eq!(status["phase"], "Paused");
    assert_eq!(status["alb"]["loadBalancer"]["name"], "main");
    assert_eq!(status["alb"]["canaryTargetGroup"]["arn"], arn("targetgroup", "canary"));
    let events = world.events().await;
    for reason in ["TargetGroupUnverified", "TargetGroupVerified"] {
        assert!(events.iter().any(|event| event == reason), "{events:?}");
    }
    // A pause depends on nothing.
    elb.calls();
    serve(&world, 60).await;
    assert!(elb.calls().is_empty());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_named_and_nothing_moves() {
    let elb = canary_and_stable();
    elb.change(|state| {
        let [action, code, message] = ["DescribeListeners", "AccessDenied", "not you"].map(str::to_owned);
        state.refused = Some((action, code, message));
    });
    let world = at_a_quarter(&elb).await;
    let status = world.rollout("web").await["status"].clone();
    let conditions = status["conditions"].as_array().unwrap();
    let found = conditions
        .iter()
        .find(|one| one["type"] == "TrafficNotVerified")
        .unwrap();
    assert_eq!(found["reason"], "WeightVerifyError");
    let why = "Failed to verify weight: DescribeListeners: status code 403, AccessDenied: not you";
    assert_eq!(found["message"], why);
    assert!(world.events().await.iter().any(|event| event == "WeightVerifyError"));
    assert_eq!(status["canary"]["weights"]["canary"]["weight"], 0);
    elb.change(|state| state.refused = None);
    serve(&world, 15).await;
    let status = world.rollout("web").await["status"].clone();
    assert_eq!(status["canary"]["weights"]["canary"]["weight"], 25, "{status:#}");
    world.stop().await;
}

/// Addresses of the pods of the newest ReplicaSet.
async fn lead_to_newest(world: &World, service: &str) {
    let hash = world.rollout("web").await["status"]["currentPodHash"].clone();
    let pod = |number: usize| {
        let name = format!("web-{}-{number}", hash.as_str().unwrap());
        json!({"ip": format!("10.0.0.{number}"), "targetRef": {"kind": "Pod", "name": name}})
    };
    let subsets = json!({"subsets": [{"addresses": [pod(1), pod(2)], "ports": [{"port": 8080}]}]});
    store(world, "endpoints", object("v1", "Endpoints", service, subsets)).await;
}

#[tokio::test(start_paused = true)]
async fn blue_green_is_promoted_once_the_bound_target_group_has_the_pods() {
    let target = |address: &str, state: &str| (address.to_owned(), state.to_owned());
    let elb = Arc::new(Elb::new(State::default()));
    elb.change(|state| {
        state.groups.push(Group {
            name: "active".to_owned(),
            targets: vec![target("10.0.0.1", "healthy"), target("10.0.0.2", "initial")],
            ..Group::default()
        });
    });
    let world = start(&elb).await;
    support::define(
        &world.client,
        "elbv2.k8s.aws",
        "v1beta1",
        "TargetGroupBinding",
        "targetgroupbindings",
    )
    .await;
    let spec = json!({"spec": {"serviceRef": {"name": "active", "port": 80}, "targetType": "ip",
        "targetGroupARN": arn("targetgroup", "active")}});
    let binding = object("elbv2.k8s.aws/v1beta1", "TargetGroupBinding", "k8s-active", spec);
    store(&world, "targetgroupbindings", binding).await;
    create_services(&world, &["active"]).await;
    create(
        &world.client,
        &web(2, &json!({"blueGreen": {"activeService": "active"}})),
    )
    .await;
    serve(&world, 6).await;
    let before = world.rollout("web").await["status"]["stableRS"].clone();
    world.edit("web", &image("2")).await;
    serve(&world, 4).await;
    lead_to_newest(&world, "active").await;
    serve(&world, 25).await;
    let status = world.rollout("web").await["status"].clone();
    assert_eq!(status["stableRS"], before, "{status:#}");
    assert_eq!(status["blueGreen"]["activeSelector"], status["currentPodHash"]);
    let conditions = status["conditions"].to_string();
    assert!(
        conditions.contains("1/2 endpoints registered and healthy"),
        "{conditions}"
    );
    elb.change(|state| state.groups[0].targets[1].1 = "healthy".to_owned());
    serve(&world, 15).await;
    let status = world.rollout("web").await["status"].clone();
    assert_eq!(status["stableRS"], status["currentPodHash"], "{status:#}");
    assert!(!status["conditions"].to_string().contains("TrafficNotVerified"));
    world.stop().await;
}

/// The environment belongs to the process, so this test starts another one.
#[test]
fn calls_are_signed_and_go_to_the_endpoint() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Ok(url) = std::env::var("SERIN_TEST_ELB") {
        let variables = move |name: &str| match name {
            "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2" => Some(url.clone()),
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            _ => None,
        };
        let calls = SignedCalls::new(surroundings(variables));
        let answered = runtime.block_on(calls.send("Action=DescribeLoadBalancers&Version=2015-12-01".to_owned()));
        let (status, body) = answered.unwrap();
        assert_eq!(status, 200);
        assert!(String::from_utf8(body).unwrap().contains("<LoadBalancerName>main<"));
        let nowhere = SignedCalls::new(surroundings(|_| None));
        let why = runtime.block_on(nowhere.send(String::new())).unwrap_err();
        assert!(why.contains("AWS_REGION"), "{why}");
        return;
    }
    let (url, asked) = runtime.block_on(support::elb_over_http(canary_and_stable()));
    let again = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "calls_are_signed_and_go_to_the_endpoint", "--nocapture"])
        .env("SERIN_TEST_ELB", url)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        .output()
        .unwrap();
    let said = |of: &[u8]| String::from_utf8_lossy(of).into_owned();
    assert!(again.status.success(), "{}{}", said(&again.stdout), said(&again.stderr));
    let head = asked.lock().unwrap().concat();
    assert!(head.contains("/eu-west-1/elasticloadbalancing/aws4_request"), "{head}");
    assert!(head.contains("application/x-www-form-urlencoded"), "{head}");
}
