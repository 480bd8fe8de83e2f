//! `cargo xtask bench`: builds for release and measures.

use std::process::Command;

use crate::{Failure, cargo};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask bench read --rows 1000000")]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Full load, no-change pass and comparison of stock records, ERP to hub
    Read {
        /// Rows of `IM_ItemWarehouse`
        #[arg(long, default_value_t = 1_000_000)]
        rows: u64,
    },
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let metadata = cargo::workspace()?;
    println!("Building the programs for release …");
    cargo::run(cargo::cargo(&metadata).args(["build", "--quiet", "--release", "--workspace", "--bins"]))?;
    let folder = metadata.target_directory.join("release");
    let What::Read { rows } = &options.what;
    let status = Command::new(folder.join(format!("bench-read{}", std::env::consts::EXE_SUFFIX)))
        .arg(rows.to_string())
        .env(test_tier::BIN_DIR_VARIABLE, &folder)
        .status()
        .map_err(|e| Failure::new(format!("cannot start the benchmark: {e}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new("the benchmark failed"))
    }
}
