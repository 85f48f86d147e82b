//! The objects of routers that a Rollout names: kind, namespace, name.

use super::ask::KINDS;
use serde_json::Value;
use serin_core::Observed;
use serin_core::api::Rollout;
use serin_core::api::lenient::Lenient;
use serin_core::observed::Routers;
use serin_core::rollout::traffic::needed;
use serin_core::traffic::{Place, Route, Routes, Seen};
use serin_explain::Reading;

/// Those that a decision would read, as far as they can be named from what came so far: one may lie behind another. They are
/// read one by one, so that no list of a whole mesh is needed.
pub(super) fn of(written: &Value, reading: &Reading) -> Vec<(&'static str, String, String)> {
    named(walk(written, reading).0)
}

/// Those that came.
pub(super) fn read(written: &Value, reading: &Reading) -> Vec<Value> {
    let routes = walk(written, reading).1.0.into_iter();
    routes
        .filter_map(|route| match route.seen {
            Seen::Found(object) => Some(object),
            Seen::Unread | Seen::Missing | Seen::NotServed | Seen::Refused(_) => None,
        })
        .collect()
}

/// The places that can be named, and the objects of those that came.
fn walk(written: &Value, reading: &Reading) -> (Vec<Place>, Routes) {
    let (metadata, _) = Lenient::metadata(written["metadata"].clone());
    let Lenient { rollout, .. } = Lenient::of(written.clone());
    let mut seen = Observed {
        rollout: Rollout { metadata, ..rollout },
        ..Observed::default()
    };
    let mut routers = Routers::default();
    loop {
        seen.routers = Some(routers.clone());
        let places = needed(&seen);
        let unread = |place: &&Place| *routers.routes.seen(place) == Seen::Unread;
        let came = places.iter().filter(unread).find_map(|place| {
            let seen = Seen::Found(found(reading, place)?);
            Some(Route {
                place: place.clone(),
                seen,
            })
        });
        let Some(route) = came else {
            return (places, routers.routes);
        };
        routers.routes.0.push(route);
    }
}

/// The kinds of places, as they are asked for; each object once.
fn named(places: Vec<Place>) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    for place in places {
        // Istio and App Mesh have a kind of one name.
        let group = group(&place.api_version);
        let is = |kind: &str, path: &str| {
            kind.split('.').next() == Some(place.kind.as_str()) && path.split('/').nth(1) == Some(group)
        };
        let known = KINDS.iter().find(|(kind, path, _)| is(kind, path));
        let of = known.map(|(kind, ..)| (*kind, place.namespace, place.name));
        if let Some(of) = of.filter(|of| !found.contains(of)) {
            found.push(of);
        }
    }
    found
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The object of a place, if it came.
fn found(reading: &Reading, place: &Place) -> Option<Value> {
    let text = |object: &Value, path: &str| {
        object
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut objects = reading.of_kind(&place.kind);
    let object = objects.find(|object| {
        group(&text(object, "/apiVersion")) == group(&place.api_version)
            && text(object, "/metadata/namespace") == place.namespace
            && text(object, "/metadata/name") == place.name
    })?;
    Some(object.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    #[test]
    fn routes_are_found_by_the_spec() {
        let rollout = |routing: Value| json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"strategy": {"canary": {"trafficRouting": routing}}}});
        let names = |routing: Value| -> Vec<String> {
            of(&rollout(routing), &Reading::new(Timestamp::UNIX_EPOCH))
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
        let mesh = json!({"appMesh": {"virtualService": {"name": "vs"},
            "virtualNodeGroup": {"canaryVirtualNodeRef": node("c"), "stableVirtualNodeRef": node("s")}}});
        let first = [
            "VirtualService.appmesh.k8s.aws shop/vs",
            "VirtualNode shop/s",
            "VirtualNode shop/c",
        ];
        assert_eq!(names(mesh.clone()), first);
        assert_eq!(names(json!(null)), [""; 0]);
        // The virtual router lies behind the virtual service, and Istio's of this name is another.
        let mut reading = Reading::new(Timestamp::UNIX_EPOCH);
        let service = |group: &str, router: &str| {
            json!({"apiVersion": format!("{group}/v1beta2"), "kind": "VirtualService", "metadata": {"name": "vs", "namespace": "shop"},
                "spec": {"provider": {"virtualRouter": {"virtualRouterRef": {"name": router}}}}})
        };
        reading.add("", service("networking.istio.io", "other"));
        assert_eq!(of(&rollout(mesh.clone()), &reading).len(), 3);
        reading.add("", service("appmesh.k8s.aws", "vr"));
        let found = of(&rollout(mesh), &reading);
        assert!(
            found.contains(&("VirtualRouter", "shop".to_owned(), "vr".to_owned())),
            "{found:?}"
        );
    }
}
