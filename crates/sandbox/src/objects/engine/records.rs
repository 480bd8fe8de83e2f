//! Calls that bring records in and out of the company, with the locks that they take and
//! the faults that may strike inside them.

use std::thread;

use rusqlite::Connection;
use sage::{ObjectId, Return, Scalar};

use super::super::commit::Writing;
use super::super::input::refused;
use super::super::kind::Kind;
use super::super::order::State;
use super::super::periods;
use super::super::record::StoreError;
use super::super::settings::{self, take_fault};
use super::{Engine, Halt, Object, is_locked, no_such_instance};

impl Engine {
    pub(super) fn next_number(&mut self, object: ObjectId, number: &str) -> Result<Return, Halt> {
        let (document, desk) = self.document_and_desk(object)?;
        let kind = document.kind();
        let answer = document.next_number(desk.db, number)?;
        if let Some(Scalar::Text(given)) = &answer.value {
            self.numbers.push((kind, given.clone()));
        }
        Ok(answer)
    }

    pub(super) fn select_batch(&mut self, object: ObjectId, batch_no: &str) -> Result<Return, Halt> {
        if self.unlock(object)? {
            self.document(object)?.clear();
        }
        let (document, desk) = self.document_and_desk(object)?;
        Ok(document.select_batch(desk.db, batch_no)?)
    }

    pub(super) fn select_new_batch(&mut self, object: ObjectId, comment: &str) -> Result<Return, Halt> {
        if self.unlock(object)? {
            self.document(object)?.clear();
        }
        if let Some(refusal) = self.lapsed()? {
            return Ok(refusal);
        }
        let stamp = self.company.stamp().map_err(StoreError::from)?;
        let user_key = self.session.user_key().to_owned();
        let (document, desk) = self.document_and_desk(object)?;
        Ok(document.select_new_batch(desk.db, comment, stamp, &user_key)?)
    }

    pub(super) fn set_key(&mut self, object: ObjectId) -> Result<Return, Halt> {
        let (document, desk) = self.document_and_desk(object)?;
        let kind = document.kind();
        let record = match document.record() {
            Ok(record) => record,
            Err(refusal) => return Ok(refusal),
        };
        if let Some(refusal) = document.key_refusal(desk.db)? {
            return Ok(refusal);
        }
        self.let_somebody_else_in(object)?;
        if let Some(user) = self
            .session
            .lock(self.company.connection_mut(), kind.table(), &record)?
        {
            let noun = kind.noun();
            return Ok(refused(format!("{noun} {record} is in use by {user}.")));
        }
        let (document, desk) = self.document_and_desk(object)?;
        Ok(document.key(&desk)?)
    }

    /// The fault `number_taken`: the number was given to this session, and now another
    /// user's record stands under it.
    fn let_somebody_else_in(&mut self, object: ObjectId) -> Result<(), Halt> {
        let Some(Object::Document(document)) = self.objects.get(&object.0) else {
            return Err(no_such_instance(object));
        };
        let kind = document.kind();
        let number = (kind, document.number().to_owned());
        if self.numbers.contains(&number)
            && !document.is_on_file(self.company.connection())?
            && let Some(argument) = take_fault_of(self.company.connection_mut(), kind, "number_taken")?
        {
            let stamp = self.company.stamp().map_err(StoreError::from)?;
            document.take_for_somebody_else(self.company.connection_mut(), &argument, stamp)?;
        }
        Ok(())
    }

    pub(super) fn find(&mut self, object: ObjectId) -> Result<Return, Halt> {
        if let Err(refusal) = self.document(object)?.record() {
            return Ok(refusal);
        }
        self.unlock(object)?;
        let (document, desk) = self.document_and_desk(object)?;
        Ok(document.find(desk.db)?)
    }

    /// The header's `nWrite`, with the faults that may strike inside it.
    pub(super) fn write(&mut self, object: ObjectId) -> Result<Return, Halt> {
        let (document, desk) = self.document_and_desk(object)?;
        let kind = document.kind();
        if !is_locked(document) {
            return Ok(refused("The key is not set: there is nothing to write."));
        }
        if let Some(refusal) = document.refusal(desk.db)? {
            return Ok(refusal);
        }
        if let Some(words) = periods::end_in_process(desk.db, kind.module())? {
            return Ok(refused(words));
        }
        if let Some(refusal) = self.lapsed()? {
            return Ok(refusal);
        }
        let db = self.company.connection_mut();
        if let Some(message) = take_fault_of(db, kind, "header_write.refuse")? {
            return Ok(refused(message));
        }
        if take_fault_of(db, kind, "header_write.hang")?.is_some() {
            settings::never_answer();
        }
        if let Some(delay) = take_fault_of(db, kind, "header_write.delay_ms")? {
            thread::sleep(settings::milliseconds(&delay));
        }
        if take_fault_of(db, kind, "header_write.crash_before_commit")?.is_some() {
            return Err(Halt::Crash);
        }
        let with_lines = !kind.has_lines() || take_fault_of(db, kind, "partial_write")?.is_none();
        let stamp = self.company.stamp().map_err(StoreError::from)?;
        let Some(Object::Document(document)) = self.objects.get(&object.0) else {
            return Err(no_such_instance(object));
        };
        let writing = Writing {
            stamp,
            user_key: self.session.user_key(),
            with_lines,
        };
        let answer = document.write(self.company.connection_mut(), &writing)?;
        if answer.is_refused() {
            return Ok(answer);
        }
        if take_fault_of(
            self.company.connection_mut(),
            kind,
            "header_write.crash_after_commit",
        )?
        .is_some()
        {
            return Err(Halt::Crash);
        }
        self.let_go(object)?;
        Ok(answer)
    }

    pub(super) fn delete(&mut self, object: ObjectId) -> Result<Return, Halt> {
        if self.document(object)?.state() != State::Existing {
            return Ok(refused("There is no stored record under the key."));
        }
        let stamp = self.company.stamp().map_err(StoreError::from)?;
        let Some(Object::Document(document)) = self.objects.get(&object.0) else {
            return Err(no_such_instance(object));
        };
        let answer = document.delete(self.company.connection_mut(), stamp, self.session.user_key())?;
        if !answer.is_refused() {
            self.let_go(object)?;
        }
        Ok(answer)
    }

    fn lapsed(&self) -> Result<Option<Return>, Halt> {
        let is_lapsed = settings::is(self.company.connection(), "subscription", "lapsed")?;
        Ok(is_lapsed.then(|| refused("The subscription has lapsed: Sage 100 is read-only.")))
    }

    /// After a write or delete the record is free and the object without a key.
    fn let_go(&mut self, object: ObjectId) -> Result<(), Halt> {
        self.unlock(object)?;
        self.document(object)?.clear();
        Ok(())
    }
}

/// A fault of this kind of object (`fault.AR_Customer_bus.header_write.refuse`), else of
/// any (`fault.header_write.refuse`).
fn take_fault_of(db: &mut Connection, kind: Kind, name: &str) -> Result<Option<String>, StoreError> {
    let own = take_fault(db, &format!("{}.{name}", kind.object()))?;
    match own {
        Some(argument) => Ok(Some(argument)),
        None => take_fault(db, name),
    }
}
