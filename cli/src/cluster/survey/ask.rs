//! One question to the API server: a GET of one object, or of a list, page by page.

use http::Request;
use kube::Client;
use serde_json::Value;
use serin_controller::Trouble;
use serin_explain::explanation::ObjectName;

/// Objects in one page.
const PAGE: usize = 500;
/// For objects of which the names are enough.
const NAMES_ONLY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ask {
    /// The kind, as [`KINDS`] names it.
    pub(super) kind: &'static str,
    /// In which namespace; `None` for all, or for a kind without.
    pub(super) namespace: Option<String>,
    /// Which object; `None` for a list.
    name: Option<String>,
    /// Selectors of a list, as a query.
    query: String,
}

/// What came back.
pub(super) struct Answer {
    /// The objects.
    pub(super) objects: Vec<Value>,
    /// The server knows the kind: an object that is not among them does not exist.
    pub(super) known: bool,
}

/// Kinds, where they are in the API, and whether they can be missing there. The ClusterRole in `deploy/explain` allows exactly
/// these. Where two groups have a kind of one name, the second has its group behind the name.
pub(super) const KINDS: [(&str, &str, &str); 33] = [
    ("Rollout", "apis/argoproj.io/v1alpha1", "rollouts"),
    ("AnalysisRun", "apis/argoproj.io/v1alpha1", "analysisruns"),
    ("Experiment", "apis/argoproj.io/v1alpha1", "experiments"),
    ("AnalysisTemplate", "apis/argoproj.io/v1alpha1", "analysistemplates"),
    (
        "ClusterAnalysisTemplate",
        "apis/argoproj.io/v1alpha1",
        "clusteranalysistemplates",
    ),
    ("Application", "apis/argoproj.io/v1alpha1", "applications"),
    ("ReplicaSet", "apis/apps/v1", "replicasets"),
    ("Deployment", "apis/apps/v1", "deployments"),
    ("Pod", "api/v1", "pods"),
    ("Service", "api/v1", "services"),
    ("Event", "api/v1", "events"),
    ("ConfigMap", "api/v1", "configmaps"),
    ("ResourceQuota", "api/v1", "resourcequotas"),
    ("Node", "api/v1", "nodes"),
    ("Job", "apis/batch/v1", "jobs"),
    ("Lease", "apis/coordination.k8s.io/v1", "leases"),
    (
        "HorizontalPodAutoscaler",
        "apis/autoscaling/v2",
        "horizontalpodautoscalers",
    ),
    ("PodDisruptionBudget", "apis/policy/v1", "poddisruptionbudgets"),
    ("ScaledObject", "apis/keda.sh/v1alpha1", "scaledobjects"),
    ("Ingress", "apis/networking.k8s.io/v1", "ingresses"),
    ("VirtualService", "apis/networking.istio.io/v1beta1", "virtualservices"),
    (
        "DestinationRule",
        "apis/networking.istio.io/v1beta1",
        "destinationrules",
    ),
    ("HTTPRoute", "apis/gateway.networking.k8s.io/v1", "httproutes"),
    ("GRPCRoute", "apis/gateway.networking.k8s.io/v1", "grpcroutes"),
    ("TCPRoute", "apis/gateway.networking.k8s.io/v1alpha2", "tcproutes"),
    ("TLSRoute", "apis/gateway.networking.k8s.io/v1alpha2", "tlsroutes"),
    ("TrafficSplit", "apis/split.smi-spec.io/v1alpha2", "trafficsplits"),
    ("TraefikService", "apis/traefik.io/v1alpha1", "traefikservices"),
    ("ApisixRoute", "apis/apisix.apache.org/v2", "apisixroutes"),
    ("Mapping", "apis/getambassador.io/v3alpha1", "mappings"),
    (
        "VirtualService.appmesh.k8s.aws",
        "apis/appmesh.k8s.aws/v1beta2",
        "virtualservices",
    ),
    ("VirtualRouter", "apis/appmesh.k8s.aws/v1beta2", "virtualrouters"),
    ("VirtualNode", "apis/appmesh.k8s.aws/v1beta2", "virtualnodes"),
];

impl Ask {
    /// For one object of a namespace.
    pub(super) fn get(kind: &'static str, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            query: String::new(),
        }
    }

    /// For an object without a namespace.
    pub(super) fn get_global(kind: &'static str, name: &str) -> Self {
        Self {
            namespace: None,
            ..Self::get(kind, "", name)
        }
    }

    /// For a list; the query is of selectors, such as `labelSelector=a%3Db`.
    pub(super) fn list(kind: &'static str, namespace: Option<&str>, query: &str) -> Self {
        Self {
            kind,
            namespace: namespace.map(str::to_owned),
            name: None,
            query: query.to_owned(),
        }
    }

    /// For a list by labels.
    pub(super) fn labelled(kind: &'static str, namespace: Option<&str>, selector: &str) -> Self {
        Self::list(kind, namespace, &format!("labelSelector={}", encoded(selector)))
    }

    /// For a list by fields.
    pub(super) fn with_fields(kind: &'static str, namespace: Option<&str>, selector: &str) -> Self {
        Self::list(kind, namespace, &format!("fieldSelector={}", encoded(selector)))
    }

    /// The kind, as objects name it.
    pub(super) fn kind(&self) -> &'static str {
        self.kind.split('.').next().unwrap_or(self.kind)
    }

    pub(super) fn is_list(&self) -> bool {
        self.name.is_none()
    }

    /// The object of a namespace that is asked for; `None` for a list, or an object without a namespace.
    pub(super) fn object(&self) -> Option<ObjectName> {
        Some(ObjectName {
            kind: self.kind().to_owned(),
            namespace: self.namespace.clone()?,
            name: self.name.clone()?,
        })
    }

    fn place(&self) -> (&'static str, &'static str) {
        let known = KINDS.iter().find(|(kind, ..)| *kind == self.kind);
        known.map_or(("api/v1", ""), |(_, group, plural)| (*group, *plural))
    }

    fn path(&self) -> String {
        let (group, plural) = self.place();
        let namespace = self
            .namespace
            .as_deref()
            .map(|it| format!("/namespaces/{it}"))
            .unwrap_or_default();
        let name = self.name.as_deref().map(|it| format!("/{it}")).unwrap_or_default();
        format!("/{group}{namespace}/{plural}{name}")
    }

    /// What this is, for people: `pods in namespace shop`.
    pub(super) fn what(&self) -> String {
        let (_, plural) = self.place();
        let name = self.name.as_deref().map(|it| format!(" {it}")).unwrap_or_default();
        match &self.namespace {
            Some(namespace) => format!("{plural}{name} in namespace {namespace}"),
            None => format!("{plural}{name}"),
        }
    }

    /// The permission that is missing, or what went wrong.
    pub(super) fn permission(&self, trouble: &Trouble) -> String {
        let (group, plural) = self.place();
        let group = group
            .strip_prefix("apis/")
            .and_then(|it| it.split('/').next())
            .map(|it| format!(".{it}"))
            .unwrap_or_default();
        let verb = if self.is_list() { "list" } else { "get" };
        let scope = match &self.namespace {
            Some(namespace) => format!(" in namespace {namespace}"),
            None => " in all namespaces".to_owned(),
        };
        match trouble {
            Trouble::Forbidden(_) => format!("{verb} {plural}{group}{scope}"),
            other => other.brief(),
        }
    }
}

/// Selectors in a query.
fn encoded(text: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if keep(c) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes)
                .bytes()
                .for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        }
    }
    out
}

/// Asks. An object, or a kind, that the server does not know is an empty answer.
pub(super) async fn send(client: &Client, ask: &Ask) -> Result<Answer, Trouble> {
    if !ask.is_list() {
        return match request(client, &ask.path(), false).await {
            Ok(object) => Ok(Answer {
                objects: vec![object],
                known: true,
            }),
            Err(error) => missing(&error),
        };
    }
    let mut objects = Vec::new();
    let mut next = String::new();
    loop {
        let mut path = format!("{}?limit={PAGE}", ask.path());
        if !ask.query.is_empty() {
            path.push_str(&format!("&{}", ask.query));
        }
        if !next.is_empty() {
            path.push_str(&format!("&continue={}", encoded(&next)));
        }
        let mut page = match request(client, &path, ask.kind == "ConfigMap").await {
            Ok(page) => page,
            Err(error) => return missing(&error),
        };
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            objects.extend(items.into_iter().map(|item| named(ask.kind(), item)));
        }
        match page.pointer("/metadata/continue").and_then(Value::as_str) {
            Some(more) if !more.is_empty() => more.clone_into(&mut next),
            _ => return Ok(Answer { objects, known: true }),
        }
    }
}

/// Items of lists do not say their kind, or say that they are metadata.
fn named(kind: &str, mut item: Value) -> Value {
    if let Some(members) = item.as_object_mut() {
        members.insert("kind".to_owned(), kind.into());
    }
    item
}

fn missing(error: &kube::Error) -> Result<Answer, Trouble> {
    match error {
        kube::Error::Api(status) if status.code == 404 => Ok(Answer {
            objects: Vec::new(),
            // It says so in other words of a kind.
            known: status.message.ends_with("\" not found"),
        }),
        _ => Err(Trouble::from(error)),
    }
}

async fn request(client: &Client, path: &str, names_only: bool) -> Result<Value, kube::Error> {
    let accept = if names_only { NAMES_ONLY } else { "application/json" };
    let request = Request::get(path).header(http::header::ACCEPT, accept);
    let request = request
        .body(Vec::new())
        .map_err(|error| kube::Error::BuildRequest(kube::core::request::Error::BuildRequest(error)))?;
    client.request::<Value>(request).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serin_core::notation::yaml;
    use std::collections::BTreeSet;

    #[test]
    fn the_cluster_role_allows_exactly_what_is_asked() {
        let role = include_str!("../../../../deploy/explain/cluster-role.yaml");
        let role = yaml::parse_docs(role).unwrap().remove(0).value;
        let mut allowed = BTreeSet::new();
        let texts = |list: &Value| -> Vec<String> {
            list.as_array()
                .unwrap()
                .iter()
                .map(|it| it.as_str().unwrap().to_owned())
                .collect()
        };
        for rule in role["rules"].as_array().unwrap() {
            assert_eq!(texts(&rule["verbs"]), ["get", "list", "watch"]);
            for group in texts(&rule["apiGroups"]) {
                allowed.extend(
                    texts(&rule["resources"])
                        .into_iter()
                        .map(|resource| (group.clone(), resource)),
                );
            }
        }
        let group = |path: &str| {
            path.strip_prefix("apis/")
                .map_or(String::new(), |it| it.split('/').next().unwrap().to_owned())
        };
        let asked: BTreeSet<_> = KINDS
            .iter()
            .map(|(_, path, plural)| (group(path), (*plural).to_owned()))
            .collect();
        assert_eq!(allowed, asked);
        assert!(!asked.iter().any(|(_, resource)| resource == "secrets"));
    }

    #[test]
    fn questions_name_the_permission_that_is_missing() {
        let trouble = Trouble::Forbidden("no".to_owned());
        for (ask, what, permission, path) in [
            (
                Ask::labelled("ReplicaSet", Some("shop"), "a=b,c"),
                "replicasets in namespace shop",
                "list replicasets.apps in namespace shop",
                "/apis/apps/v1/namespaces/shop/replicasets",
            ),
            (
                Ask::get_global("Node", "n1"),
                "nodes n1",
                "get nodes in all namespaces",
                "/api/v1/nodes/n1",
            ),
            (
                Ask::list("Rollout", None, ""),
                "rollouts",
                "list rollouts.argoproj.io in all namespaces",
                "/apis/argoproj.io/v1alpha1/rollouts",
            ),
            (
                Ask::get("VirtualService.appmesh.k8s.aws", "shop", "web"),
                "virtualservices web in namespace shop",
                "get virtualservices.appmesh.k8s.aws in namespace shop",
                "/apis/appmesh.k8s.aws/v1beta2/namespaces/shop/virtualservices/web",
            ),
        ] {
            assert_eq!(
                (
                    ask.what().as_str(),
                    ask.permission(&trouble).as_str(),
                    ask.path().as_str()
                ),
                (what, permission, path)
            );
        }
        assert_eq!(Ask::labelled("Pod", None, "a=b,c").query, "labelSelector=a%3Db%2Cc");
    }
}
