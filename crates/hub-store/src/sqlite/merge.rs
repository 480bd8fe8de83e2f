//! Rows of a batch into their tables.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use catalog::{Dataset, DocumentBatch, Field, Removal};
use jiff::Timestamp;
use rusqlite::Transaction;
use values::{CompanyId, Hash, Key, TenantId};

use super::columns::Columns;
use super::tables::{child_table, column_list};
use super::view::own_values;
use super::{feed, micros};
use crate::StoreError;

/// A checked batch with what both sides compute from it.
pub(super) struct Rows<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) batch: &'a DocumentBatch,
    pub(super) keys: Vec<Key>,
    pub(super) hashes: Vec<Hash>,
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

/// Upserts the parents, replaces their children and gives each record its place in the
/// tenant's feed. A record that had left is back.
pub(super) fn upsert(
    t: &Transaction<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    rows: &Rows<'_>,
    positions: &mut RangeInclusive<i64>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let dataset = rows.dataset;
    let name = dataset.name.as_str();
    let mut upsert = t.prepare_cached(&upsert_sql(name, &dataset.fields))?;
    let mut columns = Columns::new(&rows.batch.parents, &dataset.fields, 0);
    for (row, (key, hash)) in rows.keys.iter().zip(&rows.hashes).enumerate() {
        upsert.raw_bind_parameter(1, tenant.as_str())?;
        upsert.raw_bind_parameter(2, company.as_str())?;
        upsert.raw_bind_parameter(3, key.as_str())?;
        upsert.raw_bind_parameter(4, hash.to_signed())?;
        upsert.raw_bind_parameter(5, feed::next(positions)?)?;
        upsert.raw_bind_parameter(6, micros(now))?;
        columns.bind(&mut upsert, 7, row)?;
        upsert.raw_execute()?;
    }
    feed::forget_tombstones(t, dataset, tenant, company, &rows.keys)?;
    for (place, child) in dataset.children.iter().enumerate() {
        let table = child_table(name, &child.name);
        let mut delete = t.prepare_cached(&format!(
            "DELETE FROM \"{table}\" WHERE tenant = ? AND company = ? AND key = ?"
        ))?;
        let mut insert = t.prepare_cached(&insert_child_sql(&table, &child.fields))?;
        let mut columns = rows
            .batch
            .children
            .get(place)
            .map(|r| Columns::new(r, &child.fields, 1));
        let parents = rows.batch.parents_of(place);
        let mut next = 0;
        for (parent, key) in (0_u32..).zip(&rows.keys) {
            delete.execute((tenant.as_str(), company.as_str(), key.as_str()))?;
            let mut ordinal = 0_i64;
            while next < parents.values().len() && parents.value(next) == parent {
                insert.raw_bind_parameter(1, tenant.as_str())?;
                insert.raw_bind_parameter(2, company.as_str())?;
                insert.raw_bind_parameter(3, key.as_str())?;
                insert.raw_bind_parameter(4, ordinal)?;
                if let Some(columns) = &mut columns {
                    columns.bind(&mut insert, 5, next)?;
                }
                insert.raw_execute()?;
                ordinal += 1;
                next += 1;
            }
        }
    }
    Ok(())
}

fn upsert_sql(table: &str, fields: &[Field]) -> String {
    let updates: Vec<_> = fields
        .iter()
        .map(|f| format!(", \"{0}\" = excluded.\"{0}\"", f.name))
        .collect();
    format!(
        "INSERT INTO \"{table}\" (tenant, company, key, _hash, _position, updated_at, {}) \
         VALUES (?, ?, ?, ?, ?, ?{}) ON CONFLICT (tenant, company, key) DO UPDATE SET \
         _hash = excluded._hash, _position = excluded._position, updated_at = excluded.updated_at, \
         _purged_at = NULL{}",
        column_list(fields),
        ", ?".repeat(fields.len()),
        updates.concat()
    )
}

fn insert_child_sql(table: &str, fields: &[Field]) -> String {
    format!(
        "INSERT INTO \"{table}\" (tenant, company, key, _ordinal, {}) VALUES (?, ?, ?, ?{})",
        column_list(fields),
        ", ?".repeat(fields.len())
    )
}
