//! Which health checks and actions Argo CD works with.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A set of health checks and actions.
#[derive(Clone, Debug)]
pub(crate) enum Hooks {
    /// Those in the program of Argo CD.
    BuiltIn,
    /// A ConfigMap's data, and its file.
    Ours(Map<String, Value>, PathBuf),
}

impl Hooks {
    /// `SERIN_ARGOCD_HOOKS`: a file with a ConfigMap, `builtin`, or (the default) the file that the project generates.
    pub(crate) fn from_environment() -> Result<Self> {
        let generated = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lua/generated/argocd-cm.yaml");
        let file = match std::env::var_os("SERIN_ARGOCD_HOOKS").filter(|it| !it.is_empty()) {
            Some(word) if word == "builtin" => return Ok(Self::BuiltIn),
            Some(file) => PathBuf::from(file),
            None => generated,
        };
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let mut documents = serin_core::yaml::parse_docs(&text)?;
        let document = documents
            .pop()
            .with_context(|| format!("{}: no ConfigMap", file.display()))?;
        let data = document.value["data"].as_object();
        let data = data.with_context(|| format!("{}: no data", file.display()))?;
        ensure!(!data.is_empty(), "{}: no data", file.display());
        Ok(Self::Ours(data.clone(), file))
    }

    /// Whether they are the project's.
    pub(crate) fn are_ours(&self) -> bool {
        matches!(self, Self::Ours(..))
    }

    /// What they add to `argocd-cm`.
    pub(crate) fn settings(&self) -> Map<String, Value> {
        match self {
            Self::BuiltIn => Map::new(),
            Self::Ours(data, _) => data.clone(),
        }
    }
}
