//! What routers read and write: each acceptance check of contract 07 §11 is a row of a table here.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(clippy::needless_pass_by_value, reason = "json!() values read best at the call")]

mod alb;
mod alb_verify;
mod ambassador;
mod apisix;
mod app_mesh;
mod gateway_api;
mod istio;
mod nginx;
mod smi;
mod traefik;

use serde_json::{Value, json};
use serin_core::api::rollout::TrafficRouting;
use serin_core::traffic::{
    Change, Place, Problem, Reported, Route, Router, Routes, Seen, Settings, Site, Told, Wanted, changes,
};

/// A rollout `web` in the namespace `shop` with the Services `web-canary` and `web-stable`, and one router.
struct Case {
    routing: TrafficRouting,
    settings: Settings,
    routes: Routes,
}

impl Case {
    /// The spec of `trafficRouting`, and the objects that there are.
    fn new(routing: Value, objects: impl IntoIterator<Item = Value>) -> Self {
        Self {
            routing: serde_json::from_value(routing).unwrap(),
            settings: Settings::default(),
            routes: Routes(objects.into_iter().map(route).collect()),
        }
        .settle()
    }

    fn site(&self) -> Site<'_> {
        Site {
            rollout: "web",
            uid: "uid-web",
            namespace: "shop",
            canary_service: "web-canary",
            stable_service: "web-stable",
            named: ("web-canary", "web-stable"),
            max_weight: self.routing.max_traffic_weight.unwrap_or(100),
            routing: &self.routing,
            settings: &self.settings,
        }
    }

    /// All objects that are read and not given are missing.
    fn settle(mut self) -> Self {
        loop {
            let site = self.site();
            let places = Router::all(&self.routing)
                .iter()
                .flat_map(|router| router.places(&site, &self.routes))
                .collect::<Vec<Place>>();
            let unread = places
                .into_iter()
                .find(|place| *self.routes.seen(place) == Seen::Unread);
            let Some(place) = unread else { return self };
            self.routes.0.push(Route {
                place,
                seen: Seen::Missing,
            });
        }
    }

    fn observe(&self) -> Reported {
        Router::all(&self.routing)[0].observe(&self.site(), &self.routes)
    }

    /// The error of the reference check, as the condition has it.
    fn invalid(&self) -> Option<String> {
        let found = Router::all(&self.routing)[0].references(&self.site(), &self.routes);
        found.map(|error| error.to_string())
    }

    fn changes(&self, wanted: &Wanted<'_>) -> Result<Vec<(Change, Vec<Told>)>, Problem> {
        let next = Router::all(&self.routing)[0].desired(&self.site(), wanted, &self.routes)?;
        Ok(changes(next, &self.routes))
    }

    /// The changes as if they had been written; the objects then.
    fn write(&mut self, wanted: &Wanted<'_>) -> Vec<(Change, Vec<Told>)> {
        let changes = self.changes(wanted).unwrap();
        for (change, _) in &changes {
            let place = change.place().clone();
            let seen = match change {
                Change::Create { object, owned, .. } => Seen::Found(created(object, *owned)),
                Change::Patch { patch, .. } => Seen::Found(patched(self.routes.find(&place).unwrap(), patch)),
                Change::Delete { .. } => Seen::Missing,
            };
            self.routes.0.retain(|route| route.place != place);
            self.routes.0.push(Route { place, seen });
        }
        changes
    }

    /// The object of this kind and name.
    fn object(&self, kind: &str, name: &str) -> &Value {
        let found = self
            .routes
            .0
            .iter()
            .find(|route| route.place.kind == kind && route.place.name == name);
        match found.map(|route| &route.seen) {
            Some(Seen::Found(object)) => object,
            other => panic!("{kind} {name}: {other:?}"),
        }
    }
}

/// What objects report that carry these weights and select no pods.
fn carries(least: i32, most: i32) -> Reported {
    Reported {
        least,
        most,
        ..Reported::default()
    }
}

/// A weight of the canary and nothing else.
fn weight(canary: i32) -> Wanted<'static> {
    Wanted {
        canary,
        canary_hash: "new",
        stable_hash: "old",
        ..Wanted::default()
    }
}

fn route(object: Value) -> Route {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let kind = text("/kind");
    let lower = kind.to_lowercase();
    let plural = match lower.strip_suffix('s') {
        Some(_) => format!("{lower}es"),
        None => format!("{lower}s"),
    };
    Route {
        place: Place {
            api_version: text("/apiVersion"),
            kind,
            plural,
            namespace: object
                .pointer("/metadata/namespace")
                .and_then(Value::as_str)
                .unwrap_or("shop")
                .to_owned(),
            name: text("/metadata/name"),
        },
        seen: Seen::Found(object),
    }
}

fn created(object: &Value, owned: bool) -> Value {
    let mut object = object.clone();
    if owned {
        object["metadata"]["ownerReferences"] = json!([{"controller": true, "uid": "uid-web"}]);
    }
    object
}

/// RFC 7386.
fn patched(object: &Value, patch: &Value) -> Value {
    let Value::Object(fields) = patch else {
        return patch.clone();
    };
    let mut next = object.as_object().cloned().unwrap_or_default();
    for (key, value) in fields {
        if value.is_null() {
            next.remove(key);
        } else {
            let before = next.get(key).cloned().unwrap_or(Value::Null);
            next.insert(key.clone(), patched(&before, value));
        }
    }
    Value::Object(next)
}
