//! Keeps the pods of a new revision off the nodes of the stable one (contract 03 §10). How its terms look in a template
//! is in [`crate::identity::anti_affinity`]: a hash must not count them.

use crate::identity::anti_affinity::{PREFERRED, REQUIRED, TOPOLOGY_KEY};
use crate::identity::sanitised_template;
use crate::observed::ReplicaSet;
use crate::plan::ReplicaSetPatch;
use crate::rollout::look::Look;
use crate::wire::HASH_LABEL;
use serde_json::{Value, json};

/// Adds the term to the template of a new ReplicaSet.
pub(crate) fn inject(look: &Look<'_>, template: &mut Value) {
    let Some(stable) = wanted(look) else { return };
    let lists = lists(look, stable, template);
    let affinity = &mut template["spec"]["affinity"];
    for (kind, terms) in lists {
        if !terms.is_null() {
            affinity["podAntiAffinity"][kind] = terms;
        }
    }
}

/// Renews the term where another revision has become stable since, and adds it to a ReplicaSet that is used again.
pub(crate) fn keep_in_step(look: &Look<'_>, set: &ReplicaSet, patch: &mut ReplicaSetPatch) {
    let Some(stable) = wanted(look).filter(|stable| set.avoids.as_deref() != Some(*stable)) else {
        return;
    };
    let template = look
        .rollout
        .spec
        .template
        .as_ref()
        .map(|template| sanitised_template(template).0);
    patch.anti_affinity = Some(lists(look, stable, &template.unwrap_or_default()).into_iter().collect());
}

/// The stable hash while another revision is rolled out.
fn wanted<'a>(look: &Look<'a>) -> Option<&'a str> {
    let stable = look.rollout.status.stable_rs.as_str();
    look.strategy.anti_affinity()?;
    (!stable.is_empty() && stable != look.revisions.new_hash).then_some(stable)
}

/// Both lists of terms, the user's own first; null where there are none.
fn lists(look: &Look<'_>, stable: &str, template: &Value) -> [(String, Value); 2] {
    let namespace = look.rollout.metadata.namespace.as_deref().unwrap_or_default();
    let term = json!({
        "labelSelector": { "matchExpressions": [{ "key": HASH_LABEL, "operator": "In", "values": [stable] }] },
        "namespaces": [namespace],
        "topologyKey": TOPOLOGY_KEY,
    });
    let asked = look.strategy.anti_affinity();
    let weight = asked.and_then(|asked| asked.preferred_during_scheduling_ignored_during_execution.as_ref());
    let preferred = weight.map(|preferred| json!({ "weight": preferred.weight, "podAffinityTerm": &term }));
    let required = asked.is_some_and(|asked| asked.required_during_scheduling_ignored_during_execution.is_some());
    let own = &template["spec"]["affinity"]["podAntiAffinity"];
    let list = |kind: &str, added: Option<Value>| {
        let own = own[kind].as_array().into_iter().flatten().cloned();
        let terms: Vec<Value> = own.chain(added).collect();
        let terms = if terms.is_empty() {
            Value::Null
        } else {
            Value::Array(terms)
        };
        (kind.to_owned(), terms)
    };
    // As upstream: preferred where both are asked for, which validation refuses.
    let required = required && preferred.is_none();
    [list(PREFERRED, preferred), list(REQUIRED, required.then_some(term))]
}
