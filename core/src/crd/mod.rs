//! The CRD manifests, generated from the types of [`crate::api`] (contract 01 §1).
//!
//! The committed files in `crds/` are compared with [`manifests`] by a test. What the types cannot say stands in
//! tables: what is always written and yet optional, defaults, list keys, and the places where anything may stand.

mod kubernetes;
mod schema;
mod strict;

pub use strict::{Problem, decode_strict, problems, strict_schema_of};

use crate::api::analysis_run::{AnalysisRunSpec, AnalysisRunStatus};
use crate::api::analysis_template::AnalysisTemplateSpec;
use crate::api::experiment::{ExperimentSpec, ExperimentStatus};
use crate::api::rollout::{RolloutSpec, RolloutStatus};
use crate::api::{GROUP, VERSION};
use crate::notation::yaml::{self, YamlError};
use serde_json::{Map, Value, json};

/// What a manifest says of a kind beside its schema.
struct Kind {
    kind: &'static str,
    plural: &'static str,
    short: &'static str,
    scope: &'static str,
    columns: &'static [Column],
    subresources: Value,
    spec: Value,
    status: Option<Value>,
}

struct Column {
    name: &'static str,
    path: &'static str,
    r#type: &'static str,
    description: &'static str,
}

const AGE: Column = Column {
    name: "Age",
    path: ".metadata.creationTimestamp",
    r#type: "date",
    description: "Time since the object was created",
};
const STATUS: Column = Column {
    name: "Status",
    path: ".status.phase",
    r#type: "string",
    description: "Phase",
};
const PODS: [Column; 5] = [
    Column {
        name: "Desired",
        path: ".spec.replicas",
        r#type: "integer",
        description: "Pods wanted",
    },
    Column {
        name: "Current",
        path: ".status.replicas",
        r#type: "integer",
        description: "Pods of all revisions",
    },
    Column {
        name: "Up-to-date",
        path: ".status.updatedReplicas",
        r#type: "integer",
        description: "Pods of the newest revision",
    },
    Column {
        name: "Available",
        path: ".status.availableReplicas",
        r#type: "integer",
        description: "Available pods",
    },
    AGE,
];

/// The schema of a kind as the API server gets it, for checking objects without one. `None` for a kind that is not
/// ours.
#[must_use]
pub fn schema_of(kind: &str) -> Option<Value> {
    kinds()
        .into_iter()
        .find(|known| known.kind == kind)
        .map(|known| object_schema(&known))
}

/// All manifests: file name and YAML text.
///
/// # Errors
/// A schema that cannot be written as YAML, which would be a defect of this module.
pub fn manifests() -> Result<Vec<(String, String)>, YamlError> {
    kinds()
        .iter()
        .map(|kind| Ok((format!("{}.yaml", kind.plural), yaml::to_string(&manifest(kind))?)))
        .collect()
}

fn kinds() -> [Kind; 5] {
    [
        Kind {
            kind: "AnalysisRun",
            plural: "analysisruns",
            short: "ar",
            scope: "Namespaced",
            columns: &[STATUS, AGE],
            subresources: json!({}),
            spec: schema::of::<AnalysisRunSpec>(),
            status: Some(schema::of::<AnalysisRunStatus>()),
        },
        Kind {
            kind: "AnalysisTemplate",
            plural: "analysistemplates",
            short: "at",
            scope: "Namespaced",
            columns: &[AGE],
            subresources: json!({}),
            spec: schema::of::<AnalysisTemplateSpec>(),
            status: None,
        },
        Kind {
            kind: "ClusterAnalysisTemplate",
            plural: "clusteranalysistemplates",
            short: "cat",
            scope: "Cluster",
            columns: &[AGE],
            subresources: json!({}),
            spec: schema::of::<AnalysisTemplateSpec>(),
            status: None,
        },
        Kind {
            kind: "Experiment",
            plural: "experiments",
            short: "exp",
            scope: "Namespaced",
            columns: &[STATUS, AGE],
            subresources: json!({}),
            spec: schema::of::<ExperimentSpec>(),
            status: Some(schema::of::<ExperimentStatus>()),
        },
        Kind {
            kind: "Rollout",
            plural: "rollouts",
            short: "ro",
            scope: "Namespaced",
            columns: &PODS,
            subresources: json!({
                "scale": {
                    "specReplicasPath": ".spec.replicas",
                    "statusReplicasPath": ".status.HPAReplicas",
                    "labelSelectorPath": ".status.selector",
                },
                "status": {},
            }),
            spec: schema::of::<RolloutSpec>(),
            status: Some(schema::of::<RolloutStatus>()),
        },
    ]
}

fn manifest(kind: &Kind) -> Value {
    let columns: Vec<Value> = kind.columns.iter().map(column).collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.{GROUP}", kind.plural)},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.kind,
                "listKind": format!("{}List", kind.kind),
                "plural": kind.plural,
                "shortNames": [kind.short],
                "singular": kind.kind.to_lowercase(),
            },
            "scope": kind.scope,
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "additionalPrinterColumns": columns,
                "schema": {"openAPIV3Schema": object_schema(kind)},
                "subresources": kind.subresources,
            }],
        },
    })
}

fn column(column: &Column) -> Value {
    json!({
        "name": column.name,
        "jsonPath": column.path,
        "type": column.r#type,
        "description": column.description,
    })
}

fn object_schema(kind: &Kind) -> Value {
    let mut properties = Map::new();
    for word in ["apiVersion", "kind"] {
        properties.insert(word.to_owned(), json!({"type": "string"}));
    }
    properties.insert("metadata".to_owned(), json!({"type": "object"}));
    properties.insert("spec".to_owned(), kind.spec.clone());
    if let Some(status) = &kind.status {
        properties.insert("status".to_owned(), status.clone());
    }
    json!({"type": "object", "properties": properties, "required": ["spec"]})
}
