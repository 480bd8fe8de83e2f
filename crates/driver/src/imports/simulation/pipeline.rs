//! What the hub allows is entered at once and not on an old word, a freeze holds for what is on
//! its way beside, and what was begun is ended before the writer goes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use jiff::SignedDuration;
use model::ImportState;
use values::ImportId;

use super::world::World;
use super::{CALM, Driver, Shared};
use crate::imports::ports::HubError;
use crate::imports::runner::MAX_IMPORTS;

type Points = Rc<RefCell<Vec<&'static str>>>;

/// A calm world with an order of each of these customers, and what its driver passes.
fn site(customers: &[&str]) -> (Shared, Driver, Points) {
    let world = Rc::new(RefCell::new(World::calm()));
    for (place, customer) in customers.iter().enumerate() {
        world.borrow_mut().post_for(&format!("import-{place}"), customer);
    }
    let points = Points::default();
    let mut driver = Driver::new(&world, "first");
    let seen = Rc::clone(&points);
    driver.start(Box::new(move |point| seen.borrow_mut().push(point)));
    (world, driver, points)
}

fn times(points: &Points, wanted: &str) -> usize {
    points.borrow().iter().filter(|point| **point == wanted).count()
}

fn until(driver: &mut Driver, is_so: impl Fn() -> bool) {
    for _ in 0..CALM {
        if is_so() {
            return;
        }
        driver.runner.as_mut().unwrap().tables.catch_up();
        assert!(driver.turn());
    }
    let imports = &driver.runner.as_ref().unwrap().imports;
    let stages: Vec<_> = imports.iter().map(|i| (i.import.stage(), i.waiting())).collect();
    panic!("it does not come to that: {stages:?}");
}

fn hold_the_word(world: &Shared, driver: &mut Driver) {
    world.borrow_mut().holds_answers = Some("reserve");
    until(driver, || !world.borrow().held_answers.is_empty());
}

fn settle(world: &Shared, driver: &mut Driver) {
    until(driver, || world.borrow().all_settled());
    assert!(driver.turn());
    world.borrow().check();
}

#[test]
fn what_the_hub_allows_is_entered_before_anything_else() {
    let (world, mut driver, points) = site(&["ABF", "XYZ"]);
    hold_the_word(&world, &mut driver);
    // The other one is planned meanwhile, and waits for the session.
    for _ in 0..4 {
        assert!(driver.turn());
    }
    let passed = points.borrow().len();
    world.borrow_mut().post("import-2");
    world.borrow_mut().release_answers();
    assert!(driver.turn());
    let points = points.borrow();
    assert_eq!(
        points[passed..passed + 3],
        [
            "import.after_reserve_hub",
            "import.before_set_key",
            "import.after_set_key"
        ]
    );
}

#[test]
fn more_than_the_writer_holds_at_once_are_entered() {
    let customers: Vec<_> = (0..MAX_IMPORTS + 30)
        .map(|place| ["ABF", "XYZ"][place % 2])
        .collect();
    let (world, mut driver, _) = site(&customers);
    for _ in 0..60 * customers.len() {
        if world.borrow().all_settled() {
            world.borrow().check();
            return;
        }
        driver.runner.as_mut().unwrap().tables.catch_up();
        assert!(driver.turn());
    }
    panic!("the writer stands still");
}

#[test]
fn nothing_is_entered_on_a_word_of_the_hub_that_is_old() {
    let (world, mut driver, points) = site(&["ABF"]);
    hold_the_word(&world, &mut driver);
    world.borrow_mut().tick(Duration::from_secs(16));
    world.borrow_mut().release_answers();
    hold_the_word(&world, &mut driver);
    assert_eq!(
        times(&points, "import.before_set_key"),
        0,
        "the lease may be another's by then"
    );
    world.borrow_mut().tick(Duration::from_secs(14));
    world.borrow_mut().release_answers();
    settle(&world, &mut driver);
    assert_eq!(world.borrow().count_of("import-0"), 1);
}

#[test]
fn a_freeze_holds_before_the_next_document_is_entered() {
    let (world, mut driver, points) = site(&["ABF"]);
    driver.runner.as_mut().unwrap().tables.put_off();
    until(&mut driver, || times(&points, "import.after_enter") == 1);
    // The files are replaced by older ones. It is looked for four times before that is believed.
    world.borrow_mut().orders.clear();
    until(&mut driver, || times(&points, "import.after_read_back") == 2);
    // It comes when the third look is over: without it the driver would sleep until the fourth.
    world.borrow_mut().post_for("import-1", "XYZ");
    hold_the_word(&world, &mut driver);
    assert_eq!(times(&points, "import.after_read_back"), 3);
    world.borrow_mut().tick(Duration::from_secs(12));
    // It is looked for once more, and the answer is put off.
    for _ in 0..2 {
        assert!(driver.turn());
    }
    // What was found the last time is heard before the word for the second one.
    driver.runner.as_mut().unwrap().tables.catch_up();
    world.borrow_mut().release_answers();
    assert!(driver.turn());
    assert_eq!(times(&points, "import.after_read_back"), 4);
    until(&mut driver, || world.borrow().all_settled());
    assert_eq!(
        times(&points, "import.before_set_key"),
        1,
        "nothing is entered after the freeze"
    );
    let report = world.borrow().report(&ImportId::new("import-1")).clone();
    assert_eq!(report.state, ImportState::Held);
    assert_eq!(report.problems[0].code, "restored_from_backup");
}

#[test]
fn with_the_lease_a_beginning_that_waits_for_the_hub_is_taken_back() {
    let world = Rc::new(RefCell::new(World::calm()));
    world.borrow_mut().post("import-0");
    let mut driver = Driver::new(&world, "first");
    let is_lost = Rc::new(Cell::new(false));
    let (hub, lost) = (Rc::clone(&world), Rc::clone(&is_lost));
    driver.start(Box::new(move |point| {
        if point == "import.after_write_started" && !lost.replace(true) {
            // Another driver becomes the writer.
            hub.borrow_mut().lease += 1;
        }
    }));
    until(&mut driver, || is_lost.get());
    assert!(driver.turn());
    let record = |driver: &Driver| {
        let journal = driver.journal.lock().unwrap();
        journal.record(&ImportId::new("import-0")).unwrap().unwrap()
    };
    assert!(driver.runner.as_ref().unwrap().lease.is_none());
    assert_eq!(record(&driver).reservations.len(), 1);
    assert!(record(&driver).write.is_none(), "nothing was entered under it");
    settle(&world, &mut driver);
    assert_eq!(world.borrow().count_of("import-0"), 1);
}

#[test]
fn what_was_begun_is_ended_before_the_writer_goes_and_nothing_is_begun() {
    let (world, mut driver, points) = site(&["ABF"]);
    hold_the_word(&world, &mut driver);
    let held: Vec<_> = world.borrow_mut().held_answers.drain(..).collect();
    for (answer, _) in held {
        answer(Err(HubError::IdentityTaken));
    }
    let runner = driver.runner.as_mut().unwrap();
    runner.hear(Duration::ZERO);
    let numbers = times(&points, "import.after_number");
    runner.take_leave();
    let record = driver.journal.lock().unwrap().record(&ImportId::new("import-0"));
    assert!(
        record.unwrap().unwrap().write.is_none(),
        "it would be looked for at the next start"
    );
    assert_eq!(times(&points, "import.after_number"), numbers);
}

#[test]
fn old_documents_are_forgotten_under_load() {
    let (world, mut driver, _) = site(&["ABF"]);
    let id = ImportId::new("import-0");
    settle(&world, &mut driver);
    let days = SignedDuration::from_hours(24 * 91);
    world.borrow_mut().tick(Duration::try_from(days).unwrap());
    world.borrow_mut().post("import-1");
    // From now on there is always something on its way.
    hold_the_word(&world, &mut driver);
    for _ in 0..3 {
        assert!(driver.turn());
    }
    let redacted = driver.journal.lock().unwrap().redacted_at(&id).unwrap();
    assert!(redacted.is_some());
}
