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
    /// Keys and values of the labels, then of the annotations, one behind the other.
    text: Box<str>,
    /// Where each of them ends.
    ends: Box<[usize]>,
    /// How many of the ends are those of labels.
    labels: usize,
}

impl Packed {
    /// Packs a ReplicaSet.
    #[must_use]
    pub(crate) fn new(mut set: ReplicaSet) -> Self {
        let (labels, annotations) = (std::mem::take(&mut set.labels), std::mem::take(&mut set.annotations));
        for text in [&mut set.name, &mut set.uid, &mut set.resource_version] {
            text.shrink_to_fit();
        }
        let (mut text, mut ends) = (String::new(), Vec::new());
        for (key, value) in labels.iter().chain(&annotations) {
            for word in [key, value] {
                text.push_str(word);
                ends.push(text.len());
            }
        }
        Self {
            rest: set,
            text: text.into(),
            ends: ends.into(),
            labels: 2 * labels.len(),
        }
    }

    /// The ReplicaSet as it was.
    #[must_use]
    pub(crate) fn unpack(&self) -> ReplicaSet {
        let mut begin = 0;
        let mut words = self.ends.iter().map(|end| {
            let word = &self.text[begin..*end];
            begin = *end;
            word.to_owned()
        });
        let mut pairs =
            |count: usize| -> Pairs { (0..count / 2).filter_map(|_| words.next().zip(words.next())).collect() };
        let labels = pairs(self.labels);
        let annotations = pairs(self.ends.len() - self.labels);
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
