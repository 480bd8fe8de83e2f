//! What holds for every document, whatever mappings and rules there are.

use std::time::Instant;

use expression::{Step, Value};
use import::rules::{Applied, Assigned, Each, Facts, MappingText, NoFacts, RuleText, Rules, replay};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use values::Decimal;

use crate::{ORDER, words};

const HEADER: [&str; 6] = [
    "ship_via",
    "freight_amt",
    "order_date",
    "print_sales_orders",
    "udf.gift",
    "ship_to.ship_to_state",
];
const LINE: [&str; 4] = [
    "lines.item_code",
    "lines.quantity_ordered",
    "lines.udf.gift",
    "lines.drop_ship",
];

const CONDITIONS: [&str; 7] = [
    "true",
    "ship_via = 'a'",
    "weight > 5 or subtotal > 10",
    "not is_blank(udf.gift)",
    "line_count / freight_amt > 1",
    "number(ship_via) = 1",
    "customer.customer_name <> ''",
];
const LINE_CONDITIONS: [&str; 4] = [
    "lines.item_code = 'a'",
    "lines.quantity_ordered * 2 > 3",
    "item.product_line = 'a' and length(lines.udf.gift) > 1",
    "number(lines.item_code) > 1",
];
const GIVEN: [&str; 5] = [
    "ship_via || 'x'",
    "freight_amt + 1",
    "add_days(order_date, 1)",
    "if(ship_via = 'a', 'Y', 'N')",
    "replace(udf.gift, 'a', 'ä')",
];

struct Known;

impl Facts for Known {
    fn header(&self, name: &str) -> Option<Value> {
        (name == "weight").then(|| Value::Decimal(Decimal::new(6, 0)))
    }

    fn line(&self, index: usize, _: &str) -> Option<Value> {
        index.is_multiple_of(2).then(|| Value::Text("a".to_owned()))
    }

    fn look_up(&self, _: &str, keys: &[(String, String)], _: &str) -> Option<Value> {
        keys.first().map(|(_, value)| Value::Text(format!("{value}!")))
    }
}

fn any_value() -> impl Strategy<Value = Json> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "A ", "1", "2.50", "2026-05-01", "", "ß👋🏽", "1e5"]).prop_map(Json::from),
        2 => any::<i32>().prop_map(Json::from),
        1 => any::<bool>().prop_map(Json::from),
        1 => Just(json!(1.5)),
        1 => Just(json!(null)),
        1 => Just(json!([1])),
        1 => Just(json!({"ship_to_state": "a", "gift": "b", "GIFT": "c"})),
        1 => ".{0,8}".prop_map(Json::from),
    ]
}

fn any_object(names: &'static [&'static str]) -> impl Strategy<Value = Json> {
    prop::collection::vec((prop::sample::select(names), any_value()), 0..6).prop_map(|fields| {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
        Json::Object(fields.collect::<Map<_, _>>())
    })
}

fn any_body() -> impl Strategy<Value = Json> {
    let line = prop_oneof![
        6 => any_object(&["item_code", "quantity_ordered", "unit_price", "udf", "drop_ship"]),
        1 => any_value(),
    ];
    let header = any_object(&[
        "ship_via",
        "freight_amt",
        "order_date",
        "print_sales_orders",
        "udf",
        "ship_to",
        "company",
        "odd",
    ]);
    (header, prop::option::of(prop::collection::vec(line, 0..4))).prop_map(|(mut body, lines)| {
        if let Some(lines) = lines {
            body["lines"] = lines.into();
        }
        body
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Trim),
        Just(Step::Upper),
        Just(Step::Title),
        Just(Step::Cut(2)),
        Just(Step::Scale(2)),
        Just(Step::Default("a".to_owned())),
        Just(Step::Replace {
            from: "a".to_owned(),
            to: "bb".to_owned()
        }),
        prop::sample::select(&GIVEN[..]).prop_map(|text| Step::Expression(text.to_owned())),
    ]
}

fn any_mapping() -> impl Strategy<Value = MappingText> {
    let field = || prop::sample::select([&HEADER[..], &LINE[..]].concat());
    (
        field(),
        prop::option::of(field()),
        prop::collection::vec(any_step(), 0..4),
    )
        .prop_map(|(field, from, steps)| MappingText {
            document: ORDER,
            field: field.to_owned(),
            from: from.map(str::to_owned),
            kind: None,
            steps,
        })
}

fn any_rule() -> impl Strategy<Value = RuleText> {
    let given = prop_oneof![
        prop::sample::select(vec!["a", "LTL", "5", "2026-06-01", "", "👋🏽"])
            .prop_map(|text| Assigned::Text(text.to_owned())),
        any::<i64>().prop_map(Assigned::Whole),
        any::<bool>().prop_map(Assigned::Truth),
        prop::sample::select(&GIVEN[..]).prop_map(|text| Assigned::Expression(text.to_owned())),
    ];
    let field = prop::sample::select([&HEADER[..], &LINE[..]].concat());
    let conditions = prop::sample::select([&CONDITIONS[..], &LINE_CONDITIONS[..]].concat());
    (
        any::<u64>(),
        conditions,
        any::<bool>(),
        prop::collection::vec((field, given), 0..3),
        prop::option::of(Just("held".to_owned())),
        prop::option::of(Just("warned".to_owned())),
    )
        .prop_map(|(name, when, lines, set, hold, warn)| RuleText {
            name: name.to_string(),
            document: ORDER,
            when: when.to_owned(),
            each: lines.then_some(Each::Lines),
            set: set
                .into_iter()
                .map(|(field, given)| (field.to_owned(), given))
                .collect(),
            hold,
            refuse: None,
            warn,
            remedy: None,
        })
}

/// Those that can be compiled, of which there are enough.
fn rules_of(mappings: &[MappingText], rules: &[RuleText]) -> Rules {
    let words = words();
    let good_mappings: Vec<_> = mappings
        .iter()
        .filter(|mapping| Rules::compile(&[], std::slice::from_ref(mapping), words).is_ok())
        .cloned()
        .collect();
    let good_rules: Vec<_> = rules
        .iter()
        .filter(|rule| Rules::compile(std::slice::from_ref(rule), &[], words).is_ok())
        .cloned()
        .collect();
    Rules::compile(&good_rules, &good_mappings, words).unwrap_or_default()
}

fn lawful(body: &Json, applied: &Applied) -> Result<(), TestCaseError> {
    prop_assert_eq!(&replay(body.clone(), &applied.changes), &applied.body);
    for change in &applied.changes {
        prop_assert_ne!(&change.before, &change.after);
        prop_assert!(!change.by.is_empty());
    }
    for problem in applied.holds.iter().chain(&applied.refusals) {
        prop_assert!(!problem.message.is_empty() && !problem.remedy.is_empty());
        prop_assert!(["rule_hold", "rule_refused", "rule_failed"].contains(&problem.code.as_str()));
    }
    // Replayed backwards, what came in comes out again, but for the groups that were made.
    let mut back = applied.changes.clone();
    back.reverse();
    for change in &mut back {
        std::mem::swap(&mut change.before, &mut change.after);
    }
    prop_assert_eq!(
        without_empty(replay(applied.body.clone(), &back)),
        without_empty(body.clone())
    );
    Ok(())
}

fn without_empty(mut value: Json) -> Json {
    if let Json::Object(object) = &mut value {
        let entries = std::mem::take(object);
        let kept = entries
            .into_iter()
            .map(|(name, value)| (name, without_empty(value)));
        *object = kept
            .filter(|(_, value)| !value.is_null() && *value != json!({}))
            .collect();
    }
    if let Json::Array(list) = &mut value {
        *list = std::mem::take(list).into_iter().map(without_empty).collect();
    }
    value
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn changes_replay_to_the_body(
        mappings in prop::collection::vec(any_mapping(), 0..5),
        rules in prop::collection::vec(any_rule(), 0..6),
        body in any_body(),
    ) {
        let rules = rules_of(&mappings, &rules);
        for facts in [&Known as &dyn Facts, &NoFacts] {
            let applied = rules.apply(ORDER, &body, facts);
            lawful(&body, &applied)?;
            prop_assert_eq!(&rules.apply(ORDER, &body, facts), &applied);
            lawful(&body, &rules.map(ORDER, &body, facts))?;
        }
    }

    /// Rules one after the other, each over what the one before made, come to the same as all at once.
    #[test]
    fn rules_go_in_order(rules in prop::collection::vec(any_rule(), 0..6), body in any_body()) {
        let rules: Vec<_> = rules
            .into_iter()
            .filter(|rule| Rules::compile(std::slice::from_ref(rule), &[], words()).is_ok())
            .collect();
        let all = rules_of(&[], &rules).apply(ORDER, &body, &Known);
        let mut step = body;
        for rule in &rules {
            step = rules_of(&[], std::slice::from_ref(rule)).apply(ORDER, &step, &Known).body;
        }
        prop_assert_eq!(all.body, step);
    }

    /// A document that comes out as it went in does so every time; and where nothing is written,
    /// nothing is changed.
    #[test]
    fn nothing_changes_without_a_reason(body in any_body()) {
        let none = Rules::default().apply(ORDER, &body, &NoFacts);
        prop_assert_eq!(&none.body, &body);
        prop_assert!(none.changes.is_empty() && none.holds.is_empty() && none.warnings.is_empty());
    }

    /// Steps that come to rest do so in one pass.
    #[test]
    fn cleaning_twice_is_cleaning_once(body in any_body(), fields in prop::collection::vec(prop::sample::select([&HEADER[..], &LINE[..]].concat()), 1..5)) {
        let mappings: Vec<_> = fields
            .into_iter()
            .map(|field| MappingText {
                document: ORDER,
                field: field.to_owned(),
                from: None,
                kind: None,
                steps: vec![Step::Trim, Step::Upper, Step::Default("X".to_owned()), Step::Cut(3), Step::Trim],
            })
            .collect();
        let rules = rules_of(&mappings, &[]);
        let once = rules.apply(ORDER, &body, &NoFacts);
        let twice = rules.apply(ORDER, &once.body, &NoFacts);
        prop_assert_eq!(&twice.body, &once.body);
        prop_assert!(twice.changes.is_empty());
        prop_assert_eq!(twice.holds.len(), once.holds.len());
    }
}

/// The generators above make what can be compiled often enough.
#[test]
fn enough_is_accepted() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let accepted = (0..400)
        .filter(|_| {
            let rule = any_rule().new_tree(&mut runner).expect("a rule").current();
            Rules::compile(&[rule], &[], words()).is_ok()
        })
        .count();
    assert!(accepted > 60, "{accepted} of 400");
    let accepted = (0..400)
        .filter(|_| {
            let mapping = any_mapping().new_tree(&mut runner).expect("a mapping").current();
            Rules::compile(&[], &[mapping], words()).is_ok()
        })
        .count();
    assert!(accepted > 60, "{accepted} of 400");
}

#[test]
fn a_line_costs_the_same_however_many_there_are() {
    let rules: Vec<RuleText> = (0..10)
        .map(|n| RuleText {
            name: n.to_string(),
            document: ORDER,
            when: "lines.quantity_ordered >= 1 and item.product_line <> 'X' and subtotal > 5".to_owned(),
            each: Some(Each::Lines),
            set: std::iter::once((
                "lines.comment_text".to_owned(),
                Assigned::Expression(format!("lines.comment_text || '{n}'")),
            ))
            .collect(),
            hold: None,
            refuse: None,
            warn: Some("w".to_owned()),
            remedy: None,
        })
        .collect();
    let rules = Rules::compile(&rules, &[], words()).expect("rules");
    let of_lines = |count: usize| {
        let lines: Vec<_> = (0..count)
            .map(|n| json!({"item_code": format!("I{n}"), "quantity_ordered": "2", "unit_price": "1.25"}))
            .collect();
        json!({"lines": lines})
    };
    let (few, many) = (of_lines(1_000), of_lines(10_000));
    let applied = rules.apply(ORDER, &many, &Known);
    assert_eq!(applied.changes.len(), 100_000);
    assert_eq!(applied.body["lines"][9_999]["comment_text"], "0123456789");
    let quickest = |body: &Json| {
        let tries = (0..3).map(|_| {
            let started = Instant::now();
            let _ = rules.apply(ORDER, body, &Known);
            started.elapsed()
        });
        tries.min().unwrap_or_default()
    };
    // Where a line costs what all lines cost, this is a hundred times as much.
    let (few, many) = (quickest(&few), quickest(&many));
    assert!(
        many < few * 50,
        "{few:?} for a thousand, {many:?} for ten thousand"
    );
}
