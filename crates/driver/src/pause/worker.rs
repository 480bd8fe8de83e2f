//! Sage's business objects and tables, for as long as nobody pauses.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sage::{
    BusinessObjects, Call, ColumnInfo, Fault, ObjectId, Page, Probe, ReadError, ReadErrorCode, Reader,
    Return, Select, ServerProcess,
};

use super::{CompanyPause, Handle};
use crate::bridge::ReadBridge;
use crate::imports::Worker;

/// Code of the fault for a call that was not made because of a pause (`E_ABORT`).
pub const FAULT_PAUSED: i32 = -2_147_467_260;

/// Makes no call once the company is paused, except those that give something back. A
/// document's write that has begun comes back; so does what follows it to read it back.
pub struct PausableWorker {
    inner: Box<dyn Worker>,
    pause: CompanyPause,
    limit: Duration,
    /// Objects whose write stores a line inside the document, and no document.
    lines: HashSet<ObjectId>,
    /// A document was just written.
    has_written: bool,
    /// Calls were left out; the session itself is well.
    was_stopped: bool,
    has_faulted: bool,
}

impl PausableWorker {
    /// Watches over a worker whose calls take at most `limit`.
    #[must_use]
    pub fn new(inner: Box<dyn Worker>, pause: CompanyPause, limit: Duration) -> Self {
        if let Some(server) = inner.server() {
            pause.server(server);
        }
        Self {
            inner,
            pause,
            limit,
            lines: HashSet::new(),
            has_written: false,
            was_stopped: false,
            has_faulted: false,
        }
    }

    fn call_through(&mut self, call: &Call) -> Result<Return, Fault> {
        let answer = self.inner.call(call);
        self.has_faulted |= answer.is_err();
        answer
    }

    /// Between the last look at the pause and the write nothing happens: it is written.
    fn write(&mut self, call: &Call) -> Result<Return, Fault> {
        let now = host::clock::now();
        let until = now.checked_add(self.limit).unwrap_or(jiff::Timestamp::MAX);
        let writing = self.pause.write(until);
        let answer = self.call_through(call);
        if answer.is_ok() {
            writing.came_back();
            self.has_written = true;
        }
        answer
    }
}

impl std::fmt::Debug for PausableWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PausableWorker").finish_non_exhaustive()
    }
}

impl BusinessObjects for PausableWorker {
    fn server(&self) -> Option<ServerProcess> {
        self.inner.server()
    }

    fn call(&mut self, call: &Call) -> Result<Return, Fault> {
        if matches!(call, Call::CleanUp | Call::DropObject { .. }) {
            return self.call_through(call);
        }
        if matches!(call, Call::Write { object } if !self.lines.contains(object)) {
            return self.write(call);
        }
        if matches!(
            call,
            Call::SetUser { .. } | Call::SetDate { .. } | Call::GetNextNumber { .. }
        ) {
            // Another document begins.
            self.has_written = false;
        }
        if !self.has_written
            && let Some(paused) = self.pause.paused()
        {
            self.was_stopped = true;
            return Err(Fault {
                code: FAULT_PAUSED,
                message: paused.words(),
            });
        }
        let answer = self.call_through(call);
        if let (Call::Lines { .. }, Ok(answer)) = (call, &answer) {
            self.lines.extend(answer.object);
        }
        answer
    }
}

impl Worker for PausableWorker {
    /// A session in which calls were only left out is cleaned up first: its seat and its
    /// locks are free at once.
    fn kill(&mut self) {
        if std::mem::take(&mut self.was_stopped) && !self.has_faulted {
            let _ = self.call_through(&Call::CleanUp);
        }
        self.inner.kill();
    }
}

/// Reads tables for documents. While the company is paused its process is closed.
#[derive(Debug)]
pub struct PausableReader {
    bridge: Arc<Mutex<ReadBridge>>,
    pause: CompanyPause,
}

impl PausableReader {
    /// Watches over a bridge.
    #[must_use]
    pub fn new(bridge: ReadBridge, pause: CompanyPause) -> Self {
        let bridge = Arc::new(Mutex::new(bridge));
        let idle = Arc::downgrade(&bridge);
        pause.close_with(move || {
            if let Some(bridge) = idle.upgrade()
                && let Ok(mut bridge) = bridge.try_lock()
            {
                bridge.close();
            }
        });
        Self { bridge, pause }
    }

    fn with<T>(
        &self,
        ask: impl FnOnce(&mut ReadBridge, Duration) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let Some((_busy, limit)) = self.pause.begin_read(Handle::DocumentReader) else {
            let words = self.pause.paused().map(|paused| paused.words());
            return Err(ReadError::new(
                ReadErrorCode::BridgeLost,
                words.unwrap_or_else(|| "the driver was paused".to_owned()),
            ));
        };
        let mut bridge = self.bridge.lock().unwrap_or_else(PoisonError::into_inner);
        ask(&mut bridge, limit)
    }
}

impl Reader for PausableReader {
    fn probe(&mut self) -> Result<Probe, ReadError> {
        self.with(|bridge, _| bridge.probe())
    }

    fn tables(&mut self) -> Result<Vec<String>, ReadError> {
        self.with(|bridge, _| bridge.tables())
    }

    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError> {
        self.with(|bridge, _| bridge.columns(table))
    }

    fn read(&mut self, select: &Select, max_rows: usize, time_limit: Duration) -> Result<Page, ReadError> {
        self.with(|bridge, limit| bridge.read(select, max_rows, time_limit.min(limit)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use values::CompanyId;

    use super::super::{Paused, Pauses};
    use super::*;

    /// Answers everything, and keeps what it was asked.
    struct Recorder(Arc<Mutex<Vec<String>>>);

    impl BusinessObjects for Recorder {
        fn server(&self) -> Option<ServerProcess> {
            None
        }

        fn call(&mut self, call: &Call) -> Result<Return, Fault> {
            let name = format!("{call:?}");
            let name = name.split([' ', '{']).next().unwrap_or_default().to_owned();
            self.0.lock().unwrap().push(name);
            let object = if matches!(call, Call::Lines { .. }) { 2 } else { 1 };
            Ok(Return {
                code: 1,
                object: Some(ObjectId(object)),
                ..Return::default()
            })
        }
    }

    impl Worker for Recorder {
        fn kill(&mut self) {
            self.0.lock().unwrap().push("kill".to_owned());
        }
    }

    struct Desk {
        pauses: Arc<Pauses>,
        company: CompanyId,
        worker: PausableWorker,
        calls: Arc<Mutex<Vec<String>>>,
    }

    impl Desk {
        fn new() -> Self {
            let company = CompanyId::new("ABC");
            let pauses = Pauses::new([company.clone()]);
            let calls = Arc::new(Mutex::new(Vec::new()));
            let recorder = Box::new(Recorder(Arc::clone(&calls)));
            let worker = PausableWorker::new(recorder, pauses.company(&company), Duration::from_secs(120));
            Self {
                pauses,
                company,
                worker,
                calls,
            }
        }

        fn pause(&self) {
            let paused = Paused {
                since: jiff::Timestamp::UNIX_EPOCH,
                until: None,
                reason: "period end".to_owned(),
            };
            self.pauses
                .apply(&BTreeMap::from([(self.company.clone(), paused)]));
        }

        fn calls(&self) -> Vec<String> {
            std::mem::take(&mut *self.calls.lock().unwrap())
        }

        fn fill(&mut self) {
            for call in [
                Call::NewObject {
                    name: "SO_SalesOrder_bus".into(),
                },
                Call::Lines { object: ObjectId(1) },
                Call::AddLine { object: ObjectId(2) },
                Call::Write { object: ObjectId(2) },
            ] {
                self.worker.call(&call).unwrap();
            }
            assert_eq!(self.calls(), ["NewObject", "Lines", "AddLine", "Write"]);
        }
    }

    #[test]
    fn a_pause_before_the_write_leaves_the_document_and_cleans_the_session_up() {
        let mut desk = Desk::new();
        desk.fill();
        desk.pause();
        let line = Call::Write { object: ObjectId(2) };
        for call in [&line, &Call::Find { object: ObjectId(1) }] {
            let fault = desk.worker.call(call).unwrap_err();
            assert_eq!(fault.code, FAULT_PAUSED);
            assert!(fault.message.contains("period end"), "{}", fault.message);
        }
        assert_eq!(desk.calls(), Vec::<String>::new());
        desk.worker.kill();
        assert_eq!(desk.calls(), ["CleanUp", "kill"]);
    }

    #[test]
    fn a_document_that_is_written_may_be_looked_at_and_no_other_begins() {
        let mut desk = Desk::new();
        desk.fill();
        // The last look at the pause came before it.
        desk.pause();
        desk.worker.call(&Call::Write { object: ObjectId(1) }).unwrap();
        desk.worker
            .call(&Call::DropObject { object: ObjectId(1) })
            .unwrap();
        desk.worker.call(&Call::Find { object: ObjectId(1) }).unwrap();
        let next = Call::GetNextNumber {
            object: ObjectId(1),
            number: "SalesOrderNo".into(),
        };
        assert_eq!(desk.worker.call(&next).unwrap_err().code, FAULT_PAUSED);
        assert_eq!(desk.calls(), ["Write", "DropObject", "Find"]);
        desk.pauses.apply(&BTreeMap::new());
        desk.worker.call(&next).unwrap();
    }
}
