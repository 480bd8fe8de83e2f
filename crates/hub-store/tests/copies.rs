//! Copies of a store in a file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may stop where they stand"
)]

use std::path::Path;

use catalog::Catalog;
use hub_store::contract::Site;
use hub_store::{SqlStore, Store as _, StoreError, back_up, restore};
use jiff::Timestamp;
use rusqlite::Connection;
use values::StoreId;

fn catalog() -> Catalog {
    Catalog::standard().unwrap()
}

fn at() -> Timestamp {
    Timestamp::from_second(1_777_777_777).unwrap()
}

fn open(path: &Path) -> SqlStore {
    SqlStore::sqlite(path, catalog(), &StoreId::new("first"), at()).unwrap()
}

fn put_back(from: &Path, to: &Path) -> Result<hub_store::Restored, StoreError> {
    restore(from, to, catalog(), &StoreId::new("second"), at())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>, code: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(!error.remedy().is_empty());
}

#[test]
fn a_copy_of_an_open_store_is_put_back_as_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("hub.db"), folder.path().join("copy.db"));
    let store = open(&path);
    let _ = Site::new(&store, "kept");
    back_up(&path, &copy).unwrap();
    refused(back_up(&path, &copy), "file_exists");
    let site = Site::new(&store, "later");
    assert_eq!(store.tenants().unwrap().len(), 2);
    refused(put_back(&copy, &path), "store_in_use");
    assert_eq!(store.tenants().unwrap().len(), 2, "nothing was done");
    assert!(
        store
            .changes(&site.all, &hub_store::ChangeQuery::default(), at())
            .is_ok()
    );
    drop(store);

    let restored = put_back(&copy, &path).unwrap();
    assert_eq!(restored.id.as_str(), "second");
    let store = open(&path);
    assert_eq!(store.id().as_str(), "second");
    let tenants = store.tenants().unwrap();
    assert_eq!(
        tenants.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
        ["kept"]
    );
    let query = hub_store::AuditQuery {
        limit: 1,
        ..Default::default()
    };
    let last = &store.audit(&tenants[0].tenant, &query).unwrap().data[0];
    assert_eq!(last.action, hub_store::AuditAction::StoreRestored);
    assert_eq!(
        last.details,
        serde_json::json!({ "store": { "old": "first", "new": "second" } })
    );
    // What was there is kept, and nothing else is left.
    let replaced = open(&restored.replaced.unwrap());
    assert_eq!(replaced.tenants().unwrap().len(), 2);
    drop((store, replaced));
    assert_eq!(names(folder.path()).len(), 3, "{:?}", names(folder.path()));
}

#[test]
fn what_a_restored_store_tells_is_later_than_all_that_was_told_before() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("hub.db"), folder.path().join("copy.db"));
    let store = open(&path);
    let site = Site::new(&store, "kept");
    let abc = values::CompanyId::new("ABC");
    let items = store.catalog().resolve("items").unwrap().into_owned();
    let asked = wire::agent::StreamRequest {
        company: abc.clone(),
        dataset: items.name.clone(),
        count: false,
    };
    let state = store.stream(&site.agent, &asked).unwrap();
    let reset = wire::agent::StreamReset {
        company: abc.clone(),
        dataset: items.name.clone(),
        epoch: values::Epoch(1),
        from_epoch: state.epoch,
        from_sequence: state.sequence,
        from_digest: state.digest,
        fingerprint: items.fingerprint(),
    };
    store.reset_stream(&site.agent, &reset, at()).unwrap();
    let post = |store: &SqlStore, key: &str| {
        let new = hub_store::NewImport {
            kind: model::ImportKind::SalesOrder,
            idempotency_key: key.into(),
            company: abc.clone(),
            body: serde_json::json!({ "company": "ABC", "lines": [] }),
            body_hash: key.as_bytes().to_vec(),
        };
        store.add_import(&site.all, &new, at()).unwrap();
        let page = store.changes(&site.all, &hub_store::ChangeQuery::default(), at());
        page.unwrap().position
    };
    post(&store, "k1");
    back_up(&path, &copy).unwrap();
    let told = (0..10)
        .map(|number| post(&store, &format!("lost {number}")))
        .max()
        .unwrap();
    drop(store);
    put_back(&copy, &path).unwrap();
    let store = open(&path);
    let first = post(&store, "k2");
    assert!(first > told, "{first} is not later than {told}");
}

#[test]
fn a_copy_is_put_where_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("hub.db"), folder.path().join("copy.db"));
    drop(open(&path));
    back_up(&path, &copy).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(put_back(&copy, &path).unwrap().replaced, None);
    assert_eq!(open(&path).id().as_str(), "second");
    #[cfg(unix)]
    for file in [&path, &copy] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others", file.display());
    }
}

#[test]
fn what_is_no_copy_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, odd) = (folder.path().join("hub.db"), folder.path().join("odd.db"));
    drop(open(&path));
    let before = std::fs::read(&path).unwrap();
    let check = |code: &str| {
        refused(put_back(&odd, &path), code);
        assert_eq!(std::fs::read(&path).unwrap(), before, "{code}");
    };
    check("file_unreadable");
    Connection::open(&odd)
        .unwrap()
        .execute_batch("CREATE TABLE a (b)")
        .unwrap();
    check("store_foreign");
    refused(back_up(&odd, &folder.path().join("x.db")), "store_foreign");
    // Of a later version.
    std::fs::remove_file(&odd).unwrap();
    back_up(&path, &odd).unwrap();
    Connection::open(&odd)
        .unwrap()
        .execute_batch("PRAGMA user_version = 1000")
        .unwrap();
    check("store_too_new");
    // Damaged: a page of nonsense in the middle.
    std::fs::remove_file(&odd).unwrap();
    back_up(&path, &odd).unwrap();
    let mut bytes = std::fs::read(&odd).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xA5);
    std::fs::write(&odd, bytes).unwrap();
    check("store_damaged");
    assert_eq!(
        names(folder.path()),
        ["hub.db", "odd.db"],
        "nothing is left behind"
    );
}
