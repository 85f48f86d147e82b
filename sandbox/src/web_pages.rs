//! Keeps web pages out: the server has no users, so any page in a browser on this machine could otherwise write to it.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::request::Parts;

use crate::status::ApiError;

/// Refuses what a web page may have sent.
///
/// - `Host`, and the name in an absolute target, must be `localhost` or an address. A page whose own name was made to lead to
///   this machine (DNS rebinding) is betrayed by that name; nobody can make an address or `localhost` lead elsewhere.
/// - `Origin`, which browsers add to what pages send to other places, must be this server itself. Programs send none.
pub(crate) fn check(request: &Parts) -> Result<(), ApiError> {
    let target = request.uri.authority().map(|it| it.as_str());
    let hosts: Vec<&str> = texts(&request.headers, &HOST).collect();
    let [host] = hosts.as_slice() else {
        return Err(refused("the request names no host, or more than one"));
    };
    for name in target.iter().chain([host]) {
        if !is_local(name) {
            return Err(refused(&format!(
                "it is asked for as {name:?}, and answers only to localhost and to IP addresses: use one of them in the kubeconfig"
            )));
        }
    }
    let own = format!("http://{host}");
    match texts(&request.headers, &ORIGIN).find(|it| !it.eq_ignore_ascii_case(&own)) {
        Some(origin) => Err(refused(&format!("the request comes from a web page of {origin:?}"))),
        None => Ok(()),
    }
}

fn refused(why: &str) -> ApiError {
    ApiError::new(
        403,
        "Forbidden",
        format!("the sandbox is for programs on this machine: {why}"),
    )
}

/// A header's values; one that is no text is shown as empty, which fits nothing.
fn texts<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().map(|it| it.to_str().unwrap_or_default())
}

/// Whether a host, with or without a port, is `localhost` or an address.
fn is_local(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, port)| {
            address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port.strip_prefix(':')))
        });
    }
    let (name, port) = host
        .split_once(':')
        .map_or((host, None), |(name, port)| (name, Some(port)));
    (name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()) && (port.is_none() || is_port(port))
}

fn is_port(text: Option<&str>) -> bool {
    text.is_some_and(|it| it.parse::<u16>().is_ok())
}
