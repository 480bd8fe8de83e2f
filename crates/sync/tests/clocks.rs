//! The Sage server's clock: summer and winter time, and hands that turn it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]
#![allow(dead_code, reason = "the model is shared with other tests")]

mod world;

use jiff::civil;
use sync::{Outcome, PassKind};
use world::World;

/// A loaded company at this moment, and a delta after it.
fn loaded_at(now: civil::DateTime) -> World {
    let mut world = World::new(4, true, false, true);
    world.now = now;
    world.write(&[1, 2, 3, 4, 5], 0);
    pass(&mut world, PassKind::Sweep);
    pass(&mut world, PassKind::Delta);
    world
}

fn pass(world: &mut World, kind: PassKind) -> (PassKind, bool) {
    world.wanted = Some(kind);
    match world.run_pass(&mut std::iter::empty()) {
        Some(Outcome::Complete {
            kind, clock_set_back, ..
        }) => (kind, clock_set_back),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_written_in_the_hour_that_autumn_repeats_arrives_by_a_delta() {
    let mut world = loaded_at(civil::date(2026, 11, 1).at(1, 50, 0, 0));
    world.write(&[6], 0);
    pass(&mut world, PassKind::Delta);
    // Two in the morning is one o'clock again.
    world.turn_clock(-60 + 15);
    world.write(&[2, 7], 0);
    let (kind, set_back) = pass(&mut world, PassKind::Delta);
    assert_eq!((kind, set_back), (PassKind::Delta, false));
    assert_eq!(world.hub_content(), world.wanted_content());
}

#[test]
fn the_hour_that_spring_leaves_out_hides_nothing() {
    let mut world = loaded_at(civil::date(2026, 3, 8).at(1, 59, 0, 0));
    // A workstation that has not turned its clock yet, an hour behind.
    world.turn_clock(61);
    world.write(&[3, 8], -60);
    let (kind, _) = pass(&mut world, PassKind::Delta);
    assert_eq!(kind, PassKind::Delta);
    assert_eq!(world.hub_content(), world.wanted_content());
}

#[test]
fn a_clock_set_back_by_hours_makes_one_whole_pass_and_deltas_go_on() {
    let mut world = loaded_at(civil::date(2026, 5, 4).at(15, 0, 0, 0));
    world.turn_clock(-8 * 60);
    world.write(&[1, 9], 0);
    let (kind, set_back) = pass(&mut world, PassKind::Delta);
    assert_eq!((kind, set_back), (PassKind::Sweep, true));
    assert_eq!(world.hub_content(), world.wanted_content());
    world.turn_clock(1);
    world.write(&[4], 0);
    assert_eq!(pass(&mut world, PassKind::Delta), (PassKind::Delta, false));
    assert_eq!(world.hub_content(), world.wanted_content());
}

#[test]
fn a_workstation_ahead_or_behind_by_less_than_the_overlap_loses_nothing() {
    let mut world = loaded_at(civil::date(2026, 5, 4).at(9, 0, 0, 0));
    for skew in [-115, 115, -60, 0] {
        world.turn_clock(30);
        world.write(&[2, 5], skew);
        pass(&mut world, PassKind::Delta);
        assert_eq!(world.hub_content(), world.wanted_content(), "{skew} minutes");
    }
}
