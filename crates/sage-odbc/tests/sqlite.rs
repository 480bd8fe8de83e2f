//! Through the real driver manager and libsqliteodbc, the nearest stand-in for a
//! file-based ERP driver.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use rusqlite::Connection;
use sage::contract::{READER_FIXTURE_SQL, check_reader};
use sage::{
    Column, Comparison, Dialect, FindingCode, Literal, Page, ReadError, ReadErrorCode, Reader, Select, Where,
};
use sage_odbc::OdbcReader;
use tempfile::TempDir;
use values::{Kind, Secret};

const TIME_LIMIT: Duration = Duration::from_secs(30);

fn connect(path: &Path) -> Result<OdbcReader, ReadError> {
    let connection = format!("Driver=SQLite3;Database={};StepAPI=1", path.display());
    OdbcReader::connect(&connection, None, Dialect::default(), 5)
}

fn company(script: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("company.db");
    let file = Connection::open(&path).unwrap();
    file.execute_batch(READER_FIXTURE_SQL).unwrap();
    file.execute_batch(script).unwrap();
    (folder, path)
}

fn texts(page: &Page, column: usize) -> Vec<String> {
    page.rows
        .column(column)
        .as_string::<i32>()
        .iter()
        .flatten()
        .map(str::to_owned)
        .collect()
}

fn select(table: &str, columns: &[&str]) -> Select {
    Select {
        table: table.to_owned(),
        columns: columns.iter().map(|c| Column::new(*c, Kind::Text)).collect(),
        conditions: Vec::new(),
        order_by: vec![columns[0].to_owned()],
    }
}

#[test]
fn keeps_the_readers_contract() {
    if !test_tier::require("odbc") {
        return;
    }
    let (folder, fixture) = company("");
    let missing = folder.path().join("missing.db");
    check_reader(&mut |path| Ok(Box::new(connect(path)?)), &fixture, &missing);
}

#[test]
fn keeps_it_with_materialised_results_too() {
    if !test_tier::require("odbc") {
        return;
    }
    let (folder, fixture) = company("");
    let missing = folder.path().join("missing.db");
    let mut open = |path: &Path| -> Result<Box<dyn Reader>, ReadError> {
        let connection = format!("DRIVER={{SQLite3}};database={}", path.display());
        Ok(Box::new(OdbcReader::connect(
            &connection,
            None,
            Dialect::default(),
            5,
        )?))
    };
    check_reader(&mut open, &fixture, &missing);
}

#[test]
fn the_probe_names_the_driver_and_its_version() {
    if !test_tier::require("odbc") {
        return;
    }
    let (_folder, path) = company("");
    let probe = connect(&path).unwrap().probe().unwrap();
    assert!(probe.driver.contains("sqlite3odbc"), "{probe:?}");
    assert!(probe.driver_version.starts_with("0."), "{probe:?}");
    assert!(probe.database.starts_with("SQLite 3."), "{probe:?}");
}

#[test]
fn unknown_drivers_and_sources_are_named() {
    if !test_tier::require("odbc") {
        return;
    }
    for connection in [
        "DSN=NO_SUCH_SOURCE",
        "Driver={MAS 90 4.0 ODBC Driver};Company=ABC",
        "Driver=/no/such/driver.so",
    ] {
        let secret = Secret::new("hunter2");
        let error = OdbcReader::connect(connection, Some(&secret), Dialect::default(), 5).unwrap_err();
        assert_eq!(error.code, ReadErrorCode::NoDriver, "{connection}: {error:?}");
        assert!(!error.message.contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_missing_file_stays_missing() {
    if !test_tier::require("odbc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.db");
    let error = connect(&missing).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::WrongDatabase);
    assert!(error.message.contains("missing.db"), "{error:?}");
    assert!(!missing.exists());
}

#[test]
fn pages_of_five_thousand_rows_have_an_exact_end() {
    if !test_tier::require("odbc") {
        return;
    }
    let (_folder, path) = company(
        "CREATE TABLE Big (K VARCHAR(10) PRIMARY KEY, V VARCHAR(40));
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12001)
         INSERT INTO Big SELECT printf('%06d', i), 'value of ' || i FROM n;",
    );
    let mut reader = connect(&path).unwrap();
    let mut select = select("Big", &["K", "V"]);
    let mut seen = Vec::new();
    for (rows, end) in [(5000, false), (5000, false), (2001, true)] {
        let page = reader.read(&select, 5000, TIME_LIMIT).unwrap();
        assert_eq!((page.rows.num_rows(), page.end), (rows, end));
        seen.extend(texts(&page, 0));
        select.conditions = vec![Where {
            column: "K".into(),
            comparison: Comparison::Greater,
            literal: Literal::Text(seen.last().unwrap().clone()),
        }];
    }
    let whole: Vec<_> = (1..=12001).map(|i| format!("{i:06}")).collect();
    assert!(seen == whole, "every row once, in order");
    select.conditions.clear();
    let page = reader.read(&select, 12001, TIME_LIMIT).unwrap();
    assert_eq!((page.rows.num_rows(), page.end), (12001, true));
}

#[test]
fn long_values_come_whole_or_not_at_all() {
    if !test_tier::require("odbc") {
        return;
    }
    // The declared ten are characters or bytes, and SQLite keeps whatever it is given.
    let (_folder, path) = company(
        "CREATE TABLE Long (K VARCHAR(10), V VARCHAR(10), W TEXT);
         INSERT INTO Long VALUES ('a', 'short', 'x'), ('b', replace(hex(zeroblob(20000)), '0', 'é') || 'Z', 'y');
         CREATE TABLE Huge (K VARCHAR(10), V TEXT);
         INSERT INTO Huge VALUES ('a', hex(zeroblob(1000000)));",
    );
    let mut reader = connect(&path).unwrap();
    for _ in 0..2 {
        let page = reader
            .read(&select("Long", &["K", "V", "W"]), 10, TIME_LIMIT)
            .unwrap();
        let values = texts(&page, 1);
        assert_eq!((values[0].as_str(), values[1].chars().count()), ("short", 40_001));
        assert!(values[1].ends_with('Z') && page.end);
        assert_eq!(texts(&page, 2), ["x", "y"]);
    }
    let error = reader
        .read(&select("Huge", &["K", "V"]), 10, TIME_LIMIT)
        .unwrap_err();
    assert_eq!(error.code, ReadErrorCode::Truncated, "{error:?}");
    assert!(
        error.message.contains("Huge") && error.message.contains('V'),
        "{error:?}"
    );
    assert!(reader.probe().is_ok(), "the reader stays usable");
}

#[test]
fn bytes_of_the_code_page_are_found_and_read() {
    if !test_tier::require("odbc") {
        return;
    }
    let (_folder, path) = company(
        "CREATE TABLE Page (K VARCHAR(10), V VARCHAR(30));
         INSERT INTO Page VALUES ('a', CAST(x'4672fc687374fc636b2080' AS TEXT)), ('b', 'Frühstück €'), ('c', NULL);",
    );
    let page = connect(&path)
        .unwrap()
        .read(&select("Page", &["K", "V"]), 10, TIME_LIMIT)
        .unwrap();
    assert_eq!(texts(&page, 1), ["Frühstück €", "Frühstück €", ""]);
    let found: Vec<_> = page.findings.iter().map(|f| (f.row, f.code)).collect();
    assert_eq!(found, [(0, FindingCode::CodePage)]);
    assert_eq!(page.rows.column(1).null_count(), 0);
}

#[test]
fn widths_are_declared_and_what_is_beyond_them_is_found() {
    if !test_tier::require("odbc") {
        return;
    }
    let (_folder, path) = company(
        "CREATE TABLE Wide (K VARCHAR(4), V VARCHAR(5), N DECIMALTEXT(4,2), D DATE);
         INSERT INTO Wide VALUES ('a', 'Größe', '99.99', '1753-01-01'),
             ('b', 'Größen', '12345.678', '2026-13-01'), ('c', 'x' || char(1), '1.5E2', NULL);",
    );
    let mut reader = connect(&path).unwrap();
    let declared = reader.columns("Wide").unwrap();
    let widths: Vec<_> = declared.iter().map(|c| (c.width, c.scale)).collect();
    assert_eq!(widths[..3], [(4, 0), (5, 0), (4, 2)], "{declared:?}");
    let kinds = [Kind::Text, Kind::Text, Kind::Decimal { scale: 2 }, Kind::Date];
    let mut wide = select("Wide", &["K"]);
    wide.columns = declared
        .iter()
        .zip(kinds)
        .map(|(c, kind)| Column::new(&c.name, kind).with_width(c.width))
        .collect();
    let page = reader.read(&wide, 10, TIME_LIMIT).unwrap();
    assert_eq!(
        texts(&page, 1),
        ["Größe", "Größen", "x\u{1}"],
        "all arrive, whole"
    );
    let mut found: Vec<_> = page
        .findings
        .iter()
        .map(|f| (f.row, f.column.as_str(), f.code))
        .collect();
    found.sort_unstable_by_key(|f| (f.0, f.1));
    assert_eq!(
        found,
        [
            (1, "D", FindingCode::BadDate),
            (1, "N", FindingCode::Rounded),
            (1, "V", FindingCode::LongerThanDeclared),
            (2, "N", FindingCode::BadNumber),
            (2, "V", FindingCode::CodePage),
        ]
    );
}

#[test]
fn a_table_that_vanishes_between_calls_is_missing_not_empty() {
    if !test_tier::require("odbc") {
        return;
    }
    let (_folder, path) = company("CREATE TABLE Gone (K VARCHAR(4)); INSERT INTO Gone VALUES ('a');");
    let mut reader = connect(&path).unwrap();
    let gone = select("Gone", &["K"]);
    assert_eq!(reader.read(&gone, 10, TIME_LIMIT).unwrap().rows.num_rows(), 1);
    assert!(reader.tables().unwrap().contains(&"Gone".to_owned()));
    Connection::open(&path)
        .unwrap()
        .execute_batch("DROP TABLE Gone")
        .unwrap();
    let error = reader.read(&gone, 10, TIME_LIMIT).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::TableMissing, "{error:?}");
    assert_eq!(reader.columns("Gone").unwrap(), []);
    let tables = reader.tables().unwrap();
    assert_eq!(tables, ["AR_Customer", "CI_Item", "IM_ItemWarehouse"]);
}

#[test]
fn a_read_over_its_limit_is_named() {
    if !test_tier::require("odbc") {
        return;
    }
    let (_folder, path) = company(
        "CREATE VIEW Endless AS WITH RECURSIVE n(K) AS (SELECT 'a' UNION ALL SELECT 'a' FROM n) SELECT K FROM n;",
    );
    let mut reader = connect(&path).unwrap();
    let mut select = select("Endless", &["K"]);
    select.order_by.clear();
    let error = reader
        .read(&select, usize::MAX, Duration::from_millis(200))
        .unwrap_err();
    assert_eq!(error.code, ReadErrorCode::TimedOut, "{error:?}");
}

/// Data sources are listed in a file that the environment names, so the test runs itself
/// again with another environment.
#[test]
fn a_data_source_does_not_make_its_file() {
    const AGAIN: &str = "SAGE_ODBC_TEST_FOLDER";
    if !test_tier::require("odbc") {
        return;
    }
    if let Some(folder) = std::env::var_os(AGAIN).map(PathBuf::from) {
        let connect = |name: &str| OdbcReader::connect(&format!("DSN={name}"), None, Dialect::default(), 5);
        assert!(connect("COMPANY").unwrap().probe().is_ok());
        let error = connect("MISSING")
            .and_then(|mut reader| reader.probe())
            .unwrap_err();
        let codes = [ReadErrorCode::WrongDatabase, ReadErrorCode::ConnectFailed];
        assert!(codes.contains(&error.code), "{error:?}");
        assert!(!folder.join("missing.db").exists(), "{error:?}");
        return;
    }
    let (folder, path) = company("");
    let list = folder.path().join("odbc.ini");
    let missing = folder.path().join("missing.db");
    let text = format!(
        "[COMPANY]\nDriver=SQLite3\nDatabase={}\n[MISSING]\nDriver=SQLite3\nDatabase={}\n",
        path.display(),
        missing.display()
    );
    std::fs::write(&list, text).unwrap();
    let again = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_data_source_does_not_make_its_file"])
        .env("ODBCINI", &list)
        .env(AGAIN, folder.path())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&again.stdout);
    assert!(
        again.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
}
