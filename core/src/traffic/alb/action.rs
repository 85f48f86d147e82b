//! The texts of the annotations: what a load balancer does, and when (contract 07 §3).

use crate::api::canary_step::SetHeaderRoute;
use crate::traffic::edit;
use serde::Serialize;
use serde_json::Value;

/// The action of a rule of the load balancer. Field names and their order are upstream's.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Action<'a> {
    r#type: &'static str,
    forward_config: Forward<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Forward<'a> {
    target_groups: Vec<TargetGroup<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_group_stickiness_config: Option<Sticky>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TargetGroup<'a> {
    service_name: &'a str,
    service_port: String,
    weight: i32,
}

/// A client stays with its target group.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sticky {
    enabled: bool,
    duration_seconds: i64,
}

/// The action that shares the traffic among Services; clients stay with theirs for some seconds, or not at all.
pub(super) fn forward(shares: &[(&str, i32)], port: i32, sticky: Option<i64>) -> String {
    let target_group = |&(service_name, weight): &(_, i32)| TargetGroup {
        service_name,
        service_port: port.to_string(),
        weight,
    };
    let action = Action {
        r#type: "forward",
        forward_config: Forward {
            target_groups: shares.iter().map(target_group).collect(),
            target_group_stickiness_config: sticky.map(|duration_seconds| Sticky {
                enabled: true,
                duration_seconds,
            }),
        },
    };
    text(&action)
}

/// The weight that an action gives a Service, out of `max`.
pub(super) fn share(action: &str, service: &str, max: i32) -> i32 {
    let action: Value = serde_json::from_str(action).unwrap_or_default();
    let groups = field(&action, "forwardConfig").and_then(|config| field(config, "targetGroups"));
    let groups: Vec<(&str, i64)> = groups
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|group| {
            let name = field(group, "serviceName").and_then(Value::as_str);
            (name.unwrap_or_default(), field(group, "weight").map_or(0, edit::weight))
        })
        .collect();
    let sum = |of: &mut dyn Iterator<Item = i64>| of.fold(0, i64::saturating_add);
    let own = groups.iter().filter(|(name, _)| *name == service);
    let own = sum(&mut own.map(|(_, weight)| *weight));
    edit::scaled(own, sum(&mut groups.iter().map(|(_, weight)| *weight)), max)
}

/// A field by its name in any capitals, as the controller of the load balancer reads it.
fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let mut fields = object.as_object()?.iter();
    fields
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Condition<'a> {
    field: &'static str,
    http_header_config: Header<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    http_header_name: &'a str,
    values: Vec<&'a str>,
}

/// The condition of a route by header: one for each header, with all its values.
pub(super) fn conditions(route: &SetHeaderRoute) -> String {
    let mut conditions: Vec<Condition<'_>> = Vec::new();
    for of in &route.r#match {
        let value = of.header_value.exact.as_str();
        let known = conditions.iter_mut().map(|condition| &mut condition.http_header_config);
        let same = |header: &&mut Header<'_>| header.http_header_name.eq_ignore_ascii_case(&of.header_name);
        if let Some(header) = known.into_iter().find(same) {
            header.values.push(value);
        } else {
            conditions.push(Condition {
                field: "http-header",
                http_header_config: Header {
                    http_header_name: &of.header_name,
                    values: vec![value],
                },
            });
        }
    }
    text(&conditions)
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
