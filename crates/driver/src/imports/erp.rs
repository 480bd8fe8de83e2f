//! What an import reads from the ERP's tables: always by key, never from a copy.

use std::collections::BTreeMap;
use std::time::Duration;

use import::read_back::{Columns, Sightings, TABLES, invoice_selects, order_selects};
use import::validate::{CustomerFacts, ItemFacts, Knowledge};
use import::{MARKER_COLUMN, Row};
use sage::{Column, Comparison, Literal, ReadError, ReadErrorCode, Reader, Select, Where};
use values::Kind;

use super::rows::rows_of;

/// Rows read for one question: no order has as many lines.
const MAX_ROWS: usize = 20_000;
/// Scanning the invoice history of many years takes minutes where no key helps.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// The ERP's tables.
pub(super) struct Erp {
    reader: Box<dyn Reader>,
    columns: Option<Columns>,
    user_key: Option<String>,
}

impl Erp {
    pub(super) fn new(reader: Box<dyn Reader>) -> Self {
        Self {
            reader,
            columns: None,
            user_key: None,
        }
    }

    /// Asks anew for columns and user from now on: an administrator may have changed them.
    pub(super) fn forget(&mut self) {
        self.columns = None;
        self.user_key = None;
    }

    /// What the site's tables have.
    pub(super) fn columns(&mut self) -> Result<&Columns, ReadError> {
        if self.columns.is_none() {
            let mut columns = Columns::new();
            for table in TABLES {
                let found = self.reader.columns(table)?;
                columns.insert(
                    table.to_owned(),
                    found.into_iter().map(|column| column.name).collect(),
                );
            }
            let open_orders = TABLES[0];
            if columns
                .get(open_orders)
                .is_none_or(std::collections::BTreeSet::is_empty)
            {
                return Err(ReadError::new(
                    ReadErrorCode::TableMissing,
                    format!("{open_orders} has no columns: orders cannot be read back"),
                ));
            }
            self.columns = Some(columns);
        }
        Ok(self.columns.get_or_insert_default())
    }

    /// Does the site have the column for our mark?
    pub(super) fn has_marker(&mut self) -> Result<bool, ReadError> {
        Ok(self
            .columns()?
            .get(TABLES[0])
            .is_some_and(|columns| columns.contains(MARKER_COLUMN)))
    }

    /// Is there a table for the history of orders?
    pub(super) fn has_history(&mut self) -> Result<bool, ReadError> {
        Ok(self
            .columns()?
            .get(TABLES[2])
            .is_some_and(|columns| !columns.is_empty()))
    }

    /// The key under which Sage stamps what this user creates; none when Sage does not tell.
    pub(super) fn user_key(&mut self, user: &str) -> Result<Option<String>, ReadError> {
        if self.user_key.is_some() {
            return Ok(self.user_key.clone());
        }
        let has = self.reader.columns("SY_User")?;
        let is_told = ["UserLogon", "UserKey"]
            .iter()
            .all(|wanted| has.iter().any(|c| c.name == *wanted));
        if !is_told {
            return Ok(None);
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

    /// Everything that stands under a number.
    pub(super) fn sightings(&mut self, number: &str) -> Result<Sightings, ReadError> {
        let columns = self.columns()?.clone();
        let mut rows = BTreeMap::new();
        for (place, select) in order_selects(number, &columns) {
            rows.insert(place, self.read(&select)?);
        }
        let sightings = Sightings::from_rows(&rows);
        if sightings.open.is_some() || sightings.history.is_some() {
            return Ok(sightings);
        }
        for (place, select) in invoice_selects(number, &columns) {
            rows.insert(place, self.read(&select)?);
        }
        Ok(Sightings::from_rows(&rows))
    }

    fn rows(&mut self, table: &str, columns: &[&str], key: &[(&str, &str)]) -> Result<Vec<Row>, ReadError> {
        let select = Select {
            table: table.to_owned(),
            columns: columns
                .iter()
                .map(|name| Column::new(*name, Kind::Text))
                .collect(),
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
        self.read(&select)
    }

    fn read(&mut self, select: &Select) -> Result<Vec<Row>, ReadError> {
        let page = self.reader.read(select, MAX_ROWS, TIME_LIMIT)?;
        if !page.end {
            return Err(ReadError::new(
                ReadErrorCode::DriverError,
                format!("{} has more than {MAX_ROWS} rows under one key", select.table),
            ));
        }
        rows_of(select, &page.rows)
    }
}

impl Knowledge for Erp {
    type Error = ReadError;

    fn item(&mut self, item_code: &str) -> Result<Option<ItemFacts>, ReadError> {
        let columns = ["ItemType", "InactiveItem", "ProductType", "ExplodeKitItems"];
        let rows = self.rows("CI_Item", &columns, &[("ItemCode", item_code)])?;
        Ok(rows.first().map(|row| ItemFacts {
            is_inactive: row.text("InactiveItem") == "Y",
            is_prompting_kit: row.text("ProductType") == "K" && row.text("ExplodeKitItems") == "P",
            is_stocked: row.text("ItemType") == "1",
        }))
    }

    fn customer(&mut self, division: &str, customer: &str) -> Result<Option<CustomerFacts>, ReadError> {
        let key = [("ARDivisionNo", division), ("CustomerNo", customer)];
        let rows = self.rows("AR_Customer", &["CustomerStatus"], &key)?;
        Ok(rows.first().map(|row| CustomerFacts {
            is_inactive: row.text("CustomerStatus") == "I",
        }))
    }

    fn has_ship_to(&mut self, division: &str, customer: &str, code: &str) -> Result<bool, ReadError> {
        let key = [
            ("ARDivisionNo", division),
            ("CustomerNo", customer),
            ("ShipToCode", code),
        ];
        Ok(!self.rows("SO_ShipToAddress", &["ShipToCode"], &key)?.is_empty())
    }

    fn has_warehouse(&mut self, code: &str) -> Result<bool, ReadError> {
        Ok(!self
            .rows("IM_Warehouse", &["WarehouseCode"], &[("WarehouseCode", code)])?
            .is_empty())
    }
}
