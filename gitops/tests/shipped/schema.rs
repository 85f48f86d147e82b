//! The complete schema: of all that a kustomize schema may say, what kustomize asks for, which is the lists that a strategic
//! merge patch merges, and their keys. The lists of the five kinds are those of their types. Those of native kinds are
//! `patchMergeKey` and `patchStrategy` of k8s.io/api v0.34.0.

use serde_json::{Map, Value, json};
use serin_core::crd;

/// A schema that is being written.
pub(crate) struct Definition {
    pub(crate) value: Value,
}

impl Definition {
    pub(crate) fn of_kind(group: &str, version: &str, kind: &str) -> Self {
        let name = json!([{"group": group, "kind": kind, "version": version}]);
        Self {
            value: json!({"type": "object", "properties": {}, "x-kubernetes-group-version-kind": name}),
        }
    }

    fn new() -> Self {
        Self {
            value: json!({"type": "object", "properties": {}}),
        }
    }

    /// The schema of a path; `[]` after a name goes into a list's items.
    fn at(&mut self, path: &str) -> &mut Value {
        let mut value = &mut self.value;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let name = part.trim_end_matches("[]");
            value["type"] = "object".into();
            value = &mut value["properties"][name];
            if part.ends_with("[]") {
                value["type"] = "array".into();
                value = &mut value["items"];
            }
            if value.is_null() {
                *value = json!({});
            }
        }
        value
    }

    /// The list at a path is merged by a key, or if that is empty, as a set.
    pub(crate) fn merge(&mut self, path: &str, key: &str) {
        let list = self.at(path);
        list["type"] = "array".into();
        list["x-kubernetes-patch-strategy"] = "merge".into();
        if list.get("items").is_none() {
            list["items"] = json!({"type": if key.is_empty() { "string" } else { "object" }});
        }
        let keys = match key {
            "" => return,
            "containerPort" => json!(["containerPort", "protocol"]),
            "topologyKey" => json!(["topologyKey", "whenUnsatisfiable"]),
            "port" => json!(["port", "protocol"]),
            key => json!([key]),
        };
        list["x-kubernetes-patch-merge-key"] = key.into();
        list["x-kubernetes-list-type"] = "map".into();
        list["x-kubernetes-list-map-keys"] = keys;
    }

    fn refer(&mut self, path: &str, name: &str) {
        *self.at(path) = json!({"$ref": format!("#/definitions/{name}")});
    }
}

const KINDS: [&str; 5] = [
    "Rollout",
    "Experiment",
    "AnalysisRun",
    "AnalysisTemplate",
    "ClusterAnalysisTemplate",
];
const POD: &str = "io.k8s.api.core.v1.PodSpec";
const CONTAINER: &str = "io.k8s.api.core.v1.Container";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Lists of a pod's spec, and of its containers.
const POD_LISTS: &str = "containers name, ephemeralContainers name, hostAliases ip, imagePullSecrets name, initContainers name, \
                         resourceClaims name, schedulingGates name, topologySpreadConstraints topologyKey, volumes name";
const CONTAINER_LISTS: &str = "env name, ports containerPort, volumeDevices devicePath, volumeMounts mountPath";

/// Group, versions, kinds; then where each has a pod's spec, or the lists that it merges.
const PODS: &str = "
/v1 Pod: spec
/v1 PodTemplate: template.spec
/v1 ReplicationController: spec.template.spec
apps/v1,v1beta1,v1beta2 Deployment: spec.template.spec
apps/v1,v1beta1,v1beta2 StatefulSet: spec.template.spec
apps/v1,v1beta2 DaemonSet: spec.template.spec
apps/v1,v1beta2 ReplicaSet: spec.template.spec
extensions/v1beta1 Deployment: spec.template.spec
extensions/v1beta1 DaemonSet: spec.template.spec
extensions/v1beta1 ReplicaSet: spec.template.spec
batch/v1 Job: spec.template.spec
batch/v1,v1beta1 CronJob: spec.jobTemplate.spec.template.spec
";
const LISTS: &str = "
/v1 Service: spec.ports port
/v1 ServiceAccount: secrets name
/v1 Node: spec.podCIDRs
admissionregistration.k8s.io/v1,v1beta1 MutatingWebhookConfiguration: webhooks name
admissionregistration.k8s.io/v1,v1beta1 ValidatingWebhookConfiguration: webhooks name
admissionregistration.k8s.io/v1,v1beta1,v1alpha1 ValidatingAdmissionPolicy: spec.variables name
storage.k8s.io/v1,v1beta1 CSINode: spec.drivers name
";
/// Kinds that merge nothing but finalizers and owners.
const OTHERS: &str = "
/v1 ConfigMap, Endpoints, Event, LimitRange, Namespace, PersistentVolume, PersistentVolumeClaim, ResourceQuota, Secret
apps/v1,v1beta1,v1beta2 ControllerRevision
autoscaling/v1,v2,v2beta1,v2beta2 HorizontalPodAutoscaler
certificates.k8s.io/v1,v1beta1 CertificateSigningRequest
coordination.k8s.io/v1,v1beta1 Lease
discovery.k8s.io/v1,v1beta1 EndpointSlice
apiextensions.k8s.io/v1,v1beta1 CustomResourceDefinition
apiregistration.k8s.io/v1,v1beta1 APIService
extensions/v1beta1 Ingress, NetworkPolicy, PodSecurityPolicy
flowcontrol.apiserver.k8s.io/v1,v1beta1 FlowSchema, PriorityLevelConfiguration
networking.k8s.io/v1,v1beta1 Ingress, IngressClass
networking.k8s.io/v1 NetworkPolicy
node.k8s.io/v1,v1beta1 RuntimeClass
policy/v1,v1beta1 PodDisruptionBudget
policy/v1beta1 PodSecurityPolicy
rbac.authorization.k8s.io/v1,v1beta1 ClusterRole, ClusterRoleBinding, Role, RoleBinding
scheduling.k8s.io/v1,v1beta1 PriorityClass
storage.k8s.io/v1,v1beta1 CSIDriver, StorageClass, VolumeAttachment
";

/// For each line of a table: group, version, kind, what is said of it.
fn kinds(table: &'static str) -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let mut kinds = Vec::new();
    for line in table.trim().lines() {
        let (api, rest) = line.split_once(' ').unwrap();
        let (group, versions) = api.split_once('/').unwrap();
        let (names, what) = rest.split_once(": ").unwrap_or((rest, ""));
        for version in versions.split(',') {
            kinds.extend(names.split(", ").map(|kind| (group, version, kind, what)));
        }
    }
    kinds
}

fn name_of(group: &str, version: &str, kind: &str) -> String {
    let package = match group.split('.').next().unwrap() {
        "" => "core",
        first => first,
    };
    match package {
        "apiextensions" => format!("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{version}.{kind}"),
        "apiregistration" => format!("io.k8s.kube-aggregator.pkg.apis.apiregistration.{version}.{kind}"),
        package => format!("io.k8s.api.{package}.{version}.{kind}"),
    }
}

fn lists(definition: &mut Definition, table: &str) {
    for list in table.split(", ") {
        let (path, key) = list.trim().split_once(' ').unwrap_or((list.trim(), ""));
        definition.merge(path, key);
    }
}

/// What the lists of the pod specs of all kinds are.
fn shared(definitions: &mut Map<String, Value>) {
    let mut meta = Definition::new();
    meta.merge("finalizers", "");
    meta.merge("ownerReferences", "uid");
    definitions.insert(META.to_owned(), meta.value);
    let mut container = Definition::new();
    lists(&mut container, CONTAINER_LISTS);
    definitions.insert(CONTAINER.to_owned(), container.value);
    let mut pod = Definition::new();
    lists(&mut pod, POD_LISTS);
    for list in ["containers", "ephemeralContainers", "initContainers"] {
        pod.at(list)["items"] = json!({"$ref": format!("#/definitions/{CONTAINER}")});
    }
    definitions.insert(POD.to_owned(), pod.value);
}

/// The lists of our kinds that are merged by a key wherever they stand (as in upstream's schema), with the key.
const NAMED: [(&str, &str); 6] = [
    ("args", "name"),
    ("dryRun", "metricName"),
    ("measurementRetention", "metricName"),
    ("metrics", "name"),
    ("analyses", "name"),
    ("templates", ""),
];

/// Follows the schema of one of our kinds: pod specs are those of all kinds, lists with names are merged.
fn follow(definition: &mut Definition, path: &str, schema: &Value) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    if properties.contains_key("containers") && properties.contains_key("volumes") {
        definition.refer(path, POD);
        return;
    }
    for (name, property) in properties {
        let below = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        if property["type"] != "array" {
            follow(definition, &below, property);
            continue;
        }
        let item = &property["items"];
        let key = NAMED.iter().find(|(list, _)| list == name).map(|(_, key)| match *key {
            // Of an analysis the templates are named by `templateName`, of an experiment by `name`.
            "" if item["properties"].get("templateName").is_some() => "templateName",
            "" => "name",
            key => key,
        });
        // Steps have no name: a patch replaces them all (K7), and what they hold is replaced with them.
        if let Some(key) = key.filter(|key| item["properties"].get(*key).is_some()) {
            definition.merge(&below, key);
            follow(definition, &format!("{below}[]"), item);
        }
    }
}

/// The whole file.
pub(crate) fn complete() -> String {
    let mut definitions = Map::new();
    shared(&mut definitions);
    let mut add = |(group, version, kind, _): (&str, &str, &str, &str), change: &dyn Fn(&mut Definition)| {
        let mut definition = Definition::of_kind(group, version, kind);
        definition.refer("metadata", META);
        change(&mut definition);
        definitions.insert(name_of(group, version, kind), definition.value);
    };
    for kind in kinds(PODS) {
        add(kind, &|definition| definition.refer(kind.3, POD));
    }
    for kind in kinds(LISTS) {
        add(kind, &|definition| lists(definition, kind.3));
    }
    for kind in kinds(OTHERS) {
        add(kind, &|_| {});
    }
    for name in KINDS {
        let schema = crd::schema_of(name).unwrap();
        let mut definition = Definition::of_kind("argoproj.io", "v1alpha1", name);
        definition.refer("metadata", META);
        follow(&mut definition, "spec", &schema["properties"]["spec"]);
        definitions.insert(format!("io.argoproj.v1alpha1.{name}"), definition.value);
    }
    json_text(&json!({"definitions": definitions}))
}

pub(crate) fn json_text(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}
