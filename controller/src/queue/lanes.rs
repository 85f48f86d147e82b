//! The order of the keys that wait for a worker.

use crate::queue::reason::Urgency;
use crate::store::key::Key;
use std::collections::BTreeMap;

/// Who goes first. Requests come from people one by one; edits may come in hundreds, from a tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rank {
    /// The effect of a promotion, an abort and the like.
    Request,
    /// An edit of the spec.
    Edit,
    /// All else.
    Ordinary,
}

impl Rank {
    /// A request keeps its rank until it has its effect.
    pub(crate) fn of(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Ordinary => Self::Ordinary,
            Urgency::Edit => Self::Edit,
            Urgency::NotedRequest | Urgency::Request => Self::Request,
        }
    }
}

/// Where a key waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// In which lane.
    pub(crate) rank: Rank,
    number: u64,
}

/// Keys in the order in which they came; one in the middle is taken out without a walk.
type Lane = BTreeMap<u64, Key>;

/// A lane for each rank.
#[derive(Default)]
pub(crate) struct Lanes {
    requests: Lane,
    edits: Lane,
    ordinary: Lane,
    last: u64,
}

impl Lanes {
    /// A key takes the last place of a lane.
    pub(crate) fn line_up(&mut self, rank: Rank, key: Key) -> Place {
        self.last += 1;
        let number = self.last;
        self.of(rank).insert(number, key);
        Place { rank, number }
    }

    /// A key gives up its place.
    pub(crate) fn step_out(&mut self, place: Place) {
        self.of(place.rank).remove(&place.number);
    }

    /// The first of a lane leaves it.
    pub(crate) fn pop(&mut self, rank: Rank) -> Option<Key> {
        self.of(rank).pop_first().map(|(_, key)| key)
    }

    /// Keys that a person waits for.
    pub(crate) fn urgent(&self) -> usize {
        self.requests.len() + self.edits.len()
    }

    /// All keys.
    pub(crate) fn all(&self) -> usize {
        self.urgent() + self.ordinary.len()
    }

    fn of(&mut self, rank: Rank) -> &mut Lane {
        match rank {
            Rank::Request => &mut self.requests,
            Rank::Edit => &mut self.edits,
            Rank::Ordinary => &mut self.ordinary,
        }
    }
}
