//! What the next period end removes: invoices that are settled, and customers who bought
//! once on the counter.

use rusqlite::{Connection, params};

use crate::SandboxError;
use crate::create::Plan;

/// Settled invoices that are still among the open ones, at scale 1.
const SETTLED: u32 = 6;
/// Temporary customers at scale 1.
const TEMPORARY: u32 = 3;

/// Documents and masters that a temporary customer has none of.
const KEPT: [&str; 6] = [
    "SO_SalesOrderHeader",
    "SO_ShipToAddress",
    "AR_OpenInvoice",
    "AR_CashReceiptsHeader",
    "AR_PriceLevelByCustomer",
    "AR_CustomerTaxExemption",
];

/// Writes settled invoices, the youngest that were paid, and marks temporary customers.
pub(super) fn write(connection: &Connection, plan: &Plan) -> Result<(), SandboxError> {
    connection.execute(
        "INSERT INTO AR_OpenInvoice (ARDivisionNo, CustomerNo, InvoiceNo, InvoiceType, InvoiceDate, InvoiceDueDate,
           InvoiceHistoryHeaderSeqNo, PostingDate, TermsCode, TaxSchedule, SalespersonDivisionNo, SalespersonNo,
           CustomerPONo, TaxableAmt, NonTaxableAmt, FreightAmt, SalesTaxAmt, Balance,
           DateCreated, TimeCreated, UserCreatedKey, DateUpdated, TimeUpdated, UserUpdatedKey)
         SELECT h.ARDivisionNo, h.CustomerNo, h.InvoiceNo, h.InvoiceType, h.InvoiceDate, h.InvoiceDueDate,
           h.HeaderSeqNo, h.InvoiceDate, h.TermsCode, h.TaxSchedule, h.SalespersonDivisionNo, h.SalespersonNo,
           h.CustomerPONo, h.TaxableSalesAmt, h.NonTaxableSalesAmt, h.FreightAmt, h.SalesTaxAmt, '0.00',
           h.DateCreated, h.TimeCreated, h.UserCreatedKey, h.DateUpdated, h.TimeUpdated, h.UserUpdatedKey
         FROM AR_InvoiceHistoryHeader h
         WHERE h.CustomerNo <> 'ABF' AND h.BillToCustomerNo = ''
           AND h.InvoiceNo NOT IN (SELECT InvoiceNo FROM AR_OpenInvoice)
         ORDER BY h.InvoiceDate DESC, h.InvoiceNo LIMIT ?1",
        params![SETTLED * plan.scale],
    )?;
    // Sets that are read once: a look-up for each customer would go over all documents.
    let mut free = String::new();
    for table in KEPT {
        free.push_str(&format!(
            " AND (c.ARDivisionNo, c.CustomerNo) NOT IN (SELECT ARDivisionNo, CustomerNo FROM {table})"
        ));
    }
    // Nor does a temporary customer pay for another one.
    free.push_str(
        " AND (c.ARDivisionNo, c.CustomerNo) NOT IN \
           (SELECT BillToDivisionNo, BillToCustomerNo FROM SO_SalesOrderHeader)",
    );
    connection.execute(
        &format!(
            "UPDATE AR_Customer SET TemporaryCustomer = 'Y' WHERE rowid IN
               (SELECT c.rowid FROM AR_Customer c WHERE c.CustomerNo <> 'ABF'{free}
                ORDER BY c.CustomerNo, c.ARDivisionNo LIMIT ?1)"
        ),
        params![TEMPORARY * plan.scale],
    )?;
    Ok(())
}
