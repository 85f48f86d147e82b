//! Reading times.

use super::{DAYS, Element, MONTHS, Offset, chunk};
use crate::go::quote::quoted;
use crate::value::{Time, Zone};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset as UtcOffset;
use std::sync::Arc;

/// What is read so far.
#[derive(Default)]
struct Fields {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
    year_day: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    half: Option<Half>,
    is_utc: bool,
    offset: Option<i32>,
    abbreviation: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

/// Why an element cannot be read.
enum Wrong {
    /// It is no such thing.
    Bad,
    /// It is one, out of range: of what.
    Range(&'static str),
}

type Read<T> = Result<T, Wrong>;

/// A time from a text in a layout: in a zone if the text names none, and with the names of a zone's offsets known.
pub(crate) fn parse(layout: &str, text: &str, default: &Zone, local: &Zone) -> Result<Time, String> {
    let failed = |value: &str, element: &str| {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quoted(text),
            quoted(layout),
            quoted(value),
            quoted(element)
        )
    };
    let mut fields = Fields::default();
    let (mut rest, mut value) = (layout, text);
    loop {
        let next = chunk(rest);
        value = match skip(value, next.prefix) {
            Ok(value) => value,
            Err(value) => return Err(failed(value, next.prefix)),
        };
        let Some(element) = next.element else { break };
        rest = next.rest;
        let before = value;
        match fields.read(element, &mut value, rest) {
            Ok(()) => {}
            Err(Wrong::Bad) => return Err(failed(before, next.written)),
            Err(Wrong::Range(what)) => return Err(format!("parsing time {}: {what} out of range", quoted(text))),
        }
    }
    if !value.is_empty() {
        return Err(format!("parsing time {}: extra text: {}", quoted(text), quoted(value)));
    }
    let civil = fields
        .civil()
        .map_err(|what| format!("parsing time {}: {what}", quoted(text)))?;
    fields.place(civil, default, local)
}

/// The rest of a value behind what a layout has literally; any number of spaces is as good as one.
fn skip<'v>(value: &'v str, prefix: &str) -> Result<&'v str, &'v str> {
    let (mut value, mut prefix) = (value, prefix);
    while let Some(first) = prefix.chars().next() {
        if first == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            prefix = prefix.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(first).ok_or(value)?;
        prefix = prefix.get(first.len_utf8()..).unwrap_or_default();
    }
    Ok(value)
}

/// Takes so many bytes off a value.
fn take<'v>(value: &mut &'v str, length: usize) -> Read<&'v str> {
    let taken = value.get(..length).ok_or(Wrong::Bad)?;
    *value = value.get(length..).unwrap_or_default();
    Ok(taken)
}

fn digits(text: &str) -> Read<i32> {
    if text.is_empty() || !text.bytes().all(|it| it.is_ascii_digit()) {
        return Err(Wrong::Bad);
    }
    text.parse().map_err(|_| Wrong::Bad)
}

/// A number of one or two digits; of two if it is fixed.
fn number(value: &mut &str, is_fixed: bool) -> Read<i8> {
    let count = value.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if count == 0 || (is_fixed && count == 1) {
        return Err(Wrong::Bad);
    }
    i8::try_from(digits(take(value, count)?)?).map_err(|_| Wrong::Bad)
}

/// The number of a name, from 0, whatever its case.
fn lookup(value: &mut &str, names: &[&str], length: Option<usize>) -> Read<i8> {
    for (index, name) in (0..).zip(names) {
        let name = name.get(..length.unwrap_or(name.len())).unwrap_or(name);
        if value.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name)) {
            take(value, name.len())?;
            return Ok(index);
        }
    }
    Err(Wrong::Bad)
}

/// A part of a second, its point included.
fn nanoseconds(text: &str) -> Read<i32> {
    let (point, part) = text.split_at_checked(1).ok_or(Wrong::Bad)?;
    if !matches!(point, "." | ",") {
        return Err(Wrong::Bad);
    }
    digits(part.get(..part.len().min(9)).unwrap_or_default())?;
    let padded = format!("{part:0<9}");
    digits(padded.get(..9).unwrap_or_default())
}

fn within<T: PartialOrd + Copy>(number: T, least: T, most: T, what: &'static str) -> Read<T> {
    if number < least || number > most {
        return Err(Wrong::Range(what));
    }
    Ok(number)
}

impl Fields {
    fn read(&mut self, element: Element, value: &mut &str, rest: &str) -> Read<()> {
        match element {
            Element::Year => {
                let year = digits(take(value, 2)?)?;
                let year = if year >= 69 { year + 1900 } else { year + 2000 };
                self.year = i16::try_from(year).map_err(|_| Wrong::Bad)?;
            }
            Element::LongYear => self.year = i16::try_from(digits(take(value, 4)?)?).map_err(|_| Wrong::Bad)?,
            Element::ShortMonth => self.month = Some(lookup(value, &MONTHS, Some(3))? + 1),
            Element::LongMonth => self.month = Some(lookup(value, &MONTHS, None)? + 1),
            Element::Month | Element::ZeroMonth => {
                let month = number(value, element == Element::ZeroMonth)?;
                self.month = Some(within(month, 1, 12, "month")?);
            }
            Element::ShortWeekday => drop(lookup(value, &DAYS, Some(3))?),
            Element::LongWeekday => drop(lookup(value, &DAYS, None)?),
            Element::Day | Element::UnderDay | Element::ZeroDay => {
                if element == Element::UnderDay {
                    *value = value.strip_prefix(' ').unwrap_or(value);
                }
                self.day = Some(number(value, element == Element::ZeroDay)?);
            }
            Element::UnderYearDay | Element::ZeroYearDay => self.read_year_day(element, value)?,
            Element::Hour => self.hour = within(number(value, false)?, 0, 23, "hour")?,
            Element::Hour12 | Element::ZeroHour12 => {
                let hour = number(value, element == Element::ZeroHour12)?;
                self.hour = within(hour, 0, 12, "hour")?;
            }
            Element::Minute | Element::ZeroMinute => {
                let minute = number(value, element == Element::ZeroMinute)?;
                self.minute = within(minute, 0, 59, "minute")?;
            }
            Element::Second | Element::ZeroSecond => {
                let second = number(value, element == Element::ZeroSecond)?;
                self.second = within(second, 0, 59, "second")?;
                self.read_unannounced_fraction(value, rest)?;
            }
            Element::UpperHalf | Element::LowerHalf => {
                let (morning, afternoon) = if element == Element::UpperHalf {
                    ("AM", "PM")
                } else {
                    ("am", "pm")
                };
                self.half = Some(match take(value, 2)? {
                    it if it == morning => Half::Morning,
                    it if it == afternoon => Half::Afternoon,
                    _ => return Err(Wrong::Bad),
                });
            }
            Element::Offset(how) => self.read_offset(how, value)?,
            Element::Abbreviation => self.read_abbreviation(value)?,
            Element::Fraction(count) => self.nanosecond = nanoseconds(take(value, 1 + count)?)?,
            Element::TrimmedFraction(_) => self.read_fraction(value)?,
        }
        Ok(())
    }

    fn read_year_day(&mut self, element: Element, value: &mut &str) -> Read<()> {
        let is_fixed = element == Element::ZeroYearDay;
        if !is_fixed {
            for _ in 0..2 {
                *value = value.strip_prefix(' ').unwrap_or(value);
            }
        }
        let count = value.bytes().take(3).take_while(u8::is_ascii_digit).count();
        if count == 0 || (is_fixed && count < 3) {
            return Err(Wrong::Bad);
        }
        self.year_day = i16::try_from(digits(take(value, count)?)?).ok();
        Ok(())
    }

    /// A part of a second that the text has and the layout has not.
    fn read_unannounced_fraction(&mut self, value: &mut &str, rest: &str) -> Read<()> {
        let next = chunk(rest).element;
        if matches!(next, Some(Element::Fraction(_) | Element::TrimmedFraction(_))) {
            return Ok(());
        }
        self.read_fraction(value)
    }

    fn read_fraction(&mut self, value: &mut &str) -> Read<()> {
        let is_point = value.starts_with(['.', ',']);
        let count = value.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        if is_point && count > 0 {
            self.nanosecond = nanoseconds(take(value, 1 + count)?)?;
        }
        Ok(())
    }

    fn read_offset(&mut self, how: Offset, value: &mut &str) -> Read<()> {
        if how.has_z && value.starts_with('Z') {
            take(value, 1)?;
            self.is_utc = true;
            return Ok(());
        }
        let between = usize::from(how.has_colons);
        let length = 3 + (how.parts - 1) * (2 + between);
        let written = take(value, length)?;
        let (sign, parts) = written.split_at_checked(1).ok_or(Wrong::Bad)?;
        let mut numbers = [0; 3];
        for (index, number) in numbers.iter_mut().enumerate().take(how.parts) {
            let at = index * (2 + between);
            if index > 0 && how.has_colons && parts.get(at - 1..at) != Some(":") {
                return Err(Wrong::Bad);
            }
            *number = digits(parts.get(at..at + 2).ok_or(Wrong::Bad)?)?;
        }
        let [hours, minutes, seconds] = numbers;
        within(hours, 0, 24, "time zone offset hour")?;
        within(minutes, 0, 60, "time zone offset minute")?;
        within(seconds, 0, 60, "time zone offset second")?;
        let offset = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(match sign {
            "+" => offset,
            "-" => -offset,
            _ => return Err(Wrong::Bad),
        });
        Ok(())
    }

    fn read_abbreviation(&mut self, value: &mut &str) -> Read<()> {
        if value.starts_with("UTC") {
            take(value, 3)?;
            self.is_utc = true;
            return Ok(());
        }
        let length = abbreviation(value).ok_or(Wrong::Bad)?;
        self.abbreviation = Some(take(value, length)?.to_owned());
        Ok(())
    }

    fn civil(&self) -> Result<DateTime, String> {
        let hour = match self.half {
            Some(Half::Afternoon) if self.hour < 12 => self.hour + 12,
            Some(Half::Morning) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let date = match self.year_day {
            Some(day) => self.date_of_year_day(day)?,
            None => {
                Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).map_err(|_| "day out of range")?
            }
        };
        date.at(0, 0, 0, 0)
            .with()
            .hour(hour)
            .minute(self.minute)
            .second(self.second)
            .subsec_nanosecond(self.nanosecond)
            .build()
            .map_err(|_| "hour out of range".to_owned())
    }

    fn date_of_year_day(&self, day: i16) -> Result<Date, String> {
        let first = Date::new(self.year, 1, 1).map_err(|_| "year out of range")?;
        if day < 1 || day > first.days_in_year() {
            return Err("day-of-year out of range".to_owned());
        }
        let date = first.with().day_of_year(day).build();
        let date = date.map_err(|_| "day-of-year out of range")?;
        if self.month.is_some_and(|it| it != date.month()) {
            return Err("day-of-year does not match month".to_owned());
        }
        if self.day.is_some_and(|it| it != date.day()) {
            return Err("day-of-year does not match day".to_owned());
        }
        Ok(date)
    }

    /// The instant of a date and a time of day.
    fn place(&self, civil: DateTime, default: &Zone, local: &Zone) -> Result<Time, String> {
        let as_utc = UtcOffset::UTC.to_timestamp(civil).map_err(|_| "time out of range")?;
        let shifted = |seconds: i32| {
            let by = jiff::SignedDuration::from_secs(i64::from(seconds));
            as_utc.checked_sub(by).map_err(|_| "time out of range".to_owned())
        };
        if self.is_utc {
            let zone = Zone::Utc;
            return Ok(Time { at: as_utc, zone });
        }
        if let Some(offset) = self.offset {
            let at = shifted(offset)?;
            let (here, name) = local.offset_at(at);
            let is_local = here == offset && self.abbreviation.as_ref().is_none_or(|it| *it == name);
            let zone = if is_local {
                local.clone()
            } else {
                Zone::Fixed(Arc::from(self.abbreviation.as_deref().unwrap_or_default()), offset)
            };
            return Ok(Time { at, zone });
        }
        if let Some(name) = &self.abbreviation {
            if let Some(offset) = offset_of(local, name, as_utc) {
                let at = shifted(offset)?;
                return Ok(Time {
                    at,
                    zone: local.clone(),
                });
            }
            let hours: i32 = name
                .strip_prefix("GMT")
                .and_then(|it| it.parse().ok())
                .unwrap_or_default();
            let zone = Zone::Fixed(Arc::from(name.as_str()), hours * 3600);
            return Ok(Time { at: as_utc, zone });
        }
        placed(as_utc, default)
    }
}

/// The instant at which clocks in a zone show a date and time. Where they show it never or twice, the offset is that of one
/// side, as in Go.
pub(crate) fn in_zone(civil: DateTime, zone: &Zone) -> Result<Time, String> {
    let as_utc = UtcOffset::UTC.to_timestamp(civil).map_err(|_| "time out of range")?;
    placed(as_utc, zone)
}

fn placed(as_utc: Timestamp, zone: &Zone) -> Result<Time, String> {
    let minus = |offset: i32| {
        let by = jiff::SignedDuration::from_secs(i64::from(offset));
        as_utc.checked_sub(by).map_err(|_| "time out of range".to_owned())
    };
    let (guess, _) = zone.offset_at(as_utc);
    let (offset, _) = zone.offset_at(minus(guess)?);
    let at = minus(offset)?;
    let zone = zone.clone();
    Ok(Time { at, zone })
}

/// The offset that an abbreviation means in a zone, if the zone has it.
fn offset_of(zone: &Zone, name: &str, near: Timestamp) -> Option<i32> {
    let half_year = jiff::SignedDuration::from_hours(24 * 182);
    let others = [near.checked_sub(half_year).ok(), near.checked_add(half_year).ok()];
    let instants = std::iter::once(near).chain(others.into_iter().flatten());
    instants
        .map(|it| zone.offset_at(it))
        .find(|it| it.1 == name)
        .map(|it| it.0)
}

/// How long the abbreviation of a zone at the beginning of a text is.
fn abbreviation(text: &str) -> Option<usize> {
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix("GMT") {
        return Some(3 + signed_offset(rest).unwrap_or_default());
    }
    if text.starts_with(['+', '-']) {
        return signed_offset(text);
    }
    let letters = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    match letters {
        3 => Some(3),
        4 if text.as_bytes().get(3) == Some(&b'T') || text.starts_with("WITA") => Some(4),
        5 if text.as_bytes().get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

/// The length of an offset like `+3`, of less than 24 hours.
fn signed_offset(text: &str) -> Option<usize> {
    let number = text.strip_prefix(['+', '-'])?;
    let count = number.bytes().take_while(u8::is_ascii_digit).count();
    let hours: u32 = number.get(..count)?.parse().ok()?;
    (hours < 24).then_some(1 + count)
}
