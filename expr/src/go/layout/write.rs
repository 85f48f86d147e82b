//! Writing times.

use super::{DAYS, Element, MONTHS, Offset, chunk};
use crate::value::Time;
use std::fmt::Write as _;

/// A time as `%v` writes it: `2023-08-13 23:00:00 +0000 UTC`.
pub(crate) fn text(time: &Time) -> String {
    format(time, "2006-01-02 15:04:05.999999999 -0700 MST")
}

/// The name of a month, from 1.
pub(crate) fn month_name(month: i64) -> String {
    let name = usize::try_from(month - 1).ok().and_then(|it| MONTHS.get(it));
    name.map_or_else(|| format!("%!Month({month})"), |it| (*it).to_owned())
}

/// The name of a day of the week, from 0, which is Sunday.
pub(crate) fn weekday_name(day: i64) -> String {
    let name = usize::try_from(day).ok().and_then(|it| DAYS.get(it));
    name.map_or_else(|| format!("%!Weekday({day})"), |it| (*it).to_owned())
}

/// A time in a layout.
pub(crate) fn format(time: &Time, layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    loop {
        let next = chunk(rest);
        out.push_str(next.prefix);
        let Some(element) = next.element else { return out };
        // Writing to a string does not fail.
        let _ = write(&mut out, time, element);
        rest = next.rest;
    }
}

fn write(out: &mut String, time: &Time, element: Element) -> std::fmt::Result {
    let civil = time.civil();
    let (date, clock) = (civil.date(), civil.time());
    let half = if clock.hour() >= 12 { "PM" } else { "AM" };
    let hour12 = (clock.hour() + 11) % 12 + 1;
    let month = month_name(i64::from(date.month()));
    let weekday = weekday_name(i64::from(date.weekday().to_sunday_zero_offset()));
    let (offset, abbreviation) = time.zone.offset_at(time.at);
    match element {
        Element::LongMonth => out.write_str(&month),
        Element::ShortMonth => out.write_str(month.get(..3).unwrap_or_default()),
        Element::Month => write!(out, "{}", date.month()),
        Element::ZeroMonth => write!(out, "{:02}", date.month()),
        Element::LongWeekday => out.write_str(&weekday),
        Element::ShortWeekday => out.write_str(weekday.get(..3).unwrap_or_default()),
        Element::Day => write!(out, "{}", date.day()),
        Element::UnderDay => write!(out, "{:2}", date.day()),
        Element::ZeroDay => write!(out, "{:02}", date.day()),
        Element::UnderYearDay => write!(out, "{:3}", date.day_of_year()),
        Element::ZeroYearDay => write!(out, "{:03}", date.day_of_year()),
        Element::Hour => write!(out, "{:02}", clock.hour()),
        Element::Hour12 => write!(out, "{hour12}"),
        Element::ZeroHour12 => write!(out, "{hour12:02}"),
        Element::Minute => write!(out, "{}", clock.minute()),
        Element::ZeroMinute => write!(out, "{:02}", clock.minute()),
        Element::Second => write!(out, "{}", clock.second()),
        Element::ZeroSecond => write!(out, "{:02}", clock.second()),
        Element::LongYear if date.year() < 0 => write!(out, "-{:04}", date.year().unsigned_abs()),
        Element::LongYear => write!(out, "{:04}", date.year()),
        Element::Year => write!(out, "{:02}", date.year().rem_euclid(100)),
        Element::UpperHalf => out.write_str(half),
        Element::LowerHalf => out.write_str(&half.to_lowercase()),
        Element::Abbreviation if abbreviation.is_empty() => {
            let (has_z, has_colons, parts) = (false, false, 2);
            write_offset(
                out,
                offset,
                Offset {
                    has_z,
                    has_colons,
                    parts,
                },
            )
        }
        Element::Abbreviation => out.write_str(&abbreviation),
        Element::Offset(how) => write_offset(out, offset, how),
        Element::Fraction(digits) => {
            let nanoseconds = format!("{:09}", clock.subsec_nanosecond());
            write!(
                out,
                ".{:0<digits$}",
                nanoseconds.get(..digits.min(9)).unwrap_or_default()
            )
        }
        Element::TrimmedFraction(digits) => {
            let nanoseconds = format!("{:09}", clock.subsec_nanosecond());
            let kept = nanoseconds
                .get(..digits.min(9))
                .unwrap_or_default()
                .trim_end_matches('0');
            if kept.is_empty() {
                Ok(())
            } else {
                write!(out, ".{kept}")
            }
        }
    }
}

fn write_offset(out: &mut String, offset: i32, how: Offset) -> std::fmt::Result {
    if how.has_z && offset == 0 {
        return out.write_char('Z');
    }
    let sign = if offset < 0 { '-' } else { '+' };
    let seconds = offset.unsigned_abs();
    let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    let between = if how.has_colons { ":" } else { "" };
    let written: Vec<String> = parts.iter().take(how.parts).map(|it| format!("{it:02}")).collect();
    write!(out, "{sign}{}", written.join(between))
}
