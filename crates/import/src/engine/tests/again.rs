//! Numbers that are taken, writes that fail, and starts from the journal.

use super::*;
use crate::plan::ReceiptWrite;

#[test]
fn a_number_taken_is_reserved_anew_and_not_for_ever() {
    let taken = || Run::writing("101").step(Event::Entered(Entry::KeyTaken));
    assert_eq!(taken().proof(), Proof::NothingPending);
    assert_eq!(taken().found(foreign(), false).ending(), (true, None));
    assert_eq!(
        taken().found(Finding::Absent, false).ending(),
        (true, None),
        "nothing of ours was ever begun"
    );
    assert_eq!(taken().found(ours(), false).end().0, ImportState::Written);

    let mut run = taken().found(foreign(), true);
    for number in 102..200_u32 {
        run = run
            .step(Event::WriteEnded)
            .step(Event::SessionOpened(Some(SERVER)));
        if matches!(run.import.stage(), Stage::Concluding { .. }) {
            assert_eq!(run.end(), (ImportState::Held, "numbers_taken"));
            assert_eq!(run.import.reservations.len(), MAX_RESERVATIONS);
            return;
        }
        run = run
            .step(Event::IdentityGiven {
                identity: number.to_string(),
                highest: None,
            })
            .step(Event::ReservationJournaled { at: at(1).at })
            .step(Event::IdentityTaken);
        assert_eq!(run.ending(), (true, None));
    }
    panic!("it went on for ever");
}

#[test]
fn numbers_that_the_hub_has_for_other_documents_are_nobody_elses() {
    let mut run = Run::writing("101").step(Event::Entered(Entry::KeyTaken));
    run = run.found(foreign(), true).step(Event::WriteEnded);
    // One of somebody else, then those of ours.
    assert_eq!(run.import.taken_at_hub, 0);
    run.import.taken = 0;
    run = run.step(Event::SessionOpened(Some(SERVER)));
    for number in 102..200_u32 {
        if let Stage::Concluding { outcome } = run.import.stage() {
            assert_eq!(outcome.state, ImportState::Held);
            let problem = &outcome.problems[0];
            assert_eq!(problem.code, "numbers_taken");
            assert!(!problem.message.contains("somebody else"), "{problem:?}");
            assert!(problem.message.contains("up to 106"), "{problem:?}");
            return;
        }
        run = run
            .step(Event::IdentityGiven {
                identity: number.to_string(),
                highest: None,
            })
            .step(Event::ReservationJournaled { at: at(1).at })
            .step(Event::IdentityTaken)
            .step(Event::WriteEnded)
            .step(Event::SessionOpened(Some(SERVER)));
    }
    panic!("it went on for ever");
}

#[test]
fn without_a_number_of_its_own_it_is_held() {
    let problem = Problem::new("numbers_taken", "", "all of ours", "raise it");
    let mut run = Run::writing("101").step(Event::Entered(Entry::KeyTaken));
    run = run.found(foreign(), true).step(Event::WriteEnded);
    run = run
        .step(Event::SessionOpened(Some(SERVER)))
        .step(Event::IdentityHeld(problem));
    assert_eq!(run.end(), (ImportState::Held, "numbers_taken"));
}

#[test]
fn a_write_that_keeps_failing_is_held() {
    let mut run = Run::faulted(true);
    for _ in 0..20 {
        run = run.step(Event::Fenced(true)).found(Finding::Absent, true);
        if matches!(run.import.stage(), Stage::Concluding { .. }) {
            assert_eq!(run.end(), (ImportState::Held, "write_keeps_failing"));
            return;
        }
        run = run.step(Event::WriteEnded);
        let until = run.import.waiting().unwrap().until;
        let (import, commands) = run.import.step(Event::Due, &Moment { at: until, random: 0 });
        run = Run { import, commands }
            .step(Event::SessionOpened(Some(SERVER)))
            .step(Event::ReservedAtHub);
        assert_eq!(
            run.commands,
            [Command::JournalWriteStarted {
                name: "sales_order_no".into(),
                identity: "101".into(),
                server: Some(SERVER)
            }]
        );
        let fault = Fault {
            code: 1,
            message: "lost".into(),
        };
        run = run
            .step(Event::WriteStarted)
            .step(Event::Entered(Entry::Faulted { fault, began: true }));
    }
    panic!("it went on for ever");
}

#[test]
fn a_locked_number_is_given_up_after_a_while() {
    let condition = Condition::RecordLocked;
    let mut run = Run::writing("101");
    for _ in 0..MAX_LOCKED {
        run = run.step(Event::Entered(Entry::Condition {
            condition,
            detail: String::new(),
            at_header_write: false,
        }));
        assert_eq!(run.ending(), (false, Some(Obstacle::Sage(condition))));
        run = run.step(Event::WriteEnded);
        let until = run.import.waiting().unwrap().until;
        let (import, commands) = run.import.step(Event::Due, &Moment { at: until, random: 0 });
        run = Run { import, commands }
            .step(Event::SessionOpened(Some(SERVER)))
            .step(Event::ReservedAtHub)
            .step(Event::WriteStarted);
    }
    run = run.step(Event::Entered(Entry::Condition {
        condition,
        detail: String::new(),
        at_header_write: false,
    }));
    assert_eq!(run.ending(), (true, None));
    let run = run
        .step(Event::WriteEnded)
        .step(Event::SessionOpened(Some(SERVER)));
    assert_eq!(run.commands, [Command::NextIdentity { write: 0 }]);
}

#[test]
fn a_number_that_went_backwards_freezes() {
    let run = Run::of(&planned())
        .step(Event::SessionOpened(None))
        .step(Event::IdentityGiven {
            identity: "0000099".into(),
            highest: Some("0000120".into()),
        });
    assert!(matches!(
        &run.commands[..],
        [Command::Freeze { .. }, Command::JournalOutcome { .. }]
    ));
    assert_eq!(run.end(), (ImportState::Held, "restored_from_backup"));
    let run = Run::of(&planned()).step(Event::Frozen("went backwards".into()));
    assert_eq!(run.end(), (ImportState::Held, "restored_from_backup"));
    assert!(
        !went_backwards("A000099", "0000120"),
        "other numbers cannot be compared"
    );
    assert!(went_backwards("0000120", "0000120"));
}

#[test]
fn an_order_that_is_missing_without_trace_freezes() {
    let missing = |keeps_history| {
        let mut run = Run::done();
        for _ in 1..MAX_UNCLEAR {
            run = run.found(Finding::Absent, keeps_history);
            assert!(matches!(&run.commands[..], [Command::Announce { .. }]));
            let until = run.import.waiting().unwrap().until;
            let (import, commands) = run.import.step(Event::Due, &Moment { at: until, random: 0 });
            run = Run { import, commands };
        }
        run.found(Finding::Absent, keeps_history)
    };
    let run = missing(true);
    assert_eq!(run.end(), (ImportState::InDoubt, "missing_after_write"));
    match &run.commands[..] {
        [Command::Freeze { reason }, Command::JournalOutcome { .. }] => {
            assert!(reason.contains("101") && reason.contains("restored from a backup"));
        }
        other => panic!("{other:?}"),
    }
    // Without history it may just have been completed.
    let run = missing(false);
    assert_eq!(run.end(), (ImportState::InDoubt, "missing_after_write"));
    assert!(matches!(&run.commands[..], [Command::JournalOutcome { .. }]));
    // What was never said to be written may be absent.
    let run = Run::faulted(true)
        .step(Event::Fenced(true))
        .found(Finding::Absent, true);
    assert!(matches!(&run.commands[..], [Command::JournalWriteEnded { .. }]));
}

#[test]
fn after_a_crash_the_journal_says_where_to_go_on() {
    // Nothing was reserved.
    assert_eq!(Run::of(&record()).commands, [Command::Plan]);
    // Reserved, and no write begun: looked up, then written under the same number.
    let mut known = planned();
    known.reservations = vec![reserved("101", Source::Journal)];
    let run = Run::of(&known);
    assert_eq!(run.proof(), Proof::NothingPending);
    let run = run
        .found(Finding::Absent, false)
        .step(Event::WriteEnded)
        .step(Event::SessionOpened(None))
        .step(Event::ReservedAtHub);
    assert_eq!(
        run.commands,
        [Command::JournalWriteStarted {
            name: "sales_order_no".into(),
            identity: "101".into(),
            server: None
        }]
    );
    // A write was begun: the process that the journal names is fenced.
    known.write = Some(start("101"));
    let run = Run::of(&known);
    assert_eq!(
        run.commands,
        [Command::KillWorker, Command::Fence { server: Some(SERVER) }]
    );
    assert_eq!(run.step(Event::Fenced(true)).proof(), Proof::Fenced);
    // It had ended: only the report is left, or nothing.
    known.outcome = Some(Outcome::of_state(ImportState::Refused));
    assert!(matches!(&Run::of(&known).commands[..], [Command::Report { .. }]));
    known.reported = true;
    assert!(Run::of(&known).commands.is_empty());
}

#[test]
fn what_only_the_hub_remembers_is_read_back_and_never_written_again() {
    let mut lost = planned();
    lost.reservations = vec![reserved("101", Source::Hub), reserved("102", Source::Hub)];
    let number = |run: &Run| match run.import.stage() {
        Stage::Reading { inquiry } => inquiry.identity.clone(),
        other => panic!("{other:?}"),
    };
    let run = Run::of(&lost);
    assert_eq!((run.proof(), number(&run).as_str()), (Proof::Open, "101"));
    let run = run.found(foreign(), true);
    assert_eq!(
        (run.proof(), number(&run).as_str()),
        (Proof::Open, "102"),
        "every number is looked up"
    );
    assert_eq!(
        run.found(Finding::Absent, true).end(),
        (ImportState::InDoubt, "fence_unknown")
    );
    let run = Run::of(&lost).found(Finding::Absent, true).found(ours(), true);
    assert_eq!(
        run.outcome().numbers.get("sales_order_no").map(String::as_str),
        Some("102")
    );
}

/// A receipt under a deposit's key.
fn receipt() -> Plan {
    let receipt = ReceiptWrite {
        customer: CustomerSource::Known(CustomerRef {
            ar_division_no: "01".into(),
            customer_no: "ABF".into(),
        }),
        check_no: "WEB0000001".into(),
        batch_key: "2026-05-06".into(),
        batch_comment: "WEB 2026-05-06".into(),
        deposit_key: "2026-05-06 C".into(),
        bank_code: "A".into(),
        deposit_type: "C".into(),
        deposit_date: values::Date::constant(2026, 5, 6),
        amount: values::Decimal::new(1_000, 2),
        settings: Vec::new(),
        lines: Vec::new(),
        is_filed: false,
    };
    Plan {
        writes: vec![Write::Receipt(receipt)],
        ..order_plan()
    }
}

#[test]
fn a_batch_that_is_posted_after_a_lost_write_leaves_no_doubt() {
    let identity = "00002:A:00505:01:ABF:WEB0000001";
    let begun = Record {
        plan: Some(receipt()),
        reservations: vec![Reserved {
            name: "receipt".into(),
            ..reserved(identity, Source::Journal)
        }],
        write: Some(WriteStart {
            name: "receipt".into(),
            ..start(identity)
        }),
        ..record()
    };
    let run = Run::of(&begun)
        .step(Event::Fenced(true))
        .found(Finding::Absent, true)
        .step(Event::WriteEnded)
        .step(Event::SessionOpened(Some(SERVER)))
        .step(Event::ReservedAtHub)
        .step(Event::WriteStarted)
        .step(Event::Entered(Entry::KeyTaken))
        .found(Finding::Absent, true);
    assert_eq!(run.ending(), (true, None), "another batch is chosen");
}

#[test]
fn what_stands_under_a_number_that_never_came_to_the_hub_is_somebody_elses() {
    let of = |at_hub: bool| {
        let only_reserved = Record {
            plan: Some(order_plan()),
            reservations: vec![Reserved {
                at_hub,
                ..reserved("101", Source::Journal)
            }],
            ..record()
        };
        let why = "entered by our Sage user, and it is not this one".into();
        Run::of(&only_reserved).found(Finding::Unclear { why }, true)
    };
    assert_eq!(of(false).ending(), (true, None), "another number is drawn");
    // The journal may be an old copy: what the hub knows may have been written.
    let run = of(true);
    assert_eq!(run.import.waiting().unwrap().obstacle, Obstacle::ReadBackUnclear);
}
