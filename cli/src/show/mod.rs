//! What a command shows: results, failures and the log.

pub(crate) mod coloring;
pub(crate) mod columns;
pub(crate) mod console;
pub(crate) mod data;
pub(crate) mod failure;
pub(crate) mod info;
pub(crate) mod logs;
pub(crate) mod program;
pub(crate) mod tree;
