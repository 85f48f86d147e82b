//! `analysis/arguments`: an argument that nobody gives (contract 01 §9, contract 06 §8).

use crate::rules::Rule;
use crate::rules::analysis::endless::waited_for;
use crate::rules::analysis::templates::templates_of;
use crate::rules::build::Object;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::{at, find as reach};
use crate::rules::seen::{Found, Seen};
use crate::rules::words::nearest;
use serde_json::Value;
use serin_core::api::rollout::AnalysisTemplateRef;
use serin_gitops::yaml::FieldPath;
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "analysis/arguments",
    severity: Severity::Error,
    title: "a template asks for an argument that the rollout does not give",
    page: include_str!("../../../../docs/rules/analysis.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object, rollout) in seen.rollouts() {
        let mut analyses = waited_for(rollout);
        let canary = rollout.spec.strategy.canary.as_ref();
        if let Some(background) = canary.and_then(|canary| canary.analysis.as_ref()) {
            analyses.push((at("spec.strategy.canary.analysis"), &background.analysis));
        }
        for (path, analysis) in analyses {
            let given: BTreeSet<&str> = analysis.args.iter().map(|argument| argument.name.as_str()).collect();
            judge(seen, found, (index, object), &path, &analysis.templates, &given);
        }
        for (step, written) in canary.iter().flat_map(|canary| canary.steps.iter().enumerate()) {
            let analyses = written
                .experiment
                .iter()
                .flat_map(|experiment| experiment.analyses.iter().enumerate());
            for (position, analysis) in analyses {
                let path = at("spec.strategy.canary.steps")
                    .index(step)
                    .key("experiment")
                    .key("analyses")
                    .index(position);
                let template = AnalysisTemplateRef {
                    template_name: analysis.template_name.clone(),
                    cluster_scope: analysis.cluster_scope,
                };
                let given: BTreeSet<&str> = analysis.args.iter().map(|argument| argument.name.as_str()).collect();
                judge(seen, found, (index, object), &path, &[template], &given);
            }
        }
    }
}

fn judge(
    seen: &Seen<'_>,
    found: &mut Found<'_, '_>,
    (index, object): (usize, &Object),
    path: &FieldPath,
    references: &[AnalysisTemplateRef],
    given: &BTreeSet<&str>,
) {
    let Some(templates) = templates_of(seen, object, references) else {
        return;
    };
    // Serin gives the argument of a comparison its value (decision 50).
    let metrics = templates
        .iter()
        .flat_map(|template| reach(&template.value, "spec.metrics[*].compare.arg"));
    let compared: BTreeSet<&str> = metrics.filter_map(|(_, arg)| arg.as_str()).collect();
    // An argument of several templates has a value if one of them gives it.
    let mut declared: BTreeMap<&str, (bool, &str)> = BTreeMap::new();
    for template in &templates {
        let arguments = template.value.pointer("/spec/args").and_then(Value::as_array);
        for argument in arguments.into_iter().flatten() {
            let Some(name) = argument["name"].as_str() else {
                continue;
            };
            let has = argument.get("value").is_some_and(|value| !value.is_null()) || argument["valueFrom"].is_object();
            let entry = declared.entry(name).or_insert((false, template.name()));
            entry.0 |= has;
        }
    }
    let missing = declared
        .iter()
        .filter(|(name, (has, _))| !has && !given.contains(**name) && !compared.contains(**name));
    for (name, (_, template)) in missing {
        let args = path.key("args");
        let place = if given.is_empty() { path } else { &args };
        let message =
            format!("args.{name} was not resolved: template {template:?} has no value for it, and {path} gives none");
        let near = nearest(
            name,
            given.iter().copied().filter(|given| !declared.contains_key(given)),
        );
        let words = match near {
            Some(near) => format!("rename the argument {near:?} to {name:?}"),
            None => format!("give an argument of the name {name:?}, or a default in the template"),
        };
        found.add(index, place, message).fix(Fix::words(words));
    }
}
