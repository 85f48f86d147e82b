//! `os.time` and `os.date` as Argo CD's cut-down `os` has them (contract 13 §1.1), from a time that the caller gives.
//! The local time is UTC, as in Argo CD's images.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use mlua::{Lua, Table, Value};

/// The table that `require("os")` gives.
pub(super) fn library(lua: &Lua, now: Timestamp) -> mlua::Result<Table> {
    let os = lua.create_table()?;
    os.raw_set(
        "time",
        lua.create_function(move |_, table: Option<Table>| match table {
            None => Ok(now.as_second()),
            Some(table) => seconds(&table),
        })?,
    )?;
    os.raw_set(
        "date",
        lua.create_function(move |lua, (format, at): (Option<String>, Option<f64>)| date(lua, now, format, at))?,
    )?;
    Ok(os)
}

/// Seconds since 1970 of a table of year, month, day, hour, min and sec. Values beyond their range run over into the
/// next field, as in Go.
fn seconds(table: &Table) -> mlua::Result<i64> {
    let field = |name: &str, default: i64| -> mlua::Result<i64> {
        Ok(match table.raw_get::<Value>(name)? {
            Value::Integer(integer) => integer,
            #[expect(clippy::cast_possible_truncation, reason = "fractions are cut off, as in Go")]
            Value::Number(number) => number as i64,
            _ => default,
        })
    };
    let months = field("year", -1)?
        .saturating_mul(12)
        .saturating_add(field("month", -1)?.saturating_sub(1));
    let days = days_before(months.div_euclid(12), months.rem_euclid(12) + 1)
        .saturating_add(field("day", -1)?)
        .saturating_sub(1);
    Ok(days
        .saturating_mul(86_400)
        .saturating_add(field("hour", 12)?.saturating_mul(3600))
        .saturating_add(field("min", 0)?.saturating_mul(60))
        .saturating_add(field("sec", 0)?))
}

/// Days from 1970-01-01 to the first of a month (1 to 12) of the Gregorian calendar.
fn days_before(year: i64, month: i64) -> i64 {
    // Years from March on, so that the leap day is the last one.
    let year = if month > 2 { year } else { year.saturating_sub(1) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    era.saturating_mul(146_097).saturating_add(day_of_era - 719_468)
}

fn date(lua: &Lua, now: Timestamp, format: Option<String>, at: Option<f64>) -> mlua::Result<Value> {
    let format = format.unwrap_or_else(|| "%c".to_owned());
    let format = format.trim_start_matches('!');
    let at = match at {
        #[expect(clippy::cast_possible_truncation, reason = "fractions are cut off, as in Go")]
        Some(second) => Timestamp::from_second(second as i64).map_err(mlua::Error::external)?,
        None => now,
    };
    let civil = TimeZone::UTC.to_datetime(at);
    if format.starts_with("*t") {
        return Ok(Value::Table(parts(lua, civil)?));
    }
    Ok(Value::String(lua.create_string(strftime(civil, format))?))
}

fn parts(lua: &Lua, civil: DateTime) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("year", civil.year())?;
    table.raw_set("month", civil.month())?;
    table.raw_set("day", civil.day())?;
    table.raw_set("hour", civil.hour())?;
    table.raw_set("min", civil.minute())?;
    table.raw_set("sec", civil.second())?;
    table.raw_set("wday", civil.weekday().to_sunday_one_offset())?;
    table.raw_set("yday", 0)?;
    table.raw_set("isdst", false)?;
    Ok(table)
}

fn strftime(civil: DateTime, format: &str) -> String {
    let mut text = String::with_capacity(format.len());
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            None => text.push('%'),
            Some('%') => text.push('%'),
            Some(flag) => match field(civil, flag) {
                Some(field) => text.push_str(&field),
                None => text.extend(['%', flag]),
            },
        }
    }
    text
}

/// One field of a date, with Argo CD's oddities: `%a` is always `mon`, `%x` is a time with slashes.
fn field(civil: DateTime, flag: char) -> Option<String> {
    let twelve = (civil.hour() + 11) % 12 + 1;
    let month = civil.strftime("%B").to_string();
    Some(match flag {
        'a' => "mon".to_owned(),
        'A' => civil.strftime("%A").to_string(),
        'b' => civil.strftime("%b").to_string(),
        'B' => month,
        'c' => format!("{} UTC", civil.strftime("%d %b %y %H:%M")),
        'd' => format!("{:02}", civil.day()),
        'F' => civil.strftime("%Y-%m-%d").to_string(),
        'H' => format!("{:02}", civil.hour()),
        'I' => format!("{twelve:02}"),
        'm' => format!("{:02}", civil.month()),
        'M' => format!("{:02}", civil.minute()),
        'p' => if civil.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        'P' => if civil.hour() < 12 { "am" } else { "pm" }.to_owned(),
        'S' => format!("{:02}", civil.second()),
        'x' => civil.strftime("%H/%M/%S").to_string(),
        'X' => civil.strftime("%H:%M:%S").to_string(),
        'y' => format!("{:02}", civil.year().rem_euclid(100)),
        'Y' => format!("{:04}", civil.year()),
        'z' => "+0000".to_owned(),
        'Z' => "UTC".to_owned(),
        'w' => civil.weekday().to_sunday_zero_offset().to_string(),
        _ => return None,
    })
}
