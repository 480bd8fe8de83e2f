//! Configuration files.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Largest file: hand-written text is far below it, a wrong path may be far above.
const MAX_BYTES: u64 = 1024 * 1024;

/// A configuration file does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is too large to be one.
    #[error("{} has {bytes} bytes; a configuration has at most {MAX_BYTES}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Its text is wrong.
    #[error("{}, line {line}, column {column}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

impl ConfigError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config_unreadable",
            Self::TooLarge { .. } => "config_too_large",
            Self::Invalid { .. } => "config_invalid",
        }
    }

    /// What a person should do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable { .. } => {
                "name the file with --config, and see that this user may read it".to_owned()
            }
            Self::TooLarge { .. } => "name the right file with --config".to_owned(),
            Self::Invalid { line, .. } => {
                format!("correct line {line}; a key that is not known is taken for a mistake")
            }
        }
    }
}

/// Reads a TOML file. Unknown keys are errors where `T` says `deny_unknown_fields`.
///
/// # Errors
/// [`ConfigError`] names file, line and column.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    parse(path, &read_text(path)?)
}

/// The text of a configuration file.
///
/// # Errors
/// [`ConfigError`] when it cannot be read or is too large to be one.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > MAX_BYTES {
        return Err(ConfigError::TooLarge {
            path: path.to_owned(),
            bytes,
        });
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Turns the text of the file at `path` into `T`.
///
/// # Errors
/// [`ConfigError::Invalid`] with line and column.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or("");
        ConfigError::Invalid {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().unwrap_or("").chars().count() + 1,
            message: error.message().to_owned(),
        }
    })
}

/// Where the driver's configuration is when nobody says otherwise.
#[must_use]
pub fn default_path() -> PathBuf {
    if cfg!(windows) {
        let data = std::env::var_os("ProgramData").unwrap_or_else(|| r"C:\ProgramData".into());
        PathBuf::from(data).join("ERP Driver").join("config.toml")
    } else {
        PathBuf::from("/etc/erp-driver/config.toml")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[expect(dead_code, reason = "only read")]
        hub: String,
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "hub = 'x'\n\n hbu = 'y'\n").unwrap();
        let error = read::<File>(&path).unwrap_err();
        assert!(
            matches!(
                &error,
                ConfigError::Invalid {
                    line: 3,
                    column: 2,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("hbu"), "{error}");
    }
}
