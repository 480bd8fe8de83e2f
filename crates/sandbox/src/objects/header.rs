//! The header of a sales order under work: what a new one starts with, what a customer
//! brings along, and what each column accepts.

use rusqlite::Connection;
use sage::{Return, Scalar};

use super::input::{accept, done, is_negative, refused, warned};
use super::line::warehouse_exists;
use super::order::{Desk, HEADER};
use super::record::{Cell, Record, StoreError, exists};
use super::settings;

/// Columns that Sage works out by itself.
const COMPUTED: [&str; 12] = [
    "TaxableAmt",
    "NonTaxableAmt",
    "TaxableSubjectToDiscount",
    "NonTaxableSubjectToDiscount",
    "DiscountAmt",
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

/// Customer columns that an order takes over, with the order's name for each.
const FROM_CUSTOMER: [(&str, &str); 18] = [
    ("BillToName", "CustomerName"),
    ("BillToAddress1", "AddressLine1"),
    ("BillToAddress2", "AddressLine2"),
    ("BillToAddress3", "AddressLine3"),
    ("BillToCity", "City"),
    ("BillToState", "State"),
    ("BillToZipCode", "ZipCode"),
    ("BillToCountryCode", "CountryCode"),
    ("TermsCode", "TermsCode"),
    ("ShipVia", "ShipMethod"),
    ("TaxSchedule", "TaxSchedule"),
    ("TaxExemptNo", "TaxExemptNo"),
    ("SalespersonDivisionNo", "SalespersonDivisionNo"),
    ("SalespersonNo", "SalespersonNo"),
    ("EmailAddress", "EmailAddress"),
    ("FaxNo", "FaxNo"),
    ("ResidentialAddress", "ResidentialAddress"),
    ("DiscountRate", "CustomerDiscountRate"),
];

/// The ship-to block, with the names of a ship-to address and of the customer itself.
const SHIP_TO: [(&str, &str); 8] = [
    ("ShipToName", "CustomerName"),
    ("ShipToAddress1", "AddressLine1"),
    ("ShipToAddress2", "AddressLine2"),
    ("ShipToAddress3", "AddressLine3"),
    ("ShipToCity", "City"),
    ("ShipToState", "State"),
    ("ShipToZipCode", "ZipCode"),
    ("ShipToCountryCode", "CountryCode"),
];

/// Columns that a ship-to address overrides where it has its own.
const SHIP_TO_TERMS: [&str; 6] = [
    "ShipVia",
    "TaxSchedule",
    "WarehouseCode",
    "SalespersonDivisionNo",
    "SalespersonNo",
    "EmailAddress",
];

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

/// The price level of the order's customer.
pub(crate) fn price_level(db: &Connection, header: &Record) -> Result<String, StoreError> {
    let key = [
        ("ARDivisionNo", header.text("ARDivisionNo")),
        ("CustomerNo", header.text("CustomerNo")),
    ];
    let customer = Record::look_up(db, "AR_Customer", &key)?;
    Ok(customer
        .map(|customer| customer.text("PriceLevel").to_owned())
        .unwrap_or_default())
}

/// Why the header may not be written yet.
pub(crate) fn refusal_of(header: &Record) -> Option<Return> {
    let missing = REQUIRED.iter().find(|name| match header.cell(name) {
        Some(Cell::Text(text)) => text.is_empty(),
        Some(Cell::Date(date)) => date.is_none(),
        Some(Cell::Number(_)) | None => false,
    });
    missing.map(|name| refused(format!("The {name} is required.")))
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
        ("CustomerNo", Cell::Text(customer)) => return load_customer(desk.db, header, customer),
        ("CustomerPONo", Cell::Text(po_number)) => {
            header.put_text("CustomerPONo", po_number);
            return warn_of_duplicate(desk.db, header);
        }
        ("ShipToCode", Cell::Text(ship_to)) => return load_ship_to(desk.db, header, ship_to),
        ("WarehouseCode", Cell::Text(code)) if !warehouse_exists(desk.db, code)? => {
            return Ok(refused(format!("The WarehouseCode {code} is not on file.")));
        }
        ("TermsCode", Cell::Text(code))
            if exists(desk.db, "AR_TermsCode", &[("TermsCode", code)])? == Some(false) =>
        {
            return Ok(refused(format!("The TermsCode {code} is not on file.")));
        }
        ("OrderType", Cell::Text(kind)) if !["S", "B", "M", "R", "Q", "P"].contains(&kind.as_str()) => {
            return Ok(refused(format!("The OrderType {kind} is not valid.")));
        }
        ("OrderStatus", Cell::Text(status)) if !["N", "O", "H"].contains(&status.as_str()) => {
            return Ok(refused(format!("The OrderStatus {status} is not valid.")));
        }
        ("FreightAmt" | "DepositAmt" | "DiscountRate", _) if is_negative(&cell) => {
            return Ok(refused(format!("The {name} must not be negative.")));
        }
        _ => {}
    }
    match &cell {
        Cell::Text(text) => header.put_text(&name, text),
        Cell::Number(number) => header.put_number(&name, *number)?,
        Cell::Date(date) => header.put_date(&name, *date),
    }
    Ok(done())
}

fn load_customer(db: &Connection, header: &mut Record, customer_no: &str) -> Result<Return, StoreError> {
    let division = header.text("ARDivisionNo").to_owned();
    if division.is_empty() {
        return Ok(refused("The ARDivisionNo is required before the CustomerNo."));
    }
    let key = [("ARDivisionNo", division.as_str()), ("CustomerNo", customer_no)];
    let Some(customer) = Record::look_up(db, "AR_Customer", &key)? else {
        return Ok(refused(format!(
            "The CustomerNo {division}-{customer_no} is not on file."
        )));
    };
    if customer.text("CustomerStatus") == "I" {
        return Ok(refused(format!("Customer {division}-{customer_no} is inactive.")));
    }
    header.put_text("CustomerNo", customer_no);
    header.put_text("BillToDivisionNo", &division);
    header.put_text("BillToCustomerNo", customer_no);
    for (ours, theirs) in FROM_CUSTOMER {
        header.copy_column(ours, &customer, theirs)?;
    }
    let primary = customer.text("PrimaryShipToCode");
    if !primary.is_empty() && !load_ship_to(db, header, primary)?.is_refused() {
        return Ok(done());
    }
    header.put_text("ShipToCode", "");
    for (ours, theirs) in SHIP_TO {
        header.copy_column(ours, &customer, theirs)?;
    }
    Ok(done())
}

fn load_ship_to(db: &Connection, header: &mut Record, code: &str) -> Result<Return, StoreError> {
    if header.text("CustomerNo").is_empty() {
        return Ok(refused("The CustomerNo is required before the ShipToCode."));
    }
    if code.is_empty() {
        header.put_text("ShipToCode", "");
        return Ok(done());
    }
    let key = [
        ("ARDivisionNo", header.text("ARDivisionNo")),
        ("CustomerNo", header.text("CustomerNo")),
        ("ShipToCode", code),
    ];
    let Some(address) = Record::look_up(db, "SO_ShipToAddress", &key)? else {
        return Ok(refused(format!("The ShipToCode {code} is not on file.")));
    };
    header.put_text("ShipToCode", code);
    for (column, _) in SHIP_TO {
        header.copy_column(column, &address, column)?;
    }
    header.copy_column("ResidentialAddress", &address, "ResidentialAddress")?;
    for column in SHIP_TO_TERMS {
        if !address.text(column).is_empty() {
            header.copy_column(column, &address, column)?;
        }
    }
    Ok(done())
}

/// Sage looks at the open orders of the same customer, and only warns.
fn warn_of_duplicate(db: &Connection, header: &Record) -> Result<Return, StoreError> {
    let po_number = header.text("CustomerPONo");
    if po_number.is_empty() {
        return Ok(done());
    }
    let other: Option<String> = {
        let mut statement = db.prepare_cached(&format!(
            "SELECT min(SalesOrderNo) FROM {HEADER}
             WHERE ARDivisionNo = ?1 AND CustomerNo = ?2 AND CustomerPONo = ?3 AND SalesOrderNo <> ?4"
        ))?;
        let key = [
            header.text("ARDivisionNo"),
            header.text("CustomerNo"),
            po_number,
            header.text("SalesOrderNo"),
        ];
        statement.query_row(key, |row| row.get(0))?
    };
    Ok(match other {
        Some(number) => warned(format!(
            "Customer PO {po_number} is already used on sales order {number}."
        )),
        None => done(),
    })
}
