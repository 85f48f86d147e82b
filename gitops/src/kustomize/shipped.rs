//! Configurations and schemas that Serin ships. `gitops/tests/shipped.rs` generates and compares the files.

/// The configuration of transformers that knows every field of the five kinds, and of their neighbours, that names another
/// object.
pub const TRANSFORM: &str = include_str!("../../shipped/serin-transform.yaml");
/// The schema of the five kinds and of all kinds that kustomize itself knows.
pub const SCHEMA: &str = include_str!("../../shipped/serin-schema.json");

/// What `rollout-transform.yaml` of upstream's documentation does.
pub(super) const PUBLISHED_TRANSFORM: &str = include_str!("../../shipped/published/rollout-transform.yaml");
/// What `rollout-transform-kustomize-v5.yaml` of upstream's documentation does.
pub(super) const PUBLISHED_TRANSFORM_V5: &str = include_str!("../../shipped/published/rollout-transform-v5.yaml");
/// What `rollout_cr_schema.json` of upstream's documentation does.
pub(super) const PUBLISHED_SCHEMA: &str = include_str!("../../shipped/published/rollout-schema.json");
