//! Traefik.

use super::{Next, Place, Problem, Reported, Routes, Site, Wanted};
use crate::api::rollout::TraefikRouting;
use crate::validate::FieldError;

pub(super) fn places(_: &TraefikRouting, _: &Site<'_>, _: &Routes) -> Vec<Place> {
    Vec::new()
}

pub(super) fn references(_: &TraefikRouting, _: &Site<'_>, _: &Routes) -> Option<FieldError> {
    None
}

pub(super) fn observe(_: &TraefikRouting, _: &Site<'_>, _: &Routes) -> Reported {
    Reported::default()
}

pub(super) fn desired(_: &TraefikRouting, _: &Site<'_>, _: &Wanted<'_>, _: &Routes) -> Result<Vec<Next>, Problem> {
    Ok(Vec::new())
}
