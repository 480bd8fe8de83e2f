//! A site: company file, hub and driver.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::{Api, Output, Running, run, run_in};

/// How the driver reads the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// unixODBC and libsqliteodbc.
    Odbc,
    /// The sandbox adapter.
    Sandbox,
}

/// A company file, a hub with one tenant, and a driver.
#[derive(Debug)]
pub struct Site {
    folder: tempfile::TempDir,
    reader: Reader,
    /// The hub.
    pub hub: Hub,
    /// A caller with read and write scope.
    pub api: Api,
}

/// A hub over a store of its own.
#[derive(Debug)]
pub struct Hub {
    folder: PathBuf,
    store: String,
    /// Its address.
    pub address: String,
    process: Option<Running>,
}

impl Hub {
    /// Starts a hub in this folder.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        Self::start_over(folder, &test_tier::store_address(&folder.join("hub.db")))
    }

    /// Starts a hub over this store; the folder is for what else it leaves.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start_over(folder: &Path, store: &str) -> Self {
        let mut hub = Self {
            folder: folder.to_owned(),
            store: store.to_owned(),
            address: String::new(),
            process: None,
        };
        hub.serve("127.0.0.1:0", &[]);
        hub
    }

    /// The store's address for `--store`.
    #[must_use]
    pub fn store(&self) -> String {
        self.store.clone()
    }

    /// The store's file, where it is one.
    #[must_use]
    pub fn store_file(&self) -> Option<PathBuf> {
        self.store.strip_prefix("sqlite:").map(PathBuf::from)
    }

    /// Starts it again where it was, after [`kill`](Self::kill).
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_again(&mut self, environment: &[(&str, &str)]) {
        let address = self.address.trim_start_matches("http://").to_owned();
        self.serve(&address, environment);
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the hub runs").pid()
    }

    /// Has it ended by itself?
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(Running::has_ended)
    }

    /// Runs an administrative command on its store.
    #[must_use]
    pub fn admin(&self, arguments: &[&str]) -> Output {
        let store = self.store();
        let mut all = arguments.to_vec();
        all.extend(["--store", &store]);
        run("erp-hub", &all)
    }

    fn serve(&mut self, listen: &str, environment: &[(&str, &str)]) {
        let announce = self.folder.join("hub.address");
        // A file of an earlier start would be taken for this one's.
        let _ = std::fs::remove_file(&announce);
        let store = self.store();
        let announce_text = announce.display().to_string();
        let arguments = [
            "serve",
            "--store",
            &store,
            "--listen",
            listen,
            "--announce",
            &announce_text,
        ];
        let mut process = Running::start(&self.folder, "erp-hub", &arguments, environment);
        let start = Instant::now();
        loop {
            if let Ok(address) = std::fs::read_to_string(&announce)
                && !address.trim().is_empty()
            {
                self.address = format!("http://{}", address.trim());
                break;
            }
            assert!(!process.has_ended(), "the hub ended: {}", process.log());
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "the hub does not come up: {}",
                process.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process = Some(process);
    }
}

impl Site {
    /// An empty site: a company file made by `make`, a hub, an enrolled driver.
    ///
    /// # Panics
    /// When a step fails.
    #[must_use]
    pub fn new(reader: Reader, make: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::start(folder.path());
        Self::over(folder, hub, reader, make)
    }

    /// The same with a hub over this store.
    ///
    /// # Panics
    /// When a step fails.
    #[must_use]
    pub fn with_store(reader: Reader, store: &str, make: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::start_over(folder.path(), store);
        Self::over(folder, hub, reader, make)
    }

    fn over(folder: tempfile::TempDir, hub: Hub, reader: Reader, make: impl FnOnce(&Path)) -> Self {
        make(&folder.path().join("company.db"));
        hub.admin(&["tenant", "add", "Acme"]).ok();
        let token = hub.admin(&[
            "token",
            "add",
            "--tenant",
            "Acme",
            "--scope",
            "write",
            "--classes",
            "public,personal,cost,credit",
        ]);
        let api = Api::new(&hub.address, token.ok().trim());
        let site = Self {
            folder,
            reader,
            hub,
            api,
        };
        site.write_config("driver", "");
        site.enroll("driver").ok();
        site
    }

    /// A site with the demo company.
    ///
    /// # Panics
    /// When a step fails.
    #[must_use]
    pub fn demo(reader: Reader) -> Self {
        Self::new(reader, |file| {
            run("sage-sandbox", &["create", &file.display().to_string()]).ok();
        })
    }

    /// The site's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The company's file.
    #[must_use]
    pub fn company(&self) -> PathBuf {
        self.folder.path().join("company.db")
    }

    /// The configuration file of a driver.
    #[must_use]
    pub fn config(&self, driver: &str) -> PathBuf {
        self.folder.path().join(format!("{driver}.toml"))
    }

    /// Writes the configuration of a driver with a state folder of its own; `more` is added
    /// at its end, in the section of the company.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write_config(&self, driver: &str, more: &str) {
        let company = self.company().display().to_string();
        let reader = match self.reader {
            Reader::Odbc => format!("reader.odbc = \"Driver=SQLite3;Database={company};StepAPI=1\""),
            Reader::Sandbox => format!("reader.sandbox = \"{company}\""),
        };
        let text = format!(
            "[hub]\nurl = \"{}\"\n[erp]\ntime_zone = \"America/New_York\"\n[state]\ndir = \"{driver}\"\n\
             [sync]\ninterval_s = 1\n\
             [[company]]\ncode = \"ABC\"\nedition = \"standard\"\n{reader}\nwriter.sandbox = \"{company}\"\n\
             orders.password_env = \"SAGE_PASSWORD\"\norders.history_kept = true\norders.fence_wait_s = 5\n{more}",
            self.hub.address
        );
        std::fs::write(self.config(driver), text).unwrap();
    }

    /// Enrols a driver with a fresh code.
    #[must_use]
    pub fn enroll(&self, driver: &str) -> Output {
        let code = self.hub.admin(&["enroll-code", "--tenant", "Acme"]).ok();
        self.driver_named(driver, &["enroll", "--code", code.trim()], &[])
    }

    /// Runs a command of the driver to its end.
    #[must_use]
    pub fn driver(&self, arguments: &[&str]) -> Output {
        self.driver_named("driver", arguments, &[])
    }

    /// Runs a command of a driver to its end, with more environment.
    #[must_use]
    pub fn driver_named(&self, driver: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let config = self.config(driver).display().to_string();
        let mut all = vec!["--config", &config];
        all.extend(arguments);
        let mut with = vec![("SAGE_PASSWORD", "sandbox")];
        with.extend(environment);
        run_in(self.path(), "erp-driver", &all, &with)
    }

    /// Starts `erp-driver run`.
    #[must_use]
    pub fn start_driver(&self, driver: &str, environment: &[(&str, &str)]) -> Running {
        let config = self.config(driver).display().to_string();
        let mut with = vec![("SAGE_PASSWORD", "sandbox"), ("ERP_DRIVER_LOG", "debug")];
        with.extend(environment);
        Running::start(self.path(), "erp-driver", &["--config", &config, "run"], &with)
    }

    /// Runs a statement on the company's file, behind everybody's back.
    ///
    /// # Panics
    /// When the statement fails or changes nothing.
    pub fn erp(&self, sql: &str) {
        change(&self.company(), sql);
    }

    /// Asks the company's file for one value as text.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn ask_erp(&self, sql: &str) -> String {
        let connection = rusqlite::Connection::open(self.company()).unwrap();
        let value: rusqlite::types::Value = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        match value {
            rusqlite::types::Value::Null => String::new(),
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Real(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Blob(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Runs a statement on the hub's store, behind its back.
    ///
    /// # Panics
    /// When the statement fails or changes nothing.
    pub fn hub_store(&self, sql: &str) {
        if let Some(file) = self.hub.store_file() {
            return change(&file, sql);
        }
        let server = test_tier::postgres().unwrap();
        let counted = format!("WITH done AS ({sql} RETURNING 1) SELECT count(*) FROM done");
        let changed = server.ask(&self.hub.store, &counted);
        assert_ne!(changed, "0", "{sql} changed nothing");
    }

    /// The tables of the hub's datasets as a file of SQLite's: where the store is no such file,
    /// their rows are copied into one.
    ///
    /// # Panics
    /// When they cannot be.
    #[must_use]
    pub fn hub_tables(&self) -> PathBuf {
        if let Some(file) = self.hub.store_file() {
            return file;
        }
        let server = test_tier::postgres().unwrap();
        let store = &self.hub.store;
        let file = self.path().join("hub-tables.db");
        // Of an earlier copy.
        drop(std::fs::remove_file(&file));
        let copy = rusqlite::Connection::open(&file).unwrap();
        copy.execute_batch("BEGIN").unwrap();
        let names = "SELECT c.relname, string_agg(a.attname, ',' ORDER BY a.attnum) \
                     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
                     WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace \
                     AND (c.relname = 'hub_tenants' OR c.relname NOT LIKE 'hub\\_%') GROUP BY c.relname";
        for line in server.ask(store, names).lines() {
            let (table, columns) = line.split_once('|').unwrap();
            let columns: Vec<&str> = columns.split(',').collect();
            let places = vec!["?"; columns.len()].join(",");
            copy.execute_batch(&format!(
                "CREATE TABLE \"{table}\" (\"{}\")",
                columns.join("\",\"")
            ))
            .unwrap();
            let mut insert = copy
                .prepare(&format!("INSERT INTO \"{table}\" VALUES ({places})"))
                .unwrap();
            let rows = server.ask(store, &format!("SELECT json_agg(to_json(t)) FROM \"{table}\" t"));
            let rows: Vec<serde_json::Map<String, serde_json::Value>> = match rows.as_str() {
                "" => Vec::new(),
                rows => serde_json::from_str(rows).unwrap(),
            };
            for row in rows {
                let values = columns.iter().map(|name| match &row[*name] {
                    serde_json::Value::Null => rusqlite::types::Value::Null,
                    serde_json::Value::String(text) => text.clone().into(),
                    serde_json::Value::Number(number) => number.as_i64().unwrap().into(),
                    serde_json::Value::Bool(_)
                    | serde_json::Value::Array(_)
                    | serde_json::Value::Object(_) => panic!("{table} holds a {name} that is no value"),
                });
                insert.execute(rusqlite::params_from_iter(values)).unwrap();
            }
        }
        copy.execute_batch("COMMIT").unwrap();
        file
    }
}

fn change(file: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    let changed = connection
        .execute(sql, [])
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
    assert!(changed > 0, "{sql} changed nothing");
}
