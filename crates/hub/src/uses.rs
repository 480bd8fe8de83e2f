//! Which tokens were used: kept in memory and written down from time to time, away from any
//! request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hub_store::TokenUse;
use jiff::Timestamp;
use values::TenantId;

use crate::auth::Caller;

/// Tokens that were used since it was last written down, and when.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<HashMap<[u8; 32], (TenantId, Timestamp)>>);

impl Uses {
    /// The caller's token is used now.
    pub(crate) fn note(&self, caller: &Caller, now: Timestamp) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get_mut(&caller.token) {
            Some((_, at)) => *at = now,
            None => {
                used.insert(caller.token, (caller.scope.tenant().clone(), now));
            }
        }
    }

    /// All of them, to be written down. In one order, so that two processes that write them
    /// do not wait for each other for ever.
    pub(crate) fn take(&self) -> Vec<TokenUse> {
        let used = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut all: Vec<_> = used
            .into_iter()
            .map(|(token, (tenant, at))| TokenUse { tenant, token, at })
            .collect();
        all.sort_by(|a, b| (a.tenant.as_str(), a.token).cmp(&(b.tenant.as_str(), b.token)));
        all
    }
}
