//! Times as package `time` writes and reads them, with a layout like `2006-01-02 15:04:05`.

mod read;
mod write;

pub(crate) use read::{in_zone, parse};
pub(crate) use write::{format, month_name, text, weekday_name};

/// RFC 3339 as a layout.
pub(crate) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
/// The same with the part of a second.
pub(crate) const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// An element of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    LongMonth,
    ShortMonth,
    Month,
    ZeroMonth,
    LongWeekday,
    ShortWeekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperHalf,
    LowerHalf,
    Abbreviation,
    /// An offset such as `-07:00`; `Z` for UTC where it begins with `Z`.
    Offset(Offset),
    /// `.000`: so many digits.
    Fraction(usize),
    /// `.999`: up to so many digits, without zeros at the end.
    TrimmedFraction(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offset {
    has_z: bool,
    has_colons: bool,
    /// 1: hours, 2: minutes too, 3: seconds too.
    parts: usize,
}

/// Elements by how they are written; where one begins another, the longer stands first.
const ELEMENTS: [(&str, Element); 33] = [
    ("January", Element::LongMonth),
    ("Jan", Element::ShortMonth),
    ("Monday", Element::LongWeekday),
    ("Mon", Element::ShortWeekday),
    ("MST", Element::Abbreviation),
    ("002", Element::ZeroYearDay),
    ("01", Element::ZeroMonth),
    ("02", Element::ZeroDay),
    ("03", Element::ZeroHour12),
    ("04", Element::ZeroMinute),
    ("05", Element::ZeroSecond),
    ("06", Element::Year),
    ("15", Element::Hour),
    ("1", Element::Month),
    ("2006", Element::LongYear),
    ("2", Element::Day),
    ("__2", Element::UnderYearDay),
    ("_2", Element::UnderDay),
    ("3", Element::Hour12),
    ("4", Element::Minute),
    ("5", Element::Second),
    ("PM", Element::UpperHalf),
    ("pm", Element::LowerHalf),
    ("-070000", offset(false, false, 3)),
    ("-07:00:00", offset(false, true, 3)),
    ("-0700", offset(false, false, 2)),
    ("-07:00", offset(false, true, 2)),
    ("-07", offset(false, false, 1)),
    ("Z070000", offset(true, false, 3)),
    ("Z07:00:00", offset(true, true, 3)),
    ("Z0700", offset(true, false, 2)),
    ("Z07:00", offset(true, true, 2)),
    ("Z07", offset(true, false, 1)),
];

const fn offset(has_z: bool, has_colons: bool, parts: usize) -> Element {
    Element::Offset(Offset {
        has_z,
        has_colons,
        parts,
    })
}

/// A layout up to its first element, that element as written and as meant, and the rest.
struct Chunk<'l> {
    prefix: &'l str,
    written: &'l str,
    element: Option<Element>,
    rest: &'l str,
}

fn chunk(layout: &str) -> Chunk<'_> {
    for (at, _) in layout.char_indices() {
        let (prefix, here) = layout.split_at(at);
        if let Some((length, element)) = element_at(here) {
            let (written, rest) = here.split_at(length);
            return Chunk {
                prefix,
                written,
                element: Some(element),
                rest,
            };
        }
    }
    Chunk {
        prefix: layout,
        written: "",
        element: None,
        rest: "",
    }
}

/// The element at the beginning of a text, and how many bytes it has.
fn element_at(text: &str) -> Option<(usize, Element)> {
    // `_2006` is an underscore and a year.
    if text.starts_with("_2006") {
        return None;
    }
    if text.starts_with(['.', ',']) {
        let digits = text.get(1..).unwrap_or_default();
        let first = digits.chars().next().filter(|it| matches!(it, '0' | '9'))?;
        let rest = digits.trim_start_matches(first);
        if rest.starts_with(|it: char| it.is_ascii_digit()) {
            return None;
        }
        let count = digits.len() - rest.len();
        let element = if first == '0' {
            Element::Fraction(count)
        } else {
            Element::TrimmedFraction(count)
        };
        return Some((1 + count, element));
    }
    let (written, element) = ELEMENTS.into_iter().find(|(written, _)| text.starts_with(written))?;
    let is_short = matches!(element, Element::ShortMonth | Element::ShortWeekday);
    let after = text.get(written.len()..).unwrap_or_default();
    if is_short && after.starts_with(|it: char| it.is_ascii_lowercase()) {
        return None;
    }
    Some((written.len(), element))
}
