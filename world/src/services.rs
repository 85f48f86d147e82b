//! Services, and the rule that none of them leads nowhere by our own doing.

use super::hands::Basis;
use super::{World, note};
use jiff::SignedDuration;
use serde_json::Value;
use serin_core::api::Rollout;
use serin_core::observed::Service;
use serin_core::plan::ServicePatch;
use serin_core::wire::HASH_LABEL;
use std::collections::BTreeMap;

impl World {
    /// Names that the strategy gives to Services.
    pub fn named_services(&self) -> Vec<String> {
        let strategy = &self.rollout["spec"]["strategy"];
        let fields = ["canaryService", "stableService", "activeService", "previewService"];
        let named = fields
            .iter()
            .flat_map(|field| [&strategy["canary"][*field], &strategy["blueGreen"][*field]]);
        let ping_pong = ["pingService", "pongService"].map(|field| &strategy["canary"]["pingPong"][field]);
        named
            .chain(ping_pong)
            .filter_map(Value::as_str)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Somebody creates a Service that selects the pods of the rollout.
    pub fn create_service(&mut self, name: &str) {
        let selector = self.rollout["spec"]["selector"]["matchLabels"].clone();
        let service = Service {
            resource_version: self.version(),
            selector: serde_json::from_value(selector).unwrap_or_default(),
            ..Service::default()
        };
        self.services.insert(name.to_owned(), service);
        self.serving.remove(name);
        self.changed_service(name);
    }

    /// Creates all Services that the rollout names and that are not there.
    pub fn create_services(&mut self) {
        for name in self.named_services() {
            if !self.services.contains_key(&name) {
                self.create_service(&name);
            }
        }
    }

    /// What the controller sees: all that are named, and all that carry the rollout's name.
    pub fn observed_services(&self) -> BTreeMap<String, Option<Service>> {
        let managed = self.services.iter().filter(|(_, service)| service.managed_by.is_some());
        let names = self
            .named_services()
            .into_iter()
            .chain(managed.map(|(name, _)| name.clone()));
        names.map(|name| (name.clone(), self.observed_service(&name))).collect()
    }

    fn observed_service(&self, name: &str) -> Option<Service> {
        let service = self.services.get(name)?;
        let gone = |manager: &String| self.gone_managers.get(manager).copied();
        Some(Service {
            manager_gone_since: service.managed_by.as_ref().and_then(gone),
            named_elsewhere: self.named_elsewhere.contains(name),
            ..service.clone()
        })
    }

    /// The hash that a Service selects.
    pub fn selected(&self, name: &str) -> &str {
        let service = self.services.get(name);
        service
            .and_then(|service| service.selector.get(HASH_LABEL))
            .map_or("", String::as_str)
    }

    /// The controller's patch; false where somebody else wrote in between.
    pub fn patch_service(&mut self, patch: &ServicePatch) -> bool {
        let version = self.version();
        let name = &patch.target.name;
        let (former, before) = (self.selected(name).to_owned(), self.behind(name));
        let Some(service) = self.services.get_mut(name) else {
            return false;
        };
        if service.resource_version != patch.target.resource_version {
            return false;
        }
        service.resource_version = version;
        if patch.clear {
            service.selector.remove(HASH_LABEL);
            service.managed_by = None;
        }
        if let Some(hash) = &patch.hash {
            service.selector.insert(HASH_LABEL.to_owned(), hash.clone());
        }
        if let Some(rollout) = &patch.managed_by {
            service.managed_by = Some(rollout.clone());
        }
        note!(self, "patch Service {name} → {}", self.selected(name));
        if patch.hash.is_some() {
            let basis = self.basis.clone();
            self.check_capacity(name, (&former, before), &basis);
            self.check_repointed(name, (&former, before));
        }
        // A switch to pods that are not there yet is judged when it is made; a preview may wait for its pods.
        let spec = &self.basis.rollout.spec;
        let blue_green = spec.strategy.blue_green.as_ref();
        let preview = blue_green.is_some_and(|strategy| strategy.preview_service == *name);
        let none_wanted = spec.replicas == Some(0);
        // Of ping and pong the one without weight moves first: pods may need it to become ready.
        let pair = spec
            .strategy
            .canary
            .as_ref()
            .and_then(|canary| canary.ping_pong.as_ref());
        let preview = preview || pair.is_some_and(|of| of.ping_service == *name || of.pong_service == *name);
        let leads_nowhere = patch.hash.is_some() && self.serving.contains_key(name) && self.behind(name) == 0;
        let leads_nowhere = leads_nowhere && self.unknown_losses(self.now, patch.hash.as_deref()) == 0;
        if leads_nowhere && !preview && !none_wanted {
            self.break_rule(format!(
                "4: Service {name} is switched to a ReplicaSet without an available pod"
            ));
        }
        if self.behind(name) == 0 {
            self.serving.remove(name);
        }
        true
    }

    /// Available pods that a Service leads to.
    pub fn behind(&self, name: &str) -> i32 {
        let hash = self.selected(name);
        let selected = self
            .sets
            .iter()
            .filter(|set| hash.is_empty() || set.object.hash() == hash);
        selected.map(|set| set.available(self.now)).sum()
    }

    /// Notes which Services lead to an available pod.
    pub fn watch_services(&mut self) {
        let found = self.services.keys().filter(|name| !self.serving.contains_key(*name));
        let serving: Vec<String> = found.filter(|name| self.behind(name) > 0).cloned().collect();
        self.serving.extend(serving.into_iter().map(|name| (name, self.now)));
    }

    /// Where a single pod is all there may ever be, its Service is empty for a moment at each update.
    fn may_have_two_pods(rollout: &Rollout) -> bool {
        let replicas = rollout.spec.replicas.unwrap_or(1);
        let canary = rollout.spec.strategy.canary.as_ref();
        let surge = canary.map_or(replicas, |canary| {
            serin_core::meaning::fenceposts(canary, replicas).surge
        });
        replicas > 0 && replicas + surge > 1
    }

    /// After pods were taken away by our own doing: no Service of traffic may have lost its last one.
    pub fn check_services(&mut self, basis: &Basis) {
        let strategy = &basis.rollout.spec.strategy;
        // A preview may wait for its pods, and a Service that is no longer named is nobody's.
        let active = strategy.blue_green.as_ref().map(|strategy| &strategy.active_service);
        let stable = strategy.canary.as_ref().map(|strategy| &strategy.stable_service);
        let lost: Vec<String> = self
            .serving
            .keys()
            .filter(|name| self.behind(name) == 0)
            .cloned()
            .collect();
        for name in lost {
            // What came to serve only after the decision, nobody could know of.
            let since = self.serving.remove(&name);
            let lag = SignedDuration::from_secs(self.faults.store_lag);
            let known = since.is_some_and(|since| since.checked_add(lag).is_ok_and(|seen| seen <= basis.at));
            let selected = Some(self.selected(&name)).filter(|hash| !hash.is_empty());
            let by_others = self.changed_since(&name, basis)
                || self.unknown_losses(basis.at, selected) > 0
                || self.unknown_gains(basis) > 0;
            let serves = active == Some(&name) || stable == Some(&name);
            if serves && known && !by_others && Self::may_have_two_pods(&basis.rollout) {
                self.break_rule(format!(
                    "4: the last available pod behind Service {name} was taken away"
                ));
            }
        }
    }
}
