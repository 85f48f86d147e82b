//! The AnalysisRuns of a rollout and the templates that it names, from what was read.

use crate::case::Case;
use crate::sources::Object;
use serin_core::Observed;
use serin_core::api::analysis::AnalysisTemplateRef;
use serin_core::observed::{AnalysisRun, Template};
use serin_core::rollout::references;
use serin_core::wire::analysis::Phase;

/// Adds them; the kind that is missing where it was not read.
pub(super) fn add(case: &Case<'_>, seen: &mut Observed) -> Result<(), &'static str> {
    let mut open: Vec<AnalysisTemplateRef> = references::templates(&case.rollout).cloned().collect();
    if !open.is_empty() && !case.was_listed("AnalysisRun") {
        return Err("AnalysisRun");
    }
    seen.analysis_runs = case.index.owned("AnalysisRun", case.object).map(run).collect();
    while let Some(reference) = open.pop() {
        let cluster = reference.cluster_scope == Some(true);
        let (kind, of) = if cluster {
            ("ClusterAnalysisTemplate", &mut seen.templates.cluster)
        } else {
            ("AnalysisTemplate", &mut seen.templates.namespaced)
        };
        if !case.was_listed(kind) {
            return Err(kind);
        }
        let name = reference.template_name;
        let namespace = if cluster { "" } else { case.object.namespace() };
        let Some(found) = case
            .index
            .find(kind, namespace, &name)
            .filter(|_| !of.contains_key(&name))
        else {
            continue;
        };
        let template = template(found);
        open.extend(template.spec.templates.iter().cloned());
        of.insert(name, template);
    }
    Ok(())
}

fn template(object: &Object) -> Template {
    match serde_json::from_value(object.at("/spec").clone()) {
        Ok(spec) => Template {
            spec,
            undecodable: None,
        },
        Err(error) => Template {
            undecodable: Some(format!("spec: {error}")),
            ..Template::default()
        },
    }
}

fn run(object: &Object) -> AnalysisRun {
    let labels = object.at("/metadata/labels").clone();
    AnalysisRun {
        name: object.name().to_owned(),
        uid: object.uid().to_owned(),
        resource_version: object.text("/metadata/resourceVersion").to_owned(),
        created: object.created().unwrap_or_default(),
        deleting: object.deleted().is_some(),
        foreign: false,
        labels: serde_json::from_value(labels).unwrap_or_default(),
        spec: serde_json::from_value(object.at("/spec").clone()).unwrap_or_default(),
        phase: Phase::of(object.text("/status/phase")),
        message: object.text("/status/message").to_owned(),
    }
}
