//! The description of the API (OpenAPI 3.1), made from the catalog and from what each
//! endpoint says of itself.

pub(crate) mod administration;
pub(crate) mod answers;
pub(crate) mod records;
pub(crate) mod requests;
pub(crate) mod schema;
pub(crate) mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use catalog::Catalog;
use serde_json::{Map, Value, json};

use crate::api::Endpoint;
use crate::error::find;
use schema::reference;

/// The media type of bodies and answers.
pub(crate) const JSON: &str = "application/json";

/// Codes that any request with a token may get.
const OF_ALL: [&str; 19] = [
    "address_refused",
    "body_invalid",
    "body_late",
    "body_too_large",
    "dataset_unknown",
    "headers_too_large",
    "hub_busy",
    "internal",
    "parameter_invalid",
    "parameter_unknown",
    "path_invalid",
    "path_unknown",
    "rate_limited",
    "request_late",
    "store_corrupt",
    "store_unavailable",
    "token_expired",
    "token_missing",
    "too_many_at_once",
];
/// Those of requests that need no token.
const OF_OPEN: [&str; 6] = [
    "headers_too_large",
    "internal",
    "path_invalid",
    "request_late",
    "store_corrupt",
    "store_unavailable",
];

/// What an endpoint says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    id: String,
    tag: &'static str,
    summary: String,
    description: String,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: BTreeMap<u16, Value>,
    codes: BTreeSet<&'static str>,
    open: bool,
}

impl Operation {
    /// `id` is what generated clients call it; unique.
    pub(crate) fn new(id: impl Into<String>, tag: &'static str, summary: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            tag,
            summary: summary.into(),
            description: String::new(),
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            codes: OF_ALL.into_iter().chain(["token_invalid"]).collect(),
            open: false,
        }
    }

    /// In more words.
    pub(crate) fn described(mut self, words: impl Into<String>) -> Self {
        self.description = words.into();
        self
    }

    /// It asks for no token.
    pub(crate) fn open(mut self) -> Self {
        self.open = true;
        self.codes = OF_OPEN.into_iter().collect();
        self
    }

    /// Does it ask for no token?
    pub(crate) const fn is_open(&self) -> bool {
        self.open
    }

    /// A part of the path.
    pub(crate) fn in_path(mut self, name: &str, schema: Value, words: &str, example: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": words, "schema": schema, "example": example,
        }));
        self
    }

    /// A parameter that may be left out.
    pub(crate) fn takes(mut self, name: &str, schema: Value, words: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "query", "required": false, "description": words, "schema": schema,
        }));
        self
    }

    /// A parameter that must be there.
    pub(crate) fn needs(mut self, name: &str, schema: Value, words: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "query", "required": true, "description": words, "schema": schema,
        }));
        self
    }

    /// A header of the request.
    pub(crate) fn header(mut self, name: &str, required: bool, schema: Value, words: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "header", "required": required, "description": words, "schema": schema,
        }));
        self
    }

    /// A JSON body, with examples by name.
    pub(crate) fn body(mut self, media: &str, schema: Value, examples: Vec<(String, Value)>) -> Self {
        let examples: Map<String, Value> = examples
            .into_iter()
            .map(|(name, value)| (name, json!({ "value": value })))
            .collect();
        self.body = Some(
            json!({ "required": true, "content": { media: { "schema": schema, "examples": examples } } }),
        );
        self
    }

    /// The same, where the request may come without one.
    pub(crate) fn optional_body(self, media: &str, schema: Value, examples: Vec<(String, Value)>) -> Self {
        let mut operation = self.body(media, schema, examples);
        if let Some(body) = &mut operation.body {
            body["required"] = false.into();
        }
        operation
    }

    /// An answer in JSON.
    pub(crate) fn answers(self, status: u16, words: &str, schema: Value, example: Value) -> Self {
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        self.answers_with(status, json!({ "description": words, "content": content }))
    }

    /// An answer in plain text.
    pub(crate) fn answers_text(self, status: u16, words: &str, example: &str) -> Self {
        let content =
            json!({ "text/plain; charset=utf-8": { "schema": { "type": "string" }, "example": example } });
        self.answers_with(status, json!({ "description": words, "content": content }))
    }

    /// An answer as the document writes it.
    pub(crate) fn answers_with(mut self, status: u16, answer: Value) -> Self {
        self.answers.insert(status, answer);
        self
    }

    /// With a member more in the answer of a status.
    pub(crate) fn and(mut self, status: u16, member: &str, value: Value) -> Self {
        if let Some(Value::Object(answer)) = self.answers.get_mut(&status) {
            answer.insert(member.to_owned(), value);
        }
        self
    }

    /// The answer of 304, where `If-None-Match` names what is still so.
    pub(crate) fn conditional(self) -> Self {
        self.header(
            "If-None-Match",
            false,
            schema::text(),
            "The `ETag` of an earlier answer: 304 without a body while it would be the same.",
        )
        .answers_with(304, json!({ "description": "Nothing has changed." }))
    }

    /// Problems that it may be refused with, besides those of all.
    pub(crate) fn refuses(mut self, codes: &[&'static str]) -> Self {
        self.codes.extend(codes);
        self
    }

    fn into_json(self) -> Value {
        let mut responses = Map::new();
        for (status, mut answer) in self.answers {
            if let Some(answer) = answer.as_object_mut() {
                let headers = answer.entry("headers").or_insert_with(|| json!({}));
                add_headers(headers, status, self.open);
            }
            responses.insert(status.to_string(), answer);
        }
        let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for code in &self.codes {
            let status = find(code).map_or(500, |c| c.status);
            by_status.entry(status).or_default().push(code);
        }
        for (status, codes) in by_status {
            responses.insert(status.to_string(), problem(status, &codes, self.open));
        }
        let mut operation = json!({
            "operationId": self.id, "tags": [self.tag], "summary": self.summary,
            "parameters": self.parameters, "responses": responses,
        });
        if !self.description.is_empty() {
            operation["description"] = self.description.into();
        }
        if let Some(body) = self.body {
            operation["requestBody"] = body;
        }
        if self.open {
            operation["security"] = json!([]);
        }
        operation
    }
}

/// Headers that all answers of a kind have.
fn add_headers(headers: &mut Value, status: u16, open: bool) {
    let mut add = |name: &str| {
        headers[name] = json!({ "$ref": format!("#/components/headers/{name}") });
    };
    add("X-Request-Id");
    if !open {
        add("RateLimit");
        add("RateLimit-Policy");
    }
    if status == 200 || status == 304 {
        add("ETag");
    }
    if status == 429 || status == 503 {
        add("Retry-After");
    }
}

/// A refusal of one status: its codes are those of the hub's table.
fn problem(status: u16, codes: &[&str], open: bool) -> Value {
    let known: Vec<_> = codes.iter().filter_map(|code| find(code)).collect();
    let words: Vec<_> = known
        .iter()
        .map(|code| format!("`{}`: {}; {}", code.code, code.title, code.remedy))
        .collect();
    let example = known.first().map(|code| {
        json!({
            "type": format!("/errors/{}", code.code), "title": code.title, "status": code.status, "code": code.code,
            "detail": code.title, "remedy": code.remedy,
        })
    });
    let schema = json!({
        "allOf": [reference("Problem"), { "type": "object", "properties": { "code": { "enum": codes } } }],
    });
    let mut headers = json!({});
    // Without a token nothing is counted, so 401 tells no limit.
    add_headers(&mut headers, status, open || status == 401 || status == 431);
    json!({
        "description": words.join("\n\n"), "headers": headers,
        "content": { "application/problem+json": { "schema": schema, "example": example } },
    })
}

/// The document for these endpoints over this catalog.
pub(crate) fn document(catalog: &Catalog, endpoints: &[Endpoint]) -> Value {
    let mut paths = Map::new();
    let mut tags: BTreeSet<&str> = BTreeSet::new();
    for endpoint in endpoints {
        for (path, operation) in endpoint.operations(catalog) {
            tags.insert(operation.tag);
            let at = paths.entry(path).or_insert_with(|| json!({}));
            at[endpoint.method()] = operation.into_json();
        }
    }
    let mut schemas = answers::schemas();
    schemas.append(&mut requests::schemas());
    schemas.extend(administration::schemas().map(|(name, schema)| (name.to_owned(), schema)));
    schemas.append(&mut webhooks::schemas());
    schemas.append(&mut records::schemas(catalog));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ERP Driver hub",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Sage 100 data and documents for commerce platforms.",
            "description": "Records of Sage 100 companies as they were last synced, a feed of their changes, and \
                documents (orders, payments, customers) that are entered into Sage exactly once. Errors are problem \
                details after RFC 9457 with a stable `code`. Every GET may be asked as HEAD. Answers may gain members; \
                clients ignore what they do not know.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This hub." }],
        "security": [{ "token": [] }],
        "tags": tags.into_iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "securitySchemes": { "token": {
                "type": "http", "scheme": "bearer",
                "description": "A token made by `erp-hub token add`: it sees its companies and the fields of its classes.",
            } },
            "headers": {
                "X-Request-Id": header("The request's own id, or one made for it; it stands in the hub's log.", schema::text(), true),
                "ETag": header("Names this very answer; send it as `If-None-Match`.", schema::text(), false),
                "RateLimit": header("What is left (`r`) and seconds until all of it is back (`t`).", schema::text(), false),
                "RateLimit-Policy": header("The token's quota (`q`) per window of seconds (`w`).", schema::text(), false),
                "Retry-After": header("Seconds to wait.", schema::count(), true),
                "Location": header("Where to look what became of it.", schema::text(), true),
            },
            "schemas": schemas,
        },
    })
}

fn header(words: &str, schema: Value, required: bool) -> Value {
    json!({ "description": words, "schema": schema, "required": required })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two datasets stand for all: one with nested rows, one with computed fields. That the
    /// others are there with all their fields is a test against the live hub. Of refusals the
    /// codes are kept.
    #[test]
    fn the_document_is_as_it_was() {
        let standard = Catalog::standard().unwrap();
        let some = ["inventory", "shipments"].map(|name| standard.get(name).unwrap().clone());
        let mut document = document(&Catalog::new(some.into()), &crate::api::endpoints());
        let paths = document["paths"].as_object_mut().unwrap();
        for operation in paths
            .values_mut()
            .flat_map(|path| path.as_object_mut().unwrap().values_mut())
        {
            for (status, answer) in operation["responses"].as_object_mut().unwrap() {
                if status.as_str() >= "400" {
                    let schema = &answer["content"]["application/problem+json"]["schema"];
                    *answer = schema["allOf"][1]["properties"]["code"]["enum"].clone();
                }
            }
        }
        insta::assert_json_snapshot!(document);
    }

    #[test]
    fn every_endpoint_is_described() {
        let standard = Catalog::standard().unwrap();
        let document = document(&standard, &crate::api::endpoints());
        for endpoint in crate::api::endpoints() {
            let operations = endpoint.operations(&standard);
            if operations.is_empty() {
                let elsewhere = &document["paths"][endpoint.path()][endpoint.method()];
                assert!(elsewhere.is_object(), "{} is not described", endpoint.path());
            }
            for (path, _) in operations {
                let (mut route, mut described) = (endpoint.path().split('/'), path.split('/'));
                // A name in the route stands for itself or for one thing of its kind.
                let fits = route
                    .by_ref()
                    .zip(described.by_ref())
                    .all(|(r, d)| r == d || r.starts_with('{'));
                assert!(
                    fits && route.next().is_none() && described.next().is_none(),
                    "{path}"
                );
            }
        }
    }

    #[test]
    fn codes_of_operations_are_codes_of_the_hub() {
        let standard = Catalog::standard().unwrap();
        for endpoint in crate::api::endpoints() {
            for (path, operation) in endpoint.operations(&standard) {
                for code in operation.codes {
                    assert!(find(code).is_some(), "{path}: {code}");
                }
            }
        }
    }
}
