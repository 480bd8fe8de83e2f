//! `cargo xtask schemathesis`: requests made up from the API's description, good and bad ones
//! and in sequence, against a live hub with a synced company. None may fail.

use std::path::Path;
use std::process::Command;

use crate::{Failure, cargo};

/// From PyPI; another version makes up other requests.
const VERSION: &str = "4.32.5";
/// For those who ask as often as they can.
pub(crate) const RATE_LIMIT: (&str, &str) = ("ERP_HUB_RATE_LIMIT", "1000000/1");

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask schemathesis --examples 20")]
pub(crate) struct Options {
    /// Requests made up for each operation
    #[arg(long, default_value_t = 10)]
    examples: u32,
    /// Makes up the same requests again
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let metadata = cargo::workspace()?;
    cargo::run(cargo::cargo(&metadata).args(["build", "--quiet", "--workspace", "--bins"]))?;
    let tool = install(metadata.target_directory.join("schemathesis").as_std_path())?;
    let folder = metadata.target_directory.join("debug");
    let program = folder.join(format!("schemathesis{}", std::env::consts::EXE_SUFFIX));
    let status = Command::new(program)
        .arg(tool)
        .arg("--config-file")
        .arg(metadata.workspace_root.join("xtask/schemathesis.toml"))
        .args(["run", "--max-examples", &options.examples.to_string()])
        .args(["--seed", &options.seed.to_string()])
        .env(test_tier::BIN_DIR_VARIABLE, &folder)
        .env(RATE_LIMIT.0, RATE_LIMIT.1)
        .current_dir(&metadata.target_directory)
        .status()
        .map_err(|e| Failure::new(format!("cannot start schemathesis: {e}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new("schemathesis found failures"))
    }
}

/// The tool in an environment of its own, made where it is missing.
fn install(folder: &Path) -> Result<std::path::PathBuf, Failure> {
    let bin = folder.join("bin");
    let tool = bin.join("schemathesis");
    let output = Command::new(&tool).arg("--version").output();
    if output.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).contains(VERSION)) {
        return Ok(tool);
    }
    let remedy = "install Python 3.10 or later with venv, and see that PyPI can be reached";
    let ended = |command: &mut Command| {
        let status = command.status();
        status.is_ok_and(|status| status.success())
    };
    let made = ended(Command::new("python3").args(["-m", "venv"]).arg(folder))
        && ended(Command::new(bin.join("pip")).args([
            "install",
            "--quiet",
            &format!("schemathesis=={VERSION}"),
        ]));
    if made {
        Ok(tool)
    } else {
        Err(Failure::new("schemathesis cannot be installed").with_remedy(remedy))
    }
}
