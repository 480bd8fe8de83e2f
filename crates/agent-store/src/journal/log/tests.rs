use std::path::Path;

use import::{Document, Outcome, Reserved, Source, Verdict, WriteStart};
use jiff::Timestamp;
use model::{Attempt, Decision, ImportKind, ImportState, Problem};
use values::{CompanyId, ImportId, StoreId};

use super::super::{Journal, JournalError};

const AT: Timestamp = Timestamp::UNIX_EPOCH;

fn document(name: &str, bytes: usize) -> Document {
    Document {
        id: ImportId::new(name),
        company: CompanyId::new("ABC"),
        kind: ImportKind::SalesOrder,
        revision: 1,
        body: serde_json::json!({ "comment": "x".repeat(bytes) }),
        decision: Decision::default(),
    }
}

fn begin(journal: &mut Journal, name: &str) -> Result<(), JournalError> {
    let reserved = Reserved {
        name: "sales_order_no".into(),
        identity: name.into(),
        at: AT,
        source: Source::Journal,
        at_hub: false,
        verdict: Verdict::Open,
    };
    let write = WriteStart {
        name: "sales_order_no".into(),
        identity: name.into(),
        at: AT,
        server: None,
    };
    journal.reserve_and_start(&ImportId::new(name), &reserved, &write)
}

/// As large as an outcome may be.
fn large() -> Outcome {
    let words = "x".repeat(10_000);
    let mut outcome = Outcome::of_state(ImportState::Held);
    outcome.warnings = vec![words.clone(); 100];
    outcome.problems = vec![Problem::new("code", &words, &words, &words); 100];
    outcome.bounded()
}

fn log_bytes(journal: &Path) -> u64 {
    std::fs::metadata(journal.with_file_name("journal.db-wal"))
        .unwrap()
        .len()
}

#[test]
fn outcomes_take_no_further_block_of_the_log_whatever_is_committed_between() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    let mut journal = Journal::open(&file, &StoreId::new("fresh")).unwrap();
    let mut sizes = std::collections::BTreeSet::new();
    let long = Attempt {
        at: AT.to_string(),
        step: "entered".into(),
        detail: "x".repeat(400),
    };
    for round in 0..25_usize {
        // Four writes are under way, others arrive, some of them large.
        let names: Vec<String> = (0..4).map(|place| format!("{round:04}-{place}")).collect();
        for name in &names {
            journal.accept(&document(name, 100), AT).unwrap();
            begin(&mut journal, name).unwrap();
        }
        for place in 0..round % 5 {
            let bytes = [10, 5_000, 60_000, 400_000][(round + place) % 4];
            journal
                .accept(&document(&format!("{round:04}-more-{place}"), bytes), AT)
                .unwrap();
            for _ in 0..20 {
                journal.note(&ImportId::new(&names[0]), &long);
            }
        }
        journal.waiting.clear();
        let before = log_bytes(&file);
        for name in &names {
            journal.settle(&ImportId::new(name), &large()).unwrap();
            assert_eq!(log_bytes(&file), before, "round {round}: {name}");
        }
        sizes.insert(before);
        for name in &names {
            journal.mark_reported(&ImportId::new(name), AT);
        }
    }
    assert!(
        sizes.last() < Some(&8_000_000),
        "it does not grow without end: {sizes:?}"
    );
}

#[test]
fn what_was_committed_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    let mut journal = Journal::open(&file, &StoreId::new("fresh")).unwrap();
    journal.accept(&document("a", 100), AT).unwrap();
    begin(&mut journal, "a").unwrap();
    journal.settle(&ImportId::new("a"), &large()).unwrap();
    // What a kill leaves: the files as they are now.
    let killed = tempfile::tempdir().unwrap();
    for name in ["journal.db", "journal.db-wal"] {
        std::fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    let again = Journal::open(&killed.path().join("journal.db"), &StoreId::new("other")).unwrap();
    assert_eq!(again.store_id(), &StoreId::new("fresh"));
    let record = again.record(&ImportId::new("a")).unwrap().unwrap();
    assert_eq!(record.outcome, Some(large()));
}

#[test]
fn who_looks_for_long_holds_up_a_beginning_and_no_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    let mut journal = Journal::open(&file, &StoreId::new("fresh")).unwrap();
    journal
        .db
        .busy_timeout(std::time::Duration::from_millis(20))
        .unwrap();
    let looking = rusqlite::Connection::open(&file).unwrap();
    let mut begun: Vec<String> = Vec::new();
    let refused = (0..200).find_map(|place| {
        if place == 1 {
            // Sees the journal as it is now, and goes on seeing it.
            looking
                .execute_batch("BEGIN; SELECT count(*) FROM document;")
                .unwrap();
        }
        let name = format!("{place:04}");
        let beginning = journal
            .accept(&document(&name, 100), AT)
            .and_then(|_| begin(&mut journal, &name));
        match beginning {
            Ok(()) => {
                begun.push(name);
                None
            }
            Err(error) => Some(error),
        }
    });
    let refused = refused.expect("the log cannot begin anew while somebody looks");
    assert!(refused.is_retryable(), "{refused}");
    let before = log_bytes(&file);
    for name in &begun {
        journal.settle(&ImportId::new(name), &large()).unwrap();
    }
    assert_eq!(log_bytes(&file), before, "{} outcomes", begun.len());
    looking.execute_batch("COMMIT").unwrap();
    journal.accept(&document("last", 100), AT).unwrap();
    begin(&mut journal, "last").unwrap();
}

#[test]
fn who_looks_for_long_keeps_nobody_from_opening_or_taking_documents() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    let mut journal = Journal::open(&file, &StoreId::new("fresh")).unwrap();
    journal.accept(&document("a", 100), AT).unwrap();
    // What a kill leaves: a log that is not in the database yet.
    let killed = tempfile::tempdir().unwrap();
    for name in ["journal.db", "journal.db-wal"] {
        std::fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    let file = killed.path().join("journal.db");
    let looking = rusqlite::Connection::open(&file).unwrap();
    looking
        .execute_batch("BEGIN; SELECT count(*) FROM document;")
        .unwrap();
    let mut again = Journal::open(&file, &StoreId::new("other")).unwrap();
    again
        .db
        .busy_timeout(std::time::Duration::from_millis(20))
        .unwrap();
    // Beyond where the log would begin anew.
    for place in 0..10 {
        again.accept(&document(&place.to_string(), 400_000), AT).unwrap();
    }
    assert!(log_bytes(&file) > 3_000_000);
    assert!(begin(&mut again, "a").unwrap_err().is_retryable());
    looking.execute_batch("COMMIT").unwrap();
    begin(&mut again, "a").unwrap();
}
