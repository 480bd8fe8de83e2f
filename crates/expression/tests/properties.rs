//! What holds for every text, every tree of arithmetic and every row.

use std::time::{Duration, Instant};

use expression::{EvaluateError, Expression, Type, Value};
use proptest::prelude::*;
use values::{Date, Decimal, Kind};

fn kind(name: &str) -> Option<Kind> {
    match name.to_ascii_lowercase().as_str() {
        "t" | "o.t" => Some(Kind::Text),
        "n" => Some(Kind::Decimal { scale: 6 }),
        "d" => Some(Kind::Date),
        "j" => Some(Kind::Json),
        _ => None,
    }
}

/// Compiles and runs whatever can be; nothing may panic or take long.
fn exercised(text: &str, row: &dyn Fn(&str) -> Value) -> Result<(), TestCaseError> {
    let started = Instant::now();
    match Expression::compile(text, &kind) {
        Ok(expression) => {
            prop_assert_eq!(
                Expression::compile(expression.text(), &kind),
                Ok(expression.clone())
            );
            if let Ok(value) = expression.evaluate(row) {
                prop_assert_eq!(value.kind(), expression.kind());
            }
        }
        Err(error) => {
            prop_assert!(error.at <= text.len() && !error.message.is_empty() && !error.remedy.is_empty());
            prop_assert!(error.line >= 1 && error.column >= 1);
        }
    }
    prop_assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    Ok(())
}

const WORDS: [&str; 46] = [
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "||",
    "=",
    "<>",
    "<",
    ">=",
    "and",
    "or",
    "not",
    "in",
    "true",
    "false",
    "t",
    "T",
    "n",
    "d",
    "j",
    "x",
    "''",
    "'a'",
    "'5'",
    "1",
    "1.10",
    "0",
    ".5",
    "date '2026-05-01'",
    "if(",
    "left(",
    "round(",
    "number(",
    "text(",
    "add_days(",
    "days_between(",
    "is_blank(",
    "coalesce(",
    "max(",
    "replace(",
    "mid(",
    "o.t",
    ".t",
];

fn any_row() -> impl Strategy<Value = (String, i64, Option<i32>)> {
    (
        ".{0,20}",
        any::<i64>(),
        proptest::option::of(-4_000_000..2_900_000_i32),
    )
}

fn value(name: &str, (text, units, days): &(String, i64, Option<i32>)) -> Value {
    match name.to_ascii_lowercase().as_str() {
        "n" => Value::Decimal(Decimal::new(*units, 6)),
        "d" => Value::Date(days.and_then(values::date_from_days)),
        _ => Value::Text(text.clone()),
    }
}

/// A text of the wanted type (`t`, `n`, `d`, or `b` for conditions), as the bytes choose.
fn well_typed(wanted: char, depth: u8, bytes: &mut impl Iterator<Item = u8>) -> String {
    let leaves: &[&str] = match wanted {
        't' => &["t", "'it''s'", "''"],
        'n' => &["n", "0", "1.10", "999999999999"],
        'd' => &["d", "date '2026-05-01'"],
        _ => &["true", "false"],
    };
    // In a form, a letter between signs stands for an expression of that type.
    let forms: &[&str] = match wanted {
        't' => &[
            "%t || %t",
            "trim(%t)",
            "upper(%t)",
            "lower(%t)",
            "left(%t, %n)",
            "right(%t, %n)",
            "mid(%t, %n, %n)",
            "replace(%t, %t, %t)",
            "text(%n)",
            "text(%d)",
            "if(%b, %t, %t)",
            "coalesce(%t, %t, %t)",
        ],
        'n' => &[
            "(%n + %n)",
            "(%n - %n)",
            "%n * %n",
            "%n / (%n)",
            "-%n",
            "length(%t)",
            "number(%t)",
            "round(%n, 2)",
            "abs(%n)",
            "min(%n, %n)",
            "max(%n, %n, %n)",
            "year(%d)",
            "month(%d)",
            "day(%d)",
            "days_between(%d, %d)",
            "if(%b, %n, %n)",
            "coalesce(%n, %n)",
        ],
        'd' => &["add_days(%d, %n)", "if(%b, %d, %d)", "coalesce(%d, %d)"],
        _ => &[
            "(%n < %n)",
            "(%t >= %t)",
            "(%d <> %d)",
            "(%b = %b)",
            "(%b and %b)",
            "(%b or %b)",
            "(not %b)",
            "(%t in (%t, %t))",
            "(%d not in (%d))",
            "is_blank(%n)",
            "is_blank(%t)",
            "is_blank(%d)",
            "if(%b, %b, %b)",
        ],
    };
    let choose = |from: &[&'static str], byte: u8| from[usize::from(byte) % from.len()];
    let byte = bytes.next().unwrap_or(0);
    if depth == 0 || byte < 32 {
        return choose(leaves, byte).to_owned();
    }
    let mut pieces = choose(forms, byte).split('%');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (ty, rest) = piece.split_at(1);
        text.push_str(&well_typed(ty.chars().next().unwrap_or('n'), depth - 1, bytes));
        text.push_str(rest);
    }
    text
}

/// Arithmetic with its own idea of what comes out.
#[derive(Clone, Debug)]
enum Tree {
    Literal(i64, u8),
    Negate(Box<Tree>),
    Round(Box<Tree>, u8),
    Binary(char, Box<Tree>, Box<Tree>),
}

#[derive(Debug, PartialEq)]
enum Reference {
    Is(i128, u32),
    DividedByZero,
    /// More than the reference can hold: nothing is claimed.
    Unknown,
}

fn tree() -> impl Strategy<Value = Tree> {
    let literal = (0..1_000_000_i64, 0..=6_u8).prop_map(|(units, scale)| Tree::Literal(units, scale));
    literal.prop_recursive(5, 24, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|tree| Tree::Negate(Box::new(tree))),
            (inner.clone(), 0..=8_u8).prop_map(|(tree, places)| Tree::Round(Box::new(tree), places)),
            (
                prop::sample::select(vec!['+', '-', '*', '/']),
                inner.clone(),
                inner
            )
                .prop_map(|(sign, a, b)| Tree::Binary(sign, Box::new(a), Box::new(b))),
        ]
    })
}

fn precedence(tree: &Tree) -> u8 {
    match tree {
        Tree::Binary('+' | '-', ..) => 1,
        Tree::Binary(..) => 2,
        Tree::Negate(_) => 3,
        Tree::Literal(..) | Tree::Round(..) => 4,
    }
}

/// With no more parentheses than the order of operators needs.
fn written(tree: &Tree, floor: u8) -> String {
    let text = match tree {
        Tree::Literal(units, scale) => Decimal::new(*units, *scale).to_string(),
        Tree::Negate(tree) => format!("-{}", written(tree, 3)),
        Tree::Round(tree, places) => format!("round({}, {places})", written(tree, 0)),
        Tree::Binary(sign, a, b) => {
            let own = precedence(tree);
            format!("{} {sign} {}", written(a, own), written(b, own + 1))
        }
    };
    if precedence(tree) < floor {
        format!("({text})")
    } else {
        text
    }
}

fn ten(exponent: u32) -> i128 {
    10_i128.pow(exponent)
}

/// Half away from zero, by doubling.
fn rounded(value: i128, by: i128) -> Option<i128> {
    let sign = value.signum() * by.signum();
    let (value, by) = (value.checked_abs()?, by.checked_abs()?);
    Some(sign * (value.checked_mul(2)?.checked_add(by)? / by.checked_mul(2)?))
}

fn at(units: i128, scale: u32, wanted: u32) -> Option<i128> {
    if wanted >= scale {
        units.checked_mul(ten(wanted - scale))
    } else {
        rounded(units, ten(scale - wanted))
    }
}

fn reference(tree: &Tree) -> Reference {
    let is =
        |units: Option<i128>, scale| units.map_or(Reference::Unknown, |units| Reference::Is(units, scale));
    match tree {
        Tree::Literal(units, scale) => Reference::Is(i128::from(*units), u32::from(*scale)),
        Tree::Negate(tree) => match reference(tree) {
            Reference::Is(units, scale) => Reference::Is(-units, scale),
            other @ (Reference::DividedByZero | Reference::Unknown) => other,
        },
        Tree::Round(tree, places) => match reference(tree) {
            Reference::Is(units, scale) => is(at(units, scale, u32::from(*places)), u32::from(*places)),
            other @ (Reference::DividedByZero | Reference::Unknown) => other,
        },
        Tree::Binary(sign, a, b) => {
            let ((a, s), (b, t)) = match (reference(a), reference(b)) {
                (Reference::Is(a, s), Reference::Is(b, t)) => ((a, s), (b, t)),
                (Reference::Unknown, _) | (Reference::Is(..), Reference::Unknown) => {
                    return Reference::Unknown;
                }
                _ => return Reference::DividedByZero,
            };
            let wide = s.max(t);
            match (sign, at(a, s, wide).zip(at(b, t, wide))) {
                ('+', aligned) => is(aligned.and_then(|(a, b)| a.checked_add(b)), wide),
                ('-', aligned) => is(aligned.and_then(|(a, b)| a.checked_sub(b)), wide),
                ('*', _) => {
                    let scale = (s + t).min(12);
                    is(a.checked_mul(b).and_then(|units| at(units, s + t, scale)), scale)
                }
                (_, _) if b == 0 => Reference::DividedByZero,
                (_, _) => {
                    let parts = a.checked_mul(ten(6 + t)).zip(b.checked_mul(ten(s)));
                    is(parts.and_then(|(up, down)| rounded(up, down)), 6)
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_an_expression_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..600), row in any_row()) {
        exercised(&String::from_utf8_lossy(&bytes), &|name| value(name, &row))?;
    }

    #[test]
    fn any_words_are_an_expression_or_an_error(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..40),
        row in any_row(),
    ) {
        exercised(&words.join(" "), &|name| value(name, &row))?;
    }

    #[test]
    fn what_is_well_typed_compiles_and_keeps_its_promise(
        wanted in prop::sample::select(vec!['t', 'n', 'd', 'b']),
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        row in any_row(),
    ) {
        let text = well_typed(wanted, 4, &mut bytes.into_iter());
        let expression = match Expression::compile(&text, &kind) {
            Ok(expression) => expression,
            Err(error) => {
                prop_assert!(error.message.contains("parts") || text.len() > 4_096, "{}: {}", text, error);
                return Ok(());
            }
        };
        let of_type = match wanted {
            't' => Type::Text,
            'n' => Type::Decimal,
            'd' => Type::Date,
            _ => Type::Bool,
        };
        prop_assert_eq!(expression.kind(), of_type);
        match (expression.evaluate(&|name| value(name, &row)), expression.field_kind()) {
            (Ok(Value::Decimal(decimal)), promised) => {
                prop_assert_eq!(Some(Kind::Decimal { scale: decimal.scale() }), promised, "{}", text);
            }
            (Ok(value), _) => prop_assert_eq!(value.kind(), of_type, "{}", text),
            (Err(error), _) => prop_assert!(!matches!(error, EvaluateError::OtherType { .. }), "{}: {}", text, error),
        }
    }

    #[test]
    fn arithmetic_equals_the_reference(tree in tree()) {
        let text = written(&tree, 0);
        let expression = Expression::compile(&text, &|_| None)
            .map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let evaluated = expression.evaluate(&|_| Value::Bool(false));
        match reference(&tree) {
            Reference::Is(units, scale) => match i64::try_from(units) {
                Ok(units) => {
                    let wanted = Decimal::new(units, u8::try_from(scale).unwrap_or(u8::MAX));
                    prop_assert_eq!(expression.field_kind(), Some(Kind::Decimal { scale: wanted.scale() }));
                    prop_assert_eq!(evaluated.map(|value| value.to_string()), Ok(wanted.to_string()), "{}", text);
                }
                Err(_) => prop_assert_eq!(evaluated, Err(EvaluateError::Overflow), "{}", text),
            },
            // Only what comes first can be told: a quotient by zero behind an overflow is an overflow.
            Reference::DividedByZero => prop_assert!(
                matches!(evaluated, Err(EvaluateError::DivisionByZero | EvaluateError::Overflow)),
                "{text}: {evaluated:?}"
            ),
            Reference::Unknown => {}
        }
    }

    #[test]
    fn days_added_are_the_days_between(start in -1_000_000..1_000_000_i32, days in -1_000_000..1_000_000_i32) {
        let Some(start) = values::date_from_days(start) else { return Ok(()) };
        let text = format!("days_between(d, add_days(d, {days}))");
        let expression = Expression::compile(&text, &kind).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let value = expression.evaluate(&|_| Value::Date(Some::<Date>(start)));
        prop_assert_eq!(value, Ok(Value::Decimal(Decimal::new(i64::from(days), 0))));
    }

    #[test]
    fn any_text_survives_its_quotes(content in "\\PC{0,60}") {
        let text = format!("'{}'", content.replace('\'', "''"));
        let expression = Expression::compile(&text, &kind).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(expression.evaluate(&|_| Value::Bool(false)), Ok(Value::Text(content)));
    }
}
