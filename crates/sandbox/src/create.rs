//! Making a company where nothing is.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use values::Date;

use crate::row::Row;
use crate::settings::{
    COMPANY_CODE, COMPANY_NAME, NEXT_CUSTOMER_NO, NEXT_INVOICE_NO, NEXT_SALES_ORDER_NO, SEATS, Settings,
    TIME_ZONE,
};
use crate::{SandboxError, company, demo, schema, settings, stock};

/// What kind of company is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// ABC, a distributor with items, customers, stock, orders and history.
    Demo,
    /// Tables without rows, to be loaded.
    Empty,
    /// A big `IM_ItemWarehouse` and nothing else, to measure with.
    Stock {
        /// Rows of `IM_ItemWarehouse`.
        rows: u64,
    },
}

/// What company is to be made. Equal plans make equal rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What kind of company.
    pub profile: Profile,
    /// Where chance begins.
    pub seed: u64,
    /// Multiplies items, customers and orders; at least 1.
    pub scale: u32,
    /// The company's last day: stamps lie within the year before it.
    pub today: Date,
    /// Company code, three characters.
    pub code: String,
    /// IANA name of the zone in which stamps are written.
    pub zone: String,
}

impl Plan {
    /// A plan for company ABC in New York that ends with May 2026.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            seed: 1,
            scale: 1,
            today: Date::constant(2026, 5, 29),
            code: "ABC".to_owned(),
            zone: "America/New_York".to_owned(),
        }
    }
}

/// Makes a company in a new file: whole, or the file is not there afterwards.
///
/// # Errors
/// [`SandboxError::Exists`] when something is there, [`SandboxError::BadSetting`] for a
/// code or zone that cannot be, and when the disk fails.
pub fn create(path: &Path, plan: &Plan) -> Result<(), SandboxError> {
    check(plan)?;
    // Made by us or not at all: another process that makes it meanwhile is noticed.
    match std::fs::File::create_new(path) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(SandboxError::Exists {
                path: path.to_owned(),
            });
        }
        Err(source) => {
            return Err(SandboxError::Io {
                path: path.to_owned(),
                source,
            });
        }
    }
    fill_file(path, plan).inspect_err(|_| {
        for file in [
            path.to_owned(),
            beside(path, "-wal"),
            beside(path, "-shm"),
            beside(path, "-journal"),
        ] {
            // It was ours a moment ago; what cannot be removed is no company yet.
            let _ = std::fs::remove_file(file);
        }
    })
}

fn fill_file(path: &Path, plan: &Plan) -> Result<(), SandboxError> {
    let mut connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(128);
    // A file that is not finished is thrown away, so nothing has to be safe before the end.
    connection.pragma_update(None, "journal_mode", "MEMORY")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let transaction = connection.transaction()?;
    schema::create_tables(&transaction)?;
    settings::create_table(&transaction)?;
    write_company(&transaction, plan)?;
    match plan.profile {
        Profile::Demo => demo::write(&transaction, plan)?,
        Profile::Empty => {}
        Profile::Stock { rows } => stock::write(&transaction, plan, rows)?,
    }
    // Last, in the same transaction: a file that was left half-made is no company.
    transaction.pragma_update(None, "application_id", company::APPLICATION_ID)?;
    transaction.commit()?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection
        .close()
        .map_err(|(_, error)| SandboxError::Database(error))
}

fn check(plan: &Plan) -> Result<(), SandboxError> {
    let bad = |name: &str, value: &str, expected| SandboxError::BadSetting {
        name: name.to_owned(),
        value: value.to_owned(),
        expected,
    };
    if plan.code.len() != 3
        || !plan
            .code
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    {
        return Err(bad(
            COMPANY_CODE,
            &plan.code,
            "three capital letters or digits such as ABC",
        ));
    }
    if jiff::tz::TimeZone::get(&plan.zone).is_err() {
        return Err(bad(
            TIME_ZONE,
            &plan.zone,
            "an IANA time zone such as America/New_York",
        ));
    }
    if !(1..=1000).contains(&plan.scale) {
        return Err(bad("scale", &plan.scale.to_string(), "a number from 1 to 1000"));
    }
    Ok(())
}

fn write_company(connection: &Connection, plan: &Plan) -> Result<(), SandboxError> {
    let name = match plan.profile {
        Profile::Demo => "ABC Distribution and Service Corp.",
        Profile::Empty | Profile::Stock { .. } => "Sandbox company",
    };
    let settings = Settings::new(connection);
    for (name, value) in [
        (COMPANY_CODE, plan.code.as_str()),
        (COMPANY_NAME, name),
        (TIME_ZONE, plan.zone.as_str()),
        (SEATS, "5"),
        (NEXT_SALES_ORDER_NO, "0000001"),
        (NEXT_INVOICE_NO, "0000001"),
        (NEXT_CUSTOMER_NO, "0000001"),
    ] {
        settings.set(name, value)?;
    }
    Row::new("SY_Company")
        .with("CompanyCode", plan.code.as_str())
        .with("CompanyName", name)
        .insert(connection)?;
    Row::new("SO_Options")
        .with("ModuleCode", "S/O")
        .with("RetainSalesOrderHistory", "Y")
        .with("RetainDeletedOrders", "Y")
        .with("DefaultPriceLevelByCust", "N")
        .with("PriceByTotalQuantity", "N")
        .with("SeparateKitPricing", "N")
        .insert(connection)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
