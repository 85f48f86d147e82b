//! JSON and base64.

use super::Builtin;
use super::call::as_text;
use crate::budget::Budget;
use crate::go::{base64, json};
use crate::value::Value;

pub(super) fn call(which: Builtin, value: &Value, budget: &mut Budget) -> Result<Value, String> {
    let made = match which {
        Builtin::ToJson => json::write(value)?,
        Builtin::FromJson => {
            let text = as_text(value)?;
            budget.write(text.len().saturating_mul(8))?;
            return json::read(text);
        }
        Builtin::ToBase64 => base64::encode(as_text(value)?.as_bytes()),
        _ => String::from_utf8_lossy(&base64::decode(as_text(value)?)?).into_owned(),
    };
    budget.write(made.len())?;
    Ok(Value::string(&made))
}
