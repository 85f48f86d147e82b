//! A case, and how its fields are read.

use anyhow::{Result, anyhow, bail};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serin_core::api::analysis_template::AnalysisTemplateSpec;
use serin_core::api::lenient;
use serin_core::observed::{Template, Templates};
use std::collections::BTreeMap;

/// A case. A field that is null says what an absent one says, as in Go.
pub(crate) struct Case(Map<String, Value>);

impl Case {
    pub(crate) fn of(case: Value) -> Result<Self> {
        match case {
            Value::Object(fields) => Ok(Self(fields)),
            other => bail!("a case is an object, not {other}"),
        }
    }

    /// A field as it is written; null where it is absent.
    pub(crate) fn raw(&self, field: &str) -> &Value {
        self.0.get(field).unwrap_or(&Value::Null)
    }

    /// A field of a type; its default where it is absent.
    pub(crate) fn field<T: DeserializeOwned + Default>(&self, field: &str) -> Result<T> {
        read(self.raw(field), field)
    }

    pub(crate) fn text(&self, field: &str) -> Result<String> {
        self.field(field)
    }

    /// The templates that there are: `templates` and `clusterTemplates`.
    pub(crate) fn templates(&self) -> Result<Templates> {
        let named = |field: &str| -> Result<BTreeMap<String, Template>> {
            let all = self.listed::<AnalysisTemplateSpec>(field)?.into_iter();
            Ok(all.map(|(name, spec)| (name, Template::from(spec))).collect())
        };
        Ok(Templates {
            namespaced: named("templates")?,
            cluster: named("clusterTemplates")?,
        })
    }

    /// The names and specs of a list of objects.
    pub(crate) fn listed<T: DeserializeOwned + Default>(&self, field: &str) -> Result<Vec<(String, T)>> {
        let objects: Vec<Value> = self.field(field)?;
        let named = |(index, object): (usize, &Value)| {
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            Ok((name, read(&object["spec"], &format!("{field}[{index}].spec"))?))
        };
        objects.iter().enumerate().map(named).collect()
    }
}

/// A value of a type, without its nulls.
pub(crate) fn read<T: DeserializeOwned + Default>(value: &Value, field: &str) -> Result<T> {
    match lenient::part(without_nulls(value), field) {
        (read, None) => Ok(read),
        (_, Some(why)) => Err(anyhow!("{why}")),
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let given = fields.iter().filter(|(_, value)| !value.is_null());
            given
                .map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
