//! `validation/spec`: what Argo Rollouts calls InvalidSpec, in its words (contract 01 §8).

use crate::rules::Rule;
use crate::rules::build::Object;
use crate::rules::finding::Severity;
use crate::rules::seen::{Found, Seen, Target};
use serin_core::api::{PodTemplate, Rollout};
use serin_core::validate::{self, FieldError};
use serin_gitops::kustomize::SettingKind;
use serin_gitops::yaml::FieldPath;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "validation/spec",
    severity: Severity::Error,
    title: "the controller reports the rollout as InvalidSpec",
    page: include_str!("../../../../docs/rules/validation.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object, rollout) in seen.rollouts() {
        let resolved = resolved(seen, object, rollout);
        for error in validate::with_template(rollout, resolved.as_ref()) {
            if is_told_elsewhere(&error) {
                continue;
            }
            let path = FieldPath::within(&path(&error, object), &object.value);
            found.add(index, &path, error.to_string());
        }
        // The template that a transformer makes beside a workloadRef (kustomize.md D7).
        if resolved.is_some() && rollout.spec.template.is_some() {
            for error in validate::with_template(rollout, None) {
                if error.path == "spec.template" {
                    template(seen, found, index);
                }
            }
        }
        routers(found, index, object, rollout);
    }
}

fn template(seen: &Seen<'_>, found: &mut Found<'_, '_>, index: usize) {
    let object = &seen.build.objects[index];
    let first = ["labels", "annotations"].into_iter().find_map(|map| {
        let (key, _) = object.value["spec"]["template"]["metadata"][map]
            .as_object()?
            .iter()
            .next()?;
        Some(FieldPath::parse("spec.template.metadata").key(map).key(key))
    });
    let by_transformer = seen
        .build
        .layers()
        .iter()
        .flat_map(|layer| &layer.settings)
        .any(|setting| matches!(setting.kind, SettingKind::Label { .. } | SettingKind::Annotation(_)));
    let path = first.unwrap_or_else(|| FieldPath::parse("spec.template"));
    let why = if by_transformer {
        "; a transformer of the kustomization may have made it"
    } else {
        ""
    };
    found.add(
        index,
        &path,
        format!("template must be empty for workload reference rollout{why}"),
    );
}

/// The template of the workload, where it is in the build.
fn resolved(seen: &Seen<'_>, object: &Object, rollout: &Rollout) -> Option<PodTemplate> {
    let reference = rollout.spec.workload_ref.as_ref()?;
    let of_kind = |object: &Object| object.kind() == reference.kind;
    let Target::Here(workload) = seen.target(object, &reference.name, of_kind) else {
        return None;
    };
    let pointer = if reference.kind == "PodTemplate" {
        "/template"
    } else {
        "/spec/template"
    };
    workload.value.pointer(pointer).map(PodTemplate::new)
}

/// RK006 tells these with the line that brought the second one in.
fn is_told_elsewhere(error: &FieldError) -> bool {
    let several =
        error.detail.starts_with("Step must have one of the following set") && error.to_string().contains("true");
    let none = error.to_string().matches(": true").count() == 8;
    error.detail == "Multiple Strategies can not be listed" || (several && !none)
}

/// Validation leaves a level out: `spec.strategy.steps` is `spec.strategy.canary.steps`.
fn path(error: &FieldError, object: &Object) -> String {
    let Some(rest) = error.path.strip_prefix("spec.strategy.") else {
        return error.path.clone();
    };
    if rest == "strategy" {
        return "spec.strategy".to_owned();
    }
    if rest.starts_with("canary") && !rest.starts_with("canaryService") || rest.starts_with("blueGreen") {
        return error.path.clone();
    }
    // The weight of an anti-affinity has a level more.
    let rest = match rest {
        "antiAffinity.weight" => "antiAffinity.preferredDuringSchedulingIgnoredDuringExecution.weight",
        rest => rest,
    };
    // Arguments of steps are reported at a field that does not exist.
    let rest = rest.trim_end_matches(".analyses");
    let strategy = &object.value["spec"]["strategy"];
    let level = if strategy["canary"].is_object() {
        "canary"
    } else {
        "blueGreen"
    };
    format!("spec.strategy.{level}.{rest}")
}

/// What the controller refuses when it gathers what a rollout refers to (contract 01 §9), as far as the rollout says it.
fn routers(found: &mut Found<'_, '_>, index: usize, object: &Object, rollout: &Rollout) {
    let Some(routing) = rollout
        .spec
        .strategy
        .canary
        .as_ref()
        .and_then(|canary| canary.traffic_routing.as_ref())
    else {
        return;
    };
    let mut tell = |field: &str, message: &str| {
        let path = format!("spec.strategy.canary.trafficRouting.{field}");
        let path = FieldPath::within(&path, &object.value);
        found.add(index, &path, format!("{path}: {message}"));
    };
    if let Some(nginx) = &routing.nginx {
        match (nginx.stable_ingress.is_empty(), nginx.stable_ingresses.is_empty()) {
            (true, true) => tell(
                "nginx",
                "Either StableIngress or StableIngresses must be configured. Neither are configured.",
            ),
            (false, false) => tell(
                "nginx.stableIngresses",
                "Either StableIngress or StableIngresses must be configured. Both are configured.",
            ),
            (true, false) | (false, true) => {}
        }
    }
    if let Some(alb) = &routing.alb {
        match (alb.ingress.is_empty(), alb.ingresses.is_empty()) {
            (true, true) => tell(
                "alb",
                "Either Ingress or Ingresses must be configured. Neither are configured.",
            ),
            (false, false) => tell(
                "alb.ingresses",
                "Either Ingress or Ingresses must be configured. Both are configured.",
            ),
            (true, false) | (false, true) => {}
        }
        let days = alb.stickiness_config.as_ref().filter(|stickiness| stickiness.enabled);
        if days.is_some_and(|stickiness| !(1..=604_800).contains(&stickiness.duration_seconds)) {
            tell(
                "alb.stickinessConfig.durationSeconds",
                "TargetGroupStickinessConfig's duration must be between 1 and 604800 seconds (7 days)!",
            );
        }
    }
    if let Some(istio) = &routing.istio
        && istio.virtual_service.is_some() != istio.virtual_services.is_empty()
    {
        tell("istio", "either VirtualService or VirtualServices must be configured");
    }
    if routing
        .ambassador
        .as_ref()
        .is_some_and(|ambassador| ambassador.mappings.is_empty())
    {
        tell("ambassador", "must provide at least one mapping");
    }
    if routing
        .app_mesh
        .as_ref()
        .is_some_and(|mesh| mesh.virtual_service.is_none())
    {
        tell("appMesh", "must provide virtual-service");
    }
}
