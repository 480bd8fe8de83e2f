//! What is remembered of a stream between two turns, in memory alone.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use agent_store::SeenBits;
use sync::{Fill, RowFinding, Shape};
use values::Hash;
use wire::status::FindingSummary;

/// Keys named for one column and code.
const KEYS: usize = 3;
/// Findings that are told apart; beyond them nothing is counted.
const MAX_SEEN: usize = 10_000;

/// What is remembered of one stream.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// As the site has the dataset, and since when.
    pub(super) shape: Option<(Shape, Instant)>,
    /// What is odd in the tables.
    pub(super) shape_findings: Vec<FindingSummary>,
    /// What the whole pass under way has seen.
    pub(super) bits: Option<SeenBits>,
    /// How full the columns are, when the whole pass under way began in this process.
    pub(super) fill: Option<Fill>,
    /// Columns that looked blank in a page, and are not in the whole table.
    pub(super) trusted: HashSet<String>,
    /// Findings since the last complete whole pass.
    pub(super) findings: Tally,
    /// Findings of the whole pass under way.
    pub(super) new_findings: Option<Tally>,
    /// What the whole pass under way did in earlier turns.
    pub(super) so_far: Done,
}

/// What was done, by one turn or by all turns of a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Documents read.
    pub documents: u64,
    /// Documents sent.
    pub sent: u64,
    /// Records removed.
    pub removed: u64,
    /// Time taken.
    pub took: Duration,
}

impl Done {
    pub(super) fn add(&mut self, other: Self) {
        self.documents += other.documents;
        self.sent += other.sent;
        self.removed += other.removed;
        self.took += other.took;
    }
}

/// Findings by column and code, each record counted once.
#[derive(Debug, Default)]
pub(super) struct Tally {
    by: BTreeMap<(String, &'static str), FindingSummary>,
    seen: HashSet<Hash>,
}

impl Tally {
    pub(super) fn add(&mut self, finding: &RowFinding) {
        let code = finding.code.as_str();
        let text = format!("{}\0{}\0{code}", finding.key, finding.column);
        if self.seen.len() >= MAX_SEEN || !self.seen.insert(Hash::of_bytes(text.as_bytes())) {
            return;
        }
        let entry = self
            .by
            .entry((finding.column.clone(), code))
            .or_insert_with(|| FindingSummary {
                code: code.to_owned(),
                column: finding.column.clone(),
                count: 0,
                keys: Vec::new(),
            });
        entry.count += 1;
        if entry.keys.len() < KEYS {
            entry.keys.push(finding.key.to_string());
        }
    }

    pub(super) fn summaries(&self) -> Vec<FindingSummary> {
        self.by.values().cloned().collect()
    }
}

impl Memory {
    pub(super) fn note(&mut self, finding: &RowFinding) {
        self.new_findings
            .as_mut()
            .unwrap_or(&mut self.findings)
            .add(finding);
    }

    /// A whole pass begins.
    pub(super) fn begin_whole(&mut self, bits: SeenBits) {
        self.bits = Some(bits);
        self.fill = Some(Fill::default());
        self.trusted.clear();
        self.new_findings = Some(Tally::default());
        self.so_far = Done::default();
    }

    /// A whole pass is over.
    pub(super) fn end_whole(&mut self) {
        self.bits = None;
        self.fill = None;
        self.so_far = Done::default();
        if let Some(findings) = self.new_findings.take() {
            self.findings = findings;
        }
    }
}

#[cfg(test)]
mod tests {
    use sync::RowCode;
    use values::Key;

    use super::*;

    #[test]
    fn a_record_is_counted_once_and_three_are_named() {
        let mut tally = Tally::default();
        for number in [1, 2, 3, 4, 1, 2] {
            tally.add(&RowFinding {
                key: Key::from_parts([number.to_string()]),
                column: "ItemCode".to_owned(),
                code: RowCode::Unsettled,
            });
        }
        let summaries = tally.summaries();
        assert_eq!(summaries.len(), 1);
        assert_eq!((summaries[0].count, summaries[0].keys.len()), (4, 3));
        assert_eq!(summaries[0].code, "unsettled");
    }
}
