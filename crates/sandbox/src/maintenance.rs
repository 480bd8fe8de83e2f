//! A user at the keyboard: changes to single rows, as Sage's maintenance tasks make them
//! (stamped) or as imports and updates make them (not stamped).

use jiff::Timestamp;
use rusqlite::params_from_iter;
use values::Decimal;

use crate::company::Company;
use crate::row::{StoredRow, TableShape, find_rows, quoted};
use crate::{SandboxError, row::Row};

/// Key of the user whose name the changes carry.
pub const USER_KEY: &str = "0000000001";

/// Column names with their values.
pub type Values<'a> = &'a [(&'a str, &'a str)];

/// Does the change move the row's stamp?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamping {
    /// As a maintenance task at this instant.
    At(Timestamp),
    /// As an import or an update does: the stamp stays.
    None,
}

/// Sets an item's standard price, stamped.
///
/// # Errors
/// [`SandboxError::RowMissing`] when there is no such item.
pub fn set_item_price(
    company: &Company,
    item: &str,
    price: Decimal,
    now: Timestamp,
) -> Result<(), SandboxError> {
    let price = price.to_string();
    set_values(
        company,
        "CI_Item",
        &[("ItemCode", item)],
        &[("StandardUnitPrice", &price)],
        Stamping::At(now),
    )
}

/// Changes a row that exists.
///
/// # Errors
/// [`SandboxError::RowMissing`] when the key does not name a row, or not a whole key.
pub fn set_values(
    company: &Company,
    table: &str,
    key: Values<'_>,
    values: Values<'_>,
    stamping: Stamping,
) -> Result<(), SandboxError> {
    let shape = TableShape::of(company.connection(), table)?;
    let mut changes: Vec<(String, String)> = values
        .iter()
        .map(|(c, v)| ((*c).to_owned(), (*v).to_owned()))
        .collect();
    changes.extend(stamp_values(company, &shape, stamping)?);
    let mut parts = Vec::with_capacity(changes.len());
    for (column, _) in &changes {
        shape.check(column)?;
        parts.push(format!("{} = ?", quoted(column)?));
    }
    if parts.is_empty() {
        return find_row(company, table, key).map(|_| ());
    }
    let sql = format!(
        "UPDATE {} SET {} WHERE {}",
        quoted(table)?,
        parts.join(", "),
        key_condition(&shape, key)?
    );
    let bound = changes
        .iter()
        .map(|(_, v)| v.as_str())
        .chain(key.iter().map(|(_, v)| *v));
    let changed = company
        .connection()
        .prepare_cached(&sql)?
        .execute(params_from_iter(bound))?;
    if changed == 1 {
        Ok(())
    } else {
        Err(row_missing(table, key))
    }
}

/// Adds a row; with a stamp it is both created and updated then.
///
/// # Errors
/// When the key is taken, or a name is unknown.
pub fn insert_row(
    company: &Company,
    table: &str,
    values: Values<'_>,
    stamping: Stamping,
) -> Result<(), SandboxError> {
    let shape = TableShape::of(company.connection(), table)?;
    let mut row = Row::new(table.to_owned());
    if let Stamping::At(now) = stamping
        && shape.has("DateCreated")
    {
        let stamp = company.stamp_at(now)?;
        row.set("DateCreated", stamp.date().to_string());
        row.set("TimeCreated", stamp.hours_text());
        row.set("UserCreatedKey", USER_KEY);
    }
    for (column, value) in stamp_values(company, &shape, stamping)? {
        row.set(column, value);
    }
    for (column, value) in values {
        shape.check(column)?;
        row.set((*column).to_owned(), *value);
    }
    row.insert(company.connection())
}

/// Changes the row if it is there, adds it if not.
///
/// # Errors
/// As [`set_values`] and [`insert_row`].
pub fn write_row_with_stamp(
    company: &Company,
    table: &str,
    key: Values<'_>,
    values: Values<'_>,
    stamping: Stamping,
) -> Result<(), SandboxError> {
    match set_values(company, table, key, values, stamping) {
        Err(SandboxError::RowMissing { .. }) => insert_row(company, table, &[key, values].concat(), stamping),
        other => other,
    }
}

/// Removes a row, without trace as Sage does.
///
/// # Errors
/// [`SandboxError::RowMissing`] when the key does not name a row, or not a whole key.
pub fn delete_row(company: &Company, table: &str, key: Values<'_>) -> Result<(), SandboxError> {
    let shape = TableShape::of(company.connection(), table)?;
    let sql = format!(
        "DELETE FROM {} WHERE {}",
        quoted(table)?,
        key_condition(&shape, key)?
    );
    let gone = company
        .connection()
        .prepare_cached(&sql)?
        .execute(params_from_iter(key.iter().map(|(_, v)| *v)))?;
    if gone == 1 {
        Ok(())
    } else {
        Err(row_missing(table, key))
    }
}

/// The row with this key.
///
/// # Errors
/// [`SandboxError::RowMissing`] when the key does not name a row, or not a whole key.
pub fn find_row(company: &Company, table: &str, key: Values<'_>) -> Result<StoredRow, SandboxError> {
    let shape = TableShape::of(company.connection(), table)?;
    key_condition(&shape, key)?;
    find_rows(company.connection(), table, key, 1)?
        .pop()
        .ok_or_else(|| row_missing(table, key))
}

fn stamp_values(
    company: &Company,
    shape: &TableShape,
    stamping: Stamping,
) -> Result<Vec<(String, String)>, SandboxError> {
    let Stamping::At(now) = stamping else {
        return Ok(Vec::new());
    };
    let stamp = company.stamp_at(now)?;
    let mut values = Vec::new();
    for (column, value) in [
        ("DateUpdated", stamp.date().to_string()),
        ("TimeUpdated", stamp.hours_text()),
        ("UserUpdatedKey", USER_KEY.to_owned()),
    ] {
        // Lines and some small tables have no stamp.
        if shape.has(column) {
            values.push((column.to_owned(), value));
        }
    }
    Ok(values)
}

/// `K1 = ? AND K2 = ?` in the order of `key`, which must hold every key column. A table
/// without a key is addressed by any of its columns.
fn key_condition(shape: &TableShape, key: Values<'_>) -> Result<String, SandboxError> {
    for (column, _) in key {
        shape.check(column)?;
    }
    let whole = shape
        .key
        .iter()
        .all(|k| key.iter().any(|(column, _)| column == k));
    if key.is_empty() || !whole {
        return Err(row_missing(&shape.name, key));
    }
    let parts: Vec<_> = key
        .iter()
        .map(|(column, _)| Ok(format!("{} = ?", quoted(column)?)))
        .collect::<Result<_, SandboxError>>()?;
    Ok(parts.join(" AND "))
}

fn row_missing(table: &str, key: Values<'_>) -> SandboxError {
    let parts: Vec<_> = key
        .iter()
        .map(|(column, value)| format!("{column}={value}"))
        .collect();
    let key = if parts.is_empty() {
        "without a key".to_owned()
    } else {
        parts.join(" ")
    };
    SandboxError::RowMissing {
        table: table.to_owned(),
        key,
    }
}
