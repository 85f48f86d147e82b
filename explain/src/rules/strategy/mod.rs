//! `strategy/…`: steps that can hardly be meant.

pub(super) mod background;
pub(super) mod deadline;
pub(super) mod deployment;
pub(super) mod pause_after_full;
pub(super) mod shared_service;
pub(super) mod starting_step;
pub(super) mod weight_decreases;
