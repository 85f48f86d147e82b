//! Rooms of core do not import each other in a ring: each can be read, and later moved, without the others.
//!
//! A room is what stands directly below `core/src`: a folder, or a file. Two rooms that import each other, directly or
//! by way of others, are one room with two names. Doc comments may link anywhere.

use crate::workspace::{File, files};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};

/// Which rooms each room imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn rooms_of_core_import_in_no_ring() {
    let imports = imports(&files("core/src"));
    assert!(
        imports["rollout"].contains("observed"),
        "the imports of core were not found"
    );
    crate::none(&ring(&imports).into_iter().collect::<Vec<_>>());
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
            file("core/src/lib.rs", "pub use crate::a::A;"),
        ];
        ring(&imports(&files))
    };
    assert_eq!(ring_of("use crate::b::B;", "use crate::c::C;", ""), None);
    assert_eq!(ring_of("use crate::a::B;", "use crate::c::C;", ""), None);
    let found = ring_of("use crate::b::B;", "fn f() { crate::c::f() }", "use crate::{a::A, d};");
    assert_eq!(found.as_deref(), Some("a → b → c → a"));
    let direct = ring_of("use crate::{b, c};", "", "pub(crate) use crate::a;");
    assert_eq!(direct.as_deref(), Some("a → c → a"));
    assert_eq!(ring_of("/// [`crate::b`]\nstruct A;", "use crate::a::A;", ""), None);
}

/// The room that a file stands in; none for the root.
fn room(path: &str) -> Option<&str> {
    let below = path.strip_prefix("core/src/")?;
    let first = below.split('/').next()?.trim_end_matches(".rs");
    (first != "lib" && path.ends_with(".rs")).then_some(first)
}

/// The imports between the rooms of these files.
fn imports(files: &[File]) -> Imports {
    let mut imports = Imports::new();
    for file in files {
        let Some(room) = room(&file.path) else { continue };
        let mut paths = Paths::default();
        paths.visit_file(&file.parse());
        paths.found.remove(room);
        imports.entry(room.to_owned()).or_default().extend(paths.found);
    }
    let rooms: BTreeSet<String> = imports.keys().cloned().collect();
    for imported in imports.values_mut() {
        imported.retain(|name| rooms.contains(name));
    }
    imports
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
