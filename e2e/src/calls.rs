//! Raw calls and what they must answer, the same on the sandbox and on a real API server.
//!
//! An expectation is a part of the answer: objects may hold more, lists must have the same length, `null` means absent or null,
//! and a text that begins with `~` must be contained. `{ns}` stands for the namespace, `{name}` for what was kept under that name.

use crate::world::World;
use anyhow::{Context, Result, bail};
use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Merge patch.
pub const MERGE: &str = "application/merge-patch+json";
/// JSON patch.
pub const JSON_PATCH: &str = "application/json-patch+json";
/// Strategic merge patch.
pub const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// Makes calls and notes every difference, so that one run shows them all.
pub struct Calls<'w> {
    world: &'w World,
    kept: BTreeMap<String, String>,
    made: usize,
    differences: Vec<String>,
}

/// One answer.
pub struct Answer {
    /// The HTTP code.
    pub code: u16,
    /// The body; of a watch the list of its events.
    pub body: Value,
    /// What the `Warning` headers say.
    pub warnings: Vec<String>,
}

impl<'w> Calls<'w> {
    /// In the namespace of a world.
    #[must_use]
    pub fn new(world: &'w World) -> Self {
        let kept = BTreeMap::from([("ns".to_owned(), world.namespace().to_owned())]);
        Self {
            world,
            kept,
            made: 0,
            differences: Vec::new(),
        }
    }

    /// Keeps a text of an answer for later calls and expectations.
    ///
    /// # Errors
    /// If there is no such text.
    pub fn keep(&mut self, name: &str, answer: &Answer, pointer: &str) -> Result<()> {
        let text = answer.body.pointer(pointer).and_then(Value::as_str);
        let text = text.with_context(|| format!("{pointer} in {}", answer.body))?;
        self.kept.insert(name.to_owned(), text.to_owned());
        Ok(())
    }

    /// GET.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn get(&mut self, path: &str, code: u16, expected: Value) -> Result<Answer> {
        self.call(Method::GET, path, "", Value::Null, code, expected).await
    }

    /// POST.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn create(&mut self, path: &str, body: Value, code: u16, expected: Value) -> Result<Answer> {
        self.call(Method::POST, path, "application/json", body, code, expected)
            .await
    }

    /// PUT.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn replace(&mut self, path: &str, body: Value, code: u16, expected: Value) -> Result<Answer> {
        self.call(Method::PUT, path, "application/json", body, code, expected)
            .await
    }

    /// PATCH of a kind.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn patch(&mut self, kind: &str, path: &str, body: Value, code: u16, expected: Value) -> Result<Answer> {
        self.call(Method::PATCH, path, kind, body, code, expected).await
    }

    /// DELETE, with options or null.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn delete(&mut self, path: &str, options: Value, code: u16, expected: Value) -> Result<Answer> {
        let kind = if options.is_null() { "" } else { "application/json" };
        self.call(Method::DELETE, path, kind, options, code, expected).await
    }

    /// The code of a GET, whatever it is.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn probe(&self, path: &str) -> Result<u16> {
        let path = self.filled(&full(path));
        Ok(send(&self.world.client(), &Method::GET, &path, "", &Value::Null)
            .await?
            .code)
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Value,
        code: u16,
        expected: Value,
    ) -> Result<Answer> {
        self.made += 1;
        let (path, body) = (self.filled(&full(path)), self.filled_value(body));
        let expected = self.filled_value(expected);
        let answer = send(&self.world.client(), &method, &path, content_type, &body).await?;
        let mut found = Vec::new();
        if answer.code != code {
            found.push(format!("code: {} in place of {code}", answer.code));
        }
        compare("", &expected, &answer.body, &mut found);
        if !found.is_empty() {
            let sent = if body.is_null() {
                String::new()
            } else {
                format!(" {body}")
            };
            let found = found.join("\n    ");
            self.differences.push(format!(
                "{method} {path}{sent}\n    {found}\n    answer: {}",
                answer.body
            ));
        }
        Ok(answer)
    }

    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.kept {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    fn filled_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.filled(&text)),
            Value::Array(items) => items.into_iter().map(|it| self.filled_value(it)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, it)| (name, self.filled_value(it)))
                .collect(),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
        }
    }

    /// All calls are made.
    ///
    /// # Errors
    /// If an answer differed.
    pub fn end(self) -> Result<()> {
        if self.differences.is_empty() {
            return Ok(());
        }
        let (count, all) = (self.differences.len(), self.differences.join("\n"));
        bail!("{count} of {} answers differ:\n{all}", self.made)
    }
}

/// One call as it is; an empty content type and a null are left out.
///
/// # Errors
/// If there is no answer.
pub async fn send(client: &Client, method: &Method, path: &str, content_type: &str, body: &Value) -> Result<Answer> {
    let bytes = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let mut request = Request::builder().method(method).uri(path);
    if !content_type.is_empty() {
        request = request.header(http::header::CONTENT_TYPE, content_type);
    }
    let answered = async {
        let response = client.clone().send(request.body(Body::from(bytes))?).await?;
        let code = response.status().as_u16();
        let warnings = response.headers().get_all(http::header::WARNING).iter();
        let warnings = warnings.filter_map(|it| Some(it.to_str().ok()?.to_owned())).collect();
        let text = response.into_body().collect_bytes().await?;
        anyhow::Ok((code, warnings, text))
    };
    let answered = tokio::time::timeout(Duration::from_secs(30), answered).await;
    let (code, warnings, text) = answered.with_context(|| format!("{method} {path}: no answer"))??;
    let body = if path.contains("watch=true") && code == 200 {
        let lines = text.split(|it| *it == b'\n').filter(|it| !it.is_empty());
        lines
            .map(serde_json::from_slice)
            .collect::<Result<Vec<Value>, _>>()
            .map(Value::Array)
    } else {
        serde_json::from_slice(&text)
    };
    let body = body.unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&text).into_owned()));
    Ok(Answer { code, body, warnings })
}

/// `configmaps/a` is short for `/api/v1/namespaces/{ns}/configmaps/a`.
fn full(path: &str) -> String {
    let prefix = match path.split(['/', '?']).next() {
        Some("" | "api" | "apis") => return path.to_owned(),
        Some("rollouts" | "experiments" | "analysisruns" | "analysistemplates") => "/apis/argoproj.io/v1alpha1",
        Some("replicasets" | "deployments") => "/apis/apps/v1",
        _ => "/api/v1",
    };
    format!("{prefix}/namespaces/{{ns}}/{path}")
}

/// Where an answer is not what is expected: an expectation is a part of it, as above.
#[must_use]
pub fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut all = Vec::new();
    compare("", expected, found, &mut all);
    all
}

fn compare(at: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(fields), Value::Object(there)) => {
            for (name, value) in fields {
                compare(
                    &format!("{at}/{name}"),
                    value,
                    there.get(name).unwrap_or(&Value::Null),
                    differences,
                );
            }
        }
        (Value::Array(items), Value::Array(there)) if items.len() == there.len() => {
            for (index, (item, it)) in items.iter().zip(there).enumerate() {
                compare(&format!("{at}/{index}"), item, it, differences);
            }
        }
        (Value::String(text), Value::String(there))
            if text.strip_prefix('~').is_some_and(|part| there.contains(part)) => {}
        _ if expected == found => {}
        // Anything fits where nothing is said.
        (Value::Null, _) if at.is_empty() => {}
        _ => differences.push(format!("{at}: {found} in place of {expected}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn an_expectation_is_a_part() {
        let found = json!({"a": 1, "b": {"c": "some text"}, "d": [1, 2]});
        assert!(differences(&json!({"a": 1, "b": {"c": "~me te", "x": null}, "d": [1, 2]}), &found).is_empty());
        assert_eq!(
            differences(&json!({"a": 2, "d": [1], "b": {"c": null}}), &found).len(),
            3
        );
        assert_eq!(differences(&json!({"x": "~"}), &found).len(), 1);
    }
}
