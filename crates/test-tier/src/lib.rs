//! What a test may ask of the machine that it runs on.
//!
//! A test that needs more than Rust asks for a tier and returns when it is not there; the
//! reason is printed, and `cargo xtask test` lists every reason at the end:
//!
//! ```no_run
//! if !test_tier::require("odbc") {
//!     return;
//! }
//! ```

#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "only tests call this crate: it speaks through the test's own output"
)]

mod postgres;
mod tiers;

use std::{
    env, fs,
    io::Write as _,
    panic::Location,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

pub use postgres::{PostgresServer, STORE_VARIABLE, postgres, store_address};
pub use tiers::{POSTGRES_BIN_VARIABLE, SAMPLE_DATA_VARIABLE, TIERS, Tier, tier};

/// Names the file to which every skipped test appends its line.
pub const SKIP_LOG_VARIABLE: &str = "ERP_DRIVER_SKIP_LOG";

/// Names the folder that holds the workspace's programs.
pub const BIN_DIR_VARIABLE: &str = "ERP_DRIVER_BIN_DIR";

/// Whether the tier `name` is there. If not, the skip is reported and the test should return.
///
/// # Panics
/// When there is no tier of that name.
#[track_caller]
pub fn require(name: &str) -> bool {
    let tier = known(name);
    if tier.is_available() {
        return true;
    }
    report_skip(tier, Location::caller());
    false
}

/// The folder with real companies' exports (`northwind/` in it), or `None` with the skip
/// reported: the tier `sample-data`.
#[track_caller]
pub fn sample_data() -> Option<PathBuf> {
    let found = tiers::sample_data_folder();
    if found.is_none() {
        report_skip(known("sample-data"), Location::caller());
    }
    found
}

/// The folder with `initdb`, `postgres` and `pg_ctl` of `PostgreSQL` 15 or later, or `None` with
/// the skip reported: the tier `postgres`.
#[track_caller]
pub fn postgres_bin() -> Option<PathBuf> {
    let found = tiers::postgres_folder();
    if found.is_none() {
        report_skip(known("postgres"), Location::caller());
    }
    found
}

/// The path of one of the workspace's programs, such as `erp-hub`.
///
/// # Panics
/// When the program has not been built.
#[track_caller]
pub fn program(name: &str) -> PathBuf {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let named = env::var_os(BIN_DIR_VARIABLE).map(PathBuf::from);
    // A test's executable is in target/<profile>/deps, the programs are one above; a program
    // that starts others has them beside it.
    let above = env::current_exe().into_iter().flat_map(|own| {
        own.ancestors()
            .skip(1)
            .take(2)
            .map(Path::to_path_buf)
            .collect::<Vec<_>>()
    });
    let built = named.into_iter().chain(above).map(|folder| folder.join(&file));
    match built.into_iter().find(|path| path.is_file()) {
        Some(path) => path,
        None => panic!("the program {file} is not built: run cargo xtask test"),
    }
}

/// Sends a process a signal (`KILL`, `TERM`, `STOP`, `CONT`). Through the shell, which has
/// the command built in: a small Debian has no program of that name.
///
/// # Panics
/// When it cannot be sent.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -s {name} {pid}")])
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -s {name} {pid}");
}

fn known(name: &str) -> &'static Tier {
    match tier(name) {
        Some(tier) => tier,
        None => panic!("there is no tier {name:?}: {}", tiers::names()),
    }
}

fn report_skip(tier: &Tier, place: &Location<'_>) {
    let line = skip_line(thread::current().name(), place, tier);
    eprintln!("{line}");
    if let Some(log) = env::var_os(SKIP_LOG_VARIABLE) {
        append(Path::new(&log), &line);
    }
}

/// libtest names the thread after the test; with one test thread there is only `main`.
fn skip_line(thread: Option<&str>, place: &Location<'_>, tier: &Tier) -> String {
    let file = place.file().replace('\\', "/");
    let test = match thread {
        Some(name) if name != "main" => format!("{name} ({file})"),
        Some(_) | None => format!("{file}:{}", place.line()),
    };
    format!("skipped: {test}: needs tier {} ({})", tier.name, tier.remedy)
}

fn append(log: &Path, line: &str) {
    let written = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    if let Err(error) = written {
        panic!(
            "cannot write to the list of skipped tests {}: {error}",
            log.display()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_names_the_test_its_file_and_the_remedy() {
        let odbc = tier("odbc").unwrap();
        let line = skip_line(Some("reads_all"), Location::caller(), odbc);
        assert!(line.starts_with("skipped: reads_all ("), "{line}");
        assert!(
            line.contains("lib.rs): needs tier odbc (apt-get install"),
            "{line}"
        );
        let alone = skip_line(Some("main"), Location::caller(), odbc);
        assert!(alone.contains("lib.rs:"), "{alone}");
    }

    #[test]
    #[should_panic(expected = "there is no tier \"obdc\": ")]
    fn a_mistyped_tier_is_an_error_and_no_skip() {
        require("obdc");
    }

    #[test]
    #[should_panic(expected = "run cargo xtask test")]
    fn a_missing_program_says_how_to_build_it() {
        program("no-such-program");
    }
}
