//! What columns of a master record accept, as tables of rules.

use rusqlite::{Connection, OptionalExtension};
use sage::Return;
use values::Decimal;

use super::codes::{self, AVATAX};
use super::input::{is_negative, refused};
use super::keyed::KeyedRecord;
use super::record::{Cell, Record, StoreError};
use super::settings;

/// Stamps, which Sage sets.
const STAMPS: [&str; 6] = [
    "DateCreated",
    "TimeCreated",
    "UserCreatedKey",
    "DateUpdated",
    "TimeUpdated",
    "UserUpdatedKey",
];

/// The rules of one table.
pub(crate) struct Rules {
    /// Columns that Sage works out by itself, stamps apart.
    pub(crate) computed: &'static [&'static str],
    /// Columns without which nothing is written.
    pub(crate) required: &'static [&'static str],
    /// Columns with a code, the code's table, and its column there.
    pub(crate) codes: &'static [(&'static str, &'static str, &'static str)],
    /// Columns that take one of some letters.
    pub(crate) choices: &'static [(&'static str, &'static [&'static str])],
    /// Amounts that are not below zero.
    pub(crate) positive: &'static [&'static str],
}

impl Rules {
    /// Why the column does not take the value.
    pub(crate) fn refusal(
        &self,
        db: &Connection,
        name: &str,
        cell: &Cell,
    ) -> Result<Option<Return>, StoreError> {
        if STAMPS.contains(&name) || self.computed.contains(&name) {
            return Ok(Some(refused(format!("The {name} cannot be changed."))));
        }
        if self.positive.contains(&name) && is_negative(cell) {
            return Ok(Some(refused(format!("The {name} must not be negative."))));
        }
        let Cell::Text(text) = cell else {
            return Ok(None);
        };
        if text.is_empty() {
            return Ok(None);
        }
        if let Some((_, choices)) = self.choices.iter().find(|(column, _)| *column == name)
            && !choices.contains(&text.as_str())
        {
            return Ok(Some(refused(format!("The {name} {text} is not valid."))));
        }
        let is_free = match name {
            "TaxSchedule" => text == AVATAX,
            "ShipMethod" | "ShipVia" => settings::is(db, "ship_via", "free")?,
            _ => false,
        };
        if is_free {
            return Ok(None);
        }
        if let Some((_, table, column)) = self.codes.iter().find(|(column, ..)| *column == name) {
            return unknown_code(db, name, text, table, &[(column, text)]);
        }
        Ok(None)
    }

    /// Why the record may not be written yet.
    pub(crate) fn missing(&self, row: &Record) -> Option<Return> {
        let missing = self.required.iter().find(|name| match row.cell(name) {
            Some(Cell::Text(text)) => text.is_empty(),
            Some(Cell::Date(date)) => date.is_none(),
            Some(Cell::Number(number)) => *number == Decimal::zero(number.scale()),
            None => false,
        });
        missing.map(|name| refused(format!("The {name} is required.")))
    }
}

/// Refuses a code that its table does not have. A company without any such code does not
/// keep them: then every code is taken.
pub(crate) fn unknown_code(
    db: &Connection,
    name: &str,
    code: &str,
    table: &str,
    having: &[(&str, &str)],
) -> Result<Option<Return>, StoreError> {
    let is_unknown = codes::on_file(db, table, having)? == Some(false);
    Ok(is_unknown.then(|| refused(format!("The {name} {code} is not on file."))))
}

/// Sets the salesperson, whose number is one inside a division; `division` stands where
/// none was set.
pub(crate) fn set_salesperson(
    db: &Connection,
    keyed: &mut KeyedRecord,
    name: &str,
    text: &str,
    division: &str,
) -> Result<Option<Return>, StoreError> {
    if name == "SalespersonDivisionNo" {
        if keyed.row.text(name) != text {
            keyed.put_text("SalespersonNo", "");
        }
        keyed.put_text(name, text);
        return Ok(None);
    }
    let stored = keyed.row.text("SalespersonDivisionNo").to_owned();
    let of = if stored.is_empty() { division } else { &stored };
    let key = [("SalespersonDivisionNo", of), ("SalespersonNo", text)];
    if !text.is_empty()
        && let Some(refusal) = unknown_code(db, name, &format!("{of}-{text}"), "AR_Salesperson", &key)?
    {
        return Ok(Some(refusal));
    }
    keyed.put_text("SalespersonDivisionNo", if text.is_empty() { "" } else { of });
    keyed.put_text(name, text);
    Ok(None)
}

/// City and state of a postal code, with the switch `zip_lookup` on: as the setting
/// `zip:CODE` (`City,ST`) says, else as another customer has them.
pub(crate) fn town_of(db: &Connection, zip: &str) -> Result<Option<(String, String)>, StoreError> {
    let zip: String = zip.chars().take(5).collect();
    if zip.is_empty() || !settings::is(db, "zip_lookup", "Y")? {
        return Ok(None);
    }
    if let Some(town) = settings::get(db, &format!("zip:{zip}"))? {
        let (city, state) = town.split_once(',').unwrap_or((&town, ""));
        return Ok(Some((city.trim().to_owned(), state.trim().to_owned())));
    }
    let mut statement = db.prepare_cached(
        "SELECT City, State FROM AR_Customer WHERE substr(ZipCode, 1, 5) = ?1 AND City <> ''
         ORDER BY ARDivisionNo, CustomerNo LIMIT 1",
    )?;
    let town = statement.query_row([zip], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(town.optional()?)
}
