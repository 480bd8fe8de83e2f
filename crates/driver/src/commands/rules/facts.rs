//! Facts about a sample document, from a file.

use std::collections::BTreeMap;

use expression::Value;
use import::rules::{DocumentKind, Facts, Vocabulary};
use serde_json::{Map, Value as Json};
use values::{Decimal, Kind, parse_date};

/// What a file says about a document.
#[derive(Debug, Default)]
pub(super) struct GivenFacts {
    header: BTreeMap<String, Value>,
    lines: Vec<BTreeMap<String, Value>>,
    look_ups: BTreeMap<String, Vec<BTreeMap<String, String>>>,
}

impl GivenFacts {
    /// Reads `{"weight": "180", "lines": [{"item.product_line": "WF&A"}], "look_ups": {"AR_Route":
    /// [{"State": "WA", "Route": "NW-7"}]}}`; an error says what of it is wrong.
    pub(super) fn read(document: DocumentKind, json: &Json, words: &Vocabulary) -> Result<Self, String> {
        let object = json
            .as_object()
            .ok_or("the facts are no JSON object, as in {\"weight\": \"180\"}")?;
        let list = document.list().map(|each| each.as_str());
        let mut facts = Self::default();
        let mut header = Map::new();
        for (name, value) in object {
            if Some(name.as_str()) == list {
                let lines = value.as_array().ok_or_else(|| format!("{name} is no list"))?;
                for (index, line) in lines.iter().enumerate() {
                    let place = format!("{name}[{index}].");
                    let line = line.as_object().ok_or_else(|| format!("{place} is no object"))?;
                    facts.lines.push(values(document, line, &place, words)?);
                }
            } else if name == "look_ups" {
                facts.look_ups = serde_json::from_value(value.clone())
                    .map_err(|_| "look_ups is no object of lists of rows of texts".to_owned())?;
            } else {
                header.insert(name.clone(), value.clone());
            }
        }
        facts.header = values(document, &header, "", words)?;
        Ok(facts)
    }
}

impl Facts for GivenFacts {
    fn header(&self, name: &str) -> Option<Value> {
        self.header.get(name).cloned()
    }

    fn line(&self, index: usize, name: &str) -> Option<Value> {
        self.lines.get(index)?.get(name).cloned()
    }

    fn look_up(&self, table: &str, keys: &[(String, String)], column: &str) -> Option<Value> {
        let row = self.look_ups.get(table)?.iter().find(|row| {
            keys.iter()
                .all(|(column, value)| row.get(column).is_some_and(|own| own == value))
        })?;
        row.get(column).cloned().map(Value::Text)
    }
}

fn values(
    document: DocumentKind,
    given: &Map<String, Json>,
    place: &str,
    words: &Vocabulary,
) -> Result<BTreeMap<String, Value>, String> {
    let mut values = BTreeMap::new();
    for (name, json) in given {
        let kind = words
            .fact_kind(document, name)
            .ok_or_else(|| format!("{place}{name} is no fact of a {}", document.as_str()))?;
        let text = match json {
            Json::String(text) => text.clone(),
            Json::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            Json::Number(_) | Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
                return Err(format!("{place}{name} is neither a text nor a whole number"));
            }
        };
        let value = match kind {
            Kind::Text | Kind::Json => Some(Value::Text(text)),
            Kind::Decimal { scale } => Decimal::parse(&text, scale).ok().map(Value::Decimal),
            Kind::Date => parse_date(&text).ok().map(Value::Date),
        };
        let value = value.ok_or_else(|| format!("{place}{name} is not {}", wanted(kind)))?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn wanted(kind: Kind) -> String {
    match kind {
        Kind::Text | Kind::Json => "a text".to_owned(),
        Kind::Decimal { scale } => format!("a number with at most {scale} decimals"),
        Kind::Date => "a date such as 2026-05-01".to_owned(),
    }
}
