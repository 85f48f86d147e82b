//! Images that run, and what they run for (contract 10 §4).

use super::ReplicaSetInfo;
use std::collections::{BTreeMap, BTreeSet};

/// An image that runs and what it runs for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageInfo {
    /// Image.
    pub image: String,
    /// Roles of the ReplicaSets that run it.
    pub tags: Vec<String>,
}

/// Images of the ReplicaSets that have pods, sorted. An image of several ReplicaSets has the tags of all, sorted; else the
/// tags keep their order.
pub(super) fn merged<'a>(sets: impl Iterator<Item = (&'a ReplicaSetInfo, Vec<String>)>) -> Vec<ImageInfo> {
    let mut tags_of_image: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (set, tags) in sets.filter(|(set, _)| set.replicas > 0) {
        for image in &set.images {
            tags_of_image
                .entry(image)
                .and_modify(|known| {
                    let all: BTreeSet<_> = known.drain(..).chain(tags.iter().cloned()).collect();
                    known.extend(all);
                })
                .or_insert_with(|| tags.clone());
        }
    }
    let image = |(image, tags): (&str, Vec<String>)| ImageInfo {
        image: image.to_owned(),
        tags,
    };
    tags_of_image.into_iter().map(image).collect()
}
