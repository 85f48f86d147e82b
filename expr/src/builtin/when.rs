//! Times, durations and zones.

use super::Builtin;
use super::call::as_text;
use crate::go::{duration, layout};
use crate::run::wrong_type;
use crate::value::{Time, Value, Zone};
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use std::sync::Arc;

/// The layouts that `date` tries if it is given none.
const LAYOUTS: [&str; 7] = [
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    layout::RFC3339,
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
];

pub(super) fn call(which: Builtin, arguments: &[Value], now: Timestamp) -> Result<Value, String> {
    let nil = Value::Nil;
    let first = arguments.first().unwrap_or(&nil);
    match which {
        Builtin::Now => {
            let zone = match arguments {
                [] => Zone::Local,
                [Value::Location(zone)] => Zone::clone(zone),
                _ => {
                    return Err(format!(
                        "invalid number of arguments (expected 0, got {})",
                        arguments.len()
                    ));
                }
            };
            Ok(Value::Time(Arc::new(Time { at: now, zone })))
        }
        Builtin::Duration => duration::parse(as_text(first)?).map(Value::Duration),
        Builtin::Timezone => Ok(Value::Location(Arc::new(zone(as_text(first)?)?))),
        _ => date(arguments).map(|it| Value::Time(Arc::new(it))),
    }
}

/// A zone by its name in the tz database.
fn zone(name: &str) -> Result<Zone, String> {
    match name {
        "" | "UTC" => return Ok(Zone::Utc),
        "Local" => return Ok(Zone::Local),
        _ => {}
    }
    if name.contains("..") || name.starts_with(['/', '\\']) {
        return Err("time: invalid location name".to_owned());
    }
    // The crate finds names whatever their case; Go, as files.
    let found = TimeZoneDatabase::bundled().get(name).ok();
    let found = found.filter(|it| it.iana_name() == Some(name));
    found
        .map(Zone::Named)
        .ok_or_else(|| format!("unknown time zone {name}"))
}

fn date(arguments: &[Value]) -> Result<Time, String> {
    let (given, rest) = match arguments {
        [Value::Location(zone), rest @ ..] => (Some(&**zone), rest),
        rest => (None, rest),
    };
    let missing = || "runtime error: index out of range [0] with length 0".to_owned();
    let text = as_text(rest.first().ok_or_else(missing)?)?;
    let read = |layout: &str| match given {
        Some(zone) => layout::parse(layout, text, zone, zone),
        None => layout::parse(layout, text, &Zone::Utc, &Zone::Local),
    };
    match rest {
        [_, layout] => read(as_text(layout)?),
        [_, layout, name] => {
            let layout = as_text(layout)?;
            let Value::String(name) = name else {
                return Err(wrong_type(name, "string"));
            };
            let zone = zone(name)?;
            layout::parse(layout, text, &zone, &zone)
        }
        _ => {
            let mut read = LAYOUTS.into_iter().map(read);
            read.find_map(Result::ok).ok_or_else(|| format!("invalid date {text}"))
        }
    }
}
