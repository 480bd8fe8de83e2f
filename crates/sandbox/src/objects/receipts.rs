//! What happens to a clerk's receipts at the day end: they leave the data entry, and what
//! the customers owe falls.

use rusqlite::Connection;
use values::{Decimal, Stamp};

use super::posting::CLERK;
use super::record::{Layout, Record, StoreError};

const HEADER: &str = "AR_CashReceiptsHeader";
const DETAIL: &str = "AR_CashReceiptsDetail";

/// Balances of a customer from the oldest on.
const AGES: [&str; 5] = [
    "AgingCategory4",
    "AgingCategory3",
    "AgingCategory2",
    "AgingCategory1",
    "CurrentBalance",
];

/// Posts every receipt: it goes to `AR_CashReceiptsHistory`, its payments to
/// `AR_TransactionPaymentHistory`, and the balances of invoices and customer fall. The
/// answer is the receipts' check numbers with the rows of their invoices.
pub(crate) fn post_receipts(db: &Connection, stamp: Stamp) -> Result<Vec<(String, u64)>, StoreError> {
    if Layout::read_if_any(db, HEADER)?.is_none() {
        return Ok(Vec::new());
    }
    let keys: Vec<[String; 5]> = db
        .prepare(&format!(
            "SELECT BatchNo, DepositNo, ARDivisionNo, CustomerNo, CheckNo FROM {HEADER} ORDER BY 1, 2, 3, 4, 5"
        ))?
        .query_map([], |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])
        })?
        .collect::<Result<_, _>>()?;
    let mut posted = Vec::new();
    for [batch, deposit, division, customer, check] in keys {
        let key = [
            ("BatchNo", batch.as_str()),
            ("DepositNo", &deposit),
            ("ARDivisionNo", &division),
            ("CustomerNo", &customer),
            ("CheckNo", &check),
        ];
        let lines = post_receipt(db, stamp, &key)?;
        posted.push((check, lines));
    }
    Ok(posted)
}

fn post_receipt(db: &Connection, stamp: Stamp, key: &[(&str, &str)]) -> Result<u64, StoreError> {
    let Some(receipt) = Record::look_up(db, HEADER, key)? else {
        return Ok(0);
    };
    let lines = Record::read_all(db, &Layout::read(db, DETAIL)?, key)?;
    let mut count = 0;
    for line in &lines {
        count += 1;
        let balance = pay(db, stamp, line)?;
        write_history(db, stamp, &receipt, line, balance, count)?;
        write_payment(db, stamp, &receipt, line)?;
        line.delete(db)?;
    }
    receipt.delete(db)?;
    credit(db, stamp, &receipt)?;
    Ok(count)
}

/// The open invoice falls by what was paid; its balance comes back.
fn pay(db: &Connection, stamp: Stamp, line: &Record) -> Result<Decimal, StoreError> {
    let key = ["ARDivisionNo", "CustomerNo", "InvoiceNo", "InvoiceType"].map(|name| (name, line.text(name)));
    let Some(mut invoice) = Record::look_up(db, "AR_OpenInvoice", &key)? else {
        return Ok(Decimal::zero(2));
    };
    let balance = invoice
        .number("Balance")
        .checked_sub(line.number("AmountPosted"))?
        .checked_sub(line.number("DiscountAmt"))?;
    invoice.put_number("Balance", balance)?;
    invoice.stamp(stamp, CLERK, false);
    invoice.store(db)?;
    Ok(balance)
}

fn write_history(
    db: &Connection,
    stamp: Stamp,
    receipt: &Record,
    line: &Record,
    balance: Decimal,
    sequence: u64,
) -> Result<(), StoreError> {
    let mut row = Record::blank(&Layout::read(db, "AR_CashReceiptsHistory")?);
    row.copy_from(receipt)?;
    row.copy_from(line)?;
    row.put_text("SequenceNo", &format!("{sequence:06}"));
    row.put_text("TransactionType", "PP");
    row.put_date("PostingDate", Some(stamp.date()));
    row.copy_column("CashAmountApplied", line, "AmountPosted")?;
    row.copy_column("DiscountAmountApplied", line, "DiscountAmt")?;
    row.put_number("InvoiceBalance", balance)?;
    row.stamp(stamp, CLERK, true);
    row.store(db)
}

fn write_payment(db: &Connection, stamp: Stamp, receipt: &Record, line: &Record) -> Result<(), StoreError> {
    let layout = Layout::read(db, "AR_TransactionPaymentHistory")?;
    let key = ["ARDivisionNo", "CustomerNo", "InvoiceNo", "InvoiceType"].map(|name| (name, line.text(name)));
    let before = Record::read_all(db, &layout, &key)?.len();
    let mut row = Record::blank(&layout);
    row.copy_from(line)?;
    row.put_text("InvoiceHistoryHeaderSeqNo", "000000");
    row.put_date("TransactionDate", Some(stamp.date()));
    row.put_text("SequenceNo", &format!("{:06}", before + 1));
    row.put_text("PaymentReference", receipt.text("CheckNo"));
    row.put_text("TransactionType", "P");
    row.put_date("PaymentDate", receipt.date("DepositDate"));
    row.put_text("PaymentType", receipt.text("PaymentType"));
    row.copy_column("TransactionAmt", line, "AmountPosted")?;
    row.stamp(stamp, CLERK, true);
    row.store(db)
}

/// The customer owes less, from the oldest on; the customer's stamp stays.
fn credit(db: &Connection, stamp: Stamp, receipt: &Record) -> Result<(), StoreError> {
    let key = ["ARDivisionNo", "CustomerNo"].map(|name| (name, receipt.text(name)));
    let Some(mut customer) = Record::look_up(db, "AR_Customer", &key)? else {
        return Ok(());
    };
    let received = receipt.number("AmountReceived");
    customer.put_number("LastPaymentAmt", received)?;
    customer.put_date("DateLastPayment", receipt.date("DepositDate"));
    customer.put_date("DateLastActivity", Some(stamp.date()));
    lower_debt(&mut customer, received)?;
    customer.store(db)
}

/// Takes an amount off what the customer owes, from the oldest on; what is beyond the debt
/// is a credit.
pub(crate) fn lower_debt(customer: &mut Record, amount: Decimal) -> Result<(), StoreError> {
    let mut left = amount;
    for column in AGES {
        let owed = customer.number(column);
        let paid = owed.min(left).max(Decimal::zero(2));
        customer.put_number(column, owed.checked_sub(paid)?)?;
        left = left.checked_sub(paid)?;
    }
    let current = customer.number("CurrentBalance").checked_sub(left)?;
    customer.put_number("CurrentBalance", current)
}
