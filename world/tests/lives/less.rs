//! A life that breaks a rule is made smaller: whatever can be left out, and the rule still breaks, is left out.

use crate::Live;
use serde_json::{Value, json};
use serin_world::Faults;

/// Most acts of a life.
const ACTS: i64 = 7;

/// What is left out of a life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Less {
    /// Acts, by their number.
    acts: Vec<i64>,
    /// Faults.
    faults: Vec<Fault>,
    /// Parts of the spec.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Crash,
    SecondCrash,
    StoreLag,
    ControllerLag,
    Clock,
    TwoLeaders,
    LostAnswers,
}

const FAULTS: [Fault; 7] = [
    Fault::Crash,
    Fault::SecondCrash,
    Fault::StoreLag,
    Fault::ControllerLag,
    Fault::Clock,
    Fault::TwoLeaders,
    Fault::LostAnswers,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Metadata,
    MinReady,
    DeadlineAbort,
    RollbackWindow,
    Services,
}

const PARTS: [Part; 5] = [
    Part::Metadata,
    Part::MinReady,
    Part::DeadlineAbort,
    Part::RollbackWindow,
    Part::Services,
];

impl Less {
    /// Whether an act does not happen.
    pub(crate) fn leaves_out(&self, act: i64) -> bool {
        self.acts.contains(&act)
    }

    /// The faults that are left.
    pub(crate) fn calm(&self, mut faults: Faults) -> Faults {
        for fault in &self.faults {
            match fault {
                Fault::Crash => faults.crash_after_writes = None,
                Fault::SecondCrash => faults.crash_again_after = None,
                Fault::StoreLag => faults.store_lag = 0,
                Fault::ControllerLag => faults.controller_lag = 0,
                Fault::Clock => faults.clock_off = 0,
                Fault::TwoLeaders => faults.two_leaders = false,
                Fault::LostAnswers => faults.lost_answers = 0,
            }
        }
        faults
    }

    /// The spec that is left.
    pub(crate) fn simplify(&self, manifest: &mut Value) {
        let spec = &mut manifest["spec"];
        for part in &self.parts {
            let (parent, fields): (&str, &[&str]) = match part {
                Part::Metadata => (
                    "/strategy",
                    &["stableMetadata", "canaryMetadata", "activeMetadata", "previewMetadata"],
                ),
                Part::MinReady => ("", &["minReadySeconds"]),
                Part::DeadlineAbort => ("", &["progressDeadlineAbort"]),
                Part::RollbackWindow => ("", &["rollbackWindow"]),
                Part::Services => ("/strategy", &["stableService", "canaryService"]),
            };
            let strategies = spec.pointer_mut(parent).and_then(Value::as_object_mut);
            let Some(object) = strategies else { continue };
            for field in fields {
                object.remove(*field);
                for strategy in object.values_mut().filter_map(Value::as_object_mut) {
                    strategy.remove(*field);
                }
            }
        }
    }

    /// With one thing less, for each thing that there still is.
    fn smaller(&self) -> Vec<Self> {
        let acts = (0..ACTS).rev().filter(|act| !self.acts.contains(act)).map(|act| {
            let mut less = self.clone();
            less.acts.push(act);
            less
        });
        let faults = FAULTS.iter().filter(|fault| !self.faults.contains(fault)).map(|fault| {
            let mut less = self.clone();
            less.faults.push(*fault);
            less
        });
        let parts = PARTS.iter().filter(|part| !self.parts.contains(part)).map(|part| {
            let mut less = self.clone();
            less.parts.push(*part);
            less
        });
        acts.chain(faults).chain(parts).collect()
    }
}

/// What may be left out of the life of a seed without a rule being kept. Nothing, where no rule breaks.
pub(crate) fn shrink(live: Live, seed: u64) -> Less {
    shrink_by(|less| !live(seed, false, less).broken.is_empty())
}

/// As [`shrink`], where `breaks` says which lives are still of interest.
fn shrink_by(breaks: impl Fn(&Less) -> bool) -> Less {
    let mut less = Less::default();
    if !breaks(&less) {
        return less;
    }
    // What is left out for good stays out, so there are at most as many rounds as things.
    while let Some(smaller) = less.smaller().into_iter().find(&breaks) {
        less = smaller;
    }
    less
}

#[test]
fn what_does_not_matter_is_left_out() {
    let matters = |less: &Less| {
        !less.leaves_out(2) && !less.faults.contains(&Fault::StoreLag) && !less.parts.contains(&Part::MinReady)
    };
    let less = shrink_by(matters);
    assert!(matters(&less));
    assert_eq!(less.smaller().len(), 3, "only what matters is left: {less:?}");
    assert_eq!(shrink_by(|_| false), Less::default(), "no rule breaks");
}

#[test]
fn a_spec_is_simplified_where_its_parts_stand() {
    let mut manifest = json!({ "spec": { "minReadySeconds": 3, "strategy": { "canary": {
        "stableService": "stable", "stableMetadata": {}, "steps": [] } } } });
    let less = Less {
        parts: PARTS.to_vec(),
        ..Less::default()
    };
    less.simplify(&mut manifest);
    assert_eq!(
        manifest,
        json!({ "spec": { "strategy": { "canary": { "steps": [] } } } })
    );
}
