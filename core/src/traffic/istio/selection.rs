//! Which routes of a VirtualService carry the weights (contract 07 §1).

use super::destinations::Names;
use crate::api::rollout::IstioVirtualService;
use serde_json::Value;
use std::collections::BTreeSet;

/// One of the three lists of routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    Tls,
    Tcp,
}

impl Protocol {
    pub(super) const ALL: [Self; 3] = [Self::Http, Self::Tls, Self::Tcp];

    /// The field under `spec`.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Tcp => "tcp",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Tls => "TLS",
            Self::Tcp => "TCP",
        }
    }

    /// The field of the rollout that names routes of this list.
    fn option(self) -> &'static str {
        match self {
            Self::Http => "routes",
            Self::Tls => "tlsRoutes",
            Self::Tcp => "tcpRoutes",
        }
    }

    /// What is said where the rollout names no route and there are several.
    fn several(self) -> String {
        let (field, option) = (self.field(), self.option());
        format!(
            "spec.{field}[] should be set in VirtualService and it must have exactly one route when omitting \
             spec.strategy.canary.trafficRouting.istio.virtualService.{option}"
        )
    }
}

/// Routes of one list, by index.
pub(super) struct Selection {
    pub(super) protocol: Protocol,
    pub(super) indices: Vec<usize>,
}

impl Selection {
    pub(super) fn routes<'a>(&self, object: &'a Value) -> impl Iterator<Item = &'a Value> {
        let list = list(object, self.protocol);
        self.indices.clone().into_iter().filter_map(|index| list.get(index))
    }

    pub(super) fn routes_mut<'a>(&self, object: &'a mut Value) -> impl Iterator<Item = &'a mut Value> {
        let indices = self.indices.clone();
        let all = list_mut(object, self.protocol).into_iter().flatten().enumerate();
        all.filter(move |(index, _)| indices.contains(index))
            .map(|(_, route)| route)
    }
}

/// Why the routes cannot carry weights.
pub(super) struct Unusable {
    /// The list in question; none where there is no list.
    pub(super) protocol: Option<Protocol>,
    pub(super) detail: String,
}

/// The routes of a list; none where there is no such list.
pub(super) fn list(object: &Value, protocol: Protocol) -> &[Value] {
    object["spec"][protocol.field()].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn list_mut(object: &mut Value, protocol: Protocol) -> Option<&mut Vec<Value>> {
    object.get_mut("spec")?.get_mut(protocol.field())?.as_array_mut()
}

/// The routes that carry the weights, list by list; each has both destinations.
pub(super) fn usable(
    object: &Value,
    of: &IstioVirtualService,
    names: &Names<'_>,
    managed: &[&str],
) -> Result<Vec<Selection>, Unusable> {
    let selections = selections(object, of, names, managed)?;
    for selection in &selections {
        if let Some(detail) = selection.routes(object).find_map(|route| names.lack(route)) {
            return Err(Unusable {
                protocol: Some(selection.protocol),
                detail,
            });
        }
    }
    Ok(selections)
}

/// The routes that are to carry the weights, list by list.
pub(super) fn selections(
    object: &Value,
    of: &IstioVirtualService,
    names: &Names<'_>,
    managed: &[&str],
) -> Result<Vec<Selection>, Unusable> {
    let spec = &object["spec"];
    let mut selections = Vec::new();
    for protocol in Protocol::ALL {
        let Some(routes) = spec[protocol.field()].as_array() else {
            continue;
        };
        let indices = match protocol {
            Protocol::Http => http(routes, of, names, managed),
            Protocol::Tls => {
                let listed = of.tls_routes.iter().map(|route| (route.port, Some(&route.sni_hosts)));
                by_match(routes, protocol, &listed.collect::<Vec<_>>())
            }
            Protocol::Tcp => {
                let listed = of.tcp_routes.iter().map(|route| (route.port, None));
                by_match(routes, protocol, &listed.collect::<Vec<_>>())
            }
        };
        let indices = indices.map_err(|detail| Unusable {
            protocol: Some(protocol),
            detail,
        })?;
        selections.push(Selection { protocol, indices });
    }
    if selections.is_empty() {
        return Err(Unusable {
            protocol: None,
            detail: "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService".to_owned(),
        });
    }
    Ok(selections)
}

/// HTTP routes by name; without names the one that no step sets.
fn http(routes: &[Value], of: &IstioVirtualService, names: &Names<'_>, managed: &[&str]) -> Result<Vec<usize>, String> {
    let indices = |is: &dyn Fn(&Value) -> bool| -> Vec<usize> {
        let all = routes.iter().enumerate();
        all.filter(|(_, route)| is(route)).map(|(index, _)| index).collect()
    };
    if !of.routes.is_empty() {
        let is_named = |route: &Value, name: &String| route["name"].as_str() == Some(name);
        let mut named = of.routes.iter();
        if let Some(name) = named.find(|name| !routes.iter().any(|route| is_named(route, name))) {
            return Err(format!(
                "HTTP Route '{name}' is not found in the defined Virtual Service."
            ));
        }
        return Ok(indices(&|route| of.routes.iter().any(|name| is_named(route, name))));
    }
    let is_managed = |route: &Value| route["name"].as_str().is_some_and(|name| managed.contains(&name));
    let mut own = indices(&|route| !is_managed(route));
    if own.is_empty() {
        // `managedRoutes` may name the route itself, to give it a place in the order. No step sets such a route.
        own = indices(&|route| route.get("mirror").is_none() && names.lack(route).is_none());
    }
    match own.len() {
        0 | 1 => Ok(own),
        _ => Err(Protocol::Http.several()),
    }
}

/// TLS and TCP routes by port, and by hosts where these count; the only one where none is listed.
fn by_match(
    routes: &[Value],
    protocol: Protocol,
    listed: &[(i64, Option<&Vec<String>>)],
) -> Result<Vec<usize>, String> {
    if listed.is_empty() {
        return match routes.len() {
            0 | 1 => Ok((0..routes.len()).collect()),
            _ => Err(protocol.several()),
        };
    }
    let indices = routes.iter().enumerate().filter(|(_, route)| {
        let mut listed = listed.iter();
        listed.any(|(port, hosts)| fits(route, *port, hosts.map(Vec::as_slice)))
    });
    let indices: Vec<usize> = indices.map(|(index, _)| index).collect();
    if indices.is_empty() {
        let title = protocol.title();
        return Err(format!(
            "No matching {title} routes found in the defined Virtual Service."
        ));
    }
    Ok(indices)
}

/// Whether all blocks of a route match one port, and together these hosts.
fn fits(route: &Value, port: i64, hosts: Option<&[String]>) -> bool {
    let blocks = || route["match"].as_array().into_iter().flatten();
    let mut ports: BTreeSet<i64> = blocks().map(|block| block["port"].as_i64().unwrap_or(0)).collect();
    if ports.is_empty() {
        ports.insert(0);
    }
    let of_block = |block: &Value| -> Vec<String> {
        let hosts = block["sniHosts"].as_array().into_iter().flatten();
        hosts.filter_map(|host| host.as_str().map(str::to_owned)).collect()
    };
    ports == BTreeSet::from([port])
        && hosts.is_none_or(|hosts| {
            let found: BTreeSet<String> = blocks().flat_map(of_block).collect();
            found == hosts.iter().cloned().collect()
        })
}
