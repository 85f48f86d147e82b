//! What a measured value means: the conditions of a metric, and the times of a range query (contract 06 §10).
//!
//! Upstream compiles a condition for each measurement, because the type of the value decides whether it compiles. Here it is
//! parsed once, and compiled again only when the type changes.

mod environment;
mod shape;
mod typed;

pub use serin_expr::Value;
pub use shape::Shape;
pub use typed::typed;

use environment::{of_condition, of_time, set_result};
use jiff::Timestamp;
use serin_expr::go::format::type_name;
use serin_expr::value::Type;
use serin_expr::{Environment, Expression, Program};

/// What the conditions of a metric say of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The success condition holds, the failure condition does not, or there is none.
    Successful,
    /// The failure condition holds, or there is none and the success condition does not.
    Failed,
    /// Neither of both conditions holds.
    Inconclusive,
}

impl Verdict {
    /// The phase of the measurement.
    #[must_use]
    pub fn phase(self) -> &'static str {
        match self {
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Inconclusive => "Inconclusive",
        }
    }
}

/// The conditions of a metric.
#[derive(Debug)]
pub struct Conditions {
    success: Option<Condition>,
    failure: Option<Condition>,
}

impl Conditions {
    /// The conditions as the metric has them; empty is none.
    #[must_use]
    pub fn new(success: &str, failure: &str) -> Self {
        Self {
            success: Condition::new("successCondition", success),
            failure: Condition::new("failureCondition", failure),
        }
    }

    /// Judges a value; `now` is the time that a condition sees. Both conditions are evaluated, whatever the first says.
    ///
    /// # Errors
    /// The message of the measurement, whose phase is Error: the first condition that cannot be compiled or evaluated, or is
    /// no `bool`, and why (contract 06 §10).
    pub fn judge(&mut self, result: &Value, now: Timestamp) -> Result<Verdict, String> {
        let success = self.success.as_mut().map(|it| it.holds(result, now)).transpose()?;
        let failure = self.failure.as_mut().map(|it| it.holds(result, now)).transpose()?;
        Ok(match (success, failure) {
            (_, Some(true)) => Verdict::Failed,
            (None | Some(true), _) => Verdict::Successful,
            (Some(false), None) => Verdict::Failed,
            (Some(false), Some(false)) => Verdict::Inconclusive,
        })
    }

    /// What is wrong with a condition whatever is measured: the condition's field, and why it is no expression.
    #[must_use]
    pub fn unparsable(&self) -> Vec<(&'static str, &str)> {
        let conditions = self.success.iter().chain(&self.failure);
        let wrong = conditions.filter_map(|it| it.formula.unparsable().map(|why| (it.field, why)));
        wrong.collect()
    }
}

/// One condition.
#[derive(Debug)]
struct Condition {
    field: &'static str,
    text: String,
    formula: Formula,
}

impl Condition {
    fn new(field: &'static str, text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self {
            field,
            text: text.to_owned(),
            formula: Formula::new(text),
        })
    }

    fn holds(&mut self, result: &Value, now: Timestamp) -> Result<bool, String> {
        let evaluated = self.formula.evaluate(result, now).and_then(|value| match value {
            Value::Bool(is) => Ok(is),
            other => Err(format!("expected bool, but got {}", type_name(&other))),
        });
        evaluated.map_err(|why| {
            let why = if result.is_nil_or_empty() {
                "metric result is nil or empty: no data returned from the metric provider"
            } else {
                &why
            };
            format!("could not evaluate {} \"{}\": {why}", self.field, self.text)
        })
    }
}

/// An expression over `result`, parsed once, and compiled once for a type of value.
#[derive(Debug)]
pub struct Formula {
    parsed: Result<Expression, String>,
    environment: Environment,
    /// The program for a type of value; of nil, if it is none.
    compiled: Option<(Option<Type>, Result<Program, String>)>,
}

impl Formula {
    /// The expression of a text; what is wrong with it is told when it is evaluated.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let environment = of_condition();
        Self {
            parsed: Expression::parse(text, &environment),
            environment,
            compiled: None,
        }
    }

    /// What the expression gives of a value, whatever its type.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub fn evaluate(&mut self, result: &Value, now: Timestamp) -> Result<Value, String> {
        let parsed = self.parsed.as_ref().map_err(Clone::clone)?;
        set_result(&mut self.environment, result);
        let of = Type::of(result);
        if self.compiled.as_ref().is_none_or(|(compiled, _)| *compiled != of) {
            self.compiled = Some((of, parsed.compile(&self.environment)));
        }
        let Some((_, compiled)) = &self.compiled else {
            return Err("the expression is not compiled".to_owned());
        };
        compiled.as_ref().map_err(Clone::clone)?.run(&self.environment, now)
    }

    /// The number that the expression gives; `field` and `text` name it in messages (decision 50).
    ///
    /// # Errors
    /// What is wrong with the expression, and that it gives something else.
    pub fn number(&mut self, field: &str, text: &str, result: &Value, now: Timestamp) -> Result<f64, String> {
        let number = self.evaluate(result, now).and_then(|value| match value {
            Value::Float(number) => Ok(number),
            Value::Integer(integer) => Ok(integer.float()),
            other => Err(format!("expected a number, but got {}", type_name(&other))),
        });
        number.map_err(|why| format!("could not evaluate {field} \"{text}\": {why}"))
    }

    /// Why it is no expression, whatever is measured.
    #[must_use]
    pub fn unparsable(&self) -> Option<&str> {
        self.parsed.as_ref().err().map(String::as_str)
    }
}

/// What an expression gives of a value, whatever its type.
///
/// # Errors
/// What is wrong with the expression.
pub fn evaluate(text: &str, result: &Value, now: Timestamp) -> Result<Value, String> {
    Formula::new(text).evaluate(result, now)
}

/// An expression of a time, compiled once.
#[derive(Debug)]
pub struct Moment(Result<Program, String>, Environment);

impl Moment {
    /// The expression of a text; what is wrong with it is told when it is evaluated.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let environment = of_time();
        let program = Expression::parse(text, &environment).and_then(|it| it.compile(&environment));
        Self(program, environment)
    }

    /// The time that an expression of `rangeQuery.start` or `rangeQuery.end` gives, such as `now() - duration("5m")`.
    ///
    /// # Errors
    /// What is wrong with the expression, and that it gives something else (contract 06 §10).
    pub fn at(&self, now: Timestamp) -> Result<Timestamp, String> {
        let Self(program, environment) = self;
        match program.as_ref().map_err(Clone::clone)?.run(environment, now)? {
            Value::Time(time) => Ok(time.at),
            other => Err(format!("expected time.Time, but got {}", type_name(&other))),
        }
    }
}

/// The time that an expression gives once ([`Moment`]).
///
/// # Errors
/// What is wrong with the expression, and that it gives something else (contract 06 §10).
pub fn time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    Moment::new(text).at(now)
}
