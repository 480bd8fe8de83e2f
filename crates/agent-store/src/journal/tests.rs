use super::*;
use import::{Source, Verdict};
use model::Problem;
use sage::ServerProcess;

const AT: Timestamp = Timestamp::UNIX_EPOCH;

fn document(name: &str, revision: u32) -> Document {
    Document {
        id: ImportId::new(name),
        company: CompanyId::new("ABC"),
        kind: ImportKind::SalesOrder,
        revision,
        body: serde_json::json!({ "revision": revision }),
    }
}

fn reserved(number: &str) -> Reserved {
    Reserved {
        number: number.into(),
        at: AT,
        source: Source::Journal,
        at_hub: false,
        verdict: Verdict::Open,
    }
}

fn start(number: &str) -> WriteStart {
    WriteStart {
        number: number.into(),
        at: AT,
        server: Some(ServerProcess {
            pid: 7,
            started_at: u64::MAX,
        }),
    }
}

fn written(number: &str) -> Outcome {
    Outcome {
        sales_order_no: Some(number.into()),
        ..Outcome::of_state(ImportState::Written)
    }
}

fn in_folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    (folder, file)
}

fn open(file: &Path) -> Journal {
    Journal::open(file, &StoreId::new("fresh")).unwrap()
}

#[test]
fn what_was_journaled_is_there_after_a_crash() {
    let (_folder, file) = in_folder();
    let id = ImportId::new("a");
    let mut journal = open(&file);
    assert_eq!(journal.accept(&document("a", 1), AT).unwrap(), Accepted::New);
    assert_eq!(journal.accept(&document("a", 1), AT).unwrap(), Accepted::Known);
    journal.reserve(&id, &reserved("0000101")).unwrap();
    journal.mark_at_hub(&id, "0000101").unwrap();
    journal.start_write(&id, &start("0000101")).unwrap();
    drop(journal);

    let mut journal = Journal::open(&file, &StoreId::new("another")).unwrap();
    assert_eq!(journal.store_id().as_str(), "fresh");
    let company = CompanyId::new("ABC");
    let [record] = journal.unsettled(&company).unwrap().try_into().unwrap();
    assert_eq!(
        record.reservations,
        [Reserved {
            at_hub: true,
            ..reserved("0000101")
        }]
    );
    assert_eq!(record.write, Some(start("0000101")));
    assert_eq!(record.outcome, None);
    assert_eq!(journal.highest_written(&company).unwrap(), None);

    journal.settle(&id, &written("0000101")).unwrap();
    drop(journal);
    let mut journal = open(&file);
    let [record] = journal.unsettled(&company).unwrap().try_into().unwrap();
    assert_eq!(record.outcome, Some(written("0000101")));
    assert!(!record.reported);
    assert_eq!(
        journal.highest_written(&company).unwrap().as_deref(),
        Some("0000101")
    );
    journal.mark_reported(&id).unwrap();
    assert!(journal.unsettled(&company).unwrap().is_empty());
    assert_eq!(
        journal.record(&id).unwrap().unwrap().outcome,
        Some(written("0000101"))
    );
    assert_eq!(journal.accept(&document("a", 1), AT).unwrap(), Accepted::Ended);
    assert_eq!(
        journal.unsettled(&company).unwrap().len(),
        1,
        "it is reported again"
    );
}

#[test]
fn one_process_at_a_time() {
    let (_folder, file) = in_folder();
    let first = open(&file);
    let second = Journal::open(&file, &StoreId::new("x"));
    assert_eq!(second.unwrap_err().code(), "journal_in_use");
    drop(first);
    open(&file);
}

#[test]
fn a_full_disk_shows_before_the_write_and_never_after_it() {
    let (_folder, file) = in_folder();
    let mut journal = open(&file);
    let limit = |journal: &Journal, pages: u32| {
        journal
            .db
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .unwrap();
    };
    let used = |journal: &Journal| -> u32 {
        journal
            .db
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .unwrap()
    };
    for name in ["a", "b"] {
        journal.accept(&document(name, 1), AT).unwrap();
        journal
            .reserve(&ImportId::new(name), &reserved(&format!("000010{name}")))
            .unwrap();
    }
    let (a, b) = (ImportId::new("a"), ImportId::new("b"));
    journal.start_write(&a, &start("000010a")).unwrap();
    let pages = used(&journal);
    limit(&journal, pages);
    let refused = journal.start_write(&b, &start("000010b")).unwrap_err();
    assert!(matches!(refused, JournalError::Full), "{refused}");
    assert!(!refused.remedy().is_empty() && refused.is_retryable());
    assert_eq!(
        journal.record(&b).unwrap().unwrap().write,
        None,
        "a write that found no room did not start"
    );

    let words = "x".repeat(10_000);
    let mut outcome = written("000010a");
    outcome.warnings = vec![words.clone(); 100];
    outcome.problems = vec![Problem::new("code", &words, &words, &words); 100];
    let outcome = outcome.bounded();
    journal.settle(&a, &outcome).unwrap();
    assert_eq!(used(&journal), pages, "the outcome took no further page");
    assert_eq!(journal.record(&a).unwrap().unwrap().outcome, Some(outcome));

    limit(&journal, 1_000_000);
    journal.start_write(&b, &start("000010b")).unwrap();
}

#[test]
fn an_attempt_that_left_nothing_is_forgotten_and_a_foreign_number_is_not() {
    let mut journal = Journal::in_memory(&StoreId::new("m")).unwrap();
    let id = ImportId::new("a");
    journal.accept(&document("a", 1), AT).unwrap();
    journal.reserve(&id, &reserved("1")).unwrap();
    journal.start_write(&id, &start("1")).unwrap();
    journal.end_write(&id, "1", true).unwrap();
    journal.reserve(&id, &reserved("2")).unwrap();
    let record = journal.record(&id).unwrap().unwrap();
    assert_eq!(record.write, None);
    assert_eq!(record.outcome, None, "room is no outcome");
    assert_eq!(
        record.reservations,
        [
            Reserved {
                verdict: Verdict::Foreign,
                ..reserved("1")
            },
            reserved("2")
        ]
    );
}

#[test]
fn revisions_replace_what_is_not_being_written() {
    let mut journal = Journal::in_memory(&StoreId::new("m")).unwrap();
    let id = ImportId::new("a");
    let revision = |journal: &Journal| {
        journal
            .record(&ImportId::new("a"))
            .unwrap()
            .unwrap()
            .document
            .revision
    };
    journal.accept(&document("a", 1), AT).unwrap();
    assert_eq!(journal.accept(&document("a", 2), AT).unwrap(), Accepted::Revised);
    journal
        .settle(&id, &Outcome::of_state(ImportState::Refused))
        .unwrap();
    journal.mark_reported(&id).unwrap();
    assert_eq!(journal.accept(&document("a", 3), AT).unwrap(), Accepted::Revised);
    assert_eq!(journal.record(&id).unwrap().unwrap().outcome, None);
    journal.reserve(&id, &reserved("1")).unwrap();
    assert_eq!(journal.accept(&document("a", 4), AT).unwrap(), Accepted::Known);
    assert_eq!(revision(&journal), 3);
    journal
        .settle(&id, &Outcome::of_state(ImportState::InDoubt))
        .unwrap();
    assert_eq!(
        journal.accept(&document("a", 5), AT).unwrap(),
        Accepted::Ended,
        "doubt is for a person"
    );
    assert_eq!(revision(&journal), 3);
}

#[test]
fn a_person_retries_discards_and_thaws() {
    let mut journal = Journal::in_memory(&StoreId::new("m")).unwrap();
    let (id, company) = (ImportId::new("a"), CompanyId::new("ABC"));
    journal.accept(&document("a", 1), AT).unwrap();
    assert_eq!(journal.retry(&id).unwrap_err().code(), "import_not_ended");
    journal
        .reserve(
            &id,
            &Reserved {
                source: Source::Hub,
                ..reserved("1")
            },
        )
        .unwrap();
    journal
        .settle(&id, &Outcome::of_state(ImportState::InDoubt))
        .unwrap();
    journal.retry(&id).unwrap();
    let record = journal.record(&id).unwrap().unwrap();
    assert_eq!((record.outcome, record.reservations), (None, vec![reserved("1")]));
    journal
        .settle(&id, &Outcome::of_state(ImportState::InDoubt))
        .unwrap();
    journal.discard(&id, "entered by hand", AT).unwrap();
    assert_eq!(journal.list(9).unwrap()[0].state, ImportState::Discarded);
    assert_eq!(journal.attempts(&id).unwrap()[0].detail, "entered by hand");
    assert_eq!(journal.retry(&id).unwrap_err().code(), "import_not_ended");

    journal.accept(&document("b", 1), AT).unwrap();
    journal.settle(&ImportId::new("b"), &written("0000200")).unwrap();
    journal.freeze(&company, "went backwards", AT).unwrap();
    assert_eq!(
        journal.frozen(&company).unwrap().as_deref(),
        Some("went backwards")
    );
    assert_eq!(
        journal.highest_written(&company).unwrap().as_deref(),
        Some("0000200")
    );
    journal.thaw(&company).unwrap();
    assert_eq!(
        (
            journal.frozen(&company).unwrap(),
            journal.highest_written(&company).unwrap()
        ),
        (None, None)
    );
}
