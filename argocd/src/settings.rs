//! `argocd-cm` as Argo CD's own loader reads it: the resource customizations, and what is wrong with them.
//!
//! The rules are those of argo-cd `util/settings` (3.6): split keys `resource.customizations.<type>.<group>_<Kind>` and the
//! YAML map `resource.customizations` are laid over each other field by field, the split key wins. One mistake in most of
//! them makes the whole load fail, for every application; Argo CD then says so in a log line only.

mod finding;
mod glob;
mod keys;
mod overrides;
mod reader;
mod values;

#[cfg(test)]
mod tests;

pub use finding::{Finding, Severity, any_error, list};
pub(crate) use glob::Glob;
pub(crate) use keys::split_key;
pub use keys::{CustomizationType, SplitKey};
pub use overrides::{ActionsSetting, IgnoreRules, Keyed, Override, Overrides};
pub(crate) use values::{decode_actions, decode_ignore_rules, decode_links};

use serde_json::Value;
use serin_core::notation::yaml::{self, Document, YamlError};
use serin_lua::customization::Customization;
use std::collections::BTreeMap;

/// Name of the ConfigMap that holds Argo CD's settings.
pub const ARGOCD_CM: &str = "argocd-cm";

/// The data of an `argocd-cm` and where each part of it stands.
#[derive(Clone, Debug)]
pub struct ArgocdCm {
    source: String,
    data: BTreeMap<String, String>,
    text: Option<Text>,
    not_strings: Vec<String>,
}

/// The file that a ConfigMap was read from.
#[derive(Clone, Debug)]
struct Text {
    document: Document,
    lines: Vec<String>,
}

impl ArgocdCm {
    /// Reads a manifest: YAML of one ConfigMap, or several documents of which one is the ConfigMap `argocd-cm`.
    ///
    /// `file` is the name by which findings call it. Wrong customizations are not looked for here but by
    /// [`ArgocdCm::check`].
    ///
    /// # Errors
    /// The text is not YAML, or holds no such ConfigMap.
    pub fn read(file: &str, text: &str) -> Result<Self, Box<Finding>> {
        let documents = yaml::parse_docs(text).map_err(|error| Box::new(unreadable(file, &error)))?;
        let named = documents
            .into_iter()
            .find(|it| it.value["kind"] == "ConfigMap" && it.value["metadata"]["name"] == ARGOCD_CM);
        let Some(document) = named else {
            return Err(Box::new(absent(file)));
        };
        let mut data = BTreeMap::new();
        let mut not_strings = Vec::new();
        for (key, value) in document.value["data"].as_object().into_iter().flatten() {
            match value {
                Value::String(text) => {
                    data.insert(key.clone(), text.clone());
                }
                Value::Null => {
                    data.insert(key.clone(), String::new());
                }
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => not_strings.push(key.clone()),
            }
        }
        let lines = text.lines().map(str::to_owned).collect();
        Ok(Self {
            source: file.to_owned(),
            data,
            text: Some(Text { document, lines }),
            not_strings,
        })
    }

    /// The data of a ConfigMap that was fetched from a cluster.
    #[must_use]
    pub fn from_cluster(namespace: &str, data: BTreeMap<String, String>) -> Self {
        Self {
            source: format!("configmap {namespace}/{ARGOCD_CM}"),
            data,
            text: None,
            not_strings: Vec::new(),
        }
    }

    /// How findings call it: the file, or the ConfigMap in the cluster.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The keys and their texts.
    #[must_use]
    pub fn data(&self) -> &BTreeMap<String, String> {
        &self.data
    }

    /// Everything that is wrong with the resource customizations, `resource.compareoptions` and `resource.links`.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        reader::read(self).1
    }

    /// The customizations as Argo CD sees them, by group and kind.
    ///
    /// # Errors
    /// All findings, warnings too, if one of them is an error.
    pub fn overrides(&self) -> Result<Overrides, Vec<Finding>> {
        let (overrides, findings) = reader::read(self);
        if any_error(&findings) {
            Err(findings)
        } else {
            Ok(overrides)
        }
    }

    /// The scripts of each kind that has some. Kinds named by a wildcard (`*/*`) keep it in group and kind.
    ///
    /// # Errors
    /// As [`ArgocdCm::overrides`].
    pub fn customizations(&self) -> Result<Vec<Customization>, Vec<Finding>> {
        Ok(self.overrides()?.customizations())
    }

    /// Line on which a key of `data` stands, or a line within its text where that is a literal block.
    fn line(&self, key: &str, inner: Option<usize>) -> Option<usize> {
        let text = self.text.as_ref()?;
        let line = text.document.line_of(&format!("data.{key}"));
        let below = inner.filter(|_| text.is_literal_block(key, line)).unwrap_or(0);
        Some(line + below)
    }
}

impl Text {
    /// Whether the value of the key on a line is written as `|`: then the text's first line is the next one.
    fn is_literal_block(&self, key: &str, line: usize) -> bool {
        let Some(written) = line.checked_sub(1).and_then(|index| self.lines.get(index)) else {
            return false;
        };
        let after = written.split_once(key).map_or("", |(_, after)| after);
        let value = after.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':');
        value.is_some_and(|value| value.trim_start().starts_with('|'))
    }
}

fn unreadable(file: &str, error: &YamlError) -> Finding {
    let (line, problem) = match error {
        YamlError::Read { line, column, message } => (Some(*line), format!("not YAML: {message} (column {column})")),
        YamlError::Write(message) => (None, message.clone()),
    };
    Finding {
        severity: Severity::Error,
        source: file.to_owned(),
        line,
        key: String::new(),
        problem,
        consequence: "kubectl would not apply it; nothing is known of the settings in it".to_owned(),
        remedy: "correct the YAML at this line".to_owned(),
    }
}

fn absent(file: &str) -> Finding {
    Finding {
        severity: Severity::Error,
        source: file.to_owned(),
        line: None,
        key: String::new(),
        problem: format!("there is no ConfigMap named {ARGOCD_CM} in it"),
        consequence: format!("it reads its settings from the ConfigMap {ARGOCD_CM} only"),
        remedy: format!("give the manifest itself: kubectl -n argocd get configmap {ARGOCD_CM} -o yaml"),
    }
}
