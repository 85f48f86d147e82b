//! What kustomize makes of `deploy/argocd`. Without a kubectl all of it is ignored: `KUBECTL` names one, else it is taken from
//! PATH or from where `e2e/controlplane/build` puts it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use serin_argocd::install::ignore_keys;
use serin_core::notation::yaml;
use serin_lua::generate::{self, Options};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let is_missing = kubectl().is_none();
    let test = |name: &str, run: fn()| {
        let run = move || {
            run();
            Ok(())
        };
        Trial::test(name, run)
            .with_kind("kubectl")
            .with_ignored_flag(is_missing)
    };
    let tests = vec![
        test("the_base_builds_no_argocd_cm", the_base_builds_no_argocd_cm),
        test(
            "the_component_keeps_the_keys_of_the_user",
            the_component_keeps_the_keys_of_the_user,
        ),
    ];
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// One that `KUBECTL` names is taken as it is: if it cannot be run, the tests fail.
fn kubectl() -> Option<PathBuf> {
    let named = std::env::var_os("KUBECTL").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = std::env::split_paths(&path)
        .chain([root().join("target/controlplane")])
        .map(|folder| folder.join("kubectl"));
    named.or_else(|| usual.into_iter().find(|file| file.is_file()))
}

/// What kustomize makes of a folder.
fn build(folder: &Path) -> String {
    let kubectl = kubectl().expect("there is a kubectl");
    let output = Command::new(&kubectl)
        .arg("kustomize")
        .arg(folder)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", kubectl.display()));
    assert!(
        output.status.success(),
        "{}: {}",
        folder.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A partial argocd-cm that is applied takes the user's keys away, whichever way it is applied.
fn the_base_builds_no_argocd_cm() {
    let objects = yaml::parse_docs(&build(&root().join("deploy/argocd"))).unwrap();
    let name = |value: &Value| {
        format!(
            "{}/{}",
            value["kind"].as_str().unwrap(),
            value["metadata"]["name"].as_str().unwrap()
        )
    };
    let names: Vec<_> = objects.iter().map(|it| name(&it.value)).collect();
    assert!(names.contains(&"Deployment/argo-rollouts".to_owned()), "{names:?}");
    assert!(!names.iter().any(|it| it.starts_with("ConfigMap/argocd")), "{names:?}");
}

/// The component patches the argocd-cm of a kustomization that has one, in whatever namespace.
fn the_component_keeps_the_keys_of_the_user() {
    let folder = root().join("target").join(format!("component-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let theirs = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {url: 'https://x'}\n";
    std::fs::write(folder.join("argocd-cm.yaml"), theirs).unwrap();
    let kustomization = "namespace: gitops\nresources: [argocd-cm.yaml]\ncomponents: [../../deploy/argocd/hooks]\n";
    std::fs::write(folder.join("kustomization.yaml"), kustomization).unwrap();
    let built = build(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    let built = yaml::parse_docs(&built).unwrap().remove(0).value;
    assert_eq!(built["metadata"]["namespace"], "gitops");
    let mut wanted = generate::argocd_cm(&Options::default());
    wanted.extend(ignore_keys());
    wanted.insert("url".to_owned(), "https://x".to_owned());
    assert_eq!(built["data"], json!(wanted));
}
