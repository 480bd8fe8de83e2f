//! Webhooks in one process, with a clock that the test sets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may stop where they stand"
)]

mod world;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use catalog::Class;
use hub::WebhookOptions;
use hub_store::TokenScope;
use hub_store::contract::documents;
use serde_json::{Value, json};
use world::World;

/// What a receiver answers, and what has come to it.
#[derive(Clone, Default)]
struct Receiver {
    answer: Arc<Mutex<(u16, Option<&'static str>)>>,
    came: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Receiver {
    /// Listens on loopback; returns its address.
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn will(&self, status: u16, retry_after: Option<&'static str>) {
        *self.answer.lock().unwrap() = (status, retry_after);
    }

    fn ids(&self) -> Vec<String> {
        self.came
            .lock()
            .unwrap()
            .iter()
            .map(|(id, _)| id.clone())
            .collect()
    }

    async fn has(&self, count: usize) {
        let start = Instant::now();
        while self.ids().len() < count {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", self.ids());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(self.ids().len(), count);
    }

    /// No more than these come while the hub looks once and again.
    async fn stays_at(&self, count: usize) {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(self.ids().len(), count);
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let body = serde_json::from_slice(&body).unwrap();
    receiver.came.lock().unwrap().push((id, body));
    let (status, retry_after) = *receiver.answer.lock().unwrap();
    let headers = retry_after.map(|seconds| [(header::RETRY_AFTER, seconds)]);
    (
        StatusCode::from_u16(status).unwrap(),
        headers.unwrap_or([(header::RETRY_AFTER, "")]),
    )
}

/// Waits until the hub has noted so many attempts: from then on the clock may go on.
async fn settled(world: &World, path: &str, token: &str, count: usize) {
    let start = Instant::now();
    loop {
        let sent = world.get(&format!("{path}/deliveries"), token).await.ok();
        if sent["data"].as_array().unwrap().len() == count {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{sent}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn allowed() -> World {
    World::with(|hub| {
        hub.with_webhooks(WebhookOptions {
            allow_private: true,
            ..WebhookOptions::default()
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_again_when_it_is_due_and_as_the_receiver_asks() {
    let world = allowed().await;
    let tenant = world.tenant("acme");
    let agent = world.driver(&tenant).await;
    let token = world.token(&tenant, TokenScope::Write, None, &[Class::Public]);
    let receiver = Receiver::default();
    receiver.will(500, None);
    let url = receiver.listen().await;
    let added = world.post("/v1/webhooks", &token, &json!({ "url": url })).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let path = format!("/v1/webhooks/{}", added.body["id"].as_str().unwrap());
    let items = world.store.as_ref();
    let items = hub_store::Store::catalog(items).get("items").unwrap().clone();
    world
        .sync(&agent, "ABC", "items", &documents(&items, &["A"], 0, 1))
        .await;
    receiver.has(1).await;
    settled(&world, &path, &token, 1).await;
    world.pass(4);
    receiver.stays_at(1).await;
    // Five seconds, and up to a fifth more.
    world.pass(3);
    receiver.has(2).await;
    settled(&world, &path, &token, 2).await;
    let stands = world.get(&path, &token).await.ok();
    assert_eq!(
        (&stands["state"], &stands["waiting"]),
        (&"failing".into(), &1.into())
    );
    // Five minutes would be next, and the receiver asks for more.
    receiver.will(503, Some("900"));
    world.pass(361);
    receiver.has(3).await;
    settled(&world, &path, &token, 3).await;
    world.pass(890);
    receiver.stays_at(3).await;
    receiver.will(204, None);
    // The third repetition's own wait is longer still.
    world.pass(1_300);
    receiver.has(4).await;
    let ids = receiver.ids();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let start = Instant::now();
    loop {
        let stands = world.get(&path, &token).await.ok();
        if stands["caught_up"] == true {
            assert_eq!(
                (&stands["state"], &stands["failing_since"]),
                (&"active".into(), &Value::Null)
            );
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{stands}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let sent = world.get(&format!("{path}/deliveries"), &token).await.ok();
    let outcomes: Vec<_> = sent["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sent| {
            (
                sent["attempt"].as_u64().unwrap(),
                sent["status"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(outcomes, [(4, 204), (3, 503), (2, 500), (1, 500)]);
    let body = receiver.came.lock().unwrap()[3].1.clone();
    assert_eq!(
        (&body["type"], &body["data"]["key"]),
        (&"record.changed".into(), &"A".into())
    );
    assert_eq!(body["data"]["record"]["item_code"], "A");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_made_within_what_the_token_reads() {
    let (world, tenant, agent) = World::with_driver().await;
    let items = hub_store::Store::catalog(world.store.as_ref())
        .get("items")
        .unwrap()
        .clone();
    world
        .sync(&agent, "ABC", "items", &documents(&items, &["A"], 0, 1))
        .await;
    let write = world.token(&tenant, TokenScope::Write, Some(&["ABC"]), &[Class::Public]);
    let read = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
    let url = "https://shop.example/hook";
    for (body, status, code) in [
        (json!({}), 422, "webhook_url_invalid"),
        (json!({ "url": url, "of": 1 }), 400, "body_invalid"),
        (json!({ "url": url, "classes": ["secret"] }), 400, "body_invalid"),
        (
            json!({ "url": url, "classes": ["cost"] }),
            403,
            "webhook_beyond_token",
        ),
        (
            json!({ "url": url, "companies": ["XYZ"] }),
            404,
            "company_unknown",
        ),
        (
            json!({ "url": url, "datasets": ["nonsense"] }),
            404,
            "dataset_unknown",
        ),
        (
            json!({ "url": url, "events": ["webhook.test"] }),
            422,
            "webhook_event_unknown",
        ),
        (
            json!({ "url": "http://shop.example/" }),
            422,
            "webhook_url_invalid",
        ),
        (
            json!({ "url": "https://10.0.0.1/" }),
            422,
            "webhook_address_private",
        ),
    ] {
        world
            .post("/v1/webhooks", &write, &body)
            .await
            .refused(status, code);
    }
    let body = json!({ "url": url });
    world
        .post("/v1/webhooks", &read, &body)
        .await
        .refused(403, "permission_missing");
    let added = world.post("/v1/webhooks", &write, &body).await.body;
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(added["companies"], json!(["ABC"]), "those of the token");
    assert_eq!(added["classes"], json!(["public"]));
    let path = format!("/v1/webhooks/{}", added["id"].as_str().unwrap());
    let shown = world.get(&path, &read).await.ok();
    assert!(shown.get("secret").is_none(), "it was shown once");
    let none = world.token(&tenant, TokenScope::Read, Some(&["XYZ"]), &Class::ALL);
    world.get(&path, &none).await.refused(404, "webhook_unknown");
    for body in [
        json!({}),
        json!({ "since": "", "skip": true }),
        json!({ "skip": false }),
    ] {
        world
            .post(&format!("{path}/replay"), &write, &body)
            .await
            .refused(400, "replay_invalid");
    }
    let odd = json!({ "since": "%" });
    world
        .post(&format!("{path}/replay"), &write, &odd)
        .await
        .refused(400, "cursor_invalid");
    let ask = |method: reqwest::Method, body: Option<Value>| {
        let (world, path, write) = (&world, &path, &write);
        async move { world.ask(method, path, Some(write), body.as_ref()).await.ok() }
    };
    let edited = ask(
        reqwest::Method::PATCH,
        Some(json!({ "datasets": ["items"], "active": false })),
    )
    .await;
    assert_eq!(
        (&edited["datasets"], &edited["reason"], &edited["url"]),
        (&json!(["items"]), &"requested".into(), &url.into())
    );
    let edited = ask(
        reqwest::Method::PATCH,
        Some(json!({ "datasets": null, "active": true })),
    )
    .await;
    assert_eq!(
        (&edited["datasets"], &edited["state"]),
        (&Value::Null, &"active".into())
    );
    ask(reqwest::Method::DELETE, None).await;
    world.get(&path, &write).await.refused(404, "webhook_unknown");
}
