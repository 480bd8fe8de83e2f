//! The driver's catalogue: which tables and columns there are.

use odbc_api::buffers::TextRowSet;
use odbc_api::{Cursor, Error};
use sage::{ColumnInfo, Dialect};

use crate::session::Session;

/// Tables that every Sage company has, whatever its modules: one of them must be there.
/// There are several because a role may hide some from the user that we connect as.
pub(crate) const COMPANY_TABLES: [&str; 4] = ["CI_Item", "AR_Customer", "GL_Account", "SO_SalesOrderHeader"];

/// Rows of a catalogue that are fetched at once.
const ROWS: usize = 128;
/// Longest name in a catalogue; SQL Server's are 128 characters.
const NAME_BYTES: usize = 512;

/// Is there such a table?
pub(crate) fn has_table(session: &Session, dialect: &Dialect, table: &str) -> Result<bool, Error> {
    let (database, schema) = home(dialect, table);
    let cursor = session
        .statement()?
        .into_tables_cursor(database, schema, table, "")?;
    // The third is TABLE_NAME.
    let tables = rows(cursor, 3)?;
    Ok(tables.iter().any(|row| is_table(row, dialect, table)))
}

/// The tables and views of the company, sorted.
pub(crate) fn tables(session: &Session, dialect: &Dialect) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    // The company's tables, and the system's where they live elsewhere.
    let homes = [home(dialect, "CI_Item"), home(dialect, "SY_Company")];
    for (place, (database, schema)) in homes.into_iter().enumerate() {
        if place > 0 && homes[0] == homes[1] {
            continue;
        }
        let cursor = session
            .statement()?
            .into_tables_cursor(database, schema, "%", "TABLE,VIEW")?;
        // The third is TABLE_NAME.
        names.extend(
            rows(cursor, 3)?
                .into_iter()
                .filter_map(|row| row.into_iter().nth(2)),
        );
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Database and schema for the catalogue's calls; blank where none is named.
fn home<'d>(dialect: &'d Dialect, table: &str) -> (&'d str, &'d str) {
    let (database, schema) = dialect.home_of(table);
    (database.unwrap_or(""), schema.unwrap_or(""))
}

/// The columns of a table in its order; none when there is no such table.
pub(crate) fn columns(session: &Session, dialect: &Dialect, table: &str) -> Result<Vec<ColumnInfo>, Error> {
    // The ninth is DECIMAL_DIGITS; drivers for ODBC 2 have no more than twelve.
    const WANTED: u16 = 9;
    let (database, schema) = home(dialect, table);
    let cursor = session
        .statement()?
        .into_columns_cursor(database, schema, table, "%")?;
    let found = rows(cursor, WANTED)?;
    let columns = found
        .into_iter()
        .filter(|row| is_table(row, dialect, table))
        .map(|row| {
            let text = |column: usize| row.get(column).map_or("", String::as_str);
            let (width, scale) = declared(text(5))
                .unwrap_or_else(|| (number(text(6)), u8::try_from(number(text(8))).unwrap_or(0)));
            ColumnInfo {
                name: text(3).to_owned(),
                type_name: text(5).to_owned(),
                width,
                scale,
            }
        });
    Ok(columns.collect())
}

/// Width and decimals where the type's name has them, as in `DECIMALTEXT(15,6)`: libsqliteodbc
/// names types as they were declared, and takes the decimals for the width.
fn declared(type_name: &str) -> Option<(usize, u8)> {
    let (_, size) = type_name.trim_end().strip_suffix(')')?.split_once('(')?;
    let (width, scale) = size.split_once(',').unwrap_or((size, "0"));
    Some((width.trim().parse().ok()?, scale.trim().parse().ok()?))
}

/// A number of the catalogue; 0 when the driver does not say.
fn number(text: &str) -> usize {
    text.trim().parse().unwrap_or(0)
}

/// `_` in a table's name is a wildcard to the catalogue, so every answer is compared.
fn is_table(row: &[String], dialect: &Dialect, table: &str) -> bool {
    row.get(2).is_some_and(|name| {
        if dialect.quoted {
            name == table
        } else {
            name.eq_ignore_ascii_case(table)
        }
    })
}

/// The first columns of a catalogue's rows as text.
fn rows(mut cursor: impl Cursor, wanted: u16) -> Result<Vec<Vec<String>>, Error> {
    let have = u16::try_from(cursor.num_result_cols()?).unwrap_or(0);
    let columns = usize::from(wanted.min(have));
    let buffer = TextRowSet::from_max_str_lens(ROWS, std::iter::repeat_n(NAME_BYTES, columns))?;
    let mut cursor = cursor.bind_buffer(buffer)?;
    let mut found = Vec::new();
    while let Some(batch) = cursor.fetch()? {
        for row in 0..batch.num_rows() {
            let text = |column| {
                batch
                    .at(column, row)
                    .map_or_else(String::new, |b| String::from_utf8_lossy(b).into_owned())
            };
            found.push((0..columns).map(text).collect());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_read_from_the_types_name() {
        for (name, found) in [
            ("DECIMALTEXT(15,6)", Some((15, 6))),
            ("VARCHAR(30)", Some((30, 0))),
            ("numeric( 9 , 2 ) ", Some((9, 2))),
            ("varchar", None),
            ("int() identity", None),
            ("nvarchar(max)", None),
        ] {
            assert_eq!(declared(name), found, "{name}");
        }
    }
}
