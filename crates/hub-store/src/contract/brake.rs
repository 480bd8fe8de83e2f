//! The hub's brake, at its edges.

use catalog::BRAKE_WINDOW_S;
use catalog::RemovalReason::{self, Deleted, Filtered, Moved, Purged, Settled};

use super::{Site, Stream, documents, later, now, refused};
use crate::{Lookup, Page, Store};

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "brake");
    small(store, &site);
    share(store, &site);
    window(store, &site);
    emptied(store, &site);
}

fn keys(count: usize) -> Vec<String> {
    (100..100 + count).map(|n| n.to_string()).collect()
}

/// A stream with so many records.
fn filled<'a>(store: &'a dyn Store, site: &'a Site, company: &str, records: usize) -> Stream<'a> {
    let stream = Stream::new(store, &site.agent, company, "items");
    stream.reset(1).unwrap();
    let keys = keys(records);
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    stream.push(&documents(&stream.dataset, &keys, 0, 1));
    stream
}

fn remove(
    stream: &Stream<'_>,
    from: usize,
    count: usize,
    reason: RemovalReason,
) -> Result<(), crate::StoreError> {
    let keys = keys(from + count);
    let leaving: Vec<_> = keys.iter().skip(from).map(|k| (k.as_str(), reason)).collect();
    stream.remove(&leaving).map(|_| ())
}

fn small(store: &dyn Store, site: &Site) {
    let items = filled(store, site, "SMALL", 20);
    refused(remove(&items, 0, 4, Deleted), "brake_engaged");
    remove(&items, 0, 2, Deleted).unwrap();
    refused(remove(&items, 2, 2, Filtered), "brake_engaged");
    remove(&items, 2, 1, Purged).unwrap();
    let before = items.state();
    let feed = items.list(&site.all, Page::Position(0)).last;
    let mixed = items.exchange(
        &documents(&items.dataset, &["NEW"], 0, 1),
        &[("110", Moved), ("111", Deleted)],
        0,
        now(),
    );
    let error = mixed.unwrap_err();
    assert!(
        error.remedy().contains("erp-driver reconcile"),
        "{}",
        error.remedy()
    );
    refused(Err::<(), _>(error), "brake_engaged");
    assert_eq!(items.state(), before, "nothing of the batch was stored");
    assert_eq!(items.list(&site.all, Page::Position(0)).last, feed);
    assert_eq!(items.lookup(&site.all, "NEW"), Lookup::Unknown);
    assert!(matches!(items.lookup(&site.all, "110"), Lookup::Found(_)));

    remove(&items, 10, 5, Moved).unwrap();
    remove(&items, 15, 2, Settled).unwrap();
    let none = items.dataset.empty_batch();
    items.exchange(&none, &[("117", Deleted)], 1, now()).unwrap();
    let second = items.exchange(&none, &[("118", Deleted)], 1, now());
    refused(second, "brake_engaged");
    items
        .exchange(&none, &[("NONE", Deleted), ("100", Deleted)], 0, now())
        .unwrap();
    let elsewhere = filled(store, site, "SMALL2", 20);
    remove(&elsewhere, 0, 3, Deleted).unwrap();
}

/// A twentieth of what there was before the day's removals.
fn share(store: &dyn Store, site: &Site) {
    let items = filled(store, site, "SHARE", 100);
    refused(remove(&items, 0, 6, Deleted), "brake_engaged");
    remove(&items, 0, 4, Deleted).unwrap();
    remove(&items, 4, 1, Deleted).unwrap();
    refused(remove(&items, 5, 1, Deleted), "brake_engaged");
}

fn window(store: &dyn Store, site: &Site) {
    let items = filled(store, site, "WINDOW", 20);
    let none = items.dataset.empty_batch();
    items
        .exchange(&none, &[("100", Deleted), ("101", Deleted)], 0, now())
        .unwrap();
    items
        .exchange(&none, &[("102", Deleted)], 0, later(3600))
        .unwrap();
    let day = i64::from(BRAKE_WINDOW_S);
    let early = items.exchange(&none, &[("103", Deleted)], 0, later(day - 1));
    refused(early, "brake_engaged");
    items
        .exchange(&none, &[("103", Deleted), ("104", Deleted)], 0, later(day))
        .unwrap();
    let third = items.exchange(&none, &[("105", Deleted)], 0, later(day));
    refused(third, "brake_engaged");
    items
        .exchange(&none, &[("105", Deleted)], 0, later(day + 3600))
        .unwrap();
}

fn emptied(store: &dyn Store, site: &Site) {
    let items = filled(store, site, "EMPTY", 2);
    refused(remove(&items, 0, 2, Deleted), "brake_engaged");
    remove(&items, 0, 1, Deleted).unwrap();
    refused(remove(&items, 1, 1, Filtered), "brake_engaged");
    let none = items.dataset.empty_batch();
    items
        .exchange(
            &documents(&items.dataset, &["NEW"], 0, 1),
            &[("101", Deleted)],
            0,
            now(),
        )
        .unwrap();
    items.exchange(&none, &[("NEW", Deleted)], 1, now()).unwrap();
    assert_eq!(items.state().records, Some(0), "a person has said so");

    let settled = filled(store, site, "SETTLED", 2);
    remove(&settled, 0, 2, Settled).unwrap();
    assert_eq!(settled.state().records, Some(0), "explained");
}
