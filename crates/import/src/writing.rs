//! What is said to Sage's business objects for each record, in the order in which Sage
//! wants it. Nothing is stored before the header's write.
//!
//! A refused value does not stop the others: all that Sage refuses of a document is told
//! at once. A state of Sage that passes by itself stops at once.

mod customer;
mod desk;
mod look;
mod order;
mod receipt;
mod session;
mod ship_to;

use model::{Numbers, PricedLine, Problem, Totals};
use sage::{BusinessObjects, Call, Condition, Fault};
use values::{Date, Decimal};

use crate::plan::{Identities, Write};
use desk::{Desk, Filled, Purpose, Stop};

pub use look::read_back_through_objects;
pub use receipt::{allot, check_batch, next_deposit, open_batch};
pub use session::{Login, enter_program, next_number, open_session, release_session};

/// A step of entering a record, told just before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The record's key is about to be set.
    BeforeSetKey,
    /// It is set, and the record is new (for a change: it is loaded).
    AfterSetKey,
    /// The header's fields are set.
    HeaderSet,
    /// This line (from 0) is kept in the record under work.
    LineWritten(usize),
    /// The header is about to be written; from here on the record may be stored.
    BeforeHeaderWrite,
    /// Sage said that it is written.
    AfterHeaderWrite,
}

/// How entering a record ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Sage said that it is written.
    Entered {
        /// As Sage computed them.
        totals: Totals,
        /// Numbers besides those in the identity; often none.
        numbers: Numbers,
        /// Sum of the lines as they were entered, when Sage told all of them.
        extension: Option<Decimal>,
        /// Each line's price as Sage keeps it; only orders have them.
        lines: Vec<PricedLine>,
        /// What Sage took with a warning, and differences that do not hold the document.
        warnings: Vec<String>,
    },
    /// Differences that a person may accept, found before the header's write. Nothing is
    /// stored.
    Held {
        /// All of them.
        problems: Vec<Problem>,
        /// What Sage took with a warning.
        warnings: Vec<String>,
    },
    /// Sage does not take values, or the record.
    Refused {
        /// All that can be found at once, and in Sage's words why.
        problems: Vec<Problem>,
        /// The header's write said so, not a step before it.
        at_header_write: bool,
        /// What Sage took with a warning.
        warnings: Vec<String>,
    },
    /// A state of Sage in which the document waits.
    Condition {
        /// Which.
        condition: Condition,
        /// Sage's words; they tell who holds a lock.
        detail: String,
        /// The header's write met it, not a step before it.
        at_header_write: bool,
    },
    /// The record is in a file for somebody to import: whether it is in Sage shows later.
    HandedOver {
        /// What is waited for.
        problem: Problem,
    },
    /// Another record is loaded under the key.
    KeyTaken,
    /// A call did not come back with an answer.
    Faulted {
        /// In the engine's words.
        fault: Fault,
        /// The header's write was begun.
        began: bool,
    },
}

/// What a record needs besides the plan.
#[derive(Clone, Debug)]
pub struct EnterContext<'a> {
    /// The site's day: posting date of the session, and order date where none was sent.
    pub today: Date,
    /// The mark, where the record's table has the column.
    pub marker: Option<String>,
    /// What earlier writes of the document became, by place in the plan.
    pub earlier: &'a Identities,
    /// What the other receipts in a receipt's deposit come to, from
    /// [`deposited`](crate::read_back::receipt::deposited); none when that cannot be told,
    /// and for other records.
    pub deposited: Option<Decimal>,
}

/// What Sage answers to a question outside a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// The answer.
    Given(T),
    /// A state of Sage in which work waits, in its words.
    Condition(Condition, String),
    /// No, for a reason that does not pass by itself.
    Refused(Problem),
}

/// Enters and writes a record under its identity, in a session in which its program is
/// open.
///
/// `progress` hears of each step; when it does not return, nothing more happens. Calls
/// that were not made cannot store anything: `Faulted { began: false }` means that no
/// record exists.
pub fn enter(
    objects: &mut dyn BusinessObjects,
    identity: &str,
    write: &Write,
    context: &EnterContext<'_>,
    progress: &mut dyn FnMut(Step),
) -> Entry {
    let mut desk = Desk::new(objects, Purpose::Store);
    match fill_checked(&mut desk, identity, write, context, progress) {
        Ok(filled) => store(&mut desk, identity, write, context, filled, progress),
        Err(stop) => forget(&mut desk, stop),
    }
}

/// The same calls without the header's write: what the record would come to, or why it would
/// be held or refused. The record under work is dropped; nothing of it is stored.
pub fn preview(
    objects: &mut dyn BusinessObjects,
    identity: &str,
    write: &Write,
    context: &EnterContext<'_>,
) -> Entry {
    let mut desk = Desk::new(objects, Purpose::Preview);
    match fill_checked(&mut desk, identity, write, context, &mut |_| ()) {
        Ok(filled) => match desk.objects.call(&Call::DropObject {
            object: filled.record,
        }) {
            Ok(_) => entered(desk.warnings, filled),
            Err(fault) => Entry::Faulted { fault, began: false },
        },
        Err(stop) => forget(&mut desk, stop),
    }
}

/// Fills the record in, and stops when anything is in the way of writing it.
fn fill_checked(
    desk: &mut Desk<'_>,
    identity: &str,
    write: &Write,
    context: &EnterContext<'_>,
    progress: &mut dyn FnMut(Step),
) -> Result<Filled, Stop> {
    // Sessions outlive midnight.
    let date = Call::SetDate {
        module: write.program().module.into(),
        date: context.today,
    };
    desk.call(&date, "session_refused", "")?;
    let filled = match write {
        Write::Customer(customer) => customer::fill(desk, identity, customer, context, progress),
        Write::CustomerChange(change) => customer::fill_change(desk, change, progress),
        Write::ShipTo(ship_to) => ship_to::fill(desk, identity, ship_to, context, progress),
        Write::SalesOrder(order) => order::fill(desk, identity, order, context, progress),
        Write::Receipt(receipt) => receipt::fill(desk, identity, receipt, context, progress),
    }?;
    if !desk.problems.is_empty() || !desk.holds.is_empty() {
        return Err(Stop::Told);
    }
    Ok(filled)
}

fn store(
    desk: &mut Desk<'_>,
    identity: &str,
    write: &Write,
    context: &EnterContext<'_>,
    mut filled: Filled,
    progress: &mut dyn FnMut(Step),
) -> Entry {
    let object = filled.record;
    progress(Step::BeforeHeaderWrite);
    let code = match write {
        Write::SalesOrder(_) => "order_refused",
        Write::Customer(_) | Write::CustomerChange(_) => "customer_refused",
        Write::ShipTo(_) => "ship_to_refused",
        Write::Receipt(_) => "receipt_refused",
    };
    if let Err(stop) = desk.call(&Call::Write { object }, code, "") {
        if !matches!(stop, Stop::Fault(_)) {
            // The answer is known; what is found by reading back decides.
            let is_dropped = desk.objects.call(&Call::DropObject { object }).is_ok();
            desk.under_work = None;
            if is_dropped && let Write::Receipt(receipt) = write {
                let _ = receipt::refused(desk, identity, receipt, filled.has_new_deposit, context);
            }
        }
        return ended(desk, stop, true);
    }
    progress(Step::AfterHeaderWrite);
    // A failure from here on is none of the write.
    let is_dropped = desk.objects.call(&Call::DropObject { object }).is_ok();
    if is_dropped && let Write::SalesOrder(order) = write {
        order::compare_stored(desk, identity, order, &mut filled);
    }
    entered(std::mem::take(&mut desk.warnings), filled)
}

fn entered(warnings: Vec<String>, filled: Filled) -> Entry {
    Entry::Entered {
        totals: filled.totals,
        numbers: filled.numbers,
        extension: filled.extension,
        lines: filled.lines,
        warnings,
    }
}

/// Forgets the record under work and frees its lock. A fault here changes nothing: nothing
/// was written.
fn forget(desk: &mut Desk<'_>, stop: Stop) -> Entry {
    if !matches!(stop, Stop::Fault(_))
        && let Some(object) = desk.under_work.take()
    {
        let _ = desk.objects.call(&Call::DropObject { object });
    }
    ended(desk, stop, false)
}

fn ended(desk: &mut Desk<'_>, stop: Stop, at_header_write: bool) -> Entry {
    let warnings = std::mem::take(&mut desk.warnings);
    let mut problems = std::mem::take(&mut desk.problems);
    let holds = std::mem::take(&mut desk.holds);
    match stop {
        Stop::Fault(fault) => {
            return Entry::Faulted {
                fault,
                began: at_header_write,
            };
        }
        Stop::Condition(condition, detail) => {
            return Entry::Condition {
                condition,
                detail,
                at_header_write,
            };
        }
        Stop::KeyTaken => return Entry::KeyTaken,
        // As after a write that was refused: what is found by reading back decides.
        Stop::IsThere(problem) => {
            return Entry::Refused {
                problems: vec![problem],
                at_header_write: true,
                warnings,
            };
        }
        Stop::Refused(problem) => problems.push(problem),
        Stop::Told => {}
    }
    if problems.is_empty() {
        return Entry::Held {
            problems: holds,
            warnings,
        };
    }
    problems.extend(holds);
    Entry::Refused {
        problems,
        at_header_write,
        warnings,
    }
}
