//! What `docs/api.md` shows is what is taken: its examples (fences like `json sales_order`)
//! are without problems, and every field that its tables name is known.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop where it stands, in its own functions too"
)]

use model::{Decision, ImportKind};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../../docs/api.md");

/// Examples of this kind.
fn examples(kind: &str) -> Vec<Value> {
    let fence = format!("```json {kind}\n");
    let blocks = PAGE.split(fence.as_str()).skip(1);
    let texts = blocks.map(|block| block.split("```").next().unwrap_or_default());
    texts
        .map(|text| serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}:\n{text}")))
        .collect()
}

/// The names in backquotes in rows of the page's table with this heading.
fn fields(heading: &str, row: &str) -> Vec<String> {
    let section = PAGE.split(&format!("\n## {heading}\n")).nth(1).expect(heading);
    let section = section.split("\n## ").next().unwrap_or_default();
    let start = format!("| `{row}`");
    let line = section.lines().find(|line| line.starts_with(&start)).expect(row);
    let words = line.split('`').skip(1).step_by(2);
    words
        .filter(|word| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
        .map(str::to_owned)
        .collect()
}

/// Is it refused as a field that is not known?
fn is_unknown(kind: ImportKind, body: &Value, field: &str) -> bool {
    let problems = kind.problems_of(body);
    problems
        .iter()
        .any(|p| p.code == "unknown_field" && p.field == field)
}

#[test]
fn examples_are_taken() {
    for kind in ImportKind::ALL {
        let examples = examples(kind.as_str());
        assert!(!examples.is_empty(), "no example of a {}", kind.as_str());
        for example in examples {
            let problems = kind.problems_of(&example);
            assert!(problems.is_empty(), "{problems:#?}\n{example:#}");
        }
    }
    for decision in examples("decision") {
        serde_json::from_value::<Decision>(decision).expect("a decision");
    }
}

#[test]
fn fields_of_the_tables_are_known() {
    let order = ImportKind::SalesOrder;
    let mut tried = 0;
    for row in [
        "customer_po_no",
        "order_date",
        "freight_amt",
        "discount_amt",
        "print_sales_orders",
    ] {
        for field in fields("Orders", row) {
            let is_value = ["true", "false"].contains(&field.as_str());
            assert!(
                is_value || !is_unknown(order, &json!({ field.clone(): "1" }), &field),
                "{field}"
            );
            tried += 1;
        }
    }
    for (row, inside) in [
        ("bill_to", "bill_to"),
        ("ship_to", "ship_to"),
        ("hold", "hold"),
        ("expected", "expected"),
    ] {
        for field in fields("Orders", row).into_iter().filter(|f| f != row) {
            let path = format!("{inside}.{field}");
            assert!(
                !is_unknown(order, &json!({ inside: { field: "1" } }), &path),
                "{path}"
            );
            tried += 1;
        }
    }
    for field in fields("Orders", "lines[]") {
        let path = format!("lines[0].{field}");
        assert!(
            !is_unknown(order, &json!({ "lines": [{ field: "1" }] }), &path),
            "{path}"
        );
        tried += 1;
    }
    for field in fields("Payments", "payment_type") {
        assert!(
            !is_unknown(ImportKind::Payment, &json!({ field.clone(): "1" }), &field),
            "{field}"
        );
        tried += 1;
    }
    for field in fields("Customers", "new") {
        let body = json!({ "new": { field.clone(): "1" } });
        let is_itself = field == "new";
        assert!(
            is_itself || !is_unknown(ImportKind::Customer, &body, &format!("new.{field}")),
            "{field}"
        );
        tried += 1;
    }
    assert!(tried > 50, "only {tried} fields were found in the tables");
    assert!(is_unknown(order, &json!({ "colour": "1" }), "colour"));
}
