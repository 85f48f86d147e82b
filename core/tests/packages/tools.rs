//! kustomize (that of kubectl) and Helm.

use super::chart;
use super::source::root;
use std::path::PathBuf;
use std::process::Command;

/// One that the variable names is taken as it is: if it cannot be run, the tests fail.
fn find(variable: &str, name: &str, built: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = std::env::split_paths(&path)
        .chain([root().join(built)])
        .map(|folder| folder.join(name));
    named.or_else(|| usual.into_iter().find(|file| file.is_file()))
}

pub(crate) fn kubectl() -> Option<PathBuf> {
    find("KUBECTL", "kubectl", "target/controlplane")
}

pub(crate) fn helm() -> Option<PathBuf> {
    find("SERIN_HELM", "helm", "target/helm")
}

/// Helm without the settings of whoever runs the tests.
pub(crate) fn helm_command() -> Command {
    let mut command = Command::new(helm().expect("there is a helm"));
    let home = root().join("target/helm-home");
    for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(variable, &home);
    }
    command
}

/// What kustomize makes of a folder.
pub(crate) fn kustomize(folder: &str) -> String {
    let mut command = Command::new(kubectl().expect("there is a kubectl"));
    run(command.arg("kustomize").arg(root().join(folder))).unwrap()
}

/// What Helm makes of the chart with these values.
pub(crate) fn template(namespace: &str, values: &[&str]) -> Result<String, String> {
    let mut command = helm_command();
    command.args(["template", "serin", "--namespace", namespace]);
    for value in values {
        command.args(["--set", value]);
    }
    run(command.arg(root().join(chart::FOLDER)))
}

/// Standard output, else standard error.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}
