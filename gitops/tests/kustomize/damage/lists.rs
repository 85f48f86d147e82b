//! K1 to K12: lists and patches.

use super::{CONFIGURATION, PUBLISHED_SCHEMA, SCHEMA, Test, merge_patch, overlay, ship};
use crate::support::{Output, Repository};
use serde_json::{Value, json};
use serin_gitops::kustomize::Program;

pub(crate) const TESTS: &[Test] = &[
    ("k01_k02_a_merge_patch_of_a_container", a_merge_patch_of_a_container),
    ("k03_a_schema_leaks_to_siblings", a_schema_leaks_to_siblings),
    ("k04_a_schema_leaks_to_other_bases", a_schema_leaks_to_other_bases),
    ("k05_a_schema_in_another_layer", a_schema_in_another_layer),
    ("k06_a_crd_is_no_schema", a_crd_is_no_schema),
    ("k07_steps_are_replaced", steps_are_replaced),
    ("k08_both_strategies", both_strategies),
    ("k09_patch_delete", patch_delete),
    ("k10_k11_patches_by_number", patches_by_number),
    ("k12_a_patch_hits_nothing", a_patch_hits_nothing),
];

const PODS: &str = "spec.template.spec.containers";

/// For each container its name, whether it has ports, and the names of its variables.
fn containers(output: &Output, object: &str) -> Vec<(String, bool, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names = |value: &Value| {
        value
            .as_array()
            .into_iter()
            .flatten()
            .map(|it| text(&it["name"]))
            .collect()
    };
    let containers = output.field(object, PODS);
    let container = |it: &Value| (text(&it["name"]), it.get("ports").is_some(), names(&it["env"]));
    containers.as_array().unwrap().iter().map(container).collect()
}

fn whole() -> Vec<(String, bool, Vec<String>)> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    vec![
        ("main".to_owned(), true, names(&["B", "A"])),
        ("sidecar".to_owned(), false, Vec::new()),
    ]
}

fn sorted(mut containers: Vec<(String, bool, Vec<String>)>) -> Vec<(String, bool, Vec<String>)> {
    for container in &mut containers {
        container.2.sort();
    }
    containers.sort();
    containers
}

const CONTAINER: &str = "  template:\n    spec:\n      containers:\n      - name: main\n        image: nginx:2\n        env:\n        - {name: B, value: b}\n";

/// Resources and one patch file for each of them.
fn patched(rest: &str) -> Repository {
    let head = "resources: [rollout.yaml, deployment.yaml]\npatches: [{path: rollout-patch.yaml}, {path: deployment-patch.yaml}]\n";
    let repository = overlay(&format!("{head}{rest}"));
    repository.write("o/rollout-patch.yaml", &merge_patch("Rollout", CONTAINER));
    repository.write("o/deployment-patch.yaml", &merge_patch("Deployment", CONTAINER));
    repository
}

fn a_merge_patch_of_a_container(program: &Program) {
    let repository = patched("");
    let output = repository.build("o", program);
    assert_eq!(sorted(containers(&output, "Deployment")), sorted(whole()));
    assert_eq!(
        containers(&output, "Rollout"),
        [("main".to_owned(), false, vec!["B".to_owned()])]
    );
    // What is gone leads to the patch that took it.
    let patch = "o/rollout-patch.yaml".to_owned();
    let lost = output.line(&repository, "Rollout", &format!("{PODS}[0].ports"));
    assert_eq!(lost, (patch.clone(), "- name: main".to_owned()));
    assert_eq!(
        output.line(&repository, "Rollout", PODS),
        (patch, "containers:".to_owned())
    );

    let output = patched(PUBLISHED_SCHEMA).build("o", program);
    assert_eq!(
        containers(&output, "Rollout"),
        [
            ("main".to_owned(), true, vec!["B".to_owned()]),
            ("sidecar".to_owned(), false, vec![])
        ],
        "K2: containers are merged, variables are not"
    );

    let output = patched(SCHEMA).build("o", program);
    assert_eq!(sorted(containers(&output, "Rollout")), sorted(whole()));
    assert_eq!(output.field("Rollout", &format!("{PODS}[0].image")), json!("nginx:2"));
}

fn a_schema_leaks_to_siblings(program: &Program) {
    let output = patched(PUBLISHED_SCHEMA).build("o", program);
    assert_eq!(
        containers(&output, "Deployment"),
        [("main".to_owned(), false, vec!["B".to_owned()])]
    );
    let output = patched(SCHEMA).build("o", program);
    assert_eq!(sorted(containers(&output, "Deployment")), sorted(whole()));
}

fn a_schema_leaks_to_other_bases(program: &Program) {
    let bases = |order: &str, schema: &str| {
        let repository = overlay(&format!("resources: [{order}]\n"));
        repository.write("a/kustomization.yaml", &format!("resources: [rollout.yaml]\n{schema}"));
        repository.write("a/rollout.yaml", super::ROLLOUT);
        ship(&repository, "a");
        repository.write(
            "b/kustomization.yaml",
            "resources: [deployment.yaml]\npatches: [{path: patch.yaml}]\n",
        );
        repository.write("b/deployment.yaml", &super::deployment());
        repository.write("b/patch.yaml", &merge_patch("Deployment", CONTAINER));
        containers(&repository.build("o", program), "Deployment")
    };
    assert_eq!(
        bases("../a, ../b", PUBLISHED_SCHEMA).len(),
        1,
        "the schema of a is that of b"
    );
    assert_eq!(sorted(bases("../b, ../a", PUBLISHED_SCHEMA)), sorted(whole()));
    assert_eq!(sorted(bases("../a, ../b", SCHEMA)), sorted(whole()));
    assert_eq!(sorted(bases("../b, ../a", SCHEMA)), sorted(whole()));
}

fn a_schema_in_another_layer(program: &Program) {
    let layers = |base: &str, overlay_lines: &str| {
        let repository = overlay(&format!("resources: [../base]\n{overlay_lines}"));
        repository.write("base/kustomization.yaml", &format!("resources: [rollout.yaml]\n{base}"));
        repository.write("base/rollout.yaml", super::ROLLOUT);
        for folder in ["o", "base"] {
            repository.write(&format!("{folder}/patch.yaml"), &merge_patch("Rollout", CONTAINER));
        }
        ship(&repository, "base");
        containers(&repository.build("o", program), "Rollout").len()
    };
    let patches = "patches: [{path: patch.yaml}]\n";
    for schema in [PUBLISHED_SCHEMA, SCHEMA] {
        assert_eq!(layers(schema, patches), 2);
        assert_eq!(layers(patches, schema), 2);
    }
    assert_eq!(layers("", patches), 1);
}

fn a_crd_is_no_schema(program: &Program) {
    let repository = patched("");
    let crd = concat!(env!("CARGO_MANIFEST_DIR"), "/../crds/rollouts.yaml");
    repository.write("o/crd.yaml", &std::fs::read_to_string(crd).unwrap());
    repository.replace("o/kustomization.yaml", "resources: [", "resources: [crd.yaml, ");
    assert_eq!(containers(&repository.build("o", program), "Rollout").len(), 1);
    let repository = patched("crds: [crd.yaml]\n");
    repository.write("o/crd.yaml", &std::fs::read_to_string(crd).unwrap());
    let error = repository.try_build("o", program).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("crd.yaml"), "{error}");
}

fn steps_are_replaced(program: &Program) {
    let steps = "  strategy: {canary: {steps: [{setWeight: 5}]}}\n";
    for schema in ["", PUBLISHED_SCHEMA, SCHEMA] {
        let repository = patched(schema);
        repository.write("o/rollout-patch.yaml", &merge_patch("Rollout", steps));
        let output = repository.build("o", program);
        assert_eq!(
            output.field("Rollout", "spec.strategy.canary.steps"),
            json!([{"setWeight": 5}])
        );
        let place = output.place("Rollout", "spec.strategy.canary.steps");
        assert_eq!(place.file.to_str(), Some("o/rollout-patch.yaml"));
    }
}

fn both_strategies(program: &Program) {
    for (patch, both) in [
        ("  strategy: {blueGreen: {activeService: web}}\n", true),
        ("  strategy: {canary: null, blueGreen: {activeService: web}}\n", false),
        (
            "  strategy: {$patch: replace, blueGreen: {activeService: web}}\n",
            false,
        ),
    ] {
        let repository = patched("");
        repository.write("o/rollout-patch.yaml", &merge_patch("Rollout", patch));
        let output = repository.build("o", program);
        let strategy = output.field("Rollout", "spec.strategy");
        assert_eq!(strategy.get("canary").is_some(), both, "{patch}");
        assert!(strategy.get("blueGreen").is_some(), "{patch}");
        let place = output.place("Rollout", "spec.strategy.blueGreen");
        assert_eq!(place.file.to_str(), Some("o/rollout-patch.yaml"));
    }
}

fn patch_delete(program: &Program) {
    let delete = "  template: {spec: {containers: [{name: sidecar, $patch: delete}]}}\n";
    let output = |schema: &str| {
        let repository = patched(schema);
        repository.write("o/rollout-patch.yaml", &merge_patch("Rollout", delete));
        repository.build("o", program).field("Rollout", PODS)
    };
    assert_eq!(output(""), json!([{"$patch": "delete", "name": "sidecar"}]));
    for schema in [PUBLISHED_SCHEMA, SCHEMA] {
        let left = output(schema);
        assert_eq!(
            (left.as_array().unwrap().len(), &left[0]["name"]),
            (1, &json!("main")),
            "{schema}"
        );
    }
}

fn patches_by_number(program: &Program) {
    let patch = "resources: [rollout.yaml]\npatches:\n- target: {kind: Rollout}\n  patch: |-\n    - op: replace\n      path: /spec/strategy/canary/steps/2/setWeight\n      value: 30\n";
    let steps = |change: &dyn Fn(&Repository)| {
        let repository = overlay(patch);
        change(&repository);
        let output = repository.build("o", program);
        let place = output.line(&repository, "Rollout", "spec.strategy.canary.steps[2].setWeight");
        assert_eq!(place, ("o/kustomization.yaml".to_owned(), "value: 30".to_owned()));
        output.field("Rollout", "spec.strategy.canary.steps")
    };
    let as_meant = json!([{"setWeight": 5}, {"pause": {}}, {"setWeight": 30}, {"setWeight": 50}]);
    assert_eq!(steps(&|_| {}), as_meant);
    // K10: the base gets two steps in front.
    let in_front = |repository: &Repository| {
        repository.replace(
            "o/rollout.yaml",
            "      - setWeight: 5\n",
            "      - setWeight: 1\n      - pause: {}\n      - setWeight: 5\n",
        );
    };
    assert_eq!(steps(&in_front)[2], json!({"setWeight": 30}), "it was the step of 5 %");
    // K11: the base loses one, and the patch adds the key to another.
    let fewer = |repository: &Repository| {
        repository.replace(
            "o/rollout.yaml",
            "      - setWeight: 5\n      - pause: {}\n",
            "      - setWeight: 1\n      - setWeight: 5\n      - pause: {}\n",
        )
    };
    assert_eq!(steps(&fewer)[2], json!({"pause": {}, "setWeight": 30}));
    let repository = overlay(&patch.replace("steps/2/", "steps/9/"));
    let error = repository.try_build("o", program).map(|_| ()).unwrap_err();
    assert_eq!(
        (error.problems[0].file.to_str(), error.problems[0].line),
        (Some("o/kustomization.yaml"), Some(6)),
        "{error}"
    );
}

fn a_patch_hits_nothing(program: &Program) {
    let json = r#"[{"op": "add", "path": "/spec/paused", "value": true}]"#;
    for (target, hits) in [
        ("{kind: Rollout, name: web}", true),
        ("{kind: Rollout, name: w.b}", true),
        ("{kind: Rollout, name: we}", false),
        ("{kind: Rollout, name: wbe}", false),
        ("{kind: Deployment}", false),
        ("{group: argoproj.io}", true),
        ("{kind: Rollout, labelSelector: app=web}", false),
    ] {
        let repository = overlay(&format!(
            "resources: [rollout.yaml]\n{CONFIGURATION}patches:\n- target: {target}\n  patch: '{json}'\n"
        ));
        let output = repository.build("o", program);
        assert_eq!(output.field("Rollout", "spec.paused") == json!(true), hits, "{target}");
        assert_eq!(output.touched() == [["Rollout/web"]], hits, "{target}");
    }
    let repository = patched("");
    repository.replace("o/rollout-patch.yaml", "name: web}", "name: wbe}");
    let error = repository.try_build("o", program).map(|_| ()).unwrap_err();
    assert_eq!(
        (error.problems[0].file.to_str(), error.problems[0].line),
        (Some("o/rollout-patch.yaml"), Some(3)),
        "{error}"
    );
}
