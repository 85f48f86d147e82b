//! What a template and steps are known by: the hashes in the names of ReplicaSets (contract 02 §2).
//!
//! Bit for bit what Argo Rollouts computes, so that taking over from it, and going back, restarts no pod. The template
//! is printed as Go prints its typed structs (`fields` has their order, `encode` the rules), and the text is hashed.

pub mod anti_affinity;
mod defaults;
mod encode;
mod equality;
mod fields;
mod quantity;
mod sanitise;
mod unknown;

pub use encode::Dialect;
pub use equality::Fingerprint;
pub use unknown::unknown_fields;

use crate::api::rollout::CanaryStep;
use crate::api::{PodTemplate, Rollout};
use crate::validate::{self, FieldError};
use fields::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What follows from one generation of a rollout's spec alone: its hashes, and whether it can be carried out. Computed
/// once per generation (decision 18).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Identity {
    /// Hash of the pod template, as new ReplicaSets are named (contract 02 §2).
    pub pod_hash: String,
    /// The same in the other dialect, with `"creationTimestamp":null` (decision 15).
    pub pod_hash_with_null_timestamp: String,
    /// Hash of the canary steps; empty for blue-green.
    pub step_hash: String,
    /// What templates that say the same have in common (decision 19).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Fingerprint>,
    /// Leaves of the template that cannot be decoded, as field paths; left out of the ReplicaSet (decision 7).
    pub undecodable: Vec<String>,
    /// What is wrong with the spec, if anything is: the first finding of [`validate::rollout`](crate::validate::rollout()).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
}

impl Identity {
    /// Hashes the template and the steps of a rollout, with the collision count of its status.
    ///
    /// A rollout without a template counts as one with an empty template.
    #[must_use]
    pub fn of(rollout: &Rollout) -> Self {
        Self::with_errors(rollout, validate::rollout(rollout))
    }

    /// As [`Self::of`], of a rollout with a `workloadRef` whose template has been filled in: it is not one of its own.
    #[must_use]
    pub fn of_filled_in(rollout: &Rollout) -> Self {
        Self::with_errors(
            rollout,
            validate::with_template(rollout, rollout.spec.template.as_ref()),
        )
    }

    fn with_errors(rollout: &Rollout, errors: Vec<FieldError>) -> Self {
        let (template, undecodable) = match &rollout.spec.template {
            Some(template) => sanitised_template(template),
            None => (Value::Null, Vec::new()),
        };
        let collisions = rollout.status.collision_count;
        let strategy = &rollout.spec.strategy;
        let steps = strategy.canary.as_ref().map_or(&[][..], |canary| &canary.steps);
        Self {
            pod_hash: pod_hash(&template, Dialect::Omitted, collisions),
            pod_hash_with_null_timestamp: pod_hash(&template, Dialect::Null, collisions),
            step_hash: if strategy.blue_green.is_some() {
                String::new()
            } else {
                step_hash(steps)
            },
            template: rollout.spec.template.as_ref().map(Fingerprint::of),
            undecodable,
            invalid: errors.into_iter().next().map(|error| error.to_string()),
        }
    }
}

/// The template without what cannot be decoded, as ReplicaSets are created from it, and the field paths of what was
/// left out, such as `spec.containers[0].resources.requests.memory` (decision 7).
///
/// Only the leaf goes, its siblings stay. Members that are null are left out, too: null means absent. Fields unknown to
/// the frozen table stay (decision 20).
#[must_use]
pub fn sanitised_template(template: &PodTemplate) -> (Value, Vec<String>) {
    let mut value = template.to_value();
    let mut path = sanitise::Path::default();
    if !sanitise::keep_decodable(&mut value, &TEMPLATE, &mut path) {
        return (Value::Null, vec![".".into()]);
    }
    (value, path.undecodable)
}

/// The template in the form in which [`Fingerprint`] compares: without what a ReplicaSet's template has been given, with
/// the API server's defaults, with quantities as values. Two templates say the same about a field if it is equal here.
#[must_use]
pub fn comparable_template(template: &PodTemplate, annotations: &BTreeMap<String, String>) -> Value {
    equality::comparable(template, annotations)
}

/// What a quantity amounts to, whatever suffix it is written with; `None` of what is no quantity.
#[must_use]
pub fn quantity_value(quantity: &Value) -> Option<String> {
    encode::quantity_value(quantity)
}

/// The pod template hash (contract 02 §2) of a template that went through [`sanitised_template`].
#[must_use]
pub fn pod_hash(template: &Value, dialect: Dialect, collision_count: Option<i32>) -> String {
    let mut sum = fnv1a(FNV_START, hashed_template(template, dialect).as_bytes());
    if let Some(count) = collision_count {
        sum = fnv1a(sum, &count.to_le_bytes());
        sum = fnv1a(sum, &[0; 4]);
    }
    safe(sum)
}

/// The hash of canary steps (contract 02 §2); no steps have a hash, too.
#[must_use]
pub fn step_hash(steps: &[CanaryStep]) -> String {
    safe(fnv1a(FNV_START, hashed_steps(steps).as_bytes()))
}

/// The text that [`pod_hash`] hashes.
#[must_use]
pub fn hashed_template(template: &Value, dialect: Dialect) -> String {
    let mut out = String::with_capacity(1024);
    encode::encode(template, &TEMPLATE, dialect, &mut out);
    out
}

/// The text that [`step_hash`] hashes.
#[must_use]
pub fn hashed_steps(steps: &[CanaryStep]) -> String {
    if steps.is_empty() {
        return "null".into();
    }
    let mut out = String::from("[");
    for (index, step) in steps.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        // Steps consist of plain data with text keys, which always serialise.
        let step = serde_json::to_value(step).unwrap_or_default();
        encode::encode(&step, &STEP, Dialect::Omitted, &mut out);
    }
    out.push(']');
    out
}

static TEMPLATE: Kind = Kind::Object(&fields::PodTemplateSpec);
static STEP: Kind = Kind::Object(&fields::CanaryStep);

const FNV_START: u32 = 2_166_136_261;
const FNV_PRIME: u32 = 16_777_619;

/// FNV-1a, 32 bits.
fn fnv1a(start: u32, bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(start, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// The decimal sum in letters that make no words: Kubernetes' safe alphabet without vowels.
fn safe(sum: u32) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    sum.to_string()
        .bytes()
        .map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()]))
        .collect()
}
