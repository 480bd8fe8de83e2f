//! Files as the folder's access list protects them. Protection by DPAPI follows.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::SecretsError;

/// Writes beside the file and renames, so that a crash leaves the old one or the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), SecretsError> {
    let temporary = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)
    };
    write().map_err(|source| SecretsError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

/// Reads the file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, SecretsError> {
    fs::read(path).map_err(|source| SecretsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
