//! The repository's own manifests, put into a cluster.

use anyhow::{Context, Result, bail};
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Namespace of the controller in `deploy/standalone`.
pub(crate) const CONTROLLER_NAMESPACE: &str = "argo-rollouts";
/// Its service account.
pub(crate) const SERVICE_ACCOUNT: &str = "argo-rollouts";

/// What `deploy/standalone` gives the controller, in the order in which it can be created. The Deployment is not among them:
/// the controller under test runs in the test.
const RIGHTS: [&str; 15] = [
    "standalone/namespace.yaml",
    "base/service-account.yaml",
    "standalone/cluster-role.yaml",
    "standalone/aggregate-roles.yaml",
    "routers/nginx.yaml",
    "routers/alb.yaml",
    "routers/istio.yaml",
    "routers/smi.yaml",
    "routers/ambassador.yaml",
    "routers/appmesh.yaml",
    "routers/traefik.yaml",
    "routers/apisix.yaml",
    "routers/gateway-api.yaml",
    LEASE_ROLE,
    PLUGINS_ROLE,
];
/// The right to hold the lease, in the controller's own namespace.
pub(crate) const LEASE_ROLE: &str = "base/lease-role.yaml";
/// The right to read which plugins there are, in the controller's own namespace.
pub(crate) const PLUGINS_ROLE: &str = "base/plugins-role.yaml";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The definitions in `crds/`.
pub(crate) fn definitions() -> Result<Vec<Value>> {
    let folder = repository().join("crds");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "yaml")
            && path.file_name().is_some_and(|it| it != "kustomization.yaml")
        {
            all.extend(documents(&path)?);
        }
    }
    Ok(all)
}

fn documents(path: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let documents = serin_core::notation::yaml::parse_docs(&text).with_context(|| path.display().to_string())?;
    Ok(documents.into_iter().map(|it| it.value).collect())
}

/// Installs the CRDs and waits until they are served.
///
/// # Errors
/// What the API server says; that one is not served after a while.
pub async fn install_definitions(client: &Client) -> Result<()> {
    install_these(client, definitions()?).await
}

/// The same with definitions of other people.
///
/// # Errors
/// As those of [`install_definitions`].
pub async fn install_these(client: &Client, definitions: Vec<Value>) -> Result<()> {
    let mut names = Vec::new();
    for definition in definitions {
        names.push(apply(client, definition).await?.name_any());
    }
    let definitions: Api<DynamicObject> = Api::all_with(
        client.clone(),
        &resource("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    );
    for name in names {
        let mut tries = 0;
        while !is_established(&definitions.get(&name).await?) {
            tries += 1;
            if tries > 300 {
                bail!("the definition {name} was not established within 30 s");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

fn is_established(definition: &DynamicObject) -> bool {
    let conditions = definition.data["status"]["conditions"].as_array();
    conditions.is_some_and(|all| {
        all.iter()
            .any(|it| it["type"] == "Established" && it["status"] == "True")
    })
}

/// Gives the controller's service account the rights of `deploy/standalone`.
pub(crate) async fn install_rights(client: &Client) -> Result<()> {
    for file in RIGHTS {
        for object in documents(&repository().join("deploy").join(file))? {
            apply(client, object).await?;
        }
    }
    Ok(())
}

/// Gives the controller's service account a right of its own namespace in another one, so that many scenarios can elect
/// leaders and have plugins side by side.
pub(crate) async fn install_own_right(client: &Client, namespace: &str, role: &str) -> Result<()> {
    for mut object in documents(&repository().join("deploy").join(role))? {
        object["metadata"]["namespace"] = Value::from(namespace);
        // A subject without a namespace is one of the binding's own.
        for subject in object
            .get_mut("subjects")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            subject["namespace"] = Value::from(CONTROLLER_NAMESPACE);
        }
        apply(client, object).await?;
    }
    Ok(())
}

fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// Creates an object, or replaces the one that is there.
async fn apply(client: &Client, value: Value) -> Result<DynamicObject> {
    let mut object: DynamicObject = serde_json::from_value(value)?;
    let types = object.types.clone().context("a manifest without apiVersion and kind")?;
    let resource = resource(&types.api_version, &types.kind);
    let is_namespaced = matches!(types.kind.as_str(), "ServiceAccount" | "Role" | "RoleBinding");
    let api: Api<DynamicObject> = if is_namespaced {
        // As kustomization.yaml has it.
        let namespace = object
            .metadata
            .namespace
            .get_or_insert_with(|| CONTROLLER_NAMESPACE.to_owned());
        Api::namespaced_with(client.clone(), namespace, &resource)
    } else {
        Api::all_with(client.clone(), &resource)
    };
    let name = object.name_any();
    let what = || format!("{} {name}", types.kind);
    match api.create(&PostParams::default(), &object).await {
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
            object.metadata.resource_version = api.get(&name).await.with_context(what)?.metadata.resource_version;
            api.replace(&name, &PostParams::default(), &object)
                .await
                .with_context(what)
        }
        answer => answer.with_context(what),
    }
}
