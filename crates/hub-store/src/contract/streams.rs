//! Epochs, sequences, digests, hashes.

use values::{CompanyId, DatasetName, Hash, Key};
use wire::agent::{ChecksumRequest, HashRequest, RangeChecksum, StreamRequest, StreamState};

use super::{Site, Stream, documents, now, refused};
use crate::Store;

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "streams");
    order(store, &site);
    resets(store, &site);
    hashes(store, &site);
    checksums(store, &site);
    let unknown = StreamRequest {
        company: CompanyId::new("ABC"),
        dataset: DatasetName::new("wishes"),
        count: true,
    };
    refused(store.stream(&site.agent, &unknown), "dataset_unknown");
}

fn order(store: &dyn Store, site: &Site) {
    let items = Stream::new(store, &site.agent, "ABC", "items");
    let fresh = items.state();
    assert_eq!(
        (fresh.epoch.0, fresh.sequence.0, fresh.digest, fresh.records),
        (0, 0, Hash(0), Some(0))
    );
    assert_eq!(fresh.hub_fingerprint, items.dataset.fingerprint());
    let first = documents(&items.dataset, &["A", "B"], 0, 1);
    refused(items.send(&items.header(1, 1, Hash(0)), &first), "epoch_stale");
    let opened = items.reset(1).unwrap();
    assert_eq!(
        (opened.epoch.0, opened.sequence.0, &opened.store),
        (1, 0, store.id())
    );

    refused(items.send(&items.header(1, 2, Hash(0)), &first), "out_of_order");
    refused(items.send(&items.header(1, 0, Hash(0)), &first), "out_of_order");
    refused(
        items.send(&items.header(1, 1, Hash(9)), &first),
        "stream_diverged",
    );
    assert_eq!(
        items.state(),
        StreamState {
            records: Some(0),
            ..opened
        },
        "what is refused changes nothing"
    );
    let one = items.header(1, 1, Hash(0));
    assert!(!items.send(&one, &first).unwrap().repeated);
    assert!(items.send(&one, &first).unwrap().repeated);
    let other = documents(&items.dataset, &["A", "B"], 0, 2);
    refused(items.send(&one, &other), "stream_diverged");
    refused(
        items.send(&items.header(2, 2, items.state().digest), &first),
        "epoch_stale",
    );
    refused(
        items.send(&items.header(1, 3, items.state().digest), &first),
        "out_of_order",
    );

    let after_one = items.state();
    assert_eq!(
        (after_one.sequence.0, after_one.records, after_one.previous),
        (1, Some(2), Hash(0))
    );
    items.push(&documents(&items.dataset, &["B", "C"], 0, 2));
    let after_two = items.state();
    assert_eq!(
        (after_two.sequence.0, after_two.records),
        (2, Some(3)),
        "a known key is not a new record"
    );
    assert_eq!(after_two.previous, after_one.digest);

    let mut odd = items.header(1, 3, after_two.digest);
    odd.fingerprint = Hash(1);
    refused(items.send(&odd, &first), "fingerprint_mismatch");
    let orders = store.catalog().get("sales_orders").unwrap();
    refused(
        items.send(&items.header(1, 3, after_two.digest), &orders.empty_batch()),
        "batch_malformed",
    );
    items.push(&items.dataset.empty_batch());
    assert_eq!((items.state().sequence.0, items.state().records), (3, Some(3)));
    let elsewhere = Stream::new(store, &site.agent, "XYZ", "items");
    assert_eq!(elsewhere.state().records, Some(0), "companies are apart");
}

fn resets(store: &dyn Store, site: &Site) {
    let items = Stream::new(store, &site.agent, "ABC", "items");
    let state = items.state();
    let good = items.reset_from(&state, 5);
    let reset = |change: &dyn Fn(&mut wire::agent::StreamReset)| {
        let mut request = good.clone();
        change(&mut request);
        store.reset_stream(&site.agent, &request, now())
    };
    refused(reset(&|r| r.epoch = state.epoch), "epoch_stale");
    refused(reset(&|r| r.from_epoch = r.from_epoch.next()), "epoch_stale");
    refused(
        reset(&|r| r.from_sequence = r.from_sequence.next()),
        "epoch_stale",
    );
    refused(reset(&|r| r.from_digest = Hash(7)), "epoch_stale");
    refused(reset(&|r| r.fingerprint = Hash(7)), "fingerprint_mismatch");
    assert_eq!(items.state(), state);
    let opened = store.reset_stream(&site.agent, &good, now()).unwrap();
    assert_eq!(
        (opened.epoch.0, opened.sequence.0, opened.digest),
        (5, 0, Hash(0))
    );
    assert_eq!(items.state().records, state.records, "a reset removes nothing");
    items.push(&documents(&items.dataset, &["A"], 0, 3));
}

fn hashes(store: &dyn Store, site: &Site) {
    let orders = Stream::new(store, &site.agent, "ABC", "sales_orders");
    orders.reset(1).unwrap();
    // Byte order of the encoded key, with the empty key and bytes that are escaped.
    let keys = ["b", "", "A", "a", "0000186", "é", "/X", "a b", "10", "9"];
    let mut wanted: Vec<(Key, Hash)> = Vec::new();
    let batch = documents(&orders.dataset, &keys, 3, 1);
    wanted.extend(
        orders
            .dataset
            .keys(&batch)
            .into_iter()
            .zip(orders.dataset.hashes(&batch)),
    );
    orders.push(&batch);
    // Two of them lose lines, and one comes twice in a batch.
    let fewer = documents(&orders.dataset, &["a", "9", "a"], 1, 2);
    let changed = orders
        .dataset
        .keys(&fewer)
        .into_iter()
        .zip(orders.dataset.hashes(&fewer));
    for (key, hash) in changed {
        wanted
            .iter_mut()
            .filter(|(k, _)| *k == key)
            .for_each(|(_, h)| *h = hash);
    }
    orders.push(&fewer);
    wanted.sort();
    for recompute in [false, true] {
        for limit in [1, 3, 10, 1000] {
            let mut found = Vec::new();
            let mut after = None;
            loop {
                let request = HashRequest {
                    company: orders.company.clone(),
                    dataset: orders.dataset.name.clone(),
                    after,
                    limit,
                    recompute,
                };
                let page = store.hashes(&site.agent, &request).unwrap();
                assert!(page.entries.len() <= limit as usize);
                after = page.entries.last().map(|(key, _)| key.clone());
                found.extend(page.entries);
                if page.end {
                    break;
                }
            }
            assert_eq!(found, wanted, "limit {limit}, recompute {recompute}");
        }
    }
}

fn checksums(store: &dyn Store, site: &Site) {
    let items = Stream::new(store, &site.agent, "SUMS", "items");
    let ask = |after: Option<Key>, range: u32, limit: u32| {
        let request = ChecksumRequest {
            company: items.company.clone(),
            dataset: items.dataset.name.clone(),
            after,
            range,
            limit,
        };
        store.checksums(&site.agent, &request).unwrap()
    };
    items.reset(1).unwrap();
    let nothing = ask(None, 3, 10);
    assert!(nothing.ranges.is_empty() && nothing.end);
    let keys = ["b", "", "A", "a b", "0000186", "é", "10"];
    let batch = documents(&items.dataset, &keys, 0, 1);
    items.push(&batch);
    let mut all: Vec<_> = items
        .dataset
        .keys(&batch)
        .into_iter()
        .zip(items.dataset.hashes(&batch))
        .collect();
    all.sort();
    let wanted = |records: &[(Key, Hash)]| {
        let sums = records.iter().map(|(key, hash)| {
            let mut bytes = key.as_str().as_bytes().to_vec();
            bytes.push(0);
            bytes.extend(hash.to_string().bytes());
            Hash::of_bytes(&bytes).0
        });
        RangeChecksum {
            last: records.last().unwrap().0.clone(),
            records: u32::try_from(records.len()).unwrap(),
            checksum: Hash(sums.fold(0, u64::wrapping_add)),
        }
    };
    for (range, limit) in [
        (1, 1),
        (2, 10),
        (3, 1),
        (3, 2),
        (7, 1),
        (7, 9),
        (100, 1),
        (100_000, 100_000),
    ] {
        let mut found = Vec::new();
        loop {
            let after = found.last().map(|r: &RangeChecksum| r.last.clone());
            let page = ask(after, range, limit);
            assert!(
                page.ranges.len() <= limit as usize,
                "range {range}, limit {limit}"
            );
            found.extend(page.ranges);
            if page.end {
                break;
            }
        }
        let expected: Vec<_> = all.chunks(range as usize).map(wanted).collect();
        assert_eq!(found, expected, "range {range}, limit {limit}");
    }
}
