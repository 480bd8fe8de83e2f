//! How much one caller does at a time: each has a lane of its own, which is so wide.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lanes kept: those that nobody is on tell nothing.
const MOST_LANES: usize = 1_000;

tokio::task_local! {
    /// The place of the request that is under way.
    static HELD: Arc<OwnedSemaphorePermit>;
}

/// Answers a request that has a place on its token's lane.
pub(crate) async fn hold<F: Future>(place: OwnedSemaphorePermit, answer: F) -> F::Output {
    HELD.scope(Arc::new(place), answer).await
}

/// The place of the request that is answered here, if it is one of a token's. What goes on when
/// nobody waits for the answer any more keeps it.
pub(crate) fn held() -> Option<Arc<OwnedSemaphorePermit>> {
    HELD.try_with(Arc::clone).ok()
}

/// The lanes of all callers of a kind.
#[derive(Debug)]
pub(crate) struct Lanes<K> {
    width: usize,
    all: Mutex<HashMap<K, Arc<Semaphore>>>,
}

impl<K: Eq + Hash> Lanes<K> {
    /// So many of a caller's requests go beside one another.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            all: Mutex::default(),
        }
    }

    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// The caller's. Whoever goes on it holds one of its permits.
    pub(crate) fn of(&self, caller: K) -> Arc<Semaphore> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_LANES && !all.contains_key(&caller) {
            // A permit holds its lane, too.
            all.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        let lane = all.entry(caller);
        Arc::clone(lane.or_insert_with(|| Arc::new(Semaphore::new(self.width))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_so_wide_and_others_are_free() {
        let lanes = Lanes::new(2);
        let first = lanes.of("a").try_acquire_owned().unwrap();
        let second = lanes.of("a").try_acquire_owned().unwrap();
        assert!(lanes.of("a").try_acquire_owned().is_err());
        assert!(lanes.of("b").try_acquire_owned().is_ok());
        drop(first);
        assert!(lanes.of("a").try_acquire_owned().is_ok());
        drop(second);
    }

    #[test]
    fn empty_lanes_are_forgotten_when_there_are_many() {
        let lanes = Lanes::new(1);
        let held = lanes.of(0).try_acquire_owned().unwrap();
        for caller in 1..=MOST_LANES {
            lanes.of(caller);
        }
        assert_eq!(lanes.all.lock().unwrap().len(), 2);
        assert!(lanes.of(0).try_acquire_owned().is_err(), "it is the same lane");
        drop(held);
    }
}
