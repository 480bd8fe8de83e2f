//! Is there a ship-to address under a key of ours, and is it ours?

use std::collections::BTreeMap;

use sage::Select;

use super::customer::Writer;
use super::master::{self, Traits};
use super::{Columns, Finding, Place};
use crate::identity::parts;
use crate::plan::ShipToWrite;
use crate::rows::Row;

const TRAITS: Traits = Traits {
    name: "ShipToName",
    contacts: &[&["ShipToAddress1", "ShipToZipCode"]],
};

/// What is read to find it.
#[must_use]
pub fn selects(identity: &str, columns: &Columns) -> Vec<(Place, Select)> {
    let parts = parts(identity);
    let [division, customer, code] = parts.as_slice() else {
        return Vec::new();
    };
    let key = [
        ("ARDivisionNo", division.as_str()),
        ("CustomerNo", customer),
        ("ShipToCode", code),
    ];
    master::select(Place::ShipTo, &TRAITS, &key, columns)
        .map(|select| (Place::ShipTo, select))
        .into_iter()
        .collect()
}

/// Decides from the rows of [`selects`], as for customers: ours with our mark, or our Sage
/// user's since the code was reserved with our name and address; somebody else's with
/// another mark, of another user, or with another name and another address.
#[must_use]
pub fn classify(
    identity: &str,
    write: &ShipToWrite,
    writer: &Writer<'_>,
    rows: &BTreeMap<Place, Vec<Row>>,
) -> Finding {
    match master::row_of(rows, Place::ShipTo) {
        Err(finding) => finding,
        Ok(row) => {
            let whose = format!("ship-to address {identity}, {}", row.text("ShipToName"));
            master::judge(writer, &TRAITS, &write.settings, row, whose)
        }
    }
}
