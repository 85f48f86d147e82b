//! Whether two pod templates say the same (contract 02 §3, decision 19).
//!
//! Both are brought to one form: what cannot be decoded is left out, what Argo Rollouts adds is taken away, defaults
//! are filled in, quantities become values. What is left is compared by a digest of 128 bits, so that the stores need
//! not keep templates.

use super::anti_affinity::{self, injected};
use super::defaults;
use super::{Dialect, TEMPLATE, encode, sanitised_template};
use crate::api::PodTemplate;
use crate::wire;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Equal for templates that say the same, whatever defaults are written out; different for all others.
///
/// Printed, and serialised, as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Of the template of a rollout.
    #[must_use]
    pub fn of(template: &PodTemplate) -> Self {
        Self::of_value(template, &BTreeMap::new())
    }

    /// Of the template of a ReplicaSet, without what was added to it: the hash label, ephemeral metadata (recorded in
    /// annotations, with what it covers), anti-affinity against another revision.
    #[must_use]
    pub fn of_replica_set(template: &PodTemplate, annotations: &BTreeMap<String, String>) -> Self {
        Self::of_value(template, annotations)
    }

    fn of_value(template: &PodTemplate, annotations: &BTreeMap<String, String>) -> Self {
        let template = comparable(template, annotations);
        let mut text = String::with_capacity(2048);
        encode::encode(&template, &TEMPLATE, Dialect::Omitted, &mut text);
        Self(fnv1a_128(text.as_bytes()).to_be_bytes())
    }
}

/// The template in the form that is compared.
pub(super) fn comparable(template: &PodTemplate, annotations: &BTreeMap<String, String>) -> Value {
    let (mut template, _) = sanitised_template(template);
    take_away_what_was_added(&mut template, annotations);
    defaults::fill_in(&mut template);
    template
}

/// FNV-1a, 128 bits.
fn fnv1a_128(bytes: &[u8]) -> u128 {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes
        .iter()
        .fold(START, |sum, byte| (sum ^ u128::from(*byte)).wrapping_mul(PRIME))
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let sum = u128::from_str_radix(&text, 16).map_err(de::Error::custom)?;
        Ok(Self(sum.to_be_bytes()))
    }
}

/// The hash label, ephemeral metadata and injected anti-affinity of a ReplicaSet's template.
fn take_away_what_was_added(template: &mut Value, annotations: &BTreeMap<String, String>) {
    let record = |name: &str| -> Value {
        let text = annotations.get(name);
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    };
    let (added, covered) = (record(wire::EPHEMERAL_METADATA), record(wire::COVERED_METADATA));
    if let Some(metadata) = member(template, "metadata") {
        for kind in ["labels", "annotations"] {
            let added = added[kind].as_object().into_iter().flatten();
            if let Some(members) = member(metadata, kind) {
                added.for_each(|(key, _)| {
                    members.remove(key);
                });
                // What was covered comes back; null where nothing was.
                for (key, below) in covered[kind].as_object().into_iter().flatten() {
                    match below {
                        Value::Null => _ = members.remove(key),
                        below => _ = members.insert(key.clone(), below.clone()),
                    }
                }
                members.remove(wire::HASH_LABEL);
            }
        }
    }
    if let Some(spec) = member(template, "spec") {
        // Deprecated: the API server copies serviceAccountName into it.
        spec.remove("serviceAccount");
        drop_injected_anti_affinity(spec);
    }
}

fn member<'v>(holder: &'v mut (impl Members + ?Sized), name: &str) -> Option<&'v mut Map<String, Value>> {
    holder.members()?.get_mut(name)?.as_object_mut()
}

trait Members {
    fn members(&mut self) -> Option<&mut Map<String, Value>>;
}

impl Members for Value {
    fn members(&mut self) -> Option<&mut Map<String, Value>> {
        self.as_object_mut()
    }
}

impl Members for Map<String, Value> {
    fn members(&mut self) -> Option<&mut Map<String, Value>> {
        Some(self)
    }
}

/// Terms that keep pods from those of another hash (contract 03 §10); what is empty afterwards goes as well.
fn drop_injected_anti_affinity(spec: &mut Map<String, Value>) {
    let Some(affinity) = member(spec, "affinity") else {
        return;
    };
    if let Some(anti) = member(affinity, "podAntiAffinity") {
        if let Some(terms) = anti.get_mut(anti_affinity::REQUIRED).and_then(Value::as_array_mut) {
            terms.retain(|term| injected(term).is_none());
        }
        if let Some(terms) = anti.get_mut(anti_affinity::PREFERRED).and_then(Value::as_array_mut) {
            terms.retain(|term| injected(&term["podAffinityTerm"]).is_none());
        }
        anti.retain(|_, terms| terms.as_array().is_none_or(|terms| !terms.is_empty()));
    }
    affinity.retain(|_, kind| kind.as_object().is_none_or(|kind| !kind.is_empty()));
    if affinity.is_empty() {
        spec.remove("affinity");
    }
}
