//! What Serin reads of Git, kustomize and Argo CD. Nothing here writes to any of them.
//!
//! | Room | What it holds |
//! | --- | --- |
//! | [`yaml`] | YAML as written, with the line of each key and value |
//! | [`files`] | a tree of files: a folder on disk, or the tree of a commit |
//! | [`git`] | reading a repository, local or remote |
//! | [`kustomize`] | what a kustomization refers to, what is refused, the run, and the way back from a field to its line |
//! | [`argocd`] | Argo CD's REST API and the Application object, read only |

pub mod argocd;
pub mod files;
pub mod git;
pub mod kustomize;
mod web;
pub mod yaml;
