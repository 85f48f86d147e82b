//! ReplicaSets at rest, small: a rollout keeps ten old ones, and nobody reads them until its next reconcile.

use serin_core::observed::ReplicaSet;
use std::collections::BTreeMap;

type Pairs = BTreeMap<String, String>;

/// A ReplicaSet whose labels and annotations are one text. As trees they would take three times the room of all the
/// rest: a tree of one entry has room for eleven.
#[derive(Debug)]
pub(crate) struct Packed {
    /// Without labels and annotations.
    rest: ReplicaSet,
    /// Labels and annotations, as JSON.
    pairs: Box<str>,
}

impl Packed {
    /// Packs a ReplicaSet.
    #[must_use]
    pub(crate) fn new(mut set: ReplicaSet) -> Self {
        let pairs = (std::mem::take(&mut set.labels), std::mem::take(&mut set.annotations));
        for text in [&mut set.name, &mut set.uid, &mut set.resource_version] {
            text.shrink_to_fit();
        }
        Self {
            rest: set,
            // Maps of text always serialise.
            pairs: serde_json::to_string(&pairs).unwrap_or_default().into(),
        }
    }

    /// The ReplicaSet as it was.
    #[must_use]
    pub(crate) fn unpack(&self) -> ReplicaSet {
        // What was written by us is read again.
        let (labels, annotations): (Pairs, Pairs) = serde_json::from_str(&self.pairs).unwrap_or_default();
        ReplicaSet {
            labels,
            annotations,
            ..self.rest.clone()
        }
    }

    /// Name.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.rest.name
    }

    /// UID.
    #[must_use]
    pub(crate) fn uid(&self) -> &str {
        &self.rest.uid
    }

    /// resourceVersion.
    #[must_use]
    pub(crate) fn version(&self) -> &str {
        &self.rest.resource_version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out_as_it_was() {
        let pairs = |all: &[(&str, &str)]| {
            all.iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect()
        };
        let set = ReplicaSet {
            name: "web-5d8f".into(),
            uid: "u".into(),
            resource_version: "7".into(),
            labels: pairs(&[("app", "web"), ("empty", "")]),
            annotations: pairs(&[("quoted", "\"\\\n\u{0}"), ("wide", "\u{1f426} \u{fc}"), ("a", "1")]),
            replicas: 3,
            avoids: Some("x".into()),
            ..ReplicaSet::default()
        };
        for set in [set, ReplicaSet::default()] {
            let packed = Packed::new(set.clone());
            assert_eq!(packed.unpack(), set);
            assert_eq!(
                [packed.name(), packed.uid(), packed.version()],
                [set.name, set.uid, set.resource_version]
            );
        }
    }
}
