//! Instants with the zone in which they are shown.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use std::sync::Arc;

/// `time.Time`: an instant, and a zone to show it in.
#[derive(Debug, Clone, PartialEq)]
pub struct Time {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub zone: Zone,
}

/// `time.Location`.
#[derive(Debug, Clone, PartialEq)]
pub enum Zone {
    /// `UTC`.
    Utc,
    /// `Local`, which is UTC in the container of a controller.
    Local,
    /// An offset in seconds that a text named, with the abbreviation it gave, which may be empty.
    Fixed(Arc<str>, i32),
    /// A zone of the tz database.
    Named(TimeZone),
}

impl Zone {
    /// The offset from UTC in seconds, and the abbreviation, at an instant.
    #[must_use]
    pub fn offset_at(&self, at: Timestamp) -> (i32, String) {
        match self {
            Self::Utc | Self::Local => (0, "UTC".to_owned()),
            Self::Fixed(name, seconds) => (*seconds, name.to_string()),
            Self::Named(zone) => {
                let info = zone.to_offset_info(at);
                (info.offset().seconds(), info.abbreviation().to_owned())
            }
        }
    }

    /// Its name, as `Location.String` gives it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Utc => "UTC".to_owned(),
            Self::Local => "Local".to_owned(),
            Self::Fixed(name, _) => name.to_string(),
            Self::Named(zone) => zone.iana_name().unwrap_or_default().to_owned(),
        }
    }
}

impl Time {
    /// The date and time that a clock in the zone shows.
    #[must_use]
    pub fn civil(&self) -> jiff::civil::DateTime {
        let (seconds, _) = self.zone.offset_at(self.at);
        Offset::from_seconds(seconds)
            .unwrap_or(Offset::UTC)
            .to_datetime(self.at)
    }
}
