//! The PostgreSQL store keeps the contract, and what is special to a server that others use
//! at the same time. Each test has a database of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use catalog::{Catalog, Dataset, DocumentBatch};
use hub_store::contract::{Site, check_store, documents};
use hub_store::{ChangeQuery, Lookup, NewPreview, SqlStore, Store, StoreError, Wake, WakeKind};
use jiff::Timestamp;
use model::ImportKind;
use test_tier::PostgresServer;
use values::{CompanyId, Epoch, Hash, ImportId, Key, Sequence, StoreId};
use wire::BatchHeader;
use wire::agent::{HashRequest, LeaseRequest, StreamReset};

fn open(address: &str) -> Result<SqlStore, StoreError> {
    let catalog = Catalog::standard().unwrap();
    SqlStore::postgres(address, None, catalog, &StoreId::new("fresh"), now())
}

fn now() -> Timestamp {
    Timestamp::from_second(1_777_777_777).unwrap()
}

/// A store in a fresh database, or nothing with the skip reported.
#[track_caller]
fn fresh() -> Option<(&'static PostgresServer, String, SqlStore)> {
    let server = test_tier::postgres()?;
    let address = server.database();
    let store = open(&address).unwrap();
    Some((server, address, store))
}

fn company() -> CompanyId {
    CompanyId::new("ABC")
}

fn begin(store: &SqlStore, site: &Site, dataset: &Dataset) {
    let reset = StreamReset {
        company: company(),
        dataset: dataset.name.clone(),
        epoch: Epoch(1),
        from_epoch: Epoch(0),
        from_sequence: Sequence(0),
        from_digest: Hash(0),
        fingerprint: dataset.fingerprint(),
    };
    store.reset_stream(&site.agent, &reset, now()).unwrap();
}

/// The batch with this number; each has its own number as digest.
fn header(dataset: &Dataset, number: u64) -> BatchHeader {
    BatchHeader {
        company: company(),
        dataset: dataset.name.clone(),
        epoch: Epoch(1),
        sequence: Sequence(number),
        previous: Hash(number - 1),
        fingerprint: dataset.fingerprint(),
        removals: Vec::new(),
        approved: 0,
    }
}

fn send(
    store: &SqlStore,
    site: &Site,
    dataset: &Dataset,
    number: u64,
    batch: &DocumentBatch,
) -> Result<(), StoreError> {
    let header = header(dataset, number);
    store
        .ingest(&site.agent, &header, batch, Hash(number), now())
        .map(drop)
}

#[test]
fn keeps_the_contract() {
    let Some(server) = test_tier::postgres() else {
        return;
    };
    let address = server.database();
    check_store(&|| Box::new(open(&address).unwrap()));
}

#[test]
fn two_processes_may_make_the_store_at_once() {
    let Some(server) = test_tier::postgres() else {
        return;
    };
    let address = server.database();
    let ids: HashSet<String> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..4)
            .map(|n| {
                let address = address.clone();
                scope.spawn(move || {
                    let id = StoreId::new(format!("fresh-{n}"));
                    let store = SqlStore::postgres(&address, None, Catalog::standard().unwrap(), &id, now());
                    store.unwrap().id().as_str().to_owned()
                })
            })
            .collect();
        opening.into_iter().map(|o| o.join().unwrap()).collect()
    });
    assert_eq!(ids.len(), 1, "there is one store: {ids:?}");
}

#[test]
fn a_schema_of_somebody_else_or_of_a_later_version_is_left_alone() {
    let Some(server) = test_tier::postgres() else {
        return;
    };
    let address = server.database();
    server.execute(&address, "CREATE TABLE theirs (a INT)");
    assert_eq!(open(&address).unwrap_err().code(), "store_foreign");
    let address = server.database();
    drop(open(&address).unwrap());
    server.execute(&address, "UPDATE hub_store SET version = 1000");
    assert_eq!(open(&address).unwrap_err().code(), "store_too_new");
}

#[test]
fn a_column_that_is_missing_is_added_and_indexes_with_long_names_are_found_again() {
    let Some((server, address, store)) = fresh() else {
        return;
    };
    let own = "udt_a23456789_b23456789_c23456789_d23456789_e23456789_f2345";
    let dataset = store.catalog().resolve(own).unwrap().into_owned();
    let site = Site::new(&store, "acme");
    begin(&store, &site, &dataset);
    send(&store, &site, &dataset, 1, &documents(&dataset, &["A"], 0, 1)).unwrap();
    server.execute(&address, "ALTER TABLE items DROP COLUMN item_type");
    for _ in 0..2 {
        let store = open(&address).unwrap();
        let items = store.catalog().get("items").unwrap().clone();
        let site = Site::new(&store, &format!("later{}", store.tenants().unwrap().len()));
        begin(&store, &site, &items);
        send(&store, &site, &items, 1, &documents(&items, &["A"], 0, 1)).unwrap();
    }
}

#[test]
fn a_nul_in_a_text_or_a_key_comes_back_the_same() {
    let Some((_, _, store)) = fresh() else { return };
    let site = Site::new(&store, "acme");
    let items = store.catalog().get("items").unwrap().clone();
    begin(&store, &site, &items);
    let keys = ["a", "a\0", "a\u{1}", "a\0b", "a\u{1}0"];
    let batch = documents(&items, &keys, 0, 1);
    let sent: Vec<(Key, Hash)> = items.keys(&batch).into_iter().zip(items.hashes(&batch)).collect();
    send(&store, &site, &items, 1, &batch).unwrap();
    for recompute in [false, true] {
        let request = HashRequest {
            company: company(),
            dataset: items.name.clone(),
            after: None,
            limit: 10,
            recompute,
        };
        let mut expected = sent.clone();
        expected.sort_by(|a, b| a.0.as_str().as_bytes().cmp(b.0.as_str().as_bytes()));
        assert_eq!(store.hashes(&site.agent, &request).unwrap().entries, expected);
    }
    let key = Key::from_parts(["a\0"]);
    match store
        .record(&site.all, &items, &company(), &key, None, now())
        .unwrap()
    {
        Lookup::Found(record) => assert_eq!(record.json()["item_code"], "a\0"),
        other @ (Lookup::Deleted(_) | Lookup::Unknown) => panic!("{other:?}"),
    }
}

#[test]
fn of_two_documents_with_one_key_in_a_batch_the_later_one_counts() {
    let Some((_, _, store)) = fresh() else { return };
    let site = Site::new(&store, "acme");
    let orders = store.catalog().get("sales_orders").unwrap().clone();
    begin(&store, &site, &orders);
    let batch = documents(&orders, &["1", "2", "1"], 2, 1);
    let (keys, hashes) = (orders.keys(&batch), orders.hashes(&batch));
    send(&store, &site, &orders, 1, &batch).unwrap();
    let request = HashRequest {
        company: company(),
        dataset: orders.name.clone(),
        after: None,
        limit: 10,
        recompute: true,
    };
    let entries = store.hashes(&site.agent, &request).unwrap().entries;
    assert_eq!(
        entries,
        [(keys[2].clone(), hashes[2]), (keys[1].clone(), hashes[1])]
    );
}

/// New documents are copied, known ones merged: both end in the same rows.
#[test]
fn documents_come_to_the_same_whether_they_are_new_or_known() {
    let Some((_, _, store)) = fresh() else {
        return;
    };
    let site = Site::new(&store, "acme");
    let orders = store.catalog().get("sales_orders").unwrap().clone();
    begin(&store, &site, &orders);
    let batches: [(&[&str], u32); 5] = [
        (&["B", "F"], 2),
        // In a gap between them.
        (&["C", "D"], 3),
        // Around what is there: some new, some known, with fewer lines.
        (&["A", "B", "E", "G"], 1),
        (&["B", "C"], 4),
        (&["H"], 0),
    ];
    let mut last = std::collections::BTreeMap::new();
    for (number, (keys, lines)) in (1..).zip(batches) {
        let batch = documents(&orders, keys, lines, i64::try_from(number).unwrap());
        send(&store, &site, &orders, number, &batch).unwrap();
        last.extend(orders.keys(&batch).into_iter().zip(orders.hashes(&batch)));
    }
    for recompute in [false, true] {
        let request = HashRequest {
            company: company(),
            dataset: orders.name.clone(),
            after: None,
            limit: 100,
            recompute,
        };
        let page = store.hashes(&site.agent, &request).unwrap();
        assert!(
            page.entries.into_iter().eq(last.clone()),
            "computed anew: {recompute}"
        );
    }
    let query = ChangeQuery {
        limit: 100,
        ..ChangeQuery::default()
    };
    let changes = store.changes(&site.all, &query, now()).unwrap();
    let seen: Vec<u64> = changes.data.iter().map(|change| change.position).collect();
    assert_eq!(seen, [2, 4, 5, 7, 8, 9, 10, 11], "each at its last place");
}

#[test]
fn after_a_load_the_server_knows_how_keys_are_spread() {
    let Some((server, address, store)) = fresh() else {
        return;
    };
    let site = Site::new(&store, "acme");
    let orders = store.catalog().get("sales_orders").unwrap().clone();
    begin(&store, &site, &orders);
    let keys: Vec<String> = (0..2_000).map(|n| format!("{n:07}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    send(&store, &site, &orders, 1, &documents(&orders, &keys, 1, 1)).unwrap();
    for table in ["sales_orders", "sales_orders__lines"] {
        server.execute(
            &address,
            &format!(
                "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_stats WHERE tablename = '{table}' AND attname = 'key') \
                 THEN RAISE EXCEPTION 'nothing is known of {table}'; END IF; END $$"
            ),
        );
    }
}

#[test]
fn a_store_whose_connections_were_cut_goes_on() {
    let Some((server, address, store)) = fresh() else {
        return;
    };
    let site = Site::new(&store, "acme");
    let items = store.catalog().get("items").unwrap().clone();
    begin(&store, &site, &items);
    for number in 1..=5 {
        let database = address.rsplit_once('/').unwrap().1;
        server.execute(
            "postgres",
            &format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'"
            ),
        );
        let batch = documents(&items, &["A"], 0, i64::try_from(number).unwrap());
        // A connection that looks good may turn out to be cut: that is told as retryable, and
        // the next one is good.
        let until = Instant::now() + Duration::from_secs(10);
        while let Err(error) = send(&store, &site, &items, number, &batch) {
            assert!(error.is_retryable(), "{error}");
            assert!(Instant::now() < until, "{error}");
        }
    }
}

/// Writers of one tenant and of another, and a reader of each that polls: it sees the last
/// state of everything, and its positions never go back.
#[test]
fn a_reader_of_the_feed_misses_nothing_under_concurrent_writers() {
    const BATCHES: u64 = 30;
    let Some((_, address, store)) = fresh() else {
        return;
    };
    let names = ["items", "customers", "sales_orders", "invoices", "shipments"];
    let sites: Vec<Site> = ["acme", "other"]
        .iter()
        .map(|name| Site::new(&store, name))
        .collect();
    let done = AtomicBool::new(false);
    let writing = AtomicU64::new(u64::try_from(2 * names.len()).unwrap());
    std::thread::scope(|scope| {
        for site in &sites {
            for name in names {
                let (address, done, writing) = (&address, &done, &writing);
                scope.spawn(move || {
                    // As if by a process of its own.
                    let store = open(address).unwrap();
                    let dataset = store.catalog().get(name).unwrap().clone();
                    begin(&store, site, &dataset);
                    for number in 1..=BATCHES {
                        let keys = [format!("{}", number % 7), format!("{}", 7 + number % 5)];
                        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                        let batch = documents(&dataset, &keys, 1, i64::try_from(number).unwrap());
                        send(&store, site, &dataset, number, &batch).unwrap();
                    }
                    if writing.fetch_sub(1, Ordering::SeqCst) == 1 {
                        done.store(true, Ordering::SeqCst);
                    }
                });
            }
        }
        for site in &sites {
            let (store, done) = (&store, &done);
            scope.spawn(move || follow(store, site, done));
        }
    });
}

fn follow(store: &SqlStore, site: &Site, done: &AtomicBool) {
    let mut seen = std::collections::HashMap::new();
    let mut after = 0;
    loop {
        let is_last = done.load(Ordering::SeqCst);
        let query = ChangeQuery {
            after,
            limit: 7,
            ..ChangeQuery::default()
        };
        let page = store.changes(&site.all, &query, now()).unwrap();
        for change in &page.data {
            assert!(change.position > after && change.position <= page.position);
            seen.insert(
                (change.dataset.clone(), change.key.clone()),
                change.record.clone(),
            );
        }
        assert!(page.position >= after, "the feed went back");
        after = page.position;
        if is_last && !page.more {
            break;
        }
    }
    for ((dataset, key), record) in &seen {
        let dataset = store.catalog().get(dataset.as_str()).unwrap();
        match store
            .record(&site.all, dataset, &company(), key, None, now())
            .unwrap()
        {
            Lookup::Found(found) => assert_eq!(Some(&found), record.as_ref(), "{dataset:?} {key}"),
            other @ (Lookup::Deleted(_) | Lookup::Unknown) => panic!("{other:?}"),
        }
    }
    assert_eq!(seen.len(), 5 * 12, "every record was in the feed");
}

#[test]
fn what_happens_at_one_process_wakes_another_and_does_so_after_a_cut() {
    let Some((server, address, here)) = fresh() else {
        return;
    };
    let there = open(&address).unwrap();
    let heard: Arc<Mutex<Vec<Wake>>> = Arc::default();
    let hears = Arc::clone(&heard);
    there.on_wake(Box::new(move |wake| hears.lock().unwrap().push(wake.clone())));
    let site = Site::new(&here, "acme");
    let items = here.catalog().get("items").unwrap().clone();
    let lease = LeaseRequest {
        company: company(),
        time_zone: "UTC".into(),
        journal: StoreId::new("j"),
    };
    here.grant_lease(&site.agent, &lease, now()).unwrap();
    begin(&here, &site, &items);
    let wait_for = |kind: WakeKind, everybody: bool| {
        let until = Instant::now() + Duration::from_secs(10);
        let tenant = (!everybody).then(|| site.tenant.clone());
        let wanted = Wake { kind, tenant };
        while !heard.lock().unwrap().contains(&wanted) {
            assert!(
                Instant::now() < until,
                "{wanted:?} in {:?}",
                heard.lock().unwrap()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        heard.lock().unwrap().clear();
    };
    // It listens from here on.
    wait_for(WakeKind::Change, true);
    for round in 0..2_u64 {
        let batch = documents(&items, &["A"], 0, i64::try_from(round).unwrap());
        send(&here, &site, &items, round + 1, &batch).unwrap();
        wait_for(WakeKind::Change, false);
        let preview = NewPreview {
            id: ImportId::new(format!("p{round}")),
            kind: ImportKind::SalesOrder,
            company: company(),
            body: serde_json::json!({}),
        };
        here.add_preview(&site.all, &preview, now()).unwrap();
        wait_for(WakeKind::Work, false);
        // Batches that do not count tell nothing.
        send(&here, &site, &items, round + 1, &batch).unwrap();
        assert!(heard.lock().unwrap().is_empty());
        if round == 0 {
            server.execute(
                "postgres",
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'",
            );
            wait_for(WakeKind::Work, true);
        }
    }
}

#[test]
fn over_a_network_the_server_is_verified_and_the_password_stays_untold() {
    let Some(server) = test_tier::postgres() else {
        return;
    };
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .and_then(|parameters| parameters.self_signed(&key))
        .unwrap()
        .pem();
    server.place("server.crt", &certificate);
    server.place("server.key", &key.serialize_pem());
    for (name, value) in [
        ("ssl_cert_file", "../server.crt"),
        ("ssl_key_file", "../server.key"),
        ("ssl", "on"),
    ] {
        server.execute("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"));
    }
    server.execute("postgres", "SELECT pg_reload_conf()");
    let (address, password) = server.over_network(&server.database());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, &certificate).unwrap();
    let open = |options: &str, password: &str| {
        let catalog = Catalog::standard().unwrap();
        let address = format!("{address}?{options}");
        SqlStore::postgres(&address, Some(password), catalog, &StoreId::new("fresh"), now())
    };
    let trusted = format!("sslmode=require&sslrootcert={}", root.display());
    // The server takes up its settings in a moment.
    let until = Instant::now() + Duration::from_secs(10);
    let store = loop {
        match open(&trusted, password) {
            Ok(store) => break store,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
    };
    store.ping().unwrap();
    let stranger = open("sslmode=require", password).unwrap_err();
    assert!(stranger.to_string().contains("certificate"), "{stranger}");
    let refused = open(&trusted, "hunter2").unwrap_err();
    assert!(!refused.is_retryable());
    assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused}");
}

/// `cargo test --release -p hub-store --test postgres -- --ignored --nocapture`
#[test]
#[ignore = "a measurement: half a million rows"]
fn ingest_speed() {
    let Some((_, _, store)) = fresh() else { return };
    let site = Site::new(&store, "acme");
    for name in ["items", "sales_orders", "invoices"] {
        let dataset = store.catalog().get(name).unwrap().clone();
        begin(&store, &site, &dataset);
        let rows = if name == "items" { 200_000 } else { 100_000 };
        let keys: Vec<String> = (0..rows).map(|n| format!("{n:08}")).collect();
        let mut spent = Duration::ZERO;
        for (number, keys) in (1..).zip(keys.chunks(2_000)) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let batch = documents(&dataset, &keys, 0, 1);
            let start = Instant::now();
            send(&store, &site, &dataset, number, &batch).unwrap();
            spent += start.elapsed();
        }
        let rate = f64::from(rows) / spent.as_secs_f64();
        println!("{name}: {} columns, {rate:.0} rows/s", dataset.fields.len());
    }
}

#[test]
fn a_tenant_s_waiting_writers_keep_nobody_else_from_writing() {
    let Some((server, address, _)) = fresh() else {
        return;
    };
    // Two connections for writers.
    let joint = if address.contains('?') { '&' } else { '?' };
    let store = open(&format!("{address}{joint}pool_size=4")).unwrap();
    let [busy, other] = ["acme", "other"].map(|name| Site::new(&store, name));
    let lease = |site: &Site, company: &str| {
        let lease = LeaseRequest {
            company: CompanyId::new(company),
            time_zone: "UTC".into(),
            journal: StoreId::new("j"),
        };
        store.grant_lease(&site.agent, &lease, now()).unwrap();
    };
    std::thread::scope(|scope| {
        let (address, tenant) = (&address, &busy.tenant);
        scope.spawn(move || {
            let sql = format!(
                "BEGIN; SELECT 1 FROM hub_tenants WHERE tenant = '{tenant}' FOR UPDATE; SELECT pg_sleep(4); COMMIT"
            );
            server.execute(address, &sql);
        });
        std::thread::sleep(Duration::from_millis(500));
        for company in ["A", "B", "C", "D"] {
            let (lease, busy) = (&lease, &busy);
            scope.spawn(move || lease(busy, company));
        }
        std::thread::sleep(Duration::from_millis(500));
        let start = Instant::now();
        lease(&other, "A");
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    });
}
