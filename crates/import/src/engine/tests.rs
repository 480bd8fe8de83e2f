#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it does not expect"
)]

use model::{CustomerRef, Decision, ImportKind, Numbers, OrderType, Totals};
use sage::Fault;
use values::{CompanyId, ImportId};

use super::*;
use crate::plan::{CustomerSource, OrderChecks, OrderWrite};
use crate::read_back::Finding;
use crate::record::{Document, Record};

mod again;
mod proof;
mod several;

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
            decision: Decision::default(),
        },
        plan: None,
        done: Vec::new(),
        reservations: Vec::new(),
        write: None,
        outcome: None,
        reported: false,
    }
}

/// The same with its plan.
fn planned() -> Record {
    Record {
        plan: Some(order_plan()),
        ..record()
    }
}

fn order_plan() -> Plan {
    let order = OrderWrite {
        customer: CustomerSource::Known(CustomerRef {
            ar_division_no: "01".into(),
            customer_no: "ABF".into(),
        }),
        ship_to: None,
        order_type: OrderType::Standard,
        customer_po_no: String::new(),
        order_date: None,
        header: Vec::new(),
        lines: Vec::new(),
        closing: Vec::new(),
        checks: OrderChecks::default(),
        made_from: String::from("mark"),
    };
    Plan {
        writes: vec![Write::SalesOrder(order)],
        ..Plan::default()
    }
}

fn ready() -> Event {
    Event::Planned(Planned::Ready(order_plan()))
}

fn entered(totals: Totals, warnings: Vec<String>) -> Event {
    Event::Entered(Entry::Entered {
        totals,
        numbers: Numbers::new(),
        extension: None,
        lines: Vec::new(),
        warnings,
    })
}

fn reserved(number: &str, source: Source) -> Reserved {
    Reserved {
        name: "sales_order_no".into(),
        identity: number.into(),
        at: at(1).at,
        source,
        at_hub: true,
        verdict: Verdict::Open,
    }
}

fn start(number: &str) -> WriteStart {
    WriteStart {
        name: "sales_order_no".into(),
        identity: number.into(),
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
            .step(ready())
            .step(Event::PlanJournaled)
            .step(Event::SessionOpened(Some(SERVER)))
            .step(Event::IdentityGiven {
                identity: number.into(),
                highest: None,
            })
            .step(Event::ReservationJournaled { at: at(1).at })
            .step(Event::ReservedAtHub)
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
        Self::writing("101").step(entered(totals, vec!["PO used twice".into()]))
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
            Stage::Ending { foreign, then_wait } => {
                (*foreign, then_wait.as_ref().map(|(obstacle, _)| *obstacle))
            }
            other => panic!("{other:?}"),
        }
    }
}

fn ours() -> Finding {
    let totals = Totals::from([("order_total".to_owned(), values::Decimal::new(700, 2))]);
    Finding::Ours {
        totals,
        numbers: Numbers::new(),
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
    assert_eq!(run.commands, [Command::Plan]);
    let run = run.step(ready());
    assert_eq!(run.commands, [Command::JournalPlan { plan: order_plan() }]);
    let run = run.step(Event::PlanJournaled);
    assert_eq!(run.commands, [Command::OpenSession { write: 0 }]);
    let run = run.step(Event::SessionOpened(Some(SERVER)));
    assert_eq!(run.commands, [Command::NextIdentity { write: 0 }]);
    let run = run.step(Event::IdentityGiven {
        identity: "101".into(),
        highest: Some("100".into()),
    });
    assert_eq!(
        run.commands,
        [Command::JournalReservation {
            name: "sales_order_no".into(),
            identity: "101".into(),
            server: Some(SERVER)
        }]
    );
    let run = run.step(Event::ReservationJournaled { at: at(1).at });
    assert!(matches!(&run.commands[..], [Command::ReserveAtHub { reserved }] if reserved.identity == "101"));
    let run = run.step(Event::ReservedAtHub);
    assert_eq!(
        run.commands,
        [Command::Enter {
            write: 0,
            identity: "101".into()
        }]
    );
    assert_eq!(run.import.standing().state, ImportState::Writing);
    drop(run);
    let run = Run::done();
    assert!(matches!(&run.commands[..], [Command::ReadBack { inquiry, .. }] if inquiry.is_said_written()));
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
    let run = Run::of(&record()).step(Event::Planned(Planned::Refused(vec![problem.clone()])));
    assert_eq!(run.outcome().problems, [problem]);
    assert_eq!(run.end().0, ImportState::Refused);
}

#[test]
fn sages_refusal_before_the_write_is_final_and_at_the_write_is_read_back() {
    let problem = Problem::new("item_refused", "lines[0].item_code", "x", "y");
    let refused = |at_header_write| {
        let entry = Entry::Refused {
            problems: vec![problem.clone()],
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
            detail: String::new(),
            at_header_write,
        }));
        if at_header_write {
            run = run.found(Finding::Absent, false);
        }
        assert_eq!(
            run.commands,
            [Command::JournalWriteEnded {
                name: "sales_order_no".into(),
                identity: "101".into(),
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
        assert_eq!(commands, [Command::OpenSession { write: 0 }]);
        let (import, commands) = import.step(Event::SessionOpened(Some(SERVER)), &at(3700));
        assert!(
            matches!(&commands[..], [Command::ReserveAtHub { .. }]),
            "the hub says whether we are still the writer"
        );
        let (_, commands) = import.step(Event::ReservedAtHub, &at(3700));
        assert_eq!(
            commands,
            [Command::JournalWriteStarted {
                name: "sales_order_no".into(),
                identity: "101".into(),
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
    let given = || Event::IdentityGiven {
        identity: "101".into(),
        highest: None,
    };
    let opening = || Run::of(&planned());
    let numbering = || opening().step(Event::SessionOpened(None));
    let keeping = || numbering().step(given());
    let announcing = || keeping().step(Event::ReservationJournaled { at: at(1).at });
    let starting = || {
        Run::of(&Record {
            reservations: vec![reserved("101", Source::Journal)],
            ..planned()
        })
        .found(Finding::Absent, true)
        .step(Event::WriteEnded)
        .step(Event::SessionOpened(None))
        .step(Event::ReservedAtHub)
    };
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
        Command::Plan
    );
    assert!(matches!(
        again(Run::of(&record()).step(ready()), Obstacle::JournalFull),
        Command::JournalPlan { .. }
    ));
    assert_eq!(
        again(opening(), Obstacle::Sage(Condition::NoSeat)),
        Command::OpenSession { write: 0 }
    );
    assert_eq!(
        again(numbering(), Obstacle::SageUnreachable),
        Command::OpenSession { write: 0 }
    );
    assert_eq!(
        again(keeping(), Obstacle::JournalFull),
        Command::OpenSession { write: 0 }
    );
    // The beginning of the write is taken back before the wait.
    assert_eq!(announcing().import.begun_only().unwrap().identity, "101");
    assert!(Run::writing("101").import.begun_only().is_none());
    let run = announcing().step(blocked(Obstacle::HubUnreachable));
    assert_eq!(run.ending(), (false, Some(Obstacle::HubUnreachable)));
    assert!(matches!(
        &run.commands[..],
        [Command::JournalWriteEnded { foreign: false, .. }]
    ));
    let run = run.step(Event::WriteEnded);
    assert_eq!(run.import.waiting().unwrap().obstacle, Obstacle::HubUnreachable);
    let (import, commands) = run.import.step(Event::Due, &at(10_000));
    assert_eq!(commands, [Command::OpenSession { write: 0 }]);
    let (_, commands) = import.step(Event::SessionOpened(None), &at(10_000));
    assert!(matches!(&commands[..], [Command::ReserveAtHub { .. }]));
    assert_eq!(
        again(starting(), Obstacle::JournalFull),
        Command::OpenSession { write: 0 }
    );
    assert!(matches!(
        again(Run::done(), Obstacle::ReaderUnavailable),
        Command::ReadBack { .. }
    ));
    let concluding = || Run::done().found(ours(), true);
    let refused = || {
        let problem = Problem::new("item_unknown", "lines[0].item_code", "x", "y");
        Run::of(&record()).step(Event::Planned(Planned::Refused(vec![problem])))
    };
    for (run, wanted) in [
        (concluding(), ImportState::Writing),
        (refused(), ImportState::Waiting),
    ] {
        let run = run.step(blocked(Obstacle::JournalFull));
        let [Command::Announce { standing }] = &run.commands[..] else {
            panic!("{:?}", run.commands);
        };
        assert_eq!(standing.state, wanted, "an end is told when it is journaled");
        assert_eq!(standing.problems[0].code, "journal_full");
    }
    let concluding = concluding();
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
    let run = Run::of(&planned())
        .step(Event::SessionOpened(None))
        .step(Event::WorkerLost { detail: "x".into() });
    assert_eq!(run.commands[0], Command::KillWorker);
    assert_eq!(run.import.waiting().unwrap().obstacle, Obstacle::SageUnreachable);
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
