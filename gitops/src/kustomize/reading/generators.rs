//! Generators of ConfigMaps and Secrets.

use super::entries::text;
use super::{Reading, place, start};
use crate::files::Place;
use crate::kustomize::graph::{Generated, Generator, Role};
use crate::yaml::{Node, Tree};
use serde_json::Value;
use std::path::Path;

impl Reading<'_> {
    pub(super) fn generators(&mut self, folder: &Path, file: &Path, root: &Node) -> Vec<Generator> {
        let options = root.get("generatorOptions");
        let mut generators = Vec::new();
        for (key, is_secret) in [("configMapGenerator", false), ("secretGenerator", true)] {
            for item in root.get(key).map_or(&[][..], Node::items) {
                let keys = self.keys(folder, file, item);
                let has_no_hash = [options, item.get("options")].into_iter().flatten().any(|options| {
                    let flag = options.get("disableNameSuffixHash");
                    flag.is_some_and(|flag| flag.tree == Tree::Scalar(Value::Bool(true)))
                });
                generators.push(Generator {
                    place: place(file, item),
                    is_secret,
                    name: item.get("name").and_then(text).unwrap_or_default(),
                    namespace: item.get("namespace").and_then(text),
                    behavior: item
                        .get("behavior")
                        .and_then(text)
                        .unwrap_or_else(|| "create".to_owned()),
                    has_no_hash,
                    keys,
                });
            }
        }
        generators
    }

    fn keys(&mut self, folder: &Path, file: &Path, item: &Node) -> Vec<Generated> {
        let list = |key: &str| item.get(key).map_or(&[][..], Node::items);
        let mut keys = Vec::new();
        for literal in list("literals") {
            let text = text(literal).unwrap_or_default();
            let key = text.split('=').next().unwrap_or_default().to_owned();
            let place = place(file, literal);
            keys.push(Generated { key, place });
        }
        for entry in list("files") {
            let place = place(file, entry);
            let text = text(entry).unwrap_or_default();
            let (key, path) = match text.split_once('=') {
                Some((key, path)) => (key.to_owned(), path),
                None => (text.rsplit('/').next().unwrap_or_default().to_owned(), text.as_str()),
            };
            if let Some(found) = self.found(folder, path, &place)
                && self.load(&found, Role::Data, &place).is_some()
            {
                let place = start(&found.path);
                keys.push(Generated { key, place });
            }
        }
        let env = item.get("env").into_iter().chain(list("envs"));
        for entry in env.collect::<Vec<_>>() {
            let place = place(file, entry);
            let path = text(entry).unwrap_or_default();
            if let Some(found) = self.found(folder, &path, &place)
                && self.load(&found, Role::Data, &place).is_some()
            {
                let bytes = self.graph.texts.get(&found.path).map(|text| text.bytes.clone());
                keys.extend(variables(&bytes.unwrap_or_default(), &found.path));
            }
        }
        keys
    }
}

/// The lines `KEY=value` of an `envs` file.
fn variables(bytes: &[u8], file: &Path) -> Vec<Generated> {
    let text = String::from_utf8_lossy(bytes);
    let variable = |(index, line): (usize, &str)| {
        let line = line.trim_start();
        let key = line
            .split('=')
            .next()
            .filter(|key| !key.is_empty() && !key.starts_with('#'))?;
        Some(Generated {
            key: key.trim().to_owned(),
            place: Place {
                file: file.to_owned(),
                line: index + 1,
                column: 1,
            },
        })
    };
    text.lines().enumerate().filter_map(variable).collect()
}
