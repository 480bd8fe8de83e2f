//! `cargo xtask demo`: builds the programs and shows them at work.

use std::process::Command;

use crate::{Failure, cargo};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Unattended: check everything, print a summary, exit 0 or 1
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let metadata = cargo::workspace()?;
    println!("Building the programs (a few minutes the first time) …");
    cargo::run(cargo::cargo(&metadata).args(["build", "--quiet", "--workspace", "--bins"]))?;
    let folder = metadata.target_directory.join("debug");
    let mut demo = Command::new(folder.join(format!("demo{}", std::env::consts::EXE_SUFFIX)));
    demo.env(test_tier::BIN_DIR_VARIABLE, &folder);
    if options.once {
        demo.arg("--once");
    }
    let status = demo
        .status()
        .map_err(|e| Failure::new(format!("cannot start the demo: {e}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new("the demo failed"))
    }
}
