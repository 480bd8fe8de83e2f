//! What must hold after every step.

use super::*;

impl World {
    /// Nothing is removed that is there, unless it came back after it was looked for; and
    /// not more in a day than may be.
    pub(super) fn removals_are_right(&self, batch: &Batch) {
        for (key, _) in &batch.removals {
            let leaver = self.driver.leavers.get(key).expect("only leavers are removed");
            let there = self.erp.get(key);
            let right =
                there.is_none_or(|row| row.written >= leaver.found || (leaver.filtered && !row.shown));
            assert!(right, "removed what is there: {key}");
        }
        if batch.removals.iter().any(|(_, explained)| !explained) && !self.tally_lacks && !self.set_back {
            let taken = lately(&self.hub.removed, self.now);
            let records = self.hub.rows.len() as u64 + taken + batch.removals.len() as u64;
            // The allowance was set when the pass had read all; the ERP went on.
            let allowed =
                removal_allowance(records.max(self.driver.index.len() as u64 + taken)) + batch.approved;
            assert!(taken <= allowed, "{taken} removed in a day, {allowed} allowed");
        }
    }

    /// Nothing waits for a person, and no whole pass is under way.
    pub(super) fn asks_nothing(&self) -> bool {
        let progress = &self.driver.progress;
        progress.held.is_none() && progress.scan.is_none() && progress.swept_at.is_some()
    }

    pub(super) fn agree(&self) -> bool {
        let Progress {
            store,
            epoch,
            sequence,
            digest,
            ..
        } = &self.driver.progress;
        store.is_some()
            && (*epoch, *sequence, *digest) == (self.hub.epoch, self.hub.sequence, self.hub.digest)
    }

    /// Where both sides agree on the stream, the index knows nothing that the hub lacks.
    pub(super) fn index_mirrors_hub(&self) {
        if self.agree() {
            for (key, (value, _)) in &self.driver.index {
                assert_eq!(
                    self.hub.rows.get(key),
                    Some(value),
                    "the index knows what the hub lacks: {key}"
                );
            }
        }
    }

    /// Where both sides agree, all that is stamped before the watermark is in the hub.
    pub(super) fn watermark_holds(&self) {
        let progress = &self.driver.progress;
        let settled = self.agree() && self.stamped && progress.site == Some(self.site());
        let Some(watermark) = progress.watermark.filter(|_| settled && progress.loaded) else {
            return;
        };
        // A clock that was set back stamps new rows below the watermark; whole passes find them.
        if !self.set_back {
            let before = |row: &&Row| !row.silent && row.stamp < watermark;
            for (key, row) in self.erp.iter().filter(|(_, row)| before(row)) {
                let there = self.hub.rows.get(key);
                if self.lets_through(row) {
                    assert_eq!(there, Some(&row.value), "unread below the watermark: {key}");
                } else if !self.history && self.asks_nothing() {
                    assert_eq!(
                        there, None,
                        "filtered away below the watermark, and still there: {key}"
                    );
                }
            }
        }
    }
}
