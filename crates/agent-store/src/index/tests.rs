use catalog::{Removal, RemovalReason};
use sync::Progress;
use values::{Epoch, Hash, Key, Sequence, StoreId};

use super::*;

fn key(n: u64) -> Key {
    Key::from_parts([format!("{n:08}")])
}

/// As wide as real ones.
fn hash(n: u64) -> Hash {
    Hash::of_bytes(&n.to_le_bytes())
}

fn entries(numbers: impl IntoIterator<Item = u64>) -> Vec<Entry> {
    numbers
        .into_iter()
        .map(|n| Entry {
            key: key(n),
            hash: hash(n),
            may_leave: n % 10 == 0,
        })
        .collect()
}

fn progress(sequence: u64) -> Progress {
    Progress {
        store: Some(StoreId::new("hub")),
        epoch: Epoch(7),
        sequence: Sequence(sequence),
        ..Progress::default()
    }
}

struct Folder {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn folder() -> Folder {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.db");
    Folder {
        _folder: folder,
        path,
    }
}

#[test]
fn entries_and_progress_move_together() {
    let at = folder();
    let mut index = Index::open(&at.path).unwrap();
    let (stream, fresh) = index.stream("ABC", "items").unwrap();
    let (other, _) = index.stream("XYZ", "items").unwrap();
    assert_eq!(fresh, Progress::default());
    index.commit(stream, &progress(1), &entries(0..3), &[]).unwrap();
    drop(index);
    let mut index = Index::open(&at.path).unwrap();
    assert_eq!(index.stream("ABC", "items").unwrap(), (stream, progress(1)));
    let known = index.look_up(stream, &[key(0), key(2), key(9)]).unwrap();
    let hashes: Vec<_> = known.iter().map(|k| k.map(|k| (k.hash, k.may_leave))).collect();
    assert_eq!(hashes, [Some((hash(0), true)), Some((hash(2), false)), None]);
    assert_eq!(index.count(stream).unwrap(), 3);
    assert_eq!(index.count(other).unwrap(), 0);
    index
        .commit(stream, &progress(2), &[], &[key(2), key(9)])
        .unwrap();
    assert_eq!(index.count(stream).unwrap(), 2);
    assert_eq!(index.look_up(stream, &[key(2)]).unwrap(), [None]);
}

#[test]
fn a_sweep_tells_who_was_not_seen_and_exempts_newcomers() {
    let at = folder();
    let mut index = Index::open(&at.path).unwrap();
    let (stream, _) = index.stream("ABC", "items").unwrap();
    index.commit(stream, &progress(1), &entries(0..200), &[]).unwrap();
    let mut bits = index.begin_sweep(stream).unwrap();
    // Comes during the sweep, between keys that were passed already.
    index.commit(stream, &progress(2), &entries([1000]), &[]).unwrap();
    // Changes during it: keeps its slot.
    index.commit(stream, &progress(3), &entries([150]), &[]).unwrap();
    let seen: Vec<Key> = (0..200).filter(|n| n % 50 != 0).map(key).collect();
    for known in index.look_up(stream, &seen).unwrap().into_iter().flatten() {
        bits.mark(&known);
        bits.mark(&known);
    }
    assert_eq!(bits.unseen(), 4);
    let first = index.unseen(stream, &bits, None, 3).unwrap();
    let keys: Vec<_> = first.suspects.iter().map(|(k, m)| (k.clone(), *m)).collect();
    assert_eq!(keys, [(key(0), true), (key(50), true), (key(100), true)]);
    assert!(!first.end);
    let second = index.unseen(stream, &bits, first.last.as_ref(), 3).unwrap();
    assert_eq!(second.suspects, [(key(150), true)]);
    assert!(second.end);
}

#[test]
fn the_flag_changes_alone_and_the_slot_stays() {
    let at = folder();
    let mut index = Index::open(&at.path).unwrap();
    let (stream, _) = index.stream("ABC", "open_invoices").unwrap();
    index.commit(stream, &progress(1), &entries(1..4), &[]).unwrap();
    let before = index.look_up(stream, &[key(3)]).unwrap()[0].unwrap();
    index.set_may_leave(stream, &[(key(3), true)]).unwrap();
    let after = index.look_up(stream, &[key(3)]).unwrap()[0].unwrap();
    assert!(after.may_leave && !before.may_leave);
    assert_eq!((after.slot, after.hash), (before.slot, before.hash));
}

#[test]
fn leavers_wait_on_disk_and_go_with_their_removal() {
    let at = folder();
    let mut index = Index::open(&at.path).unwrap();
    let (stream, _) = index.stream("ABC", "sales_orders").unwrap();
    let (other, _) = index.stream("ABC", "items").unwrap();
    index.commit(stream, &progress(1), &entries(0..5), &[]).unwrap();
    let leaver = |n, reason| Removal { key: key(n), reason };
    let all = [
        leaver(1, RemovalReason::Deleted),
        leaver(2, RemovalReason::Moved),
        leaver(3, RemovalReason::Filtered),
    ];
    index.add_leavers(stream, &all).unwrap();
    drop(index);
    let mut index = Index::open(&at.path).unwrap();
    assert_eq!(index.leavers(stream, true, 10).unwrap(), all);
    assert_eq!(index.leavers(stream, false, 10).unwrap(), all[1..2]);
    assert_eq!(index.leavers(other, true, 10).unwrap(), []);
    index.drop_leavers(stream, &[key(3)]).unwrap();
    index.commit(stream, &progress(2), &[], &[key(1)]).unwrap();
    assert_eq!(index.count_leavers(stream).unwrap(), [(RemovalReason::Moved, 1)]);
    index.begin_sweep(stream).unwrap();
    assert_eq!(index.leavers(stream, true, 10).unwrap(), []);
}

#[test]
fn notes_stay_beside_their_stream() {
    let at = folder();
    let mut index = Index::open(&at.path).unwrap();
    let (stream, _) = index.stream("ABC", "items").unwrap();
    assert_eq!(index.note(stream, "fill").unwrap(), None);
    index.set_note(stream, "fill", "{}").unwrap();
    index.set_note(stream, "fill", "{1}").unwrap();
    assert_eq!(index.note(stream, "fill").unwrap().as_deref(), Some("{1}"));
    assert_eq!(index.look("ABC", "customers").unwrap(), None);
}

#[test]
fn a_rebuild_that_was_cut_short_agrees_with_no_hub() {
    let at = folder();
    let mut index = Index::open(&at.path).unwrap();
    let (stream, _) = index.stream("ABC", "items").unwrap();
    index.commit(stream, &progress(5), &entries(0..3), &[]).unwrap();
    index.begin_rebuild(stream, &progress(0)).unwrap();
    index.add_rebuilt(stream, &entries(0..1)).unwrap();
    let (_, found) = index.stream("ABC", "items").unwrap();
    assert_eq!((found.store, found.epoch), (None, Epoch(7)));
    assert_eq!(index.count(stream).unwrap(), 1);
}

#[test]
fn a_damaged_file_and_one_of_another_version_are_moved_aside() {
    for text in [
        "no database, but long enough to look like a file of some kind",
        "",
    ] {
        let at = folder();
        if text.is_empty() {
            let connection = Connection::open(&at.path).unwrap();
            connection.pragma_update(None, "user_version", 1).unwrap();
        } else {
            std::fs::write(&at.path, text).unwrap();
        }
        let mut index = Index::open(&at.path).unwrap();
        assert_eq!(index.stream("ABC", "items").unwrap().1, Progress::default());
        assert!(at.path.with_extension("db.damaged").exists());
    }
}

#[test]
fn a_full_disk_records_nothing() {
    let at = folder();
    let mut index = Index::open(&at.path).unwrap();
    let (stream, _) = index.stream("ABC", "items").unwrap();
    index.commit(stream, &progress(1), &entries(0..10), &[]).unwrap();
    index
        .connection
        .pragma_update(None, "max_page_count", 16)
        .unwrap();
    let error = index
        .commit(stream, &progress(2), &entries(0..50_000), &[])
        .unwrap_err();
    assert_eq!(error.code(), "disk_full");
    assert_eq!(index.stream("ABC", "items").unwrap().1, progress(1));
    assert_eq!(index.count(stream).unwrap(), 10);
}

/// Bytes of a row beside its key of eight characters, after `numbers` came in this order, a page at a time.
fn bytes_a_row(numbers: &[u64]) -> f64 {
    let at = folder();
    let mut index = Index::open(&at.path).unwrap();
    let (stream, _) = index.stream("ABC", "inventory").unwrap();
    for page in numbers.chunks(5_000) {
        index
            .commit(stream, &progress(1), &entries(page.iter().copied()), &[])
            .unwrap();
    }
    let pages = |pragma: &str| -> f64 {
        index
            .connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .unwrap() as f64
    };
    pages("page_count") * pages("page_size") / numbers.len() as f64 - 8.0
}

#[test]
fn a_row_takes_at_most_24_bytes_beside_its_key() {
    let in_order: Vec<u64> = (0..200_000).collect();
    // In no order at all: 100003 and 200000 have no common factor.
    let scattered: Vec<u64> = in_order.iter().map(|n| n * 100_003 % 200_000).collect();
    for numbers in [in_order, scattered] {
        let bytes = bytes_a_row(&numbers);
        assert!(bytes <= 24.0, "{bytes:.1} bytes a row");
    }
}

#[test]
fn who_looks_leaves_the_file_as_it_is() {
    let at = folder();
    assert!(Index::open_to_look(&at.path).is_err());
    assert!(!at.path.exists());
    let mut index = Index::open(&at.path).unwrap();
    let (stream, _) = index.stream("ABC", "items").unwrap();
    index.commit(stream, &progress(1), &entries(0..3), &[]).unwrap();
    let looking = Index::open_to_look(&at.path).unwrap();
    assert_eq!(looking.count(stream).unwrap(), 3);
    assert!(looking.set_note(stream, "fill", "x").is_err());

    let other = folder();
    let connection = Connection::open(&other.path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(
        Index::open_to_look(&other.path).unwrap_err().code(),
        "store_damaged"
    );
    assert!(!other.path.with_extension("db.damaged").exists());
}

#[test]
fn a_busy_file_is_not_taken_for_a_damaged_one() {
    let at = folder();
    let connection = Connection::open(&at.path).unwrap();
    connection
        .execute_batch("BEGIN EXCLUSIVE; CREATE TABLE x (y);")
        .unwrap();
    let error = Index::open(&at.path).unwrap_err();
    assert_eq!(error.code(), "store_failed");
    assert!(!at.path.with_extension("db.damaged").exists());
}

#[test]
fn companies_that_write_at_the_same_time_wait_for_each_other() {
    let at = folder();
    Index::open(&at.path).unwrap();
    let write = |company: &'static str| {
        let path = at.path.clone();
        std::thread::spawn(move || {
            let mut index = Index::open(&path).unwrap();
            let (stream, _) = index.stream(company, "items").unwrap();
            for n in 0..200 {
                index
                    .commit(stream, &progress(n), &entries(n..n + 3), &[])
                    .unwrap();
            }
            index.count(stream).unwrap()
        })
    };
    let threads = ["ABC", "XYZ", "TST"].map(write);
    assert_eq!(threads.map(|t| t.join().unwrap()), [202, 202, 202]);
}
