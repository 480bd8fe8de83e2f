//! Accidents: tables cut short, columns that come, go and go blank.

use rusqlite::{Connection, params};

use super::{Options, PlayError, Report, has_table, in_transaction};
use crate::Company;
use crate::row::TableShape;

/// The table named, when the company has it.
fn table<'o>(db: &Connection, options: &'o Options) -> Result<&'o str, PlayError> {
    let table = options
        .table
        .as_deref()
        .ok_or(PlayError::OptionMissing("table"))?;
    if is_name(table) && has_table(db, table)? {
        Ok(table)
    } else {
        Err(PlayError::OptionInvalid(format!(
            "the company has no table {table:?}"
        )))
    }
}

/// The column named, which is none yet.
fn new_column<'o>(db: &Connection, table: &str, options: &'o Options) -> Result<&'o str, PlayError> {
    let column = named_column(options)?;
    if TableShape::of(db, table)?.has(column) {
        return Err(PlayError::OptionInvalid(format!("{table} has {column} already")));
    }
    Ok(column)
}

/// The column named, which the table has beside its key.
fn column<'o>(db: &Connection, table: &str, options: &'o Options) -> Result<&'o str, PlayError> {
    let column = named_column(options)?;
    let shape = TableShape::of(db, table)?;
    if shape.key.iter().any(|key| key == column) {
        return Err(PlayError::OptionInvalid(format!(
            "{column} is in the key of {table}; name another column"
        )));
    }
    if shape.has(column) {
        Ok(column)
    } else {
        Err(PlayError::OptionInvalid(format!(
            "{table} has no column {column}"
        )))
    }
}

fn named_column(options: &Options) -> Result<&str, PlayError> {
    let column = options
        .column
        .as_deref()
        .ok_or(PlayError::OptionMissing("column"))?;
    if is_name(column) {
        Ok(column)
    } else {
        Err(PlayError::OptionInvalid(format!(
            "{column:?} is no column's name"
        )))
    }
}

/// A script that touched no row says why.
fn some(rows: usize, problem: impl FnOnce() -> String) -> Result<u64, PlayError> {
    if rows == 0 {
        return Err(PlayError::NothingToDo(problem()));
    }
    Ok(rows as u64)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Where the rows wait that were taken from a table.
fn aside(table: &str) -> String {
    format!("sandbox_removed_{table}")
}

pub(super) fn truncate(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    in_transaction(company, |db| {
        let table = table(db, options)?;
        let aside = aside(table);
        if has_table(db, &aside)? {
            return Err(PlayError::OptionInvalid(format!(
                "{table} is cut short already; play restore first"
            )));
        }
        let half = format!(
            "SELECT rowid FROM {table} ORDER BY rowid LIMIT (SELECT (count(*) + 1) / 2 FROM {table})"
        );
        db.execute_batch(&format!(
            "CREATE TABLE {aside} AS SELECT * FROM {table} WHERE rowid NOT IN ({half})"
        ))?;
        let gone = db.execute(&format!("DELETE FROM {table} WHERE rowid NOT IN ({half})"), [])?;
        let mut report = Report::default();
        report.deleted(table, some(gone, || format!("{table} has not two rows"))?);
        Ok(report)
    })
}

pub(super) fn restore(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    in_transaction(company, |db| {
        let table = table(db, options)?;
        let aside = aside(table);
        if !has_table(db, &aside)? {
            return Err(PlayError::NothingToDo(format!("nothing was taken from {table}")));
        }
        // Columns may have come or gone meanwhile.
        let shape = TableShape::of(db, table)?;
        let mut columns = TableShape::of(db, &aside)?.columns;
        columns.retain(|column| shape.has(column));
        let columns = columns.join(", ");
        let back = db.execute(
            &format!("INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {aside}"),
            [],
        )?;
        db.execute_batch(&format!("DROP TABLE {aside}"))?;
        let mut report = Report::default();
        report.inserted(table, back as u64);
        Ok(report)
    })
}

pub(super) fn blank_column(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    in_transaction(company, |db| {
        let table = table(db, options)?;
        let column = column(db, table, options)?;
        let rows = db.execute(
            &format!("UPDATE {table} SET {column} = '' WHERE {column} <> ''"),
            [],
        )?;
        let mut report = Report::default();
        report.updated(
            table,
            some(rows, || format!("{column} of {table} has no value in any row"))?,
        );
        Ok(report)
    })
}

pub(super) fn drop_column(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    alter(company, options, column, |table, column| {
        format!("ALTER TABLE {table} DROP COLUMN {column}")
    })
}

pub(super) fn add_column(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    alter(company, options, new_column, |table, column| {
        format!("ALTER TABLE {table} ADD COLUMN {column} VARCHAR(30) NOT NULL DEFAULT ''")
    })
}

fn alter(
    company: &mut Company,
    options: &Options,
    column: for<'o> fn(&Connection, &str, &'o Options) -> Result<&'o str, PlayError>,
    sql: fn(&str, &str) -> String,
) -> Result<Report, PlayError> {
    in_transaction(company, |db| {
        let table = table(db, options)?;
        let column = column(db, table, options)?;
        db.execute_batch(&sql(table, column))?;
        let mut report = Report::default();
        report.key(table, column);
        Ok(report)
    })
}

/// A value beyond every layout, in the table's first row.
pub(super) fn widen_column(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    in_transaction(company, |db| {
        let table = table(db, options)?;
        let column = column(db, table, options)?;
        let long = "Longer than the layout says. ".repeat(20);
        let rows = db.execute(
            &format!("UPDATE {table} SET {column} = ?1 WHERE rowid = (SELECT min(rowid) FROM {table})"),
            params![long.trim_end()],
        )?;
        let mut report = Report::default();
        report.updated(table, some(rows, || format!("{table} has no rows"))?);
        Ok(report)
    })
}
