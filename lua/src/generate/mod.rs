//! Health checks and actions as Lua, written from `serin_core::hooks`.

mod layout;
mod script;
mod version;
mod words;

pub use layout::{File, Layout, argocd_cm, helm_values, write};
pub use version::{Version, VersionError};

use crate::customization::{Actions, Customization};
use serin_core::hooks::{self, Rules};

/// What is generated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What may be chosen of the rules.
    pub rules: hooks::Options,
    /// Names and icons of actions only where upstream has them, as its own test cases demand.
    pub upstream_labels: bool,
}

/// The scripts of all kinds.
#[must_use]
pub fn customizations(options: &Options) -> Vec<Customization> {
    let kinds = hooks::all(&options.rules);
    kinds.iter().map(|rules| customization(rules, options)).collect()
}

/// The scripts of one kind, by these rules.
#[must_use]
pub fn customization(rules: &Rules, options: &Options) -> Customization {
    let definitions: Vec<_> = rules
        .actions
        .iter()
        .map(|action| (action.name.to_owned(), script::action(rules.kind, action)))
        .collect();
    Customization {
        group: hooks::GROUP.to_owned(),
        kind: rules.kind.to_owned(),
        health: Some(script::health(rules)),
        actions: (!definitions.is_empty()).then(|| Actions {
            discovery: script::discovery(rules, options.upstream_labels),
            definitions,
        }),
    }
}
