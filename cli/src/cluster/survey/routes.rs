//! The objects of routers that a Rollout names: kind, namespace, name.

use serde_json::Value;

/// They are read one by one, so that no list of a whole mesh is needed.
pub(super) fn of(rollout: &Value) -> Vec<(&'static str, String, String)> {
    let namespace = rollout["metadata"]["namespace"].as_str().unwrap_or_default();
    let routing = &rollout["spec"]["strategy"]["canary"]["trafficRouting"];
    let mut found = Vec::new();
    let mut add = |kind: &'static str, name: &Value| {
        if let Some(name) = name.as_str().filter(|name| !name.is_empty()) {
            found.push((kind, namespace.to_owned(), name.to_owned()));
        }
    };
    let istio = &routing["istio"];
    add("DestinationRule", &istio["destinationRule"]["name"]);
    let several = items(&istio["virtualServices"]);
    let virtual_services: Vec<&Value> = std::iter::once(&istio["virtualService"]).chain(several).collect();
    for ingress in items(&routing["alb"]["ingresses"]).chain(std::iter::once(&routing["alb"]["ingress"])) {
        add("Ingress", ingress);
    }
    for ingress in
        items(&routing["nginx"]["stableIngresses"]).chain(std::iter::once(&routing["nginx"]["stableIngress"]))
    {
        add("Ingress", ingress);
        add("Ingress", &canary_ingress(rollout, ingress));
    }
    let split = &routing["smi"];
    if split.is_object() {
        let own = &rollout["metadata"]["name"];
        add(
            "TrafficSplit",
            if split["trafficSplitName"].is_string() {
                &split["trafficSplitName"]
            } else {
                own
            },
        );
    }
    add("TraefikService", &routing["traefik"]["weightedTraefikServiceName"]);
    add("ApisixRoute", &routing["apisix"]["route"]["name"]);
    for mapping in items(&routing["ambassador"]["mappings"]) {
        add("Mapping", mapping);
    }
    add(
        "VirtualRouter",
        &routing["appMesh"]["virtualService"]["virtualRouter"]["name"],
    );
    let gateway = &routing["plugins"]["argoproj-labs/gatewayAPI"];
    for (one, several, kind) in [
        ("httpRoute", "httpRoutes", "HTTPRoute"),
        ("grpcRoute", "grpcRoutes", "GRPCRoute"),
        ("tcpRoute", "tcpRoutes", "TCPRoute"),
        ("tlsRoute", "tlsRoutes", "TLSRoute"),
    ] {
        for api in [gateway, &routing["gatewayAPI"]] {
            add(kind, &api[one]);
            items(&api[several]).for_each(|route| add(kind, &route["name"]));
        }
    }
    for service in virtual_services {
        // `name.namespace`: contract 07 §1.
        if let Some(name) = service["name"].as_str().filter(|name| !name.is_empty()) {
            let name = name.trim_end_matches(".svc.cluster.local");
            let (name, space) = name.rsplit_once('.').unwrap_or((name, namespace));
            found.push(("VirtualService", space.to_owned(), name.to_owned()));
        }
    }
    found
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The Ingress that the controller makes beside a stable one: contract 07 §2.
fn canary_ingress(rollout: &Value, stable: &Value) -> Value {
    let (Some(name), Some(stable)) = (rollout["metadata"]["name"].as_str(), stable.as_str()) else {
        return Value::Null;
    };
    let long = format!("{name}-{stable}");
    let short: String = long.chars().take(246).collect();
    Value::String(format!("{short}-canary"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn routes_are_found_by_the_spec() {
        let rollout = |routing: Value| json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"strategy": {"canary": {"trafficRouting": routing}}}});
        let names = |routing: Value| -> Vec<String> {
            of(&rollout(routing))
                .into_iter()
                .map(|(kind, space, name)| format!("{kind} {space}/{name}"))
                .collect()
        };
        assert_eq!(
            names(json!({"nginx": {"stableIngress": "main"}})),
            ["Ingress shop/main", "Ingress shop/web-main-canary"]
        );
        assert_eq!(
            names(json!({"istio": {"virtualService": {"name": "vs.mesh"}}})),
            ["VirtualService mesh/vs"]
        );
        assert_eq!(names(json!({"smi": {}})), ["TrafficSplit shop/web"]);
        assert_eq!(
            names(json!({"plugins": {"argoproj-labs/gatewayAPI": {"httpRoutes": [{"name": "r"}]}}})),
            ["HTTPRoute shop/r"]
        );
        assert_eq!(names(json!(null)), [""; 0]);
    }
}
