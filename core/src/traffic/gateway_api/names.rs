//! Which routes a configuration names.

use super::GatewayApi;
use crate::api::rollout::{GatewayApiRouting, GatewayRoute};
use crate::traffic::{Place, Routes, Seen, Site};
use serde_json::Value;

/// Kinds of routes, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Http,
    Grpc,
    Tcp,
    Tls,
}

const KINDS: [Kind; 4] = [Kind::Http, Kind::Grpc, Kind::Tcp, Kind::Tls];

impl Kind {
    /// The kind as a field of the configuration.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Http => "httpRoute",
            Self::Grpc => "grpcRoute",
            Self::Tcp => "tcpRoute",
            Self::Tls => "tlsRoute",
        }
    }

    /// Whether its rules match headers and persist sessions.
    pub(super) fn has_headers(self) -> bool {
        matches!(self, Self::Http | Self::Grpc)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTPRoute",
            Self::Grpc => "GRPCRoute",
            Self::Tcp => "TCPRoute",
            Self::Tls => "TLSRoute",
        }
    }

    fn version(self) -> &'static str {
        if self.has_headers() { "v1" } else { "v1alpha2" }
    }

    /// The route with a field of its own, the rule of it, the list, and whether there is a selector.
    fn written(self, of: &GatewayApiRouting) -> (&str, &str, &[GatewayRoute], bool) {
        match self {
            Self::Http => (
                &of.http_route,
                &of.http_route_rule_name,
                &of.http_routes,
                of.http_route_selector.is_some(),
            ),
            Self::Grpc => (
                &of.grpc_route,
                &of.grpc_route_rule_name,
                &of.grpc_routes,
                of.grpc_route_selector.is_some(),
            ),
            Self::Tcp => (
                &of.tcp_route,
                &of.tcp_route_rule_name,
                &of.tcp_routes,
                of.tcp_route_selector.is_some(),
            ),
            Self::Tls => (
                &of.tls_route,
                &of.tls_route_rule_name,
                &of.tls_routes,
                of.tls_route_selector.is_some(),
            ),
        }
    }
}

/// A route that is managed.
pub(super) struct Chosen {
    pub(super) kind: Kind,
    /// Where it is.
    pub(super) place: Place,
    /// Where it was looked for first: in a version that is not served.
    pub(super) first: Option<Place>,
    /// Whether routes by header are added to it.
    pub(super) use_headers: bool,
    /// The only rule that is managed, unless it is empty.
    rule: String,
}

impl Chosen {
    /// Whether a rule is one of those that are managed, going by its name.
    pub(super) fn manages(&self, rule: &Value) -> bool {
        self.rule.is_empty() || rule["name"].as_str() == Some(self.rule.as_str())
    }
}

/// The routes that a configuration names, each once: lists first, as the plugin has it. One with a field of its own takes
/// routes by header.
pub(super) fn chosen(of: &GatewayApi, site: &Site<'_>, routes: &Routes) -> Vec<Chosen> {
    let mut all: Vec<Chosen> = Vec::new();
    for kind in KINDS {
        let (name, rule, list, _) = kind.written(&of.routing);
        let listed = list
            .iter()
            .map(|of| (of.name.as_str(), of.rule_name.as_str(), of.use_header_routes));
        for (name, rule, use_headers) in listed.chain([(name, rule, true)]) {
            if name.is_empty() {
                continue;
            }
            if let Some(known) = all
                .iter_mut()
                .find(|known| known.kind == kind && known.place.name == name)
            {
                known.use_headers |= use_headers;
                continue;
            }
            let (first, place) = places(kind, name, of, site, routes);
            all.push(Chosen {
                kind,
                place,
                first,
                use_headers,
                rule: rule.to_owned(),
            });
        }
    }
    all
}

/// Where a route is, and where it was looked for before. TCP and TLS routes are served as `v1` alone by newer releases.
fn places(kind: Kind, name: &str, of: &GatewayApi, site: &Site<'_>, routes: &Routes) -> (Option<Place>, Place) {
    let namespace = match of.routing.namespace.as_str() {
        "" => site.namespace,
        namespace => namespace,
    };
    let place = |version: &str| Place {
        api_version: format!("gateway.networking.k8s.io/{version}"),
        kind: kind.name().to_owned(),
        plural: format!("{}s", kind.name().to_lowercase()),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let first = place(kind.version());
    if !kind.has_headers() && *routes.seen(&first) == Seen::NotServed {
        return (Some(first), place("v1"));
    }
    (None, first)
}

/// A field that selects routes by their labels.
pub(super) fn selector(of: &GatewayApiRouting) -> Option<String> {
    let kind = KINDS.into_iter().find(|kind| kind.written(of).3)?;
    Some(format!("{}Selector", kind.field()))
}

/// An entry of a list that names no route.
pub(super) fn unnamed(of: &GatewayApiRouting) -> Option<String> {
    KINDS.into_iter().find_map(|kind| {
        let index = kind.written(of).2.iter().position(|route| route.name.is_empty())?;
        Some(format!("{}s[{index}].name", kind.field()))
    })
}

/// Whether no route is named.
pub(super) fn is_empty(of: &GatewayApiRouting) -> bool {
    KINDS.into_iter().all(|kind| {
        let (name, _, list, _) = kind.written(of);
        name.is_empty() && list.is_empty()
    })
}
