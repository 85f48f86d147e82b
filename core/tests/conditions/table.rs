//! The table: `values.txt`, `verdicts.txt` and `times.txt`, with the answers of the library, and `differences.txt`, with
//! those that Serin gives otherwise.
//!
//! A line `= TYPE JSON` sets the result (contract 12 §2). A line that is not indented is a case: an expression, or two
//! conditions with ` ;; ` between them. The indented line below it is the library's answer.

use crate::answers::answer;
use crate::oracle::Oracle;
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Makes the case of a line.
type AsCase = fn(&str) -> Json;

/// A case of a file, with its answer as the file has it.
struct Row {
    result: Json,
    case: Json,
    written: String,
    wanted: String,
}

fn path(name: &str) -> PathBuf {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conditions");
    folder.join(name)
}

fn read(name: &str) -> String {
    let path = path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of a file; `as_case` makes the case of a line.
fn rows(name: &str, as_case: AsCase) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut result = json!({"type": "nil"});
    for line in read(name).lines() {
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        if let Some(set) = line.strip_prefix("= ") {
            let (of, value) = set.split_once(' ').unwrap_or((set, "null"));
            let value: Json = serde_json::from_str(value).unwrap_or_else(|error| panic!("{error}: {line}"));
            result = json!({"type": of, "value": value});
        } else if let Some(wanted) = line.strip_prefix("    ") {
            rows.last_mut().expect("a case before its answer").wanted = wanted.to_owned();
        } else {
            let mut case = as_case(line);
            case["result"] = result.clone();
            rows.push(Row {
                result: result.clone(),
                case,
                written: line.to_owned(),
                wanted: String::new(),
            });
        }
    }
    rows
}

fn as_value(line: &str) -> Json {
    json!({"kind": "value", "expression": line})
}

fn as_time(line: &str) -> Json {
    json!({"kind": "time", "expression": line})
}

fn as_conditions(line: &str) -> Json {
    let (success, failure) = line.split_once(";;").expect("two conditions");
    json!({"kind": "expression", "successCondition": success.trim(), "failureCondition": failure.trim()})
}

/// An answer in one line.
pub(crate) fn shown(answer: &Json) -> String {
    // Of a panic in the library's compiler only the message, not the stack.
    let text = |key: &str| {
        let text = answer[key].as_str().unwrap_or_default();
        text.split("\ngoroutine ").next().unwrap_or_default().replace('\n', "␤")
    };
    if let Some(seconds) = answer["sinceNowSeconds"].as_f64() {
        return format!("{seconds} s ago");
    }
    for key in ["error", "time", "phase"] {
        if !answer[key].is_null() {
            let message = text("message");
            return format!("{key}: {} {message}", text(key)).trim_end().to_owned();
        }
    }
    let of = text("type");
    if of.starts_with(['*']) || of.starts_with("func(") {
        // The value is an address.
        return of;
    }
    format!("{of}: {}", text("value")).trim_end().to_owned()
}

const FILES: [(&str, AsCase); 3] = [
    ("values.txt", as_value),
    ("verdicts.txt", as_conditions),
    ("times.txt", as_time),
];

/// Where Serin answers otherwise: the file, the result, the case, and Serin's answer.
fn differences() -> Vec<Row> {
    rows("differences.txt", as_value)
}

fn check(name: &str, as_case: AsCase) {
    let known = differences();
    let is_known = |row: &Row| {
        known
            .iter()
            .any(|it| it.written == row.written && it.result == row.result)
    };
    let mut wrong = Vec::new();
    let rows = rows(name, as_case);
    for row in rows.iter().filter(|row| !is_known(row)) {
        let given = shown(&answer(&row.case));
        if given != row.wanted {
            wrong.push(format!(
                "{}\n    result:  {}\n    library: {}\n    Serin:   {given}",
                row.written, row.result, row.wanted
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

pub(crate) fn values_are_those_of_the_table() {
    check("values.txt", as_value);
}

pub(crate) fn verdicts_are_those_of_the_table() {
    check("verdicts.txt", as_conditions);
}

pub(crate) fn times_are_those_of_the_table() {
    check("times.txt", as_time);
}

/// Each difference is a row of the table, and Serin's answer is the one that is listed.
pub(crate) fn differences_are_differences() {
    let table = rows("values.txt", as_value);
    for row in differences() {
        let of_library = table
            .iter()
            .find(|it| it.written == row.written && it.result == row.result);
        let of_library = of_library.unwrap_or_else(|| panic!("not in the table: {}", row.written));
        assert_eq!(shown(&answer(&row.case)), row.wanted, "{}", row.written);
        assert_ne!(row.wanted, of_library.wanted, "no longer a difference: {}", row.written);
    }
}

pub(crate) fn the_table_is_long() {
    let count: usize = FILES.iter().map(|(name, as_case)| rows(name, *as_case).len()).sum();
    assert!(count >= 700, "{count} cases");
    println!("{count} cases");
}

/// With `UPDATE=1` the files are written again.
pub(crate) fn the_table_is_what_the_library_answers() {
    let updates = std::env::var_os("UPDATE").is_some();
    let mut oracle = Oracle::start();
    for (name, as_case) in FILES {
        let mut written = String::new();
        let mut rows = rows(name, as_case).into_iter();
        let mut wrong = Vec::new();
        for line in read(name).lines().filter(|line| !line.starts_with("    ")) {
            written.push_str(line);
            written.push('\n');
            if line.is_empty() || line.starts_with("//") || line.starts_with("= ") {
                continue;
            }
            let row = rows.next().expect("a row for each case");
            let given = shown(&oracle.ask(&row.case));
            written.push_str(&format!("    {given}\n"));
            if given != row.wanted {
                wrong.push(format!("{line}\n    {}\n    {given}", row.wanted));
            }
        }
        if updates {
            std::fs::write(path(name), written).unwrap();
        } else {
            assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
        }
    }
}
