//! Customers, items and invoices of the copy to try with.

use std::collections::BTreeSet;

use import::Row;
use model::CustomerRef;

use super::bench::Trouble;
use super::tables::{AMOUNT, TEXT, Tables};

/// Enough to find what is needed, without reading a company whole.
const LOOKED_AT: usize = 2_000;
/// Calculated by a service outside, or not at all.
const NO_OWN_TAX: [&str; 3] = ["", "NONTAX", "AVATAX"];

/// What was found; filled on demand.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    customers: Vec<Row>,
    invoice: Option<OpenInvoice>,
    items: Vec<String>,
    /// Order that a check has written, with its customer PO.
    pub(super) order: Option<(String, String)>,
    /// Customer that a check has written.
    pub(super) customer: Option<CustomerRef>,
    /// Batch and deposit of the receipt.
    pub(super) allotted: Option<import::batches::Allotted>,
}

/// An invoice that can be paid.
#[derive(Clone, Debug)]
pub(super) struct OpenInvoice {
    pub(super) customer: CustomerRef,
    pub(super) invoice_no: String,
}

impl Samples {
    /// Active customers that are not on credit hold.
    pub(super) fn customers(&mut self, tables: &mut Tables) -> Result<&[Row], Trouble> {
        if self.customers.is_empty() {
            let columns = [
                "ARDivisionNo",
                "CustomerNo",
                "CustomerStatus",
                "CreditHold",
                "TaxSchedule",
                "TaxExemptNo",
                "TermsCode",
                "City",
                "State",
                "ZipCode",
            ];
            let mut rows = tables.texts("AR_Customer", &columns, &[], LOOKED_AT)?;
            rows.retain(|row| {
                !matches!(row.text("CustomerStatus"), "I" | "T")
                    && row.text("CreditHold") != "Y"
                    && row.text("TaxSchedule") != "AVATAX"
            });
            self.customers = rows;
        }
        if self.customers.is_empty() {
            return Err(Trouble::Nothing("no customer that may order".to_owned()));
        }
        Ok(&self.customers)
    }

    /// The customer of the orders.
    pub(super) fn customer(&mut self, tables: &mut Tables) -> Result<CustomerRef, Trouble> {
        let first = self.customers(tables)?.first().map(reference);
        first.ok_or_else(|| Trouble::Nothing("no customer that may order".to_owned()))
    }

    /// One customer of each tax schedule that Sage calculates by itself.
    pub(super) fn taxed(&mut self, tables: &mut Tables) -> Result<Vec<(CustomerRef, String)>, Trouble> {
        let mut seen = BTreeSet::new();
        Ok(self
            .customers(tables)?
            .iter()
            .filter(|row| row.text("TaxExemptNo").is_empty())
            .map(|row| (reference(row), row.text("TaxSchedule").to_owned()))
            .filter(|(_, schedule)| !NO_OWN_TAX.contains(&schedule.as_str()))
            .filter(|(_, schedule)| seen.insert(schedule.clone()))
            .collect())
    }

    /// Two stocked items; the same one twice where there is no other.
    pub(super) fn items(&mut self, tables: &mut Tables) -> Result<[String; 2], Trouble> {
        if self.items.is_empty() {
            let columns = [
                ("ItemCode", TEXT),
                ("ItemType", TEXT),
                ("ProductType", TEXT),
                ("InactiveItem", TEXT),
                ("TaxClass", TEXT),
                ("Valuation", TEXT),
                ("StandardUnitPrice", AMOUNT),
                ("DefaultWarehouseCode", TEXT),
            ];
            let mut rows = tables.rows("CI_Item", &columns, &[], LOOKED_AT)?;
            rows.retain(|row| {
                row.text("ItemType") == "1"
                    && row.text("ProductType") == "F"
                    && row.text("InactiveItem") != "Y"
                    // Lots and serial numbers need a distribution.
                    && !matches!(row.text("Valuation"), "5" | "6")
                    && row.number("StandardUnitPrice").is_some_and(|price| price.units() > 0)
            });
            rows.sort_by_key(|row| row.text("TaxClass") != "TX");
            for row in rows {
                let key = [
                    ("ItemCode", row.text("ItemCode")),
                    ("WarehouseCode", row.text("DefaultWarehouseCode")),
                ];
                if !tables
                    .texts("IM_ItemWarehouse", &["ItemCode"], &key, 1)?
                    .is_empty()
                {
                    self.items.push(row.text("ItemCode").to_owned());
                }
                if self.items.len() == 2 {
                    break;
                }
            }
        }
        match self.items.as_slice() {
            [] => Err(Trouble::Nothing("no stocked item with a price".to_owned())),
            [only] => Ok([only.clone(), only.clone()]),
            [first, second, ..] => Ok([first.clone(), second.clone()]),
        }
    }

    /// An invoice of a customer that may order, open with a dollar at least.
    pub(super) fn invoice(&mut self, tables: &mut Tables) -> Result<OpenInvoice, Trouble> {
        if let Some(invoice) = &self.invoice {
            return Ok(invoice.clone());
        }
        let allowed: BTreeSet<(String, String)> = self
            .customers(tables)?
            .iter()
            .map(|row| {
                (
                    row.text("ARDivisionNo").to_owned(),
                    row.text("CustomerNo").to_owned(),
                )
            })
            .collect();
        let columns = [
            ("ARDivisionNo", TEXT),
            ("CustomerNo", TEXT),
            ("InvoiceNo", TEXT),
            ("InvoiceType", TEXT),
            ("Balance", AMOUNT),
        ];
        let rows = tables.rows("AR_OpenInvoice", &columns, &[("InvoiceType", "IN")], LOOKED_AT)?;
        let found = rows.iter().find_map(|row| {
            let customer = reference(row);
            let key = (customer.ar_division_no.clone(), customer.customer_no.clone());
            let is_open = row
                .number("Balance")
                .is_some_and(|balance| balance.units() >= 100);
            (is_open && allowed.contains(&key)).then(|| OpenInvoice {
                customer,
                invoice_no: row.text("InvoiceNo").to_owned(),
            })
        });
        self.invoice.clone_from(&found);
        found.ok_or_else(|| Trouble::Nothing("no open invoice of a customer that may order".to_owned()))
    }

    /// Kits of this rule with their components.
    pub(super) fn kit(
        &self,
        tables: &mut Tables,
        rule: &str,
    ) -> Result<Option<(String, BTreeSet<String>)>, Trouble> {
        let columns = ["ItemCode", "ProductType", "ExplodeKitItems", "InactiveItem"];
        let key = [("ProductType", "K"), ("ExplodeKitItems", rule)];
        let kits = tables.texts("CI_Item", &columns, &key, LOOKED_AT)?;
        for kit in kits.iter().filter(|kit| kit.text("InactiveItem") != "Y") {
            let code = kit.text("ItemCode");
            let parts = tables.texts(
                "IM_SalesKitDetail",
                &["ComponentItemCode"],
                &[("SalesKitNo", code)],
                LOOKED_AT,
            )?;
            let parts: BTreeSet<String> = parts
                .iter()
                .map(|part| part.text("ComponentItemCode").to_owned())
                // Comments and charges begin so; they are no stock.
                .filter(|part| !part.is_empty() && !part.starts_with('/'))
                .collect();
            if !parts.is_empty() {
                return Ok(Some((code.to_owned(), parts)));
            }
        }
        Ok(None)
    }
}

fn reference(row: &Row) -> CustomerRef {
    CustomerRef {
        ar_division_no: row.text("ARDivisionNo").to_owned(),
        customer_no: row.text("CustomerNo").to_owned(),
    }
}
