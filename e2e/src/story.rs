//! Given, when, then: a story is written down first and told when it is awaited, so that a failure can show how far it came.

use crate::replica_sets::ByHand;
use crate::services::Services;
use crate::view::{View, is_ready};
use crate::world::World;
use anyhow::{Context, Result, bail};
use futures::FutureExt;
use futures::future::BoxFuture;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use serin_core::api::API_VERSION;
use serin_core::hooks::request::{self, Patches, Promotion};
use std::fmt::Write;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a story waits for something, unless it says otherwise: a whole update with pauses and slow pods.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The part of a story that a step belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Given,
    When,
    Then,
}

pub(crate) type Check = Box<dyn Fn(&View) -> Result<(), String> + Send + Sync>;

pub(crate) enum Step {
    Rollout(String),
    Objects(String),
    EndRun(String),
    Patch(Value),
    Image(String),
    Promote(Promotion),
    Status(Patches),
    Service(Services),
    ReplicaSet(i64, ByHand),
    Scale(i32),
    KillController,
    StartController,
    Wait(Duration),
    RememberPods,
    KeepsRememberedPods,
    Until(Duration, Check),
    During(Duration, Check),
}

struct Line {
    word: Word,
    text: String,
    step: Step,
}

/// Steps to be told in order. Nothing happens before it is awaited.
#[must_use = "a story is told when it is awaited"]
pub struct Story<'w> {
    world: &'w mut World,
    word: Word,
    lines: Vec<Line>,
}

/// What is done.
impl<'w> Story<'w> {
    pub(crate) fn new(world: &'w mut World, word: Word) -> Self {
        Self {
            world,
            word,
            lines: Vec::new(),
        }
    }

    pub(crate) fn step(mut self, text: impl Into<String>, step: Step) -> Self {
        self.lines.push(Line {
            word: self.word,
            text: text.into(),
            step,
        });
        self
    }

    /// What follows is done.
    pub fn when(mut self) -> Self {
        self.word = Word::When;
        self
    }

    /// What follows is seen.
    pub fn then(mut self) -> Self {
        self.word = Word::Then;
        self
    }

    /// Creates a Rollout (YAML); the story is about it from now on.
    pub fn rollout(self, yaml: &str) -> Self {
        self.step("a rollout", Step::Rollout(yaml.to_owned()))
    }

    /// Creates other objects (YAML), such as templates.
    pub fn objects(self, yaml: &str) -> Self {
        self.step("objects", Step::Objects(yaml.to_owned()))
    }

    /// As `terminate analysisrun` does: the run of the rollout whose name ends with this.
    pub fn terminate_run(self, end: &str) -> Self {
        self.step(format!("terminate the run {end}"), Step::EndRun(end.to_owned()))
    }

    /// Merges a patch into the rollout, as somebody edits it.
    pub fn edit(self, patch: Value) -> Self {
        self.step(format!("edit {patch}"), Step::Patch(patch))
    }

    /// Changes the image of the first container.
    pub fn set_image(self, image: &str) -> Self {
        self.step(format!("set image {image}"), Step::Image(image.to_owned()))
    }

    /// As `promote` does.
    pub fn promote(self) -> Self {
        self.step("promote", Step::Promote(Promotion::Next))
    }

    /// As `promote --full` does.
    pub fn promote_full(self) -> Self {
        self.step("promote --full", Step::Promote(Promotion::Full))
    }

    /// As `abort` does.
    pub fn abort(self) -> Self {
        self.step("abort", Step::Status(request::abort()))
    }

    /// As `retry rollout` does.
    pub fn retry(self) -> Self {
        self.step("retry", Step::Status(request::retry()))
    }

    /// As `kubectl scale` does: by the scale subresource.
    pub fn scale(self, replicas: i32) -> Self {
        self.step(format!("scale to {replicas}"), Step::Scale(replicas))
    }

    /// Ends the controller where it stands.
    pub fn kill_controller(self) -> Self {
        self.step("kill the controller", Step::KillController)
    }

    /// Starts it again.
    pub fn start_controller(self) -> Self {
        self.step("start the controller", Step::StartController)
    }

    /// Lets time pass.
    pub fn wait(self, time: Duration) -> Self {
        self.step(format!("wait {time:?}"), Step::Wait(time))
    }

    /// Remembers the pods that are there.
    pub fn remember_pods(self) -> Self {
        self.step("remember the pods", Step::RememberPods)
    }
}

/// What is seen: each waits until it is so.
impl Story<'_> {
    /// Waits until something is so; `check` says what is missing.
    pub fn until<F>(self, text: impl Into<String>, check: F) -> Self
    where
        F: Fn(&View) -> Result<(), String> + Send + Sync + 'static,
    {
        self.step(text, Step::Until(PATIENCE, Box::new(check)))
    }

    /// The phase, as clients show it.
    pub fn phase(self, wanted: &'static str) -> Self {
        self.until(format!("phase {wanted}"), move |view| {
            is(view.phase().0 == wanted, || format!("the phase is {}", view.phase().0))
        })
    }

    /// The phase Healthy.
    pub fn healthy(self) -> Self {
        self.phase("Healthy")
    }

    /// The message beside the phase.
    pub fn message(self, wanted: &'static str) -> Self {
        self.until(format!("message {wanted:?}"), move |view| {
            is(view.phase().1 == wanted, || {
                format!("the message is {:?}", view.phase().1)
            })
        })
    }

    /// The phase stays for a time, and is so from the beginning.
    pub fn stays(self, wanted: &'static str, time: Duration) -> Self {
        let check = move |view: &View| is(view.phase().0 == wanted, || format!("the phase is {}", view.phase().0));
        self.step(
            format!("stays {wanted} for {time:?}"),
            Step::During(time, Box::new(check)),
        )
    }

    /// The index of the step under way.
    pub fn at_step(self, wanted: i32) -> Self {
        self.until(format!("step {wanted}"), move |view| {
            let index = view.rollout.status.current_step_index;
            is(index == Some(wanted), || format!("the step is {index:?}"))
        })
    }

    /// A revision is wanted at `count` pods and has exactly as many, ready or not.
    pub fn pods(self, revision: i64, count: usize) -> Self {
        self.until(format!("revision {revision} has {count} pods"), move |view| {
            let set = view
                .replica_set(revision)
                .and_then(|it| it.spec.replicas)
                .unwrap_or_default();
            let pods = view.pods_of(revision).count();
            is(pods == count && usize::try_from(set) == Ok(count), || {
                format!("{set} are wanted, {pods} are there")
            })
        })
    }

    /// The same, all of them ready.
    pub fn ready_pods(self, revision: i64, count: usize) -> Self {
        self.pods(revision, count)
            .until(format!("revision {revision} has {count} ready pods"), move |view| {
                let ready = view.pods_of(revision).filter(|it| is_ready(it)).count();
                is(ready == count, || format!("{ready} are ready"))
            })
    }

    /// A condition has this status and reason.
    pub fn condition(self, kind: &'static str, status: &'static str, reason: &'static str) -> Self {
        self.until(format!("condition {kind}={status} {reason}"), move |view| {
            let found = view.condition(kind).map(|it| (it.status.as_str(), it.reason.as_str()));
            is(found == Some((status, reason)), || format!("it is {found:?}"))
        })
    }

    /// There is no such condition, or it is not True.
    pub fn no_condition(self, kind: &'static str) -> Self {
        self.until(format!("no condition {kind}"), move |view| {
            let found = view.condition(kind).filter(|it| it.status == "True");
            is(found.is_none(), || "it is there".to_owned())
        })
    }

    /// All reasons of events so far, in order.
    pub fn events(self, wanted: &'static [&'static str]) -> Self {
        self.until(format!("events {wanted:?}"), move |view| {
            is(view.reasons() == wanted, || format!("they are {:?}", view.reasons()))
        })
    }

    /// Reasons of events that were told after each other, others between them.
    pub fn events_in_order(self, wanted: &'static [&'static str]) -> Self {
        self.until(format!("events {wanted:?} in this order"), move |view| {
            let reasons = view.reasons();
            let mut told = reasons.iter();
            let missing = wanted.iter().find(|it| !told.any(|reason| reason == *it));
            is(missing.is_none(), || format!("{missing:?} is missing of {reasons:?}"))
        })
    }

    /// An event with this reason, and a text within its message.
    pub fn event(self, reason: &'static str, text: &'static str) -> Self {
        self.until(format!("event {reason} with {text:?}"), move |view| {
            let message = |it: &k8s_openapi::api::core::v1::Event| it.message.clone().unwrap_or_default();
            let mut events = view.events.iter().filter(|it| it.reason.as_deref() == Some(reason));
            let all: Vec<String> = events.by_ref().map(message).collect();
            is(all.iter().any(|it| it.contains(text)), || {
                format!("with that reason are {all:?}")
            })
        })
    }

    /// The newest run whose name ends with this has a phase.
    pub fn run(self, end: &'static str, wanted: &'static str) -> Self {
        self.until(format!("the run {end} is {wanted}"), move |view| {
            let phases = view.runs.iter().map(|run| (run.name_any(), run.status.phase.as_str()));
            let all: Vec<(String, &str)> = phases.collect();
            let found = all.iter().rev().find(|(name, _)| name.ends_with(end));
            is(found.is_some_and(|(_, phase)| *phase == wanted), || {
                format!("there are {all:?}")
            })
        })
    }

    /// Every remembered pod is still there.
    pub fn keeps_remembered_pods(self) -> Self {
        self.step("the remembered pods are still there", Step::KeepsRememberedPods)
    }
}

pub(crate) fn is(so: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if so { Ok(()) } else { Err(otherwise()) }
}

impl<'w> IntoFuture for Story<'w> {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'w, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        tell(self).boxed()
    }
}

async fn tell(story: Story<'_>) -> Result<()> {
    let Story { world, lines, .. } = story;
    let mut told = String::new();
    for Line { word, text, step } in lines {
        if let Err(error) = play(world, step).await {
            let now = if world.rollout.is_empty() {
                "nothing yet".to_owned()
            } else {
                world
                    .view()
                    .await
                    .map_or_else(|error| format!("{error:#}"), |view| view.to_string())
            };
            return Err(error.context(format!("{told}\n  ✗ {word:?} {text}\nwhat is there:\n{now}")));
        }
        write!(told, "\n  ✓ {word:?} {text}")?;
    }
    Ok(())
}

async fn play(world: &mut World, step: Step) -> Result<()> {
    match step {
        Step::Rollout(yaml) => {
            let mut documents = serin_core::notation::yaml::parse_docs(&yaml)?;
            let document = documents.pop().context("no rollout in the text")?;
            world.rollout = world.create(document.value).await?.name_any();
        }
        Step::Objects(yaml) => world.create_all(&yaml).await?,
        Step::EndRun(end) => {
            let view = world.view().await?;
            let run = view.runs.iter().rev().find(|run| run.name_any().ends_with(&end));
            let name = run.with_context(|| format!("there is no run {end}"))?.name_any();
            let patch = Patch::Merge(json!({"spec": {"terminate": true}}));
            let runs = world.objects(API_VERSION, "AnalysisRun");
            runs.patch(&name, &PatchParams::default(), &patch).await?;
        }
        Step::Patch(patch) => patch_rollout(world, &patch).await?,
        Step::Image(image) => {
            let mut rollout = world.raw_rollouts().get(&world.rollout).await?;
            let mut containers = rollout.data["spec"]["template"]["spec"]["containers"].take();
            containers[0]["image"] = json!(image);
            patch_rollout(
                world,
                &json!({"spec": {"template": {"spec": {"containers": containers}}}}),
            )
            .await?;
        }
        Step::Promote(promotion) => {
            let rollout = world.rollouts().get(&world.rollout).await?;
            send(world, &request::promote(&rollout, promotion)?).await?;
        }
        Step::Status(patches) => send(world, &patches).await?,
        Step::Service(change) => change.make(world).await?,
        Step::ReplicaSet(revision, change) => change.make(world, revision).await?,
        Step::Scale(replicas) => {
            let patch = json!({"spec": {"replicas": replicas}});
            let rollouts = world.rollouts();
            rollouts
                .patch_scale(&world.rollout, &PatchParams::default(), &Patch::Merge(patch))
                .await?;
        }
        Step::KillController => world.kill_controller().await?,
        Step::StartController => world.start_controller().await?,
        Step::Wait(time) => sleep(time).await,
        Step::RememberPods => {
            let view = world.view().await?;
            world.remembered_pods = view.pods.iter().filter_map(ResourceExt::uid).collect();
        }
        Step::KeepsRememberedPods => {
            let view = world.view().await?;
            let mut there = view.pods.iter().filter_map(ResourceExt::uid);
            let count = there.by_ref().filter(|it| world.remembered_pods.contains(it)).count();
            if count != world.remembered_pods.len() {
                bail!("of {} remembered pods {count} are there", world.remembered_pods.len());
            }
        }
        Step::Until(limit, check) => until(world, limit, &check).await?,
        Step::During(time, check) => during(world, time, &check).await?,
    }
    Ok(())
}

async fn patch_rollout(world: &World, patch: &Value) -> Result<()> {
    let rollouts = world.raw_rollouts();
    rollouts
        .patch(&world.rollout, &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}

async fn send(world: &World, patches: &Patches) -> Result<()> {
    let rollouts = world.raw_rollouts();
    if let Some(patch) = &patches.status {
        rollouts
            .patch_status(&world.rollout, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
    }
    match &patches.spec {
        Some(patch) => patch_rollout(world, patch).await,
        None => Ok(()),
    }
}

async fn until(world: &World, limit: Duration, check: &Check) -> Result<()> {
    let end = Instant::now() + limit;
    loop {
        let Err(missing) = check(&world.view().await?) else {
            return Ok(());
        };
        if Instant::now() >= end {
            bail!("not within {limit:?}: {missing}");
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn during(world: &World, time: Duration, check: &Check) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < time {
        if let Err(otherwise) = check(&world.view().await?) {
            bail!("after {:?}: {otherwise}", begin.elapsed());
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}
