//! Cash receipts: batch, deposit, receipt, lines.
//!
//! Sage publishes no calls for these. What is said here is put together from the screen's
//! order, the columns of Visual Integrator and the receipt history; it counts as proven for
//! a site only after a run in a copied company.

mod batches;
mod deposit;

use model::{Problem, Totals};
use sage::{Call, Condition, ObjectId, Scalar};
use values::Decimal;

use super::desk::{Desk, Filled, Purpose, Stop, broken, customer};
use super::{EnterContext, Step};
use crate::identity::parts;
use crate::plan::{ReceiptLine, ReceiptTarget, ReceiptWrite, Setting};
pub use batches::{allot, check_batch, next_deposit, open_batch};

const OBJECT: &str = "AR_CashReceipts_bus";
const DEPOSIT: &str = "AR_CashReceiptsDeposit_bus";

/// The parts of a receipt's identity.
struct Place<'a> {
    batch_no: &'a str,
    bank_code: &'a str,
    deposit_no: &'a str,
}

/// Everything but the receipt's write. The deposit is written on the way: without a receipt
/// it holds no money.
pub(super) fn fill(
    desk: &mut Desk<'_>,
    identity: &str,
    write: &ReceiptWrite,
    context: &EnterContext<'_>,
    progress: &mut dyn FnMut(Step),
) -> Result<Filled, Stop> {
    if desk.purpose == Purpose::Preview {
        return preview(desk, write);
    }
    let parts = parts(identity);
    let [batch_no, bank_code, deposit_no, division, customer_no, check_no] = parts.as_slice() else {
        return Err(broken(format!("{identity} is no receipt's identity")));
    };
    let owner = customer(&write.customer, context)?;
    if (&owner.ar_division_no, &owner.customer_no) != (division, customer_no) || write.check_no != *check_no {
        return Err(broken(format!("{identity} is not the receipt of its plan")));
    }
    let place = Place {
        batch_no,
        bank_code,
        deposit_no,
    };
    let is_new = deposit::open(desk, &place, write)?;
    let object = desk.record(OBJECT)?;
    select(desk, object, batch_no)?;
    progress(Step::BeforeSetKey);
    let key = [
        ("BankCode", bank_code.as_str()),
        ("DepositNo", deposit_no),
        ("ARDivisionNo", division),
        ("CustomerNo", customer_no),
        ("CheckNo", check_no),
    ];
    let filled = match desk.key(object, &key, "receipt_refused") {
        Ok(2) => {
            progress(Step::AfterSetKey);
            receipt(desk, object, write, progress)
        }
        // The check number is made of the import's id: what is there is no other payment's.
        Ok(_) => Err(Stop::IsThere(Problem::new(
            "receipt_there",
            "",
            format!("Sage has a receipt of customer {division}-{customer_no} under check number {check_no}"),
            "look it up in Sage: the check number is this document's own; if the receipt is there, discard the document",
        ))),
        Err(stop) => Err(stop),
    };
    match filled {
        Ok(mut filled) if desk.problems.is_empty() => {
            filled.has_new_deposit = is_new;
            if !is_new {
                deposit::count_in(desk, &place, write, context.deposited)?;
            }
            Ok(filled)
        }
        Err(stop @ Stop::Fault(_)) => Err(stop),
        // A receipt that is there is counted already; a batch that takes nothing more does
        // not let its deposit be changed either.
        Err(stop @ (Stop::IsThere(_) | Stop::KeyTaken)) if !is_new => Err(stop),
        refused => {
            deposit::count_out(desk, &place, write, is_new, context.deposited)?;
            refused
        }
    }
}

/// Sage refused the receipt's write: the deposit holds no money of it. `is_new`: it was made
/// for this receipt.
pub(super) fn refused(
    desk: &mut Desk<'_>,
    identity: &str,
    write: &ReceiptWrite,
    is_new: bool,
    context: &EnterContext<'_>,
) -> Result<(), Stop> {
    let parts = parts(identity);
    let [batch_no, bank_code, deposit_no, ..] = parts.as_slice() else {
        return Ok(());
    };
    let place = Place {
        batch_no,
        bank_code,
        deposit_no,
    };
    deposit::count_out(desk, &place, write, is_new, context.deposited)
}

/// A receipt cannot be begun without batch and deposit, and opening these stores them: what
/// was planned is all that can be told.
fn preview(desk: &mut Desk<'_>, write: &ReceiptWrite) -> Result<Filled, Stop> {
    let object = desk.record(OBJECT)?;
    desk.warnings.push(
        "receipt_not_asked: Sage is not asked about a receipt beforehand: that would open a batch".into(),
    );
    let mut filled = Filled::plain(object);
    filled.totals = totals(write);
    Ok(filled)
}

fn totals(write: &ReceiptWrite) -> Totals {
    Totals::from([(String::from("amount_received"), write.amount)])
}

/// Header and lines of a new receipt.
fn receipt(
    desk: &mut Desk<'_>,
    object: ObjectId,
    write: &ReceiptWrite,
    progress: &mut dyn FnMut(Step),
) -> Result<Filled, Stop> {
    desk.set(object, "AmountReceived", Scalar::Number(write.amount), "amount")?;
    desk.settings(object, &write.settings)?;
    progress(Step::HeaderSet);
    let lines = desk.object(&Call::Lines { object }, "lines_refused")?;
    let mut sum = Decimal::zero(2);
    for (place, entry) in write.lines.iter().enumerate() {
        line(desk, lines, entry)?;
        sum = sum
            .checked_add(entry.amount)
            .map_err(|error| broken(format!("the lines of {}: {error}", write.check_no)))?;
        progress(Step::LineWritten(place));
    }
    let mut filled = Filled::plain(object);
    filled.totals = totals(write);
    filled.extension = Some(sum);
    Ok(filled)
}

/// One line. After a refusal the rest of it would be refused for the same reason.
fn line(desk: &mut Desk<'_>, lines: ObjectId, line: &ReceiptLine) -> Result<(), Stop> {
    let field = |name: &str| {
        if line.field.starts_with("invoices[") {
            format!("{}.{name}", line.field)
        } else {
            line.field.clone()
        }
    };
    if !desk.attempt(&Call::AddLine { object: lines }, "line_refused", &line.field)? {
        return Ok(());
    }
    // A prepayment gets its number from Sage: a number that is sent means one that is open.
    let target = match &line.target {
        ReceiptTarget::Invoice {
            invoice_no,
            invoice_type,
        } => vec![
            Setting::text("InvoiceNo", invoice_no, field("invoice_no")),
            Setting::text("InvoiceType", invoice_type, field("invoice_type")),
        ],
        ReceiptTarget::Prepayment { .. } => vec![Setting::text("InvoiceType", "PP", field("amount"))],
        ReceiptTarget::Account { account_key } => {
            vec![Setting::text("AccountKey", account_key, field("amount"))]
        }
    };
    for setting in &target {
        if !desk.set(lines, &setting.column, setting.value.clone(), &setting.field)? {
            return Ok(());
        }
    }
    let mut is_taken = desk.set(
        lines,
        "AmountPosted",
        Scalar::Number(line.amount),
        &field("amount"),
    )?;
    if let Some(discount) = line.discount {
        let column = "DiscountAmt";
        is_taken &= desk.set(lines, column, Scalar::Number(discount), &field("discount_amount"))?;
    }
    if is_taken {
        desk.attempt(&Call::Write { object: lines }, "line_refused", &field("amount"))?;
    }
    Ok(())
}

/// Selects the batch that the receipt was allotted. One that Sage does not take any more is
/// somebody else's affair from now on: the receipt gets another.
fn select(desk: &mut Desk<'_>, object: ObjectId, batch_no: &str) -> Result<(), Stop> {
    if batch_no.is_empty() {
        return Ok(());
    }
    let call = Call::SelectBatch {
        object,
        batch_no: batch_no.to_owned(),
    };
    match desk.call(&call, "batch_refused", "") {
        Ok(_) => Ok(()),
        Err(Stop::Refused(_) | Stop::Condition(Condition::RecordLocked, _)) => Err(Stop::KeyTaken),
        Err(stop) => Err(stop),
    }
}
