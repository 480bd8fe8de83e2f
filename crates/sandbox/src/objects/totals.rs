//! Amounts of lines and orders.
//!
//! Tax is simple on purpose: one rate per tax schedule, on lines of tax class `TX`, after
//! the trade discount. The header's `TaxableAmt` and `NonTaxableAmt` are before that
//! discount, which comes from a rate, or is an amount of its own and then falls on taxable
//! and other lines in proportion.

use rusqlite::Connection;
use values::Decimal;

use super::pricing::percent_of;
use super::record::{Record, StoreError};
use super::tax;

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

/// Sets a header's sums from its lines while it is under work. Where tax is known only
/// after the write, it reads zero.
pub(crate) fn sum(db: &Connection, header: &mut Record, lines: &[Record]) -> Result<(), StoreError> {
    finish(db, header, lines)?;
    if tax::is_known_late(db)? {
        header.put_number("SalesTaxAmt", Decimal::zero(MONEY))?;
    }
    Ok(())
}

/// Sets a header's sums from its lines as they are stored.
pub(crate) fn finish(db: &Connection, header: &mut Record, lines: &[Record]) -> Result<(), StoreError> {
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
    let net = taxable_net.checked_add(plain_net)?;
    let (discount, taxable_discount) = if rate.is_zero() {
        let discount = header.number("DiscountAmt");
        (discount, share(discount, taxable_net, net)?)
    } else {
        (
            percent_of(net, rate, MONEY)?,
            percent_of(taxable_net, rate, MONEY)?,
        )
    };
    let tax = percent_of(
        taxable.checked_sub(taxable_discount)?,
        tax::rate(db, header.text("TaxSchedule"))?,
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

/// `amount` times `part` through `whole`, to the cent.
fn share(amount: Decimal, part: Decimal, whole: Decimal) -> Result<Decimal, StoreError> {
    let [amount, part, whole] = [
        amount.rescale(MONEY)?,
        part.rescale(MONEY)?,
        whole.rescale(MONEY)?,
    ];
    if whole.is_zero() {
        return Ok(Decimal::zero(MONEY));
    }
    let product = i128::from(amount.units()) * i128::from(part.units());
    let whole = i128::from(whole.units());
    let half = if (product < 0) == (whole < 0) {
        whole
    } else {
        -whole
    };
    let units = (2 * product + half) / (2 * whole);
    let units = i64::try_from(units).map_err(|_| values::DecimalError::TooLarge)?;
    Ok(Decimal::new(units, MONEY))
}
