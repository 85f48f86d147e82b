//! Every field that names another object: of rollouts, templates and experiments, and of the routes and scalers beside
//! them (kustomize.md K13–K15, contract 01 §9, contract 07).

use super::build::Object;
use super::path::{self, beside, last_key};
use super::seen::{Seen, Target, text};
use serde_json::Value;
use serin_gitops::yaml::FieldPath;

/// A kind that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Service,
    Ingress,
    VirtualService,
    DestinationRule,
    TrafficSplit,
    Mapping,
    AppMeshService,
    AppMeshNode,
    TraefikService,
    ApisixRoute,
    /// Of the Gateway API: `HTTPRoute`, `GRPCRoute`, `TCPRoute`, `TLSRoute`.
    GatewayRoute(&'static str),
    AnalysisTemplate,
    ClusterAnalysisTemplate,
    ConfigMap,
    Secret,
    ServiceAccount,
    Claim,
    /// What `kind` beside the name says.
    Written,
}

impl Kind {
    /// The kind in words.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::Ingress => "Ingress",
            Self::VirtualService => "VirtualService",
            Self::DestinationRule => "DestinationRule",
            Self::TrafficSplit => "TrafficSplit",
            Self::Mapping => "Mapping",
            Self::AppMeshService => "VirtualService of App Mesh",
            Self::AppMeshNode => "VirtualNode",
            Self::TraefikService => "TraefikService",
            Self::ApisixRoute => "ApisixRoute",
            Self::GatewayRoute(kind) => kind,
            Self::AnalysisTemplate => "AnalysisTemplate",
            Self::ClusterAnalysisTemplate => "ClusterAnalysisTemplate",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::ServiceAccount => "ServiceAccount",
            Self::Claim => "PersistentVolumeClaim",
            Self::Written => "object",
        }
    }

    /// Whether an object is of this kind, or provides one of it.
    pub(super) fn fits(self, object: &Object) -> bool {
        let (kind, group) = (object.kind(), object.group());
        match self {
            Self::Service => kind == "Service" && group.is_empty(),
            Self::Ingress => kind == "Ingress" && ["networking.k8s.io", "extensions"].contains(&group),
            Self::VirtualService => kind == "VirtualService" && group == "networking.istio.io",
            Self::DestinationRule => kind == "DestinationRule",
            Self::TrafficSplit => kind == "TrafficSplit",
            Self::Mapping => ["Mapping", "AmbassadorMapping"].contains(&kind),
            Self::AppMeshService => kind == "VirtualService" && group == "appmesh.k8s.aws",
            Self::AppMeshNode => kind == "VirtualNode",
            Self::TraefikService => kind == "TraefikService",
            Self::ApisixRoute => kind == "ApisixRoute",
            Self::GatewayRoute(route) => kind == route,
            Self::AnalysisTemplate => object.is_ours("AnalysisTemplate"),
            Self::ClusterAnalysisTemplate => object.is_ours("ClusterAnalysisTemplate"),
            Self::ConfigMap => kind == "ConfigMap" && group.is_empty(),
            Self::Secret => {
                let renames = !text(&object.value, "/spec/target/name").is_empty();
                (kind == "Secret" && group.is_empty())
                    || kind == "SealedSecret"
                    || (kind == "ExternalSecret" && !renames)
            }
            Self::ServiceAccount => kind == "ServiceAccount",
            Self::Claim => kind == "PersistentVolumeClaim",
            Self::Written => false,
        }
    }
}

/// How a field writes a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The name.
    Name,
    /// `name` or `name.namespace`.
    Dotted,
    /// A host within the cluster, with or without a port.
    Host,
}

/// A name that an object uses.
#[derive(Debug, Clone)]
pub(super) struct Reference<'a> {
    /// The index of the object that uses it.
    pub(super) from: usize,
    /// That object.
    pub(super) object: &'a Object,
    /// The field.
    pub(super) path: FieldPath,
    /// The field's text.
    pub(super) written: &'a str,
    /// The name in it.
    pub(super) name: &'a str,
    /// The namespace in it.
    pub(super) namespace: Option<&'a str>,
    /// What it names.
    pub(super) kind: Kind,
    /// The kind as written, for [`Kind::Written`].
    pub(super) of: Option<(&'a str, &'a str)>,
    /// Whether the object may be missing.
    pub(super) optional: bool,
}

impl<'a> Reference<'a> {
    /// The kind in words.
    pub(super) fn word(&self) -> &'a str {
        self.of.map_or(self.kind.word(), |(kind, _)| kind)
    }

    /// Where it leads.
    pub(super) fn target(&self, seen: &Seen<'a>) -> Target<'a> {
        if self.kind == Kind::Secret && provides(seen, self.name) {
            return Target::Here(self.object);
        }
        let fits = |object: &Object| match self.of {
            Some((kind, group)) => object.kind() == kind && object.group() == group,
            None => self.kind.fits(object),
        };
        seen.target(self.object, self.name, fits)
    }
}

/// Secrets that an operator will write.
fn provides(seen: &Seen<'_>, name: &str) -> bool {
    seen.objects().any(|(_, object)| match object.kind() {
        "ExternalSecret" => text(&object.value, "/spec/target/name") == name,
        "Certificate" => text(&object.value, "/spec/secretName") == name,
        _ => false,
    })
}

type Row = (&'static str, Kind, Form);

/// Fields of a Rollout.
const ROLLOUT: &[Row] = &[
    ("spec.strategy.canary.canaryService", Kind::Service, Form::Name),
    ("spec.strategy.canary.stableService", Kind::Service, Form::Name),
    ("spec.strategy.canary.pingPong.pingService", Kind::Service, Form::Name),
    ("spec.strategy.canary.pingPong.pongService", Kind::Service, Form::Name),
    ("spec.strategy.blueGreen.activeService", Kind::Service, Form::Name),
    ("spec.strategy.blueGreen.previewService", Kind::Service, Form::Name),
    (
        "spec.strategy.canary.trafficRouting.alb.ingress",
        Kind::Ingress,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.alb.ingresses[*]",
        Kind::Ingress,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.alb.rootService",
        Kind::Service,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.nginx.stableIngress",
        Kind::Ingress,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.nginx.stableIngresses[*]",
        Kind::Ingress,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.istio.virtualService.name",
        Kind::VirtualService,
        Form::Dotted,
    ),
    (
        "spec.strategy.canary.trafficRouting.istio.virtualServices[*].name",
        Kind::VirtualService,
        Form::Dotted,
    ),
    (
        "spec.strategy.canary.trafficRouting.istio.destinationRule.name",
        Kind::DestinationRule,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.smi.rootService",
        Kind::Service,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.smi.trafficSplitName",
        Kind::TrafficSplit,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.ambassador.mappings[*]",
        Kind::Mapping,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.appMesh.virtualService.name",
        Kind::AppMeshService,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.appMesh.virtualNodeGroup.*.name",
        Kind::AppMeshNode,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.traefik.weightedTraefikServiceName",
        Kind::TraefikService,
        Form::Name,
    ),
    (
        "spec.strategy.canary.trafficRouting.apisix.route.name",
        Kind::ApisixRoute,
        Form::Name,
    ),
    (
        "spec.strategy.canary.analysis.templates[*].templateName",
        Kind::AnalysisTemplate,
        Form::Name,
    ),
    (
        "spec.strategy.canary.steps[*].analysis.templates[*].templateName",
        Kind::AnalysisTemplate,
        Form::Name,
    ),
    (
        "spec.strategy.canary.steps[*].experiment.analyses[*].templateName",
        Kind::AnalysisTemplate,
        Form::Name,
    ),
    (
        "spec.strategy.blueGreen.prePromotionAnalysis.templates[*].templateName",
        Kind::AnalysisTemplate,
        Form::Name,
    ),
    (
        "spec.strategy.blueGreen.postPromotionAnalysis.templates[*].templateName",
        Kind::AnalysisTemplate,
        Form::Name,
    ),
    ("spec.workloadRef.name", Kind::Written, Form::Name),
];

/// Fields of the Gateway API plugin's configuration, and of the same under `trafficRouting.gatewayAPI`.
const GATEWAY: &[(&str, Kind)] = &[
    ("httpRoute", Kind::GatewayRoute("HTTPRoute")),
    ("grpcRoute", Kind::GatewayRoute("GRPCRoute")),
    ("tcpRoute", Kind::GatewayRoute("TCPRoute")),
    ("tlsRoute", Kind::GatewayRoute("TLSRoute")),
    ("httpRoutes[*].name", Kind::GatewayRoute("HTTPRoute")),
    ("grpcRoutes[*].name", Kind::GatewayRoute("GRPCRoute")),
    ("tcpRoutes[*].name", Kind::GatewayRoute("TCPRoute")),
    ("tlsRoutes[*].name", Kind::GatewayRoute("TLSRoute")),
];

/// Where the configuration of [`GATEWAY`] stands.
pub(super) const GATEWAYS: [&str; 2] = [
    "spec.strategy.canary.trafficRouting.plugins.argoproj-labs/gatewayAPI",
    "spec.strategy.canary.trafficRouting.gatewayAPI",
];

/// Fields of an AnalysisTemplate, a ClusterAnalysisTemplate and an AnalysisRun.
const ANALYSIS: &[Row] = &[
    ("spec.templates[*].templateName", Kind::AnalysisTemplate, Form::Name),
    ("spec.args[*].valueFrom.secretKeyRef.name", Kind::Secret, Form::Name),
    (
        "spec.metrics[*].provider.datadog.secretRef.name",
        Kind::Secret,
        Form::Name,
    ),
];

/// Fields of an Experiment.
const EXPERIMENT: &[Row] = &[
    ("spec.analyses[*].templateName", Kind::AnalysisTemplate, Form::Name),
    (
        "spec.analyses[*].args[*].valueFrom.secretKeyRef.name",
        Kind::Secret,
        Form::Name,
    ),
];

/// Fields of a pod's spec.
const POD: &[(&str, Kind)] = &[
    ("serviceAccountName", Kind::ServiceAccount),
    ("imagePullSecrets[*].name", Kind::Secret),
    ("volumes[*].configMap.name", Kind::ConfigMap),
    ("volumes[*].secret.secretName", Kind::Secret),
    ("volumes[*].projected.sources[*].configMap.name", Kind::ConfigMap),
    ("volumes[*].projected.sources[*].secret.name", Kind::Secret),
    ("volumes[*].persistentVolumeClaim.claimName", Kind::Claim),
    ("containers[*].env[*].valueFrom.configMapKeyRef.name", Kind::ConfigMap),
    ("containers[*].env[*].valueFrom.secretKeyRef.name", Kind::Secret),
    ("containers[*].envFrom[*].configMapRef.name", Kind::ConfigMap),
    ("containers[*].envFrom[*].secretRef.name", Kind::Secret),
    (
        "initContainers[*].env[*].valueFrom.configMapKeyRef.name",
        Kind::ConfigMap,
    ),
    ("initContainers[*].env[*].valueFrom.secretKeyRef.name", Kind::Secret),
    ("initContainers[*].envFrom[*].configMapRef.name", Kind::ConfigMap),
    ("initContainers[*].envFrom[*].secretRef.name", Kind::Secret),
];

/// Fields of the routes and scalers beside a rollout, by kind.
const NEIGHBOURS: &[(&str, &str, Kind, Form)] = &[
    (
        "VirtualService",
        "spec.http[*].route[*].destination.host",
        Kind::Service,
        Form::Host,
    ),
    (
        "VirtualService",
        "spec.tls[*].route[*].destination.host",
        Kind::Service,
        Form::Host,
    ),
    (
        "VirtualService",
        "spec.tcp[*].route[*].destination.host",
        Kind::Service,
        Form::Host,
    ),
    ("VirtualService", "spec.http[*].mirror.host", Kind::Service, Form::Host),
    ("VirtualService", "spec.hosts[*]", Kind::Service, Form::Host),
    ("DestinationRule", "spec.host", Kind::Service, Form::Host),
    (
        "HTTPRoute",
        "spec.rules[*].backendRefs[*].name",
        Kind::Service,
        Form::Name,
    ),
    (
        "HTTPRoute",
        "spec.rules[*].filters[*].requestMirror.backendRef.name",
        Kind::Service,
        Form::Name,
    ),
    (
        "GRPCRoute",
        "spec.rules[*].backendRefs[*].name",
        Kind::Service,
        Form::Name,
    ),
    (
        "TCPRoute",
        "spec.rules[*].backendRefs[*].name",
        Kind::Service,
        Form::Name,
    ),
    (
        "TLSRoute",
        "spec.rules[*].backendRefs[*].name",
        Kind::Service,
        Form::Name,
    ),
    (
        "TraefikService",
        "spec.weighted.services[*].name",
        Kind::Service,
        Form::Name,
    ),
    ("TraefikService", "spec.mirroring.name", Kind::Service, Form::Name),
    (
        "TraefikService",
        "spec.mirroring.mirrors[*].name",
        Kind::Service,
        Form::Name,
    ),
    (
        "IngressRoute",
        "spec.routes[*].services[*].name",
        Kind::Service,
        Form::Name,
    ),
    ("Mapping", "spec.service", Kind::Service, Form::Host),
    ("AmbassadorMapping", "spec.service", Kind::Service, Form::Host),
    (
        "ApisixRoute",
        "spec.http[*].backends[*].serviceName",
        Kind::Service,
        Form::Name,
    ),
    ("TrafficSplit", "spec.service", Kind::Service, Form::Host),
    ("TrafficSplit", "spec.backends[*].service", Kind::Service, Form::Host),
    ("Ingress", "spec.defaultBackend.service.name", Kind::Service, Form::Name),
    (
        "Ingress",
        "spec.rules[*].http.paths[*].backend.service.name",
        Kind::Service,
        Form::Name,
    ),
    (
        "HorizontalPodAutoscaler",
        "spec.scaleTargetRef.name",
        Kind::Written,
        Form::Name,
    ),
    ("ScaledObject", "spec.scaleTargetRef.name", Kind::Written, Form::Name),
    (
        "VerticalPodAutoscaler",
        "spec.targetRef.name",
        Kind::Written,
        Form::Name,
    ),
];

/// Where the pods of our kinds are described.
pub(super) const PODS: &[(&str, &str)] = &[
    ("Rollout", "spec.template.spec"),
    ("Experiment", "spec.templates[*].template.spec"),
    ("AnalysisTemplate", "spec.metrics[*].provider.job.spec.template.spec"),
    (
        "ClusterAnalysisTemplate",
        "spec.metrics[*].provider.job.spec.template.spec",
    ),
    ("AnalysisRun", "spec.metrics[*].provider.job.spec.template.spec"),
];

/// All names that the objects of a build use.
pub(super) fn references<'a>(seen: &Seen<'a>) -> Vec<Reference<'a>> {
    seen.objects()
        .flat_map(|(from, object)| of_object(from, object))
        .collect()
}

fn of_object<'a>(from: usize, object: &'a Object) -> Vec<Reference<'a>> {
    let mut found = Vec::new();
    let mut add = |pattern: &str, kind, form| {
        let reached = path::find(&object.value, pattern);
        found.extend(
            reached
                .into_iter()
                .filter_map(|(path, value)| read(from, object, path, value, kind, form)),
        );
    };
    if object.group() == serin_core::api::GROUP {
        let rows = match object.kind() {
            "Rollout" => ROLLOUT,
            "Experiment" => EXPERIMENT,
            "AnalysisTemplate" | "ClusterAnalysisTemplate" | "AnalysisRun" => ANALYSIS,
            _ => &[],
        };
        for (pattern, kind, form) in rows {
            add(pattern, *kind, *form);
        }
        if object.kind() == "Rollout" {
            for (base, (pattern, kind)) in GATEWAYS
                .iter()
                .flat_map(|base| GATEWAY.iter().map(move |row| (base, row)))
            {
                add(&format!("{base}.{pattern}"), *kind, Form::Name);
            }
        }
        for (_, base) in PODS.iter().filter(|(kind, _)| *kind == object.kind()) {
            for (pattern, kind) in POD {
                add(&format!("{base}.{pattern}"), *kind, Form::Name);
            }
        }
    } else {
        for (_, pattern, kind, form) in NEIGHBOURS.iter().filter(|row| row.0 == object.kind()) {
            add(pattern, *kind, *form);
        }
    }
    found
}

fn read<'a>(
    from: usize,
    object: &'a Object,
    path: FieldPath,
    value: &'a Value,
    kind: Kind,
    form: Form,
) -> Option<Reference<'a>> {
    let written = value.as_str().filter(|text| !text.is_empty())?;
    let beside = beside(&object.value, &path);
    let (name, namespace) = match form {
        Form::Name => (written, None),
        Form::Dotted => dotted(written),
        Form::Host => host(written, object.namespace())?,
    };
    // A route may name a Service of another namespace, and other kinds than a Service.
    let other_namespace = beside["namespace"].as_str().filter(|_| last_key(&path) == "name");
    let of = (kind == Kind::Written).then(|| written_kind(object, beside));
    if kind == Kind::Service && beside["kind"].as_str().is_some_and(|kind| kind != "Service") {
        return None;
    }
    let cluster = kind == Kind::AnalysisTemplate && beside["clusterScope"] == true;
    Some(Reference {
        from,
        object,
        written,
        name,
        namespace: namespace.or(other_namespace),
        kind: if cluster { Kind::ClusterAnalysisTemplate } else { kind },
        of,
        optional: beside["optional"] == true,
        path,
    })
}

/// Kind and group of a scaler's target; KEDA takes a Deployment where nothing is said.
fn written_kind<'a>(object: &Object, beside: &'a Value) -> (&'a str, &'a str) {
    let keda = object.kind() == "ScaledObject";
    let kind = beside["kind"]
        .as_str()
        .or(keda.then_some("Deployment"))
        .unwrap_or_default();
    let version = beside["apiVersion"]
        .as_str()
        .or(keda.then_some("apps/v1"))
        .unwrap_or_default();
    (kind, version.split_once('/').map_or("", |(group, _)| group))
}

/// `name.namespace`; the last dot separates (contract 07 §1).
fn dotted(written: &str) -> (&str, Option<&str>) {
    let short = written.trim_end_matches(".cluster.local").trim_end_matches(".svc");
    match short.rsplit_once('.') {
        Some((name, namespace)) => (name, Some(namespace)),
        None => (short, None),
    }
}

/// The Service of a host within the cluster; `None` for a host outside.
pub(super) fn host<'h>(written: &'h str, namespace: Option<&str>) -> Option<(&'h str, Option<&'h str>)> {
    let host = written.rsplit_once("://").map_or(written, |(_, host)| host);
    let host = host.split([':', '/']).next().unwrap_or_default();
    let mut labels = host.split('.');
    let name = labels.next().filter(|name| !name.is_empty() && *name != "*")?;
    let Some(of) = labels.next() else {
        return Some((name, None));
    };
    match labels.next() {
        Some("svc") => Some((name, Some(of))),
        None if namespace == Some(of) => Some((name, Some(of))),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_within_the_cluster_name_a_service() {
        for (written, expected) in [
            ("web", Some(("web", None))),
            ("web:80", Some(("web", None))),
            ("http://web.prod.svc.cluster.local:8080/x", Some(("web", Some("prod")))),
            ("web.prod.svc", Some(("web", Some("prod")))),
            ("web.prod", Some(("web", Some("prod")))),
            ("web.other", None),
            ("api.example.com", None),
            ("*.example.com", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(host(written, Some("prod")), expected, "{written}");
        }
        assert_eq!(dotted("a.b.c"), ("a.b", Some("c")));
        assert_eq!(dotted("a"), ("a", None));
    }
}
