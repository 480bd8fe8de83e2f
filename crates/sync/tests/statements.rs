//! Every statement that reading can send, and that none leaves the subset which every
//! driver of Sage understands.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use catalog::{Catalog, Dataset};
use sage::{
    Cell, ColumnDecoder, ColumnInfo, Dialect, Page, Probe, ReadError, ReadErrorCode, Reader, Select, render,
};
use sync::{PageRequest, Shape, read_documents};

/// A site that has every column of the catalog, two rows for every statement, and remembers
/// what it was asked.
struct Recorder<'a> {
    dataset: &'a Dataset,
    statements: Vec<String>,
}

impl Reader for Recorder<'_> {
    fn probe(&mut self) -> Result<Probe, ReadError> {
        Err(ReadError::new(ReadErrorCode::DriverError, "not asked for here"))
    }

    fn tables(&mut self) -> Result<Vec<String>, ReadError> {
        Err(ReadError::new(ReadErrorCode::DriverError, "not asked for here"))
    }

    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError> {
        let own = (table == self.dataset.table).then_some(&self.dataset.fields);
        let children = self
            .dataset
            .children
            .iter()
            .filter(|c| c.table == table)
            .map(|c| &c.fields);
        let keys = self
            .dataset
            .children
            .iter()
            .flat_map(|c| c.parent_key.iter().cloned());
        let fields = own
            .into_iter()
            .chain(children)
            .flatten()
            .map(|f| f.column.clone());
        let info = |name| ColumnInfo {
            name,
            type_name: "VARCHAR".into(),
            width: 0,
            scale: 0,
        };
        Ok(fields.chain(keys).map(info).collect())
    }

    fn read(&mut self, select: &Select, _: usize, _: Duration) -> Result<Page, ReadError> {
        self.statements.push(render(select, &Dialect::default()).unwrap());
        let mut columns = Vec::new();
        let mut fields = Vec::new();
        for column in &select.columns {
            let mut decoder = ColumnDecoder::new(&column.name, column.kind);
            for row in ["1", "2"] {
                decoder.push(Cell::Text(if column.kind == values::Kind::Text {
                    row
                } else {
                    ""
                }));
            }
            fields.push(Field::new(
                &column.name,
                ColumnDecoder::data_type(column.kind),
                true,
            ));
            columns.push(decoder.finish().unwrap().0);
        }
        let rows = RecordBatch::try_new(Schema::new(fields).into(), columns).unwrap();
        Ok(Page {
            rows,
            end: true,
            findings: Vec::new(),
        })
    }
}

/// The statements of a first page, of one behind a key with odd bytes, and of a delta.
fn statements(dataset: &Dataset) -> Vec<String> {
    let mut recorder = Recorder {
        dataset,
        statements: Vec::new(),
    };
    let (shape, _) = Shape::fit(dataset, |table| recorder.columns(table))
        .unwrap()
        .unwrap();
    let behind = dataset
        .key
        .iter()
        .map(|_| "O'NEIL; DROP {x} \"y\"".to_owned())
        .collect();
    let since = dataset
        .stamped
        .then(|| values::parse_date("2026-05-01").unwrap())
        .flatten();
    for request in [
        PageRequest {
            since: None,
            after: None,
            limit: 100,
        },
        PageRequest {
            since: None,
            after: Some(behind),
            limit: 100,
        },
        PageRequest {
            since,
            after: None,
            limit: 100,
        },
    ] {
        read_documents(&mut recorder, &shape, &request, Duration::from_secs(1)).unwrap();
    }
    recorder.statements
}

#[test]
fn no_statement_leaves_the_subset() {
    let mut checked = 0;
    for dataset in Catalog::standard().unwrap().datasets() {
        for sql in statements(dataset) {
            assert_eq!(subset(&sql), Ok(()), "{sql}");
            checked += 1;
        }
    }
    assert!(checked >= 30, "only {checked} statements");
}

#[test]
fn the_statements_are_these() {
    for name in ["warehouses", "price_codes", "sales_orders"] {
        let catalog = Catalog::standard().unwrap();
        let mut dataset = catalog.get(name).unwrap().clone();
        // The columns are the catalog's business; the shape of the statements is this test's.
        let key = dataset.key.clone();
        dataset
            .fields
            .retain(|f| key.contains(&f.column) || f.column.ends_with("Updated"));
        for child in &mut dataset.children {
            let key = child.key.clone();
            child.fields.retain(|f| key.contains(&f.column));
        }
        insta::assert_snapshot!(name, statements(&dataset).join("\n"));
    }
}

#[test]
fn the_grammar_refuses_all_else() {
    for sql in [
        "SELECT A FROM T LIMIT 5",
        "SELECT A FROM T UNION SELECT A FROM U",
        "SELECT A FROM T WHERE A = 'x' OR B = 'y'",
        "SELECT A FROM T WHERE A IN ('x')",
        "SELECT A FROM T WHERE A = (SELECT B FROM U)",
        "SELECT CASE WHEN A = 'x' THEN A END FROM T",
        "SELECT * FROM T",
        "SELECT A FROM T; DELETE FROM T",
        "SELECT A FROM T -- x",
        "SELECT A FROM T, U",
        "DELETE FROM T",
        "SELECT A FROM T WHERE A = 'x",
        "SELECT A FROM T ORDER BY A DESC",
        "SELECT A FROM T WHERE D >= '2026-05-01' AND",
    ] {
        assert!(subset(sql).is_err(), "{sql}");
    }
}

/// Recognises the subset, apart from the renderer: one SELECT of named columns from one
/// table, comparisons joined by AND, ORDER BY ascending.
fn subset(sql: &str) -> Result<(), String> {
    let mut tokens = tokens(sql)?.into_iter().peekable();
    let mut expect = |wanted: &str| match tokens.next() {
        Some(token) if token == wanted => Ok(()),
        other => Err(format!("{other:?} where {wanted} belongs")),
    };
    expect("SELECT")?;
    let mut rest: Vec<String> = tokens.collect();
    let from = rest.iter().position(|t| t == "FROM").ok_or("no FROM")?;
    names(&rest[..from])?;
    rest.drain(..=from);
    let (table, rest) = rest.split_first().ok_or("no table")?;
    name(table)?;
    let order = rest.iter().position(|t| t == "ORDER").unwrap_or(rest.len());
    let (conditions, order) = rest.split_at(order);
    if let Some((first, conditions)) = conditions.split_first() {
        if first != "WHERE" {
            return Err(format!("{first} behind the table"));
        }
        for condition in conditions.split(|t| t == "AND") {
            match condition {
                [column, operator, value] if ["=", ">", ">=", "<="].contains(&operator.as_str()) => {
                    name(column)?;
                    if !value.starts_with('\'') && !value.starts_with("{d '") {
                        return Err(format!("{value} is no literal"));
                    }
                }
                other => return Err(format!("{other:?} is no comparison")),
            }
        }
    }
    match order {
        [] => Ok(()),
        [first, by, columns @ ..] if first == "ORDER" && by == "BY" => names(columns),
        other => Err(format!("{other:?} at the end")),
    }
}

fn names(tokens: &[String]) -> Result<(), String> {
    for (place, token) in tokens.iter().enumerate() {
        if place % 2 == 0 {
            name(token)?;
        } else if token != "," {
            return Err(format!("{token} between names"));
        }
    }
    if tokens.len() % 2 == 1 {
        Ok(())
    } else {
        Err("a name is missing".to_owned())
    }
}

fn name(token: &str) -> Result<(), String> {
    let reserved = [
        "SELECT", "FROM", "WHERE", "AND", "OR", "ORDER", "BY", "LIMIT", "UNION", "CASE", "IN", "DESC",
    ];
    let fits = token.starts_with(|c: char| c.is_ascii_alphabetic())
        && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fits && !reserved.contains(&token) {
        Ok(())
    } else {
        Err(format!("{token} is no name"))
    }
}

/// Words, commas, operators, `'…'` with doubled quotes, `{d '…'}`; nothing else.
fn tokens(sql: &str) -> Result<Vec<String>, String> {
    let chars: Vec<char> = sql.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        match chars[at] {
            ' ' => {
                at += 1;
                continue;
            }
            ',' | '=' => at += 1,
            '>' | '<' => at += if chars.get(at + 1) == Some(&'=') { 2 } else { 1 },
            '\'' => at = end_of_text(&chars, at)?,
            '{' => {
                if chars.get(at + 1..at + 4) != Some(&['d', ' ', '\'']) {
                    return Err("an escape that is no date".to_owned());
                }
                at = end_of_text(&chars, at + 3)?;
                if chars.get(at) != Some(&'}') {
                    return Err("a date that does not end".to_owned());
                }
                at += 1;
            }
            c if c.is_ascii_alphanumeric() || c == '_' => {
                while chars
                    .get(at)
                    .is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_')
                {
                    at += 1;
                }
            }
            c => return Err(format!("{c:?}")),
        }
        found.push(chars[start..at].iter().collect());
    }
    Ok(found)
}

fn end_of_text(chars: &[char], start: usize) -> Result<usize, String> {
    let mut at = start + 1;
    loop {
        match (chars.get(at), chars.get(at + 1)) {
            (Some('\''), Some('\'')) => at += 2,
            (Some('\''), _) => return Ok(at + 1),
            (Some(_), _) => at += 1,
            (None, _) => return Err("a text that does not end".to_owned()),
        }
    }
}
