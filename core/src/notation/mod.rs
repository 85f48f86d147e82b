//! How Go and Kubernetes write things: durations, selectors and YAML.

pub mod duration;
pub(crate) mod selector;
pub mod yaml;
