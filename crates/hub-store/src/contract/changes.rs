//! The feed over all datasets of a tenant.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use catalog::Class;
use catalog::RemovalReason::{Deleted, Moved};
use values::{CompanyId, DatasetName};

use super::{Site, Stream, documents, later, now, refused, scope};
use crate::{Change, ChangePage, ChangeQuery, Lookup, Page, Store, TenantScope, TokenScope};

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "changes");
    everything_in_order(store, &site);
    what_a_token_sees(store, &site);
    too_old(store, &site);
    a_walk_goes_on(store);
}

fn query(after: u64, limit: u32) -> ChangeQuery {
    ChangeQuery {
        after,
        limit,
        ..ChangeQuery::default()
    }
}

fn page(store: &dyn Store, scope: &TenantScope, query: &ChangeQuery) -> ChangePage {
    let page = store.changes(scope, query, now()).unwrap();
    let positions: Vec<_> = page.data.iter().map(|c| c.position).collect();
    assert!(positions.is_sorted_by(|a, b| a < b), "in order: {positions:?}");
    assert!(positions.iter().all(|p| *p > query.after && *p <= page.position));
    assert!(page.data.len() <= query.limit as usize);
    assert!(page.position >= query.after, "a feed never goes back");
    page
}

/// All that is behind a position, and where it ends.
fn walk(store: &dyn Store, scope: &TenantScope, mut query: ChangeQuery) -> (Vec<Change>, u64) {
    let mut all = Vec::new();
    loop {
        let page = page(store, scope, &query);
        all.extend(page.data);
        (query.after, query.begun) = (page.position, page.begun);
        if !page.more {
            return (all, query.after);
        }
    }
}

/// `dataset/key`, tombstones marked by a cross.
fn named(changes: &[Change]) -> Vec<String> {
    let name = |change: &Change| {
        let cross = if change.record.is_none() { "†" } else { "" };
        format!("{}/{}{cross}", change.dataset, change.key)
    };
    changes.iter().map(name).collect()
}

fn everything_in_order(store: &dyn Store, site: &Site) {
    let empty = page(store, &site.all, &query(0, 10));
    assert_eq!((empty.data.len(), empty.position, empty.more), (0, 0, false));
    let items = Stream::new(store, &site.agent, "ABC", "items");
    let orders = Stream::new(store, &site.agent, "ABC", "sales_orders");
    items.reset(1).unwrap();
    orders.reset(1).unwrap();
    items.push(&documents(&items.dataset, &["A", "B"], 0, 1));
    orders.push(&documents(&orders.dataset, &["1", "2"], 2, 1));
    items.push(&documents(&items.dataset, &["A", "C"], 0, 2));
    let none = orders.dataset.empty_batch();
    orders.exchange(&none, &[("1", Moved)], 0, later(1)).unwrap();
    let all = [
        "items/B",
        "sales_orders/2",
        "items/A",
        "items/C",
        "sales_orders/1†",
    ];
    for limit in 1..=6 {
        let (found, _) = walk(store, &site.all, query(0, limit));
        assert_eq!(named(&found), all, "limit {limit}");
        for change in found {
            match change.record {
                Some(record) => {
                    let record = record.json();
                    let of = if change.dataset.as_str() == "items" {
                        &items
                    } else {
                        &orders
                    };
                    assert_eq!(record, of.get(&site.all, change.key.as_str()));
                    assert_eq!(record["updated_at"], change.at.to_string());
                }
                None => assert_eq!(change.at, later(1)),
            }
        }
    }
    let (_, end) = walk(store, &site.all, query(0, 100));
    let quiet = page(store, &site.all, &query(end, 100));
    assert_eq!((quiet.data.len(), quiet.position, quiet.more), (0, end, false));
    items.push(&documents(&items.dataset, &["B"], 0, 3));
    let (news, _) = walk(store, &site.all, query(end, 100));
    assert_eq!(named(&news), ["items/B"]);
    // What comes back is a record again, and its tombstone is gone.
    orders.push(&documents(&orders.dataset, &["1"], 0, 2));
    let (news, _) = walk(store, &site.all, query(end, 100));
    assert_eq!(named(&news), ["items/B", "sales_orders/1"]);
}

fn what_a_token_sees(store: &dyn Store, site: &Site) {
    let other = Stream::new(store, &site.agent, "XYZ", "items");
    other.reset(1).unwrap();
    let (_, before) = walk(store, &site.all, query(0, 100));
    other.push(&documents(&other.dataset, &["X", "Y"], 0, 1));
    other.remove(&[("X", Deleted)]).unwrap();
    let abc = CompanyId::new("ABC");
    let narrow = scope(
        store,
        &site.tenant,
        "erp_changes-narrow",
        TokenScope::Read,
        Some(vec![abc.clone()]),
        &[Class::Public],
    );
    let hidden = page(store, &narrow, &query(before, 100));
    assert!(hidden.data.is_empty(), "another company's");
    let (wide, end) = walk(store, &site.all, query(before, 100));
    assert_eq!(named(&wide), ["items/Y", "items/X†"]);
    assert_eq!(hidden.position, end, "what is passed over is not looked at again");
    let (seen, _) = walk(store, &narrow, query(0, 100));
    assert!(!seen.is_empty());
    for change in &seen {
        assert_eq!(change.company, abc);
        let hidden = ["UDF_cost", "UDF_personal", "UDF_credit"];
        let udf = change
            .record
            .as_ref()
            .map(|r| r.json()["udf"].to_string())
            .unwrap_or_default();
        assert!(hidden.iter().all(|name| !udf.contains(name)), "{udf}");
    }
    let of_company = ChangeQuery {
        company: Some(CompanyId::new("XYZ")),
        ..query(0, 100)
    };
    assert_eq!(
        named(&walk(store, &site.all, of_company).0),
        ["items/Y", "items/X†"]
    );
    let of_dataset = ChangeQuery {
        datasets: Some(vec![DatasetName::new("sales_orders")]),
        ..query(0, 1)
    };
    assert_eq!(
        named(&walk(store, &site.all, of_dataset).0),
        ["sales_orders/2", "sales_orders/1"]
    );
    let stranger = Site::new(store, "changes2");
    assert!(
        page(store, &stranger.all, &query(0, 100)).data.is_empty(),
        "another tenant's"
    );
}

fn too_old(store: &dyn Store, site: &Site) {
    let items = Stream::new(store, &site.agent, "OLD", "items");
    items.reset(1).unwrap();
    items.push(&documents(&items.dataset, &["A", "B", "C"], 0, 1));
    let (_, early) = walk(store, &site.all, query(0, 100));
    let none = items.dataset.empty_batch();
    items.exchange(&none, &[("A", Deleted)], 0, later(100)).unwrap();
    let (_, middle) = walk(store, &site.all, query(0, 100));
    items.exchange(&none, &[("B", Deleted)], 0, later(200)).unwrap();
    let (all, end) = walk(store, &site.all, query(0, 1000));
    assert!(named(&all).contains(&"items/A†".to_owned()));

    assert!(store.drop_tombstones(later(150)).unwrap() >= 1);
    assert_eq!(store.drop_tombstones(later(150)).unwrap(), 0);
    refused(
        store.changes(&site.all, &query(early, 10), now()),
        "cursor_expired",
    );
    let records = crate::RecordQuery {
        dataset: &items.dataset,
        company: items.company.clone(),
        page: Page::Position(early),
        limit: 10,
        filters: Vec::new(),
        fields: None,
    };
    refused(store.records(&site.all, &records, now()), "cursor_expired");
    for position in [middle, end] {
        let page = page(store, &site.all, &query(position, 10));
        assert_eq!(page.position, end);
    }
    let (fresh, _) = walk(store, &site.all, query(0, 1000));
    assert!(
        !named(&fresh).contains(&"items/A†".to_owned()),
        "it needs none who begins anew"
    );
    assert!(named(&fresh).contains(&"items/B†".to_owned()));
    assert_eq!(items.lookup(&site.all, "A"), Lookup::Unknown, "its time is over");
    // Nobody has taken this position: the store was restored from a copy.
    refused(
        store.changes(&site.all, &query(end + 1, 10), now()),
        "cursor_expired",
    );
}

/// A walk from the very start is not stopped by tombstones that were dropped: of records that
/// had left before it began it needs none. What left later it has to be told.
fn a_walk_goes_on(store: &dyn Store) {
    let site = Site::new(store, "walk");
    let items = Stream::new(store, &site.agent, "ABC", "items");
    items.reset(1).unwrap();
    items.push(&documents(&items.dataset, &["A", "B", "C", "D"], 0, 1));
    let none = items.dataset.empty_batch();
    items.exchange(&none, &[("D", Deleted)], 0, now()).unwrap();
    assert_eq!(store.drop_tombstones(later(10)).unwrap(), 1);

    let first = page(store, &site.all, &query(0, 1));
    assert_eq!(named(&first.data), ["items/A"]);
    let on = |page: &ChangePage| ChangeQuery {
        begun: page.begun,
        ..query(page.position, 1)
    };
    let second = page(store, &site.all, &on(&first));
    assert_eq!(named(&second.data), ["items/B"]);
    let (all, end) = walk(store, &site.all, query(0, 1));
    assert_eq!(named(&all), ["items/A", "items/B", "items/C"]);
    let last = page(store, &site.all, &query(end, 1));
    assert_eq!((last.position, last.begun), (end, 0));
    // Whoever kept a copy from there may have D in it.
    refused(
        store.changes(&site.all, &query(first.position, 1), now()),
        "cursor_expired",
    );
    let of_copy = |page| crate::RecordQuery {
        dataset: &items.dataset,
        company: items.company.clone(),
        page,
        limit: 1,
        filters: Vec::new(),
        fields: None,
    };
    let begin = store
        .records(&site.all, &of_copy(Page::Position(0)), now())
        .unwrap();
    let next = Page::of_walk(begin.position, begin.begun);
    let next = store.records(&site.all, &of_copy(next), now()).unwrap();
    assert_eq!(super::listed(&next), ["B"]);
    // A dataset in which nothing moves is not left behind by what leaves elsewhere.
    let orders = Stream::new(store, &site.agent, "ABC", "sales_orders");
    orders.reset(1).unwrap();
    orders.push(&documents(&orders.dataset, &["1", "2"], 0, 1));
    let quiet = items.list(&site.all, Page::Position(0));
    assert!(quiet.end && quiet.begun == 0, "{quiet:?}");
    let before = page(store, &site.all, &query(0, 1));
    let none = orders.dataset.empty_batch();
    orders.exchange(&none, &[("1", Moved)], 0, now()).unwrap();
    let place = items.list(&site.all, Page::Position(quiet.position)).position;
    assert!(place > quiet.position, "it has seen all up to the head");
    assert_eq!(store.drop_tombstones(later(10)).unwrap(), 1);
    items.list(&site.all, Page::Position(place));
    refused(store.changes(&site.all, &on(&before), now()), "cursor_expired");
    // Begun at a head that is not there yet: before a restore.
    let odd = ChangeQuery {
        begun: place + 1,
        ..query(place, 1)
    };
    refused(store.changes(&site.all, &odd, now()), "cursor_expired");
}

/// Writers of the crowd, each with a company of its own.
const WRITERS: usize = 16;
const ROUNDS: i64 = 12;
const KEYS: [&str; 5] = ["A", "B", "C", "D", "E"];

/// Sixteen writers at the same time and a reader that polls: it misses no final state and
/// never goes back.
pub(super) fn check_crowd(store: &dyn Store) {
    let site = Site::new(store, "crowd");
    let running = AtomicUsize::new(WRITERS);
    let mut seen = BTreeMap::new();
    std::thread::scope(|threads| {
        for writer in 0..WRITERS {
            let (site, running) = (&site, &running);
            threads.spawn(move || {
                // However it ends, the reader must not wait for it for ever.
                let _ended = Ended(running);
                write(store, site, writer);
            });
        }
        let mut after = 0;
        let mut looks = 0;
        loop {
            let is_last = running.load(Ordering::SeqCst) == 0;
            let page = page(store, &site.all, &query(after, 7));
            for change in page.data {
                let key = (change.company, change.dataset, change.key);
                let before = seen.insert(key.clone(), (change.position, change.record));
                assert!(
                    before.is_none_or(|(position, _)| position < change.position),
                    "{key:?} goes back"
                );
            }
            after = page.position;
            looks += 1;
            if is_last && !page.more {
                break;
            }
        }
        assert!(
            looks > WRITERS,
            "the reader polled only {looks} times while they wrote"
        );
    });
    assert_eq!(
        seen.len(),
        WRITERS * KEYS.len() * 2,
        "every record has been in the feed"
    );
    for ((company, dataset, key), (_, record)) in seen {
        let dataset = store.dataset(&site.all, dataset.as_str()).unwrap();
        let found = store
            .record(&site.all, &dataset, &company, &key, None, now())
            .unwrap();
        match (found, record) {
            (Lookup::Found(found), Some(record)) => assert_eq!(found, record, "{company} {key}"),
            (Lookup::Deleted(_), None) => {}
            (found, record) => panic!("{company} {key} is {found:?}, and the feed said {record:?}"),
        }
    }
}

struct Ended<'a>(&'a AtomicUsize);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn write(store: &dyn Store, site: &Site, writer: usize) {
    let company = format!("C{writer:02}");
    let items = Stream::new(store, &site.agent, &company, "items");
    let orders = Stream::new(store, &site.agent, &company, "sales_orders");
    items.reset(1).unwrap();
    orders.reset(1).unwrap();
    for round in 1..=ROUNDS {
        for stream in [&items, &orders] {
            // One key comes and goes; by turns, others change.
            let some = &KEYS[..if round == 1 {
                5
            } else {
                1 + (writer + usize::try_from(round).unwrap()) % 4
            }];
            stream.push(&documents(&stream.dataset, some, 1, round));
            if round % 3 == 0 {
                stream
                    .exchange(&stream.dataset.empty_batch(), &[("E", Moved)], 0, now())
                    .unwrap();
            } else if round % 3 == 1 && round > 1 {
                stream.push(&documents(&stream.dataset, &["E"], 1, round));
            }
        }
    }
}

/// Behind a new epoch the feed goes on beyond every place that may have been taken in the one
/// before, of which the store may be an earlier copy: a place is never taken twice.
pub(super) fn check_epoch(store: &dyn Store, start: impl FnOnce()) {
    let site = Site::new(store, "epoch");
    let items = Stream::new(store, &site.agent, "ABC", "items");
    items.reset(1).unwrap();
    items.push(&documents(&items.dataset, &["A"], 0, 1));
    let walk = |after| {
        let query = ChangeQuery {
            after,
            limit: 10,
            ..ChangeQuery::default()
        };
        store.changes(&site.all, &query, now()).unwrap()
    };
    let before = walk(0);
    assert_eq!(before.data.len(), 1);
    start();
    items.push(&documents(&items.dataset, &["B"], 0, 1));
    let taken = walk(before.position).data[0].position;
    // No feed has taken more than a million places a second since 1970.
    let instant = now().as_microsecond().cast_unsigned();
    assert!(taken > instant && taken < 1 << 53, "{taken}");
    items.push(&documents(&items.dataset, &["C"], 0, 1));
    assert_eq!(walk(taken).data[0].position, taken + 1);
}
