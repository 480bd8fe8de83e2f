//! Records over HTTP.

mod world;

use catalog::Class;
use hub_store::contract::documents;
use hub_store::{Store as _, TokenScope};
use reqwest::Method;
use serde_json::{Value, json};
use values::Kind;

use world::World;

fn keys(page: &Value) -> Vec<&str> {
    page["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|r| r["key"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other() {
    let world = World::new().await;
    let tenant = world.tenant("acme");
    let read = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
    let empty = world.get("/v1/items", &read).await.ok();
    assert_eq!((keys(&empty).len(), &empty["next_cursor"]), (0, &Value::Null));
    let agent = world.driver(&tenant).await;
    let items = world.store.catalog().get("items").unwrap();
    let batch = documents(items, &["C", "A", "/WRITE OFF", "B", "é"], 0, 1);
    world.sync(&agent, "ABC", "items", &batch).await;

    let all = ["A", "B", "C", "~2FWRITE~20OFF", "~C3~A9"];
    let whole = world.get("/v1/items", &read).await.ok();
    assert_eq!(
        (keys(&whole), &whole["next_cursor"]),
        (all.to_vec(), &Value::Null)
    );
    assert!(whole.get("next_updated_since").is_none());
    let mut path = "/v1/items?limit=2".to_owned();
    let mut found = Vec::new();
    for _ in 0..3 {
        let page = world.get(&path, &read).await.ok();
        found.extend(keys(&page).into_iter().map(str::to_owned));
        path = format!(
            "/v1/items?limit=2&cursor={}",
            page["next_cursor"].as_str().unwrap_or("-")
        );
    }
    assert_eq!(found, all);
    assert!(path.ends_with("cursor=-"), "the last page has no cursor");

    for (path, code) in [
        ("/v1/items?limit=0", "parameter_invalid"),
        ("/v1/items?limit=1001", "parameter_invalid"),
        ("/v1/items?limit=1&limit=2", "parameter_invalid"),
        ("/v1/items?colour=red", "parameter_unknown"),
        ("/v1/items?cursor=xyz", "cursor_invalid"),
        ("/v1/items/a%20b", "key_invalid"),
        ("/v1/items/%FF", "path_invalid"),
    ] {
        world.get(path, &read).await.refused(400, code);
    }
    world
        .get("/v1/items?company=XYZ", &read)
        .await
        .refused(404, "company_unknown");
    world
        .get("/v1/wishes", &read)
        .await
        .refused(404, "dataset_unknown");
    world
        .get("/v1/wishes/1", &read)
        .await
        .refused(404, "dataset_unknown");
    world
        .get("/v1/items/NONE", &read)
        .await
        .refused(404, "record_unknown");
    for path in [
        "/v1/items/~2FWRITE~20OFF",
        "/v1/items/%7E2FWRITE%7E20OFF?company=ABC",
    ] {
        let record = world.get(path, &read).await.ok();
        assert_eq!(
            (&record["key"], &record["item_code"]),
            (&"~2FWRITE~20OFF".into(), &"/WRITE OFF".into())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_key_has_a_name_in_paths() {
    let (world, tenant, agent) = World::with_driver().await;
    let read = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
    let items = world.store.catalog().get("items").unwrap();
    world
        .sync(&agent, "ABC", "items", &documents(items, &["A"], 0, 1))
        .await;
    for path in ["/v1/items/~", "/v1/items/%7E?company=ABC"] {
        world.get(path, &read).await.refused(404, "record_unknown");
    }
    world
        .sync(&agent, "ABC", "items", &documents(items, &["", "A"], 0, 1))
        .await;
    let page = world.get("/v1/items?limit=1", &read).await.ok();
    assert_eq!(keys(&page), [""]);
    for path in ["/v1/items/~", "/v1/items/%7E?company=ABC"] {
        let record = world.get(path, &read).await.ok();
        assert_eq!((&record["key"], &record["item_code"]), (&"".into(), &"".into()));
    }
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = world.get(&format!("/v1/items?cursor={cursor}"), &read).await.ok();
    assert_eq!(keys(&next), ["A"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_followed_by_position() {
    let (world, tenant, agent) = World::with_driver().await;
    let read = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
    let items = world.store.catalog().get("items").unwrap();
    world
        .sync(&agent, "ABC", "items", &documents(items, &["B", "A", "C"], 0, 1))
        .await;
    let first = world.get("/v1/items?updated_since=&limit=2", &read).await.ok();
    assert_eq!(keys(&first), ["B", "A"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world
        .get(
            &format!("/v1/items?updated_since=&limit=2&cursor={cursor}"),
            &read,
        )
        .await
        .ok();
    assert_eq!((keys(&second), &second["next_cursor"]), (vec!["C"], &Value::Null));
    let since = second["next_updated_since"].as_str().unwrap();
    let path = format!("/v1/items?updated_since={since}");
    let quiet = world.get(&path, &read).await.ok();
    assert_eq!(
        (keys(&quiet).len(), quiet["next_updated_since"].as_str()),
        (0, Some(since))
    );
    world
        .sync(&agent, "ABC", "items", &documents(items, &["A"], 0, 2))
        .await;
    assert_eq!(keys(&world.get(&path, &read).await.ok()), ["A"]);
    world
        .get(&format!("/v1/items?cursor={since}"), &read)
        .await
        .refused(400, "cursor_invalid");
    world
        .get(&format!("/v1/customers?updated_since={since}"), &read)
        .await
        .refused(400, "cursor_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_companies_have_to_be_told_apart() {
    let (world, tenant, agent) = World::with_driver().await;
    let orders = world.store.catalog().get("sales_orders").unwrap();
    world
        .sync(&agent, "ABC", "sales_orders", &documents(orders, &["1"], 2, 1))
        .await;
    world
        .sync(&agent, "XYZ", "sales_orders", &documents(orders, &["2"], 2, 1))
        .await;
    let all = world.token(&tenant, TokenScope::Read, None, &Class::ALL);
    world
        .get("/v1/sales_orders", &all)
        .await
        .refused(400, "company_required");
    world
        .get("/v1/sales_orders/1", &all)
        .await
        .refused(400, "company_required");
    let page = world.get("/v1/sales_orders?company=XYZ", &all).await.ok();
    assert_eq!(keys(&page), ["2"]);
    assert_eq!(page["data"][0]["lines"].as_array().unwrap().len(), 2);
    world
        .get("/v1/sales_orders/1?company=XYZ", &all)
        .await
        .refused(404, "record_unknown");

    let one = world.token(&tenant, TokenScope::Read, Some(&["XYZ"]), &[Class::Public]);
    assert_eq!(
        keys(&world.get("/v1/sales_orders", &one).await.ok()),
        ["2"],
        "the token sees one company only"
    );
    world
        .get("/v1/sales_orders?company=ABC", &one)
        .await
        .refused(404, "company_unknown");
    let sites = world.get("/v1/sites", &one).await.ok();
    assert_eq!(sites["companies"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&sites["datasets"][0]["company"], &sites["datasets"][0]["records"]),
        (&"XYZ".into(), &1.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reads_its_classes_and_filters_by_them() {
    let (world, tenant, agent) = World::with_driver().await;
    for dataset in world.store.catalog().datasets() {
        world
            .sync(
                &agent,
                "ABC",
                dataset.name.as_str(),
                &documents(dataset, &["1", "2"], 1, 1),
            )
            .await;
        let public = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
        let all = world.token(&tenant, TokenScope::Read, None, &Class::ALL);
        let path = format!("/v1/{}", dataset.name);
        let (public_page, page) = (
            world.get(&path, &public).await.ok(),
            world.get(&path, &all).await.ok(),
        );
        for field in &dataset.fields {
            assert!(
                page["data"][0].get(&field.name).is_some(),
                "{path} {}",
                field.name
            );
            let shown = public_page["data"][0].get(&field.name).is_some();
            assert_eq!(shown, field.class == Class::Public, "{path} {}", field.name);
            let filter = format!("{path}?{}=nothing-like-it", field.name);
            let filtered = world.get(&filter, &all).await;
            match field.kind {
                _ if !field.indexed || field.is_udf() => filtered.refused(400, "parameter_unknown"),
                Kind::Text | Kind::Json => {
                    let page = filtered.ok();
                    assert!(keys(&page).is_empty());
                    page
                }
                Kind::Decimal { .. } | Kind::Date => {
                    let refusal = filtered.refused(400, "parameter_invalid");
                    assert!(
                        refusal["detail"].as_str().unwrap().contains(&field.name),
                        "{refusal}"
                    );
                    refusal
                }
            };
            if field.indexed && field.class != Class::Public {
                world
                    .get(&filter, &public)
                    .await
                    .refused(400, "parameter_unknown");
            }
        }
        for derived in &dataset.derived {
            assert!(
                page["data"][0].get(&derived.name).is_some(),
                "{path} {}",
                derived.name
            );
            let shown = public_page["data"][0].get(&derived.name).is_some();
            assert_eq!(shown, derived.class == Class::Public, "{path} {}", derived.name);
            let filter = format!("{path}?{}=1", derived.name);
            world.get(&filter, &all).await.refused(400, "parameter_unknown");
        }
        let (seen, all_seen) = (&public_page["data"][0]["udf"], &page["data"][0]["udf"]);
        assert_eq!(*seen, json!({ "UDF_public": "public v1" }), "{path}");
        assert_eq!(all_seen.as_object().unwrap().len(), Class::ALL.len(), "{path}");
        for child in &dataset.children {
            let line = |page: &Value| page["data"][0][&child.name][0].clone();
            for field in child.fields.iter().filter(|f| !f.is_udf()) {
                let place = format!("{path} {}.{}", child.name, field.name);
                assert!(line(&page).get(&field.name).is_some(), "{place}");
                let shown = line(&public_page).get(&field.name).is_some();
                assert_eq!(shown, field.class == Class::Public, "{place}");
            }
            assert_eq!(
                line(&public_page)["udf"],
                json!({ "UDF_public": "public v1" }),
                "{path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_asks_for_a_token_and_other_tenants_see_nothing() {
    let (world, tenant, agent) = World::with_driver().await;
    let items = world.store.catalog().get("items").unwrap();
    world
        .sync(&agent, "ABC", "items", &documents(items, &["A"], 0, 1))
        .await;
    let write = world.token(&tenant, TokenScope::Write, None, &Class::ALL);
    let posted = world.order(&write, Some("k1"), &world::order()).await;
    let id = posted.body["id"].as_str().unwrap().to_owned();
    let import = format!("/v1/imports/{id}");

    let reads = ["/v1/items", "/v1/items/A", "/v1/sites", "/v1/imports", &import];
    let agent_posts = [
        "/agent/v1/lease",
        "/agent/v1/streams/open",
        "/agent/v1/streams/reset",
        "/agent/v1/hashes",
        "/agent/v1/checksums",
        "/agent/v1/status",
        "/agent/v1/batches",
        "/agent/v1/work",
        "/agent/v1/imports/x/accept",
        "/agent/v1/imports/x/reserve",
        "/agent/v1/imports/x/report",
    ];
    for path in reads {
        world
            .ask(Method::GET, path, None, None)
            .await
            .refused(401, "token_missing");
        world.get(path, "erp_nothing").await.refused(401, "token_invalid");
        world.get(path, &agent.token).await.refused(401, "token_invalid");
        world.get(path, &write).await.ok();
    }
    world
        .ask(Method::POST, "/v1/sales_orders", None, None)
        .await
        .refused(401, "token_missing");
    for path in agent_posts {
        world
            .ask(Method::POST, path, None, None)
            .await
            .refused(401, "token_missing");
        world
            .post(path, &write, &Value::Null)
            .await
            .refused(401, "token_invalid");
    }

    let other = world.token(&world.tenant("other"), TokenScope::Admin, None, &Class::ALL);
    assert!(keys(&world.get("/v1/items", &other).await.ok()).is_empty());
    assert_eq!(
        world.get("/v1/imports", &other).await.ok()["data"],
        Value::Array(Vec::new())
    );
    assert_eq!(
        world.get("/v1/sites", &other).await.ok()["companies"],
        Value::Array(Vec::new())
    );
    world
        .get("/v1/items/A", &other)
        .await
        .refused(404, "record_unknown");
    world
        .get("/v1/items?company=ABC", &other)
        .await
        .refused(404, "company_unknown");
    world.get(&import, &other).await.refused(404, "import_unknown");

    world
        .store
        .revoke_api_token(&tenant, &write, &hub_store::Actor::command_line(), world.now())
        .unwrap();
    // Who a token is, is known for a second.
    world.pass(1);
    world.get("/v1/items", &write).await.refused(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_problems_too() {
    let world = World::new().await;
    world
        .ask(Method::GET, "/", None, None)
        .await
        .refused(404, "path_unknown");
    world
        .ask(Method::GET, "/v1/items/A/B", None, None)
        .await
        .refused(404, "path_unknown");
    world
        .ask(Method::DELETE, "/v1/items", None, None)
        .await
        .refused(405, "method_not_allowed");
    world
        .ask(Method::PUT, "/agent/v1/work", None, None)
        .await
        .refused(405, "method_not_allowed");
    world
        .ask(Method::GET, "/errors/none", None, None)
        .await
        .refused(404, "error_unknown");
    let write = world.token(&world.tenant("acme"), TokenScope::Write, None, &[]);
    world
        .post("/v1/items", &write, &Value::Null)
        .await
        .refused(405, "method_not_allowed");
    world
        .post("/v1/wishes", &write, &Value::Null)
        .await
        .refused(405, "method_not_allowed");
    for code in hub::CODES {
        let page = world
            .client
            .get(format!("{}/errors/{}", world.address, code.code))
            .send()
            .await
            .unwrap();
        let text = page.text().await.unwrap();
        assert!(text.contains(code.title) && text.contains(code.remedy), "{text}");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/errors"] {
        let page = world
            .client
            .get(format!("{}{path}", world.address))
            .send()
            .await
            .unwrap();
        assert_eq!(page.status(), 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_come_in_pages_of_companies() {
    let (world, tenant, agent) = World::with_driver().await;
    for company in ["C2", "C1", "C3"] {
        world.lease(&agent, company).await;
    }
    let read = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
    let names = |page: &Value| -> Vec<String> {
        let all = page["companies"].as_array().unwrap();
        all.iter()
            .map(|c| c["company"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = world.get("/v1/sites?limit=2", &read).await.ok();
    assert_eq!(
        (names(&first), first["agents"].as_array().unwrap().len()),
        (vec!["C1".into(), "C2".into()], 1)
    );
    let next = first["next_cursor"].as_str().unwrap();
    let second = world
        .get(&format!("/v1/sites?limit=2&cursor={next}"), &read)
        .await
        .ok();
    assert_eq!(
        (names(&second), &second["agents"], &second["next_cursor"]),
        (vec!["C3".into()], &json!([]), &Value::Null)
    );
    let one = world.get("/v1/sites?company=C2", &read).await.ok();
    assert_eq!(
        (names(&one), one["agents"].as_array().unwrap().len()),
        (vec!["C2".into()], 1)
    );
    world
        .get("/v1/sites?company=C9", &read)
        .await
        .refused(404, "company_unknown");
    world
        .get("/v1/sites?cursor=x", &read)
        .await
        .refused(400, "cursor_invalid");
}
