//! Reading dataset files: raw data becomes types once, here, with the place in the error.

use std::collections::HashSet;

use serde::Deserialize;
use values::{DatasetName, Kind, MAX_SCALE};

use crate::dataset::{Child, Class, Dataset, Field, Temperament};

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
    STANDARD.iter().map(|(file, text)| parse(file, text)).collect()
}

/// Reads one dataset file.
pub(crate) fn parse(file: &str, text: &str) -> Result<Dataset, CatalogError> {
    let fail = |problem: String| CatalogError {
        file: file.to_owned(),
        problem,
    };
    let raw: RawDataset = toml::from_str(text).map_err(|e| fail(e.to_string()))?;
    if !is_noun(&raw.name) {
        return Err(fail(format!("name {:?}: use a-z, 0-9 and _", raw.name)));
    }
    let (fields, withheld) = parse_fields(raw.fields).map_err(&fail)?;
    let missing = |fields: &[Field], column: &String| !fields.iter().any(|f| f.column == *column);
    if raw.key.is_empty() {
        return Err(fail("key: name at least one column".to_owned()));
    }
    if let Some(column) = raw.key.iter().find(|c| missing(&fields, c)) {
        return Err(fail(format!("key: {column} is not among the fields")));
    }
    if raw.stamped {
        for column in [crate::STAMP_DATE, crate::STAMP_TIME] {
            if missing(&fields, &column.to_owned()) {
                return Err(fail(format!("stamped: {column} is not among the fields")));
            }
        }
    }
    let mut children = Vec::new();
    for child in raw.children {
        let place = format!("children.{}", child.name);
        let (fields, withheld) = parse_fields(child.fields).map_err(|p| fail(format!("{place}.{p}")))?;
        if child.parent_key.len() != raw.key.len() {
            return Err(fail(format!(
                "{place}.parent_key: give one column for each of {}",
                raw.key.join(", ")
            )));
        }
        if let Some(column) = child.key.iter().find(|c| missing(&fields, c)) {
            return Err(fail(format!("{place}.key: {column} is not among the fields")));
        }
        children.push(Child {
            name: child.name,
            table: child.table,
            doc: child.doc,
            parent_key: child.parent_key,
            key: child.key,
            fields,
            withheld,
        });
    }
    Ok(Dataset {
        name: DatasetName::new(raw.name),
        table: raw.table,
        doc: raw.doc,
        guess: raw.guess,
        key: raw.key,
        temperament: raw.temperament,
        stamped: raw.stamped,
        fields,
        withheld,
        children,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDataset {
    name: String,
    table: String,
    doc: String,
    guess: Option<String>,
    key: Vec<String>,
    temperament: Temperament,
    stamped: bool,
    fields: Vec<RawField>,
    #[serde(default)]
    children: Vec<RawChild>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChild {
    name: String,
    table: String,
    doc: String,
    parent_key: Vec<String>,
    key: Vec<String>,
    fields: Vec<RawField>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    name: String,
    column: String,
    #[serde(rename = "type")]
    kind: String,
    class: Option<String>,
    #[serde(default)]
    indexed: bool,
    doc: Option<String>,
}

/// Names that the hub and the API use for themselves.
const RESERVED: [&str; 7] = [
    "key",
    "company",
    "updated_at",
    "source_updated_at",
    "deleted_at",
    "udf",
    "tenant",
];

fn parse_fields(raw: Vec<RawField>) -> Result<(Vec<Field>, Vec<String>), String> {
    let mut fields = Vec::with_capacity(raw.len());
    let mut withheld = Vec::new();
    let mut seen = HashSet::new();
    for field in raw {
        let place = format!("fields.{}", field.name);
        if !is_noun(&field.name) || RESERVED.contains(&field.name.as_str()) {
            return Err(format!(
                "{place}: use a-z, 0-9 and _, and none of {}",
                RESERVED.join(", ")
            ));
        }
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
            None => Class::Public,
            Some("secret") => {
                withheld.push(field.column);
                continue;
            }
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

fn is_noun(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    const SMALL: &str = r#"
name = "things"
table = "XX_Thing"
doc = "Things."
key = ["Code"]
temperament = "master"
stamped = false
fields = [
  { name = "code", column = "Code", type = "text(5)" },
  { name = "price", column = "Price", type = "decimal(15,6)", class = "cost" },
  { name = "card", column = "Card", type = "text(32)", class = "secret" },
]
"#;

    #[test]
    fn the_standard_catalog_holds() {
        let catalog = Catalog::standard().unwrap();
        assert_eq!(catalog.datasets().len(), STANDARD.len());
        for dataset in catalog.datasets() {
            assert_eq!(dataset.key_places().len(), dataset.key.len(), "{}", dataset.name);
        }
        assert_eq!(catalog.get("sales_orders").unwrap().children[0].name, "lines");
    }

    #[test]
    fn secret_columns_are_no_fields() {
        let things = parse("things.toml", SMALL).unwrap();
        assert_eq!(things.fields.len(), 2);
        assert_eq!(things.withheld, ["Card"]);
        let catalog = Catalog::standard().unwrap();
        assert!(
            catalog
                .get("customers")
                .unwrap()
                .field_of_column("CreditCardGUID")
                .is_none()
        );
    }

    #[test]
    fn errors_name_file_and_place() {
        for (from, to, wanted) in [
            ("text(5)", "string", "things.toml: fields.code.type"),
            (
                "[\"Code\"]",
                "[\"No\"]",
                "things.toml: key: No is not among the fields",
            ),
            ("\"cost\"", "\"dear\"", "things.toml: fields.price.class"),
            (
                "name = \"price\"",
                "name = \"code\"",
                "things.toml: fields.code: stands twice",
            ),
            (
                "stamped = false",
                "stamped = true",
                "things.toml: stamped: DateUpdated",
            ),
            (
                "name = \"price\"",
                "name = \"updated_at\"",
                "things.toml: fields.updated_at",
            ),
        ] {
            let error = parse("things.toml", &SMALL.replacen(from, to, 1))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(wanted), "{error}");
        }
    }

    #[test]
    fn a_fingerprint_moves_with_the_shape_only() {
        let things = parse("x", SMALL).unwrap();
        let documented = parse("x", &SMALL.replace("Things.", "Other words.")).unwrap();
        assert_eq!(things.fingerprint(), documented.fingerprint());
        let finer = parse("x", &SMALL.replace("(15,6)", "(15,4)")).unwrap();
        assert_ne!(things.fingerprint(), finer.fingerprint());
    }
}
