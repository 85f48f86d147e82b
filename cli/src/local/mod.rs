//! What happens on this machine: files are read, and a cluster in this process plays a rollout.

pub(crate) mod demo;
pub(crate) mod manifest;
pub(crate) mod sandbox;
pub(crate) mod single;
pub(crate) mod strict;
