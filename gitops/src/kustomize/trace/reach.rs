//! What each patch touched.

use super::target::{Selector, is_same};
use super::{Identity, Instance, Reach};
use crate::kustomize::graph::{Graph, Patch, PatchKind};
use serde_json::Value;
use std::collections::HashMap;

/// One entry for each patch of each layer. `assigned` names the instance of each object.
pub(in crate::kustomize) fn reaches(
    graph: &Graph,
    instances: &[Instance],
    objects: &[&Value],
    assigned: &[Option<usize>],
) -> Vec<Reach> {
    let object_of: HashMap<usize, usize> = assigned
        .iter()
        .enumerate()
        .filter_map(|(object, instance)| Some(((*instance)?, object)))
        .collect();
    let mut reaches = Vec::new();
    for (layer, content) in graph.layers.iter().enumerate() {
        for (index, patch) in content.patches.iter().enumerate() {
            let mut reach = Reach {
                layer,
                patch: index,
                objects: Vec::new(),
                deletes: false,
            };
            for (at, instance) in instances.iter().enumerate() {
                let object = object_of.get(&at).copied();
                if !aims_at(
                    patch,
                    instance,
                    layer,
                    object.and_then(|object| objects.get(object).copied()),
                ) {
                    continue;
                }
                match object {
                    Some(object) => reach.objects.push(object),
                    None => reach.deletes = true,
                }
            }
            reach.objects.sort_unstable();
            reaches.push(reach);
        }
    }
    reaches
}

/// Whether a patch of a layer aims at an instance that passes through it.
pub(super) fn aims_at(patch: &Patch, instance: &Instance, layer: usize, built: Option<&Value>) -> bool {
    let Some(pass) = instance.passes.iter().find(|pass| pass.layer == layer) else {
        return false;
    };
    if let Some(target) = &patch.target {
        return Selector::new(target).fits(instance, pass, built);
    }
    match patch.kind {
        PatchKind::Json => false,
        PatchKind::Merge => {
            let mut identities = patch.documents.iter().filter_map(Identity::of_node);
            identities.any(|identity| is_same(&identity, instance, layer))
        }
    }
}
