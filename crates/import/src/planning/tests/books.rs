//! The master data of an invented distributor.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use model::CustomerRef;
use values::{Date, Decimal};

use crate::planning::{
    CodeList, CustomerFacts, ItemFacts, Knowledge, OpenInvoiceFacts, PaymentTypeFacts, ShipToFacts, Widths,
};

/// What the tables hold.
pub(super) struct Books {
    pub(super) items: BTreeMap<String, ItemFacts>,
    pub(super) customers: Vec<CustomerFacts>,
    pub(super) ship_tos: Vec<ShipToFacts>,
    pub(super) codes: BTreeSet<(CodeList, String)>,
    pub(super) orders_with_po: Vec<String>,
    pub(super) queued: Decimal,
    pub(super) alternates: Vec<String>,
    pub(super) is_closed: Option<bool>,
    pub(super) widths: BTreeMap<String, Widths>,
}

pub(super) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

pub(super) fn customer(number: &str, pairs: &[(&str, &str)]) -> CustomerFacts {
    CustomerFacts {
        ar_division_no: String::from("01"),
        customer_no: number.to_owned(),
        tax_schedule: String::from("WI"),
        texts: texts(pairs),
        ..CustomerFacts::default()
    }
}

pub(super) fn item(available: i64) -> ItemFacts {
    ItemFacts {
        item_type: String::from("1"),
        product_type: String::from("F"),
        units: vec![String::from("EACH"), String::from("BOX")],
        warehouses: vec![String::from("000"), String::from("001")],
        available: Some(Decimal::new(available, 0)),
        ..ItemFacts::default()
    }
}

impl Books {
    pub(super) fn item_mut(&mut self, code: &str) -> &mut ItemFacts {
        self.items.get_mut(code).unwrap()
    }
}

impl Default for Books {
    fn default() -> Self {
        let charge = |item_type: &str| ItemFacts {
            item_type: item_type.to_owned(),
            ..ItemFacts::default()
        };
        let items = [
            ("DESK", item(100)),
            ("CHAIR", item(100)),
            ("LAMP", item(3)),
            ("/FREIGHT", charge("3")),
            ("/COUPON", charge("3")),
            ("/SERVICE", charge("5")),
            ("/C", charge("4")),
        ];
        let codes = [
            (CodeList::Warehouse, "000"),
            (CodeList::Warehouse, "001"),
            (CodeList::Warehouse, "002"),
            (CodeList::ShipVia, "UPS BLUE"),
            (CodeList::Terms, "01"),
            (CodeList::Reason, "CALL"),
            (CodeList::TaxSchedule, "WI"),
            (CodeList::Division, "00"),
            (CodeList::Division, "01"),
            (CodeList::Salesperson, "01:0100"),
        ];
        Self {
            items: items
                .into_iter()
                .map(|(code, facts)| (code.to_owned(), facts))
                .collect(),
            customers: vec![customer(
                "HARBOR",
                &[
                    ("customer_name", "Harbor Supply"),
                    ("address_line1", "5 Pier Road"),
                    ("city", "Kenosha"),
                    ("state", "WI"),
                    ("zip_code", "53140"),
                    ("email_address", "ap@harbor.example"),
                    ("udf_portal", "N"),
                ],
            )],
            ship_tos: vec![ShipToFacts {
                ship_to_code: String::from("0002"),
                texts: texts(&[
                    ("ship_to_name", "Racine Warehouse"),
                    ("ship_to_address1", "5411 Kendrick Drive"),
                    ("ship_to_address2", "Suite 2087"),
                    ("ship_to_city", "Racine"),
                    ("ship_to_state", "WI"),
                    ("ship_to_zip_code", "53402"),
                ]),
            }],
            codes: codes
                .into_iter()
                .map(|(list, code)| (list, code.to_owned()))
                .collect(),
            orders_with_po: Vec::new(),
            queued: Decimal::zero(2),
            alternates: Vec::new(),
            is_closed: Some(false),
            widths: BTreeMap::from([
                (
                    String::from("SO_SalesOrderHeader"),
                    Widths::of_texts(&[
                        ("Comment", 30),
                        ("CustomerPONo", 30),
                        ("FOB", 15),
                        ("OtherPaymentTypeRefNo", 24),
                        ("UDF_GIFT", 10),
                    ]),
                ),
                (
                    String::from("SO_SalesOrderDetail"),
                    Widths {
                        numbers: BTreeMap::from([(String::from("UDF_HOLES"), 2)]),
                        ..Widths::of_texts(&[("ItemCodeDesc", 30), ("UDF_ENGRAVE", 20)])
                    },
                ),
                (
                    String::from("AR_Customer"),
                    Widths::of_texts(&[
                        ("CustomerName", 50),
                        ("CustomerNo", 20),
                        ("City", 30),
                        ("UDF_PORTAL", 1),
                    ]),
                ),
                (
                    String::from("SO_ShipToAddress"),
                    Widths::of_texts(&[("ShipToName", 50)]),
                ),
            ]),
        }
    }
}

impl Knowledge for Books {
    type Error = Infallible;

    fn item(&mut self, item_code: &str) -> Result<Option<ItemFacts>, Infallible> {
        Ok(self.items.get(item_code).cloned())
    }

    fn customer(&mut self, customer: &CustomerRef) -> Result<Option<CustomerFacts>, Infallible> {
        Ok(self
            .customers
            .iter()
            .find(|facts| facts.reference() == *customer)
            .cloned())
    }

    fn customers(&mut self) -> Result<&[CustomerFacts], Infallible> {
        Ok(&self.customers)
    }

    fn ship_tos(&mut self, _: &CustomerRef) -> Result<Vec<ShipToFacts>, Infallible> {
        Ok(self.ship_tos.clone())
    }

    fn has_code(&mut self, list: CodeList, code: &str) -> Result<Option<bool>, Infallible> {
        Ok(Some(self.codes.contains(&(list, code.to_owned()))))
    }

    fn payment_type(&mut self, code: &str) -> Result<Option<PaymentTypeFacts>, Infallible> {
        Ok((code == "WEB").then(|| PaymentTypeFacts {
            method: String::from("O"),
        }))
    }

    fn open_invoices(&mut self, _: &CustomerRef, _: &str) -> Result<Vec<OpenInvoiceFacts>, Infallible> {
        Ok(Vec::new())
    }

    fn invoice_owner(&mut self, _: &str) -> Result<Option<CustomerRef>, Infallible> {
        Ok(None)
    }

    fn open_orders_with_po(&mut self, _: &CustomerRef, _: &str) -> Result<Vec<String>, Infallible> {
        Ok(self.orders_with_po.clone())
    }

    fn queued_amount(&mut self, _: &CustomerRef) -> Result<Decimal, Infallible> {
        Ok(self.queued)
    }

    fn alternates(&mut self, _: &str) -> Result<Vec<String>, Infallible> {
        Ok(self.alternates.clone())
    }

    fn is_period_closed(&mut self, _: &str, _: Date) -> Result<Option<bool>, Infallible> {
        Ok(self.is_closed)
    }

    fn widths(&mut self, table: &str) -> Result<Widths, Infallible> {
        Ok(self.widths.get(table).cloned().unwrap_or_default())
    }

    fn has_receipt_batches(&mut self) -> Result<Option<bool>, Infallible> {
        Ok(Some(true))
    }
}
