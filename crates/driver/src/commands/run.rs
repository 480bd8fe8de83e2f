//! `erp-driver run`: everything, until stopped.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use agent_store::journal::Journal;
use catalog::Dataset;
use clap::Args;
use sync::Outcome;
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
                move || read_company(&connection, &company, &datasets, &journal, &stop)
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
                    move || write_company(&connection, &company, &writer, &journal, &stop)
                };
                let thread = std::thread::Builder::new()
                    .name(format!("write {}", company.id))
                    .spawn(writing);
                threads.push(thread.map_err(thread_failed)?);
            }
        }
        tracing::info!(hub = %connection.config.hub_url, "running; stop with ctrl-c");
        connection.handle().block_on(host::signal::stopped());
        tracing::info!("stopping");
        stop.set();
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread ended by a panic");
            }
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
    while !stop.is_set() {
        let Some(open) = reader.as_mut() else {
            match open_company(connection, company, journal) {
                Ok(opened) => reader = Some(opened),
                Err(failed) => {
                    log_failure(company, None, &failed);
                    stop.wait(SETUP_PAUSE);
                }
            }
            continue;
        };
        match schedule.next(Instant::now()) {
            Err(wait) => stop.wait(wait),
            Ok(place) => {
                let dataset = &datasets[place];
                let report = open.run_pass(
                    dataset,
                    CompanyReader::usual_pass(dataset),
                    &mut Progress::quiet(dataset),
                );
                let now = Instant::now();
                match &report.outcome {
                    Outcome::Complete {
                        documents,
                        sent,
                        clock_set_back,
                        ..
                    } => {
                        schedule.done(place, report.took, now);
                        if *sent > 0 {
                            let took_ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
                            tracing::info!(company = %company.id, dataset = %dataset.name, documents, sent, took_ms, "{}: sent {sent}", dataset.name);
                        }
                        if *clock_set_back {
                            tracing::warn!(company = %company.id, dataset = %dataset.name, "the clock was set back; whole tables are compared until it has caught up");
                        }
                    }
                    Outcome::Failed(failure) => {
                        schedule.failed(place, now, host::random::number());
                        log_failure(company, Some(dataset), &Failed::from_pass(failure));
                    }
                    Outcome::ShapesDiffer { .. } => {
                        schedule.failed(place, now, host::random::number());
                        let failed = Failed::new(
                            "fingerprint_mismatch",
                            "driver and hub know different shapes of the dataset",
                            "update the older of the two",
                        );
                        log_failure(company, Some(dataset), &failed);
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
