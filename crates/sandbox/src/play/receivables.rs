//! Receivables: credits are matched and the period ends, both without stamps.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use values::Decimal;

use super::prices::enough;
use super::{Options, PlayError, Report, has_table, in_transaction};
use crate::Company;
use crate::objects::lower_debt;
use crate::objects::record::Record;

const MATCHED: u64 = 10;

/// Keys of open invoices: division, customer, number, type.
type Invoice = [String; 4];

/// Tables whose rows go with a customer.
const WITH_THE_CUSTOMER: [&str; 7] = [
    "AR_CustomerContact",
    "SO_ShipToAddress",
    "AR_CustomerDocuments",
    "AR_CustomerTaxExemption",
    "AR_PriceLevelByCustomer",
    "IM_PriceCode",
    "IM_AliasItem",
];

/// Credits lower the balances of invoices, and what their customers owe.
pub(super) fn credit_matching(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    in_transaction(company, |db| {
        let open = invoices(db, "CAST(Balance AS REAL) > 0")?;
        // Without a wish, as many as there are up to the usual number.
        let wanted = match options.count {
            Some(count) => count,
            None => MATCHED.min(open.len() as u64),
        };
        enough(
            wanted.saturating_sub(open.len() as u64),
            wanted,
            "open invoices with a balance",
        )?;
        if wanted == 0 {
            return Err(PlayError::NothingToDo("no open invoice has a balance".to_owned()));
        }
        let mut report = Report::default();
        let mut customers = BTreeSet::new();
        let matched = usize::try_from(wanted).unwrap_or(usize::MAX);
        for (place, key) in open.iter().enumerate().take(matched) {
            let columns = ["ARDivisionNo", "CustomerNo", "InvoiceNo", "InvoiceType"];
            let having: Vec<_> = columns.into_iter().zip(key.iter().map(String::as_str)).collect();
            let Some(mut invoice) = Record::look_up(db, "AR_OpenInvoice", &having)? else {
                continue;
            };
            let balance = invoice.number("Balance");
            // Every third is settled, the others keep almost half.
            let credit = if place % 3 == 2 {
                balance
            } else {
                Decimal::new(balance.units() / 2 + 1, balance.scale())
            };
            invoice.put_number("Balance", balance.checked_sub(credit)?)?;
            invoice.store(db)?;
            report.updated("AR_OpenInvoice", 1);
            report.key("AR_OpenInvoice", key.join(":"));
            if let Some(mut customer) = Record::look_up(db, "AR_Customer", &having[..2])? {
                lower_debt(&mut customer, credit)?;
                customer.store(db)?;
                if customers.insert(key[..2].join(":")) {
                    report.updated("AR_Customer", 1);
                    report.key("AR_Customer", key[..2].join(":"));
                }
            }
        }
        Ok(report)
    })
}

/// Settled invoices leave, and temporary customers who have nothing open.
pub(super) fn period_end(company: &mut Company, _: &Options) -> Result<Report, PlayError> {
    in_transaction(company, |db| {
        let mut report = Report::default();
        for key in invoices(db, "CAST(Balance AS REAL) = 0")? {
            let gone = db
                .prepare_cached(
                    "DELETE FROM AR_OpenInvoice WHERE ARDivisionNo = ?1 AND CustomerNo = ?2 AND InvoiceNo = ?3 AND InvoiceType = ?4",
                )?
                .execute(params![key[0], key[1], key[2], key[3]])?;
            report.deleted("AR_OpenInvoice", gone as u64);
            report.key("AR_OpenInvoice", key.join(":"));
        }
        for (division, number) in temporary_customers(db)? {
            for table in WITH_THE_CUSTOMER {
                if has_table(db, table)? {
                    let gone = db
                        .prepare_cached(&format!(
                            "DELETE FROM {table} WHERE ARDivisionNo = ?1 AND CustomerNo = ?2"
                        ))?
                        .execute(params![division, number])?;
                    if gone > 0 {
                        report.deleted(table, gone as u64);
                    }
                }
            }
            db.prepare_cached("DELETE FROM AR_Customer WHERE ARDivisionNo = ?1 AND CustomerNo = ?2")?
                .execute(params![division, number])?;
            report.deleted("AR_Customer", 1);
            report.key("AR_Customer", format!("{division}:{number}"));
        }
        // A period without anything to clear ends all the same.
        report.deleted("AR_OpenInvoice", 0);
        Ok(report)
    })
}

/// Open invoices, but those that a receipt names which is not posted yet.
fn invoices(db: &Connection, condition: &str) -> Result<Vec<Invoice>, PlayError> {
    let unpaid = if has_table(db, "AR_CashReceiptsDetail")? {
        " AND NOT EXISTS (SELECT 1 FROM AR_CashReceiptsDetail d WHERE d.ARDivisionNo = o.ARDivisionNo \
         AND d.CustomerNo = o.CustomerNo AND d.InvoiceNo = o.InvoiceNo AND d.InvoiceType = o.InvoiceType)"
    } else {
        ""
    };
    let rows = db
        .prepare(&format!(
            "SELECT ARDivisionNo, CustomerNo, InvoiceNo, InvoiceType FROM AR_OpenInvoice o \
             WHERE {condition}{unpaid} ORDER BY 1, 2, 3, 4"
        ))?
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

fn temporary_customers(db: &Connection) -> Result<Vec<(String, String)>, PlayError> {
    let mut sql =
        "SELECT ARDivisionNo, CustomerNo FROM AR_Customer c WHERE TemporaryCustomer = 'Y'".to_owned();
    for table in [
        "SO_SalesOrderHeader",
        "SO_InvoiceHeader",
        "AR_OpenInvoice",
        "AR_CashReceiptsHeader",
    ] {
        if has_table(db, table)? {
            sql.push_str(&format!(
                " AND NOT EXISTS (SELECT 1 FROM {table} d WHERE d.ARDivisionNo = c.ARDivisionNo AND d.CustomerNo = c.CustomerNo)"
            ));
        }
    }
    sql.push_str(" ORDER BY 1, 2");
    let rows = db
        .prepare(&sql)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}
