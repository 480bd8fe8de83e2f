//! Documents on their way into the company, and what became of them there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Answer, Running, Site, run};

/// How long a document may take, with programs that are killed and started again.
const SETTLED: Duration = Duration::from_secs(90);

impl Site {
    /// Sets a switch of the sandbox.
    ///
    /// # Panics
    /// When it cannot be set.
    pub fn setting(&self, name: &str, value: &str) {
        let company = self.company().display().to_string();
        run("sage-sandbox", &["setting", &company, "set", name, value]).ok();
    }

    /// Plays a script of the sandbox.
    ///
    /// # Panics
    /// When it fails.
    pub fn play(&self, script: &str) {
        let company = self.company().display().to_string();
        run("sage-sandbox", &["play", &company, "--script", script]).ok();
    }

    /// Sends a document to a collection (`payments`); its id.
    ///
    /// # Panics
    /// When the hub does not take it.
    #[must_use]
    #[track_caller]
    pub fn send(&self, collection: &str, key: &str, body: &Value) -> String {
        let answer = self.api.post(&format!("/v1/{collection}"), key, body);
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// The document when nothing more happens to it without a person.
    ///
    /// # Panics
    /// When that takes too long.
    #[must_use]
    pub fn settled(&self, id: &str) -> Value {
        self.api
            .wait_for(&format!("/v1/imports/{id}"), SETTLED, Answer::is_settled)
            .body
    }

    /// The document, which must be written.
    ///
    /// # Panics
    /// When it settles in another state.
    #[must_use]
    #[track_caller]
    pub fn written(&self, id: &str) -> Value {
        let import = self.settled(id);
        assert_eq!(import["state"], "written", "{import}");
        import
    }

    /// The document after a person decided about it, which must become written.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn written_after_decision(&self, id: &str) -> Value {
        let path = format!("/v1/imports/{id}");
        let is_written = |a: &Answer| a.body["state"] == "written";
        self.api.wait_for(&path, SETTLED, is_written).body
    }

    /// Sends a document while a fault of the driver or the worker waits, and starts the
    /// driver again until the document is settled.
    ///
    /// # Panics
    /// When the fault is not reached, the driver does not stay up, or nothing settles.
    #[must_use]
    pub fn settled_in_spite_of(&self, point: &str, send: impl FnOnce() -> String) -> Value {
        let once = self.once_file();
        let once_text = once.display().to_string();
        let environment = [
            ("ERP_DRIVER_FAULT_POINT", point),
            ("ERP_DRIVER_FAULT_ONCE", once_text.as_str()),
        ];
        let mut driver = self.start_driver("driver", &environment);
        let path = format!("/v1/imports/{}", send());
        let began = Instant::now();
        let mut starts = 1;
        loop {
            if driver.has_ended() {
                starts += 1;
                assert!(
                    starts < 5,
                    "{point}: the driver does not stay up: {}",
                    driver.log()
                );
                driver = self.start_driver("driver", &environment);
            }
            let answer = self.api.get(&path);
            if answer.is_settled() {
                assert!(!once.exists(), "{point} was never passed: {}", answer.body);
                return answer.body;
            }
            assert!(began.elapsed() < SETTLED, "{point}: still {}", answer.body);
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// A file that only one process can remove: the one that dies of a fault.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn once_file(&self) -> PathBuf {
        let once = self.path().join("once");
        std::fs::write(&once, "").unwrap();
        once
    }

    /// Waits until a fault of the sandbox that fires once has fired.
    ///
    /// # Panics
    /// When it does not.
    pub fn wait_until_fired(&self, name: &str) {
        let start = Instant::now();
        let count = format!("SELECT count(*) FROM sandbox_setting WHERE name = '{name}'");
        while self.ask_erp(&count) != "0" {
            assert!(start.elapsed() < Duration::from_secs(30), "{name} does not fire");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Rows of the company's file, by column.
    ///
    /// # Panics
    /// When the question is wrong.
    #[must_use]
    pub fn erp_rows(&self, sql: &str) -> Vec<BTreeMap<String, String>> {
        let connection = rusqlite::Connection::open(self.company()).unwrap();
        let mut select = connection.prepare(sql).unwrap();
        let names: Vec<String> = select.column_names().map(str::to_owned).collect();
        let mut rows = select.query([]).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let values = names.iter().enumerate().map(|(place, name)| {
                let text = match row.get_ref(place).unwrap() {
                    rusqlite::types::ValueRef::Null => String::new(),
                    rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                    rusqlite::types::ValueRef::Real(number) => number.to_string(),
                    rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => {
                        String::from_utf8_lossy(bytes).into_owned()
                    }
                };
                (name.clone(), text)
            });
            found.push(values.collect());
        }
        found
    }

    /// Every row of every table of Sage, so that two moments can be compared. The sandbox's
    /// own tables (settings, seats, locks) are left out.
    ///
    /// # Panics
    /// When the file cannot be read.
    #[must_use]
    pub fn whole_company(&self) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
        let tables = self.erp_rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' \
             AND name NOT LIKE 'sandbox%' AND name NOT LIKE 'sqlite%'",
        );
        let contents = tables.into_iter().map(|table| {
            let name = table["name"].clone();
            let rows = self.erp_rows(&format!("SELECT * FROM \"{name}\" ORDER BY rowid"));
            (name, rows)
        });
        contents.collect()
    }
}

impl Running {
    /// Kills the driver's write bridge with SIGKILL.
    ///
    /// # Panics
    /// When it has none.
    pub fn kill_worker(&self) {
        let worker = self.bridge("write").expect("the driver has a write bridge");
        test_tier::signal(worker, "KILL");
    }

    /// The process id of the driver's bridge in this role (`read`, `write`), if it has one.
    #[must_use]
    pub fn bridge(&self, role: &str) -> Option<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).ok()?;
        let children = tasks.filter_map(|task| {
            let path = task.ok()?.path().join("children");
            std::fs::read_to_string(path).ok()
        });
        let pids: Vec<u32> = children
            .flat_map(|pids| {
                pids.split_whitespace()
                    .filter_map(|pid| pid.parse().ok())
                    .collect::<Vec<u32>>()
            })
            .collect();
        pids.into_iter().find(|pid| {
            let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            command.contains("erp-bridge") && command.split('\0').any(|word| word == role)
        })
    }
}

impl Answer {
    /// Does nothing more happen to the document without a person?
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let state = self.body["state"].as_str().unwrap_or_default();
        ["written", "held", "in_doubt", "refused", "discarded"].contains(&state)
    }
}
