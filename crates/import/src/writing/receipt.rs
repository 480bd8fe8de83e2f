//! Cash receipts: batch, deposit, receipt, lines.
//!
//! Sage publishes no calls for these. What is said here is put together from the screen's
//! order, the columns of Visual Integrator and the receipt history; it counts as proven for
//! a site only after a run in a copied company.

use jiff::Timestamp;
use model::{Problem, Totals};
use sage::{BusinessObjects, Call, Condition, Fault, ObjectId, Scalar};
use values::Decimal;

use super::desk::{Desk, Filled, Purpose, Stop, broken, customer};
use super::session::refused;
use super::{Answer, EnterContext, Step};
use crate::batches::{Allotment, Allotments, Allotted, BatchChoice, LeftBatch, batch_key};
use crate::identity::parts;
use crate::plan::{ReceiptLine, ReceiptTarget, ReceiptWrite, Setting};

const OBJECT: &str = "AR_CashReceipts_bus";
const DEPOSIT: &str = "AR_CashReceiptsDeposit_bus";

/// Sage's width of a deposit's description.
const DESCRIPTION_WIDTH: usize = 30;

/// Batches that are tried for one receipt: a key has few, and each refusal leaves one.
const MAX_TRIES: usize = 100;

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
    let is_new = open_deposit(desk, &place, write)?;
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
        Ok(filled) if desk.problems.is_empty() => {
            if !is_new {
                grow_deposit(desk, &place, write)?;
            }
            Ok(filled)
        }
        Ok(filled) => {
            close_deposit(desk, &place, is_new)?;
            Ok(filled)
        }
        Err(stop @ Stop::Fault(_)) => Err(stop),
        Err(stop) => {
            close_deposit(desk, &place, is_new)?;
            Err(stop)
        }
    }
}

/// A receipt cannot be begun without batch and deposit, and opening these stores them: what
/// was planned is all that can be told.
fn preview(desk: &mut Desk<'_>, write: &ReceiptWrite) -> Result<Filled, Stop> {
    let object = desk.record(OBJECT)?;
    desk.warnings
        .push("Sage is not asked about a receipt beforehand: that would open a batch".into());
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

/// The deposit's object with its batch; dropped by whoever made it.
fn deposit_object(desk: &mut Desk<'_>, place: &Place<'_>) -> Result<ObjectId, Stop> {
    let name = DEPOSIT.into();
    let object = desk.object(&Call::NewObject { name }, "session_refused")?;
    match select(desk, object, place.batch_no) {
        Ok(()) => Ok(object),
        Err(stop) => {
            if !matches!(stop, Stop::Fault(_)) {
                desk.objects.call(&Call::DropObject { object })?;
            }
            Err(stop)
        }
    }
}

/// Does something with the deposit's object, and drops it.
fn with_deposit<T>(
    desk: &mut Desk<'_>,
    place: &Place<'_>,
    work: impl FnOnce(&mut Desk<'_>, ObjectId) -> Result<T, Stop>,
) -> Result<T, Stop> {
    let object = deposit_object(desk, place)?;
    let done = work(desk, object);
    if !matches!(done, Err(Stop::Fault(_))) {
        desk.objects.call(&Call::DropObject { object })?;
    }
    done
}

fn deposit_key<'a>(place: &Place<'a>) -> [(&'static str, &'a str); 2] {
    [("BankCode", place.bank_code), ("DepositNo", place.deposit_no)]
}

/// Makes the deposit when there is none. Did it?
fn open_deposit(desk: &mut Desk<'_>, place: &Place<'_>, write: &ReceiptWrite) -> Result<bool, Stop> {
    with_deposit(desk, place, |desk, object| {
        match sight_deposit(desk, object, place, write)? {
            Sight::Ours => return Ok(false),
            Sight::Another => return Err(Stop::KeyTaken),
            Sight::None => {}
        }
        if desk.key(object, &deposit_key(place), "deposit_refused")? != 2 {
            return Err(Stop::KeyTaken);
        }
        let amount_column = amount_column(write);
        let settings = [
            Setting::text("DepositType", &write.deposit_type, ""),
            Setting::date("DepositDate", write.deposit_date, ""),
            Setting::text("DepositDesc", description(write), ""),
            Setting::number(amount_column, write.amount, ""),
        ];
        for setting in settings {
            let call = Call::SetValue {
                object,
                column: setting.column,
                value: setting.value,
            };
            desk.call(&call, "deposit_refused", "")?;
        }
        desk.call(&Call::Write { object }, "deposit_refused", "")?;
        Ok(true)
    })
}

/// What stands under a deposit's number.
enum Sight {
    None,
    Ours,
    Another,
}

/// Looks without a lock. Ours has our type and begins as we describe deposits.
fn sight_deposit(
    desk: &mut Desk<'_>,
    object: ObjectId,
    place: &Place<'_>,
    write: &ReceiptWrite,
) -> Result<Sight, Stop> {
    for (column, value) in deposit_key(place) {
        let call = Call::SetKeyValue {
            object,
            column: format!("{column}$"),
            value: Scalar::Text(value.to_owned()),
        };
        desk.call(&call, "deposit_refused", "")?;
    }
    if desk.objects.call(&Call::Find { object })?.code != 1 {
        return Ok(Sight::None);
    }
    let kind = desk.get_text(object, "DepositType$")?;
    let words = desk.get_text(object, "DepositDesc$")?;
    let is_ours = kind.is_none_or(|kind| kind == write.deposit_type)
        && words.is_none_or(|words| words.starts_with(&description_start(write)));
    Ok(if is_ours { Sight::Ours } else { Sight::Another })
}

/// The deposit's amount grows by each receipt, unless it was counted by an earlier try: the
/// description ends with the check number that was counted last.
fn grow_deposit(desk: &mut Desk<'_>, place: &Place<'_>, write: &ReceiptWrite) -> Result<(), Stop> {
    with_deposit(desk, place, |desk, object| {
        if desk.key(object, &deposit_key(place), "deposit_refused")? != 1 {
            return Err(Stop::KeyTaken);
        }
        let words = desk.get_text(object, "DepositDesc$")?;
        if words.is_some_and(|words| words.ends_with(&write.check_no)) {
            return Ok(());
        }
        let column = amount_column(write);
        let Some(amount) = desk.get_number(object, column)? else {
            return Ok(());
        };
        let amount = amount
            .checked_add(write.amount)
            .map_err(|error| broken(format!("the amount of deposit {}: {error}", place.deposit_no)))?;
        let settings = [
            Setting::number(column, amount, ""),
            Setting::text("DepositDesc", description(write), ""),
        ];
        for setting in settings {
            let call = Call::SetValue {
                object,
                column: setting.column,
                value: setting.value,
            };
            desk.call(&call, "deposit_refused", "")?;
        }
        desk.call(&Call::Write { object }, "deposit_refused", "")?;
        Ok(())
    })
}

/// Takes away the deposit that was just made for a receipt that is not entered. Sage refuses
/// when it holds a receipt, and that is fine: then it is somebody's.
fn close_deposit(desk: &mut Desk<'_>, place: &Place<'_>, is_new: bool) -> Result<(), Stop> {
    if !is_new {
        return Ok(());
    }
    // The receipt under work holds on to its deposit.
    if let Some(object) = desk.under_work.take() {
        desk.objects.call(&Call::DropObject { object })?;
    }
    let closed = with_deposit(desk, place, |desk, object| {
        if desk.key(object, &deposit_key(place), "deposit_refused")? == 1 {
            desk.call(&Call::Delete { object }, "deposit_refused", "")?;
        }
        Ok(())
    });
    match closed {
        Err(stop @ Stop::Fault(_)) => Err(stop),
        Ok(()) => Ok(()),
        Err(Stop::Refused(_) | Stop::Condition(..) | Stop::KeyTaken | Stop::IsThere(_) | Stop::Told) => {
            desk.warnings.push(format!(
                "deposit {} of batch {} was opened and holds nothing of this payment",
                place.deposit_no, place.batch_no
            ));
            Ok(())
        }
    }
}

fn amount_column(write: &ReceiptWrite) -> &'static str {
    if write.deposit_type == "R" {
        "CreditCardDepositAmt"
    } else {
        "CashDepositAmt"
    }
}

/// What people read, and the check number that was counted last.
fn description(write: &ReceiptWrite) -> String {
    format!("{} {}", description_start(write), write.check_no)
}

fn description_start(write: &ReceiptWrite) -> String {
    let room = DESCRIPTION_WIDTH.saturating_sub(write.check_no.chars().count() + 1);
    let start: String = write.batch_comment.chars().take(room).collect();
    start.trim_end().to_owned()
}

/// Finds batch and deposit for a receipt, and opens them where there are none. The answer is
/// journaled and kept before anything is reserved under it. `run` names the session, for
/// sites that want a batch per run; the receipts' program must be open.
///
/// # Errors
/// [`Fault`] when a call did not come back: throw the objects away.
pub fn allot(
    objects: &mut dyn BusinessObjects,
    write: &ReceiptWrite,
    run: &str,
    at: Timestamp,
    allotments: &Allotments,
) -> Result<Answer<Allotted>, Fault> {
    let mut known = allotments.clone();
    let mut left = Vec::new();
    let key = batch_key(write, run);
    let batch_no = match find_batch(objects, write, &key, at, &mut known, &mut left)? {
        Answer::Given(batch_no) => batch_no,
        Answer::Condition(condition, words) => return Ok(Answer::Condition(condition, words)),
        Answer::Refused(problem) => return Ok(Answer::Refused(problem)),
    };
    let bank_code = write.bank_code.as_str();
    let shared = known.deposit(&batch_no, bank_code, &write.deposit_key);
    let usable = match shared {
        Some(number) if is_usable(objects, &batch_no, number, write)? => Some(number.to_owned()),
        Some(_) | None => None,
    };
    let deposit_no = match usable {
        Some(number) => number,
        None => match next_deposit(objects, &batch_no, bank_code)? {
            Answer::Given(offered) => known.free_deposit(bank_code, &offered),
            Answer::Condition(condition, words) => return Ok(Answer::Condition(condition, words)),
            Answer::Refused(problem) => return Ok(Answer::Refused(problem)),
        },
    };
    Ok(Answer::Given(Allotted {
        allotment: Allotment {
            batch_key: key,
            batch_no,
            deposit_key: write.deposit_key.clone(),
            bank_code: bank_code.to_owned(),
            deposit_no,
            at,
        },
        left,
    }))
}

fn find_batch(
    objects: &mut dyn BusinessObjects,
    write: &ReceiptWrite,
    key: &str,
    at: Timestamp,
    known: &mut Allotments,
    left: &mut Vec<LeftBatch>,
) -> Result<Answer<String>, Fault> {
    let comment = if key == write.batch_key {
        write.batch_comment.clone()
    } else {
        format!("{} {key}", write.batch_comment)
    };
    for _ in 0..MAX_TRIES {
        let batch_no = match known.batch(key, &comment) {
            BatchChoice::None => return Ok(Answer::Given(String::new())),
            BatchChoice::Open(comment) => return open_batch(objects, &comment),
            BatchChoice::Try(batch_no) => batch_no,
        };
        let why = match check_batch(objects, &batch_no)? {
            Answer::Given(()) => return Ok(Answer::Given(batch_no)),
            Answer::Refused(problem) => problem.message,
            // Somebody is in the batch: it is theirs now.
            Answer::Condition(Condition::RecordLocked, words) => words,
            Answer::Condition(condition, words) => return Ok(Answer::Condition(condition, words)),
        };
        let leaving = LeftBatch {
            batch_key: key.to_owned(),
            batch_no,
            why,
            at,
        };
        known.leave(leaving.clone());
        left.push(leaving);
    }
    open_batch(objects, &comment)
}

/// Is a deposit that was allotted still to be made, or ours?
fn is_usable(
    objects: &mut dyn BusinessObjects,
    batch_no: &str,
    deposit_no: &str,
    write: &ReceiptWrite,
) -> Result<bool, Fault> {
    let mut desk = Desk::new(objects, Purpose::Store);
    let place = Place {
        batch_no,
        bank_code: &write.bank_code,
        deposit_no,
    };
    let sight = with_deposit(&mut desk, &place, |desk, object| {
        sight_deposit(desk, object, &place, write)
    });
    match sight {
        Ok(Sight::None | Sight::Ours) => Ok(true),
        Ok(Sight::Another) => Ok(false),
        Err(Stop::Fault(fault)) => Err(fault),
        // What stands in the way is met again, and told, when the receipt is entered.
        Err(Stop::Refused(_) | Stop::Condition(..) | Stop::KeyTaken | Stop::IsThere(_) | Stop::Told) => {
            Ok(true)
        }
    }
}

/// Opens a batch; the answer is its number. It exists from then on.
///
/// # Errors
/// [`Fault`] when a call did not come back.
pub fn open_batch(objects: &mut dyn BusinessObjects, comment: &str) -> Result<Answer<String>, Fault> {
    with_object(objects, OBJECT, |objects, object| {
        let answer = objects.call(&Call::SelectNewBatch {
            object,
            comment: comment.to_owned(),
        })?;
        Ok(match given_text(answer.is_refused(), answer.value.as_ref()) {
            Some(number) => Answer::Given(number),
            None => batch_words(refused(&answer)),
        })
    })
}

/// Does Sage still take receipts into the batch? A batch in use by somebody answers
/// [`Condition::RecordLocked`].
///
/// # Errors
/// [`Fault`] when a call did not come back.
pub fn check_batch(objects: &mut dyn BusinessObjects, batch_no: &str) -> Result<Answer<()>, Fault> {
    with_object(objects, OBJECT, |objects, object| {
        let answer = objects.call(&Call::SelectBatch {
            object,
            batch_no: batch_no.to_owned(),
        })?;
        Ok(if answer.is_refused() {
            batch_words(refused(&answer))
        } else {
            Answer::Given(())
        })
    })
}

/// The next number of a deposit in the batch; blank for none.
///
/// # Errors
/// [`Fault`] when a call did not come back.
pub fn next_deposit(
    objects: &mut dyn BusinessObjects,
    batch_no: &str,
    bank_code: &str,
) -> Result<Answer<String>, Fault> {
    with_object(objects, DEPOSIT, |objects, object| {
        let mut calls = Vec::new();
        if !batch_no.is_empty() {
            calls.push(Call::SelectBatch {
                object,
                batch_no: batch_no.to_owned(),
            });
        }
        calls.push(Call::SetKeyValue {
            object,
            column: "BankCode$".into(),
            value: Scalar::Text(bank_code.to_owned()),
        });
        for call in &calls {
            let answer = objects.call(call)?;
            if answer.is_refused() {
                return Ok(batch_words(refused(&answer)));
            }
        }
        let answer = objects.call(&Call::GetNextNumber {
            object,
            number: "DepositNo".into(),
        })?;
        Ok(match given_text(answer.is_refused(), answer.value.as_ref()) {
            Some(number) => Answer::Given(number),
            None => batch_words(refused(&answer)),
        })
    })
}

fn given_text(is_refused: bool, value: Option<&Scalar>) -> Option<String> {
    let text = value.and_then(Scalar::as_text)?.trim();
    (!is_refused && !text.is_empty()).then(|| text.to_owned())
}

/// Refusals about batches have remedies of their own.
fn batch_words<T>(answer: Answer<T>) -> Answer<T> {
    match answer {
        Answer::Refused(mut problem) => {
            problem.code = "batch_refused".into();
            problem.remedy = "look at batch entry in Accounts Receivable Options, and at the bank code of the configuration; then retry the document".into();
            Answer::Refused(problem)
        }
        Answer::Given(given) => Answer::Given(given),
        Answer::Condition(condition, words) => Answer::Condition(condition, words),
    }
}

fn with_object<T>(
    objects: &mut dyn BusinessObjects,
    name: &str,
    work: impl FnOnce(&mut dyn BusinessObjects, ObjectId) -> Result<Answer<T>, Fault>,
) -> Result<Answer<T>, Fault> {
    let made = objects.call(&Call::NewObject { name: name.into() })?;
    let Some(object) = made.object.filter(|_| !made.is_refused()) else {
        return Ok(refused(&made));
    };
    let answer = work(objects, object)?;
    objects.call(&Call::DropObject { object })?;
    Ok(answer)
}
