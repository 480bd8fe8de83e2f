//! The ERP, its processes, and chance.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use import::settings::Settings;
use jiff::{Timestamp, tz::TimeZone};
use model::{ImportKind, ImportReport, ImportState};
use sage::ServerProcess;
use serde_json::{Value, json};
use values::{Date, Decimal, ImportId, Stamp};

use super::hub::HubImport;
use crate::imports::ports::{HubAnswer, HubError};

/// The payload of a kill.
pub(super) struct Killed;

/// A line in the ERP.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) item: String,
    pub(super) quantity: Decimal,
    pub(super) extension: Decimal,
}

/// Where an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shelf {
    Open,
    History,
    Invoiced(Date),
}

/// An order in the ERP.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// The truth about whose it is, which no driver sees.
    pub(super) origin: Option<String>,
    pub(super) marker: String,
    pub(super) customer: String,
    pub(super) po: String,
    pub(super) user: &'static str,
    pub(super) created: Stamp,
    pub(super) lines: Vec<Line>,
    pub(super) is_whole: bool,
    pub(super) shelf: Shelf,
}

/// A server process of Sage's.
#[derive(Debug)]
struct Server {
    is_alive: bool,
    is_endable: bool,
    ends_at: Option<Timestamp>,
    pending: Option<(Timestamp, String, Order)>,
    lock: Option<String>,
}

/// All of it.
pub(super) struct World {
    state: u64,
    now: Timestamp,
    pub(super) is_calm: bool,
    pub(super) has_marker: bool,
    pub(super) keeps_history: bool,
    /// The mark is copied into history.
    pub(super) maps_history: bool,
    /// Users can be looked up.
    pub(super) tells_users: bool,
    /// What the driver's time zone is off by.
    pub(super) zone_off_by: i8,
    next_number: u64,
    pub(super) orders: BTreeMap<String, Order>,
    gone: Vec<String>,
    servers: BTreeMap<u32, Server>,
    pub(super) imports: BTreeMap<ImportId, HubImport>,
    pub(super) lease: u64,
    excuses: BTreeSet<&'static str>,
    pub(super) refusals: BTreeSet<String>,
    // One thing that goes wrong, for single runs.
    pub(super) late_commit: Option<(Duration, bool)>,
    pub(super) unendable: bool,
    pub(super) lost_write: bool,
    pub(super) partial_write: bool,
    pub(super) foreign_takes: u32,
    pub(super) loses_journal: bool,
    pub(super) has_killed: bool,
    /// Somebody has the order of this number open.
    pub(super) locked_number: Option<String>,
    /// Somebody has every batch open.
    pub(super) locks_batches: bool,
    /// Receipts cannot be read.
    pub(super) hides_receipts: bool,
    /// Tables that tell of receipts that were posted.
    pub(super) receipt_history: Vec<&'static str>,
    /// Answers of the hub to messages of this kind are kept back.
    pub(super) holds_answers: Option<&'static str>,
    pub(super) held_answers: Vec<(HubAnswer, Result<(), HubError>)>,
    pub(super) settings: Settings,
}

impl World {
    pub(super) fn calm() -> Self {
        Self {
            state: 7,
            now: "2026-05-01T12:00:00Z".parse().unwrap(),
            is_calm: true,
            has_marker: true,
            keeps_history: true,
            maps_history: true,
            tells_users: true,
            zone_off_by: 0,
            next_number: 101,
            orders: BTreeMap::new(),
            gone: Vec::new(),
            servers: BTreeMap::new(),
            imports: BTreeMap::new(),
            lease: 0,
            excuses: BTreeSet::new(),
            refusals: BTreeSet::new(),
            late_commit: None,
            unendable: false,
            lost_write: false,
            partial_write: false,
            foreign_takes: 0,
            loses_journal: false,
            has_killed: false,
            locked_number: None,
            locks_batches: false,
            hides_receipts: false,
            receipt_history: Vec::new(),
            holds_answers: None,
            held_answers: Vec::new(),
            settings: Settings::default(),
        }
    }

    pub(super) fn stormy(seed: u64) -> Self {
        let mut world = Self {
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5,
            ..Self::calm()
        };
        world.is_calm = false;
        world.has_marker = world.chance(70);
        world.keeps_history = world.chance(75);
        if !world.keeps_history {
            world.excuse("history is not kept");
        }
        world.maps_history = world.chance(70);
        if world.chance(8) {
            world.hide_users();
        }
        if world.chance(8) {
            world.shift_zone();
        }
        world
    }

    /// A site whose tables tell as little as they can about whose an order is.
    pub(super) fn silent(seed: u64) -> Self {
        let mut world = Self::stormy(seed);
        world.excuse("no mark");
        world.has_marker = world.chance(15);
        world.maps_history = false;
        world.shift_zone();
        if world.chance(40) {
            world.hide_users();
        }
        world
    }

    fn hide_users(&mut self) {
        self.tells_users = false;
        self.excuse("users cannot be looked up");
    }

    fn shift_zone(&mut self) {
        self.zone_off_by = if self.chance(75) { 7 } else { -7 };
        self.excuse("a wrong time zone");
    }

    /// A document whose comment is the truth.
    pub(super) fn post(&mut self, id: &str) {
        self.post_for(id, "ABF");
    }

    /// The same of another customer.
    pub(super) fn post_for(&mut self, id: &str, customer_no: &str) {
        let po = if self.is_calm || self.chance(50) {
            format!("PO {id}")
        } else {
            String::new()
        };
        let body = json!({
            "company": "ABC",
            "customer": {"ar_division_no": "01", "customer_no": customer_no},
            "customer_po_no": if po.is_empty() { Value::Null } else { Value::String(po) },
            "comment": id,
            "lines": [
                {"item_code": "A", "quantity_ordered": "2", "unit_price": "3.50"},
                {"item_code": "B", "quantity_ordered": "1.5"},
                {"item_code": id, "quantity_ordered": "1"},
            ],
        });
        self.post_body(id, body);
    }

    pub(super) fn post_body(&mut self, id: &str, body: Value) {
        self.imports.insert(
            ImportId::new(id),
            HubImport::new(id, ImportKind::SalesOrder, body),
        );
    }

    /// A payment over the invoice that is open.
    pub(super) fn post_payment(&mut self, id: &str, amount: &str) {
        self.post_payment_of(id, amount, amount);
    }

    /// The same, with so much of it on the invoice.
    pub(super) fn post_payment_of(&mut self, id: &str, amount: &str, on_invoice: &str) {
        let body = json!({
            "company": "ABC",
            "customer": {"ar_division_no": "01", "customer_no": "ABF"},
            "amount": amount,
            "payment_type": "CHECK",
            "invoices": [{"invoice_no": "0100001", "amount": on_invoice}],
        });
        self.imports
            .insert(ImportId::new(id), HubImport::new(id, ImportKind::Payment, body));
    }

    /// The hub's answers that were kept back arrive.
    pub(super) fn release_answers(&mut self) {
        self.holds_answers = None;
        for (answer, said) in self.held_answers.drain(..) {
            answer(said);
        }
    }

    pub(super) fn random(&mut self) -> u32 {
        u32::try_from(self.draw() >> 32).unwrap()
    }

    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }

    /// True in so many of a hundred cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// The same, but never in calm.
    pub(super) fn strikes(&mut self, percent: u64) -> bool {
        !self.is_calm && self.chance(percent)
    }

    pub(super) fn excuse(&mut self, why: &'static str) {
        self.excuses.insert(why);
    }

    /// Time goes on, and with it what was pending.
    pub(super) fn tick(&mut self, by: Duration) -> Timestamp {
        self.now = self.now.checked_add(by).unwrap();
        let now = self.now;
        let mut due = Vec::new();
        for server in self.servers.values_mut().filter(|s| s.is_alive) {
            if let Some((at, number, order)) = server
                .pending
                .take_if(|(at, ..)| *at <= now && server.ends_at.is_none_or(|end| *at <= end))
            {
                due.push((at, number, order));
            }
            if server.ends_at.is_some_and(|end| end <= now) {
                server.is_alive = false;
                server.pending = None;
                server.lock = None;
            }
        }
        due.sort_by_key(|(at, ..)| *at);
        for (_, number, order) in due {
            self.commit(&number, order);
        }
        now
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp::of(TimeZone::UTC.to_datetime(self.now))
    }

    /// What other people do.
    pub(super) fn live(&mut self) {
        if self.strikes(8) {
            self.complete_all();
        }
        if self.strikes(4) {
            self.next_number += 1 + self.below(3);
        }
    }

    /// Open orders are shipped, invoiced and posted.
    pub(super) fn complete_all(&mut self) {
        let today = self.stamp().date();
        let shelf = if self.keeps_history {
            Shelf::History
        } else {
            Shelf::Invoiced(today)
        };
        // A person looks at an order before it is shipped; one without lines is not.
        for order in self
            .orders
            .values_mut()
            .filter(|o| o.shelf == Shelf::Open && o.is_whole)
        {
            order.shelf = shelf;
        }
    }

    pub(super) fn restore_backup(&mut self) {
        self.next_number = 90;
        self.orders.clear();
    }

    pub(super) fn give_number(&mut self) -> String {
        let number = format!("{:07}", self.next_number);
        self.next_number += 1;
        number
    }

    /// Somebody else enters an order under this number.
    pub(super) fn take(&mut self, number: &str) {
        let order = Order {
            origin: None,
            marker: String::new(),
            customer: "OTHER".into(),
            po: "X".into(),
            user: "CLERK",
            created: self.stamp(),
            lines: vec![Line {
                item: "Z".into(),
                quantity: Decimal::new(1, 0),
                extension: Decimal::new(100, 2),
            }],
            is_whole: true,
            shelf: Shelf::Open,
        };
        self.orders.insert(number.to_owned(), order);
    }

    /// Stores an order; `false` when an open order has the number. An order that left the
    /// open ones does not stand in the way: a second commit under its number is the very
    /// thing that must never be tried.
    pub(super) fn commit(&mut self, number: &str, order: Order) -> bool {
        match self.orders.get(number) {
            Some(there) if there.shelf == Shelf::Open => return false,
            Some(there) => self.gone.extend(there.origin.clone()),
            None => {}
        }
        let origin = order.origin.clone();
        self.orders.insert(number.to_owned(), order);
        if let Some(origin) = origin {
            assert!(
                self.count_of(&origin) <= 1,
                "two orders for {origin}; {:?}",
                self.excuses
            );
        }
        true
    }

    /// Orders of this import that are or were in the ERP.
    pub(super) fn count_of(&self, origin: &str) -> u32 {
        let there = self.orders.values().filter_map(|o| o.origin.as_deref());
        let all = there
            .chain(self.gone.iter().map(String::as_str))
            .filter(|o| *o == origin)
            .count();
        u32::try_from(all).unwrap()
    }

    pub(super) fn start_server(&mut self) -> ServerProcess {
        let pid = 100 + u32::try_from(self.servers.len()).unwrap();
        let is_endable = !self.unendable && !self.strikes(2);
        if !is_endable {
            self.excuse("a process that cannot be ended");
        }
        let server = Server {
            is_alive: true,
            is_endable,
            ends_at: None,
            pending: None,
            lock: None,
        };
        self.servers.insert(pid, server);
        ServerProcess { pid, started_at: 1 }
    }

    pub(super) fn is_running(&self, process: ServerProcess) -> bool {
        self.servers
            .get(&process.pid)
            .is_some_and(|server| server.is_alive)
    }

    pub(super) fn end_server(&mut self, process: ServerProcess) {
        if let Some(server) = self.servers.get_mut(&process.pid).filter(|s| s.is_endable) {
            server.is_alive = false;
            server.pending = None;
            server.lock = None;
        }
    }

    /// Its client is gone: it ends soon, or hangs about. One that has to commit does not
    /// end before.
    pub(super) fn abandon(&mut self, process: ServerProcess) {
        let wait = Duration::from_millis(self.below(5_000));
        let hangs = self.strikes(20) || self.unendable;
        let now = self.now;
        if let Some(server) = self.servers.get_mut(&process.pid) {
            let after = server.pending.as_ref().map_or(now, |(at, ..)| *at);
            server.ends_at = if hangs || !server.is_endable {
                None
            } else {
                after.checked_add(wait).ok()
            };
        }
    }

    pub(super) fn commit_late(&mut self, process: ServerProcess, wait: Duration, number: &str, order: Order) {
        let at = self.now.checked_add(wait).unwrap();
        if let Some(server) = self.servers.get_mut(&process.pid) {
            server.pending = Some((at, number.to_owned(), order));
        }
    }

    /// Takes the lock on a record, unless another process has it.
    pub(super) fn lock(&mut self, process: ServerProcess, number: Option<&str>) -> bool {
        let is_held = number.is_some_and(|number| {
            self.servers
                .iter()
                .any(|(pid, s)| *pid != process.pid && s.is_alive && s.lock.as_deref() == Some(number))
        });
        if let Some(server) = self.servers.get_mut(&process.pid).filter(|_| !is_held) {
            server.lock = number.map(str::to_owned);
        }
        !is_held
    }

    pub(super) fn all_settled(&self) -> bool {
        self.imports.values().all(|import| import.is_settled())
    }

    pub(super) fn report(&self, id: &ImportId) -> &ImportReport {
        self.imports[id]
            .report
            .as_ref()
            .unwrap_or_else(|| panic!("{id} was never reported"))
    }

    /// The invariants at the end.
    pub(super) fn check(&self) -> HashMap<ImportState, u32> {
        let mut states = HashMap::new();
        for (id, import) in &self.imports {
            let report = self.report(id);
            let count = self.count_of(id.as_str());
            let (state, problems) = (report.state, &report.problems);
            assert!(import.is_settled(), "{id} is lost in {state:?}: {problems:?}");
            match report.state {
                ImportState::Written => {
                    assert_eq!(count, 1, "{id} is said to be written");
                    let number = report.numbers["sales_order_no"].as_str();
                    let order = &self.orders[number];
                    assert_eq!(order.origin.as_deref(), Some(id.as_str()), "{number}");
                    assert!(order.is_whole, "{number} has no lines");
                }
                ImportState::Refused => {
                    assert_eq!(count, 0, "{id} was refused");
                    assert!(
                        self.refusals.contains(id.as_str()),
                        "{id} was refused by nobody: {problems:?}"
                    );
                }
                ImportState::Held => assert_eq!(count, 0, "{id} is held"),
                ImportState::InDoubt => {
                    assert!(count <= 1);
                    assert!(
                        !self.excuses.is_empty(),
                        "{id} is in doubt without reason: {problems:?}"
                    );
                    assert!(report.numbers.contains_key("sales_order_no"));
                    assert!(!report.problems[0].remedy.is_empty());
                }
                ImportState::Received
                | ImportState::Validated
                | ImportState::Waiting
                | ImportState::Writing
                | ImportState::Discarded => panic!("{id} ended as {:?}", report.state),
            }
            *states.entry(report.state).or_default() += 1;
        }
        states
    }
}
