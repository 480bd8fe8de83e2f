//! `erp-driver run`: everything, until stopped.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use agent_store::journal::Journal;
use catalog::Dataset;
use clap::Args;
use sync::{Outcome, PassKind};
use tokio::sync::Notify;
use values::StoreId;

use super::Failed;
use super::connect::{Connection, datasets, lock, open_journal};
use super::sync::Progress;
use super::writing;
use crate::config::{Company, WriterTarget};
use crate::reading::{CompanyReader, Schedule};

/// Between two attempts to reach a company that cannot be read at all.
const SETUP_PAUSE: Duration = Duration::from_secs(15);

#[derive(Debug, Args)]
pub(crate) struct Arguments {}

impl Arguments {
    #[expect(clippy::unused_self, reason = "every command has the same form")]
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let connection = Arc::new(Connection::open(path)?);
        let _lock = lock(&connection.config)?;
        let datasets = Arc::new(datasets(&connection.config, &[])?);
        let stop = Arc::new(Stop::default());
        let journal = Arc::new(Mutex::new(open_journal(&connection.config)?));
        let mut threads = Vec::new();
        for company in &connection.config.companies {
            let reading = {
                let (connection, company, datasets, stop) = (
                    Arc::clone(&connection),
                    company.clone(),
                    Arc::clone(&datasets),
                    Arc::clone(&stop),
                );
                let journal = lock_journal(&journal).store_id().clone();
                move || {
                    let _guard = StopOnPanic(Arc::clone(&stop));
                    read_company(&connection, &company, &datasets, &journal, &stop);
                }
            };
            let thread = std::thread::Builder::new()
                .name(format!("read {}", company.id))
                .spawn(reading);
            threads.push(thread.map_err(thread_failed)?);
            if let Some(writer) = company.writer.clone() {
                let writing = {
                    let (connection, company, journal, stop) = (
                        Arc::clone(&connection),
                        company.clone(),
                        Arc::clone(&journal),
                        Arc::clone(&stop),
                    );
                    move || {
                        let _guard = StopOnPanic(Arc::clone(&stop));
                        write_company(&connection, &company, &writer, &journal, &stop);
                    }
                };
                let thread = std::thread::Builder::new()
                    .name(format!("write {}", company.id))
                    .spawn(writing);
                threads.push(thread.map_err(thread_failed)?);
            }
        }
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

fn lock_journal(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connects to a company. One without a writer is claimed here; otherwise its writer does.
fn open_company(
    connection: &Connection,
    company: &Company,
    journal: &StoreId,
) -> Result<CompanyReader, Failed> {
    if company.writer.is_none() {
        connection.lease(company, journal)?;
    }
    connection.reader(company)
}

/// Enters a company's documents until stopped.
fn write_company(
    connection: &Connection,
    company: &Company,
    writer: &WriterTarget,
    journal: &Arc<Mutex<Journal>>,
    stop: &Arc<Stop>,
) {
    while !stop.is_set() {
        match writing::runner(connection, company, writer, Arc::clone(journal), stop) {
            Ok(mut runner) => runner.run(),
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
    datasets: &[Dataset],
    journal: &StoreId,
    stop: &Stop,
) {
    let settings = &connection.config.sync;
    let share = u32::try_from(settings.reading_share_percent).unwrap_or(100);
    let mut schedule = Schedule::new(
        datasets.len(),
        Duration::from_secs(settings.interval_s),
        share,
        Instant::now(),
    );
    let mut reader: Option<CompanyReader> = None;
    let full_interval = Duration::from_secs(settings.full_interval_s);
    let mut compared = vec![Instant::now(); datasets.len()];
    let mut said = Said::default();
    while !stop.is_set() {
        let Some(open) = reader.as_mut() else {
            match open_company(connection, company, journal) {
                Ok(opened) => reader = Some(opened),
                Err(failed) => {
                    if said.is_news("", &failed.code) {
                        log_failure(company, None, &failed);
                    }
                    stop.wait(SETUP_PAUSE);
                }
            }
            continue;
        };
        match schedule.next(Instant::now()) {
            Err(wait) => stop.wait(wait),
            Ok(place) => {
                let dataset = &datasets[place];
                // Bulk jobs move no stamp: now and then the whole table is compared.
                let is_due = compared[place].elapsed() >= full_interval;
                let kind = if is_due {
                    PassKind::Full
                } else {
                    CompanyReader::usual_pass(dataset)
                };
                let report = open.run_pass(dataset, kind, &mut Progress::quiet(dataset, &mut said));
                let now = Instant::now();
                match &report.outcome {
                    Outcome::Complete {
                        kind,
                        documents,
                        sent,
                        clock_set_back,
                        ..
                    } => {
                        schedule.done(place, report.took, now);
                        if *kind == PassKind::Full {
                            compared[place] = now;
                        }
                        if said.is_over(dataset.name.as_str()) {
                            tracing::info!(company = %company.id, dataset = %dataset.name, "{} goes on", dataset.name);
                        }
                        if *sent > 0 {
                            let took_ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
                            tracing::info!(company = %company.id, dataset = %dataset.name, documents, sent, took_ms, "{}: sent {sent}", dataset.name);
                        }
                        if *clock_set_back && said.is_new_finding(format!("clock {}", dataset.name)) {
                            tracing::warn!(company = %company.id, dataset = %dataset.name, "the clock was set back, or erp.time_zone changed; whole tables are compared until the clock has caught up");
                        }
                    }
                    Outcome::Failed(failure) => {
                        schedule.failed(place, now, host::random::number());
                        let failed = Failed::from_pass(failure);
                        if said.is_news(dataset.name.as_str(), &failed.code) {
                            log_failure(company, Some(dataset), &failed);
                        }
                    }
                    Outcome::ShapesDiffer { .. } => {
                        schedule.failed(place, now, host::random::number());
                        let failed = Failed::new(
                            "fingerprint_mismatch",
                            "driver and hub know different shapes of the dataset",
                            "update the older of the two",
                        );
                        if said.is_news(dataset.name.as_str(), &failed.code) {
                            log_failure(company, Some(dataset), &failed);
                        }
                    }
                }
            }
        }
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
