//! One turn over one dataset: a whole pass, or a slice of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use agent_store::{Index, StoreError};
use catalog::{Dataset, Temperament};
use jiff::Timestamp;
use sage::{ReadError, ReadErrorCode, Reader};
use sync::{
    Command, Engine, Event, Failure, Outcome, PageRequest, PassKind, Progress, Settings, Shape, ShapeProblem,
};
use values::{CompanyId, Date};

use super::ahead::PageReader;
use super::carry::{PAGE_TOO_LARGE, Work};
use super::health::Health;
use super::memory::{DeltaPlace, Done, Memory};
use super::report::{Observer, PassEnd, PassReport, SetupError};
use crate::config::{Approvals, Company, Config, SiteDataset};
use crate::pause::{CompanyPause, Handle};
use crate::reading::{HubError, StreamHub};

/// After this time the columns are looked at again, when no whole pass is under way: a new
/// column, or another width, is seen without a restart.
const SHAPE_AGE: Duration = Duration::from_secs(600);

/// Why nothing more is read where a pass cannot stop and go on: it begins anew afterwards.
const PAUSED: &str = "the company was paused meanwhile";

/// Names of the notes beside a stream.
const COLUMNS_NOTE: &str = "columns";
pub(super) const FILL_NOTE: &str = "fill";
pub(super) const HEALTH_NOTE: &str = "health";

/// Reads one company.
#[derive(Debug)]
pub struct CompanyReader {
    pub(super) company: CompanyId,
    code: String,
    pub(super) state_dir: PathBuf,
    pub(super) pages: PageReader,
    pub(super) index: Index,
    pub(super) hub: StreamHub,
    zone: jiff::tz::TimeZone,
    overlap_s: u32,
    pub(super) page_limit: Duration,
    pub(super) confirms_all: bool,
    pause: CompanyPause,
    memories: HashMap<String, Memory>,
}

impl CompanyReader {
    /// Connects to the company and opens the index. A pass stops at the next place where it
    /// can go on later when `pause` says so.
    ///
    /// # Errors
    /// [`SetupError`]: what answers is no Sage company, or the index cannot be opened.
    pub fn open(
        config: &Config,
        company: &Company,
        bridge: &Path,
        hub: StreamHub,
        pause: CompanyPause,
    ) -> Result<Self, SetupError> {
        let slot = pause.slot(Handle::ReadBridge);
        let mut pages = PageReader::new(bridge.to_owned(), company.read_source()?, slot);
        pages.tools().bridge.probe()?;
        Ok(Self {
            company: company.id.clone(),
            code: company.code.clone(),
            state_dir: config.state_dir.clone(),
            pages,
            index: Index::open(&config.state_dir.join("index.db"))?,
            hub,
            zone: config.time_zone.clone(),
            overlap_s: config.sync.overlap_s,
            page_limit: Duration::from_secs(config.sync.page_limit_s),
            confirms_all: false,
            pause,
            memories: HashMap::new(),
        })
    }

    /// Gives back every handle on the ERP; the next pass takes them again, and goes on where
    /// the last one stopped.
    pub fn close(&mut self) {
        self.pages.forget();
        self.pages.tools().bridge.close();
    }

    /// From now on every document that is not seen is looked for, also when it is clear that
    /// too many are gone: a person wants to see which.
    pub const fn confirm_all(&mut self) {
        self.confirms_all = true;
    }

    /// The reader, for keyed reads between passes.
    pub fn reader(&mut self) -> &mut dyn Reader {
        &mut self.pages.tools().bridge
    }

    /// The index.
    pub const fn index(&mut self) -> &mut Index {
        &mut self.index
    }

    /// The kind of pass that a dataset's temperament asks for.
    #[must_use]
    pub const fn usual_pass(dataset: &Dataset) -> PassKind {
        match dataset.temperament {
            Temperament::Hot => PassKind::Sweep,
            Temperament::Master | Temperament::History if dataset.stamped => PassKind::Delta,
            Temperament::Master | Temperament::History => PassKind::Sweep,
        }
    }

    /// The Sage server's time zone.
    #[must_use]
    pub const fn zone(&self) -> &jiff::tz::TimeZone {
        &self.zone
    }

    /// The Sage server's clock.
    pub(super) fn civil_now(&self) -> jiff::civil::DateTime {
        self.zone.to_datetime(host::clock::now())
    }

    /// The date on the Sage server.
    #[must_use]
    pub fn today(&self) -> Date {
        self.civil_now().date()
    }

    /// Where the stream stands, when it was ever begun.
    ///
    /// # Errors
    /// [`Failure`] of the driver's store.
    pub fn progress(&self, dataset: &Dataset) -> Result<Option<Progress>, Failure> {
        let found = self
            .index
            .look(self.company.as_str(), dataset.name.as_str())
            .map_err(store)?;
        Ok(found.map(|(_, progress)| progress))
    }

    /// How long ago the last pass began that looked for what had left; none when it is not
    /// known, or a whole pass is under way.
    #[must_use]
    pub fn since_sweep(&self, dataset: &Dataset) -> Option<Duration> {
        let progress = self.progress(dataset).ok().flatten()?;
        let at = progress.swept_at.filter(|_| progress.scan.is_none())?;
        Duration::try_from(self.civil_now().duration_since(at)).ok()
    }

    /// The dataset as this site has it; none when a table is absent that not every site
    /// has. Asked once in ten minutes.
    ///
    /// # Errors
    /// [`Failure`] when the tables cannot be looked at or the dataset cannot be read.
    pub fn shape(
        &mut self,
        site: &SiteDataset,
        observer: &mut dyn Observer,
    ) -> Result<Result<Shape, String>, Failure> {
        let mut memory = self.take_memory(&site.dataset);
        let shape = self.fitted(site, &mut memory, observer);
        self.keep_memory(&site.dataset, memory);
        shape
    }

    fn take_memory(&mut self, dataset: &Dataset) -> Memory {
        self.memories.remove(dataset.name.as_str()).unwrap_or_default()
    }

    fn keep_memory(&mut self, dataset: &Dataset, memory: Memory) {
        self.memories.insert(dataset.name.to_string(), memory);
    }

    fn fitted(
        &mut self,
        site: &SiteDataset,
        memory: &mut Memory,
        observer: &mut dyn Observer,
    ) -> Result<Result<Shape, String>, Failure> {
        if let Some((shape, at)) = &memory.shape
            && (at.elapsed() < SHAPE_AGE || memory.bits.is_some())
        {
            return Ok(Ok(shape.clone()));
        }
        let dataset = &site.dataset;
        let (stream, _) = self
            .index
            .stream(self.company.as_str(), dataset.name.as_str())
            .map_err(store)?;
        let remembered = self.index.note(stream, COLUMNS_NOTE).map_err(store)?;
        // A note that cannot be read is none: nothing but a finding rests on it.
        let remembered = remembered.and_then(|text| serde_json::from_str(&text).ok());
        let bridge = &mut self.pages.tools().bridge;
        let fitted = Shape::fit(
            dataset,
            &site.adaptation,
            &self.code,
            &remembered.unwrap_or_default(),
            |table| bridge.columns(table),
        )
        .map_err(Failure::Read)?;
        match fitted {
            Ok((shape, problems)) => {
                problems
                    .iter()
                    .for_each(|problem| observer.shape(dataset, problem));
                memory.shape_findings = problems.iter().map(shape_finding).collect();
                memory.shape = Some((shape.clone(), Instant::now()));
                Ok(Ok(shape))
            }
            Err(ShapeProblem::TableAbsent { table }) => Ok(Err(table)),
            Err(problem) => {
                observer.shape(dataset, &problem);
                Err(Failure::Store {
                    code: problem.code().to_owned(),
                    message: problem.to_string(),
                    remedy: problem.remedy(),
                })
            }
        }
    }

    /// Makes a pass, or a slice of it: a whole pass that takes longer than the slice stops
    /// after a commit, or between two looks for what it did not see. Its place is durable;
    /// what it has seen stays in memory. A pause ends a slice early. A delta stops between two pages, and goes on at the
    /// next turn, whatever is wanted then; its place is in memory alone.
    ///
    /// Without a slice a person waits: a column that is held is looked at whatever the hour.
    pub fn run_pass(
        &mut self,
        site: &SiteDataset,
        kind: PassKind,
        slice: Option<Duration>,
        observer: &mut dyn Observer,
    ) -> PassReport {
        let started = Instant::now();
        let mut memory = self.take_memory(&site.dataset);
        let mut turn = Done::default();
        let mut findings = 0;
        let end = self
            .try_pass(site, &mut memory, kind, slice, observer, &mut turn, &mut findings)
            .unwrap_or_else(|failure| PassEnd::Done(Outcome::Failed(failure)));
        if let Err(failure) = self.keep_counted(&site.dataset, &memory) {
            // The counts of an earlier pass stay in use.
            tracing::debug!(dataset = %site.dataset.name, ?failure, "how full the columns are is not noted");
        }
        turn.took = started.elapsed();
        let mut pass = turn;
        match &end {
            PassEnd::Yielded {
                kind: PassKind::Delta,
            } => {
                memory.delta_so_far.add(turn);
                pass = memory.delta_so_far;
            }
            PassEnd::Yielded {
                kind: PassKind::Initial | PassKind::Sweep,
            } => {
                memory.so_far.add(turn);
                pass = memory.so_far;
            }
            PassEnd::Done(Outcome::Complete { kind, .. }) if kind.is_whole() => {
                pass.add(memory.so_far);
                memory.end_whole();
            }
            PassEnd::Done(Outcome::Complete { .. }) => pass.add(memory.delta_so_far),
            // The table may have changed its shape; it is looked at again.
            PassEnd::Done(Outcome::Failed(Failure::Read(_)) | Outcome::Held(_)) => memory.shape = None,
            PassEnd::Done(Outcome::Failed(Failure::Hub { code, .. })) if code == PAGE_TOO_LARGE => {
                let documents = memory.page_documents(&site.dataset) / 2;
                memory.page_documents = Some(documents.max(1));
            }
            PassEnd::Done(Outcome::Failed(_) | Outcome::ShapesDiffer { .. }) | PassEnd::Absent { .. } => {}
        }
        self.keep_memory(&site.dataset, memory);
        // Whoever reads next reads what is there then.
        self.pages.forget();
        PassReport {
            end,
            turn,
            pass,
            findings,
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the counts are wanted also when it fails"
    )]
    fn try_pass(
        &mut self,
        site: &SiteDataset,
        memory: &mut Memory,
        kind: PassKind,
        slice: Option<Duration>,
        observer: &mut dyn Observer,
        turn: &mut Done,
        findings: &mut u64,
    ) -> Result<PassEnd, Failure> {
        let until = slice.map(|slice| Instant::now() + slice);
        self.pages.begin();
        let shape = match self.fitted(site, memory, observer)? {
            Ok(shape) => shape,
            Err(table) => return Ok(PassEnd::Absent { table }),
        };
        let (stream, progress) = self
            .index
            .stream(self.company.as_str(), shape.dataset.name.as_str())
            .map_err(store)?;
        memory.keep_seen_of(progress.scan.as_ref().map(|scan| scan.started));
        self.take_up_counted(stream, progress.scan.as_ref(), memory)?;
        let approvals = self.approvals()?;
        let (company, name) = (self.company.to_string(), shape.dataset.name.to_string());
        let fingerprint = site.adaptation.fingerprint();
        let now = host::clock::now();
        let unwatched = approvals.columns(&company, &name, fingerprint, now);
        let approved = approvals.allowed(&company, &name, fingerprint, now);
        // What a person has approved applies now, not with the next sweep that is due.
        let is_waiting = progress.held.is_some() && approvals.is_waiting(&company, &name, fingerprint, now);
        let kind = if is_waiting { PassKind::Sweep } else { kind };
        let settings = Settings {
            fingerprint: shape.dataset.fingerprint(),
            site: shape.site(),
            overlap_s: self.overlap_s,
            page_documents: memory.page_documents(&shape.dataset),
            history: shape.dataset.temperament == Temperament::History,
        };
        let civil = self.civil_now();
        let place = memory.delta.take();
        let place = place.filter(|place| (&place.recorded, place.settings) == (&progress, settings));
        let leavers = place.as_ref().is_some_and(|place| place.leavers);
        let (mut engine, mut command) = if let Some(place) = place {
            (place.engine, place.command)
        } else {
            let column_answered = match &progress.held {
                Some(held) => {
                    let in_hours = site.pace.sweep_hours.is_none_or(|h| h.contains(civil.time()));
                    let rest = Duration::from_secs(site.pace.sweep_interval_s);
                    let may_look = slice.is_none()
                        || in_hours && memory.column_looked_at.is_none_or(|at| at.elapsed() >= rest);
                    self.is_answered(held, &shape, stream, memory, &unwatched, may_look)?
                }
                None => true,
            };
            let at_hand = sync::AtHand {
                seen_bits: memory.bits.is_some(),
                approved,
                column_answered,
            };
            memory.delta_so_far = Done::default();
            let mut engine = Engine::new(progress, settings);
            let command = engine.begin(kind, civil, at_hand);
            (engine, command)
        };
        let mut work = Work::new(shape, stream, memory, turn, findings, civil);
        work.unwatched = unwatched;
        work.approved = approved;
        work.leavers = leavers;
        if let Some(scan) = &engine.progress().scan {
            observer.expects(&site.dataset, scan.documents, Some(scan.known).filter(|n| *n > 0));
        }
        // Since when a page is in hand, and how long the last one was.
        let (mut in_hand, mut was_in_hand) = (Instant::now(), Duration::ZERO);
        loop {
            host::fault::point(fault_name(&command));
            if let Command::Finish(outcome) = command {
                self.finished(site, &work, &outcome)?;
                return Ok(PassEnd::Done(outcome));
            }
            let reads = matches!(command, Command::ReadPage(_) | Command::Confirm { .. });
            let event = if reads && self.pause.is_paused() {
                Err(Failure::Read(ReadError::new(ReadErrorCode::BridgeLost, PAUSED)))
            } else {
                self.carry_out(&mut work, command, observer)
            };
            let event = event.unwrap_or_else(Event::Failed);
            let committed = event == Event::Committed;
            let confirmed = matches!(event, Event::Confirmed { .. });
            command = engine.handle(event);
            let now = Instant::now();
            if matches!(command, Command::Compare { .. }) {
                in_hand = now;
                // Of a page behind the end of the slice nothing would come.
                let is_last = until.is_some_and(|until| now + was_in_hand >= until);
                if let Some(request) = engine
                    .page_ahead()
                    .filter(|_| !is_last && !self.pause.is_paused())
                {
                    self.pages.read_ahead(&work.shape, request, self.page_limit);
                }
            } else if matches!(command, Command::ReadPage(_)) {
                was_in_hand = now - in_hand;
            }
            let is_over = until.is_some_and(|until| now >= until);
            if !is_over && !self.pause.is_paused() {
                continue;
            }
            if matches!(command, Command::ReadPage(PageRequest { since: Some(_), .. })) {
                let name = work.shape.dataset.name.as_str();
                let found = self.index.stream(self.company.as_str(), name);
                work.memory.delta = Some(DeltaPlace {
                    engine,
                    command,
                    settings,
                    recorded: found.map_err(store)?.1,
                    leavers: work.leavers,
                });
                let kind = PassKind::Delta;
                return Ok(PassEnd::Yielded { kind });
            }
            let reads_on = committed && matches!(command, Command::ReadPage(_));
            let looks_on = (committed || confirmed) && matches!(command, Command::Confirm { .. });
            if !(reads_on || looks_on) {
                continue;
            }
            let kind = if engine.progress().loaded {
                PassKind::Sweep
            } else {
                PassKind::Initial
            };
            return Ok(PassEnd::Yielded { kind });
        }
    }

    fn approvals(&self) -> Result<Approvals, Failure> {
        Approvals::load(&self.state_dir).map_err(|error| Failure::Store {
            code: error.code().to_owned(),
            message: error.to_string(),
            remedy: error.remedy(),
        })
    }

    /// What is noted after a complete pass: the columns, how full they are, and that an
    /// approval was used.
    fn finished(&mut self, site: &SiteDataset, work: &Work<'_>, outcome: &Outcome) -> Result<(), Failure> {
        let Outcome::Complete { kind, swept, .. } = outcome else {
            return Ok(());
        };
        self.note_json(work, COLUMNS_NOTE, &work.shape.remember())?;
        if !kind.is_whole() {
            return Ok(());
        }
        if let Some(fill) = &work.memory.fill {
            self.note_json(work, FILL_NOTE, fill)?;
        }
        if *swept {
            self.settle_approvals(site, work)?;
        }
        Ok(())
    }

    /// An approval is good for one pass; what it did not need is gone. One that was given
    /// during the pass waits for the next.
    fn settle_approvals(&self, site: &SiteDataset, work: &Work<'_>) -> Result<(), Failure> {
        let mut approvals = self.approvals()?;
        let (company, name) = (self.company.as_str(), site.dataset.name.as_str());
        let (fingerprint, now) = (site.adaptation.fingerprint(), host::clock::now());
        if approvals.allowed(company, name, fingerprint, now) != work.approved {
            return Ok(());
        }
        let progress = self.index.look(company, name).map_err(store)?;
        let taken = progress.map_or(0, |(_, progress)| progress.removed_lately(self.civil_now()));
        if approvals.settle(company, name, fingerprint, taken, now)
            && let Err(error) = approvals.save(&self.state_dir)
        {
            tracing::warn!(code = error.code(), "{error}");
        }
        Ok(())
    }

    fn note_json(
        &mut self,
        work: &Work<'_>,
        name: &str,
        value: &impl serde::Serialize,
    ) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|_| lost(name))?;
        if self.index.note(work.stream, name).map_err(store)?.as_deref() == Some(&text) {
            return Ok(());
        }
        self.index.set_note(work.stream, name, &text).map_err(store)
    }

    /// Records how the turn went, for `status`.
    ///
    /// # Errors
    /// [`Failure`] of the driver's store.
    pub fn record(
        &mut self,
        dataset: &Dataset,
        report: &PassReport,
        next_run: Option<Timestamp>,
    ) -> Result<(), Failure> {
        let (stream, _) = self
            .index
            .stream(self.company.as_str(), dataset.name.as_str())
            .map_err(store)?;
        let mut health = Health::read(&self.index, stream);
        health.note(report, host::clock::now(), next_run);
        if let Some(memory) = self.memories.get(dataset.name.as_str()) {
            health.findings = memory.shape_findings.clone();
            health.findings.extend(memory.findings.summaries());
        }
        let text = serde_json::to_string(&health).map_err(|_| lost("health"))?;
        self.index.set_note(stream, HEALTH_NOTE, &text).map_err(store)
    }
}

fn shape_finding(problem: &ShapeProblem) -> wire::status::FindingSummary {
    wire::status::FindingSummary {
        code: problem.code().to_owned(),
        column: problem.to_string(),
        count: 1,
        keys: Vec::new(),
    }
}

const fn fault_name(command: &Command) -> &'static str {
    match command {
        Command::AskStream => "sync.ask_stream",
        Command::ResetStream { .. } => "sync.reset_stream",
        Command::RebuildIndex { .. } => "sync.rebuild_index",
        Command::BeginSweep => "sync.begin_sweep",
        Command::ForgetLeavers => "sync.forget_leavers",
        Command::ReadPage(_) => "sync.read_page",
        Command::Compare { .. } => "sync.compare",
        Command::Send { .. } => "sync.send",
        Command::Confirm { .. } => "sync.confirm",
        Command::CountDocuments => "sync.count_documents",
        Command::TakeRemovals { .. } => "sync.take_removals",
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

pub(super) fn lost(what: &str) -> Failure {
    Failure::Store {
        code: "engine_confused".to_owned(),
        message: format!("the {what} to go on with is not there"),
        remedy: "the next pass starts from what was recorded; report it if it repeats".to_owned(),
    }
}
