//! Functions as values.

use super::{Signature, Value};
use std::fmt;
use std::sync::Arc;

/// What a function does with its arguments, which have the types of its parameters. An error is the text of a panic.
pub type Call = dyn Fn(&[Value]) -> Result<Value, String> + Send + Sync;

/// A function: of the environment, or a method with its receiver.
#[derive(Clone)]
pub struct Function {
    /// Parameters and results.
    pub signature: Arc<Signature>,
    /// What it does.
    pub call: Arc<Call>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.signature)
    }
}

/// In Go functions are never equal, except that each is deeply equal to nil if it is nil, which none here is.
impl PartialEq for Function {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}
