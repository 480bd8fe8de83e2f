//! The whole write side in one process, from one seed: an ERP whose server commits late,
//! a hub that loses answers, clerks, crashes at every place, lost journals, two drivers.
//! What must hold, whatever happens: at most one order per import in the ERP, and a final
//! state that is true.

mod hub;
mod journaled;
mod objects;
mod order;
mod pipeline;
mod reader;
mod receipts;
mod retries;
mod world;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_store::journal::Journal;
use import::settings::Settings;
use import::writing::Login;
use jiff::tz::{self, TimeZone};
use jiff::{SignedDuration, Timestamp};
use model::ImportState;
use sage::ServerProcess;
use values::{CompanyId, ImportId, Secret, StoreId};

use super::erp::Erp;
use super::ports::{Clock, Fence, Ports, TableReader};
use super::{FAULT_POINTS, Runner, Site};
use hub::SimHub;
use objects::SimWorkshop;
use reader::SimReader;
use world::{Killed, World};

/// Turns with faults before the world calms down, and turns for the rest.
const STORM: usize = 120;
const CALM: usize = 1_500;

type Shared = Rc<RefCell<World>>;

struct SimClock(Shared);

impl Clock for SimClock {
    fn now(&mut self) -> Timestamp {
        self.0.borrow_mut().tick(Duration::from_millis(3))
    }

    fn elapsed(&mut self) -> Duration {
        let now = self.0.borrow_mut().tick(Duration::ZERO);
        Duration::try_from(now.duration_since(Timestamp::UNIX_EPOCH)).unwrap()
    }

    fn sleep(&mut self, wait: Duration) {
        self.0.borrow_mut().tick(wait);
    }

    fn random(&mut self) -> u32 {
        self.0.borrow_mut().random()
    }
}

struct SimFence(Shared);

impl Fence for SimFence {
    fn is_running(&mut self, process: ServerProcess) -> bool {
        self.0.borrow().is_running(process)
    }

    fn end(&mut self, process: ServerProcess) {
        self.0.borrow_mut().end_server(process);
    }
}

/// What happens at the fault points of one driver.
type Hook = Box<dyn Fn(&'static str)>;

/// A driver that can be started again.
struct Driver {
    world: Shared,
    journal: Arc<Mutex<Journal>>,
    journals: u32,
    name: &'static str,
    runner: Option<Runner>,
}

impl Driver {
    fn new(world: &Shared, name: &'static str) -> Self {
        Self {
            world: Rc::clone(world),
            journal: fresh_journal(name, 1),
            journals: 1,
            name,
            runner: None,
        }
    }

    fn lose_journal(&mut self) {
        self.journals += 1;
        self.journal = fresh_journal(self.name, self.journals);
    }

    fn start(&mut self, hook: Hook) {
        let world = || Rc::clone(&self.world);
        let ports = Ports {
            hub: Box::new(SimHub(world())),
            workshop: Box::new(SimWorkshop(world())),
            reader: TableReader::Here(Box::new(SimReader(world()))),
            fence: Box::new(SimFence(world())),
            clock: Box::new(SimClock(world())),
            fault_point: hook,
        };
        let site = Site {
            company: CompanyId::new("ABC"),
            login: Login {
                user: "WEB".into(),
                password: Secret::new("x"),
                company: "ABC".into(),
            },
            time_zone: TimeZone::fixed(tz::offset(self.world.borrow().zone_off_by)),
            time_zone_name: "UTC".into(),
            keeps_history: self.world.borrow().keeps_history,
            settings: Arc::new(self.world.borrow().settings.clone()),
            rules: Arc::default(),
            clock_tolerance: SignedDuration::from_hours(3),
            fence_wait: Duration::from_secs(20),
            idle_release: Duration::from_secs(60),
            redact_after: SignedDuration::from_hours(24 * 90),
        };
        let stop = Arc::new(AtomicBool::new(false));
        self.runner = Some(Runner::new(site, ports, Arc::clone(&self.journal), stop));
    }

    /// One turn; `false` when the driver was killed in it.
    fn turn(&mut self) -> bool {
        let Some(runner) = &mut self.runner else {
            return false;
        };
        match catch_unwind(AssertUnwindSafe(|| runner.turn())) {
            Ok(()) => true,
            Err(payload) if payload.is::<Killed>() => {
                self.runner = None;
                false
            }
            Err(payload) => resume_unwind(payload),
        }
    }
}

fn fresh_journal(name: &str, count: u32) -> Arc<Mutex<Journal>> {
    Arc::new(Mutex::new(
        Journal::in_memory(&StoreId::new(format!("{name}-{count}"))).unwrap(),
    ))
}

fn kill() -> ! {
    resume_unwind(Box::new(Killed))
}

/// Everything at random, in so many of a hundred cases with a second driver. Returns how often each final state came out.
fn storm(world: World, rivals: u64) -> HashMap<ImportState, u32> {
    let world = Rc::new(RefCell::new(world));
    let documents = 1 + world.borrow_mut().below(4);
    for number in 0..documents {
        world.borrow_mut().post(&format!("import-{number}"));
    }
    let rival: Rc<RefCell<Option<Driver>>> = Rc::default();
    if world.borrow_mut().chance(rivals) {
        world.borrow_mut().excuse("two drivers");
        *rival.borrow_mut() = Some(Driver::new(&world, "rival"));
    }
    let hook = || -> Hook {
        let (world, rival) = (Rc::clone(&world), Rc::clone(&rival));
        let is_nested = Cell::new(false);
        Box::new(move |point| {
            assert!(FAULT_POINTS.contains(&point), "{point} is not listed");
            world.borrow_mut().live();
            if world.borrow_mut().strikes(4) {
                kill();
            }
            // The rival works while this driver stands in the middle of something.
            if !is_nested.get()
                && world.borrow_mut().strikes(5)
                && let Ok(mut rival) = rival.try_borrow_mut()
                && let Some(rival) = rival.as_mut()
            {
                is_nested.set(true);
                run_rival(&world, rival, 6);
                is_nested.set(false);
            }
        })
    };
    let mut driver = Driver::new(&world, "first");
    driver.start(hook());
    for turn in 0..STORM + CALM {
        if turn == STORM {
            world.borrow_mut().is_calm = true;
        }
        if !driver.turn() {
            let lost = world.borrow_mut().strikes(8);
            if lost {
                world.borrow_mut().excuse("journal lost");
                driver.lose_journal();
            }
            driver.start(hook());
        }
        if turn < STORM
            && world.borrow_mut().chance(10)
            && let Some(rival) = rival.borrow_mut().as_mut()
        {
            run_rival(&world, rival, 4);
        }
        if world.borrow().is_calm && world.borrow().all_settled() {
            break;
        }
    }
    drop(driver);
    *rival.borrow_mut() = None;
    // Whatever still lingers has its chance to commit.
    world.borrow_mut().tick(Duration::from_secs(100_000));
    world.borrow().check()
}

fn run_rival(world: &Shared, rival: &mut Driver, turns: usize) {
    for _ in 0..turns {
        if rival.runner.is_none() {
            let world = Rc::clone(world);
            rival.start(Box::new(move |_| {
                world.borrow_mut().live();
                if world.borrow_mut().strikes(4) {
                    kill();
                }
            }));
        }
        rival.turn();
    }
}

/// So many histories, always the same; many times more with `ERP_DRIVER_STORM=long`.
fn storms(seeds: u64, rivals: u64, world: fn(u64) -> World) -> HashMap<ImportState, u32> {
    let seeds = match std::env::var("ERP_DRIVER_STORM") {
        Ok(length) => {
            assert_eq!(length, "long", "ERP_DRIVER_STORM is long, or not set");
            seeds * 10
        }
        Err(_) => seeds,
    };
    let mut ends: HashMap<ImportState, u32> = HashMap::new();
    for seed in 0..seeds {
        let states = catch_unwind(|| storm(world(seed), rivals));
        match states {
            Ok(states) => states
                .into_iter()
                .for_each(|(state, n)| *ends.entry(state).or_default() += n),
            Err(payload) => {
                eprintln!("seed {seed}");
                resume_unwind(payload);
            }
        }
    }
    ends
}

#[test]
fn never_two_orders_where_the_tables_tell_little() {
    let ends = storms(150, 40, World::silent);
    let count = |state| ends.get(&state).copied().unwrap_or(0);
    let all: u32 = ends.values().sum();
    assert!(
        count(ImportState::Written) > all / 10 && count(ImportState::InDoubt) > 0,
        "{ends:?}"
    );
}

#[test]
fn never_two_orders_and_never_a_wrong_end() {
    let ends = storms(300, 12, World::stormy);
    let count = |state| ends.get(&state).copied().unwrap_or(0);
    let all: u32 = ends.values().sum();
    // A storm that ends everything in doubt would prove nothing.
    assert!(count(ImportState::Written) > all * 6 / 10, "{ends:?}");
    assert!(
        count(ImportState::InDoubt) > 0 && count(ImportState::Refused) > 0,
        "{ends:?}"
    );
}

/// One import, one driver, and exactly one thing that goes wrong.
fn single(prepare: impl FnOnce(&mut World), hook: impl Fn(&Shared, &'static str) + 'static) -> Shared {
    let world = Rc::new(RefCell::new(World::calm()));
    world.borrow_mut().post("import-0");
    prepare(&mut world.borrow_mut());
    let hook = Rc::new(hook);
    let hooked = || -> Hook {
        let (world, hook) = (Rc::clone(&world), Rc::clone(&hook));
        Box::new(move |point| hook(&world, point))
    };
    let mut driver = Driver::new(&world, "first");
    driver.start(hooked());
    let mut is_over = false;
    for _ in 0..CALM {
        if !driver.turn() {
            if std::mem::take(&mut world.borrow_mut().loses_journal) {
                driver.lose_journal();
            }
            driver.start(hooked());
        }
        // The hub's last answer is heard in the turn behind it.
        let was_over = is_over;
        is_over = world.borrow().all_settled();
        if was_over && is_over {
            break;
        }
    }
    drop(driver);
    world.borrow_mut().tick(Duration::from_secs(100_000));
    world
}

fn end_of(world: &Shared) -> (ImportState, Option<String>, Option<String>) {
    let world = world.borrow();
    let report = world.report(&ImportId::new("import-0"));
    (
        report.state,
        report.numbers.get("sales_order_no").cloned(),
        report.problems.first().map(|p| p.code.clone()),
    )
}

#[test]
fn a_kill_at_every_point_ends_in_one_order() {
    let mut reached = 0;
    for place in FAULT_POINTS {
        let struck = Rc::new(Cell::new(false));
        let world = single(|_| {}, {
            let struck = Rc::clone(&struck);
            move |_, point| {
                if point == place && !struck.replace(true) {
                    kill();
                }
            }
        });
        reached += usize::from(struck.get());
        assert_eq!(end_of(&world).0, ImportState::Written, "{place}");
        assert_eq!(world.borrow().count_of("import-0"), 1, "{place}");
        world.borrow().check();
    }
    // The others belong to what goes wrong (a worker killed, a fence, an empty attempt), to
    // documents of several records, and to receipts.
    assert_eq!(reached, FAULT_POINTS.len() - 5);
}

#[test]
fn a_late_commit_is_found_at_every_delay() {
    for delay in [1, 5, 19, 21, 60, 900] {
        for kills_driver in [false, true] {
            let world = single(
                |w| w.late_commit = Some((Duration::from_secs(delay), kills_driver)),
                |_, _| {},
            );
            assert_eq!(end_of(&world).0, ImportState::Written, "{delay} s");
            assert_eq!(world.borrow().count_of("import-0"), 1, "{delay} s");
        }
    }
}

#[test]
fn a_process_that_cannot_be_ended_leaves_doubt() {
    let unendable = |w: &mut World| {
        w.late_commit = Some((Duration::from_secs(5_000), false));
        w.unendable = true;
    };
    let world = single(unendable, |_, _| {});
    let (state, number, code) = end_of(&world);
    assert_eq!(
        (state, code.as_deref()),
        (ImportState::InDoubt, Some("fence_unknown"))
    );
    assert!(number.is_some(), "a person needs the number to look for");
    assert_eq!(world.borrow().count_of("import-0"), 1, "it came late, once");
}

#[test]
fn a_lost_journal_before_the_write_leaves_doubt_and_after_it_the_order() {
    for (place, wanted) in [
        ("import.after_reserve_hub", ImportState::InDoubt),
        ("import.before_header_write", ImportState::InDoubt),
        ("import.after_header_write", ImportState::Written),
        ("import.after_outcome_local", ImportState::Written),
    ] {
        let struck = Cell::new(false);
        let world = single(
            |w| w.loses_journal = true,
            move |_, point| {
                if point == place && !struck.replace(true) {
                    kill();
                }
            },
        );
        let (state, number, _) = end_of(&world);
        assert_eq!(state, wanted, "{place}");
        assert!(number.is_some());
        assert_eq!(
            world.borrow().count_of("import-0"),
            u32::from(wanted == ImportState::Written),
            "{place}"
        );
    }
}

#[test]
fn an_order_invoiced_before_the_read_back_is_written() {
    for keeps_history in [true, false] {
        let world = single(
            |w| w.keeps_history = keeps_history,
            |world, point| {
                if point == "import.after_header_write" {
                    world.borrow_mut().complete_all();
                    kill_once(world);
                }
            },
        );
        let (state, number, _) = end_of(&world);
        assert_eq!(state, ImportState::Written, "history kept: {keeps_history}");
        assert!(number.is_some());
        assert_eq!(world.borrow().count_of("import-0"), 1);
    }
}

fn kill_once(world: &Shared) {
    if !std::mem::replace(&mut world.borrow_mut().has_killed, true) {
        kill();
    }
}

#[test]
fn without_history_a_lost_answer_leaves_doubt() {
    let world = single(
        |w| {
            w.keeps_history = false;
            w.lost_write = true;
        },
        |_, _| {},
    );
    let (state, _, code) = end_of(&world);
    assert_eq!(
        (state, code.as_deref()),
        (ImportState::InDoubt, Some("history_not_kept"))
    );
    let world = single(|w| w.lost_write = true, |_, _| {});
    assert_eq!(
        end_of(&world).0,
        ImportState::Written,
        "with history the order is proven absent and entered"
    );
}

#[test]
fn a_number_taken_by_somebody_else_is_given_up() {
    let world = single(|w| w.foreign_takes = 1, |_, _| {});
    let (state, number, _) = end_of(&world);
    assert_eq!(
        (state, number.as_deref()),
        (ImportState::Written, Some("0000102"))
    );
    let world = single(|w| w.foreign_takes = 99, |_, _| {});
    let (state, _, code) = end_of(&world);
    assert_eq!(
        (state, code.as_deref()),
        (ImportState::Held, Some("numbers_taken"))
    );
    assert_eq!(world.borrow().count_of("import-0"), 0);
}

#[test]
fn a_number_that_went_backwards_freezes_the_company() {
    let world = single(
        |w| w.post("import-1"),
        |world, point| {
            // Restored from a backup after the first order was written.
            if point == "import.after_mark_reported" {
                world.borrow_mut().restore_backup();
            }
        },
    );
    let world = world.borrow();
    let second = world.report(&ImportId::new("import-1"));
    assert_eq!(second.state, ImportState::Held);
    assert_eq!(second.problems[0].code, "restored_from_backup");
}

#[test]
fn a_wrong_time_zone_leaves_doubt_and_never_a_second_order() {
    let world = single(
        |w| {
            w.has_marker = false;
            w.zone_off_by = 7;
            w.late_commit = Some((Duration::from_secs(1), false));
        },
        |_, _| {},
    );
    let (state, number, code) = end_of(&world);
    assert_eq!((state, code.as_deref()), (ImportState::InDoubt, Some("unclear")));
    assert_eq!(
        (number.as_deref(), world.borrow().count_of("import-0")),
        (Some("0000101"), 1)
    );
}

#[test]
fn an_order_that_is_missing_without_trace_freezes_the_company() {
    let world = single(
        |_| {},
        |world, point| {
            let mut world = world.borrow_mut();
            if world.imports.len() > 1 {
                return;
            }
            // The files are replaced by older ones; the next number is set forward by hand.
            if point == "import.after_enter" {
                world.orders.clear();
            }
            if point == "import.after_mark_reported" {
                world.post("import-1");
            }
        },
    );
    let (state, number, code) = end_of(&world);
    assert_eq!(
        (state, number.as_deref(), code.as_deref()),
        (ImportState::InDoubt, Some("0000101"), Some("missing_after_write"))
    );
    let world = world.borrow();
    let second = world.report(&ImportId::new("import-1"));
    assert_eq!(second.state, ImportState::Held);
    assert_eq!(second.problems[0].code, "restored_from_backup");
}

#[test]
fn columns_and_user_are_looked_up_again_and_the_unknown_is_not_kept() {
    let world = Rc::new(RefCell::new(World::calm()));
    world.borrow_mut().tells_users = false;
    world.borrow_mut().has_marker = false;
    let mut erp = Erp::new(
        Box::new(SimReader(Rc::clone(&world))),
        Arc::new(Settings::default()),
    );
    let has_marker = |erp: &mut Erp| {
        erp.has_column("SO_SalesOrderHeader", import::MARKER_COLUMN)
            .unwrap()
    };
    assert_eq!(erp.user_key("WEB").unwrap(), None);
    assert!(!has_marker(&mut erp));
    world.borrow_mut().tells_users = true;
    world.borrow_mut().has_marker = true;
    assert_eq!(erp.user_key("WEB").unwrap().as_deref(), Some("WEB"));
    erp.forget();
    assert!(has_marker(&mut erp), "a column was added");
    assert_eq!(erp.user_key("WEB").unwrap().as_deref(), Some("WEB"));
    world.borrow_mut().tells_users = false;
    assert_eq!(
        erp.user_key("WEB").unwrap().as_deref(),
        Some("WEB"),
        "known before"
    );
    erp.forget();
    assert_eq!(erp.user_key("WEB").unwrap(), None);
}

#[test]
fn a_partial_order_is_never_touched_again() {
    let world = single(|w| w.partial_write = true, |_, _| {});
    let (state, number, code) = end_of(&world);
    assert_eq!((state, code.as_deref()), (ImportState::InDoubt, Some("partial")));
    assert_eq!(
        (number.as_deref(), world.borrow().count_of("import-0")),
        (Some("0000101"), 1)
    );
}

#[test]
fn a_document_with_problems_never_reaches_sage() {
    let world = single(
        |w| {
            w.post_body("import-1", serde_json::json!({
        "customer": {"ar_division_no": "01", "customer_no": "NOBODY"},
        "lines": [{"item_code": "NONE", "quantity_ordered": "1"}, {"item_code": "A", "quantity_ordered": "1", "warehouse_code": "9"}],
    }))
        },
        |_, _| {},
    );
    let world = world.borrow();
    let report = world.report(&ImportId::new("import-1"));
    assert_eq!(report.state, ImportState::Refused);
    let found: Vec<_> = report
        .problems
        .iter()
        .map(|p| (p.code.as_str(), p.field.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("customer_unknown", "customer.customer_no"),
            ("item_unknown", "lines[0].item_code"),
            ("warehouse_unknown", "lines[1].warehouse_code"),
        ]
    );
    assert!(report.numbers.is_empty());
}
