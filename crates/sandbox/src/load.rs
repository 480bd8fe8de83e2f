//! Loading CSV exports of Sage tables: one file per table, named as the table, with a
//! header row. Values are kept as the very text that stands in the file.

use std::fs::File;
use std::path::{Path, PathBuf};

use csv::{ErrorKind, StringRecord};
use rusqlite::{Connection, Transaction, params_from_iter};
use serde::Serialize;
use values::{Decimal, Kind, parse_date};

use crate::company::Company;
use crate::row::{TableShape, quoted};
use crate::schema;
use crate::settings::{NEXT_INVOICE_NO, NEXT_SALES_ORDER_NO, Settings};
use crate::{Place, SandboxError};

/// More columns than any Sage table has with its user-defined fields; `SQLite` binds no
/// more than 32766 values either.
const MAX_COLUMNS: usize = 2000;

/// What was taken from one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadedFile {
    /// The file.
    pub file: PathBuf,
    /// The table that it filled.
    pub table: String,
    /// Rows taken, new and replaced ones together.
    pub rows: u64,
    /// Columns that the table did not have; they hold text.
    pub added_columns: Vec<String>,
    /// The table was not known: it was made, without a key.
    pub new_table: bool,
}

/// Loads every `*.csv` in a folder, by name; each file whole or not at all. Rows whose
/// key is there already are replaced; a table without a key is replaced as a whole.
/// Next numbers move beyond the documents that were loaded. `progress` is told each file.
///
/// # Errors
/// [`SandboxError::File`] naming file, line and column at the first thing that cannot be
/// taken; files before it stay loaded.
pub fn load(
    company: &mut Company,
    folder: &Path,
    progress: &mut dyn FnMut(&LoadedFile),
) -> Result<Vec<LoadedFile>, SandboxError> {
    let mut loaded = Vec::new();
    for file in csv_files(folder)? {
        let report = load_file(company.connection_mut(), &file)?;
        progress(&report);
        loaded.push(report);
    }
    advance_numbers(company.connection())?;
    Ok(loaded)
}

fn csv_files(folder: &Path) -> Result<Vec<PathBuf>, SandboxError> {
    let failed = |source| SandboxError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(SandboxError::File {
            file: folder.to_owned(),
            place: Place::default(),
            problem: "the folder has no .csv file: give the folder that holds CI_Item.csv and the like"
                .to_owned(),
        });
    }
    Ok(files)
}

fn load_file(connection: &mut Connection, file: &Path) -> Result<LoadedFile, SandboxError> {
    let at = |line, column: Option<&str>, problem: String| SandboxError::File {
        file: file.to_owned(),
        place: Place {
            line,
            column: column.map(str::to_owned),
        },
        problem,
    };
    let table = file
        .file_stem()
        .and_then(|s| s.to_str())
        .unwrap_or_default()
        .to_owned();
    if quoted(&table).is_err() || table.starts_with("sqlite") || table.starts_with("sandbox") {
        return Err(at(
            None,
            None,
            "the file's name is no table: name it as the table, CI_Item.csv".to_owned(),
        ));
    }
    let source = File::open(file).map_err(|source| SandboxError::Io {
        path: file.to_owned(),
        source,
    })?;
    let mut reader = csv::ReaderBuilder::new().from_reader(source);
    let header = reader.headers().map_err(|e| csv_error(file, &e))?.clone();
    let names = header_names(&header, &at)?;

    let transaction = connection.transaction()?;
    let (shape, added_columns, new_table) = prepare_table(&transaction, &table, &names)?;
    if let Some(missing) = shape.key.iter().find(|k| !names.contains(k)) {
        return Err(at(
            Some(1),
            Some(missing),
            format!("the header lacks a column of {table}'s key: export it too"),
        ));
    }
    let kinds: Vec<Option<Kind>> = names
        .iter()
        .map(|name| {
            schema::table(&table)?
                .columns
                .iter()
                .find(|c| c.name == *name)
                .map(|c| c.kind)
        })
        .collect();
    let rows = write_rows(&transaction, &shape, &names, &kinds, &mut reader, file)?;
    transaction.commit()?;
    Ok(LoadedFile {
        file: file.to_owned(),
        table,
        rows,
        added_columns,
        new_table,
    })
}

/// Makes an error of a line, a column and a problem.
type Report<'a> = &'a dyn Fn(Option<u64>, Option<&str>, String) -> SandboxError;

fn header_names(header: &StringRecord, at: Report<'_>) -> Result<Vec<String>, SandboxError> {
    if header.is_empty() || header.len() > MAX_COLUMNS {
        return Err(at(
            Some(1),
            None,
            format!("{} columns: the first line names the columns", header.len()),
        ));
    }
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for (place, name) in header.iter().enumerate() {
        // Excel puts a byte order mark before the first name.
        let name = name.trim_start_matches('\u{feff}').trim();
        if quoted(name).is_err() {
            let problem = format!(
                "{name:?} is no column name: letters, digits and _ only; the first line names the columns"
            );
            return Err(at(Some(1), Some(&(place + 1).to_string()), problem));
        }
        if names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            return Err(at(
                Some(1),
                Some(name),
                "the column stands twice in the header: remove one".to_owned(),
            ));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// Makes what the table lacks, and tells what that was.
fn prepare_table(
    transaction: &Transaction<'_>,
    table: &str,
    names: &[String],
) -> Result<(TableShape, Vec<String>, bool), SandboxError> {
    // 250 is the widest text in Sage's layouts.
    const DECLARATION: &str = "VARCHAR(250) NOT NULL DEFAULT ''";
    match TableShape::of(transaction, table) {
        Ok(shape) => {
            let added: Vec<String> = names.iter().filter(|n| !shape.has(n)).cloned().collect();
            for name in &added {
                let sql = format!(
                    "ALTER TABLE {} ADD COLUMN {} {DECLARATION}",
                    quoted(table)?,
                    quoted(name)?
                );
                transaction.execute_batch(&sql)?;
            }
            if shape.key.is_empty() {
                transaction.execute(&format!("DELETE FROM {}", quoted(table)?), [])?;
            }
            Ok((shape, added, false))
        }
        Err(SandboxError::TableMissing { .. }) => {
            let columns: Vec<_> = names
                .iter()
                .map(|n| Ok(format!("{} {DECLARATION}", quoted(n)?)))
                .collect::<Result<_, SandboxError>>()?;
            transaction.execute_batch(&format!(
                "CREATE TABLE {} ({})",
                quoted(table)?,
                columns.join(", ")
            ))?;
            Ok((
                TableShape {
                    name: table.to_owned(),
                    columns: names.to_vec(),
                    key: Vec::new(),
                },
                Vec::new(),
                true,
            ))
        }
        Err(error) => Err(error),
    }
}

fn write_rows(
    transaction: &Transaction<'_>,
    shape: &TableShape,
    names: &[String],
    kinds: &[Option<Kind>],
    reader: &mut csv::Reader<File>,
    file: &Path,
) -> Result<u64, SandboxError> {
    let mut statement = transaction.prepare(&upsert_sql(shape, names)?)?;
    let mut record = StringRecord::new();
    let mut rows = 0;
    while reader.read_record(&mut record).map_err(|e| csv_error(file, &e))? {
        for ((value, kind), name) in record.iter().zip(kinds).zip(names) {
            if let Some(problem) = problem_of(value, *kind) {
                return Err(SandboxError::File {
                    file: file.to_owned(),
                    place: Place {
                        line: record.position().map(csv::Position::line),
                        column: Some(name.clone()),
                    },
                    problem,
                });
            }
        }
        statement.execute(params_from_iter(record.iter()))?;
        rows += 1;
    }
    Ok(rows)
}

fn upsert_sql(shape: &TableShape, names: &[String]) -> Result<String, SandboxError> {
    let columns: Vec<_> = names.iter().map(|n| quoted(n)).collect::<Result<_, _>>()?;
    let marks = vec!["?"; columns.len()].join(", ");
    let mut sql = format!(
        "INSERT INTO {} ({}) VALUES ({marks})",
        quoted(&shape.name)?,
        columns.join(", ")
    );
    if !shape.key.is_empty() {
        let key: Vec<_> = shape.key.iter().map(|k| quoted(k)).collect::<Result<_, _>>()?;
        let updates: Vec<_> = columns
            .iter()
            .filter(|c| !key.contains(c))
            .map(|c| format!("{c} = excluded.{c}"))
            .collect();
        let action = if updates.is_empty() {
            "NOTHING".to_owned()
        } else {
            format!("UPDATE SET {}", updates.join(", "))
        };
        sql.push_str(&format!(" ON CONFLICT ({}) DO {action}", key.join(", ")));
    }
    Ok(sql)
}

/// What is wrong with a value, and the mend.
fn problem_of(value: &str, kind: Option<Kind>) -> Option<String> {
    match kind? {
        Kind::Text if value.contains('\0') => Some("the value has a NUL character: remove it".to_owned()),
        Kind::Date if parse_date(value).is_err() => Some(format!(
            "{value:?} is no date: write 2026-05-31, or leave it blank"
        )),
        Kind::Decimal { .. } if !value.is_empty() && value.parse::<Decimal>().is_err() => Some(format!(
            "{value:?} is no number: write 1234.50 without separators, or leave it blank"
        )),
        Kind::Text | Kind::Json | Kind::Date | Kind::Decimal { .. } => None,
    }
}

fn csv_error(file: &Path, error: &csv::Error) -> SandboxError {
    let line = error.position().map(csv::Position::line);
    let problem = if let ErrorKind::UnequalLengths {
        expected_len, len, ..
    } = error.kind()
    {
        format!(
            "{len} values where the header has {expected_len} columns: look for an unquoted comma, or a quote that is not closed"
        )
    } else if let ErrorKind::Utf8 { .. } = error.kind() {
        "the text is not UTF-8: save the file as CSV UTF-8".to_owned()
    } else {
        format!("it cannot be read as CSV ({error})")
    };
    SandboxError::File {
        file: file.to_owned(),
        place: Place { line, column: None },
        problem,
    }
}

/// A number that a loaded document has must not be given out again.
fn advance_numbers(connection: &Connection) -> Result<(), SandboxError> {
    let settings = Settings::new(connection);
    for (name, column, tables) in [
        (
            NEXT_SALES_ORDER_NO,
            "SalesOrderNo",
            ["SO_SalesOrderHeader", "SO_SalesOrderHistoryHeader"],
        ),
        (
            NEXT_INVOICE_NO,
            "InvoiceNo",
            ["SO_InvoiceHeader", "AR_InvoiceHistoryHeader"],
        ),
    ] {
        let next = settings.get_number(name)?.unwrap_or(1);
        let mut beyond = next;
        for table in tables {
            let sql = format!(
                "SELECT coalesce(max(CAST({column} AS INTEGER)), 0) + 1 FROM {table} WHERE {column} NOT GLOB '*[^0-9]*'"
            );
            let after: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
            beyond = beyond.max(u64::try_from(after).unwrap_or(0));
        }
        if beyond > next {
            settings.set(name, &format!("{beyond:07}"))?;
        }
    }
    Ok(())
}
