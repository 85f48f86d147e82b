//! Names that are not in the build, looked for in a cluster. Only `get` is sent, and never for Secrets.

use crate::cluster::connect::{Connection, connect};
use crate::cluster::flags::Global;
use crate::show::failure::Failure;
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Api, Error};
use serin_explain::check::report::{Problem, Report};
use serin_explain::rules::finding::Named;
use std::collections::BTreeMap;

/// What may be asked for: kind, group, version, plural.
const KINDS: [(&str, &str, &str, &str); 14] = [
    ("Service", "", "v1", "services"),
    ("ConfigMap", "", "v1", "configmaps"),
    ("ServiceAccount", "", "v1", "serviceaccounts"),
    ("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims"),
    ("Ingress", "networking.k8s.io", "v1", "ingresses"),
    ("Deployment", "apps", "v1", "deployments"),
    ("AnalysisTemplate", "argoproj.io", "v1alpha1", "analysistemplates"),
    (CLUSTER_WIDE, "argoproj.io", "v1alpha1", "clusteranalysistemplates"),
    ("VirtualService", "networking.istio.io", "v1", "virtualservices"),
    ("DestinationRule", "networking.istio.io", "v1", "destinationrules"),
    ("HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes"),
    ("GRPCRoute", "gateway.networking.k8s.io", "v1", "grpcroutes"),
    ("TraefikService", "traefik.io", "v1alpha1", "traefikservices"),
    ("ApisixRoute", "apisix.apache.org", "v2", "apisixroutes"),
];

const CLUSTER_WIDE: &str = "ClusterAnalysisTemplate";

/// Whether the user names a cluster. A kubeconfig that is just there does not count: a check needs none.
pub(super) fn is_asked(flags: &Global) -> bool {
    flags.kubeconfig.is_some() || flags.context.is_some() || flags.server.is_some()
}

/// Takes away the notes about names that the cluster has, and says of the others that it has none.
///
/// # Errors
/// If there is no cluster, or it cannot be reached.
pub(super) async fn settle(flags: &Global, report: &mut Report) -> Result<(), Failure> {
    let connection = connect(flags).await?;
    let mut known: BTreeMap<Named, Option<bool>> = BTreeMap::new();
    let named: Vec<Named> = report
        .findings
        .iter()
        .filter_map(|finding| finding.names.clone())
        .collect();
    for named in named {
        if known.contains_key(&named) {
            continue;
        }
        let is_there = match find(&connection, &named).await {
            Ok(is_there) => is_there,
            Err(Error::Api(status)) if status.code == 403 => {
                report.errors.push(forbidden(&connection, &named));
                None
            }
            Err(error) => return connection.name_in(Err(Failure::from(error))),
        };
        known.insert(named, is_there);
    }
    let answer = |named: &Option<Named>| named.as_ref().and_then(|named| known.get(named).copied().flatten());
    report.findings.retain(|finding| answer(&finding.names) != Some(true));
    for finding in &mut report.findings {
        if answer(&finding.names) == Some(false) {
            finding.message.push_str("; the cluster has none either");
        }
    }
    Ok(())
}

/// Whether an object is there; `None` for kinds that are not asked for.
async fn find(connection: &Connection, named: &Named) -> Result<Option<bool>, Error> {
    let Some((kind, group, version, plural)) = KINDS.iter().find(|(kind, ..)| *kind == named.kind) else {
        return Ok(None);
    };
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
    let namespace = named.namespace.as_deref().unwrap_or(&connection.namespace);
    let api: Api<DynamicObject> = if *kind == CLUSTER_WIDE {
        Api::all_with(connection.client.clone(), &resource)
    } else {
        Api::namespaced_with(connection.client.clone(), namespace, &resource)
    };
    Ok(Some(api.get_opt(&named.name).await?.is_some()))
}

fn forbidden(connection: &Connection, named: &Named) -> Problem {
    let namespace = named.namespace.as_deref().unwrap_or(&connection.namespace);
    Problem {
        file: String::new(),
        line: None,
        message: format!(
            "the cluster does not let you get {} in namespace {namespace:?}",
            named.kind
        ),
        action: "ask for the permission `get`, or check without a cluster".to_owned(),
    }
}
