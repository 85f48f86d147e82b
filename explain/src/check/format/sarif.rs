//! SARIF 2.1.0.

use super::fingerprint;
use crate::check::report::{Problem, Report};
use crate::rules::RULES;
use crate::rules::finding::{Edit, Finding, Fix, Severity};
use serde_json::{Value, json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const ABOUT: &str = "https://github.com/serin-rs/serin/blob/main/docs/check.md";

pub(super) fn log(report: &Report) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.title},
                "help": {"text": rule.page, "markdown": rule.page},
                "defaultConfiguration": {"level": level(rule.severity)},
            })
        })
        .collect();
    let results: Vec<Value> = report.findings.iter().map(result).collect();
    let notices: Vec<Value> = report.errors.iter().map(notice).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "serin check",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": ABOUT,
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": report.errors.is_empty(),
                "toolExecutionNotifications": notices,
            }],
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(finding: &Finding) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": {"text": message(finding)},
        "locations": [location(&finding.file, Some(finding.line), &finding.object, &finding.field)],
        "partialFingerprints": {"serinFinding/v1": fingerprint(finding)},
        "baselineState": if finding.known { "unchanged" } else { "new" },
    });
    if let Some(index) = RULES.iter().position(|rule| rule.id == finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    let edit = finding.fix.as_ref().and_then(|fix| Some((fix, fix.edit.as_ref()?)));
    if let Some((fix, edit)) = edit {
        result["fixes"] = json!([change(fix, edit)]);
    }
    result
}

fn message(finding: &Finding) -> String {
    match &finding.fix {
        Some(fix) => format!("{}. To do: {}", finding.message, fix.text),
        None => finding.message.clone(),
    }
}

fn location(file: &str, line: Option<u32>, object: &str, field: &str) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": uri(file), "uriBaseId": "%SRCROOT%"}});
    if let Some(line) = line {
        physical["region"] = json!({"startLine": line.max(1)});
    }
    let mut location = json!({"physicalLocation": physical});
    if !object.is_empty() {
        let name = [object, field].join(" ");
        location["logicalLocations"] = json!([{"fullyQualifiedName": name.trim(), "kind": "object"}]);
    }
    location
}

fn change(fix: &Fix, edit: &Edit) -> Value {
    let last = edit.first + edit.removed;
    let region = if edit.removed == 0 {
        json!({"startLine": edit.first, "startColumn": 1, "endLine": edit.first, "endColumn": 1})
    } else {
        json!({"startLine": edit.first, "startColumn": 1, "endLine": last, "endColumn": 1})
    };
    let text: String = edit.added.iter().map(|line| format!("{line}\n")).collect();
    json!({
        "description": {"text": fix.text},
        "artifactChanges": [{
            "artifactLocation": {"uri": uri(&edit.file), "uriBaseId": "%SRCROOT%"},
            "replacements": [{"deletedRegion": region, "insertedContent": {"text": text}}],
        }],
    })
}

fn notice(problem: &Problem) -> Value {
    let mut notice = json!({
        "level": "error",
        "message": {"text": format!("{}; {}", problem.message, problem.action)},
    });
    if !problem.file.is_empty() {
        notice["locations"] = json!([location(&problem.file, problem.line, "", "")]);
    }
    notice
}

/// A relative reference (RFC 3986).
fn uri(file: &str) -> String {
    file.bytes().fold(String::with_capacity(file.len()), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' | b'+' => {
                out.push(char::from(byte))
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
        out
    })
}
