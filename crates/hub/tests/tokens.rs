//! Tokens: made, shown and revoked over HTTP; whence and until when they are taken.

#![allow(clippy::unwrap_used, reason = "tests may stop where they stand")]

mod world;

use catalog::Class;
use hub_store::{Store as _, TokenGrant, TokenScope, parse_network};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use values::{Secret, TenantId};

use world::{Answer, World};

async fn with_company() -> (World, TenantId) {
    let (world, tenant, agent) = World::with_driver().await;
    world.lease(&agent, "ABC").await;
    world.lease(&agent, "XYZ").await;
    (world, tenant)
}

async fn made(world: &World, admin: &str, body: &Value) -> Value {
    let answer = world.post("/v1/tokens", admin, body).await;
    assert_eq!(answer.status.as_u16(), 201, "{}", answer.body);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_shown_and_revoked() {
    let (world, tenant) = with_company().await;
    let admin = world.token(&tenant, TokenScope::Admin, None, &Class::ALL);
    let body = json!({
        "scope": "read", "name": "shop", "companies": ["ABC"], "classes": ["public", "cost"],
        "addresses": ["127.0.0.0/8"], "expires_at": (world.now() + SignedDuration::from_hours(1)).to_string(),
    });
    let made = made(&world, &admin, &body).await;
    let token = made["token"].as_str().unwrap().to_owned();
    let prefix = made["prefix"].as_str().unwrap();
    assert!(token.starts_with(prefix) && prefix.len() == 12, "{prefix}");
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(made[name], *value, "{name}");
    }
    let path = format!("/v1/tokens/{prefix}");
    let shown = world.get(&path, &admin).await.ok();
    assert!(
        shown.get("token").is_none() && shown["last_used_at"].is_null(),
        "{shown}"
    );
    world.get("/v1/imports", &token).await.ok();
    world.hub.write_token_uses().unwrap();
    assert_eq!(
        world.get(&path, &admin).await.ok()["last_used_at"],
        world.now().to_string()
    );

    world
        .get("/v1/tokens", &token)
        .await
        .refused(403, "permission_missing");
    let listed = world.get("/v1/tokens", &admin).await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    let answer = world
        .post(&format!("{path}/revoke"), &admin, &json!({}))
        .await
        .ok();
    assert_eq!(answer["revoked_at"], world.now().to_string());
    world
        .get("/v1/imports", &token)
        .await
        .refused(401, "token_invalid");
    world
        .post(&format!("{path}/revoke"), &admin, &json!({}))
        .await
        .ok();
    let left = world.get("/v1/tokens", &admin).await.ok();
    assert_eq!(left["data"].as_array().unwrap().len(), 1);
    let all = world.get("/v1/tokens?revoked=true", &admin).await.ok();
    assert_eq!(all["data"].as_array().unwrap().len(), 2);
    world
        .get("/v1/tokens/erp_none", &admin)
        .await
        .refused(404, "token_unknown");
    world
        .post("/v1/tokens/erp_none/revoke", &admin, &json!({}))
        .await
        .refused(404, "token_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_none_that_reaches_further() {
    let (world, tenant) = with_company().await;
    let wide = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
    let narrow = world.token(&tenant, TokenScope::Admin, Some(&["ABC"]), &[Class::Public]);
    for body in [
        json!({ "scope": "read" }),
        json!({ "scope": "read", "companies": ["ABC"], "classes": ["public", "credit"] }),
    ] {
        world
            .post("/v1/tokens", &narrow, &body)
            .await
            .refused(403, "grant_exceeded");
    }
    let other = json!({ "scope": "read", "companies": ["XYZ"] });
    world
        .post("/v1/tokens", &narrow, &other)
        .await
        .refused(404, "company_unknown");
    // Those of one second stand in any order.
    world.pass(1);
    let own = made(
        &world,
        &narrow,
        &json!({ "scope": "admin", "companies": ["ABC"] }),
    )
    .await;
    // It neither sees nor ends those that reach further.
    let listed = world.get("/v1/tokens", &narrow).await.ok();
    let listed: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["prefix"])
        .collect();
    assert_eq!(listed, [&json!(narrow[..12]), &own["prefix"]]);
    let path = format!("/v1/tokens/{}", &wide[..12]);
    world.get(&path, &narrow).await.refused(404, "token_unknown");
    world
        .post(&format!("{path}/revoke"), &narrow, &json!({}))
        .await
        .refused(404, "token_unknown");
    world.get("/v1/imports", &wide).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_token_says_is_checked() {
    let (world, tenant) = with_company().await;
    let admin = world.token(&tenant, TokenScope::Admin, None, &Class::ALL);
    for (body, wanted) in [
        (json!({}), "scope"),
        (json!({ "scope": "root" }), "scope"),
        (json!({ "scope": "read", "name": "x".repeat(101) }), "name"),
        (json!({ "scope": "read", "companies": [] }), "companies"),
        (json!({ "scope": "read", "classes": ["secret"] }), "classes"),
        (
            json!({ "scope": "read", "addresses": ["shop.example.com"] }),
            "addresses",
        ),
        (
            json!({ "scope": "read", "expires_at": world.now().to_string() }),
            "expires_at",
        ),
        (json!({ "scope": "read", "expires": "90d" }), "expires"),
    ] {
        let refusal = world
            .post("/v1/tokens", &admin, &body)
            .await
            .refused(400, "body_invalid");
        assert!(refusal["detail"].as_str().unwrap().contains(wanted), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_by_itself() {
    let (world, tenant) = with_company().await;
    let grant = TokenGrant {
        expires_at: Some(world.now() + SignedDuration::from_secs(60)),
        ..TokenGrant::default()
    };
    world
        .store
        .add_api_token(
            &tenant,
            &Secret::new("erp_short-lived"),
            &grant,
            &hub_store::Actor::command_line(),
            world.now(),
        )
        .unwrap();
    world.get("/v1/imports", "erp_short-lived").await.ok();
    world.pass(59);
    world.get("/v1/imports", "erp_short-lived").await.ok();
    world.pass(1);
    world
        .get("/v1/imports", "erp_short-lived")
        .await
        .refused(401, "token_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_taken_from_its_networks_alone() {
    async fn asked(world: &World, token: &str, forwarded: &str) -> Answer {
        let url = format!("{}/v1/imports", world.address);
        let request = world.client.request(Method::GET, url).bearer_auth(token);
        let response = request.header("X-Forwarded-For", forwarded).send().await.unwrap();
        Answer {
            status: response.status(),
            body: response.json().await.unwrap(),
        }
    }
    fn add(world: &World, token: &str, networks: &[&str]) {
        let grant = TokenGrant {
            addresses: networks.iter().map(|n| parse_network(n).unwrap()).collect(),
            ..TokenGrant::default()
        };
        let tenant = world.store.find_tenant("acme").unwrap();
        world
            .store
            .add_api_token(
                &tenant,
                &Secret::new(token),
                &grant,
                &hub_store::Actor::command_line(),
                world.now(),
            )
            .unwrap();
    }
    let direct = World::new().await;
    direct.tenant("acme");
    add(&direct, "erp_here", &["127.0.0.1"]);
    add(&direct, "erp_there", &["203.0.113.0/24"]);
    asked(&direct, "erp_here", "203.0.113.7").await.ok();
    let refusal = asked(&direct, "erp_there", "203.0.113.7")
        .await
        .refused(403, "address_refused");
    assert!(
        refusal["detail"].as_str().unwrap().contains("127.0.0.1"),
        "{refusal}"
    );

    let proxy = parse_network("127.0.0.1").unwrap();
    let behind = World::with(|hub| hub.with_trusted_proxies(vec![proxy])).await;
    behind.tenant("acme");
    add(&behind, "erp_here", &["127.0.0.1"]);
    add(&behind, "erp_there", &["203.0.113.0/24"]);
    asked(&behind, "erp_there", "203.0.113.7").await.ok();
    asked(&behind, "erp_there", "203.0.113.7, 198.51.100.1")
        .await
        .refused(403, "address_refused");
    asked(&behind, "erp_here", "203.0.113.7")
        .await
        .refused(403, "address_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_none_that_lasts_longer_or_is_taken_from_elsewhere() {
    let (world, tenant) = with_company().await;
    let root = world.token(&tenant, TokenScope::Admin, None, &[Class::Public]);
    let (friday, later) = ("2027-01-01T00:00:00Z", "2027-01-01T00:00:01Z");
    let body = json!({ "scope": "admin", "expires_at": friday, "addresses": ["127.0.0.0/8", "10.0.0.0/8"] });
    let until = made(&world, &root, &body).await;
    let until = until["token"].as_str().unwrap();
    let within = json!(["127.0.0.1", "10.1.0.0/16"]);
    for body in [
        json!({ "scope": "read" }),
        json!({ "scope": "read", "expires_at": friday }),
        json!({ "scope": "read", "addresses": within }),
        json!({ "scope": "read", "addresses": within, "expires_at": later }),
        json!({ "scope": "read", "addresses": ["127.0.0.1", "203.0.113.0/24"], "expires_at": friday }),
        json!({ "scope": "read", "addresses": ["0.0.0.0/0"], "expires_at": friday }),
    ] {
        world
            .post("/v1/tokens", until, &body)
            .await
            .refused(403, "grant_exceeded");
    }
    let body = json!({ "scope": "read", "addresses": within, "expires_at": friday });
    made(&world, until, &body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_come_in_pages() {
    let (world, tenant) = with_company().await;
    let admin = world.token(&tenant, TokenScope::Admin, Some(&["ABC"]), &[Class::Public]);
    for n in 0..7 {
        let companies = Some(&["ABC"][..]).filter(|_| n % 2 == 0);
        world.token(&tenant, TokenScope::Read, companies, &[Class::Public]);
    }
    let all = world.get("/v1/tokens", &admin).await.ok();
    let all = all["data"].as_array().unwrap().clone();
    assert_eq!(all.len(), 5, "those of all companies reach further");
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world
            .get(&format!("/v1/tokens?limit=2{cursor}"), &admin)
            .await
            .ok();
        let data = page["data"].as_array().unwrap();
        assert!(!data.is_empty() && data.len() <= 2, "{page}");
        paged.extend(data.clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    for odd in ["cursor=x", "cursor=aQphCjE"] {
        world
            .get(&format!("/v1/tokens?{odd}"), &admin)
            .await
            .refused(400, "cursor_invalid");
    }
    world
        .get("/v1/tokens?limit=1001", &admin)
        .await
        .refused(400, "parameter_invalid");
}
