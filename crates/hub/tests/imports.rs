//! Orders over HTTP, from the shop's side and the driver's.

mod world;

use std::time::{Duration, Instant};

use catalog::Class;
use hub_store::TokenScope;
use serde_json::{Value, json};
use values::LeaseEpoch;
use wire::agent::Work;

use world::{Agent, World, order};

/// A shop's token, and a driver that is its company's writer.
async fn site() -> (World, Agent, String, LeaseEpoch) {
    let (world, tenant, agent) = World::with_driver().await;
    let lease = world.lease(&agent, "ABC").await.lease;
    let write = world.token(&tenant, TokenScope::Write, None, &[Class::Public]);
    (world, agent, write, lease)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_one_order() {
    let (world, _, write, _) = site().await;
    let first = world.order(&write, Some("web-1"), &order()).await;
    assert_eq!(
        (first.status.as_u16(), &first.body["state"]),
        (202, &json!("received")),
        "{}",
        first.body
    );
    // The same document: other order of fields, other blanks.
    let text = r#"{ "lines":[{"unit_price":"79.50","quantity_ordered":"2","item_code":"1001-HON-H252"}],
        "customer":{"customer_no":"ABF","ar_division_no":"01"},"company":"ABC" }"#;
    for body in [order(), serde_json::from_str(text).unwrap()] {
        let again = world.order(&write, Some("web-1"), &body).await;
        assert_eq!((again.status.as_u16(), &again.body), (202, &first.body));
    }
    let mut other = order();
    other["lines"][0]["quantity_ordered"] = json!("3");
    world
        .order(&write, Some("web-1"), &other)
        .await
        .refused(409, "idempotency_conflict");
    let second = world.order(&write, Some("web-2"), &other).await;
    assert_ne!(second.body["id"], first.body["id"]);
    let list = world.get("/v1/imports?state=received", &write).await.ok();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    world
        .get("/v1/imports?state=lost", &write)
        .await
        .refused(400, "parameter_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_refused_at_once_with_all_problems() {
    let (world, _, write, _) = site().await;
    let bad = json!({ "customer": { "customer_no": 7 }, "lines": [] });
    let refusal = world
        .order(&write, Some("web-1"), &bad)
        .await
        .refused(422, "document_refused");
    let fields: Vec<_> = refusal["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "company",
            "customer.ar_division_no",
            "customer.customer_no",
            "lines"
        ]
    );
    let mut unknown = order();
    unknown["company"] = json!("XYZ");
    let refusal = world
        .order(&write, Some("web-1"), &unknown)
        .await
        .refused(422, "document_refused");
    assert_eq!(refusal["problems"][0]["code"], "company_unknown");
    world
        .order(&write, Some("web-1"), &Value::Null)
        .await
        .refused(422, "document_refused");
    world
        .order(&write, None, &order())
        .await
        .refused(400, "idempotency_key_required");
    world
        .order(&write, Some(&"k".repeat(256)), &order())
        .await
        .refused(400, "idempotency_key_invalid");
    assert_eq!(
        world.get("/v1/imports", &write).await.ok()["data"],
        json!([]),
        "nothing was stored"
    );
    let longest = world.order(&write, Some(&"k".repeat(255)), &order()).await;
    assert_eq!(longest.status.as_u16(), 202);
    let tenant = world.tenant("other");
    let read = world.token(&tenant, TokenScope::Read, None, &Class::ALL);
    world
        .order(&read, Some("web-1"), &order())
        .await
        .refused(403, "permission_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_travels_to_the_driver_and_its_outcome_back() {
    let (world, agent, write, lease) = site().await;
    let work = json!({ "companies": [["ABC", lease]], "wait_ms": 20_000, "limit": 5 });
    let start = Instant::now();
    let waiting = world.post("/agent/v1/work", &agent.token, &work);
    let posting = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.order(&write, Some("web-1"), &order()).await.body
    };
    let (waited, posted) = tokio::join!(waiting, posting);
    let handed: Work = serde_json::from_value(waited.ok()).unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(1500),
        "woken by the order: {:?}",
        start.elapsed()
    );
    assert_eq!(handed.imports[0].body, order());
    let id = handed.imports[0].id.as_str();
    assert_eq!(posted["id"], id);

    let path = |step: &str| format!("/agent/v1/imports/{id}/{step}");
    let accept = json!({ "lease": lease, "revision": 1 });
    world.post(&path("accept"), &agent.token, &accept).await.ok();
    let now = json!({ "companies": [["ABC", lease]], "wait_ms": 0, "limit": 5 });
    assert_eq!(
        world.post("/agent/v1/work", &agent.token, &now).await.ok(),
        json!({ "imports": [], "previews": [], "discarded": [] })
    );
    let reservation =
        json!({ "write": 0, "name": "sales_order_no", "value": "0000186", "at": "2026-05-06T10:00:00Z" });
    let reserve = json!({ "lease": lease, "reservation": reservation });
    for _ in 0..2 {
        world.post(&path("reserve"), &agent.token, &reserve).await.ok();
    }
    let second = world.order(&write, Some("web-2"), &order()).await.body;
    let taken = format!("/agent/v1/imports/{}/reserve", second["id"].as_str().unwrap());
    world
        .post(&taken, &agent.token, &reserve)
        .await
        .refused(409, "identity_taken");

    let report = |state: &str| {
        json!({ "lease": lease, "report": {
            "state": state, "numbers": { "sales_order_no": "0000186" }, "totals": { "order_total": "159.00" },
            "warnings": ["over the credit limit"], "problems": [],
            "attempts": [{ "at": "2026-05-06T10:00:00Z", "step": "reserved", "detail": "0000186" }],
        }})
    };
    for state in ["writing", "written", "writing"] {
        world
            .post(&path("report"), &agent.token, &report(state))
            .await
            .ok();
    }
    let import = world.get(&format!("/v1/imports/{id}"), &write).await.ok();
    for (field, value) in [
        ("kind", json!("sales_order")),
        ("company", json!("ABC")),
        ("state", json!("written")),
        ("sales_order_no", json!("0000186")),
        ("totals", json!({ "order_total": "159.00" })),
        (
            "warnings",
            json!(["withheld from this token: it needs the classes personal and credit"]),
        ),
        ("problems", json!([])),
    ] {
        assert_eq!(import[field], value, "{field}");
    }
    assert_eq!(import["attempts"][0]["step"], "reserved");

    let newer = world.lease(&agent, "ABC").await;
    assert!(newer.lease > lease);
    let ask = json!({ "company": "ABC", "lease": newer.lease });
    assert_eq!(
        world.post("/agent/v1/open", &agent.token, &ask).await.ok(),
        json!({ "imports": [], "end": true })
    );
    world
        .post("/agent/v1/work", &agent.token, &work)
        .await
        .refused(409, "lease_lost");
    world
        .post(&path("report"), &agent.token, &report("held"))
        .await
        .refused(409, "lease_lost");
    world
        .post("/agent/v1/imports/none/accept", &agent.token, &accept)
        .await
        .refused(404, "import_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_driver_does_not_get_the_company() {
    let (world, tenant, agent) = World::with_driver().await;
    world.lease(&agent, "ABC").await;
    let rival = world.driver(&tenant).await;
    let request = json!({ "company": "ABC", "time_zone": "America/New_York", "journal": "j2" });
    let refusal = world
        .post("/agent/v1/lease", &rival.token, &request)
        .await
        .refused(409, "company_claimed");
    assert!(
        refusal["remedy"]
            .as_str()
            .unwrap()
            .contains("erp-hub company move")
    );
    let odd = json!({ "company": "XYZ", "time_zone": "Eastern", "journal": "j2" });
    world
        .post("/agent/v1/lease", &rival.token, &odd)
        .await
        .refused(422, "time_zone_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_long_polls() {
    let (world, agent, _, lease) = site().await;
    let work = json!({ "companies": [["ABC", lease]], "wait_ms": 30_000, "limit": 5 });
    let url = format!("{}/agent/v1/work", world.address);
    let poll = world
        .client
        .post(url)
        .bearer_auth(&agent.token)
        .json(&work)
        .send();
    let poll = tokio::spawn(poll);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let start = Instant::now();
    world.stop.send(()).unwrap();
    assert_eq!(poll.await.unwrap().unwrap().status(), 200);
    world.serving.await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// What the driver says of a document is of classes, as fields are: a token is told code, field
/// and remedy of everything, the words of what it reads.
#[tokio::test(flavor = "multi_thread")]
async fn words_of_other_classes_are_withheld() {
    let (world, tenant, agent) = World::with_driver().await;
    let lease = world.lease(&agent, "ABC").await.lease;
    let token = |classes: &[Class]| world.token(&tenant, TokenScope::Write, None, classes);
    let public = token(&[Class::Public]);
    let credit = token(&[Class::Public, Class::Credit]);
    let personal = token(&[Class::Public, Class::Personal]);
    let whole = token(&Class::ALL);
    let posted = world.order(&public, Some("web-1"), &order()).await.body;
    let id = posted["id"].as_str().unwrap();
    let problem = |code: &str, field: &str, words: &str| json!({ "code": code, "field": field, "value": words, "message": format!("it is {words}"), "remedy": "look" });
    let problems = json!([
        problem("credit_limit", "customer", "120000.00"),
        problem("too_long", "email_address", "jane@example.com"),
        problem("value_refused", "udf.VIP", "gold"),
        problem("item_unknown", "lines[0].item_code", "NONE"),
        problem("plan_lost", "", "0000186"),
    ]);
    let warnings = json!([
        "credit_limit: customer 01-ABF owes 23144.40",
        "customer_matched: customer.new is 01-ABF (same tax id)",
        "stock_short: lines[0]: LAMP is short",
        "sage_warning: the limit is 120000.00",
        "over the limit of 120000.00",
    ]);
    let attempt =
        |step: &str, detail: &str| json!({ "at": "2026-05-06T10:00:00Z", "step": step, "detail": detail });
    let attempts = json!([
        attempt("reserved", "0000186"),
        attempt(
            "held",
            "credit_limit: customer 01-ABF owes 23144.40, over the limit of 120000.00"
        ),
        attempt("faulted", "jane@example.com is too long"),
    ]);
    let report = json!({ "lease": lease, "revision": 1, "report": {
        "state": "held", "problems": problems, "warnings": warnings, "attempts": attempts,
    }});
    let path = format!("/agent/v1/imports/{id}/report");
    world.post(&path, &agent.token, &report).await.ok();

    let shown = async |token: &str, path: &str| {
        let answer = world.get(path, token).await.ok();
        let import = answer.get("data").map_or(&answer, |all| &all[0]).clone();
        for (told, known) in std::iter::zip(
            import["problems"].as_array().unwrap(),
            problems.as_array().unwrap(),
        ) {
            assert_eq!(
                (&told["code"], &told["field"], &told["remedy"]),
                (&known["code"], &known["field"], &known["remedy"])
            );
            let is_whole = told["message"] == known["message"];
            assert_eq!(
                told.get("value"),
                known.get("value").filter(|_| is_whole),
                "{told}"
            );
        }
        let open = |all: &Value| -> Vec<bool> {
            let all = all.as_array().unwrap();
            all.iter()
                .map(|told| !told.to_string().contains("withheld"))
                .collect()
        };
        (open(&import["problems"]), open(&import["warnings"]), import)
    };
    let one = format!("/v1/imports/{id}");
    for path in [one.as_str(), "/v1/imports"] {
        let (told, warned, import) = shown(&public, path).await;
        assert_eq!(told, [false, false, false, true, true]);
        assert_eq!(warned, [false, false, true, false, false]);
        let text = import.to_string();
        for secret in ["120000", "23144", "jane@", "gold", "tax id"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert_eq!(
            import["problems"][0]["message"],
            "withheld from this token: it needs the class credit"
        );
        assert_eq!(
            import["warnings"][0],
            "credit_limit: withheld from this token: it needs the class credit"
        );
        assert_eq!(import["attempts"][0]["detail"], "0000186");
        assert_eq!(
            import["attempts"][1]["detail"],
            "credit_limit: withheld from this token: it needs the class credit"
        );
        let (told, warned, _) = shown(&credit, path).await;
        assert_eq!(told, [true, false, false, true, true]);
        assert_eq!(warned, [true, false, true, false, false]);
        let (told, warned, _) = shown(&personal, path).await;
        assert_eq!(told, [false, true, true, true, true]);
        assert_eq!(warned, [false, true, true, false, false]);
        let (told, warned, import) = shown(&whole, path).await;
        assert_eq!((told, warned), (vec![true; 5], vec![true; 5]));
        assert_eq!(import["warnings"], warnings);
        assert_eq!(import["attempts"][2]["detail"], "jane@example.com is too long");
    }
    // A decision is answered with the document, too.
    let words = json!({ "accept": ["credit_limit"] });
    let retried = world.post(&format!("{one}/retry"), &public, &words).await.ok();
    assert_eq!(retried["state"], "received");
    let held = json!({ "lease": lease, "revision": 2, "report": { "state": "held", "problems": problems } });
    world.post(&path, &agent.token, &held).await.ok();
    let discarded = world
        .post(&format!("{one}/discard"), &public, &json!({ "why": "no" }))
        .await
        .ok();
    assert!(!discarded.to_string().contains("120000"), "{discarded}");
}
