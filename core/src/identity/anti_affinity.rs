//! The terms of pod anti-affinity that keep a revision off the nodes of another: how they look in a pod template
//! (contract 03 §10). `rollout/anti_affinity.rs` adds them; equality of templates does not see them.

use crate::api::PodTemplate;
use crate::wire::HASH_LABEL;
use serde_json::Value;

/// Kinds of terms, as a pod template has them.
pub(crate) const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
pub(crate) const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Pods of one node are neighbours.
pub(crate) const TOPOLOGY_KEY: &str = "kubernetes.io/hostname";

/// The hash whose pods the pods of a template are kept from, if any (contract 03 §10).
#[must_use]
pub fn avoided(template: &PodTemplate) -> Option<String> {
    // Most templates have none, and are not read for it.
    if !template.as_str().contains("podAntiAffinity") {
        return None;
    }
    let template = template.to_value();
    let anti = &template["spec"]["affinity"]["podAntiAffinity"];
    let terms = |kind: &str| anti[kind].as_array().into_iter().flatten();
    let preferred = terms(PREFERRED).map(|term| &term["podAffinityTerm"]);
    terms(REQUIRED).chain(preferred).find_map(hash_of).map(str::to_owned)
}

/// The hash in a term of the very form that the rollout gives it: a user may write others that speak of hashes.
fn hash_of(term: &Value) -> Option<&str> {
    let requirements = term["labelSelector"]["matchExpressions"].as_array()?;
    match requirements.as_slice() {
        [only] if only["key"] == HASH_LABEL && only["operator"] == "In" && term["topologyKey"] == TOPOLOGY_KEY => {
            only["values"][0].as_str()
        }
        _ => None,
    }
}

/// What makes a term one that was added: it speaks of pod template hashes.
pub(crate) fn injected(term: &Value) -> Option<&Value> {
    let requirements = term["labelSelector"]["matchExpressions"].as_array()?;
    requirements.iter().find(|requirement| requirement["key"] == HASH_LABEL)
}
