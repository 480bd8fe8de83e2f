//! Whole documents out of their tables. What is shown and what is compared goes through
//! the same batch.

use std::sync::Arc;

use crate::engine::{ByKey, Param, Row, Tx};
use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use catalog::{Dataset, DocumentBatch, Field};
use jiff::Timestamp;
use values::{CompanyId, Key, TenantId};

use super::columns::ColumnBuilder;
use super::tables::{child_table, column_list};
use super::timestamp;
use crate::StoreError;

/// Documents built in memory at once.
pub(super) const MAX_DOCUMENTS: u32 = 2_000;
/// Columns before the fields in a parent's row.
const OWN_COLUMNS: usize = 4;

/// Documents in the order that was asked for.
pub(super) struct Documents {
    pub(super) keys: Vec<Key>,
    pub(super) marks: Vec<Marks>,
    pub(super) batch: DocumentBatch,
}

/// What a record has besides its fields.
pub(super) struct Marks {
    pub(super) position: u64,
    pub(super) updated_at: Timestamp,
    pub(super) purged_at: Option<Timestamp>,
}

/// Where a walk by key goes on. The empty key is a key: before the first page stands
/// "at least".
pub(super) fn after_key(after: Option<&Key>) -> (&'static str, &str) {
    after.map_or((">=", ""), |key| (">", key.as_str()))
}

/// Whole documents under a condition on the parents, whose first two parameters are
/// tenant and company.
pub(super) fn load(
    t: &Tx<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    condition: &str,
    parameters: &[Param<'_>],
) -> Result<Documents, StoreError> {
    let sql = format!(
        "SELECT key, _position, updated_at, _purged_at, {} FROM \"{}\" WHERE tenant = ?1 AND company = ?2 AND {condition}",
        column_list(&dataset.fields),
        dataset.name
    );
    let (mut keys, mut marks) = (Vec::new(), Vec::new());
    let schema = dataset.schema();
    let mut parents = Table::new(&dataset.fields, &schema, 0);
    t.each(&sql, parameters, |row| {
        keys.push(Key::from_stored(row.get(0)?));
        marks.push(Marks {
            position: row.get::<i64>(1)?.cast_unsigned(),
            updated_at: timestamp(row.get(2)?)?,
            purged_at: row.get::<Option<i64>>(3)?.map(timestamp).transpose()?,
        });
        parents.push(row, OWN_COLUMNS)?;
        Ok(())
    })?;
    let parents = batch(schema, parents.finish())?;
    let mut children = Vec::with_capacity(dataset.children.len());
    for child in &dataset.children {
        let table_of = child_table(dataset.name.as_str(), &child.name);
        let schema = child.schema();
        let mut table = Table::new(&child.fields, &schema, 1);
        let mut of = Vec::new();
        let by_key = ByKey {
            table: &table_of,
            columns: &column_list(&child.fields),
            order: "_ordinal",
        };
        t.each_by_key(
            &by_key,
            tenant.as_str(),
            company.as_str(),
            &keys,
            |parent, row| {
                of.push(parent);
                table.push(row, 0)
            },
        )?;
        let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(of))];
        columns.extend(table.finish());
        children.push(batch(schema, columns)?);
    }
    Ok(Documents {
        keys,
        marks,
        batch: DocumentBatch { parents, children },
    })
}

fn batch(schema: arrow_schema::SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch, StoreError> {
    RecordBatch::try_new(schema, columns).map_err(|e| StoreError::corrupt(e.to_string()))
}

struct Table {
    columns: Vec<ColumnBuilder>,
}

impl Table {
    fn new(fields: &[Field], schema: &arrow_schema::Schema, skip: usize) -> Self {
        let types = schema.fields().iter().skip(skip);
        Self {
            columns: fields
                .iter()
                .zip(types)
                .map(|(f, t)| ColumnBuilder::new(f.kind, t.data_type()))
                .collect(),
        }
    }

    fn push(&mut self, row: &Row<'_>, first: usize) -> Result<(), StoreError> {
        for (place, column) in (first..).zip(&mut self.columns) {
            column.push(&row.value(place)?)?;
        }
        Ok(())
    }

    fn finish(self) -> Vec<ArrayRef> {
        self.columns.into_iter().map(ColumnBuilder::finish).collect()
    }
}
