//! Writers of one tenant wait for one another. They do so here, before they have a connection:
//! one tenant's line takes none away from the others.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use values::TenantId;

use crate::StoreError;

/// Tenants that write, and how many of their writers may go on.
#[derive(Debug)]
pub(super) struct Turns {
    at_a_time: usize,
    taken: Mutex<HashMap<TenantId, usize>>,
    freed: Condvar,
}

/// A writer that may go on. Its turn ends with it.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    tenant: &'a TenantId,
}

impl Turns {
    pub(super) fn new(at_a_time: usize) -> Self {
        Self {
            at_a_time,
            taken: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<TenantId, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take<'a>(&'a self, tenant: &'a TenantId, within: Duration) -> Result<Turn<'a>, StoreError> {
        let waits = |taken: &mut HashMap<TenantId, usize>| {
            taken.get(tenant).is_some_and(|taken| *taken >= self.at_a_time)
        };
        let waited = self.freed.wait_timeout_while(self.taken(), within, waits);
        let (mut taken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(StoreError::Unavailable(format!(
                "other writes of the tenant took longer than {} s",
                within.as_secs()
            )));
        }
        *taken.entry(tenant.clone()).or_default() += 1;
        Ok(Turn { turns: self, tenant })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut taken = self.turns.taken();
        match taken.get_mut(self.tenant) {
            Some(more) if *more > 1 => *more -= 1,
            Some(_) | None => drop(taken.remove(self.tenant)),
        }
        drop(taken);
        // Writers of all tenants wait together: whoever wakes first may be another's.
        self.turns.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_s_writers_wait_and_others_do_not() {
        let turns = Turns::new(2);
        let (one, other) = (TenantId::new("t_1"), TenantId::new("t_2"));
        let soon = Duration::from_millis(20);
        let first = turns.take(&one, soon).unwrap();
        let second = turns.take(&one, soon).unwrap();
        assert!(turns.take(&one, soon).is_err());
        let third = turns.take(&other, soon).unwrap();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| turns.take(&one, Duration::from_secs(10)).map(drop));
            drop(first);
            waits.join().unwrap().unwrap();
        });
        drop((second, third));
        assert!(turns.taken().is_empty());
    }
}
