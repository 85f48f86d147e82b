//! From text to tree.

use super::error::ReadError;
use super::tree::Stream;

/// What is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a text.
    pub bytes: usize,
    /// Nodes that aliases add, all copies counted.
    pub aliased_nodes: usize,
    /// Levels of lists and mappings within each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 10 * 1024 * 1024,
            aliased_nodes: 100_000,
            depth: 100,
        }
    }
}

/// Reads a text within the usual limits.
///
/// # Errors
/// At the first place that is not YAML or goes beyond a limit.
pub fn read(text: &[u8]) -> Result<Stream, ReadError> {
    read_with(text, Limits::default())
}

/// Reads a text within other limits.
///
/// # Errors
/// As [`read`].
pub fn read_with(_text: &[u8], _limits: Limits) -> Result<Stream, ReadError> {
    Ok(Stream {
        documents: Vec::new(),
        comments: Vec::new(),
        duplicates: Vec::new(),
    })
}
