//! The same scripts without a cluster: `argocd admin settings resource-overrides` over our fixtures, against the rules in Rust.

use crate::argo::Argo;
use crate::hooks::Hooks;
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;
use serin_core::hooks::{self, Door, Options, Patches};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Programs at a time.
const AT_A_TIME: usize = 4;

/// Health, lists of actions and what each action makes of an object: the same as the rules say, for every fixture.
pub(crate) async fn every_fixture_is_answered_as_by_the_rules(stage: &mut Stage<'_>) -> Result<()> {
    let Hooks::Ours(_, settings) = &stage.argo.hooks else {
        anyhow::bail!("it is about our hooks");
    };
    let fixtures = fixtures()?;
    let mut questions = Vec::new();
    for (file, object) in &fixtures {
        questions.push(compared(stage.argo, settings, file, object));
    }
    let differences: Vec<Vec<String>> = stream::iter(questions)
        .buffer_unordered(AT_A_TIME)
        .collect::<Vec<Result<Vec<String>>>>()
        .await
        .into_iter()
        .collect::<Result<_>>()?;
    let differences = differences.concat();
    ensure!(
        differences.is_empty(),
        "{} fixtures:\n{}",
        fixtures.len(),
        differences.join("\n")
    );
    Ok(())
}

/// Objects of kinds with rules below the fixtures of the `lua` crate (`SERIN_ARGOCD_FIXTURES`: below another folder).
fn fixtures() -> Result<Vec<(PathBuf, Value)>> {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../lua/fixtures");
    let folder = std::env::var_os("SERIN_ARGOCD_FIXTURES").map_or_else(usual, PathBuf::from);
    let (mut folders, mut found) = (vec![folder.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "yaml") && is_test_data(&path) {
                let text = std::fs::read_to_string(&path)?;
                let mut documents =
                    serin_core::notation::yaml::parse_docs(&text).with_context(|| path.display().to_string())?;
                let only = if documents.len() == 1 { documents.pop() } else { None };
                let object = only.map(|it| it.value).unwrap_or_default();
                // Some are no argument to any script of ours: broken on purpose, or of another kind.
                if hooks::of(&object, &Options::default()).is_some() {
                    found.push((path, object));
                }
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    ensure!(!found.is_empty(), "no fixtures below {}", folder.display());
    Ok(found)
}

/// In the layout of Argo CD's own repository objects lie below `testdata`, what is expected of them beside it.
fn is_test_data(path: &Path) -> bool {
    path.components().any(|it| it.as_os_str() == "testdata")
}

/// All that differs for one object.
async fn compared(argo: &Argo, settings: &Path, file: &Path, object: &Value) -> Result<Vec<String>> {
    let rules = hooks::of(object, &Options::default()).context("no rules")?;
    let mut differences = Vec::new();
    let mut note = |what: &str, theirs: &dyn std::fmt::Debug, ours: &dyn std::fmt::Debug| {
        differences.push(format!(
            "{}: {what}: Argo CD {theirs:?}, the rules {ours:?}",
            file.display()
        ));
    };
    // Objects for the actions lie apart.
    if !file.components().any(|it| it.as_os_str() == "actions") {
        let health = rules.health(object);
        let health = (health.status.as_str().to_owned(), health.message);
        let said = said_health(&ask(argo, settings, "health", file, None).await?);
        if said.as_ref() != Some(&health) {
            note("health", &said, &health);
        }
        return Ok(differences);
    }
    let list = rules
        .actions
        .iter()
        .map(|it| (it.name.to_owned(), it.is_disabled(object)));
    let list: BTreeMap<String, bool> = list.collect();
    let said = said_list(&ask(argo, settings, "list-actions", file, None).await?);
    if said != list {
        note("actions", &said, &list);
    }
    for action in &rules.actions {
        let patches = action.patches(object, Door::ArgoCd, Timestamp::UNIX_EPOCH);
        if action.is_disabled(object) && patches == Patches::default() {
            continue; // half of them, a second each: the tests of the `lua` crate run these
        }
        let mut ours = object.clone();
        for patch in [patches.status, patches.spec].into_iter().flatten() {
            merge(&mut ours, &patch);
        }
        let text = ask(argo, settings, "run-action", file, Some(action.name)).await?;
        let theirs =
            said_object(&text, object).with_context(|| format!("{}: {}: {text}", file.display(), action.name))?;
        let (ours, theirs) = (comparable(ours, object), comparable(theirs, object));
        if ours != theirs {
            note(action.name, &theirs.to_string(), &ours.to_string());
        }
    }
    Ok(differences)
}

async fn ask(argo: &Argo, settings: &Path, what: &str, file: &Path, action: Option<&str>) -> Result<String> {
    let (file, settings) = (file.to_str().context("a path")?, settings.to_str().context("a path")?);
    let mut words = vec!["admin", "settings", "resource-overrides", what, file];
    words.extend(action);
    words.extend(["--argocd-cm-path", settings]);
    argo.offline(&words).await
}

fn said_health(text: &str) -> Option<(String, String)> {
    let line = |name: &str| {
        text.lines()
            .find_map(|it| it.strip_prefix(name))
            .map(|it| it.trim().to_owned())
    };
    Some((line("STATUS:")?, line("MESSAGE:")?))
}

fn said_list(text: &str) -> BTreeMap<String, bool> {
    let lines = text.lines().skip_while(|it| !it.starts_with("NAME")).skip(1);
    let pairs = lines.filter_map(|it| it.split_once(' '));
    pairs
        .map(|(name, disabled)| (name.to_owned(), disabled.trim() == "true"))
        .collect()
}

/// The object after an action: Argo CD hands it to a program that is to show differences, ours prints it.
fn said_object(text: &str, before: &Value) -> Result<Value> {
    if text.starts_with("No fields had been changed") {
        return Ok(before.clone());
    }
    let (_, object) = text
        .split_once("Following fields have been changed:")
        .context("no object")?;
    let mut documents = serin_core::notation::yaml::parse_docs(object)?;
    Ok(documents.pop().context("no object")?.value)
}

/// Without nulls, which say nothing; a time that an action has written is only told from none.
fn comparable(mut object: Value, before: &Value) -> Value {
    remove_nulls(&mut object);
    if let Some(at) = object.pointer_mut("/spec/restartAt")
        && Some(&*at) != before.pointer("/spec/restartAt")
    {
        *at = Value::Bool(at.as_str().is_some_and(|it| it.parse::<Timestamp>().is_ok()));
    }
    object
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, it| !it.is_null());
            fields.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// JSON merge patch (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (name, value) in fields {
        if value.is_null() {
            if let Some(object) = target.as_object_mut() {
                object.remove(name);
            }
        } else {
            merge(&mut target[name.as_str()], value);
        }
    }
}
