//! The world of a story, and what has been looked at so far.

use super::Why;
use jiff::SignedDuration;
use serde_json::Value;
use serin_core::identity::Identity;
use serin_core::observed::ReplicaSet;
use serin_world::World;

/// A world, and how far its events and writes have been told.
pub struct Stage {
    /// The simulated cluster.
    pub world: World,
    /// Events that an expectation has seen.
    pub events_told: usize,
    /// Writes that an expectation has seen.
    pub writes_told: usize,
    /// Those of them that changed nothing but counters.
    pub counter_writes_told: usize,
}

impl Stage {
    /// A cluster in which the Rollout is about to be applied.
    pub fn new(manifest: Value) -> Self {
        Self {
            world: World::new(manifest),
            events_told: 0,
            writes_told: 0,
            counter_writes_told: 0,
        }
    }

    /// What happened so far is of no interest.
    pub fn forget(&mut self) {
        self.events_told = self.world.events.len();
        self.writes_told = self.world.writes;
        self.counter_writes_told = self.world.counter_writes;
    }

    /// Position of the ReplicaSet of a revision, written `r2`.
    pub fn find(&self, revision: &str) -> Result<usize, Why> {
        let number: i64 = revision
            .strip_prefix('r')
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| Why::not_understood(format!("`{revision}` is no revision, such as r1")))?;
        let found = self.world.sets.iter().position(|set| set.object.revision() == number);
        found.ok_or_else(|| Why::Otherwise {
            expected: format!("a ReplicaSet of revision {number}"),
            actual: format!(
                "revisions {:?}",
                self.world
                    .sets
                    .iter()
                    .map(|set| set.object.revision())
                    .collect::<Vec<_>>()
            ),
        })
    }

    /// Replaces `<r2>` by the hash of revision 2, `<new>` by the one of the template as applied.
    pub fn with_hashes(&self, text: &str) -> String {
        let sets = self.world.sets.iter().map(|set| &set.object);
        let new = if text.contains("<new>") {
            Identity::of(&self.world.current()).pod_hash
        } else {
            String::new()
        };
        sets.fold(text.replace("<new>", &new), |text, set: &ReplicaSet| {
            text.replace(&format!("<r{}>", set.revision()), set.hash())
        })
    }
}

/// A length of time as stories write it: `10s`, `1.5s`, `2m`.
pub fn length(text: &str) -> Result<SignedDuration, Why> {
    let wrong = || Why::not_understood(format!("`{text}` is no length of time, such as 10s, 1.5s or 2m"));
    let (number, unit) = if let Some(number) = text.strip_suffix('s') {
        (number, 1.0)
    } else if let Some(number) = text.strip_suffix('m') {
        (number, 60.0)
    } else {
        return Err(wrong());
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    SignedDuration::try_from_secs_f64(number * unit).map_err(|_| wrong())
}

/// A value as YAML has it.
pub fn yaml(text: &str) -> Result<Value, Why> {
    serde_saphyr::from_str(text).map_err(|error| Why::not_understood(format!("`{text}`: {error}")))
}
