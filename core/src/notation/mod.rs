//! How Go and Kubernetes write things: durations and YAML.

pub mod duration;
pub mod yaml;
