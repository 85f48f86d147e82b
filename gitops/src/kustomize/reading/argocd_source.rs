//! `.argocd-source.yaml` and `.argocd-source-NAME.yaml` beside an overlay (D10): what Argo CD changes in the kustomization before
//! it builds. Argo CD carries the changes out with `kustomize edit`; here they are made in the copy.

use super::entries::{of_key, settings, text};
use super::{Reading, place, start};
use crate::kustomize::graph::{Image, Replicas, Role, SettingKind};
use crate::yaml::{Entry, Node, Tree};
use serde_json::{Map, Value, json};
use std::path::Path;

impl Reading<'_> {
    /// Reads the files and applies those that Argo CD applies to the Application `app`. Without a name the only file of an
    /// Application is applied, since most overlays have one Application.
    pub(super) fn argocd_sources(&mut self, folder: &Path, app: Option<&str>) {
        let Ok(names) = self.files.list(folder) else { return };
        let mut sources = Vec::new();
        for name in names {
            let Some(rest) = name
                .strip_prefix(".argocd-source")
                .and_then(|rest| rest.strip_suffix(".yaml"))
            else {
                continue;
            };
            let place = start(&folder.join(&name));
            let Some(found) = self.found(folder, &name, &place) else {
                continue;
            };
            let Some(stream) = self.load(&found, Role::ArgocdSource, &place) else {
                continue;
            };
            let of = rest.strip_prefix('-').map(str::to_owned);
            self.graph.apps.extend(of.clone());
            sources.push((of, found.path, stream));
        }
        let chosen = app.map(str::to_owned).or_else(|| match self.graph.apps.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        });
        if chosen.is_none() && !self.graph.apps.is_empty() {
            let apps = self.graph.apps.join(", ");
            let place = start(&self.graph.layers[0].file.clone());
            self.note(
                &place,
                format!("the changes of .argocd-source-NAME.yaml are left out: the overlay has several ({apps})"),
            );
        }
        // Argo CD applies the Application's own last.
        sources.sort_by_key(|(of, ..)| of.is_some());
        for (of, file, stream) in sources {
            if of.is_some() && of != chosen {
                continue;
            }
            let Some(kustomize) = stream
                .documents
                .first()
                .and_then(|document| document.root.get("kustomize").cloned())
            else {
                continue;
            };
            self.note(
                &start(&file),
                format!("the build has the changes of {}, as Argo CD's has", file.display()),
            );
            self.apply(folder, &file, &kustomize);
        }
    }

    fn apply(&mut self, folder: &Path, file: &Path, changes: &Node) {
        let before = match &self.graph.rewritten {
            Some(fields) => fields.clone(),
            None => self.with_copies(),
        };
        let mut fields = before;
        for entry in changes.entries() {
            let key = entry.key.text.as_str();
            match key {
                "images" => self.set_images(file, entry, &mut fields),
                "replicas" => self.set_replicas(file, entry, &mut fields),
                "patches" => {
                    append(&mut fields, key, &entry.value);
                    for item in entry.value.items() {
                        let patch = self.patch(folder, file, item);
                        self.graph.layers[0].patches.extend(patch);
                    }
                }
                "components" => {
                    append(&mut fields, key, &entry.value);
                    for item in entry.value.items() {
                        self.resource(0, file, key, item);
                    }
                }
                "namePrefix" | "nameSuffix" | "namespace" => {
                    fields.insert(key.to_owned(), entry.value.to_json());
                }
                "commonLabels" => set_labels(changes, &entry.value, &mut fields),
                "commonAnnotations" => merge(&mut fields, key, &entry.value.to_json()),
                _ => {}
            }
        }
        self.set_settings(file, changes);
        self.graph.rewritten = Some(fields);
    }

    /// The overlay's kustomization as JSON, with the names of Serin's copies for addresses.
    fn with_copies(&self) -> Map<String, Value> {
        let layer = &self.graph.layers[0];
        let root = &layer.document.root;
        let copy = |node: &Node| {
            let found = self
                .graph
                .replaced
                .iter()
                .find(|copy| copy.file == layer.file && copy.bytes == node.bytes);
            found.map_or_else(|| node.to_json(), |copy| copy.name.clone().into())
        };
        let mut fields = root.to_json().as_object().cloned().unwrap_or_default();
        if let Some(list) = root.get("configurations") {
            fields.insert("configurations".to_owned(), list.items().iter().map(copy).collect());
        }
        if let Some(path) = root.get("openapi").and_then(|openapi| openapi.get("path")) {
            fields.insert("openapi".to_owned(), json!({"path": copy(path)}));
        }
        fields
    }

    fn set_images(&mut self, file: &Path, entry: &Entry, fields: &mut Map<String, Value>) {
        for item in entry.value.items() {
            let Some(image) = text(item).and_then(|text| parse(&text)) else {
                continue;
            };
            let place = place(file, item);
            let layer = &mut self.graph.layers[0];
            let old = layer.images.iter().position(|old| old.name == image.name);
            let old = old.map(|at| layer.images.remove(at));
            let has_version = image.new_tag.is_some() || image.digest.is_some();
            let at = |value: String| (value, place.clone());
            let kept = |field: fn(&Image) -> &Option<(String, crate::files::Place)>| {
                old.as_ref().filter(|_| !has_version).and_then(|old| field(old).clone())
            };
            let merged = Image {
                new_name: image
                    .new_name
                    .map(at)
                    .or_else(|| old.as_ref().and_then(|old| old.new_name.clone())),
                new_tag: image.new_tag.map(at).or_else(|| kept(|old| &old.new_tag)),
                digest: image.digest.map(at).or_else(|| kept(|old| &old.digest)),
                name: image.name,
                place: place.clone(),
            };
            let mut written = json!({"name": merged.name});
            for (key, field) in [
                ("newName", &merged.new_name),
                ("newTag", &merged.new_tag),
                ("digest", &merged.digest),
            ] {
                if let Some((value, _)) = field {
                    written[key] = value.clone().into();
                }
            }
            set_named(fields, "images", written);
            layer.images.push(merged);
        }
    }

    fn set_replicas(&mut self, file: &Path, entry: &Entry, fields: &mut Map<String, Value>) {
        for item in entry.value.items() {
            let (Some(name), Some(count)) = (item.get("name").and_then(text), item.entry("count")) else {
                continue;
            };
            let number = text(&count.value).and_then(|text| text.parse::<i64>().ok());
            set_named(fields, "replicas", json!({"name": name, "count": number}));
            let replicas = &mut self.graph.layers[0].replicas;
            replicas.retain(|old| old.name != name);
            replicas.push(Replicas {
                place: place(file, item),
                name,
                count: of_key(file, count),
            });
        }
    }

    /// The settings of the file come in the place of the overlay's.
    fn set_settings(&mut self, file: &Path, changes: &Node) {
        let same = |one: &SettingKind, other: &SettingKind| match (one, other) {
            (SettingKind::NamePrefix(_), SettingKind::NamePrefix(_))
            | (SettingKind::NameSuffix(_), SettingKind::NameSuffix(_))
            | (SettingKind::Namespace(_), SettingKind::Namespace(_)) => true,
            (SettingKind::Label { key: one, .. }, SettingKind::Label { key: other, .. })
            | (SettingKind::Annotation(one), SettingKind::Annotation(other)) => one == other,
            _ => false,
        };
        let without_selector = is_true(changes, "labelWithoutSelector");
        for mut setting in settings(changes, file) {
            if let SettingKind::Label {
                selectors, templates, ..
            } = &mut setting.kind
                && without_selector
            {
                (*selectors, *templates) = (false, is_true(changes, "labelIncludeTemplates"));
            }
            let settings = &mut self.graph.layers[0].settings;
            settings.retain(|old| !same(&old.kind, &setting.kind));
            settings.push(setting);
        }
    }
}

fn is_true(node: &Node, key: &str) -> bool {
    node.get(key)
        .is_some_and(|value| value.tree == Tree::Scalar(Value::Bool(true)))
}

fn set_labels(changes: &Node, labels: &Node, fields: &mut Map<String, Value>) {
    if !is_true(changes, "labelWithoutSelector") {
        merge(fields, "commonLabels", &labels.to_json());
        return;
    }
    let templates = is_true(changes, "labelIncludeTemplates");
    let entry = json!({"pairs": labels.to_json(), "includeSelectors": false, "includeTemplates": templates});
    in_list(fields, "labels", |items| items.push(entry));
}

fn merge(fields: &mut Map<String, Value>, key: &str, values: &Value) {
    let old = fields.entry(key).or_insert_with(|| json!({}));
    if let (Some(old), Some(values)) = (old.as_object_mut(), values.as_object()) {
        old.extend(values.clone());
    }
}

fn append(fields: &mut Map<String, Value>, key: &str, items: &Node) {
    in_list(fields, key, |list| list.extend(items.items().iter().map(Node::to_json)));
}

/// Changes the list of a field; what is no list is replaced by one.
fn in_list(fields: &mut Map<String, Value>, key: &str, change: impl FnOnce(&mut Vec<Value>)) {
    let mut items = match fields.remove(key) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    change(&mut items);
    fields.insert(key.to_owned(), items.into());
}

/// Puts an entry in the place of the one of its name.
fn set_named(fields: &mut Map<String, Value>, key: &str, entry: Value) {
    in_list(fields, key, |items| {
        items.retain(|old| old["name"] != entry["name"]);
        items.push(entry);
    });
}

/// An image as `kustomize edit set image` takes it: `name=newName:tag`, `name:tag`, `name@digest`; `*` stands for what is there.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    name: String,
    new_name: Option<String>,
    new_tag: Option<String>,
    digest: Option<String>,
}

fn parse(text: &str) -> Option<Written> {
    let (name, rest) = match text.split_once('=') {
        Some((name, rest)) => (Some(name), rest),
        None => (None, text),
    };
    let (rest, digest) = match rest.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (rest, None),
    };
    let (image, tag) = match rest.rsplit_once(':') {
        Some((image, tag)) if !tag.contains('/') => (image, Some(tag)),
        _ => (rest, None),
    };
    let given = |text: Option<&str>| text.filter(|text| !text.is_empty() && *text != "*").map(str::to_owned);
    Some(Written {
        name: name.unwrap_or(image).to_owned(),
        new_name: given(name.map(|_| image)),
        new_tag: given(tag),
        digest: given(digest),
    })
    .filter(|image| !image.name.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn images_as_kustomize_edit_takes_them() {
        let some = |text: &str| Some(text.to_owned());
        for (text, name, new_name, new_tag, digest) in [
            ("nginx:2", "nginx", None, some("2"), None),
            ("nginx=r.io:5000/n:2", "nginx", some("r.io:5000/n"), some("2"), None),
            ("r.io:5000/n", "r.io:5000/n", None, None, None),
            ("nginx@sha256:ab", "nginx", None, None, some("sha256:ab")),
            ("nginx=*:3", "nginx", None, some("3"), None),
        ] {
            let wanted = Written {
                name: name.to_owned(),
                new_name,
                new_tag,
                digest,
            };
            assert_eq!(parse(text), Some(wanted), "{text}");
        }
        assert_eq!(parse(""), None);
    }
}
