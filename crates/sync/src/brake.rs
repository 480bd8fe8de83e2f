//! The brake on the driver's side: more removals than a working day makes, a dataset that
//! would become empty, or a column that lost its values, stop and wait for a person.

use catalog::{BRAKE_WINDOW_S, removal_allowance};
use jiff::{SignedDuration, civil::DateTime};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Progress;

/// A dataset waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Why.
    pub reason: HeldReason,
    /// Removals that nothing explains, as far as they were counted.
    pub unexplained: u64,
    /// Documents that the index had.
    pub documents: u64,
    /// The driver's clock in the site's zone when it was first found.
    pub since: DateTime,
}

/// Why a dataset waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldReason {
    /// More would be removed without explanation than a day allows.
    Deletes,
    /// Nothing would be left.
    Emptied,
    /// These columns went blank in most rows, or vanished; see [`Fill::words`](crate::Fill::words).
    #[serde(alias = "column")]
    Columns(#[serde(deserialize_with = "one_or_more")] Vec<String>),
}

impl HeldReason {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Deletes => "deletes",
            Self::Emptied => "emptied",
            Self::Columns(_) => "column",
        }
    }
}

impl Held {
    /// Does it stop the whole dataset, rows included?
    #[must_use]
    pub const fn stops_rows(&self) -> bool {
        match self.reason {
            HeldReason::Columns(_) => true,
            HeldReason::Deletes | HeldReason::Emptied => false,
        }
    }

    /// What a person should do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self.reason {
            HeldReason::Deletes | HeldReason::Emptied => {
                "look whether these records were really deleted in the ERP, or a filter of the configuration leaves them out; if that is right, run erp-driver reconcile --confirm-deletes (for a filter: config check --approve-filters)"
            }
            HeldReason::Columns(_) => {
                "look in the ERP whether it was really emptied; if so, run erp-driver reconcile --confirm-columns, which confirms all that is named here; if not, give the ERP user the right to read it, and run erp-driver reconcile"
            }
        }
    }
}

impl Progress {
    /// Removals of the last day that nothing explains. They count against the brake, also
    /// those that were approved: who approves more approves the sum.
    #[must_use]
    pub fn removed_lately(&self, now: DateTime) -> u64 {
        let removed = self.removed.iter();
        removed
            .filter(|(at, _)| is_within_a_day(*at, now))
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// The brake of one pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brake {
    /// Unexplained removals that may still be sent.
    allowed: u64,
    approved: u64,
    documents: u64,
}

impl Brake {
    /// The allowance of a dataset with so many documents, less what the last day took.
    pub(crate) fn new(progress: &Progress, documents: u64, approved: u64, now: DateTime) -> Self {
        let taken = progress.removed_lately(now);
        // What left in the window was part of the dataset when the window began.
        let allowance = removal_allowance(documents.saturating_add(taken)).saturating_add(approved);
        Self {
            allowed: allowance.saturating_sub(taken),
            approved,
            documents,
        }
    }

    pub(crate) const fn allowed(&self) -> u64 {
        self.allowed
    }

    /// May so many be removed without explanation? `remaining` is what the dataset would
    /// keep.
    pub(crate) fn holds(&self, unexplained: u64, remaining: u64) -> Option<HeldReason> {
        if unexplained == 0 {
            None
        } else if unexplained > self.allowed {
            Some(HeldReason::Deletes)
        } else if remaining == 0 && self.approved == 0 {
            Some(HeldReason::Emptied)
        } else {
            None
        }
    }

    /// What is recorded. A question that was asked before keeps its time.
    pub(crate) fn held(
        &self,
        reason: HeldReason,
        unexplained: u64,
        before: Option<&Held>,
        now: DateTime,
    ) -> Held {
        Held {
            since: before
                .filter(|held| held.reason == reason)
                .map_or(now, |held| held.since),
            reason,
            unexplained,
            documents: self.documents,
        }
    }
}

/// Notes what was removed, and forgets what is older than a day.
pub(crate) fn note_removed(progress: &mut Progress, unexplained: u64, now: DateTime) {
    progress.removed.retain(|(at, _)| is_within_a_day(*at, now));
    if unexplained > 0 {
        match progress.removed.last_mut() {
            Some((at, count)) if *at == now => *count += unexplained,
            Some(_) | None => progress.removed.push((now, unexplained)),
        }
    }
}

/// What was recorded when one column was asked about at a time has a single name.
fn one_or_more<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Named {
        One(String),
        More(Vec<String>),
    }
    Ok(match Named::deserialize(source)? {
        Named::One(name) => vec![name],
        Named::More(names) => names,
    })
}

/// A clock that was set back counts as still within the day: the brake errs to the safe side.
fn is_within_a_day(at: DateTime, now: DateTime) -> bool {
    let window = SignedDuration::from_secs(i64::from(BRAKE_WINDOW_S));
    now.checked_sub(window).is_ok_and(|start| at > start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_about_one_column_is_still_asked() {
        let before: HeldReason = serde_json::from_str(r#"{"column":"Price"}"#).unwrap();
        assert_eq!(before, HeldReason::Columns(vec!["Price".to_owned()]));
        let text = serde_json::to_string(&before).unwrap();
        assert_eq!(text, r#"{"columns":["Price"]}"#);
        assert_eq!(serde_json::from_str::<HeldReason>(&text).unwrap(), before);
    }
}
