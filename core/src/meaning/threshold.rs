//! When a ReplicaSet has enough pods for the update to go on (contract 03 §5).

use crate::api::rollout::ReplicaProgressThreshold;

/// How many of the wanted pods must be available before a step or an update is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// All, and no more may be asked for: without a threshold, or with a negative one.
    All,
    /// So many in a hundred.
    Percent(i32),
    /// So many, or all where fewer are wanted.
    Pods(i32),
}

impl Threshold {
    /// What `replicaProgressThreshold` means. What is not `Percent` counts as pods.
    #[must_use]
    pub fn of(written: Option<&ReplicaProgressThreshold>) -> Self {
        match written {
            Some(written) if written.value < 0 => Self::All,
            Some(written) if written.r#type == "Percent" => Self::Percent(written.value),
            Some(written) => Self::Pods(written.value),
            None => Self::All,
        }
    }

    /// Whether so many available pods complete an update to `wanted` pods. More than that are no hindrance.
    #[must_use]
    pub fn completes(self, wanted: i32, available: i32) -> bool {
        match self {
            Self::All => available >= wanted,
            Self::Percent(_) | Self::Pods(_) => self.is_reached(wanted, wanted, available),
        }
    }

    /// Whether so many available pods are enough, where `desired` are wanted and the ReplicaSet is asked for `spec`.
    #[must_use]
    pub fn is_reached(self, desired: i32, spec: i32, available: i32) -> bool {
        match self {
            Self::All => spec == desired && available == desired,
            Self::Percent(value) => i64::from(available) * 100 >= i64::from(value) * i64::from(desired),
            Self::Pods(value) => available >= value.min(desired),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_completes_with_more_pods_than_wanted() {
        let percent = Threshold::Percent(50);
        for (threshold, wanted, available, expected) in [
            (Threshold::All, 4, 5, true),
            (Threshold::All, 4, 3, false),
            (percent, 4, 2, true),
            (percent, 4, 1, false),
        ] {
            assert_eq!(threshold.completes(wanted, available), expected, "{threshold:?}");
        }
    }

    /// Contract 03 §5.
    #[test]
    fn reached() {
        let of = |kind: &str, value| {
            let r#type = kind.to_owned();
            Threshold::of(Some(&ReplicaProgressThreshold { r#type, value }))
        };
        for (threshold, desired, spec, available, expected) in [
            (Threshold::of(None), 5, 5, 5, true),
            (Threshold::of(None), 5, 5, 4, false),
            (Threshold::of(None), 5, 6, 5, false),
            (of("Percent", -1), 5, 5, 4, false),
            (of("Percent", 0), 5, 0, 0, true),
            (of("Percent", 40), 5, 5, 2, true),
            (of("Percent", 41), 5, 5, 2, false),
            (of("Percent", 33), 3, 3, 1, true),
            (of("Percent", 100), 0, 0, 0, true),
            (of("Percent", 101), 5, 5, 5, false),
            (of("Pods", 2), 5, 3, 2, true),
            (of("Pods", 3), 5, 5, 2, false),
            (of("", 3), 5, 5, 3, true),
            (of("Pods", 9), 5, 5, 5, true),
            (of("Pods", 9), 5, 5, 4, false),
            (of("Pods", i32::MAX), 0, 0, 0, true),
            (of("Percent", i32::MAX), i32::MAX, 0, 5, false),
        ] {
            assert_eq!(
                threshold.is_reached(desired, spec, available),
                expected,
                "{threshold:?}: {available} of {desired}"
            );
        }
    }
}
