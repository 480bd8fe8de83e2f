//! Nested rows and joined values that are gone at once are not believed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]
#![allow(dead_code, reason = "the tables are shared with other tests")]

mod tables;

use catalog::{Catalog, Dataset};
use sage::Reader;
use sync::{Adaptation, ColumnFill, Shape, read_fill};
use tables::{LIMIT, Rows, Tables, dataset, first_page, fit_with, row};

/// Over the whole table.
fn whole(reader: &mut dyn Reader, shape: &Shape, name: &str) -> ColumnFill {
    let fill = read_fill(reader, shape, &[name.to_owned()], LIMIT).unwrap();
    fill.column(name).unwrap()
}

/// Sixty orders, the first `with_lines` of them with two lines each.
fn orders_with_lines(with_lines: usize) -> (Tables, Dataset) {
    let mut orders = dataset("sales_orders", &["DateUpdated", "TimeUpdated", "ItemCode"]);
    orders.children.retain(|child| child.name == "lines");
    let numbers: Vec<String> = (0..60).map(|n| format!("{n:07}")).collect();
    let header = |number: &String| {
        row(&[
            ("SalesOrderNo", number),
            ("DateUpdated", "2026-05-01"),
            ("TimeUpdated", "9"),
        ])
    };
    let line =
        |number: &String, key: &str| row(&[("SalesOrderNo", number), ("LineKey", key), ("ItemCode", "A")]);
    // One of an order that is not there: the table has columns.
    let mut lines = vec![line(&"9999999".to_owned(), "1")];
    for number in numbers.iter().take(with_lines) {
        lines.extend([line(number, "1"), line(number, "2")]);
    }
    let tables: Rows = [
        ("SO_SalesOrderHeader", numbers.iter().map(header).collect()),
        ("SO_SalesOrderDetail", lines),
    ]
    .into();
    (Tables::new(tables), orders)
}

#[test]
fn lines_that_are_all_gone_at_once_are_not_believed() {
    let (mut reader, mut orders) = orders_with_lines(50);
    let (shape, _) = fit_with(&mut reader, &orders, &Adaptation::default()).unwrap();
    let before = sync::Fill::of(&shape, &first_page(&mut reader, &shape));
    assert_eq!(
        before.column("lines[]"),
        Some(ColumnFill { rows: 60, filled: 50 })
    );
    assert_eq!(
        whole(&mut reader, &shape, "lines[]"),
        ColumnFill { rows: 60, filled: 51 },
        "a line without an order counts as one, which is of no weight"
    );
    assert!(sync::vanished(&before, &shape).is_empty());

    // The table reads as empty, the headers stand still.
    reader.rows.insert("SO_SalesOrderDetail", Vec::new());
    let now = sync::Fill::of(&shape, &first_page(&mut reader, &shape));
    assert_eq!(sync::implausible(&before, &now), ["lines[]"]);
    let all = whole(&mut reader, &shape, "lines[]");
    assert_eq!(all, ColumnFill { rows: 60, filled: 0 });
    assert!(all.is_lost_since(before.column("lines[]").unwrap()));
    assert_eq!(
        sync::Fill::words(&["lines[]".to_owned()]),
        "the table of the nested lines"
    );

    // The table is no longer there, and the dataset would do without.
    orders.children[0].optional = true;
    let (without, problems) = fit_with(&mut reader, &orders, &Adaptation::default()).unwrap();
    assert_eq!(
        problems.iter().map(sync::ShapeProblem::code).next(),
        Some("table_absent")
    );
    assert_eq!(sync::vanished(&before, &without), ["lines[]"]);
}

#[test]
fn a_site_whose_orders_never_had_lines_is_not_stopped() {
    for with_lines in [0, 29] {
        let (mut reader, mut orders) = orders_with_lines(with_lines);
        orders.children[0].optional = true;
        let (shape, _) = fit_with(&mut reader, &orders, &Adaptation::default()).unwrap();
        let before = sync::Fill::of(&shape, &first_page(&mut reader, &shape));
        reader.rows.insert("SO_SalesOrderDetail", Vec::new());
        let now = sync::Fill::of(&shape, &first_page(&mut reader, &shape));
        assert!(sync::implausible(&before, &now).is_empty(), "{with_lines}");
        let (without, _) = fit_with(&mut reader, &orders, &Adaptation::default()).unwrap();
        assert!(sync::vanished(&before, &without).is_empty(), "{with_lines}");
    }
}

#[test]
fn joined_values_that_are_all_gone_at_once_are_not_believed() {
    let mut items = Catalog::standard().unwrap().get("items").unwrap().clone();
    items.children.clear();
    items.fields.retain(|f| {
        f.is_udf() || f.join.is_some() || f.column == "ItemCode" || f.column.ends_with("Updated")
    });
    let keys: Vec<String> = (0..40).map(|n| format!("{n:010}")).collect();
    let item = |key: &String| {
        row(&[
            ("ItemCode", key),
            ("ExtendedDescriptionKey", key),
            ("DateUpdated", "2026-05-01"),
            ("TimeUpdated", "9"),
        ])
    };
    let text = |key: &String| {
        row(&[
            ("ExtendedDescriptionKey", key),
            ("ExtendedDescriptionText", "long"),
        ])
    };
    let tables: Rows = [
        ("CI_Item", keys.iter().map(item).collect()),
        ("CI_ExtendedDescription", keys.iter().map(text).collect()),
    ]
    .into();
    let mut reader = Tables::new(tables);
    let (shape, _) = fit_with(&mut reader, &items, &Adaptation::default()).unwrap();
    let name = "CI_ExtendedDescription.ExtendedDescriptionText";
    let before = sync::Fill::of(&shape, &first_page(&mut reader, &shape));
    let full = ColumnFill { rows: 40, filled: 40 };
    assert_eq!(before.column(name), Some(full));
    assert_eq!(whole(&mut reader, &shape, name), full);

    reader.rows.insert("CI_ExtendedDescription", Vec::new());
    let now = sync::Fill::of(&shape, &first_page(&mut reader, &shape));
    assert_eq!(sync::implausible(&before, &now), [name]);
    let all = whole(&mut reader, &shape, name);
    assert!(all.is_lost_since(full));
    let (without, _) = fit_with(&mut reader, &items, &Adaptation::default()).unwrap();
    assert_eq!(sync::vanished(&before, &without), [name]);
}

#[test]
fn many_new_rows_without_a_value_are_no_loss() {
    let before = ColumnFill {
        rows: 703,
        filled: 450,
    };
    let grown = ColumnFill {
        rows: 703 + 720,
        ..before
    };
    assert!(!grown.is_lost_since(before));
    let partly = ColumnFill { filled: 225, ..grown };
    assert!(!partly.is_lost_since(before), "half of the values are there");
    let lost = ColumnFill { filled: 224, ..grown };
    assert!(lost.is_lost_since(before));
    let fewer = ColumnFill {
        rows: 100,
        filled: 60,
    };
    assert!(!fewer.is_lost_since(before), "the rows have left");
}

#[test]
fn several_columns_are_counted_in_one_scan_each_as_if_alone() {
    let (mut reader, orders) = orders_with_lines(50);
    let headers = reader.rows.get_mut("SO_SalesOrderHeader").unwrap();
    for header in headers.iter_mut().take(40) {
        header.insert("TimeUpdated", "".into());
    }
    let (shape, _) = fit_with(&mut reader, &orders, &Adaptation::default()).unwrap();
    let names = ["SalesOrderNo", "TimeUpdated", "DateUpdated", "lines[]"].map(str::to_owned);
    let all = read_fill(&mut reader, &shape, &names, LIMIT).unwrap();
    for (name, filled) in names.iter().zip([60, 20, 60, 51]) {
        assert_eq!(all.column(name), Some(ColumnFill { rows: 60, filled }), "{name}");
        assert_eq!(all.column(name), Some(whole(&mut reader, &shape, name)), "{name}");
    }
    assert_eq!(
        sync::Fill::words(&names[2..]),
        "column DateUpdated, the table of the nested lines"
    );
    let unknown = read_fill(&mut reader, &shape, &["Elsewhere".to_owned()], LIMIT);
    assert!(unknown.unwrap_err().message.contains("Elsewhere"));
}
