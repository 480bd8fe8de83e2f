//! The connection string: what is checked before a driver sees it, and what is added.

use std::borrow::Cow;
use std::path::Path;

use odbc_api::{environment, escape_attribute_value};
use sage::{ReadError, ReadErrorCode};
use values::Secret;

/// The string for the driver manager.
///
/// libsqliteodbc makes a file that is missing and then answers as an empty database, so
/// for it the file is looked for first and the driver is told not to. Behind a data source
/// name the path is hidden from us, and only the telling is left.
///
/// # Errors
/// [`ReadErrorCode::WrongDatabase`] when the file is not there.
pub(crate) fn prepare(connection: &str, password: Option<&Secret>) -> Result<String, ReadError> {
    let attributes = attributes(connection);
    let mut prepared = connection.trim_end().trim_end_matches(';').to_owned();
    let by_file = value(&attributes, "driver").is_some_and(is_sqlite);
    if by_file {
        check_file(value(&attributes, "database").unwrap_or_default())?;
        if value(&attributes, "stepapi") != Some("1") {
            tracing::warn!(
                "the connection string lacks StepAPI=1: the SQLite driver will hold whole tables in memory"
            );
        }
    }
    let by_name = || {
        value(&attributes, "dsn")
            .and_then(driver_of)
            .is_some_and(|driver| is_sqlite(&driver))
    };
    if value(&attributes, "nocreat").is_none() && (by_file || by_name()) {
        prepared.push_str(";NoCreat=1");
    }
    if let Some(password) = password {
        prepared.push_str(";PWD=");
        prepared.push_str(&escape_attribute_value(password.reveal()));
    }
    Ok(prepared)
}

fn is_sqlite(driver: &str) -> bool {
    driver.to_ascii_lowercase().contains("sqlite")
}

/// The driver behind a data source name.
fn driver_of(name: &str) -> Option<String> {
    let sources = environment()
        .and_then(|environment| environment.data_sources())
        .ok()?;
    sources
        .into_iter()
        .find(|source| source.server_name.eq_ignore_ascii_case(name))
        .map(|source| source.driver)
}

fn check_file(path: &str) -> Result<(), ReadError> {
    if Path::new(path).is_file() {
        return Ok(());
    }
    Err(ReadError::new(
        ReadErrorCode::WrongDatabase,
        format!("there is no database file {path:?}"),
    ))
}

fn value<'a>(attributes: &'a [(String, Cow<'_, str>)], key: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|(have, _)| have == key)
        .map(|(_, value)| value.as_ref())
}

/// `key=value;key={value with ; and }} in it}`: keys in lower case.
fn attributes(connection: &str) -> Vec<(String, Cow<'_, str>)> {
    let mut found = Vec::new();
    let mut rest = connection;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('{') {
            Some(braced) => take_braced(braced),
            None => {
                let (value, next) = after.split_once(';').unwrap_or((after, ""));
                (Cow::Borrowed(value.trim_end()), next)
            }
        };
        found.push((key.trim_matches([' ', ';']).to_ascii_lowercase(), value));
        rest = next;
    }
    found
}

fn take_braced(text: &str) -> (Cow<'_, str>, &str) {
    let mut from = 0;
    while let Some(place) = text[from..].find('}').map(|p| p + from) {
        if text[place + 1..].starts_with('}') {
            from = place + 2;
            continue;
        }
        let value = &text[..place];
        let value = if value.contains("}}") {
            Cow::Owned(value.replace("}}", "}"))
        } else {
            Cow::Borrowed(value)
        };
        return (value, text[place + 1..].trim_start_matches([' ', ';']));
    }
    (Cow::Borrowed(text), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_with_braces() {
        let read = attributes("Driver={A;B}}C}; UID = me|ABC ;Company=ABC;");
        let read: Vec<_> = read.iter().map(|(k, v)| (k.as_str(), v.as_ref())).collect();
        assert_eq!(read, [("driver", "A;B}C"), ("uid", "me|ABC"), ("company", "ABC")]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = prepare("Driver=SQLite3;Database=/nowhere/abc.db;StepAPI=1", None).unwrap_err();
        assert_eq!(error.code, ReadErrorCode::WrongDatabase);
        assert!(error.message.contains("/nowhere/abc.db"), "{error}");
    }

    #[test]
    fn the_password_is_added_last_and_escaped() {
        let prepared = prepare("DSN=SAGE;UID=web;", Some(&Secret::new("a;b}"))).unwrap();
        assert_eq!(prepared, "DSN=SAGE;UID=web;PWD={a;b}}}");
    }
}
