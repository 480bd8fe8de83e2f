//! Whole documents out of their tables. What is shown and what is compared goes through
//! the same batch.

use std::sync::Arc;

use crate::engine::{ByKey, Param, Row, Tx};
use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
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
        "SELECT {} FROM \"{}\" WHERE tenant = ?1 AND company = ?2 AND {condition}",
        parent_columns(dataset),
        dataset.name
    );
    let mut found = Found::new(dataset);
    t.each(&sql, parameters, |row| found.parent(row))?;
    let keys = std::mem::take(&mut found.keys);
    let kinds = kinds(dataset);
    let tables: Vec<_> = kinds.iter().map(Kind::by_key).collect();
    let (tenant, company) = (tenant.as_str(), company.as_str());
    t.each_by_key(&tables, tenant, company, &keys, |of, parent, row| {
        found.child(of, parent, row)
    })?;
    found.keys = keys;
    found.finish()
}

/// One document, or none: parent and children are asked for together.
pub(super) fn load_one(
    t: &Tx<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    key: &Key,
) -> Result<Documents, StoreError> {
    let columns = parent_columns(dataset);
    let parent = ByKey {
        table: dataset.name.as_str(),
        columns: &columns,
        order: "key",
    };
    let kinds = kinds(dataset);
    let tables: Vec<_> = std::iter::once(parent)
        .chain(kinds.iter().map(Kind::by_key))
        .collect();
    let mut found = Found::new(dataset);
    let (tenant, company) = (tenant.as_str(), company.as_str());
    let keys = std::slice::from_ref(key);
    t.each_by_key(&tables, tenant, company, keys, |of, parent, row| {
        match of.checked_sub(1) {
            None => found.parent(row),
            Some(of) => found.child(of, parent, row),
        }
    })?;
    found.finish()
}

fn parent_columns(dataset: &Dataset) -> String {
    let fields = column_list(&dataset.fields);
    format!("key, _position, updated_at, _purged_at, {fields}")
}

/// The table of a kind of child, and the columns of its fields.
struct Kind {
    table: String,
    columns: String,
}

fn kinds(dataset: &Dataset) -> Vec<Kind> {
    let kinds = dataset.children.iter().map(|child| Kind {
        table: child_table(dataset.name.as_str(), &child.name),
        columns: column_list(&child.fields),
    });
    kinds.collect()
}

impl Kind {
    fn by_key(&self) -> ByKey<'_> {
        ByKey {
            table: &self.table,
            columns: &self.columns,
            order: "_ordinal",
        }
    }
}

/// Documents as their rows come.
struct Found {
    keys: Vec<Key>,
    marks: Vec<Marks>,
    schema: SchemaRef,
    parents: Table,
    children: Vec<Rows>,
}

/// Rows of one kind of child, and the places of their parents.
struct Rows {
    schema: SchemaRef,
    of: Vec<u32>,
    table: Table,
}

impl Found {
    fn new(dataset: &Dataset) -> Self {
        let schema = dataset.schema();
        let children = dataset.children.iter().map(|child| {
            let schema = child.schema();
            let table = Table::new(&child.fields, &schema, 1);
            let of = Vec::new();
            Rows { schema, of, table }
        });
        Self {
            keys: Vec::new(),
            marks: Vec::new(),
            parents: Table::new(&dataset.fields, &schema, 0),
            schema,
            children: children.collect(),
        }
    }

    fn parent(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        self.keys.push(Key::from_stored(row.get(0)?));
        self.marks.push(Marks {
            position: row.get::<i64>(1)?.cast_unsigned(),
            updated_at: timestamp(row.get(2)?)?,
            purged_at: row.get::<Option<i64>>(3)?.map(timestamp).transpose()?,
        });
        self.parents.push(row, OWN_COLUMNS)
    }

    fn child(&mut self, kind: usize, parent: u32, row: &Row<'_>) -> Result<(), StoreError> {
        let Some(rows) = self.children.get_mut(kind) else {
            return Ok(());
        };
        rows.of.push(parent);
        rows.table.push(row, 0)
    }

    fn finish(self) -> Result<Documents, StoreError> {
        let children = self.children.into_iter().map(|rows| {
            let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(rows.of))];
            columns.extend(rows.table.finish());
            batch(rows.schema, columns)
        });
        Ok(Documents {
            keys: self.keys,
            marks: self.marks,
            batch: DocumentBatch {
                parents: batch(self.schema, self.parents.finish())?,
                children: children.collect::<Result<_, _>>()?,
            },
        })
    }
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch, StoreError> {
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
