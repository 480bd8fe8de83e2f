//! The SQLite store keeps the contract, and what is special to a file.

use std::path::Path;
use std::time::Instant;

use catalog::{Catalog, Removal, RemovalReason};
use hub_store::contract::{Site, check_store, documents};
use hub_store::{NewImport, Page, Record, RecordQuery, SqlStore, Store, StoreError, TokenGrant, TokenScope};
use jiff::{SignedDuration, Timestamp};
use model::ImportKind;
use rusqlite::Connection;
use values::{CompanyId, Epoch, Hash, ImportId, Key, Secret, Sequence, StoreId};
use wire::BatchHeader;
use wire::agent::{HashRequest, StreamReset};

fn open(path: &Path, catalog: Catalog) -> Result<SqlStore, StoreError> {
    SqlStore::sqlite(path, catalog, &StoreId::new("fresh"), Timestamp::UNIX_EPOCH)
}

fn reset(company: &str, dataset: &catalog::Dataset) -> StreamReset {
    StreamReset {
        company: CompanyId::new(company),
        dataset: dataset.name.clone(),
        epoch: Epoch(1),
        from_epoch: Epoch(0),
        from_sequence: Sequence(0),
        from_digest: Hash(0),
        fingerprint: dataset.fingerprint(),
    }
}

fn header(company: &str, dataset: &catalog::Dataset, sequence: u64, previous: u64) -> BatchHeader {
    BatchHeader {
        company: CompanyId::new(company),
        dataset: dataset.name.clone(),
        epoch: Epoch(1),
        sequence: Sequence(sequence),
        previous: Hash(previous),
        fingerprint: dataset.fingerprint(),
        removals: Vec::new(),
        approved: 0,
    }
}

#[test]
fn keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    check_store(&|| Box::new(open(&path, Catalog::standard().unwrap()).unwrap()));
}

#[test]
fn a_new_field_becomes_a_column_and_keeps_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let full = Catalog::standard().unwrap();
    let mut items = full.get("items").unwrap().clone();
    let gone = items.fields.remove(items.fields.len() - 2);
    let older = Catalog::new(vec![items.clone()]);
    {
        let store = open(&path, older).unwrap();
        let site = Site::new(&store, "acme");
        store
            .reset_stream(&site.agent, &reset("ABC", &items), Timestamp::UNIX_EPOCH)
            .unwrap();
        let batch = documents(&items, &["A"], 0, 1);
        store
            .ingest(
                &site.agent,
                &header("ABC", &items, 1, 0),
                &batch,
                Hash(1),
                Timestamp::UNIX_EPOCH,
            )
            .unwrap();
    }
    let store = open(&path, full.clone()).unwrap();
    let site = Site::new(&store, "later");
    let items = full.get("items").unwrap();
    let acme = store.find_tenant("acme").unwrap();
    assert_eq!(store.companies(&acme).unwrap().len(), 1);
    store
        .reset_stream(&site.agent, &reset("ABC", items), Timestamp::UNIX_EPOCH)
        .unwrap();
    let batch = documents(items, &["B"], 0, 1);
    store
        .ingest(
            &site.agent,
            &header("ABC", items, 1, 0),
            &batch,
            Hash(1),
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
    let raw = Connection::open(&path).unwrap();
    let rows: i64 = raw
        .query_row(&format!("SELECT count(\"{}\") FROM items", gone.name), [], |r| {
            r.get(0)
        })
        .unwrap();
    assert!(rows >= 1);
}

#[test]
fn a_store_of_version_1_gains_what_is_new_and_keeps_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch(include_str!("version_1.sql"))
        .unwrap();
    for _ in 0..2 {
        let store = open(&path, Catalog::standard().unwrap()).unwrap();
        assert_eq!(store.id().as_str(), "old-store");
        let tenant = store.find_tenant("old").unwrap();
        assert_eq!(store.companies(&tenant).unwrap()[0].company.as_str(), "ABC");
    }
    let store = open(&path, Catalog::standard().unwrap()).unwrap();
    let tenant = store.find_tenant("old").unwrap();
    let token = Secret::new("erp_old-token-00");
    let grant = TokenGrant {
        scope: TokenScope::Read,
        ..TokenGrant::default()
    };
    let now = Timestamp::from_second(1_777_777_777).unwrap();
    store
        .add_api_token(&tenant, &token, &grant, &hub_store::Actor::command_line(), now)
        .unwrap();
    let scope = store.authenticate(&token, now).unwrap();
    let records = |dataset: &str, page: Page| {
        let dataset = store.dataset(&scope, dataset).unwrap();
        let query = RecordQuery {
            fields: None,
            dataset: &dataset,
            company: CompanyId::new("ABC"),
            page,
            limit: 10,
            filters: Vec::new(),
        };
        let page = store.records(&scope, &query, now).unwrap();
        page.data.iter().map(Record::json).collect::<Vec<_>>()
    };
    let items = records("items", Page::Position(0));
    assert_eq!(items.len(), 2);
    assert_eq!(
        (&items[1]["item_code"], &items[1]["udf"]),
        (&"B".into(), &serde_json::json!({}))
    );
    assert!(items[0].get("purged_at").is_none());
    let orders = records("sales_orders", Page::Key(None));
    assert_eq!(orders[0]["lines"][0]["line_key"], "000001");
    assert!(
        records("customers", Page::Key(None)).is_empty(),
        "a table that the file had not"
    );
    let sites = store
        .sites(&scope, &hub_store::SitesQuery::default(), now)
        .unwrap();
    let counts: Vec<_> = sites.datasets.iter().map(|d| d.stream.records).collect();
    assert_eq!(counts, [2, 1]);
}

#[test]
fn documents_of_version_1_get_their_customers_money_and_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(include_str!("version_1.sql")).unwrap();
    let order = |transaction: &str| {
        serde_json::json!({
            "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
            "payment": { "amount": "10.00", "gateway_transaction_id": transaction },
            "lines": [{ "item_code": "A", "quantity_ordered": "1" }],
        })
    };
    let report = r#"{"state":"written","sales_order_no":"0000186","totals":{},"warnings":[],"problems":[],"attempts":[]}"#;
    let documents = [
        ("i1", "refused", "ch_1", None),
        ("i2", "written", "ch_1", Some(report)),
        ("i3", "written", "ch_1", None),
        ("i4", "received", "ch_2", None),
    ];
    for (number, (id, state, transaction, report)) in documents.into_iter().enumerate() {
        raw.execute(
            "INSERT INTO hub_imports VALUES ('t_old', ?1, ?2, 'sales_order', ?1, 'ABC', ?3, x'00', 1, NULL, ?4, ?5, \
             1777777777000000, 1777777777000000)",
            (id, 100 + i64::try_from(number).unwrap(), order(transaction).to_string(), state, report),
        )
        .unwrap();
    }
    drop(raw);
    let store = open(&path, Catalog::standard().unwrap()).unwrap();
    let tenant = store.find_tenant("old").unwrap();
    let token = Secret::new("erp_old-token-00");
    let grant = TokenGrant {
        scope: TokenScope::Write,
        ..TokenGrant::default()
    };
    let now = Timestamp::from_second(1_777_777_777).unwrap();
    store
        .add_api_token(&tenant, &token, &grant, &hub_store::Actor::command_line(), now)
        .unwrap();
    let scope = store.authenticate(&token, now).unwrap();
    let import = store.import(&scope, &ImportId::new("i2")).unwrap();
    assert_eq!(import.customer, Some(Key::from_parts(["01", "ABF"])));
    assert_eq!(import.report.unwrap().numbers["sales_order_no"], "0000186");
    let post = |key: &str, transaction: &str| {
        let new = NewImport {
            kind: ImportKind::SalesOrder,
            idempotency_key: key.into(),
            company: CompanyId::new("ABC"),
            body: order(transaction),
            body_hash: vec![1],
        };
        store.add_import(&scope, &new, now)
    };
    for (transaction, holder) in [("ch_1", "i2"), ("ch_2", "i4")] {
        match post("k1", transaction) {
            Err(StoreError::TransactionUsed { by, .. }) => assert_eq!(by.as_str(), holder),
            other => panic!("{other:?}"),
        }
    }
    post("k2", "ch_3").unwrap();
    let day = "2026-05-02".parse().unwrap();
    let tie_out = store.tie_out(&scope, &CompanyId::new("ABC"), day).unwrap();
    assert_eq!(tie_out.total.captured.sum.to_string(), "50.00");
    assert!(
        store
            .redact_imports(now + SignedDuration::from_secs(1), now)
            .unwrap()
            >= 3
    );
}

#[test]
fn a_store_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    drop(open(&path, Catalog::standard().unwrap()).unwrap());
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 1000)
        .unwrap();
    assert_eq!(
        open(&path, Catalog::standard().unwrap()).unwrap_err().code(),
        "store_too_new"
    );
}

#[test]
fn a_row_changed_behind_the_stores_back_shows_in_its_recomputed_hash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let store = open(&path, Catalog::standard().unwrap()).unwrap();
    let site = Site::new(&store, "acme");
    let orders = store.catalog().get("sales_orders").unwrap();
    store
        .reset_stream(&site.agent, &reset("ABC", orders), Timestamp::UNIX_EPOCH)
        .unwrap();
    let batch = documents(orders, &["1", "2", "3"], 2, 1);
    store
        .ingest(
            &site.agent,
            &header("ABC", orders, 1, 0),
            &batch,
            Hash(1),
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
    let raw = Connection::open(&path).unwrap();
    raw.execute(
        "UPDATE sales_orders__lines SET quantity_ordered = 7 WHERE key = '2' AND _ordinal = 1",
        [],
    )
    .unwrap();
    raw.execute("UPDATE sales_orders SET ship_via = 'other' WHERE key = '3'", [])
        .unwrap();
    let hashes = |recompute| {
        let dataset = orders.name.clone();
        let request = HashRequest {
            company: CompanyId::new("ABC"),
            dataset,
            after: None,
            limit: 10,
            recompute,
        };
        store.hashes(&site.agent, &request).unwrap().entries
    };
    let (stored, computed) = (hashes(false), hashes(true));
    assert_eq!(stored[0], computed[0]);
    assert_ne!(stored[1], computed[1]);
    assert_ne!(stored[2], computed[2]);
}

#[test]
fn what_leaves_leaves_no_rows_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let store = open(&path, Catalog::standard().unwrap()).unwrap();
    let site = Site::new(&store, "acme");
    let orders = store.catalog().get("sales_orders").unwrap();
    let now = Timestamp::UNIX_EPOCH;
    store
        .reset_stream(&site.agent, &reset("ABC", orders), now)
        .unwrap();
    let batch = documents(orders, &["1", "2"], 3, 1);
    store
        .ingest(&site.agent, &header("ABC", orders, 1, 0), &batch, Hash(1), now)
        .unwrap();
    let mut leaving = header("ABC", orders, 2, 1);
    leaving.removals = vec![Removal {
        key: Key::from_parts(["1"]),
        reason: RemovalReason::Moved,
    }];
    store
        .ingest(&site.agent, &leaving, &orders.empty_batch(), Hash(2), now)
        .unwrap();
    let raw = Connection::open(&path).unwrap();
    let children = orders
        .children
        .iter()
        .map(|c| format!("sales_orders__{}", c.name));
    for table in std::iter::once("sales_orders".to_owned()).chain(children) {
        let rows = |key: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table} WHERE key = ?");
            raw.query_row(&sql, [key], |row| row.get(0)).unwrap()
        };
        assert_eq!(rows("1"), 0, "{table}");
        assert!(rows("2") > 0, "{table}");
    }
}

/// `cargo test --release -p hub-store --test sqlite -- --ignored --nocapture`
#[test]
#[ignore = "a measurement: half a million rows"]
fn ingest_speed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("hub.db"), Catalog::standard().unwrap()).unwrap();
    let site = Site::new(&store, "acme");
    let dataset = store.catalog().get("inventory").unwrap();
    store
        .reset_stream(&site.agent, &reset("ABC", dataset), Timestamp::UNIX_EPOCH)
        .unwrap();
    const ROWS: usize = 20_000;
    let mut spent = std::time::Duration::ZERO;
    for sequence in 1..=25_usize {
        let keys: Vec<_> = (0..ROWS)
            .map(|row| format!("ITEM-{:08}", sequence * ROWS + row))
            .collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let batch = documents(dataset, &keys, 0, 1);
        let sequence = u64::try_from(sequence).unwrap();
        let header = header("ABC", dataset, sequence, sequence - 1);
        let start = Instant::now();
        store
            .ingest(
                &site.agent,
                &header,
                &batch,
                Hash(sequence),
                Timestamp::UNIX_EPOCH,
            )
            .unwrap();
        spent += start.elapsed();
    }
    let rows = 25 * ROWS;
    println!(
        "{rows} rows of {} fields in {spent:?}: {:.0}/s",
        dataset.fields.len(),
        rows as f64 / spent.as_secs_f64()
    );
}
