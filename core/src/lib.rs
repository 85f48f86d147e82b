//! Argo Rollouts resources and the decisions of progressive delivery, without IO.

pub mod api;
pub mod crd;
pub mod decide;
pub mod go_duration;
pub mod identity;
pub mod observed;
pub mod plan;
pub mod spec;
pub mod validate;
pub mod wire;
pub mod yaml;

pub use decide::decide;
pub use observed::Observed;
pub use plan::Plan;
