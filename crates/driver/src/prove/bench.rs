//! Sessions in the copied company, and what is said in them.

use std::fmt;
use std::time::{Duration, Instant};

use import::writing::{Answer, enter_program, open_session, release_session};
use sage::{
    BusinessObjects, Call, Condition, Fault, ObjectId, ReadError, Reader, Return, Scalar, ServerProcess,
};
use values::Decimal;

use super::samples::Samples;
use super::tables::Tables;
use super::writes::Attempt;
use super::{Setup, Verdict};
use crate::bridge::{WriteBridge, default_program};

/// How often it is looked whether a process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a check has seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) verdict: Verdict,
    pub(super) words: String,
}

impl Seen {
    pub(super) fn new(verdict: Verdict, words: impl Into<String>) -> Self {
        let words = words.into();
        Self { verdict, words }
    }
}

/// Why a check came to no end of its own.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// A call did not come back.
    Fault(Fault),
    /// The tables cannot be read.
    Read(ReadError),
    /// Sage refused what the check rests on.
    Refused { what: String, words: String },
    /// A session cannot be had: Sage's words.
    Session(String),
    /// The copy has nothing to try it with.
    Nothing(String),
}

impl Trouble {
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Fault(_) | Self::Read(_) | Self::Session(_) => Verdict::Failed,
            // A state that passes says nothing about the build.
            Self::Refused { words, .. } if Condition::of_message(words).is_some() => Verdict::Failed,
            Self::Refused { .. } => Verdict::NotShown,
            Self::Nothing(_) => Verdict::NotTried,
        }
    }

    /// What a person should do before it is tried again.
    pub(super) fn remedy(&self) -> String {
        let remedy = match self {
            Self::Session(words) | Self::Refused { words, .. } => {
                Condition::of_message(words).map(Condition::remedy)
            }
            Self::Read(error) => Some(error.remedy()),
            Self::Fault(_) | Self::Nothing(_) => None,
        };
        remedy
            .unwrap_or(
                "check orders.sage_user and its password, that the copy is open to external access, and that Sage starts on this machine; then prove again",
            )
            .to_owned()
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "a call did not come back: {fault}"),
            Self::Read(error) => write!(f, "{error}"),
            Self::Refused { what, words } if words.is_empty() => {
                write!(f, "Sage refuses {what} without a word")
            }
            Self::Refused { what, words } => write!(f, "Sage refuses {what}: {words}"),
            Self::Session(words) => write!(f, "no session: {words}"),
            Self::Nothing(words) => f.write_str(words),
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// A session in a bridge of its own.
pub(super) struct Seat {
    pub(super) bridge: WriteBridge,
    server: Option<ServerProcess>,
    task: Option<&'static str>,
}

/// The copied company, and what was found and made in it.
pub(super) struct Bench {
    pub(super) setup: Setup,
    pub(super) tables: Tables,
    pub(super) samples: Samples,
    /// Tries of a write that was broken off.
    pub(super) attempts: Vec<Attempt>,
    seat: Option<Seat>,
    made: Vec<String>,
    pos: u32,
}

impl Bench {
    pub(super) fn new(setup: Setup, reader: Box<dyn Reader>) -> Self {
        Self {
            setup,
            tables: Tables::new(reader),
            samples: Samples::default(),
            attempts: Vec::new(),
            seat: None,
            made: Vec::new(),
            pos: 0,
        }
    }

    /// The bridge of the session, with the program open; a session is opened when there is
    /// none.
    pub(super) fn at(&mut self, program: import::plan::Program) -> Result<&mut WriteBridge, Trouble> {
        let mut seat = match self.seat.take() {
            Some(seat) => seat,
            None => self.open()?,
        };
        let entered = self.enter(&mut seat, program);
        let seat = self.seat.insert(seat);
        entered.map(|()| &mut seat.bridge)
    }

    /// Opens another session than the one at work.
    pub(super) fn open(&self) -> Result<Seat, Trouble> {
        let mut bridge = WriteBridge::start(&default_program(), &self.setup.target)?;
        bridge.set_deadline(self.setup.call_limit);
        let announced = bridge.server();
        // As this machine tells it: what is looked for later must be told the same way.
        let server = announced.map(|server| host::process::identity_of(server.pid).unwrap_or(server));
        given(open_session(&mut bridge, &self.setup.login)?)?;
        Ok(Seat {
            bridge,
            server,
            task: None,
        })
    }

    /// Opens a program in a session.
    pub(super) fn enter(&self, seat: &mut Seat, program: import::plan::Program) -> Result<(), Trouble> {
        if seat.task != Some(program.task) {
            given(enter_program(&mut seat.bridge, program, self.setup.today)?)?;
            seat.task = Some(program.task);
        }
        Ok(())
    }

    /// After a call that did not come back the session is thrown away.
    pub(super) fn recover(&mut self, trouble: &Trouble) {
        match trouble {
            Trouble::Fault(_) => {
                if let Some(seat) = self.seat.take() {
                    self.end(seat);
                }
            }
            // Objects that were left under work go with the session.
            Trouble::Refused { .. } | Trouble::Session(_) => {
                if let Some(seat) = self.seat.take() {
                    self.release(seat);
                }
            }
            Trouble::Read(_) | Trouble::Nothing(_) => {}
        }
    }

    /// Ends the caller, and waits for Sage's process; ends that too when it does not end by
    /// itself. How long it took by itself, if it did.
    pub(super) fn end(&self, mut seat: Seat) -> Option<Duration> {
        seat.bridge.kill();
        let start = Instant::now();
        let server = seat.server?;
        while host::process::is_running(server) {
            if start.elapsed() > self.setup.fence_wait {
                end_process(server);
                return None;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Some(start.elapsed())
    }

    /// Ends the caller, and Sage's process a moment after it.
    pub(super) fn cut(&self, mut seat: Seat, moment: Duration) -> Option<Duration> {
        seat.bridge.kill();
        std::thread::sleep(moment);
        if let Some(server) = seat.server.filter(|server| host::process::is_running(*server)) {
            end_process(server);
        }
        self.end(seat)
    }

    /// Gives a session back.
    pub(super) fn release(&self, mut seat: Seat) {
        // A session that does not take its leave is ended like one that is lost.
        let _ = release_session(&mut seat.bridge);
        self.end(seat);
    }

    /// Remembers what stays in the copy.
    pub(super) fn made(&mut self, what: impl Into<String>) {
        self.made.push(what.into());
    }

    /// A customer PO that no order has.
    pub(super) fn next_po(&mut self) -> String {
        self.pos += 1;
        format!("PROOF-{}-{}", self.setup.tag, self.pos)
    }

    /// What answers, as far as it says.
    pub(super) fn sage(&mut self) -> String {
        self.tables.sage()
    }

    /// Gives everything back; what stays in the copy.
    pub(super) fn close(mut self) -> Vec<String> {
        if let Some(seat) = self.seat.take() {
            self.release(seat);
        }
        self.made
    }
}

fn end_process(server: ServerProcess) {
    if !host::process::end(server) {
        tracing::warn!(pid = server.pid, "a process of Sage's could not be ended");
    }
}

pub(super) fn given<T>(answer: Answer<T>) -> Result<T, Trouble> {
    match answer {
        Answer::Given(given) => Ok(given),
        Answer::Condition(condition, words) if words.is_empty() => {
            Err(Trouble::Session(condition.as_str().to_owned()))
        }
        Answer::Condition(_, words) => Err(Trouble::Session(words)),
        Answer::Refused(problem) => Err(Trouble::Session(problem.message)),
    }
}

/// Says it; a refusal is the check's end.
pub(super) fn taken(bridge: &mut WriteBridge, what: &str, call: &Call) -> Result<Return, Trouble> {
    let answer = bridge.call(call)?;
    if answer.is_refused() {
        return Err(Trouble::Refused {
            what: what.to_owned(),
            words: answer.message,
        });
    }
    Ok(answer)
}

/// A new object.
pub(super) fn object(bridge: &mut WriteBridge, name: &str) -> Result<ObjectId, Trouble> {
    let answer = taken(
        bridge,
        name,
        &Call::NewObject {
            name: name.to_owned(),
        },
    )?;
    made_object(answer, name)
}

/// The lines of a document.
pub(super) fn lines_of(bridge: &mut WriteBridge, object: ObjectId) -> Result<ObjectId, Trouble> {
    let answer = taken(bridge, "oLines", &Call::Lines { object })?;
    made_object(answer, "oLines")
}

fn made_object(answer: Return, name: &str) -> Result<ObjectId, Trouble> {
    answer.object.ok_or_else(|| Trouble::Refused {
        what: name.to_owned(),
        words: answer.message,
    })
}

/// Sets text columns, named without their suffix, one after the other.
pub(super) fn set(
    bridge: &mut WriteBridge,
    object: ObjectId,
    values: &[(&str, &str)],
) -> Result<(), Trouble> {
    for (column, value) in values {
        let call = Call::SetValue {
            object,
            column: format!("{column}$"),
            value: Scalar::Text((*value).to_owned()),
        };
        taken(bridge, column, &call)?;
    }
    Ok(())
}

/// Sets all parts of a key; what `nSetKey` answers.
pub(super) fn key(
    bridge: &mut WriteBridge,
    object: ObjectId,
    parts: &[(&str, &str)],
) -> Result<Return, Trouble> {
    for (column, value) in parts {
        let call = Call::SetKeyValue {
            object,
            column: format!("{column}$"),
            value: Scalar::Text((*value).to_owned()),
        };
        taken(bridge, column, &call)?;
    }
    Ok(bridge.call(&Call::SetKey { object })?)
}

/// Sets the key of a record that must be new.
pub(super) fn new_key(
    bridge: &mut WriteBridge,
    object: ObjectId,
    parts: &[(&str, &str)],
) -> Result<(), Trouble> {
    let answer = key(bridge, object, parts)?;
    if answer.code == 2 {
        return Ok(());
    }
    Err(Trouble::Refused {
        what: format!("a new record (nSetKey answers {})", answer.code),
        words: answer.message,
    })
}

/// A text column, or nothing when Sage does not tell it.
pub(super) fn text(bridge: &mut WriteBridge, object: ObjectId, column: &str) -> Result<String, Trouble> {
    let value = get(bridge, object, &format!("{column}$"))?;
    Ok(value.as_ref().and_then(Scalar::as_text).unwrap_or("").to_owned())
}

/// A numeric column.
pub(super) fn number(
    bridge: &mut WriteBridge,
    object: ObjectId,
    column: &str,
) -> Result<Option<Decimal>, Trouble> {
    Ok(get(bridge, object, column)?.as_ref().and_then(Scalar::as_number))
}

fn get(bridge: &mut WriteBridge, object: ObjectId, column: &str) -> Result<Option<Scalar>, Trouble> {
    let call = Call::GetValue {
        object,
        column: column.to_owned(),
    };
    let answer = bridge.call(&call)?;
    Ok(answer.value.filter(|_| answer.code != 0))
}

/// Writes a record, and lets go of it.
pub(super) fn write(bridge: &mut WriteBridge, object: ObjectId, what: &str) -> Result<(), Trouble> {
    taken(bridge, what, &Call::Write { object })?;
    drop_object(bridge, object)
}

/// Lets go of a record; what was not written is forgotten.
pub(super) fn drop_object(bridge: &mut WriteBridge, object: ObjectId) -> Result<(), Trouble> {
    bridge.call(&Call::DropObject { object })?;
    Ok(())
}

/// The next number of this name.
pub(super) fn next_number(bridge: &mut WriteBridge, object: ObjectId, name: &str) -> Result<String, Trouble> {
    let call = Call::GetNextNumber {
        object,
        number: name.to_owned(),
    };
    let answer = taken(bridge, name, &call)?;
    let given = answer
        .value
        .as_ref()
        .and_then(Scalar::as_text)
        .unwrap_or("")
        .trim();
    if given.is_empty() {
        return Err(Trouble::Refused {
            what: name.to_owned(),
            words: answer.message,
        });
    }
    Ok(given.to_owned())
}
