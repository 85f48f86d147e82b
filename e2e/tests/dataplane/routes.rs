//! The objects that Serin routes with, and those that are only there.

use crate::{servers, traefik};
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Api, Client};

/// What carries the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// An `HTTPRoute` of Gateway API.
    GatewayApi,
    /// A `TraefikService` behind an `IngressRoute`.
    Traefik,
    /// An Ingress that leads to one Service: the switch is in its selector.
    Ingress,
}

fn service(name: &str) -> String {
    let port = servers::PORT;
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n\
         spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: {port}}}]}}\n"
    )
}

/// Services and routes.
pub(crate) fn objects(route: Route, host: &str) -> String {
    let port = traefik::PORT;
    match route {
        Route::GatewayApi => format!(
            "{}{}---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: web}}
spec:
  gatewayClassName: traefik
  listeners: [{{name: web, protocol: HTTP, port: {port}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web}}
spec:
  parentRefs: [{{name: web}}]
  hostnames: [{host}]
  rules:
  - backendRefs: [{{name: stable, port: 80, weight: 100}}, {{name: canary, port: 80, weight: 0}}]
",
            service("stable"),
            service("canary")
        ),
        Route::Traefik => format!(
            "{}{}---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: {{name: web}}
spec: {{weighted: {{services: [{{name: stable, port: 80, weight: 100}}, {{name: canary, port: 80, weight: 0}}]}}}}
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {{name: web}}
spec:
  entryPoints: [web]
  routes: [{{kind: Rule, match: Host(`{host}`), services: [{{name: web, kind: TraefikService}}]}}]
",
            service("stable"),
            service("canary")
        ),
        Route::Ingress => format!(
            "{}{}---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web}}
spec:
  rules:
  - host: {host}
    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: active, port: {{number: 80}}}}}}}}]}}
",
            service("active"),
            service("preview")
        ),
    }
}

/// Four pods with this strategy.
pub(crate) fn rollout(strategy: &str) -> String {
    let port = servers::PORT;
    format!(
        "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: web}}
spec:
  replicas: 4
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: main, image: 'app:1', ports: [{{containerPort: {port}}}]}}]}}
  strategy: {strategy}
"
    )
}

/// The weights as they stand in the object.
pub(crate) async fn weights(client: &Client, namespace: &str, route: Route) -> String {
    let (group, version, kind, plural, path) = match route {
        Route::GatewayApi => (
            "gateway.networking.k8s.io",
            "v1",
            "HTTPRoute",
            "httproutes",
            "/spec/rules/0/backendRefs",
        ),
        Route::Traefik => (
            "traefik.io",
            "v1alpha1",
            "TraefikService",
            "traefikservices",
            "/spec/weighted/services",
        ),
        Route::Ingress => return String::new(),
    };
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    match api.get("web").await {
        Ok(object) => {
            let services = object.data.pointer(path).and_then(|it| it.as_array());
            let words = services.into_iter().flatten();
            let words = words.map(|it| format!("{} {}", it["name"].as_str().unwrap_or_default(), it["weight"]));
            words.collect::<Vec<_>>().join(", ")
        }
        Err(error) => error.to_string(),
    }
}
