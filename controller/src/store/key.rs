//! What objects are known by, and which version of one is the newer.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Namespace.
    pub(crate) namespace: Arc<str>,
    /// Name.
    pub(crate) name: Arc<str>,
}

impl Key {
    /// A key.
    #[must_use]
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Another object in the same namespace.
    #[must_use]
    pub(crate) fn sibling(&self, name: &str) -> Self {
        Self {
            namespace: Arc::clone(&self.namespace),
            name: name.into(),
        }
    }

    /// The key of an object.
    #[must_use]
    pub(crate) fn of(object: &impl kube::Resource) -> Self {
        let meta = object.meta();
        Self::new(
            meta.namespace.as_deref().unwrap_or_default(),
            meta.name.as_deref().unwrap_or_default(),
        )
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// How an object came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In a list: the truth, even if its version is lower (a restored backup).
    List,
    /// One event or one live read: never replaces what is newer.
    Event,
}

impl Source {
    /// Whether what came replaces what is stored, by their resourceVersions.
    #[must_use]
    pub(crate) fn replaces(self, new: &str, stored: &str) -> bool {
        match compare_versions(new, stored) {
            Ordering::Greater => true,
            Ordering::Equal => false,
            Ordering::Less => self == Self::List,
        }
    }
}

/// Compares resourceVersions as the decimal numbers that they are, of any length.
#[must_use]
pub(crate) fn compare_versions(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(compare_versions("9", "10"), Ordering::Less);
        assert_eq!(
            compare_versions("18446744073709551617", "18446744073709551616"),
            Ordering::Greater
        );
        assert_eq!(compare_versions("007", "7"), Ordering::Equal);
    }

    #[test]
    fn what_is_older_replaces_only_by_a_list() {
        for (new, event, list) in [("9", false, true), ("10", false, false), ("11", true, true)] {
            assert_eq!(
                [Source::Event.replaces(new, "10"), Source::List.replaces(new, "10")],
                [event, list],
                "{new}"
            );
        }
    }
}
