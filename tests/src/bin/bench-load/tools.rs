//! The public tools: how they are installed, and how each is told to do the same.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Command;

use system_tests::watch;

use crate::data::Table;

/// From PyPI, into a virtual environment; sling's own program is in a wheel of its own.
const SLING: &[&str] = &["sling-linux-amd64==1.4.11"];
const INGESTR: &[&str] = &["ingestr==0.15.9"];
const DLT: &[&str] = &[
    "dlt[postgres]==1.31.0",
    "sqlalchemy==2.1.9",
    "pyarrow==26.0.1",
    "connectorx==0.4.6",
    "arrow-odbc==10.6.2",
];
const DLT_SCRIPT: &str = include_str!("dlt_load.py");
/// Reads a table through the ODBC driver; says how many rows, and in how many seconds.
const READ_SCRIPT: &str = "\
import sys, time
from arrow_odbc import read_arrow_batches_from_odbc
began = time.monotonic()
query = f'SELECT * FROM {sys.argv[2]}'
batches = read_arrow_batches_from_odbc(query, connection_string=sys.argv[1], batch_size=1000)
rows = sum(batch.num_rows for batch in batches)
print(rows, time.monotonic() - began)
";

/// A tool, with the way of reading where it has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Sling,
    Ingestr,
    DltArrow,
    DltConnectorx,
    DltOdbc,
}

/// What it is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Full,
    Incremental,
}

impl Tool {
    pub(crate) const ALL: [Self; 5] = [
        Self::Sling,
        Self::Ingestr,
        Self::DltArrow,
        Self::DltConnectorx,
        Self::DltOdbc,
    ];

    /// Does it read through the ODBC driver, as one has to read Sage? The others have no way to.
    pub(crate) fn reads_odbc(self) -> bool {
        self == Self::DltOdbc
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sling => "sling 1.4.11",
            Self::Ingestr => "ingestr 0.15.9",
            Self::DltArrow => "dlt 1.31.0 (pyarrow)",
            Self::DltConnectorx => "dlt 1.31.0 (connectorx)",
            Self::DltOdbc => "dlt 1.31.0 (ODBC)",
        }
    }

    const fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Sling => SLING,
            Self::Ingestr => INGESTR,
            Self::DltArrow | Self::DltConnectorx | Self::DltOdbc => DLT,
        }
    }

    /// Schema and table in PostgreSQL.
    pub(crate) fn target(self, table: &Table) -> (&'static str, String) {
        match self {
            Self::Sling => ("public", format!("sling_{}", table.dataset)),
            Self::Ingestr => ("public", format!("ingestr_{}", table.dataset)),
            Self::DltArrow => ("dlt_pyarrow", table.dataset.to_owned()),
            Self::DltConnectorx => ("dlt_connectorx", table.dataset.to_owned()),
            Self::DltOdbc => ("dlt_odbc", table.dataset.to_owned()),
        }
    }
}

/// The company's file through the ODBC driver, as the driver's own sites have it.
pub(crate) fn odbc(company: &impl Display) -> String {
    format!("Driver=SQLite3;Database={company};StepAPI=1")
}

/// Where the tools are.
pub(crate) struct Tools {
    venv: PathBuf,
    /// Their state and caches: nothing of the user's is touched.
    home: PathBuf,
}

impl Tools {
    /// Makes the environment under this folder.
    pub(crate) fn new(folder: &Path, home: &Path) -> Self {
        let venv = folder.join("venv");
        if !venv.join("bin/python").exists() {
            let made = watch(Command::new("python3").args(["-m", "venv"]).arg(&venv));
            assert!(made.status.success(), "python3 -m venv: {}", made.log);
        }
        std::fs::write(folder.join("dlt_load.py"), DLT_SCRIPT).unwrap();
        Self {
            venv,
            home: home.to_owned(),
        }
    }

    /// Installs a tool; why not, when it cannot be.
    pub(crate) fn install(&self, tool: Tool) -> Result<(), String> {
        let mut pip = Command::new(self.venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        let done = watch(pip.args(tool.packages()));
        if done.status.success() {
            return Ok(());
        }
        Err(done.log.lines().last().unwrap_or_default().to_owned())
    }

    /// How many seconds it takes to read a table through the ODBC driver and keep nothing; the
    /// start of Python is left out.
    pub(crate) fn read_odbc(&self, company: &Path, table: &Table) -> Result<f64, String> {
        let mut python = Command::new(self.venv.join("bin/python"));
        python.args(["-c", READ_SCRIPT, &odbc(&company.display()), table.name]);
        let done = watch(&mut python);
        let said = done.log.trim().split_once(' ');
        match said.map(|(rows, seconds)| (rows.parse::<u64>(), seconds.parse::<f64>())) {
            Some((Ok(rows), Ok(seconds))) if rows == table.rows => Ok(seconds),
            _ => Err(done.log),
        }
    }

    /// The tool's command for a table of the company, into this database.
    pub(crate) fn command(
        &self,
        tool: Tool,
        mode: Mode,
        company: &Path,
        url: &str,
        table: &Table,
    ) -> Command {
        let company = company.display();
        let (schema, target) = tool.target(table);
        let key = table.key.join(",");
        let mut command;
        match tool {
            Tool::Sling => {
                let pattern = "lib/python3*/site-packages/sling_linux_amd64/bin/sling-linux-amd64";
                command = Command::new(self.first(pattern));
                command.args(["run", "--src-conn", &format!("sqlite://{company}")]);
                command.args(["--src-stream", &format!("main.{}", table.name)]);
                command.args(["--tgt-conn", &format!("{url}?sslmode=disable")]);
                command.args(["--tgt-object", &format!("{schema}.{target}")]);
                match mode {
                    Mode::Full => command.args(["--mode", "full-refresh"]),
                    Mode::Incremental => command.args([
                        "--mode",
                        "incremental",
                        "--primary-key",
                        &key,
                        "--update-key",
                        "DateUpdated",
                    ]),
                };
            }
            Tool::Ingestr => {
                command = Command::new(self.venv.join("bin/ingestr"));
                command.args(["ingest", "--yes", "--progress", "log"]);
                command.args(["--source-uri", &format!("sqlite:///{company}")]);
                command.args(["--source-table", table.name]);
                command.args(["--dest-uri", &format!("{url}?sslmode=disable")]);
                command.args(["--dest-table", &format!("{schema}.{target}")]);
                if mode == Mode::Incremental {
                    command.args([
                        "--incremental-strategy",
                        "merge",
                        "--incremental-key",
                        "DateUpdated",
                    ]);
                    // It keeps no place of its own: the best that a caller could remember.
                    command.args(["--interval-start", &table.last_day]);
                    for part in table.key {
                        command.args(["--primary-key", part]);
                    }
                }
            }
            Tool::DltArrow | Tool::DltConnectorx | Tool::DltOdbc => {
                let (backend, source) = match tool {
                    Tool::DltOdbc => ("arrow-odbc", odbc(&company)),
                    Tool::DltConnectorx => ("connectorx", format!("sqlite:///{company}")),
                    Tool::DltArrow | Tool::Sling | Tool::Ingestr => {
                        ("pyarrow", format!("sqlite:///{company}"))
                    }
                };
                let script = self.venv.join("../dlt_load.py");
                command = Command::new(self.venv.join("bin/python"));
                command.arg(script).arg(backend).arg(&self.home);
                command.args([&source, table.name, url, schema, &target, &key]);
                command.arg(match mode {
                    Mode::Full => "full",
                    Mode::Incremental => "incremental",
                });
            }
        }
        command
            .current_dir(&self.home)
            .env("HOME", &self.home)
            .env("SLING_DISABLE_TELEMETRY", "true")
            .env("INGESTR_DISABLE_TELEMETRY", "true")
            .env("DISABLE_TELEMETRY", "true")
            .env("RUNTIME__DLTHUB_TELEMETRY", "false")
            .env("RUNTIME__LOG_LEVEL", "ERROR");
        command
    }

    /// The file in the environment that the pattern's one `*` stands for.
    fn first(&self, pattern: &str) -> PathBuf {
        let (before, after) = pattern.split_once("python3*/").unwrap();
        let folders = std::fs::read_dir(self.venv.join(before)).unwrap();
        let found = folders.flatten().map(|entry| entry.path().join(after));
        found
            .into_iter()
            .find(|path| path.exists())
            .unwrap_or_else(|| panic!("there is no {pattern}"))
    }
}
