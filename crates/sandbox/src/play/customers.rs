//! Utilities that change a customer's number, which leave no stamps.

use rusqlite::{Connection, params};

use super::{Options, PlayError, Report, in_transaction};
use crate::Company;
use crate::objects::record::Record;
use crate::random::Random;
use crate::row::TableShape;

/// A customer's key.
type Customer = (String, String);

/// Pairs of columns that name a customer.
const NAMES: [(&str, &str); 3] = [
    ("ARDivisionNo", "CustomerNo"),
    ("BillToDivisionNo", "BillToCustomerNo"),
    ("SoldToDivisionNo", "SoldToCustomerNo"),
];

/// What a customer owes and has ordered.
const AMOUNTS: [&str; 7] = [
    "CurrentBalance",
    "AgingCategory1",
    "AgingCategory2",
    "AgingCategory3",
    "AgingCategory4",
    "UnpaidServiceChrg",
    "OpenOrderAmt",
];

/// The customer gets a number that nobody had.
pub(super) fn renumber(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let mut random = Random::for_part(options.seed, "renumber-customer");
    in_transaction(company, |db| {
        let from = pick(db, &mut random, None)?;
        let mut number = 1_u32;
        let to = loop {
            let to = (from.0.clone(), format!("REN{number:04}"));
            if !exists(db, &to)? {
                break to;
            }
            number += 1;
        };
        move_all(db, &from, &to)
    })
}

/// The customer's records go over to another customer; what the other one has already stays.
pub(super) fn merge(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let mut random = Random::for_part(options.seed, "merge-customer");
    in_transaction(company, |db| {
        let from = pick(db, &mut random, None)?;
        let to = pick(db, &mut random, Some(&from))?;
        let owing = Record::look_up(db, "AR_Customer", &key(&from))?;
        let mut report = move_all(db, &from, &to)?;
        let into = Record::look_up(db, "AR_Customer", &key(&to))?;
        if let (Some(owing), Some(into)) = (owing, into) {
            take_over(db, &owing, into, &mut report)?;
        }
        Ok(report)
    })
}

fn pick(db: &Connection, random: &mut Random, not: Option<&Customer>) -> Result<Customer, PlayError> {
    let mut select = db.prepare(
        "SELECT ARDivisionNo, CustomerNo FROM AR_Customer \
         WHERE NOT (ARDivisionNo = ?1 AND CustomerNo = ?2) ORDER BY ARDivisionNo, CustomerNo",
    )?;
    let (division, number) = not.map_or(("", ""), |(d, n)| (d, n));
    let all: Vec<Customer> = select
        .query_map(params![division, number], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err(PlayError::NothingToDo(
            "the company has too few customers".to_owned(),
        ));
    }
    Ok(all[random.place(all.len())].clone())
}

fn key(customer: &Customer) -> [(&str, &str); 2] {
    [("ARDivisionNo", &customer.0), ("CustomerNo", &customer.1)]
}

/// What the one owed and had ordered, the other one owes and has ordered.
fn take_over(
    db: &Connection,
    owing: &Record,
    mut into: Record,
    report: &mut Report,
) -> Result<(), PlayError> {
    let mut owed_nothing = true;
    for column in AMOUNTS {
        let amount = owing.number(column);
        owed_nothing &= amount.is_zero();
        into.put_number(column, into.number(column).checked_add(amount)?)?;
    }
    if !owed_nothing {
        into.store(db)?;
        report.updated("AR_Customer", 1);
    }
    Ok(())
}

/// Sage's tables as they are in the file, those that a load has made too.
fn shapes(db: &Connection) -> Result<Vec<TableShape>, PlayError> {
    let names = super::texts(
        db,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' \
         AND name NOT LIKE 'sandbox%' ORDER BY name",
    )?;
    let shapes = names.iter().map(|name| TableShape::of(db, name));
    Ok(shapes.collect::<Result<_, _>>()?)
}

fn exists(db: &Connection, customer: &Customer) -> Result<bool, PlayError> {
    let mut find =
        db.prepare_cached("SELECT 1 FROM AR_Customer WHERE ARDivisionNo = ?1 AND CustomerNo = ?2")?;
    Ok(find.exists(params![customer.0, customer.1])?)
}

fn move_all(db: &Connection, from: &Customer, to: &Customer) -> Result<Report, PlayError> {
    let mut report = Report::default();
    report.key(
        "AR_Customer",
        format!("{}:{} -> {}:{}", from.0, from.1, to.0, to.1),
    );
    for table in shapes(db)? {
        for (division, number) in NAMES {
            if !(table.has(division) && table.has(number)) {
                continue;
            }
            // A row whose key the other customer has already is dropped, as Sage does.
            let moved = db.execute(
                &format!("UPDATE OR IGNORE {} SET {division} = ?3, {number} = ?4 WHERE {division} = ?1 AND {number} = ?2", table.name),
                params![from.0, from.1, to.0, to.1],
            )?;
            let dropped = db.execute(
                &format!(
                    "DELETE FROM {} WHERE {division} = ?1 AND {number} = ?2",
                    table.name
                ),
                params![from.0, from.1],
            )?;
            if moved > 0 {
                report.updated(&table.name, moved as u64);
            }
            if dropped > 0 {
                report.deleted(&table.name, dropped as u64);
            }
        }
    }
    Ok(report)
}
