//! What several tests share.

pub(crate) mod argo_cd;
pub(crate) mod git_server;
pub(crate) mod repository;
