//! Methods of times, durations, months, weekdays and zones.

use super::{Function, Integer, Signature, Time, Type, Value, Zone};
use crate::go::{duration, format, layout};
use crate::run::wrong_type;
use jiff::Timestamp;
use std::sync::Arc;

/// What a method does with its receiver and its arguments.
type Do = fn(&Value, &[Value]) -> Result<Value, String>;

struct Method {
    name: &'static str,
    parameters: Vec<Type>,
    results: Vec<Type>,
    run: Do,
}

fn method(name: &'static str, parameters: &[Type], results: &[Type], run: Do) -> Method {
    Method {
        name,
        parameters: parameters.to_vec(),
        results: results.to_vec(),
        run,
    }
}

/// The signature of a method of a type, without the receiver.
pub(crate) fn signature(of: &Type, name: &str) -> Option<Arc<Signature>> {
    let found = find(of, name)?;
    Some(Arc::new(Signature {
        parameters: found.parameters,
        is_variadic: false,
        results: found.results,
    }))
}

/// A method of a value, bound to it.
pub(crate) fn bind(value: &Value, name: &str) -> Option<Value> {
    let of = match value {
        Value::Time(_) => Type::Time,
        Value::Duration(_) => Type::Duration,
        Value::Month(_) => Type::Month,
        Value::Weekday(_) => Type::Weekday,
        Value::StatusCode(_) => Type::StatusCode,
        Value::Location(_) => Type::Pointer(Arc::new(Type::Location)),
        _ => return None,
    };
    let found = find(&of, name)?;
    let (receiver, run) = (value.clone(), found.run);
    Some(Value::Function(Arc::new(Function {
        signature: Arc::new(Signature {
            parameters: found.parameters,
            is_variadic: false,
            results: found.results,
        }),
        call: Arc::new(move |arguments| run(&receiver, arguments)),
    })))
}

fn find(of: &Type, name: &str) -> Option<Method> {
    let methods = match of {
        Type::Time => time(),
        Type::Duration => durations(),
        Type::Month | Type::Weekday => vec![method("String", &[], &[Type::String], |it, _| {
            Ok(Value::string(&format::text(it)))
        })],
        Type::StatusCode => vec![method("Values", &[], &[Type::slice(Type::StatusCode)], |_, _| {
            let codes = ["Complete", "InternalError", "PartialData", "Forbidden"];
            let codes = codes.map(|it| Value::StatusCode(Arc::from(it)));
            Ok(Value::list(Type::StatusCode, codes.to_vec()))
        })],
        Type::Pointer(to) if **to == Type::Location => vec![method("String", &[], &[Type::String], |it, _| {
            Ok(Value::string(&format::text(it)))
        })],
        _ => return None,
    };
    methods.into_iter().find(|it| it.name == name)
}

fn of_time(value: &Value) -> Result<&Time, String> {
    match value {
        Value::Time(time) => Ok(time),
        other => Err(wrong_type(other, "time.Time")),
    }
}

fn of_duration(value: &Value) -> Result<i64, String> {
    match value {
        Value::Duration(nanoseconds) => Ok(*nanoseconds),
        other => Err(wrong_type(other, "time.Duration")),
    }
}

fn first(arguments: &[Value]) -> &Value {
    arguments.first().unwrap_or(&Value::Nil)
}

fn whole(argument: Option<&Value>) -> Result<i64, String> {
    match argument.unwrap_or(&Value::Nil) {
        Value::Integer(Integer { bits, .. }) => Ok(*bits),
        other => Err(wrong_type(other, "int")),
    }
}

/// A method that gives a number of a time.
macro_rules! number {
    ($name:literal, $of:expr) => {
        method($name, &[], &[Type::INT], |it, _| {
            let of: fn(&Time) -> i64 = $of;
            Ok(Value::int(of(of_time(it)?)))
        })
    };
}

/// A method that gives the seconds, or parts of them, since 1970.
macro_rules! since_epoch {
    ($name:literal, $of:expr) => {
        method($name, &[], &[INT64], |it, _| {
            let of: fn(Timestamp) -> i64 = $of;
            Ok(Value::int64(of(of_time(it)?.at)))
        })
    };
}

const INT64: Type = Type::Integer(super::IntegerKind::Int64);

fn time() -> Vec<Method> {
    let location = || Type::Pointer(Arc::new(Type::Location));
    let mut methods = vec![
        number!("Year", |it| i64::from(it.civil().year())),
        number!("Day", |it| i64::from(it.civil().day())),
        number!("YearDay", |it| i64::from(it.civil().day_of_year())),
        number!("Hour", |it| i64::from(it.civil().hour())),
        number!("Minute", |it| i64::from(it.civil().minute())),
        number!("Second", |it| i64::from(it.civil().second())),
        number!("Nanosecond", |it| i64::from(it.civil().subsec_nanosecond())),
        number!("ISOWeek", |it| i64::from(it.civil().date().iso_week_date().year())),
        since_epoch!("Unix", Timestamp::as_second),
        since_epoch!("UnixMilli", Timestamp::as_millisecond),
        since_epoch!("UnixMicro", Timestamp::as_microsecond),
        since_epoch!("UnixNano", |it| {
            #[expect(clippy::cast_possible_truncation, reason = "Go wraps around")]
            let nanoseconds = it.as_nanosecond() as i64;
            nanoseconds
        }),
        method("Month", &[], &[Type::Month], |it, _| {
            Ok(Value::Month(i64::from(of_time(it)?.civil().month())))
        }),
        method("Weekday", &[], &[Type::Weekday], |it, _| {
            let day = of_time(it)?.civil().weekday().to_sunday_zero_offset();
            Ok(Value::Weekday(i64::from(day)))
        }),
        method("String", &[], &[Type::String], |it, _| {
            Ok(Value::string(&format::text(it)))
        }),
        method(
            "Format",
            &[Type::String],
            &[Type::String],
            |it, arguments| match first(arguments) {
                Value::String(layout) => Ok(Value::string(&layout::format(of_time(it)?, layout))),
                other => Err(wrong_type(other, "string")),
            },
        ),
        method("Location", &[], &[location()], |it, _| {
            Ok(Value::Location(Arc::new(of_time(it)?.zone.clone())))
        }),
        method("In", &[location()], &[Type::Time], |it, arguments| {
            match first(arguments) {
                Value::Location(zone) => in_zone(it, Zone::clone(zone)),
                _ => Err("time: missing Location in call to Time.In".to_owned()),
            }
        }),
        method("UTC", &[], &[Type::Time], |it, _| in_zone(it, Zone::Utc)),
        method("Local", &[], &[Type::Time], |it, _| in_zone(it, Zone::Local)),
        method("IsZero", &[], &[Type::Bool], |it, _| {
            Ok(Value::Bool(
                layout::text(of_time(it)?) == "0001-01-01 00:00:00 +0000 UTC",
            ))
        }),
        // Three results: the checker refuses them.
        method("Clock", &[], &[Type::INT, Type::INT, Type::INT], |_, _| Ok(Value::Nil)),
        method("Date", &[], &[Type::INT, Type::Month, Type::INT], |_, _| Ok(Value::Nil)),
        method("Compare", &[Type::Time], &[Type::INT], |it, arguments| {
            let order = of_time(it)?.at.cmp(&of_time(first(arguments))?.at);
            Ok(Value::int(order as i64))
        }),
    ];
    methods.extend(arithmetic());
    methods
}

fn in_zone(time: &Value, zone: Zone) -> Result<Value, String> {
    let at = of_time(time)?.at;
    Ok(Value::Time(Arc::new(Time { at, zone })))
}

fn arithmetic() -> Vec<Method> {
    let relation = |name, run| method(name, &[Type::Time], &[Type::Bool], run);
    vec![
        method("Add", &[Type::Duration], &[Type::Time], |it, arguments| {
            crate::run::later(of_time(it)?, of_duration(first(arguments))?)
        }),
        method("Sub", &[Type::Time], &[Type::Duration], |it, arguments| {
            let nanoseconds = crate::run::between(of_time(it)?, of_time(first(arguments))?);
            Ok(Value::Duration(nanoseconds))
        }),
        relation("After", |it, arguments| {
            Ok(Value::Bool(of_time(it)?.at > of_time(first(arguments))?.at))
        }),
        relation("Before", |it, arguments| {
            Ok(Value::Bool(of_time(it)?.at < of_time(first(arguments))?.at))
        }),
        relation("Equal", |it, arguments| {
            Ok(Value::Bool(of_time(it)?.at == of_time(first(arguments))?.at))
        }),
        method("Truncate", &[Type::Duration], &[Type::Time], |it, arguments| {
            rounded(it, of_duration(first(arguments))?, false)
        }),
        method("Round", &[Type::Duration], &[Type::Time], |it, arguments| {
            rounded(it, of_duration(first(arguments))?, true)
        }),
        method(
            "AddDate",
            &[Type::INT, Type::INT, Type::INT],
            &[Type::Time],
            |it, arguments| {
                let by = |index: usize| whole(arguments.get(index));
                add_date(of_time(it)?, by(0)?, by(1)?, by(2)?)
            },
        ),
    ]
}

/// A time down to a multiple of a duration since the first year, or to the nearest.
fn rounded(time: &Value, to: i64, is_nearest: bool) -> Result<Value, String> {
    /// Seconds from the first year to 1970.
    const BEFORE_1970: i128 = 62_135_596_800;
    let time = of_time(time)?;
    if to <= 0 {
        return in_zone(&Value::Time(Arc::new(time.clone())), time.zone.clone());
    }
    let since = time.at.as_nanosecond() + BEFORE_1970 * 1_000_000_000;
    let to = i128::from(to);
    let over = since.rem_euclid(to);
    let by = if is_nearest && over + over >= to {
        to - over
    } else {
        -over
    };
    crate::run::later(time, i64::try_from(by).unwrap_or_default())
}

/// Years, months and days later; a day beyond the end of a month is in the next.
fn add_date(time: &Time, years: i64, months: i64, days: i64) -> Result<Value, String> {
    let far = || "time out of range".to_owned();
    let civil = time.civil();
    let months = i64::from(civil.month() - 1).checked_add(months).ok_or_else(far)?;
    let year = i64::from(civil.year())
        .checked_add(years)
        .and_then(|it| it.checked_add(months.div_euclid(12)))
        .ok_or_else(far)?;
    let month = i8::try_from(months.rem_euclid(12) + 1).map_err(|_| far())?;
    let year = i16::try_from(year).map_err(|_| far())?;
    let first = jiff::civil::Date::new(year, month, 1).map_err(|_| far())?;
    let days = i64::from(civil.day() - 1).checked_add(days).ok_or_else(far)?;
    let span = jiff::Span::new().try_days(days).map_err(|_| far())?;
    let date = first.checked_add(span).map_err(|_| far())?;
    layout::in_zone(date.to_datetime(civil.time()), &time.zone).map(|it| Value::Time(Arc::new(it)))
}

/// A method that gives a duration in a unit, as a float.
macro_rules! in_unit {
    ($name:literal, $unit:expr) => {
        method($name, &[], &[Type::Float], |it, _| {
            let nanoseconds = of_duration(it)?;
            #[expect(clippy::cast_precision_loss, reason = "so does Go's conversion")]
            let number = (nanoseconds / $unit) as f64 + (nanoseconds % $unit) as f64 / ($unit as f64);
            Ok(Value::Float(number))
        })
    };
}

fn durations() -> Vec<Method> {
    vec![
        in_unit!("Hours", 3_600_000_000_000_i64),
        in_unit!("Minutes", 60_000_000_000_i64),
        in_unit!("Seconds", 1_000_000_000_i64),
        method("Milliseconds", &[], &[INT64], |it, _| {
            Ok(Value::int64(of_duration(it)? / 1_000_000))
        }),
        method("Microseconds", &[], &[INT64], |it, _| {
            Ok(Value::int64(of_duration(it)? / 1_000))
        }),
        method("Nanoseconds", &[], &[INT64], |it, _| Ok(Value::int64(of_duration(it)?))),
        method("String", &[], &[Type::String], |it, _| {
            Ok(Value::string(&duration::text(of_duration(it)?)))
        }),
        method("Abs", &[], &[Type::Duration], |it, _| {
            Ok(Value::Duration(of_duration(it)?.saturating_abs()))
        }),
        method("Truncate", &[Type::Duration], &[Type::Duration], |it, arguments| {
            let (of, to) = (of_duration(it)?, of_duration(first(arguments))?);
            Ok(Value::Duration(if to <= 0 { of } else { of - of % to }))
        }),
        method("Round", &[Type::Duration], &[Type::Duration], |it, arguments| {
            let (of, to) = (of_duration(it)?, of_duration(first(arguments))?);
            if to <= 0 {
                return Ok(Value::Duration(of));
            }
            let over = of % to;
            let down = of - over;
            let is_up = over.unsigned_abs() >= to.unsigned_abs() - over.unsigned_abs();
            let nearest = if is_up {
                down.saturating_add(if of < 0 { -to } else { to })
            } else {
                down
            };
            Ok(Value::Duration(nearest))
        }),
    ]
}
