//! What is written: its mistakes, and that it is read as it was written.

use import::rules::{MAX_RULES, RuleText};

use crate::{Written, compiled};

fn unreadable(text: &str) -> String {
    toml::from_str::<Written>(text)
        .err()
        .expect("refused")
        .message()
        .to_owned()
}

fn refused(text: &str) -> (String, String, String) {
    let error = compiled(text).expect_err("refused");
    assert_eq!(error.code(), "import_rule_invalid");
    (error.place.to_string(), error.message, error.remedy)
}

#[test]
fn mistakes_are_named_with_their_place() {
    let rule = |rest: &str| format!("[[rule]]\nname = 'r'\ndocument = 'sales_order'\n{rest}\n");
    let map = |rest: &str| format!("[[map]]\ndocument = 'sales_order'\n{rest}\n");
    for (written, place, message, remedy) in [
        (
            rule("when = 'ship_vai = 1'\nwarn = 'w'"),
            "rule[0].when",
            "ship_vai",
            "docs/import-rules.md",
        ),
        (
            rule("when = 'ship_via'\nwarn = 'w'"),
            "rule[0].when",
            "gives text",
            "compare",
        ),
        (
            rule("when = 'ship_via = 5'\nwarn = 'w'"),
            "rule[0].when",
            "character 1",
            "'5'",
        ),
        (
            rule("when = \"lines.item_code = 'A'\"\nwarn = 'w'"),
            "rule[0].when",
            "lines.item_code",
            "each = \"lines\"",
        ),
        (
            rule("when = \"item.product_line = 'A'\"\nwarn = 'w'"),
            "rule[0].when",
            "item.product_line",
            "each = \"lines\"",
        ),
        (rule("when = 'true'"), "rule[0]", "nothing follows", "set, hold"),
        (
            rule("when = 'true'\nhold = 'a'\nrefuse = 'b'"),
            "rule[0].refuse",
            "both",
            "two rules",
        ),
        (
            rule("when = 'true'\nwarn = 'a'\nremedy = 'b'"),
            "rule[0].remedy",
            "nothing is held",
            "take remedy out",
        ),
        (
            rule("when = 'true'\nhold = ' '"),
            "rule[0].hold",
            "blank",
            "plain text",
        ),
        (
            rule(&format!("when = 'true'\nhold = '{}'", "x".repeat(161))),
            "rule[0].hold",
            "161 bytes",
            "shorter",
        ),
        (
            rule("each = 'invoices'\nwhen = 'true'\nwarn = 'w'"),
            "rule[0].each",
            "no invoices",
            "each = \"lines\"",
        ),
        (
            rule("when = 'true'\nset = { weight = 5 }"),
            "rule[0].set.weight",
            "cannot be changed",
            "another field",
        ),
        (
            rule("when = 'true'\nset = { company = 'ABC' }"),
            "rule[0].set.company",
            "cannot be changed",
            "another field",
        ),
        (
            rule("when = 'true'\nset = { payment.amount = '1' }"),
            "rule[0].set.payment.amount",
            "tied out",
            "hold",
        ),
        (
            rule("when = 'true'\nset = { lines.item_code = 'A' }"),
            "rule[0].set.lines.item_code",
            "not known",
            "each = \"lines\"",
        ),
        (
            rule("when = 'true'\nset = { ship_via = 5 }"),
            "rule[0].set.ship_via",
            "does not hold a number",
            "\"5\"",
        ),
        (
            rule("when = 'true'\nset = { freight_amt = 'five' }"),
            "rule[0].set.freight_amt",
            "not a number",
            "12.50",
        ),
        (
            rule("when = 'true'\nset = { order_date = 'today' }"),
            "rule[0].set.order_date",
            "not a date",
            "2026-05-01",
        ),
        (
            rule("when = 'true'\nset = { print_sales_orders = 'Y' }"),
            "rule[0].set.print_sales_orders",
            "true or false",
            "without quotes",
        ),
        (
            rule("when = 'true'\nset = { freight_amt = { expression = 'ship_via' } }"),
            "rule[0].set.freight_amt",
            "another kind",
            "number(t)",
        ),
        (
            map("field = 'ship_vai'\nsteps = ['trim']"),
            "map[0].field",
            "not known for a sales_order",
            "docs/import-rules.md",
        ),
        (
            map("field = 'ship_via'\nsteps = []"),
            "map[0].steps",
            "empty",
            "trim",
        ),
        (
            map("field = 'ship_via'\nsteps = ['trim', { scale = 99 }]"),
            "map[0].steps[1]",
            "99",
            "0 to 12",
        ),
        (
            map("field = 'freight_amt'\nfrom = 'ship_via'\nsteps = ['trim']"),
            "map[0].steps",
            "another kind",
            "scale",
        ),
        (
            map("field = 'ship_via'\nkind = 'decimal'\nsteps = ['trim']"),
            "map[0].kind",
            "no user-defined field",
            "take kind out",
        ),
        (
            map("field = 'ship_via'\nsteps = [{ expression = \"if(weight > 5, 'A', 'B')\" }]"),
            "map[0].steps[0]",
            "weight",
            "facts are for",
        ),
        (
            map("field = 'ship_via'\nfrom = 'lines.item_code'\nsteps = []"),
            "map[0].from",
            "lines.item_code",
            "lines",
        ),
    ] {
        let (at, what, mend) = refused(&written);
        assert_eq!(at, place, "{written}: {what}");
        assert!(what.contains(message), "{written}: {what}");
        assert!(mend.contains(remedy), "{written}: {mend}");
    }
    let twice = rule("when = 'true'\nwarn = 'w'").repeat(2);
    assert_eq!(refused(&twice).0, "rule[1].name");
    let many: String = (0..=MAX_RULES)
        .map(|n| format!("[[rule]]\nname = 'r{n}'\ndocument = 'sales_order'\nwhen = 'true'\nwarn = 'w'\n"))
        .collect();
    assert!(refused(&many).1.contains("more than 100 rules"));
}

#[test]
fn what_is_not_known_is_not_read() {
    let start = "[[rule]]\nname = 'r'\ndocument = 'sales_order'\nwhen = 'true'\n";
    for (rest, wanted) in [
        ("hald = 'x'", "hald"),
        ("set = { freight_amt = 1.5 }", "decimal stands in quotes"),
        ("set = { udf.a = 'x', \"udf.a\" = 'y' }", "udf.a"),
        ("set = { udf = {} }", "udf has no value"),
        ("set = 'x'", "has to be a table"),
        ("each = 'line'", "lines"),
    ] {
        let message = unreadable(&format!("{start}{rest}\n"));
        assert!(message.contains(wanted), "{rest}: {message}");
    }
    assert!(unreadable("[[map]]\ndocument = 'shipment'\nfield = 'x'\nsteps = []\n").contains("shipment"));
}

/// What was read is written so that it is read again as the same.
#[test]
fn texts_go_through_toml_and_back() {
    let text = r#"
[[rule]]
name = "all"
document = "sales_order"
each = "lines"
when = "true"
set = { ship_via = "LTL", udf.gift = "Y", freight_amt = 3, print_sales_orders = true, comment = { expression = "fob" } }
refuse = "r"
remedy = "m"
"#;
    let read: RuleText = toml::from_str::<Written>(text).unwrap().rule.remove(0);
    let again: RuleText = toml::from_str(&toml::to_string(&read).unwrap()).unwrap();
    assert_eq!(read, again);
    let fields: Vec<_> = read.set.iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        [
            "comment",
            "freight_amt",
            "print_sales_orders",
            "ship_via",
            "udf.gift"
        ]
    );
}
