//! Destinations of one route and their weights (contract 07 §1).

use crate::api::rollout::{IstioDestinationRule, IstioRouting};
use crate::traffic::{Site, Wanted};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How routes name the canary and stable.
pub(super) struct Names<'a> {
    /// Service of the canary; may be empty where there are subsets.
    pub(super) canary: &'a str,
    /// Service of stable, likewise.
    pub(super) stable: &'a str,
    /// The subsets.
    pub(super) rule: Option<&'a IstioDestinationRule>,
}

/// What a destination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Canary,
    Stable,
    /// One of `additionalSubsetNames`: it keeps its weight.
    Kept,
    /// Of an experiment, or of nobody.
    Other,
}

impl<'a> Names<'a> {
    pub(super) fn of(routing: &'a IstioRouting, site: &Site<'a>) -> Self {
        Self {
            canary: site.canary_service,
            stable: site.stable_service,
            rule: routing.destination_rule.as_ref(),
        }
    }

    fn role(&self, destination: &Value) -> Role {
        let host = service(destination);
        let subset = destination["destination"]["subset"].as_str().unwrap_or_default();
        let is = |service: &str, name: fn(&IstioDestinationRule) -> &str| {
            let is_subset = self.rule.is_some_and(|rule| name(rule) == subset) && !subset.is_empty();
            is_subset || (!service.is_empty() && host == service)
        };
        let mut kept = self.rule.into_iter().flat_map(|rule| &rule.additional_subset_names);
        if !subset.is_empty() && kept.any(|name| name == subset) {
            Role::Kept
        } else if is(self.canary, |rule| &rule.canary_subset_name) {
            Role::Canary
        } else if is(self.stable, |rule| &rule.stable_subset_name) {
            Role::Stable
        } else {
            Role::Other
        }
    }

    /// The destination that a route lacks, in upstream's words.
    pub(super) fn lack(&self, route: &Value) -> Option<String> {
        let has = |role: Role| list(route).iter().any(|destination| self.role(destination) == role);
        let said = |title: &str, service: &str, subset: fn(&IstioDestinationRule) -> &str| match self.rule {
            Some(rule) => {
                let subset = subset(rule);
                format!("{title} DestinationRule subset '{subset}' not found in route")
            }
            None => format!("{title} Service '{service}' not found in route"),
        };
        if !has(Role::Canary) {
            Some(said("Canary", self.canary, |rule| &rule.canary_subset_name))
        } else if !has(Role::Stable) {
            Some(said("Stable", self.stable, |rule| &rule.stable_subset_name))
        } else {
            None
        }
    }

    /// The weight that a route gives the canary, out of `max`.
    pub(super) fn share(&self, route: &Value, max: i32) -> i32 {
        let list = list(route);
        let of = |destination: &Value| match list {
            // A lone destination needs no weight.
            [only] if only["weight"].is_null() => 1,
            _ => weight(destination),
        };
        let all = list.iter().map(of).fold(0, i64::saturating_add);
        let canaries = list.iter().filter(|destination| self.role(destination) == Role::Canary);
        let canary = canaries.map(of).fold(0, i64::saturating_add);
        if all <= 0 {
            return 0;
        }
        let scaled = (i128::from(canary) * i128::from(max) + i128::from(all) / 2) / i128::from(all);
        i32::try_from(scaled).unwrap_or(max)
    }

    /// What follows the Service's name in the host of the canary or of stable.
    pub(super) fn suffix(&self, route: &Value) -> Option<String> {
        let mut list = list(route).iter();
        let known = list.find(|destination| matches!(self.role(destination), Role::Canary | Role::Stable))?;
        let host = known["destination"]["host"].as_str()?;
        host.find('.').and_then(|dot| host.get(dot..)).map(str::to_owned)
    }

    /// Writes the weights of one route; says whether something changed. Of several destinations of the canary the first
    /// has the weight.
    pub(super) fn weigh(&self, route: &mut Value, site: &Site<'_>, wanted: &Wanted<'_>, suffix: &str) -> bool {
        let Some(list) = route.get_mut("route").and_then(Value::as_array_mut) else {
            return false;
        };
        let before = list.clone();
        let kept = list.iter().filter(|destination| self.role(destination) == Role::Kept);
        let kept = kept.map(weight).fold(0, i64::saturating_add);
        let mut canary = i64::from(wanted.canary);
        let mut stable = i64::from(wanted.stable(site)).saturating_sub(kept).max(0);
        let mut experiments: BTreeMap<&str, i64> = BTreeMap::new();
        for of in &wanted.additional {
            let total = experiments.entry(&of.service).or_default();
            *total = total.saturating_add(of.weight.into());
        }
        let mut absent = experiments.clone();
        list.retain_mut(|destination| match self.role(destination) {
            Role::Canary => set(destination, std::mem::take(&mut canary)),
            Role::Stable => set(destination, std::mem::take(&mut stable)),
            Role::Kept => true,
            Role::Other if experiments.contains_key(service(destination)) => {
                let of = absent.remove(service(destination)).unwrap_or(0);
                set(destination, of)
            }
            // What an ended experiment left cannot be told from what others put there.
            Role::Other => weight(destination) == 0,
        });
        let new = absent.into_iter().map(|(service, weight)| {
            let host = format!("{service}{suffix}");
            json!({"weight": weight, "destination": {"host": host}})
        });
        list.extend(new);
        *list != before
    }
}

/// The destinations of a route.
pub(super) fn list(route: &Value) -> &[Value] {
    route["route"].as_array().map_or(&[], Vec::as_slice)
}

/// The Service that a host names: what stands before the first dot.
fn service(destination: &Value) -> &str {
    let host = destination["destination"]["host"].as_str().unwrap_or_default();
    host.split('.').next().unwrap_or_default()
}

/// A weight, whole or decimal; 0 where there is none.
fn weight(destination: &Value) -> i64 {
    let weight = &destination["weight"];
    #[allow(clippy::cast_possible_truncation)]
    let decimal = || weight.as_f64().map(|weight| weight as i64);
    weight.as_i64().or_else(decimal).unwrap_or(0).max(0)
}

/// Sets a weight unless it is that already. The destination stays.
fn set(destination: &mut Value, to: i64) -> bool {
    let is_right = weight(destination) == to && destination["weight"].as_f64().is_none_or(|of| of >= 0.0);
    if let Some(fields) = destination.as_object_mut().filter(|_| !is_right) {
        fields.insert("weight".to_owned(), to.into());
    }
    true
}
