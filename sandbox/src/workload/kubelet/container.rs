//! What one container of a pod looks like at a given time.

use super::options::{JobCommands, KubeletOptions};
use super::process;
use super::script;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Container, LifecycleHandler};
use std::time::Duration;

/// From a pull error to the back-off that follows it.
const PULL_BACKOFF_AFTER: SignedDuration = SignedDuration::from_secs(2);
/// Back-off of a crashing container: doubles from the first to the last, as a kubelet's.
const CRASH_BACKOFF: (i64, i64) = (10, 300);

/// How a process of a container ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    /// Its code; 128 + n for signal n.
    pub(super) code: i32,
    pub(super) at: Timestamp,
}

/// The state of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waiting {
        reason: &'static str,
        message: Option<String>,
    },
    /// Its command cannot start; it is tried again and again.
    Crashing {
        restarts: i32,
        since: Timestamp,
    },
    Running {
        since: Timestamp,
    },
    Terminated {
        code: i32,
        reason: &'static str,
        since: Timestamp,
        at: Timestamp,
    },
}

/// A container as seen at one moment.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    pub(super) container: &'a Container,
    pub(super) state: State,
    pub(super) ready: bool,
    /// A process must be started for it now.
    pub(super) starts_process: bool,
    /// When it will look different without anything happening.
    pub(super) again: Option<Timestamp>,
}

/// What a look at a container goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life<'a> {
    pub(super) options: &'a KubeletOptions,
    /// When the pod was started on the node.
    pub(super) began: Timestamp,
    pub(super) now: Timestamp,
    /// Restart policy Never or OnFailure: commands are run to their end.
    pub(super) runs_to_end: bool,
    /// How the container's process ended, if it has.
    pub(super) exit: Option<Exit>,
}

impl Life<'_> {
    /// How a command will end that began at `runs`, where commands are interpreted and this one is known.
    fn foreseen_exit(&self, container: &Container, runs: Timestamp) -> Option<Exit> {
        if !self.runs_to_end || self.options.job_commands != JobCommands::Interpret {
            return None;
        }
        let script::Ending { after: wait, code } = script::ending(container)?;
        let at = after(runs, wait);
        Some(Exit { code, at })
    }
}

pub(super) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn after(time: Timestamp, wait: SignedDuration) -> Timestamp {
    time.checked_add(wait).unwrap_or(Timestamp::MAX)
}

impl<'a> Seen<'a> {
    fn waiting(
        container: &'a Container,
        reason: &'static str,
        message: Option<String>,
        again: Option<Timestamp>,
    ) -> Self {
        Self {
            container,
            state: State::Waiting { reason, message },
            ready: false,
            starts_process: false,
            again,
        }
    }

    /// Looks at a container.
    pub(super) fn at(container: &'a Container, life: Life<'_>) -> Self {
        let image = container.image.as_deref().unwrap_or_default();
        if !life.options.can_pull(image) {
            return Self::unpullable(container, image, life);
        }
        let starts = after(life.began, signed(life.options.ready_after));
        if life.now < starts {
            return Self::waiting(container, "ContainerCreating", None, Some(starts));
        }
        if !can_start(container, life) {
            return Self::unstartable(container, starts, life);
        }
        let hook = container.lifecycle.as_ref().and_then(|it| it.post_start.as_ref());
        let runs = after(starts, hook.map_or(SignedDuration::ZERO, sleep));
        if life.now < runs {
            return Self::waiting(container, "ContainerCreating", None, Some(runs));
        }
        let foreseen = life.foreseen_exit(container, runs);
        let exit = life.exit.or(foreseen.filter(|exit| exit.at <= life.now));
        if let Some(Exit { code, at }) = exit {
            let reason = if code == 0 { "Completed" } else { "Error" };
            let state = State::Terminated {
                code,
                reason,
                since: runs,
                at,
            };
            return Self {
                container,
                state,
                ready: false,
                starts_process: false,
                again: None,
            };
        }
        let delay = container
            .readiness_probe
            .as_ref()
            .and_then(|it| it.initial_delay_seconds)
            .unwrap_or(0);
        let ready_at = after(runs, SignedDuration::from_secs(delay.into()));
        let ready = life.now >= ready_at;
        Self {
            container,
            state: State::Running { since: runs },
            ready,
            starts_process: life.runs_to_end && life.options.job_commands == JobCommands::Run,
            again: [(!ready).then_some(ready_at), foreseen.map(|exit| exit.at)]
                .into_iter()
                .flatten()
                .min(),
        }
    }

    fn unpullable(container: &'a Container, image: &str, life: Life<'_>) -> Self {
        let fails = after(life.began, signed(life.options.pull_error_after));
        let backs_off = after(fails, PULL_BACKOFF_AFTER);
        if life.now < fails {
            return Self::waiting(container, "ContainerCreating", None, Some(fails));
        }
        if life.now < backs_off {
            let message = format!("failed to pull image \"{image}\": not found");
            return Self::waiting(container, "ErrImagePull", Some(message), Some(backs_off));
        }
        Self::waiting(
            container,
            "ImagePullBackOff",
            Some(format!("Back-off pulling image \"{image}\"")),
            None,
        )
    }

    fn unstartable(container: &'a Container, starts: Timestamp, life: Life<'_>) -> Self {
        let plain = Self {
            container,
            state: State::Running { since: starts },
            ready: false,
            starts_process: false,
            again: None,
        };
        if life.runs_to_end {
            let state = State::Terminated {
                code: 128,
                reason: "StartError",
                since: starts,
                at: starts,
            };
            return Self { state, ..plain };
        }
        let (mut restarts, mut pause, mut last) = (0, CRASH_BACKOFF.0, starts);
        let mut next = after(last, SignedDuration::from_secs(pause));
        while next <= life.now && next < Timestamp::MAX {
            (restarts, pause, last) = (restarts + 1, (pause * 2).min(CRASH_BACKOFF.1), next);
            next = after(last, SignedDuration::from_secs(pause));
        }
        Self {
            state: State::Crashing { restarts, since: last },
            again: Some(next),
            ..plain
        }
    }
}

fn can_start(container: &Container, life: Life<'_>) -> bool {
    let Some(program) = container.command.iter().flatten().next() else {
        return true;
    };
    let refused = life.options.unstartable_commands.iter().any(|it| it == program);
    let run_here = life.runs_to_end && life.options.job_commands == JobCommands::Run;
    !refused && (!run_here || process::is_executable(&process::expand(program, container)))
}

/// How long a hook sleeps: `sleep N` as a command of its own, inside a shell's text, or as the sleep action.
pub(super) fn sleep(hook: &LifecycleHandler) -> SignedDuration {
    if let Some(action) = &hook.sleep {
        return SignedDuration::from_secs(action.seconds);
    }
    let words = hook
        .exec
        .iter()
        .flat_map(|it| it.command.iter().flatten())
        .flat_map(|it| it.split_whitespace());
    let mut words = words.skip_while(|it| *it != "sleep").skip(1);
    let digits = words.next().map(|it| it.trim_end_matches(['s', ';']));
    digits
        .and_then(|it| it.parse().ok())
        .map_or(SignedDuration::ZERO, SignedDuration::from_secs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn seen(container: serde_json::Value, seconds: i64, runs_to_end: bool) -> (State, bool, Option<i64>) {
        let container: Container = serde_json::from_value(container).unwrap();
        let options = KubeletOptions::cluster();
        let now = Timestamp::from_second(seconds).unwrap();
        let life = Life {
            options: &options,
            began: Timestamp::UNIX_EPOCH,
            now,
            runs_to_end,
            exit: None,
        };
        let seen = Seen::at(&container, life);
        (seen.state, seen.ready, seen.again.map(|it| it.as_second()))
    }

    fn running(since: i64) -> State {
        State::Running {
            since: Timestamp::from_second(since).unwrap(),
        }
    }

    #[test]
    fn a_plain_container_is_ready_after_two_seconds() {
        let plain = json!({"name": "c", "image": "nginx"});
        assert_eq!(
            seen(plain.clone(), 1, false),
            (
                State::Waiting {
                    reason: "ContainerCreating",
                    message: None
                },
                false,
                Some(2)
            )
        );
        assert_eq!(seen(plain, 2, false), (running(2), true, None));
    }

    #[test]
    fn a_probe_delays_readiness_and_a_hook_the_start() {
        let probed = json!({"name": "c", "image": "nginx", "readinessProbe": {"initialDelaySeconds": 10}});
        assert_eq!(seen(probed.clone(), 11, false), (running(2), false, Some(12)));
        assert_eq!(seen(probed, 12, false), (running(2), true, None));
        let hooked =
            json!({"name": "c", "image": "nginx", "lifecycle": {"postStart": {"exec": {"command": ["sleep", "5"]}}}});
        assert_eq!(seen(hooked.clone(), 6, false).2, Some(7));
        assert_eq!(seen(hooked, 7, false), (running(7), true, None));
    }

    #[test]
    fn a_pull_error_comes_late_and_then_backs_off() {
        let broken = json!({"name": "c", "image": "argoproj/rollouts-demo:error"});
        let reason = |seconds| match seen(broken.clone(), seconds, false).0 {
            State::Waiting { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            [reason(4), reason(5), reason(7)],
            ["ContainerCreating", "ErrImagePull", "ImagePullBackOff"]
        );
    }

    #[test]
    fn a_command_that_cannot_start_restarts_for_ever_or_fails_at_once() {
        let bad = json!({"name": "c", "image": "nginx", "command": ["/bad-command"]});
        let restarts = |seconds| match seen(bad.clone(), seconds, false).0 {
            State::Crashing { restarts, .. } => restarts,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            [restarts(2), restarts(11), restarts(12), restarts(32), restarts(72)],
            [0, 0, 1, 2, 3]
        );
        assert!(matches!(
            seen(bad.clone(), 2, true).0,
            State::Terminated {
                code: 128,
                reason: "StartError",
                ..
            }
        ));
    }

    #[test]
    fn a_command_that_is_interpreted_ends_by_itself() {
        let job = json!({"name": "c", "image": "shell", "command": ["sh", "-c", "sleep 3 && exit 2"]});
        let container: Container = serde_json::from_value(job).unwrap();
        let (options, began) = (KubeletOptions::sandbox(), Timestamp::UNIX_EPOCH);
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let seen = |seconds, runs_to_end| {
            let (now, exit) = (at(seconds), None);
            let life = Life {
                options: &options,
                began,
                now,
                runs_to_end,
                exit,
            };
            let seen = Seen::at(&container, life);
            (seen.state, seen.again)
        };
        assert_eq!(seen(4, true), (running(2), Some(at(5))));
        let (code, reason) = (2, "Error");
        let ended = State::Terminated {
            code,
            reason,
            since: at(2),
            at: at(5),
        };
        assert_eq!(seen(60, true), (ended, None));
        // What is to run for ever is not a Job.
        assert_eq!(seen(60, false), (running(2), None));
    }

    #[test]
    fn sleeps_are_found_in_commands_and_shell_texts() {
        let of = |hook: serde_json::Value| sleep(&serde_json::from_value(hook).unwrap()).as_secs();
        assert_eq!(of(json!({"exec": {"command": ["sleep", "5"]}})), 5);
        assert_eq!(of(json!({"exec": {"command": ["/bin/sh", "-c", "sleep 7; true"]}})), 7);
        assert_eq!(of(json!({"sleep": {"seconds": 3}})), 3);
        assert_eq!(of(json!({"exec": {"command": ["true"]}})), 0);
    }
}
