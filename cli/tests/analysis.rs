//! `serin analysis eval`: what the conditions of a metric make of an answer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use support::run_words;

const TEMPLATE: &str = "
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: web}
spec:
  args: [{name: service}, {name: least, value: '0.95'}]
  metrics:
  - name: success-rate
    successCondition: result[0] >= {{args.least}}
    provider: {prometheus: {query: 'rate({{args.service}})'}}
  - name: health
    failureCondition: result.status != 'up'
    provider: {web: {url: 'https://{{args.service}}/health'}}
";

async fn eval(words: &[&str]) -> (Option<u8>, String, String) {
    let words: Vec<&str> = ["serin", "analysis", "eval"].iter().chain(words).copied().collect();
    let outcome = run_words(&words).await;
    (outcome.code_number(), outcome.out, outcome.err)
}

#[tokio::test]
async fn a_condition_is_judged() {
    for (result, condition, code, out) in [
        (
            "[0.97]",
            "result[0] >= 0.95",
            0,
            "result: [0.97] ([]any)\nsuccessCondition: result[0] >= 0.95 -> true\nverdict: Successful\n",
        ),
        (
            "0.5",
            "result >= 0.95",
            2,
            "result: 0.5 (float64)\nsuccessCondition: result >= 0.95 -> false\nverdict: Failed\n",
        ),
        (
            "OK",
            "result == 'OK'",
            0,
            "result: OK (string)\nsuccessCondition: result == 'OK' -> true\nverdict: Successful\n",
        ),
        (
            "1",
            "result + 1",
            1,
            "result: 1 (float64)\nsuccessCondition: result + 1 -> 2\nverdict: Error: could not evaluate successCondition \
             \"result + 1\": expected bool, but got float64\n",
        ),
    ] {
        let (got, told, err) = eval(&["--result", result, "--success-condition", condition]).await;
        assert_eq!((got, told.as_str()), (Some(code), out), "{result} {condition}: {err}");
    }
    let both = ["--success-condition", "result > 2", "--failure-condition", "result < 1"];
    let (code, out, _) = eval(&[&["--result", "1.5"], both.as_slice()].concat()).await;
    assert_eq!(code, Some(3));
    assert!(out.ends_with("verdict: Inconclusive\n"), "{out}");
}

#[tokio::test]
async fn a_template_gives_conditions_arguments_and_the_type() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    fs::write(&file, TEMPLATE).unwrap();
    let file = file.to_str().unwrap();
    let rate = ["-f", file, "--metric", "success-rate", "--arg", "service=web"];
    let (code, out, err) = eval(&[&rate[..], &["--result", "[0.93]"]].concat()).await;
    assert_eq!(code, Some(2), "{err}");
    assert_eq!(
        out,
        "result: [0.93] ([]float64)\nsuccessCondition: result[0] >= 0.95 -> false\nverdict: Failed\n"
    );
    // A vector is no number: that is what the controller would say, too.
    let (code, out, _) = eval(&[&rate[..], &["--arg", "least=0.9", "--result", "0.93"]].concat()).await;
    assert_eq!(code, Some(1));
    assert!(out.contains("result[0] >= 0.9 -> error"), "{out}");
    let health = ["-f", file, "--metric", "health", "--arg", "service=web"];
    let (code, out, _) = eval(&[&health[..], &["--result", "{\"status\": \"down\"}"]].concat()).await;
    assert_eq!(code, Some(2));
    assert!(out.ends_with("-> true\nverdict: Failed\n"), "{out}");
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    fs::write(&file, TEMPLATE).unwrap();
    let file = file.to_str().unwrap();
    for (words, told) in [
        (vec!["--result", "1"], "--success-condition"),
        (vec!["--result", "1", "-f", file, "--arg", "service=web"], "success-rate, health"),
        (vec!["--result", "1", "-f", file, "--metric", "speed"], "no metric \"speed\""),
        (
            vec!["--result", "1", "-f", file, "--metric", "health"],
            "argument \"service\" was not supplied",
        ),
        (
            vec!["--result", "1", "-f", file, "--arg", "size=3"],
            "the template has no argument \"size\"",
        ),
        (vec!["--result", "1", "-f", file, "--arg", "size"], "NAME=VALUE"),
        (
            vec!["--result", "one", "--type", "float", "--success-condition", "true"],
            "--result: \"one\" is no number",
        ),
        (vec!["--result", "1", "-f", "no-such-file.yaml"], "no-such-file.yaml"),
    ] {
        let (code, out, err) = eval(&words).await;
        assert_eq!(code, Some(1), "{words:?}: {out}");
        assert!(err.contains(told), "{words:?}: {err}");
    }
}
