//! What of a rollout Argo Rollouts would prune or do otherwise, and what to change first: the way back (decision 52).
//!
//! [`report`] reads objects as they are stored: what it looks for is what Argo Rollouts' types do not have.

use crate::api::PodTemplate;
use crate::identity::unknown_fields;
use crate::wire::condition;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Additions to metrics (decision 50).
const OF_METRICS: [&str; 4] = ["noData", "samples", "minSamples", "compare"];
/// Conditions that only Serin writes.
const CONDITIONS: [&str; 5] = [
    condition::REFUSED,
    condition::STATUS_UNREADABLE,
    condition::BEGAN_WITHOUT_PODS,
    condition::WORKLOAD_SCALE_CONTESTED,
    condition::DOUBLE_CAPACITY,
];

/// What stands in the way of one rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Departure {
    /// Namespace of the rollout.
    pub namespace: String,
    /// Name of the rollout.
    pub rollout: String,
    /// What Argo Rollouts would not do as Serin does; nothing if the rollout may go as it is.
    pub findings: Vec<Finding>,
}

/// One thing that Argo Rollouts would prune or do otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The field, from the root of the object on; of another object with its kind and name before it.
    pub field: String,
    /// What would become of it.
    pub what: String,
    /// What to change first.
    pub change: String,
}

impl Finding {
    fn new(field: impl Into<String>, what: &str, change: &str) -> Self {
        Self {
            field: field.into(),
            what: what.to_owned(),
            change: change.to_owned(),
        }
    }
}

/// The templates of analyses that there are, as they are stored: those of a namespace by namespace and name, those of the
/// cluster by name.
#[derive(Clone, Debug, Default)]
pub struct StoredTemplates {
    /// AnalysisTemplates.
    pub namespaced: BTreeMap<(String, String), Value>,
    /// ClusterAnalysisTemplates.
    pub cluster: BTreeMap<String, Value>,
}

/// What Argo Rollouts would prune of a rollout, and of the templates that it names, or would do otherwise.
#[must_use]
pub fn report(rollout: &Value, templates: &StoredTemplates) -> Departure {
    let text = |pointer: &str| {
        let text = rollout.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let namespace = text("/metadata/namespace");
    let mut findings = of_traffic(rollout);
    findings.extend(of_pods(rollout));
    findings.extend(of_templates(rollout, &namespace, templates));
    findings.extend(of_conditions(rollout));
    Departure {
        rollout: text("/metadata/name"),
        namespace,
        findings,
    }
}

/// Additions to traffic routing (decision 51).
fn of_traffic(rollout: &Value) -> Vec<Finding> {
    let path = "spec.strategy.canary.trafficRouting";
    let routing = &rollout["spec"]["strategy"]["canary"]["trafficRouting"];
    let mut findings = Vec::new();
    if !routing["gatewayAPI"].is_null() {
        findings.push(Finding::new(
            format!("{path}.gatewayAPI"),
            "is pruned: traffic would no longer be routed",
            "move it below trafficRouting.plugins, as argoproj-labs/gatewayAPI, and install that plugin",
        ));
    }
    if !routing["stickiness"].is_null() {
        findings.push(Finding::new(
            format!("{path}.stickiness"),
            "is pruned: a client would change between versions",
            "remove it, and set up sticky sessions at the router where they are needed",
        ));
    }
    findings
}

/// Fields of the pod template that a version of Argo Rollouts may not know.
fn of_pods(rollout: &Value) -> Vec<Finding> {
    let template = &rollout["spec"]["template"];
    if template.is_null() {
        return Vec::new();
    }
    let unknown = unknown_fields(&PodTemplate::new(template));
    let finding = |path: String| {
        Finding::new(
            format!("spec.template.{path}"),
            "is left out of the hash by a version that does not know it: all pods would be replaced",
            "remove it, or go back to a version of Argo Rollouts that knows it",
        )
    };
    unknown.into_iter().map(finding).collect()
}

/// Additions to the metrics of the templates that the rollout names, and of those that they name in turn.
fn of_templates(rollout: &Value, namespace: &str, templates: &StoredTemplates) -> Vec<Finding> {
    let (mut findings, mut seen) = (Vec::new(), BTreeSet::new());
    let mut next = Vec::new();
    references(&rollout["spec"]["strategy"], &mut next);
    while let Some((name, cluster)) = next.pop() {
        if !seen.insert((name.clone(), cluster)) {
            continue;
        }
        let (kind, template) = if cluster {
            ("ClusterAnalysisTemplate", templates.cluster.get(&name))
        } else {
            let key = (namespace.to_owned(), name.clone());
            ("AnalysisTemplate", templates.namespaced.get(&key))
        };
        let Some(template) = template else { continue };
        references(&template["spec"], &mut next);
        let metrics = template["spec"]["metrics"].as_array().into_iter().flatten();
        for (index, metric) in metrics.enumerate() {
            for field in OF_METRICS.into_iter().filter(|field| !metric[*field].is_null()) {
                findings.push(Finding::new(
                    format!("{kind}/{name}: spec.metrics[{index}].{field}"),
                    "is pruned: a measurement without data, or with few samples, would be judged by the conditions alone",
                    "write what it says into successCondition or failureCondition, and remove it",
                ));
            }
        }
    }
    findings
}

/// All references to templates within a value: lists with the name `templates`.
fn references(value: &Value, found: &mut Vec<(String, bool)>) {
    match value {
        Value::Object(members) => {
            let named = members.get("templates").and_then(Value::as_array).into_iter().flatten();
            let named = named.filter_map(|reference| {
                let name = reference["templateName"].as_str()?;
                Some((name.to_owned(), reference["clusterScope"] == true))
            });
            found.extend(named);
            // An analysis of an experiment names one by itself.
            if let Some(name) = members.get("templateName").and_then(Value::as_str) {
                found.push((name.to_owned(), members.get("clusterScope") == Some(&Value::Bool(true))));
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Conditions that Argo Rollouts would keep for ever.
fn of_conditions(rollout: &Value) -> Vec<Finding> {
    let conditions = rollout["status"]["conditions"].as_array().into_iter().flatten();
    let ours = conditions.filter_map(|condition| {
        let of = condition["type"].as_str()?;
        CONDITIONS.contains(&of).then(|| of.to_owned())
    });
    let finding = |of: String| {
        let (what, change) = if of == condition::REFUSED {
            (
                "is never removed: it would go on to say that a write is refused",
                "do what its message says; if it is there once Serin is gone, remove it",
            )
        } else {
            (
                "is never removed: it would go on to say what was true when Serin stopped",
                "remove it once Serin is gone",
            )
        };
        Finding::new(format!("status.conditions[{of}]"), what, change)
    };
    ours.map(finding).collect()
}

/// A line for the rollout, and two for each finding.
impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rollout {}/{}", self.namespace, self.rollout)?;
        if self.findings.is_empty() {
            return writeln!(f, ": nothing to change");
        }
        writeln!(f)?;
        for Finding { field, what, change } in &self.findings {
            writeln!(f, "  {field} {what}")?;
            writeln!(f, "    first: {change}")?;
        }
        Ok(())
    }
}
