//! A payment of invoices, parsed. All problems of a request are found at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use values::Decimal;

use crate::fields::{Fields, UdfValue, body_object};
use crate::money::{Tender, tender};
use crate::party::required_customer;
use crate::{Customer, Problem};

/// Invoices of one payment: Sage's screen takes no more in practice, and one payment must
/// fit into one message.
const MAX_INVOICES: usize = 1_000;

/// What happened to the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// It came in.
    #[default]
    Payment,
    /// It was given back: told, never entered by us.
    Refund,
    /// It was taken back before settlement: told, never entered by us.
    Void,
    /// The bank returned it (NSF, charge-back): told, never entered by us.
    Returned,
}

impl PaymentKind {
    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Void => "void",
            Self::Returned => "returned",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Payment, Self::Refund, Self::Void, Self::Returned]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// A payment as the web team sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What happened to the money.
    pub kind: PaymentKind,
    /// Who paid: a customer that Sage has.
    pub customer: Customer,
    /// The money.
    pub tender: Tender,
    /// What it is for, in the order of the request; empty means on account.
    pub invoices: Vec<PaidInvoice>,
    /// For people.
    pub comment: Option<String>,
    /// User-defined fields, by API name without `udf_`.
    #[serde(default)]
    pub udf: BTreeMap<String, UdfValue>,
}

/// A part of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidInvoice {
    /// Seven characters, zero-filled when numeric.
    pub invoice_no: String,
    /// As in `open_invoices`; none means `IN`, or the only one of that number.
    pub invoice_type: Option<String>,
    /// Paid on it; negative for a credit memo that is used.
    pub amount: Decimal,
    /// Discount taken with it.
    pub discount_amount: Option<Decimal>,
}

impl Payment {
    /// Reads a request body (the whole JSON object of `POST /v1/payments`).
    ///
    /// # Errors
    /// Every problem that can be seen without the ERP, each with its field.
    pub fn parse(body: &Value) -> Result<Self, Vec<Problem>> {
        let object = body_object(body)?;
        let mut problems = Vec::new();
        let mut fields = Fields::new(object, "", "a payment", &mut problems);
        fields.ignore("company");
        let kind = fields
            .word("kind", "payment, refund, void, returned", PaymentKind::from_name)
            .unwrap_or_default();
        let customer = fields.object("customer");
        let tender = tender(&mut fields);
        let comment = fields.text("comment");
        let udf = fields.udf();
        let invoices = fields.array("invoices");
        fields.refuse_unknown();
        let customer = required_customer(customer, &mut problems);
        let invoices = parse_invoices(invoices, &mut problems);
        if let Some(tender) = &tender {
            check_sum(tender, &invoices, &mut problems);
        }
        match (customer, tender) {
            (Some(customer), Some(tender)) if problems.is_empty() => Ok(Self {
                kind,
                customer,
                tender,
                invoices,
                comment,
                udf,
            }),
            (Some(_) | None, _) => Err(problems),
        }
    }
}

/// What is applied may be less than the payment (the rest is an overpayment), never more.
fn check_sum(tender: &Tender, invoices: &[PaidInvoice], problems: &mut Vec<Problem>) {
    let applied = invoices
        .iter()
        .try_fold(Decimal::zero(2), |sum, invoice| sum.checked_add(invoice.amount));
    match applied {
        Ok(applied) if applied > tender.amount => problems.push(
            Problem::new(
                "payment_short",
                "invoices",
                format!(
                    "{applied} is applied to invoices, but only {} was paid",
                    tender.amount
                ),
                "send amounts that add up to the payment's amount or less",
            )
            .with_value(applied.to_string()),
        ),
        Ok(_) => {}
        Err(_) => problems.push(Problem::new(
            "out_of_range",
            "invoices",
            "the amounts are too large to add up",
            "send amounts that add up to the payment's amount",
        )),
    }
}

fn parse_invoices(invoices: Option<&Vec<Value>>, problems: &mut Vec<Problem>) -> Vec<PaidInvoice> {
    let invoices = invoices.map(Vec::as_slice).unwrap_or_default();
    if invoices.len() > MAX_INVOICES {
        problems.push(Problem::new(
            "too_many",
            "invoices",
            format!("{} invoices", invoices.len()),
            format!("send at most {MAX_INVOICES} invoices in one payment"),
        ));
        return Vec::new();
    }
    let mut parsed: Vec<PaidInvoice> = Vec::new();
    for (place, invoice) in invoices.iter().enumerate() {
        let field = format!("invoices[{place}]");
        let Some(object) = invoice.as_object() else {
            problems.push(Problem::new(
                "wrong_type",
                field,
                "an invoice is a JSON object",
                "send {invoice_no, amount}",
            ));
            continue;
        };
        let Some(invoice) = parse_invoice(object, &field, problems) else {
            continue;
        };
        let is_twice = parsed
            .iter()
            .any(|p| p.invoice_no == invoice.invoice_no && p.invoice_type == invoice.invoice_type);
        if is_twice {
            problems.push(
                Problem::new(
                    "repeated",
                    format!("{field}.invoice_no"),
                    format!("invoice {} is there twice", invoice.invoice_no),
                    "send each invoice once, with its whole amount",
                )
                .with_value(invoice.invoice_no.clone()),
            );
        }
        parsed.push(invoice);
    }
    parsed
}

fn parse_invoice(
    object: &Map<String, Value>,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Option<PaidInvoice> {
    let mut fields = Fields::new(object, format!("{field}."), "an invoice of a payment", problems);
    let invoice_no = fields.required_text("invoice_no");
    let invoice_type = fields.text("invoice_type");
    let had_amount = object.contains_key("amount");
    let amount = fields.decimal("amount", 2);
    if amount.is_some_and(Decimal::is_zero) {
        fields.out_of_range(
            "amount",
            "the amount is zero",
            "send what is paid, or leave the invoice out",
        );
    }
    if !had_amount {
        fields.missing("amount");
    }
    let discount_amount = fields.amount("discount_amount", 2).filter(|d| !d.is_zero());
    fields.refuse_unknown();
    Some(PaidInvoice {
        invoice_no: invoice_no?,
        invoice_type,
        amount: amount?,
        discount_amount,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body() -> Value {
        json!({
            "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
            "payment_type": "VISA", "amount": "150.00", "gateway_transaction_id": "ch_1", "last_4": "4242",
            "invoices": [ { "invoice_no": "0100001", "amount": "200.00" }, { "invoice_no": "0100002", "invoice_type": "CM", "amount": "-50.00" } ]
        })
    }

    #[test]
    fn a_payment_may_use_a_credit() {
        let payment = Payment::parse(&body()).unwrap();
        assert_eq!(payment.kind, PaymentKind::Payment);
        assert_eq!(payment.invoices[1].amount.to_string(), "-50.00");
        let back: Payment = serde_json::from_value(serde_json::to_value(&payment).unwrap()).unwrap();
        assert_eq!(back, payment);
    }

    #[test]
    fn all_problems_come_at_once() {
        let mut body = body();
        body["kind"] = json!("gift");
        body["amount"] = json!("-1");
        body["invoices"] = json!([{ "amount": "1" }, { "invoice_no": "1", "amount": "0" }, 7]);
        let found: Vec<_> = Payment::parse(&body)
            .unwrap_err()
            .into_iter()
            .map(|p| (p.code, p.field))
            .collect();
        for wanted in [
            ("out_of_range", "kind"),
            ("out_of_range", "amount"),
            ("required", "invoices[0].invoice_no"),
            ("out_of_range", "invoices[1].amount"),
            ("wrong_type", "invoices[2]"),
        ] {
            assert!(
                found
                    .iter()
                    .any(|(code, field)| (code.as_str(), field.as_str()) == wanted),
                "{wanted:?} not in {found:?}"
            );
        }
    }

    #[test]
    fn more_than_was_paid_is_not_applied() {
        let mut body = body();
        body["amount"] = json!("149.99");
        assert_eq!(Payment::parse(&body).unwrap_err()[0].code, "payment_short");
    }
}
