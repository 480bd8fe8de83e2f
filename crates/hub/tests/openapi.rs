//! The description of the API against the API itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop where they stand"
)]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use catalog::Class;
use hub_store::contract::documents;
use hub_store::{Store as _, TokenGrant, TokenScope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use values::Secret;

use world::World;

const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

struct Described<'a> {
    path: &'a str,
    method: &'a str,
    operation: &'a Value,
}

fn operations(document: &Value) -> Vec<Described<'_>> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(METHODS.contains(&method.as_str()), "{method} {path}");
            all.push(Described {
                path,
                method,
                operation,
            });
        }
    }
    assert!(all.len() > 60, "only {} operations are described", all.len());
    all
}

fn parameters<'a>(operation: &'a Value, place: &str) -> Vec<&'a Value> {
    let all = operation["parameters"].as_array().unwrap().iter();
    all.filter(|p| p["in"] == place).collect()
}

/// The path with its examples in it.
fn address(described: &Described<'_>) -> String {
    let mut address = described.path.to_owned();
    for parameter in parameters(described.operation, "path") {
        let name = parameter["name"].as_str().unwrap();
        let example = parameter["example"]
            .as_str()
            .expect("an example of a part of a path");
        let place = format!("{{{name}}}");
        assert!(address.contains(&place), "{place} is not in {address}");
        address = address.replace(&place, example);
    }
    assert!(
        !address.contains('{'),
        "{address} has parts that are not described"
    );
    address
}

async fn document(world: &World) -> Value {
    world.ask(Method::GET, "/v1/openapi.json", None, None).await.ok()
}

/// The answer of the operation must be one that is described.
fn check(described: &Described<'_>, status: StatusCode, body: &Value) {
    let Described {
        path,
        method,
        operation,
    } = described;
    let responses = &operation["responses"];
    let answer = &responses[status.as_str()];
    assert!(
        answer.is_object(),
        "{method} {path} answered {status}, which is not described: {body}"
    );
    if status.as_u16() < 400 {
        return;
    }
    let schema = &answer["content"]["application/problem+json"]["schema"];
    let codes = schema["allOf"][1]["properties"]["code"]["enum"]
        .as_array()
        .unwrap();
    assert!(
        codes.contains(&body["code"]),
        "{method} {path} refused with a code that is not described: {body}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_there_with_its_parameters() {
    let (world, tenant, agent) = World::with_driver().await;
    for dataset in world.store.catalog().datasets() {
        let batch = documents(dataset, &["1001-HON-H252"], 1, 1);
        world.sync(&agent, "ABC", dataset.name.as_str(), &batch).await;
    }
    let own = world.store.catalog().resolve("udt_wishes").unwrap();
    let batch = documents(&own, &["1001-HON-H252"], 0, 1);
    world.sync(&agent, "ABC", "udt_wishes", &batch).await;
    let token = world.token(&tenant, TokenScope::Admin, None, &Class::ALL);
    let document = document(&world).await;
    for described in operations(&document) {
        let address = address(&described);
        let method: Method = described.method.to_uppercase().parse().unwrap();
        let url = format!("{}{address}", world.address);
        let ask = |query: &[(&str, &str)], with: Option<&str>| {
            let mut request = world.client.request(method.clone(), &url).query(query);
            if let Some(token) = with {
                request = request.bearer_auth(token);
            }
            request
        };
        let plain = ask(&[], Some(&token)).send().await.unwrap();
        let (status, body) = (plain.status(), plain.text().await.unwrap());
        let body: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
        assert_ne!(body["code"], "path_unknown", "{method} {address}: {body}");
        assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {address}");
        check(&described, status, &body);

        let bare = ask(&[], None).send().await.unwrap();
        let is_open = described.operation["security"] == json!([]);
        assert_eq!(
            bare.status() != StatusCode::UNAUTHORIZED,
            is_open,
            "{method} {address} without a token"
        );

        for parameter in parameters(described.operation, "query") {
            let name = parameter["name"].as_str().unwrap();
            let answer = ask(&[(name, "1")], Some(&token)).send().await.unwrap();
            let (status, body) = (answer.status(), answer.json().await.unwrap_or(Value::Null));
            assert_ne!(
                body["code"], "parameter_unknown",
                "{method} {address} does not take {name}: {body}"
            );
            check(&described, status, &body);
        }
        let answer = ask(&[("no_such_parameter", "1")], Some(&token))
            .send()
            .await
            .unwrap();
        let body: Value = answer.json().await.unwrap_or(Value::Null);
        if !is_open {
            let known = [
                "parameter_unknown",
                "import_unknown",
                "preview_unknown",
                "idempotency_key_required",
            ];
            assert!(
                known.iter().any(|code| body["code"] == *code),
                "{method} {address} takes anything: {body}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_whole() {
    let world = World::new().await;
    let document = document(&world).await;
    assert_eq!(document["openapi"], "3.1.0");
    // Whatever is referred to is there, and whatever is there is referred to.
    let mut wanted = BTreeSet::new();
    references(&document, &mut wanted);
    for reference in &wanted {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(
            wanted.contains(&format!("#/components/schemas/{name}")),
            "{name} is not used"
        );
    }
    // Names of generated clients are unique; links lead to them.
    let mut ids = BTreeSet::new();
    let mut links = BTreeMap::new();
    for described in operations(&document) {
        let id = described.operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} stands twice");
        for response in described.operation["responses"].as_object().unwrap().values() {
            for link in response["links"].as_object().into_iter().flat_map(|l| l.values()) {
                links.insert(link["operationId"].as_str().unwrap().to_owned(), id.to_owned());
            }
        }
        let good = described.operation["responses"].as_object().unwrap().iter();
        let good = good.filter(|(status, _)| status.starts_with('2'));
        for (status, answer) in good {
            let content = answer["content"].as_object().unwrap().values().next().unwrap();
            assert!(!content["example"].is_null(), "{id} {status} has no example");
        }
    }
    for (to, from) in links {
        assert!(ids.contains(&to), "a link of {from} leads to {to}");
    }
    // Every dataset, and every field of it.
    for dataset in world.store.catalog().datasets() {
        let schema = dataset
            .name
            .as_str()
            .split('_')
            .map(|w| w[..1].to_uppercase() + &w[1..]);
        let schema = &document["components"]["schemas"][schema.collect::<String>() + "Record"];
        for field in &dataset.fields {
            assert!(
                schema["properties"][&field.name].is_object(),
                "{}.{}",
                dataset.name,
                field.name
            );
        }
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                match inner.as_str() {
                    Some(reference) if name == "$ref" => {
                        found.insert(reference.to_owned());
                    }
                    Some(_) | None => references(inner, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Marks that stand in everything of the first tenant's.
const MARK: &str = "first-only";

#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_never_sees_anothers_data() {
    let (world, first, agent) = World::with_driver().await;
    for dataset in world.store.catalog().datasets() {
        let batch = documents(dataset, &[MARK], 1, 1);
        world.sync(&agent, MARK, dataset.name.as_str(), &batch).await;
    }
    let own = world.store.catalog().resolve("udt_wishes").unwrap();
    world
        .sync(&agent, MARK, "udt_wishes", &documents(&own, &[MARK], 0, 1))
        .await;
    let theirs = world.token(&first, TokenScope::Admin, None, &Class::ALL);
    let named = TokenGrant {
        name: MARK.to_owned(),
        ..TokenGrant::default()
    };
    let secret = Secret::new("erp_theirs00-secret");
    world
        .store
        .add_api_token(
            &first,
            &secret,
            &named,
            &hub_store::Actor::command_line(),
            world.now(),
        )
        .unwrap();
    let mut order = world::order();
    order["company"] = MARK.into();
    order["comment"] = MARK.into();
    let posted = world.order(&theirs, Some(MARK), &order).await;
    let import = posted.body["id"].as_str().unwrap().to_owned();
    let hook = json!({ "url": "https://first.example/", "description": MARK });
    let hook = world.post("/v1/webhooks", &theirs, &hook).await.body;
    let hook = hook["id"].as_str().unwrap().to_owned();
    let before = world.get(&format!("/v1/webhooks/{hook}"), &theirs).await.ok();
    let feed = world.get("/v1/changes", &theirs).await.ok();
    let place = feed["next_cursor"].as_str().unwrap().to_owned();

    // The other tenant has a company and a record of its own.
    let second = world.tenant("second");
    let other_agent = world.driver(&second).await;
    let items = world.store.catalog().get("items").unwrap();
    world
        .sync(&other_agent, "OTHER", "items", &documents(items, &["mine"], 0, 1))
        .await;
    let token = world.token(&second, TokenScope::Admin, None, &Class::ALL);
    let document = document(&world).await;
    let mut tried = 0;
    for described in operations(&document) {
        let mut address = described.path.to_owned();
        for parameter in parameters(described.operation, "path") {
            let name = parameter["name"].as_str().unwrap();
            let value = match name {
                "id" if described.path.starts_with("/v1/webhooks") => hook.as_str(),
                "id" => import.as_str(),
                "key" => MARK,
                "table" => "wishes",
                "prefix" => "erp_theirs00",
                "code" => "key_invalid",
                other => panic!(
                    "the test knows no value of another tenant for {{{other}}} of {}",
                    described.path
                ),
            };
            address = address.replace(&format!("{{{name}}}"), value);
        }
        let mut queries = vec![Vec::new()];
        for parameter in parameters(described.operation, "query") {
            let value = match parameter["name"].as_str().unwrap() {
                "since" | "cursor" => place.as_str(),
                "action" | "from" | "to" | "updated_since" | "include" | "fields" | "limit" | "state"
                | "kind" | "preview" | "revision" => continue,
                "date" => "2026-05-06",
                _ => MARK,
            };
            queries.push(vec![(parameter["name"].as_str().unwrap(), value)]);
        }
        queries.push(vec![("updated_since", "")]);
        queries.push(vec![("company", MARK), ("date", "2026-05-06")]);
        let body = match described.method {
            "get" | "delete" => None,
            "patch" if address.contains(&hook) => Some(json!({ "url": "https://second.example/" })),
            "post" if address.ends_with("/replay") => Some(json!({ "skip": true })),
            "post" if address == "/v1/webhooks" => {
                Some(json!({ "url": "https://second.example/", "companies": [MARK] }))
            }
            "patch" => Some(json!({ "comment": "taken over" })),
            _ if described.path.ends_with("/retry") || described.path.ends_with("/discard") => {
                Some(json!({ "why": "taken over" }))
            }
            _ => Some(order.clone()),
        };
        let method: Method = described.method.to_uppercase().parse().unwrap();
        for query in queries {
            let url = format!("{}{address}", world.address);
            let mut request = world
                .client
                .request(method.clone(), url)
                .query(&query)
                .bearer_auth(&token);
            if let Some(body) = &body {
                request = request.json(body).header("Idempotency-Key", MARK);
            }
            let answer = request.send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(!status.is_server_error(), "{method} {address} {query:?}: {text}");
            // What a refusal repeats of the request is the caller's own.
            let told = !status.is_client_error() && text.contains(MARK);
            assert!(
                !told,
                "{method} {address} {query:?} shows the other tenant's: {text}"
            );
            if status.is_success() && (address.contains(&import) || address.contains(&hook)) {
                panic!("{method} {address} reached the other tenant's: {text}");
            }
            tried += 1;
        }
    }
    assert!(tried > 200, "only {tried} requests were tried");
    let untouched = world.get(&format!("/v1/webhooks/{hook}"), &theirs).await.ok();
    for name in ["url", "state", "description", "updated_at", "former_secret_until"] {
        assert_eq!(
            untouched[name], before[name],
            "the other tenant changed the webhook"
        );
    }
    let after = world
        .get(&format!("/v1/imports/{import}?include=request"), &theirs)
        .await
        .ok();
    world.get("/v1/imports", secret.reveal()).await.ok();
    assert_eq!(after["request"], order, "the other tenant changed the document");
    assert_eq!(
        (&after["state"], &after["revision"]),
        (&"received".into(), &1.into())
    );
}
