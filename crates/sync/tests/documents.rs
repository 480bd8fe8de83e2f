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

use catalog::{Dataset, Value};
use sage::ReadError;
use sync::{Adaptation, DocumentPage, JoinCache, PageRequest, Shape};
use tables::{LIMIT, Row, Rows, Tables, dataset, fit_with};

fn read_documents(
    reader: &mut Tables,
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
