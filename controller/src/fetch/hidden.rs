//! What no text may show of a measurement (invariant 12).

use crate::sync::lock;
use serin_core::analysis::provider::{HIDDEN, Secret};
use serin_core::api::analysis_run::Measurement;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The shortest value that is hidden wherever it occurs, of those that a template has as its own text.
const SHORTEST: usize = 4;

/// Secrets that a measurement has come across.
#[derive(Default)]
pub(crate) struct Hidden(Mutex<Vec<Secret>>);

impl Hidden {
    /// With the values of the run's Secrets, of whatever length.
    pub(super) fn of(arguments: &[Secret]) -> Self {
        let known = arguments.iter().filter(|secret| !secret.is_empty()).cloned();
        Self(Mutex::new(known.collect()))
    }

    /// These are to be hidden, too: also the last word of each, because `Bearer x` is sent and `x` comes back.
    pub(super) fn add(&self, secrets: impl IntoIterator<Item = Secret>) {
        let mut known = lock(&self.0);
        for secret in secrets {
            let last = secret.expose().rsplit(' ').next().unwrap_or_default().to_owned();
            for value in [secret, Secret::new(last)] {
                if value.expose().len() >= SHORTEST && !known.contains(&value) {
                    known.push(value);
                }
            }
        }
        // The longest first: one may stand within another.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
    }

    /// A text without them.
    pub(crate) fn hide(&self, text: &str) -> String {
        let known = lock(&self.0);
        known
            .iter()
            .fold(text.to_owned(), |text, secret| secret.hidden_in(&text))
    }

    /// Whether a text has one of them.
    pub(super) fn is_in(&self, text: &str) -> bool {
        lock(&self.0).iter().any(|secret| secret.hidden_in(text) != text)
    }

    /// A measurement without them: message, value and metadata.
    pub(super) fn hide_in(&self, measurement: &mut Measurement) {
        measurement.message = self.hide(&measurement.message);
        measurement.value = self.hide(&measurement.value);
        self.hide_in_all(&mut measurement.metadata);
    }

    /// Texts without them.
    pub(super) fn hide_in_all(&self, texts: &mut BTreeMap<String, String>) {
        for text in texts.values_mut() {
            let shown = self.hide(text);
            debug_assert!(shown == *text || shown.contains(HIDDEN));
            *text = shown;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_their_last_words_are_hidden() {
        let hidden = Hidden::of(&[Secret::from("x"), Secret::default()]);
        hidden.add([Secret::from("Bearer token-1"), Secret::from("abc")]);
        assert_eq!(
            hidden.hide("Bearer token-1, token-1, abc, x"),
            "*****, *****, abc, *****"
        );
        assert!(hidden.is_in("https://host/?token=token-1") && !hidden.is_in("abc"));
        let mut measurement = Measurement {
            message: "a x".to_owned(),
            value: "[x]".to_owned(),
            metadata: BTreeMap::from([("k".to_owned(), "x".to_owned())]),
            ..Measurement::default()
        };
        hidden.hide_in(&mut measurement);
        assert_eq!(
            (measurement.message.as_str(), measurement.value.as_str()),
            ("a *****", "[*****]")
        );
        assert_eq!(measurement.metadata["k"], "*****");
    }
}
