//! From data to what a template leads to.

use super::{End, Error, Found, Piece, Slice, Step, compare};
use crate::notation::go_value;
use serde_json::Value;

/// How many values a template may lead to on its way.
const MOST: usize = 1_000_000;

/// What a template leads to.
pub(super) fn find<'a>(
    pieces: &'a [Piece],
    missing_keys_allowed: bool,
    data: &'a Value,
) -> Result<Vec<Vec<Found<'a>>>, Error> {
    let mut walk = Walk {
        pieces,
        missing_keys_allowed,
        left: MOST,
        begun: 0,
        depth: 0,
        ended: 0,
        last_end: None,
    };
    walk.from(0, whole(Found::Data(data)))
}

/// A value as the data of a template. Null is no value there.
fn whole(found: Found<'_>) -> Found<'_> {
    if found == Found::Data(&Value::Null) {
        return Found::Nothing;
    }
    found
}

/// A step that failed. A filter that asks whether something exists takes it as "yes" if values were left.
struct Failed {
    error: Error,
    values_left: bool,
}

impl Failed {
    fn new(text: impl std::fmt::Display, values_left: bool) -> Self {
        Self {
            error: Error::new(text),
            values_left,
        }
    }
}

type Values<'a> = Vec<Found<'a>>;

/// The way through a template.
struct Walk<'a> {
    pieces: &'a [Piece],
    missing_keys_allowed: bool,
    /// How many more values it may lead to.
    left: usize,
    /// Words `range` whose loop is not entered yet.
    begun: usize,
    /// Loops that are being run.
    depth: usize,
    /// Words `end` whose loop is not left yet.
    ended: usize,
    /// The piece with the newest `end`.
    last_end: Option<usize>,
}

impl<'a> Walk<'a> {
    /// Takes the pieces from one on, up to the end of the loop in which it stands.
    fn from(&mut self, first: usize, data: Found<'a>) -> Result<Vec<Values<'a>>, Error> {
        let mut groups = Vec::new();
        let mut at = first;
        while let Some(piece) = self.pieces.get(at) {
            let found = match piece {
                Piece::Text(text) => vec![Found::Text(text)],
                Piece::Path(steps) => self.path(steps, vec![data]).map_err(|failed| failed.error)?,
            };
            if self.ended > 0 && self.ended <= self.depth {
                self.ended -= 1;
                self.last_end = Some(at);
                break;
            }
            if self.begun > 0 {
                self.begun -= 1;
                self.depth += 1;
                groups.extend(self.rounds(at + 1, found)?);
                self.depth -= 1;
                // What follows the loop; without an `end` the rest of the template is taken once more, as in Go.
                at = self.last_end.filter(|end| *end > at).unwrap_or(at);
            } else {
                groups.push(found);
            }
            at += 1;
        }
        Ok(groups)
    }

    /// The rounds of a loop. With nothing to loop over its body is tried on nothing, which leads to its end.
    fn rounds(&mut self, first: usize, over: Values<'a>) -> Result<Vec<Values<'a>>, Error> {
        let mut groups = Vec::new();
        if over.is_empty() {
            self.from(first, Found::Nothing)?;
        }
        for value in over {
            self.count(1)?;
            groups.extend(self.from(first, whole(value))?);
        }
        Ok(groups)
    }

    fn count(&mut self, values: usize) -> Result<(), Error> {
        self.left = self
            .left
            .checked_sub(values)
            .ok_or_else(|| Error::new(format_args!("the path leads to more than {MOST} values")))?;
        Ok(())
    }

    fn path(&mut self, steps: &'a [Step], from: Values<'a>) -> Result<Values<'a>, Failed> {
        steps.iter().try_fold(from, |values, step| {
            let found = self.step(step, values)?;
            let counted = self.count(found.len());
            counted.map_err(|error| Failed {
                error,
                values_left: false,
            })?;
            Ok(found)
        })
    }

    fn step(&mut self, step: &'a Step, values: Values<'a>) -> Result<Values<'a>, Failed> {
        let each = |found: Found<'a>| vec![found; values.len()];
        match step {
            Step::Text(text) => Ok(vec![Found::Text(text)]),
            Step::Int(number) => Ok(each(Found::Int(*number))),
            Step::Float(number) => Ok(each(Found::Float(*number))),
            Step::Bool(is) => Ok(each(Found::Bool(*is))),
            Step::Word(word) => self.word(word, values),
            Step::Field(name) => self.field(name, &values),
            Step::Wildcard => Ok(values.into_iter().flat_map(children).collect()),
            Step::Descent => self.descent(values),
            Step::Slice(slice) => sliced(*slice, &values),
            Step::Union(members) => {
                let mut all = Vec::new();
                for member in members {
                    let found = self.path(member, values.clone());
                    all.extend(found.map_err(|failed| Failed {
                        values_left: !values.is_empty(),
                        ..failed
                    })?);
                }
                Ok(all)
            }
            Step::Exists(operand) => self.filter(&values, |walk, item| {
                let found = walk.path(operand, vec![item]);
                Ok(found.map_or_else(|failed| failed.values_left, |found| !found.is_empty()))
            }),
            Step::Compare { left, operator, right } => self.filter(&values, |walk, item| {
                let left = walk.operand(left, item)?;
                let Some(left) = left else { return Ok(false) };
                let right = walk.operand(right, item)?;
                right.map_or(Ok(false), |right| compare::holds(left, operator, right))
            }),
        }
    }

    fn word(&mut self, word: &str, values: Values<'a>) -> Result<Values<'a>, Failed> {
        match word {
            "range" => {
                self.begun += 1;
                Ok(values)
            }
            "end" if self.depth > 0 => {
                self.ended += 1;
                Ok(Vec::new())
            }
            "end" => Err(Failed::new("not in range, nothing to end", false)),
            other => Err(Failed::new(
                format_args!("unrecognized identifier {other}"),
                !values.is_empty(),
            )),
        }
    }

    fn field(&self, name: &str, values: &[Found<'a>]) -> Result<Values<'a>, Failed> {
        let member = |found: &Found<'a>| found.data()?.as_object()?.get(name).map(Found::Data);
        let found: Values<'a> = values.iter().filter_map(member).collect();
        if found.is_empty() && !values.is_empty() && !self.missing_keys_allowed {
            return Err(Failed::new(format_args!("{name} is not found"), false));
        }
        Ok(found)
    }

    /// Each value that contains others, and those that it contains.
    fn descent(&mut self, values: Values<'a>) -> Result<Values<'a>, Failed> {
        let mut all = Vec::new();
        let mut ahead: Values<'a> = values.into_iter().rev().collect();
        while let Some(value) = ahead.pop() {
            let within = children(value);
            if !within.is_empty() {
                let counted = self.count(within.len());
                counted.map_err(|error| Failed {
                    error,
                    values_left: false,
                })?;
                all.push(value);
                ahead.extend(within.into_iter().rev());
            }
        }
        Ok(all)
    }

    /// The elements of lists for which a question is answered with yes.
    fn filter(
        &mut self,
        values: &[Found<'a>],
        holds: impl Fn(&mut Self, Found<'a>) -> Result<bool, Error>,
    ) -> Result<Values<'a>, Failed> {
        let mut kept = Vec::new();
        for value in values {
            let Some(Value::Array(items)) = value.data() else {
                let text = format!("{} is not array or slice and cannot be filtered", printed(*value));
                return Err(Failed::new(text, true));
            };
            for item in items.iter().map(Found::Data) {
                let counted = self.count(1).and_then(|()| holds(self, item));
                let passed = counted.map_err(|error| Failed {
                    error,
                    values_left: true,
                })?;
                kept.extend(passed.then_some(item));
            }
        }
        Ok(kept)
    }

    /// The one value of an operand; none where there is none.
    fn operand(&mut self, steps: &'a [Step], item: Found<'a>) -> Result<Option<Found<'a>>, Error> {
        let found = self.path(steps, vec![item]).map_err(|failed| failed.error)?;
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            _ => Err(Error::new("can only compare one element at a time")),
        }
    }
}

/// What a value contains: elements, members sorted by key, bytes of a text.
fn children(value: Found<'_>) -> Values<'_> {
    match value {
        Found::Data(Value::Array(items)) => items.iter().map(Found::Data).collect(),
        Found::Data(Value::Object(members)) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            sorted.into_iter().map(|(_, value)| Found::Data(value)).collect()
        }
        Found::Data(Value::String(text)) => text.bytes().map(Found::Byte).collect(),
        Found::Text(text) => text.bytes().map(Found::Byte).collect(),
        Found::Data(Value::Null | Value::Bool(_) | Value::Number(_))
        | Found::Int(_)
        | Found::Float(_)
        | Found::Bool(_)
        | Found::Byte(_)
        | Found::Nothing => Vec::new(),
    }
}

fn sliced<'a>(slice: Slice, values: &[Found<'a>]) -> Result<Values<'a>, Failed> {
    let mut all = Vec::new();
    for value in values {
        if value.data() == Some(&Value::Null) {
            continue;
        }
        let Some(Value::Array(items)) = value.data() else {
            return Err(Failed::new(
                format_args!("{} is not array or slice", type_of(*value)),
                true,
            ));
        };
        match bounds(slice, items.len()).map_err(|text| Failed::new(text, true))? {
            // In Go an empty slice ends the step, with what earlier lists gave.
            None => return Ok(all),
            Some((part, step)) => all.extend(items.get(part).into_iter().flatten().step_by(step).map(Found::Data)),
        }
    }
    Ok(all)
}

/// The range and the step of a slice over a list of some length; none if it is empty.
fn bounds(slice: Slice, length: usize) -> Result<Option<(std::ops::Range<usize>, usize)>, String> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let written = slice.start.unwrap_or(0);
    let start = if written < 0 { written + length } else { written };
    let end = match slice.end {
        End::Open => length,
        End::Next if written == -1 => length,
        End::Next => written.saturating_add(1),
        End::Before(end) => end,
    };
    let end = if end < 0 { end + length } else { end };
    if start == end {
        return Ok(None);
    }
    let outside = |index: i64| Err(format!("array index out of bounds: index {index}, length {length}"));
    if start >= length || start < 0 {
        return outside(start);
    }
    if end > length || end < 0 {
        return outside(end - 1);
    }
    if start > end {
        return Err(format!("starting index {start} is greater than ending index {end}"));
    }
    let step = slice.step.unwrap_or(1);
    let step = usize::try_from(step).ok().filter(|step| *step > 0);
    let step = step.ok_or_else(|| "step must be > 0".to_owned())?;
    let index = |index: i64| usize::try_from(index).unwrap_or(usize::MAX);
    Ok(Some((index(start)..index(end), step)))
}

/// The name of a value's type in Go.
fn type_of(value: Found<'_>) -> &'static str {
    match value {
        Found::Data(Value::Null) | Found::Nothing => "<nil>",
        Found::Data(Value::Bool(_)) | Found::Bool(_) => "bool",
        Found::Data(Value::Number(_)) | Found::Float(_) => "float64",
        Found::Data(Value::String(_)) | Found::Text(_) => "string",
        Found::Data(Value::Array(_)) => "[]interface {}",
        Found::Data(Value::Object(_)) => "map[string]interface {}",
        Found::Int(_) => "int",
        Found::Byte(_) => "uint8",
    }
}

/// A value as Go's `%v` prints it.
fn printed(value: Found<'_>) -> String {
    match value {
        Found::Data(data) => go_value::plain(data),
        Found::Text(text) => text.to_owned(),
        Found::Int(number) => number.to_string(),
        Found::Float(number) => go_value::general(number),
        Found::Bool(is) => is.to_string(),
        Found::Byte(byte) => byte.to_string(),
        Found::Nothing => "<invalid reflect.Value>".to_owned(),
    }
}
