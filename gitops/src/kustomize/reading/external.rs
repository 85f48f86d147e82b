//! What a kustomization takes in besides objects: configurations and schemas, charts, functions, replacements in files.

use super::entries::{replacement, text};
use super::{Reading, address, place};
use crate::files::{Kind, Place};
use crate::kustomize::graph::{Replaced, Role};
use crate::kustomize::problem::{Problem, ProblemKind};
use crate::yaml::Node;
use std::path::{Path, PathBuf};

/// Annotations that make kustomize run a function.
const FUNCTIONS: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];

impl Reading<'_> {
    /// Helm charts are refused: kustomize would run `helm`.
    pub(super) fn charts(&mut self, file: &Path, root: &Node) {
        for key in ["helmCharts", "helmGlobals", "helmChartInflationGenerator"] {
            let is_empty = |node: &Node| node.items().is_empty() && node.entries().is_empty();
            if let Some(entry) = root.entry(key).filter(|entry| !is_empty(&entry.value)) {
                let place = super::entries::of_key(file, entry);
                self.problem(chart(&place, key));
            }
        }
    }

    /// `configurations`, `crds` and `openapi`.
    pub(super) fn configurations(&mut self, folder: &Path, file: &Path, root: &Node) -> Vec<(PathBuf, Place)> {
        let mut found = Vec::new();
        for item in root.get("configurations").map_or(&[][..], Node::items) {
            found.extend(self.configuration(folder, file, item, Role::Configuration));
        }
        if let Some(path) = root.get("openapi").and_then(|openapi| openapi.get("path")) {
            found.extend(self.configuration(folder, file, path, Role::OpenApi));
        }
        for item in root.get("crds").map_or(&[][..], Node::items) {
            self.configuration(folder, file, item, Role::Crd);
        }
        found
    }

    fn configuration(&mut self, folder: &Path, file: &Path, node: &Node, role: Role) -> Option<(PathBuf, Place)> {
        let place = place(file, node);
        let path = text(node)?;
        if !path.contains("://") {
            let found = self.found(folder, &path, &place)?;
            self.load(&found, role, &place)?;
            return Some((found.path, place));
        }
        let shown = address::shown(&path);
        let Some((name, text)) = address::copy_of(&path) else {
            self.problem(Problem::at(
                ProblemKind::Address,
                &place,
                format!("kustomize would fetch {shown}; Serin builds without a network"),
                "write Serin's own beside the overlay with `serin kustomize init` and refer to them, or copy the file into the repository",
            ));
            return None;
        };
        let note = format!("{shown} is not fetched: Serin builds with its own copy of it");
        self.note(&place, note);
        self.graph.replaced.push(Replaced {
            file: file.to_owned(),
            bytes: node.bytes.clone(),
            name: name.to_owned(),
            text,
        });
        Some((folder.join(name), place))
    }

    /// `replacements` that stand in files.
    pub(super) fn replacements(&mut self, folder: &Path, file: &Path, root: &Node) {
        for item in root.get("replacements").map_or(&[][..], Node::items) {
            let Some(path) = item.get("path") else { continue };
            let place = place(file, path);
            let Some(found) = text(path).and_then(|path| self.found(folder, &path, &place)) else {
                continue;
            };
            let Some(stream) = self.load(&found, Role::Replacement, &place) else {
                continue;
            };
            let Some(layer) = self.graph.layers.iter().position(|layer| layer.file == file) else {
                continue;
            };
            for document in &stream.documents {
                let items = match document.root.items() {
                    [] => std::slice::from_ref(&document.root),
                    items => items,
                };
                let settings = items.iter().map(|item| replacement(item, &found.path));
                self.graph.layers[layer].settings.extend(settings);
            }
        }
    }

    /// `generators`, `transformers` and `validators`: built-in ones are read, what would be executed is refused.
    pub(super) fn plugins(&mut self, folder: &Path, file: &Path, root: &Node) {
        let roles = [
            ("generators", Role::Generator),
            ("transformers", Role::Transformer),
            ("validators", Role::Validator),
        ];
        for (key, role) in roles {
            for item in root.get(key).map_or(&[][..], Node::items) {
                let place = place(file, item);
                let Some(text) = item.as_str() else { continue };
                if text.contains('\n') {
                    for document in self.inline(file, item).unwrap_or_default() {
                        self.plugin(folder, file, &document);
                    }
                    continue;
                }
                let Some(found) = self.found(folder, text, &place) else {
                    continue;
                };
                match found.kind {
                    Kind::Folder => self.plugin_folder(&found.path, &place),
                    Kind::File(_) | Kind::Link(_) => {
                        let stream = self.load(&found, role, &place);
                        for document in stream.iter().flat_map(|stream| &stream.documents) {
                            self.plugin(folder, &found.path, &document.root);
                        }
                    }
                }
            }
        }
    }

    /// A kustomization whose objects are generators or transformers.
    fn plugin_folder(&mut self, folder: &Path, place: &Place) {
        let first = self.graph.layers.len();
        let Some(layer) = self.layer(folder, Some(place)) else {
            return;
        };
        let mut files = Vec::new();
        for layer in self.graph.layers.iter().skip(first.min(layer)) {
            files.extend(
                layer
                    .resources
                    .iter()
                    .map(|(path, _)| (layer.folder.clone(), path.clone())),
            );
        }
        self.graph.plugins.push(layer);
        for (folder, path) in files {
            let stream = self.graph.texts.get(&path).and_then(|text| text.stream.clone());
            for document in stream.iter().flat_map(|stream| &stream.documents) {
                self.plugin(&folder, &path, &document.root);
            }
        }
    }

    fn plugin(&mut self, folder: &Path, file: &Path, root: &Node) {
        let kind = root.get("kind").and_then(Node::as_str).unwrap_or_default();
        let version = root.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
        let place = place(file, root.get("kind").unwrap_or(root));
        if kind == "HelmChartInflationGenerator" {
            self.problem(chart(&place, kind));
            return;
        }
        let annotations = root.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let is_function = annotations.is_some_and(|them| FUNCTIONS.iter().any(|name| them.get(name).is_some()));
        if version != "builtin" || is_function {
            self.problem(Problem::at(
                ProblemKind::Executable,
                &place,
                format!("{kind} is a plugin or a function that kustomize would execute; Serin executes nothing of a repository"),
                "use what kustomize has built in, or commit what the function makes",
            ));
            return;
        }
        self.plugin_files(folder, file, root);
    }

    /// The files that a built-in generator or transformer reads.
    fn plugin_files(&mut self, folder: &Path, file: &Path, root: &Node) {
        let list = |key: &str| root.get(key).map_or(&[][..], Node::items);
        let paths = root.get("path").into_iter().chain(list("paths"));
        let mut wanted: Vec<(Node, Role)> = paths.map(|node| (node.clone(), Role::Patch)).collect();
        wanted.extend(
            list("files")
                .iter()
                .chain(list("envs"))
                .map(|node| (node.clone(), Role::Data)),
        );
        for (node, role) in wanted {
            let place = place(file, &node);
            let Some(path) = text(&node).filter(|path| !path.contains('\n')) else {
                continue;
            };
            let path = if role == Role::Data {
                path.split_once('=').map_or(path.as_str(), |(_, path)| path)
            } else {
                &path
            };
            if let Some(found) = self.found(folder, path, &place) {
                self.load(&found, role, &place);
            }
        }
    }
}

fn chart(place: &Place, what: &str) -> Problem {
    Problem::at(
        ProblemKind::Helm,
        place,
        format!("`{what}` makes kustomize run helm; Serin executes nothing but kustomize"),
        "commit what `helm template` makes of the chart, and refer to that",
    )
}
