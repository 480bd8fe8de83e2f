//! Enrolment, tokens and streams over HTTP.

mod world;

use std::time::Duration;

use catalog::Class;
use hub_store::contract::documents;
use hub_store::{AgentRole, Store as _, TokenScope};
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use values::{Hash, Key};
use wire::agent::{BatchAck, Enrolled, HashPage, StreamState, Token};
use wire::encode_batch;

use world::{Agent, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_enrols_once() {
    let world = World::new().await;
    let tenant = world.tenant("acme");
    let code = world.code(&tenant, AgentRole::Driver);
    let agent = Agent::new(1);
    world
        .enroll(&agent.enroll("guess"))
        .await
        .refused(403, "code_unknown");
    let mut odd = agent.enroll(&code);
    odd.protocol += 1;
    world.enroll(&odd).await.refused(400, "protocol_unsupported");
    odd = agent.enroll(&code);
    odd.public_key = "zz".repeat(32);
    world.enroll(&odd).await.refused(400, "body_invalid");
    let enrolled: Enrolled = serde_json::from_value(world.enroll(&agent.enroll(&code)).await.ok()).unwrap();
    assert_eq!(
        (enrolled.tenant, enrolled.tenant_name.as_str()),
        (tenant.clone(), "acme")
    );
    world.enroll(&agent.enroll(&code)).await.refused(403, "code_used");
    let late = world.code(&tenant, AgentRole::Driver);
    world.pass(24 * 3600);
    world
        .enroll(&agent.enroll(&late))
        .await
        .refused(403, "code_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_needs_the_key_the_clock_and_a_fresh_nonce() {
    let (world, _, agent) = World::with_driver().await;
    let now = world.now().as_second();
    let nonce = "ab".repeat(16);
    let mut forged = Agent::new(99).sign(now, &nonce);
    forged.agent = agent.id.clone();
    world.ask_token(&forged).await.refused(401, "signature_invalid");
    let refusal = world
        .ask_token(&agent.sign(now - 301, &nonce))
        .await
        .refused(401, "clock_off");
    assert!(
        refusal["detail"].as_str().unwrap().contains(&now.to_string()),
        "{refusal}"
    );
    world
        .ask_token(&agent.sign(now + 301, &nonce))
        .await
        .refused(401, "clock_off");
    world
        .ask_token(&agent.sign(now, "short"))
        .await
        .refused(400, "body_invalid");
    let token: Token = serde_json::from_value(world.ask_token(&agent.sign(now, &nonce)).await.ok()).unwrap();
    assert_eq!((token.expires_in_s, token.hub_time), (900, now));
    world
        .ask_token(&agent.sign(now, &nonce))
        .await
        .refused(401, "nonce_used");

    world.open_stream(&agent, "ABC", "items").await;
    world.pass(900);
    let open = json!({ "company": "ABC", "dataset": "items" });
    world
        .post("/agent/v1/streams/open", &agent.token, &open)
        .await
        .refused(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn revocation_takes_effect_on_the_next_request() {
    let (world, tenant, agent) = World::with_driver().await;
    world.open_stream(&agent, "ABC", "items").await;
    world
        .store
        .revoke_agent(&tenant, &agent.id, &hub_store::Actor::command_line(), world.now())
        .unwrap();
    let open = json!({ "company": "ABC", "dataset": "items" });
    world
        .post("/agent/v1/streams/open", &agent.token, &open)
        .await
        .refused(403, "agent_revoked");
    let again = agent.sign(world.now().as_second(), &"cd".repeat(16));
    world.ask_token(&again).await.refused(403, "agent_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_manager_is_no_driver() {
    let world = World::new().await;
    let tenant = world.tenant("acme");
    let code = world.code(&tenant, AgentRole::QueryManager);
    let mut agent = Agent::new(5);
    let enrolled = world.enroll(&agent.enroll(&code)).await.ok();
    agent.id = serde_json::from_value::<Enrolled>(enrolled).unwrap().agent;
    world.renew(&mut agent).await;
    let open = json!({ "company": "ABC", "dataset": "items" });
    world
        .post("/agent/v1/streams/open", &agent.token, &open)
        .await
        .refused(403, "permission_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_come_in_order_or_not_at_all() {
    let (world, tenant, agent) = World::with_driver().await;
    let items = world.store.catalog().get("items").unwrap();
    let first = documents(items, &["A", "B"], 0, 1);
    world.sync(&agent, "ABC", "items", &first).await;
    let state = world.open_stream(&agent, "ABC", "items").await;
    assert_eq!((state.epoch.0, state.sequence.0, state.records), (1, 1, Some(2)));
    assert_eq!(state.hub_fingerprint, items.fingerprint());

    let bytes = |epoch, sequence, previous, version| {
        let batch = documents(items, &["B", "C"], 0, version);
        encode_batch(&world.header("ABC", "items", epoch, sequence, previous), &batch).unwrap()
    };
    world
        .batch(&agent, bytes(1, 1, Hash(0), 9))
        .await
        .refused(409, "stream_diverged");
    world
        .batch(&agent, bytes(1, 2, Hash(3), 9))
        .await
        .refused(409, "stream_diverged");
    world
        .batch(&agent, bytes(1, 3, state.digest, 9))
        .await
        .refused(409, "out_of_order");
    world
        .batch(&agent, bytes(2, 1, Hash(0), 9))
        .await
        .refused(409, "epoch_stale");
    world
        .batch(&agent, b"ERPD\x01what".to_vec())
        .await
        .refused(422, "batch_malformed");
    let second = bytes(1, 2, state.digest, 2);
    for repeated in [false, true] {
        let ack: BatchAck = serde_json::from_value(world.batch(&agent, second.clone()).await.ok()).unwrap();
        assert_eq!((ack.sequence.0, ack.repeated), (2, repeated));
    }
    let request =
        json!({ "company": "ABC", "dataset": "items", "after": null, "limit": 2, "recompute": true });
    let page: HashPage =
        serde_json::from_value(world.post("/agent/v1/hashes", &agent.token, &request).await.ok()).unwrap();
    let keys: Vec<_> = page.entries.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!((keys, page.end), (vec!["A", "B"], false));
    let expected = documents(items, &["B", "C"], 0, 2);
    assert_eq!(
        page.entries[1],
        (Key::from_parts(["B"]), items.hashes(&expected)[0])
    );

    let rival = world.driver(&tenant).await;
    let open = json!({ "company": "ABC", "dataset": "items" });
    let refusal = world
        .post("/agent/v1/streams/open", &rival.token, &open)
        .await
        .refused(409, "company_claimed");
    assert!(
        refusal["remedy"]
            .as_str()
            .unwrap()
            .contains("erp-hub company move"),
        "{refusal}"
    );
    let unknown = json!({ "company": "ABC", "dataset": "wishes" });
    world
        .post("/agent/v1/streams/open", &agent.token, &unknown)
        .await
        .refused(404, "dataset_unknown");
    let other = world.driver(&world.tenant("other")).await;
    let foreign: StreamState = world.open_stream(&other, "ABC", "items").await;
    assert_eq!(
        (foreign.epoch.0, foreign.records),
        (0, Some(0)),
        "tenants are apart"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_limits() {
    let (world, _, agent) = World::with_driver().await;
    let long = json!({ "company": "x".repeat(1024 * 1024), "dataset": "items" });
    world
        .post("/agent/v1/streams/open", &agent.token, &long)
        .await
        .refused(413, "body_too_large");
    let odd = json!({ "company": "", "time_zone": "UTC", "journal": "j" });
    world
        .post("/agent/v1/lease", &agent.token, &odd)
        .await
        .refused(400, "parameter_invalid");
    let nothing = world
        .ask(Method::POST, "/agent/v1/work", Some(&agent.token), None)
        .await;
    nothing.refused(400, "body_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_uploads_keep_nobody_else_from_sending() {
    let (world, tenant, agent) = World::with_driver().await;
    let items = world.store.catalog().get("items").unwrap();
    let other = world.tenant("other");
    let mut slow = Vec::new();
    for _ in 0..4 {
        let driver = world.driver(&tenant).await;
        for _ in 0..4 {
            slow.push(world.begin("/agent/v1/batches", &driver.token, 60_000_000).await);
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let elsewhere = world.driver(&other).await;
    for driver in [&agent, &elsewhere] {
        let batch = documents(items, &["A", "B"], 0, 1);
        let sent = world.sync(driver, "ABC", "items", &batch);
        tokio::time::timeout(Duration::from_secs(10), sent)
            .await
            .expect("the batch waits behind those of others");
    }
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_to_come_in_time() {
    let world = World::with(|hub| hub.with_body_within(Duration::from_millis(200))).await;
    let tenant = world.tenant("acme");
    let agent = world.driver(&tenant).await;
    let token = world.token(&tenant, TokenScope::Admin, None, &[Class::Public]);
    for (path, token) in [
        ("/agent/v1/token", "none"),
        ("/agent/v1/enroll", "none"),
        ("/agent/v1/work", agent.token.as_str()),
        ("/v1/tokens", token.as_str()),
    ] {
        let mut stream = world.begin(path, token, 100).await;
        let mut answer = vec![0; 12];
        let read = stream.read_exact(&mut answer);
        let read = tokio::time::timeout(Duration::from_secs(10), read).await;
        read.expect("it is still waited for").unwrap();
        assert_eq!(answer, b"HTTP/1.1 408", "{path}");
    }
}
