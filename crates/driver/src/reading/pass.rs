//! One pass over one dataset.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use agent_store::{Index, StoreError, Stream};
use catalog::{Dataset, DocumentBatch, Temperament};
use sage::{ReadError, Reader};
use sync::{
    Command, DocumentPage, Engine, Event, Failure, Outcome, PageRequest, PassKind, Progress, RowFinding,
    Shape, ShapeProblem, changed_rows, read_documents, rows_since,
};
use values::{CompanyId, Hash, Key};
use wire::agent::{HashRequest, StreamReset};
use wire::{BatchHeader, encode_batch};

use crate::bridge::ReadBridge;
use crate::config::{Company, Config, MissingPassword};
use crate::reading::{HubError, StreamHub};

/// Values in one page: what two pages in flight may cost in memory stays near 20 MB.
const PAGE_VALUES: usize = 200_000;
/// Bounds on the documents of a page, whatever their width.
const PAGE_DOCUMENTS: std::ops::RangeInclusive<usize> = 200..=10_000;
/// Documents of a page when each may have many lines.
const PAGE_DOCUMENTS_WITH_LINES: usize = 500;
/// Keys asked of the hub at once during a rebuild.
const HASH_PAGE: u32 = 20_000;

/// Watches passes: a progress bar, a log, or nobody.
pub trait Observer {
    /// A page was read, and so many of its documents differed.
    fn page(&mut self, dataset: &Dataset, documents: u64, sent: u64);
    /// The index is being filled from the hub.
    fn rebuilding(&mut self, dataset: &Dataset, entries: u64);
    /// A value could not be taken as it was.
    fn finding(&mut self, dataset: &Dataset, finding: &RowFinding);
    /// Something about the table's shape.
    fn shape(&mut self, dataset: &Dataset, problem: &ShapeProblem);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn page(&mut self, _: &Dataset, _: u64, _: u64) {}
    fn rebuilding(&mut self, _: &Dataset, _: u64) {}
    fn finding(&mut self, _: &Dataset, _: &RowFinding) {}
    fn shape(&mut self, _: &Dataset, _: &ShapeProblem) {}
}

/// How a pass went.
#[derive(Clone, Debug)]
pub struct PassReport {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// Values that could not be taken as they were.
    pub findings: u64,
}

/// A company cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The ERP.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The password.
    #[error(transparent)]
    Password(#[from] MissingPassword),
    /// The driver's own files.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SetupError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read(error) => error.code.as_str(),
            Self::Password(_) => "password_missing",
            Self::Store(error) => error.code(),
        }
    }

    /// What a person should do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Read(error) => error.remedy(),
            Self::Password(_) => {
                "set the variable for the service's user, or correct password_env in the configuration"
            }
            Self::Store(error) => error.remedy(),
        }
    }
}

/// Reads one company.
#[derive(Debug)]
pub struct CompanyReader {
    company: CompanyId,
    bridge: ReadBridge,
    index: Index,
    hub: StreamHub,
    zone: jiff::tz::TimeZone,
    overlap_s: u32,
    page_limit: Duration,
    shapes: HashMap<String, Shape>,
}

impl CompanyReader {
    /// Connects to the company and opens the index.
    ///
    /// # Errors
    /// [`SetupError`]: what answers is no Sage company, or the index cannot be opened.
    pub fn open(
        config: &Config,
        company: &Company,
        bridge: &Path,
        hub: StreamHub,
    ) -> Result<Self, SetupError> {
        let mut bridge = ReadBridge::start(bridge, &company.read_source()?)?;
        bridge.probe()?;
        Ok(Self {
            company: company.id.clone(),
            bridge,
            index: Index::open(&config.state_dir.join("index.db"))?,
            hub,
            zone: config.time_zone.clone(),
            overlap_s: config.sync.overlap_s,
            page_limit: Duration::from_secs(config.sync.page_limit_s),
            shapes: HashMap::new(),
        })
    }

    /// The reader, for keyed reads between passes.
    pub fn reader(&mut self) -> &mut dyn Reader {
        &mut self.bridge
    }

    /// The kind of pass that a dataset's temperament asks for.
    #[must_use]
    pub const fn usual_pass(dataset: &Dataset) -> PassKind {
        match dataset.temperament {
            Temperament::Hot => PassKind::Full,
            Temperament::Master | Temperament::History if dataset.stamped => PassKind::Delta,
            Temperament::Master | Temperament::History => PassKind::Full,
        }
    }

    /// The dataset as this site has it. Asked once per connection.
    ///
    /// # Errors
    /// [`Failure`] when the tables cannot be looked at or the dataset cannot be read.
    pub fn shape(&mut self, dataset: &Dataset, observer: &mut dyn Observer) -> Result<Shape, Failure> {
        if let Some(shape) = self.shapes.get(dataset.name.as_str()) {
            return Ok(shape.clone());
        }
        let bridge = &mut self.bridge;
        let fitted = Shape::fit(dataset, |table| bridge.columns(table)).map_err(Failure::Read)?;
        let (shape, problems) = fitted.map_err(|problem| {
            observer.shape(dataset, &problem);
            let code = match problem {
                ShapeProblem::TableMissing { .. } => sage::ReadErrorCode::TableMissing,
                ShapeProblem::KeyMissing { .. } | ShapeProblem::ColumnMissing { .. } => {
                    sage::ReadErrorCode::ColumnMissing
                }
            };
            Failure::Read(ReadError::new(code, problem.to_string()))
        })?;
        problems
            .iter()
            .for_each(|problem| observer.shape(dataset, problem));
        self.shapes.insert(dataset.name.to_string(), shape.clone());
        Ok(shape)
    }

    /// Makes a pass.
    pub fn run_pass(&mut self, dataset: &Dataset, kind: PassKind, observer: &mut dyn Observer) -> PassReport {
        let started = Instant::now();
        let mut findings = 0;
        let outcome = self
            .try_pass(dataset, kind, observer, &mut findings)
            .unwrap_or_else(Outcome::Failed);
        if let Outcome::Failed(Failure::Read(_)) = &outcome {
            // The table may have changed its shape; it is looked at again.
            self.shapes.remove(dataset.name.as_str());
        }
        PassReport {
            outcome,
            took: started.elapsed(),
            findings,
        }
    }

    fn try_pass(
        &mut self,
        dataset: &Dataset,
        kind: PassKind,
        observer: &mut dyn Observer,
        findings: &mut u64,
    ) -> Result<Outcome, Failure> {
        let shape = self.shape(dataset, observer)?;
        let (stream, progress) = self
            .index
            .stream(self.company.as_str(), dataset.name.as_str())
            .map_err(store)?;
        let fingerprint = dataset.fingerprint();
        let mut engine = Engine::new(progress, fingerprint, self.overlap_s, page_documents(dataset));
        let now = self.zone.to_datetime(host::clock::now());
        let mut work = Work {
            dataset,
            shape,
            stream,
            page: None,
            batch: None,
        };
        let mut command = engine.begin(kind, now);
        loop {
            host::fault::point(fault_name(&command));
            if let Command::Finish(outcome) = command {
                return Ok(outcome);
            }
            let event = self
                .carry_out(&mut work, command, observer, findings)
                .unwrap_or_else(Event::Failed);
            command = engine.handle(event);
        }
    }

    fn carry_out(
        &mut self,
        work: &mut Work<'_>,
        command: Command,
        observer: &mut dyn Observer,
        findings: &mut u64,
    ) -> Result<Event, Failure> {
        let dataset = work.dataset;
        match command {
            Command::AskStream => {
                let state = self
                    .hub
                    .state(&self.company, &dataset.name)
                    .map_err(|e| hub(&e))?;
                Ok(Event::StreamState {
                    store: state.store,
                    epoch: state.epoch,
                    sequence: state.sequence,
                    digest: state.digest,
                    previous: state.previous,
                    fingerprint: state.fingerprint,
                    hub_fingerprint: state.hub_fingerprint,
                    random: host::random::number(),
                })
            }
            Command::ResetStream {
                epoch,
                from_epoch,
                from_sequence,
                from_digest,
            } => {
                let request = StreamReset {
                    company: self.company.clone(),
                    dataset: dataset.name.clone(),
                    epoch,
                    from_epoch,
                    from_sequence,
                    from_digest,
                    fingerprint: dataset.fingerprint(),
                };
                self.hub.reset(&request).map_err(|e| hub(&e))?;
                Ok(Event::StreamReset)
            }
            Command::RebuildIndex { progress } => {
                self.rebuild(work, &progress, observer)?;
                Ok(Event::IndexRebuilt)
            }
            Command::ReadPage(request) => {
                let page = self.read(&work.shape, &request)?;
                for finding in &page.findings {
                    *findings += 1;
                    observer.finding(dataset, finding);
                }
                let documents = page.batch.parents.num_rows() as u64;
                let event = Event::PageRead {
                    documents,
                    last: page.last.clone(),
                    end: page.end,
                };
                work.page = Some(page);
                Ok(event)
            }
            Command::Compare { since } => {
                let page = work.page.take().ok_or_else(|| lost("page"))?;
                let batch = page.batch;
                let keys = dataset.keys(&batch);
                let hashes = dataset.hashes(&batch);
                let known = self.index.look_up(work.stream, &keys).map_err(store)?;
                let rows = changed_rows(&rows_since(dataset, &batch, since), &keys, &hashes, &known);
                let whole = rows.len() == batch.parents.num_rows();
                let kept = if whole {
                    batch
                } else {
                    dataset.take(&batch, &rows).map_err(|_| lost("page"))?
                };
                let entries = rows
                    .iter()
                    .map(|row| (keys[*row as usize].clone(), hashes[*row as usize]))
                    .collect::<Vec<_>>();
                observer.page(dataset, keys.len() as u64, rows.len() as u64);
                work.batch = Some((kept, entries));
                Ok(Event::Compared {
                    changed: rows.len() as u64,
                })
            }
            Command::Send {
                epoch,
                sequence,
                previous,
            } => {
                let (batch, _) = work.batch.as_ref().ok_or_else(|| lost("batch"))?;
                let header = BatchHeader {
                    company: self.company.clone(),
                    dataset: dataset.name.clone(),
                    epoch,
                    sequence,
                    previous,
                    fingerprint: dataset.fingerprint(),
                    removals: Vec::new(),
                    approved: 0,
                };
                let bytes = encode_batch(&header, batch).map_err(|e| Failure::Hub {
                    code: "batch_failed".to_owned(),
                    message: e.to_string(),
                    remedy: "report it: a page does not fit into one message".to_owned(),
                })?;
                let digest = wire::digest(&bytes);
                self.hub.send(bytes).map_err(|e| hub(&e))?;
                Ok(Event::Acknowledged { digest })
            }
            Command::Commit { progress } => {
                // Without a batch the page held nothing new, and only the place moves.
                let entries = work.batch.take().map(|(_, entries)| entries).unwrap_or_default();
                self.index
                    .commit(work.stream, &progress, &entries)
                    .map_err(store)?;
                Ok(Event::Committed)
            }
            Command::Finish(_) => Err(lost("end of the pass")),
        }
    }

    fn read(&mut self, shape: &Shape, request: &PageRequest) -> Result<DocumentPage, Failure> {
        read_documents(&mut self.bridge, shape, request, self.page_limit).map_err(Failure::Read)
    }

    fn rebuild(
        &mut self,
        work: &Work<'_>,
        progress: &Progress,
        observer: &mut dyn Observer,
    ) -> Result<(), Failure> {
        self.index.begin_rebuild(work.stream, progress).map_err(store)?;
        let mut after = None;
        let mut count = 0;
        loop {
            let request = HashRequest {
                company: self.company.clone(),
                dataset: work.dataset.name.clone(),
                after,
                limit: HASH_PAGE,
                recompute: false,
            };
            let page = self.hub.hashes(&request).map_err(|e| hub(&e))?;
            count += page.entries.len() as u64;
            if count > 0 {
                observer.rebuilding(work.dataset, count);
            }
            if page.end {
                return self
                    .index
                    .commit(work.stream, progress, &page.entries)
                    .map_err(store);
            }
            self.index
                .add_rebuilt(work.stream, &page.entries)
                .map_err(store)?;
            after = page.entries.last().map(|(key, _)| key.clone());
        }
    }
}

/// What a pass has in hand.
struct Work<'a> {
    dataset: &'a Dataset,
    shape: Shape,
    stream: Stream,
    page: Option<DocumentPage>,
    batch: Option<(DocumentBatch, Vec<(Key, Hash)>)>,
}

/// Documents of a page: fewer where they are wide.
fn page_documents(dataset: &Dataset) -> usize {
    if dataset.children.is_empty() {
        (PAGE_VALUES / dataset.fields.len().max(1)).clamp(*PAGE_DOCUMENTS.start(), *PAGE_DOCUMENTS.end())
    } else {
        PAGE_DOCUMENTS_WITH_LINES
    }
}

const fn fault_name(command: &Command) -> &'static str {
    match command {
        Command::AskStream => "sync.ask_stream",
        Command::ResetStream { .. } => "sync.reset_stream",
        Command::RebuildIndex { .. } => "sync.rebuild_index",
        Command::ReadPage(_) => "sync.read_page",
        Command::Compare { .. } => "sync.compare",
        Command::Send { .. } => "sync.send",
        Command::Commit { .. } => "sync.commit",
        Command::Finish(_) => "sync.finish",
    }
}

pub(super) fn store(error: StoreError) -> Failure {
    Failure::Store {
        code: error.code().to_owned(),
        message: error.to_string(),
        remedy: error.remedy().to_owned(),
    }
}

pub(super) fn hub(error: &HubError) -> Failure {
    Failure::Hub {
        code: error.code().to_owned(),
        message: error.to_string(),
        remedy: error.remedy().to_owned(),
    }
}

fn lost(what: &str) -> Failure {
    Failure::Store {
        code: "engine_confused".to_owned(),
        message: format!("the {what} to go on with is not there"),
        remedy: "the next pass starts from what was recorded; report it if it repeats".to_owned(),
    }
}
