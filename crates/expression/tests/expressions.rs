//! Every function and operator, and every refusal with its place.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop where it stands, in its own functions too"
)]

use std::time::{Duration, Instant};

use expression::{
    CompileError, EvaluateError, Expression, MAX_NESTING, MAX_NODES, MAX_PRODUCED_BYTES, MAX_TEXT_BYTES,
    Type, Value,
};
use values::{Date, Decimal, Kind};

fn kind(name: &str) -> Option<Kind> {
    Some(match name.to_ascii_lowercase().as_str() {
        "itemcode" | "udf_a" | "city" | "memo" | "odd" | "blank" => Kind::Text,
        "price" => Kind::Decimal { scale: 6 },
        "quantity" => Kind::Decimal { scale: 2 },
        "zero" => Kind::Decimal { scale: 2 },
        "due" | "never" => Kind::Date,
        "udf" => Kind::Json,
        _ => return None,
    })
}

fn row(name: &str) -> Value {
    match name.to_ascii_lowercase().as_str() {
        "itemcode" => Value::Text(" ab-12 ".to_owned()),
        "udf_a" => Value::Text("5".to_owned()),
        "city" => Value::Text("Zürich".to_owned()),
        "memo" => Value::Text("x".repeat(40_000)),
        "odd" => Value::Text("5 boxes".to_owned()),
        "blank" => Value::Text("  ".to_owned()),
        "price" => Value::Decimal(Decimal::new(79_500_000, 6)),
        "quantity" => Value::Decimal(Decimal::new(-350, 2)),
        "zero" => Value::Decimal(Decimal::zero(2)),
        "due" => Value::Date(Some(Date::constant(2026, 5, 1))),
        "never" => Value::Date(None),
        other => panic!("the row is asked for {other}"),
    }
}

fn compiled(text: &str) -> Expression {
    Expression::compile(text, &kind).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn evaluated(text: &str) -> Result<Value, EvaluateError> {
    let expression = compiled(text);
    let value = expression.evaluate(&row)?;
    assert_eq!(value.kind(), expression.kind(), "{text}");
    if let (Value::Decimal(decimal), Some(Kind::Decimal { scale })) = (&value, expression.field_kind()) {
        assert_eq!(
            decimal.scale(),
            scale,
            "{text} has the decimals that it was said to have"
        );
    }
    Ok(value)
}

fn shown(text: &str) -> String {
    evaluated(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .to_string()
}

fn refused(text: &str) -> CompileError {
    Expression::compile(text, &kind).expect_err(text)
}

#[test]
fn arithmetic_is_exact() {
    for (text, value) in [
        ("price * 1.10", "87.45000000"),
        ("price * quantity", "-278.25000000"),
        ("0.1 + 0.2", "0.3"),
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("2 / 3", "0.666667"),
        ("-2 / 3", "-0.666667"),
        ("12 / 4 / 3", "1.000000"),
        ("- -5", "5"),
        ("2 * -3", "-6"),
        ("-quantity", "3.50"),
        (".5 + 1.", "1.5"),
        ("0.000001 * 0.0000005", "0.000000000001"),
        (
            "round(999999999 * 1.0000001 * 1.0000001 * 1000, 0)",
            "1000000199000",
        ),
    ] {
        assert_eq!(shown(text), value, "{text}");
    }
}

#[test]
fn functions_of_text() {
    for (text, value) in [
        ("trim(ItemCode)", "ab-12"),
        ("upper(city)", "ZÜRICH"),
        ("lower('ÄB')", "äb"),
        ("left(city, 2)", "Zü"),
        ("left(city, 99)", "Zürich"),
        ("left(city, -1)", ""),
        ("right(city, 3)", "ich"),
        ("right(city, 0)", ""),
        ("right(city, 99)", "Zürich"),
        ("mid(city, 2, 3)", "üri"),
        ("mid(city, 0, 2)", "Zü"),
        ("mid(city, 9, 2)", ""),
        ("length(city)", "6"),
        ("replace(ItemCode, '-', '--')", " ab--12 "),
        ("replace(city, '', 'x')", "Zürich"),
        ("'it''s' || ' ' || city", "it's Zürich"),
        ("text(price)", "79.500000"),
        ("text(round(price, 2))", "79.50"),
        ("text(due) || text(never)", "2026-05-01"),
    ] {
        assert_eq!(shown(text), value, "{text}");
    }
}

#[test]
fn functions_of_numbers() {
    for (text, value) in [
        ("round(price / 7, 2)", "11.36"),
        ("round(-0.125, 2)", "-0.13"),
        ("round(2, 3)", "2.000"),
        ("min(3, 1.50, 2)", "1.50"),
        ("max(3, 1.50, 2)", "3.00"),
        ("abs(quantity)", "3.50"),
        ("number(UDF_A) + 1", "6.000000"),
        ("number(' 5.25- ')", "-5.250000"),
        ("number(blank)", "0.000000"),
    ] {
        assert_eq!(shown(text), value, "{text}");
    }
}

#[test]
fn functions_of_dates() {
    for (text, value) in [
        ("year(due) * 10000 + month(due) * 100 + day(due)", "20260501"),
        ("days_between(date '2026-02-27', due)", "63"),
        ("days_between(due, date '2026-04-30')", "-1"),
        ("days_between(due, never)", "0"),
        ("add_days(due, 31)", "2026-06-01"),
        ("add_days(date '2026-03-01', -1.9)", "2026-02-28"),
        ("add_days(never, 31)", ""),
        ("year(never)", "0"),
        ("coalesce(never, due)", "2026-05-01"),
    ] {
        assert_eq!(shown(text), value, "{text}");
    }
}

#[test]
fn conditions() {
    for (text, value) in [
        ("1.5 = 1.50", true),
        ("udf_a <> '5'", false),
        ("'B' > 'A' and 2 >= 2 and 1 <= 2 and 1 < 2", true),
        ("due < date '2026-05-02'", true),
        ("never = due", false),
        ("never <> due", true),
        ("never < due or never >= due", false),
        ("is_blank(never) and is_blank(blank) and is_blank(zero)", true),
        ("is_blank(city) or is_blank(due) or is_blank(price)", false),
        ("not 1 = 2 and true", true),
        ("not (1 = 2 or true)", false),
        ("true or false and false", true),
        ("udf_a in ('4', '5')", true),
        ("udf_a not in ('4', '5')", false),
        ("price in (1, 79.5)", true),
        ("due in (date '2026-05-01')", true),
        ("(1 < 2) = true", true),
        ("1 = 1 and 2 = 2", true),
    ] {
        if text.starts_with("AND_X") {
            assert!(
                refused(text).message.contains("AND_X_is_no_keyword_is_fine"),
                "{text}"
            );
            continue;
        }
        assert_eq!(evaluated(text), Ok(Value::Bool(value)), "{text}");
    }
}

#[test]
fn choices_have_one_type_and_one_scale() {
    assert_eq!(shown("if(udf_a = '5', 'five', 'other')"), "five");
    assert_eq!(shown("if(false, 1.255, 2)"), "2.000");
    assert_eq!(shown("coalesce(blank, trim(ItemCode), 'none')"), "ab-12");
    assert_eq!(shown("coalesce(blank, '')"), "");
    assert_eq!(shown("coalesce(zero, 1.5)"), "1.50");
}

#[test]
fn only_what_is_needed_is_calculated() {
    assert_eq!(shown("if(zero = 0, 0, 1 / zero)"), "0.000000");
    assert_eq!(evaluated("zero = 0 or 1 / zero > 1"), Ok(Value::Bool(true)));
    assert_eq!(evaluated("zero <> 0 and 1 / zero > 1"), Ok(Value::Bool(false)));
}

#[test]
fn a_row_that_cannot_be_calculated_is_an_error_by_name() {
    for (text, error) in [
        ("price / zero", EvaluateError::DivisionByZero),
        ("number(odd)", EvaluateError::NotANumber),
        ("number('1e3')", EvaluateError::NotANumber),
        ("price * price * price * price", EvaluateError::Overflow),
        ("add_days(due, 99999999)", EvaluateError::DateOutOfRange),
        ("add_days(due, 99999999999)", EvaluateError::DateOutOfRange),
        ("memo || memo", EvaluateError::TextTooLong),
        ("replace(memo, 'x', 'xx')", EvaluateError::TextTooLong),
    ] {
        assert_eq!(evaluated(text), Err(error), "{text}");
    }
    assert_eq!(EvaluateError::DivisionByZero.code(), "division_by_zero");
}

#[test]
fn work_is_bounded() {
    let text = vec!["length(upper(memo))"; 20].join(" + ");
    assert_eq!(evaluated(&text), Err(EvaluateError::TooCostly));
    assert!(
        evaluated("length(upper(memo)) > 0").is_ok(),
        "one long text is within the bound"
    );
    assert!(evaluated(&format!("left(memo, {MAX_PRODUCED_BYTES}) = memo")).is_ok());
}

#[test]
fn a_row_of_another_type_is_an_error() {
    let other = compiled("price + 1").evaluate(&|_| Value::Text("79.5".to_owned()));
    assert_eq!(
        other,
        Err(EvaluateError::OtherType {
            column: "price".to_owned()
        })
    );
}

#[test]
fn says_what_it_needs_and_gives() {
    let expression = compiled("if(UDF_A = '5', Price, price * Quantity)");
    assert_eq!(expression.columns(), ["Price", "Quantity", "UDF_A"]);
    assert_eq!(expression.kind(), Type::Decimal);
    assert_eq!(expression.field_kind(), Some(Kind::Decimal { scale: 8 }));
    assert_eq!(compiled("due = never").field_kind(), None);
    assert_eq!(expression, compiled(expression.text()));
}

#[test]
fn columns_get_the_spelling_of_the_erp() {
    let columns = [
        ("ItemCode".to_owned(), Kind::Text),
        ("UDF_A".to_owned(), Kind::Text),
    ];
    let expression =
        Expression::compile_among("udf_a || itemcode || ITEMCODE", &columns).expect("known columns");
    assert_eq!(expression.columns(), ["ItemCode", "UDF_A"]);
    assert!(Expression::compile_among("price", &columns).is_err());
}

#[test]
fn every_refusal_has_its_place_and_a_mend() {
    for (text, at, message, remedy) in [
        (
            "1 = 1 and UDF_X = '5'",
            10,
            "column UDF_X is not known here",
            "as the ERP names it",
        ),
        (
            "UDF_A = 5",
            0,
            "text cannot be compared with a number",
            "compare with '5' or use number(UDF_A)",
        ),
        (
            "price = '5'",
            0,
            "a number cannot be compared with text",
            "compare with 5",
        ),
        (
            "due = '2026-05-01'",
            0,
            "a date cannot be compared with text",
            "write date '2026-05-01'",
        ),
        (
            "due > 5",
            0,
            "a date cannot be compared with a number",
            "days_between",
        ),
        (
            "(1 = 1) = 'Y'",
            0,
            "true or false cannot be compared with text",
            "write the condition alone",
        ),
        ("true < false", 0, "< does not compare conditions", "use = or <>"),
        ("udf_a + city", 0, "+ takes numbers, not text", "udf_a || city"),
        ("due + 5", 0, "+ takes numbers", "add_days(due, 5)"),
        ("due - never", 0, "- takes numbers", "days_between(never, due)"),
        (
            "price * udf_a",
            8,
            "* takes numbers, udf_a is text",
            "use number(udf_a)",
        ),
        (
            "'a' || price",
            7,
            "|| takes texts, price is a number",
            "use text(price)",
        ),
        ("price and true", 0, "and takes conditions", "price <> 0"),
        ("not price", 4, "not takes a condition", "price <> 0"),
        ("-city", 1, "- takes a number", "number(city)"),
        (
            "udf_a in ('4', 5)",
            15,
            "the list of text has a number",
            "compare with '5'",
        ),
        ("if(price, 1, 2)", 3, "wants true or false", "price <> 0"),
        (
            "if(true, 1, 'x')",
            12,
            "wants a number, 'x' is text",
            "number('x')",
        ),
        (
            "left(city)",
            0,
            "1 values are too few for left(text, n)",
            "left(text, n)",
        ),
        (
            "trim(city, 5)",
            0,
            "2 values are too many for trim(text)",
            "trim(text)",
        ),
        ("trim()", 0, "0 values are too few", "trim(text)"),
        (
            "round(price, 13)",
            13,
            "13 is not a number of decimals",
            "0 to 12",
        ),
        (
            "round(price, quantity)",
            13,
            "quantity is not a number of decimals",
            "0 to 12",
        ),
        ("is_blank(true)", 9, "a condition is never blank", "if(condition"),
        ("coalesce(city, 5)", 15, "wants text, 5 is a number", "text(5)"),
        ("text(city)", 5, "city is text already", "write city alone"),
        (
            "text(true)",
            5,
            "text() takes a number or a date",
            "if(true, 'Y', 'N')",
        ),
        ("max(1)", 0, "too few", "max(a, b, …)"),
        ("max(1, city)", 7, "wants a number", "number(city)"),
        (
            "substring(city)",
            0,
            "there is no function substring",
            "left, right, mid",
        ),
        ("1 + trim", 4, "column trim is not known here", "trim(text)"),
        ("city = NULL", 7, "column NULL is not known here", "is_blank"),
        (
            "date '2026-02-30'",
            5,
            "'2026-02-30' is not a date",
            "date '2026-05-01'",
        ),
        ("date ''", 5, "'' is not a date", "date '2026-05-01'"),
        ("udf = ''", 0, "column udf is no single value", "one by one"),
        ("city = 'x", 7, "this text has no end", "close it"),
        ("1 +", 3, "the expression ends too early", "a column"),
        ("", 0, "the expression ends too early", "a column"),
        ("1 2", 2, "2 is not expected here", "an operator"),
        ("(1", 2, "the expression ends too early", ")"),
        ("max(1 2)", 6, "2 is not expected here", ", or )"),
        ("1 < 2 < 3", 6, "a comparison of a comparison", "a < b and b < c"),
        ("true = not false", 7, "not is not expected here", "parentheses"),
        ("city in 'x'", 8, "'x' is not expected here", "in ('A', 'B')"),
        ("12ab", 0, "a number has a letter in it", "1200.50"),
        ("1.2.3", 0, "1.2.3 is not a number", "one point"),
        ("1234567890123456789", 0, "is not a number", "18 digits"),
        ("city == 'x'", 5, "== is not known here", "write ="),
        ("city != 'x'", 5, "!= is not known here", "write <>"),
        ("city = \"x\"", 7, "\" is not known here", "single quotes"),
        ("city & city", 5, "& is not known here", "||"),
        ("5 % 2", 2, "'%' is not known here", "names, numbers"),
        ("{d '2026-05-01'}", 0, "{ is not known here", "date '2026-05-01'"),
    ] {
        let error = refused(text);
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(error.remedy.contains(remedy), "{text}: {}", error.remedy);
    }
}

#[test]
fn a_place_is_told_in_characters_and_lines() {
    let error = refused("'ü' = '' or UDF_X = '5'");
    assert_eq!(
        error.to_string(),
        "column UDF_X is not known here, at character 13"
    );
    let error = refused("true\n  and UDF_X = '5'");
    assert_eq!((error.line, error.column), (2, 7));
    assert_eq!(
        error.to_string(),
        "column UDF_X is not known here, at line 2, character 7"
    );
    assert_eq!(error.code(), "expression_invalid");
}

#[test]
fn bounds_are_refused_at_once() {
    let started = Instant::now();
    let half = MAX_TEXT_BYTES / 2;
    for text in ["(", "-", "not ", "trim(", "if(", "1 in (", "-(", "max(1,"] {
        let error = refused(&text.repeat(half / text.len()));
        assert!(error.message.contains("levels"), "{text}: {error}");
    }
    let error = refused(&format!(
        "{}1{}",
        "(".repeat(MAX_NESTING + 1),
        ")".repeat(MAX_NESTING + 1)
    ));
    assert_eq!(error.at, MAX_NESTING);
    assert!(refused(&"1+".repeat(MAX_NODES)).message.contains("parts"));
    assert!(
        refused(&" ".repeat(MAX_TEXT_BYTES + 1))
            .message
            .contains("longer")
    );
    assert!(refused(&"(".repeat(100_000)).message.contains("longer"));
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

/// The smallest stack that a thread has on the systems that this runs on.
#[test]
fn the_deepest_that_is_accepted_runs_on_a_small_stack() {
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let run = small.spawn(|| {
        let nested = format!("{}1{}", "(".repeat(MAX_NESTING), ")".repeat(MAX_NESTING));
        assert_eq!(shown(&nested), "1");
        let mixed = format!(
            "{}1{}",
            "-(0+2*".repeat(MAX_NESTING / 2),
            ")".repeat(MAX_NESTING / 2)
        );
        assert_eq!(evaluated(&mixed), Ok(Value::Decimal(Decimal::new(1 << 32, 0))));
        for (level, parts) in [
            ("if(false or true and 1 = 1*1+0*", 15),
            ("if(false or 1 = 1+0*", 11),
        ] {
            let levels = MAX_NODES / parts - 1;
            let ladder = format!("{}1{}", level.repeat(levels), ", 1, 2)".repeat(levels));
            assert_eq!(shown(&ladder), "1");
        }
        let chain = vec!["1"; MAX_NODES / 2].join("+");
        assert_eq!(shown(&chain), (MAX_NODES / 2).to_string());
    });
    run.expect("a thread").join().expect("no overflow of the stack");
}

#[test]
fn names_have_points() {
    let kind = |name: &str| match name {
        "ship_to.state" | "udf.2nd" => Some(Kind::Text),
        "item.price" => Some(Kind::Decimal { scale: 2 }),
        _ => None,
    };
    let text = "ship_to.state = 'AK' and udf.2nd <> '' and item.price*.5 > 1";
    let expression = Expression::compile(text, &kind).expect("names with points");
    assert_eq!(expression.columns(), ["item.price", "ship_to.state", "udf.2nd"]);
    let row = |name: &str| match name {
        "item.price" => Value::Decimal(Decimal::new(201, 2)),
        "udf.2nd" => Value::Text("x".to_owned()),
        _ => Value::Text("AK".to_owned()),
    };
    assert_eq!(expression.evaluate(&row), Ok(Value::Bool(true)));
    for (wrong, at) in [
        ("ship_to. = 'A'", 7),
        ("ship_to.", 7),
        (".ship_to", 0),
        ("ship_to..state", 7),
        ("a. b", 1),
        ("if.x(1)", 0),
    ] {
        let error = Expression::compile(wrong, &|name| {
            (name == "ship_to").then_some(Kind::Text).or_else(|| kind(name))
        });
        assert_eq!(error.expect_err(wrong).at, at, "{wrong}");
    }
}

/// What the handbook shows compiles, and its table of functions is whole.
#[test]
fn the_handbook_is_true() {
    let handbook = include_str!("../../../docs/expressions.md");
    let (_, examples) = handbook.split_once("```text\n").expect("the examples");
    let (examples, _) = examples.split_once("```").expect("the end of the examples");
    let column = |name: &str| {
        Some(match name {
            "StandardUnitPrice" | "StandardUnitCost" => Kind::Decimal { scale: 6 },
            "InvoiceDate" | "InvoiceDueDate" => Kind::Date,
            "UDF_WEB" | "InactiveItem" | "ARDivisionNo" | "CustomerNo" => Kind::Text,
            _ => return None,
        })
    };
    assert_eq!(examples.lines().count(), 5);
    for example in examples.lines() {
        Expression::compile(example, &column).unwrap_or_else(|error| panic!("{example}: {error}"));
    }
    let known = refused("nothing()").remedy;
    let (_, names) = known.split_once("are ").expect("the names");
    for name in names.split(", ") {
        assert!(handbook.contains(&format!("`{name}(")), "{name}");
    }
}
