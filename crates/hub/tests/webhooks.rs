//! Webhooks in one process, with a clock that the test sets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may stop where they stand"
)]

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
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
    /// Records whose key ends with this are refused.
    refuses: Arc<Mutex<Option<&'static str>>>,
    takes: Duration,
    came: Arc<Mutex<Vec<(String, Value)>>>,
    paths: Arc<Mutex<BTreeSet<String>>>,
}

impl Receiver {
    /// Listens on loopback; returns its address.
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/hook", post(take))
            .route("/hook/{of}", post(take))
            .with_state(self.clone());
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

    /// How often each record came whose key ends so.
    fn times(&self, kind: &str) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for (_, body) in self.came.lock().unwrap().iter() {
            let key = body["data"]["key"].as_str().unwrap();
            if key.ends_with(kind) {
                *times.entry(key.to_owned()).or_default() += 1;
            }
        }
        times
    }

    /// Waits until so many such records came so often, and none more often.
    async fn came(&self, kind: &str, count: usize, often: usize) {
        let start = Instant::now();
        loop {
            let times = self.times(kind);
            assert!(times.values().all(|times| *times <= often), "{times:?}");
            if times.len() == count && times.values().all(|times| *times == often) {
                return;
            }
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "{} of {count}: {times:?}",
                times.len()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// So many webhooks have told it something.
    async fn reached(&self, count: usize, start: Instant) {
        while self.paths.lock().unwrap().len() < count {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", self.paths);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
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

async fn take(
    State(receiver): State<Receiver>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let refuses = *receiver.refuses.lock().unwrap();
    let refused = refuses.is_some_and(|kind| body["data"]["key"].as_str().unwrap().ends_with(kind));
    receiver.came.lock().unwrap().push((id, body));
    receiver.paths.lock().unwrap().insert(uri.path().to_owned());
    tokio::time::sleep(receiver.takes).await;
    let (status, retry_after) = if refused {
        (422, None)
    } else {
        *receiver.answer.lock().unwrap()
    };
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
        let sent = world
            .get(&format!("{path}/deliveries?limit=200"), token)
            .await
            .ok();
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

fn items(world: &World) -> catalog::Dataset {
    let store = world.store.as_ref();
    hub_store::Store::catalog(store).get("items").unwrap().clone()
}

/// Keys of this kind.
fn keys(kind: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{number:04} {kind}")).collect()
}

async fn send(world: &World, agent: &world::Agent, keys: &[String]) {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let batch = documents(&items(world), &keys, 0, 1);
    world.sync(agent, "ABC", "items", &batch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_refused_for_good_hold_up_no_others() {
    let world = allowed().await;
    let tenant = world.tenant("acme");
    let agent = world.driver(&tenant).await;
    let token = world.token(&tenant, TokenScope::Write, None, &[Class::Public]);
    let receiver = Receiver::default();
    receiver.will(204, None);
    *receiver.refuses.lock().unwrap() = Some("BAD");
    let url = receiver.listen().await;
    let added = world.post("/v1/webhooks", &token, &json!({ "url": url })).await;
    let path = format!("/v1/webhooks/{}", added.body["id"].as_str().unwrap());
    // Among others, as they come.
    let first = (0..80).flat_map(|number| {
        let kind = if number % 4 == 0 { "BAD" } else { "FIRST" };
        keys(kind, number..number + 1)
    });
    send(&world, &agent, &first.collect::<Vec<_>>()).await;
    receiver.came("BAD", 20, 1).await;
    receiver.came("FIRST", 60, 1).await;
    settled(&world, &path, &token, 80).await;
    // Each is sent again when it is due, and there is nothing else to send: that says nothing
    // of the receiver.
    world.pass(7);
    receiver.came("BAD", 20, 2).await;
    settled(&world, &path, &token, 100).await;
    send(&world, &agent, &keys("NEXT", 0..100)).await;
    receiver.came("NEXT", 100, 1).await;
    settled(&world, &path, &token, 200).await;
    receiver.came("BAD", 20, 2).await;

    // The receiver fails, and comes back: what failed meanwhile is sent at once, and what it
    // has refused before in its own time.
    receiver.will(500, None);
    send(&world, &agent, &keys("WHILE", 0..30)).await;
    let start = Instant::now();
    while world.get(&path, &token).await.ok()["paused_until"].is_null() {
        assert!(start.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let tried = receiver.times("WHILE");
    assert!((5..=12).contains(&tried.len()), "{tried:?}");
    receiver.will(204, None);
    world.pass(7);
    let start = Instant::now();
    while world.get(&path, &token).await.ok()["waiting"] != 20 || receiver.times("WHILE").len() < 30 {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            receiver.times("WHILE")
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    receiver.came("BAD", 20, 2).await;
    // Both kinds in turns, when both are there.
    world.pass(360);
    send(&world, &agent, &keys("LAST", 0..100)).await;
    receiver.came("LAST", 100, 1).await;
    receiver.came("BAD", 20, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_receivers_of_one_tenant_hold_up_no_other_and_take_turns() {
    let world = allowed().await;
    let slow = Receiver {
        takes: Duration::from_secs(1),
        ..Receiver::default()
    };
    slow.will(204, None);
    let url = slow.listen().await;
    let tenant = world.tenant("slow");
    let agent = world.driver(&tenant).await;
    let token = world.token(&tenant, TokenScope::Write, None, &[Class::Public]);
    for number in 0..40 {
        let body = json!({ "url": format!("{url}/{number}") });
        assert_eq!(world.post("/v1/webhooks", &token, &body).await.status, 201);
    }
    // Eight at a time: half a minute for each of them.
    send(&world, &agent, &keys("A", 0..240)).await;
    let start = Instant::now();
    slow.reached(1, start).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let quick = Receiver::default();
    quick.will(204, None);
    let url = quick.listen().await;
    let tenant = world.tenant("quick");
    let agent = world.driver(&tenant).await;
    let token = world.token(&tenant, TokenScope::Write, None, &[Class::Public]);
    let added = world.post("/v1/webhooks", &token, &json!({ "url": url })).await;
    assert_eq!(added.status, 201);
    let asked = Instant::now();
    send(&world, &agent, &keys("B", 0..20)).await;
    quick.has(20).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    slow.reached(6, start).await;
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
