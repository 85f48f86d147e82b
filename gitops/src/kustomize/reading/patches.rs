//! The patches of a kustomization.

use super::{Reading, address, broken, place};
use crate::files::{Kind, Place};
use crate::kustomize::graph::{Patch, PatchKind, Role, Target};
use crate::kustomize::problem::{Problem, ProblemKind};
use crate::yaml::{self, Mark, Node, ReadError, Tree};
use std::path::{Path, PathBuf};

impl Reading<'_> {
    /// In the order in which kustomize applies them: `patchesStrategicMerge`, `patches`, `patchesJson6902`.
    pub(super) fn patches(&mut self, folder: &Path, file: &Path, root: &Node) -> Vec<Patch> {
        let mut patches = Vec::new();
        for item in items(root, "patchesStrategicMerge") {
            patches.extend(self.merge_patch(folder, file, item));
        }
        for key in ["patches", "patchesJson6902"] {
            for item in items(root, key) {
                // `patches` was once a list of paths.
                let patch = match item.as_str() {
                    Some(_) => self.merge_patch(folder, file, item),
                    None => self.patch(folder, file, item),
                };
                patches.extend(patch);
            }
        }
        patches
    }

    /// An entry of `patchesStrategicMerge`: a path, or the patch itself.
    fn merge_patch(&mut self, folder: &Path, file: &Path, item: &Node) -> Option<Patch> {
        let place = place(file, item);
        let text = item.as_str()?;
        let is_inline = text.contains('\n') || text.trim_start().starts_with('{') || text.contains(": ");
        let (source, documents) = if is_inline {
            (file.to_owned(), self.inline(file, item)?)
        } else {
            self.patch_file(folder, text, &place)?
        };
        let text = self.text_of(&source, is_inline.then_some(item));
        Some(Patch {
            place,
            file: source,
            is_inline,
            kind: kind_of(&documents),
            target: None,
            text,
            documents,
        })
    }

    /// An entry of `patches` or `patchesJson6902`.
    pub(super) fn patch(&mut self, folder: &Path, file: &Path, item: &Node) -> Option<Patch> {
        let place = place(file, item);
        let (source, is_inline, documents) = match (item.get("path"), item.get("patch")) {
            (Some(path), _) if path.as_str().is_some_and(|path| !path.is_empty()) => {
                let text = path.as_str().unwrap_or_default();
                let (source, documents) = self.patch_file(folder, text, &super::place(file, path))?;
                (source, false, documents)
            }
            (_, Some(patch)) => (file.to_owned(), true, self.inline(file, patch)?),
            (_, None) => {
                let message = "a patch is expected to have a `path` or a `patch`";
                self.problem(Problem::at(ProblemKind::Syntax, &place, message, "add one of them"));
                return None;
            }
        };
        Some(Patch {
            place,
            is_inline,
            kind: kind_of(&documents),
            target: item.get("target").map(target),
            text: self.text_of(&source, item.get("patch").filter(|_| is_inline)),
            file: source,
            documents,
        })
    }

    /// The text of a patch: that of a scalar, or of a file.
    fn text_of(&self, file: &Path, inline: Option<&Node>) -> String {
        match inline {
            Some(node) => node.as_str().unwrap_or_default().to_owned(),
            None => self
                .graph
                .texts
                .get(file)
                .map(|text| String::from_utf8_lossy(&text.bytes).into_owned())
                .unwrap_or_default(),
        }
    }

    fn patch_file(&mut self, folder: &Path, text: &str, place: &Place) -> Option<(PathBuf, Vec<Node>)> {
        if text.contains("://") {
            self.problem(address::remote(text, place));
            return None;
        }
        let found = self.found(folder, text, place)?;
        let stream = self.load(&found, Role::Patch, place)?;
        if !matches!(found.kind, Kind::File(_)) {
            return None;
        }
        let documents = stream.documents.iter().map(|document| document.root.clone()).collect();
        Some((found.path, documents))
    }

    /// YAML within a scalar of a YAML file, with the lines of that file.
    pub(super) fn inline(&mut self, file: &Path, node: &Node) -> Option<Vec<Node>> {
        let text = match &node.tree {
            Tree::Scalar(value) => value.as_str().unwrap_or_default(),
            // kustomize wants a string here, and says so itself.
            Tree::List(_) | Tree::Map(_) => return Some(vec![node.clone()]),
        };
        let place = Embedded::of(node, text);
        match yaml::read(text.as_bytes()) {
            Ok(stream) => {
                for duplicate in &stream.duplicates {
                    self.graph
                        .inline_duplicates
                        .push((file.to_owned(), place.duplicate(duplicate)));
                }
                let moved = |document: &yaml::Document| document.root.moved(&|mark| place.mark(mark), &node.bytes);
                Some(stream.documents.iter().map(moved).collect())
            }
            Err(error) => {
                let mark = place.mark(Mark {
                    line: error.line,
                    column: error.column,
                });
                let error = ReadError {
                    line: mark.line,
                    column: mark.column,
                    ..error
                };
                self.problem(broken(file, &error));
                None
            }
        }
    }
}

/// Where the text of a scalar stands in its file.
struct Embedded {
    start: Mark,
    /// Of a literal block: the empty lines before the first with text.
    empty_lines: Option<usize>,
}

impl Embedded {
    fn of(node: &Node, text: &str) -> Self {
        let empty = text.bytes().take_while(|byte| *byte == b'\n').count();
        Self {
            start: node.mark,
            empty_lines: node.is_literal.then_some(empty),
        }
    }

    /// Lines of a folded or quoted text cannot be told: they are those of its beginning.
    fn mark(&self, inner: Mark) -> Mark {
        match self.empty_lines {
            Some(empty) => Mark {
                line: (self.start.line + inner.line).saturating_sub(empty + 1),
                column: self.start.column + inner.column - 1,
            },
            None => self.start,
        }
    }

    fn duplicate(&self, inner: &yaml::Duplicate) -> yaml::Duplicate {
        yaml::Duplicate {
            first: self.mark(inner.first),
            again: self.mark(inner.again),
            ..inner.clone()
        }
    }
}

fn kind_of(documents: &[Node]) -> PatchKind {
    match documents.first().map(|root| &root.tree) {
        Some(Tree::List(_)) => PatchKind::Json,
        Some(Tree::Map(_) | Tree::Scalar(_)) | None => PatchKind::Merge,
    }
}

/// A selector of objects.
pub(super) fn target(node: &Node) -> Target {
    let text = |key: &str| {
        node.get(key)
            .and_then(Node::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    Target {
        group: text("group"),
        version: text("version"),
        kind: text("kind"),
        name: text("name"),
        namespace: text("namespace"),
        label_selector: text("labelSelector"),
        annotation_selector: text("annotationSelector"),
    }
}

fn items<'n>(root: &'n Node, key: &str) -> &'n [Node] {
    root.get(key).map_or(&[], Node::items)
}
