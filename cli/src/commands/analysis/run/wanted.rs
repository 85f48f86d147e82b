//! Which run is wanted: the template of the files with its arguments and the templates that it names.

use super::Run;
use crate::cluster::connect::Connection;
use crate::local::manifest;
use crate::show::failure::Failure;
use kube::api::{Api, ApiResource, DynamicObject};
use serde_json::Value;
use serin_core::analysis::arguments;
use serin_core::analysis::condition::Conditions;
use serin_core::analysis::template::{Caller, GatherError, Gathered, gather};
use serin_core::api::analysis::AnalysisTemplateRef;
use serin_core::api::analysis_run::AnalysisRunSpec;
use serin_core::api::analysis_template::{AnalysisTemplateSpec, Argument};
use serin_core::api::{AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate};
use serin_core::observed::Templates;
use serin_core::wire::{HASH_LABEL, STABLE_HASH};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What is to be measured.
pub(super) struct Wanted {
    root: Root,
    templates: Templates,
    args: Vec<Argument>,
    /// Pod template hashes of canary and stable.
    hashes: Option<(String, String)>,
}

enum Root {
    Template(AnalysisTemplateRef),
    Run(String, Box<AnalysisRunSpec>),
}

impl Wanted {
    /// Reads the files, and chooses what is measured of them.
    ///
    /// # Errors
    /// What is wrong with a file, with the choice or with an argument.
    pub(super) fn of(arguments: &Run) -> Result<Self, String> {
        let (mut templates, mut roots) = (Templates::default(), Vec::new());
        for manifest in manifest::read(&arguments.files) {
            let manifest = manifest?;
            let name = manifest.name().to_owned();
            let spec = manifest.object.get("spec").cloned().unwrap_or_default();
            let wrong = |error: serde_json::Error| format!("{}: spec: {error}", manifest.place("spec"));
            let cluster = manifest.kind() == "ClusterAnalysisTemplate";
            match manifest.kind() {
                "AnalysisTemplate" | "ClusterAnalysisTemplate" => {
                    let spec: AnalysisTemplateSpec = serde_json::from_value(spec).map_err(wrong)?;
                    let of_scope = if cluster {
                        &mut templates.cluster
                    } else {
                        &mut templates.namespaced
                    };
                    of_scope.insert(name.clone(), spec.into());
                    roots.push(Root::Template(AnalysisTemplateRef {
                        template_name: name,
                        cluster_scope: cluster.then_some(true),
                    }));
                }
                "AnalysisRun" => {
                    let spec = serde_json::from_value(spec).map_err(wrong)?;
                    roots.push(Root::Run(name, Box::new(spec)));
                }
                _ => {}
            }
        }
        let root = choose(roots, &templates, arguments.template.as_deref())?;
        Ok(Self {
            root,
            templates,
            args: pairs(&arguments.args)?,
            hashes: arguments.canary_hash.clone().zip(arguments.stable_hash.clone()),
        })
    }

    /// The run, with a UID of its own. Templates that the files do not have come from the cluster, if there is a connection.
    ///
    /// # Errors
    /// A template that is missing, an argument that there is not or that has no value, templates that do not fit together.
    pub(super) async fn run(
        mut self,
        namespace: &str,
        connection: Option<&Connection>,
    ) -> Result<AnalysisRun, Failure> {
        let (name, mut spec) = match &self.root {
            Root::Run(name, spec) => (name.clone(), (**spec).clone()),
            Root::Template(root) => {
                let root = root.clone();
                self.complete(&root, namespace, connection).await?;
                (root.template_name.clone(), self.spec(&root).map_err(Failure::Message)?)
            }
        };
        for given in &self.args {
            let Some(arg) = spec.args.iter_mut().find(|arg| arg.name == given.name) else {
                return Err(Failure::message(format!(
                    "--arg: {name} has no argument {:?}",
                    given.name
                )));
            };
            // What is given by hand wins over a Secret.
            arg.clone_from(given);
        }
        let mut run = AnalysisRun {
            spec,
            ..AnalysisRun::default()
        };
        if let Some((canary, stable)) = self.hashes {
            run.metadata.labels = Some([(HASH_LABEL.to_owned(), canary)].into());
            run.metadata.annotations = Some([(STABLE_HASH.to_owned(), stable)].into());
        }
        run.metadata.name = Some(name);
        run.metadata.namespace = Some(namespace.to_owned());
        run.metadata.uid = Some(Uuid::new_v4().to_string());
        Ok(run)
    }

    fn spec(&self, root: &AnalysisTemplateRef) -> Result<AnalysisRunSpec, String> {
        let gathered = gather(std::slice::from_ref(root), &self.templates).map_err(|error| error.to_string())?;
        known(&gathered, &self.args, &root.template_name)?;
        let caller = Caller {
            args: &self.args,
            // Without hashes a metric that compares is refused afterwards, by name.
            canary: self.hashes.as_ref().map_or("unknown", |(canary, _)| canary),
            ..Caller::default()
        };
        gathered.run(caller).map_err(|error| {
            let error = error.to_string();
            match error
                .strip_prefix("args.")
                .and_then(|rest| rest.strip_suffix(" was not resolved"))
            {
                Some(name) => format!("argument {name:?} has no value: give it with --arg {name}=VALUE"),
                None => error,
            }
        })
    }

    /// Reads the templates that are missing, one after the other.
    async fn complete(
        &mut self,
        root: &AnalysisTemplateRef,
        namespace: &str,
        connection: Option<&Connection>,
    ) -> Result<(), Failure> {
        loop {
            let (name, cluster) = match gather(std::slice::from_ref(root), &self.templates) {
                Err(GatherError::NotFound { name, cluster, .. }) => (name, cluster),
                Ok(_) | Err(GatherError::Undecodable { .. } | GatherError::Cycle { .. }) => return Ok(()),
            };
            let Some(connection) = connection else {
                let kind = if cluster {
                    "ClusterAnalysisTemplate"
                } else {
                    "AnalysisTemplate"
                };
                return Err(Failure::message(format!(
                    "{kind} {name:?} is in none of the files: add its file with -f, or let --with-cluster read it"
                )));
            };
            let client = connection.client.clone();
            let api: Api<DynamicObject> = if cluster {
                Api::all_with(client, &ApiResource::erase::<ClusterAnalysisTemplate>(&()))
            } else {
                Api::namespaced_with(client, namespace, &ApiResource::erase::<AnalysisTemplate>(&()))
            };
            let found = connection.name_in(api.get(&name).await.map_err(Failure::from))?;
            let spec = found.data.get("spec").cloned().unwrap_or(Value::Null);
            let spec: AnalysisTemplateSpec = serde_json::from_value(spec)
                .map_err(|error| Failure::message(format!("template {name:?} in the cluster: spec: {error}")))?;
            let of_scope = if cluster {
                &mut self.templates.cluster
            } else {
                &mut self.templates.namespaced
            };
            of_scope.insert(name, spec.into());
        }
    }
}

/// The one that is named; else the one that no other names.
fn choose(mut roots: Vec<Root>, templates: &Templates, named: Option<&str>) -> Result<Root, String> {
    let name = |root: &Root| match root {
        Root::Template(reference) => reference.template_name.clone(),
        Root::Run(name, _) => name.clone(),
    };
    let names: Vec<String> = roots.iter().map(name).collect();
    match named {
        Some(named) => roots.retain(|root| name(root) == named),
        None => {
            let all = templates.namespaced.values().chain(templates.cluster.values());
            let nested: BTreeSet<(&str, bool)> = all
                .flat_map(|template| &template.spec.templates)
                .map(|of| (of.template_name.as_str(), of.cluster_scope == Some(true)))
                .collect();
            roots.retain(|root| match root {
                Root::Template(of) => !nested.contains(&(of.template_name.as_str(), of.cluster_scope == Some(true))),
                Root::Run(..) => true,
            });
        }
    }
    let (all, mut roots) = (names.join(", "), roots.into_iter());
    match (roots.next(), roots.next()) {
        (Some(root), None) => Ok(root),
        (None, _) if names.is_empty() => {
            Err("the files have no AnalysisTemplate, ClusterAnalysisTemplate or AnalysisRun".to_owned())
        }
        (None, _) | (Some(_), Some(_)) => Err(format!("name one of the files with --template: {all}")),
    }
}

fn pairs(given: &[String]) -> Result<Vec<Argument>, String> {
    let pair = |pair: &String| {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("--arg {pair}: write it as NAME=VALUE"))?;
        Ok(Argument {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            value_from: None,
        })
    };
    given.iter().map(pair).collect()
}

/// An argument that no template declares would be left out in silence.
fn known(gathered: &Gathered<'_>, args: &[Argument], name: &str) -> Result<(), String> {
    let declared: BTreeSet<&str> = gathered
        .all()
        .flat_map(|(_, spec)| &spec.args)
        .map(|arg| arg.name.as_str())
        .collect();
    match args.iter().find(|arg| !declared.contains(arg.name.as_str())) {
        Some(arg) => Err(format!("--arg: {name} has no argument {:?}", arg.name)),
        None => Ok(()),
    }
}

/// A condition that is no expression fails at each measurement: it is told at once.
pub(super) fn refuse_conditions(run: &AnalysisRun) -> Result<(), String> {
    let args = arguments::without_secrets(&run.spec.args);
    for metric in &run.spec.metrics {
        // What does not resolve is for the run to say.
        let Ok(metric) = arguments::metric(metric, &args) else {
            continue;
        };
        let conditions = Conditions::new(&metric.success_condition, &metric.failure_condition);
        if let Some((field, why)) = conditions.unparsable().first() {
            return Err(format!("metric {:?}: {field} is no expression: {why}", metric.name));
        }
    }
    Ok(())
}
