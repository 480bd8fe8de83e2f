//! What happens to an order after it was entered: shipped complete, invoiced and posted.

use jiff::ToSpan;
use rusqlite::{Connection, TransactionBehavior};
use values::{Date, Decimal, Stamp};

use super::commit;
use super::order::{DETAIL, HEADER};
use super::posting_error::PostingError;
use super::record::{Layout, Record, StoreError};
use super::totals;
use crate::settings::NEXT_INVOICE_NO;
use crate::{Company, Settings};

/// User key on what the day-end clerk posts.
pub(crate) const CLERK: &str = "0000000001";

/// An invoice number that was not used before is the first of its number.
const FIRST_HEADER: &str = "000000";

/// Ships and invoices an open order completely and posts the invoice, as the day end does:
/// the order leaves `SO_SalesOrderHeader` and `SO_SalesOrderDetail`, its history is
/// completed, and the invoice stands in `AR_InvoiceHistoryHeader`,
/// `AR_InvoiceHistoryDetail` and `AR_OpenInvoice`. An order that is shipped already
/// (`SO_InvoiceHeader`) keeps its invoice number, and its parcels go along. The answer is
/// the invoice number.
///
/// # Errors
/// [`PostingError`] when there is no such open order or the file fails.
pub fn invoice_order(company: &mut Company, order_no: &str) -> Result<String, PostingError> {
    let posted = company.stamp().map_err(StoreError::from).and_then(|stamp| {
        let db = company.connection_mut();
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let posted = post_order(&transaction, stamp, order_no)?;
        transaction.commit()?;
        Ok(posted)
    });
    match posted {
        Ok(Some(invoice_no)) => Ok(invoice_no),
        Ok(None) => Err(PostingError::NotOpen {
            order: order_no.to_owned(),
        }),
        Err(error) => Err(PostingError::of(format!("sales order {order_no}"), error)),
    }
}

/// The same inside the caller's transaction; `None` when there is no such open order.
pub(crate) fn post_order(
    db: &Connection,
    stamp: Stamp,
    order_no: &str,
) -> Result<Option<String>, StoreError> {
    let key = [("SalesOrderNo", order_no)];
    let Some(order) = Record::look_up(db, HEADER, &key)? else {
        return Ok(None);
    };
    let lines = Record::read_all(db, &Layout::read(db, DETAIL)?, &key)?;
    let shipment = Record::look_up(db, "SO_InvoiceHeader", &key)?;
    let invoice_no = match &shipment {
        Some(shipment) => shipment.text("InvoiceNo").to_owned(),
        None => next_invoice(db)?,
    };
    let invoice = write_invoice(db, stamp, shipment.as_ref().unwrap_or(&order), &invoice_no)?;
    write_lines(db, &order, &lines, &invoice)?;
    if shipment.is_some() {
        post_parcels(db, &invoice_no)?;
    }
    post_payments(db, order_no, &invoice_no)?;
    let total = totals::total(&order)?;
    open_invoice(db, stamp, &order, &invoice, total)?;
    charge(db, stamp, &order, total)?;
    complete_history(db, stamp, &order, &invoice_no, total)?;
    let committed = commit::committed_column(order.text("OrderType"));
    commit::move_stock(db, &lines, Some("QuantityOnHand"), true)?;
    commit::remove_open(db, &order, &lines, committed)?;
    total_stock(db, &lines)?;
    Ok(Some(invoice_no))
}

fn write_invoice(
    db: &Connection,
    stamp: Stamp,
    document: &Record,
    invoice_no: &str,
) -> Result<Record, StoreError> {
    let mut invoice = Record::blank(&Layout::read(db, "AR_InvoiceHistoryHeader")?);
    invoice.copy_from(document)?;
    invoice.put_text("InvoiceNo", invoice_no);
    invoice.put_text("HeaderSeqNo", FIRST_HEADER);
    invoice.put_text("ModuleCode", "S/O");
    invoice.put_text("InvoiceType", "IN");
    invoice.put_text("SourceJournal", "SO");
    for column in ["InvoiceDate", "TransactionDate", "ShipDate"] {
        invoice.put_date(column, Some(stamp.date()));
    }
    let due = due(db, document.text("TermsCode"), stamp.date())?;
    invoice.put_date("InvoiceDueDate", due);
    invoice.copy_column("TaxableSalesAmt", document, "TaxableAmt")?;
    invoice.copy_column("NonTaxableSalesAmt", document, "NonTaxableAmt")?;
    invoice.stamp(stamp, CLERK, true);
    invoice.store(db)?;
    Ok(invoice)
}

fn write_lines(
    db: &Connection,
    order: &Record,
    lines: &[Record],
    invoice: &Record,
) -> Result<(), StoreError> {
    let layout = Layout::read(db, "AR_InvoiceHistoryDetail")?;
    let link = Layout::read_if_any(db, "SO_ARInvoiceHistoryLink")?;
    for (line, sequence) in lines.iter().zip(1_u32..) {
        let sequence = format!("{sequence:06}");
        let mut row = Record::blank(&layout);
        row.copy_from(line)?;
        row.put_text("InvoiceNo", invoice.text("InvoiceNo"));
        row.put_text("HeaderSeqNo", FIRST_HEADER);
        row.put_text("DetailSeqNo", &sequence);
        row.put_text("AppliedSalesOrderNo", order.text("SalesOrderNo"));
        row.copy_column("QuantityShipped", line, "QuantityOrdered")?;
        row.store(db)?;
        if let Some(link) = &link {
            let mut row = Record::blank(link);
            row.copy_from(line)?;
            row.put_text("SequenceNo", line.text("LineSeqNo"));
            row.put_text("InvoiceNo", invoice.text("InvoiceNo"));
            row.put_text("InvoiceHistoryHeaderSeqNo", FIRST_HEADER);
            row.put_text("InvoiceHistoryDetailSeqNo", &sequence);
            row.put_date("InvoiceDate", invoice.date("InvoiceDate"));
            row.copy_column("QuantityShipped", line, "QuantityOrdered")?;
            row.store(db)?;
        }
    }
    Ok(())
}

/// What was shipped leaves the data entry; its parcels go to history.
fn post_parcels(db: &Connection, invoice_no: &str) -> Result<(), StoreError> {
    let key = [("InvoiceNo", invoice_no)];
    if let Some(history) = Layout::read_if_any(db, "AR_InvoiceHistoryTracking")?
        && let Some(layout) = Layout::read_if_any(db, "SO_InvoiceTracking")?
    {
        for parcel in Record::read_all(db, &layout, &key)? {
            let mut row = Record::blank(&history);
            row.copy_from(&parcel)?;
            row.put_text("HeaderSeqNo", FIRST_HEADER);
            row.store(db)?;
        }
    }
    for table in ["SO_InvoiceTracking", "SO_InvoiceDetail", "SO_InvoiceHeader"] {
        if Layout::read_if_any(db, table)?.is_some() {
            db.prepare_cached(&format!("DELETE FROM {table} WHERE InvoiceNo = ?1"))?
                .execute([invoice_no])?;
        }
    }
    Ok(())
}

/// The order's deposits and cards go to the invoice.
fn post_payments(db: &Connection, order_no: &str, invoice_no: &str) -> Result<(), StoreError> {
    let key = [("SalesOrderNo", order_no)];
    let Some(layout) = Layout::read_if_any(db, "SO_SalesOrderPayment")? else {
        return Ok(());
    };
    for payment in Record::read_all(db, &layout, &key)? {
        for table in ["AR_InvoiceHistoryPayment", "SO_SalesOrderHistoryPayment"] {
            if let Some(layout) = Layout::read_if_any(db, table)? {
                let mut row = Record::blank(&layout);
                row.copy_from(&payment)?;
                row.put_text("InvoiceNo", invoice_no);
                row.put_text("HeaderSeqNo", FIRST_HEADER);
                row.store(db)?;
            }
        }
        payment.delete(db)?;
    }
    Ok(())
}

fn open_invoice(
    db: &Connection,
    stamp: Stamp,
    order: &Record,
    invoice: &Record,
    total: Decimal,
) -> Result<(), StoreError> {
    let Some(layout) = Layout::read_if_any(db, "AR_OpenInvoice")? else {
        return Ok(());
    };
    let mut open = Record::blank(&layout);
    open.copy_from(invoice)?;
    let [division, customer] = payer(order);
    if (division, customer) != (order.text("ARDivisionNo"), order.text("CustomerNo")) {
        open.put_text("ARDivisionNo", division);
        open.put_text("CustomerNo", customer);
        open.put_text("SoldToDivisionNo", order.text("ARDivisionNo"));
        open.put_text("SoldToCustomerNo", order.text("CustomerNo"));
    }
    open.put_text("InvoiceHistoryHeaderSeqNo", FIRST_HEADER);
    open.put_date("PostingDate", Some(stamp.date()));
    open.copy_column("TaxableAmt", order, "TaxableAmt")?;
    open.copy_column("NonTaxableAmt", order, "NonTaxableAmt")?;
    open.put_number("Balance", total)?;
    open.store(db)
}

/// Division and number of the customer who pays: another one than the one who bought where
/// the order names one.
fn payer(order: &Record) -> [&str; 2] {
    if order.text("BillToCustomerNo").is_empty() {
        [order.text("ARDivisionNo"), order.text("CustomerNo")]
    } else {
        [order.text("BillToDivisionNo"), order.text("BillToCustomerNo")]
    }
}

/// Who pays owes the invoice, and who bought waits for the order no more. Posting stamps no
/// customer.
fn charge(db: &Connection, stamp: Stamp, order: &Record, total: Decimal) -> Result<(), StoreError> {
    let key = [
        ("ARDivisionNo", order.text("ARDivisionNo")),
        ("CustomerNo", order.text("CustomerNo")),
    ];
    if let Some(mut customer) = Record::look_up(db, "AR_Customer", &key)? {
        let ordered = customer.number("OpenOrderAmt").checked_sub(total)?;
        customer.put_number("OpenOrderAmt", ordered.max(Decimal::zero(2)))?;
        customer.put_date("DateLastActivity", Some(stamp.date()));
        customer.store(db)?;
    }
    let [division, number] = payer(order);
    let key = [("ARDivisionNo", division), ("CustomerNo", number)];
    if let Some(mut customer) = Record::look_up(db, "AR_Customer", &key)? {
        let balance = customer.number("CurrentBalance").checked_add(total)?;
        customer.put_number("CurrentBalance", balance)?;
        customer.store(db)?;
    }
    Ok(())
}

fn complete_history(
    db: &Connection,
    stamp: Stamp,
    order: &Record,
    invoice_no: &str,
    total: Decimal,
) -> Result<(), StoreError> {
    let order_no = order.text("SalesOrderNo");
    if let Some(mut history) = commit::history_of(db, order_no)? {
        history.put_text("OrderStatus", "C");
        history.put_text("LastInvoiceNo", invoice_no);
        history.put_date("LastInvoiceDate", Some(stamp.date()));
        history.put_number("InvoicedAmt", total)?;
        history.stamp(stamp, CLERK, false);
        history.store(db)?;
        if Layout::read_if_any(db, "SO_SalesOrderHistoryDetail")?.is_some() {
            db.prepare_cached(
                "UPDATE SO_SalesOrderHistoryDetail SET QuantityShipped = QuantityOrderedRevised WHERE SalesOrderNo = ?1",
            )?
            .execute([order_no])?;
        }
    }
    Ok(())
}

/// The items' stock in all warehouses, after some of it left.
fn total_stock(db: &Connection, lines: &[Record]) -> Result<(), StoreError> {
    let Some(layout) = Layout::read_if_any(db, "IM_ItemWarehouse")? else {
        return Ok(());
    };
    for line in lines {
        let key = [("ItemCode", line.text("ItemCode"))];
        let stock = Record::read_all(db, &layout, &key)?;
        if stock.is_empty() {
            continue;
        }
        if let Some(mut item) = Record::look_up(db, "CI_Item", &key)? {
            let mut total = Decimal::zero(6);
            for row in &stock {
                total = total.checked_add(row.number("QuantityOnHand"))?;
            }
            item.put_number("TotalQuantityOnHand", total)?;
            item.store(db)?;
        }
    }
    Ok(())
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
