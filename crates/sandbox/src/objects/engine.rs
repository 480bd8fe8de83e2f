//! The engine itself: one session, its objects, and Sage's calls.

mod records;

use std::collections::BTreeMap;
use std::path::Path;

use sage::{BusinessObjects, Call, Fault, ObjectId, Return, Scalar, ServerProcess};
use values::Date;

use super::document::{Document, Lines};
use super::input::{done, refused};
use super::kind::Kind;
use super::order::{Desk, State};
use super::process;
use super::receipt_tables;
use super::record::StoreError;
use super::session::{self, Session};
use crate::{Clock, Company};

/// `NewObject` without the company, module and program that the object needs.
const NOT_IN_MODULE: i32 = 90;
/// `NewObject` of something that does not exist.
const UNKNOWN_OBJECT: i32 = 200;
/// A call on an object that was dropped or never made.
const NO_SUCH_INSTANCE: i32 = 65;
/// The company's files failed under the engine.
const FILES_FAILED: i32 = 15;
/// The engine's process ended inside a call.
const CRASHED: i32 = 99;

/// The simulated script engine, in this process.
#[derive(Debug)]
pub struct Engine {
    company: Company,
    owner: ServerProcess,
    session: Session,
    objects: BTreeMap<u32, Object>,
    next_object: u32,
    /// Numbers that this session was given, with what they are for.
    numbers: Vec<(Kind, String)>,
    poisoned: Option<Fault>,
    has_crashed: bool,
}

#[derive(Debug)]
enum Object {
    Document(Box<dyn Document>),
    LinesOf(u32),
}

/// A call that does not come back with an answer.
enum Halt {
    Fault(Fault),
    Crash,
}

impl Engine {
    /// Opens the company in `file`; `clock` gives the moments of change stamps.
    ///
    /// # Errors
    /// [`Fault`] when there is no such company.
    pub fn open(file: &Path, clock: Clock) -> Result<Self, Fault> {
        let company = Company::open(file, clock).map_err(|error| files_failed(&error.to_string()))?;
        session::prepare(company.connection())
            .and_then(|()| receipt_tables::prepare(company.connection()))
            .map_err(|error| files_failed(&error.to_string()))?;
        let unknown = ServerProcess {
            pid: std::process::id(),
            started_at: 0,
        };
        Ok(Self {
            company,
            owner: process::current().unwrap_or(unknown),
            session: Session::default(),
            objects: BTreeMap::new(),
            next_object: 1,
            numbers: Vec::new(),
            poisoned: None,
            has_crashed: false,
        })
    }

    /// Did a fault end the engine inside a call? Its process, if it has one, must end now.
    #[must_use]
    pub(crate) const fn has_crashed(&self) -> bool {
        self.has_crashed
    }

    /// The company, for the settings.
    #[must_use]
    pub(crate) const fn company(&self) -> &Company {
        &self.company
    }

    fn dispatch(&mut self, call: &Call) -> Result<Return, Halt> {
        match call {
            Call::SetUser { user, password } => {
                self.forget_objects()?;
                Ok(self
                    .session
                    .set_user(self.company.connection_mut(), self.owner, user, password)?)
            }
            Call::SetCompany { code } => Ok(self.session.set_company(self.company.connection(), code)?),
            Call::SetDate { module, date } => {
                Ok(self.session.set_date(self.company.connection(), module, *date)?)
            }
            Call::SetModule { module } => Ok(self.session.set_module(self.company.connection(), module)?),
            Call::LookupTask { task } => Ok(self.session.look_up_task(self.company.connection(), task)?),
            Call::SetProgram { task_id } => Ok(self.session.set_program(*task_id)),
            Call::NewObject { name } => self.new_object(name),
            Call::Lines { object } => {
                if self.document(*object)?.lines().is_none() {
                    return Err(fault(
                        NO_SUCH_INSTANCE,
                        format!("Error 65: object {} has no oLines.", object.0),
                    ));
                }
                Ok(self.keep(Object::LinesOf(object.0)))
            }
            Call::GetNextNumber { object, number } => self.next_number(*object, number),
            Call::SelectNewBatch { object, comment } => self.select_new_batch(*object, comment),
            Call::SelectBatch { object, batch_no } => self.select_batch(*object, batch_no),
            Call::SetKeyValue {
                object,
                column,
                value,
            } => {
                if self.unlock(*object)? {
                    self.document(*object)?.clear();
                }
                Ok(self.document(*object)?.set_key_value(column, value))
            }
            Call::SetKey { object } => self.set_key(*object),
            Call::Find { object } => self.find(*object),
            Call::SetValue {
                object,
                column,
                value,
            } => self.set_value(*object, column, value),
            Call::GetValue { object, column } => Ok(if self.is_lines(*object)? {
                self.lines(*object)?.get_line_value(column)
            } else {
                self.document(*object)?.get_value(column)
            }),
            Call::AddLine { object } => Ok(self.lines(*object)?.add_line()),
            Call::MoveFirst { object } => Ok(self.lines(*object)?.move_to(true)),
            Call::MoveNext { object } => Ok(self.lines(*object)?.move_to(false)),
            Call::Write { object } if self.is_lines(*object)? => {
                let (lines, desk) = self.lines_and_desk(*object)?;
                Ok(lines.write_line(desk.db)?)
            }
            Call::Write { object } => self.write(*object),
            Call::Delete { object } if self.is_lines(*object)? => {
                let (lines, desk) = self.lines_and_desk(*object)?;
                Ok(lines.delete_line(desk.db)?)
            }
            Call::Delete { object } => self.delete(*object),
            Call::DropObject { object } => {
                self.unlock(*object)?;
                self.give_number_back(*object)?;
                let id = object.0;
                self.objects.remove(&id);
                self.objects
                    .retain(|_, kept| !matches!(kept, Object::LinesOf(of) if *of == id));
                Ok(done())
            }
            Call::CleanUp => {
                self.forget_objects()?;
                self.session.leave(self.company.connection())?;
                Ok(done())
            }
        }
    }

    fn new_object(&mut self, name: &str) -> Result<Return, Halt> {
        let Some(kind) = Kind::of_object(name) else {
            return Err(fault(
                UNKNOWN_OBJECT,
                format!("Error 200 creating {name}: no such object."),
            ));
        };
        let (module, task) = (kind.module(), kind.task());
        if !self.session.runs(module, task) {
            return Err(fault(
                NOT_IN_MODULE,
                format!("Error 90 creating {name}: module {module} and its program {task} are not set."),
            ));
        }
        let document = kind.make(self.company.connection())?;
        Ok(self.keep(Object::Document(document)))
    }

    fn set_value(&mut self, object: ObjectId, column: &str, value: &Scalar) -> Result<Return, Halt> {
        let answer = if self.is_lines(object)? {
            let (lines, desk) = self.lines_and_desk(object)?;
            lines.set_line_value(&desk, column, value)
        } else {
            let (document, desk) = self.document_and_desk(object)?;
            document.set_value(&desk, column, value)
        };
        match answer {
            // Both sides of an amount fit, and what they make does not.
            Err(StoreError::Decimal(_)) => Ok(refused(format!("The {column} is too large."))),
            answer => Ok(answer?),
        }
    }

    fn keep(&mut self, object: Object) -> Return {
        let id = self.next_object;
        self.next_object += 1;
        self.objects.insert(id, object);
        Return {
            object: Some(ObjectId(id)),
            ..done()
        }
    }

    fn forget_objects(&mut self) -> Result<(), Halt> {
        let ids: Vec<_> = self.objects.keys().copied().collect();
        for id in ids {
            self.unlock(ObjectId(id))?;
            self.give_number_back(ObjectId(id))?;
        }
        self.objects.clear();
        self.numbers.clear();
        Ok(())
    }

    /// Gives back the record that the object holds; `false` when it holds none.
    fn unlock(&mut self, object: ObjectId) -> Result<bool, Halt> {
        let document = match self.objects.get(&object.0) {
            Some(Object::Document(document)) => document,
            Some(Object::LinesOf(_)) => return Ok(false),
            None => return Err(no_such_instance(object)),
        };
        match document.record() {
            Ok(record) if is_locked(document.as_ref()) => {
                let table = document.kind().table();
                self.session.unlock(self.company.connection(), table, &record)?;
                Ok(true)
            }
            Ok(_) | Err(_) => Ok(false),
        }
    }

    /// The number of a record that is dropped unwritten.
    fn give_number_back(&self, object: ObjectId) -> Result<(), Halt> {
        if let Some(Object::Document(document)) = self.objects.get(&object.0)
            && document.state() == State::New
            && self
                .numbers
                .contains(&(document.kind(), document.number().to_owned()))
        {
            document.give_number_back(self.company.connection())?;
        }
        Ok(())
    }

    fn is_lines(&self, object: ObjectId) -> Result<bool, Halt> {
        match self.objects.get(&object.0) {
            Some(Object::LinesOf(_)) => Ok(true),
            Some(Object::Document(_)) => Ok(false),
            None => Err(no_such_instance(object)),
        }
    }

    fn document(&mut self, object: ObjectId) -> Result<&mut dyn Document, Halt> {
        match self.objects.get_mut(&object.0) {
            Some(Object::Document(document)) => Ok(document.as_mut()),
            Some(Object::LinesOf(_)) | None => Err(no_such_instance(object)),
        }
    }

    fn document_and_desk(&mut self, object: ObjectId) -> Result<(&mut dyn Document, Desk<'_>), Halt> {
        let date = self.posting_date(object)?;
        match self.objects.get_mut(&object.0) {
            Some(Object::Document(document)) => Ok((
                document.as_mut(),
                Desk {
                    db: self.company.connection(),
                    date,
                },
            )),
            Some(Object::LinesOf(_)) | None => Err(no_such_instance(object)),
        }
    }

    fn lines(&mut self, object: ObjectId) -> Result<&mut dyn Lines, Halt> {
        Ok(self.lines_and_desk(object)?.0)
    }

    fn lines_and_desk(&mut self, object: ObjectId) -> Result<(&mut dyn Lines, Desk<'_>), Halt> {
        let of = match self.objects.get(&object.0) {
            Some(Object::LinesOf(of)) => ObjectId(*of),
            Some(Object::Document(_)) | None => return Err(no_such_instance(object)),
        };
        let (document, desk) = self.document_and_desk(of)?;
        match document.lines() {
            Some(lines) => Ok((lines, desk)),
            None => Err(no_such_instance(object)),
        }
    }

    /// The posting date of the object's module.
    fn posting_date(&mut self, object: ObjectId) -> Result<Date, Halt> {
        let module = self.document(object)?.kind().module();
        match self.session.date(module) {
            Some(date) => Ok(date),
            None => Ok(self.company.stamp().map_err(StoreError::from)?.date()),
        }
    }
}

/// Does the object hold its record?
fn is_locked(document: &dyn Document) -> bool {
    match document.state() {
        State::New | State::Existing => true,
        State::Unkeyed | State::Found => false,
    }
}

impl BusinessObjects for Engine {
    /// It works in the caller's own process.
    fn server(&self) -> Option<ServerProcess> {
        None
    }

    fn call(&mut self, call: &Call) -> Result<Return, Fault> {
        if let Some(first) = &self.poisoned {
            let message = format!("the session is poisoned by an earlier fault: {first}");
            return Err(Fault {
                code: first.code,
                message,
            });
        }
        self.dispatch(call).map_err(|halt| {
            let fault = match halt {
                Halt::Fault(fault) => fault,
                Halt::Crash => {
                    self.has_crashed = true;
                    Fault {
                        code: CRASHED,
                        message: "the script engine ended inside the call".into(),
                    }
                }
            };
            self.poisoned = Some(fault.clone());
            fault
        })
    }
}

/// The seat and the locks are free again, whatever became of the session.
impl Drop for Engine {
    fn drop(&mut self) {
        // Where the file is gone, its sessions are, too.
        let _ = self.session.leave(self.company.connection());
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Ended => Self::Crash,
            error @ (StoreError::Sqlite(_)
            | StoreError::Sandbox(_)
            | StoreError::Decimal(_)
            | StoreError::NoTable(_)
            | StoreError::BadCell { .. }) => Self::Fault(files_failed(&error.to_string())),
        }
    }
}

fn files_failed(message: &str) -> Fault {
    Fault {
        code: FILES_FAILED,
        message: format!("Error 15: {message}"),
    }
}

fn fault(code: i32, message: String) -> Halt {
    Halt::Fault(Fault { code, message })
}

fn no_such_instance(object: ObjectId) -> Halt {
    fault(
        NO_SUCH_INSTANCE,
        format!("Error 65: there is no such object {} here.", object.0),
    )
}
