//! The deposit of a receipt. Its amount is what its receipts come to, counted from those
//! that are in it: whatever was counted for one that is not entered after all is set right
//! with the next.

use sage::{Call, ObjectId, Scalar};
use values::Decimal;

use super::{DEPOSIT, Place, select};
use crate::plan::{ReceiptWrite, Setting};
use crate::writing::desk::{Desk, Stop, broken};

/// Sage's width of a deposit's description.
const DESCRIPTION_WIDTH: usize = 30;

/// The deposit's object with its batch; dropped by whoever made it.
fn open_object(desk: &mut Desk<'_>, place: &Place<'_>) -> Result<ObjectId, Stop> {
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
pub(super) fn with_deposit<T>(
    desk: &mut Desk<'_>,
    place: &Place<'_>,
    work: impl FnOnce(&mut Desk<'_>, ObjectId) -> Result<T, Stop>,
) -> Result<T, Stop> {
    let object = open_object(desk, place)?;
    let done = work(desk, object);
    if !matches!(done, Err(Stop::Fault(_))) {
        desk.objects.call(&Call::DropObject { object })?;
    }
    done
}

fn key<'a>(place: &Place<'a>) -> [(&'static str, &'a str); 2] {
    [("BankCode", place.bank_code), ("DepositNo", place.deposit_no)]
}

/// Makes the deposit when there is none. Did it?
pub(super) fn open(desk: &mut Desk<'_>, place: &Place<'_>, write: &ReceiptWrite) -> Result<bool, Stop> {
    with_deposit(desk, place, |desk, object| {
        match sight(desk, object, place, write)? {
            Sight::Ours => return Ok(false),
            Sight::Another => return Err(Stop::KeyTaken),
            Sight::None => {}
        }
        if desk.key(object, &key(place), "deposit_refused")? != 2 {
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
pub(super) enum Sight {
    None,
    Ours,
    Another,
}

/// Looks without a lock. Ours has our type and begins as we describe deposits.
pub(super) fn sight(
    desk: &mut Desk<'_>,
    object: ObjectId,
    place: &Place<'_>,
    write: &ReceiptWrite,
) -> Result<Sight, Stop> {
    for (column, value) in key(place) {
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
        && words.is_none_or(|words| words.starts_with(&description(write)));
    Ok(if is_ours { Sight::Ours } else { Sight::Another })
}

/// Sets the amount of a deposit that was there to what its receipts come to with this one.
pub(super) fn count_in(
    desk: &mut Desk<'_>,
    place: &Place<'_>,
    write: &ReceiptWrite,
    deposited: Option<Decimal>,
) -> Result<(), Stop> {
    let Some(deposited) = deposited else {
        desk.warnings.push(format!(
            "deposit_not_counted: the receipts of deposit {} of batch {} could not be counted, so its amount was left as it is; compare it in Sage before posting",
            place.deposit_no, place.batch_no
        ));
        return Ok(());
    };
    let amount = deposited
        .checked_add(write.amount)
        .map_err(|error| broken(format!("the amount of deposit {}: {error}", place.deposit_no)))?;
    set_amount(desk, place, write, amount)
}

fn set_amount(
    desk: &mut Desk<'_>,
    place: &Place<'_>,
    write: &ReceiptWrite,
    amount: Decimal,
) -> Result<(), Stop> {
    with_deposit(desk, place, |desk, object| {
        if desk.key(object, &key(place), "deposit_refused")? != 1 {
            return Err(Stop::KeyTaken);
        }
        let column = amount_column(write);
        if desk
            .get_number(object, column)?
            .is_some_and(|there| there == amount)
        {
            return Ok(());
        }
        let call = Call::SetValue {
            object,
            column: column.to_owned(),
            value: Scalar::Number(amount),
        };
        desk.call(&call, "deposit_refused", "")?;
        desk.call(&Call::Write { object }, "deposit_refused", "")?;
        Ok(())
    })
}

/// The receipt is not entered: what was counted for it is taken off again, and a deposit
/// that holds nothing is taken away. Sage refuses that when it does hold a receipt, and that
/// is fine: then it is somebody's.
pub(super) fn count_out(
    desk: &mut Desk<'_>,
    place: &Place<'_>,
    write: &ReceiptWrite,
    is_new: bool,
    deposited: Option<Decimal>,
) -> Result<(), Stop> {
    let rest = deposited.filter(|amount| *amount != Decimal::zero(2));
    if !is_new && deposited.is_none() {
        return Ok(());
    }
    // The receipt under work holds on to its deposit.
    if let Some(object) = desk.under_work.take() {
        desk.objects.call(&Call::DropObject { object })?;
    }
    let done = match rest {
        Some(rest) => set_amount(desk, place, write, rest),
        None => with_deposit(desk, place, |desk, object| {
            if desk.key(object, &key(place), "deposit_refused")? == 1 {
                desk.call(&Call::Delete { object }, "deposit_refused", "")?;
            }
            Ok(())
        }),
    };
    match done {
        Err(stop @ Stop::Fault(_)) => Err(stop),
        Ok(()) => Ok(()),
        Err(Stop::Refused(_) | Stop::Condition(..) | Stop::KeyTaken | Stop::IsThere(_) | Stop::Told) => {
            desk.warnings.push(format!(
                "deposit_not_counted: the amount of deposit {} of batch {} may count this payment of {}, which was not entered; compare it in Sage before posting",
                place.deposit_no, place.batch_no, write.amount
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

/// What people read: the batch's comment, as far as it fits.
fn description(write: &ReceiptWrite) -> String {
    let start: String = write.batch_comment.chars().take(DESCRIPTION_WIDTH).collect();
    start.trim_end().to_owned()
}
