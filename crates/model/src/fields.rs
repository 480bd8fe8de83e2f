//! Taking fields out of a request's JSON object: each known name is asked for once, and
//! what is left over is refused by name.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use values::{Date, Decimal, DecimalError, parse_date};

use crate::Problem;
use crate::card::{holds_card_number, may_be_card_number};

/// Longest text taken for one field; the ERP's own widths are checked against its tables.
pub(crate) const MAX_TEXT: usize = 2_000;

/// Years that a day in a document may be in: another one is a mistake of the sender's.
const BUSINESS_YEARS: RangeInclusive<i16> = 1980..=2099;

/// A user-defined field's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UdfValue {
    /// Text or date, or a number as text: the ERP's column says what it is.
    Text(String),
}

/// Takes fields out of an object and remembers which ones were known.
pub(crate) struct Fields<'a, 'p> {
    object: &'a Map<String, Value>,
    prefix: String,
    what: &'static str,
    known: Vec<&'static str>,
    pub(crate) problems: &'p mut Vec<Problem>,
}

impl<'a, 'p> Fields<'a, 'p> {
    /// `prefix` is the path up to the object with its dot, `what` names the object for people.
    pub(crate) fn new(
        object: &'a Map<String, Value>,
        prefix: impl Into<String>,
        what: &'static str,
        problems: &'p mut Vec<Problem>,
    ) -> Self {
        Self {
            object,
            prefix: prefix.into(),
            what,
            known: Vec::new(),
            problems,
        }
    }

    pub(crate) fn ignore(&mut self, name: &'static str) {
        self.known.push(name);
    }

    pub(crate) fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.object.get(name).filter(|v| !v.is_null())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn wrong(&mut self, name: &str, message: &str, remedy: &str) {
        let value = self.object.get(name).map(short).unwrap_or_default();
        self.problems
            .push(Problem::new("wrong_type", self.path(name), message, remedy).with_value(value));
    }

    pub(crate) fn out_of_range(&mut self, name: &str, message: &str, remedy: &str) {
        let value = self.object.get(name).map(short).unwrap_or_default();
        self.problems
            .push(Problem::new("out_of_range", self.path(name), message, remedy).with_value(value));
    }

    pub(crate) fn missing(&mut self, name: &str) {
        let field = self.path(name);
        missing(self.problems, &field);
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.get(name)?;
        let Some(text) = value.as_str() else {
            self.wrong(name, &format!("{} is not a text", short(value)), "send a string");
            return None;
        };
        if !is_plain(text) {
            self.wrong(
                name,
                "the text is too long or has control characters",
                "send plain text of at most 2000 bytes",
            );
            return None;
        }
        let text = text.trim_end();
        if name != "item_code" && holds_card_number(text) {
            self.card_data(name);
            return None;
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The name that another system has for something: never a card's number.
    pub(crate) fn reference(&mut self, name: &'static str) -> Option<String> {
        let text = self.text(name)?;
        if may_be_card_number(&text) {
            self.card_data(name);
            return None;
        }
        Some(text)
    }

    /// The value is not repeated.
    pub(crate) fn card_data(&mut self, name: &str) {
        self.problems.push(Problem::new(
            "card_data",
            self.path(name),
            format!("{name} has something in it that looks like a card number"),
            "send the gateway's reference and the last four digits only; card numbers must never be sent",
        ));
    }

    pub(crate) fn required_text(&mut self, name: &'static str) -> Option<String> {
        let before = self.problems.len();
        let text = self.text(name);
        if text.is_none() && self.problems.len() == before {
            self.missing(name);
        }
        text
    }

    /// One of the words that `of` knows.
    pub(crate) fn word<T>(
        &mut self,
        name: &'static str,
        words: &str,
        of: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let word = of(&text);
        if word.is_none() {
            self.out_of_range(
                name,
                &format!("{text:?} is none of {words}"),
                &format!("send one of {words}"),
            );
        }
        word
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.get(name)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.wrong(
                name,
                &format!("{} is neither true nor false", short(value)),
                "send true or false",
            );
        }
        flag
    }

    pub(crate) fn date(&mut self, name: &'static str) -> Option<Date> {
        let value = self.get(name)?;
        let date = value
            .as_str()
            .filter(|t| t.len() == 10)
            .and_then(|t| parse_date(t).ok().flatten());
        if date.is_none() {
            self.wrong(
                name,
                &format!("{} is not a date", short(value)),
                "send YYYY-MM-DD",
            );
        }
        let date = date?;
        if !BUSINESS_YEARS.contains(&date.year()) {
            let (first, last) = (BUSINESS_YEARS.start(), BUSINESS_YEARS.end());
            self.out_of_range(
                name,
                &format!("no business is done on {date}"),
                &format!("send a day of the years {first} to {last}"),
            );
            return None;
        }
        Some(date)
    }

    pub(crate) fn decimal(&mut self, name: &'static str, scale: u8) -> Option<Decimal> {
        let value = self.get(name)?;
        let text = match value {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            // Whole numbers lose nothing on their way through JSON; others might.
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
            Value::String(_)
            | Value::Number(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        };
        if let (None, Value::Number(number)) = (&text, value) {
            let message =
                format!("{number} is a JSON number with a fraction or exponent, which may lose digits");
            self.wrong(name, &message, &format!("send it as a string: \"{number}\""));
            return None;
        }
        let decimal = text.map_or(Err(DecimalError::NotANumber), |text| Decimal::parse(&text, scale));
        if let Err(reason) = decimal {
            let remedy = format!("send a string with at most {scale} decimals, like \"79.50\"");
            self.wrong(name, &format!("{}: {reason}", short(value)), &remedy);
        }
        decimal.ok()
    }

    /// An amount that may not be below zero.
    pub(crate) fn amount(&mut self, name: &'static str, scale: u8) -> Option<Decimal> {
        let amount = self.decimal(name, scale)?;
        if amount.is_negative() {
            self.out_of_range(name, &format!("{amount} is below zero"), "send zero or more");
            return None;
        }
        Some(amount)
    }

    /// An amount of more than zero.
    pub(crate) fn positive(&mut self, name: &'static str, scale: u8) -> Option<Decimal> {
        let amount = self.decimal(name, scale)?;
        if amount.is_negative() || amount.is_zero() {
            self.out_of_range(
                name,
                &format!("{amount} is not more than zero"),
                "send an amount of more than zero",
            );
            return None;
        }
        Some(amount)
    }

    pub(crate) fn object(&mut self, name: &'static str) -> Option<&'a Map<String, Value>> {
        let value = self.get(name)?;
        if value.as_object().is_none() {
            self.wrong(
                name,
                &format!("{} is not an object", short(value)),
                "send a JSON object",
            );
        }
        value.as_object()
    }

    pub(crate) fn array(&mut self, name: &'static str) -> Option<&'a Vec<Value>> {
        let value = self.get(name)?;
        if value.as_array().is_none() {
            self.wrong(
                name,
                &format!("{} is not a list", short(value)),
                "send a JSON array",
            );
        }
        value.as_array()
    }

    /// User-defined fields: a text or a whole number each, named without `udf_`.
    pub(crate) fn udf(&mut self) -> BTreeMap<String, UdfValue> {
        let mut udf = BTreeMap::new();
        let Some(object) = self.object("udf") else {
            return udf;
        };
        for (name, value) in object {
            let text = match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
                Value::Bool(flag) => Some(String::from(if *flag { "Y" } else { "N" })),
                Value::Null => continue,
                Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
            };
            let is_name = !name.is_empty()
                && name.len() <= 60
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            match text.filter(|text| is_plain(text) && is_name) {
                Some(text) if holds_card_number(&text) => self.card_data(&format!("udf.{name}")),
                Some(text) => {
                    udf.insert(name.clone(), UdfValue::Text(text.trim_end().to_owned()));
                }
                None => {
                    let problem = Problem::new(
                        "wrong_type",
                        self.path(&format!("udf.{name}")),
                        "a user-defined field is a text, named by letters, digits and _",
                        format!(
                            "send a string of at most {MAX_TEXT} bytes; numbers with decimals as strings, too"
                        ),
                    );
                    self.problems.push(problem.with_value(short(value)));
                }
            }
        }
        udf
    }

    pub(crate) fn refuse_unknown(self) {
        for name in self.object.keys().filter(|n| !self.known.contains(&n.as_str())) {
            self.problems.push(Problem::new(
                "unknown_field",
                self.path(name),
                format!("{name} is not a field of {}", self.what),
                format!("remove it, or correct its name: one of {}", self.known.join(", ")),
            ));
        }
    }
}

/// Adds "the field is missing".
pub(crate) fn missing(problems: &mut Vec<Problem>, field: &str) {
    problems.push(Problem::new(
        "required",
        field,
        format!("{field} is missing"),
        format!("send {field}"),
    ));
}

/// The body as an object, or the problem that it is none.
pub(crate) fn body_object(body: &Value) -> Result<&Map<String, Value>, Vec<Problem>> {
    body.as_object().ok_or_else(|| {
        vec![Problem::new(
            "wrong_type",
            "",
            "the body is not a JSON object",
            "send a JSON object",
        )]
    })
}

/// A value as it is shown in a message: never longer than a line.
pub(crate) fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    };
    if text.chars().count() > 80 {
        let mut cut: String = text.chars().take(79).collect();
        cut.push('…');
        return cut;
    }
    text
}

fn is_plain(text: &str) -> bool {
    text.len() <= MAX_TEXT
        && !text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t')
}
