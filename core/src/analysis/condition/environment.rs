//! What a condition sees: the value, and functions for it (contract 06 §10).

use serin_expr::go::format::{text, type_name};
use serin_expr::go::number::{parse_float, parse_int, truncate};
use serin_expr::go::quote::quoted;
use serin_expr::value::{Function, IntegerKind, Signature, Type};
use serin_expr::{Environment, Value};
use std::sync::Arc;

const INT64: Type = Type::Integer(IntegerKind::Int64);

/// The environment of a condition whose value is not set yet.
pub(super) fn of_condition() -> Environment {
    let environment = of_time()
        .with_function("asInt", vec![Type::Any], INT64, Arc::new(as_int))
        .with_function("asFloat", vec![Type::Any], Type::Float, Arc::new(as_float));
    let mut environment = environment.with("result", Value::Nil);
    set_result(&mut environment, &Value::Nil);
    environment
}

/// The environment of a time.
pub(super) fn of_time() -> Environment {
    let is = |test: fn(f64) -> bool| {
        move |arguments: &[Value]| match arguments {
            [Value::Float(number)] => Ok(Value::Bool(test(*number))),
            other => Err(format!("no float64 but {other:?}")),
        }
    };
    Environment::default()
        .with_function("isNaN", vec![Type::Float], Type::Bool, Arc::new(is(f64::is_nan)))
        .with_function("isInf", vec![Type::Float], Type::Bool, Arc::new(is(f64::is_infinite)))
}

/// Sets the measured value. `isNil` and `default` look at it, whatever their first argument is.
pub(super) fn set_result(environment: &mut Environment, result: &Value) {
    let is_nil = result.is_nil();
    let seen = match result {
        _ if is_nil => Value::Nil,
        Value::Pointer(to) => Value::clone(to),
        other => other.clone(),
    };
    environment.set("result", seen.clone());
    let is_nil_function = move |_: &[Value]| Ok(Value::Bool(is_nil));
    environment.set("isNil", function(vec![Type::Any], Type::Bool, is_nil_function));
    let default = move |arguments: &[Value]| match arguments {
        [_, other] if is_nil => Ok(other.clone()),
        _ => Ok(seen.clone()),
    };
    environment.set("default", function(vec![Type::Any, Type::Any], Type::Any, default));
}

fn function(
    parameters: Vec<Type>,
    result: Type,
    call: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static,
) -> Value {
    let signature = Arc::new(Signature {
        parameters,
        is_variadic: false,
        results: vec![result],
    });
    let call = Arc::new(call);
    Value::Function(Arc::new(Function { signature, call }))
}

fn first(arguments: &[Value]) -> &Value {
    arguments.first().unwrap_or(&Value::Nil)
}

fn not_supported(name: &str, value: &Value) -> String {
    format!("{name}() not supported on {} {}", type_name(value), text(value))
}

/// What `strconv` says of a text that is no number.
fn not_a_number(function: &str, text: &str, why: &str) -> String {
    format!("strconv.{function}: parsing {}: {why}", quoted(text))
}

fn as_int(arguments: &[Value]) -> Result<Value, String> {
    match first(arguments) {
        Value::Integer(integer) => Ok(Value::int64(integer.bits)),
        Value::Float(number) => Ok(Value::int64(truncate(*number))),
        Value::String(text) => parse_int(text)
            .map(Value::int64)
            .map_err(|why| not_a_number("ParseInt", text, why)),
        other => Err(not_supported("asInt", other)),
    }
}

fn as_float(arguments: &[Value]) -> Result<Value, String> {
    match first(arguments) {
        Value::Integer(integer) => Ok(Value::Float(integer.float())),
        Value::Float(number) => Ok(Value::Float(*number)),
        Value::String(text) => parse_float(text)
            .map(Value::Float)
            .map_err(|why| not_a_number("ParseFloat", text, why)),
        other => Err(not_supported("asFloat", other)),
    }
}
