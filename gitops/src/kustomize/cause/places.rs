//! From kustomize's words to the line that is at fault.

use crate::files::Place;
use crate::kustomize::graph::{Graph, Layer, Patch, PatchKind, Role};
use crate::kustomize::trace::Identity;
use crate::yaml::{FieldPath, Mark, Node, Tree};
use regex::Regex;
use std::path::{Path, PathBuf};

/// The likely cause of a failure.
#[derive(Debug)]
pub(super) struct Cause {
    pub(super) place: Option<Place>,
    /// Where no line can be told.
    pub(super) file: Option<PathBuf>,
    pub(super) why: String,
    pub(super) action: String,
}

impl Cause {
    fn at(place: Place, why: &str, action: &str) -> Self {
        Self {
            place: Some(place),
            file: None,
            why: why.to_owned(),
            action: action.to_owned(),
        }
    }
}

/// A kind of failure: what kustomize says, and where that leads.
type Sign = (&'static str, fn(&[&str], &Graph) -> Option<Cause>);

/// The texts are those of kustomize 4.5 to 5.8.
const SIGNS: [Sign; 11] = [
    (r"doc is missing (?:path|key):? ?(/[^:\s]*)", missing_path),
    (
        r"(?:Unable to remove nonexistent key|unable to remove nonexistent key|invalid index)",
        index_out_of_range,
    ),
    (
        r#"(?:no matches for Id|no resource matches strategic merge patch) "?([^\s;"]+)"#,
        no_such_object,
    ),
    (
        r"unable to parse SM or JSON patch|Unexpected kind: |invalid operation|missing operation",
        broken_patch,
    ),
    (r"for path '([^']+)': kustomization.yaml is empty", empty),
    (r"resource with name (\S+) does not match a config", replicas),
    (r"already registered id: (\S+)", registered_twice),
    (r#"mapping key "([^"]*)" already defined"#, duplicate_key),
    (r#"unknown field "([^"]+)""#, unknown_field),
    (r"file '([^']+)' is not in or below", outside_of_root),
    (r"id (\S+?)\s?does not exist; cannot merge or replace", nothing_to_merge),
];

pub(super) fn cause(words: &str, graph: &Graph) -> Option<Cause> {
    SIGNS.iter().find_map(|(pattern, find)| {
        let regex = Regex::new(pattern).ok()?;
        let found = regex.captures(words)?;
        let parts: Vec<&str> = found.iter().skip(1).flatten().map(|part| part.as_str()).collect();
        find(&parts, graph)
    })
}

/// A file of the build that kustomize names.
pub(super) fn named_file(words: &str, graph: &Graph) -> Option<PathBuf> {
    let is_named = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        words.contains(&format!("{}'", path.display()))
            || words.contains(&format!("'{name}'"))
            || words.contains(&format!("/{name}"))
    };
    let mut files = graph.texts.keys().filter(is_named);
    let only = files.next()?;
    files.next().is_none().then(|| only.clone())
}

fn at(file: &Path, mark: Mark) -> Place {
    Place {
        file: file.to_owned(),
        line: mark.line,
        column: mark.column,
    }
}

fn patches(graph: &Graph) -> impl Iterator<Item = &Patch> {
    graph.layers.iter().flat_map(|layer| &layer.patches)
}

fn operations(graph: &Graph) -> impl Iterator<Item = (&Patch, &Node)> {
    let json = patches(graph).filter(|patch| patch.kind == PatchKind::Json);
    json.flat_map(|patch| {
        patch
            .documents
            .iter()
            .flat_map(Node::items)
            .map(move |operation| (patch, operation))
    })
}

fn missing_path(parts: &[&str], graph: &Graph) -> Option<Cause> {
    let wanted = parts.first()?;
    let fits = |path: &str| path == *wanted || path.starts_with(&format!("{wanted}/"));
    let (patch, path) = operations(graph).find_map(|(patch, operation)| {
        let path = operation.entry("path")?;
        path.value.as_str().is_some_and(fits).then_some((patch, path))
    })?;
    let why = "the object that the patch aims at has no such field or item when the patch is applied";
    let action = "correct the path, or add what it leads to first";
    Some(Cause::at(at(&patch.file, path.key.mark), why, action))
}

/// kustomize does not say which operation it was: the only one of its kind is named.
fn index_out_of_range(_: &[&str], graph: &Graph) -> Option<Cause> {
    let mut found = operations(graph).filter_map(|(patch, operation)| {
        let path = operation.entry("path")?;
        let has_index = path
            .value
            .as_str()?
            .split('/')
            .any(|part| part.parse::<usize>().is_ok());
        let removes = operation.get("op").and_then(Node::as_str) == Some("remove");
        (has_index || removes).then_some((patch, path))
    });
    let (patch, path) = found.next()?;
    let why = "the list has fewer items than the patch expects, or the field is not there";
    let action = "correct the path";
    match found.next() {
        None => Some(Cause::at(at(&patch.file, path.key.mark), why, action)),
        Some(_) => Some(Cause {
            place: None,
            file: Some(patch.file.clone()),
            why: why.to_owned(),
            action: "correct the path of the patch's operation".to_owned(),
        }),
    }
}

/// Kind and name of an identifier as kustomize writes it: `Rollout.v1alpha1.argoproj.io/web.[noNs]`.
fn kind_and_name(id: &str) -> Option<(&str, &str)> {
    let (kind, name) = id.split_once('/')?;
    let kind = kind.trim_start_matches("~G_~V_").split('.').next()?;
    let name = name
        .strip_suffix(".[noNs]")
        .or_else(|| name.rsplit_once('.').map(|(name, _)| name))
        .unwrap_or(name);
    Some((kind, name))
}

fn no_such_object(parts: &[&str], graph: &Graph) -> Option<Cause> {
    let (kind, name) = kind_and_name(parts.first()?)?;
    let path = FieldPath::parse("metadata.name");
    let found = patches(graph).filter(|patch| patch.target.is_none()).find_map(|patch| {
        let is_meant = |node: &&Node| Identity::of_node(node).is_some_and(|it| it.kind == kind && it.name == name);
        let document = patch.documents.iter().find(is_meant)?;
        Some(at(&patch.file, document.mark_of(&path)?))
    });
    let same_kind: Vec<String> = documents(graph)
        .filter_map(|(_, node)| Identity::of_node(node))
        .filter(|it| it.kind == kind)
        .map(|it| it.name)
        .collect();
    let why = if same_kind.is_empty() {
        format!("what the patch is applied to has no {kind}")
    } else {
        format!("the {kind} objects of the build are called {}", same_kind.join(", "))
    };
    Some(Cause::at(found?, &why, "correct kind, name and namespace of the patch"))
}

fn documents(graph: &Graph) -> impl Iterator<Item = (&PathBuf, &Node)> {
    let resources = graph.texts.iter().filter(|(_, text)| text.role == Role::Resource);
    resources.flat_map(|(file, text)| {
        let documents = text.stream.iter().flat_map(|stream| &stream.documents);
        documents.map(move |document| (file, &document.root))
    })
}

fn broken_patch(_: &[&str], graph: &Graph) -> Option<Cause> {
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    patches(graph).find_map(|patch| match patch.kind {
        PatchKind::Json if patch.text.trim_start().starts_with('[') && !is_json(&patch.text) => {
            let why = "a patch that begins with `[` is read as JSON, and this is none";
            Some(Cause::at(
                patch.place.clone(),
                why,
                "write the operations as JSON, or each in lines of its own with `- op:`",
            ))
        }
        PatchKind::Json => {
            let operation = patch.documents.iter().flat_map(Node::items).find(|operation| {
                operation.get("op").and_then(Node::as_str).is_none()
                    || operation.get("path").and_then(Node::as_str).is_none()
            })?;
            let why = "an operation is expected to have `op` and `path`";
            Some(Cause::at(at(&patch.file, operation.mark), why, "add what is missing"))
        }
        PatchKind::Merge => {
            let document = patch.documents.iter().find(|document| {
                let is_mapping = matches!(document.tree, Tree::Map(_));
                !is_mapping || (patch.target.is_none() && Identity::of_node(document).is_none())
            });
            let place = match document {
                Some(document) => at(&patch.file, document.mark),
                None if patch.documents.is_empty() => patch.place.clone(),
                None => return None,
            };
            let why = "a strategic merge patch is expected to have `apiVersion`, `kind` and `metadata.name`";
            Some(Cause::at(place, why, "add what is missing, or name a `target`"))
        }
    })
}

fn empty(parts: &[&str], graph: &Graph) -> Option<Cause> {
    let folder = Path::new(parts.first()?);
    let layer = graph.layers.iter().find(|layer| layer.folder.ends_with(folder))?;
    let why = "a kustomization needs more than `apiVersion` and `kind`";
    let action = "remove the reference to the folder, or add what it is for";
    Some(Cause::at(at(&layer.file, layer.document.root.mark), why, action))
}

fn replicas(parts: &[&str], graph: &Graph) -> Option<Cause> {
    let name = parts.first()?;
    let entry = graph
        .layers
        .iter()
        .flat_map(|layer| &layer.replicas)
        .find(|entry| entry.name == *name)?;
    let is_rollout = |it: &Identity| it.kind == "Rollout" && it.name == *name;
    let is_ours = documents(graph)
        .filter_map(|(_, node)| Identity::of_node(node))
        .any(|it| is_rollout(&it));
    let (why, action) = if is_ours {
        (
            "kustomize does not know where a Rollout has its replicas",
            "let Serin write a configuration that says it: `serin kustomize init`",
        )
    } else {
        (
            "no Deployment, ReplicaSet, StatefulSet or ReplicationController of that name is in the build",
            "correct the name",
        )
    };
    Some(Cause::at(entry.place.clone(), why, action))
}

fn registered_twice(parts: &[&str], graph: &Graph) -> Option<Cause> {
    let (kind, name) = kind_and_name(parts.first()?)?;
    let fits = |it: &Identity| it.kind == kind && (it.name == name || name.ends_with(&it.name));
    let mut found = documents(graph).filter(|(_, node)| Identity::of_node(node).is_some_and(|it| fits(&it)));
    let (first, again) = (found.next()?, found.next());
    let (file, node) = again.unwrap_or(first);
    let mark = node.mark_of(&FieldPath::parse("metadata.name")).unwrap_or(node.mark);
    let why = match again {
        Some(_) => format!("the object is also in {}", first.0.display()),
        None => "the build takes the file in twice".to_owned(),
    };
    Some(Cause::at(at(file, mark), &why, "keep one of them, or patch it instead"))
}

fn duplicate_key(parts: &[&str], graph: &Graph) -> Option<Cause> {
    let key = parts.first()?;
    let place = graph.texts.iter().find_map(|(file, text)| {
        let duplicates = &text.stream.as_ref()?.duplicates;
        let last_is = |path: &FieldPath| path.to_string().ends_with(*key);
        let found = duplicates.iter().find(|duplicate| last_is(&duplicate.path))?;
        Some(at(file, found.again))
    })?;
    Some(Cause::at(place, "the key stands twice", "keep one of them"))
}

fn unknown_field(parts: &[&str], graph: &Graph) -> Option<Cause> {
    let field = parts.first()?;
    let place = graph
        .layers
        .iter()
        .find_map(|layer| key_in(&layer.document.root, field).map(|mark| at(&layer.file, mark)))?;
    Some(Cause::at(
        place,
        "a kustomization has no such field",
        "correct its name, or remove it",
    ))
}

/// The first kustomization that has a field at its top.
pub(super) fn of_field(field: &str, graph: &Graph) -> Option<Place> {
    let found = |layer: &Layer| {
        let entry = layer.document.root.entry(field)?;
        Some(at(&layer.file, entry.key.mark))
    };
    graph.layers.iter().find_map(found)
}

fn key_in(node: &Node, key: &str) -> Option<Mark> {
    let here = node.entry(key).map(|entry| entry.key.mark);
    let below = || {
        let values = node.entries().iter().map(|entry| &entry.value);
        values.chain(node.items()).find_map(|value| key_in(value, key))
    };
    here.or_else(below)
}

fn outside_of_root(parts: &[&str], graph: &Graph) -> Option<Cause> {
    let file = Path::new(parts.first()?);
    let name = file.file_name()?.to_str()?;
    let leads_there = |layer: &Layer| {
        let mark = scalar_in(&layer.document.root, &|text| {
            text.starts_with("..") && text.ends_with(name)
        })?;
        Some(at(&layer.file, mark))
    };
    let place = graph.layers.iter().find_map(leads_there)?;
    let why = "kustomize takes files from the folder of the kustomization and below it, and folders from anywhere";
    let action = "move the file there, or put it into a Component (`kind: Component`) and refer to its folder";
    Some(Cause::at(place, why, action))
}

fn scalar_in(node: &Node, fits: &dyn Fn(&str) -> bool) -> Option<Mark> {
    if node.as_str().is_some_and(fits) {
        return Some(node.mark);
    }
    let values = node.entries().iter().map(|entry| &entry.value);
    values.chain(node.items()).find_map(|value| scalar_in(value, fits))
}

fn nothing_to_merge(parts: &[&str], graph: &Graph) -> Option<Cause> {
    let id = parts.first()?;
    let generators = graph.layers.iter().flat_map(|layer| &layer.generators);
    let mut merging = generators.filter(|generator| generator.behavior != "create");
    let generator = merging.find(|generator| id.contains(&generator.name))?;
    let why = "nothing below this layer generates an object of that name";
    Some(Cause::at(
        generator.place.clone(),
        why,
        "correct the name, or remove `behavior`",
    ))
}
