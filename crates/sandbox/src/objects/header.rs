//! The header of a sales order under work: what a new one starts with, what a value set
//! brings along, and what stands against its write.

use rusqlite::Connection;
use sage::{Return, Scalar};
use values::Decimal;

use super::input::{accept, done, refused};
use super::line::warehouse_exists;
use super::order::Desk;
use super::record::{Cell, Record, StoreError};
use super::{codes, periods, settings, sold_to, tax, totals};

/// Columns that Sage works out by itself.
const COMPUTED: [&str; 13] = [
    "TaxableAmt",
    "NonTaxableAmt",
    "TaxableSubjectToDiscount",
    "NonTaxableSubjectToDiscount",
    "TaxSubjToDiscPrcntOfTotSubjTo",
    "InvalidTaxCalc",
    "SalesTaxAmt",
    "DateCreated",
    "TimeCreated",
    "UserCreatedKey",
    "DateUpdated",
    "TimeUpdated",
    "UserUpdatedKey",
];

/// Columns without which a header is not written.
const REQUIRED: [&str; 4] = ["CustomerNo", "TermsCode", "OrderDate", "ShipExpireDate"];

/// What a new order starts with.
pub(crate) fn set_defaults(desk: &Desk<'_>, header: &mut Record) -> Result<(), StoreError> {
    header.put_date("OrderDate", Some(desk.date));
    header.put_date("ShipExpireDate", Some(desk.date));
    header.put_text("OrderType", "S");
    header.put_text("OrderStatus", "N");
    header.put_text("PaymentTypeCategory", "D");
    let warehouse = settings::get(desk.db, "default_warehouse")?.unwrap_or_else(|| "000".into());
    if warehouse_exists(desk.db, &warehouse)? {
        header.put_text("WarehouseCode", &warehouse);
    }
    Ok(())
}

/// Why the header may not be written yet.
pub(crate) fn refusal_of(db: &Connection, header: &Record) -> Result<Option<Return>, StoreError> {
    let missing = REQUIRED.iter().find(|name| match header.cell(name) {
        Some(Cell::Text(text)) => text.is_empty(),
        Some(Cell::Date(date)) => date.is_none(),
        Some(Cell::Number(_)) | None => false,
    });
    if let Some(name) = missing {
        return Ok(Some(refused(format!("The {name} is required."))));
    }
    if let Some(words) = periods::end_in_process(db, "S/O")? {
        return Ok(Some(refused(words)));
    }
    if let Some(date) = header.date("OrderDate")
        && let Some(words) = periods::refusal_of(db, "OrderDate", date)?
    {
        return Ok(Some(refused(words)));
    }
    let discounted = header
        .number("TaxableSubjectToDiscount")
        .checked_add(header.number("NonTaxableSubjectToDiscount"))?;
    let discount = header.number("DiscountAmt");
    if !discount.is_zero() && discount > discounted {
        return Ok(Some(refused(format!(
            "The DiscountAmt must not exceed the amount subject to discount, {discounted}."
        ))));
    }
    Ok(tax::refusal_of(db, header)?.map(refused))
}

/// What Sage says while it writes the header all the same.
pub(crate) fn warning_of(db: &Connection, header: &Record) -> Result<Option<String>, StoreError> {
    if let Some(words) = sold_to::over_limit(db, header)? {
        return Ok(Some(words));
    }
    let (deposit, total) = (header.number("DepositAmt"), totals::total(header)?);
    Ok((deposit > total).then(|| format!("The DepositAmt {deposit} exceeds the order's total, {total}.")))
}

/// `nSetValue` on a keyed header.
pub(crate) fn set_value(
    desk: &Desk<'_>,
    header: &mut Record,
    is_new: bool,
    column: &str,
    value: &Scalar,
) -> Result<Return, StoreError> {
    let (name, cell) = match accept(header.layout(), column, value) {
        Ok((field, _)) if field.is_key => {
            return Ok(refused(format!(
                "{} is a key column; set it with nSetKeyValue.",
                field.name
            )));
        }
        Ok((field, cell)) => (field.name.clone(), cell),
        Err(message) => return Ok(refused(message)),
    };
    if COMPUTED.contains(&name.as_str()) {
        return Ok(refused(format!("The {name} cannot be changed.")));
    }
    if let Some(words) = codes::refusal_of(desk.db, header, &name, &cell)? {
        return Ok(refused(words));
    }
    match (name.as_str(), &cell) {
        ("ARDivisionNo" | "CustomerNo", _) if !is_new => {
            return Ok(refused(format!(
                "The {name} of an existing order cannot be changed."
            )));
        }
        ("ARDivisionNo", Cell::Text(division)) => {
            header.put_text("CustomerNo", "");
            header.put_text("ARDivisionNo", division);
            return Ok(done());
        }
        ("CustomerNo", Cell::Text(customer)) => return sold_to::load_customer(desk.db, header, customer),
        ("CustomerPONo", Cell::Text(po_number)) => return sold_to::set_po_number(desk.db, header, po_number),
        ("ShipToCode", Cell::Text(ship_to)) => return sold_to::load_ship_to(desk.db, header, ship_to),
        ("OrderDate", Cell::Date(Some(date))) => {
            if let Some(words) = periods::refusal_of(desk.db, "OrderDate", *date)? {
                return Ok(refused(words));
            }
        }
        // A rate makes the amount, and an amount of its own stands without a rate.
        ("DiscountRate", _) => header.put_number("DiscountAmt", Decimal::zero(2))?,
        ("DiscountAmt", _) => header.put_number("DiscountRate", Decimal::zero(3))?,
        _ => {}
    }
    match &cell {
        Cell::Text(text) => header.put_text(&name, text),
        Cell::Number(number) => header.put_number(&name, *number)?,
        Cell::Date(date) => header.put_date(&name, *date),
    }
    Ok(done())
}
