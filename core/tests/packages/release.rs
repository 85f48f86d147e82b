//! The parts of `.ci/release` that run here, and what the release workflow says of platforms.

use super::source::{read, root};
use super::tools::run;
use serde_json::Value;
use serin_core::notation::yaml;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const PLATFORMS: [&str; 4] = ["darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64"];

/// A folder of one test, with an archive for each platform.
fn dist(test: &str) -> PathBuf {
    let folder = root()
        .join("target")
        .join(format!("dist-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for name in PLATFORMS {
        let file = format!("kubectl-serin_v{}_{name}.tar.gz", env!("CARGO_PKG_VERSION"));
        std::fs::write(folder.join(file), name).unwrap();
    }
    folder
}

fn release(folder: &Path, words: &[&str]) -> Result<String, String> {
    let mut command = Command::new(root().join(".ci/release"));
    run(command.args(words).env("SERIN_DIST", folder))
}

fn is_hex(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
}

/// The rules of krew's own validation: names, version, lengths, URLs, checksums, selectors.
pub(crate) fn the_krew_manifest_is_whole() {
    let folder = dist("krew");
    release(&folder, &["krew"]).unwrap();
    let text = std::fs::read_to_string(folder.join("serin.yaml")).unwrap();
    let sum = run(Command::new("sha256sum").arg(folder.join(format!(
        "kubectl-serin_v{}_linux-arm64.tar.gz",
        env!("CARGO_PKG_VERSION")
    ))));
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(!text.contains("{{"), "{text}");
    let manifest = yaml::parse_docs(&text).unwrap().remove(0).value;
    assert_eq!(manifest["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!(manifest["kind"], "Plugin");
    // The file has the name of the plugin.
    assert_eq!(manifest["metadata"]["name"], "serin");
    let spec = &manifest["spec"];
    assert_eq!(spec["version"], format!("v{}", env!("CARGO_PKG_VERSION")));
    assert!(spec["homepage"].as_str().unwrap().starts_with("https://"));
    let short = spec["shortDescription"].as_str().unwrap();
    assert!(
        short.len() <= 50 && !short.contains('\n') && !short.ends_with('.'),
        "{short}"
    );
    assert!(!spec["description"].as_str().unwrap().is_empty());
    let mut seen = BTreeSet::new();
    for platform in spec["platforms"].as_array().unwrap() {
        let labels = platform["selector"]["matchLabels"].as_object().unwrap();
        let label = |name: &str| labels[name].as_str().unwrap();
        let name = format!("{}-{}", label("os"), label("arch"));
        let uri = platform["uri"].as_str().unwrap();
        let version = spec["version"].as_str().unwrap();
        assert_eq!(
            uri,
            format!(
                "https://github.com/serin-rs/serin/releases/download/{version}/kubectl-serin_{version}_{name}.tar.gz"
            )
        );
        assert_eq!(platform["bin"], "serin");
        let checksum = platform["sha256"].as_str().unwrap();
        assert!(is_hex(checksum), "{checksum}");
        if let (Ok(sum), "linux-arm64") = (&sum, name.as_str()) {
            assert!(sum.starts_with(checksum), "{sum}");
        }
        seen.insert(name);
    }
    assert_eq!(seen, PLATFORMS.map(str::to_owned).into());
}

pub(crate) fn checksums_name_every_file() {
    let folder = dist("sums");
    release(&folder, &["checksums"]).unwrap();
    // Once more: the list does not name itself.
    release(&folder, &["checksums"]).unwrap();
    let list = std::fs::read_to_string(folder.join("argo-rollouts-checksums.txt")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(list.lines().count(), PLATFORMS.len(), "{list}");
    for line in list.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert!(is_hex(sum) && name.starts_with("kubectl-serin_"), "{line}");
    }
}

/// The workflow builds what the krew manifest and the image need; an unknown platform is refused before anything is built.
pub(crate) fn every_platform_is_built() {
    let workflow = yaml::parse_docs(&read(".github/workflows/release.yaml"))
        .unwrap()
        .remove(0)
        .value;
    let matrix = workflow["jobs"]["programs"]["strategy"]["matrix"]["include"]
        .as_array()
        .unwrap();
    let names: BTreeSet<&str> = matrix.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, PLATFORMS.into());
    for entry in matrix {
        let (name, target) = (entry["name"].as_str().unwrap(), entry["target"].as_str().unwrap());
        let architecture = if name.ends_with("amd64") { "x86_64" } else { "aarch64" };
        assert!(target.starts_with(architecture), "{entry}");
        assert_eq!(name.starts_with("darwin"), target.contains("apple"), "{entry}");
    }
    // Only what a job needs, and nothing at the top.
    assert_eq!(workflow["permissions"], Value::Object(serde_json::Map::new()));
    let folder = dist("platform");
    let error = release(&folder, &["build", "windows-amd64", "x86_64-pc-windows-gnu"]).unwrap_err();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(error.contains("windows-amd64 is no platform"), "{error}");
}
