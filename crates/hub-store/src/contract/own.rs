//! What sites bring: their own values in standard datasets, and datasets of their own.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use catalog::{Class, RemovalReason};
use serde_json::{Value, json};
use values::{CompanyId, DatasetName};
use wire::agent::{ChecksumRequest, StreamRequest};

use super::{Site, Stream, documents, listed, now, refused, scope};
use crate::{Lookup, Page, RecordQuery, Store, StoreError, TokenScope};

const WISHES: &str = "udt_wishes";

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "own");
    let other = Site::new(store, "own-other");
    classes(store, &site);
    malformed(store, &site);
    own_dataset(store, &site, &other);
    room(store);
}

pub(super) fn check_after_reopening(store: &dyn Store) {
    let tenant = store.find_tenant("own").unwrap();
    let all = scope(
        store,
        &tenant,
        "erp_own-later",
        TokenScope::Read,
        None,
        &Class::ALL,
    );
    let dataset = store.dataset(&all, WISHES).unwrap();
    let query = RecordQuery {
        fields: None,
        dataset: &dataset,
        company: CompanyId::new("ABC"),
        page: Page::Key(None),
        limit: 10,
        filters: Vec::new(),
    };
    assert_eq!(store.records(&all, &query, now()).unwrap().data.len(), 2);
}

/// Of the site's own values a token sees those of its classes, nested ones too.
fn classes(store: &dyn Store, site: &Site) {
    let orders = Stream::new(store, &site.agent, "ABC", "sales_orders");
    orders.reset(1).unwrap();
    orders.push(&documents(&orders.dataset, &["1"], 1, 1));
    let token =
        |name: &str, classes: &[Class]| scope(store, &site.tenant, name, TokenScope::Read, None, classes);
    let tokens = [
        ("erp_own-public", vec![Class::Public]),
        ("erp_own-cost", vec![Class::Cost]),
        ("erp_own-two", vec![Class::Public, Class::Credit]),
        ("erp_own-none", vec![]),
    ];
    for (name, classes) in tokens {
        let seen = orders.get(&token(name, &classes), "1");
        let wanted: serde_json::Map<String, Value> = classes
            .iter()
            .map(|c| (format!("UDF_{}", c.as_str()), format!("{} v1", c.as_str()).into()))
            .collect();
        assert_eq!(seen["udf"], Value::Object(wanted.clone()), "{name}");
        assert_eq!(seen["lines"][0]["udf"], Value::Object(wanted), "{name}");
        let lines = orders
            .dataset
            .children
            .iter()
            .find(|c| c.name == "lines")
            .unwrap();
        for field in lines.fields.iter().filter(|f| !f.is_udf()) {
            let shown = seen["lines"][0].get(&field.name).is_some();
            assert_eq!(shown, classes.contains(&field.class), "{name} {}", field.name);
        }
    }
    assert_eq!(
        orders.get(&site.all, "1")["udf"]
            .as_object()
            .map(serde_json::Map::len),
        Some(4)
    );
}

fn malformed(store: &dyn Store, site: &Site) {
    let items = Stream::new(store, &site.agent, "ODD", "items");
    items.reset(1).unwrap();
    let with = |text: &str| {
        let mut batch = documents(&items.dataset, &["A"], 0, 1);
        let mut columns: Vec<ArrayRef> = batch.parents.columns().to_vec();
        *columns.last_mut().unwrap() = Arc::new(StringArray::from(vec![text]));
        batch.parents = RecordBatch::try_new(items.dataset.schema(), columns).unwrap();
        items.exchange(&batch, &[], 0, now())
    };
    for odd in ["{", "[]", r#"{"secret":{"A":"1"}}"#, r#"{"public":"A"}"#] {
        refused(with(odd), "batch_malformed");
    }
    with("").unwrap();
    assert_eq!(items.get(&site.all, "A")["udf"], json!({}));
    // Not a filter, whatever a caller asks for.
    let query = RecordQuery {
        fields: None,
        dataset: &items.dataset,
        company: items.company.clone(),
        page: Page::Key(None),
        limit: 10,
        filters: vec![(items.dataset.fields.len() - 1, "x".to_owned())],
    };
    assert_eq!(listed(&store.records(&site.all, &query, now()).unwrap()), ["A"]);
}

fn own_dataset(store: &dyn Store, site: &Site, other: &Site) {
    let wishes = Stream::new(store, &site.agent, "ABC", WISHES);
    let unknown = |site: &Site| refused(store.dataset(&site.all, WISHES).map(|_| ()), "dataset_unknown");
    unknown(site);
    let fresh = wishes.state();
    assert_eq!((fresh.epoch.0, fresh.records), (0, Some(0)));
    assert_eq!(fresh.hub_fingerprint, wishes.dataset.fingerprint());
    assert!(wishes.hash_keys(false).is_empty() && wishes.hash_keys(true).is_empty());
    let batch = documents(&wishes.dataset, &["A", "/B", "", "D"], 0, 1);
    assert!(
        wishes.exchange(&batch, &[], 0, now()).is_err(),
        "no stream is open"
    );
    wishes.reset(1).unwrap();
    wishes.push(&batch);
    let dataset = store.dataset(&site.all, WISHES).unwrap();
    assert_eq!(dataset, wishes.dataset);
    assert_eq!(wishes.state().records, Some(4));
    let keys = ["", "A", "D", "~2FB"];
    assert_eq!(listed(&wishes.list(&site.all, Page::Key(None))), keys);
    for recompute in [false, true] {
        assert_eq!(wishes.hash_keys(recompute), keys);
    }
    let request = ChecksumRequest {
        company: wishes.company.clone(),
        dataset: wishes.dataset.name.clone(),
        after: None,
        range: 3,
        limit: 10,
    };
    let sums = store.checksums(&site.agent, &request).unwrap();
    assert_eq!(sums.ranges.iter().map(|r| r.records).collect::<Vec<_>>(), [3, 1]);
    let public = scope(
        store,
        &site.tenant,
        "erp_wishes",
        TokenScope::Read,
        None,
        &[Class::Public],
    );
    assert_eq!(
        wishes.get(&public, "~2FB"),
        json!({
            "key": "~2FB", "company": "ABC", "updated_at": now().to_string(),
            "udf": { "UDF_public": "public v1" },
        })
    );
    wishes
        .remove(&[("D", RemovalReason::Deleted), ("A", RemovalReason::Filtered)])
        .unwrap();
    assert!(matches!(wishes.lookup(&site.all, "D"), Lookup::Deleted(_)));
    assert_eq!(
        listed(&wishes.list(&site.all, Page::Position(0))),
        ["~2FB", "", "D†", "A†"]
    );
    let sites = store
        .sites(&site.all, &crate::SitesQuery::default(), now())
        .unwrap();
    let shown = sites
        .datasets
        .iter()
        .find(|d| d.dataset == wishes.dataset.name)
        .unwrap();
    assert_eq!(shown.stream.records, 2);

    unknown(other);
    let xyz = Some(vec![CompanyId::new("XYZ")]);
    let elsewhere = scope(
        store,
        &site.tenant,
        "erp_wishes-xyz",
        TokenScope::Read,
        xyz,
        &Class::ALL,
    );
    refused(store.dataset(&elsewhere, WISHES).map(|_| ()), "dataset_unknown");
    let theirs = Stream::new(store, &other.agent, "ABC", WISHES);
    assert_eq!(theirs.state().records, Some(0), "tenants are apart");
    assert!(theirs.hash_keys(false).is_empty());
    for name in [
        "udt_",
        "udt_a b",
        "udt_\"; --",
        "udt_A",
        "wishes",
        &format!("udt_{}", "x".repeat(60)),
    ] {
        let request = StreamRequest {
            company: CompanyId::new("ABC"),
            dataset: DatasetName::new(name),
            count: true,
        };
        refused(store.stream(&site.agent, &request), "dataset_unknown");
        refused(store.dataset(&site.all, name).map(|_| ()), "dataset_unknown");
    }
}

/// A tenant's own datasets are counted, not its streams.
fn room(store: &dyn Store) {
    let site = Site::new(store, "own-room");
    let open =
        |company: &str, n: u32| Stream::new(store, &site.agent, company, &format!("udt_room{n}")).reset(1);
    let refusal = (0..1000).map(|n| open("ABC", n)).find_map(Result::err);
    refused(Err::<(), StoreError>(refusal.unwrap()), "datasets_too_many");
    open("XYZ", 0).unwrap();
    let other = Site::new(store, "own-room2");
    Stream::new(store, &other.agent, "ABC", "udt_room0")
        .reset(1)
        .unwrap();
}
