//! Running a compiled expression.

mod access;
mod convert;
mod equal;
mod evaluate;
mod loops;
mod operate;

pub(crate) use access::{fetch, is_unhashable, kind_name, length, lookup};
pub(crate) use convert::{deref, to_int, wrong_type};
pub(crate) use equal::equal;
pub(crate) use evaluate::run;
pub(crate) use operate::{Arithmetic, Comparison, between, compare, later, less};
