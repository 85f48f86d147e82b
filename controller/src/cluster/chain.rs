//! What an error and its causes say.

use std::fmt::Write;

/// An error and its causes on one line; a cause that the text before already contains is left out.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = say(error);
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = say(inner);
        if !text.contains(&said) {
            // Writing to a String cannot fail.
            let _ = write!(text, ": {said}");
        }
        cause = inner.source();
    }
    text.replace('\n', " ")
}

/// The text of one error. Where kube prints a whole answer as a Rust value, only what the API server says is kept.
fn say(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) if !status.message.is_empty() => status.message.clone(),
        Some(kube::Error::Api(status)) => format!("the API server answered {} {}", status.code, status.reason),
        _ => error.to_string(),
    }
}
