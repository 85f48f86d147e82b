//! `serin kustomize init`: new files only, and the lines to add.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serin_gitops::kustomize::shipped;
use std::fs;
use std::path::PathBuf;
use support::{Outcome, run};

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("serin-kustomize-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    async fn init(&self) -> Outcome {
        run(&format!("serin kustomize init {}", self.0.display())).await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn new_files_and_the_lines_to_add() {
    let folder = Folder::new("new");
    let kustomization = "resources: [rollout.yaml]\n";
    fs::write(folder.0.join("kustomization.yaml"), kustomization).unwrap();
    let outcome = folder.init().await;
    assert!(outcome.success, "{}", outcome.err);
    assert_eq!(folder.read("serin-transform.yaml"), shipped::TRANSFORM);
    assert_eq!(folder.read("serin-schema.json"), shipped::SCHEMA);
    assert_eq!(folder.read("kustomization.yaml"), kustomization);
    for line in [
        "\n  configurations: [serin-transform.yaml]\n",
        "\n  openapi: {path: serin-schema.json}\n",
    ] {
        assert!(outcome.out.contains(line), "{}", outcome.out);
    }
    // Again: nothing is left to do but the lines.
    let outcome = folder.init().await;
    assert!(outcome.success, "{}", outcome.err);
    assert!(outcome.err.contains("up to date"), "{}", outcome.err);
    fs::write(
        folder.0.join("kustomization.yaml"),
        "configurations: [./serin-transform.yaml]\nopenapi: {path: serin-schema.json}\n",
    )
    .unwrap();
    let outcome = folder.init().await;
    assert!(outcome.out.contains("refers to them already"), "{}", outcome.out);
}

#[tokio::test]
async fn lines_that_are_there_are_named() {
    let folder = Folder::new("named");
    fs::write(
        folder.0.join("kustomization.yml"),
        "resources: []\nconfigurations:\n- rollout-transform.yaml\nopenapi:\n  path: https://x\n",
    )
    .unwrap();
    let outcome = folder.init().await;
    assert!(
        outcome.out.contains("kustomization.yml:2: add serin-transform.yaml"),
        "{}",
        outcome.out
    );
    assert!(
        outcome
            .out
            .contains("kustomization.yml:4: replace the path of `openapi:`"),
        "{}",
        outcome.out
    );
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let folder = Folder::new("kept");
    fs::write(folder.0.join("serin-schema.json"), "{}").unwrap();
    let outcome = folder.init().await;
    assert!(!outcome.success);
    assert!(
        outcome.err.contains("serin-schema.json") && outcome.err.contains("nothing was written"),
        "{}",
        outcome.err
    );
    assert_eq!(folder.read("serin-schema.json"), "{}");
    assert!(!folder.0.join("serin-transform.yaml").exists());
    let outcome = run("serin kustomize init /no/such/folder").await;
    assert!(outcome.err.contains("name the folder of an overlay"), "{}", outcome.err);
    let outcome = run("serin kustomize").await;
    assert!(outcome.err.contains("init"), "{}", outcome.err);
}
