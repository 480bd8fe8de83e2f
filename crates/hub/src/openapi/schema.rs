//! Words of JSON Schema (draft 2020-12) as the document uses them.

use serde_json::{Map, Value, json};

/// A text.
pub(crate) fn text() -> Value {
    json!({ "type": "string" })
}

/// A whole number that is not below zero.
pub(crate) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// True or false.
pub(crate) fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// An exact decimal, as a string at its scale.
pub(crate) fn decimal(scale: u8) -> Value {
    let pattern = match scale {
        0 => r"^-?\d+$".to_owned(),
        scale => format!(r"^-?\d+\.\d{{{scale}}}$"),
    };
    json!({ "type": "string", "format": "decimal", "pattern": pattern })
}

/// A day.
pub(crate) fn date() -> Value {
    json!({ "type": "string", "format": "date" })
}

/// An instant after RFC 3339.
pub(crate) fn instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// One of these words.
pub(crate) fn one_of(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

/// An open list of words: later versions may know more.
pub(crate) fn word_like(words: &[&str]) -> Value {
    json!({ "type": "string", "examples": words })
}

/// A list.
pub(crate) fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

/// A schema of the document's components.
pub(crate) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The same, or null.
pub(crate) fn nullable(mut schema: Value) -> Value {
    match schema.get_mut("type") {
        Some(kind @ Value::String(_)) => {
            *kind = json!([kind.take(), "null"]);
            schema
        }
        Some(_) | None => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

/// With a description.
pub(crate) fn described(mut schema: Value, words: &str) -> Value {
    if !words.is_empty()
        && let Some(object) = schema.as_object_mut()
    {
        object.insert("description".to_owned(), words.into());
    }
    schema
}

/// An object; what is not `required` may be left out, and more may be added later.
pub(crate) fn object<const N: usize>(properties: [(&str, Value); N], required: &[&str]) -> Value {
    let properties: Map<String, Value> = properties
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// An object all of whose members are always there.
pub(crate) fn whole<const N: usize>(properties: [(&str, Value); N]) -> Value {
    let names: Vec<String> = properties.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    object(properties, &names)
}

/// An object with members of one kind.
pub(crate) fn map_of(of: Value) -> Value {
    json!({ "type": "object", "additionalProperties": of })
}

/// `sales_orders` as the name of a schema: `SalesOrders`.
pub(crate) fn pascal(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
        })
        .collect()
}
