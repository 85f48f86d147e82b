//! Who wrote a field.

use super::instances::{Instance, Pass};
use super::json_patch;
use super::list::{self, locate, locate_in_patch};
use super::reach::Hits;
use super::{Writer, WriterKind};
use crate::files::Place;
use crate::kustomize::build::Origin;
use crate::kustomize::graph::{Graph, Image, Layer, Patch, PatchKind, Setting, SettingKind};
use crate::yaml::{FieldPath, Mark, Node, Step, Tree};
use serde_json::Value;
use std::path::Path;

/// A writer, with what it has of the field.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) writer: Writer,
    /// How many steps of the path it has.
    depth: usize,
    /// What it wrote, where that is a scalar.
    value: Option<Value>,
    /// Whether what stood there before is gone.
    is_whole: bool,
    removes: bool,
    /// The items, of a list.
    length: Option<usize>,
}

/// An object of the output, and what it came from.
#[derive(Clone, Copy)]
pub(in crate::kustomize) struct Tracing<'a> {
    pub(in crate::kustomize) graph: &'a Graph,
    pub(in crate::kustomize) hits: &'a Hits,
    /// The instance, and its number.
    pub(in crate::kustomize) instance: (usize, &'a Instance),
    pub(in crate::kustomize) object: &'a Value,
}

/// All that wrote a field, the last writer first.
pub(in crate::kustomize) fn writers(tracing: Tracing<'_>, path: &FieldPath) -> Vec<Writer> {
    let found = all(tracing, path);
    let full = path.steps().len();
    found
        .into_iter()
        .filter(|found| found.depth == full)
        .map(|found| found.writer)
        .collect()
}

/// The line to edit.
pub(in crate::kustomize) fn place(tracing: Tracing<'_>, path: &FieldPath) -> Option<Place> {
    let object = tracing.object;
    let found = all(tracing, path);
    let full = path.steps().len();
    let has_all: Vec<&Found> = found.iter().filter(|found| found.depth == full).collect();
    let chosen = match path.of(object) {
        Some(value) => present(&has_all, value).or_else(|| closest(&found)),
        None => absent(&found, &has_all),
    };
    chosen.map(|found| found.writer.place.clone())
}

/// Of a field that is there: of a scalar the last who wrote its value, of a list the last who wrote it whole, of a mapping
/// the one who began it.
fn present<'f>(has_all: &[&'f Found], value: &Value) -> Option<&'f Found> {
    let writes: Vec<&&Found> = has_all.iter().filter(|found| !found.removes).collect();
    let chosen = match value {
        Value::Object(_) => writes.iter().find(|found| found.is_whole).or(writes.last()),
        Value::Array(items) => {
            let whole = writes
                .iter()
                .find(|found| found.is_whole || found.length == Some(items.len()));
            whole.or(writes.first())
        }
        scalar => writes
            .iter()
            .find(|found| found.value.as_ref() == Some(scalar))
            .or(writes.first()),
    };
    chosen.map(|found| **found)
}

/// Of a field that is not there: who took it away; else who replaced what it stood in, if someone had written it; else
/// where it would be written.
fn absent<'f>(found: &'f [Found], has_all: &[&'f Found]) -> Option<&'f Found> {
    if let Some(removes) = has_all.iter().find(|found| found.removes) {
        return Some(removes);
    }
    if let Some(lost) = has_all.last() {
        let later = found.iter().take_while(|found| found.writer.place != lost.writer.place);
        let best = later.filter(|found| found.depth > 0).max_by_key(|found| found.depth);
        return best.or(Some(lost));
    }
    closest(found)
}

/// The writer that has most of the path; of several the first in time.
fn closest(found: &[Found]) -> Option<&Found> {
    found
        .iter()
        .filter(|found| !found.removes)
        .max_by_key(|found| found.depth)
}

/// Everything that has a part of the path, the last in time first.
fn all(tracing: Tracing<'_>, path: &FieldPath) -> Vec<Found> {
    let Tracing {
        graph, hits, object, ..
    } = tracing;
    let (number, instance) = tracing.instance;
    let mut found = Vec::new();
    for pass in instance.passes.iter().rev() {
        let Some(layer) = graph.layers.get(pass.layer) else {
            continue;
        };
        let looking = Looking {
            layer,
            pass,
            instance,
            object,
            path,
        };
        looking.transformers(&mut found);
        for (index, patch) in layer.patches.iter().enumerate().rev() {
            if hits.has(pass.layer, index, number) {
                looking.patch(index, patch, &mut found);
            }
        }
        looking.generators(&mut found);
    }
    found.extend(origin(graph, instance, object, path));
    found
}

fn origin(graph: &Graph, instance: &Instance, object: &Value, path: &FieldPath) -> Option<Found> {
    match &instance.origin {
        Origin::File { place, .. } => {
            let located = locate(instance.node.as_ref()?, object, path.steps());
            Some(Found {
                writer: Writer {
                    kind: WriterKind::Resource,
                    layer: None,
                    place: at(&place.file, located.mark),
                },
                depth: located.depth,
                value: scalar(located.node),
                is_whole: true,
                removes: false,
                length: list::length(located.node),
            })
        }
        Origin::Generator { layer, generator } => {
            let generator = graph.layers.get(*layer)?.generators.get(*generator)?;
            Some(Found {
                writer: Writer {
                    kind: WriterKind::Generator,
                    layer: Some(*layer),
                    place: generator.place.clone(),
                },
                // It makes the object, its metadata and its data.
                depth: path.steps().len().min(2),
                value: None,
                is_whole: true,
                removes: false,
                length: None,
            })
        }
        Origin::Unknown => None,
    }
}

struct Looking<'a> {
    layer: &'a Layer,
    pass: &'a Pass,
    instance: &'a Instance,
    object: &'a Value,
    path: &'a FieldPath,
}

impl Looking<'_> {
    fn push(&self, found: &mut Vec<Found>, kind: WriterKind, place: &Place) {
        found.push(Found {
            writer: Writer {
                kind,
                layer: Some(self.pass.layer),
                place: place.clone(),
            },
            depth: self.path.steps().len(),
            value: self
                .path
                .of(self.object)
                .filter(|value| !value.is_object() && !value.is_array())
                .cloned(),
            is_whole: true,
            removes: false,
            length: None,
        });
    }

    /// `replacements`, `images`, `replicas`, annotations, labels, suffix, prefix, namespace: the last of a layer.
    fn transformers(&self, found: &mut Vec<Found>) {
        let keys: Vec<&str> = self
            .path
            .steps()
            .iter()
            .map(|step| match step {
                Step::Key(key) => key.as_str(),
                Step::Index(_) => "",
            })
            .collect();
        if self.path.of(self.object).is_none() {
            return;
        }
        if keys.last() == Some(&"image")
            && let Some(image) = self.path.of(self.object).and_then(Value::as_str)
        {
            for entry in self.layer.images.iter().rev() {
                if let Some(place) = place_of_image(entry, image) {
                    self.push(found, WriterKind::Image, place);
                }
            }
        }
        if keys == ["spec", "replicas"] {
            for entry in self.layer.replicas.iter().rev() {
                if entry.name == self.instance.original.name || entry.name == self.pass.name {
                    self.push(found, WriterKind::Replicas, &entry.count);
                }
            }
        }
        for setting in self.layer.settings.iter().rev() {
            if self.is_set(setting, &keys) {
                self.push(found, WriterKind::Setting, &setting.place);
            }
        }
    }

    fn is_set(&self, setting: &Setting, keys: &[&str]) -> bool {
        match &setting.kind {
            SettingKind::NamePrefix(_) | SettingKind::NameSuffix(_) => keys == ["metadata", "name"],
            SettingKind::Namespace(_) => keys == ["metadata", "namespace"],
            SettingKind::Label {
                key,
                selectors,
                templates,
            } => {
                let Some((last, above)) = keys.split_last() else {
                    return false;
                };
                let is_metadata = above == ["metadata", "labels"];
                let is_template = above.ends_with(&["template", "metadata", "labels"]);
                let is_selector = above == ["spec", "selector"] || above.ends_with(&["matchLabels"]);
                last == key && (is_metadata || (is_template && *templates) || (is_selector && *selectors))
            }
            SettingKind::Annotation(key) => {
                keys.last() == Some(&key.as_str()) && keys.ends_with(&["metadata", "annotations", key.as_str()])
            }
            SettingKind::Replacement { targets } => targets.iter().any(|(select, paths)| {
                let fits = super::target::Selector::new(select).fits(self.instance, self.pass, Some(self.object));
                fits && paths.iter().any(|path| is_field_path(path, self.path, self.object))
            }),
        }
    }

    fn patch(&self, index: usize, patch: &Patch, found: &mut Vec<Found>) {
        let kind = WriterKind::Patch(index);
        match patch.kind {
            PatchKind::Json => {
                for operation in patch.documents.iter().flat_map(Node::items).rev() {
                    if let Some(wrote) = json_patch::wrote(operation, self.object, self.path) {
                        found.push(Found {
                            writer: self.writer(kind, &patch.file, wrote.mark),
                            depth: wrote.depth,
                            value: wrote.node.and_then(scalar),
                            is_whole: wrote.is_whole,
                            removes: wrote.removes,
                            length: wrote.node.and_then(list::length),
                        });
                    }
                }
            }
            PatchKind::Merge => {
                for document in patch.documents.iter().rev() {
                    found.extend(self.merge(kind, &patch.file, document));
                }
            }
        }
    }

    fn merge(&self, kind: WriterKind, file: &Path, document: &Node) -> Option<Found> {
        // What names the object is not written by the patch.
        if matches!(self.path.steps(), [Step::Key(key)] if key == "apiVersion" || key == "kind") {
            return None;
        }
        let located = locate_in_patch(document, self.object, self.path.steps());
        let full = self.path.steps().len();
        let is_null = located.node.tree == Tree::Scalar(Value::Null) && located.depth > 0;
        let directive = located.node.get("$patch");
        let deletes = directive.and_then(Node::as_str) == Some("delete");
        let is_gone = self.path.of(self.object).is_none();
        Some(Found {
            writer: self.writer(kind, file, located.mark),
            depth: if (is_null || deletes) && is_gone {
                full
            } else {
                located.depth
            },
            value: scalar(located.node),
            is_whole: directive.is_some(),
            removes: (is_null || deletes) && is_gone,
            length: list::length(located.node),
        })
    }

    /// Generators that merge into or replace what a lower layer generated.
    fn generators(&self, found: &mut Vec<Found>) {
        let [Step::Key(section), Step::Key(key)] = self.path.steps() else {
            return;
        };
        if section != "data" && section != "binaryData" && section != "stringData" {
            return;
        }
        for generator in self.layer.generators.iter().rev() {
            let is_kind = generator.is_secret == (self.instance.original.kind == "Secret");
            let is_name = generator.name == self.instance.original.name || generator.name == self.pass.name;
            if !is_kind || !is_name || !self.instance.is_generated {
                continue;
            }
            for generated in generator.keys.iter().rev().filter(|generated| generated.key == *key) {
                self.push(found, WriterKind::Generator, &generated.place);
            }
        }
    }

    fn writer(&self, kind: WriterKind, file: &Path, mark: Mark) -> Writer {
        Writer {
            kind,
            layer: Some(self.pass.layer),
            place: at(file, mark),
        }
    }
}

fn scalar(node: &Node) -> Option<Value> {
    match &node.tree {
        Tree::Scalar(value) => Some(value.clone()),
        Tree::List(_) | Tree::Map(_) => None,
    }
}

fn at(file: &Path, mark: Mark) -> Place {
    Place {
        file: file.to_owned(),
        line: mark.line,
        column: mark.column,
    }
}

/// The line of an `images` entry that made an image what it is; `None` if another did.
fn place_of_image<'i>(entry: &'i Image, image: &str) -> Option<&'i Place> {
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    let new_name = entry
        .new_name
        .as_ref()
        .map_or(entry.name.as_str(), |(name, _)| name.as_str());
    if name != new_name {
        return None;
    }
    let is = |field: &Option<(String, Place)>, value: Option<&str>| {
        field.as_ref().is_none_or(|(wanted, _)| value == Some(wanted.as_str()))
    };
    if !is(&entry.digest, digest) || (entry.digest.is_none() && !is(&entry.new_tag, tag)) {
        return None;
    }
    let field = entry
        .digest
        .as_ref()
        .or(entry.new_tag.as_ref())
        .or(entry.new_name.as_ref());
    Some(field.map_or(&entry.place, |(_, place)| place))
}

/// Whether a field path of a replacement (`spec.containers.[name=x].image`, `*`, `[0]`) leads to a field.
fn is_field_path(text: &str, path: &FieldPath, object: &Value) -> bool {
    let parts = replacement_parts(text);
    if parts.len() != path.steps().len() {
        return false;
    }
    let mut value = Some(object);
    for (part, step) in parts.iter().zip(path.steps()) {
        let next = value.and_then(|value| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        });
        let fits = match step {
            Step::Key(key) => part == key || part == "*",
            Step::Index(index) => {
                let selected = part
                    .strip_prefix('[')
                    .and_then(|rest| rest.strip_suffix(']'))
                    .and_then(|rest| rest.split_once('='));
                let named = selected.is_some_and(|(key, wanted)| {
                    next.and_then(|item| item.get(key))
                        .is_some_and(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned) == wanted)
                });
                part == "*" || *part == index.to_string() || named
            }
        };
        if !fits {
            return false;
        }
        value = next;
    }
    true
}

/// The parts of a replacement's path; a dot after a backslash, or in brackets, is part of a key.
fn replacement_parts(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0_usize);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek() == Some(&'.') => part.extend(letters.next()),
            '.' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {
                match letter {
                    '[' => depth += 1,
                    ']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                part.push(letter);
            }
        }
    }
    parts.push(part);
    parts
}
