//! `set image NAME CONTAINER=IMAGE` (contract 10 §2, §9)

use crate::cluster::connect::Connection;
use crate::cluster::workload::{holder, objects};
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::{Args, Subcommand};
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};
use serin_core::api::Rollout;
use std::ffi::OsString;

/// After a conflict the object is read and changed again, so many times in all.
const ATTEMPTS: u32 = 5;

/// `set <what> NAME`.
#[derive(Args, Debug)]
pub(crate) struct SetGroup {
    /// What to set.
    #[command(subcommand)]
    pub kind: Option<SetKind>,
}

/// What can be set.
#[derive(Subcommand, Debug)]
pub(crate) enum SetKind {
    /// Update the image of a rollout
    Image(SetImage),
    /// Anything else.
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// `set image NAME CONTAINER=IMAGE`.
#[derive(Args, Debug)]
pub(crate) struct SetImage {
    /// Name of the rollout, then the container (* for all of them) and its image
    #[arg(value_name = "ROLLOUT_NAME CONTAINER=IMAGE")]
    pub words: Vec<String>,
}

impl SetImage {
    /// Rollout, container and image; `None` if the words are not these.
    #[must_use]
    pub(crate) fn parts(&self) -> Option<(&str, &str, &str)> {
        let [rollout, assignment] = self.words.as_slice() else {
            return None;
        };
        let (container, image) = assignment.split_once('=')?;
        (!image.contains('=')).then_some((rollout, container, image))
    }
}

/// Gives a container of a rollout, or of the workload that it refers to, another image.
pub(super) async fn image(connection: &Connection, arguments: &SetImage, console: &mut Console) -> Result<(), Failure> {
    let Some((rollout, container, image)) = arguments.parts() else {
        return Ok(()); // `crate::args` has refused other words.
    };
    let mut attempt = 1;
    let changed = loop {
        match set_image(connection, rollout, container, image).await {
            Err(Attempt::Conflict(_)) if attempt < ATTEMPTS => attempt += 1,
            Err(Attempt::Conflict(failure) | Attempt::Failed(failure)) => return Err(failure),
            Ok(changed) => break changed,
        }
    };
    let kind = changed.types.map(|types| types.kind.to_lowercase()).unwrap_or_default();
    let name = changed.metadata.name.unwrap_or_default();
    console.line(&format!("{kind} \"{name}\" image updated"))
}

/// How one attempt failed.
enum Attempt {
    /// Somebody changed the object in between.
    Conflict(Failure),
    /// In a way that another attempt does not mend.
    Failed(Failure),
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<kube::Error> for Attempt {
    fn from(error: kube::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Reads the object, and writes it back whole, even if it is the same: the resourceVersion of the read guards the write.
async fn set_image(
    connection: &Connection,
    rollout: &str,
    container: &str,
    image: &str,
) -> Result<DynamicObject, Attempt> {
    let rollout = objects::<Rollout>(connection).get(rollout).await?;
    let holder = holder(connection, &rollout)?;
    let of_rollout = rollout.data.pointer("/spec/workloadRef").is_none_or(Value::is_null);
    let mut object = if of_rollout {
        rollout
    } else {
        holder.objects.get(&holder.name).await?
    };
    let pod = object.data.pointer_mut(&format!("{}/spec", holder.template));
    if !pod.is_some_and(|pod| replace_image(pod, container, image)) {
        let text = format!("unable to find container named \"{container}\"");
        return Err(Failure::message(text).into());
    }
    let written = holder
        .objects
        .replace(&holder.name, &PostParams::default(), &object)
        .await;
    written.map_err(|error| {
        let failure = Failure::of_write(&error);
        match error {
            kube::Error::Api(status) if status.is_conflict() => Attempt::Conflict(failure),
            _ => Attempt::Failed(failure),
        }
    })
}

/// Sets the image of each container with a name, or of all; whether there was one.
fn replace_image(pod: &mut Value, name: &str, image: &str) -> bool {
    let mut found = false;
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let containers = pod.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for container in containers.filter_map(Value::as_object_mut) {
            let own = container.get("name").and_then(Value::as_str).unwrap_or_default();
            if name == "*" || own == name {
                container.insert("image".to_owned(), json!(image));
                found = true;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn words_are_a_rollout_and_one_assignment() {
        let parts = |words: &[&str]| {
            let words = words.iter().map(|it| (*it).to_owned()).collect();
            let image = SetImage { words };
            image
                .parts()
                .map(|(rollout, container, image)| format!("{rollout} {container} {image}"))
        };
        assert_eq!(
            parts(&["web", "app=reg:5000/app:v2@sha256:1"]).unwrap(),
            "web app reg:5000/app:v2@sha256:1"
        );
        assert_eq!(parts(&["web", "*=b"]).unwrap(), "web * b");
        assert_eq!(parts(&["web", "app="]).unwrap(), "web app ");
        assert_eq!(parts(&["web", "=x"]).unwrap(), "web  x");
        for wrong in [
            &["web"][..],
            &["web", "app"],
            &["web", "a=b=c"],
            &["web", "a=b", "c=d"],
            &[],
        ] {
            assert_eq!(parts(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn containers_of_every_kind_are_found() {
        let pod = json!({"initContainers": [{"name": "init", "image": "i"}], "containers": [{"name": "app", "image": "a"},
            {"name": "side"}], "ephemeralContainers": [{"name": "debug", "image": "d"}]});
        let images = |name: &str| {
            let mut pod = pod.clone();
            let found = replace_image(&mut pod, name, "new");
            let images: Vec<String> = [
                "/initContainers/0",
                "/containers/0",
                "/containers/1",
                "/ephemeralContainers/0",
            ]
            .iter()
            .map(|at| pod.pointer(at).unwrap()["image"].as_str().unwrap_or("-").to_owned())
            .collect();
            (found, images.join(" "))
        };
        assert_eq!(images("app"), (true, "i new - d".to_owned()));
        assert_eq!(images("init"), (true, "new a - d".to_owned()));
        assert_eq!(images("*"), (true, "new new new new".to_owned()));
        assert_eq!(images(""), (false, "i a - d".to_owned()));
    }
}
