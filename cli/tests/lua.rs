//! `serin lua`: scripts written, cases run, health shown; mistakes are told with their place.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use support::{Outcome, run};

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("serin-lua-{name}-{}", std::process::id())));
        fs::create_dir_all(&folder.0).unwrap();
        for (path, text) in files {
            let file = folder.0.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    fn path(&self, below: &str) -> String {
        self.0.join(below).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder of the crate `serin-lua`.
fn of_lua(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../lua").join(below)
}

/// All files below a folder, by their paths from there.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_path_buf());
            }
        }
    }
    found
}

#[tokio::test]
async fn a_form_of_one_file_is_printed() {
    for (form, committed) in [("argocd-cm", "argocd-cm.yaml"), ("helm-values", "helm-values.yaml")] {
        let outcome = run(&format!("serin lua generate --for {form}")).await;
        let text = fs::read_to_string(of_lua("generated").join(committed)).unwrap();
        assert_eq!(outcome, Outcome::success(&text), "{form}");
    }
}

#[tokio::test]
async fn forms_are_written_into_a_folder() {
    for (form, committed) in [("directory", "directory"), ("upstream-layout", "upstream")] {
        let folder = Folder::with(form, &[]);
        let refused = run(&format!("serin lua generate --for {form}")).await;
        let text = "Error: this form has several files: name a folder with --output\n";
        assert_eq!(refused, Outcome::failure("", text), "{form}");

        let outcome = run(&format!("serin lua generate --for {form} -o {}", folder.path("new"))).await;
        assert!(outcome.success, "{form}: {}", outcome.err);
        let (new, wanted) = (folder.0.join("new"), of_lua("generated").join(committed));
        assert_eq!(files(&new), files(&wanted), "{form}");
        for file in files(&new) {
            let (made, wanted) = (new.join(&file), wanted.join(&file));
            let equal = fs::read_to_string(&made).unwrap() == fs::read_to_string(wanted).unwrap();
            assert!(equal, "{form}: {}", file.display());
        }
        let told: BTreeSet<_> = outcome.out.lines().map(PathBuf::from).collect();
        let made: BTreeSet<_> = files(&new).iter().map(|file| new.join(file)).collect();
        assert_eq!(told, made, "{form}");
    }
    let folder = Folder::with("one", &[]);
    let outcome = run(&format!("serin lua generate --for argocd-cm -o {}", folder.path("new"))).await;
    let file = folder.path("new/argocd-cm.yaml");
    assert_eq!(outcome, Outcome::success(&format!("{file}\n")));
    let text = fs::read_to_string(of_lua("generated/argocd-cm.yaml")).unwrap();
    assert!(fs::read_to_string(file).unwrap() == text);
}

#[tokio::test]
async fn choices_change_what_is_written() {
    let plain = run("serin lua generate --for argocd-cm").await.out;
    for (choice, word) in [
        ("--extras", "skip-all-steps"),
        ("--healthy-pause CanaryPauseStep", ""),
        ("--healthy-pause=User --healthy-pause BlueGreenPause", ""),
        ("--experiment-messages", ""),
    ] {
        let outcome = run(&format!("serin lua generate --for argocd-cm {choice}")).await;
        assert!(outcome.success, "{choice}: {}", outcome.err);
        assert!(outcome.out != plain && outcome.out.contains(word), "{choice}");
    }
    assert!(!plain.contains("skip-all-steps"));
}

#[tokio::test]
async fn what_cannot_be_generated_is_refused() {
    for (flags, parts) in [
        (
            "--for argocd-cm --argocd-version 2.7",
            &["\"--argocd-version\" flag: Argo CD 2.7 is older than 2.8"][..],
        ),
        (
            "--for argocd-cm --argocd-version new",
            &["\"new\" is no version of Argo CD; give it as 3.6"],
        ),
        (
            "--for argocd-cm --healthy-pause Coffee",
            &["\"Coffee\"", "unknown pause; use one of CanaryPauseStep, ", "User"],
        ),
        (
            "--for kustomize",
            &["invalid argument \"kustomize\" for \"--for\" flag: it must be one of argocd-cm, directory, "],
        ),
        ("", &["Error: missing required arguments: --for"]),
    ] {
        let outcome = run(format!("serin lua generate {flags}").trim_end()).await;
        assert!(!outcome.success && outcome.out.is_empty(), "{flags}: {outcome:?}");
        for part in parts {
            assert!(outcome.err.contains(part), "{flags}: {part:?} in {}", outcome.err);
        }
    }
    let untried = run("serin lua generate --for argocd-cm --argocd-version 3.7").await;
    assert!(untried.success && untried.err.contains("newer than 3.6"), "{untried:?}");
    let blocked = Folder::with("blocked", &[("file", "")]);
    let outcome = run(&format!(
        "serin lua generate --for directory -o {}",
        blocked.path("file")
    ))
    .await;
    assert!(!outcome.success, "{outcome:?}");
    let start = format!("Error: {}/", blocked.path("file"));
    assert!(outcome.err.starts_with(&start), "{}", outcome.err);
}

const CASES: &str = "tests:\n- inputPath: thing.yaml\n  healthStatus: {status: Healthy, message: good}\n";
const THING: &str = "apiVersion: example.io/v1\nkind: Thing\nmetadata: {name: one}\n";

fn thing(name: &str, script: &str) -> Folder {
    let files = [
        ("example.io/Thing/health.lua", script),
        ("example.io/Thing/health_test.yaml", CASES),
        ("example.io/Thing/thing.yaml", THING),
    ];
    Folder::with(name, &files)
}

#[tokio::test]
async fn cases_that_pass_and_fail() {
    let folder = thing("passes", "return {status = 'Healthy', message = 'good'}");
    let outcome = run(&format!("serin lua test {}", folder.path(""))).await;
    let counts = "health: 1 case, 1 passed, 0 failed, 0 cannot run here
discovery: 0 cases, 0 passed, 0 failed, 0 cannot run here
action: 0 cases, 0 passed, 0 failed, 0 cannot run here
0 faulty files
";
    assert_eq!(outcome, Outcome::success(counts));

    let folder = thing("fails", "return {status = 'Degraded', message = 'bad'}");
    let outcome = run(&format!("serin lua test {}", folder.path(""))).await;
    let expected = format!(
        "FAILED: example.io/Thing health thing.yaml
  {}:2
  expected \"Healthy\" with message \"good\", got \"Degraded\" with message \"bad\"
health: 1 case, 0 passed, 1 failed, 0 cannot run here
",
        folder.path("example.io/Thing/health_test.yaml")
    );
    assert!(outcome.out.starts_with(&expected), "{}", outcome.out);
    assert_eq!(
        (outcome.err.as_str(), outcome.success),
        ("Error: some cases failed\n", false)
    );

    let folder = Folder::with("nothing", &[]);
    let outcome = run(&format!("serin lua test {}", folder.path(""))).await;
    assert!(
        !outcome.success && outcome.err.contains("there are no tests here"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_script_that_does_not_end_is_stopped_and_told() {
    let folder = thing("loop", "while true do end");
    let outcome = run(&format!("serin lua test {}", folder.path(""))).await;
    assert!(!outcome.success, "{outcome:?}");
    let place = format!("{}:2\n", folder.path("example.io/Thing/health_test.yaml"));
    for part in [
        "FAILED: example.io/Thing health thing.yaml\n",
        &place,
        "ms and was stopped, as Argo CD does: look for a loop that does not end\n",
    ] {
        assert!(outcome.out.contains(part), "{part:?} in {}", outcome.out);
    }
}

#[tokio::test]
async fn the_generated_scripts_pass_the_cases_of_the_repository() {
    let outcome = run(&format!("serin lua test --generated {}", of_lua("fixtures").display())).await;
    assert!(outcome.success, "{}{}", outcome.out, outcome.err);
    assert!(outcome.out.ends_with("\n0 faulty files\n"), "{}", outcome.out);
    for part in ["health: 0 cases", "discovery: 0 cases", "action: 0 cases"] {
        assert!(!outcome.out.contains(part), "{}", outcome.out);
    }
}

const HEAD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\ndata:\n";

#[tokio::test]
async fn the_scripts_of_an_argocd_cm_are_run() {
    let cm = |status: &str| {
        format!(
            "{HEAD}  resource.customizations.health.example.io_Thing: |\n    return {{status = '{status}', message = 'good'}}\n"
        )
    };
    // The script beside the cases is not the one that is run.
    let folder = thing("cm", "return {status = 'Unknown'}");
    for (status, passes) in [("Healthy", true), ("Degraded", false)] {
        fs::write(folder.0.join("cm.yaml"), cm(status)).unwrap();
        let outcome = run(&format!(
            "serin lua test {} --argocd-cm {}",
            folder.path("example.io"),
            folder.path("cm.yaml")
        ))
        .await;
        assert_eq!(outcome.success, passes, "{outcome:?}");
        assert_eq!(outcome.out.contains("got \"Degraded\""), !passes, "{}", outcome.out);
    }
}

#[tokio::test]
async fn a_wrong_argocd_cm_is_told_with_file_key_and_line() {
    let folder = thing("wrong", "return {}");
    let file = folder.path("cm.yaml");
    let key = |rest: &str| format!("{HEAD}  a: b\n  resource.customizations.{rest}: x\n");
    for (text, expected) in [
        ("data:\n  a: [\n".to_owned(), format!("Error: {file}:")),
        (
            key("health.a_b_C"),
            format!("Error: {file}:7: error: resource.customizations.health.a_b_C: "),
        ),
        (
            key("helth.a_B"),
            format!("Error: {file}:7: error: resource.customizations.helth.a_B: "),
        ),
        (
            format!("{HEAD}  resource.customizations: |\n    - a\n"),
            format!("Error: {file}:7: error: resource.customizations: "),
        ),
    ] {
        fs::write(&file, &text).unwrap();
        let outcome = run(&format!("serin lua test {} --argocd-cm {file}", folder.path(""))).await;
        assert!(!outcome.success && outcome.out.is_empty(), "{text}: {outcome:?}");
        assert!(outcome.err.starts_with(&expected), "{text}: {}", outcome.err);
    }
    let outcome = run(&format!("serin lua test {} --argocd-cm /no/such/file", folder.path(""))).await;
    assert!(outcome.err.starts_with("Error: /no/such/file: "), "{outcome:?}");
    assert!(!outcome.success);
    let both = run(&format!(
        "serin lua test --generated {} --argocd-cm {file}",
        folder.path("")
    ))
    .await;
    assert!(!both.success && both.err.starts_with("Error: "), "{both:?}");
}

const ROLLOUT: &str = "apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop, generation: 3}
spec: {replicas: 1, strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}}
status:
  observedGeneration: '3'
  phase: Paused
  message: CanaryPauseStep
  currentPodHash: a
  stableRS: b
  currentStepIndex: 1
  pauseConditions: [{reason: CanaryPauseStep, startTime: '2026-11-20T09:00:00Z'}]
";

#[tokio::test]
async fn health_shows_each_object_and_its_actions() {
    let text = format!("{ROLLOUT}---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\n");
    let folder = Folder::with("health", &[("all.yaml", &text)]);
    let file = folder.path("all.yaml");
    let outcome = run(&format!("serin lua health {file}")).await;
    assert!(outcome.success, "{}", outcome.err);
    let lines: Vec<_> = outcome.out.lines().collect();
    assert!(lines[0].starts_with("Rollout/shop: Suspended "), "{}", outcome.out);
    for line in ["  resume (enabled)", "  retry (disabled)", "  pause (enabled)"] {
        assert!(lines.contains(&line), "{line}: {}", outcome.out);
    }
    let pod = "Pod/p: Argo CD has no health for this kind from Serin";
    assert_eq!(lines.last(), Some(&pod));
    let healthy = run(&format!(
        "serin lua health {file} --healthy-pause CanaryPauseStep --extras"
    ))
    .await;
    assert!(healthy.out.starts_with("Rollout/shop: Healthy "), "{}", healthy.out);
    assert!(healthy.out.contains("\n  skip-all-steps ("), "{}", healthy.out);
}

#[tokio::test]
async fn a_file_without_health_to_show_is_named_with_its_line() {
    let folder = Folder::with("broken", &[("broken.yaml", "kind: Rollout\nspec: [\n")]);
    let file = folder.path("broken.yaml");
    let outcome = run(&format!("serin lua health {file}")).await;
    assert!(!outcome.success && outcome.out.is_empty(), "{outcome:?}");
    assert!(
        outcome.err.starts_with(&format!("Error: {file}: line ")),
        "{}",
        outcome.err
    );
    let outcome = run("serin lua health /no/such/file").await;
    assert!(
        outcome.err.starts_with("Error: /no/such/file: cannot be read: ") && !outcome.success,
        "{outcome:?}"
    );
    let usage = run("serin lua").await;
    assert!(!usage.success && usage.err.contains("Usage: serin lua"), "{usage:?}");
}

#[tokio::test]
async fn health_reads_folders_lists_and_many_documents() {
    let named = |name: &str| ROLLOUT.replace("name: shop", &format!("name: {name}"));
    let item = |name: &str| named(name).replace('\n', "\n  ").trim_end().to_owned();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}\n- {}\n", item("c"), item("d"));
    let folder = Folder::with(
        "many",
        &[
            ("shop/a.yaml", &format!("{}---\n{}", named("a"), named("b"))),
            ("shop/deep/list.yml", &list),
            ("shop/notes.txt", "no object"),
            ("shop/.hidden.yaml", "no object"),
            ("mixed/bad.yaml", "replicas: 3\n"),
            ("mixed/good.yaml", &named("good")),
            ("mixed/worse.json", "[1]"),
        ],
    );
    let outcome = run(&format!("serin lua health {}", folder.path("shop"))).await;
    assert!(outcome.success, "{outcome:?}");
    let heads: Vec<_> = outcome.out.lines().filter(|line| !line.starts_with(' ')).collect();
    let names = ["a", "b", "c", "d"];
    for (head, name) in heads.iter().zip(names) {
        assert!(head.starts_with(&format!("Rollout/{name}: Suspended ")), "{head}");
    }
    assert_eq!(heads.len(), names.len(), "{}", outcome.out);

    // What is an object is shown; what is none is an error.
    let outcome = run(&format!("serin lua health {}", folder.path("mixed"))).await;
    assert!(
        !outcome.success && outcome.out.starts_with("Rollout/good: "),
        "{outcome:?}"
    );
    let expected = format!(
        "Error: {}: line 1: this is not a Kubernetes object: it has no apiVersion\n\
         {}: line 1: this is not a Kubernetes object, but a list; an object has apiVersion, kind and metadata\n",
        folder.path("mixed/bad.yaml"),
        folder.path("mixed/worse.json"),
    );
    assert_eq!(outcome.err, expected);
    fs::create_dir(folder.path("empty")).unwrap();
    let outcome = run(&format!("serin lua health {}", folder.path("empty"))).await;
    assert!(
        !outcome.success && outcome.err.contains("the folder has no files"),
        "{outcome:?}"
    );
}
