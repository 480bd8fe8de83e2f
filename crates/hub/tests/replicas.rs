//! Two hubs over one database.

mod world;

use std::time::{Duration, Instant};

use catalog::Class;
use hub_store::{Store as _, TokenScope};
use serde_json::json;
use wire::agent::Work;
use world::{World, order};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_at_one_hub_wakes_a_driver_that_waits_at_another() {
    let Some(server) = test_tier::postgres() else {
        return;
    };
    let database = server.database();
    let over = |folder| World::over(&database, folder, |hub| hub);
    let here = over(tempfile::tempdir().unwrap()).await;
    let there = over(tempfile::tempdir().unwrap()).await;
    let tenant = here.tenant("acme");
    let agent = here.driver(&tenant).await;
    let lease = here.lease(&agent, "ABC").await.lease;
    let write = here.token(&tenant, TokenScope::Write, None, &Class::ALL);
    let work = json!({ "companies": [["ABC", lease]], "wait_ms": 30_000, "limit": 5 });
    // The fastest of a few: a machine that is busy may be slow once, and whoever is not woken
    // looks by itself as late each time.
    let mut fastest = Duration::MAX;
    for number in 0..5 {
        let waiting = there.post("/agent/v1/work", &agent.token, &work);
        let posting = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let key = format!("web-{number}");
            let posted = here.order(&write, Some(&key), &order()).await;
            (posted.body, Instant::now())
        };
        let (waited, (posted, at)) = tokio::join!(waiting, posting);
        let handed: Work = serde_json::from_value(waited.ok()).unwrap();
        fastest = fastest.min(at.elapsed());
        let id = posted["id"].as_str().unwrap();
        assert_eq!(handed.imports[0].id.as_str(), id);
        let accept = json!({ "lease": lease, "revision": 1 });
        let path = format!("/agent/v1/imports/{id}/accept");
        there.post(&path, &agent.token, &accept).await.ok();
    }
    assert!(fastest < Duration::from_millis(300), "{fastest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_at_one_hub_is_refused_by_the_other_at_once() {
    let Some(server) = test_tier::postgres() else {
        return;
    };
    let database = server.database();
    let over = |folder| World::over(&database, folder, |hub| hub);
    let here = over(tempfile::tempdir().unwrap()).await;
    let there = over(tempfile::tempdir().unwrap()).await;
    let tenant = here.tenant("acme");
    for _ in 0..20 {
        let token = here.token(&tenant, TokenScope::Read, None, &Class::ALL);
        there.get("/v1/sites", &token).await.ok();
        here.store
            .revoke_api_token(&tenant, &token, &hub_store::Actor::command_line(), here.now())
            .unwrap();
        there.get("/v1/sites", &token).await.refused(401, "token_invalid");
    }
}
