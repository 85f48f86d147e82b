//! What each patch touched.

use super::target::{Selector, is_same};
use super::{Identity, Instance, Reach};
use crate::kustomize::graph::{Graph, Patch, PatchKind};
use serde_json::Value;
use std::collections::HashMap;

/// For each layer and each of its patches, the instances that it aims at, in their order. `None` of a layer that is no part of the
/// build: one above an inner layer that is built alone, or one that holds transformers instead of objects.
#[derive(Debug, Clone, Default)]
pub(in crate::kustomize) struct Hits(Vec<Option<Vec<Vec<usize>>>>);

impl Hits {
    /// `built` names the object of each instance that is in the output.
    pub(in crate::kustomize) fn new(
        graph: &Graph,
        root: usize,
        instances: &[Instance],
        built: &HashMap<usize, &Value>,
    ) -> Self {
        let mut is_part = vec![false; graph.layers.len()];
        let mut ahead = vec![root];
        while let Some(layer) = ahead.pop() {
            if let Some(part) = is_part.get_mut(layer).filter(|part| !**part) {
                *part = true;
                ahead.extend(graph.layers[layer].below.iter().map(|(below, _)| *below));
            }
        }
        let mut passing: Vec<Vec<usize>> = vec![Vec::new(); graph.layers.len()];
        for (at, instance) in instances.iter().enumerate() {
            for pass in &instance.passes {
                if let Some(here) = passing.get_mut(pass.layer).filter(|here| here.last() != Some(&at)) {
                    here.push(at);
                }
            }
        }
        let of_layer = |(layer, content): (usize, &crate::kustomize::Layer)| {
            let hits = |patch: &Patch| {
                let aim = Aim::new(patch);
                let here = passing[layer].iter().copied();
                here.filter(|at| aim.hits(&instances[*at], layer, built.get(at).copied()))
                    .collect()
            };
            is_part[layer].then(|| content.patches.iter().map(hits).collect())
        };
        Self(graph.layers.iter().enumerate().map(of_layer).collect())
    }

    fn of(&self, layer: usize, patch: usize) -> &[usize] {
        let patches = self.0.get(layer).and_then(Option::as_ref);
        patches
            .and_then(|patches| patches.get(patch))
            .map_or(&[], Vec::as_slice)
    }

    /// Whether a patch aims at an instance.
    pub(super) fn has(&self, layer: usize, patch: usize, instance: usize) -> bool {
        self.of(layer, patch).binary_search(&instance).is_ok()
    }
}

/// One entry for each patch of each layer that is part of the build. `object_of` names the object of each instance that is in the output.
pub(in crate::kustomize) fn reaches(graph: &Graph, hits: &Hits, object_of: &HashMap<usize, usize>) -> Vec<Reach> {
    let mut reaches = Vec::new();
    for (layer, content) in graph.layers.iter().enumerate() {
        if hits.0.get(layer).is_none_or(Option::is_none) {
            continue;
        }
        for patch in 0..content.patches.len() {
            let hit = hits.of(layer, patch);
            let mut objects: Vec<usize> = hit
                .iter()
                .filter_map(|instance| object_of.get(instance).copied())
                .collect();
            objects.sort_unstable();
            reaches.push(Reach {
                layer,
                patch,
                deletes: objects.len() < hit.len(),
                objects,
            });
        }
    }
    reaches
}

/// What a patch aims at.
enum Aim<'p> {
    Selected(Selector<'p>),
    Named(Vec<Identity>),
}

impl<'p> Aim<'p> {
    fn new(patch: &'p Patch) -> Self {
        match (&patch.target, patch.kind) {
            (Some(target), _) => Self::Selected(Selector::new(target)),
            (None, PatchKind::Json) => Self::Named(Vec::new()),
            (None, PatchKind::Merge) => Self::Named(patch.documents.iter().filter_map(Identity::of_node).collect()),
        }
    }

    fn hits(&self, instance: &Instance, layer: usize, built: Option<&Value>) -> bool {
        let Some(pass) = instance.passes.iter().find(|pass| pass.layer == layer) else {
            return false;
        };
        match self {
            Self::Selected(selector) => selector.fits(instance, pass, built),
            Self::Named(identities) => identities.iter().any(|identity| is_same(identity, instance, layer)),
        }
    }
}
