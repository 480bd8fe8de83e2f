//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hub_store::{Store, StoreError, Wake, WakeKind};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, watch};
use values::{AgentId, CompanyId, Secret, TenantId};

use crate::address::Address;
use crate::auth::Caller;
use crate::cache::{Recent, Unchanged};
use crate::error::ApiError;
use crate::lanes::{self, Lanes};
use crate::limits::{Buckets, RateLimit, Standing};
use crate::observe::Requests;
use crate::prices::Books;
use crate::uses::Uses;
use crate::waiting::Waiting;
use crate::webhooks::{Deliveries, WebhookOptions};

/// Batches decoded and stored at a time: each may hold its 64 MiB several times over, and the
/// store has one writer anyway.
const CONCURRENT_BATCHES: usize = 3;
/// Bytes of batches that are on their way in or wait to be decoded, of all drivers.
const BATCH_BYTES: usize = 512 * 1024 * 1024;
/// Batches that one driver sends at a time: together they are no more than a quarter of those.
const BATCHES_OF_ONE: usize = 2;
/// Batches of one tenant that are decoded and stored at a time: while they wait for one another
/// in the store, another tenant's goes on.
const BATCHES_OF_TENANT: usize = CONCURRENT_BATCHES - 1;
/// Calls of the store at a time for tokens of the API, and for drivers. They stand on the
/// runtime's 512 threads for what blocks: some are left for what asks who it is, for webhooks
/// and for what the hub does by itself.
const CALLS_OF_TOKENS: usize = 256;
const CALLS_OF_DRIVERS: usize = 128;
/// How long a call waits for its turn.
const TURN: Duration = Duration::from_secs(10);
/// A body of JSON: well above what a megabyte takes on a thin line, and less than a whole
/// request may take, so that it is told what was late.
const BODY_WITHIN: Duration = Duration::from_secs(45);

/// Long enough for complaints and chargebacks, short enough for privacy laws.
const REDACT_AFTER: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Who follows the feed looks at it more often; who does not starts again.
const TOMBSTONES_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Two years: longer than most questions take to come up.
const AUDIT_FOR: SignedDuration = SignedDuration::from_hours(730 * 24);
/// Who has not fetched an answer by then has gone.
const PREVIEW_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// Room for the books of fifty distributors.
const PRICE_MEMORY: u64 = 1024 * 1024 * 1024;

/// Where the hub takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The store, the clock and the signals between requests.
#[derive(Clone)]
pub struct Hub {
    store: Arc<dyn Store>,
    clock: Clock,
    redact_after: SignedDuration,
    tombstones_for: SignedDuration,
    audit_for: SignedDuration,
    /// None: tokens may ask as often as they like.
    buckets: Option<Arc<Buckets<[u8; 32]>>>,
    /// What is under way of each token.
    lanes: Arc<Lanes<[u8; 32]>>,
    body_within: Duration,
    trusted_proxies: Arc<[IpNet]>,
    webhooks: Arc<WebhookOptions>,
    price_memory: u64,
    signals: Arc<Signals>,
}

struct Signals {
    posted: Waiting,
    answered: Waiting,
    changed: watch::Sender<u64>,
    stopping: watch::Sender<bool>,
    batches: Arc<Semaphore>,
    batch_bytes: Arc<Semaphore>,
    batch_lanes: Lanes<AgentId>,
    tenant_lanes: Lanes<TenantId>,
    calls_of_tokens: Arc<Semaphore>,
    calls_of_drivers: Arc<Semaphore>,
    counters: Counters,
    requests: Requests,
    callers: Unchanged<[u8; 32], Caller>,
    companies: Recent<TenantId, Arc<[CompanyId]>>,
    books: Books,
    uses: Uses,
    deliveries: Deliveries,
}

impl Signals {
    /// Something happened, here or at another hub over the same store.
    fn wake(&self, wake: &Wake) {
        match wake.kind {
            WakeKind::Work => self.posted.wake(wake.tenant.as_ref()),
            WakeKind::Answer => self.answered.wake(wake.tenant.as_ref()),
            WakeKind::Change => self.changed.send_modify(|n| *n = n.wrapping_add(1)),
        }
    }
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
    /// Requests of one token that are under way at a time: more than a store answers at once.
    pub(crate) const REQUESTS_AT_ONCE: u16 = 32;

    /// A hub over a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        let signals = Signals {
            posted: Waiting::default(),
            answered: Waiting::default(),
            changed: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
            batches: Arc::new(Semaphore::new(CONCURRENT_BATCHES)),
            batch_bytes: Arc::new(Semaphore::new(BATCH_BYTES)),
            batch_lanes: Lanes::new(BATCHES_OF_ONE),
            tenant_lanes: Lanes::new(BATCHES_OF_TENANT),
            calls_of_tokens: Arc::new(Semaphore::new(CALLS_OF_TOKENS)),
            calls_of_drivers: Arc::new(Semaphore::new(CALLS_OF_DRIVERS)),
            counters: Counters::default(),
            requests: Requests::default(),
            callers: Unchanged::default(),
            companies: Recent::default(),
            books: Books::default(),
            uses: Uses::default(),
            deliveries: Deliveries::default(),
        };
        let signals = Arc::new(signals);
        let woken = Arc::clone(&signals);
        store.on_wake(Box::new(move |wake| woken.wake(wake)));
        Self {
            store,
            clock,
            redact_after: REDACT_AFTER,
            tombstones_for: TOMBSTONES_FOR,
            audit_for: AUDIT_FOR,
            buckets: Some(Arc::new(Buckets::new(RateLimit::DEFAULT))),
            lanes: Arc::new(Lanes::new(usize::from(Self::REQUESTS_AT_ONCE))),
            body_within: BODY_WITHIN,
            trusted_proxies: Arc::default(),
            webhooks: Arc::default(),
            price_memory: PRICE_MEMORY,
            signals,
        }
    }

    /// The same, keeping what is left of records that have left for so long.
    #[must_use]
    pub fn with_tombstones(self, tombstones_for: SignedDuration) -> Self {
        Self {
            tombstones_for,
            ..self
        }
    }

    /// The same, keeping the audit log so long.
    #[must_use]
    pub fn with_audit(self, audit_for: SignedDuration) -> Self {
        Self { audit_for, ..self }
    }

    /// The same with another limit for each token; none lets them ask as often as they like.
    #[must_use]
    pub fn with_rate_limit(self, limit: Option<RateLimit>) -> Self {
        let buckets = limit.map(|limit| Arc::new(Buckets::new(limit)));
        Self { buckets, ..self }
    }

    /// The same, with so many requests of a token under way at a time.
    #[must_use]
    pub fn with_requests_at_once(self, most: u16) -> Self {
        let lanes = Arc::new(Lanes::new(usize::from(most)));
        Self { lanes, ..self }
    }

    /// The same, waiting so long for a body of JSON.
    #[must_use]
    pub fn with_body_within(self, body_within: Duration) -> Self {
        Self { body_within, ..self }
    }

    /// The same, forgetting bodies so long after their documents became final.
    #[must_use]
    pub fn with_redaction(self, redact_after: SignedDuration) -> Self {
        Self { redact_after, ..self }
    }

    /// The same behind proxies in these networks: callers are where those say (`X-Forwarded-For`).
    #[must_use]
    pub fn with_trusted_proxies(self, proxies: Vec<IpNet>) -> Self {
        Self {
            trusted_proxies: proxies.into(),
            ..self
        }
    }

    /// The same, sending webhooks otherwise.
    #[must_use]
    pub fn with_webhooks(self, options: WebhookOptions) -> Self {
        Self {
            webhooks: Arc::new(options),
            ..self
        }
    }

    /// The same, keeping prices of companies in so many bytes of memory.
    #[must_use]
    pub fn with_price_memory(self, price_memory: u64) -> Self {
        Self { price_memory, ..self }
    }

    pub(crate) fn trusted_proxies(&self) -> &[IpNet] {
        &self.trusted_proxies
    }

    /// Writes down when tokens were last used. [`crate::serve`] does so once a minute.
    ///
    /// # Errors
    /// The store failed.
    pub fn write_token_uses(&self) -> Result<(), StoreError> {
        let uses = self.signals.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        self.store.note_token_uses(&uses)
    }

    /// Forgets what is due: bodies of documents that were final long enough, tombstones,
    /// entries of audit logs, and previews.
    /// Returns how many bodies there were. [`crate::serve`] does so all the time.
    ///
    /// # Errors
    /// The store failed; the next call goes on.
    pub fn tidy(&self) -> Result<u64, StoreError> {
        let now = self.now();
        self.store.drop_previews(now - PREVIEW_LIFE, now)?;
        self.store.drop_tombstones(now - self.tombstones_for)?;
        self.store.drop_audit(now - self.audit_for)?;
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

    /// Runs a call of the store off the runtime, when it has its turn: those for tokens of the
    /// API and those for drivers do not wait for one another.
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
        let lane = lanes::held();
        let turn = match lane {
            Some(_) => turn(&self.signals.calls_of_tokens).await?,
            None => turn(&self.signals.calls_of_drivers).await?,
        };
        self.call_now(move |store| {
            let done = work(store);
            // Held here: who asked may have left.
            drop((turn, lane));
            done
        })
        .await
    }

    /// The same without waiting for a turn: for what is short, and what others wait for.
    pub(crate) async fn call_now<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Store) -> Result<T, ApiError> + Send + 'static,
    {
        let store = Arc::clone(&self.store);
        let span = tracing::Span::current();
        match tokio::task::spawn_blocking(move || span.in_scope(|| work(store.as_ref()))).await {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(%error, "a request broke off");
                Err(ApiError::new("internal", "the request broke off inside the hub"))
            }
        }
    }

    /// The same for what no request asked for.
    pub(crate) async fn background<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || work(store.as_ref())).await;
        done.unwrap_or_else(|error| Err(StoreError::Unavailable(format!("a call broke off: {error}"))))
    }

    /// Who asks with this API token from there: as the store says, or said when it was the
    /// same as now.
    pub(crate) async fn caller(&self, token: Secret, address: Address) -> Result<Caller, ApiError> {
        let mut caller = self.known(token).await?;
        caller.address = address.0;
        let now = self.now();
        caller.scope.check_time(now)?;
        if !caller.scope.admits(address.0) {
            let from = address
                .0
                .map_or_else(|| "there".to_owned(), |address| address.to_string());
            return Err(ApiError::new(
                "address_refused",
                format!("the token is not taken from {from}"),
            ));
        }
        self.signals.uses.note(&caller, now);
        Ok(caller)
    }

    async fn known(&self, token: Secret) -> Result<Caller, ApiError> {
        // Read before the answer: what is committed in between makes the answer old.
        let mark = self.store.commit_mark()?;
        let id = token_id(&token);
        if let Some(caller) = self.signals.callers.get(&id, mark) {
            return Ok(caller);
        }
        let now = self.now();
        let found = self
            .call_now(move |store| Ok(store.authenticate(&token, now)?))
            .await;
        let scope = found.map_err(|refusal| match refusal.code() {
            "token_invalid" => {
                refusal.with_remedy("use a token made by `erp-hub token add` that is not revoked")
            }
            _ => refusal,
        })?;
        let caller = Caller {
            token: id,
            scope: Arc::new(scope),
            address: None,
        };
        self.signals.callers.put(id, caller.clone(), mark);
        Ok(caller)
    }

    /// Takes one request out of the caller's bucket, where requests are limited.
    pub(crate) fn take_request(&self, caller: &Caller) -> Option<(RateLimit, Standing)> {
        let buckets = self.buckets.as_deref()?;
        Some((buckets.limit(), buckets.take(caller.token, self.now())))
    }

    /// What is under way of each token.
    pub(crate) fn lanes(&self) -> &Lanes<[u8; 32]> {
        &self.lanes
    }

    /// How long a body of JSON may take.
    pub(crate) const fn body_within(&self) -> Duration {
        self.body_within
    }

    /// The tenant's companies, as they were within the last second; `fresh` asks the store.
    /// It blocks.
    pub(crate) fn companies(&self, tenant: &TenantId, fresh: bool) -> Result<Arc<[CompanyId]>, StoreError> {
        let now = self.now();
        let known = self.signals.companies.get(tenant, now);
        if let Some(known) = known.filter(|_| !fresh) {
            return Ok(known);
        }
        let all = self.store.companies(tenant)?.into_iter().map(|c| c.company);
        let all: Arc<[CompanyId]> = all.collect();
        self.signals.companies.put(tenant.clone(), Arc::clone(&all), now);
        Ok(all)
    }

    /// Bytes that books of prices may take, all together.
    pub(crate) const fn price_memory(&self) -> u64 {
        self.price_memory
    }

    /// What prices are answered from.
    pub(crate) fn books(&self) -> &Books {
        &self.signals.books
    }

    /// Counters of requests.
    pub(crate) fn requests(&self) -> &Requests {
        &self.signals.requests
    }

    /// Changes whenever a document of the tenant was posted, at this hub or another over the
    /// same store.
    pub(crate) fn posted(&self, tenant: &TenantId) -> watch::Receiver<()> {
        self.signals.posted.of(tenant)
    }

    /// Changes whenever a preview of the tenant was answered, at this hub or another over the
    /// same store.
    pub(crate) fn answered(&self, tenant: &TenantId) -> watch::Receiver<()> {
        self.signals.answered.of(tenant)
    }

    /// Changes whenever a feed has grown, at this hub or another over the same store.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.signals.changed.subscribe()
    }

    /// How webhooks are sent.
    pub(crate) fn webhooks(&self) -> &WebhookOptions {
        &self.webhooks
    }

    /// What came of webhooks' messages.
    pub(crate) fn deliveries(&self) -> &Deliveries {
        &self.signals.deliveries
    }

    /// Does the hub stop?
    pub(crate) fn is_stopping(&self) -> bool {
        *self.signals.stopping.borrow()
    }

    /// Becomes true when the hub stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.signals.stopping.subscribe()
    }

    /// Waits for room to decode and store a batch of the tenant.
    pub(crate) async fn room_for_batch(
        &self,
        tenant: &TenantId,
    ) -> Result<[OwnedSemaphorePermit; 2], AcquireError> {
        let lane = self.signals.tenant_lanes.of(tenant.clone());
        let lane = lane.acquire_owned().await?;
        let room = Arc::clone(&self.signals.batches).acquire_owned().await?;
        Ok([lane, room])
    }

    /// Room for bytes of batches.
    pub(crate) fn batch_bytes(&self) -> &Arc<Semaphore> {
        &self.signals.batch_bytes
    }

    /// What each driver sends.
    pub(crate) fn batch_lanes(&self) -> &Lanes<AgentId> {
        &self.signals.batch_lanes
    }

    /// What is counted.
    pub(crate) fn counters(&self) -> &Counters {
        &self.signals.counters
    }
}

/// One of so many calls at a time.
async fn turn(calls: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
    match tokio::time::timeout(TURN, Arc::clone(calls).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => {
            let detail = format!("no call of the store was free within {} s", TURN.as_secs());
            Err(ApiError::new("hub_busy", detail))
        }
    }
}

/// What a token is known by in memory.
fn token_id(token: &Secret) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, token.reveal().as_bytes());
    let mut id = [0; 32];
    id.copy_from_slice(digest.as_ref());
    id
}
