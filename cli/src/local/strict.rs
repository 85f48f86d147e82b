//! Strict decoding in the words of Go's readers of JSON and YAML, which scripts know (contract 10 §9). Where a value does not
//! fit, Go names its own types: those of the kinds and of the pod template are listed here.

use serde_json::{Map, Value};
use serin_core::crd::strict_schema_of;
use serin_core::notation::yaml::YamlError;

/// The first thing in an object of a kind of ours that the API server would refuse or drop; `None` if there is none, or the
/// kind is not ours.
pub(crate) fn problem(object: &Value, kind: &str) -> Option<String> {
    let schema = strict_schema_of(kind)?;
    let mut path = Path {
        fields: Vec::new(),
        structs: vec![kind.to_owned()],
    };
    path.value(object, &schema)
}

/// Writes booleans and numbers as text where a field of a kind of ours wants text, as Go's reader of YAML does.
pub(crate) fn as_texts(object: &mut Value, kind: &str) {
    if let Some(schema) = strict_schema_of(kind) {
        texts(object, &schema);
    }
}

fn texts(value: &mut Value, schema: &Value) {
    let wants_text = schema.get("type").and_then(Value::as_str) == Some("string");
    match value {
        Value::Bool(_) | Value::Number(_) if wants_text => *value = Value::String(value.to_string()),
        Value::Object(members) => {
            for (name, member) in members {
                let known = schema.get("additionalProperties");
                if let Some(schema) = known.or_else(|| schema.get("properties")?.get(name)) {
                    texts(member, schema);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| texts(item, &schema["items"])),
        _ => {}
    }
}

/// A problem, as it is told of a YAML file.
pub(crate) fn in_yaml(problem: &str) -> String {
    format!("error unmarshaling JSON: while decoding JSON: {problem}")
}

/// A text that is no JSON.
pub(crate) fn json_syntax(error: &serde_json::Error) -> String {
    if error.is_eof() {
        "unexpected EOF".to_owned()
    } else {
        format!("invalid JSON: {error}")
    }
}

/// A text that is no YAML.
pub(crate) fn yaml_syntax(error: &YamlError) -> String {
    format!("error converting YAML to JSON: {}", yaml_reader(error))
}

/// The same, without the conversion that `create` tells of.
pub(crate) fn yaml_reader(error: &YamlError) -> String {
    match error {
        YamlError::Read { line, message, .. } => format!("yaml: line {line}: {message}"),
        YamlError::Write(message) => format!("yaml: {message}"),
    }
}

/// Refuses what is no object of any kind; an empty file says nothing, and passes.
///
/// # Errors
/// In the words of the reader of unknown kinds.
pub(crate) fn refuse_no_object(object: &Value) -> Result<(), String> {
    let problem = match object {
        Value::Null => return Ok(()),
        Value::Object(members) => {
            let kind = members.get("kind").and_then(Value::as_str).unwrap_or_default();
            if !kind.is_empty() {
                return Ok(());
            }
            format!("Object 'Kind' is missing in '{object}'")
        }
        other => format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            word_of(other)
        ),
    };
    Err(problem)
}

/// Where a decoder stands: the fields below the object, and the types around them.
struct Path {
    fields: Vec<String>,
    structs: Vec<String>,
}

impl Path {
    fn value(&mut self, value: &Value, schema: &Value) -> Option<String> {
        let expected = schema.get("type").and_then(Value::as_str);
        let fits = match (expected, value) {
            (_, Value::Null) => true,
            (None, _) if schema.get("x-kubernetes-int-or-string").is_some() => value.is_i64() || value.is_string(),
            (None, _) => true,
            (Some("object"), _) => value.is_object(),
            (Some("array"), _) => value.is_array(),
            (Some("string"), _) => value.is_string(),
            (Some("boolean"), _) => value.is_boolean(),
            (Some("integer"), _) => value.is_i64() || value.is_u64(),
            (Some(_), _) => value.is_number(),
        };
        if !fits {
            return Some(self.misfit(value, schema));
        }
        match value {
            Value::Object(members) => self.object(members, schema),
            Value::Array(items) => items.iter().find_map(|item| self.value(item, &schema["items"])),
            _ => None,
        }
    }

    fn object(&mut self, members: &Map<String, Value>, schema: &Value) -> Option<String> {
        if let Some(values) = schema.get("additionalProperties") {
            return members.values().find_map(|value| self.value(value, values));
        }
        let open = schema.get("x-kubernetes-preserve-unknown-fields").is_some() || schema.get("type").is_none();
        let known = schema.get("properties").and_then(Value::as_object);
        // A document says which kind it is; its schema may not.
        let is_type = |name: &str| self.fields.is_empty() && (name == "apiVersion" || name == "kind");
        let members: Vec<_> = members.iter().filter(|(name, _)| !is_type(name)).collect();
        for (name, value) in members {
            let found = match known.and_then(|known| known.get(name)) {
                Some(schema) => self.below(name, |path| path.value(value, schema)),
                None if open => None,
                None => Some(format!("json: unknown field {name:?}")),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn below(&mut self, field: &str, look: impl FnOnce(&mut Self) -> Option<String>) -> Option<String> {
        let inside = struct_of(self.structs.last().map_or("", String::as_str), field);
        self.fields.push(field.to_owned());
        self.structs.push(inside);
        let found = look(self);
        self.fields.pop();
        self.structs.pop();
        found
    }

    fn misfit(&self, value: &Value, schema: &Value) -> String {
        let around = self.structs.iter().rev().nth(1).map_or("", String::as_str);
        let inside = self.structs.last().map_or("", String::as_str);
        let fields = self.fields.join(".");
        let (word, wanted) = (word_of(value), go_type(schema, inside));
        format!("json: cannot unmarshal {word} into Go struct field {around}.{fields} of type {wanted}")
    }
}

/// What Go calls a JSON value; a number that is no whole one is named itself.
fn word_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

/// Go's type for a field, by its schema.
fn go_type(schema: &Value, inside: &str) -> String {
    match schema.get("type").and_then(Value::as_str) {
        Some("integer") => match schema.get("format").and_then(Value::as_str) {
            Some("int64") => "int64".to_owned(),
            Some(_) | None => "int32".to_owned(),
        },
        Some("boolean") => "bool".to_owned(),
        Some("string") => "string".to_owned(),
        Some("number") => "float64".to_owned(),
        Some("array") => format!("[]{}", go_type(&schema["items"], inside)),
        Some("object") if schema.get("additionalProperties").is_some() => "map[string]string".to_owned(),
        Some(_) | None => format!("{}.{inside}", package_of(inside)),
    }
}

fn package_of(name: &str) -> &'static str {
    const OURS: [&str; 12] = [
        "Rollout",
        "Experiment",
        "Analysis",
        "Canary",
        "BlueGreen",
        "ClusterAnalysis",
        "Metric",
        "SetCanaryScale",
        "Template",
        "Argument",
        "Istio",
        "PingPong",
    ];
    if OURS.iter().any(|prefix| name.starts_with(prefix)) {
        "v1alpha1"
    } else {
        "v1"
    }
}

/// The name of Go's type for a field of a type.
fn struct_of(around: &str, field: &str) -> String {
    let known = match (around, field) {
        (_, "metadata") => "ObjectMeta",
        ("Rollout", "spec") => "RolloutSpec",
        ("RolloutSpec", "strategy") => "RolloutStrategy",
        ("RolloutSpec", "workloadRef") => "ObjectRef",
        ("RolloutSpec" | "TemplateSpec", "selector") => "LabelSelector",
        ("RolloutStrategy", "canary") => "CanaryStrategy",
        ("RolloutStrategy", "blueGreen") => "BlueGreenStrategy",
        ("CanaryStrategy", "steps") => "CanaryStep",
        ("CanaryStrategy", "trafficRouting") => "RolloutTrafficRouting",
        ("CanaryStep", "pause") => "RolloutPause",
        ("CanaryStep" | "BlueGreenStrategy", "analysis" | "prePromotionAnalysis" | "postPromotionAnalysis") => {
            "RolloutAnalysis"
        }
        ("CanaryStrategy", "analysis") => "RolloutAnalysisBackground",
        (_, "template") => "PodTemplateSpec",
        ("PodTemplateSpec", "spec") => "PodSpec",
        (_, "containers" | "initContainers") => "Container",
        ("Container", "env") => "EnvVar",
        ("Container", "ports") => "ContainerPort",
        ("Container", "resources") => "ResourceRequirements",
        ("PodSpec", "volumes") => "Volume",
        ("Experiment", "spec") => "ExperimentSpec",
        ("ExperimentSpec", "templates") => "TemplateSpec",
        ("AnalysisTemplate" | "ClusterAnalysisTemplate", "spec") => "AnalysisTemplateSpec",
        ("AnalysisRun", "spec") => "AnalysisRunSpec",
        (_, "metrics") => "Metric",
        (_, "args") => "Argument",
        ("Metric", "provider") => "MetricProvider",
        (_, other) => return capitalised(other),
    };
    known.to_owned()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
