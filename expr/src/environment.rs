//! The names that an expression may use, with their values.

use crate::check::{self, Nature};
use crate::syntax;
use crate::value::{Call, Function, Signature, Type, Value};
use std::sync::Arc;

/// Names and their values. Their types decide what an expression means.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    names: Vec<Arc<str>>,
    values: Vec<Value>,
}

impl Environment {
    /// Adds a value, or replaces the one of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.set(name, value);
        self
    }

    /// Adds a function with parameters and a result of these types. What it returns as an error is the text of a panic.
    #[must_use]
    pub fn with_function(self, name: &str, parameters: Vec<Type>, result: Type, call: Arc<Call>) -> Self {
        let signature = Arc::new(Signature {
            parameters,
            is_variadic: false,
            results: vec![result],
        });
        self.with(name, Value::Function(Arc::new(Function { signature, call })))
    }

    /// Adds a value, or replaces the one of that name.
    pub fn set(&mut self, name: &str, value: Value) {
        let place = self.names.iter().position(|it| &**it == name);
        match place.and_then(|it| self.values.get_mut(it)) {
            Some(old) => *old = value,
            None => {
                self.names.push(Arc::from(name));
                self.values.push(value);
            }
        }
    }

    pub(crate) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }
}

impl syntax::Names for Environment {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|it| &**it == name)
    }
}

impl check::Names for Environment {
    fn nature(&self, name: &str) -> Option<Nature> {
        let place = self.names.iter().position(|it| &**it == name)?;
        let value = self.values.get(place)?;
        Some(Type::of(value).map_or_else(Nature::nil, Nature::from))
    }
}
