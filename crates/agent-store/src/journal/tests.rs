use super::attempts::{MAX_ATTEMPTS, MAX_DETAIL_BYTES};
use super::*;
use import::batches::Allotments;
use import::plan::Plan;
use import::{Document, Done, Outcome, Reserved, Source, Verdict, WriteStart};
use jiff::Timestamp;
use model::{Attempt, Decision, ImportKind, ImportState, Numbers, Problem};
use sage::ServerProcess;
use values::ImportId;

const AT: Timestamp = Timestamp::UNIX_EPOCH;

fn document(name: &str, revision: u32) -> Document {
    Document {
        id: ImportId::new(name),
        company: CompanyId::new("ABC"),
        kind: ImportKind::SalesOrder,
        revision,
        body: serde_json::json!({ "revision": revision }),
        decision: Decision::default(),
    }
}

fn reserved(number: &str) -> Reserved {
    Reserved {
        name: "sales_order_no".into(),
        identity: number.into(),
        at: AT,
        source: Source::Journal,
        at_hub: false,
        verdict: Verdict::Open,
    }
}

fn start(number: &str) -> WriteStart {
    WriteStart {
        name: "sales_order_no".into(),
        identity: number.into(),
        at: AT,
        server: Some(ServerProcess {
            pid: 7,
            started_at: u64::MAX,
        }),
    }
}

fn written(number: &str) -> Outcome {
    Outcome {
        numbers: Numbers::from([("sales_order_no".to_owned(), number.to_owned())]),
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
    journal.mark_reported(&id, AT);
    journal.flush().unwrap();
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
fn room_for_an_outcome_is_none() {
    let (_folder, file) = in_folder();
    let (id, company) = (ImportId::new("a"), CompanyId::new("ABC"));
    let mut journal = open(&file);
    journal.accept(&document("a", 1), AT).unwrap();
    // Killed between the room and its rehearsal, and behind both.
    room::make_room(&journal.db, &id, "0000101").unwrap();
    for begun in [false, true] {
        if begun {
            journal.start_write(&id, &start("0000101")).unwrap();
        }
        drop(journal);
        journal = open(&file);
        assert!(journal.in_doubt(&company).unwrap().is_empty(), "begun: {begun}");
        assert_eq!(journal.unsettled(&company).unwrap().len(), 1, "begun: {begun}");
    }
    journal
        .settle(&id, &Outcome::of_state(ImportState::InDoubt))
        .unwrap();
    assert_eq!(journal.in_doubt(&company).unwrap().len(), 1);
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
                at_hub: true,
                verdict: Verdict::Foreign,
                ..reserved("1")
            },
            reserved("2")
        ]
    );
}

#[test]
fn a_newer_revision_replaces_what_the_journal_has() {
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
    journal.mark_reported(&id, AT);
    journal.flush().unwrap();
    assert_eq!(journal.accept(&document("a", 3), AT).unwrap(), Accepted::Revised);
    assert_eq!(journal.record(&id).unwrap().unwrap().outcome, None);
    journal.reserve(&id, &reserved("1")).unwrap();
    journal.start_write(&id, &start("1")).unwrap();
    assert_eq!(
        journal.accept(&document("a", 3), AT).unwrap(),
        Accepted::Known,
        "the same one again"
    );
    // The hub knows an end of it that was journaled behind the copy which this journal came from.
    assert_eq!(journal.accept(&document("a", 4), AT).unwrap(), Accepted::Revised);
    assert_eq!(revision(&journal), 4);
    let record = journal.record(&id).unwrap().unwrap();
    assert_eq!(record.write, Some(start("1")), "it is looked for first");
    assert_eq!(record.reservations.len(), 1);
    journal
        .settle(&id, &Outcome::of_state(ImportState::InDoubt))
        .unwrap();
    assert_eq!(
        journal.accept(&document("a", 3), AT).unwrap(),
        Accepted::Ended,
        "doubt is for a person"
    );
    let given_up = Outcome::of_state(ImportState::Discarded);
    journal.settle(&id, &given_up).unwrap();
    journal.mark_reported(&id, AT);
    journal.flush().unwrap();
    // So with a hub from before it was given up.
    assert_eq!(journal.accept(&document("a", 5), AT).unwrap(), Accepted::Revised);
    assert_eq!(journal.record(&id).unwrap().unwrap().write, Some(start("1")));
}

#[test]
fn a_revision_is_planned_anew_and_forgets_nothing_that_may_be_in_sage() {
    let mut journal = Journal::in_memory(&StoreId::new("m")).unwrap();
    let id = ImportId::new("a");
    let done = Done {
        name: "customer_no".into(),
        identity: "01:W1".into(),
        numbers: Numbers::from([("customer_no".to_owned(), "W1".to_owned())]),
        totals: model::Totals::new(),
        made_from: String::new(),
    };
    journal.accept(&document("a", 1), AT).unwrap();
    journal.file_plan(&id, &Plan::default()).unwrap();
    journal.pass_write(&id, &done).unwrap();
    journal.reserve(&id, &reserved("0000101")).unwrap();
    journal.start_write(&id, &start("0000101")).unwrap();
    assert_eq!(journal.record(&id).unwrap().unwrap().plan, Some(Plan::default()));
    journal
        .settle(&id, &Outcome::of_state(ImportState::InDoubt))
        .unwrap();
    journal.mark_reported(&id, AT);
    journal.flush().unwrap();
    let mut decided = document("a", 2);
    decided.decision.accept = vec!["in_doubt".into()];
    assert_eq!(journal.accept(&decided, AT).unwrap(), Accepted::Revised);
    let record = journal.record(&id).unwrap().unwrap();
    assert_eq!(
        (record.plan, record.outcome, record.reported),
        (None, None, false)
    );
    assert_eq!(record.document, decided);
    assert_eq!(record.done, [done]);
    let at_hub = Reserved {
        at_hub: true,
        ..reserved("0000101")
    };
    assert_eq!(record.reservations, [at_hub]);
    assert_eq!(
        record.write,
        Some(start("0000101")),
        "it is fenced and looked for first"
    );
    // What was refused left nothing behind.
    journal
        .settle(&id, &Outcome::of_state(ImportState::Refused))
        .unwrap();
    journal.mark_reported(&id, AT);
    journal.flush().unwrap();
    assert_eq!(journal.record(&id).unwrap().unwrap().write, None);
}

#[test]
fn what_receipts_are_allotted_to_is_kept_by_company() {
    let (_folder, file) = in_folder();
    let (company, other) = (CompanyId::new("ABC"), CompanyId::new("XYZ"));
    let mut journal = open(&file);
    assert_eq!(journal.allotments(&company).unwrap(), Allotments::default());
    let mut allotments = Allotments::default();
    allotments.keep(import::batches::Allotted {
        allotment: import::batches::Allotment {
            batch_key: "2026-05-06 VISA".into(),
            batch_no: "00012".into(),
            deposit_key: "2026-05-06".into(),
            bank_code: "A".into(),
            deposit_no: "00007".into(),
            at: AT,
        },
        left: Vec::new(),
    });
    journal.keep_allotments(&company, &allotments).unwrap();
    journal.keep_allotments(&company, &allotments).unwrap();
    drop(journal);
    let journal = open(&file);
    assert_eq!(journal.allotments(&company).unwrap(), allotments);
    assert_eq!(journal.allotments(&other).unwrap(), Allotments::default());
}

#[test]
fn a_person_thaws() {
    let mut journal = Journal::in_memory(&StoreId::new("m")).unwrap();
    let company = CompanyId::new("ABC");
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

/// Sizes of the journal's file and of its log.
fn sizes(file: &Path) -> (u64, u64) {
    let beside = file.with_file_name("journal.db-wal");
    (
        file.metadata().unwrap().len(),
        beside.metadata().map_or(0, |found| found.len()),
    )
}

#[test]
fn an_outcome_of_any_size_takes_nothing_of_the_disk_that_was_not_taken_before() {
    for words in [0, 1, 5, 20, 100] {
        let (_folder, file) = in_folder();
        let mut journal = open(&file);
        let id = ImportId::new("a");
        journal.accept(&document("a", 1), AT).unwrap();
        journal.reserve(&id, &reserved("0000101")).unwrap();
        journal.start_write(&id, &start("0000101")).unwrap();
        let taken = sizes(&file);
        assert!(
            taken.1 > 24 * 1024,
            "the log is written out before the write begins"
        );
        let mut outcome = written("0000101");
        outcome.warnings = vec!["w".repeat(240); words];
        outcome.problems = vec![Problem::new("code", "f", "m".repeat(240), "r".repeat(240)); words];
        journal.settle(&id, &outcome).unwrap();
        assert_eq!(sizes(&file), taken, "{words} words");
        // The same for the next attempt, over a room that has been used.
        journal.start_write(&id, &start("0000101")).unwrap();
        assert_eq!(journal.record(&id).unwrap().unwrap().outcome, None);
    }
}

#[test]
fn an_old_number_does_not_hide_the_highest_after_a_restart() {
    let (_folder, file) = in_folder();
    let company = CompanyId::new("ABC");
    let mut journal = open(&file);
    for (name, number) in [("a", "0000300"), ("b", "0000200"), ("c", "0000400")] {
        journal.accept(&document(name, 1), AT).unwrap();
        if name == "b" {
            drop(journal);
            journal = open(&file);
        }
        journal.settle(&ImportId::new(name), &written(number)).unwrap();
        let highest = journal.highest_written(&company).unwrap();
        let expected = if name == "c" { "0000400" } else { "0000300" };
        assert_eq!(highest.as_deref(), Some(expected), "after {number}");
    }
}

#[test]
fn a_number_that_was_reserved_and_not_used_may_come_again() {
    let company = CompanyId::new("ABC");
    let mut journal = Journal::in_memory(&StoreId::new("m")).unwrap();
    let begun = |journal: &mut Journal, name: &str, number: &str| {
        let id = ImportId::new(name);
        journal.accept(&document(name, 1), AT).unwrap();
        journal.reserve(&id, &reserved(number)).unwrap();
        journal.start_write(&id, &start(number)).unwrap();
        id
    };
    for (name, number, state) in [
        ("held", "0000101", ImportState::Held),
        ("written", "0000102", ImportState::Written),
        ("doubtful", "0000103", ImportState::InDoubt),
        ("last", "0000110", ImportState::Written),
    ] {
        let id = begun(&mut journal, name, number);
        let outcome = Outcome {
            state,
            ..written(number)
        };
        journal.settle(&id, &outcome).unwrap();
    }
    begun(&mut journal, "under_way", "0000104");
    let passed = begun(&mut journal, "passed", "0000105");
    let done = Done {
        name: "sales_order_no".into(),
        identity: "0000105".into(),
        numbers: Numbers::new(),
        totals: model::Totals::new(),
        made_from: String::new(),
    };
    journal.pass_write(&passed, &done).unwrap();
    let mut before = |given: &str| journal.highest_before(&company, given).unwrap();
    assert_eq!(before("0000101"), None, "it was dropped before it was written");
    for used in ["0000102", "0000103", "0000104", "0000105", "0000106"] {
        assert_eq!(before(used).as_deref(), Some("0000110"), "{used}");
    }
    assert_eq!(before("0000111").as_deref(), Some("0000110"));
}

#[test]
fn what_was_tried_does_not_grow_without_limit() {
    let mut journal = Journal::in_memory(&StoreId::new("m")).unwrap();
    let (id, other) = (ImportId::new("a"), ImportId::new("b"));
    let attempt = |step: String, detail: &str| Attempt {
        at: AT.to_string(),
        step,
        detail: detail.into(),
    };
    journal.note(&other, &attempt("first".into(), "kept"));
    for step in 0..MAX_ATTEMPTS + 5 {
        journal.note(&id, &attempt(step.to_string(), &"ü".repeat(1_000)));
    }
    assert!(
        journal.attempts(&id).unwrap().is_empty(),
        "what is not in the file is not told"
    );
    journal.flush().unwrap();
    let rows: i64 = journal
        .db
        .query_row("SELECT count(*) FROM attempt", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, MAX_ATTEMPTS + 1, "of the other import nothing went");
    let attempts = journal.attempts(&id).unwrap();
    assert_eq!(attempts[0].step, "5");
    assert_eq!(attempts.last().unwrap().step, (MAX_ATTEMPTS + 4).to_string());
    let detail = &attempts[0].detail;
    assert!(detail.starts_with('ü') && detail.ends_with('…'));
    assert!(detail.len() <= MAX_DETAIL_BYTES, "{}", detail.len());
    assert_eq!(journal.attempts(&other).unwrap()[0].detail, "kept");
}

#[test]
fn every_outcome_settles() {
    let mut journal = Journal::in_memory(&StoreId::new("m")).unwrap();
    let id = ImportId::new("a");
    journal.accept(&document("a", 1), AT).unwrap();
    journal.start_write(&id, &start("0000101")).unwrap();
    for text in ["\"", "\u{1}", "\\", "x", "ü", "\n"] {
        let long = text.repeat(240);
        let mut outcome = written("0000101");
        outcome
            .totals
            .insert("order_total".into(), "12.50".parse().unwrap());
        outcome.warnings = vec![long.clone(); 20];
        outcome.problems = vec![Problem::new("first", &long, &long, &long); 20];
        for outcome in [
            outcome.clone().bounded(),
            Outcome {
                warnings: vec![long.repeat(10); 100],
                problems: vec![Problem::new("first", long.repeat(10), long.repeat(10), &long); 100],
                ..outcome
            },
        ] {
            journal.settle(&id, &outcome).unwrap();
            let kept = journal.record(&id).unwrap().unwrap().outcome.unwrap();
            assert_eq!(kept.state, outcome.state);
            assert_eq!(kept.numbers, outcome.numbers);
            assert_eq!(kept.totals, outcome.totals);
            assert_eq!(kept.problems[0].code, "first");
            assert!(kept.problems[0].message.starts_with(text), "{text:?}");
            assert!(kept.problems.len() > 1 && !kept.warnings.is_empty(), "{text:?}");
        }
    }
    let mut outcome = written("0000101");
    outcome.problems = vec![Problem::new("first", "", "no", "look")];
    for total in 0..3_000 {
        outcome
            .totals
            .insert(format!("total_{total}"), "1".parse().unwrap());
    }
    journal.settle(&id, &outcome).unwrap();
    let kept = journal.record(&id).unwrap().unwrap().outcome.unwrap();
    assert_eq!(kept.problems, outcome.problems);
    assert!(kept.totals.is_empty());
}

#[test]
fn only_a_full_disk_is_called_full() {
    let failed = |code: i32| {
        JournalError::from(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(code),
            None,
        ))
    };
    assert_eq!(failed(rusqlite::ffi::SQLITE_FULL).code(), "journal_full");
    for code in [
        rusqlite::ffi::SQLITE_TOOBIG,
        rusqlite::ffi::SQLITE_IOERR,
        rusqlite::ffi::SQLITE_CORRUPT,
    ] {
        assert_ne!(failed(code).code(), "journal_full");
    }
    let mut journal = Journal::in_memory(&StoreId::new("m")).unwrap();
    let id = ImportId::new("a");
    journal.accept(&document("a", 1), AT).unwrap();
    let huge = journal.settle(&id, &written(&"1".repeat(100_000))).unwrap_err();
    assert_eq!(huge.code(), "outcome_too_large");
    assert!(!huge.is_retryable());
    journal.settle(&id, &written("1")).unwrap();
    journal
        .db
        .execute("UPDATE outcome SET content = '{'", [])
        .unwrap();
    let damaged = journal.record(&id).unwrap_err();
    assert_eq!(damaged.code(), "journal_damaged");
    assert!(!damaged.is_retryable());
}

#[test]
fn a_write_begins_together_with_its_reservation_or_not_at_all() {
    let (_folder, file) = in_folder();
    let mut journal = open(&file);
    let id = ImportId::new("a");
    journal.accept(&document("a", 1), AT).unwrap();
    journal.file_plan(&id, &Plan::default()).unwrap();
    assert_eq!(journal.record(&id).unwrap().unwrap().plan, None, "it waits");
    journal
        .db
        .execute_batch("CREATE TRIGGER failing BEFORE INSERT ON outcome BEGIN SELECT raise(ABORT, 'x'); END")
        .unwrap();
    let begin = |journal: &mut Journal| journal.reserve_and_start(&id, &reserved("1"), &start("1"));
    begin(&mut journal).unwrap_err();
    let record = journal.record(&id).unwrap().unwrap();
    assert_eq!((record.write, record.outcome), (None, None));
    assert_eq!((record.plan, record.reservations), (None, Vec::new()));
    journal.db.execute_batch("DROP TRIGGER failing").unwrap();
    begin(&mut journal).unwrap();
    journal.note_at_hub(&id, "1");
    // As a kill would leave it.
    journal.waiting.clear();
    drop(journal);
    let journal = open(&file);
    let record = journal.record(&id).unwrap().unwrap();
    assert_eq!(record.plan, Some(Plan::default()), "the plan is never behind");
    assert_eq!(
        (record.reservations, record.write),
        (vec![reserved("1")], Some(start("1")))
    );
}

#[test]
fn what_waits_never_keeps_an_outcome_from_its_room() {
    let (_folder, file) = in_folder();
    let mut journal = open(&file);
    let id = ImportId::new("a");
    journal.accept(&document("a", 1), AT).unwrap();
    journal
        .reserve_and_start(&id, &reserved("1"), &start("1"))
        .unwrap();
    let pages: u32 = journal
        .db
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    journal
        .db
        .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        .unwrap();
    let long = Attempt {
        at: AT.to_string(),
        step: "entered".into(),
        detail: "x".repeat(400),
    };
    for _ in 0..100 {
        journal.note(&id, &long);
    }
    assert!(matches!(journal.flush(), Err(JournalError::Full)));
    journal.settle(&id, &written("1")).unwrap();
    assert_eq!(journal.record(&id).unwrap().unwrap().outcome, Some(written("1")));
    assert!(journal.attempts(&id).unwrap().is_empty(), "they wait for space");
    journal
        .db
        .query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(()))
        .unwrap();
    journal.flush().unwrap();
    assert_eq!(journal.attempts(&id).unwrap().len(), 100);
}

#[test]
fn bodies_are_forgotten_after_their_time_and_what_exactly_once_needs_is_not() {
    let (_folder, file) = in_folder();
    let mut journal = open(&file);
    let company = CompanyId::new("ABC");
    let after = |days: i64| AT + jiff::SignedDuration::from_hours(24 * days);
    for (name, state) in [
        ("written", ImportState::Written),
        ("refused", ImportState::Refused),
        ("held", ImportState::Held),
        ("doubt", ImportState::InDoubt),
        ("untold", ImportState::Written),
    ] {
        let id = ImportId::new(name);
        let mut document = document(name, 1);
        document.body = serde_json::json!({ "comment": "Mr. Private" });
        document.decision.why = "Mr. Private called".into();
        journal.accept(&document, AT).unwrap();
        journal
            .file_plan(
                &id,
                &Plan {
                    warnings: vec!["Mr. Private".into()],
                    ..Plan::default()
                },
            )
            .unwrap();
        let number = format!("number-{name}");
        journal
            .reserve_and_start(&id, &reserved(&number), &start(&number))
            .unwrap();
        let attempt = Attempt {
            at: AT.to_string(),
            step: "held".into(),
            detail: "Mr. Private".into(),
        };
        journal.note(&id, &attempt);
        let mut outcome = Outcome {
            state,
            ..written(&number)
        };
        outcome
            .totals
            .insert("order_total".into(), "12.50".parse().unwrap());
        outcome.warnings = vec!["Mr. Private".into()];
        outcome.problems = vec![Problem::new("code", "comment", "Mr. Private", "look")];
        journal.settle(&id, &outcome).unwrap();
        if name != "untold" {
            journal.mark_reported(&id, after(1));
        }
    }
    journal.flush().unwrap();
    assert!(journal.ended_before(&company, after(1), 100).unwrap().is_empty());
    let due = journal.ended_before(&company, after(2), 100).unwrap();
    let ids: Vec<ImportId> = due.into_iter().map(|ended| ended.id).collect();
    assert_eq!(ids, [ImportId::new("written"), ImportId::new("refused")]);
    let hash: String = journal
        .db
        .query_row(
            "SELECT body_hash FROM document WHERE import_id = 'written'",
            [],
            |r| r.get(0),
        )
        .unwrap();
    journal.redact(&ids, after(91)).unwrap();
    // What waits for a person is not, whoever asks.
    journal.redact(&[ImportId::new("doubt")], after(91)).unwrap();
    assert!(
        journal
            .ended_before(&company, after(1_000), 100)
            .unwrap()
            .is_empty()
    );

    let id = ImportId::new("written");
    let record = journal.record(&id).unwrap().unwrap();
    assert_eq!(record.document.body, serde_json::Value::Null);
    assert_eq!(record.plan, None);
    assert_eq!(record.reservations[0].identity, "number-written");
    let outcome = record.outcome.unwrap();
    assert_eq!(outcome.numbers["sales_order_no"], "number-written");
    assert_eq!(outcome.totals["order_total"].to_string(), "12.50");
    let kept: String = journal
        .db
        .query_row(
            "SELECT body_hash FROM document WHERE import_id = 'written'",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert!(kept == hash && !hash.is_empty());
    assert_eq!(journal.redacted_at(&id).unwrap(), Some(after(91).to_string()));
    let words: i64 = journal
        .db
        .query_row(
            "SELECT (SELECT count(*) FROM document WHERE import_id IN ('written', 'refused')
                     AND (body || coalesce(plan, '') || decision) LIKE '%Private%')
                  + (SELECT count(*) FROM outcome WHERE import_id IN ('written', 'refused') AND content LIKE '%Private%')
                  + (SELECT count(*) FROM attempt WHERE import_id IN ('written', 'refused'))",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(words, 0);
    for name in ["held", "doubt", "untold"] {
        let record = journal.record(&ImportId::new(name)).unwrap().unwrap();
        assert_eq!(record.document.body["comment"], "Mr. Private", "{name}");
    }
    // The number still counts, and the document is still known.
    assert_eq!(
        journal.accept(&document("written", 1), AT).unwrap(),
        Accepted::Ended
    );
}

#[test]
fn what_was_written_before_a_thaw_keeps_its_numbers() {
    let (_folder, file) = in_folder();
    let (company, other) = (CompanyId::new("ABC"), CompanyId::new("XYZ"));
    let mut journal = open(&file);
    for (id, number) in [("a", "0000200"), ("b", "0000201"), ("c", "0000199")] {
        journal.accept(&document(id, 1), AT).unwrap();
        journal.settle(&ImportId::new(id), &written(number)).unwrap();
    }
    journal.accept(&document("held", 1), AT).unwrap();
    let mut held = Outcome::of_state(ImportState::Held);
    held.numbers = written("0000202").numbers;
    journal.settle(&ImportId::new("held"), &held).unwrap();
    assert_eq!(journal.restored_at(&company).unwrap(), None);
    // A next number beyond is no restore, one within is.
    journal.highest_before(&company, "0000202").unwrap();
    assert_eq!(journal.restored_at(&company).unwrap(), None);
    assert!(
        !journal.is_before_thaw(&company, "0000200").unwrap(),
        "nobody thawed"
    );
    assert_eq!(
        journal.highest_before(&company, "0000200").unwrap().as_deref(),
        Some("0000201")
    );
    journal.freeze(&company, "went backwards", AT).unwrap();
    journal.thaw(&company).unwrap();
    for reopened in [false, true] {
        if reopened {
            drop(journal);
            journal = open(&file);
        }
        for (number, ours) in [
            ("0000200", true),
            ("0000201", true),
            ("0000202", false),
            ("0000203", false),
        ] {
            assert_eq!(
                journal.is_before_thaw(&company, number).unwrap(),
                ours,
                "{number}"
            );
        }
        assert!(!journal.is_before_thaw(&other, "0000200").unwrap());
        assert_eq!(journal.restored_at(&company).unwrap().as_deref(), Some("0000200"));
        assert_eq!(journal.restored_at(&other).unwrap(), None);
        assert_eq!(
            journal.highest_of_all(&company).unwrap().as_deref(),
            Some("0000201")
        );
        let lost = journal.written_from(&company, "0000200").unwrap();
        let ids: Vec<&str> = lost.iter().map(|import| import.id.as_str()).collect();
        assert_eq!(
            ids,
            ["a", "b"],
            "by number, without those below and what was held"
        );
    }
    // What is written from now on is no order from before.
    journal.accept(&document("after", 1), AT).unwrap();
    journal
        .settle(&ImportId::new("after"), &written("0000203"))
        .unwrap();
    assert!(!journal.is_before_thaw(&company, "0000203").unwrap());
    drop(journal);
    assert!(!open(&file).is_before_thaw(&company, "0000203").unwrap());
}

#[test]
fn a_frozen_company_stays_so_until_a_person_thaws_it() {
    let (_folder, file) = in_folder();
    let (company, other) = (CompanyId::new("ABC"), CompanyId::new("XYZ"));
    let mut journal = open(&file);
    journal.accept(&document("a", 1), AT).unwrap();
    journal.settle(&ImportId::new("a"), &written("0000200")).unwrap();
    assert!(!journal.thaw(&company).unwrap(), "it was not frozen");
    assert_eq!(
        journal.highest_written(&company).unwrap().as_deref(),
        Some("0000200"),
        "and is watched as before"
    );
    journal.freeze(&company, "went backwards", AT).unwrap();
    journal.freeze(&other, "went backwards", AT).unwrap();
    drop(journal);

    let looked = Journal::look(&file).unwrap();
    assert!(looked.frozen(&company).unwrap().is_some());
    drop(looked);
    let mut journal = open(&file);
    assert!(journal.thaw(&company).unwrap());
    drop(journal);

    let mut journal = open(&file);
    assert_eq!(journal.frozen(&company).unwrap(), None);
    assert_eq!(journal.highest_written(&company).unwrap(), None);
    assert!(journal.frozen(&other).unwrap().is_some());
}
