//! `cargo xtask nightly`: what takes too long for every change.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Failure, cargo};

const TEST: &str = "the_documents_of_a_night_survive_random_kills";

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask nightly --documents 2000 --seed 7")]
pub(crate) struct Options {
    /// Orders, payments and customers that are sent while hub, driver and bridges are killed
    #[arg(long, default_value_t = 2000)]
    documents: u32,
    /// What is sent and struck comes from it; another one each second if it is left out
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let metadata = cargo::workspace()?;
    let seed = match options.seed {
        Some(seed) => seed,
        None => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_err(|error| Failure::new(format!("the clock stands before 1970: {error}")))?
            .as_secs(),
    };
    println!("Building the programs (a few minutes the first time) …");
    cargo::run(cargo::cargo(&metadata).args(["build", "--quiet", "--workspace", "--bins"]))?;
    let kept = metadata.target_directory.join("nightly");
    println!(
        "{} documents, seed {seed}; if a promise is broken, the site is kept in {kept}",
        options.documents
    );
    let mut test = cargo::cargo(&metadata);
    test.args(["test", "--quiet", "-p", "system-tests", "--test", "storm", "--"])
        .args(["--ignored", "--exact", "--nocapture", TEST])
        .env(
            test_tier::BIN_DIR_VARIABLE,
            metadata.target_directory.join("debug"),
        )
        .env("ERP_DRIVER_DOCUMENTS", options.documents.to_string())
        .env("ERP_DRIVER_SEED", seed.to_string())
        .env("ERP_DRIVER_KEEP", kept);
    cargo::run(&mut test).map_err(|failure| {
        failure.with_remedy(format!(
            "cargo xtask nightly --documents {} --seed {seed} sends and strikes the same again",
            options.documents
        ))
    })
}
