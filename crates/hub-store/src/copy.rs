//! Copies of a store in a file: made while a hub runs, and put back while none does.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::Catalog;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use values::StoreId;

use crate::engine::{is_store, make_private};
use crate::sql::{self, sqlite_version};
use crate::{Actor, SqlStore, Store as _, StoreError};

/// How long a copy waits for a hub that writes.
const BUSY: Duration = Duration::from_secs(10);

/// Copies the store to a file that is not there yet. The copy is one state of the store,
/// whole and checked, whatever a hub writes meanwhile; nobody waits for it.
///
/// # Errors
/// [`StoreError::FileExists`], [`StoreError::NoStore`], [`StoreError::Damaged`], or a file
/// cannot be read or written. Nothing is left then.
pub fn back_up(store: &Path, to: &Path) -> Result<(), StoreError> {
    if to.try_exists()? {
        return Err(StoreError::FileExists(to.to_owned()));
    }
    let from = open(store, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    from.busy_timeout(BUSY)?;
    version(&from).map_err(damaged)?;
    let part = beside(to, ".part");
    forget(&part)?;
    let made = copy(&from, &part).and_then(|()| put(&part, to));
    if made.is_err() {
        // The copy is of no use; that it failed is what is told.
        let _ = forget(&part);
    }
    made
}

/// Tells the audit logs of the store's tenants that it was copied. A store of another version
/// is left as it is.
///
/// # Errors
/// [`StoreError::NoStore`], or the file cannot be read or written.
pub fn note_copy(store: &Path, to: &Path, now: Timestamp) -> Result<(), StoreError> {
    if version(&open(store, OpenFlags::SQLITE_OPEN_READ_WRITE)?)? != sqlite_version() {
        return Ok(());
    }
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    sql::note_copy(store, &name, &Actor::command_line(), now)
}

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The store's new identity.
    pub id: StoreId,
    /// Where the store is now that was there before.
    pub replaced: Option<PathBuf>,
}

/// Puts a copy in the place of the store, as a new epoch of it ([`crate::Store::start_epoch`]).
/// What was there is kept beside it.
///
/// # Errors
/// [`StoreError::InUse`] when a hub or a command has the store open, [`StoreError::TooNew`],
/// [`StoreError::NoStore`], [`StoreError::Damaged`], or a file cannot be read or written. The
/// store is as it was then.
pub fn restore(
    from: &Path,
    store: &Path,
    catalog: Catalog,
    fresh_id: &StoreId,
    now: Timestamp,
) -> Result<Restored, StoreError> {
    let copied = open(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let (found, known) = (version(&copied).map_err(damaged)?, sqlite_version());
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    check(&copied)?;
    // Held to the end: whoever opens the store meanwhile is kept out of it.
    let claimed = if store.try_exists()? { claim(store)? } else { None };
    let part = beside(store, ".restoring");
    forget(&part)?;
    let made = copy(&copied, &part).and_then(|()| begin(&part, catalog, fresh_id, now));
    if let Err(error) = made {
        let _ = forget(&part);
        return Err(error);
    }
    let mut replaced = None;
    if store.try_exists()? {
        let aside = beside(
            store,
            &format!(".before-restore-{}", now.strftime("%Y%m%dT%H%M%SZ")),
        );
        if aside.try_exists()? {
            return Err(StoreError::FileExists(aside));
        }
        for tail in ["", "-wal", "-shm"] {
            let (old, new) = (beside(store, tail), beside(&aside, tail));
            if old.try_exists()? {
                fs::rename(old, new)?;
            }
        }
        replaced = Some(aside);
    }
    put(&part, store)?;
    drop(claimed);
    Ok(Restored {
        id: fresh_id.clone(),
        replaced,
    })
}

/// The store for this process alone; none where it is so damaged that nobody can have it.
fn claim(store: &Path) -> Result<Option<Connection>, StoreError> {
    let connection = open(store, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::ZERO)?;
    // Whoever has it open, has it for writing ahead; only the last one can end that.
    let claimed = version(&connection).and_then(|_| {
        let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
        if mode != "delete" {
            return Err(StoreError::InUse(store.to_owned()));
        }
        connection.execute_batch("BEGIN EXCLUSIVE")?;
        Ok(())
    });
    match claimed {
        Ok(()) => Ok(Some(connection)),
        Err(StoreError::Sqlite(error)) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Err(StoreError::InUse(store.to_owned()))
            }
            Some(ErrorCode::DatabaseCorrupt) => Ok(None),
            Some(_) | None => Err(error.into()),
        },
        Err(error) => Err(error),
    }
}

/// The version of the store in a file.
fn version(connection: &Connection) -> Result<i64, StoreError> {
    if !is_store(connection)? {
        return Err(StoreError::NoStore);
    }
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn open(file: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    // An error of the file's own says more than the database's.
    drop(fs::File::open(file).map_err(|error| StoreError::FileUnreadable {
        file: file.to_owned(),
        error,
    })?);
    Ok(Connection::open_with_flags(
        file,
        flags | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?)
}

/// One state of the database, checked.
fn copy(from: &Connection, to: &Path) -> Result<(), StoreError> {
    make_private(to)?;
    let name = to
        .to_str()
        .ok_or_else(|| io::Error::other("the path is not Unicode"))?;
    from.execute("VACUUM INTO ?", [name])?;
    check(&open(to, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

/// Is everything in the file that should be?
fn check(connection: &Connection) -> Result<(), StoreError> {
    let said = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match said {
        Ok(said) if said == "ok" => Ok(()),
        Ok(said) => Err(StoreError::Damaged(said)),
        Err(error) => Err(damaged(error.into())),
    }
}

/// A file that cannot be read as a database any more is called so.
fn damaged(error: StoreError) -> StoreError {
    if let StoreError::Sqlite(cause) = &error
        && cause.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
    {
        return StoreError::Damaged(cause.to_string());
    }
    error
}

/// Brings the copy to this version and begins a new epoch in it.
fn begin(part: &Path, catalog: Catalog, fresh_id: &StoreId, now: Timestamp) -> Result<(), StoreError> {
    let store = SqlStore::sqlite(part, catalog, fresh_id, now)?;
    store.start_epoch(fresh_id, &Actor::command_line(), now)?;
    drop(store);
    // Everything into the one file that is moved.
    let connection = open(part, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    Ok(())
}

/// Durably under its name.
fn put(part: &Path, to: &Path) -> Result<(), StoreError> {
    fs::File::open(part)?.sync_all()?;
    fs::rename(part, to)?;
    #[cfg(unix)]
    if let Some(folder) = to.parent() {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// What an earlier attempt left.
fn forget(part: &Path) -> io::Result<()> {
    for tail in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(part, tail)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, tail: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(tail);
    PathBuf::from(name)
}
