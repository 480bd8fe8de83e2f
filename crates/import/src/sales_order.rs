//! What is said to Sage's business objects for a sales order, in the order in which Sage
//! wants it. Nothing is stored before the header's write.

mod desk;
mod enter;
mod look;
mod session;

use model::{Problem, Totals};
use sage::{Condition, Fault};
use values::{Date, Decimal};

pub use enter::enter;
pub use look::read_back_through_objects;
pub use session::{Login, next_number, open_session, release_session};

/// A step of entering an order, told just before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The number is about to be set as key.
    BeforeSetKey,
    /// It is set, and it is a new record.
    AfterSetKey,
    /// The header's fields are set.
    HeaderSet,
    /// This line (from 0) is kept in the order under work.
    LineWritten(usize),
    /// The header is about to be written; from here on the order may be stored.
    BeforeHeaderWrite,
    /// Sage said that it is written.
    AfterHeaderWrite,
}

/// How entering an order ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Sage said that it is written.
    Entered {
        /// As Sage computed them.
        totals: Totals,
        /// Sum of the lines as they were entered, when Sage told all of them.
        extension: Option<Decimal>,
        /// What Sage took with a warning.
        warnings: Vec<String>,
    },
    /// Sage does not take a value, or the order.
    Refused {
        /// What, and in Sage's words why.
        problem: Problem,
        /// The header's write said so, not a step before it.
        at_header_write: bool,
        /// What Sage took with a warning.
        warnings: Vec<String>,
    },
    /// A state of Sage in which the order waits.
    Condition {
        /// Which.
        condition: Condition,
        /// The header's write met it, not a step before it.
        at_header_write: bool,
    },
    /// Another record is loaded under the number.
    KeyTaken,
    /// A call did not come back with an answer.
    Faulted {
        /// In the engine's words.
        fault: Fault,
        /// The header's write was begun.
        began: bool,
    },
}

/// What an order needs besides the document.
#[derive(Clone, Debug)]
pub struct EnterOptions {
    /// The site's day: posting date of the session, and order date where none was sent.
    pub today: Date,
    /// The mark, where the site has the column.
    pub marker: Option<String>,
}

/// What Sage answers to a question outside an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// The answer.
    Given(T),
    /// A state of Sage in which work waits.
    Condition(Condition, String),
    /// No, for a reason that does not pass by itself.
    Refused(Problem),
}
