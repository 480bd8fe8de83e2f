//! `erp-driver run`: everything, until stopped.

mod board;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use agent_store::journal::Journal;
use catalog::Dataset;
use clap::Args;
use sync::{Failure, Outcome, PassKind};
use tokio::sync::Notify;
use values::StoreId;
use wire::status::DatasetStatus;

use board::Board;
pub(crate) use board::{Problems, Standings, read_problems, read_standings};

use super::Failed;
use super::connect::{Connection, datasets, lock, open_journal};
use super::sync::Progress;
use super::writing;
use crate::config::{Company, SiteDataset, WriterTarget};
use crate::pause::{CompanyPause, Handle, LOOK_EVERY, PauseWatch, Pauses};
use crate::reading::{
    CompanyReader, PassEnd, PassReport, Schedule, Timing, Turn, dataset_status, held_words,
};

/// Between two attempts to reach a company that cannot be read at all.
const SETUP_PAUSE: Duration = Duration::from_secs(15);

#[derive(Debug, Args)]
pub(crate) struct Arguments {}

impl Arguments {
    #[expect(clippy::unused_self, reason = "every command has the same form")]
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let connection = Arc::new(Connection::open(path)?);
        let _lock = lock(&connection.config)?;
        let board = Arc::new(Board::default());
        let stop = Arc::new(Stop::default());
        let journal = Arc::new(Mutex::new(open_journal(&connection.config)?));
        let pauses = Pauses::new(connection.config.companies.iter().map(|c| c.id.clone()));
        let mut watch = pause_watch(&connection, &pauses);
        // Before anything is opened.
        watch.look(host::clock::now());
        let mut threads = Vec::new();
        let watching = {
            let stop = Arc::clone(&stop);
            move || {
                let _guard = StopOnPanic(Arc::clone(&stop));
                while !stop.is_set() {
                    stop.wait(LOOK_EVERY);
                    watch.look(host::clock::now());
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("pause".to_owned())
            .spawn(watching);
        threads.push(thread.map_err(thread_failed)?);
        // A copy of a company is for trying things in: nothing of it goes to the hub.
        let live = connection.config.companies.iter().filter(|c| c.copy_of.is_none());
        for company in live {
            let reading = {
                let sites = datasets(&connection.config, company, &[])?;
                let (connection, company, board, stop) = (
                    Arc::clone(&connection),
                    company.clone(),
                    Arc::clone(&board),
                    Arc::clone(&stop),
                );
                let journal = lock_journal(&journal).store_id().clone();
                let pause = pauses.company(&company.id);
                move || {
                    let _guard = StopOnPanic(Arc::clone(&stop));
                    read_company(&connection, &company, &sites, &journal, &board, &stop, &pause);
                }
            };
            let thread = std::thread::Builder::new()
                .name(format!("read {}", company.id))
                .spawn(reading);
            threads.push(thread.map_err(thread_failed)?);
            if let Some(writer) = company.document_writer().cloned() {
                let writing = {
                    let (connection, company, journal, board, stop) = (
                        Arc::clone(&connection),
                        company.clone(),
                        Arc::clone(&journal),
                        Arc::clone(&board),
                        Arc::clone(&stop),
                    );
                    let pause = pauses.company(&company.id);
                    move || {
                        let _guard = StopOnPanic(Arc::clone(&stop));
                        write_company(&connection, &company, &writer, &journal, &board, &stop, &pause);
                    }
                };
                let thread = std::thread::Builder::new()
                    .name(format!("write {}", company.id))
                    .spawn(writing);
                threads.push(thread.map_err(thread_failed)?);
            }
        }
        let telling = {
            let (connection, board, stop) = (Arc::clone(&connection), Arc::clone(&board), Arc::clone(&stop));
            move || board.tell(&connection, &stop, &pauses)
        };
        let thread = std::thread::Builder::new().name("tell".to_owned()).spawn(telling);
        threads.push(thread.map_err(thread_failed)?);
        tracing::info!(hub = %connection.config.hub_url, "running; stop with ctrl-c");
        connection
            .handle()
            .block_on(stop.or_stopped(host::signal::stopped()));
        tracing::info!("stopping");
        stop.set();
        let ended = threads.into_iter().map(std::thread::JoinHandle::join);
        if ended.filter(Result::is_err).count() > 0 {
            // A company without its thread would look served: the service manager starts anew.
            return Err(Failed::new(
                "thread_ended",
                "a company's thread ended by a defect; the log says which",
                "restart the service, and report it with the log",
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn thread_failed(error: std::io::Error) -> Failed {
    Failed::new("thread_failed", error.to_string(), "restart the service")
}

fn pause_watch(connection: &Connection, pauses: &Arc<Pauses>) -> PauseWatch {
    let config = &connection.config;
    PauseWatch::new(
        pauses,
        config.companies.iter().map(|c| c.id.clone()).collect(),
        config.state_dir.clone(),
        config.pauses.clone(),
        config.time_zone.clone(),
    )
}

fn lock_journal(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connects to a company. One without a writer is claimed here; otherwise its writer does.
fn open_company(
    connection: &Connection,
    company: &Company,
    journal: &StoreId,
    pause: &CompanyPause,
) -> Result<CompanyReader, Failed> {
    if company.document_writer().is_none() {
        connection.lease(company, journal)?;
    }
    connection.pausable_reader(company, pause.clone())
}

/// Enters a company's documents until stopped.
fn write_company(
    connection: &Connection,
    company: &Company,
    writer: &WriterTarget,
    journal: &Arc<Mutex<Journal>>,
    board: &Arc<Board>,
    stop: &Arc<Stop>,
    pause: &CompanyPause,
) {
    while !stop.is_set() {
        match writing::runner(connection, company, writer, Arc::clone(journal), stop, pause) {
            Ok(runner) => {
                let (board, company) = (Arc::clone(board), company.id.clone());
                runner
                    .telling(move |standing| board.documents(&company, standing))
                    .run();
            }
            Err(failed) => {
                log_failure(company, None, &failed);
                stop.wait(SETUP_PAUSE);
            }
        }
    }
}

/// Reads a company until stopped. What fails is tried again; an error in one company never
/// stops another.
fn read_company(
    connection: &Connection,
    company: &Company,
    sites: &[SiteDataset],
    journal: &StoreId,
    board: &Board,
    stop: &Stop,
    pause: &CompanyPause,
) {
    let mut reader: Option<CompanyReader> = None;
    let mut following = Following::new(connection, company, sites, pause);
    while !stop.is_set() {
        let Some(busy) = pause.begin(Handle::ReadBridge) else {
            if let Some(open) = reader.as_mut() {
                open.close();
            }
            stop.wait(LOOK_EVERY);
            continue;
        };
        let Some(open) = reader.as_mut() else {
            match open_company(connection, company, journal, pause) {
                Ok(opened) => {
                    following.remember(&opened);
                    reader = Some(opened);
                }
                Err(_) if pause.is_paused() => {}
                Err(failed) => {
                    board.company_fails(&company.id, &failed);
                    if following.said.is_news("", &failed.code) {
                        log_failure(company, None, &failed);
                    }
                    drop(busy);
                    stop.wait(SETUP_PAUSE);
                }
            }
            continue;
        };
        let turn = following.turn(open, board);
        drop(busy);
        if let Err(wait) = turn {
            // A pause is heard soon, however long nothing is due.
            stop.wait(wait.min(LOOK_EVERY));
        }
    }
}

/// What the thread of one company keeps.
struct Following<'a> {
    connection: &'a Connection,
    company: &'a Company,
    sites: &'a [SiteDataset],
    pause: &'a CompanyPause,
    schedule: Schedule,
    said: Said,
    recorded: Vec<Option<Instant>>,
    /// When a long pass was last spoken of.
    told: Instant,
    is_remembered: bool,
}

/// A pass that changed nothing is recorded no more often than this.
const RECORD_EVERY: Duration = Duration::from_secs(5);
/// Between two lines about long passes.
const TELL_EVERY: Duration = Duration::from_secs(30);
/// After this time it is looked again whether a site has a table.
const ABSENT_PAUSE: Duration = Duration::from_secs(600);

impl<'a> Following<'a> {
    fn new(
        connection: &'a Connection,
        company: &'a Company,
        sites: &'a [SiteDataset],
        pause: &'a CompanyPause,
    ) -> Self {
        let timings: Vec<Timing> = sites.iter().map(|s| Timing::of(&s.dataset, &s.pace)).collect();
        let share = u32::try_from(connection.config.sync.reading_share_percent).unwrap_or(100);
        Self {
            connection,
            company,
            sites,
            pause,
            schedule: Schedule::new(&timings, share, Instant::now()),
            said: Said::default(),
            recorded: vec![None; sites.len()],
            told: Instant::now(),
            is_remembered: false,
        }
    }

    /// After a start: what was loaded before is followed, and swept when its time comes.
    fn remember(&mut self, reader: &CompanyReader) {
        if std::mem::replace(&mut self.is_remembered, true) {
            return;
        }
        let now = Instant::now();
        for (place, site) in self.sites.iter().enumerate() {
            let progress = reader.progress(&site.dataset).ok().flatten();
            if progress.is_none_or(|progress| !progress.loaded) {
                continue;
            }
            let interval = Duration::from_secs(site.pace.sweep_interval_s);
            let wait = reader
                .since_sweep(&site.dataset)
                .map_or(Duration::ZERO, |since| interval.saturating_sub(since));
            self.schedule.remember(place, now + wait);
        }
    }

    /// Makes the turn that is due, or says how long to wait.
    fn turn(&mut self, reader: &mut CompanyReader, board: &Board) -> Result<(), Duration> {
        let time = self
            .connection
            .config
            .time_zone
            .to_datetime(host::clock::now())
            .time();
        let turn = self.schedule.next(Instant::now(), time)?;
        let Some(site) = self.sites.get(turn.dataset) else {
            return Ok(());
        };
        let slice = Duration::from_millis(self.connection.config.sync.slice_ms);
        // With a budget of rows each page is a slice: the rest between them keeps it.
        let slice = match turn.kind {
            PassKind::Delta => slice,
            PassKind::Initial | PassKind::Sweep => {
                site.pace.sweep_rows_per_s.map_or(slice, |_| Duration::ZERO)
            }
        };
        let mut progress = Progress::quiet(&site.dataset, &mut self.said);
        let report = reader.run_pass(site, turn.kind, Some(slice), &mut progress);
        if self.pause.is_paused() && matches!(report.end, PassEnd::Done(Outcome::Failed(Failure::Read(_)))) {
            // A read that was cut off for the pause is no failure: the turn is still due.
            return Ok(());
        }
        let now = Instant::now();
        let is_news = self.conclude(turn, site, &report, now);
        let recorded = self.recorded.get_mut(turn.dataset);
        let is_old = recorded
            .as_ref()
            .is_none_or(|at| at.is_none_or(|at| now.duration_since(at) >= RECORD_EVERY));
        if is_news || is_old {
            if let Some(recorded) = recorded {
                *recorded = Some(now);
            }
            let wait = self
                .schedule
                .due(turn.dataset)
                .map(|at| at.saturating_duration_since(now));
            let next = wait.and_then(|wait| host::clock::now().checked_add(wait).ok());
            if let Err(failure) = reader.record(&site.dataset, &report, next) {
                tracing::debug!(?failure, "not recorded");
            }
            let zone = reader.zone().clone();
            match dataset_status(reader.index(), self.company.id.as_str(), &site.dataset, &zone) {
                Ok(status) => {
                    if let PassEnd::Yielded { kind } = report.end
                        && kind.is_whole()
                    {
                        self.tell_progress(kind, &status);
                    }
                    board.dataset(&self.company.id, status);
                }
                Err(error) => tracing::debug!(code = error.code(), "{error}"),
            }
        }
        Ok(())
    }

    /// A pass that takes long is spoken of now and then.
    fn tell_progress(&mut self, kind: PassKind, status: &DatasetStatus) {
        let Some(progress) = status
            .progress
            .as_ref()
            .filter(|_| self.told.elapsed() >= TELL_EVERY)
        else {
            return;
        };
        self.told = Instant::now();
        tracing::info!(
            company = %self.company.id,
            dataset = %status.dataset,
            documents = progress.documents,
            expected = progress.expected,
            remaining_s = progress.remaining_s,
            "{}: {} under way, {} read, {} a second",
            status.dataset, kind.as_str(), progress.documents, progress.documents_per_s
        );
    }

    /// Says what is worth saying and plans the next turn. Is it news for people?
    fn conclude(&mut self, turn: Turn, site: &SiteDataset, report: &PassReport, now: Instant) -> bool {
        let (company, dataset) = (self.company, &site.dataset);
        let place = turn.dataset;
        let took = report.turn.took;
        let outcome = match &report.end {
            PassEnd::Done(outcome) => outcome,
            PassEnd::Yielded {
                kind: PassKind::Delta,
            } => {
                self.schedule.delta_yielded(place, now);
                return true;
            }
            PassEnd::Yielded {
                kind: PassKind::Initial | PassKind::Sweep,
            } => {
                self.schedule.yielded(turn, report.turn.documents, took, now);
                return true;
            }
            PassEnd::Absent { .. } => {
                self.schedule.pause(place, now + ABSENT_PAUSE);
                return true;
            }
        };
        let failed = match outcome {
            Outcome::Complete {
                kind,
                held,
                swept,
                clock_set_back,
                ..
            } => {
                // A delta that was under way went on in a sweep's turn; the sweep is still due.
                let made = if *kind == PassKind::Delta {
                    *kind
                } else {
                    turn.kind
                };
                let turn = Turn { kind: made, ..turn };
                self.schedule.done(turn, kind.is_whole(), took, now);
                if kind.is_whole() && !swept {
                    self.schedule.sweep_soon(place, now);
                }
                let (sent, removed) = (report.pass.sent, report.pass.removed);
                if sent > 0 || removed > 0 {
                    let documents = report.pass.documents;
                    let took_ms = u64::try_from(report.pass.took.as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(company = %company.id, dataset = %dataset.name, documents, sent, removed, took_ms, "{}: sent {sent}, removed {removed}", dataset.name);
                }
                if *clock_set_back && self.said.is_new_finding(format!("clock {}", dataset.name)) {
                    tracing::warn!(company = %company.id, dataset = %dataset.name, "the clock was set back, or erp.time_zone changed; the whole table was compared");
                }
                if let Some(held) = held {
                    Failed::new(held.reason.code(), held_words(held), held.remedy())
                } else {
                    if self.said.is_over(dataset.name.as_str()) {
                        tracing::info!(company = %company.id, dataset = %dataset.name, "{} goes on", dataset.name);
                    }
                    return sent > 0 || removed > 0 || kind.is_whole();
                }
            }
            Outcome::Held(held) => {
                self.schedule.failed(turn, took, now, host::random::number());
                Failed::new(held.reason.code(), held_words(held), held.remedy())
            }
            Outcome::Failed(failure) => {
                self.schedule.failed(turn, took, now, host::random::number());
                Failed::from_pass(failure)
            }
            Outcome::ShapesDiffer { .. } => {
                self.schedule.failed(turn, took, now, host::random::number());
                Failed::new(
                    "fingerprint_mismatch",
                    "driver and hub know different shapes of the dataset",
                    "update the older of the two",
                )
            }
        };
        if self.said.is_news(dataset.name.as_str(), &failed.code) {
            log_failure(company, Some(dataset), &failed);
        }
        true
    }
}

fn log_failure(company: &Company, dataset: Option<&Dataset>, failed: &Failed) {
    let dataset = dataset.map_or("", |d| d.name.as_str());
    tracing::warn!(company = %company.id, dataset, code = failed.code, remedy = failed.remedy, "{} {dataset}: {}", company.id, failed.message);
}

/// Stops everything when its thread panics.
struct StopOnPanic(Arc<Stop>);

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                thread = std::thread::current().name(),
                "a thread ended by a panic"
            );
            self.0.set();
        }
    }
}

/// What the log has said already: the same failure every two seconds helps nobody.
#[derive(Debug, Default)]
pub(crate) struct Said {
    failures: HashMap<String, (String, Instant)>,
    findings: HashSet<String>,
}

/// A failure that lasts is told again after this time.
const SAY_AGAIN: Duration = Duration::from_secs(600);
/// Findings that are remembered; beyond them the log is quiet about single values.
const MAX_FINDINGS: usize = 10_000;

impl Said {
    /// Is this failure of the dataset another one than last time, or long ago?
    fn is_news(&mut self, dataset: &str, code: &str) -> bool {
        let now = Instant::now();
        match self.failures.get(dataset) {
            Some((said, at)) if said == code && now.duration_since(*at) < SAY_AGAIN => false,
            Some(_) | None => {
                self.failures.insert(dataset.to_owned(), (code.to_owned(), now));
                true
            }
        }
    }

    /// Had the dataset failed before?
    fn is_over(&mut self, dataset: &str) -> bool {
        self.failures.remove(dataset).is_some()
    }

    /// Was this not said before?
    pub(crate) fn is_new_finding(&mut self, finding: String) -> bool {
        self.findings.len() < MAX_FINDINGS && self.findings.insert(finding)
    }
}

/// Tells every thread to end, and wakes those that wait.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    flag: Arc<AtomicBool>,
    sleepers: Mutex<()>,
    woken: Condvar,
    requests: Notify,
}

impl Stop {
    fn set(&self) {
        self.flag.store(true, Ordering::Relaxed);
        let _guard = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        self.woken.notify_all();
        self.requests.notify_waiters();
    }

    /// Waits for a request to the hub, but not beyond the stop.
    pub(crate) async fn or_stopped<T>(&self, request: impl Future<Output = T>) -> Option<T> {
        let stopped = self.requests.notified();
        tokio::pin!(stopped);
        // Registered before the flag is looked at, so that no stop falls in between.
        stopped.as_mut().enable();
        if self.is_set() {
            return None;
        }
        tokio::select! {
            answer = request => Some(answer),
            () = stopped => None,
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// The same, for code that only looks.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// Waits, or less long when it is set meanwhile.
    pub(crate) fn wait(&self, limit: Duration) {
        let guard = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.woken.wait_timeout_while(guard, limit, |()| !self.is_set());
        drop(waited);
    }
}
