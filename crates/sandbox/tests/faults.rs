//! Reads that were told to lie, stall or fail do so, and only those: `reader.TABLE.fault`.
#![expect(clippy::unwrap_used, reason = "tests may stop where they stand")]

use std::time::{Duration, Instant};

use sage::{Column, Comparison, Literal, Page, ReadError, ReadErrorCode, Reader, Select, Where};
use sandbox::{Company, Plan, Profile, SandboxReader, create, system_clock};
use values::Kind;

const LIMIT: Duration = Duration::from_secs(20);

/// A demonstration company, its reader, and what may be set beside it.
struct Fixture {
    _folder: tempfile::TempDir,
    company: Company,
    reader: SandboxReader,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc.db");
        create(&path, &Plan::new(Profile::Demo)).unwrap();
        Self {
            company: Company::open(&path, system_clock()).unwrap(),
            reader: SandboxReader::open(&path).unwrap(),
            _folder: folder,
        }
    }

    fn set(&self, name: &str, value: &str) {
        sandbox::Settings::new(self.company.connection())
            .set(name, value)
            .unwrap();
    }

    fn scan(&mut self) -> Result<Page, ReadError> {
        self.reader.read(&customers(Vec::new()), 10_000, LIMIT)
    }

    fn customer(&mut self) -> Result<Page, ReadError> {
        let (division, number) = (
            is("ARDivisionNo", Comparison::Equal, "01"),
            is("CustomerNo", Comparison::Equal, "ABF"),
        );
        self.reader.read(&customers(vec![division, number]), 10, LIMIT)
    }

    /// As a scan goes on behind a key.
    fn behind(&mut self) -> Result<Page, ReadError> {
        let (division, number) = (
            is("ARDivisionNo", Comparison::Equal, "01"),
            is("CustomerNo", Comparison::Greater, "ABF"),
        );
        self.reader
            .read(&customers(vec![division, number]), 10_000, LIMIT)
    }
}

fn customers(conditions: Vec<Where>) -> Select {
    Select {
        table: "AR_Customer".into(),
        columns: vec![
            Column::new("ARDivisionNo", Kind::Text),
            Column::new("CustomerNo", Kind::Text),
        ],
        conditions,
        order_by: vec!["ARDivisionNo".into(), "CustomerNo".into()],
    }
}

fn is(column: &str, comparison: Comparison, text: &str) -> Where {
    Where {
        column: column.into(),
        comparison,
        literal: Literal::Text(text.into()),
    }
}

fn rows(page: Result<Page, ReadError>) -> (usize, bool) {
    let page = page.unwrap();
    (page.rows.num_rows(), page.end)
}

#[test]
fn rows_are_held_back_until_the_fault_is_blank() {
    let mut f = Fixture::new();
    let (all, end) = rows(f.scan());
    assert!(all > 20 && end, "{all} customers");

    f.set("reader.AR_Customer.fault", "empty");
    assert_eq!(rows(f.scan()), (0, true));
    assert_eq!(rows(f.customer()), (0, true));

    f.set("reader.AR_Customer.fault", "ends-early");
    assert_eq!(rows(f.scan()), (all / 2, true));
    // A page that would go on claims the end as well.
    let page = f.reader.read(&customers(Vec::new()), 10, LIMIT);
    assert_eq!(rows(page), (5, true));

    f.set("reader.AR_Customer.fault", "");
    assert_eq!(rows(f.scan()), (all, true));
}

#[test]
fn with_scan_behind_it_reads_by_key_are_spared() {
    let mut f = Fixture::new();
    let (behind, _) = rows(f.behind());
    assert!(behind > 1, "{behind} customers behind the key");
    f.set("reader.AR_Customer.fault", "empty:scan");
    assert_eq!(rows(f.scan()), (0, true));
    // A scan's later pages begin with an equal part of the key, and are scans all the same.
    assert_eq!(rows(f.behind()), (0, true));
    assert_eq!(rows(f.customer()), (1, true));
    f.set("reader.AR_Customer.fault", "fails:scan");
    assert_eq!(f.scan().unwrap_err().code, ReadErrorCode::DriverError);
    assert_eq!(rows(f.customer()), (1, true));
}

#[test]
fn other_tables_are_not_touched() {
    let mut f = Fixture::new();
    f.set("reader.CI_Item.fault", "fails");
    assert!(rows(f.scan()).0 > 0);
}

#[test]
fn a_read_fails_for_good() {
    let mut f = Fixture::new();
    f.set("reader.AR_Customer.fault", "fails");
    assert_eq!(f.scan().unwrap_err().code, ReadErrorCode::DriverError);
    assert_eq!(f.customer().unwrap_err().code, ReadErrorCode::DriverError);
}

#[test]
fn a_denied_table_is_nowhere_to_be_seen() {
    let mut f = Fixture::new();
    let sees = |f: &mut Fixture| f.reader.tables().unwrap().contains(&"AR_Customer".to_owned());
    assert!(sees(&mut f));
    f.set("reader.AR_Customer.fault", "denied");
    assert!(!sees(&mut f));
    assert_eq!(f.reader.columns("AR_Customer").unwrap(), []);
    assert_eq!(f.scan().unwrap_err().code, ReadErrorCode::TableMissing);
    assert_eq!(f.customer().unwrap_err().code, ReadErrorCode::TableMissing);
    f.set("reader.AR_Customer.fault", "");
    assert!(sees(&mut f));
}

#[test]
fn a_stall_ends_after_its_time_or_at_the_limit() {
    let mut f = Fixture::new();
    f.set("reader.AR_Customer.fault", "stalls");
    f.set("reader.AR_Customer.stall_s", "1");
    let started = Instant::now();
    assert!(rows(f.scan()).0 > 0);
    assert!(started.elapsed() >= Duration::from_secs(1));

    f.set("reader.AR_Customer.stall_s", "");
    let limit = Duration::from_millis(200);
    let started = Instant::now();
    let error = f.reader.read(&customers(Vec::new()), 10, limit).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::TimedOut);
    assert!(started.elapsed() >= limit);
}
