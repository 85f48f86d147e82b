//! Gateway API.

use super::{Next, Place, Problem, Reported, Routes, Site, Wanted};
use crate::api::rollout::{GatewayApiRouting, TrafficRouting};
use crate::validate::FieldError;

/// The configuration that a spec has: its own field, else that of the plugin of this name.
pub(super) fn of(routing: &TrafficRouting) -> Option<GatewayApiRouting> {
    routing.gateway_api.clone()
}

pub(super) fn places(_: &GatewayApiRouting, _: &Site<'_>, _: &Routes) -> Vec<Place> {
    Vec::new()
}

pub(super) fn references(_: &GatewayApiRouting, _: &Site<'_>, _: &Routes) -> Option<FieldError> {
    None
}

pub(super) fn observe(_: &GatewayApiRouting, _: &Site<'_>, _: &Routes) -> Reported {
    Reported::default()
}

pub(super) fn desired(_: &GatewayApiRouting, _: &Site<'_>, _: &Wanted<'_>, _: &Routes) -> Result<Vec<Next>, Problem> {
    Ok(Vec::new())
}
