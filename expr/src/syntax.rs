//! From text to a tree: the grammar of expr 1.17.

mod escape;
mod lexer;
mod parser;
mod postfix;
mod token;
mod tree;

pub(crate) use parser::{Names, parse};
pub(crate) use tree::{Kind, Node, Operator, Pointer, Unary};
