//! The part of jq in which people write `jqPathExpressions`: paths, `[]`, `select` with comparisons, `|` and `,`.
//!
//! It is an honest part: what it does not know is not understood at all, instead of being guessed.

use serde_json::Value;
use serin_gitops::yaml::FieldPath;

/// How many values one expression may give.
const MOST_VALUES: usize = 10_000;

/// How deep expressions may be nested.
const DEEPEST: usize = 30;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// `.`
    Itself,
    /// `.key`
    Key(String),
    /// `[0]`
    Index(i64),
    /// `[]`
    Each,
    /// One after the other.
    Pipe(Box<Expression>, Box<Expression>),
    /// One beside the other.
    Both(Box<Expression>, Box<Expression>),
    /// `…?`: errors are left out.
    Try(Box<Expression>),
    /// `select(…)`
    Select(Box<Expression>),
    /// `"text"`, `1`, `true`, `null`
    Literal(Value),
    /// `==` and `!=`
    Equal(Box<Expression>, Box<Expression>, bool),
    /// `and` and `or`
    Logic(Box<Expression>, Box<Expression>, bool),
    /// `not`
    Not,
    /// `startswith("…")`, `endswith("…")`, `contains("…")`, `has("…")`
    Call(Function, String),
}

/// A function of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Begins,
    Ends,
    Contains,
    Has,
}

/// Reads an expression; `None` where it is not understood.
pub(super) fn parse(text: &str) -> Option<Expression> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        depth: 0,
    };
    let expression = parser.pipe()?;
    (parser.at == tokens.len()).then_some(expression)
}

/// The paths that an expression gives in an object; none if it fails there.
pub(super) fn paths(expression: &Expression, object: &Value) -> Vec<FieldPath> {
    let start = Found {
        path: Some(FieldPath::root()),
        value: object.clone(),
    };
    let mut found = Vec::new();
    if evaluate(expression, &start, &mut found).is_err() {
        // Argo CD skips an expression that fails.
        return Vec::new();
    }
    found
        .into_iter()
        .filter_map(|found| found.path)
        .filter(|path| path.of(object).is_some())
        .collect()
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Dot,
    Key(String),
    Text(String),
    Number(i64),
    Word(String),
    Sign(&'static str),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let word = |text: &str| {
            text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(text.len())
        };
        let length = if let Some(sign) = ["==", "!=", "[", "]", "(", ")", "|", ",", "?"]
            .into_iter()
            .find(|sign| rest.starts_with(sign))
        {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else if first == '.' {
            let length = rest.get(1..).map_or(0, word);
            let key = rest
                .get(1..=length)
                .filter(|key| !key.is_empty() && !key.starts_with(|c: char| c.is_ascii_digit()));
            tokens.push(key.map_or(Token::Dot, |key| Token::Key(key.to_owned())));
            1 + key.map_or(0, str::len)
        } else if first == '"' {
            let (value, length) = string(rest)?;
            tokens.push(Token::Text(value));
            length
        } else if first.is_ascii_digit() || first == '-' {
            let length = 1 + rest
                .get(1..)?
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len() - 1);
            tokens.push(Token::Number(rest.get(..length)?.parse().ok()?));
            length
        } else if first.is_ascii_alphabetic() {
            let length = word(rest);
            tokens.push(Token::Word(rest.get(..length)?.to_owned()));
            length
        } else {
            return None;
        };
        rest = rest.get(length..)?.trim_start();
    }
    Some(tokens)
}

/// A text in quotes at the beginning, and its length as written.
fn string(text: &str) -> Option<(String, usize)> {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    let length = end?.0 + 1;
    // jq puts expressions into texts with \( ), which are not texts of JSON.
    Some((serde_json::from_str(text.get(..length)?).ok()?, length))
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, sign: &str) -> bool {
        let is_there = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn word(&mut self, word: &str) -> bool {
        let is_there = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(is_there);
        is_there
    }

    fn pipe(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut left = self.comma()?;
        while self.take("|") {
            left = Expression::Pipe(Box::new(left), Box::new(self.comma()?));
        }
        self.depth -= 1;
        Some(left)
    }

    fn comma(&mut self) -> Option<Expression> {
        let mut left = self.logic()?;
        while self.take(",") {
            left = Expression::Both(Box::new(left), Box::new(self.logic()?));
        }
        Some(left)
    }

    /// `or` binds less than `and`.
    fn logic(&mut self) -> Option<Expression> {
        let mut left = self.and()?;
        while self.word("or") {
            left = Expression::Logic(Box::new(left), Box::new(self.and()?), false);
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Expression> {
        let mut left = self.comparison()?;
        while self.word("and") {
            left = Expression::Logic(Box::new(left), Box::new(self.comparison()?), true);
        }
        Some(left)
    }

    fn comparison(&mut self) -> Option<Expression> {
        let left = self.term()?;
        for (sign, wanted) in [("==", true), ("!=", false)] {
            if self.take(sign) {
                return Some(Expression::Equal(Box::new(left), Box::new(self.term()?), wanted));
            }
        }
        Some(left)
    }

    fn term(&mut self) -> Option<Expression> {
        let token = self.peek()?.clone();
        self.at += 1;
        let start = match token {
            Token::Dot => match self.peek() {
                Some(Token::Text(key)) => {
                    let key = key.clone();
                    self.at += 1;
                    Expression::Key(key)
                }
                _ => Expression::Itself,
            },
            Token::Key(key) => Expression::Key(key),
            Token::Text(text) => return Some(Expression::Literal(Value::String(text))),
            Token::Number(number) => return Some(Expression::Literal(number.into())),
            Token::Sign("(") => {
                let inner = self.pipe()?;
                self.take(")").then_some(inner)?
            }
            Token::Sign(_) => return None,
            Token::Word(word) => self.function(&word)?,
        };
        self.steps(start)
    }

    /// What follows a path directly: `.key`, `["key"]`, `[0]`, `[]`, `?`.
    fn steps(&mut self, mut path: Expression) -> Option<Expression> {
        loop {
            let step = match self.peek() {
                Some(Token::Key(key)) => Expression::Key(key.clone()),
                Some(Token::Dot) => match self.tokens.get(self.at + 1) {
                    Some(Token::Text(key)) => {
                        self.at += 1;
                        Expression::Key(key.clone())
                    }
                    Some(Token::Sign("[")) => Expression::Itself,
                    _ => return None,
                },
                Some(Token::Sign("?")) => {
                    self.at += 1;
                    path = Expression::Try(Box::new(path));
                    continue;
                }
                Some(Token::Sign("[")) => {
                    self.at += 1;
                    match self.peek()?.clone() {
                        Token::Sign("]") => {
                            self.at += 1;
                            path = Expression::Pipe(Box::new(path), Box::new(Expression::Each));
                            continue;
                        }
                        Token::Text(key) => Expression::Key(key),
                        Token::Number(index) => Expression::Index(index),
                        _ => return None,
                    }
                }
                _ => return Some(path),
            };
            let closes = matches!(step, Expression::Index(_))
                || matches!(self.peek(), Some(Token::Text(_)) if self.is_in_brackets());
            self.at += 1;
            if closes && !self.take("]") {
                return None;
            }
            path = Expression::Pipe(Box::new(path), Box::new(step));
        }
    }

    fn is_in_brackets(&self) -> bool {
        self.at.checked_sub(1).and_then(|before| self.tokens.get(before)) == Some(&Token::Sign("["))
    }

    fn function(&mut self, word: &str) -> Option<Expression> {
        let function = match word {
            "true" => return Some(Expression::Literal(Value::Bool(true))),
            "false" => return Some(Expression::Literal(Value::Bool(false))),
            "null" => return Some(Expression::Literal(Value::Null)),
            "not" => return Some(Expression::Not),
            "select" => {
                self.take("(").then_some(())?;
                let condition = self.pipe()?;
                self.take(")").then_some(())?;
                return Some(Expression::Select(Box::new(condition)));
            }
            "startswith" => Function::Begins,
            "endswith" => Function::Ends,
            "contains" => Function::Contains,
            "has" => Function::Has,
            _ => return None,
        };
        self.take("(").then_some(())?;
        let Some(Token::Text(argument)) = self.peek().cloned() else {
            return None;
        };
        self.at += 1;
        self.take(")").then_some(Expression::Call(function, argument))
    }
}

/// A value, and where it stands if it stands in the object.
#[derive(Debug, Clone)]
struct Found {
    path: Option<FieldPath>,
    value: Value,
}

impl Found {
    fn computed(value: Value) -> Self {
        Self { path: None, value }
    }
}

/// The error of jq that ends an expression. What it gave before stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failed;

/// Adds what an expression gives.
fn evaluate(expression: &Expression, from: &Found, into: &mut Vec<Found>) -> Result<(), Failed> {
    match expression {
        Expression::Itself => into.push(from.clone()),
        Expression::Key(key) => match &from.value {
            Value::Object(members) => into.push(child(from, members.get(key), |path| path.key(key))),
            Value::Null => into.push(child(from, None, |path| path.key(key))),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => return Err(Failed),
        },
        Expression::Index(index) => into.push(item(*index, from)?),
        Expression::Each => each(from, into)?,
        Expression::Pipe(first, then) => {
            let mut found = Vec::new();
            let end = evaluate(first, from, &mut found);
            for found in &found {
                evaluate(then, found, into)?;
            }
            end?;
        }
        Expression::Both(one, other) => {
            evaluate(one, from, into)?;
            evaluate(other, from, into)?;
        }
        Expression::Try(inner) => _ = evaluate(inner, from, into),
        Expression::Select(condition) => {
            let mut found = Vec::new();
            let end = evaluate(condition, from, &mut found);
            into.extend(found.iter().filter(|found| is_true(&found.value)).map(|_| from.clone()));
            end?;
        }
        Expression::Literal(value) => into.push(Found::computed(value.clone())),
        Expression::Equal(one, other, wanted) => pairs(one, other, from, into, |one, other| (one == other) == *wanted)?,
        Expression::Logic(one, other, true) => {
            pairs(one, other, from, into, |one, other| is_true(one) && is_true(other))?
        }
        Expression::Logic(one, other, false) => {
            pairs(one, other, from, into, |one, other| is_true(one) || is_true(other))?
        }
        Expression::Not => into.push(Found::computed(Value::Bool(!is_true(&from.value)))),
        Expression::Call(function, argument) => {
            into.push(Found::computed(Value::Bool(call(*function, &from.value, argument)?)))
        }
    }
    if into.len() > MOST_VALUES { Err(Failed) } else { Ok(()) }
}

fn each(from: &Found, into: &mut Vec<Found>) -> Result<(), Failed> {
    match &from.value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            into.extend(items.map(|(place, item)| child(from, Some(item), |path| path.index(place))));
        }
        Value::Object(members) => {
            into.extend(
                members
                    .iter()
                    .map(|(key, value)| child(from, Some(value), |path| path.key(key))),
            );
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(Failed),
    }
    Ok(())
}

fn item(index: i64, from: &Found) -> Result<Found, Failed> {
    match &from.value {
        Value::Array(items) => {
            let length = i64::try_from(items.len()).map_err(|_| Failed)?;
            let place = usize::try_from(if index < 0 { index + length } else { index }).unwrap_or(usize::MAX);
            Ok(child(from, items.get(place), |path| path.index(place)))
        }
        Value::Null => Ok(Found::computed(Value::Null)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Err(Failed),
    }
}

fn child(from: &Found, value: Option<&Value>, path: impl Fn(&FieldPath) -> FieldPath) -> Found {
    Found {
        path: from.path.as_ref().map(path),
        value: value.cloned().unwrap_or_default(),
    }
}

fn pairs(
    one: &Expression,
    other: &Expression,
    from: &Found,
    into: &mut Vec<Found>,
    holds: impl Fn(&Value, &Value) -> bool,
) -> Result<(), Failed> {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    evaluate(one, from, &mut ones)?;
    evaluate(other, from, &mut others)?;
    let pairs = others.iter().flat_map(|other| ones.iter().map(move |one| (one, other)));
    into.extend(
        pairs
            .take(MOST_VALUES)
            .map(|(one, other)| Found::computed(Value::Bool(holds(&one.value, &other.value)))),
    );
    Ok(())
}

fn call(function: Function, value: &Value, argument: &str) -> Result<bool, Failed> {
    match (function, value) {
        (Function::Begins, Value::String(text)) => Ok(text.starts_with(argument)),
        (Function::Ends, Value::String(text)) => Ok(text.ends_with(argument)),
        (Function::Contains, Value::String(text)) => Ok(text.contains(argument)),
        (Function::Has, Value::Object(members)) => Ok(members.contains_key(argument)),
        (Function::Begins | Function::Ends | Function::Contains | Function::Has, _) => Err(Failed),
    }
}

fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn found(text: &str) -> Vec<String> {
        let object = json!({"metadata": {"annotations": {"a.b/c": "1", "d": "2"}}, "spec": {"http": [
            {"name": "primary", "route": [{"weight": 1}, {"weight": 2}]},
            {"name": "header-x", "route": [{"weight": 3}]},
            {"name": "broken", "route": "none"}], "n": 3}});
        paths(
            &parse(text).unwrap_or_else(|| panic!("{text} is not understood")),
            &object,
        )
        .iter()
        .map(ToString::to_string)
        .collect()
    }

    #[test]
    fn paths_are_found() {
        let first = ["spec.http[0].route[0].weight", "spec.http[0].route[1].weight"];
        for text in [
            ".spec.http[0].route[].weight",
            ".spec[\"http\"] | .[0].route | .[] | .weight",
            ".spec.http[] | select(.name == \"primary\") | .route[].weight",
            ".spec.http[] | select(.name == \"primary\" and .route != null).route[].weight",
            ".spec.http[] | select(.name | startswith(\"prim\")) | .route[].weight",
            ".spec.http[]?.route[]?.weight?",
            "(.spec.http[0].route[].weight)",
        ] {
            let wanted = if text.contains('?') {
                vec![first[0], first[1], "spec.http[1].route[0].weight"]
            } else {
                first.to_vec()
            };
            assert_eq!(found(text), wanted, "{text}");
        }
        assert_eq!(
            found(".spec.n, .metadata.annotations.\"a.b/c\""),
            ["spec.n", "metadata.annotations.a.b/c"]
        );
        assert_eq!(found(".metadata.annotations[\"d\"]"), ["metadata.annotations.d"]);
        assert_eq!(found(".spec.http[-1].name"), ["spec.http[2].name"]);
        assert_eq!(
            found(".spec.http[] | select(.name == \"primary\" | not) | .name"),
            ["spec.http[1].name", "spec.http[2].name"]
        );
        assert_eq!(
            found(".spec.http[] | select(.name == \"a\" or .name == \"broken\") | .name"),
            ["spec.http[2].name"]
        );
    }

    #[test]
    fn an_expression_that_fails_or_finds_nothing_gives_nothing() {
        for text in [
            ".spec.http[].route[].weight",
            ".spec.none[]",
            ".spec.n.x",
            ".nothing.here",
            ".spec.http[9].name",
            ".spec.http | has(\"x\")",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        for text in [
            "",
            "spec",
            ".spec.http[] | test(\"x\")",
            ".spec | del(.n)",
            ".. | .weight?",
            ".spec.http[1:]",
            ".a as $x | .b",
            ".spec.n + 1",
            "if .a then .b else .c end",
            ".spec.http[",
            ".a.\"b\\(.c)\"",
            "select(.a == 1",
            ".[\"a\"",
            ".a |",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&format!("{}.a{}", "(".repeat(100), ")".repeat(100))), None);
    }
}
