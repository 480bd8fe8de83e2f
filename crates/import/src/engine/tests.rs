#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it does not expect"
)]

use model::{ImportKind, Totals};
use sage::Fault;
use values::{CompanyId, ImportId};

use super::*;
use crate::read_back::Finding;
use crate::record::{Document, WriteStart};

const SERVER: ServerProcess = ServerProcess {
    pid: 7,
    started_at: 9,
};

fn at(second: i64) -> Moment {
    Moment {
        at: Timestamp::from_second(second).unwrap(),
        random: 0,
    }
}

fn record() -> Record {
    Record {
        document: Document {
            id: ImportId::new("a"),
            company: CompanyId::new("ABC"),
            kind: ImportKind::SalesOrder,
            revision: 1,
            body: serde_json::Value::Null,
        },
        reservations: Vec::new(),
        write: None,
        outcome: None,
        reported: false,
    }
}

fn reserved(number: &str, source: Source) -> Reserved {
    Reserved {
        number: number.into(),
        at: at(1).at,
        source,
        at_hub: true,
        verdict: Verdict::Open,
    }
}

fn start(number: &str) -> WriteStart {
    WriteStart {
        number: number.into(),
        at: at(2).at,
        server: Some(SERVER),
    }
}

/// Steps an import and keeps its last commands.
struct Run {
    import: Import,
    commands: Vec<Command>,
}

impl Run {
    fn of(record: &Record) -> Self {
        let (import, commands) = Import::resume(record);
        Self { import, commands }
    }

    fn step(mut self, event: Event) -> Self {
        let (import, commands) = self.import.step(event, &at(100));
        self.import = import;
        self.commands = commands;
        self
    }

    /// Up to the write under `number`, the first time.
    fn writing(number: &str) -> Self {
        Self::of(&record())
            .step(Event::Validated(Vec::new()))
            .step(Event::SessionOpened(Some(SERVER)))
            .step(Event::NumberGiven {
                number: number.into(),
                highest: None,
            })
            .step(Event::ReservationJournaled { at: at(1).at })
            .step(Event::ReservedAtHub)
            .step(Event::WriteStarted)
    }

    fn found(self, finding: Finding, keeps_history: bool) -> Self {
        self.step(Event::ReadBack {
            finding,
            keeps_history,
        })
    }

    fn faulted(began: bool) -> Self {
        let fault = Fault {
            code: 1,
            message: "lost".into(),
        };
        Self::writing("101").step(Event::Entered(Entry::Faulted { fault, began }))
    }

    fn done() -> Self {
        let totals = Totals::from([("order_total".to_owned(), values::Decimal::new(500, 2))]);
        let entry = Entry::Entered {
            totals,
            extension: None,
            warnings: vec!["PO used twice".into()],
        };
        Self::writing("101").step(Event::Entered(entry))
    }

    fn proof(&self) -> Proof {
        match self.import.stage() {
            Stage::Reading { inquiry } => inquiry.proof,
            other => panic!("{other:?}"),
        }
    }

    fn outcome(&self) -> &Outcome {
        match self.commands.last() {
            Some(Command::JournalOutcome { outcome }) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// The outcome's state and first problem.
    fn end(&self) -> (ImportState, &str) {
        let outcome = self.outcome();
        (
            outcome.state,
            outcome.problems.first().map_or("", |p| p.code.as_str()),
        )
    }

    fn ending(&self) -> (bool, Option<Obstacle>) {
        match self.import.stage() {
            Stage::Ending { foreign, then_wait } => (*foreign, *then_wait),
            other => panic!("{other:?}"),
        }
    }
}

fn ours() -> Finding {
    let totals = Totals::from([("order_total".to_owned(), values::Decimal::new(700, 2))]);
    Finding::Ours {
        totals,
        notes: Vec::new(),
    }
}

fn foreign() -> Finding {
    Finding::Foreign {
        whose: "SUE's".into(),
    }
}

#[test]
fn a_good_order_goes_straight_through() {
    let run = Run::of(&record());
    assert_eq!(run.commands, [Command::Validate]);
    let run = run.step(Event::Validated(Vec::new()));
    assert_eq!(run.commands, [Command::OpenSession]);
    let run = run.step(Event::SessionOpened(Some(SERVER)));
    assert_eq!(run.commands, [Command::NextNumber]);
    let run = run.step(Event::NumberGiven {
        number: "101".into(),
        highest: Some("100".into()),
    });
    assert_eq!(
        run.commands,
        [Command::JournalReservation { number: "101".into() }]
    );
    let run = run.step(Event::ReservationJournaled { at: at(1).at });
    assert!(matches!(&run.commands[..], [Command::ReserveAtHub { reserved }] if reserved.number == "101"));
    let run = run.step(Event::ReservedAtHub);
    assert_eq!(
        run.commands,
        [Command::JournalWriteStarted {
            number: "101".into(),
            server: Some(SERVER)
        }]
    );
    let run = run.step(Event::WriteStarted);
    assert_eq!(run.commands, [Command::EnterOrder { number: "101".into() }]);
    assert_eq!(run.import.standing().state, ImportState::Writing);
    drop(run);
    let run = Run::done();
    assert!(matches!(&run.commands[..], [Command::ReadBack { inquiry }] if inquiry.is_said_written()));
    let run = run.found(ours(), false);
    assert_eq!(run.end(), (ImportState::Written, ""));
    let outcome = run.outcome().clone();
    assert_eq!(
        outcome.totals["order_total"].to_string(),
        "5.00",
        "Sage's own answer counts"
    );
    assert_eq!(outcome.warnings, ["PO used twice"]);
    let run = run.step(Event::OutcomeJournaled);
    assert_eq!(run.commands, [Command::Report { outcome }]);
    let run = run.step(Event::Reported);
    assert!(run.commands.is_empty() && run.import.due_at().is_none());
}

#[test]
fn problems_refuse_before_sage_is_asked() {
    let problem = Problem::new("item_unknown", "lines[0].item_code", "x", "y");
    let run = Run::of(&record()).step(Event::Validated(vec![problem.clone()]));
    assert_eq!(run.outcome().problems, [problem]);
    assert_eq!(run.end().0, ImportState::Refused);
}

#[test]
fn sages_refusal_before_the_write_is_final_and_at_the_write_is_read_back() {
    let problem = Problem::new("item_refused", "lines[0].item_code", "x", "y");
    let refused = |at_header_write| {
        let entry = Entry::Refused {
            problem: problem.clone(),
            at_header_write,
            warnings: Vec::new(),
        };
        Run::writing("101").step(Event::Entered(entry))
    };
    assert_eq!(refused(false).end(), (ImportState::Refused, "item_refused"));
    assert_eq!(refused(true).proof(), Proof::NothingPending);
    assert_eq!(
        refused(true).found(Finding::Absent, false).end(),
        (ImportState::Refused, "item_refused")
    );
    assert_eq!(refused(true).found(ours(), false).end().0, ImportState::Written);
    assert_eq!(
        refused(true).found(foreign(), false).ending(),
        (true, None),
        "the number may be the reason"
    );
}

#[test]
fn conditions_wait_and_keep_the_number() {
    let condition = Condition::SubscriptionLapsed;
    let obstacle = Obstacle::Sage(condition);
    for at_header_write in [false, true] {
        let mut run = Run::writing("101").step(Event::Entered(Entry::Condition {
            condition,
            at_header_write,
        }));
        if at_header_write {
            run = run.found(Finding::Absent, false);
        }
        assert_eq!(
            run.commands,
            [Command::JournalWriteEnded {
                number: "101".into(),
                foreign: false
            }]
        );
        let run = run.step(Event::WriteEnded);
        let waiting = run.import.waiting().unwrap().clone();
        assert_eq!((waiting.obstacle, waiting.until), (obstacle, at(3700).at));
        assert!(
            matches!(&run.commands[..], [Command::Announce { standing }] if standing.state == ImportState::Waiting)
        );
        let early = run.step(Event::Due);
        assert!(early.commands.is_empty());
        let (import, commands) = early.import.step(Event::Due, &at(3700));
        assert_eq!(commands, [Command::OpenSession]);
        let (_, commands) = import.step(Event::SessionOpened(Some(SERVER)), &at(3700));
        assert_eq!(
            commands,
            [Command::JournalWriteStarted {
                number: "101".into(),
                server: Some(SERVER)
            }]
        );
    }
}

#[test]
fn every_step_may_be_blocked_and_is_taken_again() {
    let blocked = |obstacle| Event::Blocked {
        obstacle,
        detail: "words".into(),
    };
    let given = || Event::NumberGiven {
        number: "101".into(),
        highest: None,
    };
    let opening = || Run::of(&record()).step(Event::Validated(Vec::new()));
    let numbering = || opening().step(Event::SessionOpened(None));
    let keeping = || numbering().step(given());
    let announcing = || keeping().step(Event::ReservationJournaled { at: at(1).at });
    let starting = || announcing().step(Event::ReservedAtHub);
    let again = |run: Run, obstacle| {
        let run = run.step(blocked(obstacle));
        let waiting = run.import.waiting().unwrap();
        assert_eq!(
            (waiting.obstacle, waiting.tries, waiting.detail.as_str()),
            (obstacle, 1, "words")
        );
        let until = waiting.until;
        let (_, commands) = run.import.step(Event::Due, &Moment { at: until, random: 0 });
        commands.into_iter().next().unwrap()
    };
    assert_eq!(
        again(Run::of(&record()), Obstacle::ReaderUnavailable),
        Command::Validate
    );
    assert_eq!(
        again(opening(), Obstacle::Sage(Condition::NoSeat)),
        Command::OpenSession
    );
    assert_eq!(
        again(numbering(), Obstacle::SageUnreachable),
        Command::OpenSession
    );
    assert_eq!(again(keeping(), Obstacle::JournalFull), Command::OpenSession);
    assert_eq!(
        again(announcing(), Obstacle::HubUnreachable),
        Command::OpenSession
    );
    assert_eq!(again(starting(), Obstacle::JournalFull), Command::OpenSession);
    assert!(matches!(
        again(Run::done(), Obstacle::ReaderUnavailable),
        Command::ReadBack { .. }
    ));
    let concluding = Run::done().found(ours(), true);
    assert!(matches!(
        again(concluding, Obstacle::JournalFull),
        Command::JournalOutcome { .. }
    ));
    let reporting = Run::done().found(ours(), true).step(Event::OutcomeJournaled);
    assert!(matches!(
        again(reporting, Obstacle::HubUnreachable),
        Command::Report { .. }
    ));
    let ending = Run::faulted(true)
        .step(Event::Fenced(true))
        .found(foreign(), true);
    assert!(matches!(
        again(ending, Obstacle::JournalFull),
        Command::JournalWriteEnded { .. }
    ));
    assert_eq!(
        again(Run::writing("101"), Obstacle::ReaderUnavailable),
        Command::KillWorker,
        "a write is never just repeated"
    );
    let twice = opening()
        .step(blocked(Obstacle::JournalFull))
        .step(blocked(Obstacle::JournalFull));
    assert_eq!(twice.import.waiting().unwrap().tries, 2);
}

#[test]
fn a_worker_lost_before_the_write_is_started_anew() {
    let run = Run::of(&record())
        .step(Event::Validated(Vec::new()))
        .step(Event::SessionOpened(None))
        .step(Event::WorkerLost { detail: "x".into() });
    assert_eq!(run.commands[0], Command::KillWorker);
    assert_eq!(run.import.waiting().unwrap().obstacle, Obstacle::SageUnreachable);
}

#[test]
fn a_lost_write_is_fenced_before_it_is_read_back() {
    let run = Run::faulted(true);
    assert_eq!(
        run.commands,
        [Command::KillWorker, Command::Fence { server: Some(SERVER) }]
    );
    assert_eq!(run.step(Event::Fenced(true)).proof(), Proof::Fenced);
    assert_eq!(Run::faulted(true).step(Event::Fenced(false)).proof(), Proof::Open);
    // Nothing was begun: nothing can follow, whoever still runs.
    assert_eq!(
        Run::faulted(false).step(Event::Fenced(false)).proof(),
        Proof::NothingPending
    );
}

#[test]
fn what_is_found_after_a_lost_write_decides() {
    let fenced = || Run::faulted(true).step(Event::Fenced(true));
    let open = || Run::faulted(true).step(Event::Fenced(false));
    let unbegun = || Run::faulted(false).step(Event::Fenced(false));
    let again = (false, Some(Obstacle::WriteFailed));
    assert_eq!(fenced().found(Finding::Absent, true).ending(), again);
    assert_eq!(unbegun().found(Finding::Absent, false).ending(), again);
    assert_eq!(
        fenced().found(Finding::Absent, false).end(),
        (ImportState::InDoubt, "history_not_kept")
    );
    assert_eq!(
        open().found(Finding::Absent, true).end(),
        (ImportState::InDoubt, "fence_unknown")
    );
    assert_eq!(fenced().found(foreign(), false).ending(), (true, None));
    assert_eq!(
        open().found(foreign(), true).end(),
        (ImportState::InDoubt, "fence_unknown")
    );
    for run in [fenced(), open(), unbegun()] {
        let run = run.found(ours(), false);
        assert_eq!(run.end(), (ImportState::Written, ""));
        assert_eq!(
            run.outcome().totals["order_total"].to_string(),
            "7.00",
            "from the record found"
        );
    }
}

#[test]
fn what_contradicts_itself_is_read_again_and_then_left_to_a_person() {
    let partial = || Finding::Partial {
        what: "no lines".into(),
    };
    let unclear = || Finding::Unclear {
        why: "two readings".into(),
    };
    for (finding, code) in [
        (partial(), "partial"),
        (unclear(), "unclear"),
        (Finding::Absent, "missing_after_write"),
    ] {
        let mut run = Run::done();
        for _ in 1..MAX_UNCLEAR {
            run = run.found(finding.clone(), true);
            assert_eq!(run.import.waiting().unwrap().obstacle, Obstacle::ReadBackUnclear);
            let until = run.import.waiting().unwrap().until;
            let (import, commands) = run.import.step(Event::Due, &Moment { at: until, random: 0 });
            assert!(matches!(&commands[..], [Command::ReadBack { .. }]));
            run = Run { import, commands };
        }
        let run = run.found(finding, true);
        assert_eq!(run.end(), (ImportState::InDoubt, code));
        assert_eq!(run.outcome().sales_order_no.as_deref(), Some("101"));
        assert!(!run.outcome().problems[0].remedy.is_empty());
    }
    assert_eq!(
        Run::done().found(foreign(), true).end(),
        (ImportState::InDoubt, "foreign_after_write")
    );
}

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
            .step(Event::NumberGiven {
                number: number.to_string(),
                highest: None,
            })
            .step(Event::ReservationJournaled { at: at(1).at })
            .step(Event::IdentityTaken);
        assert_eq!(run.ending(), (true, None));
    }
    panic!("it went on for ever");
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
        run = Run { import, commands }.step(Event::SessionOpened(Some(SERVER)));
        assert_eq!(
            run.commands,
            [Command::JournalWriteStarted {
                number: "101".into(),
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
            at_header_write: false,
        }));
        assert_eq!(run.ending(), (false, Some(Obstacle::Sage(condition))));
        run = run.step(Event::WriteEnded);
        let until = run.import.waiting().unwrap().until;
        let (import, commands) = run.import.step(Event::Due, &Moment { at: until, random: 0 });
        run = Run { import, commands }
            .step(Event::SessionOpened(Some(SERVER)))
            .step(Event::WriteStarted);
    }
    run = run.step(Event::Entered(Entry::Condition {
        condition,
        at_header_write: false,
    }));
    assert_eq!(run.ending(), (true, None));
    let run = run
        .step(Event::WriteEnded)
        .step(Event::SessionOpened(Some(SERVER)));
    assert_eq!(run.commands, [Command::NextNumber]);
}

#[test]
fn a_number_that_went_backwards_freezes() {
    let run = Run::of(&record())
        .step(Event::Validated(Vec::new()))
        .step(Event::SessionOpened(None))
        .step(Event::NumberGiven {
            number: "0000099".into(),
            highest: Some("0000120".into()),
        });
    assert!(matches!(
        &run.commands[..],
        [Command::Freeze { .. }, Command::JournalOutcome { .. }]
    ));
    assert_eq!(run.end(), (ImportState::Held, "restored_from_backup"));
    let run = Run::of(&record())
        .step(Event::Validated(Vec::new()))
        .step(Event::Frozen("went backwards".into()));
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
    assert_eq!(Run::of(&record()).commands, [Command::Validate]);
    // Reserved, and no write begun: looked up, then written under the same number.
    let mut known = record();
    known.reservations = vec![reserved("101", Source::Journal)];
    let run = Run::of(&known);
    assert_eq!(run.proof(), Proof::NothingPending);
    let run = run
        .found(Finding::Absent, false)
        .step(Event::WriteEnded)
        .step(Event::SessionOpened(None));
    assert_eq!(
        run.commands,
        [Command::JournalWriteStarted {
            number: "101".into(),
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
    let mut lost = record();
    lost.reservations = vec![reserved("101", Source::Hub), reserved("102", Source::Hub)];
    let number = |run: &Run| match run.import.stage() {
        Stage::Reading { inquiry } => inquiry.number.clone(),
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
    assert_eq!(run.outcome().sales_order_no.as_deref(), Some("102"));
}

#[test]
fn an_event_out_of_place_changes_nothing() {
    let run = Run::of(&record())
        .step(Event::ReservedAtHub)
        .step(Event::Reported)
        .step(Event::Fenced(true));
    assert_eq!(run.import.stage(), &Stage::Journaled);
    assert!(run.commands.is_empty());
}
