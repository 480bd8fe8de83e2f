//! The engine itself: one session, its objects, and Sage's calls.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use sage::{BusinessObjects, Call, Fault, ObjectId, Return, Scalar, ServerProcess};
use values::Date;

use super::commit::{self, Writing};
use super::input::{done, refused};
use super::numbers;
use super::order::{Desk, HEADER, Order, State};
use super::process;
use super::record::StoreError;
use super::session::{self, Session};
use super::settings::{self, take_fault};
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

const SALES_ORDER: &str = "SO_SalesOrder_bus";

/// The simulated script engine, in this process.
#[derive(Debug)]
pub struct Engine {
    company: Company,
    owner: ServerProcess,
    session: Session,
    objects: BTreeMap<u32, Object>,
    next_object: u32,
    /// Numbers that this session was given.
    numbers: Vec<String>,
    poisoned: Option<Fault>,
    has_crashed: bool,
}

#[derive(Debug)]
enum Object {
    Order(Box<Order>),
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
        session::prepare(company.connection()).map_err(|error| files_failed(&error.to_string()))?;
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
            Call::SetModule { module } => {
                Ok(self.session.set_module(self.company.connection(), module)?)
            }
            Call::LookupTask { task } => Ok(self.session.look_up_task(self.company.connection(), task)?),
            Call::SetProgram { task_id } => Ok(self.session.set_program(*task_id)),
            Call::NewObject { name } => self.new_object(name),
            Call::Lines { object } => {
                self.order(*object)?;
                Ok(self.keep(Object::LinesOf(object.0)))
            }
            Call::GetNextNumber { object, number } => self.next_number(*object, number),
            Call::SelectNewBatch { object, .. } | Call::SelectBatch { object, .. } => {
                self.order(*object)?;
                Ok(refused("Sales orders are not entered in batches."))
            }
            Call::SetKeyValue {
                object,
                column,
                value,
            } => {
                let locked = self.locked_record(*object)?;
                if let Some(record) = locked {
                    self.session.unlock(self.company.connection(), HEADER, &record)?;
                    self.order(*object)?.clear();
                }
                Ok(self.order(*object)?.set_key_value(column, value))
            }
            Call::SetKey { object } => self.set_key(*object),
            Call::Find { object } => self.find(*object),
            Call::SetValue {
                object,
                column,
                value,
            } => self.set_value(*object, column, value),
            Call::GetValue { object, column } => {
                let is_lines = self.is_lines(*object)?;
                let order = self.document(*object)?;
                Ok(if is_lines {
                    order.get_line_value(column)
                } else {
                    order.get_value(column)
                })
            }
            Call::AddLine { object } => Ok(self.lines_order(*object)?.add_line()),
            Call::MoveFirst { object } => Ok(self.lines_order(*object)?.move_to(true)),
            Call::MoveNext { object } => Ok(self.lines_order(*object)?.move_to(false)),
            Call::Write { object } if self.is_lines(*object)? => {
                let (order, desk) = self.document_and_desk(*object)?;
                Ok(order.write_line(desk.db)?)
            }
            Call::Write { object } => self.write(*object),
            Call::Delete { object } if self.is_lines(*object)? => {
                let (order, desk) = self.document_and_desk(*object)?;
                Ok(order.delete_line(desk.db)?)
            }
            Call::Delete { object } => self.delete(*object),
            Call::DropObject { object } => {
                if let Some(record) = self.locked_record(*object)? {
                    self.session.unlock(self.company.connection(), HEADER, &record)?;
                }
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
        if name != SALES_ORDER {
            return Err(fault(
                UNKNOWN_OBJECT,
                format!("Error 200 creating {name}: no such object."),
            ));
        }
        if !self.session.runs("S/O", "SO_SalesOrder_ui") {
            return Err(fault(
                NOT_IN_MODULE,
                format!("Error 90 creating {name}: module S/O and its program are not set."),
            ));
        }
        let order = Order::open(self.company.connection())?;
        Ok(self.keep(Object::Order(Box::new(order))))
    }

    fn next_number(&mut self, object: ObjectId, number: &str) -> Result<Return, Halt> {
        self.order(object)?;
        if number != "SalesOrderNo" {
            return Ok(refused(format!("There is no next {number} here.")));
        }
        let given = numbers::next_sales_order(self.company.connection())?;
        self.numbers.push(given.clone());
        Ok(Return {
            value: Some(Scalar::Text(given)),
            ..done()
        })
    }

    fn set_key(&mut self, object: ObjectId) -> Result<Return, Halt> {
        let number = self.order(object)?.number.clone();
        if number.is_empty() {
            return Ok(refused("The SalesOrderNo is required."));
        }
        let (order, desk) = self.document_and_desk(object)?;
        if let Some(refusal) = order.key_refusal(desk.db)? {
            return Ok(refusal);
        }
        if self.numbers.contains(&number)
            && !commit::is_open(self.company.connection(), &number)?
            && let Some(customer) = take_fault(self.company.connection_mut(), "number_taken")?
        {
            let stamp = self.company.stamp().map_err(StoreError::from)?;
            numbers::take_for_somebody_else(self.company.connection_mut(), &number, &customer, stamp)?;
        }
        if let Some(user) = self
            .session
            .lock(self.company.connection_mut(), HEADER, &number)?
        {
            return Ok(refused(format!("Sales order {number} is in use by {user}.")));
        }
        let (order, desk) = self.document_and_desk(object)?;
        Ok(order.key(&desk)?)
    }

    fn find(&mut self, object: ObjectId) -> Result<Return, Halt> {
        let number = self.order(object)?.number.clone();
        if number.is_empty() {
            return Ok(refused("The SalesOrderNo is required."));
        }
        if let Some(record) = self.locked_record(object)? {
            self.session.unlock(self.company.connection(), HEADER, &record)?;
        }
        let (order, desk) = self.document_and_desk(object)?;
        Ok(order.find(desk.db)?)
    }

    fn set_value(&mut self, object: ObjectId, column: &str, value: &Scalar) -> Result<Return, Halt> {
        let is_lines = self.is_lines(object)?;
        let (order, desk) = self.document_and_desk(object)?;
        let answer = if is_lines {
            order.set_line_value(&desk, column, value)
        } else {
            order.set_value(&desk, column, value)
        };
        match answer {
            // Both sides of an amount fit, and what they make does not.
            Err(StoreError::Decimal(_)) => Ok(refused(format!("The {column} is too large."))),
            answer => Ok(answer?),
        }
    }

    /// The header's `nWrite`, with the faults that may strike inside it.
    fn write(&mut self, object: ObjectId) -> Result<Return, Halt> {
        if !self.order(object)?.is_locked() {
            return Ok(refused("The key is not set: there is nothing to write."));
        }
        let (order, desk) = self.document_and_desk(object)?;
        if let Some(refusal) = order.refusal(desk.db)? {
            return Ok(refusal);
        }
        if settings::get(self.company.connection(), "subscription")?.as_deref() == Some("lapsed") {
            return Ok(refused("The subscription has lapsed: Sage 100 is read-only."));
        }
        if let Some(message) = take_fault(self.company.connection_mut(), "header_write.refuse")? {
            return Ok(refused(message));
        }
        if take_fault(self.company.connection_mut(), "header_write.hang")?.is_some() {
            settings::never_answer();
        }
        if let Some(delay) = take_fault(self.company.connection_mut(), "header_write.delay_ms")? {
            thread::sleep(settings::milliseconds(&delay));
        }
        if take_fault(self.company.connection_mut(), "header_write.crash_before_commit")?.is_some() {
            return Err(Halt::Crash);
        }
        let with_lines = take_fault(self.company.connection_mut(), "partial_write")?.is_none();
        let stamp = self.company.stamp().map_err(StoreError::from)?;
        let Some(Object::Order(order)) = self.objects.get(&object.0) else {
            return Err(no_such_instance(object));
        };
        let writing = Writing {
            stamp,
            user_key: self.session.user_key(),
            with_lines,
        };
        let answer = order.write(self.company.connection_mut(), &writing)?;
        if answer.is_refused() {
            return Ok(answer);
        }
        if take_fault(self.company.connection_mut(), "header_write.crash_after_commit")?.is_some() {
            return Err(Halt::Crash);
        }
        self.let_go(object)?;
        Ok(answer)
    }

    fn delete(&mut self, object: ObjectId) -> Result<Return, Halt> {
        if self.order(object)?.state != State::Existing {
            return Ok(refused("There is no stored record under the key."));
        }
        let stamp = self.company.stamp().map_err(StoreError::from)?;
        let Some(Object::Order(order)) = self.objects.get(&object.0) else {
            return Err(no_such_instance(object));
        };
        let answer = order.delete(self.company.connection_mut(), stamp, self.session.user_key())?;
        if answer.is_refused() {
            return Ok(answer);
        }
        self.let_go(object)
    }

    /// After a write or delete the record is free and the object without a key.
    fn let_go(&mut self, object: ObjectId) -> Result<Return, Halt> {
        let number = self.order(object)?.number.clone();
        self.session.unlock(self.company.connection(), HEADER, &number)?;
        self.order(object)?.clear();
        Ok(done())
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

    /// The number of an order that is dropped unwritten.
    fn give_number_back(&self, object: ObjectId) -> Result<(), Halt> {
        if let Some(Object::Order(order)) = self.objects.get(&object.0)
            && order.state == State::New
            && self.numbers.contains(&order.number)
        {
            numbers::give_back(self.company.connection(), &order.number)?;
        }
        Ok(())
    }

    fn forget_objects(&mut self) -> Result<(), Halt> {
        let ids: Vec<_> = self.objects.keys().copied().collect();
        for id in ids {
            self.give_number_back(ObjectId(id))?;
            if let Some(record) = self.locked_record(ObjectId(id))? {
                self.session.unlock(self.company.connection(), HEADER, &record)?;
            }
        }
        self.objects.clear();
        self.numbers.clear();
        Ok(())
    }

    fn locked_record(&self, object: ObjectId) -> Result<Option<String>, Halt> {
        match self.objects.get(&object.0) {
            Some(Object::Order(order)) => Ok(order.is_locked().then(|| order.number.clone())),
            Some(Object::LinesOf(_)) => Ok(None),
            None => Err(no_such_instance(object)),
        }
    }

    fn is_lines(&self, object: ObjectId) -> Result<bool, Halt> {
        match self.objects.get(&object.0) {
            Some(Object::LinesOf(_)) => Ok(true),
            Some(Object::Order(_)) => Ok(false),
            None => Err(no_such_instance(object)),
        }
    }

    fn order(&mut self, object: ObjectId) -> Result<&mut Order, Halt> {
        match self.objects.get_mut(&object.0) {
            Some(Object::Order(order)) => Ok(order),
            Some(Object::LinesOf(_)) | None => Err(no_such_instance(object)),
        }
    }

    fn lines_order(&mut self, object: ObjectId) -> Result<&mut Order, Halt> {
        if self.is_lines(object)? {
            self.document(object)
        } else {
            Err(no_such_instance(object))
        }
    }

    /// The order that `object` is, or whose lines it is.
    fn document(&mut self, object: ObjectId) -> Result<&mut Order, Halt> {
        let id = self.document_id(object);
        self.order(id)
    }

    fn document_id(&self, object: ObjectId) -> ObjectId {
        match self.objects.get(&object.0) {
            Some(Object::LinesOf(of)) => ObjectId(*of),
            Some(Object::Order(_)) | None => object,
        }
    }

    fn document_and_desk(&mut self, object: ObjectId) -> Result<(&mut Order, Desk<'_>), Halt> {
        let date = self.posting_date()?;
        let id = self.document_id(object);
        match self.objects.get_mut(&id.0) {
            Some(Object::Order(order)) => Ok((
                order,
                Desk {
                    db: self.company.connection(),
                    date,
                },
            )),
            Some(Object::LinesOf(_)) | None => Err(no_such_instance(object)),
        }
    }

    fn posting_date(&self) -> Result<Date, Halt> {
        match self.session.date("S/O") {
            Some(date) => Ok(date),
            None => Ok(self.company.stamp().map_err(StoreError::from)?.date()),
        }
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
            error => Self::Fault(files_failed(&error.to_string())),
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
