//! Every statement that reading can send, and that none leaves the subset which every
//! driver of Sage understands.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use catalog::{Catalog, Class, Dataset};
use sage::{
    Cell, ColumnDecoder, ColumnInfo, Comparison, Dialect, Page, Probe, ReadError, ReadErrorCode, Reader,
    Select, render,
};
use sync::{
    Adaptation, Extra, FieldSteps, JoinCache, Keep, PageRequest, Remembered, Shape, Suspect, UserTable,
    confirm, explain, read_documents, read_fill, read_keys,
};
use values::{Key, Kind};

const LIMIT: Duration = Duration::from_secs(1);

/// A site that has every column of the catalog, two rows for every statement, and remembers
/// what it was asked.
struct Recorder<'a> {
    dataset: &'a Dataset,
    /// Every table is larger than what is read whole.
    large: bool,
    statements: Vec<String>,
}

impl Reader for Recorder<'_> {
    fn probe(&mut self) -> Result<Probe, ReadError> {
        Err(ReadError::new(ReadErrorCode::DriverError, "not asked for here"))
    }

    fn tables(&mut self) -> Result<Vec<String>, ReadError> {
        Ok(vec![self.dataset.table.clone()])
    }

    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError> {
        let dataset = self.dataset;
        let mut names: BTreeSet<&str> = ["UDF_A", "UDF_CODE"].into();
        if table == dataset.table {
            let own = dataset.fields.iter().filter(|f| f.join.is_none() && !f.is_udf());
            names.extend(own.map(|f| f.column.as_str()));
            names.extend(dataset.own_company.as_deref());
            names.extend(dataset.joins.iter().flat_map(|j| &j.on).map(|on| on.own.as_str()));
        }
        for (place, join) in dataset.joins.iter().enumerate().filter(|(_, j)| j.table == table) {
            names.extend(join.on.iter().map(|on| on.theirs.as_str()));
            let joined = dataset.fields.iter().filter(|f| f.join == Some(place));
            names.extend(joined.map(|f| f.column.as_str()));
        }
        for successor in dataset.successors.iter().filter(|s| s.table == table) {
            names.extend(successor.on.iter().map(|on| on.theirs.as_str()));
        }
        for child in dataset.children.iter().filter(|c| c.table == table) {
            names.extend(
                child
                    .fields
                    .iter()
                    .filter(|f| !f.is_udf())
                    .map(|f| f.column.as_str()),
            );
            names.extend(child.parent_key.iter().map(String::as_str));
        }
        let info = |name: &str| ColumnInfo {
            name: name.to_owned(),
            type_name: "VARCHAR".into(),
            width: 0,
            scale: 0,
        };
        Ok(names.into_iter().map(info).collect())
    }

    fn read(&mut self, select: &Select, max_rows: usize, _: Duration) -> Result<Page, ReadError> {
        self.statements.push(render(select, &Dialect::default()).unwrap());
        let mut columns = Vec::new();
        let mut fields = Vec::new();
        for column in &select.columns {
            let mut decoder = ColumnDecoder::new(column);
            // The rungs of a ladder find different rows.
            let behind = select
                .conditions
                .iter()
                .any(|c| c.comparison == Comparison::Greater);
            let rung = if behind { select.conditions.len() } else { 0 };
            for row in 1..3 {
                let row = rung * 2 + row;
                let date = format!("2026-05-{row:02}");
                let number = row.to_string();
                decoder.push(Cell::Text(if column.kind == Kind::Date {
                    &date
                } else {
                    &number
                }));
            }
            let kind = ColumnDecoder::data_type(column.kind);
            fields.push(Field::new(&column.name, kind, true));
            columns.push(decoder.finish().unwrap().0);
        }
        let rows = RecordBatch::try_new(Schema::new(fields).into(), columns).unwrap();
        let whole_table = select.conditions.is_empty() && max_rows == 5_000;
        Ok(Page {
            rows,
            end: !(self.large && whole_table),
            findings: Vec::new(),
        })
    }
}

fn site_rules() -> Adaptation {
    let look_up =
        r#"{ "look_up": { "table": "SITE_Codes", "on": { "UDF_CODE": "UDF_CODE" }, "column": "UDF_A" } }"#;
    Adaptation {
        udf: vec![Extra {
            name: "code".into(),
            column: "UDF_CODE".into(),
            class: Class::Public,
            expression: None,
        }],
        keep: vec![Keep::OneOf {
            column: "UDF_A".into(),
            values: vec!["1".into()],
        }],
        steps: vec![FieldSteps {
            column: "code".into(),
            child: None,
            steps: vec![serde_json::from_str(look_up).unwrap()],
        }],
        not_before: values::parse_date("2020-01-01").unwrap(),
        ..Adaptation::default()
    }
}

/// All that reading, confirming and watching this dataset can ask.
fn statements(dataset: &Dataset, adaptation: &Adaptation, large: bool) -> Vec<String> {
    let mut recorder = Recorder {
        dataset,
        large,
        statements: Vec::new(),
    };
    let (shape, _) = Shape::fit(dataset, adaptation, "ABC", &Remembered::new(), |table| {
        recorder.columns(table)
    })
    .unwrap()
    .unwrap();
    let odd = |kind: Kind| match kind {
        Kind::Date => "2026-05-01".to_owned(),
        Kind::Text | Kind::Json | Kind::Decimal { .. } => "O'NEIL; DROP {x} \"y\"".to_owned(),
    };
    let behind: Vec<String> = match &adaptation.table {
        Some(table) => table.key.iter().map(|_| odd(Kind::Text)).collect(),
        None => dataset
            .key_places()
            .iter()
            .map(|p| odd(dataset.fields[*p].kind))
            .collect(),
    };
    let key = Key::from_parts(&behind);
    let since = values::parse_date("2026-05-01")
        .unwrap()
        .filter(|_| dataset.stamped);
    for (since, after) in [(None, None), (None, Some(behind)), (since, None)] {
        let request = PageRequest {
            since,
            after,
            limit: 100,
        };
        let mut joins = JoinCache::default();
        read_documents(&mut recorder, &shape, &request, &mut joins, LIMIT).unwrap();
    }
    let mut joins = JoinCache::default();
    read_keys(
        &mut recorder,
        &shape,
        std::slice::from_ref(&key),
        &mut joins,
        LIMIT,
    )
    .unwrap();
    explain(&mut recorder, &shape, &key, LIMIT).unwrap();
    let suspect = Suspect {
        key,
        may_leave: false,
    };
    confirm(&mut recorder, &shape, &[suspect], &mut joins, LIMIT).unwrap();
    let column = shape.own_columns().last().map(|(_, column)| column.to_owned());
    if let Some(column) = column {
        read_fill(&mut recorder, &shape, &[column], LIMIT).unwrap();
    }
    recorder.statements
}

fn user_table() -> (Dataset, Adaptation) {
    let table = UserTable {
        table: "SITE_Routes".into(),
        key: vec!["UDF_CODE".into()],
        columns: vec![Extra {
            name: "a".into(),
            column: "UDF_A".into(),
            class: Class::Public,
            expression: None,
        }],
    };
    let adaptation = Adaptation {
        table: Some(table),
        ..Adaptation::default()
    };
    (Dataset::user_defined("udt_routes"), adaptation)
}

#[test]
fn no_statement_leaves_the_subset() {
    let mut checked = 0;
    let (routes, own) = user_table();
    let mut all: Vec<(Dataset, Adaptation)> = vec![(routes, own)];
    for dataset in Catalog::standard().unwrap().datasets() {
        all.push((dataset.clone(), Adaptation::default()));
        all.push((dataset.clone(), site_rules()));
    }
    for (dataset, adaptation) in &all {
        for large in [false, true] {
            for sql in statements(dataset, adaptation, large) {
                assert_eq!(subset(&sql), Ok(()), "{sql}");
                assert!(sage::grammar::parse(&sql, &Dialect::default()).is_ok(), "{sql}");
                checked += 1;
            }
        }
    }
    assert!(checked >= 800, "only {checked} statements");
}

#[test]
fn the_statements_are_these() {
    let catalog = Catalog::standard().unwrap();
    for name in [
        "warehouses",
        "price_codes",
        "sales_orders",
        "invoices",
        "items",
        "company_options",
    ] {
        let mut dataset = catalog.get(name).unwrap().clone();
        // The columns are the catalog's business; the shape of the statements is this test's.
        let key = dataset.key.clone();
        dataset.fields.retain(|f| {
            f.is_udf() || f.join.is_some() || key.contains(&f.column) || f.column.ends_with("Updated")
        });
        for child in &mut dataset.children {
            let key = child.key.clone();
            child.fields.retain(|f| f.is_udf() || key.contains(&f.column));
        }
        insta::assert_snapshot!(
            name,
            statements(&dataset, &Adaptation::default(), true).join("\n")
        );
    }
    let (routes, own) = user_table();
    insta::assert_snapshot!("user_table", statements(&routes, &own, false).join("\n"));
    let mut items = catalog.get("items").unwrap().clone();
    items
        .fields
        .retain(|f| f.is_udf() || f.column == "ItemCode" || f.column.ends_with("Updated"));
    items.children.clear();
    items.joins.clear();
    insta::assert_snapshot!("site_rules", statements(&items, &site_rules(), true).join("\n"));
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
        assert!(sage::grammar::parse(sql, &Dialect::default()).is_err(), "{sql}");
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
