//! What runs.

use crate::builtin::Builtin;
use crate::run::{Arithmetic, Comparison};
use crate::value::Value;
use regex::bytes::Regex;
use std::sync::Arc;

/// A step, with the steps that give its operands.
#[derive(Debug)]
pub(crate) enum Code {
    Value(Value),
    /// A value of the environment, by its place.
    Name(usize),
    /// All of it, as a map.
    Environment(Vec<Arc<str>>),
    Variable(usize),
    Item,
    Index,
    Accumulator,
    Deref(Box<Code>),
    Not(Box<Code>),
    Negate(Box<Code>),
    And(Box<Code>, Box<Code>),
    Or(Box<Code>, Box<Code>),
    Coalesce(Box<Code>, Box<Code>),
    Equal(Equality, Box<Code>, Box<Code>),
    Compare(Comparison, Box<Code>, Box<Code>),
    Calculate(Arithmetic, Box<Code>, Box<Code>),
    In(Box<Code>, Box<Code>),
    /// Within constant bounds.
    InRange(Box<Code>, i64, i64),
    Range(Box<Code>, Box<Code>),
    Matches(Box<Code>, Box<Code>),
    MatchesConstant(Box<Code>, Box<Regex>),
    Test(TextTest, Box<Code>, Box<Code>),
    Chain(Box<Code>),
    /// An element by a constant index.
    At(Box<Code>, i64),
    Member {
        base: Box<Code>,
        property: Box<Code>,
        is_optional: bool,
    },
    Slice {
        base: Box<Code>,
        from: Option<Box<Code>>,
        to: Option<Box<Code>>,
    },
    Call {
        callee: Box<Code>,
        arguments: Vec<Code>,
        /// Whether the library calls it directly, not by reflection: their messages differ.
        is_direct: bool,
    },
    Builtin(Builtin, Vec<Code>),
    Loop(Box<Loop>),
    Let(usize, Box<Code>, Box<Code>),
    Sequence(Vec<Code>),
    Conditional(Box<Code>, Box<Code>, Box<Code>),
    Array(Vec<Code>),
    Map(Vec<(Code, Code)>),
}

/// How two values are compared for being equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Equality {
    Any,
    /// Both must be `int`.
    Ints,
    /// Both must be `string`.
    Texts,
}

/// A test of a text with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextTest {
    Contains,
    StartsWith,
    EndsWith,
}

/// A function with a closure.
#[derive(Debug)]
pub(crate) struct Loop {
    pub(crate) which: Builtin,
    pub(crate) collection: Code,
    pub(crate) closure: Option<Code>,
    /// The order of `sortBy`, the initial value of `reduce`.
    pub(crate) extra: Option<Code>,
    /// What is kept of a hit.
    pub(crate) kept: Option<Code>,
    pub(crate) throws: bool,
    pub(crate) threshold: Option<i64>,
}
