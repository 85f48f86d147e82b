//! YAML as written: a tree of nodes, each with its place in the file.
//!
//! [`read`] reads every file of a build before kustomize does. It refuses what would make kustomize take all memory, and says
//! of broken text in which line and column it is and what was expected. Scalars mean what they mean to Kubernetes
//! ([`serin_core::notation::yaml`]).

mod error;
mod path;
mod reader;
mod scalar;
mod tree;

pub use error::ReadError;
pub use path::{FieldPath, Step};
pub use reader::{Limits, read, read_with};
pub use tree::{Comment, Document, Duplicate, Entry, Key, Mark, Node, Stream, Tree};
