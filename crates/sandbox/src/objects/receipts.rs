//! What happens to receipts when their journal is posted: they leave the data entry, and what
//! the customers owe falls.

use rusqlite::Connection;
use values::{Date, Decimal, Stamp};

use super::batches;
use super::posting::CLERK;
use super::receipt_lines::{ACCOUNT, PREPAYMENT};
use super::receipt_tables::{DEPOSIT, LINE, RECEIPT};
use super::record::{Layout, Record, StoreError, exists};

/// Balances of a customer from the oldest on.
const AGES: [&str; 5] = [
    "AgingCategory4",
    "AgingCategory3",
    "AgingCategory2",
    "AgingCategory1",
    "CurrentBalance",
];

/// Width of an open invoice's number.
const INVOICE_NO: usize = 7;

/// Posts every receipt: it goes to `AR_CashReceiptsHistory`, its payments to
/// `AR_TransactionPaymentHistory`, the balances of invoices and customer fall, and its
/// batch is closed for good. The answer is the receipts' check numbers with the rows of
/// their invoices.
pub(crate) fn post_receipts(db: &Connection, stamp: Stamp) -> Result<Vec<(String, u64)>, StoreError> {
    post(db, stamp, None)
}

/// The same for the receipts of one batch.
pub(crate) fn post_batch(
    db: &Connection,
    stamp: Stamp,
    batch_no: &str,
) -> Result<Vec<(String, u64)>, StoreError> {
    post(db, stamp, Some(batch_no))
}

fn post(db: &Connection, stamp: Stamp, only: Option<&str>) -> Result<Vec<(String, u64)>, StoreError> {
    if Layout::read_if_any(db, RECEIPT)?.is_none() {
        return Ok(Vec::new());
    }
    let keys: Vec<[String; 5]> = db
        .prepare(&format!(
            "SELECT BatchNo, DepositNo, ARDivisionNo, CustomerNo, CheckNo FROM {RECEIPT}
             WHERE ?1 IS NULL OR BatchNo = ?1 ORDER BY 1, 2, 3, 4, 5"
        ))?
        .query_map([only], |row| {
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
        close(db, stamp, &key[..2])?;
        posted.push((check, lines));
    }
    Ok(posted)
}

/// The deposit is in the bank and the batch done.
fn close(db: &Connection, stamp: Stamp, key: &[(&str, &str)]) -> Result<(), StoreError> {
    // Files of an earlier release have neither.
    let Some(layout) = Layout::read_if_any(db, DEPOSIT)? else {
        return Ok(());
    };
    if exists(db, RECEIPT, key)? != Some(true) {
        for deposit in Record::read_all(db, &layout, key)? {
            deposit.delete(db)?;
        }
    }
    match key {
        [(_, ""), ..] | [] => Ok(()),
        [(_, batch_no), ..] => batches::mark_posted(db, batch_no, stamp, CLERK),
    }
}

fn post_receipt(db: &Connection, stamp: Stamp, key: &[(&str, &str)]) -> Result<u64, StoreError> {
    let Some(receipt) = Record::look_up(db, RECEIPT, key)? else {
        return Ok(0);
    };
    let layout = Layout::read(db, LINE)?;
    let mut lines = Record::read_all(db, &layout, key)?;
    let mut rest = receipt.number("AmountReceived");
    for line in &lines {
        rest = rest.checked_sub(line.number("AmountPosted"))?;
    }
    if !rest.is_zero() {
        // Money that no line spoke of is the customer's credit.
        let mut line = Record::blank(&layout);
        for (column, value) in key {
            line.put_text(column, value);
        }
        line.put_text("InvoiceType", PREPAYMENT);
        line.put_number("AmountPosted", rest)?;
        lines.push(line);
    }
    let mut count = 0;
    let mut paid = Decimal::zero(2);
    for mut line in lines {
        count += 1;
        line.delete(db)?;
        let is_account = line.text("InvoiceType") == ACCOUNT;
        let mut balance = Decimal::zero(2);
        if is_account {
            line.put_text("InvoiceType", "");
        } else {
            if line.text("InvoiceType") == PREPAYMENT {
                open_prepayment(db, stamp, &receipt, &mut line)?;
            }
            balance = pay(db, stamp, &line)?;
            paid = paid
                .checked_add(line.number("AmountPosted"))?
                .checked_add(line.number("DiscountAmt"))?;
        }
        write_history(db, stamp, &receipt, &line, balance, count)?;
        if !is_account {
            write_payment(db, stamp, &receipt, &line)?;
        }
    }
    receipt.delete(db)?;
    credit(db, stamp, &receipt, paid)?;
    Ok(count)
}

/// A prepayment stands among the open invoices, under the end of the check's number when
/// it has none of its own.
fn open_prepayment(
    db: &Connection,
    stamp: Stamp,
    receipt: &Record,
    line: &mut Record,
) -> Result<(), StoreError> {
    if line.text("InvoiceNo").is_empty() {
        let check: Vec<char> = receipt.text("CheckNo").chars().collect();
        let number: String = check[check.len().saturating_sub(INVOICE_NO)..].iter().collect();
        line.put_text("InvoiceNo", &number);
    }
    let key = ["ARDivisionNo", "CustomerNo", "InvoiceNo", "InvoiceType"].map(|name| (name, line.text(name)));
    if exists(db, "AR_OpenInvoice", &key)? == Some(true) {
        return Ok(());
    }
    let mut invoice = Record::blank(&Layout::read(db, "AR_OpenInvoice")?);
    for (column, value) in key {
        invoice.put_text(column, value);
    }
    for column in ["InvoiceDate", "InvoiceDueDate"] {
        invoice.put_date(column, receipt.date("DepositDate"));
    }
    invoice.put_text("CheckNo", receipt.text("CheckNo"));
    invoice.put_text("InvoiceHistoryHeaderSeqNo", "000000");
    invoice.put_date("PostingDate", Some(posting_date(receipt, stamp)));
    invoice.stamp(stamp, CLERK, true);
    invoice.store(db)
}

fn posting_date(receipt: &Record, stamp: Stamp) -> Date {
    receipt.date("PostingDate").unwrap_or_else(|| stamp.date())
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
    let is_account = !line.text("AccountKey").is_empty();
    row.put_text("TransactionType", if is_account { ACCOUNT } else { "PP" });
    row.put_date("PostingDate", Some(posting_date(receipt, stamp)));
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

/// The customer owes less by what was paid, from the oldest on; the customer's stamp stays.
fn credit(db: &Connection, stamp: Stamp, receipt: &Record, paid: Decimal) -> Result<(), StoreError> {
    let key = ["ARDivisionNo", "CustomerNo"].map(|name| (name, receipt.text(name)));
    let Some(mut customer) = Record::look_up(db, "AR_Customer", &key)? else {
        return Ok(());
    };
    let received = receipt.number("AmountReceived");
    customer.put_number("LastPaymentAmt", received)?;
    customer.put_date("DateLastPayment", receipt.date("DepositDate"));
    customer.put_date("DateLastActivity", Some(stamp.date()));
    lower_debt(&mut customer, paid)?;
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
