//! Payments, previews, and what people do with documents, over HTTP.

#![expect(clippy::unwrap_used, reason = "tests may stop where they stand")]

mod world;

use std::time::{Duration, Instant};

use catalog::Class;
use hub_store::{NewPreview, Store as _, TokenScope};
use model::ImportKind;
use reqwest::Method;
use serde_json::{Value, json};
use values::{CompanyId, ImportId, LeaseEpoch, Secret, TenantId};

use world::{Agent, Answer, World, order};

struct Shop {
    world: World,
    tenant: TenantId,
    agent: Agent,
    token: String,
    lease: LeaseEpoch,
}

async fn shop() -> Shop {
    let (world, tenant, agent) = World::with_driver().await;
    let lease = world.lease(&agent, "ABC").await.lease;
    let token = world.token(&tenant, TokenScope::Write, None, &Class::ALL);
    Shop {
        world,
        tenant,
        agent,
        token,
        lease,
    }
}

impl Shop {
    async fn send(&self, collection: &str, key: &str, body: &Value) -> Answer {
        let request = self
            .world
            .client
            .post(format!("{}/v1/{collection}", self.world.address))
            .bearer_auth(&self.token)
            .header("Idempotency-Key", key)
            .json(body);
        let response = request.send().await.unwrap();
        let status = response.status();
        Answer {
            status,
            body: response.json().await.unwrap(),
        }
    }

    async fn posted(&self, collection: &str, key: &str, body: &Value) -> String {
        let answer = self.send(collection, key, body).await;
        assert_eq!(answer.status.as_u16(), 202, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    async fn report(&self, id: &str, revision: u32, state: &str, numbers: Value) {
        let report = json!({
            "state": state, "numbers": numbers,
            "problems": [{ "code": "credit_hold", "field": "customer", "value": "01-ABF",
                           "message": "on credit hold", "remedy": "call them" }],
            "attempts": [{ "at": format!("2026-05-06T10:00:0{revision}Z"), "step": "checked", "detail": state }],
        });
        let body = json!({ "lease": self.lease, "revision": revision, "report": report });
        self.world
            .post(
                &format!("/agent/v1/imports/{id}/report"),
                &self.agent.token,
                &body,
            )
            .await
            .ok();
    }

    async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.world
            .ask(
                Method::PATCH,
                &format!("/v1/imports/{path}"),
                Some(&self.token),
                Some(body),
            )
            .await
    }

    async fn decide(&self, path: &str, body: &Value) -> Answer {
        self.world
            .post(&format!("/v1/imports/{path}"), &self.token, body)
            .await
    }

    async fn work(&self, wait_ms: u64) -> Value {
        let body = json!({ "companies": [["ABC", self.lease]], "wait_ms": wait_ms, "limit": 5 });
        self.world
            .post("/agent/v1/work", &self.agent.token, &body)
            .await
            .ok()
    }
}

fn payment(amount: &str, transaction: &str) -> Value {
    json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "amount": amount, "gateway_transaction_id": transaction, "captured_on": "2026-05-02",
        "payment_type": "VISA", "invoices": [{ "invoice_no": "0000001", "amount": amount }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_and_customers_are_posted_like_orders() {
    let shop = shop().await;
    let id = shop.posted("payments", "p-1", &payment("10.00", "ch_1")).await;
    assert_eq!(
        shop.posted("payments", "p-1", &payment("10.00", "ch_1")).await,
        id
    );
    let refusal = shop
        .send("payments", "p-2", &payment("10.00", "ch_1"))
        .await
        .refused(409, "gateway_transaction_used");
    assert!(
        refusal["detail"].as_str().unwrap().contains(&id),
        "names the import"
    );
    let bad = json!({ "company": "ABC", "customer": { "ar_division_no": "01" }, "amount": "-1" });
    let refusal = shop
        .send("payments", "p-3", &bad)
        .await
        .refused(422, "document_refused");
    assert!(refusal["problems"].as_array().unwrap().len() >= 2);

    let customer = json!({ "company": "ABC", "new": { "customer_name": "Harbor Supply" } });
    let customer = shop.posted("customers", "c-1", &customer).await;
    shop.report(
        &customer,
        1,
        "written",
        json!({ "ar_division_no": "01", "customer_no": "HARBOR", "revision": "x" }),
    )
    .await;
    let shown = shop
        .world
        .get(&format!("/v1/imports/{customer}"), &shop.token)
        .await
        .ok();
    assert_eq!(
        (
            &shown["kind"],
            &shown["customer_no"],
            &shown["customer"],
            &shown["revision"]
        ),
        (
            &json!("customer"),
            &json!("HARBOR"),
            &json!("01:HARBOR"),
            &json!(1)
        ),
        "no number takes a field's place"
    );
    shop.send("items", "i-1", &json!({}))
        .await
        .refused(405, "method_not_allowed");
    let none = shop
        .world
        .get("/v1/imports?kind=customer&state=received", &shop.token)
        .await
        .ok();
    assert_eq!(none["data"], json!([]));
    let paged = shop.world.get("/v1/imports?limit=1", &shop.token).await.ok();
    assert_eq!(paged["data"][0]["id"], customer);
    let cursor = paged["next_cursor"].as_str().unwrap();
    let next = format!("/v1/imports?limit=1&cursor={cursor}");
    let paged = shop.world.get(&next, &shop.token).await.ok();
    assert_eq!(
        (&paged["data"][0]["id"], &paged["next_cursor"]),
        (&json!(id), &Value::Null)
    );
    shop.world
        .get("/v1/imports?cursor=eA", &shop.token)
        .await
        .refused(400, "cursor_invalid");
    let of = shop
        .world
        .get("/v1/imports?customer=01:ABF", &shop.token)
        .await
        .ok();
    assert_eq!(of["data"][0]["id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_is_told_to_who_may_read_of_credit() {
    let shop = shop().await;
    let id = shop.posted("payments", "p-1", &payment("10.00", "ch_1")).await;
    let body = json!({ "lease": shop.lease, "revision": 1, "report": {
        "state": "written", "totals": { "amount_received": "10.00" },
        "warnings": ["overpayment: 3.00 of 10.00 is on no invoice"],
    }});
    let path = format!("/agent/v1/imports/{id}/report");
    shop.world.post(&path, &shop.agent.token, &body).await.ok();
    let path = format!("/v1/imports/{id}");
    let whole = shop.world.get(&path, &shop.token).await.ok();
    assert_eq!(whole["totals"], json!({ "amount_received": "10.00" }));
    let public = shop
        .world
        .token(&shop.tenant, TokenScope::Write, None, &[Class::Public]);
    let less = shop.world.get(&path, &public).await.ok();
    assert_eq!((&less["state"], &less["totals"]), (&json!("written"), &json!({})));
    assert!(!less["warnings"].to_string().contains("3.00"), "{less}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_is_shown_to_who_may_read_of_persons() {
    let shop = shop().await;
    let id = shop.posted("sales_orders", "o-1", &order()).await;
    let path = format!("/v1/imports/{id}");
    assert!(
        shop.world
            .get(&path, &shop.token)
            .await
            .ok()
            .get("request")
            .is_none()
    );
    let with = format!("{path}?include=request");
    assert_eq!(shop.world.get(&with, &shop.token).await.ok()["request"], order());
    let public = shop
        .world
        .token(&shop.tenant, TokenScope::Write, None, &[Class::Public]);
    shop.world
        .get(&with, &public)
        .await
        .refused(403, "permission_missing");
    shop.world
        .get(&format!("{path}?include=all"), &shop.token)
        .await
        .refused(400, "parameter_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_document_is_edited_and_tried_again() {
    let shop = shop().await;
    let id = shop.posted("sales_orders", "o-1", &order()).await;
    shop.report(&id, 1, "held", json!({})).await;
    let held = shop
        .world
        .get(&format!("/v1/imports/{id}"), &shop.token)
        .await
        .ok();
    assert_eq!(held["problems"][0]["value"], "01-ABF");
    shop.patch(&format!("{id}?revision=2"), &json!({}))
        .await
        .refused(409, "revision_stale");
    shop.patch(&id, &json!({ "lines": [] }))
        .await
        .refused(422, "document_refused");
    let other = shop
        .patch(&id, &json!({ "company": "XYZ" }))
        .await
        .refused(422, "document_refused");
    assert_eq!(other["problems"][0]["code"], "company_fixed");
    shop.patch(&id, &json!([1])).await.refused(400, "body_invalid");
    let edited = shop
        .patch(&format!("{id}?revision=1"), &json!({ "customer_po_no": "PO 7" }))
        .await
        .ok();
    assert_eq!(
        (&edited["revision"], &edited["state"]),
        (&json!(2), &json!("received"))
    );
    let work = shop.work(0).await;
    assert_eq!(work["imports"][0]["body"]["customer_po_no"], "PO 7");
    let accept = json!({ "lease": shop.lease, "revision": 2 });
    let agent = |step: &str| format!("/agent/v1/imports/{id}/{step}");
    shop.world
        .post(&agent("accept"), &shop.agent.token, &accept)
        .await
        .ok();
    shop.patch(&id, &json!({ "comment": "x" }))
        .await
        .refused(409, "import_not_editable");

    shop.report(&id, 2, "held", json!({})).await;
    let mistyped = json!({ "accept": ["credit-hold"], "why": "paid today" });
    let refused = shop
        .decide(&format!("{id}/retry"), &mistyped)
        .await
        .refused(400, "accept_unknown");
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("\"credit-hold\"") && detail.contains("it has credit_hold"),
        "{detail}"
    );
    let words = json!({ "accept": ["credit_hold"], "why": "paid today" });
    let retried = shop.decide(&format!("{id}/retry"), &words).await.ok();
    assert_eq!((&retried["revision"], &retried["decision"]), (&json!(3), &words));
    assert_eq!(shop.work(0).await["imports"][0]["decision"], words);
    let shown = shop
        .world
        .get(&format!("/v1/imports/{id}"), &shop.token)
        .await
        .ok();
    let tried: Vec<_> = shown["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["revision"].clone())
        .collect();
    assert_eq!(tried, [json!(1), json!(2)]);

    let misnamed = shop
        .world
        .get("/v1/imports?state=hold", &shop.token)
        .await
        .refused(400, "parameter_invalid");
    let remedy = misnamed["remedy"].as_str().unwrap();
    assert!(remedy.contains("held, in_doubt"), "{remedy}");
    // Without a word, and with one that cannot be read.
    shop.report(&id, 3, "held", json!({})).await;
    for (body, place) in [
        (json!({ "accept": "credit_hold" }), "accept: "),
        (json!({ "reason": "x" }), "reason"),
    ] {
        let refused = shop
            .decide(&format!("{id}/retry"), &body)
            .await
            .refused(400, "body_invalid");
        assert!(refused["detail"].as_str().unwrap().contains(place), "{refused}");
        assert!(
            refused["remedy"].as_str().unwrap().contains("\"why\""),
            "{refused}"
        );
    }
    let path = format!("/v1/imports/{id}/retry");
    let retried = shop
        .world
        .ask(Method::POST, &path, Some(&shop.token), None)
        .await
        .ok();
    assert_eq!(
        (&retried["revision"], &retried["decision"]),
        (&json!(4), &json!({}))
    );

    // At the driver's host.
    shop.report(&id, 4, "in_doubt", json!({})).await;
    shop.decide(&format!("{id}/retry"), &json!({ "accept": [], "why": "again" }))
        .await
        .refused(409, "decision_incomplete");
    let decide = |why: &str| json!({ "lease": shop.lease, "action": "discard", "decision": { "why": why } });
    shop.world
        .post(&agent("decide"), &shop.agent.token, &decide(""))
        .await
        .refused(409, "decision_incomplete");
    shop.world
        .post(&agent("decide"), &shop.agent.token, &decide("entered by hand"))
        .await
        .ok();
    let gone = shop
        .world
        .get(&format!("/v1/imports/{id}"), &shop.token)
        .await
        .ok();
    assert_eq!(
        (&gone["state"], &gone["decision"]["why"]),
        (&json!("discarded"), &json!("entered by hand"))
    );
    shop.decide(&format!("{id}/discard"), &json!({ "why": "again" }))
        .await
        .refused(409, "import_not_editable");
    shop.decide(&format!("{id}/discard"), &json!({ "reason": "x" }))
        .await
        .refused(400, "body_invalid");
    let read = shop
        .world
        .token(&shop.tenant, TokenScope::Read, None, &Class::ALL);
    shop.world
        .post(&format!("/v1/imports/{id}/retry"), &read, &words)
        .await
        .refused(403, "permission_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_answered_and_leaves_nothing() {
    let shop = shop().await;
    let asked = order();
    let asking = shop
        .world
        .post("/v1/sales_orders?preview=true", &shop.token, &asked);
    let answering = async {
        let work = shop.work(10_000).await;
        let preview = &work["previews"][0];
        assert_eq!((&work["imports"], &preview["body"]), (&json!([]), &order()));
        let report = json!({
            "state": "validated", "totals": { "order_total": "159.00", "sales_tax_amt": "8.11" },
            "lines": [{ "item_code": "1001-HON-H252", "unit_price": "79.500000", "extension_amt": "159.00" }],
            "warnings": ["over the credit limit"],
            "problems": [{ "code": "credit_limit", "field": "customer", "message": "owes 7.00", "remedy": "wait" }],
        });
        let body = json!({ "lease": shop.lease, "report": report });
        let path = format!("/agent/v1/previews/{}", preview["id"].as_str().unwrap());
        shop.world.post(&path, &shop.agent.token, &body).await.ok();
    };
    let start = Instant::now();
    let (answer, ()) = tokio::join!(asking, answering);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let answer = answer.ok();
    for (field, value) in [
        ("state", json!("validated")),
        (
            "totals",
            json!({ "order_total": "159.00", "sales_tax_amt": "8.11" }),
        ),
        (
            "lines",
            json!([{ "item_code": "1001-HON-H252", "unit_price": "79.500000", "extension_amt": "159.00" }]),
        ),
        ("warnings", json!(["over the credit limit"])),
        (
            "problems",
            json!([{ "code": "credit_limit", "field": "customer", "message": "owes 7.00", "remedy": "wait" }]),
        ),
    ] {
        assert_eq!(answer[field], value, "{field}");
    }
    let path = format!("/v1/previews/{}", answer["id"].as_str().unwrap());
    assert_eq!(shop.world.get(&path, &shop.token).await.ok(), answer);
    let public = shop
        .world
        .token(&shop.tenant, TokenScope::Read, None, &[Class::Public]);
    let less = shop.world.get(&path, &public).await.ok();
    assert_eq!(
        (&less["problems"][0]["code"], &less["totals"]),
        (&json!("credit_limit"), &answer["totals"])
    );
    assert!(
        !less.to_string().contains("owes 7.00") && !less.to_string().contains("over the"),
        "{less}"
    );
    let imports = shop.world.get("/v1/imports", &shop.token).await.ok();
    assert_eq!(imports["data"], json!([]));
    shop.world
        .post(
            "/v1/sales_orders?preview=true",
            &shop.token,
            &json!({ "company": "ABC" }),
        )
        .await
        .refused(422, "document_refused");
    shop.world
        .post("/v1/payments?preview=true", &shop.token, &payment("1.00", "x"))
        .await
        .refused(400, "parameter_unknown");
    shop.world.pass(3601);
    shop.world.hub.tidy().unwrap();
    shop.world
        .get(&path, &shop.token)
        .await
        .refused(404, "preview_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_previews_in_time_can_be_asked_for_later() {
    let shop = shop().await;
    let start = Instant::now();
    let answer = shop
        .world
        .post("/v1/sales_orders?preview=true", &shop.token, &order())
        .await;
    assert_eq!(answer.status.as_u16(), 202, "{}", answer.body);
    assert!(
        (19..25).contains(&start.elapsed().as_secs()),
        "{:?}",
        start.elapsed()
    );
    let path = format!("/v1/previews/{}", answer.body["id"].as_str().unwrap());
    assert_eq!(shop.world.get(&path, &shop.token).await.status.as_u16(), 202);
    assert_eq!(shop.work(0).await["previews"][0]["id"], answer.body["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_previews_wait() {
    let shop = shop().await;
    let store = shop.world.store.as_ref();
    let scope = store
        .authenticate(&Secret::new(&shop.token), shop.world.now())
        .unwrap();
    for n in 0..20 {
        let new = NewPreview {
            id: ImportId::new(format!("p_{n}")),
            kind: ImportKind::SalesOrder,
            company: CompanyId::new("ABC"),
            body: order(),
        };
        store.add_preview(&scope, &new, shop.world.now()).unwrap();
    }
    let url = format!("{}/v1/sales_orders?preview=true", shop.world.address);
    let asked = shop
        .world
        .client
        .post(url)
        .bearer_auth(&shop.token)
        .json(&order());
    let refused = asked.send().await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&json!(429), &json!("previews_waiting"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn old_bodies_are_forgotten_and_keys_remembered() {
    let shop = shop().await;
    let id = shop.posted("sales_orders", "o-1", &order()).await;
    shop.report(&id, 1, "written", json!({ "sales_order_no": "0000186" }))
        .await;
    shop.world.pass(89 * 86_400);
    assert_eq!(shop.world.hub.tidy().unwrap(), 0);
    shop.world.pass(2 * 86_400);
    assert_eq!(shop.world.hub.tidy().unwrap(), 1);
    let mut agent = shop.agent;
    shop.world.renew(&mut agent).await;
    let shown = shop
        .world
        .get(&format!("/v1/imports/{id}?include=request"), &shop.token)
        .await
        .ok();
    assert_eq!(
        (&shown["request"], &shown["sales_order_no"], &shown["problems"]),
        (&Value::Null, &json!("0000186"), &json!([]))
    );
    assert!(shown["redacted_at"].is_string());
    assert_eq!(shown["order"]["status"], "unknown", "nothing was synced");
    let again = shop.world.order(&shop.token, Some("o-1"), &order()).await;
    assert_eq!(again.body["id"], id);
    let mut other = order();
    other["comment"] = json!("another");
    shop.world
        .order(&shop.token, Some("o-1"), &other)
        .await
        .refused(409, "idempotency_conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_ties_out() {
    let shop = shop().await;
    let id = shop.posted("payments", "p-1", &payment("10.10", "ch_1")).await;
    shop.posted("payments", "p-2", &payment("0.20", "ch_2")).await;
    shop.report(&id, 1, "held", json!({})).await;
    let path = "/v1/tie_out?company=ABC&date=2026-05-02";
    let found = shop.world.get(path, &shop.token).await.ok();
    assert_eq!(found["total"]["captured"], json!({ "sum": "10.30", "count": 2 }));
    assert_eq!(found["payment_types"][0]["payment_type"], "VISA");
    assert_eq!(
        found["payment_types"][0]["queued"],
        json!({ "sum": "0.20", "count": 1 })
    );
    assert_eq!(
        (
            &found["differences"][0]["import"],
            &found["differences"][0]["code"]
        ),
        (&json!(id), &json!("not_entered"))
    );
    assert_eq!(
        (&found["date"], &found["sources"]),
        (&json!("2026-05-02"), &json!([]))
    );
    shop.world
        .get("/v1/tie_out?company=ABC", &shop.token)
        .await
        .refused(400, "parameter_invalid");
    let public = shop
        .world
        .token(&shop.tenant, TokenScope::Read, None, &[Class::Public]);
    shop.world
        .get(path, &public)
        .await
        .refused(403, "permission_missing");
}
