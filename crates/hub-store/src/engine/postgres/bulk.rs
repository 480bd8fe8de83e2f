//! Documents of a batch by binary COPY: they are staged in tables of the connection's own
//! before the tenant's lock is taken, and merged by one statement for each table behind it.

use std::collections::HashMap;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, Date32Array, Decimal64Array, RecordBatch, StringArray};
use bytes::{BufMut as _, Bytes, BytesMut};
use catalog::Field;
use futures_util::SinkExt as _;
use values::{CompanyId, Key, Kind, TenantId};

use super::delete_by_key;
use super::session::Session;
use super::types::{Bound, EPOCH_DAYS, escaped};
use crate::StoreError;
use crate::engine::{Column as Definition, Param, Tx};
use crate::sql::{Rows, child_table, column_list};

/// What begins a binary COPY: signature, flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Rows are sent in pieces of about this size.
const PIECE: usize = 128 * 1024;

/// Copies a batch into the connection's staging tables, which are empty in each transaction.
pub(in crate::engine) fn stage(t: &Tx<'_>, session: &Session<'_>, rows: &Rows<'_>) -> Result<(), StoreError> {
    if rows.keys.is_empty() {
        return Ok(());
    }
    let dataset = rows.dataset;
    let last = LastOf::new(&rows.keys);
    let parents = Staging::parents(dataset.name.as_str());
    let children: Vec<_> = dataset
        .children
        .iter()
        .map(|child| Staging::children(&child_table(dataset.name.as_str(), &child.name)))
        .collect();
    // All of them before the first row: that one begins the transaction.
    parents.make(t, session, &dataset.fields)?;
    for (staging, child) in children.iter().zip(&dataset.children) {
        staging.make(t, session, &child.fields)?;
    }
    let columns = columns(&rows.batch.parents, &dataset.fields, 0);
    let numbered = (0_i64..).zip(rows.keys.iter().zip(&rows.hashes));
    let entries = numbered
        .filter(|(row, (key, _))| last.is(*row, key))
        .map(|(row, (key, hash))| Entry {
            own: [Own::Integer(row), Own::Key(key), Own::Integer(hash.to_signed())],
            row: usize::try_from(row).unwrap_or(usize::MAX),
        });
    parents.copy(session, &dataset.fields, &columns, entries)?;
    let kinds = children.iter().zip(&dataset.children).zip(&rows.batch.children);
    for (place, ((staging, child), batch)) in kinds.enumerate() {
        let columns = self::columns(batch, &child.fields, 1);
        let mut ordinal = 0_i64;
        let mut before = None;
        let parents = rows.batch.parents_of(place).values().iter().enumerate();
        let entries = parents.filter_map(|(row, &parent)| {
            ordinal = if before == Some(parent) { ordinal + 1 } else { 0 };
            before = Some(parent);
            let key = rows.keys.get(usize::try_from(parent).ok()?)?;
            last.is(i64::from(parent), key).then_some(Entry {
                own: [Own::None, Own::Key(key), Own::Integer(ordinal)],
                row,
            })
        });
        staging.copy(session, &child.fields, &columns, entries)?;
    }
    Ok(())
}

/// Upserts the staged parents and replaces their children.
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
        Staging::parents(name).table,
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
            Staging::children(&table).table
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

/// A staging table. Its rows live as long as their transaction, itself as long as the
/// connection.
struct Staging {
    table: String,
    has_row: bool,
}

struct Entry<'a> {
    own: [Own<'a>; 3],
    row: usize,
}

enum Own<'a> {
    None,
    Integer(i64),
    Key(&'a Key),
}

impl Staging {
    fn parents(dataset: &str) -> Self {
        Self {
            table: format!("pg_temp.\"s_{dataset}\""),
            has_row: true,
        }
    }

    fn children(table: &str) -> Self {
        Self {
            table: format!("pg_temp.\"s_{table}\""),
            has_row: false,
        }
    }

    /// Makes the table when the connection does not have it: before the transaction begins,
    /// so that it outlives one that fails.
    fn make(&self, t: &Tx<'_>, session: &Session<'_>, fields: &[Field]) -> Result<(), StoreError> {
        let staged = &session.connection()?.staged;
        if staged.borrow().contains(&self.table) {
            return Ok(());
        }
        let fields: Vec<_> = fields
            .iter()
            .map(|f| format!(", \"{}\" {}", f.name, t.definition(Definition::of(f.kind))))
            .collect();
        // It stands in the temporary schema by itself.
        let name = self.table.trim_start_matches("pg_temp.");
        session.before(&format!(
            "CREATE TEMPORARY TABLE {name} ({}key TEXT COLLATE \"C\" NOT NULL, _own BIGINT NOT NULL{}) ON COMMIT DELETE ROWS",
            if self.has_row { "_row BIGINT NOT NULL, " } else { "" },
            fields.concat()
        ))?;
        staged.borrow_mut().insert(self.table.clone());
        Ok(())
    }

    fn copy<'e>(
        &self,
        session: &Session<'_>,
        fields: &[Field],
        columns: &[Column<'_>],
        entries: impl Iterator<Item = Entry<'e>>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "COPY {} ({}key, _own, {}) FROM STDIN (FORMAT binary)",
            self.table,
            if self.has_row { "_row, " } else { "" },
            column_list(fields)
        );
        let own = if self.has_row { 3 } else { 2 };
        let width = i16::try_from(own + columns.len()).unwrap_or(i16::MAX);
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
                        Own::None => {}
                        Own::Integer(number) => {
                            piece.put_i32(8);
                            piece.put_i64(*number);
                        }
                        Own::Key(key) => put_text(&mut piece, key.as_str()),
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
