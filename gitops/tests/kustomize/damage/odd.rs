//! D1 to D12.

use super::{CONFIGURATION, PUBLISHED_CONFIGURATION_V5, PUBLISHED_SCHEMA, SCHEMA, Test, merge_patch, overlay};
use crate::support::Repository;
use serde_json::json;
use serin_gitops::kustomize::{BuildError, Options, Problem, ProblemKind, Program};

pub(crate) const TESTS: &[Test] = &[
    ("d01_duplicate_keys", duplicate_keys),
    ("d02_d03_d05_what_is_refused", what_is_refused),
    ("d04_broken_patches", broken_patches),
    ("d05_published_addresses", published_addresses),
    ("d06_silent_settings", silent_settings),
    ("d07_a_label_makes_a_template", a_label_makes_a_template),
    ("d08_an_index_hits_another_variable", an_index_hits_another_variable),
    ("d09_the_file_to_blame", the_file_to_blame),
    ("d10_argocd_sources", argocd_sources),
    (
        "d11_what_a_layer_was_before_its_patches",
        what_a_layer_was_before_its_patches,
    ),
];

fn fails(repository: &Repository, program: &Program) -> Problem {
    let error: BuildError = repository.try_build("o", program).map(|_| ()).unwrap_err();
    error.problems[0].clone()
}

/// In a resource they are refused; in a kustomization the last counts, in a patch the first.
fn duplicate_keys(program: &Program) {
    let repository = overlay("resources: [rollout.yaml]\n");
    repository.replace("o/rollout.yaml", "  replicas: 2\n", "  replicas: 2\n  replicas: 3\n");
    let problem = fails(&repository, program);
    assert_eq!(
        (problem.file.to_str(), problem.line),
        (Some("o/rollout.yaml"), Some(6)),
        "{problem}"
    );
    let graph = repository.graph("o").unwrap();
    let stream = graph.texts[std::path::Path::new("o/rollout.yaml")]
        .stream
        .clone()
        .unwrap();
    assert_eq!(
        (stream.duplicates[0].first.line, stream.duplicates[0].again.line),
        (5, 6)
    );

    let repository = overlay("resources: [rollout.yaml]\nnamePrefix: a-\nnamePrefix: b-\n");
    assert_eq!(repository.build("o", program).names(), ["Rollout/b-web"]);

    let patch = merge_patch("Rollout", "      replicas: 5\n      replicas: 6\n").replace('\n', "\n    ");
    let repository = overlay(&format!(
        "resources: [rollout.yaml]\npatches:\n- patch: |-\n    {}\n",
        patch.trim_end()
    ));
    let output = repository.build("o", program);
    assert_eq!(output.field("Rollout", "spec.replicas"), json!(5), "the first");
    let (file, duplicate) = &output.built.graph.inline_duplicates[0];
    assert_eq!(
        (file.to_str(), duplicate.first.line, duplicate.again.line),
        (Some("o/kustomization.yaml"), 8, 9)
    );
    // The value that counts is the one that leads back.
    assert_eq!(output.line(&repository, "Rollout", "spec.replicas").1, "replicas: 5");
}

/// Name, lines of the kustomization, a change of the files; then the kind of problem and its line.
type Refused<'a> = (&'a str, &'a str, &'a dyn Fn(&Repository), ProblemKind, usize);

fn what_is_refused(program: &Program) {
    let bomb = |repository: &Repository| {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..=9 {
            text += &format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{}", level - 1); 9].join(", ")
            );
        }
        repository.write("o/patch.yaml", &text);
    };
    let remote = "https://user:canary@example.com/base?ref=canary";
    let cases: [Refused<'_>; 9] = [
        ("bomb", "patches: [{path: patch.yaml}]", &bomb, ProblemKind::Limit, 6),
        (
            "remote",
            &format!("components: ['{remote}']"),
            &|_| {},
            ProblemKind::Remote,
            2,
        ),
        (
            "scp",
            "patches:\n- path: git@example.com:x/y.git",
            &|_| {},
            ProblemKind::Remote,
            3,
        ),
        ("helm", "helmCharts:\n- name: x", &|_| {}, ProblemKind::Helm, 2),
        (
            "schema",
            &format!("openapi:\n  path: {remote}"),
            &|_| {},
            ProblemKind::Address,
            3,
        ),
        (
            "configuration",
            &format!("configurations: ['{remote}']"),
            &|_| {},
            ProblemKind::Address,
            2,
        ),
        ("above", "configurations: [../../x.yaml]", &|_| {}, ProblemKind::Link, 2),
        ("missing", "components:\n- ../none", &|_| {}, ProblemKind::Missing, 3),
        (
            "exec",
            "transformers:\n- |-\n  apiVersion: x/v1\n  kind: T\n  metadata: {name: t, annotations: {config.kubernetes.io/function: canary}}",
            &|_| {},
            ProblemKind::Executable,
            5,
        ),
    ];
    for (name, lines, change, kind, line) in cases {
        let repository = overlay(&format!("resources: [rollout.yaml]\n{lines}\n"));
        change(&repository);
        let problem = fails(&repository, program);
        assert_eq!((problem.kind, problem.line), (kind, Some(line)), "{name}: {problem}");
        assert!(!problem.to_string().contains("canary"), "{problem}");
        assert!(!problem.action.is_empty());
    }
}

/// kustomize names neither file nor line.
fn broken_patches(program: &Program) {
    for (patch, line) in [
        ("apiVersion: v1\nkind: [Service\nmetadata: {name: web}\n", 3),
        ("kind: Rollout\nspec: {replicas: 1}\n", 1),
        ("[{op: replace, path: /spec/replicas, value: 1}]\n", 3),
        (
            "- op: replace\n  path: /spec/replicas\n  value: 1\n- path: /x\n  value: 1\n",
            4,
        ),
    ] {
        let repository = overlay("resources: [rollout.yaml]\npatches:\n- path: patch.yaml\n");
        if patch.starts_with(['[', '-']) {
            repository.replace(
                "o/kustomization.yaml",
                "- path: patch.yaml",
                "- path: patch.yaml\n  target: {kind: Rollout}",
            );
        }
        repository.write("o/patch.yaml", patch);
        let problem = fails(&repository, program);
        let file = if patch.starts_with('[') {
            "o/kustomization.yaml"
        } else {
            "o/patch.yaml"
        };
        assert_eq!(
            (problem.file.to_str(), problem.line),
            (Some(file), Some(line)),
            "{problem}"
        );
    }
}

fn published_addresses(program: &Program) {
    let repository = overlay(&format!(
        "resources: [rollout.yaml]\nnamePrefix: p-\n{PUBLISHED_CONFIGURATION_V5}{PUBLISHED_SCHEMA}"
    ));
    let output = repository.build("o", program);
    let notes: Vec<_> = output
        .built
        .notes
        .iter()
        .map(|note| (note.place.as_ref().unwrap().line, note.text.as_str()))
        .collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert_eq!((notes[0].0, notes[1].0), (4, 6));
    assert!(notes[1].1.contains("rollout_cr_schema.json"), "{notes:?}");
    // What the folder has is as it was.
    assert!(
        repository
            .read("o/kustomization.yaml")
            .contains("https://argoproj.github.io/")
    );
}

fn silent_settings(program: &Program) {
    let repository = overlay(&format!(
        "resources: [../base]\n{CONFIGURATION}images: [{{name: absent, newTag: '2'}}]\nconfigMapGenerator:\n- name: generated\n  behavior: replace\n  literals: [b=2]\n"
    ));
    repository.write(
        "base/kustomization.yaml",
        "configMapGenerator:\n- name: generated\n  literals: [a=1, b=1]\n",
    );
    let output = repository.build("o", program);
    assert_eq!(output.field("ConfigMap", "data"), json!({"b": "2"}), "a is gone");
    assert_eq!(
        output.line(&repository, "ConfigMap", "data.b").0,
        "o/kustomization.yaml"
    );
}

fn a_label_makes_a_template(program: &Program) {
    let referring = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n";
    let labels = "labels: [{pairs: {env: prod}, includeTemplates: true}]\n";
    for (configuration, has_template) in [(PUBLISHED_CONFIGURATION_V5, true), (CONFIGURATION, false)] {
        let repository = overlay(&format!("resources: [rollout.yaml]\n{labels}{configuration}"));
        repository.write("o/rollout.yaml", referring);
        let output = repository.build("o", program);
        assert_eq!(
            !output.field("Rollout", "spec.template").is_null(),
            has_template,
            "{configuration}"
        );
    }
}

fn an_index_hits_another_variable(program: &Program) {
    let patch = "- target: {kind: Rollout}\n  patch: |-\n    - op: replace\n      path: /spec/template/spec/containers/0/env/0/value\n      value: changed\n";
    let repository = overlay(&format!("resources: [rollout.yaml]\npatches:\n{patch}"));
    repository.replace(
        "o/rollout.yaml",
        "        - {name: A, value: a}\n",
        "        - {name: _, value: z}\n        - {name: A, value: a}\n",
    );
    let output = repository.build("o", program);
    let env = output.field("Rollout", "spec.template.spec.containers[0].env");
    assert_eq!(
        env,
        json!([{"name": "_", "value": "changed"}, {"name": "A", "value": "a"}])
    );
    let place = output.line(&repository, "Rollout", "spec.template.spec.containers[0].env[0].value");
    assert_eq!(place.1, "value: changed");
    assert_eq!(
        output
            .line(&repository, "Rollout", "spec.template.spec.containers[0].env[1].value")
            .0,
        "o/rollout.yaml"
    );
}

/// A base that patches itself, a layer in the middle, a component.
fn the_file_to_blame(program: &Program) {
    let lossy = merge_patch(
        "Rollout",
        "  template: {spec: {containers: [{name: main, image: nginx:2}]}}\n",
    );
    for folder in ["base", "middle", "part"] {
        let repository = overlay("resources: [../middle]\ncomponents: [../part]\n");
        let patches = |here: &str| {
            if here == folder {
                "patches: [{path: patch.yaml}]\n"
            } else {
                ""
            }
        };
        repository.write(
            "base/kustomization.yaml",
            &format!("resources: [rollout.yaml]\n{}", patches("base")),
        );
        repository.write("base/rollout.yaml", super::ROLLOUT);
        repository.write(
            "middle/kustomization.yaml",
            &format!("resources: [../base]\n{}", patches("middle")),
        );
        let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {part: x}\n";
        repository.write("part/kustomization.yaml", &format!("{component}{}", patches("part")));
        repository.write(&format!("{folder}/patch.yaml"), &lossy);
        let output = repository.build("o", program);
        let place = output.place("Rollout", "spec.template.spec.containers[0].ports");
        assert_eq!(place.file.to_str(), Some(format!("{folder}/patch.yaml").as_str()));
        let layers = &output.built.graph.layers;
        let layer = layers.iter().position(|layer| layer.folder.ends_with(folder)).unwrap();
        let before = output.built.layer(layer, false, &Options::default()).unwrap();
        let containers = &before.objects[0].value["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers.as_array().unwrap().len(), 2, "{folder}");
        let source = output.built.objects[0].source.as_ref().unwrap();
        assert_eq!(
            source["spec"]["template"]["spec"]["containers"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
    }
}

fn argocd_sources(program: &Program) {
    let repository = overlay("resources: [rollout.yaml]\nnamePrefix: a-\nimages: [{name: nginx, newTag: '2'}]\n");
    repository.write("o/.argocd-source.yaml", "kustomize:\n  namePrefix: b-\n  images:\n  - nginx=registry.example.com/nginx:3\n  - envoy:9\n  commonLabels: {env: prod}\n  labelWithoutSelector: true\n");
    let output = repository.build("o", program);
    let path = "spec.template.spec.containers[0].image";
    assert_eq!(
        output.field("Rollout/b-web", path),
        json!("registry.example.com/nginx:3")
    );
    let line = |path: &str| output.line(&repository, "Rollout/b-web", path);
    assert_eq!(
        line(path),
        (
            "o/.argocd-source.yaml".to_owned(),
            "- nginx=registry.example.com/nginx:3".to_owned()
        )
    );
    assert_eq!(line("metadata.name").1, "namePrefix: b-");
    assert_eq!(line("metadata.labels.env").0, "o/.argocd-source.yaml");
    assert!(output.field("Rollout/b-web", "spec.selector.matchLabels.env").is_null());

    repository.write("o/.argocd-source-web.yaml", "kustomize:\n  images: ['envoy:10']\n  patches:\n  - target: {kind: Rollout}\n    patch: |-\n      - op: replace\n        path: /spec/replicas\n        value: 8\n");
    let output = repository.build("o", program);
    assert_eq!(
        output.field("Rollout/b-web", "spec.template.spec.containers[1].image"),
        json!("envoy:10")
    );
    let (file, line) = output.line(&repository, "Rollout/b-web", "spec.replicas");
    assert_eq!(
        (file.as_str(), line.as_str()),
        ("o/.argocd-source-web.yaml", "value: 8")
    );
    // Of two, none is guessed.
    repository.write("o/.argocd-source-api.yaml", "kustomize: {images: ['envoy:11']}\n");
    let output = repository.build("o", program);
    assert_eq!(
        output.field("Rollout/b-web", "spec.template.spec.containers[1].image"),
        json!("envoy:9")
    );
    assert_eq!(output.built.graph.apps, ["api", "web"]);
}

/// RK001 compares a layer with itself without its patches.
fn what_a_layer_was_before_its_patches(program: &Program) {
    let repository = overlay(&format!(
        "resources: [../base]\nnamePrefix: p-\npatches: [{{path: patch.yaml}}]\n{SCHEMA}"
    ));
    repository.write(
        "base/kustomization.yaml",
        "resources: [rollout.yaml]\npatches: [{path: patch.yaml}]\n",
    );
    repository.write("base/rollout.yaml", super::ROLLOUT);
    for (folder, replicas) in [("base", 3), ("o", 4)] {
        repository.write(
            &format!("{folder}/patch.yaml"),
            &merge_patch("Rollout", &format!("  replicas: {replicas}\n")),
        );
    }
    let output = repository.build("o", program);
    let base = output
        .built
        .graph
        .layers
        .iter()
        .position(|layer| layer.folder.ends_with("base"))
        .unwrap();
    for (layer, with_patches, name, replicas) in [
        (0, true, "p-web", 4),
        (0, false, "p-web", 3),
        (base, true, "web", 3),
        (base, false, "web", 2),
    ] {
        let inner = output.built.layer(layer, with_patches, &Options::default()).unwrap();
        let value = &inner.objects[0].value;
        assert_eq!(
            (&value["metadata"]["name"], &value["spec"]["replicas"]),
            (&json!(name), &json!(replicas))
        );
    }
}
