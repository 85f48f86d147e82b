//! Routers that lives choose from: what the spec says of each, its objects, and what people do to them.

use serde_json::{Value, json};
use serin_world::World;
use serin_world::rng::Rng;

/// A router of a life, with the objects that people make for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// ingress-nginx.
    Nginx,
    /// The annotation of an Ingress.
    Alb,
    /// Istio, whose destinations are Services.
    Hosts,
    /// Istio, whose destinations are Services that take turns.
    PingPong,
    /// Istio, whose destinations are subsets of one Service.
    Subsets,
    /// App Mesh, whose nodes select the pods.
    Nodes,
    /// Traefik.
    Traefik,
    /// SMI.
    Smi,
    /// Gateway API.
    Gateway,
}

const ISTIO: &str = "networking.istio.io/v1alpha3";
const MESH: &str = "appmesh.k8s.aws/v1beta2";

impl Choice {
    /// Half of the lives have ingress-nginx.
    pub(crate) fn any(rng: &mut Rng) -> Self {
        let others = [
            Self::Alb,
            Self::Hosts,
            Self::PingPong,
            Self::Subsets,
            Self::Nodes,
            Self::Traefik,
            Self::Smi,
            Self::Gateway,
        ];
        if rng.one_in(2) {
            return Self::Nginx;
        }
        let index = usize::try_from(rng.up_to(7)).unwrap_or_default();
        others[index]
    }

    /// That of a world; `None` where somebody has taken it away.
    pub(crate) fn of(world: &World) -> Option<Self> {
        let canary = world.current().spec.strategy.canary?;
        let turns = canary.ping_pong.is_some();
        let routing = canary.traffic_routing?;
        Some(match routing.istio {
            Some(_) if turns => Self::PingPong,
            Some(istio) if istio.destination_rule.is_some() => Self::Subsets,
            Some(_) => Self::Hosts,
            None if routing.nginx.is_some() => Self::Nginx,
            None if routing.alb.is_some() => Self::Alb,
            None if routing.app_mesh.is_some() => Self::Nodes,
            None if routing.traefik.is_some() => Self::Traefik,
            None if routing.smi.is_some() => Self::Smi,
            None => Self::Gateway,
        })
    }

    /// Writes the Services and the router into the strategy.
    pub(crate) fn name_in(self, canary: &mut Value) {
        let routing = match self {
            Self::Nginx => json!({"nginx": {"stableIngress": "main"}}),
            Self::Alb => json!({"alb": {"ingress": "main", "servicePort": 80}}),
            Self::Hosts | Self::PingPong => json!({"istio": {"virtualService": {"name": "shop"}}}),
            Self::Subsets => json!({"istio": {
                "virtualService": {"name": "shop"},
                "destinationRule": {"name": "rule", "canarySubsetName": "canary", "stableSubsetName": "stable"},
            }}),
            Self::Nodes => json!({"appMesh": {
                "virtualService": {"name": "shop"},
                "virtualNodeGroup": {
                    "canaryVirtualNodeRef": {"name": "canary"}, "stableVirtualNodeRef": {"name": "stable"},
                },
            }}),
            Self::Traefik => json!({"traefik": {"weightedTraefikServiceName": "shop"}}),
            Self::Smi => json!({"smi": {}}),
            Self::Gateway => json!({"gatewayAPI": {"httpRoute": "shop"}}),
        };
        canary["trafficRouting"] = routing;
        let fields = canary.as_object_mut().expect("a canary is an object");
        fields.remove("stableService");
        fields.remove("canaryService");
        match self {
            Self::Subsets => {}
            Self::PingPong => {
                let both = json!({"pingService": "ping", "pongService": "pong"});
                fields.insert("pingPong".to_owned(), both);
            }
            _ => {
                fields.insert("stableService".to_owned(), "stable".into());
                fields.insert("canaryService".to_owned(), "canary".into());
            }
        }
    }

    /// The objects that people make, without weight on the canary.
    fn objects(self) -> Vec<Value> {
        match self {
            Self::Nginx | Self::Alb | Self::Smi => Vec::new(),
            Self::Hosts => vec![virtual_service(&hosts("stable", "canary", 0))],
            Self::PingPong => vec![virtual_service(&hosts("pong", "ping", 0))],
            Self::Subsets => vec![
                virtual_service(&subsets(0)),
                object(
                    ISTIO,
                    "DestinationRule",
                    "rule",
                    json!({"host": "web", "subsets": [{"name": "stable"}, {"name": "canary"}]}),
                ),
            ],
            Self::Nodes => {
                let node = |name| object(MESH, "VirtualNode", name, json!({"podSelector": {"matchLabels": {}}}));
                let provider = json!({"provider": {"virtualRouter": {"virtualRouterRef": {"name": "shop"}}}});
                vec![
                    object(MESH, "VirtualService", "shop", provider),
                    object(MESH, "VirtualRouter", "shop", nodes(0)),
                    node("stable"),
                    node("canary"),
                ]
            }
            Self::Traefik => vec![object("traefik.io/v1alpha1", "TraefikService", "shop", weighted(0))],
            Self::Gateway => {
                let api = "gateway.networking.k8s.io/v1";
                vec![object(api, "HTTPRoute", "shop", backends(0))]
            }
        }
    }

    /// Makes those objects that are not there.
    pub(crate) fn create(self, world: &mut World) {
        if matches!(self, Self::Nginx | Self::Alb) && world.objects.find("Ingress", "main").is_none() {
            world.create_ingress("main");
        }
        for object in self.objects() {
            let (kind, name) = named(&object);
            if world.objects.find(&kind, &name).is_none() {
                world.set_route(object);
            }
        }
    }

    /// One thing that somebody does to an object of it.
    pub(crate) fn somebody_edits(self, world: &mut World) {
        let weight = world.rng.up_to(100);
        let (kind, name, spec) = match self {
            Self::Nginx => {
                let annotation = json!({"nginx.ingress.kubernetes.io/canary-weight": weight.to_string()});
                let patch = json!({"metadata": {"annotations": annotation}});
                _ = world.edit_route("Ingress", "web-main-canary", &patch);
                return;
            }
            Self::Alb => {
                let patch = json!({"metadata": {"annotations": {"alb.ingress.kubernetes.io/actions.stable": null}}});
                _ = world.edit_route("Ingress", "main", &patch);
                return;
            }
            Self::Hosts => ("VirtualService", "shop", hosts("stable", "canary", weight)),
            Self::PingPong => ("VirtualService", "shop", hosts("pong", "ping", weight)),
            Self::Subsets if world.rng.one_in(3) => {
                let none = json!([{"name": "stable"}, {"name": "canary"}]);
                ("DestinationRule", "rule", json!({"subsets": none}))
            }
            Self::Subsets => ("VirtualService", "shop", subsets(weight)),
            Self::Nodes if world.rng.one_in(3) => (
                "VirtualNode",
                "canary",
                json!({"podSelector": {"matchLabels": {"rollouts-pod-template-hash": null}}}),
            ),
            Self::Nodes => ("VirtualRouter", "shop", nodes(weight)),
            Self::Traefik => ("TraefikService", "shop", weighted(weight)),
            Self::Smi => {
                let backends =
                    json!([{"service": "canary", "weight": weight}, {"service": "stable", "weight": 100 - weight}]);
                ("TrafficSplit", "web", json!({"backends": backends}))
            }
            Self::Gateway => ("HTTPRoute", "shop", backends(weight)),
        };
        _ = world.edit_route(kind, name, &json!({"spec": spec}));
    }

    /// Somebody deletes an object of it, and makes those again that Serin does not make.
    pub(crate) fn somebody_deletes(self, world: &mut World) {
        match self {
            Self::Nginx if world.rng.one_in(2) => _ = world.delete_route("Ingress", "web-main-canary"),
            Self::Nginx | Self::Alb => _ = world.delete_route("Ingress", "main"),
            Self::Smi => _ = world.delete_route("TrafficSplit", "web"),
            Self::Hosts | Self::PingPong | Self::Subsets | Self::Nodes | Self::Traefik | Self::Gateway => {
                let objects = self.objects();
                let index = usize::try_from(world.rng.up_to(3)).unwrap_or_default() % objects.len();
                let (kind, name) = named(&objects[index]);
                _ = world.delete_route(&kind, &name);
            }
        }
        world.wait(3);
        self.create(world);
    }
}

fn object(api_version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn named(object: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&object["kind"]), text(&object["metadata"]["name"]))
}

fn virtual_service(spec: &Value) -> Value {
    object(ISTIO, "VirtualService", "shop", spec.clone())
}

fn hosts(stable: &str, canary: &str, weight: i64) -> Value {
    let to = |host, weight: i64| json!({"destination": {"host": host}, "weight": weight});
    json!({"http": [{"route": [to(stable, 100 - weight), to(canary, weight)]}]})
}

fn subsets(weight: i64) -> Value {
    let to = |subset, weight: i64| json!({"destination": {"host": "web", "subset": subset}, "weight": weight});
    json!({"http": [{"route": [to("stable", 100 - weight), to("canary", weight)]}]})
}

fn nodes(weight: i64) -> Value {
    let to = |name, weight: i64| json!({"virtualNodeRef": {"name": name}, "weight": weight});
    let targets = json!([to("stable", 100 - weight), to("canary", weight)]);
    json!({"routes": [{"name": "all", "httpRoute": {"action": {"weightedTargets": targets}}}]})
}

fn weighted(weight: i64) -> Value {
    let to = |name, weight: i64| json!({"name": name, "weight": weight});
    json!({"weighted": {"services": [to("stable", 100 - weight), to("canary", weight)]}})
}

fn backends(weight: i64) -> Value {
    let to = |name, weight: i64| json!({"name": name, "port": 80, "weight": weight});
    json!({"rules": [{"backendRefs": [to("stable", 100 - weight), to("canary", weight)]}]})
}
