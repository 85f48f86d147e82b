//! The files of `gitops/shipped` are what this generates: `UPDATE=1 cargo test -p serin-gitops --test shipped` writes them again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod published;
mod schema;
mod transform;

use std::path::Path;

fn compare(name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("shipped").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        found == wanted,
        "gitops/shipped/{name} is not what the types make of it; UPDATE=1 writes it again"
    );
}

#[test]
fn the_shipped_files_are_generated() {
    compare("serin-transform.yaml", &transform::corrected());
    compare("serin-schema.json", &schema::complete());
    compare("published/rollout-transform.yaml", &published::transform(false));
    compare("published/rollout-transform-v5.yaml", &published::transform(true));
    compare("published/rollout-schema.json", &published::schema());
}
