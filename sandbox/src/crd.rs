//! CustomResourceDefinitions: what they define is served from the moment they are stored.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::registry::{ResourceType, ScalePaths, Version};
use crate::schema::Schema;
use crate::state::State;
use crate::store::{ObjectKey, ResourceId};
use crate::table::Column;

impl State {
    /// Serves the type of a stored definition and says so in its status.
    pub(crate) fn serve_definition(&mut self, definition: &Arc<Value>) {
        let resource = resource_type(definition);
        self.registry.insert(resource);
        let now = self.now();
        let mut object = (**definition).clone();
        let mut names = object["spec"]["names"].clone();
        if names.get("listKind").is_none() {
            names["listKind"] = json!(format!("{}List", names["kind"].as_str().unwrap_or_default()));
        }
        if names.get("singular").is_none() {
            names["singular"] = json!(names["kind"].as_str().unwrap_or_default().to_lowercase());
        }
        let storage = storage_version(definition);
        let condition = |kind: &str, reason: &str, message: &str| {
            let before = definition["status"]["conditions"].as_array().into_iter().flatten();
            let since = before
                .filter(|condition| condition["type"] == kind && condition["status"] == "True")
                .find_map(|condition| condition["lastTransitionTime"].as_str());
            json!({
                "type": kind, "status": "True", "reason": reason, "message": message,
                "lastTransitionTime": since.unwrap_or(&now),
            })
        };
        object["status"] = json!({
            "acceptedNames": names,
            "storedVersions": [storage],
            "conditions": [
                condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
            ],
        });
        if object != **definition {
            let name = definition["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            self.store.put(&definition_key(&name), object);
        }
    }

    /// Stops serving a deleted definition's type; its objects go with it.
    pub(crate) fn drop_definition(&mut self, definition: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (group, plural) = (
            text(&definition["spec"]["group"]),
            text(&definition["spec"]["names"]["plural"]),
        );
        let id = ResourceId::new(&group, &plural);
        let keys: Vec<ObjectKey> = self
            .store
            .list(&id, None, None)
            .map(|(at, _)| ObjectKey {
                resource: id.clone(),
                at: at.clone(),
            })
            .collect();
        for key in keys {
            self.finish_removal(&key, None);
        }
        self.registry.remove(&group, &plural);
    }
}

fn definition_key(name: &str) -> ObjectKey {
    ObjectKey {
        resource: ResourceId::new("apiextensions.k8s.io", "customresourcedefinitions"),
        at: crate::store::ObjectName {
            namespace: String::new(),
            name: name.to_owned(),
        },
    }
}

fn storage_version(definition: &Value) -> String {
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    let storage = versions
        .clone()
        .find(|version| version["storage"] == true)
        .or(versions.clone().next());
    storage
        .and_then(|version| version["name"].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn resource_type(definition: &Value) -> ResourceType {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let (group, plural, kind) = (text(&spec["group"]), text(&names["plural"]), text(&names["kind"]));
    let versions = spec["versions"].as_array().into_iter().flatten();
    ResourceType {
        id: ResourceId::new(&group, &plural),
        singular: names["singular"]
            .as_str()
            .map_or_else(|| kind.to_lowercase(), str::to_owned),
        list_kind: names["listKind"]
            .as_str()
            .map_or_else(|| format!("{kind}List"), str::to_owned),
        group,
        plural,
        kind,
        short_names: list(&names["shortNames"]),
        categories: list(&names["categories"]),
        namespaced: spec["scope"] != "Cluster",
        custom: true,
        storage: storage_version(definition),
        versions: versions
            .filter(|version| version["served"] != false)
            .map(served_version)
            .collect(),
    }
}

fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => fields.contains_key("x-kubernetes-validations") || fields.values().any(has_rules),
        Value::Array(items) => items.iter().any(has_rules),
        _ => false,
    }
}

fn served_version(version: &Value) -> Version {
    let path = |value: &Value| value.as_str().map(|path| path.trim_start_matches('.').to_owned());
    let scale = &version["subresources"]["scale"];
    Version {
        name: version["name"].as_str().unwrap_or_default().to_owned(),
        status: version["subresources"]["status"].is_object(),
        scale: scale.is_object().then(|| ScalePaths {
            spec_replicas: path(&scale["specReplicasPath"]).unwrap_or_else(|| "spec.replicas".to_owned()),
            status_replicas: path(&scale["statusReplicasPath"]).unwrap_or_else(|| "status.replicas".to_owned()),
            selector: path(&scale["labelSelectorPath"]),
        }),
        schema: Some(Arc::new(Schema::parse(&version["schema"]["openAPIV3Schema"]))),
        has_rules: has_rules(&version["schema"]["openAPIV3Schema"]),
        columns: Column::of_definition(version),
        document: Arc::new(version["schema"]["openAPIV3Schema"].clone()),
    }
}
