//! The committed manifests are what the types say, and what contract 01 §1 asks for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds")
}

/// `UPDATE=1 cargo test -p serin-core --test crds` rewrites the files.
#[test]
fn committed_manifests_are_fresh() {
    let manifests = serin_core::crd::manifests().unwrap();
    let names: Vec<&str> = manifests.iter().map(|(name, _)| name.as_str()).collect();
    for (name, fresh) in &manifests {
        let path = folder().join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, fresh).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            committed == *fresh,
            "crds/{name} is stale: UPDATE=1 cargo test -p serin-core --test crds"
        );
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            names.contains(&name.as_str()) || name == "kustomization.yaml",
            "crds/{name} is not generated"
        );
    }
}
