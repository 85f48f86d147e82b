//! Where a field of the output leads to.

use super::Test;
use super::support::Repository;
use serde_json::Value;
use serin_gitops::kustomize::{Options, Origin, Program};
use serin_gitops::yaml::FieldPath;

pub(crate) const TESTS: &[Test] = &[
    ("each_writer_is_found", each_writer_is_found),
    ("objects_know_where_they_come_from", objects_know_where_they_come_from),
    ("patches_know_what_they_touched", patches_know_what_they_touched),
    (
        "every_value_leads_to_a_line_that_has_it",
        every_value_leads_to_a_line_that_has_it,
    ),
    ("renamed_objects_are_known", renamed_objects_are_known),
    (
        "patches_of_other_builds_are_left_out",
        patches_of_other_builds_are_left_out,
    ),
    ("an_overlay_at_the_root", an_overlay_at_the_root),
    ("items_in_front_of_others", items_in_front_of_others),
    ("a_base_that_is_taken_in_twice", a_base_that_is_taken_in_twice),
    (
        "deleted_objects_are_no_missed_patch",
        deleted_objects_are_no_missed_patch,
    ),
];

/// Object, field, file, and the text of the line.
const WRITERS: &str = r#"
Rollout | kind | base/rollout.yaml | kind: Rollout
Rollout | metadata.name | overlay/kustomization.yaml | nameSuffix: -x
Rollout | metadata.namespace | overlay/kustomization.yaml | namespace: prod
Rollout | metadata.labels.env | overlay/kustomization.yaml | - pairs: {env: prod}
Rollout | metadata.labels.app | base/rollout.yaml | labels: {app: web}
Rollout | metadata.annotations.team | overlay/kustomization.yaml | team: shop
Rollout | spec.replicas | overlay/count.json | {"op": "replace", "path": "/spec/replicas", "value": 9}
Rollout | spec.minReadySeconds | overlay/kustomization.yaml | minReadySeconds: 7
Rollout | spec.strategy.canary.steps[0].setWeight | middle/kustomization.yaml | value: 10
Rollout | spec.strategy.canary.steps[2].setWeight | base/rollout.yaml | - setWeight: 50
Rollout | spec.strategy.canary.steps[3] | middle/kustomization.yaml | value: {pause: {duration: 60}}
Rollout | spec.strategy.canary.steps[3].pause.duration | middle/kustomization.yaml | value: {pause: {duration: 60}}
Rollout | spec.strategy.canary.steps | base/rollout.yaml | steps:
Rollout | spec.strategy.canary.canaryService | base/rollout.yaml | canaryService: web-canary
Rollout | spec.strategy.canary.stableService | middle/kustomization.yaml | - op: remove
Rollout | spec.strategy | base/rollout.yaml | strategy:
Rollout | spec | base/rollout.yaml | spec:
Rollout |  | base/rollout.yaml | apiVersion: argoproj.io/v1alpha1
Rollout | spec.progressDeadlineSeconds | base/rollout.yaml | spec:
Rollout | spec.template.spec.containers[0].image | overlay/kustomization.yaml | newTag: "2"
Rollout | spec.template.spec.containers[1].image | overlay/kustomization.yaml | newTag: "3"
Rollout | spec.template.spec.containers[0].env[0].value | base/rollout.yaml | value: base
Service/m-web-x | spec.type | component/type.yaml | type: ClusterIP
Service/m-web-canary-x | spec.selector | base/other.yaml | selector: {app: web}
ConfigMap | data.size | middle/kustomization.yaml | - size=2
ConfigMap | data.color | base/kustomization.yaml | - color=red
ConfigMap | data.B | base/some.env | B=2
ConfigMap | data | base/kustomization.yaml | - name: settings
ConfigMap |  | base/kustomization.yaml | - name: settings
"#;

fn each_writer_is_found(program: &Program) {
    let repository = Repository::case("layers");
    let output = repository.build("overlay", program);
    for row in WRITERS.trim().lines() {
        let columns: Vec<_> = row.split(" | ").collect();
        let [object, path, file, line] = columns[..] else {
            panic!("{row}")
        };
        let found = output.line(&repository, object, path);
        assert_eq!(found, (file.to_owned(), line.to_owned()), "{object} {path}");
    }
    let place = output.place("Rollout", "spec.strategy.canary.steps[0].setWeight");
    assert_eq!(
        (place.line, place.column),
        (10, 7),
        "of the inline patch in the kustomization file"
    );
    assert_eq!(
        output.place("ConfigMap", "data.app\u{2e}ini").file.to_string_lossy(),
        "base/app.ini"
    );
    let canary = output.place("Service/m-web-canary-x", "spec.selector");
    assert_eq!(canary.line, 13);
}

fn objects_know_where_they_come_from(program: &Program) {
    let output = Repository::case("layers").build("overlay", program);
    let object = |name: &str| &output.built.objects[output.index(name)];
    let rollout = object("Rollout/m-web-x");
    assert_eq!(rollout.original.name, "web");
    assert_eq!(rollout.original.namespace, None);
    assert_eq!(rollout.source.as_ref().unwrap()["spec"]["replicas"], 2);
    let layers: Vec<_> = rollout
        .layers
        .iter()
        .map(|at| output.built.graph.layers[*at].folder.to_string_lossy())
        .collect();
    assert_eq!(layers, ["base", "middle", "component", "overlay"]);
    let Origin::File { place, document } = &object("Service/m-web-canary-x").origin else {
        panic!("no file")
    };
    assert_eq!(
        (place.file.to_string_lossy().as_ref(), place.line, *document),
        ("base/other.yaml", 9, 2)
    );
    let settings = object("ConfigMap");
    assert!(matches!(settings.origin, Origin::Generator { generator: 0, .. }));
    assert_eq!(settings.original.name, "settings");
    assert_eq!(
        object("ServiceAccount/web-x").layers.len(),
        2,
        "the component and the overlay"
    );
}

fn patches_know_what_they_touched(program: &Program) {
    let output = Repository::case("layers").build("overlay", program);
    let mut touched = output.touched();
    touched.sort();
    let rollout = vec!["Rollout/m-web-x".to_owned()];
    let service = vec!["Service/m-web-x".to_owned()];
    assert_eq!(touched, [vec![], rollout.clone(), rollout.clone(), rollout, service]);
}

fn leaves(value: &Value, path: &FieldPath, found: &mut Vec<(FieldPath, String)>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| leaves(value, &path.key(key), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, value)| leaves(value, &path.index(at), found)),
        Value::String(text) => found.push((path.clone(), text.clone())),
        other => found.push((path.clone(), other.to_string())),
    }
}

/// But for names and namespaces, which transformers put together, and for what a generator makes besides its data.
fn every_value_leads_to_a_line_that_has_it(program: &Program) {
    for (case, overlay) in [("layers", "overlay"), ("references", "o")] {
        let repository = Repository::case(case);
        if case == "references" {
            repository.write(
                "o/kustomization.yaml",
                "resources: [objects.yaml, routes.yaml]\nimages: [{name: nginx, newTag: '7'}]\n",
            );
        }
        let output = repository.build(overlay, program);
        let mut checked = 0;
        for (at, object) in output.built.objects.iter().enumerate() {
            let (mut values, is_generated) = (Vec::new(), matches!(object.origin, Origin::Generator { .. }));
            leaves(&object.value, &FieldPath::root(), &mut values);
            for (path, value) in values {
                let text = path.to_string();
                let place = output.built.place(at, &path).unwrap_or_else(|| panic!("{text}"));
                let is_made = is_generated && !text.starts_with("data.");
                if text.ends_with("metadata.name") || text.contains("configMapRef.name") || is_made {
                    continue;
                }
                let line = repository.line(&place);
                let shown = if text.ends_with(".image") {
                    value.rsplit(':').next().unwrap()
                } else {
                    value.trim()
                };
                assert!(
                    line.contains(shown),
                    "{} {text} = {value:?}: {place} has {line:?}",
                    object.value["kind"]
                );
                checked += 1;
            }
        }
        assert!(checked > 40, "{case}: {checked}");
    }
}

/// By a built-in transformer, by patches that may change names and kinds.
fn renamed_objects_are_known(program: &Program) {
    let repository = Repository::of("");
    let map =
        |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: {name}}}\n");
    repository.write("o/a.yaml", &map("a"));
    repository.write("o/b.yaml", &map("b"));
    repository.write(
        "o/c.yaml",
        &map("c")
            .replace("ConfigMap", "Secret")
            .replace("\ndata", "\nstringData"),
    );
    repository.write(
        "o/r.yaml",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules: []\n",
    );
    repository.write(
        "o/kustomization.yaml",
        "resources: [a.yaml, b.yaml, c.yaml, r.yaml]\ntransformers: [prefix.yaml]\npatches:\n- target: {kind: Secret}\n  options: {allowNameChange: true}\n  patch: |-\n    - op: replace\n      path: /metadata/name\n      value: quite-other\n- target: {kind: ClusterRole}\n  options: {allowKindChange: true}\n  patch: |-\n    - op: replace\n      path: /kind\n      value: Role\n",
    );
    repository.write("o/prefix.yaml", "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: x-\nfieldSpecs: [{path: metadata/name}]\n");
    let output = repository.build("o", program);
    for (object, path, file) in [
        ("ConfigMap/x-a", "data.a", "o/a.yaml"),
        ("ConfigMap/x-b", "data.a", "o/b.yaml"),
        ("Secret/x-quite-other", "stringData.a", "o/c.yaml"),
        ("Role/x-r", "rules", "o/r.yaml"),
    ] {
        assert_eq!(output.place(object, path).file.to_str(), Some(file), "{object}");
    }
    assert_eq!(output.line(&repository, "Role/x-r", "kind").1, "value: Role");
}

fn deleted_objects_are_no_missed_patch(program: &Program) {
    let repository = Repository::case("layers");
    let patch = "apiVersion: v1\nkind: Service\nmetadata: {name: web-canary}\n$patch: delete\n";
    repository.write("overlay/delete.yaml", patch);
    repository.replace(
        "overlay/kustomization.yaml",
        "- path: count.json",
        "- path: delete.yaml\n- path: count.json",
    );
    let output = repository.build("overlay", program);
    let reaches = output.built.reaches();
    let deletes: Vec<_> = reaches.iter().filter(|reach| reach.deletes).collect();
    assert_eq!(deletes.len(), 1, "{reaches:?}");
    assert_eq!(
        output.built.patch(deletes[0]).unwrap().file.to_str(),
        Some("overlay/delete.yaml")
    );
}

/// Two variants of one base: each object leads to its own patch.
fn a_base_that_is_taken_in_twice(program: &Program) {
    let repository = Repository::of("");
    repository.write("base/kustomization.yaml", "resources: [map.yaml]\n");
    repository.write(
        "base/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: base, b: base}\n",
    );
    for name in ["a", "b"] {
        let patch = format!("  patch: '[{{\"op\": \"replace\", \"path\": \"/data/a\", \"value\": \"{name}\"}}]'\n");
        let lines =
            format!("resources: [../base]\nnamePrefix: {name}-\npatches:\n- target: {{kind: ConfigMap}}\n{patch}");
        repository.write(&format!("{name}/kustomization.yaml"), &lines);
    }
    repository.write("o/kustomization.yaml", "resources: [../a, ../b]\n");
    let output = repository.build("o", program);
    for name in ["a", "b"] {
        let object = format!("ConfigMap/{name}-map");
        assert_eq!(
            output.place(&object, "data.a").file.to_str(),
            Some(format!("{name}/kustomization.yaml").as_str())
        );
        assert_eq!(output.place(&object, "data.b").file.to_str(), Some("base/map.yaml"));
        assert_eq!(
            output.place(&object, "metadata.name").file.to_str(),
            Some(format!("{name}/kustomization.yaml").as_str())
        );
    }
    let mut touched = output.touched();
    touched.sort();
    assert_eq!(touched, [["ConfigMap/a-map"], ["ConfigMap/b-map"]]);
}

/// A patch puts a step and a container in front: those of the base still lead to the base.
fn items_in_front_of_others(program: &Program) {
    let repository = Repository::of("");
    repository.write("o/rollout.yaml", super::damage::ROLLOUT);
    let patch = r#"[{"op": "add", "path": "/spec/strategy/canary/steps/0", "value": {"setWeight": 1}},
 {"op": "add", "path": "/spec/template/spec/containers/0", "value": {"name": "proxy", "image": "proxy:1"}}]"#;
    repository.write("o/patch.json", patch);
    repository.write(
        "o/kustomization.yaml",
        "resources: [rollout.yaml]\npatches: [{path: patch.json, target: {kind: Rollout}}]\n",
    );
    let output = repository.build("o", program);
    let steps = "spec.strategy.canary.steps";
    let containers = "spec.template.spec.containers";
    for (path, file, line) in [
        (format!("{steps}[0].setWeight"), "o/patch.json", 1),
        (format!("{steps}[1].setWeight"), "o/rollout.yaml", 11),
        (format!("{steps}[2].pause"), "o/rollout.yaml", 12),
        (format!("{steps}[4].setWeight"), "o/rollout.yaml", 14),
        (format!("{containers}[0].image"), "o/patch.json", 2),
        (format!("{containers}[1].image"), "o/rollout.yaml", 21),
        (format!("{containers}[2].image"), "o/rollout.yaml", 27),
    ] {
        let place = output.place("Rollout", &path);
        assert_eq!((place.file.to_str(), place.line), (Some(file), line), "{path}");
    }
}

/// A folder of transformers may have patches of its own; those of the overlay are no part of its base's build.
fn patches_of_other_builds_are_left_out(program: &Program) {
    let repository = Repository::case("layers");
    repository.write(
        "fixes/kustomization.yaml",
        "resources: [label.yaml]\npatches: [{path: patch.yaml}]\n",
    );
    let label = "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: label}\n";
    repository.write(
        "fixes/label.yaml",
        &format!("{label}labels: {{a: b}}\nfieldSpecs: [{{path: metadata/labels, create: true}}]\n"),
    );
    repository.write("fixes/patch.yaml", &format!("{label}labels: {{a: c}}\n"));
    let before = repository.build("overlay", program).built.reaches().len();
    repository.replace(
        "overlay/kustomization.yaml",
        "namespace: prod",
        "transformers: [../fixes]\nnamespace: prod",
    );
    let output = repository.build("overlay", program);
    assert_eq!(output.field("Rollout", "metadata.labels.a"), Value::from("c"));
    assert_eq!(output.built.reaches().len(), before);
    let middle = output
        .built
        .graph
        .layers
        .iter()
        .position(|layer| layer.folder.ends_with("middle"))
        .unwrap();
    let inner = output.built.layer(middle, true, &Options::default()).unwrap();
    assert_eq!(inner.reaches().len(), 1);
}

fn an_overlay_at_the_root(program: &Program) {
    let repository = Repository::of("");
    repository.write("kustomization.yaml", "resources: [rollout.yaml]\nnamePrefix: p-\n");
    repository.write("rollout.yaml", super::damage::ROLLOUT);
    for overlay in ["", ".", "./", "x/.."] {
        let output = repository.build(overlay, program);
        assert_eq!(output.names(), ["Rollout/p-web"], "{overlay:?}");
        assert_eq!(
            output.place("Rollout/p-web", "metadata.name").file.to_str(),
            Some("kustomization.yaml")
        );
    }
}
