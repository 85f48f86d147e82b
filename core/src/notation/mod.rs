//! How Go and Kubernetes write things: durations, quoted texts, selectors and YAML.

pub mod duration;
pub mod quote;
pub(crate) mod selector;
pub mod yaml;
