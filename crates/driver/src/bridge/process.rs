//! One bridge process: its pipes, its deadline, its last words.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use wire::bridge::{Request, Response, read_message, read_rows, write_message};

/// Lines of a dead bridge's log that go into the error.
const LAST_LINES: usize = 5;
/// Longest line of a bridge's log; drivers write into it too.
const LINE_BYTES: u64 = 2000;
/// How long the log of a process that has ended may take to arrive.
const LAST_WORDS_WAIT: Duration = Duration::from_millis(300);
/// A deadline that cannot be expressed is one that never comes.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The process ended, or was ended at its deadline.
#[derive(Debug)]
pub(super) struct Lost {
    /// It was killed because the answer did not come in time.
    pub(super) timed_out: bool,
    /// How it ended, and its last words.
    pub(super) words: String,
}

/// The process that a bridge has just now, for somebody who watches over it from another
/// thread.
#[derive(Clone, Debug, Default)]
pub struct ProcessSlot(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    child: Weak<Mutex<Child>>,
    was_ended: bool,
}

impl ProcessSlot {
    /// Does the bridge have a process that runs?
    #[must_use]
    pub fn is_open(&self) -> bool {
        let child = lock(&self.0).child.upgrade();
        child.is_some_and(|child| matches!(lock(&child).try_wait(), Ok(None)))
    }

    /// Ends the process from outside; what the bridge asks of it just now fails.
    pub fn end(&self) {
        let mut slot = lock(&self.0);
        if let Some(child) = slot.child.upgrade() {
            slot.was_ended = true;
            if let Err(error) = lock(&child).kill() {
                tracing::debug!(%error, "the bridge did not end");
            }
        }
    }

    /// Was the process ended from outside?
    pub(super) fn was_ended(&self) -> bool {
        lock(&self.0).was_ended
    }

    pub(super) fn hold(&self, process: &Process) {
        *lock(&self.0) = Slot {
            child: Arc::downgrade(&process.child),
            was_ended: false,
        };
    }
}

/// A running bridge; killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Arc<Mutex<Child>>,
    pid: u32,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    watchdog: Watchdog,
    log: Log,
}

impl Process {
    /// Starts the program in a role.
    pub(super) fn start(program: &Path, role: &str) -> io::Result<Self> {
        let mut command = Command::new(program);
        command
            .arg(role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        detach(&mut command);
        let mut child = command.spawn()?;
        let pid = child.id();
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("the process has no pipes"));
        };
        let child = Arc::new(Mutex::new(child));
        Ok(Self {
            watchdog: Watchdog::start(Arc::clone(&child)),
            log: Log::follow(stderr, pid),
            child,
            pid,
            stdin,
            stdout: BufReader::new(stdout),
        })
    }

    /// Its process id.
    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a request and waits for its answer, at most for `wait`. After [`Lost`] the
    /// process is gone.
    pub(super) fn exchange(
        &mut self,
        request: &Request,
        wait: Duration,
    ) -> Result<(Response, Option<RecordBatch>), Lost> {
        self.watchdog.arm(wait);
        let answer = self.ask(request);
        let fired = self.watchdog.disarm();
        answer.map_err(|error| self.lost(fired, wait, &error))
    }

    fn ask(&mut self, request: &Request) -> io::Result<(Response, Option<RecordBatch>)> {
        write_message(&mut self.stdin, request)?;
        let response = read_message(&mut self.stdout)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let rows = match &response {
            Response::Page { .. } => Some(read_rows(&mut self.stdout)?),
            Response::Opened { .. }
            | Response::Probe { .. }
            | Response::Tables { .. }
            | Response::Columns { .. }
            | Response::Return { .. }
            | Response::ReadFailed { .. }
            | Response::Faulted { .. } => None,
        };
        Ok((response, rows))
    }

    fn lost(&mut self, timed_out: bool, wait: Duration, error: &io::Error) -> Lost {
        let ended = self.end();
        let mut words = if timed_out {
            format!(
                "bridge process {} was ended: no answer within {} ms",
                self.pid,
                wait.as_millis()
            )
        } else {
            format!("bridge process {} was lost ({ended}): {error}", self.pid)
        };
        let last = self.log.last_words();
        if !last.is_empty() {
            words.push_str("; its last words: ");
            words.push_str(&last);
        }
        Lost { timed_out, words }
    }

    /// Kills it, if it still runs, and waits for its end; says how it ended.
    pub(super) fn end(&mut self) -> String {
        let mut child = lock(&self.child);
        // One that ended by itself tells how: a kill must not come before that is known.
        let status = match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) | Err(_) => {
                // A closed pipe comes a moment before the status.
                drop(child);
                thread::sleep(Duration::from_millis(20));
                child = lock(&self.child);
                match child.try_wait() {
                    Ok(Some(status)) => Ok(status),
                    Ok(None) | Err(_) => child.kill().and_then(|()| child.wait()),
                }
            }
        };
        status.map_or_else(|error| error.to_string(), |status| status.to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        if let Err(error) = child.kill().and_then(|()| child.wait()) {
            tracing::debug!(pid = self.pid, %error, "the bridge did not end");
        }
    }
}

/// Kills the process when an answer is overdue.
#[derive(Debug)]
struct Watchdog {
    shared: Arc<(Mutex<Watch>, Condvar)>,
}

#[derive(Debug, Default)]
struct Watch {
    until: Option<Instant>,
    fired: bool,
    over: bool,
}

impl Watchdog {
    fn start(child: Arc<Mutex<Child>>) -> Self {
        let shared = Arc::new((Mutex::new(Watch::default()), Condvar::new()));
        let watched = Arc::clone(&shared);
        thread::spawn(move || watch(&watched, &child));
        Self { shared }
    }

    fn arm(&self, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_WAIT);
        lock(&self.shared.0).until = Some(until);
        self.shared.1.notify_one();
    }

    /// Says whether it had to act.
    fn disarm(&self) -> bool {
        let mut watch = lock(&self.shared.0);
        watch.until = None;
        watch.fired
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        lock(&self.shared.0).over = true;
        self.shared.1.notify_one();
    }
}

fn watch(shared: &(Mutex<Watch>, Condvar), child: &Mutex<Child>) {
    let mut watch = lock(&shared.0);
    while !watch.over {
        let Some(until) = watch.until else {
            watch = shared.1.wait(watch).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            watch.until = None;
            watch.fired = true;
            if let Err(error) = lock(child).kill() {
                tracing::warn!(%error, "an overdue bridge process could not be ended");
            }
        } else {
            (watch, _) = shared
                .1
                .wait_timeout(watch, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What the process writes to its standard error.
#[derive(Debug)]
struct Log {
    lines: Arc<Mutex<VecDeque<String>>>,
    follower: JoinHandle<()>,
}

impl Log {
    fn follow(stderr: ChildStderr, pid: u32) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&lines);
        let follower = thread::spawn(move || {
            let mut reader = BufReader::new(stderr);
            let mut line = Vec::new();
            while let Ok(1..) = reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                tracing::debug!(pid, line = %text, "bridge");
                let mut kept = lock(&kept);
                if kept.len() == LAST_LINES {
                    kept.pop_front();
                }
                kept.push_back(text);
            }
        });
        Self { lines, follower }
    }

    fn last_words(&self) -> String {
        let until = Instant::now() + LAST_WORDS_WAIT;
        while !self.follower.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        lock(&self.lines).make_contiguous().join(" | ")
    }
}

/// A panic elsewhere does not make a process id or a line of text untrue.
fn lock<T: fmt::Debug>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ctrl-C in a terminal is for the driver, which ends its bridges in order.
#[cfg(unix)]
fn detach(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// No console window, and Ctrl-C in a console is for the driver, which ends its bridges
/// in order.
#[cfg(windows)]
fn detach(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    std::os::windows::process::CommandExt::creation_flags(
        command,
        CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW,
    );
}
