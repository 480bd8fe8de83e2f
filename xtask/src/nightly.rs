//! `cargo xtask nightly`: what takes too long for every change.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use cargo_metadata::Metadata;
use clap::ValueEnum;

use crate::{Failure, cargo};

/// Its parts, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Histories of one writer in one process, many times more than for a change
    Histories,
    /// Orders, payments and customers while hub, driver and bridges are killed
    Documents,
    /// Two hubs over one PostgreSQL, killed under the load of many drivers
    Replicas,
    /// Prices of random price sets beside the sandbox's own
    Prices,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask nightly\n  cargo xtask nightly --only documents --documents 2000 --seed 7"
)]
pub(crate) struct Options {
    /// Only this part; repeat for several
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Documents that are sent
    #[arg(long, default_value_t = 2000)]
    documents: u32,
    /// Drivers at the two hubs
    #[arg(long, default_value_t = 200)]
    agents: u32,
    /// How long the two hubs are killed and started again, in seconds
    #[arg(long, default_value_t = 300)]
    seconds: u32,
    /// Prices that are asked for
    #[arg(long, default_value_t = 1_000_000)]
    prices: u32,
    /// What is sent, struck and asked comes from it; another one each second if it is left out
    #[arg(long)]
    seed: Option<u64>,
}

impl Part {
    /// The test, and what it is told by its environment.
    fn test(self, options: &Options, metadata: &Metadata) -> Command {
        let mut test = cargo::cargo(metadata);
        test.args(["test", "--quiet"]);
        // Of the whole workspace, so that what was built for its tests is built for this.
        let system = ["--workspace", "--test"];
        let ignored = ["--", "--ignored", "--exact", "--nocapture"];
        match self {
            Self::Histories => test
                .args(["-p", "driver", "--lib", "imports::simulation::never_two"])
                .env("ERP_DRIVER_STORM", "long"),
            Self::Documents => test
                .args(system)
                .arg("storm")
                .args(ignored)
                .arg("the_documents_of_a_night_survive_random_kills")
                .env("ERP_DRIVER_DOCUMENTS", options.documents.to_string())
                .env("ERP_DRIVER_KEEP", metadata.target_directory.join("nightly")),
            Self::Replicas => test
                .args(system)
                .arg("replicas")
                .args(ignored)
                .arg("two_replicas_survive_random_kills_for_minutes")
                .env("ERP_DRIVER_AGENTS", options.agents.to_string())
                .env("ERP_DRIVER_SECONDS", options.seconds.to_string()),
            Self::Prices => test
                .args(["--release", "-p", "pricing", "--test", "against_sandbox"])
                .env("ERP_DRIVER_PRICE_CASES", options.prices.to_string()),
        };
        test
    }

    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
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
    cargo::run(cargo::cargo(&metadata).args(["build", "--release", "--quiet", "--workspace", "--bins"]))?;
    for part in Part::value_variants() {
        if !options.only.is_empty() && !options.only.contains(part) {
            continue;
        }
        let name = part.name();
        println!("{name}, seed {seed} …");
        let mut test = part.test(options, &metadata);
        test.env("ERP_DRIVER_SEED", seed.to_string()).env(
            test_tier::BIN_DIR_VARIABLE,
            metadata.target_directory.join("release"),
        );
        cargo::run(&mut test).map_err(|failure| {
            failure.with_remedy(format!(
                "cargo xtask nightly --only {name} --seed {seed}, with the same numbers, sends and strikes the same again; \
                 what the documents left is kept in {}",
                metadata.target_directory.join("nightly")
            ))
        })?;
    }
    Ok(())
}
