//! `__complete`: prints what [`crate::args`] found, and adds the names in the cluster.

use crate::args::{Completion, Directive, Named};
use crate::cluster::connect::{Connection, connect};
use crate::cluster::workload::objects;
use crate::show::console::Console;
use crate::show::failure::Failure;
use kube::api::ListParams;
use kube::{Resource, ResourceExt as _};
use serin_core::api::{AnalysisRun, Experiment, Rollout};

/// Answers a shell. A cluster that cannot be asked is no failure of the command: the shell offers nothing.
pub(crate) async fn run(completion: Completion, console: &mut Console) -> Result<(), Failure> {
    let mut directive = completion.directive;
    if let Some(problem) = &completion.problem {
        console.complain(&format!("[Debug] [Error] {problem}"));
    }
    let mut candidates = completion.candidates.clone();
    if let Some(wanted) = &completion.names {
        match names(&completion, wanted.of).await {
            Ok(names) => {
                let known = names.into_iter().filter(|name| name.starts_with(&wanted.prefix));
                candidates.extend(known.map(|name| (name, String::new())));
            }
            Err(_) => directive = Directive::Error,
        }
    }
    for (word, about) in candidates {
        let about = about.lines().next().unwrap_or_default().trim();
        if completion.described && !about.is_empty() {
            console.line(&format!("{word}\t{about}"))?;
        } else {
            console.line(&word)?;
        }
    }
    console.line(&format!(":{}", directive as u8))?;
    let told = match directive {
        Directive::Default => "Default",
        Directive::Error => "Error",
        Directive::NoFiles => "NoFileComp",
    };
    console.complain(&format!("Completion ended with directive: ShellCompDirective{told}"));
    Ok(())
}

async fn names(completion: &Completion, of: Named) -> Result<Vec<String>, Failure> {
    let connection = connect(&completion.global).await?;
    match of {
        Named::Rollouts => list::<Rollout>(&connection).await,
        Named::Experiments => list::<Experiment>(&connection).await,
        Named::AnalysisRuns => list::<AnalysisRun>(&connection).await,
    }
}

async fn list<K: Resource<DynamicType = ()>>(connection: &Connection) -> Result<Vec<String>, Failure> {
    let listed = objects::<K>(connection).list_metadata(&ListParams::default()).await?;
    Ok(listed.items.iter().map(|object| object.name_any()).collect())
}
