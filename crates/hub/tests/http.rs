//! What holds for all requests: ids, entity tags, limits, compression, counters.

#![allow(clippy::unwrap_used, reason = "tests may stop where they stand")]

mod world;

use std::time::{Duration, Instant};

use catalog::Class;
use hub::RateLimit;
use hub_store::contract::documents;
use hub_store::{Store as _, TokenScope};
use reqwest::{Method, Response};
use serde_json::Value;

use world::World;

async fn with_items(world: &World) -> String {
    let tenant = world.tenant("acme");
    let agent = world.driver(&tenant).await;
    let items = world.store.catalog().get("items").unwrap();
    world
        .sync(&agent, "ABC", "items", &documents(items, &["A", "B"], 0, 1))
        .await;
    world.token(&tenant, TokenScope::Read, None, &[Class::Public])
}

async fn get(world: &World, path: &str, token: &str, headers: &[(&str, &str)]) -> Response {
    send(world, Method::GET, path, token, headers).await
}

async fn send(world: &World, method: Method, path: &str, token: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = world
        .client
        .request(method, format!("{}{path}", world.address))
        .bearer_auth(token);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|v| v.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_caller_has_is_not_sent_again() {
    let world = World::new().await;
    let token = with_items(&world).await;
    for path in [
        "/v1/items",
        "/v1/items/A",
        "/v1/items?updated_since=",
        "/v1/changes",
        "/v1/sites",
        "/v1/imports",
    ] {
        let first = get(&world, path, &token, &[]).await;
        let tag = header(&first, "etag").unwrap().to_owned();
        assert!(tag.starts_with('"'), "{path}: {tag}");
        assert_eq!(header(&first, "cache-control"), Some("private, no-cache"));
        let again = get(&world, path, &token, &[("If-None-Match", &tag)]).await;
        assert_eq!(again.status(), 304, "{path}");
        assert_eq!(header(&again, "etag"), Some(tag.as_str()));
        assert!(again.bytes().await.unwrap().is_empty(), "{path}");
        let other = get(&world, path, &token, &[("If-None-Match", "\"other\"")]).await;
        assert_eq!(other.status(), 200, "{path}");
        let head = send(&world, Method::HEAD, path, &token, &[]).await;
        assert_eq!(
            (head.status().as_u16(), header(&head, "etag")),
            (200, Some(tag.as_str())),
            "{path}"
        );
        assert!(head.bytes().await.unwrap().is_empty(), "{path}");
    }
    // A record that changes has another tag; a token that sees more has one of its own.
    let tag = header(&get(&world, "/v1/items/A", &token, &[]).await, "etag")
        .unwrap()
        .to_owned();
    let tenant = values::TenantId::new("t_acme");
    let all = world.token(&tenant, TokenScope::Read, None, &Class::ALL);
    let wider = get(&world, "/v1/items/A", &all, &[("If-None-Match", &tag)]).await;
    assert_eq!(wider.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_an_id() {
    let world = World::new().await;
    let token = with_items(&world).await;
    let own = get(&world, "/v1/items", &token, &[("X-Request-Id", "shop-42")]).await;
    assert_eq!(header(&own, "x-request-id"), Some("shop-42"));
    let made = get(&world, "/v1/items", &token, &[]).await;
    let made = header(&made, "x-request-id").unwrap().to_owned();
    assert_eq!(made.len(), 16);
    for path in ["/nowhere", "/v1/items/none", "/healthz", "/v1/openapi.json"] {
        let answer = get(&world, path, &token, &[]).await;
        let id = header(&answer, "x-request-id").unwrap();
        assert_ne!(id, made, "{path}");
    }
    let odd = get(&world, "/v1/items", &token, &[("X-Request-Id", "two words")]).await;
    assert_ne!(header(&odd, "x-request-id"), Some("two words"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_asks_so_often_and_no_more() {
    let limit = RateLimit::new(3, 30).unwrap();
    let world = World::with(|hub| hub.with_rate_limit(Some(limit))).await;
    let token = with_items(&world).await;
    for left in ["2", "1", "0"] {
        let answer = get(&world, "/v1/items", &token, &[]).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "ratelimit-policy"), Some("\"default\";q=3;w=30"));
        let standing = header(&answer, "ratelimit").unwrap();
        assert!(
            standing.starts_with(&format!("\"default\";r={left};t=")),
            "{standing}"
        );
    }
    let refused = get(&world, "/v1/items", &token, &[]).await;
    assert_eq!(header(&refused, "retry-after"), Some("10"));
    assert_eq!(header(&refused, "ratelimit"), Some("\"default\";r=0;t=30"));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&429.into(), &"rate_limited".into())
    );
    let other = world.token(
        &values::TenantId::new("t_acme"),
        TokenScope::Read,
        None,
        &[Class::Public],
    );
    assert_eq!(
        get(&world, "/v1/items", &other, &[]).await.status(),
        200,
        "tokens are counted apart"
    );
    world.pass(10);
    assert_eq!(get(&world, "/v1/items", &token, &[]).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_have_a_limit() {
    let world = World::new().await;
    let token = with_items(&world).await;
    let long = "x".repeat(20_000);
    let refused = get(&world, "/v1/items", &token, &[("X-Long", &long)]).await;
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&431.into(), &"headers_too_large".into())
    );
    let address = format!("/v1/items?cursor={long}");
    assert_eq!(get(&world, &address, &token, &[]).await.status(), 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_route() {
    let world = World::new().await;
    let token = with_items(&world).await;
    get(&world, "/v1/items", &token, &[]).await;
    get(&world, "/v1/warehouses", &token, &[]).await;
    get(&world, "/v1/items/none", &token, &[]).await;
    get(&world, "/nowhere", &token, &[]).await;
    let text = get(&world, "/metrics", &token, &[]).await.text().await.unwrap();
    let name = "erp_hub_http_request_duration_seconds_count";
    for line in [
        format!("{name}{{route=\"/v1/{{dataset}}\",method=\"GET\",status=\"200\"}} 2"),
        format!("{name}{{route=\"/v1/{{dataset}}/{{key}}\",method=\"GET\",status=\"404\"}} 1"),
        format!("{name}{{route=\"none\",method=\"GET\",status=\"404\"}} 1"),
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("items"), "names of tenants' things are no labels");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_chosen() {
    let world = World::new().await;
    let tenant = world.tenant("acme");
    let agent = world.driver(&tenant).await;
    let orders = world.store.catalog().get("sales_orders").unwrap();
    world
        .sync(
            &agent,
            "ABC",
            "sales_orders",
            &documents(orders, &["1", "2"], 2, 1),
        )
        .await;
    let token = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for path in [
        "/v1/sales_orders?fields=order_date,lines.item_code",
        "/v1/sales_orders/1?fields=order_date,lines.item_code",
    ] {
        let answer = world.get(path, &token).await.ok();
        let record = if answer["data"].is_array() {
            &answer["data"][0]
        } else {
            &answer
        };
        assert_eq!(
            names(record),
            ["company", "key", "lines", "order_date", "updated_at"],
            "{path}"
        );
        assert_eq!(record["lines"].as_array().unwrap().len(), 2);
        assert_eq!(names(&record["lines"][0]), ["item_code"]);
    }
    let whole = world.get("/v1/sales_orders/1", &token).await.ok();
    let some = world
        .get(
            "/v1/sales_orders/1?fields=key,source_updated_at,udf,lines",
            &token,
        )
        .await
        .ok();
    assert_eq!(
        names(&some),
        [
            "company",
            "key",
            "lines",
            "source_updated_at",
            "udf",
            "updated_at"
        ]
    );
    for name in ["lines", "udf", "source_updated_at"] {
        assert_eq!(some[name], whole[name], "{name}");
    }
    let filtered = world
        .get("/v1/sales_orders?fields=comment&order_status=none", &token)
        .await
        .ok();
    assert_eq!(
        filtered["data"],
        Value::Array(Vec::new()),
        "a filter works on fields that are not shown"
    );
    // What the token does not read is as unknown as what is not there.
    for list in [
        "no_such",
        "email_address",
        "lines.no_such",
        "nothing.item_code",
        "",
        "order_date,",
        "udf.UDF_A",
    ] {
        let refused = world
            .get(&format!("/v1/sales_orders?fields={list}"), &token)
            .await;
        refused.refused(400, "field_unknown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_are_compressed_for_those_who_take_it() {
    use std::io::Read as _;
    let world = World::new().await;
    let token = with_items(&world).await;
    let gzip = ("Accept-Encoding", "gzip");
    let plain = get(&world, "/v1/items", &token, &[]).await;
    assert_eq!(header(&plain, "content-encoding"), None);
    let tag = header(&plain, "etag").unwrap().to_owned();
    let whole = plain.bytes().await.unwrap();
    assert!(whole.len() > 2_000, "{} bytes", whole.len());
    let packed = get(&world, "/v1/items", &token, &[gzip]).await;
    assert_eq!(header(&packed, "content-encoding"), Some("gzip"));
    assert!(header(&packed, "vary").unwrap().contains("accept-encoding"));
    // The same answer in other bytes.
    assert_eq!(header(&packed, "etag"), Some(format!("W/{tag}").as_str()));
    let packed = packed.bytes().await.unwrap();
    assert!(
        packed.len() * 2 < whole.len(),
        "{} of {} bytes",
        packed.len(),
        whole.len()
    );
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.as_ref())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, whole);
    for known in [tag.clone(), format!("W/{tag}")] {
        for encoding in ["gzip", "identity"] {
            let headers = [("If-None-Match", known.as_str()), ("Accept-Encoding", encoding)];
            let again = get(&world, "/v1/items", &token, &headers).await;
            assert_eq!(again.status(), 304, "{known} {encoding}");
            assert!(again.bytes().await.unwrap().is_empty());
        }
    }
    let small = get(&world, "/v1/imports", &token, &[gzip]).await;
    assert_eq!(header(&small, "content-encoding"), None);
    let refused = get(&world, "/v1/items?limit=0", &token, &[gzip]).await;
    assert_eq!(refused.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_only_so_much_at_a_time() {
    let world = World::with(|hub| hub.with_requests_at_once(3)).await;
    let tenant = world.tenant("acme");
    let token = world.token(&tenant, TokenScope::Write, None, &[Class::Public]);
    let other = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
    let mut under_way = Vec::new();
    // More than there is room for: one that comes while another is asked finds none and is gone.
    for _ in 0..12 {
        under_way.push(world.begin("/v1/customers", &token, 100).await);
    }
    let until = Instant::now() + Duration::from_secs(10);
    let refused = loop {
        let answer = get(&world, "/v1/items", &token, &[]).await;
        if answer.status() != 200 {
            break answer;
        }
        assert!(Instant::now() < until, "nothing is refused");
    };
    assert_eq!(header(&refused, "retry-after"), Some("1"));
    assert!(header(&refused, "ratelimit").is_some());
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&429.into(), &"too_many_at_once".into())
    );
    assert_eq!(
        get(&world, "/v1/items", &other, &[]).await.status(),
        200,
        "tokens are counted apart"
    );
    // Whoever leaves makes room.
    drop(under_way);
    while get(&world, "/v1/items", &token, &[]).await.status() != 200 {
        assert!(Instant::now() < until, "there is no room again");
    }
}
