//! Is there a customer under a key of ours, and is it ours? Did a change come through?

use std::collections::BTreeMap;

use sage::{Column, Scalar, Select};
use values::Kind;

use super::lookup::by_key;
use super::master::{self, Traits, has_value};
use super::{Columns, Finding, Place};
use crate::identity::customer_of;
use crate::plan::{CustomerChange, CustomerWrite};
use crate::rows::Row;

pub use super::master::Writer;

const TRAITS: Traits = Traits {
    name: "CustomerName",
    contacts: &[&["EmailAddress"], &["AddressLine1", "ZipCode"]],
};

/// What is read to find a new customer.
#[must_use]
pub fn selects(identity: &str, columns: &Columns) -> Vec<(Place, Select)> {
    let Some(customer) = customer_of(identity) else {
        return Vec::new();
    };
    let key = [
        ("ARDivisionNo", customer.ar_division_no.as_str()),
        ("CustomerNo", customer.customer_no.as_str()),
    ];
    master::select(Place::Customer, &TRAITS, &key, columns)
        .map(|select| (Place::Customer, select))
        .into_iter()
        .collect()
}

/// Decides from the rows of [`selects`].
///
/// Ours with our mark; or, where the site has no column for it, when our Sage user created
/// it since the number was reserved, under our name, and not with another e-mail and
/// address. Somebody else's with another mark, of another user, or when both name and
/// e-mail or address are another's and it is not our user's work of since then. Everything
/// else is unclear.
#[must_use]
pub fn classify(
    identity: &str,
    write: &CustomerWrite,
    writer: &Writer<'_>,
    rows: &BTreeMap<Place, Vec<Row>>,
) -> Finding {
    match master::row_of(rows, Place::Customer) {
        Err(finding) => finding,
        Ok(row) => {
            let whose = format!("customer {identity}, {}", row.text("CustomerName"));
            master::judge(writer, &TRAITS, &write.settings, row, whose)
        }
    }
}

/// What is read to see whether a change came through.
#[must_use]
pub fn change_selects(change: &CustomerChange, columns: &Columns) -> Vec<(Place, Select)> {
    let key = [
        ("ARDivisionNo", change.customer.ar_division_no.as_str()),
        ("CustomerNo", change.customer.customer_no.as_str()),
    ];
    let Some(has) = columns
        .get(Place::Customer.table())
        .filter(|has| key.iter().all(|(column, _)| has.contains(*column)))
    else {
        return Vec::new();
    };
    let mut wanted: Vec<Column> = key
        .iter()
        .map(|(name, _)| Column::new(*name, Kind::Text))
        .collect();
    for setting in &change.settings {
        let name = setting.column.trim_end_matches('$');
        let kind = match &setting.value {
            Scalar::Text(_) => Kind::Text,
            Scalar::Number(number) => Kind::Decimal {
                scale: number.scale(),
            },
        };
        if has.contains(name) && wanted.iter().all(|column| column.name != name) {
            wanted.push(Column::new(name, kind));
        }
    }
    vec![(Place::Customer, by_key(Place::Customer, wanted, &key))]
}

/// Decides from the rows of [`change_selects`].
///
/// A write of Sage's takes all columns or none, so that all of them new means that it came
/// through, and none of them that it did not. It does not matter who made them so. A
/// mixture, or a column that cannot be read, is for a person. A customer that is gone has
/// not been changed; entering the change again says so.
#[must_use]
pub fn classify_change(change: &CustomerChange, rows: &BTreeMap<Place, Vec<Row>>) -> Finding {
    let row = match master::row_of(rows, Place::Customer) {
        Err(finding) => return finding,
        Ok(row) => row,
    };
    let mut last = BTreeMap::new();
    for setting in &change.settings {
        last.insert(setting.column.trim_end_matches('$'), &setting.value);
    }
    let compared: Vec<(&str, Option<bool>)> = last
        .into_iter()
        .map(|(column, value)| (column, has_value(row, column, value)))
        .collect();
    let having = |wanted: Option<bool>| {
        let names: Vec<&str> = compared
            .iter()
            .filter(|(_, found)| *found == wanted)
            .map(|(column, _)| *column)
            .collect();
        names
    };
    let (new, old, unread) = (having(Some(true)), having(Some(false)), having(None));
    match (new.is_empty(), old.is_empty(), unread.is_empty()) {
        (false, true, true) => master::ours(),
        // One column that is still as it was proves that nothing was written.
        (true, false, _) => Finding::Absent,
        (false, false, _) => Finding::Unclear {
            why: format!("{} are as sent, {} are not", new.join(", "), old.join(", ")),
        },
        (_, true, _) => Finding::Unclear {
            why: format!("{} cannot be read", unread.join(", ")),
        },
    }
}

#[cfg(test)]
mod tests;
