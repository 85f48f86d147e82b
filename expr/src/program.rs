//! An expression, and what it is compiled to.

use crate::compile::{Code, compile};
use crate::environment::Environment;
use crate::syntax::{self, Node};
use crate::value::Value;
use crate::{check, optimise, run};
use jiff::Timestamp;

/// An expression that is parsed.
#[derive(Debug, Clone)]
pub struct Expression {
    tree: Node,
}

impl Expression {
    /// Parses an expression. Of the environment only the names count, which win over built-in functions.
    ///
    /// # Errors
    /// What the library says of an expression that it cannot parse, and that it is nested too deeply.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self, String> {
        let tree = syntax::parse(text, environment)?;
        Ok(Self { tree })
    }

    /// Checks the expression with the types of an environment, and compiles it. The program runs on any environment with the
    /// same names in the same order, whose values have the same types.
    ///
    /// # Errors
    /// What the library says of an expression whose types do not fit.
    pub fn compile(&self, environment: &Environment) -> Result<Program, String> {
        let mut tree = self.tree.clone();
        check::check(&mut tree, environment)?;
        optimise::optimise(&mut tree)?;
        let (code, variables) = compile(&tree, environment.names())?;
        Ok(Program { code, variables })
    }
}

/// An expression that is compiled.
#[derive(Debug)]
pub struct Program {
    code: Code,
    variables: usize,
}

impl Program {
    /// Runs the expression on the values of an environment, at a time that `now()` gives.
    ///
    /// # Errors
    /// What the library says of an operation that fails, and that the run takes too much time or memory.
    pub fn run(&self, environment: &Environment, now: Timestamp) -> Result<Value, String> {
        run::run(&self.code, environment.values(), self.variables, now)
    }
}
