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
    /// Full load, sweep and comparison of stock records, ERP to hub
    Read {
        /// Rows of `IM_ItemWarehouse`; several sizes are measured one after the other
        #[arg(long, default_value = "1000000", value_delimiter = ',')]
        rows: Vec<u64>,
    },
    /// Orders through one session: what the driver adds beside the calls into Sage
    Orders {
        /// How many
        #[arg(long, default_value_t = 1000)]
        count: u32,
        /// All for one customer: they go one after the other, and nothing overlaps
        #[arg(long)]
        one_customer: bool,
    },
    /// A full load into PostgreSQL, a delta and a sweep, beside public tools on the same data
    Load {
        /// Rows of `CI_Item`, 102 columns
        #[arg(long, default_value_t = 100_000)]
        items: u64,
        /// Rows of `IM_ItemWarehouse`, 26 columns
        #[arg(long, default_value_t = 1_000_000)]
        stock: u64,
        /// Where the hub keeps its records
        #[arg(long, default_value = "postgres", value_parser = ["postgres", "sqlite"])]
        store: String,
        /// Leave the tools out, and what is to be installed for them from PyPI
        #[arg(long)]
        alone: bool,
    },
    /// A whole company in which nothing changes: load, delta, sweep and comparison
    Follow {
        /// Size of the demo company
        #[arg(long, default_value_t = 100)]
        scale: u64,
    },
    /// Records, pages and the feed, asked of the hub over HTTP
    Api {
        /// Where the hub keeps its records; several are measured one after the other
        #[arg(long, default_value = "sqlite,postgres", value_delimiter = ',', value_parser = ["sqlite", "postgres"])]
        store: Vec<String>,
    },
    /// Prices looked up on one core, and baskets priced by the hub over HTTP
    Prices,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let metadata = cargo::workspace()?;
    let (program, arguments) = match &options.what {
        What::Read { rows } => ("bench-read", rows.iter().map(u64::to_string).collect::<Vec<_>>()),
        What::Orders { count, one_customer } => {
            let one = one_customer.then(|| "--one-customer".to_owned());
            (
                "bench-orders",
                [count.to_string()].into_iter().chain(one).collect(),
            )
        }
        What::Load {
            items,
            stock,
            store,
            alone,
        } => {
            let folder = metadata.target_directory.join("bench");
            let who = if *alone { "alone" } else { "tools" };
            let sizes = [items.to_string(), stock.to_string()];
            let rest = [store.clone(), who.to_owned()];
            let all = [folder.to_string()].into_iter().chain(sizes).chain(rest);
            ("bench-load", all.collect())
        }
        What::Follow { scale } => ("bench-follow", vec![scale.to_string()]),
        What::Api { store } => ("bench-api", store.clone()),
        What::Prices => {
            let bench = ["bench", "--quiet", "--package", "pricing", "--bench", "lookups"];
            cargo::run(cargo::cargo(&metadata).args(bench))?;
            ("bench-prices", Vec::new())
        }
    };
    println!("Building the programs for release …");
    cargo::run(cargo::cargo(&metadata).args(["build", "--quiet", "--release", "--workspace", "--bins"]))?;
    let folder = metadata.target_directory.join("release");
    let status = Command::new(folder.join(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
        .args(arguments)
        .env(test_tier::BIN_DIR_VARIABLE, &folder)
        .env(
            crate::schemathesis::RATE_LIMIT.0,
            crate::schemathesis::RATE_LIMIT.1,
        )
        .status()
        .map_err(|e| Failure::new(format!("cannot start the benchmark: {e}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new("the benchmark failed"))
    }
}
