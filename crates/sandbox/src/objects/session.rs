//! The session: user, seat, company, module and program, and the locks that it holds.

use std::thread;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sage::{Return, ServerProcess};
use values::{Date, Secret};

use super::input::{code, done, refused};
use super::periods;
use super::process;
use super::record::{Record, StoreError};
use super::settings;
use crate::settings::{COMPANY_CODE, SEATS};

/// User that is accepted when the setting `sage_user` is not set.
pub const DEFAULT_USER: &str = "erpdriver";
/// Password that is accepted when the setting `sage_password` is not set.
pub const DEFAULT_PASSWORD: &str = "sandbox";
/// `UserCreatedKey` of the sandbox's user when neither `SY_User` nor `user_key` names one.
pub const DEFAULT_USER_KEY: &str = "0000000003";

const MODULES: [&str; 5] = ["S/O", "A/R", "C/I", "I/M", "P/O"];
/// Tasks and the module that each belongs to; a task's id is its place, from 1.
const TASKS: [(&str, &str); 5] = [
    ("SO_SalesOrder_ui", "S/O"),
    ("SO_ShipToAddress_ui", "S/O"),
    ("AR_Customer_ui", "A/R"),
    ("AR_CashReceipts_ui", "A/R"),
    ("CI_ItemCode_ui", "C/I"),
];

/// What users read while Sage is closed.
const CLOSED: &str = "Sage 100 is shut down for maintenance.";
/// Settings under which the right password is refused all the same.
const LOGON_REFUSALS: [(&str, &str); 2] = [
    (
        "user_locked",
        "The user logon is locked: a wrong password was entered too often.",
    ),
    (
        "password_expired",
        "The password has expired. Enter a new password.",
    ),
];

/// A session of the engine.
#[derive(Debug, Default)]
pub(crate) struct Session {
    seat: Option<i64>,
    user_key: String,
    company: Option<String>,
    dates: Vec<(String, Date)>,
    module: Option<String>,
    program: Option<i32>,
}

/// Makes the tables in which open sessions and their locks stand. They are no tables of
/// Sage; readers of the company do not look at them.
pub(crate) fn prepare(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS sandbox_session (
            id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL,
            pid INTEGER NOT NULL, started_at INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS sandbox_lock (
            object TEXT NOT NULL, record TEXT NOT NULL, session INTEGER NOT NULL,
            PRIMARY KEY (object, record));",
    )?;
    Ok(())
}

impl Session {
    /// The user's key, as change stamps carry it.
    pub(crate) fn user_key(&self) -> &str {
        &self.user_key
    }

    /// The posting date of a module.
    pub(crate) fn date(&self, module: &str) -> Option<Date> {
        self.dates
            .iter()
            .rev()
            .find(|(of, _)| of == module)
            .map(|(_, date)| *date)
    }

    /// May objects of this task be made now?
    pub(crate) fn runs(&self, module: &str, task: &str) -> bool {
        let program = self.program.and_then(task_of);
        self.company.is_some()
            && self.module.as_deref() == Some(module)
            && program.is_some_and(|(program, _)| *program == task)
    }

    /// `nSetUser`: takes a seat.
    pub(crate) fn set_user(
        &mut self,
        db: &mut Connection,
        owner: ServerProcess,
        user: &str,
        password: &Secret,
    ) -> Result<Return, StoreError> {
        if let Some(delay) = settings::take_fault(db, "session_open.delay_ms")? {
            thread::sleep(settings::milliseconds(&delay));
        }
        if let Some(time) = settings::get(db, "session_ms")? {
            thread::sleep(settings::milliseconds(&time));
        }
        if let Some(message) = settings::take_fault(db, "open.refuse")? {
            return Ok(refused(message));
        }
        if let Some(words) = settings::get(db, "closed")? {
            return Ok(refused(if words == "Y" { CLOSED.to_owned() } else { words }));
        }
        let expected = settings::get(db, "sage_user")?.unwrap_or_else(|| DEFAULT_USER.into());
        let secret = settings::get(db, "sage_password")?.unwrap_or_else(|| DEFAULT_PASSWORD.into());
        if !user.eq_ignore_ascii_case(&expected) || password.reveal() != secret {
            return Ok(refused("The user logon or password is not valid."));
        }
        for (setting, words) in LOGON_REFUSALS {
            if settings::is(db, setting, "Y")? {
                return Ok(refused(words));
            }
        }
        self.leave(db)?;
        let seats = settings::get(db, SEATS)?.and_then(|seats| seats.parse::<i64>().ok());
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        bury_dead_sessions(&transaction)?;
        let taken: i64 =
            transaction.query_row("SELECT count(*) FROM sandbox_session", [], |row| row.get(0))?;
        if let Some(seats) = seats.filter(|seats| taken >= *seats) {
            transaction.commit()?;
            return Ok(refused(format!(
                "The maximum number of users ({seats}) licensed has been reached."
            )));
        }
        transaction.execute(
            "INSERT INTO sandbox_session (user, pid, started_at) VALUES (?1, ?2, ?3)",
            params![user, owner.pid, i64::try_from(owner.started_at).unwrap_or(0)],
        )?;
        self.seat = Some(transaction.last_insert_rowid());
        transaction.commit()?;
        self.user_key = user_key_of(db, user)?;
        Ok(done())
    }

    /// `nSetCompany`.
    pub(crate) fn set_company(&mut self, db: &Connection, company: &str) -> Result<Return, StoreError> {
        if self.seat.is_none() {
            return Ok(refused("No user is logged on."));
        }
        let known = settings::get(db, COMPANY_CODE)?.unwrap_or_default();
        if company != known {
            return Ok(refused(format!("Company {company} is not on file.")));
        }
        if settings::get(db, "external_access")?.as_deref() == Some("N") {
            return Ok(refused(format!(
                "Company {company} does not allow external access."
            )));
        }
        if let Some(task) = settings::get(db, "exclusive_task")? {
            return Ok(refused(format!(
                "{task} requires exclusive access to company {company}."
            )));
        }
        self.company = Some(company.to_owned());
        (self.module, self.program) = (None, None);
        Ok(done())
    }

    /// `nSetDate`.
    pub(crate) fn set_date(
        &mut self,
        db: &Connection,
        module: &str,
        date: Date,
    ) -> Result<Return, StoreError> {
        if self.company.is_none() {
            return Ok(refused("No company is selected."));
        }
        if !MODULES.contains(&module) {
            return Ok(refused(format!("Module {module} is not activated.")));
        }
        if let Some(words) = periods::refusal_of(db, "posting date", date)? {
            return Ok(refused(words));
        }
        self.dates.push((module.to_owned(), date));
        Ok(done())
    }

    /// `nSetModule`; the program must be set again after it.
    pub(crate) fn set_module(&mut self, db: &Connection, module: &str) -> Result<Return, StoreError> {
        if self.company.is_none() {
            return Ok(refused("No company is selected."));
        }
        if !MODULES.contains(&module) {
            return Ok(refused(format!("Module {module} is not activated.")));
        }
        if let Some(words) = periods::end_in_process(db, module)? {
            return Ok(refused(words));
        }
        self.module = Some(module.to_owned());
        self.program = None;
        Ok(done())
    }

    /// `nLookupTask`.
    pub(crate) fn look_up_task(&self, db: &Connection, task: &str) -> Result<Return, StoreError> {
        let Some(place) = TASKS.iter().position(|(name, _)| *name == task) else {
            return Ok(refused(format!("Task {task} is not on file.")));
        };
        if settings::get(db, &format!("permission:{task}"))?.as_deref() == Some("N") {
            return Ok(refused(format!("You are not authorized to use {task}.")));
        }
        Ok(code(i32::try_from(place).unwrap_or(0) + 1))
    }

    /// Why the user may not do this to records of a task, as roles say it (Create, Modify,
    /// Remove): the setting `permission:TASK:RIGHT` is `N`. `what` names the records.
    pub(crate) fn lacks_right(
        db: &Connection,
        task: &str,
        right: &str,
        what: &str,
    ) -> Result<Option<String>, StoreError> {
        let is_denied = settings::is(db, &format!("permission:{task}:{right}"), "N")?;
        Ok(is_denied.then(|| format!("You are not authorized to {right} {what} ({task}).")))
    }

    /// `nSetProgram`.
    pub(crate) fn set_program(&mut self, task_id: i32) -> Return {
        match task_of(task_id) {
            Some((_, module)) if self.module.as_deref() == Some(*module) => {
                self.program = Some(task_id);
                done()
            }
            Some((task, module)) => refused(format!("{task} belongs to module {module}.")),
            None => refused(format!("Task {task_id} is not valid.")),
        }
    }

    /// Takes the lock on a record; the answer is who else has it, if somebody has.
    pub(crate) fn lock(
        &self,
        db: &mut Connection,
        object: &str,
        record: &str,
    ) -> Result<Option<String>, StoreError> {
        if let Some(clerk) = settings::get(db, &format!("lock:{object}:{record}"))? {
            return Ok(Some(clerk));
        }
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        bury_dead_sessions(&transaction)?;
        let holder = transaction
            .query_row(
                "SELECT l.session, s.user FROM sandbox_lock l JOIN sandbox_session s ON s.id = l.session
                 WHERE l.object = ?1 AND l.record = ?2",
                [object, record],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
            )
            .optional()?;
        if let Some((session, user)) = holder
            && Some(session) != self.seat
        {
            return Ok(Some(user));
        }
        transaction.execute(
            "INSERT OR REPLACE INTO sandbox_lock (object, record, session) VALUES (?1, ?2, ?3)",
            params![object, record, self.seat],
        )?;
        transaction.commit()?;
        Ok(None)
    }

    /// Gives the lock on a record back.
    pub(crate) fn unlock(&self, db: &Connection, object: &str, record: &str) -> Result<(), StoreError> {
        db.execute(
            "DELETE FROM sandbox_lock WHERE object = ?1 AND record = ?2 AND session = ?3",
            params![object, record, self.seat],
        )?;
        Ok(())
    }

    /// Frees the seat and every lock.
    pub(crate) fn leave(&mut self, db: &Connection) -> Result<(), StoreError> {
        if let Some(seat) = self.seat.take() {
            db.execute("DELETE FROM sandbox_lock WHERE session = ?1", [seat])?;
            db.execute("DELETE FROM sandbox_session WHERE id = ?1", [seat])?;
        }
        *self = Self::default();
        Ok(())
    }
}

fn task_of(task_id: i32) -> Option<&'static (&'static str, &'static str)> {
    let place = usize::try_from(task_id.checked_sub(1)?).ok()?;
    TASKS.get(place)
}

/// A process that was killed left its seat and its locks behind; the licence server finds
/// out when somebody asks.
fn bury_dead_sessions(db: &Connection) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached("SELECT id, pid, started_at FROM sandbox_session")?;
    let sessions = statement
        .query_map([], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, u32>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    for (id, pid, started_at) in sessions {
        let owner = ServerProcess {
            pid,
            started_at: u64::try_from(started_at).unwrap_or(0),
        };
        if !process::is_running(owner) {
            db.execute("DELETE FROM sandbox_lock WHERE session = ?1", [id])?;
            db.execute("DELETE FROM sandbox_session WHERE id = ?1", [id])?;
        }
    }
    Ok(())
}

fn user_key_of(db: &Connection, user: &str) -> Result<String, StoreError> {
    if let Some(found) = Record::look_up(db, "SY_User", &[("UserLogon", user)])?
        && !found.text("UserKey").is_empty()
    {
        return Ok(found.text("UserKey").to_owned());
    }
    Ok(settings::get(db, "user_key")?.unwrap_or_else(|| DEFAULT_USER_KEY.into()))
}
