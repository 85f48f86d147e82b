//! The objects of routers that a Rollout names: kind, namespace, name.

use super::ask::KINDS;
use serde_json::Value;
use serin_core::Observed;
use serin_core::api::Rollout;
use serin_core::api::lenient::Lenient;
use serin_core::observed::Routers;
use serin_core::rollout::traffic::needed;

/// Those that a decision would read. They are read one by one, so that no list of a whole mesh is needed.
pub(super) fn of(written: &Value) -> Vec<(&'static str, String, String)> {
    let (metadata, _) = Lenient::metadata(written["metadata"].clone());
    let Lenient { rollout, .. } = Lenient::of(written.clone());
    let seen = Observed {
        rollout: Rollout { metadata, ..rollout },
        routers: Some(Routers::default()),
        ..Observed::default()
    };
    // It lies behind an object of App Mesh that is not read.
    let router =
        &written["spec"]["strategy"]["canary"]["trafficRouting"]["appMesh"]["virtualService"]["virtualRouter"]["name"];
    let namespace = written["metadata"]["namespace"].as_str().unwrap_or_default();
    let router = router.as_str().filter(|name| !name.is_empty());
    let router = router.map(|name| ("VirtualRouter", namespace.to_owned(), name.to_owned()));
    let mut found: Vec<(&'static str, String, String)> = router.into_iter().collect();
    for place in needed(&seen) {
        // Istio and App Mesh have a kind of one name.
        let group = place.api_version.split('/').next();
        let is = |kind: &str, path: &str| kind == place.kind && path.split('/').nth(1) == group;
        let known = KINDS.iter().find(|(kind, path, _)| is(kind, path));
        let of = known.map(|(kind, ..)| (*kind, place.namespace, place.name));
        if let Some(of) = of.filter(|of| !found.contains(of)) {
            found.push(of);
        }
    }
    found
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
        let node = |name: &str| json!({"name": name});
        assert_eq!(
            names(
                json!({"appMesh": {"virtualService": {"name": "vs", "virtualRouter": {"name": "vr"}},
                "virtualNodeGroup": {"canaryVirtualNodeRef": node("c"), "stableVirtualNodeRef": node("s")}}})
            ),
            ["VirtualRouter shop/vr", "VirtualNode shop/s", "VirtualNode shop/c"]
        );
        assert_eq!(names(json!(null)), [""; 0]);
    }
}
