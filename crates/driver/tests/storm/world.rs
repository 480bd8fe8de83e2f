//! Time, chance, and Sage's server processes with what they still have to commit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use sage::{BusinessObjects as _, Call, ServerProcess};
use sandbox::objects::Engine;
use sandbox::{Clock, Settings};

/// The payload of a kill.
pub(super) struct Killed;

/// One of Sage's server processes: it outlives the worker that started it.
struct Server {
    engine: Option<Engine>,
    is_endable: bool,
    ends_at: Option<Timestamp>,
    /// A final write that is under way though nobody waits for it any more.
    pending: Option<(Timestamp, Call)>,
}

/// All of it.
pub(super) struct World {
    pub(super) file: PathBuf,
    chance: u64,
    now: Arc<AtomicI64>,
    pub(super) is_calm: bool,
    servers: BTreeMap<u32, Server>,
    /// Why a document of this run may be in doubt.
    excuses: BTreeSet<&'static str>,
    /// What clerks have in their hands, and until when.
    pub(super) obstacles: Vec<(Timestamp, String)>,
    /// Some of Sage's processes cannot be ended.
    pub(super) has_unendable: bool,
    /// Kills and lost calls, so that a storm that is none is noticed.
    pub(super) strikes: u32,
}

impl World {
    pub(super) fn new(file: PathBuf, seed: u64, start: Timestamp) -> Self {
        Self {
            file,
            chance: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5,
            now: Arc::new(AtomicI64::new(start.as_microsecond())),
            is_calm: false,
            servers: BTreeMap::new(),
            excuses: BTreeSet::new(),
            obstacles: Vec::new(),
            has_unendable: false,
            strikes: 0,
        }
    }

    pub(super) fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }

    pub(super) fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        let place = self.below(u64::try_from(of.len()).unwrap());
        &of[usize::try_from(place).unwrap()]
    }

    /// True in so many of a hundred cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// True in so many of a thousand cases, and never in calm.
    pub(super) fn strikes(&mut self, permille: u64) -> bool {
        let strikes = !self.is_calm && self.below(1_000) < permille;
        self.strikes += u32::from(strikes);
        strikes
    }

    pub(super) fn excuse(&mut self, why: &'static str) {
        self.excuses.insert(why);
    }

    pub(super) const fn excuses(&self) -> &BTreeSet<&'static str> {
        &self.excuses
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.now.load(Ordering::Relaxed)).unwrap()
    }

    /// The same time, for the company's stamps.
    pub(super) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || Timestamp::from_microsecond(now.load(Ordering::Relaxed)).unwrap())
    }

    /// Time goes on, and with it what was pending.
    pub(super) fn tick(&mut self, by: Duration) -> Timestamp {
        let until = self.now().checked_add(by).unwrap();
        let mut due: Vec<(Timestamp, u32)> = Vec::new();
        for (pid, server) in &self.servers {
            let commit = server.pending.as_ref().map(|(at, _)| *at);
            due.extend(
                commit
                    .into_iter()
                    .chain(server.ends_at)
                    .filter(|at| *at <= until)
                    .map(|at| (at, *pid)),
            );
        }
        due.sort();
        for (at, pid) in due {
            self.now.fetch_max(at.as_microsecond(), Ordering::Relaxed);
            let Some(server) = self.servers.get_mut(&pid) else {
                continue;
            };
            if let Some((_, call)) = server.pending.take_if(|(when, _)| *when <= at)
                && let Some(engine) = &mut server.engine
            {
                let _ = engine.call(&call);
            }
            if server.ends_at.is_some_and(|end| end <= at) {
                server.engine = None;
            }
        }
        self.now.store(until.as_microsecond(), Ordering::Relaxed);
        let now = until;
        let over: Vec<String> = self
            .obstacles
            .extract_if(.., |(until, _)| *until <= now)
            .map(|(_, name)| name)
            .collect();
        if !over.is_empty() {
            let db = self.database();
            over.iter().for_each(|name| {
                Settings::new(&db).remove(name).unwrap();
            });
        }
        now
    }

    pub(super) fn database(&self) -> Connection {
        let db = Connection::open(&self.file).unwrap();
        db.busy_timeout(Duration::from_secs(10)).unwrap();
        db
    }

    pub(super) fn set(&self, name: &str, value: &str) {
        Settings::new(&self.database()).set(name, value).unwrap();
    }

    /// The setting stands for so long.
    pub(super) fn obstruct(&mut self, name: &str, value: &str, longest_s: u64) {
        self.set(name, value);
        let wait = Duration::from_secs(1 + self.below(longest_s));
        let until = self.now().checked_add(wait).unwrap();
        self.obstacles.push((until, name.to_owned()));
    }

    pub(super) fn start_server(&mut self) -> Option<ServerProcess> {
        let engine = Engine::open(&self.file, self.clock()).ok()?;
        let pid = 100 + u32::try_from(self.servers.len()).unwrap();
        let is_endable = !(self.has_unendable && self.strikes(30));
        let server = Server {
            engine: Some(engine),
            is_endable,
            ends_at: None,
            pending: None,
        };
        self.servers.insert(pid, server);
        Some(ServerProcess { pid, started_at: 1 })
    }

    pub(super) fn engine(&mut self, process: ServerProcess) -> Option<&mut Engine> {
        self.servers.get_mut(&process.pid)?.engine.as_mut()
    }

    pub(super) fn is_running(&self, process: ServerProcess) -> bool {
        self.servers
            .get(&process.pid)
            .is_some_and(|server| server.engine.is_some())
    }

    pub(super) fn end_server(&mut self, process: ServerProcess) {
        let Some(server) = self.servers.get_mut(&process.pid) else {
            return;
        };
        if server.is_endable {
            (server.engine, server.pending) = (None, None);
        } else if server.engine.is_some() {
            self.excuse("a process that cannot be ended");
        }
    }

    /// Its client is gone: it ends soon, or hangs about. One that has to commit does not end
    /// before.
    pub(super) fn abandon(&mut self, process: ServerProcess) {
        let wait = Duration::from_millis(self.below(5_000));
        let hangs = self.strikes(100);
        let now = self.now();
        if let Some(server) = self
            .servers
            .get_mut(&process.pid)
            .filter(|server| server.ends_at.is_none())
        {
            let hangs = hangs || !server.is_endable;
            let after = server.pending.as_ref().map_or(now, |(at, _)| *at);
            let wait = if hangs { wait * 1_000 } else { wait };
            server.ends_at = after.checked_add(wait).ok();
        }
    }

    pub(super) fn commit_late(&mut self, process: ServerProcess, call: &Call) {
        let wait = Duration::from_millis(self.below(90_000));
        let at = self.now().checked_add(wait).unwrap();
        if let Some(server) = self.servers.get_mut(&process.pid) {
            server.pending = Some((at, call.clone()));
        }
    }

    /// Could anything still be committed behind everybody's back?
    pub(super) fn is_anything_pending(&self) -> bool {
        self.servers
            .values()
            .any(|server| server.engine.is_some() && server.pending.is_some())
    }
}
