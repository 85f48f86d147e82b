//! What Argo CD needs to find in a cluster: its kinds, its settings, one project.

use anyhow::{Context, Result, bail};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Where Argo CD keeps its settings and applications.
pub(crate) const NAMESPACE: &str = "argocd";
/// What the manifest of Argo CD ships since 3.0: a change of a status alone is no news, unless it changes the health.
pub(crate) const SHIPPED: (&str, &str) = (
    "resource.customizations.ignoreResourceUpdates.all",
    "jsonPointers:\n- /status\n",
);

/// Any kind, wherever it lies.
pub(crate) fn api(client: &Client, api_version: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// Applies an object as it is written.
pub(crate) async fn apply(client: &Client, object: Value) -> Result<DynamicObject> {
    let object: DynamicObject = serde_json::from_value(object)?;
    let types = object.types.clone().context("an object without apiVersion and kind")?;
    let name = object.name_any();
    let target = api(
        client,
        &types.api_version,
        &types.kind,
        object.metadata.namespace.as_deref(),
    );
    let how = PatchParams::apply("e2e").force();
    let applied = target.patch(&name, &how, &Patch::Apply(&object)).await;
    applied.with_context(|| format!("{} {name}", types.kind))
}

/// Kinds of Argo CD, just enough for it to store what it likes; no file of Argo CD is copied.
async fn install_kinds(client: &Client) -> Result<()> {
    let kinds = [
        ("applications", "Application"),
        ("appprojects", "AppProject"),
        ("applicationsets", "ApplicationSet"),
    ];
    for (plural, kind) in kinds {
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.argoproj.io")},
            "spec": {
                "group": "argoproj.io", "scope": "Namespaced",
                "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
                // No status subresource: Argo CD writes the status with the object.
                "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
                    {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
            },
        });
        apply(client, definition).await?;
    }
    for (plural, kind) in kinds {
        let served = api(client, "argoproj.io/v1alpha1", kind, Some(NAMESPACE));
        let mut tries = 0;
        while served.list(&kube::api::ListParams::default()).await.is_err() {
            tries += 1;
            if tries > 300 {
                bail!("{plural}.argoproj.io is not served after 30 s");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

/// A kind with an array of routes, and a schema, as a service mesh has it: there before Argo CD looks for kinds.
async fn install_routes(client: &Client) -> Result<()> {
    let text = json!({"type": "string"});
    let destination = json!({"type": "object", "properties": {"host": text, "weight": {"type": "integer"}}});
    let route = json!({"type": "object", "properties": {"name": text, "timeout": text,
        "route": {"type": "array", "items": destination}}});
    let spec = json!({"type": "object", "properties": {"hosts": {"type": "array", "items": text},
        "http": {"type": "array", "items": route}}});
    let schema = json!({"type": "object", "properties": {"spec": spec}});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "routes.example.serin.dev"},
        "spec": {"group": "example.serin.dev", "scope": "Namespaced",
            "names": {"kind": "Route", "listKind": "RouteList", "plural": "routes", "singular": "route"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]},
    });
    apply(client, definition).await?;
    Ok(())
}

/// Namespace, kinds, settings and the project `default`. `secret` holds the administrator's password and the server's key.
pub(crate) async fn install(client: &Client, secret: &Value, hooks: &Map<String, Value>) -> Result<()> {
    apply(
        client,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
    )
    .await?;
    install_kinds(client).await?;
    install_routes(client).await?;
    for name in [
        "argocd-cmd-params-cm",
        "argocd-ssh-known-hosts-cm",
        "argocd-tls-certs-cm",
        "argocd-gpg-keys-cm",
    ] {
        apply(client, config_map(name, &Map::new())).await?;
    }
    apply(client, config_map("argocd-cm", &settings(hooks))).await?;
    let policy = "p, reader, applications, get, */*, allow\n\
                  p, resumer, applications, get, */*, allow\n\
                  p, resumer, applications, action/argoproj.io/Rollout/resume, */*, allow\n";
    let rights = json!({"policy.default": "", "policy.csv": policy});
    apply(
        client,
        config_map("argocd-rbac-cm", rights.as_object().context("an object")?),
    )
    .await?;
    apply(
        client,
        json!({"apiVersion": "v1", "kind": "Secret", "stringData": secret, "metadata":
            {"name": "argocd-secret", "namespace": NAMESPACE, "labels": {"app.kubernetes.io/part-of": "argocd"}}}),
    )
    .await?;
    apply(
        client,
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": "default", "namespace": NAMESPACE},
            "spec": {"sourceRepos": ["*"], "destinations": [{"namespace": "*", "server": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}}),
    )
    .await?;
    Ok(())
}

/// The whole of `argocd-cm`: what ships with Argo CD as far as it matters here, the accounts, and what a test adds.
fn settings(added: &Map<String, Value>) -> Map<String, Value> {
    let mut data = Map::new();
    data.insert(SHIPPED.0.to_owned(), SHIPPED.1.into());
    for account in ["reader", "resumer"] {
        data.insert(format!("accounts.{account}"), "apiKey".into());
    }
    data.extend(added.clone());
    data
}

/// Replaces what tests have added to `argocd-cm`.
pub(crate) async fn set_settings(client: &Client, added: &Map<String, Value>) -> Result<()> {
    apply(client, config_map("argocd-cm", &settings(added))).await?;
    Ok(())
}

/// With the label by which Argo CD finds its own.
fn config_map(name: &str, data: &Map<String, Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data, "metadata":
        {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/part-of": "argocd"}}})
}
