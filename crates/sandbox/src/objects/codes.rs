//! What the columns of an order's header accept: values of their own, and codes of other
//! tables. A table that the company lacks, or keeps empty, checks nothing.

use rusqlite::Connection;
use values::Decimal;

use super::input::is_negative;
use super::line::warehouse_exists;
use super::record::{Cell, Layout, Record, StoreError, exists};
use super::settings;

/// The tax schedule that stands for an outside tax service; it has no rates of its own.
pub(crate) const AVATAX: &str = "AVATAX";

/// Columns with a short list of values.
const LISTED: [(&str, &[&str]); 11] = [
    ("OrderType", &["S", "B", "M", "R", "Q", "P"]),
    ("OrderStatus", &["N", "O", "H"]),
    ("PaymentTypeCategory", &["D", "P"]),
    ("PrintSalesOrders", YES_NO),
    ("PrintPickingSheets", YES_NO),
    ("ResidentialAddress", YES_NO),
    ("BatchFax", YES_NO),
    ("BatchEmail", YES_NO),
    ("SplitCommissions", YES_NO),
    ("SalesOrderPrinted", YES_NO),
    ("PickingSheetPrinted", YES_NO),
];

/// A flag; blank is no.
const YES_NO: &[&str] = &["Y", "N", ""];

/// Columns that hold the code of another table, and that table with its column.
const CODES: [(&str, &str, &str); 6] = [
    ("TermsCode", "AR_TermsCode", "TermsCode"),
    ("TaxSchedule", "SY_SalesTaxSchedule", "TaxSchedule"),
    ("CancelReasonCode", "SO_CancelReasonCode", "CancelReasonCode"),
    ("PaymentType", "AR_PaymentType", "PaymentType"),
    ("ShipVia", "SO_ShippingRateHeader", "ShippingCode"),
    ("SalespersonNo", "AR_Salesperson", "SalespersonNo"),
];

/// Columns that must not be below zero.
const NOT_NEGATIVE: [&str; 6] = [
    "FreightAmt",
    "DepositAmt",
    "DiscountRate",
    "DiscountAmt",
    "Weight",
    "NumberOfShippingLabels",
];

/// Why the column does not take the value; whatever depends on the order's customer is
/// looked at elsewhere.
pub(crate) fn refusal_of(
    db: &Connection,
    header: &Record,
    name: &str,
    cell: &Cell,
) -> Result<Option<String>, StoreError> {
    if NOT_NEGATIVE.contains(&name) && is_negative(cell) {
        return Ok(Some(format!("The {name} must not be negative.")));
    }
    match cell {
        Cell::Text(text) => refusal_of_text(db, header, name, text),
        Cell::Number(number) => Ok(refusal_of_number(header, name, *number)),
        Cell::Date(_) => Ok(None),
    }
}

/// May an order of this type carry a deposit?
pub(crate) fn takes_deposit(order_type: &str) -> bool {
    matches!(order_type, "S" | "B")
}

/// Is there such a row? `None` when the company has no such table, or an empty one.
pub(crate) fn on_file(
    db: &Connection,
    table: &str,
    having: &[(&str, &str)],
) -> Result<Option<bool>, StoreError> {
    let found = exists(db, table, having)?;
    if found == Some(false) && Layout::read_if_any(db, table)?.is_some() {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM \"{table}\")");
        let has_rows: bool = db.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        return Ok(has_rows.then_some(false));
    }
    Ok(found)
}

fn refusal_of_text(
    db: &Connection,
    header: &Record,
    name: &str,
    text: &str,
) -> Result<Option<String>, StoreError> {
    if LISTED
        .iter()
        .any(|(column, values)| *column == name && !values.contains(&text))
    {
        return Ok(Some(format!("The {name} {text} is not valid.")));
    }
    match (name, text) {
        ("OrderType", "P") => {
            return Ok(Some("The OrderType P is for a prospect, not a customer.".into()));
        }
        ("OrderType", kind) if !takes_deposit(kind) && !header.number("DepositAmt").is_zero() => {
            return Ok(Some(format!(
                "The OrderType {kind} is not allowed: the order has a deposit."
            )));
        }
        ("WarehouseCode", code) if !warehouse_exists(db, code)? => {
            return Ok(Some(format!("The WarehouseCode {code} is not on file.")));
        }
        ("BillToCustomerNo", number) if !number.is_empty() => {
            let key = [
                ("ARDivisionNo", header.text("BillToDivisionNo")),
                ("CustomerNo", number),
            ];
            if on_file(db, "AR_Customer", &key)? == Some(false) {
                return Ok(Some(format!("The BillToCustomerNo {number} is not on file.")));
            }
        }
        _ => {}
    }
    let Some((_, table, column)) = CODES.iter().find(|(ours, _, _)| *ours == name) else {
        return Ok(None);
    };
    let is_free = text.is_empty()
        || (name == "TaxSchedule" && text == AVATAX)
        || (name == "ShipVia" && settings::is(db, "ship_via", "free")?);
    if is_free {
        return Ok(None);
    }
    let mut key = vec![(*column, text)];
    if name == "SalespersonNo" {
        key.push(("SalespersonDivisionNo", header.text("SalespersonDivisionNo")));
    }
    let is_missing = on_file(db, table, &key)? == Some(false);
    Ok(is_missing.then(|| format!("The {name} {text} is not on file.")))
}

fn refusal_of_number(header: &Record, name: &str, number: Decimal) -> Option<String> {
    match name {
        "DiscountRate" if number > Decimal::new(100, 0) => {
            Some("The DiscountRate must not exceed 100.".into())
        }
        "DepositAmt" if !number.is_zero() && !takes_deposit(header.text("OrderType")) => Some(format!(
            "The DepositAmt is not allowed on an order of type {}.",
            header.text("OrderType")
        )),
        _ => None,
    }
}
