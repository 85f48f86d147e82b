//! Placeholder while the walls go up.
pub mod control_plane;
pub mod workload;
