//! Connections: a bounded number of them, kept open between calls.

use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use values::TenantId;

use super::address::Address;
use super::listen::listen;
use super::session::Connection;
use super::statistics::Statistics;
use super::turns::{Turn, Turns};
use super::wait::wait;
use crate::StoreError;
use crate::wake::{Listeners, WakeListener};

/// How long a call waits for a connection, and a statement for a lock.
const BUSY: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(10);
/// What a connection is told at its beginning. An acknowledgement follows the commit, which
/// therefore has to be durable; stronger settings of the server's stay.
const SETTINGS: &str = "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'; SET jit = off; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";
/// The oldest server whose SQL is spoken.
const OLDEST: i32 = 150_000;

/// What a connection is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Readers leave a quarter of the connections to the others.
    Read,
    /// Writers wait for one another; half of the connections stay for readers.
    Write,
    /// One statement that others wait for: who asks. One connection stays for it.
    Look,
}

impl Use {
    /// How many connections of a pool may be taken for it, and how many for all.
    fn shares(self, size: usize) -> (usize, usize) {
        // A pool of two or three has nothing to share.
        let (readers, spare) = if size < 4 { (size, 0) } else { (size * 3 / 4, 1) };
        match self {
            Self::Read => (readers, size - spare),
            Self::Write => ((size / 2).max(1), size - spare),
            Self::Look => (size, size),
        }
    }
}

/// The connections to a database.
#[derive(Debug)]
pub(crate) struct Pool {
    address: Address,
    /// Drives the connections. Always there until the end.
    runtime: Option<Runtime>,
    state: Mutex<State>,
    freed: Condvar,
    turns: Turns,
    listeners: Listeners,
    listens: Once,
    pub(super) statistics: Statistics,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    reading: usize,
    writing: usize,
    looking: usize,
}

impl State {
    const fn taken(&self) -> usize {
        self.reading + self.writing + self.looking
    }

    const fn of(&mut self, purpose: Use) -> &mut usize {
        match purpose {
            Use::Read => &mut self.reading,
            Use::Write => &mut self.writing,
            Use::Look => &mut self.looking,
        }
    }
}

impl Pool {
    /// Connects once, so that what is wrong with the address shows.
    pub(crate) fn open(address: Address) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("postgres")
            .enable_all()
            .build()?;
        // One whose statements run, and one that is ready to follow.
        let turns = Turns::new(if address.pool_size < 8 { 1 } else { 2 });
        let pool = Self {
            address,
            turns,
            runtime: Some(runtime),
            state: Mutex::default(),
            freed: Condvar::new(),
            listeners: Listeners::default(),
            listens: Once::new(),
            statistics: Statistics::default(),
        };
        let connection = pool.take(Use::Read)?;
        pool.give_back(connection, Use::Read);
        Ok(pool)
    }

    /// The first listener has a connection opened that hears other processes and this one.
    pub(crate) fn on_wake(&self, listener: WakeListener) {
        self.listeners.add(listener);
        self.listens.call_once(|| {
            if let Some(runtime) = &self.runtime {
                drop(runtime.spawn(listen(self.address.clone(), self.listeners.clone())));
            }
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the tenant's other writers leave room.
    pub(super) fn turn<'a>(&'a self, tenant: &'a TenantId) -> Result<Turn<'a>, StoreError> {
        self.turns.take(tenant, BUSY)
    }

    pub(super) fn take(&self, purpose: Use) -> Result<Connection, StoreError> {
        let size = self.address.pool_size;
        let (share, all) = purpose.shares(size);
        let until = Instant::now() + BUSY;
        let mut state = self.state();
        loop {
            if state.taken() < all && *state.of(purpose) < share {
                break;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(StoreError::Unavailable(format!(
                    "the connections of the pool of {size} were busy for {} s",
                    BUSY.as_secs()
                )));
            }
            let woken = self.freed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        *state.of(purpose) += 1;
        // One that was lost is known to be; another may be good.
        while let Some(connection) = state.idle.pop() {
            if !connection.client.is_closed() {
                return Ok(connection);
            }
        }
        drop(state);
        self.connect().inspect_err(|_| self.released(purpose, None))
    }

    pub(super) fn give_back(&self, connection: Connection, purpose: Use) {
        let good = (!connection.client.is_closed()).then_some(connection);
        self.released(purpose, good);
    }

    fn released(&self, purpose: Use, connection: Option<Connection>) {
        let mut state = self.state();
        let taken = state.of(purpose);
        *taken = taken.saturating_sub(1);
        state.idle.extend(connection);
        drop(state);
        // Readers and writers wait together: whoever wakes first may be one that may not.
        self.freed.notify_all();
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let runtime = self
            .runtime
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("the store is closed".to_owned()))?;
        let (config, tls) = (self.address.config.clone(), self.address.tls.clone());
        let connecting = runtime.spawn(async move {
            let connected = tokio::time::timeout(CONNECT, config.connect(tls)).await;
            let (client, connection) = match connected {
                Ok(connected) => connected.map_err(|e| failed(&e))?,
                Err(_) => {
                    return Err(StoreError::Unavailable(format!(
                        "the database did not answer within {} s",
                        CONNECT.as_secs()
                    )));
                }
            };
            // The connection ends with its client; what failed shows in the client's calls.
            drop(tokio::spawn(connection));
            client.batch_execute(SETTINGS).await.map_err(|e| failed(&e))?;
            let version = client
                .query_one("SELECT current_setting('server_version_num')::int4", &[])
                .await
                .map_err(|e| failed(&e))?;
            match version.get::<_, i32>(0) {
                version if version < OLDEST => Err(StoreError::ServerTooOld(version / 10_000)),
                _ => Ok(client),
            }
        });
        let client =
            wait(connecting).map_err(|_| StoreError::Unavailable("connecting broke off".to_owned()))??;
        Ok(Connection {
            client,
            statements: Default::default(),
            staged: Default::default(),
        })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // May happen on a thread of another runtime, where waiting is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a client says, without the values that the server quotes in its details.
pub(super) fn failed(error: &tokio_postgres::Error) -> StoreError {
    let Some(server) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
        let message = format!("{error}{}", cause.unwrap_or_default());
        // Only what this program sent can have another shape than the server expects.
        let is_own = message.starts_with("error serializing") || message.starts_with("error deserializing");
        return if is_own {
            StoreError::Postgres(message)
        } else {
            StoreError::Unavailable(message)
        };
    };
    let message = format!("{} ({})", server.message(), server.code().code());
    if is_transient(server.code()) {
        StoreError::Unavailable(message)
    } else {
        StoreError::Postgres(message)
    }
}

/// May the same statement succeed a moment later?
fn is_transient(state: &SqlState) -> bool {
    let code = state.code();
    // Connections, resources, an operator's word; deadlocks and conflicts; locks; a server
    // that has become a standby.
    ["08", "53", "57", "40"]
        .iter()
        .any(|class| code.starts_with(class))
        || ["55P03", "25006"].contains(&code)
}
