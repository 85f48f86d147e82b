//! Templates that a rollout names, checked against what there is (contract 01 §9, corrected by contract 11 E).

use super::arguments::{self, Hashes};
use crate::analysis::arguments as substitution;
use crate::analysis::template::{Caller, Gathered, gather};
use crate::api::IntOrString;
use crate::api::analysis::AnalysisTemplateRef;
use crate::api::analysis_template::{Argument, Metric};
use crate::api::rollout::{Rollout, RolloutAnalysis};
use crate::observed::Templates;
use crate::validate::FieldError;

/// An analysis of a rollout, and where its templates are named.
struct Named<'a> {
    path: String,
    analysis: &'a RolloutAnalysis,
    /// It runs beside the steps, and need not end.
    background: bool,
}

/// All analyses, in the order in which they are checked: steps before the background, before the switch before after it.
fn named(rollout: &Rollout) -> Vec<Named<'_>> {
    let strategy = &rollout.spec.strategy;
    let mut all = Vec::new();
    let mut add = |path: String, analysis, background| {
        all.push(Named {
            path: format!("spec.strategy.{path}.templates"),
            analysis,
            background,
        });
    };
    if let Some(blue_green) = &strategy.blue_green {
        if let Some(analysis) = &blue_green.pre_promotion_analysis {
            add("blueGreen.prePromotionAnalysis".to_owned(), &**analysis, false);
        }
        if let Some(analysis) = &blue_green.post_promotion_analysis {
            add("blueGreen.postPromotionAnalysis".to_owned(), &**analysis, false);
        }
    } else if let Some(canary) = &strategy.canary {
        for (index, step) in canary.steps.iter().enumerate() {
            if let Some(analysis) = &step.analysis {
                add(format!("canary.steps[{index}].analysis"), analysis, false);
            }
        }
        if let Some(background) = &canary.analysis {
            add("canary.analysis".to_owned(), &background.analysis, true);
        }
    }
    all
}

/// The templates that the analyses name.
pub(crate) fn templates(rollout: &Rollout) -> impl Iterator<Item = &AnalysisTemplateRef> {
    named(rollout).into_iter().flat_map(|of| &of.analysis.templates)
}

/// The first template that is missing, that does not decode, or that names itself.
pub(crate) fn missing(rollout: &Rollout, templates: &Templates) -> Option<FieldError> {
    named(rollout).into_iter().find_map(|of| {
        let error = gather(&of.analysis.templates, templates).err()?;
        let (name, nested) = error.blames();
        let path = if nested { "spec.templates" } else { &of.path };
        Some(FieldError::invalid(path, name, error.to_string()))
    })
}

/// The first analysis of which no run could be made, or one that never ends where the update waits for it.
pub(crate) fn wrong(rollout: &Rollout, templates: &Templates) -> Option<FieldError> {
    let canary = rollout.spec.strategy.canary.as_ref();
    let steps: Vec<&RolloutAnalysis> = canary
        .iter()
        .flat_map(|canary| &canary.steps)
        .filter_map(|step| step.analysis.as_deref())
        .collect();
    named(rollout).into_iter().find_map(|of| {
        let gathered = gather(&of.analysis.templates, templates).ok()?;
        let names: Vec<&str> = gathered.all().map(|(name, _)| name).collect();
        let value = format!("templateNames: [{}]", names.join(" "));
        if let Some(error) = no_run(rollout, &of, &gathered, &steps) {
            return Some(FieldError::invalid(&*of.path, &value, error));
        }
        let waits = (!of.background).then(|| gathered.all()).into_iter().flatten();
        waits.into_iter().find_map(|(name, spec)| {
            let error = no_end(&spec.metrics, &spec.args)?;
            Some(FieldError::invalid(
                &*of.path,
                name,
                format!("AnalysisTemplate {name}{error}"),
            ))
        })
    })
}

/// Why no run can be made, whatever the pod template hashes are; with the rules of each step, too, as Argo Rollouts has it.
fn no_run(rollout: &Rollout, of: &Named<'_>, gathered: &Gathered<'_>, steps: &[&RolloutAnalysis]) -> Option<String> {
    let hashes = Hashes {
        latest: "latest",
        stable: "stable",
    };
    let given = |argument| {
        // What a field says may come later: it is judged when the run is made.
        let values = arguments::values(std::slice::from_ref(argument), rollout, hashes);
        values.unwrap_or_else(|_| {
            vec![Argument {
                name: argument.name.clone(),
                value: Some(String::new()),
                value_from: None,
            }]
        })
    };
    let args: Vec<Argument> = of.analysis.args.iter().flat_map(given).collect();
    let plain = Caller {
        args: &args,
        canary: hashes.latest,
        ..Caller::default()
    };
    let own = Caller {
        dry_run: &of.analysis.dry_run,
        measurement_retention: &of.analysis.measurement_retention,
        ..plain
    };
    let of_steps = steps.iter().map(|step| Caller {
        dry_run: &step.dry_run,
        measurement_retention: &step.measurement_retention,
        ..plain
    });
    let mut callers = [plain].into_iter().chain(of_steps).chain([own]);
    callers.find_map(|caller| gathered.run(caller).err().map(|error| error.to_string()))
}

/// What stands for a value that is given later, where templates are checked.
const DUMMY: &str = "dummy-value";

/// Why an update that waits for these metrics of one template could not measure them, or would wait for ever. Values that
/// are given later do not count here.
fn no_end(metrics: &[Metric], args: &[Argument]) -> Option<String> {
    let mut known = args.to_vec();
    for arg in &mut known {
        if arg.value_from.is_some() && arg.value.is_some() {
            return Some(format!(": arg '{}' has both Value and ValueFrom fields", arg.name));
        }
        arg.value.get_or_insert_with(|| DUMMY.to_owned());
        arg.value_from = None;
    }
    metrics.iter().find_map(|metric| {
        let metric = match substitution::metric(metric, &known) {
            Ok(metric) => metric,
            Err(error) => return Some(format!(": {error}")),
        };
        let count = metric.count.as_ref();
        let counted = count.is_some_and(|count| match count {
            IntOrString::Int(count) => *count != 0,
            IntOrString::String(text) => text.parse::<i32>().is_ok_and(|count| count != 0),
        });
        let shown = count.map_or_else(
            || "<nil>".to_owned(),
            |count| match count {
                IntOrString::Int(count) => count.to_string(),
                IntOrString::String(text) => text.clone(),
            },
        );
        (!counted && !metric.interval.is_empty()).then(|| {
            let name = &metric.name;
            format!(" has metric {name} which runs indefinitely. Invalid value for count: {shown}")
        })
    })
}
