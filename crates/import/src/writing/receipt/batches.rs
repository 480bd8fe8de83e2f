//! Which batch and deposit a receipt goes to, asked of Sage.

use jiff::Timestamp;
use sage::{BusinessObjects, Call, Condition, Fault, ObjectId, Scalar};

use super::deposit::{Sight, sight, with_deposit};
use super::{DEPOSIT, OBJECT, Place};
use crate::batches::{Allotment, Allotments, Allotted, BatchChoice, LeftBatch, batch_key};
use crate::plan::ReceiptWrite;
use crate::writing::Answer;
use crate::writing::desk::{Desk, Purpose, Stop};
use crate::writing::session::refused;

/// Batches that are tried for one receipt: a key has few, and each refusal leaves one.
const MAX_TRIES: usize = 100;

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
    let sighted = with_deposit(&mut desk, &place, |desk, object| {
        sight(desk, object, &place, write)
    });
    match sighted {
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
