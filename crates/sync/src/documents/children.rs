//! Child rows under their parents, and headers that must stand still meanwhile.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, cast::AsArray};
use arrow_schema::{ArrowError, Schema};
use catalog::DocumentBatch;
use sage::{Column, ColumnDecoder, Page, ReadError, ReadErrorCode, Select};
use values::{Hash, Key};

use super::columns::row_hashes;
use super::written::literals;
use super::{RowCode, RowFinding, Source, wrong_types};
use crate::ladder::Rung;

/// How often a document whose header moves while it is read is read again. A clerk who
/// saves faster than this is caught by the next pass.
const REREADS: u32 = 3;

/// Most child rows of one page: five thousand lines on each of a page's documents would be
/// over any batch limit anyway.
pub(super) const MAX_CHILD_ROWS: usize = 500_000;

impl Source<'_> {
    /// Reads the children of these parents. Dense pages (a whole-table pass) read them as
    /// ranges, sparse ones (a delta) parent by parent.
    pub(super) fn with_children(
        &mut self,
        parents: &RecordBatch,
        sparse: bool,
        findings: &mut Vec<RowFinding>,
    ) -> Result<DocumentBatch, ReadError> {
        let shape = self.shape;
        let reachable = if sparse {
            self.within_reach(parents, findings)?
        } else {
            parents.clone()
        };
        let parents = &reachable;
        let noted = findings.len();
        let mut children = Vec::new();
        for (child, of) in shape.dataset.children.iter().enumerate() {
            let there = shape.children.get(child).is_some_and(Option::is_some);
            if !there || parents.num_rows() == 0 {
                children.push(RecordBatch::new_empty(of.schema()));
                continue;
            }
            let conditions = if of.parent_key.is_empty() {
                // All rows belong to the one record of the company.
                vec![Rung::new()]
            } else {
                self.conditions(parents, &of.parent_key, sparse)
            };
            let mut pages = Vec::new();
            for rung in conditions {
                let Some(page) = self.read_child_rows(child, rung)? else {
                    if !sparse && !of.parent_key.is_empty() {
                        // Much lies between these parents.
                        findings.truncate(noted);
                        return self.with_children(parents, true, findings);
                    }
                    let message = format!(
                        "one page of {} has more than {MAX_CHILD_ROWS} rows in {}",
                        shape.dataset.name, of.table
                    );
                    return Err(ReadError::new(ReadErrorCode::DriverError, message));
                };
                pages.push(page);
            }
            children.push(self.under_parents(parents, child, &pages, findings)?);
        }
        Ok(DocumentBatch {
            parents: reachable,
            children,
        })
    }

    /// Are children found by their parent's key?
    pub(super) fn has_children(&self) -> bool {
        let mut kinds = self.shape.dataset.children.iter().zip(&self.shape.children);
        kinds.any(|(child, table)| table.is_some() && !child.parent_key.is_empty())
    }

    /// Those of these parents that single statements find. The others are left to a page that
    /// is read as a range.
    fn within_reach(
        &self,
        parents: &RecordBatch,
        findings: &mut Vec<RowFinding>,
    ) -> Result<RecordBatch, ReadError> {
        if !self.has_children() {
            return Ok(parents.clone());
        }
        let keys = self.keys(parents);
        if keys.iter().all(|key| self.is_within_reach(key)) {
            return Ok(parents.clone());
        }
        let mut rows = Vec::new();
        for (key, row) in keys.into_iter().zip(0_u32..) {
            if self.is_within_reach(&key) {
                rows.push(row);
            } else {
                findings.push(unwritable(key));
            }
        }
        arrow_select::take::take_record_batch(parents, &UInt32Array::from(rows))
            .map_err(|e| wrong_types(&self.shape.own.table, &e))
    }

    fn is_within_reach(&self, key: &Key) -> bool {
        !literals(&key.parts().unwrap_or_default(), &self.key_kinds()).is_empty()
    }

    /// A child table's rows; none when there are too many.
    fn read_child_rows(&mut self, child: usize, conditions: Rung) -> Result<Option<Page>, ReadError> {
        let of = &self.shape.dataset.children[child];
        let select = Select {
            table: of.table.clone(),
            columns: self.shape.child_columns(child),
            conditions,
            order_by: of.parent_key.iter().chain(&of.key).cloned().collect(),
        };
        let page = self.reader.read(&select, MAX_CHILD_ROWS, self.time_limit)?;
        Ok(Some(page).filter(|page| page.end))
    }

    /// Puts child rows under their parents: in the parents' order, then in the byte order of
    /// their own key. Rows of parents outside the page are left out.
    fn under_parents(
        &mut self,
        parents: &RecordBatch,
        child: usize,
        pages: &[Page],
        findings: &mut Vec<RowFinding>,
    ) -> Result<RecordBatch, ReadError> {
        let shape = self.shape;
        let of = &shape.dataset.children[child];
        let Some(table) = shape.children.get(child).and_then(Option::as_ref) else {
            return Ok(RecordBatch::new_empty(of.schema()));
        };
        let fail = |e: &ArrowError| wrong_types(&of.table, e);
        let parent_keys = self.keys(parents);
        let places: HashMap<&Key, u32> = parent_keys.iter().zip(0..).collect();
        let mut batches = Vec::new();
        for page in pages {
            let rows = &page.rows;
            let key_columns: Vec<_> = table
                .parent_key
                .iter()
                .map(|place| rows.column(*place).as_string::<i32>())
                .collect();
            let parent_of: Vec<Option<u32>> = (0..rows.num_rows())
                .map(|row| {
                    if key_columns.is_empty() {
                        return Some(0);
                    }
                    let parts = key_columns.iter().map(|column| column.value(row));
                    places.get(&Key::from_parts(self.normal_parts(parts))).copied()
                })
                .collect();
            let key_of = |row: usize| {
                let parent = parent_of.get(row).copied().flatten()?;
                parent_keys.get(parent as usize).cloned()
            };
            findings.extend(page.findings.iter().filter_map(|f| {
                Some(RowFinding {
                    key: key_of(f.row)?,
                    column: f.column.clone(),
                    code: RowCode::Value(f.code),
                })
            }));
            let numbers: Vec<u32> = parent_of.iter().map(|p| p.unwrap_or(u32::MAX)).collect();
            let keys: Vec<Option<Key>> = if table.rules.is_empty() {
                Vec::new()
            } else {
                (0..rows.num_rows()).map(key_of).collect()
            };
            let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(numbers))];
            let finished = self.finish_rows(table, &of.fields, rows, &[], &keys, findings)?;
            columns.extend(finished);
            batches.push(RecordBatch::try_new(of.schema(), columns).map_err(|e| fail(&e))?);
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
    pub(super) fn settle(
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
            let apart = sparse || attempt > 0;
            let again = self.read_headers_again(&batch.parents, apart)?;
            let before = self.rows_by_key(&batch.parents);
            let after = self.rows_by_key(&again);
            let mut settled = Vec::new();
            let mut moved = Vec::new();
            let mut moved_keys = Vec::new();
            for (key, row) in self.keys(&batch.parents).into_iter().zip(0_u32..) {
                match (before.get(&key), after.get(&key)) {
                    (Some(old), Some((new, _))) if old.0 == *new => settled.push(row),
                    (_, Some((_, new_row))) => {
                        moved.push(*new_row);
                        moved_keys.push(key);
                    }
                    (_, None) if apart && !self.is_within_reach(&key) => findings.push(unwritable(key)),
                    (_, None) => {}
                }
            }
            let fail = |e: &ArrowError| wrong_types(&self.shape.own.table, e);
            let done = self.shape.dataset.take(&batch, &settled).map_err(|e| fail(&e))?;
            if moved.is_empty() || attempt == REREADS {
                // What does not stand still is left to the next pass, whole.
                findings.extend(moved_keys.into_iter().map(|key| RowFinding {
                    key,
                    column: String::new(),
                    code: RowCode::Unsettled,
                }));
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
        let names = self.key_names();
        if !sparse {
            let conditions = self.conditions(parents, &names, false);
            if let Some(headers) = self.read_headers(conditions, MAX_CHILD_ROWS)? {
                return Ok(headers);
            }
        }
        let conditions = self.conditions(parents, &names, true);
        self.read_headers(conditions, MAX_CHILD_ROWS)?.ok_or_else(|| {
            let message = format!("reading {} again came to no end", self.shape.own.table);
            ReadError::new(ReadErrorCode::DriverError, message)
        })
    }

    /// The headers that these conditions find; none when one finds more than `most`.
    pub(super) fn read_headers(
        &mut self,
        conditions: Vec<Rung>,
        most: usize,
    ) -> Result<Option<RecordBatch>, ReadError> {
        let mut pages = Vec::new();
        for rung in conditions {
            let select = self.parent_select(rung);
            let page = self.reader.read(&select, most, self.time_limit)?;
            if !page.end {
                return Ok(None);
            }
            pages.push(page.rows);
        }
        self.one_batch(&pages).map(Some)
    }

    /// For each header, its content's hash and its row.
    fn rows_by_key(&self, parents: &RecordBatch) -> HashMap<Key, (Hash, u32)> {
        let hashes = row_hashes(parents);
        self.keys(parents)
            .into_iter()
            .zip(hashes.into_iter().zip(0..))
            .collect()
    }
}

fn unwritable(key: Key) -> RowFinding {
    RowFinding {
        key,
        column: String::new(),
        code: RowCode::KeyUnwritable,
    }
}

/// No rows of these columns.
pub(super) fn empty(columns: &[Column]) -> Result<RecordBatch, ArrowError> {
    let fields: Vec<_> = columns
        .iter()
        .map(|c| arrow_schema::Field::new(&c.name, ColumnDecoder::data_type(c.kind), true))
        .collect();
    Ok(RecordBatch::new_empty(Arc::new(Schema::new(fields))))
}

/// Both batches' documents in one.
fn join(
    dataset: &catalog::Dataset,
    first: &DocumentBatch,
    second: &DocumentBatch,
) -> Result<DocumentBatch, ArrowError> {
    let shift = u32::try_from(first.parents.num_rows())
        .map_err(|e| ArrowError::InvalidArgumentError(e.to_string()))?;
    let schema = first.parents.schema();
    let parents = arrow_select::concat::concat_batches(&schema, [&first.parents, &second.parents])?;
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
