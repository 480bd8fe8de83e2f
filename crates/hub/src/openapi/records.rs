//! Datasets: their records, parameters and paths.

use catalog::{Catalog, Class, Dataset, Field, Rule};
use serde_json::{Map, Value, json};
use values::Kind;

use super::Operation;
use super::schema::{
    date, decimal, described, instant, list, map_of, nullable, object, pascal, reference, text, whole,
};

/// Stands for all datasets of sites' own.
const OWN_TABLES: &str = "udt_{table}";
const KEY: &str = r"^([A-Za-z0-9._:-]|~[0-9A-F]{2})+$|^~$";

/// The datasets of the catalog, and one for all that sites bring.
fn datasets(catalog: &Catalog) -> Vec<Dataset> {
    let mut all = catalog.datasets().to_vec();
    all.push(Dataset::user_defined(OWN_TABLES));
    all
}

/// The name of the schema of a dataset's records.
pub(crate) fn schema_name(dataset: &Dataset) -> String {
    if dataset.user_defined {
        return "OwnRecord".to_owned();
    }
    format!("{}Record", pascal(dataset.name.as_str()))
}

/// What generated clients call it by.
fn noun(dataset: &Dataset) -> &str {
    if dataset.user_defined {
        "own_table"
    } else {
        dataset.name.as_str()
    }
}

fn tag(dataset: &Dataset) -> &'static str {
    if dataset.user_defined {
        "Own tables"
    } else {
        "Records"
    }
}

/// `GET /v1/{dataset}` for each dataset.
pub(crate) fn lists(catalog: &Catalog) -> Vec<(String, Operation)> {
    let all = datasets(catalog);
    all.iter()
        .map(|dataset| (format!("/v1/{}", dataset.name), list_of(dataset)))
        .collect()
}

/// `GET /v1/{dataset}/{key}` for each dataset.
pub(crate) fn singles(catalog: &Catalog) -> Vec<(String, Operation)> {
    let all = datasets(catalog);
    all.iter()
        .map(|dataset| (format!("/v1/{}/{{key}}", dataset.name), one_of(dataset)))
        .collect()
}

fn of_site(operation: Operation, dataset: &Dataset) -> Operation {
    if dataset.user_defined {
        let name = json!({ "type": "string", "pattern": "^[a-z0-9_]{1,56}$" });
        operation.in_path("table", name, "The table's name without `udt_`.", "wishes")
    } else {
        operation
    }
}

fn list_of(dataset: &Dataset) -> Operation {
    let id = format!("list_{}", noun(dataset));
    let words = format!("A page of {}", dataset.name);
    let mut operation = of_site(Operation::new(id, tag(dataset), words), dataset)
        .described(dataset.doc.clone())
        .takes("company", text(), "Needed when the token sees several companies.")
        .takes("limit", json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 }), "Records of a page.")
        .takes("cursor", text(), "`next_cursor` of the page before; repeat the other parameters.")
        .takes(
            "updated_since",
            text(),
            "Only what came to the hub later, oldest first, with tombstones between. Blank for everything; then \
             `next_updated_since` of the page before.",
        )
        .takes("fields", text(), "Only these fields, separated by commas; `lines.item_code` for one of nested rows.");
    for field in dataset.fields.iter().filter(|f| f.indexed && !f.is_udf()) {
        let schema = match field.kind {
            Kind::Text | Kind::Json => text(),
            Kind::Decimal { .. } => json!({ "type": "string", "format": "decimal" }),
            Kind::Date => json!({ "anyOf": [date(), { "const": "" }] }),
        };
        operation = operation.takes(
            &field.name,
            schema,
            &format!("Only records with exactly this value.{}", class(field.class)),
        );
    }
    let name = schema_name(dataset);
    let example = json!({ "data": [example(dataset)], "next_cursor": null });
    operation
        .answers(200, "The page.", reference(&format!("{name}Page")), example)
        .and(200, "links", json!({
            "next_page": {
                "operationId": format!("list_{}", noun(dataset)),
                "description": "The next page, while there is one.",
                "parameters": { "query.cursor": "$response.body#/next_cursor" },
            },
            "one": {
                "operationId": format!("get_{}", noun(dataset)),
                "parameters": { "path.key": "$response.body#/data/0/key", "query.company": "$response.body#/data/0/company" },
            },
        }))
        .conditional()
        .refuses(&["company_required", "company_unknown", "cursor_expired", "cursor_invalid", "field_unknown"])
}

fn one_of(dataset: &Dataset) -> Operation {
    let id = format!("get_{}", noun(dataset));
    let words = format!("One of {}", dataset.name);
    of_site(Operation::new(id, tag(dataset), words), dataset)
        .in_path(
            "key",
            json!({ "type": "string", "pattern": KEY }),
            "Parts joined with `:`, each byte outside `[A-Za-z0-9._-]` as `~XX`; `~` alone for a blank key.",
            "1001-HON-H252",
        )
        .takes("company", text(), "Needed when the token sees several companies.")
        .takes(
            "fields",
            text(),
            "Only these fields, separated by commas; `lines.item_code` for one of nested rows.",
        )
        .answers(
            200,
            "The record.",
            reference(&schema_name(dataset)),
            example(dataset),
        )
        .conditional()
        .refuses(&[
            "company_required",
            "company_unknown",
            "field_unknown",
            "key_invalid",
            "record_deleted",
            "record_unknown",
        ])
}

fn class(class: Class) -> String {
    match class {
        Class::Public => String::new(),
        Class::Personal | Class::Cost | Class::Credit => {
            format!(" Class {}: for tokens that read it.", class.as_str())
        }
    }
}

/// Schemas of all datasets, of their pages and of their changes.
pub(crate) fn schemas(catalog: &Catalog) -> Map<String, Value> {
    let mut schemas = Map::new();
    let mut changes = Vec::new();
    for dataset in datasets(catalog) {
        let name = schema_name(&dataset);
        for child in &dataset.children {
            let mut properties = Map::new();
            add_fields(&child.fields, &mut properties);
            let schema = json!({ "type": "object", "description": child.doc, "properties": properties });
            schemas.insert(format!("{name}{}", pascal(&child.name)), schema);
        }
        schemas.insert(format!("{name}Page"), page(&name));
        schemas.insert(format!("{name}Change"), change(&dataset, &name));
        changes.push(reference(&format!("{name}Change")));
        schemas.insert(name.clone(), record(&dataset, &name));
    }
    schemas.insert(
        "Tombstone".to_owned(),
        described(
            whole([
                ("key", key()),
                ("company", text()),
                ("deleted_at", instant()),
                ("updated_at", instant()),
            ]),
            "What is left of a record that is no longer in Sage, or no longer passes the site's filter.",
        ),
    );
    changes.push(reference("RemovedChange"));
    schemas.insert(
        "RemovedChange".to_owned(),
        described(
            whole([
                ("dataset", text()),
                ("key", key()),
                ("company", text()),
                ("deleted_at", instant()),
                ("updated_at", instant()),
            ]),
            "A record that has left.",
        ),
    );
    schemas.insert("Change".to_owned(), json!({ "anyOf": changes }));
    schemas.insert(
        "ChangePage".to_owned(),
        whole([
            ("data", list(reference("Change"))),
            (
                "next_cursor",
                described(text(), "Where the feed goes on; give it as `since`."),
            ),
            (
                "has_more",
                described(
                    super::schema::flag(),
                    "There is more behind these; else ask again later.",
                ),
            ),
        ]),
    );
    schemas
}

fn key() -> Value {
    described(text(), "Parts joined with `:`, as in addresses.")
}

fn page(name: &str) -> Value {
    object(
        [
            (
                "data",
                list(json!({ "anyOf": [reference(name), reference("Tombstone")] })),
            ),
            ("next_cursor", described(nullable(text()), "Null at the end.")),
            (
                "next_updated_since",
                described(text(), "With `updated_since`: where the next round begins."),
            ),
        ],
        &["data", "next_cursor"],
    )
}

fn change(dataset: &Dataset, name: &str) -> Value {
    let dataset = if dataset.user_defined {
        json!({ "type": "string", "pattern": "^udt_" })
    } else {
        json!({ "type": "string", "const": dataset.name })
    };
    whole([
        ("dataset", dataset),
        ("key", key()),
        ("company", text()),
        ("updated_at", instant()),
        ("record", reference(name)),
    ])
}

fn record(dataset: &Dataset, name: &str) -> Value {
    let mut properties = Map::new();
    properties.insert("key".to_owned(), key());
    properties.insert("company".to_owned(), text());
    properties.insert(
        "updated_at".to_owned(),
        described(instant(), "When the hub stored it."),
    );
    properties.insert(
        "purged_at".to_owned(),
        described(instant(), "When Sage itself had purged it."),
    );
    if !dataset.user_defined {
        let words = "When it was changed in Sage, where its table has a stamp.";
        properties.insert(
            "source_updated_at".to_owned(),
            described(nullable(instant()), words),
        );
    }
    let fields = if dataset.user_defined {
        dataset.fields.iter().filter(|f| f.is_udf()).cloned().collect()
    } else {
        dataset.fields.clone()
    };
    add_fields(&fields, &mut properties);
    for child in &dataset.children {
        let rows = list(reference(&format!("{name}{}", pascal(&child.name))));
        properties.insert(child.name.clone(), described(rows, &child.doc));
    }
    for derived in &dataset.derived {
        let words = format!(
            "Computed when it is read: {}{}",
            derived.doc,
            class(derived.class)
        );
        properties.insert(derived.name.clone(), described(computed(derived.rule), &words));
    }
    json!({
        "type": "object", "description": dataset.doc, "properties": properties,
        "required": ["key", "company", "updated_at"],
    })
}

fn computed(rule: Rule) -> Value {
    match rule {
        Rule::AvailableQuantity | Rule::QueuedWebQuantity | Rule::PendingAmount | Rule::PayableAmount => {
            nullable(json!({ "type": "string", "format": "decimal", "pattern": r"^-?\d+(\.\d+)?$" }))
        }
        Rule::Ageing => nullable(json!({
            "type": "object",
            "properties": { "as_of": date() },
            "additionalProperties": { "type": "string", "format": "decimal" },
        })),
    }
}

fn add_fields(fields: &[Field], properties: &mut Map<String, Value>) {
    for field in fields {
        let schema = match field.kind {
            Kind::Text => text(),
            Kind::Decimal { scale } => decimal(scale),
            Kind::Date => nullable(date()),
            Kind::Json => map_of(json!({})),
        };
        let words = format!(
            "{}{}",
            field.doc.as_deref().unwrap_or_default(),
            class(field.class)
        );
        let mut schema = described(schema, words.trim());
        if field.class != Class::Public {
            schema["x-class"] = field.class.as_str().into();
        }
        properties.insert(field.name.clone(), schema);
    }
}

/// A record with its first fields, as they may look.
fn example(dataset: &Dataset) -> Value {
    let mut record = Map::new();
    record.insert("key".to_owned(), "1001-HON-H252".into());
    record.insert("company".to_owned(), "ABC".into());
    record.insert("updated_at".to_owned(), "2026-05-06T10:00:00Z".into());
    let shown = dataset
        .fields
        .iter()
        .filter(|f| f.class == Class::Public && !dataset.user_defined);
    for field in shown.take(8) {
        let value = match field.kind {
            Kind::Text => "A".into(),
            Kind::Decimal { scale: 0 } => "1".into(),
            Kind::Decimal { scale } => format!("1.{}", "0".repeat(scale.into())).into(),
            Kind::Date => "2026-05-06".into(),
            Kind::Json => json!({}),
        };
        record.insert(field.name.clone(), value);
    }
    record.insert("udf".to_owned(), json!({ "UDF_COLOUR": "red" }));
    record.into()
}

/// `GET /v1/changes` shows the first of these.
pub(crate) fn example_change(catalog: &Catalog) -> Value {
    let Some(dataset) = catalog.get("items") else {
        return Value::Null;
    };
    json!({
        "dataset": dataset.name, "key": "1001-HON-H252", "company": "ABC", "updated_at": "2026-05-06T10:00:00Z",
        "record": example(dataset),
    })
}
