//! What a token is shown.

use catalog::Class;
use serde_json::Value;
use values::{CompanyId, StoreId};
use wire::agent::LeaseRequest;

use super::{Site, Stream, documents, now, refused, scope};
use crate::{Lookup, Page, RecordQuery, Store, TenantScope, TokenScope};

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "records");
    let other = Site::new(store, "records-other");
    let abc = CompanyId::new("ABC");
    let orders = Stream::new(store, &site.agent, "ABC", "sales_orders");
    orders.reset(1).unwrap();
    orders.push(&documents(&orders.dataset, &["3", "2", "1"], 2, 1));
    orders.push(&documents(&orders.dataset, &["1"], 1, 2));
    shape(store, &site, &abc);
    paging(store, &site, &other, &abc);
    filters(store, &site, &abc);
}

fn shape(store: &dyn Store, site: &Site, abc: &CompanyId) {
    let orders = store.catalog().get("sales_orders").unwrap();
    let stream = Stream::new(store, &site.agent, abc.as_str(), "sales_orders");
    let get = |scope: &TenantScope, key: &str| stream.get(scope, key);
    let before = get(&site.all, "1");
    assert_eq!(before["source_updated_at"], Value::Null, "no zone is known yet");
    let request = LeaseRequest {
        company: abc.clone(),
        time_zone: "America/New_York".to_owned(),
        journal: StoreId::new("j"),
    };
    store.grant_lease(&site.agent, &request, now()).unwrap();
    let order = get(&site.all, "1");
    assert_eq!((&order["key"], &order["company"]), (&"1".into(), &"ABC".into()));
    assert_eq!(order["updated_at"], now().to_string());
    assert_eq!(order["source_updated_at"], "2026-05-01T19:30:00Z");
    assert_eq!(order["order_date"], "2026-05-01");
    assert_eq!(order["ship_via"], "ship_via v2 é");
    assert_eq!(order["lines"].as_array().map(Vec::len), Some(1));
    assert_eq!(order["lines"][0]["quantity_ordered"], "2.000014");
    let untouched = get(&site.all, "3");
    assert_eq!(untouched["lines"].as_array().map(Vec::len), Some(2));
    assert_eq!(untouched["lines"][1]["line_key"], "line_key 1");
    assert_eq!(stream.lookup(&site.all, "4"), Lookup::Unknown);

    let public = scope(
        store,
        &site.tenant,
        "erp_public-only",
        TokenScope::Read,
        None,
        &[Class::Public],
    );
    let seen = get(&public, "1");
    let mut hidden = 0;
    for field in &orders.fields {
        let shown = seen.get(&field.name).is_some();
        assert_eq!(shown, field.class == Class::Public, "{}", field.name);
        assert!(order.get(&field.name).is_some(), "{}", field.name);
        hidden += usize::from(!shown);
    }
    assert!(hidden > 0, "the dataset has fields of other classes");
}

fn paging(store: &dyn Store, site: &Site, other: &Site, abc: &CompanyId) {
    let orders = store.catalog().get("sales_orders").unwrap();
    let walk = |scope: &TenantScope, mut page: Page, limit: u32| {
        let mut keys = Vec::new();
        loop {
            let query = RecordQuery {
                fields: None,
                dataset: orders,
                company: abc.clone(),
                page: page.clone(),
                limit,
                filters: Vec::new(),
            };
            let found = store.records(scope, &query, now()).unwrap();
            assert!(found.data.len() <= limit as usize);
            keys.extend(
                found
                    .data
                    .iter()
                    .map(|r| r.json()["key"].as_str().unwrap_or_default().to_owned()),
            );
            let Some((key, position)) = found.last.filter(|_| !found.end) else {
                return keys;
            };
            page = match page {
                Page::Key(_) => Page::Key(Some(key)),
                Page::Position(_) | Page::Walk { .. } => Page::of_walk(position, found.begun),
            };
        }
    };
    for limit in 1..=4 {
        assert_eq!(
            walk(&site.all, Page::Key(None), limit),
            ["1", "2", "3"],
            "limit {limit}"
        );
        assert_eq!(
            walk(&site.all, Page::Position(0), limit),
            ["3", "2", "1"],
            "each at its latest position"
        );
    }
    assert_eq!(
        walk(&site.all, Page::Position(3), 10),
        ["1"],
        "only what came later"
    );
    assert!(
        walk(&other.all, Page::Key(None), 10).is_empty(),
        "tenants are apart"
    );
}

fn filters(store: &dyn Store, site: &Site, abc: &CompanyId) {
    let orders = store.catalog().get("sales_orders").unwrap();
    let find = |column: &str, value: &str| {
        let place = orders.field_of_column(column).unwrap().0;
        let query = RecordQuery {
            fields: None,
            dataset: orders,
            company: abc.clone(),
            page: Page::Key(None),
            limit: 10,
            filters: vec![(place, value.to_owned())],
        };
        store.records(&site.all, &query, now())
    };
    let count = |column: &str, value: &str| find(column, value).unwrap().data.len();
    assert_eq!(count("ShipVia", "ship_via v2 é"), 1);
    assert_eq!(count("ShipVia", "' OR 1=1 --"), 0);
    assert_eq!(
        count("OrderDate", "2026-05-01"),
        2,
        "the second of three has no date"
    );
    assert_eq!(count("OrderDate", ""), 1);
    refused(find("OrderDate", "soon"), "parameter_invalid");
    assert_eq!(count("FreightAmt", "1.005"), 0, "no amount has three decimals");
    let error = find("FreightAmt", "much").unwrap_err();
    assert!(error.to_string().contains("freight_amt"), "{error}");
    refused(Err::<(), _>(error), "parameter_invalid");
}
