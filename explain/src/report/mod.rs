//! An explanation as text, Markdown, JSON or one line.

mod line;
mod markdown;
mod text;

pub use line::line;
pub use markdown::markdown;
pub use text::{Look, text};

use crate::explanation::Explanations;

/// The JSON of `-o json`: pretty-printed, with a newline.
///
/// # Errors
/// None in practice: everything is data with text keys.
pub fn json(explanations: &Explanations) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(explanations).map(|text| text + "\n")
}

/// Text for one line of Markdown or of a terminal: no control characters, no line breaks.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
