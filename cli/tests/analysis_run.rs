//! `serin analysis run`: a template measured here and now.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use std::fs;
use std::time::Duration;
use support::{Server, is_code, run_words};

const SECRET: &str = "hunter2-\"quoted\"";

/// A template of one metric, with the provider and more fields as YAML has them in one line.
fn template(provider: &str, metric: &str, args: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {{name: web}}\nspec:\n  args: [{args}]\n  \
         metrics:\n  - {{name: rate, {metric} provider: {provider}}}\n"
    )
}

async fn run(text: &str, words: &[&str]) -> (Option<u8>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    fs::write(&file, text).unwrap();
    let begin = ["serin", "analysis", "run", "-f", file.to_str().unwrap()];
    let words: Vec<&str> = begin.iter().chain(words).copied().collect();
    let (outcome, code) = run_words(&words).await;
    let code = (0..=3).find(|number| is_code(code, *number));
    (code, outcome.out, outcome.err)
}

async fn rates() -> Server {
    Server::start(&[
        ("GET /good", 200, json!({"rate": 0.99})),
        ("GET /bad", 200, json!({"rate": 0.5})),
    ])
    .await
}

const CONDITIONS: &str = "successCondition: 'result >= 0.95', failureCondition: 'result < 0.9', ";

#[tokio::test]
async fn a_run_ends_as_it_was_measured() {
    let server = rates().await;
    let web = format!(
        "{{web: {{url: '{}/{{{{args.path}}}}', jsonPath: '{{$.rate}}'}}}}",
        server.url()
    );
    let text = template(&web, CONDITIONS, "{name: path}");
    let (code, out, err) = run(&text, &["--arg", "path=good"]).await;
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(
        out,
        "rate: Successful, 1 successful; last: Successful 0.99\nverdict: Successful\n"
    );
    let (code, out, err) = run(&text, &["--arg", "path=bad", "--watch"]).await;
    assert_eq!(code, Some(2), "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].ends_with("Z rate: Failed 0.5"), "{out}");
    assert_eq!(lines[1], "rate: Failed, 1 failed; last: Failed 0.5");
    assert_eq!(
        lines[2],
        "verdict: Failed: Metric \"rate\" assessed Failed due to failed (1) > failureLimit (0)"
    );
    let neither = "successCondition: 'result > 1', failureCondition: 'result < 0', ";
    let (code, out, _) = run(&template(&web, neither, "{name: path, value: good}"), &[]).await;
    assert_eq!(code, Some(3), "{out}");
    let missing = format!("consecutiveErrorLimit: 0, {CONDITIONS}");
    let (code, out, _) = run(&template(&web, &missing, "{name: path, value: gone}"), &[]).await;
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("received non 2xx response code: 404"), "{out}");
}

#[tokio::test]
async fn several_measurements_follow_their_interval() {
    let server = rates().await;
    let web = format!("{{web: {{url: '{}/good', jsonPath: '{{$.rate}}'}}}}", server.url());
    let more = format!("interval: 1s, count: 2, {CONDITIONS}");
    let (code, out, err) = run(&template(&web, &more, ""), &["-o", "json", "--watch"]).await;
    assert_eq!(code, Some(0), "{err}");
    let run: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&run["kind"], &run["status"]["phase"]),
        (&json!("AnalysisRun"), &json!("Successful"))
    );
    let result = &run["status"]["metricResults"][0];
    assert_eq!(
        (&result["count"], result["measurements"].as_array().unwrap().len()),
        (&json!(2), 2)
    );
    assert_eq!(server.asked().len(), 2);
}

/// Decision 50.
#[tokio::test]
async fn samples_and_comparisons_are_measured() {
    let server = Server::start(&[
        ("GET /few", 200, json!({"rate": 0.99, "requests": 3})),
        ("GET /bad", 200, json!({"errors": 220, "requests": 2000})),
        ("GET /good", 200, json!({"errors": 2, "requests": 2000})),
    ])
    .await;
    let few = template(
        &format!("{{web: {{url: '{}/few'}}}}", server.url()),
        "successCondition: 'result.rate > 0.9', noData: Inconclusive, samples: result.requests, minSamples: 100, ",
        "",
    );
    let (code, out, err) = run(&few, &[]).await;
    assert_eq!(code, Some(3), "{err}");
    assert!(out.contains("(no data: 3 samples, minSamples is 100)"), "{out}");
    let compare = template(
        &format!("{{web: {{url: '{}/{{{{args.hash}}}}'}}}}", server.url()),
        "interval: 1s, count: 9, compare: {arg: hash, worse: higher, margin: '0.01', confidence: '0.95', result: {successes: \
         result.errors, trials: result.requests}}, ",
        "{name: hash}",
    );
    let (code, out, err) = run(&compare, &["--canary-hash", "bad", "--stable-hash", "good"]).await;
    assert_eq!(code, Some(2), "{out}{err}");
    assert!(
        out.contains("the canary is worse by more than 0.01: canary 220 of 2000"),
        "{out}"
    );
    let (code, out, err) = run(&compare, &[]).await;
    assert_eq!(code, Some(1), "{out}");
    assert!(err.contains("--canary-hash HASH and --stable-hash HASH"), "{err}");
}

#[tokio::test]
async fn secrets_are_used_and_never_printed() {
    let server = rates().await;
    let web = format!(
        "{{web: {{url: '{}/good?key={{{{args.token}}}}', headers: [{{key: X-Key, value: '{{{{args.token}}}}'}}]}}}}",
        server.url()
    );
    let args = "{name: token, valueFrom: {secretKeyRef: {name: keys, key: token}}}";
    // The answer is no number: the message of the error has the address.
    let text = template(
        &web,
        "consecutiveErrorLimit: 0, successCondition: 'result.rate > 0.9', ",
        args,
    );
    let secret = format!("keys/token={SECRET}");
    for form in ["text", "json"] {
        let (code, out, err) = run(&text, &["--secret", &secret, "--watch", "-o", form]).await;
        assert!(code.is_some(), "{err}");
        assert!(!format!("{out}{err}").contains("hunter2"), "{out}{err}");
        assert!(form == "text" || out.contains("secretKeyRef"), "{out}");
    }
    assert!(!server.asked().is_empty());
    let (code, _, err) = run(&text, &["--secret", "keys:token=x"]).await;
    assert_eq!(code, Some(1));
    assert!(
        err.contains("--secret: write it as NAME/KEY=VALUE") && !err.contains("keys:token"),
        "{err}"
    );
    let (code, _, err) = run(&text, &["--secret-env", "keys/token=NO_SUCH_VARIABLE_OF_SERIN"]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("NO_SUCH_VARIABLE_OF_SERIN"), "{err}");
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_told_at_once() {
    let web = "{web: {url: 'http://127.0.0.1:1/'}}";
    let nested = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec: {templates: \
                  [{templateName: b}]}\n";
    let secret = "{name: token, valueFrom: {secretKeyRef: {name: keys, key: token}}}";
    for (text, words, told) in [
        (
            template(web, "", "{name: path}"),
            vec![],
            "argument \"path\" has no value: give it with --arg path=VALUE",
        ),
        (
            template(web, "", ""),
            vec!["--arg", "path=1"],
            "web has no argument \"path\"",
        ),
        (template(web, "", ""), vec!["--arg", "path"], "NAME=VALUE"),
        (template(web, "", secret), vec![], "--secret-env keys/token=VARIABLE"),
        (
            template(web, "successCondition: 'result >', ", ""),
            vec![],
            "metric \"rate\": successCondition is no expression",
        ),
        (
            template("{job: {spec: {}}}", "", ""),
            vec![],
            "metric \"rate\": its provider is a Job: --with-jobs",
        ),
        (
            nested.to_owned(),
            vec![],
            "AnalysisTemplate \"b\" is in none of the files",
        ),
        (template(web, "", ""), vec!["--template", "other"], "--template: web"),
        (
            "apiVersion: v1\nkind: Pod\n".to_owned(),
            vec![],
            "the files have no AnalysisTemplate",
        ),
    ] {
        let (code, out, err) = run(&text, &words).await;
        assert_eq!(code, Some(1), "{told}: {out}");
        assert!(err.contains(told), "{told}: {err}");
    }
    let two = "{web: {url: 'http://127.0.0.1:1/'}, prometheus: {query: up}}";
    let (code, out, err) = run(&template(two, "", ""), &[]).await;
    assert_eq!(code, Some(1), "{err}");
    assert_eq!(
        out,
        "verdict: Error: Analysis spec invalid: metrics[0]: multiple providers specified\n"
    );
}

/// Templates that one names are found in the same files; the one that no other names is measured.
#[tokio::test]
async fn templates_name_others() {
    let server = rates().await;
    let web = format!("{{web: {{url: '{}/good', jsonPath: '{{$.rate}}'}}}}", server.url());
    let all = "apiVersion: argoproj.io/v1alpha1\nkind: ClusterAnalysisTemplate\nmetadata: {name: all}\nspec: {templates: \
               [{templateName: web}]}\n";
    let (code, out, err) = run(&format!("{}---\n{all}", template(&web, CONDITIONS, "")), &[]).await;
    assert_eq!(
        (code, out.ends_with("verdict: Successful\n")),
        (Some(0), true),
        "{out}{err}"
    );
}

/// Jobs are created only if that is asked for; nothing is left of them.
#[tokio::test]
async fn jobs_are_created_and_deleted_in_the_cluster() {
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "default"},
        "status": {"conditions": [{"type": "Complete", "status": "True"}]}});
    let list = json!({"apiVersion": "batch/v1", "kind": "JobList", "metadata": {}, "items": [job]});
    let server = Server::start(&[
        (&format!("POST {jobs}"), 201, job.clone()),
        (&format!("GET {jobs}/j"), 200, job.clone()),
        (&format!("GET {jobs}"), 200, list),
        (&format!("DELETE {jobs}/j"), 200, job),
    ])
    .await;
    let text = template("{job: {spec: {template: {spec: {restartPolicy: Never}}}}}", "", "");
    let url = server.url();
    let (code, out, err) = run(&text, &["--with-jobs", "--server", &url]).await;
    assert_eq!(
        (code, out.ends_with("verdict: Successful\n")),
        (Some(0), true),
        "{out}{err}"
    );
    let writes = |server: &Server| {
        let asked = server.asked().into_iter();
        asked.filter(|asked| !asked.starts_with("GET")).collect::<Vec<_>>()
    };
    let all = [format!("POST {jobs}"), format!("DELETE {jobs}/j")];
    assert_eq!(writes(&server), all);
    let (code, _, err) = run(&text, &["--with-jobs", "--keep-jobs", "--server", &url]).await;
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(writes(&server), [&all[..], &all[..1]].concat());
}

/// Interrupted, a run ends as one with `terminate: true` does.
#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_terminates_the_run() {
    let server = rates().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    let web = format!("{{web: {{url: '{}/good', jsonPath: '{{$.rate}}'}}}}", server.url());
    fs::write(&file, template(&web, &format!("interval: 1s, {CONDITIONS}"), "")).unwrap();
    let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_serin"))
        .args(["analysis", "run", "--watch", "-f"])
        .arg(&file)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while server.asked().is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let id = child.id().unwrap().to_string();
    let killed = std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(killed.success());
    let output = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output()).await;
    let output = output.unwrap().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(
        out.contains("terminating the run") && out.ends_with("verdict: Successful: Run Terminated\n"),
        "{out}"
    );
}
