//! Where a field of the output leads to.

use super::Test;
use super::support::Repository;
use serin_gitops::kustomize::{Origin, Program};

pub(crate) const TESTS: &[Test] = &[
    ("each_writer_is_found", each_writer_is_found),
    ("objects_know_where_they_come_from", objects_know_where_they_come_from),
    ("patches_know_what_they_touched", patches_know_what_they_touched),
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
