//! The rooms of a crate do not import each other in a ring: each can be read, and later moved, without the others.
//!
//! A room is a folder or a file directly below `src`. Two rooms that import each other, directly or by way of others, are
//! one room with two names. A name that `lib.rs` exports counts as an import of the room that defines it. Doc comments may
//! link anywhere.

use crate::workspace::{File, files};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};

/// Which rooms each room imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn rooms_import_in_no_ring() {
    // One import of each crate that must be found.
    for (source, room, imported) in [
        ("core/src/", "rollout", "observed"),
        ("controller/src/", "reconcile", "shell"),
        ("cli/src/", "commands", "cluster"),
        ("gitops/src/", "kustomize", "yaml"),
        ("explain/src/", "causes", "case"),
        ("plugin/src/", "host", "session"),
    ] {
        let imports = imports(source, &files(source.trim_end_matches('/')));
        assert!(
            imports[room].contains(imported),
            "the imports of {source} were not found"
        );
        crate::none(&ring(&imports).into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_ring_is_found() {
    let file = |path: &str, text: &str| File {
        path: path.into(),
        text: text.into(),
    };
    let ring_of = |a: &str, b: &str, c: &str| {
        let files = [
            file("core/src/a/mod.rs", a),
            file("core/src/a/more.rs", ""),
            file("core/src/b.rs", b),
            file("core/src/c/mod.rs", c),
            file(
                "core/src/lib.rs",
                "mod a; pub use a::{A, deep::Deep as Renamed}; pub use crate::c::C;",
            ),
        ];
        ring(&imports("core/src/", &files))
    };
    assert_eq!(ring_of("use crate::b::B;", "use crate::c::C;", ""), None);
    assert_eq!(ring_of("use crate::a::B;", "use crate::c::C;", ""), None);
    let found = ring_of("use crate::b::B;", "fn f() { crate::c::f() }", "use crate::{a::A, d};");
    assert_eq!(found.as_deref(), Some("a → b → c → a"));
    let direct = ring_of("use crate::{b, c};", "", "pub(crate) use crate::a;");
    assert_eq!(direct.as_deref(), Some("a → c → a"));
    let exported = ring_of("use crate::b;", "use crate::Renamed;", "");
    assert_eq!(exported.as_deref(), Some("a → b → a"));
    let by_root = ring_of("use crate::b;", "", "");
    assert_eq!(by_root, None);
    assert_eq!(ring_of("/// [`crate::b`]\nstruct A;", "use crate::a::A;", ""), None);
}

/// The room that a file stands in; none for the roots of the crate's targets.
fn room<'p>(source: &str, path: &'p str) -> Option<&'p str> {
    let below = path.strip_prefix(source)?;
    let first = below.split('/').next()?.trim_end_matches(".rs");
    (!["lib", "main", "bin"].contains(&first) && path.ends_with(".rs")).then_some(first)
}

/// The imports between the rooms of the files below a source folder.
fn imports(source: &str, files: &[File]) -> Imports {
    let exported = exported(source, files);
    let mut imports = Imports::new();
    for file in files {
        let Some(room) = room(source, &file.path) else { continue };
        let mut paths = Paths::default();
        paths.visit_file(&file.parse());
        let mut found: BTreeSet<String> = paths
            .found
            .into_iter()
            .map(|name| exported.get(&name).cloned().unwrap_or(name))
            .collect();
        found.remove(room);
        imports.entry(room.to_owned()).or_default().extend(found);
    }
    let rooms: BTreeSet<String> = imports.keys().cloned().collect();
    for imported in imports.values_mut() {
        imported.retain(|name| rooms.contains(name));
    }
    imports
}

/// The names that `lib.rs` exports, with the room of each.
fn exported(source: &str, files: &[File]) -> BTreeMap<String, String> {
    let mut exported = BTreeMap::new();
    let root = files.iter().find(|file| file.path == format!("{source}lib.rs"));
    for item in root.map(|file| file.parse().items).unwrap_or_default() {
        let syn::Item::Use(item) = item else { continue };
        let mut tree = &item.tree;
        while let syn::UseTree::Path(path) = tree {
            if path.ident != "crate" && path.ident != "self" {
                let room = path.ident.to_string();
                leaves(&path.tree, &mut |name| {
                    exported.insert(name, room.clone());
                });
                break;
            }
            tree = &path.tree;
        }
    }
    exported
}

/// The names that a tree of a `use` brings in.
fn leaves(tree: &syn::UseTree, each: &mut impl FnMut(String)) {
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, each),
        syn::UseTree::Name(name) => each(name.ident.to_string()),
        syn::UseTree::Rename(rename) => each(rename.rename.to_string()),
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| leaves(item, each)),
        syn::UseTree::Glob(_) => {}
    }
}

/// The first name after `crate::` in each path.
#[derive(Default)]
struct Paths {
    found: BTreeSet<String>,
}

impl Paths {
    /// Names directly below `crate` in a tree of a `use`.
    fn below(&mut self, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                self.found.insert(path.ident.to_string());
            }
            syn::UseTree::Name(name) => {
                self.found.insert(name.ident.to_string());
            }
            syn::UseTree::Rename(rename) => {
                self.found.insert(rename.ident.to_string());
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.below(item)),
            syn::UseTree::Glob(_) => {}
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if let syn::UseTree::Path(path) = &item.tree
            && path.ident == "crate"
        {
            self.below(&path.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut names = path.segments.iter().map(|segment| segment.ident.to_string());
        if names.next().as_deref() == Some("crate") {
            self.found.extend(names.next());
        }
        visit::visit_path(self, path);
    }
}

/// A ring of rooms, if there is one: the names on the way round.
fn ring(imports: &Imports) -> Option<String> {
    let mut left: Imports = imports.clone();
    // A room that imports nothing that is left is part of no ring.
    while let Some(done) = left.iter().find(|(_, to)| to.is_empty()).map(|(room, _)| room.clone()) {
        left.remove(&done);
        for to in left.values_mut() {
            to.remove(&done);
        }
    }
    let mut way: Vec<&String> = vec![left.keys().next()?];
    loop {
        let next = left[*way.last()?].iter().next_back()?;
        if let Some(begin) = way.iter().position(|room| *room == next) {
            way.push(next);
            return Some(
                way[begin..]
                    .iter()
                    .map(|room| room.as_str())
                    .collect::<Vec<_>>()
                    .join(" → "),
            );
        }
        way.push(next);
    }
}
