//! Payments, and money that was taken with an order: what receipt they become.

mod invoices;
mod naming;

use model::{Customer, Payment, PaymentKind, Problem, Tender};
use values::{Date, Decimal, ImportId, days_from_date};

use super::findings::{Findings, problem};
use super::sheet::Sheet;
use super::{CodeList, Context, Knowledge, Widths, tender};
use crate::plan::{CustomerSource, ReceiptLine, ReceiptTarget, ReceiptWrite, Write};
use crate::record::Document;
use crate::settings::{Overpayment, PaymentSettings, Prepaid, ReceiptWriter};
use invoices::invoice_lines;
use naming::{naming, prepayment_no};

const TABLE: &str = "AR_CashReceiptsHeader";

/// Name of the write in journal and reservations.
const RECEIPT: &str = "receipt";

/// Columns of the receipt. No layout of it is published: these names stand in Sage's payment
/// history, and a site whose receipts lack one does not get it set.
const PAYMENT_TYPE: &str = "PaymentType";
const REFERENCE: &str = "OtherPaymentTypeRefNo";
const LAST_4: &str = "Last4UnencryptedCreditCardNos";
const COMMENT: &str = "Comment";

/// Widths where the site does not tell.
const USUAL_WIDTHS: [(&str, usize); 2] = [(REFERENCE, 24), (COMMENT, 30)];

/// The check number of an import's receipt: ten characters.
pub(super) fn check_no(id: &ImportId) -> String {
    naming::check_no(id)
}

/// Plans a payment: one receipt, or none when a problem was added.
///
/// # Errors
/// When the ERP's master data could not be asked.
pub(super) fn plan_payment<K: Knowledge>(
    payment: &Payment,
    document: &Document,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Vec<Write>, K::Error> {
    if let Some(problem) = not_entered(payment) {
        hold_firmly(findings, problem);
        return Ok(Vec::new());
    }
    let Customer::Known(customer) = &payment.customer else {
        findings.refuse(Problem::new(
            "customer_unknown",
            "customer",
            "a payment is entered for a customer that Sage has",
            "send ar_division_no and customer_no by PATCH; create the customer first where there is none",
        ));
        return Ok(Vec::new());
    };
    if knowledge.customer(customer)?.is_none() {
        findings.refuse(problem(
            "customer_unknown",
            "customer.customer_no",
            &customer.to_string(),
            format!("there is no customer {customer} in Sage"),
            "send division and number by PATCH as customers shows them",
        ));
    }
    // A receipt that may be in Sage already counts against its invoices and may have closed
    // them: it has to be looked for, so its invoices are not held against it.
    let may_be_there = context.past.done(RECEIPT).is_some() || context.past.may_be_there(RECEIPT);
    let day = day_of(&payment.tender, context.today);
    let (mut lines, problems) = invoice_lines(&payment.invoices, customer, day, knowledge)?;
    for problem in problems {
        if may_be_there {
            findings.warn(&problem.code, &problem.message);
        } else {
            findings.refuse(problem);
        }
    }
    let is_free = may_be_there || context.settings.payments.overpayment == Overpayment::Prepayment;
    lines.extend(rest(payment, document, is_free, findings));
    let widths = widths(knowledge)?;
    let mut sheet = Sheet::new(TABLE, &widths);
    sheet.optional(COMMENT, payment.comment.as_ref(), "comment", findings);
    let draft = Draft {
        tender: &payment.tender,
        prefix: "",
        document,
        context,
        widths: &widths,
    };
    let source = CustomerSource::Known(customer.clone());
    let mut user_fields = Sheet::new(TABLE, &widths);
    user_fields.udf(&payment.udf, "udf.", findings);
    let write = draft.receipt(source, lines, sheet, knowledge, findings)?;
    Ok(write
        .map(|mut write| {
            write.settings.extend(user_fields.into_settings());
            Write::Receipt(write)
        })
        .into_iter()
        .collect())
}

/// The receipt for money that was taken with an order, as the site's choice for prepaid
/// orders says. None when it wants none, or a problem was added.
///
/// # Errors
/// When the ERP's master data could not be asked.
pub(super) fn receipt_of_order<K: Knowledge>(
    tender: &Tender,
    customer: &CustomerSource,
    document: &Document,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<ReceiptWrite>, K::Error> {
    let settings = &context.settings.payments;
    let target = match settings.prepaid {
        Prepaid::None => return Ok(None),
        Prepaid::Prepayment => Some(ReceiptTarget::Prepayment {
            invoice_no: prepayment_no(&document.id),
        }),
        Prepaid::DepositAndReceipt => {
            let key = settings.deposit_account_key.clone().filter(|key| !key.is_empty());
            if key.is_none() {
                findings.refuse(Problem::new(
                    "deposit_account_missing",
                    "payment",
                    "no account is configured for money that was taken with orders",
                    "set payments.deposit_account_key to the AccountKey of the customer-deposit account, then retry",
                ));
            }
            key.map(|account_key| ReceiptTarget::Account { account_key })
        }
    };
    let line = target.map(|target| ReceiptLine {
        field: String::from("payment"),
        target,
        amount: tender.amount,
        discount: None,
    });
    let has_line = line.is_some();
    let widths = widths(knowledge)?;
    let draft = Draft {
        tender,
        prefix: "payment.",
        document,
        context,
        widths: &widths,
    };
    let lines = line.into_iter().collect();
    let sheet = Sheet::new(TABLE, &widths);
    let write = draft.receipt(customer.clone(), lines, sheet, knowledge, findings)?;
    Ok(write.filter(|_| has_line))
}

/// What the site tells, and what is usual where it does not tell anything.
fn widths<K: Knowledge>(knowledge: &mut K) -> Result<Widths, K::Error> {
    let widths = knowledge.widths(TABLE)?;
    if !widths.is_empty() {
        return Ok(widths);
    }
    Ok(Widths::of_texts(&USUAL_WIDTHS))
}

/// Held whatever a person accepted: nobody's word changes it.
fn hold_firmly(findings: &mut Findings, problem: Problem) {
    if findings.accepts(&problem.code) {
        findings.refuse(problem);
    } else {
        findings.hold(problem);
    }
}

/// Money that did not come in is told and left to people.
fn not_entered(payment: &Payment) -> Option<Problem> {
    let (code, what) = match payment.kind {
        PaymentKind::Payment => return None,
        PaymentKind::Refund => ("refund_not_entered", "a refund"),
        PaymentKind::Void => ("void_not_entered", "a void"),
        PaymentKind::Returned => ("returned_not_entered", "a returned payment"),
    };
    let amount = payment.tender.amount;
    Some(problem(
        code,
        "kind",
        payment.kind.as_str(),
        format!("{what} of {amount} is told, and never entered by the driver"),
        "enter it by hand in Sage, then discard it here and give as reason what was entered",
    ))
}

/// The day of the money: the day it was captured, else the site's day.
fn day_of(tender: &Tender, today: Date) -> Date {
    tender.captured_on.unwrap_or(today)
}

/// A line for what is paid beyond the invoices.
fn rest(
    payment: &Payment,
    document: &Document,
    is_free: bool,
    findings: &mut Findings,
) -> Option<ReceiptLine> {
    let amount = payment.tender.amount;
    let applied = payment
        .invoices
        .iter()
        .try_fold(Decimal::zero(2), |sum, invoice| sum.checked_add(invoice.amount));
    let rest = applied.and_then(|applied| amount.checked_sub(applied)).ok()?;
    if rest.is_zero() || rest.is_negative() {
        return None;
    }
    if !is_free {
        let message = if payment.invoices.is_empty() {
            format!("{rest} is on account: no invoice is named")
        } else {
            format!("{rest} of {amount} is paid beyond the invoices")
        };
        findings.hold(problem(
            "overpayment",
            "invoices",
            &rest.to_string(),
            message,
            "accept it, and it becomes a prepayment of the customer; or name the invoices by PATCH",
        ));
    }
    Some(ReceiptLine {
        field: String::from("amount"),
        target: ReceiptTarget::Prepayment {
            invoice_no: prepayment_no(&document.id),
        },
        amount: rest,
        discount: None,
    })
}

/// A receipt on its way.
struct Draft<'a> {
    tender: &'a Tender,
    /// In front of the tender's fields, for problems.
    prefix: &'static str,
    document: &'a Document,
    context: &'a Context<'a>,
    widths: &'a Widths,
}

impl Draft<'_> {
    /// The receipt; none when something is missing that it cannot be without. `sheet` may
    /// already have a comment.
    fn receipt<K: Knowledge>(
        &self,
        customer: CustomerSource,
        lines: Vec<ReceiptLine>,
        mut sheet: Sheet<'_>,
        knowledge: &mut K,
        findings: &mut Findings,
    ) -> Result<Option<ReceiptWrite>, K::Error> {
        let settings = &self.context.settings.payments;
        let has_batches = self.has_batches(knowledge, findings)?;
        let day = self.day(findings);
        if knowledge.is_period_closed("A/R", day)? == Some(true) {
            findings.warn(
                "deposit_period_closed",
                format!(
                    "the deposit is of {day}, in a closed period: post its batch with a date in an open one"
                ),
            );
        }
        let payment_type = self.payment_type(knowledge, findings)?;
        let bank_code = bank_code(settings, payment_type.as_deref(), knowledge, findings)?;
        let is_card = payment_type
            .as_ref()
            .is_some_and(|code| settings.card_types.contains(code));
        let deposit_type = if is_card { "R" } else { "C" };
        let check_no = check_no(&self.document.id);
        let shown = payment_type.as_deref().unwrap_or_default();
        let names = naming(settings, self.tender, shown, deposit_type, day, &check_no);
        if names.is_err() {
            findings.refuse(Problem::new(
                "settlement_missing",
                self.path("settlement_id"),
                "receipts are grouped by settlement, and the payment has none",
                "send settlement_id by PATCH, or let the site group by day (payments.batch, payments.deposit)",
            ));
        }
        self.columns(payment_type.as_deref(), &mut sheet, findings);
        let (Ok(names), Some(bank_code)) = (names, bank_code) else {
            return Ok(None);
        };
        Ok(Some(ReceiptWrite {
            customer,
            check_no,
            batch_key: if has_batches {
                names.batch_key
            } else {
                String::new()
            },
            batch_comment: names.batch_comment,
            deposit_key: names.deposit_key,
            bank_code,
            deposit_type: deposit_type.to_owned(),
            deposit_date: day,
            amount: self.tender.amount,
            settings: sheet.into_settings(),
            lines,
            is_filed: self.context.settings.payments.writer != ReceiptWriter::Objects,
        }))
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The day of the money. Tomorrow may be the web shop's zone; later is a mistake.
    fn day(&self, findings: &mut Findings) -> Date {
        let today = self.context.today;
        let day = day_of(self.tender, today);
        if days_from_date(day) > days_from_date(today).saturating_add(1) {
            findings.refuse(problem(
                "out_of_range",
                &self.path("captured_on"),
                &day.to_string(),
                format!("{day} has not come yet"),
                "send the day on which the money was captured, in the site's time, by PATCH",
            ));
        }
        day
    }

    /// Are receipts entered in batches? And may they be entered at all?
    fn has_batches<K: Knowledge>(
        &self,
        knowledge: &mut K,
        findings: &mut Findings,
    ) -> Result<bool, K::Error> {
        let settings = self.context.settings;
        match settings.payments.writer {
            // The file is grouped by batch whatever Sage does with it.
            ReceiptWriter::VisualIntegrator { .. } | ReceiptWriter::File { .. } => return Ok(true),
            ReceiptWriter::Objects => {}
        }
        if !settings.capabilities.receipts {
            hold_firmly(
                findings,
                Problem::new(
                    "receipts_unproven",
                    "",
                    "entering cash receipts through Sage's business objects is not proven at this site",
                    "run erp-driver prove against a copied company, or set payments.writer to a file or a Visual Integrator job; then retry",
                ),
            );
        }
        let is_off = knowledge.has_receipt_batches()? == Some(false);
        if is_off {
            findings.hold(Problem::new(
                "batch_processing_off",
                "",
                "batch processing is off for cash receipts: the money would lie among clerks' receipts, to be posted with them",
                "switch on batch entry for cash receipts in Accounts Receivable Options, then retry; or accept it, and the receipt is entered without a batch",
            ));
        }
        Ok(!is_off)
    }

    /// Sage's payment type; a receipt cannot be without one.
    fn payment_type<K: Knowledge>(
        &self,
        knowledge: &mut K,
        findings: &mut Findings,
    ) -> Result<Option<String>, K::Error> {
        if self.tender.payment_type.is_none() {
            findings.refuse(Problem::new(
                "required",
                self.path("payment_type"),
                "the payment type is missing",
                "send payment_type by PATCH: a code of Sage, or one that the site maps",
            ));
        }
        let found = tender::payment_type(self.tender, self.prefix, self.context, knowledge, findings)?;
        Ok(found.map(|(code, _)| code))
    }

    /// Payment type, reference and last four digits.
    fn columns(&self, payment_type: Option<&str>, sheet: &mut Sheet<'_>, findings: &mut Findings) {
        if let Some(code) = payment_type {
            sheet.text(PAYMENT_TYPE, code, &self.path("payment_type"), findings);
        }
        // Where the site tells no columns at all, only the usual ones have widths.
        let has = |column: &str| self.widths.has(column);
        if let Some(last_4) = &self.tender.last_4
            && (has(LAST_4) || !has(PAYMENT_TYPE))
        {
            sheet.text(LAST_4, last_4, &self.path("last_4"), findings);
        }
        let column = if has(REFERENCE) { REFERENCE } else { COMMENT };
        if sheet.has(column) {
            findings.warn(
                "reference_left_out",
                "Sage's receipts have no column for the reference; the comment stands in its place",
            );
            return;
        }
        let width = self.widths.texts.get(column).copied().unwrap_or(usize::MAX);
        if let Some(reference) = tender::reference_text(self.tender, width, findings) {
            let name = if self.tender.gateway_transaction_id.is_some() {
                "gateway_transaction_id"
            } else {
                "reference"
            };
            sheet.text(column, &reference, &self.path(name), findings);
        }
    }
}

/// The deposit's bank.
fn bank_code<K: Knowledge>(
    settings: &PaymentSettings,
    payment_type: Option<&str>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<String>, K::Error> {
    let code = payment_type
        .and_then(|code| settings.bank_codes.get(code))
        .or(settings.bank_code.as_ref())
        .filter(|code| !code.is_empty());
    let Some(code) = code else {
        findings.refuse(Problem::new(
            "bank_code_missing",
            "",
            "no bank is configured for deposits",
            "set payments.bank_code (or payments.bank_codes for the payment type), then retry",
        ));
        return Ok(None);
    };
    if knowledge.has_code(CodeList::Bank, code)? == Some(false) {
        findings.refuse(problem(
            "bank_code_unknown",
            "",
            code,
            format!("Sage has no bank {code}"),
            "correct payments.bank_code, or create the bank in Bank Code Maintenance; then retry",
        ));
        return Ok(None);
    }
    Ok(Some(code.clone()))
}

#[cfg(test)]
mod tests;
