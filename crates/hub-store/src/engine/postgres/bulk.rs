//! Documents of a batch by binary COPY. New ones go straight into their tables; others are
//! staged in tables of the connection's own before the tenant's lock is taken, and merged by
//! one statement for each table behind it.

use std::collections::HashMap;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, Date32Array, Decimal64Array, RecordBatch, StringArray};
use bytes::{BufMut as _, Bytes, BytesMut};
use catalog::{Child, Dataset, Field};
use futures_util::SinkExt as _;
use values::{CompanyId, Hash, Key, Kind, TenantId};

use super::delete_by_key;
use super::session::Session;
use super::statistics::Kind as Grows;
use super::types::{Bound, EPOCH_DAYS, escaped};
use crate::StoreError;
use crate::engine::{Column as Definition, Param, Tx};
use crate::sql::{Rows, child_table, column_list};

/// What begins a binary COPY: signature, flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Rows are sent in pieces of about this size.
const PIECE: usize = 128 * 1024;

/// Gets a batch ready before its tenant is locked: copied into the connection's staging
/// tables, which are empty in each transaction, unless all of it looks new.
pub(in crate::engine) fn stage(
    t: &Tx<'_>,
    session: &Session<'_>,
    rows: &Rows<'_>,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<(), StoreError> {
    session.staged.set(false);
    if rows.keys.is_empty() {
        return Ok(());
    }
    let dataset = rows.dataset;
    // All of them before the first row: that one begins the transaction.
    Target::staged_parents(dataset).make(t, session, &dataset.fields)?;
    for child in &dataset.children {
        Target::staged_children(dataset, child).make(t, session, &child.fields)?;
    }
    if is_new(session, rows, tenant, company)? {
        return Ok(());
    }
    copy_staged(session, rows)
}

/// Puts the documents into their tables and replaces their children.
///
/// Rows that are all new, as those of a first load, are copied straight into the tables: that
/// costs the server about half of staging and merging them. The look behind the tenant's lock
/// is the one that counts.
pub(in crate::engine) fn put_documents(
    session: &Session<'_>,
    rows: &Rows<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    first_position: i64,
    now: i64,
) -> Result<(), StoreError> {
    if rows.keys.is_empty() {
        return Ok(());
    }
    note_growth(session, rows);
    if session.staged.get() {
        return merge(session, rows, tenant, company, first_position, now);
    }
    if is_new(session, rows, tenant, company)? {
        return copy_new(session, rows, tenant, company, first_position, now);
    }
    copy_staged(session, rows)?;
    merge(session, rows, tenant, company, first_position, now)
}

/// Notes how many rows come into which tables.
fn note_growth(session: &Session<'_>, rows: &Rows<'_>) {
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    let parents = Target::parents(rows.dataset).table;
    let mut grown = session.grown.borrow_mut();
    grown.push((parents, Grows::Parent, count(rows.keys.len())));
    for (child, batch) in rows.dataset.children.iter().zip(&rows.batch.children) {
        let table = Target::children(rows.dataset, child).table;
        grown.push((table, Grows::Child, count(batch.num_rows())));
    }
}

/// Is there no record between the batch's least and greatest key? A stream that is read for
/// the first time, in the order of its keys, always stands before such a gap; one look into
/// the key's index tells it.
fn is_new(
    session: &Session<'_>,
    rows: &Rows<'_>,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<bool, StoreError> {
    let (Some(least), Some(greatest)) = (rows.keys.iter().min(), rows.keys.iter().max()) else {
        return Ok(true);
    };
    let sql = format!(
        "SELECT 1 FROM \"{}\" WHERE tenant = ? AND company = ? AND key >= ? AND key <= ? LIMIT 1",
        rows.dataset.name
    );
    let range = [
        tenant.as_str(),
        company.as_str(),
        least.as_str(),
        greatest.as_str(),
    ];
    let range = range.map(|text| Bound(Param::Text(text)));
    let found = session.query(&sql, &[&range[0], &range[1], &range[2], &range[3]])?;
    Ok(found.is_empty())
}

/// Copies new documents into their tables.
fn copy_new(
    session: &Session<'_>,
    rows: &Rows<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    first_position: i64,
    now: i64,
) -> Result<(), StoreError> {
    let whose = [Own::Text(tenant.as_str()), Own::Text(company.as_str())];
    copy(session, rows, &Target::parents(rows.dataset), |row, key, hash| {
        let position = first_position.saturating_add(row);
        let [tenant, company] = whose;
        [
            tenant,
            company,
            Own::Text(key.as_str()),
            Own::Integer(hash.to_signed()),
            Own::Integer(position),
            Own::Integer(now),
        ]
    })?;
    copy_children(session, rows, Target::children, |key, ordinal| {
        let [tenant, company] = whose;
        [tenant, company, Own::Text(key.as_str()), Own::Integer(ordinal)]
    })
}

/// Copies a batch into the staging tables.
fn copy_staged(session: &Session<'_>, rows: &Rows<'_>) -> Result<(), StoreError> {
    copy(
        session,
        rows,
        &Target::staged_parents(rows.dataset),
        |row, key, hash| {
            [
                Own::Integer(row),
                Own::Text(key.as_str()),
                Own::Integer(hash.to_signed()),
            ]
        },
    )?;
    copy_children(session, rows, Target::staged_children, |key, ordinal| {
        [Own::Text(key.as_str()), Own::Integer(ordinal)]
    })?;
    session.staged.set(true);
    Ok(())
}

/// Copies a batch's parents; `own` says what stands before the fields of a row.
fn copy<'r, const N: usize>(
    session: &Session<'_>,
    rows: &'r Rows<'_>,
    target: &Target,
    own: impl Fn(i64, &'r Key, Hash) -> [Own<'r>; N],
) -> Result<(), StoreError> {
    let fields = &rows.dataset.fields;
    let last = LastOf::new(&rows.keys);
    let numbered = (0_i64..).zip(rows.keys.iter().zip(&rows.hashes));
    let entries = numbered
        .filter(|(row, (key, _))| last.is(*row, key))
        .map(|(row, (key, hash))| Entry {
            own: own(row, key, *hash),
            row: usize::try_from(row).unwrap_or(usize::MAX),
        });
    target.copy(session, fields, &columns(&rows.batch.parents, fields, 0), entries)
}

/// Copies a batch's children; `own` says what stands before the fields of a row, which is
/// known by its parent's key and its place among that one's.
fn copy_children<'r, const N: usize>(
    session: &Session<'_>,
    rows: &'r Rows<'_>,
    target: impl Fn(&Dataset, &Child) -> Target,
    own: impl Fn(&'r Key, i64) -> [Own<'r>; N],
) -> Result<(), StoreError> {
    let last = LastOf::new(&rows.keys);
    let kinds = rows.dataset.children.iter().zip(&rows.batch.children);
    for (place, (child, batch)) in kinds.enumerate() {
        let mut ordinal = 0_i64;
        let mut before = None;
        let parents = rows.batch.parents_of(place).values().iter().enumerate();
        let entries = parents.filter_map(|(row, &parent)| {
            ordinal = if before == Some(parent) { ordinal + 1 } else { 0 };
            before = Some(parent);
            let key = rows.keys.get(usize::try_from(parent).ok()?)?;
            last.is(i64::from(parent), key).then_some(Entry {
                own: own(key, ordinal),
                row,
            })
        });
        let columns = columns(batch, &child.fields, 1);
        target(rows.dataset, child).copy(session, &child.fields, &columns, entries)?;
    }
    Ok(())
}

/// Upserts the staged parents and replaces their children.
fn merge(
    session: &Session<'_>,
    rows: &Rows<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    first_position: i64,
    now: i64,
) -> Result<(), StoreError> {
    let dataset = rows.dataset;
    let name = dataset.name.as_str();
    let own = (tenant.as_str(), company.as_str());
    let updates: Vec<_> = dataset
        .fields
        .iter()
        .map(|f| format!(", \"{0}\" = excluded.\"{0}\"", f.name))
        .collect();
    let columns = column_list(&dataset.fields);
    let sql = format!(
        "INSERT INTO \"{name}\" (tenant, company, key, _hash, _position, updated_at, {columns}) \
         SELECT CAST(?1 AS TEXT), CAST(?2 AS TEXT), key, _own, CAST(?3 AS BIGINT) + _row, CAST(?4 AS BIGINT), {columns} \
         FROM {} ON CONFLICT (tenant, company, key) DO UPDATE SET _hash = excluded._hash, \
         _position = excluded._position, updated_at = excluded.updated_at, _purged_at = NULL{}",
        Target::staged_parents(dataset).table,
        updates.concat()
    );
    let (tenant, company) = (Bound(Param::Text(own.0)), Bound(Param::Text(own.1)));
    let position = Bound(Param::Integer(first_position));
    session.execute(&sql, &[&tenant, &company, &position, &Bound(Param::Integer(now))])?;
    for child in &dataset.children {
        let table = child_table(name, &child.name);
        delete_by_key(
            session,
            &table,
            &[("tenant", own.0), ("company", own.1)],
            &rows.keys,
        )?;
        let columns = column_list(&child.fields);
        let sql = format!(
            "INSERT INTO \"{table}\" (tenant, company, key, _ordinal, {columns}) \
             SELECT CAST(?1 AS TEXT), CAST(?2 AS TEXT), key, _own, {columns} FROM {}",
            Target::staged_children(dataset, child).table
        );
        session.execute(&sql, &[&tenant, &company])?;
    }
    Ok(())
}

/// Of two documents with one key in a batch, the later one counts: one statement cannot write
/// a row twice.
struct LastOf<'a>(Option<HashMap<&'a Key, i64>>);

impl<'a> LastOf<'a> {
    fn new(keys: &'a [Key]) -> Self {
        let last: HashMap<&Key, i64> = keys.iter().zip(0_i64..).collect();
        Self((last.len() < keys.len()).then_some(last))
    }

    fn is(&self, row: i64, key: &Key) -> bool {
        self.0.as_ref().is_none_or(|last| last.get(key) == Some(&row))
    }
}

/// A table that is copied into. The rows of a staging table live as long as their
/// transaction, itself as long as the connection.
struct Target {
    table: String,
    /// Columns before the fields.
    own: &'static [&'static str],
}

struct Entry<'a, const N: usize> {
    own: [Own<'a>; N],
    row: usize,
}

#[derive(Clone, Copy)]
enum Own<'a> {
    Integer(i64),
    Text(&'a str),
}

impl Target {
    fn parents(dataset: &Dataset) -> Self {
        Self {
            table: format!("\"{}\"", dataset.name),
            own: &["tenant", "company", "key", "_hash", "_position", "updated_at"],
        }
    }

    fn children(dataset: &Dataset, child: &Child) -> Self {
        let table = child_table(dataset.name.as_str(), &child.name);
        Self {
            table: format!("\"{table}\""),
            own: &["tenant", "company", "key", "_ordinal"],
        }
    }

    fn staged_parents(dataset: &Dataset) -> Self {
        Self {
            table: format!("pg_temp.\"s_{}\"", dataset.name),
            own: &["_row", "key", "_own"],
        }
    }

    fn staged_children(dataset: &Dataset, child: &Child) -> Self {
        let table = child_table(dataset.name.as_str(), &child.name);
        Self {
            table: format!("pg_temp.\"s_{table}\""),
            own: &["key", "_own"],
        }
    }

    /// Makes a staging table when the connection does not have it: before the transaction
    /// begins, so that it outlives one that fails.
    fn make(&self, t: &Tx<'_>, session: &Session<'_>, fields: &[Field]) -> Result<(), StoreError> {
        let staged = &session.connection()?.staged;
        if staged.borrow().contains(&self.table) {
            return Ok(());
        }
        let define = |column: Definition| t.definition(column);
        let own = self.own.iter().map(|name| match *name {
            "key" => format!("key {}", define(Definition::Text)),
            name => format!("{name} {}", define(Definition::Integer)),
        });
        let fields = fields
            .iter()
            .map(|f| format!("\"{}\" {}", f.name, define(Definition::of(f.kind))));
        let columns: Vec<_> = own.chain(fields).collect();
        // It stands in the temporary schema by itself.
        let name = self.table.trim_start_matches("pg_temp.");
        session.before(&format!(
            "CREATE TEMPORARY TABLE {name} ({}) ON COMMIT DELETE ROWS",
            columns.join(", ")
        ))?;
        staged.borrow_mut().insert(self.table.clone());
        Ok(())
    }

    fn copy<'e, const N: usize>(
        &self,
        session: &Session<'_>,
        fields: &[Field],
        columns: &[Column<'_>],
        entries: impl Iterator<Item = Entry<'e, N>>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "COPY {} ({}, {}) FROM STDIN (FORMAT binary)",
            self.table,
            self.own.join(", "),
            column_list(fields)
        );
        let width = i16::try_from(N + columns.len()).unwrap_or(i16::MAX);
        let statement = session.prepared(&sql)?;
        let client = &session.connection()?.client;
        session.run(async {
            let sink = client.copy_in::<_, Bytes>(&statement).await?;
            let mut sink = std::pin::pin!(sink);
            let mut piece = BytesMut::with_capacity(PIECE + PIECE / 4);
            piece.put_slice(HEADER);
            for entry in entries {
                piece.put_i16(width);
                for own in &entry.own {
                    match own {
                        Own::Integer(number) => {
                            piece.put_i32(8);
                            piece.put_i64(*number);
                        }
                        Own::Text(text) => put_text(&mut piece, text),
                    }
                }
                for column in columns {
                    column.put(entry.row, &mut piece);
                }
                if piece.len() >= PIECE {
                    sink.send(piece.split().freeze()).await?;
                    piece.reserve(PIECE + PIECE / 4);
                }
            }
            piece.put_i16(-1);
            sink.send(piece.freeze()).await?;
            sink.as_mut().finish().await
        })?;
        Ok(())
    }
}

/// A column of a batch.
enum Column<'a> {
    Text(&'a StringArray),
    Units(&'a Decimal64Array),
    Days(&'a Date32Array),
}

/// The columns of the fields, behind `skip` others. The batch's shape was checked.
fn columns<'a>(rows: &'a RecordBatch, fields: &[Field], skip: usize) -> Vec<Column<'a>> {
    let columns = fields.iter().zip(rows.columns().iter().skip(skip));
    columns
        .map(|(field, column)| match field.kind {
            Kind::Text | Kind::Json => Column::Text(column.as_string()),
            Kind::Decimal { .. } => Column::Units(column.as_primitive()),
            Kind::Date => Column::Days(column.as_primitive()),
        })
        .collect()
}

impl Column<'_> {
    fn put(&self, row: usize, out: &mut BytesMut) {
        match self {
            Self::Text(texts) => put_text(out, texts.value(row)),
            Self::Units(units) => {
                out.put_i32(8);
                out.put_i64(units.value(row));
            }
            Self::Days(days) if days.is_null(row) => out.put_i32(-1),
            Self::Days(days) => {
                out.put_i32(4);
                out.put_i32(days.value(row) - EPOCH_DAYS);
            }
        }
    }
}

fn put_text(out: &mut BytesMut, text: &str) {
    let kept = escaped(text);
    // A batch is far below the gigabytes that would not fit.
    out.put_i32(i32::try_from(kept.len()).unwrap_or(i32::MAX));
    out.put_slice(kept.as_bytes());
}
