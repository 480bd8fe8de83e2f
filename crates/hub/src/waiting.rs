//! Those who wait until something happens to their tenant.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use values::TenantId;

/// A signal for each tenant that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<TenantId, watch::Sender<()>>>);

impl Waiting {
    fn signals(&self) -> MutexGuard<'_, HashMap<TenantId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes whenever something happens to the tenant.
    pub(crate) fn of(&self, tenant: &TenantId) -> watch::Receiver<()> {
        let mut signals = self.signals();
        match signals.get(tenant) {
            Some(signal) => signal.subscribe(),
            None => signals.entry(tenant.clone()).or_default().subscribe(),
        }
    }

    /// Something happened to the tenant, or, with none, to anybody.
    pub(crate) fn wake(&self, tenant: Option<&TenantId>) {
        let mut signals = self.signals();
        match tenant {
            Some(tenant) => {
                if let Some(signal) = signals.get(tenant)
                    && signal.send(()).is_err()
                {
                    // Nobody waits any more.
                    signals.remove(tenant);
                }
            }
            None => signals.retain(|_, signal| signal.send(()).is_ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_reaches_its_tenant_alone() {
        let waiting = Waiting::default();
        let (one, other) = (TenantId::new("t_1"), TenantId::new("t_2"));
        let (mut first, mut second, mut third) = (waiting.of(&one), waiting.of(&one), waiting.of(&other));
        let mut woken = || {
            [&mut first, &mut second, &mut third].map(|waits| {
                let woken = waits.has_changed().unwrap();
                waits.mark_unchanged();
                woken
            })
        };
        assert_eq!(woken(), [false; 3]);
        waiting.wake(Some(&one));
        assert_eq!(woken(), [true, true, false]);
        waiting.wake(Some(&TenantId::new("t_3")));
        assert_eq!(woken(), [false; 3]);
        waiting.wake(None);
        assert_eq!(woken(), [true; 3]);
    }

    #[test]
    fn who_waits_no_more_is_forgotten() {
        let waiting = Waiting::default();
        let ids = ["t_1", "t_2", "t_3"].map(TenantId::new);
        let mut waits = ids.each_ref().map(|id| Some(waiting.of(id)));
        waits[0] = None;
        waiting.wake(Some(&ids[0]));
        assert_eq!(waiting.signals().len(), 2);
        waits[1] = None;
        waiting.wake(None);
        assert_eq!(waiting.signals().len(), 1);
        assert!(waits[2].is_some());
    }
}
