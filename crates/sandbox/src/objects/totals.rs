//! Amounts of lines and orders.
//!
//! Tax is simple on purpose: one rate per tax schedule, on lines of tax class `TX`, after
//! the trade discount. The rate in percent is the sum over the schedule's codes
//! (`SY_SalesTaxScheduleDetail`, `SY_SalesTaxCodeDetail` of class `TX`), unless the setting
//! `tax_rate:SCHEDULE` says another. The header's `TaxableAmt` and `NonTaxableAmt` are
//! before that discount.

use rusqlite::Connection;
use values::Decimal;

use super::pricing::percent_of;
use super::record::{Layout, Record, StoreError};
use super::settings;

const MONEY: u8 = 2;

/// Sets a line's extension: quantity times price less the line's discount. Comments have
/// none, and a charge is entered as its amount.
pub(crate) fn extend(line: &mut Record) -> Result<(), StoreError> {
    if matches!(line.text("ItemType"), "3" | "4") {
        return Ok(());
    }
    let factor = Decimal::new(100, 0).checked_sub(line.number("LineDiscountPercent"))?;
    // Rounded once: the whole product first.
    let gross = line
        .number("QuantityOrdered")
        .multiply(line.number("UnitPrice"), 8)?;
    line.put_number("ExtensionAmt", percent_of(gross, factor, MONEY)?)
}

/// Sets a header's sums from its lines.
pub(crate) fn sum(db: &Connection, header: &mut Record, lines: &[Record]) -> Result<(), StoreError> {
    let zero = Decimal::zero(MONEY);
    let (mut taxable, mut plain, mut taxable_net, mut plain_net) = (zero, zero, zero, zero);
    for line in lines {
        let amount = line.number("ExtensionAmt");
        let is_discounted = line.text("Discount") != "N";
        let (all, discounted) = if line.text("TaxClass") == "TX" {
            (&mut taxable, &mut taxable_net)
        } else {
            (&mut plain, &mut plain_net)
        };
        *all = all.checked_add(amount)?;
        if is_discounted {
            *discounted = discounted.checked_add(amount)?;
        }
    }
    let rate = header.number("DiscountRate");
    let discount = percent_of(taxable_net.checked_add(plain_net)?, rate, MONEY)?;
    let taxable_discount = percent_of(taxable_net, rate, MONEY)?;
    let tax = percent_of(
        taxable.checked_sub(taxable_discount)?,
        tax_rate(db, header.text("TaxSchedule"))?,
        MONEY,
    )?;
    header.put_number("TaxableAmt", taxable)?;
    header.put_number("NonTaxableAmt", plain)?;
    header.put_number("TaxableSubjectToDiscount", taxable_net)?;
    header.put_number("NonTaxableSubjectToDiscount", plain_net)?;
    header.put_number("DiscountAmt", discount)?;
    header.put_number("SalesTaxAmt", tax)
}

/// What the customer owes for the order.
pub(crate) fn total(header: &Record) -> Result<Decimal, StoreError> {
    Ok(header
        .number("TaxableAmt")
        .checked_add(header.number("NonTaxableAmt"))?
        .checked_sub(header.number("DiscountAmt"))?
        .checked_add(header.number("FreightAmt"))?
        .checked_add(header.number("SalesTaxAmt"))?)
}

fn tax_rate(db: &Connection, schedule: &str) -> Result<Decimal, StoreError> {
    let mut rate = Decimal::zero(6);
    if schedule.is_empty() {
        return Ok(rate);
    }
    if let Some(rate) = settings::get(db, &format!("tax_rate:{schedule}"))? {
        return Ok(rate.trim().parse()?);
    }
    let Some(layout) = Layout::read_if_any(db, "SY_SalesTaxScheduleDetail")? else {
        return Ok(rate);
    };
    for entry in Record::read_all(db, &layout, &[("TaxSchedule", schedule)])? {
        let code = [("TaxCode", entry.text("TaxCode")), ("TaxClass", "TX")];
        if let Some(detail) = Record::look_up(db, "SY_SalesTaxCodeDetail", &code)? {
            rate = rate.checked_add(detail.number("TaxRate"))?;
        }
    }
    Ok(rate)
}
