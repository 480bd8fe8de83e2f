use import::rules::{MappingText, RuleText};
use serde::Deserialize;
use serde_json::json;

use super::report::Outcome;
use super::*;

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    map: Vec<MappingText>,
    #[serde(default)]
    rule: Vec<RuleText>,
}

fn rules(text: &str) -> Rules {
    let written: Written = toml::from_str(text).unwrap();
    Rules::compile(&written.rule, &written.map, &vocabulary().unwrap()).unwrap()
}

const HEAVY: &str = r#"
[[map]]
document = "sales_order"
field = "udf.route"
from = "ship_to.ship_to_state"
steps = [{ look_up = { table = "AR_Route", on = { value = "State" }, column = "Route" } }]
[[rule]]
name = "heavy"
document = "sales_order"
when = "weight > 150"
set = { ship_via = "LTL", comment = "" }
hold = "a truck"
[[rule]]
name = "chairs"
document = "sales_order"
each = "lines"
when = "item.product_line = 'WF&A'"
refuse = "no chairs"
"#;

fn reported(body: &Json, facts: Option<&Json>) -> (Outcome, String, Json) {
    let rules = rules(HEAVY);
    let kind = DocumentKind::SalesOrder;
    let applied = apply(&rules, kind, body, facts, &vocabulary().unwrap()).unwrap();
    let report = Report::new(kind, &rules, body, &applied, facts.is_some());
    (
        report.outcome,
        report.text(),
        serde_json::to_value(&report).unwrap(),
    )
}

/// A whole order; the test's own fields come on top.
fn order(own: Json) -> Json {
    let mut body = json!({
        "company": "ABC",
        "customer": {"ar_division_no": "01", "customer_no": "ABF"},
        "lines": [{"item_code": "A", "quantity_ordered": "1"}],
    });
    let Json::Object(own) = own else {
        panic!("own fields stand in an object")
    };
    own.into_iter().for_each(|(name, value)| body[name] = value);
    body
}

#[test]
fn a_diff_says_who_changed_what() {
    let body =
        order(json!({"comment": "soon", "ship_to": {"ship_to_name": "Pier 9", "ship_to_state": "WA"}}));
    let facts = json!({"weight": 180, "lines": [{"item.product_line": "CHEM"}], "look_ups": {"AR_Route": [{"State": "WA", "Route": "NW-7"}]}});
    let (outcome, text, report) = reported(&body, Some(&facts));
    assert_eq!((outcome, outcome.exit_code()), (Outcome::Held, 3));
    assert_eq!(
        text,
        "sales_order: 1 mapping, 2 rules\n\n\
         + udf.route: \"NW-7\"   mapping 1 (udf.route)\n\
         - comment: \"soon\"   rule \"heavy\"\n\
         + ship_via: \"LTL\"   rule \"heavy\"\n\n\
         held: a truck (rule \"heavy\") (rule_hold)\n  \
         hint: accept it, change the document and retry, or discard it\n\n\
         It would be held.\n"
    );
    assert_eq!(report["outcome"], "held");
    assert_eq!(report["changes"][0]["after"], "NW-7");
    assert_eq!(report["body"]["ship_via"], "LTL");
    assert_eq!(report["holds"][0]["code"], "rule_hold");
}

#[test]
fn a_refusal_outweighs_a_hold() {
    let facts = json!({"weight": "150.000001", "lines": [{"item.product_line": "WF&A"}]});
    let (outcome, text, _) = reported(&order(json!({})), Some(&facts));
    assert_eq!((outcome, outcome.exit_code()), (Outcome::Refused, 4));
    assert!(
        text.contains("refused: lines[0]: no chairs (rule \"chairs\") (rule_refused)"),
        "{text}"
    );
    assert!(text.contains("held: a truck"), "{text}");
}

#[test]
fn facts_that_were_not_given_are_told() {
    let (outcome, text, report) = reported(&order(json!({})), None);
    assert_eq!((outcome, outcome.exit_code()), (Outcome::Unchanged, 0));
    assert!(
        text.contains("facts not given, taken as blank: weight, item.product_line, look_ups.AR_Route\n"),
        "{text}"
    );
    assert!(text.ends_with("It would go on unchanged.\n"), "{text}");
    assert_eq!(report["facts_not_given"][0], "weight");
    let (_, text, _) = reported(&order(json!({})), Some(&json!({})));
    assert!(!text.contains("facts not given"), "{text}");
    assert!(
        text.contains("warning: fact_unknown: weight is not known here and was taken as 0"),
        "{text}"
    );
}

#[test]
fn what_the_intake_would_refuse_is_told_all_at_once() {
    let body = order(json!({
        "colour": "red",
        "freight_amt": 12.5,
        "lines": [{"item_code": "A", "quantity_ordered": "many"}, {"quantity_ordered": "1"}],
    }));
    let (outcome, text, report) = reported(&body, None);
    assert_eq!((outcome, outcome.exit_code()), (Outcome::Refused, 4));
    for (field, code) in [
        ("colour", "unknown_field"),
        ("freight_amt", "wrong_type"),
        ("lines[0].quantity_ordered", "wrong_type"),
        ("lines[1].item_code", "required"),
    ] {
        let wanted = format!("refused by the hub: {field}: ");
        let line = text.lines().find(|line| line.starts_with(&wanted));
        assert!(
            line.is_some_and(|line| line.ends_with(&format!("({code})"))),
            "{wanted}\n{text}"
        );
    }
    assert!(text.contains("send it as a string: \"12.5\""), "{text}");
    assert_eq!(report["not_taken"].as_array().unwrap().len(), 4, "{report}");
    assert_eq!(report["problems"], json!([]), "told once");
}

#[test]
fn what_rules_make_wrong_is_told_as_theirs() {
    let rules = rules(
        "[[rule]]\nname = 'none'\ndocument = 'sales_order'\neach = 'lines'\nwhen = 'lines.quantity_ordered = 1'\nset = { lines.quantity_ordered = '0' }\n",
    );
    let body = order(json!({}));
    let kind = DocumentKind::SalesOrder;
    let applied = apply(&rules, kind, &body, None, &vocabulary().unwrap()).unwrap();
    let report = Report::new(kind, &rules, &body, &applied, false);
    let text = report.text();
    assert_eq!(report.outcome, Outcome::Refused, "{text}");
    assert!(text.contains("\nrefused: lines[0].quantity_ordered: "), "{text}");
    assert!(!text.contains("by the hub"), "{text}");
}

#[test]
fn wrong_facts_are_named() {
    for (facts, wanted) in [
        (json!([]), "no JSON object"),
        (json!({"wieght": "1"}), "wieght is no fact of a sales_order"),
        (json!({"weight": 1.5}), "neither a text nor a whole number"),
        (
            json!({"weight": "heavy"}),
            "weight is not a number with at most 6 decimals",
        ),
        (json!({"lines": {}}), "lines is no list"),
        (
            json!({"lines": [{"lines.item_code": "A"}]}),
            "lines[0].lines.item_code is no fact",
        ),
        (json!({"look_ups": []}), "look_ups is no object"),
        (json!({"subtotal": "5"}), "subtotal is no fact"),
    ] {
        let kind = DocumentKind::SalesOrder;
        let error = apply(
            &rules(HEAVY),
            kind,
            &json!({}),
            Some(&facts),
            &vocabulary().unwrap(),
        )
        .unwrap_err();
        assert_eq!(error.code, "facts_invalid");
        assert!(error.message.contains(wanted), "{}", error.message);
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("order.json");
    assert!(read_json(&file).unwrap_err().message.contains("order.json"));
    std::fs::write(&file, "{").unwrap();
    let error = read_json(&file).unwrap_err();
    assert_eq!(error.code, "file_unreadable");
    std::fs::write(&file, "{\"a\": 1}").unwrap();
    assert_eq!(read_json(&file).unwrap(), json!({"a": 1}));
}
