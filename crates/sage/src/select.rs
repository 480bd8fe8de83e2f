//! The one statement that is ever sent to the ERP, and its one renderer.
//!
//! The subset is the one that every ProvideX driver from 4.x on understands: one SELECT
//! from one table, conditions joined by AND, ORDER BY; no LIMIT, no UNION, no sub-select,
//! no CASE, no OR. Dates are `{d '…'}` escapes.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use values::{Date, Kind};

use crate::grammar;

/// `SELECT columns FROM table WHERE … AND … ORDER BY …`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Select {
    /// Sage table.
    pub table: String,
    /// Columns in the order in which they come back.
    pub columns: Vec<Column>,
    /// All must hold.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Columns, ascending, in the ERP's own collation.
    #[serde(default)]
    pub order_by: Vec<String>,
}

/// A column and what it is to be read as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Sage column.
    pub name: String,
    /// What its text means.
    pub kind: Kind,
    /// Characters or digits that the site's catalogue declares, where it does: a value beyond
    /// them arrives, with a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u16>,
}

impl Column {
    /// A column of this kind, of whatever width.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            width: None,
        }
    }

    /// The same with its declared width; 0 is none.
    #[must_use]
    pub fn with_width(mut self, width: usize) -> Self {
        self.width = u16::try_from(width).ok().filter(|w| *w > 0);
        self
    }
}

/// `column comparison literal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Sage column.
    pub column: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub literal: Literal,
}

/// The comparisons that key scans need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `=`
    Equal,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
}

/// A value in a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Literal {
    /// Rendered in single quotes, quotes doubled.
    Text(String),
    /// Rendered as the dialect writes dates.
    Date(Date),
}

/// What differs between the drivers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// Put before the table with a point: a schema (`dbo`), or a database and its schema
    /// (`MAS_ABC.dbo`).
    #[serde(default)]
    pub schema: Option<String>,
    /// The same for tables of the system rather than of the company (`SY_…`): on Premium they
    /// live in a database of their own (`MAS_SYSTEM.dbo`). None: like the others.
    #[serde(default)]
    pub system_schema: Option<String>,
    /// How dates are written.
    #[serde(default)]
    pub dates: DateLiteral,
    /// Names in double quotes: needed where the server folds case (`PostgreSQL`).
    #[serde(default)]
    pub quoted: bool,
}

/// Tables of the system rather than of one company begin so.
const SYSTEM_TABLES: &str = "SY_";

impl Dialect {
    /// Database and schema of a table, as far as they are named.
    #[must_use]
    pub fn home_of(&self, table: &str) -> (Option<&str>, Option<&str>) {
        let is_system = table
            .get(..SYSTEM_TABLES.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(SYSTEM_TABLES));
        let home = self.system_schema.as_deref().filter(|_| is_system);
        match home.or(self.schema.as_deref()) {
            Some(home) => match home.split_once('.') {
                Some((database, schema)) => (Some(database), Some(schema)),
                None => (None, Some(home)),
            },
            None => (None, None),
        }
    }
}

/// How a date literal is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateLiteral {
    /// `{d '2026-05-01'}`, understood by every ODBC driver.
    #[default]
    Escape,
    /// `'2026-05-01'`, for stores that are reached without ODBC.
    Plain,
}

/// Why a statement is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Names come from configuration too; only letters, digits and `_` are let through, and no
    /// word of the language unless names are quoted.
    #[error("{0:?} is not a table or column name")]
    Name(String),
    /// A control character would not survive the driver's parser.
    #[error("a value for {column} has a control character")]
    Value {
        /// The column compared.
        column: String,
    },
    /// No column was asked for.
    #[error("no columns")]
    NoColumns,
}

/// Renders the statement.
///
/// # Errors
/// [`SelectError`] when a name or value could leave the subset.
pub fn render(select: &Select, dialect: &Dialect) -> Result<String, SelectError> {
    let mut sql = String::from("SELECT ");
    if select.columns.is_empty() {
        return Err(SelectError::NoColumns);
    }
    for (place, column) in select.columns.iter().enumerate() {
        if place > 0 {
            sql.push_str(", ");
        }
        push_name(&mut sql, &column.name, dialect)?;
    }
    sql.push_str(" FROM ");
    let (database, schema) = dialect.home_of(&select.table);
    for home in [database, schema].into_iter().flatten() {
        push_name(&mut sql, home, dialect)?;
        sql.push('.');
    }
    push_name(&mut sql, &select.table, dialect)?;
    for (place, condition) in select.conditions.iter().enumerate() {
        sql.push_str(if place == 0 { " WHERE " } else { " AND " });
        push_name(&mut sql, &condition.column, dialect)?;
        sql.push_str(match condition.comparison {
            Comparison::Equal => " = ",
            Comparison::Greater => " > ",
            Comparison::AtLeast => " >= ",
            Comparison::AtMost => " <= ",
        });
        push_literal(&mut sql, condition, dialect)?;
    }
    for (place, column) in select.order_by.iter().enumerate() {
        sql.push_str(if place == 0 { " ORDER BY " } else { ", " });
        push_name(&mut sql, column, dialect)?;
    }
    debug_assert!(grammar::parse(&sql, dialect).is_ok(), "outside the subset: {sql}");
    Ok(sql)
}

fn push_name(sql: &mut String, name: &str, dialect: &Dialect) -> Result<(), SelectError> {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let is_word = || {
        grammar::RESERVED
            .iter()
            .any(|word| word.eq_ignore_ascii_case(name))
    };
    if !starts || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') || (!dialect.quoted && is_word()) {
        return Err(SelectError::Name(name.to_owned()));
    }
    let quote = if dialect.quoted { "\"" } else { "" };
    sql.push_str(quote);
    sql.push_str(name);
    sql.push_str(quote);
    Ok(())
}

fn push_literal(sql: &mut String, condition: &Condition, dialect: &Dialect) -> Result<(), SelectError> {
    match &condition.literal {
        Literal::Text(text) => {
            if text.chars().any(char::is_control) {
                return Err(SelectError::Value {
                    column: condition.column.clone(),
                });
            }
            sql.push('\'');
            sql.push_str(&text.replace('\'', "''"));
            sql.push('\'');
        }
        Literal::Date(date) => {
            let written = match dialect.dates {
                DateLiteral::Escape => write!(sql, "{{d '{date}'}}"),
                DateLiteral::Plain => write!(sql, "'{date}'"),
            };
            // Writing to a String cannot fail.
            debug_assert!(written.is_ok());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select() -> Select {
        Select {
            table: "IM_PriceCode".into(),
            columns: vec![
                Column::new("PriceCode", Kind::Text),
                Column::new("UDF_X", Kind::Date),
            ],
            conditions: vec![
                Condition {
                    column: "ItemCode".into(),
                    comparison: Comparison::Equal,
                    literal: Literal::Text("O'NEIL".into()),
                },
                Condition {
                    column: "DateUpdated".into(),
                    comparison: Comparison::AtLeast,
                    literal: Literal::Date(Date::constant(2026, 5, 1)),
                },
            ],
            order_by: vec!["PriceCode".into(), "ItemCode".into()],
        }
    }

    #[test]
    fn renders_the_subset() {
        assert_eq!(
            render(&select(), &Dialect::default()).unwrap(),
            "SELECT PriceCode, UDF_X FROM IM_PriceCode WHERE ItemCode = 'O''NEIL' AND DateUpdated >= {d '2026-05-01'} ORDER BY PriceCode, ItemCode"
        );
        let premium = Dialect {
            schema: Some("dbo".into()),
            ..Dialect::default()
        };
        assert!(
            render(&select(), &premium)
                .unwrap()
                .contains(" FROM dbo.IM_PriceCode ")
        );
        let with_system = Dialect {
            system_schema: Some("MAS_SYSTEM.dbo".into()),
            ..premium
        };
        let of = |table: &str| {
            let select = Select {
                table: table.into(),
                ..select()
            };
            render(&select, &with_system).unwrap()
        };
        assert!(of("SY_SalesTaxCode").contains(" FROM MAS_SYSTEM.dbo.SY_SalesTaxCode "));
        assert!(of("IM_PriceCode").contains(" FROM dbo.IM_PriceCode "));
    }

    #[test]
    fn refuses_what_could_leave_it() {
        let mut odd = select();
        odd.table = "CI_Item; DROP TABLE x".into();
        assert!(matches!(
            render(&odd, &Dialect::default()),
            Err(SelectError::Name(_))
        ));
        let mut odd = select();
        odd.order_by = vec!["Union".into()];
        assert_eq!(
            render(&odd, &Dialect::default()),
            Err(SelectError::Name("Union".into()))
        );
        let quoted = Dialect {
            quoted: true,
            ..Dialect::default()
        };
        assert!(render(&odd, &quoted).unwrap().ends_with(" ORDER BY \"Union\""));
        for schema in ["a.b.c", "MAS_SYSTEM.", ".dbo", "dbo; --", "a b.dbo"] {
            let dialect = Dialect {
                system_schema: Some(schema.into()),
                ..Dialect::default()
            };
            let mut system = select();
            system.table = "SY_Company".into();
            assert!(
                matches!(render(&system, &dialect), Err(SelectError::Name(_))),
                "{schema}"
            );
        }
        let mut odd = select();
        odd.conditions[0].literal = Literal::Text("a\nb".into());
        assert!(matches!(
            render(&odd, &Dialect::default()),
            Err(SelectError::Value { .. })
        ));
    }
}
