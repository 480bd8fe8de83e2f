//! Every step: as it is written, what it does, and how it is refused.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop where it stands, in its own functions too"
)]

use expression::{EvaluateError, LookUp, MAX_STEPS, Step, StepError, Steps, Value};
use serde::{Deserialize, Serialize};
use values::{Date, Decimal, Kind};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Field {
    steps: Vec<Step>,
}

fn steps(toml: &str) -> Vec<Step> {
    let text = format!("steps = [{toml}]");
    let field: Field = toml::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let again = toml::to_string(&field).expect("steps can be written");
    assert_eq!(toml::from_str::<Field>(&again).expect(&again), field, "{again}");
    field.steps
}

fn unread(toml: &str) -> String {
    toml::from_str::<Field>(&format!("steps = [{toml}]"))
        .expect_err(toml)
        .to_string()
}

fn columns() -> Vec<(String, Kind)> {
    [
        ("City", Kind::Text),
        ("State", Kind::Text),
        ("ProductLine", Kind::Text),
        ("StandardUnitPrice", Kind::Decimal { scale: 6 }),
        ("DueDate", Kind::Date),
        ("udf", Kind::Json),
    ]
    .map(|(name, kind)| (name.to_owned(), kind))
    .to_vec()
}

fn row(name: &str) -> Value {
    match name {
        "City" => Value::Text("Milwaukee".to_owned()),
        "State" => Value::Text("WI".to_owned()),
        "ProductLine" => Value::Text("WF&A".to_owned()),
        "StandardUnitPrice" => Value::Decimal(Decimal::new(79_500_000, 6)),
        "DueDate" => Value::Date(Some(Date::constant(2026, 5, 1))),
        other => panic!("the row is asked for {other}"),
    }
}

fn look_up(table: &str, keys: &[(String, String)], column: &str) -> Option<Value> {
    let found = table == "IM_ProductLine" && column == "ProductLineDesc";
    assert!(found, "{table}.{column}");
    let keys: Vec<(&str, &str)> = keys
        .iter()
        .map(|(column, key)| (column.as_str(), key.as_str()))
        .collect();
    match keys[..] {
        [("ProductLine", "WF&A")] => Some(Value::Text("Workstation furniture".to_owned())),
        _ => None,
    }
}

fn compiled(toml: &str, kind: Kind) -> Result<Steps, StepError> {
    Steps::compile_among(&steps(toml), kind, &columns())
}

fn applied(toml: &str, kind: Kind, value: Value) -> Result<Value, EvaluateError> {
    let steps = compiled(toml, kind).unwrap_or_else(|error| panic!("{toml}: {error}"));
    let value = steps.apply(value, &row, &look_up)?;
    match (steps.kind(), &value) {
        (Kind::Text, Value::Text(_)) | (Kind::Date, Value::Date(_)) => {}
        (Kind::Decimal { scale }, Value::Decimal(decimal)) => assert_eq!(decimal.scale(), scale, "{toml}"),
        (kind, value) => panic!("{toml}: {kind:?} was promised, {value:?} came"),
    }
    Ok(value)
}

fn of_text(toml: &str, text: &str) -> String {
    let value = applied(toml, Kind::Text, Value::Text(text.to_owned()));
    value
        .unwrap_or_else(|error| panic!("{toml}: {error}"))
        .to_string()
}

const SCALE_4: Kind = Kind::Decimal { scale: 4 };

fn of_number(toml: &str, units: i64) -> Result<String, EvaluateError> {
    applied(toml, SCALE_4, Value::Decimal(Decimal::new(units, 4))).map(|value| value.to_string())
}

#[test]
fn steps_of_text() {
    for (toml, text, becomes) in [
        ("", "as it is  ", "as it is"),
        ("'trim'", "  a b  ", "a b"),
        ("'upper'", "zürich", "ZÜRICH"),
        ("'lower'", "ZÜRICH", "zürich"),
        (
            "'title'",
            "o'neil & SONS, st. gallen-west",
            "O'neil & Sons, St. Gallen-West",
        ),
        (
            "{ map = { A = 'Active', I = 'Inactive' }, default = 'Other' }",
            "A",
            "Active",
        ),
        (
            "{ map = { A = 'Active', I = 'Inactive' }, default = 'Other' }",
            "a",
            "Other",
        ),
        ("{ map = { A = 'Active' } }", "X", "X"),
        ("{ map = { '' = 'None' } }", "", "None"),
        ("{ default = 'N/A' }", "  ", "N/A"),
        ("{ default = 'N/A' }", "x", "x"),
        ("{ replace = { from = '-', to = '' } }", "a-b-c", "abc"),
        ("{ cut = 2 }", "Zürich", "Zü"),
        ("{ cut = 20 }", "Zürich", "Zürich"),
        ("{ scale = 2 }", " 1.255 ", "1.26"),
        ("{ scale = 2 }", "", "0.00"),
        (
            "{ concat = ['City', { text = ', ' }, 'state', { text = ' ' }, 'value'] }",
            "53201",
            "Milwaukee, WI 53201",
        ),
        (
            "{ concat = ['StandardUnitPrice', { text = ' on ' }, 'DueDate'] }",
            "",
            "79.500000 on 2026-05-01",
        ),
        (
            "{ expression = \"upper(left(value, 1)) || mid(value, 2, 99)\" }",
            "zürich",
            "Zürich",
        ),
        ("'trim', 'lower', { cut = 3 }, { default = '-' }", "  ABCD", "abc"),
    ] {
        assert_eq!(of_text(toml, text), becomes, "{toml}");
    }
}

#[test]
fn steps_of_numbers() {
    for (toml, units, becomes) in [
        ("{ scale = 2 }", 12_350, "1.24"),
        ("{ scale = 2 }", -12_350, "-1.24"),
        ("{ scale = 6 }", 12_345, "1.234500"),
        ("{ multiply = '1.10' }", 12_345, "1.357950"),
        ("{ multiply = 12 }", 12_345, "14.8140"),
        ("{ multiply = '-0.5' }, { scale = 1 }", 12_345, "-0.6"),
        ("{ expression = 'value * 2' }", 12_345, "2.4690"),
        ("{ expression = 'StandardUnitPrice * 1.10' }", 0, "87.45000000"),
        (
            "{ expression = 'text(value)' }, { replace = { from = '.', to = ',' } }",
            12_345,
            "1,2345",
        ),
    ] {
        assert_eq!(of_number(toml, units).as_deref(), Ok(becomes), "{toml}");
    }
    assert_eq!(
        of_number("{ multiply = 9999999999 }", i64::MAX),
        Err(EvaluateError::Overflow)
    );
    let odd = applied("{ scale = 2 }", Kind::Text, Value::Text("12 boxes".to_owned()));
    assert_eq!(odd, Err(EvaluateError::NotANumber));
}

#[test]
fn steps_of_dates() {
    let toml = "{ default = '2099-12-31' }";
    let (may, never) = (Date::constant(2026, 5, 1), Date::constant(2099, 12, 31));
    for (date, becomes) in [(Some(may), may), (None, never)] {
        assert_eq!(
            applied(toml, Kind::Date, Value::Date(date)),
            Ok(Value::Date(Some(becomes)))
        );
    }
    let value = applied(
        "{ expression = 'add_days(value, 30)' }",
        Kind::Date,
        Value::Date(Some(may)),
    );
    assert_eq!(value, Ok(Value::Date(Some(Date::constant(2026, 5, 31)))));
}

const DESCRIPTION: &str = "{ look_up = { table = 'IM_ProductLine', on = { productline = 'ProductLine' }, column = 'ProductLineDesc' } }";

#[test]
fn a_look_up_takes_what_another_table_holds() {
    assert_eq!(of_text(DESCRIPTION, ""), "Workstation furniture");
    let by_value = DESCRIPTION.replace("productline =", "value =");
    assert_eq!(of_text(&by_value, "WF&A"), "Workstation furniture");
    assert_eq!(of_text(&by_value, "none such"), "");
    assert_eq!(
        of_text(&format!("{by_value}, {{ default = 'Other' }}"), "none such"),
        "Other"
    );
}

#[test]
fn says_what_it_needs_and_gives() {
    let toml = format!(
        "{{ concat = ['state', 'value', 'City', 'CITY'] }}, {DESCRIPTION}, {{ expression = 'number(value) + standardunitprice' }}"
    );
    let steps = compiled(&toml, Kind::Text).expect("steps that fit");
    assert_eq!(
        steps.columns(),
        ["City", "ProductLine", "StandardUnitPrice", "State"]
    );
    assert_eq!(
        steps.look_ups(),
        [LookUp {
            table: "IM_ProductLine".to_owned(),
            on: [("ProductLine".to_owned(), "ProductLine".to_owned())].into(),
            column: "ProductLineDesc".to_owned(),
        }]
    );
    assert_eq!(steps.kind(), Kind::Decimal { scale: 6 });
}

#[test]
fn each_refusal_names_the_step_and_a_mend() {
    let (text, number, date) = (Kind::Text, SCALE_4, Kind::Date);
    for (toml, kind, step, message, remedy) in [
        (
            "{ scale = 2 }, 'trim'",
            number,
            1,
            "trim takes text, the value is a number",
            "text(value)",
        ),
        (
            "'upper'",
            date,
            0,
            "upper takes text, the value is a date",
            "text(value)",
        ),
        ("'lower'", number, 0, "lower takes text", "text(value)"),
        ("'title'", number, 0, "title takes text", "text(value)"),
        (
            "{ map = { A = 'B' } }",
            number,
            0,
            "map takes text",
            "text(value)",
        ),
        ("{ map = {} }", text, 0, "map has no values", "map = { A"),
        (
            "{ replace = { from = 'a', to = 'b' } }",
            number,
            0,
            "replace takes text",
            "text(value)",
        ),
        (
            "{ replace = { from = '', to = 'b' } }",
            text,
            0,
            "replace looks for nothing",
            "from",
        ),
        ("{ cut = 3 }", number, 0, "cut takes text", "text(value)"),
        ("{ cut = 0 }", text, 0, "cut leaves nothing", "how many"),
        (
            "{ default = '5' }",
            number,
            0,
            "a number is never blank",
            "if(value = 0, 5, value)",
        ),
        (
            "{ default = 'soon' }",
            date,
            0,
            "\"soon\" is not a date",
            "2026-05-01",
        ),
        ("{ scale = 13 }", number, 0, "a scale of 13", "0 to 12"),
        ("{ scale = 2 }", date, 0, "the value is a date", "year(value)"),
        (
            "{ multiply = '2' }",
            text,
            0,
            "multiply takes a number, the value is text",
            "{ scale = 2 }",
        ),
        (
            "{ multiply = '2' }",
            date,
            0,
            "multiply takes a number",
            "year(value)",
        ),
        (
            "{ multiply = '1,1' }",
            number,
            0,
            "\"1,1\" is not a number",
            "1.10",
        ),
        ("{ multiply = '' }", number, 0, "\"\" is not a number", "1.10"),
        ("{ concat = [] }", text, 0, "concat has no parts", "State"),
        (
            "{ concat = ['Town'] }",
            text,
            0,
            "column Town is not known here",
            "as the ERP names it",
        ),
        (
            "{ concat = ['udf'] }",
            text,
            0,
            "column udf is no single value",
            "one by one",
        ),
        (
            "{ look_up = { table = 'T', on = {}, column = 'C' } }",
            text,
            0,
            "look_up has no key",
            "on =",
        ),
        (
            "{ look_up = { table = '', on = { City = 'C' }, column = 'C' } }",
            text,
            0,
            "look_up has no table",
            "on =",
        ),
        (
            "{ look_up = { table = 'T', on = { Town = 'C' }, column = 'C' } }",
            text,
            0,
            "column Town",
            "as the ERP",
        ),
        (
            "'trim', { expression = 'value * 2' }",
            text,
            1,
            "* takes numbers, value is text",
            "number(value)",
        ),
        (
            "{ expression = \"value = 'A'\" }",
            text,
            0,
            "true or false",
            "if(value = 'A', 'Y', 'N')",
        ),
    ] {
        let error = compiled(toml, kind).expect_err(toml);
        assert_eq!(error.step, step, "{toml}: {error}");
        assert!(error.message.contains(message), "{toml}: {error}");
        assert!(error.remedy().contains(remedy), "{toml}: {}", error.remedy);
    }
    let error = compiled("'trim', { expression = '1 + Town' }", Kind::Text).expect_err("no such column");
    assert_eq!(
        error.to_string(),
        "step 2: column Town is not known here, at character 5"
    );
    assert_eq!(error.expression.map(|inner| inner.at), Some(4));
    assert_eq!(compiled("", Kind::Json).expect_err("no single value").step, 0);
    let many = vec![Step::Trim; MAX_STEPS + 1];
    assert_eq!(
        Steps::compile(&many, Kind::Text, &|_| None)
            .expect_err("too many")
            .step,
        MAX_STEPS
    );
}

#[test]
fn what_is_no_step_is_refused_with_what_is_one() {
    for (toml, parts) in [
        ("'trimm'", vec!["trimm", "`trim`, `upper`, `lower`, `title`"]),
        (
            "{ sclae = 2 }",
            vec!["sclae", "`scale`", "`look_up`", "`expression`"],
        ),
        ("{ scale = 2, cut = 3 }", vec!["a step has one key"]),
        ("{ scale = 2, default = 'x' }", vec!["a step has one key"]),
        ("{}", vec!["an empty step", "multiply"]),
        ("{ multiply = 1.1 }", vec!["a decimal in quotes"]),
        ("{ concat = [{ txt = 'x' }] }", vec!["a column's name, or { text"]),
        (
            "{ concat = [{ text = 'x', more = 1 }] }",
            vec!["a column's name, or { text"],
        ),
        ("{ replace = { from = 'x' } }", vec!["missing field `to`"]),
        (
            "{ look_up = { table = 'T', on = {}, column = 'C', key = 'x' } }",
            vec!["key", "`on`"],
        ),
        ("{ scale = -1 }", vec!["-1"]),
        ("5", vec!["a step: one of the words trim"]),
    ] {
        let error = unread(toml);
        for part in parts {
            assert!(error.contains(part), "{toml}: {error}");
        }
    }
}

#[test]
fn a_value_of_another_type_is_an_error() {
    let other = applied("'trim'", Kind::Text, Value::Bool(true));
    assert_eq!(
        other,
        Err(EvaluateError::OtherType {
            column: "value".to_owned()
        })
    );
    let steps = Steps::compile_among(&steps("{ concat = ['City'] }"), Kind::Text, &columns())
        .expect("steps that fit");
    let other = steps.apply(Value::Text(String::new()), &|_| Value::Bool(true), &look_up);
    assert_eq!(
        other,
        Err(EvaluateError::OtherType {
            column: "City".to_owned()
        })
    );
}

#[test]
fn no_step_makes_a_text_without_end() {
    let toml = vec!["{ concat = ['value', 'value'] }"; 20].join(", ");
    assert_eq!(
        applied(&toml, Kind::Text, Value::Text("x".to_owned())),
        Err(EvaluateError::TextTooLong)
    );
    let toml = vec!["{ replace = { from = 'x', to = 'xxxxxxxxxx' } }"; 20].join(", ");
    assert_eq!(
        applied(&toml, Kind::Text, Value::Text("x".to_owned())),
        Err(EvaluateError::TextTooLong)
    );
}
