//! `version`

use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::values;
use clap::Args;

/// `version`.
#[derive(Args, Debug)]
pub(crate) struct Version {
    /// Surplus words are ignored.
    #[arg(hide = true)]
    pub ignored: Vec<String>,
    /// Print just the version number
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub short: bool,
}

/// Name that scripts look for.
const NAME: &str = "kubectl-argo-rollouts";

/// Prints the version, on one line or with what is known of the build. Facts that the build did not get stay empty, as
/// upstream leaves it; the compiler takes the place of Go.
pub(super) fn run(short: bool, console: &mut Console) -> Result<(), Failure> {
    console.line(&format!("{NAME}: v{}+serin", env!("CARGO_PKG_VERSION")))?;
    if short {
        return Ok(());
    }
    let platform = format!(
        "{}/{}",
        go_os(std::env::consts::OS),
        go_architecture(std::env::consts::ARCH)
    );
    let facts = [
        (
            "BuildDate",
            option_env!("SERIN_BUILD_DATE").unwrap_or("1970-01-01T00:00:00Z"),
        ),
        ("GitCommit", option_env!("SERIN_GIT_COMMIT").unwrap_or_default()),
        ("GitTreeState", option_env!("SERIN_GIT_TREE_STATE").unwrap_or_default()),
        ("GoVersion", ""),
        ("Compiler", "rustc"),
        ("Platform", &platform),
    ];
    for (label, value) in facts {
        console.line(&format!("  {label}: {value}"))?;
    }
    Ok(())
}

/// The name that Go gives an operating system.
fn go_os(name: &str) -> &str {
    if name == "macos" { "darwin" } else { name }
}

/// The name that Go gives a processor.
fn go_architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}
