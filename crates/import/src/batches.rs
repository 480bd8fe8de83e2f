//! Which batch and deposit a receipt goes to.
//!
//! Receipts with the same key share a batch, until Sage no longer takes that batch: it was
//! posted, is in use, or is gone. Then it is left for ever under this key, and another one
//! is opened. What was opened is remembered before anything is entered into it, so a crash
//! can leave an empty batch behind, never money in one that nobody knows of.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::CustomerRef;
use serde::{Deserialize, Serialize};

use crate::identity::identity;
use crate::plan::ReceiptWrite;

/// Stands in a plan for the run in which the receipt is entered.
pub(crate) const RUN: &str = "run";

/// Sage's width of a batch's comment.
const COMMENT_WIDTH: usize = 30;

/// Batch and deposit of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allotment {
    /// Receipts with the same key share the batch; blank where batches are off.
    pub batch_key: String,
    /// Sage's number of the batch; blank where batches are off.
    pub batch_no: String,
    /// Receipts of the batch with the same key share the deposit.
    pub deposit_key: String,
    /// The deposit's bank.
    pub bank_code: String,
    /// Sage's number of the deposit.
    pub deposit_no: String,
    /// When it was allotted.
    pub at: Timestamp,
}

impl Allotment {
    /// The identity of a receipt: batch, bank, deposit, customer, check number.
    #[must_use]
    pub fn identity(&self, customer: &CustomerRef, check_no: &str) -> String {
        identity([
            self.batch_no.as_str(),
            &self.bank_code,
            &self.deposit_no,
            &customer.ar_division_no,
            &customer.customer_no,
            check_no,
        ])
    }
}

/// A batch that Sage did not take any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBatch {
    /// The key under which it was used.
    pub batch_key: String,
    /// Its number.
    pub batch_no: String,
    /// In Sage's words.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// What was allotted to a receipt, and the batches that were left on the way: one entry of
/// the journal, written before anything is reserved under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allotted {
    /// Batch and deposit.
    pub allotment: Allotment,
    /// Batches that are not tried again.
    #[serde(default)]
    pub left: Vec<LeftBatch>,
}

/// Everything that was allotted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allotments {
    /// One per batch and deposit, oldest first.
    #[serde(default)]
    given: Vec<Allotment>,
    /// Never tried again under their key.
    #[serde(default)]
    left: Vec<LeftBatch>,
}

/// What is to be done about a receipt's batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchChoice {
    /// Batches are off.
    None,
    /// This one, if Sage still takes it.
    Try(String),
    /// A new one with this comment.
    Open(String),
}

impl Allotments {
    /// Takes in what was allotted, as it stands in the journal.
    pub fn keep(&mut self, allotted: Allotted) {
        for left in allotted.left {
            if !self.is_left(&left.batch_key, &left.batch_no) {
                self.left.push(left);
            }
        }
        let allotment = allotted.allotment;
        let is_same = |given: &Allotment| {
            given.batch_key == allotment.batch_key
                && given.batch_no == allotment.batch_no
                && given.bank_code == allotment.bank_code
                && given.deposit_key == allotment.deposit_key
                && given.deposit_no == allotment.deposit_no
        };
        if !self.given.iter().any(is_same) {
            self.given.push(allotment);
        }
    }

    /// Forgets keys that were last used before this. Nothing is reused by that: a forgotten
    /// key gets a new batch.
    pub fn forget_before(&mut self, at: Timestamp) {
        let used: BTreeSet<String> = self
            .given
            .iter()
            .map(|given| (given.at, &given.batch_key))
            .chain(self.left.iter().map(|left| (left.at, &left.batch_key)))
            .filter(|(when, _)| *when >= at)
            .map(|(_, key)| key.clone())
            .collect();
        self.given.retain(|given| used.contains(&given.batch_key));
        self.left.retain(|left| used.contains(&left.batch_key));
    }

    /// The batch to try, or to open. `key` is from [`batch_key`].
    #[must_use]
    pub fn batch(&self, key: &str, comment: &str) -> BatchChoice {
        if key.is_empty() {
            return BatchChoice::None;
        }
        let of_key = || self.given.iter().filter(|given| given.batch_key == key);
        let newest = of_key().rfind(|given| !self.is_left(key, &given.batch_no));
        if let Some(given) = newest {
            return BatchChoice::Try(given.batch_no.clone());
        }
        let left = self.left.iter().filter(|left| left.batch_key == key);
        let earlier: BTreeSet<&str> = of_key()
            .map(|given| given.batch_no.as_str())
            .chain(left.map(|left| left.batch_no.as_str()))
            .collect();
        BatchChoice::Open(numbered(comment, earlier.len() + 1))
    }

    /// A batch that Sage does not take any more is never tried again under its key.
    pub fn leave(&mut self, left: LeftBatch) {
        if !self.is_left(&left.batch_key, &left.batch_no) {
            self.left.push(left);
        }
    }

    /// The deposit that receipts of this key share in the batch. Without batches there is
    /// none: a deposit may be posted at any time, and nothing would tell.
    #[must_use]
    pub fn deposit(&self, batch_no: &str, bank_code: &str, deposit_key: &str) -> Option<&str> {
        if batch_no.is_empty() {
            return None;
        }
        self.given
            .iter()
            .rfind(|given| {
                given.batch_no == batch_no && given.bank_code == bank_code && given.deposit_key == deposit_key
            })
            .map(|given| given.deposit_no.as_str())
    }

    /// The number that Sage gave for a new deposit, or the next one that is not allotted to
    /// other receipts: a number may be given out again until its deposit is written.
    #[must_use]
    pub fn free_deposit(&self, bank_code: &str, offered: &str) -> String {
        let is_given = |number: &str| {
            self.given
                .iter()
                .any(|given| given.bank_code == bank_code && given.deposit_no == number)
        };
        let mut number = offered.to_owned();
        while is_given(&number) {
            let Ok(value) = number.parse::<u32>() else {
                return number;
            };
            number = format!("{:0width$}", value.saturating_add(1), width = offered.len());
        }
        number
    }

    fn is_left(&self, key: &str, batch_no: &str) -> bool {
        self.left
            .iter()
            .any(|left| left.batch_key == key && left.batch_no == batch_no)
    }
}

/// The key under which a receipt finds its batch, in this run.
#[must_use]
pub fn batch_key(write: &ReceiptWrite, run: &str) -> String {
    if write.batch_key == RUN {
        format!("{RUN} {run}")
    } else {
        write.batch_key.clone()
    }
}

/// The identity of a receipt that a person or a job imports from a file: batch and deposit
/// are theirs to give.
#[must_use]
pub fn file_identity(write: &ReceiptWrite, customer: &CustomerRef) -> String {
    identity([
        "",
        write.bank_code.as_str(),
        "",
        &customer.ar_division_no,
        &customer.customer_no,
        &write.check_no,
    ])
}

/// The comment with the batch's ordinal under its key, from the second one on.
fn numbered(comment: &str, ordinal: usize) -> String {
    let suffix = if ordinal > 1 {
        format!(" #{ordinal}")
    } else {
        String::new()
    };
    let room = COMMENT_WIDTH.saturating_sub(suffix.len());
    let start: String = comment.chars().take(room).collect();
    format!("{}{suffix}", start.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn allotted(key: &str, batch: &str, deposit_key: &str, deposit: &str, second: i64) -> Allotted {
        Allotted {
            allotment: Allotment {
                batch_key: key.into(),
                batch_no: batch.into(),
                deposit_key: deposit_key.into(),
                bank_code: "A".into(),
                deposit_no: deposit.into(),
                at: at(second),
            },
            left: Vec::new(),
        }
    }

    fn left(key: &str, batch: &str) -> LeftBatch {
        LeftBatch {
            batch_key: key.into(),
            batch_no: batch.into(),
            why: "posted".into(),
            at: at(9),
        }
    }

    #[test]
    fn a_left_batch_is_followed_by_a_numbered_one() {
        let mut all = Allotments::default();
        let choose = |all: &Allotments| all.batch("2026-05-06 VISA", "WEB 2026-05-06 VISA");
        assert_eq!(choose(&all), BatchChoice::Open("WEB 2026-05-06 VISA".into()));
        all.keep(allotted("2026-05-06 VISA", "00012", "2026-05-06 C", "00100", 1));
        assert_eq!(choose(&all), BatchChoice::Try("00012".into()));
        all.leave(left("2026-05-06 VISA", "00012"));
        assert_eq!(choose(&all), BatchChoice::Open("WEB 2026-05-06 VISA #2".into()));
        let text = serde_json::to_string(&all).unwrap();
        let again: Allotments = serde_json::from_str(&text).unwrap();
        assert_eq!(choose(&again), BatchChoice::Open("WEB 2026-05-06 VISA #2".into()));
        assert_eq!(
            all.batch("2026-05-07 VISA", "WEB 2026-05-07 VISA"),
            BatchChoice::Open("WEB 2026-05-07 VISA".into())
        );
        assert_eq!(all.batch("", "WEB"), BatchChoice::None);
    }

    #[test]
    fn the_ordinal_has_room_in_the_comment() {
        let long = "WEB settlement 20260506-0001-AB";
        assert_eq!(numbered(long, 1).len(), 30);
        assert!(numbered(long, 12).ends_with(" #12"));
        assert_eq!(numbered(long, 12).len(), 30);
    }

    #[test]
    fn deposits_are_shared_inside_a_batch_only() {
        let mut all = Allotments::default();
        all.keep(allotted("d", "00012", "2026-05-06 C", "00100", 1));
        assert_eq!(all.deposit("00012", "A", "2026-05-06 C"), Some("00100"));
        assert_eq!(all.deposit("00012", "B", "2026-05-06 C"), None);
        assert_eq!(all.deposit("00013", "A", "2026-05-06 C"), None);
        assert_eq!(all.free_deposit("A", "00100"), "00101");
        assert_eq!(all.free_deposit("B", "00100"), "00100");
        all.keep(allotted("", "", "2026-05-06 C", "00101", 1));
        assert_eq!(all.deposit("", "A", "2026-05-06 C"), None);
    }

    #[test]
    fn old_keys_are_forgotten_whole() {
        let mut all = Allotments::default();
        all.keep(allotted("old", "00012", "k", "00100", 1));
        all.keep(allotted("new", "00013", "k", "00101", 20));
        all.forget_before(at(10));
        assert_eq!(all.batch("old", "WEB"), BatchChoice::Open("WEB".into()));
        assert_eq!(all.batch("new", "WEB"), BatchChoice::Try("00013".into()));
    }

    #[test]
    fn identities_name_every_level() {
        let customer = CustomerRef {
            ar_division_no: "01".into(),
            customer_no: "ABF".into(),
        };
        let identity = allotted("d", "00012", "k", "00100", 1)
            .allotment
            .identity(&customer, "A234567890");
        let numbers = crate::identity::numbers_of("receipt", &identity);
        assert_eq!(numbers["batch_no"], "00012");
        assert_eq!(numbers["deposit_no"], "00100");
        assert_eq!(numbers["check_no"], "A234567890");
    }

    proptest! {
        /// Whatever is posted between payments: no batch that was left is chosen again, and
        /// no two keys share one.
        #[test]
        fn a_posted_batch_is_never_reused(steps in prop::collection::vec((0_u8..4, any::<bool>()), 1..80)) {
            let mut all = Allotments::default();
            let mut posted = BTreeSet::new();
            let mut owners = std::collections::BTreeMap::new();
            let mut next = 1_u32;
            for (second, (key, is_posted)) in (0_i64..).zip(steps) {
                let key = format!("key {key}");
                let batch = loop {
                    match all.batch(&key, "WEB") {
                        BatchChoice::Try(batch) => {
                            prop_assert!(!all.is_left(&key, &batch));
                            if posted.contains(&batch) {
                                all.leave(left(&key, &batch));
                                continue;
                            }
                            break batch;
                        }
                        BatchChoice::Open(_) => {
                            let batch = format!("{next:05}");
                            next += 1;
                            break batch;
                        }
                        BatchChoice::None => prop_assert!(false, "batches are on"),
                    }
                };
                prop_assert!(!posted.contains(&batch));
                let owner = owners.entry(batch.clone()).or_insert_with(|| key.clone());
                prop_assert_eq!(&*owner, &key);
                all.keep(allotted(&key, &batch, "k", "00100", second));
                if is_posted {
                    posted.insert(batch);
                }
            }
        }
    }
}
