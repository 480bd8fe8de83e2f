//! The customer of an order: what an order takes over from him and from his ship-to
//! addresses, his purchase order numbers, and his credit.

use rusqlite::Connection;
use sage::Return;
use values::Decimal;

use super::input::{done, refused, warned};
use super::order::HEADER;
use super::record::{Record, StoreError};
use super::{settings, totals};

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

/// What a customer owes, by age.
const OWED: [&str; 5] = [
    "CurrentBalance",
    "AgingCategory1",
    "AgingCategory2",
    "AgingCategory3",
    "AgingCategory4",
];

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

/// `CustomerNo$`: loads the customer into the header. One on credit hold comes with a
/// warning, and the order is put on hold; with the setting `credit_hold_refuses` he is
/// refused.
pub(crate) fn load_customer(
    db: &Connection,
    header: &mut Record,
    customer_no: &str,
) -> Result<Return, StoreError> {
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
    let is_on_hold = customer.text("CreditHold") == "Y";
    if is_on_hold && settings::is(db, "credit_hold_refuses", "Y")? {
        return Ok(refused(format!(
            "Customer {division}-{customer_no} is on credit hold."
        )));
    }
    let answer = if is_on_hold {
        header.put_text("OrderStatus", "H");
        warned(format!(
            "Customer {division}-{customer_no} is on credit hold: the order is put on hold."
        ))
    } else {
        done()
    };
    header.put_number("DiscountAmt", Decimal::zero(2))?;
    header.put_text("CustomerNo", customer_no);
    header.put_text("BillToDivisionNo", &division);
    header.put_text("BillToCustomerNo", customer_no);
    for (ours, theirs) in FROM_CUSTOMER {
        header.copy_column(ours, &customer, theirs)?;
    }
    let primary = customer.text("PrimaryShipToCode");
    if !primary.is_empty() && !load_ship_to(db, header, primary)?.is_refused() {
        return Ok(answer);
    }
    header.put_text("ShipToCode", "");
    for (ours, theirs) in SHIP_TO {
        header.copy_column(ours, &customer, theirs)?;
    }
    Ok(answer)
}

/// `ShipToCode$`: loads the address into the header; blank keeps the address as it is.
pub(crate) fn load_ship_to(db: &Connection, header: &mut Record, code: &str) -> Result<Return, StoreError> {
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

/// `CustomerPONo$`: Sage looks at the open orders of the same customer and only warns; the
/// setting `duplicate_po` = `refuse` or `accept` says otherwise.
pub(crate) fn set_po_number(
    db: &Connection,
    header: &mut Record,
    po_number: &str,
) -> Result<Return, StoreError> {
    let policy = settings::get(db, "duplicate_po")?;
    let other = match policy.as_deref() {
        Some("accept") => None,
        Some(_) | None => order_with_po_number(db, header, po_number)?,
    };
    let words =
        other.map(|number| format!("Customer PO {po_number} is already used on sales order {number}."));
    match (words, policy.as_deref()) {
        (Some(words), Some("refuse")) => Ok(refused(words)),
        (words, _) => {
            header.put_text("CustomerPONo", po_number);
            Ok(words.map_or_else(done, warned))
        }
    }
}

/// What Sage says when the order takes the customer beyond the credit limit: what he owes,
/// his open orders and this one. The setting `credit_check` = `N` silences it.
pub(crate) fn over_limit(db: &Connection, header: &Record) -> Result<Option<String>, StoreError> {
    let (division, number) = (header.text("ARDivisionNo"), header.text("CustomerNo"));
    let key = [("ARDivisionNo", division), ("CustomerNo", number)];
    let Some(customer) = Record::look_up(db, "AR_Customer", &key)? else {
        return Ok(None);
    };
    let limit = customer.number("CreditLimit");
    let is_order = matches!(header.text("OrderType"), "S" | "B");
    if limit.is_zero() || !is_order || settings::is(db, "credit_check", "N")? {
        return Ok(None);
    }
    let mut used = totals::total(header)?;
    for column in OWED {
        used = used.checked_add(customer.number(column))?;
    }
    used = used.checked_add(open_orders(db, header)?)?;
    Ok((used > limit).then(|| {
        format!("Customer {division}-{number} exceeds the credit limit of {limit}: {used} with this order.")
    }))
}

/// The customer's other open orders.
fn open_orders(db: &Connection, header: &Record) -> Result<Decimal, StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT CAST(TaxableAmt AS TEXT), CAST(NonTaxableAmt AS TEXT), CAST(FreightAmt AS TEXT),
            CAST(SalesTaxAmt AS TEXT), CAST(DiscountAmt AS TEXT) FROM {HEADER}
         WHERE ARDivisionNo = ?1 AND CustomerNo = ?2 AND SalesOrderNo <> ?3 AND OrderType IN ('S', 'B')"
    ))?;
    let key = ["ARDivisionNo", "CustomerNo", "SalesOrderNo"].map(|column| header.text(column));
    let mut rows = statement.query(key)?;
    let mut sum = Decimal::zero(2);
    while let Some(row) = rows.next()? {
        for index in 0..5 {
            let text: Option<String> = row.get(index)?;
            let amount = Decimal::parse(text.as_deref().unwrap_or_default(), 2)?;
            sum = if index == 4 {
                sum.checked_sub(amount)?
            } else {
                sum.checked_add(amount)?
            };
        }
    }
    Ok(sum)
}

fn order_with_po_number(
    db: &Connection,
    header: &Record,
    po_number: &str,
) -> Result<Option<String>, StoreError> {
    if po_number.is_empty() {
        return Ok(None);
    }
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
    Ok(statement.query_row(key, |row| row.get(0))?)
}
