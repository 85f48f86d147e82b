//! Which pods a Service leads to, and whether a target group has them as healthy targets (contract 07 §3).

use crate::observed::aws::{Says, Target};
use crate::traffic::{Place, Told};
use crate::wire::event;
use serde_json::Value;

/// States of a target that gets requests. One without health checks is `unavailable` to them.
const SERVING: [&str; 2] = ["healthy", "unavailable"];

/// An address that a Service leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: String,
    /// Name of its pod; empty where that is not known.
    pub pod: String,
}

/// Where the addresses of a Service are.
#[must_use]
pub fn endpoints(namespace: &str, service: &str) -> Place {
    Place {
        api_version: "v1".to_owned(),
        kind: "Endpoints".to_owned(),
        plural: "endpoints".to_owned(),
        namespace: namespace.to_owned(),
        name: service.to_owned(),
    }
}

/// The addresses of ready pods.
#[must_use]
pub fn addresses(endpoints: Option<&Value>) -> Vec<Address> {
    let subsets = endpoints.and_then(|of| of["subsets"].as_array());
    let addresses = subsets
        .into_iter()
        .flatten()
        .filter_map(|subset| subset["addresses"].as_array());
    let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
    addresses
        .flatten()
        .map(|address| Address {
            ip: text(&address["ip"]),
            pod: text(&address["targetRef"]["name"]),
        })
        .collect()
}

/// What is told where all addresses, one at least, are healthy targets.
///
/// # Errors
/// If AWS cannot be asked, or lacks some of them; nothing is told where there are no addresses, or no answer, yet.
pub fn are_healthy(
    service: &str,
    arn: &str,
    addresses: &[Address],
    says: Option<&Says>,
) -> Result<Told, Option<Told>> {
    let targets = match says {
        None | Some(Says::LoadBalancer(_) | Says::NoLoadBalancer) => return Err(None),
        Some(Says::Failure(why)) => {
            let message = format!("Failed to verify Service {service} (TargetGroup {arn}): {why}");
            return Err(Some(Told::new(event::TARGET_GROUP_VERIFY_ERROR, message)));
        }
        Some(Says::Targets(targets)) => targets,
    };
    let serves = |address: &&Address| {
        let is_it = |target: &Target| target.id == address.ip && SERVING.contains(&target.state.as_str());
        targets.iter().any(is_it)
    };
    if addresses.is_empty() {
        // The Service does not lead to them yet.
        return Err(None);
    }
    let (all, healthy) = (addresses.len(), addresses.iter().filter(serves).count());
    let what = format!("Service {service} (TargetGroup {arn})");
    if healthy == all {
        let message = format!("{what} verified: {all} endpoints registered");
        return Ok(Told::new(event::TARGET_GROUP_VERIFIED, message));
    }
    let message = format!("{what} not verified: {healthy}/{all} endpoints registered and healthy");
    Err(Some(Told::new(event::TARGET_GROUP_UNVERIFIED, message)))
}
