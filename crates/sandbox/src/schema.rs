//! The tables of a Sage company as data: `schema/tables.tsv`, from published layouts.
//!
//! Text is kept as `VARCHAR(n)`, dates as `DATE`, and decimals as `DECIMALTEXT(p,s)`,
//! whose affinity is text: a number stays the very text that was written. As in Sage,
//! nothing is NULL: blank is the empty text, an unset number `0`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rusqlite::Connection;
use values::Kind;

use crate::SandboxError;

/// One table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Sage table.
    pub name: String,
    /// Columns in their order.
    pub columns: Vec<Column>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Sage column.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Width in characters or digits; 0 for memos and dates.
    pub width: u16,
    /// Place in the primary key, from 1.
    pub key: Option<u8>,
    /// Where the column is known from.
    pub source: Source,
}

/// Where a column is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A published layout.
    Layout,
    /// No layout is published: known in part, the rest plausible.
    Guess,
    /// A user-defined field that the driver asks for.
    Udf,
}

impl Table {
    /// The key columns in key order.
    #[must_use]
    pub fn key(&self) -> Vec<&str> {
        let mut key: Vec<_> = self
            .columns
            .iter()
            .filter_map(|c| c.key.map(|k| (k, c.name.as_str())))
            .collect();
        key.sort_unstable();
        key.into_iter().map(|(_, name)| name).collect()
    }

    /// Has the table a column of this name?
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c.name == column)
    }

    /// The statement that makes the table.
    #[must_use]
    pub fn create_sql(&self) -> String {
        let mut parts: Vec<String> = self
            .columns
            .iter()
            .map(|c| format!("\"{}\" {}", c.name, c.declaration()))
            .collect();
        let key = self.key();
        if !key.is_empty() {
            let key: Vec<_> = key.iter().map(|k| format!("\"{k}\"")).collect();
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        format!("CREATE TABLE \"{}\" ({})", self.name, parts.join(", "))
    }
}

impl Column {
    /// Type and default as `SQLite` is told them.
    #[must_use]
    pub fn declaration(&self) -> String {
        match self.kind {
            Kind::Text | Kind::Json if self.width == 0 => "TEXT NOT NULL DEFAULT ''".to_owned(),
            Kind::Text | Kind::Json => format!("VARCHAR({}) NOT NULL DEFAULT ''", self.width),
            Kind::Date => "DATE NOT NULL DEFAULT ''".to_owned(),
            Kind::Decimal { scale } => format!("DECIMALTEXT({},{scale}) NOT NULL DEFAULT '0'", self.width),
        }
    }
}

static TABLES: LazyLock<BTreeMap<String, Table>> =
    LazyLock::new(|| parse(include_str!("../schema/tables.tsv")));

/// All tables by name.
#[must_use]
pub fn tables() -> &'static BTreeMap<String, Table> {
    &TABLES
}

/// The table of this name, spelt as Sage spells it.
#[must_use]
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.get(name)
}

/// Makes all tables in an empty file.
///
/// # Errors
/// When `SQLite` fails.
pub fn create_tables(connection: &Connection) -> Result<(), SandboxError> {
    for table in tables().values() {
        connection.execute_batch(&table.create_sql())?;
    }
    Ok(())
}

/// The embedded file is checked by tests: a line that cannot be read is left out there
/// and fails them.
fn parse(text: &str) -> BTreeMap<String, Table> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for line in text.lines().filter(|l| !l.starts_with('#')).skip(1) {
        if let Some((table, column)) = parse_line(line) {
            tables
                .entry(table.to_owned())
                .or_insert_with(|| Table {
                    name: table.to_owned(),
                    columns: Vec::new(),
                })
                .columns
                .push(column);
        }
    }
    tables
}

fn parse_line(line: &str) -> Option<(&str, Column)> {
    let fields: Vec<_> = line.split('\t').collect();
    let &[table, name, declared, key, source] = fields.as_slice() else {
        return None;
    };
    let (kind, width) = parse_type(declared)?;
    let key = if key.is_empty() {
        None
    } else {
        Some(key.parse().ok()?)
    };
    let source = match source {
        "layout" => Source::Layout,
        "guess" => Source::Guess,
        "udf" => Source::Udf,
        _ => return None,
    };
    Some((
        table,
        Column {
            name: name.to_owned(),
            kind,
            width,
            key,
            source,
        },
    ))
}

fn parse_type(declared: &str) -> Option<(Kind, u16)> {
    let Some((word, size)) = declared.trim_end_matches(')').split_once('(') else {
        return match declared {
            "memo" => Some((Kind::Text, 0)),
            "date" => Some((Kind::Date, 0)),
            _ => None,
        };
    };
    match (word, size.split_once(',')) {
        ("text", None) => Some((Kind::Text, size.parse().ok()?)),
        ("decimal", Some((digits, scale))) => Some((
            Kind::Decimal {
                scale: scale.parse().ok()?,
            },
            digits.parse().ok()?,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_file_is_read() {
        let text = include_str!("../schema/tables.tsv");
        let lines = text.lines().filter(|l| !l.starts_with('#')).count() - 1;
        let columns: usize = tables().values().map(|t| t.columns.len()).sum();
        assert_eq!(columns, lines);
        assert!(tables().len() > 50);
    }

    #[test]
    fn keys_and_types_are_as_published() {
        let price = table("IM_PriceCode").unwrap();
        assert_eq!(
            price.key(),
            [
                "PriceCodeRecord",
                "PriceCode",
                "ItemCode",
                "CustomerPriceLevel",
                "ARDivisionNo",
                "CustomerNo"
            ]
        );
        assert!(
            price
                .create_sql()
                .contains("\"DiscountMarkup1\" DECIMALTEXT(15,6) NOT NULL DEFAULT '0'")
        );
        assert!(table("SO_SalesOrderHeader").unwrap().has("UDF_ERP_DRIVER_ID"));
        for table in tables().values() {
            let named: Vec<_> = table.columns.iter().filter_map(|c| c.key).collect();
            let mut sorted = named.clone();
            sorted.sort_unstable();
            let expected: Vec<u8> = (1..).take(named.len()).collect();
            assert_eq!(sorted, expected, "{}: key places run from 1", table.name);
            assert!(!named.is_empty(), "{} has a key", table.name);
        }
    }

    #[test]
    fn all_tables_can_be_made_and_keep_numbers_as_text() {
        let connection = Connection::open_in_memory().unwrap();
        create_tables(&connection).unwrap();
        connection
            .execute(
                "INSERT INTO CI_Item (ItemCode, StandardUnitPrice) VALUES ('X', '79.500000')",
                [],
            )
            .unwrap();
        let (price, cost): (String, String) = connection
            .query_row(
                "SELECT StandardUnitPrice, StandardUnitCost FROM CI_Item",
                [],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
            .unwrap();
        assert_eq!((price.as_str(), cost.as_str()), ("79.500000", "0"));
    }
}
