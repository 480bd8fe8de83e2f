//! From the driver's words to the kinds of failure that people tell apart.

use odbc_api::Error;
use sage::{ReadError, ReadErrorCode};
use values::Secret;

/// What failed, in the driver's words and under the port's code.
pub(crate) fn read_error(error: &Error, what: &str) -> ReadError {
    let (state, words) = match error {
        Error::Diagnostics { record, .. }
        | Error::UnsupportedOdbcApiVersion(record)
        | Error::InvalidRowArraySize { record, .. }
        | Error::UnableToRepresentNull(record)
        | Error::OracleOdbcDriverDoesNotSupport64Bit(record) => {
            let text = record.to_string();
            let words = text
                .split_once("Message: ")
                .map_or(text.as_str(), |(_, words)| words)
                .trim()
                .to_owned();
            (record.state.as_str().to_owned(), words)
        }
        Error::TooLargeValueForBuffer { .. } => ("22001".to_owned(), error.to_string()),
        Error::FailedSettingConnectionPooling
        | Error::FailedAllocatingEnvironment
        | Error::NoDiagnostics { .. }
        | Error::AbortedConnectionStringCompletion
        | Error::FailedReadingInput(_)
        | Error::TooLargeColumnBufferSize { .. } => (String::new(), error.to_string()),
    };
    let code = code_of(&state, &words);
    let place = if state.is_empty() {
        String::new()
    } else {
        format!(" [{state}]")
    };
    ReadError::new(code, format!("{what}: {words}{place}"))
}

/// A failure to connect: what the driver does not classify is a server out of reach, and
/// no driver may put the password into its words.
pub(crate) fn connect_error(error: &Error, password: Option<&Secret>) -> ReadError {
    let mut failed = read_error(error, "connecting");
    // Before there is a connection no table can be denied: a file, a socket or a database is.
    if matches!(
        failed.code,
        ReadErrorCode::DriverError | ReadErrorCode::TableDenied
    ) {
        failed.code = ReadErrorCode::ConnectFailed;
    }
    match password.map(Secret::reveal) {
        Some(password) if !password.is_empty() => failed.message = failed.message.replace(password, "…"),
        Some(_) | None => {}
    }
    failed
}

/// `SQLSTATE`s come first where they are exact; drivers that answer `HY000` to everything
/// are known by their words.
fn code_of(state: &str, words: &str) -> ReadErrorCode {
    let words = words.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().all(|part| words.contains(part));
    match state {
        "IM002" | "IM003" | "IM004" => return ReadErrorCode::NoDriver,
        "28000" => return ReadErrorCode::PasswordRefused,
        "42S02" | "S0002" | "42P01" => return ReadErrorCode::TableMissing,
        "42501" => return ReadErrorCode::TableDenied,
        "42S22" | "S0022" | "42703" => return ReadErrorCode::ColumnMissing,
        "HYT00" | "S1T00" | "57014" => return ReadErrorCode::TimedOut,
        "22001" | "01004" => return ReadErrorCode::Truncated,
        "3D000" => return ReadErrorCode::WrongDatabase,
        // The server ended the session: whoever holds the reader has to open another.
        "57P01" | "57P02" | "57P03" => return ReadErrorCode::ConnectFailed,
        _ => {}
    }
    if says(&["can't open lib"]) {
        ReadErrorCode::NoDriver
    } else if says(&["password authentication failed"]) || says(&["login failed"]) || says(&["logon failed"])
    {
        ReadErrorCode::PasswordRefused
    } else if says(&["permission", "denied"]) || says(&["is not able to access the database"]) {
        ReadErrorCode::TableDenied
    } else if says(&["no such table"]) || says(&["table is not accessible"]) {
        ReadErrorCode::TableMissing
    } else if says(&["no such column"]) || says(&["column not found"]) {
        ReadErrorCode::ColumnMissing
    } else if says(&["not a database"])
        || says(&["database", "does not exist"])
        || says(&["cannot open database"])
    {
        ReadErrorCode::WrongDatabase
    } else if state.starts_with("08")
        || state == "HYT01"
        || says(&["unable to open database file"])
        || says(&["connection has been lost"])
    {
        ReadErrorCode::ConnectFailed
    } else {
        ReadErrorCode::DriverError
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_words_become_codes() {
        for (state, words, code) in [
            ("IM002", "Data source name not found", ReadErrorCode::NoDriver),
            (
                "01000",
                "Can't open lib 'x' : file not found",
                ReadErrorCode::NoDriver,
            ),
            ("28000", "Login failed for user", ReadErrorCode::PasswordRefused),
            (
                "08001",
                "FATAL: password authentication failed for user \"x\"",
                ReadErrorCode::PasswordRefused,
            ),
            (
                "08001",
                "FATAL: database \"x\" does not exist",
                ReadErrorCode::WrongDatabase,
            ),
            (
                "08001",
                "could not connect to server",
                ReadErrorCode::ConnectFailed,
            ),
            (
                "08S01",
                "Communication link failure",
                ReadErrorCode::ConnectFailed,
            ),
            (
                "57P01",
                "FATAL: terminating connection due to administrator command",
                ReadErrorCode::ConnectFailed,
            ),
            (
                "HY000",
                "The connection has been lost",
                ReadErrorCode::ConnectFailed,
            ),
            ("42S02", "Invalid object name", ReadErrorCode::TableMissing),
            (
                "42000",
                "The SELECT permission was denied on the object 'CI_Item', database 'MAS_ABC', schema 'dbo'.",
                ReadErrorCode::TableDenied,
            ),
            (
                "42000",
                "The SELECT permission was denied on the column 'X' of the object 'CI_Item'",
                ReadErrorCode::TableDenied,
            ),
            (
                "42000",
                "The server principal \"web\" is not able to access the database \"MAS_SYSTEM\" under the current security context.",
                ReadErrorCode::TableDenied,
            ),
            (
                "42501",
                "permission denied for table ci_item",
                ReadErrorCode::TableDenied,
            ),
            (
                "HY000",
                "no such table: CI_ItemX (1)",
                ReadErrorCode::TableMissing,
            ),
            (
                "HY000",
                "no such column: UDF_NONE (1)",
                ReadErrorCode::ColumnMissing,
            ),
            ("HYT00", "Timeout expired", ReadErrorCode::TimedOut),
            (
                "HY000",
                "file is not a database (26)",
                ReadErrorCode::WrongDatabase,
            ),
            ("HY000", "disk I/O error", ReadErrorCode::DriverError),
        ] {
            assert_eq!(code_of(state, words), code, "{state} {words}");
        }
    }
}
