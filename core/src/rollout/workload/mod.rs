//! Rollouts that take their pods from a workload: a Deployment, a ReplicaSet or a PodTemplate (contract 05 §5).
//!
//! - `reference` says what is referred to, [`Referenced`] reads it, and [`fill_in`] puts its pod template where decisions
//!   look for it. Nothing of that is written to the cluster.
//! - `scale` moves the pods of a Deployment over: it says how many the Deployment is to have, also once
//!   the rollout has been deleted. `record` remembers that all have moved, and how often somebody else has brought the Deployment back since.
//! - `tell` says what people need to know: who brings it back, and that pods run twice.

mod read;
mod record;
mod reference;
mod resolve;
mod scale;
mod tell;

pub use read::Referenced;
pub use record::Record;
pub use reference::{Reference, reference};
pub use resolve::fill_in;
pub(crate) use resolve::is_the_one_that_was_observed;
pub use scale::give_back;
pub(crate) use scale::{Scale, scale};
pub(crate) use tell::{annotations, settle};
