//! Settings as a real `argocd` reads them, without a cluster: `ARGOCD` names the program. Without it all of it is
//! ignored.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use libtest_mimic::{Arguments, Trial};
use serde_json::json;
use serin_argocd::install::{ignore_keys, link, rbac};
use serin_argocd::settings::{ArgocdCm, any_error};
use serin_core::notation::yaml;
use serin_lua::generate::{self, Options};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::LazyLock;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let is_missing = std::env::var_os("ARGOCD").is_none();
    let test = |name: &str, run: fn()| {
        let run = move || {
            run();
            Ok(())
        };
        Trial::test(name, run).with_kind("ARGOCD").with_ignored_flag(is_missing)
    };
    let tests = vec![
        test("the_same_mistakes_stop_the_load", the_same_mistakes_stop_the_load),
        test("our_keys_load", our_keys_load),
        test(
            "each_role_may_run_its_actions_and_nothing_else",
            each_role_may_run_its_actions_and_nothing_else,
        ),
        test(
            "ignored_differences_are_the_weights_alone",
            ignored_differences_are_the_weights_alone,
        ),
        test(
            "the_hooks_answer_in_the_real_program",
            the_hooks_answer_in_the_real_program,
        ),
    ];
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// A folder of one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("serin-argocd-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn write_cm(&self, data: &BTreeMap<String, String>) -> String {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data,
            "metadata": {"name": "argocd-cm", "labels": {"app.kubernetes.io/part-of": "argocd"}}});
        self.write("argocd-cm.yaml", &yaml::to_string(&map).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// All that `argocd admin settings …` prints.
fn settings(words: &[&str]) -> String {
    let program = std::env::var_os("ARGOCD").expect("ARGOCD names an argocd");
    let output = Command::new(program)
        .args(["admin", "settings"])
        .args(words)
        // Its own settings of the machine stay out of it.
        .env("HOME", std::env::temp_dir())
        .env("KUBECONFIG", &*NOWHERE)
        .output()
        .expect("ARGOCD can be run");
    let text = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    text.concat()
}

/// A kubeconfig that leads nowhere: some commands want one and never use it.
static NOWHERE: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = std::env::temp_dir().join("serin-argocd-nowhere.kubeconfig");
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "nowhere",
        "clusters": [{"name": "nowhere", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "nowhere", "context": {"cluster": "nowhere", "user": ""}}]});
    std::fs::write(&path, config.to_string()).unwrap();
    path
});

/// Whether Argo CD can load the customizations. It says no in what it prints; its exit code is 0 all the same.
fn loads(folder: &Folder, data: &BTreeMap<String, String>) -> bool {
    let file = folder.write_cm(data);
    let answer = settings(&["validate", "--group", "resource-overrides", "--argocd-cm-path", &file]);
    answer.contains("✅ resource-overrides")
}

/// The reader here and Argo CD's own agree on what stops the load.
fn the_same_mistakes_stop_the_load() {
    let prefix = "resource.customizations";
    let folder = Folder::new("load");
    for (key, value) in [
        ("health.a_b_C", "x"),
        ("health.a_C", "x"),
        ("healthx.a_B", "x"),
        ("health", "x"),
        ("health.", "x"),
        ("health._Pod", "x"),
        ("health.all", "x"),
        ("useOpenLibs.a_B", "yes"),
        ("useOpenLibs.a_B", "true\n"),
        ("useOpenLibs.a_B", "T"),
        ("ignoreDifferences.a_B", "jsonPointers: /x"),
        ("ignoreDifferences.a_B", "jsonPointers: [5, true, null]"),
        ("ignoreDifferences.a_B", "jsonPointers: [{a: b}]"),
        ("ignoreDifferences.a_B", "jsonPointers: [/x\nb: c"),
        ("ignoreDifferences.a_B", "- a"),
        ("ignoreDifferences.a_B", "a: 1\na: 2"),
        ("ignoreDifferences.a_B", ""),
        ("ignoreResourceUpdates.a_B", "JSONPOINTERS: [/x]"),
        ("ignoreResourceUpdates.a_B", "5"),
        ("knownTypeFields.a_B", "- {field: a, type: 5}"),
        ("knownTypeFields.a_B", "- b"),
        ("knownTypeFields.a_B", "field: a"),
        ("", "- a"),
        ("", "argoproj.io/Rollout:"),
        ("", "a/B: {health.lua: 5}"),
        ("", "a/B: {Health.LUA: x, zzz: 1}"),
        ("", "a/B: {health.lua.useOpenLibs: 'true'}"),
        ("", "a/B: {health.lua.useOpenLibs: on}"),
        ("", "a/B: {ignoreDifferences: {jsonPointers: [/x]}}"),
        ("", "a/B: {ignoreDifferences: 'jsonPointers: /x'}"),
        ("", "a/B: {ignoreDifferences: null, knownTypeFields: [{field: a}]}"),
        ("", "a/B: {knownTypeFields: {field: a}}"),
    ] {
        let key = if key.is_empty() {
            prefix.to_owned()
        } else {
            format!("{prefix}.{key}")
        };
        let data = BTreeMap::from([(key.clone(), value.to_owned())]);
        let findings = ArgocdCm::from_cluster("argocd", data.clone()).check();
        let theirs = loads(&folder, &data);
        assert_eq!(!any_error(&findings), theirs, "{key}: {value:?}: {findings:#?}");
    }
}

fn our_keys_load() {
    let mut data = generate::argocd_cm(&Options::default());
    data.extend(ignore_keys());
    data.extend([link("https://example.com/{{.resource.metadata.name}}")]);
    assert!(loads(&Folder::new("ours"), &data));
}

/// Which action a role may run, asked of the real enforcer.
fn each_role_may_run_its_actions_and_nothing_else() {
    let folder = Folder::new("rbac");
    let file = folder.write("policy.csv", &rbac::policy());
    for (role, action, may) in [
        ("serin-viewer", "get", true),
        ("serin-viewer", "action/argoproj.io/Rollout/resume", false),
        ("serin-resumer", "get", true),
        ("serin-resumer", "action/argoproj.io/Rollout/resume", true),
        ("serin-resumer", "action/argoproj.io/Rollout/abort", false),
        ("serin-resumer", "action/argoproj.io/Rollout/restart", false),
        ("serin-resumer", "action/apps/Deployment/restart", false),
        ("serin-resumer", "sync", false),
        ("serin-resumer", "update", false),
        ("serin-operator", "action/argoproj.io/Rollout/resume", true),
        ("serin-operator", "action/argoproj.io/Rollout/pause", true),
        ("serin-operator", "action/argoproj.io/Rollout/abort", true),
        ("serin-operator", "action/argoproj.io/Rollout/retry", true),
        ("serin-operator", "action/argoproj.io/Rollout/restart", true),
        ("serin-operator", "action/argoproj.io/Rollout/promote-full", true),
        ("serin-operator", "action/argoproj.io/Rollout/skip-current-step", true),
        ("serin-operator", "action/argoproj.io/AnalysisRun/terminate", true),
        ("serin-operator", "action/argoproj.io/Experiment/terminate", true),
        ("serin-operator", "action/apps/Deployment/restart", false),
        ("serin-operator", "sync", false),
    ] {
        let subject = format!("role:{role}");
        let words = [
            "rbac",
            "can",
            &subject,
            action,
            "applications",
            "default/web",
            "--policy-file",
            &file,
        ];
        let answer = settings(&words);
        let wanted = if may { "Yes" } else { "No" };
        assert!(answer.lines().any(|line| line == wanted), "{role} {action}: {answer}");
    }
}

/// Weights differ, and Argo CD no longer sees them; everything else it still sees.
fn ignored_differences_are_the_weights_alone() {
    let folder = Folder::new("ignored");
    let cm = folder.write_cm(&ignore_keys());
    let virtual_service = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "web"},
        "spec": {"hosts": ["kept-host"], "http": [{"name": "primary", "route": [
            {"destination": {"host": "stable-kept"}, "weight": 4711}, {"destination": {"host": "canary-kept"}, "weight": 4712}]}]}});
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "web"},
        "spec": {"rules": [{"backendRefs": [{"name": "stable-kept", "weight": 4711}]}, {"matches": []}]}});
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "annotations": {
        "alb.ingress.kubernetes.io/actions.web": "{\"Type\":\"forward\",\"ForwardConfig\":{\"TargetGroups\":[4711]}}",
        "alb.ingress.kubernetes.io/actions.kept": "{\"Type\":\"redirect\"}"}}});
    let plain = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web-kept"}});
    for (object, ignored) in [(virtual_service, true), (route, true), (ingress, true), (plain, false)] {
        let file = folder.write("object.yaml", &yaml::to_string(&object).unwrap());
        let words = [
            "resource-overrides",
            "ignore-differences",
            &file,
            "--argocd-cm-path",
            &cm,
        ];
        let answer = settings(&words);
        // It prints the difference between the object and what is left of it.
        let gone: Vec<_> = answer
            .lines()
            .filter(|line| line.starts_with('<') || line.starts_with('-'))
            .collect();
        assert_eq!(
            gone.iter().any(|line| line.contains("471")),
            ignored,
            "{object}: {answer}"
        );
        assert!(!gone.iter().any(|line| line.contains("kept")), "{object}: {answer}");
    }
}

/// Health and actions of a paused rollout, through the real program with our keys.
fn the_hooks_answer_in_the_real_program() {
    let folder = Folder::new("hooks");
    let cm = folder.write_cm(&generate::argocd_cm(&Options::default()));
    let rollout = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "default", "generation": 2},
        "spec": {"replicas": 1, "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 50}]}}},
        "status": {"observedGeneration": "2", "phase": "Paused", "message": "CanaryPauseStep", "currentPodHash": "b", "stableRS": "a",
            "currentStepIndex": 1, "controllerPause": true,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2024-01-01T00:00:00Z"}]}});
    let template = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "t"}, "spec": {"metrics": [{"name": "m"}]}});
    let file = folder.write("rollout.yaml", &yaml::to_string(&rollout).unwrap());
    let other = folder.write("template.yaml", &yaml::to_string(&template).unwrap());
    let run = |verb: &str, file: &str, action: &[&str]| {
        let mut words = vec!["resource-overrides", verb, file];
        words.extend(action);
        words.extend(["--argocd-cm-path", &cm]);
        settings(&words)
    };
    let health = run("health", &file, &[]);
    assert!(
        health.contains("STATUS: Suspended") && health.contains("CanaryPauseStep"),
        "{health}"
    );
    assert!(run("health", &other, &[]).contains("STATUS: Healthy"));
    let actions = run("list-actions", &file, &[]);
    for (action, disabled) in [
        ("resume", "false"),
        ("abort", "false"),
        ("retry", "true"),
        ("restart", "false"),
        ("promote-full", "false"),
        ("pause", "false"),
        ("skip-current-step", "false"),
    ] {
        let listed = actions
            .lines()
            .any(|line| line.split_whitespace().eq([action, disabled]));
        assert!(listed, "{action}: {actions}");
    }
    let resumed = run("run-action", &file, &["resume"]);
    assert!(resumed.contains("pauseConditions"), "{resumed}");
}
