//! `cargo xtask ci`: the checks that a change must pass, in the order in which they run.

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use crate::{Failure, cargo, long_files};

/// One line each: who runs it, with which arguments.
const STEPS: &[Step] = &[
    Step::Cargo(&["fmt", "--all", "--check"]),
    Step::Xtask(&["deny"]),
    Step::Cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]),
    Step::Xtask(&["test", "--require", "odbc,postgres,node"]),
    Step::Xtask(&["test", "--require", "odbc,postgres,node", "--store", "postgres"]),
    Step::Xtask(&["check-windows"]),
    Step::Xtask(&["demo", "--once"]),
    Step::Xtask(&["schemathesis", "--examples", "3"]),
];

enum Step {
    Cargo(&'static [&'static str]),
    Xtask(&'static [&'static str]),
}

/// Every step runs, so that one change shows all that is wrong with it.
pub(crate) fn run() -> Result<(), Failure> {
    let metadata = cargo::workspace()?;
    let this = env::current_exe().map_err(|error| Failure::new(format!("where is xtask? {error}")))?;
    let mut rows: Vec<(String, Duration, bool)> = Vec::new();
    for step in STEPS {
        let (name, mut command) = match step {
            Step::Cargo(args) => {
                let mut command = cargo::cargo(&metadata);
                command.args(*args);
                (format!("cargo {}", args.join(" ")), command)
            }
            Step::Xtask(args) => {
                let mut command = Command::new(&this);
                command.args(*args).current_dir(&metadata.workspace_root);
                (format!("cargo xtask {}", args.join(" ")), command)
            }
        };
        println!("\n=== {name}");
        let began = Instant::now();
        let status = command
            .status()
            .map_err(|error| Failure::new(format!("cannot start `{name}`: {error}")))?;
        rows.push((name, began.elapsed(), status.success()));
    }

    println!();
    long_files::warn(metadata.workspace_root.as_std_path());
    for (name, took, succeeded) in &rows {
        let verdict = if *succeeded { "ok" } else { "FAILED" };
        println!("{verdict:<7}{:>6.1} s  {name}", took.as_secs_f64());
    }
    let failed = rows.iter().filter(|(_, _, succeeded)| !succeeded).count();
    if failed > 0 {
        return Err(Failure::new(format!("{failed} of {} checks failed", rows.len())));
    }
    Ok(())
}
