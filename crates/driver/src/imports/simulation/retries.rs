//! A person tries a document again of which the driver's journal knows nothing any more, or
//! gives one up of which the hub did not know yet that the journal has it.

use std::cell::Cell;
use std::time::Duration;

use model::{Decision, ImportState};
use values::{CompanyId, ImportId};

use super::world::World;
use super::{CALM, Driver, Rc, RefCell, Shared, end_of, kill};

/// In doubt with one journal, tried again with the next one, which has the lease already.
fn tried_again(prepare: impl FnOnce(&mut World)) -> Shared {
    let world = Rc::new(RefCell::new(World::calm()));
    world.borrow_mut().post("import-0");
    prepare(&mut world.borrow_mut());
    let mut driver = Driver::new(&world, "first");
    run(&world, &mut driver);
    let (state, number, _) = end_of(&world);
    assert_eq!(
        (state, number.as_deref()),
        (ImportState::InDoubt, Some("0000101"))
    );

    driver.lose_journal();
    driver.start(Box::new(|_| {}));
    for _ in 0..5 {
        assert!(driver.turn());
    }
    world.borrow_mut().tick(Duration::from_secs(10_000));
    let decision = Decision {
        accept: vec![Decision::IN_DOUBT.into()],
        why: "looked at it".into(),
    };
    let id = ImportId::new("import-0");
    world
        .borrow_mut()
        .imports
        .get_mut(&id)
        .unwrap()
        .try_again(decision);
    for _ in 0..CALM {
        assert!(driver.turn());
        if world.borrow().all_settled() {
            break;
        }
    }
    world
}

fn run(world: &Shared, driver: &mut Driver) {
    driver.start(Box::new(|_| {}));
    for _ in 0..CALM {
        assert!(driver.turn());
        if world.borrow().all_settled() {
            return;
        }
    }
    panic!("it does not settle");
}

#[test]
fn what_came_after_the_person_looked_is_found() {
    // The order is committed between the person's look and the next attempt.
    let world = tried_again(|world| {
        world.late_commit = Some((Duration::from_secs(5_000), false));
        world.unendable = true;
    });
    let (state, number, _) = end_of(&world);
    assert_eq!(
        (state, number.as_deref()),
        (ImportState::Written, Some("0000101"))
    );
    assert_eq!(world.borrow().count_of("import-0"), 1);
}

#[test]
fn what_never_came_is_written_under_another_number() {
    let world = tried_again(|world| {
        world.lost_write = true;
        world.keeps_history = false;
    });
    let (state, number, _) = end_of(&world);
    assert_eq!(
        (state, number.as_deref()),
        (ImportState::Written, Some("0000102"))
    );
    assert_eq!(world.borrow().count_of("import-0"), 1);
}

#[test]
fn what_was_given_up_before_the_hub_knew_of_its_journaling_is_closed_in_the_journal() {
    for dies in [true, false] {
        let world = Rc::new(RefCell::new(World::calm()));
        world.borrow_mut().post("import-0");
        let id = ImportId::new("import-0");
        let mut driver = Driver::new(&world, "first");
        let is_given_up = Rc::new(Cell::new(false));
        driver.start(Box::new({
            let (world, id, is_given_up) = (Rc::clone(&world), id.clone(), Rc::clone(&is_given_up));
            move |point| {
                if point == "import.after_accept_local" && !is_given_up.replace(true) {
                    world.borrow_mut().imports.get_mut(&id).unwrap().give_up();
                    if dies {
                        kill();
                    }
                }
            }
        }));
        let state = |driver: &Driver| {
            let listed = driver.journal.lock().unwrap().listed(&id).unwrap();
            listed.map(|listed| listed.state)
        };
        while driver.turn() && !is_given_up.get() {}
        assert_eq!(state(&driver), Some(ImportState::Validated), "it was journaled");
        if dies {
            driver.start(Box::new(|_| {}));
        }
        let is_heard = || world.borrow().imports[&id].is_taken_up();
        for _ in 0..CALM {
            if is_heard() {
                break;
            }
            assert!(driver.turn());
        }
        assert!(is_heard(), "the hub was answered");
        assert_eq!(state(&driver), Some(ImportState::Discarded));
        let company = CompanyId::new("ABC");
        assert!(
            driver
                .journal
                .lock()
                .unwrap()
                .unsettled(&company)
                .unwrap()
                .is_empty()
        );
        assert_eq!(world.borrow().count_of("import-0"), 0);
    }
}
