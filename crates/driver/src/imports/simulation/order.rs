//! One customer's documents one after another: whoever waits keeps its place, nothing is planned
//! against what another one is about to take, and nobody waits for ever.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use agent_store::journal::Accepted;
use import::plan::{Plan, ReceiptTarget, Write};
use import::{Document, Stage};
use jiff::Timestamp;
use model::{ImportKind, ImportState};
use serde_json::json;
use values::{Decimal, ImportId};

use super::hub::HubImport;
use super::world::World;
use super::{Driver, Shared, kill_once};
use crate::imports::current::{Asked, Asking};
use crate::imports::lanes::Lane;
use crate::imports::runner::{Next, Runner};

fn calm() -> Shared {
    let mut world = World::calm();
    world.settings.payments.bank_code = Some("A".into());
    world.settings.capabilities.receipts = true;
    Rc::new(RefCell::new(world))
}

fn started(world: &Shared) -> Driver {
    let mut driver = Driver::new(world, "first");
    driver.start(Box::new(|_| {}));
    driver
}

/// Turns until so much time of the world has passed.
fn pass(world: &Shared, driver: &mut Driver, seconds: u64, mut look: impl FnMut(&Runner)) {
    let now = || world.borrow_mut().tick(Duration::ZERO);
    let until = now().checked_add(Duration::from_secs(seconds)).unwrap();
    while now() < until {
        assert!(driver.turn());
        look(driver.runner.as_ref().unwrap());
        world.borrow_mut().tick(Duration::from_millis(200));
    }
}

fn id(name: &str) -> ImportId {
    ImportId::new(name)
}

/// What the receipts come to that are planned over the invoice and not in Sage.
fn planned(runner: &Runner) -> Decimal {
    let writes = runner.imports.iter().flat_map(|current| current.writes());
    let lines = writes.filter_map(|write| match write {
        Write::Receipt(receipt) => Some(&receipt.lines),
        Write::SalesOrder(_) | Write::Customer(_) | Write::CustomerChange(_) | Write::ShipTo(_) => None,
    });
    let on_invoice = |target: &ReceiptTarget| matches!(target, ReceiptTarget::Invoice { .. });
    lines
        .flatten()
        .filter(|line| on_invoice(&line.target))
        .try_fold(Decimal::zero(2), |sum, line| sum.checked_add(line.amount))
        .unwrap()
}

#[test]
fn a_document_that_waits_a_moment_is_not_overtaken_by_the_next_of_its_customer() {
    let world = calm();
    world.borrow_mut().locked_number = Some("0000101".into());
    for name in ["import-0", "import-1"] {
        world.borrow_mut().post(name);
    }
    world.borrow_mut().post_for("other", "XYZ");
    let mut driver = started(&world);
    pass(&world, &mut driver, 6, |_| {});
    let count = |name| world.borrow().count_of(name);
    assert_eq!((count("import-0"), count("import-1")), (0, 0));
    assert_eq!(count("other"), 1, "another customer's goes on");
    // Or the hub would hand it over again and again meanwhile.
    assert!(world.borrow().imports[&id("import-1")].is_taken_up());
    world.borrow_mut().locked_number = None;
    pass(&world, &mut driver, 200, |_| {});
    assert_eq!((count("import-0"), count("import-1")), (1, 1));
    let number = |name| world.borrow().report(&id(name)).numbers["sales_order_no"].clone();
    assert!(number("import-0") < number("import-1"));
}

#[test]
fn two_payments_over_one_invoice_are_never_both_planned_against_what_is_open() {
    let world = calm();
    world.borrow_mut().locks_batches = true;
    for name in ["payment-0", "payment-1"] {
        world.borrow_mut().post_payment(name, "100.00");
    }
    let mut driver = started(&world);
    let most = Cell::new(Decimal::zero(2));
    pass(&world, &mut driver, 1_800, |runner| {
        most.set(most.get().max(planned(runner)))
    });
    assert_eq!(most.get(), Decimal::new(10_000, 2));
    for name in ["payment-0", "payment-1"] {
        assert_eq!(
            world.borrow().report(&id(name)).state,
            ImportState::Waiting,
            "{name}"
        );
    }
}

#[test]
fn one_stuck_document_blocks_its_customer_for_a_while_only_and_is_planned_anew() {
    let world = calm();
    world.borrow_mut().locks_batches = true;
    world.borrow_mut().post_payment("payment-0", "60.00");
    let mut driver = started(&world);
    pass(&world, &mut driver, 1, |_| {});
    world.borrow_mut().post("import-0");
    pass(&world, &mut driver, 5, |_| {});
    assert_eq!(
        world.borrow().count_of("import-0"),
        0,
        "it waits behind the payment"
    );
    pass(&world, &mut driver, 600, |_| {});
    assert_eq!(world.borrow().count_of("import-0"), 1);
    let runner = driver.runner.as_ref().unwrap();
    let stuck = runner
        .imports
        .iter()
        .find(|current| *current.id() == id("payment-0"))
        .unwrap();
    assert_eq!(
        *stuck.import.stage(),
        Stage::Journaled,
        "what it was planned against moved"
    );
    let record = driver
        .journal
        .lock()
        .unwrap()
        .record(&id("payment-0"))
        .unwrap()
        .unwrap();
    assert_eq!(record.plan, None, "also after a crash");
}

#[test]
fn what_was_begun_is_looked_for_before_a_backlog_is_planned() {
    let world = calm();
    let mut driver = Driver::new(&world, "first");
    let backlog: Vec<String> = (0..4).map(|n| format!("import-{n}")).collect();
    let now = world.borrow_mut().tick(Duration::ZERO);
    for name in &backlog {
        world.borrow_mut().post(name);
        let mut world = world.borrow_mut();
        let import = world.imports.remove(&id(name)).unwrap();
        let document = document(&import);
        let accepted = driver.journal.lock().unwrap().accept(&document, now).unwrap();
        assert_eq!(accepted, Accepted::New);
    }
    world.borrow_mut().post("begun");
    let shared = Rc::clone(&world);
    driver.start(Box::new(move |point| {
        if point == "import.after_header_write" {
            kill_once(&shared);
        }
    }));
    while driver.turn() {}
    for name in &backlog {
        world.borrow_mut().post(name);
        let mut world = world.borrow_mut();
        let import = world.imports.remove(&id(name)).unwrap().taken_up();
        world.imports.insert(id(name), import);
    }
    let points = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&points);
    driver.start(Box::new(move |point| seen.borrow_mut().push(point)));
    pass(&world, &mut driver, 120, |_| {});
    let points = points.borrow();
    let place = |wanted| points.iter().position(|point| *point == wanted).unwrap();
    assert!(
        place("import.after_read_back") < place("import.after_validate"),
        "{points:?}"
    );
    assert!(world.borrow().all_settled());
    world.borrow().check();
}

fn document(import: &HubImport) -> Document {
    let document = import.document();
    Document {
        id: document.id.clone(),
        company: document.company.clone(),
        kind: document.kind,
        revision: document.revision,
        body: document.body.clone(),
        decision: document.decision.clone(),
    }
}

#[test]
fn a_document_that_its_plan_lets_go_alone_goes_alone_after_a_start() {
    let world = calm();
    let mut driver = Driver::new(&world, "first");
    for (name, is_alone) in [("alone", true), ("beside", false)] {
        world.borrow_mut().post(name);
        let mut world = world.borrow_mut();
        let import = world.imports.remove(&id(name)).unwrap().taken_up();
        let mut journal = driver.journal.lock().unwrap();
        journal.accept(&document(&import), Timestamp::UNIX_EPOCH).unwrap();
        let plan = Plan {
            is_alone,
            ..Plan::default()
        };
        journal.file_plan(&id(name), &plan).unwrap();
        world.imports.insert(id(name), import);
    }
    driver.start(Box::new(|_| {}));
    assert!(driver.turn());
    let runner = driver.runner.as_ref().unwrap();
    let lanes: Vec<&Lane> = runner.imports.iter().map(|current| &current.lane).collect();
    assert_eq!(lanes, [&Lane::All, &Lane::Customer("01:ABF".into())]);
}

#[test]
fn a_later_change_of_a_customer_never_passes_an_earlier_one() {
    let world = calm();
    let mut driver = Driver::new(&world, "first");
    let customer = json!({"ar_division_no": "01", "customer_no": "ABF"});
    for (name, kind) in [
        ("change-0", ImportKind::Customer),
        ("change-1", ImportKind::Customer),
        ("order-2", ImportKind::SalesOrder),
    ] {
        let body = json!({"company": "ABC", "customer": customer, "lines": []});
        let import = HubImport::new(name, kind, body).taken_up();
        let mut journal = driver.journal.lock().unwrap();
        journal.accept(&document(&import), Timestamp::UNIX_EPOCH).unwrap();
        world.borrow_mut().imports.insert(id(name), import);
    }
    driver.start(Box::new(|_| {}));
    assert!(driver.turn());
    let runner = driver.runner.as_mut().unwrap();
    let now = world.borrow_mut().tick(Duration::ZERO);
    runner.imports[0].asked = Some(Asked {
        ticket: 0,
        what: Asking::Plan,
        at: Duration::ZERO,
    });
    assert_eq!(runner.next_due(now), None, "they wait behind the first one");
    runner.imports[0].is_aside = true;
    assert_eq!(
        runner.next_due(now),
        Some(Next::GoOn(2)),
        "the order goes on, the change does not"
    );
    runner.imports.remove(0);
    assert_eq!(runner.next_due(now), Some(Next::GoOn(0)));
}

#[test]
fn receipts_that_cannot_be_read_are_a_condition_of_the_document_and_end_no_process() {
    let world = calm();
    world.borrow_mut().hides_receipts = true;
    world.borrow_mut().post_payment("payment-0", "60.00");
    let points = Rc::new(RefCell::new(BTreeSet::new()));
    let seen = Rc::clone(&points);
    let mut driver = Driver::new(&world, "first");
    driver.start(Box::new(move |point| {
        seen.borrow_mut().insert(point);
    }));
    pass(&world, &mut driver, 20, |_| {});
    let report = world.borrow().report(&id("payment-0")).clone();
    assert_eq!(report.state, ImportState::Waiting);
    let told = (
        report.problems[0].code.as_str(),
        !report.problems[0].remedy.is_empty(),
    );
    assert_eq!(told, ("reader_unavailable", true));
    let points = points.borrow();
    assert!(points.contains("import.after_allot") && !points.contains("import.after_kill"));
    assert!(
        !points.contains("import.after_reserve_local"),
        "nothing is reserved before it is read"
    );
}
