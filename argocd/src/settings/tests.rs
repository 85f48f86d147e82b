#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

const HEAD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\ndata:\n";

fn read(data: &str) -> ArgocdCm {
    ArgocdCm::read("cm.yaml", &format!("{HEAD}{data}")).unwrap_or_else(|finding| panic!("{finding}"))
}

/// Severity, line and key of each finding.
fn found(data: &str) -> Vec<(Severity, usize, String)> {
    let findings = read(data).check();
    let place = |it: &Finding| (it.severity, it.line.unwrap(), it.key.clone());
    findings.iter().map(place).collect()
}

use Severity::{Error, Warning};

/// What stands in `data`, and how bad, in which line and at which key it is told.
const MISTAKES: &[(&str, Severity, usize, &str)] = &[
    // Keys.
    (
        "  a: b\n  resource.customizations.health.a_b_C: x\n",
        Error,
        7,
        "resource.customizations.health.a_b_C",
    ),
    (
        "  resource.customizations.helth.a_B: x\n",
        Error,
        6,
        "resource.customizations.helth.a_B",
    ),
    (
        "  resource.customizations.health.: x\n",
        Error,
        6,
        "resource.customizations.health.",
    ),
    (
        "  resource.customizations.health: x\n",
        Warning,
        6,
        "resource.customizations.health",
    ),
    (
        "  resource.customizations.health.argoproj.io_rollout: x\n",
        Warning,
        6,
        "resource.customizations.health.argoproj.io_rollout",
    ),
    (
        "  resource.customizations.health.argoproj.io.Rollout: x\n",
        Warning,
        6,
        "resource.customizations.health.argoproj.io.Rollout",
    ),
    (
        "  resource.customizations.health._Pod: x\n",
        Warning,
        6,
        "resource.customizations.health._Pod",
    ),
    // Values of split keys; in a literal block the line is that of the mistake.
    (
        "  resource.customizations.useOpenLibs.a_B: 'yes'\n",
        Error,
        6,
        "resource.customizations.useOpenLibs.a_B",
    ),
    (
        "  resource.customizations.useOpenLibs.a_B: |\n    true\n",
        Error,
        6,
        "resource.customizations.useOpenLibs.a_B",
    ),
    (
        "  resource.customizations.useOpenLibs.a_B: true\n",
        Error,
        6,
        "resource.customizations.useOpenLibs.a_B",
    ),
    (
        "  resource.customizations.ignoreDifferences.a_B: |\n    jsonPointers:\n    - /x\n    jqPathExpressions: y\n",
        Error,
        9,
        "resource.customizations.ignoreDifferences.a_B → jqPathExpressions",
    ),
    (
        "  resource.customizations.ignoreDifferences.a_B: |\n    jsonPointers: [/x\n    b: c\n",
        Error,
        8,
        "resource.customizations.ignoreDifferences.a_B",
    ),
    (
        "  resource.customizations.ignoreDifferences.a_B: '{jsonPointers: 5}'\n",
        Error,
        6,
        "resource.customizations.ignoreDifferences.a_B → jsonPointers",
    ),
    (
        "  resource.customizations.ignoreResourceUpdates.a_B: |\n    jsonPointer: [/x]\n",
        Warning,
        7,
        "resource.customizations.ignoreResourceUpdates.a_B → jsonPointer",
    ),
    (
        "  resource.customizations.knownTypeFields.a_B: |\n    - field: x\n      type: core/v1/PodSpec\n    - y\n",
        Error,
        9,
        "resource.customizations.knownTypeFields.a_B → [1]",
    ),
    // Actions.
    (
        "  resource.customizations.actions.a_B: |\n    definitions: x\n",
        Error,
        7,
        "resource.customizations.actions.a_B → definitions",
    ),
    (
        "  resource.customizations.actions.a_B: |\n    discovery.lua: x\n",
        Warning,
        7,
        "resource.customizations.actions.a_B → definitions",
    ),
    (
        "  resource.customizations.actions.a_B: |\n    definitions: [{name: x, action.lua: y}]\n",
        Warning,
        7,
        "resource.customizations.actions.a_B → discovery.lua",
    ),
    (
        "  resource.customizations.actions.a_B: |\n    discovery.lua: x\n    discovry: y\n    definitions: [{name: x, action.lua: y}]\n",
        Warning,
        8,
        "resource.customizations.actions.a_B → discovry",
    ),
    (
        "  resource.customizations.actions.a_B: |\n    discovery.lua: x\n    definitions:\n    - {name: x, action.lua: y}\n    - {name: x, action.lua: z}\n",
        Warning,
        10,
        "resource.customizations.actions.a_B → definitions[1]",
    ),
    (
        "  resource.customizations.actions.a_B: |\n    discovery.lua: x\n    mergeBuiltinActions: 'true'\n    definitions: [{name: x, action.lua: y}]\n",
        Error,
        8,
        "resource.customizations.actions.a_B → mergeBuiltinActions",
    ),
    // The map.
    (
        "  resource.customizations: |\n    - a\n",
        Error,
        7,
        "resource.customizations",
    ),
    (
        "  resource.customizations: |\n    a/B:\n      health.lua: x\n    argoproj.io/Rollout:\n",
        Error,
        9,
        "resource.customizations → argoproj.io/Rollout",
    ),
    (
        "  resource.customizations: |\n    a/B:\n      health.lua: 5\n",
        Error,
        8,
        "resource.customizations → a/B.health.lua",
    ),
    (
        "  resource.customizations: |\n    a/B:\n      ignoreDifferences:\n        jsonPointers: [/x]\n",
        Error,
        8,
        "resource.customizations → a/B.ignoreDifferences",
    ),
    (
        "  resource.customizations: |\n    a/B:\n      ignoreDifferences: |\n        jsonPointers:\n        - /x\n        other: 1\n",
        Warning,
        11,
        "resource.customizations → a/B.ignoreDifferences.other",
    ),
    (
        "  resource.customizations: |\n    a/B:\n      health.lua: x\n      helth.lua: x\n",
        Warning,
        9,
        "resource.customizations → a/B.helth.lua",
    ),
    (
        "  resource.customizations: |\n    a_B:\n      health.lua: x\n",
        Warning,
        7,
        "resource.customizations → a_B",
    ),
    (
        "  resource.customizations: |\n    a/*:\n      actions: |\n        discovery.lua: x\n        definitions: [{name: x, action.lua: y}]\n",
        Warning,
        8,
        "resource.customizations → a/*.actions",
    ),
    (
        "  resource.customizations: |\n    'a/*':\n      health.lua: x\n    '*/B':\n      health.lua: x\n",
        Warning,
        8,
        "resource.customizations → a/*.health.lua",
    ),
    // Their neighbours.
    (
        "  resource.compareoptions: |\n    ignoreAggregatedRoles: 'x'\n",
        Error,
        7,
        "resource.compareoptions → ignoreAggregatedRoles",
    ),
    ("  resource.links: |\n    url: x\n", Error, 7, "resource.links"),
    (
        "  resource.links: |\n    - url: x\n      titel: y\n",
        Warning,
        8,
        "resource.links → [0].titel",
    ),
];

#[test]
fn each_mistake_has_its_key_and_line() {
    for (data, severity, line, key) in MISTAKES {
        let found = found(data);
        assert!(
            found.contains(&(*severity, *line, (*key).to_owned())),
            "{data}\nwanted {severity} {line} {key}, found {found:#?}"
        );
        let errors = found.iter().filter(|(it, ..)| *it == Error).count();
        assert_eq!(errors, usize::from(*severity == Error), "{data}: {found:#?}");
    }
}

#[test]
fn what_is_right_is_left_alone() {
    let data = "  url: https://argocd.example.com
  resource.customizations.health.cert-manager.io_Certificate: |
    return {status = 'Healthy'}
  resource.customizations.health.Pod: return nil
  resource.customizations.useOpenLibs.cert-manager.io_Certificate: 'true'
  resource.customizations.ignoreResourceUpdates.all: |
    jsonPointers:
      - /status
  resource.customizations.ignoreDifferences.apps_Deployment: |
    JSONPointers: [/spec/replicas]
  resource.customizations: |
    argoproj.io/*:
      health.lua: return {}
    '*/*':
      ignoreDifferences: |
        managedFieldsManagers: [rollouts-controller]
  resource.compareoptions: |
    ignoreResourceStatusField: off
  resource.links: |
    - url: https://x
      title: X
";
    assert_eq!(found(data), []);
}

#[test]
fn the_split_key_wins_field_by_field() {
    let data = "  resource.customizations.health.argoproj.io_Rollout: split
  resource.customizations: |
    argoproj.io/Rollout:
      health.lua: map
      actions: |
        discovery.lua: list
        definitions:
        - name: resume
          action.lua: run
    Pod:
      health.lua: pod
    apps/Deployment:
      ignoreDifferences: 'jsonPointers: [/spec/replicas]'
";
    let made = read(data).customizations().unwrap();
    let rollout = Customization {
        group: "argoproj.io".to_owned(),
        kind: "Rollout".to_owned(),
        health: Some("split".to_owned()),
        actions: Some(serin_lua::customization::Actions {
            discovery: "list".to_owned(),
            definitions: vec![("resume".to_owned(), "run".to_owned())],
        }),
    };
    let pod = Customization {
        kind: "Pod".to_owned(),
        health: Some("pod".to_owned()),
        ..Customization::default()
    };
    assert_eq!(made, [pod, rollout]);
}

#[test]
fn an_error_gives_all_findings_and_nothing_else() {
    let data = "  resource.customizations.health.a_b_C: x\n  resource.customizations.health: y\n";
    let findings = read(data).customizations().unwrap_err();
    assert_eq!(findings.len(), 2);
    let text = list(&findings);
    assert!(
        text.starts_with("cm.yaml:6: error: resource.customizations.health.a_b_C: "),
        "{text}"
    );
    assert!(
        text.contains("\n    Argo CD: ") && text.contains("\n    To do: "),
        "{text}"
    );
}

#[test]
fn a_misspelt_type_names_the_one_that_was_meant() {
    for (word, meant) in [
        ("Health", "health"),
        ("action", "actions"),
        ("ignoredifference", "ignoreDifferences"),
    ] {
        let findings = read(&format!("  resource.customizations.{word}.a_B: x\n")).check();
        let wanted = format!("rename the key to resource.customizations.{meant}.a_B");
        assert!(findings.iter().any(|it| it.remedy == wanted), "{word}: {findings:?}");
    }
}

#[test]
fn files_that_are_no_argocd_cm() {
    let finding = ArgocdCm::read("cm.yaml", "a: 1\nb: [\n").unwrap_err();
    assert_eq!(finding.severity, Error);
    assert!(finding.to_string().starts_with("cm.yaml:"), "{finding}");
    assert!(finding.problem.starts_with("not YAML"), "{finding}");
    let finding = ArgocdCm::read("cm.yaml", "kind: ConfigMap\nmetadata: {name: other}\n").unwrap_err();
    assert!(finding.problem.contains("no ConfigMap named argocd-cm"), "{finding}");
}

#[test]
fn the_right_document_of_several_is_taken_and_its_lines_are_those_of_the_file() {
    let text =
        format!("kind: Secret\nmetadata: {{name: argocd-cm}}\n---\n{HEAD}  resource.customizations.health.a_b_C: x\n");
    let findings = ArgocdCm::read("all.yaml", &text).unwrap().check();
    assert_eq!(findings[0].line, Some(9));
}

#[test]
fn a_configmap_of_a_cluster_has_no_lines() {
    let data = BTreeMap::from([("resource.customizations.health.a_b_C".to_owned(), "x".to_owned())]);
    let findings = ArgocdCm::from_cluster("argocd", data).check();
    assert!(
        findings[0]
            .to_string()
            .starts_with("configmap argocd/argocd-cm: error: "),
        "{}",
        findings[0]
    );
}

/// Nothing may panic, whatever stands in the values.
#[test]
fn any_value_is_survived() {
    let values = [
        "",
        " ",
        "a",
        "5",
        "true",
        "null",
        "[]",
        "{}",
        "[1, [2], {a: b}]",
        "{a: {b: c}}",
        "- {}",
        "\t",
        "&a [*a]",
        "{definitions: [5, {}]}",
    ];
    let keys = [
        "health",
        "useOpenLibs",
        "actions",
        "ignoreDifferences",
        "ignoreResourceUpdates",
        "knownTypeFields",
    ];
    let mut names: Vec<_> = keys
        .iter()
        .map(|key| format!("resource.customizations.{key}.a_B"))
        .collect();
    names.extend(["resource.customizations", "resource.links", "resource.compareoptions"].map(str::to_owned));
    for name in &names {
        for value in values {
            let cm = ArgocdCm::from_cluster("argocd", BTreeMap::from([(name.clone(), value.to_owned())]));
            for finding in cm.check() {
                assert!(finding.key.starts_with(name.as_str()), "{finding}");
            }
        }
        for field in [
            "health.lua",
            "health.lua.useOpenLibs",
            "actions",
            "ignoreDifferences",
            "knownTypeFields",
        ] {
            for value in values.iter().filter(|it| !it.starts_with('\t')) {
                let map = format!("a/B:\n  {field}: {value}\n");
                let data = BTreeMap::from([("resource.customizations".to_owned(), map)]);
                let findings = ArgocdCm::from_cluster("argocd", data).check();
                assert!(findings.len() < 20, "{field}: {value}: {findings:?}");
            }
        }
    }
}
