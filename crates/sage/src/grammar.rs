//! The subset of SQL that every driver of Sage understands, read back: what [`crate::render`]
//! writes must parse here, and nothing else does.
//!
//! ```text
//! statement  = SELECT name { "," name } FROM { name "." } name
//!              [ WHERE condition { AND condition } ]
//!              [ ORDER BY name { "," name } ]
//! condition  = name ( "=" | ">" | ">=" | "<=" ) literal
//! literal    = "'" characters, quotes doubled "'" | "{d '" YYYY-MM-DD "'}"
//! ```
//! No LIMIT, UNION, sub-select, join, function, OR, comment, bracket or semicolon.

use values::Date;

use crate::{Comparison, DateLiteral, Dialect, Literal, Where as Condition};

/// A statement as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Columns in their order.
    pub columns: Vec<String>,
    /// Database and schema before the table, outermost first.
    pub home: Vec<String>,
    /// The table.
    pub table: String,
    /// All of them hold.
    pub conditions: Vec<Condition>,
    /// Columns to order by.
    pub order_by: Vec<String>,
}

/// A statement outside the subset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {expected} was expected")]
pub struct GrammarError {
    /// Byte of the statement.
    pub at: usize,
    /// What should stand there.
    pub expected: &'static str,
}

/// Database and schema at most.
const MAX_HOME: usize = 2;

/// Words that cannot be names, since they would end or widen the statement.
pub(crate) const RESERVED: [&str; 16] = [
    "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "ORDER", "BY", "UNION", "JOIN", "LIMIT", "TOP",
    "DISTINCT", "GROUP", "HAVING", "INTO",
];

/// Reads a statement of this dialect.
///
/// # Errors
/// [`GrammarError`] at the first byte that does not fit.
pub fn parse(sql: &str, dialect: &Dialect) -> Result<Parsed, GrammarError> {
    let mut text = Text { sql, at: 0, dialect };
    text.word("SELECT")?;
    let columns = text.names()?;
    text.word("FROM")?;
    let mut path = vec![text.name()?];
    while text.take(".") {
        path.push(text.name_here()?);
    }
    if path.len() > MAX_HOME + 1 {
        return Err(text.expected("a table with at most database and schema"));
    }
    let table = path.pop().unwrap_or_default();
    let mut conditions = Vec::new();
    if text.takes_word("WHERE") {
        conditions.push(text.condition()?);
        while text.takes_word("AND") {
            conditions.push(text.condition()?);
        }
    }
    let mut order_by = Vec::new();
    if text.takes_word("ORDER") {
        text.word("BY")?;
        order_by = text.names()?;
    }
    if text.rest().is_empty() {
        Ok(Parsed {
            columns,
            home: path,
            table,
            conditions,
            order_by,
        })
    } else {
        Err(text.expected("the end of the statement"))
    }
}

struct Text<'a> {
    sql: &'a str,
    at: usize,
    dialect: &'a Dialect,
}

impl<'a> Text<'a> {
    fn rest(&self) -> &'a str {
        self.sql.get(self.at..).unwrap_or("")
    }

    const fn expected(&self, expected: &'static str) -> GrammarError {
        GrammarError {
            at: self.at,
            expected,
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Exactly one blank stands between two words.
    fn blank(&mut self) -> bool {
        self.at == 0 || self.take(" ")
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let start = self.at;
        if self.blank() && self.bare_name() == Some(word) {
            return true;
        }
        self.at = start;
        false
    }

    fn word(&mut self, word: &'static str) -> Result<(), GrammarError> {
        if self.takes_word(word) {
            Ok(())
        } else {
            Err(self.expected(word))
        }
    }

    fn names(&mut self) -> Result<Vec<String>, GrammarError> {
        let mut names = vec![self.name()?];
        while self.take(",") {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn name(&mut self) -> Result<String, GrammarError> {
        if self.blank() {
            self.name_here()
        } else {
            Err(self.expected("a blank and a name"))
        }
    }

    fn name_here(&mut self) -> Result<String, GrammarError> {
        if self.dialect.quoted && !self.take("\"") {
            return Err(self.expected("a name in double quotes"));
        }
        let start = self.at;
        let name = self.bare_name();
        let is_free =
            |name: &&str| self.dialect.quoted || !RESERVED.iter().any(|word| word.eq_ignore_ascii_case(name));
        let Some(name) = name.filter(is_free) else {
            self.at = start;
            return Err(self.expected("a name"));
        };
        if self.dialect.quoted && !self.take("\"") {
            return Err(self.expected("a double quote"));
        }
        Ok(name.to_owned())
    }

    fn bare_name(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let length = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
            .count();
        let name = rest.get(..length)?;
        let starts = name.bytes().next()?;
        if !(starts.is_ascii_alphabetic() || starts == b'_') {
            return None;
        }
        self.at += length;
        Some(name)
    }

    fn condition(&mut self) -> Result<Condition, GrammarError> {
        let column = self.name()?;
        if !self.take(" ") {
            return Err(self.expected("a blank and a comparison"));
        }
        let comparison = if self.take(">=") {
            Comparison::AtLeast
        } else if self.take("<=") {
            Comparison::AtMost
        } else if self.take(">") {
            Comparison::Greater
        } else if self.take("=") {
            Comparison::Equal
        } else {
            return Err(self.expected("one of = > >= <="));
        };
        if !self.take(" ") {
            return Err(self.expected("a blank and a value"));
        }
        Ok(Condition {
            column,
            comparison,
            literal: self.literal()?,
        })
    }

    fn literal(&mut self) -> Result<Literal, GrammarError> {
        if self.take("{d ") {
            let text = self.quoted()?;
            if self.dialect.dates != DateLiteral::Escape || !self.take("}") {
                return Err(self.expected("} after the date"));
            }
            // 1753-01-01 is a date here: what a column holds where Premium has none.
            return match text.parse::<Date>() {
                Ok(date) if date.year() >= 0 && date.to_string() == text => Ok(Literal::Date(date)),
                Ok(_) | Err(_) => Err(self.expected("a date as YYYY-MM-DD")),
            };
        }
        self.quoted().map(Literal::Text)
    }

    fn quoted(&mut self) -> Result<String, GrammarError> {
        if !self.take("'") {
            return Err(self.expected("a text in single quotes"));
        }
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(character) = rest.chars().next() else {
                return Err(self.expected("the closing quote"));
            };
            if self.take("''") {
                text.push('\'');
            } else if self.take("'") {
                return Ok(text);
            } else if character.is_control() {
                return Err(self.expected("no control character"));
            } else {
                text.push(character);
                self.at += character.len_utf8();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use values::Kind;

    use super::*;
    use crate::{Column, Select, SelectError, render};

    #[test]
    fn what_widens_a_statement_is_refused() {
        let dialect = Dialect::default();
        parse(
            "SELECT A, B FROM CI_Item WHERE A = 'x' AND B >= {d '2026-05-01'} ORDER BY A",
            &dialect,
        )
        .unwrap();
        for (sql, at) in [
            ("", 0),
            ("DELETE FROM CI_Item", 0),
            ("select A FROM CI_Item", 0),
            ("SELECT * FROM CI_Item", 7),
            ("SELECT DISTINCT A FROM CI_Item", 7),
            ("SELECT TOP 5 A FROM CI_Item", 7),
            ("SELECT A FROM CI_Item LIMIT 5", 21),
            ("SELECT A FROM CI_Item;", 21),
            ("SELECT A FROM CI_Item -- x", 21),
            ("SELECT A FROM CI_Item /* x */", 21),
            ("SELECT A FROM CI_Item UNION SELECT A FROM B", 21),
            ("SELECT A FROM CI_Item, B", 21),
            ("SELECT A FROM CI_Item B", 21),
            ("SELECT A FROM {oj CI_Item LEFT OUTER JOIN B ON A = C}", 14),
            ("SELECT A FROM (SELECT A FROM B)", 14),
            ("SELECT A FROM a.b.c.d", 21),
            ("SELECT COUNT(A) FROM CI_Item", 12),
            ("SELECT A AS B FROM CI_Item", 8),
            ("SELECT \"A\" FROM CI_Item", 7),
            ("SELECT A FROM CI_Item WHERE A = 'x' OR B = 'y'", 35),
            ("SELECT A FROM CI_Item WHERE NOT A = 'x'", 28),
            ("SELECT A FROM CI_Item WHERE (A = 'x')", 28),
            ("SELECT A FROM CI_Item WHERE A <> 'x'", 30),
            ("SELECT A FROM CI_Item WHERE A < 'x'", 30),
            ("SELECT A FROM CI_Item WHERE A LIKE 'x%'", 30),
            ("SELECT A FROM CI_Item WHERE A IN ('x')", 30),
            ("SELECT A FROM CI_Item WHERE A IS NULL", 30),
            ("SELECT A FROM CI_Item WHERE A = B", 32),
            ("SELECT A FROM CI_Item WHERE A = 5", 32),
            ("SELECT A FROM CI_Item WHERE A = ?", 32),
            ("SELECT A FROM CI_Item WHERE A = 'x", 34),
            ("SELECT A FROM CI_Item WHERE A = {d '2026-5-1'}", 46),
            ("SELECT A FROM CI_Item WHERE A = {fn LCASE('x')}", 32),
            ("SELECT A FROM CI_Item ORDER BY A DESC", 32),
            ("SELECT A FROM CI_Item ORDER BY 1", 31),
            ("SELECT A FROM CI_Item GROUP BY A", 21),
            ("SELECT  A FROM CI_Item", 7),
            ("SELECT A\nFROM CI_Item", 8),
        ] {
            let found = parse(sql, &dialect).map_err(|e| e.at);
            assert_eq!(found, Err(at), "{sql}");
        }
        let quoted = Dialect {
            quoted: true,
            ..Dialect::default()
        };
        assert!(parse("SELECT A FROM CI_Item", &quoted).is_err());
    }

    fn name() -> impl Strategy<Value = String> {
        "[A-Za-z_][A-Za-z0-9_]{0,20}".prop_filter("a word of the language", |n: &String| {
            !RESERVED.iter().any(|w| w.eq_ignore_ascii_case(n))
        })
    }

    fn condition() -> impl Strategy<Value = Condition> {
        let comparison = prop_oneof![
            Just(Comparison::Equal),
            Just(Comparison::Greater),
            Just(Comparison::AtLeast),
            Just(Comparison::AtMost)
        ];
        let literal = prop_oneof![
            ".{0,30}".prop_map(Literal::Text),
            Just(Literal::Date(Date::constant(1753, 1, 1))),
            (1900_i16..2100, 1_i8..=12, 1_i8..=28)
                .prop_map(|(y, m, d)| Literal::Date(Date::constant(y, m, d))),
        ];
        (name(), comparison, literal).prop_map(|(column, comparison, literal)| Condition {
            column,
            comparison,
            literal,
        })
    }

    proptest! {
        #[test]
        fn whatever_is_rendered_is_read_back(
            table in name(),
            columns in prop::collection::vec(name(), 1..5),
            conditions in prop::collection::vec(condition(), 0..4),
            order_by in prop::collection::vec(name(), 0..4),
            schema in prop::option::of(name()),
        ) {
            let select = Select {
                table: table.clone(),
                columns: columns.iter().map(|n| Column::new(n, Kind::Text)).collect(),
                conditions: conditions.clone(),
                order_by: order_by.clone(),
            };
            let dialect = Dialect { schema, ..Dialect::default() };
            match render(&select, &dialect) {
                Ok(sql) => {
                    let parsed = parse(&sql, &dialect);
                    let wanted = Parsed { columns, home: dialect.schema.iter().cloned().collect(), table, conditions, order_by };
                    prop_assert_eq!(parsed, Ok(wanted), "{}", sql);
                }
                Err(SelectError::Value { .. }) => {}
                Err(other) => prop_assert!(false, "{}", other),
            }
        }

        #[test]
        fn odd_texts_are_refused_without_a_panic(text in ".{0,200}") {
            if let Ok(parsed) = parse(&text, &Dialect::default()) {
                prop_assert!(!parsed.columns.is_empty());
            }
        }
    }
}
