//! Secrets: values that are never printed (invariant 12), and where providers find theirs.

use std::collections::BTreeMap;
use std::fmt;

/// A value that no text shows. It prints as `*****`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret(String);

/// What stands in texts for a secret (contract 06 §4).
pub const HIDDEN: &str = "*****";

impl Secret {
    /// A secret.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, to be sent and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A text without this secret, however it is written in it: plain, escaped for JSON, or encoded for a URL.
    #[must_use]
    pub fn hidden_in(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let mut json = String::new();
        crate::notation::go_value::quote(&self.0, &mut json);
        let in_form: String = form_urlencoded::byte_serialize(self.0.as_bytes()).collect();
        let in_url = in_form.replace('+', "%20");
        let mut forms = [self.0.as_str(), &json[1..json.len() - 1], &in_form, &in_url];
        // The longest first: one form may stand within another.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms
            .into_iter()
            .fold(text.to_owned(), |text, form| text.replace(form, HIDDEN))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

/// In which namespace a provider's Secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The controller's.
    Controller,
    /// The run's.
    Run,
}

/// A Secret that a provider reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName {
    /// Namespace.
    pub place: Place,
    /// Name.
    pub name: String,
}

impl SecretName {
    /// A Secret in the controller's namespace.
    pub(super) fn of_controller(name: &str) -> Self {
        Self {
            place: Place::Controller,
            name: name.to_owned(),
        }
    }
}

/// The keys of a Secret.
pub type Keys = BTreeMap<String, Secret>;

/// Secrets that were read, by name; for one that could not be read, why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets(pub BTreeMap<SecretName, Result<Keys, String>>);

impl Secrets {
    /// The keys of a Secret.
    ///
    /// # Errors
    /// Why it could not be read.
    pub(super) fn keys(&self, name: &SecretName) -> Result<&Keys, String> {
        match self.0.get(name) {
            Some(Ok(keys)) => Ok(keys),
            Some(Err(error)) => Err(error.clone()),
            None => Err(format!("secrets \"{}\" not found", name.name)),
        }
    }

    /// The values of all keys.
    pub fn values(&self) -> impl Iterator<Item = &Secret> {
        self.0.values().flatten().flat_map(BTreeMap::values)
    }
}

/// The value of a key; empty where there is none.
pub(super) fn key(keys: &Keys, name: &str) -> Secret {
    keys.get(name).cloned().unwrap_or_default()
}
