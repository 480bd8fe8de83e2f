//! `cargo xtask test`: every test, on what this machine has.

use std::{
    ffi::OsString,
    fs,
    io::{self, BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use cargo_metadata::{Metadata, TargetKind};
use clap::Args;
use test_tier::{BIN_DIR_VARIABLE, SAMPLE_DATA_VARIABLE, SKIP_LOG_VARIABLE, STORE_VARIABLE, TIERS, Tier};

use crate::{
    Failure, cargo,
    tally::{Skips, Tally},
};

/// Packages whose tests stand on a whole hub, and so on a store of either kind.
const ON_A_HUB: [&str; 2] = ["hub", "system-tests"];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Fail at once if this tier is missing, instead of skipping its tests
    #[arg(long, value_name = "TIER", value_delimiter = ',')]
    require: Vec<String>,

    /// The folder of real companies' exports (northwind/ in it)
    #[arg(long, value_name = "DIR", env = SAMPLE_DATA_VARIABLE)]
    sample_data: Option<PathBuf>,

    /// Only the test programs that stand on a hub, which keeps its records in this kind of store
    #[arg(long, value_parser = ["sqlite", "postgres"])]
    store: Option<String>,

    /// Passed on to cargo test: `-- -p sync`, or `-- -- name_of_a_test`
    #[arg(last = true)]
    extra: Vec<OsString>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let required = options
        .require
        .iter()
        .map(|name| known_tier(name))
        .collect::<Result<Vec<_>, _>>()?;
    let sample_data = options
        .sample_data
        .as_deref()
        .map(checked_sample_data)
        .transpose()?;
    let tiers: Vec<(&Tier, bool)> = TIERS
        .iter()
        .map(|tier| (tier, is_available(tier, sample_data.as_deref())))
        .collect();
    for (tier, available) in &tiers {
        println!(
            "tier {:<12} {:<8} {}",
            tier.name,
            if *available { "found" } else { "missing" },
            tier.enables
        );
    }
    let missing = |tier: &&&Tier| {
        tiers
            .iter()
            .any(|(found, there)| found.name == tier.name && !there)
    };
    if let Some(tier) = required.iter().find(missing) {
        return Err(
            Failure::new(format!("the tier {} is required and missing", tier.name)).with_remedy(tier.remedy),
        );
    }

    let metadata = cargo::workspace()?;
    let selects_packages = selects_packages(&options.extra);
    let mut build = cargo::cargo(&metadata);
    build.args(["build", "--workspace", "--bins"]);
    if !selects_packages {
        // In one go with the tests, so that both are built with the same features.
        build.arg("--tests");
    }
    cargo::run(&mut build)?;

    let log = tempfile::NamedTempFile::new()
        .map_err(|error| Failure::new(format!("cannot make the list of skipped tests: {error}")))?;
    let mut tests = cargo::cargo(&metadata);
    tests.args(["test", "--no-fail-fast"]);
    if !selects_packages {
        tests.arg("--workspace");
    }
    if options.store.is_some() {
        for name in on_a_hub(&metadata) {
            tests.args(["--test", &name]);
        }
    }
    tests
        .args(&options.extra)
        .env(BIN_DIR_VARIABLE, metadata.target_directory.join("debug"))
        .env(SKIP_LOG_VARIABLE, log.path())
        .envs(
            tiers
                .iter()
                .map(|(tier, there)| (tier.variable(), if *there { "1" } else { "0" })),
        );
    if let Some(store) = &options.store {
        tests.env(STORE_VARIABLE, store);
    }
    if let Some(folder) = sample_data {
        tests.env(SAMPLE_DATA_VARIABLE, folder);
    }
    let (tally, succeeded) = stream(&mut tests)?;

    let skips = fs::read_to_string(log.path())
        .map_err(|error| Failure::new(format!("cannot read the list of skipped tests: {error}")))?;
    close(&tally, &Skips::parse(&skips), succeeded)
}

fn known_tier(name: &str) -> Result<&'static Tier, Failure> {
    test_tier::tier(name).ok_or_else(|| {
        let names: Vec<&str> = TIERS.iter().map(|tier| tier.name).collect();
        Failure::new(format!("there is no tier {name:?}"))
            .with_remedy(format!("use one of: {}", names.join(", ")))
    })
}

/// Absolute, because tests run in the folders of their crates.
fn checked_sample_data(folder: &Path) -> Result<PathBuf, Failure> {
    let absolute = fs::canonicalize(folder)
        .ok()
        .filter(|path| path.join("northwind").is_dir());
    absolute.ok_or_else(|| {
        Failure::new(format!("{} is no folder of sample data", folder.display()))
            .with_remedy("name the folder that holds northwind/")
    })
}

fn is_available(tier: &Tier, sample_data: Option<&Path>) -> bool {
    tier.is_available() || (tier.name == "sample-data" && sample_data.is_some())
}

/// The test programs that stand on a hub.
fn on_a_hub(metadata: &Metadata) -> Vec<String> {
    let packages = metadata.workspace_packages().into_iter();
    packages
        .filter(|package| ON_A_HUB.contains(&package.name.as_str()))
        .flat_map(|package| &package.targets)
        .filter(|target| target.kind.contains(&TargetKind::Test))
        .map(|target| target.name.clone())
        .collect()
}

/// Whether cargo's own part of the arguments picks packages: `--workspace` would override it.
fn selects_packages(extra: &[OsString]) -> bool {
    extra
        .iter()
        .take_while(|word| *word != "--")
        .filter_map(|word| word.to_str())
        .any(|word| word.starts_with("-p") || word.starts_with("--package"))
}

/// Passes the output on as it comes; returns the counts and whether cargo was content.
fn stream(command: &mut Command) -> Result<(Tally, bool), Failure> {
    let line = cargo::line(command);
    let failed = |error: io::Error| Failure::new(format!("cannot run `{line}`: {error}"));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let mut bytes = Vec::new();
        while output.read_until(b'\n', &mut bytes).map_err(failed)? > 0 {
            io::stdout().write_all(&bytes).map_err(failed)?;
            tally.add_line(&String::from_utf8_lossy(&bytes));
            bytes.clear();
        }
    }
    let status = child.wait().map_err(failed)?;
    Ok((tally, status.success()))
}

/// The closing lines: what was skipped, why, and the sum.
fn close(tally: &Tally, skips: &Skips, succeeded: bool) -> Result<(), Failure> {
    println!();
    for (reason, tests) in skips.by_reason() {
        println!("skipped for want of {reason}:");
        for test in tests {
            println!("  {test}");
        }
    }
    // A test that returned early counts as passed with libtest; here it does not.
    let passed = tally.passed.saturating_sub(skips.count());
    let skipped = skips.count() + tally.ignored;
    println!("{passed} passed, {} failed, {skipped} skipped", tally.failed);
    if tally.failed > 0 || !succeeded {
        return Err(Failure::new(
            "tests failed, or a test program ended early: see above",
        ));
    }
    if tally.passed == 0 {
        return Err(Failure::new("no test ran").with_remedy("look at the name or package that you gave"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn a_package_is_chosen_only_before_the_dashes() {
        assert!(selects_packages(&words("-p sync -- name")));
        assert!(selects_packages(&words("--package=sync")));
        assert!(!selects_packages(&words("-- -p")));
        assert!(!selects_packages(&words("--release")));
    }

    #[test]
    fn an_unknown_tier_is_refused_with_the_list() {
        let failure = known_tier("obdc").unwrap_err().to_string();
        assert!(
            failure.contains("\"obdc\"") && failure.contains("odbc, postgres, node, sample-data"),
            "{failure}"
        );
    }

    #[test]
    fn a_run_without_tests_or_with_a_crash_is_no_success() {
        let passed = Tally {
            passed: 3,
            ..Tally::default()
        };
        assert!(close(&passed, &Skips::default(), true).is_ok());
        assert!(close(&passed, &Skips::default(), false).is_err());
        assert!(close(&Tally::default(), &Skips::default(), true).is_err());
        let one_failed = Tally { failed: 1, ..passed };
        assert!(close(&one_failed, &Skips::default(), true).is_err());
    }
}
