//! What is remembered of a stream between two turns, in memory alone.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use agent_store::SeenBits;
use catalog::{Dataset, Removal};
use jiff::civil::DateTime;
use sync::{Command, Engine, Fill, Progress, RowFinding, Settings, Shape};
use values::{Hash, Key};
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
    /// When the whole pass began whose bits these are.
    began: Option<DateTime>,
    /// How far those that it did not see were looked for.
    pub(super) looked: Looked,
    /// How full the columns of what the whole pass under way has recorded are; none where a
    /// part of it was not counted.
    pub(super) fill: Option<Fill>,
    /// Documents of a page, where fewer than usual fit into one message.
    pub(super) page_documents: Option<usize>,
    /// Columns that looked blank in a page, and are not in the whole table.
    pub(super) trusted: HashSet<String>,
    /// When it was last looked whether a column that is held has its values again.
    pub(super) column_looked_at: Option<Instant>,
    /// A delta whose slice is over.
    pub(super) delta: Option<DeltaPlace>,
    /// What the delta under way did in earlier turns.
    pub(super) delta_so_far: Done,
    /// Findings since the last complete whole pass.
    pub(super) findings: Tally,
    /// Findings of the whole pass under way.
    pub(super) new_findings: Option<Tally>,
    /// What the whole pass under way did in earlier turns.
    pub(super) so_far: Done,
}

/// How far the unseen were looked for, in earlier turns of the same pass.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The last key, and how many.
    pub(super) asked: (Option<Key>, u64),
    /// Those that are gone. A delta in between forgets the leavers that are recorded.
    pub(super) gone: Vec<Removal>,
}

impl Looked {
    /// These are there, or have left for good.
    pub(super) fn drop_gone<'a>(&mut self, keys: impl IntoIterator<Item = &'a Key>) {
        if !self.gone.is_empty() {
            let keys: HashSet<&Key> = keys.into_iter().collect();
            self.gone.retain(|removal| !keys.contains(&removal.key));
        }
    }
}

/// Where a delta goes on.
#[derive(Debug)]
pub(super) struct DeltaPlace {
    pub(super) engine: Engine,
    pub(super) command: Command,
    pub(super) settings: Settings,
    /// As recorded when it stopped: if that moved, the delta begins anew.
    pub(super) recorded: Progress,
    /// It found some document leaving.
    pub(super) leavers: bool,
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
    /// Documents of a page.
    pub(super) fn page_documents(&self, dataset: &Dataset) -> usize {
        let usual = sync::page_documents(dataset);
        self.page_documents.map_or(usual, |fewer| fewer.min(usual))
    }

    pub(super) fn note(&mut self, finding: &RowFinding) {
        self.new_findings
            .as_mut()
            .unwrap_or(&mut self.findings)
            .add(finding);
    }

    /// What was seen counts for the whole pass that began then, and for no other.
    pub(super) fn keep_seen_of(&mut self, scan: Option<DateTime>) {
        if scan.is_none() || self.began != scan {
            self.forget_seen();
        }
    }

    /// What was seen counts no more, and how full the columns are was counted in part only.
    pub(super) fn forget_seen(&mut self) {
        self.bits = None;
        self.began = None;
        self.fill = None;
        self.looked = Looked::default();
    }

    /// A whole pass begins.
    pub(super) fn begin_whole(&mut self, bits: SeenBits, began: DateTime) {
        self.bits = Some(bits);
        self.began = Some(began);
        self.looked = Looked::default();
        self.fill = Some(Fill::default());
        self.trusted.clear();
        self.new_findings = Some(Tally::default());
        self.so_far = Done::default();
    }

    /// A whole pass is over.
    pub(super) fn end_whole(&mut self) {
        self.forget_seen();
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
    fn what_was_seen_belongs_to_one_pass() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = agent_store::Index::open(&folder.path().join("index.db")).unwrap();
        let (stream, _) = index.stream("ABC", "items").unwrap();
        let began = jiff::civil::date(2026, 5, 1).at(9, 0, 0, 0);
        let other = began.tomorrow().unwrap();
        for (recorded, stays) in [(Some(began), true), (Some(other), false), (None, false)] {
            let mut memory = Memory::default();
            memory.begin_whole(index.begin_sweep(stream).unwrap(), began);
            memory.looked.asked.1 = 7;
            memory.keep_seen_of(recorded);
            assert_eq!(memory.bits.is_some(), stays);
            assert_eq!(memory.fill.is_some(), stays);
            assert_eq!(memory.looked.asked.1, if stays { 7 } else { 0 });
        }
    }

    #[test]
    fn who_came_back_is_not_gone() {
        let key = |n: u32| Key::from_parts([n.to_string()]);
        let mut looked = Looked::default();
        for number in 0..3 {
            looked.gone.push(Removal {
                key: key(number),
                reason: catalog::RemovalReason::Filtered,
            });
        }
        looked.drop_gone(&[key(1), key(9)]);
        let keys: Vec<Key> = looked.gone.into_iter().map(|removal| removal.key).collect();
        assert_eq!(keys, [key(0), key(2)]);
    }

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
