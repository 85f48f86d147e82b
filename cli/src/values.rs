//! Values of flags, with the errors of Go's readers (contract 10 §9).

use crate::duration;
use jiff::SignedDuration;
use std::num::IntErrorKind;

/// `strconv.ParseBool`.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

/// `strconv.ParseInt`.
pub(crate) fn integer(text: &str) -> Result<i64, String> {
    text.parse().map_err(|error: std::num::ParseIntError| {
        let problem = match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("strconv.ParseInt: parsing {text:?}: {problem}")
    })
}

/// `time.ParseDuration`.
pub(crate) fn duration(text: &str) -> Result<SignedDuration, String> {
    duration::parse_go(text)
}
