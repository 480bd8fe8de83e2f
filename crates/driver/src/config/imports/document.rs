//! The keys as the reference and the JSON schema show them. Both stand in the tree and are
//! written anew by `UPDATE_DOCS=1 cargo test -p driver imports`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::keys::{self, Key, SECTIONS, Shape};

const BEGIN: &str = "<!-- begin of the keys of company.imports -->\n";
const END: &str = "<!-- end of the keys of company.imports -->\n";
const SCHEMA_BEGIN: &str = "\n    \"imports\": ";
const SCHEMA_END: &str = "\n    }";

fn reference() -> String {
    let mut out = String::new();
    for section in SECTIONS {
        let name = if section.is_empty() {
            String::new()
        } else {
            format!(".{section}")
        };
        let _ = write!(
            out,
            "\n### `[company.imports{name}]`\n\n| key | meaning | reason of the default |\n|---|---|---|\n"
        );
        for key in keys::of(section) {
            let default = if key.default.is_empty() {
                "none"
            } else {
                key.default
            };
            let _ = writeln!(
                out,
                "| `{}` [`{default}`] | {}. {} | {} |",
                key.name,
                key.doc,
                values(key.shape),
                key.reason
            );
        }
    }
    out.push('\n');
    out
}

fn values(shape: Shape) -> String {
    let words = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
        words.join(", ")
    };
    match shape {
        Shape::Date => "A date".to_owned(),
        Shape::Words(known) => words(known),
        Shape::Amount(scale) => format!("In quotes, up to {scale} decimals"),
        Shape::Flag => "`true` or `false`".to_owned(),
        Shape::Seconds(most) => format!("1 to {most}"),
        Shape::Text(1) => "1 character".to_owned(),
        Shape::Text(most) => format!("Up to {most} characters"),
        Shape::Texts(_) => "A list of texts".to_owned(),
        Shape::Map => "Texts by name".to_owned(),
        Shape::Maps => "Tables by name".to_owned(),
        Shape::Or(known, table, _) => format!("{} or `{table}`", words(known)),
    }
}

fn schema() -> Value {
    let mut properties = serde_json::Map::new();
    for section in SECTIONS {
        let keys: serde_json::Map<String, Value> = keys::of(section)
            .map(|key| (key.name.to_owned(), key_schema(key)))
            .collect();
        if section.is_empty() {
            properties.extend(keys);
        } else {
            properties.insert(section.to_owned(), table(&keys));
        }
    }
    let list = |names: &[&str]| {
        let keys = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        json!({ "type": "array", "items": table(&keys), "description": "See docs/import-rules.md." })
    };
    let of = crate::config::import_rules::ENTRY_KEYS;
    properties.insert("map".to_owned(), list(of.0));
    properties.insert("rule".to_owned(), list(of.1));
    let mut schema = table(&properties);
    schema["description"] = "How documents are entered.".into();
    schema
}

fn table(properties: &serde_json::Map<String, Value>) -> Value {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn key_schema(key: &Key) -> Value {
    let texts = || json!({ "type": "object", "additionalProperties": { "type": ["string", "object"] } });
    let mut schema = match key.shape {
        Shape::Date => json!({ "type": "string", "format": "date" }),
        Shape::Words(words) => json!({ "enum": words }),
        Shape::Amount(scale) => {
            json!({ "type": "string", "pattern": format!("^[0-9]+(\\.[0-9]{{1,{scale}}})?$") })
        }
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Seconds(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Shape::Text(most) => json!({ "type": "string", "maxLength": most }),
        Shape::Texts(most) => {
            json!({ "type": "array", "items": { "type": "string", "maxLength": most }, "uniqueItems": true })
        }
        Shape::Map => texts(),
        Shape::Maps => json!({ "type": "object", "additionalProperties": texts() }),
        Shape::Or(words, _, table) => {
            let table: Value = serde_json::from_str(table).unwrap();
            json!({ "anyOf": [{ "enum": words }, table] })
        }
    };
    schema["description"] = key.doc.into();
    if let Some(default) = super::shown::default(key) {
        schema["default"] = serde_json::to_value(default).unwrap();
    }
    schema
}

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The part of a file between two marks is this one; it is put there when asked for.
fn stands(path: &Path, begin: &str, end: &str, wanted: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(begin).expect("the beginning of the part");
    let (found, after) = rest.split_once(end).expect("the end of the part");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
    } else {
        assert!(
            found == wanted,
            "{} is not the keys': run UPDATE_DOCS=1 cargo test -p driver imports",
            path.display()
        );
    }
}

#[test]
fn the_reference_in_the_tree_is_of_these_keys() {
    stands(&in_tree("../../docs/configuration.md"), BEGIN, END, &reference());
}

#[test]
fn the_schema_in_the_tree_is_of_these_keys() {
    let text = serde_json::to_string_pretty(&schema()).unwrap();
    let indented = text.replace('\n', "\n    ");
    let wanted = indented.strip_suffix(SCHEMA_END).unwrap();
    stands(
        &in_tree("src/config/schema.json"),
        SCHEMA_BEGIN,
        SCHEMA_END,
        wanted,
    );
}
