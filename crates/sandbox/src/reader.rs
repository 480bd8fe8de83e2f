//! The sandbox as a reader of the ERP port: the company file read directly.

mod fault;

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use sage::{
    Cell, Column, ColumnDecoder, ColumnInfo, DateLiteral, Dialect, Page, Probe, ReadError, ReadErrorCode,
    Reader, Select, render,
};
use values::Kind;

use self::fault::Fault;
use crate::settings::{COMPANY_CODE, Settings};
use crate::{SandboxError, company};

/// Reads a company file, and never writes to it.
#[derive(Debug)]
pub struct SandboxReader {
    connection: Connection,
    path: PathBuf,
    dialect: Dialect,
}

impl SandboxReader {
    /// Opens a company that exists, for reading only.
    ///
    /// # Errors
    /// [`ReadErrorCode::WrongDatabase`] when nothing is there or it is no company.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let connection = company::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| {
            let wrong = matches!(error, SandboxError::WrongDatabase { .. });
            let code = if wrong {
                ReadErrorCode::WrongDatabase
            } else {
                ReadErrorCode::ConnectFailed
            };
            ReadError::new(code, error.to_string())
        })?;
        let dialect = Dialect {
            dates: DateLiteral::Plain,
            ..Dialect::default()
        };
        Ok(Self {
            connection,
            path: path.to_owned(),
            dialect,
        })
    }

    fn fault(&self, table: &str, select: Option<&Select>) -> Option<Fault> {
        fault::of(&self.connection, table, select)
    }

    fn rows(&self, sql: &str, select: &Select, max_rows: usize) -> Result<Page, ReadError> {
        let failed = |error: rusqlite::Error| read_error(&error, &select.table);
        let mut decoders: Vec<_> = select.columns.iter().map(ColumnDecoder::new).collect();
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        let mut taken = 0;
        let end = loop {
            let Some(row) = rows.next().map_err(failed)? else {
                break true;
            };
            if taken == max_rows {
                break false;
            }
            for (place, decoder) in decoders.iter_mut().enumerate() {
                push(decoder, row.get_ref(place).map_err(failed)?);
            }
            taken += 1;
        };
        finish(&select.columns, decoders, end).map_err(|error| {
            ReadError::new(
                ReadErrorCode::DriverError,
                format!("rows of {}: {error}", select.table),
            )
        })
    }
}

impl Reader for SandboxReader {
    fn probe(&mut self) -> Result<Probe, ReadError> {
        // A company without settings is one that a test made by hand.
        let code = Settings::new(&self.connection).get(COMPANY_CODE).ok().flatten();
        Ok(Probe {
            driver: "sandbox".to_owned(),
            driver_version: env!("CARGO_PKG_VERSION").to_owned(),
            database: format!(
                "sandbox company {} in {}",
                code.as_deref().unwrap_or("?"),
                self.path.display()
            ),
        })
    }

    fn tables(&mut self) -> Result<Vec<String>, ReadError> {
        let failed = |error: rusqlite::Error| read_error(&error, "catalogue");
        // The sandbox's own tables begin with an underscore or with sqlite.
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') \
                 AND name GLOB '[A-Z]*' ORDER BY name",
            )
            .map_err(failed)?;
        let names = statement.query_map([], |row| row.get(0)).map_err(failed)?;
        let names = names.collect::<Result<Vec<String>, _>>().map_err(failed)?;
        let is_seen = |table: &String| self.fault(table, None) != Some(Fault::Denied);
        Ok(names.into_iter().filter(is_seen).collect())
    }

    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError> {
        if self.fault(table, None) == Some(Fault::Denied) {
            return Ok(Vec::new());
        }
        let failed = |error: rusqlite::Error| read_error(&error, table);
        let mut statement = self
            .connection
            .prepare_cached("SELECT name, type FROM pragma_table_info(?1) ORDER BY cid")
            .map_err(failed)?;
        let columns = statement
            .query_map([table], |row| {
                Ok(column_info(row.get(0)?, row.get_ref(1)?.as_str()?))
            })
            .map_err(failed)?;
        columns.collect::<Result<_, _>>().map_err(failed)
    }

    fn read(&mut self, select: &Select, max_rows: usize, time_limit: Duration) -> Result<Page, ReadError> {
        let sql = render(select, &self.dialect).map_err(|error| {
            ReadError::new(
                ReadErrorCode::DriverError,
                format!("statement for {}: {error}", select.table),
            )
        })?;
        let interrupt = self.connection.get_interrupt_handle();
        let (done, wait) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                if wait.recv_timeout(time_limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                    interrupt.interrupt();
                }
            });
            let page = self.rows(&sql, select, max_rows);
            drop(done);
            match self.fault(&select.table, Some(select)) {
                Some(fault) => fault.apply(page?, &select.table, time_limit),
                None => page,
            }
        })
    }
}

fn push(decoder: &mut ColumnDecoder, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => decoder.push(Cell::Null),
        // A date column turns bare digits into a number.
        ValueRef::Integer(number) => decoder.push(Cell::Text(&number.to_string())),
        ValueRef::Real(number) => decoder.push(Cell::Text(&number.to_string())),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => decoder.push(Cell::Text(text)),
            Err(_) => decoder.push(Cell::Bytes(bytes)),
        },
    }
}

fn finish(
    columns: &[Column],
    decoders: Vec<ColumnDecoder>,
    end: bool,
) -> Result<Page, arrow_schema::ArrowError> {
    let mut arrays = Vec::with_capacity(decoders.len());
    let mut findings = Vec::new();
    for decoder in decoders {
        let (array, found) = decoder.finish()?;
        arrays.push(array);
        findings.extend(found);
    }
    let fields: Vec<_> = columns
        .iter()
        .map(|c| Field::new(&c.name, ColumnDecoder::data_type(c.kind), c.kind == Kind::Date))
        .collect();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
    Ok(Page { rows, end, findings })
}

/// `VARCHAR(30)` is 30 wide, `DECIMALTEXT(15,6)` has 15 digits and 6 decimals.
fn column_info(name: String, declared: &str) -> ColumnInfo {
    let (type_name, size) = declared
        .trim_end_matches(')')
        .split_once('(')
        .unwrap_or((declared, ""));
    let (width, scale) = size.split_once(',').unwrap_or((size, ""));
    ColumnInfo {
        name,
        type_name: type_name.to_owned(),
        width: width.trim().parse().unwrap_or(0),
        scale: scale.trim().parse().unwrap_or(0),
    }
}

fn read_error(error: &rusqlite::Error, table: &str) -> ReadError {
    let words = error.to_string();
    let code = if words.contains("no such table") {
        ReadErrorCode::TableMissing
    } else if words.contains("no such column") {
        ReadErrorCode::ColumnMissing
    } else {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => ReadErrorCode::TimedOut,
            Some(ErrorCode::NotADatabase) => ReadErrorCode::WrongDatabase,
            _ => ReadErrorCode::DriverError,
        }
    };
    ReadError::new(code, format!("{table}: {words}"))
}

#[cfg(test)]
mod tests {
    use sage::contract::{READER_FIXTURE_SQL, check_reader};

    use super::*;

    #[test]
    fn keeps_the_readers_contract() {
        let folder = tempfile::tempdir().unwrap();
        let fixture = folder.path().join("fixture.db");
        Connection::open(&fixture)
            .unwrap()
            .execute_batch(READER_FIXTURE_SQL)
            .unwrap();
        check_reader(
            &mut |path| Ok(Box::new(SandboxReader::open(path)?)),
            &fixture,
            &folder.path().join("missing.db"),
        );
    }

    #[test]
    fn a_read_that_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let fixture = folder.path().join("fixture.db");
        let connection = Connection::open(&fixture).unwrap();
        connection.execute_batch(READER_FIXTURE_SQL).unwrap();
        // A view that never ends stands in for a table on a slow share.
        connection
            .execute_batch("CREATE VIEW Slow AS WITH RECURSIVE n(ItemCode) AS (SELECT 'a' UNION ALL SELECT 'a' FROM n) SELECT ItemCode FROM n")
            .unwrap();
        let mut reader = SandboxReader::open(&fixture).unwrap();
        let select = Select {
            table: "Slow".into(),
            columns: vec![Column::new("ItemCode", Kind::Text)],
            conditions: vec![sage::Where {
                column: "ItemCode".into(),
                comparison: sage::Comparison::Equal,
                literal: sage::Literal::Text("b".into()),
            }],
            order_by: Vec::new(),
        };
        let error = reader.read(&select, 10, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.code, ReadErrorCode::TimedOut, "{error:?}");
    }
}
