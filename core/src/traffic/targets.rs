//! Which pods a Service leads to, and whether a target group has them as healthy targets (contract 07 §3).

use crate::traffic::aws::{Says, Target};
use crate::traffic::{Place, Settings, Told};
use crate::wire::event;
use serde_json::Value;

/// States of a target that gets requests. One without health checks is `unavailable` to them.
const SERVING: [&str; 2] = ["healthy", "unavailable"];

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

/// Where all TargetGroupBindings of a namespace are: a list has no name.
#[must_use]
pub fn bindings(settings: &Settings, namespace: &str) -> Place {
    Place {
        api_version: settings.target_group_binding_api_version.clone(),
        kind: "TargetGroupBinding".to_owned(),
        plural: "targetgroupbindings".to_owned(),
        namespace: namespace.to_owned(),
        name: String::new(),
    }
}

/// ARNs of the target groups that are bound to a Service, and whose targets are addresses of pods.
#[must_use]
pub fn bound<'v>(list: &'v Value, service: &str) -> Vec<&'v str> {
    let items = list["items"].as_array().into_iter().flatten();
    let specs = items.map(|item| &item["spec"]);
    let bound = specs.filter(|spec| spec["serviceRef"]["name"].as_str() == Some(service) && spec["targetType"] == "ip");
    bound
        .map(|spec| spec["targetGroupARN"].as_str().unwrap_or_default())
        .collect()
}

/// The addresses of ready pods of a ReplicaSet.
#[must_use]
pub fn addresses(endpoints: Option<&Value>, replica_set: &str) -> Vec<String> {
    let subsets = endpoints.and_then(|of| of["subsets"].as_array());
    let addresses = subsets
        .into_iter()
        .flatten()
        .filter_map(|subset| subset["addresses"].as_array());
    let pods = format!("{replica_set}-");
    let of_set = |address: &&Value| {
        let pod = address["targetRef"]["name"].as_str();
        pod.is_some_and(|pod| pod.starts_with(&pods))
    };
    addresses
        .flatten()
        .filter(of_set)
        .filter_map(|address| address["ip"].as_str().map(str::to_owned))
        .collect()
}

/// What is told where all addresses, one at least, are healthy targets.
///
/// # Errors
/// If AWS cannot be asked, or lacks some of them; nothing is told where there are no addresses, or no answer, yet.
pub fn are_healthy(service: &str, arn: &str, addresses: &[String], says: Option<&Says>) -> Result<Told, Option<Told>> {
    let targets = match says {
        None | Some(Says::LoadBalancer(_) | Says::NoLoadBalancer) => return Err(None),
        Some(Says::Failure(why)) => {
            let message = format!("Failed to verify Service {service} (TargetGroup {arn}): {why}");
            return Err(Some(Told::new(event::TARGET_GROUP_VERIFY_ERROR, message)));
        }
        Some(Says::Targets(targets)) => targets,
    };
    let serves = |address: &&String| {
        let is_it = |target: &Target| target.id == **address && SERVING.contains(&target.state.as_str());
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
