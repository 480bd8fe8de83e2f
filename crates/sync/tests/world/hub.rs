//! The hub of the model: what it takes, and what it refuses.

use std::collections::{BTreeMap, BTreeSet};

use catalog::removal_allowance;
use jiff::{SignedDuration, civil};
use values::{Epoch, Hash, Sequence};

#[derive(Clone)]
pub(crate) struct Hub {
    pub(crate) epoch: Epoch,
    pub(crate) sequence: Sequence,
    pub(crate) fingerprint: Hash,
    pub(crate) digest: Hash,
    pub(crate) previous: Hash,
    pub(crate) rows: BTreeMap<String, u64>,
    /// History that the ERP no longer has.
    pub(crate) purged: BTreeSet<String>,
    pub(crate) removed: Vec<(civil::DateTime, u64)>,
}

#[derive(Clone)]
pub(crate) struct Batch {
    pub(crate) epoch: Epoch,
    pub(crate) sequence: Sequence,
    pub(crate) previous: Hash,
    pub(crate) rows: Vec<(String, u64)>,
    pub(crate) removals: Vec<(String, bool)>,
    pub(crate) approved: u64,
}

impl Batch {
    pub(crate) fn digest(&self) -> Hash {
        let text = format!(
            "{} {} {} {:?} {:?}",
            self.epoch, self.sequence, self.previous, self.rows, self.removals
        );
        Hash::of_bytes(text.as_bytes())
    }
}

pub(crate) fn lately(removed: &[(civil::DateTime, u64)], now: civil::DateTime) -> u64 {
    let start = now.checked_sub(SignedDuration::from_hours(24)).unwrap();
    removed.iter().filter(|(at, _)| *at > start).map(|(_, n)| n).sum()
}

impl Hub {
    pub(crate) fn empty() -> Self {
        Self {
            epoch: Epoch(0),
            sequence: Sequence(0),
            fingerprint: Hash(0),
            digest: Hash(0),
            previous: Hash(0),
            rows: BTreeMap::new(),
            purged: BTreeSet::new(),
            removed: Vec::new(),
        }
    }

    /// The hub's rule: exactly the next batch, or the last one again.
    pub(crate) fn take(
        &mut self,
        batch: &Batch,
        history: bool,
        brakes: bool,
        now: civil::DateTime,
    ) -> Result<(), &'static str> {
        if batch.epoch != self.epoch {
            return Err("epoch_stale");
        }
        if batch.sequence == self.sequence {
            return if batch.digest() == self.digest {
                Ok(())
            } else {
                Err("stream_diverged")
            };
        }
        if batch.sequence != self.sequence.next() {
            return Err("out_of_order");
        }
        if batch.previous != self.digest {
            return Err("stream_diverged");
        }
        let unexplained = batch.removals.iter().filter(|(_, explained)| !explained).count() as u64;
        if brakes && unexplained > 0 {
            let before = lately(&self.removed, now);
            let live = self.rows.len() as u64;
            let allowed = removal_allowance(live + before) + batch.approved;
            let emptied = batch.rows.is_empty() && batch.removals.len() as u64 >= live && batch.approved == 0;
            if before + unexplained > allowed || emptied {
                return Err("brake_engaged");
            }
        }
        self.sequence = batch.sequence;
        self.previous = batch.previous;
        self.digest = batch.digest();
        for (key, value) in &batch.rows {
            self.purged.remove(key);
            self.rows.insert(key.clone(), *value);
        }
        for (key, _) in &batch.removals {
            self.rows.remove(key);
            if history {
                self.purged.insert(key.clone());
            }
        }
        if unexplained > 0 {
            self.removed.push((now, unexplained));
        }
        Ok(())
    }
}
