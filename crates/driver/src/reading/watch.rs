//! Columns that lose their values between two passes, and have them again.

use std::time::Instant;

use agent_store::Stream;
use catalog::Dataset;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use sync::{Failure, Fill, Held, HeldReason, Scan, Shape, implausible, read_fill, vanished};

use super::carry::Work;
use super::memory::Memory;
use super::pass::{CompanyReader, FILL_NOTE, lost, store};

/// Name of the note on the whole pass under way.
const COUNTED_NOTE: &str = "fill_counted";

/// How full the columns of the first documents of a whole pass are.
#[derive(Debug, Serialize, Deserialize)]
struct Counted {
    /// The pass: when it began.
    began: DateTime,
    /// Documents that it had read.
    documents: u64,
    fill: Fill,
}

impl CompanyReader {
    /// The columns that have lost their values, when this page (`now`) makes one look.
    pub(super) fn watch_columns(&mut self, work: &mut Work<'_>, now: &Fill) -> Result<Vec<String>, Failure> {
        if work.fill_before.is_none() {
            let mut fill = self.fill_before(work.stream)?.unwrap_or_default();
            work.unwatched.iter().for_each(|column| fill.forget(column));
            let gone = vanished(&fill, &work.shape);
            if !gone.is_empty() {
                return self.with_others(work, &fill, gone, &[]);
            }
            work.memory.trusted.iter().for_each(|column| fill.forget(column));
            work.fill_before = Some(fill);
        }
        let Some(before) = &mut work.fill_before else {
            return Ok(Vec::new());
        };
        let suspects = implausible(before, now);
        if suspects.is_empty() {
            return Ok(suspects);
        }
        let all = self.whole_fill(&work.shape, &suspects)?;
        let gone = all.lost_since(before);
        if gone.is_empty() {
            for column in suspects {
                before.forget(&column);
                work.memory.trusted.insert(column);
            }
            return Ok(gone);
        }
        let before = before.clone();
        self.with_others(work, &before, gone, &suspects)
    }

    /// These columns are lost, and those `looked` at were counted: what else is lost is found
    /// now, so that a person is asked once.
    fn with_others(
        &mut self,
        work: &mut Work<'_>,
        before: &Fill,
        mut gone: Vec<String>,
        looked: &[String],
    ) -> Result<Vec<String>, Failure> {
        let absent = vanished(before, &work.shape);
        let others: Vec<String> = before
            .well_filled()
            .map(str::to_owned)
            .filter(|column| !looked.contains(column) && !absent.contains(column))
            .collect();
        gone.extend(self.whole_fill(&work.shape, &others)?.lost_since(before));
        gone.sort_unstable();
        work.memory.column_looked_at = Some(Instant::now());
        Ok(gone)
    }

    fn whole_fill(&mut self, shape: &Shape, columns: &[String]) -> Result<Fill, Failure> {
        let bridge = &mut self.pages.tools().bridge;
        read_fill(bridge, shape, columns, self.page_limit).map_err(Failure::Read)
    }

    /// How full the columns were when the whole table was last read.
    fn fill_before(&self, stream: Stream) -> Result<Option<Fill>, Failure> {
        let text = self.index.note(stream, FILL_NOTE).map_err(store)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Notes how far the columns of a whole pass are counted, so that a process that goes on
    /// with it can count to the end.
    pub(super) fn keep_counted(&mut self, dataset: &Dataset, memory: &Memory) -> Result<(), Failure> {
        let found = self.index.look(self.company.as_str(), dataset.name.as_str());
        let Some((stream, progress)) = found.map_err(store)? else {
            return Ok(());
        };
        let (Some(fill), Some(scan)) = (&memory.fill, progress.scan) else {
            return Ok(());
        };
        let counted = Counted {
            began: scan.started,
            documents: scan.documents,
            fill: fill.clone(),
        };
        let text = serde_json::to_string(&counted).map_err(|_| lost(COUNTED_NOTE))?;
        if self.index.note(stream, COUNTED_NOTE).map_err(store)?.as_deref() == Some(&text) {
            return Ok(());
        }
        self.index.set_note(stream, COUNTED_NOTE, &text).map_err(store)
    }

    /// Goes on counting where another process stopped, if it noted all that it had read.
    pub(super) fn take_up_counted(
        &self,
        stream: Stream,
        scan: Option<&Scan>,
        memory: &mut Memory,
    ) -> Result<(), Failure> {
        let Some(scan) = scan.filter(|_| memory.fill.is_none()) else {
            return Ok(());
        };
        let text = self.index.note(stream, COUNTED_NOTE).map_err(store)?;
        // A note that cannot be read is none: the counts of an earlier pass stay in use.
        let counted: Option<Counted> = text.and_then(|text| serde_json::from_str(&text).ok());
        memory.fill = counted
            .filter(|counted| (counted.began, counted.documents) == (scan.started, scan.documents))
            .map(|counted| counted.fill);
        Ok(())
    }

    /// Of these columns, those that have not got their values back. The whole table is looked
    /// at.
    fn still_lost(
        &mut self,
        shape: &Shape,
        stream: Stream,
        columns: &[String],
    ) -> Result<Vec<String>, Failure> {
        let Some(before) = self.fill_before(stream)? else {
            return Ok(Vec::new());
        };
        let absent = vanished(&before, shape);
        let (mut gone, there): (Vec<String>, Vec<String>) = columns
            .iter()
            .filter(|column| before.column(column).is_some())
            .cloned()
            .partition(|column| absent.contains(column));
        gone.extend(self.whole_fill(shape, &there)?.lost_since(&before));
        Ok(gone)
    }

    /// Is what is asked about columns answered, by a person or by the columns themselves? The
    /// whole table is read for it, so that `may_look` says whether it is time.
    pub(super) fn is_answered(
        &mut self,
        held: &Held,
        shape: &Shape,
        stream: Stream,
        memory: &mut Memory,
        approved: &[String],
        may_look: bool,
    ) -> Result<bool, Failure> {
        let HeldReason::Columns(columns) = &held.reason else {
            return Ok(true);
        };
        let is_open = |column: &&String| !approved.contains(column) && !memory.trusted.contains(*column);
        let open: Vec<String> = columns.iter().filter(is_open).cloned().collect();
        if open.is_empty() {
            return Ok(true);
        }
        if !may_look {
            return Ok(false);
        }
        memory.column_looked_at = Some(Instant::now());
        let gone = self.still_lost(shape, stream, &open)?;
        let back = open.into_iter().filter(|column| !gone.contains(column));
        memory.trusted.extend(back);
        Ok(gone.is_empty())
    }
}
