//! Measures a full load into PostgreSQL, a pass in which nothing changed and a sweep, beside
//! public tools on the same data in the same run. Started by `cargo xtask bench load`.
//!
//! The tools read the company's SQLite file itself; the driver reads it through an ODBC
//! driver, as it reads Sage. Every result is compared with the source, column by column.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark speaks to the person before it and stops where it fails"
)]
#![expect(clippy::cast_possible_truncation, reason = "sizes of a benchmark's own data")]

mod data;
mod parity;
mod tools;

use std::path::{Path, PathBuf};
use std::time::Instant;

use data::Table;
use parity::{DATABASE, Sums};
use system_tests::{Cost, Postgres, Reader, Site, measure, watch};
use tools::{Mode, Tool, Tools};

/// A pass over what is stamped since the last one: nothing.
const BY_STAMP: &str = "nothing changed, by stamp";

/// What is asked for: `<folder> <items> <stock> <store> tools|alone`.
struct Options {
    /// For what outlives a run: the tools.
    folder: PathBuf,
    items: u64,
    stock: u64,
    /// The hub is on PostgreSQL, as the tools are; else on SQLite.
    postgres: bool,
    /// Measure the tools, too.
    tools: bool,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || {
        arguments
            .next()
            .unwrap_or_else(|| panic!("started by cargo xtask bench load"))
    };
    let options = Options {
        folder: next().into(),
        items: next().parse().unwrap(),
        stock: next().parse().unwrap(),
        postgres: next() == "postgres",
        tools: next() == "tools",
    };
    let Some(bin) = test_tier::postgres_bin() else {
        return;
    };
    assert!(test_tier::require("odbc"), "the driver is measured through ODBC");
    std::fs::create_dir_all(&options.folder).unwrap();
    let work = tempfile::tempdir().unwrap();
    let company = work.path().join("company.db");
    let tables = data::make(&company, options.items, options.stock);
    let postgres = Postgres::start(bin);
    postgres.execute("postgres", &format!("CREATE DATABASE {DATABASE}"));
    println!(
        "PostgreSQL {}, driver and hub {}, {} cores. The tools read the SQLite file, the driver reads it through ODBC.",
        postgres.version(),
        env!("CARGO_PKG_VERSION"),
        std::thread::available_parallelism().map_or(0, usize::from)
    );
    let tools = options.tools.then(|| Tools::new(&options.folder, work.path()));
    let installed: Vec<Tool> = tools.as_ref().map(installed).unwrap_or_default();
    let copy = |file: &Path| {
        std::fs::copy(&company, file).unwrap();
    };
    let site = if options.postgres {
        Site::with_store(Reader::Odbc, &postgres.url(DATABASE), copy)
    } else {
        Site::new(Reader::Odbc, copy)
    };
    let hub = options.postgres.then_some(&postgres);
    for table in &tables {
        let reference = floor(&postgres, &company, table);
        let mut best = [Best::default(); 2];
        if let Some(tools) = &tools {
            read_only(tools, &company, table);
            for tool in &installed {
                let took = of_tool(tools, *tool, &postgres, &company, table, &reference);
                best[usize::from(tool.reads_odbc())].take(took);
            }
        }
        ours(&site, hub, table, &reference, best);
    }
}

fn installed(tools: &Tools) -> Vec<Tool> {
    let mut there = Vec::new();
    for tool in Tool::ALL {
        match tools.install(tool) {
            Ok(()) => there.push(tool),
            Err(why) => println!("{} cannot be installed: {why}", tool.name()),
        }
    }
    there
}

/// The shortest times of the tools whose result was right.
#[derive(Clone, Copy, Debug, Default)]
struct Best {
    full_s: Option<f64>,
    incremental_s: Option<f64>,
}

impl Best {
    fn take(&mut self, other: Self) {
        let least = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::min);
        self.full_s = least(self.full_s, other.full_s);
        self.incremental_s = least(self.incremental_s, other.incremental_s);
    }
}

fn head(table: &Table) {
    println!(
        "\n{}, {} columns, {} rows\n{:<24} {:<25} {:>8} {:>9} {:>9}  parity",
        table.name,
        table.columns.len(),
        table.rows,
        "",
        "",
        "seconds",
        "rows/s",
        "peak MiB"
    );
}

fn line(who: &str, what: &str, table: &Table, seconds: f64, mib: Option<f64>, parity: &str) {
    let mib = mib.map_or(String::new(), |mib| format!("{mib:.0}"));
    println!(
        "{who:<24} {what:<25} {seconds:>8.2} {:>9.0} {mib:>9}  {parity}",
        table.rows as f64 / seconds
    );
}

/// CSV out of the file into `\copy`, no key and no index: nothing that is checked or kept
/// up to date can be faster.
fn floor(postgres: &Postgres, company: &Path, table: &Table) -> Sums {
    let name = parity::create_floor(postgres, table);
    head(table);
    let started = Instant::now();
    postgres.copy(DATABASE, &name, |out| data::write_csv(company, table, out));
    let seconds = started.elapsed().as_secs_f64();
    let reference = parity::reference(postgres, company, table, &name);
    line("\\copy of CSV", "full load", table, seconds, None, "equal");
    reference
}

/// Every row through the ODBC driver, and nothing done with it: what reads through it on one
/// connection can hardly be faster.
fn read_only(tools: &Tools, company: &Path, table: &Table) {
    match tools.read_odbc(company, table) {
        Ok(seconds) => line(
            "arrow-odbc 10.6.2",
            "read, kept nowhere",
            table,
            seconds,
            None,
            "",
        ),
        Err(why) => println!("arrow-odbc failed: {why}"),
    }
}

fn of_tool(
    tools: &Tools,
    tool: Tool,
    postgres: &Postgres,
    company: &Path,
    table: &Table,
    reference: &Sums,
) -> Best {
    let url = postgres.url(DATABASE);
    let (schema, name) = tool.target(table);
    let mut times = Vec::new();
    for (mode, what) in [(Mode::Full, "full load"), (Mode::Incremental, BY_STAMP)] {
        postgres.settle(DATABASE);
        let done = watch(&mut tools.command(tool, mode, company, &url, table));
        let parity = if done.status.success() {
            parity::sum(postgres, table, schema, &name).and_then(|sums| sums.compare(reference, table))
        } else {
            let last = done.log.lines().rev().find(|line| !line.trim().is_empty());
            Err(format!("failed: {}", last.unwrap_or_default()))
        };
        let words = parity.as_ref().map_or_else(String::as_str, |()| "equal");
        line(
            tool.name(),
            what,
            table,
            done.seconds,
            Some(done.family_mib),
            words,
        );
        times.push(parity.is_ok().then_some(done.seconds));
    }
    Best {
        full_s: times[0],
        incremental_s: times[1],
    }
}

/// The hub's rows are compared with the source in PostgreSQL; wherever they are, `verify`
/// compares every row at both ends, and fails on a difference.
fn ours(site: &Site, postgres: Option<&Postgres>, table: &Table, reference: &Sums, best: [Best; 2]) {
    let sync = ["sync", "--dataset", table.dataset];
    let sweep = ["sync", "--full", "--dataset", table.dataset];
    let full = best.map(|best| best.full_s);
    let passes = [
        ("full load", sync.as_slice(), full),
        (BY_STAMP, &sync, best.map(|best| best.incremental_s)),
        ("sweep, nothing changed", &sweep, full),
        ("verify", &["verify", "--dataset", table.dataset], [None; 2]),
    ];
    for (what, command, beside) in passes {
        if what == BY_STAMP && !table.stamped {
            continue;
        }
        if let Some(postgres) = postgres {
            postgres.settle(DATABASE);
        }
        let server_before = postgres.map(Postgres::processor_s);
        let (cost, _) = measure(site, command);
        let server_cpu_s = server_before
            .zip(postgres)
            .map(|(before, p)| p.processor_s() - before);
        let mut words = match postgres {
            Some(postgres) => parity::sum(postgres, table, "public", table.dataset)
                .and_then(|sums| sums.compare(reference, table))
                .map_or_else(|differs| differs, |()| "equal".to_owned()),
            None if what == "verify" => "equal".to_owned(),
            None => "by verify below".to_owned(),
        };
        for (beside, whom) in beside.into_iter().zip(["tool on the file", "through ODBC"]) {
            if let Some(beside) = beside {
                words.push_str(&format!("; {:.1} x the fastest {whom}", beside / cost.seconds));
            }
        }
        line(
            "ERP Driver",
            what,
            table,
            cost.seconds,
            Some(memory(&cost)),
            &words,
        );
        println!("{:<24} {}", "", processors(&cost, server_cpu_s, table));
    }
}

/// What a row costs each process: whatever runs where, two cores have no more than two
/// seconds of it in a second.
fn processors(cost: &Cost, server_cpu_s: Option<f64>, table: &Table) -> String {
    let of_row = |seconds: f64| seconds * 1e6 / table.rows as f64;
    let mut words = format!(
        "processor time a row in µs: bridge {:.1}, driver {:.1}, hub {:.1}",
        of_row(cost.bridge_cpu_s),
        of_row(cost.driver_cpu_s),
        of_row(cost.hub_cpu_s)
    );
    if let Some(seconds) = server_cpu_s {
        words.push_str(&format!(", PostgreSQL {:.1}", of_row(seconds)));
    }
    words
}

/// Driver, bridge and hub together.
fn memory(cost: &Cost) -> f64 {
    cost.family_mib + cost.hub_mib
}
