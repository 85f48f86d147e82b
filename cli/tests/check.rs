//! `serin check` as it is typed: exit codes, forms, baseline, another commit, and that nothing is written or given away. What
//! needs kustomize or git is ignored where there is none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use support::Buffer;
use tempfile::TempDir;

const FORMATS: [&str; 7] = ["text", "json", "sarif", "junit", "github", "gitlab", "markdown"];

const RIGHT: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: \
                     {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers: [{name: main, \
                     image: \"registry.example/web:v1\"}]\n  strategy:\n    canary:\n      steps:\n      - setWeight: 20\n";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let missing = |programs: &[&str]| programs.iter().any(|name| !is_there(name));
    let builds = !["kustomize", "kubectl"].iter().any(|name| is_there(name));
    let test = |name: &str, ignored: bool, run: fn()| {
        let run = move || {
            run();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(ignored)
    };
    let tests = vec![
        test("exit_codes_say_how_it_went", false, exit_codes_say_how_it_went),
        test("every_form_is_printed", false, every_form_is_printed),
        test("known_findings_do_not_count", false, known_findings_do_not_count),
        test("rules_have_pages", false, rules_have_pages),
        test("a_cluster_settles_names", false, a_cluster_settles_names),
        test("the_examples_are_clean", builds, the_examples_are_clean),
        test("an_application_is_named", builds, an_application_is_named),
        test("a_change_is_told", builds || missing(&["git"]), a_change_is_told),
        test(
            "an_unknown_commit_is_told",
            missing(&["git"]),
            an_unknown_commit_is_told,
        ),
        test("nothing_is_written", builds || missing(&["git"]), nothing_is_written),
        test("no_secret_is_printed", builds, no_secret_is_printed),
        test("many_overlays_are_checked", builds, many_overlays_are_checked),
    ];
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn is_there(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// Exit code, standard output, standard error.
fn check(words: &str) -> (u8, String, String) {
    let (out, err) = (Buffer::default(), Buffer::default());
    let mut console = serin::Console::new(Box::new(out.clone()), Box::new(err.clone()), serin::Terminal::Lines);
    let words = ["serin", "check"]
        .into_iter()
        .chain(words.split_whitespace())
        .map(OsString::from);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let code = format!("{:?}", runtime.block_on(serin::run_on(words, &mut console)));
    let code: String = code.chars().filter(char::is_ascii_digit).collect();
    (code.parse().unwrap(), out.text(), err.text())
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn exit_codes_say_how_it_went() {
    let wrong = RIGHT.replace("setWeight: 20", "setWeight: 120");
    let folder = folder(&[
        ("right.yaml", RIGHT),
        ("wrong/web.yaml", &wrong),
        ("broken/web.yaml", "kind: [\napiVersion: x\n"),
    ]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (code, out, _) = check(&path("right.yaml"));
    assert_eq!((code, out.as_str()), (0, "1 checked: 0 errors, 0 warnings, 0 notes\n"));
    let (code, out, _) = check(&path("wrong"));
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("wrong/web.yaml:13: error[validation/spec]: spec.strategy.steps[0].setWeight: Invalid value: 120"),
        "{out}"
    );
    for broken in ["broken/web.yaml", "nowhere"] {
        let (code, out, _) = check(&format!("{} --format json", path(broken)));
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(code, 2, "{out}");
        let error = &report["errors"][0];
        assert!(error["file"].as_str().unwrap().ends_with(broken), "{out}");
        assert!(
            !error["message"].as_str().unwrap().is_empty() && !error["do"].as_str().unwrap().is_empty(),
            "{out}"
        );
    }
    let (code, out, _) = check(&format!("{} {}", path("wrong"), path("broken/web.yaml")));
    assert_eq!(code, 2, "what could not be checked outweighs findings: {out}");
    assert!(out.contains("validation/spec") && out.contains("cannot check"), "{out}");
}

fn every_form_is_printed() {
    let folder = folder(&[("web.yaml", &RIGHT.replace("setWeight: 20", "setWeight: 120"))]);
    for format in FORMATS {
        let (code, out, _) = check(&format!("{} --format {format}", folder.path().display()));
        assert_eq!(code, 1, "{format}: {out}");
        let named = match format {
            "sarif" | "json" | "gitlab" => serde_json::from_str::<Value>(&out).is_ok(),
            _ => true,
        };
        assert!(
            named && out.contains("validation/spec") && out.contains("web.yaml"),
            "{format}: {out}"
        );
    }
}

fn known_findings_do_not_count() {
    let folder = folder(&[("web.yaml", &RIGHT.replace("setWeight: 20", "setWeight: 120"))]);
    let path = folder.path().join("web.yaml").display().to_string();
    let (_, json, _) = check(&format!("{path} --format json"));
    let baseline = folder.path().join("baseline.json");
    fs::write(&baseline, json).unwrap();
    fs::write(
        &path,
        format!("# one line more\n{}", fs::read_to_string(&path).unwrap()),
    )
    .unwrap();
    let (code, out, _) = check(&format!("{path} --baseline {}", baseline.display()));
    assert_eq!(
        (code, out.as_str()),
        (0, "1 checked: 0 errors, 0 warnings, 0 notes, 1 known\n")
    );
    let (code, out, _) = check(&format!("{path} --baseline {}", folder.path().join("none").display()));
    assert_eq!(code, 2, "{out}");
}

fn rules_have_pages() {
    for rule in serin_explain::rules::RULES {
        let (code, out, _) = check(&format!("--explain {}", rule.id));
        assert!(
            code == 0 && out.contains(rule.id) && out.len() > 200,
            "{}: {out}",
            rule.id
        );
    }
    let (code, _, err) = check("--explain RK999");
    assert!(code == 2 && err.contains("RK010"), "{err}");
    let (code, ..) = check("");
    assert_ne!(code, 0, "a path is needed");
}

/// Only `get` is sent, and a missing permission is told.
fn a_cluster_settles_names() {
    let text = RIGHT.replace(
        "    canary:\n",
        "    canary:\n      stableService: web\n      canaryService: none\n",
    );
    let folder = folder(&[("web.yaml", &text)]);
    let path = folder.path().join("web.yaml");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (out, asked) = runtime.block_on(async {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}});
        let server = support::Server::start(&[("GET /api/v1/namespaces/default/services/web", 200, service)]).await;
        let outcome = server.run(&format!("check {}", path.display())).await;
        (outcome.out, server.asked())
    });
    assert!(!out.contains("\"web\" is not in"), "{out}");
    assert!(
        out.contains("Service \"none\" is not in this build") && out.contains("the cluster has none either"),
        "{out}"
    );
    assert!(asked.iter().all(|asked| asked.starts_with("GET ")), "{asked:?}");
    let code = runtime.block_on(async {
        let refused = json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"});
        let at = "GET /api/v1/namespaces/default/services/web";
        let server = support::Server::start(&[(at, 403, refused)]).await;
        server.run(&format!("check {}", path.display())).await.out
    });
    assert!(code.contains("does not let you get Service"), "{code}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn the_examples_are_clean() {
    let (code, out, _) = check(&root().join("examples").display().to_string());
    assert_eq!(code, 0, "{out}");
    // The Deployment of the example of workloadRef stands as it does before the move.
    assert!(out.ends_with(": 0 errors, 0 warnings, 0 notes, 1 ignored\n"), "{out}");
}

fn git(folder: &Path, words: &[&str]) {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A repository with the overlays of the examples below a folder.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["base", "staging", "prod"] {
        let to = folder.path().join("deploy").join(part);
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(root().join("examples/overlays").join(part)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-qm", "first"]);
    folder
}

fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(old), "{text}");
    fs::write(file, text.replace(old, new)).unwrap();
}

fn a_change_is_told() {
    let repository = repository();
    replace(
        &repository.path().join("deploy/prod/kustomization.yaml"),
        "newTag: v1",
        "newTag: v2",
    );
    let path = repository.path().join("deploy").display().to_string();
    let (code, out, _) = check(&format!("{path} --base HEAD --format json"));
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0, "{out}");
    let overlays = report["overlays"].as_array().unwrap();
    let prod = overlays
        .iter()
        .find(|it| it["path"].as_str().unwrap().ends_with("prod"))
        .unwrap();
    assert_eq!(prod["starts"], true, "{out}");
    assert_eq!(
        prod["why"],
        serde_json::json!(["spec.template.spec.containers[0].image"])
    );
    assert_eq!(prod["steps"].as_array().unwrap().len(), 4);
    assert_eq!(prod["leastSeconds"], Value::Null, "an analysis decides");
    let staging = overlays
        .iter()
        .find(|it| it["path"].as_str().unwrap().ends_with("staging"))
        .unwrap();
    assert_eq!(staging["starts"], false, "{out}");
    let (_, out, _) = check(&format!("{path} --base HEAD --format markdown"));
    assert!(
        out.starts_with("<!-- serin-check -->\n") && out.contains("starts"),
        "{out}"
    );
}

/// Of several `.argocd-source-NAME.yaml` the one that is named counts: here it renames what the Rollout refers to.
fn an_application_is_named() {
    let rollout = RIGHT.replace("    canary:\n", "    canary:\n      stableService: web\n");
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n";
    let folder = folder(&[
        ("kustomization.yaml", "resources: [rollout.yaml, service.yaml]\n"),
        ("rollout.yaml", &rollout),
        ("service.yaml", service),
        (".argocd-source-one.yaml", "kustomize: {namePrefix: one-}\n"),
        (".argocd-source-two.yaml", "kustomize: {}\n"),
    ]);
    let path = folder.path().display().to_string();
    for (app, expected) in [("", 0), (" --app two", 0), (" --app one", 1)] {
        let (code, out, _) = check(&format!("{path}{app}"));
        assert_eq!((code, out.contains("RK010")), (expected, expected == 1), "{app}: {out}");
    }
}

fn an_unknown_commit_is_told() {
    let folder = folder(&[("web.yaml", RIGHT)]);
    let path = folder.path().join("web.yaml").display().to_string();
    let (code, out, _) = check(&format!("{path} --base main"));
    assert!(code == 2 && out.contains("main"), "no repository: {out}");
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-qm", "first"]);
    let (code, out, _) = check(&format!("{path} --base origin/none"));
    assert!(
        code == 2 && out.contains("origin/none") && out.contains("fetch"),
        "{out}"
    );
    let (code, out, _) = check(&format!("{path} --base HEAD"));
    assert!(code == 0 && out.contains("starts no rollout"), "{out}");
}

/// All files below a folder, with their bytes.
fn bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn nothing_is_written() {
    let repository = repository();
    replace(
        &repository.path().join("deploy/prod/kustomization.yaml"),
        "newTag: v1",
        "newTag: v2",
    );
    let before = bytes(repository.path());
    let path = repository.path().display().to_string();
    Command::new("chmod").args(["-R", "a-w", &path]).status().unwrap();
    let (code, out, _) = check(&format!("{path} --base HEAD"));
    let after = bytes(repository.path());
    Command::new("chmod").args(["-R", "u+w", &path]).status().unwrap();
    assert_eq!(code, 0, "{out}");
    assert!(before == after, "files were changed, added or removed");
}

/// Canaries in all kinds of places, beside faults of all kinds.
fn no_secret_is_printed() {
    const CANARY: &str = "hunter2canary";
    let rollout = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: web\n  annotations: {{note: {CANARY}}}\nspec:\n  replica: \
         3\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      containers:\n      - \
         name: main\n        image: registry.example/web:v1\n        args: [\"--password={CANARY}\", 7]\n        env:\n        - name: \
         A\n          value: {CANARY}\n        - {{name: B, vlaue: {CANARY}}}\n        - name: C\n          value: [{CANARY}]\n        envFrom: \
         [{{secretRef: {{name: web}}}}]\n  strategy:\n    canary:\n      canaryService: web-canary\n      trafficRouting: {{plugins: \
         {{a: {CANARY}}}}}\n      analysis:\n        startingStep: 9\n        templates: [{{templateName: rate}}]\n        args: [{{name: token, \
         value: {CANARY}}}]\n      steps:\n      - setWeight: 20\n        pause: {{duration: 1m}}\n---\napiVersion: \
         argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {{name: rate}}\nspec:\n  args: [{{name: token}}, {{name: other, value: \
         {CANARY}}}]\n  metrics:\n  - name: rate\n    count: 3\n    provider:\n      web:\n        url: \
         https://user:{CANARY}@example.com/{{{{args.missing}}}}?key={CANARY}\n        headers: [{{key: Authorization, value: {CANARY}}}]\n        \
         timeoutSeconds: {CANARY}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: web-canary}}\nspec: {{selector: {{app: other}}}}\n---\napiVersion: \
         v1\nkind: Secret\nmetadata: {{name: plain}}\nstringData: {{key: {CANARY}}}\n"
    );
    let kustomization = format!(
        "resources: [all.yaml]\nnamePrefix: prod-\nsecretGenerator:\n- name: web\n  literals:\n  - password={CANARY}\n  - token={CANARY}\npatches:\n- \
         target: {{kind: Deployment, name: web}}\n  patch: |\n    - op: add\n      path: /spec/template/spec/containers/0/args/0\n      value: {CANARY}\n- \
         target: {{kind: Rollout}}\n  patch: |\n    - op: replace\n      path: /spec/template/spec/containers/0/args/0\n      value: {CANARY}\n"
    );
    let folder = folder(&[("all.yaml", &rollout), ("kustomization.yaml", &kustomization)]);
    let broken = folder.path().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(
        broken.join("kustomization.yaml"),
        format!("resources: [a.yaml]\npatches:\n- patch: '{CANARY}: ['\n"),
    )
    .unwrap();
    fs::write(
        broken.join("a.yaml"),
        format!("kind: Secret\napiVersion: v1\nmetadata: {{name: a}}\nstringData: {{a: {CANARY}"),
    )
    .unwrap();
    for path in [folder.path(), &broken, &folder.path().join("all.yaml")] {
        for format in FORMATS {
            let (code, out, err) = check(&format!("{} --format {format}", path.display()));
            assert_ne!(code, 0, "{format}: {out}");
            assert!(
                !out.contains(CANARY) && !err.contains(CANARY),
                "{} {format}: {out}{err}",
                path.display()
            );
        }
    }
}

fn many_overlays_are_checked() {
    let folder = repository();
    for number in 0..20 {
        let overlay = folder.path().join(format!("deploy/more/{number}"));
        fs::create_dir_all(&overlay).unwrap();
        let text = format!("resources: [../../base]\nnamePrefix: n{number}-\nnamespace: n{number}\n");
        fs::write(overlay.join("kustomization.yaml"), text).unwrap();
    }
    let (code, out, _) = check(&folder.path().join("deploy").display().to_string());
    assert_eq!(code, 0, "{out}");
    assert!(out.starts_with("22 checked with "), "{out}");
}
