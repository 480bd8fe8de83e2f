//! Records that leave, and what stays of them.

use catalog::RemovalReason::{Deleted, Filtered, Moved, Purged, Settled};
use serde_json::{Value, json};
use wire::agent::HashRequest;

use super::{Site, Stream, documents, later, listed, now, refused};
use crate::{Lookup, Page, RecordQuery, Store};

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "removals");
    tombstones(store, &site);
    feed(store, &site);
    children(store, &site);
    purged(store, &site);
}

fn tombstones(store: &dyn Store, site: &Site) {
    let items = Stream::new(store, &site.agent, "ABC", "items");
    items.reset(1).unwrap();
    items.push(&documents(&items.dataset, &["A", "B", "C", "D"], 0, 1));
    let both = items.exchange(
        &documents(&items.dataset, &["A"], 0, 2),
        &[("A", Deleted)],
        0,
        now(),
    );
    refused(both, "batch_malformed");
    items
        .exchange(
            &documents(&items.dataset, &["E"], 0, 1),
            &[("B", Deleted), ("B", Deleted), ("NONE", Deleted), ("C", Filtered)],
            0,
            later(5),
        )
        .unwrap();
    assert_eq!(items.state().records, Some(3));
    for recompute in [false, true] {
        assert_eq!(items.hash_keys(recompute), ["A", "D", "E"]);
    }
    assert_eq!(
        listed(&items.list(&site.all, Page::Key(None))),
        ["A", "D", "E"],
        "by key, only what is there"
    );
    for (key, reason) in [("B", Deleted), ("C", Filtered)] {
        match items.lookup(&site.all, key) {
            Lookup::Deleted(grave) => {
                assert_eq!((grave.key.as_str(), grave.reason), (key, reason));
                assert_eq!(
                    (grave.company, grave.deleted_at),
                    (items.company.clone(), later(5))
                );
            }
            other @ (Lookup::Found(_) | Lookup::Unknown) => panic!("{key}: {other:?}"),
        }
    }
    assert_eq!(
        items.lookup(&site.all, "NONE"),
        Lookup::Unknown,
        "nothing was there"
    );
    let elsewhere = Stream::new(store, &site.agent, "XYZ", "items");
    assert_eq!(
        elsewhere.lookup(&site.all, "B"),
        Lookup::Unknown,
        "companies are apart"
    );

    items.reset(2).unwrap();
    assert_eq!(items.state().records, Some(3), "a new epoch removes nothing");
    assert!(matches!(items.lookup(&site.all, "B"), Lookup::Deleted(_)));
    items.push(&documents(&items.dataset, &["B"], 0, 2));
    assert_eq!(items.get(&site.all, "B")["key"], "B");
    let page = items.list(&site.all, Page::Position(0));
    assert_eq!(
        listed(&page),
        ["A", "D", "E", "C†", "B"],
        "back at a new position"
    );
}

fn feed(store: &dyn Store, site: &Site) {
    let items = Stream::new(store, &site.agent, "FEED", "items");
    items.reset(1).unwrap();
    items.push(&documents(&items.dataset, &["A", "B", "C", "D"], 0, 1));
    items
        .exchange(&items.dataset.empty_batch(), &[("B", Moved)], 0, later(1))
        .unwrap();
    items.push(&documents(&items.dataset, &["A"], 0, 2));
    items
        .exchange(&items.dataset.empty_batch(), &[("C", Settled)], 0, later(2))
        .unwrap();
    let all = ["D", "B†", "A", "C†"];
    let page = items.list(&site.all, Page::Position(0));
    assert_eq!((listed(&page), page.end), (all.map(str::to_owned).to_vec(), true));
    let at = later(1).to_string();
    assert_eq!(
        page.data[1].json(),
        json!({ "key": "B", "company": "FEED", "deleted_at": at, "updated_at": at }),
        "key and time, no value of the record"
    );
    let walk = |limit: u32, filters: &[(usize, String)]| {
        let mut found = Vec::new();
        let mut from = 0;
        loop {
            let query = RecordQuery {
                fields: None,
                dataset: &items.dataset,
                company: items.company.clone(),
                page: Page::Position(from),
                limit,
                filters: filters.to_vec(),
            };
            let page = store.records(&site.all, &query, now()).unwrap();
            assert!(page.data.len() <= limit as usize);
            found.extend(listed(&page));
            match page.last.filter(|_| !page.end) {
                Some((_, position)) => from = position,
                None => return found,
            }
        }
    };
    for limit in 1..=5 {
        assert_eq!(walk(limit, &[]), all, "limit {limit}");
    }
    let place = items.dataset.key_places()[0];
    assert!(
        walk(10, &[(place, "B".to_owned())]).is_empty(),
        "a tombstone has no values"
    );
    assert_eq!(walk(10, &[(place, "D".to_owned())]), ["D"]);
    items.remove(&[("A", Moved), ("D", Moved)]).unwrap();
    for limit in 1..=5 {
        assert_eq!(walk(limit, &[]), ["B†", "C†", "A†", "D†"], "limit {limit}");
    }
}

fn children(store: &dyn Store, site: &Site) {
    let orders = Stream::new(store, &site.agent, "ABC", "sales_orders");
    orders.reset(1).unwrap();
    orders.push(&documents(&orders.dataset, &["1", "2"], 3, 1));
    orders.remove(&[("1", Moved)]).unwrap();
    orders.push(&documents(&orders.dataset, &["1"], 0, 2));
    assert_eq!(
        orders.get(&site.all, "1")["lines"],
        json!([]),
        "its lines left with it"
    );
    assert_eq!(
        orders.get(&site.all, "2")["lines"].as_array().map(Vec::len),
        Some(3)
    );
}

fn purged(store: &dyn Store, site: &Site) {
    let orders = Stream::new(store, &site.agent, "OLD", "sales_orders");
    orders.reset(1).unwrap();
    orders.push(&documents(&orders.dataset, &["1", "2", "3"], 1, 1));
    let before = orders.list(&site.all, Page::Position(0));
    let none = orders.dataset.empty_batch();
    orders.exchange(&none, &[("2", Purged)], 0, later(9)).unwrap();
    assert_eq!(orders.state().records, Some(2));
    for recompute in [false, true] {
        assert_eq!(orders.hash_keys(recompute), ["1", "3"]);
    }
    let record = orders.get(&site.all, "2");
    assert_eq!(record["purged_at"], later(9).to_string());
    assert_eq!(
        record["lines"].as_array().map(Vec::len),
        Some(1),
        "it is kept whole"
    );
    assert!(orders.get(&site.all, "1").get("purged_at").is_none());
    assert_eq!(listed(&orders.list(&site.all, Page::Key(None))), ["1", "2", "3"]);
    let (_, reached) = before.last.unwrap();
    assert_eq!(listed(&orders.list(&site.all, Page::Position(reached))), ["2"]);
    let (_, after) = orders.list(&site.all, Page::Position(reached)).last.unwrap();
    orders.exchange(&none, &[("2", Purged)], 0, later(99)).unwrap();
    assert!(
        listed(&orders.list(&site.all, Page::Position(after))).is_empty(),
        "purged once is purged"
    );
    let request = HashRequest {
        company: orders.company.clone(),
        dataset: orders.dataset.name.clone(),
        after: None,
        limit: 2,
        recompute: true,
    };
    let page = store.hashes(&site.agent, &request).unwrap();
    assert_eq!(page.entries.len(), 2, "a page is not shortened by what is purged");

    orders.push(&documents(&orders.dataset, &["2"], 1, 2));
    let back = orders.get(&site.all, "2");
    assert!(back.get("purged_at").is_none_or(Value::is_null));
    assert_eq!(orders.state().records, Some(3));
}
