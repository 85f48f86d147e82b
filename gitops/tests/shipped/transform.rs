//! The corrected configuration of transformers: all fields of the five kinds and of their neighbours that name another object.

/// Where a field stands: the kind that has it, its group (any if empty), its path.
type Field = (&'static str, &'static str, String);

/// Where the five kinds have a pod's spec.
const PODS: [(&str, &str); 5] = [
    ("Rollout", "spec/template/spec"),
    ("Experiment", "spec/templates/template/spec"),
    ("AnalysisTemplate", "spec/metrics/provider/job/spec/template/spec"),
    (
        "ClusterAnalysisTemplate",
        "spec/metrics/provider/job/spec/template/spec",
    ),
    ("AnalysisRun", "spec/metrics/provider/job/spec/template/spec"),
];
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
const ROUTING: &str = "spec/strategy/canary/trafficRouting";
/// Where a Rollout has an analysis.
const ANALYSES: [&str; 4] = [
    "spec/strategy/blueGreen/prePromotionAnalysis",
    "spec/strategy/blueGreen/postPromotionAnalysis",
    "spec/strategy/canary/analysis",
    "spec/strategy/canary/steps/analysis",
];
const GATEWAY: &str = r"plugins/argoproj-labs\/gatewayAPI";

/// A field specification.
fn spec(path: &str, (kind, group): (&str, &str), create: Option<bool>) -> String {
    let mut text = format!("- path: {path}\n  kind: {kind}\n");
    if !group.is_empty() {
        text += &format!("  group: {group}\n");
    }
    if let Some(create) = create {
        text += &format!("  create: {create}\n");
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// An entry of `nameReference`.
fn reference(kind: &str, group: &str, version: &str, fields: &[Field]) -> String {
    let mut text = format!("- kind: {kind}\n");
    for (key, value) in [("group", group), ("version", version)] {
        if !value.is_empty() {
            text += &format!("  {key}: {value}\n");
        }
    }
    text += "  fieldSpecs:\n";
    for (kind, group, path) in fields {
        text += &indented(&spec(path, (kind, group), None));
    }
    text
}

fn in_pods(paths: &[&str], in_containers: &[&str]) -> Vec<Field> {
    let mut fields = Vec::new();
    for (kind, pod) in PODS {
        fields.extend(paths.iter().map(|path| (kind, "", format!("{pod}/{path}"))));
        for containers in CONTAINERS {
            fields.extend(
                in_containers
                    .iter()
                    .map(|path| (kind, "", format!("{pod}/{containers}/{path}"))),
            );
        }
    }
    fields
}

fn of_rollout(paths: &[&str]) -> Vec<Field> {
    paths
        .iter()
        .map(|path| ("Rollout", "", format!("spec/strategy/{path}")))
        .collect()
}

fn of_routing(paths: &[&str]) -> Vec<Field> {
    paths
        .iter()
        .map(|path| ("Rollout", "", format!("{ROUTING}/{path}")))
        .collect()
}

fn others(fields: &[(&'static str, &'static str, &str)]) -> Vec<Field> {
    fields
        .iter()
        .map(|(kind, group, path)| (*kind, *group, (*path).to_owned()))
        .collect()
}

fn secrets() -> Vec<Field> {
    let mut fields = in_pods(
        &[
            "volumes/secret/secretName",
            "volumes/projected/sources/secret/name",
            "imagePullSecrets/name",
        ],
        &["env/valueFrom/secretKeyRef/name", "envFrom/secretRef/name"],
    );
    for kind in ["AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun"] {
        fields.push((kind, "", "spec/args/valueFrom/secretKeyRef/name".to_owned()));
        fields.push((kind, "", "spec/metrics/provider/datadog/secretRef/name".to_owned()));
    }
    fields.push((
        "Experiment",
        "",
        "spec/analyses/args/valueFrom/secretKeyRef/name".to_owned(),
    ));
    fields.push((
        "Rollout",
        "",
        "spec/strategy/canary/steps/experiment/analyses/args/valueFrom/secretKeyRef/name".to_owned(),
    ));
    fields
}

fn services() -> Vec<Field> {
    let mut fields = of_rollout(&[
        "blueGreen/activeService",
        "blueGreen/previewService",
        "canary/canaryService",
        "canary/stableService",
        "canary/pingPong/pingService",
        "canary/pingPong/pongService",
    ]);
    fields.extend(of_routing(&["alb/rootService", "smi/rootService"]));
    fields.extend(others(&[
        ("VirtualService", "networking.istio.io", "spec/hosts"),
        (
            "VirtualService",
            "networking.istio.io",
            "spec/http/route/destination/host",
        ),
        ("VirtualService", "networking.istio.io", "spec/http/mirror/host"),
        (
            "VirtualService",
            "networking.istio.io",
            "spec/tcp/route/destination/host",
        ),
        (
            "VirtualService",
            "networking.istio.io",
            "spec/tls/route/destination/host",
        ),
        ("DestinationRule", "networking.istio.io", "spec/host"),
        ("HTTPRoute", "gateway.networking.k8s.io", "spec/rules/backendRefs/name"),
        ("GRPCRoute", "gateway.networking.k8s.io", "spec/rules/backendRefs/name"),
        ("TLSRoute", "gateway.networking.k8s.io", "spec/rules/backendRefs/name"),
        ("TCPRoute", "gateway.networking.k8s.io", "spec/rules/backendRefs/name"),
        ("TraefikService", "", "spec/weighted/services/name"),
        ("TraefikService", "", "spec/mirroring/name"),
        ("TraefikService", "", "spec/mirroring/mirrors/name"),
        ("IngressRoute", "", "spec/routes/services/name"),
        ("Mapping", "getambassador.io", "spec/service"),
        ("ApisixRoute", "apisix.apache.org", "spec/http/backends/serviceName"),
        ("TrafficSplit", "split.smi-spec.io", "spec/service"),
        ("TrafficSplit", "split.smi-spec.io", "spec/backends/service"),
    ]));
    fields
}

fn templates() -> Vec<Field> {
    let in_analyses = |analysis: &&str| ("Rollout", "", format!("{analysis}/templates/templateName"));
    let mut fields: Vec<Field> = ANALYSES.iter().map(in_analyses).collect();
    fields.extend(others(&[
        (
            "Rollout",
            "",
            "spec/strategy/canary/steps/experiment/analyses/templateName",
        ),
        ("Experiment", "", "spec/analyses/templateName"),
        ("AnalysisTemplate", "", "spec/templates/templateName"),
        ("ClusterAnalysisTemplate", "", "spec/templates/templateName"),
    ]));
    fields
}

fn gateway(paths: &[&str]) -> Vec<Field> {
    let paths: Vec<String> = paths.iter().map(|path| format!("{GATEWAY}/{path}")).collect();
    of_routing(&paths.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Routes that a Rollout names: kind, group, paths below `trafficRouting`.
const ROUTES: [(&str, &str, &[&str]); 11] = [
    (
        "VirtualService",
        "networking.istio.io",
        &["istio/virtualService/name", "istio/virtualServices/name"],
    ),
    (
        "DestinationRule",
        "networking.istio.io",
        &["istio/destinationRule/name"],
    ),
    ("Ingress", "networking.k8s.io", INGRESSES),
    ("Ingress", "extensions", INGRESSES),
    ("TrafficSplit", "split.smi-spec.io", &["smi/trafficSplitName"]),
    ("TraefikService", "traefik.io", &["traefik/weightedTraefikServiceName"]),
    (
        "TraefikService",
        "traefik.containo.us",
        &["traefik/weightedTraefikServiceName"],
    ),
    ("ApisixRoute", "apisix.apache.org", &["apisix/route/name"]),
    ("Mapping", "getambassador.io", &["ambassador/mappings"]),
    ("VirtualService", "appmesh.k8s.aws", &["appMesh/virtualService/name"]),
    ("VirtualNode", "appmesh.k8s.aws", NODES),
];
const INGRESSES: &[&str] = &[
    "alb/ingress",
    "alb/ingresses",
    "nginx/stableIngress",
    "nginx/stableIngresses",
];
const NODES: &[&str] = &[
    "appMesh/virtualNodeGroup/canaryVirtualNodeRef/name",
    "appMesh/virtualNodeGroup/stableVirtualNodeRef/name",
];

/// Routes of the Gateway API plugin.
const GATEWAY_ROUTES: [(&str, [&str; 2]); 4] = [
    ("HTTPRoute", ["httpRoute", "httpRoutes/name"]),
    ("GRPCRoute", ["grpcRoute", "grpcRoutes/name"]),
    ("TCPRoute", ["tcpRoute", "tcpRoutes/name"]),
    ("TLSRoute", ["tlsRoute", "tlsRoutes/name"]),
];

fn references() -> String {
    let config_maps = in_pods(
        &["volumes/configMap/name", "volumes/projected/sources/configMap/name"],
        &["env/valueFrom/configMapKeyRef/name", "envFrom/configMapRef/name"],
    );
    let scaled = others(&[
        ("HorizontalPodAutoscaler", "autoscaling", "spec/scaleTargetRef/name"),
        ("ScaledObject", "keda.sh", "spec/scaleTargetRef/name"),
        ("VerticalPodAutoscaler", "autoscaling.k8s.io", "spec/targetRef/name"),
    ]);
    let workload = others(&[("Rollout", "argoproj.io", "spec/workloadRef/name")]);
    let claims = in_pods(&["volumes/persistentVolumeClaim/claimName"], &[]);
    let mut text = [
        reference("ConfigMap", "", "v1", &config_maps),
        reference("Secret", "", "v1", &secrets()),
        reference("ServiceAccount", "", "v1", &in_pods(&["serviceAccountName"], &[])),
        reference("PersistentVolumeClaim", "", "v1", &claims),
        reference(
            "PriorityClass",
            "scheduling.k8s.io",
            "",
            &in_pods(&["priorityClassName"], &[]),
        ),
        reference("Service", "", "v1", &services()),
        reference("AnalysisTemplate", "argoproj.io", "", &templates()),
        reference("ClusterAnalysisTemplate", "argoproj.io", "", &templates()),
        reference("Rollout", "argoproj.io", "", &scaled),
        reference("Deployment", "apps", "v1", &workload),
        reference("ReplicaSet", "apps", "v1", &workload),
        reference("PodTemplate", "", "v1", &workload),
    ]
    .concat();
    for (kind, group, paths) in ROUTES {
        text += &reference(kind, group, "", &of_routing(paths));
    }
    for (kind, paths) in GATEWAY_ROUTES {
        text += &reference(kind, "gateway.networking.k8s.io", "", &gateway(&paths));
    }
    text
}

/// Places of labels besides an object's own.
pub(crate) fn affinities() -> Vec<String> {
    let mut paths = Vec::new();
    for affinity in ["podAffinity", "podAntiAffinity"] {
        for (term, below) in [
            (
                "preferredDuringSchedulingIgnoredDuringExecution",
                "podAffinityTerm/labelSelector/matchLabels",
            ),
            (
                "requiredDuringSchedulingIgnoredDuringExecution",
                "labelSelector/matchLabels",
            ),
        ] {
            paths.push(format!("spec/template/spec/affinity/{affinity}/{term}/{below}"));
        }
    }
    paths
}

/// The whole file.
pub(crate) fn corrected() -> String {
    let rollout = ("Rollout", "argoproj.io");
    let mut labels = spec("spec/selector/matchLabels", rollout, Some(false));
    labels += &spec("spec/template/metadata/labels", rollout, Some(false));
    for path in affinities() {
        labels += &spec(&path, rollout, Some(false));
    }
    labels += &spec(
        "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels",
        rollout,
        Some(false),
    );
    let variables: String = ["args", "command", "env/value", "volumeMounts/mountPath"]
        .iter()
        .flat_map(|path| in_pods(&[], &[path]))
        .map(|(kind, group, path)| spec(&path, (kind, group), None))
        .collect();
    let namespace = spec(&format!("{ROUTING}/{GATEWAY}/namespace"), rollout, Some(false));
    format!(
        "# Serin's configuration of kustomize's transformers for the kinds of Argo Rollouts, for kustomize 5.\n\
         # `serin kustomize init` writes it. Refer to it under `configurations:`, in the kustomization that has the Rollout.\n\
         \n\
         # Fields that name another object: they follow its prefix, its suffix and its hash.\n\
         nameReference:\n{}\
         \n\
         # `commonLabels`, and `labels` with `includeSelectors`. A Rollout with `workloadRef` alone gets no template.\n\
         commonLabels:\n{labels}\
         \n\
         # `labels` with `includeTemplates`.\n\
         templateLabels:\n{}\
         \n\
         # `commonAnnotations` stay out of the pod template: an annotation that changes with each commit would start a rollout\n\
         # with each commit.\n\
         \n\
         # `namespace`: the namespace of a Gateway API route beside its name.\n\
         namespace:\n{namespace}\
         \n\
         # `vars`.\n\
         varReference:\n{variables}\
         \n\
         # `replicas`.\n\
         replicas:\n{}",
        references(),
        spec("spec/template/metadata/labels", rollout, Some(false)),
        spec("spec/replicas", rollout, Some(true)),
    )
}
