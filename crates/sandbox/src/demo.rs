//! Company ABC: a distributor of office goods as a demonstration company would show it.
//! Everything follows from the plan's seed.

use rusqlite::Connection;
use values::{Date, Decimal, Stamp};

use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;

mod amounts;
mod customers;
mod day;
mod descriptions;
mod history;
mod items;
mod leavers;
mod options;
mod orders;
mod prices;
mod purchasing;
mod receivables;
mod setup;
mod words;

/// Writes the whole company.
pub(crate) fn write(connection: &Connection, plan: &Plan) -> Result<(), SandboxError> {
    setup::write(connection, plan)?;
    let mut items = items::draw(plan);
    let customers = customers::draw(plan);
    options::write(connection, plan, &customers)?;
    prices::write(connection, plan, &items, &customers)?;
    let mut ledger = customers::Ledger::new(customers.len());
    let orders = orders::draw(plan, &items, &customers);
    orders::write(connection, plan, &orders, &mut items, &customers, &mut ledger)?;
    history::write(connection, plan, &orders, &items, &customers, &mut ledger)?;
    receivables::write_deposits(connection, plan, &orders, &customers)?;
    day::write(connection, plan, &orders, &items, &customers, &ledger)?;
    purchasing::write(connection, plan, &mut items)?;
    items::write(connection, plan, &items)?;
    descriptions::write(connection, &items, &customers)?;
    customers::write(connection, plan, &customers, &ledger)?;
    leavers::write(connection, plan)
}

/// User keys that records carry, beside [`crate::maintenance::USER_KEY`].
const USERS: [&str; 3] = [crate::maintenance::USER_KEY, "0000000002", "0000000003"];

/// The three warehouses.
const WAREHOUSES: [&str; 3] = ["000", "001", "002"];

/// `days` before this date.
fn days_before(date: Date, days: i64) -> Date {
    jiff::Span::new()
        .try_days(days)
        .map_or(date, |span| date.saturating_sub(span))
}

/// A moment of office hours on a day from `newest` to `oldest` days before today.
fn moment(random: &mut Random, plan: &Plan, newest: i64, oldest: i64) -> Stamp {
    let date = days_before(plan.today, random.between(newest, oldest));
    office_hours(random, date)
}

/// A moment of office hours on this day.
fn office_hours(random: &mut Random, date: Date) -> Stamp {
    let second = random.between(8 * 3600, 17 * 3600 + 1800);
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    Stamp::of(midnight.saturating_add(jiff::Span::new().seconds(second)))
}

/// Cents as Sage keeps amounts (`84.00`).
fn amount(cents: i64) -> String {
    Decimal::new(cents, 2).to_string()
}

/// Cents as Sage keeps prices and costs (`84.000000`).
fn price(cents: i64) -> String {
    Decimal::new(cents.saturating_mul(10_000), 6).to_string()
}

/// Whole units as Sage keeps quantities (`12.000000`).
fn quantity(units: i64) -> String {
    Decimal::new(units.saturating_mul(1_000_000), 6).to_string()
}

/// Tenths of a percent as Sage keeps rates (`10.000`).
fn rate(tenths: i64) -> String {
    Decimal::new(tenths.saturating_mul(100), 3).to_string()
}
