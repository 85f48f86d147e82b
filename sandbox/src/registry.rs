//! The resource types the server knows: the built-in ones, and those that CustomResourceDefinitions add.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::schema::Schema;
use crate::store::ResourceId;
use crate::table::Column;

/// The JSON paths of a scale subresource, as a CRD states them (dots, no brackets).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScalePaths {
    pub(crate) spec_replicas: String,
    pub(crate) status_replicas: String,
    /// Holds the selector as a string (custom resources) or as an object (built-in types).
    pub(crate) selector: Option<String>,
}

/// One served version of a resource.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) status: bool,
    pub(crate) scale: Option<ScalePaths>,
    /// Custom resources only.
    pub(crate) schema: Option<Arc<Schema>>,
    /// Whether the schema has CEL rules.
    pub(crate) has_rules: bool,
    /// The columns of tables; custom resources only.
    pub(crate) columns: Vec<Column>,
    /// The schema as written, for OpenAPI documents; custom resources only.
    pub(crate) document: Arc<serde_json::Value>,
}

/// A resource type.
#[derive(Debug, Clone)]
pub(crate) struct ResourceType {
    pub(crate) id: ResourceId,
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) custom: bool,
    /// The version objects are kept in.
    pub(crate) storage: String,
    pub(crate) versions: Vec<Version>,
}

/// `v1` for the core group, `group/version` elsewhere.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

impl ResourceType {
    pub(crate) fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// The `apiVersion` objects are kept with.
    pub(crate) fn storage_api_version(&self) -> String {
        api_version(&self.group, &self.storage)
    }
}

/// All resource types, by group and plural.
#[derive(Debug)]
pub(crate) struct Registry {
    types: BTreeMap<(String, String), Arc<ResourceType>>,
}

impl Registry {
    /// The built-in types.
    pub(crate) fn new() -> Self {
        let mut registry = Self { types: BTreeMap::new() };
        for row in BUILT_IN {
            registry.insert(row.resource_type());
        }
        registry
    }

    pub(crate) fn insert(&mut self, resource: ResourceType) {
        self.types
            .insert((resource.group.clone(), resource.plural.clone()), Arc::new(resource));
    }

    pub(crate) fn remove(&mut self, group: &str, plural: &str) {
        self.types.remove(&(group.to_owned(), plural.to_owned()));
    }

    pub(crate) fn get(&self, group: &str, plural: &str) -> Option<Arc<ResourceType>> {
        self.types.get(&(group.to_owned(), plural.to_owned())).cloned()
    }

    /// The type that serves a kind, as owner references name it.
    pub(crate) fn by_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<ResourceType>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.types
            .values()
            .find(|resource| resource.group == group && resource.kind == kind && resource.version(version).is_some())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<ResourceType>> {
        self.types.values()
    }
}

/// A built-in type in one line.
struct Row {
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    short_names: &'static [&'static str],
    categories: &'static [&'static str],
    namespaced: bool,
    status: bool,
    scale: bool,
}

impl Row {
    fn resource_type(&self) -> ResourceType {
        let scale = self.scale.then(|| ScalePaths {
            spec_replicas: "spec.replicas".to_owned(),
            status_replicas: "status.replicas".to_owned(),
            selector: Some("spec.selector".to_owned()),
        });
        ResourceType {
            id: ResourceId::new(self.group, self.plural),
            group: self.group.to_owned(),
            plural: self.plural.to_owned(),
            singular: self.kind.to_lowercase(),
            kind: self.kind.to_owned(),
            list_kind: format!("{}List", self.kind),
            short_names: self.short_names.iter().map(|name| (*name).to_owned()).collect(),
            categories: self.categories.iter().map(|name| (*name).to_owned()).collect(),
            namespaced: self.namespaced,
            custom: false,
            storage: self.version.to_owned(),
            versions: vec![Version {
                name: self.version.to_owned(),
                status: self.status,
                scale,
                schema: None,
                has_rules: false,
                columns: Vec::new(),
                document: Arc::default(),
            }],
        }
    }

    const fn plain(
        group: &'static str,
        version: &'static str,
        plural: &'static str,
        kind: &'static str,
        short_names: &'static [&'static str],
    ) -> Self {
        Self {
            group,
            version,
            plural,
            kind,
            short_names,
            categories: &[],
            namespaced: true,
            status: false,
            scale: false,
        }
    }

    const fn cluster(self) -> Self {
        Self {
            namespaced: false,
            ..self
        }
    }

    const fn with_status(self) -> Self {
        Self { status: true, ..self }
    }

    const fn with_scale(self) -> Self {
        Self { scale: true, ..self }
    }

    const fn in_all(self) -> Self {
        Self {
            categories: &["all"],
            ..self
        }
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";

const BUILT_IN: &[Row] = &[
    Row::plain("", "v1", "configmaps", "ConfigMap", &["cm"]),
    Row::plain("", "v1", "endpoints", "Endpoints", &["ep"]),
    Row::plain("", "v1", "events", "Event", &["ev"]),
    Row::plain("", "v1", "namespaces", "Namespace", &["ns"])
        .cluster()
        .with_status(),
    Row::plain("", "v1", "nodes", "Node", &["no"]).cluster().with_status(),
    Row::plain("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", &["pvc"]).with_status(),
    Row::plain("", "v1", "pods", "Pod", &["po"]).with_status().in_all(),
    Row::plain("", "v1", "secrets", "Secret", &[]),
    Row::plain("", "v1", "serviceaccounts", "ServiceAccount", &["sa"]),
    Row::plain("", "v1", "services", "Service", &["svc"])
        .with_status()
        .in_all(),
    Row::plain(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        &["crd", "crds"],
    )
    .cluster()
    .with_status(),
    Row::plain("apps", "v1", "deployments", "Deployment", &["deploy"])
        .with_status()
        .with_scale()
        .in_all(),
    Row::plain("apps", "v1", "replicasets", "ReplicaSet", &["rs"])
        .with_status()
        .with_scale()
        .in_all(),
    Row::plain("batch", "v1", "jobs", "Job", &[]).with_status().in_all(),
    Row::plain("coordination.k8s.io", "v1", "leases", "Lease", &[]),
    Row::plain("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", &[]),
    Row::plain("networking.k8s.io", "v1", "ingresses", "Ingress", &["ing"]).with_status(),
    Row::plain(
        "networking.k8s.io",
        "v1",
        "networkpolicies",
        "NetworkPolicy",
        &["netpol"],
    ),
    Row::plain("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", &["pdb"]).with_status(),
    Row::plain(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", &[]).cluster(),
    Row::plain(RBAC, "v1", "clusterroles", "ClusterRole", &[]).cluster(),
    Row::plain(RBAC, "v1", "rolebindings", "RoleBinding", &[]),
    Row::plain(RBAC, "v1", "roles", "Role", &[]),
];
