//! A user's day in Sage, as scripts: what clerks, bulk jobs, postings and accidents do to the
//! tables. Bulk jobs leave no stamps, and nothing leaves a trace of a delete, as in Sage.

mod clerks;
mod customers;
mod damage;
mod items;
mod posting;
mod prices;
mod receivables;
mod stock;

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde::Serialize;

use values::{Decimal, DecimalError};

use crate::objects::record::StoreError;
use crate::{Company, SandboxError};

/// What a script is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many rows, orders or items; each script has its own default.
    pub count: Option<u64>,
    /// Where chance begins.
    pub seed: u64,
    /// For scripts that damage a table.
    pub table: Option<String>,
    /// For scripts that damage a column.
    pub column: Option<String>,
    /// For `clock`: an IANA zone.
    pub zone: Option<String>,
}

impl Options {
    /// No wishes, and this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            count: None,
            seed,
            table: None,
            column: None,
            zone: None,
        }
    }
}

/// What a script did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// By table.
    pub tables: BTreeMap<String, Changes>,
}

/// What a script did to a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Rows that came.
    pub inserted: u64,
    /// Rows that changed; clerks may change a row twice, and then it counts twice.
    pub updated: u64,
    /// Rows that left.
    pub deleted: u64,
    /// Keys of the first few.
    pub keys: Vec<String>,
}

/// Keys told of each table.
const KEYS: usize = 5;

impl Report {
    fn table(&mut self, table: &str) -> &mut Changes {
        self.tables.entry(table.to_owned()).or_default()
    }

    fn inserted(&mut self, table: &str, rows: u64) {
        self.table(table).inserted += rows;
    }

    fn updated(&mut self, table: &str, rows: u64) {
        self.table(table).updated += rows;
    }

    fn deleted(&mut self, table: &str, rows: u64) {
        self.table(table).deleted += rows;
    }

    fn key(&mut self, table: &str, key: impl Into<String>) {
        let changes = self.table(table);
        if changes.keys.len() < KEYS {
            changes.keys.push(key.into());
        }
    }
}

/// One script.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it plays, and what it leaves.
    pub doc: &'static str,
    run: fn(&mut Company, &Options) -> Result<Report, PlayError>,
}

/// All scripts.
pub const SCRIPTS: &[Script] = &[
    Script {
        name: "price-load",
        doc: "A Visual Integrator job changes --count prices (100) and stamps nothing.",
        run: prices::price_load,
    },
    Script {
        name: "promotion",
        doc: "A promotion is applied to --count items (10): sale price and dates, no stamps.",
        run: prices::promotion,
    },
    Script {
        name: "stock-batch",
        doc: "An inventory batch moves --count stock records (50), no stamps.",
        run: stock::stock_batch,
    },
    Script {
        name: "credit-matching",
        doc: "Credits are matched to --count open invoices (10): balances move, no stamps.",
        run: receivables::credit_matching,
    },
    Script {
        name: "period-end",
        doc: "Open invoices without balance and temporary customers leave.",
        run: receivables::period_end,
    },
    Script {
        name: "day-end",
        doc: "The day's work is posted: --count open orders (all) become invoices, shipments and receipts post.",
        run: posting::day_end,
    },
    Script {
        name: "post-receipts",
        doc: "The oldest --count batches (1) of cash receipts are posted and closed for good.",
        run: posting::receipts,
    },
    Script {
        name: "renumber-customer",
        doc: "A customer gets another number in every table, no stamps.",
        run: customers::renumber,
    },
    Script {
        name: "merge-customer",
        doc: "A customer's records go over to another customer, no stamps.",
        run: customers::merge,
    },
    Script {
        name: "delete-items",
        doc: "--count items (2) that nothing uses are deleted, without a trace.",
        run: items::delete,
    },
    Script {
        name: "maintain",
        doc: "Clerks add, change and delete --count records (30), with stamps.",
        run: clerks::maintain,
    },
    Script {
        name: "clock",
        doc: "From now on stamps are written in --zone.",
        run: clerks::clock,
    },
    Script {
        name: "truncate",
        doc: "Half of the rows of --table are gone, as after a broken copy.",
        run: damage::truncate,
    },
    Script {
        name: "restore",
        doc: "The rows that truncate took from --table are back.",
        run: damage::restore,
    },
    Script {
        name: "blank-column",
        doc: "--column of --table is blank in every row.",
        run: damage::blank_column,
    },
    Script {
        name: "drop-column",
        doc: "--table loses --column, as after a downgrade.",
        run: damage::drop_column,
    },
    Script {
        name: "add-column",
        doc: "--table gains --column, as after a custom field was made.",
        run: damage::add_column,
    },
    Script {
        name: "widen-column",
        doc: "--column of --table holds a text longer than any layout says.",
        run: damage::widen_column,
    },
];

/// A script could not be played; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// No such script.
    #[error("there is no script {0:?}; there are {names}", names = names())]
    ScriptUnknown(String),
    /// The script wants another option.
    #[error("the script needs --{0}")]
    OptionMissing(&'static str),
    /// The company has nothing for the script to work on.
    #[error("{0}")]
    NothingToDo(String),
    /// An option does not fit.
    #[error("{0}")]
    OptionInvalid(String),
    /// The company's file.
    #[error(transparent)]
    Company(#[from] SandboxError),
    /// A value in the company's tables does not fit.
    #[error("{0}")]
    Data(String),
}

impl From<rusqlite::Error> for PlayError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Company(SandboxError::from(error))
    }
}

impl From<StoreError> for PlayError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sandbox(error) => Self::Company(error),
            StoreError::Sqlite(error) => Self::from(error),
            error @ (StoreError::Decimal(_)
            | StoreError::NoTable(_)
            | StoreError::BadCell { .. }
            | StoreError::Ended) => Self::Data(error.to_string()),
        }
    }
}

impl From<DecimalError> for PlayError {
    fn from(error: DecimalError) -> Self {
        Self::Data(error.to_string())
    }
}

impl PlayError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ScriptUnknown(_) => "script_unknown",
            Self::OptionMissing(_) => "option_missing",
            Self::NothingToDo(_) => "nothing_to_do",
            Self::OptionInvalid(_) => "option_invalid",
            Self::Company(error) => error.code(),
            Self::Data(_) => "bad_data",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::ScriptUnknown(_) => "sage-sandbox play --list names them",
            Self::OptionMissing(_) => "add the option; sage-sandbox play --list says what each script does",
            Self::NothingToDo(_) => {
                "ask for fewer with --count, or play on a company that has more (sage-sandbox create --scale 10)"
            }
            Self::OptionInvalid(_) => "correct the option",
            Self::Company(error) => error.remedy(),
            Self::Data(_) => "correct the value in the company's file",
        }
    }
}

/// Plays a script on a company.
///
/// # Errors
/// [`PlayError`]; then nothing was changed (`maintain` works record by record: what clerks did
/// before stays).
pub fn play(company: &mut Company, script: &str, options: &Options) -> Result<Report, PlayError> {
    let found = SCRIPTS.iter().find(|s| s.name == script);
    let script = found.ok_or_else(|| PlayError::ScriptUnknown(script.to_owned()))?;
    (script.run)(company, options)
}

/// Runs a change in one transaction.
fn in_transaction<T>(
    company: &mut Company,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, PlayError>,
) -> Result<T, PlayError> {
    let transaction = company
        .connection_mut()
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = change(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// Has the company this table?
fn has_table(connection: &Connection, table: &str) -> Result<bool, PlayError> {
    let mut find =
        connection.prepare_cached("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1")?;
    Ok(find.exists([table])?)
}

fn names() -> String {
    let names: Vec<_> = SCRIPTS.iter().map(|script| script.name).collect();
    names.join(", ")
}

/// Adds to a price or a quantity, which Sage keeps with six decimals.
fn add(db: &Connection, table: &str, column: &str, row: i64, amount: Decimal) -> Result<(), PlayError> {
    let text: String = db
        .prepare_cached(&format!(
            "SELECT coalesce(CAST({column} AS TEXT), '') FROM {table} WHERE rowid = ?1"
        ))?
        .query_row([row], |row| row.get(0))?;
    let sum = Decimal::parse(&text, 6)?.checked_add(amount)?;
    db.prepare_cached(&format!("UPDATE {table} SET {column} = ?2 WHERE rowid = ?1"))?
        .execute(params![row, sum.to_string()])?;
    Ok(())
}

/// The first column of a query, as text.
fn texts(connection: &Connection, sql: &str) -> Result<Vec<String>, PlayError> {
    let mut select = connection.prepare(sql)?;
    let rows = select.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
