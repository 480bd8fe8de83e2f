//! Reasons for which a document waits, and how long.

use jiff::SignedDuration;
use model::{ImportReport, Problem};
use sage::Condition;
use serde::{Deserialize, Serialize};

/// What stands in the way for now. The document goes on by itself when it has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// A state of Sage.
    Sage(Condition),
    /// Sage's business objects could not be started, or refuse for no reason that has a name.
    SageUnreachable,
    /// A call into Sage failed outside a write: its process ended, or its session is broken.
    ComFault,
    /// Sage did not answer a call within its deadline, outside a write.
    TimeOut,
    /// The order was being entered when Sage or the process that talks to it failed.
    WriteFailed,
    /// The ERP's tables could not be read.
    ReaderUnavailable,
    /// What was read back contradicts itself or what Sage answered.
    ReadBackUnclear,
    /// The driver failed at what it read for the document.
    ReadingFailed,
    /// Another document is about to make a customer like the one that this one needs.
    CustomerOnItsWay,
    /// The hub did not answer.
    HubUnreachable,
    /// The journal has no room for another outcome.
    JournalFull,
    /// The journal cannot be used for another reason.
    JournalFailed,
    /// A file waits for somebody to import it.
    ImportFile,
    /// A person, or the schedule, has paused the driver.
    Paused,
}

impl Obstacle {
    /// The stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sage(condition) => condition.as_str(),
            Self::SageUnreachable => "sage_unreachable",
            Self::ComFault => "com_fault",
            Self::TimeOut => "time_out",
            Self::WriteFailed => "write_failed",
            Self::ReaderUnavailable => "reader_unavailable",
            Self::ReadBackUnclear => "read_back_unclear",
            Self::ReadingFailed => "reading_failed",
            Self::CustomerOnItsWay => "customer_on_its_way",
            Self::HubUnreachable => "hub_unreachable",
            Self::JournalFull => "journal_full",
            Self::JournalFailed => "journal_failed",
            Self::ImportFile => ImportReport::IMPORT_FILE_WAITING,
            Self::Paused => "paused",
        }
    }

    /// What a person can do.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Sage(condition) => condition.remedy(),
            Self::SageUnreachable => {
                "check that Sage starts on this machine with the configured home folder; the document waits and goes in by itself"
            }
            Self::ComFault => {
                "nothing to do: a new session is opened by itself; when it comes back, the message says what Sage's process fails with"
            }
            Self::TimeOut => {
                "look whether a dialog of Sage's waits on this machine, or raise orders.call_limit_s where Sage is slow; the document waits and goes in by itself"
            }
            Self::WriteFailed => {
                "nothing to do: the document is entered again by itself once Sage is known to hold nothing of it"
            }
            Self::ReaderUnavailable => "check reader.odbc; the document waits and goes on by itself",
            Self::ReadBackUnclear => "nothing to do yet: the ERP is read again",
            Self::ReadingFailed => {
                "a fault of the driver's own: send the log around the time of the message to its support; the document is tried again by itself, and others go on"
            }
            Self::CustomerOnItsWay => {
                "nothing to do: another document creates the customer, and this one is planned again after it"
            }
            Self::HubUnreachable => {
                "check the connection to the hub; the document waits and goes on by itself"
            }
            Self::JournalFailed => {
                "the message says why journal.db cannot be used; nothing is written to Sage before it can"
            }
            Self::ImportFile => {
                "import the file in Sage, or look at the log of its job; the document is done as soon as the receipt is found there"
            }
            Self::Paused => {
                "nothing to do: the document goes in by itself when the pause is over; erp-driver resume ends it now"
            }
            Self::JournalFull => {
                "free space on the disk that holds the driver's state folder; nothing is written to Sage before"
            }
        }
    }

    /// Is every document of the company held up by it, not only this one?
    #[must_use]
    pub const fn concerns_company(self) -> bool {
        match self {
            Self::Sage(condition) => match condition {
                Condition::RecordLocked | Condition::TaxService => false,
                Condition::NoSeat
                | Condition::ExclusiveTask
                | Condition::PeriodEnd
                | Condition::SageClosed
                | Condition::SubscriptionLapsed
                | Condition::PasswordRefused
                | Condition::ExternalAccessOff
                | Condition::PermissionDenied => true,
            },
            Self::SageUnreachable
            | Self::ComFault
            | Self::TimeOut
            | Self::JournalFull
            | Self::JournalFailed
            | Self::Paused => true,
            Self::WriteFailed
            | Self::ReaderUnavailable
            | Self::ReadBackUnclear
            | Self::ReadingFailed
            | Self::CustomerOnItsWay
            | Self::ImportFile
            | Self::HubUnreachable => false,
        }
    }

    /// How long later documents of the same customer wait behind one that runs into it: most
    /// obstacles are gone within minutes, and nothing has to be planned twice. Nothing of a
    /// document that waits longer holds up others; it is planned anew when it goes on. None where
    /// the others could not go on either.
    #[must_use]
    pub const fn patience(self) -> Option<SignedDuration> {
        match self {
            // A person may take days to import it, and a fault of ours may take a new version; who
            // waits for another's customer was told that it is behind; and what was entered and is not
            // seen whole counts as entered.
            Self::ImportFile | Self::ReadingFailed | Self::CustomerOnItsWay | Self::ReadBackUnclear => {
                Some(SignedDuration::ZERO)
            }
            // One more try; a window may stay open for hours.
            Self::Sage(Condition::RecordLocked) => Some(SignedDuration::from_secs(10)),
            Self::HubUnreachable => None,
            Self::Sage(_)
            | Self::SageUnreachable
            | Self::ComFault
            | Self::TimeOut
            | Self::WriteFailed
            | Self::ReaderUnavailable
            | Self::JournalFull
            | Self::JournalFailed
            | Self::Paused => {
                if self.concerns_company() {
                    None
                } else {
                    Some(SignedDuration::from_mins(5))
                }
            }
        }
    }

    /// As people see it on the import.
    #[must_use]
    pub fn problem(self, detail: &str) -> Problem {
        Problem::new(self.as_str(), "", detail, self.remedy())
    }

    /// How long to wait the `tries`-th time in a row (from 1). `random` takes away up to a
    /// quarter, so that sites do not come back all at once.
    #[must_use]
    pub fn wait(self, tries: u32, random: u32) -> SignedDuration {
        let (first_s, longest_s) = self.limits();
        let doublings = tries.saturating_sub(1).min(16);
        let seconds = (first_s << doublings).min(longest_s);
        let millis = seconds * 1000;
        let less = (millis / 4) * i64::from(random) / i64::from(u32::MAX);
        SignedDuration::from_millis(millis - less)
    }

    /// First and longest wait in seconds: short where a person just closes a window, long
    /// where another try does harm (a password that is tried again locks the user).
    const fn limits(self) -> (i64, i64) {
        match self {
            Self::Sage(condition) => match condition {
                Condition::NoSeat => (30, 600),
                Condition::RecordLocked => (10, 300),
                Condition::ExclusiveTask | Condition::PeriodEnd | Condition::SageClosed => (60, 600),
                Condition::TaxService => (30, 900),
                Condition::SubscriptionLapsed | Condition::PasswordRefused => (3600, 6 * 3600),
                Condition::ExternalAccessOff | Condition::PermissionDenied => (600, 3600),
            },
            Self::SageUnreachable | Self::ComFault => (2, 600),
            Self::TimeOut => (10, 600),
            Self::WriteFailed | Self::ReaderUnavailable => (1, 300),
            Self::ReadBackUnclear | Self::CustomerOnItsWay => (3, 60),
            Self::ReadingFailed => (30, 900),
            Self::HubUnreachable => (2, 120),
            Self::JournalFull | Self::JournalFailed => (30, 300),
            // Nobody tries while the pause lasts; afterwards nobody shall wait.
            Self::ImportFile => (20, 900),
            Self::Paused => (1, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_spread() {
        let seat = Obstacle::Sage(Condition::NoSeat);
        assert_eq!(seat.wait(1, 0).as_secs(), 30);
        assert_eq!(seat.wait(2, 0).as_secs(), 60);
        assert_eq!(seat.wait(40, 0).as_secs(), 600);
        assert_eq!(seat.wait(40, u32::MAX).as_secs(), 450);
        // A person who closes a window does not wait long; one who has to change Sage's
        // settings, or to renew a contract, is not waited for every minute.
        let first = |condition| Obstacle::Sage(condition).wait(1, 0).as_secs();
        assert!(first(Condition::RecordLocked) <= 10);
        for (condition, longest) in [
            (Condition::ExclusiveTask, 60),
            (Condition::PeriodEnd, 60),
            (Condition::SageClosed, 60),
            (Condition::ExternalAccessOff, 600),
            (Condition::PermissionDenied, 600),
            (Condition::SubscriptionLapsed, 3600),
        ] {
            assert_eq!(first(condition), longest, "{}", condition.as_str());
        }
        assert_eq!(Obstacle::ComFault.wait(1, 0).as_secs(), 2);
        assert_eq!(Obstacle::TimeOut.wait(2, 0).as_secs(), 20);
        assert!(
            Obstacle::Sage(Condition::PasswordRefused)
                .wait(1, u32::MAX)
                .as_secs()
                >= 2700
        );
    }
}
