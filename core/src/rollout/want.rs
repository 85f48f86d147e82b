//! What a strategy wants of ReplicaSets and Services, as plain values. It says nothing of the way there:
//! [`order`](crate::rollout::order) makes changes of it.

use crate::observed::ReplicaSet;
use crate::plan::{NewAnalysisRun, NewExperiment, Target};
use crate::traffic::{Change, Told};
use jiff::Timestamp;

/// All that a strategy wants now.
#[derive(Debug, Default)]
pub(crate) struct Want<'a> {
    /// Pods of the newest ReplicaSet where it does not exist; `None` where it is not to be made.
    pub(crate) create: Option<i32>,
    /// Of the ReplicaSets that exist. The first gives up pods first, and grows last.
    pub(crate) replica_sets: Vec<Of<'a>>,
    /// What each Service leads to. One that is not named stays as it is.
    pub(crate) services: Vec<Behind<'a>>,
    /// Writes of the routers' objects, each with what is told of it.
    pub(crate) routes: Vec<(Change, Vec<Told>)>,
    /// Available pods that all ReplicaSets together keep.
    pub(crate) keep_available: i32,
    /// Whether the proportions that were recorded at a pause are kept (decision 41).
    pub(crate) keep_shares: bool,
    /// What is wanted of AnalysisRuns.
    pub(crate) runs: Runs,
    /// What is wanted of Experiments.
    pub(crate) experiments: Experiments,
    /// When old pods may go.
    pub(crate) delays_end: Vec<Timestamp>,
}

impl Want<'_> {
    /// Asks for a reconcile at the end of a delay, unless that is over.
    pub(crate) fn wait_until(&mut self, deadline: Timestamp, now: Timestamp) {
        if deadline > now {
            self.delays_end.push(deadline);
        }
    }
}

/// What is wanted of the AnalysisRuns of a rollout.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// Those that count from now on.
    pub(crate) create: Vec<NewAnalysisRun>,
    /// Those that no longer count, and that still measure.
    pub(crate) terminate: Vec<Target>,
    /// Those that have had their time.
    pub(crate) delete: Vec<Target>,
}

/// What is wanted of the Experiments of a rollout.
#[derive(Debug, Default)]
pub(crate) struct Experiments {
    /// The one that counts from now on.
    pub(crate) create: Option<NewExperiment>,
    /// Those that no longer count, and that still run.
    pub(crate) terminate: Vec<Target>,
    /// Those that have had their time.
    pub(crate) delete: Vec<Target>,
}

/// What is wanted of one ReplicaSet.
#[derive(Debug)]
pub(crate) struct Of<'a> {
    /// Which.
    pub(crate) set: &'a ReplicaSet,
    /// Pods; `None` where it stays as it is.
    pub(crate) size: Option<i32>,
    /// What it keeps although it is to shrink.
    pub(crate) keeps: Keeps<'a>,
    /// Pods that the traffic needs which leads here: it does not shrink below them.
    pub(crate) least: i32,
    /// When it may be scaled down.
    pub(crate) deadline: Deadline,
    /// The record of its proportion at a pause (decision 41); `None` where it stays as it is.
    pub(crate) share: Option<Option<String>>,
}

impl<'a> Of<'a> {
    /// A ReplicaSet of this size.
    pub(crate) fn size(set: &'a ReplicaSet, size: i32, keeps: Keeps<'a>) -> Self {
        Self {
            size: Some(size),
            keeps,
            ..Self::as_is(set)
        }
    }

    /// A ReplicaSet that keeps its size.
    pub(crate) fn as_is(set: &'a ReplicaSet) -> Self {
        Self {
            set,
            size: None,
            keeps: Keeps::Nothing,
            least: 0,
            deadline: Deadline::Stays,
            share: None,
        }
    }

    /// With this deadline.
    pub(crate) fn deadline(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }
}

/// What a ReplicaSet keeps although it is to shrink (decisions 6 and 45).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps<'a> {
    /// Nothing.
    Nothing,
    /// So many available pods of its own.
    Own(i32),
    /// Available pods that all ReplicaSets together need.
    Part,
    /// As [`Self::Part`], and its last available pod while this Service leads to it. It goes to zero in no plan that
    /// changes a Service.
    PartBehind(&'a str),
}

/// When a ReplicaSet may be scaled down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// As recorded.
    Stays,
    /// At no time: the record goes.
    None,
    /// From this instant on.
    At(Timestamp),
}

/// What a Service leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behind<'a> {
    /// Name of the Service.
    pub(crate) service: &'a str,
    /// Pod template hash.
    pub(crate) hash: &'a str,
    /// It is the preview of blue-green.
    pub(crate) preview: bool,
}
