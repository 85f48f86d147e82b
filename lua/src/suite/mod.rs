//! Runs tests in the layout of Argo CD's own repository (contract 13 §2.7): `<group>/<Kind>/health_test.yaml` and
//! `<group>/<Kind>/actions/action_test.yaml`, with the scripts that lie beside them or with others.
//!
//! Compared as upstream compares, and closer where upstream lets mistakes through: the list of actions must be
//! complete, and what an action's result has beyond the expected output is told. With scripts of the caller's it is a
//! failure; their icons and display names, on the other hand, only count where a case states some.

mod compare;
mod find;
mod read;
mod report;
mod run;

pub use report::{Case, Outcome, Problem, Report, What};

use crate::customization::Customization;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// How to run the cases.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Scripts to run in place of those that lie in the folders. They get the libraries of Argo CD's closed mode, and
    /// folders of other kinds are left out.
    pub scripts: Option<&'a [Customization]>,
    /// The time that scripts see.
    pub now: Timestamp,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            scripts: None,
            now: Timestamp::UNIX_EPOCH,
        }
    }
}

/// Why there are no cases to run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A folder that cannot be listed.
    #[error("{}: cannot be listed: {source}", folder.display())]
    List {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No tests below the folder.
    #[error("{}: there are no tests here; give a checkout of Argo CD, its folder resource_customizations, or a folder <group>/<Kind> with health_test.yaml or actions/action_test.yaml", folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
}

/// Runs all cases at or below `folder`: a checkout, its `resource_customizations`, a group or a kind.
///
/// # Errors
/// When a folder cannot be listed or there is nothing to run. Faults of single files and cases are in the report.
pub fn run(folder: &Path, options: &Options<'_>) -> Result<Report, SuiteError> {
    let kinds = find::kinds(folder)?;
    if kinds.is_empty() {
        let folder = folder.to_path_buf();
        return Err(SuiteError::Nothing { folder });
    }
    let mut report = Report::default();
    for kind in &kinds {
        run::kind(kind, options, &mut report);
    }
    Ok(report)
}
