//! Columns that lose their values between two passes, and have them again.

use std::time::Instant;

use agent_store::Stream;
use sync::{DocumentPage, Failure, Fill, Held, HeldReason, Shape, implausible, read_column_fill, vanished};

use super::carry::Work;
use super::memory::Memory;
use super::pass::{CompanyReader, FILL_NOTE, store};

impl CompanyReader {
    /// The column that has lost its values, if one has. `counts` says that the page is one
    /// of a whole pass: a delta reads rows that are read again.
    pub(super) fn watch_columns(
        &mut self,
        work: &mut Work<'_>,
        page: &DocumentPage,
        counts: bool,
    ) -> Result<Option<String>, Failure> {
        let now = Fill::of(&work.shape, page);
        if let Some(fill) = work.memory.fill.as_mut().filter(|_| counts) {
            fill.add(&now);
        }
        if work.fill_before.is_none() {
            let mut fill = self.fill_before(work.stream)?;
            if let Some(fill) = &mut fill {
                work.unwatched.iter().for_each(|column| fill.forget(column));
            }
            if let Some(column) = fill.as_ref().and_then(|fill| vanished(fill, &work.shape)) {
                return Ok(Some(column));
            }
            if let Some(fill) = &mut fill {
                work.memory.trusted.iter().for_each(|column| fill.forget(column));
            }
            work.fill_before = Some(fill);
        }
        let Some(Some(before)) = &mut work.fill_before else {
            return Ok(None);
        };
        while let Some(column) = implausible(before, &now) {
            let all = read_column_fill(
                &mut self.pages.tools().bridge,
                &work.shape,
                &column,
                self.page_limit,
            )
            .map_err(Failure::Read)?;
            if before
                .column(&column)
                .is_some_and(|before| all.is_implausible_after(before))
            {
                work.memory.column_looked_at = Some(Instant::now());
                return Ok(Some(column));
            }
            before.forget(&column);
            work.memory.trusted.insert(column);
        }
        Ok(None)
    }

    /// How full the columns were when the whole table was last read.
    fn fill_before(&self, stream: Stream) -> Result<Option<Fill>, Failure> {
        let text = self.index.note(stream, FILL_NOTE).map_err(store)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Does a column that is held have its values again? The whole table is looked at.
    fn column_is_back(&mut self, shape: &Shape, stream: Stream, column: &str) -> Result<bool, Failure> {
        let Some(mut fill) = self.fill_before(stream)? else {
            return Ok(true);
        };
        let Some(before) = fill.column(column) else {
            return Ok(true);
        };
        while let Some(absent) = vanished(&fill, shape) {
            if absent == column {
                return Ok(false);
            }
            fill.forget(&absent);
        }
        let now = read_column_fill(&mut self.pages.tools().bridge, shape, column, self.page_limit)
            .map_err(Failure::Read)?;
        Ok(!now.is_implausible_after(before))
    }

    /// Is what is asked about a column answered, by a person or by the column itself? The
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
        let HeldReason::Column(column) = &held.reason else {
            return Ok(true);
        };
        if approved.contains(column) || memory.trusted.contains(column) {
            return Ok(true);
        }
        if !may_look {
            return Ok(false);
        }
        memory.column_looked_at = Some(Instant::now());
        let is_back = self.column_is_back(shape, stream, column)?;
        if is_back {
            memory.trusted.insert(column.clone());
        }
        Ok(is_back)
    }
}
