//! How the hooks get into an `argocd-cm` that belongs to somebody else.
//!
//! [`plan`] lays what Serin wants over what is there. What a user wrote is never replaced: scripts of theirs stay and are
//! told as a clash, lists of theirs are extended. The plan can be shown ([`InstallPlan::text`]) and taken as a patch
//! ([`InstallPlan::patch`]) with its way back ([`InstallPlan::undo`]); nothing here writes to a cluster.

mod extras;
mod merge;
pub mod rbac;
mod text;

#[cfg(test)]
mod tests;

pub use extras::{ignore_keys, link};

use crate::settings::{ArgocdCm, Finding};
use serde_json::{Map, Value, json};
use serin_core::notation::yaml::{self, YamlError};
use std::collections::BTreeMap;

/// What happens to one key of `argocd-cm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: String,
    /// What happens to it.
    pub outcome: Outcome,
    /// A sentence for the user, where there is something to say.
    pub note: Option<String>,
}

/// What happens to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is new.
    Add {
        /// Its value.
        value: String,
    },
    /// It says what is wanted already.
    Unchanged,
    /// It is from an earlier version of Serin.
    Update {
        /// Its new value.
        value: String,
        /// The value it had.
        former: String,
    },
    /// A list of the user's gets what it lacks.
    Extend {
        /// Theirs and ours.
        value: String,
        /// The value it had; `None` if their list stands in the map `resource.customizations`.
        former: Option<String>,
    },
    /// The user has a script of their own: the key is left out of the patch.
    Clash,
}

/// What would be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallPlan {
    /// Every key that Serin wants, in their order.
    pub changes: Vec<Change>,
    /// What will surprise in the settings as they are.
    pub warnings: Vec<Finding>,
    /// Where they were read from.
    pub source: String,
}

/// Compares what Serin wants with what is there.
///
/// `desired` holds keys of `argocd-cm`: those with the generated hooks, and those of [`ignore_keys`] and [`link`].
///
/// # Errors
/// All findings, if one of them is an error: on settings that Argo CD cannot load nothing is built.
pub fn plan(desired: &BTreeMap<String, String>, current: &ArgocdCm) -> Result<InstallPlan, Vec<Finding>> {
    let overrides = current.overrides()?;
    let changes = desired
        .iter()
        .map(|(key, wanted)| merge::change(key, wanted, current, &overrides))
        .collect();
    Ok(InstallPlan {
        changes,
        warnings: current.check(),
        source: current.source().to_owned(),
    })
}

impl InstallPlan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changed().next().is_none()
    }

    /// A JSON merge patch of the ConfigMap, as YAML: the changed keys only.
    ///
    /// # Errors
    /// As [`yaml::to_string`].
    pub fn patch(&self) -> Result<String, YamlError> {
        data_patch(self.changed().map(|(key, value, _)| (key, json!(value))))
    }

    /// The merge patch that takes it back: null for what was added, else the former value.
    ///
    /// # Errors
    /// As [`yaml::to_string`].
    pub fn undo(&self) -> Result<String, YamlError> {
        data_patch(self.changed().map(|(key, _, former)| (key, json!(former))))
    }

    /// The changed keys, their new and their former values.
    fn changed(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        self.changes.iter().filter_map(|change| {
            let key = change.key.as_str();
            match &change.outcome {
                Outcome::Add { value } => Some((key, value.as_str(), None)),
                Outcome::Update { value, former } => Some((key, value.as_str(), Some(former.as_str()))),
                Outcome::Extend { value, former } => Some((key, value.as_str(), former.as_deref())),
                Outcome::Unchanged | Outcome::Clash => None,
            }
        })
    }
}

fn data_patch<'a>(entries: impl Iterator<Item = (&'a str, Value)>) -> Result<String, YamlError> {
    let data: Map<_, _> = entries.map(|(key, value)| (key.to_owned(), value)).collect();
    yaml::to_string(&json!({"data": data}))
}
