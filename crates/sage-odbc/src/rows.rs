//! Rows: column buffers of a bounded size, filled by the driver, emptied into decoders.

mod decoding;

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Field, Schema};
use odbc_api::buffers::{Indicator, TextRowSet};
use odbc_api::{Cursor, Error, ResultSetMetadata};
use sage::{ColumnDecoder, Page, Select};
use values::Kind;

use decoding::{Decoder, Decoding};

/// What one row set's buffers may take, and there are two: with the page under construction
/// and its copy for the pipe this keeps a bridge process far below 128 MiB.
const ROW_SET_BYTES: usize = 4 * 1024 * 1024;
/// More rows at once bring nothing (measured from 256 to 8192: the driver's work per value
/// is what counts), the last row set of a page is decoded while nothing is fetched, and the
/// time limit is looked at between row sets.
const ROW_SET_ROWS: usize = 256;
/// The narrowest buffer: times and numbers are written longer than some drivers declare.
const NARROWEST: usize = 32;
/// A column that declares more, or nothing, starts with this: long comments are rare.
const FIRST_WIDTH: usize = 1024;
/// The width of a second try, where the driver does not tell a longer one.
const SECOND_WIDTH: usize = 64 * 1024;
/// No Sage column holds more; a longer value is not read.
const WIDEST: usize = 1024 * 1024;

/// Buffer widths in bytes that were found out by a value that did not fit, by table and
/// column.
pub(crate) type Widths = HashMap<(String, String), usize>;

/// What came of one run of the statement.
pub(crate) enum Fetched {
    /// All rows that were asked for.
    Page(Page),
    /// A value did not fit; the widths are larger now.
    Widened,
    /// A value did not fit and a larger buffer would not help: the column.
    Truncated(String),
    /// The time was over between two row sets.
    TimedOut,
}

/// How fetching ended.
enum Done {
    /// With rows; is none left?
    Rows(bool, Decoding),
    Early(Fetched),
}

/// A page or its rows could not be made.
pub(crate) enum FetchError {
    /// The driver's failure.
    Odbc(Error),
    /// Arrow's.
    Arrow(ArrowError),
}

impl From<Error> for FetchError {
    fn from(error: Error) -> Self {
        Self::Odbc(error)
    }
}

impl From<ArrowError> for FetchError {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

/// Fetches up to `max_rows` rows and looks one ahead, so that the end is told exactly. Where
/// there are several row sets, one is decoded while the driver fills the next.
pub(crate) fn fetch(
    mut cursor: impl Cursor,
    select: &Select,
    max_rows: usize,
    deadline: Instant,
    widths: &mut Widths,
) -> Result<Fetched, FetchError> {
    let columns = plan(&mut cursor, select, widths)?;
    let capacity = capacity(&columns, max_rows);
    let buffer = || TextRowSet::from_max_str_lens(capacity, columns.iter().copied());
    let done = thread::scope(|scope| {
        let mut decoder = Decoder::Here(Decoding::new(select));
        let mut row_set = buffer()?;
        let mut taken = 0;
        let end = loop {
            let (next, filled) = fill(cursor, row_set)?;
            cursor = next;
            let Some(filled) = filled else { break true };
            if let Some(cut) = widen(&filled, select, &columns, widths) {
                return Ok(Done::Early(cut));
            }
            let rows = filled.num_rows().min(max_rows - taken);
            let is_over = rows < filled.num_rows();
            taken += rows;
            if filled.num_rows() == capacity && !is_over {
                decoder = decoder.beside(scope);
            }
            row_set = match decoder.take(filled, rows) {
                Some(free) => free,
                None => buffer()?,
            };
            if is_over {
                break false;
            }
            if Instant::now() >= deadline {
                return Ok(Done::Early(Fetched::TimedOut));
            }
        };
        Ok::<_, FetchError>(Done::Rows(end, decoder.finish()))
    })?;
    let (end, decoding) = match done {
        Done::Rows(end, decoding) => (end, decoding),
        Done::Early(fetched) => return Ok(fetched),
    };
    settle(select, &columns, &decoding.longest, widths);
    Ok(Fetched::Page(page(select, decoding.columns, end)?))
}

/// The cursor, and the row set that the driver filled; none behind the last row.
fn fill<C: Cursor>(cursor: C, buffer: TextRowSet) -> Result<(C, Option<TextRowSet>), Error> {
    let mut bound = cursor.bind_buffer(buffer)?;
    let has_rows = bound.fetch()?.is_some();
    let (cursor, filled) = bound.unbind()?;
    Ok((cursor, Some(filled).filter(|_| has_rows)))
}

/// Buffer width of each column in bytes.
fn plan(cursor: &mut impl ResultSetMetadata, select: &Select, widths: &Widths) -> Result<Vec<usize>, Error> {
    let mut columns = Vec::with_capacity(select.columns.len());
    for (place, column) in (1_u16..).zip(&select.columns) {
        let declared = cursor.col_display_size(place)?.map_or(FIRST_WIDTH, usize::from);
        let first = declared.clamp(NARROWEST, FIRST_WIDTH);
        let known = widths
            .get(&(select.table.clone(), column.name.clone()))
            .copied()
            .unwrap_or(0);
        columns.push(first.max(known));
    }
    Ok(columns)
}

/// Rows of one row set: bounded by bytes, and such that a page and its row ahead fill
/// whole row sets.
fn capacity(columns: &[usize], max_rows: usize) -> usize {
    // A terminating zero and a length indicator go with each value.
    let row_bytes: usize = columns.iter().map(|width| width + 1 + size_of::<isize>()).sum();
    let most = (ROW_SET_BYTES / row_bytes.max(1)).clamp(1, ROW_SET_ROWS);
    let wanted = max_rows.saturating_add(1);
    wanted.div_ceil(wanted.div_ceil(most))
}

/// Looks for values that were cut and notes what they need.
fn widen(batch: &TextRowSet, select: &Select, columns: &[usize], widths: &mut Widths) -> Option<Fetched> {
    let mut answer = None;
    for (place, column) in select.columns.iter().enumerate() {
        let told = match batch.column(place).has_truncated_values() {
            None => continue,
            Some(Indicator::Length(bytes)) => bytes,
            Some(Indicator::Null | Indicator::NoTotal) => 0,
        };
        let wanted = told.saturating_mul(2).clamp(SECOND_WIDTH, WIDEST);
        if told > WIDEST || columns.get(place).is_some_and(|have| *have >= wanted) {
            return Some(Fetched::Truncated(column.name.clone()));
        }
        answer = Some(Fetched::Widened);
        widths.insert((select.table.clone(), column.name.clone()), wanted);
    }
    answer?;
    // Others may be cut further on: characters take up to four bytes, and declare one.
    for (place, column) in select.columns.iter().enumerate() {
        let key = (select.table.clone(), column.name.clone());
        let wider = columns
            .get(place)
            .map_or(SECOND_WIDTH, |have| have.saturating_mul(4).min(SECOND_WIDTH));
        let width = widths.entry(key).or_insert(wider);
        *width = (*width).max(wider);
    }
    Some(Fetched::Widened)
}

/// After a second try: keep what the longest value needs, not what the try was given.
fn settle(select: &Select, columns: &[usize], longest: &[usize], widths: &mut Widths) {
    for ((column, width), longest) in select.columns.iter().zip(columns).zip(longest) {
        if *width >= SECOND_WIDTH {
            let enough = longest.saturating_add(longest / 2).max(FIRST_WIDTH);
            widths.insert((select.table.clone(), column.name.clone()), enough);
        }
    }
}

fn page(select: &Select, decoders: Vec<ColumnDecoder>, end: bool) -> Result<Page, ArrowError> {
    let mut arrays = Vec::with_capacity(decoders.len());
    let mut findings = Vec::new();
    for decoder in decoders {
        let (array, found) = decoder.finish()?;
        arrays.push(array);
        findings.extend(found);
    }
    let fields: Vec<_> = select
        .columns
        .iter()
        .map(|c| Field::new(&c.name, ColumnDecoder::data_type(c.kind), c.kind == Kind::Date))
        .collect();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
    Ok(Page { rows, end, findings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_sets_are_bounded_and_even() {
        assert_eq!(capacity(&[32], 0), 1);
        assert_eq!(capacity(&[32], 100), 101);
        assert_eq!(capacity(&[32], 5000), 251);
        assert!(capacity(&[WIDEST; 26], 5000) * 26 <= 26);
        assert!(capacity(&[SECOND_WIDTH], 5000) * SECOND_WIDTH <= ROW_SET_BYTES);
        assert!(capacity(&[32], usize::MAX) <= ROW_SET_ROWS);
    }
}
