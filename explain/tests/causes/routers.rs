//! What Serin's own routers say.

use crate::world::{World, ago};
use serde_json::{Value, json};

/// A canary with a router, whose new pod is there.
pub(crate) fn routed(routing: Value) -> World {
    let mut world = World::canary();
    world.rollout(json!({"spec": {"strategy": {"canary": {"canaryService": "web-canary", "stableService": "web-stable", "trafficRouting": routing}}}}));
    world.rollout(json!({"status": {"canary": {"weights": {"canary": {"weight": 25}, "stable": {"weight": 75}}}}}));
    world.change(
        "ReplicaSet",
        "web-bbb",
        json!({"status": {"readyReplicas": 1, "availableReplicas": 1}}),
    );
    world
}

fn condition(kind: &str, reason: &str, message: &str, age: i64) -> Value {
    let at = ago(age);
    json!({"status": {"conditions": [{"type": kind, "status": "True", "reason": reason, "message": message,
        "lastUpdateTime": at, "lastTransitionTime": at}]}})
}

pub(crate) fn nginx() -> Value {
    json!({"nginx": {"stableIngress": "main"}})
}

/// Cause, reason of the condition, message.
const NOT_ROUTED: &str = r#"
route-missing | VirtualServiceNotFound | VirtualService shop/web: VirtualService `web` not found
route-missing | DestinationRuleNotFound | DestinationRule shop/web: DestinationRule `web` not found
route-missing | TrafficRoutingError | VirtualService shop/web: No matching TCP routes found in the defined Virtual Service.
route-missing | TrafficRoutingError | VirtualService shop/web: HTTP Route 'primary' is not found in the defined Virtual Service.
router-refused | TrafficRoutingError | VirtualService shop/web: HTTP Route 'primary' carries the weights and cannot be a route of a step
reference-missing | IngressNotFound | Ingress shop/main: ingresses.networking.k8s.io "main" not found
forbidden | TrafficRoutingError | Ingress shop/main: ingresses.networking.k8s.io "main" is forbidden: User "u" cannot get resource "ingresses" in API group "networking.k8s.io"
router-refused | PatchingCanaryIngress | Ingress shop/web-main-canary: canary ingress `web-main-canary` controlled by different object
route-missing | PatchingALBIngress | Ingress shop/main: ingress does not have service `web-stable` in rules
router-refused | PatchingALBIngress | Ingress shop/main: header route `web-stable` has the name of the service of ingress `main`
router-refused | TrafficSplitNotModified | TrafficSplit shop/web: Rollout does not own TrafficSplit `web`
router-refused | TrafficSplitNotCreated | TrafficSplit shop/web: Unsupported TrafficSplit API version `v9`
route-missing | AmbassadorMappingNotFound | Mapping shop/web: mappings.getambassador.io "web" not found
router-refused | AmbassadorMappingConfigError | Mapping shop/web: Ambassador mapping "web" can not define weight
route-missing | VirtualServiceNotFound | VirtualService shop/web: Virtual-service is missing
route-missing | VirtualRouterNotFound | VirtualService shop/web: Virtual-service is not associated with virtual-router
route-missing | VirtualRouterNotFound | VirtualRouter shop/web: Virtual-router is missing
route-missing | VirtualNodeNotFound | VirtualNode shop/web: Virtual-node is missing
route-missing | TraefikServiceUpdateError | TraefikService shop/web: traefikservices.traefik.io "web" not found
route-missing | TraefikServiceUpdateError | TraefikService shop/web: traefik canary service was not found
route-missing | ApisixRouteUpdateError | ApisixRoute shop/web: apisixroutes.apisix.apache.org "web" not found
route-missing | ApisixRouteUpdateError | ApisixRoute shop/web: ApisixRoute `web` has no rule `a`
route-missing | ApisixRouteUpdateError | ApisixRoute shop/web: rule `a` of ApisixRoute `web` has no backend `web-canary`
router-refused | ApisixRouteCreateError | ApisixRoute shop/web: duplicate ApisixRoute [header] already exists
route-missing | TrafficRoutingError | TLSRoute shop/web: tlsroutes.gateway.networking.k8s.io "web" not found
route-missing | TrafficRoutingError | GRPCRoute shop/web: backendRef was not found in grpcRoute
router-refused | TrafficRoutingError | plugin acme/router: failed to set weight via plugin: no mesh
router-refused | TrafficRoutingError | plugin acme/router: unable to start plugin system: unable to find plugin (acme/router): plugin acme/router not configured in configmap
"#;

/// Each thing that core says of a route, and its cause.
#[test]
fn what_the_condition_not_routed_says_has_a_cause() {
    for row in NOT_ROUTED.trim().lines() {
        let [cause, reason, message] = row.splitn(3, " | ").collect::<Vec<_>>()[..] else {
            panic!("{row}");
        };
        let mut world = routed(nginx());
        world.rollout(condition("TrafficNotRouted", reason, message, 5));
        world.is(&[cause]);
    }
}

/// What the spec names is looked for before anything is written.
#[test]
fn routes_that_make_a_spec_invalid_have_a_cause() {
    for told in [
        "spec.strategy.canary.trafficRouting.appmesh.virtualService: Invalid value: \"web.shop\": virtualservices.appmesh.k8s.aws \"web\" not found",
        "spec.strategy.canary.trafficRouting.appmesh.virtualService: Invalid value: \"web.shop\": virtualrouters.appmesh.k8s.aws \"web\" not found",
        "spec.routes: Invalid value: \"web\": No routes defined for AppMesh virtual-router web",
        "spec.routes[0].httpRoute.action.weightedTargets: Invalid value: \"web\": Invalid number of weightedTargets(1) for AppMesh virtual-router web and route a, expected 2",
        "spec.strategy.canary.trafficRouting.gatewayAPI: Invalid value: \"web\": grpcroutes.gateway.networking.k8s.io \"web\" not found",
    ] {
        let told = format!("The Rollout \"web\" is invalid: {told}");
        let mut world = routed(nginx());
        world
            .rollout(condition("InvalidSpec", "InvalidSpec", &told, 5))
            .rollout(json!({"status": {"phase": "Degraded", "message": format!("InvalidSpec: {told}")}}));
        world.is(&["route-missing", "invalid-spec"]);
    }
}

#[test]
fn commands_lead_to_the_object_that_the_condition_names() {
    let runs = |routing: Value, message: &str| {
        let mut world = routed(routing);
        world.rollout(condition("TrafficNotRouted", "TrafficRoutingError", message, 5));
        world.explained().commands.remove(0).run
    };
    let mesh = json!({"appMesh": {"virtualService": {"name": "web"}}});
    for (routing, message, run) in [
        (
            nginx(),
            "Ingress shop/main: no",
            "kubectl -n shop get ingress/main -o yaml",
        ),
        (
            json!({"istio": {"virtualService": {"name": "web.mesh"}}}),
            "VirtualService mesh/web: no",
            "kubectl -n mesh get virtualservice/web -o yaml",
        ),
        (
            mesh,
            "VirtualService shop/web: no",
            "kubectl -n shop get virtualservice.appmesh.k8s.aws/web -o yaml",
        ),
        (
            json!({"plugins": {"a/b": {}}}),
            "plugin a/b: failed to set weight via plugin: no",
            "kubectl get pods -A -l app.kubernetes.io/name=argo-rollouts",
        ),
        (
            json!({"plugins": {"a/b": {}}}),
            "plugin a/b: plugin a/b not configured in configmap",
            "kubectl get configmaps -A --field-selector metadata.name=argo-rollouts-config -o yaml",
        ),
    ] {
        assert_eq!(runs(routing, message), run);
    }
}

#[test]
fn a_healthy_rollout_whose_router_cannot_be_written_is_told() {
    let message = "plugin acme/router: failed to set weight via plugin: no mesh";
    let mut world = routed(json!({"plugins": {"acme/router": {}}}));
    world
        .healthy()
        .rollout(condition("TrafficNotRouted", "TrafficRoutingError", message, 5));
    let told = world.is(&["router-refused"]);
    assert!(
        told.causes[0].summary.contains("the next update will wait for it"),
        "{:?}",
        told.causes
    );
    // An event of an update that is over is no cause.
    let mut over = routed(nginx());
    over.healthy()
        .event("Rollout", "web", "TrafficRoutingError", message, 60);
    over.is(&[]);
}

#[test]
fn what_the_condition_not_verified_says_has_a_cause() {
    let service = "Service web-canary (TargetGroup arn:x)";
    for (reason, message, cause) in [
        ("TargetGroupUnverified", format!("{service} not verified: canary weight 25 not yet set (current: 0)"), "weight-not-verified"),
        ("TargetGroupUnverified", format!("{service} not verified: 0/1 endpoints registered and healthy"), "target-unhealthy"),
        ("TargetGroupUnverified", "Service web-canary (TargetGroup unknown) not verified: load balancer main has no target group whose tag says shop/main-web-canary:80 (ingress `main`)".to_owned(), "weight-not-verified"),
        ("LoadBalancerNotFound", "Failed to find load balancer: main.elb.example".to_owned(), "weight-not-verified"),
        ("WeightVerifyError", "Failed to verify weight: DescribeLoadBalancers: status code 403, AccessDenied: no permission".to_owned(), "weight-not-verified"),
        ("TargetGroupVerifyError", format!("Failed to verify {service}: DescribeTargetHealth: timed out"), "target-unhealthy"),
        ("TargetGroupVerifyError", format!("Failed to verify {service}: targetgroupbindings.elbv2.k8s.aws is forbidden: User \"u\" cannot list resource \"targetgroupbindings\" in API group \"elbv2.k8s.aws\""), "forbidden"),
        ("TrafficNotVerified", "plugin acme/router: the weight 25 is not in force yet".to_owned(), "weight-not-verified"),
        ("WeightVerifyError", "Failed to verify weight: failed to verify weight via plugin: no access".to_owned(), "weight-not-verified"),
    ] {
        let mut world = routed(json!({"alb": {"ingress": "main"}}));
        world
            .rollout(condition("TrafficNotVerified", reason, &message, 300))
            .rollout(json!({"status": {"canary": {"weights": {"verified": false}}}}));
        // The event that came with the condition says nothing more.
        world.event("Rollout", "web", reason, &message, 5);
        let told = world.is(&[cause]);
        if cause != "forbidden" {
            assert_eq!(told.commands[0].run, "kubectl -n shop describe ingress main");
        }
        let mut both = world.clone();
        both.change("ReplicaSet", "web-bbb", json!({"status": {"readyReplicas": 0, "availableReplicas": 0}}));
        both.waiting("ErrImagePull", "");
        let ids: Vec<String> = both.explained().causes.into_iter().map(|cause| cause.id).collect();
        assert!(ids.contains(&"image-pull".to_owned()) && ids.contains(&cause.to_owned()), "{ids:?}");
    }
}

#[test]
fn a_router_has_a_moment_to_confirm() {
    let message = "plugin acme/router: the weight 25 is not in force yet";
    let mut young = routed(json!({"plugins": {"acme/router": {}}}));
    young
        .rollout(condition("TrafficNotVerified", "TrafficNotVerified", message, 20))
        .rollout(json!({"status": {"canary": {"weights": {"verified": false}}}}));
    young.is(&[]);
    // The message is new, and the weight is not.
    young
        .event(
            "Rollout",
            "web",
            "TrafficWeightUpdated",
            "Traffic weight updated from 0 to 25",
            200,
        )
        .is(&["weight-not-verified"]);
    // What failed has failed.
    let mut failed = routed(json!({"alb": {"ingress": "main"}}));
    failed
        .rollout(condition(
            "TrafficNotVerified",
            "LoadBalancerNotFound",
            "Failed to find load balancer: x",
            5,
        ))
        .is(&["weight-not-verified"]);
    let mut blue_green = World::blue_green();
    blue_green
        .rollout(condition(
            "TrafficNotVerified",
            "TargetGroupUnverified",
            "Service web (TargetGroup x) not verified: 1/4 endpoints registered and healthy",
            200,
        ))
        .change(
            "ReplicaSet",
            "web-bbb",
            json!({"status": {"readyReplicas": 4, "availableReplicas": 4}}),
        );
    let told = blue_green.is(&["target-unhealthy"]);
    assert_eq!(told.commands[0].run, "kubectl -n shop get targetgroupbindings");
}

#[test]
fn stickiness_not_served() {
    let message = "spec.strategy.canary.trafficRouting.stickiness has no effect on nginx: clients may change between the versions. Set up sticky sessions there, or remove the field";
    let told = condition("StickinessNotServed", "StickinessNotServed", message, 5);
    let plain = routed(nginx()).rollout(told.clone()).is(&["stickiness-not-served"]);
    assert!(
        plain.causes[0].summary.ends_with("stickiness has no effect on nginx."),
        "{:?}",
        plain.causes
    );
    // It is no fault of the state.
    routed(nginx())
        .healthy()
        .rollout(told.clone())
        .is(&["stickiness-not-served"]);
    let mut paused = routed(nginx());
    paused.paused().rollout(told.clone());
    paused.is(&["stickiness-not-served"]);
    let mut pulled = routed(nginx());
    pulled.change(
        "ReplicaSet",
        "web-bbb",
        json!({"status": {"readyReplicas": 0, "availableReplicas": 0}}),
    );
    pulled
        .rollout(told)
        .waiting("ErrImagePull", "")
        .is(&["image-pull", "stickiness-not-served"]);
    routed(json!({"alb": {"ingress": "main"}, "stickiness": {"cookie": {}}})).is(&[]);
}
