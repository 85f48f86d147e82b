//! Invariant 1: core never reads a clock, an environment, a file, a random source, a socket.
//!
//! `core/clippy.toml` bans the calls one by one and says so where they are written; this test bans the modules they
//! live in, and the crates that could do it for us.

use crate::crates::Manifest;
use crate::workspace::{File, files};
use std::collections::BTreeSet;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// What core may depend on: types, their wire forms, time as data, patterns, functions of numbers, and the language of conditions, which is as pure.
const CRATES: [&str; 16] = [
    "ciborium",
    "csv",
    "form_urlencoded",
    "jiff",
    "k8s-openapi",
    "kube-core",
    "libm",
    "regex",
    "schemars",
    "serde",
    "serde-saphyr",
    "serde_json",
    "serde_path_to_error",
    "serin-expr",
    "thiserror",
    "url",
];

/// Modules of `std` through which the outside comes in.
const MODULES: [&str; 7] = ["env", "fs", "io", "net", "os", "process", "thread"];

#[test]
fn core_depends_on_data_only() {
    let allowed = BTreeSet::from(CRATES);
    let manifest = Manifest::of("core");
    let others = manifest
        .dependencies
        .iter()
        .filter(|name| !allowed.contains(name.as_str()));
    crate::none(
        &others
            .map(|name| format!("core/Cargo.toml: {name}"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn core_touches_nothing_outside() {
    let findings: Vec<String> = files("core/src").iter().flat_map(uses).collect();
    crate::none(&findings);
}

#[test]
fn what_is_outside_is_found() {
    let found = |text: &str| {
        uses(&File {
            path: "a.rs".into(),
            text: text.into(),
        })
        .len()
    };
    assert_eq!(found("use std::fs;"), 1);
    assert_eq!(found("use std::{collections::BTreeMap, env::var};"), 1);
    assert_eq!(found("fn f() { std::thread::sleep(x) }"), 1);
    assert_eq!(found("fn f() { let now = Timestamp::now(); }"), 1);
    assert_eq!(found("fn f() { let now = std::time::Instant::now(); }"), 1);
    assert_eq!(found("use std::fmt; fn f(now: Timestamp) { g(now) }"), 0);
}

/// Where a file names what core may not touch.
fn uses(file: &File) -> Vec<String> {
    let mut outside = Outside::default();
    outside.visit_file(&file.parse());
    let line = |(line, name)| format!("{}:{line}: {name}", file.path);
    outside.found.into_iter().map(line).collect()
}

#[derive(Default)]
struct Outside {
    found: Vec<(usize, String)>,
}

impl<'ast> Visit<'ast> for Outside {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.check(path.span().start().line, &names);
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &[], &mut paths);
        for path in paths {
            self.check(item.span().start().line, &path);
        }
    }
}

impl Outside {
    fn check(&mut self, line: usize, names: &[String]) {
        let outside = match names {
            [std, module, ..] if std == "std" && MODULES.contains(&module.as_str()) => true,
            [.., now] => now == "now" && names.len() > 1,
            [] => false,
        };
        if outside {
            self.found.push((line, names.join("::")));
        }
    }
}

fn flatten(tree: &syn::UseTree, before: &[String], paths: &mut Vec<Vec<String>>) {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        syn::UseTree::Path(path) => flatten(&path.tree, &with(&path.ident), paths),
        syn::UseTree::Name(name) => paths.push(with(&name.ident)),
        syn::UseTree::Rename(rename) => paths.push(with(&rename.ident)),
        syn::UseTree::Glob(_) => paths.push(before.to_vec()),
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, before, paths)),
    }
}
