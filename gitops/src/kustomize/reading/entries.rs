//! Entries of a kustomization that refer to no files.

use super::patches::target;
use super::place;
use crate::files::Place;
use crate::kustomize::graph::{Image, Replicas, Setting, SettingKind};
use crate::yaml::{Entry, Node, Tree};
use serde_json::Value;
use std::path::Path;

/// The text of a scalar that is a string or a number.
pub(super) fn text(node: &Node) -> Option<String> {
    match &node.tree {
        Tree::Scalar(Value::String(text)) => Some(text.clone()),
        Tree::Scalar(Value::Null) | Tree::List(_) | Tree::Map(_) => None,
        Tree::Scalar(value) => Some(value.to_string()),
    }
}

pub(super) fn images(root: &Node, file: &Path) -> Vec<Image> {
    let items = root.get("images").map_or(&[][..], Node::items);
    let image = |item: &Node| {
        let field = |key: &str| {
            let entry = item.entry(key)?;
            let value = text(&entry.value).filter(|value| !value.is_empty())?;
            Some((value, of_key(file, entry)))
        };
        Some(Image {
            place: place(file, item),
            name: field("name")?.0,
            new_name: field("newName"),
            new_tag: field("newTag"),
            digest: field("digest"),
        })
    };
    items.iter().filter_map(image).collect()
}

pub(super) fn replicas(root: &Node, file: &Path) -> Vec<Replicas> {
    let items = root.get("replicas").map_or(&[][..], Node::items);
    let replicas = |item: &Node| {
        let place = place(file, item);
        Some(Replicas {
            count: item
                .entry("count")
                .map_or_else(|| place.clone(), |entry| of_key(file, entry)),
            name: text(item.get("name")?)?,
            place,
        })
    };
    items.iter().filter_map(replicas).collect()
}

/// In the order in which kustomize applies them.
pub(super) fn settings(root: &Node, file: &Path) -> Vec<Setting> {
    let mut settings = Vec::new();
    for key in ["namespace", "namePrefix", "nameSuffix"] {
        let Some(entry) = root.entry(key) else { continue };
        let Some(value) = text(&entry.value).filter(|value| !value.is_empty()) else {
            continue;
        };
        settings.push(Setting {
            kind: match key {
                "namespace" => SettingKind::Namespace(value),
                "namePrefix" => SettingKind::NamePrefix(value),
                _ => SettingKind::NameSuffix(value),
            },
            place: of_key(file, entry),
        });
    }
    labels(root, file, &mut settings);
    for entry in root.get("commonAnnotations").map_or(&[][..], Node::entries) {
        settings.push(Setting {
            kind: SettingKind::Annotation(entry.key.text.clone()),
            place: of_key(file, entry),
        });
    }
    for item in root.get("replacements").map_or(&[][..], Node::items) {
        settings.push(replacement(item, file));
    }
    settings
}

fn labels(root: &Node, file: &Path, settings: &mut Vec<Setting>) {
    let mut add = |pairs: &Node, selectors: bool, templates: bool| {
        for entry in pairs.entries() {
            settings.push(Setting {
                kind: SettingKind::Label {
                    key: entry.key.text.clone(),
                    selectors,
                    templates,
                },
                place: of_key(file, entry),
            });
        }
    };
    if let Some(pairs) = root.get("commonLabels") {
        add(pairs, true, true);
    }
    for item in root.get("labels").map_or(&[][..], Node::items) {
        let is_set = |key: &str| {
            item.get(key)
                .is_some_and(|node| node.tree == Tree::Scalar(Value::Bool(true)))
        };
        // `fieldSpecs` can name any field: it may be the pod template's.
        let has_fields = item.get("fieldSpecs").is_some_and(|specs| !specs.items().is_empty());
        let selectors = is_set("includeSelectors");
        if let Some(pairs) = item.get("pairs") {
            add(pairs, selectors, selectors || has_fields || is_set("includeTemplates"));
        }
    }
}

/// A replacement; one in a file of its own has the file's targets added when that is read.
pub(super) fn replacement(item: &Node, file: &Path) -> Setting {
    let targets = item.get("targets").map_or(&[][..], Node::items).iter().map(|node| {
        let select = node.get("select").map(target).unwrap_or_default();
        let paths = node.get("fieldPaths").map_or(&[][..], Node::items);
        (select, paths.iter().filter_map(text).collect())
    });
    Setting {
        kind: SettingKind::Replacement {
            targets: targets.collect(),
        },
        place: place(file, item),
    }
}

/// The place of a key.
pub(super) fn of_key(file: &Path, entry: &Entry) -> Place {
    Place {
        file: file.to_owned(),
        line: entry.key.mark.line,
        column: entry.key.mark.column,
    }
}
