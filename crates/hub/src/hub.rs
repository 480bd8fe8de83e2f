//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hub_store::{Store, StoreError};
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};

use crate::error::ApiError;

/// Batches read and stored at a time: each may hold its 64 MiB several times over, and the
/// store has one writer anyway.
const CONCURRENT_BATCHES: usize = 3;

/// Where the hub takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The store, the clock and the signals between requests.
#[derive(Clone)]
pub struct Hub {
    store: Arc<dyn Store>,
    clock: Clock,
    signals: Arc<Signals>,
}

struct Signals {
    posted: watch::Sender<u64>,
    stopping: watch::Sender<bool>,
    batches: Semaphore,
    counters: Counters,
}

/// Counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Batches committed.
    pub(crate) batches: AtomicU64,
    /// Records in them.
    pub(crate) records: AtomicU64,
    /// Documents posted and stored.
    pub(crate) documents: AtomicU64,
    /// Requests refused, by whatever side.
    pub(crate) refusals: AtomicU64,
}

impl Counters {
    /// Counts.
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

impl Hub {
    /// A hub over a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        let signals = Signals {
            posted: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
            batches: Semaphore::new(CONCURRENT_BATCHES),
            counters: Counters::default(),
        };
        Self {
            store,
            clock,
            signals: Arc::new(signals),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Ends long polls, so that a stop does not wait for them.
    pub fn stop(&self) {
        self.signals.stopping.send_replace(true);
    }

    /// The store itself, for what does not block.
    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Runs a call of the store off the runtime.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    {
        self.call_api(move |store| Ok(work(store)?)).await
    }

    /// The same for work that has refusals of its own.
    pub(crate) async fn call_api<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Store) -> Result<T, ApiError> + Send + 'static,
    {
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || work(store.as_ref())).await {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(%error, "a request broke off");
                Err(ApiError::new("internal", "the request broke off inside the hub"))
            }
        }
    }

    /// Tells waiting drivers that a document was posted.
    pub(crate) fn announce_work(&self) {
        self.signals.posted.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Changes whenever a document was posted at this process.
    pub(crate) fn posted(&self) -> watch::Receiver<u64> {
        self.signals.posted.subscribe()
    }

    /// Becomes true when the hub stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.signals.stopping.subscribe()
    }

    /// Room for batches.
    pub(crate) fn batches(&self) -> &Semaphore {
        &self.signals.batches
    }

    /// What is counted.
    pub(crate) fn counters(&self) -> &Counters {
        &self.signals.counters
    }
}
