//! What a build starts from: each object of a file or generator, with the layers that it passes through.

use super::Identity;
use crate::files::Place;
use crate::kustomize::build::Origin;
use crate::kustomize::graph::{Graph, Layer, SettingKind};
use crate::yaml::Node;

/// An object before anything changed it, once for each way to the overlay.
#[derive(Debug, Clone)]
pub(in crate::kustomize) struct Instance {
    pub(in crate::kustomize) origin: Origin,
    pub(in crate::kustomize) original: Identity,
    /// The document; `None` of a generated object.
    pub(in crate::kustomize) node: Option<Node>,
    /// The layers that change it, in the order in which they do, with its name and namespace before each.
    pub(in crate::kustomize) passes: Vec<Pass>,
    /// Its name and namespace after the last, without a hash.
    pub(in crate::kustomize) name: String,
    pub(in crate::kustomize) namespace: Option<String>,
    /// Whether the name may get a hash.
    pub(in crate::kustomize) is_generated: bool,
}

/// An object on its way through a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kustomize) struct Pass {
    pub(in crate::kustomize) layer: usize,
    pub(in crate::kustomize) name: String,
    pub(in crate::kustomize) namespace: Option<String>,
}

/// The most instances that are followed: a graph of diamonds has many ways to the same file.
const MOST: usize = 200_000;

/// All instances of the build of a layer.
pub(in crate::kustomize) fn instances(graph: &Graph, layer: usize) -> Vec<Instance> {
    let mut all = Vec::new();
    gather(graph, layer, &mut all, 0);
    all
}

/// What a layer makes of what is below it, appended to `all`; a Component changes what is in `all` already.
fn gather(graph: &Graph, at: usize, all: &mut Vec<Instance>, depth: usize) {
    let Some(layer) = graph.layers.get(at) else { return };
    // kustomize refuses circles.
    if depth > graph.layers.len() || all.len() > MOST {
        return;
    }
    let first = if layer.is_component { 0 } else { all.len() };
    for (below, _) in &layer.below {
        if graph.layers.get(*below).is_some_and(|below| !below.is_component) {
            gather(graph, *below, all, depth + 1);
        }
    }
    for (path, _) in &layer.resources {
        let stream = graph.texts.get(path).and_then(|text| text.stream.as_ref());
        for document in stream.iter().flat_map(|stream| &stream.documents) {
            for node in objects(&document.root) {
                let place = Place {
                    file: path.clone(),
                    line: node.mark.line,
                    column: node.mark.column,
                };
                let origin = Origin::File {
                    place,
                    document: document.index,
                };
                all.extend(of_file(origin, node));
            }
        }
    }
    for (below, _) in &layer.below {
        if graph.layers.get(*below).is_some_and(|below| below.is_component) {
            // A Component sees what the layer that takes it in has gathered so far, no more.
            let mut mine = all.split_off(first);
            gather(graph, *below, &mut mine, depth + 1);
            all.append(&mut mine);
        }
    }
    generated(layer, at, all);
    for instance in all.iter_mut().skip(first) {
        pass(layer, at, instance);
    }
}

/// The objects of a document: those of a `List` one by one.
fn objects(root: &Node) -> Vec<&Node> {
    let is_list = root
        .get("kind")
        .and_then(Node::as_str)
        .is_some_and(|kind| kind.ends_with("List"));
    match root.get("items") {
        Some(items) if is_list => items.items().iter().collect(),
        _ => vec![root],
    }
}

fn of_file(origin: Origin, node: &Node) -> Option<Instance> {
    let original = Identity::of_node(node)?;
    Some(Instance {
        origin,
        name: original.name.clone(),
        namespace: original.namespace.clone(),
        original,
        node: Some(node.clone()),
        passes: Vec::new(),
        is_generated: false,
    })
}

fn generated(layer: &Layer, at: usize, all: &mut Vec<Instance>) {
    for (index, generator) in layer.generators.iter().enumerate() {
        if generator.behavior != "create" {
            continue;
        }
        let kind = if generator.is_secret { "Secret" } else { "ConfigMap" };
        all.push(Instance {
            origin: Origin::Generator {
                layer: at,
                generator: index,
            },
            original: Identity {
                group: String::new(),
                version: "v1".to_owned(),
                kind: kind.to_owned(),
                namespace: generator.namespace.clone(),
                name: generator.name.clone(),
            },
            name: generator.name.clone(),
            namespace: generator.namespace.clone(),
            node: None,
            passes: Vec::new(),
            is_generated: true,
        });
    }
}

/// Kinds whose names prefix and suffix leave alone (kustomize, PrefixTransformer).
const UNPREFIXED: [&str; 3] = ["CustomResourceDefinition", "APIService", "Namespace"];

fn pass(layer: &Layer, at: usize, instance: &mut Instance) {
    instance.passes.push(Pass {
        layer: at,
        name: instance.name.clone(),
        namespace: instance.namespace.clone(),
    });
    let is_named = !UNPREFIXED.contains(&instance.original.kind.as_str());
    for setting in &layer.settings {
        match &setting.kind {
            SettingKind::NamePrefix(prefix) if is_named => instance.name.insert_str(0, prefix),
            SettingKind::NameSuffix(suffix) if is_named => instance.name.push_str(suffix),
            SettingKind::Namespace(namespace) => instance.namespace = Some(namespace.clone()),
            SettingKind::NamePrefix(_)
            | SettingKind::NameSuffix(_)
            | SettingKind::Label { .. }
            | SettingKind::Annotation(_)
            | SettingKind::Replacement { .. } => {}
        }
    }
}
