//! A row under work, with the columns that the company's file declares: widths differ by
//! release and sites add columns, so nothing about a table is known in advance but its name.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, ToSql, types::ValueRef};
use values::{Date, Decimal, DecimalError, Stamp, parse_date};

use crate::SandboxError;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// Text of at most so many characters; `None` for memos.
    Text(Option<usize>),
    /// A number of so many decimals.
    Number(u8),
    /// A date or none.
    Date,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Sage's name.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) kind: FieldKind,
    /// Digits before the decimal point, where the file declares how many.
    pub(crate) digits: Option<u32>,
    /// Part of the primary key.
    pub(crate) is_key: bool,
}

/// A table's columns as its file declares them.
#[derive(Debug)]
pub(crate) struct Layout {
    table: String,
    fields: Vec<Field>,
}

/// Storage under the simulated engine failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// SQLite said no.
    #[error("company file: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A setting of the company is not what it should be.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// An amount that its column cannot hold.
    #[error("amount: {0}")]
    Decimal(#[from] DecimalError),
    /// The file lacks a table that the engine works on.
    #[error("company file: no table {0}")]
    NoTable(String),
    /// A fault ended the engine between two transactions of one call.
    #[error("the script engine ended inside the call")]
    Ended,
    /// A cell that is no value of its column.
    #[error("company file: {table}.{column} holds {text:?}, which is no {kind}")]
    BadCell {
        /// Table.
        table: String,
        /// Column.
        column: String,
        /// What stands there.
        text: String,
        /// What should.
        kind: &'static str,
    },
}

impl Layout {
    /// Reads the columns of `table`.
    pub(crate) fn read(db: &Connection, table: &str) -> Result<Arc<Self>, StoreError> {
        Self::read_if_any(db, table)?.ok_or_else(|| StoreError::NoTable(table.to_owned()))
    }

    /// The same, or `None` when the file has no such table.
    pub(crate) fn read_if_any(db: &Connection, table: &str) -> Result<Option<Arc<Self>>, StoreError> {
        let mut statement = db.prepare_cached("SELECT name, type, pk FROM pragma_table_info(?1)")?;
        let fields = statement
            .query_map([table], |row| {
                let declared: String = row.get(1)?;
                Ok(Field {
                    name: row.get(0)?,
                    kind: FieldKind::of_declared(&declared),
                    digits: digits_of_declared(&declared),
                    is_key: row.get::<_, i64>(2)? > 0,
                })
            })?
            .collect::<Result<Vec<_>, _>>()?;
        Ok((!fields.is_empty()).then(|| {
            Arc::new(Self {
                table: table.to_owned(),
                fields,
            })
        }))
    }

    /// The column of that name.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}

/// `decimal(15,6)` has room for nine.
fn digits_of_declared(declared: &str) -> Option<u32> {
    let (_, arguments) = declared.split_once('(')?;
    let (all, decimals) = arguments.trim_end_matches(')').split_once(',')?;
    let all: u32 = all.trim().parse().ok()?;
    all.checked_sub(decimals.trim().parse().ok()?)
}

impl FieldKind {
    fn of_declared(declared: &str) -> Self {
        let declared = declared.to_ascii_lowercase();
        let (name, arguments) = declared.split_once('(').unwrap_or((&declared, ""));
        let mut numbers = arguments
            .trim_end_matches(')')
            .split(',')
            .map(|n| n.trim().parse::<usize>().ok());
        let first = numbers.next().flatten();
        let second = numbers.next().flatten();
        if ["dec", "num", "int"].iter().any(|t| name.starts_with(t)) {
            Self::Number(second.and_then(|s| u8::try_from(s).ok()).unwrap_or(0))
        } else if name.starts_with("date") {
            Self::Date
        } else {
            Self::Text(first)
        }
    }
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Trimmed at the right.
    Text(String),
    /// At the column's scale.
    Number(Decimal),
    /// A date or none.
    Date(Option<Date>),
}

/// A row under work.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    layout: Arc<Layout>,
    cells: Vec<Cell>,
}

impl Record {
    /// All blank and zero, as Sage keeps a new row.
    pub(crate) fn blank(layout: &Arc<Layout>) -> Self {
        let cells = layout
            .fields
            .iter()
            .map(|field| match field.kind {
                FieldKind::Text(_) => Cell::Text(String::new()),
                FieldKind::Number(scale) => Cell::Number(Decimal::zero(scale)),
                FieldKind::Date => Cell::Date(None),
            })
            .collect();
        Self {
            layout: Arc::clone(layout),
            cells,
        }
    }

    /// The rows of `table` in which every named column equals its text, in key order.
    pub(crate) fn read_all(
        db: &Connection,
        layout: &Arc<Layout>,
        having: &[(&str, &str)],
    ) -> Result<Vec<Self>, StoreError> {
        let columns = quoted(layout.fields.iter().map(|field| field.name.as_str()));
        let condition = having
            .iter()
            .map(|(name, _)| format!("\"{name}\" = ?"))
            .collect::<Vec<_>>()
            .join(" AND ");
        let keys = quoted(layout.fields.iter().filter(|f| f.is_key).map(|f| f.name.as_str()));
        let order = if keys.is_empty() {
            String::from("rowid")
        } else {
            keys
        };
        let sql = format!(
            "SELECT {columns} FROM \"{}\" WHERE {condition} ORDER BY {order}",
            layout.table
        );
        let mut statement = db.prepare_cached(&sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(having.iter().map(|(_, v)| v)))?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let mut record = Self::blank(layout);
            for (index, field) in layout.fields.iter().enumerate() {
                record.cells[index] = cell_of(layout, field, row.get_ref(index)?)?;
            }
            records.push(record);
        }
        Ok(records)
    }

    /// The first of [`Record::read_all`].
    pub(crate) fn read_one(
        db: &Connection,
        layout: &Arc<Layout>,
        having: &[(&str, &str)],
    ) -> Result<Option<Self>, StoreError> {
        Ok(Self::read_all(db, layout, having)?.into_iter().next())
    }

    /// One row of a table that the file may lack.
    pub(crate) fn look_up(
        db: &Connection,
        table: &str,
        having: &[(&str, &str)],
    ) -> Result<Option<Self>, StoreError> {
        match Layout::read_if_any(db, table)? {
            Some(layout) => Self::read_one(db, &layout, having),
            None => Ok(None),
        }
    }

    /// The columns.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The cell of that name.
    pub(crate) fn cell(&self, name: &str) -> Option<&Cell> {
        self.layout.position(name).map(|index| &self.cells[index])
    }

    /// A text; blank when the table has no such column.
    pub(crate) fn text(&self, name: &str) -> &str {
        match self.cell(name) {
            Some(Cell::Text(text)) => text,
            Some(Cell::Number(_) | Cell::Date(_)) | None => "",
        }
    }

    /// A number; zero when the table has no such column.
    pub(crate) fn number(&self, name: &str) -> Decimal {
        match self.cell(name) {
            Some(Cell::Number(number)) => *number,
            Some(Cell::Text(_) | Cell::Date(_)) | None => Decimal::zero(0),
        }
    }

    /// A date or none.
    pub(crate) fn date(&self, name: &str) -> Option<Date> {
        match self.cell(name) {
            Some(Cell::Date(date)) => *date,
            Some(Cell::Text(_) | Cell::Number(_)) | None => None,
        }
    }

    /// Puts a text, cut to the column's width; a table without the column stays as it is.
    pub(crate) fn put_text(&mut self, name: &str, text: &str) {
        if let Some(index) = self.layout.position(name)
            && let FieldKind::Text(width) = self.layout.fields[index].kind
        {
            let width = width.unwrap_or(usize::MAX);
            self.cells[index] = Cell::Text(text.chars().take(width).collect());
        }
    }

    /// Puts a number at the column's scale, rounded; a table without the column stays.
    pub(crate) fn put_number(&mut self, name: &str, number: Decimal) -> Result<(), StoreError> {
        if let Some(index) = self.layout.position(name)
            && let FieldKind::Number(scale) = self.layout.fields[index].kind
        {
            self.cells[index] = Cell::Number(number.rescale(scale)?);
        }
        Ok(())
    }

    /// Puts a date; a table without the column stays as it is.
    pub(crate) fn put_date(&mut self, name: &str, date: Option<Date>) {
        if let Some(index) = self.layout.position(name)
            && self.layout.fields[index].kind == FieldKind::Date
        {
            self.cells[index] = Cell::Date(date);
        }
    }

    /// Takes every column that both have under the same name.
    pub(crate) fn copy_from(&mut self, other: &Self) -> Result<(), StoreError> {
        for (field, cell) in other.layout.fields.iter().zip(&other.cells) {
            self.put_cell(&field.name, cell)?;
        }
        Ok(())
    }

    /// Takes another record's column under a name of our own.
    pub(crate) fn copy_column(&mut self, name: &str, from: &Self, column: &str) -> Result<(), StoreError> {
        match from.cell(column) {
            Some(cell) => self.put_cell(name, cell),
            None => Ok(()),
        }
    }

    fn put_cell(&mut self, name: &str, cell: &Cell) -> Result<(), StoreError> {
        match cell {
            Cell::Text(text) => self.put_text(name, text),
            Cell::Number(number) => self.put_number(name, *number)?,
            Cell::Date(date) => self.put_date(name, *date),
        }
        Ok(())
    }

    /// Sets `DateUpdated`, `TimeUpdated`, `UserUpdatedKey`, and for a new row their twins.
    pub(crate) fn stamp(&mut self, stamp: Stamp, user_key: &str, is_new: bool) {
        let verbs: &[&str] = if is_new {
            &["Created", "Updated"]
        } else {
            &["Updated"]
        };
        for verb in verbs {
            self.put_date(&format!("Date{verb}"), Some(stamp.date()));
            self.put_text(&format!("Time{verb}"), &stamp.hours_text());
            self.put_text(&format!("User{verb}Key"), user_key);
        }
    }

    /// Inserts the row, or replaces the one under the same key.
    pub(crate) fn store(&self, db: &Connection) -> Result<(), StoreError> {
        self.delete(db)?;
        let columns = quoted(self.layout.fields.iter().map(|field| field.name.as_str()));
        let marks = vec!["?"; self.layout.fields.len()].join(", ");
        let sql = format!(
            "INSERT INTO \"{}\" ({columns}) VALUES ({marks})",
            self.layout.table
        );
        db.prepare_cached(&sql)?
            .execute(rusqlite::params_from_iter(self.cells.iter()))?;
        Ok(())
    }

    /// Deletes the row under this key.
    pub(crate) fn delete(&self, db: &Connection) -> Result<(), StoreError> {
        let keys: Vec<_> = self
            .layout
            .fields
            .iter()
            .zip(&self.cells)
            .filter(|(field, _)| field.is_key)
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let condition = keys
            .iter()
            .map(|(field, _)| format!("\"{}\" = ?", field.name))
            .collect::<Vec<_>>()
            .join(" AND ");
        let sql = format!("DELETE FROM \"{}\" WHERE {condition}", self.layout.table);
        db.prepare_cached(&sql)?
            .execute(rusqlite::params_from_iter(keys.iter().map(|(_, cell)| cell)))?;
        Ok(())
    }
}

/// As the sandbox's tables keep them: text, decimals as text at their scale, ISO dates, and
/// blank for none.
impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Number(number) => Ok(number.to_string().into()),
            Self::Date(Some(date)) => Ok(date.to_string().into()),
            Self::Date(None) => "".to_sql(),
        }
    }
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

fn cell_of(layout: &Layout, field: &Field, value: ValueRef<'_>) -> Result<Cell, StoreError> {
    let bad = |text: &str, kind| StoreError::BadCell {
        table: layout.table.clone(),
        column: field.name.clone(),
        text: text.to_owned(),
        kind,
    };
    let text = match (value, field.kind) {
        (ValueRef::Null, _) => String::new(),
        (ValueRef::Integer(number), _) => number.to_string(),
        // A site's own column may be declared with numeric affinity: fifteen digits come back.
        (ValueRef::Real(number), FieldKind::Number(scale)) => format!("{number:.*}", usize::from(scale)),
        (ValueRef::Real(number), FieldKind::Text(_) | FieldKind::Date) => number.to_string(),
        (ValueRef::Text(bytes) | ValueRef::Blob(bytes), _) => String::from_utf8_lossy(bytes).into_owned(),
    };
    match field.kind {
        FieldKind::Text(_) => Ok(Cell::Text(text.trim_end().to_owned())),
        FieldKind::Number(scale) => Decimal::parse(&text, scale)
            .map(Cell::Number)
            .map_err(|_| bad(&text, "number of that scale")),
        FieldKind::Date => parse_date(&text).map(Cell::Date).map_err(|_| bad(&text, "date")),
    }
}

/// Does any row of `table` have these columns? `None` when there is no such table.
pub(crate) fn exists(
    db: &Connection,
    table: &str,
    having: &[(&str, &str)],
) -> Result<Option<bool>, StoreError> {
    if Layout::read_if_any(db, table)?.is_none() {
        return Ok(None);
    }
    let condition = having
        .iter()
        .map(|(name, _)| format!("\"{name}\" = ?"))
        .collect::<Vec<_>>()
        .join(" AND ");
    let sql = format!("SELECT 1 FROM \"{table}\" WHERE {condition} LIMIT 1");
    let found = db
        .prepare_cached(&sql)?
        .query_row(rusqlite::params_from_iter(having.iter().map(|(_, v)| v)), |_| {
            Ok(())
        })
        .optional()?;
    Ok(Some(found.is_some()))
}
