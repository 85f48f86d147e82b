#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::check::report::{About, Problem};
use crate::rules::finding::{Edit, Finding, Fix, Severity};
use serde_json::Value;

fn report() -> Report {
    let edit = Edit {
        file: "overlays/prod/kustomization.yaml".to_owned(),
        first: 2,
        removed: 1,
        added: vec!["b: 2".to_owned()],
    };
    let patch = edit.patch("a: 1\nb: 1\n");
    let finding = |rule: &str, severity, message: &str, fix| Finding {
        rule: rule.to_owned(),
        severity,
        file: "overlays/prod/kustomization.yaml".to_owned(),
        line: 12,
        object: "Rollout/web".to_owned(),
        field: "spec.x".to_owned(),
        message: message.to_owned(),
        fix,
        known: false,
        names: None,
    };
    let fix = Fix {
        text: "do <this>".to_owned(),
        patch,
        edit: Some(edit),
    };
    Report {
        version: 1,
        findings: vec![
            finding(
                "RK010",
                Severity::Error,
                "a: 100% \"wrong\" & <bad> | 'x'\nsecond",
                Some(fix),
            ),
            finding("reference/not-in-build", Severity::Note, "a note", None),
        ],
        errors: vec![Problem {
            file: "a b/c.yaml".to_owned(),
            line: Some(3),
            message: "broken".to_owned(),
            action: "mend it".to_owned(),
        }],
        overlays: None,
        about: About {
            checked: 2,
            program: "kustomize v5.5.0".to_owned(),
            ..About::default()
        },
    }
}

#[test]
fn json_has_the_documented_fields() {
    let value: Value = serde_json::from_str(&print(&report(), Format::Json, Style::default())).unwrap();
    assert_eq!(value["version"], 1);
    let finding = &value["findings"][0];
    let mut keys: Vec<&str> = finding.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["field", "file", "fix", "line", "message", "object", "rule", "severity"]
    );
    assert_eq!(finding["severity"], "error");
    let mut keys: Vec<&str> = finding["fix"].as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["patch", "text"]);
    assert_eq!(value["errors"][0]["do"], "mend it");
    assert!(value.get("overlays").is_none());
}

#[test]
fn text_has_a_line_that_editors_follow() {
    let text = print(&report(), Format::Text, Style::default());
    assert!(
        text.contains("overlays/prod/kustomization.yaml:12: error[RK010]: a: 100%"),
        "{text}"
    );
    assert!(
        text.contains("  do: do <this>\n    --- a/overlays/prod/kustomization.yaml\n"),
        "{text}"
    );
    assert!(
        text.ends_with("2 checked with kustomize v5.5.0: 1 error, 0 warnings, 1 note, 1 not checked\n"),
        "{text}"
    );
    assert!(!text.contains('\x1b'), "{text}");
    assert!(print(&report(), Format::Text, Style { colors: true }).contains("\x1b[31merror\x1b[0m"));
}

#[test]
fn github_commands_stay_on_their_line() {
    let text = print(&report(), Format::Github, Style::default());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "::error file=overlays/prod/kustomization.yaml,line=12,title=RK010::a: 100%25 \"wrong\" & <bad> | 'x'%0Asecond%0Ado <this>"
    );
    assert_eq!(
        lines[1],
        "::notice file=overlays/prod/kustomization.yaml,line=12,title=reference/not-in-build::a note"
    );
    assert_eq!(lines[2], "::error file=a b/c.yaml,line=3::broken%0Amend it");
    assert_eq!(lines.len(), 3);
}

#[test]
fn gitlab_issues_have_stable_fingerprints() {
    let value: Value = serde_json::from_str(&print(&report(), Format::Gitlab, Style::default())).unwrap();
    assert_eq!(value[0]["severity"], "major");
    assert_eq!(value[0]["location"]["lines"]["begin"], 12);
    assert_eq!(value[1]["severity"], "info");
    let mut moved = report();
    moved.findings[0].line = 99;
    let other: Value = serde_json::from_str(&print(&moved, Format::Gitlab, Style::default())).unwrap();
    assert_eq!(value[0]["fingerprint"], other[0]["fingerprint"]);
    assert_ne!(value[0]["fingerprint"], value[1]["fingerprint"]);
}

#[test]
fn junit_is_escaped_and_counts() {
    let text = print(&report(), Format::Junit, Style::default());
    assert!(text.contains("tests=\"3\" failures=\"1\" errors=\"1\""), "{text}");
    assert!(
        text.contains("message=\"a: 100% &quot;wrong&quot; &amp; &lt;bad&gt; | &apos;x&apos;&#10;second\""),
        "{text}"
    );
    assert_eq!(junit::escape("\u{1}a\u{b}"), "a");
    for tag in ["testsuites", "testsuite", "testcase", "failure", "error", "system-out"] {
        let (open, close) = (
            text.matches(&format!("<{tag} ")).count(),
            text.matches(&format!("</{tag}>")).count(),
        );
        let bare = text.matches(&format!("<{tag}>")).count();
        assert_eq!(open + bare, close, "{tag}\n{text}");
    }
}

#[test]
fn sarif_refers_to_its_rules() {
    let value: Value = serde_json::from_str(&print(&report(), Format::Sarif, Style::default())).unwrap();
    assert_eq!(value["version"], "2.1.0");
    let run = &value["runs"][0];
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "overlays/prod/kustomization.yaml");
    assert_eq!(place["region"]["startLine"], 12);
    let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["insertedContent"]["text"], "b: 2\n");
    assert_eq!(replacement["deletedRegion"]["endLine"], 3);
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notice = &invocation["toolExecutionNotifications"][0];
    assert_eq!(
        notice["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "a%20b/c.yaml"
    );
}

#[test]
fn markdown_begins_with_its_mark_and_keeps_its_table() {
    let text = print(&report(), Format::Markdown, Style::default());
    assert!(text.starts_with("<!-- serin-check -->\n"), "{text}");
    let row = text.lines().find(|line| line.contains("RK010")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 4, "{row}");
    assert!(
        text.contains("```diff\n--- a/overlays/prod/kustomization.yaml\n"),
        "{text}"
    );
}
