//! How documents come to a company's writer: the lease, what is open, and new work.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use agent_store::journal::{Accepted, JournalError};
use import::rules::DocumentKind;
use import::{Document, Obstacle, Outcome, Record, Reserved, Source, Verdict};
use jiff::Timestamp;
use model::ImportState;
use values::{ImportId, LeaseEpoch};
use wire::agent::{Accept, Discarded, ImportDocument, Lease, LeaseRequest, OpenImport, OpenRequest};

use super::super::current::{Current, current_of};
use super::super::lanes::Lane;
use super::super::ports::HubError;
use super::super::queued::Queued;
use super::{DISAGREEMENT, MAX_ASIDE, MAX_IMPORTS, Pause, Runner, WORK_LIMIT};
use crate::receipt_files;

/// Why it is not known what is open.
enum Unresolved {
    Hub(HubError),
    Journal(JournalError),
}

impl From<HubError> for Unresolved {
    fn from(error: HubError) -> Self {
        Self::Hub(error)
    }
}

impl From<JournalError> for Unresolved {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl Runner {
    pub(super) fn take_lease(&mut self) {
        let request = LeaseRequest {
            company: self.site.company.clone(),
            time_zone: self.site.time_zone_name.clone(),
            journal: self.journal().store_id().clone(),
        };
        let lease = match self.hub.lease(&request) {
            Ok(Lease { lease, .. }) => self.resolve_open(lease).map(|()| lease),
            Err(error) => Err(Unresolved::Hub(error)),
        };
        match lease {
            Ok(lease) => {
                tracing::info!(company = %self.site.company, %lease, open = self.imports.len(), "this driver is the company's writer");
                self.lease = Some(lease);
                self.hub_pause = Pause::default();
            }
            Err(Unresolved::Journal(error)) => {
                tracing::error!(company = %self.site.company, code = error.code(), %error, remedy = error.remedy(), "imports wait");
                self.pause(Obstacle::JournalFailed, &error);
            }
            Err(Unresolved::Hub(error)) => {
                tracing::warn!(company = %self.site.company, %error, "no lease for imports yet");
                self.pause(Obstacle::HubUnreachable, &error);
            }
        }
    }

    /// Everything open, by the hub's record and by the journal.
    fn resolve_open(&mut self, lease: LeaseEpoch) -> Result<(), Unresolved> {
        let now = self.clock.now();
        self.journal().flush()?;
        let mut open = BTreeSet::new();
        let mut request = OpenRequest {
            company: self.site.company.clone(),
            lease,
            after: None,
        };
        loop {
            let page = self.hub.open(&request)?;
            for import in &page.imports {
                self.journal_open(import, now)?;
                open.insert(import.document.id.clone());
            }
            request.after = page.imports.last().map(|last| last.document.id.clone());
            if page.end || request.after.is_none() {
                break;
            }
        }
        let mut records = self.journal().unsettled(&self.site.company)?;
        // What the hub does not have open any more was ended by another driver, or is
        // handed over again as work: until then nothing of it may be written. An outcome
        // that the hub was never told is told, whatever it believes.
        self.resting = Queued::default();
        records.retain(|record| {
            if record.outcome.is_some() && !record.reported {
                return true;
            }
            let is_open = open.contains(&record.document.id);
            if !is_open {
                tracing::warn!(import = %record.document.id, "the hub does not have this import open; it rests");
                if record.outcome.is_none() {
                    let writes = record.plan.as_ref().map_or(&[][..], |plan| &plan.writes);
                    self.resting.add(writes, &record.done);
                }
            }
            is_open
        });
        let open = records
            .iter()
            .map(|record| self.current_of(record, true))
            .collect();
        self.imports = open;
        let in_doubt = self.journal().in_doubt(&self.site.company)?;
        self.in_doubt = in_doubt
            .into_iter()
            .map(|id| {
                let queued = self.queued_in_doubt(&id);
                (id, queued)
            })
            .collect();
        Ok(())
    }

    /// A reservation that only the hub remembers is journaled as such: what was done under it
    /// is not known.
    fn journal_open(&self, open: &OpenImport, now: Timestamp) -> Result<(), JournalError> {
        let document = document_of(&open.document);
        let mut journal = self.journal();
        journal.accept(&document, now)?;
        let known = journal
            .record(&document.id)?
            .map(|r| r.reservations)
            .unwrap_or_default();
        for reservation in &open.reservations {
            if let Some(known) = known.iter().find(|r| r.identity == reservation.value) {
                if !known.at_hub {
                    let at_hub = Reserved {
                        at_hub: true,
                        ..known.clone()
                    };
                    journal.reserve(&document.id, &at_hub)?;
                }
                continue;
            }
            let reserved = Reserved {
                name: reservation.name.clone(),
                identity: reservation.value.clone(),
                at: reservation.at.parse().unwrap_or(Timestamp::MIN),
                source: Source::Hub,
                at_hub: true,
                verdict: Verdict::Open,
            };
            journal.reserve(&document.id, &reserved)?;
        }
        Ok(())
    }

    pub(super) fn take_work(&mut self, lease: LeaseEpoch, now: Timestamp, longest: Duration) {
        let is_paused = self.company.is_paused();
        let moving = self
            .imports
            .iter()
            .filter(|i| !(is_paused && i.waits_for_pause()));
        // What could go on just now, and does not, waits behind another one.
        let next = moving
            .filter_map(|i| i.import.due_at())
            .filter(|due| *due > now)
            .min();
        let mut wait = longest;
        if let Some(until) = self.no_intake_until {
            let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            if left.is_zero() {
                self.no_intake_until = None;
            } else {
                self.nap(next.map_or(until, |next| next.min(until)), now);
                return;
            }
        }
        // Where there is no room, previews are answered and what was given up is heard.
        let limit = u32::try_from(WORK_LIMIT.min(self.room(now))).unwrap_or(u32::MAX);
        if let Some(next) = next {
            wait = wait.min(Duration::try_from(next.duration_since(now)).unwrap_or_default());
        }
        if self.worker.is_some() {
            wait = wait.min(self.site.idle_release);
        }
        if !wait.is_zero()
            && let Err(error) = self.journal().flush()
        {
            tracing::debug!(%error, "what can wait is not journaled");
        }
        let started = Instant::now();
        let work = self.hub.work(&self.site.company, lease, wait, limit);
        self.spent.add("work", started);
        self.has_more = false;
        match work {
            Ok(work) => {
                self.hub_pause = Pause::default();
                self.has_more = u32::try_from(work.imports.len()).is_ok_and(|taken| taken >= limit.max(1));
                self.take_documents(work.imports.iter().map(document_of).collect());
                if self.lease.is_none() {
                    return;
                }
                for discarded in &work.discarded {
                    self.give_up(discarded, lease);
                }
                self.previews.extend(work.previews);
            }
            Err(HubError::LeaseLost) => self.lose_lease(),
            Err(error) => {
                tracing::debug!(%error, "no work from the hub");
                self.pause(Obstacle::HubUnreachable, &error);
            }
        }
    }

    /// How many more documents may be taken.
    pub(super) fn room(&self, now: Timestamp) -> usize {
        if self.no_intake_until.is_some_and(|until| until > now) {
            return 0;
        }
        let (mut held, mut aside) = (0, 0);
        for current in &self.imports {
            if current.is_aside && !current.waits_for_import_file() {
                aside += 1;
            } else if current.keeps_lane() {
                held += 1;
            }
        }
        let room = MAX_ASIDE.saturating_sub(held + aside);
        room.min(MAX_IMPORTS.saturating_sub(held))
    }

    /// A person has given the document up: the journal says so, too.
    fn give_up(&mut self, discarded: &Discarded, lease: LeaseEpoch) {
        let id = &discarded.import;
        let place = self.imports.iter().position(|current| current.document.id == *id);
        // What the hub was told an end of, although the answer was lost, and what is with a person is
        // under nobody's hands.
        let is_under_work = place
            .is_some_and(|at| !(self.imports[at].has_ended() || self.imports[at].waits_for_import_file()));
        if is_under_work {
            // The hub tells it again, until what is done for it just now is over.
            self.no_intake_until = self.clock.now().checked_add(DISAGREEMENT).ok();
            return;
        }
        if let Err(error) = self.journal_discard(id) {
            tracing::error!(import = %id, code = error.code(), %error, remedy = error.remedy(), "not journaled");
            self.pause(Obstacle::JournalFailed, &error);
            return;
        }
        if let Some(place) = place {
            self.imports.remove(place);
        }
        let accept = Accept {
            lease,
            revision: discarded.revision,
        };
        match self.hub.accept(id, &accept) {
            Ok(()) => self.note_doubt(id, Some(ImportState::Discarded)),
            Err(HubError::LeaseLost) => self.lose_lease(),
            Err(error) => {
                tracing::debug!(import = %id, %error, "the hub tells again that it was given up");
                self.pause(Obstacle::HubUnreachable, &error);
            }
        }
    }

    fn journal_discard(&mut self, id: &ImportId) -> Result<(), JournalError> {
        let now = self.clock.now();
        let mut journal = self.journal();
        let Some(record) = journal.record(id)? else {
            return Ok(());
        };
        let writes = record.plan.as_ref().map_or(&[][..], |plan| &plan.writes);
        let filed: Vec<_> = writes.iter().filter(|write| write.is_filed()).collect();
        let mut outcome = match record.outcome {
            Some(outcome) if outcome.state == ImportState::Written => return Ok(()),
            // What is being written ends first, and is told to the hub.
            None if record.write.is_some() && filed.is_empty() => return Ok(()),
            Some(outcome) => outcome,
            None => Outcome::of_state(ImportState::Discarded),
        };
        outcome.state = ImportState::Discarded;
        journal.settle(id, &outcome)?;
        journal.mark_reported(id, now);
        journal.flush()?;
        drop(journal);
        // Nobody shall import what was given up.
        let is_filed = |r: &&Reserved| filed.iter().any(|write| write.identity_name() == r.name);
        for receipt in record.reservations.iter().filter(is_filed) {
            if let Err(error) = receipt_files::forget(&self.site.settings.payments.writer, &receipt.identity)
            {
                tracing::warn!(import = %id, code = error.code(), %error, remedy = error.remedy(), "the file of a receipt that was given up stays");
            }
        }
        Ok(())
    }

    /// Journals documents, in one commit; each is acknowledged when its turn comes.
    fn take_documents(&mut self, documents: Vec<Document>) {
        if documents.is_empty() {
            return;
        }
        if let Some(document) = documents.iter().find(|document| self.has_unknown_past(document)) {
            tracing::warn!(import = %document.id, "the journal does not know what was done for it: the hub is asked");
            self.asked_after.insert(document.id.clone());
            self.take_back();
            self.lease = None;
            self.imports.clear();
            self.release_session();
            return;
        }
        let now = self.clock.now();
        self.point("import.before_accept_local");
        let started = Instant::now();
        let journaled = self.journal().accept_all(&documents, now);
        self.spent.add("accept_journal", started);
        let accepted = match journaled {
            Ok(accepted) => accepted,
            Err(error) => {
                // Not acknowledged: the hub hands them over again.
                tracing::error!(imports = documents.len(), code = error.code(), %error, remedy = error.remedy(), "not journaled");
                self.pause(Obstacle::JournalFailed, &error);
                return;
            }
        };
        self.point("import.after_accept_local");
        for (document, accepted) in documents.iter().zip(accepted) {
            self.take_document(&document.id, accepted);
        }
    }

    fn take_document(&mut self, id: &ImportId, accepted: Accepted) {
        let record = match self.journal().record(id) {
            Ok(Some(record)) => record,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(import = %id, code = error.code(), %error, remedy = error.remedy(), "it rests");
                return;
            }
        };
        let held = self.imports.iter().position(|current| current.document.id == *id);
        match (held, accepted) {
            (None, _) => {
                let current = self.current_of(&record, accepted == Accepted::Ended);
                self.imports.push(current);
            }
            (Some(place), Accepted::Revised) => self.imports[place] = self.current_of(&record, false),
            (Some(_), Accepted::New | Accepted::Known | Accepted::Ended) => {}
        }
        self.note_doubt(id, record.outcome.map(|outcome| outcome.state));
    }

    fn current_of(&self, record: &Record, is_acknowledged: bool) -> Current {
        let kind = DocumentKind::from_name(record.document.kind.as_str());
        let has_rules = kind.is_some_and(|kind| !self.site.rules.is_empty_for(kind));
        let mut lane = Lane::of(&record.document, has_rules);
        if let Some(plan) = &record.plan {
            lane = lane.of_plan(plan);
        }
        current_of(record, is_acknowledged, lane)
    }

    /// Was it tried before, and this journal did not see it? What was reserved for it comes
    /// with the lease only, and without it it would be entered once more. Asked once: what
    /// has no reservations is not in the lease either.
    fn has_unknown_past(&self, document: &Document) -> bool {
        let is_known = || matches!(self.journal().record(&document.id), Ok(Some(_)) | Err(_));
        document.revision > 1 && !self.asked_after.contains(&document.id) && !is_known()
    }

    /// Beginnings of writes that wait for the hub's word are taken back: nothing was entered
    /// under them, and after a start that could not be told any more.
    pub(super) fn take_back(&mut self) {
        for current in &self.imports {
            let Some(reserved) = current.import.begun_only() else {
                continue;
            };
            let ended = self.journal().end_write(current.id(), &reserved.identity, false);
            if let Err(error) = ended {
                tracing::debug!(import = %current.id(), %error, "it will be looked for in Sage");
            }
        }
    }

    pub(super) fn lose_lease(&mut self) {
        tracing::warn!(company = %self.site.company, "another process became the company's writer");
        self.take_back();
        self.lease = None;
        self.imports.clear();
        self.release_session();
        self.pause(
            Obstacle::HubUnreachable,
            &"another process became the company's writer",
        );
    }
}

fn document_of(document: &ImportDocument) -> Document {
    Document {
        id: document.id.clone(),
        company: document.company.clone(),
        kind: document.kind,
        revision: document.revision,
        body: document.body.clone(),
        decision: document.decision.clone(),
    }
}
