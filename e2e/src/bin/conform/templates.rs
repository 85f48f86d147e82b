//! Templates and arguments (contract 12 §6).

use crate::case::{Case, read};
use anyhow::Result;
use serde_json::{Map, Value, json};
use serin_core::analysis::arguments;
use serin_core::analysis::run as engine;
use serin_core::analysis::template::{Caller, Gathered, Naming, gather, is_same_work, of_template};
use serin_core::api::Rollout;
use serin_core::api::analysis::AnalysisTemplateRef;
use serin_core::api::analysis_run::AnalysisRunSpec;
use serin_core::api::analysis_template::{AnalysisTemplateSpec, Argument};
use serin_core::api::rollout::RolloutAnalysis;
use serin_core::experiment;
use serin_core::observed::ReplicaSet;
use serin_core::rollout::analysis::WantedRun;
use serin_core::rollout::analysis::arguments as of_rollout;
use serin_core::rollout::analysis::arguments::Hashes;
use serin_core::wire;
use std::collections::BTreeMap;
use std::fmt::Display;

type Specs = Vec<(String, AnalysisTemplateSpec)>;

/// The answer to a case of this kind; none where there is no such kind.
pub(crate) fn answer(kind: &str, case: &Case) -> Result<Option<Value>> {
    Ok(Some(match kind {
        "run" => run(case)?,
        "flatten" => {
            let (namespaced, cluster) = listed(case)?;
            keyed("spec", gathered(&namespaced, &cluster).flattened())
        }
        "metric" => {
            let args: Vec<Argument> = case.field("args")?;
            keyed("metric", arguments::metric(&case.field("metric")?, &args))
        }
        "text" => {
            let args: Vec<Argument> = case.field("args")?;
            keyed("value", arguments::text(&case.text("template")?, &args))
        }
        "validate" => {
            let metrics: Vec<_> = case.field("metrics")?;
            keyed("valid", engine::validate(&metrics).map(|()| true))
        }
        "dryRun" => {
            let (rules, metrics): (Vec<_>, Vec<_>) = (case.field("dryRun")?, case.field("metrics")?);
            let named = engine::dry_run(&rules, &metrics);
            let as_map = |names: std::collections::BTreeSet<String>| {
                let names = names.into_iter().map(|name| (name, true.into()));
                names.collect::<Map<String, Value>>()
            };
            keyed("dryRun", named.map(as_map))
        }
        "retention" => {
            let (rules, metrics): (Vec<_>, Vec<_>) = (case.field("measurementRetention")?, case.field("metrics")?);
            keyed("limits", engine::retention(&rules, &metrics))
        }
        "refs" => refs(case)?,
        "rolloutRun" => rollout_run(case)?,
        "rolloutArgs" => {
            let (written, rollout): (Vec<_>, Rollout) = (case.field("args")?, case.field("rollout")?);
            let (latest, stable) = hashes(case)?;
            let hashes = Hashes {
                latest: &latest,
                stable: &stable,
            };
            keyed("args", of_rollout::values(&written, &rollout, hashes))
        }
        "experimentArg" => experiment_argument(case)?,
        "unstructured" => {
            let naming = Naming {
                name: case.text("runName")?,
                generate_name: case.text("generateName")?,
                namespace: case.text("namespace")?,
                instance_id: String::new(),
            };
            let args: Vec<Argument> = case.field("args")?;
            keyed("object", of_template(case.raw("object").clone(), &naming, &args))
        }
        "equal" => {
            let (left, right): (AnalysisRunSpec, AnalysisRunSpec) = (case.field("left")?, case.field("right")?);
            json!({"equal": is_same_work(&left, &right)})
        }
        _ => return Ok(None),
    }))
}

/// `{"error"}`, or what came of it under its key.
fn keyed<T: serde::Serialize, E: Display>(key: &str, came: Result<T, E>) -> Value {
    match came {
        Ok(value) => json!({key: value}),
        Err(error) => json!({"error": error.to_string()}),
    }
}

fn listed(case: &Case) -> Result<(Specs, Specs)> {
    Ok((case.listed("templates")?, case.listed("clusterTemplates")?))
}

fn gathered<'t>(namespaced: &'t Specs, cluster: &'t Specs) -> Gathered<'t> {
    fn named(specs: &Specs) -> impl Iterator<Item = (&str, &AnalysisTemplateSpec)> {
        specs.iter().map(|(name, spec)| (name.as_str(), spec))
    }
    Gathered::listed(named(namespaced), named(cluster))
}

fn run(case: &Case) -> Result<Value> {
    let (namespaced, cluster) = listed(case)?;
    let (args, dry_run, retention): (Vec<_>, Vec<_>, Vec<_>) = (
        case.field("args")?,
        case.field("dryRun")?,
        case.field("measurementRetention")?,
    );
    let caller = Caller {
        args: &args,
        dry_run: &dry_run,
        measurement_retention: &retention,
        ..Caller::default()
    };
    let labels: BTreeMap<String, String> = case.field("labels")?;
    let annotations: BTreeMap<String, String> = case.field("annotations")?;
    let metadata = json!({
        "name": case.text("runName")?,
        "generateName": case.text("generateName")?,
        "namespace": case.text("namespace")?,
        "labels": labels,
        "annotations": annotations,
    });
    let spec = gathered(&namespaced, &cluster).run(caller);
    Ok(keyed(
        "run",
        spec.map(|spec| json!({"metadata": metadata, "spec": spec})),
    ))
}

fn refs(case: &Case) -> Result<Value> {
    let references: Vec<AnalysisTemplateRef> = case.field("refs")?;
    let templates = case.templates()?;
    Ok(match gather(&references, &templates) {
        Ok(found) => {
            let (namespaced, cluster) = found.names();
            json!({"templates": namespaced, "clusterTemplates": cluster})
        }
        Err(error) => json!({"error": error.to_string()}),
    })
}

/// The hashes of the newest and of the stable ReplicaSet.
fn hashes(case: &Case) -> Result<(String, String)> {
    let hash = |field: &str| -> Result<String> {
        let pointer = format!("/metadata/labels/{}", wire::HASH_LABEL);
        let hash = case.raw(field).pointer(&pointer).and_then(Value::as_str);
        Ok(hash.unwrap_or_default().to_owned())
    };
    Ok((hash("newReplicaSet")?, hash("stableReplicaSet")?))
}

fn rollout_run(case: &Case) -> Result<Value> {
    let (rollout, analysis): (Rollout, RolloutAnalysis) = (case.field("rollout")?, case.field("analysis")?);
    let (templates, hash, infix) = (case.templates()?, case.text("podHash")?, case.text("infix")?);
    let (latest, stable) = hashes(case)?;
    let annotations = rollout.metadata.annotations.clone().unwrap_or_default();
    let wanted = WantedRun {
        rollout: &rollout,
        analysis: &analysis,
        templates: &templates,
        hash: &hash,
        hashes: Hashes {
            latest: &latest,
            stable: &stable,
        },
        revision: annotations.get(wire::REVISION).map_or("", String::as_str),
        infix: Some(infix.as_str()).filter(|infix| !infix.is_empty()),
        labels: case.field("labels")?,
    };
    let object = wanted.manifest().map(|new| {
        let metadata = json!({
            "name": new.name,
            "namespace": rollout.metadata.namespace,
            "labels": new.labels,
            "annotations": new.annotations,
        });
        json!({"metadata": metadata, "spec": new.spec})
    });
    Ok(keyed("run", object))
}

fn experiment_argument(case: &Case) -> Result<Value> {
    let mut seen = experiment::Observed {
        experiment: case.field("experiment")?,
        ..experiment::Observed::default()
    };
    let name = seen.experiment.metadata.name.clone().unwrap_or_default();
    let sets: BTreeMap<String, Value> = case.field("replicaSets")?;
    for (template, object) in sets {
        let metadata = &object["metadata"];
        seen.replica_sets.push(ReplicaSet {
            name: read(&metadata["name"], "replicaSets.metadata.name")?,
            labels: read(&metadata["labels"], "replicaSets.metadata.labels")?,
            annotations: BTreeMap::from([
                (wire::experiment::NAME.to_owned(), name.clone()),
                (wire::experiment::TEMPLATE_NAME.to_owned(), template),
            ]),
            ..ReplicaSet::default()
        });
    }
    Ok(keyed("value", experiment::argument(&seen, &case.text("template")?)))
}
