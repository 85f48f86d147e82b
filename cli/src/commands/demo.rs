//! `demo`: a canary rolls out before your eyes, on a cluster in this process.

use crate::args::Demo;
use crate::cluster::Cluster;
use crate::console::Console;
use crate::demo::{Script, play};
use crate::failure::Failure;
use serde_json::Value;
use serin_core::api::Rollout;
use serin_core::crd::decode_strict;
use serin_core::notation::yaml;
use serin_core::validate;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// The canary that is played where no file is named.
const EXAMPLE: &str = include_str!("../../../examples/canary.yaml");
/// Slow enough to see, quick enough not to bore.
const READY_AFTER: Duration = Duration::from_millis(1_500);

/// Starts the cluster, plays the story, and ends.
pub(crate) async fn run(arguments: &Demo, console: &mut Console) -> Result<(), Failure> {
    let rollout = match &arguments.file {
        Some(path) => read(path)?,
        None => check(EXAMPLE, Path::new("examples/canary.yaml"))?,
    };
    let script = Script {
        rollout,
        image: arguments.image.clone(),
    };
    let mut cluster = Cluster::start(0, READY_AFTER).await?;
    console.line(&format!(
        "A Kubernetes API of its own runs at {}, with the controller of Serin.",
        cluster.url()
    ))?;
    let connection = cluster.connection()?;
    let played = tokio::select! {
        played = play(&connection, &script, console) => played,
        failure = cluster.broken() => Err(failure),
    };
    if arguments.keep && played.is_ok() {
        console.line("The cluster stays up.")?;
        return super::sandbox::stay(cluster, console, &["kubectl get rollouts,replicasets,pods"]).await;
    }
    cluster.stop().await;
    played
}

fn read(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::message(format!("{}: cannot be read: {error}", path.display())))?;
    check(&text, path)
}

/// Exactly one valid Rollout, or an error with file, line and field.
fn check(text: &str, path: &Path) -> Result<Value, Failure> {
    let file = path.display();
    let documents = yaml::parse_docs(text).map_err(|error| Failure::message(format!("{file}: {error}")))?;
    let document = match documents.as_slice() {
        [document] => document,
        [] => {
            return Err(Failure::message(format!(
                "{file}: line 1: the file is empty; it must hold one Rollout"
            )));
        }
        [_, second, ..] => {
            let (count, line) = (documents.len(), second.line);
            return Err(Failure::message(format!(
                "{file}: line {line}: the file holds {count} objects; it must hold one Rollout: move the others to files of their own"
            )));
        }
    };
    let rollout: Rollout = decode_strict(document).map_err(|problems| {
        let mut text = String::new();
        for problem in problems {
            let _ = write!(text, "{}{file}: {problem}", if text.is_empty() { "" } else { "\n" });
        }
        Failure::message(text)
    })?;
    if let Some(error) = validate::rollout(&rollout).into_iter().next() {
        let line = document.line_of(&error.path);
        return Err(Failure::message(format!("{file}: line {line}: {error}")));
    }
    if rollout.metadata.name.is_none() {
        return Err(Failure::message(format!(
            "{file}: line {}: metadata.name: a Rollout needs a name",
            document.line
        )));
    }
    Ok(document.value.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn error(text: &str) -> String {
        match check(text, Path::new("mine.yaml")) {
            Err(Failure::Message(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_example_is_valid() {
        assert!(check(EXAMPLE, Path::new("examples/canary.yaml")).is_ok());
    }

    #[test]
    fn errors_name_file_line_and_field() {
        let typo = EXAMPLE.replace("      - setWeight: 60", "      - setWieght: 60");
        let line = typo.lines().position(|line| line.contains("setWieght")).unwrap() + 1;
        let text = error(&typo);
        assert!(
            text.starts_with(&format!("mine.yaml: line {line}: spec.strategy.canary.steps[2]")),
            "{text}"
        );
        assert!(text.contains("setWieght"), "{text}");

        let two = format!("{EXAMPLE}\n---\nkind: Service\n");
        assert!(error(&two).contains("2 objects"), "{}", error(&two));

        let text = error("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n");
        assert!(
            text.starts_with("mine.yaml: line ") && text.contains("Rollout"),
            "{text}"
        );

        let text = error(&EXAMPLE.replace("replicas: 5", "replicas: five"));
        assert!(text.contains("spec.replicas"), "{text}");

        let weight = EXAMPLE.replace("setWeight: 20", "setWeight: 120");
        let line = weight.lines().position(|line| line.contains("120")).unwrap() + 1;
        let text = error(&weight);
        assert!(
            text.contains(&format!("line {line}:")) && text.contains("between 0 and 100"),
            "{text}"
        );

        assert!(error("a: [").starts_with("mine.yaml: line "), "{}", error("a: ["));
        assert!(error("").contains("empty"));
    }
}
