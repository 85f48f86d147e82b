//! Who owns which field: `metadata.managedFields`.
//!
//! Applied objects carry it always. Other objects get it where the server was told to ([`crate::ApiServer::track_fields`]):
//! nothing in a test asks for it, and it makes every write dearer.

use serde_json::{Value, json};

use crate::fields::{FieldSet, shown};
use crate::registry::api_version;
use crate::schema::Schema;
use crate::state::Resolved;
use crate::status::ApiError;

/// Who had the fields of an object that nobody had tracked.
const BEFORE: &str = "before-first-apply";

/// How somebody owns fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
struct Owner {
    operation: Operation,
    time: String,
    manager: String,
    api_version: String,
    subresource: String,
    fields: FieldSet,
}

impl Owner {
    fn parse(entry: &Value) -> Option<Self> {
        let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        Some(Self {
            operation: match entry["operation"].as_str()? {
                "Apply" => Operation::Apply,
                _ => Operation::Update,
            },
            time: text("time"),
            manager: text("manager"),
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            fields: FieldSet::from_value(&entry["fieldsV1"]),
        })
    }

    fn to_value(&self) -> Value {
        let operation = match self.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        };
        let mut entry = json!({
            "apiVersion": self.api_version, "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_value(),
            "manager": self.manager, "operation": operation, "time": self.time,
        });
        if !self.subresource.is_empty() {
            entry["subresource"] = json!(self.subresource);
        }
        entry
    }

    fn is(&self, by: &By<'_>, operation: Operation, api_version: &str) -> bool {
        self.operation == operation
            && self.manager == by.manager
            && self.subresource == by.subresource
            && (operation == Operation::Apply || self.api_version == api_version)
    }

    /// As conflicts name it.
    fn shown(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if self.operation == Operation::Update {
            text.push_str(&format!(" using {}", self.api_version));
        }
        text
    }
}

/// Who writes, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) manager: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) now: &'a str,
}

/// Whether an apply may take fields that others own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Force<'a> {
    All,
    /// These fields only, if it takes no others.
    Only(&'a FieldSet),
}

/// The entries of an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(Vec<Owner>);

/// Fields that the server fills in and nobody owns.
fn unowned() -> FieldSet {
    let none = json!({});
    FieldSet::from_value(&json!({
        "f:apiVersion": none, "f:kind": none,
        "f:metadata": {
            ".": none, "f:name": none, "f:namespace": none, "f:uid": none, "f:creationTimestamp": none, "f:generation": none,
            "f:deletionTimestamp": none, "f:deletionGracePeriodSeconds": none,
            "f:managedFields": none, "f:resourceVersion": none, "f:selfLink": none,
        },
    }))
}

/// An object without what nobody owns and without its entries.
fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        metadata.remove("resourceVersion");
    }
    object
}

/// What an empty object of a built-in type looks like on the wire: these parts are never absent.
pub(crate) fn empty(target: &Resolved) -> Value {
    if target.resource.custom {
        return json!({ "metadata": {} });
    }
    let template = json!({ "metadata": {}, "spec": { "containers": null } });
    match target.resource.kind.as_str() {
        "Deployment" => {
            json!({ "metadata": {}, "spec": { "selector": null, "strategy": {}, "template": template }, "status": {} })
        }
        "ReplicaSet" => json!({ "metadata": {}, "spec": { "selector": null, "template": template }, "status": {} }),
        "Job" => json!({ "metadata": {}, "spec": { "template": template }, "status": {} }),
        "Pod" => json!({ "metadata": {}, "spec": { "containers": null }, "status": {} }),
        "NetworkPolicy" => json!({ "metadata": {}, "spec": { "podSelector": {} } }),
        "Service" => json!({ "metadata": {}, "spec": {}, "status": { "loadBalancer": {} } }),
        "Node" | "Namespace" | "PersistentVolumeClaim" | "Ingress" | "Lease" | "PodDisruptionBudget" => {
            json!({ "metadata": {}, "spec": {}, "status": {} })
        }
        _ => json!({ "metadata": {} }),
    }
}

impl Owners {
    /// The entries of an object.
    pub(crate) fn of(object: &Value) -> Self {
        let entries = object["metadata"]["managedFields"].as_array();
        Self(entries.into_iter().flatten().filter_map(Owner::parse).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the entries into an object.
    pub(crate) fn write(mut self, object: &mut Value) {
        self.0.retain(|owner| !owner.fields.is_empty());
        self.0.sort_by(|a, b| {
            (a.operation, &a.time, &a.manager, &a.subresource).cmp(&(b.operation, &b.time, &b.manager, &b.subresource))
        });
        if let Some(metadata) = object["metadata"].as_object_mut() {
            if self.0.is_empty() {
                metadata.remove("managedFields");
            } else {
                let entries = self.0.iter().map(Owner::to_value).collect();
                metadata.insert("managedFields".to_owned(), Value::Array(entries));
            }
        }
    }

    fn others_lose(
        &mut self,
        schema: &Schema,
        old: &Value,
        new: &Value,
        mine: impl Fn(&Owner) -> bool,
        force: Force<'_>,
    ) -> Result<FieldSet, ApiError> {
        let found = schema.compare(&bare(old), &bare(new));
        let mut changed = found.added;
        changed.union(&found.modified);
        if let Force::Only(allowed) = force {
            let taken: Vec<(&Owner, FieldSet)> = self
                .0
                .iter()
                .filter(|owner| !mine(owner))
                .map(|owner| (owner, owner.fields.intersection(&changed)))
                .filter(|(_, taken)| !taken.is_empty())
                .collect();
            let refused = taken.iter().any(|(_, fields)| {
                let mut left = fields.clone();
                left.subtract(allowed);
                !left.is_empty()
            });
            if refused {
                return Err(conflict(&taken));
            }
        }
        for owner in self.0.iter_mut().filter(|owner| !mine(owner)) {
            owner.fields.subtract(&changed);
            owner.fields.subtract(&found.removed);
        }
        for owner in self.0.iter_mut().filter(|owner| mine(owner)) {
            owner.fields.subtract(&found.removed);
        }
        Ok(changed)
    }

    /// A write other than an apply: what changed belongs to the writer.
    pub(crate) fn update(
        &mut self,
        target: &Resolved,
        schema: &Schema,
        old: &Value,
        new: &Value,
        by: &By<'_>,
    ) -> Result<(), ApiError> {
        let version = api_version(&target.resource.group, &target.version);
        let before = self
            .0
            .iter()
            .find(|owner| owner.is(by, Operation::Update, &version))
            .map(|it| it.fields.clone());
        let mut changed = self.others_lose(
            schema,
            old,
            new,
            |owner| owner.is(by, Operation::Update, &version),
            Force::All,
        )?;
        changed.subtract(&unowned());
        match self
            .0
            .iter_mut()
            .find(|owner| owner.is(by, Operation::Update, &version))
        {
            Some(owner) => {
                owner.fields.union(&changed);
                if Some(&owner.fields) != before.as_ref() {
                    by.now.clone_into(&mut owner.time);
                }
            }
            None => self.0.push(Owner {
                operation: Operation::Update,
                time: by.now.to_owned(),
                manager: by.manager.to_owned(),
                api_version: version,
                subresource: by.subresource.to_owned(),
                fields: changed,
            }),
        }
        Ok(())
    }

    /// An apply: the object with `config` laid over it and without what the applier no longer wants.
    pub(crate) fn apply(
        &mut self,
        target: &Resolved,
        schema: &Schema,
        live: &Value,
        config: &Value,
        by: &By<'_>,
        force: Force<'_>,
    ) -> Result<Value, ApiError> {
        let version = api_version(&target.resource.group, &target.version);
        let mut wanted = schema.paths(&bare(config));
        wanted.subtract(&unowned());
        let last = self
            .0
            .iter()
            .position(|owner| owner.is(by, Operation::Apply, &version))
            .map(|at| self.0.remove(at));
        let same = last
            .as_ref()
            .is_some_and(|last| last.fields == wanted && last.api_version == version);
        let time = last
            .as_ref()
            .filter(|_| same)
            .map_or(by.now, |last| &last.time)
            .to_owned();
        self.0.push(Owner {
            operation: Operation::Apply,
            time,
            manager: by.manager.to_owned(),
            api_version: version.clone(),
            subresource: by.subresource.to_owned(),
            fields: wanted,
        });
        let mut merged = schema.merge(live, &bare(config));
        let unwanted = last.map(|last| last.fields.paths()).unwrap_or_default();
        for path in &unwanted {
            if !self.0.iter().any(|owner| owner.fields.reaches(path)) {
                schema.remove(&mut merged, path);
            }
        }
        self.others_lose(
            schema,
            live,
            &merged,
            |owner| owner.is(by, Operation::Apply, &version),
            force,
        )?;
        Ok(merged)
    }

    /// Before the first apply, all that is there belongs to nobody known.
    pub(crate) fn adopt_all(&mut self, target: &Resolved, schema: &Schema, live: &Value, now: &str) {
        let mut fields = schema.paths(&bare(live));
        fields.subtract(&unowned());
        self.0.push(Owner {
            operation: Operation::Update,
            time: now.to_owned(),
            manager: BEFORE.to_owned(),
            api_version: api_version(&target.resource.group, &target.version),
            subresource: String::new(),
            fields,
        });
    }
}

/// 409 as a real server words it.
fn conflict(taken: &[(&Owner, FieldSet)]) -> ApiError {
    let all: Vec<(String, String)> = taken
        .iter()
        .flat_map(|(owner, fields)| fields.paths().into_iter().map(|path| (owner.shown(), shown(&path))))
        .collect();
    let message = match all.as_slice() {
        [(owner, path)] => format!("Apply failed with 1 conflict: conflict with {owner}: {path}"),
        many => {
            let mut owners: Vec<&String> = many.iter().map(|(owner, _)| owner).collect();
            owners.sort();
            owners.dedup();
            let mut lines = Vec::new();
            for owner in owners {
                lines.push(format!("conflicts with {owner}:"));
                lines.extend(
                    many.iter()
                        .filter(|(it, _)| it == owner)
                        .map(|(_, path)| format!("- {path}")),
                );
            }
            format!("Apply failed with {} conflicts: {}", many.len(), lines.join("\n"))
        }
    };
    let causes: Vec<Value> = all
        .iter()
        .map(|(owner, path)| json!({ "reason": "FieldManagerConflict", "message": format!("conflict with {owner}"), "field": path }))
        .collect();
    let mut error = ApiError::new(409, "Conflict", message);
    error.details = Some(Box::new(json!({ "causes": causes })));
    error
}
