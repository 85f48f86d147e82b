//! The customizations as Argo CD sees them, after split keys and map have been laid over each other.

use super::Glob;
use serin_lua::customization::{Actions, Customization};
use std::collections::BTreeMap;

/// A value and the key of `argocd-cm` that it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed<T> {
    /// What is set.
    pub value: T,
    /// The key, with the way inside the map for what came from there.
    pub key: String,
}

/// The actions of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionsSetting {
    /// The YAML as written.
    pub text: String,
    /// The scripts in it.
    pub scripts: Actions,
    /// Whether the built-in actions are listed too (since Argo CD 2.13).
    pub merge_builtin: bool,
}

/// What comparisons or refreshes leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreRules {
    /// RFC 6901 pointers.
    pub json_pointers: Vec<String>,
    /// jq paths, as in `del(…)`.
    pub jq_path_expressions: Vec<String>,
    /// Field managers whose fields are left out.
    pub managed_fields_managers: Vec<String>,
}

/// The customizations of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// The health script.
    pub health: Option<Keyed<String>>,
    /// Whether it gets Lua's whole library.
    pub use_open_libs: Option<Keyed<bool>>,
    /// The actions.
    pub actions: Option<Keyed<ActionsSetting>>,
    /// What comparisons leave out.
    pub ignore_differences: Option<Keyed<IgnoreRules>>,
    /// Whose change alone refreshes nothing.
    pub ignore_resource_updates: Option<Keyed<IgnoreRules>>,
}

/// All customizations, by `group/Kind`, `Kind` in the core group, or a pattern over them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    pub(super) kinds: BTreeMap<String, Override>,
}

impl Overrides {
    /// What is set for exactly this `group/Kind`.
    #[must_use]
    pub fn get(&self, group_kind: &str) -> Option<&Override> {
        self.kinds.get(group_kind)
    }

    /// The patterns that match a kind and have a health script: Argo CD takes any one of them, where the kind has none of
    /// its own.
    pub fn health_patterns<'a>(&'a self, group_kind: &'a str) -> impl Iterator<Item = &'a Keyed<String>> {
        self.with_health_pattern()
            .filter(move |(pattern, _)| Glob::new(pattern).matches(group_kind))
            .map(|(_, health)| health)
    }

    /// The patterns that have a health script.
    pub(super) fn with_health_pattern(&self) -> impl Iterator<Item = (&str, &Keyed<String>)> {
        let patterns = self.kinds.iter().filter(|(key, _)| Glob::is_pattern(key));
        patterns.filter_map(|(key, set)| Some((key.as_str(), set.health.as_ref()?)))
    }

    /// The scripts of each kind that has some. An empty script is none, for Argo CD too.
    #[must_use]
    pub fn customizations(&self) -> Vec<Customization> {
        let of_kind = |(key, set): (&String, &Override)| {
            let (group, kind) = key.split_once('/').unwrap_or(("", key));
            let customization = Customization {
                group: group.to_owned(),
                kind: kind.to_owned(),
                health: set.health.as_ref().map(|it| it.value.clone()),
                actions: set.actions.as_ref().map(|it| it.value.scripts.clone()),
            };
            (customization.health.is_some() || customization.actions.is_some()).then_some(customization)
        };
        self.kinds.iter().filter_map(of_kind).collect()
    }
}
