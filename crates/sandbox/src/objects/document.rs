//! What every business object does, whatever its records are: the engine speaks to each
//! through [`Document`], and to its `oLines` through [`Lines`].

use std::fmt;

use rusqlite::Connection;
use sage::{Return, Scalar};
use values::Stamp;

use super::commit::Writing;
use super::input::{done, refused};
use super::kind::Kind;
use super::order::{Desk, State};
use super::record::StoreError;

/// A record under work. Nothing of it is stored before [`Document::write`].
pub(crate) trait Document: fmt::Debug + Send {
    /// What it is.
    fn kind(&self) -> Kind;

    /// How far it is.
    fn state(&self) -> State;

    /// The record's name in locks and messages: its key, parts joined with `-`. The error
    /// is the refusal when a part is missing.
    fn record(&self) -> Result<String, Return>;

    /// Forgets the record and its key; the object may be keyed anew.
    fn clear(&mut self);

    /// `nSetKeyValue`.
    fn set_key_value(&mut self, column: &str, value: &Scalar) -> Return;

    /// Why the complete key may not be worked on.
    fn key_refusal(&self, _db: &Connection) -> Result<Option<Return>, StoreError> {
        Ok(None)
    }

    /// `nSetKey` after the lock is taken: 2 for a new record, 1 for an existing one.
    fn key(&mut self, desk: &Desk<'_>) -> Result<Return, StoreError>;

    /// `nFind`: loads without a lock.
    fn find(&mut self, db: &Connection) -> Result<Return, StoreError>;

    /// `nSetValue`.
    fn set_value(&mut self, desk: &Desk<'_>, column: &str, value: &Scalar) -> Result<Return, StoreError>;

    /// `nGetValue`.
    fn get_value(&self, column: &str) -> Return;

    /// Why the record may not be written yet.
    fn refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError>;

    /// Commits the record in one transaction.
    fn write(&self, db: &mut Connection, writing: &Writing<'_>) -> Result<Return, StoreError>;

    /// `nDelete` of an existing record.
    fn delete(&self, db: &mut Connection, stamp: Stamp, user_key: &str) -> Result<Return, StoreError>;

    /// `nGetNext…`: a number that is spent from now on.
    fn next_number(&self, _db: &Connection, number: &str) -> Result<Return, StoreError> {
        Ok(no_number(number))
    }

    /// A number that was given out and is dropped unwritten; Sage may or may not spend it.
    fn give_number_back(&self, _db: &Connection) -> Result<(), StoreError> {
        Ok(())
    }

    /// The part of the key that [`Document::next_number`] gives out.
    fn number(&self) -> &str {
        ""
    }

    /// Does the record under the key exist?
    fn is_on_file(&self, db: &Connection) -> Result<bool, StoreError>;

    /// Another user's record comes in under the key, as the argument of the fault
    /// `number_taken` says.
    fn take_for_somebody_else(
        &self,
        _db: &mut Connection,
        _argument: &str,
        _stamp: Stamp,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    /// `nSelectBatch`.
    fn select_batch(&mut self, _db: &Connection, _batch_no: &str) -> Result<Return, StoreError> {
        Ok(without_batches(self.kind()))
    }

    /// `nSelectNewBatch`.
    fn select_new_batch(
        &mut self,
        _db: &Connection,
        _comment: &str,
        _stamp: Stamp,
        _user_key: &str,
    ) -> Result<Return, StoreError> {
        Ok(without_batches(self.kind()))
    }

    /// `oLines`, when the object has such.
    fn lines(&mut self) -> Option<&mut dyn Lines> {
        None
    }
}

/// The lines of a document under work.
pub(crate) trait Lines {
    /// `nAddLine`: 2.
    fn add_line(&mut self) -> Return;

    /// `nMoveFirst` and `nMoveNext`.
    fn move_to(&mut self, first: bool) -> Return;

    /// `nSetValue`.
    fn set_line_value(&mut self, desk: &Desk<'_>, column: &str, value: &Scalar)
    -> Result<Return, StoreError>;

    /// `nGetValue`: blank and zero when no line is current, as after its `nWrite`.
    fn get_line_value(&self, column: &str) -> Return;

    /// `nWrite`: keeps the line in the document.
    fn write_line(&mut self, db: &Connection) -> Result<Return, StoreError>;

    /// `nDelete`.
    fn delete_line(&mut self, db: &Connection) -> Result<Return, StoreError>;
}

/// A number that was given out.
pub(crate) fn given(number: String) -> Return {
    Return {
        value: Some(Scalar::Text(number)),
        ..done()
    }
}

/// There is no sequence of that name.
pub(crate) fn no_number(number: &str) -> Return {
    refused(format!("There is no next {number} here."))
}

fn without_batches(kind: Kind) -> Return {
    let records = kind.records();
    refused(format!("Batches are not for {records}."))
}
