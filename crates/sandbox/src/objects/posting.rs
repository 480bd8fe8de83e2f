//! What happens to an order after it was entered: shipped complete, invoiced and posted.

use jiff::ToSpan;
use rusqlite::{Connection, TransactionBehavior};
use values::Date;

use super::commit;
use super::order::{DETAIL, HEADER};
use super::record::{Layout, Record, StoreError};
use super::totals;
use crate::settings::NEXT_INVOICE_NO;
use crate::{Company, SandboxError, Settings};

/// User key on what the day-end clerk posts.
const CLERK: &str = "0000000001";

/// Posting failed; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PostingError {
    /// There is no such open order.
    #[error("sales order {order} is not open")]
    NotOpen {
        /// The number asked for.
        order: String,
    },
    /// The company's settings or file do not allow it.
    #[error("sales order {order}: {source}")]
    Company {
        /// The number asked for.
        order: String,
        /// Why.
        source: SandboxError,
    },
    /// A value in the company's tables does not fit.
    #[error("sales order {order}: {problem}")]
    Data {
        /// The number asked for.
        order: String,
        /// What does not fit.
        problem: String,
    },
}

impl PostingError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotOpen { .. } => "order_not_open",
            Self::Company { source, .. } => source.code(),
            Self::Data { .. } => "bad_data",
        }
    }

    /// May the same call succeed later without anybody doing anything?
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Company { source, .. } => source.is_retryable(),
            Self::NotOpen { .. } | Self::Data { .. } => false,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NotOpen { .. } => {
                "give the number of an order in SO_SalesOrderHeader, zero-filled (0000123)"
            }
            Self::Company { source, .. } => source.remedy(),
            Self::Data { .. } => "correct the value in the company's file",
        }
    }
}

/// Ships and invoices an open order completely and posts the invoice, as the day end does:
/// the order leaves `SO_SalesOrderHeader` and `SO_SalesOrderDetail`, its history is
/// completed, and the invoice stands in `AR_InvoiceHistoryHeader`,
/// `AR_InvoiceHistoryDetail` and `AR_OpenInvoice`. The answer is the invoice number.
///
/// # Errors
/// [`PostingError`] when there is no such open order or the file fails.
pub fn invoice_order(company: &mut Company, order_no: &str) -> Result<String, PostingError> {
    let wrap = |error: StoreError| match error {
        StoreError::Sandbox(source) => PostingError::Company {
            order: order_no.to_owned(),
            source,
        },
        StoreError::Sqlite(source) => PostingError::Company {
            order: order_no.to_owned(),
            source: SandboxError::Database(source),
        },
        error @ (StoreError::Decimal(_) | StoreError::NoTable(_) | StoreError::BadCell { .. }) => {
            PostingError::Data {
                order: order_no.to_owned(),
                problem: error.to_string(),
            }
        }
    };
    match post(company, order_no) {
        Ok(Some(invoice_no)) => Ok(invoice_no),
        Ok(None) => Err(PostingError::NotOpen {
            order: order_no.to_owned(),
        }),
        Err(error) => Err(wrap(error)),
    }
}

fn post(company: &mut Company, order_no: &str) -> Result<Option<String>, StoreError> {
    let stamp = company.stamp()?;
    let db = company.connection_mut();
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let key = [("SalesOrderNo", order_no)];
    let Some(order) = Record::look_up(&transaction, HEADER, &key)? else {
        return Ok(None);
    };
    let lines = Record::read_all(&transaction, &Layout::read(&transaction, DETAIL)?, &key)?;
    let invoice_no = next_invoice(&transaction)?;

    let mut invoice = Record::blank(&Layout::read(&transaction, "AR_InvoiceHistoryHeader")?);
    invoice.copy_from(&order)?;
    invoice.put_text("InvoiceNo", &invoice_no);
    invoice.put_text("HeaderSeqNo", "000000");
    invoice.put_text("ModuleCode", "S/O");
    invoice.put_text("InvoiceType", "IN");
    invoice.put_text("SourceJournal", "SO");
    for column in ["InvoiceDate", "TransactionDate", "ShipDate"] {
        invoice.put_date(column, Some(stamp.date()));
    }
    invoice.put_date(
        "InvoiceDueDate",
        due(&transaction, order.text("TermsCode"), stamp.date())?,
    );
    invoice.copy_column("TaxableSalesAmt", &order, "TaxableAmt")?;
    invoice.copy_column("NonTaxableSalesAmt", &order, "NonTaxableAmt")?;
    invoice.stamp(stamp, CLERK, true);
    invoice.store(&transaction)?;

    let layout = Layout::read(&transaction, "AR_InvoiceHistoryDetail")?;
    for (line, sequence) in lines.iter().zip(1_u32..) {
        let mut row = Record::blank(&layout);
        row.copy_from(line)?;
        row.put_text("InvoiceNo", &invoice_no);
        row.put_text("HeaderSeqNo", "000000");
        row.put_text("DetailSeqNo", &format!("{sequence:06}"));
        row.put_text("AppliedSalesOrderNo", order_no);
        row.copy_column("QuantityShipped", line, "QuantityOrdered")?;
        row.store(&transaction)?;
    }
    if let Some(layout) = Layout::read_if_any(&transaction, "AR_OpenInvoice")? {
        let mut open = Record::blank(&layout);
        open.copy_from(&invoice)?;
        open.put_text("InvoiceHistoryHeaderSeqNo", "000000");
        open.put_date("PostingDate", Some(stamp.date()));
        open.copy_column("TaxableAmt", &order, "TaxableAmt")?;
        open.copy_column("NonTaxableAmt", &order, "NonTaxableAmt")?;
        open.put_number("Balance", totals::total(&order)?)?;
        open.store(&transaction)?;
    }

    if let Some(mut history) = commit::history_of(&transaction, order_no)? {
        history.put_text("OrderStatus", "C");
        history.put_text("LastInvoiceNo", &invoice_no);
        history.put_date("LastInvoiceDate", Some(stamp.date()));
        history.put_number("InvoicedAmt", totals::total(&order)?)?;
        history.stamp(stamp, CLERK, false);
        history.store(&transaction)?;
    }
    let committed = commit::committed_column(order.text("OrderType"));
    commit::move_stock(&transaction, &lines, Some("QuantityOnHand"), true)?;
    commit::remove_open(&transaction, &order, &lines, committed)?;
    transaction.commit()?;
    Ok(Some(invoice_no))
}

fn next_invoice(db: &Connection) -> Result<String, StoreError> {
    let settings = Settings::new(db);
    if settings.get(NEXT_INVOICE_NO)?.is_none() {
        let highest: Option<String> = db.query_row(
            "SELECT max(InvoiceNo) FROM AR_InvoiceHistoryHeader WHERE InvoiceNo NOT GLOB '*[^0-9]*'",
            [],
            |row| row.get(0),
        )?;
        let highest: u64 = highest.and_then(|number| number.parse().ok()).unwrap_or(0);
        settings.set_if_absent(NEXT_INVOICE_NO, &format!("{:07}", highest + 1))?;
    }
    Ok(settings.take_number(NEXT_INVOICE_NO)?)
}

fn due(db: &Connection, terms: &str, date: Date) -> Result<Option<Date>, StoreError> {
    let Some(terms) = Record::look_up(db, "AR_TermsCode", &[("TermsCode", terms)])? else {
        return Ok(Some(date));
    };
    let days = terms.number("DaysBeforeDue").rescale(0)?.units();
    Ok(date.checked_add(days.days()).ok())
}
