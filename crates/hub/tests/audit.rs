//! The audit log over HTTP.

#![allow(clippy::unwrap_used, reason = "tests may stop where they stand")]

mod world;

use catalog::Class;
use hub_store::TokenScope;
use jiff::SignedDuration;
use serde_json::{Value, json};

use world::{World, order};

fn actions(page: &Value) -> Vec<&str> {
    let entries = page["data"].as_array().unwrap().iter();
    entries.map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_through_the_api_is_told_with_who_and_from_where() {
    let (world, tenant, agent) = World::with_driver().await;
    world.lease(&agent, "ABC").await;
    let admin = world.token(&tenant, TokenScope::Admin, None, &Class::ALL);
    let made = world
        .post("/v1/tokens", &admin, &json!({ "scope": "write" }))
        .await
        .body;
    let shop = made["token"].as_str().unwrap();
    let posted = world.order(shop, Some("web-1"), &order()).await.body;
    let id = posted["id"].as_str().unwrap();
    let why = json!({ "why": "Ms Smith called" });
    world
        .post(&format!("/v1/imports/{id}/discard"), shop, &why)
        .await
        .ok();
    let log = world.get("/v1/audit", &admin).await.ok();
    assert_eq!(
        actions(&log),
        [
            "import.discarded",
            "import.accepted",
            "token.added",
            "token.added",
            "company.claimed",
            "agent.enrolled",
            "enrolment_code.added",
            "tenant.added",
        ]
    );
    let entry = &log["data"][0];
    assert_eq!(entry["actor"], format!("token {}", &shop[..12]));
    assert_eq!(
        (&entry["address"], &entry["subject"]),
        (&json!("127.0.0.1"), &json!(id))
    );
    assert_eq!(
        (&entry["company"], &entry["at"]),
        (&json!("ABC"), &json!(world.now().to_string()))
    );
    // The driver's own acts come from an address, too; those of the command line from none.
    assert_eq!(log["data"][5]["address"], "127.0.0.1");
    assert_eq!(log["data"][7]["address"], Value::Null);
    let text = log.to_string();
    assert!(!text.contains(shop) && !text.contains("Smith"), "{text}");

    let walk = world.get("/v1/audit?limit=5", &admin).await.ok();
    let cursor = walk["next_cursor"].as_str().unwrap();
    let rest = world
        .get(&format!("/v1/audit?limit=5&cursor={cursor}"), &admin)
        .await
        .ok();
    assert_eq!((actions(&rest).len(), &rest["next_cursor"]), (3, &Value::Null));
    let imports = world.get("/v1/imports?limit=1", &admin).await.ok();
    assert!(imports["next_cursor"].is_null());
    world
        .get(&format!("/v1/imports?cursor={cursor}"), &admin)
        .await
        .refused(400, "cursor_invalid");
    let of_document = world
        .get(&format!("/v1/audit?subject={id}&action=import.accepted"), &admin)
        .await
        .ok();
    assert_eq!(actions(&of_document), ["import.accepted"]);
    for odd in ["action=import.eaten", "from=yesterday", "limit=0"] {
        world
            .get(&format!("/v1/audit?{odd}"), &admin)
            .await
            .refused(400, "parameter_invalid");
    }
    world
        .get("/v1/audit", shop)
        .await
        .refused(403, "permission_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_some_companies_sees_what_was_done_about_those() {
    let (world, tenant, agent) = World::with_driver().await;
    world.lease(&agent, "ABC").await;
    world.lease(&agent, "XYZ").await;
    let narrow = world.token(&tenant, TokenScope::Admin, Some(&["XYZ"]), &[Class::Public]);
    let log = world.get("/v1/audit", &narrow).await.ok();
    assert_eq!(actions(&log), ["company.claimed"]);
    assert_eq!(log["data"][0]["subject"], "XYZ");
    world
        .get("/v1/audit?company=ABC", &narrow)
        .await
        .refused(404, "company_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_forgotten_when_their_time_is_over() {
    let world = World::with(|hub| hub.with_audit(SignedDuration::from_hours(24))).await;
    let tenant = world.tenant("acme");
    world.pass(3600);
    let admin = world.token(&tenant, TokenScope::Admin, None, &Class::ALL);
    world.pass(23 * 3600 + 1);
    world.hub.tidy().unwrap();
    let log = world.get("/v1/audit", &admin).await.ok();
    assert_eq!(actions(&log), ["token.added"]);
}
