//! Real bridge processes: what they read, and what happens when they die or hang.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray as _;
use driver::bridge::{FAULT_LOST, FAULT_TIMED_OUT, ReadBridge, ReadSource, WriteBridge, WriteTarget};
use rusqlite::Connection;
use sage::contract::{READER_FIXTURE_SQL, check_reader};
use sage::{
    BusinessObjects as _, Call, Column, Comparison, Dialect, Literal, ReadError, ReadErrorCode, Reader,
    Select, Where,
};
use tempfile::TempDir;
use values::{Kind, Secret};

const TIME_LIMIT: Duration = Duration::from_secs(30);

fn company(script: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("company.db");
    let file = Connection::open(&path).unwrap();
    file.execute_batch(READER_FIXTURE_SQL).unwrap();
    file.execute_batch(script).unwrap();
    (folder, path)
}

fn sandbox(path: &Path) -> ReadSource {
    ReadSource::Sandbox {
        path: path.to_owned(),
    }
}

fn odbc(path: &Path) -> ReadSource {
    ReadSource::Odbc {
        connection: format!("Driver=SQLite3;Database={};StepAPI=1", path.display()),
        password: Some(Secret::new("no secret")),
        dialect: Dialect::default(),
    }
}

fn start(source: &ReadSource) -> Result<ReadBridge, ReadError> {
    ReadBridge::start(&test_tier::program("erp-bridge"), source)
}

fn items() -> Select {
    Select {
        table: "CI_Item".into(),
        columns: vec![Column::new("ItemCode", Kind::Text)],
        conditions: Vec::new(),
        order_by: vec!["ItemCode".into()],
    }
}

/// A zombie is still in the process table: whoever started it has not waited for it.
fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}/stat")).exists()
}

#[test]
fn a_sandbox_read_through_a_process_keeps_the_readers_contract() {
    let (folder, fixture) = company("");
    let mut open =
        |path: &Path| -> Result<Box<dyn Reader>, ReadError> { Ok(Box::new(start(&sandbox(path))?)) };
    check_reader(&mut open, &fixture, &folder.path().join("missing.db"));
}

#[test]
fn an_odbc_driver_read_through_a_process_keeps_the_readers_contract() {
    if !test_tier::require("odbc") {
        return;
    }
    let (folder, fixture) = company("");
    let mut open = |path: &Path| -> Result<Box<dyn Reader>, ReadError> { Ok(Box::new(start(&odbc(path))?)) };
    check_reader(&mut open, &fixture, &folder.path().join("missing.db"));
}

#[test]
fn a_killed_bridge_is_lost_once_and_comes_back() {
    let (_folder, path) = company("");
    let mut bridge = start(&sandbox(&path)).unwrap();
    let first = bridge.pid().unwrap();
    test_tier::signal(first, "KILL");
    let error = bridge.read(&items(), 10, TIME_LIMIT).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::BridgeLost, "{error:?}");
    assert!(
        error.message.contains("signal: 9"),
        "it says how the process ended: {error:?}"
    );
    assert!(error.is_retryable());
    assert!(!is_there(first), "the dead process was waited for");
    let page = bridge.read(&items(), 10, TIME_LIMIT).unwrap();
    assert_eq!(page.rows.column(0).as_string::<i32>().value(0), "A100");
    assert!(page.end);
    let second = bridge.pid().unwrap();
    assert_ne!(first, second);
    drop(bridge);
    assert!(!is_there(second), "dropping ends the process");
}

#[test]
fn a_bridge_killed_inside_a_read_is_lost_and_comes_back() {
    if !test_tier::require("odbc") {
        return;
    }
    let (_folder, path) = company(ENDLESS);
    let mut bridge = start(&odbc(&path)).unwrap();
    let pid = bridge.pid().unwrap();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        test_tier::signal(pid, "KILL");
    });
    let error = bridge.read(&endless(), 10, TIME_LIMIT).unwrap_err();
    killer.join().unwrap();
    assert_eq!(error.code, ReadErrorCode::BridgeLost, "{error:?}");
    assert_eq!(bridge.read(&items(), 3, TIME_LIMIT).unwrap().rows.num_rows(), 3);
}

/// No row ever comes, and libsqliteodbc knows no time limit: a hang inside the driver.
const ENDLESS: &str =
    "CREATE VIEW Endless AS WITH RECURSIVE n(K) AS (SELECT 'a' UNION ALL SELECT 'a' FROM n) SELECT K FROM n;";

fn endless() -> Select {
    Select {
        table: "Endless".into(),
        columns: vec![Column::new("K", Kind::Text)],
        conditions: vec![Where {
            column: "K".into(),
            comparison: Comparison::Equal,
            literal: Literal::Text("b".into()),
        }],
        order_by: Vec::new(),
    }
}

#[test]
fn a_driver_that_hangs_is_killed_at_the_deadline() {
    if !test_tier::require("odbc") {
        return;
    }
    let (_folder, path) = company(ENDLESS);
    let mut bridge = start(&odbc(&path)).unwrap();
    let pid = bridge.pid().unwrap();
    let began = Instant::now();
    let error = bridge
        .read(&endless(), 10, Duration::from_millis(300))
        .unwrap_err();
    assert_eq!(error.code, ReadErrorCode::TimedOut, "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(!is_there(pid), "the hanging process is gone");
    assert_eq!(bridge.read(&items(), 3, TIME_LIMIT).unwrap().rows.num_rows(), 3);
}

#[test]
fn a_bridge_that_stands_still_is_killed_at_the_deadline() {
    let (_folder, path) = company("");
    let mut bridge = start(&sandbox(&path)).unwrap();
    let pid = bridge.pid().unwrap();
    test_tier::signal(pid, "STOP");
    let error = bridge.read(&items(), 10, Duration::from_millis(200)).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::TimedOut, "{error:?}");
    assert!(!is_there(pid));
    assert!(bridge.probe().is_ok());
}

#[test]
fn a_bridge_that_keeps_dying_rests() {
    let (_folder, path) = company("");
    let mut bridge = start(&sandbox(&path)).unwrap();
    for _ in 0..5 {
        test_tier::signal(bridge.pid().unwrap(), "KILL");
        assert_eq!(bridge.probe().unwrap_err().code, ReadErrorCode::BridgeLost);
        bridge.probe().unwrap();
    }
    test_tier::signal(bridge.pid().unwrap(), "KILL");
    bridge.probe().unwrap_err();
    let error = bridge.probe().unwrap_err();
    assert_eq!(error.code, ReadErrorCode::BridgeLost);
    assert!(error.message.contains("within a minute"), "{error:?}");
}

#[test]
fn a_program_that_is_no_bridge_is_named_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let source = sandbox(&folder.path().join("company.db"));
    let missing = folder.path().join("no-bridge");
    let error = ReadBridge::start(&missing, &source).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::BridgeLost);
    assert!(error.message.contains("no-bridge"), "{error:?}");
    // `ls` says on its standard error that there is no file `read`.
    let error = ReadBridge::start(Path::new("/bin/ls"), &source).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::BridgeLost);
    assert!(
        error.message.contains("last words: ") && error.message.contains("'read'"),
        "{error:?}"
    );
}

fn writer(folder: &Path) -> WriteBridge {
    let path = folder.join("company.db");
    sandbox::create(&path, &sandbox::Plan::new(sandbox::Profile::Demo)).unwrap();
    let target = WriteTarget::Sandbox {
        path,
        program: test_tier::program("sage-sandbox"),
    };
    WriteBridge::start(&test_tier::program("erp-bridge"), &target).unwrap()
}

fn set_user() -> Call {
    Call::SetUser {
        user: sandbox::objects::DEFAULT_USER.into(),
        password: Secret::new(sandbox::objects::DEFAULT_PASSWORD),
    }
}

#[test]
fn calls_go_through_to_the_object_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut bridge = writer(folder.path());
    let server = bridge.server().unwrap();
    assert!(server.pid != bridge.pid() && is_there(server.pid));
    assert_eq!(bridge.call(&set_user()).unwrap().code, 1);
    assert_eq!(
        bridge
            .call(&Call::SetCompany { code: "ZZZ".into() })
            .unwrap()
            .code,
        0
    );
    assert_eq!(
        bridge
            .call(&Call::SetCompany { code: "ABC".into() })
            .unwrap()
            .code,
        1
    );
    bridge.kill();
    assert!(!is_there(bridge.pid()));
    assert_eq!(bridge.call(&Call::CleanUp).unwrap_err().code, FAULT_LOST);
}

#[test]
fn a_lost_writer_faults_and_stays_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut bridge = writer(folder.path());
    test_tier::signal(bridge.pid(), "KILL");
    let fault = bridge.call(&set_user()).unwrap_err();
    assert_eq!(fault.code, FAULT_LOST, "{fault:?}");
    assert!(fault.message.contains("signal: 9"), "{fault:?}");
    let again = bridge.call(&set_user()).unwrap_err();
    assert!(
        again.code == FAULT_LOST && again.message.contains("poisoned"),
        "{again:?}"
    );
    assert!(!is_there(bridge.pid()));
}

#[test]
fn a_writer_that_stands_still_is_killed_at_its_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let mut bridge = writer(folder.path());
    bridge.set_deadline(Duration::from_millis(200));
    test_tier::signal(bridge.pid(), "STOP");
    let fault = bridge.call(&set_user()).unwrap_err();
    assert_eq!(fault.code, FAULT_TIMED_OUT, "{fault:?}");
    assert!(!is_there(bridge.pid()));
}
