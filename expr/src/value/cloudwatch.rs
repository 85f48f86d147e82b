//! The result of CloudWatch's GetMetricData, the one struct that conditions see.

use super::{Struct, StructKind, Type, Value};
use jiff::Timestamp;
use std::sync::Arc;

/// `types.MetricDataResult` of the AWS SDK for Go: one query's answer. What is `None` is nil there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricDataResult {
    /// `Id`, a pointer to a string.
    pub id: Option<String>,
    /// `Label`, a pointer to a string.
    pub label: Option<String>,
    /// `StatusCode`: `Complete`, `InternalError`, `PartialData` or `Forbidden`.
    pub status_code: String,
    /// `Timestamps`.
    pub timestamps: Option<Vec<Timestamp>>,
    /// `Values`.
    pub values: Option<Vec<f64>>,
    /// `Messages`.
    pub messages: Option<Vec<Message>>,
}

/// `types.MessageData`: a message about an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// `Code`, a pointer to a string.
    pub code: Option<String>,
    /// `Value`, a pointer to a string.
    pub value: Option<String>,
}

impl MetricDataResult {
    pub(super) fn into_value(self) -> Value {
        // The order is that of `StructKind::fields`.
        let fields = vec![
            text(self.id),
            text(self.label),
            list(
                Type::Struct(StructKind::MessageData),
                self.messages,
                Message::into_value,
            ),
            Value::StatusCode(Arc::from(self.status_code)),
            list(Type::Time, self.timestamps, Value::time),
            list(Type::Float, self.values, Value::Float),
        ];
        let kind = StructKind::MetricDataResult;
        Value::Struct(Arc::new(Struct { kind, fields }))
    }
}

impl Message {
    fn into_value(self) -> Value {
        let fields = vec![text(self.code), text(self.value)];
        let kind = StructKind::MessageData;
        Value::Struct(Arc::new(Struct { kind, fields }))
    }
}

fn text(text: Option<String>) -> Value {
    match text {
        Some(text) => Value::Pointer(Arc::new(Value::string(&text))),
        None => Value::NilPointer(Arc::new(Type::String)),
    }
}

fn list<T>(element: Type, items: Option<Vec<T>>, value: impl Fn(T) -> Value) -> Value {
    match items {
        Some(items) => Value::list(element, items.into_iter().map(value).collect()),
        None => Value::nil_list(element),
    }
}
