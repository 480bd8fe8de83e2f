//! Carrying out what the engine of a stream asks for.

use std::collections::HashSet;

use agent_store::{Entry, Known, Stream};
use catalog::{DocumentBatch, Removal, RemovalReason};
use jiff::civil::DateTime;
use sync::{
    Command, DocumentPage, Event, Failure, Fill, Progress, RowCode, RowFinding, Shape, Suspect, Verdict,
    changed_rows, confirm, filtered_rows, kept_rows, rows_since, stamp_findings,
};
use values::{Hash, Key, Stamp};
use wire::agent::{HashRequest, StreamReset};
use wire::{BatchHeader, encode_batch};

use super::ahead::Tools;
use super::memory::{Done, Memory};
use super::pass::{CompanyReader, hub, lost, store};
use super::report::Observer;

/// Code of a failure that a smaller page mends.
pub(super) const PAGE_TOO_LARGE: &str = "batch_failed";

/// Keys asked of the hub at once during a rebuild.
const HASH_PAGE: u32 = 20_000;
/// Documents looked for by key at once.
const CONFIRM_KEYS: usize = 200;
/// Removals in one batch.
const REMOVALS: u32 = 2_000;

/// What a turn has in hand.
pub(super) struct Work<'a> {
    pub(super) shape: Shape,
    pub(super) stream: Stream,
    pub(super) memory: &'a mut Memory,
    /// Columns that are meant to be blank or gone.
    pub(super) unwatched: Vec<String>,
    /// Unexplained removals that are approved, as the pass knows.
    pub(super) approved: u64,
    turn: &'a mut Done,
    findings: &'a mut u64,
    /// The Sage server's clock at the beginning.
    now: DateTime,
    /// How full the columns were, as far as that is watched.
    pub(super) fill_before: Option<Fill>,
    page: Option<DocumentPage>,
    hand: Option<InHand>,
    /// Some document was found leaving in this turn.
    pub(super) leavers: bool,
    /// The unseen are being looked for in this turn.
    confirming: bool,
    /// How far the unseen were looked for, and how many.
    asked: (Option<Key>, u64),
}

struct InHand {
    batch: DocumentBatch,
    entries: Vec<Entry>,
    removals: Vec<Removal>,
    /// How full the page's columns are; none where the pass does not count it.
    fill: Option<Fill>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        shape: Shape,
        stream: Stream,
        memory: &'a mut Memory,
        turn: &'a mut Done,
        findings: &'a mut u64,
        now: DateTime,
    ) -> Self {
        Self {
            shape,
            stream,
            memory,
            unwatched: Vec::new(),
            approved: 0,
            turn,
            findings,
            now,
            fill_before: None,
            page: None,
            hand: None,
            leavers: false,
            confirming: false,
            asked: (None, 0),
        }
    }

    fn note(&mut self, finding: &RowFinding, observer: &mut dyn Observer) {
        *self.findings += 1;
        self.memory.note(finding);
        observer.finding(&self.shape.dataset, finding);
    }
}

impl CompanyReader {
    pub(super) fn carry_out(
        &mut self,
        work: &mut Work<'_>,
        command: Command,
        observer: &mut dyn Observer,
    ) -> Result<Event, Failure> {
        match command {
            Command::AskStream => self.ask(work),
            Command::ResetStream {
                epoch,
                from_epoch,
                from_sequence,
                from_digest,
            } => {
                let request = StreamReset {
                    company: self.company.clone(),
                    dataset: work.shape.dataset.name.clone(),
                    epoch,
                    from_epoch,
                    from_sequence,
                    from_digest,
                    fingerprint: work.shape.dataset.fingerprint(),
                };
                self.hub.reset(&request).map_err(|e| hub(&e))?;
                Ok(Event::StreamReset)
            }
            Command::RebuildIndex { progress } => {
                work.memory.forget_seen();
                self.rebuild(work, &progress, observer)?;
                Ok(Event::IndexRebuilt)
            }
            Command::BeginSweep => {
                let bits = self.index.begin_sweep(work.stream).map_err(store)?;
                work.memory.begin_whole(bits, work.now);
                work.leavers = false;
                work.asked = (None, 0);
                let documents = self.index.count(work.stream).map_err(store)?;
                observer.expects(&work.shape.dataset, 0, Some(documents).filter(|n| *n > 0));
                Ok(Event::SweepBegun { documents })
            }
            Command::ForgetLeavers => {
                self.index.forget_leavers(work.stream).map_err(store)?;
                work.leavers = false;
                work.asked = (None, 0);
                Ok(Event::LeaversForgotten)
            }
            Command::ReadPage(request) => {
                let page = self
                    .pages
                    .page(&work.shape, &request, self.page_limit)
                    .map_err(Failure::Read)?;
                let documents = page.batch.parents.num_rows() as u64;
                work.turn.documents += documents;
                let event = Event::PageRead {
                    documents,
                    last: page.last.clone(),
                    end: page.end,
                };
                work.page = Some(page);
                Ok(event)
            }
            Command::Compare {
                since,
                mark,
                filter_leaves,
            } => self.compare(work, since, mark, filter_leaves, observer),
            Command::Send {
                epoch,
                sequence,
                previous,
                approved,
            } => {
                let hand = work.hand.as_ref().ok_or_else(|| lost("batch"))?;
                let header = BatchHeader {
                    company: self.company.clone(),
                    dataset: work.shape.dataset.name.clone(),
                    epoch,
                    sequence,
                    previous,
                    fingerprint: work.shape.dataset.fingerprint(),
                    removals: hand.removals.clone(),
                    approved,
                };
                let bytes = encode_batch(&header, &hand.batch).map_err(|e| Failure::Hub {
                    code: PAGE_TOO_LARGE.to_owned(),
                    message: e.to_string(),
                    remedy: "smaller pages are tried by themselves; report it if it lasts".to_owned(),
                })?;
                let digest = wire::digest(&bytes);
                self.hub.send(bytes).map_err(|e| hub(&e))?;
                Ok(Event::Acknowledged { digest })
            }
            Command::Confirm { .. } => self.confirm(work, observer),
            Command::CountDocuments => Ok(Event::DocumentsCounted {
                documents: self.index.count(work.stream).map_err(store)?,
            }),
            Command::TakeRemovals { with_unexplained } => {
                let removals = self
                    .index
                    .leavers(work.stream, with_unexplained, REMOVALS)
                    .map_err(store)?;
                let unexplained = removals.iter().filter(|r| !r.reason.is_explained()).count();
                let event = Event::RemovalsTaken {
                    count: removals.len() as u64,
                    unexplained: unexplained as u64,
                };
                work.hand = Some(InHand {
                    batch: work.shape.dataset.empty_batch(),
                    entries: Vec::new(),
                    removals,
                    fill: None,
                });
                Ok(event)
            }
            Command::Commit {
                progress,
                acknowledged,
            } => {
                let mut hand = work.hand.take();
                let fill = hand.as_mut().and_then(|hand| hand.fill.take());
                let hand = hand.filter(|_| acknowledged);
                let (entries, removed) = hand.map_or_else(Default::default, |hand| {
                    let removed: Vec<Key> = hand.removals.into_iter().map(|r| r.key).collect();
                    (hand.entries, removed)
                });
                self.index
                    .commit(work.stream, &progress, &entries, &removed)
                    .map_err(store)?;
                if let (Some(all), Some(fill)) = (&mut work.memory.fill, fill) {
                    all.add(&fill);
                }
                work.memory.looked.drop_gone(&removed);
                work.turn.sent += entries.len() as u64;
                work.turn.removed += removed.len() as u64;
                Ok(Event::Committed)
            }
            Command::Finish(_) => Err(lost("end of the pass")),
        }
    }

    fn ask(&self, work: &Work<'_>) -> Result<Event, Failure> {
        let state = self
            .hub
            .state(&self.company, &work.shape.dataset.name)
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

    fn compare(
        &mut self,
        work: &mut Work<'_>,
        since: Option<Stamp>,
        mark: bool,
        filter_leaves: bool,
        observer: &mut dyn Observer,
    ) -> Result<Event, Failure> {
        let page = work.page.take().ok_or_else(|| lost("page"))?;
        let fill = Fill::of(&work.shape, &page);
        let columns = self.watch_columns(work, &fill)?;
        if !columns.is_empty() {
            return Ok(Event::Implausible { columns });
        }
        let (keys, hashes) = (&page.keys, &page.hashes);
        let stamps = stamp_findings(&work.shape.dataset, &page.batch, work.now);
        // Records that the site's filter hides are nobody's business at the hub; that the
        // filter failed on one is.
        let hidden: HashSet<&Key> = keys
            .iter()
            .zip(&page.kept)
            .filter(|(_, kept)| !**kept)
            .map(|(key, _)| key)
            .collect();
        for finding in page.findings.iter().chain(&stamps) {
            if !hidden.contains(&finding.key) || matches!(finding.code, RowCode::StepFailed(_)) {
                work.note(finding, observer);
            }
        }
        let dataset = &work.shape.dataset;
        let known = self.index.look_up(work.stream, keys).map_err(store)?;
        let known_hashes: Vec<Option<Hash>> = known.iter().map(|k| k.map(|k| k.hash)).collect();
        let changed = changed_rows(
            &rows_since(dataset, &page.batch, since),
            keys,
            hashes,
            &known_hashes,
        );
        let rows = kept_rows(&changed, &page.kept);

        let filtered = if filter_leaves {
            let left = filtered_rows(&page.kept, &known_hashes);
            let left: Vec<Removal> = left
                .iter()
                .filter_map(|row| keys.get(*row as usize))
                .map(|key| Removal {
                    key: key.clone(),
                    reason: RemovalReason::Filtered,
                })
                .collect();
            if !left.is_empty() {
                self.index.add_leavers(work.stream, &left).map_err(store)?;
                work.leavers = true;
            }
            left.len() as u64
        } else {
            0
        };
        self.seen(work, &page, &known, mark)?;

        let whole = rows.len() == page.batch.parents.num_rows();
        let entries = rows
            .iter()
            .map(|row| *row as usize)
            .filter_map(|row| {
                Some(Entry {
                    key: keys.get(row)?.clone(),
                    hash: *hashes.get(row)?,
                    may_leave: page.leaving.get(row).copied().unwrap_or(false),
                })
            })
            .collect();
        let kept = page.kept.iter().filter(|kept| **kept).count() as u64;
        let batch = if whole {
            page.batch
        } else {
            work.shape
                .dataset
                .take(&page.batch, &rows)
                .map_err(|_| lost("page"))?
        };
        observer.page(&work.shape.dataset, keys.len() as u64, rows.len() as u64);
        work.hand = Some(InHand {
            batch,
            entries,
            removals: Vec::new(),
            // A delta reads rows that are read again.
            fill: since.is_none().then_some(fill),
        });
        Ok(Event::Compared {
            changed: rows.len() as u64,
            filtered,
            kept,
        })
    }

    /// Documents that were read and let through: they are seen, they do not leave, and their
    /// flags are those of now.
    fn seen(
        &mut self,
        work: &mut Work<'_>,
        page: &DocumentPage,
        known: &[Option<Known>],
        mark: bool,
    ) -> Result<(), Failure> {
        let mut flags = Vec::new();
        let mut stay = Vec::new();
        let keys = &page.keys;
        let rows = keys.iter().zip(known).zip(page.kept.iter().zip(&page.leaving));
        for ((key, known), (kept, leaving)) in rows {
            let Some(known) = known.as_ref().filter(|_| *kept) else {
                continue;
            };
            if mark && let Some(bits) = &mut work.memory.bits {
                bits.mark(known);
            }
            if known.may_leave != *leaving {
                flags.push((key.clone(), *leaving));
            }
            if work.leavers {
                stay.push(key.clone());
            }
        }
        let there = keys.iter().zip(&page.kept).filter(|(_, kept)| **kept);
        work.memory.looked.drop_gone(there.map(|(key, _)| key));
        if !flags.is_empty() {
            self.index.set_may_leave(work.stream, &flags).map_err(store)?;
        }
        if !stay.is_empty() {
            self.index.drop_leavers(work.stream, &stay).map_err(store)?;
        }
        Ok(())
    }

    /// Looks for the next documents that were not seen; for all of them where a person wants
    /// to know.
    fn confirm(&mut self, work: &mut Work<'_>, observer: &mut dyn Observer) -> Result<Event, Failure> {
        let (mut explained, mut unexplained) = (0, 0);
        let mut count = |gone: &[Removal]| {
            let with_reason = gone.iter().filter(|r| r.reason.is_explained()).count() as u64;
            explained += with_reason;
            unexplained += gone.len() as u64 - with_reason;
            (explained, unexplained)
        };
        if !std::mem::replace(&mut work.confirming, true) {
            // Whom earlier turns found was forgotten when this one began.
            let looked = &work.memory.looked;
            work.asked = looked.asked.clone();
            count(&looked.gone);
            if !looked.gone.is_empty() {
                self.index.add_leavers(work.stream, &looked.gone).map_err(store)?;
                work.leavers = true;
            }
        }
        loop {
            let (gone, left) = self.confirm_page(work, observer)?;
            let (explained, unexplained) = count(&gone);
            work.memory.looked.asked = work.asked.clone();
            work.memory.looked.gone.extend(gone);
            observer.confirming(&work.shape.dataset, left);
            if left == 0 || !self.confirms_all {
                return Ok(Event::Confirmed {
                    explained,
                    unexplained,
                    left,
                    end: left == 0,
                });
            }
        }
    }

    /// Those of a page that are gone, and how many (about) are still to be looked for.
    fn confirm_page(
        &mut self,
        work: &mut Work<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(Vec<Removal>, u64), Failure> {
        let bits = work.memory.bits.as_ref().ok_or_else(|| lost("seen bits"))?;
        let page = self
            .index
            .unseen(work.stream, bits, work.asked.0.as_ref(), CONFIRM_KEYS)
            .map_err(store)?;
        let unseen = bits.unseen();
        let suspects: Vec<Suspect> = page
            .suspects
            .into_iter()
            .map(|(key, may_leave)| Suspect { key, may_leave })
            .collect();
        let verdicts = if suspects.is_empty() {
            Vec::new()
        } else {
            let Tools { bridge, joins } = self.pages.tools();
            confirm(bridge, &work.shape, &suspects, joins, self.page_limit).map_err(Failure::Read)?
        };
        work.asked.1 += suspects.len() as u64;
        if page.last.is_some() {
            work.asked.0 = page.last;
        }
        let mut gone = Vec::new();
        for (Suspect { key, .. }, verdict) in suspects.into_iter().zip(verdicts) {
            let code = match verdict {
                Verdict::Gone(reason) => {
                    gone.push(Removal { key, reason });
                    continue;
                }
                Verdict::Hidden => continue,
                // A change meanwhile hides no row from a scan by key.
                Verdict::There => RowCode::MissedByScan,
                Verdict::Unwritable => RowCode::KeyUnwritable,
            };
            let column = String::new();
            work.note(&RowFinding { key, column, code }, observer);
        }
        if !gone.is_empty() {
            self.index.add_leavers(work.stream, &gone).map_err(store)?;
            work.leavers = true;
        }
        let left = if page.end {
            0
        } else {
            unseen.saturating_sub(work.asked.1).max(1)
        };
        Ok((gone, left))
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
                dataset: work.shape.dataset.name.clone(),
                after,
                limit: HASH_PAGE,
                recompute: false,
            };
            let page = self.hub.hashes(&request).map_err(|e| hub(&e))?;
            count += page.entries.len() as u64;
            if count > 0 {
                observer.rebuilding(&work.shape.dataset, count);
            }
            after = page.entries.last().map(|(key, _)| key.clone());
            // The next reading says which of them may leave.
            let entries: Vec<Entry> = page
                .entries
                .into_iter()
                .map(|(key, hash)| Entry {
                    key,
                    hash,
                    may_leave: false,
                })
                .collect();
            if page.end {
                return self
                    .index
                    .commit(work.stream, progress, &entries, &[])
                    .map_err(store);
            }
            self.index.add_rebuilt(work.stream, &entries).map_err(store)?;
        }
    }
}
