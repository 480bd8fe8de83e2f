//! Sage's change stamps: `DateUpdated` (a date) and `TimeUpdated` (text, hours of the
//! day as a decimal: `15.5` is half past three in the afternoon), by the clock of
//! whichever workstation ran Sage.

use std::fmt;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{Date, Decimal};

/// Decimals of an hour that are kept: 1e-8 h is 36 microseconds.
const HOUR_SCALE: u8 = 8;

/// When a row was last changed, in the site's civil time. Ordered by date, then by time
/// as an exact number (as text, `10.1` would come before `9.5`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    date: Date,
    /// Hours of the day in 1e-8 h; 0 to 24e8.
    hours: i64,
}

/// Why a pair of columns is not a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("TimeUpdated is not a decimal hour of the day")]
pub struct StampError;

impl Stamp {
    /// The first instant of a day.
    #[must_use]
    pub const fn start_of(date: Date) -> Self {
        Self { date, hours: 0 }
    }

    /// From a date and the text of `TimeUpdated`; blank means the day's first instant.
    ///
    /// # Errors
    /// [`StampError`] when the text is no number from 0 to 24. The caller may fall back
    /// on [`Stamp::start_of`]: a row is never lost for an odd time.
    pub fn parse(date: Date, hours: &str) -> Result<Self, StampError> {
        let hours = hours.trim();
        let hours = hours
            .get(..hours.find('.').map_or(hours.len(), |p| (p + 9).min(hours.len())))
            .ok_or(StampError)?;
        let hours = Decimal::parse(hours, HOUR_SCALE).map_err(|_| StampError)?.units();
        if (0..=24 * ONE_HOUR).contains(&hours) {
            Ok(Self { date, hours })
        } else {
            Err(StampError)
        }
    }

    /// The stamp that the clock of a machine in the site's zone would write now.
    #[must_use]
    pub fn of(moment: civil::DateTime) -> Self {
        let time = moment.time();
        let nanos = i64::from(time.hour()) * 3_600_000_000_000
            + i64::from(time.minute()) * 60_000_000_000
            + i64::from(time.second()) * 1_000_000_000
            + i64::from(time.subsec_nanosecond());
        Self {
            date: moment.date(),
            hours: nanos / 36_000,
        }
    }

    /// The date part.
    #[must_use]
    pub const fn date(self) -> Date {
        self.date
    }

    /// The time part as Sage writes it: decimal hours with five decimals, cut.
    #[must_use]
    pub fn hours_text(self) -> String {
        Decimal::new(self.hours / 1000, 5).to_string()
    }

    /// The civil moment, cut to microseconds.
    #[must_use]
    pub fn civil(self) -> civil::DateTime {
        let midnight = self.date.to_datetime(civil::Time::midnight());
        let micros = self.hours * 36;
        midnight
            .checked_add(jiff::Span::new().microseconds(micros))
            .unwrap_or(midnight)
    }

    /// The instant in the site's zone. A civil time that a zone skips or repeats is read
    /// as the later or earlier of the two, as RFC 5545 asks ("compatible").
    #[must_use]
    pub fn instant(self, zone: &TimeZone) -> Option<Timestamp> {
        zone.to_timestamp(self.civil()).ok()
    }
}

const ONE_HOUR: i64 = 100_000_000;

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.date, self.hours_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Date = Date::constant(2026, 5, 1);

    #[test]
    fn hours_are_compared_as_numbers() {
        let at = |text| Stamp::parse(DAY, text).unwrap();
        assert!(at("9.5") < at("10.1"));
        assert_eq!(at("8.50000"), at("8.5"));
        assert_eq!(at("8.492381234999"), at("8.49238123"));
        assert_eq!(at(""), Stamp::start_of(DAY));
        for odd in ["25", "-1", "noon", "8:30"] {
            assert_eq!(Stamp::parse(DAY, odd), Err(StampError), "{odd}");
        }
    }

    #[test]
    fn civil_time_and_instant() {
        let stamp = Stamp::parse(DAY, "15.5").unwrap();
        assert_eq!(stamp.civil(), civil::date(2026, 5, 1).at(15, 30, 0, 0));
        let zone = TimeZone::get("America/New_York").unwrap();
        assert_eq!(stamp.instant(&zone).unwrap().to_string(), "2026-05-01T19:30:00Z");
        assert_eq!(Stamp::of(stamp.civil()), stamp);
        assert_eq!(stamp.hours_text(), "15.50000");
    }
}
