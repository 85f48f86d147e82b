//! YAML in and out, as kubectl reads and writes it: YAML 1.1 scalars, JSON values.

use serde_json::Value;

/// Why a text is not YAML, or a value cannot be written as YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// A value that YAML has no form for.
    #[error("{0}")]
    Write(String),
}

/// A JSON value as YAML text. Scalars that some YAML reader would take for something else are quoted.
///
/// # Errors
/// [`YamlError::Write`]; no JSON value is known that cannot be written.
pub fn to_string(value: &Value) -> Result<String, YamlError> {
    // Long lines stay lines: a folded text is hard to compare and to search.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| YamlError::Write(error.to_string()))
}
