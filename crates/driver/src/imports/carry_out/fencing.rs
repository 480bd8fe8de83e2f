//! Seeing to it that a process of Sage's that may still write is gone.

use std::time::Duration;

use import::Event;
use jiff::Timestamp;
use sage::ServerProcess;

use super::super::current::Current;
use super::super::runner::{Halt, Runner};

/// How long a process that was ended may take to be gone.
const END_WAIT: Duration = Duration::from_secs(10);
/// How often it is looked for.
const FENCE_STEP: Duration = Duration::from_millis(100);

impl Runner {
    pub(super) fn fence_off(
        &mut self,
        current: &Current,
        server: Option<ServerProcess>,
    ) -> Result<Event, Halt> {
        let is_gone = match server {
            Some(server) => self.outlive(server)?,
            None => false,
        };
        self.note(
            current,
            "fenced",
            if is_gone {
                "Sage's process is gone"
            } else {
                "Sage's process may still run"
            },
        );
        self.point("import.after_fence");
        Ok(Event::Fenced(is_gone))
    }

    /// Waits for the process to end by itself, which is the gentle way for its files, and
    /// ends it when it does not.
    fn outlive(&mut self, server: ServerProcess) -> Result<bool, Halt> {
        if self.wait_for_end(server, self.site.fence_wait)? {
            return Ok(true);
        }
        tracing::warn!(
            pid = server.pid,
            "Sage's process does not end by itself and is ended"
        );
        self.fence.end(server);
        self.wait_for_end(server, END_WAIT)
    }

    fn wait_for_end(&mut self, server: ServerProcess, longest: Duration) -> Result<bool, Halt> {
        let until = self.clock.now().checked_add(longest).unwrap_or(Timestamp::MAX);
        while self.fence.is_running(server) {
            if self.is_stopped() {
                return Err(Halt::Stopped);
            }
            if self.clock.now() >= until {
                return Ok(false);
            }
            self.clock.sleep(FENCE_STEP);
        }
        Ok(true)
    }
}
