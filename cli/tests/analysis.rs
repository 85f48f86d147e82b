//! `serin analysis eval`: what the conditions of a metric make of an answer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use support::{is_code, run_words};

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
    let (outcome, code) = run_words(&words).await;
    let code = (0..=3).find(|number| is_code(code, *number));
    (code, outcome.out, outcome.err)
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

const ADDITIONS: &str = "
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: web}
spec:
  args: [{name: hash}]
  metrics:
  - name: rate
    successCondition: result[0] >= 0.95
    noData: Inconclusive
    samples: result[1]
    minSamples: 100
    provider: {prometheus: {query: rate}}
  - name: errors
    interval: 1m
    count: 5
    noData: Error
    compare: {arg: hash, worse: higher, margin: '0.01', confidence: '0.95', result: {successes: 'result[0]', trials: 'result[1]'}}
    provider: {prometheus: {query: 'errors{hash=\"{{args.hash}}\"}'}}
";

/// Decision 50.
#[tokio::test]
async fn samples_and_comparisons_are_judged_as_the_controller_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    fs::write(&file, ADDITIONS).unwrap();
    let file = file.to_str().unwrap();
    let of = async |metric: &str, words: &[&str]| eval(&[&["-f", file, "--metric", metric], words].concat()).await;
    for (result, code, verdict) in [
        (
            "[0.97, 250]",
            0,
            "samples: result[1] -> 250\nverdict: Successful: 250 samples\n",
        ),
        ("[0.5, 250]", 2, "verdict: Failed: 250 samples\n"),
        (
            "[0.97, 12]",
            3,
            "verdict: Inconclusive: no data: 12 samples, minSamples is 100\n",
        ),
        (
            "[]",
            3,
            "verdict: Inconclusive: no data: 0 samples, minSamples is 100\n",
        ),
    ] {
        let (got, out, err) = of("rate", &["--arg", "hash=any", "--result", result]).await;
        assert_eq!(got, Some(code), "{result}: {out}{err}");
        assert!(out.ends_with(verdict), "{result}: {out}");
    }
    for (canary, code, told) in [
        (
            "[220, 2000]",
            2,
            "verdict: Failed: the canary is worse by more than 0.01: canary 220 of 2000 (0.11), stable 2 of 2000",
        ),
        (
            "[2, 2000]",
            0,
            "verdict: Successful: the canary is not worse by more than 0.01",
        ),
        (
            "[0, 1]",
            3,
            "verdict: Inconclusive: not decided whether the canary is worse",
        ),
        ("[0, 0]", 1, "verdict: Error: no data: canary: 0 trials"),
        ("[3, 2]", 1, "verdict: Error: canary: "),
    ] {
        let (got, out, err) = of("errors", &["--result", canary, "--stable-result", "[2, 2000]"]).await;
        assert_eq!(got, Some(code), "{canary}: {out}{err}");
        assert!(
            out.contains(told) && out.contains("trials of stable: result[1] -> 2000\n"),
            "{canary}: {out}"
        );
    }
    for (metric, words, told) in [
        (
            "errors",
            ["--result", "[2, 2000]"].as_slice(),
            "give the answer for the stable with --stable-result",
        ),
        (
            "rate",
            &["--arg", "hash=any", "--result", "[1, 1]", "--stable-result", "[1, 1]"],
            "the metric has no compare",
        ),
        (
            "errors",
            &["--result", "-", "--stable-result", "-"],
            "cannot both read standard input",
        ),
        (
            "errors",
            &[
                "--result",
                "[1, 1]",
                "--stable-result",
                "[1, 1]",
                "--success-condition",
                "true",
            ],
            "successCondition does not apply beside compare",
        ),
    ] {
        let (code, out, err) = of(metric, words).await;
        assert_eq!(code, Some(1), "{words:?}: {out}");
        assert!(err.contains(told), "{words:?}: {err}");
    }
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    fs::write(&file, TEMPLATE).unwrap();
    let file = file.to_str().unwrap();
    for (words, told) in [
        (vec!["--result", "1"], "--success-condition"),
        (
            vec!["--result", "1", "-f", file, "--arg", "service=web"],
            "success-rate, health",
        ),
        (
            vec!["--result", "1", "-f", file, "--metric", "speed"],
            "no metric \"speed\"",
        ),
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
