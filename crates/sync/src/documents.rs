//! Reading whole documents, a page at a time: header → lines → header. A header that moved
//! in between is read again; a document is never put together from two states of the ERP.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{RecordBatch, UInt32Array, cast::AsArray};
use arrow_schema::ArrowError;
use catalog::{DocumentBatch, STAMP_DATE};
use sage::{Comparison, FindingCode, Literal, Page, ReadError, ReadErrorCode, Reader, Select, Where};
use values::{Date, Key, Kind, parse_date};

use crate::Shape;
use crate::ladder::{Rung, rungs};

/// How often a document whose header moves while it is read is read again. A clerk who
/// saves faster than this is caught by the next pass.
const REREADS: u32 = 3;

/// Most child rows of one page: five thousand lines on each of a page's documents would be
/// over any batch limit anyway.
const MAX_CHILD_ROWS: usize = 500_000;

/// Which documents to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Only those stamped on this day or later.
    pub since: Option<Date>,
    /// Only those behind this key (its parts as text, dates as ISO), in the ERP's order.
    pub after: Option<Vec<String>>,
    /// At most so many.
    pub limit: usize,
}

/// Whole documents in the catalog's shape.
#[derive(Clone, Debug)]
pub struct DocumentPage {
    /// The documents.
    pub batch: DocumentBatch,
    /// Key parts of the last row read, also when its document had to be dropped.
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
    /// Sage column.
    pub column: String,
    /// What was wrong.
    pub code: FindingCode,
}

/// Reads a page.
///
/// # Errors
/// As the reader; also when a page does not move past its start, and when the adapter's
/// columns are not of the port's types.
pub fn read_documents(
    reader: &mut dyn Reader,
    shape: &Shape,
    request: &PageRequest,
    time_limit: Duration,
) -> Result<DocumentPage, ReadError> {
    let mut source = Source {
        reader,
        shape,
        time_limit,
    };
    let parents = source.read_parents(request)?;
    if parents.last.is_some() && parents.last == request.after {
        return Err(ReadError::new(
            ReadErrorCode::DriverError,
            format!(
                "reading {} did not move past key {:?}",
                shape.dataset.table, parents.last
            ),
        ));
    }
    if shape.dataset.children.is_empty() {
        let batch = DocumentBatch {
            parents: parents.rows,
            children: Vec::new(),
        };
        return Ok(DocumentPage {
            batch,
            last: parents.last,
            end: parents.end,
            findings: parents.findings,
        });
    }
    let mut findings = parents.findings;
    let batch = source.with_children(&parents.rows, request.since.is_some(), &mut findings)?;
    let batch = source.settle(batch, request.since.is_some(), &mut findings)?;
    Ok(DocumentPage {
        batch,
        last: parents.last,
        end: parents.end,
        findings,
    })
}

struct Source<'a> {
    reader: &'a mut dyn Reader,
    shape: &'a Shape,
    time_limit: Duration,
}

struct Parents {
    rows: RecordBatch,
    last: Option<Vec<String>>,
    end: bool,
    findings: Vec<RowFinding>,
}

impl Source<'_> {
    fn read_parents(&mut self, request: &PageRequest) -> Result<Parents, ReadError> {
        let dataset = &self.shape.dataset;
        let after = request
            .after
            .as_ref()
            .map(|parts| self.key_literals(parts))
            .transpose()?;
        let mut pages = Vec::new();
        let mut findings = Vec::new();
        let mut have = 0;
        let mut end = true;
        for rung in rungs(&dataset.key, after.as_deref()) {
            if have >= request.limit {
                end = false;
                break;
            }
            let since = request.since.map(|day| Where {
                column: STAMP_DATE.to_owned(),
                comparison: Comparison::AtLeast,
                literal: Literal::Date(day),
            });
            let select = self.parent_select(rung.into_iter().chain(since).collect());
            let page = self.reader.read(&select, request.limit - have, self.time_limit)?;
            let rows = self
                .shape
                .complete_parents(&page.rows)
                .map_err(|e| wrong_types(&dataset.table, &e))?;
            findings.extend(self.name_findings(&rows, &page));
            have += rows.num_rows();
            end = page.end;
            pages.push(rows);
        }
        let rows = arrow_select::concat::concat_batches(&dataset.schema(), &pages)
            .map_err(|e| wrong_types(&dataset.table, &e))?;
        let last = rows
            .num_rows()
            .checked_sub(1)
            .map(|row| self.key_parts(&rows, row));
        Ok(Parents {
            rows,
            last,
            end,
            findings,
        })
    }

    fn parent_select(&self, conditions: Rung) -> Select {
        let dataset = &self.shape.dataset;
        Select {
            table: dataset.table.clone(),
            columns: self.shape.parent_columns(),
            conditions,
            order_by: dataset.key.clone(),
        }
    }

    /// Reads the children of these parents. Dense pages (a whole-table pass) read them as one
    /// range, sparse ones (a delta) parent by parent.
    fn with_children(
        &mut self,
        parents: &RecordBatch,
        sparse: bool,
        findings: &mut Vec<RowFinding>,
    ) -> Result<DocumentBatch, ReadError> {
        let mut children = Vec::new();
        for child in 0..self.shape.dataset.children.len() {
            let columns = self.shape.dataset.children[child].parent_key.clone();
            let conditions = self.conditions(parents, &columns, sparse)?;
            let mut pages = Vec::new();
            for rung in conditions {
                pages.push(self.read_child_rows(child, rung)?);
            }
            children.push(self.assemble(parents, child, &pages, findings)?);
        }
        Ok(DocumentBatch {
            parents: parents.clone(),
            children,
        })
    }

    /// The statements that find rows of these parents by `columns`, which hold the parents'
    /// key: one range over a dense page, one statement for each parent of a sparse one.
    fn conditions(
        &self,
        parents: &RecordBatch,
        columns: &[String],
        sparse: bool,
    ) -> Result<Vec<Rung>, ReadError> {
        let (Some(last), Some(first_column)) = (parents.num_rows().checked_sub(1), columns.first()) else {
            return Ok(Vec::new());
        };
        let compare = |column: &String, comparison, literal| Where {
            column: column.clone(),
            comparison,
            literal,
        };
        if sparse {
            let equal = |row| -> Result<Rung, ReadError> {
                let literals = self.key_literals(&self.key_parts(parents, row))?;
                let pairs = columns.iter().zip(literals);
                Ok(pairs
                    .map(|(column, literal)| compare(column, Comparison::Equal, literal))
                    .collect())
            };
            return (0..=last).map(equal).collect();
        }
        let bound = |row, comparison| -> Result<Option<Where>, ReadError> {
            let literals = self.key_literals(&self.key_parts(parents, row))?;
            Ok(literals
                .into_iter()
                .next()
                .map(|literal| compare(first_column, comparison, literal)))
        };
        let range = [bound(0, Comparison::AtLeast)?, bound(last, Comparison::AtMost)?];
        Ok(vec![range.into_iter().flatten().collect()])
    }

    fn read_child_rows(&mut self, child: usize, conditions: Rung) -> Result<Page, ReadError> {
        let of = &self.shape.dataset.children[child];
        let select = Select {
            table: of.table.clone(),
            columns: self.shape.child_columns(child),
            conditions,
            order_by: of.parent_key.iter().chain(&of.key).cloned().collect(),
        };
        let page = self.reader.read(&select, MAX_CHILD_ROWS, self.time_limit)?;
        if page.end {
            Ok(page)
        } else {
            let message = format!(
                "one page of {} has more than {MAX_CHILD_ROWS} rows in {}",
                self.shape.dataset.name, of.table
            );
            Err(ReadError::new(ReadErrorCode::DriverError, message))
        }
    }

    /// Puts child rows under their parents: in the parents' order, then in the byte order of
    /// their own key. Rows of parents outside the page are left out.
    fn assemble(
        &self,
        parents: &RecordBatch,
        child: usize,
        pages: &[Page],
        findings: &mut Vec<RowFinding>,
    ) -> Result<RecordBatch, ReadError> {
        let of = &self.shape.dataset.children[child];
        let fail = |e: &ArrowError| wrong_types(&of.table, e);
        let parent_keys = self.keys(parents);
        let places: HashMap<&Key, u32> = parent_keys.iter().zip(0..).collect();
        let mut batches = Vec::new();
        for page in pages {
            let rows = &page.rows;
            let key_columns: Vec<_> = rows
                .columns()
                .iter()
                .take(of.parent_key.len())
                .map(|c| c.as_string::<i32>())
                .collect();
            let parent_of = |row: usize| {
                let parts = key_columns.iter().map(|column| column.value(row));
                places.get(&Key::from_parts(self.normal_parts(parts))).copied()
            };
            let parent_of: Vec<Option<u32>> = (0..rows.num_rows()).map(parent_of).collect();
            findings.extend(page.findings.iter().filter_map(|f| {
                let parent = parent_of.get(f.row).copied().flatten()?;
                let key = parent_keys.get(parent as usize)?.clone();
                Some(RowFinding {
                    key,
                    column: f.column.clone(),
                    code: f.code,
                })
            }));
            let parents: UInt32Array = parent_of.iter().map(|p| Some(p.unwrap_or(u32::MAX))).collect();
            let nullless = UInt32Array::new(parents.values().clone(), None);
            batches.push(
                self.shape
                    .complete_children(child, rows, Arc::new(nullless))
                    .map_err(|e| fail(&e))?,
            );
        }
        let all = arrow_select::concat::concat_batches(&of.schema(), &batches).map_err(|e| fail(&e))?;
        let parents = all.column(0).as_primitive::<arrow_array::types::UInt32Type>();
        let own_keys = of.keys(&all);
        let mut order: Vec<(u32, &Key, u32)> = parents
            .values()
            .iter()
            .zip(&own_keys)
            .zip(0_u32..)
            .filter(|((parent, _), _)| **parent != u32::MAX)
            .map(|((parent, key), row)| (*parent, key, row))
            .collect();
        order.sort_unstable();
        let rows = UInt32Array::from_iter_values(order.into_iter().map(|(_, _, row)| row));
        arrow_select::take::take_record_batch(&all, &rows).map_err(|e| fail(&e))
    }

    /// Reads the headers again and keeps only documents whose header stood still. One that
    /// moved is read anew by its key; one that left is dropped (it left the table).
    fn settle(
        &mut self,
        mut batch: DocumentBatch,
        sparse: bool,
        findings: &mut Vec<RowFinding>,
    ) -> Result<DocumentBatch, ReadError> {
        for attempt in 0..=REREADS {
            if batch.parents.num_rows() == 0 {
                return Ok(batch);
            }
            // From the second round on the documents in question are few and lie apart.
            let again = self.read_headers_again(&batch.parents, sparse || attempt > 0)?;
            let before = self.rows_by_key(&batch.parents);
            let after = self.rows_by_key(&again);
            let mut settled = Vec::new();
            let mut moved = Vec::new();
            for (key, row) in self.keys(&batch.parents).iter().zip(0_u32..) {
                match (before.get(key), after.get(key)) {
                    (Some(old), Some((new, _))) if old.0 == *new => settled.push(row),
                    (_, Some((_, new_row))) => moved.push(*new_row),
                    (_, None) => {}
                }
            }
            let fail = |e: &ArrowError| wrong_types(&self.shape.dataset.table, e);
            let done = self.shape.dataset.take(&batch, &settled).map_err(|e| fail(&e))?;
            if moved.is_empty() || attempt == REREADS {
                // What does not stand still is left to the next pass, whole.
                return Ok(done);
            }
            let moved = arrow_select::take::take_record_batch(&again, &UInt32Array::from(moved))
                .map_err(|e| fail(&e))?;
            let fresh = self.with_children(&moved, true, findings)?;
            batch = join(&self.shape.dataset, &done, &fresh).map_err(|e| fail(&e))?;
        }
        Ok(batch)
    }

    fn read_headers_again(&mut self, parents: &RecordBatch, sparse: bool) -> Result<RecordBatch, ReadError> {
        let dataset = &self.shape.dataset;
        let conditions = self.conditions(parents, &dataset.key, sparse)?;
        let mut pages = Vec::new();
        for rung in conditions {
            let select = self.parent_select(rung);
            let page = self.reader.read(&select, MAX_CHILD_ROWS, self.time_limit)?;
            if !page.end {
                let message = format!("reading {} again came to no end", dataset.table);
                return Err(ReadError::new(ReadErrorCode::DriverError, message));
            }
            pages.push(
                self.shape
                    .complete_parents(&page.rows)
                    .map_err(|e| wrong_types(&dataset.table, &e))?,
            );
        }
        arrow_select::concat::concat_batches(&dataset.schema(), &pages)
            .map_err(|e| wrong_types(&dataset.table, &e))
    }

    /// For each header, its content's hash and its row.
    fn rows_by_key(&self, parents: &RecordBatch) -> HashMap<Key, (values::Hash, u32)> {
        let mut headers = self.shape.dataset.clone();
        headers.children.clear();
        let batch = DocumentBatch {
            parents: parents.clone(),
            children: Vec::new(),
        };
        let hashes = headers.hashes(&batch);
        headers
            .keys(&batch)
            .into_iter()
            .zip(hashes.into_iter().zip(0..))
            .collect()
    }

    fn keys(&self, parents: &RecordBatch) -> Vec<Key> {
        self.shape.dataset.keys(&DocumentBatch {
            parents: parents.clone(),
            children: Vec::new(),
        })
    }

    /// Key parts of a row as text.
    fn key_parts(&self, parents: &RecordBatch, row: usize) -> Vec<String> {
        let one = parents.slice(row, 1);
        self.keys(&one).first().and_then(Key::parts).unwrap_or_default()
    }

    fn key_literals(&self, parts: &[String]) -> Result<Vec<Literal>, ReadError> {
        let dataset = &self.shape.dataset;
        dataset
            .key_places()
            .into_iter()
            .zip(parts)
            .map(|(place, part)| match dataset.fields[place].kind {
                Kind::Text | Kind::Json | Kind::Decimal { .. } => Ok(Literal::Text(part.clone())),
                Kind::Date => parse_date(part).ok().flatten().map(Literal::Date).ok_or_else(|| {
                    ReadError::new(
                        ReadErrorCode::DriverError,
                        format!("key of {} has the odd date {part:?}", dataset.table),
                    )
                }),
            })
            .collect()
    }

    /// Parent key parts of a child row, read as text, in the parent's canonical form.
    fn normal_parts<'t>(&self, parts: impl Iterator<Item = &'t str>) -> Vec<String> {
        let dataset = &self.shape.dataset;
        dataset
            .key_places()
            .into_iter()
            .zip(parts)
            .map(|(place, part)| match dataset.fields[place].kind {
                Kind::Date => parse_date(part)
                    .ok()
                    .flatten()
                    .map(|d| d.to_string())
                    .unwrap_or_default(),
                Kind::Decimal { scale } => {
                    values::Decimal::parse(part, scale).map_or_else(|_| part.to_owned(), |d| d.to_string())
                }
                Kind::Text | Kind::Json => part.to_owned(),
            })
            .collect()
    }

    fn name_findings(&self, rows: &RecordBatch, page: &Page) -> Vec<RowFinding> {
        if page.findings.is_empty() {
            return Vec::new();
        }
        let keys = self.keys(rows);
        let named = page.findings.iter().filter_map(|f| {
            Some(RowFinding {
                key: keys.get(f.row)?.clone(),
                column: f.column.clone(),
                code: f.code,
            })
        });
        named.collect()
    }
}

/// Both batches' documents in one.
fn join(
    dataset: &catalog::Dataset,
    first: &DocumentBatch,
    second: &DocumentBatch,
) -> Result<DocumentBatch, ArrowError> {
    let shift = u32::try_from(first.parents.num_rows())
        .map_err(|e| ArrowError::InvalidArgumentError(e.to_string()))?;
    let parents = arrow_select::concat::concat_batches(&dataset.schema(), [&first.parents, &second.parents])?;
    let mut children = Vec::new();
    for (place, child) in dataset.children.iter().enumerate() {
        let moved: UInt32Array = second.parents_of(place).unary(|p| p + shift);
        let mut columns = second.children[place].columns().to_vec();
        if let Some(column) = columns.first_mut() {
            *column = Arc::new(moved);
        }
        let shifted = RecordBatch::try_new(child.schema(), columns)?;
        children.push(arrow_select::concat::concat_batches(
            &child.schema(),
            [&first.children[place], &shifted],
        )?);
    }
    Ok(DocumentBatch { parents, children })
}

fn wrong_types(table: &str, error: &ArrowError) -> ReadError {
    ReadError::new(ReadErrorCode::DriverError, format!("reading {table}: {error}"))
}
