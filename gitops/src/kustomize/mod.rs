//! kustomize: what a kustomization refers to, what is refused, the run, and the way back from a field to its line.
//!
//! [`Graph::read`] follows a kustomization to all files that its build reads, and refuses what must not be built. [`build`]
//! copies just these files to a folder of their own and runs the user's kustomize on it, without a network. [`Built::place`]
//! leads a field of the output back to the line that a person edits.

mod build;
mod cause;
mod copy;
mod graph;
mod problem;
mod program;
mod reading;
mod sandbox;
pub mod shipped;
mod trace;

pub use build::{Built, Object, Options, Origin, build, from_manifests};
pub use graph::{
    Generated, Generator, Graph, Image, Layer, Patch, PatchKind, Replaced, Replicas, Role, Setting, SettingKind,
    Target, Text,
};
pub use problem::{BuildError, Note, Problem, ProblemKind};
pub use program::{Program, ProgramKind};
pub use trace::{Identity, Reach, Writer, WriterKind};
