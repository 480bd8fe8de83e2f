//! Single rows of any table, by the names of their columns.

use std::borrow::Cow;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use values::Stamp;

use crate::SandboxError;

/// Values for one row: column and text, in the order in which they were given. Columns
/// that are not named take their blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    table: Cow<'static, str>,
    values: Vec<(Cow<'static, str>, String)>,
}

impl Row {
    /// A row for this table, all blank.
    pub fn new(table: impl Into<Cow<'static, str>>) -> Self {
        Self {
            table: table.into(),
            values: Vec::new(),
        }
    }

    /// With this value; a column named twice keeps the later one.
    #[must_use]
    pub fn with(mut self, column: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.set(column, value);
        self
    }

    /// Sets this value.
    pub fn set(&mut self, column: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        let (column, value) = (column.into(), value.into());
        match self.values.iter_mut().find(|(name, _)| *name == column) {
            Some(place) => place.1 = value,
            None => self.values.push((column, value)),
        }
    }

    /// With the stamp of a record that was made then and not changed since.
    #[must_use]
    pub fn created(self, stamp: Stamp, user: &str) -> Self {
        self.with("DateCreated", stamp.date().to_string())
            .with("TimeCreated", stamp.hours_text())
            .with("UserCreatedKey", user)
            .updated(stamp, user)
    }

    /// With the stamp of a record that was changed then.
    #[must_use]
    pub fn updated(self, stamp: Stamp, user: &str) -> Self {
        self.with("DateUpdated", stamp.date().to_string())
            .with("TimeUpdated", stamp.hours_text())
            .with("UserUpdatedKey", user)
    }

    /// Writes it as a new row.
    ///
    /// # Errors
    /// When the key is taken, or a name is unknown.
    pub fn insert(&self, connection: &Connection) -> Result<(), SandboxError> {
        let names: Vec<_> = self
            .values
            .iter()
            .map(|(name, _)| quoted(name))
            .collect::<Result<_, _>>()?;
        let marks = vec!["?"; names.len()].join(", ");
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({marks})",
            quoted(&self.table)?,
            names.join(", ")
        );
        connection
            .prepare_cached(&sql)?
            .execute(params_from_iter(self.values.iter().map(|(_, value)| value)))?;
        Ok(())
    }
}

/// A table as it is in a file: what `load` added is there too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableShape {
    /// The table's name.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<String>,
    /// Its key columns in key order.
    pub key: Vec<String>,
}

impl TableShape {
    /// The shape of a table that exists.
    ///
    /// # Errors
    /// [`SandboxError::TableMissing`] when it does not.
    pub fn of(connection: &Connection, table: &str) -> Result<Self, SandboxError> {
        let mut statement =
            connection.prepare_cached("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid")?;
        let rows: Vec<(String, u32)> = statement
            .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Err(SandboxError::TableMissing {
                table: table.to_owned(),
            });
        }
        let mut key: Vec<_> = rows.iter().filter(|(_, place)| *place > 0).collect();
        key.sort_by_key(|(_, place)| *place);
        Ok(Self {
            name: table.to_owned(),
            key: key.into_iter().map(|(name, _)| name.clone()).collect(),
            columns: rows.iter().map(|(name, _)| name.clone()).collect(),
        })
    }

    /// Has the table a column of this name?
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c == column)
    }

    /// Checks a column's name.
    ///
    /// # Errors
    /// [`SandboxError::ColumnMissing`] when the table has none of this name.
    pub fn check(&self, column: &str) -> Result<(), SandboxError> {
        if self.has(column) {
            Ok(())
        } else {
            Err(SandboxError::ColumnMissing {
                table: self.name.clone(),
                column: column.to_owned(),
            })
        }
    }
}

/// The tables of a file, by name, with their rows counted.
///
/// # Errors
/// When `SQLite` fails.
pub fn table_counts(connection: &Connection) -> Result<Vec<(String, u64)>, SandboxError> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
    )?;
    let names: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    names
        .into_iter()
        .map(|name| {
            let sql = format!("SELECT count(*) FROM {}", quoted(&name)?);
            let count: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
            Ok((name, u64::try_from(count).unwrap_or(0)))
        })
        .collect()
}

/// One row as it is in the file, every column in the table's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow(pub Vec<(String, String)>);

impl StoredRow {
    /// The text of a column, or `None` when there is no such column.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name == column)
            .map(|(_, value)| value.as_str())
    }
}

/// As a map in the table's order.
impl Serialize for StoredRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The rows whose columns equal `conditions`, in key order, at most `limit`.
///
/// # Errors
/// [`SandboxError::TableMissing`] and [`SandboxError::ColumnMissing`].
pub fn find_rows(
    connection: &Connection,
    table: &str,
    conditions: &[(&str, &str)],
    limit: usize,
) -> Result<Vec<StoredRow>, SandboxError> {
    let shape = TableShape::of(connection, table)?;
    let mut sql = format!("SELECT * FROM {}", quoted(table)?);
    for (place, (column, _)) in conditions.iter().enumerate() {
        shape.check(column)?;
        sql.push_str(if place == 0 { " WHERE " } else { " AND " });
        sql.push_str(&quoted(column)?);
        sql.push_str(" = ?");
    }
    let order: Vec<_> = shape.key.iter().map(|k| quoted(k)).collect::<Result<_, _>>()?;
    if !order.is_empty() {
        sql.push_str(" ORDER BY ");
        sql.push_str(&order.join(", "));
    }
    sql.push_str(&format!(" LIMIT {limit}"));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.iter().map(|(_, value)| value)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(shape.columns.len());
        for (place, name) in shape.columns.iter().enumerate() {
            values.push((name.clone(), text_of(row.get_ref(place)?)));
        }
        found.push(StoredRow(values));
    }
    Ok(found)
}

/// The text of a stored value; bytes that are no UTF-8 show as `�`.
fn text_of(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// A name ready for a statement.
pub(crate) fn quoted(name: &str) -> Result<String, SandboxError> {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        Ok(format!("\"{name}\""))
    } else {
        Err(SandboxError::BadName {
            name: name.to_owned(),
        })
    }
}
