//! One process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// So long a lock that is held is tried again.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// A lock on a file, held until it is dropped or the process ends, however it ends. The
/// holder's id stands beside it (`….pid`), since a locked file cannot be read on Windows.
#[derive(Debug)]
pub struct Exclusive {
    _file: File,
}

/// The lock was not got.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{} is held by process {holder}", path.display())]
    Held {
        /// The file.
        path: PathBuf,
        /// The process's id, or `unknown`.
        holder: String,
    },
    /// The file cannot be used.
    #[error("{} cannot be locked: {source}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl LockError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "already_running",
            Self::Unusable { .. } => "lock_unusable",
        }
    }

    /// What a person should do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Held { .. } => "stop the other process (perhaps the service), or wait for it".to_owned(),
            Self::Unusable { path, .. } => format!("see that this user may write {}", path.display()),
        }
    }
}

impl Exclusive {
    /// Takes the lock. It waits for a moment: somebody who only looks whether it is held
    /// ([`is_held`](Self::is_held)) has it for an instant.
    ///
    /// # Errors
    /// [`LockError::Held`] names the process that has it.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable {
            path: path.to_owned(),
            source,
        };
        let file = open(path).map_err(unusable)?;
        let began = Instant::now();
        let taken = loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                taken => break taken,
            }
        };
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(holder_path(path)).unwrap_or_default();
                let holder = holder.trim();
                let holder = if holder.is_empty() { "unknown" } else { holder }.to_owned();
                return Err(LockError::Held {
                    path: path.to_owned(),
                    holder,
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let mut named = open(&holder_path(path)).map_err(unusable)?;
        named
            .set_len(0)
            .and_then(|()| named.rewind())
            .and_then(|()| writeln!(named, "{}", std::process::id()))
            .map_err(unusable)?;
        Ok(Self { _file: file })
    }

    /// Whether some process holds it now. `false` as well when there is no such file.
    #[must_use]
    pub fn is_held(path: &Path) -> bool {
        File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn holder_path(path: &Path) -> PathBuf {
    path.with_added_extension("pid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("driver.lock");
        assert!(!Exclusive::is_held(&path));
        let held = Exclusive::acquire(&path).unwrap();
        assert!(Exclusive::is_held(&path));
        let error = Exclusive::acquire(&path).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with(&format!("process {}", std::process::id())),
            "{error}"
        );
        drop(held);
        // A process that a neighbouring test is just starting has a copy of the file until it
        // runs its own program.
        let began = std::time::Instant::now();
        while Exclusive::is_held(&path) {
            assert!(began.elapsed().as_secs() < 10, "the lock is not given back");
            std::thread::yield_now();
        }
        Exclusive::acquire(&path).unwrap();
    }
}
