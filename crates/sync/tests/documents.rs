//! Reading whole documents from tables that may change between any two statements.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]
#![allow(dead_code, reason = "the tables are shared with other tests")]

mod tables;

use std::time::Duration;

use catalog::{Catalog, Dataset, RemovalReason, Value};
use sage::{ColumnInfo, Comparison, Dialect, Page, Probe, ReadError, ReadErrorCode, Reader, Select};
use sync::{Adaptation, DocumentPage, JoinCache, PageRequest, Shape, Suspect, Verdict, confirm, read_fill};
use tables::{LIMIT, Row, Rows, Tables, dataset, fit_with, row};
use values::Key;

/// Tables whose driver takes only what can be rendered, and gives no more than so many rows.
struct Strict {
    tables: Tables,
    most: usize,
}

impl Strict {
    fn new(rows: Rows) -> Self {
        Self {
            tables: Tables::new(rows),
            most: usize::MAX,
        }
    }

    /// Statements on this table that have this comparison.
    fn asked(&self, table: &str, comparison: Comparison) -> usize {
        let of = |s: &&Select| s.table == table && s.conditions.iter().any(|c| c.comparison == comparison);
        self.tables.asked.iter().filter(of).count()
    }
}

impl Reader for Strict {
    fn probe(&mut self) -> Result<Probe, ReadError> {
        self.tables.probe()
    }

    fn tables(&mut self) -> Result<Vec<String>, ReadError> {
        self.tables.tables()
    }

    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError> {
        self.tables.columns(table)
    }

    fn read(&mut self, select: &Select, max_rows: usize, limit: Duration) -> Result<Page, ReadError> {
        sage::render(select, &Dialect::default())
            .map_err(|e| ReadError::new(ReadErrorCode::DriverError, e.to_string()))?;
        self.tables.read(select, max_rows.min(self.most), limit)
    }
}

fn read_documents(
    reader: &mut dyn Reader,
    shape: &Shape,
    request: &PageRequest,
    limit: std::time::Duration,
) -> Result<DocumentPage, ReadError> {
    sync::read_documents(reader, shape, request, &mut JoinCache::default(), limit)
}

fn orders() -> Dataset {
    let mut orders = dataset(
        "sales_orders",
        &["Comment", "DateUpdated", "TimeUpdated", "ItemCode"],
    );
    orders.children.retain(|child| child.name == "lines");
    orders.successors.clear();
    orders
}

fn header(number: &str, comment: &str) -> Row {
    [
        ("SalesOrderNo", number),
        ("Comment", comment),
        ("DateUpdated", "2026-05-01"),
        ("TimeUpdated", "9.5"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

fn line(number: &str, key: &str, item: &str) -> Row {
    [("SalesOrderNo", number), ("LineKey", key), ("ItemCode", item)]
        .map(|(n, v)| (n, v.to_owned()))
        .into()
}

fn rows() -> Rows {
    let headers = ["1", "2", "3", "4", "5"].map(|n| header(n, "as it was")).to_vec();
    let lines = ["1", "2", "3", "4", "5"]
        .iter()
        .flat_map(|n| [line(n, "2", "B"), line(n, "1", "A")])
        .collect();
    [("SO_SalesOrderHeader", headers), ("SO_SalesOrderDetail", lines)].into()
}

fn fit(reader: &mut Tables) -> Shape {
    let (shape, problems) = fit_with(reader, &orders(), &Adaptation::default()).unwrap();
    assert_eq!(problems, []);
    shape
}

/// Order numbers, comments and items of the lines, in order.
fn shown(batch: &catalog::DocumentBatch) -> Vec<String> {
    let text = |value: Value<'_>| match value {
        Value::Text(text) => text.to_owned(),
        other => panic!("{other:?}"),
    };
    (0..batch.parents.num_rows())
        .map(|row| {
            let of = batch.parents_of(0);
            let lines = (0..of.len()).filter(|l| of.value(*l) as usize == row);
            let items: Vec<String> = lines.map(|l| text(batch.child_value(0, 1, l))).collect();
            format!(
                "{} {} {}",
                text(batch.parent_value(0, row)),
                text(batch.parent_value(1, row)),
                items.join("")
            )
        })
        .collect()
}

#[test]
fn pages_visit_every_document_once_with_its_lines_in_key_order() {
    let mut reader = Tables::new(rows());
    let shape = fit(&mut reader);
    let mut after = None;
    let mut found = Vec::new();
    loop {
        let request = PageRequest {
            since: None,
            after,
            limit: 2,
        };
        let page = read_documents(&mut reader, &shape, &request, LIMIT).unwrap();
        shape.dataset.check(&page.batch).unwrap();
        found.extend(shown(&page.batch));
        if page.end {
            break;
        }
        after = page.last;
    }
    assert_eq!(
        found,
        [
            "1 as it was AB",
            "2 as it was AB",
            "3 as it was AB",
            "4 as it was AB",
            "5 as it was AB"
        ]
    );
}

#[test]
fn a_delta_reads_only_what_is_stamped_since() {
    let mut reader = Tables::new(rows());
    reader.rows.get_mut("SO_SalesOrderHeader").unwrap()[3].insert("DateUpdated", "2026-05-09".into());
    let shape = fit(&mut reader);
    let since = values::parse_date("2026-05-02").unwrap();
    let request = PageRequest {
        since,
        after: None,
        limit: 10,
    };
    let page = read_documents(&mut reader, &shape, &request, LIMIT).unwrap();
    assert_eq!(shown(&page.batch), ["4 as it was AB"]);
    assert!(page.end);
}

#[test]
fn a_document_edited_while_it_is_read_is_read_again() {
    let mut reader = Tables::new(rows());
    let shape = fit(&mut reader);
    reader.before = Box::new(|statement, rows| {
        // Statement 1 reads the headers, 2 the lines: the clerk saves order 2 in between, a
        // line more and the header with it.
        if statement == 2 {
            rows.get_mut("SO_SalesOrderHeader").unwrap()[1] = header("2", "edited");
        }
        if statement == 3 {
            rows.get_mut("SO_SalesOrderDetail")
                .unwrap()
                .push(line("2", "3", "C"));
        }
    });
    let request = PageRequest {
        since: None,
        after: None,
        limit: 3,
    };
    let page = read_documents(&mut reader, &shape, &request, LIMIT).unwrap();
    let mut found = shown(&page.batch);
    found.sort();
    assert_eq!(found, ["1 as it was AB", "2 edited ABC", "3 as it was AB"]);
}

#[test]
fn a_document_that_leaves_while_it_is_read_is_left_out_whole() {
    let mut reader = Tables::new(rows());
    let shape = fit(&mut reader);
    reader.before = Box::new(|statement, rows| {
        if statement == 2 {
            rows.get_mut("SO_SalesOrderHeader")
                .unwrap()
                .retain(|r| r["SalesOrderNo"] != "2");
            rows.get_mut("SO_SalesOrderDetail")
                .unwrap()
                .retain(|r| r["SalesOrderNo"] != "2");
        }
    });
    let request = PageRequest {
        since: None,
        after: None,
        limit: 3,
    };
    let page = read_documents(&mut reader, &shape, &request, LIMIT).unwrap();
    assert_eq!(shown(&page.batch), ["1 as it was AB", "3 as it was AB"]);
    assert_eq!(page.last, Some(vec!["3".to_owned()]));
}

#[test]
fn a_column_that_the_site_lacks_is_blank_and_named() {
    let mut reader = Tables::new(rows());
    for row in reader.rows.get_mut("SO_SalesOrderHeader").unwrap() {
        row.remove("Comment");
    }
    let (shape, problems) = fit_with(&mut reader, &orders(), &Adaptation::default()).unwrap();
    let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        ["table SO_SalesOrderHeader has no column Comment; the field stays blank"]
    );
    let page = read_documents(
        &mut reader,
        &shape,
        &PageRequest {
            limit: 1,
            ..PageRequest::default()
        },
        LIMIT,
    )
    .unwrap();
    assert_eq!(shown(&page.batch), ["1  AB"]);
}

#[test]
fn a_missing_table_is_no_empty_one() {
    let mut reader = Tables::new(rows());
    reader.rows.remove("SO_SalesOrderDetail");
    let problem = fit_with(&mut reader, &orders(), &Adaptation::default()).unwrap_err();
    assert!(problem.is_fatal());
    assert_eq!(problem.code(), "table_missing");
}

fn at_most(limit: usize) -> PageRequest {
    PageRequest {
        limit,
        ..PageRequest::default()
    }
}

/// All keys that a pass gives, page by page.
fn pass(reader: &mut Strict, shape: &Shape, limit: usize) -> Vec<String> {
    let mut after = None;
    let mut found = Vec::new();
    for _ in 0..50 {
        let request = PageRequest {
            since: None,
            after,
            limit,
        };
        let page = read_documents(reader, shape, &request, LIMIT).unwrap();
        found.extend(shape.dataset.keys(&page.batch).iter().map(Key::to_string));
        if page.end {
            return found;
        }
        after = page.last;
    }
    panic!("the pass does not end: {found:?}")
}

fn price_level(customer: &str, code: &str, date: &str) -> Row {
    row(&[
        ("ARDivisionNo", "01"),
        ("CustomerNo", customer),
        ("ProductLine", ""),
        ("PriceCode", code),
        ("ShipToCode", ""),
        ("EffectiveDate", date),
        ("PriceLevel", "1"),
    ])
}

fn price_levels(levels: &[[&str; 3]]) -> (Strict, Shape) {
    let rows = levels
        .iter()
        .map(|[customer, code, date]| price_level(customer, code, date));
    let mut reader = Strict::new([("AR_PriceLevelByCustomer", rows.collect())].into());
    let dataset = dataset("price_levels_by_customer", &["PriceLevel"]);
    let (shape, _) = fit_with(&mut reader.tables, &dataset, &Adaptation::default()).unwrap();
    (reader, shape)
}

#[test]
fn blank_dates_in_keys_stop_no_pass() {
    let mixed = [
        ["A", "1", ""],
        ["A", "1", "2026-05-01"],
        ["A", "2", ""],
        ["B", "1", ""],
        ["B", "1", "2026-05-01"],
        ["B", "1", "2026-05-02"],
        ["C", "1", ""],
    ];
    let blank = [
        ["A", "1", ""],
        ["A", "2", ""],
        ["B", "1", ""],
        ["B", "2", ""],
        ["C", "1", ""],
    ];
    for levels in [&mixed[..], &blank[..]] {
        let wanted: Vec<String> = levels
            .iter()
            .map(|[customer, code, date]| Key::from_parts(["01", customer, "", code, "", date]).to_string())
            .collect();
        for limit in 1..=levels.len() {
            let (mut reader, shape) = price_levels(levels);
            assert_eq!(pass(&mut reader, &shape, limit), wanted, "in pages of {limit}");
        }
    }
}

#[test]
fn odd_dates_that_make_two_keys_the_same_stop_no_pass() {
    let (mut reader, shape) = price_levels(&[
        ["A", "1", ""],
        ["A", "1", "2026-13-45"],
        ["A", "1", "2026-99-99"],
        ["B", "1", "2026-05-01"],
    ]);
    let request = at_most(3);
    let page = read_documents(&mut reader, &shape, &request, LIMIT).unwrap();
    let keys = shape.dataset.keys(&page.batch);
    assert_eq!(keys[0], Key::from_parts(["01", "A", "", "1", "", ""]));
    let codes: Vec<&str> = page.findings.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["key_unwritable", "key_unwritable"]);
    assert_eq!(pass(&mut reader, &shape, 1).len(), 2);
}

#[test]
fn pages_of_keys_that_cannot_be_written_are_read_on() {
    let mut reader = Strict::new(rows());
    let tables = &mut reader.tables.rows;
    for number in ["\u{1}1", "\u{1}2", "\u{1}3", "2\t"] {
        tables
            .get_mut("SO_SalesOrderHeader")
            .unwrap()
            .push(header(number, "odd"));
        tables
            .get_mut("SO_SalesOrderDetail")
            .unwrap()
            .push(line(number, "1", "Z"));
    }
    let shape = fit(&mut reader.tables);
    let all = pass(&mut reader, &shape, 100);
    assert_eq!(all.len(), 9);
    for limit in 1..9 {
        assert_eq!(pass(&mut reader, &shape, limit), all, "in pages of {limit}");
    }
    let first = at_most(1);
    let page = read_documents(&mut reader, &shape, &first, LIMIT).unwrap();
    let mut found = shown(&page.batch);
    found.sort();
    assert_eq!(
        found,
        ["\u{1}1 odd Z", "\u{1}2 odd Z", "\u{1}3 odd Z", "1 as it was AB"]
    );
    let fill = read_fill(&mut reader, &shape, &["Comment".to_owned()], LIMIT).unwrap();
    let fill = fill.column("Comment").unwrap();
    assert_eq!((fill.rows, fill.filled), (9, 9));
}

#[test]
fn a_delta_leaves_out_what_no_statement_finds_and_says_so() {
    let mut reader = Strict::new(rows());
    let headers = reader.tables.rows.get_mut("SO_SalesOrderHeader").unwrap();
    headers.push(header("\u{1}1", "odd"));
    let shape = fit(&mut reader.tables);
    let request = PageRequest {
        since: values::parse_date("2026-05-01").unwrap(),
        after: None,
        limit: 100,
    };
    let page = read_documents(&mut reader, &shape, &request, LIMIT).unwrap();
    assert_eq!(page.batch.parents.num_rows(), 5);
    let findings: Vec<(&str, &str)> = page
        .findings
        .iter()
        .map(|f| (f.key.as_str(), f.code.as_str()))
        .collect();
    assert_eq!(findings, [("~011", "key_unwritable")]);
}

fn suspect(key: &[&str]) -> Suspect {
    Suspect {
        key: Key::from_parts(key),
        may_leave: false,
    }
}

#[test]
fn suspects_whose_key_cannot_be_written_stop_no_other() {
    let (mut reader, shape) =
        price_levels(&[["A", "1", ""], ["A", "1", "2026-05-01"], ["B", "1", "2026-05-01"]]);
    let suspects = [
        suspect(&["01", "A", "", "1", "", ""]),
        suspect(&["01", "A", "", "1", "", "2026-05-01"]),
        suspect(&["01", "B", "", "1", "", ""]),
        suspect(&["01", "C", "", "1", "", "2026-05-01"]),
    ];
    let verdicts = confirm(&mut reader, &shape, &suspects, &mut JoinCache::default(), LIMIT).unwrap();
    let gone = Verdict::Gone(RemovalReason::Deleted);
    assert_eq!(verdicts, [Verdict::There, Verdict::There, gone, gone]);

    let mut reader = Strict::new(rows());
    for number in 0..6_000 {
        let headers = reader.tables.rows.get_mut("SO_SalesOrderHeader").unwrap();
        headers.push(header(&format!("X{number:06}"), ""));
    }
    let shape = fit(&mut reader.tables);
    let suspects = [suspect(&["1"]), suspect(&["2\t"]), suspect(&["9"])];
    let verdicts = confirm(&mut reader, &shape, &suspects, &mut JoinCache::default(), LIMIT).unwrap();
    assert_eq!(verdicts, [Verdict::There, Verdict::Unwritable, gone]);
}

/// Orders of 2026 between many of 2010, and a site that loads from 2020 on.
fn window(between: usize) -> (Strict, Shape) {
    let mut reader = Strict::new(rows());
    for number in 0..between {
        let mut old = header(&format!("1{number:06}"), "old");
        old.insert("DateUpdated", "2010-05-01".into());
        reader
            .tables
            .rows
            .get_mut("SO_SalesOrderHeader")
            .unwrap()
            .push(old);
        let line = line(&format!("1{number:06}"), "1", "OLD");
        reader
            .tables
            .rows
            .get_mut("SO_SalesOrderDetail")
            .unwrap()
            .push(line);
    }
    let mut orders = orders();
    orders.dated = Some("DateUpdated".into());
    let adaptation = Adaptation {
        not_before: values::parse_date("2020-01-01").unwrap(),
        ..Adaptation::default()
    };
    let (shape, _) = fit_with(&mut reader.tables, &orders, &adaptation).unwrap();
    (reader, shape)
}

#[test]
fn a_window_reads_no_lines_of_the_old_documents_in_between() {
    let request = at_most(100);
    for (between, ranges) in [(1_000, 0), (50, 1)] {
        let (mut reader, shape) = window(between);
        let page = read_documents(&mut reader, &shape, &request, LIMIT).unwrap();
        assert_eq!(page.batch.parents.num_rows(), 5);
        assert_eq!(shown(&page.batch)[1], "2 as it was AB");
        assert_eq!(reader.asked("SO_SalesOrderDetail", Comparison::AtLeast), ranges);
    }
}

#[test]
fn ranges_with_too_many_rows_are_read_document_by_document() {
    let request = at_most(5);
    let mut reader = Strict::new(rows());
    reader.most = 5;
    let shape = fit(&mut reader.tables);
    let page = read_documents(&mut reader, &shape, &request, LIMIT).unwrap();
    let wanted = ["1", "2", "3", "4", "5"].map(|n| format!("{n} as it was AB"));
    assert_eq!(shown(&page.batch), wanted);
    // One document alone has too many.
    reader.most = 1;
    let one = at_most(1);
    assert!(read_documents(&mut reader, &shape, &one, LIMIT).is_err());
}

#[test]
fn what_a_window_hides_was_missed_by_no_scan() {
    let (mut reader, shape) = window(1);
    let suspects = [suspect(&["1"]), suspect(&["1000000"]), suspect(&["9"])];
    let verdicts = confirm(&mut reader, &shape, &suspects, &mut JoinCache::default(), LIMIT).unwrap();
    assert_eq!(
        verdicts,
        [
            Verdict::There,
            Verdict::Hidden,
            Verdict::Gone(RemovalReason::Deleted)
        ]
    );
}

const TEXTS: &str = "CI_ExtendedDescription";

/// Items whose long descriptions have these keys, in a table of twelve thousand of them.
fn described(keys: &[usize]) -> (Strict, Shape) {
    let mut items = Catalog::standard().unwrap().get("items").unwrap().clone();
    items.children.clear();
    items.fields.retain(|f| {
        f.is_udf() || f.join.is_some() || f.column == "ItemCode" || f.column.ends_with("Updated")
    });
    let key = |n: usize| if n == 0 { String::new() } else { format!("{n:010}") };
    let item = |(place, n): (usize, &usize)| {
        row(&[
            ("ItemCode", &format!("{place:05}")),
            ("ExtendedDescriptionKey", &key(*n)),
            ("DateUpdated", "2026-05-01"),
            ("TimeUpdated", "9"),
        ])
    };
    let text = |n: usize| {
        row(&[
            ("ExtendedDescriptionKey", &key(n)),
            ("ExtendedDescriptionText", &format!("text {n}")),
        ])
    };
    let tables: Rows = [
        ("CI_Item", keys.iter().enumerate().map(item).collect()),
        (TEXTS, (1..=12_000).map(text).collect()),
    ]
    .into();
    let mut reader = Strict::new(tables);
    let (shape, _) = fit_with(&mut reader.tables, &items, &Adaptation::default()).unwrap();
    (reader, shape)
}

#[test]
fn joined_tables_are_read_as_far_as_the_page_needs_them() {
    let dense: Vec<usize> = (100..300).collect();
    let sparse: Vec<usize> = (1..=10).map(|n| n * 1_000).collect();
    // Keys, then statements on the joined table: the first page tries to read all of it.
    for (keys, first, second) in [(&[0, 0][..], 0, 0), (&dense, 2, 1), (&sparse, 12, 11)] {
        let (mut reader, shape) = described(keys);
        let mut joins = JoinCache::default();
        let request = at_most(1_000);
        for wanted in [first, second] {
            reader.tables.asked.clear();
            let page = sync::read_documents(&mut reader, &shape, &request, &mut joins, LIMIT).unwrap();
            let asked = reader.tables.asked.iter().filter(|s| s.table == TEXTS).count();
            assert_eq!(asked, wanted);
            let fields = &shape.dataset.fields;
            let place = fields
                .iter()
                .position(|f| f.column == "ExtendedDescriptionText")
                .unwrap();
            for (row, key) in keys.iter().enumerate() {
                let text = if *key == 0 {
                    String::new()
                } else {
                    format!("text {key}")
                };
                assert_eq!(page.batch.parent_value(place, row), Value::Text(&text));
            }
            joins.forget_rows();
        }
    }
    let (mut reader, shape) = described(&[7]);
    reader.tables.rows.insert("CI_Item", Vec::new());
    reader.tables.asked.clear();
    let none = at_most(10);
    read_documents(&mut reader, &shape, &none, LIMIT).unwrap();
    assert!(reader.tables.asked.iter().all(|s| s.table != TEXTS));
}
