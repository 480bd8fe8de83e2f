//! Writing: Sage's business objects, at the level of Sage's own calls.
//!
//! One value of a [`BusinessObjects`] is one instance of Sage's script engine with at most
//! one session. [`Call`] names each method as Sage does; an adapter passes it on and adds
//! nothing, so that what a procedure means is written once, above the port.

use serde::{Deserialize, Serialize};
use values::{Date, Decimal, Secret};

/// A connection to Sage's script engine.
pub trait BusinessObjects {
    /// The process that does the work, when it is another one than the caller's: it
    /// outlives a killed caller and may still commit.
    fn server(&self) -> Option<ServerProcess>;

    /// Makes one call.
    ///
    /// # Errors
    /// [`Fault`] when the call could not be made or did not come back. After a fault the
    /// session is poisoned: throw this value away. A call that Sage *answered* with
    /// failure is no fault but a [`Return`] with code 0.
    fn call(&mut self, call: &Call) -> Result<Return, Fault>;
}

/// A process, named so that a later one under the same number is not taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ServerProcess {
    /// Process id.
    pub pid: u32,
    /// When it started, in whatever the one who looked counts in: only compared with what
    /// the same one finds later.
    pub started_at: u64,
}

/// An object inside the script engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectId(pub u32);

/// A value on its way into or out of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scalar {
    /// A string column (`CustomerNo$`); dates are `YYYYMMDD`.
    Text(String),
    /// A numeric column (`QuantityOrdered`).
    Number(Decimal),
}

impl Scalar {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub const fn as_number(&self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }
}

/// A call, named as Sage names it. Columns are given with Sage's suffix: `CustomerNo$` is
/// text, `QuantityOrdered` a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "call")]
pub enum Call {
    /// `session.nSetUser(user, password)`; takes a seat.
    SetUser {
        /// Sage user logon.
        user: String,
        /// Its password.
        password: Secret,
    },
    /// `session.nSetCompany(code)`.
    SetCompany {
        /// Three characters, upper case.
        code: String,
    },
    /// `session.nSetDate(module, YYYYMMDD)`.
    SetDate {
        /// `S/O`, `A/R`, …
        module: String,
        /// The posting date of what follows.
        date: Date,
    },
    /// `session.nSetModule(module)`.
    SetModule {
        /// `S/O`, `A/R`, …
        module: String,
    },
    /// `session.nLookupTask(task)`; the code is the task's id, 0 when it is not permitted.
    LookupTask {
        /// `SO_SalesOrder_ui`, …
        task: String,
    },
    /// `session.nSetProgram(id)`.
    SetProgram {
        /// From [`Call::LookupTask`].
        task_id: i32,
    },
    /// `engine.NewObject(name, session)`; the return carries the object.
    NewObject {
        /// `SO_SalesOrder_bus`, …
        name: String,
    },
    /// `object.oLines`; the return carries the object.
    Lines {
        /// The document.
        object: ObjectId,
    },
    /// `object.nGetNextSalesOrderNo(&number)` and its like; the return carries the number.
    /// It is spent, whatever follows.
    GetNextNumber {
        /// The document's object.
        object: ObjectId,
        /// `SalesOrderNo`, `CustomerNo`, …
        number: String,
    },
    /// `object.nSelectNewBatch(&batch, "N", comment)`; the return carries the batch's
    /// number. The batch exists from then on, even when nothing is entered into it.
    SelectNewBatch {
        /// An object whose records are entered in batches (`AR_CashReceipts_bus`, …).
        object: ObjectId,
        /// What a person reads in the list of batches.
        comment: String,
    },
    /// `object.nSelectBatch(batch)`: 0 when it is posted, gone, or in use by somebody.
    SelectBatch {
        /// An object whose records are entered in batches.
        object: ObjectId,
        /// The batch's number.
        batch_no: String,
    },
    /// `object.nSetKeyValue(column, value)`.
    SetKeyValue {
        /// The object.
        object: ObjectId,
        /// A key column.
        column: String,
        /// Its value.
        value: Scalar,
    },
    /// `object.nSetKey()`: 2 new record, 1 an existing one is loaded, 0 failed (locked, …).
    SetKey {
        /// The object.
        object: ObjectId,
    },
    /// `object.nFind()`: 1 found, 0 not; takes no lock.
    Find {
        /// The object.
        object: ObjectId,
    },
    /// `object.nSetValue(column, value)`: 1, 0, or -1 (taken, with a warning).
    SetValue {
        /// The object.
        object: ObjectId,
        /// A column.
        column: String,
        /// Its value.
        value: Scalar,
    },
    /// `object.nGetValue(column, &value)`; the return carries the value.
    GetValue {
        /// The object.
        object: ObjectId,
        /// A column.
        column: String,
    },
    /// `lines.nAddLine()`.
    AddLine {
        /// The lines.
        object: ObjectId,
    },
    /// `lines.nMoveFirst()`: 1 a line is current, 0 there is none.
    MoveFirst {
        /// The lines.
        object: ObjectId,
    },
    /// `lines.nMoveNext()`: 1 a line is current, 0 there is none.
    MoveNext {
        /// The lines.
        object: ObjectId,
    },
    /// `object.nWrite()`: for lines, keeps the line in the document under work; for a
    /// document, commits it.
    Write {
        /// The object.
        object: ObjectId,
    },
    /// `object.nDelete()`.
    Delete {
        /// The object.
        object: ObjectId,
    },
    /// `object.DropObject()`: what was not written is forgotten.
    DropObject {
        /// The object.
        object: ObjectId,
    },
    /// `session.nCleanup()` and `session.DropObject()`: the seat is free again.
    CleanUp,
}

/// What Sage answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// 1 done, 0 refused, -1 done with a warning, 2 a new record (`nSetKey`, `nAddLine`).
    pub code: i32,
    /// `sLastErrorMsg` of the same object, when the code is 0 or -1.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The out-parameter, where the call has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Scalar>,
    /// The object, where the call makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectId>,
}

impl Return {
    /// Refused: nothing was taken.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.code == 0
    }

    /// Taken, but Sage has something to say.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        (self.code == -1).then_some(self.message.as_str())
    }
}

/// The call did not come back with an answer; the session is poisoned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The engine's number (90 and 200 are known for objects that may not be made).
    pub code: i32,
    /// The engine's or the connection's words.
    pub message: String,
}

/// States of Sage in which work waits instead of failing. Each has a name that people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// All licence seats are in use.
    NoSeat,
    /// Somebody has the record open.
    RecordLocked,
    /// A task that needs the company for itself is running.
    ExclusiveTask,
    /// The module's period end is being processed.
    PeriodEnd,
    /// Sage is shut down for maintenance.
    SageClosed,
    /// The outside tax service did not answer.
    TaxService,
    /// The subscription has lapsed; Sage is read-only.
    SubscriptionLapsed,
    /// User or password refused.
    PasswordRefused,
    /// The company does not allow external access.
    ExternalAccessOff,
    /// The Sage user's role lacks the task.
    PermissionDenied,
}

impl Condition {
    /// The stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSeat => "no_seat",
            Self::RecordLocked => "record_locked",
            Self::ExclusiveTask => "exclusive_task",
            Self::PeriodEnd => "period_end",
            Self::SageClosed => "sage_closed",
            Self::TaxService => "tax_service",
            Self::SubscriptionLapsed => "subscription_lapsed",
            Self::PasswordRefused => "password_refused",
            Self::ExternalAccessOff => "external_access_off",
            Self::PermissionDenied => "permission_denied",
        }
    }

    /// What a person can do.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NoSeat => {
                "close a Sage session (Master Console lists them) or add a seat; the document waits and goes in by itself"
            }
            Self::RecordLocked => {
                "close the record on the screen that has it open; the document waits and goes in by itself"
            }
            Self::ExclusiveTask => "wait for the task to end; the document waits and goes in by itself",
            Self::PeriodEnd => {
                "wait for period end processing to finish; the document waits and goes in by itself"
            }
            Self::SageClosed => {
                "open Sage for users again (Master Console, or the task that closed it); the document waits and goes in by itself"
            }
            Self::TaxService => {
                "check the connection of Sage to its tax service (AvaTax); the document waits and goes in by itself"
            }
            Self::SubscriptionLapsed => "renew the Sage subscription; until then Sage refuses every write",
            Self::PasswordRefused => {
                "correct orders.sage_user and the variable that orders.password_env names, and restart the driver; until then documents are tried rarely, so that the user is not locked"
            }
            Self::ExternalAccessOff => "switch on Allow External Access in Company Maintenance, Preferences",
            Self::PermissionDenied => {
                "give the Sage user's role Create and Modify for the task in Role Maintenance"
            }
        }
    }

    /// The condition that Sage's words speak of, if any. Sage has no codes for these; the
    /// wording differs by release, so each is recognised by the words that stay. Words about
    /// a value ("permission to change the price", an item called EXCLUSIVE that is not on
    /// file) speak of none: waiting would not help.
    #[must_use]
    pub fn of_message(message: &str) -> Option<Self> {
        let text = message.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().all(|w| text.contains(w));
        if is_about_a_value(&text) {
            None
        } else if has(&["licen", "user"]) || has(&["maximum", "users"]) {
            Some(Self::NoSeat)
        } else if has(&["in use by"]) || has(&["locked by"]) || has(&["record", "busy"]) {
            Some(Self::RecordLocked)
        } else if has(&["period end"]) || has(&["year end", "process"]) {
            Some(Self::PeriodEnd)
        } else if has(&["exclusive"]) {
            Some(Self::ExclusiveTask)
        } else if has(&["shut down"]) || has(&["shutdown"]) || has(&["closed", "maintenance"]) {
            Some(Self::SageClosed)
        } else if has(&["avatax"]) || has(&["tax service"]) {
            Some(Self::TaxService)
        } else if has(&["subscription"]) {
            Some(Self::SubscriptionLapsed)
        } else if has(&["password"]) || has(&["logon", "invalid"]) {
            Some(Self::PasswordRefused)
        } else if has(&["external access"]) {
            Some(Self::ExternalAccessOff)
        } else if has(&["not authorized"]) || has(&["permission"]) || has(&["security", "task"]) {
            Some(Self::PermissionDenied)
        } else {
            None
        }
    }

    /// Who holds the record, when Sage's words tell ("… is in use by JQ.").
    #[must_use]
    pub fn locked_by(message: &str) -> Option<&str> {
        let lower = message.to_ascii_lowercase();
        ["in use by ", "locked by "].iter().find_map(|words| {
            let at = lower.find(words)? + words.len();
            let who = message
                .get(at..)?
                .split(['.', ',', ';', '('])
                .next()?
                .trim()
                .trim_start_matches("user ")
                .trim();
            (!who.is_empty()).then_some(who)
        })
    }
}

/// Do Sage's words, in lower case, speak of what was entered?
fn is_about_a_value(text: &str) -> bool {
    let has_any = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_of_rights = has_any(&["permission", "not authorized"]);
    let is_of_tax = has_any(&["avatax", "tax service"]);
    has_any(&["not on file", "too long", "too large", "must not"])
        || (is_of_rights && has_any(&["price", "cost", "discount", "credit", "terms code"]))
        || (is_of_tax && has_any(&["required", "address", "zip"]))
}
