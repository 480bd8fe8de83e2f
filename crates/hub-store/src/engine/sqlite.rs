//! One SQLite file: one writer, a few readers, WAL.

mod bulk;

use std::cell::RefCell;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{Param, Row, Tx, Value};
use crate::StoreError;
use crate::wake::{Listeners, Wake, WakeListener};

pub(super) use bulk::put_documents;

/// Readers at a time, and those kept open between calls; each has a page cache of its own.
const MOST_READERS: usize = 16;
const IDLE_READERS: usize = 8;
/// How long a call waits for another process (a command line) that writes.
const BUSY: Duration = Duration::from_secs(10);
/// Prepared statements kept per connection: a few for each dataset and each call.
const STATEMENTS: usize = 256;

#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Readers>,
    freed: Condvar,
    /// Reads nothing but whether others have committed, and writes never: its own commits
    /// would not count.
    watcher: Mutex<Connection>,
    listeners: Listeners,
}

#[derive(Debug, Default)]
struct Readers {
    idle: Vec<Connection>,
    taken: usize,
}

/// A reader, until it is given back.
struct Taken<'a> {
    sqlite: &'a Sqlite,
    connection: Option<Connection>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut readers = self.sqlite.readers();
        readers.taken = readers.taken.saturating_sub(1);
        if readers.idle.len() < IDLE_READERS {
            readers.idle.extend(self.connection.take());
        }
        drop(readers);
        self.sqlite.freed.notify_one();
    }
}

/// A transaction, and whom to tell of it.
pub(crate) struct FileTransaction<'a> {
    transaction: Transaction<'a>,
    pub(super) wakes: RefCell<Vec<Wake>>,
}

impl<'a> FileTransaction<'a> {
    fn new(transaction: Transaction<'a>) -> Self {
        Self {
            transaction,
            wakes: RefCell::default(),
        }
    }
}

impl<'a> Deref for FileTransaction<'a> {
    type Target = Transaction<'a>;

    fn deref(&self) -> &Self::Target {
        &self.transaction
    }
}

impl Sqlite {
    /// Opens the file, creating it as needed.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        make_private(path)?;
        let writer = connect(path)?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        // An acknowledgement follows the commit: the commit has to survive a power cut.
        writer.pragma_update(None, "synchronous", "FULL")?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            freed: Condvar::new(),
            watcher: Mutex::new(connect(path)?),
            listeners: Listeners::default(),
        })
    }

    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (done, wakes) = self.commit(work)?;
        // Others may write while they are told.
        self.listeners.tell(wakes);
        Ok(done)
    }

    fn commit<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, Vec<Wake>), StoreError> {
        // A panic inside drops the transaction, which rolls back: the connection stays good.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let transaction = FileTransaction::new(transaction);
        let done = work(&Tx::Sqlite(&transaction))?;
        let FileTransaction { transaction, wakes } = transaction;
        transaction.commit()?;
        Ok((done, wakes.into_inner()))
    }

    /// Another number after each commit of any process.
    pub(crate) fn mark(&self) -> Result<i64, StoreError> {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = watcher.prepare_cached("PRAGMA data_version")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// The file is this process's; a command line beside it is not heard.
    pub(crate) fn on_wake(&self, listener: WakeListener) {
        self.listeners.add(listener);
    }

    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut taken = self.take_reader()?;
        let reader = match &mut taken.connection {
            Some(reader) => reader,
            none => none.insert(connect(&self.path)?),
        };
        let transaction = FileTransaction::new(reader.transaction()?);
        let done = work(&Tx::Sqlite(&transaction));
        drop(transaction);
        done
    }

    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is open, or leave to open one.
    fn take_reader(&self) -> Result<Taken<'_>, StoreError> {
        let full = |readers: &mut Readers| readers.taken >= MOST_READERS;
        let waited = self.freed.wait_timeout_while(self.readers(), BUSY, full);
        let (mut readers, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(StoreError::Unavailable(format!(
                "all {MOST_READERS} readers were busy for {} s",
                BUSY.as_secs()
            )));
        }
        readers.taken += 1;
        Ok(Taken {
            sqlite: self,
            connection: readers.idle.pop(),
        })
    }
}

/// A new store is its owner's alone: it holds every tenant's data.
pub(crate) fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else a statement is prepared anew for each value that it is bound to, as if another
    // value asked for another plan: most of the time of a read.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

pub(super) fn execute(t: &Transaction<'_>, sql: &str, parameters: &[Param<'_>]) -> Result<u64, StoreError> {
    let mut statement = prepare(t, sql, parameters)?;
    Ok(u64::try_from(statement.raw_execute()?).unwrap_or(u64::MAX))
}

pub(super) fn each(
    t: &Transaction<'_>,
    sql: &str,
    parameters: &[Param<'_>],
    work: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = prepare(t, sql, parameters)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        work(&Row::Sqlite(row))?;
    }
    Ok(())
}

fn prepare<'t>(
    t: &'t Transaction<'_>,
    sql: &str,
    parameters: &[Param<'_>],
) -> Result<CachedStatement<'t>, StoreError> {
    let mut statement = t.prepare_cached(sql)?;
    for (place, parameter) in (1..).zip(parameters) {
        statement.raw_bind_parameter(place, parameter)?;
    }
    Ok(statement)
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Param::Null => ValueRef::Null,
            Param::Integer(number) => ValueRef::Integer(number),
            Param::Text(text) => ValueRef::Text(text.as_bytes()),
            Param::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

pub(super) fn value<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Result<Value<'r>, StoreError> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(_) => return Err(StoreError::corrupt("a float")),
        text @ ValueRef::Text(_) => {
            let text = text
                .as_str()
                .map_err(|_| StoreError::corrupt("a text that is not UTF-8"))?;
            Value::Text(text.into())
        }
        ValueRef::Blob(bytes) => Value::Bytes(bytes),
    })
}

/// "ERPH": a file of somebody else's is never taken for a store.
const APPLICATION_ID: i64 = 0x4552_5048;

pub(super) fn version(t: &Transaction<'_>) -> Result<i64, StoreError> {
    let found: i64 = t.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = t.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    let marked: i64 = t.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if (tables > 0 && found == 0) || (marked != 0 && marked != APPLICATION_ID) {
        return Err(StoreError::NoStore);
    }
    t.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(found)
}

/// Is there a store in the file?
pub(crate) fn is_store(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT (SELECT user_version FROM pragma_user_version) > 0 \
               AND (SELECT application_id FROM pragma_application_id) IN (0, ?) \
               AND EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'hub_store')";
    Ok(connection.query_row(sql, [APPLICATION_ID], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn only_so_many_read_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("hub.db")).unwrap();
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..3 * MOST_READERS {
                scope.spawn(|| {
                    sqlite
                        .read(|_| {
                            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                            std::thread::sleep(Duration::from_millis(20));
                            now.fetch_sub(1, Ordering::SeqCst);
                            Ok(())
                        })
                        .unwrap();
                });
            }
        });
        assert_eq!(most.into_inner(), MOST_READERS);
        let readers = sqlite.readers();
        assert_eq!((readers.taken, readers.idle.len()), (0, IDLE_READERS));
    }
}
