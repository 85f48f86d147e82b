//! From a repository to the commit at fault. Tests that build overlays report themselves as ignored without kustomize and
//! kubectl.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![expect(clippy::needless_pass_by_value, reason = "json!() values read best at the call")]

#[path = "../../gitops/tests/support/repository.rs"]
mod repository;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use repository::{Made, bytes_below, make_read_only, make_writable};
use serde_json::{Value, json};
use serin_explain::explanation::{DifferenceKind, FieldDifference, ObjectName};
use serin_explain::history::{Answer, HistoryError, Question, find};
use serin_gitops::argocd::Application;
use serin_gitops::git::Repository;
use serin_gitops::kustomize::{Options, Program};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let missing = Program::find().is_err();
    let tests: [(&str, bool, fn()); 12] = [
        ("the_commit_at_fault_is_found_with_the_lines_to_edit", true, fault),
        ("without_an_application_the_overlay_is_found", true, without_application),
        ("what_is_healthy_has_no_fault", true, healthy),
        ("a_service_of_the_same_build_can_be_at_fault", true, service_at_fault),
        (
            "nothing_stable_leaves_the_last_commit_with_an_effect",
            true,
            never_stable,
        ),
        (
            "settings_of_the_application_are_built_and_have_no_line",
            true,
            overrides,
        ),
        ("the_image_updaters_file_is_the_one_to_edit", true, image_updater),
        ("a_shallow_clone_says_what_is_missing", true, shallow),
        ("overlays_that_cannot_be_told_apart_are_named", true, several),
        ("a_build_that_fails_says_why", true, broken),
        ("plain_manifests_need_no_kustomize", false, plain),
        ("the_repository_is_the_same_after_it_was_read", true, unchanged),
    ];
    let trial = |(name, needs, run): (&str, bool, fn())| {
        let run = move || {
            run();
            Ok(())
        };
        Trial::test(name, run)
            .with_kind("kustomize")
            .with_ignored_flag(needs && missing)
    };
    libtest_mimic::run(&arguments, tests.into_iter().map(trial).collect()).exit_code()
}

const BASE: &str = "resources: [web.yaml, api.yaml, service.yaml, analysis.yaml]\n";
const SERVICE: &str =
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports: [{port: 80}]\n";
const OVERLAY: &str = "namespace: demo\nresources:\n- ../../base\nimages:\n- name: web\n  newTag: \"1.0\"\n\
    patches:\n- target: {kind: Rollout, name: web}\n  patch: |-\n    - op: add\n      path: /spec/replicas\n      value: 2\n";

fn rollout(name: &str, image: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  \
         template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n      - name: {name}\n        image: {image}\n  \
         strategy:\n    canary:\n      stableService: {name}\n      analysis:\n        templates: [{{templateName: {name}-errors}}]\n"
    )
}

fn analysis(limit: u32) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {{name: web-errors}}\nspec:\n  metrics:\n  - name: errors\n    \
         failureLimit: {limit}\n    provider: {{job: {{}}}}\n"
    )
}

/// A history of seven commits, of which three have an effect on `web`.
fn story() -> (Made, Vec<String>) {
    let made = Made::new();
    let (web, api) = (rollout("web", "web"), rollout("api", "api:1"));
    let files = [
        ("base/kustomization.yaml", BASE),
        ("base/web.yaml", &web),
        ("base/api.yaml", &api),
        ("base/service.yaml", SERVICE),
        ("base/analysis.yaml", &analysis(3)),
        ("overlays/prod/kustomization.yaml", OVERLAY),
    ];
    let commits = vec![
        made.commit(&files, "web: 1.0"),
        made.commit(&[("overlays/prod/README.md", "prod")], "docs: what prod is"),
        made.commit(
            &[("overlays/prod/kustomization.yaml", &format!("# prod\n{OVERLAY}"))],
            "a comment",
        ),
        made.commit(
            &[("base/analysis.yaml", &analysis(0))],
            "web: no errors are allowed\n\nLonger.",
        ),
        made.commit(
            &[(
                "overlays/prod/kustomization.yaml",
                &format!("# prod\n{}", OVERLAY.replace("1.0", "1.1")),
            )],
            "web: 1.1",
        ),
        made.commit(&[("base/api.yaml", &rollout("api", "api:2"))], "api: 2"),
        made.commit(
            &[(
                "overlays/prod/kustomization.yaml",
                &format!(
                    "# prod\n{}",
                    OVERLAY.replace("1.0", "1.1").replace("value: 2", "value: 4")
                ),
            )],
            "web: four pods",
        ),
    ];
    (made, commits)
}

fn web() -> ObjectName {
    ObjectName {
        kind: "Rollout".into(),
        namespace: "demo".into(),
        name: "web".into(),
    }
}

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}})
}

fn stable(image: &str) -> Value {
    let mut template = template(image);
    template["metadata"]["labels"]["rollouts-pod-template-hash"] = json!("abc");
    template["spec"]["restartPolicy"] = json!("Always");
    json!({"kind": "ReplicaSet", "spec": {"template": template}})
}

fn live(image: &str, replicas: u32) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "namespace": "demo"}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template(image),
        "strategy": {"canary": {"stableService": "web", "analysis": {"templates": [{"templateName": "web-errors"}]}}}}})
}

fn application(commits: &[&String], kustomize: Value) -> Application {
    let source = json!({"repoURL": "https://git.example.com/shop", "path": "overlays/prod", "targetRevision": "main", "kustomize": kustomize});
    let deployed = |(id, revision): (usize, &&String)| json!({"id": id, "revision": revision, "deployedAt": "2026-11-21T08:16:32Z", "source": source});
    let history: Vec<Value> = commits.iter().enumerate().map(deployed).collect();
    Application::new(
        json!({"metadata": {"name": "shop", "namespace": "argocd"}, "spec": {"project": "default", "source": source,
        "destination": {"namespace": "demo"}}, "status": {"history": history, "sync": {"revision": commits.last().unwrap(), "status": "Synced"}}}),
    )
}

struct Asked {
    object: ObjectName,
    live: Option<Value>,
    stable: Option<Value>,
    application: Option<Application>,
    is_healthy: bool,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            object: web(),
            live: Some(live("web:1.1", 4)),
            stable: Some(stable("web:1.0")),
            application: None,
            is_healthy: false,
        }
    }
}

fn ask(made: &Made, asked: &Asked) -> Result<Answer, HistoryError> {
    let (repository, program) = (Repository::open(made.path()).unwrap(), Program::find().ok());
    find(&Question {
        repository: &repository,
        program: program.as_ref(),
        options: &Options::default(),
        object: &asked.object,
        live: asked.live.as_ref(),
        stable: asked.stable.as_ref(),
        is_healthy: asked.is_healthy,
        application: asked.application.as_ref(),
        rules: &[],
        revision: None,
    })
}

fn messages(answer: &Answer) -> Vec<&str> {
    answer
        .findings
        .commits
        .iter()
        .map(|commit| commit.message.as_str())
        .collect()
}

fn field<'a>(answer: &'a Answer, path: &str) -> &'a FieldDifference {
    answer
        .findings
        .fields
        .iter()
        .find(|field| field.path == path)
        .unwrap_or_else(|| panic!("{path} in {:?}", answer.findings.fields))
}

const IMAGE: &str = "spec.template.spec.containers[0].image";

fn fault() {
    let (made, commits) = story();
    let asked = Asked {
        application: Some(application(&[&commits[0], &commits[6]], json!(null))),
        live: Some(live("web:1.1", 3)),
        ..Asked::default()
    };
    let answer = ask(&made, &asked).unwrap();
    assert_eq!(answer.findings.revision, commits[4]);
    assert_eq!(answer.findings.last_good.as_ref(), Some(&commits[0]));
    assert_eq!(messages(&answer), ["web: no errors are allowed", "web: 1.1"]);
    let first = &answer.findings.commits[0];
    assert_eq!(
        (first.author.as_str(), first.date.as_str(), &first.sha),
        ("Ann Example", "2023-11-14T22:16:20Z", &commits[3])
    );
    let image = field(&answer, IMAGE);
    assert_eq!(
        (&image.git, &image.live, &image.stable),
        (&json!("web:1.1"), &json!("web:1.1"), &json!("web:1.0"))
    );
    assert_eq!(
        (image.kind, image.file.as_deref(), image.line),
        (
            DifferenceKind::Meaningful,
            Some("overlays/prod/kustomization.yaml"),
            Some(7)
        )
    );
    let hash = field(&answer, "spec.template.metadata.labels.rollouts-pod-template-hash");
    assert_eq!((hash.kind, &hash.file), (DifferenceKind::Controller, &None));
    let replicas = field(&answer, "spec.replicas");
    assert_eq!(
        (&replicas.git, &replicas.live, replicas.kind),
        (&json!(4), &json!(3), DifferenceKind::Meaningful)
    );
    assert_eq!(
        (replicas.file.as_deref(), replicas.line),
        (Some("overlays/prod/kustomization.yaml"), Some(13))
    );
    assert_eq!(
        (answer.notes.len(), answer.overlay.to_str()),
        (0, Some("overlays/prod"))
    );
}

fn without_application() {
    let (made, commits) = story();
    let answer = ask(&made, &Asked::default()).unwrap();
    assert_eq!(answer.overlay.to_str(), Some("overlays/prod"));
    // Nobody says what was deployed: the last commit with the stable pods it is.
    assert_eq!(answer.findings.last_good.as_ref(), Some(&commits[3]));
    assert_eq!(answer.findings.revision, commits[4]);
    assert_eq!(messages(&answer), ["web: 1.1"]);
    let error = ask(
        &made,
        &Asked {
            object: ObjectName {
                name: "none".into(),
                ..web()
            },
            ..Asked::default()
        },
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.contains("no overlay of the repository makes Rollout/none in demo") && error.contains("--app"),
        "{error}"
    );
    // Overlays of others do not matter, even if they do not build.
    let chart = "helmCharts: [{name: x, repo: https://charts.example.com}]\n";
    made.commit(&[("overlays/chart/kustomization.yaml", chart)], "a chart");
    let answer = ask(&made, &Asked::default()).unwrap();
    assert_eq!(answer.overlay.to_str(), Some("overlays/prod"));
    made.remove("overlays/prod");
    made.commit(&[], "prod is gone");
    let error = ask(&made, &Asked::default()).unwrap_err().to_string();
    assert!(error.contains("overlays/chart: "), "{error}");
}

fn healthy() {
    let (made, commits) = story();
    let asked = Asked {
        application: Some(application(&[&commits[0], &commits[6]], json!(null))),
        stable: Some(stable("web:1.1")),
        is_healthy: true,
        ..Asked::default()
    };
    let answer = ask(&made, &asked).unwrap();
    assert_eq!(
        (answer.findings.last_good.as_ref(), &answer.findings.revision),
        (Some(&commits[6]), &commits[6])
    );
    assert_eq!(messages(&answer), [""; 0]);
    let meaningful = answer
        .findings
        .fields
        .iter()
        .filter(|field| field.kind == DifferenceKind::Meaningful);
    assert_eq!(meaningful.count(), 0, "{:?}", answer.findings.fields);
}

fn service_at_fault() {
    let (made, mut commits) = story();
    commits.push(made.commit(
        &[("base/service.yaml", &SERVICE.replace("app: web", "app: wbe"))],
        "service: tidy up",
    ));
    let asked = Asked {
        application: Some(application(&[&commits[6], &commits[7]], json!(null))),
        stable: Some(stable("web:1.1")),
        ..Asked::default()
    };
    let answer = ask(&made, &asked).unwrap();
    assert_eq!(
        (answer.findings.last_good.as_ref(), &answer.findings.revision),
        (Some(&commits[6]), &commits[7])
    );
    assert_eq!(messages(&answer), ["service: tidy up"]);
}

fn never_stable() {
    let (made, commits) = story();
    let asked = Asked {
        stable: None,
        application: Some(application(&[&commits[5]], json!(null))),
        live: None,
        ..Asked::default()
    };
    let answer = ask(&made, &asked).unwrap();
    assert_eq!(
        (answer.findings.last_good, answer.findings.revision),
        (None, commits[4].clone())
    );
}

fn overrides() {
    let (made, commits) = story();
    let asked = Asked {
        application: Some(application(&[&commits[0], &commits[6]], json!({"images": ["web:9.9"]}))),
        live: Some(live("web:9.9", 4)),
        ..Asked::default()
    };
    let answer = ask(&made, &asked).unwrap();
    let image = field(&answer, IMAGE);
    assert_eq!((&image.git, &image.file), (&json!("web:9.9"), &None));
}

fn image_updater() {
    let (made, mut commits) = story();
    let updated = "kustomize:\n  images:\n  - web:1.2\n";
    commits.push(made.commit(
        &[("overlays/prod/.argocd-source-shop.yaml", updated)],
        "build: automatic update",
    ));
    let asked = Asked {
        application: Some(application(&[&commits[0], &commits[7]], json!(null))),
        live: Some(live("web:1.2", 4)),
        ..Asked::default()
    };
    let answer = ask(&made, &asked).unwrap();
    let image = field(&answer, IMAGE);
    assert_eq!(
        (&image.git, image.file.as_deref(), image.line),
        (
            &json!("web:1.2"),
            Some("overlays/prod/.argocd-source-shop.yaml"),
            Some(3)
        )
    );
    assert_eq!(answer.findings.revision, commits[7]);
}

fn shallow() {
    let (made, commits) = story();
    let asked = Asked {
        application: Some(application(&[&commits[0], &commits[6]], json!(null))),
        ..Asked::default()
    };
    std::fs::write(made.path().join(".git/shallow"), format!("{}\n", commits[6])).unwrap();
    for commit in &commits[..6] {
        made.remove_object(commit);
    }
    // The lines to edit are there all the same.
    let answer = ask(&made, &asked).unwrap();
    assert_eq!((answer.findings.last_good.as_ref(), messages(&answer)), (None, vec![]));
    assert_eq!(field(&answer, IMAGE).line, Some(7));
    let note = &answer.notes[0];
    assert!(
        note.contains(&commits[0]) && note.contains("2026-11-21T08:16:32Z") && note.contains("git fetch --unshallow"),
        "{note}"
    );
    let missing = "1234567890123456789012345678901234567890".to_owned();
    let asked = Asked {
        application: Some(application(&[&missing], json!(null))),
        ..Asked::default()
    };
    let error = ask(&made, &asked).unwrap_err().to_string();
    assert!(error.contains(&missing) && error.contains("fetch-depth: 0"), "{error}");
}

fn several() {
    let (made, _) = story();
    made.commit(&[("overlays/also/kustomization.yaml", OVERLAY)], "another");
    let error = ask(&made, &Asked::default()).unwrap_err();
    assert!(
        matches!(&error, HistoryError::SeveralOverlays { overlays, .. } if overlays.len() == 2),
        "{error}"
    );
    assert!(error.to_string().contains("(overlays/also, overlays/prod)"), "{error}");
    // An overlay that says the namespace comes before one that leaves it open.
    made.commit(
        &[(
            "overlays/also/kustomization.yaml",
            &OVERLAY.replace("namespace: demo\n", ""),
        )],
        "open",
    );
    assert_eq!(
        ask(&made, &Asked::default()).unwrap().overlay.to_str(),
        Some("overlays/prod")
    );
}

fn broken() {
    let (made, mut commits) = story();
    commits.push(made.commit(
        &[("base/kustomization.yaml", &BASE.replace("web.yaml", "wbe.yaml"))],
        "base: tidy up",
    ));
    let asked = Asked {
        application: Some(application(&[&commits[0], &commits[7]], json!(null))),
        ..Asked::default()
    };
    let error = ask(&made, &asked).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!(
            "the overlay overlays/prod does not build at {}",
            &commits[7][..7]
        )),
        "{error}"
    );
    assert!(error.contains("base/kustomization.yaml:1"), "{error}");
    // A commit that broke the build is one with an effect, once it is mended.
    commits.push(made.commit(&[("base/kustomization.yaml", BASE)], "base: mend it"));
    let asked = Asked {
        application: Some(application(&[&commits[6], &commits[8]], json!(null))),
        stable: None,
        live: None,
        ..Asked::default()
    };
    let answer = ask(&made, &asked).unwrap();
    assert_eq!(messages(&answer), ["base: mend it"]);
}

fn plain() {
    let made = Made::new();
    let one = made.commit(&[("overlays/prod/web.yaml", &rollout("web", "web:1.0"))], "web: 1.0");
    let two = made.commit(&[("overlays/prod/notes.txt", "x")], "notes");
    let three = made.commit(
        &[
            ("overlays/prod/web.yaml", &rollout("web", "web:1.1")),
            ("overlays/prod/more.yaml", SERVICE),
        ],
        "web: 1.1",
    );
    let application = Some(application(&[&one, &two, &three], json!(null)));
    let answer = ask(
        &made,
        &Asked {
            application,
            live: None,
            ..Asked::default()
        },
    )
    .unwrap();
    assert_eq!(
        (answer.findings.revision.as_str(), messages(&answer)),
        (three.as_str(), vec!["web: 1.1"])
    );
    assert_eq!(answer.findings.last_good, Some(two));
    let image = field(&answer, IMAGE);
    assert_eq!(
        (image.file.as_deref(), image.line),
        (Some("overlays/prod/web.yaml"), Some(11))
    );
}

fn unchanged() {
    let (made, commits) = story();
    made.plant_programs();
    let before = bytes_below(made.path());
    make_read_only(made.path());
    let asked = Asked {
        application: Some(application(&[&commits[0], &commits[6]], json!(null))),
        ..Asked::default()
    };
    let answer = ask(&made, &asked);
    let same = before == bytes_below(made.path());
    make_writable(made.path());
    assert_eq!(answer.unwrap().findings.revision, commits[4]);
    assert!(same, "the repository changed");
    assert!(!made.path().join("ran").exists());
}
