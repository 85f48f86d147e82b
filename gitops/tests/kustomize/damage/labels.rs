//! K19 to K29: images, replicas, labels, annotations, configurations, replacements.

use super::{CONFIGURATION, PUBLISHED_CONFIGURATION, PUBLISHED_CONFIGURATION_V5, Test, overlay};
use crate::support::Repository;
use serde_json::{Value, json};
use serin_gitops::kustomize::Program;

pub(crate) const TESTS: &[Test] = &[
    ("k19_a_name_without_a_hash", a_name_without_a_hash),
    ("k20_images", images),
    ("k21_replicas_without_a_configuration", replicas_without_a_configuration),
    ("k22_replicas_by_name_only", replicas_by_name_only),
    ("k24_k25_labels_with_selectors", labels_with_selectors),
    ("k26_annotations", annotations),
    ("k27_labels_in_templates", labels_in_templates),
    ("k28_a_configuration_outside", a_configuration_outside),
    ("k29_replacements", replacements),
];

const ALL: [&str; 4] = ["", PUBLISHED_CONFIGURATION, PUBLISHED_CONFIGURATION_V5, CONFIGURATION];

fn a_name_without_a_hash(program: &Program) {
    let template = |value: &str| {
        let lines = format!(
            "resources: [rollout.yaml]\ngeneratorOptions: {{disableNameSuffixHash: true}}\nconfigMapGenerator:\n- name: generated\n  literals: [a={value}]\n{CONFIGURATION}"
        );
        let output = overlay(&lines).build("o", program);
        assert_eq!(output.field("ConfigMap/generated", "data.a"), json!(value));
        assert!(output.built.graph.layers[0].generators[0].has_no_hash);
        output.field("Rollout", "spec.template")
    };
    assert_eq!(template("1"), template("2"), "the pods do not change");
}

fn images(program: &Program) {
    let repository = Repository::case("references");
    repository.write("o/kustomization.yaml", "resources: [objects.yaml, routes.yaml]\nimages:\n- name: nginx\n  newTag: '2'\n- name: absent\n  newTag: '3'\n");
    let output = repository.build("o", program);
    for (object, pod) in [
        ("Rollout/canary", "spec.template.spec"),
        ("AnalysisTemplate", "spec.metrics[0].provider.job.spec.template.spec"),
        (
            "ClusterAnalysisTemplate",
            "spec.metrics[0].provider.job.spec.template.spec",
        ),
    ] {
        let path = format!("{pod}.containers[0].image");
        assert_eq!(output.field(object, &path), json!("nginx:2"), "{object}");
        let place = output.line(&repository, object, &path);
        assert_eq!(
            place,
            ("o/kustomization.yaml".to_owned(), "newTag: '2'".to_owned()),
            "{object}"
        );
    }
}

fn replicas_without_a_configuration(program: &Program) {
    let lines = "resources: [rollout.yaml]\nreplicas:\n- name: web\n  count: 7\n";
    let error = overlay(lines).try_build("o", program).map(|_| ()).unwrap_err();
    let [problem] = &error.problems[..] else {
        panic!("{error}")
    };
    assert_eq!(
        (problem.file.to_str(), problem.line),
        (Some("o/kustomization.yaml"), Some(3)),
        "{error}"
    );
    assert!(problem.action.contains("serin kustomize init"), "{error}");
    for configuration in [PUBLISHED_CONFIGURATION, CONFIGURATION] {
        let repository = overlay(&format!("{lines}{configuration}"));
        let output = repository.build("o", program);
        assert_eq!(output.field("Rollout", "spec.replicas"), json!(7));
        assert_eq!(output.line(&repository, "Rollout", "spec.replicas").1, "count: 7");
    }
}

/// Which Rollout or Deployment is meant cannot be said; RK016 tells.
fn replicas_by_name_only(program: &Program) {
    for (configuration, count) in [("", 2), (PUBLISHED_CONFIGURATION, 0), (CONFIGURATION, 0)] {
        let lines = "resources: [rollout.yaml, deployment.yaml]\nreplicas: [{name: web, count: 0}]\n";
        let output = overlay(&format!("{lines}{configuration}")).build("o", program);
        assert_eq!(output.field("Deployment", "spec.replicas"), json!(0));
        assert_eq!(
            output.field("Rollout", "spec.replicas"),
            json!(count),
            "{configuration}"
        );
    }
}

const NEIGHBOURS: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
";

const SPREAD: &str = "      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: zone
        whenUnsatisfiable: DoNotSchedule
        labelSelector: {matchLabels: {app: web}}
      containers:
";

fn labels_with_selectors(program: &Program) {
    for labels in [
        "commonLabels: {env: prod}\n",
        "labels: [{pairs: {env: prod}, includeSelectors: true}]\n",
    ] {
        for configuration in ALL {
            let repository = overlay(&format!(
                "resources: [rollout.yaml, neighbours.yaml]\n{labels}{configuration}"
            ));
            repository.write("o/neighbours.yaml", NEIGHBOURS);
            repository.replace("o/rollout.yaml", "      containers:\n", SPREAD);
            let output = repository.build("o", program);
            let has = |object: &str, path: &str| output.field(object, path)["env"] == json!("prod");
            assert!(has("Service", "spec.selector") && has("PodDisruptionBudget", "spec.selector.matchLabels"));
            if labels.starts_with("commonLabels") {
                let notes = &output.built.notes;
                let deprecated = notes
                    .iter()
                    .find(|note| note.text.contains("'commonLabels' is deprecated"))
                    .unwrap();
                assert_eq!(deprecated.place.as_ref().unwrap().line, 2);
            }
            let known = !configuration.is_empty();
            assert_eq!(has("Rollout", "spec.selector.matchLabels"), known, "{configuration}");
            assert_eq!(
                has("Rollout", "spec.template.metadata.labels"),
                known,
                "{configuration}"
            );
            let spread = "spec.template.spec.topologySpreadConstraints[0].labelSelector.matchLabels";
            assert_eq!(
                has("Rollout", spread),
                configuration == CONFIGURATION,
                "{configuration}"
            );
            let (file, line) = output.line(&repository, "Service", "spec.selector.env");
            assert_eq!(file, "o/kustomization.yaml");
            assert!(line.contains("env: prod"), "{line}");
        }
    }
}

fn annotations(program: &Program) {
    for (configuration, in_template) in [("", false), (PUBLISHED_CONFIGURATION, true), (CONFIGURATION, false)] {
        let repository = overlay(&format!(
            "resources: [rollout.yaml]\ncommonAnnotations: {{git: abc}}\n{configuration}"
        ));
        let output = repository.build("o", program);
        assert_eq!(output.field("Rollout", "metadata.annotations.git"), json!("abc"));
        let template = output.field("Rollout", "spec.template.metadata.annotations.git");
        assert_eq!(template == json!("abc"), in_template, "{configuration}");
        let (_, line) = output.line(&repository, "Rollout", "metadata.annotations.git");
        assert_eq!(line, "commonAnnotations: {git: abc}");
    }
}

fn labels_in_templates(program: &Program) {
    let labels = "labels: [{pairs: {build: b1}, includeTemplates: true}]\n";
    for (configuration, in_template) in [
        ("", false),
        (PUBLISHED_CONFIGURATION, false),
        (PUBLISHED_CONFIGURATION_V5, true),
        (CONFIGURATION, true),
    ] {
        let output = overlay(&format!("resources: [rollout.yaml]\n{labels}{configuration}")).build("o", program);
        let template = output.field("Rollout", "spec.template.metadata.labels.build");
        assert_eq!(template == json!("b1"), in_template, "{configuration}");
    }
}

fn a_configuration_outside(program: &Program) {
    let lines = "resources: [rollout.yaml]\nnamePrefix: p-\nconfigurations:\n- ../shared/serin-transform.yaml\n";
    let repository = overlay(lines);
    super::ship(&repository, "shared");
    let error = repository.try_build("o", program).map(|_| ()).unwrap_err();
    let [problem] = &error.problems[..] else {
        panic!("{error}")
    };
    assert_eq!(
        (problem.file.to_str(), problem.line),
        (Some("o/kustomization.yaml"), Some(4)),
        "{error}"
    );
    assert!(problem.action.contains("Component"), "{error}");

    let repository = overlay("resources: [rollout.yaml, service.yaml]\nnamePrefix: p-\ncomponents: [../shared]\n");
    repository.write(
        "o/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: stable}\n",
    );
    repository.replace(
        "o/rollout.yaml",
        "    canary:\n",
        "    canary:\n      stableService: stable\n",
    );
    super::ship(&repository, "shared");
    repository.write(
        "shared/kustomization.yaml",
        &format!("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n{CONFIGURATION}"),
    );
    let output = repository.build("o", program);
    assert_eq!(
        output.field("Rollout", "spec.strategy.canary.stableService"),
        json!("p-stable")
    );
}

fn replacements(program: &Program) {
    let lines = "\
resources: [rollout.yaml, map.yaml]
replacements:
- source: {kind: ConfigMap, name: numbers, fieldPath: data.weight}
  targets:
  - select: {kind: Rollout}
    fieldPaths: [spec.strategy.canary.steps.0.setWeight]
";
    let repository = overlay(lines);
    repository.write(
        "o/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: numbers}\ndata: {weight: '33'}\n",
    );
    let output = repository.build("o", program);
    let weight: Value = output.field("Rollout", "spec.strategy.canary.steps[0].setWeight");
    assert_eq!(weight, json!(33), "a number");
    let (file, line) = output.line(&repository, "Rollout", "spec.strategy.canary.steps[0].setWeight");
    assert_eq!(
        (file.as_str(), line.as_str()),
        (
            "o/kustomization.yaml",
            "- source: {kind: ConfigMap, name: numbers, fieldPath: data.weight}"
        )
    );
    let other = output.line(&repository, "Rollout", "spec.strategy.canary.steps[2].setWeight");
    assert_eq!(other.0, "o/rollout.yaml");
}
