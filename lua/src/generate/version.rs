//! Versions of Argo CD for which scripts can be generated.

use std::fmt;
use std::str::FromStr;

/// A version of Argo CD, as far as it matters: `3.6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Before the dot.
    pub major: u32,
    /// After the dot.
    pub minor: u32,
}

/// Why a version cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// It is none.
    #[error("{0:?} is no version of Argo CD; give it as 3.6, v3.6 or 3.6.1")]
    NoVersion(String),
    /// It has features missing that the scripts need.
    #[error(
        "Argo CD {0} is older than {oldest}, the oldest version that the scripts are tried with; update Argo CD first",
        oldest = Version::OLDEST
    )]
    TooOld(Version),
}

impl Version {
    /// The oldest version whose Lua machine the scripts are tried with.
    pub const OLDEST: Self = Self { major: 2, minor: 8 };
    /// The newest one, which is also run for real (decision 27).
    pub const NEWEST: Self = Self { major: 3, minor: 6 };

    /// Whether nothing is known of a version yet; the scripts are those of the newest one then.
    #[must_use]
    pub fn is_untried(self) -> bool {
        self > Self::NEWEST
    }

    /// Whether the controller of a version looks at changes of `ignoreResourceUpdates` without being told to: since 3.0.
    #[must_use]
    pub fn ignores_updates_by_default(self) -> bool {
        self >= Self { major: 3, minor: 0 }
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let none = || VersionError::NoVersion(text.to_owned());
        let plain = text.strip_prefix('v').unwrap_or(text);
        // What is built from a commit has something after a dash or plus.
        let plain = plain.split(['-', '+']).next().unwrap_or_default();
        let mut numbers = plain.split('.').map(str::parse::<u32>);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
            return Err(none());
        };
        if numbers.any(|number| number.is_err()) {
            return Err(none());
        }
        let version = Self { major, minor };
        if version < Self::OLDEST {
            return Err(VersionError::TooOld(version));
        }
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn versions_are_read() {
        for (text, expected) in [
            ("3.6", (3, 6)),
            ("v2.14.3", (2, 14)),
            ("3.6.0-rc1+37ee009", (3, 6)),
            ("4.0", (4, 0)),
        ] {
            let version: Version = text.parse().unwrap();
            assert_eq!((version.major, version.minor), expected, "{text}");
        }
    }

    #[test]
    fn what_is_none_or_too_old_is_refused() {
        for text in ["", "3", "three.six", "3.x", "3.6.x"] {
            assert_eq!(
                text.parse::<Version>(),
                Err(VersionError::NoVersion(text.to_owned())),
                "{text:?}"
            );
        }
        let error = "2.7.1".parse::<Version>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Argo CD 2.7 is older than 2.8, the oldest version that the scripts are tried with; update Argo CD first"
        );
    }

    #[test]
    fn a_newer_version_is_known_to_be_untried() {
        assert!("3.7".parse::<Version>().unwrap().is_untried());
        assert!(!Version::NEWEST.is_untried());
    }
}
