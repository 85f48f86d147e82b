//! Server-side tables (`as=Table`): what `kubectl get` prints, columns of definitions included.

mod builtin;
mod path;
mod text;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::registry::ResourceType;
use crate::state::Resolved;

/// One column of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) format: String,
    pub(crate) description: String,
    /// Columns above 0 are shown by `-o wide` only.
    pub(crate) priority: i64,
    /// Where a definition finds the value; empty for built-in types.
    pub(crate) path: String,
}

impl Column {
    fn plain(name: &str, kind: &str, priority: i64) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            format: if name == "Name" {
                "name".to_owned()
            } else {
                String::new()
            },
            description: String::new(),
            priority,
            path: String::new(),
        }
    }

    /// The columns of one version of a definition; by default the age.
    pub(crate) fn of_definition(version: &Value) -> Vec<Self> {
        let text = |column: &Value, field: &str| column[field].as_str().unwrap_or_default().to_owned();
        let columns = version["additionalPrinterColumns"].as_array();
        let given = columns.into_iter().flatten().map(|column| Self {
            name: text(column, "name"),
            kind: text(column, "type"),
            format: text(column, "format"),
            description: text(column, "description"),
            priority: column["priority"].as_i64().unwrap_or(0),
            path: text(column, "jsonPath"),
        });
        let mut all = vec![Self::plain("Name", "string", 0)];
        all.extend(given);
        if columns.is_none_or(Vec::is_empty) {
            let mut age = Self::plain("Age", "date", 0);
            ".metadata.creationTimestamp".clone_into(&mut age.path);
            all.push(age);
        }
        all
    }

    fn to_value(&self) -> Value {
        json!({
            "name": self.name, "type": self.kind, "format": self.format,
            "description": self.description, "priority": self.priority,
        })
    }
}

/// How much of each object goes with its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Include {
    Nothing,
    Metadata,
    Object,
}

impl Include {
    /// Reads the query parameter `includeObject`.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        match text {
            Some("None") => Self::Nothing,
            Some("Object") => Self::Object,
            _ => Self::Metadata,
        }
    }
}

/// A table of some objects of one type; ages are counted up to `now`.
pub(crate) fn render(
    target: &Resolved,
    objects: &[Arc<Value>],
    metadata: &Value,
    now: Timestamp,
    include: Include,
) -> Value {
    let (columns, rows): (Vec<Value>, Vec<Value>) = match custom_columns(target) {
        Some(columns) => (
            columns.iter().map(Column::to_value).collect(),
            objects
                .iter()
                .map(|object| row(object, &custom_cells(columns, object, now), include))
                .collect(),
        ),
        None => (
            builtin::columns(&target.resource.kind)
                .iter()
                .map(Column::to_value)
                .collect(),
            objects
                .iter()
                .map(|object| row(object, &builtin::cells(&target.resource.kind, object, now), include))
                .collect(),
        ),
    };
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": columns, "rows": rows,
    })
}

/// The table of a scale subresource.
pub(crate) fn of_scale(scale: &Value, now: Timestamp) -> Value {
    let columns = [
        ("Name", "string"),
        ("Desired", "integer"),
        ("Available", "integer"),
        ("Age", "string"),
    ];
    let columns: Vec<Value> = columns
        .iter()
        .map(|(name, kind)| Column::plain(name, kind, 0).to_value())
        .collect();
    let count = |part: &str| scale[part]["replicas"].as_i64().unwrap_or(0);
    let old = text::age(scale["metadata"]["creationTimestamp"].as_str(), now);
    let cells = vec![
        scale["metadata"]["name"].clone(),
        json!(count("spec")),
        json!(count("status")),
        json!(old),
    ];
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {},
        "columnDefinitions": columns, "rows": [row(scale, &cells, Include::Metadata)],
    })
}

fn custom_columns(target: &Resolved) -> Option<&[Column]> {
    let resource: &ResourceType = &target.resource;
    resource.custom.then(|| {
        resource
            .version(&target.version)
            .map_or(&[][..], |version| &version.columns)
    })
}

fn row(object: &Value, cells: &[Value], include: Include) -> Value {
    let shown = match include {
        Include::Nothing => Value::Null,
        Include::Object => object.clone(),
        Include::Metadata => json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
        }),
    };
    json!({ "cells": cells, "object": shown })
}

fn custom_cells(columns: &[Column], object: &Value, now: Timestamp) -> Vec<Value> {
    let cell = |column: &Column| {
        if column.path.is_empty() {
            return object["metadata"]["name"].clone();
        }
        let Some(value) = path::find(object, &column.path) else {
            return Value::Null;
        };
        match (column.kind.as_str(), value) {
            ("string", Value::String(_)) | ("boolean", Value::Bool(_)) | ("number", Value::Number(_)) => value.clone(),
            ("string", other) => json!(other.to_string()),
            ("integer", Value::Number(number)) => number
                .as_i64()
                .map_or_else(|| json!(number.as_f64().map(f64::trunc)), |whole| json!(whole)),
            ("date", Value::String(time)) => json!(text::age(Some(time), now)),
            _ => Value::Null,
        }
    };
    columns.iter().map(cell).collect()
}
