//! Stopping all imports of the company until a person has looked. It holds from the moment at
//! which it is decided; where the journal cannot take it, it is tried again each turn.

use agent_store::journal::JournalError;

use super::Runner;

impl Runner {
    /// Freezes the company's imports.
    pub(in crate::imports) fn freeze(&mut self, reason: &str) {
        self.unjournaled_freeze = Some(reason.to_owned());
        self.journal_freeze();
    }

    /// Journals a freeze that is not journaled yet.
    pub(super) fn journal_freeze(&mut self) {
        let Some(reason) = self.unjournaled_freeze.clone() else {
            return;
        };
        let now = self.clock.now();
        let journaled = self.journal().freeze(&self.site.company, &reason, now);
        match journaled {
            Ok(()) => self.unjournaled_freeze = None,
            Err(error) => {
                tracing::debug!(company = %self.site.company, code = error.code(), %error, "the freeze is not journaled yet, and holds");
            }
        }
    }

    /// Why the company's imports are frozen, if they are.
    pub(in crate::imports) fn frozen(&self) -> Result<Option<String>, JournalError> {
        match &self.unjournaled_freeze {
            Some(reason) => Ok(Some(reason.clone())),
            None => self.journal().frozen(&self.site.company),
        }
    }
}
