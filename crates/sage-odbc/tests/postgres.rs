//! A second driver: odbc-postgresql over a server that the test starts for itself. Real
//! decimals, dates and time stamps come through it, and names whose case matters.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal64Type};
use sage::{
    Column, Comparison, Dialect, FindingCode, Literal, Page, ReadError, ReadErrorCode, Reader, Select, Where,
};
use sage_odbc::OdbcReader;
use tempfile::TempDir;
use values::{Date, Kind, Secret, days_from_date};

const PASSWORD: &str = "not a;secret";
const SCRIPT: &str = r#"
CREATE TABLE "CI_Item" ("ItemCode" varchar(30) PRIMARY KEY, "ItemCodeDesc" varchar(30),
    "StandardUnitPrice" numeric(15,6), "LastSoldDate" timestamp, "DateUpdated" date);
INSERT INTO "CI_Item" VALUES
    ('A100', 'Blanks   ', 79.5, '1753-01-01', '2026-05-01'),
    ('B200', NULL, 0.1, NULL, '2026-05-02'),
    ('C300', 'Rössle Sauerkraut €', -99999999.123456, '2026-02-28', '2026-05-03');
CREATE TABLE "Big" ("K" varchar(10) PRIMARY KEY, "V" text);
INSERT INTO "Big" SELECT to_char(i, 'FM000000'), 'value ' || i FROM generate_series(1, 7000) AS i;
INSERT INTO "Big" VALUES ('999999', repeat('é', 5000));
CREATE TABLE "IM_ItemWarehouse" ("ItemCode" varchar(30), "WarehouseCode" varchar(3), PRIMARY KEY ("ItemCode", "WarehouseCode"));
INSERT INTO "IM_ItemWarehouse" SELECT 'ITEM' || i, w FROM generate_series(1, 7) AS i, unnest(ARRAY['000', '001']) AS w;
CREATE VIEW "Slow" AS SELECT pg_sleep(20)::text AS "K";
CREATE VIEW "Drip" AS SELECT i::text || pg_sleep(0.001)::text AS "K" FROM generate_series(1, 20000) AS i;
CREATE TABLE "Memo" ("K" varchar(10) PRIMARY KEY, "V" text);
INSERT INTO "Memo" VALUES ('a', repeat('x', 2000000));
CREATE TABLE "Padded" ("K" char(6) PRIMARY KEY, "V" varchar(10));
INSERT INTO "Padded" VALUES ('A', 'one'), ('A B', 'two'), ('B', 'bell' || chr(7));
CREATE SCHEMA system;
CREATE TABLE system."SY_Company" ("CompanyCode" varchar(3), "CompanyName" varchar(30));
INSERT INTO system."SY_Company" VALUES ('ABC', 'ABC Distribution');
CREATE ROLE web LOGIN PASSWORD 'not a;secret';
GRANT SELECT ON "Big" TO web;
"#;

/// A server in a folder of its own; ends with the value.
struct Server {
    bin: PathBuf,
    folder: TempDir,
    port: u16,
    user: Option<(u32, u32)>,
}

impl Server {
    fn start(bin: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("erp-postgres").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        // The server refuses to run as root.
        let user = (id(&["-u"]) == Some(0))
            .then(|| (id(&["-u", "postgres"]).unwrap(), id(&["-g", "postgres"]).unwrap()));
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let server = Self {
            bin,
            folder,
            port,
            user,
        };
        let password = server.folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        if let Some((uid, gid)) = server.user {
            std::os::unix::fs::chown(&password, Some(uid), Some(gid)).unwrap();
        }
        let mut initdb = server.command("initdb");
        initdb.args([
            "-U",
            "sage",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
            "-A",
            "scram-sha-256",
            "--pwfile",
        ]);
        run(initdb.arg(&password).arg("-D").arg(server.data()));
        let mut start = server.command("pg_ctl");
        let options = format!("-p {port} -h 127.0.0.1 -k {}", server.folder.path().display());
        run(start
            .args(["-w", "-o", &options, "-l"])
            .arg(server.folder.path().join("log"))
            .arg("-D")
            .arg(server.data())
            .arg("start"));
        server.execute("postgres", "CREATE DATABASE \"MAS_ABC\"");
        server.execute("MAS_ABC", SCRIPT);
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(self.folder.path()).stdout(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn connection(&self, database: &str) -> String {
        format!(
            "Driver={{PostgreSQL Unicode}};Servername=127.0.0.1;Port={};Database={database};UID=sage",
            self.port
        )
    }

    /// The reader never writes, so the company is made past it.
    fn execute(&self, database: &str, script: &str) {
        let connection = format!("{};PWD={{{PASSWORD}}}", self.connection(database));
        let connection = odbc_api::environment()
            .unwrap()
            .connect_with_connection_string(&connection, odbc_api::ConnectionOptions::default())
            .unwrap();
        drop(connection.execute(script, (), None).unwrap());
    }

    fn open(&self, connection: &str, dialect: Dialect) -> Result<OdbcReader, ReadError> {
        let dialect = Dialect {
            quoted: true,
            ..dialect
        };
        OdbcReader::connect(connection, Some(&Secret::new(PASSWORD)), dialect, 5)
    }

    /// Ends the session that reads the table, once it has been at it for a while.
    fn end_session(&self, table: &str) {
        let script = format!(
            "DO $$ BEGIN FOR i IN 1..200 LOOP \
             PERFORM pg_sleep(0.05); \
             PERFORM pg_stat_clear_snapshot(); \
             PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
             AND state <> 'idle' AND (query LIKE '%\"{table}\"%' OR query ILIKE 'fetch %') AND xact_start < clock_timestamp() - interval '0.7 s'; \
             IF FOUND THEN RETURN; END IF; END LOOP; RAISE 'nobody reads it'; END $$"
        );
        self.execute("MAS_ABC", &script);
    }

    fn connect(&self, database: &str, password: &str) -> Result<OdbcReader, ReadError> {
        let connection = self.connection(database);
        let dialect = Dialect {
            quoted: true,
            ..Dialect::default()
        };
        OdbcReader::connect(&connection, Some(&Secret::new(password)), dialect, 5)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl");
        drop(
            stop.args(["-m", "immediate", "-D"])
                .arg(self.data())
                .arg("stop")
                .status(),
        );
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(status.success(), "{command:?}: {status}");
}

fn has_driver() -> bool {
    let listed = std::fs::read_to_string(Path::new("/etc/odbcinst.ini")).unwrap_or_default();
    listed.contains("[PostgreSQL Unicode]")
}

fn select(table: &str, columns: &[(&str, Kind)]) -> Select {
    Select {
        table: table.to_owned(),
        columns: columns
            .iter()
            .map(|(name, kind)| Column::new(*name, *kind))
            .collect(),
        conditions: Vec::new(),
        order_by: vec![columns[0].0.to_owned()],
    }
}

fn read(reader: &mut OdbcReader, select: &Select, rows: usize) -> Page {
    reader.read(select, rows, Duration::from_secs(30)).unwrap()
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

fn code(result: Result<Page, ReadError>) -> ReadErrorCode {
    match result {
        Ok(page) => panic!("{page:?}"),
        Err(error) => error.code,
    }
}

#[test]
fn reads_through_a_second_driver() {
    if !test_tier::require("odbc") {
        return;
    }
    let Some(bin) = test_tier::postgres_bin() else {
        return;
    };
    assert!(has_driver(), "apt-get install odbc-postgresql");
    let server = Server::start(bin);
    check_places(&server);
    let mut reader = server.connect("MAS_ABC", PASSWORD).unwrap();
    check_values(&mut reader);
    check_catalogue(&mut reader);
    check_pages(&mut reader);
    check_failures(&mut reader);
    check_padded_keys(&mut reader);
    check_vanishing(&server, &mut reader);
    check_rights(&server);
    check_system_tables(&server);
    check_broken_connections(&server);
}

fn check_places(server: &Server) {
    let probe = server.connect("MAS_ABC", PASSWORD).unwrap().probe().unwrap();
    assert!(
        probe.driver.starts_with("psqlodbc") && probe.database.starts_with("PostgreSQL"),
        "{probe:?}"
    );
    let error = server.connect("postgres", PASSWORD).unwrap().probe().unwrap_err();
    assert_eq!(error.code, ReadErrorCode::WrongDatabase, "{error:?}");
    let error = server.connect("MAS_XYZ", PASSWORD).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::WrongDatabase, "{error:?}");
    let error = server.connect("MAS_ABC", "wrong;password").unwrap_err();
    assert_eq!(error.code, ReadErrorCode::PasswordRefused, "{error:?}");
    assert!(!error.message.contains("wrong;password"), "{error:?}");
}

fn check_values(reader: &mut OdbcReader) {
    let mut items = select(
        "CI_Item",
        &[
            ("ItemCode", Kind::Text),
            ("ItemCodeDesc", Kind::Text),
            ("StandardUnitPrice", Kind::Decimal { scale: 6 }),
            ("LastSoldDate", Kind::Date),
            ("DateUpdated", Kind::Date),
        ],
    );
    let page = read(reader, &items, 100);
    assert!(page.end && page.findings.is_empty(), "{page:?}");
    assert_eq!(texts(&page, 1), ["Blanks", "", "Rössle Sauerkraut €"]);
    let prices = page.rows.column(2).as_primitive::<Decimal64Type>();
    assert_eq!(
        prices.values().to_vec(),
        [79_500_000, 100_000, -99_999_999_123_456]
    );
    let day = |year, month, day| Some(days_from_date(Date::constant(year, month, day)));
    let sold: Vec<_> = page.rows.column(3).as_primitive::<Date32Type>().iter().collect();
    assert_eq!(
        sold,
        [None, None, day(2026, 2, 28)],
        "1753-01-01 and NULL are no date"
    );
    items.conditions = vec![Where {
        column: "DateUpdated".into(),
        comparison: Comparison::AtLeast,
        literal: Literal::Date(Date::constant(2026, 5, 2)),
    }];
    assert_eq!(texts(&read(reader, &items, 100), 0), ["B200", "C300"]);
    items.conditions[0] = Where {
        column: "ItemCodeDesc".into(),
        comparison: Comparison::Equal,
        literal: Literal::Text("Rössle Sauerkraut €".into()),
    };
    assert_eq!(texts(&read(reader, &items, 100), 0), ["C300"]);
}

fn check_catalogue(reader: &mut OdbcReader) {
    let columns = reader.columns("CI_Item").unwrap();
    let found: Vec<_> = columns
        .iter()
        .map(|c| (c.name.as_str(), c.width, c.scale))
        .collect();
    assert_eq!(found[0], ("ItemCode", 30, 0));
    assert_eq!(found[2], ("StandardUnitPrice", 15, 6));
    assert_eq!(found.len(), 5);
    assert!(reader.columns("CI_Ite_").unwrap().is_empty());
    assert!(reader.columns("ci_item").unwrap().is_empty());
}

fn check_pages(reader: &mut OdbcReader) {
    let mut big = select("Big", &[("K", Kind::Text), ("V", Kind::Text)]);
    let first = read(reader, &big, 5000);
    assert_eq!((first.rows.num_rows(), first.end), (5000, false));
    big.conditions = vec![Where {
        column: "K".into(),
        comparison: Comparison::Greater,
        literal: Literal::Text("005000".into()),
    }];
    let second = read(reader, &big, 5000);
    assert_eq!((second.rows.num_rows(), second.end), (2001, true));
    assert_eq!(
        texts(&second, 1).last().unwrap().chars().count(),
        5000,
        "a long value is whole"
    );
    let stock = select(
        "IM_ItemWarehouse",
        &[("ItemCode", Kind::Text), ("WarehouseCode", Kind::Text)],
    );
    for rows in [13, 14, 15] {
        let page = read(reader, &stock, rows);
        assert_eq!((page.rows.num_rows(), page.end), (rows.min(14), rows >= 14));
    }
}

fn check_failures(reader: &mut OdbcReader) {
    let limit = Duration::from_secs(30);
    let missing = select("CI_ItemX", &[("ItemCode", Kind::Text)]);
    assert_eq!(code(reader.read(&missing, 1, limit)), ReadErrorCode::TableMissing);
    let missing = select("CI_Item", &[("UDF_NONE", Kind::Text)]);
    assert_eq!(
        code(reader.read(&missing, 1, limit)),
        ReadErrorCode::ColumnMissing
    );
    let slow = select("Slow", &[("K", Kind::Text)]);
    assert_eq!(
        code(reader.read(&slow, 1, Duration::from_millis(500))),
        ReadErrorCode::TimedOut
    );
    let memo = select("Memo", &[("K", Kind::Text), ("V", Kind::Text)]);
    assert_eq!(code(reader.read(&memo, 1, limit)), ReadErrorCode::Truncated);
    assert!(reader.probe().is_ok(), "the reader stays usable");
}

fn check_padded_keys(reader: &mut OdbcReader) {
    let mut padded = select("Padded", &[("K", Kind::Text), ("V", Kind::Text)]);
    let page = read(reader, &padded, 10);
    assert_eq!(texts(&page, 0), ["A", "A B", "B"], "padding is cut");
    let found: Vec<_> = page.findings.iter().map(|f| (f.row, f.code)).collect();
    assert_eq!(
        found,
        [(2, FindingCode::CodePage)],
        "a control character is found"
    );
    for (comparison, keys) in [
        (Comparison::Equal, vec!["A"]),
        (Comparison::Greater, vec!["A B", "B"]),
        (Comparison::AtMost, vec!["A"]),
    ] {
        padded.conditions = vec![Where {
            column: "K".into(),
            comparison,
            literal: Literal::Text("A".into()),
        }];
        assert_eq!(texts(&read(reader, &padded, 10), 0), keys, "{comparison:?}");
    }
}

fn check_vanishing(server: &Server, reader: &mut OdbcReader) {
    let gone = select("Gone", &[("K", Kind::Text)]);
    server.execute("MAS_ABC", r#"CREATE TABLE "Gone" ("K" varchar(5))"#);
    assert!(reader.tables().unwrap().contains(&"Gone".to_owned()));
    assert!(read(reader, &gone, 10).end);
    server.execute("MAS_ABC", r#"DROP TABLE "Gone""#);
    let failed = reader.read(&gone, 10, Duration::from_secs(30));
    assert_eq!(code(failed), ReadErrorCode::TableMissing);
    assert!(!reader.tables().unwrap().contains(&"Gone".to_owned()));
    assert!(reader.columns("Gone").unwrap().is_empty());
}

fn check_rights(server: &Server) {
    let connection = server.connection("MAS_ABC").replace("UID=sage", "UID=web");
    let mut reader = server.open(&connection, Dialect::default()).unwrap();
    let limit = Duration::from_secs(30);
    let items = select("CI_Item", &[("ItemCode", Kind::Text)]);
    let error = reader.read(&items, 1, limit).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::TableDenied, "{error:?}");
    assert!(
        !error.is_retryable() && error.remedy().contains("right"),
        "{error:?}"
    );
    let missing = select("CI_ItemX", &[("ItemCode", Kind::Text)]);
    assert_eq!(code(reader.read(&missing, 1, limit)), ReadErrorCode::TableMissing);
    let open = select("Big", &[("K", Kind::Text)]);
    assert_eq!(read(&mut reader, &open, 3).rows.num_rows(), 3);
}

fn check_system_tables(server: &Server) {
    let dialect = Dialect {
        schema: Some("MAS_ABC.public".into()),
        system_schema: Some("MAS_ABC.system".into()),
        ..Dialect::default()
    };
    let mut reader = server.open(&server.connection("MAS_ABC"), dialect).unwrap();
    let companies = select("SY_Company", &[("CompanyCode", Kind::Text)]);
    assert_eq!(texts(&read(&mut reader, &companies, 10), 0), ["ABC"]);
    let columns = reader.columns("SY_Company").unwrap();
    let columns: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.width)).collect();
    assert_eq!(columns, [("CompanyCode", 3), ("CompanyName", 30)]);
    assert_eq!(reader.columns("CI_Item").unwrap().len(), 5);
    assert_eq!(
        reader.tables().unwrap(),
        [
            "Big",
            "CI_Item",
            "Drip",
            "IM_ItemWarehouse",
            "Memo",
            "Padded",
            "SY_Company",
            "Slow"
        ]
    );
    // Without the option the system's tables are out of sight.
    let mut reader = server
        .open(
            &server.connection("MAS_ABC"),
            Dialect {
                schema: Some("public".into()),
                ..Dialect::default()
            },
        )
        .unwrap();
    assert!(reader.columns("SY_Company").unwrap().is_empty());
    let failed = reader.read(&companies, 10, Duration::from_secs(30));
    assert_eq!(code(failed), ReadErrorCode::TableMissing);
}

/// The server ends the session before the first row, and between two fetches of a page.
fn check_broken_connections(server: &Server) {
    let limit = Duration::from_secs(60);
    for (options, table) in [("", "Slow"), (";UseDeclareFetch=1;Fetch=100", "Drip")] {
        let connection = format!("{}{options}", server.connection("MAS_ABC"));
        let mut reader = server.open(&connection, Dialect::default()).unwrap();
        let mut wanted = select(table, &[("K", Kind::Text)]);
        wanted.order_by.clear();
        let error = std::thread::scope(|scope| {
            scope.spawn(|| server.end_session(table));
            match reader.read(&wanted, usize::MAX, limit) {
                Ok(page) => panic!("{table}: {} rows for a whole page", page.rows.num_rows()),
                Err(error) => error,
            }
        });
        assert_eq!(error.code, ReadErrorCode::ConnectFailed, "{table}: {error:?}");
        assert!(error.is_retryable());
        let failed = reader.read(&wanted, 1, limit);
        assert_eq!(
            code(failed),
            ReadErrorCode::ConnectFailed,
            "{table}: it stays broken"
        );
    }
}
