//! No `_ =>` over our own enums in core: a new variant must make the compiler list the work.
//!
//! A wildcard arm is a finding where another arm of the same match names, at the same place of the pattern, a variant
//! of an enum that core defines. Wildcards over numbers, texts and foreign types are fine.

use crate::workspace::{File, files};
use std::collections::BTreeSet;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

#[test]
fn no_wildcard_over_our_enums() {
    let core = files("core/src");
    let ours = enums(&core);
    assert!(
        ours.contains("Strategy") && ours.contains("Action"),
        "core's enums were not found"
    );
    crate::none(&core.iter().flat_map(|file| wildcards(file, &ours)).collect::<Vec<_>>());
}

#[test]
fn a_wildcard_is_found() {
    let found = |text: &str| {
        let text = format!("enum Our {{ A, B(u8) }}\nimpl Our {{ fn f(x: T) {{ match x {{ {text} }} }} }}");
        let file = File {
            path: "a.rs".into(),
            text,
        };
        let ours = enums(std::slice::from_ref(&file));
        wildcards(&file, &ours).len()
    };
    for bad in [
        "Our::A => 1, _ => 2",
        "Self::A => 1, _ => 2",
        "Our::B(_) if y => 1, _ if z => 3, Our::A | Our::B(_) => 2",
        "Some(Our::A) => 1, Some(_) => 2, None => 3",
        "Some(Our::A) => 1, _ => 2",
        "(Our::A, 1) => 1, (_, 2) => 2, (Our::A | Our::B(_), _) => 3",
        "Our::A => 1, other => 2",
        "&Our::A => 1, &_ => 2",
    ] {
        assert_eq!(found(bad), 1, "{bad}");
    }
    for good in [
        "Our::A => 1, Our::B(_) => 2",
        "\"a\" => 1, _ => 2",
        "Theirs::A => 1, _ => 2",
        "Ok(Our::A) => 1, Ok(Our::B(_)) => 2, Err(_) => 3",
        "(Our::A, 1) => 1, (Our::A | Our::B(_), _) => 3",
    ] {
        assert_eq!(found(good), 0, "{good}");
    }
}

/// Names of the enums that the files define.
fn enums(files: &[File]) -> BTreeSet<String> {
    struct Enums(BTreeSet<String>);
    impl<'ast> Visit<'ast> for Enums {
        fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
            self.0.insert(item.ident.to_string());
        }
    }
    let mut found = Enums(BTreeSet::new());
    for file in files {
        found.visit_file(&file.parse());
    }
    found.0
}

fn wildcards(file: &File, ours: &BTreeSet<String>) -> Vec<String> {
    let mut matches = Matches {
        ours,
        owner: None,
        lines: Vec::new(),
    };
    matches.visit_file(&file.parse());
    let line = |line: usize| format!("{}:{line}: a wildcard over an enum of ours", file.path);
    matches.lines.into_iter().map(line).collect()
}

struct Matches<'a> {
    ours: &'a BTreeSet<String>,
    /// The type that `Self` means.
    owner: Option<String>,
    lines: Vec<usize>,
}

impl<'ast> Visit<'ast> for Matches<'_> {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let outer = self.owner.take();
        if let syn::Type::Path(path) = &*item.self_ty {
            self.owner = path.path.segments.last().map(|last| last.ident.to_string());
        }
        visit::visit_item_impl(self, item);
        self.owner = outer;
    }

    fn visit_expr_match(&mut self, item: &'ast syn::ExprMatch) {
        let mut named = BTreeSet::new();
        let mut open = Vec::new();
        for arm in &item.arms {
            self.places(&arm.pat, "", &mut named, &mut open);
        }
        // A wildcard covers its own place and all below it.
        let hit = open
            .iter()
            .find(|(place, _)| named.iter().any(|name: &String| name.starts_with(place.as_str())));
        self.lines.extend(hit.map(|(_, line)| *line));
        visit::visit_expr_match(self, item);
    }
}

impl Matches<'_> {
    /// Notes at which places of a pattern our enums are named, and at which anything goes.
    fn places(&self, pattern: &syn::Pat, place: &str, named: &mut BTreeSet<String>, open: &mut Vec<(String, usize)>) {
        let below = |name: &str, index: usize| format!("{place}/{name}.{index}");
        match pattern {
            syn::Pat::Wild(_) => open.push((place.to_owned(), pattern.span().start().line)),
            syn::Pat::Ident(ident) => match &ident.subpat {
                Some((_, inner)) => self.places(inner, place, named, open),
                None if is_variable(&ident.ident) => open.push((place.to_owned(), pattern.span().start().line)),
                None => {}
            },
            syn::Pat::Paren(paren) => self.places(&paren.pat, place, named, open),
            syn::Pat::Reference(reference) => self.places(&reference.pat, place, named, open),
            syn::Pat::Or(or) => or.cases.iter().for_each(|case| self.places(case, place, named, open)),
            syn::Pat::Tuple(tuple) => {
                for (index, element) in tuple.elems.iter().enumerate() {
                    self.places(element, &below("", index), named, open);
                }
            }
            syn::Pat::TupleStruct(tuple) => {
                self.name(&tuple.path, place, named);
                for (index, element) in tuple.elems.iter().enumerate() {
                    self.places(element, &below(&last(&tuple.path), index), named, open);
                }
            }
            syn::Pat::Struct(fields) => {
                self.name(&fields.path, place, named);
                for field in &fields.fields {
                    let syn::Member::Named(member) = &field.member else {
                        continue;
                    };
                    let name = format!("{}.{member}", last(&fields.path));
                    self.places(&field.pat, &below(&name, 0), named, open);
                }
            }
            syn::Pat::Path(path) => self.name(&path.path, place, named),
            _ => {}
        }
    }

    fn name(&self, path: &syn::Path, place: &str, named: &mut BTreeSet<String>) {
        let Some(owner) = path.segments.iter().rev().nth(1) else {
            return;
        };
        let owner = owner.ident.to_string();
        let owner = if owner == "Self" {
            self.owner.as_ref()
        } else {
            Some(&owner)
        };
        if owner.is_some_and(|owner| self.ours.contains(owner)) {
            named.insert(place.to_owned());
        }
    }
}

fn last(path: &syn::Path) -> String {
    path.segments
        .last()
        .map(|last| last.ident.to_string())
        .unwrap_or_default()
}

/// A name that binds anything, not a constant or a variant brought in by `use`.
fn is_variable(ident: &syn::Ident) -> bool {
    ident
        .to_string()
        .starts_with(|first: char| first.is_lowercase() || first == '_')
}
