//! What a command shows: results, failures and the log.

pub mod console;
pub mod failure;
pub mod info;
pub(crate) mod logs;
pub mod tree;
