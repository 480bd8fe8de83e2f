//! What a payment is applied to: open invoices and credits of the customer.

use std::collections::BTreeSet;

use model::{CustomerRef, PaidInvoice, Problem};
use values::{Date, Decimal};

use crate::plan::{ReceiptLine, ReceiptTarget};
use crate::planning::{Knowledge, OpenInvoiceFacts};

/// The type of most invoices.
const INVOICE: &str = "IN";

/// Lines of the receipt, and everything that is wrong with them.
pub(super) fn invoice_lines<K: Knowledge>(
    invoices: &[PaidInvoice],
    customer: &CustomerRef,
    day: Date,
    knowledge: &mut K,
) -> Result<(Vec<ReceiptLine>, Vec<Problem>), K::Error> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    let mut lines = Vec::with_capacity(invoices.len());
    for (place, paid) in invoices.iter().enumerate() {
        let field = format!("invoices[{place}]");
        let invoice_no = written(&paid.invoice_no);
        let open = knowledge.open_invoices(customer, &invoice_no)?;
        let facts = if open.is_empty() {
            let owner = knowledge.invoice_owner(&invoice_no)?;
            problems.push(not_there(&field, &invoice_no, customer, owner.as_ref()));
            None
        } else {
            match choose(paid, &open) {
                Ok(facts) => Some(facts),
                Err(problem) => {
                    problems.push(problem(&field, &invoice_no, &open));
                    None
                }
            }
        };
        let invoice_type = facts.map_or_else(
            || paid.invoice_type.clone().unwrap_or_else(|| INVOICE.to_owned()),
            |facts| facts.invoice_type.clone(),
        );
        if let Some(facts) = facts {
            if seen.insert((invoice_no.clone(), invoice_type.clone())) {
                amounts(paid, facts, &field, &invoice_no, day, &mut problems);
            } else {
                problems.push(
                    Problem::new(
                        "repeated",
                        format!("{field}.invoice_no"),
                        format!("{invoice_type} {invoice_no} is there twice"),
                        "send each invoice once, with its whole amount",
                    )
                    .with_value(invoice_no.clone()),
                );
            }
        }
        lines.push(ReceiptLine {
            field,
            target: ReceiptTarget::Invoice {
                invoice_no,
                invoice_type,
            },
            amount: paid.amount,
            discount: paid.discount_amount,
        });
    }
    Ok((lines, problems))
}

/// Seven characters, zero-filled when numeric, upper case.
fn written(invoice_no: &str) -> String {
    let text = invoice_no.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        format!("{text:0>7}")
    } else {
        text.to_ascii_uppercase()
    }
}

type Complaint = fn(&str, &str, &[OpenInvoiceFacts]) -> Problem;

/// The one that is meant: of the type that was sent, else the invoice, else the only one.
fn choose<'a>(paid: &PaidInvoice, open: &'a [OpenInvoiceFacts]) -> Result<&'a OpenInvoiceFacts, Complaint> {
    let of_type = |wanted: &str| open.iter().find(|facts| facts.invoice_type.trim_end() == wanted);
    match (&paid.invoice_type, open) {
        (Some(wanted), _) => of_type(wanted).ok_or(type_not_there as Complaint),
        (None, [only]) => Ok(only),
        (None, _) => of_type(INVOICE).ok_or(type_missing as Complaint),
    }
}

fn types(open: &[OpenInvoiceFacts]) -> String {
    let types: Vec<&str> = open.iter().map(|facts| facts.invoice_type.as_str()).collect();
    types.join(", ")
}

fn type_not_there(field: &str, invoice_no: &str, open: &[OpenInvoiceFacts]) -> Problem {
    Problem::new(
        "invoice_unknown",
        format!("{field}.invoice_type"),
        format!(
            "invoice {invoice_no} is open, but not of this type: {} is",
            types(open)
        ),
        "send the type that open_invoices shows",
    )
    .with_value(invoice_no)
}

fn type_missing(field: &str, invoice_no: &str, open: &[OpenInvoiceFacts]) -> Problem {
    Problem::new(
        "invoice_type_missing",
        format!("{field}.invoice_type"),
        format!("{invoice_no} is open as {}: which one is paid?", types(open)),
        "send invoice_type as open_invoices shows it",
    )
    .with_value(invoice_no)
}

fn not_there(field: &str, invoice_no: &str, customer: &CustomerRef, owner: Option<&CustomerRef>) -> Problem {
    let field = format!("{field}.invoice_no");
    match owner {
        Some(owner) if owner != customer => Problem::new(
            "invoice_of_another_customer",
            field,
            format!("invoice {invoice_no} is not one of {customer}, but of {owner}"),
            "send the payment for the customer whose invoice it is; invoices stand under the bill-to customer",
        ),
        Some(_) | None => Problem::new(
            "invoice_unknown",
            field,
            format!("{customer} has no open invoice {invoice_no}"),
            "send a number that open_invoices shows; a paid invoice is not open any more",
        ),
    }
    .with_value(invoice_no)
}

fn amounts(
    paid: &PaidInvoice,
    facts: &OpenInvoiceFacts,
    field: &str,
    invoice_no: &str,
    day: Date,
    problems: &mut Vec<Problem>,
) {
    let amount_field = format!("{field}.amount");
    let kind = &facts.invoice_type;
    if paid.amount.is_negative() != facts.balance.is_negative() && !facts.balance.is_zero() {
        let (message, remedy) = if facts.balance.is_negative() {
            (
                "is a credit: using it takes a negative amount",
                "send a negative amount for a credit that is used",
            )
        } else {
            (
                "is no credit: paying it takes a positive amount",
                "send a positive amount; only credits have negative ones",
            )
        };
        problems.push(
            Problem::new(
                "wrong_sign",
                amount_field,
                format!("{kind} {invoice_no} {message}"),
                remedy,
            )
            .with_value(paid.amount.to_string()),
        );
        return;
    }
    let discount = paid.discount_amount.unwrap_or(Decimal::zero(2));
    let open = facts.balance.checked_sub(facts.pending);
    let asked = paid.amount.checked_add(discount);
    let (Ok(open), Ok(asked)) = (open, asked) else {
        problems.push(Problem::new(
            "out_of_range",
            amount_field,
            "the amount is too large",
            "send what is paid on the invoice",
        ));
        return;
    };
    let is_above = if facts.balance.is_negative() {
        asked < open
    } else {
        asked > open
    };
    if is_above {
        let pending = if facts.pending.is_zero() {
            String::new()
        } else {
            format!(
                " ({} less {} that is queued, or entered and not posted)",
                facts.balance, facts.pending
            )
        };
        problems.push(
            Problem::new(
                "above_balance",
                amount_field,
                format!("{asked} is more than the {open} that are open on {kind} {invoice_no}{pending}"),
                "send at most what is open; the rest can stay on account",
            )
            .with_value(paid.amount.to_string()),
        );
    }
    discounts(facts, discount, field, invoice_no, day, problems);
}

fn discounts(
    facts: &OpenInvoiceFacts,
    discount: Decimal,
    field: &str,
    invoice_no: &str,
    day: Date,
    problems: &mut Vec<Problem>,
) {
    if discount.is_zero() {
        return;
    }
    let field = format!("{field}.discount_amount");
    let kind = &facts.invoice_type;
    if let Some(until) = facts.discount_until
        && day > until
    {
        problems.push(
            Problem::new(
                "discount_expired",
                field.clone(),
                format!(
                    "the discount of {kind} {invoice_no} could be taken until {until}; the money is of {day}"
                ),
                "send the payment without the discount",
            )
            .with_value(discount.to_string()),
        );
    }
    let allowed = if facts.balance.is_negative() {
        Decimal::zero(2)
    } else {
        facts.discount
    };
    if discount > allowed {
        problems.push(
            Problem::new(
                "discount_too_large",
                field,
                format!("{kind} {invoice_no} allows a discount of {allowed}, not {discount}"),
                "send at most the discount that open_invoices shows",
            )
            .with_value(discount.to_string()),
        );
    }
}
