//! The committed manifests are what the types say, and what contract 01 §1 asks for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::disallowed_methods,
    reason = "compares the committed manifests, and writes them when asked"
)]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds")
}

/// `UPDATE=1 cargo test -p serin-core --test crds` rewrites the files.
#[test]
fn committed_manifests_are_fresh() {
    let manifests = serin_core::crd::manifests().unwrap();
    let names: Vec<&str> = manifests.iter().map(|(name, _)| name.as_str()).collect();
    for (name, fresh) in &manifests {
        let path = folder().join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, fresh).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            committed == *fresh,
            "crds/{name} is stale: UPDATE=1 cargo test -p serin-core --test crds"
        );
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            names.contains(&name.as_str()) || name == "kustomization.yaml",
            "crds/{name} is not generated"
        );
    }
}

/// The manifests by kind, read once: that takes seconds.
fn manifests() -> &'static [(String, Value)] {
    static READ: std::sync::OnceLock<Vec<(String, Value)>> = std::sync::OnceLock::new();
    let read = |(_, text): (String, String)| {
        let manifest = serin_core::notation::yaml::parse_docs(&text).unwrap().remove(0).value;
        (manifest["spec"]["names"]["kind"].as_str().unwrap().to_owned(), manifest)
    };
    READ.get_or_init(|| serin_core::crd::manifests().unwrap().into_iter().map(read).collect())
}

fn schema(kind: &str) -> Value {
    let (_, manifest) = manifests().iter().find(|(name, _)| name == kind).unwrap();
    manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// All schemas below one, by path: `[]` stands for the items of a list, `{}` for the values of a map.
fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{path}.{name}"), visit);
    }
    if let Some(items) = schema.get("items") {
        walk(items, &format!("{path}[]"), visit);
    }
    if let Some(values) = schema.get("additionalProperties") {
        walk(values, &format!("{path}{{}}"), visit);
    }
}

/// Paths of a schema whose member holds, each with the member.
fn paths(kind: &str, member: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    walk(&schema(kind), "", &mut |path, schema| {
        if let Some(value) = schema.get(member) {
            found.insert(path.to_owned(), value.clone());
        }
    });
    found
}

/// Where the pod templates of a kind stand.
fn pods(kind: &str) -> &'static str {
    match kind {
        "Rollout" => ".spec.template.spec",
        "Experiment" => ".spec.templates[].template.spec",
        _ => ".spec.metrics[].provider.job.spec.template.spec",
    }
}

const KINDS: [&str; 5] = [
    "AnalysisRun",
    "AnalysisTemplate",
    "ClusterAnalysisTemplate",
    "Experiment",
    "Rollout",
];

/// Contract 01 §1, the table.
#[test]
fn names_scopes_columns_and_subresources() {
    let phase = [
        ("Status", ".status.phase", "string"),
        ("Age", ".metadata.creationTimestamp", "date"),
    ];
    let age = [("Age", ".metadata.creationTimestamp", "date")];
    let pods = [
        ("Desired", ".spec.replicas", "integer"),
        ("Current", ".status.replicas", "integer"),
        ("Up-to-date", ".status.updatedReplicas", "integer"),
        ("Available", ".status.availableReplicas", "integer"),
        ("Age", ".metadata.creationTimestamp", "date"),
    ];
    let scale = json!({
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.HPAReplicas",
            "labelSelectorPath": ".status.selector",
        },
    });
    for (kind, plural, short, scope, columns, subresources) in [
        ("Rollout", "rollouts", "ro", "Namespaced", &pods[..], scale),
        ("Experiment", "experiments", "exp", "Namespaced", &phase[..], json!({})),
        ("AnalysisRun", "analysisruns", "ar", "Namespaced", &phase[..], json!({})),
        (
            "AnalysisTemplate",
            "analysistemplates",
            "at",
            "Namespaced",
            &age[..],
            json!({}),
        ),
        (
            "ClusterAnalysisTemplate",
            "clusteranalysistemplates",
            "cat",
            "Cluster",
            &age[..],
            json!({}),
        ),
    ] {
        let (_, manifest) = manifests().iter().find(|(name, _)| name == kind).unwrap();
        let (spec, version) = (&manifest["spec"], &manifest["spec"]["versions"][0]);
        assert_eq!(manifest["metadata"]["name"], format!("{plural}.argoproj.io"));
        assert_eq!(spec["group"], "argoproj.io");
        assert_eq!(
            spec["names"],
            json!({"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "shortNames": [short],
                   "singular": kind.to_lowercase()})
        );
        assert_eq!(spec["scope"], scope);
        assert_eq!(spec["versions"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&version["name"], &version["served"], &version["storage"]),
            (&json!("v1alpha1"), &json!(true), &json!(true))
        );
        let found: Vec<_> = version["additionalPrinterColumns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| ["name", "jsonPath", "type"].map(|member| column[member].as_str().unwrap()))
            .collect();
        let columns: Vec<_> = columns
            .iter()
            .map(|(name, path, r#type)| [*name, *path, *r#type])
            .collect();
        assert_eq!(found, columns, "{kind}");
        assert_eq!(version["subresources"], subresources, "{kind}");
        assert_eq!(schema(kind)["required"], json!(["spec"]), "{kind}");
    }
}

/// What the API server demands of a structural schema, and what contract 01 forbids.
#[test]
fn schemas_are_structural() {
    for kind in KINDS {
        walk(&schema(kind), "", &mut |path, schema| {
            let open = schema.get("x-kubernetes-preserve-unknown-fields").is_some();
            let either = schema.get("x-kubernetes-int-or-string").is_some();
            assert!(
                schema.get("type").is_some_and(Value::is_string) || open || either,
                "{kind} {path}: no type"
            );
            assert!(
                !(either && schema.get("type").is_some()),
                "{kind} {path}: a type beside int-or-string"
            );
            for member in [
                "nullable",
                "$ref",
                "definitions",
                "title",
                "oneOf",
                "allOf",
                "const",
                "minimum",
            ] {
                assert!(schema.get(member).is_none(), "{kind} {path}: {member}");
            }
            if let Some(anyof) = schema.get("anyOf") {
                assert!(
                    either && *anyof == json!([{"type": "integer"}, {"type": "string"}]),
                    "{kind} {path}: anyOf"
                );
            }
            if schema["type"] == "integer" {
                let format = &schema["format"];
                assert!(
                    *format == "int32" || *format == "int64",
                    "{kind} {path}: format {format}"
                );
            }
            for required in schema["required"].as_array().into_iter().flatten() {
                let property = &schema["properties"][required.as_str().unwrap()];
                assert!(
                    property.is_object() && property.get("default").is_none(),
                    "{kind} {path}: {required}"
                );
            }
            for key in schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten() {
                let item = &schema["items"];
                let given = item["required"]
                    .as_array()
                    .is_some_and(|required| required.contains(key));
                let filled = item["properties"][key.as_str().unwrap()].get("default").is_some();
                assert!(given || filled, "{kind} {path}: key {key} may be absent");
            }
        });
    }
}

/// Contract 01 §1: "these are the only pod-spec defaults", and Datadog's.
#[test]
fn defaults_are_these_and_no_others() {
    for kind in KINDS {
        let mut expected = BTreeMap::new();
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            for (field, value) in [
                ("ports[].protocol", json!("TCP")),
                ("env[].valueFrom.configMapKeyRef.name", json!("")),
                ("env[].valueFrom.secretKeyRef.name", json!("")),
                ("env[].valueFrom.fileKeyRef.optional", json!(false)),
                ("envFrom[].configMapRef.name", json!("")),
                ("envFrom[].secretRef.name", json!("")),
                ("livenessProbe.grpc.service", json!("")),
                ("readinessProbe.grpc.service", json!("")),
                ("startupProbe.grpc.service", json!("")),
            ] {
                expected.insert(format!("{}.{list}[].{field}", pods(kind)), value);
            }
        }
        expected.insert(format!("{}.imagePullSecrets[].name", pods(kind)), json!(""));
        if kind.starts_with("Analysis") || kind.starts_with("Cluster") {
            for (field, value) in [("interval", "5m"), ("apiVersion", "v1"), ("requestTimeout", "10s")] {
                expected.insert(format!(".spec.metrics[].provider.datadog.{field}"), json!(value));
            }
        }
        assert_eq!(paths(kind, "default"), expected, "{kind}");
    }
}

/// Contract 01 §1: where anything may stand.
#[test]
fn unknown_fields_are_kept_at_these_places_only() {
    for kind in KINDS {
        let mut expected = vec![format!("{}.volumes", pods(kind))];
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            for amounts in ["limits", "requests"] {
                expected.push(format!("{}.{list}[].resources.{amounts}", pods(kind)));
            }
        }
        let canary = ".spec.strategy.canary";
        expected.extend(match kind {
            "Rollout" => vec![
                format!("{canary}.steps[].plugin.config"),
                format!("{canary}.trafficRouting.gatewayAPI.grpcRouteSelector"),
                format!("{canary}.trafficRouting.gatewayAPI.httpRouteSelector"),
                format!("{canary}.trafficRouting.gatewayAPI.tcpRouteSelector"),
                format!("{canary}.trafficRouting.gatewayAPI.tlsRouteSelector"),
                format!("{canary}.trafficRouting.plugins"),
                ".status.canary.stepPluginStatuses[].status".to_owned(),
            ],
            "Experiment" => vec![],
            _ => ["plugin", "web.jsonBody"]
                .map(|field| format!(".spec.metrics[].provider.{field}"))
                .to_vec(),
        });
        expected.sort();
        let found: Vec<String> = paths(kind, "x-kubernetes-preserve-unknown-fields")
            .into_keys()
            .collect();
        assert_eq!(found, expected, "{kind}");
    }
}

/// Decision 21: list keys as upstream, none more. All of them stand in pod templates.
#[test]
fn list_keys() {
    for kind in KINDS {
        let mut expected = BTreeMap::new();
        for (list, keys) in [
            ("containers", json!(["name"])),
            ("initContainers", json!(["name"])),
            ("ephemeralContainers", json!(["name"])),
            ("imagePullSecrets", json!(["name"])),
            ("hostAliases", json!(["ip"])),
            ("resourceClaims", json!(["name"])),
            ("resources.claims", json!(["name"])),
            ("schedulingGates", json!(["name"])),
            ("topologySpreadConstraints", json!(["topologyKey", "whenUnsatisfiable"])),
        ] {
            expected.insert(format!("{}.{list}", pods(kind)), keys);
        }
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            for (field, keys) in [
                ("env", json!(["name"])),
                ("ports", json!(["containerPort", "protocol"])),
                ("resources.claims", json!(["name"])),
                ("volumeDevices", json!(["devicePath"])),
                ("volumeMounts", json!(["mountPath"])),
            ] {
                expected.insert(format!("{}.{list}[].{field}", pods(kind)), keys);
            }
        }
        assert_eq!(paths(kind, "x-kubernetes-list-map-keys"), expected, "{kind}");
    }
}

/// Below `.spec.strategy` of a Rollout, analyses and anti-affinity aside: paths and the fields that they require.
const REQUIRED: &str = "
blueGreen: activeService
canary.pingPong: pingService pongService
canary.replicaProgressThreshold: type value
canary.steps[].experiment: templates
canary.steps[].experiment.analyses[]: name templateName
canary.steps[].experiment.analyses[].args[]: name
canary.steps[].experiment.analyses[].args[].valueFrom.fieldRef: fieldPath
canary.steps[].experiment.dryRun[]: metricName
canary.steps[].experiment.templates[]: name specRef
canary.steps[].experiment.templates[].selector.matchExpressions[]: key operator
canary.steps[].plugin: name
canary.steps[].setHeaderRoute.match[]: headerName headerValue
canary.steps[].setMirrorRoute: name
canary.trafficRouting.alb: servicePort
canary.trafficRouting.alb.stickinessConfig: durationSeconds enabled
canary.trafficRouting.ambassador: mappings
canary.trafficRouting.apisix.route: name
canary.trafficRouting.appMesh.virtualNodeGroup: canaryVirtualNodeRef stableVirtualNodeRef
canary.trafficRouting.appMesh.virtualNodeGroup.canaryVirtualNodeRef: name
canary.trafficRouting.appMesh.virtualNodeGroup.stableVirtualNodeRef: name
canary.trafficRouting.appMesh.virtualService: name
canary.trafficRouting.gatewayAPI.grpcRoutes[]: name
canary.trafficRouting.gatewayAPI.httpRoutes[]: name
canary.trafficRouting.gatewayAPI.tcpRoutes[]: name
canary.trafficRouting.gatewayAPI.tlsRoutes[]: name
canary.trafficRouting.istio.destinationRule: canarySubsetName name stableSubsetName
canary.trafficRouting.istio.virtualService: name
canary.trafficRouting.istio.virtualServices[]: name
canary.trafficRouting.managedRoutes[]: name
canary.trafficRouting.stickiness: cookie
canary.trafficRouting.traefik: weightedTraefikServiceName
";

/// Contract 01 §2, what is marked as required; pod templates aside.
#[test]
fn required_fields_of_a_rollout() {
    let fields = |text: &str| json!(text.split(' ').collect::<Vec<_>>());
    let lines = REQUIRED.lines().filter_map(|line| line.split_once(": "));
    let mut expected: BTreeMap<String, Value> = lines
        .map(|(path, names)| (format!(".spec.strategy.{path}"), fields(names)))
        .collect();
    for analysis in [
        "blueGreen.prePromotionAnalysis",
        "blueGreen.postPromotionAnalysis",
        "canary.analysis",
        "canary.steps[].analysis",
    ] {
        for (list, names) in [
            ("args[]", "name"),
            ("args[].valueFrom.fieldRef", "fieldPath"),
            ("dryRun[]", "metricName"),
            ("measurementRetention[]", "limit metricName"),
        ] {
            expected.insert(format!(".spec.strategy.{analysis}.{list}"), fields(names));
        }
    }
    for strategy in ["blueGreen", "canary"] {
        let term = "antiAffinity.preferredDuringSchedulingIgnoredDuringExecution";
        expected.insert(format!(".spec.strategy.{strategy}.{term}"), fields("weight"));
    }
    expected.insert(".spec.selector.matchExpressions[]".to_owned(), fields("key operator"));
    let mut found = paths("Rollout", "required");
    found.retain(|path, _| path.starts_with(".spec.") && !path.starts_with(".spec.template"));
    assert_eq!(found, expected);
}

/// Contract 01 §4: the only closed lists of words are Datadog's; the others are free text.
#[test]
fn words_that_are_checked() {
    let datadog = |field: &str| format!(".spec.metrics[].provider.datadog.{field}");
    let aggregators = json!([
        "avg",
        "min",
        "max",
        "sum",
        "last",
        "percentile",
        "mean",
        "l2norm",
        "area"
    ]);
    let words = BTreeMap::from([
        (datadog("aggregator"), aggregators),
        (datadog("apiVersion"), json!(["v1", "v2"])),
    ]);
    for kind in KINDS {
        let mut found = paths(kind, "enum");
        found.retain(|path, _| !path.starts_with(pods(kind)) && !path.contains(".job.") && !path.contains("template"));
        let expected = if kind.contains("Analysis") {
            words.clone()
        } else {
            BTreeMap::new()
        };
        assert_eq!(found, expected, "{kind}");
    }
}

#[test]
fn selector_rule_metadata_and_size() {
    let rule = json!([{"rule": "self == oldSelf", "message": ".spec.selector is immutable"}]);
    let rules = paths("Rollout", "x-kubernetes-validations");
    assert_eq!(rules, BTreeMap::from([(".spec.selector".to_owned(), rule)]));
    let strings = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let metadata = json!({"type": "object", "properties": {"labels": strings, "annotations": strings}});
    assert_eq!(
        schema("Rollout")["properties"]["spec"]["properties"]["template"]["properties"]["metadata"],
        metadata
    );
    for (kind, manifest) in manifests() {
        // The annotation of client-side apply holds at most 262144 bytes.
        assert!(
            manifest.to_string().len() < 200_000,
            "{kind} is too large for client-side apply"
        );
    }
    let either: Vec<String> = paths("Rollout", "x-kubernetes-int-or-string").into_keys().collect();
    for path in [
        "blueGreen.maxUnavailable",
        "canary.maxSurge",
        "canary.maxUnavailable",
        "canary.steps[].pause.duration",
    ] {
        assert!(either.contains(&format!(".spec.strategy.{path}")), "{path}");
    }
}
