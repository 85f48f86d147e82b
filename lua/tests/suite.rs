//! The runner of upstream's test layout, on folders that each test writes itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use serin_lua::customization::{Actions, Customization};
use serin_lua::suite::{Options, Outcome, Report, SuiteError, run};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that is removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("serin-suite-{name}-{}", std::process::id()));
        let folder = Self(path);
        for (path, text) in files {
            let file = folder.0.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    fn run(&self) -> Report {
        run(&self.0, &Options::default()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const HEALTH: &str = "if obj.status == nil then return { status = 'Progressing', message = 'not yet' } end
return { status = 'Healthy' }";
const HEALTH_CASES: &str = "tests:
- inputPath: testdata/new.yaml
  healthStatus: {status: Progressing, message: not yet}
- inputPath: testdata/ready.yaml
  healthStatus:
    status: Healthy
";
const NEW: &str = "apiVersion: example.io/v1\nkind: Thing\nmetadata: {name: one}\nspec: {paused: true}\n";
const READY: &str = "apiVersion: example.io/v1\nkind: Thing\nmetadata: {name: one}\nspec: {}\nstatus: {ready: true}\n";
const DISCOVERY: &str = "return { go = { disabled = obj.spec.paused ~= true, iconClass = 'fa-play' }, stop = {} }";
const GO: &str =
    "if actionParams.fail then error('told to: ' .. actionParams.fail, 0) end obj.spec.paused = nil return obj";
const ACTION_CASES: &str = "discoveryTests:
- inputPath: testdata/new.yaml
  result:
  - {name: stop, disabled: false}
  - {name: go, iconClass: fa-play}
actionTests:
- action: go
  inputPath: testdata/new.yaml
  expectedOutputPath: testdata/gone.yaml
- action: go
  inputPath: testdata/new.yaml
  parameters: {fail: 'yes'}
  expectedErrorMessage: 'told to: yes'
";
const GONE: &str = "apiVersion: example.io/v1\nkind: Thing\nmetadata: {name: one, creationTimestamp: null}\nspec: {}\n";

fn good() -> Vec<(&'static str, &'static str)> {
    vec![
        ("example.io/Thing/health.lua", HEALTH),
        ("example.io/Thing/health_test.yaml", HEALTH_CASES),
        ("example.io/Thing/testdata/new.yaml", NEW),
        ("example.io/Thing/testdata/ready.yaml", READY),
        ("example.io/Thing/actions/discovery.lua", DISCOVERY),
        ("example.io/Thing/actions/go/action.lua", GO),
        ("example.io/Thing/actions/action_test.yaml", ACTION_CASES),
        ("example.io/Thing/actions/testdata/new.yaml", NEW),
        ("example.io/Thing/actions/testdata/gone.yaml", GONE),
    ]
}

/// The good folder with one file changed.
fn with(name: &str, path: &'static str, text: &'static str) -> Folder {
    let mut files = good();
    files.retain(|(other, _)| *other != path);
    files.push((path, text));
    Folder::new(name, &files)
}

fn failures(report: &Report) -> Vec<String> {
    let cases = report.cases.iter();
    cases
        .filter_map(|case| match &case.outcome {
            Outcome::Failed { why } => Some(format!("{case}: {why}")),
            Outcome::Passed | Outcome::PassedWithMore { .. } | Outcome::CannotRun { .. } => None,
        })
        .collect()
}

#[test]
fn all_passes_from_every_level_of_folders() {
    let mut files: Vec<(String, &str)> = Vec::new();
    for (path, text) in good() {
        files.push((format!("resource_customizations/{path}"), text));
    }
    files.push((
        "resource_customizations/Pod/health.lua".to_owned(),
        "return { status = 'Healthy' }",
    ));
    let pod = "tests: [{inputPath: pod.yaml, healthStatus: {status: Healthy}}]";
    files.push(("resource_customizations/Pod/health_test.yaml".to_owned(), pod));
    files.push(("resource_customizations/Pod/pod.yaml".to_owned(), "kind: Pod"));
    let borrowed: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let folder = Folder::new("levels", &borrowed);

    for (below, cases) in [
        ("", 6),
        ("resource_customizations", 6),
        ("resource_customizations/example.io", 5),
        ("resource_customizations/example.io/Thing", 5),
        ("resource_customizations/Pod", 1),
    ] {
        let report = run(&folder.0.join(below), &Options::default()).unwrap();
        assert!(report.passed(), "{below}: {report}");
        assert_eq!(report.cases.len(), cases, "{below}");
    }
    let report = folder.run();
    assert_eq!(report.cases[0].to_string(), "Pod health pod.yaml");
    assert_eq!(report.cases[1].to_string(), "example.io/Thing health testdata/new.yaml");
    assert_eq!(
        report.cases[5].to_string(),
        "example.io/Thing action go testdata/new.yaml"
    );
    assert!(report.to_string().starts_with(
        "health: 3 cases, 3 passed, 0 failed, 0 cannot run here\n\
         discovery: 1 case, 1 passed, 0 failed, 0 cannot run here\n\
         action: 2 cases, 2 passed, 0 failed, 0 cannot run here\n"
    ));
}

#[test]
fn a_wrong_health_says_what_was_expected() {
    let folder = with(
        "health",
        "example.io/Thing/health.lua",
        "return { status = 'Healthy', message = 'x' }",
    );
    let report = folder.run();
    assert!(!report.passed());
    assert_eq!(
        failures(&report),
        [
            "example.io/Thing health testdata/new.yaml: expected \"Progressing\" with message \"not yet\", got \"Healthy\" with message \"x\"",
            "example.io/Thing health testdata/ready.yaml: expected \"Healthy\" with message \"\", got \"Healthy\" with message \"x\"",
        ]
    );
    assert_eq!(report.cases[1].line, 4);
    assert!(report.to_string().contains("health_test.yaml:4\n"), "{report}");
}

#[test]
fn discovery_must_be_equal_and_complete() {
    let script = "return { go = { disabled = true, iconClass = 'fa-play' }, more = {} }";
    let report = with("discovery", "example.io/Thing/actions/discovery.lua", script).run();
    let [failure] = failures(&report).try_into().unwrap();
    for part in ["unexpected action more", "missing action stop", "disabled: true"] {
        assert!(failure.contains(part), "{failure}");
    }
}

#[test]
fn an_action_must_lead_to_the_expected_output() {
    let go = "example.io/Thing/actions/go/action.lua";
    let report = with("action", go, "obj.metadata.name = 'two' return obj").run();
    assert_eq!(
        failures(&report)[0],
        "example.io/Thing action go testdata/new.yaml: no expected output for example.io/v1 Thing /two"
    );
    assert!(failures(&report)[1].ends_with("expected the error \"told to: yes\", got no error"));

    // Upstream does not see that `paused` is still there: it passes, and the report tells.
    let report = with(
        "more",
        go,
        "if actionParams.fail then error('told to: yes', 0) end return obj",
    )
    .run();
    assert!(report.passed(), "{report}");
    assert!(
        report.to_string().contains("/spec/paused: expected nothing, got true"),
        "{report}"
    );
}

#[test]
fn scripts_of_the_callers_are_run_on_the_same_cases() {
    let folder = Folder::new("scripts", &good());
    let scripts = |go: &str| {
        vec![Customization {
            group: "example.io".to_owned(),
            kind: "Thing".to_owned(),
            health: Some(HEALTH.to_owned()),
            actions: Some(Actions {
                discovery: DISCOVERY.to_owned(),
                definitions: vec![("go".to_owned(), go.to_owned())],
            }),
        }]
    };
    let run = |scripts: &[Customization]| {
        let scripts = Some(scripts);
        run(
            &folder.0,
            &Options {
                scripts,
                ..Options::default()
            },
        )
        .unwrap()
    };
    let report = run(&scripts(GO));
    assert!(report.passed() && report.cases.len() == 5, "{report}");

    let report = run(&scripts(
        "if actionParams.fail then error('told to: yes', 0) end return obj",
    ));
    assert_eq!(
        failures(&report),
        ["example.io/Thing action go testdata/new.yaml: /spec/paused: expected nothing, got true"]
    );

    let mut shown = scripts(GO);
    let actions = shown[0].actions.as_mut().unwrap();
    actions.discovery = actions
        .discovery
        .replace("stop = {}", "stop = { displayName = 'Stop', iconClass = 'fa-stop' }");
    assert!(run(&shown).passed(), "a display name that no case states");
    shown[0].actions.as_mut().unwrap().discovery = DISCOVERY.replace("fa-play", "fa-other");
    assert_eq!(
        failures(&run(&shown)),
        [
            "example.io/Thing discovery testdata/new.yaml: expected go (disabled: false, iconClass: fa-play), got go (disabled: false, iconClass: fa-other)"
        ]
    );

    let report = run(&[]);
    assert_eq!(
        (report.cases.len(), report.left_out),
        (0, vec!["example.io/Thing".to_owned()])
    );

    let mut without = scripts(GO);
    without[0].health = None;
    let report = run(&without);
    assert_eq!(report.cases.len(), 3);
    assert!(report.to_string().contains("the given scripts have none"), "{report}");
}

#[test]
fn faulty_files_are_named_with_line_and_remedy() {
    let health = "example.io/Thing/health_test.yaml";
    for (name, path, text, expected) in [
        ("yaml", health, "tests:\n- [", "health_test.yaml:2: not YAML"),
        ("empty", health, "", "health_test.yaml: is empty"),
        (
            "key",
            health,
            "tests:\n- inputPath: a\n  healthStatos: {}",
            "health_test.yaml:3: tests[0].healthStatos: unknown key; known here: inputPath, healthStatus",
        ),
        (
            "input",
            health,
            "tests:\n- healthStatus: {status: Healthy}",
            "health_test.yaml:2: tests[0]: inputPath is missing",
        ),
        (
            "type",
            health,
            "tests:\n- inputPath: a\n  healthStatus: {message: 3}",
            "tests[0].healthStatus.message: must be a text: put it in quotes",
        ),
        ("list", health, "tests: no", "health_test.yaml:1: tests: must be a list"),
        (
            "output",
            "example.io/Thing/actions/action_test.yaml",
            "actionTests:\n- {action: go, inputPath: testdata/new.yaml}",
            "action_test.yaml:2: actionTests[0]: needs expectedOutputPath or expectedErrorMessage",
        ),
        (
            "absent",
            "example.io/Thing/actions/action_test.yaml",
            "actionTests:\n- {action: stop, inputPath: testdata/new.yaml, expectedOutputPath: x}",
            "stop/action.lua: there are cases for it, but it cannot be read",
        ),
        (
            "fixture",
            "example.io/Thing/testdata/new.yaml",
            "a: 'b\nc'\n d: [",
            "testdata/new.yaml:",
        ),
    ] {
        let report = with(name, path, text).run();
        assert!(!report.passed(), "{name}");
        assert!(report.to_string().contains(expected), "{name}: {report}");
    }
}

#[test]
fn what_upstream_never_runs_is_told() {
    let mut files = good();
    files.push(("example.io/Other/actions/actions_test.yaml", ""));
    files.push(("example.io/Third/health.lua", "return {}"));
    let report = Folder::new("never", &files).run();
    let text = report.to_string();
    assert!(
        text.contains("Other/actions/actions_test.yaml: Argo CD never runs this file"),
        "{text}"
    );
    assert!(
        text.contains("Third/health_test.yaml: health.lua has no health_test.yaml beside it"),
        "{text}"
    );
}

#[test]
fn a_script_with_goto_is_no_failure() {
    let report = with("goto", "example.io/Thing/health.lua", "goto done\n::done:: return {}").run();
    assert!(report.passed(), "{report}");
    assert_eq!(report.counts(|_| true), (3, 0, 2));
    assert!(
        report
            .to_string()
            .contains("cannot run here: example.io/Thing health testdata/new.yaml"),
        "{report}"
    );
}

#[test]
fn a_folder_without_tests_says_what_to_give() {
    let folder = Folder::new("nothing", &[("readme", "")]);
    let error = run(&folder.0, &Options::default()).unwrap_err();
    assert!(
        matches!(error, SuiteError::Nothing { .. }) && error.to_string().contains("checkout of Argo CD"),
        "{error}"
    );
    let error = run(Path::new("/no such folder"), &Options::default()).unwrap_err();
    assert!(matches!(error, SuiteError::List { .. }), "{error}");
}

/// Cases come from other people's repositories: what they name outside of the folder is not read.
#[cfg(unix)]
#[test]
fn nothing_outside_of_the_folder_is_read() {
    const SECRET: &str = "status: {secret: sesame}";
    let outside = Folder::new("outside", &[("secret.yaml", SECRET), ("evil/action.lua", "return obj")]);
    let secret = outside.0.join("secret.yaml");
    let files = |health: &str, actions: &str, action: &str| {
        let files = [
            (
                "example.io/Thing/health.lua",
                "return { status = 'Healthy', message = tostring(obj.status.secret) }",
            ),
            ("example.io/Thing/health_test.yaml", health),
            ("example.io/Thing/new.yaml", NEW),
            ("example.io/Thing/actions/discovery.lua", DISCOVERY),
            ("example.io/Thing/actions/go/action.lua", action),
            ("example.io/Thing/actions/action_test.yaml", actions),
        ];
        Folder::new("inside", &files)
    };
    let health = |input: &str| format!("tests: [{{inputPath: {input}, healthStatus: {{status: Healthy}}}}]");
    let act = |action: &str, input: &str, output: &str| {
        format!("actionTests: [{{action: {action}, inputPath: {input}, expectedOutputPath: {output}}}]")
    };
    let up = format!(
        "../../../{}/secret.yaml",
        outside.0.file_name().unwrap().to_str().unwrap()
    );
    let (new, kept) = ("../new.yaml", "return obj");
    let table = [
        (health(secret.to_str().unwrap()), "{}".to_owned(), kept),
        (health(&up), "{}".to_owned(), kept),
        (health("link.yaml"), "{}".to_owned(), kept),
        (health("linked/secret.yaml"), "{}".to_owned(), kept),
        ("{}".to_owned(), act("go", &format!("../{up}"), new), kept),
        ("{}".to_owned(), act("go", new, &format!("../{up}")), kept),
        (
            "{}".to_owned(),
            act(outside.0.join("evil").to_str().unwrap(), new, new),
            kept,
        ),
    ];
    for (health, actions, action) in table {
        let folder = files(&health, &actions, action);
        let kind = folder.0.join("example.io/Thing");
        std::os::unix::fs::symlink(&secret, kind.join("link.yaml")).unwrap();
        std::os::unix::fs::symlink(&outside.0, kind.join("linked")).unwrap();
        let report = folder.run();
        assert!(!report.passed(), "{health} {actions}: {report}");
        let text = report.to_string();
        assert!(text.contains("outside of"), "{health} {actions}: {text}");
        assert!(!text.contains("sesame"), "{health} {actions}: {text}");
    }

    // A link that stays inside is read.
    let folder = files(&health("link.yaml"), "{}", kept);
    let kind = folder.0.join("example.io/Thing");
    fs::write(kind.join("ready.yaml"), READY).unwrap();
    std::os::unix::fs::symlink("ready.yaml", kind.join("link.yaml")).unwrap();
    let report = folder.run();
    assert!(!report.to_string().contains("outside of"), "{report}");
    assert!(report.to_string().contains("got"), "the case ran: {report}");
}
