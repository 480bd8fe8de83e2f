//! What the company keeps beside Sage's tables: its code and zone, next numbers, seats,
//! locks and faults. One small table of names and values, shared by every process that
//! opens the file.

use rusqlite::{Connection, OptionalExtension, params};

use crate::SandboxError;

/// The company's code, three characters.
pub const COMPANY_CODE: &str = "CompanyCode";
/// The company's name.
pub const COMPANY_NAME: &str = "CompanyName";
/// IANA name of the zone in which stamps are written.
pub const TIME_ZONE: &str = "TimeZone";
/// How many sessions may be open at a time.
pub const SEATS: &str = "Seats";
/// The sales order number that is given out next.
pub const NEXT_SALES_ORDER_NO: &str = "NextSalesOrderNo";
/// The invoice number that is given out next.
pub const NEXT_INVOICE_NO: &str = "NextInvoiceNo";
/// The customer number that is given out next.
pub const NEXT_CUSTOMER_NO: &str = "NextCustomerNo";

/// Settings that are columns of `AR_Options`.
const AR_OPTIONS: [&str; 2] = ["CashReceiptsBatchEntry", "RequireDepositAmt"];

/// The settings of an open company.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'c> {
    connection: &'c Connection,
}

impl<'c> Settings<'c> {
    /// The settings in this company file.
    #[must_use]
    pub const fn new(connection: &'c Connection) -> Self {
        Self { connection }
    }

    /// The value, or `None` when it was never set.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn get(&self, name: &str) -> Result<Option<String>, SandboxError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT value FROM sandbox_setting WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// The value as a whole number, or `None` when it was never set.
    ///
    /// # Errors
    /// [`SandboxError::BadSetting`] when it is no whole number.
    pub fn get_number(&self, name: &str) -> Result<Option<u64>, SandboxError> {
        self.get(name)?
            .map(|value| {
                value.parse().map_err(|_| SandboxError::BadSetting {
                    name: name.to_owned(),
                    value,
                    expected: "a whole number",
                })
            })
            .transpose()
    }

    /// Sets or replaces the value. What is an option of A/R stands in `AR_Options` as well,
    /// where whoever reads the company's tables finds it.
    ///
    /// # Errors
    /// [`SandboxError::BadName`] for an empty name, and when `SQLite` fails.
    pub fn set(&self, name: &str, value: &str) -> Result<(), SandboxError> {
        if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(SandboxError::BadName {
                name: name.to_owned(),
            });
        }
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO sandbox_setting (name, value) VALUES (?1, ?2)")?
            .execute(params![name, value])?;
        if AR_OPTIONS.contains(&name) {
            let update = format!("UPDATE AR_Options SET {name} = ?1 WHERE ModuleCode = 'A/R'");
            if self.connection.execute(&update, [value])? == 0 {
                let insert = format!("INSERT INTO AR_Options (ModuleCode, {name}) VALUES ('A/R', ?1)");
                self.connection.execute(&insert, [value])?;
            }
        }
        Ok(())
    }

    /// Sets the value only if there is none yet; tells whether it did. This is how a lock
    /// or a seat is taken.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn set_if_absent(&self, name: &str, value: &str) -> Result<bool, SandboxError> {
        let rows = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO sandbox_setting (name, value) VALUES (?1, ?2)")?
            .execute(params![name, value])?;
        Ok(rows == 1)
    }

    /// Forgets the value; tells whether there was one.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn remove(&self, name: &str) -> Result<bool, SandboxError> {
        let rows = self
            .connection
            .prepare_cached("DELETE FROM sandbox_setting WHERE name = ?1")?
            .execute([name])?;
        Ok(rows > 0)
    }

    /// All settings whose name begins with `prefix`, by name.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn with_prefix(&self, prefix: &str) -> Result<Vec<(String, String)>, SandboxError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, value FROM sandbox_setting WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name",
        )?;
        let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Gives out a number (`NextSalesOrderNo` …), zero-filled as it was set, and moves on.
    /// Call it outside a transaction: a number that was given out is spent.
    ///
    /// # Errors
    /// [`SandboxError::BadSetting`] when the number was never set.
    pub fn take_number(&self, name: &str) -> Result<String, SandboxError> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE sandbox_setting
             SET value = printf('%0*d', length(value), CAST(value AS INTEGER) + 1)
             WHERE name = ?1 AND value GLOB '[0-9]*'
             RETURNING printf('%0*d', length(value), CAST(value AS INTEGER) - 1)",
        )?;
        let taken = statement.query_row([name], |row| row.get(0)).optional()?;
        taken.ok_or_else(|| SandboxError::BadSetting {
            name: name.to_owned(),
            value: String::new(),
            expected: "a number such as 0000001",
        })
    }
}

/// Makes the table of settings in an empty file.
pub(crate) fn create_table(connection: &Connection) -> Result<(), SandboxError> {
    connection.execute_batch(
        "CREATE TABLE sandbox_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_kept_and_numbers_are_spent() {
        let connection = Connection::open_in_memory().unwrap();
        create_table(&connection).unwrap();
        let settings = Settings::new(&connection);
        assert_eq!(settings.get("Seats").unwrap(), None);
        settings.set("Seats", "5").unwrap();
        assert_eq!(settings.get_number("Seats").unwrap(), Some(5));
        settings.set(NEXT_SALES_ORDER_NO, "0000999").unwrap();
        assert_eq!(settings.take_number(NEXT_SALES_ORDER_NO).unwrap(), "0000999");
        assert_eq!(settings.take_number(NEXT_SALES_ORDER_NO).unwrap(), "0001000");
        assert!(matches!(
            settings.take_number("NextNothing"),
            Err(SandboxError::BadSetting { .. })
        ));
    }

    #[test]
    fn a_lock_is_taken_once() {
        let connection = Connection::open_in_memory().unwrap();
        create_table(&connection).unwrap();
        let settings = Settings::new(&connection);
        assert!(settings.set_if_absent("Lock.SO.0000001", "7").unwrap());
        assert!(!settings.set_if_absent("Lock.SO.0000001", "8").unwrap());
        settings.set("Lock_other", "1").unwrap();
        assert_eq!(
            settings.with_prefix("Lock.").unwrap(),
            [("Lock.SO.0000001".to_owned(), "7".to_owned())]
        );
        assert!(settings.remove("Lock.SO.0000001").unwrap());
        assert!(!settings.remove("Lock.SO.0000001").unwrap());
    }
}
