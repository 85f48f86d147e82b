//! What a change does to an overlay: whether it starts a rollout, why, how long at least, and how many pods more.

use crate::check::report::Overlay;
use crate::rules::build::{Build, Object};
use crate::rules::capacity_peak;
use crate::rules::seen::Seen;
use serde_json::Value;
use serin_core::api::PodTemplate;
use serin_core::api::rollout::{Rollout, RolloutSpec};
use serin_core::identity::Fingerprint;
use serin_core::meaning::{PauseLength, Step, pause_duration};
use serin_gitops::yaml::FieldPath;

/// What the change between two builds does; without a former build, the overlay is new.
#[must_use]
pub fn change(now: &Build, before: Option<&Build>) -> Overlay {
    let mut overlay = Overlay {
        path: now.path.clone(),
        least_seconds: Some(0),
        ..Overlay::default()
    };
    let Some(before) = before else {
        overlay
            .remarks
            .push("the overlay is new: its rollouts deploy without steps".to_owned());
        overlay.least_seconds = None;
        return overlay;
    };
    let seen = Seen::of(now, Some(before));
    for (index, object, rollout) in seen.rollouts() {
        match seen.counterpart(index) {
            Some((base, was)) => of_rollout(&mut overlay, (now, object, rollout), (base, &base.objects[was])),
            None => overlay
                .remarks
                .push(format!("{} is new: it deploys without steps", object.title())),
        }
    }
    removed(&mut overlay, now, before);
    if !overlay.starts {
        overlay.least_seconds = None;
    }
    overlay
}

fn of_rollout(
    overlay: &mut Overlay,
    (now, object, rollout): (&Build, &Object, &Rollout),
    (base, was): (&Build, &Object),
) {
    let title = object.title();
    if object.name() != was.name() || object.namespace() != was.namespace() {
        overlay.remarks.push(format!(
            "{} becomes {title}: a new rollout beside the old one",
            was.title()
        ));
        return;
    }
    if object.value["spec"]["selector"] != was.value["spec"]["selector"] {
        overlay.remarks.push(format!(
            "the selector of {title} changes, and the API server refuses that (RK014)"
        ));
        return;
    }
    let (template, old) = (template(now, object), template(base, was));
    let print = |template: &Value| Fingerprint::of(&PodTemplate::new(template));
    if print(&template) == print(&old) {
        config(overlay, (now, &template), (base, object));
        return;
    }
    overlay.starts = true;
    let mut fields = Vec::new();
    differences(&template, &old, &FieldPath::parse("spec.template"), &mut fields);
    if crate::rules::only_metadata(&template, &old).is_some() {
        overlay.restarts_without_version = true;
        overlay.remarks.push(format!(
            "the pods of {title} restart without a new version: only labels or annotations change"
        ));
    }
    let alone = now.objects.iter().filter(|other| other.is_ours("Rollout")).count() == 1;
    overlay.why.extend(fields.iter().map(|field| match alone {
        true => field.to_string(),
        false => format!("{title} {field}"),
    }));
    overlay.steps.extend(steps(&rollout.spec));
    overlay.least_seconds = overlay
        .least_seconds
        .and_then(|least| Some(least.max(least_seconds(&rollout.spec)?)));
    let replicas = i64::from(rollout.spec.replicas_or_default());
    overlay.extra_pods += (capacity_peak(&rollout.spec, replicas) - replicas).max(0);
}

/// The template, of the workload where a rollout refers to one.
fn template(build: &Build, object: &Object) -> Value {
    let reference = &object.value["spec"]["workloadRef"];
    if reference.is_null() {
        return object.value["spec"]["template"].clone();
    }
    let workload = build.objects.iter().find(|other| {
        Some(other.kind()) == reference["kind"].as_str()
            && Some(other.name()) == reference["name"].as_str()
            && other.meets(object)
    });
    workload
        .map(|workload| workload.value["spec"]["template"].clone())
        .unwrap_or_default()
}

/// Configuration that changes while the template stays.
fn config(overlay: &mut Overlay, (now, template): (&Build, &Value), (base, object): (&Build, &Object)) {
    let text = template.to_string();
    for config in now
        .objects
        .iter()
        .filter(|config| ["ConfigMap", "Secret"].contains(&config.kind()))
    {
        if !text.contains(&format!("{:?}", config.name())) || !config.meets(object) {
            continue;
        }
        let same =
            |other: &&Object| other.kind() == config.kind() && other.name() == config.name() && other.meets(config);
        let before = base.objects.iter().find(same);
        if before.is_some_and(|before| {
            before.value["data"] != config.value["data"] || before.value["binaryData"] != config.value["binaryData"]
        }) {
            overlay.remarks.push(format!(
                "{} changes, and {} does not restart: running pods keep the old values (RK012)",
                config.title(),
                object.title()
            ));
        }
    }
}

/// Names that go while the pods of the stable revision still use them.
fn removed(overlay: &mut Overlay, now: &Build, before: &Build) {
    for config in before
        .objects
        .iter()
        .filter(|config| ["ConfigMap", "Secret"].contains(&config.kind()))
    {
        let stays = now
            .objects
            .iter()
            .any(|other| other.kind() == config.kind() && other.name() == config.name());
        if stays {
            continue;
        }
        let users = before
            .objects
            .iter()
            .filter(|object| object.is_ours("Rollout") && object.meets(config));
        for user in users {
            if template(before, user)
                .to_string()
                .contains(&format!("{:?}", config.name()))
            {
                overlay.remarks.push(format!(
                    "{} is removed, and the stable pods of {} use it until the update is done: if a sync prunes it, they do not \
                     start again (use PruneLast, or keep it)",
                    config.title(),
                    user.title()
                ));
            }
        }
    }
    for rollout in before.objects.iter().filter(|object| object.is_ours("Rollout")) {
        let stays = now
            .objects
            .iter()
            .any(|other| other.is_ours("Rollout") && other.name() == rollout.name());
        if !stays {
            overlay.remarks.push(format!("{} is removed", rollout.title()));
        }
    }
}

/// The steps in words, as events have them.
fn steps(spec: &RolloutSpec) -> Vec<String> {
    if let Some(canary) = &spec.strategy.canary {
        return canary
            .steps
            .iter()
            .filter_map(Step::of)
            .map(|step| step.words())
            .collect();
    }
    let Some(blue_green) = &spec.strategy.blue_green else {
        return Vec::new();
    };
    let mut steps = Vec::new();
    if blue_green.pre_promotion_analysis.is_some() {
        steps.push("prePromotionAnalysis".to_owned());
    }
    match (blue_green.auto_promotion_enabled, blue_green.auto_promotion_seconds) {
        (Some(false), _) => steps.push("pause".to_owned()),
        (_, 0) => {}
        (_, seconds) => steps.push(format!("pause: {seconds}")),
    }
    steps.push("switch".to_owned());
    if blue_green.post_promotion_analysis.is_some() {
        steps.push("postPromotionAnalysis".to_owned());
    }
    steps
}

/// The sum of the pauses; `None` where a person, an analysis, an experiment or a plugin decides.
fn least_seconds(spec: &RolloutSpec) -> Option<i64> {
    if let Some(canary) = &spec.strategy.canary {
        let mut seconds = 0;
        for step in &canary.steps {
            if step.analysis.is_some() || step.experiment.is_some() || step.plugin.is_some() {
                return None;
            }
            match step.pause.as_ref().map(pause_duration) {
                Some(PauseLength::Seconds(length)) => seconds += length,
                Some(PauseLength::Indefinite | PauseLength::Invalid) => return None,
                None => {}
            }
        }
        return Some(seconds);
    }
    let blue_green = spec.strategy.blue_green.as_ref()?;
    let waits = blue_green.auto_promotion_enabled == Some(false)
        || blue_green.pre_promotion_analysis.is_some()
        || blue_green.post_promotion_analysis.is_some();
    (!waits).then(|| i64::from(blue_green.auto_promotion_seconds))
}

/// The fields in which two values differ, lists of named items by their names.
fn differences(now: &Value, was: &Value, path: &FieldPath, found: &mut Vec<FieldPath>) {
    match (now, was) {
        (Value::Object(one), Value::Object(two)) => {
            let mut keys: Vec<&String> = one.keys().chain(two.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                match (one.get(key), two.get(key)) {
                    (Some(one), Some(two)) => differences(one, two, &path.key(key), found),
                    (None, _) | (_, None) => found.push(path.key(key)),
                }
            }
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            for (index, (one, two)) in one.iter().zip(two).enumerate() {
                differences(one, two, &path.index(index), found);
            }
        }
        (one, two) if one != two => found.push(path.clone()),
        _ => {}
    }
}
