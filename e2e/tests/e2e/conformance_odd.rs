//! The answers to odd requests ([`crate::odd_requests`]): the sandbox's are those of a real API server.
//!
//! `UPDATE=1 e2e/real conformance_odd` records what the real one answers in `tests/odd_answers.txt`; without a real one the sandbox
//! is held to that. With a real one both answer, and `SERIN_ODD_REQUESTS=all` asks all requests in place of some of them.

use crate::odd_requests::{self, Odd};
use anyhow::{Context, Result, bail, ensure};
use http::Method;
use kube::Client;
use regex::Regex;
use serde_json::{Value, json};
use serin_e2e::World;
use serin_e2e::calls::{Answer, MERGE, send};
use serin_sandbox::ApiServer;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What the sandbox answers otherwise, and why that may stay: the beginning of a request's name, and the reason.
const OTHERWISE: &[(&str, &str)] = &[];

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/odd_answers.txt")
}

pub(crate) async fn odd_requests_are_answered_alike(world: &mut World) -> Result<()> {
    let all = std::env::var("SERIN_ODD_REQUESTS").is_ok_and(|it| it == "all");
    let (requests, update) = (odd_requests::requests(all), std::env::var_os("UPDATE").is_some());
    let answers = play(&world.client(), &requests).await?;
    if world.sandbox().is_some() {
        ensure!(
            !update && !all,
            "the sandbox is no measure: UPDATE and SERIN_ODD_REQUESTS are for e2e/real"
        );
        return compare(&recorded()?, &answers);
    }
    if update {
        ensure!(!all, "a part of the requests is recorded");
        return Ok(std::fs::write(file(), written(&answers))?);
    }
    let sandbox = ApiServer::new();
    serin_e2e::install_definitions(&sandbox.client()).await?;
    compare(&answers, &play(&sandbox.client(), &requests).await?)?;
    if !all {
        ensure!(
            recorded()? == answers,
            "the real API server answers otherwise than recorded: UPDATE=1, and read the difference"
        );
    }
    Ok(())
}

/// The answers by the names of the requests.
type Answers = BTreeMap<String, String>;

/// Plays them in a namespace of their own, whose name occurs in no answer by chance.
async fn play(client: &Client, requests: &[Odd]) -> Result<Answers> {
    let namespace = &format!("odd-requests-{}", std::process::id());
    let object = json!({"metadata": {"name": namespace}});
    make(client, "/api/v1/namespaces", &object).await?;
    let stored = odd_requests::stored();
    for (path, object) in &stored {
        let path = path.replace("{ns}", namespace);
        make(client, &path, object).await?;
        if path.ends_with("replicasets") {
            // What the ReplicaSet controller writes, so that it does not matter when it does.
            let status = json!({"status": {"replicas": 0, "terminatingReplicas": 0, "observedGeneration": 1}});
            send(client, &Method::PATCH, &format!("{path}/stored/status"), MERGE, &status).await?;
        }
    }
    let mut plain = Vec::new();
    for (beginning, request) in odd_requests::plain() {
        let answer = ask(client, namespace, &request).await?;
        ensure!(answer.code < 300, "{}: {}", request.name, answer.body);
        plain.push((beginning, usual(answer.body, namespace)));
    }
    let mut answers = Answers::new();
    for request in requests {
        let answer = ask(client, namespace, request).await?;
        let base = plain.iter().find(|(beginning, _)| {
            let rest = request.name.strip_prefix(beginning.as_str());
            rest.is_some_and(|rest| rest.starts_with([':', '&', ' ']))
        });
        answers.insert(
            request.name.clone(),
            told(answer, namespace, base.map(|(_, base)| base)),
        );
    }
    for (path, _) in &stored {
        let path = format!("{}/stored", path.replace("{ns}", namespace));
        let free = json!({"metadata": {"finalizers": null}});
        send(client, &Method::PATCH, &path, MERGE, &free).await?;
    }
    let path = format!("/api/v1/namespaces/{namespace}");
    send(client, &Method::DELETE, &path, "", &Value::Null).await?;
    Ok(answers)
}

async fn make(client: &Client, path: &str, object: &Value) -> Result<()> {
    let made = send(client, &Method::POST, path, "application/json", object).await?;
    ensure!(made.code == 201, "{path}: {}", made.body);
    Ok(())
}

async fn ask(client: &Client, namespace: &str, request: &Odd) -> Result<Answer> {
    let path = request.path.replace("{ns}", namespace);
    send(client, &request.method, &path, request.content_type, &request.body).await
}

/// An answer in one line: the code, and what is wrong, or how the object differs from what a plain request makes of it.
fn told(answer: Answer, namespace: &str, base: Option<&Value>) -> String {
    let mut body = usual(answer.body, namespace);
    if body["kind"] == "Status" {
        body = refusal(&body);
    } else if let Some(base) = base {
        body = json!(json_patch::diff(base, &body));
    }
    let mut text = format!("{} {body}", answer.code);
    let mut warnings = answer.warnings;
    warnings.sort();
    for warning in warnings {
        let _ = write!(text, " {warning}");
    }
    text
}

/// Without what differs from run to run.
fn usual(mut body: Value, namespace: &str) -> Value {
    if let Some(metadata) = body["metadata"].as_object_mut() {
        for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
            metadata.remove(field);
        }
    }
    if body["kind"] == "Service"
        && let Some(spec) = body["spec"].as_object_mut()
    {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
    let text = body.to_string().replace(namespace, "{ns}");
    let uid = Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    let text = uid.map_or_else(|_| text.clone(), |uid| uid.replace_all(&text, "{uid}").into_owned());
    serde_json::from_str(&text).unwrap_or(body)
}

/// A refused patch or object is echoed in a message, in an order of fields and with times of the moment.
fn without_echo(message: &str) -> String {
    let cut = |text: &str, from: &str, to: &str| {
        let (before, rest) = text.split_once(from)?;
        let (_, after) = rest.rsplit_once(to)?;
        Some(format!("{before}{from}…{to}{after}"))
    };
    cut(message, "patch: Invalid value: \"", "\": ")
        .or_else(|| cut(message, "is missing in '", "'"))
        .or_else(|| cut(message, " ({", " ...)"))
        .unwrap_or_else(|| message.to_owned())
}

/// Reason, message and details of a `Status`; several findings in an order of their own, as a real server's order varies.
fn refusal(status: &Value) -> Value {
    let mut details = status["details"].clone();
    let mut message = status["message"].as_str().unwrap_or_default().to_owned();
    let causes = details["causes"].as_array().cloned().unwrap_or_default();
    if let (Some((before, _)), false) = (message.split_once(" is invalid: "), causes.is_empty()) {
        // Some findings a real server has twice or three times.
        let distinct: BTreeSet<String> = causes.iter().map(cause).collect();
        message = format!("{before} is invalid: {}", Vec::from_iter(distinct).join("; "));
    }
    let message = without_echo(&message);
    if let Some(details) = details.as_object_mut() {
        // They say what the message says.
        details.remove("causes");
    }
    json!({"reason": status["reason"], "message": message, "details": details})
}

fn cause(cause: &Value) -> String {
    let text = |field: &str| cause[field].as_str().unwrap_or_default();
    let reason = text("reason").trim_start_matches("FieldValue");
    format!("{}: {} ({reason})", text("field"), text("message"))
}

fn compare(real: &Answers, sandbox: &Answers) -> Result<()> {
    let names = |answers: &Answers| answers.keys().cloned().collect::<Vec<_>>();
    ensure!(
        names(real) == names(sandbox),
        "the recorded answers are those of other requests: UPDATE=1 e2e/real conformance_odd"
    );
    let otherwise = |name: &str| OTHERWISE.iter().position(|(beginning, _)| name.starts_with(beginning));
    let (mut told, mut count, mut used) = (String::new(), 0, vec![0; OTHERWISE.len()]);
    for (name, wanted) in real {
        let answered = &sandbox[name];
        match otherwise(name) {
            _ if answered == wanted => {}
            Some(at) => used[at] += 1,
            None => {
                count += 1;
                let _ = write!(told, "\n{name}\n    real:    {wanted}\n    sandbox: {answered}");
            }
        }
    }
    ensure!(count == 0, "{count} of {} answers differ:{told}", real.len());
    match used.iter().position(|it| *it == 0) {
        Some(at) => bail!("no longer a difference: {:?}", OTHERWISE[at].0),
        None => Ok(()),
    }
}

fn recorded() -> Result<Answers> {
    let text = std::fs::read_to_string(file()).with_context(|| file().display().to_string())?;
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines
        .chunks(2)
        .map(|pair| (pair[0].to_owned(), pair[1..].concat()))
        .collect())
}

fn written(answers: &Answers) -> String {
    answers
        .iter()
        .map(|(name, answer)| format!("{name}\n{answer}\n"))
        .collect()
}
