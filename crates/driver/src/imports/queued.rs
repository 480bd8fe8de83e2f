//! What documents of ours want of customers that is not in Sage yet: a document is planned
//! against what the ERP says less this.

use std::collections::BTreeMap;

use import::identity::customer_identity;
use import::plan::{CustomerSource, OrderWrite, ReceiptTarget, ReceiptWrite, Write};
use import::{Done, Row};
use model::CustomerRef;
use values::Decimal;

/// Sums by customer, and payments by customer and invoice.
#[derive(Clone, Debug, Default)]
pub(super) struct Queued {
    orders: BTreeMap<String, Decimal>,
    payments: BTreeMap<(String, String), Vec<Payment>>,
}

/// What a receipt takes of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Payment {
    invoice_type: String,
    /// Made of the document's id: a receipt that is in Sage is not counted twice.
    check_no: String,
    /// With the discount that is taken.
    amount: Decimal,
}

impl Queued {
    /// Adds the writes of a document that are not done.
    pub(super) fn add(&mut self, writes: &[Write], done: &[Done]) {
        for write in pending(writes, done) {
            match write {
                Write::SalesOrder(order) => self.add_order(order),
                Write::Receipt(receipt) => self.add_receipt(receipt),
                Write::Customer(_) | Write::CustomerChange(_) | Write::ShipTo(_) => {}
            }
        }
    }

    /// Adds the receipts among them only: of these the ERP's tables tell by their check numbers
    /// whether they are there after all.
    pub(super) fn add_receipts(&mut self, writes: &[Write], done: &[Done]) {
        for write in pending(writes, done) {
            if let Write::Receipt(receipt) = write {
                self.add_receipt(receipt);
            }
        }
    }

    /// Adds everything of another.
    pub(super) fn join(&mut self, other: &Self) {
        for (customer, amount) in &other.orders {
            self.add_amount(customer.clone(), *amount);
        }
        for (invoice, payments) in &other.payments {
            let own = self.payments.entry(invoice.clone()).or_default();
            own.extend(payments.iter().cloned());
        }
    }

    fn add_order(&mut self, order: &OrderWrite) {
        if let CustomerSource::Known(customer) = &order.customer {
            self.add_amount(customer_identity(customer), order.reckoned_total());
        }
    }

    fn add_amount(&mut self, customer: String, amount: Decimal) {
        let sum = self.orders.entry(customer).or_insert(Decimal::zero(2));
        if let Ok(more) = sum.checked_add(amount) {
            *sum = more;
        }
    }

    fn add_receipt(&mut self, receipt: &ReceiptWrite) {
        let CustomerSource::Known(customer) = &receipt.customer else {
            return;
        };
        for line in &receipt.lines {
            let ReceiptTarget::Invoice {
                invoice_no,
                invoice_type,
            } = &line.target
            else {
                continue;
            };
            let discount = line.discount.unwrap_or(Decimal::zero(2));
            let key = (customer_identity(customer), invoice_no.clone());
            self.payments.entry(key).or_default().push(Payment {
                invoice_type: invoice_type.clone(),
                check_no: receipt.check_no.clone(),
                amount: line.amount.checked_add(discount).unwrap_or(line.amount),
            });
        }
    }

    /// What orders of the customer come to.
    pub(super) fn ordered(&self, customer: &CustomerRef) -> Decimal {
        let ordered = self.orders.get(&customer_identity(customer));
        ordered.copied().unwrap_or(Decimal::zero(2))
    }

    /// What receipts take of the customer's invoice of this type. `entered` are the rows of
    /// receipts that Sage has for it: what is among them is not counted.
    pub(super) fn paid(
        &self,
        customer: &CustomerRef,
        invoice_no: &str,
        invoice_type: &str,
        entered: &[Row],
    ) -> Decimal {
        let key = (customer_identity(customer), invoice_no.to_owned());
        let is_entered =
            |payment: &Payment| entered.iter().any(|row| row.text("CheckNo") == payment.check_no);
        let all = self.payments.get(&key).map_or(&[][..], Vec::as_slice).iter();
        all.filter(|payment| payment.invoice_type == invoice_type && !is_entered(payment))
            .try_fold(Decimal::zero(2), |sum, payment| sum.checked_add(payment.amount))
            .unwrap_or(Decimal::zero(2))
    }
}

fn pending<'a>(writes: &'a [Write], done: &'a [Done]) -> impl Iterator<Item = &'a Write> {
    let is_done = |write: &&Write| !done.iter().any(|done| done.name == write.identity_name());
    writes.iter().filter(is_done)
}

#[cfg(test)]
mod tests {
    use import::Field;
    use import::plan::ReceiptLine;
    use values::Date;

    use super::*;

    fn customer() -> CustomerRef {
        CustomerRef {
            ar_division_no: "01".into(),
            customer_no: "ABF".into(),
        }
    }

    fn receipt(check_no: &str, cents: i64) -> Write {
        Write::Receipt(ReceiptWrite {
            customer: CustomerSource::Known(customer()),
            check_no: check_no.into(),
            batch_key: String::new(),
            batch_comment: String::new(),
            deposit_key: String::new(),
            bank_code: "A".into(),
            deposit_type: "C".into(),
            deposit_date: Date::constant(2026, 5, 6),
            amount: Decimal::new(cents, 2),
            settings: Vec::new(),
            lines: vec![ReceiptLine {
                field: "invoices[0]".into(),
                target: ReceiptTarget::Invoice {
                    invoice_no: "0100001".into(),
                    invoice_type: "IN".into(),
                },
                amount: Decimal::new(cents, 2),
                discount: Some(Decimal::new(1, 2)),
            }],
            is_filed: false,
        })
    }

    #[test]
    fn a_payment_counts_until_it_is_in_sage_and_never_twice() {
        let mut queued = Queued::default();
        queued.add(&[receipt("K1", 1_000)], &[]);
        let mut doubtful = Queued::default();
        doubtful.add_receipts(&[receipt("K2", 500)], &[]);
        queued.join(&doubtful);
        let paid = |kind, entered: &[Row]| queued.paid(&customer(), "0100001", kind, entered).to_string();
        assert_eq!(paid("IN", &[]), "15.02", "with the discount that is taken");
        assert_eq!(paid("CM", &[]), "0.00");
        let mut row = Row::default();
        row.put("CheckNo", Field::Text("K2".into()));
        assert_eq!(paid("IN", &[row]), "10.01", "the one in doubt is there after all");

        let done = Done {
            name: "receipt".into(),
            identity: String::new(),
            numbers: model::Numbers::new(),
            totals: model::Totals::new(),
            made_from: String::new(),
        };
        let mut entered = Queued::default();
        entered.add(&[receipt("K1", 1_000)], &[done]);
        assert_eq!(
            entered.paid(&customer(), "0100001", "IN", &[]).to_string(),
            "0.00"
        );
    }
}
