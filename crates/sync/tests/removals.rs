//! How records leave: the brake, what is explained, and what a restart forgets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]
#![allow(dead_code, reason = "the model is shared with other tests")]

mod world;

use jiff::ToSpan;
use sync::{Held, HeldReason, Outcome, PassKind};
use world::{Disturbance, World};

#[derive(Debug, PartialEq)]
struct Passed {
    removed: u64,
    held: Option<Held>,
    swept: bool,
}

fn loaded(records: u8, hub_brakes: bool) -> World {
    let mut world = World::new(5, true, false, hub_brakes);
    world.write(&(0..records).collect::<Vec<_>>(), 0);
    sweep(&mut world, []);
    assert_eq!(world.hub_content(), world.wanted_content());
    world
}

fn sweep<const N: usize>(world: &mut World, script: [Disturbance; N]) -> Passed {
    pass(world, PassKind::Sweep, script)
}

fn pass<const N: usize>(world: &mut World, kind: PassKind, script: [Disturbance; N]) -> Passed {
    world.now = world.now.checked_add(1.minutes()).unwrap();
    world.wanted = Some(kind);
    match world.run_pass(&mut script.into_iter()) {
        Some(Outcome::Complete {
            removed, held, swept, ..
        }) => Passed { removed, held, swept },
        other => panic!("{other:?}"),
    }
}

fn keys(keys: std::ops::Range<u8>) -> Vec<u8> {
    keys.collect()
}

#[test]
fn a_few_deletes_go_through_and_more_wait_for_a_person() {
    for hub_brakes in [false, true] {
        let mut world = loaded(80, hub_brakes);
        // One in twenty of eighty.
        assert_eq!(sweep(&mut world, [Disturbance::Deletes(keys(0..4))]).removed, 4);
        let waits = sweep(
            &mut world,
            [
                Disturbance::Deletes(keys(4..7)),
                Disturbance::Writes {
                    keys: vec![50],
                    skew_minutes: 0,
                },
            ],
        );
        let held = waits.held.clone().expect("the day's allowance is used up");
        assert_eq!(
            (held.reason.clone(), held.unexplained, waits.removed),
            (HeldReason::Deletes, 3, 0)
        );
        // Rows flow meanwhile, and the question stays as it was asked.
        world.write(&[51], 0);
        pass(&mut world, PassKind::Delta, []);
        assert_eq!(world.driver.progress.held, Some(held.clone()));
        assert_eq!(sweep(&mut world, []).held, Some(held.clone()));
        assert!(world.hub_content().len() > world.wanted_content().len());
        world.approved = held.unexplained;
        assert_eq!(sweep(&mut world, []).removed, 3);
        assert_eq!(world.hub_content(), world.wanted_content());
        assert_eq!(world.driver.progress.held, None);
    }
}

#[test]
fn a_second_approval_on_the_same_day_lets_the_rest_leave() {
    for hub_brakes in [false, true] {
        let mut world = loaded(90, hub_brakes);
        let held = sweep(&mut world, [Disturbance::Deletes(keys(0..20))])
            .held
            .unwrap();
        world.approve(&held);
        let first = world.approved;
        while sweep(&mut world, []).held.is_some_and(|held| {
            world.approve(&held);
            true
        }) {}
        assert_eq!(world.hub_content(), world.wanted_content());
        let held = sweep(&mut world, [Disturbance::Deletes(keys(20..32))])
            .held
            .unwrap();
        // What was approved last is all that is known of approvals.
        world.approved = 0;
        world.approve(&held);
        assert!(world.approved > first, "what the day took is approved with it");
        assert_eq!(sweep(&mut world, []).held, None);
        assert_eq!(world.hub_content(), world.wanted_content());
    }
}

#[test]
fn a_column_that_is_back_needs_no_person() {
    let mut world = loaded(30, true);
    world.column_lost = true;
    world.wanted = Some(PassKind::Sweep);
    for _ in 0..2 {
        let outcome = world.run_pass(&mut std::iter::empty());
        assert!(matches!(outcome, Some(Outcome::Held(_))), "{outcome:?}");
    }
    world.column_lost = false;
    assert_eq!(pass(&mut world, PassKind::Delta, []).held, None);
    assert_eq!(
        world.driver.progress.held, None,
        "recorded also when nothing differed"
    );
}

#[test]
fn a_clock_that_was_ahead_once_costs_one_whole_pass() {
    let mut world = loaded(30, true);
    world.turn_clock(48 * 60);
    pass(&mut world, PassKind::Delta, []);
    world.turn_clock(-48 * 60);
    world.wanted = Some(PassKind::Delta);
    let mut kinds = Vec::new();
    for key in 0..3 {
        world.now = world.now.checked_add(1.minutes()).unwrap();
        world.write(&[key], 0);
        match world.run_pass(&mut std::iter::empty()) {
            Some(Outcome::Complete {
                kind, clock_set_back, ..
            }) => kinds.push((kind, clock_set_back)),
            other => panic!("{other:?}"),
        }
        assert_eq!(world.hub_content(), world.wanted_content());
    }
    let delta = (PassKind::Delta, false);
    assert_eq!(kinds, [(PassKind::Sweep, true), delta, delta]);
}

#[test]
fn a_day_later_the_allowance_is_there_again() {
    let mut world = loaded(60, true);
    assert_eq!(sweep(&mut world, [Disturbance::Deletes(keys(0..3))]).removed, 3);
    assert!(
        sweep(&mut world, [Disturbance::Deletes(keys(3..6))])
            .held
            .is_some()
    );
    world.now = world.now.checked_add(24.hours()).unwrap();
    assert_eq!(
        sweep(&mut world, []),
        Passed {
            removed: 3,
            held: None,
            swept: true
        }
    );
}

#[test]
fn posting_nearly_everything_trips_no_brake() {
    let mut world = loaded(80, true);
    let posted = sweep(
        &mut world,
        [Disturbance::Posts(keys(0..79)), Disturbance::Deletes(vec![79])],
    );
    // The one that nothing explains would leave nothing behind: that alone is asked.
    assert_eq!(posted.removed, 79);
    let held = posted.held.expect("nothing would be left");
    assert_eq!((held.reason, held.unexplained), (HeldReason::Emptied, 1));
    let mut world = loaded(80, true);
    let posted = sweep(&mut world, [Disturbance::Posts(keys(0..70))]);
    assert_eq!(
        posted,
        Passed {
            removed: 70,
            held: None,
            swept: true
        }
    );
}

#[test]
fn an_explained_leaver_goes_while_the_unexplained_wait() {
    let mut world = loaded(80, true);
    let script = [
        Disturbance::Posts(keys(0..10)),
        Disturbance::Deletes(keys(10..40)),
    ];
    let outcome = sweep(&mut world, script);
    assert!(outcome.held.is_some());
    // Looking stops where the answer is clear; who was found explained until then goes.
    assert!(
        (8..=10).contains(&outcome.removed) && outcome.swept,
        "{outcome:?}"
    );
    assert!(world.hub_content().len() >= 70);
}

#[test]
fn an_empty_read_removes_nothing() {
    let mut world = loaded(40, true);
    let script = [
        Disturbance::Calm,
        Disturbance::Calm,
        Disturbance::ReadEndsEarly(0),
    ];
    assert_eq!(
        sweep(&mut world, script),
        Passed {
            removed: 0,
            held: None,
            swept: true
        }
    );
    assert_eq!(world.hub_content().len(), 40);
}

#[test]
fn a_filter_that_hides_most_waits_and_a_delta_sends_few() {
    let mut world = loaded(40, true);
    let hide = |range| Disturbance::Hides {
        keys: keys(range),
        stamped: true,
    };
    world.set_filter(true);
    assert_eq!(sweep(&mut world, []).held, None);
    assert_eq!(pass(&mut world, PassKind::Delta, [hide(0..2)]).removed, 2);
    let waits = pass(&mut world, PassKind::Delta, [hide(2..30)]);
    assert_eq!(
        (waits.removed, waits.held.unwrap().reason),
        (0, HeldReason::Deletes)
    );
}

#[test]
fn a_filter_set_and_lifted_again_delivers_what_changed_behind_it() {
    let mut world = loaded(30, true);
    world.happens(&Disturbance::Hides {
        keys: vec![20],
        stamped: false,
    });
    world.write(&[20], 0);
    world.set_filter(true);
    // A whole pass under the filter begins, and the next one ends it, knowing not what the
    // first one saw.
    world.now = world.now.checked_add(6.hours()).unwrap();
    world.wanted = Some(PassKind::Delta);
    let script = vec![Disturbance::Calm; 10]
        .into_iter()
        .chain([Disturbance::CrashBefore]);
    assert_eq!(world.run_pass(&mut script.into_iter()), None);
    assert!(!pass(&mut world, PassKind::Delta, []).swept);
    world.set_filter(false);
    pass(&mut world, PassKind::Delta, []);
    assert_eq!(world.hub_content(), world.wanted_content());
}

#[test]
fn who_was_filtered_away_is_found_again_after_a_crash() {
    let mut world = loaded(30, true);
    world.set_filter(true);
    sweep(&mut world, []);
    world.happens(&Disturbance::Hides {
        keys: vec![20],
        stamped: true,
    });
    world.wanted = Some(PassKind::Delta);
    world.now = world.now.checked_add(6.hours()).unwrap();
    // Ask, forget, read (thirty rows of one day are six pages), compare, …: before the count.
    let script = vec![Disturbance::Calm; 14]
        .into_iter()
        .chain([Disturbance::CrashBefore]);
    assert_eq!(world.run_pass(&mut script.into_iter()), None);
    world.now = world.now.checked_add(6.hours()).unwrap();
    assert_eq!(pass(&mut world, PassKind::Delta, []).removed, 1);
    assert_eq!(world.hub_content(), world.wanted_content());
}

#[test]
fn a_sweep_whose_memory_was_lost_removes_nothing_and_says_so() {
    let mut world = loaded(40, true);
    world.wanted = Some(PassKind::Sweep);
    let script = vec![Disturbance::Deletes(vec![7]); 10]
        .into_iter()
        .chain([Disturbance::CrashBefore]);
    assert_eq!(world.run_pass(&mut script.into_iter()), None);
    assert_eq!(
        sweep(&mut world, []),
        Passed {
            removed: 0,
            held: None,
            swept: false
        }
    );
    assert_eq!(
        sweep(&mut world, []),
        Passed {
            removed: 1,
            held: None,
            swept: true
        }
    );
}

#[test]
fn a_delta_goes_in_between_and_the_sweep_goes_on() {
    let mut world = loaded(40, true);
    world.wanted = Some(PassKind::Sweep);
    let script = vec![Disturbance::Calm; 10]
        .into_iter()
        .chain([Disturbance::Fails]);
    let outcome = world.run_pass(&mut script.into_iter());
    assert!(matches!(outcome, Some(Outcome::Failed(_))), "{outcome:?}");
    let scan = world.driver.progress.scan.clone().unwrap();
    assert!(scan.documents > 5);
    world.write(&[1], 0);
    pass(&mut world, PassKind::Delta, [Disturbance::Deletes(vec![2, 39])]);
    assert_eq!(world.driver.progress.scan, Some(scan));
    // What had been seen before it was deleted is found by the sweep after.
    assert_eq!(sweep(&mut world, []).removed, 1);
    assert_eq!(sweep(&mut world, []).removed, 1);
    assert_eq!(world.hub_content(), world.wanted_content());
}
