//! What imports read from the ERP's tables: always by key, never from a copy.

mod customers;
mod knowledge;
mod sightings;

pub(crate) use knowledge::code_key;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use import::Row;
use import::planning::CustomerFacts;
use import::read_back::{Columns, TABLES};
use import::settings::Settings;
use jiff::Timestamp;
use sage::{Column, ColumnInfo, Comparison, Literal, ReadError, ReadErrorCode, Reader, Select, Where};
use values::Kind;

use super::queued::Queued;
use super::rows::rows_of;
use super::spent::Spent;

/// Rows read for one question: no document has as many lines.
const MAX_ROWS: usize = 20_000;
/// Scanning the invoice history of many years takes minutes where no key helps.
const TIME_LIMIT: Duration = Duration::from_secs(300);
/// Sales order headers: without them nothing can be read back.
const OPEN_ORDERS: &str = "SO_SalesOrderHeader";
/// Their history.
const ORDER_HISTORY: &str = "SO_SalesOrderHistoryHeader";

/// The ERP's tables.
pub(super) struct Erp {
    reader: Box<dyn Reader>,
    settings: Arc<Settings>,
    tables: BTreeMap<String, Vec<ColumnInfo>>,
    user_key: Option<String>,
    /// Fields that the catalog has of a table: API name, column, kind.
    fields: BTreeMap<String, Vec<(String, String, Kind)>>,
    /// Customers for matching, and when they were read.
    customers: Option<(Timestamp, Vec<CustomerFacts>)>,
    now: Timestamp,
    /// What other documents of this driver want that is not in Sage yet.
    queued: Queued,
    /// What was found hangs on how much there is of an item.
    counts_stock: bool,
    spent: Arc<Mutex<Spent>>,
}

impl Erp {
    pub(super) fn new(reader: Box<dyn Reader>, settings: Arc<Settings>) -> Self {
        Self {
            reader,
            settings,
            tables: BTreeMap::new(),
            user_key: None,
            fields: BTreeMap::new(),
            customers: None,
            now: Timestamp::MIN,
            queued: Queued::default(),
            counts_stock: false,
            spent: Arc::default(),
        }
    }

    /// Asks anew for columns and user from now on: an administrator may have changed them.
    pub(super) fn forget(&mut self) {
        self.tables.clear();
        self.user_key = None;
    }

    /// What follows is asked now, for another document; `queued` is what the others want
    /// that is not in Sage yet.
    pub(super) fn begin(&mut self, now: Timestamp, queued: Queued) {
        self.now = now;
        self.queued = queued;
        self.counts_stock = false;
    }

    /// Does what was found since hang on how much there is of an item?
    pub(super) const fn has_counted_stock(&self) -> bool {
        self.counts_stock
    }

    /// Counts there what the time of reads goes into.
    pub(super) fn counting(mut self, spent: Arc<Mutex<Spent>>) -> Self {
        self.spent = spent;
        self
    }

    /// A customer was created or changed: who is matched against is read anew.
    pub(super) fn forget_customers(&mut self) {
        self.customers = None;
    }

    /// Columns of the tables that documents are looked for in. A table without columns does
    /// not exist.
    pub(super) fn columns(&mut self) -> Result<Columns, ReadError> {
        let mut columns = Columns::new();
        for table in TABLES {
            let names = self.table(table)?.iter().map(|column| column.name.clone());
            columns.insert((*table).to_owned(), names.collect());
        }
        if columns
            .get(OPEN_ORDERS)
            .is_none_or(std::collections::BTreeSet::is_empty)
        {
            return Err(ReadError::new(
                ReadErrorCode::TableMissing,
                format!("{OPEN_ORDERS} has no columns: orders cannot be read back"),
            ));
        }
        Ok(columns)
    }

    /// Does the table have the column?
    pub(super) fn has_column(&mut self, table: &str, column: &str) -> Result<bool, ReadError> {
        Ok(self.table(table)?.iter().any(|c| c.name == column))
    }

    /// Is there a table for the history of orders?
    pub(super) fn has_order_history(&mut self) -> Result<bool, ReadError> {
        Ok(!self.table(ORDER_HISTORY)?.is_empty())
    }

    /// The key under which Sage stamps what this user creates; none when Sage does not tell.
    pub(super) fn user_key(&mut self, user: &str) -> Result<Option<String>, ReadError> {
        if self.user_key.is_some() {
            return Ok(self.user_key.clone());
        }
        for column in ["UserLogon", "UserKey"] {
            if !self.has_column("SY_User", column)? {
                return Ok(None);
            }
        }
        for spelling in [user.to_owned(), user.to_uppercase(), user.to_lowercase()] {
            let rows = self.rows("SY_User", &["UserKey"], &[("UserLogon", &spelling)])?;
            let key = rows.first().map(|row| row.text("UserKey").to_owned());
            if let Some(key) = key.filter(|key| !key.is_empty()) {
                // Only what is known is remembered.
                self.user_key = Some(key);
                break;
            }
        }
        Ok(self.user_key.clone())
    }

    /// What the site has of a table; empty when it has none.
    fn table(&mut self, table: &str) -> Result<&[ColumnInfo], ReadError> {
        // Only what is known is remembered: a table may come to be.
        if self.tables.get(table).is_none_or(Vec::is_empty) {
            let columns = self.reader.columns(table)?;
            self.tables.insert(table.to_owned(), columns);
        }
        Ok(self.tables.get(table).map_or(&[], Vec::as_slice))
    }

    /// Text columns of the rows with this key; columns that the site lacks are left out.
    /// Nothing when the table lacks a column of the key.
    fn rows(&mut self, table: &str, columns: &[&str], key: &[(&str, &str)]) -> Result<Vec<Row>, ReadError> {
        let columns: Vec<(&str, Kind)> = columns.iter().map(|name| (*name, Kind::Text)).collect();
        self.typed_rows(table, &columns, key)
    }

    fn typed_rows(
        &mut self,
        table: &str,
        columns: &[(&str, Kind)],
        key: &[(&str, &str)],
    ) -> Result<Vec<Row>, ReadError> {
        let has: Vec<String> = self.table(table)?.iter().map(|c| c.name.clone()).collect();
        let known = |name: &str| has.iter().any(|c| c == name);
        if !key.iter().all(|(column, _)| known(column)) {
            return Ok(Vec::new());
        }
        // The key is read with the rest, so that a select always has a column.
        let mut wanted: Vec<Column> = Vec::new();
        for (name, kind) in key
            .iter()
            .map(|(name, _)| (*name, Kind::Text))
            .chain(columns.iter().copied())
        {
            if known(name) && !wanted.iter().any(|c| c.name == name) {
                wanted.push(Column::new(name, kind));
            }
        }
        let select = Select {
            table: table.to_owned(),
            columns: wanted,
            conditions: key
                .iter()
                .map(|(column, value)| Where {
                    column: (*column).to_owned(),
                    comparison: Comparison::Equal,
                    literal: Literal::Text((*value).to_owned()),
                })
                .collect(),
            order_by: Vec::new(),
        };
        if select.columns.is_empty() {
            return Ok(Vec::new());
        }
        self.read(&select)
    }

    fn read(&mut self, select: &Select) -> Result<Vec<Row>, ReadError> {
        let started = Instant::now();
        let page = self.reader.read(select, MAX_ROWS, TIME_LIMIT);
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.add("(erp_read)", started);
        drop(spent);
        let page = page?;
        if !page.end {
            return Err(ReadError::new(
                ReadErrorCode::DriverError,
                format!("{} has more than {MAX_ROWS} rows under one key", select.table),
            ));
        }
        rows_of(select, &page.rows)
    }
}
