//! Pod subresources: eviction within the disruption budget, and binding to a node.

use serde_json::{Value, json};

use crate::delete::DeleteOptions;
use crate::route::Query;
use crate::selector::LabelSelector;
use crate::state::{Resolved, State};
use crate::status::ApiError;
use crate::store::{ObjectKey, ResourceId};

impl State {
    /// Evicts a pod, unless a PodDisruptionBudget forbids it (429).
    ///
    /// No disruption controller keeps a count here: the budget is worked out from the pods of this moment.
    pub(crate) fn evict(&mut self, target: &Resolved, eviction: &Value, query: &Query) -> Result<(), ApiError> {
        let pod = self.current(target)?;
        let mut options = DeleteOptions::parse(&eviction["deleteOptions"], query)?;
        options.dry_run |= query.dry_run()?;
        let phase = pod["status"]["phase"].as_str().unwrap_or_default();
        let counts =
            !matches!(phase, "Succeeded" | "Failed" | "Pending") && pod["metadata"].get("deletionTimestamp").is_none();
        if counts {
            self.check_budgets(target, &pod)?;
        }
        self.delete(target, &options)?;
        Ok(())
    }

    fn check_budgets(&self, target: &Resolved, pod: &Value) -> Result<(), ApiError> {
        let namespace = target.namespace.as_str();
        let budgets = ResourceId::new("policy", "poddisruptionbudgets");
        for (at, budget) in self.store.list(&budgets, Some(namespace), None) {
            let selector = LabelSelector::from_object(&budget["spec"]["selector"]);
            if !selector.matches(&pod["metadata"]["labels"]) {
                continue;
            }
            let pods: Vec<_> = self
                .store
                .list(&target.resource.id, Some(namespace), None)
                .filter(|(_, other)| selector.matches(&other["metadata"]["labels"]))
                .filter(|(_, other)| other["metadata"].get("deletionTimestamp").is_none())
                .collect();
            let expected = pods.len() as u64;
            let healthy = pods.iter().filter(|(_, pod)| is_ready(pod)).count() as u64;
            let needed = match (&budget["spec"]["minAvailable"], &budget["spec"]["maxUnavailable"]) {
                (Value::Null, Value::Null) => 0,
                (Value::Null, unavailable) => expected.saturating_sub(count(unavailable, expected)),
                (available, _) => count(available, expected),
            };
            if is_ready(pod) && healthy <= needed {
                let name = &at.name;
                let mut error = ApiError::new(
                    429,
                    "TooManyRequests",
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                );
                error.details = Some(Box::new(json!({ "causes": [{
                    "reason": "DisruptionBudget",
                    "message": format!("The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"),
                }] })));
                return Err(error);
            }
        }
        Ok(())
    }

    /// What a scheduler does: sets the node of a pod that has none.
    pub(crate) fn bind(&mut self, target: &Resolved, binding: &Value) -> Result<(), ApiError> {
        let current = self.current(target)?;
        if let Some(node) = current["spec"]["nodeName"].as_str().filter(|node| !node.is_empty()) {
            let cause = format!("pod {} is already assigned to node {node:?}", target.name);
            return Err(ApiError::conflict("pods/binding", &target.name, &cause));
        }
        let node = binding["target"]["name"].as_str().unwrap_or_default();
        if node.is_empty() {
            return Err(ApiError::bad_request("binding: target.name is required"));
        }
        let mut pod = (*current).clone();
        pod["spec"]["nodeName"] = json!(node);
        let key: ObjectKey = target.key();
        let stored = self.store.put(&key, pod);
        self.after_write(&key, &stored);
        Ok(())
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions
        .into_iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// A number, or a percentage of the whole rounded up, as budgets count.
fn count(value: &Value, whole: u64) -> u64 {
    match value {
        Value::String(text) => {
            let percent: u64 = text.trim_end_matches('%').parse().unwrap_or(0);
            (whole * percent).div_ceil(100)
        }
        other => other.as_u64().unwrap_or(0),
    }
}
