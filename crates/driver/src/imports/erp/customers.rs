//! Customers, as far as documents are matched with them and numbered beside them.

use import::Row;
use import::planning::CustomerFacts;
use sage::{Comparison, Literal, ReadError, ReadErrorCode, Select, Where};
use values::{Decimal, Kind};

use super::super::rows::rows_of;
use super::knowledge::{AMOUNT, texts_of};
use super::{Erp, TIME_LIMIT};

/// Customers read in one page.
const PAGE: usize = 5_000;
/// Customers that are matched against at most: beyond it the company has other means.
const MAX_CUSTOMERS: usize = 500_000;
/// Texts of a customer that planning and rules look at.
const CUSTOMER_TEXTS: [&str; 24] = [
    "CustomerName",
    "AddressLine1",
    "AddressLine2",
    "AddressLine3",
    "City",
    "State",
    "ZipCode",
    "CountryCode",
    "TelephoneNo",
    "TelephoneExt",
    "EmailAddress",
    "TaxExemptNo",
    "TermsCode",
    "CustomerType",
    "PriceLevel",
    "SalespersonDivisionNo",
    "SalespersonNo",
    "PrimaryShipToCode",
    "DefaultPaymentType",
    "ShipMethod",
    "ContactCode",
    "SortField",
    "TemporaryCustomer",
    "Comment",
];
/// Balances that make up what a customer owes.
const BALANCES: [&str; 5] = [
    "CurrentBalance",
    "AgingCategory1",
    "AgingCategory2",
    "AgingCategory3",
    "AgingCategory4",
];

impl Erp {
    /// The highest number of a customer in the division that begins with the prefix and goes
    /// on with as many digits.
    pub(in crate::imports) fn highest_customer(
        &mut self,
        division: &str,
        prefix: &str,
        digits: u8,
    ) -> Result<Option<u64>, ReadError> {
        let mut highest = None;
        let mut after = String::new();
        loop {
            let condition = |column: &str, comparison, text: &str| Where {
                column: column.into(),
                comparison,
                literal: Literal::Text(text.to_owned()),
            };
            let select = Select {
                table: "AR_Customer".into(),
                columns: vec![sage::Column::new("CustomerNo", Kind::Text)],
                conditions: vec![
                    condition("ARDivisionNo", Comparison::Equal, division),
                    condition("CustomerNo", Comparison::Greater, &after),
                ],
                order_by: vec!["CustomerNo".into()],
            };
            let page = self.reader.read(&select, PAGE, TIME_LIMIT)?;
            let rows = rows_of(&select, &page.rows)?;
            let numbers = rows.iter().filter_map(|row| {
                let rest = row.text("CustomerNo").strip_prefix(prefix)?;
                let is_counted = rest.len() == usize::from(digits);
                is_counted.then(|| rest.parse::<u64>().ok()).flatten()
            });
            highest = highest.max(numbers.max());
            match rows.last() {
                Some(last) if !page.end => last.text("CustomerNo").clone_into(&mut after),
                Some(_) | None => return Ok(highest),
            }
        }
    }

    pub(super) fn customer_columns() -> Vec<(&'static str, Kind)> {
        let texts = [
            "ARDivisionNo",
            "CustomerNo",
            "CustomerStatus",
            "CreditHold",
            "TaxSchedule",
        ];
        let numbers = ["CreditLimit", "OpenOrderAmt"];
        texts
            .into_iter()
            .chain(CUSTOMER_TEXTS)
            .map(|name| (name, Kind::Text))
            .chain(numbers.into_iter().chain(BALANCES).map(|name| (name, AMOUNT)))
            .collect()
    }

    pub(super) fn scan_customers(&mut self) -> Result<Vec<CustomerFacts>, ReadError> {
        let has: Vec<String> = self
            .table("AR_Customer")?
            .iter()
            .map(|c| c.name.clone())
            .collect();
        let columns: Vec<sage::Column> = Self::customer_columns()
            .into_iter()
            .filter(|(name, _)| has.iter().any(|c| c == name))
            .map(|(name, kind)| sage::Column::new(name, kind))
            .collect();
        let divisions = self.divisions()?;
        let mut customers = Vec::new();
        for division in divisions {
            let mut after: Option<String> = None;
            loop {
                let mut conditions = vec![Where {
                    column: "ARDivisionNo".into(),
                    comparison: Comparison::Equal,
                    literal: Literal::Text(division.clone()),
                }];
                conditions.extend(after.as_ref().map(|after| Where {
                    column: "CustomerNo".into(),
                    comparison: Comparison::Greater,
                    literal: Literal::Text(after.clone()),
                }));
                let select = Select {
                    table: "AR_Customer".into(),
                    columns: columns.clone(),
                    conditions,
                    order_by: vec!["CustomerNo".into()],
                };
                let page = self.reader.read(&select, PAGE, TIME_LIMIT)?;
                let rows = rows_of(&select, &page.rows)?;
                after = rows.last().map(|row| row.text("CustomerNo").to_owned());
                customers.extend(rows.iter().map(customer_of));
                if page.end || after.is_none() {
                    break;
                }
                if customers.len() > MAX_CUSTOMERS {
                    return Err(ReadError::new(
                        ReadErrorCode::DriverError,
                        format!(
                            "AR_Customer has more than {MAX_CUSTOMERS} rows: new customers cannot be matched"
                        ),
                    ));
                }
            }
        }
        Ok(customers)
    }

    /// Divisions in use: one query each keeps every page on the table's key.
    fn divisions(&mut self) -> Result<Vec<String>, ReadError> {
        let mut divisions: Vec<String> = Vec::new();
        if !self.table("AR_Division")?.is_empty() {
            let rows = self.rows("AR_Division", &["ARDivisionNo"], &[])?;
            divisions.extend(rows.iter().map(|row| row.text("ARDivisionNo").to_owned()));
        }
        if !divisions.iter().any(|d| d == "00") {
            divisions.push("00".into());
        }
        let own = &self.settings.customers.ar_division_no;
        if !divisions.contains(own) {
            divisions.push(own.clone());
        }
        Ok(divisions)
    }
}

pub(super) fn customer_of(row: &Row) -> CustomerFacts {
    let amount = |column: &str| row.number(column).unwrap_or(Decimal::zero(2));
    let balance = BALANCES
        .iter()
        .try_fold(Decimal::zero(2), |sum, column| sum.checked_add(amount(column)));
    CustomerFacts {
        ar_division_no: row.text("ARDivisionNo").to_owned(),
        customer_no: row.text("CustomerNo").to_owned(),
        is_inactive: row.text("CustomerStatus") == "I",
        is_on_credit_hold: row.text("CreditHold") == "Y",
        credit_limit: amount("CreditLimit"),
        balance: balance.unwrap_or(Decimal::zero(2)),
        open_order_amt: amount("OpenOrderAmt"),
        tax_schedule: row.text("TaxSchedule").to_owned(),
        texts: texts_of(row, &CUSTOMER_TEXTS),
    }
}
