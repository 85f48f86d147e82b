//! What the files of upstream's documentation do, where a kustomization names their addresses: the same fields and no others, so
//! that the build has the faults that Argo CD's has (K2, K3, K15).

use crate::schema::{Definition, json_text};
use crate::transform::affinities;
use serde_json::json;

/// Kinds and where upstream's configuration knows their pods. ClusterAnalysisTemplate is not among them (K15).
const PODS: [(&str, &str); 3] = [
    ("Rollout", "spec/template/spec"),
    ("Experiment", "spec/templates/template/spec"),
    ("AnalysisTemplate", "spec/metrics/provider/job/spec/template/spec"),
];
const IN_CONTAINERS: [&str; 2] = ["containers", "initContainers"];

fn pods(of_pod: &[&str], of_containers: &[&str]) -> String {
    let mut text = String::new();
    for (kind, pod) in PODS {
        for path in of_pod {
            text += &format!("  - path: {pod}/{path}\n    kind: {kind}\n");
        }
        for path in of_containers {
            for containers in IN_CONTAINERS {
                text += &format!("  - path: {pod}/{containers}/{path}\n    kind: {kind}\n");
            }
        }
    }
    text
}

fn of(kind: &str, paths: &[&str]) -> String {
    paths
        .iter()
        .map(|path| format!("  - path: {path}\n    kind: {kind}\n"))
        .collect()
}

fn named(head: &str, fields: &str) -> String {
    let mut lines = head.split(' ');
    let mut text = format!("- kind: {}\n", lines.next().unwrap());
    for line in lines {
        let (key, value) = line.split_once('=').unwrap();
        text += &format!("  {key}: {value}\n");
    }
    text + "  fieldSpecs:\n" + fields
}

/// `rollout-transform.yaml`, or with `v5` `rollout-transform-kustomize-v5.yaml`.
pub(crate) fn transform(v5: bool) -> String {
    let routing = "spec/strategy/canary/trafficRouting";
    let ingress = [
        format!("{routing}/alb/ingress"),
        format!("{routing}/nginx/stableIngress"),
    ];
    let ingress = of("Rollout", &[&ingress[0], &ingress[1]]);
    let services = of(
        "Rollout",
        &[
            "spec/strategy/blueGreen/activeService",
            "spec/strategy/blueGreen/previewService",
            "spec/strategy/canary/canaryService",
            "spec/strategy/canary/stableService",
            "spec/strategy/canary/trafficRouting/alb/rootService",
        ],
    );
    let templates = of(
        "Rollout",
        &[
            "spec/strategy/blueGreen/prePromotionAnalysis/templates/templateName",
            "spec/strategy/blueGreen/postPromotionAnalysis/templates/templateName",
            "spec/strategy/canary/analysis/templates/templateName",
            "spec/strategy/canary/steps/analysis/templates/templateName",
            "spec/strategy/canary/steps/experiment/analyses/templateName",
        ],
    ) + &of("Experiment", &["spec/analyses/templateName"]);
    let routed = |path: &str| of("Rollout", &[&format!("{routing}/{path}")]);
    let config_maps = pods(
        &["volumes/configMap/name", "volumes/projected/sources/configMap/name"],
        &["env/valueFrom/configMapKeyRef/name", "envFrom/configMapRef/name"],
    );
    let secrets = pods(
        &[
            "volumes/secret/secretName",
            "imagePullSecrets/name",
            "volumes/projected/sources/secret/name",
        ],
        &["env/valueFrom/secretKeyRef/name", "envFrom/secretRef/name"],
    );
    let references = [
        named("ConfigMap version=v1", &config_maps),
        named("Secret version=v1", &secrets),
        named("ServiceAccount version=v1", &pods(&["serviceAccountName"], &[])),
        named(
            "PersistentVolumeClaim version=v1",
            &pods(&["volumes/persistentVolumeClaim/claimName"], &[]),
        ),
        named(
            "PriorityClass version=v1 group=scheduling.k8s.io",
            &pods(&["priorityClassName"], &[]),
        ),
        named("Service version=v1", &services),
        named(
            "VirtualService group=networking.istio.io",
            &routed("istio/virtualService/name"),
        ),
        named(
            "DestinationRule group=networking.istio.io",
            &routed("istio/destinationRule/name"),
        ),
        named("Ingress group=networking.k8s.io", &ingress),
        named("Ingress group=extensions", &ingress),
        named("AnalysisTemplate group=argoproj.io", &templates),
        named("Rollout", &of("HorizontalPodAutoscaler", &["spec/scaleTargetRef/name"])),
        named(
            "Deployment version=v1 group=apps",
            &of("Rollout", &["spec/workloadRef/name"]),
        ),
        named("Mapping group=getambassador.io", &routed("ambassador/mappings")),
    ];
    let place = |path: &str, create: bool| format!("- path: {path}\n  kind: Rollout\n  create: {create}\n");
    let mut labels = place("spec/selector/matchLabels", true) + &place("spec/template/metadata/labels", true);
    labels.extend(affinities().iter().map(|path| place(path, false)));
    let templates = if v5 {
        "templateLabels:\n".to_owned() + &place("spec/template/metadata/labels", true)
    } else {
        String::new()
    };
    format!(
        "# What a configuration of upstream's documentation does; kustomize gets it in the place of its address.\n\
         nameReference:\n{}commonLabels:\n{labels}{templates}commonAnnotations:\n{}varReference:\n{}replicas:\n{}",
        references.concat(),
        place("spec/template/metadata/annotations", true),
        pods(&[], &["args", "command", "env/value", "volumeMounts/mountPath"])
            .replace("\n  ", "\n")
            .trim_start_matches("  "),
        place("spec/replicas", true),
    )
}

/// `rollout_cr_schema.json`: the lists that it merges. Lists of a container are not among them (K2), nor is any native kind (K3).
pub(crate) fn schema() -> String {
    let analysis = |path: &str| {
        [
            "args name",
            "dryRun metricName",
            "measurementRetention metricName",
            "templates templateName",
        ]
        .map(|list| format!("{path}.{list}"))
    };
    let mut rollout: Vec<String> = [
        "strategy.blueGreen.postPromotionAnalysis",
        "strategy.blueGreen.prePromotionAnalysis",
        "strategy.canary.analysis",
    ]
    .iter()
    .flat_map(|path| analysis(path))
    .collect();
    let pod = [
        "containers name",
        "ephemeralContainers name",
        "hostAliases ip",
        "imagePullSecrets name",
        "initContainers name",
        "resourceClaims name",
        "schedulingGates name",
        "topologySpreadConstraints topologyKey",
        "volumes name",
    ];
    rollout.extend(pod.iter().map(|list| format!("template.spec.{list}")));
    let run = [
        "args name",
        "dryRun metricName",
        "measurementRetention metricName",
        "metrics name",
    ]
    .map(str::to_owned);
    let template: Vec<String> = run
        .iter()
        .cloned()
        .chain(["templates templateName".to_owned()])
        .collect();
    let experiment = [
        "analyses name",
        "dryRun metricName",
        "measurementRetention metricName",
        "templates name",
    ];
    let kinds = [
        ("AnalysisRun", run.to_vec()),
        ("AnalysisTemplate", template.clone()),
        ("ClusterAnalysisTemplate", template),
        ("Experiment", experiment.map(str::to_owned).to_vec()),
        ("Rollout", rollout),
    ];
    let mut definitions = serde_json::Map::new();
    for (kind, lists) in kinds {
        let mut definition = Definition::of_kind("argoproj.io", "v1alpha1", kind);
        for list in &lists {
            let (path, key) = list.split_once(' ').unwrap();
            definition.merge(&format!("spec.{path}"), key);
        }
        definitions.insert(format!("io.argoproj.v1alpha1.{kind}"), definition.value);
    }
    json_text(&json!({"definitions": definitions}))
}
