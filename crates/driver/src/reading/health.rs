//! How a dataset fares, for people: kept as a note beside its stream.

use agent_store::{Index, StoreError, Stream};
use catalog::Dataset;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sync::{Failure, Held, Outcome, Progress, Scan};
use wire::status::{
    DatasetState, DatasetStatus, FindingSummary, HeldSummary, PassProgress, PassSummary, Problem,
};

use super::memory::Done;
use super::pass::HEALTH_NOTE;
use super::report::{PassEnd, PassReport};
use crate::times::with_offset;

/// What is known of a dataset beside its progress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Health {
    /// The last complete pass of each kind.
    passes: Vec<PassSummary>,
    /// When the last complete pass began.
    followed_since: Option<Timestamp>,
    /// What was odd in the data and in the tables.
    pub(super) findings: Vec<FindingSummary>,
    problem: Option<Problem>,
    is_absent: bool,
    /// What the whole pass under way did in this process.
    under_way: Option<(u64, u64)>,
    next_run: Option<Timestamp>,
}

/// Where a dataset stands. The lag is counted up to now; `zone` is the Sage server's.
///
/// # Errors
/// [`StoreError`].
pub fn dataset_status(
    index: &Index,
    company: &str,
    dataset: &Dataset,
    zone: &TimeZone,
) -> Result<DatasetStatus, StoreError> {
    let found = index.look(company, dataset.name.as_str())?;
    let documents = found.as_ref().map_or(Ok(0), |(stream, _)| index.count(*stream))?;
    let health = found
        .as_ref()
        .map(|(stream, _)| Health::read(index, *stream))
        .unwrap_or_default();
    let progress = found.as_ref().map(|(_, progress)| progress);
    Ok(health.status(dataset, progress, documents, zone))
}

impl Health {
    /// The note beside the stream; one that cannot be read is none.
    pub(super) fn read(index: &Index, stream: Stream) -> Self {
        let text = index.note(stream, HEALTH_NOTE).ok().flatten();
        text.and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    /// A turn is over.
    pub(super) fn note(&mut self, report: &PassReport, now: Timestamp, next_run: Option<Timestamp>) {
        self.next_run = next_run;
        self.is_absent = false;
        self.problem = None;
        match &report.end {
            PassEnd::Done(Outcome::Complete { kind, .. }) => {
                let began = jiff::SignedDuration::try_from(report.pass.took)
                    .ok()
                    .and_then(|took| now.checked_sub(took).ok());
                self.followed_since = began.max(self.followed_since);
                if kind.is_whole() {
                    self.under_way = None;
                }
                let summary = PassSummary {
                    kind: kind.as_str().to_owned(),
                    at: now.to_string(),
                    documents: report.pass.documents,
                    sent: report.pass.sent,
                    removed: report.pass.removed,
                    took_ms: millis(report.pass),
                };
                self.passes.retain(|pass| pass.kind != summary.kind);
                self.passes.push(summary);
            }
            PassEnd::Done(Outcome::Failed(failure)) => self.problem = Some(problem(failure)),
            PassEnd::Done(Outcome::ShapesDiffer { .. }) => {
                self.problem = Some(Problem {
                    code: "fingerprint_mismatch".to_owned(),
                    message: "driver and hub know different shapes of the dataset".to_owned(),
                    remedy: "update the older of the two".to_owned(),
                });
            }
            PassEnd::Done(Outcome::Held(_)) => {}
            PassEnd::Yielded { kind } if !kind.is_whole() => {}
            PassEnd::Yielded { .. } => {
                self.under_way = Some((report.pass.documents, millis(report.pass)));
            }
            PassEnd::Absent { .. } => self.is_absent = true,
        }
    }

    fn status(
        &self,
        dataset: &Dataset,
        progress: Option<&Progress>,
        documents: u64,
        zone: &TimeZone,
    ) -> DatasetStatus {
        let held = progress.and_then(|p| p.held.as_ref());
        let scan = progress.and_then(|p| p.scan.as_ref());
        let state = if self.is_absent {
            DatasetState::Absent
        } else if held.is_some() {
            DatasetState::Held
        } else if self.problem.is_some() {
            DatasetState::Failing
        } else if progress.is_some_and(|p| p.loaded) {
            DatasetState::Synced
        } else if scan.is_some() {
            DatasetState::Loading
        } else {
            DatasetState::Never
        };
        let now = host::clock::now();
        let lag = self.followed_since.map(|at| now.duration_since(at).as_secs());
        DatasetStatus {
            dataset: dataset.name.clone(),
            state,
            documents,
            passes: self.passes.clone(),
            progress: scan.map(|scan| self.pace(scan)),
            lag_s: lag.map(|s| u64::try_from(s).unwrap_or(0)),
            watermark: progress
                .and_then(|p| p.watermark)
                .filter(|_| dataset.stamped)
                .map(|w| with_offset(zone, w.civil())),
            next_run_at: self.next_run.map(|at| at.to_string()),
            findings: self.findings.clone(),
            held: held.map(|held| held_summary(held, zone)),
            problem: self.problem.clone(),
        }
    }

    fn pace(&self, scan: &Scan) -> PassProgress {
        let (documents, millis) = self.under_way.unwrap_or_default();
        let rate = documents.saturating_mul(1000).checked_div(millis).unwrap_or(0);
        let expected = Some(scan.known).filter(|known| *known >= scan.documents && *known > 0);
        let left = expected.map(|expected| expected - scan.documents);
        PassProgress {
            documents: scan.documents,
            expected,
            documents_per_s: rate,
            remaining_s: left.and_then(|left| left.checked_div(rate)),
        }
    }
}

fn millis(done: Done) -> u64 {
    u64::try_from(done.took.as_millis()).unwrap_or(u64::MAX)
}

fn held_summary(held: &Held, zone: &TimeZone) -> HeldSummary {
    HeldSummary {
        reason: held.reason.code().to_owned(),
        message: held_words(held),
        unexplained: held.unexplained,
        documents: held.documents,
        since: with_offset(zone, held.since),
    }
}

/// What is held, in words.
pub(crate) fn held_words(held: &Held) -> String {
    let what = match &held.reason {
        sync::HeldReason::Deletes => format!(
            "{} of {} records would leave without explanation, more than a day allows",
            held.unexplained, held.documents
        ),
        sync::HeldReason::Emptied => format!("all {} records would leave", held.documents),
        sync::HeldReason::Columns(columns) => {
            let what = sync::Fill::words(columns);
            format!("{what} went blank in most rows, or vanished")
        }
    };
    format!("{what}; {}", held.remedy())
}

fn problem(failure: &Failure) -> Problem {
    let (code, message, remedy) = match failure {
        Failure::Read(error) => (
            error.code.as_str().to_owned(),
            error.to_string(),
            error.remedy().to_owned(),
        ),
        Failure::Hub {
            code,
            message,
            remedy,
        }
        | Failure::Store {
            code,
            message,
            remedy,
        } => (code.clone(), message.clone(), remedy.clone()),
    };
    Problem {
        code,
        message,
        remedy,
    }
}
