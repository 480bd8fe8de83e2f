//! A company with open invoices.

use std::collections::BTreeMap;
use std::convert::Infallible;

use model::CustomerRef;
use values::{Date, Decimal};

use super::{amount, date};
use crate::planning::{
    CodeList, CustomerFacts, ItemFacts, Knowledge, OpenInvoiceFacts, PaymentTypeFacts, ShipToFacts, Widths,
};

/// A company with one customer, some open invoices and two payment types.
pub(super) struct Books {
    pub(super) open: BTreeMap<String, Vec<OpenInvoiceFacts>>,
    pub(super) widths: Widths,
    pub(super) has_batches: Option<bool>,
}

pub(super) fn open(invoice_type: &str, balance: &str, pending: &str) -> OpenInvoiceFacts {
    OpenInvoiceFacts {
        invoice_type: invoice_type.into(),
        balance: amount(balance),
        pending: amount(pending),
        discount: Decimal::zero(2),
        discount_until: None,
    }
}

pub(super) fn books() -> Books {
    let discounted = OpenInvoiceFacts {
        discount: amount("2.00"),
        discount_until: Some(date("2026-05-10")),
        ..open("IN", "100.00", "0.00")
    };
    Books {
        open: BTreeMap::from([
            ("0100001".into(), vec![open("IN", "200.00", "0.00")]),
            ("0100002".into(), vec![open("CM", "-50.00", "0.00")]),
            ("0100003".into(), vec![open("IN", "80.00", "30.00")]),
            ("0100004".into(), vec![discounted]),
            (
                "0100005".into(),
                vec![open("DM", "10.00", "0.00"), open("FC", "1.00", "0.00")],
            ),
            (
                "0100006".into(),
                vec![open("CM", "-9.00", "0.00"), open("IN", "40.00", "0.00")],
            ),
        ]),
        widths: Widths::of_texts(&[
            ("PaymentType", 5),
            ("OtherPaymentTypeRefNo", 24),
            ("Last4UnencryptedCreditCardNos", 4),
            ("Comment", 30),
        ]),
        has_batches: Some(true),
    }
}

impl Knowledge for Books {
    type Error = Infallible;

    fn item(&mut self, _: &str) -> Result<Option<ItemFacts>, Infallible> {
        Ok(None)
    }

    fn customer(&mut self, customer: &CustomerRef) -> Result<Option<CustomerFacts>, Infallible> {
        Ok((customer.to_string() == "01-ABF").then(|| CustomerFacts {
            ar_division_no: "01".into(),
            customer_no: "ABF".into(),
            is_inactive: false,
            is_on_credit_hold: false,
            credit_limit: Decimal::zero(2),
            balance: Decimal::zero(2),
            open_order_amt: Decimal::zero(2),
            tax_schedule: String::new(),
            texts: BTreeMap::new(),
        }))
    }

    fn customers(&mut self) -> Result<&[CustomerFacts], Infallible> {
        Ok(&[])
    }

    fn ship_tos(&mut self, _: &CustomerRef) -> Result<Vec<ShipToFacts>, Infallible> {
        Ok(Vec::new())
    }

    fn has_code(&mut self, list: CodeList, code: &str) -> Result<Option<bool>, Infallible> {
        Ok((list == CodeList::Bank).then(|| ["A", "B"].contains(&code)))
    }

    fn payment_type(&mut self, code: &str) -> Result<Option<PaymentTypeFacts>, Infallible> {
        Ok(["VISA", "CHECK"].contains(&code).then(PaymentTypeFacts::default))
    }

    fn open_invoices(
        &mut self,
        _: &CustomerRef,
        invoice_no: &str,
    ) -> Result<Vec<OpenInvoiceFacts>, Infallible> {
        Ok(self.open.get(invoice_no).cloned().unwrap_or_default())
    }

    fn invoice_owner(&mut self, invoice_no: &str) -> Result<Option<CustomerRef>, Infallible> {
        Ok((invoice_no == "0100099").then(|| CustomerRef {
            ar_division_no: "02".into(),
            customer_no: "OTHER".into(),
        }))
    }

    fn open_orders_with_po(&mut self, _: &CustomerRef, _: &str) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }

    fn queued_amount(&mut self, _: &CustomerRef) -> Result<Decimal, Infallible> {
        Ok(Decimal::zero(2))
    }

    fn alternates(&mut self, _: &str) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }

    fn is_period_closed(&mut self, _: &str, _: Date) -> Result<Option<bool>, Infallible> {
        Ok(None)
    }

    fn widths(&mut self, _: &str) -> Result<Widths, Infallible> {
        Ok(self.widths.clone())
    }

    fn has_receipt_batches(&mut self) -> Result<Option<bool>, Infallible> {
        Ok(self.has_batches)
    }
}
