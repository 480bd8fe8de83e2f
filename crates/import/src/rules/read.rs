//! From a body and facts to the values that expressions work with, and back.

use std::cell::RefCell;
use std::collections::BTreeSet;

use expression::{EvaluateError, Value};
use serde_json::Value as Json;
use values::{Date, Decimal, Kind, parse_date};

use super::Facts;
use super::compile::{Read, Reads, Target, plain};
use super::vocabulary::{Holds, SCALE, Source};

/// Why a value could not be worked out, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) remedy: String,
}

/// What of the document is seen at one place.
pub(super) struct View<'a> {
    pub(super) body: &'a Json,
    /// The line at hand and its place.
    pub(super) line: Option<(usize, &'a Json)>,
    pub(super) facts: &'a dyn Facts,
    /// The sum of the lines, where it could be worked out.
    pub(super) subtotal: Option<Decimal>,
    pub(super) line_count: usize,
    /// Facts that were wanted and are not known.
    pub(super) unknown: &'a RefCell<BTreeSet<(String, &'static str)>>,
    pub(super) trouble: RefCell<Option<Trouble>>,
}

impl View<'_> {
    pub(super) fn json(&self, target: &Target) -> Option<&Json> {
        let within = if target.is_line {
            self.line.map(|(_, line)| line)
        } else {
            Some(self.body)
        };
        target.path.get(within?)
    }

    pub(super) fn field(&self, target: &Target, holds: Holds) -> Result<Value, Trouble> {
        value_of(self.json(target), holds).ok_or_else(|| {
            let wanted = match holds {
                Holds::Text => "a text",
                Holds::Decimal => "a number of at most 6 decimals",
                Holds::Date => "a date such as 2026-05-01",
                Holds::Flag => "true or false",
            };
            Trouble {
                message: format!("{} is not {wanted}", target.name),
                remedy: format!("correct {} in the document and retry", target.name),
            }
        })
    }

    /// A name's value, as expressions ask for it. What cannot be read is noted and becomes
    /// a value that no column holds, which ends the calculation.
    pub(super) fn value(&self, reads: &Reads, column: &str) -> Value {
        let read = match reads.get(column) {
            Some(Read::Body(target)) => self.field(target, target.holds),
            Some(Read::Known { name, kind, source }) => self.known(name, *kind, *source),
            None => Err(Trouble {
                message: format!("{column} is not known"),
                remedy: "mend the rule in the configuration".to_owned(),
            }),
        };
        read.unwrap_or_else(|trouble| {
            self.trouble.borrow_mut().get_or_insert(trouble);
            Value::Bool(false)
        })
    }

    fn known(&self, name: &str, kind: Kind, source: Source) -> Result<Value, Trouble> {
        let fact = match source {
            Source::Subtotal => {
                let sum = self.subtotal.ok_or_else(|| Trouble {
                    message: "prices and quantities of the lines cannot be added up".to_owned(),
                    remedy: "correct the prices and quantities of the lines and retry".to_owned(),
                })?;
                return Ok(Value::Decimal(sum));
            }
            Source::LineCount => {
                let count = i64::try_from(self.line_count).unwrap_or(i64::MAX);
                return Ok(Value::Decimal(Decimal::new(count, 0)));
            }
            Source::LineFact => self.line.and_then(|(index, _)| self.facts.line(index, name)),
            Source::Fact | Source::Document | Source::Line => self.facts.header(name),
        };
        let Some(fact) = fact else {
            let taken = match kind {
                Kind::Text | Kind::Json => "blank",
                Kind::Decimal { .. } => "0",
                Kind::Date => "no date",
            };
            self.unknown.borrow_mut().insert((name.to_owned(), taken));
            return Ok(Value::blank(kind));
        };
        if fact.kind() != Value::blank(kind).kind() {
            return Err(Trouble {
                message: format!("the fact {name} is {}", fact.kind()),
                remedy: format!("give {name} as {}", Value::blank(kind).kind()),
            });
        }
        Ok(fact)
    }

    /// What stopped a calculation.
    pub(super) fn stopped_by(&self, error: &EvaluateError) -> Trouble {
        self.trouble.take().unwrap_or_else(|| Trouble {
            message: error.to_string(),
            remedy: error.remedy().to_owned(),
        })
    }
}

/// `None` when something else is there.
fn value_of(json: Option<&Json>, holds: Holds) -> Option<Value> {
    Some(match (holds, json) {
        (_, None | Some(Json::Null)) => Value::blank(holds.kind()),
        (Holds::Text, Some(Json::String(text))) => Value::Text(text.clone()),
        (Holds::Text, Some(Json::Number(number))) => Value::Text(number.to_string()),
        (Holds::Text | Holds::Flag, Some(Json::Bool(truth))) => Value::Text(letter(*truth).to_owned()),
        (Holds::Decimal, Some(json @ (Json::String(_) | Json::Number(_)))) => {
            Value::Decimal(decimal_of(json)?)
        }
        (Holds::Date, Some(Json::String(text))) => Value::Date(date_of(text)?),
        (Holds::Text, Some(Json::Array(_) | Json::Object(_)))
        | (Holds::Flag, Some(Json::String(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)))
        | (Holds::Decimal, Some(Json::Bool(_) | Json::Array(_) | Json::Object(_)))
        | (Holds::Date, Some(Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_))) => {
            return None;
        }
    })
}

const fn letter(truth: bool) -> &'static str {
    if truth { "Y" } else { "N" }
}

fn date_of(text: &str) -> Option<Option<Date>> {
    parse_date(text).ok()
}

/// A number that lost nothing on its way through JSON.
fn decimal_of(json: &Json) -> Option<Decimal> {
    match json {
        Json::String(text) => Decimal::parse(text, SCALE).ok(),
        Json::Number(number) => {
            let whole = number.is_i64() || number.is_u64();
            Decimal::parse(&number.to_string(), SCALE).ok().filter(|_| whole)
        }
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A value as a field's JSON; `Ok(None)` is a blank one, an error says what the field wants.
pub(super) fn written(value: Value, holds: Holds) -> Result<Option<Json>, &'static str> {
    Ok(match (holds, value) {
        (Holds::Text, Value::Decimal(number)) => Some(plain(number).into()),
        (Holds::Text, value) => filled(&value.to_string()).map(Into::into),
        (Holds::Decimal, Value::Decimal(number)) => Some(plain(number).into()),
        (Holds::Date, Value::Date(date)) => date.map(|date| date.to_string().into()),
        (Holds::Flag, Value::Text(text)) => match filled(&text) {
            None => None,
            Some("Y" | "y" | "true") => Some(true.into()),
            Some("N" | "n" | "false") => Some(false.into()),
            Some(_) => return Err("Y or N"),
        },
        (Holds::Decimal, Value::Text(_) | Value::Date(_) | Value::Bool(_)) => return Err("a number"),
        (Holds::Date, Value::Text(_) | Value::Decimal(_) | Value::Bool(_)) => return Err("a date"),
        (Holds::Flag, Value::Decimal(_) | Value::Date(_) | Value::Bool(_)) => return Err("Y or N"),
    })
}

fn filled(text: &str) -> Option<&str> {
    Some(text.trim_end()).filter(|text| !text.is_empty())
}

/// Do both mean the same?
pub(super) fn same(before: Option<&Json>, after: Option<&Json>, holds: Holds) -> bool {
    match (before, after) {
        (None | Some(Json::Null), None) => true,
        (Some(Json::String(text)), None) => text.trim().is_empty(),
        (Some(before), Some(after)) if holds == Holds::Decimal => {
            match (decimal_of(before), decimal_of(after)) {
                (Some(a), Some(b)) => a == b && *before != Json::String(String::new()),
                (Some(_) | None, _) => before == after,
            }
        }
        (before, after) => before == after,
    }
}

/// The sum of price and quantity over the lines that carry both; `None` when one cannot be read.
pub(super) fn subtotal(lines: &[Json]) -> Option<Decimal> {
    let mut sum = Decimal::zero(SCALE);
    for line in lines {
        let given = |name: &str| line.get(name).filter(|value| !value.is_null());
        if let (Some(price), Some(quantity)) = (given("unit_price"), given("quantity_ordered")) {
            let amount = decimal_of(price)?.multiply(decimal_of(quantity)?, SCALE).ok()?;
            sum = sum.checked_add(amount).ok()?;
        }
    }
    Some(sum)
}
