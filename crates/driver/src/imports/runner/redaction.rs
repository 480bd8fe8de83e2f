//! Forgetting what ended documents say of people, so long after their end as the site says.

use std::time::Duration;

use jiff::Timestamp;
use values::ImportId;

use super::{Runner, is_older};
use crate::receipt_files;

/// Between two rounds, when the last one forgot everything that was due.
const EVERY: Duration = Duration::from_secs(3600);

/// How much is forgotten at once.
pub(super) struct Portion {
    /// Documents in one commit: work comes between two of them.
    documents: u32,
    /// Between two commits, as long as there are more.
    rest: Duration,
}

/// When nothing is to be entered.
pub(super) const IDLE: Portion = Portion {
    documents: 200,
    rest: Duration::ZERO,
};

/// Beside work that never ends: three documents a second are more than a company sends, and one
/// small commit in ten seconds holds nothing up.
pub(super) const UNDER_LOAD: Portion = Portion {
    documents: 30,
    rest: Duration::from_secs(10),
};

impl Runner {
    /// Forgets what is due. Files that were handed over go first: as long as one cannot be
    /// removed, its document is kept, and tried again later.
    pub(super) fn redact(&mut self, now: Timestamp, portion: Portion) {
        let is_early = |(at, has_more): (Timestamp, bool)| {
            let between = if has_more { portion.rest } else { EVERY };
            !is_older(at, now, between)
        };
        if self.redacted.is_some_and(is_early) {
            return;
        }
        self.redacted = Some((now, false));
        let before = now.checked_sub(self.site.redact_after).unwrap_or(Timestamp::MIN);
        let ended = self
            .journal()
            .ended_before(&self.site.company, before, portion.documents);
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => {
                tracing::warn!(company = %self.site.company, code = error.code(), %error, "old documents are not forgotten");
                return;
            }
        };
        let is_page = u32::try_from(ended.len()).is_ok_and(|found| found >= portion.documents);
        let writer = &self.site.settings.payments.writer;
        let ids: Vec<ImportId> = ended
            .into_iter()
            .filter(|ended| {
                ended.receipts.iter().all(|identity| {
                    receipt_files::forget(writer, identity)
                        .inspect_err(|error| {
                            tracing::warn!(import = %ended.id, code = error.code(), %error, remedy = error.remedy(), "the file of an old receipt stays");
                        })
                        .is_ok()
                })
            })
            .map(|ended| ended.id)
            .collect();
        if ids.is_empty() {
            return;
        }
        let redacted = self.journal().redact(&ids, now);
        match redacted {
            Ok(()) => {
                tracing::info!(company = %self.site.company, documents = ids.len(), "bodies of old documents were forgotten");
                self.redacted = Some((now, is_page));
            }
            Err(error) => {
                tracing::warn!(company = %self.site.company, code = error.code(), %error, "old documents are not forgotten");
            }
        }
    }
}
