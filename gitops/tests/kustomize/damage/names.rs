//! K13 to K18 and K23: names that follow a prefix or a hash, and those that do not.

use super::{CONFIGURATION, PUBLISHED_CONFIGURATION, PUBLISHED_CONFIGURATION_V5, Test, ship};
use crate::support::{Output, Repository};
use serde_json::{Value, json};
use serin_gitops::kustomize::Program;
use serin_gitops::yaml::FieldPath;

pub(crate) const TESTS: &[Test] = &[
    ("k13_k14_k15_a_prefix", a_prefix),
    ("k16_a_namespace", a_namespace),
    ("k17_a_hash", a_hash),
    ("k18_configurations_travel", configurations_travel),
    ("k23_workload_ref", workload_ref),
];

/// A field, and the name that it has before any prefix: object, path, name.
struct Field {
    object: &'static str,
    path: &'static str,
    name: &'static str,
}

fn fields(table: &'static str) -> Vec<Field> {
    let rows = table
        .trim()
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.map(|row| Field {
        object: row[0],
        path: row[1],
        name: row[2],
    })
    .collect()
}

/// K14: what upstream's configuration covers. Objects are named without their prefix.
const COVERED: &str = "
Rollout/canary spec.strategy.canary.canaryService service
Rollout/canary spec.strategy.canary.stableService stable
Rollout/canary spec.strategy.canary.trafficRouting.alb.ingress ingress
Rollout/canary spec.strategy.canary.trafficRouting.alb.rootService service
Rollout/canary spec.strategy.canary.trafficRouting.nginx.stableIngress ingress
Rollout/canary spec.strategy.canary.trafficRouting.istio.virtualService.name virtual
Rollout/canary spec.strategy.canary.trafficRouting.istio.destinationRule.name destination
Rollout/canary spec.strategy.canary.trafficRouting.ambassador.mappings[0] mapping
Rollout/canary spec.strategy.canary.analysis.templates[0].templateName template
Rollout/canary spec.strategy.canary.steps[0].analysis.templates[0].templateName template
Rollout/canary spec.strategy.canary.steps[1].experiment.analyses[0].templateName template
Rollout/canary spec.template.spec.serviceAccountName account
Rollout/canary spec.template.spec.imagePullSecrets[0].name secret
Rollout/canary spec.template.spec.volumes[0].configMap.name map
Rollout/canary spec.template.spec.volumes[1].secret.secretName secret
Rollout/canary spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.name map
Rollout/canary spec.template.spec.containers[0].env[1].valueFrom.secretKeyRef.name secret
Rollout/canary spec.template.spec.containers[0].envFrom[0].configMapRef.name map
Rollout/blue spec.strategy.blueGreen.activeService service
Rollout/blue spec.strategy.blueGreen.previewService stable
Rollout/blue spec.strategy.blueGreen.prePromotionAnalysis.templates[0].templateName template
Rollout/blue spec.workloadRef.name workload
HorizontalPodAutoscaler/hpa spec.scaleTargetRef.name canary
Experiment/experiment spec.analyses[0].templateName template
Experiment/experiment spec.templates[0].template.spec.containers[0].envFrom[0].configMapRef.name map
AnalysisTemplate/template spec.metrics[0].provider.job.spec.template.spec.containers[0].envFrom[0].configMapRef.name map
";

/// K15: what it does not cover.
const UNCOVERED: &str = "
Rollout/canary spec.strategy.canary.pingPong.pingService service
Rollout/canary spec.strategy.canary.pingPong.pongService stable
Rollout/canary spec.strategy.canary.trafficRouting.alb.ingresses[0] ingress
Rollout/canary spec.strategy.canary.trafficRouting.nginx.stableIngresses[0] ingress
Rollout/canary spec.strategy.canary.trafficRouting.istio.virtualServices[0].name virtual
Rollout/canary spec.strategy.canary.trafficRouting.smi.rootService service
Rollout/canary spec.strategy.canary.trafficRouting.smi.trafficSplitName split
Rollout/canary spec.strategy.canary.trafficRouting.traefik.weightedTraefikServiceName traefik
Rollout/canary spec.strategy.canary.trafficRouting.apisix.route.name apisix
Rollout/canary spec.strategy.canary.trafficRouting.plugins.argoproj-labs/gatewayAPI.httpRoute route
Rollout/canary spec.strategy.canary.analysis.templates[1].templateName cluster
AnalysisTemplate/template spec.templates[0].templateName template
AnalysisTemplate/template spec.args[0].valueFrom.secretKeyRef.name secret
ClusterAnalysisTemplate/cluster spec.args[0].valueFrom.secretKeyRef.name secret
ClusterAnalysisTemplate/cluster spec.metrics[0].provider.job.spec.template.spec.containers[0].envFrom[0].configMapRef.name map
Experiment/experiment spec.analyses[0].args[0].valueFrom.secretKeyRef.name secret
ScaledObject/keda spec.scaleTargetRef.name canary
VerticalPodAutoscaler/vpa spec.targetRef.name canary
VirtualService/virtual spec.hosts[0] service
VirtualService/virtual spec.http[0].route[0].destination.host service
DestinationRule/destination spec.host service
HTTPRoute/route spec.rules[0].backendRefs[0].name service
TraefikService/traefik spec.weighted.services[0].name service
Mapping/mapping spec.service service
ApisixRoute/apisix spec.http[0].backends[0].serviceName service
TrafficSplit/split spec.service service
";

/// All names of a build that are not what the prefix makes of them.
fn left_behind(output: &Output, table: &'static str) -> Vec<String> {
    let mut wrong = Vec::new();
    for Field { object, path, name } in fields(table) {
        let (kind, plain) = object.split_once('/').unwrap();
        let value = output.value(&format!("{kind}/p-{plain}"));
        let found = FieldPath::within(path, value).of(value).cloned().unwrap_or_default();
        if found != json!(format!("p-{name}")) {
            assert_eq!(found, json!(name), "{object} {path}");
            wrong.push(format!("{object} {path}"));
        }
    }
    wrong
}

fn all(table: &'static str) -> Vec<String> {
    fields(table)
        .iter()
        .map(|field| format!("{} {}", field.object, field.path))
        .collect()
}

fn references(lines: &str) -> Repository {
    let repository = Repository::case("references");
    repository.write(
        "o/kustomization.yaml",
        &format!("resources: [objects.yaml, routes.yaml]\n{lines}"),
    );
    ship(&repository, "o");
    repository
}

fn a_prefix(program: &Program) {
    let prefixed = |configuration: &str| references(&format!("namePrefix: p-\n{configuration}")).build("o", program);
    let bare = prefixed("");
    assert_eq!(left_behind(&bare, COVERED), all(COVERED), "K13");
    for configuration in [PUBLISHED_CONFIGURATION, PUBLISHED_CONFIGURATION_V5] {
        let published = prefixed(configuration);
        assert_eq!(left_behind(&published, COVERED), Vec::<String>::new(), "K14");
        assert_eq!(left_behind(&published, UNCOVERED), all(UNCOVERED), "K15");
    }
    let corrected = prefixed(CONFIGURATION);
    for table in [COVERED, UNCOVERED] {
        assert_eq!(left_behind(&corrected, table), Vec::<String>::new());
    }
    // The name to edit is the one that is written, not the prefix.
    let repository = references("namePrefix: p-\n");
    let output = repository.build("o", program);
    let found = output.line(&repository, "Rollout/p-canary", "spec.strategy.canary.canaryService");
    assert_eq!(
        found,
        ("o/objects.yaml".to_owned(), "canaryService: service".to_owned())
    );
}

fn a_namespace(program: &Program) {
    let path = "spec.strategy.canary.trafficRouting.plugins.argoproj-labs/gatewayAPI.namespace";
    for (configuration, namespace) in [
        ("", "default"),
        (PUBLISHED_CONFIGURATION, "default"),
        (CONFIGURATION, "prod"),
    ] {
        let output = references(&format!("namespace: prod\n{configuration}")).build("o", program);
        assert_eq!(output.field("Rollout/canary", "metadata.namespace"), json!("prod"));
        assert_eq!(
            output.field("Rollout/canary", path),
            json!(namespace),
            "{configuration}"
        );
        // A namespace within a text is nobody's but the author's.
        let argument = output.field("Rollout/canary", "spec.strategy.canary.analysis.args[0].value");
        assert_eq!(argument, json!("service.default.svc.cluster.local"));
    }
}

const GENERATED: &str =
    "generatorOptions: {disableNameSuffixHash: false}\nconfigMapGenerator:\n- name: generated\n  literals: [a=1]\n";

/// Where the pods of these kinds name the generated ConfigMap.
const POD_OF: [(&str, &str); 4] = [
    ("Rollout/canary", "spec.template.spec"),
    ("Experiment/experiment", "spec.templates[0].template.spec"),
    (
        "AnalysisTemplate/template",
        "spec.metrics[0].provider.job.spec.template.spec",
    ),
    (
        "ClusterAnalysisTemplate/cluster",
        "spec.metrics[0].provider.job.spec.template.spec",
    ),
];

fn a_hash(program: &Program) {
    for (configuration, hashed) in [("", 0), (PUBLISHED_CONFIGURATION, 3), (CONFIGURATION, 4)] {
        let repository = references(&format!("{GENERATED}{configuration}"));
        let text = repository.read("o/objects.yaml");
        repository.write(
            "o/objects.yaml",
            &text.replace("configMapRef: {name: map}", "configMapRef: {name: generated}"),
        );
        let output = repository.build("o", program);
        let name = output
            .names()
            .into_iter()
            .find(|name| name.starts_with("ConfigMap/generated-"))
            .unwrap();
        let name = name.strip_prefix("ConfigMap/").unwrap();
        let names = |(object, pod): &(&str, &str)| {
            let found = output.field(object, &format!("{pod}.containers[0].envFrom[0].configMapRef.name"));
            assert!(found == json!(name) || found == json!("generated"), "{object} {found}");
            found == json!(name)
        };
        assert_eq!(POD_OF.iter().filter(|it| names(it)).count(), hashed, "{configuration}");
        let place = output.line(&repository, &format!("ConfigMap/{name}"), "data.a");
        assert_eq!(place, ("o/kustomization.yaml".to_owned(), "literals: [a=1]".to_owned()));
    }
}

fn configurations_travel(program: &Program) {
    let merging = "configMapGenerator:\n- name: generated\n  behavior: merge\n  literals: [a=2]\n";
    for configuration in [PUBLISHED_CONFIGURATION, CONFIGURATION] {
        for (base, overlay) in [(configuration, ""), ("", configuration), (configuration, configuration)] {
            let repository = references(&format!("{GENERATED}{base}"));
            let text = repository.read("o/objects.yaml");
            repository.write(
                "o/objects.yaml",
                &text.replace("configMapRef: {name: map}", "configMapRef: {name: generated}"),
            );
            repository.write(
                "top/kustomization.yaml",
                &format!("resources: [../o]\nnamePrefix: p-\n{merging}{overlay}"),
            );
            ship(&repository, "top");
            let output = repository.build("top", program);
            let name = output
                .names()
                .into_iter()
                .find(|name| name.starts_with("ConfigMap/p-generated-"))
                .unwrap();
            let found = output.field(
                "Rollout/p-canary",
                "spec.template.spec.containers[0].envFrom[0].configMapRef.name",
            );
            assert_eq!(found.as_str(), name.strip_prefix("ConfigMap/"));
            assert_eq!(output.field(&name, "data.a"), json!("2"));
            let (file, line) = output.line(&repository, &name, "data.a");
            assert_eq!(
                (file.as_str(), line.as_str()),
                ("top/kustomization.yaml", "literals: [a=2]")
            );
        }
    }
}

fn workload_ref(program: &Program) {
    for (configuration, name) in [
        ("", "workload"),
        (PUBLISHED_CONFIGURATION, "p-workload"),
        (CONFIGURATION, "p-workload"),
    ] {
        let output = references(&format!("namePrefix: p-\n{configuration}")).build("o", program);
        let found: Value = output.field("Rollout/p-blue", "spec.workloadRef.name");
        assert_eq!(found, json!(name), "{configuration}");
    }
}
