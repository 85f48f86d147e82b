//! Files and functions stay short enough to read.

use crate::workspace::{File, rust};
use std::collections::BTreeMap;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// Lines of a file, tests included.
const FILE: usize = 600;
/// Lines of a function of core, from its signature to its last brace.
const CORE_FUNCTION: usize = 70;
/// Lines of any other function.
const FUNCTION: usize = 100;

/// What is longer than it may be, and how long it is. Shorten, then lower or delete the number.
const LONG_FILES: &[(&str, usize)] = &[];
const LONG_FUNCTIONS: &[(&str, usize)] = &[
    ("cli/src/show/info/tests.rs::pod_states_are_those_of_kubectl", 118),
    ("core/tests/crds.rs::names_scopes_columns_and_subresources", 72),
];

#[test]
fn files_are_short() {
    let long = rust()
        .into_iter()
        .map(|file| (file.path.clone(), file.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE);
    crate::none(&ratchet("LONG_FILES", &long.collect(), LONG_FILES));
}

#[test]
fn functions_are_short() {
    let mut long = BTreeMap::new();
    for file in rust() {
        let limit = if file.path.starts_with("core/") {
            CORE_FUNCTION
        } else {
            FUNCTION
        };
        for (name, lines) in functions(&file) {
            if lines > limit {
                let longest = long.entry(format!("{}::{name}", file.path)).or_insert(0);
                *longest = lines.max(*longest);
            }
        }
    }
    crate::none(&ratchet("LONG_FUNCTIONS", &long, LONG_FUNCTIONS));
}

/// What is longer than its exception, and the exceptions that are longer than needed.
fn ratchet(list: &str, long: &BTreeMap<String, usize>, allowed: &[(&str, usize)]) -> Vec<String> {
    let allowed: BTreeMap<&str, usize> = allowed.iter().copied().collect();
    let mut findings = Vec::new();
    for (name, lines) in long {
        match allowed.get(name.as_str()) {
            Some(limit) if lines > limit => findings.push(format!("{name}: {lines} lines, it had {limit}")),
            Some(limit) if lines < limit => {
                findings.push(format!("{name}: shorter now, lower {list} from {limit} to {lines}"));
            }
            Some(_) => {}
            None => findings.push(format!("{name}: {lines} lines, too long")),
        }
    }
    for name in allowed.keys().filter(|name| !long.contains_key(**name)) {
        findings.push(format!("{name}: short now, remove it from {list}"));
    }
    findings
}

/// Names of functions, with the type they belong to, and their lines.
fn functions(file: &File) -> Vec<(String, usize)> {
    let mut found = Functions::default();
    found.visit_file(&file.parse());
    found.found
}

#[derive(Default)]
struct Functions {
    owner: Option<String>,
    found: Vec<(String, usize)>,
}

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.span().start().line;
        let last = body.brace_token.span.close().end().line;
        let owner = self.owner.iter().map(|owner| format!("{owner}::"));
        let name = owner.chain([signature.ident.to_string()]).collect();
        self.found.push((name, last - first + 1));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let outer = self.owner.take();
        if let syn::Type::Path(path) = &*item.self_ty {
            self.owner = path.path.segments.last().map(|last| last.ident.to_string());
        }
        visit::visit_item_impl(self, item);
        self.owner = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[test]
fn the_ratchet_turns_one_way() {
    let long = |lines| BTreeMap::from([("a.rs::f".to_owned(), lines)]);
    let allowed = &[("a.rs::f", 80)];
    assert_eq!(ratchet("LIST", &long(80), allowed), Vec::<String>::new());
    assert_eq!(ratchet("LIST", &long(81), allowed).len(), 1, "it grew");
    assert_eq!(ratchet("LIST", &long(79), allowed).len(), 1, "it shrank");
    assert_eq!(ratchet("LIST", &BTreeMap::new(), allowed).len(), 1, "it is short now");
    assert_eq!(ratchet("LIST", &long(80), &[]).len(), 1, "it is not on the list");
}

#[test]
fn functions_are_measured() {
    let text = "impl A {\n    /// Doc.\n    fn f() {\n        1;\n    }\n}\nfn g() {}\n".to_owned();
    let path = "a.rs".to_owned();
    let expected = [("A::f".to_owned(), 3), ("g".to_owned(), 1)];
    assert_eq!(functions(&File { path, text }), expected);
}
