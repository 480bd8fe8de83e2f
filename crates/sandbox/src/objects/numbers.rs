//! Sales order numbers: a sequence in the settings that is spent on being read.

use rusqlite::{Connection, TransactionBehavior};
use values::{Date, Decimal, Stamp};

use super::commit::{history_of, is_open};
use super::line::{self, OrderTerms};
use super::order::{DETAIL, HEADER};
use super::record::{Layout, Record, StoreError};
use super::{settings, totals};
use crate::Settings;
use crate::settings::NEXT_SALES_ORDER_NO;

/// Numbers that came back stand in the settings under this prefix.
const RETURNED: &str = "returned:SalesOrderNo:";
/// User key on records of the somebody else whom the fault `number_taken` brings in: the
/// clerk's of the demo company.
pub(crate) const SOMEBODY_ELSE: &str = "0000000002";

/// Gives out the next number that no open order and no history has.
pub(crate) fn next_sales_order(db: &Connection) -> Result<String, StoreError> {
    let settings = Settings::new(db);
    if settings::is(db, "number_spent", "returned")? {
        for (name, number) in settings.with_prefix(RETURNED)? {
            settings.remove(&name)?;
            if !is_open(db, &number)? && history_of(db, &number)?.is_none() {
                return Ok(number);
            }
        }
    }
    if settings.get(NEXT_SALES_ORDER_NO)?.is_none() {
        settings.set_if_absent(NEXT_SALES_ORDER_NO, &format!("{:07}", highest(db)? + 1))?;
    }
    loop {
        let number = settings.take_number(NEXT_SALES_ORDER_NO)?;
        if !is_open(db, &number)? && history_of(db, &number)?.is_none() {
            return Ok(number);
        }
    }
}

/// The number of an order that was dropped before it was written. Whether Sage spends it
/// is not known: the setting `number_spent` = `returned` gives it out again.
pub(crate) fn give_back(db: &Connection, number: &str) -> Result<(), StoreError> {
    if settings::is(db, "number_spent", "returned")? {
        Settings::new(db).set(&format!("{RETURNED}{number}"), number)?;
    }
    Ok(())
}

/// Another user's order under this number: of `customer` (`01-ABF`), else of the first
/// customer of the company.
pub(crate) fn take_for_somebody_else(
    db: &mut Connection,
    number: &str,
    customer: &str,
    stamp: Stamp,
) -> Result<(), StoreError> {
    let (division, customer_no) = match customer.split_once('-') {
        Some((division, customer_no)) => (division.to_owned(), customer_no.to_owned()),
        None => first_row(
            db,
            "SELECT ARDivisionNo, CustomerNo FROM AR_Customer ORDER BY 1, 2 LIMIT 1",
        )?,
    };
    let (item, _) = first_row(
        db,
        "SELECT ItemCode, ItemType FROM CI_Item WHERE ItemType = '1' ORDER BY 1 LIMIT 1",
    )?;
    let mut header = Record::blank(&Layout::read(db, HEADER)?);
    let today: Date = stamp.date();
    header.put_text("SalesOrderNo", number);
    header.put_text("ARDivisionNo", &division);
    header.put_text("CustomerNo", &customer_no);
    header.put_text("OrderType", "S");
    header.put_text("OrderStatus", "N");
    header.put_text("CustomerPONo", "PHONE");
    header.put_date("OrderDate", Some(today));
    header.put_date("ShipExpireDate", Some(today));
    let mut row = Record::blank(&Layout::read(db, DETAIL)?);
    row.put_text("SalesOrderNo", number);
    row.put_text("LineKey", "000001");
    row.put_text("LineSeqNo", "00000000000001");
    let terms = OrderTerms {
        division: &division,
        customer: &customer_no,
        price_level: "",
        ship_to: "",
        others: Vec::new(),
        warehouse: "",
        order_date: today,
        promise_date: None,
    };
    let text = sage::Scalar::Text(item);
    line::set_value(db, &terms, &mut row, "ItemCode$", &text)?;
    line::set_value(
        db,
        &terms,
        &mut row,
        "QuantityOrdered",
        &sage::Scalar::Number(Decimal::new(1, 0)),
    )?;
    let lines = [row];
    totals::finish(db, &mut header, &lines)?;
    header.stamp(stamp, SOMEBODY_ELSE, true);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    header.store(&transaction)?;
    lines[0].store(&transaction)?;
    transaction.commit()?;
    Ok(())
}

fn first_row(db: &Connection, sql: &str) -> Result<(String, String), StoreError> {
    Ok(db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn highest(db: &Connection) -> Result<u64, StoreError> {
    let mut highest = 0;
    for table in [HEADER, "SO_SalesOrderHistoryHeader"] {
        if Layout::read_if_any(db, table)?.is_some() {
            let sql = format!("SELECT max(SalesOrderNo) FROM {table} WHERE SalesOrderNo NOT GLOB '*[^0-9]*'");
            let found: Option<String> = db.query_row(&sql, [], |row| row.get(0))?;
            highest = highest.max(found.and_then(|number| number.parse().ok()).unwrap_or(0));
        }
    }
    Ok(highest)
}
