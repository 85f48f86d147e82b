//! Services, and the rule that none of them leads nowhere by our own doing.

use super::{World, note};
use serde_json::Value;
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
        named
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
            selector: serde_json::from_value(selector).unwrap(),
            managed_by: None,
        };
        self.services.insert(name.to_owned(), service);
        self.serving.remove(name);
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
        names
            .map(|name| (name.clone(), self.services.get(&name).cloned()))
            .collect()
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
        // A switch to pods that are not there yet is judged when it is made; a preview may wait for its pods.
        let preview = self.rollout["spec"]["strategy"]["blueGreen"]["previewService"].as_str() == Some(name);
        let none_wanted = self.rollout["spec"]["replicas"].as_i64() == Some(0);
        let leads_nowhere = patch.hash.is_some() && self.serving.contains(name) && self.behind(name) == 0;
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
    fn behind(&self, name: &str) -> i32 {
        let hash = self.selected(name);
        let selected = self
            .sets
            .iter()
            .filter(|set| hash.is_empty() || set.object.hash() == hash);
        selected.map(|set| set.available(self.now)).sum()
    }

    /// Notes which Services lead to an available pod.
    pub fn watch_services(&mut self) {
        let found = self.services.keys().filter(|name| !self.serving.contains(*name));
        let serving: Vec<String> = found.filter(|name| self.behind(name) > 0).cloned().collect();
        self.serving.extend(serving);
    }

    /// Where a single pod is all there may ever be, its Service is empty for a moment at each update.
    fn may_have_two_pods(&self) -> bool {
        let rollout = self.decoded();
        let replicas = rollout.spec.replicas.unwrap_or(1);
        let canary = rollout.spec.strategy.canary.as_ref();
        let surge = canary.map_or(replicas, |canary| serin_core::spec::fenceposts(canary, replicas).surge);
        replicas > 0 && replicas + surge > 1
    }

    /// After pods were taken away by our own doing: no Service of traffic may have lost its last one.
    pub fn check_services(&mut self) {
        let preview = self.rollout["spec"]["strategy"]["blueGreen"]["previewService"]
            .as_str()
            .unwrap_or("")
            .to_owned();
        let canary = self.rollout["spec"]["strategy"]["canary"]["canaryService"]
            .as_str()
            .unwrap_or("")
            .to_owned();
        let lost: Vec<String> = self
            .serving
            .iter()
            .filter(|name| self.behind(name) == 0)
            .cloned()
            .collect();
        for name in lost {
            self.serving.remove(&name);
            if name != preview && name != canary && self.may_have_two_pods() {
                self.break_rule(format!(
                    "4: the last available pod behind Service {name} was taken away"
                ));
            }
        }
    }
}
