//! What is told and what is obeyed is journaled, or holds until it is.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use agent_store::journal::Journal;
use model::ImportState;
use values::{CompanyId, ImportId, StoreId};

use super::world::World;
use super::{CALM, Driver, RefCell, Shared};

/// A driver whose journal is a file.
fn driver_with(world: &Shared, file: &Path) -> Driver {
    let journal = Journal::open(file, &StoreId::new("first")).unwrap();
    let mut driver = Driver::new(world, "first");
    driver.journal = Arc::new(Mutex::new(journal));
    driver
}

fn run(world: &Shared, driver: &mut Driver) {
    for _ in 0..CALM {
        assert!(driver.turn());
        if world.borrow().all_settled() {
            return;
        }
    }
    panic!("it does not settle");
}

#[test]
fn the_hub_is_never_told_more_of_what_was_tried_than_the_journal_has_on_disk() {
    for refused in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.db");
        let world = Rc::new(RefCell::new(World::calm()));
        let id = ImportId::new("import-0");
        world.borrow_mut().post("import-0");
        if refused {
            world.borrow_mut().foreign_takes = 99;
        }
        let mut driver = driver_with(&world, &file);
        let told = Rc::new(Cell::new(0));
        driver.start(Box::new({
            let (world, told, file, id) = (Rc::clone(&world), Rc::clone(&told), file.clone(), id.clone());
            move |point| {
                let world = world.borrow();
                let report = world.imports.get(&id).and_then(|import| import.report.as_ref());
                let Some(report) = report else { return };
                let journaled = Journal::look(&file).unwrap().attempts(&id).unwrap();
                assert_eq!(
                    journaled.get(..report.attempts.len()),
                    Some(report.attempts.as_slice()),
                    "{point}"
                );
                told.set(report.attempts.len());
            }
        }));
        run(&world, &mut driver);
        assert!(driver.turn());
        assert!(told.get() >= 5, "{} attempts were told", told.get());
        let last = world.borrow().report(&id).attempts.last().cloned().unwrap();
        assert_eq!(last.step, if refused { "held" } else { "written" });
    }
}

#[test]
fn a_freeze_that_cannot_be_journaled_holds_and_is_journaled_when_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    let world = Rc::new(RefCell::new(World::calm()));
    let company = CompanyId::new("ABC");
    let mut driver = driver_with(&world, &file);
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute_batch("CREATE TRIGGER failing BEFORE INSERT ON frozen BEGIN SELECT raise(ABORT, 'x'); END")
        .unwrap();
    driver.start(Box::new({
        let world = Rc::clone(&world);
        move |point| {
            // The files are replaced by older ones.
            if point == "import.after_enter" && world.borrow().imports.len() == 1 {
                world.borrow_mut().orders.clear();
            }
        }
    }));
    world.borrow_mut().post("import-0");
    run(&world, &mut driver);
    for name in ["import-1", "import-2"] {
        world.borrow_mut().post(name);
        run(&world, &mut driver);
        let report = world.borrow().report(&ImportId::new(name)).clone();
        assert_eq!(report.state, ImportState::Held, "{name}");
        assert_eq!(report.problems[0].code, "restored_from_backup", "{name}");
        assert_eq!(driver.journal.lock().unwrap().frozen(&company).unwrap(), None);
        let told = driver.runner.as_mut().unwrap().standing();
        assert!(told.frozen.is_some(), "people see it");
    }
    db.execute_batch("DROP TRIGGER failing").unwrap();
    assert!(driver.turn());
    let frozen = driver.journal.lock().unwrap().frozen(&company).unwrap();
    assert_eq!(frozen, driver.runner.as_mut().unwrap().standing().frozen);
    assert!(frozen.is_some());
}
