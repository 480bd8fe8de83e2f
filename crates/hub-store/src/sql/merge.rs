//! Rows of a batch into their tables.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::engine::{ByKey, Tx};
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
/// A record that had left is back. Returns how many are live now that were not.
pub(super) fn upsert(
    t: &Tx<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    rows: &Rows<'_>,
    positions: &mut RangeInclusive<i64>,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let new = count_new(t, tenant, company, rows)?;
    let first = *positions.start();
    for _ in &rows.keys {
        feed::next(positions)?;
    }
    t.put_documents(rows, tenant, company, first, micros(now))?;
    feed::forget_tombstones(t, rows.dataset, tenant, company, &rows.keys)?;
    Ok(new)
}

/// Records of the batch that are not among the live ones.
fn count_new(t: &Tx<'_>, tenant: &TenantId, company: &CompanyId, rows: &Rows<'_>) -> Result<i64, StoreError> {
    let (Some(least), Some(greatest)) = (rows.keys.iter().min(), rows.keys.iter().max()) else {
        return Ok(0);
    };
    let distinct: HashSet<&Key> = rows.keys.iter().collect();
    let count = |keys: usize| i64::try_from(keys).unwrap_or(i64::MAX);
    let table = rows.dataset.name.as_str();
    // One look tells it of a stream that is read for the first time, in the order of its keys.
    let sql = format!(
        "SELECT 1 FROM \"{table}\" WHERE tenant = ? AND company = ? AND key >= ? AND key <= ? LIMIT 1"
    );
    let own = (tenant.as_str(), company.as_str());
    if !t.exists(&sql, (own.0, own.1, least.as_str(), greatest.as_str()))? {
        return Ok(count(distinct.len()));
    }
    let by_key = ByKey {
        table,
        columns: "_purged_at IS NULL",
        order: "key",
    };
    let unique: Cow<'_, [Key]> = if distinct.len() == rows.keys.len() {
        Cow::Borrowed(&rows.keys)
    } else {
        distinct.iter().copied().cloned().collect()
    };
    let mut live = 0;
    t.each_by_key(&[by_key], own.0, own.1, &unique, |_, _, row| {
        live += usize::from(row.get::<bool>(0)?);
        Ok(())
    })?;
    Ok(count(distinct.len().saturating_sub(live)))
}
