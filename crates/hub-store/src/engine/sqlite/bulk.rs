//! Documents of a batch, a row at a time.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, Date32Array, Decimal64Array, RecordBatch, StringArray};
use catalog::Field;
use rusqlite::{Statement, Transaction};
use values::{CompanyId, Kind, TenantId, date_from_days};

use crate::StoreError;
use crate::sql::{Rows, child_table, column_list};

/// Columns of a batch, told apart once for all rows.
struct Columns<'a> {
    columns: Vec<Column<'a>>,
    /// The date formatted last: neighbours often share theirs.
    date: (i32, String),
}

enum Column<'a> {
    Text(&'a StringArray),
    Units(&'a Decimal64Array),
    Days(&'a Date32Array),
}

impl<'a> Columns<'a> {
    /// The columns of the fields, behind `skip` others. The batch's shape was checked.
    fn new(rows: &'a RecordBatch, fields: &[Field], skip: usize) -> Self {
        let columns = fields
            .iter()
            .zip(rows.columns().iter().skip(skip))
            .map(|(field, column)| match field.kind {
                Kind::Text | Kind::Json => Column::Text(column.as_string()),
                Kind::Decimal { .. } => Column::Units(column.as_primitive()),
                Kind::Date => Column::Days(column.as_primitive()),
            });
        Self {
            columns: columns.collect(),
            date: (0, "1970-01-01".to_owned()),
        }
    }

    /// Binds one row, from parameter `first` on.
    fn bind(&mut self, statement: &mut Statement<'_>, first: usize, row: usize) -> rusqlite::Result<()> {
        for (parameter, column) in (first..).zip(&self.columns) {
            match column {
                Column::Text(texts) => statement.raw_bind_parameter(parameter, texts.value(row))?,
                Column::Units(units) => statement.raw_bind_parameter(parameter, units.value(row))?,
                Column::Days(days) if days.is_null(row) => {
                    statement.raw_bind_parameter(parameter, rusqlite::types::Null)?;
                }
                Column::Days(days) => {
                    let days = days.value(row);
                    if self.date.0 != days {
                        let text = date_from_days(days).map(|d| d.to_string()).unwrap_or_default();
                        self.date = (days, text);
                    }
                    statement.raw_bind_parameter(parameter, self.date.1.as_str())?;
                }
            }
        }
        Ok(())
    }
}

/// Upserts the parents and replaces their children.
pub(in crate::engine) fn put_documents(
    t: &Transaction<'_>,
    rows: &Rows<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    first_position: i64,
    now: i64,
) -> Result<(), StoreError> {
    let dataset = rows.dataset;
    let name = dataset.name.as_str();
    let mut upsert = t.prepare_cached(&upsert_sql(name, &dataset.fields))?;
    let mut columns = Columns::new(&rows.batch.parents, &dataset.fields, 0);
    let positions = first_position..;
    for (row, ((key, hash), position)) in rows.keys.iter().zip(&rows.hashes).zip(positions).enumerate() {
        upsert.raw_bind_parameter(1, tenant.as_str())?;
        upsert.raw_bind_parameter(2, company.as_str())?;
        upsert.raw_bind_parameter(3, key.as_str())?;
        upsert.raw_bind_parameter(4, hash.to_signed())?;
        upsert.raw_bind_parameter(5, position)?;
        upsert.raw_bind_parameter(6, now)?;
        columns.bind(&mut upsert, 7, row)?;
        upsert.raw_execute()?;
    }
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
