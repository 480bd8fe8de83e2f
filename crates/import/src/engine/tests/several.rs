//! Documents of more than one record, decisions of a person, and plans that end early.

use super::*;
use crate::plan::{CustomerWrite, NumberSource};

/// A customer and its order.
fn two() -> Plan {
    let customer = CustomerWrite {
        ar_division_no: "01".into(),
        number: NumberSource::SageNext,
        settings: Vec::new(),
    };
    let mut plan = order_plan();
    plan.writes.insert(0, Write::Customer(customer));
    plan
}

/// Up to the second write's session; the customer is `01:W1`.
fn customer_written() -> Run {
    let record = Record {
        plan: Some(two()),
        ..record()
    };
    Run::of(&record)
        .step(Event::SessionOpened(Some(SERVER)))
        .step(Event::IdentityGiven {
            identity: "01:W1".into(),
            highest: None,
        })
        .step(Event::ReservationJournaled { at: at(1).at })
        .step(Event::ReservedAtHub)
        .step(entered(Totals::new(), Vec::new()))
        .found(ours(), true)
}

fn done_customer() -> Done {
    Done {
        name: "customer_no".into(),
        identity: "01:W1".into(),
        numbers: Numbers::from([
            ("ar_division_no".to_owned(), "01".to_owned()),
            ("customer_no".to_owned(), "W1".to_owned()),
        ]),
        totals: Totals::new(),
        made_from: String::new(),
    }
}

#[test]
fn each_write_is_journaled_before_the_next_begins() {
    let run = customer_written();
    let [Command::JournalDone { done }] = &run.commands[..] else {
        panic!("{:?}", run.commands);
    };
    assert_eq!(done.numbers, done_customer().numbers);
    let run = run.step(Event::DoneJournaled);
    assert_eq!(run.commands, [Command::OpenSession { write: 1 }]);
    let run = run.step(Event::SessionOpened(Some(SERVER)));
    assert_eq!(run.commands, [Command::NextIdentity { write: 1 }]);
}

#[test]
fn a_later_refusal_keeps_the_earlier_write_and_a_retry_reuses_it() {
    let problem = Problem::new("item_refused", "lines[0].item_code", "x", "y");
    let run = customer_written()
        .step(Event::DoneJournaled)
        .step(Event::SessionOpened(Some(SERVER)))
        .step(Event::IdentityGiven {
            identity: "101".into(),
            highest: None,
        })
        .step(Event::ReservationJournaled { at: at(2).at })
        .step(Event::ReservedAtHub)
        .step(Event::Entered(Entry::Refused {
            problems: vec![problem],
            at_header_write: false,
            warnings: Vec::new(),
        }));
    assert_eq!(run.end(), (ImportState::Refused, "item_refused"));
    assert_eq!(run.outcome().numbers["customer_no"], "W1");
    // Tried again, the planner knows the customer: only the order is left.
    let again = Record {
        done: vec![done_customer()],
        reservations: vec![reserved("101", Source::Journal)],
        ..record()
    };
    let run = Run::of(&again);
    assert_eq!(run.commands, [Command::Plan]);
    let run = run.step(ready()).step(Event::PlanJournaled);
    assert_eq!(
        run.proof(),
        Proof::NothingPending,
        "the old number is looked up first"
    );
    let run = run
        .found(Finding::Absent, false)
        .step(Event::WriteEnded)
        .step(Event::SessionOpened(None))
        .step(Event::ReservedAtHub);
    assert!(
        matches!(&run.commands[..], [Command::JournalWriteStarted { identity, .. }] if identity == "101"),
        "and used"
    );
}

#[test]
fn after_a_crash_between_two_writes_the_second_begins() {
    let mut known = Record {
        plan: Some(two()),
        done: vec![done_customer()],
        ..record()
    };
    assert_eq!(Run::of(&known).commands, [Command::OpenSession { write: 1 }]);
    // All are in Sage, and only the end was not journaled.
    known.done.push(Done {
        name: "sales_order_no".into(),
        identity: "101".into(),
        numbers: Numbers::from([("sales_order_no".to_owned(), "101".to_owned())]),
        totals: Totals::new(),
        made_from: String::new(),
    });
    let run = Run::of(&known);
    assert_eq!(run.end(), (ImportState::Written, ""));
    assert_eq!(run.outcome().numbers["sales_order_no"], "101");
    assert_eq!(run.outcome().numbers["customer_no"], "W1");
}

#[test]
fn holds_found_while_entering_leave_nothing_and_wait_for_a_person() {
    let problem = Problem::new("price_differs", "lines[0].unit_price", "x", "y");
    let run = Run::writing("101").step(Event::Entered(Entry::Held {
        problems: vec![problem],
        warnings: Vec::new(),
    }));
    assert_eq!(run.end(), (ImportState::Held, "price_differs"));
}

#[test]
fn a_person_who_found_nothing_lets_a_doubtful_document_be_written_under_another_number() {
    let mut doubtful = planned();
    doubtful.reservations = vec![reserved("101", Source::Hub)];
    doubtful.document.decision.accept = vec!["in_doubt".into()];
    let run = Run::of(&doubtful);
    assert_eq!(run.proof(), Proof::Open);
    let run = run.found(Finding::Absent, false);
    assert_eq!(run.ending(), (true, None));
    let run = run.step(Event::WriteEnded).step(Event::SessionOpened(None));
    assert_eq!(run.commands, [Command::NextIdentity { write: 0 }]);
    // What is there nevertheless counts, whatever the person says.
    assert_eq!(
        Run::of(&doubtful).found(ours(), true).end().0,
        ImportState::Written
    );
}

#[test]
fn a_torn_order_that_a_person_deleted_is_written_anew_on_their_word() {
    let torn = || Finding::Partial {
        what: "2 of its 2 lines are missing or differ".into(),
    };
    let removed = || Finding::Removed {
        was: Box::new(torn()),
    };
    let mut vouched = planned();
    vouched.reservations = vec![reserved("101", Source::Hub)];
    vouched.document.decision.accept = vec!["in_doubt".into()];
    assert_eq!(Run::of(&vouched).found(removed(), true).ending(), (true, None));
    // One that still stands is a doubt whatever a person says, and a deleted one without their word.
    let silent = Record {
        document: record().document,
        ..vouched.clone()
    };
    for (record, finding) in [(&vouched, torn()), (&silent, removed())] {
        let mut run = Run::of(record);
        while matches!(run.import.stage(), Stage::Reading { .. }) {
            run = run.found(finding.clone(), true);
        }
        assert_eq!(run.end(), (ImportState::InDoubt, "partial"));
    }
}

#[test]
fn what_a_person_vouched_for_does_not_cover_the_write_that_follows() {
    let mut doubtful = planned();
    doubtful.reservations = vec![reserved("101", Source::Hub)];
    doubtful.document.decision.accept = vec!["in_doubt".into()];
    let fault = Fault {
        code: 1,
        message: "lost".into(),
    };
    let run = Run::of(&doubtful)
        .found(Finding::Absent, false)
        .step(Event::WriteEnded)
        .step(Event::SessionOpened(Some(SERVER)))
        .step(Event::IdentityGiven {
            identity: "102".into(),
            highest: None,
        })
        .step(Event::ReservationJournaled { at: at(3).at })
        .step(Event::ReservedAtHub)
        .step(Event::Entered(Entry::Faulted { fault, began: true }))
        .step(Event::Fenced(false))
        .found(Finding::Absent, true);
    assert_eq!(run.end(), (ImportState::InDoubt, "fence_unknown"));
}

#[test]
fn an_identity_of_the_document_before_its_edit_is_given_up() {
    let given = |number: &str| {
        let mut plan = two();
        plan.writes[0] = Write::Customer(CustomerWrite {
            ar_division_no: "01".into(),
            number: NumberSource::Given {
                customer_no: number.into(),
                field: "customer.new.customer_no".into(),
            },
            settings: Vec::new(),
        });
        Event::Planned(Planned::Ready(plan))
    };
    let mut edited = record();
    edited.reservations = vec![Reserved {
        name: "customer_no".into(),
        identity: "01:W1".into(),
        ..reserved("", Source::Journal)
    }];
    let again = |number: &str| {
        Run::of(&edited)
            .step(given(number))
            .step(Event::PlanJournaled)
            .found(Finding::Absent, true)
    };
    assert_eq!(
        again("W1").ending(),
        (false, None),
        "the same number is used again"
    );
    let run = again("W2");
    assert_eq!(run.ending(), (true, None), "not under the old number");
    let run = run.step(Event::WriteEnded).step(Event::SessionOpened(None));
    assert_eq!(
        run.commands,
        [Command::NextIdentity { write: 0 }],
        "W2 is not said to be taken"
    );
}

#[test]
fn a_document_that_may_be_in_sage_is_not_refused_by_a_new_plan() {
    let problem = Problem::new("item_inactive", "lines[0].item_code", "x", "y");
    let refused = || Event::Planned(Planned::Refused(vec![problem.clone()]));
    let mut lost = record();
    lost.reservations = vec![reserved("101", Source::Hub)];
    let run = Run::of(&lost).step(refused());
    assert_eq!(run.end(), (ImportState::InDoubt, "plan_lost"));
    assert_eq!(run.outcome().numbers["sales_order_no"], "101");
    // Reserved by us and never begun: nothing can be there.
    lost.reservations = vec![reserved("101", Source::Journal)];
    assert_eq!(
        Run::of(&lost).step(refused()).end(),
        (ImportState::Refused, "item_inactive")
    );
    lost.write = Some(start("101"));
    assert_eq!(
        Run::of(&lost).step(refused()).end(),
        (ImportState::InDoubt, "plan_lost")
    );
}

#[test]
fn what_is_so_already_ends_as_written_without_a_write() {
    let numbers = Numbers::from([("customer_no".to_owned(), "ABF".to_owned())]);
    let run = Run::of(&record()).step(Event::Planned(Planned::Nothing {
        numbers: numbers.clone(),
        warnings: vec!["it is customer 01-ABF".into()],
    }));
    assert_eq!(run.end(), (ImportState::Written, ""));
    assert_eq!(run.outcome().numbers, numbers);
}

#[test]
fn a_number_that_the_platform_gave_is_refused_when_it_is_taken() {
    let mut plan = two();
    plan.writes[0] = Write::Customer(CustomerWrite {
        ar_division_no: "01".into(),
        number: NumberSource::Given {
            customer_no: "W1".into(),
            field: "customer.new.customer_no".into(),
        },
        settings: Vec::new(),
    });
    let run = Run::of(&Record {
        plan: Some(plan),
        ..record()
    })
    .step(Event::SessionOpened(Some(SERVER)))
    .step(Event::IdentityGiven {
        identity: "01:W1".into(),
        highest: None,
    })
    .step(Event::ReservationJournaled { at: at(1).at })
    .step(Event::ReservedAtHub)
    .step(Event::Entered(Entry::KeyTaken))
    .found(foreign(), true)
    .step(Event::WriteEnded)
    .step(Event::SessionOpened(None));
    assert_eq!(run.end(), (ImportState::Refused, "customer_no_taken"));
    assert_eq!(run.outcome().problems[0].field, "customer.new.customer_no");
}
