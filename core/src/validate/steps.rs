//! Rules of canary steps.

use super::canary::by_plugin;
use super::{FieldError, labels};
use crate::api::analysis::AnalysisArgument;
use crate::api::rollout::{CanaryStep, CanaryStrategy, ExperimentStep, StringMatch, TrafficRouting};
use crate::meaning::{PauseLength, max_weight, pause_duration, weight_at};

const ONE_OF: &str = "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";

pub(super) fn step(errors: &mut Vec<FieldError>, canary: &CanaryStrategy, index: usize, step: &CanaryStep) {
    let path = &format!("spec.strategy.steps[{index}]");
    let routing = canary.traffic_routing.as_deref();
    kinds(errors, step, path);
    let most = max_weight(canary);
    if let Some(weight) = step.set_weight.filter(|weight| *weight < 0 || *weight > most) {
        let detail = format!("SetWeight needs to be between 0 and {most}");
        errors.push(FieldError::invalid(format!("{path}.setWeight"), &weight, detail));
    }
    let seconds = step.pause.as_ref().map(pause_duration).and_then(|length| match length {
        PauseLength::Indefinite => None,
        PauseLength::Seconds(seconds) => Some(seconds),
        PauseLength::Invalid => Some(-1),
    });
    if let Some(seconds) = seconds.filter(|seconds| *seconds < 0) {
        let detail = "Duration needs to be greater than 0";
        errors.push(FieldError::invalid(format!("{path}.pause.duration"), &seconds, detail));
    }
    if step.set_canary_scale.is_some() && routing.is_none() {
        let detail = "SetCanaryScale requires TrafficRouting to be set";
        errors.push(FieldError::required("spec.strategy.trafficRouting", detail));
    }
    header_route(errors, step, routing, &format!("{path}.setHeaderRoute"));
    mirror_route(errors, step, routing, &format!("{path}.setMirrorRoute"));
    if let Some(routing) = routing {
        managed_routes(errors, step, routing, path);
    }
    if let Some(experiment) = &step.experiment {
        let path = format!("{path}.experiment.templates");
        template_weights(errors, experiment, routing, &path);
        let before = canary.steps.iter().map(|step| step.set_weight);
        room_for_templates(errors, experiment, (weight_at(before, index), most), &path);
    }
    arguments(errors, step, &format!("{path}.analyses"));
}

/// Only four of the types exclude each other (contract 01 §8).
fn kinds(errors: &mut Vec<FieldError>, step: &CanaryStep, path: &str) {
    let CanaryStep {
        set_weight,
        pause,
        experiment,
        analysis,
        ..
    } = step;
    let exclusive = [
        set_weight.is_some(),
        pause.is_some(),
        experiment.is_some(),
        analysis.is_some(),
    ];
    if exclusive.iter().filter(|given| **given).count() > 1 {
        let [weight, pause, experiment, analysis] = exclusive;
        let value = format!(
            "step.Experiment: {experiment} step.Pause: {pause} step.SetWeight: {weight} step.Analysis: {analysis}"
        );
        errors.push(FieldError::invalid(path, &value, ONE_OF));
    }
    if *step == CanaryStep::default() {
        // Upstream prints whether each type is *absent*.
        let value = "step.Experiment: true step.Pause: true step.SetWeight: true step.Analysis: true \
                     step.SetCanaryScale: true step.SetHeaderRoute: true step.SetMirrorRoute: true step.Plugin: true";
        errors.push(FieldError::invalid(path, value, ONE_OF));
    }
}

fn header_route(errors: &mut Vec<FieldError>, step: &CanaryStep, routing: Option<&TrafficRouting>, path: &str) {
    let Some(route) = &step.set_header_route else { return };
    let able = |r: &&TrafficRouting| r.istio.is_some() || r.alb.is_some() || r.apisix.is_some() || by_plugin(r);
    let Some(routing) = routing.filter(able) else {
        let detail = "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix";
        errors.push(FieldError::invalid(path, &**route, detail));
        return;
    };
    for (index, header) in route.r#match.iter().enumerate() {
        let (value, path) = (&header.header_value, format!("{path}.match[{index}]"));
        if routing.alb.is_none() {
            string_match(errors, value, &path);
        } else if value.exact.is_empty() || !value.regex.is_empty() || !value.prefix.is_empty() {
            let detail = "SetHeaderRoute match value invalid. ALB supports 'exact' value only";
            errors.push(FieldError::invalid(path, value, detail));
        }
    }
}

fn mirror_route(errors: &mut Vec<FieldError>, step: &CanaryStep, routing: Option<&TrafficRouting>, path: &str) {
    let Some(route) = &step.set_mirror_route else { return };
    if !routing.is_some_and(|routing| routing.istio.is_some() || by_plugin(routing)) {
        let detail = "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins";
        errors.push(FieldError::invalid(path, &**route, detail));
    }
    for (index, request) in route.r#match.iter().enumerate() {
        let path = format!("{path}.match[{index}]");
        // Headers are not checked (contract 01 §8).
        for value in request.method.iter().chain(&request.path) {
            string_match(errors, value, &path);
        }
    }
}

fn string_match(errors: &mut Vec<FieldError>, value: &StringMatch, path: &str) {
    let given = [&value.exact, &value.regex, &value.prefix]
        .into_iter()
        .filter(|text| !text.is_empty())
        .count();
    let detail = match given {
        0 => "StringMatch value missed, match value must have one of the following: exact, regex, prefix",
        1 => return,
        _ => "StringMatch match value must have exactly one of the following: exact, regex, prefix",
    };
    errors.push(FieldError::invalid(path, value, detail));
}

fn managed_routes(errors: &mut Vec<FieldError>, step: &CanaryStep, routing: &TrafficRouting, path: &str) {
    let header = step
        .set_header_route
        .as_ref()
        .map(|route| ("setHeaderRoute", &route.name));
    let mirror = step
        .set_mirror_route
        .as_ref()
        .map(|route| ("setMirrorRoute", &route.name));
    let names: Vec<_> = header.into_iter().chain(mirror).collect();
    if routing.managed_routes.is_empty() && !names.is_empty() {
        let detail = "Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'";
        errors.push(FieldError::required(
            "spec.strategy.trafficRouting.managedRoutes",
            detail,
        ));
        return;
    }
    for (field, name) in names {
        if !routing.managed_routes.iter().any(|route| route.name == *name) {
            let detail =
                "Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes";
            errors.push(FieldError::invalid(format!("{path}.{field}"), name, detail));
        }
    }
}

fn template_weights(
    errors: &mut Vec<FieldError>,
    experiment: &ExperimentStep,
    routing: Option<&TrafficRouting>,
    path: &str,
) {
    let detail = match routing {
        None => "Experiment template weight cannot be set unless TrafficRouting is enabled",
        Some(r) if r.alb.is_none() && r.smi.is_none() && r.istio.is_none() && !by_plugin(r) => {
            "Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins at this \
             time"
        }
        Some(_) => return,
    };
    for (index, template) in experiment.templates.iter().enumerate() {
        if let Some(weight) = template.weight {
            errors.push(FieldError::invalid(format!("{path}[{index}].weight"), &weight, detail));
        }
    }
}

/// Weights of templates leave the canary its own, and stable no less than nothing. Argo Rollouts does not look.
fn room_for_templates(
    errors: &mut Vec<FieldError>,
    experiment: &ExperimentStep,
    (canary, most): (i32, i32),
    path: &str,
) {
    let weights = experiment.templates.iter().enumerate();
    let weights: Vec<(usize, i32)> = weights.filter_map(|(index, of)| Some((index, of.weight?))).collect();
    for (index, weight) in weights.iter().filter(|(_, weight)| *weight < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(format!("{path}[{index}].weight"), weight, detail));
    }
    let sum = weights.iter().map(|(_, weight)| *weight).fold(0, i32::saturating_add);
    if sum > most.saturating_sub(canary) && sum > 0 {
        let detail = format!(
            "the weights of the templates, and that of the canary, which is {canary} here, may not be more than {most} \
             together"
        );
        errors.push(FieldError::invalid(path, &sum, detail));
    }
}

/// Fields of metadata must be those that the downward API knows; other paths are resolved later.
fn arguments(errors: &mut Vec<FieldError>, step: &CanaryStep, path: &str) {
    let of_experiment = step
        .experiment
        .iter()
        .flat_map(|experiment| &experiment.analyses)
        .flat_map(|one| &one.args);
    let of_analysis = step.analysis.iter().flat_map(|analysis| &analysis.args);
    let arguments: Vec<&AnalysisArgument> = of_experiment.chain(of_analysis).collect();
    let unknown = |argument: &&&AnalysisArgument| {
        let field = argument
            .value_from
            .as_ref()
            .and_then(|source| source.field_ref.as_ref());
        field.is_some_and(|field| field.field_path.starts_with("metadata") && !is_downward(&field.field_path))
    };
    for _ in arguments.iter().filter(unknown) {
        let detail = "Analyses arguments must refer to valid object metadata supported by downwardAPI";
        errors.push(FieldError::invalid(path, &arguments, detail));
    }
}

/// The metadata fields of the downward API; a label or annotation that does not exist is empty, not an error.
fn is_downward(field: &str) -> bool {
    if let Some((map, name)) = field.strip_suffix("']").and_then(|field| field.split_once("['")) {
        return match map {
            "metadata.labels" => labels::name_errors(name).is_empty(),
            "metadata.annotations" => labels::name_errors(&name.to_lowercase()).is_empty(),
            _ => false,
        };
    }
    let known = [
        "metadata.annotations",
        "metadata.labels",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
    ];
    known.contains(&field)
}
