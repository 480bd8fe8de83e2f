//! Reading dataset files: raw data becomes types once, here, with the place in the error.

mod raw;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use values::{DatasetName, Kind, MAX_SCALE};

use crate::dataset::{Child, Class, Dataset, Field, USER_DEFINED_PREFIX};
use crate::relation::{Derived, Join, JoinKey, LeavesWhen, Successor, Unless};
use raw::{RawChild, RawDataset, RawDerived, RawField, RawJoin, RawSuccessor};

/// A dataset file does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct CatalogError {
    /// The file.
    pub file: String,
    /// What is wrong, and where in it.
    pub problem: String,
}

/// Name and text of each file under `datasets/`, by name.
const STANDARD: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/datasets.rs"));

pub(crate) fn standard() -> Result<Vec<Dataset>, CatalogError> {
    parse_all(STANDARD)
}

/// Reads dataset files, by name and text.
fn parse_all(files: &[(&str, &str)]) -> Result<Vec<Dataset>, CatalogError> {
    let mut datasets: Vec<Dataset> = Vec::with_capacity(files.len());
    for (file, text) in files {
        let dataset = parse(file, text)?;
        if datasets.iter().any(|d| d.name == dataset.name) {
            return Err(CatalogError {
                file: (*file).to_owned(),
                problem: format!("name {:?}: another file has it", dataset.name.as_str()),
            });
        }
        datasets.push(dataset);
    }
    Ok(datasets)
}

/// Reads one dataset file.
pub(crate) fn parse(file: &str, text: &str) -> Result<Dataset, CatalogError> {
    let fail = |problem: String| CatalogError {
        file: file.to_owned(),
        problem,
    };
    let raw: RawDataset = toml::from_str(text).map_err(|e| fail(e.to_string()))?;
    build(raw).map_err(fail)
}

fn build(raw: RawDataset) -> Result<Dataset, String> {
    if !is_noun(&raw.name) || raw.name.starts_with(USER_DEFINED_PREFIX) {
        return Err(format!(
            "name {:?}: use a-z, 0-9 and _; {USER_DEFINED_PREFIX} is for a site's own",
            raw.name
        ));
    }
    if raw.discover.is_some() && raw.guess.is_none() {
        return Err("discover: only a guessed layout has columns to discover".to_owned());
    }
    let (mut fields, withheld) = parse_fields(raw.fields)?;
    check_columns(&fields, &raw.key, "key")?;
    if raw.key.is_empty() {
        return Err("key: name at least one column".to_owned());
    }
    if raw.stamped {
        check_columns(&fields, &[crate::STAMP_DATE, crate::STAMP_TIME], "stamped")?;
    }
    if let Some(column) = &raw.own_company {
        check_columns(&fields, &[column], "own_company")?;
    }
    if let Some(column) = &raw.dated {
        check_columns(&fields, &[column], "dated")?;
        if fields.iter().any(|f| f.column == *column && f.kind != Kind::Date) {
            return Err(format!("dated: {column} is no date"));
        }
    }
    let leaves_when = raw.leaves_when.map(|l| leaves_when(l, &fields)).transpose()?;
    let successors = raw
        .successors
        .into_iter()
        .map(|s| successor(s, &raw.key))
        .collect::<Result<_, _>>()?;
    let joins = join_fields(raw.joins, &mut fields)?;
    fields.push(Field::udf());
    let children: Vec<Child> = raw
        .children
        .into_iter()
        .map(|c| child(c, &raw.key, raw.own_company.is_some()))
        .collect::<Result<_, _>>()?;
    let derived = raw
        .derived
        .into_iter()
        .map(derived_field)
        .collect::<Result<Vec<Derived>, _>>()?;
    let nested = children.iter().map(|c| ("children", c.name.as_str()));
    let computed = derived.iter().map(|d| ("derived", d.name.as_str()));
    let mut names: HashSet<&str> = fields.iter().map(|f| f.name.as_str()).collect();
    for (place, name) in nested.chain(computed) {
        if !names.insert(name) {
            return Err(format!("{place}.{name}: stands twice"));
        }
    }
    Ok(Dataset {
        name: DatasetName::new(raw.name),
        table: raw.table,
        doc: raw.doc,
        discover: raw.discover.unwrap_or(raw.guess.is_some()),
        guess: raw.guess,
        key: raw.key,
        temperament: raw.temperament,
        stamped: raw.stamped,
        fields,
        withheld,
        children,
        joins,
        own_company: raw.own_company,
        successors,
        leaves_when,
        dated: raw.dated,
        derived,
        user_defined: false,
    })
}

fn child(raw: RawChild, parent: &[String], own_company: bool) -> Result<Child, String> {
    let place = format!("children.{}", raw.name);
    check_name(&raw.name, &place)?;
    let (mut fields, withheld) = parse_fields(raw.fields).map_err(|p| format!("{place}.{p}"))?;
    let whole_table = raw.parent_key.is_empty() && own_company;
    if raw.parent_key.len() != parent.len() && !whole_table {
        return Err(format!(
            "{place}.parent_key: give one column for each of {}",
            parent.join(", ")
        ));
    }
    check_columns(&fields, &raw.key, &format!("{place}.key"))?;
    fields.push(Field::udf());
    Ok(Child {
        name: raw.name,
        table: raw.table,
        doc: raw.doc,
        parent_key: raw.parent_key,
        key: raw.key,
        fields,
        withheld,
        side: raw.side,
        optional: raw.optional,
    })
}

/// Adds the fields of the joins behind the own ones.
fn join_fields(raw: Vec<RawJoin>, fields: &mut Vec<Field>) -> Result<Vec<Join>, String> {
    let mut joins = Vec::with_capacity(raw.len());
    let own = fields.len();
    for (number, join) in raw.into_iter().enumerate() {
        let place = format!("joins.{}", join.table);
        check_pairs(&join.on, &place)?;
        let columns: Vec<&String> = join.on.iter().map(|k| &k.own).collect();
        check_columns(&fields[..own], &columns, &format!("{place}.on"))?;
        let (joined, withheld) = parse_fields(join.fields).map_err(|p| format!("{place}.{p}"))?;
        if let Some(column) = withheld.first() {
            return Err(format!("{place}.fields: leave the secret column {column} out"));
        }
        for mut field in joined {
            if fields.iter().any(|f| f.name == field.name) {
                return Err(format!("{place}.fields.{}: stands twice", field.name));
            }
            field.join = Some(number);
            fields.push(field);
        }
        joins.push(Join {
            table: join.table,
            on: join.on,
            optional: join.optional,
        });
    }
    Ok(joins)
}

fn successor(raw: RawSuccessor, key: &[String]) -> Result<Successor, String> {
    let place = format!("successors.{}", raw.table);
    check_pairs(&raw.on, &place)?;
    if let Some(pair) = raw.on.iter().find(|pair| !key.contains(&pair.own)) {
        return Err(format!("{place}.on: {} is not among the key's columns", pair.own));
    }
    if raw.unless.as_ref().is_some_and(|u: &Unless| u.values.is_empty()) {
        return Err(format!("{place}.unless: give at least one value"));
    }
    Ok(Successor {
        table: raw.table,
        on: raw.on,
        unless: raw.unless,
    })
}

fn leaves_when(raw: LeavesWhen, fields: &[Field]) -> Result<LeavesWhen, String> {
    check_columns(fields, &[&raw.column], "leaves_when")?;
    if raw.values.is_empty() {
        return Err("leaves_when: give at least one value".to_owned());
    }
    let scale = fields.iter().find_map(|f| match f.kind {
        Kind::Decimal { scale } if f.column == raw.column => Some(scale),
        Kind::Decimal { .. } | Kind::Text | Kind::Date | Kind::Json => None,
    });
    if let Some(scale) = scale
        && let Some(value) = raw
            .values
            .iter()
            .find(|v| values::Decimal::parse(v, scale).is_err())
    {
        return Err(format!("leaves_when: {value:?} is no number"));
    }
    Ok(raw)
}

fn derived_field(raw: RawDerived) -> Result<Derived, String> {
    let place = format!("derived.{}", raw.name);
    check_name(&raw.name, &place)?;
    let class = Class::from_name(&raw.class).ok_or_else(|| {
        format!(
            "{place}.class: {:?} is none of public, personal, cost, credit",
            raw.class
        )
    })?;
    Ok(Derived {
        name: raw.name,
        rule: raw.rule,
        class,
        doc: raw.doc,
    })
}

fn check_pairs(on: &[JoinKey], place: &str) -> Result<(), String> {
    if on.is_empty() {
        return Err(format!("{place}.on: name at least one pair of columns"));
    }
    Ok(())
}

fn check_columns(fields: &[Field], columns: &[impl AsRef<str>], place: &str) -> Result<(), String> {
    match columns
        .iter()
        .map(AsRef::as_ref)
        .find(|c| !fields.iter().any(|f| f.column == *c))
    {
        Some(column) => Err(format!("{place}: {column} is not among the fields")),
        None => Ok(()),
    }
}

/// Names that the hub and the API use for themselves.
const RESERVED: [&str; 9] = [
    "key",
    "company",
    "updated_at",
    "source_updated_at",
    "deleted_at",
    "purged_at",
    crate::UDF_FIELD,
    crate::USER_RECORD_KEY,
    "tenant",
];

fn check_name(name: &str, place: &str) -> Result<(), String> {
    if is_noun(name) && !RESERVED.contains(&name) {
        return Ok(());
    }
    Err(format!(
        "{place}: use a-z, 0-9 and _, and none of {}",
        RESERVED.join(", ")
    ))
}

fn parse_fields(raw: Vec<RawField>) -> Result<(Vec<Field>, Vec<String>), String> {
    let mut fields = Vec::with_capacity(raw.len());
    let mut withheld = Vec::new();
    let mut seen = HashSet::new();
    for field in raw {
        let place = format!("fields.{}", field.name);
        check_name(&field.name, &place)?;
        if !seen.insert(field.name.clone()) {
            return Err(format!("{place}: stands twice"));
        }
        let (kind, width) = parse_type(&field.kind).ok_or_else(|| {
            format!(
                "{place}.type: {:?} is none of text(N), decimal(P,S), date, memo",
                field.kind
            )
        })?;
        let class = match field.class.as_deref() {
            Some("secret") => {
                withheld.push(field.column);
                continue;
            }
            _ if crate::looks_secret(&field.column) => {
                return Err(format!(
                    "{place}.class: {} is secret by its name: class = \"secret\"",
                    field.column
                ));
            }
            None => Class::Public,
            Some(name) => Class::from_name(name).ok_or_else(|| {
                format!("{place}.class: {name:?} is none of public, personal, cost, credit, secret")
            })?,
        };
        fields.push(Field {
            name: field.name,
            column: field.column,
            kind,
            width,
            class,
            indexed: field.indexed,
            doc: field.doc,
            join: None,
        });
    }
    Ok((fields, withheld))
}

fn parse_type(text: &str) -> Option<(Kind, Option<u16>)> {
    match text {
        "date" => return Some((Kind::Date, None)),
        "memo" => return Some((Kind::Text, None)),
        _ => {}
    }
    let (name, rest) = text.split_once('(')?;
    let arguments = rest.strip_suffix(')')?;
    match name {
        "text" => Some((Kind::Text, Some(arguments.parse().ok()?))),
        "decimal" => {
            let (precision, scale) = arguments.split_once(',')?;
            let scale: u8 = scale.trim().parse().ok().filter(|s| *s <= MAX_SCALE)?;
            Some((Kind::Decimal { scale }, Some(precision.trim().parse().ok()?)))
        }
        _ => None,
    }
}

/// Is it a lower-case name as datasets and fields have?
pub(crate) fn is_noun(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
