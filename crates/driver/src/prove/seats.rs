//! Sessions, locks, and what tells who wrote a record.

use import::MARKER_COLUMN;
use sage::Condition;

use super::Verdict;
use super::bench::{Bench, Seat, Seen, Trouble, drop_object, key, object};
use super::orders::{PROGRAM, written};

const SESSIONS: &str = "SY_Console";
/// Tables whose records carry the driver's mark.
const MARKED: [&str; 3] = ["SO_SalesOrderHeader", "AR_Customer", "SO_ShipToAddress"];

pub(super) fn locked(bench: &mut Bench) -> Result<Seen, Trouble> {
    let (number, _) = written(bench)?;
    let bridge = bench.at(PROGRAM)?;
    let held = object(bridge, PROGRAM.object)?;
    if key(bridge, held, &[("SalesOrderNo", &number)])?.code != 1 {
        return Err(Trouble::Nothing(format!("order {number} could not be opened")));
    }
    let mut second = bench.open()?;
    let seen = open_held(bench, &mut second, &number);
    bench.release(second);
    drop_object(bench.at(PROGRAM)?, held)?;
    seen
}

fn open_held(bench: &Bench, second: &mut Seat, number: &str) -> Result<Seen, Trouble> {
    bench.enter(second, PROGRAM)?;
    let record = object(&mut second.bridge, PROGRAM.object)?;
    let answer = key(&mut second.bridge, record, &[("SalesOrderNo", number)])?;
    if answer.code != 0 {
        return Ok(Seen::new(
            Verdict::Differs,
            format!(
                "a second session opens order {number} too (nSetKey answers {})",
                answer.code
            ),
        ));
    }
    let is_lock = Condition::of_message(&answer.message) == Some(Condition::RecordLocked);
    Ok(match Condition::locked_by(&answer.message) {
        Some(who) if is_lock => Seen::new(Verdict::Shown, format!("Sage names {who}: {}", answer.message)),
        Some(_) | None => Seen::new(
            Verdict::Differs,
            format!("Sage does not name who has it: {}", answer.message),
        ),
    })
}

pub(super) fn sessions(bench: &mut Bench) -> Result<Seen, Trouble> {
    bench.at(PROGRAM)?;
    if !bench.tables.has(SESSIONS)? {
        return Err(Trouble::Nothing(format!("{SESSIONS} cannot be read here")));
    }
    let one = listed(bench)?;
    let mut second = bench.open()?;
    let two = bench.enter(&mut second, PROGRAM).and_then(|()| listed(bench));
    bench.release(second);
    let two = two?;
    Ok(if two > one {
        Seen::new(
            Verdict::Shown,
            format!("{SESSIONS} lists {one} with one session and {two} with two"),
        )
    } else {
        Seen::new(
            Verdict::NotShown,
            format!("{SESSIONS} lists {one} with one session and {two} with two: seats cannot be counted"),
        )
    })
}

fn listed(bench: &mut Bench) -> Result<usize, Trouble> {
    Ok(bench
        .tables
        .texts(SESSIONS, &["WorkstationName"], &[], 1_000)?
        .len())
}

pub(super) fn markers(bench: &mut Bench) -> Result<Seen, Trouble> {
    let mut without = Vec::new();
    for table in MARKED {
        let columns = bench.tables.columns(table)?;
        if !columns.iter().any(|column| column == MARKER_COLUMN) {
            without.push(table);
        }
    }
    Ok(if without.is_empty() {
        Seen::new(Verdict::Shown, format!("{MARKER_COLUMN} is there"))
    } else {
        Seen::new(
            Verdict::NotShown,
            format!(
                "{} without {MARKER_COLUMN}: records are told by user and content alone",
                without.join(", ")
            ),
        )
    })
}

pub(super) fn user_key(bench: &mut Bench) -> Result<Seen, Trouble> {
    let (number, _) = written(bench)?;
    let user = bench.setup.login.user.clone();
    let mut own = String::new();
    for spelling in [user.clone(), user.to_uppercase(), user.to_lowercase()] {
        let key = [("UserLogon", spelling.as_str())];
        let rows = bench.tables.texts("SY_User", &["UserKey"], &key, 1)?;
        if let Some(row) = rows.first() {
            own = row.text("UserKey").to_owned();
            break;
        }
    }
    let key = [("SalesOrderNo", number.as_str())];
    let columns = ["UserCreatedKey"];
    let rows = bench.tables.texts("SO_SalesOrderHeader", &columns, &key, 1)?;
    let creator = rows.first().map_or("", |row| row.text("UserCreatedKey"));
    Ok(if own.is_empty() {
        Seen::new(
            Verdict::NotShown,
            format!("SY_User has no {user}: who created a record is not known"),
        )
    } else if own == creator {
        Seen::new(
            Verdict::Shown,
            format!("order {number} carries {own}, the key of {user}"),
        )
    } else {
        Seen::new(
            Verdict::Differs,
            format!("order {number} carries {creator:?}, and {user} has {own:?}"),
        )
    })
}
