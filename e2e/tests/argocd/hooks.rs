//! Which health checks and actions Argo CD works with.

use crate::stage::{Health, ROLLOUT, Stage};
use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
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
        let mut documents = serin_core::notation::yaml::parse_docs(&text)?;
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

const TEMPLATE: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: errors}
spec:
  metrics: [{name: errors, provider: {job: {spec: {template: {spec: {containers: []}}}}}}]
";

/// Hooks that are installed into a running Argo CD work after a refresh of the applications, and go again the same way.
pub(crate) async fn hooks_installed_later_work_after_a_refresh(stage: &mut Stage<'_>) -> Result<()> {
    stage.argo.set_settings(&Map::new()).await?;
    stage.commit_base(ROLLOUT, &[("template.yaml", TEMPLATE)]).await?;
    stage.create_app(json!({}), json!({})).await?;
    stage.sync().await?;
    stage.until_state("Synced/Healthy").await?;
    // A kind of which Argo CD itself has no opinion.
    stage
        .until("no health", None, || stage.health("AnalysisTemplate", "errors"))
        .await?;
    stage.argo.set_settings(&stage.argo.hooks.settings()).await?;
    stage.argo.refresh_all().await?;
    let healthy = |it: &Option<Health>| it.as_ref().is_some_and(|it| it.status == "Healthy");
    let look = || stage.health("AnalysisTemplate", "errors");
    stage.until_so("health of a template", healthy, look).await?;
    stage.argo.set_settings(&Map::new()).await?;
    stage.argo.refresh_all().await?;
    let gone = stage
        .until("no health any more", None, || {
            stage.health("AnalysisTemplate", "errors")
        })
        .await;
    stage.argo.set_settings(&stage.argo.hooks.settings()).await?;
    stage.argo.refresh_all().await?;
    gone?;
    Ok(())
}
