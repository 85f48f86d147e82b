//! Argo Rollouts resources and the decisions of progressive delivery, without IO.

pub mod api;
pub mod decide;
pub mod identity;
pub mod observed;
pub mod plan;
pub mod request;
pub mod view;
pub mod wire;

pub use decide::decide;
pub use observed::Observed;
pub use plan::Plan;
