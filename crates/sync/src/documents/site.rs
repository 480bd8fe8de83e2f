//! The site's own: its filter, its steps, and its values under `udf`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use catalog::Field;
use expression::{EvaluateError, Value};
use sage::ReadError;
use values::{Decimal, Key, Kind};

use super::columns::{ColumnBuilder, value_at};
use super::joins::TableRows;
use super::{RowCode, RowFinding, Source, wrong_types};
use crate::shape::{
    Computed, Condition, ExtraRule, ExtraSource, FieldSource, Origin, SiteRules, StepRule, TableShape, blank,
};

/// The rows of one table while they are put together.
struct Rows<'a> {
    own: &'a [ArrayRef],
    joined: &'a [Vec<ArrayRef>],
}

impl Rows<'_> {
    fn at(&self, origin: Origin, row: usize) -> Value {
        let column = match origin {
            Origin::Selected(place) => self.own.get(place),
            Origin::Joined(join, place) => self.joined.get(join).and_then(|columns| columns.get(place)),
        };
        column.map_or_else(|| Value::Text(String::new()), |column| value_at(column, row))
    }

    fn named(&self, origins: &[(String, Origin)], name: &str, row: usize) -> Value {
        let origin = origins.iter().find(|(n, _)| n == name).map(|(_, origin)| *origin);
        origin.map_or_else(|| Value::Text(String::new()), |origin| self.at(origin, row))
    }

    fn computed(&self, computed: &Computed, row: usize) -> Result<Value, EvaluateError> {
        computed
            .expression
            .evaluate(&|name| self.named(&computed.origins, name, row))
    }
}

impl SiteRules {
    /// Are the rows left as they are?
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.extras.is_empty()
    }
}

/// A list of values with their numbers, read once for a page.
struct Wanted<'a> {
    texts: &'a [String],
    numbers: Vec<Decimal>,
}

impl<'a> Wanted<'a> {
    fn new(texts: &'a [String]) -> Self {
        Self {
            texts,
            numbers: texts.iter().filter_map(|t| t.trim().parse().ok()).collect(),
        }
    }

    fn has(&self, value: &Value) -> bool {
        match value {
            Value::Decimal(decimal) => self.numbers.contains(decimal),
            Value::Text(text) => self.texts.iter().any(|t| t.trim_end() == text),
            Value::Date(_) | Value::Bool(_) => {
                let text = value.to_string();
                self.texts.iter().any(|t| t.trim() == text)
            }
        }
    }
}

impl Source<'_> {
    /// For each header: does the site's filter let it through?
    pub(super) fn kept(
        &self,
        headers: &RecordBatch,
        joined: &[Vec<ArrayRef>],
        keys: &[Key],
        findings: &mut Vec<RowFinding>,
    ) -> Vec<bool> {
        let mut kept = vec![true; headers.num_rows()];
        let rows = Rows {
            own: headers.columns(),
            joined,
        };
        for condition in &self.shape.keep {
            match condition {
                Condition::Values {
                    origin,
                    values,
                    wanted,
                } => {
                    let list = Wanted::new(values);
                    for (row, kept) in kept.iter_mut().enumerate().filter(|(_, kept)| **kept) {
                        *kept = list.has(&rows.at(*origin, row)) == *wanted;
                    }
                }
                Condition::Expression(computed) => {
                    for (row, kept) in kept.iter_mut().enumerate().filter(|(_, kept)| **kept) {
                        *kept = match rows.computed(computed, row) {
                            Ok(value) => value == Value::Bool(true),
                            Err(error) => {
                                findings.extend(finding(keys, row, "filter", &error));
                                false
                            }
                        };
                    }
                }
            }
        }
        kept
    }

    /// For each header: was it read in a state in which it may leave?
    pub(super) fn leaving(&self, headers: &RecordBatch) -> Vec<bool> {
        let Some((place, values)) = &self.shape.leaves_when else {
            return vec![false; headers.num_rows()];
        };
        let list = Wanted::new(values);
        let column = headers.column(*place);
        (0..headers.num_rows())
            .map(|row| list.has(&value_at(column, row)))
            .collect()
    }

    /// The dataset's fields of these headers.
    pub(super) fn finish_parents(
        &mut self,
        headers: &RecordBatch,
        joined: &[Vec<ArrayRef>],
        keys: &[Key],
        findings: &mut Vec<RowFinding>,
    ) -> Result<Vec<ArrayRef>, ReadError> {
        let shape = self.shape;
        let named: Vec<Option<Key>> = if shape.own.rules.is_empty() {
            Vec::new()
        } else {
            keys.iter().cloned().map(Some).collect()
        };
        let fields = &shape.dataset.fields;
        let mut columns = self.finish_rows(&shape.own, fields, headers, joined, &named, findings)?;
        if shape.dataset.user_defined
            && let Some(first) = columns.first_mut()
        {
            *first = Arc::new(StringArray::from_iter_values(keys.iter().map(Key::as_str)));
        }
        Ok(columns)
    }

    /// Fields of selected rows, after the site's steps, with its own values at the end.
    /// `keys` may be empty where the site has no rules.
    pub(super) fn finish_rows(
        &mut self,
        table: &TableShape,
        fields: &[Field],
        rows: &RecordBatch,
        joined: &[Vec<ArrayRef>],
        keys: &[Option<Key>],
        findings: &mut Vec<RowFinding>,
    ) -> Result<Vec<ArrayRef>, ReadError> {
        let count = rows.num_rows();
        let fail = |e| wrong_types(&table.table, &e);
        let mut columns = table
            .assemble(fields, rows.columns(), joined, count)
            .map_err(fail)?;
        if table.rules.is_empty() {
            return Ok(columns);
        }
        let own = Rows {
            own: rows.columns(),
            joined,
        };
        let keys: Vec<Key> = keys
            .iter()
            .map(|key| key.clone().unwrap_or_else(|| Key::from_parts([""])))
            .collect();
        for rule in &table.rules.fields {
            let Some(before) = columns.get(rule.field).cloned() else {
                continue;
            };
            let values: Vec<Value> = (0..count).map(|row| value_at(&before, row)).collect();
            let after = self.stepped(&rule.steps, &own, &values)?;
            let mut builder = ColumnBuilder::new(rule.kind);
            for (row, (after, before)) in after.into_iter().zip(&values).enumerate() {
                let error = match after {
                    Ok(after) if builder.push(&after) => continue,
                    Ok(_) => EvaluateError::Overflow,
                    Err(error) => error,
                };
                findings.extend(finding(&keys, row, &rule.column, &error));
                builder.push(before);
            }
            columns[rule.field] = builder.finish().map_err(fail)?;
        }
        if let Some(place) = table.fields.iter().position(|f| *f == FieldSource::Site) {
            columns[place] = self.own_values(&table.rules.extras, &own, count, &keys, findings)?;
        }
        Ok(columns)
    }

    /// Each value after the steps.
    fn stepped(
        &mut self,
        rule: &StepRule,
        rows: &Rows<'_>,
        values: &[Value],
    ) -> Result<Vec<Result<Value, EvaluateError>>, ReadError> {
        let mut tables: HashMap<String, Arc<TableRows>> = HashMap::new();
        for look_up in &rule.look_ups {
            let key_of = |(row, value): (usize, &Value)| {
                let parts = look_up
                    .own
                    .iter()
                    .map(|origin| origin.map_or_else(|| value.to_string(), |o| rows.at(o, row).to_string()));
                Key::from_parts(parts)
            };
            let wanted: Vec<Key> = values.iter().enumerate().map(key_of).collect();
            let found = self.looked_up(look_up, &wanted)?;
            tables.insert(
                look_up_name(
                    &look_up.table,
                    look_up.key.iter().map(|k| k.name.as_str()),
                    &look_up.column.name,
                ),
                found,
            );
        }
        let look_up = |table: &str, key: &[(String, String)], column: &str| {
            let name = look_up_name(table, key.iter().map(|(name, _)| name.as_str()), column);
            let rows = tables.get(&name)?;
            rows.value(&Key::from_parts(key.iter().map(|(_, value)| value)))
        };
        Ok(values
            .iter()
            .enumerate()
            .map(|(row, value)| {
                let column = |name: &str| rows.named(&rule.origins, name, row);
                rule.steps.apply(value.clone(), &column, &look_up)
            })
            .collect())
    }

    /// The site's values as they travel: by class, then name.
    fn own_values(
        &mut self,
        extras: &[ExtraRule],
        rows: &Rows<'_>,
        count: usize,
        keys: &[Key],
        findings: &mut Vec<RowFinding>,
    ) -> Result<ArrayRef, ReadError> {
        if extras.is_empty() {
            return blank(Kind::Json, count).map_err(|e| wrong_types("udf", &e));
        }
        let mut columns = Vec::new();
        for extra in extras {
            let values: Vec<Result<Value, EvaluateError>> = (0..count)
                .map(|row| match &extra.source {
                    ExtraSource::Column(origin) => Ok(rows.at(*origin, row)),
                    ExtraSource::Computed(computed) => rows.computed(computed, row),
                })
                .collect();
            let none = Value::Text(String::new());
            let before: Vec<Value> = values
                .iter()
                .map(|v| v.as_ref().unwrap_or(&none).clone())
                .collect();
            let after = match &extra.steps {
                Some(steps) => self.stepped(steps, rows, &before)?,
                None => before.iter().cloned().map(Ok).collect(),
            };
            let mut done = Vec::with_capacity(count);
            for (row, ((value, before), after)) in values.iter().zip(before).zip(after).enumerate() {
                done.push(match (value, after) {
                    (Err(error), _) => {
                        findings.extend(finding(keys, row, &extra.name, error));
                        None
                    }
                    (Ok(_), Err(error)) => {
                        findings.extend(finding(keys, row, &extra.name, &error));
                        Some(before)
                    }
                    (Ok(_), Ok(after)) => Some(after),
                });
            }
            columns.push(done);
        }
        let mut texts = Vec::with_capacity(count);
        for row in 0..count {
            let mut text = String::from("{");
            let mut class = None;
            for (extra, values) in extras.iter().zip(&columns) {
                if class != Some(extra.class) {
                    if class.is_some() {
                        text.push_str("},");
                    }
                    push_json(&mut text, extra.class.as_str());
                    text.push_str(":{");
                    class = Some(extra.class);
                } else {
                    text.push(',');
                }
                push_json(&mut text, &extra.name);
                text.push(':');
                match values.get(row).and_then(Option::as_ref) {
                    None | Some(Value::Date(None)) => text.push_str("null"),
                    Some(Value::Bool(truth)) => text.push_str(if *truth { "true" } else { "false" }),
                    Some(value @ (Value::Text(_) | Value::Decimal(_) | Value::Date(Some(_)))) => {
                        push_json(&mut text, &value.to_string());
                    }
                }
            }
            text.push_str("}}");
            texts.push(text);
        }
        Ok(Arc::new(StringArray::from(texts)))
    }
}

fn look_up_name<'n>(table: &str, key: impl Iterator<Item = &'n str>, column: &str) -> String {
    let mut names: Vec<&str> = key.collect();
    names.insert(0, table);
    names.push(column);
    names.join(" ")
}

fn finding(keys: &[Key], row: usize, column: &str, error: &EvaluateError) -> Option<RowFinding> {
    Some(RowFinding {
        key: keys.get(row)?.clone(),
        column: column.to_owned(),
        code: RowCode::StepFailed(error.code()),
    })
}

/// A JSON string.
fn push_json(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c.is_control() && c.is_ascii() => {
                let written = write!(text, "\\u{:04x}", u32::from(c));
                // Writing to a String cannot fail.
                debug_assert!(written.is_ok());
            }
            c => text.push(c),
        }
    }
    text.push('"');
}
