//! Reading whole documents, a page at a time: header → lines → header. A header that moved
//! in between is read again; a document is never put together from two states of the ERP.

mod children;
mod columns;
mod fill;
mod joins;
mod keyed;
mod parents;
mod site;
mod written;

use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use catalog::{Dataset, DocumentBatch};
use sage::{FindingCode, ReadError, ReadErrorCode, Reader};
use values::{Date, Hash, Key};

use crate::Shape;

pub use fill::read_fill;
pub use joins::JoinCache;
pub use keyed::{Suspect, Verdict, confirm, explain, read_keys};

/// Values in one page: what two pages in flight may cost in memory stays near 20 MB.
const PAGE_VALUES: usize = 200_000;
/// Bounds on the documents of a page, whatever their width.
const PAGE_DOCUMENTS: std::ops::RangeInclusive<usize> = 200..=10_000;
/// Documents of a page when each may have many lines.
const PAGE_DOCUMENTS_WITH_LINES: usize = 500;

/// Which documents to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Only those stamped on this day or later.
    pub since: Option<Date>,
    /// Only those behind this key (its parts as text, dates as ISO), in the ERP's order; with
    /// its first parts alone, those behind all that begin so.
    pub after: Option<Vec<String>>,
    /// At most so many; more where no key among so many can be written into a statement.
    pub limit: usize,
}

/// Whole documents in the catalog's shape.
#[derive(Clone, Debug)]
pub struct DocumentPage {
    /// The documents, those that the site's filter does not let through included.
    pub batch: DocumentBatch,
    /// The documents' keys.
    pub keys: Vec<Key>,
    /// The hashes of their canonical encodings. They are worked out where pages are read:
    /// that may be beside the work on the page before.
    pub hashes: Vec<Hash>,
    /// For each document: does the site's filter let it through?
    pub kept: Vec<bool>,
    /// For each document: may it leave without further explanation?
    pub leaving: Vec<bool>,
    /// Key parts of the last row read, also when its document had to be dropped. Only the first
    /// of them where a later one cannot be written: all rows that begin so were read.
    pub last: Option<Vec<String>>,
    /// Nothing is left behind it.
    pub end: bool,
    /// What was wrong with single values.
    pub findings: Vec<RowFinding>,
}

/// A value that could not be taken as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFinding {
    /// The document.
    pub key: Key,
    /// Sage column, or the name of the site's own value.
    pub column: String,
    /// What was wrong.
    pub code: RowCode,
}

/// What can be wrong with a document or a value of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowCode {
    /// The ERP's value was odd.
    Value(FindingCode),
    /// A step or an expression of the site failed, for this reason: the value is delivered
    /// as it was before the steps, an own value as none; a filter lets the row not through.
    StepFailed(&'static str),
    /// The document changed each time that it was read; the next pass reads it.
    Unsettled,
    /// A pass over the whole table did not give it, a read by its key did: the table, its
    /// key or the driver is damaged, or its key moved while it was read.
    MissedByScan,
    /// Its key has a blank or odd date, or a control character, and cannot be written into a
    /// statement: it cannot be looked for by it, and counts as still there. Of several rows
    /// whose odd dates leave them the same key, only the first is delivered.
    KeyUnwritable,
}

impl RowCode {
    /// Stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Value(code) => match code {
                FindingCode::BadDate => "bad_date",
                FindingCode::BadNumber => "bad_number",
                FindingCode::Rounded => "rounded",
                FindingCode::NumberTooLarge => "number_too_large",
                FindingCode::BeyondMask => "beyond_mask",
                FindingCode::LongerThanDeclared => "longer_than_declared",
                FindingCode::CodePage => "code_page",
                FindingCode::BadTime => "bad_time",
                FindingCode::FutureStamp => "future_stamp",
            },
            Self::StepFailed(_) => "step_failed",
            Self::Unsettled => "unsettled",
            Self::MissedByScan => "missed_by_scan",
            Self::KeyUnwritable => "key_unwritable",
        }
    }
}

/// Documents of a page: fewer where they are wide, or where each may have many lines.
#[must_use]
pub fn page_documents(dataset: &Dataset) -> usize {
    if dataset.children.iter().all(|child| child.side) {
        let children = dataset.children.iter().map(|child| child.fields.len());
        let values = dataset.fields.len() + children.sum::<usize>();
        (PAGE_VALUES / values.max(1)).clamp(*PAGE_DOCUMENTS.start(), *PAGE_DOCUMENTS.end())
    } else {
        PAGE_DOCUMENTS_WITH_LINES
    }
}

/// Reads a page. `joins` is kept by the caller for the length of a pass.
///
/// # Errors
/// As the reader; also when a page does not move past its start or names a key twice, and
/// when the adapter's columns are not of the port's types.
pub fn read_documents(
    reader: &mut dyn Reader,
    shape: &Shape,
    request: &PageRequest,
    joins: &mut JoinCache,
    time_limit: Duration,
) -> Result<DocumentPage, ReadError> {
    let mut source = Source {
        reader,
        shape,
        joins,
        time_limit,
    };
    let parents = source.read_parents(request)?;
    source.documents(parents, request.since.is_some())
}

struct Source<'a> {
    reader: &'a mut dyn Reader,
    shape: &'a Shape,
    joins: &'a mut JoinCache,
    time_limit: Duration,
}

/// Header rows as they were selected.
struct Parents {
    rows: RecordBatch,
    last: Option<Vec<String>>,
    end: bool,
    findings: Vec<RowFinding>,
}

impl Source<'_> {
    /// Puts documents together. `sparse`: the headers lie far apart.
    fn documents(&mut self, parents: Parents, sparse: bool) -> Result<DocumentPage, ReadError> {
        let mut findings = parents.findings;
        let sparse =
            sparse || (self.shape.has_window() && self.has_children() && !self.is_dense(&parents.rows)?);
        let batch = self.with_children(&parents.rows, sparse, &mut findings)?;
        let batch = if self.shape.settles() {
            self.settle(batch, sparse, &mut findings)?
        } else {
            batch
        };
        let shape = self.shape;
        let keys = if shape.keep.is_empty() && shape.own.rules.is_empty() && !shape.dataset.user_defined {
            // Nobody asks.
            Vec::new()
        } else {
            self.keys(&batch.parents)
        };
        let joined = self.joined(&batch.parents)?;
        let kept = self.kept(&batch.parents, &joined, &keys, &mut findings);
        let leaving = self.leaving(&batch.parents);
        let table = &self.shape.dataset.table;
        let finished = self.finish_parents(&batch.parents, &joined, &keys, &mut findings)?;
        let batch = DocumentBatch {
            parents: RecordBatch::try_new(self.shape.dataset.schema(), finished)
                .map_err(|e| wrong_types(table, &e))?,
            children: batch.children,
        };
        Ok(DocumentPage {
            keys: shape.dataset.keys(&batch),
            hashes: shape.dataset.hashes(&batch),
            batch,
            kept,
            leaving,
            last: parents.last,
            end: parents.end,
            findings,
        })
    }
}

fn wrong_types(table: &str, error: &ArrowError) -> ReadError {
    ReadError::new(ReadErrorCode::DriverError, format!("reading {table}: {error}"))
}
