use super::*;
use crate::Catalog;

const SMALL: &str = r#"
name = "things"
table = "XX_Thing"
doc = "Things."
key = ["Code"]
temperament = "master"
stamped = false
fields = [
  { name = "code", column = "Code", type = "text(5)" },
  { name = "price", column = "Price", type = "decimal(15,6)", class = "cost" },
  { name = "card", column = "Card", type = "text(32)", class = "secret" },
]
"#;

const RELATED: &str = r#"
name = "things"
table = "XX_Thing"
doc = "Things."
key = ["Code"]
temperament = "history"
stamped = false
own_company = "Code"
dated = "Day"
leaves_when = { column = "Price", values = ["0"] }
fields = [
  { name = "code", column = "Code", type = "text(5)" },
  { name = "price", column = "Price", type = "decimal(15,6)" },
  { name = "day", column = "Day", type = "date" },
]

[[joins]]
table = "XX_Text"
on = [{ own = "Code", theirs = "TextCode" }]
fields = [{ name = "long_text", column = "Text", type = "memo" }]

[[successors]]
table = "XX_Old"
on = [{ own = "Code", theirs = "OldCode" }]
unless = { column = "Status", values = ["A"] }

[[derived]]
name = "left_amt"
rule = "payable_amount"
class = "credit"
doc = "Left."

[[children]]
name = "options"
table = "XX_Option"
doc = "Options."
parent_key = []
key = ["Name"]
side = true
optional = true
fields = [{ name = "name", column = "Name", type = "text(5)" }]
"#;

#[test]
fn the_standard_catalog_holds() {
    let catalog = Catalog::standard().unwrap();
    assert_eq!(catalog.datasets().len(), STANDARD.len());
    for dataset in catalog.datasets() {
        assert_eq!(dataset.key_places().len(), dataset.key.len(), "{}", dataset.name);
    }
    assert_eq!(catalog.get("sales_orders").unwrap().children[0].name, "lines");
    for dataset in catalog.datasets() {
        assert!(dataset.fields.last().unwrap().is_udf(), "{}", dataset.name);
        for child in &dataset.children {
            assert!(child.fields.last().unwrap().is_udf(), "{}", child.name);
            assert_eq!(child.key_places().len(), child.key.len(), "{}", child.name);
        }
        for place in dataset.key_places() {
            assert_eq!(dataset.fields[place].class, Class::Public, "{}", dataset.name);
        }
    }
}

#[test]
fn every_promised_dataset_is_there() {
    let catalog = Catalog::standard().unwrap();
    for name in [
        "items",
        "customers",
        "contacts",
        "ship_to_addresses",
        "warehouses",
        "inventory",
        "product_lines",
        "price_codes",
        "terms_codes",
        "salespersons",
        "tax_schedules",
        "tax_codes",
        "payment_types",
        "sales_orders",
        "sales_order_history",
        "invoices",
        "open_invoices",
        "payments",
        "shipments",
        "unposted_receipts",
        "price_levels_by_customer",
        "promotions",
        "ship_vias",
        "tax_exemptions",
        "divisions",
        "reason_codes",
        "bank_codes",
        "purchase_receipts_due",
        "company_options",
    ] {
        assert!(catalog.get(name).is_some(), "{name}");
    }
}

#[test]
fn relations_are_read() {
    let things = parse("things.toml", RELATED).unwrap();
    assert_eq!(things.joins[0].table, "XX_Text");
    let text = things.fields.iter().find(|f| f.name == "long_text").unwrap();
    assert_eq!(text.join, Some(0));
    assert!(things.field_of_column("Text").is_none());
    assert_eq!(things.field_of_column("Price").unwrap().1.name, "price");
    assert!(things.field_of_column("").is_none());
    assert_eq!(things.successors[0].unless.as_ref().unwrap().values, ["A"]);
    assert_eq!(things.leaves_when.as_ref().unwrap().values, ["0"]);
    assert_eq!(things.dated.as_deref(), Some("Day"));
    assert_eq!(things.derived[0].rule, crate::Rule::PayableAmount);
    assert_eq!(things.derived[0].class, Class::Credit);
    let options = &things.children[0];
    assert!(options.parent_key.is_empty() && options.side && options.optional);
    let names: Vec<_> = things.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["code", "price", "day", "long_text", "udf"]);
}

#[test]
fn broken_relations_name_file_and_place() {
    for (from, to, wanted) in [
        (
            "own = \"Code\", theirs = \"TextCode\"",
            "own = \"No\", theirs = \"TextCode\"",
            "joins.XX_Text.on: No",
        ),
        (
            "[{ own = \"Code\", theirs = \"TextCode\" }]",
            "[]",
            "joins.XX_Text.on: name",
        ),
        (
            "\"long_text\"",
            "\"price\"",
            "joins.XX_Text.fields.price: stands twice",
        ),
        (
            "\"Text\", type = \"memo\"",
            "\"Text\", type = \"memo\", class = \"secret\"",
            "joins.XX_Text.fields: leave",
        ),
        (
            "own = \"Code\", theirs = \"OldCode\"",
            "own = \"Price\", theirs = \"OldCode\"",
            "successors.XX_Old.on: Price",
        ),
        ("values = [\"A\"]", "values = []", "successors.XX_Old.unless"),
        (
            "column = \"Price\", values",
            "column = \"Cost\", values",
            "leaves_when: Cost",
        ),
        (
            "values = [\"0\"]",
            "values = [\"none\"]",
            "leaves_when: \"none\" is no number",
        ),
        ("dated = \"Day\"", "dated = \"Price\"", "dated: Price is no date"),
        (
            "dated = \"Day\"",
            "dated = \"Night\"",
            "dated: Night is not among",
        ),
        (
            "own_company = \"Code\"",
            "own_company = \"Firm\"",
            "own_company: Firm",
        ),
        ("own_company = \"Code\"", "", "children.options.parent_key"),
        (
            "name = \"options\"",
            "name = \"price\"",
            "children.price: stands twice",
        ),
        (
            "name = \"left_amt\"",
            "name = \"day\"",
            "derived.day: stands twice",
        ),
        ("name = \"left_amt\"", "name = \"udf\"", "derived.udf: use a-z"),
        (
            "class = \"credit\"",
            "class = \"secret\"",
            "derived.left_amt.class",
        ),
        (
            "name = \"things\"",
            "name = \"udt_things\"",
            "name \"udt_things\"",
        ),
        (
            "\"Price\", type",
            "\"BankAccountNo\", type",
            "fields.price.class: BankAccountNo is secret",
        ),
    ] {
        assert!(RELATED.contains(from), "{from}");
        let error = parse("things.toml", &RELATED.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(&format!("things.toml: {wanted}")), "{error}");
    }
}

#[test]
fn two_files_with_one_name_are_refused() {
    let error = parse_all(&[("a.toml", SMALL), ("b.toml", SMALL)]).unwrap_err();
    assert_eq!(error.to_string(), "b.toml: name \"things\": another file has it");
}

#[test]
fn secret_columns_are_no_fields() {
    let things = parse("things.toml", SMALL).unwrap();
    assert_eq!(things.fields.len(), 3);
    assert_eq!(things.withheld, ["Card"]);
    let catalog = Catalog::standard().unwrap();
    assert!(
        catalog
            .get("customers")
            .unwrap()
            .field_of_column("CreditCardGUID")
            .is_none()
    );
}

#[test]
fn errors_name_file_and_place() {
    for (from, to, wanted) in [
        ("text(5)", "string", "things.toml: fields.code.type"),
        (
            "[\"Code\"]",
            "[\"No\"]",
            "things.toml: key: No is not among the fields",
        ),
        ("\"cost\"", "\"dear\"", "things.toml: fields.price.class"),
        (
            "name = \"price\"",
            "name = \"code\"",
            "things.toml: fields.code: stands twice",
        ),
        (
            "stamped = false",
            "stamped = true",
            "things.toml: stamped: DateUpdated",
        ),
        (
            "name = \"price\"",
            "name = \"updated_at\"",
            "things.toml: fields.updated_at",
        ),
    ] {
        let error = parse("things.toml", &SMALL.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(wanted), "{error}");
    }
}

#[test]
fn a_fingerprint_moves_with_the_shape_only() {
    let things = parse("x", SMALL).unwrap();
    let documented = parse("x", &SMALL.replace("Things.", "Other words.")).unwrap();
    assert_eq!(things.fingerprint(), documented.fingerprint());
    let finer = parse("x", &SMALL.replace("(15,6)", "(15,4)")).unwrap();
    assert_ne!(things.fingerprint(), finer.fingerprint());
    let related = parse("x", RELATED).unwrap();
    let elsewhere = parse("x", &RELATED.replace("XX_Text", "XX_Words")).unwrap();
    assert_ne!(related.fingerprint(), elsewhere.fingerprint());
}
