//! Experiments: sets of pods that run side by side for a while, and the analyses of them (contract 05 §8).
//!
//! [`decide()`] is given an experiment and what belongs to it ([`Observed`]), and gives a [`Plan`](crate::plan::Plan). What it
//! does follows from the recorded status alone, so that a crash after any write loses nothing:
//!
//! - `look` says what the recorded status means: whether the experiment is to end, and whether its time is over.
//! - `template` sizes the ReplicaSet of one template (`replica_set` makes it), and says how it fares; `service` is its
//!   Service. `analysis` makes the runs, and follows them.
//! - `assess` sums up templates and analyses as the phase, and `conditions` says it in another way.
//! - `validate` finds what is wrong with a spec.
//!
//! A template and an experiment that have ended stay so. Their pods go after `scaleDownDelaySeconds`, and their Services
//! after the pods.

mod analysis;
mod assess;
mod conditions;
mod decide;
mod look;
mod observed;
mod replica_set;
mod service;
mod status;
mod template;
mod validate;

pub use analysis::argument;
pub use decide::decide;
pub use observed::{Observed, OwnService, Taken};
pub use replica_set::{name_of_replica_set, name_of_service};
pub use validate::problem;
