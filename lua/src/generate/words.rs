//! Rules in Lua: the same words as `serin_core::hooks::expr`, one function for each.
//!
//! Only what Argo CD's machine has without `string` and `math` is used, and nothing that the Lua of the PUC and
//! gopher-lua understand differently (contract 13 §1.6, §3).

use serin_core::hooks::{Keys, Number, Place, Test, Text};
use std::collections::BTreeSet;

/// Functions that stand at the head of a script, each with the functions that it calls. Only those that are used do.
const HELPERS: [(&str, &[&str], &str); 11] = [
    (
        "at",
        &[],
        "-- What stands below a value; nil where there is nothing.
local function at(value, ...)
  for _, key in ipairs({...}) do
    if type(value) ~= \"table\" then
      return nil
    end
    value = value[key]
  end
  return value
end",
    ),
    (
        "text",
        &[],
        "-- A text that is not empty.
local function text(value)
  if type(value) == \"string\" and value ~= \"\" then
    return value
  end
  return nil
end",
    ),
    (
        "whole",
        &[],
        "-- A whole number, also one that is written as text in plain digits.
local function whole(value)
  local number = value
  if type(value) == \"string\" and value ~= \"0\" then
    number = tonumber(value)
    if number == nil or number <= 0 or tostring(number) ~= value then
      return nil
    end
  elseif value == \"0\" then
    number = 0
  end
  if type(number) == \"number\" and number >= 0 and number < 100000000000000 and number % 1 == 0 then
    return number
  end
  return nil
end",
    ),
    (
        "written",
        &["text", "whole"],
        "-- A text that is not empty, or a whole number as text.
local function written(value)
  local number = type(value) == \"number\" and whole(value)
  return text(value) or (number and tostring(number + 0)) or nil
end",
    ),
    (
        "number",
        &[],
        "-- A number, or the one that stands for it.
local function number(value, default)
  if type(value) == \"number\" then
    return value
  end
  return default
end",
    ),
    (
        "count",
        &[],
        "-- How many elements a list has.
local function count(list)
  if type(list) == \"table\" then
    return #list
  end
  return 0
end",
    ),
    (
        "less",
        &[],
        "-- Both numbers are there, and the first one is less.
local function less(one, other)
  return one ~= nil and other ~= nil and one < other
end",
    ),
    (
        "following",
        &[],
        "-- The number after this one, up to a limit.
local function following(number, limit)
  if number < limit then
    return number + 1
  end
  return number
end",
    ),
    (
        "first",
        &[],
        "-- The first element of a list for which something holds.
local function first(list, holds)
  if type(list) == \"table\" then
    for _, item in ipairs(list) do
      if holds(item) then
        return item
      end
    end
  end
  return nil
end",
    ),
    (
        "join",
        &[],
        "-- Texts one after the other; nil where one of them is missing.
local function join(...)
  local joined = \"\"
  for number = 1, select(\"#\", ...) do
    local part = select(number, ...)
    if part == nil then
      return nil
    end
    joined = joined .. part
  end
  return joined
end",
    ),
    (
        "inside",
        &[],
        "-- The table at a key, a new one where there is none. What is put into it at once keeps it from being empty.
local function inside(object, key)
  local found = object[key]
  if type(found) ~= \"table\" or #found > 0 then
    found = {}
    object[key] = found
  end
  return found
end",
    ),
];

/// The helpers that a text calls, in an order in which each knows those it calls itself.
pub(super) fn helpers(body: &str) -> Vec<&'static str> {
    let calls = |name: &str| {
        let call = format!("{name}(");
        body.match_indices(&call).any(|(at, _)| {
            let before = body[..at].chars().next_back();
            !before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == '.')
        })
    };
    let direct: Vec<&str> = HELPERS
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| calls(name))
        .collect();
    HELPERS
        .iter()
        .filter(|(name, ..)| {
            let by_another =
                |(caller, called, _): &(&str, &[&str], &str)| direct.contains(caller) && called.contains(name);
            direct.contains(name) || HELPERS.iter().any(by_another)
        })
        .map(|(.., definition)| *definition)
        .collect()
}

/// A string of Lua.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            '\n' => quoted.push_str("\\n"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// `at(obj, "a", "b")`
pub(super) fn keys(root: &str, keys: Keys) -> String {
    format!("at({root}{})", further(keys))
}

fn further(keys: Keys) -> String {
    keys.iter().map(|key| format!(", {}", quoted(key))).collect()
}

/// Writes what rules are made of, and what has a name once.
#[derive(Default)]
pub(super) struct Words {
    defined: BTreeSet<&'static str>,
    definitions: String,
}

impl Words {
    /// Definitions of names that came up since the last call: they go before what uses them.
    pub(super) fn definitions(&mut self) -> String {
        std::mem::take(&mut self.definitions)
    }

    fn place(&mut self, place: &Place) -> String {
        match place {
            Place::Object(path) => keys("obj", path),
            Place::Item(path) => keys("item", path),
            Place::Element {
                list,
                number,
                keys: below,
            } => {
                let number = self.number(number);
                format!("at({}, {number} + 1{})", keys("obj", list), further(below))
            }
        }
    }

    pub(super) fn number(&mut self, value: &Number) -> String {
        match value {
            Number::Literal(number) => number.to_string(),
            Number::Or(found, default) => format!("number({}, {default})", self.place(found)),
            Number::Whole(found) => format!("whole({})", self.place(found)),
            Number::Count(list) => format!("count({})", keys("obj", list)),
            Number::Next(one, limit) => format!("following({}, {})", self.number(one), self.number(limit)),
        }
    }

    pub(super) fn text(&mut self, value: &Text) -> String {
        match value {
            Text::Literal(words) => quoted(words),
            Text::At(found) => format!("text({})", self.place(found)),
            Text::Written(found) => format!("written({})", self.place(found)),
            Text::FirstOf(texts) => self.alternatives(texts).join(" or "),
            Text::Join(texts) => format!("join({})", self.alternatives(texts).join(", ")),
            Text::Named(name, text) => {
                if !self.defined.contains(name) {
                    let meaning = self.text(text);
                    self.define(name, &format!("local {name} = {meaning}\n"));
                }
                (*name).to_owned()
            }
            Text::When(test, found) => {
                let test = self.part(test, true);
                format!("({test} and {})", self.text(found))
            }
            Text::OfFirst { list, holds, text } => {
                let found = self.first(list, holds);
                format!("text(at({found}{}))", further(text))
            }
        }
    }

    /// Each of some texts.
    pub(super) fn alternatives(&mut self, texts: &[Text]) -> Vec<String> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    /// `first(at(obj, "list"), name)`
    fn first(&mut self, list: Keys, holds: &Test) -> String {
        let list = keys("obj", list);
        match holds {
            Test::Always => format!("at({list}, 1)"),
            Test::Named(name, test) => {
                if !self.defined.contains(name) {
                    let test = self.lines(test, true, "    ");
                    self.define(name, &format!("local function {name}(item)\n  return {test}\nend\n"));
                }
                format!("first({list}, {name})")
            }
            Test::Present(_)
            | Test::True(_)
            | Test::Is(..)
            | Test::Same(..)
            | Test::SameText(..)
            | Test::Less(..)
            | Test::Equal(..)
            | Test::Some(_)
            | Test::Known(_)
            | Test::Any(..)
            | Test::All(_)
            | Test::Either(_)
            | Test::Not(_) => format!("first({list}, function(item) return {} end)", self.said(holds, true)),
        }
    }

    fn define(&mut self, name: &'static str, definition: &str) {
        self.defined.insert(name);
        self.definitions.push_str(definition);
    }

    /// A test as a boolean of Lua, one part of a long one a line.
    pub(super) fn test(&mut self, value: &Test) -> String {
        self.lines(value, true, "  ")
    }

    /// The opposite of [`Self::test`].
    pub(super) fn test_not(&mut self, value: &Test) -> String {
        self.lines(value, false, "  ")
    }

    fn lines(&mut self, value: &Test, holds: bool, indent: &str) -> String {
        let line = self.said(value, holds);
        let Some((tests, word)) = parts(value, holds).filter(|_| line.len() > LINE) else {
            return line;
        };
        let parts: Vec<_> = tests.iter().map(|(test, holds)| self.part(test, *holds)).collect();
        parts.join(&format!("\n{indent}{word} "))
    }

    /// A test, or that it does not hold.
    fn said(&mut self, value: &Test, holds: bool) -> String {
        let (equal, unequal) = if holds { ("==", "~=") } else { ("~=", "==") };
        if let Some((tests, word)) = parts(value, holds) {
            let parts: Vec<_> = tests.iter().map(|(test, holds)| self.part(test, *holds)).collect();
            return parts.join(&format!(" {word} "));
        }
        match value {
            Test::Always => holds.to_string(),
            Test::Present(found) => format!("{} {unequal} nil", self.place(found)),
            Test::True(found) => format!("{} {equal} true", self.place(found)),
            Test::Is(found, words) => format!("{} {equal} {}", self.place(found), quoted(words)),
            Test::Same(one, other) => format!("{} {equal} {}", self.place(one), self.place(other)),
            Test::SameText(one, other) => {
                let (one, other) = (self.in_parentheses(one), self.in_parentheses(other));
                format!("{one} {equal} {other}")
            }
            Test::Equal(one, other) => format!("{} {equal} {}", self.number(one), self.number(other)),
            Test::Less(first, second) => {
                let careful = may_be_none(first) || may_be_none(second);
                let (one, other) = (self.number(first), self.number(second));
                if let (Number::Literal(0), false) = (first, careful) {
                    return if holds {
                        format!("{other} > 0")
                    } else {
                        format!("{other} <= 0")
                    };
                }
                match (careful, holds) {
                    (true, true) => format!("less({one}, {other})"),
                    (true, false) => format!("not less({one}, {other})"),
                    (false, true) => format!("{one} < {other}"),
                    (false, false) => format!("{one} >= {other}"),
                }
            }
            Test::Some(found) => format!("{} {unequal} nil", self.in_parentheses(found)),
            Test::Known(found) => format!("{} {unequal} nil", self.number(found)),
            Test::Any(list, found) => format!("{} {unequal} nil", self.first(list, found)),
            Test::Named(name, test) => {
                if !self.defined.contains(name) {
                    let meaning = self.lines(test, true, "  ");
                    self.define(name, &format!("local {name} = {meaning}\n"));
                }
                if holds {
                    (*name).to_owned()
                } else {
                    format!("not {name}")
                }
            }
            Test::Not(found) => self.said(found, !holds),
            // `parts` has taken these apart.
            Test::All(_) | Test::Either(_) => holds.to_string(),
        }
    }

    /// A test as a part of a longer one.
    fn part(&mut self, test: &Test, holds: bool) -> String {
        let said = self.said(test, holds);
        if parts(test, holds).is_some() {
            format!("({said})")
        } else {
            said
        }
    }

    fn in_parentheses(&mut self, value: &Text) -> String {
        let said = self.text(value);
        match value {
            Text::FirstOf(_) => format!("({said})"),
            Text::Literal(_)
            | Text::At(_)
            | Text::Written(_)
            | Text::Join(_)
            | Text::Named(..)
            | Text::When(..)
            | Text::OfFirst { .. } => said,
        }
    }
}

/// Column after which a test is written one part a line.
const LINE: usize = 96;

/// The parts of a test that has some, whether each is to hold, and the word between them: "not (a and b)" is "not a or
/// not b".
fn parts(test: &Test, holds: bool) -> Option<(Vec<(&Test, bool)>, &'static str)> {
    let (tests, word) = match test {
        Test::All(tests) => (tests, if holds { "and" } else { "or" }),
        Test::Either(tests) => (tests, if holds { "or" } else { "and" }),
        Test::Not(test) => return parts(test, !holds),
        Test::Always
        | Test::Present(_)
        | Test::True(_)
        | Test::Is(..)
        | Test::Same(..)
        | Test::SameText(..)
        | Test::Less(..)
        | Test::Equal(..)
        | Test::Some(_)
        | Test::Known(_)
        | Test::Any(..)
        | Test::Named(..) => return None,
    };
    Some((tests.iter().map(|test| (test, holds)).collect(), word))
}

/// Whether a number may be none.
fn may_be_none(number: &Number) -> bool {
    match number {
        Number::Whole(_) => true,
        Number::Literal(_) | Number::Or(..) | Number::Count(_) => false,
        Number::Next(one, limit) => may_be_none(one) || may_be_none(limit),
    }
}
