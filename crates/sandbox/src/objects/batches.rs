//! Batches of cash receipts. No call list is published: names and words are guesses, and
//! batch processing may be off.

use rusqlite::Connection;
use sage::Return;
use values::Stamp;

use super::document::given;
use super::input::{done, refused};
use super::keyed::filled;
use super::receipt_tables::BATCH;
use super::record::{Layout, Record, StoreError, exists};
use super::settings;
use crate::Settings;

/// The number that the next batch gets.
const NEXT_BATCH_NO: &str = "NextCashReceiptsBatchNo";
/// Width of a batch's number.
const WIDTH: usize = 5;
/// Batches that are not posted.
const OPEN: &str = "N";
/// Batches that are posted.
const POSTED: &str = "P";

/// Are receipts entered in batches? As `AR_Options` says, else yes.
pub(crate) fn are_on(db: &Connection) -> Result<bool, StoreError> {
    option(db, "CashReceiptsBatchEntry", "Y")
}

/// An option of A/R: as the company's `AR_Options` says, else as `unset` says.
pub(crate) fn option(db: &Connection, name: &str, unset: &str) -> Result<bool, StoreError> {
    let options = Record::look_up(db, "AR_Options", &[("ModuleCode", "A/R")])?;
    let value = options
        .as_ref()
        .map(|options| options.text(name))
        .filter(|v| !v.is_empty());
    Ok(value.unwrap_or(unset) == "Y")
}

/// Chooses a batch for `held`.
pub(crate) fn select(db: &Connection, held: &mut String, batch_no: &str) -> Result<Return, StoreError> {
    if !are_on(db)? {
        return Ok(off());
    }
    if batch_no.trim().is_empty() {
        return Ok(refused("The BatchNo is required."));
    }
    let batch_no = filled(batch_no.trim(), WIDTH);
    if let Some(refusal) = refusal_of(db, &batch_no)? {
        return Ok(refusal);
    }
    *held = batch_no;
    Ok(done())
}

/// Makes a batch and chooses it for `held`.
pub(crate) fn select_new(
    db: &Connection,
    held: &mut String,
    comment: &str,
    stamp: Stamp,
    user_key: &str,
) -> Result<Return, StoreError> {
    if !are_on(db)? {
        return Ok(off());
    }
    let comment = comment.trim_end();
    if comment.chars().count() > 30 {
        return Ok(refused("The BatchComment is too long: at most 30 characters."));
    }
    let batch_no = next_number(db)?;
    let mut row = Record::blank(&Layout::read(db, BATCH)?);
    row.put_text("BatchNo", &batch_no);
    row.put_text("BatchComment", comment);
    row.put_text("BatchStatus", OPEN);
    row.put_text("PrivateBatch", "N");
    row.stamp(stamp, user_key, true);
    row.store(db)?;
    held.clone_from(&batch_no);
    Ok(given(batch_no))
}

/// Why nothing may be entered into the batch that an object works in (blank: none is
/// chosen).
pub(crate) fn entry_refusal(db: &Connection, batch_no: &str) -> Result<Option<Return>, StoreError> {
    if !are_on(db)? {
        return Ok((!batch_no.is_empty()).then(off));
    }
    if batch_no.is_empty() {
        return Ok(Some(refused("A batch must be selected first.")));
    }
    refusal_of(db, batch_no)
}

/// From now on nothing is entered into the batch.
pub(crate) fn mark_posted(
    db: &Connection,
    batch_no: &str,
    stamp: Stamp,
    user: &str,
) -> Result<(), StoreError> {
    if let Some(mut batch) = Record::look_up(db, BATCH, &[("BatchNo", batch_no)])? {
        batch.put_text("BatchStatus", POSTED);
        batch.stamp(stamp, user, false);
        batch.store(db)?;
    }
    Ok(())
}

/// Why the batch may not be posted or entered into.
pub(crate) fn refusal_of(db: &Connection, batch_no: &str) -> Result<Option<Return>, StoreError> {
    let Some(batch) = Record::look_up(db, BATCH, &[("BatchNo", batch_no)])? else {
        return Ok(Some(refused(format!("Batch {batch_no} is not on file."))));
    };
    if batch.text("BatchStatus") == POSTED {
        return Ok(Some(refused(format!("Batch {batch_no} has been posted."))));
    }
    let clerk = settings::get(db, &format!("lock:{BATCH}:{batch_no}"))?;
    let user = clerk.unwrap_or_else(|| batch.text("BatchInUseBy").to_owned());
    Ok((!user.is_empty()).then(|| refused(format!("Batch {batch_no} is in use by {user}."))))
}

/// May the batch be posted now?
pub(crate) fn is_free(db: &Connection, batch_no: &str) -> Result<bool, StoreError> {
    Ok(refusal_of(db, batch_no)?.is_none())
}

fn off() -> Return {
    refused("Batch processing is not activated for cash receipts.")
}

fn next_number(db: &Connection) -> Result<String, StoreError> {
    let settings = Settings::new(db);
    if settings.get(NEXT_BATCH_NO)?.is_none() {
        let highest: i64 = db.query_row(
            &format!(
                "SELECT coalesce(max(CAST(BatchNo AS INTEGER)), 0) FROM
                 (SELECT BatchNo FROM {BATCH} UNION SELECT BatchNo FROM AR_CashReceiptsHistory)
                 WHERE BatchNo NOT GLOB '*[^0-9]*'"
            ),
            [],
            |row| row.get(0),
        )?;
        settings.set_if_absent(NEXT_BATCH_NO, &format!("{:05}", highest + 1))?;
    }
    loop {
        let number = settings.take_number(NEXT_BATCH_NO)?;
        if exists(db, BATCH, &[("BatchNo", &number)])? != Some(true) {
            return Ok(number);
        }
    }
}
