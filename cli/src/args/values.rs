//! Values of flags, with the errors of Go's readers (contract 10 §9).

use crate::duration;
use crate::show::failure::Failure;
use jiff::SignedDuration;
use std::num::IntErrorKind;

/// `strconv.ParseBool`.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

/// `strconv.ParseInt`.
pub(super) fn integer(text: &str) -> Result<i64, String> {
    text.parse().map_err(|error: std::num::ParseIntError| {
        let problem = match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("strconv.ParseInt: parsing {text:?}: {problem}")
    })
}

/// `time.ParseDuration`.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    duration::parse_go(text)
}

/// Log levels are those of logrus.
pub(super) fn check_log_level(level: Option<&str>) -> Result<(), Failure> {
    const LEVELS: [&str; 8] = ["panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"];
    match level {
        Some(level) if !LEVELS.contains(&level.to_lowercase().as_str()) => {
            Err(Failure::message(format!("not a valid logrus Level: {level:?}")))
        }
        Some(_) | None => Ok(()),
    }
}
