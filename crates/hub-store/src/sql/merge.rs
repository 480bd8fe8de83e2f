//! Rows of a batch into their tables.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::engine::Tx;
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use catalog::{Dataset, DocumentBatch, Field, Removal};
use jiff::Timestamp;
use values::{CompanyId, Hash, Key, TenantId};

use super::view::own_values;
use super::{feed, micros};
use crate::StoreError;

/// A checked batch with what both sides compute from it.
pub(crate) struct Rows<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) batch: &'a DocumentBatch,
    pub(crate) keys: Vec<Key>,
    pub(crate) hashes: Vec<Hash>,
}

impl Rows<'_> {
    /// What the batch's shape alone does not tell: the site's own values can be read, and no
    /// record comes and leaves at once.
    pub(super) fn check(&self, removals: &[Removal]) -> Result<(), String> {
        check_own_values(&self.batch.parents, &self.dataset.fields, 0)?;
        for (child, rows) in self.dataset.children.iter().zip(&self.batch.children) {
            check_own_values(rows, &child.fields, 1)?;
        }
        if removals.is_empty() {
            return Ok(());
        }
        let coming: HashSet<_> = self.keys.iter().collect();
        match removals.iter().find(|r| coming.contains(&r.key)) {
            None => Ok(()),
            Some(both) => Err(format!("{} is among the rows and among the removals", both.key)),
        }
    }
}

fn check_own_values(rows: &RecordBatch, fields: &[Field], skip: usize) -> Result<(), String> {
    for (field, column) in fields.iter().zip(rows.columns().iter().skip(skip)) {
        let texts = column.as_string_opt::<i32>().filter(|_| field.is_udf());
        for text in texts.into_iter().flatten().flatten() {
            own_values(text).map_err(|problem| format!("{}: {problem}", field.name))?;
        }
    }
    Ok(())
}

/// Puts a batch's documents into their tables and gives each its place in the tenant's feed.
/// A record that had left is back.
pub(super) fn upsert(
    t: &Tx<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    rows: &Rows<'_>,
    positions: &mut RangeInclusive<i64>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let first = *positions.start();
    for _ in &rows.keys {
        feed::next(positions)?;
    }
    t.put_documents(rows, tenant, company, first, micros(now))?;
    feed::forget_tombstones(t, rows.dataset, tenant, company, &rows.keys)
}
