//! Arguments that come from Secrets (contract 06 §1 and §12): read when something is measured, and dropped with it.

use crate::act::Writer;
use crate::cluster::refusal::Failure;
use crate::store::Key;
use serin_core::analysis::arguments::is_secret;
use serin_core::analysis::run::Step;
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::{Argument, SecretKeyRef};
use serin_core::observed::Refusal;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What stands for a value of a Secret.
const HIDDEN: &str = "*****";
/// The optional role, as `deploy/analysis-secrets` has it.
pub(super) const ROLE: &str = "argo-rollouts-analysis-secrets";

/// The arguments of a run with the values of their Secrets. It has no `Debug`.
pub(super) struct Arguments {
    /// All of them, in their order.
    pub(super) args: Vec<Argument>,
    values: Values,
}

/// What must not be seen. It has no `Debug` either.
#[derive(Clone)]
pub(super) struct Values(Arc<[String]>);

/// Why there are none.
pub(super) enum Unresolved {
    /// A Secret or a key is missing, or may not be read: the run cannot go on.
    Missing(String),
    /// The API server did not answer, or not now.
    NotNow(String),
}

impl Arguments {
    /// Reads what the arguments refer to, each Secret once.
    pub(super) async fn read(writer: &Writer, namespace: &str, args: &[Argument]) -> Result<Self, Unresolved> {
        let mut args = args.to_vec();
        let mut secrets = HashMap::new();
        let mut values = Vec::new();
        for arg in args.iter_mut().filter(|arg| is_secret(arg)) {
            let reference = arg.value_from.take().and_then(|from| from.secret_key_ref);
            let SecretKeyRef { name, key } = reference.unwrap_or_default();
            if !secrets.contains_key(&name) {
                let read = writer.get_secret(&Key::new(namespace, &name)).await;
                let found = read.map_err(|failure| refused(namespace, &name, &failure))?;
                let missing = || Unresolved::Missing(format!("secrets \"{name}\" not found"));
                secrets.insert(name.clone(), found.ok_or_else(missing)?.data.unwrap_or_default());
            }
            let data = secrets.get(&name).and_then(|data| data.get(&key));
            let missing = || Unresolved::Missing(format!("key '{key}' does not exist in secret '{name}'"));
            let value = String::from_utf8_lossy(&data.ok_or_else(missing)?.0).into_owned();
            values.push(value.clone());
            arg.value = Some(value);
        }
        Ok(Self {
            args,
            values: Values::of(values),
        })
    }

    /// The values of the Secrets, to be hidden.
    pub(super) fn values(&self) -> Values {
        self.values.clone()
    }
}

fn refused(namespace: &str, name: &str, failure: &Failure) -> Unresolved {
    let message = &failure.message;
    match failure.why {
        Refusal::Forbidden => Unresolved::Missing(format!(
            "cannot read Secret '{namespace}/{name}': {message}; the Role {ROLE} in this namespace would allow it"
        )),
        Refusal::Invalid | Refusal::NotFound | Refusal::AlreadyExists => {
            Unresolved::Missing(format!("cannot read Secret '{namespace}/{name}': {message}"))
        }
        Refusal::Conflict | Refusal::TooManyRequests | Refusal::ServerError | Refusal::Timeout => {
            Unresolved::NotNow(format!("cannot read Secret '{namespace}/{name}': {message}"))
        }
    }
}

impl Values {
    fn of(mut values: Vec<String>) -> Self {
        values.retain(|value| !value.is_empty());
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self(values.into())
    }

    /// All of them, the longest first.
    pub(super) fn all(&self) -> Arc<[String]> {
        Arc::clone(&self.0)
    }

    /// A text without them, as they are and as JSON has them.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in self.0.iter() {
            let quoted = serde_json::Value::String(value.clone()).to_string();
            let json = quoted.get(1..quoted.len() - 1).unwrap_or(value);
            text = text.replace(value, HIDDEN).replace(json, HIDDEN);
        }
        text
    }

    /// Hides them in what will be recorded of a measurement. While one is under way its provider needs its metadata.
    pub(super) fn hide(&self, step: &Step, measurement: &mut Measurement, metadata: &mut BTreeMap<String, String>) {
        if self.0.is_empty() {
            return;
        }
        measurement.message = self.hidden_in(&measurement.message);
        measurement.value = self.hidden_in(&measurement.value);
        let given = match step {
            Step::Run => None,
            Step::Resume(of) | Step::Terminate(of) => Some(&of.metadata),
        };
        let under_way = measurement.resume_at.is_some() && measurement.finished_at.is_none();
        for (key, text) in &mut measurement.metadata {
            let known = given.is_some_and(|given| given.get(key) == Some(text));
            if !under_way && !known {
                *text = self.hidden_in(text);
            }
        }
        for text in metadata.values_mut() {
            *text = self.hidden_in(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_however_they_are_written() {
        let values = Values::of(vec![String::new(), "ab".into(), "abc\"d".into()]);
        for (text, hidden) in [
            ("token abc\"d, again ab", "token *****, again *****"),
            (r#"{"token":"abc\"d"}"#, r#"{"token":"*****"}"#),
            (r#"{"token":"abc\"d\""}"#, r#"{"token":"*****\""}"#),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(values.hidden_in(text), hidden);
        }
        assert_eq!(Values::of(Vec::new()).hidden_in("as it is"), "as it is");
    }
}
