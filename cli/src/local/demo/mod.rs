//! The story that `demo` tells: a rollout starts, gets a new image, pauses, is resumed and ends Healthy.
//!
//! It is played on any connection and acts only as a user would: create, change the image, promote.

pub(crate) mod file;
mod words;

use crate::cluster::as_read::AsRead;
use crate::cluster::connect::Connection;
use crate::cluster::scene::{self, Change, Scene, Subject};
use crate::show::console::{CLEAR, ColorChoice, Console, Terminal};
use crate::show::failure::Failure;
use crate::show::info::{RolloutInfo, StrategyInfo};
use crate::show::tree::{self, Width};
use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;
use kube::api::{ApiResource, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::watcher::Event;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use serin_core::api::Rollout;
use serin_core::hooks::request::{self, Promotion};
use serin_core::meaning::{PauseLength, pause_duration};
use serin_core::rollout::view;
use serin_core::wire;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep};
use words::Course;

/// How long a person may look at a pause before it is resumed for them.
const TIME_TO_LOOK: Duration = Duration::from_secs(3);
/// The demo waits for a pause that ends by itself within this time, and shortens a longer one.
const SHORT_PAUSE_SECONDS: i64 = 10;
/// A rollout that shows nothing new for so long is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(60);
/// Pictures and checks at least this often.
const TICK: Duration = Duration::from_millis(250);

/// What is played.
pub(crate) struct Script {
    /// The Rollout as JSON, as the user wrote it.
    pub rollout: Value,
    /// The Services that it names, as JSON.
    pub services: Vec<Value>,
    /// The image to update to; by default the next tag of the one in use.
    pub image: Option<String>,
    /// Whether pictures are coloured.
    pub coloring: ColorChoice,
}

/// Plays the story to its end.
///
/// # Errors
/// The API server refuses something, the rollout degrades, or nothing changes for a minute.
pub(crate) async fn play(connection: &Connection, script: &Script, console: &mut Console) -> Result<(), Failure> {
    let name = create(connection, script).await?;
    let mut show = Show::start(connection, &name, script.coloring).await?;
    show.say(
        console,
        &format!("Created rollout {name}. A first version starts at once, without steps."),
    )?;
    show.go_on(connection, &name, console, |_| None).await?;
    let (old, new) = change_image(connection, script, &name, &mut show).await?;
    let course = show.course()?;
    show.say(
        console,
        &format!("Changed the image from {old} to {new}. {}", course.begins()),
    )?;
    let pauses = |pause: &Pause| Some((course.paused(pause), course.promoted(pause)));
    let promotions = show.go_on(connection, &name, console, pauses).await?;
    show.picture(console)?;
    if let Some(services) = services(connection, &show).await? {
        show.say(console, &services)?;
    }
    console.print(&course.closing(console.program(), &name, &old, &new, promotions))
}

/// Creates the Services and the Rollout in the connection's namespace, and ignores theirs.
async fn create(connection: &Connection, script: &Script) -> Result<String, Failure> {
    let services = ApiResource::erase::<Service>(&());
    for service in &script.services {
        create_one(connection, service, &services).await?;
    }
    create_one(connection, &script.rollout, &ApiResource::erase::<Rollout>(&())).await
}

async fn create_one(connection: &Connection, object: &Value, resource: &ApiResource) -> Result<String, Failure> {
    let kind = &resource.kind;
    let mut object: DynamicObject = serde_json::from_value(object.clone())
        .map_err(|error| Failure::message(format!("the {kind} cannot be read: {error}")))?;
    object.metadata.namespace = Some(connection.namespace.clone());
    let objects: Api<DynamicObject> = Api::namespaced_with(connection.client.clone(), &connection.namespace, resource);
    Ok(objects.create(&PostParams::default(), &object).await?.name_any())
}

/// Changes the image of the first container; gives the old and the new one.
async fn change_image(
    connection: &Connection,
    script: &Script,
    name: &str,
    show: &mut Show,
) -> Result<(String, String), Failure> {
    const PATH: &str = "/spec/template/spec/containers/0/image";
    let old = script
        .rollout
        .pointer(PATH)
        .and_then(Value::as_str)
        .ok_or_else(|| Failure::message("the Rollout has no spec.template.spec.containers[0].image to change"))?;
    let new = script.image.clone().unwrap_or_else(|| next_tag(old));
    let patch = serde_json::from_value(json!([{"op": "replace", "path": PATH, "value": new}]))
        .map_err(|error| Failure::message(error.to_string()))?;
    let rollouts: Api<Rollout> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let changed = rollouts
        .patch(name, &PatchParams::default(), &Patch::Json::<()>(patch))
        .await?;
    show.take_in(changed);
    Ok((old.to_owned(), new))
}

/// Promotes if the rollout still waits; whether it did.
async fn promote(connection: &Connection, name: &str, show: &mut Show) -> Result<bool, Failure> {
    let rollouts: Api<Rollout> = Api::namespaced(connection.client.clone(), &connection.namespace);
    // What is on the screen may be a moment old: a pause with an end may be over.
    let rollout = rollouts.get(name).await?;
    let waits = view::phase(&rollout).0 == wire::phase::PAUSED;
    if waits {
        let patches =
            request::promote(&rollout, Promotion::Next).map_err(|error| Failure::message(error.to_string()))?;
        crate::cluster::send::send(connection, name, &patches).await?;
    }
    show.take_in(rollouts.get(name).await?);
    Ok(waits)
}

/// Where the Services of the rollout lead now; `None` if it names none.
async fn services(connection: &Connection, show: &Show) -> Result<Option<String>, Failure> {
    let Some(rollout) = show.seen.rollout() else {
        return Ok(None);
    };
    let api: Api<Service> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let mut lines = Vec::new();
    for name in named_services(rollout) {
        let selector = api
            .get(name)
            .await?
            .spec
            .and_then(|spec| spec.selector)
            .unwrap_or_default();
        let hash = selector.get(wire::HASH_LABEL).map(String::as_str);
        lines.push(words::leads(name, hash, &rollout.status));
    }
    Ok((!lines.is_empty()).then(|| lines.join("\n")))
}

/// The Services that a strategy names, in the order in which a reader thinks of them.
pub(crate) fn named_services(rollout: &Rollout) -> Vec<&str> {
    let strategy = &rollout.spec.strategy;
    let canary = strategy
        .canary
        .iter()
        .flat_map(|it| [&it.stable_service, &it.canary_service]);
    let blue_green = strategy
        .blue_green
        .iter()
        .flat_map(|it| [&it.active_service, &it.preview_service]);
    let named = canary.chain(blue_green).map(String::as_str);
    named.filter(|name| !name.is_empty()).collect()
}

/// `v1` becomes `v2`, `1.9` becomes `1.10`; a tag without a number at its end gets `-next`.
fn next_tag(image: &str) -> String {
    let digits = image.chars().rev().take_while(char::is_ascii_digit).count();
    let (front, number) = image.split_at(image.len() - digits);
    let tagged = image.rsplit('/').next().is_some_and(|last| last.contains(':')) && !image.contains('@');
    match number.parse::<u64>() {
        Ok(number) if tagged && number < u64::MAX => format!("{front}{}", number + 1),
        Ok(_) | Err(_) if tagged => format!("{image}-next"),
        Ok(_) | Err(_) => format!("{}:next", image.split('@').next().unwrap_or(image)),
    }
}

/// A pause that somebody has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Until a person decides.
    Open,
    /// For so many seconds: too long for a demo.
    Timed(i64),
}

/// How a scene ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Healthy,
    Paused(Pause),
}

/// The rollout on the screen, or line by line.
struct Show {
    seen: Scene,
    changes: BoxStream<'static, Change>,
    /// What a later event may not fall behind.
    generation: i64,
    coloring: ColorChoice,
    began: Instant,
    last_line: String,
}

impl Show {
    async fn start(connection: &Connection, name: &str, coloring: ColorChoice) -> Result<Self, Failure> {
        let seen = scene::read(connection, name, Subject::RolloutTree).await?;
        let changes = seen.changes(connection).boxed();
        Ok(Self {
            seen,
            changes,
            generation: 0,
            coloring,
            began: Instant::now(),
            last_line: String::new(),
        })
    }

    /// Notes the answer to a write, which the watch brings only later.
    fn take_in(&mut self, rollout: Rollout) {
        self.generation = rollout.metadata.generation.unwrap_or_default();
        self.apply(Change::Rollout(Event::Apply(AsRead {
            rollout,
            unread: Vec::new(),
        })));
    }

    /// Notes a change, unless an answer to a request has shown a later state of the rollout already.
    fn apply(&mut self, change: Change) {
        if let (Change::Rollout(Event::Apply(next)), Some(seen)) = (&change, self.seen.rollout())
            && is_older(&next.rollout.metadata, &seen.metadata)
        {
            return;
        }
        self.seen.apply(change);
    }

    /// Shows what happens until the rollout is Healthy, and promotes it from each pause; says how often. `words` has what is
    /// said at a pause and after it.
    async fn go_on(
        &mut self,
        connection: &Connection,
        name: &str,
        console: &mut Console,
        words: impl Fn(&Pause) -> Option<(String, String)>,
    ) -> Result<usize, Failure> {
        let mut promotions = 0;
        while let Reached::Paused(pause) = self.until(console).await? {
            let words = words(&pause);
            if let Some((paused, _)) = &words {
                self.picture(console)?;
                self.say(console, paused)?;
                if let Some(services) = services(connection, self).await? {
                    console.line(&services)?;
                }
                sleep(TIME_TO_LOOK).await;
            }
            if promote(connection, name, self).await? {
                promotions += 1;
                if let Some((_, promoted)) = &words {
                    self.say(console, promoted)?;
                }
            }
        }
        Ok(promotions)
    }

    /// What the course of an update depends on.
    fn course(&self) -> Result<Course, Failure> {
        let rollout = self
            .seen
            .rollout()
            .ok_or_else(|| Failure::message("the rollout was deleted"))?;
        Ok(Course::of(rollout))
    }

    /// Shows what happens until the rollout is Healthy or waits.
    async fn until(&mut self, console: &mut Console) -> Result<Reached, Failure> {
        let mut ticks = interval(TICK);
        let mut last_news = Instant::now();
        loop {
            let news = self.frame(console)?;
            if news {
                last_news = Instant::now();
            }
            if let Some(reached) = self.reached()? {
                return Ok(reached);
            }
            let patience = STUCK_AFTER + self.quiet();
            if last_news.elapsed() > patience {
                self.picture(console)?;
                return Err(Failure::message(format!(
                    "nothing has changed for {} s",
                    patience.as_secs()
                )));
            }
            tokio::select! {
                change = self.changes.next() => match change {
                    Some(change) => self.apply(change),
                    None => return Err(Failure::message("the watch of the rollout ended")),
                },
                _ = ticks.tick() => {}
            }
        }
    }

    /// How long a rollout may be quiet although all is well: its pods must be ready for a while before they count.
    fn quiet(&self) -> Duration {
        let seconds = self.seen.rollout().map_or(0, |rollout| rollout.spec.min_ready_seconds);
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    }

    fn reached(&self) -> Result<Option<Reached>, Failure> {
        let (Some(rollout), Some(info)) = (self.seen.rollout(), self.seen.info()) else {
            return Err(Failure::message("the rollout was deleted"));
        };
        if rollout.metadata.generation.unwrap_or_default() < self.generation {
            return Ok(None);
        }
        match info.status.as_str() {
            wire::phase::HEALTHY => Ok(Some(Reached::Healthy)),
            wire::phase::PAUSED => Ok(pause_of(rollout).map(Reached::Paused)),
            wire::phase::DEGRADED => Err(Failure::message(format!("the rollout is Degraded: {}", info.message))),
            _ => Ok(None),
        }
    }

    /// One frame: a picture on a screen, else a line if it differs from the last. Returns whether anything changed.
    fn frame(&mut self, console: &mut Console) -> Result<bool, Failure> {
        let Some(info) = self.seen.info() else { return Ok(false) };
        let line = line_of(&info);
        let news = line != self.last_line;
        match console.terminal() {
            Terminal::Screen if news => self.picture(console)?,
            Terminal::Lines if news => {
                let elapsed = self.began.elapsed().as_secs_f32();
                console.line(&format!("{elapsed:5.1}s  {line}"))?;
            }
            Terminal::Screen | Terminal::Lines => {}
        }
        self.last_line = line;
        Ok(news)
    }

    /// The whole tree, on a cleared screen if there is one.
    fn picture(&self, console: &mut Console) -> Result<(), Failure> {
        let Some(info) = self.seen.info() else { return Ok(()) };
        let screen = console.terminal() == Terminal::Screen;
        let colors = console.colors(self.coloring);
        let clear = if screen { CLEAR } else { "\n" };
        let picture = tree::draw(&info, Width::Usual, colors, Timestamp::now());
        console.print(&format!("{clear}{picture}"))
    }

    fn say(&mut self, console: &mut Console, text: &str) -> Result<(), Failure> {
        console.print(&format!("\n{text}\n"))
    }
}

/// Whether one state of an object came before another; false for different objects, and for versions that are no numbers.
fn is_older(state: &ObjectMeta, than: &ObjectMeta) -> bool {
    let version = |it: &ObjectMeta| it.resource_version.as_deref().and_then(|text| text.parse::<u64>().ok());
    state.uid == than.uid
        && version(state)
            .zip(version(than))
            .is_some_and(|(one, other)| one < other)
}

/// The pause that a rollout stands in, unless it ends by itself soon.
fn pause_of(rollout: &Rollout) -> Option<Pause> {
    let strategy = &rollout.spec.strategy;
    let blue_green = strategy.blue_green.as_ref();
    let of_step = view::current_step(rollout)
        .and_then(|step| step.pause.as_ref())
        .and_then(|pause| match pause_duration(pause) {
            PauseLength::Seconds(seconds) => Some(seconds),
            PauseLength::Indefinite | PauseLength::Invalid => None,
        });
    let seconds = match blue_green {
        _ if rollout.spec.paused => None,
        Some(blue_green) => Some(i64::from(blue_green.auto_promotion_seconds)).filter(|it| *it > 0),
        None => of_step,
    };
    match seconds {
        None => Some(Pause::Open),
        Some(seconds) if seconds > SHORT_PAUSE_SECONDS => Some(Pause::Timed(seconds)),
        Some(_) => None,
    }
}

/// What a log shows of one moment.
fn line_of(info: &RolloutInfo) -> String {
    let strategy = match &info.strategy {
        StrategyInfo::Canary {
            step,
            set_weight,
            actual_weight,
        } if !step.is_empty() => {
            format!("step {step}, weight {actual_weight} of {set_weight}, ")
        }
        // Without steps there is no weight to wait for.
        StrategyInfo::Canary { .. } | StrategyInfo::BlueGreen | StrategyInfo::Missing => String::new(),
    };
    let message = if info.message.is_empty() {
        String::new()
    } else {
        format!(": {}", info.message)
    };
    let (updated, available, current) = (info.updated, info.available, info.current);
    format!(
        "{:<11} {strategy}{updated} new of {current} pods, {available} available{message}",
        info.status
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn the_next_tag_counts_on() {
        let table = [
            ("reg/app:v1", "reg/app:v2"),
            ("reg/app:1.9", "reg/app:1.10"),
            ("reg/app:blue", "reg/app:blue-next"),
            ("reg:5000/app", "reg:5000/app:next"),
            ("app2", "app2:next"),
            ("reg/app@sha256:12", "reg/app:next"),
        ];
        for (image, next) in table {
            assert_eq!(next_tag(image), next, "{image}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers_of_one_object() {
        let meta = |uid: &str, version: &str| ObjectMeta {
            uid: Some(uid.to_owned()),
            resource_version: Some(version.to_owned()),
            ..ObjectMeta::default()
        };
        assert!(is_older(&meta("a", "9"), &meta("a", "10")));
        assert!(!is_older(&meta("a", "10"), &meta("a", "10")));
        assert!(!is_older(&meta("a", "11"), &meta("a", "10")));
        assert!(!is_older(&meta("b", "9"), &meta("a", "10")));
        assert!(!is_older(&meta("a", "x"), &meta("a", "10")));
    }
}
