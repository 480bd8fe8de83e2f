//! Forgetting what ended documents say of people, so long after their end as the site says.

use std::time::Duration;

use jiff::Timestamp;
use values::ImportId;

use super::{Runner, is_older};
use crate::receipt_files;

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(3600);
/// Documents in one commit: work comes between two of them.
const AT_A_TIME: u32 = 200;

impl Runner {
    /// Forgets what is due. Files that were handed over go first: as long as one cannot be
    /// removed, its document is kept, and tried again later.
    pub(super) fn redact(&mut self, now: Timestamp) {
        if self.redacted_at.is_some_and(|at| !is_older(at, now, EVERY)) {
            return;
        }
        self.redacted_at = Some(now);
        let before = now.checked_sub(self.site.redact_after).unwrap_or(Timestamp::MIN);
        let ended = self.journal().ended_before(&self.site.company, before, AT_A_TIME);
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => {
                tracing::warn!(company = %self.site.company, code = error.code(), %error, "old documents are not forgotten");
                return;
            }
        };
        let is_page = u32::try_from(ended.len()).is_ok_and(|found| found >= AT_A_TIME);
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
                if is_page {
                    // There are more.
                    self.redacted_at = None;
                }
            }
            Err(error) => {
                tracing::warn!(company = %self.site.company, code = error.code(), %error, "old documents are not forgotten");
            }
        }
    }
}
