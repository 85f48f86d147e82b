//! What the demo plays of a file: one Rollout and the Services that it names. It lists what it leaves out.

use crate::local::demo::named_services;
use crate::local::manifest::Manifest;
use crate::show::failure::Failure;
use serde_json::{Value, json};
use serin_core::api::Rollout;
use serin_core::crd::decode_strict;
use serin_core::identity::sanitised_template;
use serin_core::notation::yaml;
use serin_core::validate;

/// What is played.
#[derive(Debug)]
pub(crate) struct Play {
    pub(crate) rollout: Value,
    pub(crate) services: Vec<Value>,
    /// What was left out or added: a line each.
    pub(crate) notes: Vec<String>,
}

/// Chooses the Rollout, by name if one is given, and its Services.
pub(crate) fn choose(manifests: Vec<Result<Manifest, String>>, name: Option<&str>) -> Result<Play, Failure> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for manifest in manifests {
        match manifest {
            Ok(manifest) => found.push(manifest),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(Failure::message(problems.join("\n")));
    }
    let at = place_of_rollout(&found, name)?;
    let manifest = found.remove(at);
    let rollout = decode(&manifest)?;
    let mut notes = Vec::new();
    let named = named_services(&rollout);
    let (mut services, mut left_out) = (Vec::new(), Vec::new());
    for other in &found {
        if is_service(other) && named.contains(&other.name()) {
            services.push(other.object.clone());
        } else {
            left_out.push(other.title());
        }
    }
    if !left_out.is_empty() {
        notes.push(format!(
            "The play leaves out what it does not need: {}.",
            left_out.join(", ")
        ));
    }
    for name in named
        .iter()
        .filter(|name| !found.iter().any(|it| is_service(it) && it.name() == **name))
    {
        services.push(service(name, &rollout));
        notes.push(format!(
            "The play adds the Service {name}: the Rollout names it, and the file does not contain it."
        ));
    }
    let template = rollout.spec.template.as_ref();
    for leaf in template.map(|it| sanitised_template(it).1).unwrap_or_default() {
        let field = format!("spec.template.{leaf}");
        let place = manifest.place(&field);
        notes.push(format!("The pods lack a field that cannot be read: {place}: {field}."));
    }
    Ok(Play {
        rollout: manifest.object,
        services,
        notes,
    })
}

fn place_of_rollout(found: &[Manifest], name: Option<&str>) -> Result<usize, Failure> {
    let rollouts: Vec<_> = found.iter().enumerate().filter(|(_, it)| is_rollout(it)).collect();
    let names: Vec<_> = rollouts.iter().map(|(_, it)| it.name()).collect();
    let file = found.first().map_or("the file", Manifest::file);
    match (name, rollouts.as_slice()) {
        (_, []) => {
            let titles: Vec<_> = found.iter().map(Manifest::title).collect();
            let holds = if titles.is_empty() {
                "nothing".to_owned()
            } else {
                titles.join(", ")
            };
            let text = format!("{file}: the file contains no Rollout to play; it contains {holds}");
            Err(Failure::message(text))
        }
        (None, [(at, _)]) => Ok(*at),
        (None, [_, (_, second), ..]) => Err(Failure::message(format!(
            "{}: there are {} Rollouts; choose one with --rollout: {}",
            second.place(""),
            names.len(),
            names.join(", ")
        ))),
        (Some(name), rollouts) => match rollouts.iter().find(|(_, it)| it.name() == name) {
            Some((at, _)) => Ok(*at),
            None => Err(Failure::message(format!(
                "{file}: the file contains no Rollout {name:?}; it contains {}",
                names.join(", ")
            ))),
        },
    }
}

/// The Rollout, or all that is wrong with it, with file, line and field.
fn decode(manifest: &Manifest) -> Result<Rollout, Failure> {
    let decoded = match manifest.document() {
        Some(document) => decode_strict(document),
        // An item of a List: read as a document of its own, whose lines are not those of the file.
        None => {
            let text = yaml::to_string(&manifest.object).map_err(|error| Failure::message(error.to_string()))?;
            let documents = yaml::parse_docs(&text).map_err(|error| Failure::message(error.to_string()))?;
            let document = documents
                .first()
                .ok_or_else(|| Failure::message("the Rollout is empty"))?;
            decode_strict(document)
        }
    };
    let rollout: Rollout = decoded.map_err(|problems| {
        let lines = problems.iter().map(|problem| match problem.field.as_str() {
            "" => format!("{}: {}", manifest.place(""), problem.message),
            field => format!("{}: {field}: {}", manifest.place(field), problem.message),
        });
        Failure::message(lines.collect::<Vec<_>>().join("\n"))
    })?;
    if let Some(error) = validate::rollout(&rollout).into_iter().next() {
        return Err(Failure::message(format!("{}: {error}", manifest.place(&error.path))));
    }
    if rollout.metadata.name.is_none() {
        let place = manifest.place("");
        return Err(Failure::message(format!(
            "{place}: metadata.name: a Rollout needs a name"
        )));
    }
    Ok(rollout)
}

fn is_rollout(manifest: &Manifest) -> bool {
    manifest.kind() == "Rollout" && manifest.api_version().starts_with("argoproj.io/")
}

fn is_service(manifest: &Manifest) -> bool {
    manifest.kind() == "Service" && manifest.api_version() == "v1"
}

/// A Service in place of one that the file lacks: it selects the pods of the Rollout.
fn service(name: &str, rollout: &Rollout) -> Value {
    let template = rollout
        .spec
        .template
        .as_ref()
        .map(serin_core::api::PodTemplate::to_value);
    let labels = template.as_ref().and_then(|it| it.pointer("/metadata/labels")).cloned();
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": labels.unwrap_or_default(), "ports": [{"port": 80}]}})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::local::manifest;

    const EXAMPLE: &str = include_str!("../../../../examples/canary.yaml");
    const BLUE_GREEN: &str = "apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: 'app:1', resources: {limits: {memory: much}}}]}
  strategy: {blueGreen: {activeService: web, previewService: web-preview}}
";
    const OTHERS: &str = "apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
";

    fn error(text: &str) -> String {
        match choose(manifest::parse("mine.yaml", text), None) {
            Err(Failure::Message(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn services_are_taken_from_the_file_and_what_is_left_out_is_said() {
        let text = format!("{BLUE_GREEN}---\n{OTHERS}");
        let play = choose(manifest::parse("mine.yaml", &text), None).unwrap();
        let names: Vec<_> = play
            .services
            .iter()
            .map(|it| it["metadata"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["web", "web-preview"]);
        assert_eq!(play.services[1]["spec"]["selector"], json!({"app": "web"}));
        assert_eq!(
            play.notes,
            [
                "The play leaves out what it does not need: Service/other, Ingress/web.",
                "The play adds the Service web-preview: the Rollout names it, and the file does not contain it.",
                "The pods lack a field that cannot be read: mine.yaml: line 8: \
                 spec.template.spec.containers[0].resources.limits.memory.",
            ]
        );
        let play = choose(manifest::parse("mine.yaml", EXAMPLE), None).unwrap();
        assert!(play.services.is_empty() && play.notes.is_empty());
    }

    #[test]
    fn one_of_several_rollouts_is_chosen_by_name() {
        let two = format!("{BLUE_GREEN}---\n{EXAMPLE}");
        let text = error(&two);
        assert!(
            text.ends_with("there are 2 Rollouts; choose one with --rollout: web, canary-demo"),
            "{text}"
        );
        assert!(text.starts_with("mine.yaml: line "), "{text}");
        let play = choose(manifest::parse("mine.yaml", &two), Some("canary-demo")).unwrap();
        assert_eq!(play.rollout["metadata"]["name"], "canary-demo");
        assert_eq!(play.notes, ["The play leaves out what it does not need: Rollout/web."]);
        assert!(choose(manifest::parse("mine.yaml", &two), Some("nope")).is_err());
        let text = error(OTHERS);
        assert!(
            text.contains("no Rollout to play; it contains Service/web, Service/other"),
            "{text}"
        );
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
        // In a List too.
        let item = typo.lines().map(|line| format!("  {line}\n")).collect::<String>();
        let list = format!("apiVersion: v1\nkind: List\nitems:\n-\n{item}");
        let line = list.lines().position(|line| line.contains("setWieght")).unwrap() + 1;
        assert!(
            error(&list).starts_with(&format!("mine.yaml: line {line}: ")),
            "{}",
            error(&list)
        );

        let text = error("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n");
        assert!(
            text.starts_with("mine.yaml: ") && text.contains("Deployment/x"),
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
        assert!(error("kind: Service\n").contains("it has no apiVersion"));
    }
}
