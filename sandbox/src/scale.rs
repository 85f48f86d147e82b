//! The scale subresource, and what the paths of a definition's scale demand of an object.

use serde_json::{Value, json};

use crate::admit::{self, Part};
use crate::create::WriteOptions;
use crate::decode::{self, word};
use crate::registry::ScalePaths;
use crate::state::{Resolved, State};
use crate::status::{ApiError, FieldError};
use crate::update::check_name;

impl State {
    /// GET of the scale subresource.
    pub(crate) fn scale(&self, target: &Resolved) -> Result<Value, ApiError> {
        let current = self.current(target)?;
        let paths = paths(target)?;
        let spec = at_path(&current, &paths.spec_replicas);
        if target.resource.custom && spec.is_none_or(Value::is_null) {
            let path = &paths.spec_replicas;
            return Err(ApiError::new(
                500,
                "InternalError",
                format!("Internal error occurred: the spec replicas field \".{path}\" does not exist"),
            ));
        }
        Ok(scale_object(target, &current, &paths))
    }

    /// PUT or PATCH of the scale subresource: `change` makes the new scale of the old one.
    pub(crate) fn write_scale(
        &mut self,
        target: &Resolved,
        change: impl FnOnce(&Value) -> Result<Value, ApiError>,
        options: &WriteOptions,
    ) -> Result<Value, ApiError> {
        let current = self.current(target)?;
        let paths = paths(target)?;
        let scale = change(&scale_object(target, &current, &paths))?;
        if let Some(error) = decode::error("autoscaling", "v1", "Scale", &scale, options.way) {
            return Err(undecodable(target, &scale, &error, options));
        }
        let unknown = unknown_fields(&scale);
        admit::report_unknown(self, target, &unknown, None, options)?;
        check_name(target, &scale)?;
        let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
        let custom = target.resource.custom;
        if replicas < 0 && !custom {
            let error = FieldError::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
            return Err(ApiError::invalid("autoscaling", "Scale", &target.name, &[error]));
        }
        let uid = scale["metadata"]["uid"].as_str().unwrap_or_default();
        let own = current["metadata"]["uid"].as_str().unwrap_or_default();
        if !custom && !uid.is_empty() && uid != own {
            let cause = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {own}");
            let (plural, group) = (&target.resource.plural, &target.resource.group);
            return Err(ApiError::conflict(
                &format!("{plural}/scale.{group}"),
                &target.name,
                &cause,
            ));
        }
        let mut object = (*current).clone();
        object["metadata"]["resourceVersion"] = scale["metadata"]["resourceVersion"].clone();
        set_path(&mut object, &paths.spec_replicas, json!(replicas));
        let stored = self.write(target, &current, object, Part::Main, options, None)?;
        Ok(scale_object(target, &stored, &paths))
    }
}

fn paths(target: &Resolved) -> Result<ScalePaths, ApiError> {
    let served = target.served().and_then(|version| version.scale.clone());
    served.ok_or_else(ApiError::no_such_path)
}

/// What a real server says of a scale that it cannot read.
fn undecodable(target: &Resolved, scale: &Value, error: &str, options: &WriteOptions) -> ApiError {
    if options.is_patch {
        admit::undecodable(target, scale, error, options)
    } else if target.resource.custom {
        ApiError::bad_request("no kind is registered for the type v1.Scale in scheme \"pkg/runtime/scheme.go:111\"")
    } else {
        ApiError::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {error}"))
    }
}

fn unknown_fields(scale: &Value) -> Vec<String> {
    let below = |parent: &str, known: &[&str]| -> Vec<String> {
        let object = if parent.is_empty() { scale } else { &scale[parent] };
        let names = object.as_object().into_iter().flat_map(|fields| fields.keys());
        let unknown = names.filter(|name| !known.contains(&name.as_str()));
        let dot = if parent.is_empty() { "" } else { "." };
        unknown.map(|name| format!("{parent}{dot}{name}")).collect()
    };
    [
        below("", &["apiVersion", "kind", "metadata", "spec", "status"]),
        below("spec", &["replicas"]),
        below("status", &["replicas", "selector"]),
    ]
    .concat()
}

/// What stands in the way of the scale subresource in a custom resource.
pub(crate) fn errors(target: &Resolved, object: &Value, part: Part) -> Vec<FieldError> {
    let Some(paths) = target.served().and_then(|version| version.scale.as_ref()) else {
        return Vec::new();
    };
    match part {
        Part::Main => number_error(object, &paths.spec_replicas).into_iter().collect(),
        Part::Status => {
            let selector = paths.selector.as_ref().and_then(|path| {
                let error = access(object, path, "string").err()?;
                Some(FieldError::invalid(format!(".{path}"), &json!(""), &error))
            });
            number_error(object, &paths.status_replicas)
                .into_iter()
                .chain(selector)
                .collect()
        }
    }
}

fn number_error(object: &Value, path: &str) -> Option<FieldError> {
    let field = format!(".{path}");
    match access(object, path, "int64") {
        Err(error) => Some(FieldError::invalid(field, &json!(0), &error)),
        Ok(Some(value)) => {
            let number = value.as_i64()?;
            let detail = match number {
                ..0 => "should be a non-negative integer".to_owned(),
                _ if i32::try_from(number).is_err() => format!("should be less than or equal to {}", i32::MAX),
                _ => return None,
            };
            Some(FieldError::invalid(field, &json!(number), &detail))
        }
        Ok(None) => None,
    }
}

/// The value at a path, or what Go's accessor says of it.
fn access<'a>(object: &'a Value, path: &str, wanted: &str) -> Result<Option<&'a Value>, String> {
    let complain = |value: &Value, wanted: &str| {
        let (shown, kind) = (shown(value), go_type(value));
        format!(".{path} accessor error: {shown} is of the type {kind}, expected {wanted}")
    };
    let mut place = object;
    for key in path.split('.') {
        let Some(fields) = place.as_object() else {
            return Err(complain(place, "map[string]interface{}"));
        };
        match fields.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => place = value,
        }
    }
    if go_type(place) == wanted {
        Ok(Some(place))
    } else {
        Err(complain(place, wanted))
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        Value::Null | Value::Bool(_) | Value::String(_) => word(value),
    }
}

/// As Go prints a value.
fn shown(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(" ");
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", list(items.iter().map(shown).collect())),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}:{}", shown(value)));
            format!("map[{}]", list(fields.collect()))
        }
    }
}

fn at_path<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |value, key| value.get(key))
}

fn set_path(object: &mut Value, path: &str, value: Value) {
    let mut place = object;
    for key in path.split('.') {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[key];
    }
    *place = value;
}

fn scale_object(target: &Resolved, object: &Value, paths: &ScalePaths) -> Value {
    let number = |path: &str| at_path(object, path).and_then(Value::as_i64).unwrap_or(0);
    let metadata = &object["metadata"];
    let mut scale = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": target.name,
            "namespace": target.namespace,
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": {},
        "status": { "replicas": number(&paths.status_replicas) },
    });
    // Go's omitempty: none wanted is not written.
    match number(&paths.spec_replicas) {
        0 => {}
        replicas => scale["spec"]["replicas"] = json!(replicas),
    }
    match paths.selector.as_deref().and_then(|path| at_path(object, path)) {
        Some(Value::String(text)) => scale["status"]["selector"] = json!(text),
        Some(Value::Object(_)) if !target.resource.custom => {
            scale["status"]["selector"] = json!(selector_text(&object["spec"]["selector"]));
        }
        _ => {}
    }
    scale
}

/// A `metav1.LabelSelector` in query-string form.
pub(crate) fn selector_text(selector: &Value) -> String {
    let mut parts = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let values: Vec<&str> = expression["values"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        parts.push(match expression["operator"].as_str() {
            Some("Exists") => key.to_owned(),
            Some("DoesNotExist") => format!("!{key}"),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            _ => format!("{key} in ({})", values.join(",")),
        });
    }
    parts.join(",")
}
