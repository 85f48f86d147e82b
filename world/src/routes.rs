//! Objects of traffic routers, and the rules that no weight leads to pods that are not there (design: invariant 4).

use super::act::Wrote;
use super::cluster::Set;
use super::{World, merge, note};
use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::observed::Routers;
use serin_core::plan::ReplicaSetPatch;
use serin_core::rollout::traffic::needed;
use serin_core::traffic::{Change, Place, Route, Router, Routes, Seen, Settings, Site, is_given_back};
use serin_core::wire::HASH_LABEL;

/// The objects as the API server has them, and as the stores have those that lag behind.
#[derive(Clone, Default)]
pub struct Objects {
    now: Vec<(Place, Value)>,
    /// Why the controller may not read them.
    pub refused: Option<String>,
    lagging: Vec<(Timestamp, Place, Option<Value>)>,
}

impl Objects {
    /// An object.
    pub fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        let mut found = self.now.iter();
        found
            .find(|(place, _)| place.kind == kind && place.name == name)
            .map(|(_, object)| object)
    }

    /// All objects.
    pub fn all(&self) -> impl Iterator<Item = &Value> {
        self.now.iter().map(|(_, object)| object)
    }

    fn at(&self, place: &Place) -> Option<&Value> {
        self.now.iter().find(|(at, _)| at == place).map(|(_, object)| object)
    }

    /// Everything is read again.
    pub(super) fn catch_up(&mut self) {
        self.lagging.clear();
    }

    /// When a store that lags sees more.
    pub fn due(&self) -> impl Iterator<Item = Timestamp> {
        self.lagging.iter().map(|(until, _, _)| *until)
    }
}

/// The weight of the canary, and the pods that it and stable's weight lead to.
struct Weighed {
    canary: i32,
    canary_pods: Pods,
    stable_pods: Pods,
}

/// Where a weight leads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pods {
    /// To those of a Service.
    Of(String),
    /// To those with this hash, be there any or none.
    WithHash(String),
}

impl World {
    /// What the controller sees of them: all that the spec names, as far as its stores have it.
    pub fn observed_routers(&self, seen: &Observed) -> Option<Routers> {
        let mut seen = Observed {
            rollout: seen.rollout.clone(),
            routers: Some(self.known_routers()),
            ..Observed::default()
        };
        // What it may have to give back; a controller that has just started does not know of it.
        let before: Vec<Place> = self.objects.now.iter().map(|(place, _)| place.clone()).collect();
        for place in before.into_iter().filter(is_given_back) {
            let found = self.read_route(&place);
            let routers = seen.routers.as_mut()?;
            routers.routes.0.push(Route { place, seen: found });
        }
        loop {
            let places = needed(&seen);
            let routers = seen.routers.as_mut()?;
            let unread = places
                .into_iter()
                .find(|place| *routers.routes.seen(place) == Seen::Unread);
            let Some(place) = unread else {
                return seen.routers;
            };
            let found = self.read_route(&place);
            routers.routes.0.push(Route { place, seen: found });
        }
    }

    /// What a read of an object shows.
    fn read_route(&self, place: &Place) -> Seen {
        match &self.objects.refused {
            Some(why) => Seen::Refused(why.clone()),
            None => self.stored(place).map_or(Seen::Missing, Seen::Found),
        }
    }

    fn known_routers(&self) -> Routers {
        let mut routers = Routers {
            aws: self.observed_aws(),
            plugins: self.observed_router_plugins(),
            ..Routers::default()
        };
        routers.settings.verifies_targets = self.cloud.is_some();
        routers
    }

    fn stored(&self, place: &Place) -> Option<Value> {
        if place.kind == "Endpoints" {
            return Some(self.endpoints(place));
        }
        if place.kind == "TargetGroupBinding" {
            return Some(self.bindings());
        }
        let mut lagging = self.objects.lagging.iter();
        match lagging.find(|(until, at, _)| *until > self.now && at == place) {
            Some((_, _, old)) => old.clone(),
            None => self.objects.at(place).cloned(),
        }
    }

    /// Somebody creates or changes an object of a router; the store may see it later.
    pub fn set_route(&mut self, mut object: Value) {
        let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
        let kind = text(&object["kind"]);
        let lower = kind.to_lowercase();
        let plural = if lower.ends_with('s') {
            format!("{lower}es")
        } else {
            format!("{lower}s")
        };
        let place = Place {
            api_version: text(&object["apiVersion"]),
            plural,
            namespace: text(&self.rollout["metadata"]["namespace"]),
            name: text(&object["metadata"]["name"]),
            kind,
        };
        object["metadata"]["resourceVersion"] = self.version().into();
        note!(self, "somebody writes {place}");
        self.edited_routes = true;
        self.lag_route(&place);
        self.store_route(&place, Some(object));
    }

    /// An Ingress that leads to the Service of stable.
    pub fn create_ingress(&mut self, name: &str) {
        let service = self.rollout["spec"]["strategy"]["canary"]["stableService"].clone();
        let backend = json!({"service": {"name": service, "port": {"number": 80}}});
        let rule = json!({"host": "web", "http": {"paths": [{"path": "/", "backend": backend}]}});
        self.set_route(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
            "spec": {"rules": [rule]},
        }));
    }

    /// Somebody changes an object by a merge patch; false where there is none.
    pub fn edit_route(&mut self, kind: &str, name: &str, patch: &Value) -> bool {
        let Some(mut object) = self.objects.find(kind, name).cloned() else {
            return false;
        };
        merge(&mut object, patch);
        self.set_route(object);
        true
    }

    /// Somebody deletes an object; false where there is none.
    pub fn delete_route(&mut self, kind: &str, name: &str) -> bool {
        let mut all = self.objects.now.iter();
        let Some(place) = all
            .find(|(place, _)| place.kind == kind && place.name == name)
            .map(|(place, _)| place.clone())
        else {
            return false;
        };
        note!(self, "somebody deletes {place}");
        self.edited_routes = true;
        self.version();
        self.lag_route(&place);
        self.store_route(&place, None);
        true
    }

    fn lag_route(&mut self, place: &Place) {
        let lag = self.rng.up_to(self.faults.store_lag);
        let lags = self
            .objects
            .lagging
            .iter()
            .any(|(until, at, _)| *until > self.now && at == place);
        if lag > 0 && !lags {
            let old = self.objects.at(place).cloned();
            let until = self.after(lag);
            self.objects.lagging.retain(|(_, at, _)| at != place);
            self.objects.lagging.push((until, place.clone(), old));
        }
    }

    fn store_route(&mut self, place: &Place, mut object: Option<Value>) {
        if let Some(object) = &mut object {
            self.follow_ingress(place, object);
        }
        self.objects.now.retain(|(at, _)| at != place);
        self.objects.now.extend(object.map(|object| (place.clone(), object)));
    }

    /// The controller's write.
    pub(super) fn write_route(&mut self, change: &Change) -> Wrote {
        let place = change.place().clone();
        let found = self.objects.at(&place).cloned();
        let current = |version: &str| {
            found
                .as_ref()
                .is_some_and(|object| object["metadata"]["resourceVersion"].as_str() == Some(version))
        };
        let next = match change {
            Change::Create { .. } if found.is_some() => return Wrote::Conflict,
            Change::Create { object, owned, .. } => {
                let mut object = object.clone();
                if *owned {
                    let uid = self.rollout["metadata"]["uid"].clone();
                    object["metadata"]["ownerReferences"] = json!([{"controller": true, "uid": uid}]);
                }
                object["metadata"]["uid"] = format!("uid-{}", self.version()).into();
                Some(object)
            }
            Change::Patch { resource_version, .. } | Change::Delete { resource_version, .. }
                if !current(resource_version) =>
            {
                return Wrote::Conflict;
            }
            Change::Patch { patch, .. } => {
                let mut object = found.clone().unwrap_or_default();
                merge(&mut object, patch);
                Some(object)
            }
            Change::Delete { .. } => None,
        };
        let before = self.weighed();
        let version = self.version();
        let next = next.map(|mut object| {
            object["metadata"]["resourceVersion"] = version.into();
            object
        });
        self.store_route(&place, next);
        self.objects.lagging.retain(|(_, at, _)| *at != place);
        self.edited_routes = false;
        self.check_led_to();
        let after = self.weighed();
        note!(
            self,
            "write {place}: weight {:?} → {:?}",
            before.as_ref().map(|of| of.canary),
            after.as_ref().map(|of| of.canary)
        );
        if let (Some(before), Some(after)) = (before, after) {
            self.check_weight(&before, &after);
        }
        Wrote::Done
    }

    /// Traffic changes by the doing of a plugin.
    pub(super) fn reroute(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.weighed();
        change(self);
        let after = self.weighed();
        if let (Some(before), Some(after)) = (before, after) {
            self.check_weight(&before, &after);
        }
    }

    /// What a router plugin does; none without one.
    fn weighed_by_plugin(&self) -> Option<Weighed> {
        let strategy = &self.rollout["spec"]["strategy"]["canary"];
        let name = strategy["trafficRouting"]["plugins"].as_object()?.keys().next()?;
        let does = self.router_plugins.does.get(name);
        let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
        let turns = &strategy["pingPong"];
        if turns.is_object() {
            // A plugin sees in the rollout which of the two is stable, when it is called.
            let (ping, pong) = (text(&turns["pingService"]), text(&turns["pongService"]));
            let now = if self.rollout["status"]["canary"]["stablePingPong"] == "ping" {
                &pong
            } else {
                &ping
            };
            let canary = does.map_or(now, |does| &does.canary_service).clone();
            let stable = if canary == ping { pong } else { ping };
            return Some(Weighed {
                canary: does.map_or(0, |does| does.weight),
                canary_pods: Pods::Of(canary),
                stable_pods: Pods::Of(stable),
            });
        }
        let pods = |service: &str, hash: Option<&String>| match strategy[service].as_str() {
            Some(service) => Pods::Of(service.to_owned()),
            None => Pods::WithHash(hash.cloned().unwrap_or_default()),
        };
        Some(Weighed {
            canary: does.map_or(0, |does| does.weight),
            canary_pods: pods("canaryService", does.map(|does| &does.canary_hash)),
            stable_pods: pods("stableService", does.map(|does| &does.stable_hash)),
        })
    }

    /// The weight of the canary, and where the weights lead; none without a router. That of nginx, and the hashes of App Mesh,
    /// are read apart from what Serin reads.
    fn weighed(&self) -> Option<Weighed> {
        let strategy = &self.rollout["spec"]["strategy"]["canary"];
        let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
        let (canary, stable) = (text(&strategy["canaryService"]), text(&strategy["stableService"]));
        let (canary_pods, stable_pods) = (Pods::Of(canary), Pods::Of(stable));
        if let Some(main) = strategy["trafficRouting"]["nginx"]["stableIngress"].as_str() {
            let canary = self.objects.find("Ingress", &format!("web-{main}-canary"));
            let weight = canary.and_then(|object| {
                let annotations = &object["metadata"]["annotations"];
                let weight = annotations["nginx.ingress.kubernetes.io/canary-weight"].as_str();
                weight?.parse().ok()
            });
            return Some(Weighed {
                canary: weight.unwrap_or(0),
                canary_pods,
                stable_pods,
            });
        }
        if let Some(of) = self.weighed_by_plugin() {
            return Some(of);
        }
        let rollout = self.current();
        let routing = rollout.spec.strategy.canary.as_ref()?.traffic_routing.clone()?;
        let settings = Settings::default();
        let name = |field: &str| strategy[field].as_str().unwrap_or_default();
        let named = (name("canaryService"), name("stableService"));
        let turn = |field: &str| strategy["pingPong"][field].as_str().unwrap_or_default();
        let (ping, pong) = (turn("pingService"), turn("pongService"));
        let roles = match (ping.is_empty(), rollout.status.canary.stable_ping_pong.as_str()) {
            (true, _) => named,
            (false, "ping") => (pong, ping),
            (false, _) => (ping, pong),
        };
        let (canary_pods, stable_pods) = (Pods::Of(roles.0.to_owned()), Pods::Of(roles.1.to_owned()));
        let site = Site {
            rollout: "web",
            uid: "",
            namespace: self.rollout["metadata"]["namespace"].as_str().unwrap_or_default(),
            canary_service: roles.0,
            stable_service: roles.1,
            named,
            max_weight: 100,
            routing: &routing,
            settings: &settings,
        };
        let found = |(place, object): &(Place, Value)| Route {
            place: place.clone(),
            seen: Seen::Found(object.clone()),
        };
        let routes = Routes(self.objects.now.iter().map(found).collect());
        let router = Router::all(&routing).into_iter().next()?;
        let seen = router.observe(&site, &routes);
        let group = &strategy["trafficRouting"]["appMesh"]["virtualNodeGroup"];
        let node = |part: &str| {
            let node = self.objects.find("VirtualNode", group[part]["name"].as_str()?)?;
            let hash = node["spec"]["podSelector"]["matchLabels"][HASH_LABEL].as_str();
            hash.map(|hash| Pods::WithHash(hash.to_owned()))
        };
        let subset = |hash: Option<String>| hash.filter(|hash| !hash.is_empty()).map(Pods::WithHash);
        Some(Weighed {
            canary: seen.most,
            canary_pods: node("canaryVirtualNodeRef")
                .or(subset(seen.canary_hash))
                .unwrap_or(canary_pods),
            stable_pods: node("stableVirtualNodeRef")
                .or(subset(seen.stable_hash))
                .unwrap_or(stable_pods),
        })
    }

    fn hash_of(&self, pods: &Pods) -> String {
        match pods {
            Pods::Of(service) => self.selected(service).to_owned(),
            Pods::WithHash(hash) => hash.clone(),
        }
    }

    /// Available pods.
    fn available_of(&self, pods: &Pods) -> i32 {
        match pods {
            Pods::Of(service) => self.behind(service),
            Pods::WithHash(hash) => {
                let sets = self.sets.iter().filter(|set| set.object.hash() == hash);
                sets.map(|set| set.available(self.now)).sum()
            }
        }
    }

    /// The weight of the canary, for stories; none without a router.
    pub fn weight(&self) -> Option<i32> {
        self.weighed().map(|of| of.canary)
    }

    /// The side that gains weight by our doing has pods: one at least, and no fewer than the side that loses has, where these
    /// are fewer than are needed. A weight is not led to other pods that are not there.
    fn check_weight(&mut self, before: &Weighed, after: &Weighed) {
        let basis = self.basis.clone();
        let replicas = basis.rollout.spec.replicas.unwrap_or(1);
        if replicas == 0 {
            return;
        }
        // Each object has a version of its own: a weight that somebody gave another one may be unseen.
        let unseen = self.objects.lagging.iter().any(|(until, _, _)| *until > basis.at);
        if !unseen {
            self.check_led(&before.canary_pods, &after.canary_pods, after.canary);
            self.check_led(&before.stable_pods, &after.stable_pods, 100 - after.canary);
        }
        if before.canary == after.canary {
            return;
        }
        let (gains, loses) = if after.canary > before.canary {
            (&after.canary_pods, &after.stable_pods)
        } else {
            (&after.stable_pods, &after.canary_pods)
        };
        let hash = Some(self.hash_of(gains)).filter(|hash| !hash.is_empty());
        let pods = self.available_of(gains) + self.unknown_losses(basis.at, hash.as_deref());
        let left = self.available_of(loses);
        let change = format!("{} → {}", before.canary, after.canary);
        if pods == 0 && left > 0 {
            self.break_rule(format!("4: {gains:?} gains weight ({change}) without an available pod"));
        }
        let least = Self::least_available(&basis.rollout).max(1);
        if after.canary < before.canary && after.canary == 0 && pods < least && left > pods {
            self.break_rule(format!(
                "4: all traffic goes to {gains:?} with {pods} available pods, {least} are needed, {left} had it"
            ));
        }
    }

    fn check_led(&mut self, before: &Pods, after: &Pods, weight: i32) {
        let hash = self.hash_of(after);
        let pods = self.available_of(after) + self.unknown_losses(self.basis.at, Some(&hash));
        if weight > 0 && before != after && self.available_of(before) > 0 && pods == 0 {
            self.break_rule(format!(
                "4: a weight of {weight} is led from {before:?} to {after:?} without an available pod"
            ));
        }
    }

    /// No ReplicaSet with weight is made smaller than that weight needs, by what its controller could know; a person may
    /// ask for the size of a canary.
    pub(super) fn check_weighed_size(&mut self, index: usize, patch: &ReplicaSetPatch) {
        let (Some(size), Some(of)) = (patch.replicas, self.weighed()) else {
            return;
        };
        let rollout = &self.basis.rollout;
        let replicas = rollout.spec.replicas.unwrap_or(1);
        let both = [&of.canary_pods, &of.stable_pods];
        let by_hand = self.edited_routes
            || both.into_iter().any(|pods| match pods {
                Pods::Of(service) => self.changed_since(service, &self.basis),
                Pods::WithHash(_) => false,
            });
        let set: &Set = &self.sets[index];
        let hash = set.object.hash();
        let part = |pods: &Pods, weight: i32| if self.hash_of(pods) == hash { weight } else { 0 };
        let weight = part(&of.canary_pods, of.canary) + part(&of.stable_pods, 100 - of.canary);
        let needed = (weight * replicas + 99) / 100;
        let asked = rollout.spec.strategy.canary.as_ref().is_some_and(|canary| {
            canary.steps.iter().any(|step| step.set_canary_scale.is_some()) && part(&of.stable_pods, 1) == 0
        });
        // Paused by hand it follows the number of replicas, in proportion.
        let follows = rollout.spec.paused;
        if size < set.object.replicas && size < needed && !asked && !by_hand && !follows {
            let (name, from) = (set.object.name.clone(), set.object.replicas);
            self.break_rule(format!(
                "4: {name} with weight {weight} is scaled from {from} to {size}, {needed} are needed"
            ));
        }
    }

    /// A Service with weight is not led elsewhere by our doing, unless what it leads to has crashed.
    pub(super) fn check_repointed(&mut self, name: &str, (former, before): (&str, i32)) {
        let Some(of) = self.weighed() else { return };
        let known = !self.changed_since(name, &self.basis) && !self.edited_routes;
        if of.canary_pods == Pods::Of(name.to_owned()) && of.canary > 0 && before > 0 && !former.is_empty() && known {
            self.break_rule(format!("4: Service {name} is led elsewhere under weight {}", of.canary));
        }
    }
}
