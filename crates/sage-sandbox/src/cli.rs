//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use values::Date;

use crate::objects_command::{ObjectsArgs, PostArgs};
use crate::play_command::PlayArgs;

/// A simulated Sage 100: one company in one file.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  sage-sandbox create abc.db\n  sage-sandbox show abc.db\n  \
    sage-sandbox set abc.db --table CI_Item --key ItemCode=1001-HON-H252 --value StandardUnitPrice=79.50"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with a company.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a company in a new file.
    Create(CreateArgs),
    /// Fill a company from CSV exports of Sage tables, one file per table.
    Load(LoadArgs),
    /// Change a row, as a person in front of Sage would.
    Set(SetArgs),
    /// Remove a row, without trace as Sage does.
    Delete(DeleteArgs),
    /// Print tables, or the rows of one as JSON lines.
    Show(ShowArgs),
    /// Read or write a setting: next numbers, seats, locks, faults.
    Setting(SettingArgs),
    /// Serve the business objects to one client.
    Objects(ObjectsArgs),
    /// Invoice an open order, as the day end does.
    Post(PostArgs),
    /// A user's day: maintenance, bulk jobs without stamps, deletes, postings, accidents.
    Play(PlayArgs),
}

/// Arguments of `create`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sage-sandbox create abc.db\n  sage-sandbox create nw.db --profile empty\n  \
    sage-sandbox create big.db --profile stock --rows 1000000\n\nEqual arguments make equal rows."
)]
pub struct CreateArgs {
    /// New file; one that exists is left alone.
    pub file: PathBuf,
    /// What kind of company.
    #[arg(long, value_enum, default_value_t = ProfileName::Demo)]
    pub profile: ProfileName,
    /// Where chance begins.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Multiplies items, customers and orders of the demo company.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub scale: u32,
    /// Rows of `IM_ItemWarehouse` in a stock company.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub rows: u64,
    /// The company's last day; stamps lie within the year before it.
    #[arg(long, default_value = "2026-05-29", value_name = "DATE")]
    pub date: Date,
    /// Company code.
    #[arg(long, default_value = "ABC", value_name = "CODE")]
    pub company: String,
    /// Zone in which stamps are written.
    #[arg(long, default_value = "America/New_York", value_name = "ZONE")]
    pub zone: String,
    /// Print what was made as JSON.
    #[arg(long)]
    pub json: bool,
}

/// The kinds of company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProfileName {
    /// ABC, a distributor with items, customers, stock, orders and history.
    Demo,
    /// Tables without rows, to be loaded.
    Empty,
    /// A big `IM_ItemWarehouse` and nothing else, to measure with.
    Stock,
}

/// Arguments of `load`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sage-sandbox load nw.db exports/northwind\n\n\
    A file is named as its table (CI_Item.csv) and begins with the column names. Rows whose key is\n\
    there are replaced; unknown columns and tables are made; each file is taken whole or not at all.")]
pub struct LoadArgs {
    /// Company file.
    pub file: PathBuf,
    /// Folder with the CSV files.
    pub folder: PathBuf,
    /// Print what was loaded as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `set`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  sage-sandbox set abc.db --table CI_Item --key ItemCode=1001-HON-H252 \
    --value StandardUnitPrice=79.50"
)]
pub struct SetArgs {
    /// Company file.
    pub file: PathBuf,
    /// The row.
    #[command(flatten)]
    pub row: RowArgs,
    /// A value to be set; once for each column.
    #[arg(long = "value", value_name = "COLUMN=VALUE", required = true)]
    pub values: Vec<Pair>,
    /// Leave DateUpdated and TimeUpdated as they are, as an import does.
    #[arg(long)]
    pub no_stamp: bool,
    /// Add the row when it is not there.
    #[arg(long)]
    pub add: bool,
}

/// Arguments of `delete`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sage-sandbox delete abc.db --table CI_Item --key ItemCode=1001-HON-H252")]
pub struct DeleteArgs {
    /// Company file.
    pub file: PathBuf,
    /// The row.
    #[command(flatten)]
    pub row: RowArgs,
}

/// A row by its key.
#[derive(Debug, Args)]
pub struct RowArgs {
    /// Sage table.
    #[arg(long)]
    pub table: String,
    /// A key column; once for each of them.
    #[arg(long = "key", value_name = "COLUMN=VALUE", required = true)]
    pub key: Vec<Pair>,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sage-sandbox show abc.db\n  \
    sage-sandbox show abc.db --table AR_Customer --key ARDivisionNo=01 --columns CustomerNo,CustomerName")]
pub struct ShowArgs {
    /// Company file.
    pub file: PathBuf,
    /// Sage table; without it, all tables with their row counts.
    #[arg(long)]
    pub table: Option<String>,
    /// Only rows in which this column has this value; may be given more than once.
    #[arg(long = "key", value_name = "COLUMN=VALUE", requires = "table")]
    pub key: Vec<Pair>,
    /// Only these columns.
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…", requires = "table")]
    pub columns: Vec<String>,
    /// At most so many rows.
    #[arg(long, default_value_t = 1000, value_name = "N", requires = "table")]
    pub limit: usize,
    /// Print the list of tables as JSON lines too; rows always are.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `setting`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sage-sandbox setting abc.db list\n  sage-sandbox setting abc.db set Seats 1\n  \
    sage-sandbox setting abc.db get NextSalesOrderNo\n  sage-sandbox setting abc.db set reader.CI_Item.fault ends-early\n\n\
    Reads of a table go wrong with reader.TABLE.fault: empty, ends-early, stalls (for reader.TABLE.stall_s seconds), fails, denied;\n\
    with :scan behind it (empty:scan) reads by key are spared."
)]
pub struct SettingArgs {
    /// Company file.
    pub file: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub action: SettingAction,
    /// Print as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub enum SettingAction {
    /// Print one value.
    Get {
        /// The setting.
        name: String,
    },
    /// Set or replace a value.
    Set {
        /// The setting.
        name: String,
        /// Its value.
        value: String,
    },
    /// Forget a value.
    Unset {
        /// The setting.
        name: String,
    },
    /// Print all settings.
    List,
}

/// `COLUMN=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The column.
    pub column: String,
    /// Its value; may be blank.
    pub value: String,
}

/// Why a text is no pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write COLUMN=VALUE, such as ItemCode=1001-HON-H252")]
pub struct PairError;

impl FromStr for Pair {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        let (column, value) = text.split_once('=').ok_or(PairError)?;
        if column.is_empty() {
            return Err(PairError);
        }
        Ok(Self {
            column: column.to_owned(),
            value: value.to_owned(),
        })
    }
}
