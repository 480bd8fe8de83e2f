//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hub_store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, watch};

use crate::error::ApiError;

/// Batches read and stored at a time: each may hold its 64 MiB several times over, and the
/// store has one writer anyway.
const CONCURRENT_BATCHES: usize = 3;

/// Long enough for complaints and chargebacks, short enough for privacy laws.
const REDACT_AFTER: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Who has not fetched an answer by then has gone.
const PREVIEW_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// Where the hub takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The store, the clock and the signals between requests.
#[derive(Clone)]
pub struct Hub {
    store: Arc<dyn Store>,
    clock: Clock,
    redact_after: SignedDuration,
    signals: Arc<Signals>,
}

struct Signals {
    posted: watch::Sender<u64>,
    answered: watch::Sender<u64>,
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
            answered: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
            batches: Semaphore::new(CONCURRENT_BATCHES),
            counters: Counters::default(),
        };
        Self {
            store,
            clock,
            redact_after: REDACT_AFTER,
            signals: Arc::new(signals),
        }
    }

    /// The same, forgetting bodies so long after their documents became final.
    #[must_use]
    pub fn with_redaction(self, redact_after: SignedDuration) -> Self {
        Self { redact_after, ..self }
    }

    /// Forgets what is due: bodies of documents that were final long enough, and previews.
    /// Returns how many bodies there were. [`crate::serve`] does so all the time.
    ///
    /// # Errors
    /// The store failed; the next call goes on.
    pub fn tidy(&self) -> Result<u64, StoreError> {
        let now = self.now();
        self.store.drop_previews(now - PREVIEW_LIFE)?;
        let mut forgotten = 0;
        loop {
            match self.store.redact_imports(now - self.redact_after, now)? {
                0 => return Ok(forgotten),
                some => forgotten += some,
            }
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

    /// Tells those who wait for a preview that one was answered.
    pub(crate) fn announce_answer(&self) {
        self.signals.answered.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Changes whenever a preview was answered at this process.
    pub(crate) fn answered(&self) -> watch::Receiver<u64> {
        self.signals.answered.subscribe()
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
