//! What leaves, what sites bring and what agents tell, over HTTP.
#![allow(clippy::unwrap_used, reason = "tests may stop where they stand")]

mod world;

use catalog::{Class, RemovalReason};
use hub_store::contract::documents;
use hub_store::{Store as _, TokenScope};
use serde_json::{Value, json};
use wire::agent::ChecksumPage;

use world::{Agent, World};

/// Items A to D at the hub, and a token that reads the public fields.
async fn items() -> (World, Agent, String) {
    let (world, tenant, agent) = World::with_driver().await;
    let read = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
    let items = world.store.catalog().get("items").unwrap();
    let batch = documents(items, &["A", "B", "C", "D"], 0, 1);
    world.sync(&agent, "ABC", "items", &batch).await;
    (world, agent, read)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_left_is_gone_and_the_feed_says_so() {
    let (world, agent, read) = items().await;
    let page = world.get("/v1/items?updated_since=", &read).await.ok();
    let since = page["next_updated_since"].as_str().unwrap().to_owned();
    world.pass(60);
    let leaving = [("B", RemovalReason::Deleted), ("A", RemovalReason::Filtered)];
    world.remove(&agent, "ABC", "items", &leaving).await.ok();
    let at = world.now().to_string();
    let refusal = world
        .get("/v1/items/B", &read)
        .await
        .refused(410, "record_deleted");
    assert_eq!(
        (&refusal["deleted_at"], &refusal["reason"]),
        (&json!(at), &json!("deleted"))
    );
    let detail = refusal["detail"].as_str().unwrap();
    assert!(detail.contains(&at) && detail.contains("deleted"), "{detail}");
    let page = world
        .get(&format!("/v1/items?updated_since={since}"), &read)
        .await
        .ok();
    let grave = |key: &str| json!({ "key": key, "company": "ABC", "deleted_at": at, "updated_at": at });
    assert_eq!(page["data"], json!([grave("B"), grave("A")]));
    let since = page["next_updated_since"].as_str().unwrap();
    let quiet = world
        .get(&format!("/v1/items?updated_since={since}"), &read)
        .await
        .ok();
    assert_eq!(quiet["data"], json!([]));
    let all = world.get("/v1/items", &read).await.ok();
    assert_eq!(all["data"].as_array().unwrap().len(), 2);

    let first = world.get("/v1/items?updated_since=&limit=3", &read).await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/v1/items?updated_since=&limit=3&cursor={cursor}");
    let second = world.get(&path, &read).await.ok();
    assert_eq!(
        (&second["data"], &second["next_cursor"]),
        (&json!([grave("A")]), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brake_refuses_the_whole_batch() {
    let (world, agent, read) = items().await;
    let leaving = ["A", "B", "C", "D"].map(|key| (key, RemovalReason::Deleted));
    let refusal = world
        .remove(&agent, "ABC", "items", &leaving)
        .await
        .refused(409, "brake_engaged");
    let remedy = refusal["remedy"].as_str().unwrap();
    assert!(remedy.contains("erp-driver reconcile"), "{remedy}");
    let all = world.get("/v1/items", &read).await.ok();
    assert_eq!(all["data"].as_array().unwrap().len(), 4);
    assert_eq!(world.open_stream(&agent, "ABC", "items").await.sequence.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sites_own_dataset_is_one_of_its_tenant() {
    let (world, tenant, agent) = World::with_driver().await;
    let read = world.token(&tenant, TokenScope::Read, None, &[Class::Cost]);
    world
        .get("/v1/udt_wishes", &read)
        .await
        .refused(404, "dataset_unknown");
    world
        .get("/v1/udt_wishes/A", &read)
        .await
        .refused(404, "dataset_unknown");
    let dataset = world.store.catalog().resolve("udt_wishes").unwrap();
    let batch = documents(&dataset, &["A", "/B"], 0, 1);
    world.sync(&agent, "ABC", "udt_wishes", &batch).await;
    let page = world.get("/v1/udt_wishes", &read).await.ok();
    let at = world.now().to_string();
    let record = |key: &str| json!({ "key": key, "company": "ABC", "updated_at": at, "udf": { "UDF_cost": "cost v1" } });
    assert_eq!(page["data"], json!([record("A"), record("~2FB")]));
    assert_eq!(world.get("/v1/udt_wishes/~2FB", &read).await.ok(), record("~2FB"));
    world
        .get("/v1/udt_wishes?record_key=A", &read)
        .await
        .refused(400, "parameter_unknown");
    world
        .get("/v1/udt_wishes?udf=A", &read)
        .await
        .refused(400, "parameter_unknown");
    let other = world.token(&world.tenant("other"), TokenScope::Read, None, &[]);
    world
        .get("/v1/udt_wishes", &other)
        .await
        .refused(404, "dataset_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn checksums_go_over_ranges() {
    let (world, agent, _) = items().await;
    let request = json!({ "company": "ABC", "dataset": "items", "after": "A", "range": 2, "limit": 5 });
    let answer = world
        .post("/agent/v1/checksums", &agent.token, &request)
        .await
        .ok();
    let page: ChecksumPage = serde_json::from_value(answer).unwrap();
    let ranges: Vec<_> = page.ranges.iter().map(|r| (r.last.as_str(), r.records)).collect();
    assert_eq!((ranges, page.end), (vec![("C", 2), ("D", 1)], true));
    let unknown = json!({ "company": "ABC", "dataset": "wishes", "after": null, "range": 2, "limit": 5 });
    world
        .post("/agent/v1/checksums", &agent.token, &unknown)
        .await
        .refused(404, "dataset_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_show_what_agents_last_told() {
    let (world, agent, read) = items().await;
    let dataset = json!({
        "dataset": "items", "state": "synced", "documents": 4, "lag_s": 5, "next_run_at": "2026-05-03T03:10:00Z",
        "passes": [{ "kind": "delta", "at": "2026-05-03T03:09:00Z", "documents": 4, "sent": 1, "removed": 0, "took_ms": 9 }],
    });
    let status = |companies: Value| json!({ "clock_offset_s": 2, "companies": companies });
    let own = status(
        json!([{ "company": "ABC", "datasets": [dataset] }, { "company": "XYZ", "datasets": [dataset] }]),
    );
    world.post("/agent/v1/status", &agent.token, &own).await.ok();
    world.pass(30);
    let sites = world.get("/v1/sites", &read).await.ok();
    let shown = &sites["datasets"][0];
    for (field, value) in [
        ("company", json!("ABC")),
        ("dataset", json!("items")),
        ("records", json!(4)),
        ("state", json!("synced")),
        ("lag_s", json!(35)),
        ("next_run_at", json!("2026-05-03T03:10:00Z")),
        ("held", Value::Null),
        ("progress", Value::Null),
        ("findings", json!([])),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["passes"][0]["kind"], "delta");
    assert_eq!(
        sites["datasets"].as_array().unwrap().len(),
        1,
        "XYZ is not the agent's"
    );
    let told = &sites["agents"][0];
    assert_eq!(
        (&told["clock_offset_s"], &told["status_age_s"]),
        (&json!(2), &json!(30))
    );
    assert!(
        told["last_contact_at"].is_string() && told["status_at"].is_string(),
        "{told}"
    );

    let long = status(json!([{ "company": "x".repeat(1024 * 1024), "datasets": [] }]));
    world
        .post("/agent/v1/status", &agent.token, &long)
        .await
        .refused(413, "body_too_large");
    let odd = status(json!([{ "company": "ABC" }]));
    world
        .post("/agent/v1/status", &agent.token, &odd)
        .await
        .refused(400, "body_invalid");
}
