//! What the threads of a running driver share about pausing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sage::ServerProcess;
use tokio::sync::Notify;
use values::CompanyId;

use super::{Held, Paused};
use crate::bridge::ProcessSlot;

/// A document that was written when the pause began is still read back, for so long.
const READ_BACK: Duration = Duration::from_secs(5);
/// A call into Sage that lasts longer than this into a pause is cut off; never a write.
pub(super) const CUT_OFF: Duration = Duration::from_secs(5);
/// So long Sage's own process may take to end by itself after that.
const SERVER_WAIT: Duration = Duration::from_secs(2);

/// A handle on Sage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Handle {
    /// The process that reads tables for the sync.
    ReadBridge,
    /// The process that reads tables for documents.
    DocumentReader,
    /// The process that drives Sage's business objects.
    WriteSession,
    /// Sage's own process behind it.
    ObjectServer,
    /// A Visual Integrator job that imports a receipt.
    ImportJob,
}

impl Handle {
    /// As people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadBridge => "read bridge",
            Self::DocumentReader => "read bridge of documents",
            Self::WriteSession => "write session",
            Self::ObjectServer => "Sage's object server",
            Self::ImportJob => "import job",
        }
    }
}

/// Who is paused, and who has which handle on Sage.
#[derive(Debug, Default)]
pub struct Pauses {
    companies: Mutex<BTreeMap<CompanyId, State>>,
    changed: BTreeMap<CompanyId, Notify>,
}

#[derive(Default)]
struct State {
    paused: Option<(Paused, Instant)>,
    slots: Vec<(Handle, ProcessSlot)>,
    /// Somebody is about to take the handle, or uses it; what is not cut off, until then.
    busy: Vec<(Handle, Option<Timestamp>)>,
    servers: Vec<ServerProcess>,
    closers: Vec<Box<dyn Fn() + Send>>,
    released: BTreeSet<Handle>,
    writing_until: Option<Timestamp>,
    written: Option<Instant>,
    /// A write did not come back: what becomes of its process is the fence's matter.
    is_doubtful: bool,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("paused", &self.paused)
            .field("writing_until", &self.writing_until)
            .finish_non_exhaustive()
    }
}

impl Pauses {
    /// Nobody is paused yet.
    #[must_use]
    pub fn new(companies: impl IntoIterator<Item = CompanyId>) -> Arc<Self> {
        let states: BTreeMap<_, _> = companies.into_iter().map(|id| (id, State::default())).collect();
        let changed = states.keys().map(|id| (id.clone(), Notify::new())).collect();
        Arc::new(Self {
            companies: Mutex::new(states),
            changed,
        })
    }

    /// What a company's threads look at.
    #[must_use]
    pub fn company(self: &Arc<Self>, company: &CompanyId) -> CompanyPause {
        CompanyPause {
            shared: Some((Arc::clone(self), company.clone())),
        }
    }

    /// Who is paused now.
    #[must_use]
    pub fn paused(&self) -> BTreeMap<CompanyId, Paused> {
        let companies = self.companies();
        let paused = companies
            .iter()
            .filter_map(|(id, state)| Some((id.clone(), state.paused.as_ref()?.0.clone())));
        paused.collect()
    }

    /// Pauses companies, and lets go on those that are not named. Says what changed.
    pub(super) fn apply(&self, paused: &BTreeMap<CompanyId, Paused>) -> Vec<(CompanyId, Option<Paused>)> {
        let mut changes = Vec::new();
        for (id, state) in self.companies().iter_mut() {
            let next = paused.get(id);
            let before = state.paused.take();
            if before.as_ref().map(|(paused, _)| paused) != next {
                changes.push((id.clone(), next.cloned()));
            }
            if before.is_none() && next.is_some() {
                state.released.clear();
            }
            state.paused = next.map(|next| {
                let began = before.map_or_else(Instant::now, |(_, began)| began);
                (next.clone(), began)
            });
        }
        for (id, _) in &changes {
            self.wake(id);
        }
        changes
    }

    /// Takes handles away from companies that are paused: from those who do not use them at
    /// once, from the others when they have had time to finish. Never from a write.
    pub(super) fn take_away(&self) {
        for (id, state) in self.companies().iter_mut() {
            let Some((_, began)) = &state.paused else { continue };
            let began = *began;
            if state.writing_until.is_some() {
                continue;
            }
            if state.slots.iter().any(|(_, slot)| slot.is_open()) {
                // Whoever began to wait just before the pause waits no longer.
                self.wake(id);
            }
            let written = state.written.filter(|written| *written >= began);
            if written.is_none_or(|written| written.elapsed() >= READ_BACK) {
                for close in &state.closers {
                    close();
                }
            }
            let began = written.unwrap_or(began);
            if began.elapsed() < CUT_OFF {
                continue;
            }
            for (handle, slot) in &state.slots {
                if slot.is_open() {
                    tracing::warn!(company = %id, handle = handle.as_str(), "cut off: it did not end by itself after the pause began");
                    state.released.insert(*handle);
                    slot.end();
                }
            }
            if !state.is_doubtful && began.elapsed() >= CUT_OFF + SERVER_WAIT {
                for server in state.servers.iter().filter(|s| host::process::is_running(**s)) {
                    tracing::warn!(company = %id, pid = server.pid, "Sage's object server does not end by itself and is ended");
                    let _ = host::process::end(*server);
                }
            }
        }
    }

    /// What every company has of Sage.
    pub(super) fn held(&self) -> BTreeMap<CompanyId, Held> {
        let mut all = BTreeMap::new();
        for (id, state) in self.companies().iter_mut() {
            state.servers.retain(|server| host::process::is_running(*server));
            let mut handles: BTreeSet<Handle> = BTreeSet::new();
            for (handle, slot) in &state.slots {
                if slot.is_open() {
                    handles.insert(*handle);
                }
            }
            handles.extend(state.busy.iter().map(|(handle, _)| *handle));
            let busy_until = state.busy.iter().filter_map(|(_, until)| *until).max();
            if !state.servers.is_empty() {
                handles.insert(Handle::ObjectServer);
            }
            // What is seen now is given back later.
            state.released.extend(&handles);
            let released = state.released.difference(&handles);
            let held = Held {
                paused: state.paused.as_ref().map(|(paused, _)| paused.clone()),
                released: match state.paused {
                    Some(_) => released.map(|h| h.as_str().to_owned()).collect(),
                    None => Vec::new(),
                },
                handles: handles.iter().map(|h| h.as_str().to_owned()).collect(),
                writing_until: state.paused.as_ref().and(state.writing_until.max(busy_until)),
            };
            if state.paused.is_none() {
                state.released.clone_from(&handles);
            }
            all.insert(id.clone(), held);
        }
        all
    }

    fn wake(&self, company: &CompanyId) {
        if let Some(changed) = self.changed.get(company) {
            changed.notify_waiters();
        }
    }

    fn companies(&self) -> MutexGuard<'_, BTreeMap<CompanyId, State>> {
        self.companies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a company is paused, and what it has of Sage. The default is never paused.
#[derive(Clone, Debug, Default)]
pub struct CompanyPause {
    shared: Option<(Arc<Pauses>, CompanyId)>,
}

impl CompanyPause {
    /// Is Sage to be left alone?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.look(false, |state| state.paused.is_some())
    }

    /// The pause that holds now.
    #[must_use]
    pub fn paused(&self) -> Option<Paused> {
        self.look(None, |state| {
            state.paused.as_ref().map(|(paused, _)| paused.clone())
        })
    }

    /// Begins something that needs the handle; none while paused. The handle counts as held
    /// until the answer is dropped, so that nothing slips in behind a look at the pause.
    #[must_use]
    pub fn begin(&self, handle: Handle) -> Option<Busy> {
        self.begin_with(handle, None)
    }

    /// The same with something that writes by itself and cannot be broken off: a pause waits for
    /// its end, which comes until then.
    #[must_use]
    pub fn begin_until(&self, handle: Handle, until: Timestamp) -> Option<Busy> {
        self.begin_with(handle, Some(until))
    }

    fn begin_with(&self, handle: Handle, until: Option<Timestamp>) -> Option<Busy> {
        let is_free = self.look(true, |state| {
            let is_free = state.paused.is_none();
            state.busy.extend(is_free.then_some((handle, until)));
            is_free
        });
        is_free.then(|| self.busy(handle, until))
    }

    /// As [`CompanyPause::begin`], and while paused also to read back what was just written,
    /// for no longer than the time given.
    #[must_use]
    pub fn begin_read(&self, handle: Handle) -> Option<(Busy, Duration)> {
        let limit = self.look(Some(Duration::MAX), |state| {
            let limit = match &state.paused {
                None => Some(Duration::MAX),
                Some((_, began)) => state
                    .written
                    .filter(|written| written >= began)
                    .and_then(|written| READ_BACK.checked_sub(written.elapsed())),
            };
            state.busy.extend(limit.map(|_| (handle, None)));
            limit
        });
        limit.map(|limit| (self.busy(handle, None), limit))
    }

    fn busy(&self, handle: Handle, until: Option<Timestamp>) -> Busy {
        Busy {
            pause: self.clone(),
            what: (handle, until),
        }
    }

    /// A slot under which a bridge's process is seen.
    #[must_use]
    pub fn slot(&self, handle: Handle) -> ProcessSlot {
        let slot = ProcessSlot::default();
        self.look((), |state| {
            state.slots.retain(|(h, slot)| *h != handle || slot.is_open());
            state.slots.push((handle, slot.clone()));
        });
        slot
    }

    /// Calls `close` while the company is paused, again and again; it must not wait.
    pub fn close_with(&self, close: impl Fn() + Send + 'static) {
        self.look((), |state| {
            state.closers.clear();
            state.closers.push(Box::new(close));
        });
    }

    /// Sage's own process behind a session; it is a handle until it has ended.
    pub fn server(&self, server: ServerProcess) {
        self.look((), |state| {
            if !state.servers.contains(&server) {
                state.servers.push(server);
            }
            state.is_doubtful = false;
        });
    }

    /// A document's write begins; it may last until then.
    #[must_use]
    pub fn write(&self, until: Timestamp) -> Writing {
        self.look((), |state| state.writing_until = Some(until));
        Writing {
            pause: self.clone(),
            came_back: false,
        }
    }

    /// Waits for a request, but not beyond the moment when a pause begins or ends, nor while
    /// something is held that a pause asks for.
    pub async fn or_changed<T>(&self, request: impl Future<Output = T>) -> Option<T> {
        let changed = self
            .shared
            .as_ref()
            .and_then(|(shared, company)| shared.changed.get(company));
        let Some(changed) = changed else {
            return Some(request.await);
        };
        let changed = changed.notified();
        tokio::select! {
            answer = request => Some(answer),
            () = changed => None,
        }
    }

    fn look<T>(&self, otherwise: T, look: impl FnOnce(&mut State) -> T) -> T {
        let Some((shared, company)) = &self.shared else {
            return otherwise;
        };
        match shared.companies().get_mut(company) {
            Some(state) => look(state),
            None => otherwise,
        }
    }
}

/// A use of a handle, until it is dropped.
#[derive(Debug)]
pub struct Busy {
    pause: CompanyPause,
    what: (Handle, Option<Timestamp>),
}

impl Drop for Busy {
    fn drop(&mut self) {
        let what = self.what;
        self.pause.look((), |state| {
            if let Some(place) = state.busy.iter().position(|busy| *busy == what) {
                state.busy.swap_remove(place);
            }
        });
    }
}

/// A write under way, until it is dropped.
#[derive(Debug)]
pub struct Writing {
    pause: CompanyPause,
    came_back: bool,
}

impl Writing {
    /// Sage answered, whatever it said.
    pub fn came_back(mut self) {
        self.came_back = true;
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let came_back = self.came_back;
        self.pause.look((), |state| {
            state.writing_until = None;
            state.written = Some(Instant::now());
            state.is_doubtful = !came_back;
        });
    }
}
