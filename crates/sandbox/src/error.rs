//! What can go wrong with a sandbox company, and what a person does about it.

use std::path::PathBuf;

/// A sandbox operation failed; the company is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Nothing is there, or it is no sandbox company.
    #[error("{} is no sandbox company: {reason}", path.display())]
    WrongDatabase {
        /// The file asked for.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// A company is made only where nothing is.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file asked for.
        path: PathBuf,
    },
    /// The company has no such table.
    #[error("there is no table {table}")]
    TableMissing {
        /// The name asked for.
        table: String,
    },
    /// The table has no such column.
    #[error("{table} has no column {column}")]
    ColumnMissing {
        /// The table.
        table: String,
        /// The name asked for.
        column: String,
    },
    /// The key names no row, or not a whole key.
    #[error("{table} has no row {key}")]
    RowMissing {
        /// The table.
        table: String,
        /// The key as it was given.
        key: String,
    },
    /// A name that is no table, column or setting name.
    #[error("{name:?} is no name: letters, digits and _ only")]
    BadName {
        /// The name.
        name: String,
    },
    /// A setting holds what it cannot mean.
    #[error("setting {name} is {value:?}: {expected} expected")]
    BadSetting {
        /// The setting.
        name: String,
        /// What it holds.
        value: String,
        /// What it should look like.
        expected: &'static str,
    },
    /// A CSV file cannot be taken; nothing of it was.
    #[error("{}{place}: {problem}", file.display())]
    File {
        /// The CSV file.
        file: PathBuf,
        /// Line and column in it, ready to be put after the name.
        place: Place,
        /// What is wrong and how it is mended.
        problem: String,
    },
    /// A folder or file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// `SQLite` failed.
    #[error("the company file: {0}")]
    Database(#[from] rusqlite::Error),
}

/// A place in a CSV file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: Option<u64>,
    /// Column's name.
    pub column: Option<String>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        Ok(())
    }
}

impl SandboxError {
    /// The stable code, as it stands in logs and `--json` output.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongDatabase { .. } => "wrong_database",
            Self::Exists { .. } => "company_exists",
            Self::TableMissing { .. } => "table_missing",
            Self::ColumnMissing { .. } => "column_missing",
            Self::RowMissing { .. } => "row_missing",
            Self::BadName { .. } => "bad_name",
            Self::BadSetting { .. } => "bad_setting",
            Self::File { .. } => "bad_file",
            Self::Io { .. } => "io_failed",
            Self::Database(_) => "database_failed",
        }
    }

    /// May the same call succeed later without anybody doing anything?
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Database(error) => matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ),
            Self::WrongDatabase { .. }
            | Self::Exists { .. }
            | Self::TableMissing { .. }
            | Self::ColumnMissing { .. }
            | Self::RowMissing { .. }
            | Self::BadName { .. }
            | Self::BadSetting { .. }
            | Self::File { .. }
            | Self::Io { .. } => false,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::WrongDatabase { .. } => "check the path, or make a company with sage-sandbox create",
            Self::Exists { .. } => "choose another file, or remove this one first",
            Self::TableMissing { .. } => "sage-sandbox show FILE lists the tables",
            Self::ColumnMissing { .. } => "sage-sandbox show FILE --table TABLE shows the columns",
            Self::RowMissing { .. } => {
                "give every key column as --key Column=Value; sage-sandbox show FILE --table TABLE shows the keys"
            }
            Self::BadName { .. } => "correct the name",
            Self::BadSetting { .. } => "correct it with sage-sandbox setting FILE set NAME VALUE",
            Self::File { .. } => "correct the file and load it again; files before it are loaded already",
            Self::Io { .. } => "check that the path exists and that you may read and write there",
            Self::Database(_) => {
                "check that the disk has room and that no other program locks the file, then try again"
            }
        }
    }
}
