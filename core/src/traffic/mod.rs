//! Traffic routers: what each one reads and writes, as pure functions of the objects (contract 07).
//!
//! Each router is one file of one shape and has no opinion: `places` names the objects, `references` says what the spec
//! names and is not there, `observe` tells which weights the objects carry, and `desired` gives the objects as they are to
//! be. [`Router`] leads to these, [`changes`] makes the smallest writes of what is desired. Which weights are wanted, and
//! when, is decided in [`crate::rollout`] (design: invariant 3).

mod alb;
mod ambassador;
mod apisix;
mod app_mesh;
pub mod aws;
mod edit;
mod gateway_api;
mod ingress;
mod istio;
mod nginx;
mod object;
mod plugin;
mod smi;
pub mod targets;
pub mod told;
mod traefik;
mod wanted;

pub use alb::verify::Verdict;
pub use gateway_api::GatewayApi;
pub use object::{Change, Next, Place, Problem, Route, Routes, Seen, Told, changes};
pub use plugin::PluginRouter;
pub use wanted::{Destination, Reported, Settings, Site, Wanted};

use crate::api::rollout::{
    AlbRouting, AmbassadorRouting, ApisixRouting, AppMeshRouting, IstioRouting, NginxRouting, SmiRouting,
    TraefikRouting, TrafficRouting,
};
use crate::validate::FieldError;
use aws::Aws;

/// A router that a rollout names.
#[derive(Clone, Debug, PartialEq)]
pub enum Router<'a> {
    /// Istio: VirtualServices and the subsets of a DestinationRule.
    Istio(&'a IstioRouting),
    /// ingress-nginx.
    Nginx(&'a NginxRouting),
    /// AWS load balancer controller.
    Alb(&'a AlbRouting),
    /// Service mesh interface.
    Smi(&'a SmiRouting),
    /// Ambassador.
    Ambassador(&'a AmbassadorRouting),
    /// AWS App Mesh.
    AppMesh(&'a AppMeshRouting),
    /// Traefik.
    Traefik(&'a TraefikRouting),
    /// APISIX.
    Apisix(&'a ApisixRouting),
    /// Gateway API.
    GatewayApi(Box<GatewayApi>),
    /// A compiled plugin. It has no objects: what it is told is decided in [`crate::rollout`].
    Plugin(PluginRouter<'a>),
}

impl<'a> Router<'a> {
    /// The routers of a rollout that have objects, in the order in which they are written (contract 03 §7).
    #[must_use]
    pub fn all(routing: &'a TrafficRouting) -> Vec<Self> {
        let all = [
            routing.istio.as_ref().map(Self::Istio),
            routing.nginx.as_ref().map(Self::Nginx),
            routing.alb.as_ref().map(Self::Alb),
            routing.smi.as_ref().map(Self::Smi),
            routing.ambassador.as_ref().map(Self::Ambassador),
            routing.app_mesh.as_ref().map(Self::AppMesh),
            routing.traefik.as_ref().map(Self::Traefik),
            routing.apisix.as_ref().map(Self::Apisix),
            gateway_api::of(routing).map(|of| Self::GatewayApi(Box::new(of))),
        ];
        all.into_iter().flatten().collect()
    }

    /// Its name, as the field of `trafficRouting` has it.
    #[must_use]
    pub fn name(&self) -> &'a str {
        match self {
            Self::Istio(_) => "istio",
            Self::Nginx(_) => "nginx",
            Self::Alb(_) => "alb",
            Self::Smi(_) => "smi",
            Self::Ambassador(_) => "ambassador",
            Self::AppMesh(_) => "appMesh",
            Self::Traefik(_) => "traefik",
            Self::Apisix(_) => "apisix",
            Self::GatewayApi(_) => "gatewayAPI",
            Self::Plugin(plugin) => plugin.name,
        }
    }

    /// Whether it keeps a client with its version where `trafficRouting.stickiness` asks for that (decision 51).
    #[must_use]
    pub fn sticks(&self) -> bool {
        match self {
            Self::Alb(_) | Self::Traefik(_) | Self::GatewayApi(_) => true,
            Self::Istio(_)
            | Self::Nginx(_)
            | Self::Smi(_)
            | Self::Ambassador(_)
            | Self::AppMesh(_)
            | Self::Apisix(_)
            | Self::Plugin(_) => false,
        }
    }

    /// Objects that it reads or writes. Those that lie behind an object that was not read yet join once it was.
    #[must_use]
    pub fn places(&self, site: &Site<'_>, routes: &Routes) -> Vec<Place> {
        match self {
            Self::Istio(routing) => istio::places(routing, &site.without_ping_pong(), routes),
            Self::Nginx(routing) => nginx::places(routing, site, routes),
            Self::Alb(routing) => alb::places(routing, site, routes),
            Self::Smi(routing) => smi::places(routing, site, routes),
            Self::Ambassador(routing) => ambassador::places(routing, site, routes),
            Self::AppMesh(routing) => app_mesh::places(routing, site, routes),
            Self::Traefik(routing) => traefik::places(routing, site, routes),
            Self::Apisix(routing) => apisix::places(routing, site, routes),
            Self::GatewayApi(routing) => gateway_api::places(routing, site, routes),
            Self::Plugin(_) => Vec::new(),
        }
    }

    /// The first thing that the spec names and that is not there, or cannot be used (contract 01 §9).
    #[must_use]
    pub fn references(&self, site: &Site<'_>, routes: &Routes) -> Option<FieldError> {
        match self {
            Self::Istio(routing) => istio::references(routing, &site.without_ping_pong(), routes),
            Self::Nginx(routing) => nginx::references(routing, site, routes),
            Self::Alb(routing) => alb::references(routing, site, routes),
            Self::Smi(routing) => smi::references(routing, site, routes),
            Self::Ambassador(routing) => ambassador::references(routing, site, routes),
            Self::AppMesh(routing) => app_mesh::references(routing, site, routes),
            Self::Traefik(routing) => traefik::references(routing, site, routes),
            Self::Apisix(routing) => apisix::references(routing, site, routes),
            Self::GatewayApi(routing) => gateway_api::references(routing, site, routes),
            Self::Plugin(_) => None,
        }
    }

    /// What its objects make of the traffic.
    #[must_use]
    pub fn observe(&self, site: &Site<'_>, routes: &Routes) -> Reported {
        match self {
            Self::Istio(routing) => istio::observe(routing, &site.without_ping_pong(), routes),
            Self::Nginx(routing) => nginx::observe(routing, site, routes),
            Self::Alb(routing) => alb::observe(routing, site, routes),
            Self::Smi(routing) => smi::observe(routing, site, routes),
            Self::Ambassador(routing) => ambassador::observe(routing, site, routes),
            Self::AppMesh(routing) => app_mesh::observe(routing, site, routes),
            Self::Traefik(routing) => traefik::observe(routing, site, routes),
            Self::Apisix(routing) => apisix::observe(routing, site, routes),
            Self::GatewayApi(routing) => gateway_api::observe(routing, site, routes),
            Self::Plugin(plugin) => plugin.observe(site),
        }
    }

    /// What AWS says of the weights of its objects; none of a router that is not of AWS.
    #[must_use]
    pub fn verify(&self, site: &Site<'_>, routes: &Routes, aws: &Aws) -> Option<Verdict> {
        match self {
            Self::Alb(routing) => Some(alb::verify::verdict(routing, site, routes, aws)),
            Self::Istio(_)
            | Self::Nginx(_)
            | Self::Smi(_)
            | Self::Ambassador(_)
            | Self::AppMesh(_)
            | Self::Traefik(_)
            | Self::Apisix(_)
            | Self::GatewayApi(_)
            | Self::Plugin(_) => None,
        }
    }

    /// Its objects as they are to be. Objects that it only reads are not among them.
    ///
    /// # Errors
    /// What is missing, or cannot be written, with upstream's words where it has some.
    pub fn desired(&self, site: &Site<'_>, wanted: &Wanted<'_>, routes: &Routes) -> Result<Vec<Next>, Problem> {
        match self {
            Self::Istio(routing) => istio::desired(routing, &site.without_ping_pong(), wanted, routes),
            Self::Nginx(routing) => nginx::desired(routing, site, wanted, routes),
            Self::Alb(routing) => alb::desired(routing, site, wanted, routes),
            Self::Smi(routing) => smi::desired(routing, site, wanted, routes),
            Self::Ambassador(routing) => ambassador::desired(routing, site, wanted, routes),
            Self::AppMesh(routing) => app_mesh::desired(routing, site, wanted, routes),
            Self::Traefik(routing) => traefik::desired(routing, site, wanted, routes),
            Self::Apisix(routing) => apisix::desired(routing, site, wanted, routes),
            Self::GatewayApi(routing) => gateway_api::desired(routing, site, wanted, routes),
            Self::Plugin(_) => Ok(Vec::new()),
        }
    }
}

/// Objects that say that they belong to a rollout, and that it does not name any more, as they are to be without it. `named`
/// are the places of those that it names.
#[must_use]
pub fn left(rollout: &str, named: &[Place], routes: &Routes) -> Vec<Next> {
    istio::left(rollout, named, routes)
}

/// Whether an object may have to be given back by [`left`]: who has read it for a rollout reads it once more when the rollout
/// names it no longer.
#[must_use]
pub fn is_given_back(place: &Place) -> bool {
    istio::is_rule(place)
}
