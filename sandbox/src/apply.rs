//! Server-side apply, and the entry of all other writes in `managedFields`.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::admit::Part;
use crate::create::{WriteOptions, checked_body};
use crate::managed::{By, Force, Owners, empty};
use crate::state::{Resolved, State};
use crate::status::{ApiError, FieldError};

impl State {
    /// PATCH with an applied configuration: creates the object or lays the configuration over it. Also the HTTP code.
    pub(crate) fn apply(
        &mut self,
        target: &Resolved,
        body: &[u8],
        part: Part,
        options: &WriteOptions,
        named: bool,
    ) -> Result<(u16, Arc<Value>), ApiError> {
        if !named {
            let error = FieldError::required("fieldManager", "is required for apply patch");
            return Err(ApiError::invalid("meta.k8s.io", "PatchOptions", "", &[error]));
        }
        let config = self.configuration(target, body, part, options)?;
        let schema = target.schema();
        let now = self.now();
        let by = By {
            manager: &options.manager,
            subresource: &target.subresource,
            now: &now,
        };
        let Some(current) = self.store.get(&target.key()) else {
            if part == Part::Status {
                return Err(target.not_found());
            }
            let mut owners = Owners::default();
            let merged = owners.apply(target, &schema, &json!({ "metadata": {} }), &config, &by, Force::All)?;
            return Ok((201, self.create(target, merged, options, Some(owners))?));
        };
        let mut owners = Owners::of(&current);
        if owners.is_empty() {
            owners.adopt_all(target, &schema, &current, &now);
        }
        // kubectl goes over from client-side apply without a conflict: what it applied last is its own.
        let last = &current["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
        let last = last
            .as_str()
            .filter(|_| options.manager == "kubectl")
            .and_then(|it| serde_json::from_str(it).ok());
        let allowed = last.map(|last: Value| schema.paths(&last)).unwrap_or_default();
        let force = if options.force {
            Force::All
        } else {
            Force::Only(&allowed)
        };
        let mut merged = owners.apply(target, &schema, &current, &config, &by, force)?;
        if let Some(version) = config["metadata"].get("resourceVersion") {
            merged["metadata"]["resourceVersion"] = version.clone();
        }
        Ok((200, self.write(target, &current, merged, part, options, Some(owners))?))
    }

    /// The body of an apply, checked against the schema.
    fn configuration(
        &self,
        target: &Resolved,
        body: &[u8],
        part: Part,
        options: &WriteOptions,
    ) -> Result<Value, ApiError> {
        let read: Value = serde_json::from_slice(body).map_err(|error| {
            ApiError::bad_request(format!("error decoding YAML: this server reads JSON only: {error}"))
        })?;
        let mut config = checked_body(target, read, options)?;
        let metadata = &config["metadata"];
        if metadata["name"].as_str().is_some_and(|name| name != target.name) {
            return Err(ApiError::bad_request(format!(
                "name in object ({}) does not match the name on the URL ({})",
                metadata["name"].as_str().unwrap_or_default(),
                target.name
            )));
        }
        if metadata["managedFields"]
            .as_array()
            .is_some_and(|entries| !entries.is_empty())
        {
            return Err(ApiError::bad_request("metadata.managedFields must be nil"));
        }
        config["metadata"]["name"] = json!(target.name);
        if target.resource.namespaced {
            config["metadata"]["namespace"] = json!(target.namespace);
        }
        let unknown = target.schema().prune(&mut config.clone());
        if let Some(field) = unknown.first() {
            let id = match target.namespace.as_str() {
                "" => target.name.clone(),
                namespace => format!("{namespace}/{}", target.name),
            };
            let version = crate::registry::api_version(&target.resource.group, &target.version);
            return Err(ApiError::new(
                500,
                "",
                format!(
                    "failed to create typed patch object ({id}; {version}, Kind={}): .{field}: field not declared in schema",
                    target.resource.kind
                ),
            ));
        }
        if let (true, Some(fields)) = (target.has_status(), config.as_object_mut()) {
            match part {
                Part::Main => {
                    fields.remove("status");
                }
                Part::Status => {
                    fields.retain(|name, _| matches!(name.as_str(), "apiVersion" | "kind" | "metadata" | "status"))
                }
            }
        }
        Ok(config)
    }

    /// Enters a write that is no apply, where writes are tracked.
    pub(crate) fn track(
        &self,
        target: &Resolved,
        current: Option<&Value>,
        object: &mut Value,
        options: &WriteOptions,
    ) -> Result<(), ApiError> {
        let mut owners = Owners::of(object);
        let tracked = current.is_some_and(|current| !Owners::of(current).is_empty());
        if self.track_fields || tracked {
            let nothing = empty(target);
            let now = self.now();
            let by = By {
                manager: &options.manager,
                subresource: &target.subresource,
                now: &now,
            };
            owners.update(target, &target.schema(), current.unwrap_or(&nothing), object, &by)?;
        }
        owners.write(object);
        Ok(())
    }
}
