//! What becomes of a document.

use std::collections::BTreeMap;

use expression::Value;
use import::rules::{Applied, DocumentKind, Facts, NoFacts, Rules, replay};
use serde_json::{Value as Json, json};
use values::Decimal;

use crate::{ORDER, rules};

#[derive(Default)]
struct Known {
    header: BTreeMap<&'static str, Value>,
    lines: Vec<BTreeMap<&'static str, Value>>,
}

impl Facts for Known {
    fn header(&self, name: &str) -> Option<Value> {
        self.header.get(name).cloned()
    }

    fn line(&self, index: usize, name: &str) -> Option<Value> {
        self.lines.get(index)?.get(name).cloned()
    }

    fn look_up(&self, table: &str, keys: &[(String, String)], column: &str) -> Option<Value> {
        let known =
            table == "AR_Route" && keys == [("State".to_owned(), "WA".to_owned())] && column == "Route";
        known.then(|| Value::Text("NW-7".to_owned()))
    }
}

fn weight(pounds: i64) -> Known {
    Known {
        header: BTreeMap::from([("weight", Value::Decimal(Decimal::new(pounds, 0)))]),
        lines: Vec::new(),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Applied, with what holds for every outcome.
fn applied(rules: &Rules, body: &Json, facts: &dyn Facts) -> Applied {
    let applied = rules.apply(ORDER, body, facts);
    assert_eq!(replay(body.clone(), &applied.changes), applied.body);
    assert_eq!(rules.apply(ORDER, body, facts), applied, "the same again");
    applied
}

fn codes(problems: &[model::Problem]) -> Vec<(&str, &str)> {
    problems
        .iter()
        .map(|p| (p.code.as_str(), p.field.as_str()))
        .collect()
}

const HEAVY: &str = r#"
[[rule]]
name = "heavy ground"
document = "sales_order"
when = "ship_via = 'GROUND' and weight > 150"
set = { ship_via = "LTL" }
hold = "Over 150 lb by ground: arrange a truck"
"#;

#[test]
fn ground_over_150_lb_becomes_ltl_and_is_held() {
    let rules = rules(HEAVY);
    let body = json!({"ship_via": "GROUND", "lines": []});
    let heavy = applied(&rules, &body, &weight(180));
    assert_eq!(heavy.body["ship_via"], "LTL");
    let change = &heavy.changes[0];
    assert_eq!(
        (change.path.as_str(), change.by.as_str()),
        ("ship_via", "rule \"heavy ground\"")
    );
    assert_eq!(
        (&change.before, &change.after),
        (&Some(json!("GROUND")), &Some(json!("LTL")))
    );
    assert_eq!(codes(&heavy.holds), [("rule_hold", "ship_via")]);
    assert!(
        heavy.holds[0]
            .message
            .contains("arrange a truck (rule \"heavy ground\")")
    );
    assert!(!heavy.holds[0].remedy.is_empty());

    let light = applied(&rules, &body, &weight(150));
    assert_eq!(light.body, body);
    assert!(light.changes.is_empty() && light.holds.is_empty() && light.warnings.is_empty());
}

#[test]
fn a_fact_that_is_not_known_is_told() {
    let rules = rules(HEAVY);
    let wanted = rules.wanted_facts(ORDER);
    assert_eq!(wanted.header.iter().collect::<Vec<_>>(), ["weight"]);
    assert!(wanted.line.is_empty() && wanted.look_ups.is_empty());
    let applied = applied(&rules, &json!({"ship_via": "GROUND"}), &NoFacts);
    assert!(applied.holds.is_empty());
    assert_eq!(
        applied.warnings,
        ["fact_unknown: weight is not known here and was taken as 0 (rule \"heavy ground\")"]
    );
}

#[test]
fn each_line_is_asked_with_its_item() {
    let rules = rules(
        r#"
[[rule]]
name = "no hazmat over water"
document = "sales_order"
each = "lines"
when = "ship_to.ship_to_state in ('AK', 'HI') and item.category1 = 'HAZMAT'"
refuse = "Hazardous goods do not go to Alaska or Hawaii"
remedy = "take the line out, or ship it to another state"
[[rule]]
name = "chairs"
document = "sales_order"
each = "lines"
when = "item.product_line = 'WF&A' and lines.quantity_ordered >= 10"
set = { lines.warehouse_code = "002", lines.udf.bulk = "Y", comment = "bulk" }
warn = "comes from warehouse 002"
"#,
    );
    assert_eq!(
        rules.wanted_facts(ORDER).line.into_iter().collect::<Vec<_>>(),
        ["item.category1", "item.product_line"]
    );
    let facts = Known {
        header: BTreeMap::new(),
        lines: vec![
            BTreeMap::from([("item.category1", text("")), ("item.product_line", text("WF&A"))]),
            BTreeMap::from([
                ("item.category1", text("HAZMAT")),
                ("item.product_line", text("CHEM")),
            ]),
        ],
    };
    let body = json!({"ship_to": {"ship_to_state": "AK"}, "lines": [
        {"item_code": "CHAIR", "quantity_ordered": "12"}, {"item_code": "ACID", "quantity_ordered": 1}]});
    let applied = applied(&rules, &body, &facts);
    assert_eq!(codes(&applied.refusals), [("rule_refused", "lines[1]")]);
    assert!(applied.refusals[0].remedy.starts_with("take the line out"));
    assert_eq!(
        applied.body["lines"][0],
        json!({"item_code": "CHAIR", "quantity_ordered": "12", "warehouse_code": "002", "udf": {"bulk": "Y"}})
    );
    assert_eq!(applied.body["lines"][1], body["lines"][1]);
    assert_eq!(applied.body["comment"], "bulk");
    let paths: Vec<_> = applied.changes.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(paths, ["comment", "lines[0].udf.bulk", "lines[0].warehouse_code"]);
    assert_eq!(
        applied.warnings,
        ["rule_warning: lines[0]: comes from warehouse 002 (rule \"chairs\")"]
    );
}

#[test]
fn mappings_come_first_and_each_sees_what_came_before() {
    let rules = rules(
        r#"
[[rule]]
name = "first"
document = "sales_order"
when = "ship_via = 'GROUND'"
set = { ship_via = "LTL" }
[[rule]]
name = "second"
document = "sales_order"
when = "ship_via = 'LTL'"
set = { terms_code = { expression = "'T' || ship_via" } }
[[rule]]
name = "never"
document = "sales_order"
when = "ship_via = 'GROUND'"
refuse = "the first rule changed it"
[[map]]
document = "sales_order"
field = "ship_via"
steps = ["upper", { map = { UPS_GROUND = "GROUND" } }]
"#,
    );
    let applied = applied(&rules, &json!({"ship_via": "ups_ground"}), &NoFacts);
    assert_eq!(applied.body, json!({"ship_via": "LTL", "terms_code": "TLTL"}));
    let by: Vec<_> = applied.changes.iter().map(|c| c.by.as_str()).collect();
    assert_eq!(by, ["mapping 1 (ship_via)", "rule \"first\"", "rule \"second\""]);
    assert!(applied.refusals.is_empty());
}

#[test]
fn a_mapping_makes_a_field_when_it_has_a_value() {
    let rules = rules(
        r#"
[[map]]
document = "sales_order"
field = "udf.gift_message"
steps = ["trim", { cut = 5 }]
[[map]]
document = "sales_order"
field = "udf.route"
from = "ship_to.ship_to_state"
steps = [{ look_up = { table = "AR_Route", on = { value = "State" }, column = "Route" } }]
[[map]]
document = "sales_order"
field = "confirm_to"
steps = [{ default = "WEB" }]
[[map]]
document = "sales_order"
field = "freight_amt"
steps = [{ multiply = "1.10" }]
[[map]]
document = "sales_order"
field = "lines.udf.po"
from = "customer_po_no"
steps = []
"#,
    );
    let bare = applied(&rules, &json!({}), &weight(1));
    assert_eq!(bare.body, json!({"confirm_to": "WEB"}));
    let body = json!({"udf": {"GIFT_MESSAGE": "  grüße 👋🏽 an alle"}, "ship_to": {"ship_to_state": "WA"},
        "freight_amt": "10.00", "customer_po_no": "P1", "confirm_to": "Ann", "lines": [{}, 7, {"udf": {"po": "P1"}}]});
    let full = applied(&rules, &body, &weight(1));
    assert_eq!(
        full.body["udf"],
        json!({"GIFT_MESSAGE": "grüße", "route": "NW-7"})
    );
    assert_eq!(full.body["freight_amt"], "11");
    assert_eq!(
        full.body["lines"],
        json!([{"udf": {"po": "P1"}}, 7, {"udf": {"po": "P1"}}])
    );
    assert_eq!(full.body["confirm_to"], "Ann");
    assert_eq!(rules.wanted_facts(ORDER).look_ups.len(), 1);
    // Blank takes the field out, but a source that is blank leaves the target alone.
    let blank = applied(
        &rules,
        &json!({"udf": {"gift_message": " ", "route": "old"}}),
        &weight(1),
    );
    assert_eq!(blank.body["udf"], json!({"gift_message": " ", "route": "old"}));
}

#[test]
fn of_two_names_that_differ_in_case_the_change_tells_which() {
    let rules = rules(
        r#"
[[map]]
document = "sales_order"
field = "udf.gift"
steps = [{ replace = { from = "b", to = "" } }]
"#,
    );
    let body = json!({"udf": {"GIFT": "c", "gift": "b"}});
    let applied = applied(&rules, &body, &weight(1));
    assert_eq!(applied.body["udf"], json!({"GIFT": "c"}));
    assert_eq!(replay(body.clone(), &applied.changes), applied.body);
    let mut back = applied.changes.clone();
    for change in &mut back {
        std::mem::swap(&mut change.before, &mut change.after);
    }
    assert_eq!(replay(applied.body, &back), body);
}

#[test]
fn values_keep_their_kind() {
    let rules = rules(
        r#"
[[map]]
document = "sales_order"
field = "udf.points"
kind = "decimal"
steps = [{ expression = "round(value * 2, 1)" }]
[[map]]
document = "sales_order"
field = "order_date"
steps = [{ expression = "add_days(value, 1)" }]
[[map]]
document = "sales_order"
field = "print_picking_sheets"
steps = [{ map = { N = "Y" } }]
[[rule]]
name = "dear"
document = "sales_order"
when = "subtotal >= 100 and line_count = 2 and print_picking_sheets = 'Y'"
set = { freight_amt = 0, ship_expire_date = "2026-06-01", print_sales_orders = false, hold = { reason = "dear" }, comment = "" }
"#,
    );
    let body = json!({"udf": {"points": "1.25"}, "order_date": "2026-05-31", "print_picking_sheets": false, "comment": "x",
        "freight_amt": "7.00", "lines": [{"quantity_ordered": "2", "unit_price": "50.00"}, {"quantity_ordered": 3}]});
    let applied = applied(&rules, &body, &NoFacts);
    assert_eq!(
        applied.body,
        json!({"udf": {"points": "2.5"}, "order_date": "2026-06-01", "print_picking_sheets": true, "freight_amt": "0",
            "ship_expire_date": "2026-06-01", "print_sales_orders": false, "hold": {"reason": "dear"}, "lines": body["lines"]})
    );
    assert!(applied.holds.is_empty());
}

#[test]
fn what_cannot_be_worked_out_is_a_hold() {
    let rules = rules(
        r#"
[[map]]
document = "sales_order"
field = "freight_amt"
steps = [{ multiply = "2" }]
[[rule]]
name = "per line"
document = "sales_order"
when = "subtotal / line_count > 5"
refuse = "never reached"
[[rule]]
name = "number"
document = "sales_order"
each = "lines"
when = "number(lines.comment_text) > 1"
warn = "w"
[[rule]]
name = "blocked"
document = "sales_order"
when = "true"
set = { comment = "c", bill_to.bill_to_name = "b", ship_to.ship_to_state = "WA" }
refuse = "never reached"
[[rule]]
name = "last"
document = "sales_order"
when = "true"
set = { fob = "ORIGIN" }
"#,
    );
    let body = json!({"freight_amt": "free", "ship_to": "2", "lines": []});
    let empty = applied(&rules, &body, &NoFacts);
    assert_eq!(
        codes(&empty.holds),
        [
            ("rule_failed", "freight_amt"),
            ("rule_failed", ""),
            ("rule_failed", "")
        ]
    );
    assert_eq!(
        empty.holds[0].message,
        "mapping 1 (freight_amt) could not be worked out: freight_amt is not a number of at most 6 decimals"
    );
    assert!(
        empty.holds[1].message.contains("rule \"per line\"")
            && empty.holds[1].message.contains("division by zero")
    );
    assert!(empty.holds[2].message.contains("ship_to is no object"));
    assert!(empty.holds.iter().all(|hold| !hold.remedy.is_empty()));
    assert!(empty.refusals.is_empty());
    // What a failed rule began is taken back; the rules after it go on.
    assert_eq!(
        empty.body,
        json!({"freight_amt": "free", "ship_to": "2", "lines": [], "fob": "ORIGIN"})
    );

    let lines = json!({"lines": [{"comment_text": "2"}, {"comment_text": "two"}, {"comment_text": 3.5}, {"quantity_ordered": 1.5, "unit_price": "1"}]});
    let some = applied(&rules, &lines, &NoFacts);
    assert_eq!(
        codes(&some.holds),
        [("rule_failed", "lines"), ("rule_failed", "lines[1].comment_text")]
            .map(|(code, field)| (code, if field == "lines" { "" } else { field }))
    );
    assert_eq!(some.warnings.len(), 2);
}

#[test]
fn facts_of_another_kind_are_a_hold() {
    let facts = Known {
        header: BTreeMap::from([("weight", text("heavy"))]),
        lines: Vec::new(),
    };
    let applied = applied(&rules(HEAVY), &json!({"ship_via": "GROUND"}), &facts);
    assert_eq!(codes(&applied.holds), [("rule_failed", "ship_via")]);
    assert!(applied.holds[0].message.contains("the fact weight is text"));
}

#[test]
fn odd_bodies_pass_without_harm() {
    let rules = rules(&format!(
        "{HEAVY}\n[[rule]]\nname = 'l'\ndocument = 'sales_order'\neach = 'lines'\nwhen = 'true'\nset = {{ lines.udf.x = '1' }}\n\
         [[map]]\ndocument = 'sales_order'\nfield = 'udf.x'\nsteps = ['upper']\n"
    ));
    for body in [
        json!(null),
        json!([1]),
        json!("x"),
        json!({"lines": {"a": 1}}),
        json!({"lines": [null, [], "x"]}),
        json!({"udf": []}),
    ] {
        let applied = applied(&rules, &body, &NoFacts);
        assert_eq!(applied.body, body);
        assert!(applied.changes.is_empty());
    }
}

#[test]
fn rules_are_for_their_kind_of_document() {
    let rules = rules(
        r#"
[[rule]]
name = "small credits"
document = "payment"
each = "invoices"
when = "invoices.amount < 0 and payment_type = 'CHECK'"
hold = "A credit on a check"
[[rule]]
name = "shouting"
document = "customer"
when = "not is_blank(new.customer_name)"
set = { new.customer_name = { expression = "upper(new.customer_name)" }, new.udf.expression = "Y" }
"#,
    );
    assert!(rules.is_empty_for(ORDER));
    assert_eq!(rules.count(DocumentKind::Payment), (0, 1));
    let payment = json!({"payment_type": "CHECK", "invoices": [{"amount": "5"}, {"amount": "-5"}]});
    let held = rules.apply(DocumentKind::Payment, &payment, &NoFacts);
    assert_eq!(codes(&held.holds), [("rule_hold", "invoices[1].amount")]);
    let made = rules.apply(
        DocumentKind::Customer,
        &json!({"new": {"customer_name": "Søren"}}),
        &NoFacts,
    );
    assert_eq!(
        made.body,
        json!({"new": {"customer_name": "SØREN", "udf": {"expression": "Y"}}})
    );
    assert_eq!(DocumentKind::from_name("payment"), Some(DocumentKind::Payment));
    assert_eq!(DocumentKind::from_name("shipment"), None);
}

#[test]
fn many_lines_are_told_briefly() {
    let rules = rules(
        "[[rule]]\nname = 'big'\ndocument = 'sales_order'\neach = 'lines'\nwhen = 'lines.quantity_ordered > 5'\nhold = 'too many'\nwarn = 'look'\n",
    );
    let lines = vec![json!({"quantity_ordered": 9}); 50];
    let applied = applied(&rules, &json!({"lines": lines}), &NoFacts);
    assert_eq!((applied.holds.len(), applied.warnings.len()), (21, 21));
    assert_eq!(applied.holds[19].field, "lines[19].quantity_ordered");
    assert!(applied.holds[20].message.ends_with("and so 30 more"));
    assert!(applied.warnings[20].contains("30 more"));
}
