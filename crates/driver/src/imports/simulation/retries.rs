//! A person tries a document again of which the driver's journal knows nothing any more.

use std::time::Duration;

use model::{Decision, ImportState};
use values::ImportId;

use super::world::World;
use super::{CALM, Driver, Rc, RefCell, Shared, end_of};

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
