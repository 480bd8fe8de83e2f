//! Cash receipts.

use sage::{BusinessObjects, Call, Fault};

use super::desk::{Desk, Filled, Stop};
use super::{Answer, EnterContext, Step};
use crate::plan::ReceiptWrite;

/// Everything but the receipt's write.
pub(super) fn fill(
    desk: &mut Desk<'_>,
    _identity: &str,
    write: &ReceiptWrite,
    _context: &EnterContext<'_>,
    progress: &mut dyn FnMut(Step),
) -> Result<Filled, Stop> {
    let record = desk.record("AR_CashReceipts_bus")?;
    desk.settings(record, &write.settings)?;
    progress(Step::HeaderSet);
    Ok(Filled::plain(record))
}

/// Opens a batch.
///
/// # Errors
/// [`Fault`] when a call did not come back.
pub fn open_batch(objects: &mut dyn BusinessObjects, _comment: &str) -> Result<Answer<String>, Fault> {
    let answer = objects.call(&Call::NewObject { name: "AR_CashReceipts_bus".into() })?;
    Ok(super::session::refused(&answer))
}

/// Is the batch still open to us?
///
/// # Errors
/// [`Fault`] when a call did not come back.
pub fn check_batch(objects: &mut dyn BusinessObjects, _batch_no: &str) -> Result<Answer<()>, Fault> {
    let answer = objects.call(&Call::NewObject { name: "AR_CashReceipts_bus".into() })?;
    Ok(super::session::refused(&answer))
}

/// The next deposit of a batch.
///
/// # Errors
/// [`Fault`] when a call did not come back.
pub fn next_deposit(
    objects: &mut dyn BusinessObjects,
    _batch_no: &str,
    _bank_code: &str,
) -> Result<Answer<String>, Fault> {
    let answer = objects.call(&Call::NewObject { name: "AR_CashReceipts_bus".into() })?;
    Ok(super::session::refused(&answer))
}
