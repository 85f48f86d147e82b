//! Whole lives in virtual time: random specs, people, crashes after any single write, stale stores, pods late or never;
//! the invariants of docs/architecture.md after every step.
//!
//! A failure prints its seed and the command that replays that life alone, with all that happened in it:
//! `SERIN_LIFE=17 cargo test -p serin-world --test lives -- --nocapture`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::disallowed_methods,
    reason = "SERIN_LIFE replays one life; the clock says how fast lives were played"
)]
#![allow(clippy::needless_pass_by_value, reason = "json!() values read best at the call")]
#![allow(clippy::print_stdout, reason = "how much was simulated")]

mod demand;
mod doors;
mod ends;
mod experiments;
mod less;
mod life;
mod measured;
mod moments;
mod plugged;
mod requests;
mod routed;
mod routed_by_plugin;
mod routers;
mod scalers;
mod scenarios;
mod search;
mod situations;
mod start;
mod workloads;

use less::{Less, shrink};
use life::{live, rollout};
use serde_json::json;
use serin_world::World;
use serin_world::rng::Rng;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Lives in a plain run; `SERIN_LIVES` plays another number of them, `.ci/run` 20,000. Of those with a workload there are a
/// quarter as many.
const LIVES: u64 = 2_000;
const SECONDS_OF_A_YEAR: f64 = 31_557_600.0;

/// What replays a life.
fn replay(seed: u64) -> String {
    format!("SERIN_LIFE={seed} cargo test -p serin-world --test lives -- --nocapture")
}

/// A life of this seed, with a trace where it is asked for, and with less in it.
type Live = fn(u64, bool, &Less) -> World;

/// A life as people read it: all that happened, then the rules that it broke.
fn story(seed: u64, world: &World) -> String {
    let trace = world.trace.join("\n");
    let end = match world.broken.as_slice() {
        [] => "no rule is broken".to_owned(),
        broken => format!("BROKEN {}\n{:#}", broken.join("; "), world.rollout),
    };
    format!("life {seed}\n{trace}\n{end}")
}

/// Makes the life smaller, plays it again with its trace, and fails with it.
fn fail(live: Live, seed: u64) -> ! {
    let less = shrink(live, seed);
    let world = live(seed, true, &less);
    panic!(
        "{}\nleft out, since the rule breaks without it: {less:?}\nreplay it with: {}",
        story(seed, &world),
        replay(seed)
    );
}

/// What was simulated.
#[derive(Default)]
struct Played {
    /// Lives to play.
    wanted: u64,
    lives: AtomicU64,
    writes: AtomicUsize,
    looks: AtomicUsize,
    seconds: AtomicU64,
    /// The first seed whose life broke a rule.
    broken: AtomicU64,
}

impl Played {
    /// Plays lives until there are enough, or one breaks a rule.
    fn play(&self, live: Live, next: &AtomicU64) {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.wanted || seed >= self.broken.load(Ordering::Relaxed) {
                return;
            }
            let world = live(seed, false, &Less::default());
            if !world.broken.is_empty() {
                self.broken.fetch_min(seed, Ordering::Relaxed);
            }
            let seconds = world.now.duration_since(world.began).as_secs();
            self.lives.fetch_add(1, Ordering::Relaxed);
            self.writes.fetch_add(world.writes, Ordering::Relaxed);
            self.looks.fetch_add(world.looks, Ordering::Relaxed);
            self.seconds
                .fetch_add(u64::try_from(seconds).unwrap(), Ordering::Relaxed);
        }
    }

    fn tell(&self, took: Duration, threads: usize) {
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        let lives = self.lives.load(Ordering::Relaxed);
        let years = Duration::from_secs(self.seconds.load(Ordering::Relaxed)).as_secs_f64() / SECONDS_OF_A_YEAR;
        let took = took.as_secs_f64();
        println!(
            "{lives} lives in {took:.1} s on {threads} threads: {} looks, {} writes; \
             {:.0} lives a second, {:.2} simulated years a minute",
            count(&self.looks),
            count(&self.writes),
            Duration::from_secs(lives).as_secs_f64() / took,
            years / took * 60.0,
        );
    }
}

/// Plays them on all processors; `SERIN_LIFE` plays one, and prints it.
#[test]
fn lives() {
    play_all(life::live_with, 1);
}

/// As [`lives`], of rollouts that refer to a Deployment.
#[test]
fn lives_with_a_workload() {
    play_all(workloads::live, 4);
}

/// As [`lives`], of canaries whose weight a router carries.
#[test]
fn lives_with_a_router() {
    play_all(routed::live, 1);
}

/// As [`lives`], of canaries whose weight a compiled plugin carries.
#[test]
fn lives_with_a_router_plugin() {
    play_all(routed_by_plugin::live, 2);
}

/// All of them, or one of so many.
fn play_all(live: Live, of: u64) {
    if let Ok(seed) = std::env::var("SERIN_LIFE") {
        let seed = seed.parse().expect("SERIN_LIFE is the number of a life");
        let world = live(seed, true, &Less::default());
        println!("{}", story(seed, &world));
        if !world.broken.is_empty() {
            fail(live, seed);
        }
        return;
    }
    let began = Instant::now();
    let wanted = std::env::var("SERIN_LIVES").map(|lives| lives.parse().expect("SERIN_LIVES is a number of lives"));
    let played = Played {
        wanted: wanted.unwrap_or(LIVES) / of,
        broken: AtomicU64::new(u64::MAX),
        ..Played::default()
    };
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| played.play(live, &next));
        }
    });
    let broken = played.broken.load(Ordering::Relaxed);
    if broken != u64::MAX {
        fail(live, broken);
    }
    played.tell(began.elapsed(), threads);
}

/// Invariant 8, every single point: an update with steps, dying after each of its writes in turn.
#[test]
fn a_crash_after_any_single_write() {
    let life = |crash: Option<usize>| {
        let mut rng = Rng::new(7);
        let mut manifest = rollout(&mut rng);
        manifest["spec"]["replicas"] = 4.into();
        manifest["spec"]["strategy"]["canary"] =
            json!({ "steps": [{ "setWeight": 25 }, { "pause": { "duration": 5 } }, { "setWeight": 60 }] });
        let mut world = World::new(manifest);
        world.faults.crash_after_writes = crash;
        world.wait(30);
        world.set_image("web:good-1");
        world.wait(60);
        world.set_image("web:bad-2");
        world.wait(10);
        world.edit_status(&json!({ "abort": true }));
        world.wait(30);
        world.set_image("web:good-3");
        world.wait(100);
        world
    };
    let calm = life(None);
    assert!(calm.broken.is_empty(), "{:?}\n{}", calm.broken, calm.trace.join("\n"));
    let total = calm.writes;
    assert!(total > 20, "a life worth crashing: {total} writes");
    for crash in 1..=total {
        let world = live_ended(life(Some(crash)), crash);
        assert_eq!(world.current().status.phase, "Healthy", "crash after write {crash}");
        assert_eq!(
            world.current().status.stable_rs,
            calm.current().status.stable_rs,
            "crash after write {crash}"
        );
        assert_eq!(
            world.rollout["metadata"]["annotations"],
            calm.rollout["metadata"]["annotations"]
        );
    }
    println!("{total} crash points");
}

fn live_ended(world: World, crash: usize) -> World {
    assert!(
        world.broken.is_empty(),
        "crash after write {crash}: {:?}\n{}",
        world.broken,
        world.trace.join("\n")
    );
    world
}

/// Who reads a failure finds in it who did what and when, and how to see it again.
#[test]
fn a_life_reads_as_a_story() {
    let seed = (0..100)
        .find(|seed| live(*seed, false).writes > 20)
        .expect("a life in which something happens");
    let (world, again) = (live(seed, true), live(seed, true));
    assert_eq!(world.trace, again.trace, "a seed is one life");
    let story = story(seed, &world);
    assert!(story.starts_with(&format!("life {seed}\n")), "{story}");
    assert!(story.ends_with("no rule is broken"), "{story}");
    for line in &world.trace {
        let (clock, what) = line.split_once("s ").expect("a time");
        let seconds: f64 = clock.trim().parse().expect("seconds since the beginning");
        assert!(seconds >= 0.0 && !what.trim().is_empty(), "{line}");
    }
    for what in [
        "create ReplicaSet web-",
        "status {\"",
        "event RolloutCompleted",
        "somebody edits {\"spec\"",
    ] {
        assert!(story.contains(what), "{what} is not told:\n{story}");
    }
    assert!(live(seed, false).trace.is_empty(), "no trace where nobody reads it");
    assert_eq!(
        replay(17),
        "SERIN_LIFE=17 cargo test -p serin-world --test lives -- --nocapture"
    );
}
