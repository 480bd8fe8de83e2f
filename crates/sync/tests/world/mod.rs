//! A model of an ERP, a hub and a driver, small enough to be right by reading it.

mod checks;
mod driver;
mod hub;

use std::collections::{BTreeMap, BTreeSet};

use catalog::removal_allowance;
use hub::{Batch, Hub, lately};
use jiff::{ToSpan, civil};
use sync::{
    AtHand, Command, Engine, Event, Failure, Held, Outcome, PageRequest, PassKind, Progress, Settings,
};
use values::{Hash, Sequence, Stamp, StoreId};

pub(crate) const SHAPE: Hash = Hash(77);
const OVERLAP_S: u32 = 3 * 3600;
/// Removals of one batch.
const TAKE: usize = 3;
/// Suspects looked for at once.
const CONFIRM: usize = 4;

#[derive(Clone, Debug)]
pub(crate) enum Disturbance {
    /// Nothing.
    Calm,
    /// Keys written, all with one stamp, by a workstation whose clock is off by so much.
    Writes {
        keys: Vec<u8>,
        skew_minutes: i64,
    },
    /// An import job writes values and leaves the stamps; what is new has an old one.
    WritesUnstamped(Vec<u8>),
    /// Records deleted.
    Deletes(Vec<u8>),
    /// Documents posted: they go to the successor.
    Posts(Vec<u8>),
    /// A record gets another key.
    Renumbers(u8, u8),
    /// The column that the site's filter looks at changes, with a stamp or without.
    Hides {
        keys: Vec<u8>,
        stamped: bool,
    },
    /// The site's filter is set or lifted.
    SiteChanges,
    /// The read returns so many rows at most, and claims that this was all.
    ReadEndsEarly(u8),
    /// A column goes blank, or is back.
    ColumnLost,
    ColumnBack,
    /// The driver dies before it carries the command out.
    CrashBefore,
    /// The driver dies after it, before it can act on the answer.
    CrashAfter,
    /// The command fails and changes nothing.
    Fails,
    /// The command is carried out, but its answer is an error (the reply was lost).
    ReplyLost,
    /// The batch arrives twice.
    Repeated,
    /// A batch sent long ago arrives (again).
    Late(u8),
    /// Copies are made.
    CopyHub,
    CopyDriver,
    /// A side is restored from its copy; the driver's process starts anew.
    RestoreHub,
    RestoreDriver,
    /// Time passes, for some minutes, or the clock is set back.
    Clock(i16),
    /// The zone's hour is repeated, or left out.
    Autumn,
    Spring,
}

#[derive(Clone)]
struct Row {
    value: u64,
    stamp: Stamp,
    shown: bool,
    /// The last change moved no stamp.
    silent: bool,
    /// When it was written, in steps of the world.
    written: u64,
}

#[derive(Clone, Debug)]
struct Leaver {
    explained: bool,
    filtered: bool,
    found: u64,
}

/// What survives the driver's death.
#[derive(Clone, Default)]
pub(crate) struct Durable {
    pub(crate) progress: Progress,
    /// Value and slot.
    index: BTreeMap<String, (u64, u64)>,
    next_slot: u64,
    leavers: BTreeMap<String, Leaver>,
}

impl Durable {
    fn put(&mut self, key: &str, value: u64) {
        let next = self.next_slot;
        let entry = self.index.entry(key.to_owned()).or_insert((value, next));
        entry.0 = value;
        if entry.1 == next {
            self.next_slot += 1;
        }
    }

    fn rebuild(&mut self, rows: &BTreeMap<String, u64>, take: usize) {
        self.index.clear();
        self.leavers.clear();
        for (key, value) in rows.iter().take(take) {
            self.put(key, *value);
        }
    }
}

/// Seen bits: lost when the driver dies.
#[derive(Clone)]
struct Bits {
    start: u64,
    seen: BTreeSet<u64>,
    asked: BTreeSet<u64>,
}

/// A page that was read before it was asked for.
struct Ahead {
    request: PageRequest,
    event: Event,
    page: Vec<(String, Row)>,
}

#[derive(Default)]
struct InHand {
    rows: Vec<(String, u64)>,
    removals: Vec<(String, bool)>,
}

pub(crate) struct World {
    erp: BTreeMap<String, Row>,
    successor: BTreeSet<String>,
    step: u64,
    next_value: u64,
    pub(crate) now: civil::DateTime,
    hub: Hub,
    hub_copy: Hub,
    pub(crate) driver: Durable,
    driver_copy: Durable,
    bits: Option<Bits>,
    in_hand: InHand,
    sent: Vec<Batch>,
    random: u64,
    limit: usize,
    stamped: bool,
    history: bool,
    hub_brakes: bool,
    filter: bool,
    set_back: bool,
    autumn: bool,
    early: Option<usize>,
    pub(crate) column_lost: bool,
    pub(crate) columns_approved: bool,
    pub(crate) approved: u64,
    /// Passes of this kind only.
    pub(crate) wanted: Option<PassKind>,
    page: Vec<(String, Row)>,
    /// The driver reads the next page while the last one is compared and sent.
    pub(crate) reads_ahead: bool,
    ahead: Option<Ahead>,
    /// Something happened by which the driver cannot know all of today's removals.
    tally_lacks: bool,
}

enum Step {
    Next(Event),
    Crash,
    Over(Outcome),
}

fn name(key: u8) -> String {
    format!("{key:02}")
}

impl World {
    pub(crate) fn new(limit: usize, stamped: bool, history: bool, hub_brakes: bool) -> Self {
        Self {
            erp: BTreeMap::new(),
            successor: BTreeSet::new(),
            step: 0,
            next_value: 1,
            now: civil::date(2026, 5, 1).at(9, 0, 0, 0),
            hub: Hub::empty(),
            hub_copy: Hub::empty(),
            driver: Durable::default(),
            driver_copy: Durable::default(),
            bits: None,
            in_hand: InHand::default(),
            sent: Vec::new(),
            random: 1,
            limit,
            stamped,
            history,
            hub_brakes,
            filter: false,
            set_back: false,
            autumn: false,
            early: None,
            column_lost: false,
            columns_approved: false,
            approved: 0,
            wanted: None,
            page: Vec::new(),
            reads_ahead: false,
            ahead: None,
            tally_lacks: false,
        }
    }

    pub(crate) fn write(&mut self, keys: &[u8], skew_minutes: i64) {
        let stamp = Stamp::of(self.now.checked_add(skew_minutes.minutes()).unwrap());
        for key in keys {
            let shown = self.erp.get(&name(*key)).is_none_or(|row| row.shown);
            self.put(name(*key), stamp, shown, false);
        }
    }

    /// A person lets leave what was held: the brake counts what the day took before, also
    /// what a restored driver has forgotten but had approved.
    pub(crate) fn approve(&mut self, held: &Held) {
        let before = self.approved.max(self.driver.progress.removed_lately(self.now));
        self.approved = before + held.unexplained.max(1);
    }

    fn put(&mut self, key: String, stamp: Stamp, shown: bool, silent: bool) {
        let row = Row {
            value: self.next_value,
            stamp,
            shown,
            silent,
            written: self.step,
        };
        self.next_value += 1;
        self.erp.insert(key, row);
    }

    fn write_unstamped(&mut self, keys: &[u8]) {
        let old = Stamp::of(civil::date(2020, 1, 1).at(0, 0, 0, 0));
        for key in keys {
            let before = self.erp.get(&name(*key));
            let (stamp, shown) = before.map_or((old, true), |row| (row.stamp, row.shown));
            self.put(name(*key), stamp, shown, true);
        }
    }

    /// Something happens in the ERP between passes.
    pub(crate) fn happens(&mut self, change: &Disturbance) {
        self.step += 1;
        self.erp_changes(change);
    }

    pub(crate) const fn set_filter(&mut self, on: bool) {
        self.filter = on;
    }

    const fn site(&self) -> Hash {
        Hash(if self.filter { 2 } else { 1 })
    }

    fn lets_through(&self, row: &Row) -> bool {
        !self.filter || row.shown
    }

    pub(crate) fn hub_content(&self) -> BTreeMap<String, u64> {
        let live = self.hub.rows.iter();
        live.filter(|(key, _)| !self.history || self.is_wanted(key))
            .map(|(k, v)| (k.clone(), *v))
            .collect()
    }

    pub(crate) fn index_content(&self) -> BTreeMap<String, u64> {
        let entries = self.driver.index.iter();
        entries
            .filter(|(key, _)| !self.history || self.is_wanted(key))
            .map(|(k, (v, _))| (k.clone(), *v))
            .collect()
    }

    /// Of history, what the filter hides stays in the hub as it was.
    fn is_wanted(&self, key: &str) -> bool {
        self.erp.get(key).is_none_or(|row| self.lets_through(row))
    }

    pub(crate) fn wanted_content(&self) -> BTreeMap<String, u64> {
        let rows = self.erp.iter().filter(|(_, row)| self.lets_through(row));
        rows.map(|(key, row)| (key.clone(), row.value)).collect()
    }

    fn step(&mut self, command: &Command, disturbance: &Disturbance) -> Step {
        if let Command::Finish(outcome) = command {
            return Step::Over(outcome.clone());
        }
        self.step += 1;
        let delivers = matches!(
            command,
            Command::Send { .. } | Command::Commit { .. } | Command::ResetStream { .. }
        );
        match disturbance {
            Disturbance::CrashBefore => {
                self.tally_lacks |= delivers;
                if let Command::RebuildIndex { progress } = command {
                    // In the middle of it, too.
                    self.driver.rebuild(&self.hub.rows, 1);
                    self.driver.progress = progress.unsettled();
                }
                return Step::Crash;
            }
            Disturbance::CrashAfter => {
                self.tally_lacks |= delivers;
                self.carry_out(command);
                return Step::Crash;
            }
            Disturbance::Fails => {
                self.tally_lacks |= delivers;
                return Step::Next(refused("failed"));
            }
            Disturbance::ReplyLost => {
                self.tally_lacks |= delivers;
                self.carry_out(command);
                return Step::Next(refused("reply_lost"));
            }
            Disturbance::Repeated => {
                let event = self.carry_out(command);
                if let (Command::Send { .. }, Some(batch)) = (command, self.sent.last().cloned()) {
                    let again = self
                        .hub
                        .take(&batch, self.history, self.hub_brakes, self.now)
                        .is_ok();
                    assert_eq!(
                        again,
                        matches!(event, Event::Acknowledged { .. }),
                        "the same batch twice gets the same answer"
                    );
                }
                return Step::Next(event);
            }
            Disturbance::Late(place) => {
                let batch = self
                    .sent
                    .get(usize::from(*place) % self.sent.len().max(1))
                    .cloned();
                if let Some(batch) = batch {
                    // Whether it is taken is the hub's business; the driver never learns.
                    let _ = self.hub.take(&batch, self.history, self.hub_brakes, self.now);
                }
            }
            Disturbance::CopyHub => self.hub_copy = self.hub.clone(),
            Disturbance::CopyDriver => self.driver_copy = self.driver.clone(),
            Disturbance::RestoreHub => {
                self.tally_lacks = true;
                self.hub = self.hub_copy.clone();
            }
            Disturbance::RestoreDriver => {
                self.tally_lacks = true;
                self.driver = self.driver_copy.clone();
                return Step::Crash;
            }
            Disturbance::Clock(minutes) => self.turn_clock(i64::from(*minutes)),
            Disturbance::Autumn if !self.autumn => {
                self.autumn = true;
                self.now = self.now.checked_sub(60.minutes()).unwrap();
            }
            Disturbance::Spring => self.turn_clock(60),
            other => self.erp_changes(other),
        }
        Step::Next(self.carry_out(command))
    }

    pub(crate) fn turn_clock(&mut self, minutes: i64) {
        self.set_back |= minutes < 0;
        self.now = self.now.checked_add(minutes.minutes()).unwrap();
    }

    fn erp_changes(&mut self, disturbance: &Disturbance) {
        match disturbance {
            Disturbance::Writes { keys, skew_minutes } => self.write(keys, *skew_minutes),
            Disturbance::WritesUnstamped(keys) => self.write_unstamped(keys),
            Disturbance::Deletes(keys) => {
                for key in keys {
                    self.erp.remove(&name(*key));
                    self.successor.remove(&name(*key));
                }
            }
            Disturbance::Posts(keys) => {
                for key in keys {
                    if self.erp.remove(&name(*key)).is_some() {
                        self.successor.insert(name(*key));
                    }
                }
            }
            Disturbance::Renumbers(from, to) => {
                if let Some(mut row) = self.erp.remove(&name(*from)) {
                    (row.silent, row.written) = (true, self.step);
                    self.erp.insert(name(*to), row);
                }
            }
            Disturbance::Hides { keys, stamped } => {
                for key in keys {
                    if let Some(row) = self.erp.get_mut(&name(*key)) {
                        row.shown = !row.shown;
                        if *stamped {
                            row.stamp = Stamp::of(self.now);
                        }
                        (row.silent, row.written) = (!stamped, self.step);
                    }
                }
            }
            Disturbance::ReadEndsEarly(rows) => self.early = Some(usize::from(*rows) % self.limit),
            Disturbance::ColumnLost => self.column_lost = true,
            Disturbance::ColumnBack => self.column_lost = false,
            _ => {}
        }
    }

    /// One pass; `None` when the driver died in it.
    pub(crate) fn run_pass(&mut self, script: &mut impl Iterator<Item = Disturbance>) -> Option<Outcome> {
        self.early = None;
        let settings = Settings {
            fingerprint: SHAPE,
            site: self.site(),
            overlap_s: OVERLAP_S,
            page_documents: self.limit,
            history: self.history,
        };
        let mut engine = Engine::new(self.driver.progress.clone(), settings);
        let usual = if self.stamped && !self.random.is_multiple_of(3) {
            PassKind::Delta
        } else {
            PassKind::Sweep
        };
        let at_hand = AtHand {
            seen_bits: self.bits.is_some(),
            approved: self.approved,
            // A look at the whole column tells.
            column_answered: self.columns_approved || !self.column_lost,
        };
        let mut command = engine.begin(self.wanted.unwrap_or(usual), self.now, at_hand);
        let mut read_early = false;
        let outcome = loop {
            let disturbance = script.next().unwrap_or(Disturbance::Calm);
            if matches!(disturbance, Disturbance::SiteChanges) {
                // A configuration is read between passes.
                self.filter = !self.filter;
                if matches!(command, Command::Finish(_)) {
                    continue;
                }
                break None;
            }
            let event = match self.step(&command, &disturbance) {
                Step::Over(outcome) => break Some(outcome),
                Step::Crash => {
                    self.bits = None;
                    self.in_hand = InHand::default();
                    break None;
                }
                Step::Next(event) => event,
            };
            read_early |= matches!(disturbance, Disturbance::ReadEndsEarly(_));
            if read_early {
                // A read that lies about its end leaves rows unread; the next sweep finds them.
                self.erp.values_mut().for_each(|row| row.silent = true);
            }
            self.index_mirrors_hub();
            self.watermark_holds();
            command = engine.handle(event);
            if self.reads_ahead && matches!(command, Command::Compare { .. }) {
                self.read_ahead(engine.page_ahead());
            }
        };
        // A page that was read for this pass is no other's.
        self.ahead = None;
        if outcome.is_none() {
            // The process is gone, and with it what it had in memory.
            self.bits = None;
            self.in_hand = InHand::default();
        }
        outcome
    }
}

fn refused(code: &str) -> Event {
    Event::Failed(Failure::Hub {
        code: code.to_owned(),
        message: String::new(),
        remedy: String::new(),
    })
}
