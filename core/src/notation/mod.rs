//! How Go and Kubernetes write things: durations, values, quoted texts, JSONPath, selectors and YAML.

pub mod duration;
pub mod go_value;
pub mod jsonpath;
pub(crate) mod merge;
pub(crate) mod selector;
pub mod yaml;
