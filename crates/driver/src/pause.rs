//! Leaving Sage alone for a while: by a person's word, or by the schedule.
//!
//! What a person said stands in `pause.json` in the state folder, so that it survives a
//! restart and needs no way into the running process; the driver looks at it twice a
//! second, and answers in `holding.json` which handles on Sage it still has.

mod file;
mod gate;
mod holding;
mod schedule;
mod watch;
mod worker;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::times::for_people;

pub(crate) use file::write as replace_json;
pub use file::{PauseEntry, PauseFile, PauseFileError};
pub use gate::{Busy, CompanyPause, Handle, Pauses, Writing};
pub use holding::{Held, Holding};
pub use schedule::{PauseSchedule, PauseWindow};
pub(crate) use watch::{LOOK_EVERY, PauseWatch};
pub use worker::{FAULT_PAUSED, PausableReader, PausableWorker};

/// Sage is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Since when.
    pub since: Timestamp,
    /// Until when; none means until somebody resumes.
    pub until: Option<Timestamp>,
    /// Why, in a person's words; may be empty.
    pub reason: String,
}

impl Paused {
    /// As programs and people read it on a document.
    #[must_use]
    pub fn words(&self) -> String {
        self.worded(|until| format!("{until:.0}"))
    }

    /// As people at the site read it.
    #[must_use]
    pub fn local_words(&self, zone: &TimeZone) -> String {
        self.worded(|until| for_people(zone, until))
    }

    fn worded(&self, of: impl Fn(Timestamp) -> String) -> String {
        let reason = if self.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", self.reason)
        };
        match self.until {
            Some(until) => format!("the driver is paused until {}{reason}", of(until)),
            None => format!("the driver is paused until somebody resumes it{reason}"),
        }
    }

    /// Two pauses at the same time are one that lasts as long as either.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        let reasons = [self.reason, other.reason];
        let mut reasons: Vec<String> = reasons.into_iter().filter(|r| !r.is_empty()).collect();
        reasons.dedup();
        Self {
            since: self.since.min(other.since),
            until: self.until.zip(other.until).map(|(a, b)| a.max(b)),
            reason: reasons.join("; "),
        }
    }
}

impl From<&Paused> for wire::status::Paused {
    fn from(paused: &Paused) -> Self {
        Self {
            since: paused.since.to_string(),
            until: paused.until.map(|until| until.to_string()),
            reason: paused.reason.clone(),
        }
    }
}
