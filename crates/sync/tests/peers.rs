//! How other tools fail, and that this one does not. One test for each failure that was
//! reported of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]
#![allow(dead_code, reason = "the model is shared with other tests")]

mod tables;
mod world;

use jiff::ToSpan;
use sage::Comparison;
use sync::{Adaptation, Fill, JoinCache, Outcome, PageRequest, PassKind, Shape, read_documents, vanished};
use tables::{LIMIT, Tables, dataset, fit_with, row};
use values::Stamp;
use world::{Disturbance, World};

fn loaded(limit: usize, keys: std::ops::Range<u8>) -> World {
    let mut world = World::new(limit, true, false, true);
    world.write(&keys.collect::<Vec<_>>(), 0);
    pass(&mut world, PassKind::Sweep);
    assert_eq!(world.hub_content(), world.wanted_content());
    world
}

/// A pass in calm; how many documents were read and sent.
fn pass(world: &mut World, kind: PassKind) -> (u64, u64) {
    disturbed(world, kind, []).expect("nothing disturbed it")
}

fn disturbed<const N: usize>(
    world: &mut World,
    kind: PassKind,
    script: [Disturbance; N],
) -> Option<(u64, u64)> {
    world.now = world.now.checked_add(1.minutes()).unwrap();
    world.wanted = Some(kind);
    match world.run_pass(&mut script.into_iter()) {
        Some(Outcome::Complete { documents, sent, .. }) => Some((documents, sent)),
        Some(other) => panic!("{other:?}"),
        None => None,
    }
}

fn writes(keys: impl IntoIterator<Item = u8>, skew_minutes: i64) -> Disturbance {
    Disturbance::Writes {
        keys: keys.into_iter().collect(),
        skew_minutes,
    }
}

/// Commands of a delta before it reads: ask, forget leavers.
const BEFORE_READING: [Disturbance; 2] = [Disturbance::Calm, Disturbance::Calm];

// Airbyte 14732, 80152.
#[test]
fn a_row_stamped_at_the_cursor_that_arrives_after_the_read_is_not_skipped() {
    let mut world = loaded(5, 0..10);
    let [ask, forget] = BEFORE_READING;
    // Read, then written with the stamp of the very moment, then the pass is recorded.
    disturbed(
        &mut world,
        PassKind::Delta,
        [ask, forget, Disturbance::Calm, writes([3], 0)],
    );
    pass(&mut world, PassKind::Delta);
    assert_eq!(world.hub_content(), world.wanted_content());
}

// Airbyte 10782.
#[test]
fn sixty_rows_with_one_stamp_arrive_all_sixty() {
    let mut world = loaded(7, 0..10);
    world.write(&(20..80).collect::<Vec<_>>(), 0);
    let (_, sent) = pass(&mut world, PassKind::Delta);
    assert_eq!(sent, 60);
    assert_eq!(world.hub_content(), world.wanted_content());
}

// Airbyte 85918: the highest cursor was taken from another snapshot than the pages.
#[test]
fn the_cursor_does_not_come_from_rows() {
    let mut world = loaded(2, 0..10);
    // A workstation far ahead stamps a row two hours in the future, in the middle of a pass.
    let [ask, forget] = BEFORE_READING;
    disturbed(&mut world, PassKind::Delta, [ask, forget, writes([9], 115)]);
    world.write(&[1], 0);
    pass(&mut world, PassKind::Delta);
    assert_eq!(world.hub_content(), world.wanted_content());
}

// Airbyte 21500.
#[test]
fn rows_updated_during_the_pass_do_not_leave_the_window() {
    let mut world = loaded(2, 0..10);
    world.write(&(0..10).collect::<Vec<_>>(), 0);
    let [ask, forget] = BEFORE_READING;
    let calm = || Disturbance::Calm;
    let script = [ask, forget, calm(), calm(), calm(), calm(), writes([0, 1, 8], 0)];
    disturbed(&mut world, PassKind::Delta, script);
    pass(&mut world, PassKind::Delta);
    assert_eq!(world.hub_content(), world.wanted_content());
}

// Airbyte 9915.
#[test]
fn the_cursor_is_not_rounded_up() {
    let mut world = World::new(5, true, false, true);
    world.write(&[1], 0);
    world.now = world.now.checked_add(90_061.milliseconds()).unwrap();
    let started = world.now.checked_add(1.minutes()).unwrap();
    pass(&mut world, PassKind::Sweep);
    let exact = Stamp::of(started.checked_sub(3.hours()).unwrap());
    assert_eq!(world.driver.progress.watermark, Some(exact));
}

// dlt 2269.
#[test]
fn a_transaction_that_commits_late_below_the_high_water_mark_is_read() {
    let mut world = loaded(5, 0..10);
    pass(&mut world, PassKind::Delta);
    world.write(&[4], -115);
    pass(&mut world, PassKind::Delta);
    assert_eq!(world.hub_content(), world.wanted_content());
}

// Meltano SDK 2154, dlt 4030.
#[test]
fn a_bulk_update_with_one_stamp_is_not_sent_for_ever_and_leaves_no_list_behind() {
    let mut world = loaded(5, 0..40);
    let before = format!("{:?}", world.driver.progress).len();
    world.write(&(0..40).collect::<Vec<_>>(), 0);
    assert_eq!(pass(&mut world, PassKind::Delta).1, 40);
    for _ in 0..5 {
        assert_eq!(pass(&mut world, PassKind::Delta).1, 0);
    }
    let after = format!("{:?}", world.driver.progress).len();
    assert!(after <= before + 40, "{before} bytes became {after}");
}

// Meltano SDK 2725.
#[test]
fn an_interrupted_whole_pass_goes_on_where_it_stood() {
    let mut world = World::new(2, true, false, true);
    world.write(&(0..40).collect::<Vec<_>>(), 0);
    let mut script = vec![Disturbance::Calm; 60];
    script.push(Disturbance::CrashBefore);
    world.wanted = Some(PassKind::Sweep);
    assert_eq!(world.run_pass(&mut script.into_iter()), None);
    let read = world.driver.progress.scan.clone().unwrap().documents;
    assert!(read > 20, "{read}");
    assert_eq!(pass(&mut world, PassKind::Sweep).0, 40 - read);
    assert_eq!(world.hub_content(), world.wanted_content());
}

// Sling 36: `>=` became `>` to stop duplicates.
#[test]
fn ties_at_the_boundary_are_asked_for() {
    let mut reader = salespersons();
    let (shape, _) = fit_with(&mut reader, &site(), &Adaptation::default()).unwrap();
    let request = PageRequest {
        since: values::parse_date("2026-05-01").unwrap(),
        after: None,
        limit: 100,
    };
    let page = read_documents(&mut reader, &shape, &request, &mut JoinCache::default(), LIMIT).unwrap();
    assert_eq!(page.batch.parents.num_rows(), 30);
    assert_eq!(reader.asked[0].conditions[0].comparison, Comparison::AtLeast);
}

// Estuary connectors 4478: a checkpoint inside a run of equal cursor values.
#[test]
fn nothing_is_a_checkpoint_before_the_pass_is_complete() {
    let mut world = loaded(2, 0..30);
    let before = world.driver.progress.watermark;
    world.write(&(0..30).collect::<Vec<_>>(), 0);
    world.now = world.now.checked_add(6.hours()).unwrap();
    world.wanted = Some(PassKind::Delta);
    let mut script = vec![Disturbance::Calm; 25];
    script.push(Disturbance::CrashAfter);
    assert_eq!(world.run_pass(&mut script.into_iter()), None);
    assert_eq!(world.driver.progress.watermark, before);
    pass(&mut world, PassKind::Delta);
    pass(&mut world, PassKind::Delta);
    assert_eq!(world.hub_content(), world.wanted_content());
}

// Sling 333: only keys were compared; elsewhere deletes are not seen at all.
#[test]
fn a_sweep_finds_deletes_and_changes_that_moved_no_stamp() {
    let mut world = loaded(5, 0..30);
    let script = [
        Disturbance::Deletes(vec![3, 7]),
        Disturbance::WritesUnstamped(vec![5]),
    ];
    disturbed(&mut world, PassKind::Sweep, script);
    assert_eq!(world.wanted_content().len(), 28);
    assert_eq!(world.hub_content(), world.wanted_content());
}

fn site() -> catalog::Dataset {
    dataset("salespersons", &["SalespersonName", "DateUpdated", "TimeUpdated"])
}

fn salespersons() -> Tables {
    let rows = (100..130).map(|n| {
        row(&[
            ("SalespersonDivisionNo", "01"),
            ("SalespersonNo", &n.to_string()),
            ("SalespersonName", "CENTRAL"),
            ("DateUpdated", "2026-05-01"),
            ("TimeUpdated", "9.5"),
        ])
    });
    let tables: tables::Rows = [("AR_Salesperson", rows.collect())].into();
    Tables::new(tables)
}

// Design of stamps by workstation clocks: a row from tomorrow is delivered and said.
#[test]
fn a_stamp_from_the_future_and_one_that_is_no_time_are_said_and_delivered() {
    let mut reader = salespersons();
    let rows = reader.rows.get_mut("AR_Salesperson").unwrap();
    rows[4].insert("DateUpdated", "2026-05-03".into());
    rows[7].insert("TimeUpdated", "noon".into());
    let (shape, _) = fit_with(&mut reader, &site(), &Adaptation::default()).unwrap();
    let page = first_page(&mut reader, &shape);
    assert_eq!(page.batch.parents.num_rows(), 30);
    let now = jiff::civil::date(2026, 5, 1).at(12, 0, 0, 0);
    let said: Vec<String> = sync::stamp_findings(&shape.dataset, &page.batch, now)
        .iter()
        .map(|f| format!("{} {} {}", f.key, f.column, f.code.as_str()))
        .collect();
    assert_eq!(
        said,
        ["01:104 DateUpdated future_stamp", "01:107 TimeUpdated bad_time"]
    );
}

fn first_page(reader: &mut Tables, shape: &Shape) -> sync::DocumentPage {
    let request = PageRequest {
        limit: 100,
        ..PageRequest::default()
    };
    read_documents(reader, shape, &request, &mut JoinCache::default(), LIMIT).unwrap()
}

// Airbyte 3520: adding one made the others start anew.
#[test]
fn a_new_column_resets_nothing() {
    let mut reader = salespersons();
    let (before, _) = fit_with(&mut reader, &site(), &Adaptation::default()).unwrap();
    let hashes = before.dataset.hashes(&first_page(&mut reader, &before).batch);
    for row in reader.rows.get_mut("AR_Salesperson").unwrap() {
        row.insert("UDF_AISLE", "7".into());
    }
    let (after, problems) = fit_with(&mut reader, &site(), &Adaptation::default()).unwrap();
    assert_eq!(problems, []);
    assert_eq!(after.dataset.fingerprint(), before.dataset.fingerprint());
    assert_eq!(
        after.dataset.hashes(&first_page(&mut reader, &after).batch),
        hashes
    );
    let offered: Vec<&str> = after.offered().iter().map(|o| o.column.as_str()).collect();
    assert_eq!(offered, ["UDF_AISLE"]);
}

// Airbyte 30283: the schema had changed, the sync was green, the data was missing.
#[test]
fn a_column_that_vanishes_is_said_and_stops_the_dataset() {
    let mut reader = salespersons();
    let (before, _) = fit_with(&mut reader, &site(), &Adaptation::default()).unwrap();
    let fill = Fill::of(&before, &first_page(&mut reader, &before));
    assert!(vanished(&fill, &before).is_empty());
    for row in reader.rows.get_mut("AR_Salesperson").unwrap() {
        row.remove("SalespersonName");
    }
    let (after, problems) = fit_with(&mut reader, &site(), &Adaptation::default()).unwrap();
    assert_eq!(
        problems.iter().map(sync::ShapeProblem::code).collect::<Vec<_>>(),
        ["column_missing"]
    );
    assert_eq!(vanished(&fill, &after), ["SalespersonName"]);
    let mut world = loaded(5, 0..10);
    world.wanted = Some(PassKind::Sweep);
    world.column_lost = true;
    let outcome = world.run_pass(&mut std::iter::empty());
    assert!(matches!(outcome, Some(Outcome::Held(_))), "{outcome:?}");
}

// Airbyte 23349: a hash that came out differently was taken for a change.
#[test]
fn the_order_of_columns_in_the_erp_is_no_change() {
    let mut reader = salespersons();
    let (shape, _) = fit_with(&mut reader, &site(), &Adaptation::default()).unwrap();
    let (again, _) = fit_with(&mut reader, &site(), &Adaptation::default()).unwrap();
    assert_eq!(shape.dataset.fingerprint(), again.dataset.fingerprint());
    assert_eq!(
        Adaptation::default().fingerprint(),
        Adaptation::default().fingerprint()
    );
    let columns = |table: &str| {
        let mut columns = sage::Reader::columns(&mut salespersons(), table)?;
        columns.reverse();
        Ok(columns)
    };
    let fitted = Shape::fit(&site(), &Adaptation::default(), "ABC", &shape.remember(), columns).unwrap();
    let (turned, problems) = fitted.unwrap();
    assert_eq!(problems, []);
    let hashes = |shape: &Shape| {
        shape
            .dataset
            .hashes(&first_page(&mut salespersons(), shape).batch)
    };
    assert_eq!(hashes(&turned), hashes(&shape));
}
