//! Writes that are broken off: what stands in the tables afterwards.

use std::time::Duration;

use sage::{BusinessObjects as _, Call};

use super::bench::{Bench, Seat, Seen, Trouble};
use super::orders::{Draft, LINES, PROGRAM, draft, order_number};
use super::{Check, Verdict};

/// When the caller ends inside the write, and whether Sage's process does too, so long after
/// it. A write takes from some milliseconds to seconds.
const TRIES: [(Duration, Option<Duration>); 5] = [
    (Duration::from_millis(1), None),
    (Duration::from_millis(15), None),
    (Duration::from_millis(60), None),
    (Duration::from_millis(4), Some(Duration::from_millis(50))),
    (Duration::from_millis(60), Some(Duration::from_millis(400))),
];

/// A write that was broken off.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// Sage's process was left to itself.
    is_left: bool,
    /// How long it lived on, if it ended by itself.
    lived: Option<Duration>,
    /// Sage had answered before the caller ended.
    is_answered: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    Absent,
    Partial,
}

pub(super) fn atomic(bench: &mut Bench) -> Result<Seen, Trouble> {
    let customer = bench.samples.customer(&mut bench.tables)?;
    let items = bench.samples.items(&mut bench.tables)?;
    let mut torn = Vec::new();
    for (deadline, cut) in TRIES {
        let po = bench.next_po();
        let mut seat = bench.open()?;
        let number = match begin(bench, &mut seat, &customer, &po, &items) {
            Ok((number, record)) => {
                seat.bridge.set_deadline(deadline);
                let is_answered = seat.bridge.call(&Call::Write { object: record }).is_ok();
                let lived = match cut {
                    None => bench.end(seat),
                    Some(moment) => bench.cut(seat, moment),
                };
                let state = look(bench, &number, items.len())?;
                bench.attempts.push(Attempt {
                    is_left: cut.is_none(),
                    lived,
                    is_answered,
                    state,
                });
                number
            }
            Err(trouble) => {
                bench.end(seat);
                return Err(trouble);
            }
        };
        match bench.attempts.last().map(|attempt| attempt.state) {
            Some(State::Partial) => {
                bench.made(format!("sales order {number}, torn"));
                torn.push(number);
            }
            Some(State::Whole) => bench.made(format!("sales order {number}")),
            Some(State::Absent) | None => {}
        }
    }
    let count = |state: State| bench.attempts.iter().filter(|a| a.state == state).count();
    let words = format!(
        "of {} orders {} are whole, {} absent, {} torn",
        bench.attempts.len(),
        count(State::Whole),
        count(State::Absent),
        count(State::Partial)
    );
    Ok(if torn.is_empty() {
        Seen::new(Verdict::Shown, words)
    } else {
        Seen::new(
            Verdict::Differs,
            format!("{words} ({}): a torn order is held for a person", torn.join(", ")),
        )
    })
}

fn begin(
    bench: &Bench,
    seat: &mut Seat,
    customer: &model::CustomerRef,
    po: &str,
    items: &[String],
) -> Result<(String, sage::ObjectId), Trouble> {
    bench.enter(seat, PROGRAM)?;
    let number = order_number(&mut seat.bridge)?;
    let order = Draft {
        number: &number,
        customer,
        po,
        items,
    };
    let record = draft(&mut seat.bridge, &order)?;
    Ok((number, record))
}

fn look(bench: &mut Bench, number: &str, lines: usize) -> Result<State, Trouble> {
    let key = [("SalesOrderNo", number)];
    let headers = bench
        .tables
        .texts("SO_SalesOrderHeader", &["SalesOrderNo"], &key, 2)?;
    let found = bench.tables.texts(LINES, &["ItemCode"], &key, 100)?;
    Ok(match (headers.len(), found.len()) {
        (0, 0) => State::Absent,
        (1, found) if found >= lines => State::Whole,
        _ => State::Partial,
    })
}

/// What the same tries tell about the time after the caller's end; none when there were none.
pub(super) fn late_commit(bench: &Bench) -> Option<Check> {
    let left: Vec<&Attempt> = bench.attempts.iter().filter(|a| a.is_left).collect();
    if left.is_empty() {
        return None;
    }
    let late = left
        .iter()
        .filter(|a| !a.is_answered && a.state == State::Whole)
        .count();
    let longest = left.iter().filter_map(|a| a.lived).max().unwrap_or_default();
    let is_over = left.iter().all(|a| a.lived.is_some());
    let words = format!(
        "{late} of {} orders were stored after their caller had ended; Sage's process {}",
        left.len(),
        if is_over {
            format!("ended by itself within {} ms", longest.as_millis())
        } else {
            "had to be ended: it outlives orders.fence_wait_s".to_owned()
        }
    );
    Some(Check {
        name: "late_commit",
        done: "wait for Sage's process after its caller was ended inside a write",
        seen: words,
        verdict: if is_over { Verdict::Shown } else { Verdict::Differs },
    })
}
